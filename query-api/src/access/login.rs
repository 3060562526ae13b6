//! How a browser comes in: a link that works once becomes a cookie.
//!
//! Each link and each login is a file of its own in `run/logins`, named by the hash of its secret: the program that makes a
//! link and the server that takes it need no other line between them, a restart logs nobody out, and whoever reads the
//! folder cannot log in. Taking a link away is what uses it, so two browsers cannot both. The secret is never the token: a
//! cookie that leaks opens this server until it is revoked, and nothing else.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hyper::header::{self, HeaderMap};
use queue::DataDir;
use settings::Chosen;

use super::{Place, token};

/// The host name that browsers resolve to this machine by themselves, and that no other program is opened by. Cookies know no
/// port: one of `127.0.0.1` or `localhost` would go to whatever else a person opens there. One of this name goes to another port
/// too, but only if a page of that port is opened by this name; no attribute of a cookie forbids that.
pub(crate) const NAME: &str = "prompt-manager.localhost";
/// For as long a link may be used.
pub(crate) const LINK_TIME: Duration = Duration::from_secs(60);
/// For as long a login lasts.
const LOGIN_TIME: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// More links or logins than this push out the oldest: a script that opens a browser every minute leaves no heap of files.
const MOST: usize = 32;
/// What the cookie of a login is called.
pub(crate) const COOKIE: &str = "prompt_manager";
/// A browser sends at most one of ours; other ports of a plain host may add their own of the same name.
const MOST_COOKIES: usize = 8;

/// The host that a link or a cookie is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Site {
    /// [`NAME`], which nothing else is called.
    Named,
    /// Any other: a person said so with `--plain-host`.
    Plain,
}

impl Site {
    /// Of a Host that is ours.
    pub(crate) fn of(host: &str) -> Self {
        match host.strip_prefix(NAME) {
            Some(port) if port.is_empty() || port.starts_with(':') => Self::Named,
            _ => Self::Plain,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Named => "named",
            Self::Plain => "plain",
        }
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Link,
    Login,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Link => "link",
            Self::Login => "login",
        })
    }
}

/// The links and logins of a data directory.
#[derive(Clone, Debug)]
pub(crate) struct Logins {
    dir: PathBuf,
    way: Way,
}

/// What `open` needs to be told to find the server, as far as a stranger may know it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way {
    /// The address, where it is not the usual one. They know it: they asked there.
    listen: Option<SocketAddr>,
    /// Whether it needs the data directory. Which one is not for them.
    pub(crate) home: Chosen,
}

impl Way {
    /// What is typed.
    pub(crate) fn command(self) -> String {
        let listen = self.listen.map(|address| format!(" --listen {}", terminal::quoted(&address.to_string())));
        format!("prompt-manager open{}", listen.unwrap_or_default())
    }
}

impl Logins {
    pub(crate) fn of(home: &DataDir) -> Self {
        Self { dir: home.run().join("logins"), way: Way { listen: None, home: Chosen::Default } }
    }

    /// Of a server that is reached there, with a data directory that was chosen so. A socket is reached by a way of a person's
    /// own, and its path is not told.
    pub(crate) fn reached(self, place: Place, home: Chosen) -> Self {
        let listen = match place {
            Place::Tcp(address) => Some(address).filter(|address| *address != settings::LISTEN),
            Place::Unix => None,
        };
        Self { way: Way { listen, home }, ..self }
    }

    /// How a browser is let in.
    pub(crate) fn way(&self) -> Way {
        self.way
    }

    /// Makes a link: the secret that [`redeem`](Self::redeem) takes once, within a minute, at that site.
    pub(crate) fn link(&self, site: Site, now: SystemTime) -> io::Result<String> {
        queue::layout::create_private_dir(&self.dir)?;
        self.make(Kind::Link, site, now + LINK_TIME, now)
    }

    /// Whether there is a link that [`redeem`](Self::redeem) would take.
    pub(crate) fn is_link(&self, secret: &str, site: Site, now: SystemTime) -> bool {
        holds(&self.path(Kind::Link, secret), site, now)
    }

