//! Squares whose colour says how much: the days of a year in weeks, the hours of a week.

use chrono::{Datelike, Days, NaiveDate};
use maud::{Markup, html};

use super::scale::percent;

/// Colours, the lightest first; nothing has one of its own.
pub(crate) const LEVELS: [&str; 5] = ["l0", "l1", "l2", "l3", "l4"];
/// A square with the gap behind it, in pixels.
const SQUARE: usize = 17;
/// So many weeks are shown.
pub(crate) const WEEKS: usize = 53;
const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// From which value on a square has which colour but the first: quarters of the largest there is. Of less than four none is dark.
fn levels(values: impl IntoIterator<Item = i64>) -> [i64; 4] {
    let largest = values.into_iter().max().unwrap_or_default().max(4);
    [0, 1, 2, 3].map(|quarter| largest / 4 * quarter + largest % 4 * quarter / 4 + 1)
}

fn level(value: i64, levels: [i64; 4]) -> &'static str {
    LEVELS[levels.iter().filter(|from| value >= **from).count()]
}

/// The days up to `last`, a column a week, Monday on top; at most [`WEEKS`]. `count` tells how much was on a day.
pub(crate) fn calendar(label: &str, first: NaiveDate, last: NaiveDate, count: impl Fn(NaiveDate) -> i64) -> Markup {
    let monday = |day: NaiveDate| day - Days::new(day.weekday().num_days_from_monday().into());
    let weeks = usize::try_from((monday(last) - monday(first)).num_weeks() + 1).unwrap_or(1).clamp(1, WEEKS);
    let begin = monday(last).checked_sub_days(Days::new(7 * (weeks as u64 - 1))).unwrap_or(first);
    let days: Vec<_> = begin.iter_days().take_while(|day| *day <= last).filter(|day| *day >= first).collect();
    let levels = levels(days.iter().map(|day| count(*day)));
    let place = |day: NaiveDate| (day - begin).num_days();
    html! {
        div class="cells" {
            (weekdays())
            div class="columns" {
                svg class="months" width=(weeks * SQUARE) height="14" aria-hidden="true" focusable="false" {
                    @for day in days.iter().filter(|day| day.day() == 1) {
                        @let x = 100.0 * (place(*day) / 7) as f64 / weeks as f64;
                        // A name at the right end would stick out.
                        @if x < 94.0 { text x=(percent(x)) y="11" { (day.format("%b")) } }
                    }
                }
                svg class="squares" role="img" aria-label=(label) viewBox=(format!("0 0 {} {}", weeks * SQUARE, 7 * SQUARE)) width=(weeks * SQUARE) {
                    @for day in &days {
                        @let (week, weekday) = (place(*day) / 7, place(*day) % 7);
                        rect class=(level(count(*day), levels)) x=(week * SQUARE as i64) y=(weekday * SQUARE as i64) width=(SQUARE - 3) height=(SQUARE - 3) rx="3" {
                            title { (day.format("%a %-d %b %Y")) ": " (super::super::text::number(count(*day))) }
                        }
                    }
                }
            }
        }
    }
}

/// The hours of a week, a row a day.
pub(crate) fn hours(label: &str, counts: &[[i64; 24]; 7]) -> Markup {
    const WIDE: usize = 26;
    let levels = levels(counts.iter().flatten().copied());
    html! {
        div class="cells" {
            (weekdays())
            div class="columns" {
                svg class="months" width=(24 * WIDE) height="14" aria-hidden="true" focusable="false" {
                    @for hour in (0..24).step_by(6) { text x=(percent(f64::from(hour) / 0.24)) y="11" { (format!("{hour:02}:00")) } }
                }
                svg class="squares" role="img" aria-label=(label) viewBox=(format!("0 0 {} {}", 24 * WIDE, 7 * WIDE)) width=(24 * WIDE) {
                    @for (weekday, row) in counts.iter().enumerate() {
                        @for (hour, count) in row.iter().enumerate() {
                            rect class=(level(*count, levels)) x=(hour * WIDE) y=(weekday * WIDE) width=(WIDE - 3) height=(WIDE - 3) rx="3" {
                                title { (WEEKDAYS[weekday]) " " (format!("{hour:02}:00")) ": " (super::super::text::number(*count)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn weekdays() -> Markup {
    html! { div class="weekdays" aria-hidden="true" { @for (at, name) in WEEKDAYS.iter().enumerate() { span { @if at % 2 == 0 { (name) } } } } }
}

/// What the colours mean.
pub(crate) fn scale() -> Markup {
    html! {
        p class="scale quiet" {
            "Less "
            svg width="82" height="14" aria-hidden="true" focusable="false" {
                @for (at, class) in LEVELS.iter().enumerate() { rect class=(class) x=(at * 17) y="0" width="14" height="14" rx="3" {} }
            }
            " more"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quarters_of_the_largest() {
        let check = |values: &[i64], of: i64, expected: &str| {
            assert_eq!(level(of, levels(values.iter().copied())), expected, "{values:?} {of}");
        };
        check(&[], 0, "l0");
        check(&[0, 2], 2, "l2");
        check(&[0, 5], 5, "l4");
        check(&[2, 66], 2, "l1");
        check(&[2, 66], 66, "l4");
        check(&[1, 2, 3, 4], 1, "l1");
        check(&[1, 2, 3, 4], 3, "l3");
        check(&[1, 2, 3, 4], 4, "l4");
        check(&[7, 1, 2], 2, "l2");
        check(&[7, 1, 2], 1, "l1");
        check(&[i64::MAX], i64::MAX, "l4");
    }

    #[test]
    fn a_year_is_53_weeks_at_most() {
        let check = |first: &str, last: &str, squares: usize| {
            let picture = calendar("", first.parse().unwrap(), last.parse().unwrap(), |_| 1).into_string();
            assert_eq!(picture.matches("<title>").count(), squares, "{first} {last}");
        };
        check("2026-11-26", "2026-11-26", 1);
        check("2026-11-23", "2026-11-29", 7);
        check("2025-11-26", "2026-11-26", 366);
        check("1970-01-01", "2026-11-29", 53 * 7);
        check("2026-11-26", "2026-11-20", 0);
    }
}
