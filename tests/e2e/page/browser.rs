//! A headless Chromium, and access to its pages.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use headless_chrome::protocol::cdp::Page;
use headless_chrome::{Browser, LaunchOptions, Tab};
use serde_json::Value;
use tempfile::TempDir;

/// A running Chromium with an empty profile.
pub struct Chromium {
    // Declared first, so that the process exits before its profile is deleted.
    browser: Browser,
    _profile: TempDir,
}

/// Starts Chromium; `None` if it is not installed.
pub fn chromium() -> Option<Chromium> {
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    let folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect();
    let found = names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name))).find(|p| p.is_file());
    let Some(path) = found else {
        assert_ne!(
            std::env::var("CI").as_deref(),
            Ok("true"),
            "no Chromium; tests/install-debian-packages.sh installs it"
        );
        eprintln!("no Chromium on the PATH: skipping the tests of the page");
        return None;
    };
    let profile = TempDir::new().unwrap();
    let options = LaunchOptions {
        path: Some(path),
        headless: true,
        sandbox: false,
        enable_gpu: false,
        user_data_dir: Some(profile.path().to_owned()),
        idle_browser_timeout: Duration::from_secs(120),
        args: [
            "--disable-quic",
            "--disable-component-update",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-sync",
        ]
        .map(AsRef::as_ref)
        .to_vec(),
        ..LaunchOptions::default()
    };
    let browser = Browser::new(options).unwrap_or_else(|error| panic!("Chromium does not start: {error:?}"));
    Some(Chromium { browser, _profile: profile })
}

impl Chromium {
    /// Opens a tab.
    pub fn tab(&self) -> Arc<Tab> {
        let tab = self.browser.new_tab().unwrap();
        tab.set_default_timeout(Duration::from_secs(60));
        tab
    }
}

/// Opens a URL and waits until the page has loaded.
pub fn open(tab: &Tab, url: &str) {
    tab.navigate_to(url).unwrap().wait_until_navigated().unwrap_or_else(|error| panic!("{url}: {error:?}"));
}

/// The value of a JavaScript expression in the page; `null` while the page is being replaced.
pub fn read(tab: &Tab, expression: &str) -> Value {
    tab.evaluate(expression, false).ok().and_then(|answer| answer.value).unwrap_or_default()
}

/// The text of the element with this id.
pub fn text_of(tab: &Tab, id: &str) -> String {
    read(tab, &format!("document.getElementById('{id}')?.textContent")).as_str().unwrap_or_default().to_owned()
}

/// A script that makes timers 40 times as fast and records their original times in `waits`.
const FASTER: &str = "window.waits = []; const real = setTimeout;
    window.setTimeout = (call, time) => { waits.push(time); return real(call, time / 40); };";

/// Speeds up the timers of all pages of a tab.
pub fn speed_up_timers(tab: &Tab) {
    tab.call_method(Page::AddScriptToEvaluateOnNewDocument {
        source: FASTER.to_owned(),
        world_name: None,
        include_command_line_api: None,
        run_immediately: None,
    })
    .unwrap();
}
