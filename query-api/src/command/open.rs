//! `query-api open`: lets a browser of this machine in, by a link that works once.

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant, SystemTime};

use clap::Args;
use settings::{Layer, Listen, Settings};

use crate::access::AllowedHost;
use crate::access::login::{LINK_TIME, Logins, NAME, Site};
use crate::access::whereabouts;

/// A server on the same machine that says nothing for so long is none.
const PATIENCE: Duration = Duration::from_secs(5);
/// A command that starts a browser and fails does so sooner.
const START_TIME: Duration = Duration::from_secs(2);

/// Below the help of `open`.
pub(crate) const EXAMPLES: &str = "\
Examples:
  prompt-manager open                            while `serve` runs
  prompt-manager open --print                    the link, to open it yourself
  prompt-manager open --host localhost:9000      over a forwarded port
  prompt-manager open --revoke                   logs every browser out

Exit codes: 0 opened, or the link is printed
            1 no browser was let in, such as where no server answers
            2 what was typed is wrong
            78 another configuration is needed";

/// What `open` may be told.
#[derive(Debug, Args)]
pub(crate) struct Open {
    /// The data directory [default: $PROMPT_MANAGER_HOME, else ~/.local/share/prompt-manager]
    #[arg(long, value_name = "DIR")]
    pub(crate) home: Option<PathBuf>,
    /// Where the server listens [default: as the one of this data directory says in run/api.url, else
    /// $PROMPT_MANAGER_LISTEN, else as `setup service` has it listen, else 127.0.0.1:8765]
    #[arg(long, value_name = "PLACE")]
    pub(crate) listen: Option<Listen>,
    /// Use the address instead of prompt-manager.localhost; the cookie then goes to all that is opened there, at any port.
    #[arg(long)]
    pub(crate) plain_host: bool,
    /// Make the link for a name that the server was told with --allow-host, such as that of a forwarded port.
    #[arg(long, value_name = "NAME:PORT", conflicts_with = "plain_host")]
    pub(crate) host: Option<AllowedHost>,
    /// Print the link, and start no browser.
    #[arg(long)]
    pub(crate) print: bool,
    /// End the logins of all browsers instead.
    #[arg(long, conflicts_with_all = ["plain_host", "host", "print"])]
    pub(crate) revoke: bool,
}

/// Why no browser was let in. The text fits behind "failed to".
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("read the settings: {0}")]
    Settings(#[from] settings::Error),
    #[error(
        "let a browser in: the server listens at {0}, which no browser reaches by itself; start it with --listen 127.0.0.1:8765, \
         or forward a port to the socket (ssh -L does), start the server with --allow-host localhost:PORT, and open with --host localhost:PORT"
    )]
    Socket(Listen),
    #[error(
        "let a browser in: nothing answers at {0} ({1}); start `prompt-manager serve`, or name its place with --listen"
    )]
    NoServer(Listen, io::Error),
    #[error("let a browser in: another program answers at {0}; name the server's place with --listen")]
    OtherServer(Listen),
    #[error("let a browser in: {0} is no data directory of a server; name the server's with --home")]
    NoHome(String),
    #[error(
        "let a browser in: the server at {0} has another home than {1}; name its home with --home, or its place with --listen"
    )]
    OtherHome(Listen, String),
    #[error("let a browser in as {1}: the server at {0} does not answer to that name; start it with --allow-host {1}")]
    OtherName(Listen, String),
    #[error(
        "let a browser in by the name {NAME}: {0}; add --plain-host to use the address itself, whose cookie the browser then \
         sends to all that is opened at that address, at any port"
    )]
    NoName(&'static str),
    #[error("keep the logins in {path}: {source}")]
    Logins { path: String, source: io::Error },
}

impl Error {
    /// 78 for what only another configuration can mend, 1 for the rest.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Settings(_) | Self::Socket(_) | Self::NoHome(_) => ExitCode::from(78),
            _ => ExitCode::FAILURE,
        }
    }
}

