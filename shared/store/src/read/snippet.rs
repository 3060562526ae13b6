//! Shows where a conversation holds a query: some thirty words around a match, cut for the page that is shown and no more.
//!
//! Texts are read until every clause of the query is shown, the short ones at hand first: those in the ground have to be
//! unpacked.

use std::ops::Range;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::conversation::span;
use super::query::Place;
use super::search::scratch::{Needle, clean};
use super::search::{Asked, Plan, Planned, Rows, TITLE};
use super::searched::searched;
use super::span::Spans;
use super::turn::Turn;
use crate::error::{Context, Error};
use crate::ids::{ConversationId, Span};

/// More matches of a conversation are not shown.
const MOST_MATCHES: usize = 3;
/// Words before the match, words in all, and bytes in all where words are long.
const BEFORE: usize = 8;
const WORDS: usize = 30;
const BYTES: usize = 360;
/// A long text is looked through in pieces of this size.
const PIECE: usize = 64 * 1024;

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

/// A piece of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The text.
    pub text: String,
    /// Whether it was looked for.
    pub matched: bool,
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
     order by c.seq, s.rowid limit 64";

/// Whether the prompt holds a term, as a word or as a part of one.
pub(super) fn in_prompt(asked: Asked<'_>, id: ConversationId, term: &Planned) -> Result<bool, Error> {
    let prompt: Option<Option<String>> = asked
        .conn
        .prepare_cached(PROMPT)
        .op("prepare")?
        .query_row([id.0], |row| row.get(0))
        .optional()
        .op("read a prompt")?;
    let Some(prompt) = prompt.flatten() else { return Ok(false) };
    Ok(found(asked, &prompt, std::slice::from_ref(&term.short))?.is_some())
}

/// Whether a text that went into a tool or came out of one holds a term.
pub(super) fn in_tools(
    asked: Asked<'_>,
    id: ConversationId,
    term: &Planned,
    place: Option<Place>,
    rows: &mut Rows,
) -> Result<bool, Error> {
    for hit in tool_hits(asked.conn, id, &term.of_tools, place, rows)? {
        let Some(text) = hit.text(asked.conn)? else { continue };
        if found(asked, &text, std::slice::from_ref(&term.needle))?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The places to show of a conversation.
pub(super) fn matches(asked: Asked<'_>, plan: &Plan, turn: &Turn) -> Result<Vec<Match>, Error> {
    let mut shown = Shown::new(asked, plan);
    let places = plan.places();
    if places.has(Place::Prompt)
        && let Some(prompt) = &turn.prompt_text
    {
        shown.look(prompt, Text::Short, Place::Prompt, None, None)?;
    }
    if places.has(Place::Note) || places.has(Place::Tag) {
        for (kind, text) in human(asked.conn, turn.id)? {
            let place = if kind == "note" { Place::Note } else { Place::Tag };
            if places.has(place) {
                shown.look(&text, Text::Short, place, None, None)?;
            }
        }
    }
    if places.has(Place::Title)
        && !shown.is_done()
        && let Some(title) = title(asked.conn, turn.id)?
    {
        shown.look(&title, Text::Short, Place::Title, None, None)?;
    }
    if places.has(Place::Answer) && !shown.is_done() {
        if let Some(response) = &turn.response_text {
            let block = last_block(asked.conn, turn.id)?;
            shown.look(response, Text::Long, Place::Answer, None, block)?;
        }
        let mut rows = Rows::of(turn.id);
        for (block, span) in shown.answers(turn.id, &mut rows)? {
            if shown.is_done() {
                break;
            }
            if let Some(text) = text_at(asked.conn, span)? {
                shown.look(&text, Text::Long, Place::Answer, None, Some(block))?;
            }
        }
    }
    let tools = match (places.has(Place::Input), places.has(Place::Output)) {
        (true, true) => Some(None),
        (true, false) => Some(Some(Place::Input)),
        (false, true) => Some(Some(Place::Output)),
        (false, false) => None,
    };
    if let Some(place) = tools
        && let Some(expression) = shown.of_tools()
    {
        let mut rows = Rows::of(turn.id);
        for hit in tool_hits(asked.conn, turn.id, &expression, place, &mut rows)? {
            if shown.is_done() {
                break;
            }
            if let Some(text) = hit.text(asked.conn)? {
                shown.look(&text, Text::Long, hit.place, hit.tool_use_id, None)?;
            }
        }
    }
    Ok(shown.matches)
}

/// Whether terms stand in a text also as parts of words.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Text {
    Short,
    Long,
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
        self.matches.len() >= MOST_MATCHES
            || self.clauses.iter().all(|clause| clause.iter().any(|term| self.seen[*term]))
    }

    /// Shows a text if it holds a term that is not shown yet; one match for each place.
    fn look(
        &mut self,
        text: &str,
        kind: Text,
        place: Place,
        tool_use_id: Option<String>,
        block: Option<u32>,
    ) -> Result<(), Error> {
        if self.is_done() || self.matches.iter().any(|known| known.place == place) {
            return Ok(());
        }
        let needles: Vec<Needle> = self
            .terms
            .iter()
            .map(|term| if kind == Text::Short { term.short.clone() } else { term.needle.clone() })
            .collect();
        let Some(found) = found(self.asked, text, &needles)? else { return Ok(()) };
        let mut news = false;
        for (term, places) in found.places.iter().enumerate() {
            news |= !places.is_empty() && !std::mem::replace(&mut self.seen[term], true);
            self.seen[term] &= !places.is_empty() || self.seen[term];
        }
        if news {
            let places = found.places.into_iter().flatten().collect();
            self.matches.push(Match { place, tool_use_id, block, snippet: cut(&found.text, places) });
        }
        Ok(())
    }

    /// The terms that are not shown yet, in the language of an index.
    fn missing(&self, of: impl Fn(&Planned) -> String) -> Option<String> {
        let missing = self.terms.iter().zip(&self.seen).filter(|(_, seen)| !**seen);
        let terms: Vec<_> = missing.map(|(term, _)| format!("({})", of(term))).collect();
        (!terms.is_empty() && !self.is_done()).then(|| terms.join(" OR "))
    }

    fn of_tools(&self) -> Option<String> {
        self.missing(|term| term.of_tools.clone())
    }

    /// The blocks of Claude's that hold what is not shown yet.
    fn answers(&self, id: ConversationId, rows: &mut Rows) -> Result<Vec<(u32, Option<Span>)>, Error> {
        let Some(expression) = self.missing(|term| term.needle.words.clone()) else { return Ok(Vec::new()) };
        let conn = self.asked.conn;
        let (first, last) = rows.blocks(conn)?;
        let mut query = conn.prepare_cached(ANSWERS).op("prepare")?;
        let found = query.query_map(params![expression, first, last, id.0], |row| Ok((row.get(0)?, span(row, 1)?)));
        found.op("search answers")?.collect::<Result<_, _>>().op("search answers")
    }
}

