//! What is typed into a search: a query but for its length, which the engine takes as it is made, and which finds the words that
//! were typed in what was typed.

use std::ops::Range;
use std::thread_local;

use store::read::door::Search;
use store::read::{LONGEST_QUERY, MOST_TERMS, QueryError};

use super::chosen;

pub(super) const WORDS: &[&str] = &[
    " OR ",
    " AND ",
    "NOT ",
    "NEAR(",
    "\"",
    "*",
    "-",
    "--",
    "\u{2060}",
    "\u{3000}",
    "日本語",
    "한국",
    "é",
    "e\u{301}",
    "ß",
    "İ",
    "\0",
    "\u{2}",
    "\u{3}",
    "_",
    "^",
    "text:",
    "' or 1=1 --",
    "load-config",
    "→",
];

/// A text that is not what was typed.
const OTHER: &str = "Fix load_config in café: the 日本語 OR \"quoted\" — v1.2.3, naïve __init__ (x)";

thread_local! {
    static SEARCH: Search = Search::new().unwrap();
}

pub(super) fn check(bytes: &[u8]) {
    let typed = &*String::from_utf8_lossy(bytes);
    let own = Search::clean(typed);
    let text = if chosen(bytes, 4) == 0 { OTHER } else { &own };
    let looked = SEARCH.with(|search| search.look(typed, text));
    let signs = typed.chars().count();
    assert_eq!(looked == Err(QueryError::TooLong), signs > LONGEST_QUERY && !typed.trim().is_empty(), "{signs}");
    let Ok(Some(terms)) = looked else { return };
    assert!(terms.len() <= MOST_TERMS, "{}", terms.len());
    assert!(terms.iter().map(|term| term.text.len()).sum::<usize>() <= typed.len());
    assert!(terms.is_sorted_by_key(|term| term.clause));
    for term in terms {
        assert!(!term.text.contains('"') && !term.text.contains(char::is_control), "{term:?}");
        let Some(found) = &term.found else { continue };
        within(found, text);
        if let Some(plain) = &term.plain {
            assert_eq!(plain, found, "by our own reading, and by the engine's: {:?}", term.text);
        }
        // A joiner parts words where it is typed, and is taken out of texts.
        if text == own && !typed.contains('\u{2060}') {
            assert!(!found.is_empty(), "{:?} is not found where it stands: {typed:?}", term.text);
        }
    }
}

/// In order, apart, and between signs.
fn within(places: &[Range<usize>], text: &str) {
    assert!(places.is_sorted_by(|a, b| a.end < b.start), "{places:?}");
    for place in places {
        assert!(place.start < place.end && text.get(place.clone()).is_some(), "{place:?} of {}", text.len());
    }
}
