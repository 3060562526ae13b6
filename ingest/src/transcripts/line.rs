//! One line of a transcript, reduced to what correlation needs; long texts stay in the ground and are kept as places.
//!
//! Never an error: a line of an unknown type is [`Body::Unknown`], a field of an unknown shape is absent (claude-code.md C).

mod known;
mod media;

use std::iter;

use serde_json::value::RawValue;
use store::sieve::is_masked;
use store::{Span, SpanSource, TranscriptId};

pub(crate) use media::{Media, MediaKind};
use store::json::{self, Object};

/// A parsed line.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// Where its JSON object begins.
    pub(crate) at: (TranscriptId, u64),
    /// Hash of uuid, type, timestamp and message: the same in a fork's copy (correlation.md 1). A copy that got a uuid of
    /// its own names the original's, which then counts.
    pub(crate) key: [u8; 16],
    /// The keys of the same line where it was taken in with something hidden, or without.
    pub(crate) other_keys: Vec<[u8; 16]>,
    /// Hash of what hiding leaves as it is: uuid, type and timestamp. None of a line that they do not tell apart.
    pub(crate) bare: Option<[u8; 16]>,
    /// Something may be hidden in its message.
    pub(crate) masked: bool,
    pub(crate) uuid: Option<String>,
    /// The uuid of the line that it is a copy of, where it has one of its own.
    pub(crate) original: Option<String>,
    pub(crate) parent_uuid: Option<String>,
    pub(crate) at_ms: Option<i64>,
    pub(crate) prompt_id: Option<String>,
    pub(crate) agent_id: Option<String>,
    pub(crate) sidechain: bool,
    /// The session that the line was copied from, where it says so.
    pub(crate) forked_from: Option<String>,
    pub(crate) context: Context,
    pub(crate) body: Body,
}

/// Where and how Claude Code ran when the line was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Context {
    pub(crate) cwd: Option<String>,
    pub(crate) git_branch: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) entrypoint: Option<String>,
    pub(crate) permission_mode: Option<String>,
    pub(crate) prompt_source: Option<String>,
}

/// What a line says.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    User(User),
    Assistant(Assistant),
    /// `system`, by its subtype.
    System(String),
    /// An attachment of type `queued_command`: typed while Claude worked (claude-code.md C.7).
    Queued(User),
    /// A `queue-operation`.
    Operation(Operation),
    CustomTitle(String),
    GeneratedTitle(String),
    /// The session moved into a worktree.
    Worktree {
        path: String,
        original: String,
    },
    /// The session goes on under this id, in another file.
    ContinuedIn(String),
    /// Of a known type, with nothing in it that matters here.
    Other,
    /// Of a type that we do not know, by its name: kept raw and counted.
    Unknown(String),
}

/// A `user` line: a prompt, a tool's result, or something injected.
#[derive(Clone, Debug, Default)]
pub(crate) struct User {
    /// All its text, text blocks joined by a newline.
    pub(crate) text: Option<String>,
    /// The first text's place.
    pub(crate) span: Option<Span>,
    /// Images and documents beside it.
    pub(crate) media: Vec<Media>,
    /// `origin.kind`: who sent it, in newer versions.
    pub(crate) origin: Option<String>,
    /// Injected or a summary: not typed, unless its origin says so.
    pub(crate) injected: bool,
    /// Goes with a prompt and is none, whatever its origin.
    pub(crate) companion: bool,
    pub(crate) results: Vec<ToolResult>,
}

/// The result of a tool call.
#[derive(Clone, Debug)]
pub(crate) struct ToolResult {
    pub(crate) tool_use_id: String,
    pub(crate) is_error: bool,
    pub(crate) refused: bool,
    pub(crate) output: Option<Span>,
    /// The subagent that the call started.
    pub(crate) agent_id: Option<String>,
}

