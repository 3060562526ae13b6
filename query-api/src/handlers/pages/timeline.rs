//! `GET /`: the timeline; before the first prompt, what leads to it.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use hyper::{StatusCode, Uri};
use store::human::SavedView;
use store::read::{Count, ListRequest, Names, Page, Reader, Texts};

use super::{page, unfinished};
use crate::access::form::Visitor;
use crate::handlers::conversations::{PageParams, request};
use crate::http::extract::read_query;
use crate::http::filter::FilterParams;
use crate::http::problem::Problem;
use crate::page::asked::Asked;
use crate::page::frame::Frame;
use crate::page::start::{Start, start};
use crate::page::timeline::{Found, Timeline};
use crate::state::db::Database;
use crate::view;

/// Names of each kind that can be chosen.
const NAMES: u32 = 200;
/// The ways in of what a person asked and no script.
const BY_PEOPLE: &str = "interactive,ide,desktop,unknown";

/// `GET /`.
pub(crate) async fn show(
    State(database): State<Arc<Database>>,
    visitor: Visitor,
    uri: Uri,
) -> Result<Response, Problem> {
    let asked = Asked::read(uri.query().unwrap_or_default());
    let (question, wrong) = match question(&asked, &visitor) {
        Ok((request, question)) => (Some((request, question)), None),
        Err(problem) if problem.status == StatusCode::BAD_REQUEST => (None, Some(problem.detail)),
        Err(problem) => return Err(problem),
    };
    let (request, question) = question.unzip();
    let Read { list, names, views } = match database.ask(move |reader| Read::of(reader, request.as_ref())).await {
        Ok(Some(read)) => read,
        Ok(None) | Err(Unread::Missing) => return first(&database, &visitor).await,
        Err(Unread::Because(problem)) => return Err(problem),
    };
    let views = view::Views::of(&views);
    let rows = list.as_ref().map(|(list, _)| view::Page::of(list, question.unwrap_or_default()));
    let found = match (&rows, &list) {
        (Some(rows), Some((_, count))) => Ok(Found { page: rows, count: *count }),
        _ => Err(wrong.as_deref().unwrap_or_default()),
    };
    let shown = Timeline { asked: &asked, visitor: &visitor, names: &names, views: &views, found };
    let frame = Frame { search: Some(shown.search()), ..Frame::new("Timeline", "timeline", &visitor) };
    let mut response = page(&frame, &shown.main());
    if wrong.is_some() {
        *response.status_mut() = StatusCode::BAD_REQUEST;
    }
    Ok(response)
}

/// The list that the address and the browser's preferences ask for.
fn question(asked: &Asked, visitor: &Visitor) -> Result<(ListRequest, u64), Problem> {
    let leaves_out_scripts = visitor.preferences.hides_scripts && asked.get("via").is_none();
    let mut whole = if leaves_out_scripts { asked.with("via", BY_PEOPLE) } else { asked.clone() };
    if let Some(words) = asked.get("q").and_then(unfinished::search) {
        whole = whole.with("q", &words);
    }
    let (filter, page) = read_query::<(FilterParams, PageParams)>(&whole.query())?;
    let (request, question) = request(filter, &page)?;
    Ok((ListRequest { texts: Texts::Begun, ..request }, question))
}

/// What the page is made of.
struct Read {
    list: Option<(Page, Count)>,
    names: Names,
    views: Vec<SavedView>,
}

impl Read {
    /// `None` if there is no prompt at all.
    fn of(reader: &mut Reader, request: Option<&ListRequest>) -> Result<Option<Self>, store::Error> {
        let list = match request {
            Some(request) => {
                let page = reader.list_counted_soon(request)?;
                if page.items.is_empty() && reader.last()?.is_none() {
                    return Ok(None);
                }
                let count = page.count.unwrap_or(Count { value: 0, exact: true });
                Some((page, count))
            }
            None => None,
        };
        Ok(Some(Self { list, names: reader.names(NAMES)?, views: reader.saved_views()? }))
    }
}

/// Why nothing could be read.
enum Unread {
    /// There is no database yet.
    Missing,
    Because(Problem),
}

impl From<store::Error> for Unread {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Missing { .. } => Self::Missing,
            error => Self::Because(error.into()),
        }
    }
}

impl From<Problem> for Unread {
    fn from(problem: Problem) -> Self {
        Self::Because(problem)
    }
}

/// The page before the first prompt.
async fn first(database: &Database, visitor: &Visitor) -> Result<Response, Problem> {
    let status = database.status().await?;
    let home = database.home_flag();
    let (hooks, ingester) = (database.has_hooks().await, !status.ingesters.is_empty());
    let steps = Start { hooks, ingester, home: home.as_deref() };
    Ok(page(&Frame::new("Start", "start", visitor), &start(steps)))
}
