//! Times as people read them: how long ago while that is short, then the day, in the machine's zone.

use chrono::{DateTime, Datelike, Local};

use crate::span;

/// So long one counts backwards, in milliseconds.
const RECENT: i64 = 20 * 3_600_000;

/// `12 min ago`, then `Nov 22 12:35`, then `2025-11-22`. Both in milliseconds since 1970, UTC.
pub fn when(ms: i64, now_ms: i64) -> String {
    let age = now_ms.saturating_sub(ms);
    match age {
        0..1000 => "now".to_owned(),
        1000..10_000 => format!("{} s ago", age / 1000),
        10_000..RECENT => format!("{} ago", span(age.unsigned_abs())),
        _ => match (local(ms), local(now_ms)) {
            (Some(time), Some(now)) if time.year() == now.year() => time.format("%b %e %H:%M").to_string(),
            (Some(time), _) => time.format("%Y-%m-%d").to_string(),
            (None, _) => String::new(),
        },
    }
}

/// `2026-11-22 12:35`.
pub fn minute(ms: i64) -> String {
    local(ms).map(|time| time.format("%Y-%m-%d %H:%M").to_string()).unwrap_or_default()
}

fn local(ms: i64) -> Option<DateTime<Local>> {
    DateTime::from_timestamp_millis(ms).map(|time| time.with_timezone(&Local))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_ages_and_days() {
        const DAY: i64 = 86_400_000;
        // Noon of a day in the middle of a year, so that no zone changes the answer.
        let now = 1_781_524_800_000;
        let check = |age: i64, expected: &str| {
            let shown = when(now - age, now);
            assert!(shown.contains(expected), "{age}: {shown}");
        };
        check(0, "now");
        check(4200, "4 s ago");
        check(300_000, "5 min ago");
        check(7_200_000, "2 h ago");
        check(3 * DAY, "Jun 12 ");
        check(400 * DAY, "2025-05-1");
        // A clock that was wrong.
        check(-3 * DAY, "Jun 18 ");
        assert_eq!(when(i64::MAX, now), "");
    }
}
