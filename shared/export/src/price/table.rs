//! The price table: its form in the data file, and the price of a message by it.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, NaiveDate};
use serde::{Deserialize, Deserializer, de};
use serde_json::value::RawValue;
use store::read::Usage;

use super::{Cost, Usd, model};

/// A message that Claude Code made itself.
const SYNTHETIC: &str = "<synthetic>";
/// Stands for the model of a message that names none.
const NAMELESS: &str = "(no model)";

/// The prices of each model, by its plain name.
#[derive(Debug, Default)]
pub(super) struct Table(BTreeMap<String, Vec<Price>>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[expect(dead_code, reason = "read by people")]
    about: Vec<String>,
    #[expect(dead_code, reason = "read by people")]
    as_of: NaiveDateText,
    models: Vec<Model>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Model {
    names: Vec<String>,
    prices: Vec<Price>,
}

/// Dollars for a million tokens, within some time.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Price {
    since: Option<NaiveDateText>,
    until: Option<NaiveDateText>,
    input: Rate,
    cache_write_5m: Rate,
    cache_write_1h: Rate,
    cache_read: Rate,
    output: Rate,
    long: Option<Long>,
}

/// The same for a request with a long prompt.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Long {
    above: u64,
    input: Rate,
    cache_write_5m: Rate,
    cache_write_1h: Rate,
    cache_read: Rate,
    output: Rate,
}

/// `2026-03-13`.
#[derive(Clone, Copy, Debug)]
struct NaiveDateText(NaiveDate);

/// Picodollars a token, which is the same number as millionths of a dollar for a million tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rate(u64);

impl Table {
    /// Reads the data file.
    pub(super) fn parse(json: &str) -> Result<Self, serde_json::Error> {
        let file: File = serde_json::from_str(json)?;
        let mut table = BTreeMap::new();
        for model in file.models {
            for name in model.names {
                if model::plain(&name) != name || table.insert(name.clone(), model.prices.clone()).is_some() {
                    return Err(de::Error::custom(format!("{name} is no plain name, or there twice")));
                }
            }
        }
        Ok(Self(table))
    }

    /// What these tokens cost at that time.
    pub(super) fn cost(&self, usage: &Usage, at_ms: i64) -> Cost {
        let tokens = |count: i64| u128::from(count.max(0).unsigned_abs());
        let hour = tokens(usage.cache_creation_1h_tokens).min(tokens(usage.cache_creation_tokens));
        let minutes = tokens(usage.cache_creation_tokens) - hour;
        let (input, read, output) =
            (tokens(usage.input_tokens), tokens(usage.cache_read_tokens), tokens(usage.output_tokens));
        let prompt = input + minutes + hour + read;
        if prompt + output == 0 || usage.model.as_deref() == Some(SYNTHETIC) {
            return Cost::Known(Usd::default());
        }
        let Some(id) = usage.model.as_deref() else { return Cost::Unknown(NAMELESS.to_owned()) };
        let day = DateTime::from_timestamp_millis(at_ms).map(|time| time.date_naive()).unwrap_or_default();
        let valid = |price: &&Price| {
            price.since.is_none_or(|since| day >= since.0) && price.until.is_none_or(|until| day < until.0)
        };
        let Some(price) = self.0.get(&model::plain(id)).and_then(|prices| prices.iter().find(valid)) else {
            return Cost::Unknown(id.to_owned());
        };
        let rates = match &price.long {
            Some(long) if prompt > u128::from(long.above) => {
                [long.input, long.cache_write_5m, long.cache_write_1h, long.cache_read, long.output]
            }
            _ => [price.input, price.cache_write_5m, price.cache_write_1h, price.cache_read, price.output],
        };
        let counts = [input, minutes, hour, read, output];
        Cost::Known(Usd::from_pico(counts.iter().zip(rates).map(|(count, rate)| count * u128::from(rate.0)).sum()))
    }

    /// Every name in it.
    #[cfg(test)]
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl<'de> Deserialize<'de> for Rate {
    /// From the digits of the number, never by way of a float.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = Box::<RawValue>::deserialize(deserializer)?;
        decimal(number.get()).map(Self).ok_or_else(|| de::Error::custom(format!("{number} is no price")))
    }
}

/// Millionths of a decimal number.
fn decimal(text: &str) -> Option<u64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    if part.is_empty() || part.len() > 6 || !part.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let whole: u64 = whole.parse().ok()?;
    let part: u64 = format!("{part:0<6}").parse().ok()?;
    whole.checked_mul(1_000_000)?.checked_add(part)
}

impl<'de> Deserialize<'de> for NaiveDateText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(de::Error::custom)
    }
}

impl fmt::Display for NaiveDateText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals() {
        let check = |text, expected| assert_eq!(decimal(text), expected, "{text}");
        check("3", Some(3_000_000));
        check("3.75", Some(3_750_000));
        check("0.025", Some(25_000));
        check("0.000001", Some(1));
        for bad in ["", "-1", "1.", ".5", "1e3", "0.0000001", "\"3\"", "3.x"] {
            check(bad, None);
        }
    }

    #[test]
    fn a_wrong_file_is_refused() {
        for bad in [
            "{}",
            r#"{"about": [], "as_of": "2026-13-01", "models": []}"#,
            r#"{"about": [], "as_of": "2026-01-01", "models": [{"names": ["claude-x-20250101"], "prices": []}]}"#,
            r#"{"about": [], "as_of": "2026-01-01", "models": [{"names": ["a", "a"], "prices": []}]}"#,
        ] {
            assert!(Table::parse(bad).is_err(), "{bad}");
        }
    }
}
