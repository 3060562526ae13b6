//! What was said stays with the same of two conversations that were once taken for one, in each store, whatever it learned first.

use std::path::Path;

use serde_json::json;
use store::ConversationId;
use store::human::Said;

use super::exchange;
use crate::import::stage::{Machine, Piece};

/// A second of noon of a day.
const NOON_S: u64 = 1_795_348_800;

/// A queue file of a session, so many seconds after noon.
fn event(second: u64, session: &str, name: &str, more: &serde_json::Value) -> Piece {
    let mut payload = json!({"session_id": session, "hook_event_name": name});
    payload.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let name = format!("{}-{session}-{name}.json", (NOON_S + second) * 1_000_000_000);
    Piece::Event { name, payload: payload.to_string().into_bytes() }
}

fn submit(second: u64, session: &str, prompt: &str) -> Piece {
    event(second, session, "UserPromptSubmit", &json!({"prompt": prompt, "prompt_id": format!("p-{prompt}")}))
}

fn stop(second: u64, session: &str, prompt: &str) -> Piece {
    let more = json!({"prompt_id": format!("p-{prompt}"), "last_assistant_message": format!("to {prompt}")});
    event(second, session, "Stop", &more)
}

/// A transcript with these prompts, each so many seconds after noon; a fork has its parent's lines under prompt ids of its own.
fn transcript(session: &str, prompts: &[(u64, &str)]) -> Piece {
    let line = |(second, text): &(u64, &str)| {
        let line = json!({"type": "user", "uuid": format!("u-{text}"), "sessionId": session,
            "timestamp": format!("2026-11-22T12:00:{second:02}.000Z"), "promptId": format!("p-{text}-in-{session}"),
            "message": {"role": "user", "content": text}});
        format!("{line}\n")
    };
    let path = Path::new("-p").join(format!("{session}.jsonl"));
    Piece::File { path, bytes: prompts.iter().map(line).collect::<String>().into_bytes() }
}

/// Each takes in each other, in this order, twice.
fn tell_all(machines: &mut [Machine; 3], order: [usize; 3]) {
    for _ in 0..2 {
        for to in order {
            for from in order.into_iter().filter(|from| *from != to) {
                let [to, from] = machines.get_disjoint_mut([to, from]).unwrap();
                to.import(from);
            }
        }
    }
}

/// The conversation with this prompt, or the one without.
fn id_of(machine: &Machine, prompt: Option<&str>) -> ConversationId {
    let found: Vec<_> = machine.turns().into_iter().filter(|turn| turn.prompt_text.as_deref() == prompt).collect();
    assert_eq!(found.len(), 1, "{prompt:?}: {found:?}");
    found[0].id
}

/// Notes that are shown at the conversation with this prompt, or at the one without.
fn notes(machine: &Machine, prompt: Option<&str>) -> Vec<String> {
    machine.whole(id_of(machine, prompt)).standing.notes
}

/// One machine's hook saw only Claude's answer, and somebody says something of that answer without a prompt. The other machine's
/// saw the prompt, and has a fork that took the prompt's line over. The first takes in the second: while it does not know the
/// fork yet, prompt and answer are one conversation, and the answer's id becomes the prompt's. Then the fork is read, it owns the
/// prompt, and the answer stands alone again. What was said of the answer has to stand with the answer in both.
#[test]
fn what_was_said_of_an_answer_does_not_go_with_the_prompt_that_it_met_on_the_way() {
    for a_first in [true, false] {
        let (mut a, mut b) = (Machine::new(), Machine::new());
        for machine in [&mut a, &mut b] {
            machine.get(&transcript("parent", &[(10, "first")]), 10);
        }
        a.get(&stop(25, "parent", "second"), 10);
        b.get(&submit(20, "parent", "second"), 10);
        b.get(&transcript("fork", &[(10, "first"), (20, "second"), (30, "third")]), 10);
        a.pass();
        b.pass();
        a.say(id_of(&a, None), "of the answer", 5, Said::Note(Some("of the answer".to_owned())));
        exchange(&mut a, &mut b, a_first);
        for machine in [&a, &b] {
            assert_eq!(notes(machine, None), ["of the answer"], "{a_first}");
            assert_eq!(notes(machine, Some("second")), [""; 0], "{a_first}");
        }
    }
}

