//! `/api/health` for people and programs that want to know why; `/healthz` and `/readyz` for those that do not.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use hyper::Uri;
use hyper::header::{self, HeaderValue};

use super::json;
use crate::db::Database;
use crate::params;
use crate::problem::Problem;

/// `GET /api/health`: 200 whatever it says; the document of `prompt-manager status --json`.
pub(crate) async fn report(State(database): State<Arc<Database>>, uri: Uri) -> Result<Response, Problem> {
    params::none(&uri)?;
    json(&database.status().await?)
}

/// `GET /healthz`: the process answers.
pub(crate) async fn alive(uri: Uri) -> Result<Response, Problem> {
    params::none(&uri)?;
    Ok(word("ok"))
}

/// `GET /readyz`: the database answers too.
pub(crate) async fn ready(State(database): State<Arc<Database>>, uri: Uri) -> Result<Response, Problem> {
    params::none(&uri)?;
    database.ask::<_, Problem>(|reader| reader.health()).await?;
    Ok(word("ready"))
}

fn word(word: &'static str) -> Response {
    let mut response = Response::new(word.into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
