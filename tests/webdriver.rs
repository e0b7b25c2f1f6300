//! A browser: headless Chromium behind chromedriver, spoken to in the few words of the WebDriver
//! protocol (<https://www.w3.org/TR/webdriver2/>) that the tests need.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{client, text};

/// The key under which WebDriver hands out elements.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// The Escape key.
pub(crate) const ESCAPE: &str = "\u{e00c}";
/// The Enter key.
pub(crate) const ENTER: &str = "\u{e007}";

/// One window; closed when dropped.
pub(crate) struct Browser {
    driver: Child,
    session: String,
    profile: TempDir,
}

impl Browser {
    /// Opens a window of this size.
    pub(crate) fn open(width: u32, height: u32) -> Self {
        let (driver, port) = start_driver();
        let profile = tempfile::tempdir().expect("a temporary directory");
        let mut browser = Self {
            driver,
            session: format!("http://127.0.0.1:{port}"),
            profile,
        };
        let mut arguments = vec![
            format!("--window-size={width},{height}"),
            format!("--user-data-dir={}", browser.profile.path().display()),
        ];
        arguments.extend(
            [
                "headless=new",
                "no-sandbox",
                "disable-gpu",
                "disable-quic",
                "no-first-run",
                "disable-background-networking",
                "disable-component-update",
                "disable-sync",
                "disable-dev-shm-usage",
                "hide-scrollbars",
                "lang=en-GB",
            ]
            .map(|flag| format!("--{flag}")),
        );
        let session = browser.call(
            Method::POST,
            "/session",
            json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": { "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL" },
        } } }),
        );
        browser.session += &format!("/session/{}", text(&session["sessionId"]));
        browser
    }

    pub(crate) fn go(&self, address: &str) {
        self.call(Method::POST, "/url", json!({ "url": address }));
    }

    /// Runs a function body in the page.
    #[track_caller]
    pub(crate) fn run(&self, script: &str) -> Value {
        self.call(
            Method::POST,
            "/execute/sync",
            json!({ "script": script, "args": [] }),
        )
    }

    /// Whether something in the page matches a selector.
    #[track_caller]
    pub(crate) fn has(&self, selector: &str) -> bool {
        self.run(&format!(
            "return document.querySelector({}) !== null",
            json!(selector)
        )) == true
    }

    /// The text of the first element that matches, as it is in the document.
    #[track_caller]
    pub(crate) fn text(&self, selector: &str) -> String {
        let script = format!(
            "return document.querySelector({})?.textContent ?? ''",
            json!(selector)
        );
        text(&self.run(&script)).to_owned()
    }

    /// Clicks the first element that matches, as a person does: it must be visible.
    #[track_caller]
    pub(crate) fn click(&self, selector: &str) {
        let element = self.find(selector);
        self.call(
            Method::POST,
            &format!("/element/{element}/click"),
            json!({}),
        );
    }

    /// Types into the first element that matches.
    #[track_caller]
    pub(crate) fn write(&self, selector: &str, keys: &str) {
        let element = self.find(selector);
        self.call(
            Method::POST,
            &format!("/element/{element}/value"),
            json!({ "text": keys }),
        );
    }

    /// What the page's console says that is an error or a warning.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let log = self.call(Method::POST, "/se/log", json!({ "type": "browser" }));
        let entries = log.as_array().expect("a log").iter();
        let bad = entries.filter(|entry| ["SEVERE", "WARNING"].contains(&text(&entry["level"])));
        bad.map(|entry| text(&entry["message"]).to_owned())
            .collect()
    }

    /// Makes the window that of a phone of this size.
    pub(crate) fn become_phone(&self, width: u32, height: u32) {
        let metrics =
            json!({ "width": width, "height": height, "deviceScaleFactor": 2, "mobile": true });
        let command = json!({ "cmd": "Emulation.setDeviceMetricsOverride", "params": metrics });
        self.call(Method::POST, "/goog/cdp/execute", command);
    }

    /// Saves what the window shows as PNG.
    pub(crate) fn save_screenshot(&self, path: &Path, width: u32, height: u32) {
        let metrics =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        let command = json!({ "cmd": "Emulation.setDeviceMetricsOverride", "params": metrics });
        self.call(Method::POST, "/goog/cdp/execute", command);
        let shot = self.call(Method::GET, "/screenshot", Value::Null);
        std::fs::write(path, from_base64(text(&shot))).expect("writes");
    }

    #[track_caller]
    fn find(&self, selector: &str) -> String {
        let body = json!({ "using": "css selector", "value": selector });
        let element = self.call(Method::POST, "/element", body);
        text(&element[ELEMENT]).to_owned()
    }

    #[track_caller]
    #[expect(clippy::needless_pass_by_value, reason = "bodies are written in place")]
    fn call(&self, method: Method, path: &str, body: Value) -> Value {
        let request = client().request(method, format!("{}{path}", self.session));
        let request = if body.is_null() {
            request
        } else {
            request.json(&body)
        };
        let mut answer: Value = request
            .send()
            .expect("chromedriver answers")
            .json()
            .expect("JSON");
        let value = answer["value"].take();
        assert!(
            value["error"].is_null(),
            "{path} {body}: {}",
            value["message"]
        );
        value
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Chromium first: killing the driver would leave it running.
        let _ = client().delete(&self.session).send();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// Starts chromedriver on a free port, which it tells on its standard output.
#[expect(
    clippy::zombie_processes,
    reason = "where it is not waited for, the test ends"
)]
fn start_driver() -> (Child, u16) {
    let mut driver = Command::new("chromedriver")
        .arg("--port=0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("chromedriver is not installed: run `make setup-test`");
    let output = BufReader::new(driver.stdout.take().expect("it is piped"));
    for line in output.lines() {
        let line = line.expect("a line");
        if let Some(port) = line.strip_prefix("ChromeDriver was started successfully on port ") {
            return (driver, port.trim_end_matches('.').parse().expect("a port"));
        }
    }
    panic!("chromedriver did not start");
}

fn from_base64(text: &str) -> Vec<u8> {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits: Vec<u32> = text
        .bytes()
        .filter_map(|byte| alphabet.iter().position(|letter| *letter == byte))
        .map(|digit| u32::try_from(digit).expect("below 64"))
        .collect();
    let mut bytes = Vec::with_capacity(digits.len() / 4 * 3);
    for group in digits.chunks(4) {
        let joined = (0..4).fold(0, |joined, at| {
            joined << 6 | group.get(at).copied().unwrap_or(0)
        });
        bytes.extend_from_slice(&joined.to_be_bytes()[1..group.len()]);
    }
    bytes
}
