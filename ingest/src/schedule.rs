//! When to wake: after an interval, or by a cron expression in local time. The only file that sees cron.
//!
//! A slot counts from the last wake, so slots that were missed while the machine slept or the clock jumped are made up for
//! by one wake. In the hour that summer time skips a slot does not exist, in the hour that winter time repeats it exists
//! twice; as a pass on a quiet queue does nothing, neither matters.

use std::time::{Duration, Instant, SystemTime};

use chrono::{DateTime, Local, TimeZone};

use crate::error::Error;

/// What `--help` says of cron expressions.
pub const CRON_HELP: &str = "\
Five fields: minute hour day-of-month month day-of-week, in local time; or @hourly, @daily, @weekly, @monthly, @yearly. \
When day-of-month and day-of-week are both restricted, both must match: `0 9 13 * Fri` is Friday the 13th only. \
A slot that was missed, by a sleeping machine for instance, is made up for once.";

/// How long to sleep at most before the wall clock is asked again: it may have jumped, or the machine slept.
const SLICE: Duration = Duration::from_secs(60);

/// A schedule that is known to be sound.
#[derive(Clone, Debug)]
pub struct Schedule {
    when: When,
    shown: String,
}

#[derive(Clone, Debug)]
enum When {
    Every(Duration),
    Cron(Box<cron_parser::Schedule>),
}

impl Schedule {
    /// Checks what the settings say.
    ///
    /// # Errors
    /// [`Error::Cron`], which shows the expression and what is wrong with it.
    pub fn new(setting: &settings::Schedule) -> Result<Self, Error> {
        Ok(match setting {
            settings::Schedule::Every(every) => Self { when: When::Every(*every), shown: format!("every {every:?}") },
            settings::Schedule::Cron(expression) => {
                Self { when: When::Cron(Box::new(parse(expression)?)), shown: format!("cron {expression}") }
            }
        })
    }

    /// For a person: `every 1s`.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// The shortest time between two tries after a fault.
    pub fn patience(&self) -> Duration {
        match &self.when {
            When::Every(every) => (*every).max(Duration::from_secs(1)),
            When::Cron(_) => Duration::from_secs(1),
        }
    }

    /// How long to sleep now, at most a minute at a time; `None` when it is time to wake. `woke` is when the last pass
    /// began.
    pub fn wait(&self, woke: (Instant, SystemTime)) -> Option<Duration> {
        let left = match &self.when {
            When::Every(every) => every.checked_sub(woke.0.elapsed())?,
            When::Cron(cron) => {
                let next = next_after(cron, &DateTime::<Local>::from(woke.1))?;
                (next - Local::now()).to_std().ok()?
            }
        };
        (!left.is_zero()).then(|| left.min(SLICE))
    }
}

fn parse(expression: &str) -> Result<cron_parser::Schedule, Error> {
    let fields = match expression.trim() {
        "@hourly" => "0 * * * *",
        "@daily" | "@midnight" => "0 0 * * *",
        "@weekly" => "0 0 * * 0",
        "@monthly" => "0 0 1 * *",
        "@yearly" | "@annually" => "0 0 1 1 *",
        other => other,
    };
    cron_parser::Schedule::parse(fields).map_err(|error| {
        let shown = error.to_string().replace('\n', " ");
        Error::Cron(format!("`{expression}`: {shown}; five fields as in \"*/5 * * * *\", or @hourly, @daily"))
    })
}

/// A sound expression always has a next slot; without one there is no time to wait for.
fn next_after<Tz: TimeZone>(cron: &cron_parser::Schedule, last: &DateTime<Tz>) -> Option<DateTime<Tz>> {
    cron.next_after(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{FixedOffset, TimeDelta};

    fn check(expression: &str, last: &str, expected: &str) {
        let last: DateTime<FixedOffset> = last.parse().unwrap();
        let next = next_after(&parse(expression).unwrap(), &last).unwrap();
        assert_eq!(next.to_rfc3339(), expected, "{expression}");
    }

    #[test]
    fn slots() {
        check("*/5 * * * *", "2026-11-22T10:00:00+00:00", "2026-11-22T10:05:00+00:00");
        check("*/5 * * * *", "2026-11-22T10:04:59+00:00", "2026-11-22T10:05:00+00:00");
        check("@hourly", "2026-11-22T10:04:59+01:00", "2026-11-22T11:00:00+01:00");
        check("@daily", "2026-11-22T10:04:59+01:00", "2026-11-23T00:00:00+01:00");
        check("@weekly", "2026-11-22T10:04:59+00:00", "2026-11-29T00:00:00+00:00");
        check("@monthly", "2026-11-22T10:04:59+00:00", "2026-12-01T00:00:00+00:00");
        check("@yearly", "2026-11-22T10:04:59+00:00", "2027-01-01T00:00:00+00:00");
        check("0 9 13 * Fri", "2026-11-22T10:04:59+00:00", "2027-08-13T09:00:00+00:00");
    }

    #[test]
    fn faults_show_the_expression() {
        for bad in ["", "* * * *", "61 * * * *", "@reboot", "0 0 31 2 *", "a b c d e", "* * * * * *"] {
            let error = Schedule::new(&settings::Schedule::Cron(bad.into())).unwrap_err();
            let text = error.to_string();
            assert!(text.contains(&format!("`{bad}`")) && !text.contains('\n'), "{text}");
            assert_eq!(error.exit(), crate::exit::Exit::Config);
        }
    }

    #[test]
    fn waits() {
        let cron = |text: &str| Schedule::new(&settings::Schedule::Cron(text.into())).unwrap();
        let every = |secs| Schedule::new(&settings::Schedule::Every(Duration::from_secs(secs))).unwrap();
        let (now, wall) = (Instant::now(), SystemTime::now());
        let long_ago = wall - TimeDelta::days(400).to_std().unwrap();
        assert_eq!(cron("@yearly").wait((now, long_ago)), None, "a missed slot is made up for");
        assert!(cron("@yearly").wait((now, wall)).is_none_or(|left| left <= SLICE));
        assert!(every(3600).wait((now, wall)).is_some_and(|left| left == SLICE));
        assert_eq!(every(0).wait((now, wall)), None);
        assert_eq!(every(1).shown(), "every 1s");
    }
}
