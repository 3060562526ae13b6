//! What was said, so that a line of a type that we do not know is found to repeat it, at any depth: a client may write down
//! what it sent with the next request, among the lines of a conversation that stays.
//!
//! Only what is long enough to be nobody else's counts, and only if no conversation that stays says it too.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::Value;
use store::json::Object;

use crate::correlate::Belongings;

/// Of a prompt or an answer as a whole.
const WHOLE: usize = 8;
/// Of a text that is a part of another, or stands anywhere in a line.
const PART: usize = 16;

/// Fields of a line in which something is said.
const SAYS: [&str; 4] = ["message", "attachment", "toolUseResult", "content"];

/// The texts of a session.
#[derive(Debug, Default)]
pub(super) struct Telling {
    gone: HashSet<u64>,
    kept: HashSet<u64>,
    /// The prompts and answers of what goes.
    whole: Vec<String>,
}

impl Telling {
    /// The prompts and answers of these conversations, with whether each goes.
    pub(super) fn of<'b>(conversations: impl Iterator<Item = &'b (Belongings, bool)>) -> Self {
        let mut found = Self::default();
        for (one, is_gone) in conversations {
            for text in one.prompt.iter().chain(&one.answer).map(|text| text.trim()).filter(|it| it.len() >= WHOLE) {
                if *is_gone {
                    found.whole.push(text.to_owned());
                }
                found.set(*is_gone).insert(hash(text));
            }
        }
        found
    }

    /// What a line says that goes, or that stays.
    pub(super) fn add(&mut self, object: &Object<'_>, is_gone: bool) {
        for value in SAYS.iter().filter_map(|name| object.get(name)) {
            let mut add = |text: &str| {
                if text.len() >= PART {
                    self.set(is_gone).insert(hash(text));
                }
            };
            each_text(&serde_json::from_str(value.get()).unwrap_or_default(), &mut add);
        }
    }

    fn set(&mut self, is_gone: bool) -> &mut HashSet<u64> {
        if is_gone { &mut self.gone } else { &mut self.kept }
    }

    /// Whether a line says something that only what goes says.
    pub(super) fn is_of_gone(&self, json: &str) -> bool {
        let is_theirs = |text: &str| !self.kept.contains(&hash(text));
        let mut found = false;
        let mut look = |text: &str| {
            found = found
                || self.gone.contains(&hash(text)) && is_theirs(text)
                || self.whole.iter().any(|said| {
                    said.len() >= PART && text.contains(said.as_str()) && is_theirs(said)
                        || text.len() >= PART && said.contains(text) && is_theirs(text)
                });
        };
        each_text(&serde_json::from_str(json).unwrap_or_default(), &mut look);
        found
    }
}

/// Every text in a value, without the blanks around it.
fn each_text(value: &Value, take: &mut dyn FnMut(&str)) {
    match value {
        Value::String(text) => take(text.trim()),
        Value::Array(values) => values.iter().for_each(|value| each_text(value, take)),
        Value::Object(fields) => fields.values().for_each(|value| each_text(value, take)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(prompt: &str, answer: &str, is_gone: bool) -> (Belongings, bool) {
        let one = Belongings { prompt: Some(prompt.into()), answer: Some(answer.into()), ..Belongings::default() };
        (one, is_gone)
    }

    #[test]
    fn lines_that_repeat_what_goes() {
        let said = [
            one("tell me of the canary", "the canary sings", true),
            one("yes", "done as you asked", true),
            one("and of the sparrow", "done as you asked", false),
        ];
        let mut telling = Telling::of(said.iter());
        let add = |telling: &mut Telling, line: &str, is_gone| telling.add(&Object::parse(line).unwrap(), is_gone);
        add(
            &mut telling,
            r#"{"uuid":"u","cwd":"/a/folder/of/both","message":{"content":[{"input":{"command":"cat canary.txt | less"}}]}}"#,
            true,
        );
        add(&mut telling, r#"{"uuid":"v","message":{"model":"a-model-that-both-had"}}"#, true);
        add(&mut telling, r#"{"uuid":"w","message":{"model":"a-model-that-both-had"}}"#, false);
        let check = |line: &str, expected: bool| assert_eq!(telling.is_of_gone(line), expected, "{line}");
        check(r#"{"a":{"b":[{"c":"the canary sings"}]}}"#, true);
        check(r#"{"a":{"b":[{"c":"The answer was: the canary sings, she said"}]}}"#, true);
        check(r#"{"a":"me of the canary"}"#, true);
        check(r#"{"a":["cat canary.txt | less"]}"#, true);
        check(r#"{"a":"yes"}"#, false);
        check(r#"{"a":"the canary"}"#, false);
        check(r#"{"a":"done as you asked"}"#, false);
        check(r#"{"a":"a-model-that-both-had","b":"/a/folder/of/both"}"#, false);
        check(r#"{"a":"and of the sparrow"}"#, false);
    }
}
