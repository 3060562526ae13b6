//! `GET /`: the timeline.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;

use super::page;
use crate::access::form::Visitor;
use crate::handlers::conversations::{PageParams, request};
use crate::http::extract::Query;
use crate::http::filter::FilterParams;
use crate::http::problem::Problem;
use crate::page::frame::Frame;
use crate::page::timeline::timeline;
use crate::state::db::Database;
use crate::view;

/// `GET /`.
pub(crate) async fn show(
    State(database): State<Arc<Database>>,
    visitor: Visitor,
    Query((filter, params)): Query<(FilterParams, PageParams)>,
) -> Result<Response, Problem> {
    let (request, question) = request(filter, &params)?;
    let found = database.ask::<_, Problem>(move |reader| reader.list(&request)).await?;
    Ok(page(&Frame::new("Timeline", "timeline", &visitor), &timeline(&view::Page::of(&found, question))))
}
