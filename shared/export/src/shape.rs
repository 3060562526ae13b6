//! The shapes of exported JSON. Nothing else is made into JSON here, so a change of a type elsewhere cannot change them.

use serde::Serialize;
use store::Key;
use store::human::{Member, Remark, Said, SavedView, Title, UserSession};
use store::read;
use store::read::export::{Annotated, Unplaced, Whole};

use crate::parts::{Block, ToolCall, raw};
use crate::price::Bill;
use crate::time::rfc3339;

/// The first line.
#[derive(Serialize)]
pub(crate) struct Head<'a> {
    pub(crate) r#type: &'static str,
    pub(crate) version: u32,
    pub(crate) origin: &'a str,
    pub(crate) exported_at: Option<String>,
}

/// A conversation. One that is not there is only known by its keys and by what was said of it.
#[derive(Serialize)]
pub(crate) struct Conversation<'a> {
    r#type: &'static str,
    id: i64,
    keys: Vec<KeyOf>,
    /// Of one without anything else that was derived of it.
    #[serde(rename = "session_id", skip_serializing_if = "Option::is_none")]
    session: Option<&'a str>,
    #[serde(flatten)]
    told: Option<Told<'a>>,
    ratings: Vec<RatingOf<'a>>,
    tags: Vec<TagOf<'a>>,
    notes: Vec<NoteOf<'a>>,
    stars: Vec<StarOf<'a>>,
}

/// What was derived of it.
#[derive(Serialize)]
struct Told<'a> {
    session_id: &'a str,
    user_session_id: &'a str,
    parent_id: Option<i64>,
    agent_id: Option<&'a str>,
    timestamp: Option<String>,
    ended_at: Option<String>,
    kind: &'static str,
    via: &'static str,
    status: &'static str,
    title: Option<&'a str>,
    project: Option<&'a str>,
    cwd: Option<&'a str>,
    model: Option<&'a str>,
    prompt_text: Option<&'a str>,
    response_text: Option<&'a str>,
    blocks: Vec<Block<'a>>,
    tool_calls: Vec<ToolCall<'a>>,
    usage: Vec<Tokens<'a>>,
    cost: Bill,
    #[serde(serialize_with = "raw")]
    metadata: &'a str,
    sources: Sources,
}

#[derive(Serialize)]
struct Sources {
    hook: bool,
    transcript: bool,
}

#[derive(Serialize)]
struct Tokens<'a> {
    message_id: &'a str,
    request_id: Option<&'a str>,
    model: Option<&'a str>,
    input_tokens: i64,
    output_tokens: i64,
    cache_creation_tokens: i64,
    cache_creation_1h_tokens: i64,
    cache_read_tokens: i64,
}

#[derive(Serialize)]
struct KeyOf {
    kind: &'static str,
    key: String,
}

#[derive(Serialize)]
struct RatingOf<'a> {
    id: &'a str,
    origin: &'a str,
    rating: Option<u8>,
    created_ms: i64,
}

#[derive(Serialize)]
struct TagOf<'a> {
    id: &'a str,
    origin: &'a str,
    tag: &'a str,
    present: bool,
    created_ms: i64,
}

#[derive(Serialize)]
struct NoteOf<'a> {
    id: &'a str,
    origin: &'a str,
    note: Option<&'a str>,
    created_ms: i64,
}

#[derive(Serialize)]
struct StarOf<'a> {
    id: &'a str,
    origin: &'a str,
    starred: bool,
    created_ms: i64,
}

/// A user session with what belongs to it. One that is a session as Claude Code cut it has no row of its own, hence neither
/// origin nor time: only its members were written.
#[derive(Serialize)]
pub(crate) struct UserSessionOf<'a> {
    r#type: &'static str,
    id: &'a str,
    origin: Option<&'a str>,
    created_ms: Option<i64>,
    members: Vec<MemberOf<'a>>,
}

#[derive(Serialize)]
struct MemberOf<'a> {
    id: &'a str,
    origin: &'a str,
    session_id: &'a str,
    from: Option<From>,
    created_ms: i64,
    removed_ms: Option<i64>,
}

#[derive(Serialize)]
struct From {
    keys: Vec<KeyOf>,
}

#[derive(Serialize)]
pub(crate) struct TitleOf<'a> {
    r#type: &'static str,
    id: &'a str,
    origin: &'a str,
    user_session_id: &'a str,
    title: Option<&'a str>,
    created_ms: i64,
}

#[derive(Serialize)]
pub(crate) struct ViewOf<'a> {
    r#type: &'static str,
    id: &'a str,
    origin: &'a str,
    name: &'a str,
    query: &'a str,
    created_ms: i64,
    removed_ms: Option<i64>,
}

impl<'a> Conversation<'a> {
    /// One that is there.
    pub(crate) fn of(whole: &'a Whole) -> Self {
        let turn = &whole.conversation.turn;
        Self::said(turn.id.0, &whole.keys, &whole.remarks, Some(Told::of(whole)))
    }

    /// One that is not.
    pub(crate) fn unplaced(unplaced: &'a Unplaced) -> Self {
        Self::said(unplaced.id.0, &unplaced.keys, &unplaced.remarks, None)
    }

