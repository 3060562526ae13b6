//! Finds secrets in texts and in JSON, and hides them: keys, tokens and passwords by what they look like and by what stands
//! before them.
//!
//! The rules are data (`rules.toml`), and a person may add their own. A text is read once for all the words near which a secret
//! can stand; only there a pattern is tried, by an engine that takes linear time. So a text without secrets costs little more
//! than reading it.
//!
//! There are two ways to hide. What is shown gets `[REDACTED:rule-id]` in a secret's place ([`Rules::masked`],
//! [`Rules::masked_json`]). What is stored, or leaves byte for byte, keeps its length: each byte of a secret becomes `*`
//! ([`Rules::blank`], [`Rules::blank_value`], [`Rules::blank_text`]), so that every place in a document keeps its meaning, and a document stays JSON.

mod blank;
mod candidate;
mod find;
mod json;
mod mask;
mod record;
mod rule;
mod rules;
mod tell;

pub use find::Found;
pub use mask::Unplaced;
pub use rule::{Entropy, Rule, Unlike};
pub use rules::{Error, Rules};
pub use tell::MASK;

#[cfg(test)]
mod tests;
