//! `docs/closed.png`: the built-in page on a phone. With `UPDATE_DOCS=1` the test writes the picture again.

use std::fs;

use headless_chrome::protocol::cdp::{Emulation, Page};
use serde_json::json;

use super::browser::{chromium, open};
use super::{in_seconds, set, site};
use crate::support::app::App;
use crate::support::project;
use crate::support::signer::Signer;

const WIDTH: u32 = 360;
const HEIGHT: u32 = 600;
/// Pixels for two CSS pixels.
const SCALE: u32 = 3;

#[tokio::test]
async fn the_picture_in_the_documentation_has_the_size_of_the_page_on_a_phone() {
    let file = project().join("docs/closed.png");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let chromium = chromium().expect("Chromium makes the picture");
        let (app, signer) = (App::start(), Signer::generate());
        let envoy = site(&app, &signer).await;
        let reason = "We are upgrading the database. Orders that you have placed are safe.";
        set(&envoy, &signer, "offline", json!({ "reason": reason, "eta": in_seconds(44 * 60 + 30) })).await;
        let tab = chromium.tab();
        let metrics =
            json!({ "width": WIDTH, "height": HEIGHT, "deviceScaleFactor": f64::from(SCALE) / 2.0, "mobile": true });
        tab.call_method(serde_json::from_value::<Emulation::SetDeviceMetricsOverride>(metrics).unwrap()).unwrap();
        open(&tab, &envoy.url("/"));
        let picture = tab.capture_screenshot(Page::CaptureScreenshotFormatOption::Png, None, None, true).unwrap();
        fs::write(&file, picture).unwrap();
    }
    let picture = fs::read(&file).unwrap();
    assert!(picture.len() <= 100 * 1024, "{} bytes", picture.len());
    // Width and height in the header (PNG, section 11.2.1).
    let number = |at: usize| u32::from_be_bytes(picture[at..at + 4].try_into().unwrap());
    assert_eq!((number(16), number(20)), (WIDTH * SCALE / 2, HEIGHT * SCALE / 2));
}