/// An `assistant` line: usually one block of a message.
#[derive(Clone, Debug)]
pub(crate) struct Assistant {
    pub(crate) message_id: Option<String>,
    pub(crate) request_id: Option<String>,
    pub(crate) model: Option<String>,
    pub(crate) stop_reason: Option<String>,
    pub(crate) api_error: bool,
    pub(crate) blocks: Vec<Block>,
    pub(crate) tokens: Option<Tokens>,
}

impl Line {
    /// Its uuid, and that of the line that it is a copy of.
    pub(crate) fn uuids(&self) -> impl Iterator<Item = &String> {
        self.uuid.iter().chain(&self.original)
    }
}

impl Assistant {
    /// Made by the client itself and not by a model.
    pub(crate) fn synthetic(&self) -> bool {
        self.model.as_deref() == Some("<synthetic>")
    }
}

/// A content block of an assistant line.
#[derive(Clone, Debug)]
pub(crate) enum Block {
    Text { text: String, span: Span },
    Thinking { span: Span },
    ToolUse { id: Option<String>, name: String, input: Option<Span> },
}

/// `usage` of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tokens {
    pub(crate) input: i64,
    pub(crate) output: i64,
    pub(crate) cache_creation: i64,
    /// A part of `cache_creation`.
    pub(crate) cache_creation_1h: i64,
    pub(crate) cache_read: i64,
}

/// What stands for a prompt that is nothing but images.
pub(crate) const IMAGE_ALONE: &str = "[Image]";

/// What happened to the composer's queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Enqueue(String),
    Dequeue,
    /// Taken into the running turn, or taken back.
    Remove(Option<String>),
    PopAll,
}

impl Line {
    /// Its key, and those of the same line as it was taken in otherwise.
    pub(crate) fn keys(&self) -> impl Iterator<Item = [u8; 16]> {
        iter::once(self.key).chain(self.other_keys.iter().copied())
    }
}

/// Parses one JSON object of a transcript; `offset` is its place in the file. `None` if it is no object.
pub(crate) fn parse(json: &str, transcript: TranscriptId, offset: u64) -> Option<Line> {
    let object = Object::parse(json)?;
    let at = Place { json, transcript, offset };
    let kind = object.text("type").unwrap_or_default();
    let timestamp = object.text("timestamp");
    let message = object.get("message");
    let body = match kind.as_str() {
        "user" => Body::User(user(&object, at)),
        "assistant" => assistant(&object, at).map_or(Body::Other, Body::Assistant),
        "system" => Body::System(object.text("subtype").unwrap_or_default()),
        "attachment" => object.object("attachment").and_then(|it| queued(&it, at)).map_or(Body::Other, Body::Queued),
        "queue-operation" => operation(&object).map_or(Body::Other, Body::Operation),
        "custom-title" => object.text("customTitle").map_or(Body::Other, Body::CustomTitle),
        "ai-title" => object.text("aiTitle").map_or(Body::Other, Body::GeneratedTitle),
        "continued-in" => object.text("continuedInSessionId").map_or(Body::Other, Body::ContinuedIn),
        "worktree-state" => object.object("worktreeSession").and_then(|it| worktree(&it)).unwrap_or(Body::Other),
        known if known::is_known(known) => Body::Other,
        unknown => Body::Unknown(unknown.to_owned()),
    };
    let uuid = object.text("uuid");
    let forked_from = object.object("forkedFrom");
    let original = forked_from.as_ref().and_then(|from| from.text("messageUuid"));
    let message = message.map_or(json, RawValue::get);
    let key = |said: &str| key(original.as_deref().or(uuid.as_deref()), &kind, timestamp.as_deref(), said);
    // Without a uuid its session and the millisecond tell it apart.
    let operation = object.text("sessionId").filter(|_| matches!(body, Body::Operation(_)) && timestamp.is_some());
    let bare = if uuid.is_some() { Some(String::new()) } else { operation };
    Some(Line {
        at: (transcript, offset),
        key: key(&json::compact(message)),
        other_keys: Vec::new(),
        bare: bare.map(|session| key(&session)),
        masked: is_masked(message),
        uuid,
        original,
        parent_uuid: object.text("parentUuid"),
        at_ms: timestamp.as_deref().and_then(milliseconds),
        prompt_id: object.text("promptId"),
        agent_id: object.text("agentId"),
        sidechain: object.is("isSidechain"),
        forked_from: forked_from.and_then(|from| from.text("sessionId")),
        context: Context {
            cwd: object.text("cwd"),
            git_branch: object.text("gitBranch"),
            version: object.text("version"),
            entrypoint: object.text("entrypoint"),
            permission_mode: object.text("permissionMode"),
            prompt_source: object.text("promptSource"),
        },
        body,
    })
}

