//! What people type about their prompts, as types: once one is made, it is fit to be kept.

use std::fmt;

use unicode_normalization::UnicodeNormalization;

use super::unseen::unseen;

/// Why a text is not fit; behind the name of what it was to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It has none or too many characters.
    #[error("must have 1 to {0} characters")]
    Characters(usize),
    /// It is too long.
    #[error("must not be longer than {0} KiB")]
    Bytes(usize),
    /// It holds what would part it in two.
    #[error("must not hold a comma")]
    Comma,
    /// It holds what cannot be shown.
    #[error("must not hold control characters")]
    Control,
    /// It holds what nobody sees where it stands.
    #[error("must not hold U+{:04X}, which nobody sees", u32::from(*.0))]
    Unseen(char),
}

/// Trimmed, of one line, and composed: the same text typed on two systems is the same.
fn line(text: &str, longest: usize) -> Result<String, Unfit> {
    // Nothing that long is composed first.
    let text = text.trim();
    if text.len() > longest * 16 {
        return Err(Unfit::Characters(longest));
    }
    let text: String = text.nfc().collect();
    if text.chars().any(|sign| sign.is_control() || matches!(sign, '\u{2028}' | '\u{2029}')) {
        return Err(Unfit::Control);
    }
    if (1..=longest).contains(&text.chars().count()) { Ok(text) } else { Err(Unfit::Characters(longest)) }
}

/// A tag: 1 to 100 characters, no comma. Two that differ only in case, or in how they are composed, are one tag.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tag(String);

impl Tag {
    /// The most that a conversation may have.
    pub const MOST: usize = 100;

    /// From what was typed.
    ///
    /// # Errors
    /// Why it is none.
    pub fn parse(text: &str) -> Result<Self, Unfit> {
        let tag = line(text, 100)?;
        if tag.contains(',') { Err(Unfit::Comma) } else { Ok(Self(tag)) }
    }

    /// Whatever somebody has set already, perhaps in another store or by older rules.
    pub fn kept(tag: impl Into<String>) -> Self {
        Self(tag.into())
    }

    /// Whether it may be set where it is not in use yet.
    pub(crate) fn check_new(&self) -> Result<(), Unfit> {
        unseen(&self.0).map_or(Ok(()), |sign| Err(Unfit::Unseen(sign)))
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// A note: anything up to 64 KiB, as it was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note(String);

impl Note {
    /// `None` if it holds nothing but blanks.
    ///
    /// # Errors
    /// Why it is none.
    pub fn parse(text: &str) -> Result<Option<Self>, Unfit> {
        if text.len() > 64 * 1024 {
            Err(Unfit::Bytes(64))
        } else if text.contains('\0') {
            Err(Unfit::Control)
        } else if text.trim().is_empty() {
            Ok(None)
        } else {
            Ok(Some(Self(text.to_owned())))
        }
    }

    /// As it was typed.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A name that a person gives to a session or to a saved search: 1 to 200 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    /// From what was typed.
    ///
    /// # Errors
    /// Why it is none.
    pub fn parse(text: &str) -> Result<Self, Unfit> {
        let name = line(text, 200)?;
        unseen(&name).map_or(Ok(Self(name)), |sign| Err(Unfit::Unseen(sign)))
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags() {
        let check = |text: &str, expected: Result<&str, Unfit>| {
            let tag = Tag::parse(text);
            assert_eq!(tag.as_ref().map(Tag::as_str), expected.as_ref().copied(), "{text:?}");
        };
        check(" rust \n", Ok("rust"));
        check("Zu\u{308}rich", Ok("Zürich"));
        check("日本語", Ok("日本語"));
        check("a b", Ok("a b"));
        check(&"x".repeat(100), Ok(&"x".repeat(100)));
        check("", Err(Unfit::Characters(100)));
        check(" \t", Err(Unfit::Characters(100)));
        check(&"x".repeat(101), Err(Unfit::Characters(100)));
        check(&"x".repeat(1 << 20), Err(Unfit::Characters(100)));
        check("a,b", Err(Unfit::Comma));
        for sign in ["\0", "\n", "\u{7f}", "\u{85}", "\u{2028}"] {
            check(&format!("a{sign}b"), Err(Unfit::Control));
        }
    }

    /// A tag that has one may be in use already, and is not new then; a name is always new.
    #[test]
    fn what_nobody_sees_is_not_new() {
        let tag = Tag::parse("a\u{200b}b").unwrap();
        assert_eq!(tag.check_new(), Err(Unfit::Unseen('\u{200b}')));
        assert_eq!(Tag::parse("می\u{200c}روم").unwrap().check_new(), Ok(()));
        let refused = Name::parse("a\u{202e}b").unwrap_err();
        assert_eq!(refused.to_string(), "must not hold U+202E, which nobody sees");
    }

    #[test]
    fn notes() {
        let check = |text: &str, expected: Result<Option<&str>, Unfit>| {
            let note = Note::parse(text);
            assert_eq!(note.as_ref().map(|note| note.as_ref().map(Note::as_str)), expected.as_ref().copied());
        };
        check("", Ok(None));
        check(" \n", Ok(None));
        check(" as typed\n", Ok(Some(" as typed\n")));
        check(&"x".repeat(64 * 1024), Ok(Some(&"x".repeat(64 * 1024))));
        check(&"x".repeat(64 * 1024 + 1), Err(Unfit::Bytes(64)));
        check("a\0b", Err(Unfit::Control));
    }
}
