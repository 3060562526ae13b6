//! Times as arguments: only the programs' outermost loops read the clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970; before that, 0.
pub(crate) fn millis(time: SystemTime) -> i64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Whether `span` went by between `then` and `now`. A clock that was set back says nothing, so that counts as gone by.
pub(crate) fn elapsed(then: SystemTime, now: SystemTime, span: Duration) -> bool {
    now.duration_since(then).map_or(true, |gone| gone >= span)
}