/// Opens a browser, or prints the link.
pub(crate) fn run(flags: Open) -> Result<(), Error> {
    let named = flags.listen.is_some();
    let layer = Layer { home: flags.home, listen: flags.listen, ..Layer::default() };
    let settings = Settings::resolve(layer, &|name| std::env::var_os(name))?;
    let logins = Logins::of(&settings.home);
    let kept = |source| Error::Logins { path: settings.home.run().join("logins").display().to_string(), source };
    if flags.revoke {
        let ended = logins.revoke().map_err(kept)?;
        say(&format!("{ended} login{} ended", if ended == 1 { "" } else { "s" }));
        return Ok(());
    }
    let is_set = std::env::var_os("PROMPT_MANAGER_LISTEN").is_some_and(|place| !place.is_empty());
    // One that is started by its first request says nothing before that.
    let recorded = || if is_set { None } else { settings::listen_on_record(&settings.home) };
    let told = if named { None } else { whereabouts::of(&settings.home).or_else(recorded) };
    let place = told.as_ref().unwrap_or(&settings.listen);
    let host = match (&flags.host, place) {
        (Some(host), _) => host.to_string(),
        (None, Listen::Unix(_)) => return Err(Error::Socket(place.clone())),
        (None, Listen::Tcp(address)) if flags.plain_host => address.to_string(),
        (None, Listen::Tcp(address)) => format!("{NAME}:{}", address.port()),
    };
    find_server(place)?;
    let home = settings.home.root().display().to_string();
    if !settings.home.run().is_dir() {
        return Err(Error::NoHome(home)); // nothing is made in what may be a slip of the pen
    }
    if let (None, false, Listen::Tcp(address)) = (&flags.host, flags.plain_host, place) {
        check_name(*address)?;
    }
    let site = Site::of(&host);
    let secret = logins.link(site, SystemTime::now()).map_err(kept)?;
    let link = format!("http://{host}/open?once={secret}");
    if let Err(error) = try_link(place, &host, &secret, home) {
        logins.drop_link(&secret).map_err(kept)?;
        return Err(error);
    }
    let browser = if flags.print { None } else { browser(&|name| std::env::var_os(name).is_some(), is_wsl()) };
    match browser {
        Some(program) if start(program, &link) => hint(&format!("opened http://{host}/ in the browser")),
        started => {
            if let Some(program) = started {
                hint(&format!("`{program}` did not start a browser"));
            }
            let whose = if flags.host.is_some() { "that reaches this name" } else { "of this machine" };
            hint(&format!("open this in a browser {whose}; it works once, for {} s:", LINK_TIME.as_secs()));
            say(&link);
        }
    }
    Ok(())
}

/// Whether it is ours that answers there. It is told nothing: whoever took the port learns no token from us.
fn find_server(place: &Listen) -> Result<(), Error> {
    let host = match place {
        Listen::Tcp(address) => address.to_string(),
        Listen::Unix(_) => "localhost".to_owned(),
    };
    let asked = ask(place, &host, "GET /healthz").map_err(|error| Error::NoServer(place.clone(), error))?;
    if asked.starts_with("HTTP/1.1 200 ") && asked.ends_with("\r\n\r\nok") {
        Ok(())
    } else {
        Err(Error::OtherServer(place.clone()))
    }
}

/// Whether the link is one to the server too, under the name that the browser will say. It is told what the browser will tell it.
fn try_link(place: &Listen, host: &str, secret: &str, home: String) -> Result<(), Error> {
    let asked = ask(place, host, &format!("HEAD /open?once={secret}"));
    let asked = asked.map_err(|error| Error::NoServer(place.clone(), error))?;
    match asked.split(' ').nth(1) {
        Some("200") => Ok(()),
        Some("410") => Err(Error::OtherHome(place.clone(), home)),
        Some("421") => Err(Error::OtherName(place.clone(), host.to_owned())),
        _ => Err(Error::OtherServer(place.clone())),
    }
}

