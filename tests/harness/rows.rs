//! What a store tells, row by row, read as the API reads it: for tests that compare two stores, or one with itself later.

use std::collections::BTreeMap;
use std::fmt::Write;

use queue::layout::DataDir;
use store::ConversationId;
use store::read::{Conversation, Filter, ListRequest, Reader, Turn};

/// Every conversation of every kind, newest first.
pub fn all(dir: &DataDir) -> Vec<Conversation> {
    let mut reader = Reader::open(dir).expect("the store");
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let request = ListRequest { filter: Filter::default(), after, limit: 100, ..ListRequest::default() };
        let page = reader.list(&request).expect("a page");
        let ids: Vec<ConversationId> = page.items.iter().map(|item| item.turn.id).collect();
        found.extend(ids.into_iter().map(|id| reader.conversation(id).expect("a conversation").expect("it is listed")));
        match page.next {
            Some(next) => after = Some(next),
            None => return found,
        }
    }
}

/// Every conversation by what it is, not by its id: two stores that hold the same have the same rows, sorted.
pub fn natural(dir: &DataDir) -> Vec<String> {
    let all = all(dir);
    let turns: BTreeMap<_, _> = all.iter().map(|it| (it.turn.id.0, &it.turn)).collect();
    let parent = |it: &Conversation| it.turn.parent_id.map_or(String::new(), |id| key(turns[&id.0]));
    let mut rows: Vec<_> =
        all.iter().map(|it| format!("{} parent [{}]{}", key(&it.turn), parent(it), content(it))).collect();
    rows.sort();
    rows
}

/// The same with the ids, in order of the list: a store that nothing happened to tells the same again.
pub fn with_ids(dir: &DataDir) -> Vec<String> {
    let row =
        |it: &Conversation| format!("{} {} parent {:?}{}", it.turn.id.0, key(&it.turn), it.turn.parent_id, content(it));
    all(dir).iter().map(row).collect()
}

fn key(turn: &Turn) -> String {
    let agent = turn.agent_id.as_deref().unwrap_or("-");
    format!("{} {agent} {} {} {:?}", turn.session_id, turn.timestamp_ms, turn.kind.as_str(), turn.prompt_text)
}

fn content(it: &Conversation) -> String {
    let turn = &it.turn;
    let mut text = format!(
        "\n  {} {} {:?} {:?} {:?} hook {} transcript {} {}\n  answer {:?}\n  session {:?}",
        turn.status.as_str(),
        turn.via.as_str(),
        turn.ended_ms,
        turn.model,
        turn.cwd,
        turn.from_hook,
        turn.from_transcript,
        turn.metadata,
        turn.response_text,
        it.session,
    );
    for block in &it.blocks {
        let _ = write!(text, "\n  {block:?}");
    }
    for call in &it.tool_calls {
        let _ = write!(text, "\n  {call:?}");
    }
    for usage in &it.usage {
        let _ = write!(text, "\n  {usage:?}");
    }
    text
}

/// Demands that two lists of rows are the same, and shows the first that are not.
pub fn assert_same(name: &str, found: &[String], expected: &[String]) {
    const SHOWN: usize = 3;
    let without = |these: &[String], those: &[String]| {
        let mut those = those.to_vec();
        let missing = these.iter().filter(|row| match those.iter().position(|it| it == *row) {
            Some(at) => {
                those.swap_remove(at);
                false
            }
            None => true,
        });
        missing.cloned().collect::<Vec<_>>()
    };
    let (more, fewer) = (without(found, expected), without(expected, found));
    let shown = |rows: &[String]| rows.iter().take(SHOWN).map(|row| format!("{row:.2000}\n")).collect::<String>();
    assert!(
        more.is_empty() && fewer.is_empty(),
        "{name}: {} rows are new:\n{}\n{} rows are missing:\n{}",
        more.len(),
        shown(&more),
        fewer.len(),
        shown(&fewer)
    );
}
