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
        .and_then(|()| {
            conn.create_scalar_function("folded", 1, flags, |call| {
                call.get_raw(0).as_str().map(folded).map_err(Into::into)
            })
        })
        .op("add a function")
}
