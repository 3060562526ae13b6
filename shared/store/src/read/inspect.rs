//! Looks at every row, for `doctor`: is all of it there, whole, and does it hang together.
//!
//! What was captured is walked by key in short reads, so that the write-ahead log is not held for long and memory does not
//! grow with the store; only what compares tables as a whole is one read. Nothing is changed and nobody is kept waiting. Reading order: `schema` (the tables themselves),
//! `events` and `transcripts` (the bytes that were captured), `orphans` (rows that hang on nothing), `said` (what people say).

mod events;
mod facets;
mod orphans;
mod said;
mod schema;
mod transcripts;

#[cfg(test)]
mod tests;

use queue::DataDir;
use rusqlite::Connection;

use crate::error::{Context, Error};
use crate::migrate;
use crate::open::{self, DbLock};

pub use events::{Fault, HeldAs, SeenEvent};
pub(crate) use facets::{FACETS, TOOL_USES};
pub(crate) use orphans::COUNTED;
pub use orphans::{Dangling, Group};
pub(crate) use said::TITLES;
pub(crate) use schema::statement;
pub use schema::{Difference, SchemaObject};
pub(crate) use transcripts::each_faulty;
pub use transcripts::{FileVisitor, SeenFile};

/// A read-only connection without a limit on time.
#[derive(Debug)]
pub struct Inspector {
    conn: Connection,
    _lock: Option<DbLock>,
}

impl Inspector {
    /// Opens the database of `dir`, which must exist and have our schema.
    ///
    /// # Errors
    /// As [`Reader::open`](super::Reader::open).
    pub fn open(dir: &DataDir) -> Result<Self, Error> {
        let opened = open::anywhere(dir)?;
        Ok(Self { conn: opened.conn, _lock: opened.lock })
    }

    /// One question: one read transaction, which ends with it.
    fn ask<T>(&self, question: impl FnOnce(&Connection) -> Result<T, Error>) -> Result<T, Error> {
        let tx = self.conn.unchecked_transaction().op("begin to read")?;
        migrate::expect(&tx)?;
        question(&tx)
    }
}

/// The one figure of a question.
fn figure(conn: &Connection, op: &'static str, sql: &str, params: impl rusqlite::Params) -> Result<u64, Error> {
    conn.prepare_cached(sql).op(op)?.query_row(params, |row| row.get::<_, i64>(0)).op(op).map(i64::unsigned_abs)
}

/// The rows of a question, each made by `read`.
fn rows<T>(
    conn: &Connection,
    op: &'static str,
    sql: &str,
    params: impl rusqlite::Params,
    read: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, Error> {
    conn.prepare_cached(sql).op(op)?.query_map(params, read).op(op)?.collect::<Result<_, _>>().op(op)
}
