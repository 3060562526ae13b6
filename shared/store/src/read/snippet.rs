//! Shows where a conversation holds a query: some thirty words around a match, cut for the page that is shown and no more.
//!
//! Texts are read until every clause of the query is shown, the short ones at hand first: those in the ground have to be
//! unpacked.

mod window;

use std::cmp::Reverse;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::conversation::span;
use super::query::Place;
use super::search::look::{Looked, each_piece, holds};
use super::search::{Asked, Plan, Planned, Rows, TITLE};
use super::searched::searched;
use super::turn::Turn;
use crate::error::{Context, Error};
use crate::ids::{ConversationId, Span};
use crate::veil::Veil;
pub use window::Piece;
use window::{cut, window};

/// More matches of a conversation are not shown.
const MOST_MATCHES: usize = 3;

/// A place where a conversation holds a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// Where.
    pub place: Place,
    /// In a tool call: which.
    pub tool_use_id: Option<String>,
    /// In an answer: the number of its block, from 0.
    pub block: Option<u32>,
    /// The text around it, in pieces that match and pieces that do not.
    pub snippet: Vec<Piece>,
}

const PROMPT: &str = "select prompt_text from turns where id = ?1";

/// What people said, tags last: they are shown with every item.
const HUMAN: &str = "
    select kind, text from human_texts where conversation_id = ?1 order by kind = 'tag', id limit 200";

const LAST_BLOCK: &str = "
    select seq from blocks where conversation_id = ?1 and kind = 'text' order by seq desc limit 1";

const ANSWERS: &str = "
    select b.seq, b.source, b.source_id, b.source_offset, b.source_length
      from search s cross join blocks b on b.id = s.rowid
     where s.search match ?1 and s.rowid between ?2 and ?3 and b.conversation_id = ?4 and b.kind <> 'prompt'
     order by b.seq limit 16";

const TOOLS: &str = "
    select s.rowid & 1, c.tool_use_id,
           iif(s.rowid & 1, c.output_source, c.input_source), iif(s.rowid & 1, c.output_source_id, c.input_source_id),
           iif(s.rowid & 1, c.output_offset, c.input_offset), iif(s.rowid & 1, c.output_length, c.input_length)
      from search_tools s cross join tool_calls c on c.id = s.rowid >> 1
     where s.search_tools match ?1 and s.rowid between ?2 and ?3 and c.conversation_id = ?4
       and (?5 is null or (s.rowid & 1) = ?5)
     order by c.seq, s.rowid";

/// Whether the prompt holds a term, as a word or as a part of one.
pub(super) fn in_prompt(asked: Asked<'_>, id: ConversationId, term: &Planned) -> Result<bool, Error> {
    let mut query = asked.conn.prepare_cached(PROMPT).op("prepare")?;
    let mut rows = query.query([id.0]).op("read a prompt")?;
    let Some(row) = rows.next().op("read a prompt")? else { return Ok(false) };
    let prompt = row.get_ref(0).and_then(|prompt| Ok(prompt.as_str_or_null()?)).op("read a prompt")?;
    prompt.map_or(Ok(false), |prompt| holds(asked.scratch, prompt, &term.needle, true))
}

/// Whether a text that went into a tool or came out of one holds a term.
pub(super) fn in_tools(
    asked: Asked<'_>,
    id: ConversationId,
    term: &Planned,
    place: Option<Place>,
    rows: &mut Rows,
) -> Result<bool, Error> {
    let mut found = false;
    // Found is what stands there, also where that is not shown.
    let bare = Veil::default();
    each_hit(Asked { veil: &bare, ..asked }, id, &term.of_tools, place, rows, |_, text| {
        found = holds(asked.scratch, text, &term.needle, false)?;
        Ok(!found)
    })?;
    Ok(found)
}

