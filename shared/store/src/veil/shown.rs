//! Where the texts of each answer are.

use super::{Shown, Veil};
use crate::annotate::{Marked, MarkedMany, Moved, Renamed};
use crate::figures::Figures;
use crate::human::{Marks, Remark, Said, SavedView, Title};
use crate::ids::ConversationId;
use crate::read::export::{Annotated, Annotations, Cuts, EventFile, File, Selected, Summary, Unplaced, Whole};
use crate::read::{
    Block, Conversation, Count, Health, Kept, Listed, Match, Names, Next, Other, Outcomes, Outline, Page, PassStretch,
    Picture, Pulse, RawPage, RawSource, Relative, Session, SessionDetail, SessionsPage, Suggestion, TagCount, ToolCall,
    Tree, Turn, UserSession, Value, Waited, stats::Stats,
};

/// Answers that hold no text of anybody.
macro_rules! without_texts {
    ($($of:ty),* $(,)?) => { $(impl Shown for $of {})* };
}

without_texts!(
    (),
    bool,
    i64,
    u64,
    Count,
    ConversationId,
    EventFile,
    Figures,
    Health,
    Kept,
    MarkedMany,
    Moved,
    Next,
    Outcomes,
    Outline,
    PassStretch,
    Picture,
    Pulse,
    Renamed,
    Selected,
    Waited,
);

impl Shown for String {
    fn hide(&mut self, veil: &Veil) {
        veil.text(self);
    }
}

impl<T: Shown> Shown for Option<T> {
    fn hide(&mut self, veil: &Veil) {
        self.iter_mut().for_each(|one| one.hide(veil));
    }
}

impl<T: Shown> Shown for Vec<T> {
    fn hide(&mut self, veil: &Veil) {
        self.iter_mut().for_each(|one| one.hide(veil));
    }
}

impl<A: Shown, B: Shown> Shown for (A, B) {
    fn hide(&mut self, veil: &Veil) {
        self.0.hide(veil);
        self.1.hide(veil);
    }
}

impl Shown for Turn {
    fn hide(&mut self, veil: &Veil) {
        [&mut self.prompt_text, &mut self.response_text, &mut self.cwd, &mut self.project].hide(veil);
        veil.json(&mut self.metadata);
    }
}

impl<T: Shown, const N: usize> Shown for [&mut T; N] {
    fn hide(&mut self, veil: &Veil) {
        self.iter_mut().for_each(|one| one.hide(veil));
    }
}

/// The notes of several ids are one text, as they are sent back.
impl Shown for Marks {
    fn hide(&mut self, veil: &Veil) {
        self.tags.hide(veil);
        if veil.is_drawn() {
            self.notes = self.note().into_iter().collect();
        }
        self.notes.hide(veil);
    }
}

impl Shown for Marked {
    fn hide(&mut self, veil: &Veil) {
        [&mut self.marks, &mut self.before].hide(veil);
    }
}

impl Shown for Page {
    fn hide(&mut self, veil: &Veil) {
        self.items.hide(veil);
    }
}

impl Shown for Listed {
    fn hide(&mut self, veil: &Veil) {
        self.turn.hide(veil);
        self.marks.hide(veil);
        title(&mut self.session_title, veil);
        self.matches.hide(veil);
    }
}

/// Its pieces were cut from a text whose secrets were hidden.
impl Shown for Match {}

impl Shown for Conversation {
    fn hide(&mut self, veil: &Veil) {
        self.turn.hide(veil);
        self.marks.hide(veil);
        title(&mut self.given_title, veil);
        self.session.hide(veil);
        self.blocks.hide(veil);
        self.tool_calls.hide(veil);
        self.subagents.hide(veil);
    }
}

impl Shown for Block {
    fn hide(&mut self, veil: &Veil) {
        self.text.hide(veil);
    }
}

impl Shown for ToolCall {
    fn hide(&mut self, veil: &Veil) {
        [&mut self.input, &mut self.output].hide(veil);
    }
}

impl Shown for Value {
    fn hide(&mut self, veil: &Veil) {
        match self {
            Self::Text(text) => veil.text(text),
            Self::Json(json) => veil.json(json),
        }
    }
}

