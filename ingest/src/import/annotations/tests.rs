//! What is taken in of an exported file, line by line; what is said of a line that cannot be read.

use std::path::PathBuf;

use super::*;
use crate::import::stage::{Machine, pieces};

const HEAD: &str = r#"{"type":"prompt-manager-export","version":1,"origin":"0123456789abcdef0123456789abcdef","exported_at":"2026-11-22T12:00:00.000Z"}"#;
const ORIGIN: &str = r#""origin":"0123456789abcdef0123456789abcdef""#;

fn write(machine: &Machine, text: &str) -> PathBuf {
    let path = machine.dir.root().join("export.jsonl");
    std::fs::write(&path, text).unwrap();
    path
}

fn take(machine: &mut Machine, text: &str) -> Result<Merged, Error> {
    let path = write(machine, text);
    import(&mut machine.writer, &path, &mut |_| ControlFlow::Continue(()))
}

/// A line about a conversation with this key.
fn conversation(key: u8, lists: &str) -> String {
    format!(r#"{{"type":"conversation","id":1,"keys":[{{"kind":"line","key":"{key:032x}"}}],{lists}}}"#)
}

fn rating(id: &str, stars: &str) -> String {
    format!(r#""ratings":[{{"id":"{id}",{ORIGIN},"rating":{stars},"created_ms":5}}]"#)
}

/// The line that follows a header and one good line; what is said of it. The good line is taken in, and a third is not.
fn check_bad(line: &str, expected: &str) {
    let mut here = Machine::new();
    let good = conversation(1, &rating("good", "4"));
    let later = conversation(2, &rating("later", "5"));
    for _ in 0..2 {
        let error = take(&mut here, &format!("{HEAD}\n{good}\n{line}\n{later}\n")).unwrap_err().to_string();
        assert!(error.contains("export.jsonl: line 3: ") && error.contains(expected), "{line}: {error}");
        assert!(!error.contains('\n') && !error.contains("secret"), "{error}");
        let said = here.exporter().unplaced().unwrap();
        assert_eq!(said.iter().flat_map(|it| &it.remarks).map(|it| &*it.stamp.id).collect::<Vec<_>>(), ["good"]);
    }
}

#[test]
fn bad_lines() {
    check_bad("secret", "one JSON object");
    check_bad(r#"["secret"]"#, "one JSON object");
    check_bad(r#"{"type":"conversation","secret"#, "ends in the middle");
    check_bad(&format!("{HEAD}secret"), "one JSON object");
    check_bad(r#"{"id":"secret"}"#, "expected a text as \"type\"");
    check_bad(r#"{"type":7}"#, "expected a text as \"type\"");
    check_bad(r#"{"type":"prompt-manager-export","version":2}"#, "newer version");
    check_bad(&conversation(3, &rating("r", "6")), "expected 1 to 5 or null as \"rating\" in \"ratings\"");
    check_bad(&conversation(3, &rating("r", "\"secret\"")), "expected a whole number as \"rating\"");
    check_bad(&conversation(3, &rating("", "1")), "1 to 256 bytes as \"id\"");
    check_bad(&conversation(3, r#""tags":"secret""#), "expected a list of objects as \"tags\"");
    check_bad(&conversation(3, r#""stars":[{"id":"s","starred":true,"created_ms":1}]"#), "as \"origin\" in \"stars\"");
    check_bad(&conversation(3, &format!(r#""notes":[{{"id":"n",{ORIGIN},"note":"secret"}}]"#)), "as \"created_ms\"");
    check_bad(r#"{"type":"conversation","keys":[{"kind":"line","key":"secret"}]}"#, "32 hex digits as \"key\"");
    check_bad(r#"{"type":"session_title","id":"t"}"#, "as \"origin\"");
    check_bad(
        &format!(
            r#"{{"type":"user_session","id":"u","members":[{{"id":"m",{ORIGIN},"created_ms":1,"session_id":"s","from":3}}]}}"#
        ),
        "expected {\"keys\":[…]} or null as \"from\" in \"members\"",
    );
}

#[test]
fn the_first_line_says_what_the_file_is() {
    let mut here = Machine::new();
    let error = take(&mut here, &conversation(1, &rating("r", "4"))).unwrap_err().to_string();
    assert!(error.contains("line 1: expected {\"type\":\"prompt-manager-export\""), "{error}");
    assert_eq!(take(&mut here, "").unwrap(), Merged::default());
}

/// What a later version adds is passed over; so is everything that is not said by a person, however long.
#[test]
fn what_is_unknown_is_passed_over() {
    let mut here = Machine::new();
    let long = "x".repeat(3_000_000);
    let lines = [
        HEAD.to_owned(),
        r#"{"type":"of a later version","id":{"not":"a text"}}"#.to_owned(),
        String::new(),
        conversation(
            1,
            &format!(r#""prompt_text":"{long}","blocks":[[1,{{"a":"\ud83d"}}]],"new":null,{}"#, rating("a", "null")),
        ),
        conversation(
            1,
            &format!(r#""tags":[{{"id":"b",{ORIGIN},"tag":"x","present":true,"created_ms":1,"new":[1]}}]"#),
        ),
        conversation(2, "").replace(",}", "}"),
        r#"{"type":"conversation","keys":[{"kind":"of a later version","key":"00000000000000000000000000000001"}]}"#
            .to_owned(),
    ];
    let text = lines.join("\r\n"); // and no newline at the end
    let merged = take(&mut here, &text).unwrap();
    assert_eq!((merged.human, merged.unknown), (2, 1));
    let said = here.exporter().unplaced().unwrap();
    assert_eq!(said.len(), 1, "{said:?}"); // one key, one id; of what nobody said anything there is none
    // None of the four is here, as far as their keys tell.
    let expected = Merged { unknown: 1, awaited: 4, awaited_said: 2, ..Merged::default() };
    assert_eq!(take(&mut here, &text).unwrap(), expected);
}

/// What was said of a conversation that comes later waits for it.
#[test]
fn a_conversation_that_comes_later() {
    let mut there = Machine::new();
    let files: Vec<_> = pieces();
    files.iter().for_each(|piece| there.get(piece, 10));
    there.pass();
    let turn = there.turns().pop().unwrap();
    let keys = there.whole(turn.id).keys;
    let hex = |key: &[u8; 16]| key.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let keys: Vec<_> = keys
        .iter()
        .map(|key| match key {
            store::Key::Line(key) => format!(r#"{{"kind":"line","key":"{}"}}"#, hex(key)),
            store::Key::Event(key) => format!(r#"{{"kind":"event","key":"{}"}}"#, hex(key)),
        })
        .collect();
    let line = format!(r#"{{"type":"conversation","keys":[{}],{}}}"#, keys.join(","), rating("r", "3"));
    let mut here = Machine::new();
    assert_eq!(take(&mut here, &format!("{HEAD}\n{line}\n")).unwrap().human, 1);
    assert_eq!(here.exporter().unplaced().unwrap().len(), 1);
    here.import(&there);
    let marks = |machine: &Machine| {
        let found = machine.turns().into_iter().find(|it| it.timestamp_ms == turn.timestamp_ms).unwrap();
        machine.whole(found.id).standing.rating.map(store::human::Rating::get)
    };
    assert_eq!((marks(&here), marks(&there)), (Some(3), None));
    assert_eq!(here.exporter().unplaced().unwrap().len(), 0);
}

/// A long file goes in small transactions, and can be ended between two of them.
#[test]
fn it_can_be_ended() {
    let mut here = Machine::new();
    let lines: Vec<_> =
        (0..25_000_u32).map(|n| conversation((n % 200) as u8, &rating(&format!("r{n}"), "2"))).collect();
    let path = write(&here, &format!("{HEAD}\n{}", lines.join("\n")));
    let mut calls = 0;
    let merged = import(&mut here.writer, &path, &mut |_| {
        calls += 1;
        ControlFlow::Break(())
    })
    .unwrap();
    assert!(merged.stopped && (1..15_000).contains(&merged.human), "{merged:?}");
    let rest = import(&mut here.writer, &path, &mut |_| ControlFlow::Continue(())).unwrap();
    assert!(!rest.stopped);
    assert_eq!(merged.human + rest.human, 25_000);
}
