//! `/api/views`: searches that a person keeps, by name.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use hyper::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{conversations, json};
use crate::http::extract::marks::{NameField, QueryField, given};
use crate::http::extract::{Json, Name, Query};
use crate::http::problem::Problem;
use crate::state::db::Database;
use crate::view;

/// The saved views, by name
///
/// Where two stores became one, two may have been called so: the one that was saved last is, others have a number behind.
#[utoipa::path(get, operation_id = "list_views", path = "/api/views", tag = "views",
    responses((status = 200, body = view::Views)))]
pub(crate) async fn list(State(database): State<Arc<Database>>, Query(()): Query<()>) -> Result<Response, Problem> {
    let views = database.ask::<_, Problem>(|reader| reader.saved_views()).await?;
    json(&view::Views::of(&views))
}

/// Refuses what the list would refuse once the search is opened.
pub(super) fn check(query: &QueryField) -> Result<(), Problem> {
    conversations::check_list(&query.0)
        .map_err(|problem| Problem::field("query", format!("`query` is wrong: {}", problem.detail)))
}

/// A search to keep
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Good ones", "query": "kind=human"}))]
pub(crate) struct ViewBody {
    /// What it is called.
    #[schema(value_type = NameField)]
    name: NameField,
    /// The query string of the list that it stands for.
    #[schema(value_type = QueryField)]
    query: QueryField,
}

/// Keeps a search
#[utoipa::path(post, operation_id = "add_view", path = "/api/views", tag = "views",
    request_body = ViewBody,
    responses((status = 201, body = view::View), (status = 409, description = "Another is called so.")))]
pub(crate) async fn add(
    State(database): State<Arc<Database>>,
    Query(()): Query<()>,
    Json(body): Json<ViewBody>,
) -> Result<Response, Problem> {
    check(&body.query)?;
    let kept =
        database.annotate(move |annotator, now_ms| annotator.add_view(&body.name.0, &body.query.0, now_ms)).await?;
    let mut response = json(&view::View::of(&kept))?;
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}

/// What a saved view shall be
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"query": "kind=all"}))]
pub(crate) struct ViewChange {
    /// What it shall be called, if otherwise.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = NameField, required = false)]
    name: Option<NameField>,
    /// The query string of the list that it stands for.
    #[schema(value_type = QueryField)]
    query: QueryField,
}

/// Keeps another search under a name, or under another name
#[utoipa::path(put, operation_id = "change_view", path = "/api/views/{name}", tag = "views",
    params(("name" = String, Path, description = "What it is called, or its id.")),
    request_body = ViewChange,
    responses((status = 200, body = view::View), (status = 409, description = "Another is called so.")))]
pub(crate) async fn change(
    State(database): State<Arc<Database>>,
    Name(of): Name,
    Query(()): Query<()>,
    Json(body): Json<ViewChange>,
) -> Result<Response, Problem> {
    check(&body.query)?;
    let name = body.name.map(|name| name.0);
    let kept = database
        .annotate(move |annotator, now_ms| annotator.change_view(&of, name.as_ref(), &body.query.0, now_ms))
        .await?;
    json(&view::View::of(&kept))
}

/// Throws a saved view away
#[utoipa::path(delete, operation_id = "delete_view", path = "/api/views/{name}", tag = "views",
    params(("name" = String, Path, description = "What it is called, or its id.")),
    responses((status = 204, description = "It is gone.")))]
pub(crate) async fn delete(
    State(database): State<Arc<Database>>,
    Name(name): Name,
    Query(()): Query<()>,
) -> Result<Response, Problem> {
    database.annotate(move |annotator, now_ms| annotator.remove_view(&name, now_ms)).await?;
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}
