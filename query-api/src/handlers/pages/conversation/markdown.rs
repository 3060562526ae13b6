//! `GET /conversations/{id}/markdown`: the whole as the document that an export makes, or the prompt or the answer alone, as a
//! text to copy.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use store::read::Turn;
use store::read::export::Subagents;

use crate::handlers::ratings::named;
use crate::handlers::{TEXT, typed};
use crate::http::extract::{Id, Query, no_conversation};
use crate::http::problem::Problem;
use crate::state::db::Database;

/// Which part of it.
#[derive(Deserialize)]
pub(crate) struct Wanted {
    #[serde(default)]
    part: Part,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Part {
    #[default]
    Whole,
    Prompt,
    Answer,
}

/// `GET /conversations/{id}/markdown`.
pub(crate) async fn show(
    State(database): State<Arc<Database>>,
    id: Id,
    Query(Wanted { part }): Query<Wanted>,
) -> Result<Response, Problem> {
    let text = match part {
        Part::Whole => whole(&database, id).await?,
        Part::Prompt => turn(&database, id).await?.prompt_text.unwrap_or_default().into_bytes(),
        Part::Answer => turn(&database, id).await?.response_text.unwrap_or_default().into_bytes(),
    };
    Ok(typed(TEXT, text))
}

async fn turn(database: &Database, id: Id) -> Result<Turn, Problem> {
    let id = named(database, id).await?;
    database.ask::<_, Problem>(move |reader| reader.turn(id)).await?.ok_or_else(|| no_conversation(id.0))
}

async fn whole(database: &Database, id: Id) -> Result<Vec<u8>, Problem> {
    let id = named(database, id).await?;
    // An alias has no row of its own.
    let id = database
        .ask::<_, Problem>(move |reader| Ok(reader.marks(id)?.map(|(survivor, _)| survivor)))
        .await?
        .unwrap_or(id);
    let export = database.export().await?;
    let made = export.blocking(move |store| {
        let Some(whole) = store.whole(id, Subagents::Included)? else { return Ok(None) };
        let mut text = Vec::new();
        // To a text: it cannot fail.
        let written = export::markdown::session(&mut text, &whole)
            .and_then(|()| export::markdown::conversation(&mut text, &whole));
        Ok(written.ok().map(|()| text))
    });
    match made.await {
        Ok((_, Some(text))) => Ok(text),
        Ok((_, None)) => Err(no_conversation(id.0)),
        Err(error) => Err(Problem::internal(error.to_string())),
    }
}
