//! What people type into a search box: words, `"exact phrases"`, beginnings (`load*`), `OR` between terms and `-not`.
//!
//! Every text is a query. Nothing typed reaches the engine's own query language: a term stands there between quotes, where
//! the tokenizer alone takes it apart, so `load-config` finds two words side by side, and `(`, `^` or `title:` are text.
//! A query is a conjunction: a conversation holds it if it holds one term of each of its clauses, wherever it does so.

use std::fmt;

/// More is no search but a text pasted by mistake.
pub const LONGEST_QUERY: usize = 1000;
/// Each term is asked for in up to five indexes.
pub const MOST_TERMS: usize = 32;

/// A search. [`Query::parse`] makes one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Query {
    clauses: Vec<Clause>,
    places: Places,
}

/// Terms of which one must hold.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Clause(pub(super) Vec<Term>);

/// A word, a phrase or a beginning.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Term {
    /// As it was typed, without quotes, star and minus.
    pub(super) text: String,
    pub(super) form: Form,
    /// It holds where it is not found.
    pub(super) negated: bool,
}

/// How a term was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Form {
    /// Bare: short texts that people wrote are also searched for it as a part of a word.
    Bare,
    /// Between quotes.
    Exact,
    /// With a star: its last word may go on.
    Beginning,
}

/// Why a text is no query. The text fits behind "`q` must".
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// Longer than [`LONGEST_QUERY`].
    #[error("not be longer than {LONGEST_QUERY} characters")]
    TooLong,
    /// More terms than [`MOST_TERMS`].
    #[error("not have more than {MOST_TERMS} words; put a sentence between quotes")]
    TooMany,
}

/// Where a term may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// What was asked.
    Prompt,
    /// What Claude said.
    Answer,
    /// What a tool was given.
    Input,
    /// What a tool gave back.
    Output,
    /// A note.
    Note,
    /// A tag.
    Tag,
    /// The title of the session; it stands for the session's first conversation.
    Title,
}

impl Place {
    /// Every place, in the order of the documentation.
    pub const ALL: &'static [Self] =
        &[Self::Prompt, Self::Answer, Self::Input, Self::Output, Self::Note, Self::Tag, Self::Title];

    /// Its word in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prompt => "prompt",
            Self::Answer => "answer",
            Self::Input => "input",
            Self::Output => "output",
            Self::Note => "note",
            Self::Tag => "tag",
            Self::Title => "title",
        }
    }

    /// The reverse of `as_str`.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|place| place.as_str() == word)
    }
}

/// A set of places; never empty by default: everywhere.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Places(u8);

impl Places {
    /// All of them.
    pub const EVERYWHERE: Self = Self(0b111_1111);

    /// These. None at all mean everywhere.
    pub fn of(places: impl IntoIterator<Item = Place>) -> Self {
        let set = places.into_iter().fold(0, |set, place| set | 1 << place as u8);
        if set == 0 { Self::EVERYWHERE } else { Self(set) }
    }

    /// Whether `place` is among them.
    pub fn has(self, place: Place) -> bool {
        self.0 & 1 << place as u8 != 0
    }
}

impl fmt::Debug for Places {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(Place::ALL.iter().filter(|place| self.has(**place)).map(|place| place.as_str())).finish()
    }
}

impl Query {
    /// Takes a text apart. `None` if nothing was typed; signs that no word holds give a query that nothing holds.
    ///
    /// # Errors
    /// Only for a text beyond the limits.
    pub fn parse(typed: &str, places: Places) -> Result<Option<Self>, QueryError> {
        if typed.trim().is_empty() {
            return Ok(None);
        }
        if typed.chars().count() > LONGEST_QUERY {
            return Err(QueryError::TooLong);
        }
        let clauses = clauses(pieces(typed));
        if clauses.iter().map(|clause| clause.0.len()).sum::<usize>() > MOST_TERMS {
            return Err(QueryError::TooMany);
        }
        Ok(Some(Self { clauses, places }))
    }

    /// Whether it holds no word, so that nothing can be found.
    pub fn is_empty(&self) -> bool {
        self.clauses.is_empty()
    }

    /// Where it looks.
    pub fn places(&self) -> Places {
        self.places
    }

    pub(super) fn clauses(&self) -> &[Clause] {
        &self.clauses
    }
}

/// A piece of the text: a term, or one of the two bare words that join terms.
enum Piece {
    Term(Term),
    Or(Term),
    And(Term),
}

