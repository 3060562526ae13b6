//! `/api/conversations` and one of them.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use hyper::StatusCode;
use serde::Deserialize;
use store::Kind;
use store::read::{Kinds, ListRequest, Position, Words};
use utoipa::IntoParams;

use super::json;
use crate::cursor;
use crate::db::Database;
use crate::extract::values::{Limit, TextId};
use crate::extract::{Id, Query, no_conversation};
use crate::problem::Problem;
use crate::view;

/// More is no search but a text pasted by mistake.
const LONGEST_WORDS: usize = 1000;

/// What a list may be asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListParams {
    /// How many items a page has at most.
    #[serde(default)]
    #[param(inline)]
    limit: Limit,
    /// The `next_cursor` of the page before, with the same other parameters.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
    /// Only of this session: Claude Code's, or the one a person put the conversation into.
    #[param(inline)]
    session_id: Option<TextId>,
    /// `human`, `command`, `shell`, `local`, `notification` or `subagent`, or `all`; else the first three.
    #[param(value_type = Option<String>)]
    kind: Option<KindParam>,
    /// Only what holds these words.
    #[param(value_type = Option<String>, max_length = 1000)]
    q: Option<SearchText>,
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct Cursor(Position);

impl TryFrom<String> for Cursor {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        cursor::decode(&text).map(Self).ok_or("must be the `next_cursor` of an earlier answer")
    }
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct KindParam(Kinds);

impl TryFrom<String> for KindParam {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        if word == "all" {
            return Ok(Self(Kinds::All));
        }
        Kind::from_word(&word).map(|kind| Self(Kinds::One(kind))).ok_or_else(|| {
            let known: Vec<_> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
            format!("must be all or one of {}", known.join(", "))
        })
    }
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct SearchText(String);

impl TryFrom<String> for SearchText {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.chars().count() > LONGEST_WORDS {
            return Err(format!("must not be longer than {LONGEST_WORDS} characters"));
        }
        Ok(Self(text))
    }
}

impl From<ListParams> for ListRequest {
    fn from(params: ListParams) -> Self {
        Self {
            session_id: params.session_id.map(|id| id.0),
            kinds: params.kind.map_or(Kinds::Listed, |kind| kind.0),
            words: params.q.and_then(|text| Words::parse(&text.0)),
            after: params.cursor.map(|cursor| cursor.0),
            limit: params.limit.get(),
        }
    }
}

/// A page of conversations, newest first
#[utoipa::path(get, operation_id = "list_conversations", path = "/api/conversations", tag = "conversations", params(ListParams),
    responses((status = 200, body = view::Page)))]
pub(crate) async fn list(
    State(database): State<Arc<Database>>,
    Query(params): Query<ListParams>,
) -> Result<Response, Problem> {
    let page = database.ask::<_, Problem>(move |reader| reader.list(&params.into())).await?;
    json(&view::Page::of(&page))
}

/// Everything of one conversation
///
/// An id that proved to be another's answers with the conversation that has it now.
#[utoipa::path(get, operation_id = "get_conversation", path = "/api/conversations/{id}", tag = "conversations",
    params(("id" = Id, Path, description = "Its id, or `last` for the newest that lists show.")),
    responses((status = 200, body = view::Conversation)))]
pub(crate) async fn show(
    State(database): State<Arc<Database>>,
    id: Id,
    Query(()): Query<()>,
) -> Result<Response, Problem> {
    let found = database
        .ask::<_, Problem>(move |reader| {
            let id = match id {
                Id::Number(id) => Some(id),
                Id::Last => reader.last()?,
            };
            id.map_or(Ok(None), |id| reader.conversation(id))
        })
        .await?;
    match (found, id) {
        (Some(conversation), id) => {
            let alias = match id {
                Id::Number(id) if id != conversation.turn.id => Some(id),
                _ => None,
            };
            json(&view::Conversation::of(&conversation, alias))
        }
        (None, Id::Last) => Err(Problem::new(StatusCode::NOT_FOUND, "There are no conversations yet.")),
        (None, Id::Number(id)) => Err(no_conversation(id.0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::read_query;

    fn check(query: &str, expected: &str) {
        let found = match read_query::<ListParams>(query).map(ListRequest::from) {
            Ok(request) => format!("{request:?}"),
            Err(problem) => format!("{}: {}", problem.parameter.unwrap(), problem.detail),
        };
        assert!(found.contains(expected), "{query}: {found}");
    }

    #[test]
    fn lists() {
        check("", "session_id: None, kinds: Listed, words: None, after: None, limit: 50");
        check("limit=1", "limit: 1 }");
        check("limit=200", "limit: 200 }");
        for bad in ["0", "201", "-1", "", "1.5", "ten", "99999999999999", "0x10"] {
            check(&format!("limit={bad}"), "limit: `limit` must be a whole number from 1 to 200");
        }
        check("cursor=AQAAAAAAAAAFAAAAAAAAAAc", "after: Some(Position { timestamp_ms: 5, id: ConversationId(7) })");
        check("cursor=", "cursor: `cursor` must be the `next_cursor`");
        check("cursor=AQ", "cursor: ");
        check("session_id=a%20b", "session_id: Some(\"a b\")");
        check("session_id=", "session_id: `session_id` must not be empty");
        check("kind=all", "kinds: All");
        check("kind=subagent", "kinds: One(Subagent)");
        check("kind=Human", "kind: `kind` must be all or one of human, command, shell, local, notification, subagent");
        check("kind=", "kind: ");
        check("q=", "words: None");
        check("q=a+b", r#"words: Some(Words { expression: "\"a\" \"b\"", prefix: false })"#);
        check("q=%22a%20b%22", r#"words: Some(Words { expression: "\"a b\"", prefix: false })"#);
        check("q=%ff%00", "words: Some(Words { expression: \"\"");
        check(&format!("q={}", "x".repeat(1001)), "q: `q` must not be longer than 1000");
        check("Limit=5", "Limit: There is no parameter `Limit`; known are limit, cursor, session_id, kind, q.");
    }
}
