//! When a line says that it was written: a time of RFC 3339 in UTC, as Claude Code writes them.

/// In milliseconds since 1970. `None` for anything else, also a time of another zone.
pub(super) fn milliseconds(text: &str) -> Option<i64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let (time, fraction) = time.split_once('.').unwrap_or((time, ""));
    let [year, month, day] = numbers(date, '-')?;
    let [hour, minute, second] = numbers(time, ':')?;
    if !(1..=12).contains(&month) || !(1970..=9999).contains(&year) {
        return None;
    }
    // Years that begin in March, so that a leap day is the last of one.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 719_469;
    let digits: String = fraction.chars().chain("000".chars()).take(3).collect();
    Some((((days * 24 + hour) * 60 + minute) * 60 + second) * 1000 + digits.parse::<i64>().ok()?)
}

fn numbers(text: &str, between: char) -> Option<[i64; 3]> {
    let found: Vec<i64> = text.split(between).map(|part| part.parse().ok()).collect::<Option<_>>()?;
    found.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        let check = |text: &str, expected: Option<i64>| assert_eq!(milliseconds(text), expected, "{text}");
        check("1970-01-01T00:00:00.000Z", Some(0));
        check("2000-02-28T23:59:59.999Z", Some(951_782_399_999));
        check("2000-02-29T00:00:00Z", Some(951_782_400_000));
        check("2026-11-22T12:35:56.23Z", Some(1_795_350_956_230));
        check("2100-03-01T00:00:00.000Z", Some(4_107_542_400_000));
        check("2026-11-22T12:35:56+01:00", None);
        check("t1", None);
        check("", None);
    }
}
