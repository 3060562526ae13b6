//! `/openapi.json`: the document that other programs are made from.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use hyper::header::{self, HeaderValue};
use utoipa::openapi::OpenApi;

use crate::extract::Query;
use crate::problem::Problem;

/// The document as it is served. It cannot change while the server runs.
pub(crate) struct Document {
    json: Bytes,
}

impl Document {
    pub(crate) fn new(document: &OpenApi) -> Self {
        // What is made of strings and maps can be written; a test reads it.
        Self { json: document.to_pretty_json().unwrap_or_default().into() }
    }
}

/// This document
#[utoipa::path(get, operation_id = "openapi", path = "/openapi.json", tag = "document", responses((status = 200, body = Object)))]
pub(crate) async fn openapi(State(document): State<Arc<Document>>, Query(()): Query<()>) -> Result<Response, Problem> {
    let mut response = Response::new(document.json.clone().into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}
