//! A running query-api, from its ready line to its end.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};
use std::{fs, thread};

use serde_json::Value;

use crate::http::{self, Response};
use crate::{Client, Cmd, Conversation};

const READY: &str = "listening on http://";

/// How long a server may take until it listens: generous, since the machine may be building at the same time, and a server
/// may run under valgrind.
const START_LIMIT: Duration = Duration::from_secs(120);

/// A query-api that listens on a port of its own. It is killed when this goes out of scope.
pub struct Server {
    child: Child,
    address: SocketAddr,
    token: Option<String>,
    log: PathBuf,
}

impl Server {
    /// Starts `command`, whose outputs go to `log`, and waits until it listens. `token` is the file of its bearer token.
    pub(crate) fn start(command: Cmd, log: PathBuf, token: &Path) -> Self {
        let out = fs::File::create(&log).unwrap_or_else(|error| panic!("create {}: {error}", log.display()));
        let mut command: Command = command.into_command();
        command.stdout(out.try_clone().expect("a second handle")).stderr(out).stdin(std::process::Stdio::null());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("start {command:?}: {error}"));
        let address = wait_until_ready(&mut child, &log).unwrap_or_else(|why| {
            let _ = child.kill();
            let _ = child.wait();
            panic!("{command:?} {why}; it wrote:\n{}", fs::read_to_string(&log).unwrap_or_default())
        });
        let token = fs::read_to_string(token).ok().map(|text| text.trim().to_owned());
        Self { child, address, token, log }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its bearer token, if it made one.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// As it is, with the token of this file: for a server whose data directory is not its world's.
    pub fn with_token(mut self, token: &Path) -> Self {
        self.token = fs::read_to_string(token).ok().map(|text| text.trim().to_owned());
        self
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to end, and waits until it has: its exit code.
    ///
    /// # Panics
    /// When it cannot be asked.
    pub fn end(&mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(asked.is_ok_and(|status| status.success()), "kill -TERM {pid}");
        self.child.wait().expect("wait for a child").code()
    }

    /// What it has written so far, on stdout and stderr.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// A connection that is kept open, whose requests carry the token.
    pub fn client(&self) -> Client {
        Client::to(self.address, self.token())
    }

    /// GET with the token. The value is null when the answer is not JSON.
    ///
    /// # Panics
    /// When there is no answer.
    pub fn get(&self, path: &str) -> (u16, Value) {
        let response = self.request("GET", path, &[]);
        (response.status, response.json())
    }

    /// A request with the right Host, the token, and these headers; a header given here replaces one of those two, and an
    /// empty value leaves it out.
    ///
    /// # Panics
    /// When there is no answer.
    pub fn request(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Response {
        let mut all = vec![("Host", self.address.to_string()), ("Connection", "close".to_owned())];
        all.extend(self.token.iter().map(|token| ("Authorization", format!("Bearer {token}"))));
        all.retain(|(name, _)| !headers.iter().any(|(given, _)| given.eq_ignore_ascii_case(name)));
        all.extend(
            headers.iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (*name, (*value).to_owned())),
        );
        let lines: String = all.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        self.raw(&format!("{method} {path} HTTP/1.1\r\n{lines}"))
    }

    /// Sends `head` as it is (request line and headers, each ended by `\r\n`), for requests that no client would make.
    ///
    /// # Panics
    /// When there is no answer.
    pub fn raw(&self, head: &str) -> Response {
        http::exchange(self.address, head, b"").unwrap_or_else(|why| {
            panic!("{:?}: {why}; the server wrote:\n{}", head.lines().next().unwrap_or_default(), self.log())
        })
    }

    /// All items of the list that these query parameters select, newest first, page by page.
    ///
    /// # Panics
    /// When a page is not a list.
    pub fn items(&self, query: &[(&str, &str)]) -> Vec<Value> {
        let (mut items, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let pairs = query.iter().copied().chain(cursor.as_deref().map(|cursor| ("cursor", cursor)));
            let pairs: Vec<_> = pairs.map(|(name, value)| format!("{name}={}", http::encode(value))).collect();
            let path = format!("/api/conversations?{}", pairs.join("&"));
            let (status, page) = self.get(&path);
            assert_eq!(status, 200, "GET {path}: {page}\nthe server wrote:\n{}", self.log());
            items.extend(page["items"].as_array().unwrap_or_else(|| panic!("GET {path}: no items in {page}")).clone());
            match page["next_cursor"].as_str() {
                Some(next) => {
                    let former = cursor.replace(next.to_owned());
                    assert_ne!(former, cursor, "the pages do not end");
                }
                None => return items,
            }
        }
    }

    /// The conversations of a session, oldest first; `kind` is `all`, or empty for the default list.
    pub fn session(&self, session_id: &str, kind: &str) -> Vec<Conversation> {
        let mut query = vec![("session_id", session_id)];
        query.extend((!kind.is_empty()).then_some(("kind", kind)));
        self.items(&query).iter().rev().map(Conversation::from_api).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn wait_until_ready(child: &mut Child, log: &Path) -> Result<SocketAddr, String> {
    let begin = Instant::now();
    while begin.elapsed() < START_LIMIT {
        let text = fs::read_to_string(log).unwrap_or_default();
        // Only a line that is written to its end counts.
        let ready =
            text.split_inclusive('\n').filter(|line| line.ends_with('\n')).find_map(|line| line.split_once(READY));
        if let Some((_, address)) = ready {
            let address = address.split([' ', '/', '\n']).next().unwrap_or_default();
            return address.parse().map_err(|error| format!("listens on {address:?}: {error}"));
        }
        if let Some(status) = child.try_wait().expect("wait for a child") {
            return Err(format!("ended with {status} before it listened"));
        }
        thread::sleep(Duration::from_millis(5));
    }
    Err(format!("does not listen after {START_LIMIT:?}"))
}
