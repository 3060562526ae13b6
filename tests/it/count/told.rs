//! The figures of a store, read as the API reads them.

use queue::layout::DataDir;
use store::Kind;

use super::Count;
use harness::rows;

/// What the store tells. Subagents' conversations are listed too: their work counts where it stands.
pub(super) fn count(dir: &DataDir) -> Count {
    let mut count = Count::default();
    for conversation in rows::all(dir) {
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
