//! Who may ask, decided before anything else is looked at: the exact Host, then where a browser says the request comes
//! from, then the token or, from a browser, the cookie of a login.
//!
//! Any page in the user's browser can send requests to this machine. A page that rebinds its own name to 127.0.0.1 is
//! even of the same origin as we are, for its browser: only the Host it must send gives it away. So Host is compared as
//! text with the few names that are ours; no suffix, no resolving, no other spelling of the same address.

pub(crate) mod form;
pub(crate) mod login;
pub(crate) mod token;
pub(crate) mod whereabouts;

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::SystemTime;

use hyper::header::{self, HeaderMap, HeaderName};
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};

use crate::http::problem::Problem;
use login::{Logins, NAME, Site};
use token::Token;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// Programs that watch over us ask the first two; a link is what makes a login; and the page that says what is missing shall
/// look like one.
pub(crate) const WITHOUT_TOKEN: [&str; 5] = ["/healthz", "/readyz", "/open", "/assets/style.css", "/assets/icon.svg"];

/// The rules of one server.
pub(crate) struct Access {
    hosts: Vec<String>,
    token: Option<Token>,
    logins: Logins,
}

/// Where a server is reached, which decides what it is called.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    /// At an address.
    Tcp(SocketAddr),
    /// At a socket in the file system.
    Unix,
}

impl Access {
    /// Of a server that is reached there, also under the names `allowed`, and asks for `token`, if there is one.
    pub(crate) fn new(place: Place, allowed: &[AllowedHost], token: Option<Token>, logins: Logins) -> Self {
        let mut hosts = match place {
            Place::Tcp(address) => names_of(address),
            Place::Unix => vec!["localhost".to_owned()],
        };
        hosts.extend(allowed.iter().map(|host| host.0.clone()));
        Self { hosts, token, logins }
    }

    /// The logins that it knows.
    pub(crate) fn logins(&self) -> &Logins {
        &self.logins
    }

    /// Whether this request may be answered.
    pub(crate) fn check(&self, request: &Parts) -> Result<(), Problem> {
        let host = self.host(request)?;
        same_site(request, host)?;
        match &self.token {
            Some(token) if !WITHOUT_TOKEN.contains(&request.uri.path()) => self.identified(request, host, token),
            _ => Ok(()),
        }
    }

    /// A program by the token, a browser by its cookie.
    fn identified(&self, request: &Parts, host: &str, token: &Token) -> Result<(), Problem> {
        if request.headers.contains_key(header::AUTHORIZATION) {
            return bearer(&request.headers, token);
        }
        if !self.logins.know(&request.headers, Site::of(host), SystemTime::now()) {
            return Err(Problem::no_token());
        }
        // The browser adds the cookie whoever makes it ask, so it must also say who that is; `same_site` has seen that what it
        // says is right. SameSite=Strict says the same again.
        let told = [SEC_FETCH_SITE, header::ORIGIN].iter().any(|name| request.headers.contains_key(name));
        if told || matches!(request.method, Method::GET | Method::HEAD) {
            return Ok(());
        }
        let detail = "With a cookie, Origin or Sec-Fetch-Site must say that one of our own pages asks.";
        Err(Problem::new(StatusCode::FORBIDDEN, detail))
    }

    /// The one Host of the request, if it is ours.
    fn host<'r>(&self, request: &'r Parts) -> Result<&'r str, Problem> {
        let host = only(&request.headers, &header::HOST).filter(|host| self.hosts.iter().any(|ours| ours == host));
        let absolute = request.uri.authority().map(|authority| authority.as_str());
        match host {
            Some(host) if absolute.is_none_or(|authority| authority == host) => Ok(host),
            _ => Err(Problem::new(
                StatusCode::MISDIRECTED_REQUEST,
                format!("This server answers only for the Host {}.", self.hosts.join(", ")),
            )),
        }
    }
}

/// What a server at this address is called. Browsers leave out port 80.
fn names_of(address: SocketAddr) -> Vec<String> {
    let own = match address {
        SocketAddr::V4(address) => address.ip().to_string(),
        SocketAddr::V6(address) => format!("[{}]", address.ip()),
    };
    let mut names = vec!["127.0.0.1".to_owned(), "localhost".to_owned(), "[::1]".to_owned(), NAME.to_owned()];
    if !names.contains(&own) {
        names.push(own);
    }
    let port = address.port();
    let mut hosts: Vec<_> = names.iter().map(|name| format!("{name}:{port}")).collect();
    if port == 80 {
        hosts.extend(names);
    }
    hosts
}