/// The places to show of a conversation.
pub(super) fn matches(asked: Asked<'_>, plan: &Plan, turn: &Turn) -> Result<Vec<Match>, Error> {
    let mut shown = Shown::new(asked, plan);
    let places = plan.places();
    let place = |place| Source { place, tool_use_id: None, block: None };
    if places.has(Place::Prompt)
        && let Some(prompt) = &turn.prompt_text
    {
        shown.look(prompt, &place(Place::Prompt))?;
    }
    if places.has(Place::Note) || places.has(Place::Tag) {
        for (kind, text) in human(asked.conn, turn.id)? {
            let kind = if kind == "note" { Place::Note } else { Place::Tag };
            if places.has(kind) {
                shown.look(&text, &place(kind))?;
            }
        }
    }
    if places.has(Place::Title)
        && !shown.is_done()
        && let Some(title) = title(asked.conn, turn.id)?
    {
        shown.look(&title, &place(Place::Title))?;
    }
    if places.has(Place::Answer) && !shown.is_done() {
        if let Some(response) = &turn.response_text {
            let block = last_block(asked.conn, turn.id)?;
            shown.look(response, &Source { block, ..place(Place::Answer) })?;
        }
        let mut rows = Rows::of(turn.id);
        for term in shown.missing_terms() {
            for (block, span) in answers(asked.conn, turn.id, &shown.terms[term].needle.words, &mut rows)? {
                if !shown.is_wanted(term) {
                    break;
                }
                if let Some(text) = text_at(asked, span)? {
                    shown.look(&text, &Source { block: Some(block), ..place(Place::Answer) })?;
                }
            }
        }
    }
    let tools = match (places.has(Place::Input), places.has(Place::Output)) {
        (true, true) => Some(None),
        (true, false) => Some(Some(Place::Input)),
        (false, true) => Some(Some(Place::Output)),
        (false, false) => None,
    };
    if let Some(place) = tools {
        let mut rows = Rows::of(turn.id);
        for term in shown.missing_terms() {
            // A text of one term may have shown the next as well.
            if !shown.is_wanted(term) {
                continue;
            }
            let expression = shown.terms[term].of_tools.clone();
            each_hit(asked, turn.id, &expression, place, &mut rows, |source, text| {
                shown.look(text, source)?;
                Ok(shown.is_wanted(term))
            })?;
        }
    }
    Ok(shown.matches)
}

/// Where a text comes from.
struct Source {
    place: Place,
    tool_use_id: Option<String>,
    block: Option<u32>,
}

/// What is shown already.
struct Shown<'a> {
    asked: Asked<'a>,
    terms: Vec<&'a Planned>,
    clauses: Vec<Vec<usize>>,
    seen: Vec<bool>,
    matches: Vec<Match>,
}

impl<'a> Shown<'a> {
    fn new(asked: Asked<'a>, plan: &'a Plan) -> Self {
        let terms: Vec<_> = plan.shown().collect();
        Self { asked, seen: vec![false; terms.len()], terms, clauses: plan.shown_clauses(), matches: Vec::new() }
    }

    /// Whether each clause is shown, or as much as is shown at all.
    fn is_done(&self) -> bool {
        self.matches.len() >= MOST_MATCHES || self.clauses.iter().all(|clause| self.is_shown(clause))
    }

    fn is_shown(&self, clause: &[usize]) -> bool {
        clause.iter().any(|term| self.seen[*term])
    }

    /// Whether a place of this term would still be shown.
    fn is_wanted(&self, term: usize) -> bool {
        !self.is_done() && self.clauses.iter().any(|clause| clause.contains(&term) && !self.is_shown(clause))
    }

    fn missing_terms(&self) -> Vec<usize> {
        (0..self.terms.len()).filter(|term| self.is_wanted(*term)).collect()
    }

    /// Shows the places of a text where terms stand that are not shown yet.
    fn look(&mut self, text: &str, source: &Source) -> Result<(), Error> {
        if self.is_done() {
            return Ok(());
        }
        // Before it is cut. What was looked for and is hidden now has no place to be shown.
        let text = &*self.asked.veil.over(text);
        let needles: Vec<_> = self.terms.iter().map(|term| &term.needle).collect();
        let parts = !matches!(source.place, Place::Answer | Place::Input | Place::Output);
        each_piece(self.asked.scratch, text, &needles, parts, |looked| {
            self.show(looked, source);
            self.is_done()
        })
    }

