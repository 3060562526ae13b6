//! Cuts the lines of a session into drafts: what opens a conversation, and what belongs to the running one
//! (correlation.md 2 and 5 to 10).

use std::collections::{HashMap, HashSet};

use super::composer;
use super::draft::{Agent, Anchor, Class, Draft};
use super::text::{self, Text};
use crate::transcripts::line::{Body, IMAGE_ALONE, Line, MediaKind, User};

/// The drafts of a session: its own, and those of subagents whose lines stand in the same file (versions 1.0).
#[derive(Debug, Default)]
pub(crate) struct Opened<'a> {
    pub(crate) main: Vec<Draft<'a>>,
    pub(crate) inline_agents: Vec<Draft<'a>>,
}

/// Cuts the main files of a session. A line that occurs twice counts once.
pub(crate) fn session<'a>(files: &'a [Vec<Line>]) -> Opened<'a> {
    let mut opened = Opened::default();
    let mut seen = HashSet::new();
    for (number, file) in files.iter().enumerate() {
        let fresh: Vec<&Line> = file.iter().filter(|line| !repeats(line, &mut seen)).collect();
        let (side, main): (Vec<&Line>, Vec<&Line>) = fresh.into_iter().partition(|line| line.sidechain);
        let first = opened.main.len();
        cut(&main, &mut opened.main);
        opened.main[first..].iter_mut().for_each(|draft| draft.file = Some(number));
        opened.inline_agents.extend(inline_agents(&side));
    }
    opened
}

/// Cuts a subagent's file: its first prompt, and each that it was given later. The log of a side question begins with
/// what the session said before (`said`, by message id); that is the session's.
pub(crate) fn subagent<'a>(lines: &'a [Line], agent: Agent<'a>, said: &HashSet<&str>) -> Vec<Draft<'a>> {
    let repeated = |line: &Line| match &line.body {
        Body::Assistant(assistant) => assistant.message_id.as_deref().is_some_and(|id| said.contains(id)),
        _ => false,
    };
    let lines = &lines[lines.iter().rposition(repeated).map_or(0, |last| last + 1)..];
    let mut drafts = Vec::new();
    let mut seen = HashSet::new();
    for line in lines.iter().filter(|line| !repeats(line, &mut seen)) {
        let prompt = match &line.body {
            Body::User(user) if !user.injected && user.results.is_empty() => agent_prompt(user, drafts.is_empty()),
            _ => None,
        };
        match prompt {
            Some(prompt) => {
                drafts.push(Draft::new(Anchor::Line(line), Class::Subagent, Some(prompt), time(line, &drafts)));
            }
            None => belongs(line, &mut drafts, Class::Subagent),
        }
    }
    drafts.iter_mut().for_each(|draft| draft.agent = Some(agent));
    drafts
}

/// Sidecar lines have no identity and are written again at each resume: they never count as repeated.
fn repeats(line: &Line, seen: &mut HashSet<[u8; 16]>) -> bool {
    (line.uuid.is_some() || matches!(line.body, Body::Operation(_))) && !seen.insert(line.key)
}

fn cut<'a>(lines: &[&'a Line], drafts: &mut Vec<Draft<'a>>) {
    let first = drafts.len();
    let queued = composer::follow(lines);
    let mut writers = Writers::default();
    for at in 0..=lines.len() {
        for prompt in queued.alone.iter().filter(|prompt| prompt.stands_at == at) {
            let when = lines.get(at).and_then(|line| line.at_ms).or(prompt.line.at_ms).unwrap_or_default();
            let mut draft = Draft::new(Anchor::Queue(prompt.line), Class::Human, Some(prompt.text.clone()), when);
            draft.absorbed = prompt.absorbed;
            push(drafts, first, draft);
        }
        let Some(line) = lines.get(at) else { break };
        let opens = opens(line, drafts.len() > first);
        // A result is the running turn's, also when a prompt stands beside it.
        if opens.is_none() || matches!(&line.body, Body::User(user) if !user.results.is_empty()) {
            match writers.other_turn(line, &drafts[first..]) {
                Some(other) => drafts[first + other].lines.push(line),
                None => belongs(line, drafts, Class::Notification),
            }
        }
        writers.note(line);
        if let Some(Opens { class, prompt, absorbed }) = opens {
            let mut draft = Draft::new(Anchor::Line(line), class, Some(prompt), time(line, drafts));
            draft.absorbed = absorbed;
            draft.enqueued = queued.said.get(&at).cloned().unwrap_or_default();
            draft.taken_back = queued.again.get(&at).cloned().unwrap_or_default();
            push(drafts, first, draft);
        }
    }
    // Behind all others: no line belongs to them, and none of them ends the turn that ran.
    drafts.extend(queued.taken_back.into_iter().map(|prompt| {
        let when = prompt.line.at_ms.unwrap_or_default();
        Draft::new(Anchor::Queue(prompt.line), Class::TakenBack, Some(prompt.text), when)
    }));
}

/// Two processes may write one file, so that the lines of two turns stand between one another. A line says of which turn
/// it is by its prompt id, or by that of the line it hangs on; clients too old for prompt ids leave the order of the file.
#[derive(Default)]
struct Writers<'a> {
    prompt_ids: HashMap<&'a str, &'a str>,
}

