//! `POST /sessions/{id}/…`: a session renamed, split, joined and put back, from a form of a page.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use store::ConversationId;
use store::annotate::{Merge, Moved, Split};

use crate::access::form::{Back, Form};
use crate::http::extract::marks::TitleField;
use crate::http::extract::{Name, Query};
use crate::http::problem::Problem;
use crate::page::text::path;
use crate::state::db::Database;

/// A title; an empty one takes back what was given.
#[derive(Debug, Deserialize)]
pub(crate) struct TitleForm {
    back: Back,
    title: TitleText,
    /// The button that takes it back.
    #[serde(default)]
    forget: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct TitleText(Option<store::human::Name>);

impl TryFrom<String> for TitleText {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let text = Some(text.trim()).filter(|text| !text.is_empty());
        text.map(store::human::Name::parse).transpose().map(Self).map_err(|unfit| unfit.to_string())
    }
}

/// `POST /sessions/{id}/title`.
pub(crate) async fn rename(
    State(database): State<Arc<Database>>,
    Name(id): Name,
    Query(()): Query<()>,
    Form(form): Form<TitleForm>,
) -> Result<Response, Problem> {
    let title = TitleField(form.title.0.filter(|_| form.forget != Some(true)));
    database.annotate(move |annotator, now_ms| annotator.title(&id, title.0.as_ref(), now_ms)).await?;
    Ok(form.back.answer())
}

/// Where to split.
#[derive(Debug, Deserialize)]
pub(crate) struct SplitForm {
    back: Back,
    /// The conversation that the new session begins with.
    at: i64,
}

/// `POST /sessions/{id}/split`.
pub(crate) async fn split(
    State(database): State<Arc<Database>>,
    Name(id): Name,
    Query(()): Query<()>,
    Form(form): Form<SplitForm>,
) -> Result<Response, Problem> {
    let split = Split { session_id: id, at: vec![(ConversationId(form.at), None)] };
    database.annotate(move |annotator, now_ms| annotator.split(&split, now_ms)).await?;
    Ok(form.back.answer())
}

/// What to join.
#[derive(Debug, Deserialize)]
pub(crate) struct MergeForm {
    back: Back,
    /// The session that is joined to this one.
    session: String,
}

/// `POST /sessions/{id}/merge`.
pub(crate) async fn merge(
    State(database): State<Arc<Database>>,
    Name(id): Name,
    Query(()): Query<()>,
    Form(form): Form<MergeForm>,
) -> Result<Response, Problem> {
    let merge = Merge { into: id, sessions: vec![form.session], title: None };
    database.annotate(move |annotator, now_ms| annotator.merge(&merge, now_ms)).await?;
    Ok(form.back.answer())
}

/// What to undo.
#[derive(Debug, Deserialize)]
pub(crate) struct UndoForm {
    back: Back,
    /// That split or join alone.
    #[serde(default)]
    change: Option<String>,
}

/// `POST /sessions/{id}/undo`: back to the page that it came from, or, where that is of a session that is no more, to the one
/// that has its prompts.
pub(crate) async fn undo(
    State(database): State<Arc<Database>>,
    Name(id): Name,
    Query(()): Query<()>,
    Form(form): Form<UndoForm>,
) -> Result<Response, Problem> {
    let (of, change) = (id.clone(), form.change);
    let undone = database.annotate(move |annotator, now_ms| annotator.undo(&of, change.as_deref(), now_ms)).await?;
    let Moved { into } = undone;
    let own = path("/sessions/", &id, "");
    let (Some(into), true) = (into.first(), form.back.leads_to(&own)) else { return Ok(form.back.answer()) };
    let left = database.ask::<_, Problem>(move |reader| reader.outline(&id)).await?;
    if left.is_some_and(|left| !left.points.is_empty()) {
        return Ok(form.back.answer());
    }
    Back::to(path("/sessions/", into, "")).map(|back| back.answer())
}
