//! What ingest alone may do to the store: ground rows, identity and the derived tables.
//!
//! A [`Writer`] is the connection, a [`Batch`] is one immediate transaction: dropped, it rolls back.

mod asked;
pub(crate) mod checkpoint;
mod derived;
mod events;
mod facets;
mod figures;
mod forget;
mod ground;
mod human;
mod identity;
mod import;
mod index;
mod left_out;
mod mend;
mod merge;
mod origin;
mod packed;
mod parts;
mod pieces;
mod places;
mod quarters;
mod rows;
mod session;
mod sessions;
mod settled;
mod transcripts;
mod turn;
mod typed;

use std::cell::RefCell;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use queue::DataDir;
use queue::broken::{Rule, broken};
use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::courtesy::Courtesy;
use crate::error::{Context, Error};
use crate::human::put;
use crate::migrate;
use crate::open::{self, DbLock};
use crate::sieve::{Guard, Sieve};

use forget::Stones;
use index::Waiting;
use quarters::Touched;

pub use crate::usage::Usage;
pub use asked::{Asked, Settled as SettledRating};
pub use checkpoint::{Log, log_bytes};
pub use derived::{Lineage, Look, Part, Replaced, Settled};
pub(crate) use events::copies;
pub use events::{NewEvent, Stored};
pub use forget::{Bare, INDEXES, Sifted};
pub(crate) use ground::event_key;
pub use ground::{Event, Ground, GroundReader, Role, StoredFile};
pub use left_out::LeftOut;
pub use mend::Version;
pub(crate) use merge::of_other;
pub use merge::{Ids, Merged, Other, Progress, Salvaged, Wreck, remove_abandoned};
pub(crate) use origin::{known as own_origin, random};
pub use packed::PackedFile;
pub use places::WantedPlace;
pub use session::{Counts, Link, LinkKind, Session, Title, TitleFrom};
pub use settled::Derivation;
pub(crate) use settled::mark_all_dirty;
pub(crate) use transcripts::CHUNK;
pub use transcripts::{Known, NewFile, OnDisk, TAIL};
pub use turn::{Block, Parent, ToolCall, Turn};
pub use typed::{HISTORY_SESSION, NewTyped, TypedLine, Wanted};

/// The read-write connection of an ingester.
#[derive(Debug)]
pub struct Writer {
    conn: Connection,
    origin_id: i64,
    origin: String,
    dir: DataDir,
    file: Option<(u64, u64)>,
    courtesy: Courtesy,
    /// As it was when it was last looked at.
    sieve: Mutex<Arc<Sieve>>,
    _lock: DbLock,
}

impl Writer {
    /// Opens the database of `dir`, made if need be.
    ///
    /// # Errors
    /// See [`Error`]; a newer or foreign database is left untouched, and so is an older one that was used:
    /// [`Error::NotMigrated`], for [`crate::upgrade`].
    pub fn open(dir: &DataDir) -> Result<Self, Error> {
        let (mut conn, lock) = open::writer(dir)?;
        // Opening may have put another file in place; from here on the lock keeps everybody of ours from that.
        let file = open::identity(&dir.database());
        let (origin_id, origin) = origin::own(&mut conn)?;
        let courtesy = Courtesy::new(dir);
        let sieve = Mutex::default();
        let mut writer = Self { conn, origin_id, origin, dir: dir.clone(), file, courtesy, sieve, _lock: lock };
        writer.read_ledger()?;
        Ok(writer)
    }

    /// Whether the open file is still the one at its path.
    pub fn is_current(&self) -> bool {
        self.file.is_some() && open::identity(&self.dir.database()) == self.file
    }

    /// The same, before anything is done because of a commit.
    ///
    /// # Errors
    /// [`Error::Storage`]: what was committed is in a file that nobody will look for.
    pub fn check_current(&self) -> Result<(), Error> {
        if self.is_current() {
            return Ok(());
        }
        let detail = format!("{} was moved away or replaced", self.dir.database().display());
        Err(Error::Storage { op: "keep what was committed", detail, full: false })
    }

    /// Where the database lies.
    pub fn data_dir(&self) -> &DataDir {
        &self.dir
    }

