//! `/api/conversations/{id}/rating`: what a person says of one conversation.
//!
//! Its ETag names the conversation and its state, whichever of its ids was asked for. Who sends it back in `If-Match` changes
//! that state and no other: of two tabs the second is told that the first was quicker.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use hyper::StatusCode;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use store::ConversationId;
use store::annotate::{Change, Expected, Marked, TagChange};
use store::human::Marks;
use utoipa::{IntoParams, ToSchema};

use super::json;
use crate::http::extract::marks::{NoteField, RatingField, TagList, given};
use crate::http::extract::{Id, Json, Query, no_conversation};
use crate::http::problem::Problem;
use crate::state::db::Database;
use crate::view;

/// A note of 64 KiB and 100 tags, with every sign escaped, fit into it.
pub(super) const LARGEST: usize = 512 * 1024;

/// What shall be different; a field that is not there stays as it is
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"rating": 5, "tags": ["rust", "parser"]}))]
pub(crate) struct MarksBody {
    /// From 1 to 5; null takes it back.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = RatingField, required = false)]
    rating: Option<RatingField>,
    /// All tags that it shall have. Upper and lower case make no difference: the spelling that is in use stays.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = TagList, required = false)]
    tags: Option<TagList>,
    /// A text of up to 64 KiB; null takes it back.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = NoteField, required = false)]
    notes: Option<NoteField>,
    /// Whether it is starred.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = bool, required = false)]
    star: Option<bool>,
}

impl From<MarksBody> for Change {
    fn from(body: MarksBody) -> Self {
        Self {
            rating: body.rating.map(|rating| rating.0),
            tags: body.tags.map(|tags| TagChange::Set(tags.0)),
            notes: body.notes.map(|notes| notes.0),
            starred: body.star,
        }
    }
}

/// What is said of a conversation
///
/// Of one of which nobody said anything, too.
#[utoipa::path(get, operation_id = "get_rating", path = "/api/conversations/{id}/rating", tag = "ratings",
    params(("id" = Id, Path, description = "Its id, or `last` for the newest that lists show.")),
    responses((status = 200, body = view::ConversationMarks, headers(("ETag" = String, description = "The version of this state.")))))]
pub(crate) async fn show(
    State(database): State<Arc<Database>>,
    id: Id,
    Query(()): Query<()>,
) -> Result<Response, Problem> {
    let id = named(&database, id).await?;
    match database.ask::<_, Problem>(move |reader| reader.marks(id)).await? {
        Some((survivor, marks)) => {
            answer(&view::ConversationMarks::of(survivor, alias(id, survivor), &marks), survivor, &marks)
        }
        None => Err(no_conversation(id.0)),
    }
}

/// Says something of a conversation, in place of what was said before
///
/// What was said before stays in the history. With `If-Match` only if the state is still the one of that ETag: else 412, with
/// the ETag of the state that there is. `If-None-Match: *` writes only where nothing is said.
#[utoipa::path(put, operation_id = "put_rating", path = "/api/conversations/{id}/rating", tag = "ratings",
    params(("id" = Id, Path, description = "Its id, or `last` for the newest that lists show."),
        Conditions),
    request_body = MarksBody,
    responses((status = 200, body = view::ConversationMarks, headers(("ETag" = String, description = "The version of this state."))),
        (status = 412, description = "The state is not the one that a header asks for; `ETag` is the version that there is.")))]
pub(crate) async fn put(
    State(database): State<Arc<Database>>,
    id: Id,
    Query(()): Query<()>,
    headers: HeaderMap,
    Json(body): Json<MarksBody, LARGEST>,
) -> Result<Response, Problem> {
    change(&database, id, &headers, body.into()).await
}

/// The same as PUT
#[utoipa::path(post, operation_id = "post_rating", path = "/api/conversations/{id}/rating", tag = "ratings",
    params(("id" = Id, Path, description = "Its id, or `last` for the newest that lists show."),
        Conditions),
    request_body = MarksBody,
    responses((status = 200, body = view::ConversationMarks, headers(("ETag" = String, description = "The version of this state."))),
        (status = 412, description = "The state is not the one that a header asks for; `ETag` is the version that there is.")))]
pub(crate) async fn post(
    State(database): State<Arc<Database>>,
    id: Id,
    Query(()): Query<()>,
    headers: HeaderMap,
    Json(body): Json<MarksBody, LARGEST>,
) -> Result<Response, Problem> {
    change(&database, id, &headers, body.into()).await
}

/// Takes back all that is said of a conversation
///
/// The history stays.
#[utoipa::path(delete, operation_id = "delete_rating", path = "/api/conversations/{id}/rating", tag = "ratings",
    params(("id" = Id, Path, description = "Its id, or `last` for the newest that lists show."),
        Conditions),
    responses((status = 200, body = view::ConversationMarks, headers(("ETag" = String, description = "The version of this state."))),
        (status = 412, description = "The state is not the one that a header asks for; `ETag` is the version that there is.")))]
pub(crate) async fn delete(
    State(database): State<Arc<Database>>,
    id: Id,
    Query(()): Query<()>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    change(&database, id, &headers, Change::nothing()).await
}

