//! `/api/health` for people and programs that want to know why; `/healthz` and `/readyz` for those that do not.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::State;
use axum::response::Response;
use hyper::Uri;
use hyper::header::{self, HeaderValue};

use super::json;
use crate::backlog;
use crate::db::Database;
use crate::params;
use crate::problem::Problem;
use crate::view::health::{Health, Reason, assess};

/// `GET /api/health`: always 200, whatever it says.
pub(crate) async fn report(State(database): State<Arc<Database>>, uri: Uri) -> Result<Response, Problem> {
    params::none(&uri)?;
    let home = database.home().clone();
    let queue = tokio::task::spawn_blocking(move || backlog::count(&home));
    let store = database.ask::<_, Failure>(|reader| reader.health()).await;
    let queue = queue.await.map_err(|_| Problem::internal("counting the queue panicked"))?;
    let now_ns = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_nanos() as u64);
    let mut reasons = Vec::new();
    let queue = queue.map_err(|error| reasons.push(Reason::unreadable_queue(&error))).ok();
    let store = store.map_err(|failure| reasons.push(Reason::from(failure))).ok();
    reasons.extend(assess(queue.as_ref(), store.as_ref(), now_ns));
    json(&Health::of(queue.as_ref(), store.as_ref(), &reasons, now_ns))
}

/// `GET /healthz`: the process answers.
pub(crate) async fn alive(uri: Uri) -> Result<Response, Problem> {
    params::none(&uri)?;
    Ok(word("ok"))
}

/// `GET /readyz`: the database answers too.
pub(crate) async fn ready(State(database): State<Arc<Database>>, uri: Uri) -> Result<Response, Problem> {
    params::none(&uri)?;
    database.ask::<_, Problem>(|reader| reader.health()).await?;
    Ok(word("ready"))
}

fn word(word: &'static str) -> Response {
    let mut response = Response::new(word.into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// Why the store did not answer.
pub(crate) enum Failure {
    /// It said so itself.
    Store(store::Error),
    /// It was not asked.
    Problem(Problem),
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        Self::Store(error)
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}
