//! `/api/health` for people and programs that want to know why; `/healthz` and `/readyz` for those that do not.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;

use super::{json, typed};
use crate::http::extract::Query;
use crate::http::problem::Problem;
use crate::state::db::Database;

/// How it is going
///
/// 200 whatever it says. The document of `prompt-manager status --json`.
#[utoipa::path(get, operation_id = "health", path = "/api/health", tag = "health", responses((status = 200, body = status::Status)))]
pub(crate) async fn report(State(database): State<Arc<Database>>, Query(()): Query<()>) -> Result<Response, Problem> {
    json(&database.status().await?)
}

/// Whether the process answers
#[utoipa::path(get, operation_id = "alive", path = "/healthz", tag = "health",
    responses((status = 200, description = "`ok`", body = String, content_type = "text/plain; charset=utf-8")))]
pub(crate) async fn alive(Query(()): Query<()>) -> Response {
    word("ok")
}

/// Whether the database answers too
#[utoipa::path(get, operation_id = "ready", path = "/readyz", tag = "health",
    responses((status = 200, description = "`ready`", body = String, content_type = "text/plain; charset=utf-8")))]
pub(crate) async fn ready(State(database): State<Arc<Database>>, Query(()): Query<()>) -> Result<Response, Problem> {
    database.ask::<_, Problem>(|reader| reader.health()).await?;
    Ok(word("ready"))
}

fn word(word: &'static str) -> Response {
    typed("text/plain; charset=utf-8", word)
}
