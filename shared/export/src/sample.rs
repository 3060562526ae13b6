//! One conversation with everything in it, for the tests of the writers.

use store::human::{Marks, Rating, Remark, Said, Stamp};
use store::read::export::{Summary, Whole};
use store::read::{Block, Conversation, Figures, Listed, ToolCall, ToolSummary, Turn, Usage, Value};
use store::{BlockKind, ConversationId, Key, Kind, Status, Via};

pub(crate) const AT: i64 = 1_795_350_959_735; // 2026-11-22T12:35:59.735Z

pub(crate) fn turn() -> Turn {
    Turn {
        id: ConversationId(12),
        session_id: "s".into(),
        user_session_id: "mine".into(),
        parent_id: None,
        agent_id: None,
        timestamp_ms: AT,
        ended_ms: Some(AT + 1500),
        kind: Kind::Human,
        via: Via::Interactive,
        status: Status::Interrupted,
        prompt_text: Some("=run `ls`,\n\"please\"".into()),
        response_text: Some("Done.".into()),
        model: Some("claude-opus-4-5".into()),
        cwd: Some("/home/dev/acme/src".into()),
        project: Some("/home/dev/acme".into()),
        from_hook: true,
        from_transcript: true,
        metadata: r#"{"n":1}"#.into(),
    }
}

fn usage(model: &str) -> Usage {
    Usage {
        message_id: "m".into(),
        request_id: None,
        model: Some(model.into()),
        input_tokens: 100,
        output_tokens: 10,
        cache_creation_tokens: 8,
        cache_creation_1h_tokens: 8,
        cache_read_tokens: 1000,
        cost: None,
    }
}

fn block(kind: BlockKind, text: Option<&str>, tool: Option<&str>) -> Block {
    Block { kind, at_ms: Some(AT), tool_use_id: tool.map(str::to_owned), text: text.map(str::to_owned) }
}

fn call(id: &str, name: &str, input: &str, output: Option<&str>) -> ToolCall {
    ToolCall {
        tool_use_id: Some(id.into()),
        name: name.into(),
        input: Some(Value::Json(input.into())),
        output: output.map(|text| Value::Text(text.into())),
        error: false,
        refused: false,
        finished: output.is_some(),
        started_ms: Some(AT),
        duration_ms: output.map(|_| 372),
        begun: None,
    }
}

pub(crate) fn conversation() -> Conversation {
    Conversation {
        given_title: None,
        marks: standing(),
        figures: Figures::default(),
        session: None,
        blocks: vec![
            block(BlockKind::Prompt, Some("=run `ls`,\n\"please\""), None),
            block(BlockKind::Thinking, Some("hm"), None),
            block(BlockKind::Text, Some("I will look:\n```sh\nls"), None),
            block(BlockKind::Tool, None, Some("t1")),
            block(BlockKind::Tool, None, Some("t2")),
            block(BlockKind::Text, Some("Done."), None),
            block(BlockKind::Notice, Some("[Request interrupted\nby user]"), None),
        ],
        tool_calls: vec![
            call("t1", "Bash", r#"{"description":"x","command":"echo `ls`\n``"}"#, Some("a\nb")),
            call("t2", "mcp__x__y", r#"{"n":1}"#, None),
        ],
        usage: vec![usage("claude-opus-4-5"), usage("new-model")],
        subagents: Vec::new(),
        turn: turn(),
    }
}

fn remark(id: &str, said: Said) -> Remark {
    Remark { stamp: Stamp { id: id.into(), origin: "00ff".into(), created_ms: 5 }, said }
}

pub(crate) fn standing() -> Marks {
    Marks {
        rating: Rating::new(4),
        tags: vec!["keep".into(), "two words".into()],
        notes: vec!["-1 for speed".into(), "ok".into()],
        starred: true,
    }
}

pub(crate) fn remarks() -> Vec<Remark> {
    vec![
        remark("r", Said::Rating(Rating::new(4))),
        remark("q", Said::Rating(None)),
        remark("t", Said::Tag { tag: "keep".into(), present: true }),
        remark("n", Said::Note(Some("ok".into()))),
        remark("s", Said::Star(true)),
    ]
}

pub(crate) fn whole() -> Whole {
    let mut key = [0; 16];
    key[0] = 0xab;
    Whole {
        conversation: conversation(),
        title: Some("Try <b>ls</b>".into()),
        keys: vec![Key::Line(key)],
        remarks: remarks(),
        standing: standing(),
    }
}

pub(crate) fn summary() -> Summary {
    let tool = |name: &str, error| ToolSummary { tool_use_id: None, name: name.into(), error, duration_ms: None };
    Summary {
        listed: Listed {
            turn: turn(),
            tool_calls: vec![tool("Read", false), tool("Bash", true), tool("Bash", false)],
            marks: standing(),
            figures: Figures::default(),
            session_title: None,
            matches: None,
        },
        title: Some("@title".into()),
        usage: vec![usage("claude-opus-4-5"), usage("new-model")],
        subagents: 2,
        subagents_usage: vec![usage("other-model")],
        standing: standing(),
    }
}
