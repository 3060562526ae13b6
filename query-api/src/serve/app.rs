//! What happens to every request and every answer, whatever the route.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::MatchedPath;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Request, StatusCode};
use maud::html;
use store::annotate::Stop;
use tower::ServiceExt;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};

use super::answered::{Answered, Asked};
use crate::access::Access;
use crate::access::form::Visitor;
use crate::handlers::{HTML, login};
use crate::http::problem::Problem;
use crate::page::{self, frame};
use crate::routes;
use crate::state::db::Database;
use crate::state::events::Events;
use crate::state::metrics::Requests;

/// An answer takes no longer.
const TIME_LIMIT: Duration = Duration::from_secs(15);

const UNKNOWN: &str =
    "The answer took too long, and the change may have been made all the same: look before you send it again.";

/// On every answer. Prompts are private, so nothing may keep, frame, load or sniff them.
const HEADERS: [(HeaderName, &str); 6] = [
    (header::CACHE_CONTROL, "no-store"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; \
         form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // Not `no-referrer`: with that, browsers say of a form of ours that it came from nowhere.
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// The rules, the routes and the data of one server.
pub(crate) struct App {
    access: Access,
    routes: Router,
    requests: Arc<Requests>,
    events: Arc<Events>,
    changes: Stop,
    /// What a command needs to be told of the data directory.
    home: Option<String>,
}

/// Which route answers: noted on the request before it does, and known also where its answer never comes.
#[derive(Clone, Default)]
struct Route(Arc<OnceLock<Arc<str>>>);

impl Route {
    fn name(&self) -> Arc<str> {
        self.0.get().cloned().unwrap_or_else(|| NO_ROUTE.into())
    }
}

/// The route of what none answered: there are as many paths as anybody likes to ask for.
const NO_ROUTE: &str = "none";

/// Notes which route was found.
async fn noted(found: Option<MatchedPath>, request: axum::extract::Request, next: Next) -> Response {
    if let (Some(found), Some(route)) = (found, request.extensions().get::<Route>()) {
        let _ = route.0.set(found.as_str().into()); // one request has one route
    }
    next.run(request).await
}

/// What is worth compressing: neither short, nor a stream that must not wait for its next line.
fn compression() -> CompressionLayer<impl Predicate> {
    let worth = SizeAbove::new(1024).and(NotForContentType::SSE);
    CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(worth)
}

impl App {
    pub(crate) fn new(access: Access, database: Database) -> Self {
        let requests = Arc::new(Requests::default());
        let home = database.home_flag();
        let (events, changes) = (Events::new(database.home().clone()), database.stop());
        let routes = routes::router(database, access.logins().clone(), requests.clone(), events.clone());
        let routes = routes.route_layer(from_fn(noted)).layer(compression());
        Self { access, routes, requests, events, changes, home }
    }

    /// Lets go of those who listen: the server is about to end.
    pub(crate) fn end(&self) {
        self.events.end();
    }

    /// Takes back the change that is still under way, as the end does not wait for it.
    pub(crate) fn end_changes(&self) {
        self.changes.pull();
    }

    /// Answers. Whatever goes wrong, the answer is one, with our headers on it.
    pub(crate) async fn answer<B>(&self, request: Request<B>) -> Response
    where
        B: hyper::body::Body<Data = axum::body::Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (mut parts, body) = request.into_parts();
        let route = Route::default();
        parts.extensions.insert(route.clone());
        let asked = Asked::new(&parts.method, &parts.headers);
        let path = parts.uri.path().to_owned();
        let page = asks_for_page(&parts).then(|| Visitor::of(&parts, self.access.logins()));
        let is_change = !parts.method.is_safe();
        let response = match self.access.check(&parts) {
            Err(problem) => problem.into_response(),
            Ok(()) => {
                let routed = self.routes.clone().oneshot(Request::from_parts(parts, Body::new(body)));
                match tokio::time::timeout(TIME_LIMIT, caught(routed)).await {
                    Ok(Some(Ok(response))) => response,
                    Ok(None) => Problem::internal("answer: its handler panicked").into_response(),
                    Err(_) if is_change => Problem::unavailable(UNKNOWN, 5).into_response(),
                    Err(_) => Problem::unavailable("The answer took too long.", 5).into_response(),
                }
            }
        };
        let route = route.name();
        let mut response = uniform(response, &path, page.as_ref().map(|visitor| (visitor, self)), &route);
        for (name, value) in HEADERS {
            response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
        }
        asked.id.tell(response.headers_mut());
        let status = response.status().as_u16();
        response.map(|body| Body::new(Answered::new(body, asked, route, status, self.requests.clone())))
    }
}

/// The future's output, or `None` if it panicked.
async fn caught<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    std::future::poll_fn(|context| match std::panic::catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(poll) => poll.map(Some),
        Err(_) => Poll::Ready(None),
    })
    .await
}

/// A browser that shows what it gets, and no program: what it must do is told as a page.
fn asks_for_page(request: &Parts) -> bool {
    let accepted = request.headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    accepted.contains("text/html") && !request.uri.path().starts_with("/api/")
}

/// Every error as problem+json, or for a person as a page, those of the router too. The log hears the route alone: in the path may be a person's words.
fn uniform(mut response: Response, path: &str, page: Option<(&Visitor, &App)>, route: &str) -> Response {
    if response.status().as_u16() < 400 {
        return response;
    }
    let known = response.extensions_mut().remove::<Problem>();
    if known.is_none()
        && response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
    {
        return response; // a page that says it all
    }
    let problem = known.unwrap_or_else(|| match response.status() {
        StatusCode::NOT_FOUND => Problem::new(StatusCode::NOT_FOUND, "There is nothing at this path."),
        StatusCode::METHOD_NOT_ALLOWED => {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "This path does not know the method.")
        }
        status => Problem::new(status, "The request cannot be answered."),
    });
    if let Some(internal) = &problem.internal {
        tracing::warn!(route, status = problem.status.as_u16(), "failed to {internal}");
    }
    let mut rendered = problem.render(path);
    if let Some((visitor, app)) = page {
        let page = match problem.status {
            StatusCode::UNAUTHORIZED => login::strange(visitor.preferences, app.access.logins().way()),
            // Whoever asks for another host is no visitor of ours.
            StatusCode::MISDIRECTED_REQUEST => {
                frame::short(problem.title(), visitor.preferences, &html! { p { (problem.detail) } })
            }
            _ => page::problem::problem(&problem, visitor, app.home.as_deref()),
        };
        rendered.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(HTML));
        *rendered.body_mut() = Body::from(page);
    }
    if let Some(allow) = response.headers_mut().remove(header::ALLOW) {
        rendered.headers_mut().insert(header::ALLOW, allow);
    }
    rendered
}

#[cfg(test)]
mod metrics_tests;
#[cfg(test)]
pub(crate) mod tests;
