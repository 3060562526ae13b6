//! When to wake: after an interval, or by a cron expression in local time. The only file that sees cron.
//!
//! All of it is a function of two moments, when the last pass began and now, each by two clocks: the wall clock, which
//! people set and which summer time and a sleeping machine move, and the monotonic one. Their difference tells which of
//! this happened; so the tests can tell it too.

use std::time::{Duration, Instant, SystemTime};

use chrono::{DateTime, Local, NaiveDateTime, TimeDelta, TimeZone, Utc};

use crate::error::Error;

/// What `--help` says of cron expressions. The tests of this file hold it to each sentence.
pub const CRON_HELP: &str = "\
Five fields: minute hour day-of-month month day-of-week, in local time; or @hourly, @daily, @weekly, @monthly, @yearly. \
When day-of-month and day-of-week are both restricted, both must match: `0 9 13 * Fri` is Friday the 13th only. The first look is at the start.

Slots that were missed, because the machine slept, a pass took long or the clock was set forward, are made up for by one \
look, at once. When summer time begins, slots within the hour that is left out are made up for at its end: `30 2 * * *` \
looks at 03:00. When it ends, slots within the hour that comes twice come twice. When the clock is set back by up to 3 \
hours, slots that were there do not come again; when it is set back further, it was wrong before, and slots are those of \
the new time.";

/// How long to sleep at most before the wall clock is asked again: it may have jumped, or the machine slept.
const SLICE: Duration = Duration::from_secs(60);

/// A clock that is set back by more than this was wrong; by less, it is put right a little, and the last slots were those.
const CORRECTION: Duration = Duration::from_secs(3 * 3600);

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

    /// The interval, if it is one.
    pub fn every(&self) -> Option<Duration> {
        match &self.when {
            When::Every(every) => Some(*every),
            When::Cron(_) => None,
        }
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
    pub fn wait(&self, woke: Moment, now: Moment) -> Option<Duration> {
        self.wait_in(&Local, woke, now)
    }

    fn wait_in<Tz: TimeZone>(&self, zone: &Tz, woke: Moment, now: Moment) -> Option<Duration> {
        let next = self.next_in(zone, woke, now)?;
        let left = match &self.when {
            // What the wall clock passed over, the machine slept through.
            When::Every(every) => {
                (*every).checked_sub(now.mono.saturating_duration_since(woke.mono))?.min(until(next, now)?)
            }
            When::Cron(_) => until(next, now)?,
        };
        (!left.is_zero()).then(|| left.min(SLICE))
    }

    /// When the next look is due, by the wall clock; in the past if it is due. `None` if no date can say it.
    pub fn next(&self, woke: Moment, now: Moment) -> Option<SystemTime> {
        self.next_in(&Local, woke, now)
    }

    fn next_in<Tz: TimeZone>(&self, zone: &Tz, woke: Moment, now: Moment) -> Option<SystemTime> {
        let begin = woke.by_the_clock_of(now);
        match &self.when {
            When::Every(every) => begin.checked_add(*every),
            When::Cron(cron) => {
                let last = DateTime::<Utc>::from(begin).with_timezone(zone);
                next_after(cron, &last).map(|next| next.with_timezone(&Utc).into())
            }
        }
    }
}

/// The same moment by two clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// It never jumps, and stands still while the machine sleeps.
    pub mono: Instant,
    /// It tells the time of day.
    pub wall: SystemTime,
}

impl Moment {
    /// Now.
    pub fn now() -> Self {
        Self { mono: Instant::now(), wall: SystemTime::now() }
    }

    /// What the wall clock said at this moment; had it been set as it is `now`, if it was far off.
    fn by_the_clock_of(self, now: Self) -> SystemTime {
        let passed = now.mono.saturating_duration_since(self.mono);
        let expected = self.wall.checked_add(passed);
        let back = expected.and_then(|expected| expected.duration_since(now.wall).ok()).unwrap_or_default();
        match now.wall.checked_sub(passed) {
            Some(corrected) if back > CORRECTION => corrected,
            _ => self.wall,
        }
    }
}

