//! Lists of sessions, held against a plain computation; what one consists of; how fast a long list is.

use crate::veil::Veil;
use rusqlite::params;

use super::*;
use crate::annotate::{Annotator, Merge, Split};
use crate::human::Name;
use crate::read::seed::{self, Store};
use crate::read::{Reader, Texts};

/// Sessions `s0`, `s1`, … that ended one after the other, two conversations each.
fn store(sessions: i64) -> Store {
    let store = Store::new();
    for n in 0..sessions {
        let id = format!("s{n}");
        for ordinal in 0..2 {
            store.turn(&seed::turn(&id, 1000 * n + ordinal, &format!("prompt {ordinal} of {id}")));
        }
        store
            .conn
            .execute(
                "insert into sessions (session_id, cwd, started_ms, ended_ms, origin_id) values (?1, ?2, ?3, ?3 + 1, 1)",
                params![id, if n % 2 == 0 { "/even" } else { "/odd/src" }, 1000 * n],
            )
            .unwrap();
    }
    store.conn.execute_batch("insert into places values (1, '/odd/src', '/odd', 0)").unwrap();
    store
}

fn ids(reader: &mut Reader, request: &SessionsRequest) -> Vec<String> {
    let (mut found, mut request) = (Vec::new(), SessionsRequest { limit: 2, ..request.clone() });
    loop {
        let page = reader.sessions(&request).unwrap();
        assert!(page.items.len() <= 2);
        found.extend(page.items.into_iter().map(|item| item.id));
        match page.next {
            Some(next) => request.after = Some(next),
            None => return found,
        }
    }
}

fn others(session: &SessionDetail) -> Vec<String> {
    session.others.iter().map(|other| other.id.clone()).collect()
}

fn annotator(store: &Store) -> Annotator {
    store.conn.execute("update origins set origin = '00000000000000000000000000000000'", []).unwrap();
    Annotator::open(&store.dir).unwrap()
}

#[test]
fn newest_activity_first_page_by_page() {
    let store = store(5);
    let mut reader = store.reader();
    store.conn.execute("update sessions set title = 'Zürich' where session_id = 's3'", []).unwrap();
    store.conn.execute("insert into sessions (session_id, ended_ms) values ('empty', 99999)", []).unwrap();
    let mut check = |request: SessionsRequest, expected: &str| {
        assert_eq!(ids(&mut reader, &request).join(" "), expected, "{request:?}");
    };
    let all = SessionsRequest::default;
    check(all(), "s4 s3 s2 s1 s0");
    check(SessionsRequest { since_ms: Some(2001), ..all() }, "s4 s3 s2");
    check(SessionsRequest { since_ms: Some(2002), until_ms: Some(4001), ..all() }, "s3");
    check(SessionsRequest { until_ms: Some(1001), ..all() }, "s0");
    check(SessionsRequest { project: Some("/even".into()), ..all() }, "s4 s2 s0");
    check(SessionsRequest { project: Some("/odd".into()), ..all() }, "s3 s1");
    check(SessionsRequest { project: Some("/odd/src".into()), ..all() }, "s3 s1");
    check(SessionsRequest { project: Some("odd".into()), ..all() }, "s3 s1");
    check(SessionsRequest { project: Some("/".into()), ..all() }, "s4 s3 s2 s1 s0");
    check(SessionsRequest { project: Some("/od".into()), ..all() }, "");
    check(SessionsRequest { project: Some("src".into()), ..all() }, "");
    check(SessionsRequest { words: Some("ZÜR".into()), ..all() }, "s3");
    check(SessionsRequest { words: Some("s2 prompt".into()), ..all() }, "s2");
    check(SessionsRequest { words: Some("none".into()), ..all() }, "");
    check(SessionsRequest { words: Some("zu pro".into()), ..all() }, "");
    check(SessionsRequest { words: Some("p".into()), ..all() }, "s4 s2 s1 s0");
    check(SessionsRequest { words: Some("rompt".into()), since_ms: Some(1000), ..all() }, "s4 s2 s1");
    check(SessionsRequest { words: Some("prompt 1".into()), ..all() }, ""); // that is the second prompt
    check(SessionsRequest { words: Some("pro".into()), project: Some("/odd".into()), ..all() }, "s1");
}

