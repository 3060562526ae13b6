//! Chats as a trainer gets them.

use serde_json::{Value as Json, json};

use super::*;
use crate::sample;

fn check(conversation: &Conversation, tools: Tools, expected: Option<&Json>) {
    let found = messages(conversation, tools);
    assert_eq!(found.map(|messages| serde_json::to_value(messages).unwrap()).as_ref(), expected);
}

#[test]
fn a_prompt_and_its_answer() {
    let prompt = json!({"role": "user", "content": "=run `ls`,\n\"please\""});
    let answer = json!({"role": "assistant", "content": "Done."});
    check(&sample::conversation(), Tools::Left, Some(&json!([prompt, answer])));
    let mut bare = sample::conversation();
    bare.blocks.clear();
    check(&bare, Tools::Included, Some(&json!([prompt, answer])));
}

/// A call that never ended is left out: each call needs its result.
#[test]
fn with_tools() {
    let call = json!({"id": "t1", "type": "function", "function":
                      {"name": "Bash", "arguments": "{\"description\":\"x\",\"command\":\"echo `ls`\\n``\"}"}});
    let expected = json!([
        {"role": "user", "content": "=run `ls`,\n\"please\""},
        {"role": "assistant", "content": "I will look:\n```sh\nls", "tool_calls": [call]},
        {"role": "tool", "content": "a\nb", "tool_call_id": "t1"},
        {"role": "assistant", "content": "Done."},
    ]);
    check(&sample::conversation(), Tools::Included, Some(&expected));
}

#[test]
fn half_a_conversation_is_none() {
    for part in 0..2 {
        let mut half = sample::conversation();
        *[&mut half.turn.prompt_text, &mut half.turn.response_text][part] = Some(" \n".into());
        check(&half, Tools::Left, None);
        *[&mut half.turn.prompt_text, &mut half.turn.response_text][part] = None;
        check(&half, Tools::Included, None);
    }
}

#[test]
fn one_line() {
    let mut out = Vec::new();
    line(&mut out, &messages(&sample::conversation(), Tools::Included).unwrap()).unwrap();
    assert_eq!(out.iter().filter(|byte| **byte == b'\n').count(), 1);
    assert!(out.starts_with(b"{\"messages\":[") && out.ends_with(b"]}\n"));
}
