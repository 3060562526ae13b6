//! `/api/sessions`: sessions as a person cuts them.

pub(super) mod cursor;

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use hyper::StatusCode;
use serde::Deserialize;
use store::annotate::{Merge, Moved, Split};
use store::read::{Position, SessionsRequest, Texts};
use utoipa::{IntoParams, ToSchema};

use super::json;
use crate::http::extract::marks::{IdField, NameField, TitleField, given};
use crate::http::extract::values::{Limit, TextId};
use crate::http::extract::{Json, Name, Query};
use crate::http::filter::{Time, now_ms};
use crate::http::problem::Problem;
use crate::state::db::Database;
use crate::view;
use cursor::SessionCursor;

/// Which sessions
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SessionsParams {
    /// How many items a page has at most.
    #[serde(default)]
    #[param(inline)]
    limit: Limit,
    /// The `next_cursor` of the page before, with the same other parameters.
    #[param(value_type = Option<String>)]
    cursor: Option<SessionCursor>,
    /// Only from this folder or below it, or from a repository there; a name without a slash is the last name of a repository,
    /// or of a directory that is in none.
    #[param(inline)]
    project: Option<TextId>,
    /// Only with their last activity then or later: a time (RFC 3339), a day in local time, or how long ago (`7d`).
    #[param(value_type = Option<String>, example = "7d")]
    since: Option<Time>,
    /// Only with their last activity before then; a day is meant whole.
    #[param(value_type = Option<String>, example = "2026-11-30")]
    until: Option<Time>,
    /// Only with all of these words in the title: of three letters and more anywhere in a word, else at its beginning.
    #[param(value_type = Option<String>, max_length = 200)]
    q: Option<TitleWords>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
struct TitleWords(String);

impl TryFrom<String> for TitleWords {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        if text.chars().count() <= 200 { Ok(Self(text)) } else { Err("must not be longer than 200 characters") }
    }
}

impl From<SessionsParams> for SessionsRequest {
    fn from(params: SessionsParams) -> Self {
        let now = now_ms();
        Self {
            project: params.project.map(|project| project.0),
            since_ms: params.since.map(|since| since.moment.begin(now)),
            until_ms: params.until.map(|until| until.moment.end(now)),
            words: params.q.map(|words| words.0).filter(|words| !words.trim().is_empty()),
            after: params.cursor.map(|cursor| cursor.0),
            limit: params.limit.get(),
        }
    }
}

/// A page of sessions, newest activity first
///
/// Those that lists of conversations show something of. A page that takes long to fill may be short, and tell where the next
/// begins.
#[utoipa::path(get, operation_id = "list_sessions", path = "/api/sessions", tag = "sessions", params(SessionsParams),
    responses((status = 200, body = view::Sessions)))]
pub(crate) async fn list(
    State(database): State<Arc<Database>>,
    Query(params): Query<SessionsParams>,
) -> Result<Response, Problem> {
    let page = database.ask::<_, Problem>(move |reader| reader.sessions(&params.into())).await?;
    json(&view::Sessions::of(&page, page.next.as_ref().map(cursor::encode)))
}

/// Which page of its conversations
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SessionParams {
    /// How many conversations a page has at most.
    #[serde(default)]
    #[param(inline)]
    limit: Limit,
    /// The `next_cursor` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<ConversationCursor>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
struct ConversationCursor(Position);

impl TryFrom<String> for ConversationCursor {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        cursor::decode_position(&text).map(Self).ok_or("must be the `next_cursor` of an earlier answer")
    }
}

/// Everything of one session, and a page of its conversations, the oldest first
///
/// By Claude Code's id or that of a part that was split off. `others` names the sessions that hold what else there is of
/// `originals`; of a session that was wholly merged into others there is nothing but that. A page ends behind 16 MiB of prompts
/// and answers, and has one conversation at least.
#[utoipa::path(get, operation_id = "get_session", path = "/api/sessions/{id}", tag = "sessions",
    params(("id" = String, Path, description = "Its id."), SessionParams),
    responses((status = 200, body = view::Detail)))]
