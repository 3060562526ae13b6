//! A route each: parameters to a question to the store to a view.

pub(crate) mod conversations;
pub(crate) mod document;
pub(crate) mod health;

use axum::response::Response;
use hyper::header::{self, HeaderValue};
use serde::Serialize;

use crate::problem::Problem;

/// 200 with `view` as its body.
fn json(view: &impl Serialize) -> Result<Response, Problem> {
    let body = serde_json::to_vec(view).map_err(|error| Problem::internal(format!("write JSON: {error}")))?;
    let mut response = Response::new(body.into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}
