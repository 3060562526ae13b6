//! Figures as people read them: in groups, in few signs, in dollars.

/// `12,345`.
pub fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `$1.23`; small amounts with more digits.
pub fn usd(usd: f64) -> String {
    if usd >= 1.0 || usd == 0.0 { format!("${usd:.2}") } else { format!("${usd:.4}") }
}

/// `950`, `1.2k`, `34k`, `5.6M`, `7.8G`.
pub fn short(figure: u64) -> String {
    let mut rest = figure as f64;
    let mut unit = 0;
    while rest >= 999.5 && unit < UNITS.len() - 1 {
        rest /= 1000.0;
        unit += 1;
    }
    if unit == 0 || rest >= 9.95 { format!("{rest:.0}{}", UNITS[unit]) } else { format!("{rest:.1}{}", UNITS[unit]) }
}

const UNITS: [&str; 5] = ["", "k", "M", "G", "T"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts() {
        let check = |amount, expected: &str| assert_eq!(number(amount), expected);
        check(0, "0");
        check(999, "999");
        check(1000, "1,000");
        check(1_234_567, "1,234,567");
        assert_eq!((usd(0.0).as_str(), usd(0.0123).as_str(), usd(12.345).as_str()), ("$0.00", "$0.0123", "$12.35"));
    }

    #[test]
    fn short_figures() {
        let check = |figure, expected: &str| assert_eq!(short(figure), expected);
        check(0, "0");
        check(999, "999");
        check(1000, "1.0k");
        check(9_960, "10k");
        check(999_600, "1.0M");
        check(34_567_000, "35M");
        check(5_600_000_000, "5.6G");
        check(u64::MAX, "18446744T");
    }
}
