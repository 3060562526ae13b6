//! Pages, filters and words on small stores, and the plans of the statements behind them.

use super::*;
use crate::read::Reader;
use crate::read::seed::{Row, Store, turn};

fn request() -> ListRequest {
    ListRequest { session_id: None, kinds: Kinds::Listed, words: None, after: None, limit: 50 }
}

fn ids(reader: &mut Reader, request: &ListRequest) -> Vec<i64> {
    reader.list(request).unwrap().items.iter().map(|item| item.turn.id.0).collect()
}

/// Every page, one after the other.
fn pages(reader: &mut Reader, mut request: ListRequest) -> Vec<Vec<i64>> {
    let mut pages = Vec::new();
    loop {
        let page = reader.list(&request).unwrap();
        pages.push(page.items.iter().map(|item| item.turn.id.0).collect());
        match page.next {
            Some(next) => request.after = Some(next),
            None => return pages,
        }
    }
}

#[test]
fn newest_first_and_by_id_where_times_are_equal() {
    let store = Store::new();
    for time in [30, 10, 20, 20, 20] {
        store.turn(&turn("s", time, "p"));
    }
    let mut reader = store.reader();
    assert_eq!(ids(&mut reader, &request()), [1, 5, 4, 3, 2]);
    for words in [None, Words::parse("p")] {
        for session_id in [None, Some("s".to_owned())] {
            let request = ListRequest { limit: 2, words: words.clone(), session_id, ..request() };
            assert_eq!(pages(&mut reader, request), [vec![1, 5], vec![4, 3], vec![2]]);
        }
    }
    assert_eq!(pages(&mut reader, ListRequest { limit: 5, ..request() }).len(), 1);
    assert_eq!(reader.last().unwrap(), Some(ConversationId(1)));
}

#[test]
fn an_empty_store_has_an_empty_page() {
    let store = Store::new();
    assert_eq!(store.reader().list(&request()).unwrap(), Page { items: vec![], next: None });
    assert_eq!(store.reader().last().unwrap(), None);
}

#[test]
fn kinds() {
    let store = Store::new();
    for (time, kind) in (1..).zip(Kind::ALL) {
        store.turn(&Row { kind: kind.as_str(), ..turn("s", time, "p") });
    }
    let mut reader = store.reader();
    for words in [None, Words::parse("p")] {
        for session_id in [None, Some("s".to_owned())] {
            let mut check = |kinds, expected: &[i64]| {
                let request = ListRequest { kinds, words: words.clone(), session_id: session_id.clone(), ..request() };
                assert_eq!(ids(&mut reader, &request), expected, "{request:?}");
            };
            check(Kinds::Listed, &[3, 2, 1]);
            check(Kinds::All, &[6, 5, 4, 3, 2, 1]);
            for (id, kind) in (1..).zip(Kind::ALL) {
                check(Kinds::One(*kind), &[id]);
            }
        }
    }
}

#[test]
fn a_session_is_claude_codes_or_a_persons() {
    let store = Store::new();
    for session in ["a", "a", "a", "b", "c"] {
        store.turn(&turn(session, 1, "p"));
    }
    store
        .conn
        .execute_batch(
            "insert into user_session_members (id, origin_id, user_session_id, session_id, from_conversation_id, created_ms, removed_ms)
             values ('1', 1, 'split', 'a', 3, 1, null), ('2', 1, 'split', 'c', null, 1, null),
                    ('3', 1, 'split', 'b', null, 1, 2)",
        )
        .unwrap();
    let mut reader = store.reader();
    let mut check = |session: &str, expected: &[i64]| {
        let request = ListRequest { session_id: Some(session.into()), ..request() };
        assert_eq!(ids(&mut reader, &request), expected, "{session}");
    };
    check("a", &[3, 2, 1]);
    check("split", &[5, 3]);
    check("b", &[4]);
    check("c", &[5]);
    check("none", &[]);
    let item = &reader.list(&request()).unwrap().items[2];
    assert_eq!((item.turn.session_id.as_str(), item.turn.user_session_id.as_str()), ("a", "split"));
}

#[test]
fn words_find_words_phrases_and_prefixes() {
    let store = Store::new();
    for prompt in ["fix load-config now", "config to load", "NAÏVE café ✅", "loading __init__ v1.2", ""] {
        store.turn(&turn("s", 1, prompt));
    }
    let mut reader = store.reader();
    let mut check = |typed: &str, expected: &[i64]| {
        let request = ListRequest { words: Words::parse(typed), ..request() };
        assert_eq!(ids(&mut reader, &request), expected, "{typed:?}");
    };
    check("load config", &[2, 1]);
    check("load-config", &[1]);
    check("\"config to\"", &[2]);
    check("\"config to", &[2]);
    check("load*", &[4, 2, 1]);
    check("\"load conf\"*", &[1]);
    check("naive CAFE", &[3]);
    check("v1.2", &[4]);
    check("__init__", &[4]);
    check("absent", &[]);
    check("load absent", &[]);
    check("✅ ?!", &[]);
    check("✅ café", &[3]);
    check("  ", &[5, 4, 3, 2, 1]);
}