    fn show(&mut self, looked: &Looked<'_>, source: &Source) {
        loop {
            let wanted = (0..self.terms.len()).filter(|term| self.is_wanted(*term));
            let wanted: Vec<_> = wanted.flat_map(|term| looked.places[term].iter().cloned()).collect();
            let Some(window) = window(&looked.text, wanted) else { break };
            for (seen, places) in self.seen.iter_mut().zip(&looked.places) {
                *seen |= places.iter().any(|place| window.contains(&place.start));
            }
            let mut places: Vec<_> = looked.places.iter().flatten().cloned().collect();
            places.sort_unstable_by_key(|place| (place.start, Reverse(place.end)));
            self.matches.push(Match {
                place: source.place,
                tool_use_id: source.tool_use_id.clone(),
                block: source.block,
                snippet: cut(&looked.text, &places, window),
            });
        }
    }
}

/// Calls `each` with the texts of a conversation's tool calls that an expression leads to, until it says that it has seen
/// enough.
fn each_hit(
    asked: Asked<'_>,
    id: ConversationId,
    expression: &str,
    place: Option<Place>,
    rows: &mut Rows,
    mut each: impl FnMut(&Source, &str) -> Result<bool, Error>,
) -> Result<(), Error> {
    let (first, last) = rows.calls(asked.conn)?;
    let side = place.map(|place| i64::from(place == Place::Output));
    let mut query = asked.conn.prepare_cached(TOOLS).op("prepare")?;
    let mut hits = query.query(params![expression, first, last, id.0, side]).op("search tools")?;
    while let Some(row) = hits.next().op("search tools")? {
        let hit = |row: &Row<'_>| {
            let place = if row.get(0)? { Place::Output } else { Place::Input };
            Ok((Source { place, tool_use_id: row.get(1)?, block: None }, span(row, 2)?))
        };
        let (source, span) = hit(row).op("search tools")?;
        if let Some(text) = text_at(asked, span)?
            && !each(&source, &text)?
        {
            break;
        }
    }
    Ok(())
}

/// The blocks of Claude's that an expression leads to.
fn answers(
    conn: &Connection,
    id: ConversationId,
    expression: &str,
    rows: &mut Rows,
) -> Result<Vec<(u32, Option<Span>)>, Error> {
    let (first, last) = rows.blocks(conn)?;
    let mut query = conn.prepare_cached(ANSWERS).op("prepare")?;
    let found = query.query_map(params![expression, first, last, id.0], |row| Ok((row.get(0)?, span(row, 1)?)));
    found.op("search answers")?.collect::<Result<_, _>>().op("search answers")
}

/// The text of a place in the ground.
fn text_at(asked: Asked<'_>, span: Option<Span>) -> Result<Option<String>, Error> {
    let Some(span) = span else { return Ok(None) };
    // Of a value that is named by a field: the text to search has no fields.
    Ok(asked.chunk.bytes(asked.conn, span)?.map(|bytes| searched(&asked.veil.value(&bytes))))
}

fn human(conn: &Connection, id: ConversationId) -> Result<Vec<(String, String)>, Error> {
    let mut query = conn.prepare_cached(HUMAN).op("prepare")?;
    let rows = query.query_map([id.0], |row| Ok((row.get(0)?, row.get(1)?))).op("read what people said")?;
    rows.collect::<Result<_, _>>().op("read what people said")
}

fn title(conn: &Connection, id: ConversationId) -> Result<Option<String>, Error> {
    let title: Option<Option<String>> =
        conn.prepare_cached(TITLE).op("prepare")?.query_row([id.0], |row| row.get(0)).optional().op("read a title")?;
    Ok(title.flatten())
}

fn last_block(conn: &Connection, id: ConversationId) -> Result<Option<u32>, Error> {
    conn.prepare_cached(LAST_BLOCK).op("prepare")?.query_row([id.0], |row| row.get(0)).optional().op("read a block")
}

#[cfg(test)]
pub(super) const STATEMENTS: [&str; 5] = [PROMPT, HUMAN, LAST_BLOCK, ANSWERS, TOOLS];
