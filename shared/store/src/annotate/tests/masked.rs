//! What is sent back by somebody who saw the secrets in it as marks: nothing of it is lost, shown, or put in another's place.

use std::sync::Arc;

use redact::Rules;

use super::Store;
use crate::Veil;
use crate::annotate::{Annotator, Change, Expected, Outcome, Refused, TagChange};
use crate::human::{Name, Note, Tag, views};
use crate::ids::ConversationId;

/// `A`, `B` and `P` in angle brackets are two keys and a password; `$` and `$2` are the marks of keys, `%` that of a password.
fn filled(template: &str) -> String {
    [
        ("<A>", concat!("ghp", "_6Jh3Fe0Cb7Zy4Wv1Ts8Qp5Nm2Kj9Hg6Ed3Ba")),
        ("<B>", concat!("ghp", "_Xq3Le0Cb7Zy4Wv1Ts8Qp5Nm2Kj9Hg6Ed3BaT")),
        ("<P>", "hU7-zoR4kq"),
        ("$2", "[REDACTED:github-token:2]"),
        ("$", "[REDACTED:github-token]"),
        ("%", "[REDACTED:password]"),
    ]
    .iter()
    .fold(template.to_owned(), |text, (name, value)| text.replace(name, value))
}

/// A store whose annotator writes through a veil, and one whose does not.
fn stores(sessions: &[(&str, i64)]) -> (Store, Annotator) {
    let store = Store::new(sessions);
    let veil = Veil::of(Some(Arc::new(Rules::with(&[], &[]).unwrap())));
    let veiled = Annotator::open(&store.dir).unwrap().veiled(veil);
    (store, veiled)
}

fn tags(tags: &[&str]) -> Vec<Tag> {
    tags.iter().map(|tag| Tag::parse(&filled(tag)).unwrap()).collect()
}

fn told<T>(outcome: Outcome<T>) -> Result<T, String> {
    outcome.unwrap().map_err(|refused| {
        assert!(matches!(refused, Refused::Masked { .. }), "{refused}");
        refused.to_string()
    })
}

const BARE: &str = "needs the words that stood around it, or else its secret would not be hidden";

#[test]
fn notes() {
    let check = |notes: &[&str], said: &str, expected: Result<&str, &str>| {
        let (mut store, mut veiled) = stores(&[("a", 1)]);
        let change = |text: &str| Change { notes: Some(Note::parse(&filled(text)).unwrap()), ..Change::default() };
        for (note, at) in notes.iter().zip(5..) {
            store.annotator.mark(ConversationId(1), &change(note), &Expected::Any, at).unwrap().unwrap();
        }
        let before = store.marks(1).note();
        let found = told(veiled.mark(ConversationId(1), &change(said), &Expected::Any, 99)).map(drop);
        match expected {
            Ok(kept) => assert_eq!((found, store.marks(1).note()), (Ok(()), Some(filled(kept))), "{said}"),
            Err(why) => assert_eq!((found, store.marks(1).note()), (Err(filled(why)), before), "{said}"),
        }
    };
    check(&["db password='<P>' for staging"], "staging: password='%'", Ok("staging: password='<P>'"));
    check(&["db password='<P>' for staging"], "staging db: %", Err(&format!("`notes`: the mark % {BARE}.")));
    check(&["old: <A>\nnew: <B>"], "new: $2", Ok("new: <B>"));
    check(&["old: <A>\nnew: <B>"], "new: $2\nold: $", Ok("new: <B>\nold: <A>"));
    check(&["old: <A>\nnew: <B>"], "old: $\nnew: $2", Ok("old: <A>\nnew: <B>"));
    check(&["old: <A>", "", "new: <B>"], "old: $", Ok("old: <A>"));
    check(&["<A>"], "$ $2", Ok("<A> $2"));
    let earlier = "is of an earlier text: read the text again, or leave the mark out";
    check(&["<A> <B>", "<A>"], "see $2", Err(&format!("`notes`: the mark $2 {earlier}.")));
    let long = "x".repeat(65_500);
    let too_long = "`notes`: with the secrets in the places of its marks it must not be longer than 64 KiB.";
    check(&["<A>"], &format!("$ {long}"), Err(too_long));
}

/// The notes of two ids are one text to who sees them.
#[test]
fn notes_of_two_ids() {
    let (mut store, mut veiled) = stores(&[("a", 1)]);
    let alias = store.id();
    let note = |text: &str| Change { notes: Some(Note::parse(&filled(text)).unwrap()), ..Change::default() };
    for (id, text) in [(alias, "old: <A>"), (1, "new: <B>")] {
        store.annotator.mark(ConversationId(id), &note(text), &Expected::Any, id + 5).unwrap().unwrap();
    }
    store.alias(alias, 1);
    let nothing = Change::default();
    let shown = veiled.mark(ConversationId(1), &nothing, &Expected::Any, 9).unwrap().unwrap().marks.note().unwrap();
    let (first, second) = shown.split_once("\n\n").unwrap();
    veiled.mark(ConversationId(1), &note(&format!("{second}\n\n{first}")), &Expected::Any, 10).unwrap().unwrap();
    let kept = store.marks(1).note().unwrap();
    let mut lines: Vec<_> = kept.split("\n\n").collect();
    lines.sort_unstable();
    assert_eq!(lines, [filled("new: <B>"), filled("old: <A>")]);
}

