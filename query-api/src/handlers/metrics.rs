//! `/metrics`, for Prometheus and what reads its format.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;

use super::typed;
use crate::http::extract::Query;
use crate::http::problem::Problem;
use crate::state::db::Database;
use crate::state::events::Events;
use crate::state::metrics::{self, Counted, Requests, Waits};

/// Figures for Prometheus
///
/// Its text format 0.0.4. While the database cannot be read, what would come from it is left out.
#[utoipa::path(get, operation_id = "metrics", path = "/metrics", tag = "health",
    responses((status = 200, body = String, content_type = "text/plain; version=0.0.4; charset=utf-8")))]
pub(crate) async fn report(
    State(database): State<Arc<Database>>,
    State(requests): State<Arc<Requests>>,
    State(waits): State<Arc<Waits>>,
    State(events): State<Arc<Events>>,
    Query(()): Query<()>,
) -> Result<Response, Problem> {
    let status = database.status().await?;
    let from = waits.from();
    let recent = match status.database {
        Some(_) => database.ask::<_, Problem>(move |reader| reader.waited(from)).await.ok(),
        None => None,
    };
    let recent = recent.as_deref().map(|recent| (from, recent));
    let text = metrics::render(&status, &Counted { requests: &requests, waits: &waits, events: &events }, recent);
    Ok(typed("text/plain; version=0.0.4; charset=utf-8", text))
}
