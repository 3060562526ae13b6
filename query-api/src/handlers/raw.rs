//! `/api/conversations/{id}/raw`: what one conversation was made from.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use store::ConversationId;
use store::read::{RawPage, RawPart, RawPosition};
use utoipa::IntoParams;

use super::json;
use crate::http::cursor;
use crate::http::extract::values::Limit;
use crate::http::extract::{Id, Query, no_conversation};
use crate::http::problem::Problem;
use crate::state::db::Database;
use crate::view;

/// Which page of it
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct RawParams {
    /// How many items a page has at most. It has fewer where they are large.
    #[serde(default)]
    #[param(inline)]
    limit: Limit,
    /// The `next_cursor` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<RawCursor>,
}

/// A place in what a conversation was made from.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "String")]
struct RawCursor {
    of: ConversationId,
    position: RawPosition,
}

impl TryFrom<String> for RawCursor {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        Self::decode(&text).ok_or("must be the `next_cursor` of an earlier answer")
    }
}

impl RawCursor {
    fn encode(self) -> String {
        let RawPosition { part, major, minor, from } = self.position;
        let part = match part {
            RawPart::Events => 0,
            RawPart::Lines => 1,
        };
        cursor::encode(&[self.of.0, part, major, minor, from.cast_signed()])
    }

    fn decode(text: &str) -> Option<Self> {
        let [of, part, major, minor, from] = cursor::decode(text)?.try_into().ok()?;
        let part = match part {
            0 => RawPart::Events,
            1 => RawPart::Lines,
            _ => return None,
        };
        // No row and no byte has a number below 0.
        let from = u64::try_from(from).ok().filter(|_| minor >= 0)?;
        Some(Self { of: ConversationId(of), position: RawPosition { part, major, minor, from } })
    }
}

/// What a conversation was made from, as it was captured
///
/// The payloads of its hook events, then the transcript lines in which its texts and calls stand. Their parts follow each
/// other where they are long.
#[utoipa::path(get, operation_id = "get_raw", path = "/api/conversations/{id}/raw", tag = "conversations",
    params(("id" = Id, Path, description = "Its id, or `last` for the newest that lists show."), RawParams),
    responses((status = 200, body = view::Raw)))]
pub(crate) async fn show(
    State(database): State<Arc<Database>>,
    id: Id,
    Query(params): Query<RawParams>,
) -> Result<Response, Problem> {
    let (page, alias, next) = found(&database, id, params).await?;
    json(&view::Raw::of(&page, alias, next))
}

/// A page of it, the id that was asked for where that is another, and where the next page begins.
pub(super) async fn found(
    database: &Database,
    id: Id,
    params: RawParams,
) -> Result<(RawPage, Option<ConversationId>, Option<String>), Problem> {
    let (limit, after) = (params.limit.get(), params.cursor);
    let found = database.ask::<_, Problem>(move |reader| {
        let id = match id {
            Id::Number(id) => Some(id),
            Id::Last => reader.last()?,
        };
        let Some(id) = id else { return Ok(None) };
        Ok(reader.raw(id, after.map(|cursor| cursor.position), limit)?.map(|page| (id, page)))
    });
    let name = match id {
        Id::Number(id) => id.0.to_string(),
        Id::Last => "yet".to_owned(),
    };
    let (id, page) = found.await?.ok_or_else(|| no_conversation(name))?;
    if after.is_some_and(|cursor| cursor.of != page.id) {
        let detail = "`cursor` must be the `next_cursor` of an answer about the same conversation.";
        return Err(Problem::parameter("cursor", detail));
    }
    let next = page.next.map(|position| RawCursor { of: page.id, position }.encode());
    let alias = (id != page.id).then_some(id);
    Ok((page, alias, next))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors() {
        for (part, from) in [(RawPart::Events, 0), (RawPart::Lines, 5_000_000)] {
            let position = RawPosition { part, major: 1_795_350_951_598_000_000, minor: 12, from };
            let cursor = RawCursor { of: ConversationId(7), position };
            assert_eq!(RawCursor::decode(&cursor.encode()), Some(cursor));
        }
        for bad in ["", "AgAA", "last"] {
            assert_eq!(RawCursor::decode(bad), None, "{bad}");
        }
        for wrong in [[1, 2, 0, 0, 0], [1, 0, 0, -1, 0], [1, 0, 0, 0, -1]] {
            assert_eq!(RawCursor::decode(&cursor::encode(&wrong)), None, "{wrong:?}");
        }
    }
}
