//! The way from async code to the store: a few readers and one annotator, each used by one blocking thread at a time.
//!
//! They are opened when first needed and again after a failure, so a database that comes, goes or is replaced while the
//! server runs needs no restart.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use queue::DataDir;
use settings::{Chosen, Settings};
use status::Status;
use status::failed::Failures;
use store::Veil;
use store::annotate::{Annotator, Outcome, Stop};
use store::read::Reader;
use store::read::export::Exporter;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::http::problem::Problem;

/// Questions at the same time: SQLite reads in parallel, but the machine belongs to somebody else's work.
const READERS: usize = 4;
/// Pages that are being made of what was read, at the same time: code is marked, texts are compared.
const MAKERS: usize = 2;
/// Exports at the same time. Each is many short questions beside those of others.
const EXPORTS: usize = 2;
/// How long a question waits for its turn.
const WAIT: Duration = Duration::from_secs(5);
/// How long a change may take; with the wait it is less than an answer may take, so the answer tells what became of it.
const CHANGE_LIMIT: Duration = Duration::from_secs(8);

/// The database of a data directory, there or not.
pub(crate) struct Database {
    settings: Arc<Settings>,
    /// Before every connection.
    veil: Veil,
    permits: Arc<Semaphore>,
    idle: Arc<Mutex<Vec<Reader>>>,
    making: Arc<Semaphore>,
    /// For the one annotator: who waits for it takes no reader's turn.
    writing: Arc<Semaphore>,
    annotator: Arc<Mutex<Option<Annotator>>>,
    /// Pulled when the server ends.
    stop: Stop,
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
    ///
    /// # Errors
    /// Rules for secrets that cannot be used.
    pub(crate) fn new(settings: Settings) -> Result<Self, settings::Error> {
        Ok(Self {
            veil: Veil::of(settings.secrets()?),
            settings: Arc::new(settings),
            permits: Arc::new(Semaphore::new(READERS)),
            idle: Arc::default(),
            making: Arc::new(Semaphore::new(MAKERS)),
            writing: Arc::new(Semaphore::new(1)),
            annotator: Arc::default(),
            stop: Stop::default(),
            exports: Arc::new(Semaphore::new(EXPORTS)),
        })
    }

    /// Whose it is.
    pub(crate) fn home(&self) -> &DataDir {
        &self.settings.home
    }

    /// How it is going, the queue and the disk included; in the same turn as a question, for it opens the store too.
    pub(crate) async fn status(&self) -> Result<Status, Problem> {
        let settings = self.settings.clone();
        blocking(&self.permits, many, move || Status::gather(&settings, SystemTime::now())).await
    }

    /// What could not be taken in, at most `limit` files of it.
    pub(crate) async fn failed(&self, limit: usize) -> Result<Failures, Problem> {
        let folder = self.settings.home.failed();
        let found = blocking(&self.permits, many, move || Failures::read(&folder, limit)).await?;
        found.map_err(|error| Problem::internal(error.to_string()))
    }

    /// The flag that a command needs to work on this data directory, where it is not the usual one.
    pub(crate) fn home_flag(&self) -> Option<String> {
        let named = self.settings.home_chosen == Chosen::Named;
        named.then(|| format!("--home {}", terminal::quoted(&self.settings.home.root().display().to_string())))
    }

    /// Whether Claude Code calls the hook, as setup put on record; where that cannot be read, it is not known to.
    pub(crate) async fn has_hooks(&self) -> bool {
        let record = self.settings.home.setup();
        tokio::task::spawn_blocking(move || calls_hook(&queue::plain::read(&record).unwrap_or_default()))
            .await
            .unwrap_or(false)
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
        let (settings, veil, idle) = (self.settings.clone(), self.veil.clone(), self.idle.clone());
        let open = move || Ok(Reader::open(&settings.home)?.veiled(veil));
        blocking(&self.permits, many, move || answer(open, &idle, question)).await?.map_err(E::from)
    }

    /// Does what takes long with what was read, in its turn, on a thread that may block: those that answer must not.
    pub(crate) async fn make<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        blocking(&self.making, many, work).await
    }

    /// Pulled when the server ends: the change that is under way is taken back then, and none begins.
    pub(crate) fn stop(&self) -> Stop {
        self.stop.clone()
    }

    /// Writes what a person says, one after the other, with the time that it is. What takes too long is taken back.
    pub(crate) async fn annotate<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Annotator, i64) -> Outcome<T> + Send + 'static,
    ) -> Result<T, Problem> {
        let (settings, veil) = (self.settings.clone(), self.veil.clone());
        let (annotator, stop) = (self.annotator.clone(), self.stop.clone());
        let open = move || Ok(Annotator::open(&settings.home)?.veiled(veil));
        let written = move || write(open, &annotator, &stop, work);
        match blocking(&self.writing, Problem::change_under_way, written).await? {
            Err(store::Error::Interrupted { .. }) => Err(self.taken_back()),
            Err(error @ store::Error::Busy { .. }) => Err(Problem::change_under_way().because(error.to_string())),
            done => Ok(done??),
        }
    }

    /// Of a change that was ended nothing is there.
    fn taken_back(&self) -> Problem {
        if self.stop.is_pulled() {
            return Problem::unavailable("The server ends, and nothing was changed: send it again.", 5);
        }
        let seconds = CHANGE_LIMIT.as_secs();
        let detail =
            format!("The change took longer than {seconds} s, and nothing of it was made: change less at once.");
        Problem::unavailable(detail, 1)
    }

    /// A connection of its own for an export, unless too many are under way.
    pub(crate) async fn export(&self) -> Result<Export, Problem> {
        let Ok(permit) = self.exports.clone().try_acquire_owned() else {
            let detail = format!("{EXPORTS} exports are under way, and more are not made at once: come again later.");
            return Err(Problem::unavailable(detail, 10));
        };
        let (settings, veil) = (self.settings.clone(), self.veil.clone());
        let open = move || Exporter::open(&settings.home).map(|store| store.veiled(veil));
        let store = blocking(&self.permits, many, open).await??;
        Ok(Export { store, _permit: permit })
    }
}