    /// Takes a link back that nobody shall use, and leaves no empty folder: the place may be no home of a server.
    pub(crate) fn drop_link(&self, secret: &str) -> io::Result<()> {
        match fs::remove_file(self.path(Kind::Link, secret)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let _ = fs::remove_dir(&self.dir); // it stays if others hold something there
        Ok(())
    }

    /// Takes a link. `None` if there is none: it was used, is too old, or was never made.
    pub(crate) fn redeem(&self, secret: &str, site: Site, now: SystemTime) -> io::Result<Option<String>> {
        let path = self.path(Kind::Link, secret);
        let good = holds(&path, site, now);
        match fs::remove_file(&path) {
            Ok(()) if good => self.make(Kind::Login, site, now + LOGIN_TIME, now).map(Some),
            Ok(()) => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether one of the request's cookies is a login of that site.
    pub(crate) fn know(&self, headers: &HeaderMap, site: Site, now: SystemTime) -> bool {
        self.login(headers, site, now).is_some()
    }

    /// The secret of that login.
    pub(super) fn login<'h>(&self, headers: &'h HeaderMap, site: Site, now: SystemTime) -> Option<&'h str> {
        // A few hundred bytes from the page cache: not worth a thread of its own.
        cookies(headers).take(MOST_COOKIES).find(|secret| holds(&self.path(Kind::Login, secret), site, now))
    }

    /// Ends all logins and links. How many logins there were.
    pub(crate) fn revoke(&self) -> io::Result<usize> {
        let mut ended = 0;
        for (name, _) in self.all()? {
            match fs::remove_file(self.dir.join(&name)) {
                Ok(()) => ended += usize::from(name.starts_with("login-")),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        let _ = fs::remove_dir(&self.dir); // it stays if another login came meanwhile
        Ok(ended)
    }

    /// The header that gives a browser this login.
    pub(crate) fn cookie(secret: &str) -> String {
        format!("{COOKIE}={secret}; HttpOnly; SameSite=Strict; Path=/; Max-Age={}", LOGIN_TIME.as_secs())
    }

    fn path(&self, kind: Kind, secret: &str) -> PathBuf {
        self.dir.join(format!("{kind}-{}", blake3::hash(secret.as_bytes()).to_hex()))
    }

    fn make(&self, kind: Kind, site: Site, until: SystemTime, now: SystemTime) -> io::Result<String> {
        self.tidy(kind, now)?;
        let secret = token::random_hex()?;
        let path = self.path(kind, &secret);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        file.write_all(format!("{} {}\n", site.word(), seconds(until)).as_bytes())?;
        Ok(secret)
    }

    /// Removes what is over, and the oldest of what is too many.
    fn tidy(&self, kind: Kind, now: SystemTime) -> io::Result<()> {
        let prefix = format!("{kind}-");
        let mut all: Vec<_> = self.all()?.into_iter().filter(|(name, _)| name.starts_with(&prefix)).collect();
        all.sort_by_key(|(_, until)| *until);
        let over = all.len().saturating_sub(MOST - 1);
        let old = all.iter().enumerate().filter(|(i, (_, until))| *i < over || *until <= seconds(now));
        old.for_each(|(_, (name, _))| drop(fs::remove_file(self.dir.join(name)))); // another may have been quicker
        Ok(())
    }

    /// Names and when they are over, in seconds since 1970; what cannot be read is over.
    fn all(&self) -> io::Result<Vec<(String, u64)>> {
        let entries = match fs::read_dir(&self.dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut all = Vec::new();
        for entry in entries {
            let entry = entry?;
            let until = read(&entry.path()).map_or(0, |(_, until)| until);
            all.push((entry.file_name().to_string_lossy().into_owned(), until));
        }
        Ok(all)
    }
}

/// Whether this file is there, for this site, and not over.
fn holds(path: &std::path::Path, site: Site, now: SystemTime) -> bool {
    read(path).is_some_and(|(word, until)| word == site.word() && seconds(now) < until)
}

fn read(path: &std::path::Path) -> Option<(String, u64)> {
    let text = fs::read_to_string(path).ok()?;
    let (word, until) = text.strip_suffix('\n')?.split_once(' ')?;
    Some((word.to_owned(), until.parse().ok()?))
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// The values of our cookie.
fn cookies(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(|(name, _)| *name == COOKIE).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;
    use std::os::unix::fs::MetadataExt;

    struct Store {
        logins: Logins,
        now: SystemTime,
        _home: tempfile::TempDir,
    }

    fn store() -> Store {
        let home = tempfile::tempdir().unwrap();
        Store { logins: Logins::of(&DataDir::new(home.path())), now: SystemTime::now(), _home: home }
    }

    impl Store {
        fn knows(&self, cookie: &str, site: Site, later: Duration) -> bool {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, HeaderValue::from_str(cookie).unwrap());
            self.logins.know(&headers, site, self.now + later)
        }
    }

    const DAY: Duration = Duration::from_secs(86_400);

    #[test]
    fn a_link_works_once_at_its_site_and_in_its_time() {
        let Store { logins, now, _home } = &store();
        let link = logins.link(Site::Named, *now).unwrap();
        assert!(logins.redeem(&link, Site::Named, *now).unwrap().is_some());
        assert_eq!(logins.redeem(&link, Site::Named, *now).unwrap(), None, "it was used");
        let old = logins.link(Site::Named, *now).unwrap();
        assert_eq!(logins.redeem(&old, Site::Named, *now + LINK_TIME).unwrap(), None, "it was too old");
        let plain = logins.link(Site::Plain, *now).unwrap();
        assert_eq!(logins.redeem(&plain, Site::Named, *now).unwrap(), None, "it was for another host");
        assert_eq!(logins.redeem(&plain, Site::Plain, *now).unwrap(), None, "somebody had it");
        for wrong in ["", "../api.token", &"0".repeat(64)] {
            assert_eq!(logins.redeem(wrong, Site::Named, *now).unwrap(), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_login_lasts_until_it_is_over_or_revoked() {
        let store = store();
        let link = store.logins.link(Site::Named, store.now).unwrap();
        let login = store.logins.redeem(&link, Site::Named, store.now).unwrap().unwrap();
        let cookie = format!("prompt_manager={login}");
        assert!(store.knows(&cookie, Site::Named, Duration::ZERO));
        assert!(store.knows(&format!("a=b; {cookie}; c=d"), Site::Named, 29 * DAY));
        assert!(store.knows(&format!("prompt_manager=other; {cookie}"), Site::Named, Duration::ZERO));
        assert!(!store.knows(&cookie, Site::Plain, Duration::ZERO), "it is another host's");
        assert!(!store.knows(&cookie, Site::Named, 30 * DAY), "it is over");
        for wrong in ["", "prompt_manager", "prompt_manager=", "other=x", &format!("prompt_manager={link}")] {
            assert!(!store.knows(wrong, Site::Named, Duration::ZERO), "{wrong:?}");
        }
        assert_eq!(store.logins.revoke().unwrap(), 1);
        assert!(!store.knows(&cookie, Site::Named, Duration::ZERO), "it was revoked");
        assert_eq!(store.logins.revoke().unwrap(), 0);
    }

    #[test]
    fn no_secret_is_on_the_disk_and_no_heap_of_files() {
        let Store { logins, now, _home } = &store();
        let mut secrets = Vec::new();
        for n in 0..MOST as u32 * 2 {
            let later = *now + Duration::from_millis(u64::from(n));
            let link = logins.link(Site::Named, later).unwrap();
            secrets.push(logins.redeem(&link, Site::Named, later).unwrap().unwrap());
            secrets.push(link);
        }
        let files: Vec<_> = fs::read_dir(&logins.dir).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(files.len(), MOST);
        for file in files {
            assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
            let text = format!("{} {}", file.display(), fs::read_to_string(&file).unwrap());
            assert!(!secrets.iter().any(|secret| text.contains(secret)), "{text}");
        }
        assert_eq!(fs::metadata(&logins.dir).unwrap().mode() & 0o777, 0o700);
    }

    #[test]
    fn sites() {
        let check = |host, expected| assert_eq!(Site::of(host), expected, "{host}");
        check("prompt-manager.localhost:8765", Site::Named);
        check("prompt-manager.localhost", Site::Named);
        for plain in ["localhost:8765", "127.0.0.1:8765", "[::1]:8765", "prompt-manager.localhost.evil.com:1", ""] {
            check(plain, Site::Plain);
        }
    }
}
