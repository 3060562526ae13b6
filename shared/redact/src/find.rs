//! Where in a text the secrets are.
//!
//! However often a text names what a secret could follow, each of its bytes is looked at a few times for each rule: a keyword
//! that fails sees little, and one that stands in what its rule has matched already is tried a few times at most.

use std::ops::Range;

use crate::Rules;
use crate::candidate::{Window, starts_clean};
use crate::rules::{Place, Ready};

/// A secret in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found<'r> {
    /// Its bytes.
    pub range: Range<usize>,
    /// The id of the rule that found it.
    pub rule: &'r str,
}

/// A secret, and which rule found it.
struct Hit {
    range: Range<usize>,
    rule: usize,
}

/// What a rule matched last: up to there, and how often it is tried again before that.
#[derive(Clone, Copy, Default)]
struct Tried {
    until: usize,
    again: u8,
}

/// What was found so far, and how far each rule is.
struct Search {
    hits: Vec<Hit>,
    tried: Vec<Tried>,
}

/// In a match there may be another keyword, whose match goes further or is a secret where the first is none.
const AGAIN: u8 = 4;

impl Rules {
    /// The secrets of `text`, in order; none overlaps another. Where two did they are one, named by the rule that stands first.
    pub fn find<'r>(&'r self, text: &str) -> Vec<Found<'r>> {
        let mut search = Search { hits: Vec::new(), tried: vec![Tried::default(); self.rules.len()] };
        let mut wanted: Vec<usize> = self.always.clone();
        for keyword in self.keywords.find_overlapping_iter(text) {
            for &rule in &self.called[keyword.pattern().as_usize()] {
                match self.rules[rule].place {
                    Place::AtKeyword { .. } => self.at_keyword(text, keyword.range(), rule, &mut search),
                    Place::Anywhere if !wanted.contains(&rule) => wanted.push(rule),
                    Place::Anywhere => {}
                }
            }
        }
        for rule in wanted {
            self.anywhere(text, rule, &mut search.hits);
        }
        self.joined(search.hits)
    }

    fn at_keyword(&self, text: &str, keyword: Range<usize>, index: usize, search: &mut Search) {
        let (rule, Search { hits, tried }) = (&self.rules[index], search);
        let Place::AtKeyword { back, reach, glued } = rule.place else { return };
        let tried = &mut tried[index];
        if keyword.start < tried.until && tried.again == 0 {
            return;
        }
        // Behind a secret a word begins, as it does once that is hidden: so hiding twice finds nothing new. Within one too: of
        // two that stand together the first may take the beginning of the second.
        let clean = |hits: &[Hit], at: usize| {
            glued
                || starts_clean(text, at)
                || hits.iter().rev().take(4).any(|hit| (hit.range.start..=hit.range.end).contains(&at))
        };
        let before = &text.as_bytes()[..keyword.start];
        let is_behind = |word: &String| ends_with(before, word.as_bytes());
        if back == 0 && !clean(hits, keyword.start) || rule.not_behind.iter().any(is_behind) {
            return;
        }
        let Some(window) = Window::around(text, &keyword, back, reach, &rule.pattern) else { return };
        for captures in rule.pattern.captures_iter(window.text) {
            let Some((whole, secret)) = parts(&captures, window.start) else { continue };
            if whole.start > keyword.start {
                return;
            }
            // A match that begins before the keyword holds it.
            if whole.end < keyword.end || !clean(hits, whole.start) {
                continue;
            }
            // What hardly goes further is work for nothing.
            let is_new = whole.end.saturating_sub(tried.until) * 4 >= whole.len();
            let again = if is_new { AGAIN } else { tried.again.saturating_sub(1) };
            *tried = Tried { until: tried.until.max(whole.end), again };
            self.accept(text, rule, index, [Some(secret), core(&captures, window.start)], hits);
        }
    }

    fn anywhere(&self, text: &str, index: usize, hits: &mut Vec<Hit>) {
        let rule = &self.rules[index];
        for captures in rule.pattern.captures_iter(text) {
            if let Some((_, secret)) = parts(&captures, 0) {
                self.accept(text, rule, index, [Some(secret), core(&captures, 0)], hits);
            }
        }
    }

    /// Takes the first of these for a secret, if any is one.
    fn accept(&self, text: &str, rule: &Ready, index: usize, parts: [Option<Range<usize>>; 2], hits: &mut Vec<Hit>) {
        let mut parts = parts.into_iter().flatten().map(|range| whole_escapes(text, range)).peekable();
        let Some(range) = parts.peek().cloned() else { return };
        let is_secret = |part: &str| rule.accepts(part) && !self.allow.is_match(part);
        if parts.any(|part| is_secret(&text[part])) {
            hits.push(Hit { range, rule: index });
        }
    }

    fn joined(&self, mut hits: Vec<Hit>) -> Vec<Found<'_>> {
        hits.sort_by_key(|hit| (hit.range.start, hit.rule));
        let mut joined: Vec<Hit> = Vec::with_capacity(hits.len());
        for hit in hits {
            match joined.last_mut() {
                Some(last) if hit.range.start < last.range.end => {
                    last.range.end = last.range.end.max(hit.range.end);
                    last.rule = last.rule.min(hit.rule);
                }
                _ => joined.push(hit),
            }
        }
        joined.into_iter().map(|hit| Found { range: hit.range, rule: &self.rules[hit.rule].id }).collect()
    }
}

/// Whether it does, in any case of letters.
fn ends_with(text: &[u8], end: &[u8]) -> bool {
    text.len().checked_sub(end.len()).is_some_and(|from| text[from..].eq_ignore_ascii_case(end))
}

/// The match and the secret in it, as places in the text.
fn parts(captures: &regex::Captures<'_>, from: usize) -> Option<(Range<usize>, Range<usize>)> {
    let whole = captures.get(0)?;
    let secret = captures.iter().skip(1).flatten().find(|group| !group.is_empty()).unwrap_or(whole);
    let place = |found: regex::Match<'_>| from + found.start()..from + found.end();
    Some((place(whole), place(secret)))
}

/// What of the secret is one whatever else it holds.
fn core(captures: &regex::Captures<'_>, from: usize) -> Option<Range<usize>> {
    captures.name("core").map(|found| from + found.start()..from + found.end())
}

/// In JSON that stands in a text a secret may begin or end amid an escape, such as the one of the quotation mark behind it:
/// that belongs to it as a whole or not at all.
fn whole_escapes(text: &str, range: Range<usize>) -> Range<usize> {
    let odd = |end: usize| text.as_bytes()[..end].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1;
    let start = if odd(range.start) { range.start - 1 } else { range.start };
    let end = if range.end > range.start && odd(range.end) { range.end - 1 } else { range.end };
    start..end.max(start)
}
