//! Lets somebody look on while one long statement runs, and end it: the engine itself tells nobody how far it is.

use std::ops::ControlFlow;
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rusqlite::Connection;

use crate::error::Error;

/// Between two looks.
const LOOK: Duration = Duration::from_millis(100);

/// Asked ten times a second, from another thread, whether to go on. After `Break` the work ends with
/// [`Error::Interrupted`].
pub type Watch<'a> = dyn Fn() -> ControlFlow<()> + Sync + 'a;

/// A watch that lets the work run.
pub fn unwatched() -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// Runs `work` on `conn` under the eyes of `watch`.
pub(crate) fn watched<T>(
    conn: &Connection,
    watch: &Watch<'_>,
    work: impl FnOnce(&Connection) -> Result<T, Error>,
) -> Result<T, Error> {
    let handle = conn.get_interrupt_handle();
    let over = Over::default();
    thread::scope(|scope| {
        let (over, end) = (&over, End(&over));
        scope.spawn(move || {
            while !over.wait() {
                if watch().is_break() {
                    handle.interrupt(); // again and again: between two statements it would hit none
                }
            }
        });
        let done = work(conn);
        drop(end);
        done
    })
}

/// Whether the work is over.
#[derive(Default)]
struct Over {
    is: Mutex<bool>,
    told: Condvar,
}

impl Over {
    /// Waits a while; whether it is over by then.
    fn wait(&self) -> bool {
        let is = self.is.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.told.wait_timeout_while(is, LOOK, |is| !*is).unwrap_or_else(PoisonError::into_inner);
        *waited.0
    }
}

/// Ends the looking, also when the work panics.
struct End<'a>(&'a Over);

impl Drop for End<'_> {
    fn drop(&mut self) {
        *self.0.is.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.told.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Context;

    #[test]
    fn a_long_statement_can_be_ended() {
        const ENDLESS: &str = "with recursive n (i) as (select 1 union all select i + 1 from n) select count(*) from n";
        let conn = Connection::open_in_memory().unwrap();
        let run = |conn: &Connection| conn.query_row(ENDLESS, [], |_| Ok(())).op("count");
        let done = watched(&conn, &|| ControlFlow::Break(()), run);
        assert!(matches!(done, Err(Error::Interrupted { .. })), "{done:?}");
        let done =
            watched(&conn, &unwatched, |conn| conn.query_row("select 1", [], |row| row.get::<_, i64>(0)).op("ask"));
        assert_eq!(done.unwrap(), 1);
    }
}
