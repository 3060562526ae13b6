//! `/api/conversations/bulk`: one change for many conversations, all of them or none.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use store::ConversationId;
use store::annotate::{Annotator, Change, TagChange};
use utoipa::ToSchema;

use super::json;
use crate::http::extract::marks::{IdField, NoteField, QueryField, RatingField, TagList, given};
use crate::http::extract::{Json, Query, object, read_query};
use crate::http::filter::FilterParams;
use crate::http::problem::Problem;
use crate::state::db::Database;
use crate::view;

/// 10,000 ids and a note fit into it.
const LARGEST: usize = 1024 * 1024;

/// Which conversations, and what shall be different
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"ids": [1], "set": {"add_tags": ["rust"]}}))]
pub(crate) struct BulkBody {
    /// Their ids, at most 10,000.
    #[serde(default, deserialize_with = "given")]
    #[schema(inline, value_type = Vec<IdField>, max_items = 10_000, required = false)]
    ids: Option<Vec<IdField>>,
    /// In place of `ids`: the query string of a list that shows them all, such as `rating=none&tool=Bash`.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = QueryField, required = false)]
    filter: Option<QueryField>,
    /// What shall be different.
    #[serde(deserialize_with = "object")]
    set: BulkChange,
}

/// What shall be different of many; a field that is not there stays as it is
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BulkChange {
    /// From 1 to 5; null takes it back.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = RatingField, required = false)]
    rating: Option<RatingField>,
    /// Added to the tags that each has.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = TagList, required = false)]
    add_tags: Option<TagList>,
    /// Taken off where they are.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = TagList, required = false)]
    remove_tags: Option<TagList>,
    /// In place of the note that each has; null takes it back.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = NoteField, required = false)]
    notes: Option<NoteField>,
    /// Whether they are starred.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = bool, required = false)]
    star: Option<bool>,
}

impl From<BulkChange> for Change {
    fn from(set: BulkChange) -> Self {
        let tags = |list: Option<TagList>| list.map(|list| list.0).unwrap_or_default();
        Self {
            rating: set.rating.map(|rating| rating.0),
            tags: Some(TagChange::Edit { add: tags(set.add_tags), remove: tags(set.remove_tags) }),
            notes: set.notes.map(|notes| notes.0),
            starred: set.star,
        }
    }
}

/// The same change for many conversations
///
/// All of them or, if one id is unknown, none. Says how many were different before. Which ones say either `ids` or `filter`.
#[utoipa::path(post, operation_id = "change_many", path = "/api/conversations/bulk", tag = "ratings",
    request_body = BulkBody,
    responses((status = 200, body = view::Bulk), (status = 404, description = "One of the ids is unknown.")))]
pub(crate) async fn change(
    State(database): State<Arc<Database>>,
    Query(()): Query<()>,
    Json(body): Json<BulkBody, LARGEST>,
) -> Result<Response, Problem> {
    let ids = match (body.ids, body.filter) {
        (Some(ids), None) => ids.into_iter().map(|id| id.0).collect(),
        (None, Some(filter)) => found(&database, &filter.0).await?,
        _ => return Err(Problem::field("ids", "Send either `ids` or `filter`.")),
    };
    let change = body.set.into();
    let done = database.annotate(move |annotator, now_ms| annotator.mark_many(&ids, &change, now_ms)).await?;
    json(&view::Bulk { matched: done.matched, changed: done.changed })
}

/// The conversations of a list.
async fn found(database: &Database, query: &str) -> Result<Vec<ConversationId>, Problem> {
    let params: FilterParams = read_query(query)
        .map_err(|problem| Problem::field("filter", format!("`filter` is wrong: {}", problem.detail)))?;
    params.check().map_err(|problem| Problem::field("filter", format!("`filter` is wrong: {}", problem.detail)))?;
    let filter = params.filter();
    match database.ask::<_, Problem>(move |reader| reader.found(&filter, Annotator::MOST)).await? {
        (ids, false) => Ok(ids),
        (_, true) => {
            let most = Annotator::MOST;
            Err(Problem::field("filter", format!("`filter` leaves more than {most} conversations: ask for fewer.")))
        }
    }
}
