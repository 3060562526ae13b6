//! The figures of a store, read as the API reads them.

use queue::layout::DataDir;
use store::read::{Kinds, ListRequest, Reader};
use store::{ConversationId, Kind};

use super::Count;

/// Every conversation of the store, newest first.
pub(super) fn all(reader: &mut Reader) -> Vec<store::read::Conversation> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let request = ListRequest { session_id: None, kinds: Kinds::All, words: None, after, limit: 100 };
        let page = reader.list(&request).expect("a page");
        let ids: Vec<ConversationId> = page.items.iter().map(|item| item.turn.id).collect();
        found.extend(ids.into_iter().map(|id| reader.conversation(id).expect("a conversation").expect("it is listed")));
        match page.next {
            Some(next) => after = Some(next),
            None => return found,
        }
    }
}

/// What the store tells. Subagents' conversations are listed too: their work counts where it stands.
pub(super) fn count(dir: &DataDir) -> Count {
    let mut reader = Reader::open(dir).expect("the store");
    let mut count = Count::default();
    for conversation in all(&mut reader) {
        let turn = &conversation.turn;
        if Kind::LISTED.contains(&turn.kind) {
            count.prompts.push((turn.kind.as_str().to_owned(), turn.prompt_text.clone().unwrap_or_default()));
        }
        for call in &conversation.tool_calls {
            *count.tools.entry((call.name.clone(), call.error)).or_default() += 1;
        }
        for usage in &conversation.usage {
            let tokens =
                [usage.input_tokens, usage.output_tokens, usage.cache_creation_tokens, usage.cache_read_tokens];
            count.tokens = std::array::from_fn(|at| count.tokens[at] + tokens[at]);
        }
    }
    count.prompts.sort();
    count
}
