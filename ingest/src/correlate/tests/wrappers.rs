//! What stands around a prompt, and what stands in its place: wrappers, notifications, shell and slash commands, images and
//! documents (claude-code.md C.10 and C.11).

use serde_json::{Value, json};

use super::story::*;
use super::*;

#[test]
fn pasted_text_is_a_part_of_the_prompt() {
    let pasted = "<pasted_content id=\"1\">a\nb</pasted_content id=\"1\">\nwhat is this?";
    check(vec![user("a", pasted)], &[&format!("s human open | {pasted} -> - []")]);
}

#[test]
fn ide_lines_that_stand_alone_open_nothing() {
    check(
        vec![
            user("a", "<ide_opened_file>The user opened x</ide_opened_file>"),
            user("a", "why?"),
            end("1"),
            user_with("a", json!([{"type": "text", "text": "<ide_selection>y</ide_selection>"}]), &json!({})),
        ],
        &["s human complete | why? -> 1 []"],
    );
}

#[test]
fn notifications() {
    let report = "<task-notification>\n<task-id>1</task-id>\n</task-notification>\nFull transcript available at: /x";
    check(
        vec![
            user("a", "one"),
            end("1"),
            user_with("b", json!(report), &json!({"origin": {"kind": "task-notification"}})),
            end("2"),
            user("c", "two"),
            end("3"),
        ],
        &[
            "s human complete | one -> 1 []",
            &format!("s notification complete | {report} -> 2 []"),
            "s human complete | two -> 3 []",
        ],
    );
}

#[test]
fn a_shell_command_with_its_output() {
    check(
        vec![
            user("a", "<bash-input>ls</bash-input>"),
            user("a", "<bash-stdout>x</bash-stdout><bash-stderr></bash-stderr>"),
            user("b", "and now?"),
            end("1"),
        ],
        &["s shell complete | !ls -> - []", "s human complete | and now? -> 1 []"],
    );
}

#[test]
fn a_local_command_with_its_output() {
    let command =
        "<command-name>/model</command-name><command-message>model</command-message><command-args></command-args>";
    check(
        vec![
            user_with(
                "a",
                json!("<local-command-caveat>The command below…</local-command-caveat>"),
                &json!({"isMeta": true}),
            ),
            user("a", command),
            user("a", "<local-command-stdout>Set model to x</local-command-stdout>"),
            user("b", "one"),
            end("1"),
        ],
        &["s local complete | /model -> - []", "s human complete | one -> 1 []"],
    );
}

#[test]
fn an_api_error_and_its_retries() {
    let retry = || Row(json!({"type": "system", "subtype": "api_error", "retryAttempt": 1, "maxRetries": 10}));
    let error = |text: &str| {
        Row(json!({"type": "assistant", "isApiErrorMessage": true,
                   "message": {"id": text, "model": "<synthetic>", "content": [{"type": "text", "text": text}],
                               "stop_reason": "stop_sequence", "usage": {"output_tokens": 9}}}))
    };
    check(vec![user("a", "one"), retry(), retry(), end("1")], &["s human complete | one -> 1 []"]);
    check(
        vec![
            user("a", "one"),
            call("T"),
            result("T", false),
            retry(),
            error("API Error: 529"),
            user("b", "again"),
            end("2"),
        ],
        &["s human failed | one -> API Error: 529 [T]", "s human complete | again -> 2 []"],
    );
    let turns = correlate(&[session("s", vec![user("a", "one"), error("API Error")])]).turns;
    assert_eq!(turns[0].usage, [], "what the client made cost nothing");
    assert_eq!(turns[0].model, None);
}

#[test]
fn what_the_client_says_when_nobody_asked_is_no_answer() {
    let filler = Row(json!({"type": "assistant", "message": {"id": "x", "model": "<synthetic>",
                     "content": [{"type": "text", "text": "No response requested."}], "stop_reason": "stop_sequence"}}));
    check(
        vec![
            user("a", "one"),
            call("T"),
            user("a", "[Request interrupted by user for tool use]"),
            filler,
            user("b", "two"),
            end("2"),
        ],
        &["s human interrupted | one -> - [T]", "s human complete | two -> 2 []"],
    );
}

#[test]
fn an_interruption_in_mid_turn() {
    let esc =
        |text: &str| user_with("a", json!([{"type": "text", "text": text}]), &json!({"interruptedMessageId": "m"}));
    check(
        vec![
            user("a", "one"),
            say("m", "so far", Value::Null),
            esc("[Request interrupted by user]"),
            user("b", "two"),
            end("2"),
        ],
        &["s human interrupted | one -> so far []", "s human complete | two -> 2 []"],
    );
}

fn metadata(content: Value) -> Value {
    let turns = correlate(&[session("s", vec![user_with("a", content, &json!({}))])]).turns;
    serde_json::from_str(&turns[0].metadata).unwrap()
}

#[test]
fn images_and_documents_are_placeholders_with_their_size() {
    let image = json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGVsbG8="}});
    let by_url = json!({"type": "image", "source": {"type": "url", "url": "https://example.com/x.png"}});
    let document =
        json!({"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "aGVsbG8h"}});
    check(vec![user_with("a", json!([document.clone()]), &json!({}))], &["s human open | [Document] -> - []"]);
    let text = json!({"type": "text", "text": "[Image #1] what is it?"});
    check(
        vec![user_with("a", json!([image.clone(), text.clone()]), &json!({}))],
        &["s human open | [Image #1] what is it? -> - []"],
    );
    assert_eq!(metadata(json!([image, by_url, text]))["images"], json!([{"media_type": "image/png", "bytes": 5}, {}]));
    assert_eq!(metadata(json!([document]))["documents"], json!([{"media_type": "application/pdf", "bytes": 6}]));
    assert_eq!(metadata(json!("only text")).get("images"), None);
}
