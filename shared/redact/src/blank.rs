//! Hiding for good: each byte of a secret becomes `*`, and no other byte changes.

use std::borrow::Cow;
use std::ops::Range;

use crate::Rules;
use crate::json::{Document, Of};
use crate::mask::{Marks, replaced};

impl Rules {
    /// Hides the secrets in the strings and names of a record of Claude Code, or of a line or several of them, and says how many
    /// there were. The document keeps its length and every byte that is none of a secret, and stays JSON. What is no JSON is
    /// taken as text. What a record is told apart and joined by stays.
    ///
    /// A secret that is written with escapes is hidden whole, in JSON that stands in a string too. A number is never a secret
    /// here: `*` would be none.
    pub fn blank(&self, json: &mut [u8]) -> usize {
        self.blank_json(json, Of::Record)
    }

    /// The same in a JSON value of a record, such as what a tool was given.
    pub fn blank_value(&self, json: &mut [u8]) -> usize {
        self.blank_json(json, Of::Value)
    }

    fn blank_json(&self, json: &mut [u8], of: Of) -> usize {
        let found = str::from_utf8(json).ok().and_then(|text| self.in_json(text, of));
        let Some(found) = found else { return self.blank_text(json) };
        found.iter().flatten().for_each(|range| json[range.clone()].fill(b'*'));
        found.len()
    }

    /// Hides the secrets in a text of any bytes, and says how many there were. It keeps its length and every other byte.
    pub fn blank_text(&self, bytes: &mut [u8]) -> usize {
        let mut found = Vec::new();
        let mut start = 0;
        for chunk in bytes.utf8_chunks() {
            let places = self.find(chunk.valid()).into_iter();
            found.extend(places.map(|secret| start + secret.range.start..start + secret.range.end));
            start += chunk.valid().len() + chunk.invalid().len();
        }
        found.iter().for_each(|range| bytes[range.clone()].fill(b'*'));
        found.len()
    }

    /// A JSON value with `[REDACTED:rule-id]` for each secret in its strings and names. What is no JSON is taken as text.
    pub fn masked_json<'j>(&self, json: &'j str) -> Cow<'j, str> {
        let Some(document) = Document::read(json, Of::Value) else { return self.masked(json) };
        let mut marks = Marks::of(&document.text);
        let found = self.find(&document.text);
        let places = found.iter().flat_map(|secret| {
            let mark = marks.mark(secret);
            document.within(&secret.range).map(move |range| (range, mark.clone()))
        });
        replaced(json, places)
    }

    /// Where a document has its secrets: each in one place, or in several if it goes over more than one string. `None` if this
    /// is no document.
    fn in_json(&self, json: &str, of: Of) -> Option<Vec<Vec<Range<usize>>>> {
        let document = Document::read(json, of)?;
        let places = self.find(&document.text).into_iter().map(|secret| document.within(&secret.range).collect());
        Some(places.filter(|ranges: &Vec<_>| !ranges.is_empty()).collect())
    }
}
