//! The way from async code to the store: a few readers and one annotator, each used by one blocking thread at a time.
//!
//! They are opened when first needed and again after a failure, so a database that comes, goes or is replaced while the
//! server runs needs no restart.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use queue::DataDir;
use settings::Settings;
use status::Status;
use store::annotate::{Annotator, Outcome};
use store::read::Reader;
use store::read::export::Exporter;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::http::problem::Problem;

/// Questions at the same time: SQLite reads in parallel, but the machine belongs to somebody else's work.
const READERS: usize = 4;
/// Exports at the same time. Each is many short questions beside those of others.
const EXPORTS: usize = 2;
/// How long a question waits for its turn.
const WAIT: Duration = Duration::from_secs(5);

/// The database of a data directory, there or not.
pub(crate) struct Database {
    settings: Arc<Settings>,
    permits: Arc<Semaphore>,
    idle: Arc<Mutex<Vec<Reader>>>,
    /// For the one annotator: who waits for it takes no reader's turn.
    writing: Arc<Semaphore>,
    annotator: Arc<Mutex<Option<Annotator>>>,
    exports: Arc<Semaphore>,
}

/// A connection for one export, which holds its turn.
pub(crate) struct Export {
    store: Exporter,
    _permit: OwnedSemaphorePermit,
}

impl Export {
    /// Does `work` on a thread that may block.
    pub(crate) async fn blocking<T: Send + 'static>(
        mut self,
        work: impl FnOnce(&mut Exporter) -> Result<T, export::Error> + Send + 'static,
    ) -> Result<(Self, T), export::Error> {
        let done = tokio::task::spawn_blocking(move || work(&mut self.store).map(|made| (self, made))).await;
        done.unwrap_or_else(|panicked| {
            Err(export::Error::Io {
                op: "export",
                path: "conversations".into(),
                source: std::io::Error::other(if panicked.is_panic() { "it panicked" } else { "it was given up" }),
            })
        })
    }
}

impl Database {
    /// Opens nothing yet.
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            settings: Arc::new(settings),
            permits: Arc::new(Semaphore::new(READERS)),
            idle: Arc::default(),
            writing: Arc::new(Semaphore::new(1)),
            annotator: Arc::default(),
            exports: Arc::new(Semaphore::new(EXPORTS)),
        }
    }

    /// Whose it is.
    pub(crate) fn home(&self) -> &DataDir {
        &self.settings.home
    }

    /// How it is going, the queue and the disk included; in the same turn as a question, for it opens the store too.
    pub(crate) async fn status(&self) -> Result<Status, Problem> {
        let settings = self.settings.clone();
        blocking(&self.permits, move || Status::gather(&settings, SystemTime::now())).await
    }

    /// Asks the store, on a thread that may block.
    pub(crate) async fn ask<T, E>(
        &self,
        question: impl FnOnce(&mut Reader) -> Result<T, store::Error> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<store::Error> + From<Problem>,
    {
        let (settings, idle) = (self.settings.clone(), self.idle.clone());
        blocking(&self.permits, move || answer(&settings.home, &idle, question)).await?.map_err(E::from)
    }

    /// Writes what a person says, one after the other, with the time that it is.
    pub(crate) async fn annotate<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Annotator, i64) -> Outcome<T> + Send + 'static,
    ) -> Result<T, Problem> {
        let (settings, annotator) = (self.settings.clone(), self.annotator.clone());
        let done = blocking(&self.writing, move || write(&settings.home, &annotator, work)).await?;
        Ok(done??)
    }

    /// A connection of its own for an export, unless too many are under way.
    pub(crate) async fn export(&self) -> Result<Export, Problem> {
        let Ok(permit) = self.exports.clone().try_acquire_owned() else {
            let detail = format!("{EXPORTS} exports are under way, and more are not made at once: come again later.");
            return Err(Problem::unavailable(detail, 10));
        };
        let settings = self.settings.clone();
        let store = blocking(&self.permits, move || Exporter::open(&settings.home)).await??;
        Ok(Export { store, _permit: permit })
    }
}

/// Does `work` in its turn, on a thread that may block.
async fn blocking<T: Send + 'static>(
    turns: &Arc<Semaphore>,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    let turn = timeout(WAIT, turns.clone().acquire_owned()).await;
    let Ok(Ok(permit)) = turn else {
        return Err(Problem::unavailable("Too many questions at once.", 1));
    };
    let done = tokio::task::spawn_blocking(move || {
        let _permit = permit; // until the thread is done, even if nobody waits for it any more
        work()
    });
    done.await.map_err(|_| Problem::internal("ask the store: the question panicked"))
}

fn answer<T>(
    home: &DataDir,
    idle: &Mutex<Vec<Reader>>,
    question: impl FnOnce(&mut Reader) -> Result<T, store::Error>,
) -> Result<T, store::Error> {
    // A poisoned list of readers is still one: they are taken out while they work.
    let reader = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let mut reader = match reader.filter(Reader::is_current) {
        Some(reader) => reader,
        None => Reader::open(home)?,
    };
    let answer = question(&mut reader);
    // After any other error the next question begins with a fresh look at the file.
    if matches!(answer, Ok(_) | Err(store::Error::Busy { .. } | store::Error::Interrupted { .. })) {
        idle.lock().unwrap_or_else(PoisonError::into_inner).push(reader);
    }
    answer
}

fn write<T>(
    home: &DataDir,
    slot: &Mutex<Option<Annotator>>,
    work: impl FnOnce(&mut Annotator, i64) -> Outcome<T>,
) -> Outcome<T> {
    let annotator = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
    let mut annotator = match annotator.filter(Annotator::is_current) {
        Some(annotator) => annotator,
        None => Annotator::open(home)?,
    };
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let done = work(&mut annotator, i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
    if matches!(done, Ok(_) | Err(store::Error::Busy { .. })) {
        *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(annotator);
    }
    done
}
