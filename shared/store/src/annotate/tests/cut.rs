//! Splitting, merging, undoing: what is done, what is refused and in which words.

use super::Store;
use crate::annotate::{Merge, Split};
use crate::human::Name;
use crate::ids::ConversationId;

/// Says what became of it: the new ids, or the refusal.
fn split(store: &mut Store, session: &str, at: &[i64]) -> Result<Vec<String>, String> {
    let at = at.iter().map(|id| (ConversationId(*id), None)).collect();
    let split = Split { session_id: session.into(), at };
    store.annotator.split(&split, 5).unwrap().map_err(|refused| refused.to_string())
}

fn merge(store: &mut Store, into: &str, sessions: &[&str]) -> Result<(), String> {
    let sessions = sessions.iter().map(|id| (*id).to_owned()).collect();
    let merge = Merge { into: into.into(), sessions, title: None };
    store.annotator.merge(&merge, 5).unwrap().map_err(|refused| refused.to_string())
}

fn undo(store: &mut Store, session: &str, change: Option<&str>) -> Result<Vec<String>, String> {
    let moved = store.annotator.undo(session, change, 5).unwrap();
    moved.map(|moved| moved.into).map_err(|refused| refused.to_string())
}

/// The user sessions of all conversations, with the names of new ones in place of their ids.
fn check(store: &Store, names: &[(&String, &str)], expected: &str) {
    let owners: Vec<_> = store
        .owners()
        .iter()
        .map(|owner| names.iter().find(|(id, _)| *id == owner).map_or(owner.clone(), |(_, name)| (*name).to_owned()))
        .collect();
    assert_eq!(owners.join(" "), expected);
}

#[test]
fn a_session_is_split_at_several_places() {
    let mut store = Store::new(&[("a", 6)]);
    // Named in any order; the new ids come in the same.
    let made = split(&mut store, "a", &[5, 3]).unwrap();
    let names = [(&made[0], "x"), (&made[1], "y")];
    check(&store, &names, "a a y y x x");
    assert_eq!(undo(&mut store, &made[1], None).unwrap(), ["a"]);
    check(&store, &names, "a a a a x x");
    assert_eq!(undo(&mut store, &made[0], None).unwrap(), ["a"]);
    check(&store, &names, "a a a a a a");
}

#[test]
fn a_part_is_split_again_and_undone_in_any_order() {
    for first in [0, 1] {
        let mut store = Store::new(&[("a", 6)]);
        let x = split(&mut store, "a", &[3]).unwrap().remove(0);
        let y = split(&mut store, &x, &[5]).unwrap().remove(0);
        let names = [(&x, "x"), (&y, "y")];
        check(&store, &names, "a a x x y y");
        if first == 0 {
            undo(&mut store, &x, None).unwrap();
            check(&store, &names, "a a a a y y");
            undo(&mut store, &y, None).unwrap();
        } else {
            assert_eq!(undo(&mut store, &y, None).unwrap(), std::slice::from_ref(&x));
            check(&store, &names, "a a x x x x");
            undo(&mut store, &x, None).unwrap();
        }
        check(&store, &names, "a a a a a a");
        for gone in [&x, &y] {
            assert_eq!(undo(&mut store, gone, None).unwrap_err(), format!("There is no session {gone}."));
        }
    }
}

#[test]
fn sessions_are_merged_and_given_back() {
    let mut store = Store::new(&[("a", 2), ("b", 2), ("c", 2)]);
    merge(&mut store, "a", &["b"]).unwrap();
    check(&store, &[], "a a a a c c");
    merge(&mut store, "c", &["a"]).unwrap();
    check(&store, &[], "c c c c c c");
    let found = merge(&mut store, "b", &["a"]).unwrap_err();
    assert_eq!(found, "Session a has no conversations of its own any more: they are in c.");
    // The first merge is undone under the second: nothing moves yet.
    assert!(undo(&mut store, "a", None).unwrap().is_empty());
    check(&store, &[], "c c c c c c");
    assert_eq!(undo(&mut store, "c", None).unwrap(), ["a", "b"]);
    check(&store, &[], "a a b b c c");
}

