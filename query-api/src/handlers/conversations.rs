//! `/api/conversations` and one of them.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use hyper::StatusCode;
use serde::Deserialize;
use store::ConversationId;
use store::read::{Direction, ListRequest, Reader, Sort, Texts};
use utoipa::{IntoParams, ToSchema};

use super::json;
use crate::http::cursor::Cursor;
use crate::http::extract::values::Limit;
use crate::http::extract::{Id, Query, no_conversation, read_query};
use crate::http::filter::FilterParams;
use crate::http::problem::Problem;
use crate::state::db::Database;
use crate::view;

/// Which page of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageParams {
    /// By what it is sorted.
    #[serde(default)]
    #[param(inline)]
    sort: SortParam,
    /// From which end: `desc` gives the newest, largest, best first.
    #[serde(default)]
    #[param(inline)]
    order: OrderParam,
    /// How many items a page has at most.
    #[serde(default)]
    #[param(inline)]
    limit: Limit,
    /// The `next_cursor` of the page before, with the same other parameters.
    #[param(value_type = Option<String>)]
    cursor: Option<CursorParam>,
    /// Whether to count all that fits, not only this page.
    #[serde(default)]
    count: bool,
}

/// By what a list is sorted.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum SortParam {
    #[default]
    Time,
    Rating,
    Length,
    Tokens,
    Cost,
    Relevance,
}

/// Which end comes first.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum OrderParam {
    #[default]
    Desc,
    Asc,
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct CursorParam(Cursor);

impl TryFrom<String> for CursorParam {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        Cursor::decode(&text).map(Self).ok_or("must be the `next_cursor` of an earlier answer")
    }
}

/// What the store is asked, and what tells the question from others.
pub(super) fn request(filter: FilterParams, page: &PageParams) -> Result<(ListRequest, u64), Problem> {
    filter.check()?;
    let sort = match page.sort {
        SortParam::Time => Sort::Time,
        SortParam::Rating => Sort::Rating,
        SortParam::Length => Sort::Length,
        SortParam::Tokens => Sort::Tokens,
        SortParam::Cost => Sort::Cost,
        SortParam::Relevance if filter.searches() => Sort::Relevance,
        SortParam::Relevance => return Err(Problem::parameter("sort", "`sort` can be relevance only with `q`.")),
    };
    let direction = match page.order {
        OrderParam::Desc => Direction::Descending,
        OrderParam::Asc => Direction::Ascending,
    };
    let mut hash = DefaultHasher::new();
    filter.fingerprint(&mut hash);
    (sort, direction).hash(&mut hash);
    let question = hash.finish();
    let after = match &page.cursor {
        Some(CursorParam(cursor)) if cursor.question != question => {
            let detail = "`cursor` must be the `next_cursor` of an answer to the same parameters.";
            return Err(Problem::parameter("cursor", detail));
        }
        cursor => cursor.as_ref().map(|cursor| cursor.0.next),
    };
    let limit = page.limit.get();
    let filter = filter.filter();
    Ok((ListRequest { filter, sort, direction, after, limit, count: page.count, texts: Texts::Whole }, question))
}

/// Whether a list can be asked for so.
pub(super) fn check_list(query: &str) -> Result<(), Problem> {
    let (filter, page) = read_query::<(FilterParams, PageParams)>(query)?;
    request(filter, &page).map(drop)
}

/// A page of conversations, newest first
///
/// A page whose rows take long to find may be short, or empty, and still have a `next_cursor`. So may one of long texts: behind
/// 16 MiB of prompts and answers it ends, and has one conversation at least.
#[utoipa::path(get, operation_id = "list_conversations", path = "/api/conversations", tag = "conversations",
    params(FilterParams, PageParams), responses((status = 200, body = view::Page)))]
pub(crate) async fn list(
    State(database): State<Arc<Database>>,
    Query((filter, page)): Query<(FilterParams, PageParams)>,
) -> Result<Response, Problem> {
    let (request, question) = request(filter, &page)?;
    // Texts may be long: they are written where they are read, on a thread that may block.
    database.ask::<_, Problem>(move |reader| Ok(json(&view::Page::of(&reader.list(&request)?, question)))).await?
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
    let (conversation, alias) = found(&database, id, Reader::conversation).await?;
    database.make(move || json(&view::Conversation::of(&conversation, alias))).await?
}

