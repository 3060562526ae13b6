//! What happens to every request and every answer, whatever the route.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Request, StatusCode};
use tower::ServiceExt;

use crate::access::Access;
use crate::db::Database;
use crate::handlers::pages;
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
}

impl App {
    pub(crate) fn new(access: Access, database: Database) -> Self {
        let routes = routes::router(database, access.logins().clone());
        Self { access, routes }
    }

    /// Answers. Whatever goes wrong, the answer is one, with our headers on it.
    pub(crate) async fn answer<B>(&self, request: Request<B>) -> Response
    where
        B: hyper::body::Body<Data = axum::body::Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let began = Instant::now();
        let (parts, body) = request.into_parts();
        let (method, path) = (parts.method.clone(), parts.uri.path().to_owned());
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
        // Never the query string: it holds what somebody searched for.
        tracing::debug!(%method, path, status = response.status().as_u16(), us = began.elapsed().as_micros(), "answered");
        response
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
    if let Some(allow) = response.headers_mut().remove(header::ALLOW) {
        rendered.headers_mut().insert(header::ALLOW, allow);
    }
    rendered
}

#[cfg(test)]
mod tests;
