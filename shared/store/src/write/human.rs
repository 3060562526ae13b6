//! Takes in what people said: each row once, in the transaction that takes in whatever else belongs to it.

use super::asked::word;
use super::{Batch, forget};
use crate::error::Error;
use crate::human::{Member, Remark, SavedView, Title, UserSession, anchor, get, put};
use crate::ids::{ConversationId, Key};
use crate::read::inspect::TITLES;

impl Batch<'_> {
    /// Adds what was said about a conversation of this store; whether it is new.
    ///
    /// # Errors
    /// The engine's.
    pub fn add_remark(&self, id: ConversationId, remark: &Remark) -> Result<bool, Error> {
        put::remark(&self.tx, id, remark)
    }

    /// Adds what was said about the conversation that one of `keys` leads to; how much of it is new. If no key is known, an
    /// id is made that they lead to: nothing that was said is lost, and should the conversation come later, it finds
    /// the id by its keys. If its session is here already it is marked to be derived again.
    ///
    /// # Errors
    /// The engine's.
    pub fn add_remarks(
        &self,
        keys: &[Key],
        session_id: Option<&str>,
        remarks: &[Remark],
        now_ms: i64,
    ) -> Result<u64, Error> {
        if forget::is_conversation_forgotten(&self.tx, keys)? {
            return Ok(0);
        }
        let (mut new, mut id) = (Vec::new(), anchor::find(&self.tx, keys)?);
        for remark in remarks {
            match put::about(&self.tx, put::table(&remark.said), &remark.stamp.id)? {
                Some(known) => id = id.or(Some(known)),
                None => new.push(remark),
            }
        }
        if new.is_empty() {
            return Ok(0);
        }
        let id = anchor::hang(&self.tx, keys, id, session_id, now_ms)?;
        let mut added = 0;
        for remark in &new {
            added += u64::from(word::add(&self.tx, id, remark)?);
        }
        Ok(added)
    }

    /// Whether the conversation with these keys may still come: it is not here, and nobody had it forgotten.
    ///
    /// # Errors
    /// The engine's.
    pub fn is_awaited(&self, keys: &[Key]) -> Result<bool, Error> {
        Ok(!anchor::is_here(&self.tx, keys)? && !forget::is_conversation_forgotten(&self.tx, keys)?)
    }

    /// Adds a user session; whether it is new.
    ///
    /// # Errors
    /// The engine's.
    pub fn add_user_session(&self, session: &UserSession) -> Result<bool, Error> {
        put::user_session(&self.tx, session)
    }

    /// Adds a member of a user session, or takes over that it was undone; whether it is new.
    ///
    /// # Errors
    /// The engine's.
    pub fn add_member(&self, member: &Member, now_ms: i64) -> Result<bool, Error> {
        let from = match &member.from {
            // Where a part began with something forgotten it is not known to begin any more.
            Some(keys) if forget::is_conversation_forgotten(&self.tx, keys)? => return Ok(false),
            Some(keys) if !put::is_known(&self.tx, get::MEMBERS.name, &member.stamp.id)? => {
                let about = anchor::find(&self.tx, keys)?;
                Some(anchor::hang(&self.tx, keys, about, Some(&member.session_id), now_ms)?)
            }
            _ => None,
        };
        put::member(&self.tx, member, from)
    }

    /// Adds a title of a user session; whether it is new.
    ///
    /// # Errors
    /// The engine's.
    pub fn add_title(&self, title: &Title) -> Result<bool, Error> {
        if self.sieve.is_title_forgotten(title) {
            return Ok(false);
        }
        put::title(&self.tx, title)
    }

    /// Throws away what is kept of what people say of this conversation, so that it is told from the histories again.
    ///
    /// # Errors
    /// The engine's.
    pub fn tell_again(&self, id: ConversationId) -> Result<(), Error> {
        for sql in [
            "delete from tagged where conversation_id = ?1",
            "delete from human_texts where conversation_id = ?1",
            "delete from marks where conversation_id = ?1",
            "insert into untold (conversation_id, tags, notes) values (?1, 1, 1) on conflict do update set tags = 1, notes = 1",
        ] {
            self.execute(sql, [id.0])?;
        }
        Ok(())
    }

    /// Makes anew what is kept of titles and of the spellings of tags.
    ///
    /// # Errors
    /// The engine's.
    pub fn title_again(&self) -> Result<(), Error> {
        put::tell(&self.tx)?; // of tags first: their spellings follow
        self.execute("delete from spellings", [])?;
        self.execute(
            "insert into spellings (tag, key, conversations, newest_ms)
             select tag, folded(tag), count(*), max(set_ms) from tagged group by tag",
            [],
        )?;
        self.execute("delete from human_texts where kind = 'title'", [])?;
        self.execute(
            &format!("insert into human_texts (kind, user_session_id, text) select 'title', * from ({TITLES})"),
            [],
        )
    }

    /// Adds a saved view, or takes over that it was thrown away; whether it is new.
    ///
    /// # Errors
    /// The engine's.
    pub fn add_saved_view(&self, view: &SavedView) -> Result<bool, Error> {
        put::saved_view(&self.tx, view)
    }
}
