//! Times as people read them, in the zone of the machine.

use chrono::{DateTime, Datelike, Local, NaiveDate};
use maud::{Markup, html};

/// A time of our JSON as a moment here.
fn local(rfc3339: &str) -> Option<DateTime<Local>> {
    DateTime::parse_from_rfc3339(rfc3339).ok().map(|time| time.with_timezone(&Local))
}

/// `14:05`, whose day stands above it.
pub(crate) fn clock(rfc3339: &str) -> Markup {
    shown(rfc3339, "%H:%M")
}

/// `23 Nov 2026, 14:05`.
pub(crate) fn moment(rfc3339: &str) -> Markup {
    shown(rfc3339, "%-d %b %Y, %H:%M")
}

fn shown(rfc3339: &str, form: &str) -> Markup {
    match local(rfc3339) {
        Some(time) => {
            html! { time datetime=(rfc3339) title=(time.format("%A, %-d %B %Y, %H:%M:%S")) { (time.format(form)) } }
        }
        None => html! { (rfc3339) },
    }
}

/// `14:05:09`, as far as a list of seconds goes.
pub(crate) fn second(ms: i64) -> String {
    DateTime::from_timestamp_millis(ms)
        .map_or_else(String::new, |time| time.with_timezone(&Local).format("%-d %b, %H:%M:%S").to_string())
}

/// The day of a time, for a heading: `Today`, `Yesterday`, `Mon 23 Nov 2026`.
pub(crate) fn day(rfc3339: &str) -> String {
    local(rfc3339)
        .map_or_else(|| "Without a time".to_owned(), |time| named(time.date_naive(), Local::now().date_naive()))
}

/// The month of a time, and what puts the newest first: `November 2026`.
pub(crate) fn month(rfc3339: &str) -> (String, String) {
    match local(rfc3339) {
        Some(time) => {
            (format!("{:06}", 999_999 - time.year() * 12 - time.month0() as i32), time.format("%B %Y").to_string())
        }
        None => ("9".to_owned(), "Without a time".to_owned()),
    }
}

fn named(day: NaiveDate, today: NaiveDate) -> String {
    match (today - day).num_days() {
        0 => "Today".to_owned(),
        1 => "Yesterday".to_owned(),
        _ => day.format("%a %-d %b %Y").to_string(),
    }
}

/// How long something took: `350 ms`, `4.2 s`, `3 min 5 s`, `2 h 10 min`.
pub(crate) fn took(ms: i64) -> String {
    let seconds = ms / 1000;
    match ms {
        ..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{}.{} s", seconds, ms % 1000 / 100),
        60_000..3_600_000 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let check = |ms, expected: &str| assert_eq!(took(ms), expected);
        check(0, "0 ms");
        check(999, "999 ms");
        check(4_250, "4.2 s");
        check(185_000, "3 min 5 s");
        check(7_800_000, "2 h 10 min");
    }

    #[test]
    fn days() {
        let today = NaiveDate::from_ymd_opt(2026, 11, 26).unwrap();
        let check = |day: &str, expected: &str| assert_eq!(named(day.parse().unwrap(), today), expected);
        check("2026-11-26", "Today");
        check("2026-11-25", "Yesterday");
        check("2026-11-23", "Mon 23 Nov 2026");
        check("2026-11-27", "Fri 27 Nov 2026");
        assert_eq!(day("soon"), "Without a time");
        assert_eq!(moment("<b>").into_string(), "&lt;b&gt;");
    }
}
