//! A `/rate` is one word, whatever is hidden in it in each store that takes it in, and whichever version said it there.

use std::ops::ControlFlow;

use queue::DataDir;
use rusqlite::params;

use super::*;
use crate::ids::Key;
use crate::write::ground::{ANYWHERE, event_key};
use crate::write::{NewEvent, Writer};

const NOTE: &str = "with ghp_0123456789abcdef";
const HIDDEN: &str = "with ********************";
/// Seconds since 1970 at which the prompt and the command were typed.
const TYPED: u64 = 1_800_000_000;

struct Store {
    _home: tempfile::TempDir,
    dir: DataDir,
    writer: Writer,
}

/// What a store has of the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Has {
    Plain,
    Masked,
}

impl Has {
    fn note(self) -> &'static str {
        if self == Self::Plain { NOTE } else { HIDDEN }
    }
}

impl Store {
    /// A store with the prompt of each of these sessions.
    fn new(sessions: &[&str]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let dir = DataDir::new(home.path());
        let store = Self { writer: Writer::open(&dir).unwrap(), dir, _home: home };
        for (n, session) in (1_u8..).zip(sessions) {
            let conn = &store.writer.conn;
            conn.execute("insert into conversation_ids (created_ms) values (0)", []).unwrap();
            let id = conn.last_insert_rowid();
            conn.execute("insert into conversation_keys values ('event', ?1, ?2)", params![[n; 16], id]).unwrap();
            conn.execute(
                "insert into turns (id, session_id, ordinal, timestamp_ms, kind, via, status, prompt_text, from_hook,
                                    from_transcript, metadata, digest)
                 values (?1, ?2, 0, ?3, 'human', 'interactive', 'complete', 'p', 1, 0, '{}', x'')",
                params![id, session, (TYPED * 1000) as i64],
            )
            .unwrap();
        }
        store
    }

    /// The command comes.
    fn hears(&mut self, session: &str, has: Has) -> &mut Self {
        let captured_ns = (TYPED + 1) * 1_000_000_000;
        let payload = format!("/rate 5 {} #a", has.note());
        let event = NewEvent {
            name: &format!("{captured_ns}-{session}-Rate.json"),
            captured_ns,
            event: "UserPromptSubmit",
            session_id: session,
            prompt_id: None,
            payload: payload.as_bytes(),
            stored_ms: 0,
        };
        let batch = self.writer.batch().unwrap();
        let _ = batch.add_event(&event).unwrap();
        batch.commit().unwrap();
        self
    }

    /// What waits is said.
    fn says(&mut self) -> &mut Self {
        let waiting = self.writer.ground().unwrap().asked_ratings().unwrap();
        let batch = self.writer.batch().unwrap();
        for asked in waiting {
            let note = String::from_utf8_lossy(&asked.event.payload)["/rate 5 ".len()..][..NOTE.len()].to_owned();
            let _ = batch.say_rating(&asked, &Wanted { stars: Some(5), note, tags: vec!["a".to_owned()] }, 0).unwrap();
        }
        batch.commit().unwrap();
        self
    }

    /// What was said gets the ids that versions gave it that made them of the command's bytes.
    fn said_by_an_older_version(&mut self) -> &mut Self {
        let conn = &self.writer.conn;
        let mut query = conn.prepare("select name, hash from events").unwrap();
        let events = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        for (name, hash) in events.map(Result::<(String, Vec<u8>), _>::unwrap) {
            for (number, table) in [(0_u8, "rating_history"), (1, "tag_history"), (2, "note_history")] {
                let key = event_key(ANYWHERE, &name, &hash);
                let mut id = blake3::Hasher::new();
                id.update(b"rating").update(&key).update(&[number]);
                let sql = format!("update {table} set id = ?1");
                assert_eq!(conn.execute(&sql, [&id.finalize().to_hex()[..32]]).unwrap(), 1);
            }
        }
        drop(query);
        self
    }

    fn takes_in(&mut self, other: &Self) {
        let other = self.writer.open_other(&other.dir.database()).unwrap();
        let _ = self.writer.merge_ground(&other, &mut |_| ControlFlow::Continue(())).unwrap();
        let _ = self.writer.merge_human(&other, 0, &mut |_| ControlFlow::Continue(())).unwrap();
    }

    /// As from an exported file: without the command.
    fn hears_what_was_said_in(&mut self, other: &Self) {
        let batch = self.writer.batch().unwrap();
        let said = get::history(&other.writer.conn, ConversationId(1)).unwrap();
        let said: Vec<_> = said.into_iter().map(|(_, remark)| remark).collect();
        let _ = batch.add_remarks(&[Key::Event([1; 16])], None, &said, 0).unwrap();
        batch.commit().unwrap();
    }

    /// How many ratings, tags and notes there are.
    #[track_caller]
    fn check(&mut self, expected: usize) {
        let _ = self.says();
        for table in ["rating_history", "tag_history", "note_history"] {
            let sql = format!("select count(*) from {table}");
            let found: i64 = self.writer.conn.query_row(&sql, [], |row| row.get(0)).unwrap();
            assert_eq!(found, expected as i64, "{table}");
        }
        let waits = self.writer.ground().unwrap().asked_ratings().unwrap().len();
        assert_eq!(waits, 0);
    }
}

