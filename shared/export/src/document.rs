//! A document made of conversations, piece by piece: the head, each conversation, what comes at the end.
//!
//! Whoever writes it asks for the next piece when the last one has gone: between two pieces nothing is read and nothing is
//! held, however slow the reader is, and who stops asking has ended the work. The command line and the API write the same.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use store::read::export::{Cuts, Exporter, Selected, Subagents};

use crate::error::At;
use crate::messages::{self, Tools};
use crate::{Error, csv, jsonl, markdown};

/// The form of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Everything, a JSON object a line; `ingest import` takes back what people said of it.
    Jsonl,
    /// A row a conversation, for a spreadsheet.
    Csv,
    /// To read, session by session.
    Markdown,
    /// Chat-format JSONL for fine-tuning.
    Messages {
        /// Whether tool calls are in it.
        tools: Tools,
        /// What a line is.
        per: Per,
    },
}

/// What makes one line or one document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Per {
    /// Each conversation.
    Conversation,
    /// Each session.
    Session,
}

/// Whether a document stands for the whole store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Nothing was left out: what people said of conversations that are not there belongs to it, and so do saved views.
    All,
    /// A part was chosen: what people said of other sessions stays here.
    Chosen,
}

/// What became of the conversations so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// In the document.
    pub written: usize,
    /// Lacked what the form needs.
    pub left_out: usize,
}

/// A document that is being made.
#[derive(Debug)]
pub struct Document {
    form: Form,
    scope: Scope,
    now_ms: i64,
    /// In the order in which they are written.
    selected: Vec<Selected>,
    stage: Stage,
    /// The session that the last conversation of a document to read belongs to.
    session: Option<Arc<str>>,
    counts: Counts,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    Head,
    /// The next conversation.
    At(usize),
    Tail,
    End,
}

impl Document {
    /// Of these conversations, given in order of time. `now_ms` is when it is made, in milliseconds since 1970, UTC.
    pub fn new(form: Form, scope: Scope, selected: Vec<Selected>, now_ms: i64) -> Self {
        let by_session = matches!(form, Form::Markdown | Form::Messages { per: Per::Session, .. });
        let selected = if by_session { session_by_session(selected) } else { selected };
        Self { form, scope, now_ms, selected, stage: Stage::Head, session: None, counts: Counts::default() }
    }

    /// So far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// How many conversations were chosen.
    pub fn total(&self) -> usize {
        self.selected.len()
    }

    /// The next piece; `None` at the end. What was changed since it was chosen comes as it is now, or not at all if it is
    /// gone.
    ///
    /// # Errors
    /// The store's.
    pub fn next(&mut self, store: &mut Exporter) -> Result<Option<Vec<u8>>, Error> {
        let mut piece = Vec::new();
        while piece.is_empty() {
            match self.stage {
                Stage::Head => {
                    self.head(store, &mut piece)?;
                    self.stage = Stage::At(0);
                }
                Stage::At(at) if at < self.selected.len() => self.stage = Stage::At(self.one(store, at, &mut piece)?),
                Stage::At(_) => self.stage = Stage::Tail,
                Stage::Tail => {
                    self.tail(store, &mut piece)?;
                    self.stage = Stage::End;
                }
                Stage::End => return Ok(None),
            }
        }
        Ok(Some(piece))
    }

    fn head(&self, store: &mut Exporter, piece: &mut Vec<u8>) -> Result<(), Error> {
        match self.form {
            Form::Jsonl => jsonl::head(piece, &store.origin()?, self.now_ms).made(),
            Form::Csv => csv::head(piece).made(),
            Form::Markdown | Form::Messages { .. } => Ok(()),
        }
    }

    /// The piece that begins with conversation `at`; gives the one behind it.
    fn one(&mut self, store: &mut Exporter, at: usize, piece: &mut Vec<u8>) -> Result<usize, Error> {
        let id = self.selected[at].id;
        match self.form {
            Form::Jsonl => {
                if let Some(whole) = store.whole(id, Subagents::Left)? {
                    jsonl::conversation(piece, &whole).made()?;
                    self.counts.written += 1;
                }
            }
            Form::Csv => {
                if let Some(summary) = store.summary(id)? {
                    csv::row(piece, &summary).made()?;
                    self.counts.written += 1;
                }
            }
            Form::Markdown => {
                if let Some(whole) = store.whole(id, Subagents::Included)? {
                    let session = &self.selected[at].user_session_id;
                    if self.session.as_ref() != Some(session) {
                        markdown::session(piece, &whole).made()?;
                        self.session = Some(session.clone());
                    }
                    markdown::conversation(piece, &whole).made()?;
                    self.counts.written += 1;
                }
            }
            Form::Messages { tools, per } => return self.chat(store, at, tools, per, piece),
        }
        Ok(at + 1)
    }