    /// One of which only that is told which was said of it.
    pub(crate) fn annotated(annotated: &'a Annotated) -> Self {
        let said = Self::said(annotated.id.0, &annotated.keys, &annotated.remarks, None);
        Self { session: annotated.session_id.as_deref(), ..said }
    }

    fn said(id: i64, keys: &[Key], remarks: &'a [Remark], told: Option<Told<'a>>) -> Self {
        let keys = keys.iter().map(KeyOf::of).collect();
        let (ratings, tags, notes, stars) = Default::default();
        let mut line = Self { r#type: "conversation", id, keys, session: None, told, ratings, tags, notes, stars };
        for remark in remarks {
            let (id, origin, created_ms) = (&*remark.stamp.id, &*remark.stamp.origin, remark.stamp.created_ms);
            match &remark.said {
                Said::Rating(rating) => {
                    line.ratings.push(RatingOf { id, origin, rating: rating.map(|it| it.get()), created_ms });
                }
                Said::Tag { tag, present } => {
                    line.tags.push(TagOf { id, origin, tag, present: *present, created_ms });
                }
                Said::Note(note) => line.notes.push(NoteOf { id, origin, note: note.as_deref(), created_ms }),
                Said::Star(starred) => line.stars.push(StarOf { id, origin, starred: *starred, created_ms }),
            }
        }
        line
    }
}

impl<'a> Told<'a> {
    fn of(whole: &'a Whole) -> Self {
        let conversation = &whole.conversation;
        let turn = &conversation.turn;
        Self {
            session_id: &turn.session_id,
            user_session_id: &turn.user_session_id,
            parent_id: turn.parent_id.map(|id| id.0),
            agent_id: turn.agent_id.as_deref(),
            timestamp: rfc3339(turn.timestamp_ms),
            ended_at: turn.ended_ms.and_then(rfc3339),
            kind: turn.kind.as_str(),
            via: turn.via.as_str(),
            status: turn.status.as_str(),
            title: whole.title.as_deref(),
            project: turn.project.as_deref(),
            cwd: turn.cwd.as_deref(),
            model: turn.model.as_deref(),
            prompt_text: turn.prompt_text.as_deref(),
            response_text: turn.response_text.as_deref(),
            blocks: conversation.blocks.iter().map(Block::of).collect(),
            tool_calls: conversation.tool_calls.iter().map(ToolCall::of).collect(),
            usage: conversation.usage.iter().map(Tokens::of).collect(),
            cost: Bill::of(&conversation.usage, turn.timestamp_ms),
            metadata: &turn.metadata,
            sources: Sources { hook: turn.from_hook, transcript: turn.from_transcript },
        }
    }
}

impl<'a> Tokens<'a> {
    fn of(usage: &'a read::Usage) -> Self {
        Self {
            message_id: &usage.message_id,
            request_id: usage.request_id.as_deref(),
            model: usage.model.as_deref(),
            input_tokens: usage.input_tokens,
            output_tokens: usage.output_tokens,
            cache_creation_tokens: usage.cache_creation_tokens,
            cache_creation_1h_tokens: usage.cache_creation_1h_tokens,
            cache_read_tokens: usage.cache_read_tokens,
        }
    }
}

impl KeyOf {
    fn of(key: &Key) -> Self {
        let (kind, bytes) = match key {
            Key::Line(bytes) => ("line", bytes),
            Key::Event(bytes) => ("event", bytes),
        };
        Self { kind, key: bytes.iter().map(|byte| format!("{byte:02x}")).collect() }
    }
}

impl<'a> UserSessionOf<'a> {
    pub(crate) fn of(id: &'a str, row: Option<&'a UserSession>, members: &[&'a Member]) -> Self {
        Self {
            r#type: "user_session",
            id,
            origin: row.map(|row| &*row.stamp.origin),
            created_ms: row.map(|row| row.stamp.created_ms),
            members: members.iter().map(|member| MemberOf::of(member)).collect(),
        }
    }
}

impl<'a> MemberOf<'a> {
    fn of(member: &'a Member) -> Self {
        Self {
            id: &member.stamp.id,
            origin: &member.stamp.origin,
            session_id: &member.session_id,
            from: member.from.as_ref().map(|keys| From { keys: keys.iter().map(KeyOf::of).collect() }),
            created_ms: member.stamp.created_ms,
            removed_ms: member.removed_ms,
        }
    }
}

impl<'a> TitleOf<'a> {
    pub(crate) fn of(title: &'a Title) -> Self {
        Self {
            r#type: "session_title",
            id: &title.stamp.id,
            origin: &title.stamp.origin,
            user_session_id: &title.user_session_id,
            title: title.title.as_deref(),
            created_ms: title.stamp.created_ms,
        }
    }
}

impl<'a> ViewOf<'a> {
    pub(crate) fn of(view: &'a SavedView) -> Self {
        Self {
            r#type: "saved_view",
            id: &view.stamp.id,
            origin: &view.stamp.origin,
            name: &view.name,
            query: &view.query,
            created_ms: view.stamp.created_ms,
            removed_ms: view.removed_ms,
        }
    }
}
