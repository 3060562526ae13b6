//! Which conversations hold a query: each of its terms is looked for in the indexes of the places where it may stand.
//!
//! An index answers in one of three ways, chosen by how many hits it has. Few hits are collected once, as ids of
//! conversations. More are collected as rows of the index, a tenth of the work, and each conversation that comes into
//! question is asked for its own. Very many are not: the index itself is asked about each conversation, by its rows alone;
//! but those of a beginning are collected, because FTS5 would gather all of them anew each time.
//!
//! Two indexes promise more than they can keep: that of the tools has no places of words, so a phrase is all of its words,
//! and that of parts has none of signs. What they find is looked up in the text before it counts.

mod bits;
mod effort;
mod hits;
pub(super) mod look;
mod plain;
pub(super) mod scratch;

use rusqlite::Connection;

use super::query::{Form, Place, Places, Query, Term};
use super::snippet;
use super::span::LastChunk;
use crate::error::Error;
use crate::ids::ConversationId;
use crate::veil::Veil;
use crate::words_cjk::spaced;
use bits::Bits;
pub(super) use effort::Effort;
use effort::Probe;
use hits::{Index, RowsAre};
pub(super) use hits::{Rows, TITLE};
pub(super) use plain::Lowered;
use plain::Plain;
pub(super) use scratch::united;
use scratch::{Needle, Scratch};
#[cfg(test)]
pub(super) use {effort::STATEMENT as CONVERSATIONS, hits::STATEMENTS};

/// What has more hits than this is worth no less for having still more.
const COMMON: i64 = 10_000;
/// Prefix indexes hold beginnings up to this length, which are looked up like words.
const INDEXED_BEGINNING: usize = 3;
/// So many signs in a row are what an index of parts knows.
const PART: usize = 3;

/// A query, ready to be asked of conversations.
#[derive(Debug)]
pub(super) struct Plan {
    clauses: Vec<Vec<Planned>>,
    places: Places,
    /// More hits of an index were not counted.
    counted: i64,
}

/// A term with where it is looked for.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) negated: bool,
    /// How it is looked for in texts: in prompts, notes, tags and titles also as a part of a word.
    pub(super) needle: Needle,
    /// All words of the term, for the index of the tools.
    pub(super) of_tools: String,
    sources: Vec<Source>,
}

/// A term in an index.
#[derive(Debug)]
struct Source {
    index: Index,
    expression: String,
    /// At most one more than what is worth to be gathered.
    hits: i64,
    access: Access,
    /// A hit may be none.
    doubtful: bool,
}

#[derive(Debug)]
enum Access {
    Conversations(Bits),
    Rows(Bits),
    Probed,
}

/// What is asked of a plan, and of how many conversations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grain {
    /// Whether they hold the query, until a page is full.
    Found,
    /// The same of all of them.
    Counted,
    /// Of all of them how well they answer: it counts whether a term stands in the prompt or in an answer.
    Ranked,
}

/// The tools of a question: the store, a table in memory, and what was unpacked last.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) conn: &'a Connection,
    pub(super) scratch: &'a Scratch,
    pub(super) chunk: &'a LastChunk,
    /// Before texts of which places are shown.
    pub(super) veil: &'a Veil,
}

impl Plan {
    pub(super) fn new(asked: Asked<'_>, query: &Query, grain: Grain, effort: Effort) -> Result<Self, Error> {
        let places = query.places();
        let mut clauses = Vec::new();
        for clause in query.clauses() {
            let mut terms = Vec::new();
            for term in &clause.0 {
                // A term in whose signs the tokenizer sees no word is found nowhere.
                if let Some(planned) = planned(asked, term, places, grain, effort)? {
                    terms.push(planned);
                }
            }
            clauses.push(terms);
        }
        // First what is cheap to ask and leaves little.
        clauses.sort_by_key(|clause| clause.iter().map(Planned::cost).sum::<i64>());
        Ok(Self { clauses, places, counted: effort.hits_to_gather() })
    }

    pub(super) fn places(&self) -> Places {
        self.places
    }

    /// The terms that a hit can be shown for.
    pub(super) fn shown(&self) -> impl Iterator<Item = &Planned> {
        self.clauses.iter().flatten().filter(|term| !term.negated)
    }

    /// The clauses as lists of places in [`Plan::shown`].
    pub(super) fn shown_clauses(&self) -> Vec<Vec<usize>> {
        let mut next = 0;
        let mut of_clause = |clause: &Vec<Planned>| {
            let shown = clause.iter().filter(|term| !term.negated).count();
            next += shown;
            (next - shown..next).collect::<Vec<_>>()
        };
        self.clauses.iter().map(&mut of_clause).filter(|clause| !clause.is_empty()).collect()
    }

    /// What is asked about each conversation anew, if anything is.
    pub(super) fn probe(&self) -> Option<Probe> {
        let sources = self.clauses.iter().flatten().flat_map(|term| &term.sources);
        let asked = |source: &Source| match source.access {
            Access::Conversations(_) => None,
            Access::Rows(_) => Some(Probe::Rows),
            Access::Probed => Some(Probe::Index),
        };
        sources.filter_map(asked).max()
    }

