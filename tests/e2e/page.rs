//! The built-in page in a real browser: its layout, its countdown, and its reload.
//!
//! Without Chromium, these tests print a note and pass, except with `CI=true`. They write screenshots to
//! `target/tmp/page`.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use headless_chrome::protocol::cdp::{Emulation, Page};
use serde_json::{Value, json};

use crate::support::app::App;
use crate::support::envoy::Envoy;
use crate::support::eventually;
use crate::support::signer::{Signer, document};

mod browser;
mod custom;
mod picture;

use browser::{chromium, open, read, speed_up_timers, text_of};

/// The time this number of seconds from now, in RFC 3339.
fn in_seconds(seconds: u64) -> String {
    jiff::Timestamp::try_from(SystemTime::now() + Duration::from_secs(seconds)).unwrap().to_string()
}

/// An Envoy with an open site that `signer` may close.
async fn site(app: &App, signer: &Signer) -> Envoy {
    let keys = json!([signer.entry("oncall")]);
    let policy = json!({ "fleet": "test", "keys": keys, "sites": [{ "name": "shop" }] });
    let control = json!({ "fleet": "test", "keys": keys, "sites": [], "control": { "path_prefix": "/.maintenance" } });
    Envoy::builder(app.address()).policy(&policy).control(&control).start().await
}

/// Pushes a document of the site, and waits until all workers have adopted it.
async fn set(envoy: &Envoy, signer: &Signer, mode: &str, members: Value) {
    let mut pushed = document("shop", mode);
    for (name, value) in members.as_object().unwrap() {
        pushed[name] = value.clone();
    }
    let (status, answer) = envoy.push("shop", &signer.sign(&pushed)).await;
    assert_eq!(status, 200, "{answer}");
    envoy.wait_adopted("shop", &pushed["revision"]).await;
}