#[test]
fn one_of_several_merges_is_undone() {
    let mut store = Store::new(&[("a", 1), ("b", 1), ("c", 1)]);
    merge(&mut store, "a", &["b"]).unwrap();
    merge(&mut store, "a", &["c"]).unwrap();
    let change: String = store
        .conn
        .query_row("select id from user_session_members where session_id = 'b'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(undo(&mut store, "a", Some(&change)).unwrap(), ["b"]);
    check(&store, &[], "a b a");
    let again = undo(&mut store, "a", Some(&change)).unwrap_err();
    assert_eq!(again, format!("Session a has no change {change} that could be undone."));
}

/// 1 3 5 are of a, 2 4 6 of b, in this order of time… by their ids: a has 1 2 3, b has 4 5 6, and they take turns.
#[test]
fn a_merged_session_is_split_along_time() {
    let mut store = Store::new(&[("a", 3), ("b", 3)]);
    merge(&mut store, "a", &["b"]).unwrap();
    let x = split(&mut store, "a", &[2]).unwrap().remove(0);
    let names = [(&x, "x")];
    check(&store, &names, "a x x a x x");
    // What was merged goes, what was split off stays where it is until that is undone too.
    undo(&mut store, "a", None).unwrap();
    check(&store, &names, "a x x b x x");
    assert_eq!(undo(&mut store, &x, None).unwrap(), ["a", "b"]);
    check(&store, &names, "a a a b b b");
}

#[test]
fn a_part_may_be_merged_into_what_it_was_split_from_and_elsewhere() {
    let mut store = Store::new(&[("a", 4), ("b", 1)]);
    let x = split(&mut store, "a", &[3]).unwrap().remove(0);
    merge(&mut store, "a", &[&x]).unwrap();
    check(&store, &[], "a a a a b");
    undo(&mut store, "a", None).unwrap();
    let names = [(&x, "x")];
    check(&store, &names, "a a x x b");
    merge(&mut store, "b", &[&x]).unwrap();
    check(&store, &names, "a a b b b");
    // A session in pieces is split: the pieces behind the place go, what lies between them is another's.
    let y = split(&mut store, "b", &[4]).unwrap().remove(0);
    check(&store, &[(&y, "y")], "a a b y b");
    let found = split(&mut store, "a", &[2]).unwrap().remove(0);
    check(&store, &[(&y, "y"), (&found, "z")], "a z b y b");
}

#[test]
fn what_stands_between_pieces_stays_whose_it_is() {
    let mut store = Store::new(&[("a", 6)]);
    let x = split(&mut store, "a", &[3]).unwrap().remove(0);
    let y = split(&mut store, &x, &[5]).unwrap().remove(0);
    merge(&mut store, "a", &[&y]).unwrap();
    check(&store, &[(&x, "x")], "a a x x a a");
    let z = split(&mut store, "a", &[2]).unwrap().remove(0);
    check(&store, &[(&x, "x"), (&z, "z")], "a z x x z z");
    undo(&mut store, &z, None).unwrap();
    check(&store, &[(&x, "x")], "a a x x a a");
}

#[test]
fn what_cannot_be_is_refused_in_words() {
    let mut store = Store::new(&[("a", 3), ("b", 1)]);
    let alias = store.id();
    store.alias(alias, 2);
    let id = store.id();
    store.turn(id, "a", 1, 1500, "subagent");
    let hidden = store.id();
    store.turn(hidden, "b", -1, 0, "notification");
    let mut check = |session: &str, at: &[i64], expected: &str| {
        assert_eq!(split(&mut store, session, at).unwrap_err(), expected, "{session} {at:?}");
        assert_eq!(store.rows("user_session_members"), 0);
    };
    check("a", &[], "A session is split at 1 to 100 conversations.");
    check("a", &[1], "Conversation 1 is the first of its session: nothing would be left before it.");
    check("b", &[4], "Conversation 4 is the first of its session: nothing would be left before it.");
    check("a", &[2, 4], "Conversation 4 is in session b, not in a.");
    check("a", &[2, 2], "Conversation 2 is named twice.");
    check("a", &[2, alias], "Conversation 2 is named twice.");
    check("a", &[2, 1], "Conversation 1 is the first of its session: nothing would be left before it.");
    check("a", &[99], "There is no conversation 99.");
    check("a", &[id], &format!("Conversation {id} is a subagent's and stays with the prompt that started it."));
    check("none", &[2], "There is no session none.");
    let x = split(&mut store, "a", &[alias]).unwrap().remove(0);
    assert_eq!(split(&mut store, "a", &[2]).unwrap_err(), format!("Conversation 2 is in session {x}, not in a."));
    assert!(split(&mut store, &x, &[2]).unwrap_err().starts_with("Conversation 2 is the first"));

    let mut check = |into: &str, sessions: &[&str], expected: &str| {
        assert_eq!(merge(&mut store, into, sessions).unwrap_err(), expected, "{into} {sessions:?}");
    };
    check("a", &[], "1 to 100 sessions are merged into another.");
    check("a", &["a"], "Session a cannot be merged with itself.");
    check("a", &["b", "b"], "Session b is named twice.");
    check("a", &["none"], "There is no session none.");
    check("none", &["a"], "There is no session none.");
    let found = undo(&mut store, "a", None).unwrap_err();
    assert_eq!(found, format!("Nothing was merged into session a; parts of it are in {x}: undo those."));
    let found = undo(&mut store, "b", None).unwrap_err();
    assert_eq!(found, "Session b was neither split off nor merged: there is nothing to undo.");
    assert_eq!(undo(&mut store, "none", None).unwrap_err(), "There is no session none.");
    assert_eq!(undo(&mut store, "none", Some("x")).unwrap_err(), "Session none has no change x that could be undone.");
}

#[test]
fn titles_are_given_and_taken_back() {
    let mut store = Store::new(&[("a", 2)]);
    let x = split(&mut store, "a", &[2]).unwrap().remove(0);
    let mut check = |session: &str, title: Option<&str>, rows| {
        let title = title.map(|title| Name::parse(title).unwrap());
        store.annotator.title(session, title.as_ref(), 5).unwrap().unwrap();
        let sql = "select text from human_texts where user_session_id = ?1";
        let found: Option<String> = store.conn.query_row(sql, [session], |row| row.get(0)).ok();
        assert_eq!(found.as_deref(), title.as_ref().map(Name::as_str));
        assert_eq!(store.rows("session_titles"), rows);
    };
    check("a", None, 0);
    check("a", Some("one"), 1);
    check("a", Some("one"), 1);
    check("a", Some("two"), 2);
    check(&x, Some("two"), 3);
    check("a", None, 4);
    let title = Name::parse("x").unwrap();
    let refused = store.annotator.title("none", Some(&title), 5).unwrap().unwrap_err();
    assert_eq!(refused.to_string(), "There is no session none.");
}

/// Each step and what `a` is called after it: `+b T` merges b into it and calls it T, `-b` undoes that, `= T` calls it T.
#[test]
fn a_title_goes_with_the_merge_that_gave_it() {
    let check = |steps: &[(&str, Option<&str>)]| {
        let mut store = Store::new(&[("a", 1), ("b", 1), ("c", 1)]);
        for (step, expected) in steps {
            let (what, title) = step.split_once(' ').unwrap_or((step, ""));
            let title = Name::parse(title).ok();
            match what.split_at(1) {
                ("=", _) => store.annotator.title("a", title.as_ref(), 5).unwrap().unwrap(),
                ("+", other) => {
                    let merge = Merge { into: "a".into(), sessions: vec![other.into()], title };
                    store.annotator.merge(&merge, 5).unwrap().unwrap();
                }
                (_, other) => {
                    let sql = "select id from user_session_members where session_id = ?1 and removed_ms is null";
                    let change: String = store.conn.query_row(sql, [other], |row| row.get(0)).unwrap();
                    undo(&mut store, "a", Some(&change)).unwrap();
                }
            }
            let sql = "select text from human_texts where user_session_id = 'a'";
            let found: Option<String> = store.conn.query_row(sql, [], |row| row.get(0)).ok();
            assert_eq!(found.as_deref(), *expected, "{step} of {steps:?}");
        }
    };
    let (old, new, third) = (Some("old"), Some("new"), Some("third"));
    check(&[("+b new", new), ("-b", None), ("+b", None), ("-b", None)]);
    check(&[("= old", old), ("+b new", new), ("-b", old), ("+b new", new), ("-b", old)]);
    check(&[("= old", old), ("+b", old), ("-b", old)]);
    check(&[("= old", old), ("+b new", new), ("= third", third), ("-b", third)]);
    check(&[("+b", None), ("= third", third), ("-b", third)]);
    check(&[("= old", old), ("+b new", new), ("+c third", third), ("-c", new), ("-b", old)]);
    check(&[("= old", old), ("+b new", new), ("+c third", third), ("-b", third), ("-c", old)]);
    check(&[("= old", old), ("+b new", new), ("+c third", third), ("-c", new), ("=", None), ("-b", None)]);
}
