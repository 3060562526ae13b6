//! `/api/conversations` and one of them.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use hyper::{StatusCode, Uri};
use store::ConversationId;

use super::json;
use crate::db::Database;
use crate::params;
use crate::problem::Problem;
use crate::view;

/// Which conversation a path names.
#[derive(Clone, Copy)]
enum Named {
    /// This one.
    Id(ConversationId),
    /// The newest that a list shows.
    Last,
}

/// `GET /api/conversations`: a page, newest first.
pub(crate) async fn list(State(database): State<Arc<Database>>, uri: Uri) -> Result<Response, Problem> {
    let request = params::list(&uri)?;
    let page = database.ask::<_, Problem>(move |reader| reader.list(&request)).await?;
    json(&view::Page::of(&page))
}

/// `GET /api/conversations/{id}`: everything of one.
pub(crate) async fn show(
    State(database): State<Arc<Database>>,
    Path(name): Path<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    params::none(&uri)?;
    let named = parse(&name)?;
    let found = database
        .ask::<_, Problem>(move |reader| {
            let id = match named {
                Named::Id(id) => Some(id),
                Named::Last => reader.last()?,
            };
            id.map_or(Ok(None), |id| reader.conversation(id))
        })
        .await?;
    match (found, named) {
        (Some(conversation), named) => {
            let alias = match named {
                Named::Id(id) if id != conversation.turn.id => Some(id),
                _ => None,
            };
            json(&view::Conversation::of(&conversation, alias))
        }
        (None, Named::Last) => Err(Problem::new(StatusCode::NOT_FOUND, "There are no conversations yet.")),
        (None, Named::Id(_)) => Err(not_found(&name)),
    }
}

fn parse(name: &str) -> Result<Named, Problem> {
    if name == "last" {
        return Ok(Named::Last);
    }
    if name.is_empty() || !name.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(Problem::parameter("id", "`id` must be a whole number or `last`."));
    }
    name.parse().map(|id| Named::Id(ConversationId(id))).map_err(|_| not_found(name))
}

fn not_found(name: &str) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, format!("There is no conversation {name}."))
}