/// Where each needle stands in a text, or in the first piece of a long one that holds any of them.
struct Found {
    text: String,
    places: Vec<Vec<Range<usize>>>,
}

fn found(asked: Asked<'_>, text: &str, needles: &[Needle]) -> Result<Option<Found>, Error> {
    for piece in pieces(text) {
        let text = clean(piece);
        let places = asked.scratch.find(&text, needles)?;
        if places.iter().any(|places| !places.is_empty()) {
            return Ok(Some(Found { text, places }));
        }
    }
    Ok(None)
}

/// A text in pieces that end between words.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut end = rest.len();
        if end > PIECE {
            end = rest.floor_char_boundary(PIECE);
            end = rest[..end].rfind(char::is_whitespace).filter(|at| *at > 0).unwrap_or(end);
        }
        let (piece, after) = rest.split_at(end);
        rest = after;
        Some(piece)
    })
}

/// The text around the densest group of places, in pieces.
fn cut(text: &str, mut places: Vec<Range<usize>>) -> Vec<Piece> {
    places.sort_unstable_by_key(|place| (place.start, std::cmp::Reverse(place.end)));
    let near = |first: &Range<usize>| {
        let end = first.start + BYTES / 2;
        // Only those that may be near: a long text holds a common word thousands of times.
        let from = &places[places.partition_point(|place| place.start < first.start)..];
        from.iter().take_while(|place| place.start <= end).filter(|place| place.end <= end).count()
    };
    // The first of the densest: `max_by_key` would give the last.
    let Some(anchor) = places.iter().rev().max_by_key(|place| near(place)).cloned() else { return Vec::new() };
    let start = words_back(text, anchor.start);
    let end = words_on(text, start).max(text.ceil_char_boundary(anchor.end.min(anchor.start + BYTES)));
    let mut out = Vec::new();
    let mut push = |text: &str, matched: bool| {
        let text = squeezed(text);
        if text.is_empty() {
            return;
        }
        match out.last_mut() {
            Some(Piece { text: last, matched: same }) if *same == matched => last.push_str(&text),
            _ => out.push(Piece { text, matched }),
        }
    };
    if start > 0 {
        push("…", false);
    }
    let mut at = start;
    for place in &places {
        let (from, to) = (place.start.max(at), place.end.min(end));
        if from < to {
            push(&text[at..from], false);
            push(&text[from..to], true);
            at = to;
        }
    }
    push(&text[at..end], false);
    if end < text.len() {
        push("…", false);
    }
    out
}

