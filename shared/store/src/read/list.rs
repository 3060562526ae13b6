//! A page of conversations: which ones a filter leaves, in one of six orders, from where the page before ended.
//!
//! There are two ways. What leads to few conversations (ids, a session, a tag, rare words) is collected, held to the
//! filter and sorted. Otherwise the rows of `facets` are walked in the order that is asked for, by steps, until the page is
//! full. A query is asked of each row that comes, so nothing is read of what is not shown. A walk that takes too long ends
//! the page early, with a cursor from which the next one goes on: a short page is a true one. So do texts that are very long.

mod ranked;
mod rows;

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::filter::{Filter, Held};
use super::health::older_sessions;
use super::query::Query;
use super::search::{Asked, Effort, Grain, Plan};
use super::snippet;
use super::tags;
use super::turn::{self, Listed, Room, Texts};
use crate::error::Error;
use crate::ids::ConversationId;
use crate::words::Kind;
pub use ranked::Stretch;
pub(super) use rows::{Order, Stream};

/// So long a page may be looked for; the question as a whole ends after two seconds.
const PATIENCE: Duration = Duration::from_millis(1_200);
/// A count may take longer than the page.
const LONG_PATIENCE: Duration = Duration::from_millis(1_700);
/// More hits are not counted, and no more are ranked at once.
const MOST_COUNTED: u64 = 10_000;
/// More are not counted where an answer is wanted soon.
pub const SOON_COUNTED: u64 = 10_000;
/// So long hits are counted where an answer is wanted soon.
pub const MOMENT: Duration = Duration::from_millis(15);
/// After so many rows, and whenever it are twice as many, a walk looks whether to gather the hits is no longer than it was.
const IN_VAIN: usize = 2_000;

/// As most lists are.
pub(super) const NEWEST_FIRST: Order = Order::new(Sort::Time, Direction::Descending);

/// By what a list is sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Sort {
    /// When conversations began.
    #[default]
    Time,
    /// Their rating; those without one come last.
    Rating,
    /// The length of the prompt.
    Length,
    /// Tokens of their own messages.
    Tokens,
    /// Cost of their own messages; where nothing is known of it comes last.
    Cost,
    /// How well they answer the query; without one, time.
    Relevance,
}

/// Which end comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The newest, largest, best.
    #[default]
    Descending,
    /// The oldest, smallest, worst.
    Ascending,
}

/// A place between two rows of one list: it goes on after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// What the row before is sorted by; 0 by time.
    pub key: i64,
    /// Its time.
    pub timestamp_ms: i64,
    /// Its id.
    pub id: ConversationId,
}

impl Position {
    const FIRST: Self = Self { key: i64::MIN, timestamp_ms: i64::MIN, id: ConversationId(i64::MIN) };
    const LAST: Self = Self { key: i64::MAX, timestamp_ms: i64::MAX, id: ConversationId(i64::MAX) };
}

/// Where a page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Next {
    /// After this row.
    pub position: Position,
    /// By relevance: among these.
    pub stretch: Option<Stretch>,
}

/// What a page shall show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListRequest {
    /// Which conversations.
    pub filter: Filter,
    /// In which order.
    pub sort: Sort,
    /// From which end.
    pub direction: Direction,
    /// From here on.
    pub after: Option<Next>,
    /// At most so many.
    pub limit: u32,
    /// Whether to count all that the filter leaves.
    pub count: bool,
    /// How much of the texts of each.
    pub texts: Texts,
}

impl Default for ListRequest {
    fn default() -> Self {
        Self {
            filter: Filter { kinds: Kind::LISTED.to_vec(), ..Filter::default() },
            sort: Sort::default(),
            direction: Direction::default(),
            after: None,
            limit: 50,
            count: false,
            texts: Texts::Whole,
        }
    }
}

impl ListRequest {
    /// What tells a list from others: a position of one means nothing in another.
    pub fn fingerprint(&self) -> u64 {
        let mut hash = DefaultHasher::new();
        (&self.filter, self.sort, self.direction).hash(&mut hash);
        hash.finish()
    }
}

/// A page of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// In order.
    pub items: Vec<Listed>,
    /// Where the next page begins, if there may be one.
    pub next: Option<Next>,
    /// How many there are, if that was asked.
    pub count: Option<Count>,
    /// By relevance: so many hits were ranked against each other; where there are more, the newest, then the next.
    pub ranked: Option<u32>,
    /// Sessions of the store that were derived by older rules and wait to be derived again, counted up to
    /// [`Health::DIRTY_LIMIT`](super::Health::DIRTY_LIMIT): until then a search may miss what is theirs.
    pub older_sessions: i64,
}

/// How many conversations a filter leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// So many, or at least so many.
    pub value: u64,
    /// Whether it is the whole number.
    pub exact: bool,
}

/// Fills the page.
pub(super) fn page(asked: Asked<'_>, request: &ListRequest) -> Result<Page, Error> {
    page_within(asked, request, Bounds::PAGE)
}

