//! Turns a draft into the rows of a conversation: blocks in order, tool calls with their results.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};
use store::write::{Block as Row, ToolCall, Turn};
use store::{BlockKind, Span, Via};

use super::draft::{Anchor, Draft};
use super::event::{HookEvent, Signal};
use super::hooks;
use super::outcome::{self, Around};
use crate::transcripts::line::{Assistant, Block, Body, Context, Line, Media, MediaKind, ToolResult};

/// The results of a session's tool calls: they may stand behind the next prompt.
pub(crate) type Results<'a> = HashMap<&'a str, &'a ToolResult>;

/// Collects the results that stand in some lines.
pub(crate) fn results<'a>(lines: impl Iterator<Item = &'a Line>) -> Results<'a> {
    let mut found = Results::new();
    for line in lines {
        if let Body::User(user) = &line.body {
            found.extend(user.results.iter().map(|result| (result.tool_use_id.as_str(), result)));
        }
    }
    found
}

/// The finished conversation; its parent, ordinal and tokens are the caller's to set.
pub(crate) fn turn(draft: &Draft<'_>, session_id: &str, results: &Results<'_>, around: Around) -> Turn {
    let kind = outcome::kind(draft);
    let status = outcome::status(draft, kind, around);
    let contexts = || draft.lines.iter().map(|line| &line.context);
    let first = |field: fn(&Context) -> &Option<String>| contexts().find_map(|context| field(context).clone());
    let events = || draft.submits.iter().chain(&draft.stops).chain(&draft.tools);
    let silent = status == store::Status::Complete && matches!(kind, store::Kind::Local);
    let calls = tool_calls(draft, results, around.over || status != store::Status::Open);
    Turn {
        keys: draft.keys(),
        former_keys: draft.former_keys(),
        session_id: session_id.to_owned(),
        parent: None,
        agent_id: draft.agent.and_then(|agent| agent.id).map(str::to_owned),
        ordinal: 0,
        timestamp_ms: draft.at_ms,
        ended_ms: draft.lines.iter().filter_map(|line| line.at_ms).chain(events().map(|event| event.at_ms)).max(),
        kind,
        via: via(first(|context| &context.entrypoint).as_deref(), &draft.submits),
        status,
        prompt_text: draft.prompt.clone(),
        response_text: if silent { None } else { outcome::response(draft) },
        prompt_id: draft.prompt_id.clone(),
        model: assistants(&draft.lines)
            .filter(|(it, _)| !it.synthetic())
            .filter_map(|(it, _)| it.model.clone())
            .next_back(),
        cwd: first(|context| &context.cwd).or_else(|| events().find_map(|event| event.cwd.clone())),
        from_hook: events().next().is_some(),
        from_transcript: draft.in_transcript(),
        metadata: metadata(draft, first),
        blocks: blocks(draft, &calls),
        usage: Vec::new(),
        tool_calls: calls,
    }
}

fn assistants<'d>(lines: &'d [&Line]) -> impl DoubleEndedIterator<Item = (&'d Assistant, &'d Line)> {
    lines.iter().filter_map(|line| match &line.body {
        Body::Assistant(assistant) => Some((assistant, *line)),
        _ => None,
    })
}

/// The line's entrypoint says it best; a submit's source only tells a person from a program.
fn via(entrypoint: Option<&str>, submits: &[&HookEvent]) -> Via {
    match entrypoint {
        Some("cli" | "remote_mobile") => Via::Interactive,
        Some("sdk-cli") => Via::Print,
        Some("claude-desktop") => Via::Desktop,
        Some(name) if name.starts_with("sdk") => Via::Sdk,
        Some(name) if name.contains("vscode") || name.contains("jetbrains") || name.contains("ide") => Via::Ide,
        Some(_) => Via::Unknown,
        None => submits
            .iter()
            .find_map(|event| match &event.body {
                Signal::Submit { source: Some(source), .. } if source == "user" => Some(Via::Interactive),
                Signal::Submit { source: Some(source), .. } if source == "sdk" => Some(Via::Sdk),
                _ => None,
            })
            .unwrap_or(Via::Unknown),
    }
}

