//! `GET /api/export`: conversations as a file, in the forms of `prompt-manager export` and byte for byte the same.
//!
//! A task of its own makes the file, a piece at a time, and waits while the client is slow. While it waits no transaction is
//! open and no thread is taken; a client that has gone, or takes nothing for a while, ends it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::Response;
use export::document::{self, Document, Form, Scope};
use export::messages::Tools;
use export::time::compact;
use hyper::body::Frame;
use hyper::header::{self, HeaderValue};
use serde::Deserialize;
use store::read::Filter;
use store::{ConversationId, Kind, Status};
use tokio::sync::mpsc;
use utoipa::{IntoParams, ToSchema};

use crate::http::extract::Query;
use crate::http::filter::{FilterParams, now_ms};
use crate::http::pace::{Made, Pace};
use crate::http::problem::Problem;
use crate::state::db::{Database, Export};

/// Bytes that are made before they are sent; a long conversation makes more.
const PIECE: usize = 64 * 1024;
/// A client that takes nothing for so long has gone.
const STALLED: Duration = Duration::from_secs(60);

/// As what.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExportParams {
    /// The form of the file.
    #[serde(default)]
    #[param(inline)]
    format: FormatParam,
    /// `messages`: what a line is.
    #[serde(default)]
    #[param(inline)]
    per: PerParam,
    /// `messages`: with the tool calls and their results.
    #[serde(default)]
    tools: bool,
    /// Only this conversation. May be given several times.
    #[serde(default)]
    id: Vec<i64>,
    /// The newest, at most so many.
    #[param(value_type = Option<u64>, minimum = 1)]
    limit: Option<std::num::NonZeroU32>,
}

/// The form of a file.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "lowercase")]
enum FormatParam {
    /// Everything, a JSON object a line; `import` takes it back
    #[default]
    Jsonl,
    /// A row a conversation, for a spreadsheet
    Csv,
    /// A document to read
    Markdown,
    /// Chat-format JSONL for fine-tuning
    Messages,
}

/// What a line is.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "lowercase")]
enum PerParam {
    #[default]
    Conversation,
    Session,
}

impl FormatParam {
    /// The kinds of a file for which none are asked: a line that is taken back may be of any kind.
    fn kinds(self) -> &'static [Kind] {
        if self == Self::Jsonl { &[] } else { Kind::LISTED }
    }

    fn statuses(self) -> &'static [Status] {
        if self == Self::Messages { &[Status::Complete] } else { &[] }
    }

    /// The end of its name, and its type.
    fn named(self) -> (&'static str, &'static str) {
        match self {
            Self::Jsonl | Self::Messages => ("jsonl", "application/jsonl"),
            Self::Csv => ("csv", "text/csv; charset=utf-8; header=present"),
            Self::Markdown => ("md", "text/markdown; charset=utf-8"),
        }
    }
}

impl ExportParams {
    fn form(&self) -> Result<Form, Problem> {
        let wrong = |name: &str| Err(Problem::parameter(name, format!("`{name}` belongs to `format=messages`.")));
        match self.format {
            FormatParam::Messages => {}
            _ if self.tools => return wrong("tools"),
            _ if self.per == PerParam::Session => return wrong("per"),
            _ => {}
        }
        Ok(match self.format {
            FormatParam::Jsonl => Form::Jsonl,
            FormatParam::Csv => Form::Csv,
            FormatParam::Markdown => Form::Markdown,
            FormatParam::Messages => Form::Messages {
                tools: if self.tools { Tools::Included } else { Tools::Left },
                per: match self.per {
                    PerParam::Conversation => document::Per::Conversation,
                    PerParam::Session => document::Per::Session,
                },
            },
        })
    }
}

/// Conversations as a file
///
/// In order of time, the oldest first; with `limit` the newest. Without `kind`, `jsonl` holds all kinds, the others what lists
/// show; without `status`, `messages` holds what is complete. The file is streamed: what goes wrong on the way ends the
/// connection before the end of the answer. Two are made at once.
#[utoipa::path(get, operation_id = "export", path = "/api/export", tag = "conversations", params(FilterParams, ExportParams),
    responses((status = 200, description = "The file.", content(
        (String = "application/jsonl"), (String = "text/csv"), (String = "text/markdown")))))]
