//! A point in time as people type it: how long ago, a day, or a time.

use chrono::{DateTime, Days, Local, NaiveDate, NaiveTime, TimeZone};

/// A point or a day of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// So many milliseconds before now.
    Ago(i64),
    /// Milliseconds since 1970, UTC.
    At(i64),
    /// A day in local time.
    Day(NaiveDate),
}

impl Moment {
    /// Where it begins.
    pub fn begin(self, now_ms: i64) -> i64 {
        match self {
            Self::Ago(ms) => now_ms.saturating_sub(ms),
            Self::At(ms) => ms,
            Self::Day(day) => midnight(day),
        }
    }

    /// Where it ends: a day at the next midnight.
    pub fn end(self, now_ms: i64) -> i64 {
        match self {
            Self::Day(day) => day.checked_add_days(Days::new(1)).map_or(i64::MAX, midnight),
            other => other.begin(now_ms),
        }
    }
}

/// The first moment of a day. A clock that is put forward may leave out midnight: then the day begins an hour later.
fn midnight(day: NaiveDate) -> i64 {
    let naive = day.and_time(NaiveTime::MIN);
    let hours = (0..24).map(|hour| naive + chrono::TimeDelta::hours(hour));
    let found = hours.filter_map(|time| Local.from_local_datetime(&time).earliest()).next();
    found.map_or_else(|| naive.and_utc().timestamp_millis(), |time| time.timestamp_millis())
}

/// Reads one.
///
/// # Errors
/// How to write one.
pub fn moment(text: &str) -> Result<Moment, String> {
    if let Ok(ago) = settings::parse_duration(text) {
        return Ok(Moment::Ago(i64::try_from(ago.as_millis()).unwrap_or(i64::MAX)));
    }
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(Moment::At(time.timestamp_millis()));
    }
    if let Ok(day) = text.parse() {
        return Ok(Moment::Day(day));
    }
    Err("write how long ago (7d, 12h), a day (2026-11-01) or a time (2026-11-01T09:00:00Z)".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments() {
        let check = |text: &str, expected: Moment| assert_eq!(moment(text), Ok(expected), "{text}");
        check("7d", Moment::Ago(604_800_000));
        check("1970-01-01T00:00:01+00:00", Moment::At(1000));
        check("2026-11-01", Moment::Day(NaiveDate::from_ymd_opt(2026, 11, 1).unwrap()));
        for bad in ["", "yesterday", "2026-13-01", "7", "-7d"] {
            assert!(moment(bad).unwrap_err().contains("7d"), "{bad}");
        }
        let day = moment("2026-06-01").unwrap();
        assert_eq!(day.end(0) - day.begin(0), 86_400_000);
        assert_eq!(Moment::Ago(10).begin(100), 90);
    }
}