/// Fills the page, and counts all that fits as far as that is known soon.
pub(super) fn page_counted_soon(asked: Asked<'_>, request: &ListRequest) -> Result<Page, Error> {
    filled(asked, request, Bounds::PAGE, |question| question.count_soon(asked).map(Some))
}

fn page_within(asked: Asked<'_>, request: &ListRequest, bounds: Bounds) -> Result<Page, Error> {
    let began = Instant::now();
    let whole = |question: &Question| question.count(asked, began + LONG_PATIENCE);
    filled(asked, request, bounds, |question| request.count.then(|| whole(question)).transpose())
}

/// What ends a page before it is full.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    /// So long it is looked for,
    patience: Duration,
    /// and so much of texts it takes.
    room: Room,
}

impl Bounds {
    const PAGE: Self = Self { patience: PATIENCE, room: Room::PAGE };
}

/// A page with its count, if any, by what leads to its rows.
fn filled(
    asked: Asked<'_>,
    request: &ListRequest,
    Bounds { patience, mut room }: Bounds,
    count: impl FnOnce(&Question) -> Result<Option<Count>, Error>,
) -> Result<Page, Error> {
    let began = Instant::now();
    let grain = match (request.sort, request.count) {
        (Sort::Relevance, _) => Grain::Ranked,
        (_, true) => Grain::Counted,
        (_, false) => Grain::Found,
    };
    let Some(question) = Question::new(asked, &request.filter, grain)? else {
        let count = request.count.then_some(Count { value: 0, exact: true });
        return Ok(Page { items: Vec::new(), next: None, count, ranked: None, older_sessions: 0 });
    };
    let end = began + patience;
    let (Chosen { places, mut next, stretch }, ranked) = if request.sort == Sort::Relevance && question.plan.is_some() {
        let (chosen, ranked) = question.ranked(asked, request, end)?;
        (chosen, Some(ranked))
    } else {
        (question.chosen(asked, request, end)?, None)
    };
    let mut items = Vec::with_capacity(places.len());
    let mut places = places.into_iter().peekable();
    while let Some(place) = places.next() {
        let Some(mut item) = turn::listed(asked.conn, place.id)? else { continue };
        // A page of very long texts is shown with the places of the first ones, not held back for those of the last.
        if let Some(plan) = question.plan.as_ref().filter(|_| Instant::now() <= began + LONG_PATIENCE) {
            item.matches = Some(snippet::matches(asked, plan, &item.turn)?);
        }
        request.texts.leave(&mut item.turn, asked.veil);
        let another = room.take(&item.turn);
        items.push(item);
        if !another && places.peek().is_some() {
            next = Some(Next { position: place, stretch });
            break;
        }
    }
    let count = count(&question)?;
    Ok(Page { items, next, count, ranked, older_sessions: older_sessions(asked.conn)? })
}

/// The ids of a page by time, and where the next one begins.
pub(super) fn ids(asked: Asked<'_>, request: &ListRequest) -> Result<(Vec<ConversationId>, Option<Next>), Error> {
    let Some(question) = Question::new(asked, &request.filter, Grain::Found)? else { return Ok((Vec::new(), None)) };
    let Chosen { places, next, .. } = question.chosen(asked, request, Instant::now() + PATIENCE)?;
    Ok((places.iter().map(|place| place.id).collect(), next))
}

/// How many conversations a filter leaves.
pub(super) fn count(asked: Asked<'_>, filter: &Filter) -> Result<Count, Error> {
    match Question::new(asked, filter, Grain::Counted)? {
        Some(question) => question.count(asked, Instant::now() + LONG_PATIENCE),
        None => Ok(Count { value: 0, exact: true }),
    }
}

/// The newest of the listed kinds.
pub(super) fn last(conn: &Connection) -> Result<Option<ConversationId>, Error> {
    let held = Held::new(conn, &ListRequest::default().filter)?;
    let mut stream = Stream::walk(NEWEST_FIRST, None);
    loop {
        let step = stream.step(conn, &held)?;
        match step.rows.first() {
            Some(row) => return Ok(Some(row.id)),
            None if step.is_last => return Ok(None),
            None => {}
        }
    }
}

/// Rows of a page, and where the next one begins.
struct Chosen {
    places: Vec<Position>,
    next: Option<Next>,
    /// By relevance: among these the rows were ranked.
    stretch: Option<Stretch>,
}

impl Chosen {
    fn new(places: Vec<Position>, next: Option<Position>) -> Self {
        Self { places, next: next.map(|position| Next { position, stretch: None }), stretch: None }
    }
}

/// A filter made ready to be held against rows. It may be asked in one transaction or in many.
pub(super) struct Question {
    pub(super) held: Held,
    plan: Option<Plan>,
    /// What the names in the filter lead to, where that is few.
    few: Option<Vec<i64>>,
}

