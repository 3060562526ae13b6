//! Tells a supervisor that speaks systemd's protocol how we are: ready, alive, reading the settings again, about to stop.
//!
//! A datagram to the socket that `$NOTIFY_SOCKET` names, and nothing at all without it. It never waits and never fails:
//! who does not listen is not told.

pub mod panics;

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::{Duration, Instant};

/// The line to the supervisor.
#[derive(Debug, Default)]
pub struct Notify {
    socket: Option<(UnixDatagram, SocketAddr)>,
    /// A sign of life is expected this often.
    watchdog: Option<Duration>,
    last: Option<Instant>,
    said: String,
}

impl Notify {
    /// What the environment asks for.
    pub fn new(var: &dyn Fn(&str) -> Option<OsString>) -> Self {
        let socket = var("NOTIFY_SOCKET").filter(|name| !name.is_empty()).and_then(|name| {
            let opened = address(&name).and_then(|address| {
                let socket = UnixDatagram::unbound()?;
                socket.set_nonblocking(true)?;
                Ok((socket, address))
            });
            opened.inspect_err(|error| tracing::warn!("the supervisor cannot be told anything: {error}")).ok()
        });
        let number = |name| var(name)?.to_str()?.parse::<u64>().ok();
        // It may be meant for the one that started us.
        let ours = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
        let watchdog = number("WATCHDOG_USEC").filter(|usec| ours && *usec > 0).map(Duration::from_micros);
        Self { watchdog: watchdog.filter(|_| socket.is_some()), socket, last: None, said: String::new() }
    }

    /// A large database that an older version left takes its time: longer than a supervisor usually gives to a start.
    pub fn opening(&mut self) {
        self.send("EXTEND_TIMEOUT_USEC=600000000\nSTATUS=opening the database");
    }

    /// The store can be written to, or soon can, and the queue is looked at.
    pub fn ready(&mut self) {
        self.send("READY=1");
    }

    /// The settings are being read; [`ready`](Self::ready) ends it.
    pub fn reloading(&mut self) {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        self.send(&format!("RELOADING=1\nMONOTONIC_USEC={}", now.tv_sec * 1_000_000 + now.tv_nsec / 1000));
    }

    /// It ends in order.
    pub fn stopping(&mut self) {
        self.send("STOPPING=1");
    }

    /// A line for people, if it is another than the last.
    pub fn status(&mut self, line: &str) {
        if self.said != line {
            self.send(&format!("STATUS={}", line.replace('\n', " ")));
            line.clone_into(&mut self.said);
        }
    }

    /// A sign of life, if one is due. It is given where something was done, never by a thread of its own: that would go on
    /// living while the pass hangs.
    pub fn alive(&mut self, now: Instant) {
        let Some(often) = self.often() else { return };
        if self.last.is_none_or(|last| now.saturating_duration_since(last) >= often) {
            self.send("WATCHDOG=1");
            self.last = Some(now);
        }
    }

    /// How long one may sleep between two signs of life.
    pub fn often(&self) -> Option<Duration> {
        self.watchdog.map(|watchdog| watchdog / 3)
    }

    fn send(&self, message: &str) {
        if let Some((socket, address)) = &self.socket {
            let _ = socket.send_to_addr(message.as_bytes(), address);
        }
    }
}

/// A path, or with an `@` a name that no file system holds.
fn address(name: &OsStr) -> io::Result<SocketAddr> {
    match name.as_bytes().split_first() {
        #[cfg(target_os = "linux")]
        Some((b'@', name)) => <SocketAddr as std::os::linux::net::SocketAddrExt>::from_abstract_name(name),
        _ => SocketAddr::from_pathname(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn notify(socket: &Path, watchdog: &[(&str, String)]) -> Notify {
        Notify::new(&|name| match name {
            "NOTIFY_SOCKET" => Some(socket.into()),
            _ => watchdog.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into()),
        })
    }

    fn next(socket: &UnixDatagram) -> Option<String> {
        socket.set_nonblocking(true).unwrap();
        let mut bytes = [0; 512];
        let n = socket.recv(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes[..n]).into_owned())
    }

    #[test]
    fn what_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        let mut notify = notify(&path, &[]);
        let mut check = |say: &mut dyn FnMut(&mut Notify), expected: Option<&str>| {
            say(&mut notify);
            let found = next(&socket);
            assert!(
                found.as_deref() == expected || expected.is_some_and(|it| found.unwrap_or_default().starts_with(it)),
                "{expected:?}"
            );
        };
        check(&mut |it| it.ready(), Some("READY=1"));
        check(&mut |it| it.status("one"), Some("STATUS=one"));
        check(&mut |it| it.status("one"), None);
        check(&mut |it| it.reloading(), Some("RELOADING=1\nMONOTONIC_USEC="));
        check(&mut |it| it.alive(Instant::now()), None);
        check(&mut |it| it.stopping(), Some("STOPPING=1"));
    }

    #[test]
    fn signs_of_life() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        let check = |pid: Option<u32>, usec: &str, expected: usize| {
            let mut watchdog = vec![("WATCHDOG_USEC", usec.to_owned())];
            watchdog.extend(pid.map(|pid| ("WATCHDOG_PID", pid.to_string())));
            let mut notify = notify(&path, &watchdog);
            let begin = Instant::now();
            for ms in 0..=3000 {
                notify.alive(begin + Duration::from_millis(ms));
            }
            let found = std::iter::from_fn(|| next(&socket)).count();
            assert_eq!(found, expected, "{pid:?} {usec}");
        };
        check(None, "3000000", 4);
        check(Some(std::process::id()), "9000000", 2);
        check(Some(1), "3000000", 0);
        check(None, "0", 0);
        check(None, "soon", 0);
    }

    #[test]
    fn nobody_listens() {
        Notify::new(&|_| None).ready();
        notify(Path::new("/nonexistent/notify"), &[]).ready();
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_name_outside_of_the_file_system() {
        let name = format!("prompt-manager-test-{}", std::process::id());
        let address = <SocketAddr as std::os::linux::net::SocketAddrExt>::from_abstract_name(name.as_bytes()).unwrap();
        let socket = UnixDatagram::bind_addr(&address).unwrap();
        notify(Path::new(&format!("@{name}")), &[]).ready();
        assert_eq!(next(&socket).as_deref(), Some("READY=1"));
    }
}
