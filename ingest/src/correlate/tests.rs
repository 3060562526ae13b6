//! The rules of correlation, held against the captured scenarios and against small sessions of our own.

mod again;
mod composer;
mod facts;
mod hidden;
mod history;
mod lineage;
mod rules;
mod story;
mod subagents;
mod traps;
mod unusual;
mod wrappers;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;
use store::write::{Event, Turn};
use store::{EventId, Kind, Status, TranscriptId};

use super::event::Signal;
use super::*;
use crate::transcripts::lines::Cutter;

fn scenarios() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/claude-code-2.1.330")
}

/// Which sources a test looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sources {
    Both,
    Transcripts,
    Hooks,
}

/// Hook payloads are stored under the names they were captured with.
fn events(folder: &Path, into: &mut BTreeMap<String, Input>) {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for (number, path) in files.iter().enumerate() {
        let name: queue::QueueName = path.file_name().unwrap().to_str().unwrap().parse().unwrap();
        let payload = std::fs::read(path).unwrap();
        let json: Value = serde_json::from_slice(&payload).unwrap();
        let event = event(number, name.captured_ns as i64, &json, payload);
        let session = json["session_id"].as_str().unwrap().to_owned();
        input(into, &session).events.push(event::parse(&event));
    }
}

fn event(number: usize, captured_ns: i64, json: &Value, payload: Vec<u8>) -> Event {
    let mut key = [7; 16];
    key[..8].copy_from_slice(&(number as u64).to_le_bytes());
    Event {
        id: EventId(number as i64 + 1),
        keys: [key, [!key[0]; 16]],
        captured_ns,
        event: json["hook_event_name"].as_str().unwrap_or("unknown").to_owned(),
        name: format!("{captured_ns:019}-s-Event.json"),
        prompt_id: json["prompt_id"].as_str().map(str::to_owned),
        payload,
    }
}

fn input<'m>(into: &'m mut BTreeMap<String, Input>, session: &str) -> &'m mut Input {
    into.entry(session.to_owned()).or_insert_with(|| Input { session_id: session.to_owned(), ..Input::default() })
}

fn transcripts(folder: &Path, into: &mut BTreeMap<String, Input>) {
    for entry in walkdir::WalkDir::new(folder).sort_by_file_name() {
        let entry = entry.unwrap();
        let path = entry.path();
        if path.extension().is_none_or(|extension| extension != "jsonl") {
            continue;
        }
        let mut cutter = Cutter::new(TranscriptId(1), 0);
        cutter.feed(&std::fs::read(path).unwrap());
        let lines = cutter.finish().lines;
        let stem = path.file_stem().unwrap().to_str().unwrap();
        if let Some(agent) = stem.strip_prefix("agent-") {
            let session = path.parent().unwrap().parent().unwrap().file_name().unwrap().to_str().unwrap();
            input(into, session).add_subagent(Some(agent.to_owned()), lines);
        } else {
            input(into, stem).files.push(lines);
        }
    }
}

fn scenario(name: &str, sources: Sources) -> Vec<Turn> {
    let mut inputs = BTreeMap::new();
    if sources != Sources::Transcripts {
        events(&scenarios().join(name).join("hooks"), &mut inputs);
    }
    if sources != Sources::Hooks {
        transcripts(&scenarios().join(name).join("projects"), &mut inputs);
    }
    correlate(&inputs.into_values().collect::<Vec<_>>()).turns
}

/// One conversation as a line of text.
fn show(turn: &Turn) -> String {
    let tools: Vec<String> =
        turn.tool_calls.iter().map(|call| format!("{}{}", call.name, if call.is_error { "!" } else { "" })).collect();
    format!(
        "{} {} {} | {} -> {} [{}]",
        &turn.session_id[..8.min(turn.session_id.len())],
        turn.kind.as_str(),
        turn.status.as_str(),
        turn.prompt_text.as_deref().unwrap_or("-"),
        turn.response_text.as_deref().unwrap_or("-"),
        tools.join(" ")
    )
}

