//! Hiding for the eye: a secret's place says which rule found it.

use std::borrow::Cow;
use std::ops::Range;

use crate::tell::MASK;
use crate::{Found, Rules};

impl Rules {
    /// `text` with `[REDACTED:rule-id]` for each secret.
    pub fn masked<'t>(&self, text: &'t str) -> Cow<'t, str> {
        replaced(text, self.find(text).into_iter().map(|found| (found.range, found.rule)))
    }
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
