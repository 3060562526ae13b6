//! How a bench hands its figures to `ops/bench`: beside the table that a person reads, a line of JSON for each figure, in
//! the file that `$PROMPT_MANAGER_BENCH_FIGURES` names.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

use serde_json::{Value, json};

/// One measured number, and the least that it could be.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// Of what, in the words of the table.
    pub what: String,
    /// How much.
    pub value: f64,
    /// Of which unit; what ends in `/s` is the better the larger it is.
    pub unit: String,
    /// What it is held against, in the same unit.
    pub floor: Option<Floor>,
}

/// What nothing that does the same can be better than, measured in the same run.
#[derive(Clone, Debug, PartialEq)]
pub struct Floor {
    /// What was measured.
    pub what: String,
    /// How much.
    pub value: f64,
}

impl Figure {
    /// One without a floor.
    pub fn new(what: impl Into<String>, value: f64, unit: &str) -> Self {
        Self { what: what.into(), value, unit: unit.to_owned(), floor: None }
    }

    /// The same beside its floor.
    #[must_use]
    pub fn beside(mut self, what: &str, value: f64) -> Self {
        self.floor = Some(Floor { what: what.to_owned(), value });
        self
    }

    /// How many times the cost of the floor this is.
    pub fn times(&self) -> Option<f64> {
        let floor = self.floor.as_ref()?.value;
        Some(if self.unit.ends_with("/s") { floor / self.value } else { self.value / floor })
    }

    /// Hands it over, if somebody asked for it.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn tell(&self) {
        let Some(path) = std::env::var_os("PROMPT_MANAGER_BENCH_FIGURES") else { return };
        let floor = self.floor.as_ref().map(|floor| json!([floor.what, floor.value]));
        let line = json!({"what": self.what, "value": self.value, "unit": self.unit, "floor": floor});
        let file = OpenOptions::new().create(true).append(true).open(&path);
        let written = file.and_then(|mut file| writeln!(file, "{line}"));
        written.unwrap_or_else(|error| panic!("write {}: {error}", Path::new(&path).display()));
    }

    /// All that were handed over in this file; none if there is no such file.
    ///
    /// # Panics
    /// When a line is no figure.
    pub fn read(path: &Path) -> Vec<Self> {
        let text = fs::read_to_string(path).unwrap_or_default();
        let figure = |line| Self::parse(line).unwrap_or_else(|| panic!("no figure: {line}"));
        text.lines().map(figure).collect()
    }

    fn parse(line: &str) -> Option<Self> {
        let line: Value = serde_json::from_str(line).ok()?;
        let floor = match &line["floor"] {
            Value::Null => None,
            pair => Some(Floor { what: pair[0].as_str()?.to_owned(), value: pair[1].as_f64()? }),
        };
        let (what, unit) = (line["what"].as_str()?.to_owned(), line["unit"].as_str()?.to_owned());
        Some(Self { what, value: line["value"].as_f64()?, unit, floor })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_held_against_its_floor_the_other_way_round() {
        let check = |value, unit, floor, times| {
            assert_eq!(Figure::new("it", value, unit).beside("the least", floor).times(), Some(times));
        };
        check(3.0, "ms", 2.0, 1.5);
        check(2.0, "files/s", 3.0, 1.5);
        assert_eq!(Figure::new("it", 1.0, "ms").times(), None);
    }

    #[test]
    fn a_line_that_is_no_figure_is_none() {
        assert_eq!(
            Figure::parse(r#"{"what":"it","value":1.5,"unit":"ms","floor":["least",1]}"#),
            Some(Figure::new("it", 1.5, "ms").beside("least", 1.0))
        );
        assert_eq!(Figure::parse(r#"{"what":"it","value":null,"unit":"ms","floor":null}"#), None);
        assert_eq!(Figure::parse("hello"), None);
    }
}
