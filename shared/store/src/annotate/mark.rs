//! Ratings, tags, notes and stars of conversations.

use std::collections::BTreeSet;

use rusqlite::Connection;

use super::{Act, Annotator, Outcome, Refused};
use crate::human::{Marks, Note, Rating, Remark, Said, Tag, folded, get};
use crate::ids::ConversationId;
use crate::read;
use crate::veil::{Shown, Veil};

/// What shall be different. What is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// A rating; `Some(None)` takes it back.
    pub rating: Option<Option<Rating>>,
    /// Its tags.
    pub tags: Option<TagChange>,
    /// Its note, in place of all that there are; `Some(None)` takes them back.
    pub notes: Option<Option<Note>>,
    /// Whether it is starred.
    pub starred: Option<bool>,
}

/// What becomes of the tags of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TagChange {
    /// These and no others.
    Set(Vec<Tag>),
    /// These are added and taken off; others stay.
    Edit {
        /// Added.
        add: Vec<Tag>,
        /// Taken off.
        remove: Vec<Tag>,
    },
}

impl Change {
    /// Takes everything back.
    pub fn nothing() -> Self {
        Self { rating: Some(None), tags: Some(TagChange::Set(Vec::new())), notes: Some(None), starred: Some(false) }
    }
}

/// What the caller thinks that there is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Expected {
    /// Anything.
    #[default]
    Any,
    /// A state of one of these versions ([`Marks::version`]).
    Version(Vec<String>),
    /// Nothing that anybody said.
    Nothing,
}

/// The state after a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marked {
    /// The conversation that answers for the id that was named.
    pub id: ConversationId,
    /// What is said of it now.
    pub marks: Marks,
    /// What was said of it before: what takes the change back.
    pub before: Marks,
    /// Whether that was not so before.
    pub changed: bool,
}

/// What became of many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarkedMany {
    /// Conversations that were named, each once.
    pub matched: u64,
    /// Those that were different before.
    pub changed: u64,
}

impl Annotator {
    /// The most conversations that [`mark_many`](Self::mark_many) takes.
    pub const MOST: usize = 10_000;
    /// The most that it may have to write: conversations times ratings, stars, notes and tags that are set or taken off.
    pub const MOST_ROWS: usize = 100_000;
    /// The most bytes of notes that it may have to write.
    pub const MOST_BYTES: usize = 4 * 1024 * 1024;

    /// Changes what is said of a conversation. It must have an id, if need be one that is not shown at present: what is said is
    /// kept for when it is. An alias is its survivor.
    ///
    /// # Errors
    /// The engine's. Refused: [`Refused::NoConversation`], [`Refused::Stale`], [`Refused::TooManyTags`], and
    /// [`Refused::Senseless`] if a tag is both added and taken off.
    pub fn mark(&mut self, id: ConversationId, change: &Change, expected: &Expected, now_ms: i64) -> Outcome<Marked> {
        self.act(now_ms, |act| {
            if let Some(refused) = contradiction(change) {
                return Ok(Err(refused));
            }
            match spelled(act.conn, change)? {
                Ok(change) => act.mark(id, &change, expected),
                Err(refused) => Ok(Err(refused)),
            }
        })
    }

    /// The same change for many conversations, or for none of them.
    ///
    /// # Errors
    /// As [`mark`](Self::mark). Refused also: [`Refused::Senseless`] if it is more than [`MOST`](Self::MOST),
    /// [`MOST_ROWS`](Self::MOST_ROWS) or [`MOST_BYTES`](Self::MOST_BYTES).
    pub fn mark_many(&mut self, ids: &[ConversationId], change: &Change, now_ms: i64) -> Outcome<MarkedMany> {
        if let Some(refused) = too_much(ids.len(), change) {
            return Ok(Err(refused));
        }
        self.act(now_ms, |act| {
            if let Some(refused) = contradiction(change) {
                return Ok(Err(refused));
            }
            let change = match spelled(act.conn, change)? {
                Ok(change) => change,
                Err(refused) => return Ok(Err(refused)),
            };
            let (mut done, mut changed) = (BTreeSet::new(), 0);
            for &id in ids {
                match act.mark(id, &change, &Expected::Any)? {
                    Err(refused) => return Ok(Err(refused)),
                    Ok(marked) if done.insert(marked.id) => changed += u64::from(marked.changed),
                    Ok(_) => {} // another id of the same: nothing was left to change
                }
            }
            Ok(Ok(MarkedMany { matched: done.len() as u64, changed }))
        })
    }
}