/// The place of a line, to turn a value inside it into a [`Span`].
#[derive(Clone, Copy)]
struct Place<'a> {
    json: &'a str,
    transcript: TranscriptId,
    offset: u64,
}

impl Place<'_> {
    fn span(&self, value: &RawValue) -> Option<Span> {
        Some(Span {
            source: SpanSource::Transcript(self.transcript),
            offset: self.offset + json::offset_in(self.json, value.get()),
            length: u32::try_from(value.get().len()).ok()?,
        })
    }
}

/// `message` stands for the whole line where there is none.
fn key(uuid: Option<&str>, kind: &str, timestamp: Option<&str>, message: &str) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    for part in [uuid.unwrap_or_default(), kind, timestamp.unwrap_or_default(), message] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let mut key = [0; 16];
    hasher.finalize_xof().fill(&mut key);
    key
}

fn milliseconds(timestamp: &str) -> Option<i64> {
    chrono::DateTime::parse_from_rfc3339(timestamp).ok().map(|time| time.timestamp_millis())
}

fn user(line: &Object<'_>, at: Place<'_>) -> User {
    let mut user = line.object("message").map_or_else(User::default, |message| content(message.get("content"), at));
    user.origin = line.object("origin").and_then(|origin| origin.text("kind"));
    user.injected = ["isMeta", "isCompactSummary", "isVisibleInTranscriptOnly"].iter().any(|name| line.is(name));
    user.companion = line.is("turnCompanion");
    let refused = line.get("toolDenialKind").is_some();
    let agent_id = line.object("toolUseResult").and_then(|result| result.text("agentId"));
    for result in &mut user.results {
        result.refused = refused;
        result.agent_id.clone_from(&agent_id);
    }
    user
}

fn queued(attachment: &Object<'_>, at: Place<'_>) -> Option<User> {
    if attachment.text("type")? != "queued_command" {
        return None;
    }
    let mut user = content(attachment.get("prompt"), at);
    user.origin = attachment.object("origin").and_then(|origin| origin.text("kind"));
    user.injected = attachment.is("isMeta");
    match attachment.text("commandMode") {
        // As the composer holds it: without the sign that made it a command.
        Some(mode) if mode == "bash" => {
            user.text = user.text.map(|text| if text.starts_with(['!', '<']) { text } else { bash_input(&text) });
        }
        Some(mode) if mode != "prompt" && user.origin.is_none() => user.origin = Some(mode),
        _ => {}
    }
    Some(user)
}

/// A shell command as user lines have it.
fn bash_input(command: &str) -> String {
    format!("<bash-input>{command}</bash-input>")
}

