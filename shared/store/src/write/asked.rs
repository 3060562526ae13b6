//! Ratings from within a session: which of them wait, and what becomes of one.
//!
//! A `/rate` is said of the session's last listed conversation that began before it. It becomes a row like any other that a
//! person adds, with the time of the command, so that a later word counts and an earlier one does not. The ids of its rows
//! are made of its event's name ([`word`]): where the row is, whatever conversation it is on, it is done, in this store and in
//! every other that takes in the same event.

pub(super) mod word;

use queue::rate::Rating as Wanted;
use rusqlite::{Connection, OptionalExtension, params};

use super::Batch;
use super::ground::{Event, Ground, event_of};
use crate::error::{Context, Error};
use crate::human::{Marks, Note, Rating, Remark, Said, Stamp, Tag, Unfit, get, put, same_tag};
use crate::ids::ConversationId;
use crate::read;

/// A hook that is installed twice tells of one command twice, within this time.
const TWIN_NS: i64 = 2_000_000_000;

/// A rating that waits.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The session in which it was given.
    pub session_id: String,
    /// What the hook stored.
    pub event: Event,
    /// The data directory that captured it.
    origin: String,
}

/// What became of a rating.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It is said of this conversation.
    Said(ConversationId),
    /// It was said before, or is the double of one that was.
    Known,
    /// There is no conversation before it: it waits on, should one be taken in later.
    Nothing,
}

impl Ground<'_> {
    /// The ratings that wait, the oldest first.
    ///
    /// # Errors
    /// As [`Ground::events`].
    pub fn asked_ratings(&self) -> Result<Vec<Asked>, Error> {
        let mut query = self
            .tx
            .prepare_cached(
                "select e.id, o.origin, e.name, e.hash, e.captured_ns, e.event, e.prompt_id, e.size, e.codec, e.payload,
                        e.session_id
                   from asked_ratings a join events e on e.id = a.event_id join origins o on o.id = e.origin_id
                  where a.settled_ms is null order by e.captured_ns, e.id",
            )
            .op("prepare")?;
        let mut rows = query.query([]).op("read ratings that wait")?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().op("read a rating that waits")? {
            let session_id = row.get(10).op("read a rating that waits")?;
            let origin = row.get(1).op("read a rating that waits")?;
            found.push(Asked { session_id, event: event_of(row)?, origin });
        }
        Ok(found)
    }

    /// Whether anything can be done about a rating now: one without a conversation before it need not trouble those who write.
    ///
    /// # Errors
    /// The engine's.
    pub fn may_settle(&self, asked: &Asked) -> Result<bool, Error> {
        Ok(is_said(&self.tx, asked)? || conversation_before(&self.tx, asked)?.is_some())
    }
}

