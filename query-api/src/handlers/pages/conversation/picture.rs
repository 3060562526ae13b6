//! `GET /conversations/{id}/images/{n}`: a picture that a person showed or a tool gave back. Its type is what its bytes are, of
//! four kinds that hold no script; what is none of them is not given out.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use hyper::StatusCode;
use serde::Deserialize;

use crate::handlers::ratings::named;
use crate::handlers::typed;
use crate::http::base64;
use crate::http::extract::{Numbered, Query};
use crate::http::problem::Problem;
use crate::page::picture::kind;
use crate::state::db::Database;

/// Among which pictures it is counted.
#[derive(Deserialize)]
pub(crate) struct Among {
    /// Those of this tool call, from 0; all where none is named. Of a call only what it gave back is read.
    call: Option<usize>,
}

/// `GET /conversations/{id}/images/{n}`.
pub(crate) async fn show(
    State(database): State<Arc<Database>>,
    Numbered { id, n }: Numbered,
    Query(Among { call }): Query<Among>,
) -> Result<Response, Problem> {
    let id = named(&database, id).await?;
    let bytes = database
        .ask::<_, Problem>(move |reader| {
            Ok(reader.picture(id, call, n)?.and_then(|base64| {
                let digits: String = base64.split_ascii_whitespace().collect();
                base64::unpadded(&digits)
            }))
        })
        .await?;
    let none = || Problem::new(StatusCode::NOT_FOUND, format!("The conversation has no image {n} that can be shown."));
    let bytes = bytes.ok_or_else(none)?;
    let kind = kind(&bytes).ok_or_else(none)?;
    Ok(typed(kind.name, bytes))
}