/// A string, or blocks of text, images and tool results.
fn content(value: Option<&RawValue>, at: Place<'_>) -> User {
    let mut user = User::default();
    let Some(value) = value else { return user };
    if let Some(text) = json::text(value) {
        user.text = Some(text);
        user.span = at.span(value);
        return user;
    }
    let mut texts = Vec::new();
    for block in json::array(value).unwrap_or_default() {
        let Some(block) = Object::parse(block.get()) else { continue };
        match block.text("type").as_deref() {
            Some("text") => {
                if let Some(raw) = block.get("text")
                    && let Some(text) = json::text(raw)
                {
                    user.span = user.span.or_else(|| at.span(raw));
                    texts.push(text);
                }
            }
            Some("image") => user.media.push(media::of(&block, MediaKind::Image)),
            Some("document") => user.media.push(media::of(&block, MediaKind::Document)),
            Some("tool_result") => {
                if let Some(tool_use_id) = block.text("tool_use_id") {
                    user.results.push(ToolResult {
                        tool_use_id,
                        is_error: block.is("is_error"),
                        refused: false,
                        output: block.get("content").and_then(|output| at.span(output)),
                        agent_id: None,
                    });
                }
            }
            _ => {}
        }
    }
    user.text = (!texts.is_empty()).then(|| texts.join("\n"));
    user
}

fn worktree(session: &Object<'_>) -> Option<Body> {
    Some(Body::Worktree { path: session.text("worktreePath")?, original: session.text("originalCwd")? })
}

fn assistant(line: &Object<'_>, at: Place<'_>) -> Option<Assistant> {
    let message = line.object("message")?;
    let mut blocks = Vec::new();
    if let Some(content) = message.get("content") {
        if let Some(text) = json::text(content) {
            blocks.extend(at.span(content).map(|span| Block::Text { text, span }));
        }
        for raw in json::array(content).unwrap_or_default() {
            blocks.extend(Object::parse(raw.get()).and_then(|it| block(&it, raw, at)));
        }
    }
    Some(Assistant {
        message_id: message.text("id"),
        request_id: line.text("requestId"),
        model: message.text("model"),
        stop_reason: message.text("stop_reason"),
        api_error: line.is("isApiErrorMessage"),
        blocks,
        tokens: message.object("usage").map(|usage| {
            let count = |name| usage.integer(name).unwrap_or(0);
            Tokens {
                input: count("input_tokens"),
                output: count("output_tokens"),
                cache_creation: count("cache_creation_input_tokens"),
                cache_creation_1h: usage
                    .object("cache_creation")
                    .and_then(|kept| kept.integer("ephemeral_1h_input_tokens"))
                    .unwrap_or(0),
                cache_read: count("cache_read_input_tokens"),
            }
        }),
    })
}

fn block(block: &Object<'_>, whole: &RawValue, at: Place<'_>) -> Option<Block> {
    match block.text("type")?.as_str() {
        "text" => {
            let raw = block.get("text")?;
            Some(Block::Text { text: json::text(raw)?, span: at.span(raw)? })
        }
        "thinking" => {
            let raw = block.get("thinking")?;
            (raw.get().len() > 2).then(|| at.span(raw).map(|span| Block::Thinking { span })).flatten()
        }
        "tool_use" | "server_tool_use" | "mcp_tool_use" => Some(Block::ToolUse {
            id: block.text("id"),
            name: block.text("name").unwrap_or_else(|| "unknown".to_owned()),
            input: block.get("input").or(Some(whole)).and_then(|input| at.span(input)),
        }),
        _ => None,
    }
}

fn operation(line: &Object<'_>) -> Option<Operation> {
    let content = || {
        let raw = line.get("content")?;
        json::text(raw).or_else(|| {
            let blocks: Vec<Object<'_>> =
                json::array(raw)?.into_iter().filter_map(|block| Object::parse(block.get())).collect();
            let texts: Vec<String> = blocks.iter().filter_map(|block| block.text("text")).collect();
            let image = blocks.iter().any(|block| block.text("type").as_deref() == Some("image"));
            Some(if texts.is_empty() && image { IMAGE_ALONE.to_owned() } else { texts.join("\n") })
        })
    };
    match line.text("operation")?.as_str() {
        "enqueue" => content().map(Operation::Enqueue),
        "dequeue" => Some(Operation::Dequeue),
        "remove" => Some(Operation::Remove(content())),
        "popAll" => Some(Operation::PopAll),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