/// `None` when it is over.
fn until(next: SystemTime, now: Moment) -> Option<Duration> {
    next.duration_since(now.wall).ok()
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

/// The first slot after `last`. One that does not exist, because the clocks go forward over it, is where they go to. A
/// sound expression always has a next slot; without one there is no time to wait for.
fn next_after<Tz: TimeZone>(cron: &cron_parser::Schedule, last: &DateTime<Tz>) -> Option<DateTime<Tz>> {
    let zone = last.timezone();
    let next = cron.next_after(last);
    // The slots as the clock on the wall would show them, up to the first that exists and is still to come.
    let mut slot = last.naive_local();
    loop {
        slot = cron.next_after(&slot.and_utc())?.naive_utc();
        match zone.from_local_datetime(&slot).latest() {
            Some(exists) if exists > *last => return next,
            Some(_) => {}
            None => {
                let end = end_of_gap(&zone, slot)?;
                if end > *last {
                    return Some(next.filter(|next| *next < end).unwrap_or(end));
                }
            }
        }
    }
}

/// The first moment after the gap in which `missing` lies.
fn end_of_gap<Tz: TimeZone>(zone: &Tz, missing: NaiveDateTime) -> Option<DateTime<Tz>> {
    // No place is further from UTC than this, so the clock there says less at the one end and more at the other.
    let far = TimeDelta::hours(26);
    let (mut before, mut after) = (missing.checked_sub_signed(far)?, missing.checked_add_signed(far)?);
    while after - before > TimeDelta::seconds(1) {
        let middle = before + (after - before) / 2;
        if zone.from_utc_datetime(&middle).naive_local() < missing { before = middle } else { after = middle }
    }
    // Clocks are set at full seconds; the search ends within one.
    let end = after.and_utc().timestamp();
    let end = DateTime::from_timestamp(end, 0)?.naive_utc();
    Some(zone.from_utc_datetime(&end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::FixedOffset;

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

    fn cron(text: &str) -> Schedule {
        Schedule::new(&settings::Schedule::Cron(text.into())).unwrap()
    }

    fn every(secs: u64) -> Schedule {
        Schedule::new(&settings::Schedule::Every(Duration::from_secs(secs))).unwrap()
    }

    /// What happens to a machine: so many seconds pass, asleep or awake, or the clock is set by so many.
    #[derive(Clone, Copy)]
    enum Then {
        Pass(i64),
        Sleep(i64),
        Set(i64),
    }
    use Then::{Pass, Set, Sleep};

    /// Lives through a story, which begins with a look at `begin`, and gives the local times of all looks after it, as
    /// the clock of that time shows them.
    fn looks(schedule: &Schedule, zone: chrono_tz::Tz, begin: &str, story: &[Then]) -> Vec<String> {
        let start: NaiveDateTime = begin.parse().unwrap();
        let mut now =
            Moment { mono: Instant::now(), wall: zone.from_local_datetime(&start).earliest().unwrap().into() };
        let (mut woke, mut found) = (now, Vec::new());
        let mut look = |now: Moment| {
            let before = woke;
            if schedule.wait_in(&zone, before, now).is_none() {
                found.push(DateTime::<Utc>::from(now.wall).with_timezone(&zone).format("%dT%H:%M").to_string());
                woke = now;
            }
        };
        let by = |now: SystemTime, seconds: i64| {
            let by = Duration::from_secs(seconds.unsigned_abs());
            if seconds < 0 { now - by } else { now + by }
        };
        for then in story {
            match *then {
                Pass(seconds) => {
                    for _ in 0..seconds / 30 {
                        now = Moment { mono: now.mono + Duration::from_secs(30), wall: by(now.wall, 30) };
                        look(now);
                    }
                }
                Sleep(seconds) | Set(seconds) => {
                    now.wall = by(now.wall, seconds);
                    look(now);
                }
            }
        }
        found
    }

    fn check_story(expression: &str, zone: chrono_tz::Tz, begin: &str, story: &[Then], expected: &[&str]) {
        assert_eq!(looks(&cron(expression), zone, begin, story), expected, "{expression} in {zone} from {begin}");
    }

    const HOUR: i64 = 3600;

    #[test]
    fn summer_time_begins() {
        use chrono_tz::{Australia::Lord_Howe, Europe::Berlin, Pacific::Apia};
        let check = |expression, begin, hours, expected: &[&str]| {
            check_story(expression, Berlin, begin, &[Pass(hours * HOUR)], expected);
        };
        // On 28 March 2027 02:00 is 03:00.
        check("30 2 * * *", "2027-03-27T12:00:00", 48, &["28T03:00", "29T02:30"]);
        check("0 3 * * *", "2027-03-27T12:00:00", 48, &["28T03:00", "29T03:00"]);
        check("30 1 * * *", "2027-03-27T12:00:00", 48, &["28T01:30", "29T01:30"]);
        check("*/30 * * * *", "2027-03-28T01:00:00", 2, &["28T01:30", "28T03:00", "28T03:30", "28T04:00"]);
        check("15,45 2 * * *", "2027-03-28T01:00:00", 3, &["28T03:00"]);
        check("15 2,3 * * *", "2027-03-28T01:00:00", 3, &["28T03:00", "28T03:15"]);
        check("30 2 28 3 *", "2027-03-27T12:00:00", 24, &["28T03:00"]);
        // Half an hour, and a whole day, the last that went round the world twice.
        let lord_howe = &["03T02:30", "03T03:00"];
        check_story("10 2 * * *", Lord_Howe, "2027-10-02T12:00:00", &[Pass(14 * HOUR)], &lord_howe[..1]);
        check_story(
            "0,10 2,3 * * *",
            Lord_Howe,
            "2027-10-02T12:00:00",
            &[Pass(15 * HOUR)],
            &["03T02:30", "03T03:00", "03T03:10"],
        );
        check_story(
            "0 12 * * *",
            Apia,
            "2011-12-29T11:00:00",
            &[Pass(26 * HOUR)],
            &["29T12:00", "31T00:00", "31T12:00"],
        );
    }

    #[test]
    fn summer_time_ends() {
        let check = |expression, begin, hours, expected: &[&str]| {
            check_story(expression, chrono_tz::Europe::Berlin, begin, &[Pass(hours * HOUR)], expected);
        };
        // On 25 October 2026 03:00 is 02:00.
        check("30 2 * * *", "2026-10-24T12:00:00", 48, &["25T02:30", "25T02:30", "26T02:30"]);
        check("0 3 * * *", "2026-10-24T12:00:00", 24, &["25T03:00"]);
        check(
            "*/30 * * * *",
            "2026-10-25T01:30:00",
            3,
            &["25T02:00", "25T02:30", "25T02:00", "25T02:30", "25T03:00", "25T03:30"],
        );
    }

    #[test]
    fn missed_slots_are_made_up_for_once() {
        let check = |expression, story: &[Then], expected: &[&str]| {
            check_story(expression, chrono_tz::Europe::Berlin, "2026-11-22T10:00:00", story, expected);
        };
        check("0 * * * *", &[Sleep(5 * HOUR + 600), Pass(2 * HOUR)], &["22T15:10", "22T16:00", "22T17:00"]);
        check("0 9 * * *", &[Sleep(72 * HOUR), Pass(24 * HOUR)], &["25T10:00", "26T09:00"]);
        check("0 9 * * *", &[Sleep(HOUR), Pass(HOUR)], &[]);
        check("0 * * * *", &[Set(3 * HOUR + 600), Pass(2 * HOUR)], &["22T13:10", "22T14:00", "22T15:00"]);
    }

    #[test]
    fn a_clock_that_is_set_back() {
        let check = |expression, story: &[Then], expected: &[&str]| {
            check_story(expression, chrono_tz::Europe::Berlin, "2026-11-22T10:00:00", story, expected);
        };
        // A little: 10:00 was there.
        check("*/30 * * * *", &[Set(-HOUR), Pass(2 * HOUR)], &["22T10:30", "22T11:00"]);
        check(
            "*/30 * * * *",
            &[Pass(HOUR), Set(-HOUR), Pass(2 * HOUR)],
            &["22T10:30", "22T11:00", "22T11:30", "22T12:00"],
        );
        check("0 * * * *", &[Set(-3 * HOUR), Pass(4 * HOUR)], &["22T11:00"]);
        // Far: it was wrong.
        check("0 * * * *", &[Set(-4 * HOUR), Pass(2 * HOUR)], &["22T07:00", "22T08:00"]);
        check("0 9 * * *", &[Set(-3650 * 24 * HOUR), Pass(48 * HOUR)], &["25T09:00", "26T09:00"]);
        // There and back again: what was made up for at the wrong time does not keep the right one from coming.
        check("0 9 * * *", &[Set(365 * 24 * HOUR), Set(-365 * 24 * HOUR), Pass(24 * HOUR)], &["22T10:00", "23T09:00"]);
        check("0 * * * *", &[Set(HOUR), Set(-HOUR), Pass(2 * HOUR)], &["22T11:00", "22T12:00"]);
    }

    #[test]
    fn intervals() {
        let check = |secs, story: &[Then], expected: &[&str]| {
            let found = looks(&every(secs), chrono_tz::Europe::Berlin, "2026-11-22T10:00:00", story);
            assert_eq!(found, expected, "every {secs} s");
        };
        check(1800, &[Pass(HOUR)], &["22T10:30", "22T11:00"]);
        check(1800, &[Sleep(HOUR), Pass(HOUR)], &["22T11:00", "22T11:30", "22T12:00"]);
        check(1800, &[Set(-HOUR), Pass(HOUR)], &["22T09:30", "22T10:00"]);
        check(1800, &[Set(-365 * 24 * HOUR), Pass(HOUR)], &["22T10:30", "22T11:00"]);
    }

    #[test]
    fn waits() {
        let now = Moment::now();
        assert!(cron("@yearly").wait(now, now).is_some_and(|left| left <= SLICE));
        assert_eq!(every(3600).wait(now, now), Some(SLICE));
        assert_eq!(every(0).wait(now, now), None);
        assert_eq!(every(1).shown(), "every 1s");
        assert_eq!(every(5).next(now, now), Some(now.wall + Duration::from_secs(5)));
    }
}