#[test]
fn tags_that_look_the_same() {
    let check = |had: &[&str], change: TagChange, expected: Result<&[&str], &str>| {
        let (mut store, mut veiled) = stores(&[("a", 1)]);
        let set = Change { tags: Some(TagChange::Set(tags(had))), ..Change::default() };
        store.annotator.mark(ConversationId(1), &set, &Expected::Any, 5).unwrap().unwrap();
        let before = store.marks(1).tags;
        let asked = format!("{change:?}");
        let change = Change { tags: Some(change), ..Change::default() };
        let found = told(veiled.mark(ConversationId(1), &change, &Expected::Any, 9)).map(drop);
        let kept: Vec<_> = store.marks(1).tags;
        match expected {
            Ok(left) => {
                assert_eq!(found, Ok(()), "{asked}");
                assert_eq!(kept, left.iter().map(|tag| filled(tag)).collect::<Vec<_>>(), "{asked}");
            }
            Err(why) => assert_eq!((found, kept), (Err(filled(why)), before), "{asked}"),
        }
    };
    let set = |list: &[&str]| TagChange::Set(tags(list));
    let edit = |add: &[&str], remove: &[&str]| TagChange::Edit { add: tags(add), remove: tags(remove) };
    let which = "`tags`: 2 tags are shown as $: name all of them, or none.";
    check(&["<A>", "x"], set(&["$", "y"]), Ok(&["<A>", "y"]));
    check(&["<A>", "<B>"], set(&["$", "$"]), Ok(&["<A>", "<B>"]));
    check(&["<A>", "<B>"], set(&["$", "$", "z"]), Ok(&["<A>", "<B>", "z"]));
    check(&["<A>", "<B>"], set(&["$"]), Err(which));
    check(&["<A>", "<B>", "x"], set(&["x"]), Ok(&["x"]));
    check(&["<A>", "<B>"], edit(&["x"], &[]), Ok(&["<A>", "<B>", "x"]));
    check(&["<A>", "<B>"], edit(&["$"], &[]), Ok(&["<A>", "<B>"]));
    check(&["<A>", "<B>"], edit(&[], &["$"]), Err(which));
    check(&["<A>", "<B>", "x"], edit(&[], &["$", "$"]), Ok(&["x"]));
    check(&["<A>", "x"], edit(&["y"], &["$"]), Ok(&["x", "y"]));
}

/// A tag that was taken off and is put back is the one that it was, and one that another conversation has is that.
#[test]
fn tags_that_it_does_not_have() {
    let (mut store, mut veiled) = stores(&[("a", 3)]);
    let mut set = |id: i64, list: &[&str], at: i64| {
        let change = Change { tags: Some(TagChange::Set(tags(list))), ..Change::default() };
        told(veiled.mark(ConversationId(id), &change, &Expected::Any, at)).map(drop)
    };
    assert_eq!(set(1, &["<A>"], 5), Ok(()));
    assert_eq!(set(2, &["$"], 6), Ok(()));
    assert_eq!(set(1, &[], 7), Ok(()));
    assert_eq!(set(1, &["$", "x"], 8), Ok(()));
    assert_eq!((store.marks(1).tags, store.marks(2).tags), (vec![filled("<A>"), "x".into()], vec![filled("<A>")]));
    let other = Change { tags: Some(TagChange::Set(tags(&["<B>"]))), ..Change::default() };
    store.annotator.mark(ConversationId(1), &other, &Expected::Any, 9).unwrap().unwrap();
    assert_eq!(set(3, &["$"], 10), Err(filled("`tags`: 2 tags are shown as $: name all of them, or none.")));
}

#[test]
fn titles_and_saved_views() {
    let (mut store, mut veiled) = stores(&[("a", 1)]);
    let name = |text: &str| Name::parse(&filled(text)).unwrap();
    store.annotator.title("a", Some(&name("deploy <A>")), 5).unwrap().unwrap();
    let mut title = |text: &str, at: i64| told(veiled.title("a", Some(&name(text)), at));
    assert_eq!(title("x$", 6), Err(filled(&format!("`title`: the mark $ {BARE}."))));
    let long = format!("$ {}", "y".repeat(170));
    let why = "`title`: with the secrets in the places of its marks it must have 1 to 200 characters.";
    assert_eq!(title(&long, 7), Err(why.to_owned()));
    assert_eq!(title("$ deployed", 8), Ok(()));
    let kept: String = store
        .conn
        .query_row("select title from session_titles order by created_ms desc", [], |row| row.get(0))
        .unwrap();
    assert_eq!(kept, filled("<A> deployed"));

    store.annotator.add_view(&name("mine <B>"), &filled("q=<A>"), 5).unwrap().unwrap();
    let id = views::all(&store.conn).unwrap().remove(0).stamp.id;
    let change = |veiled: &mut Annotator, named: &str, query: &str| {
        told(veiled.change_view(&id, Some(&name(named)), &filled(query), 9)).map(drop)
    };
    assert_eq!(change(&mut veiled, "mine $", "q=x$"), Err(filled(&format!("`query`: the mark $ {BARE}."))));
    assert_eq!(change(&mut veiled, "x$", "q=$"), Err(filled(&format!("`name`: the mark $ {BARE}."))));
    assert_eq!(change(&mut veiled, "$ is mine", "q=$&kind=all"), Ok(()));
    let kept = views::all(&store.conn).unwrap().remove(0);
    assert_eq!((kept.name, kept.query), (filled("<B> is mine"), filled("q=<A>&kind=all")));
}
