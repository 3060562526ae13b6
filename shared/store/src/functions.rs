//! What our triggers ask of the program: functions that every connection of ours knows.
//!
//! A database that is written to by anything else, such as the sqlite3 shell, says "no such function" when a person's words
//! would change: better than an index of words that says something else than the texts.

use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;
use rusqlite::types::ValueRef;

use crate::error::{Context, Error};
use crate::human::folded;
use crate::words_cjk::spaced;

/// Adds them.
pub(crate) fn add(conn: &Connection) -> Result<(), Error> {
    // Innocuous: a trigger may use it although nothing else of a schema is trusted.
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_INNOCUOUS;
    conn.create_scalar_function("spaced", 1, flags, |call| Ok(spaced(&call.get::<String>(0)?).into_owned()))
        .and_then(|()| {
            conn.create_scalar_function("folded", 1, flags, |call| {
                call.get_raw(0).as_str().map(folded).map_err(Into::into)
            })
        })
        .op("add a function")
}

/// Adds `are_texts(…)`: whether each of its arguments that is a text is UTF-8.
pub(crate) fn add_are_texts(conn: &Connection) -> Result<(), Error> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    conn.create_scalar_function("are_texts", -1, flags, |call| {
        let is_text = |value| !matches!(value, ValueRef::Text(bytes) if std::str::from_utf8(bytes).is_err());
        Ok((0..call.len()).all(|at| is_text(call.get_raw(at))))
    })
    .op("add a function")
}