/// A name and port under which somebody reaches the server by a way of their own, such as a forwarded port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AllowedHost(String);

impl fmt::Display for AllowedHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for AllowedHost {
    type Err = &'static str;

    /// As a browser writes it in Host: lower case, no scheme, no path.
    fn from_str(text: &str) -> Result<Self, &'static str> {
        let wrong = "write a name and a port as the browser's address bar shows them, such as devbox.example:9000";
        let (name, port) = text.rsplit_once(':').ok_or(wrong)?;
        let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
        let good = match bare {
            Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
            None => {
                !name.is_empty() && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.'))
            }
        };
        let port = port.parse::<u16>().is_ok_and(|number| number > 0 && number.to_string() == port);
        if good && port { Ok(Self(text.to_owned())) } else { Err(wrong) }
    }
}

/// Browsers say where a request comes from: only our own pages may ask, or a person who follows a link or types it.
fn same_site(request: &Parts, host: &str) -> Result<(), Problem> {
    let refused = |what| Err(Problem::new(StatusCode::FORBIDDEN, format!("Other sites may not ask: {what}.")));
    if request.headers.contains_key(SEC_FETCH_SITE) {
        let reads = matches!(request.method, Method::GET | Method::HEAD);
        match only(&request.headers, &SEC_FETCH_SITE) {
            Some("same-origin") => {}
            Some("none") if reads => {}
            _ => return refused("Sec-Fetch-Site must be same-origin"),
        }
    }
    if request.headers.contains_key(header::ORIGIN) {
        let origin = only(&request.headers, &header::ORIGIN);
        if origin.and_then(|origin| origin.strip_prefix("http://")) != Some(host) {
            return refused("Origin must be the one of Host");
        }
    }
    Ok(())
}

fn bearer(headers: &HeaderMap, token: &Token) -> Result<(), Problem> {
    let given = only(headers, &header::AUTHORIZATION).and_then(|value| value.split_once(' '));
    match given {
        Some((scheme, given)) if scheme.eq_ignore_ascii_case("bearer") && token.is(given.trim_ascii().as_bytes()) => {
            Ok(())
        }
        _ => Err(Problem::no_token()),
    }
}

