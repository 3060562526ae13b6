//! Days put together where they are many: days, weeks, months or years, so that a picture of any time has a bounded number
//! of marks.

use chrono::{Datelike, Days, Months, NaiveDate};

/// As many days are shown each.
const DAYS: i64 = 92;
/// So many days as weeks.
const WEEKS: i64 = 735;
/// So many as months.
const MONTHS: i64 = 3_700;
/// More spans are not shown; the newest are.
const MOST: usize = 150;

/// Days side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// The first of them.
    pub(crate) first: NaiveDate,
    /// The last, which is in it.
    pub(crate) last: NaiveDate,
    unit: Unit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Day,
    Week,
    Month,
    Year,
}

impl Span {
    /// `Mon 23 Nov 2026`, `week of 23 Nov 2026`, `Nov 2026`, `2026`.
    pub(crate) fn name(&self) -> String {
        let form = match self.unit {
            Unit::Day => "%a %-d %b %Y",
            Unit::Week => "week of %-d %b %Y",
            Unit::Month => "%b %Y",
            Unit::Year => "%Y",
        };
        self.first.format(form).to_string()
    }

    /// As short as an axis has room for.
    pub(crate) fn short(&self) -> String {
        let form = match self.unit {
            Unit::Day | Unit::Week => "%-d %b",
            Unit::Month => "%b %Y",
            Unit::Year => "%Y",
        };
        self.first.format(form).to_string()
    }
}

/// What a picture of so many days shows one by one: `day`, `week`, `month`, `year`.
pub(crate) fn unit(spans: &[Span]) -> &'static str {
    match spans.first().map(|span| span.unit) {
        Some(Unit::Day) | None => "day",
        Some(Unit::Week) => "week",
        Some(Unit::Month) => "month",
        Some(Unit::Year) => "year",
    }
}

/// All days from `first` to `last`, in order.
pub(crate) fn spans(first: NaiveDate, last: NaiveDate) -> Vec<Span> {
    let unit = match (last - first).num_days() {
        ..DAYS => Unit::Day,
        DAYS..WEEKS => Unit::Week,
        WEEKS..MONTHS => Unit::Month,
        _ => Unit::Year,
    };
    // From the end, for the newest are wanted where not all are.
    let mut found = Vec::new();
    let mut end = last;
    while end >= first && found.len() < MOST {
        let begin = begin(end, unit).unwrap_or(first);
        found.push(Span { first: begin.max(first), last: end, unit });
        let Some(before) = begin.checked_sub_days(Days::new(1)) else { break };
        end = before;
    }
    found.reverse();
    found
}

/// The first day of the week (a Monday), month or year that a day is in.
fn begin(day: NaiveDate, unit: Unit) -> Option<NaiveDate> {
    match unit {
        Unit::Day => Some(day),
        Unit::Week => day.checked_sub_days(Days::new(day.weekday().num_days_from_monday().into())),
        Unit::Month => day.with_day(1),
        Unit::Year => day.with_day(1)?.checked_sub_months(Months::new(day.month0())),
    }
}

/// The figures of days added up in the spans that they fall into; days outside are left out.
pub(crate) fn gather<T: Clone>(
    spans: &[Span],
    days: impl IntoIterator<Item = (NaiveDate, T)>,
    nothing: &T,
    add: impl Fn(&mut T, T),
) -> Vec<T> {
    let mut sums = vec![nothing.clone(); spans.len()];
    for (day, figure) in days {
        let at = spans.partition_point(|span| span.last < day);
        if let (Some(span), Some(sum)) = (spans.get(at), sums.get_mut(at))
            && span.first <= day
        {
            add(sum, figure);
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn days_become_weeks_months_years() {
        let check = |first: &str, last: &str, count: usize, names: [&str; 2]| {
            let found = spans(day(first), day(last));
            let ends = [found[0].name(), found[found.len() - 1].name()];
            assert_eq!((found.len(), ends), (count, names.map(str::to_owned)), "{first} {last}");
            assert!(found.windows(2).all(|two| two[0].last.succ_opt() == Some(two[1].first)), "{found:?}");
            assert_eq!(found[found.len() - 1].last, day(last));
        };
        check("2026-11-26", "2026-11-26", 1, ["Thu 26 Nov 2026"; 2]);
        check("2026-11-01", "2026-11-30", 30, ["Sun 1 Nov 2026", "Mon 30 Nov 2026"]);
        check("2025-11-26", "2026-11-26", 53, ["week of 26 Nov 2025", "week of 23 Nov 2026"]);
        check("2023-11-26", "2026-11-26", 37, ["Nov 2023", "Nov 2026"]);
        check("1970-01-01", "2026-11-26", 57, ["1970", "2026"]);
        check("-9000-01-01", "9000-01-01", 150, ["8851", "9000"]);
        assert_eq!(spans(day("2026-11-02"), day("2026-11-01")), []);
    }

    #[test]
    fn each_day_is_counted_once() {
        let spans = spans(day("2026-01-01"), day("2026-12-31"));
        let days = [("2025-12-31", 1), ("2026-01-01", 2), ("2026-01-04", 4), ("2026-01-05", 8), ("2027-01-01", 16)];
        let sums = gather(&spans, days.map(|(text, n)| (day(text), n)), &0, |sum, n| *sum += n);
        assert_eq!((sums[0], sums[1], sums.iter().sum::<i32>()), (6, 8, 14));
    }
}