impl Shown for Session {
    fn hide(&mut self, veil: &Veil) {
        title(&mut self.title, veil);
        [&mut self.cwd, &mut self.project, &mut self.git_branch].hide(veil);
    }
}

/// Its bytes were hidden before they were cut.
impl Shown for RawPage {
    fn hide(&mut self, veil: &Veil) {
        for piece in &mut self.items {
            if let RawSource::Line { path, .. } = &mut piece.source {
                veil.text(path);
            }
        }
    }
}

impl Shown for SessionsPage {
    fn hide(&mut self, veil: &Veil) {
        self.items.hide(veil);
    }
}

impl Shown for UserSession {
    fn hide(&mut self, veil: &Veil) {
        title(&mut self.title, veil);
        self.project.hide(veil);
    }
}

impl Shown for SessionDetail {
    fn hide(&mut self, veil: &Veil) {
        self.session.hide(veil);
        self.originals.iter_mut().for_each(|(_, session)| session.hide(veil));
        self.others.hide(veil);
        self.conversations.hide(veil);
        self.tree.hide(veil);
    }
}

impl Shown for Other {
    fn hide(&mut self, veil: &Veil) {
        title(&mut self.title, veil);
    }
}

impl Shown for Tree {
    fn hide(&mut self, veil: &Veil) {
        self.sessions.hide(veil);
    }
}

impl Shown for Relative {
    fn hide(&mut self, veil: &Veil) {
        title(&mut self.title, veil);
    }
}

impl Shown for Names {
    fn hide(&mut self, veil: &Veil) {
        [&mut self.projects, &mut self.tags].hide(veil);
    }
}

impl Shown for TagCount {
    fn hide(&mut self, veil: &Veil) {
        self.tag.hide(veil);
    }
}

impl Shown for Suggestion {
    fn hide(&mut self, veil: &Veil) {
        [&mut self.tag, &mut self.reason].hide(veil);
    }
}

impl Shown for SavedView {
    fn hide(&mut self, veil: &Veil) {
        [&mut self.name, &mut self.query].hide(veil);
    }
}

impl Shown for Stats {
    fn hide(&mut self, veil: &Veil) {
        self.projects.iter_mut().for_each(|(project, _)| project.hide(veil));
        self.commands.iter_mut().for_each(|(command, _)| command.hide(veil));
    }
}

impl Shown for Summary {
    fn hide(&mut self, veil: &Veil) {
        self.listed.hide(veil);
        title(&mut self.title, veil);
        self.standing.hide(veil);
    }
}

impl Shown for Whole {
    fn hide(&mut self, veil: &Veil) {
        self.conversation.hide(veil);
        title(&mut self.title, veil);
        self.remarks.hide(veil);
        self.standing.hide(veil);
    }
}

impl Shown for Remark {
    fn hide(&mut self, veil: &Veil) {
        match &mut self.said {
            Said::Tag { tag, .. } => tag.hide(veil),
            Said::Note(note) => note.hide(veil),
            Said::Rating(_) | Said::Star(_) => {}
        }
    }
}

impl Shown for Title {
    fn hide(&mut self, veil: &Veil) {
        title(&mut self.title, veil);
    }
}

impl Shown for Cuts {
    fn hide(&mut self, veil: &Veil) {
        self.titles.hide(veil);
        self.views.hide(veil);
    }
}

impl Shown for Unplaced {
    fn hide(&mut self, veil: &Veil) {
        self.remarks.hide(veil);
    }
}

impl Shown for Annotated {
    fn hide(&mut self, veil: &Veil) {
        self.remarks.hide(veil);
    }
}

impl Shown for Annotations {
    fn hide(&mut self, veil: &Veil) {
        self.conversations.hide(veil);
        self.cuts.hide(veil);
    }
}

impl Shown for File {
    fn hide(&mut self, veil: &Veil) {
        self.path.hide(veil);
    }
}

fn title(title: &mut Option<String>, veil: &Veil) {
    title.iter_mut().for_each(|title| veil.title(title));
}
