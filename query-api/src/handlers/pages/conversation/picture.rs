//! `GET /conversations/{id}/images/{n}`: a picture that a person showed or a tool gave back. Its type is what its bytes are, of
//! four kinds that hold no script; what is none of them is not given out.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use hyper::StatusCode;

use crate::handlers::ratings::named;
use crate::handlers::typed;
use crate::http::base64;
use crate::http::extract::{Numbered, Query};
use crate::http::problem::Problem;
use crate::page::picture::kind;
use crate::state::db::Database;

/// `GET /conversations/{id}/images/{n}`.
pub(crate) async fn show(
    State(database): State<Arc<Database>>,
    Numbered { id, n }: Numbered,
    Query(()): Query<()>,
) -> Result<Response, Problem> {
    let id = named(&database, id).await?;
    let bytes = database
        .ask::<_, Problem>(move |reader| {
            let found = reader.pictures(id)?.into_iter().nth(n);
            Ok(found.and_then(|picture| {
                let digits: String = picture.base64.split_ascii_whitespace().collect();
                base64::unpadded(&digits)
            }))
        })
        .await?;
    let none = || Problem::new(StatusCode::NOT_FOUND, format!("The conversation has no image {n} that can be shown."));
    let bytes = bytes.ok_or_else(none)?;
    let kind = kind(&bytes).ok_or_else(none)?;
    Ok(typed(kind.name, bytes))
}
