//! A real browser before the pages: Debian's headless Chromium, let in by a real link, with the keys and clicks of a person.
//!
//! At its end every page that a test saw is held to three things, whatever else the test was about: no error in the console, no
//! request to another origin, no dialog.

mod act;
mod axe;
mod driver;
mod watch;

use std::cell::RefCell;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{Server, World};
use driver::Driver;
use watch::Watch;

pub use act::{DOWN, ENTER, ESCAPE, TAB};

/// What a person would not wait for either.
const LIMIT: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(20);

/// One window of a browser that was let in by one server.
pub struct Browser {
    driver: Driver,
    origin: String,
    watch: RefCell<Watch>,
}

impl Browser {
    /// A browser of this world that `query-api open` let in; it shows the first page.
    ///
    /// # Panics
    /// When chromium or chromedriver is missing, or the link lets nobody in.
    pub fn enter(world: &World, server: &Server) -> Self {
        Self::enter_at(world, server, world.data().root())
    }

    /// As [`enter`](Self::enter), to a server whose data directory is not its world's.
    ///
    /// # Panics
    /// As [`enter`](Self::enter).
    pub fn enter_at(world: &World, server: &Server, home: &Path) -> Self {
        let browser = Self::stranger(world, server);
        browser.come_in_at(world, server, home);
        browser
    }

    /// Comes in by a link of `query-api open`, and waits for the first page.
    ///
    /// # Panics
    /// When the link lets nobody in.
    pub fn come_in(&self, world: &World, server: &Server) {
        self.come_in_at(world, server, world.data().root());
    }

    fn come_in_at(&self, world: &World, server: &Server, home: &Path) {
        let address = server.address().to_string();
        let open = world.bin("query-api").args(["open", "--print", "--listen", &address, "--home"]).arg(home);
        let done = open.succeed();
        self.go(done.out().trim());
        self.wait_for("the first page", |page| page.path() == "/");
    }

    /// A browser that nobody has let in yet, at a blank page.
    ///
    /// # Panics
    /// When chromium or chromedriver is missing.
    pub fn stranger(world: &World, server: &Server) -> Self {
        let origin = format!("http://prompt-manager.localhost:{}", server.address().port());
        let browser = Self { driver: Driver::start(world), watch: Watch::new(&origin).into(), origin };
        // Chromium begins with a page of its own, whose requests are its own business.
        browser.go("about:blank");
        browser.watch(|watch| *watch = Watch::new(&browser.origin));
        browser.size(1280, 900);
        browser
    }

    /// Opens a path of the server, as if it were typed into the address bar.
    ///
    /// # Panics
    /// When the browser cannot.
    pub fn open(&self, path: &str) {
        self.go(&format!("{}{path}", self.origin));
    }

    /// Opens a link as a whole.
    fn go(&self, link: &str) {
        self.leave("/url", &json!({"url": link}));
    }

    /// Leaves the page by this command, until another document is there. The driver sometimes says that it is while it is not yet
    /// (19 times of 900, where the page that is left had just begun a request), and a browser that is sent elsewhere just then
    /// goes nowhere.
    fn leave(&self, command: &str, body: &Value) {
        let document = || {
            let body = json!({"script": "return [performance.timeOrigin, document.readyState]", "args": []});
            self.driver.ask("POST", "/execute/sync", &body)
        };
        let former = document();
        self.demand("POST", command, body);
        self.wait_for("other document", |_| match (&former, document()) {
            (Ok(former), Ok(now)) => now[0] != former[0] && now[1] == "complete",
            // A dialog stands open, which is the test's business.
            _ => true,
        });
    }

    /// Loads the page again.
    pub fn reload(&self) {
        self.leave("/refresh", &json!({}));
    }

    /// Goes back in the history.
    pub fn back(&self) {
        self.leave("/back", &json!({}));
    }

    /// `http://HOST:PORT` of the pages.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The path and query that the address bar shows, without the origin.
    pub fn path(&self) -> String {
        let url = self.demand("GET", "/url", &Value::Null);
        let url = url.as_str().unwrap_or_default();
        url.strip_prefix(&self.origin).unwrap_or(url).to_owned()
    }

    /// What the page's own script would get from this expression or function body.
    ///
    /// # Panics
    /// When it throws.
    pub fn script(&self, body: &str, args: &[Value]) -> Value {
        self.demand("POST", "/execute/sync", &json!({"script": body, "args": args}))
    }

    /// All text that a person sees on the page.
    pub fn text(&self) -> String {
        self.script("return document.body.innerText", &[]).as_str().unwrap_or_default().to_owned()
    }

    /// Waits until `condition` holds, 20 s at most.
    ///
    /// # Panics
    /// When it does not come to hold, with the page's address and text.
    pub fn wait_for(&self, what: &str, condition: impl Fn(&Self) -> bool) {
        let begin = Instant::now();
        while !condition(self) {
            assert!(begin.elapsed() < LIMIT, "no {what} in {LIMIT:?}\n{}", self.shown());
            std::thread::sleep(PAUSE);
        }
    }