fn expected(name: &str) -> Vec<String> {
    let json: Value =
        serde_json::from_slice(&std::fs::read(scenarios().join(name).join("expected.json")).unwrap()).unwrap();
    let show = |it: &Value| {
        let tools: Vec<String> = it["tools"]
            .as_array()
            .unwrap()
            .iter()
            .map(|tool| format!("{}{}", tool["name"].as_str().unwrap(), if tool["error"] == true { "!" } else { "" }))
            .collect();
        format!(
            "{} {} {} | {} -> {} [{}]",
            &it["session_id"].as_str().unwrap()[..8],
            it["kind"].as_str().unwrap(),
            it["status"].as_str().unwrap(),
            it["prompt"].as_str().unwrap_or("-"),
            it["response"].as_str().unwrap_or("-"),
            tools.join(" ")
        )
    };
    json["conversations"].as_array().unwrap().iter().map(show).collect()
}

fn listed(turns: &[Turn]) -> Vec<String> {
    let mut turns: Vec<&Turn> = turns.iter().filter(|turn| Kind::LISTED.contains(&turn.kind)).collect();
    turns.sort_by_key(|turn| (turn.session_id.clone(), turn.ordinal));
    turns.into_iter().map(show).collect()
}

fn check_scenario(name: &str, sources: Sources) {
    let mut wanted = expected(name);
    wanted.sort_by_key(|line| line[..8].to_owned()); // stable: the order within a session stays
    assert_eq!(listed(&scenario(name, sources)), wanted, "{name} {sources:?}");
}

#[test]
fn scenarios_from_both_sources() {
    for name in ["print-mode", "interactive", "interrupted-and-queued"] {
        check_scenario(name, Sources::Both);
    }
}

#[test]
fn scenarios_from_transcripts_alone() {
    for name in ["print-mode", "interactive", "interrupted-and-queued"] {
        check_scenario(name, Sources::Transcripts);
    }
}

/// From hooks alone every submitted prompt and every answer is there, each once.
#[test]
fn scenarios_from_hooks_alone() {
    for name in ["print-mode", "interactive", "interrupted-and-queued"] {
        let turns = scenario(name, Sources::Hooks);
        let mut inputs = BTreeMap::new();
        events(&scenarios().join(name).join("hooks"), &mut inputs);
        let signals = || inputs.values().flat_map(|input| &input.events);
        let mut prompts: Vec<&str> = signals().filter_map(HookEvent::prompt).map(str::trim).collect();
        let mut answers: Vec<&str> = signals()
            .filter_map(|event| match &event.body {
                Signal::Stop { text, .. } => text.as_deref(),
                _ => None,
            })
            .collect();
        let mut found_prompts: Vec<&str> = turns.iter().filter_map(|turn| turn.prompt_text.as_deref()).collect();
        let mut found_answers: Vec<&str> = turns.iter().filter_map(|turn| turn.response_text.as_deref()).collect();
        for list in [&mut prompts, &mut answers, &mut found_prompts, &mut found_answers] {
            list.sort_unstable();
        }
        assert_eq!((found_prompts, found_answers), (prompts, answers), "{name}");
    }
    let shown: Vec<String> = listed(&scenario("interrupted-and-queued", Sources::Hooks));
    let mut wanted = expected("interrupted-and-queued");
    wanted.sort_by_key(|line| line[..8].to_owned());
    assert_eq!(shown, wanted, "the queued prompt has its own answer, the interrupted one none");
}

#[test]
fn a_subagent_belongs_to_the_conversation_that_started_it() {
    let turns = scenario("print-mode", Sources::Both);
    let subagent = turns.iter().find(|turn| turn.kind == Kind::Subagent).unwrap();
    assert_eq!(subagent.prompt_text.as_deref(), Some("Reply with the word done."));
    let Some(Parent::Here(parent)) = subagent.parent else { panic!() };
    assert_eq!(turns[parent].prompt_text.as_deref(), Some("now use-agent"));
    assert_eq!(subagent.status, Status::Complete);
}

#[test]
fn every_conversation_of_the_scenarios_was_seen_by_the_sources_it_has() {
    for (sources, hook, transcript) in
        [(Sources::Both, true, true), (Sources::Hooks, true, false), (Sources::Transcripts, false, true)]
    {
        for turn in scenario("print-mode", sources).iter().filter(|turn| turn.kind == Kind::Human) {
            assert_eq!((turn.from_hook, turn.from_transcript), (hook, transcript), "{}", show(turn));
        }
    }
}