/// The id was made of the event's bytes, which are others where something is hidden in them.
#[test]
fn a_rating_that_is_masked_here_and_not_there_is_one() {
    for (here, there) in [(Has::Masked, Has::Plain), (Has::Plain, Has::Masked)] {
        let (mut a, mut b) = (Store::new(&["s"]), Store::new(&["s"]));
        let _ = (a.hears("s", here).says(), b.hears("s", there).says());
        a.takes_in(&b);
        a.check(1);
        b.takes_in(&a);
        b.check(1);
        let mut c = Store::new(&["s"]);
        c.hears("s", here).says().hears_what_was_said_in(&b);
        c.check(1);
        let mut c = Store::new(&["s"]);
        c.hears_what_was_said_in(&b);
        c.hears("s", here).check(1);
    }
}

/// Rows that have an id of the old formula, here, there, or in both.
#[test]
fn a_rating_that_an_older_version_said_is_not_said_again() {
    let every = [Has::Masked, Has::Plain];
    for (here, there) in every.into_iter().flat_map(|here| every.map(|there| (here, there))) {
        for old in [[true, false], [false, true], [true, true]] {
            let (mut a, mut b) = (Store::new(&["s"]), Store::new(&["s"]));
            for ((store, has), old) in [(&mut a, here), (&mut b, there)].into_iter().zip(old) {
                let store = store.hears("s", has).says();
                if old {
                    let _ = store.said_by_an_older_version();
                }
            }
            // A backup that is taken in where the command came anew, or never did.
            for waits in [None, Some(here)] {
                let mut c = Store::new(&["s"]);
                if let Some(has) = waits {
                    let _ = c.hears("s", has);
                }
                c.takes_in(&b);
                c.check(1);
                let mut c = Store::new(&["s"]);
                c.hears_what_was_said_in(&b);
                if let Some(has) = waits {
                    let _ = c.hears("s", has);
                }
                c.check(1);
            }
            a.takes_in(&b);
            a.check(1);
            b.takes_in(&a);
            b.check(1);
            a.takes_in(&b);
            a.check(1);
        }
    }
}

/// What two people type in one moment is two words, though their texts, and so the lengths of their files, are the same.
#[test]
fn equal_ratings_of_two_sessions_in_one_moment_are_two() {
    let (mut a, mut b) = (Store::new(&["s", "t"]), Store::new(&["s", "t"]));
    let _ = a.hears("s", Has::Plain).hears("t", Has::Plain).says();
    let _ = b.hears("s", Has::Masked).hears("t", Has::Plain).says();
    a.check(2);
    a.takes_in(&b);
    a.check(2);
    let mut c = Store::new(&["s", "t"]);
    c.takes_in(&a);
    c.check(2);
}