    /// The conversations that hold the rarest clause, doubtful ones too; `None` if every clause has more than `most` hits,
    /// or can be held by what is found nowhere.
    pub(super) fn rarest(&self, asked: Asked<'_>, most: i64) -> Result<Option<Vec<i64>>, Error> {
        let mut best: Option<(i64, &Vec<Planned>)> = None;
        for clause in self.clauses.iter().filter(|clause| !clause.iter().any(|term| term.negated)) {
            let mut hits = 0;
            for source in clause.iter().flat_map(|term| &term.sources) {
                hits += if source.hits > self.counted && most > self.counted {
                    source.index.measure(asked.conn, &source.expression, most + 1)?
                } else {
                    source.hits
                };
            }
            if hits <= most && best.is_none_or(|(least, _)| hits < least) {
                best = Some((hits, clause));
            }
        }
        let Some((_, clause)) = best else { return Ok(None) };
        let mut found = Bits::default();
        for source in clause.iter().flat_map(|term| &term.sources) {
            match &source.access {
                Access::Conversations(ids) => found.add(ids),
                _ => found.add(&source.index.conversations(asked.conn, &source.expression)?),
            }
        }
        Ok(Some(found.iter().collect()))
    }

    /// Whether a conversation holds the query.
    pub(super) fn holds(&self, asked: Asked<'_>, id: ConversationId) -> Result<bool, Error> {
        let mut rows = Rows::of(id);
        for clause in &self.clauses {
            let mut held = false;
            for term in clause {
                if term.is_in(asked, id, &mut rows)? != term.negated {
                    held = true;
                    break;
                }
            }
            if !held {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// How well a conversation answers the query, if it holds it: rare words count more than common ones, what people wrote
    /// more than answers, and these more than what tools took and gave.
    pub(super) fn score(&self, asked: Asked<'_>, id: ConversationId) -> Result<Option<i64>, Error> {
        let mut rows = Rows::of(id);
        let mut score = 0;
        for clause in &self.clauses {
            let mut best = None;
            for term in clause {
                best = best.max(term.score(asked, id, &mut rows)?);
            }
            let Some(best) = best else { return Ok(None) };
            score += best;
        }
        Ok(Some(score))
    }
}

impl Planned {
    fn is_in(&self, asked: Asked<'_>, id: ConversationId, rows: &mut Rows) -> Result<bool, Error> {
        let mut doubtful = false;
        for source in &self.sources {
            if source.has(asked.conn, id, rows)? {
                if !source.doubtful {
                    return Ok(true);
                }
                doubtful = true;
            }
        }
        Ok(doubtful && self.is_confirmed(asked, id, rows)?)
    }

    /// What a conversation has for holding the term. Not to hold what nobody wants is worth nothing, but it holds.
    fn score(&self, asked: Asked<'_>, id: ConversationId, rows: &mut Rows) -> Result<Option<i64>, Error> {
        if self.negated {
            return Ok((!self.is_in(asked, id, rows)?).then_some(0));
        }
        let (mut weight, mut sure, mut doubtful) = (0, false, false);
        for source in &self.sources {
            if source.has(asked.conn, id, rows)? {
                weight += source.index.weight();
                *(if source.doubtful { &mut doubtful } else { &mut sure }) = true;
            }
        }
        if !(sure || doubtful && self.is_confirmed(asked, id, rows)?) {
            return Ok(None);
        }
        let hits = self.sources.iter().map(|source| source.hits).sum::<i64>().clamp(0, COMMON);
        let rare = i64::from((COMMON * 4 / (hits + 1)).ilog2());
        Ok(Some(weight * (1 + rare)))
    }

    /// Looks what doubtful indexes found up in the texts.
    fn is_confirmed(&self, asked: Asked<'_>, id: ConversationId, rows: &mut Rows) -> Result<bool, Error> {
        for source in self.sources.iter().filter(|source| source.doubtful) {
            if !source.has(asked.conn, id, rows)? {
                continue;
            }
            let confirmed = match source.index {
                Index::Tools { place } => snippet::in_tools(asked, id, self, place, rows)?,
                _ => snippet::in_prompt(asked, id, self)?,
            };
            if confirmed {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn cost(&self) -> i64 {
        let costly = |source: &Source| match source.access {
            Access::Conversations(_) => 0,
            Access::Rows(_) => 1,
            Access::Probed => 2,
        };
        self.sources.iter().map(costly).sum()
    }
}

impl Source {
    fn has(&self, conn: &Connection, id: ConversationId, rows: &mut Rows) -> Result<bool, Error> {
        match &self.access {
            Access::Conversations(ids) => Ok(ids.has(id.0)),
            Access::Rows(bits) => self.index.has_row(conn, id, bits),
            Access::Probed => self.index.probe(conn, &self.expression, id, rows),
        }
    }
}

fn planned(
    asked: Asked<'_>,
    term: &Term,
    places: Places,
    grain: Grain,
    effort: Effort,
) -> Result<Option<Planned>, Error> {
    let words = asked.scratch.words(&term.text)?;
    let Some(last) = words.last() else { return Ok(None) };
    let beginning = term.form == Form::Beginning;
    // An index without places of words takes them one by one.
    let of_tools = words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(" AND ")
        + if beginning { "*" } else { "" };
    let part = part(term, &words);
    let needle = needle(term, &words);
    let whole = needle.words.clone();
    let mut planned = Planned { negated: term.negated, needle, of_tools, sources: Vec::new() };
    let (of_tools, long) = (planned.of_tools.clone(), last.chars().count() > INDEXED_BEGINNING);
    let mut look = |index: Index, expression: &str, doubtful: bool| -> Result<(), Error> {
        let gathered = beginning && (long || matches!(index, Index::Tools { .. }));
        planned.sources.push(source(asked.conn, index, expression, doubtful, gathered, effort)?);
        Ok(())
    };
    match (places.has(Place::Prompt), places.has(Place::Answer), grain) {
        (false, false, _) => {}
        (true, true, Grain::Found | Grain::Counted) => look(Index::Said { prompt: None }, &whole, false)?,
        (prompt, answer, _) => {
            if prompt {
                look(Index::Said { prompt: Some(true) }, &whole, false)?;
            }
            if answer {
                look(Index::Said { prompt: Some(false) }, &whole, false)?;
            }
        }
    }
    let place = |first, second| match (places.has(first), places.has(second)) {
        (true, true) => Some(None),
        (true, false) => Some(Some(first)),
        (false, true) => Some(Some(second)),
        (false, false) => None,
    };
    if let Some(place) = place(Place::Note, Place::Tag) {
        look(Index::Human { place }, &whole, false)?;
        if let Some(part) = &part {
            look(Index::HumanParts { place }, &format!("\"{part}\""), false)?;
        }
    }
    if places.has(Place::Title) {
        look(Index::Titles, &whole, false)?;
        look(Index::SessionTitles, &whole, false)?;
        if let Some(part) = &part {
            look(Index::TitleParts, &format!("\"{part}\""), false)?;
            look(Index::SessionTitleParts, &format!("\"{part}\""), false)?;
        }
    }
    if let Some(part) = part.filter(|_| places.has(Place::Prompt)) {
        let signs: Vec<char> = part.chars().collect();
        let threes: Vec<String> =
            signs.windows(PART).map(|three| format!("\"{}\"", String::from_iter(three))).collect();
        look(Index::PromptParts, &threes.join(" AND "), true)?;
    }
    if let Some(place) = place(Place::Input, Place::Output) {
        look(Index::Tools { place }, &of_tools, words.len() > 1)?;
    }
    Ok(Some(planned))
}

/// A term of these words as it is looked for in texts.
pub(super) fn needle(term: &Term, words: &[String]) -> Needle {
    let beginning = term.form == Form::Beginning;
    let star = if beginning { "*" } else { "" };
    let part = part(term, words);
    Needle {
        words: format!("\"{}\"{star}", spaced(&term.text)),
        part: part.as_ref().map(|part| format!("\"{part}\"")),
        plain: Plain::new(words, beginning, part.as_deref()),
    }
}

/// The part of a word that a term may be.
fn part(term: &Term, words: &[String]) -> Option<String> {
    match (words, term.form) {
        ([word], Form::Bare) if word.chars().count() >= PART => Some(word.clone()),
        _ => None,
    }
}

/// Asks an index for its hits, as far as they are few. `gathered`: each time it is asked it would collect all of them.
fn source(
    conn: &Connection,
    index: Index,
    expression: &str,
    doubtful: bool,
    gathered: bool,
    effort: Effort,
) -> Result<Source, Error> {
    let most = effort.hits_to_gather();
    let (hits, access) = match index.rows_are() {
        Some(are) => {
            let rows = index.rows(conn, expression, most + 1)?;
            let hits = rows.count();
            let access = match are {
                _ if hits > most && gathered && are == RowsAre::OfConversations => {
                    Access::Rows(index.rows(conn, expression, i64::MAX)?)
                }
                _ if hits > most => Access::Probed,
                RowsAre::Conversations => Access::Conversations(rows),
                RowsAre::OfConversations if hits > effort.hits_to_place() => Access::Rows(rows),
                RowsAre::OfConversations => Access::Conversations(index.conversations(conn, expression)?),
            };
            (hits, access)
        }
        None => {
            let hits = index.measure(conn, expression, most + 1)?;
            let few = hits <= most || index.is_always_collected();
            let access =
                if few { Access::Conversations(index.conversations(conn, expression)?) } else { Access::Probed };
            (hits, access)
        }
    };
    Ok(Source { index, expression: expression.to_owned(), hits, access, doubtful })
}