impl Act<'_> {
    /// One change, whose tags are spelled as they are here.
    fn mark(&self, id: ConversationId, change: &Change, expected: &Expected) -> Outcome<Marked> {
        self.stop.check()?;
        if !read::is_known(self.conn, id)? {
            return Ok(Err(Refused::NoConversation(id)));
        }
        let id = read::survivor(self.conn, id)?;
        let history = get::history(self.conn, id)?;
        let mut before = Marks::of(&history);
        // The version of what the caller has seen.
        let mut seen = before.clone();
        seen.hide(self.veil);
        let fits = match expected {
            Expected::Any => true,
            Expected::Version(known) => known.contains(&seen.version(id)),
            Expected::Nothing => before == Marks::default(),
        };
        if !fits {
            return Ok(Err(Refused::Stale { version: seen.version(id) }));
        }
        let change = &match self.unmasked(change, &before, &history)? {
            Ok(change) => change,
            Err(refused) => return Ok(Err(refused)),
        };
        // What is said later counts, whatever the clock says.
        let newest = history.iter().map(|(_, remark)| remark.stamp.created_ms).max();
        let at = newest.map_or(self.now_ms, |newest| self.now_ms.max(newest.saturating_add(1)));
        let mut marks = before.clone();
        if let Some(rating) = change.rating.filter(|rating| *rating != before.rating) {
            self.say(id, at, Said::Rating(rating))?;
            marks.rating = rating;
        }
        if let Some(starred) = change.starred.filter(|starred| *starred != before.starred) {
            self.say(id, at, Said::Star(starred))?;
            marks.starred = starred;
        }
        if let Some(tags) = &change.tags {
            let (add, remove) = difference(&before.tags, tags);
            for (tags, present) in [(&remove, false), (&add, true)] {
                for tag in tags {
                    self.say(id, at, Said::Tag { tag: tag.clone(), present })?;
                }
            }
            marks.tags.retain(|tag| !remove.contains(tag));
            marks.tags.extend(add);
            marks.tags.sort();
            if marks.tags.len() > Tag::MOST && marks.tags.len() > before.tags.len() {
                return Ok(Err(Refused::TooManyTags(id)));
            }
        }
        if let Some(note) = &change.notes {
            let note = note.as_ref().map(|note| note.as_str().to_owned());
            if note != before.note() {
                // The note stands in place of those of other ids, too: what is read is what was written.
                let mut theirs = BTreeSet::new();
                for (of, remark) in &history {
                    match &remark.said {
                        Said::Note(Some(_)) => theirs.insert(*of),
                        Said::Note(None) => theirs.remove(of),
                        _ => false,
                    };
                }
                for of in theirs.into_iter().filter(|of| *of != id || note.is_none()) {
                    self.say(of, at, Said::Note(None))?;
                }
                if note.is_some() {
                    self.say(id, at, Said::Note(note.clone()))?;
                }
                marks.notes = note.into_iter().collect();
            }
        }
        let changed = marks != before;
        for shown in [&mut marks, &mut before] {
            read::show_tags(self.conn, shown)?;
        }
        Ok(Ok(Marked { id, changed, marks, before }))
    }

    /// The change with the secrets that its caller saw as marks: those of the note that there is, or of an earlier one that is
    /// sent back as a whole; and whole tags.
    fn unmasked(&self, change: &Change, before: &Marks, history: &[(ConversationId, Remark)]) -> Outcome<Change> {
        let mut change = change.clone();
        if !self.veil.is_drawn() {
            return Ok(Ok(change));
        }
        if let Some(Some(note)) = &mut change.notes {
            let now = before.note().unwrap_or_default();
            let earlier = history.iter().rev().filter_map(|(_, remark)| match &remark.said {
                Said::Note(note) => note.as_deref(),
                _ => None,
            });
            let seen: Vec<&str> = [now.as_str()].into_iter().chain(earlier).collect();
            match self.lifted("notes", note.as_str(), &seen, Note::parse) {
                Ok(Some(whole)) => *note = whole,
                Ok(None) => {}
                Err(refused) => return Ok(Err(refused)),
            }
        }
        let lists = match &mut change.tags {
            Some(TagChange::Set(tags)) => vec![tags],
            Some(TagChange::Edit { add, remove }) => {
                // One that it has need not be added.
                add.retain(|tag| !before.tags.iter().any(|had| *self.veil.over(had) == *tag.as_str()));
                vec![add, remove]
            }
            None => Vec::new(),
        };
        for tags in lists {
            if let Err(refused) = self.unmask_tags(tags, &before.tags, history)? {
                return Ok(Err(refused));
            }
        }
        Ok(Ok(change))
    }

    /// Tags of which only the mark was seen: those that the conversation has, else those that it had, as an undo means them, else
    /// those that others have. Of several that look the same all are meant, or nobody can tell which.
    fn unmask_tags(&self, tags: &mut Vec<Tag>, has: &[String], history: &[(ConversationId, Remark)]) -> Outcome<()> {
        let is_mark = |tag: &&Tag| tag.as_str().contains(Veil::MARK);
        let marks: BTreeSet<String> = tags.iter().filter(is_mark).map(|tag| tag.as_str().to_owned()).collect();
        for shown in marks {
            let looks_so = |tag: &&String| self.veil.over(tag) == shown;
            let mut whole: BTreeSet<String> = has.iter().filter(looks_so).cloned().collect();
            if whole.is_empty() {
                let had = history.iter().filter_map(|(_, remark)| match &remark.said {
                    Said::Tag { tag, .. } => Some(tag),
                    _ => None,
                });
                whole.extend(had.filter(looks_so).cloned());
            }
            if whole.is_empty() {
                whole.extend(read::tags_shown_as(self.conn, self.veil, &shown)?);
            }
            let meant = tags.iter().filter(|tag| tag.as_str() == shown).count();
            if meant < whole.len() {
                let problem = format!("{} tags are shown as {shown}: name all of them, or none", whole.len());
                return Ok(Err(Refused::Masked { field: "tags", problem }));
            }
            if !whole.is_empty() {
                tags.retain(|tag| tag.as_str() != shown);
                tags.extend(whole.into_iter().map(Tag::kept));
            }
        }
        Ok(Ok(()))
    }
}

