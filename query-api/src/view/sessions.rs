//! Sessions as a person cuts them, as JSON.

use serde::Serialize;
use store::read;
use utoipa::ToSchema;

use super::session::Session;
use super::{Item, last_name, time};

/// A page of sessions.
#[derive(Serialize, ToSchema)]
pub(crate) struct Sessions<'a> {
    pub(crate) items: Vec<UserSession<'a>>,
    pub(crate) next_cursor: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct UserSession<'a> {
    /// Its lasting id: Claude Code's, unless it was split off.
    pub(crate) id: &'a str,
    pub(crate) title: Option<&'a str>,
    /// `given` by a person here, `custom` or `generated` in Claude Code, or `prompt`: the first prompt stands for it.
    pub(crate) title_from: Option<&'static str>,
    /// The sessions of Claude Code that it consists of, or of parts of which.
    pub(crate) session_ids: Vec<&'a str>,
    pub(crate) project: Option<&'a str>,
    pub(crate) project_name: Option<&'a str>,
    pub(crate) started_at: Option<String>,
    /// When it was last heard of.
    pub(crate) ended_at: Option<String>,
    /// How many conversations lists show of it.
    pub(crate) conversations: u64,
    pub(crate) models: Vec<&'a str>,
    /// How many of its conversations are rated.
    pub(crate) rated: u64,
    /// The mean of their ratings.
    pub(crate) rating: Option<f64>,
    /// How many are starred.
    pub(crate) starred: u64,
}

/// Everything of a session.
#[derive(Serialize, ToSchema)]
#[schema(as = SessionDetail)]
pub(crate) struct Detail<'a> {
    #[serde(flatten)]
    pub(crate) session: UserSession<'a>,
    /// The stretches that it consists of.
    pub(crate) parts: Vec<Part<'a>>,
    /// The sessions of Claude Code that these are of, with their own facts where they are known.
    pub(crate) originals: Vec<Original<'a>>,
    /// The sessions that hold what else there is of them.
    pub(crate) others: Vec<Other<'a>>,
    /// A page of its conversations, the oldest first.
    pub(crate) items: Vec<Item<'a>>,
    pub(crate) next_cursor: Option<String>,
    /// The sessions of Claude Code that they hang together with.
    pub(crate) tree: Tree<'a>,
}

/// A session that holds a part of the same sessions of Claude Code.
#[derive(Serialize, ToSchema)]
#[schema(as = OtherSession)]
pub(crate) struct Other<'a> {
    pub(crate) id: &'a str,
    pub(crate) title: Option<&'a str>,
}

/// A session at a glance.
#[derive(Serialize, ToSchema)]
#[schema(as = SessionOutline)]
pub(crate) struct Outline {
    /// Its conversations that lists show, the oldest first.
    pub(crate) items: Vec<Point>,
}

/// A conversation of an outline.
#[derive(Serialize, ToSchema)]
#[schema(as = OutlinePoint)]
pub(crate) struct Point {
    pub(crate) id: i64,
    pub(crate) timestamp: Option<String>,
    /// It failed, or a tool call failed or was refused.
    pub(crate) has_error: bool,
    #[schema(minimum = 1, maximum = 5)]
    pub(crate) rating: Option<u8>,
    pub(crate) star: bool,
}

impl Outline {
    pub(crate) fn of(outline: &read::Outline) -> Self {
        let point = |it: &read::OutlinePoint| Point {
            id: it.id.0,
            timestamp: time(it.timestamp_ms),
            has_error: it.failed,
            rating: it.rating.map(store::human::Rating::get),
            star: it.starred,
        };
        Self { items: outline.points.iter().map(point).collect() }
    }
}

/// A stretch of a session of Claude Code.
#[derive(Serialize, ToSchema)]
#[schema(as = SessionPart)]
pub(crate) struct Part<'a> {
    pub(crate) session_id: &'a str,
    /// The conversation that it begins with; null: the session's first.
    pub(crate) from: Option<i64>,
    /// The split or merge by which it is here, for an undo of that alone.
    pub(crate) change: Option<&'a str>,
    pub(crate) changed_at: Option<String>,
    /// How many conversations lists show of it.
    pub(crate) conversations: u64,
}

#[derive(Serialize, ToSchema)]
#[schema(as = OriginalSession)]
pub(crate) struct Original<'a> {
    pub(crate) id: &'a str,
    pub(crate) session: Option<Session<'a>>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = SessionTree)]