pub(crate) async fn show(
    State(database): State<Arc<Database>>,
    Name(id): Name,
    Query(params): Query<SessionParams>,
) -> Result<Response, Problem> {
    let name = id.clone();
    let (after, limit) = (params.cursor.map(|cursor| cursor.0), params.limit.get());
    let found = database.ask::<_, Problem>(move |reader| reader.session(&id, after, limit, Texts::Whole)).await?;
    let found = found.ok_or_else(|| no_session(&name))?;
    database.make(move || json(&view::Detail::of(&found, found.next.map(cursor::encode_position)))).await?
}

/// One session at a glance
///
/// Of each of its conversations that lists show, the oldest first, where it stands and how it went.
#[utoipa::path(get, operation_id = "get_session_outline", path = "/api/sessions/{id}/outline", tag = "sessions",
    params(("id" = String, Path, description = "Its id.")),
    responses((status = 200, body = view::Outline)))]
pub(crate) async fn outline(
    State(database): State<Arc<Database>>,
    Name(id): Name,
    Query(()): Query<()>,
) -> Result<Response, Problem> {
    let name = id.clone();
    let found = database.ask::<_, Problem>(move |reader| reader.outline(&id)).await?;
    json(&view::Outline::of(&found.ok_or_else(|| no_session(&name))?))
}

/// There is none of that name.
pub(super) fn no_session(name: &str) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, format!("There is no session {name}."))
}

/// What a session shall be called
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"title": "The parser"}))]
pub(crate) struct TitleBody {
    /// A title; null takes it back.
    #[serde(deserialize_with = "Deserialize::deserialize")]
    #[schema(value_type = TitleField)]
    title: TitleField,
}

/// Gives a session a title of a person's own
#[utoipa::path(patch, operation_id = "rename_session", path = "/api/sessions/{id}", tag = "sessions",
    params(("id" = String, Path, description = "Its id.")),
    request_body = TitleBody,
    responses((status = 200, body = view::Detail)))]
pub(crate) async fn rename(
    State(database): State<Arc<Database>>,
    Name(id): Name,
    Query(()): Query<()>,
    Json(body): Json<TitleBody>,
) -> Result<Response, Problem> {
    let name = id.clone();
    database.annotate(move |annotator, now_ms| annotator.title(&name, body.title.0.as_ref(), now_ms)).await?;
    show(State(database), Name(id), Query(SessionParams { limit: Limit::default(), cursor: None })).await
}

/// Which change to undo
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct UndoParams {
    /// The `change` of one of its parts: that split or merge alone.
    #[param(inline)]
    change: Option<TextId>,
}

/// Undoes the split that made a session, or the merges into it
///
/// Its conversations go back to where they would be without; `into` says where. Other splits and merges stay, and may be
/// undone in any order.
#[utoipa::path(delete, operation_id = "undo_session", path = "/api/sessions/{id}", tag = "sessions",
    params(("id" = String, Path, description = "Its id."), UndoParams),
    responses((status = 200, body = view::Moved), (status = 409, description = "There is nothing to undo.")))]
pub(crate) async fn undo(
    State(database): State<Arc<Database>>,
    Name(id): Name,
    Query(params): Query<UndoParams>,
) -> Result<Response, Problem> {
    let change = params.change.map(|change| change.0);
    let Moved { into } =
        database.annotate(move |annotator, now_ms| annotator.undo(&id, change.as_deref(), now_ms)).await?;
    json(&view::Moved { into })
}

/// Where to split a session
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"session_id": "0914908d-acc8-48aa-98d6-77d558fb9590", "at": [2], "titles": ["The parser"]}))]
pub(crate) struct SplitBody {
    /// The session.
    #[schema(min_length = 1)]
    session_id: String,
    /// The conversations that a new session each begins with.
    #[schema(inline, value_type = Vec<IdField>, min_items = 1, max_items = 100)]
    at: Vec<IdField>,
    /// What the new sessions are called, in the order of `at`; null for none.
    #[serde(default, deserialize_with = "given")]
    #[schema(inline, value_type = Vec<TitleField>, required = false)]
    titles: Option<Vec<TitleField>>,
}