/// What is to be added and what to be taken off.
fn difference(before: &[String], change: &TagChange) -> (Vec<String>, Vec<String>) {
    let fold = |tags: &[Tag]| tags.iter().map(|tag| folded(tag.as_str())).collect::<BTreeSet<_>>();
    let (wanted, remove): (&[Tag], Vec<String>) = match change {
        TagChange::Set(tags) => {
            let kept = fold(tags);
            (tags, before.iter().filter(|tag| !kept.contains(&folded(tag))).cloned().collect())
        }
        TagChange::Edit { add, remove } => {
            let removed = fold(remove);
            (add, before.iter().filter(|tag| removed.contains(&folded(tag))).cloned().collect())
        }
    };
    let mut there: BTreeSet<_> = before.iter().map(|tag| folded(tag)).collect();
    let add =
        wanted.iter().filter(|tag| there.insert(folded(tag.as_str()))).map(|tag| tag.as_str().to_owned()).collect();
    (add, remove)
}

/// Why a change of so many would keep everybody else from writing for too long.
fn too_much(ids: usize, change: &Change) -> Option<Refused> {
    let tags = match &change.tags {
        Some(TagChange::Set(tags)) => tags.len() + Tag::MOST, // those that it has are taken off
        Some(TagChange::Edit { add, remove }) => add.len() + remove.len(),
        None => 0,
    };
    let each = tags
        + [change.rating.is_some(), change.starred.is_some(), change.notes.is_some()]
            .map(usize::from)
            .iter()
            .sum::<usize>();
    let bytes = change.notes.iter().flatten().map(|note| note.as_str().len()).sum::<usize>();
    let (most, rows, kib) = (Annotator::MOST, Annotator::MOST_ROWS, Annotator::MOST_BYTES / 1024);
    let why = if ids > most {
        format!("At most {most} conversations can be changed at once, and these are {ids}: ask for fewer.")
    } else if ids.saturating_mul(each) > rows {
        format!(
            "At most {rows} things can be said at once, and {each} of each of {ids} conversations are more: ask for \
             fewer conversations, or for fewer tags."
        )
    } else if ids.saturating_mul(bytes) > Annotator::MOST_BYTES {
        format!(
            "At most {kib} KiB of notes can be written at once, and {bytes} bytes for each of {ids} conversations are \
             more: ask for fewer conversations, or for a shorter note."
        )
    } else {
        return None;
    };
    Some(Refused::Senseless(why))
}

/// Why a change cannot be meant: a tag that is added and taken off would come and go each time that it is sent.
fn contradiction(change: &Change) -> Option<Refused> {
    let Some(TagChange::Edit { add, remove }) = &change.tags else { return None };
    let removed: BTreeSet<_> = remove.iter().map(|tag| folded(tag.as_str())).collect();
    let both = add.iter().find(|tag| removed.contains(&folded(tag.as_str())))?;
    Some(Refused::Senseless(format!("The tag {both} cannot be both added and taken off.")))
}

/// The change with its new tags spelled as they are in this store: `rust` where there is `Rust` is that. What is in use nowhere
/// must be fit to be new.
fn spelled(conn: &Connection, change: &Change) -> Outcome<Change> {
    let mut change = change.clone();
    if let Some(TagChange::Set(tags) | TagChange::Edit { add: tags, .. }) = &mut change.tags {
        for tag in tags {
            match read::tag_spelling(conn, tag.as_str())? {
                Some(known) => *tag = known,
                None => {
                    if let Err(unfit) = tag.check_new() {
                        return Ok(Err(Refused::Unfit(tag.clone(), unfit)));
                    }
                }
            }
        }
    }
    Ok(Ok(change))
}
