//! Tool calls and tokens, over the lines of every file alike.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

const TOKENS: [&str; 4] = ["input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"];

/// How often each tool was called, by name and by whether it failed or was refused. An id stands for one call.
pub(super) fn tools(lines: &[&Value]) -> BTreeMap<(String, bool), usize> {
    let failed: BTreeSet<&str> = blocks(lines, "user", "tool_result")
        .filter(|result| result["is_error"] == true)
        .filter_map(|result| result["tool_use_id"].as_str())
        .collect();
    let mut seen = BTreeSet::new();
    let mut calls = BTreeMap::new();
    for call in blocks(lines, "assistant", "tool_use") {
        let id = call["id"].as_str();
        if id.is_none_or(|id| seen.insert(id)) {
            let name = call["name"].as_str().unwrap_or_default().to_owned();
            *calls.entry((name, id.is_some_and(|id| failed.contains(id)))).or_default() += 1;
        }
    }
    calls
}

fn blocks<'a>(lines: &'a [&Value], line: &'a str, block: &'a str) -> impl Iterator<Item = &'a Value> {
    let lines = lines.iter().filter(move |it| it["type"] == line);
    lines.flat_map(|it| it["message"]["content"].as_array()).flatten().filter(move |it| it["type"] == block)
}

/// The tokens of every message, once for each message and request: whole from the line with the largest output.
pub(super) fn tokens(lines: &[&Value]) -> [i64; 4] {
    let mut messages = HashMap::new();
    for line in lines.iter().filter(|line| line["type"] == "assistant") {
        let (message, usage) = (&line["message"], &line["message"]["usage"]);
        let Some(id) = message["id"].as_str().filter(|_| usage.is_object() && message["model"] != "<synthetic>") else {
            continue;
        };
        let tokens = TOKENS.map(|name| usage[name].as_i64().unwrap_or(0));
        let largest = messages.entry((id, line["requestId"].as_str())).or_insert(tokens);
        if tokens[1] >= largest[1] {
            *largest = tokens;
        }
    }
    messages.values().fold([0; 4], |sum, tokens| std::array::from_fn(|at| sum[at] + tokens[at]))
}
