//! From flags to a running server: everything that can be refused is refused here, in one line that says what to do.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use queue::DataDir;
use settings::{Chosen, Layer, Listen, Settings};
use supervisor::Notify;
use tokio::signal::unix::{SignalKind, signal};
use tracing::level_filters::LevelFilter;

use super::app::App;
use super::listener::{self, Listener};
use super::server;
use crate::access::login::Logins;
use crate::access::token::{self, Token};
use crate::access::whereabouts::Whereabouts;
use crate::access::{Access, AllowedHost, Place};
use crate::logging;
use crate::state::db::Database;

/// Below the help of `serve`.
pub(crate) const EXAMPLES: &str = "\
Examples:
  prompt-manager serve
  prompt-manager serve --listen unix:/run/user/1000/prompt-manager.sock
  curl -H \"Authorization: Bearer $(cat DIR/run/api.token)\" \\
    'http://127.0.0.1:8765/api/conversations?limit=5'
  prompt-manager open                            for a browser
  The routes: http://127.0.0.1:8765/docs in that browser, or `openapi`

Exit codes: 0 ended by a signal
            1 not started: the place is taken, the disk refused something
            2 what was typed is wrong
            78 another configuration is needed";

/// What `serve` may be told. What is left out comes from the environment or config.toml.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The data directory [default: $PROMPT_MANAGER_HOME, else ~/.local/share/prompt-manager]
    #[arg(long, value_name = "DIR")]
    pub(crate) home: Option<PathBuf>,
    /// Where to listen: ADDRESS:PORT, where port 0 takes a free one, or unix:PATH [default: $PROMPT_MANAGER_LISTEN, else
    /// 127.0.0.1:8765]
    #[arg(long, value_name = "PLACE")]
    pub(crate) listen: Option<Listen>,
    /// Answer under this name too, such as that of a forwarded port; may be given several times.
    #[arg(long, value_name = "NAME:PORT")]
    pub(crate) allow_host: Vec<AllowedHost>,
    /// Listen at an address that other machines reach, in plain text and behind the token alone.
    #[arg(long)]
    pub(crate) allow_remote: bool,
    /// Answer everybody on this machine, without the token in run/api.token.
    #[arg(long)]
    pub(crate) no_token: bool,
}

/// For questions to the store that are still under way when all connections are closed.
const LAST_QUESTIONS_TIME: Duration = Duration::from_millis(500);

