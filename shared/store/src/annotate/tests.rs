//! What the one writing connection of the API may do, and what becomes of what it is told.

mod bulk;
mod cut;
mod law;
mod mark;
mod masked;
mod model;

use queue::DataDir;
use rusqlite::{Connection, params};

use super::Annotator;
use crate::human::{Marks, Remark, get, put};
use crate::ids::ConversationId;
use crate::open;

/// A store with conversations, and an annotator of it.
struct Store {
    conn: Connection,
    annotator: Annotator,
    dir: DataDir,
    _lock: open::DbLock,
    _home: tempfile::TempDir,
}

impl Store {
    /// Sessions of so many conversations each: those of `a` are 1, 2 …, then come those of `b`. They take turns in time.
    fn new(sessions: &[(&str, i64)]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let dir = DataDir::new(home.path());
        let (conn, lock) = open::writer(&dir).unwrap();
        conn.execute("insert into origins (origin, own) values ('00000000000000000000000000000000', 1)", []).unwrap();
        let store = Self { annotator: Annotator::open(&dir).unwrap(), conn, dir, _lock: lock, _home: home };
        store.conn.execute_batch("begin").unwrap();
        for (number, (session, turns)) in (0..).zip(sessions) {
            store.conn.execute("insert into sessions (session_id) values (?1)", [session]).unwrap();
            for ordinal in 0..*turns {
                let id = store.id();
                store.turn(id, session, ordinal, 1000 * ordinal + number, "human");
            }
        }
        store.conn.execute_batch("commit").unwrap();
        store
    }

    /// A new id that no conversation has yet.
    fn id(&self) -> i64 {
        self.conn.execute("insert into conversation_ids (created_ms) values (0)", []).unwrap();
        self.conn.last_insert_rowid()
    }

    fn turn(&self, id: i64, session: &str, ordinal: i64, timestamp_ms: i64, kind: &str) {
        self.conn
            .execute(
                "insert into turns (id, session_id, ordinal, timestamp_ms, kind, via, status, prompt_text, from_hook,
                                    from_transcript, metadata, digest)
                 values (?1, ?2, ?3, ?4, ?5, 'interactive', 'complete', 'p', 1, 0, '{}', x'')",
                params![id, session, ordinal, timestamp_ms, kind],
            )
            .unwrap();
    }

    fn alias(&self, id: i64, survivor: i64) {
        let tx = self.conn.unchecked_transaction().unwrap();
        tx.execute("insert into aliases values (?1, ?2)", [id, survivor]).unwrap();
        put::tell(&tx).unwrap();
        tx.commit().unwrap();
    }

    /// A remark that came from another store.
    fn remark(&self, id: i64, remark: &Remark) {
        let tx = self.conn.unchecked_transaction().unwrap();
        put::remark(&tx, ConversationId(id), remark).unwrap();
        put::tell(&tx).unwrap();
        tx.commit().unwrap();
    }

    fn rows(&self, table: &str) -> i64 {
        self.conn.query_row(&format!("select count(*) from {table}"), [], |row| row.get(0)).unwrap()
    }

    fn marks(&self, id: i64) -> Marks {
        Marks::of(&get::history(&self.conn, ConversationId(id)).unwrap())
    }

    /// The user session of each conversation, by its id.
    fn owners(&self) -> Vec<String> {
        let sql = "select user_session_id from conversation_user_sessions order by conversation_id";
        let mut query = self.conn.prepare_cached(sql).unwrap();
        query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }
}
