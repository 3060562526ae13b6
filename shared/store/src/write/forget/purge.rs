//! Takes a conversation out of everything but its number: what people said of it, what it is recognised by, what was derived.

use rusqlite::{OptionalExtension, params};

use super::super::Batch;
use super::super::derived::Look;
use super::Kind;
use crate::error::{Context, Error};
use crate::ids::ConversationId;

/// What people said of a conversation.
const SAID: [&str; 4] = [
    "delete from rating_history where conversation_id = ?1",
    "delete from tag_history where conversation_id = ?1",
    "delete from note_history where conversation_id = ?1",
    "delete from star_history where conversation_id = ?1",
];

const UNTOLD: &str = "insert into untold (conversation_id, tags, notes) values (?1, 1, 1)
                      on conflict do update set tags = 1, notes = 1";

/// Where a part of a session begins with a forgotten conversation, it begins with the next one from now on.
const NEXT: &str = "
    select n.id from turns t join turns n on n.session_id = t.session_id and n.ordinal > t.ordinal and n.parent_id is null
     where t.id = ?1 order by n.ordinal limit 1";

impl Batch<'_> {
    /// Forgets a conversation by all ids that lead to it. Its subagents' are conversations of their own.
    ///
    /// # Errors
    /// The engine's.
    pub fn forget_conversation(&self, id: ConversationId, now_ms: i64) -> Result<(), Error> {
        let mut query = self.tx.prepare_cached("select id from aliases where survivor = ?1").op("prepare")?;
        let others = query.query_map([id.0], |row| row.get(0)).op("read a conversation's other ids")?;
        let mut ids: Vec<i64> = others.collect::<Result<_, _>>().op("read a conversation's other ids")?;
        ids.push(id.0);
        let next: Option<i64> = self
            .tx
            .prepare_cached(NEXT)
            .op("prepare")?
            .query_row([id.0], |row| row.get(0))
            .optional()
            .op("look for the next conversation")?;
        for id in ids {
            self.forget_keys(id, now_ms)?;
            match next {
                Some(next) => self.execute(
                    "update user_session_members set from_conversation_id = ?2 where from_conversation_id = ?1",
                    [id, next],
                )?,
                None => self.execute("delete from user_session_members where from_conversation_id = ?1", [id])?,
            }
            self.execute(UNTOLD, [id])?;
            SAID.iter().try_for_each(|sql| self.execute(sql, [id]))?;
            self.execute("delete from aliases where id = ?1", [id])?;
            self.remove_turn(ConversationId(id), Look::Digests)?;
        }
        Ok(())
    }

    fn forget_keys(&self, id: i64, now_ms: i64) -> Result<(), Error> {
        let mut query =
            self.tx.prepare_cached("select key from conversation_keys where conversation_id = ?1").op("prepare")?;
        let keys = query.query_map([id], |row| row.get::<_, Vec<u8>>(0)).op("read a conversation's keys")?;
        for key in keys {
            let key = key.op("read a conversation's key")?;
            self.execute("delete from prompt_lines where line = ?1", params![key])?;
            if let Ok(key) = key.try_into() {
                self.lay(Kind::Conversation, key, now_ms)?;
            }
        }
        self.execute("delete from conversation_keys where conversation_id = ?1", [id])
    }

    pub(super) fn remove_title(&self, id: &str, user_session_id: &str) -> Result<(), Error> {
        const RETELL: &str = "
            insert into human_texts (kind, user_session_id, text)
            select 'title', ?1, newest.title
              from (select title from session_titles where user_session_id = ?1
                     order by created_ms desc, id desc limit 1) newest
             where newest.title is not null";
        self.execute("delete from session_titles where id = ?1", [id])?;
        self.execute("delete from human_texts where user_session_id = ?1", [user_session_id])?;
        self.execute(RETELL, [user_session_id])
    }
}
