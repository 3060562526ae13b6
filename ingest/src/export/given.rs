//! Values of filters as people type them. What cannot be read is refused in a line that shows how to write it.

use store::read::{Places, Query, Rated};
use store::{ConversationId, Kind, SeenBy, Status, Via};

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

pub(super) fn source(text: &str) -> Result<SeenBy, String> {
    SeenBy::from_word(text).ok_or_else(|| one_of(SeenBy::ALL.iter().map(|source| source.as_str()), ""))
}

fn one_of(words: impl Iterator<Item = &'static str>, more: &str) -> String {
    format!("write one of {}{more}", words.collect::<Vec<_>>().join(", "))
}

pub(super) fn rating(text: &str) -> Result<Rated, String> {
    Rated::parse(text).ok_or_else(|| "write a number from 1 to 5, or '>=4', '>3', '<=2', '<2', any, none".to_owned())
}

pub(super) fn words(text: &str) -> Result<Query, String> {
    let query = Query::parse(text, Places::EVERYWHERE).map_err(|error| format!("it must {error}"))?;
    query.ok_or_else(|| "write at least one word".to_owned())
}

pub(crate) fn id(text: &str) -> Result<ConversationId, String> {
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
        check(rating, "4", Ok(Rated::Between(4..=4)));
        check(rating, "> 3", Ok(Rated::Between(4..=5)));
        check(rating, "none", Ok(Rated::None));
        check(rating, "6", Err("1 to 5"));
    }

    #[test]
    fn vocabularies() {
        check(kinds, "human,shell", Ok(Kinds(Some(vec![Kind::Human, Kind::Shell]))));
        check(kinds, "all", Ok(Kinds(None)));
        check(kinds, "human,", Err("or all"));
        check(via, "print", Ok(Via::Print));
        check(via, "fax", Err("interactive"));
        check(source, "hook", Ok(SeenBy::Hook));
        check(source, "hooks", Err("hook, transcript, both"));
        check(status, "open", Ok(Status::Open));
        check(status, "done", Err("complete"));
        check(id, "12", Ok(ConversationId(12)));
        check(id, "0", Err("number"));
        check(words, " ", Err("one word"));
        check(words, &"word ".repeat(33), Err("not have more than 32 words"));
    }
}