fn ask(place: &Listen, host: &str, what: &str) -> io::Result<String> {
    match place {
        Listen::Tcp(address) => {
            let stream = TcpStream::connect_timeout(address, PATIENCE)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            talk(stream, host, what)
        }
        Listen::Unix(path) => {
            let stream = UnixStream::connect(path)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            talk(stream, host, what)
        }
    }
}

fn talk(mut stream: impl Read + Write, host: &str, what: &str) -> io::Result<String> {
    let request = format!("{what} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.take(16 * 1024).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Whether browsers find the server by our name.
fn check_name(address: SocketAddr) -> Result<(), Error> {
    if !address.ip().is_loopback() {
        return Err(Error::NoName("it means this machine alone, and the server listens at an address of the network"));
    }
    if !resolved(address.port()).any(|found| found.is_loopback()) {
        if cfg!(target_os = "macos") {
            return Err(Error::NoName("this system does not resolve it"));
        }
        // Chrome, Edge and Firefox resolve names below localhost by themselves, whatever the system knows.
        hint(&format!(
            "this system does not resolve {NAME}; most browsers do. If yours does not: `prompt-manager open --plain-host`, \
             whose cookie the browser then sends to all that is opened at {}, at any port",
            address.ip()
        ));
    }
    Ok(())
}

/// The addresses that the system knows for our name. A static program cannot load what the system resolves names with (it is of another
/// C library, maybe), so it asks one that can.
fn resolved(port: u16) -> impl Iterator<Item = IpAddr> {
    let mut found = Vec::new();
    if cfg!(target_feature = "crt-static") {
        let asked = Command::new("getent").args(["ahosts", NAME]).output();
        let told = asked.map(|done| String::from_utf8_lossy(&done.stdout).into_owned()).unwrap_or_default();
        found.extend(told.split_whitespace().filter_map(|word| word.parse::<IpAddr>().ok()));
    } else {
        let known = (NAME, port).to_socket_addrs();
        found.extend(known.into_iter().flatten().map(|address| address.ip()));
    }
    found.into_iter()
}

/// The command that opens a browser here, if somebody sits before it: over SSH it would open one elsewhere, or none.
fn browser(is_set: &dyn Fn(&str) -> bool, wsl: bool) -> Option<&'static str> {
    match () {
        () if is_set("SSH_CONNECTION") || is_set("SSH_TTY") => None,
        () if cfg!(target_os = "macos") => Some("open"),
        () if wsl => Some("wslview"),
        () if is_set("DISPLAY") || is_set("WAYLAND_DISPLAY") => Some("xdg-open"),
        () => None,
    }
}

fn is_wsl() -> bool {
    std::fs::read_to_string("/proc/version").is_ok_and(|version| version.to_lowercase().contains("microsoft"))
}

/// Whether the browser was started, as far as one can tell: some of these commands end at once, others with the browser.
fn start(program: &str, link: &str) -> bool {
    let mut command = Command::new(program);
    command.arg(link).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().is_ok_and(runs)
}

fn runs(mut child: Child) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < START_TIME {
        match child.try_wait() {
            Ok(Some(status)) => return status.success(),
            Ok(None) => std::thread::sleep(Duration::from_millis(20)),
            Err(_) => return false,
        }
    }
    true
}

/// What was asked for. Nobody may be reading.
fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}

fn hint(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(not(target_os = "macos"))]
    fn browsers() {
        let check = |set: &[&str], wsl, expected| {
            assert_eq!(browser(&|name| set.contains(&name), wsl), expected, "{set:?} {wsl}");
        };
        check(&["DISPLAY"], false, Some("xdg-open"));
        check(&["WAYLAND_DISPLAY"], false, Some("xdg-open"));
        check(&[], false, None);
        check(&["DISPLAY", "SSH_CONNECTION"], false, None);
        check(&[], true, Some("wslview"));
        check(&["SSH_TTY"], true, None);
    }

    #[test]
    fn a_command_that_is_not_there_starts_nothing() {
        assert!(!start("/nowhere/browser", "http://localhost/"));
        assert!(!start("false", "http://localhost/"));
        assert!(start("true", "http://localhost/"));
    }
}
