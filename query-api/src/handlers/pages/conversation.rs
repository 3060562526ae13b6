//! `GET /conversations/{id}`: one conversation.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;

use super::page;
use crate::access::form::Visitor;
use crate::handlers::conversations::found;
use crate::http::extract::{Id, Query};
use crate::http::problem::Problem;
use crate::page::conversation::conversation;
use crate::page::frame::Frame;
use crate::page::text::clipped;
use crate::state::db::Database;
use crate::view;

/// `GET /conversations/{id}`.
pub(crate) async fn show(
    State(database): State<Arc<Database>>,
    visitor: Visitor,
    id: Id,
    Query(()): Query<()>,
) -> Result<Response, Problem> {
    let (found, alias) = found(&database, id).await?;
    let view = view::Conversation::of(&found, alias);
    let title = clipped(view.head.prompt_text.unwrap_or("Conversation"), 60);
    Ok(page(&Frame::new(&title, "conversation", &visitor), &conversation(&view, &visitor)))
}
