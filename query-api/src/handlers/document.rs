//! `/openapi.json`, the document that other programs are made from, and `/docs`, the same for people.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use utoipa::openapi::OpenApi;

use super::{HTML, typed};
use crate::docs;
use crate::http::extract::Query;

/// The document as it is served. It cannot change while the server runs.
pub(crate) struct Document {
    json: Bytes,
    page: Bytes,
}

impl Document {
    pub(crate) fn new(document: &OpenApi) -> Self {
        // What is made of strings and maps can be written; a test reads it.
        let json = document.to_pretty_json().unwrap_or_default();
        let page = docs::render(&serde_json::from_str(&json).unwrap_or_default());
        Self { json: json.into(), page: page.into() }
    }
}

/// This document
#[utoipa::path(get, operation_id = "openapi", path = "/openapi.json", tag = "document",
    responses((status = 200, body = Object)))]
pub(crate) async fn openapi(State(document): State<Arc<Document>>, Query(()): Query<()>) -> Response {
    typed("application/json", document.json.clone())
}

/// `GET /docs`. Not in the document, which is for programs.
pub(crate) async fn page(State(document): State<Arc<Document>>, Query(()): Query<()>) -> Response {
    typed(HTML, document.page.clone())
}
