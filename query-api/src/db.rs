//! The way from async code to the store: a few readers, each used by one blocking thread at a time.
//!
//! They are opened when first needed and again after a failure, so a database that comes, goes or is replaced while the
//! server runs needs no restart.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use queue::DataDir;
use store::read::Reader;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::problem::Problem;

/// Questions at the same time: SQLite reads in parallel, but the machine belongs to somebody else's work.
const READERS: usize = 4;
/// How long a question waits for its turn.
const WAIT: Duration = Duration::from_secs(5);

/// The database of a data directory, there or not.
pub(crate) struct Database {
    home: DataDir,
    permits: Arc<Semaphore>,
    idle: Arc<Mutex<Vec<Reader>>>,
}

impl Database {
    /// Opens nothing yet.
    pub(crate) fn new(home: DataDir) -> Self {
        Self { home, permits: Arc::new(Semaphore::new(READERS)), idle: Arc::default() }
    }

    /// The data directory.
    pub(crate) fn home(&self) -> &DataDir {
        &self.home
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
        let turn = timeout(WAIT, self.permits.clone().acquire_owned()).await;
        let Ok(Ok(permit)) = turn else {
            return Err(Problem::unavailable("Too many questions at once.", 1).into());
        };
        let (home, idle) = (self.home.clone(), self.idle.clone());
        let answered = tokio::task::spawn_blocking(move || {
            let _permit = permit; // until the thread is done, even if nobody waits for it any more
            answer(&home, &idle, question)
        });
        match answered.await {
            Ok(answer) => answer.map_err(E::from),
            Err(_) => Err(Problem::internal("a question to the store panicked").into()),
        }
    }
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
