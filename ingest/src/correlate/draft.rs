//! A conversation in the making: what opened it, and the lines and events that turned out to belong to it.

use store::Key;

use super::event::{HookEvent, Signal};
use crate::transcripts::line::{Body, Line, User};

/// What opened a draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Human,
    Slash,
    Shell,
    Memory,
    /// Queued, and taken back into the composer before it was sent.
    TakenBack,
    Notification,
    Subagent,
}

/// Where it stands first.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Anchor<'a> {
    /// A line: a user line, a queued command, or the first assistant line of a file that begins in the middle.
    Line(&'a Line),
    /// A text that was only ever queued (correlation.md 8): the line that enqueued it.
    Queue(&'a Line),
    /// A hook event that no line has confirmed yet.
    Hook(&'a HookEvent),
}

/// A conversation in the making.
#[derive(Clone, Debug)]
pub(crate) struct Draft<'a> {
    pub(crate) anchor: Anchor<'a>,
    pub(crate) class: Class,
    /// Shown: without wrappers.
    pub(crate) prompt: Option<String>,
    pub(crate) prompt_id: Option<String>,
    pub(crate) at_ms: i64,
    /// Which of the session's files it came from.
    pub(crate) file: Option<usize>,
    /// It came while another turn ran, which it completes.
    pub(crate) absorbed: bool,
    /// A later prompt was absorbed into this turn, or the hooks said that it went on without it.
    pub(crate) completed: bool,
    /// It reused a prompt id and waits for the Stop that tells it from the other.
    pub(crate) awaits: bool,
    /// The keys of the lines that queued its text.
    pub(crate) enqueued: Vec<[u8; 16]>,
    /// When its text was queued and taken back into the composer, before it was submitted again.
    pub(crate) taken_back: Vec<i64>,
    /// The opening line first.
    pub(crate) lines: Vec<&'a Line>,
    pub(crate) submits: Vec<&'a HookEvent>,
    pub(crate) stops: Vec<&'a HookEvent>,
    pub(crate) tools: Vec<&'a HookEvent>,
    /// Of a subagent's.
    pub(crate) agent: Option<Agent<'a>>,
}

/// The subagent whose prompt this is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Agent<'a> {
    pub(crate) id: Option<&'a str>,
    /// The call that started it, where that is known.
    pub(crate) tool_use_id: Option<&'a str>,
}

impl<'a> Draft<'a> {
    pub(crate) fn new(anchor: Anchor<'a>, class: Class, prompt: Option<String>, at_ms: i64) -> Self {
        let (lines, prompt_id) = match anchor {
            Anchor::Line(line) => (vec![line], line.prompt_id.clone()),
            Anchor::Queue(line) => (vec![line], None),
            Anchor::Hook(event) => (Vec::new(), event.prompt_id.clone()),
        };
        Self {
            anchor,
            class,
            prompt,
            prompt_id,
            at_ms,
            file: None,
            absorbed: false,
            completed: false,
            awaits: false,
            enqueued: Vec::new(),
            taken_back: Vec::new(),
            lines,
            submits: Vec::new(),
            stops: Vec::new(),
            tools: Vec::new(),
            agent: None,
        }
    }

    /// Whether a transcript has it.
    pub(crate) fn in_transcript(&self) -> bool {
        !matches!(self.anchor, Anchor::Hook(_))
    }

    /// The line that it stands at.
    pub(crate) fn line(&self) -> Option<&'a Line> {
        match self.anchor {
            Anchor::Line(line) | Anchor::Queue(line) => Some(line),
            Anchor::Hook(_) => None,
        }
    }

    /// The key of its line.
    pub(crate) fn line_key(&self) -> Option<[u8; 16]> {
        self.line().map(|line| line.key)
    }

    /// The lines that came after the opening one. An opening assistant line is part of the answer too.
    pub(crate) fn answer_lines(&self) -> &[&'a Line] {
        match self.anchor {
            Anchor::Line(line) if matches!(line.body, Body::Assistant(_)) => &self.lines,
            Anchor::Hook(_) => &self.lines,
            Anchor::Line(_) | Anchor::Queue(_) => self.lines.get(1..).unwrap_or_default(),
        }
    }

    /// The user content that opened it.
    pub(crate) fn opening(&self) -> Option<&'a User> {
        match self.anchor {
            Anchor::Line(Line { body: Body::User(user) | Body::Queued(user), .. }) => Some(user),
            _ => None,
        }
    }

    /// What it is recognised by: its line, its submits, and if there is neither, the Stop that made it.
    pub(crate) fn keys(&self) -> Vec<Key> {
        let mut keys: Vec<Key> = self.line().into_iter().flat_map(Line::keys).map(Key::Line).collect();
        keys.extend(self.submits.iter().flat_map(|event| event.recognised_by()));
        if let (true, Anchor::Hook(event)) = (keys.is_empty(), self.anchor) {
            keys.extend(event.recognised_by());
        }
        keys
    }

    /// What it may have been known by before: a Stop that came ahead of its prompt made a conversation of its own, and so
    /// did the queueing of a text before the line was written.
    pub(crate) fn former_keys(&self) -> Vec<Key> {
        let queued = self.enqueued.iter().copied().map(Key::Line);
        queued.chain(self.stops.iter().flat_map(|event| event.recognised_by())).collect()
    }

    /// The last text that a Stop carried, with whether it was a failure.
    pub(crate) fn last_stop(&self) -> Option<(&'a str, bool)> {
        self.stops.iter().rev().find_map(|event| match &event.body {
            Signal::Stop { text: Some(text), failed, .. } => Some((text.as_str(), *failed)),
            _ => None,
        })
    }
}
