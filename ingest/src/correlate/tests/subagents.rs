//! Subagents in the layouts they have had: among the lines of their session, and in files of their own.

use serde_json::{Value, json};

use super::story::*;

#[test]
fn subagents_that_stand_in_the_main_file() {
    let side = |uuid: &str, parent: Value, body: Value| {
        let mut line = json!({"isSidechain": true, "uuid": uuid, "parentUuid": parent});
        line.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
        Row(line)
    };
    let prompt = |text: &str| json!({"type": "user", "message": {"content": text}});
    let answer = |text: &str| json!({"type": "assistant", "message": {"id": text, "content": [{"type": "text", "text": text}], "stop_reason": "end_turn"}});
    check(
        vec![
            user("a", "one"),
            call("Task"),
            side("x1", Value::Null, prompt("job x")),
            side("y1", Value::Null, prompt("job y")),
            side("x2", json!("x1"), answer("x done")),
            side("y2", json!("y1"), answer("y done")),
            result("Task", false),
            end("all done"),
        ],
        &[
            "s human complete | one -> all done [Task]",
            "s subagent complete | job x -> x done []",
            "s subagent complete | job y -> y done []",
        ],
    );
}

#[test]
fn an_inline_subagent_whose_beginning_is_missing() {
    let result = json!([{"type": "tool_result", "tool_use_id": "T", "content": "out"}]);
    let side =
        |parent: &str| user_with("a", result.clone(), &json!({"isSidechain": true, "parentUuid": parent, "uuid": "x"}));
    check(vec![side("gone"), user("a", "one"), end("1")], &["s human complete | one -> 1 []"]);
}

#[test]
fn files_of_one_subagent_are_one_union() {
    let agent = || {
        let items = vec![user("a", "job"), say("m", "working", json!("tool_use")), end("done")];
        session("agent", items).files.remove(0)
    };
    let mut input = session("s", vec![user("a", "one"), call("Task"), result("Task", false), end("all done")]);
    let mut cut = agent();
    cut.truncate(2);
    input.add_subagent(Some("x".into()), agent());
    input.add_subagent(Some("x".into()), cut);
    let expected = ["s human complete | one -> all done [Task]", "s subagent complete | job -> done []"];
    check_lineage(&[input], &expected);
    // A copy in the folder of a fork, which did not start it.
    let mut parent = session("s", vec![user("a", "one"), call("Task"), result("Task", false), end("all done")]);
    parent.add_subagent(Some("x".into()), agent());
    let mut fork = session("f", vec![user("b", "forked"), end("2")]);
    fork.add_subagent(Some("x".into()), agent());
    let expected = ["f human complete | forked -> 2 []", expected[0], expected[1]];
    check_lineage(&[fork, parent], &expected);
}
