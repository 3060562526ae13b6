//! Which conversations a filter leaves, what comes with them, and that files come back byte for byte.

use super::*;
use crate::human::{Remark, Said};
use crate::ids::{ConversationId, Key};
use crate::read::seed::{Row, Store, turn};
use crate::read::{Places, Query, Rated};
use crate::words::{Kind, Status, Via};
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

fn exporter(store: &Store) -> Exporter {
    Exporter::open(&store.dir).unwrap()
}

fn sql(store: &Store, sql: &str) {
    store.say(sql);
}

/// Six conversations: 1 to 4 human, in sessions a, a, b, b; 5 a notification; 6 a subagent of 1. 90 is an alias of 2, 91 too.
fn store() -> Store {
    let store = Store::new();
    for (session, at, prompt, kind) in [
        ("a", 1000, "load the config", "human"),
        ("a", 2000, "fix the bug", "human"),
        ("b", 3000, "load the page", "command"),
        ("b", 3000, "again", "shell"),
        ("b", 4000, "done", "notification"),
        ("a", 1500, "look", "subagent"),
    ] {
        store.turn(&Row { kind, ..turn(session, at, prompt) });
    }
    sql(
        &store,
        "insert into conversation_ids (id, created_ms) values (90, 0), (91, 0), (92, 0);
         insert into aliases values (90, 2), (91, 2);
         insert into conversation_keys values ('line', x'00000000000000000000000000000001', 2),
                ('event', x'00000000000000000000000000000002', 90), ('event', x'00000000000000000000000000000003', 91),
                ('event', x'00000000000000000000000000000009', 92);
         update turns set parent_id = 1 where id = 6;
         update turns set cwd = '/home/dev/acme' where id in (1, 2);
         update turns set cwd = '/home/dev/acme-2/src' where id = 3;
         update turns set via = 'print', status = 'failed' where id = 3;
         insert into sessions (session_id, cwd) values ('b', '/srv/100%_x');
         insert into rating_history values ('r1', 1, 1, 5, 10), ('r2', 1, 1, 3, 20), ('r3', 1, 2, 2, 10),
                ('r4', 1, 90, 4, 20), ('r5', 1, 3, 5, 10), ('r6', 1, 3, null, 20), ('r7', 1, 92, 1, 10);
         insert into tag_history values ('t1', 1, 1, 'keep', 1, 10), ('t2', 1, 90, 'keep', 1, 10),
                ('t3', 1, 3, 'keep', 1, 10), ('t4', 1, 3, 'keep', 0, 20), ('t5', 1, 2, 'two words', 1, 10);
         insert into note_history values ('n1', 1, 2, 'old', 10), ('n2', 1, 2, 'new', 20), ('n3', 1, 91, 'theirs', 15);
         insert into star_history values ('s1', 1, 4, 1, 10), ('s2', 1, 1, 1, 10), ('s3', 1, 1, 0, 20);
         insert into user_session_members values ('m1', 1, 'mine', 'b', 4, 10, null), ('m2', 1, 'gone', 'a', null, 10, 20);
         insert into user_sessions values ('mine', 1, 10);
         insert into session_titles values ('x1', 1, 'mine', 'First', 10), ('x2', 1, 'mine', 'Second', 20);
         insert into saved_views values ('v1', 1, 'best', 'rating=5', 10, null);",
    );
    store.refile();
    store
}

fn check(store: &Store, filter: &Filter, expected: &[i64]) {
    assert_eq!(newest(store, filter, None), expected, "{filter:?}");
}

fn newest(store: &Store, filter: &Filter, limit: Option<usize>) -> Vec<i64> {
    exporter(store).select(filter, limit).unwrap().iter().map(|one| one.id.0).collect()
}

