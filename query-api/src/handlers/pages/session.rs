//! `GET /sessions` and `GET /sessions/{id}`.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use store::ConversationId;
use store::read::{Outline, SessionsRequest, Texts};

use super::page;
use crate::access::form::Visitor;
use crate::handlers::sessions::{SessionsParams, cursor, no_session};
use crate::http::extract::{Name, Query};
use crate::http::problem::Problem;
use crate::page::frame::Frame;
use crate::page::session::{self, Asked, PER_PAGE, Shown};
use crate::state::db::Database;
use crate::view;

/// Sessions that are offered to be joined with one.
const NEIGHBOURS: u32 = 30;

/// `GET /sessions`.
pub(crate) async fn list(
    State(database): State<Arc<Database>>,
    visitor: Visitor,
    Query(params): Query<SessionsParams>,
) -> Result<Response, Problem> {
    let request = SessionsRequest::from(params);
    let (words, project) = (request.words.clone(), request.project.clone());
    let found = database.ask::<_, Problem>(move |reader| reader.sessions(&request)).await?;
    let view = view::Sessions::of(&found, found.next.as_ref().map(cursor::encode));
    let asked = Asked { words: words.as_deref(), project: project.as_deref() };
    Ok(page(&Frame::new("Sessions", "sessions", &visitor), &session::sessions(&view, asked)))
}

/// Which page of it.
#[derive(Debug, Deserialize)]
pub(crate) struct At {
    /// A conversation: the page that has it.
    at: Option<i64>,
}

/// `GET /sessions/{id}`.
pub(crate) async fn show(
    State(database): State<Arc<Database>>,
    visitor: Visitor,
    Name(id): Name,
    Query(At { at }): Query<At>,
) -> Result<Response, Problem> {
    let name = id.clone();
    let found = database.ask::<_, Problem>(move |reader| {
        let Some(outline) = reader.outline(&id)? else { return Ok(None) };
        let first = first(&outline, at.map(ConversationId));
        let after =
            first.checked_sub(1).and_then(|before| outline.points.get(before)).map(store::read::OutlinePoint::position);
        let Some(detail) = reader.session(&id, after, PER_PAGE as u32, Texts::Begun)? else { return Ok(None) };
        let near = SessionsRequest {
            project: detail.session.project.clone(),
            limit: NEIGHBOURS,
            ..SessionsRequest::default()
        };
        let neighbours = reader.sessions(&near)?;
        Ok(Some((outline, first, detail, neighbours)))
    });
    let (outline, first, detail, neighbours) = found.await?.ok_or_else(|| no_session(&name))?;
    let view = view::Detail::of(&detail, detail.next.map(cursor::encode_position));
    let neighbours = view::Sessions::of(&neighbours, None);
    let shown = Shown { detail: &view, outline: &view::Outline::of(&outline), first, neighbours: &neighbours.items };
    let title = session::title(&view.session);
    Ok(page(&Frame::new(&title, "session", &visitor), &session::session(&shown, &visitor)))
}

/// The number of the first prompt of the page that has this one; of the first page if it is none of the session's.
fn first(outline: &Outline, at: Option<ConversationId>) -> usize {
    let number = at.and_then(|at| outline.points.iter().position(|point| point.id == at));
    number.map_or(0, |number| number / PER_PAGE * PER_PAGE)
}
