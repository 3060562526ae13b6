//! What happens to every request and every answer, whatever the route.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
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
use tower::ServiceExt;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};

use crate::access::Access;
use crate::answered::{Answered, Asked};
use crate::db::Database;
use crate::events::Events;
use crate::handlers::pages;
use crate::metrics::Requests;
use crate::problem::Problem;
use crate::routes;

/// An answer takes no longer.
const TIME_LIMIT: Duration = Duration::from_secs(15);

/// On every answer. Prompts are private, so nothing may keep, frame, load or sniff them.
const HEADERS: [(HeaderName, &str); 6] = [
    (header::CACHE_CONTROL, "no-store"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// The rules, the routes and the data of one server.
pub(crate) struct App {
    access: Access,
    routes: Router,
    requests: Arc<Requests>,
    events: Arc<Events>,
}

/// Which route answered.
#[derive(Clone)]
struct Route(Arc<str>);

/// The route of what none answered: there are as many paths as anybody likes to ask for.
const NO_ROUTE: &str = "none";

/// Notes the route on its answer.
async fn noted(route: Option<MatchedPath>, request: axum::extract::Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if let Some(route) = route {
        response.extensions_mut().insert(Route(route.as_str().into()));
    }
    response
}

/// What is worth compressing: neither short, nor a stream that must not wait for its next line.
fn compression() -> CompressionLayer<impl Predicate> {
    let worth = SizeAbove::new(1024).and(NotForContentType::SSE);
    CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(worth)
}

impl App {
    pub(crate) fn new(access: Access, database: Database) -> Self {
        let requests = Arc::new(Requests::default());
        let events = Events::new(database.home().clone());
        let routes = routes::router(database, access.logins().clone(), requests.clone(), events.clone());
        let routes = routes.route_layer(from_fn(noted)).layer(compression());
        Self { access, routes, requests, events }
    }

    /// Lets go of those who listen: the server is about to end.
    pub(crate) fn end(&self) {
        self.events.end();
    }

    /// Answers. Whatever goes wrong, the answer is one, with our headers on it.
    pub(crate) async fn answer<B>(&self, request: Request<B>) -> Response
    where
        B: hyper::body::Body<Data = axum::body::Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (parts, body) = request.into_parts();
        let asked = Asked::new(&parts.method, &parts.headers);
        let path = parts.uri.path().to_owned();
        let page = asks_for_page(&parts);
        let response = match self.access.check(&parts) {
            Err(problem) => problem.into_response(),
            Ok(()) => {
                let routed = self.routes.clone().oneshot(Request::from_parts(parts, Body::new(body)));
                match tokio::time::timeout(TIME_LIMIT, caught(routed)).await {
                    Ok(Some(Ok(response))) => response,
                    Ok(None) => Problem::internal("a handler panicked").into_response(),
                    Err(_) => Problem::unavailable("The answer took too long.", 5).into_response(),
                }
            }
        };
        let mut response = uniform(response, &path, page);
        for (name, value) in HEADERS {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        asked.id.tell(response.headers_mut());
        let route = response.extensions_mut().remove::<Route>().map_or_else(|| NO_ROUTE.into(), |route| route.0);
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

/// Every error as problem+json, those of the router too.
fn uniform(mut response: Response, path: &str, page: bool) -> Response {
    if response.status().as_u16() < 400 {
        return response;
    }
    let known = response.extensions_mut().remove::<Problem>();
    if known.is_none()
        && response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
    {
        return response; // a page that says it all
    }
    let route = response.extensions_mut().remove::<Route>();
    let problem = known.unwrap_or_else(|| match response.status() {
        StatusCode::NOT_FOUND => Problem::new(StatusCode::NOT_FOUND, "There is nothing at this path."),
        StatusCode::METHOD_NOT_ALLOWED => {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "This path does not know the method.")
        }
        status => Problem::new(status, "The request cannot be answered."),
    });
    if let Some(internal) = &problem.internal {
        tracing::warn!(path, status = problem.status.as_u16(), "failed to {internal}");
    }
    let mut rendered = problem.render(path);
    if page && problem.status == StatusCode::UNAUTHORIZED {
        let (kind, body) = pages::strange();
        rendered.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        *rendered.body_mut() = body;
    }
    if let Some(route) = route {
        rendered.extensions_mut().insert(route);
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