/// Nobody waits any more: before the first step, and, whatever comes first, in the middle of many short or one long one.
#[test]
fn what_nobody_waits_for_ends() {
    let store = store();
    store.conn.execute_batch("begin").unwrap();
    for at in 0..500 {
        store.turn(&turn("a", 5000 + at, "load more"));
    }
    store.conn.execute_batch("commit").unwrap();
    store.refile();
    for filter in [Filter::default(), Filter { query: query("load"), ..Filter::default() }] {
        let whole = exporter(&store).select(&filter, None).unwrap().len();
        let ends_after = |looks: usize| {
            let left = std::sync::atomic::AtomicUsize::new(looks);
            let mut exporter = exporter(&store);
            let counted = move || left.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok();
            exporter.while_wanted(counted).unwrap();
            exporter.select(&filter, None).map(|selected| selected.len())
        };
        for looks in [0, 1, 2, 3] {
            assert!(matches!(ends_after(looks), Err(Error::Interrupted { .. })), "after {looks} looks");
        }
        assert_eq!(ends_after(usize::MAX).unwrap(), whole);
    }
    // A statement that would run for minutes.
    let mut exporter = exporter(&store);
    exporter
        .while_wanted({
            let begun = Instant::now();
            move || begun.elapsed() < Duration::from_millis(50)
        })
        .unwrap();
    let endless = exporter.ask(|conn| {
        conn.query_row(
            "with recursive n(i) as (select 1 union all select i + 1 from n) select max(i) from n",
            [],
            |row| row.get::<_, i64>(0),
        )
        .op("count")
    });
    assert!(matches!(endless, Err(Error::Interrupted { .. })), "{endless:?}");
}

fn query(typed: &str) -> Option<Query> {
    Query::parse(typed, Places::EVERYWHERE).unwrap()
}

#[test]
fn filters() {
    let store = store();
    let check = |filter: Filter, expected: &[i64]| check(&store, &filter, expected);
    let all = Filter::default;
    check(all(), &[1, 6, 2, 3, 4, 5]);
    check(Filter { kinds: Kind::LISTED.to_vec(), ..all() }, &[1, 2, 3, 4]);
    check(Filter { vias: vec![Via::Print, Via::Sdk], ..all() }, &[3]);
    check(Filter { statuses: vec![Status::Failed], ..all() }, &[3]);
    check(Filter { since_ms: Some(1500), until_ms: Some(3000), ..all() }, &[6, 2]);
    assert_eq!(newest(&store, &Filter { kinds: Kind::LISTED.to_vec(), ..all() }, Some(2)), [3, 4]);
    assert_eq!(newest(&store, &all(), Some(0)), [] as [i64; 0]);
    check(Filter { sessions: vec!["a".into()], ..all() }, &[1, 6, 2]);
    check(Filter { sessions: vec!["b".into()], until_ms: Some(4000), ..all() }, &[3, 4]);
    check(Filter { sessions: vec!["mine".into()], ..all() }, &[4, 5]);
    check(Filter { sessions: vec!["gone".into(), "nobody".into()], ..all() }, &[]);
    check(Filter { sessions: vec!["a".into(), "b".into()], since_ms: Some(3000), ..all() }, &[3, 4, 5]);
    check(Filter { ids: vec![ConversationId(91), ConversationId(4), ConversationId(404)], ..all() }, &[2, 4]);
    check(Filter { ids: vec![ConversationId(2)], sessions: vec!["b".into()], ..all() }, &[]);
    check(Filter { project: Some("/home/dev/acme".into()), ..all() }, &[1, 2]);
    check(Filter { project: Some("/home/dev".into()), ..all() }, &[1, 2, 3]);
    check(Filter { project: Some("/home/dev/acm".into()), ..all() }, &[]);
    check(Filter { project: Some("/srv/100%_x".into()), ..all() }, &[4, 5]);
    check(Filter { project: Some("/".into()), ..all() }, &[1, 2, 3, 4, 5]);
    check(Filter { rating: Some(Rated::Between(3..=5)), ..all() }, &[1, 2]);
    check(Filter { rating: Some(Rated::Between(1..=3)), ..all() }, &[1]);
    check(Filter { tags: vec!["keep".into()], ..all() }, &[1, 2]);
    check(Filter { tags: vec!["keep".into(), "two words".into()], ..all() }, &[2]);
    check(Filter { starred: Some(true), ..all() }, &[4]);
    check(Filter { query: query("load"), ..all() }, &[1, 3]);
    check(Filter { query: query("load"), tags: vec!["keep".into()], ..all() }, &[1]);
    check(Filter { query: query("?!"), ..all() }, &[]);
}

#[test]
fn a_place_knows_the_repository() {
    let store = store();
    store.transcript(b"x");
    sql(
        &store,
        "update transcripts set session_id = 'b';
         update sessions set origin_id = 1;
         insert into places values (1, '/home/dev/acme-2/src', '/home/dev/acme-2', 0);
         insert into places values (1, '/srv/100%_x', '/repo/main', 0);",
    );
    store.refile();
    check(&store, &Filter { project: Some("/home/dev/acme-2".into()), ..Filter::default() }, &[3]);
    check(&store, &Filter { project: Some("/repo".into()), ..Filter::default() }, &[4, 5]);
}