pub(crate) async fn export(
    State(database): State<Arc<Database>>,
    Query((filter, params)): Query<(FilterParams, ExportParams)>,
) -> Result<Response, Problem> {
    filter.check()?;
    let form = params.form()?;
    let ids = params.id.iter().copied().map(ConversationId).collect();
    let filter = Filter { ids, ..filter.filter_or(params.format.kinds(), params.format.statuses()) };
    let now = now_ms();
    let limit = params.limit.map(|limit| limit.get() as usize);
    let store = database.export().await?;
    let (sender, receiver) = mpsc::channel(1);
    let (making, made) = Made::begin();
    tokio::spawn(async move {
        make(store, form, filter, limit, now, sender).await;
        drop(making);
    });
    let mut response = Response::new(Body::new(Pieces(Some(receiver))));
    let (end, kind) = params.format.named();
    let name = format!("attachment; filename=\"prompt-manager-{}.{end}\"", compact(now));
    response.extensions_mut().insert(Pace::Long(made));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Ok(name) = HeaderValue::try_from(name) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

/// Why an answer ends before its end.
type Broken = Box<dyn std::error::Error + Send + Sync>;

/// What a task sends to the answer that it makes. The end is said, so that no half of a file passes for a whole one.
enum Sent {
    Piece(Bytes),
    Failed(Broken),
    End,
}

/// Makes the file and sends it, until it ends or nobody takes it.
async fn make(
    store: Export,
    form: Form,
    filter: Filter,
    limit: Option<usize>,
    now_ms: i64,
    sender: mpsc::Sender<Sent>,
) {
    let scope = if filter == Filter::default() && limit.is_none() { Scope::All } else { Scope::Chosen };
    // Which conversations are meant may take long to say, and nothing is sent meanwhile.
    let waiting = sender.downgrade();
    let begun = store.blocking(move |store| {
        store.while_wanted(move || waiting.upgrade().is_some_and(|sender| !sender.is_closed()))?;
        let selected = store.select(&filter, limit)?;
        Ok(Document::new(form, scope, selected, now_ms))
    });
    let mut made = begun.await;
    loop {
        let (store, mut document) = match made {
            Ok(made) => made,
            Err(_) if sender.is_closed() => return, // nobody failed: nobody waited
            Err(error) => {
                tracing::warn!("failed to export: {error}");
                let _ = sender.send(Sent::Failed(error.into())).await;
                return;
            }
        };
        if sender.is_closed() {
            return;
        }
        let next = store.blocking(move |store| {
            let mut piece = Vec::new();
            while piece.len() < PIECE {
                match document.next(store)? {
                    Some(more) => piece.extend(more),
                    None => return Ok((document, piece, true)),
                }
            }
            Ok((document, piece, false))
        });
        match next.await {
            Ok((store, (document, piece, is_last))) => {
                if !piece.is_empty() && sender.send_timeout(Sent::Piece(piece.into()), STALLED).await.is_err() {
                    return;
                }
                if is_last {
                    drop(store);
                    let _ = sender.send_timeout(Sent::End, STALLED).await;
                    return;
                }
                made = Ok((store, document));
            }
            Err(error) => made = Err(error),
        }
    }
}

/// The pieces as a body, until its end was seen: who compresses it asks once more.
struct Pieces(Option<mpsc::Receiver<Sent>>);

impl hyper::body::Body for Pieces {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let Some(receiver) = &mut self.0 else { return Poll::Ready(None) };
        receiver.poll_recv(context).map(|sent| match sent {
            Some(Sent::Piece(piece)) => Some(Ok(Frame::data(piece))),
            Some(Sent::Failed(error)) => Some(Err(error)),
            Some(Sent::End) => {
                self.0 = None;
                None
            }
            None => Some(Err("the export was given up".into())),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::extract::read_query;

    fn check(query: &str, expected: &str) {
        let found = match read_query::<ExportParams>(query).and_then(|params| params.form()) {
            Ok(form) => format!("{form:?}"),
            Err(problem) => format!("{}: {}", problem.parameter.unwrap(), problem.detail),
        };
        assert!(found.starts_with(expected), "{query}: {found}");
    }

    /// A task that died, or that nobody listened to for long, leaves no file that looks whole.
    #[tokio::test]
    async fn only_a_whole_file_has_an_end() {
        use http_body_util::BodyExt;
        for (last, expected) in [(Some(Sent::End), true), (Some(Sent::Failed("ill".into())), false), (None, false)] {
            let (sender, receiver) = mpsc::channel(2);
            assert!(sender.send(Sent::Piece("a".into())).await.is_ok());
            if let Some(last) = last {
                assert!(sender.send(last).await.is_ok());
            }
            drop(sender);
            let mut pieces = Pieces(Some(receiver));
            assert_eq!((&mut pieces).collect().await.is_ok(), expected);
            // What was whole stays so, however often somebody asks.
            assert_eq!(pieces.collect().await.is_ok(), expected);
        }
    }

    #[test]
    fn forms() {
        check("", "Jsonl");
        check("format=csv&limit=5&id=1&id=2", "Csv");
        check("format=messages&tools=true&per=session", "Messages { tools: Included, per: Session }");
        check("format=messages", "Messages { tools: Left, per: Conversation }");
        check("format=pdf", "format: `format` must be one of jsonl, csv, markdown, messages.");
        check("tools=true", "tools: `tools` belongs to `format=messages`.");
        check("format=markdown&per=session", "per: `per` belongs to `format=messages`.");
        check("limit=0", "limit: `limit` must be");
        check("id=x", "id: `id` must be a whole number.");
    }
}