/// The filter with the tags that somebody behind a veil knows by their marks. Of several that look the same none can be meant.
fn named<'f>(asked: Asked<'_>, filter: &'f Filter) -> Result<Cow<'f, Filter>, Error> {
    let mut filter = Cow::Borrowed(filter);
    for at in 0..filter.tags.len() {
        if let [tag] = &tags::shown_as(asked.conn, asked.veil, &filter.tags[at])?[..] {
            tag.clone_into(&mut filter.to_mut().tags[at]);
        }
    }
    Ok(filter)
}

impl Question {
    /// `None` if nothing can be found.
    pub(super) fn new(asked: Asked<'_>, filter: &Filter, grain: Grain) -> Result<Option<Self>, Error> {
        if filter.query.as_ref().is_some_and(Query::is_empty) {
            return Ok(None);
        }
        let filter = &*named(asked, filter)?;
        let held = Held::new(asked.conn, filter)?;
        let effort = Effort::new(asked.conn, grain)?;
        let plan = filter.query.as_ref().map(|query| Plan::new(asked, query, grain, effort)).transpose()?;
        let mut few = rows::named(asked.conn, filter, plan.is_some())?;
        if let Some(plan) = &plan
            && filter.ids.is_empty()
            && let Some(rarest) =
                plan.rarest(asked, few.as_ref().map_or(effort.to_look_up(), |few| few.len() as i64))?
        {
            few = Some(rarest);
        }
        Ok(Some(Self { held, plan, few }))
    }

    /// The rows that come into question, in order.
    pub(super) fn stream(&self, conn: &Connection, order: Order, after: Option<Position>) -> Result<Stream, Error> {
        match &self.few {
            Some(few) => Stream::of(conn, few, order, after, &self.held),
            None => Ok(Stream::walk(order, after)),
        }
    }

    /// Whether a row of the stream holds the query too.
    pub(super) fn holds(&self, asked: Asked<'_>, id: ConversationId) -> Result<bool, Error> {
        self.plan.as_ref().map_or(Ok(true), |plan| plan.holds(asked, id))
    }

    fn chosen(&self, asked: Asked<'_>, request: &ListRequest, end: Instant) -> Result<Chosen, Error> {
        let limit = request.limit as usize;
        let order = Order::new(request.sort, request.direction);
        let mut stream = self.stream(asked.conn, order, request.after.map(|next| next.position))?;
        let (mut places, mut at, mut seen): (Vec<Position>, _, _) = (Vec::new(), None, 0);
        let mut next_look = if self.few.is_some() { usize::MAX } else { IN_VAIN };
        loop {
            let step = stream.step(asked.conn, &self.held)?;
            for row in step.rows {
                // Whatever happens one row is looked at, so that a page without a row goes on as well.
                if at.is_some() && Instant::now() > end {
                    return Ok(Chosen::new(places, at));
                }
                seen += 1;
                if self.holds(asked, row.id)? {
                    if places.len() == limit {
                        let next = places.last().copied();
                        return Ok(Chosen::new(places, next));
                    }
                    places.push(row);
                }
                at = Some(row);
            }
            if step.is_last {
                return Ok(Chosen::new(places, None));
            }
            at = Some(step.end);
            if Instant::now() > end {
                return Ok(Chosen::new(places, at));
            }
            if seen >= next_look
                && let Some(plan) = &self.plan
            {
                next_look = seen * 2;
                if let Some(few) = plan.rarest(asked, Effort::looked_up_in(seen, plan.probe()))? {
                    stream = Stream::of(asked.conn, &few, order, at, &self.held)?;
                    next_look = usize::MAX;
                }
            }
        }
    }

    /// As far as it is known soon.
    fn count_soon(&self, asked: Asked<'_>) -> Result<Count, Error> {
        if self.plan.is_none() && self.few.is_none() {
            let (value, is_all) = rows::count_newest(asked.conn, &self.held)?;
            return Ok(Count { value: value.min(SOON_COUNTED), exact: is_all && value <= SOON_COUNTED });
        }
        self.count(asked, Instant::now() + MOMENT)
    }

    fn count(&self, asked: Asked<'_>, end: Instant) -> Result<Count, Error> {
        if self.plan.is_none() {
            let value = match &self.few {
                Some(few) => rows::count_of(asked.conn, few, &self.held)?,
                None => rows::count(asked.conn, &self.held)?,
            };
            return Ok(Count { value, exact: true });
        }
        let mut stream = self.stream(asked.conn, NEWEST_FIRST, None)?;
        let mut value = 0;
        loop {
            let step = stream.step(asked.conn, &self.held)?;
            for row in step.rows {
                if Instant::now() > end || value == MOST_COUNTED {
                    return Ok(Count { value, exact: false });
                }
                value += u64::from(self.holds(asked, row.id)?);
            }
            if step.is_last {
                return Ok(Count { value, exact: true });
            }
        }
    }
}

#[cfg(test)]
mod tests;
