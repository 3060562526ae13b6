//! Looks each minute whether a person is to be told how it goes, on a thread of its own: no pass waits for a command.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use settings::Settings;

use crate::child;
use crate::notify::{self, Memory, Who};
use crate::schedule::Moment;

/// Between two looks; and for how long it must go wrong, before that is told.
const LOOK: Duration = Duration::from_secs(60);

/// What a command still gets when the process is about to end.
const GRACE: Duration = Duration::from_secs(2);

/// At most one thread.
#[derive(Debug)]
pub(crate) struct Tell {
    who: Who,
    memory: Arc<Mutex<Memory>>,
    last: Option<Instant>,
    thread: Option<JoinHandle<()>>,
}

impl Tell {
    /// Begins.
    pub(crate) fn new(who: Who) -> Self {
        Self { who, memory: Arc::new(Mutex::new(Memory::that_stays())), last: None, thread: None }
    }

    /// Looks, if somebody wants to be told and that was not done a moment ago.
    pub(crate) fn look(&mut self, settings: &Settings, now: Moment) {
        let busy = self.thread.as_ref().is_some_and(|thread| !thread.is_finished());
        let lately = self.last.is_some_and(|last| now.mono.saturating_duration_since(last) < LOOK);
        if settings.notify.is_none() || lately || busy {
            return;
        }
        self.last = Some(now.mono);
        let (settings, memory, who) = (settings.clone(), self.memory.clone(), self.who);
        let spawned = thread::Builder::new().name("notify".into()).spawn(move || {
            let mut memory = memory.lock().unwrap_or_else(PoisonError::into_inner);
            notify::quietly(&settings, &mut memory, now.wall, LOOK, who);
        });
        self.thread = spawned.inspect_err(|error| tracing::warn!("notify: failed to start a thread: {error}")).ok();
    }

    /// Ends a command that still runs, unless it ends by itself in a moment.
    pub(crate) fn end(self) {
        let until = Instant::now() + GRACE;
        while self.thread.as_ref().is_some_and(|thread| !thread.is_finished()) {
            if Instant::now() >= until {
                return child::end_all();
            }
            thread::sleep(Duration::from_millis(10));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use settings::{Layer, Notify};

    use super::*;

    /// The second look that finds it failing tells it, and later ones do not.
    #[test]
    fn once_it_has_gone_wrong_for_a_minute() {
        let dir = tempfile::tempdir().unwrap();
        let heard = dir.path().join("heard");
        let line =
            format!("echo \"$PROMPT_MANAGER_NOTIFY_STATE $PROMPT_MANAGER_NOTIFY_CODE\" >> '{}'", heard.display());
        let flags = Layer {
            home: Some(dir.path().join("data")),
            projects: Some(Vec::new()),
            notify: Some(Notify::shell(&line).unwrap()),
            ..Layer::default()
        };
        let settings = Settings::resolve(flags, &|_| None).unwrap();
        settings.home.create().unwrap();
        let trouble = r#"{"since_ms":1,"last_ms":1,"count":1,"text":"write: no room"}"#;
        std::fs::write(settings.home.trouble(), trouble).unwrap();
        let begin = Moment { mono: Instant::now(), wall: SystemTime::now() };
        let mut tell = Tell::new(Who::Ourselves);
        for (seconds, expected) in [(0, ""), (30, ""), (60, "failing trouble\n"), (120, "failing trouble\n")] {
            let after = Duration::from_secs(seconds);
            tell.look(&settings, Moment { mono: begin.mono + after, wall: begin.wall + after });
            tell.thread.take().map(JoinHandle::join).transpose().unwrap();
            assert_eq!(std::fs::read_to_string(&heard).unwrap_or_default(), expected, "after {seconds} s");
        }
    }
}
