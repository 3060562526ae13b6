//! The WebDriver protocol as far as tests speak it: chromedriver, and one session of a headless Chromium.
//!
//! No crate: those that exist are asynchronous and bring an HTTP client of their own. A session is a few dozen lines of JSON over
//! the client that the harness has anyhow.

use std::cell::RefCell;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{Client, World};

/// How long the driver may take until it listens, and the browser until it has ended.
const LIMIT: Duration = Duration::from_secs(30);
const READY: &str = "was started successfully on port ";
/// Chromium speaks to nobody but us: what it would do by itself is off, and no other name resolves.
const FLAGS: [&str; 11] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--lang=en",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE prompt-manager.localhost, EXCLUDE 127.0.0.1",
];

/// The driver, and the end of all of its group when nobody holds the other end of stdin any more: also when this process is killed.
const UNTIL_WE_END: &str = r#""$1" --port=0 </dev/null & cat >/dev/null; kill -KILL 0"#;

/// A command that the driver refused: WebDriver's word for it, and what it says about it.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) error: String,
    pub(super) message: String,
}

/// A driver and its session.
pub(super) struct Driver {
    child: Child,
    client: RefCell<Client>,
    session: String,
}

impl Driver {
    /// Starts both; all that they write stays in this world.
    pub(super) fn start(world: &World) -> Self {
        let (driver, browser) = (program("chromedriver"), program("chromium"));
        let folder = tempfile::Builder::new().prefix("browser-").tempdir_in(world.root()).expect("a folder").keep();
        let log = folder.join("driver.log");
        let out = fs::File::create(&log).expect("a log");
        let mut command = world.command("sh").args(["-c", UNTIL_WE_END, "sh"]).arg(&driver).into_command();
        // A group of its own: the browser and its many processes belong to it, and none of them is left behind.
        command.process_group(0).stdin(Stdio::piped()).stderr(out.try_clone().expect("a second handle")).stdout(out);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("start {command:?}: {error}"));
        let Some(address) = address(&mut child, &log) else {
            end(&mut child);
            panic!("chromedriver does not listen; it wrote:\n{}", fs::read_to_string(&log).unwrap_or_default())
        };
        let mut driver = Self { child, client: Client::to(address, None).into(), session: String::new() };
        let profile = format!("--user-data-dir={}", folder.join("profile").display());
        let flags: Vec<&str> = FLAGS.into_iter().chain([profile.as_str()]).collect();
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "unhandledPromptBehavior": "ignore",
            "timeouts": {"pageLoad": 40_000},
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
            "goog:chromeOptions": {"binary": browser, "args": flags},
        }}});
        // Chromium itself exits now and then as it starts, before it has seen a page of ours.
        let start = || driver.send("POST", "/session", &wanted);
        let session = start().or_else(|_| start()).unwrap_or_else(|why| panic!("start chromium: {why:?}"));
        driver.session = session["sessionId"].as_str().expect("a session has an id").to_owned();
        driver
    }

    /// A command of the session.
    pub(super) fn ask(&self, method: &str, what: &str, body: &Value) -> Result<Value, Refused> {
        self.send(method, &format!("/session/{}{what}", self.session), body)
    }

    fn send(&self, method: &str, path: &str, body: &Value) -> Result<Value, Refused> {
        let body = if method == "POST" { body.to_string() } else { String::new() };
        let response = self.client.borrow_mut().json(method, path, &body);
        let value = response.json()["value"].take();
        if response.status == 200 {
            return Ok(value);
        }
        let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        Err(Refused { error: text("error"), message: text("message") })
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if !thread::panicking() {
            let _ = self.ask("DELETE", "", &Value::Null);
        }
        end(&mut self.child);
    }
}

/// Where a program of this machine is. Debian names its packages `chromium` and `chromium-driver`.
fn program(name: &str) -> PathBuf {
    let places = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&places).map(|dir| dir.join(name)).find(|path| path.is_file());
    found.unwrap_or_else(|| panic!("{name} is missing: ./ops/test installs what the tests need"))
}

fn address(child: &mut Child, log: &Path) -> Option<SocketAddr> {
    let begin = Instant::now();
    while begin.elapsed() < LIMIT && child.try_wait().is_ok_and(|ended| ended.is_none()) {
        let text = fs::read_to_string(log).unwrap_or_default();
        if let Some((port, _)) = text.split_once(READY).and_then(|(_, rest)| rest.split_once('\n')) {
            return format!("127.0.0.1:{}", port.trim_end_matches(['.', '\r'])).parse().ok();
        }
        thread::sleep(Duration::from_millis(5));
    }
    None
}

/// Ends the driver and whatever it started, by the number of their group.
fn end(driver: &mut Child) {
    let group = format!("-{}", driver.id());
    let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
    let _ = driver.wait();
}