/// The same in three stores that learn of it one by one: what was said of the answer while it stood alone, and of the prompt while
/// both were one, go their ways when they prove to be two, also where the answer was never seen alone.
#[test]
fn what_was_said_of_one_that_proves_to_be_two_goes_with_the_half_that_was_meant() {
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
        let mut machines = [Machine::new(), Machine::new(), Machine::new()];
        let [a, b, c] = &mut machines;
        for machine in [&mut *a, &mut *b, &mut *c] {
            machine.get(&transcript("parent", &[(10, "first")]), 10);
        }
        a.get(&stop(25, "parent", "second"), 10);
        a.pass();
        a.say(id_of(a, None), "of the answer", 5, Said::Note(Some("of the answer".to_owned())));
        a.get(&submit(20, "parent", "second"), 10);
        a.pass();
        assert_eq!(notes(a, Some("second")), ["of the answer"]);
        // Here both are one, and always were.
        b.get(&submit(20, "parent", "second"), 10);
        b.get(&stop(25, "parent", "second"), 10);
        b.pass();
        b.import(a);
        assert_eq!(notes(b, Some("second")), ["of the answer"]);
        b.say(id_of(b, Some("second")), "of the prompt", 6, Said::Note(Some("of the prompt".to_owned())));
        c.get(&transcript("fork", &[(10, "first"), (20, "second"), (30, "third")]), 10);
        c.pass();
        tell_all(&mut machines, order);
        for machine in &machines {
            assert_eq!(notes(machine, None), ["of the answer"], "{order:?}");
            assert_eq!(notes(machine, Some("second")), ["of the prompt"], "{order:?}");
        }
    }
}

/// A word on a prompt that only the hook knew hangs on the hook's file, a word on the same prompt of a transcript on its line. A line
/// with the same text, nearer to the hook's file, proves them to be two.
#[test]
fn what_was_said_of_a_hooks_prompt_goes_with_it_to_a_nearer_line() {
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let mut machines = [Machine::new(), Machine::new(), Machine::new()];
        let [a, b, c] = &mut machines;
        // No prompt ids: only text and time tell, as with old clients.
        let again = event(40, "s", "UserPromptSubmit", &json!({"prompt": "go on"}));
        let lines = |seconds: &[u64]| {
            let line = |second: &u64| {
                let line = json!({"type": "user", "uuid": format!("u-{second}"), "sessionId": "s",
                    "timestamp": format!("2026-11-22T12:00:{second:02}.000Z"),
                    "message": {"role": "user", "content": "go on"}});
                format!("{line}\n")
            };
            let bytes = seconds.iter().map(line).collect::<String>().into_bytes();
            Piece::File { path: Path::new("-p/s.jsonl").to_owned(), bytes }
        };
        a.get(&again, 10);
        a.pass();
        a.say(id_of(a, Some("go on")), "of the hook's", 5, Said::Note(Some("of the hook's".to_owned())));
        a.get(&lines(&[10]), 10);
        a.pass();
        assert_eq!(notes(a, Some("go on")), ["of the hook's"]);
        b.get(&again, 10);
        b.get(&lines(&[10]), 10);
        b.pass();
        b.say(id_of(b, Some("go on")), "of the line's", 6, Said::Note(Some("of the line's".to_owned())));
        c.get(&lines(&[10, 39]), 10);
        c.pass();
        a.import(b);
        assert_eq!(notes(a, Some("go on")), ["of the hook's", "of the line's"]);
        tell_all(&mut machines, order);
        for machine in &machines {
            let turns = machine.turns();
            let notes = |from_hook: bool| -> Vec<_> {
                let of = turns.iter().filter(|turn| turn.from_hook == from_hook);
                of.flat_map(|turn| machine.whole(turn.id).standing.notes).collect()
            };
            assert_eq!(
                (turns.len(), notes(true), notes(false)),
                (2, vec!["of the hook's".to_owned()], vec!["of the line's".to_owned()]),
                "{order:?}"
            );
        }
    }
}
