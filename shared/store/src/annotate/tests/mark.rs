//! Ratings, tags, notes and stars: what is said is what is read, once, by whichever id, whatever the clock says.

use super::Store;
use crate::annotate::{Annotator, Change, Expected, Marked, Outcome, Refused, TagChange};
use crate::human::{Marks, Note, Rating, Remark, Said, Stamp, Tag};
use crate::ids::ConversationId;

fn tags(tags: &[&str]) -> Vec<Tag> {
    tags.iter().map(|tag| Tag::parse(tag).unwrap()).collect()
}

fn set(list: &[&str]) -> Change {
    Change { tags: Some(TagChange::Set(tags(list))), ..Change::default() }
}

fn edit(add: &[&str], remove: &[&str]) -> Change {
    Change { tags: Some(TagChange::Edit { add: tags(add), remove: tags(remove) }), ..Change::default() }
}

fn rating(rating: i64) -> Change {
    Change { rating: Some(Rating::new(rating)), ..Change::default() }
}

fn note(text: &str) -> Change {
    Change { notes: Some(Note::parse(text).unwrap()), ..Change::default() }
}

fn star(starred: bool) -> Change {
    Change { starred: Some(starred), ..Change::default() }
}

fn mark(store: &mut Store, id: i64, change: &Change, now_ms: i64) -> Marked {
    store.annotator.mark(ConversationId(id), change, &Expected::Any, now_ms).unwrap().unwrap()
}

fn refused<T: std::fmt::Debug>(outcome: Outcome<T>) -> Refused {
    outcome.unwrap().unwrap_err()
}

const HISTORIES: [&str; 4] = ["rating_history", "tag_history", "note_history", "star_history"];

#[test]
fn what_is_absent_stays_and_what_is_set_writes_nothing() {
    let mut store = Store::new(&[("a", 1)]);
    let mut check = |change: &Change, expected: (Option<i64>, &[&str], &[&str], bool), rows: [i64; 4]| {
        for _ in 0..2 {
            let marked = mark(&mut store, 1, change, 5);
            let wanted = Marks {
                rating: expected.0.and_then(Rating::new),
                tags: expected.1.iter().map(|tag| (*tag).to_owned()).collect(),
                notes: expected.2.iter().map(|note| (*note).to_owned()).collect(),
                starred: expected.3,
            };
            assert_eq!(marked.marks, wanted);
            assert_eq!(store.marks(1), wanted);
            assert_eq!(HISTORIES.map(|table| store.rows(table)), rows, "the second time something was written");
        }
    };
    check(&rating(4), (Some(4), &[], &[], false), [1, 0, 0, 0]);
    check(&set(&["b", "a"]), (Some(4), &["a", "b"], &[], false), [1, 2, 0, 0]);
    check(&note("one\n"), (Some(4), &["a", "b"], &["one\n"], false), [1, 2, 1, 0]);
    check(&star(true), (Some(4), &["a", "b"], &["one\n"], true), [1, 2, 1, 1]);
    check(&set(&["b", "c"]), (Some(4), &["b", "c"], &["one\n"], true), [1, 4, 1, 1]);
    check(&edit(&["d", "b"], &["c", "x"]), (Some(4), &["b", "d"], &["one\n"], true), [1, 6, 1, 1]);
    check(&rating(5), (Some(5), &["b", "d"], &["one\n"], true), [2, 6, 1, 1]);
    check(&Change { rating: Some(None), ..note("") }, (None, &["b", "d"], &[], true), [3, 6, 2, 1]);
    check(&Change::default(), (None, &["b", "d"], &[], true), [3, 6, 2, 1]);
    check(&Change::nothing(), (None, &[], &[], false), [3, 8, 2, 2]);
}

