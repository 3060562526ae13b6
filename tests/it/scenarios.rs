//! The main job on real input: captured runs of Claude Code go in through prompt-hook and the projects root, and what a
//! person would say happened comes out of the API, whatever part came first, twice or never.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, thread};

use harness::{Conversation, SCENARIOS, Scenario, Server, World};
use serde_json::Value;

/// What happens to a world before it is asked.
#[derive(Clone, Copy)]
enum Step {
    /// The hooks of a scenario fire.
    Hooks(Scenario),
    /// They fire at the time of this test, not at the time of the transcripts.
    HooksNow(Scenario),
    /// The transcripts of a scenario appear.
    Transcripts(Scenario),
    /// `ingest once`.
    Pass,
}
use Step::{Hooks, HooksNow, Pass, Transcripts};

fn world(steps: &[Step]) -> World {
    let world = World::new();
    act(&world, steps);
    world
}

fn act(world: &World, steps: &[Step]) {
    for step in steps {
        match step {
            Hooks(scenario) => world.feed(*scenario),
            HooksNow(scenario) => world.feed_now(*scenario),
            Transcripts(scenario) => world.projects(*scenario),
            Pass => drop(world.ingest_once()),
        }
    }
    world.assert_drained();
}

/// After these steps, the default list of each session of these scenarios is what `expected.json` says.
fn check(steps: &[Step], scenarios: &[Scenario]) {
    let world = world(steps);
    let server = world.serve();
    for scenario in scenarios {
        let mut expected = by_session(scenario.expected());
        for session in scenario.sessions() {
            let expected = expected.remove(&session).unwrap_or_default();
            assert_eq!(server.session(&session, ""), expected, "{}, session {session}", scenario.name());
        }
        assert!(expected.is_empty(), "{}: conversations of a session without hooks", scenario.name());
    }
}

fn by_session(conversations: Vec<Conversation>) -> BTreeMap<String, Vec<Conversation>> {
    let mut sessions = BTreeMap::<_, Vec<_>>::new();
    for conversation in conversations {
        sessions.entry(conversation.session_id.clone()).or_default().push(conversation);
    }
    sessions
}

/// Every conversation of the store, of every kind, as the API gives it.
fn everything(world: &World) -> Vec<Value> {
    world.serve().items(&[("kind", "all")])
}

#[test]
fn the_queue_holds_what_claude_code_sent() {
    for scenario in SCENARIOS {
        let (world, sent) = (World::new(), scenario.dir().join("hooks"));
        world.feed(scenario);
        let incoming = world.data().incoming();
        assert_eq!(world.names(&incoming), world.names(&sent), "{}", scenario.name());
        for name in world.names(&sent) {
            let read = |dir: &Path| fs::read(dir.join(&name)).expect("a queue file");
            assert!(read(&incoming) == read(&sent), "{name} is not byte for byte what was sent");
        }
    }
}

#[test]
fn hooks_and_transcripts() {
    for scenario in SCENARIOS {
        check(&[Hooks(scenario), Transcripts(scenario), Pass], &[scenario]);
    }
}

#[test]
fn all_in_one_store() {
    let mut steps: Vec<_> = SCENARIOS.iter().flat_map(|scenario| [Hooks(*scenario), Transcripts(*scenario)]).collect();
    steps.push(Pass);
    check(&steps, &SCENARIOS);
}

#[test]
fn transcripts_without_hooks() {
    for scenario in SCENARIOS {
        check(&[Transcripts(scenario), Pass], &[scenario]);
    }
}

#[test]
fn transcripts_then_hooks() {
    for scenario in SCENARIOS {
        check(&[Transcripts(scenario), Pass, Hooks(scenario), Pass], &[scenario]);
    }
}

#[test]
fn hooks_then_transcripts() {
    for scenario in SCENARIOS {
        check(&[Hooks(scenario), Pass, Transcripts(scenario), Pass], &[scenario]);
    }
}

/// Which hook belongs to which line is told by ids and texts, not by the clock.
#[test]
fn hooks_at_another_time() {
    for scenario in SCENARIOS {
        check(&[HooksNow(scenario), Transcripts(scenario), Pass], &[scenario]);
        check(&[Transcripts(scenario), Pass, HooksNow(scenario), Pass], &[scenario]);
    }
}

