//! `GET /health`: how it is going. 200 whatever it says, also where there is no database.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use store::read::{Filter, ListRequest, Texts};
use store::{Kind, SeenBy};

use super::page;
use crate::access::form::Visitor;
use crate::handlers::health::{MOST_FAILED, MOST_PASSES};
use crate::http::extract::Query;
use crate::http::filter::now_ms;
use crate::http::problem::Problem;
use crate::page::frame::Frame;
use crate::page::health::Health;
use crate::state::db::Database;
use crate::view;

const DAY_MS: i64 = 86_400_000;
/// So many prompts are shown that a source lacks.
const MISSING: u32 = 10;

/// The newest that this source alone saw.
fn alone(source: SeenBy) -> ListRequest {
    let filter = Filter { kinds: Kind::LISTED.to_vec(), sources: vec![source], ..Filter::default() };
    ListRequest { filter, limit: MISSING, texts: Texts::Begun, ..ListRequest::default() }
}

/// `GET /health`.
pub(crate) async fn show(
    State(database): State<Arc<Database>>,
    visitor: Visitor,
    Query(()): Query<()>,
) -> Result<Response, Problem> {
    let status = database.status().await?;
    let since = now_ms() - DAY_MS;
    // Whatever cannot be read is a finding of the status already.
    let failed = database.failed(MOST_FAILED).await.ok();
    let passes = database.ask::<_, Problem>(move |reader| reader.passes(since, MOST_PASSES)).await.ok();
    let missing = database
        .ask::<_, Problem>(|reader| Ok([reader.list(&alone(SeenBy::Hook))?, reader.list(&alone(SeenBy::Transcript))?]))
        .await
        .ok();
    let home = database.home_flag();
    let failed = failed.as_ref().map(|found| view::FailedList::of(found, MOST_FAILED, home.as_deref()));
    let passes = passes.map(|found| view::Passes::of(&found, since));
    let missing = missing.as_ref().map(|pages| pages.each_ref().map(|page| view::Page::of(page, 0)));
    let health = Health {
        status: &status,
        passes: passes.as_ref(),
        failed: failed.as_ref(),
        missing: missing.as_ref().map(|pages| pages.each_ref()),
        home: home.as_deref(),
    };
    Ok(page(&Frame::new("Health", "health", &visitor), &health.render()))
}
