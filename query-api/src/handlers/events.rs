//! `/api/events`: server-sent events.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;

use super::typed;
use crate::http::extract::Query;
use crate::http::pace::Pace;
use crate::http::problem::Problem;
use crate::state::events::Events;

/// What is committed, as it happens
///
/// Server-sent events. Whenever something was committed, at most once a second: `event: committed`, and as `data` the
/// `newest` conversation of the default list, and whether `marks` changed (ratings, tags, notes, stars, titles, sessions,
/// views). A comment every 15 seconds says that the server lives. The answer has no end of its own.
#[utoipa::path(get, operation_id = "events", path = "/api/events", tag = "server",
    responses((status = 200, body = String, content_type = "text/event-stream")))]
pub(crate) async fn listen(State(events): State<Arc<Events>>, Query(()): Query<()>) -> Result<Response, Problem> {
    let mut response = typed("text/event-stream", events.listen()?);
    response.extensions_mut().insert(Pace::Endless);
    Ok(response)
}