impl Batch<'_> {
    /// A command that changes nothing waits no longer.
    ///
    /// # Errors
    /// The engine's.
    pub fn pass_over_rating(&self, asked: &Asked, now_ms: i64) -> Result<(), Error> {
        self.settle_rating(asked, now_ms)
    }

    /// Says `wanted` of the conversation that it is about, once. Everything before it must be derived.
    ///
    /// # Errors
    /// The engine's.
    pub fn say_rating(&self, asked: &Asked, wanted: &Wanted, now_ms: i64) -> Result<Settled, Error> {
        if is_said(&self.tx, asked)? {
            self.settle_rating(asked, now_ms)?;
            return Ok(Settled::Known);
        }
        let Some(target) = conversation_before(&self.tx, asked)? else { return Ok(Settled::Nothing) };
        let mut said = vec![Said::Rating(wanted.stars.and_then(|stars| Rating::new(stars.into())))];
        if word::was_said(&self.tx, target, asked.at_ms(), &said[0])? {
            self.settle_rating(asked, now_ms)?;
            return Ok(Settled::Known);
        }
        let (tags, left) = self.fit_tags(target, &wanted.tags)?;
        said.extend(tags.into_iter().map(|tag| Said::Tag { tag: tag.as_str().to_owned(), present: true }));
        // What cannot be a tag is not lost: it stands in the note, as it was typed.
        let left = left.iter().map(|tag| format!("#{tag}"));
        let note = std::iter::once(wanted.note.clone()).chain(left).collect::<Vec<_>>().join(" ").replace('\0', "");
        said.extend(Note::parse(note.trim()).ok().flatten().map(|note| Said::Note(Some(note.as_str().to_owned()))));
        for (number, said) in (0..).zip(said) {
            let stamp =
                Stamp { id: word::row_id(asked, number), origin: asked.origin.clone(), created_ms: asked.at_ms() };
            put::remark(&self.tx, target, &Remark { stamp, said })?;
        }
        self.settle_rating(asked, now_ms)?;
        Ok(Settled::Said(target))
    }

    fn settle_rating(&self, asked: &Asked, now_ms: i64) -> Result<(), Error> {
        self.execute("update asked_ratings set settled_ms = ?2 where event_id = ?1", [asked.event.id.0, now_ms])
    }

    /// Tags that may be set, spelled as they are here, and those that may not.
    fn fit_tags(&self, target: ConversationId, wanted: &[String]) -> Result<(Vec<Tag>, Vec<String>), Error> {
        let there = Marks::of(&get::history(&self.tx, target)?).tags.len();
        let (mut fit, mut left) = (Vec::new(), Vec::new());
        for word in wanted {
            let tag = match Tag::parse(word) {
                Ok(tag) => read::tag_spelling(&self.tx, tag.as_str())?
                    .map_or_else(|| tag.check_new().map(|()| tag), Ok::<Tag, Unfit>),
                Err(unfit) => Err(unfit),
            };
            match tag {
                Ok(tag) if fit.iter().any(|known: &Tag| same_tag(known.as_str(), tag.as_str())) => {}
                Ok(tag) if there + fit.len() < Tag::MOST => fit.push(tag),
                Ok(_) | Err(_) => left.push(word.clone()),
            }
        }
        Ok((fit, left))
    }
}

/// Whether it is said already, or the double of one that was.
fn is_said(conn: &Connection, asked: &Asked) -> Result<bool, Error> {
    Ok(word::is_said(conn, asked)? || has_twin(conn, asked)?)
}

/// Whether an earlier event is the same command.
fn has_twin(conn: &Connection, asked: &Asked) -> Result<bool, Error> {
    conn.prepare_cached(
        "select exists (
                 select 1 from events e join events o on o.session_id = e.session_id and o.hash = e.hash
                  where e.id = ?1 and o.id <> e.id and o.captured_ns between e.captured_ns - ?2 and e.captured_ns
                    and (o.captured_ns, o.name, o.id) < (e.captured_ns, e.name, e.id)
                    and exists (select 1 from asked_ratings where event_id = o.id))",
    )
    .op("prepare")?
    .query_row([asked.event.id.0, TWIN_NS], |row| row.get(0))
    .op("look for a rating's double")
}

/// The last listed conversation of the session that began before the command. Where a fork, or a session that goes on from
/// another or was begun by `/clear`, has none of its own yet, the prompt before it is the other's: the last that began before
/// this session did.
fn conversation_before(conn: &Connection, asked: &Asked) -> Result<Option<ConversationId>, Error> {
    let (mut session, mut before_ms) = (asked.session_id.clone(), asked.at_ms());
    for _ in 0..8 {
        let found: Option<i64> = conn
            .prepare_cached(
                "select id from turns indexed by turns_session
                  where session_id = ?1 and timestamp_ms < ?2 and kind in ('human', 'command', 'shell')
                  order by timestamp_ms desc, ordinal desc limit 1",
            )
            .op("prepare")?
            .query_row(params![session, before_ms], |row| row.get(0))
            .optional()
            .op("look for what a rating is about")?;
        if let Some(id) = found {
            return read::survivor(conn, ConversationId(id)).map(Some);
        }
        let other: Option<(String, Option<i64>)> = conn
            .prepare_cached(
                "select other_session_id, (select min(captured_ns) / 1000000 from events where session_id = ?1)
                   from session_links
                  where session_id = ?1 and kind in ('fork-of', 'resumed-from', 'continued-from', 'cleared-from')
                  order by kind desc limit 1",
            )
            .op("prepare")?
            .query_row([&session], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()
            .op("look for the session before")?;
        let Some((other, began_ms)) = other else { break };
        (session, before_ms) = (other, began_ms.map_or(before_ms, |began| began.min(before_ms)));
    }
    Ok(None)
}

impl Asked {
    /// When it was typed.
    pub fn at_ms(&self) -> i64 {
        self.event.captured_ns / 1_000_000
    }
}

#[cfg(test)]
mod tests;