    /// The random id of this data directory, 32 hex digits.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Begins a transaction that holds the write lock.
    ///
    /// # Errors
    /// [`Error::Busy`] when another writer holds it for longer than the busy timeout; [`Error::Outdated`] if a newer program has
    /// upgraded the database since it was opened.
    pub fn batch(&mut self) -> Result<Batch<'_>, Error> {
        let behavior = match broken(Rule::BeginImmediate) {
            true => TransactionBehavior::Deferred,
            false => TransactionBehavior::Immediate,
        };
        let begun = self.conn.transaction_with_behavior(behavior).op("begin");
        let tx = begun.map_err(|error| error.held(&self.dir))?;
        migrate::expect(&tx).map_err(|error| match error {
            Error::TooNew { found, known, .. } => Error::Outdated { found, known },
            error => error,
        })?;
        let sieve = sieve_now(&tx, &self.sieve)?;
        Ok(Batch::new(tx, self.origin_id, &self.courtesy, sieve, (&self.origin, &self.dir)))
    }

    /// Has everything that is taken in from now on go past `guard`.
    pub fn guard(&mut self, guard: Arc<dyn Guard>) {
        let sieve = self.sieve.get_mut().unwrap_or_else(PoisonError::into_inner);
        Arc::make_mut(sieve).guard = Some(guard);
    }

    /// The guard, if there is one.
    ///
    /// # Errors
    /// The engine's.
    pub fn guarded(&self) -> Result<Option<Arc<dyn Guard>>, Error> {
        Ok(self.sieve()?.guard.clone())
    }

    /// What may not come in, as it is now.
    ///
    /// # Errors
    /// The engine's.
    pub fn sieve(&self) -> Result<Arc<Sieve>, Error> {
        sieve_now(&self.conn, &self.sieve)
    }
}

/// Another process may have forgotten or ignored something since.
fn sieve_now(conn: &Connection, kept: &Mutex<Arc<Sieve>>) -> Result<Arc<Sieve>, Error> {
    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
    if forget::newest(conn)? != kept.until {
        *kept = Arc::new(forget::load(conn, kept.guard.clone())?);
    }
    if kept.guard.is_some() && left_out::count(conn)? != kept.left_out.len() as i64 {
        Arc::make_mut(&mut kept).left_out = left_out::load(conn)?;
    }
    Ok(kept.clone())
}

/// One transaction.
#[derive(Debug)]
pub struct Batch<'w> {
    tx: Transaction<'w>,
    origin_id: i64,
    waiting: RefCell<Waiting>,
    quarters: RefCell<Touched>,
    courtesy: &'w Courtesy,
    sieve: Arc<Sieve>,
    stones: RefCell<Stones>,
    origin: &'w str,
    dir: &'w DataDir,
    began: Instant,
}

impl<'w> Batch<'w> {
    fn new(
        tx: Transaction<'w>,
        origin_id: i64,
        courtesy: &'w Courtesy,
        sieve: Arc<Sieve>,
        (origin, dir): (&'w str, &'w DataDir),
    ) -> Self {
        let (waiting, quarters, stones) = (RefCell::default(), RefCell::default(), RefCell::default());
        Self { tx, origin_id, waiting, quarters, courtesy, sieve, stones, origin, dir, began: Instant::now() }
    }
}

impl Batch<'_> {
    /// Whether it should be committed before anything more is added: a person waits for the lock, it was held long, or the
    /// indexes of words will write much. Work that can be cut asks at each cut.
    pub fn is_due(&self) -> bool {
        self.waiting.borrow().is_enough() || self.courtesy.ends(self.began)
    }

    /// Makes it durable, and lets those go first who wait to write down what a person says. Only after this returned may a
    /// queue file be moved.
    ///
    /// # Errors
    /// After [`Error::Storage`] the [`Writer`] must be dropped and opened anew: a failed fsync is never tried again.
    pub fn commit(self) -> Result<(), Error> {
        self.count_quarters()?;
        self.index_waiting()?;
        put::tell(&self.tx)?;
        self.write_ledger()?;
        self.tx.commit().op("commit")?;
        self.courtesy.give_way();
        Ok(())
    }

    /// What may not come in.
    pub fn sieve(&self) -> &Arc<Sieve> {
        &self.sieve
    }

    /// Marks a session to be derived again.
    ///
    /// # Errors
    /// The engine's.
    pub fn mark_dirty(&self, session_id: &str) -> Result<(), Error> {
        self.tx
            .prepare_cached(
                "insert into dirty_sessions (session_id, token) values (?1, random())
                 on conflict (session_id) do update set token = excluded.token",
            )
            .op("prepare")?
            .execute([session_id])
            .op("mark a session")?;
        Ok(())
    }
}
