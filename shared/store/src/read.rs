//! What anyone may ask of the store, through a read-only connection whose queries end after two seconds.
//!
//! Each question is one short read transaction, over before its answer is sent, so that a slow client never holds the
//! WAL. Reading order: `turn` (one row of a list), `filter` and `list` (which rows, in
//! which order), `query`, `search` and `snippet` (what people type into a search box, what holds it, and where), `conversation` (everything of one), `pictures` (shown in it), `raw` (what it was made from), `session` (what it belongs to), `span`, `json` and `media` (texts that
//! are kept in the ground), `health` and `figures`. An export asks in its own way: [`export`]; so does who looks at all of
//! it: [`inspect`].

mod conversation;
mod cut;
#[doc(hidden)]
pub mod door;
pub mod export;
mod figures;
mod filter;
mod health;
pub mod inspect;
mod json;
mod law;
mod list;
mod marks;
mod media;
mod names;
mod outcomes;
mod passes;
mod pictures;
mod project;
mod pulse;
mod query;
mod raw;
mod search;
pub(crate) mod searched;
mod session;
mod sessions;
mod snippet;
mod span;
pub mod stats;
mod suggest;
mod tags;
mod turn;

#[cfg(test)]
pub(crate) mod seed;

use std::path::PathBuf;

use queue::DataDir;
use rusqlite::Connection;

use crate::error::{Context, Error};
use crate::human::{Marks, SavedView, views};
use crate::ids::ConversationId;
use crate::lost;
use crate::migrate;
use crate::open::{self, DbLock};
use crate::veil::{Shown, Veil};
use search::Asked;
use search::scratch::Scratch;
use span::LastChunk;

pub use crate::usage::Usage;
pub(crate) use conversation::survivor;
pub use conversation::{Block, Conversation, ToolCall};
pub use figures::Waited;
pub use filter::{Filter, Rated};
pub use health::Health;
pub use json::Value;
pub use law::Kept;
pub use list::{Count, Direction, ListRequest, MOMENT, Next, Page, Position, SOON_COUNTED, Sort, Stretch};
pub(crate) use marks::is_known;
pub use names::Names;
pub use outcomes::Outcomes;
pub use passes::PassStretch;
pub use pictures::{Picture, PicturePlace};
pub(crate) use project::takes;
pub use pulse::Pulse;
pub use query::{LONGEST_QUERY, MOST_TERMS, Place, Places, Query, QueryError};
pub use raw::{RawPage, RawPart, RawPiece, RawPosition, RawSource};
pub(crate) use session::given_title;
pub use session::{Link, Session, TitleFrom};
pub use sessions::{
    Other, Outline, OutlinePoint, Part, Relative, SessionDetail, SessionPosition, SessionsPage, SessionsRequest, Tree,
    TreeLink, UserSession,
};
pub use snippet::{Match, Piece};
pub use suggest::Suggestion;
pub use tags::TagCount;
pub(crate) use tags::{show as show_tags, shown_as as tags_shown_as, tag_spelling};
pub use turn::{Figures, Listed, Texts, ToolSummary, Turn};

/// A read-only connection.
#[derive(Debug)]
pub struct Reader {
    conn: Connection,
    scratch: Option<Scratch>,
    path: PathBuf,
    file: (u64, u64),
    veil: Veil,
    _lock: Option<DbLock>,
}

impl Reader {
    /// Opens the database of `dir`, which must exist and have our schema.
    ///
    /// # Errors
    /// [`Error::Missing`] before the first ingest, [`Error::Lost`], [`Error::TooNew`], [`Error::NotMigrated`], [`Error::Foreign`]; the
    /// engine's.
    pub fn open(dir: &DataDir) -> Result<Self, Error> {
        DbLock::finished(dir)?;
        let path = dir.database();
        // Before it is opened: a file that is replaced in between then counts as another one.
        lost::present(dir)?;
        let file = open::identity(&path).ok_or_else(|| Error::Missing { path: path.clone() })?;
        let (conn, lock) = open::reader(dir)?;
        Ok(Self { conn, scratch: None, path, file, veil: Veil::default(), _lock: Some(lock) })
    }

