//! What a person may do to the store: rate, tag, note and star conversations, cut and join sessions, keep searches.
//!
//! An [`Annotator`] is the one connection through which programs that only read else write. Its authorizer (`law`) allows
//! rows to be added to the human tables and two of their columns to be set; what is kept beside them follows by triggers.
//! Every call is one immediate transaction at `synchronous=FULL`: what was checked still holds when it is written, and what
//! was answered is on the disk. Setting what is set already writes nothing.

mod cut;
mod law;
mod mark;
mod stop;
mod tag;
mod view;

#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::path::PathBuf;
use std::thread;
use std::time::Instant;

use queue::DataDir;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::courtesy::{self, Courtesy};
use crate::error::{Context, Error};
use crate::human::{Name, Remark, Said, Stamp, Tag, Unfit, put};
use crate::ids::ConversationId;
use crate::lost;
use crate::migrate;
use crate::open::{self, DbLock};
use crate::veil::{Shown, Veil};
use crate::write::{own_origin, random};

pub use cut::{Merge, Moved, Split};
pub use mark::{Change, Expected, Marked, MarkedMany, TagChange};
pub use stop::Stop;
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
    /// A tag that is in use nowhere and is not fit to be.
    #[error("The tag {:?} cannot be set: a new one {}.", .0.as_str(), .1)]
    Unfit(Tag, Unfit),
    /// With these, the conversation would have too many tags.
    #[error("Conversation {} would have more than {} tags.", .0.0, Tag::MOST)]
    TooManyTags(ConversationId),
    /// A saved view of this name is there.
    #[error("There is a saved view of the name {:?} already.", .0.as_str())]
    NameTaken(Name),
    /// Who wrote this field saw the secrets in it as marks, and what he made of them cannot be taken back.
    #[error("`{field}`: {problem}.")]
    Masked {
        /// Which.
        field: &'static str,
        /// What is wrong, and what would be right.
        problem: String,
    },
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
    stop: Stop,
    courtesy: Courtesy,
    veil: Veil,
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
        let (courtesy, stop) = (Courtesy::new(dir), Stop::default());
        Ok(Self { conn, origin, path, dir: dir.clone(), file, stop, courtesy, veil: Veil::default(), _lock: lock })
    }

    /// One of somebody who sees what there is through a veil: what he is told goes through it, and what he sends back of what he
    /// saw is taken as it was before.
    pub fn veiled(self, veil: Veil) -> Self {
        Self { veil, ..self }
    }

    /// Whether the open file is still the one at its path. What is written to another one is lost.
    pub fn is_current(&self) -> bool {
        open::identity(&self.path) == Some(self.file)
    }

    /// Lets `stop` end every change from now on: it gives [`Error::Interrupted`] then, and nothing was changed.
    ///
    /// # Errors
    /// The engine's.
    pub fn heed(&mut self, stop: &Stop) -> Result<(), Error> {
        let asked = stop.clone();
        self.conn.progress_handler(1000, Some(move || asked.is_over())).op("let changes be stopped")?;
        self.stop = stop.clone();
        Ok(())
    }

    /// One transaction, which is taken back if something is refused or fails.
    fn act<T: Shown>(&mut self, now_ms: i64, work: impl FnOnce(&Act<'_>) -> Outcome<T>) -> Outcome<T> {
        let tx = self.begin().map_err(|error| error.held(&self.dir))?;
        migrate::expect(&tx)?;
        let (origin, stop, veil) = (&*self.origin, &self.stop, &self.veil);
        let act = Act { conn: &tx, origin, now_ms, stop, veil, last_id: Cell::default() };
        let mut done = work(&act)?;
        if let Ok(done) = &mut done {
            put::tell(&tx)?;
            tx.commit().op("commit")?;
            done.hide(&self.veil);
        }
        Ok(done)
    }

    /// Waits for the write lock as long as any writer does, and a stop is heeded in between. It looks often whether the lock is
    /// free, where the engine's own way of waiting looks ever more rarely, and an ingester hears that somebody waits.
    fn begin(&self) -> Result<Transaction<'_>, Error> {
        let (end, _waits) = (Instant::now() + open::BUSY_TIMEOUT, self.courtesy.wait());
        loop {
            self.stop.check()?;
            match Transaction::new_unchecked(&self.conn, TransactionBehavior::Immediate).op("begin") {
                Err(Error::Busy { .. }) if Instant::now() < end => thread::sleep(courtesy::LOOK),
                begun => return begun,
            }
        }
    }
}

/// A transaction under way.
struct Act<'a> {
    conn: &'a Connection,
    origin: &'a str,
    now_ms: i64,
    stop: &'a Stop,
    veil: &'a Veil,
    /// Of the row before.
    last_id: Cell<Option<u128>>,
}

impl Act<'_> {
    /// What was sent back through the veil by who saw `seen`, with the secrets in the places of their marks: `parse` holds it
    /// against what the field may hold.
    fn lifted<T>(
        &self,
        field: &'static str,
        said: &str,
        seen: &[&str],
        parse: impl FnOnce(&str) -> Result<T, Unfit>,
    ) -> Result<T, Refused> {
        let masked = |problem: String| Refused::Masked { field, problem };
        let whole = self.veil.lifted(said, seen).map_err(|unplaced| masked(unplaced.to_string()))?;
        parse(&whole).map_err(|unfit| masked(format!("with the secrets in the places of its marks it {unfit}")))
    }

    /// The stamp of a new row. The ids of a transaction follow each other, from a random one on: so those of many rows fill the
    /// pages of their index one after the other, and what is said at one moment stands in the order in which it was said.
    fn stamp(&self, created_ms: i64) -> Result<Stamp, Error> {
        let id = match self.last_id.get() {
            Some(before) => before.wrapping_add(1),
            None => random()?,
        };
        self.last_id.set(Some(id));
        Ok(Stamp { id: format!("{id:032x}"), origin: self.origin.to_owned(), created_ms })
    }

    /// Adds a row of a conversation's history.
    fn say(&self, id: ConversationId, created_ms: i64, said: Said) -> Result<(), Error> {
        self.stop.check()?;
        put::remark(self.conn, id, &Remark { stamp: self.stamp(created_ms)?, said }).map(drop)
    }
}