/// More than a step, with many of one time.
#[test]
fn a_long_walk_misses_nothing_and_repeats_nothing() {
    let store = Store::new();
    store.conn.execute_batch("begin").unwrap();
    let ids: Vec<i64> = (0..5003).map(|n| store.turn(&turn("s", n / 1700, "word")).0).collect();
    store.conn.execute_batch("commit").unwrap();
    check(&store, &Filter::default(), &ids);
    assert_eq!(newest(&store, &Filter::default(), Some(4100)), ids[903..]);
    check(&store, &Filter { query: query("word"), ..Filter::default() }, &ids);
    check(&store, &Filter { since_ms: Some(1), until_ms: Some(2), ..Filter::default() }, &ids[1700..3400]);
}

#[test]
fn an_alias_brings_its_keys_and_histories() {
    let store = store();
    let whole = exporter(&store).whole(ConversationId(2), Subagents::Left).unwrap().unwrap();
    let key = |n: u8| {
        let mut key = [0; 16];
        key[15] = n;
        key
    };
    assert_eq!(whole.keys, [Key::Line(key(1)), Key::Event(key(2)), Key::Event(key(3))]);
    let said: Vec<_> = whole.remarks.iter().map(|remark: &Remark| &*remark.stamp.id).collect();
    assert_eq!(said, ["r3", "r4", "t2", "t5", "n1", "n3", "n2"]);
    assert_eq!(whole.standing.rating.map(|rating| rating.get()), Some(4));
    assert_eq!(whole.standing.tags, ["keep", "two words"]);
    assert_eq!(whole.standing.notes, ["theirs", "new"]);
    assert!(!whole.standing.starred);
    assert_eq!(exporter(&store).whole(ConversationId(90), Subagents::Left).unwrap(), None);
}

/// As the view that people may query by themselves has it.
#[test]
fn the_standing_is_that_of_the_view() {
    let store = store();
    sql(&store, "delete from note_history where id = 'n3'"); // the view knows one level of aliases
    for id in 1..=6 {
        let standing = exporter(&store).summary(ConversationId(id)).unwrap().unwrap().standing;
        let found = (
            standing.rating.map(|rating| i64::from(rating.get())),
            standing.tags.clone(),
            (!standing.notes.is_empty()).then(|| standing.notes.join("\n\n")),
        );
        let view = store
            .conn
            .query_row("select rating, tags, notes from ratings where conversation_id = ?1", [id], |row| {
                let mut tags: Vec<String> = serde_json::from_str(&row.get::<_, String>(1)?).unwrap();
                tags.sort();
                Ok((row.get(0)?, tags, row.get(2)?))
            })
            .unwrap_or((None, Vec::new(), None));
        assert_eq!(found, view, "{id}");
    }
}

#[test]
fn cuts_and_what_has_no_conversation() {
    let store = store();
    let cuts = exporter(&store).cuts().unwrap();
    assert_eq!(cuts.user_sessions.len(), 1);
    assert_eq!(cuts.members.iter().map(|member| member.from.is_some()).collect::<Vec<_>>(), [true, false]);
    assert_eq!(cuts.titles.last().unwrap().title.as_deref(), Some("Second"));
    assert_eq!(cuts.views[0].name, "best");
    let unplaced = exporter(&store).unplaced().unwrap();
    assert_eq!(unplaced.len(), 1);
    assert_eq!((unplaced[0].id.0, unplaced[0].keys.len()), (92, 1));
    assert!(matches!(unplaced[0].remarks[0].said, Said::Rating(_)));
    // The conversation that an alias stands for is gone: what was said by either name is not.
    sql(&store, "delete from turns where id = 2");
    let unplaced = exporter(&store).unplaced().unwrap();
    assert_eq!(unplaced.iter().map(|one| (one.id.0, one.remarks.len())).collect::<Vec<_>>(), [(2, 7), (92, 1)]);
    let mine = exporter(&store).summary(ConversationId(4)).unwrap().unwrap();
    assert_eq!(mine.title.as_deref(), Some("Second"));
}

#[test]
fn subagents_are_summed_up() {
    let store = store();
    let deeper = store.turn(&turn("a", 1600, "look deeper"));
    let used = |id: i64, n: i64| {
        format!(
            "insert into usage (conversation_id, seq, message_id, model, input_tokens, output_tokens, cache_creation_tokens,
                                cache_read_tokens) values ({id}, 0, 'm{n}', 'x', {n}, {n}, {n}, {n});"
        )
    };
    sql(&store, &format!("update turns set parent_id = 6 where id = {}", deeper.0));
    sql(&store, &[used(1, 1), used(6, 2), used(deeper.0, 3)].concat());
    let found = exporter(&store).summary(ConversationId(1)).unwrap().unwrap();
    let tokens = |usage: &[crate::read::Usage]| usage.iter().map(|message| message.input_tokens).collect::<Vec<_>>();
    assert_eq!((found.subagents, tokens(&found.usage), tokens(&found.subagents_usage)), (2, vec![1], vec![2, 3]));
}

