//! What our triggers ask of the program: functions that every connection of ours knows.
//!
//! A database that is written to by anything else, such as the sqlite3 shell, says "no such function" when a person's words
//! would change: better than an index of words that says something else than the texts.

use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;

use crate::error::{Context, Error};
use crate::human::folded;
use crate::words_cjk::spaced;

/// Adds them.
pub(crate) fn add(conn: &Connection) -> Result<(), Error> {
    // Innocuous: a trigger may use it although nothing else of a schema is trusted.
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_INNOCUOUS;
    conn.create_scalar_function("spaced", 1, flags, |call| Ok(spaced(&call.get::<String>(0)?).into_owned()))
        .op("add a function")?;
    // Whether a text holds each of these words, upper or lower case.
    conn.create_scalar_function("holds", 2, flags, |call| {
        let (text, words) = (call.get::<Option<String>>(0)?, call.get::<String>(1)?);
        Ok(text.is_some_and(|text| holds(&text, &words)))
    })
    .op("add a function")
}

fn holds(text: &str, words: &str) -> bool {
    let text = folded(text);
    folded(words).split_whitespace().all(|word| text.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_in_any_order_and_case() {
        let check = |text: &str, words: &str, expected| assert_eq!(holds(text, words), expected, "{text}: {words}");
        check("Fix the Zürich parser", "PARSER zür", true);
        check("Fix the parser", "parser lexer", false);
        check("日本語の題", "語の", true);
        check("", "x", false);
        check("anything", " ", true);
    }
}