/// The value of a header that is there exactly once.
fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::Request;

    fn parts(method: &str, uri: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn at(listen: &str) -> Place {
        Place::Tcp(listen.parse().unwrap())
    }

    fn logins() -> Logins {
        Logins::of(&queue::DataDir::new("/nowhere"))
    }

    fn access() -> Access {
        Access::new(at("127.0.0.1:8765"), &[], None, logins())
    }

    fn status(access: &Access, parts: &Parts) -> u16 {
        access.check(parts).map_or_else(|problem| problem.status.as_u16(), |()| 200)
    }

    #[test]
    fn only_exact_hosts() {
        let ours = ["127.0.0.1:8765", "localhost:8765", "[::1]:8765", "prompt-manager.localhost:8765"];
        let others = [
            "",
            " ",
            "127.0.0.1",
            "localhost",
            "[::1]",
            "::1:8765",
            "[::]:8765",
            "0.0.0.0:8765",
            "127.0.0.1:80",
            "127.0.0.1:08765",
            "127.0.0.1:8765 ",
            "127.0.0.1:8765.",
            "127.0.0.1.:8765",
            "localhost.:8765",
            "LOCALHOST:8765",
            "Localhost:8765",
            "127.0.0.2:8765",
            "127.1:8765",
            "0:8765",
            "2130706433:8765",
            "0x7f.1:8765",
            "0177.0.0.1:8765",
            "127.0.0.1:8766",
            "127.0.0.1:87650",
            "127.0.0.1:+8765",
            "127.0.0.1:8765,evil.com",
            "127.0.0.1:8765@evil.com",
            "evil.com@127.0.0.1:8765",
            "user:pw@localhost:8765",
            "evil.com",
            "evil.com:8765",
            "127.evil.com:8765",
            "127.0.0.1.evil.com:8765",
            "localhost.evil.com:8765",
            "evil-localhost:8765",
            "xlocalhost:8765",
            "localhostx:8765",
            "localhost:8765/",
            "localhost:8765#",
            "localhost:8765?",
            "http://localhost:8765",
            "[::ffff:127.0.0.1]:8765",
            "[0:0:0:0:0:0:0:1]:8765",
            "[::1%lo]:8765",
            "[::1]:8765]",
            "\u{2113}ocalhost:8765",
            "l\u{f6}calhost:8765",
            "xn--lcalhost-n4a:8765",
            "prompt-manager.localhost",
            "a.prompt-manager.localhost:8765",
            "a.localhost:8765",
            "null",
            "*",
            "*:8765",
            "localhost:",
            "localhost:0",
        ];
        for host in ours {
            assert_eq!(status(&access(), &parts("GET", "/", &[("host", host)])), 200, "{host:?}");
        }
        for host in others {
            for uri in ["/", "/healthz", "/api/conversations", "/none"] {
                for method in ["GET", "HEAD", "OPTIONS", "POST", "DELETE"] {
                    let found = status(&access(), &parts(method, uri, &[("host", host)]));
                    assert_eq!(found, 421, "{method} {uri} {host:?}");
                }
            }
        }
    }

    #[test]
    fn one_host_and_the_same_in_an_absolute_target() {
        let check = |uri: &str, hosts: &[&str], expected| {
            let headers: Vec<_> = hosts.iter().map(|host| ("host", *host)).collect();
            assert_eq!(status(&access(), &parts("GET", uri, &headers)), expected, "{uri} {hosts:?}");
        };
        check("/", &[], 421);
        check("/", &["localhost:8765", "localhost:8765"], 421);
        check("/", &["localhost:8765", "evil.com"], 421);
        check("http://localhost:8765/", &["localhost:8765"], 200);
        check("http://127.0.0.1:8765/", &["localhost:8765"], 421);
        check("http://evil.com/", &["localhost:8765"], 421);
        check("http://localhost:8765/", &["evil.com"], 421);
        check("http://u@localhost:8765/", &["localhost:8765"], 421);
        check("http://localhost:8765/", &[], 421);
    }

    #[test]
    fn port_80_may_be_left_out_and_another_address_is_a_name_too() {
        let check = |listen: &str, host: &str, expected| {
            let access = Access::new(at(listen), &[], None, logins());
            assert_eq!(status(&access, &parts("GET", "/", &[("host", host)])), expected, "{listen} {host}");
        };
        check("127.0.0.1:80", "localhost", 200);
        check("127.0.0.1:80", "localhost:80", 200);
        check("192.168.1.2:9", "192.168.1.2:9", 200);
        check("192.168.1.2:9", "192.168.1.3:9", 421);
        check("[fd00::1]:9", "[fd00::1]:9", 200);
        check("127.0.0.1:9", "192.168.1.2:9", 421);
        check("127.9.9.9:9", "127.9.9.9:9", 200);
    }

    #[test]
    fn other_names_only_where_they_are_allowed() {
        let allowed = ["devbox.example:9000", "[fd00::1]:7"].map(|host| host.parse().unwrap());
        for (place, own) in [(at("127.0.0.1:8765"), "localhost:8765"), (Place::Unix, "localhost")] {
            let access = Access::new(place, &allowed, None, logins());
            let check =
                |host, expected| assert_eq!(status(&access, &parts("GET", "/", &[("host", host)])), expected, "{host}");
            check(own, 200);
            check("devbox.example:9000", 200);
            check("[fd00::1]:7", 200);
            for other in
                ["devbox.example", "devbox.example:90", "a.devbox.example:9000", "DEVBOX.example:9000", "localhost:9"]
            {
                check(other, 421);
            }
        }
        let unix = Access::new(Place::Unix, &[], None, logins());
        for other in ["localhost:8765", "127.0.0.1", "prompt-manager.localhost", ""] {
            assert_eq!(status(&unix, &parts("GET", "/", &[("host", other)])), 421, "{other}");
        }
        let wrong = [
            "",
            "devbox",
            "devbox:",
            ":80",
            "devbox:0",
            "devbox:080",
            "devbox:65536",
            "Devbox:80",
            "http://a:80",
            "a:80/",
            "*:80",
            "a b:80",
            "fd00::1:80",
            "[devbox]:80",
            "a_b:80",
        ];
        for wrong in wrong {
            assert!(wrong.parse::<AllowedHost>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_cookie_is_for_the_pages_of_its_host() {
        let home = tempfile::tempdir().unwrap();
        let dir = queue::DataDir::new(home.path());
        let (logins, now) = (Logins::of(&dir), SystemTime::now());
        let access = Access::new(at("127.0.0.1:8765"), &[], Some(Token::load_or_make(&dir).unwrap()), logins.clone());
        let login = |site| logins.redeem(&logins.link(site, now).unwrap(), site, now).unwrap().unwrap();
        let (named, plain) = (login(Site::Named), login(Site::Plain));
        let check = |method, host: &str, login: &str, more: &[(&str, &str)], expected| {
            let cookie = format!("prompt_manager={login}");
            let headers: Vec<_> = [("host", host), ("cookie", &cookie)].iter().chain(more).copied().collect();
            assert_eq!(status(&access, &parts(method, "/api/x", &headers)), expected, "{method} {host} {more:?}");
        };
        let (ours, other) = ("prompt-manager.localhost:8765", "127.0.0.1:8765");
        check("GET", ours, &named, &[], 200);
        check("GET", other, &named, &[], 401);
        check("GET", other, &plain, &[], 200);
        check("GET", ours, &plain, &[], 401);
        check("GET", ours, "wrong", &[], 401);
        check("GET", ours, &named, &[("authorization", "Bearer wrong")], 401);
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            check(method, ours, &named, &[], 403);
            check(method, ours, &named, &[("origin", "http://prompt-manager.localhost:8765")], 200);
            check(method, ours, &named, &[("sec-fetch-site", "same-origin")], 200);
            check(method, ours, &named, &[("origin", "http://127.0.0.1:8765")], 403);
            check(method, ours, &named, &[("sec-fetch-site", "none")], 403);
            check(method, ours, "wrong", &[("sec-fetch-site", "same-origin")], 401);
        }
    }

    #[test]
    fn other_sites_may_not_ask() {
        let check = |method: &str, more: &[(&str, &str)], expected| {
            let headers: Vec<_> = [("host", "localhost:8765")].iter().chain(more).copied().collect();
            assert_eq!(status(&access(), &parts(method, "/", &headers)), expected, "{method} {more:?}");
        };
        check("GET", &[("sec-fetch-site", "same-origin")], 200);
        check("POST", &[("sec-fetch-site", "same-origin")], 200);
        check("GET", &[("sec-fetch-site", "none")], 200);
        check("POST", &[("sec-fetch-site", "none")], 403);
        for site in ["cross-site", "same-site", "", "Same-Origin", "new-word"] {
            check("GET", &[("sec-fetch-site", site)], 403);
        }
        check("GET", &[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "same-origin")], 403);
        check("GET", &[("origin", "http://localhost:8765")], 200);
        for origin in
            ["null", "", "http://127.0.0.1:8765", "https://localhost:8765", "http://localhost", "http://evil.com", "*"]
        {
            check("GET", &[("origin", origin)], 403);
            check("POST", &[("origin", origin)], 403);
        }
    }

    #[test]
    fn the_token() {
        let home = tempfile::tempdir().unwrap();
        let dir = queue::DataDir::new(home.path());
        let access = Access::new(at("127.0.0.1:8765"), &[], Some(Token::load_or_make(&dir).unwrap()), Logins::of(&dir));
        let token = std::fs::read_to_string(dir.api_token()).unwrap();
        let token = token.trim_end();
        let check = |uri: &str, given: &[&str], expected| {
            let given: Vec<_> = given.iter().map(|value| ("authorization", *value)).collect();
            let headers: Vec<_> = [("host", "localhost:8765")].iter().chain(&given).copied().collect();
            assert_eq!(status(&access, &parts("GET", uri, &headers)), expected, "{uri} {given:?}");
        };
        let good = format!("Bearer {token}");
        for uri in ["/", "/api/conversations", "/none", "/healthz/", "//healthz", "/api/health"] {
            check(uri, &[], 401);
            check(uri, &["Bearer"], 401);
            check(uri, &["Bearer "], 401);
            check(uri, &["Bearer wrong"], 401);
            check(uri, &[token], 401);
            check(uri, &[&format!("Basic {token}")], 401);
            check(uri, &[&good, &good], 401);
            check(uri, &[&good], 200);
            check(uri, &[&format!("bearer  {token}")], 200);
        }
        check("/healthz", &[], 200);
        check("/readyz", &[], 200);
    }
}
