//! `/api/tags`: the tags that are in use, what is done to one as a whole, and which ones a conversation might get.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use store::human::Tag;
use utoipa::ToSchema;

use super::json;
use super::ratings::named;
use crate::http::extract::marks::TagField;
use crate::http::extract::{Id, Json, Name, Query, no_conversation};
use crate::http::problem::Problem;
use crate::state::db::Database;
use crate::view;

/// All tags and how many conversations have each, the most used first
///
/// Two that differ only in case, or in how their signs are composed, are one tag; it is shown as most conversations have it.
#[utoipa::path(get, operation_id = "list_tags", path = "/api/tags", tag = "tags",
    responses((status = 200, body = view::Tags)))]
pub(crate) async fn list(State(database): State<Arc<Database>>, Query(()): Query<()>) -> Result<Response, Problem> {
    let tags = database.ask::<_, Problem>(|reader| reader.tags()).await?;
    json(&view::Tags::of(&tags))
}

/// Tags that a conversation might get, the best first
///
/// By rules that ask nobody: tags in use whose words are in its texts, those of conversations around it, its command, the files
/// and programs that tools were given, the tools. None is set by itself, and none is offered that it has or that was taken off it.
#[utoipa::path(get, operation_id = "suggest_tags", path = "/api/conversations/{id}/tag-suggestions", tag = "tags",
    params(("id" = Id, Path, description = "Its id, or `last` for the newest that lists show.")),
    responses((status = 200, body = view::Suggestions)))]
pub(crate) async fn suggest(
    State(database): State<Arc<Database>>,
    id: Id,
    Query(()): Query<()>,
) -> Result<Response, Problem> {
    let id = named(&database, id).await?;
    match database.ask::<_, Problem>(move |reader| reader.suggestions(id)).await? {
        Some((survivor, tags)) => json(&view::Suggestions::of(survivor, (id != survivor).then_some(id), &tags)),
        None => Err(no_conversation(id.0)),
    }
}

/// What a tag shall be called
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "rust"}))]
pub(crate) struct RenameBody {
    /// Its new name, in this spelling.
    #[schema(value_type = TagField)]
    name: TagField,
    /// Whether it is joined with another tag of that name, if there is one.
    #[serde(default)]
    merge: bool,
}

/// Calls a tag otherwise, on every conversation that has it
///
/// If another tag is called so already: 409, or with `merge` the two become one. By the name that it has, nothing changes.
#[utoipa::path(patch, operation_id = "rename_tag", path = "/api/tags/{tag}", tag = "tags",
    params(("tag" = String, Path, description = "The tag.")),
    request_body = RenameBody,
    responses((status = 200, body = view::Renamed), (status = 409, description = "Another tag is called so.")))]
pub(crate) async fn rename(
    State(database): State<Arc<Database>>,
    Name(tag): Name,
    Query(()): Query<()>,
    Json(body): Json<RenameBody>,
) -> Result<Response, Problem> {
    let from = Tag::kept(tag);
    let (to, merge) = (body.name.0, body.merge);
    let name = to.clone();
    let done =
        database.annotate(move |annotator, now_ms| annotator.rename_tag(&from, Some(&to), merge, now_ms)).await?;
    json(&view::Renamed { tag: Some(name.as_str()), conversations: done.conversations, merged: done.merged })
}

/// Takes a tag off every conversation
#[utoipa::path(delete, operation_id = "delete_tag", path = "/api/tags/{tag}", tag = "tags",
    params(("tag" = String, Path, description = "The tag.")),
    responses((status = 200, body = view::Renamed)))]
pub(crate) async fn delete(
    State(database): State<Arc<Database>>,
    Name(tag): Name,
    Query(()): Query<()>,
) -> Result<Response, Problem> {
    let from = Tag::kept(tag);
    let done = database.annotate(move |annotator, now_ms| annotator.rename_tag(&from, None, false, now_ms)).await?;
    json(&view::Renamed { tag: None, conversations: done.conversations, merged: false })
}
