//! A set of rules, ready to be used.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use regex::{Regex, RegexBuilder};
use serde::Deserialize;

use crate::rule::Unlike;
use crate::{Entropy, Rule};

const OURS: &str = include_str!("../rules.toml");
/// What a pattern sees from its keyword on, where the rule does not say.
const REACH: usize = 512;
/// What one pattern may take of memory when compiled: a pattern with `{1,9999}` in it is told, not suffered.
const SIZE: usize = 4 << 20;

/// A set of rules that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A pattern is none.
    #[error("rule `{id}`: {problem}")]
    Pattern {
        /// Whose.
        id: String,
        /// What is wrong, in one line.
        problem: String,
    },
    /// The name of a rule is none.
    #[error("rule `{0}`: an id has letters, digits, `-`, `_` and `.`, at most 64")]
    Id(String),
    /// Too many or too long keywords.
    #[error("keywords: {0}")]
    Keywords(String),
}

/// Rules that are ready to be used.
#[derive(Debug)]
pub struct Rules {
    pub(crate) rules: Vec<Ready>,
    /// Finds all keywords in one reading; which rules each calls for.
    pub(crate) keywords: AhoCorasick,
    pub(crate) called: Vec<Vec<usize>>,
    /// Those that every text is looked through for.
    pub(crate) always: Vec<usize>,
    /// What is never a secret to a person holds one of these.
    pub(crate) allow: AhoCorasick,
}

/// A rule that is ready to be used.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) id: String,
    pub(crate) pattern: Regex,
    pub(crate) place: Place,
    pub(crate) not_behind: Vec<String>,
    pub(crate) entropy: Entropy,
    pub(crate) mixed: bool,
    pub(crate) unlike: Option<Unlike>,
    pub(crate) allow: Vec<String>,
}

/// Where a pattern is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// From so many bytes before a keyword to so many from its beginning on.
    AtKeyword { back: usize, reach: usize, glued: bool },
    /// Anywhere in a text that has a keyword, or in any.
    Anywhere,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    allow: Vec<String>,
    parts: BTreeMap<String, String>,
    rule: Vec<Rule>,
}

impl Rules {
    /// Our own.
    pub fn ours() -> &'static Self {
        static RULES: LazyLock<Rules> = LazyLock::new(|| match Rules::with(&[], &[]) {
            Ok(rules) => rules,
            Err(error) => unreachable!("our own rules, which the tests compile: {error}"),
        });
        &RULES
    }

    /// Our own, then those of a person, and what is never a secret to them.
    ///
    /// # Errors
    /// A rule of theirs that cannot be used.
    pub fn with(theirs: &[Rule], allow: &[String]) -> Result<Self, Error> {
        let rules: Vec<Rule> = document()?.into_iter().chain(theirs.iter().cloned()).collect();
        let allow: Vec<String> = allow.iter().filter(|word| !word.is_empty()).cloned().collect();
        Self::of(&rules, &allow)
    }

    /// Whether the rules of a person can be used.
    ///
    /// # Errors
    /// As [`Rules::with`].
    pub fn check(theirs: &[Rule]) -> Result<(), Error> {
        Self::of(theirs, &[]).map(drop)
    }

    /// What it is called by.
    #[cfg(test)]
    pub(crate) fn words(&self) -> Vec<String> {
        let rules = document().unwrap_or_default().into_iter();
        rules.flat_map(|rule| rule.keywords).collect()
    }

    fn of(rules: &[Rule], allow: &[String]) -> Result<Self, Error> {
        let mut called: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let mut always = Vec::new();
        let mut ready = Vec::new();
        for (index, rule) in rules.iter().enumerate() {
            ready.push(Ready::of(rule)?);
            for keyword in rule.keywords.iter().filter(|word| !word.is_empty()) {
                called.entry(keyword.to_ascii_lowercase()).or_default().push(index);
            }
            if rule.keywords.iter().all(String::is_empty) {
                always.push(index);
            }
        }
        let (keywords, called): (Vec<_>, Vec<_>) = called.into_iter().unzip();
        Ok(Self { rules: ready, keywords: words(&keywords)?, called, always, allow: words(allow)? })
    }

    /// The names of the rules.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(|rule| rule.id.as_str())
    }
}

impl Ready {
    fn of(rule: &Rule) -> Result<Self, Error> {
        if !is_id(&rule.id) {
            return Err(Error::Id(rule.id.clone()));
        }
        let place = match rule.reach {
            Some(reach) if !rule.keywords.is_empty() => Place::AtKeyword { back: rule.back, reach, glued: rule.glued },
            _ => Place::Anywhere,
        };
        // At a keyword, a match begins there and is looked for nowhere else.
        let pattern = match place {
            Place::AtKeyword { back: 0, .. } => format!(r"\A(?:{})", rule.pattern),
            _ => rule.pattern.clone(),
        };
        let pattern = RegexBuilder::new(&pattern).size_limit(SIZE).dfa_size_limit(SIZE).build();
        Ok(Self {
            id: rule.id.clone(),
            pattern: pattern.map_err(|error| Error::Pattern { id: rule.id.clone(), problem: last_line(&error) })?,
            place,
            not_behind: rule.not_behind.clone(),
            entropy: rule.entropy.unwrap_or(Entropy(0)),
            mixed: rule.mixed,
            unlike: rule.unlike,
            allow: rule.allow.iter().map(|word| word.to_ascii_lowercase()).collect(),
        })
    }
}

/// Whether a rule may be called so.
pub(crate) fn is_id(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|sign| sign.is_ascii_alphanumeric() || b"-_.".contains(&sign))
}

/// Our rules, with the parts that their patterns name put in.
fn document() -> Result<Vec<Rule>, Error> {
    let mut document: Document = toml::from_str(OURS)
        .map_err(|error| Error::Pattern { id: "rules.toml".to_owned(), problem: error.to_string() })?;
    // A part may name another: twice is as deep as it goes.
    let parts = document.parts.clone();
    for rule in &mut document.rule {
        rule.reach.get_or_insert(REACH);
        rule.allow.extend_from_slice(&document.allow);
        for (name, part) in parts.iter().chain(&parts) {
            rule.pattern = rule.pattern.replace(&format!("<{name}>"), part);
        }
    }
    Ok(document.rule)
}

/// Finds all of them at once, in any case of letters.
fn words(words: &[String]) -> Result<AhoCorasick, Error> {
    let mut builder = AhoCorasick::builder();
    builder.ascii_case_insensitive(true).match_kind(MatchKind::Standard);
    // A table of all states is fastest; of very many words it would be large.
    let bytes: usize = words.iter().map(String::len).sum();
    let kind = if bytes < 10_000 { AhoCorasickKind::DFA } else { AhoCorasickKind::ContiguousNFA };
    builder.kind(Some(kind)).build(words).map_err(|error| Error::Keywords(error.to_string()))
}

/// An error of a pattern is a drawing over several lines; its last one says what is wrong.
fn last_line(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.trim_start_matches("error: ").to_owned()
}
