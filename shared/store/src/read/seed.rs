//! A store for the tests of reading, filled by plain SQL: what ingest derives is not what is tested here.

use queue::DataDir;
use rusqlite::{Connection, params};

use super::Reader;
use crate::ids::{ConversationId, EventId, TranscriptId};
use crate::read::inspect::{FACETS, TOOL_USES};
use crate::words::Kind;
use crate::{codec, open};

/// A database in a temporary directory.
pub(crate) struct Store {
    pub(crate) conn: Connection,
    pub(crate) dir: DataDir,
    _lock: open::DbLock,
    _home: tempfile::TempDir,
}

/// What a test says of a conversation.
pub(crate) struct Row<'a> {
    pub(crate) session: &'a str,
    pub(crate) timestamp_ms: i64,
    pub(crate) prompt: &'a str,
    pub(crate) kind: &'a str,
}

/// A human prompt.
pub(crate) fn turn<'a>(session: &'a str, timestamp_ms: i64, prompt: &'a str) -> Row<'a> {
    Row { session, timestamp_ms, prompt, kind: "human" }
}

impl Store {
    pub(crate) fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let dir = DataDir::new(home.path());
        let (conn, lock) = open::writer(&dir).unwrap();
        conn.execute("insert into origins (origin, own) values ('test', 1)", []).unwrap();
        Self { conn, dir, _lock: lock, _home: home }
    }

    pub(crate) fn reader(&self) -> Reader {
        Reader::open(&self.dir).unwrap()
    }

    /// A conversation with one block, whose words are those of its prompt.
    pub(crate) fn turn(&self, row: &Row<'_>) -> ConversationId {
        self.conn.prepare_cached("insert into conversation_ids (created_ms) values (0)").unwrap().execute([]).unwrap();
        let id = self.conn.last_insert_rowid();
        self.conn
            .prepare_cached(
                "insert into turns (id, session_id, ordinal, timestamp_ms, kind, via, status, prompt_text, from_hook,
                                    from_transcript, metadata, digest)
                 values (?1, ?2, ?1, ?3, ?4, 'interactive', 'complete', ?5, 1, 0, '{}', x'')",
            )
            .unwrap()
            .execute(params![id, row.session, row.timestamp_ms, row.kind, row.prompt])
            .unwrap();
        self.conn
            .prepare_cached(
                "insert into facets (timestamp_ms, conversation_id, kind, via, status, failed, prompt_length, tokens, cost)
                 values (?1, ?2, ?3, 0, 0, 0, length(?4), 0, 0)",
            )
            .unwrap()
            .execute(params![row.timestamp_ms, id, Kind::from_word(row.kind).unwrap().number(), row.prompt])
            .unwrap();
        self.conn
            .prepare_cached("insert into blocks (conversation_id, seq, kind) values (?1, 1000, 'prompt')")
            .unwrap()
            .execute([id])
            .unwrap();
        self.conn
            .prepare_cached("insert into search (rowid, text) values (?1, spaced(?2))")
            .unwrap()
            .execute(params![self.conn.last_insert_rowid(), row.prompt])
            .unwrap();
        self.conn
            .prepare_cached("insert into search_parts (rowid, text) values (?1, ?2)")
            .unwrap()
            .execute(params![id, row.prompt])
            .unwrap();
        ConversationId(id)
    }

    /// Runs statements about what people said, or what is whose alias, and has it told as whoever writes must.
    pub(crate) fn say(&self, sql: &str) {
        let sql = format!("savepoint said; {sql}; insert into telling (now) values (0); release said");
        self.conn.execute_batch(&sql).unwrap();
    }

    /// Makes what lists are made from fit what a test did to turns.
    pub(crate) fn refile(&self) {
        self.conn
            .execute_batch(&format!(
                "insert into folders (origin_id, cwd)
                 select distinct coalesce(s.origin_id, 0), coalesce(t.cwd, s.cwd)
                   from turns t left join sessions s on s.session_id = t.session_id
                  where coalesce(t.cwd, s.cwd) is not null on conflict do nothing;
                 insert into models (name) select distinct model from turns where model is not null on conflict do nothing;
                 insert into tools (name) select distinct name from tool_calls where true on conflict do nothing;
                 delete from facets;
                 delete from tool_uses;
                 insert into facets {FACETS};
                 insert into tool_uses {TOOL_USES};"
            ))
            .unwrap();
        crate::quarter::recount_all(&self.conn).unwrap();
    }

    /// A transcript with these bytes, in chunks.
    pub(crate) fn transcript(&self, bytes: &[u8]) -> TranscriptId {
        self.conn
            .execute(
                "insert into transcripts (origin_id, root, path, role, session_id, device, inode, source_size,
                                          source_mtime_ns, stored_size, tail_hash)
                 values (1, '/r', 'p', 'main', 's', 1, 1, ?1, 0, ?1, x'')",
                [bytes.len() as i64],
            )
            .unwrap();
        let id = self.conn.last_insert_rowid();
        for (seq, chunk) in bytes.chunks(262_144).enumerate() {
            let packed = codec::pack(chunk);
            self.conn
                .execute(
                    "insert into transcript_chunks (transcript_id, seq, size, codec, bytes) values (?1, ?2, ?3, ?4, ?5)",
                    params![id, seq as i64, chunk.len() as i64, packed.codec, packed.bytes],
                )
                .unwrap();
        }
        TranscriptId(id)
    }

    /// An event with this payload.
    pub(crate) fn event(&self, payload: &[u8]) -> EventId {
        let packed = codec::pack(payload);
        self.conn
            .execute(
                "insert into events (origin_id, name, hash, captured_ns, event, session_id, size, codec, payload, stored_ms)
                 values (1, 'n', ?1, 5, 'Stop', 's', ?2, ?3, ?4, 0)",
                params![blake3::hash(payload).as_bytes(), payload.len() as i64, packed.codec, packed.bytes],
            )
            .unwrap();
        EventId(self.conn.last_insert_rowid())
    }
}
