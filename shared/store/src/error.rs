//! What can go wrong in the store, sorted by what the caller does about it.

use std::path::PathBuf;

use queue::DataDir;

use crate::held::{self, Holder};

/// A store operation that failed. The text fits behind "failed to".
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process holds the write lock: try again later.
    #[error("{op}: the database is busy{}", by.as_ref().map(|by| format!(", held by {by}")).unwrap_or_default())]
    Busy {
        /// What was being done.
        op: &'static str,
        /// Who holds it, if that can be found out.
        by: Option<Holder>,
    },
    /// No space, a quota or an I/O error: leave everything in place and try again later.
    #[error("{op}: {detail}")]
    Storage {
        /// What was being done.
        op: &'static str,
        /// The engine's words.
        detail: String,
        /// Whether the device is full.
        full: bool,
    },
    /// The file was written by a newer program.
    #[error(
        "open {path}: the database has schema {found}, this program knows up to {known}; install the newer version of Prompt Manager"
    )]
    TooNew {
        /// The database.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest we know.
        known: i64,
    },
    /// A newer program has upgraded the database under us.
    #[error(
        "write to the database: it was upgraded to schema {found} while this program, which knows up to {known}, had it open; start the newer version"
    )]
    Outdated {
        /// Its schema.
        found: i64,
        /// The newest we know.
        known: i64,
    },
    /// The file is a database of something else.
    #[error(
        "open {path}: not a Prompt Manager database (application id {found:#x}, version {schema}); choose another --home"
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// The application id found.
        found: i64,
        /// The version found.
        schema: i64,
    },
    /// A reader came before any writer.
    #[error("open {path}: there is no database yet; run `prompt-manager once` first")]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// There was a database, as what lies around it tells, and it is missing or holds nothing. None is made in its place.
    #[error(
        "open {path}: the database is gone or empty, but there is an archive, a backup or its log; run `prompt-manager recover`, or `prompt-manager restore BACKUP`"
    )]
    Lost {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The disk keeps no locks: whoever opened it there would damage it.
    #[error(
        "open {path}: it lies on a network or user-space file system ({kind}), which keeps no locks; move the data directory to a \
         local disk"
    )]
    Unfit {
        /// The database.
        path: PathBuf,
        /// What the file system is called.
        kind: &'static str,
    },
    /// Something else is in the database's place. The engine follows no link there, for its log lies beside the file.
    #[error("open {path}: it is {what}, not a file; {step}")]
    NoFile {
        /// The database.
        path: PathBuf,
        /// What it is.
        what: &'static str,
        /// What to do about it.
        step: &'static str,
    },
    /// A reader found an older schema than it needs.
    #[error("open {path}: the database has schema {found} and needs {known}; `prompt-manager once` upgrades it")]
    NotMigrated {
        /// The database.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The one needed.
        known: i64,
    },
    /// A file that was to be taken in cannot be. It is left as it is.
    #[error("{op} {path}: {problem}")]
    Refused {
        /// What it was wanted for.
        op: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not, and what to do.
        problem: String,
    },
    /// The file is damaged. It is never deleted or replaced.
    #[error("{op}: the database is damaged: {detail}; `prompt-manager recover` makes it anew")]
    Corrupt {
        /// What was being done.
        op: &'static str,
        /// The engine's words.
        detail: String,
    },
    /// A query took longer than its limit.
    #[error("{op}: the query took too long")]
    Interrupted {
        /// What was being done.
        op: &'static str,
    },
    /// Something around the database, such as its lock file.
    #[error("{op} {path}: {source}")]
    Io {
        /// What was being done.
        op: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// Anything else the engine said: a bug here.
    #[error("{op}: {detail}")]
    Sql {
        /// What was being done.
        op: &'static str,
        /// The engine's words.
        detail: String,
    },
}

impl Error {
    /// Names the process that writes to the database of `dir`, if this is about that.
    pub(crate) fn held(self, dir: &DataDir) -> Self {
        match self {
            Self::Busy { op, by: None } => Self::Busy { op, by: held::writer(dir) },
            other => other,
        }
    }

    /// Puts before the engine's words what they are about.
    pub(crate) fn within(mut self, place: &str) -> Self {
        if let Self::Storage { detail, .. } | Self::Corrupt { detail, .. } | Self::Sql { detail, .. } = &mut self {
            *detail = format!("{place}: {detail}");
        }
        self
    }
}