/// Whether a record of setup tells of hooks that were not taken out again, or of a plugin that has them.
fn calls_hook(record: &[u8]) -> bool {
    let record: serde_json::Value = serde_json::from_slice(record).unwrap_or_default();
    let any =
        |list: &str, is: fn(&serde_json::Value) -> bool| record[list].as_array().is_some_and(|all| all.iter().any(is));
    any("hooks", |hooks| hooks["left"] != true) || any("plugins", |_| true)
}

/// Why a question does not get its turn.
fn many() -> Problem {
    Problem::unavailable("Too many questions at once.", 1)
}

/// Does `work` in its turn, on a thread that may block; `late` is the answer if the turn does not come.
async fn blocking<T: Send + 'static>(
    turns: &Arc<Semaphore>,
    late: fn() -> Problem,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    let turn = timeout(WAIT, turns.clone().acquire_owned()).await;
    let Ok(Ok(permit)) = turn else {
        return Err(late());
    };
    let done = tokio::task::spawn_blocking(move || {
        let _permit = permit; // until the thread is done, even if nobody waits for it any more
        work()
    });
    done.await.map_err(|_| Problem::internal("answer a question: its thread panicked"))
}

fn answer<T>(
    open: impl FnOnce() -> Result<Reader, store::Error>,
    idle: &Mutex<Vec<Reader>>,
    question: impl FnOnce(&mut Reader) -> Result<T, store::Error>,
) -> Result<T, store::Error> {
    // A poisoned list of readers is still one: they are taken out while they work.
    let reader = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let opened = match reader.filter(Reader::is_current) {
        Some(reader) => Ok(reader),
        None => open(),
    };
    let answer = opened.and_then(|mut reader| {
        let answer = question(&mut reader);
        // After any other error the next question begins with a fresh look at the file.
        if matches!(answer, Ok(_) | Err(store::Error::Busy { .. } | store::Error::Interrupted { .. })) {
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(reader);
        }
        answer
    });
    // Nobody keeps a damaged one open: whoever makes it anew has to have it alone.
    if matches!(answer, Err(store::Error::Corrupt { .. })) {
        idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
    answer
}

fn write<T>(
    open: impl FnOnce() -> Result<Annotator, store::Error>,
    slot: &Mutex<Option<Annotator>>,
    stop: &Stop,
    work: impl FnOnce(&mut Annotator, i64) -> Outcome<T>,
) -> Outcome<T> {
    let annotator = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
    let mut annotator = match annotator.filter(Annotator::is_current) {
        Some(annotator) => annotator,
        None => open()?,
    };
    annotator.heed(&stop.within(CHANGE_LIMIT))?;
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let done = work(&mut annotator, i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
    if matches!(done, Ok(_) | Err(store::Error::Busy { .. } | store::Error::Interrupted { .. })) {
        *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(annotator);
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::ConversationId;
    use store::annotate::{Change, Expected};
    use store::write::Writer;

    #[test]
    fn what_setup_put_on_record() {
        let check = |record: &str, expected| assert_eq!(calls_hook(record.as_bytes()), expected, "{record}");
        check("", false);
        check("[]", false);
        check(r#"{"hooks": [], "plugins": []}"#, false);
        check(r#"{"hooks": [{"config_dir": "/home/you/.claude"}]}"#, true);
        check(r#"{"hooks": [{"config_dir": "/home/you/.claude", "left": true}]}"#, false);
        check(r#"{"hooks": [], "plugins": [{"path": "/p"}]}"#, true);
    }

    /// Who cannot write because somebody else does is told so, and not that there are too many questions.
    #[tokio::test]
    async fn a_change_that_finds_another_is_told_so() {
        let home = tempfile::tempdir().unwrap();
        let layer = settings::Layer { home: Some(home.path().to_owned()), ..settings::Layer::default() };
        let database = Database::new(Settings::resolve(layer, &|_| None).unwrap()).unwrap();
        let mut writer = Writer::open(database.home()).unwrap();
        let star = || {
            database.annotate(|annotator, now_ms| {
                let change = Change { starred: Some(true), ..Change::default() };
                annotator.mark(ConversationId(1), &change, &Expected::Any, now_ms)
            })
        };
        let held = writer.batch().unwrap();
        for problem in <[_; 2]>::from(tokio::join!(star(), star())) {
            let answer = problem.unwrap_err().render("/");
            assert_eq!((answer.status().as_u16(), &answer.headers()["retry-after"]), (503, &"1".parse().unwrap()));
            let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
            let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(body["type"], "urn:prompt-manager:problem:change-under-way");
        }
        drop(held);
        assert_eq!(star().await.unwrap_err().status, 404, "there is no such conversation, and nobody is in the way");
        database.stop().pull();
        assert!(star().await.unwrap_err().detail.contains("The server ends"));
    }
}
