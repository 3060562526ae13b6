//! Durations as `500ms`, `1s`, `5m`, `2h`, `1d` and sizes as `4096`, `64KiB`, `256MiB`, `1GiB`.
//!
//! A duration needs its unit, because a bare number is seconds to one reader and milliseconds to the next. Sizes are
//! binary only: nobody who writes 256MB here means another number than 256MiB, so MB is refused with a hint.

use std::time::Duration;

/// Not a duration or a size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// For a duration.
    #[error("`{0}` is no duration; write a whole number and ms, s, m, h or d, such as 500ms or 5m")]
    Duration(String),
    /// For a size.
    #[error("`{0}` is no size; write a whole number of bytes, or one with KiB, MiB or GiB, such as 256MiB")]
    Size(String),
}

/// Reads a duration.
///
/// # Errors
/// [`UnitError::Duration`], which shows how to write one.
pub fn parse_duration(text: &str) -> Result<Duration, UnitError> {
    let fault = || UnitError::Duration(text.to_owned());
    let (number, unit) = split(text).ok_or_else(fault)?;
    let millis = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(fault()),
    };
    number.checked_mul(millis).map(Duration::from_millis).ok_or_else(fault)
}

/// Reads a size in bytes.
///
/// # Errors
/// [`UnitError::Size`], which shows how to write one.
pub fn parse_size(text: &str) -> Result<u64, UnitError> {
    let fault = || UnitError::Size(text.to_owned());
    let (number, unit) = split(text).ok_or_else(fault)?;
    let bytes = match unit {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err(fault()),
    };
    number.checked_mul(bytes).ok_or_else(fault)
}

fn split(text: &str) -> Option<(u64, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    Some((text[..digits].parse().ok()?, text[digits..].trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let check = |text: &str, expected: Option<u64>| {
            assert_eq!(parse_duration(text).ok(), expected.map(Duration::from_millis), "{text}");
        };
        check("500ms", Some(500));
        check("1s", Some(1000));
        check("5 m", Some(300_000));
        check("2h", Some(7_200_000));
        check("1d", Some(86_400_000));
        check("1", None);
        check("1.5s", None);
        check("-1s", None);
        check("s", None);
        check("", None);
        check("99999999999999999999s", None);
        check("9999999999999999999s", None);
    }

    #[test]
    fn sizes() {
        let check = |text: &str, expected: Option<u64>| assert_eq!(parse_size(text).ok(), expected, "{text}");
        check("4096", Some(4096));
        check("0", Some(0));
        check("64KiB", Some(65_536));
        check("256 MiB", Some(268_435_456));
        check("1GiB", Some(1 << 30));
        check("256MB", None);
        check("1kib", None);
        check("KiB", None);
        check("99999999999GiB", None);
    }
}
