//! What a person may do to the store: rate, tag, note and star conversations, cut and join sessions, keep searches.
//!
//! An [`Annotator`] is the one connection through which programs that only read else write. Its authorizer (`law`) allows
//! rows to be added to the human tables and two of their columns to be set; what is kept beside them follows by triggers.
//! Every call is one immediate transaction at `synchronous=FULL`: what was checked still holds when it is written, and what
//! was answered is on the disk. Setting what is set already writes nothing.

mod cut;
mod law;
mod mark;
mod tag;
mod view;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use queue::DataDir;
use rusqlite::{Connection, TransactionBehavior};

use crate::error::{Context, Error};
use crate::human::{Name, Remark, Said, Stamp, Tag, put};
use crate::ids::ConversationId;
use crate::lost;
use crate::open::{self, DbLock};
use crate::write::{own_origin, random_hex};

pub use cut::{Merge, Moved, Split};
pub use mark::{Change, Expected, Marked, MarkedMany, TagChange};
pub use tag::Renamed;

/// Why something is not done: nothing is wrong with the store, but with what was asked. The text is a whole sentence, for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No such conversation.
    #[error("There is no conversation {}.", .0.0)]
    NoConversation(ConversationId),
    /// No such session.
    #[error("There is no session {0}.")]
    NoSession(String),
    /// No conversation has this tag.
    #[error("No conversation has the tag {0}.")]
    NoTag(Tag),
    /// No such saved view.
    #[error("There is no saved view {0}.")]
    NoView(String),
    /// It is not any more (or not yet) in the state that the caller knows.
    #[error("It was changed since you read it: read it again.")]
    Stale {
        /// The version of the state it is in.
        version: String,
    },
    /// With these, the conversation would have too many tags.
    #[error("Conversation {} would have more than {} tags.", .0.0, Tag::MOST)]
    TooManyTags(ConversationId),
    /// A saved view of this name is there.
    #[error("There is a saved view of the name {:?} already.", .0.as_str())]
    NameTaken(Name),
    /// It cannot be done to what there is.
    #[error("{0}")]
    Conflict(String),
    /// It could never be done.
    #[error("{0}")]
    Senseless(String),
}

/// What was done, or why not; an [`Error`] is the store's.
pub type Outcome<T> = Result<Result<T, Refused>, Error>;

/// The connection of a person's words.
#[derive(Debug)]
pub struct Annotator {
    conn: Connection,
    origin: String,
    path: PathBuf,
    dir: DataDir,
    file: (u64, u64),
    _lock: DbLock,
}

impl Annotator {
    /// Opens the database of `dir`, which must exist and have our schema: it is never made or migrated here.
    ///
    /// # Errors
    /// As [`crate::read::Reader::open`].
    pub fn open(dir: &DataDir) -> Result<Self, Error> {
        DbLock::finished(dir)?;
        let path = dir.database();
        // Before it is opened: a file that is replaced in between then counts as another one.
        lost::present(dir)?;
        let file = open::identity(&path).ok_or_else(|| Error::Missing { path: path.clone() })?;
        let (mut conn, lock) = open::annotator(dir)?;
        let missing = || Error::NotMigrated { path: path.clone(), found: 0, known: crate::migrate::SCHEMA };
        let origin = own_origin(&conn)?.ok_or_else(missing)?;
        law::enforce(&mut conn)?;
        Ok(Self { conn, origin, path, dir: dir.clone(), file, _lock: lock })
    }

    /// Whether the open file is still the one at its path. What is written to another one is lost.
    pub fn is_current(&self) -> bool {
        open::identity(&self.path) == Some(self.file)
    }

    /// One transaction, which is taken back if something is refused or fails.
    fn act<T>(&mut self, now_ms: i64, work: impl FnOnce(&Act<'_>) -> Outcome<T>) -> Outcome<T> {
        let dir = &self.dir;
        let begun = self.conn.transaction_with_behavior(TransactionBehavior::Immediate).op("begin");
        let tx = begun.map_err(|error| error.held(dir))?;
        let done = work(&Act { conn: &tx, origin: &self.origin, now_ms })?;
        if done.is_ok() {
            tx.commit().op("commit")?;
        }
        Ok(done)
    }
}

/// A transaction under way.
struct Act<'a> {
    conn: &'a Connection,
    origin: &'a str,
    now_ms: i64,
}

impl Act<'_> {
    /// The stamp of a new row.
    fn stamp(&self, created_ms: i64) -> Result<Stamp, Error> {
        Ok(Stamp { id: random_hex()?, origin: self.origin.to_owned(), created_ms })
    }

    /// Adds a row of a conversation's history.
    fn say(&self, id: ConversationId, created_ms: i64, said: Said) -> Result<(), Error> {
        put::remark(self.conn, id, &Remark { stamp: self.stamp(created_ms)?, said }).map(drop)
    }
}
