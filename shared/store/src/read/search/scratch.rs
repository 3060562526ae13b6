//! A table in memory with the very tokenizers of the indexes: which words a text has, and where a term stands in it.
//!
//! The indexes keep no text, so a hit says where to look and not what is there. Taking texts of all scripts apart by rules of
//! our own would sooner or later show something else than what was found; for plain ones [`super::plain`] has rules.

use std::ops::Range;

use rusqlite::Connection;

use super::plain::Plain;
use crate::error::{Context, Error};
use crate::words_cjk::{JOINER, spaced};

/// Signs that stand around a match in what the engine gives back; [`clean`] takes them out of texts.
const OPEN: char = '\u{2}';
const CLOSE: char = '\u{3}';

const TABLES: &str = "
    create virtual table words using fts5 (text, tokenize = \"unicode61 remove_diacritics 2 tokenchars '_'\");
    create virtual table parts using fts5 (text, tokenize = 'trigram remove_diacritics 1');
    create virtual table terms using fts5vocab (words, 'instance');";

const TERMS: &str = "select term from terms order by doc, offset";
const WORDS: &str = "select highlight(words, 0, char(2), char(3)) from words where words match ?1";
const PARTS: &str = "select highlight(parts, 0, char(2), char(3)) from parts where parts match ?1";

/// Takes texts in one at a time and forgets them.
#[derive(Debug)]
pub(in crate::read) struct Scratch {
    conn: Connection,
}

/// A term as it is looked for in texts.
#[derive(Clone, Debug)]
pub(in crate::read) struct Needle {
    /// The right side of MATCH for a table of words.
    pub(in crate::read) words: String,
    /// The same for a table of every three signs in a row, if it may be a part of a word.
    pub(in crate::read) part: Option<String>,
    /// In plain texts; `None` if it stands in none.
    pub(in crate::read) plain: Option<Plain>,
}

impl Scratch {
    pub(in crate::read) fn new() -> Result<Self, Error> {
        let conn = Connection::open_in_memory().op("open a table in memory")?;
        conn.execute_batch(TABLES).op("make a table in memory")?;
        Ok(Self { conn })
    }

    /// The words of a text as the indexes have them.
    pub(in crate::read) fn words(&self, text: &str) -> Result<Vec<String>, Error> {
        let tx = self.conn.unchecked_transaction().op("begin")?;
        put(&tx, "insert into words (text) values (?1)", &spaced(text))?;
        let mut query = tx.prepare_cached(TERMS).op("prepare")?;
        let words = query.query_map([], |row| row.get(0)).op("read words")?;
        words.collect::<Result<_, _>>().op("read words")
    }

    /// Where each needle stands in a [`clean`] text, in bytes of it; with `parts` also as a part of a word.
    pub(in crate::read) fn find(
        &self,
        text: &str,
        needles: &[&Needle],
        parts: bool,
    ) -> Result<Vec<Vec<Range<usize>>>, Error> {
        let tx = self.conn.unchecked_transaction().op("begin")?;
        put(&tx, "insert into words (text) values (?1)", &spaced(text))?;
        let part = |needle: &&Needle| needle.part.clone().filter(|_| parts);
        if needles.iter().any(|needle| part(needle).is_some()) {
            put(&tx, "insert into parts (text) values (?1)", text)?;
        }
        let mut found = Vec::with_capacity(needles.len());
        for needle in needles {
            let mut places = marked(&tx, WORDS, &needle.words)?;
            if let Some(part) = part(needle) {
                places.extend(marked(&tx, PARTS, &part)?);
            }
            found.push(united(places));
        }
        Ok(found)
    }
}

fn put(conn: &Connection, sql: &str, text: &str) -> Result<(), Error> {
    conn.prepare_cached(sql).op("prepare")?.execute([text]).op("take a text apart")?;
    Ok(())
}

/// The places between the marks that the engine sets.
fn marked(conn: &Connection, sql: &str, expression: &str) -> Result<Vec<Range<usize>>, Error> {
    let mut query = conn.prepare_cached(sql).op("prepare")?;
    let mut rows = query.query([expression]).op("look into a text")?;
    let Some(row) = rows.next().op("look into a text")? else { return Ok(Vec::new()) };
    let text: &str = row.get_ref(0).and_then(|text| Ok(text.as_str()?)).op("look into a text")?;
    let (mut places, mut at, mut open) = (Vec::new(), 0, 0);
    for sign in text.chars() {
        match sign {
            OPEN => open = at,
            CLOSE => places.push(open..at),
            JOINER => {}
            sign => at += sign.len_utf8(),
        }
    }
    Ok(places)
}

/// In order, without overlaps.
pub(in crate::read) fn united(mut places: Vec<Range<usize>>) -> Vec<Range<usize>> {
    places.sort_unstable_by_key(|place| (place.start, place.end));
    let mut united: Vec<Range<usize>> = Vec::with_capacity(places.len());
    for place in places {
        match united.last_mut() {
            Some(last) if place.start <= last.end => last.end = last.end.max(place.end),
            _ => united.push(place),
        }
    }
    united
}

/// A text without signs that are not seen: each control character a space, no joiners.
pub(in crate::read) fn clean(text: &str) -> String {
    text.chars()
        .filter(|sign| *sign != JOINER)
        .map(|sign| if sign.is_ascii_control() && sign != '\n' && sign != '\t' { ' ' } else { sign })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        let scratch = Scratch::new().unwrap();
        let check = |text: &str, expected: &[&str]| assert_eq!(scratch.words(text).unwrap(), expected, "{text}");
        check("Fix load-config in NAÏVE __init__", &["fix", "load", "config", "in", "naive", "__init__"]);
        check("日本語", &["日", "本", "語"]);
        check("✅ ?!", &[]);
        check("", &[]);
    }

    /// The places of a needle, between brackets.
    fn check(text: &str, words: &str, part: Option<&str>, expected: &str) {
        let scratch = Scratch::new().unwrap();
        let needle = Needle { words: words.into(), part: part.map(Into::into), plain: None };
        let text = clean(text);
        let mut found = text.clone();
        for place in scratch.find(&text, &[&needle], true).unwrap()[0].iter().rev() {
            found.insert(place.end, ']');
            found.insert(place.start, '[');
        }
        assert_eq!(found, expected);
    }

    #[test]
    fn places() {
        check("fix the Config of café", r#""config""#, None, "fix the [Config] of café");
        check("café, naïve café", r#""cafe""#, None, "[café], naïve [café]");
        check("load config, load-config", r#""load config""#, None, "[load config], [load-config]");
        check("configs and reconfigured", r#""config""#, Some(r#""config""#), "[config]s and re[config]ured");
        check("preconfig config", r#""conf"*"#, None, "preconfig [config]");
        check("a\u{0}b\u{2}c x", r#""x""#, None, "a b c [x]");
        check("修复配置的错误", "\"配\u{2060}置\"", None, "修复[配置]的错误");
        check("nothing", r#""config""#, Some(r#""config""#), "nothing");
    }
}