    /// As [`open`](Self::open), also in a place where nothing can be written, and nothing is made there.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_anywhere(dir: &DataDir) -> Result<Self, Error> {
        let path = dir.database();
        lost::present(dir)?;
        let file = open::identity(&path).ok_or_else(|| Error::Missing { path: path.clone() })?;
        let opened = open::anywhere(dir).map_err(|error| error.held(dir))?;
        Ok(Self { conn: opened.conn, scratch: None, path, file, veil: Veil::default(), _lock: opened.lock })
    }

    /// One whose answers have gone through a veil.
    pub fn veiled(self, veil: Veil) -> Self {
        Self { veil, ..self }
    }

    /// Whether the open file is still the one at its path. A reader for which this is false answers from the past.
    pub fn is_current(&self) -> bool {
        open::identity(&self.path) == Some(self.file)
    }

    /// A page of conversations. One whose rows take long to find may be short, and tell where the next begins.
    ///
    /// # Errors
    /// The engine's; [`Error::Interrupted`] after two seconds.
    pub fn list(&mut self, request: &ListRequest) -> Result<Page, Error> {
        let (scratch, veil) = (self.take_scratch()?, self.veil.clone());
        let page = self.ask(|conn| {
            list::page(Asked { conn, scratch: &scratch, chunk: &LastChunk::default(), veil: &veil }, request)
        });
        self.scratch = Some(scratch);
        page
    }

    /// The same, with how many there are as far as that is known soon, whatever the request says of counting: it ends at
    /// [`SOON_COUNTED`], after a [`MOMENT`], or where it would have to look at many that do not fit.
    ///
    /// # Errors
    /// As [`Reader::list`].
    pub fn list_counted_soon(&mut self, request: &ListRequest) -> Result<Page, Error> {
        let (scratch, veil) = (self.take_scratch()?, self.veil.clone());
        let page = self.ask(|conn| {
            list::page_counted_soon(
                Asked { conn, scratch: &scratch, chunk: &LastChunk::default(), veil: &veil },
                request,
            )
        });
        self.scratch = Some(scratch);
        page
    }

    /// All conversations that a filter leaves, newest first, at most `most`; the last part tells whether there are more.
    ///
    /// # Errors
    /// As [`Reader::list`].
    pub fn found(&mut self, filter: &Filter, most: usize) -> Result<(Vec<ConversationId>, bool), Error> {
        let mut request = ListRequest { filter: filter.clone(), limit: 1_000, ..ListRequest::default() };
        let mut found = Vec::new();
        loop {
            let (scratch, veil) = (self.take_scratch()?, self.veil.clone());
            let page = self.ask(|conn| {
                list::ids(Asked { conn, scratch: &scratch, chunk: &LastChunk::default(), veil: &veil }, &request)
            });
            self.scratch = Some(scratch);
            let (ids, next) = page?;
            found.extend(ids);
            if found.len() > most {
                found.truncate(most);
                return Ok((found, true));
            }
            match next {
                Some(next) => request.after = Some(next),
                None => return Ok((found, false)),
            }
        }
    }

    /// How many conversations a filter leaves.
    ///
    /// # Errors
    /// As [`Reader::list`].
    pub fn count(&mut self, filter: &Filter) -> Result<Count, Error> {
        let (scratch, veil) = (self.take_scratch()?, self.veil.clone());
        let count = self.ask(|conn| {
            list::count(Asked { conn, scratch: &scratch, chunk: &LastChunk::default(), veil: &veil }, filter)
        });
        self.scratch = Some(scratch);
        count
    }

    /// How the conversations that a filter leaves ended, and what is said of them. Words are not looked for, and ids are not.
    ///
    /// # Errors
    /// As [`Reader::list`].
    pub fn outcomes(&mut self, filter: &Filter) -> Result<Outcomes, Error> {
        self.ask(|conn| outcomes::outcomes(conn, filter))
    }

    /// In how many sessions they are, as people cut them. Words are not looked for, and ids are not.
    ///
    /// # Errors
    /// As [`Reader::list`].
    pub fn count_sessions(&mut self, filter: &Filter) -> Result<u64, Error> {
        self.ask(|conn| outcomes::sessions(conn, filter))
    }

    /// The tags that they have, the most used first, at most `most`. Words are not looked for, and ids are not.
    ///
    /// # Errors
    /// As [`Reader::list`].
    pub fn tags_of(&mut self, filter: &Filter, most: usize) -> Result<Vec<TagCount>, Error> {
        self.ask(|conn| outcomes::tags(conn, filter, most))
    }

    /// Everything of one conversation; an alias answers with its survivor. `None` if there is no such id.
    ///
    /// # Errors
    /// As [`Reader::list`].
    pub fn conversation(&mut self, id: ConversationId) -> Result<Option<Conversation>, Error> {
        self.ask(|conn| conversation::get(conn, id))
    }

    /// As much of one as a page shows: of what its tools were given and gave back the beginning, and subagents not too deep.
    ///
    /// # Errors
    /// As [`Reader::list`].
    pub fn conversation_begun(&mut self, id: ConversationId) -> Result<Option<Conversation>, Error> {
        let veil = self.veil.clone();
        self.ask(|conn| conversation::begun(conn, id, &veil))
    }

    /// The row of one alone: its prompt, its answer.
    ///
    /// # Errors
    /// As [`Reader::list`].
    pub fn turn(&mut self, id: ConversationId) -> Result<Option<Turn>, Error> {
        self.ask(|conn| conversation::row(conn, id))
    }

    /// Its `n`th tool call, from 0, whole, with the id of the conversation itself. `None` if there is none.
    ///
    /// # Errors
    /// As [`Reader::list`].
    pub fn call(&mut self, id: ConversationId, n: usize) -> Result<Option<(ConversationId, ToolCall)>, Error> {
        self.ask(|conn| conversation::call(conn, id, n))
    }

    /// The pictures of a conversation, or of its tool call `call`, from 0; an alias answers with its survivor's.
    ///
    /// # Errors
    /// As [`Reader::list`].
    pub fn pictures(&mut self, id: ConversationId, call: Option<usize>) -> Result<Vec<Picture>, Error> {
        self.ask(|conn| pictures::of(conn, id, call))
    }

    /// The `n`th of [`Reader::pictures`], from 0, in base64 as it was captured.
    ///
    /// # Errors
    /// As [`Reader::list`].
    pub fn picture(&mut self, id: ConversationId, call: Option<usize>, n: usize) -> Result<Option<String>, Error> {
        self.ask(|conn| pictures::bytes(conn, id, call, n))
    }

    /// A page of what a conversation was made from, byte for byte; an alias answers with its survivor. `None` if there is no
    /// such id.
    ///
    /// # Errors
    /// As [`Reader::list`].
    pub fn raw(
        &mut self,
        id: ConversationId,
        after: Option<RawPosition>,
        limit: u32,
    ) -> Result<Option<RawPage>, Error> {
        let veil = self.veil.clone();
        self.ask(|conn| raw::page(conn, id, after, limit, &veil))
    }

    /// The newest conversation of the kinds that lists show.
    ///
    /// # Errors
    /// As [`Reader::list`].
    pub fn last(&mut self) -> Result<Option<ConversationId>, Error> {
        self.ask(list::last)
    }

    /// What is said of a conversation, with the id that answers for it. `None` if there never was such an id.
    ///
    /// # Errors
    /// As [`Reader::list`].
    pub fn marks(&mut self, id: ConversationId) -> Result<Option<(ConversationId, Marks)>, Error> {
        self.ask(|conn| marks::get(conn, id))
    }

    /// A page of sessions as people cut them, newest activity first.
    ///
    /// # Errors
    /// As [`Reader::list`].
    pub fn sessions(&mut self, request: &SessionsRequest) -> Result<SessionsPage, Error> {
        self.ask(|conn| sessions::page(conn, request))
    }

    /// Everything of one session, Claude Code's or a person's, and a page of its conversations. `None` if there is none.
    ///
    /// # Errors
    /// As [`Reader::list`].
    pub fn session(
        &mut self,
        id: &str,
        after: Option<Position>,
        limit: u32,
        texts: Texts,
    ) -> Result<Option<SessionDetail>, Error> {
        let veil = self.veil.clone();
        self.ask(|conn| sessions::detail(conn, id, after, limit, (texts, &veil)))
    }

    /// A session at a glance. `None` if there is none.
    ///
    /// # Errors
    /// As [`Reader::list`].
    pub fn outline(&mut self, id: &str) -> Result<Option<Outline>, Error> {
        self.ask(|conn| sessions::outline(conn, id))
    }

    /// Every tag and how many conversations have it, the most used first.
    ///
    /// # Errors
    /// As [`Reader::list`].
    pub fn tags(&mut self) -> Result<Vec<TagCount>, Error> {
        self.ask(|conn| Ok(tags::all(conn, u32::MAX)?.into_iter().map(|(_, tag)| tag).collect()))
    }

    /// The names that a list can be filtered by, at most `most` of each kind.
    ///
    /// # Errors
    /// As [`Reader::list`].
    pub fn names(&mut self, most: u32) -> Result<Names, Error> {
        self.ask(|conn| names::all(conn, most))
    }

    /// What a conversation might be tagged with, by rules, the best first, and the id that answers for it. `None` if there
    /// never was such an id.
    ///
    /// # Errors
    /// As [`Reader::list`].
    pub fn suggestions(&mut self, id: ConversationId) -> Result<Option<(ConversationId, Vec<Suggestion>)>, Error> {
        self.ask(|conn| suggest::of(conn, id))
    }

    /// The searches that a person keeps, in order of the names that they are shown by.
    ///
    /// # Errors
    /// As [`Reader::list`].
    pub fn saved_views(&mut self) -> Result<Vec<SavedView>, Error> {
        self.ask(views::all)
    }

    /// What the database says of itself.
    ///
    /// # Errors
    /// As [`Reader::list`].
    pub fn health(&mut self) -> Result<Health, Error> {
        let path = self.path.clone();
        self.ask(|conn| health::read(conn, &path))
    }

    fn take_scratch(&mut self) -> Result<Scratch, Error> {
        self.scratch.take().map_or_else(Scratch::new, Ok)
    }

    /// One question: one read transaction, which ends with it.
    fn ask<T: Shown>(&mut self, question: impl FnOnce(&Connection) -> Result<T, Error>) -> Result<T, Error> {
        let mut answer = open::bounded(&mut self.conn, |conn| transact(conn, question))?;
        answer.hide(&self.veil);
        Ok(answer)
    }

    /// One question that is answered by all there is, however long it takes; nothing of the answer is shown.
    fn ask_all<T>(&mut self, question: impl FnOnce(&Connection) -> Result<T, Error>) -> Result<T, Error> {
        transact(&self.conn, question)
    }
}

fn transact<T>(conn: &Connection, question: impl FnOnce(&Connection) -> Result<T, Error>) -> Result<T, Error> {
    let tx = conn.unchecked_transaction().op("begin to read")?;
    migrate::expect(&tx)?;
    question(&tx)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_file_is_noticed() {
        let store = seed::Store::new();
        let reader = store.reader();
        assert!(reader.is_current());
        std::fs::rename(store.dir.database(), store.dir.root().join("elsewhere.db")).unwrap();
        assert!(!reader.is_current());
        assert!(matches!(Reader::open(&store.dir), Err(Error::Lost { .. }))); // its log is still there
    }
}
