//! The pages: the same questions to the store as the JSON asks, and the same views, put into a page.

pub(crate) mod assets;
pub(crate) mod conversation;
pub(crate) mod cuts;
pub(crate) mod health;
pub(crate) mod insights;
pub(crate) mod library;
pub(crate) mod marks;
pub(crate) mod preferences;
pub(crate) mod session;
pub(crate) mod timeline;
mod unfinished;
pub(crate) mod views;

use axum::response::Response;
use maud::Markup;

use super::{HTML, typed};
use crate::page::frame::Frame;

/// 200 with a page.
fn page(frame: &Frame<'_>, main: &Markup) -> Response {
    typed(HTML, frame.around(main))
}
