//! `GET /conversations/{id}`: one conversation, and what belongs to it: a call, a picture, the record, the whole as Markdown.

mod call;
mod markdown;
mod picture;
mod record;

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use store::read::{self, Direction, ListRequest, Next, Position, Reader, Sort, Texts};
use store::{ConversationId, Kind};

use crate::access::form::Visitor;
use crate::handlers::conversations::found;
use crate::handlers::{HTML, typed};
use crate::http::base64;
use crate::http::extract::{Id, Query};
use crate::http::problem::Problem;
use crate::page::conversation::{Whole, conversation};
use crate::page::frame::Frame;
use crate::page::picture::{self as look, Picture};
use crate::page::text::clipped;
use crate::state::db::Database;
use crate::view;

pub(crate) use call::show as call;
pub(crate) use markdown::show as markdown;
pub(crate) use picture::show as picture;
pub(crate) use record::show as record;

/// Suggested tags that are shown.
const SUGGESTED: usize = 5;
/// Tags that are offered while one types.
const OFFERED: usize = 300;

/// Which part of it.
#[derive(Deserialize)]
pub(crate) struct Begin {
    /// The block that the page begins with, from 0.
    #[serde(default)]
    from: usize,
}

/// What else the page shows.
struct Beside {
    around: (Option<i64>, Option<i64>),
    suggested: Vec<String>,
    tags: Vec<String>,
    pictures: Vec<Picture>,
}

/// `GET /conversations/{id}`.
pub(crate) async fn show(
    State(database): State<Arc<Database>>,
    visitor: Visitor,
    id: Id,
    Query(Begin { from }): Query<Begin>,
) -> Result<Response, Problem> {
    let (found, alias) = found(&database, id, Reader::conversation_begun).await?;
    let (id, at) = (found.turn.id, found.turn.timestamp_ms);
    let session = found.turn.user_session_id.clone();
    let beside = database
        .ask::<_, Problem>(move |reader| {
            let suggested = reader.suggestions(id)?.map(|(_, tags)| tags).unwrap_or_default();
            let tags = reader.tags()?;
            Ok(Beside {
                around: around(reader, id, at, &session)?,
                suggested: suggested.into_iter().map(|suggestion| suggestion.tag).take(SUGGESTED).collect(),
                tags: tags.into_iter().map(|tag| tag.tag).take(OFFERED).collect(),
                pictures: pictures(reader, id, None)?,
            })
        })
        .await?;
    made(&database, move || {
        let it = view::Conversation::of(&found, alias);
        let title = clipped(it.head.prompt_text.unwrap_or("Conversation"), 60);
        let Beside { around, suggested, tags, pictures } = &beside;
        let whole = Whole { it: &it, around: *around, suggested, tags, pictures, from };
        Frame::new(&title, "conversation", &visitor).around(&conversation(&whole, &visitor))
    })
    .await
}

/// 200 with a page that takes long to make: code is marked, texts are compared.
async fn made(database: &Database, page: impl FnOnce() -> String + Send + 'static) -> Result<Response, Problem> {
    Ok(typed(HTML, database.make(page).await?))
}

/// The prompts before and after one in its session.
fn around(
    reader: &mut Reader,
    id: ConversationId,
    timestamp_ms: i64,
    session: &str,
) -> Result<(Option<i64>, Option<i64>), store::Error> {
    let mut next = |direction| {
        let position = Position { key: 0, timestamp_ms, id };
        let filter = read::Filter {
            user_sessions: vec![session.to_owned()],
            kinds: Kind::LISTED.to_vec(),
            ..read::Filter::default()
        };
        let after = Some(Next { position, stretch: None });
        let request =
            ListRequest { filter, sort: Sort::Time, direction, after, limit: 1, count: false, texts: Texts::Begun };
        Ok::<_, store::Error>(reader.list(&request)?.items.first().map(|item| item.turn.id.0))
    };
    Ok((next(Direction::Descending)?, next(Direction::Ascending)?))
}

/// The pictures of one, or of one call of it, without their bytes.
fn pictures(reader: &mut Reader, id: ConversationId, call: Option<usize>) -> Result<Vec<Picture>, store::Error> {
    let picture = |found: read::Picture| {
        let head = base64::unpadded(&found.head).unwrap_or_default();
        let call = match found.place {
            read::PicturePlace::Prompt => None,
            read::PicturePlace::Call(call) => Some(call),
        };
        Picture { call, kind: look::kind(&head), bytes: found.digits * 3 / 4 }
    };
    Ok(reader.pictures(id, call)?.into_iter().map(picture).collect())
}
