//! What is taken in of older schemas, of what was forgotten, and of versions of a file; how rows find their conversation.

use std::ops::ControlFlow;
use std::path::PathBuf;

use queue::DataDir;
use rusqlite::{Connection, params};

use super::*;
use crate::codec;
use crate::migrate::{APPLICATION_ID, MIGRATIONS, SCHEMA};

struct Store {
    home: tempfile::TempDir,
    writer: Writer,
}

impl Store {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let writer = Writer::open(&DataDir::new(home.path())).unwrap();
        Self { home, writer }
    }

    fn path(&self) -> PathBuf {
        DataDir::new(self.home.path()).database()
    }

    fn sql(&self, sql: &str) -> &Self {
        let sql = format!("begin; {sql}; insert into telling (now) values (0); commit");
        self.writer.conn.execute_batch(&sql).unwrap();
        self
    }

    fn merge(&mut self, other: &std::path::Path) -> Merged {
        let other = self.writer.open_other(other).unwrap();
        self.writer.merge_stones(&other).unwrap();
        let ground = self.writer.merge_ground(&other, &mut |_| ControlFlow::Continue(())).unwrap();
        let said = self.writer.merge_human(&other, 0, &mut |_| ControlFlow::Continue(())).unwrap();
        Merged { human: said.human, ..ground }
    }

    /// The rows of a query, as text.
    fn rows(&self, sql: &str) -> Vec<String> {
        rows(&self.writer.conn, sql)
    }
}

fn rows(conn: &Connection, sql: &str) -> Vec<String> {
    let mut query = conn.prepare(sql).unwrap();
    query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

const EVENT: &str =
    "insert into events (origin_id, name, hash, captured_ns, event, session_id, size, codec, payload, stored_ms)
                     values (1, 'n', x'01', 5, 'Stop', 's', 2, 0, x'7b7d', 0);";

/// A database as the program of schema `n` left it, with one event, and one rating where there is a table for it.
fn of_schema(n: usize, dir: &std::path::Path) -> PathBuf {
    let path = dir.join(format!("schema-{n}.db"));
    let conn = Connection::open(&path).unwrap();
    crate::functions::add(&conn).unwrap();
    MIGRATIONS[..n].iter().for_each(|sql| conn.execute_batch(sql).unwrap());
    conn.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
    conn.pragma_update(None, "user_version", n as i64).unwrap();
    conn.execute_batch(&format!("insert into origins values (1, 'other', 1); {EVENT}")).unwrap();
    if n >= 3 {
        let tell = if n >= 10 { "insert into telling (now) values (0);" } else { "" };
        conn.execute_batch(&format!(
            "begin;
             insert into conversation_ids values (70, 0);
             insert into conversation_keys values ('line', x'000102030405060708090a0b0c0d0e0f', 70);
             insert into rating_history values ('r', 1, 70, 4, 1);
             {tell} commit"
        ))
        .unwrap();
    }
    path
}

#[test]
fn every_schema_is_readable() {
    let dir = tempfile::tempdir().unwrap();
    for n in 1..=SCHEMA as usize {
        let path = of_schema(n, dir.path());
        let before = std::fs::read(&path).unwrap();
        let mut store = Store::new();
        let merged = store.merge(&path);
        assert_eq!((merged.events, merged.human), (1, u64::from(n >= 3)), "schema {n}");
        assert_eq!(std::fs::read(&path).unwrap(), before, "schema {n}");
        assert_eq!(store.rows("select session_id from dirty_sessions"), ["s"]);
        let beside = std::fs::read_dir(store.path().parent().unwrap()).unwrap();
        assert!(beside.flatten().all(|entry| entry.file_name().as_encoded_bytes().starts_with(b"prompts.db")));
    }
}

/// A copy that a killed import left is removed by the next; one that is in use is not.
#[test]
fn abandoned_copies_go() {
    let dir = tempfile::tempdir().unwrap();
    let path = of_schema(1, dir.path());
    let store = Store::new();
    let folder = |name: &str| store.path().with_file_name(name);
    for name in ["import-dead", "import-live", "unlike"] {
        std::fs::create_dir(folder(name)).unwrap();
        std::fs::write(folder(name).join("lock"), "").unwrap();
    }
    let live = std::fs::File::open(folder("import-live").join("lock")).unwrap();
    live.try_lock().unwrap();
    let other = store.writer.open_other(&path).unwrap();
    let exist = |names: [&str; 3]| names.map(|name| folder(name).exists());
    assert_eq!(exist(["import-dead", "import-live", "unlike"]), [false, true, true]);
    drop(other);
    assert_eq!(
        std::fs::read_dir(store.path().parent().unwrap()).unwrap().flatten().filter(|it| it.path().is_dir()).count(),
        2
    );
}

/// An event that either store forgot stays out, and both know of it afterwards.
#[test]
fn what_was_forgotten_stays_out() {
    for theirs_forgot in [true, false] {
        let (mut here, other) = (Store::new(), Store::new());
        other.sql("update origins set origin = 'other'").sql(EVENT);
        let key = crate::write::ground::event_key("other", "n", &[1]);
        let forgetful = if theirs_forgot { &other } else { &here };
        forgetful
            .writer
            .conn
            .execute(
                "insert into tombstones (origin_id, kind, key, created_ms) values (1, 'event', ?1, 0)",
                params![key],
            )
            .unwrap();
        for _ in 0..2 {
            let merged = here.merge(&other.path());
            assert_eq!((merged.events, merged.forgotten), (0, 1));
        }
        assert_eq!(here.rows("select kind from tombstones"), ["event"]);
        assert_eq!(here.rows("select name from events"), Vec::<String>::new());
    }
}

/// Adds a version of the one file of a store: its text, when it was written and superseded.
fn put(store: &Store, text: &str, mtime_ns: i64, superseded: Option<i64>) {
    let conn = &store.writer.conn;
    let tail = blake3::hash(&text.as_bytes()[text.len().saturating_sub(4096)..]);
    let origin: i64 = conn
        .query_row(
            "insert into origins (origin, own) values ('third', 0) on conflict do update set own = own returning id",
            [],
            |row| row.get(0),
        )
        .unwrap();
    conn.execute(
        "insert into transcripts (origin_id, root, path, role, session_id, device, inode, source_size, source_mtime_ns,
                                  stored_size, tail_hash, superseded_ms)
         values (?1, '/r', 'p', 'main', 's', 1, 1, ?2, ?3, ?2, ?4, ?5)",
        params![origin, text.len() as i64, mtime_ns, tail.as_bytes(), superseded],
    )
    .unwrap();
    let id = conn.last_insert_rowid();
    for (seq, chunk) in text.as_bytes().chunks(262_144).enumerate() {
        let packed = codec::pack(chunk);
        conn.execute(
            "insert into transcript_chunks (transcript_id, seq, size, codec, bytes) values (?1, ?2, ?3, ?4, ?5)",
            params![id, seq as i64, chunk.len() as i64, packed.codec, packed.bytes],
        )
        .unwrap();
    }
}

