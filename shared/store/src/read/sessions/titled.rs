//! Sessions by words of their titles: what is meant by that, and which sessions the indexes know of.
//!
//! A title is what is shown as one: a person's, else the session's own, else the beginning of its first prompt. Each of
//! the three has an index of words and one of parts of words. They tell where to look; the title itself decides, so that what
//! they take for a hit and is none (a later prompt, a title under one that a person gave) is none.

use std::collections::HashSet;

use rusqlite::{Connection, params};
use unicode_normalization::UnicodeNormalization;

use crate::error::{Context, Error};
use crate::words_cjk::{is_sign, spaced};

/// A word with more hits than this is so common that whoever looks through all titles meets it soon.
const MOST_HITS: i64 = 20_000;
/// So many words are looked for in the indexes, the longest.
const MOST_WORDS: usize = 4;
/// So many signs in a row are what an index of parts knows.
const PART: usize = 3;

/// Words that a title shall hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Words(Vec<String>);

/// What makes no difference: upper and lower case, and accents.
fn plain(text: &str) -> String {
    let is_accent = |c: &char| matches!(c, '\u{300}'..='\u{36f}');
    text.nfd().filter(|c| !is_accent(c)).flat_map(char::to_lowercase).nfc().collect()
}

impl Words {
    pub(super) fn parse(typed: &str) -> Self {
        Self(typed.nfc().collect::<String>().split_whitespace().map(str::to_owned).collect())
    }

    /// Whether a title has all of them: a long one anywhere, one of two letters or of one as the beginning of a word.
    pub(super) fn are_in(&self, title: &str) -> bool {
        let title = plain(title);
        self.0.iter().map(|word| plain(word)).all(|word| {
            title.match_indices(&word).any(|(at, _)| word.chars().count() >= PART || is_beginning(&title, at))
        })
    }