/// The hooks see each prompt and each final answer; so does the list, once each, even if no transcript is ever found.
/// (It may hold more: a subagent's answer has an event of another name.)
#[test]
fn hooks_without_transcripts() {
    for scenario in SCENARIOS {
        let world = world(&[Hooks(scenario), Pass]);
        let server = world.serve();
        for session in scenario.sessions() {
            let found = server.session(&session, "all");
            let prompts = found.iter().filter_map(|conversation| conversation.prompt.clone());
            each_once(&sent(scenario, &session, &["UserPromptSubmit"], "prompt"), &prompts.collect::<Vec<_>>());
            let answers = found.iter().filter_map(|conversation| conversation.response.clone());
            let stops = sent(scenario, &session, &["Stop", "StopFailure"], "last_assistant_message");
            each_once(&stops, &answers.collect::<Vec<_>>());
        }
    }
}

/// That field of every event of a session with one of these names.
fn sent(scenario: Scenario, session: &str, events: &[&str], field: &str) -> Vec<String> {
    let payloads = scenario.hooks().into_iter().map(|hook| hook.json());
    let of_session = payloads.filter(|payload| {
        payload["session_id"] == session && events.iter().any(|event| payload["hook_event_name"] == *event)
    });
    of_session.filter_map(|payload| payload[field].as_str().map(str::to_owned)).collect()
}

fn each_once(sent: &[String], found: &[String]) {
    let count = |list: &[String], text: &String| list.iter().filter(|it| *it == text).count();
    for text in sent {
        assert_eq!(count(found, text), count(sent, text), "{text:?} in {found:#?}");
    }
}

/// The order in which the sources arrive leaves no trace in what is told, of any kind.
#[test]
fn every_order_ends_alike() {
    for scenario in SCENARIOS {
        let told = |steps: &[Step]| told(&world(steps).serve(), scenario);
        let at_once = told(&[Hooks(scenario), Transcripts(scenario), Pass]);
        assert_eq!(told(&[Hooks(scenario), Pass, Transcripts(scenario), Pass]), at_once, "{}", scenario.name());
        assert_eq!(told(&[Transcripts(scenario), Pass, Hooks(scenario), Pass]), at_once, "{}", scenario.name());
    }
}

fn told(server: &Server, scenario: Scenario) -> Vec<Vec<Conversation>> {
    scenario.sessions().iter().map(|session| server.session(session, "all")).collect()
}

/// An id that was given out once answers for good, with the conversation that it was given to.
#[test]
fn ids_survive_the_second_source() {
    for scenario in SCENARIOS {
        for (first, second) in [(Hooks(scenario), Transcripts(scenario)), (Transcripts(scenario), Hooks(scenario))] {
            let world = world(&[first, Pass]);
            let before = everything(&world);
            assert!(!before.is_empty(), "{}: nothing was derived", scenario.name());
            act(&world, &[second, Pass]);
            let server = world.serve();
            for item in before {
                let (status, now) = server.get(&format!("/api/conversations/{}", id(&item)));
                assert_eq!(status, 200, "{}: {item} no longer answers: {now}", scenario.name());
                assert_eq!(now["session_id"], item["session_id"], "{}", scenario.name());
                if !item["prompt_text"].is_null() {
                    assert_eq!(now["prompt_text"], item["prompt_text"], "{}: {item}", scenario.name());
                }
            }
        }
    }
}

fn id(item: &Value) -> String {
    match &item["id"] {
        Value::String(id) => id.clone(),
        id => id.to_string(),
    }
}

#[test]
fn twice_is_once() {
    for scenario in SCENARIOS {
        let all = [Hooks(scenario), Transcripts(scenario), Pass];
        let world = world(&all);
        let before = everything(&world);
        act(&world, &[Pass]);
        assert_eq!(everything(&world), before, "{}: a second pass changed something", scenario.name());
        act(&world, &all);
        assert_eq!(everything(&world), before, "{}: the same input again changed something", scenario.name());
    }
}

#[test]
fn two_passes_at_once() {
    let world = World::new();
    for scenario in SCENARIOS {
        world.feed(scenario);
        world.projects(scenario);
    }
    let pass = || world.bin("ingest").args(["once", "--projects"]).arg(world.projects_root()).run();
    let passes = thread::scope(|scope| [0, 1].map(|_| scope.spawn(pass)).map(|pass| pass.join().expect("a pass")));
    for done in passes {
        // 75: the other one had the store; what this one left waits for the next pass.
        assert!(matches!(done.status.code(), Some(0 | 75)), "{done}");
    }
    act(&world, &[Pass]);
    let server = world.serve();
    for scenario in SCENARIOS {
        let found = scenario.sessions().iter().flat_map(|session| server.session(session, "")).collect();
        assert_eq!(by_session(found), by_session(scenario.expected()), "{}", scenario.name());
    }
}
