//! Takes in what people said: each row once, in the transaction that takes in whatever else belongs to it.

use super::Batch;
use crate::error::Error;
use crate::human::{Member, Remark, SavedView, Title, UserSession, put};
use crate::ids::{ConversationId, Key};

impl Batch<'_> {
    /// The conversation that one of `keys` leads to. If none is known, an id is made that they lead to: nothing that was
    /// said is lost, and should the conversation come later, it finds the id by its keys.
    ///
    /// # Errors
    /// The engine's.
    pub fn conversation(&self, keys: &[Key], now_ms: i64) -> Result<ConversationId, Error> {
        match put::find(&self.tx, keys)? {
            Some(id) => Ok(id),
            None => put::make(&self.tx, keys, now_ms),
        }
    }

    /// Adds what was said about a conversation; whether it is new here.
    ///
    /// # Errors
    /// The engine's, also those of a value that the table refuses.
    pub fn add_remark(&self, id: ConversationId, remark: &Remark) -> Result<bool, Error> {
        put::remark(&self.tx, id, remark)
    }

    /// Adds a user session; whether it is new here.
    ///
    /// # Errors
    /// The engine's.
    pub fn add_user_session(&self, session: &UserSession) -> Result<bool, Error> {
        put::user_session(&self.tx, session)
    }

    /// Adds a member of a user session, or takes over that it was undone; whether it is new here.
    ///
    /// # Errors
    /// The engine's.
    pub fn add_member(&self, member: &Member, now_ms: i64) -> Result<bool, Error> {
        let from = member.from.as_ref().map(|keys| self.conversation(keys, now_ms)).transpose()?;
        put::member(&self.tx, member, from)
    }

    /// Adds a title of a user session; whether it is new here.
    ///
    /// # Errors
    /// The engine's.
    pub fn add_title(&self, title: &Title) -> Result<bool, Error> {
        put::title(&self.tx, title)
    }

    /// Adds a saved view, or takes over that it was thrown away; whether it is new here.
    ///
    /// # Errors
    /// The engine's.
    pub fn add_saved_view(&self, view: &SavedView) -> Result<bool, Error> {
        put::saved_view(&self.tx, view)
    }
}