pub(crate) struct Tree<'a> {
    /// The nearest first, themselves included.
    pub(crate) sessions: Vec<Relative<'a>>,
    pub(crate) links: Vec<TreeLink<'a>>,
    /// Whether there are more than are told of.
    pub(crate) cut: bool,
}

#[derive(Serialize, ToSchema)]
#[schema(as = RelatedSession)]
pub(crate) struct Relative<'a> {
    pub(crate) session_id: &'a str,
    pub(crate) title: Option<&'a str>,
    pub(crate) started_at: Option<String>,
    pub(crate) ended_at: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = SessionLink)]
pub(crate) struct TreeLink<'a> {
    /// The later session.
    pub(crate) session_id: &'a str,
    /// `fork-of`, `resumed-from`, `continued-from` or `cleared-from`.
    pub(crate) kind: &'a str,
    /// The earlier one.
    pub(crate) other_session_id: &'a str,
}

/// Where conversations went back to.
#[derive(Serialize, ToSchema)]
#[schema(as = SessionUndone)]
pub(crate) struct Moved {
    /// The sessions that hold them now; none if another merge holds them.
    pub(crate) into: Vec<String>,
}

/// What a split made.
#[derive(Serialize, ToSchema)]
pub(crate) struct SplitOff<'a> {
    /// The session that was split, which keeps what comes before.
    pub(crate) session_id: &'a str,
    /// The new sessions, in the order of `at`.
    pub(crate) made: &'a [String],
}

/// What a merge made.
#[derive(Serialize, ToSchema)]
#[schema(as = SessionMerged)]
pub(crate) struct Merged<'a> {
    /// The session that holds all of it.
    pub(crate) session_id: &'a str,
}

impl<'a> Sessions<'a> {
    pub(crate) fn of(page: &'a read::SessionsPage, next_cursor: Option<String>) -> Self {
        Self { items: page.items.iter().map(UserSession::of).collect(), next_cursor }
    }
}

impl<'a> UserSession<'a> {
    fn of(session: &'a read::UserSession) -> Self {
        let (rated, sum) = session.rated;
        Self {
            id: &session.id,
            title: session.title.as_deref(),
            title_from: session.title_from.map(read::TitleFrom::as_str),
            session_ids: session.session_ids.iter().map(String::as_str).collect(),
            project: session.project.as_deref(),
            project_name: session.project.as_deref().map(last_name),
            started_at: session.started_ms.and_then(time),
            ended_at: session.ended_ms.and_then(time),
            conversations: session.conversations,
            models: session.models.iter().map(String::as_str).collect(),
            rated,
            rating: (rated > 0).then(|| (sum as f64 / rated as f64 * 100.0).round() / 100.0),
            starred: session.starred,
        }
    }
}

impl<'a> Detail<'a> {
    pub(crate) fn of(detail: &'a read::SessionDetail, next_cursor: Option<String>) -> Self {
        let part = |part: &'a read::Part| Part {
            session_id: &part.session_id,
            from: part.from.map(|id| id.0),
            change: part.change.as_deref(),
            changed_at: part.changed_ms.and_then(time),
            conversations: part.conversations,
        };
        let original = |(id, facts): &'a (String, Option<read::Session>)| Original {
            id,
            session: facts.as_ref().map(|facts| Session::of(id, facts)),
        };
        Self {
            session: UserSession::of(&detail.session),
            parts: detail.parts.iter().map(part).collect(),
            originals: detail.originals.iter().map(original).collect(),
            others: detail.others.iter().map(|it| Other { id: &it.id, title: it.title.as_deref() }).collect(),
            items: detail.conversations.iter().map(Item::of).collect(),
            next_cursor,
            tree: Tree::of(&detail.tree),
        }
    }
}

impl<'a> Tree<'a> {
    pub(crate) fn of(tree: &'a read::Tree) -> Self {
        let relative = |one: &'a read::Relative| Relative {
            session_id: &one.session_id,
            title: one.title.as_deref(),
            started_at: one.started_ms.and_then(time),
            ended_at: one.ended_ms.and_then(time),
        };
        let link = |link: &'a read::TreeLink| TreeLink {
            session_id: &link.session_id,
            kind: &link.kind,
            other_session_id: &link.other_session_id,
        };
        Self {
            sessions: tree.sessions.iter().map(relative).collect(),
            links: tree.links.iter().map(link).collect(),
            cut: tree.is_cut,
        }
    }
}
