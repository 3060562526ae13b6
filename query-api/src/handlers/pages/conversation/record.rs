//! `GET /conversations/{id}/raw`: what a conversation was made from, as a page.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;

use super::made;
use crate::access::form::Visitor;
use crate::handlers::raw::{RawParams, found};
use crate::http::extract::{Id, Query};
use crate::http::problem::Problem;
use crate::page::frame::Frame;
use crate::page::raw::raw;
use crate::state::db::Database;
use crate::view;

/// `GET /conversations/{id}/raw`.
pub(crate) async fn show(
    State(database): State<Arc<Database>>,
    visitor: Visitor,
    id: Id,
    Query(params): Query<RawParams>,
) -> Result<Response, Problem> {
    let (page, alias, next) = found(&database, id, params).await?;
    made(&database, move || {
        let title = format!("Raw record of {}", page.id.0);
        Frame::new(&title, "raw", &visitor).around(&raw(&view::Raw::of(&page, alias, next)))
    })
    .await
}
