//! Writes the rows of one conversation: what stands there already and is the same is not written again, so that a turn
//! that grows costs what it grew by.

use rusqlite::{OptionalExtension, ToSql, params};

use super::Batch;
use super::derived::Look;
use super::turn::Turn;
use crate::error::{Context, Error};
use crate::ids::ConversationId;

/// A turn, and what its rows say besides.
#[derive(Debug)]
pub(super) struct Placed<'t> {
    pub(super) id: ConversationId,
    pub(super) turn: &'t Turn,
    pub(super) parent: Option<ConversationId>,
    pub(super) digest: &'t [u8],
    /// Where it ran.
    pub(super) folder_id: Option<i64>,
}

/// What of a turn's old rows has to be known when it is written anew.
#[derive(Debug)]
pub(super) struct Before {
    prompt_text: Option<String>,
    pub(super) timestamp_ms: i64,
}

/// The columns of a turn but its id, in the order of [`Placed::columns`].
macro_rules! columns {
    () => {
        "session_id, parent_id, agent_id, ordinal, timestamp_ms, ended_ms, kind, via, status, prompt_text, response_text,
         prompt_id, model, cwd, from_hook, from_transcript, metadata, digest"
    };
}

/// Their values.
macro_rules! values {
    () => {
        "?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19"
    };
}

const PUT: &str = concat!(
    "insert into turns (id, ",
    columns!(),
    ") values (?1, ",
    values!(),
    ") on conflict (id) do update set (",
    columns!(),
    ") = (",
    values!(),
    ")"
);

const HAS: &str =
    concat!("select exists (select 1 from turns where id = ?1 and (", columns!(), ") is (", values!(), "))");

impl Placed<'_> {
    fn columns<T>(&self, run: impl FnOnce(&[&dyn ToSql]) -> T) -> T {
        let Self { id, turn, parent, digest, folder_id: _ } = self;
        run(params![
            id.0,
            turn.session_id,
            parent.map(|id| id.0),
            turn.agent_id,
            turn.ordinal,
            turn.timestamp_ms,
            turn.ended_ms,
            turn.kind.as_str(),
            turn.via.as_str(),
            turn.status.as_str(),
            turn.prompt_text,
            turn.response_text,
            turn.prompt_id,
            turn.model,
            turn.cwd,
            turn.from_hook,
            turn.from_transcript,
            turn.metadata,
            digest,
        ])
    }
}

