//! `/api/health` for people and programs that want to know why; `/healthz` and `/readyz` for those that do not.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{json, typed};
use crate::http::extract::Query;
use crate::http::filter::{Time, now_ms};
use crate::http::problem::Problem;
use crate::state::db::Database;
use crate::view;

/// More passes are told as stretches of them.
pub(crate) const MOST_PASSES: usize = 500;
/// More files are not listed.
pub(crate) const MOST_FAILED: usize = 200;
const DAY_MS: i64 = 86_400_000;

/// How it is going
///
/// 200 whatever it says. The document of `prompt-manager status --json`.
#[utoipa::path(get, operation_id = "health", path = "/api/health", tag = "health", responses((status = 200, body = status::Status)))]
pub(crate) async fn report(State(database): State<Arc<Database>>, Query(()): Query<()>) -> Result<Response, Problem> {
    json(&database.status().await?)
}

/// Passes of how long.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PassesParams {
    /// Begun then or later: a time (RFC 3339), a day in local time, or how long ago (`6h`); else in the last day. They are
    /// kept for 30 days.
    #[param(value_type = Option<String>, example = "6h")]
    since: Option<Time>,
}

/// The passes of some time
///
/// Those that did something or met a fault, in order. Where there are more than 500, neighbours are told as one.
#[utoipa::path(get, operation_id = "passes", path = "/api/health/passes", tag = "health", params(PassesParams),
    responses((status = 200, body = view::Passes)))]
pub(crate) async fn passes(
    State(database): State<Arc<Database>>,
    Query(PassesParams { since }): Query<PassesParams>,
) -> Result<Response, Problem> {
    let now = now_ms();
    let since = since.map_or(now - DAY_MS, |since| since.moment.begin(now));
    let found = database.ask::<_, Problem>(move |reader| reader.passes(since, MOST_PASSES)).await?;
    json(&view::Passes::of(&found, since))
}

/// The files that could not be taken in
///
/// At most 200, the oldest names first, each with the reason and the command that puts it back into the queue.
#[utoipa::path(get, operation_id = "failed", path = "/api/health/failed", tag = "health",
    responses((status = 200, body = view::FailedList)))]
pub(crate) async fn failed(State(database): State<Arc<Database>>, Query(()): Query<()>) -> Result<Response, Problem> {
    let found = database.failed(MOST_FAILED).await?;
    json(&view::FailedList::of(&found, MOST_FAILED, database.home_flag().as_deref()))
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
