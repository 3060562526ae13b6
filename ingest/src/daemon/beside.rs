//! The chores of a `run`, on a thread of their own: what comes never waits until a day is packed or a backup is made.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use settings::Settings;

use crate::chores;
use crate::schedule::Moment;

/// Between two looks whether something is due. A look is a lock and a short file.
const LOOK: Duration = Duration::from_secs(60);
/// How long the end waits for them. They may be ended at any moment, so this is only for the sake of what they began.
const PATIENCE: Duration = Duration::from_secs(10);

/// At most one thread.
#[derive(Debug, Default)]
pub(crate) struct Beside {
    last: Option<Instant>,
    thread: Option<JoinHandle<()>>,
}

impl Beside {
    /// Sees to what is due, if that was not done a moment ago.
    pub(crate) fn look(&mut self, settings: &Settings, now: Moment, stop: &Arc<AtomicBool>) {
        if self.last.is_some_and(|last| now.mono.saturating_duration_since(last) < LOOK) || self.is_busy() {
            return;
        }
        self.last = Some(now.mono);
        let (settings, stop) = (settings.clone(), stop.clone());
        let spawned =
            thread::Builder::new().name("chores".into()).spawn(move || chores::quietly(&settings, now.wall, &stop));
        self.thread = spawned.inspect_err(|error| tracing::warn!("chores: failed to start a thread: {error}")).ok();
    }

    fn is_busy(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }

    /// Lets them end what they do, once `stop` says so; a second signal does not wait for that.
    pub(crate) fn end(self) {
        let begin = Instant::now();
        while self.is_busy() && begin.elapsed() < PATIENCE {
            thread::sleep(Duration::from_millis(10));
        }
    }
}