impl<'a> Writers<'a> {
    fn prompt_id(&self, line: &'a Line) -> Option<&'a str> {
        let parent = || self.prompt_ids.get(line.parent_uuid.as_deref()?).copied();
        line.prompt_id.as_deref().or_else(parent)
    }

    fn note(&mut self, line: &'a Line) {
        if let (Some(uuid), Some(id)) = (line.uuid.as_deref(), self.prompt_id(line)) {
            self.prompt_ids.insert(uuid, id);
        }
    }

    /// The turn that a line belongs to where that is not the last one.
    fn other_turn(&self, line: &'a Line, drafts: &[Draft<'_>]) -> Option<usize> {
        let id = self.prompt_id(line)?;
        let running = drafts.last()?.prompt_id.as_deref()?;
        if running == id { None } else { drafts.iter().rposition(|draft| draft.prompt_id.as_deref() == Some(id)) }
    }
}

/// What a line opens.
struct Opens {
    class: Class,
    prompt: String,
    absorbed: bool,
}

fn opens(line: &Line, running: bool) -> Option<Opens> {
    let (user, absorbed) = match &line.body {
        Body::User(user) => (user, !user.results.is_empty()),
        Body::Queued(user) => (user, true),
        _ => return None,
    };
    let (class, prompt) = prompt_of(user)?;
    let machine = !matches!(class, Class::Human | Class::Slash | Class::Shell);
    // What a machine says in mid-turn is a part of the turn (correlation.md 6 and 9).
    (!(absorbed && machine && running)).then_some(Opens { class, prompt, absorbed: absorbed && running })
}

/// A prompt that was absorbed completes the turn that ran.
fn push<'a>(drafts: &mut Vec<Draft<'a>>, first: usize, draft: Draft<'a>) {
    if draft.absorbed
        && let Some(running) = drafts[first..].last_mut()
    {
        running.completed = true;
    }
    drafts.push(draft);
}

/// Puts a line to the running draft. An answer without any prompt opens a draft without one, so that it is not lost.
fn belongs<'a>(line: &'a Line, drafts: &mut Vec<Draft<'a>>, class: Class) {
    if let Some(running) = drafts.last_mut() {
        running.lines.push(line);
    } else if matches!(line.body, Body::Assistant(_)) {
        drafts.push(Draft::new(Anchor::Line(line), class, None, line.at_ms.unwrap_or_default()));
    }
}

/// A line without a time has that of the line before.
fn time(line: &Line, drafts: &[Draft<'_>]) -> i64 {
    line.at_ms.or_else(|| drafts.last()?.lines.iter().rev().find_map(|line| line.at_ms)).unwrap_or_default()
}

/// What a user line opens, with the prompt to show.
fn prompt_of(user: &User) -> Option<(Class, String)> {
    let typed = user.origin.as_deref() == Some("human");
    if user.companion || (user.injected && !typed) {
        return None;
    }
    let text = user.text.as_deref().unwrap_or_default();
    if text.trim().is_empty() {
        return placeholder(user).map(|shown| (Class::Human, shown));
    }
    if user.origin.is_some() && !typed {
        return Some((Class::Notification, text.trim().to_owned()));
    }
    match text::classify(text) {
        Text::Human(prompt) => Some((Class::Human, prompt)),
        Text::Slash(prompt) => Some((Class::Slash, prompt)),
        Text::Shell(prompt) => Some((Class::Shell, prompt)),
        Text::Memory(prompt) => Some((Class::Memory, prompt)),
        // A person may type or paste what else only machines write.
        Text::Notification | Text::LocalOutput | Text::Interruption if typed => {
            Some((Class::Human, text.trim().to_owned()))
        }
        Text::Notification => Some((Class::Notification, text.trim().to_owned())),
        Text::LocalOutput | Text::Interruption => None,
        Text::Part if text.contains("[Image: source:") => None,
        Text::Part => placeholder(user).map(|shown| (Class::Human, shown)),
    }
}

/// What stands for a prompt of images or documents alone.
fn placeholder(user: &User) -> Option<String> {
    let shown = match user.media.first()?.kind {
        MediaKind::Image => IMAGE_ALONE,
        MediaKind::Document => "[Document]",
    };
    Some(shown.to_owned())
}

/// A subagent's first text is its prompt whatever it looks like; later ones only if no machine made them.
fn agent_prompt(user: &User, first: bool) -> Option<String> {
    let text = user.text.as_deref().map(str::trim).filter(|text| !text.is_empty())?;
    match text::classify(text) {
        Text::Human(prompt) | Text::Slash(prompt) => Some(prompt),
        _ if first => Some(text.to_owned()),
        _ => None,
    }
}

/// Subagents whose lines stand among the main ones: a chain of parents leads from each line to its prompt.
fn inline_agents<'a>(lines: &[&'a Line]) -> Vec<Draft<'a>> {
    let mut drafts: Vec<Draft<'a>> = Vec::new();
    let mut draft_of: HashMap<&'a str, usize> = HashMap::new();
    for line in lines {
        let parent = line.parent_uuid.as_deref().and_then(|uuid| draft_of.get(uuid)).copied();
        let prompt = match &line.body {
            Body::User(user) if parent.is_none() && user.results.is_empty() && !user.injected => {
                agent_prompt(user, true)
            }
            _ => None,
        };
        let index = match (prompt, parent) {
            (Some(prompt), _) => {
                let mut draft = Draft::new(Anchor::Line(line), Class::Subagent, Some(prompt), time(line, &drafts));
                draft.agent = Some(Agent { id: line.agent_id.as_deref(), tool_use_id: None });
                drafts.push(draft);
                drafts.len().checked_sub(1)
            }
            (None, Some(parent)) => {
                drafts[parent].lines.push(line);
                Some(parent)
            }
            (None, None) => {
                belongs(line, &mut drafts, Class::Subagent);
                drafts.len().checked_sub(1)
            }
        };
        draft_of.extend(line.uuid.as_deref().zip(index));
    }
    drafts
}
