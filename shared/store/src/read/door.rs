//! A door to the search, for whoever types anything into it (tests/harness/fuzz): what a text becomes and where that stands in
//! another, without a store.

use std::ops::Range;

use super::query::{Form, Query, QueryError};
use super::search::scratch::{Needle, Scratch, clean};
use super::search::{Lowered, needle};
use super::{Places, search};
use crate::error::Error;

/// The tokenizers of the indexes.
#[derive(Debug)]
pub struct Search(Scratch);

/// A term of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// As it was typed.
    pub text: String,
    /// The place of its clause.
    pub clause: usize,
    /// It holds where it is not found.
    pub negated: bool,
    /// Its last word may go on.
    pub beginning: bool,
    /// Where it stands, in bytes, by the engine; `None` if no word is in it.
    pub found: Option<Vec<Range<usize>>>,
    /// The same by our own reading, where the text is plain and the term may stand there.
    pub plain: Option<Vec<Range<usize>>>,
}

impl Search {
    /// Makes the tables in memory.
    ///
    /// # Errors
    /// The engine's.
    pub fn new() -> Result<Self, Error> {
        Scratch::new().map(Self)
    }

    /// A text as searches see it.
    pub fn clean(text: &str) -> String {
        clean(text)
    }

    /// The terms of what was typed and where each stands in a clean text; `None` if nothing was typed.
    ///
    /// # Errors
    /// Why it is no query; the engine's are panics, for there is none that a text may bring about.
    ///
    /// # Panics
    /// When the engine refuses what was made of a text.
    pub fn look(&self, typed: &str, text: &str) -> Result<Option<Vec<Term>>, QueryError> {
        let Some(query) = Query::parse(typed, Places::EVERYWHERE)? else { return Ok(None) };
        let lowered = Lowered::of(text);
        let mut terms = Vec::new();
        for (clause, term) in query.clauses().iter().enumerate().flat_map(|(at, it)| it.0.iter().map(move |t| (at, t)))
        {
            let refused = |error: Error| -> ! { panic!("the engine refuses {:?}: {error}", term.text) };
            let words = self.0.words(&term.text).unwrap_or_else(|error| refused(error));
            let needle = (!words.is_empty()).then(|| needle(term, &words));
            let find = |needle: &Needle| {
                let found = self.0.find(text, &[needle], true).unwrap_or_else(|error| refused(error));
                found.into_iter().next().unwrap_or_default()
            };
            let plain = needle.as_ref().and_then(|needle| {
                let places = needle.plain.as_ref()?.places(lowered.as_ref()?, true);
                Some(search::united(places))
            });
            terms.push(Term {
                text: term.text.clone(),
                clause,
                negated: term.negated,
                beginning: term.form == Form::Beginning,
                found: needle.as_ref().map(find),
                plain,
            });
        }
        Ok(Some(terms))
    }
}