/// Every version: how its text begins, how long it is, whether its tail hash is right, since when it is superseded.
fn versions(store: &Store) -> Vec<(String, bool, Option<i64>)> {
    let conn = &store.writer.conn;
    let mut query = conn.prepare("select id, stored_size, tail_hash, superseded_ms from transcripts").unwrap();
    let read = |row: &rusqlite::Row<'_>| {
        let (id, stored, tail): (i64, i64, Vec<u8>) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let mut text = Vec::new();
        let mut chunks =
            conn.prepare("select codec, bytes, size from transcript_chunks where transcript_id = ?1 order by seq")?;
        let mut chunks = chunks.query([id])?;
        while let Some(chunk) = chunks.next()? {
            text.extend(codec::unpack(chunk.get(0)?, chunk.get(1)?, chunk.get::<_, i64>(2)? as usize).unwrap());
        }
        let tail_is = *blake3::hash(&text[text.len().saturating_sub(4096)..]).as_bytes() == tail[..];
        Ok((String::from_utf8(text.clone()).unwrap(), tail_is && text.len() as i64 == stored, row.get(3)?))
    };
    let mut found: Vec<_> = query.query_map([], read).unwrap().map(Result::unwrap).collect();
    found.sort();
    found
}

/// Versions of one file here and there, as (text, written at, superseded at); what either has after it took in the other's.
fn check_versions(
    here: &[(&str, i64, Option<i64>)],
    there: &[(&str, i64, Option<i64>)],
    expected: &[(&str, Option<i64>)],
) {
    // Beyond a chunk, so that chunks are compared, replaced and added.
    let long = |text: &str| text.chars().flat_map(|c| std::iter::repeat_n(c, 100_000)).collect::<String>();
    let expected: Vec<_> = expected.iter().map(|(text, superseded)| (long(text), true, *superseded)).collect();
    for (ours, theirs) in [(here, there), (there, here)] {
        let (mut store, mut other) = (Store::new(), Store::new());
        for (store, versions) in [(&store, ours), (&other, theirs)] {
            versions
                .iter()
                .for_each(|(text, at_ms, superseded)| put(store, &long(text), at_ms * 1_000_000, *superseded));
        }
        for _ in 0..2 {
            store.merge(&other.path());
            assert_eq!(versions(&store), expected, "{ours:?} takes in {theirs:?}");
        }
        other.merge(&store.path());
        assert_eq!(versions(&other), expected, "{theirs:?} takes in {ours:?}");
        assert_eq!(store.merge(&other.path()), Merged::default());
    }
}