#[test]
fn what_is_said_later_counts_though_the_clock_went_back() {
    let mut store = Store::new(&[("a", 1)]);
    for (at, value) in [(1_000_000, 1), (5, 2), (5, 3), (-7, 4), (i64::MIN, 5)] {
        mark(&mut store, 1, &rating(value), at);
        assert_eq!(store.marks(1).rating, Rating::new(value), "at {at}");
    }
}

#[test]
fn an_alias_writes_to_its_survivor() {
    let mut store = Store::new(&[("a", 2)]);
    let alias = store.id();
    // What was said before the two proved to be one.
    mark(&mut store, alias, &Change { starred: Some(true), ..note("older") }, 5);
    mark(&mut store, alias, &set(&["x", "y"]), 6);
    mark(&mut store, 1, &Change { rating: Some(Rating::new(3)), ..note("newer") }, 7);
    store.alias(alias, 1);
    assert_eq!(store.marks(alias).note().as_deref(), Some("older\n\nnewer"));
    // The joined text is what is there: to write it again changes nothing.
    assert!(!mark(&mut store, alias, &note("older\n\nnewer"), 8).changed);
    let marked = mark(&mut store, alias, &note("both"), 8);
    assert_eq!((marked.id, marked.marks.notes), (ConversationId(1), vec!["both".to_owned()]));
    let marked = mark(&mut store, alias, &set(&["y", "z"]), 9);
    assert_eq!((marked.id, marked.marks.tags.join(" ")), (ConversationId(1), "y z".into()));
    assert_eq!(mark(&mut store, 1, &star(false), 10).marks, store.marks(alias));
    let marked = mark(&mut store, alias, &Change::nothing(), 1);
    assert_eq!((marked.id, &marked.marks, &store.marks(1)), (ConversationId(1), &Marks::default(), &marked.marks));
    let written: i64 = store
        .conn
        .query_row("select count(*) from tag_history where conversation_id = ?1", [alias], |row| row.get(0))
        .unwrap();
    assert_eq!(written, 2, "nothing new is written to the alias but that its note is gone");
}

#[test]
fn an_id_answers_though_nothing_is_shown_of_it() {
    let mut store = Store::new(&[]);
    let id = store.id();
    assert_eq!(mark(&mut store, id, &rating(2), 5).marks.rating, Rating::new(2));
    for id in [id + 1, 0, -1, i64::MAX] {
        let found = refused(store.annotator.mark(ConversationId(id), &rating(2), &Expected::Any, 5));
        assert_eq!(found, Refused::NoConversation(ConversationId(id)));
    }
}

#[test]
fn who_knows_an_older_state_is_told_so() {
    let mut store = Store::new(&[("a", 1)]);
    let id = ConversationId(1);
    let none = Marks::default().version(id);
    let four = mark(&mut store, 1, &rating(4), 5).marks.version(id);
    let known = |versions: &[&String]| Expected::Version(versions.iter().map(|one| (*one).clone()).collect());
    let stale = refused(store.annotator.mark(id, &rating(1), &known(&[&none]), 6));
    assert_eq!(stale, Refused::Stale { version: four.clone() });
    let stale = refused(store.annotator.mark(id, &rating(1), &Expected::Nothing, 6));
    assert_eq!(stale, Refused::Stale { version: four.clone() });
    assert_eq!(store.rows("rating_history"), 1);
    let five = store.annotator.mark(id, &rating(5), &known(&[&none, &four]), 7).unwrap().unwrap();
    assert_ne!(five.marks.version(id), four);
    // The same state has the same version, however it came about.
    mark(&mut store, 1, &Change::nothing(), 8);
    assert_eq!(store.marks(1).version(id), none);
    store.annotator.mark(id, &rating(1), &Expected::Nothing, 9).unwrap().unwrap();
}

