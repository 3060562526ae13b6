//! What forgetting has to know of the conversations that are there.

use std::collections::BTreeSet;

use std::ops::ControlFlow;

use rusqlite::{OptionalExtension, params};

use super::super::Writer;
use super::super::ground::{Ground, read_bytes};
use crate::error::{Context, Error};
use crate::ids::{ConversationId, Key, TranscriptId};
use crate::read::takes;

/// A session of which something was captured, and no conversation is shown.
#[derive(Clone, Debug)]
pub struct Bare {
    /// Claude Code's id of it.
    pub session_id: String,
    /// Where it ran, with the project.
    directories: Vec<(String, String)>,
    /// The folders of its transcripts below the projects root.
    folders: BTreeSet<String>,
    /// When it was last heard of, in milliseconds since 1970.
    pub last_ms: i64,
}

impl Bare {
    /// Whether it is of a project, by its path or name. If nothing says where it ran, the name that Claude Code gives to the
    /// folder of a path has to do.
    pub fn is_of(&self, project: &str) -> bool {
        if self.directories.is_empty() {
            let folder: String = project.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
            return project.contains('/') && self.folders.contains(&folder);
        }
        self.directories.iter().any(|(cwd, at)| takes(project, cwd, at))
    }
}

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

    /// Those of these ids that were never given out.
    ///
    /// # Errors
    /// The engine's.
    pub fn unknown_ids(&self, ids: &[ConversationId]) -> Result<Vec<ConversationId>, Error> {
        let mut query = self.tx.prepare_cached("select 1 from conversation_ids where id = ?1").op("prepare")?;
        let mut unknown = Vec::new();
        for id in ids {
            if !query.exists([id.0]).op("look for a conversation")? {
                unknown.push(*id);
            }
        }
        Ok(unknown)
    }

    /// Whether anything was ever known of a session, Claude Code's or one that a person made.
    ///
    /// # Errors
    /// The engine's.
    pub fn knows_session(&self, session_id: &str) -> Result<bool, Error> {
        const KNOWN: [&str; 6] = [
            "select 1 from turns where session_id = ?1",
            "select 1 from events where session_id = ?1",
            "select 1 from transcripts where session_id = ?1",
            "select 1 from sessions where session_id = ?1",
            "select 1 from user_sessions where id = ?1",
            "select 1 from typed_lines where session_id = ?1",
        ];
        for sql in KNOWN {
            if self.tx.prepare_cached(sql).op("prepare")?.exists([session_id]).op("look for a session")? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The sessions of which something was captured and no conversation is shown; not those of which all is blank.
    ///
    /// # Errors
    /// The engine's, or [`Error::Corrupt`] when a chunk cannot be unpacked.
    pub fn bare_sessions(&self) -> Result<Vec<Bare>, Error> {
        const BARE: &str = "
            select id from (select session_id as id from events
                      union select session_id from transcripts where role <> 'history')
             where id not in (select session_id from turns) order by id";
        let mut query = self.tx.prepare_cached(BARE).op("prepare")?;
        let ids = query.query_map([], |row| row.get(0)).op("look for sessions")?;
        let ids: Vec<String> = ids.collect::<Result<_, _>>().op("look for sessions")?;
        let mut found = Vec::new();
        for id in ids {
            found.extend(self.bare(id)?);
        }
        Ok(found)
    }

    fn bare(&self, session_id: String) -> Result<Option<Bare>, Error> {
        const FILES: &str = "select id, path, source_mtime_ns / 1000000 from transcripts where session_id = ?1";
        const CAPTURED: &str = "select max(captured_ns) / 1000000 from events where session_id = ?1";
        const DIRECTORIES: &str = "
            select s.cwd, coalesce(p.git_root, s.cwd) from sessions s left join places p on p.cwd = s.cwd
             where s.session_id = ?1 and s.cwd is not null";
        const TOLD: &str = "select max(ended_ms) from sessions where session_id = ?1";
        let one = |sql: &str| -> Result<Option<i64>, Error> {
            let mut query = self.tx.prepare_cached(sql).op("prepare")?;
            query.query_row([&session_id], |row| row.get(0)).op("read a session")
        };
        let (captured_ms, told_ms) = (one(CAPTURED)?, one(TOLD)?);
        let mut query = self.tx.prepare_cached(FILES).op("prepare")?;
        let files = query.query_map([&session_id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
        let files: Vec<(i64, String, i64)> =
            files.op("read a session's files")?.collect::<Result<_, _>>().op("read a session's files")?;
        let mut is_blank = captured_ms.is_none();
        for (id, ..) in &files {
            is_blank = is_blank && self.is_blank(TranscriptId(*id))?;
        }
        if is_blank {
            return Ok(None);
        }
        let mut query = self.tx.prepare_cached(DIRECTORIES).op("prepare")?;
        let directories = query.query_map([&session_id], |row| Ok((row.get(0)?, row.get(1)?))).op("read a session")?;
        let directories = directories.collect::<Result<_, _>>().op("read a session")?;
        let written_ms = files.iter().map(|(.., at_ms)| *at_ms).max();
        let folders = files.iter().filter_map(|(_, path, _)| path.split('/').next().map(str::to_owned)).collect();
        let last_ms = captured_ms.max(told_ms).or(written_ms).unwrap_or(i64::MAX);
        Ok(Some(Bare { session_id, directories, folders, last_ms }))
    }

    fn is_blank(&self, id: TranscriptId) -> Result<bool, Error> {
        let mut is_blank = true;
        read_bytes(&self.tx, id, 0, |chunk| {
            is_blank = chunk.trim_ascii().is_empty();
            if is_blank { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        Ok(is_blank)
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

impl Writer {
    /// Conversations that are there although what they are known by was forgotten: something of theirs could not be told from
    /// what stays.
    ///
    /// # Errors
    /// The engine's.
    pub fn came_back(&self) -> Result<Vec<ConversationId>, Error> {
        const BACK: &str = "
            select distinct k.conversation_id from conversation_keys k join tombstones t on t.key = k.key
             where t.kind = 'conversation' order by 1";
        let mut query = self.conn.prepare_cached(BACK).op("prepare")?;
        let ids = query.query_map([], |row| row.get(0).map(ConversationId)).op("look who came back")?;
        ids.collect::<Result<_, _>>().op("look who came back")
    }
}