/// `.op("what")` on a rusqlite result.
pub(crate) trait Context<T> {
    /// Sorts the engine's error into ours, naming the operation.
    fn op(self, op: &'static str) -> Result<T, Error>;
}

impl<T> Context<T> for Result<T, rusqlite::Error> {
    fn op(self, op: &'static str) -> Result<T, Error> {
        self.map_err(|error| sort(op, &error))
    }
}

fn sort(op: &'static str, error: &rusqlite::Error) -> Error {
    use rusqlite::ErrorCode as Code;
    let detail = match error {
        // Without the statement, which may be long.
        rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
        _ => error.to_string(),
    };
    match error.sqlite_error_code() {
        // FTS5 has no code of its own for it.
        _ if detail.contains("invalid fts5 file format") => Error::Corrupt { op, detail },
        // Our statements name what our schema has; a bit in the schema itself may make another name of one.
        _ if names_nothing(op, error, &detail) => Error::Corrupt { op, detail },
        // Our tables hold what their columns say; a page in another's place may not.
        _ if matches!(
            error,
            rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
                | rusqlite::Error::Utf8Error(..)
        ) =>
        {
            Error::Corrupt { op, detail }
        }
        // The last is a race for the log's locks that was lost for ten seconds.
        Some(Code::DatabaseBusy | Code::DatabaseLocked | Code::FileLockingProtocolFailed) => {
            Error::Busy { op, by: None }
        }
        Some(Code::DiskFull) => Error::Storage { op, detail, full: true },
        Some(
            Code::SystemIoFailure | Code::CannotOpen | Code::ReadOnly | Code::PermissionDenied | Code::OutOfMemory,
        ) => Error::Storage { op, detail, full: false },
        Some(Code::DatabaseCorrupt | Code::NotADatabase) => Error::Corrupt { op, detail },
        Some(Code::OperationInterrupted) => Error::Interrupted { op },
        _ => Error::Sql { op, detail },
    }
}

/// Whether a statement, or a view that it asks, names what the schema does not have. A column only while it is prepared, or as one of
/// a table: the index of words says the same of a word that it is asked for.
fn names_nothing(op: &str, error: &rusqlite::Error, detail: &str) -> bool {
    let is_prepared = op == "prepare" || matches!(error, rusqlite::Error::SqlInputError { .. }) || detail.contains('.');
    let begins = |words: &[&str]| words.iter().any(|it| detail.starts_with(it));
    begins(&["no such table", "no such module", "no such function", "no such collation sequence"])
        || (is_prepared && begins(&["no such column", "ambiguous column name", "wrong number of arguments"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page in the place of another, with all its rows well formed, was an error of ours: the pages answered 500.
    #[test]
    fn a_value_of_another_type_is_damage() {
        let conn = rusqlite::Connection::open_in_memory().unwrap();
        let read = |sql| conn.query_row(sql, [], |row| row.get::<_, String>(0)).op("read a name");
        assert!(matches!(read("select 7"), Err(Error::Corrupt { .. })));
        assert!(matches!(read("select cast(x'ff' as text)"), Err(Error::Corrupt { .. })));
        assert!(matches!(read("select a from"), Err(Error::Sql { .. })));
    }

    /// It was an error of the files that were to be written: a batch of good prompts would have gone to failed.
    #[test]
    fn a_lost_race_for_the_logs_locks_passes() {
        let error = |code| rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
        assert!(matches!(sort("begin", &error(rusqlite::ffi::SQLITE_PROTOCOL)), Error::Busy { .. }));
        assert!(matches!(sort("begin", &error(rusqlite::ffi::SQLITE_CONSTRAINT)), Error::Sql { .. }));
    }

    /// A bit in the schema that made another name of a module was an error of ours too, and would have been one of each queue file.
    #[test]
    fn a_name_that_is_not_in_the_schema_is_damage() {
        let conn = rusqlite::Connection::open_in_memory().unwrap();
        conn.execute_batch("create table t (a text)").unwrap();
        let prepare = |sql| conn.prepare(sql).map(drop).op("prepare");
        for sql in ["select a from b", "select b from t", "insert into b values (1)"] {
            assert!(matches!(prepare(sql), Err(Error::Corrupt { .. })), "{sql}");
        }
        conn.execute_batch(
            "pragma writable_schema = on; insert into sqlite_schema values ('table', 'v', 'v', 0, 'create virtual table v using fxs5(a)')",
        )
        .unwrap();
        conn.execute_batch("pragma writable_schema = reset").unwrap();
        assert!(matches!(prepare("select * from v"), Err(Error::Corrupt { .. })));
        // In a view the engine says no place in the statement.
        conn.execute_batch("create view w as select x.a from t x; pragma writable_schema = on;").unwrap();
        conn.execute("update sqlite_schema set sql = replace(sql, 'x.a', 'x.b') where name = 'w'", []).unwrap();
        conn.execute_batch("pragma writable_schema = reset").unwrap();
        assert!(matches!(prepare("select * from w"), Err(Error::Corrupt { .. })));
    }
}