#[test]
fn versions_tell_states_apart() {
    let state = |tags: &[&str], notes: &[&str], starred| Marks {
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        notes: notes.iter().map(|note| (*note).to_owned()).collect(),
        starred,
        rating: None,
    };
    let states = [
        state(&[], &[], false),
        state(&[], &[], true),
        state(&["a"], &[], false),
        state(&[], &["a"], false),
        state(&["a", "b"], &[], false),
        state(&["a"], &["b"], false),
        state(&["ab"], &[], false),
        Marks { rating: Rating::new(1), ..state(&[], &[], false) },
    ];
    let versions: std::collections::BTreeSet<_> =
        [1, 2].into_iter().flat_map(|id| states.iter().map(move |state| state.version(ConversationId(id)))).collect();
    assert_eq!(versions.len(), 2 * states.len());
}

#[test]
fn a_tag_has_the_spelling_that_is_in_use() {
    let mut store = Store::new(&[("a", 4)]);
    mark(&mut store, 1, &set(&["Rust", "Zürich"]), 5);
    assert_eq!(mark(&mut store, 2, &set(&["rUST", "ZÜRICH", "rust"]), 6).marks.tags, ["Rust", "Zürich"]);
    assert_eq!(mark(&mut store, 2, &edit(&["RUST"], &["zürich"]), 7).marks.tags, ["Rust"]);
    // Another store has brought other spellings: they are one tag, shown as most have it, then as it was set last.
    let theirs = |row: &str, tag: &str, present| Remark {
        stamp: Stamp { id: row.into(), origin: "other".into(), created_ms: 30 },
        said: Said::Tag { tag: tag.into(), present },
    };
    store.remark(3, &theirs("a", "rust", true));
    store.remark(4, &theirs("b", "ZÜRICH", true));
    let counts = |store: &Store| -> Vec<_> {
        let tags = crate::read::Reader::open(&store.dir).unwrap().tags().unwrap();
        tags.into_iter().map(|tag| (tag.tag, tag.conversations)).collect()
    };
    assert_eq!(counts(&store), [("Rust".into(), 3), ("ZÜRICH".into(), 2)]);
    assert_eq!(mark(&mut store, 3, &edit(&["x"], &[]), 31).marks.tags, ["Rust", "x"]);
    store.remark(2, &theirs("c", "RUST", false));
    store.remark(4, &theirs("d", "rust", true));
    assert_eq!(store.marks(2).tags, [""; 0], "the newest word counts, however it is spelled");
    assert_eq!(counts(&store), [("rust".into(), 3), ("ZÜRICH".into(), 2), ("x".into(), 1)]);
    assert_eq!(mark(&mut store, 1, &set(&["rUsT", "y"]), 40).marks.tags, ["rust", "y"]);
    assert_eq!(mark(&mut store, 4, &edit(&[], &["rusT"]), 41).marks.tags, ["ZÜRICH"]);
}

#[test]
fn a_tag_that_nobody_can_tell_from_another_is_not_new() {
    let mut store = Store::new(&[("a", 2)]);
    let unseen = "ru\u{200b}st";
    for change in [set(&[unseen]), edit(&[unseen], &[])] {
        let refused = refused(store.annotator.mark(ConversationId(1), &change, &Expected::Any, 5));
        assert!(refused.to_string().contains("must not hold U+200B"), "{refused}");
    }
    mark(&mut store, 1, &set(&["rust"]), 5);
    let tag = |text: &str| Tag::parse(text).unwrap();
    let renamed = store.annotator.rename_tag(&tag("rust"), Some(&tag(unseen)), false, 6);
    assert!(matches!(refused(renamed), Refused::Unfit(..)));
    // One that came from elsewhere can be kept, found and taken off.
    let stamp = Stamp { id: "theirs".into(), origin: "other".into(), created_ms: 3 };
    store.remark(2, &Remark { stamp, said: Said::Tag { tag: unseen.into(), present: true } });
    assert_eq!(mark(&mut store, 2, &set(&[unseen, "x"]), 7).marks.tags, [unseen, "x"]);
    let done = store.annotator.rename_tag(&Tag::kept(unseen), Some(&tag("rust")), true, 8).unwrap().unwrap();
    assert_eq!((done.conversations, done.merged), (1, true));
    assert_eq!(store.marks(2).tags, ["rust", "x"]);
}