/// On which state a change depends, as the document has it; [`expected`] reads it.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "the document alone reads its fields")]
struct Conditions {
    /// ETags of states, or `*`.
    #[param(rename = "If-Match")]
    if_match: Option<String>,
    /// `*`: only where nothing is said.
    #[param(rename = "If-None-Match")]
    if_none_match: Option<String>,
}

async fn change(database: &Database, id: Id, headers: &HeaderMap, change: Change) -> Result<Response, Problem> {
    let expected = expected(headers)?;
    let id = named(database, id).await?;
    let asked_for_none = matches!(expected, Expected::Nothing);
    let done = database.annotate(move |annotator, now_ms| annotator.mark(id, &change, &expected, now_ms)).await;
    let Marked { id: survivor, marks, before, .. } = done.map_err(|mut problem| {
        if asked_for_none && problem.status == StatusCode::PRECONDITION_FAILED {
            problem.detail = "Something is said of it already, and `If-None-Match: *` is for where nothing is.".into();
        }
        problem
    })?;
    let view = view::ConversationMarks::of(survivor, alias(id, survivor), &marks).instead_of(&before);
    answer(&view, survivor, &marks)
}

/// The conversation that a path names.
pub(in crate::handlers) async fn named(database: &Database, id: Id) -> Result<ConversationId, Problem> {
    match id {
        Id::Number(id) => Ok(id),
        Id::Last => database.ask::<_, Problem>(|reader| reader.last()).await?.ok_or_else(|| no_conversation("yet")),
    }
}

/// The id that was asked for, if another one answers for it.
fn alias(asked: ConversationId, survivor: ConversationId) -> Option<ConversationId> {
    (asked != survivor).then_some(asked)
}

fn answer(view: &view::ConversationMarks<'_>, id: ConversationId, marks: &Marks) -> Result<Response, Problem> {
    let mut response = json(view)?;
    let version = HeaderValue::from_str(&format!("\"{}\"", marks.version(id)));
    let version = version.map_err(|error| Problem::internal(format!("write an ETag: {error}")))?;
    response.headers_mut().insert(header::ETAG, version);
    Ok(response)
}

/// What the caller says that there is.
fn expected(headers: &HeaderMap) -> Result<Expected, Problem> {
    let wrong = |name: &HeaderName, what: &str| {
        Err(Problem::new(StatusCode::BAD_REQUEST, format!("The header `{name}` must be {what}.")))
    };
    let mut versions = Vec::new();
    for value in headers.get_all(header::IF_MATCH) {
        let Some(found) = value.to_str().ok().and_then(etags) else {
            return wrong(&header::IF_MATCH, "the ETag of an earlier answer, in its quotes, or *");
        };
        versions.push(found);
    }
    let mut none = headers.get_all(header::IF_NONE_MATCH).iter();
    match (versions.is_empty(), none.next().map(HeaderValue::as_bytes), none.next()) {
        (true, None, _) => Ok(Expected::Any),
        (true, Some(b"*"), None) => Ok(Expected::Nothing),
        (_, Some(_), _) => wrong(&header::IF_NONE_MATCH, "*, without an If-Match"),
        // `*` is any state, and there is always one.
        (false, None, _) if versions.iter().any(|list| list.iter().any(|one| one == "*")) => Ok(Expected::Any),
        (false, None, _) => Ok(Expected::Version(versions.concat())),
    }
}

/// The texts between the quotes of a list of ETags. A weak one is never the state that we mean.
fn etags(list: &str) -> Option<Vec<String>> {
    if list.trim() == "*" {
        return Some(vec!["*".into()]);
    }
    let mut found = Vec::new();
    for tag in list.split(',').map(str::trim) {
        let (weak, quoted) = tag.strip_prefix("W/").map_or((false, tag), |rest| (true, rest));
        let text = quoted.strip_prefix('"')?.strip_suffix('"')?;
        if text.contains('"') {
            return None;
        }
        found.extend((!weak).then(|| text.to_owned()));
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_expected() {
        let check = |given: &[(&HeaderName, &str)], expected_text: &str| {
            let mut headers = HeaderMap::new();
            for (name, value) in given {
                headers.append(*name, HeaderValue::from_str(value).unwrap());
            }
            let found = match expected(&headers) {
                Ok(expected) => format!("{expected:?}"),
                Err(problem) => format!("{} {}", problem.status.as_u16(), problem.detail),
            };
            assert!(found.starts_with(expected_text), "{given:?}: {found}");
        };
        let (only, none) = (&header::IF_MATCH, &header::IF_NONE_MATCH);
        check(&[], "Any");
        check(&[(only, "\"a\"")], r#"Version(["a"])"#);
        check(&[(only, "\"a\", \"b\""), (only, "W/\"c\"")], r#"Version(["a", "b"])"#);
        check(&[(only, "W/\"a\"")], "Version([])");
        check(&[(only, "*")], "Any");
        check(&[(none, "*")], "Nothing");
        for bad in ["a", "\"a", "\"a\" \"b\"", "", "\"a\",", "\"a\"b\""] {
            check(&[(only, bad)], "400 The header `if-match` must be the ETag");
        }
        check(&[(none, "\"a\"")], "400 The header `if-none-match` must be *");
        check(&[(none, "*"), (only, "*")], "400 The header `if-none-match`");
    }
}
