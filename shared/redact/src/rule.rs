//! A rule as it is written down: in our own file, and in a person's settings.

use serde::{Deserialize, Deserializer, de};

/// What a kind of secret looks like.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its name, which stands in a secret's place: `[REDACTED:id]`.
    pub id: String,
    /// What it finds, for people.
    #[serde(default)]
    pub what: String,
    /// Words of which a text must have one, in any case of letters. Without any, every text is looked through.
    #[serde(default)]
    pub keywords: Vec<String>,
    /// What is looked for. The secret is the first group that took part in the match and is not empty, else all of it.
    pub pattern: String,
    /// How much of a riddle the secret must be.
    pub entropy: Option<Entropy>,
    /// No secret holds one of these, in any case of letters.
    #[serde(default)]
    pub allow: Vec<String>,
    /// The pattern is tried at keywords alone, and sees so many bytes from there.
    pub reach: Option<usize>,
    /// With `reach`: the match may begin so many bytes before the keyword.
    #[serde(default)]
    pub back: usize,
    /// With `reach`: the match may begin within a word.
    #[serde(default)]
    pub glued: bool,
    /// With `reach`: the match does not begin right behind one of these, in any case of letters.
    #[serde(default)]
    pub not_behind: Vec<String>,
    /// The secret has a letter and a digit.
    #[serde(default)]
    pub mixed: bool,
    /// What else could stand in the secret's place, and is none.
    pub unlike: Option<Unlike>,
}

/// What stands in a secret's place where it is explained or computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unlike {
    /// A name, a path, a call, a type.
    Code,
    /// Words, and what a program fills in.
    Words,
}

/// Bits for each character, in thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entropy(pub(crate) u32);

impl<'de> Deserialize<'de> for Entropy {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let bits = f64::deserialize(from)?;
        if !(0.0..=8.0).contains(&bits) {
            return Err(de::Error::custom("`entropy` is from 0 to 8 bits for each character, such as 3.5"));
        }
        Ok(Self((bits * 1000.0) as u32))
    }
}
