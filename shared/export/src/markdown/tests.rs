//! The document as a person reads it.

use super::*;
use crate::sample;

#[test]
fn a_session_with_a_conversation() {
    let mut whole = sample::whole();
    let mut child = sample::conversation();
    child.turn.prompt_text = Some("look\naround".into());
    child.turn.response_text = None;
    whole.conversation.subagents.push(child);
    let mut out = Vec::new();
    session(&mut out, &whole).unwrap();
    conversation(&mut out, &whole).unwrap();
    let expected = r##"# Try \<b\>ls\</b\>

- session `mine`
- project `/home/dev/acme`

## 2026-11-22 12:35 UTC

human · **interrupted** · `claude-opus-4-5` · $0.001330 · no price for `new-model` · ★★★★ · starred · `#keep` · `#two words` · id 12

> =run `ls`,
> "please"

I will look:
```sh
ls
```

- **Bash** ``` echo `ls` `` ``` (372 ms)
- **mcp\_\_x\_\_y** `{"n":1}` — not finished

Done.

- *\[Request interrupted by user\]*
- subagent: look around → no answer

**Note**

> -1 for speed

**Note**

> ok

"##;
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}

#[test]
fn what_hooks_alone_saw_has_its_answer() {
    let mut whole = sample::whole();
    whole.conversation.blocks.clear();
    whole.conversation.turn.prompt_text = None;
    let mut out = Vec::new();
    conversation(&mut out, &whole).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(text.contains("*(no prompt was seen)*\n\nDone.\n\n"), "{text}");
}

#[test]
fn a_tool_is_one_line() {
    let check = |name: &str, input: &str, expected: &str| {
        let mut call = sample::conversation().tool_calls.remove(0);
        (call.name, call.input) = (name.into(), Some(Value::Json(input.into())));
        (call.error, call.duration_ms) = (true, None);
        assert_eq!(tool(&call), expected);
    };
    check("Read", r#"{"file_path":"/a b"}"#, "**Read** `/a b` — error");
    check("X", "{}", "**X** — error");
    check("X", r#"{"a":["b"]}"#, "**X** `{\"a\":[\"b\"]}` — error");
    check(
        "Bash",
        &format!("{{\"command\":\"{}\"}}", "é".repeat(200)),
        &format!("**Bash** `{}…` — error", "é".repeat(100)),
    );
}