fn pieces(typed: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = typed;
    while let Some(start) = rest.find(|c: char| !is_space(c)) {
        rest = &rest[start..];
        // `--flag` is the text of a flag, `-` alone a dash.
        let unsigned = rest.strip_prefix('-').filter(|after| !after.starts_with(|c: char| c == '-' || is_space(c)));
        let (negated, body) = unsigned.filter(|after| !after.is_empty()).map_or((false, rest), |after| (true, after));
        let (text, form, after) = term(body);
        let term = Term { text: cleaned(text), form, negated };
        pieces.push(match (text, form, negated) {
            ("OR", Form::Bare, false) => Piece::Or(term),
            ("AND", Form::Bare, false) => Piece::And(term),
            _ => Piece::Term(term),
        });
        rest = after;
    }
    pieces
}

/// The first term of a text, and what follows it.
fn term(text: &str) -> (&str, Form, &str) {
    let (term, after, form) = match text.strip_prefix('"') {
        // A phrase without its closing quote goes on to the end: people search while they type.
        Some(phrase) => {
            let (term, after) = phrase.split_once('"').unwrap_or((phrase, ""));
            (term, after, Form::Exact)
        }
        None => {
            let (term, after) = text.split_at(text.find(|c: char| is_space(c) || c == '"').unwrap_or(text.len()));
            (term, after, Form::Bare)
        }
    };
    // A star directly behind a phrase makes its last word a beginning, as behind a word.
    let (star, after) = match (after.strip_prefix('*'), form) {
        (Some(after), _) => (true, after),
        (None, Form::Bare) => (term.ends_with('*'), after),
        (None, _) => (false, after),
    };
    let form = match star {
        // Half of all words may begin with one given letter; asking for them takes longer than anybody waits.
        true if last_word(term).chars().nth(1).is_none() => Form::Exact,
        true => Form::Beginning,
        false => form,
    };
    (term, form, after)
}

fn last_word(term: &str) -> &str {
    let term = term.trim_end_matches(|c| !is_word_sign(c));
    &term[term.rfind(|c| !is_word_sign(c)).map_or(0, |at| at + term[at..].chars().next().map_or(0, char::len_utf8))..]
}

fn clauses(pieces: Vec<Piece>) -> Vec<Clause> {
    // Who types nothing but OR looks for that word.
    let joining = pieces.iter().any(|piece| matches!(piece, Piece::Term(_)));
    let mut clauses: Vec<Clause> = Vec::new();
    let mut or = false;
    for piece in pieces {
        match piece {
            Piece::Or(_) if joining => or = true,
            Piece::And(_) if joining => {}
            Piece::Term(term) | Piece::Or(term) | Piece::And(term) => {
                match clauses.last_mut() {
                    Some(clause) if or => clause.0.push(term),
                    _ => clauses.push(Clause(vec![term])),
                }
                or = false;
            }
        }
    }
    // A term without a word says nothing, so it leaves what stands beside it as it is.
    clauses.iter_mut().for_each(|clause| clause.0.retain(|term| term.text.chars().any(is_word_sign)));
    clauses.retain(|clause| !clause.0.is_empty());
    clauses
}

/// What can stand between the quotes of the engine's language.
fn cleaned(text: &str) -> String {
    text.chars().map(|c| if is_space(c) || c == '"' { ' ' } else { c }).collect()
}

/// Control characters too: the engine would end the expression at a NUL.
fn is_space(c: char) -> bool {
    c.is_whitespace() || c.is_control()
}