/// Whatever a session is called, the words that it is found by are those of the title that is shown.
#[test]
fn what_is_found_is_what_is_shown() {
    let store = store(0);
    let cut = format!("{} shown{}hidden", "x".repeat(108), " ".repeat(9));
    for (at, (prompt, title)) in [
        ("first line\nsecond", None),
        (&*format!("{}needle below", " \r\n\t".repeat(2000)), None),
        (&*format!("{}wide below", "\u{3000}\n".repeat(2000)), None),
        (&*cut, None),
        ("covered prompt", Some("own title")),
        ("beneath", Some("")),
        ("under", Some("  ")),
        ("Décomposé prompt", None),
        ("", None),
        (" \n ", None),
    ]
    .into_iter()
    .enumerate()
    {
        let id = format!("s{at}");
        store.turn(&seed::turn(&id, 1000 * at as i64, prompt));
        store.turn(&seed::turn(&id, 1000 * at as i64 + 1, "later"));
        let ended = 1000 * at as i64 + 1;
        let sql = "insert into sessions (session_id, cwd, started_ms, ended_ms, origin_id, title) values (?1, '/p', ?2, ?2, 1, ?3)";
        store.conn.execute(sql, params![id, ended, title]).unwrap();
    }
    let mut annotator = annotator(&store);
    annotator.title("s0", Name::parse("given name").as_ref().ok(), 5).unwrap().unwrap();
    let mut reader = store.reader();
    let all = reader.sessions(&SessionsRequest { limit: 50, ..SessionsRequest::default() }).unwrap().items;
    let titles: Vec<_> = all.iter().map(|item| item.title.clone().unwrap_or_default()).collect();
    assert!(titles.contains(&"needle below".to_owned()) && titles.contains(&"given name".to_owned()), "{titles:?}");
    for word in "first second needle wide below shown hidden x own title covered beneath under décom decompose prompt later given name n p".split(' ') {
        let words = titled::Words::parse(word);
        let expected: Vec<_> = all.iter().filter(|item| words.are_in(item.title.as_deref().unwrap_or_default())).map(|item| item.id.clone()).collect();
        let found = ids(&mut reader, &SessionsRequest { words: Some(word.into()), ..SessionsRequest::default() });
        assert_eq!(found, expected, "{word}");
    }
}

#[test]
fn what_was_changed_stands_where_it_belongs() {
    let store = store(5);
    let mut annotator = annotator(&store);
    // Ids of s1 are 3 and 4, those of s3 are 7 and 8.
    let title = Name::parse("A part").unwrap();
    let split = Split { session_id: "s3".into(), at: vec![(ConversationId(8), Some(title))] };
    let new = annotator.split(&split, 5).unwrap().unwrap().remove(0);
    let merge = Merge { into: "s0".into(), sessions: vec!["s4".into()], title: None };
    annotator.merge(&merge, 5).unwrap().unwrap();
    let mut reader = store.reader();
    let found = ids(&mut reader, &SessionsRequest::default());
    assert_eq!(found, ["s0", &new, "s3", "s2", "s1"]);
    let found = ids(&mut reader, &SessionsRequest { words: Some("part".into()), ..SessionsRequest::default() });
    assert_eq!(found, std::slice::from_ref(&new));
    let found = ids(&mut reader, &SessionsRequest { project: Some("/even".into()), ..SessionsRequest::default() });
    assert_eq!(found, ["s0", "s2"]);

    let mut detail = |id: &str| reader.session(id, None, 10, Texts::Whole).unwrap();
    let merged = detail("s0").unwrap();
    assert_eq!(
        (merged.session.conversations, &merged.session.session_ids[..]),
        (4, &["s0".into(), "s4".to_owned()][..])
    );
    assert_eq!(merged.session.title.as_deref(), Some("prompt 0 of s0"));
    let shown: Vec<_> = merged.conversations.iter().map(|item| item.turn.id.0).collect();
    assert_eq!(shown, [1, 2, 9, 10]);
    assert!(merged.parts[0].change.is_none() && merged.parts[1].change.is_some());
    let part = detail(&new).unwrap();
    assert_eq!((part.session.title.as_deref(), part.session.title_from), (Some("A part"), Some(TitleFrom::Given)));
    assert_eq!((others(&part), part.parts[0].from), (vec!["s3".to_owned()], Some(ConversationId(8))));
    let rest = detail("s3").unwrap();
    assert_eq!((others(&rest), rest.session.conversations), (vec![new], 1));
    let gone = detail("s4").unwrap();
    assert_eq!((others(&gone), gone.session.conversations), (vec!["s0".to_owned()], 0));
    let given = |id| store.reader().conversation(ConversationId(id)).unwrap().unwrap().given_title;
    assert_eq!((given(8).as_deref(), given(7)), (Some("A part"), None));
    assert_eq!(detail("none"), None);
}

