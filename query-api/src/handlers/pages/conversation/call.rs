//! `GET /conversations/{id}/calls/{n}`: a tool call that is too large for the page of its conversation, a piece at a time, or
//! one side of it as a text.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use export::parts::ToolCall;
use hyper::StatusCode;
use serde::Deserialize;

use super::{made, pictures};
use crate::access::form::Visitor;
use crate::handlers::ratings::named;
use crate::handlers::{TEXT, typed};
use crate::http::extract::{Numbered, Query};
use crate::http::problem::Problem;
use crate::page::conversation::{Part, call_page};
use crate::page::frame::Frame;
use crate::state::db::Database;

/// What of it.
#[derive(Deserialize)]
pub(crate) struct Piece {
    /// Which side; both where nothing is said.
    part: Option<PartParam>,
    /// From this byte on.
    #[serde(default)]
    from: usize,
    /// As what.
    #[serde(default)]
    form: Form,
}

/// The side of a call.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum PartParam {
    Input,
    Output,
}

/// As what it comes.
#[derive(Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Form {
    #[default]
    Page,
    /// The whole side, as a text.
    Text,
}

/// `GET /conversations/{id}/calls/{n}`.
pub(crate) async fn show(
    State(database): State<Arc<Database>>,
    visitor: Visitor,
    Numbered { id, n }: Numbered,
    Query(Piece { part, from, form }): Query<Piece>,
) -> Result<Response, Problem> {
    let id = named(&database, id).await?;
    let found = database.ask::<_, Problem>(move |reader| reader.call(id, n)).await?;
    let Some((id, call)) = found else {
        return Err(Problem::new(StatusCode::NOT_FOUND, format!("The conversation has no tool call {n}.")));
    };
    let part = part.map(|part| match part {
        PartParam::Input => Part::Input,
        PartParam::Output => Part::Output,
    });
    if form == Form::Text {
        let side = part.unwrap_or(Part::Output).text(call);
        return Ok(typed(TEXT, side));
    }
    let pictures = database.ask::<_, Problem>(move |reader| pictures(reader, id, Some(n))).await?;
    made(&database, move || {
        let title = format!("Tool call {} of {}", n + 1, id.0);
        let main = call_page(id.0, n, &ToolCall::of(&call), &pictures, part.map(|part| (part, from)));
        Frame::new(&title, "call", &visitor).around(&main)
    })
    .await
}