fn is_word_sign(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A query in the notation of these tests: clauses between spaces, alternatives between bars, `!` before what must not
    /// hold, words with spaces between brackets, exact ones between quotes, beginnings with a star.
    fn told(query: &Query) -> String {
        let term = |term: &Term| {
            let text = match term.form {
                Form::Bare => term.text.clone(),
                Form::Exact => format!("{:?}", term.text),
                Form::Beginning => format!("{}*", term.text.trim_end_matches('*')),
            };
            if term.negated { format!("!{text}") } else { text }
        };
        let clause = |clause: &Clause| clause.0.iter().map(term).collect::<Vec<_>>().join("|");
        query.clauses.iter().map(clause).collect::<Vec<_>>().join(" ")
    }

    fn check(typed: &str, expected: &str) {
        let query = Query::parse(typed, Places::EVERYWHERE).unwrap();
        assert_eq!(query.map(|query| told(&query)).as_deref(), Some(expected), "{typed:?}");
    }

    #[test]
    fn words_phrases_and_beginnings() {
        check("hello", "hello");
        check("  two   words ", "two words");
        check("load-config", "load-config");
        check(r#""exact phrase""#, r#""exact phrase""#);
        check(r#"say "exact phrase" now"#, r#"say "exact phrase" now"#);
        check(r#"a"b c"d"#, r#"a "b c" d"#);
        check("load*", "load*");
        check(r#""load conf"*"#, "load conf*");
        check(r#""load conf"#, r#""load conf""#);
        check("NEAR(a b)", "NEAR(a b)");
        check("text:secret ^start", "text:secret ^start");
        check("a\0b", "a b");
        check("__init__ naïve 日本語", "__init__ naïve 日本語");
    }

    #[test]
    fn one_letter_is_a_word_not_a_beginning() {
        check("a*", r#""a*""#);
        check("load-c*", r#""load-c*""#);
        check(r#""load c"*"#, r#""load c""#);
        check("日*", r#""日*""#);
        check("日本*", "日本*");
        check("ab*", "ab*");
    }

    #[test]
    fn not() {
        check("foo -bar", "foo !bar");
        check("-foo", "!foo");
        check(r#"-"exact phrase" -load*"#, r#"!"exact phrase" !load*"#);
        check("-load-config", "!load-config");
        check("--verbose - foo", "--verbose foo");
        check("foo- bar", "foo- bar");
        check(r#"a-"b""#, r#"a- "b""#);
    }

    #[test]
    fn or() {
        check("foo OR bar", "foo|bar");
        check("foo OR bar baz", "foo|bar baz");
        check("foo bar OR baz OR -qux quux", "foo bar|baz|!qux quux");
        check("foo or bar", "foo or bar");
        check(r#"foo "OR" bar"#, r#"foo "OR" bar"#);
        check("foo AND bar", "foo bar");
        check("foo OR", "foo");
        check("OR foo", "foo");
        check("foo OR OR bar", "foo|bar");
        check("OR", "OR");
        check("-OR", "!OR");
        check("baz ✅ OR foo", "baz foo");
        check("foo OR ✅", "foo");
    }

    #[test]
    fn signs_alone_say_nothing() {
        for typed in ["***", "?! -- (", "\"", "\"\"", "-", "✅"] {
            assert!(Query::parse(typed, Places::EVERYWHERE).unwrap().unwrap().is_empty(), "{typed:?}");
        }
        check("✅ café -✅", "café");
        for typed in ["", " \t "] {
            assert_eq!(Query::parse(typed, Places::EVERYWHERE), Ok(None));
        }
    }

    #[test]
    fn limits() {
        let parse = |text: String| Query::parse(&text, Places::EVERYWHERE);
        assert_eq!(parse("é".repeat(1001)), Err(QueryError::TooLong));
        assert!(parse("é".repeat(1000)).is_ok());
        assert_eq!(parse("a ".repeat(33)), Err(QueryError::TooMany));
        assert!(parse("a ".repeat(32)).is_ok());
        assert!(parse("? ".repeat(400)).is_ok());
    }

    #[test]
    fn places() {
        assert_eq!(format!("{:?}", Places::of([Place::Tag, Place::Prompt])), r#"{"prompt", "tag"}"#);
        assert_eq!(Places::of([]), Places::EVERYWHERE);
        assert_eq!(Places::of(Place::ALL.iter().copied()), Places::EVERYWHERE);
        for place in Place::ALL {
            assert_eq!(Place::from_word(place.as_str()), Some(*place));
        }
    }

    proptest! {
        /// Nothing typed is an error, and no term is more than what was typed.
        #[test]
        fn every_text_is_a_query(typed in "([a-c\"*() -]|OR|AND|é|日|\\PC|\\x00){0,60}") {
            if let Some(query) = Query::parse(&typed, Places::EVERYWHERE).or_else(|error| match error {
                QueryError::TooMany => Ok(None),
                QueryError::TooLong => Err(error),
            }).unwrap() {
                let terms: Vec<_> = query.clauses.iter().flat_map(|clause| &clause.0).collect();
                prop_assert!(terms.iter().all(|term| term.text.chars().any(is_word_sign) && !term.text.contains('"')));
                prop_assert!(terms.iter().map(|term| term.text.len()).sum::<usize>() <= typed.len());
                prop_assert!(query.clauses.iter().all(|clause| !clause.0.is_empty()));
            }
        }
    }
}
