//! A route each: parameters to a question to the store to a view; `pages` has those of the pages.

pub(crate) mod bulk;
pub(crate) mod conversations;
pub(crate) mod document;
pub(crate) mod events;
pub(crate) mod export;
pub(crate) mod health;
pub(crate) mod login;
pub(crate) mod metrics;
pub(crate) mod pages;
pub(crate) mod ratings;
pub(crate) mod raw;
pub(crate) mod sessions;
pub(crate) mod stats;
pub(crate) mod tags;
pub(crate) mod views;

use axum::body::Body;
use axum::response::Response;
use hyper::header::{self, HeaderValue};
use serde::Serialize;

use crate::http::problem::Problem;

/// 200 with `view` as its body.
fn json(view: &impl Serialize) -> Result<Response, Problem> {
    let body = serde_json::to_vec(view).map_err(|error| Problem::internal(format!("write JSON: {error}")))?;
    Ok(typed("application/json", body))
}

/// A page.
pub(crate) const HTML: &str = "text/html; charset=utf-8";

/// A text as it is.
const TEXT: &str = "text/plain; charset=utf-8";

/// 200 with a body of this type.
fn typed(kind: &'static str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
