//! Asks the API's routes in this process: the same handlers, rules and views as over HTTP, without a socket.
//!
//! The checks of a server (Host, token, origin) are not asked: who can start this program can read the database too.

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use http_body_util::BodyExt;
use hyper::header::{self, HeaderValue};
use hyper::{Method, Request, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use settings::{Layer, Settings};
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tower::ServiceExt;
use tracing::level_filters::LevelFilter;

use super::{At, Error};
use crate::access::login::Logins;
use crate::http::problem::Problem;
use crate::logging;
use crate::routes;
use crate::state::db::Database;
use crate::state::events::Events;

/// The routes over one data directory.
pub(super) struct Client {
    runtime: Runtime,
    routes: Router,
}

/// What came back.
pub(super) struct Answer {
    path: String,
    /// As the API sends it.
    pub(super) bytes: Vec<u8>,
    /// The state that was answered, for `If-Match`.
    pub(super) etag: Option<HeaderValue>,
}

/// Parameters by their names in the API.
pub(super) type Pairs = Vec<(&'static str, String)>;

impl Client {
    /// Opens nothing yet: the database is opened by the first question.
    pub(super) fn open(home: Option<PathBuf>) -> Result<Self, Error> {
        let settings = Settings::resolve(Layer { home, ..Layer::default() }, &|name| std::env::var_os(name))?;
        let log = logging::start(LevelFilter::ERROR, settings.log.as_deref(), settings.log_format);
        log.map_err(|wrong| Error::Usage(format!("failed to log as the settings say: {wrong}")))?;
        let (logins, events) = (Logins::of(&settings.home), Events::new(settings.home.clone()));
        Self::of(routes::router(Database::new(settings)?, logins, Arc::default(), events))
    }

    /// Of these routes.
    pub(super) fn of(routes: Router) -> Result<Self, Error> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build().at("start")?;
        Ok(Self { runtime, routes })
    }

    /// From now on Ctrl-C ends what waits for it, and no more this process.
    pub(super) fn interrupts(&self) -> Result<Signal, Error> {
        let _inside = self.runtime.enter();
        signal(SignalKind::interrupt()).at("listen for Ctrl-C")
    }

    /// GET; `None` if Ctrl-C was pressed before the answer was there.
    pub(super) fn get_until(&self, path: &str, query: &Pairs, pressed: &mut Signal) -> Result<Option<Answer>, Error> {
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                _ = pressed.recv() => Ok(None),
                answer = self.send(Method::GET, path, query, None, None) => answer.map(Some),
            }
        })
    }

    /// GET.
    pub(super) fn get(&self, path: &str, query: &Pairs) -> Result<Answer, Error> {
        self.runtime.block_on(self.send(Method::GET, path, query, None, None))
    }

    /// A request that changes something, with a body and the state that it is meant for.
    pub(super) fn change(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        if_match: Option<&HeaderValue>,
    ) -> Result<Answer, Error> {
        self.runtime.block_on(self.send(method, path, &Pairs::new(), body, if_match))
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        query: &Pairs,
        body: Option<&Value>,
        if_match: Option<&HeaderValue>,
    ) -> Result<Answer, Error> {
        let wrong = |detail: String| Error::Answer { path: path.to_owned(), detail };
        let mut uri = path.to_owned();
        if !query.is_empty() {
            uri.push('?');
            uri.push_str(&form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish());
        }
        let mut request = Request::builder().method(method).uri(uri);
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        if let Some(state) = if_match {
            request = request.header(header::IF_MATCH, state);
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let request = request.body(body).map_err(|error| wrong(error.to_string()))?;
        let Ok(mut response) = self.routes.clone().oneshot(request).await;
        if response.status().as_u16() >= 400 {
            return Err(refused(response.status(), response.extensions_mut().remove::<Problem>(), path));
        }
        let etag = response.headers().get(header::ETAG).cloned();
        let bytes = response.into_body().collect().await.map_err(|error| wrong(error.to_string()))?.to_bytes();
        Ok(Answer { path: path.to_owned(), bytes: bytes.into(), etag })
    }
}

impl Answer {
    /// As `T`.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.bytes)
            .map_err(|error| Error::Answer { path: self.path.clone(), detail: error.to_string() })
    }

    /// As text; the API gives UTF-8.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// Prints it as it is.
    pub(super) fn print(&self) -> Result<(), Error> {
        super::print_json(&self.text())
    }
}

/// The API's own sentence, with flags where it speaks of parameters.
fn refused(status: StatusCode, problem: Option<Problem>, path: &str) -> Error {
    let Some(problem) = problem else {
        return Error::Refused { status, detail: format!("{path} answers {status}.") };
    };
    let detail = match &problem.internal {
        Some(internal) if status == StatusCode::INTERNAL_SERVER_ERROR => format!("Failed to {internal}."),
        _ => problem.detail,
    };
    let detail = FLAGS.iter().fold(detail, |detail, (name, flag)| detail.replace(&format!("`{name}`"), flag));
    Error::Refused { status, detail: terminal::text::visible(&detail) }
}

/// What the parameters and fields of the API are called here. Of `tags` and the like, which are no flags, it speaks as well
/// as we could.
const FLAGS: [(&str, &str); 21] = [
    ("q", "WORDS"),
    ("in", "--in"),
    ("sort", "--sort"),
    ("order", "--reverse"),
    ("limit", "--limit"),
    ("session_id", "--session"),
    ("project", "--project"),
    ("since", "--since"),
    ("until", "--until"),
    ("kind", "--kind"),
    ("via", "--via"),
    ("status", "--status"),
    ("model", "--model"),
    ("tool", "--tool"),
    ("tag", "--tag"),
    ("star", "--star"),
    ("rating", "--rating"),
    ("has_error", "--failed"),
    ("tz", "--tz"),
    ("at", "--at"),
    ("titles", "--title"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn check(problem: Problem, expected: &str) {
        let error = refused(problem.status, Some(problem), "/api");
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn refusals_speak_of_flags() {
        check(Problem::parameter("session_id", "`session_id` must not be empty."), "--session must not be empty.");
        check(Problem::parameter("has_error", "`has_error` must be true."), "--failed must be true.");
        check(Problem::parameter("q", "`q` must not be longer."), "WORDS must not be longer.");
        check(
            Problem::parameter("sort", "`sort` can be relevance only with `q`."),
            "--sort can be relevance only with WORDS.",
        );
        check(Problem::field("titles", "`titles` has more entries than `at`."), "--title has more entries than --at.");
        check(Problem::unavailable("Busy.", 1), "Busy.");
        check(Problem::internal("read a\u{1b} row"), "Failed to read a␛ row.");
    }
}
