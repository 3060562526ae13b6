//! What came of a conversation: its answer and its status (correlation.md 11 and 13 to 15).

use store::sieve::count_same;
use store::{Kind, Status};

use super::draft::{Class, Draft};
use super::text::{self, Text};
use crate::transcripts::line::{Assistant, Block, Body};

/// What lies around a draft in its session.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Around {
    /// A later turn, a session end or a new start comes after it.
    pub(crate) over: bool,
    /// Its file has no `end_turn` at all: an old client, where text at the end has to do.
    pub(crate) old_client: bool,
}

/// Rule 11 and 12.
pub(crate) fn kind(draft: &Draft<'_>) -> Kind {
    match draft.class {
        Class::Human => Kind::Human,
        Class::Shell => Kind::Shell,
        Class::Memory | Class::TakenBack => Kind::Local,
        Class::Notification => Kind::Notification,
        Class::Subagent => Kind::Subagent,
        Class::Slash if ran_a_turn(draft) => Kind::Command,
        Class::Slash => Kind::Local,
    }
}

/// Rule 15, in its order of strength.
pub(crate) fn status(draft: &Draft<'_>, kind: Kind, around: Around) -> Status {
    let answer = Answer::of(draft, around.old_client);
    if draft.last_stop().is_some_and(|(_, failed)| failed) || answer.error_last {
        Status::Failed
    } else if answer.interrupted {
        Status::Interrupted
    } else if answer.ended
        || draft.completed
        || (answer.answered && around.over)
        || needs_no_answer(draft, kind, &answer)
    {
        Status::Complete
    } else if around.over {
        Status::Interrupted
    } else {
        Status::Open
    }
}

/// What the client did itself.
fn needs_no_answer(draft: &Draft<'_>, kind: Kind, answer: &Answer) -> bool {
    kind == Kind::Local || (kind == Kind::Shell && !answer.any && draft.in_transcript())
}

/// Rule 13. A text that a Stop carried wins until the transcript has it.
pub(crate) fn response(draft: &Draft<'_>) -> Option<String> {
    let texts = message_texts(draft);
    match draft.last_stop() {
        Some((text, _)) if !has(&texts, text) => Some(text.to_owned()),
        _ => texts.into_iter().next_back(),
    }
}

/// Whether the transcript has what a Stop carried.
pub(crate) fn transcript_has(draft: &Draft<'_>, text: &str) -> bool {
    has(&message_texts(draft), text)
}

fn has(texts: &[String], text: &str) -> bool {
    texts.iter().any(|said| count_same(said, text.trim()) > 0)
}

/// The text of each message, in order of the last line of each; equal parts once.
fn message_texts(draft: &Draft<'_>) -> Vec<String> {
    let mut messages: Vec<(Option<&str>, Vec<&str>)> = Vec::new();
    for (assistant, text) in assistants(draft).flat_map(|it| texts(it).map(move |text| (it, text))) {
        let id = assistant.message_id.as_deref();
        let mut parts = match messages.iter().position(|(known, _)| id.is_some() && *known == id) {
            Some(at) => messages.remove(at).1,
            None => Vec::new(),
        };
        if !parts.contains(&text) {
            parts.push(text);
        }
        messages.push((id, parts));
    }
    messages.into_iter().map(|(_, parts)| parts.join("\n")).collect()
}

fn texts(assistant: &Assistant) -> impl Iterator<Item = &str> {
    assistant.blocks.iter().filter_map(|block| match block {
        Block::Text { text, .. } if !text.trim().is_empty() => Some(text.as_str()),
        _ => None,
    })
}

fn assistants<'d>(draft: &'d Draft<'_>) -> impl Iterator<Item = &'d Assistant> {
    draft.answer_lines().iter().filter_map(|line| match &line.body {
        Body::Assistant(assistant) if !is_filler(assistant) => Some(assistant),
        _ => None,
    })
}

/// What the client writes itself when it takes up a session without a prompt: nobody said it.
fn is_filler(assistant: &Assistant) -> bool {
    let only_text = |block: &Block| matches!(block, Block::Text { text, .. } if text == "No response requested.");
    assistant.synthetic() && !assistant.api_error && assistant.blocks.iter().all(only_text)
}

/// What the lines and Stops of a draft say about its end.
#[derive(Default)]
struct Answer {
    /// There is an assistant line at all.
    any: bool,
    /// Text after the last tool call, in a message that does not ask for a tool.
    answered: bool,
    /// Claude, or the client, said that the turn is over.
    ended: bool,
    error_last: bool,
    interrupted: bool,
}

impl Answer {
    fn of(draft: &Draft<'_>, old_client: bool) -> Self {
        let mut answer = Self::default();
        let mut text_last = false;
        for line in draft.answer_lines() {
            match &line.body {
                Body::Assistant(assistant) if is_filler(assistant) => {}
                Body::Assistant(assistant) => {
                    answer.any = true;
                    answer.error_last = assistant.api_error;
                    answer.ended =
                        assistant.stop_reason.as_deref().is_some_and(|why| !matches!(why, "tool_use" | "pause_turn"));
                    for block in &assistant.blocks {
                        text_last =
                            matches!(block, Block::Text { .. }) && assistant.stop_reason.as_deref() != Some("tool_use");
                        answer.answered = match block {
                            Block::Text { .. } => assistant.stop_reason.as_deref() != Some("tool_use"),
                            Block::ToolUse { .. } => false,
                            Block::Thinking { .. } => answer.answered,
                        };
                    }
                }
                Body::System(subtype) if matches!(subtype.as_str(), "turn_duration" | "stop_hook_summary") => {
                    answer.ended |= answer.any;
                }
                Body::User(user) => {
                    let is_interruption =
                        user.text.as_deref().is_some_and(|text| text::classify(text) == Text::Interruption);
                    answer.interrupted |= is_interruption && user.origin.is_none();
                    text_last &= user.results.is_empty();
                }
                _ => {}
            }
        }
        answer.ended |= !draft.stops.is_empty() || (old_client && text_last);
        answer
    }
}

/// A command ran a turn if Claude answered, or if its body was handed to Claude and nothing local was printed.
fn ran_a_turn(draft: &Draft<'_>) -> bool {
    if !draft.in_transcript() {
        return true;
    }
    let (mut body, mut printed) = (false, false);
    for line in draft.answer_lines() {
        match &line.body {
            Body::Assistant(assistant) if !assistant.synthetic() => return true,
            Body::System(subtype) => printed |= subtype == "local_command",
            Body::User(user) => match user.text.as_deref().map(text::classify) {
                Some(Text::LocalOutput) => printed = true,
                Some(Text::Part) | None => {}
                Some(_) => body |= user.injected,
            },
            _ => {}
        }
    }
    body && !printed
}