impl Batch<'_> {
    pub(super) fn remove_turn(&self, id: ConversationId, look: Look) -> Result<(), Error> {
        if let Some(before) = self.before(id)? {
            self.touch_conversation(id, Some(before.timestamp_ms), look)?;
            self.remove_facets(id, &before)?;
        }
        self.unindex_prompt(id)?;
        self.unindex_calls(id, 0)?;
        self.remove_blocks(id, 0)?;
        self.execute("delete from turns where id = ?1", [id.0])
    }

    /// Writes a turn; `known` if a row of it stands there.
    pub(super) fn put_turn(&self, row: &Placed<'_>, known: bool, look: Look) -> Result<(), Error> {
        let before = if known { self.before(row.id)? } else { None };
        self.touch_conversation(row.id, before.as_ref().map(|before| before.timestamp_ms), look)?;
        if let Some(before) = &before {
            self.leave_facets(row, before)?; // it looks at the calls that stand there yet
        }
        row.columns(|columns| self.execute(PUT, columns))?;
        self.put_facets(row)?;
        let prompt_stands = before.as_ref().is_some_and(|before| before.prompt_text == row.turn.prompt_text);
        if !(prompt_stands && self.has_prompt(row)?) {
            if known {
                self.unindex_prompt(row.id)?;
            }
            self.index_prompt(row.id);
        }
        self.put_parts(row.id, row.turn, known, prompt_stands)
    }

    /// Whether all rows of a turn stand there as they are wanted, and no others.
    pub(super) fn has_rows(&self, row: &Placed<'_>) -> Result<bool, Error> {
        Ok(self.has_columns(row)?
            && self.has_facets(row)?
            && self.has_prompt(row)?
            && self.has_parts(row.id, row.turn)?)
    }

    /// Whether the parts of words of a prompt are in their index, if there is one.
    fn has_prompt(&self, row: &Placed<'_>) -> Result<bool, Error> {
        let mut query =
            self.tx.prepare_cached("select exists (select 1 from search_parts_docsize where id = ?1)").op("prepare")?;
        let found: bool = query.query_row([row.id.0], |row| row.get(0)).op("look into the index")?;
        Ok(found == row.turn.prompt_text.is_some())
    }

    /// Whether a turn's own row stands there as it is wanted. Its digest is only what it says of itself.
    fn has_columns(&self, row: &Placed<'_>) -> Result<bool, Error> {
        let mut query = self.tx.prepare_cached(HAS).op("prepare")?;
        row.columns(|columns| query.query_row(columns, |row| row.get(0))).op("read a turn")
    }

    fn before(&self, id: ConversationId) -> Result<Option<Before>, Error> {
        self.tx
            .prepare_cached("select prompt_text, timestamp_ms from turns where id = ?1")
            .op("prepare")?
            .query_row([id.0], |row| Ok(Before { prompt_text: row.get(0)?, timestamp_ms: row.get(1)? }))
            .optional()
            .op("read a turn")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::{BlockKind, Kind, Status, Via};
    use crate::write::{Block, Writer};

    fn turn() -> Turn {
        let block = |text: &str| Block {
            kind: BlockKind::Text,
            at_ms: Some(1),
            tool_use_id: None,
            span: None,
            search: Some(text.to_owned()),
        };
        Turn {
            keys: Vec::new(),
            former_keys: Vec::new(),
            session_id: "s".into(),
            parent: None,
            agent_id: None,
            ordinal: 0,
            timestamp_ms: 1,
            ended_ms: None,
            kind: Kind::Human,
            via: Via::Print,
            status: Status::Open,
            prompt_text: None,
            response_text: None,
            prompt_id: None,
            model: None,
            cwd: None,
            from_hook: false,
            from_transcript: true,
            metadata: "{}".into(),
            blocks: vec![block("one"), block("two"), block("three")],
            tool_calls: Vec::new(),
            usage: Vec::new(),
        }
    }

    /// Writes a turn, does something to its rows, and tells whether that is noticed; writing it again mends it.
    fn check(damage: &str, noticed: bool) {
        let home = tempfile::tempdir().unwrap();
        let mut writer = Writer::open(&queue::DataDir::new(home.path())).unwrap();
        let batch = writer.batch().unwrap();
        batch.execute("insert into conversation_ids (id, created_ms) values (1, 0)", []).unwrap();
        let turn = turn();
        let row = Placed { id: ConversationId(1), turn: &turn, parent: None, digest: b"", folder_id: Some(1) };
        batch.put_turn(&row, false, Look::Digests).unwrap();
        batch.index_waiting().unwrap();
        assert!(batch.has_rows(&row).unwrap());
        batch.tx.execute_batch(damage).unwrap();
        assert_eq!(batch.has_rows(&row).unwrap(), !noticed, "{damage}");
        batch.put_turn(&row, true, Look::Rows).unwrap();
        batch.index_waiting().unwrap();
        assert!(batch.has_rows(&row).unwrap(), "{damage}");
    }

    #[test]
    fn damage_is_noticed_and_mended() {
        check("update turns set prompt_text = 'zz'", true);
        check("update turns set parent_id = 7", true);
        check("update turns set metadata = '{\"a\":1}'", true);
        check("", false);
        check("delete from blocks where seq = 1", true);
        check("delete from blocks where seq = 2", true);
        check("update blocks set at_ms = 7 where seq = 0", true);
        check("insert into blocks (conversation_id, seq, kind) values (1, 3, 'text')", true);
        check("delete from search where rowid = (select id from blocks where seq = 1)", true);
        check(
            "insert into usage (conversation_id, seq, message_id, input_tokens, output_tokens, cache_creation_tokens,
               cache_read_tokens) values (1, 0, 'm', 1, 1, 1, 1)",
            true,
        );
    }
}
