//! Times as they are written: RFC 3339, UTC, with milliseconds.

use chrono::{DateTime, SecondsFormat};

/// Of milliseconds since 1970; `None` if that is no time.
pub fn rfc3339(ms: i64) -> Option<String> {
    DateTime::from_timestamp_millis(ms).map(|time| time.to_rfc3339_opts(SecondsFormat::Millis, true))
}

/// Back from [`rfc3339`], or from any other way to write such a time.
pub fn parse(text: &str) -> Option<i64> {
    DateTime::parse_from_rfc3339(text).ok().map(|time| time.timestamp_millis())
}

/// For a person: `2026-11-22 12:35`, UTC.
pub(crate) fn minute(ms: i64) -> String {
    DateTime::from_timestamp_millis(ms).map(|time| time.format("%Y-%m-%d %H:%M").to_string()).unwrap_or_default()
}

/// For a name: `20261122T123559.735Z`.
pub fn compact(ms: i64) -> String {
    DateTime::from_timestamp_millis(ms).map(|time| time.format("%Y%m%dT%H%M%S%.3fZ").to_string()).unwrap_or_default()
}
