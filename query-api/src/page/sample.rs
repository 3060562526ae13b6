//! Prompts for tests of pages.

use crate::view::{Head, Item, Sources};

/// A prompt of which nothing more is said.
pub(super) fn head<'a>(id: i64, prompt: Option<&'a str>) -> Head<'a> {
    Head {
        id,
        session_id: "s",
        user_session_id: "s/1",
        timestamp: None,
        kind: "human",
        via: "interactive",
        status: "complete",
        prompt_text: prompt,
        response_text: None,
        project: Some("/home/dev/acme"),
        project_name: Some("acme"),
        model: Some("claude-opus-4-5-20251101"),
        rating: None,
        tags: &[],
        notes: None,
        star: false,
        has_error: false,
        prompt_length: 5,
        tokens: 0,
        cost_usd: None,
    }
}

/// The same in a list.
pub(super) fn item(head: Head<'_>) -> Item<'_> {
    let sources = Sources { hook: true, transcript: true };
    Item { head, tool_calls: Vec::new(), metadata: "{}", sources, session_title: None, matches: None }
}