/// Why there is no server. The text fits behind "failed to".
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("read the settings: {0}")]
    Settings(#[from] settings::Error),
    #[error("use {home} as the data directory: there is no such directory; make it, or choose another with --home")]
    NoHome { home: String },
    #[error("make the data directory: {0}")]
    MakeHome(std::io::Error),
    #[error("listen on {0}: other machines can reach this address; add --allow-remote if that is what you want")]
    Remote(SocketAddr),
    #[error("listen on {0}: only exact host names are answered, so name one address of this machine")]
    Unspecified(SocketAddr),
    #[error("listen on {0} without a token: other machines can reach this address; leave out --no-token")]
    RemoteWithoutToken(SocketAddr),
    #[error("{0}")]
    Store(store::Error),
    #[error("{0}")]
    Token(#[from] token::Error),
    #[error("{0}")]
    Listen(#[from] listener::Error),
    #[error("log as the settings say: {0}")]
    Log(#[from] logging::Wrong),
    #[error("start the server: {0}")]
    Runtime(std::io::Error),
}

impl Error {
    /// 78 for what only another configuration can mend, 1 for what may pass.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::MakeHome(_) | Self::Listen(_) | Self::Runtime(_) => ExitCode::FAILURE,
            Self::Settings(_)
            | Self::Log(_)
            | Self::NoHome { .. }
            | Self::Remote(_)
            | Self::Unspecified(_)
            | Self::RemoteWithoutToken(_)
            | Self::Store(_)
            | Self::Token(_) => ExitCode::from(78),
        }
    }
}

/// Runs until SIGTERM or SIGINT.
pub(crate) fn serve(flags: Serve) -> Result<(), Error> {
    let (allow_remote, allowed) = (flags.allow_remote, flags.allow_host);
    let layer =
        Layer { home: flags.home, listen: flags.listen, no_token: flags.no_token.then_some(true), ..Layer::default() };
    let settings = Settings::resolve(layer, &|name| std::env::var_os(name))?;
    logging::start(LevelFilter::INFO, settings.log.as_deref(), settings.log_format)?;
    if let Some(problem) = &settings.record_problem {
        tracing::warn!("{problem}");
    }
    if let Listen::Tcp(address) = settings.listen {
        check_address(address, allow_remote, settings.no_token)?;
    }
    let home = find_home(&settings)?;
    let not_yet = check_database(&home)?;
    let token = if settings.no_token { None } else { Some(Token::load_or_make(&home)?) };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_io()
        .enable_time()
        .build()
        .map_err(Error::Runtime)?;
    let served = runtime.block_on(async {
        let listener = match Listener::inherited()? {
            Some(listener) => {
                if let Place::Tcp(address) = listener.place() {
                    check_address(address, allow_remote, settings.no_token)?;
                }
                listener
            }
            None => Listener::bind(&settings.listen).await?,
        };
        let logins = Logins::of(&home).reached(listener.place(), settings.home_chosen);
        let access = Access::new(listener.place(), &allowed, token, logins);
        listen(listener, access, Settings { home, ..settings }, not_yet).await
    });
    runtime.shutdown_timeout(LAST_QUESTIONS_TIME); // nobody waits for their answers any more, and no change is among them
    served
}

async fn listen(
    listener: Listener,
    access: Access,
    settings: Settings,
    not_yet: Option<store::Error>,
) -> Result<(), Error> {
    let mut terminate = signal(SignalKind::terminate()).map_err(Error::Runtime)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Error::Runtime)?;
    let shutdown = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    if let Some(error) = not_yet {
        tracing::warn!("not ready yet: failed to {error}");
    }
    if settings.no_token {
        tracing::warn!("answering without a token: every program that reaches this place can read the prompts");
    } else {
        tracing::info!("the token is in {}", settings.home.api_token().display());
    }
    let url = match listener.place() {
        Place::Tcp(address) => format!("http://{address}"),
        Place::Unix => settings.listen.to_string(),
    };
    let _word = Whereabouts::leave(&settings.home, &url).unwrap_or_else(|error| {
        tracing::warn!(
            "failed to write {}: {error}; `open` has to be told with --listen",
            settings.home.api_url().display()
        );
        None
    });
    let app = App::new(access, Database::new(settings)?);
    let _ = writeln!(std::io::stdout(), "listening on {url}"); // nobody may be reading
    let mut notify = Notify::new(&|name| std::env::var_os(name));
    notify.ready();
    server::run(listener, Arc::new(app), shutdown).await;
    notify.stopping();
    Ok(())
}

/// Loopback unless somebody said otherwise, and never without a token beyond it.
fn check_address(listen: SocketAddr, allow_remote: bool, no_token: bool) -> Result<(), Error> {
    match listen.ip() {
        ip if ip.is_loopback() => Ok(()),
        _ if no_token => Err(Error::RemoteWithoutToken(listen)),
        _ if !allow_remote => Err(Error::Remote(listen)),
        ip if ip.is_unspecified() => Err(Error::Unspecified(listen)),
        _ => Ok(()),
    }
}

/// The default place is made if need be; one that somebody named must be there, for it may be a slip of the pen.
fn find_home(settings: &Settings) -> Result<DataDir, Error> {
    let home = settings.home.clone();
    if settings.home_chosen == Chosen::Named && !home.root().is_dir() {
        return Err(Error::NoHome { home: home.root().display().to_string() });
    }
    home.create().map_err(Error::MakeHome)?;
    Ok(home)
}

/// A database that no later moment makes readable is refused now. One that is missing or busy may come, and one of another schema
/// may become ours again: then why it is not there yet is given back.
fn check_database(home: &DataDir) -> Result<Option<store::Error>, Error> {
    match store::read::Reader::open(home) {
        Ok(_) => Ok(None),
        Err(error @ store::Error::Foreign { .. }) => Err(Error::Store(error)),
        Err(error) => Ok(Some(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(listen: &str, allow_remote: bool, no_token: bool, expected: &str) {
        let found = check_address(listen.parse().unwrap(), allow_remote, no_token);
        let found = found.map_or_else(|error| error.to_string(), |()| "ok".into());
        assert!(found.contains(expected), "{listen} {allow_remote} {no_token}: {found}");
    }

    #[test]
    fn addresses() {
        check("127.0.0.1:1", false, true, "ok");
        check("[::1]:1", false, false, "ok");
        check("127.9.9.9:1", false, true, "ok");
        check("192.168.1.2:1", false, false, "add --allow-remote");
        check("192.168.1.2:1", true, false, "ok");
        check("192.168.1.2:1", true, true, "leave out --no-token");
        check("0.0.0.0:1", true, false, "name one address");
        check("0.0.0.0:1", false, false, "add --allow-remote");
        check("[::]:1", true, false, "name one address");
    }
}