/// The lowest contrast between text and its background on the page (WCAG 2.2, 1.4.3).
const LEAST_CONTRAST: &str = r"(() => {
  const parse = color => color.match(/[\d.]+/g).map(Number);
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = element => {
    for (; element; element = element.parentElement) {
      const color = parse(getComputedStyle(element).backgroundColor);
      if (color.length < 4 || color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  const own = element => [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
  return Math.min(...[...document.querySelectorAll('body *')]
    .filter(element => own(element) && element.tagName !== 'SCRIPT' && element.getClientRects().length)
    .map(element => {
      const [a, b] = [light(parse(getComputedStyle(element).color)), light(behind(element))];
      return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    }));
})()";

#[tokio::test]
async fn the_page_is_readable_in_light_and_dark_mode_on_desktops_and_phones() {
    let Some(chromium) = chromium() else { return };
    let (app, signer) = (App::start(), Signer::generate());
    let envoy = site(&app, &signer).await;
    let reason = "We are moving the database to bigger machines. Orders that you have placed are safe. \
                  https://status.example.com/incidents/averylongnamethatcannotbebrokenanywhere-0123456789-0123456789";
    set(&envoy, &signer, "offline", json!({ "reason": reason, "eta": in_seconds(5400) })).await;
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("page");
    std::fs::create_dir_all(&folder).unwrap();
    let mut grounds = HashMap::new();
    for (name, scheme, width, height) in [
        ("light", "light", 1280, 800),
        ("dark", "dark", 1280, 800),
        ("phone", "light", 360, 740),
        ("phone-dark", "dark", 360, 740),
    ] {
        let tab = chromium.tab();
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1.0, "mobile": width < 500 });
        tab.call_method(serde_json::from_value::<Emulation::SetDeviceMetricsOverride>(metrics).unwrap()).unwrap();
        let media = json!({ "media": "", "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        tab.call_method(serde_json::from_value::<Emulation::SetEmulatedMedia>(media).unwrap()).unwrap();
        open(&tab, &envoy.url("/cart?item=7"));

        assert_eq!(tab.get_title().unwrap(), "Down for maintenance", "{name}");
        assert_eq!(read(&tab, "innerWidth"), width, "{name}");
        assert_eq!(read(&tab, "document.documentElement.scrollWidth"), width, "{name}: it scrolls horizontally");
        assert_eq!(read(&tab, "document.body.innerText.split('Orders that you have placed').length"), 2, "{name}");
        assert_eq!(read(&tab, "performance.getEntriesByType('resource').length"), 0, "{name}: it loads a resource");
        assert_eq!(read(&tab, "document.querySelectorAll('h1').length"), 1, "{name}");
        assert_eq!(read(&tab, "document.documentElement.lang"), "en", "{name}");
        let smallest = read(
            &tab,
            "Math.min(...[...document.querySelectorAll('p:not([hidden])')].map(p => parseFloat(getComputedStyle(p).fontSize)))",
        );
        assert!(smallest.as_f64().unwrap() >= 14.0, "{name}: {smallest} px");
        let contrast = read(&tab, LEAST_CONTRAST);
        assert!(contrast.as_f64().unwrap() >= 4.5, "{name}: contrast {contrast}");
        grounds
            .insert(name, read(&tab, "getComputedStyle(document.querySelector('main')).backgroundColor").to_string());

        let picture = tab.capture_screenshot(Page::CaptureScreenshotFormatOption::Png, None, None, true).unwrap();
        std::fs::write(folder.join(format!("{name}.png")), &picture).unwrap();
        // The width and the height in the PNG header: the screenshot shows the whole page.
        let number = |at: usize| u32::from_be_bytes(picture[at..at + 4].try_into().unwrap());
        assert_eq!((number(16), number(20)), (width, height), "{name}");
        tab.close(false).unwrap();
    }
    assert_eq!(grounds["light"], grounds["phone"]);
    assert_eq!(grounds["dark"], grounds["phone-dark"]);
    assert_ne!(grounds["light"], grounds["dark"], "dark mode has another background");
}

#[tokio::test]
async fn the_page_counts_down_to_eta_and_then_shows_that_it_takes_longer() {
    let Some(chromium) = chromium() else { return };
    let (app, signer) = (App::start(), Signer::generate());
    let envoy = site(&app, &signer).await;
    let late = "This is taking longer than planned. We are still working on it.";
    let tab = chromium.tab();

    set(&envoy, &signer, "offline", json!({ "eta": in_seconds(100 * 60) })).await;
    open(&tab, &envoy.url("/"));
    let said = text_of(&tab, "maintenance-status");
    assert!(said.starts_with("Expected back in about 2 hours, at "), "{said}");
    let seconds = |text: &str| -> Option<u32> {
        let numbers: Option<Vec<u32>> = text.split(':').map(|number| number.parse().ok()).collect();
        Some(numbers?.into_iter().fold(0, |sum, number| sum * 60 + number))
    };
    let first = seconds(&text_of(&tab, "maintenance-timer")).unwrap();
    assert!((5000..=6000).contains(&first), "{first}");
    eventually("the countdown proceeds", async || {
        seconds(&text_of(&tab, "maintenance-timer")).filter(|now| *now + 2 <= first).map(drop)
    })
    .await;
    assert_eq!(
        read(&tab, "document.getElementById('maintenance-timer').getAttribute('aria-hidden')"),
        "true",
        "screen readers do not read the timer"
    );
    assert_eq!(read(&tab, "document.getElementById('maintenance-status').getAttribute('aria-live')"), "polite");

    // The page is open when `eta` passes.
    set(&envoy, &signer, "offline", json!({ "eta": in_seconds(8) })).await;
    open(&tab, &envoy.url("/"));
    eventually("the page shows that it takes longer", async || {
        (text_of(&tab, "maintenance-status") == late).then_some(())
    })
    .await;
    assert_eq!(read(&tab, "document.getElementById('maintenance-timer').hidden"), true);

    // `eta` has passed before the page is opened.
    set(&envoy, &signer, "offline", json!({ "eta": "2020-01-01T00:00:00Z" })).await;
    open(&tab, &envoy.url("/"));
    assert_eq!(text_of(&tab, "maintenance-status"), late);
    assert_eq!(read(&tab, "document.getElementById('maintenance-timer').hidden"), true);

    // The document has no `eta`.
    set(&envoy, &signer, "offline", json!({})).await;
    open(&tab, &envoy.url("/"));
    assert_eq!(text_of(&tab, "maintenance-status"), "We will be back as soon as we can.");
    assert_eq!(read(&tab, "document.getElementById('maintenance-timer').hidden"), true);
}

#[tokio::test]
async fn the_page_shows_new_reasons_and_reloads_when_the_site_opens() {
    let Some(chromium) = chromium() else { return };
    let (app, signer) = (App::start(), Signer::generate());
    let envoy = site(&app, &signer).await;
    let tab = chromium.tab();
    speed_up_timers(&tab);
    for path in ["/cart?item=7", "/basket?item=7#top"] {
        set(&envoy, &signer, "offline", json!({ "reason": "First reason" })).await;
        let hits = app.hits();
        open(&tab, &envoy.url(path));
        assert!(read(&tab, "document.body.innerText").as_str().unwrap().contains("First reason"), "{path}");
        read(&tab, "window.here = true");

        // The page shows a new reason without a reload.
        set(&envoy, &signer, "offline", json!({ "reason": "Second reason", "eta": in_seconds(600) })).await;
        eventually("the page shows the second reason", async || {
            let text = read(&tab, "document.body.innerText");
            let text = text.as_str()?;
            (text.contains("Second reason") && text.contains("Expected back in")).then_some(())
        })
        .await;
        assert_eq!(read(&tab, "window.here"), true, "{path}: the page has been reloaded");
        assert_eq!(app.hits(), hits, "{path}");

        // The site is open, but the application is still starting: the page stays and tries again.
        tab.set_extra_http_headers(HashMap::from([("x-app", "502")])).unwrap();
        set(&envoy, &signer, "online", json!({})).await;
        eventually("the page has asked the application", async || (app.hits() >= hits + 3).then_some(())).await;
        assert_eq!(read(&tab, "window.here"), true, "{path}: the page has been reloaded too early");

        // The application is up.
        let waits = read(&tab, "JSON.stringify(waits)");
        let waits: Vec<f64> = serde_json::from_str(waits.as_str().unwrap()).unwrap();
        assert!(waits.len() > 3, "{path}: {waits:?}");
        assert!(waits.iter().all(|wait| (15_000.0..=45_000.0).contains(wait)), "{path}: {waits:?}");
        assert!(
            waits.iter().any(|wait| *wait != waits[0]),
            "{path}: the times must vary, so that not all pages reload at once: {waits:?}"
        );
        tab.set_extra_http_headers(HashMap::new()).unwrap();
        eventually("the page reloads", async || (read(&tab, "document.body.innerText") == "app").then_some(())).await;
        assert_eq!(read(&tab, "location.href"), envoy.url(path), "{path}");
    }
}

#[tokio::test]
async fn a_form_refused_by_a_read_only_site_is_not_sent_again() {
    let Some(chromium) = chromium() else { return };
    let (app, signer) = (App::start(), Signer::generate());
    let envoy = site(&app, &signer).await;
    set(&envoy, &signer, "read_only", json!({ "reason": "Stocktaking" })).await;
    let tab = chromium.tab();
    speed_up_timers(&tab);
    open(&tab, &envoy.url("/cart"));
    assert_eq!(read(&tab, "document.body.innerText"), "app");
    read(
        &tab,
        "const form = document.createElement('form'); form.method = 'post'; document.body.append(form); form.submit()",
    );
    eventually("the page shows the refusal", async || {
        let text = read(&tab, "document.body.innerText");
        let text = text.as_str()?;
        (text.contains("Changes are paused") && text.contains("was not saved") && text.contains("Stocktaking"))
            .then_some(())
    })
    .await;
    assert_eq!(read(&tab, "waits.length"), 0, "the page reloads");
    assert_eq!(app.hits_of("/cart"), 1, "only the GET of the form reaches the application");
}