fn metadata(draft: &Draft<'_>, first: impl Fn(fn(&Context) -> &Option<String>) -> Option<String>) -> String {
    let mut fields = Map::new();
    let mut put = |name: &str, value: Option<String>| {
        fields.extend(value.map(|value| (name.to_owned(), Value::String(value))));
    };
    put("claude_code_version", first(|context| &context.version));
    put("git_branch", first(|context| &context.git_branch));
    put("entrypoint", first(|context| &context.entrypoint));
    put("prompt_source", first(|context| &context.prompt_source));
    let hook_mode = || draft.submits.iter().find_map(|event| event.permission_mode.clone());
    put("permission_mode", first(|context| &context.permission_mode).or_else(hook_mode));
    put("origin", draft.opening().and_then(|user| user.origin.clone()));
    let media = || draft.opening().map(|user| user.media.as_slice()).unwrap_or_default();
    for (name, kind) in [("images", MediaKind::Image), ("documents", MediaKind::Document)] {
        let found: Vec<Value> = media().iter().filter(|it| it.kind == kind).map(described).collect();
        if !found.is_empty() {
            fields.insert(name.to_owned(), found.into());
        }
    }
    if draft.absorbed {
        fields.insert("typed_while_claude_worked".to_owned(), true.into());
    }
    Value::Object(fields).to_string()
}

/// An attachment as the metadata show it: `{"media_type": "image/png", "bytes": 12345}`, without what is not known.
fn described(media: &Media) -> Value {
    let mut fields = Map::new();
    fields.extend(media.media_type.clone().map(|kind| ("media_type".to_owned(), kind.into())));
    fields.extend(media.bytes.map(|bytes| ("bytes".to_owned(), bytes.into())));
    Value::Object(fields)
}

fn blocks(draft: &Draft<'_>, calls: &[ToolCall]) -> Vec<Row> {
    let mut rows = Vec::new();
    if let Some(prompt) = &draft.prompt {
        rows.push(Row {
            kind: BlockKind::Prompt,
            at_ms: Some(draft.at_ms),
            tool_use_id: None,
            span: prompt_span(draft),
            search: Some(prompt.clone()),
        });
    }
    for line in draft.answer_lines() {
        match &line.body {
            Body::Assistant(assistant) => {
                rows.extend(assistant.blocks.iter().map(|block| said(block, line)));
            }
            Body::User(user) | Body::Queued(user) if user.results.is_empty() => rows.push(Row {
                kind: BlockKind::Notice,
                at_ms: line.at_ms,
                tool_use_id: None,
                span: user.span,
                search: None,
            }),
            _ => {}
        }
    }
    let known = |rows: &[Row], call: &ToolCall| {
        call.tool_use_id.is_some() && rows.iter().any(|row| row.tool_use_id == call.tool_use_id)
    };
    for call in calls {
        if !known(&rows, call) && call.tool_use_id.is_some() {
            rows.push(Row {
                kind: BlockKind::Tool,
                at_ms: call.started_ms,
                tool_use_id: call.tool_use_id.clone(),
                span: None,
                search: None,
            });
        }
    }
    let mut seen = HashSet::new();
    // A payload that came twice, by two stores or a hook that is installed twice, says what it says once (rule 19).
    for event in draft.stops.iter().filter(|event| seen.insert(event.payload)) {
        if let Signal::Stop { text: Some(text), span, .. } = &event.body
            && !outcome::transcript_has(draft, text)
        {
            rows.push(Row {
                kind: BlockKind::Text,
                at_ms: Some(event.at_ms),
                tool_use_id: None,
                span: *span,
                search: Some(text.clone()),
            });
        }
    }
    rows
}

fn prompt_span(draft: &Draft<'_>) -> Option<Span> {
    match draft.anchor {
        Anchor::Line(_) => draft.opening().and_then(|user| user.span),
        Anchor::Queue(_) => None,
        Anchor::Hook(event) => match &event.body {
            Signal::Submit { span, .. } => *span,
            _ => None,
        },
    }
}