/// Nothing typed is a syntax error, and none of it is a command.
#[test]
fn no_words_can_fail() {
    let store = Store::new();
    store.turn(&turn("s", 1, "p"));
    let mut reader = store.reader();
    let pieces = [
        "\"", "'", "*", "(", ")", "-", "+", "^", ":", "NEAR", "AND", "OR", "NOT", "{", "}", " ", "a", "\0", "é",
        "\u{301}", "_", "²", "⅓", "ª", "\u{e000}", "\u{200d}", "text:", "rank", ";", "--", "\\", "日本", "\u{feff}",
    ];
    let mut seed: u32 = 1;
    for _ in 0..3000 {
        let mut typed = String::new();
        for _ in 0..seed % 9 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            typed.push_str(pieces[(seed >> 8) as usize % pieces.len()]);
        }
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223) | 1;
        let words = Words::parse(&typed);
        for session_id in [None, Some("s".to_owned())] {
            let request = ListRequest { words: words.clone(), session_id, ..request() };
            reader.list(&request).unwrap_or_else(|error| panic!("{typed:?}: {error}"));
        }
    }
    let long = ListRequest { words: Words::parse(&"word ".repeat(500)), ..request() };
    assert_eq!(ids(&mut reader, &long), [] as [i64; 0]);
}

#[test]
fn all_ways_to_find_words_agree() {
    let store = Store::new();
    for time in 0..40 {
        store.turn(&turn("s", time * 7 % 40, if time % 3 == 0 { "common rare" } else { "common" }));
    }
    for typed in ["rare", "common", "ra*", "common rare"] {
        let words = Words::parse(typed).unwrap();
        let words = Some(words.expression());
        let sorted = collect(&store.conn, HOLDING, params![i64::MAX, i64::MAX, None::<&str>, words, 100]).unwrap();
        assert!(!sorted.is_empty());
        for sql in [LISTED.probed, LISTED.collected, NEWEST.probed, NEWEST.collected] {
            let walked = walk(&store.conn, sql, Position::START, None, words, 100, Position::END).unwrap();
            assert_eq!(walked, sorted, "{typed}: {sql}");
        }
        for sql in [SESSION_PROBED, SESSION_COLLECTED] {
            let session = params![i64::MAX, i64::MAX, None::<&str>, words, 100, "s"];
            assert_eq!(collect(&store.conn, sql, session).unwrap(), sorted, "{typed}: {sql}");
        }
    }
}

/// Words that are common, but only far down the list, are found behind the end of the walk.
#[test]
fn a_walk_ends_and_the_search_goes_on() {
    let store = Store::new();
    store.conn.execute_batch("begin").unwrap();
    let (above, hits) = (LONGEST_WALK + 10, MANY_HITS + 10);
    for n in 0..above + hits {
        store.turn(&turn("s", -n, if n < above { "other" } else { "common" }));
    }
    store.conn.execute_batch("commit").unwrap();
    let mut reader = store.reader();
    for typed in ["common", "comm*"] {
        let request = ListRequest { words: Words::parse(typed), limit: 2, ..request() };
        let page = reader.list(&request).unwrap();
        assert_eq!(page.items.iter().map(|item| item.turn.id.0).collect::<Vec<_>>(), [above + 1, above + 2]);
        let next = reader.list(&ListRequest { after: page.next, ..request }).unwrap();
        assert_eq!(next.items[0].turn.id.0, above + 3);
    }
}

/// The plan of a statement, a line each.
fn plan(sql: &str) -> String {
    let store = Store::new();
    let mut explain = store.conn.prepare(&format!("explain query plan {sql}")).unwrap();
    let mut rows = explain.raw_query(); // nothing is bound to a statement that is only explained
    let mut lines = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        lines.push(row.get::<_, String>(3).unwrap());
    }
    lines.join("\n")
}

#[test]
fn no_statement_reads_a_whole_table() {
    for (along, index) in [(LISTED, "turns_listed"), (NEWEST, "turns_newest")] {
        for sql in [along.probed, along.collected, along.further] {
            let plan = plan(sql);
            assert!(plan.contains(&format!("INDEX {index} (timestamp_ms")), "{plan}");
            assert!(!plan.contains("TEMP B-TREE"), "{plan}");
        }
    }
    for sql in [SESSION_PROBED, SESSION_COLLECTED] {
        assert!(plan(sql).starts_with("SEARCH t USING INDEX turns_session (session_id=?)"), "{}", plan(sql));
    }
    // FTS5 gets the words (M) and the range of row ids (> <) as well, or it would read all hits for each row.
    assert!(plan(LISTED.probed).contains("SCAN s VIRTUAL TABLE INDEX 0:M1><"), "{}", plan(LISTED.probed));
    let walks = [LISTED.probed, LISTED.collected, NEWEST.probed, NEWEST.collected];
    for sql in walks.into_iter().chain([SESSION_PROBED, SESSION_COLLECTED, HOLDING]) {
        for line in plan(sql).lines() {
            let harmless =
                !line.starts_with("SCAN ") || line.contains("VIRTUAL TABLE INDEX") || line.contains("CONSTANT ROW");
            assert!(harmless, "{line} in\n{}", plan(sql));
        }
    }
}