    /// The sessions whose titles may have all of them; `None` if each is so common, or so short, that no index helps.
    pub(super) fn sessions(&self, conn: &Connection) -> Result<Option<HashSet<String>>, Error> {
        let mut words: Vec<&String> = self.0.iter().collect();
        words.sort_by_key(|word| std::cmp::Reverse(word.chars().count()));
        for word in words.into_iter().take(MOST_WORDS) {
            let Some(asked) = asked(word) else { continue };
            if let Some(found) = found(conn, &asked)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}

/// Whether a word begins at `at`; a sign that is none always does.
fn is_beginning(text: &str, at: usize) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let before = text[..at].chars().next_back();
    let first = text[at..].chars().next();
    match (before, first) {
        (Some(before), Some(first)) => !is_word(before) || !is_word(first) || is_sign(before) || is_sign(first),
        _ => true,
    }
}

const GIVEN_PARTS: &str = "
    select h.user_session_id from search_human_parts s cross join human_texts h on h.id = s.rowid
     where s.search_human_parts match ?1 and h.kind = 'title' limit ?2";
const OWN_PARTS: &str = "
    select n.session_id from search_title_parts s cross join titles n on n.id = s.rowid
     where s.search_title_parts match ?1 limit ?2";
const PROMPT_PARTS: &str = "
    select t.session_id from search_parts s cross join turns t on t.id = s.rowid
     where s.search_parts match ?1 limit ?2";
const GIVEN_WORDS: &str = "
    select h.user_session_id from search_human s cross join human_texts h on h.id = s.rowid
     where s.search_human match ?1 and h.kind = 'title' limit ?2";
const OWN_WORDS: &str = "
    select n.session_id from search_titles s cross join titles n on n.id = s.rowid
     where s.search_titles match ?1 limit ?2";
const PROMPT_WORDS: &str = "
    select t.session_id from search s cross join blocks b on b.id = s.rowid cross join turns t on t.id = b.conversation_id
     where s.search match ?1 and b.kind = 'prompt' limit ?2";

/// A word as the three indexes are asked for it.
type Asked = [(&'static str, String); 3];

/// `None` for what no index knows: one letter, and fewer than three signs that are none.
fn asked(word: &str) -> Option<Asked> {
    // What no letter takes up was left out of the indexes too.
    let signs: Vec<char> = word.chars().filter(|c| !matches!(c, '\u{300}'..='\u{36f}')).collect();
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    if signs.len() >= PART {
        let threes: Vec<_> = signs.windows(PART).map(|three| quoted(&String::from_iter(three))).collect();
        let whole = quoted(&String::from_iter(&signs));
        return Some([(GIVEN_PARTS, whole.clone()), (OWN_PARTS, whole), (PROMPT_PARTS, threes.join(" AND "))]);
    }
    let is_known = match signs[..] {
        [one] => is_sign(one),
        _ => signs.iter().all(|c| c.is_alphanumeric() || *c == '_'),
    };
    let whole = format!("{}*", quoted(&spaced(word)));
    is_known.then(|| [(GIVEN_WORDS, whole.clone()), (OWN_WORDS, whole.clone()), (PROMPT_WORDS, whole)])
}

/// The sessions of all hits; `None` if there are many.
fn found(conn: &Connection, asked: &Asked) -> Result<Option<HashSet<String>>, Error> {
    let (mut found, mut left) = (HashSet::new(), MOST_HITS + 1);
    for (sql, expression) in asked {
        let mut query = conn.prepare_cached(sql).op("prepare")?;
        let rows = query.query_map(params![expression, left], |row| row.get(0)).op("search titles")?;
        for row in rows {
            found.insert(row.op("search titles")?);
            left -= 1;
        }
        if left <= 0 {
            return Ok(None);
        }
    }
    Ok(Some(found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_title() {
        let check = |title: &str, words: &str, expected| {
            assert_eq!(Words::parse(words).are_in(title), expected, "{title}: {words}");
        };
        check("Fix the Zürich parser", "PARSER zür", true);
        check("Fix the Zürich parser", "zurich arse", true);
        check("Zurich", "zu\u{308}rich", true);
        check("Fix the parser", "parser lexer", false);
        check("日本語の題", "語の", true);
        check("日本語の題", "題", true);
        check("Fix the parser", "fi th", true);
        check("Prefix of it", "fi", false);
        check("Use C++", "c++ ++", true);
        check("", "x", false);
        check("anything", " ", true);
    }

    /// What the titles say, the indexes know.
    #[test]
    fn no_hit_is_missed() {
        let store = crate::read::seed::Store::new();
        let titles =
            ["Fix the Zürich parser", "zu\u{308}rich", "日本語の題", "say \"yes\" to C++", "việt nam", "load_config"];
        for (n, title) in titles.iter().enumerate() {
            let session = format!("s{n}");
            let add = "insert into sessions (session_id, title) values (?1, ?2)";
            store.conn.execute(add, [&session, *title]).unwrap();
            store.turn(&crate::read::seed::turn(&format!("p{n}"), n as i64, title));
        }
        for typed in [
            "zur",
            "ZÜRICH",
            "zu\u{308}rich",
            "arse",
            "zü",
            "日",
            "本語",
            "本語の",
            "\"yes\"",
            "C++",
            "việt",
            "na",
            "d_c",
            "config",
            "load",
            "lo",
            "題",
        ] {
            let words = Words::parse(typed);
            let found = words.sessions(&store.conn).unwrap().unwrap();
            for (n, title) in titles.iter().enumerate().filter(|(_, title)| words.are_in(title)) {
                for kind in ["s", "p"] {
                    assert!(found.contains(&format!("{kind}{n}")), "{typed} in {title}: {found:?}");
                }
            }
            assert!(titles.iter().any(|title| words.are_in(title)), "{typed}");
        }
        for typed in ["a", "++", "", " "] {
            assert_eq!(Words::parse(typed).sessions(&store.conn).unwrap(), None, "{typed}");
        }
        assert_eq!(Words::parse("nowhere xq").sessions(&store.conn).unwrap(), Some(HashSet::new()));
    }
}