#[test]
fn a_conversation_has_so_many_tags_and_no_more() {
    let mut store = Store::new(&[("a", 1)]);
    let many: Vec<_> = (0..=Tag::MOST).map(|n| format!("t{n}")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    let id = ConversationId(1);
    let found = refused(store.annotator.mark(id, &set(&many), &Expected::Any, 5));
    assert_eq!(found, Refused::TooManyTags(id));
    assert_eq!(store.rows("tag_history"), 0);
    mark(&mut store, 1, &set(&many[1..]), 6);
    assert_eq!(refused(store.annotator.mark(id, &edit(&["more"], &[]), &Expected::Any, 7)), Refused::TooManyTags(id));
    assert_eq!(mark(&mut store, 1, &edit(&["more"], &["t1"]), 7).marks.tags.len(), Tag::MOST);
}

#[test]
fn many_are_changed_together_or_not_at_all() {
    let mut store = Store::new(&[("a", 5)]);
    let alias = store.id();
    store.alias(alias, 1);
    mark(&mut store, 2, &set(&["x"]), 5);
    let ids = |ids: &[i64]| ids.iter().map(|id| ConversationId(*id)).collect::<Vec<_>>();
    let done = store.annotator.mark_many(&ids(&[1, 2, alias, 3, 1]), &edit(&["x"], &[]), 6).unwrap().unwrap();
    assert_eq!((done.matched, done.changed), (3, 2));
    assert_eq!(store.rows("tagged"), 3);
    let found = refused(store.annotator.mark_many(&ids(&[4, 5, 99]), &rating(3), 7));
    assert_eq!(found, Refused::NoConversation(ConversationId(99)));
    assert_eq!(store.rows("rating_history"), 0);
    let found = refused(store.annotator.mark_many(&vec![ConversationId(1); Annotator::MOST + 1], &rating(3), 7));
    assert!(matches!(found, Refused::Senseless(_)), "{found}");
    let none = store.annotator.mark_many(&[], &rating(3), 7).unwrap().unwrap();
    assert_eq!((none.matched, none.changed), (0, 0));
}

#[test]
fn a_tag_is_renamed_joined_and_taken_off_everywhere() {
    let mut store = Store::new(&[("a", 4)]);
    for (id, list) in [(1, &["rust"][..]), (2, &["rust", "cli"]), (3, &["cli"])] {
        mark(&mut store, id, &set(list), 100);
    }
    let tag = |text: &str| Tag::parse(text).unwrap();
    let mut rename = |from: &str, to: Option<&str>, merge: bool| {
        let to = to.map(tag);
        store.annotator.rename_tag(&tag(from), to.as_ref(), merge, 5).unwrap()
    };
    assert_eq!(rename("none", Some("x"), false), Err(Refused::NoTag(tag("none"))));
    assert!(matches!(rename("cli", Some("RUST"), false), Err(Refused::Conflict(_))));
    let done = rename("RUST", Some("Rust"), false).unwrap();
    assert_eq!((done.conversations, done.merged), (2, false), "another spelling");
    assert_eq!(rename("rust", Some("Rust"), false).unwrap().conversations, 0, "it is spelled so already");
    let done = rename("cli", Some("Rust"), true).unwrap();
    assert_eq!((done.conversations, done.merged), (2, true));
    for id in 1..=3 {
        assert_eq!(store.marks(id).tags, ["Rust"], "{id}");
    }
    let gone = store.annotator.rename_tag(&tag("rust"), None, false, 5).unwrap().unwrap();
    assert_eq!((gone.conversations, store.rows("tagged")), (3, 0));
}

#[test]
fn a_tag_is_not_both_added_and_taken_off() {
    let mut store = Store::new(&[("a", 1)]);
    let ids = [ConversationId(1)];
    for (add, remove) in [("x", "x"), ("Rust", "rUST")] {
        let change = edit(&[add], &[remove]);
        let expected = Refused::Senseless(format!("The tag {add} cannot be both added and taken off."));
        assert_eq!(refused(store.annotator.mark_many(&ids, &change, 5)), expected);
        assert_eq!(refused(store.annotator.mark(ids[0], &change, &Expected::Any, 5)), expected);
    }
    assert_eq!(store.rows("tag_history"), 0);
    store.annotator.mark_many(&ids, &edit(&["x"], &["y"]), 5).unwrap().unwrap();
}

#[test]
fn searches_are_kept_by_name() {
    use crate::human::Name;
    let mut store = Store::new(&[]);
    let name = |text: &str| Name::parse(text).unwrap();
    let annotator = &mut store.annotator;
    annotator.add_view(&name("good"), "rating=>=4", 5).unwrap().unwrap();
    annotator.add_view(&name("other"), "star=true", 5).unwrap().unwrap();
    assert_eq!(refused(annotator.add_view(&name("good"), "q=x", 6)), Refused::NameTaken(name("good")));
    assert_eq!(refused(annotator.change_view("good", Some(&name("other")), "q", 6)), Refused::NameTaken(name("other")));
    assert_eq!(refused(annotator.change_view("none", Some(&name("x")), "q", 6)), Refused::NoView("none".into()));
    annotator.change_view("good", Some(&name("best")), "rating=5", 7).unwrap().unwrap();
    annotator.remove_view("other", 8).unwrap().unwrap();
    assert_eq!(refused(annotator.remove_view("other", 8)), Refused::NoView("other".into()));
    annotator.add_view(&name("other"), "again", 9).unwrap().unwrap();
    let views = crate::read::Reader::open(&store.dir).unwrap().saved_views().unwrap();
    let views: Vec<_> = views.iter().map(|view| (view.name.as_str(), view.query.as_str())).collect();
    assert_eq!(views, [("best", "rating=5"), ("other", "again")]);
}

/// Two stores became one: each search is there, can be changed and thrown away, and what is changed stays what it is called.
#[test]
fn searches_of_one_name_are_all_reached() {
    use crate::human::{Name, SavedView};
    let mut store = Store::new(&[]);
    let name = Name::parse("good").unwrap();
    store.annotator.add_view(&name, "ours", 5).unwrap().unwrap();
    for (row, created_ms) in [("theirs", 4), ("others", 3)] {
        let stamp = Stamp { id: row.into(), origin: "other".into(), created_ms };
        let view = SavedView { stamp, name: "good".into(), query: row.into(), removed_ms: None };
        crate::human::put::saved_view(&store.conn, &view).unwrap();
    }
    let check = |store: &Store, expected: &[(&str, &str)]| {
        let views = crate::read::Reader::open(&store.dir).unwrap().saved_views().unwrap();
        let views: Vec<_> = views.iter().map(|view| (view.name.as_str(), view.query.as_str())).collect();
        assert_eq!(views, expected);
    };
    check(&store, &[("good", "ours"), ("good (2)", "theirs"), ("good (3)", "others")]);
    store.annotator.change_view("good (2)", None, "changed", 9).unwrap().unwrap();
    check(&store, &[("good", "ours"), ("good (2)", "changed"), ("good (3)", "others")]);
    let taken = store.annotator.change_view("others", Some(&name), "q", 9);
    assert_eq!(refused(taken), Refused::NameTaken(name.clone()));
    store.annotator.change_view("good", None, "ours now", 10).unwrap().unwrap();
    store.annotator.remove_view("good (2)", 11).unwrap().unwrap();
    check(&store, &[("good", "ours now"), ("good (2)", "others")]);
    store.annotator.change_view("others", Some(&Name::parse("best").unwrap()), "q", 12).unwrap().unwrap();
    check(&store, &[("best", "q"), ("good", "ours now")]);
}
