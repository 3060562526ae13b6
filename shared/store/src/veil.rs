//! What is between stored texts and those who see them, where secrets are not shown.
//!
//! A [`Veil`] is given to a connection, and nothing that it answers leaves without going through it: every answer of a
//! reader, an exporter and an annotator is `Shown`, which says where its texts are, so a new kind of answer cannot forget to.
//! What is stored stays. Whatever cuts a text asks the veil before it cuts, for half a secret looks like none.

mod passing;
mod shown;

use std::borrow::Cow;
use std::sync::Arc;

use redact::{Rules, Unplaced};

pub(crate) use passing::Passing;

/// An answer that may hold texts of people and programs.
pub(crate) trait Shown {
    /// Hides the secrets in its texts. An answer without texts has nothing to say here.
    fn hide(&mut self, _veil: &Veil) {}
}

/// Hides secrets, or nothing.
#[derive(Clone, Debug, Default)]
pub struct Veil(Option<Arc<Rules>>);

impl Veil {
    /// What each mark begins with.
    pub(crate) const MARK: &str = redact::MASK;
    /// Behind the end of a cut, so much is looked at before it is cut: what is cut off in the middle of a secret is known by
    /// what follows.
    pub(crate) const BEYOND: u32 = 16 << 10;

    /// One that hides what these rules find; without rules nothing.
    pub fn of(rules: Option<Arc<Rules>>) -> Self {
        Self(rules)
    }

    /// Whether it hides anything.
    pub fn is_drawn(&self) -> bool {
        self.0.is_some()
    }

    /// A text as it is shown.
    pub fn over<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.0.as_ref().map_or(Cow::Borrowed(text), |rules| rules.masked(text))
    }

    /// Hides the secrets of a text.
    pub(crate) fn text(&self, text: &mut String) {
        if let Cow::Owned(hidden) = self.over(text) {
            *text = hidden;
        }
    }

    /// Leaves the first `most` bytes of a text, without its secrets.
    pub(crate) fn beginning(&self, text: &mut String, most: usize) {
        match &self.0 {
            Some(rules) => *text = rules.masked_beginning(text, most, Self::BEYOND as usize),
            None => text.truncate(text.floor_char_boundary(most)),
        }
    }

    /// Hides the secrets of a title. Of one that is only the beginning of a text the last word goes: it may be half a secret.
    pub(crate) fn title(&self, text: &mut String) {
        self.text(text);
        if self.is_drawn() && text.ends_with('…') {
            let whole = text.rfind(char::is_whitespace).map_or(0, |blank| blank + 1);
            text.replace_range(whole.., "…");
        }
    }

    /// Hides the secrets of a JSON value, which stays one.
    pub(crate) fn json(&self, json: &mut String) {
        let hidden = self.0.as_ref().map(|rules| rules.masked_json(json));
        if let Some(Cow::Owned(hidden)) = hidden {
            *json = hidden;
        }
    }

    /// The same for a value in bytes, if it is text at all.
    pub(crate) fn value<'b>(&self, json: &'b [u8]) -> Cow<'b, [u8]> {
        match (&self.0, std::str::from_utf8(json)) {
            (Some(rules), Ok(text)) => match rules.masked_json(text) {
                Cow::Owned(hidden) => Cow::Owned(hidden.into_bytes()),
                Cow::Borrowed(_) => Cow::Borrowed(json),
            },
            (Some(_), Err(_)) => Cow::Owned(self.blanked(json.to_vec(), Bytes::Value).0),
            (None, _) => Cow::Borrowed(json),
        }
    }

    /// Bytes that keep their length, with `*` for each byte of a secret; and how many secrets there were.
    pub(crate) fn blanked(&self, mut bytes: Vec<u8>, of: Bytes) -> (Vec<u8>, usize) {
        let count = match (&self.0, of) {
            (None, _) => 0,
            (Some(rules), Bytes::Json) => rules.blank(&mut bytes),
            (Some(rules), Bytes::Value) => rules.blank_value(&mut bytes),
            (Some(rules), Bytes::Text) => rules.blank_text(&mut bytes),
        };
        (bytes, count)
    }

    /// A text that was sent back by who saw it behind this veil: each mark that stands for a secret of what he saw is that
    /// secret again, so that who changes a word of a note does not lose the secret in it. `seen` gives what he saw, or may have
    /// seen before that.
    ///
    /// # Errors
    /// A mark where its secret would be shown, or of which nobody can tell what it stands for.
    pub(crate) fn lifted<'t>(&self, said: &'t str, seen: &[&str]) -> Result<Cow<'t, str>, Unplaced> {
        self.0.as_ref().map_or(Ok(Cow::Borrowed(said)), |rules| rules.restored(said, seen))
    }
}

/// What bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bytes {
    /// A record in JSON, or a line of them.
    Json,
    /// A JSON value in one.
    Value,
    /// Text, or anything.
    Text,
}

#[cfg(test)]
mod tests;