    /// The page for a message: where, what it shows, and what the console says.
    pub fn shown(&self) -> String {
        let notes = self.watch(|watch| watch.notes());
        format!("at {}\n--- page\n{}\n--- console\n{notes}", self.path(), self.text())
    }

    /// Gives the page this many CSS pixels.
    pub fn size(&self, width: u32, height: u32) {
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.tell("Emulation.setDeviceMetricsOverride", &metrics);
    }

    /// Says to pages that the person likes dark ones, or light ones.
    pub fn dark(&self, dark: bool) {
        let value = if dark { "dark" } else { "light" };
        let wish = json!({"features": [{"name": "prefers-color-scheme", "value": value}]});
        self.tell("Emulation.setEmulatedMedia", &wish);
    }

    /// Switches the scripts of pages off, or on again, from the next page on.
    pub fn without_script(&self, without: bool) {
        self.tell("Emulation.setScriptExecutionDisabled", &json!({"value": without}));
    }

    /// Lets pages of the server write to and read from the clipboard, as a person would when asked.
    pub fn let_copy(&self) {
        let permissions = json!(["clipboardReadWrite", "clipboardSanitizedWrite"]);
        self.tell("Browser.grantPermissions", &json!({"permissions": permissions, "origin": self.origin}));
    }

    /// Writes what the page looks like as PNG, down to its end but at most so many pixels.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn screenshot(&self, path: &Path, at_most: u32) {
        let of = |body: &str| self.script(body, &[]).as_u64().unwrap_or(0);
        let (width, height) = (of("return innerWidth"), of("return document.documentElement.scrollHeight"));
        let height = height.max(of("return innerHeight")).min(at_most.into());
        let clip = json!({"x": 0, "y": 0, "width": width, "height": height, "scale": 1});
        let shot =
            self.tell("Page.captureScreenshot", &json!({"format": "png", "captureBeyondViewport": true, "clip": clip}));
        let bytes = base64(shot["data"].as_str().expect("a picture is a text of base64"));
        fs::create_dir_all(path.parent().expect("a file has a folder")).expect("a folder");
        fs::write(path, bytes).unwrap_or_else(|error| panic!("write {}: {error}", path.display()));
    }

    /// Every path that was asked of the server since this was last called, in order, with the status where one came.
    pub fn requests(&self) -> Vec<String> {
        self.watch(Watch::take_requests)
    }

    /// Forgets console errors that hold this text: a page of a refusal is one for the console.
    pub fn forgive(&self, text: &str) {
        self.watch(|watch| watch.forgive(text));
    }

    /// What no page may do and one did, since this was last called: an error in the console, a request to another origin, a
    /// dialog. What is not asked for fails the test at its end.
    pub fn faults(&self) -> Vec<String> {
        self.watch(Watch::take_faults)
    }

    /// Demands that there is none.
    ///
    /// # Panics
    /// When there is one.
    pub fn assert_quiet(&self) {
        let faults = self.faults();
        assert!(faults.is_empty(), "the browser was not quiet: {faults:#?}");
    }

    /// Closes a dialog; false if none is open.
    pub fn dismiss(&self) -> bool {
        self.driver.ask("POST", "/alert/dismiss", &json!({})).is_ok()
    }

    /// A command of Chromium's own protocol.
    fn tell(&self, command: &str, params: &Value) -> Value {
        self.demand("POST", "/goog/cdp/execute", &json!({"cmd": command, "params": params}))
    }

    /// What the browser has noted until now, with what came since.
    fn watch<T>(&self, look: impl FnOnce(&mut Watch) -> T) -> T {
        let mut watch = self.watch.borrow_mut();
        for kind in ["browser", "performance"] {
            let entries = self.driver.ask("POST", "/se/log", &json!({"type": kind}));
            // A dialog that stands open blocks even this: that is noted too.
            match entries {
                Ok(entries) => entries.as_array().into_iter().flatten().for_each(|entry| watch.note(entry)),
                Err(why) => watch.blocked(&why.message),
            }
        }
        look(&mut watch)
    }

    fn demand(&self, method: &str, what: &str, body: &Value) -> Value {
        self.driver.ask(method, what, body).unwrap_or_else(|why| panic!("{method} {what} {body}: {why:?}"))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.assert_quiet();
        }
    }
}

/// The bytes of a text in base64; characters of no meaning are left out.
fn base64(text: &str) -> Vec<u8> {
    let value = |byte: u8| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let (mut bytes, mut bits, mut held) = (Vec::with_capacity(text.len() / 4 * 3), 0_u32, 0);
    for six in text.bytes().filter_map(value) {
        bits = bits << 6 | u32::from(six);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held & 0xff) as u8);
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(base64(text), expected.as_bytes(), "{text}");
    }

    #[test]
    fn texts_of_base64() {
        check("", "");
        check("aA==", "h");
        check("aGk=", "hi");
        check("aGkh", "hi!");
        check("aGkh\nfn4/", "hi!~~?");
    }
}