/// Splits a session into several
///
/// What comes from each of the conversations on, up to the next of them, becomes a session of its own.
#[utoipa::path(post, operation_id = "split_session", path = "/api/sessions/split", tag = "sessions",
    request_body = SplitBody,
    responses((status = 200, body = view::SplitOff), (status = 404, description = "No such session or conversation."),
        (status = 409, description = "All of it was merged into others.")))]
pub(crate) async fn split(
    State(database): State<Arc<Database>>,
    Query(()): Query<()>,
    Json(body): Json<SplitBody>,
) -> Result<Response, Problem> {
    let mut titles = body.titles.unwrap_or_default();
    if titles.len() > body.at.len() {
        return Err(Problem::field("titles", "`titles` has more entries than `at`."));
    }
    titles.resize(body.at.len(), TitleField(None));
    let at = body.at.into_iter().map(|id| id.0).zip(titles.into_iter().map(|title| title.0)).collect();
    let split = Split { session_id: body.session_id, at };
    let session_id = split.session_id.clone();
    let made = database.annotate(move |annotator, now_ms| annotator.split(&split, now_ms)).await?;
    json(&view::SplitOff { session_id: &session_id, made: &made })
}

/// Which sessions to make one
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"into": "0914908d-acc8-48aa-98d6-77d558fb9590", "sessions": ["4f3f2a86-2f4f-4d3b-9a39-5e1f6f1d2c11"]}))]
pub(crate) struct MergeBody {
    /// The session that keeps its id.
    #[schema(min_length = 1)]
    into: String,
    /// The ones that are joined to it.
    #[schema(min_items = 1, max_items = 100)]
    sessions: Vec<String>,
    /// What it shall be called.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = NameField, required = false)]
    title: Option<NameField>,
}

/// Joins sessions to one
#[utoipa::path(post, operation_id = "merge_sessions", path = "/api/sessions/merge", tag = "sessions",
    request_body = MergeBody,
    responses((status = 200, body = view::Merged), (status = 404, description = "No such session."),
        (status = 409, description = "One was merged into another already.")))]
pub(crate) async fn merge(
    State(database): State<Arc<Database>>,
    Query(()): Query<()>,
    Json(body): Json<MergeBody>,
) -> Result<Response, Problem> {
    let merge = Merge { into: body.into, sessions: body.sessions, title: body.title.map(|title| title.0) };
    let into = merge.into.clone();
    database.annotate(move |annotator, now_ms| annotator.merge(&merge, now_ms)).await?;
    json(&view::Merged { session_id: &into })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::extract::read_query;

    /// As the lists of conversations mean it.
    #[test]
    fn times_and_days() {
        let asked = |query: &str| match read_query::<SessionsParams>(query).map(SessionsRequest::from) {
            Ok(request) => Ok((request.since_ms, request.until_ms)),
            Err(problem) => Err(problem.detail),
        };
        assert_eq!(asked("since=1970-01-01T00:00:01Z&until=1970-01-01T00:00:02Z"), Ok((Some(1000), Some(2000))));
        let (since, until) = asked("since=2026-06-01&until=2026-06-01").unwrap();
        assert_eq!(until.unwrap() - since.unwrap(), 86_400_000, "a day is meant whole");
        let local = crate::http::zone::Zone::default().begin(terminal::moment::moment("2026-06-01").unwrap(), 0);
        assert_eq!(since, Some(local), "a day is a local one");
        let (since, until) = asked("since=7d&until=1d").unwrap();
        assert_eq!(until.unwrap() - since.unwrap(), 6 * 86_400_000);
        assert!(asked("since=soon").unwrap_err().starts_with("`since` must be a time (2026-11-01T09:00:00Z), a day"));
    }
}