#[test]
fn versions_of_one_file() {
    check_versions(&[], &[("abc", 1, None)], &[("abc", None)]);
    check_versions(&[("abc", 1, None)], &[("abc", 1, None)], &[("abc", None)]);
    check_versions(&[("abcdef", 2, None)], &[("abc", 1, None)], &[("abcdef", None)]);
    check_versions(&[("", 0, None)], &[("abc", 1, None)], &[("abc", None)]);
    // Rewritten: one store knows it, the other has the older text as its current.
    check_versions(&[("abc", 1, Some(5)), ("xyz", 6, None)], &[("abc", 1, None)], &[("abc", Some(5)), ("xyz", None)]);
    check_versions(&[("abcd", 1, Some(5)), ("xyz", 6, None)], &[("abc", 1, None)], &[("abcd", Some(5)), ("xyz", None)]);
    // Both have a current one of which the other knows nothing: the later is current.
    check_versions(&[("abc", 1, None)], &[("xyz", 2, None)], &[("abc", Some(2)), ("xyz", None)]);
    // Cut: the current one is the beginning of the old one, and stays a version of its own.
    check_versions(&[("abcdef", 1, Some(5)), ("abc", 6, None)], &[], &[("abc", None), ("abcdef", Some(5))]);
    check_versions(
        &[("abcdef", 1, Some(5)), ("abc", 6, None)],
        &[("abcdef", 1, None)],
        &[("abc", None), ("abcdef", Some(5))],
    );
    check_versions(
        &[("abcdef", 1, Some(5)), ("abcx", 8, None)],
        &[("abcdef", 1, Some(5)), ("abc", 6, None)],
        &[("abcdef", Some(5)), ("abcx", None)],
    );
}

/// Which conversation of ours a remark about one of theirs comes to, and how many ids that makes. Theirs have the id 1 (and its
/// alias 2).
fn check_identity(theirs: &str, ours: &str, expected: &str, made: usize) {
    let (mut here, other) = (Store::new(), Store::new());
    other
        .sql("insert into conversation_ids values (1, 0), (2, 0)")
        .sql(theirs)
        .sql("insert into rating_history values ('r', 1, 2, 5, 1), ('s', 1, 2, 4, 2)");
    here.sql("insert into conversation_ids values (7, 0), (8, 0), (9, 0)").sql(ours);
    for _ in 0..2 {
        here.merge(&other.path());
        let found = here.rows(
            "select rating || ' on ' || coalesce(survivor, conversation_id)
               from rating_history h left join aliases a on a.id = h.conversation_id order by h.id",
        );
        assert_eq!(found, [format!("5 on {expected}"), format!("4 on {expected}")], "{theirs} {ours}");
        assert_eq!(here.rows("select id || '' from conversation_ids").len(), 3 + made, "{theirs} {ours}");
    }
}

#[test]
fn remarks_find_their_conversation() {
    let key =
        |kind: &str, n: u8, id: i64| format!("insert into conversation_keys values ('{kind}', x'{n:032x}', {id});");
    let alias = "insert into aliases values (2, 1);";
    // By a key of its own; a line's comes before an event's.
    check_identity(&key("line", 1, 2), &key("line", 1, 8), "8", 0);
    check_identity(&key("event", 1, 2), &(key("event", 1, 8) + &key("line", 1, 7)), "8", 0);
    check_identity(&(key("event", 1, 2) + &key("line", 1, 2)), &(key("event", 1, 7) + &key("line", 1, 8)), "8", 0);
    // Where our id has a key that comes before those that were meant, it gets an id of its own that stands for the same.
    check_identity(&key("event", 1, 2), &(key("event", 1, 8) + &key("line", 1, 8)), "8", 1);
    check_identity(&key("event", 2, 2), &(key("event", 2, 8) + &key("event", 1, 8)), "8", 1);
    check_identity(&key("line", 2, 2), &(key("line", 2, 8) + &key("event", 1, 8)), "8", 0);
    // By a key of what they know it to be the same as: should they prove to be two, it goes by its own.
    check_identity(&(key("event", 1, 2) + &key("line", 1, 1) + alias), &key("line", 1, 9), "9", 1);
    check_identity(&(key("line", 1, 1) + alias), &key("line", 1, 9), "9", 0);
    // By none: it gets an id that its keys lead to; or that only its remarks have.
    check_identity(&(key("event", 1, 2) + &key("line", 1, 1) + alias), "", "10", 2);
    check_identity(&(key("event", 1, 2) + &key("line", 1, 2)), "", "10", 1);
    check_identity("", "", "10", 1);
}