fn read(exporter: &mut Exporter, file: &File) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    exporter.read_file(file, |piece| {
        bytes.extend_from_slice(piece);
        Ok::<_, Error>(())
    })?;
    Ok(bytes)
}

#[test]
fn files_come_back_whole() {
    for size in [0, 1, 262_143, 262_144, 262_145, 1_000_000] {
        let store = Store::new();
        let bytes: Vec<u8> = (0..size).map(|n: u32| (n % 251) as u8).collect();
        store.transcript(&bytes);
        let mut exporter = exporter(&store);
        let files = exporter.files(&FileFilter::default()).unwrap();
        assert_eq!(files.len(), 1);
        assert!(read(&mut exporter, &files[0]).unwrap() == bytes, "{size}");
    }
}

#[test]
fn a_file_that_grew_is_read_to_where_it_ended() {
    let store = Store::new();
    store.transcript(&vec![b'x'; 1000]);
    let mut exporter = exporter(&store);
    let files = exporter.files(&FileFilter::default()).unwrap();
    sql(&store, "update transcripts set stored_size = 2000");
    let longer = crate::codec::pack(&[b'x'; 2000]).bytes.into_owned();
    store.conn.execute("update transcript_chunks set size = 2000, codec = 1, bytes = ?1", [longer]).unwrap();
    assert_eq!(read(&mut exporter, &files[0]).unwrap().len(), 1000);
}

#[test]
fn a_missing_piece_is_an_error() {
    let store = Store::new();
    store.transcript(&vec![b'x'; 300_000]);
    sql(&store, "delete from transcript_chunks where seq = 1");
    let mut exporter = exporter(&store);
    let file = exporter.files(&FileFilter::default()).unwrap().remove(0);
    let error = read(&mut exporter, &file).unwrap_err();
    assert!(matches!(&error, Error::Corrupt { .. }) && error.to_string().contains("piece 1 of p"), "{error}");
}

#[test]
fn superseded_files_are_asked_for() {
    let store = Store::new();
    store.transcript(b"old");
    sql(&store, "update transcripts set superseded_ms = 7");
    store.transcript(b"new");
    let mut exporter = exporter(&store);
    let found = |exporter: &mut Exporter, filter: &FileFilter| -> Vec<Vec<u8>> {
        let files = exporter.files(filter).unwrap();
        files.iter().map(|file| read(exporter, file).unwrap()).collect()
    };
    assert_eq!(found(&mut exporter, &FileFilter::default()), [b"new"]);
    let all = FileFilter { superseded: true, ..FileFilter::default() };
    assert_eq!(found(&mut exporter, &all), [b"old", b"new"]);
    let none = FileFilter { sessions: Some(["other".to_owned()].into()), superseded: true };
    assert_eq!(found(&mut exporter, &none), Vec::<Vec<u8>>::new());
    assert_eq!(exporter.roots().unwrap(), [("test".to_owned(), "/r".to_owned())]);
}

#[test]
fn events_by_time_and_session() {
    let store = Store::new();
    store.event(b"{}");
    store.event(&vec![b' '; 5000]);
    sql(&store, "update events set captured_ns = id * 1000000000, session_id = 's' || id");
    let mut exporter = exporter(&store);
    let mut check = |filter: EventFilter, expected: &[usize]| {
        let events = exporter.events(&filter).unwrap();
        let sizes: Vec<_> = events.iter().map(|event| exporter.payload(event).unwrap().len()).collect();
        assert_eq!(sizes, expected, "{filter:?}");
    };
    check(EventFilter::default(), &[2, 5000]);
    check(EventFilter { since_ms: Some(2000), ..EventFilter::default() }, &[5000]);
    check(EventFilter { until_ms: Some(2000), ..EventFilter::default() }, &[2]);
    check(EventFilter { sessions: Some(["s2".to_owned()].into()), ..EventFilter::default() }, &[5000]);
}

#[test]
fn there_must_be_a_store() {
    let home = tempfile::tempdir().unwrap();
    let missing = Exporter::open(&queue::DataDir::new(home.path()));
    assert!(matches!(missing, Err(Error::Missing { .. })));
}
