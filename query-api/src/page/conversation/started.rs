//! Which call started which subagent: Claude Code names it in what the call gave back, or it was asked what the call asks. There
//! may be many of both, so each call is looked at once, and subagents are found by what leads to them.

use std::collections::HashMap;

use export::parts::ToolCall;
use store::read::Value;

use crate::view::Conversation;

/// So much of what was asked has to be the same to be compared, in bytes.
const ASKED: usize = 4 << 10;
/// Shorter names may stand anywhere.
const NAMED: usize = 5;

/// The subagents that no call was found for yet.
pub(super) struct Started<'a> {
    all: &'a [Conversation<'a>],
    left: Vec<bool>,
    named: HashMap<&'a str, Vec<usize>>,
    asked: HashMap<&'a str, Vec<usize>>,
}

impl<'a> Started<'a> {
    /// Those of a conversation.
    pub(super) fn of(all: &'a [Conversation<'a>]) -> Self {
        let (mut named, mut asked): (HashMap<_, Vec<_>>, HashMap<_, Vec<_>>) = (HashMap::new(), HashMap::new());
        for (n, child) in all.iter().enumerate() {
            if let Some(agent) = child.agent_id.filter(|agent| agent.len() >= NAMED) {
                named.entry(agent).or_default().push(n);
            }
            if let Some(prompt) = child.head.prompt_text {
                asked.entry(beginning(prompt)).or_default().push(n);
            }
        }
        Self { all, left: vec![true; all.len()], named, asked }
    }

    /// Those that this call started, which no other call gets.
    pub(super) fn by(&mut self, call: &ToolCall<'_>) -> Vec<&'a Conversation<'a>> {
        if self.all.is_empty() || !["Task", "Agent"].contains(&call.name) {
            return Vec::new();
        }
        let mut found: Vec<usize> = Vec::new();
        if let Some(Value::Text(text) | Value::Json(text)) = call.output {
            let words = text.split(|sign: char| !sign.is_alphanumeric() && sign != '_' && sign != '-');
            let names = words.flat_map(|word| [Some(word), word.strip_prefix("agent-")]).flatten();
            found.extend(names.filter_map(|name| self.named.get(name)).flatten());
        }
        let input = super::summary::input(call);
        if let Some(asks) = input["prompt"].as_str() {
            let same = |n: &&usize| {
                let prompt = self.all[**n].head.prompt_text.unwrap_or_default();
                // Of a long one only the beginning was read.
                call.begun.is_some() || prompt.trim() == asks.trim()
            };
            found.extend(self.asked.get(beginning(asks)).into_iter().flatten().filter(same));
        }
        found.sort_unstable();
        found.into_iter().filter(|n| std::mem::take(&mut self.left[*n])).map(|n| &self.all[n]).collect()
    }

    /// Those that are left.
    pub(super) fn rest(self) -> impl Iterator<Item = &'a Conversation<'a>> {
        self.all.iter().zip(self.left).filter_map(|(child, left)| left.then_some(child))
    }
}

fn beginning(text: &str) -> &str {
    let text = text.trim();
    &text[..text.floor_char_boundary(ASKED)]
}
