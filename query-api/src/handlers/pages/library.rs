//! `GET /library`: what is worth keeping, in groups.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use store::Kind;
use store::read::{Filter, ListRequest, Places, Query as Search, Texts};

use super::page;
use crate::access::form::Visitor;
use crate::http::extract::Query;
use crate::http::problem::Problem;
use crate::page::frame::Frame;
use crate::page::library::{Group, Library};
use crate::state::db::Database;
use crate::view;

/// The newest that a page shows.
const MOST: u32 = 200;

/// What is shown.
#[derive(Debug, Deserialize)]
pub(crate) struct LibraryParams {
    /// What they hold.
    #[serde(default)]
    q: Option<Words>,
    #[serde(default)]
    group: GroupParam,
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct Words(String, Option<Search>);

impl TryFrom<String> for Words {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let search = Search::parse(&text, Places::EVERYWHERE).map_err(|wrong| wrong.to_string())?;
        Ok(Self(text, search))
    }
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(try_from = "String")]
struct GroupParam(Group);

impl TryFrom<String> for GroupParam {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        Group::from_word(&text).map(Self).ok_or("must be tag, project, rating or month")
    }
}

/// `GET /library`.
pub(crate) async fn show(
    State(database): State<Arc<Database>>,
    visitor: Visitor,
    Query(params): Query<LibraryParams>,
) -> Result<Response, Problem> {
    let (words, search) = params.q.map_or((None, None), |words| (Some(words.0), words.1));
    let filter = Filter { kept: Some(true), kinds: Kind::LISTED.to_vec(), query: search, ..Filter::default() };
    let request = ListRequest { filter, limit: MOST, texts: Texts::Begun, ..ListRequest::default() };
    let found = database.ask::<_, Problem>(move |reader| reader.list(&request)).await?;
    let view = view::Page::of(&found, 0);
    let words = words.as_deref().filter(|words| !words.trim().is_empty());
    let library = Library { items: &view.items, is_cut: found.next.is_some(), group: params.group.0, words };
    Ok(page(&Frame::new("Library", "library", &visitor), &library.main()))
}