fn said(block: &Block, line: &Line) -> Row {
    let (kind, tool_use_id, span, search) = match block {
        Block::Text { text, span } => (BlockKind::Text, None, Some(*span), Some(text.clone())),
        Block::Thinking { span } => (BlockKind::Thinking, None, Some(*span), None),
        Block::ToolUse { id, .. } => (BlockKind::Tool, id.clone(), None, None),
    };
    Row { kind, at_ms: line.at_ms, tool_use_id, span, search }
}

/// The calls in transcript order, then those that only hooks know, in the order of their batch.
fn tool_calls(draft: &Draft<'_>, results: &Results<'_>, over: bool) -> Vec<ToolCall> {
    let mut calls: Vec<ToolCall> = Vec::new();
    for (assistant, line) in assistants(&draft.lines) {
        for block in &assistant.blocks {
            let Block::ToolUse { id, name, input } = block else { continue };
            if id.is_some() && calls.iter().any(|call| call.tool_use_id == *id) {
                continue;
            }
            let result = id.as_deref().and_then(|id| results.get(id));
            calls.push(ToolCall {
                tool_use_id: id.clone(),
                name: name.clone(),
                is_error: result.is_some_and(|result| result.is_error),
                refused: result.is_some_and(|result| result.refused),
                finished: result.is_some(),
                started_ms: line.at_ms,
                duration_ms: None,
                input: *input,
                output: result.and_then(|result| result.output),
            });
        }
    }
    let from_lines = calls.len();
    for event in &draft.tools {
        from_hook(event, &mut calls);
    }
    sort_by_batch(draft, &mut calls[from_lines..]);
    // A hook that saw a call begin would have seen it end: it was refused. Lines alone do not say how it ended.
    for call in calls.iter_mut().filter(|call| !call.finished && over && call.tool_use_id.is_some()) {
        call.refused |= draft
            .tools
            .iter()
            .any(|event| matches!(&event.body, Signal::Before(before) if before.tool_use_id == call.tool_use_id));
        call.is_error |= call.refused;
    }
    calls
}

/// Adds what an event knows of its calls; what the transcript said stands.
fn from_hook(event: &HookEvent, calls: &mut Vec<ToolCall>) {
    for told in hooks::calls(&event.body) {
        let at = calls.iter().position(|call| call.tool_use_id.is_some() && call.tool_use_id == told.tool_use_id);
        let call = match at {
            Some(at) => &mut calls[at],
            None => {
                calls.push(ToolCall {
                    tool_use_id: told.tool_use_id.clone(),
                    name: told.name.clone(),
                    is_error: false,
                    refused: false,
                    finished: false,
                    started_ms: Some(event.at_ms),
                    duration_ms: None,
                    input: told.input,
                    output: None,
                });
                let last = calls.len() - 1;
                &mut calls[last]
            }
        };
        call.output = call.output.or(told.output);
        match &event.body {
            Signal::After { duration_ms, .. } => {
                call.duration_ms = call.duration_ms.or(*duration_ms);
                call.finished = true;
            }
            Signal::Failed { duration_ms, .. } => {
                call.duration_ms = call.duration_ms.or(*duration_ms);
                call.is_error |= !call.finished;
                call.finished = true;
            }
            Signal::Denied(_) => {
                call.is_error |= !call.finished;
                call.refused |= !call.finished;
                call.finished = true;
            }
            _ => {}
        }
    }
}

fn sort_by_batch(draft: &Draft<'_>, calls: &mut [ToolCall]) {
    let order: Vec<Option<&str>> = draft
        .tools
        .iter()
        .filter_map(|event| match &event.body {
            Signal::Batch(calls) => Some(calls),
            _ => None,
        })
        .flatten()
        .map(|call| call.tool_use_id.as_deref())
        .collect();
    calls.sort_by_key(|call| {
        order.iter().position(|id| id.is_some() && *id == call.tool_use_id.as_deref()).unwrap_or(usize::MAX)
    });
}
