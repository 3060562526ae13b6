//! Money without floats: exact while it is added up, rounded to a millionth of a dollar when it is shown.

use std::fmt;
use std::ops::Add;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// An amount of US dollars, kept in picodollars: a price of a millionth of a dollar for a million tokens is one of them a
/// token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Usd(u128);

impl Usd {
    /// So many picodollars.
    pub fn from_pico(pico: u128) -> Self {
        Self(pico)
    }

    /// In picodollars.
    pub fn pico(self) -> u128 {
        self.0
    }

    /// In dollars, for people and pictures.
    pub fn dollars(self) -> f64 {
        self.micros() as f64 / 1e6
    }

    /// Rounded to millionths of a dollar.
    pub fn micros(self) -> u128 {
        self.0.saturating_add(500_000) / 1_000_000
    }
}

impl Add for Usd {
    type Output = Self;

    fn add(self, more: Self) -> Self {
        Self(self.0.saturating_add(more.0))
    }
}

/// As `0.012345`.
impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.micros();
        write!(f, "{}.{:06}", micros / 1_000_000, micros % 1_000_000)
    }
}

/// As a JSON number with those digits.
impl Serialize for Usd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.to_string()).map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounded_when_shown() {
        let check = |pico, expected: &str| {
            assert_eq!(Usd(pico).to_string(), expected);
            assert_eq!(serde_json::to_string(&Usd(pico)).unwrap(), expected);
        };
        check(0, "0.000000");
        check(499_999, "0.000000");
        check(500_000, "0.000001");
        check(12_345_678_901, "0.012346");
        check(75_000_000_000_000, "75.000000");
    }
}