/// Where the text begins that is shown before `at`.
fn words_back(text: &str, at: usize) -> usize {
    let (mut start, mut words, mut in_word) = (at, 0, false);
    for (place, sign) in text[..at].char_indices().rev() {
        if at - place > BYTES / 3 || words == BEFORE {
            break;
        }
        if sign.is_whitespace() {
            words += usize::from(std::mem::take(&mut in_word));
        } else {
            (start, in_word) = (place, true);
        }
    }
    start
}

/// Where the text ends that begins at `start`.
fn words_on(text: &str, start: usize) -> usize {
    let mut words = 0;
    let mut blank = true;
    for (place, sign) in text[start..].char_indices() {
        if place >= BYTES {
            return start + place;
        }
        if sign.is_whitespace() {
            blank = true;
        } else if std::mem::take(&mut blank) {
            words += 1;
            if words > WORDS {
                return start + place;
            }
        }
    }
    text.len()
}

/// Blanks in a row are one.
fn squeezed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for sign in text.chars() {
        let sign = if sign.is_whitespace() { ' ' } else { sign };
        if sign != ' ' || !out.ends_with(' ') {
            out.push(sign);
        }
    }
    out
}

/// A hit in the index of tools.
struct ToolHit {
    place: Place,
    tool_use_id: Option<String>,
    span: Option<Span>,
}

impl ToolHit {
    fn text(&self, conn: &Connection) -> Result<Option<String>, Error> {
        text_at(conn, self.span)
    }
}

fn tool_hits(
    conn: &Connection,
    id: ConversationId,
    expression: &str,
    place: Option<Place>,
    rows: &mut Rows,
) -> Result<Vec<ToolHit>, Error> {
    let (first, last) = rows.calls(conn)?;
    let side = place.map(|place| i64::from(place == Place::Output));
    let read = |row: &Row<'_>| {
        let place = if row.get(0)? { Place::Output } else { Place::Input };
        Ok(ToolHit { place, tool_use_id: row.get(1)?, span: span(row, 2)? })
    };
    let mut query = conn.prepare_cached(TOOLS).op("prepare")?;
    let hits = query.query_map(params![expression, first, last, id.0, side], read).op("search tools")?;
    hits.collect::<Result<_, _>>().op("search tools")
}

/// The text of a place in the ground.
fn text_at(conn: &Connection, span: Option<Span>) -> Result<Option<String>, Error> {
    let Some(span) = span else { return Ok(None) };
    let spans = Spans::load(conn, [span])?;
    Ok(spans.get(span).map(searched))
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A snippet with its matches between brackets.
    fn told(text: &str, words: &[&str]) -> String {
        let places =
            words.iter().flat_map(|word| text.match_indices(word).map(|(at, word)| at..at + word.len())).collect();
        cut(text, places)
            .into_iter()
            .map(|piece| if piece.matched { format!("[{}]", piece.text) } else { piece.text })
            .collect()
    }

    #[test]
    fn around_the_match() {
        assert_eq!(told("fix the config", &["config"]), "fix the [config]");
        assert_eq!(told("a\n\n  b config\tc", &["config", "b"]), "a [b] [config] c");
        let long = format!("{}match {}", "before ".repeat(100), "after ".repeat(100));
        assert_eq!(told(&long, &["match"]), format!("…{}[match] {}…", "before ".repeat(8), "after ".repeat(21)));
        // Two near each other are shown rather than the first one.
        let text = format!("one {} one two", "x ".repeat(300));
        assert!(told(&text, &["one", "two"]).ends_with("x [one] [two]"));
        let cjk = "日".repeat(500) + "本" + &"日".repeat(500);
        let shown = told(&cjk, &["本"]);
        assert!(shown.contains("日[本]日") && shown.len() < 500, "{shown}");
        assert_eq!(told("", &[]), "");
    }

    #[test]
    fn a_long_text_is_taken_in_pieces_between_words() {
        let text = "word ".repeat(40_000);
        let all: Vec<_> = pieces(&text).collect();
        assert!(all.len() > 2 && all.concat() == text);
        assert!(all.iter().skip(1).all(|piece| piece.starts_with(' ')));
        let solid = "é".repeat(PIECE);
        assert_eq!(pieces(&solid).collect::<String>(), solid);
    }
}
