//! The zone whose days and hours are meant: by its name, by an offset, or the machine's.

use std::borrow::Cow;

use chrono::{DateTime, Days, FixedOffset, Local, NaiveDate, Offset, TimeZone};
use chrono_tz::Tz;
use serde::Deserialize;
use terminal::moment::Moment;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// Quarters of an hour, at which every day of every zone begins.
const QUARTER_MS: i64 = 900_000;
const DAY_MS: i64 = 86_400_000;

/// A time zone.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(try_from = "String")]
pub(crate) enum Zone {
    /// The machine's.
    #[default]
    Local,
    /// Always so far from UTC.
    Fixed(FixedOffset),
    /// Of the IANA's names.
    Named(Tz),
}

impl TryFrom<String> for Zone {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        // A plus that was not written as %2B has come as a blank.
        let offset = text.strip_prefix(' ').map_or(Cow::Borrowed(&*text), |rest| Cow::Owned(format!("+{rest}")));
        if offset.starts_with(['+', '-'])
            && offset.len() == "+02:00".len()
            && let Ok(fixed) = offset.parse::<FixedOffset>()
            && i64::from(fixed.local_minus_utc()) * 1000 % QUARTER_MS == 0
        {
            return Ok(Self::Fixed(fixed));
        }
        text.parse().map(Self::Named).map_err(|_| "must be the name of a zone (Europe/Berlin) or an offset (+02:00)")
    }
}

impl Zone {
    /// How many seconds it is east of UTC at a moment in milliseconds since 1970.
    pub(crate) fn offset(&self, ms: i64) -> i32 {
        let utc = DateTime::from_timestamp_millis(ms).unwrap_or_default().naive_utc();
        let offset = match self {
            Self::Local => Local.offset_from_utc_datetime(&utc).fix(),
            Self::Fixed(offset) => *offset,
            Self::Named(zone) => zone.offset_from_utc_datetime(&utc).fix(),
        };
        offset.local_minus_utc()
    }

    /// Its name; the machine's zone is called `local`.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Local => "local".to_owned(),
            Self::Fixed(offset) => offset.to_string(),
            Self::Named(zone) => zone.name().to_owned(),
        }
    }

    /// Where a span begins that begins so.
    pub(crate) fn begin(&self, moment: Moment, now_ms: i64) -> i64 {
        match moment {
            Moment::Day(day) => self.midnight(day),
            other => other.begin(now_ms),
        }
    }

    /// Where a span ends that ends so: a day is meant whole.
    pub(crate) fn end(&self, moment: Moment, now_ms: i64) -> i64 {
        match moment {
            Moment::Day(day) => day.checked_add_days(Days::new(1)).map_or(i64::MAX, |next| self.midnight(next)),
            other => other.begin(now_ms),
        }
    }

    /// The first quarter of an hour that is not before a day. No zone is further from UTC than a day.
    fn midnight(&self, day: NaiveDate) -> i64 {
        let day = day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_millis();
        let quarters = (-DAY_MS / QUARTER_MS..=DAY_MS / QUARTER_MS).map(|quarter| day + quarter * QUARTER_MS);
        let mut begun = quarters.filter(|ms| ms + i64::from(self.offset(*ms)) * 1000 >= day);
        begun.next().unwrap_or(day)
    }
}

impl PartialSchema for Zone {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).examples(["Europe/Berlin", "+02:00"]).into()
    }
}

impl ToSchema for Zone {
    fn name() -> Cow<'static, str> {
        "Zone".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(text: &str) -> Zone {
        Zone::try_from(text.to_owned()).unwrap()
    }

    #[test]
    fn zones() {
        let check = |text: &str, hours: f64| {
            assert_eq!(f64::from(zone(text).offset(1_795_351_000_000)), hours * 3600.0, "{text}");
        };
        check("UTC", 0.0);
        check("Europe/Berlin", 1.0);
        check("Asia/Kathmandu", 5.75);
        check("America/St_Johns", -3.5);
        check("+02:00", 2.0);
        check(" 05:45", 5.75);
        check("-03:30", -3.5);
        for bad in ["", "Berlin", "europe berlin", "2", "+99:00", "/etc/passwd", "+02:00:00:00", "+02:07", "+0200"] {
            assert!(Zone::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }

    /// Days of 23, 25 and 24.5 hours, days that begin at one, and one that never was.
    #[test]
    fn days_around_summer_time() {
        let check = |name: &str, day: &str, begin: &str, hours: f64| {
            let (zone, day) = (zone(name), Moment::Day(day.parse().unwrap()));
            let begin = DateTime::parse_from_rfc3339(begin).unwrap().timestamp_millis();
            assert_eq!(zone.begin(day, 0), begin, "{name} {day:?}");
            let length = (zone.end(day, 0) - begin) as f64 / 3_600_000.0;
            assert_eq!(length, hours, "{name} {day:?}");
        };
        check("Europe/Berlin", "2026-03-29", "2026-03-29T00:00:00+01:00", 23.0);
        check("Europe/Berlin", "2026-10-25", "2026-10-25T00:00:00+02:00", 25.0);
        check("Australia/Lord_Howe", "2026-04-05", "2026-04-05T00:00:00+11:00", 24.5);
        check("America/Sao_Paulo", "2018-11-04", "2018-11-04T01:00:00-02:00", 23.0);
        check("Pacific/Apia", "2011-12-30", "2011-12-31T00:00:00+14:00", 0.0);
        check("Asia/Kathmandu", "2026-11-22", "2026-11-22T00:00:00+05:45", 24.0);
        check("UTC", "2026-11-22", "2026-11-22T00:00:00Z", 24.0);
    }
}
