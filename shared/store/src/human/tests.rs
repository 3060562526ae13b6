//! What triggers keep of what is said now, held against the histories: whatever comes, in whatever order and however often.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use queue::DataDir;
use rusqlite::Connection;

use super::{Marks, Rating, Remark, Said, Stamp, Title, get, put};
use crate::ids::ConversationId;
use crate::open;

const IDS: i64 = 4;

#[derive(Clone, Debug)]
enum Event {
    /// A remark comes; the number is its row id, so equal ones are the same row.
    Remark(i64, Remark),
    /// The first proves to be the second, if that is another and no alias.
    Alias(i64, i64),
    /// It was none after all.
    NoAlias(i64),
    /// What was said so far is told; at the end it is anyhow.
    Tell,
}

fn said() -> impl Strategy<Value = Said> {
    let rating = prop::option::of(1..=5_i64).prop_map(|rating| Said::Rating(rating.and_then(Rating::new)));
    let tag =
        (prop::sample::select(vec!["rust", "Rust", "RUST", "Straße", "STRASSE", "日本語 tag", "a b"]), any::<bool>())
            .prop_map(|(tag, present)| Said::Tag { tag: tag.to_owned(), present });
    let note = prop::option::of("[a-c ]{0,6}").prop_map(Said::Note);
    prop_oneof![rating, tag, note, any::<bool>().prop_map(Said::Star)]
}

fn event() -> impl Strategy<Value = Event> {
    // Few times and ids, so that there are ties and that a row comes twice.
    let remark = (1..=IDS, 0..40_u32, 0..6_i64, said()).prop_map(|(id, row, created_ms, said)| {
        let stamp =
            Stamp { id: format!("{row:02}{created_ms}{id}{}", put::table(&said)), origin: "o".into(), created_ms };
        Event::Remark(id, Remark { stamp, said })
    });
    prop_oneof![
        8 => remark,
        1 => (1..=IDS, 1..=IDS).prop_map(|(id, survivor)| Event::Alias(id, survivor)),
        1 => (1..=IDS).prop_map(Event::NoAlias),
        1 => Just(Event::Tell),
    ]
}

/// As deriving does it: survivors are no aliases themselves.
fn apply(conn: &Connection, aliases: &mut BTreeMap<i64, i64>, event: &Event) {
    match event {
        Event::Remark(id, remark) => drop(put::remark(conn, ConversationId(*id), remark).unwrap()),
        Event::Alias(id, survivor) if survivor != id && !aliases.contains_key(survivor) => {
            put::alias(conn, ConversationId(*id), ConversationId(*survivor)).unwrap();
            for other in aliases.values_mut().filter(|other| *other == id) {
                *other = *survivor;
            }
            aliases.insert(*id, *survivor);
        }
        Event::Alias(..) => {}
        Event::NoAlias(id) => {
            conn.execute("delete from aliases where id = ?1", [id]).unwrap();
            aliases.remove(id);
        }
        Event::Tell => put::tell(conn).unwrap(),
    }
}

