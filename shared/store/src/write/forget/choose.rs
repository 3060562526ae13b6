//! What forgetting has to know of the conversations that are there.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension, params};

use super::super::ground::Ground;
use crate::error::{Context, Error};
use crate::ids::{ConversationId, Key, TranscriptId};

impl Ground<'_> {
    /// All conversations of a session, its subagents' too.
    ///
    /// # Errors
    /// The engine's.
    pub fn conversations_of(&self, session_id: &str) -> Result<BTreeSet<ConversationId>, Error> {
        let mut query = self.tx.prepare_cached("select id from turns where session_id = ?1").op("prepare")?;
        let rows = query.query_map([session_id], |row| row.get(0).map(ConversationId)).op("read a session")?;
        rows.collect::<Result<_, _>>().op("read a session")
    }

    /// The session of a conversation.
    ///
    /// # Errors
    /// The engine's.
    pub fn session_of(&self, id: ConversationId) -> Result<Option<String>, Error> {
        self.tx
            .prepare_cached("select session_id from turns where id = ?1")
            .op("prepare")?
            .query_row([id.0], |row| row.get(0))
            .optional()
            .op("look for a conversation")
    }

    /// The subagents' conversations that a conversation started, and theirs.
    ///
    /// # Errors
    /// The engine's.
    pub fn started_by(&self, id: ConversationId) -> Result<BTreeSet<ConversationId>, Error> {
        const STARTED: &str = "
            with recursive below (id) as (
                select id from turns where parent_id = ?1
                union select t.id from turns t join below b on t.parent_id = b.id)
            select id from below";
        let mut query = self.tx.prepare_cached(STARTED).op("prepare")?;
        let rows = query.query_map([id.0], |row| row.get(0).map(ConversationId)).op("read subagents")?;
        rows.collect::<Result<_, _>>().op("read subagents")
    }

    /// Whether a conversation that ended nowhere was heard of since a moment.
    ///
    /// # Errors
    /// The engine's.
    pub fn may_run(&self, id: ConversationId, since_ms: i64) -> Result<bool, Error> {
        const OPEN: &str = "select exists (select 1 from turns where id = ?1 and status = 'open'
                                              and coalesce(ended_ms, timestamp_ms) >= ?2)";
        let mut query = self.tx.prepare_cached(OPEN).op("prepare")?;
        query.query_row([id.0, since_ms], |row| row.get(0)).op("look at a conversation")
    }

    /// The conversation that one of these keys leads to, and that is there.
    ///
    /// # Errors
    /// The engine's.
    pub fn conversation_of(&self, keys: &[Key]) -> Result<Option<ConversationId>, Error> {
        const FOUND: &str = "
            select t.id
              from conversation_keys k left join aliases a on a.id = k.conversation_id
              join turns t on t.id = coalesce(a.survivor, k.conversation_id)
             where k.kind = ?1 and k.key = ?2";
        let mut query = self.tx.prepare_cached(FOUND).op("prepare")?;
        for key in keys {
            let found = query.query_row(params![key.kind(), key.bytes()], |row| row.get(0).map(ConversationId));
            if let Some(id) = found.optional().op("look for a key")? {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    /// Root and path of a file, if it is the one that lay there last.
    ///
    /// # Errors
    /// The engine's.
    pub fn place_of(&self, id: TranscriptId) -> Result<Option<(String, String)>, Error> {
        self.tx
            .prepare_cached("select root, path from transcripts where id = ?1 and superseded_ms is null")
            .op("prepare")?
            .query_row([id.0], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()
            .op("look for a file")
    }

    /// The path of a file below its root.
    ///
    /// # Errors
    /// The engine's.
    pub fn path_of(&self, id: TranscriptId) -> Result<String, Error> {
        self.tx
            .prepare_cached("select path from transcripts where id = ?1")
            .op("prepare")?
            .query_row([id.0], |row| row.get(0))
            .op("look for a file")
    }
}
