//! Hiding for the eye: a secret's place says which rule found it.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

use crate::tell::MASK;
use crate::{Found, Rules};

impl Rules {
    /// `text` with `[REDACTED:rule-id]` for each secret.
    pub fn masked<'t>(&self, text: &'t str) -> Cow<'t, str> {
        replaced(text, self.find(text).into_iter().map(|found| (found.range, found.rule)))
    }
}

/// A rule's marks, and the secrets that they stand for, in order.
type Marks<'t> = BTreeMap<String, VecDeque<&'t str>>;

impl Rules {
    /// What was said with marks in it by who saw one of `seen` masked, with the secrets in their places again: of the first of
    /// these that has as many for each mark. Where none has, the marks stay.
    pub fn restored<'t>(&self, said: &'t str, seen: &[&str]) -> Cow<'t, str> {
        if !said.contains(MASK) {
            return Cow::Borrowed(said);
        }
        let restored = seen.iter().find_map(|text| put_back(said, self.marks(text)));
        restored.map_or(Cow::Borrowed(said), Cow::Owned)
    }

    fn marks<'t>(&self, text: &'t str) -> Marks<'t> {
        let mut marks = Marks::new();
        for found in self.find(text) {
            marks.entry(found.mark()).or_default().push_back(&text[found.range]);
        }
        marks
    }
}

/// `None` if there is a mark without a secret.
fn put_back(said: &str, mut marks: Marks<'_>) -> Option<String> {
    let (mut restored, mut rest) = (String::new(), said);
    while let Some(at) = rest.find(MASK) {
        let end = at + rest[at..].find(']')? + 1;
        restored.push_str(&rest[..at]);
        restored.push_str(marks.get_mut(&rest[at..end])?.pop_front()?);
        rest = &rest[end..];
    }
    restored.push_str(rest);
    Some(restored)
}

/// The text with a mark in each place.
pub(crate) fn replaced<'t, 'r>(text: &'t str, places: impl Iterator<Item = (Range<usize>, &'r str)>) -> Cow<'t, str> {
    let mut masked = String::new();
    let mut done = 0;
    for (range, rule) in places {
        masked.push_str(&text[done..range.start]);
        masked.extend([MASK, rule, "]"]);
        done = range.end;
    }
    if done == 0 {
        return Cow::Borrowed(text);
    }
    masked.push_str(&text[done..]);
    Cow::Owned(masked)
}

impl Found<'_> {
    /// What is shown in its place.
    pub fn mark(&self) -> String {
        format!("{MASK}{}]", self.rule)
    }
}