    fn chat(
        &mut self,
        store: &mut Exporter,
        at: usize,
        tools: Tools,
        per: Per,
        piece: &mut Vec<u8>,
    ) -> Result<usize, Error> {
        let first = &self.selected[at];
        let end = match per {
            Per::Conversation => at + 1,
            Per::Session => {
                let same = |one: &&Selected| one.user_session_id == first.user_session_id;
                at + self.selected[at..].iter().take_while(same).count()
            }
        };
        let mut chat = Vec::new();
        for one in &self.selected[at..end] {
            let Some(whole) = store.whole(one.id, Subagents::Left)? else { continue };
            match messages::messages(&whole.conversation, tools) {
                Some(messages) => {
                    chat.extend(messages);
                    self.counts.written += 1;
                }
                None => self.counts.left_out += 1,
            }
        }
        if !chat.is_empty() {
            messages::line(piece, &chat).made()?;
        }
        Ok(end)
    }

    fn tail(&self, store: &mut Exporter, piece: &mut Vec<u8>) -> Result<(), Error> {
        if self.form != Form::Jsonl {
            return Ok(());
        }
        let mut cuts = store.cuts()?;
        match self.scope {
            Scope::Chosen => only(&mut cuts, &self.selected),
            Scope::All => {
                for unplaced in store.unplaced()? {
                    jsonl::unplaced(piece, &unplaced).made()?;
                }
            }
        }
        jsonl::cuts(piece, &cuts).made()
    }
}

/// A piece is made in memory: what can fail is its making, not its way.
trait Made {
    fn made(self) -> Result<(), Error>;
}

impl Made for std::io::Result<()> {
    fn made(self) -> Result<(), Error> {
        self.at("write", std::path::Path::new("a conversation"))
    }
}

/// Those of a session behind each other, sessions in the order of their first conversations.
fn session_by_session(selected: Vec<Selected>) -> Vec<Selected> {
    let mut places: HashMap<Arc<str>, usize> = HashMap::new();
    let mut placed: Vec<(usize, Selected)> = Vec::with_capacity(selected.len());
    for one in selected {
        let next = places.len();
        let place = *places.entry(one.user_session_id.clone()).or_insert(next);
        placed.push((place, one));
    }
    placed.sort_by_key(|(place, _)| *place);
    placed.into_iter().map(|(_, one)| one).collect()
}

/// A part is exported: what people said of other sessions stays here, and so do their searches.
fn only(cuts: &mut Cuts, selected: &[Selected]) {
    let sessions: BTreeSet<&str> = selected.iter().map(|one| &*one.session_id).collect();
    cuts.members.retain(|member| sessions.contains(&*member.session_id));
    let mut user_sessions: BTreeSet<&str> = selected.iter().map(|one| &*one.user_session_id).collect();
    user_sessions.extend(cuts.members.iter().map(|member| &*member.user_session_id));
    cuts.user_sessions.retain(|session| user_sessions.contains(&*session.stamp.id));
    cuts.titles.retain(|title| user_sessions.contains(&*title.user_session_id));
    cuts.views.clear();
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::ConversationId;

    fn check(given: &[(i64, &str)], expected: &[i64]) {
        let one = |&(id, session): &(i64, &str)| Selected {
            id: ConversationId(id),
            timestamp_ms: id,
            session_id: session.into(),
            user_session_id: session.into(),
        };
        let ids: Vec<_> = session_by_session(given.iter().map(one).collect()).iter().map(|one| one.id.0).collect();
        assert_eq!(ids, expected, "{given:?}");
    }

    #[test]
    fn sessions_stand_together() {
        check(&[], &[]);
        check(&[(1, "b"), (2, "a"), (3, "b"), (4, "c"), (5, "a")], &[1, 3, 2, 5, 4]);
    }
}
