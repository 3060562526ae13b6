//! Times as arguments: only the programs' outermost loops read the clock.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970; before that, 0.
pub(crate) fn millis(time: SystemTime) -> i64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Whether `span` went by between `then` and `now`. A clock that was set back says nothing, so that counts as gone by.
pub(crate) fn elapsed(then: SystemTime, now: SystemTime, span: Duration) -> bool {
    now.duration_since(then).map_or(true, |gone| gone >= span)
}

/// The time of a pass: what its caller said when it began, and what went by since. A long pass commits much later than it
/// began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    /// When the pass began.
    pub(crate) began: SystemTime,
    since: Instant,
}

impl Clock {
    /// Starts.
    pub(crate) fn start(began: SystemTime) -> Self {
        Self { began, since: Instant::now() }
    }

    /// Now, in milliseconds since 1970.
    pub(crate) fn now_ms(&self) -> i64 {
        millis(self.began + self.since.elapsed())
    }
}