fn texts(conn: &Connection, id: i64, kind: &str) -> Vec<String> {
    let sql = "select text from human_texts where conversation_id = ?1 and kind = ?2 order by id";
    let mut query = conn.prepare_cached(sql).unwrap();
    query.query_map((id, kind), |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

/// What the tables that lists read say of an id.
fn kept(conn: &Connection, id: i64) -> Option<Marks> {
    let row = |sql: &str| conn.query_row(sql, [id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    let (rating, starred, noted): (Option<i64>, bool, bool) =
        row("select rating, starred, noted from marks where conversation_id = ?1").ok()?;
    let mut query = conn.prepare_cached("select tag from tagged where conversation_id = ?1 order by tag").unwrap();
    let tags: Vec<String> = query.query_map([id], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let notes = texts(conn, id, "note");
    assert_eq!(noted, !notes.is_empty());
    let mut tag_texts = texts(conn, id, "tag");
    tag_texts.sort();
    assert_eq!(tag_texts, tags);
    Some(Marks { rating: rating.and_then(Rating::new), tags, notes, starred })
}

fn check_index(conn: &Connection) {
    for index in ["search_human", "search_human_parts"] {
        conn.execute_batch(&format!("insert into {index} ({index}) values ('integrity-check')")).unwrap();
        let rows = |table: &str| {
            let sql = format!("select group_concat(id) from (select id from {table} order by id)");
            conn.query_row(&sql, [], |row| row.get::<_, Option<String>>(0)).unwrap()
        };
        assert_eq!(rows(&format!("{index}_docsize")), rows("human_texts"), "{index}");
    }
}

/// What is kept of the spellings is what counting gives.
fn check_spellings(conn: &Connection) {
    let rows = |sql: &str| -> Vec<String> {
        let mut query = conn.prepare(sql).unwrap();
        query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    assert_eq!(
        rows("select tag || '|' || key || '|' || conversations from spellings order by tag"),
        rows("select tag || '|' || folded(tag) || '|' || count(*) from tagged group by tag order by tag"),
    );
    assert_eq!(rows("select tag from tagged where key <> folded(tag)"), [""; 0]);
}

fn store() -> (tempfile::TempDir, DataDir, Connection, open::DbLock) {
    let home = tempfile::tempdir().unwrap();
    let dir = DataDir::new(home.path());
    let (conn, lock) = open::writer(&dir).unwrap();
    conn.execute_batch("insert into origins (origin, own) values ('o', 1)").unwrap();
    for _ in 0..IDS {
        conn.execute("insert into conversation_ids (created_ms) values (0)", []).unwrap();
    }
    (home, dir, conn, lock)
}

#[test]
fn what_is_kept_is_what_the_histories_say() {
    let (_home, _dir, conn, _lock) = store();
    let mut runner = TestRunner::new(ProptestConfig::with_cases(150));
    let check = |events: Vec<Event>| {
        let mut aliases = BTreeMap::new();
        let tx = conn.unchecked_transaction().unwrap(); // taken back at the end of each case
        for event in &events {
            apply(&tx, &mut aliases, event);
        }
        put::tell(&tx).unwrap();
        for id in 1..=IDS {
            let exact = get::history(&tx, ConversationId(id)).unwrap();
            let expected = (!exact.is_empty() && !aliases.contains_key(&id)).then(|| Marks::of(&exact));
            prop_assert_eq!(kept(&tx, id), expected, "{}", id);
        }
        check_index(&tx);
        check_spellings(&tx);
        Ok(())
    };
    runner.run(&prop::collection::vec(event(), 1..60), check).unwrap();
}

#[test]
fn words_of_people_are_found() {
    let (_home, _dir, conn, _lock) = store();
    let stamp = |id: &str, created_ms| Stamp { id: id.into(), origin: "o".into(), created_ms };
    let note = |row: &str, ms, text: Option<&str>| {
        let remark = Remark { stamp: stamp(row, ms), said: Said::Note(text.map(str::to_owned)) };
        let tx = conn.unchecked_transaction().unwrap();
        put::remark(&tx, ConversationId(1), &remark).unwrap();
        put::tell(&tx).unwrap();
        tx.commit().unwrap();
    };
    let title = |row: &str, ms, title: Option<&str>| {
        let title = Title { stamp: stamp(row, ms), user_session_id: "s".into(), title: title.map(str::to_owned) };
        put::title(&conn, &title).unwrap();
    };
    let check = |index: &str, words: &str, expected: &[&str]| {
        let sql = format!(
            "select t.kind from {index} s join human_texts t on t.id = s.rowid where s.search match ?1 order by t.id"
        );
        let sql = sql.replace("s.search match", &format!("{index} match"));
        let mut query = conn.prepare(&sql).unwrap();
        let found: Vec<String> = query.query_map([words], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        assert_eq!(found, expected, "{index}: {words}");
    };
    note("n1", 5, Some("Zürich is fine"));
    title("t1", 5, Some("The zurich plan"));
    check("search_human", "zurich", &["note", "title"]);
    check("search_human_parts", "ich", &["note", "title"]);
    note("n0", 4, Some("older, and came later"));
    title("t0", 4, None);
    check("search_human", "older", &[]);
    check("search_human", "zur*", &["note", "title"]);
    note("n2", 6, None);
    title("t2", 6, Some("Berlin"));
    check("search_human", "zurich", &[]);
    check("search_human_parts", "erl", &["title"]);
    // Any one sign of a script that is written without blanks.
    note("n3", 7, Some("日本語"));
    for sign in ["日", "本", "語"] {
        check("search_human", sign, &["note"]);
    }
    check_index(&conn);
}
