//! One hook event, reduced to what correlation needs (claude-code.md A.3).

use serde_json::value::RawValue;
use store::write::Event;
use store::{EventId, Key, Span, SpanSource};

use crate::rate;
use store::json::{self, Object};

/// The type in the queue name of what came from a log of payloads, whose event stands in the payload.
pub(crate) const LOGGED: &str = "Logged";

/// A parsed event.
#[derive(Clone, Debug)]
pub(crate) struct HookEvent {
    /// Its row.
    pub(crate) id: EventId,
    /// What it is recognised by, here and in every store.
    pub(crate) keys: [[u8; 16]; 2],
    /// Hash of the bytes alone: equal for a payload that was delivered twice.
    pub(crate) payload: [u8; 16],
    pub(crate) at_ms: i64,
    pub(crate) at_ns: i64,
    pub(crate) prompt_id: Option<String>,
    /// It came from a log that was imported: the hook may have captured the same, and its time may be anything.
    pub(crate) logged: bool,
    /// Set inside a subagent only.
    pub(crate) agent_id: Option<String>,
    pub(crate) cwd: Option<String>,
    pub(crate) permission_mode: Option<String>,
    pub(crate) body: Signal,
}

/// What an event says.
#[derive(Clone, Debug)]
pub(crate) enum Signal {
    /// UserPromptSubmit.
    Submit { prompt: String, span: Option<Span>, source: Option<String> },
    /// Stop, or StopFailure with `failed`.
    Stop { text: Option<String>, span: Option<Span>, failed: bool },
    /// PreToolUse.
    Before(Call),
    /// PostToolUse.
    After { call: Call, duration_ms: Option<i64> },
    /// PostToolUseFailure.
    Failed { call: Call, duration_ms: Option<i64> },
    /// PostToolBatch: the calls in the order Claude made them, with what Claude saw of each.
    Batch(Vec<Call>),
    /// PermissionDenied.
    Denied(Call),
    /// SessionEnd.
    End { cleared: bool },
    /// SessionStart.
    Start { source: String },
    /// A `/rate`, which the hook answered: no turn was made of it, and none is.
    Rate,
    /// A notification, a subagent's start, an unknown event.
    Other,
}

/// A tool call as an event tells it.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) tool_use_id: Option<String>,
    pub(crate) name: String,
    pub(crate) input: Option<Span>,
    pub(crate) output: Option<Span>,
}

impl Signal {
    /// Whether it belongs to a turn, and not to the session.
    pub(crate) fn is_of_a_turn(&self) -> bool {
        matches!(
            self,
            Self::Submit { .. }
                | Self::Stop { .. }
                | Self::Before(_)
                | Self::After { .. }
                | Self::Failed { .. }
                | Self::Batch(_)
                | Self::Denied(_)
        )
    }
}

impl HookEvent {
    /// What a conversation that it belongs to is recognised by.
    pub(crate) fn recognised_by(&self) -> impl Iterator<Item = Key> {
        self.keys.into_iter().map(Key::Event)
    }

    /// What ran before has ended: the session ended, or began by anything but a compaction.
    pub(crate) fn is_boundary(&self) -> bool {
        match &self.body {
            Signal::End { .. } => true,
            Signal::Start { source } => source != "compact",
            _ => false,
        }
    }

    /// The prompt of a submit.
    pub(crate) fn prompt(&self) -> Option<&str> {
        match &self.body {
            Signal::Submit { prompt, .. } => Some(prompt),
            _ => None,
        }
    }
}

/// Parses a stored event. Anything that does not fit is [`Signal::Other`].
pub(crate) fn parse(event: &Event) -> HookEvent {
    let text = String::from_utf8_lossy(&event.payload);
    let object = Object::parse(&text);
    let at = Place { json: &text, id: event.id };
    let mut hash = [0; 16];
    blake3::Hasher::new().update(&event.payload).finalize_xof().fill(&mut hash);
    let field = |name: &str| object.as_ref().and_then(|object| object.text(name));
    HookEvent {
        id: event.id,
        keys: event.keys,
        payload: hash,
        at_ms: event.captured_ns / 1_000_000,
        at_ns: event.captured_ns,
        prompt_id: event.prompt_id.clone().filter(|id| !id.is_empty()),
        logged: is_logged(&event.name),
        agent_id: field("agent_id"),
        cwd: field("cwd"),
        permission_mode: field("permission_mode"),
        body: match object.as_ref() {
            _ if rate::request(event).is_some() => Signal::Rate,
            Some(object) => body(&event.event, object, at),
            None => Signal::Other,
        },
    }
}

fn is_logged(name: &str) -> bool {
    name.strip_suffix(".json").and_then(|name| name.strip_suffix(LOGGED)).is_some_and(|name| name.ends_with('-'))
}

#[derive(Clone, Copy)]
struct Place<'a> {
    json: &'a str,
    id: EventId,
}

impl Place<'_> {
    fn span(&self, value: &RawValue) -> Option<Span> {
        Some(Span {
            source: SpanSource::Event(self.id),
            offset: json::offset_in(self.json, value.get()),
            length: u32::try_from(value.get().len()).ok()?,
        })
    }
}

fn body(name: &str, object: &Object<'_>, at: Place<'_>) -> Signal {
    let place = |name| object.get(name).and_then(|value| at.span(value));
    match name {
        "UserPromptSubmit" => match object.text("prompt") {
            Some(prompt) => Signal::Submit { prompt, span: place("prompt"), source: object.text("source") },
            None => Signal::Other,
        },
        "Stop" | "StopFailure" => Signal::Stop {
            text: object.text("last_assistant_message").filter(|text| !text.trim().is_empty()),
            span: place("last_assistant_message"),
            failed: name == "StopFailure",
        },
        "PreToolUse" => Signal::Before(call(object, at, None)),
        "PostToolUse" => {
            Signal::After { call: call(object, at, Some("tool_response")), duration_ms: object.integer("duration_ms") }
        }
        "PostToolUseFailure" => {
            Signal::Failed { call: call(object, at, Some("error")), duration_ms: object.integer("duration_ms") }
        }
        "PermissionDenied" => Signal::Denied(call(object, at, Some("reason"))),
        "PostToolBatch" => {
            let calls = object.get("tool_calls").and_then(json::array).unwrap_or_default();
            let calls = calls.iter().filter_map(|raw| Object::parse(raw.get()));
            Signal::Batch(calls.map(|object| call(&object, at, Some("tool_response"))).collect())
        }
        "SessionEnd" => Signal::End { cleared: object.text("reason").as_deref() == Some("clear") },
        "SessionStart" => Signal::Start { source: object.text("source").unwrap_or_default() },
        _ => Signal::Other,
    }
}

fn call(object: &Object<'_>, at: Place<'_>, output: Option<&str>) -> Call {
    Call {
        tool_use_id: object.text("tool_use_id"),
        name: object.text("tool_name").unwrap_or_else(|| "unknown".to_owned()),
        input: object.get("tool_input").and_then(|value| at.span(value)),
        output: output.and_then(|name| object.get(name)).and_then(|value| at.span(value)),
    }
}
