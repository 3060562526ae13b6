//! Hiding for the eye, and taking back what was sent by somebody who saw only that.
//!
//! A secret's place says which rule found it. Of one rule the second secret of a text that is another one has `:2` behind, and a
//! mark that the text holds itself is given to none. So in one text the same mark is always the same secret, and a text that
//! comes back with its lines in another order is understood.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use crate::rules::is_id;
use crate::tell::MASK;
use crate::{Found, Rules};

/// What is between `[REDACTED:` and `]` is no longer.
const LONGEST: usize = 96;
/// No text that is sent back is so long.
const MOST: usize = 1 << 20;

/// Why a text is not taken back; each is a sentence's end behind the name of what it was to be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unplaced {
    /// A secret would be shown there, or what is hidden would be more or less than it.
    #[error("the mark {0} needs the words that stood around it, or else its secret would not be hidden")]
    Bare(String),
    /// It stands for nothing in the text as it is now, but it did.
    #[error("the mark {0} is of an earlier text: read the text again, or leave the mark out")]
    Earlier(String),
    /// A short text may have many marks, and each may stand for a long secret.
    #[error("would be too long with the secrets in the places of its marks")]
    Long,
}

impl Rules {
    /// `text` with `[REDACTED:rule-id]` for each secret.
    pub fn masked<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut marks = Marks::of(text);
        replaced(text, self.find(text).into_iter().map(|it| (it.range.clone(), marks.mark(&it))))
    }

    /// The first `most` bytes of `text`, or a few less, with `[REDACTED:rule-id]` for each secret that begins there. So much as
    /// `beyond` is looked at behind the end: what is cut off in the middle of a secret is known by what follows.
    pub fn masked_beginning(&self, text: &str, most: usize, beyond: usize) -> String {
        let seen = &text[..text.floor_char_boundary(most.saturating_add(beyond))];
        let (mut marks, found) = (Marks::of(seen), self.find(seen));
        let begun = found.iter().take_while(|it| it.range.start < most);
        let end = begun.clone().last().map_or(0, |it| it.range.end).max(text.floor_char_boundary(most));
        replaced(&seen[..end], begun.map(|it| (it.range.clone(), marks.mark(it)))).into_owned()
    }

    /// What was said by who saw the first of `seen` masked, with the secrets in the places of its marks. Who sends one of the
    /// others back as he saw it, as an undo does, means that one. Marks of no text of these are text.
    ///
    /// # Errors
    /// A mark that cannot be what it was. Nothing that is taken back shows a secret, or has one in the place of another.
    pub fn restored<'t>(&self, said: &'t str, seen: &[&str]) -> Result<Cow<'t, str>, Unplaced> {
        if marks(said).next().is_none() {
            return Ok(Cow::Borrowed(said));
        }
        if let Some(same) = seen.iter().find(|text| self.masked(text) == said) {
            return Ok(Cow::Owned((*same).to_owned()));
        }
        let (now, earlier) = seen.split_first().map_or(("", seen), |(now, earlier)| (*now, earlier));
        let secrets = self.secrets(now);
        let (mut restored, mut done, mut placed) = (String::new(), 0, Vec::new());
        for at in marks(said) {
            let mark = &said[at.clone()];
            let Some((secret, rule)) = secrets.get(mark) else {
                if !now.contains(mark) && earlier.iter().any(|text| self.secrets(text).contains_key(mark)) {
                    return Err(Unplaced::Earlier(mark.to_owned()));
                }
                continue;
            };
            restored.push_str(&said[done..at.start]);
            let start = restored.len();
            restored.push_str(secret);
            placed.push((Found { range: start..restored.len(), rule }, mark));
            done = at.end;
            if restored.len() > MOST {
                return Err(Unplaced::Long);
            }
        }
        restored.push_str(&said[done..]);
        let found = self.find(&restored);
        let is_found = |secret: &Found<'_>| {
            let at = found.binary_search_by_key(&secret.range.start, |it| it.range.start);
            at.is_ok_and(|at| found[at] == *secret)
        };
        match placed.into_iter().find(|(secret, _)| !is_found(secret)) {
            Some((_, mark)) => Err(Unplaced::Bare(mark.to_owned())),
            None => Ok(Cow::Owned(restored)),
        }
    }

    /// What each mark of a text stands for, and whose it is.
    fn secrets<'t>(&self, text: &'t str) -> BTreeMap<String, (&'t str, &str)> {
        let mut marks = Marks::of(text);
        self.find(text).into_iter().map(|it| (marks.mark(&it), (&text[it.range.clone()], it.rule))).collect()
    }
}

/// Gives the secrets of a text their marks.
pub(crate) struct Marks<'t> {
    text: &'t str,
    /// Those that stand in it as they are.
    own: Vec<&'t str>,
    given: BTreeMap<(String, &'t str), String>,
    numbers: BTreeMap<String, usize>,
}

impl<'t> Marks<'t> {
    pub(crate) fn of(text: &'t str) -> Self {
        let mut own: Vec<&str> = marks(text).map(|at| &text[at]).collect();
        own.sort_unstable();
        Self { text, own, given: BTreeMap::new(), numbers: BTreeMap::new() }
    }

    pub(crate) fn mark(&mut self, found: &Found<'_>) -> String {
        let Self { text, own, given, numbers } = self;
        let free = || {
            let number = numbers.entry(found.rule.to_owned()).or_default();
            loop {
                *number += 1;
                let mark = match *number {
                    1 => format!("{MASK}{}]", found.rule),
                    more => format!("{MASK}{}:{more}]", found.rule),
                };
                if own.binary_search(&mark.as_str()).is_err() {
                    return mark;
                }
            }
        };
        given.entry((found.rule.to_owned(), &text[found.range.clone()])).or_insert_with(free).clone()
    }
}

/// Where a text has marks.
fn marks(text: &str) -> impl Iterator<Item = Range<usize>> {
    text.match_indices(MASK).filter_map(|(at, _)| {
        let inside = &text[at + MASK.len()..];
        let length = inside.bytes().take(LONGEST).position(|byte| byte == b']')?;
        let (rule, number) = inside[..length].split_once(':').unwrap_or((&inside[..length], "2"));
        let is_number = number.parse::<usize>().is_ok_and(|it| it > 1 && it.to_string() == number);
        (is_id(rule) && is_number).then_some(at..at + MASK.len() + length + 1)
    })
}

/// The text with a mark in each place.
pub(crate) fn replaced(text: &str, places: impl Iterator<Item = (Range<usize>, String)>) -> Cow<'_, str> {
    let mut masked = String::new();
    let mut done = 0;
    for (range, mark) in places {
        masked.push_str(&text[done..range.start]);
        masked.push_str(&mark);
        done = range.end;
    }
    if done == 0 {
        return Cow::Borrowed(text);
    }
    masked.push_str(&text[done..]);
    Cow::Owned(masked)
}
