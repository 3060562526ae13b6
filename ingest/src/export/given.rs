//! Values of filters as people type them. What cannot be read is refused in a line that shows how to write it.

use std::ops::RangeInclusive;

use store::read::Words;
use store::{ConversationId, Kind, Status, Via};

/// `None`: all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kinds(pub(super) Option<Vec<Kind>>);

pub(super) fn kinds(text: &str) -> Result<Kinds, String> {
    if text == "all" {
        return Ok(Kinds(None));
    }
    let one =
        |word| Kind::from_word(word).ok_or_else(|| one_of(Kind::ALL.iter().map(|kind| kind.as_str()), ", or all"));
    text.split(',').map(one).collect::<Result<_, _>>().map(|kinds| Kinds(Some(kinds)))
}

pub(super) fn via(text: &str) -> Result<Via, String> {
    Via::from_word(text).ok_or_else(|| one_of(Via::ALL.iter().map(|via| via.as_str()), ""))
}

pub(super) fn status(text: &str) -> Result<Status, String> {
    Status::from_word(text).ok_or_else(|| one_of(Status::ALL.iter().map(|status| status.as_str()), ""))
}

fn one_of(words: impl Iterator<Item = &'static str>, more: &str) -> String {
    format!("write one of {}{more}", words.collect::<Vec<_>>().join(", "))
}

pub(super) fn rating(text: &str) -> Result<RangeInclusive<u8>, String> {
    let split = text.find(|c: char| !"<>=".contains(c)).unwrap_or(text.len());
    let (sign, number) = text.split_at(split);
    let number = number.trim().parse::<u8>().ok().filter(|number| (1..=5).contains(number));
    match (sign, number) {
        ("" | "=", Some(n)) => Ok(n..=n),
        (">=", Some(n)) => Ok(n..=5),
        (">", Some(n)) => Ok(n + 1..=5),
        ("<=", Some(n)) => Ok(1..=n),
        ("<", Some(n)) => Ok(1..=n - 1),
        _ => Err("write a number from 1 to 5, or '>=4', '>3', '<=2', '<2'".to_owned()),
    }
}

pub(super) fn words(text: &str) -> Result<Words, String> {
    Words::parse(text).ok_or_else(|| "write at least one word".to_owned())
}

pub(super) fn id(text: &str) -> Result<ConversationId, String> {
    match text.parse() {
        Ok(id) if id > 0 => Ok(ConversationId(id)),
        _ => Err("write the number of a conversation".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: std::fmt::Debug + PartialEq>(
        parse: fn(&str) -> Result<T, String>,
        text: &str,
        expected: Result<T, &str>,
    ) {
        match (parse(text), expected) {
            (Err(said), Err(part)) => assert!(said.contains(part) && !said.contains('\n'), "{text}: {said}"),
            (found, expected) => assert_eq!(found, expected.map_err(str::to_owned), "{text}"),
        }
    }

    #[test]
    fn ratings() {
        check(rating, "4", Ok(4..=4));
        check(rating, "=4", Ok(4..=4));
        check(rating, ">=4", Ok(4..=5));
        check(rating, "> 3", Ok(4..=5));
        check(rating, "<=2", Ok(1..=2));
        check(rating, "<2", Ok(1..=1));
        for bad in ["", "6", "0", ">=", "=>4", "four", "4.5", "-1"] {
            check(rating, bad, Err("1 to 5"));
        }
    }

    #[test]
    fn vocabularies() {
        check(kinds, "human,shell", Ok(Kinds(Some(vec![Kind::Human, Kind::Shell]))));
        check(kinds, "all", Ok(Kinds(None)));
        check(kinds, "human,", Err("or all"));
        check(via, "print", Ok(Via::Print));
        check(via, "fax", Err("interactive"));
        check(status, "open", Ok(Status::Open));
        check(status, "done", Err("complete"));
        check(id, "12", Ok(ConversationId(12)));
        check(id, "0", Err("number"));
        check(words, " ", Err("one word"));
    }
}