/// The conversation that a path names, as `read` reads it, and the id that was asked for where that is another.
pub(super) async fn found(
    database: &Database,
    id: Id,
    read: fn(&mut Reader, ConversationId) -> Result<Option<store::read::Conversation>, store::Error>,
) -> Result<(store::read::Conversation, Option<ConversationId>), Problem> {
    let found = database
        .ask::<_, Problem>(move |reader| {
            let id = match id {
                Id::Number(id) => Some(id),
                Id::Last => reader.last()?,
            };
            id.map_or(Ok(None), |id| read(reader, id))
        })
        .await?;
    match (found, id) {
        (Some(conversation), Id::Number(id)) if id != conversation.turn.id => Ok((conversation, Some(id))),
        (Some(conversation), _) => Ok((conversation, None)),
        (None, Id::Last) => Err(Problem::new(StatusCode::NOT_FOUND, "There are no conversations yet.")),
        (None, Id::Number(id)) => Err(no_conversation(id.0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(query: &str, expected: &str) {
        let read = read_query::<(FilterParams, PageParams)>(query);
        let found = match read.and_then(|(filter, page)| request(filter, &page)) {
            Ok((request, _)) => format!("{request:?}"),
            Err(problem) => format!("{}: {}", problem.parameter.unwrap(), problem.detail),
        };
        assert!(found.contains(expected), "{query}: {found}");
    }

    #[test]
    fn pages() {
        check("", "sort: Time, direction: Descending, after: None, limit: 50, count: false");
        check("limit=1", "limit: 1,");
        check("limit=200", "limit: 200,");
        for bad in ["0", "201", "-1", "", "1.5", "ten", "99999999999999", "0x10"] {
            check(&format!("limit={bad}"), "limit: `limit` must be a whole number from 1 to 200");
        }
        check(
            "sort=cost&order=asc&count=true",
            "sort: Cost, direction: Ascending, after: None, limit: 50, count: true",
        );
        check("sort=best", "sort: `sort` must be one of time, rating, length, tokens, cost, relevance");
        check("in=note", "in: `in` says where `q` is looked for, and there is no `q`");
        check("in=note&q=", "query: None");
        check("sort=relevance", "sort: `sort` can be relevance only with `q`");
        check("sort=relevance&q=a", "sort: Relevance");
        check("order=up", "order: `order` must be one of desc, asc");
        check("cursor=", "cursor: `cursor` must be the `next_cursor`");
        check("cursor=AQ", "cursor: ");
        check("Limit=5", "Limit: There is no parameter `Limit`; known are session_id");
    }

    /// A cursor says nothing in the answers to another question.
    #[test]
    fn a_cursor_belongs_to_its_question() {
        let question = |query: &str| {
            let (filter, page) = read_query::<(FilterParams, PageParams)>(query).unwrap();
            request(filter, &page).unwrap().1
        };
        let position = store::read::Position { key: 0, timestamp_ms: 5, id: store::ConversationId(7) };
        let next = store::read::Next { position, stretch: None };
        let cursor = Cursor { next, question: question("q=a&since=7d&limit=3") }.encode();
        check(
            &format!("q=a&since=7d&limit=9&count=true&cursor={cursor}"),
            "position: Position { key: 0, timestamp_ms: 5",
        );
        // In which order things are said, or how often, makes no other question.
        let next = store::read::Next { position, stretch: None };
        let cursor_of = |query: &str| Cursor { next, question: question(query) }.encode();
        for (one, same) in [
            ("kind=shell,human", "kind=human,shell,human"),
            ("kind=shell,command,human", ""),
            ("tag=a&tag=b", "tag=b&tag=a"),
        ] {
            check(&format!("{same}&cursor={}", cursor_of(one)), "after: Some");
        }
        for other in [
            "q=b&since=7d",
            "q=a&since=8d",
            "q=a",
            "q=a&since=7d&sort=cost",
            "q=a&since=7d&order=asc",
            "q=a&since=7d&in=tag",
        ] {
            check(
                &format!("{other}&cursor={cursor}"),
                "cursor: `cursor` must be the `next_cursor` of an answer to the same",
            );
        }
    }
}
