//! What a person says, as JSON: of one conversation, of many, tags as a whole, saved views.

use export::time::rfc3339 as time;
use serde::Serialize;
use store::ConversationId;
use store::human::{self, Rating, SavedView};
use store::read::{Suggestion, TagCount};
use utoipa::ToSchema;

/// What is said of a conversation.
#[derive(Serialize, ToSchema)]
pub(crate) struct ConversationMarks<'a> {
    /// The conversation.
    pub(crate) id: i64,
    /// The id that was asked for, if it is an alias of that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) requested_id: Option<i64>,
    #[serde(flatten)]
    said: Marks<'a>,
    /// After a change: what was said before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    former: Option<Marks<'a>>,
}

impl<'a> ConversationMarks<'a> {
    pub(crate) fn of(id: ConversationId, alias: Option<ConversationId>, marks: &'a human::Marks) -> Self {
        Self { id: id.0, requested_id: alias.map(|id| id.0), said: Marks::of(marks), former: None }
    }

    /// After a change, with what was said before it.
    pub(crate) fn instead_of(self, before: &'a human::Marks) -> Self {
        Self { former: Some(Marks::of(before)), ..self }
    }
}

/// All marks of one conversation.
#[derive(Serialize, ToSchema)]
pub(crate) struct Marks<'a> {
    /// From 1 to 5.
    rating: Option<u8>,
    /// In order of the alphabet.
    tags: Vec<&'a str>,
    notes: Option<String>,
    star: bool,
}

impl<'a> Marks<'a> {
    fn of(marks: &'a human::Marks) -> Self {
        Self {
            rating: marks.rating.map(Rating::get),
            tags: marks.tags.iter().map(String::as_str).collect(),
            notes: marks.note(),
            star: marks.starred,
        }
    }
}

/// What became of many.
#[derive(Serialize, ToSchema)]
#[schema(as = BulkDone)]
pub(crate) struct Bulk {
    /// Conversations that were named, each once.
    pub(crate) matched: u64,
    /// Those that were different before.
    pub(crate) changed: u64,
}

/// All tags.
#[derive(Serialize, ToSchema)]
pub(crate) struct Tags<'a> {
    pub(crate) items: Vec<TagUse<'a>>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct TagUse<'a> {
    /// In its most used spelling.
    pub(crate) tag: &'a str,
    /// Conversations that have it.
    pub(crate) conversations: u64,
}

impl<'a> Tags<'a> {
    pub(crate) fn of(tags: &'a [TagCount]) -> Self {
        let tag = |count: &'a TagCount| TagUse { tag: &count.tag, conversations: count.conversations };
        Self { items: tags.iter().map(tag).collect() }
    }
}

/// Tags that a conversation might get.
#[derive(Serialize, ToSchema)]
#[schema(as = TagSuggestions)]
pub(crate) struct Suggestions<'a> {
    /// The conversation.
    pub(crate) id: i64,
    /// The id that was asked for, if it is an alias of that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) requested_id: Option<i64>,
    /// At most ten, the best first.
    pub(crate) items: Vec<Suggested<'a>>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = TagSuggestion)]
pub(crate) struct Suggested<'a> {
    /// In the spelling that is in use, if it is.
    pub(crate) tag: &'a str,
    /// What speaks for it.
    pub(crate) reason: &'a str,
}

impl<'a> Suggestions<'a> {
    pub(crate) fn of(id: ConversationId, alias: Option<ConversationId>, found: &'a [Suggestion]) -> Self {
        let items = found.iter().map(|it| Suggested { tag: &it.tag, reason: &it.reason }).collect();
        Self { id: id.0, requested_id: alias.map(|id| id.0), items }
    }
}

/// What became of a tag.
#[derive(Serialize, ToSchema)]
#[schema(as = TagRenamed)]
pub(crate) struct Renamed<'a> {
    /// What it is called now; null if it was taken off everywhere.
    pub(crate) tag: Option<&'a str>,
    /// Conversations on which that changed something.
    pub(crate) conversations: u64,
    /// Whether it was joined with another.
    pub(crate) merged: bool,
}

/// All saved views.
#[derive(Serialize, ToSchema)]
#[schema(as = SavedViews)]
pub(crate) struct Views<'a> {
    pub(crate) items: Vec<View<'a>>,
}

/// A saved view.
#[derive(Serialize, ToSchema)]
#[schema(as = SavedView)]
pub(crate) struct View<'a> {
    /// Until it is changed.
    pub(crate) id: &'a str,
    pub(crate) name: &'a str,
    /// The query string of the list that it stands for.
    pub(crate) query: &'a str,
    /// When it was last changed.
    pub(crate) saved_at: Option<String>,
}

impl<'a> View<'a> {
    pub(crate) fn of(view: &'a SavedView) -> Self {
        Self { id: &view.stamp.id, name: &view.name, query: &view.query, saved_at: time(view.stamp.created_ms) }
    }
}

impl<'a> Views<'a> {
    pub(crate) fn of(views: &'a [SavedView]) -> Self {
        Self { items: views.iter().map(View::of).collect() }
    }
}