#[test]
fn conversations_of_a_session_come_in_pages() {
    let store = store(1);
    for n in 0..5 {
        store.turn(&seed::turn("s0", 50 + n / 2, "more"));
    }
    let (mut reader, mut found, mut after) = (store.reader(), Vec::new(), None);
    loop {
        let detail = reader.session("s0", after, 3, Texts::Whole).unwrap().unwrap();
        found.extend(detail.conversations.iter().map(|item| item.turn.id.0));
        after = detail.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(found, [1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn long_conversations_of_a_session_end_a_page() {
    let store = store(1);
    for n in 0..9 {
        let text = "x".repeat(if n % 3 == 0 { 5_000 } else { 900 });
        store.turn(&seed::turn("s0", 50 + n / 2, &text));
    }
    let stretches = parts::of_user_session(&store.conn, "s0").unwrap();
    let walked = |limit, room| {
        let (mut lengths, mut found, mut after) = (Vec::new(), Vec::new(), None);
        loop {
            let (items, next) =
                conversations(&store.conn, &stretches, after, limit, (Texts::Whole, &Veil::default()), Room(room))
                    .unwrap();
            lengths.push(items.len());
            found.extend(items.iter().map(|item| item.turn.id.0));
            after = next;
            if after.is_none() {
                return (found, lengths);
            }
        }
    };
    let all: Vec<i64> = (1..=11).collect();
    assert_eq!(walked(50, usize::MAX), (all.clone(), vec![11]));
    assert_eq!(walked(50, 4_000), (all.clone(), vec![3, 3, 3, 2]));
    assert_eq!(walked(2, 4_000), (all.clone(), vec![2, 1, 2, 1, 2, 1, 2]));
    assert_eq!(walked(50, 0), (all, vec![1; 11]));
}

#[test]
fn relatives_are_found_both_ways_and_once() {
    let store = store(4);
    store
        .conn
        .execute_batch(
            "insert into session_links values ('s1', 'fork-of', 's0'), ('s2', 'continued-from', 's1'), ('s3', 'fork-of', 's0'),
                                              ('s0', 'resumed-from', 's2'), ('s3', 'fork-of', 'not here')",
        )
        .unwrap();
    let tree = store.reader().session("s1", None, 1, Texts::Whole).unwrap().unwrap().tree;
    let sessions: Vec<_> = tree.sessions.iter().map(|one| one.session_id.as_str()).collect();
    assert_eq!(sessions, ["s1", "s2", "s0", "s3", "not here"]);
    assert_eq!((tree.links.len(), tree.is_cut), (5, false));
    for n in 0..300 {
        store.conn.execute("insert into session_links values (?1, 'fork-of', 's0')", [format!("f{n}")]).unwrap();
    }
    let tree = store.reader().session("s1", None, 1, Texts::Whole).unwrap().unwrap().tree;
    assert_eq!((tree.sessions.len(), tree.is_cut), (200, true));
}

/// `count` more sessions without a title, one conversation each, all later than those of [`store`].
fn many(store: &Store, count: i64) {
    store
        .conn
        .execute_batch(&format!(
            "begin;
             create temp table n as
             with recursive n (n) as (select 1000 union all select n + 1 from n where n < 999 + {count}) select n from n;
             insert into conversation_ids (id, created_ms) select n, 0 from n;
             insert into turns (id, session_id, ordinal, timestamp_ms, kind, via, status, prompt_text, from_hook,
                                from_transcript, metadata, digest)
             select n, 'n' || n, 0, n * 1000, 'human', 'print', 'complete', 'number ' || n, 1, 0, '{{}}', x'' from n;
             insert into search_parts (rowid, text) select id, prompt_text from turns where id >= 1000;
             insert into sessions (session_id, cwd, ended_ms, origin_id) select 'n' || n, '/many', n * 1000, 1 from n;
             commit;"
        ))
        .unwrap();
}

/// What no index knows is looked for in titles, and a page that this takes long to fill is short.
#[test]
fn a_walk_has_a_bound() {
    let store = store(5);
    many(&store, 25_000);
    let mut reader = store.reader();
    let mut request = SessionsRequest { words: Some("p".into()), limit: 3, ..SessionsRequest::default() };
    let first = reader.sessions(&request).unwrap();
    assert_eq!((first.items.len(), first.next.is_some()), (0, true));
    request.after = first.next;
    let second = reader.sessions(&request).unwrap();
    assert_eq!((second.items.len(), second.next.is_some()), (3, true));
    assert_eq!(ids(&mut reader, &request).join(" "), "s4 s3 s2 s1 s0");
    // In every title but these: it is met at once.
    request = SessionsRequest { words: Some("number".into()), limit: 3, ..SessionsRequest::default() };
    assert_eq!(reader.sessions(&request).unwrap().items.len(), 3);
    request.words = Some("number 1234".into());
    assert_eq!(
        ids(&mut reader, &request).join(" "),
        "n21234 n12349 n12348 n12347 n12346 n12345 n12344 n12343 n12342 n12341 n12340 n11234 n1234"
    );
}

/// The walk reads what it shows: no plan reads all sessions or sorts them.
#[test]
fn the_list_goes_along_an_index() {
    let store = store(1);
    let plan = |sql: &str| {
        let mut query = store.conn.prepare(&format!("explain query plan {sql}")).unwrap();
        let rows = query.query_map(params![0, "", 0, true, "/p", 50], |row| row.get::<_, String>(3)).unwrap();
        rows.map(Result::unwrap).collect::<Vec<_>>().join("\n")
    };
    let walk = plan(page::WALK);
    assert!(walk.contains("SEARCH sessions USING INDEX sessions_ended"), "{walk}");
    assert!(!walk.contains("TEMP B-TREE") && !walk.contains("SCAN sessions"), "{walk}");
    let walk = plan(page::WALK_OF_PROJECT);
    assert!(walk.contains("SEARCH sessions USING INDEX sessions_cwd (cwd=?"), "{walk}");
    let one = plan(page::ONE);
    assert!(one.contains("SEARCH sessions USING PRIMARY KEY (session_id=?"), "{one}");
}

#[test]
fn an_outline_has_every_conversation_in_order() {
    let store = store(3);
    store.say("insert into rating_history values ('r', 1, 2, 4, 1); insert into star_history values ('s', 1, 1, 1, 1)");
    store.conn.execute("update turns set status = 'failed' where id = 1", []).unwrap();
    store.refile();
    let mut reader = store.reader();
    let mut outline = |id: &str| reader.outline(id).unwrap().map(|found| found.points);
    let ids =
        |found: Option<Vec<OutlinePoint>>| found.map(|all| all.iter().map(|point| point.id.0).collect::<Vec<_>>());
    let points = outline("s0").unwrap();
    assert_eq!(
        points.iter().map(|it| (it.id.0, it.timestamp_ms, it.failed)).collect::<Vec<_>>(),
        [(1, 0, true), (2, 1, false)]
    );
    assert_eq!((points[0].rating, points[0].starred), (None, true));
    assert_eq!((points[1].rating, points[1].starred), (crate::human::Rating::new(4), false));
    assert_eq!(outline("nobody"), None);
    let mut annotator = annotator(&store);
    let merge = Merge { into: "s2".into(), sessions: vec!["s0".into()], title: None };
    annotator.merge(&merge, 1).unwrap().unwrap();
    assert_eq!(ids(outline("s2")), Some(vec![1, 2, 5, 6]));
    assert_eq!(ids(outline("s0")), Some(vec![]));
}
