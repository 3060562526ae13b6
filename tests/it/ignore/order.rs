//! What came in which order, in how many processes, and what is stored of it. Each `Once` is a process that has seen nothing before.

use std::collections::BTreeSet;
use std::fs;
use std::ops::ControlFlow;
use std::time::SystemTime;

use harness::World;
use serde_json::{Value, json};
use store::write::{HISTORY_SESSION, Writer};

use super::{OPEN as KEPT, SECRET as HIDDEN, all_files, ingest, once};

/// A step. Each word is said once, and looked for later.
enum Step<'s> {
    /// An event of a session in a folder, which it may not tell.
    Hook(&'s str, Option<&'s str>, &'s str),
    /// A file below the projects root, of these lines, unchanged for an hour; one that begins with `+` was written just now.
    File(&'s str, &'s [Value]),
    /// Claude Code deletes it.
    Gone(&'s str),
    /// A pass, where these patterns are ignored.
    Once(&'s str),
}
use Step::{File, Gone, Hook, Once};

const SECRET: &str = "/work/secret";
const OPEN: &str = "/work/open";

/// As it stands in what is stored: no word is the beginning of another, and none is found by chance.
fn long(word: &str) -> String {
    format!("word-{word}-7d1f0c5e")
}

fn said(session: &str, cwd: &str, word: &str) -> Value {
    json!({"type": "user", "uuid": format!("u-{word}-{session}"), "sessionId": session, "cwd": cwd, "promptId": word,
           "timestamp": "2026-03-20T10:00:00Z", "message": {"role": "user", "content": long(word)}})
}

/// As Claude Code writes a prompt before it knows anything else.
fn queued(session: &str, word: &str) -> Value {
    json!({"type": "queue-operation", "operation": "enqueue", "sessionId": session, "timestamp": "2026-03-20T10:00:00Z",
           "content": long(word)})
}

/// A line of history.jsonl.
fn typed(session: &str, project: Option<&str>, word: &str) -> Value {
    json!({"display": long(word), "timestamp": 1_774_000_000_000_i64, "project": project, "sessionId": session})
}

fn do_it(world: &World, step: &Step<'_>) {
    match step {
        Hook(session, cwd, word) => {
            let mut payload =
                json!({"session_id": session, "hook_event_name": "UserPromptSubmit", "prompt": long(word)});
            if let Some(cwd) = cwd {
                payload["cwd"] = json!(cwd);
            }
            world.hook("UserPromptSubmit", payload.to_string());
        }
        File(path, lines) => {
            let below = path.trim_start_matches('+');
            let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
            world.transcript(below, text.as_bytes());
            if *path != below {
                let file = fs::File::options().write(true).open(world.projects_root().join(below)).unwrap();
                file.set_modified(SystemTime::now()).unwrap();
            }
        }
        Gone(path) => fs::remove_file(world.projects_root().join(path)).unwrap(),
        Once(ignore) => drop(once(world, ignore)),
    }
}

/// Everything that the store has of these sessions and of what was typed.
fn stored(world: &World) -> String {
    let mut writer = Writer::open(world.data()).unwrap();
    let ground = writer.ground().unwrap();
    let mut all = Vec::new();
    for session in [KEPT, HIDDEN, HISTORY_SESSION, "unknown"] {
        ground.events(session, 0, |event| all.extend(event.payload)).unwrap();
        for file in ground.files(session).unwrap() {
            let mut keep = |chunk: &[u8]| {
                all.extend_from_slice(chunk);
                ControlFlow::Continue(())
            };
            ground.bytes(file.id, 0, &mut keep).unwrap();
        }
    }
    String::from_utf8(all).unwrap()
}

/// Which words are stored, and which wait in the queue; of any other the data directory has nothing.
fn check(cause: &str, steps: &[Step<'_>], kept: &str, waiting: &str) {
    let world = World::new();
    let mut words = BTreeSet::new();
    for step in steps {
        match step {
            Hook(_, _, word) => drop(words.insert((*word).to_owned())),
            File(_, lines) => {
                let told =
                    lines.iter().flat_map(|line| line.to_string().split('"').map(str::to_owned).collect::<Vec<_>>());
                words.extend(told.filter_map(|text| Some(text.strip_prefix("word-")?.split('-').next()?.to_owned())));
            }
            Gone(_) | Once(_) => {}
        }
        do_it(&world, step);
    }
    let found = |has: &dyn Fn(&str) -> bool| {
        words.iter().filter(|word| has(&long(word))).map(String::as_str).collect::<Vec<_>>().join(" ")
    };
    let store = stored(&world);
    let mut paths = Vec::new();
    all_files(world.data().root(), &mut paths);
    let holding = |word: &str, dir: &str| {
        paths.iter().any(|path| {
            let is_there = path.starts_with(world.data().root().join(dir));
            is_there && fs::read(path).unwrap().windows(word.len()).any(|bytes| bytes == word.as_bytes())
        })
    };
    let is_queued = |word: &str| holding(word, "queue/incoming") || holding(word, "queue/processing");
    assert_eq!(found(&|word| store.contains(word)), kept, "stored: {cause}\n{}", world.tree());
    assert_eq!(found(&is_queued), waiting, "waiting: {cause}\n{}", world.tree());
    let leaked = found(&|word| holding(word, "") && !store.contains(word) && !is_queued(word));
    assert_eq!(leaked, "", "left somewhere: {cause}\n{}", world.tree());
    let report = ingest(&world, "", &["status"]).run();
    assert_eq!(report.out().contains("waiting, the oldest"), !waiting.is_empty(), "{cause}: {report}");
}

#[test]
fn a_session_is_what_its_first_event_said() {
    let (a, b, c) = (Hook(KEPT, Some(OPEN), "a"), Hook(KEPT, Some(SECRET), "b"), Hook(KEPT, Some(OPEN), "c"));
    check("it only passes through, each time another process", &[a, Once(SECRET), b, c, Once(SECRET)], "a c", "");
    let (a, b, c) = (Hook(KEPT, Some(OPEN), "a"), Hook(KEPT, Some(SECRET), "b"), Hook(KEPT, Some(OPEN), "c"));
    check("it only passes through, in one process", &[a, b, c, Once(SECRET)], "a c", "");
    let (a, b) = (Hook(HIDDEN, Some(SECRET), "a"), Hook(HIDDEN, Some(OPEN), "b"));
    check("it goes elsewhere, to another process", &[a, Once(SECRET), b, Once(SECRET)], "", "");
    let (a, b) = (Hook(HIDDEN, Some(SECRET), "a"), Hook(HIDDEN, Some(OPEN), "b"));
    check("another pattern goes meanwhile", &[a, Once("/else:/work/secret"), b, Once(SECRET)], "", "");
    let (a, b, c) = (Hook(HIDDEN, Some(SECRET), "a"), Hook(HIDDEN, Some(OPEN), "b"), Hook(HIDDEN, Some(OPEN), "c"));
    check("the pattern goes", &[a, Once(SECRET), b, Once("/else"), c, Once(SECRET)], "b", "");
    let (a, b) = (Hook(HIDDEN, Some(SECRET), "a"), Hook(HIDDEN, Some(OPEN), "b"));
    check("the pattern comes after its beginning", &[a, Once(""), b, Once(SECRET)], "a", "");
}

#[test]
fn an_event_that_names_no_folder() {
    let secret = [said(HIDDEN, SECRET, "b")];
    let secret = || File("-p/0914908d-acc8-48aa-98d6-77d558fb9590.jsonl", &secret);
    let open = [said(KEPT, OPEN, "b")];
    let open = || File("-p/1914908d-acc8-48aa-98d6-77d558fb9590.jsonl", &open);
    check("nothing tells", &[Hook(HIDDEN, None, "a"), Once(SECRET), Once(SECRET)], "", "a");
    check("nothing is ignored any more", &[Hook(KEPT, None, "a"), Once(SECRET), Once("")], "a", "");
    check("its transcript tells, later", &[Hook(HIDDEN, None, "a"), Once(SECRET), secret(), Once(SECRET)], "", "");
    check("its transcript tells, later", &[Hook(KEPT, None, "a"), Once(SECRET), open(), Once(SECRET)], "a b", "");
    check("its transcript is there", &[open(), Hook(KEPT, None, "a"), Once(SECRET)], "a b", "");
    check("the next tells", &[Hook(HIDDEN, None, "a"), Hook(HIDDEN, Some(SECRET), "b"), Once(SECRET)], "", "");
    check("the next tells", &[Hook(KEPT, None, "a"), Hook(KEPT, Some(OPEN), "b"), Once(SECRET)], "a b", "");
    check(
        "one before told",
        &[Hook(KEPT, Some(OPEN), "a"), Once(SECRET), Hook(KEPT, None, "b"), Once(SECRET)],
        "a b",
        "",
    );
    check("it names no session either", &[Hook("", None, "a"), Once(SECRET)], "a", "");
}

#[test]
fn a_transcript_without_a_folder() {
    let hidden = [queued(HIDDEN, "a"), json!({"type": "last-prompt", "lastPrompt": long("b"), "sessionId": HIDDEN})];
    let named = |at: &'static str| File(at, &hidden);
    let (may_be, elsewhere) = (
        "-work-secret/0914908d-acc8-48aa-98d6-77d558fb9590.jsonl",
        "-work-open/0914908d-acc8-48aa-98d6-77d558fb9590.jsonl",
    );
    let hook = |cwd: &'static str| Hook(HIDDEN, Some(cwd), "c");
    check("an event told", &[hook(SECRET), Once(SECRET), named(elsewhere), Once(SECRET)], "", "");
    check("an event told", &[hook(OPEN), Once(SECRET), named(may_be), Once(SECRET)], "a b c", "");
    check("it may be ignored", &[named(may_be), Once(SECRET), Once(SECRET)], "", "");
    check("it may be ignored", &[named(may_be), Once("**/secret"), Once("**/secret")], "", "");
    check("until the pattern goes", &[named(may_be), Once(SECRET), Once("/else")], "a b", "");
    check("it cannot be ignored", &[named(elsewhere), Once(SECRET)], "a b", "");
    let young = File("+-work-open/0914908d-acc8-48aa-98d6-77d558fb9590.jsonl", &hidden);
    check("it may tell yet", &[young, Once(SECRET)], "", "");
}

#[test]
fn what_a_tool_told_and_the_transcript_is_gone() {
    let said = [said(KEPT, OPEN, "a")];
    let main = "-work-secret-x/1914908d-acc8-48aa-98d6-77d558fb9590.jsonl";
    let output = [json!(long("b"))];
    let output = |at: &'static str| File(at, &output);
    let (below, elsewhere) = (
        "-work-secret-x/1914908d-acc8-48aa-98d6-77d558fb9590/tool-results/x.txt",
        "-w/1914908d-acc8-48aa-98d6-77d558fb9590/tool-results/x.txt",
    );
    check("it cannot be ignored", &[output(elsewhere), Once(SECRET)], "b", "");
    check("it may be ignored", &[output(below), Once(SECRET)], "", "");
    let stored = [File(main, &said), Once(SECRET), Gone(main), output(below), Once(SECRET)];
    check("the stored transcript tells", &stored, "a b", "");
    let event = [Hook(KEPT, Some(OPEN), "a"), Once(SECRET), output(below), Once(SECRET)];
    check("the stored event tells", &event, "a b", "");
    let event = [Hook(KEPT, Some(SECRET), "a"), Once(SECRET), output(elsewhere), Once(SECRET)];
    check("it was kept that it is ignored", &event, "", "");
}

#[test]
fn a_subagent_beside_its_session() {
    for (session, cwd, kept) in [(HIDDEN, SECRET, ""), (KEPT, OPEN, "a b")] {
        let (main, agent) = ([said(session, cwd, "a")], [said(session, "/else", "b")]);
        let (at, agent) = (format!("-z/{session}.jsonl"), File("-a/agent-0a1b2c3d.jsonl", &agent));
        check("its session began", &[File(&at, &main), agent, Once(SECRET)], kept, "");
        let agent = [said(session, "/else", "b")];
        let hooked =
            [Hook(session, Some(cwd), "a"), Once(SECRET), File("-a/agent-0a1b2c3d.jsonl", &agent), Once(SECRET)];
        check("its session began, as an event told", &hooked, kept, "");
    }
    let (main, agent) = ([said(KEPT, OPEN, "a")], [said(KEPT, SECRET, "b")]);
    let at = format!("-z/{KEPT}.jsonl");
    check(
        "it went where it is ignored",
        &[File(&at, &main), File("-a/agent-1.jsonl", &agent), Once(SECRET)],
        "a b",
        "",
    );
    let agent = [said(HIDDEN, SECRET, "a")];
    check("nothing is known of its session", &[File("-a/agent-1.jsonl", &agent), Once(SECRET)], "", "");
}

#[test]
fn what_was_typed_in_a_session() {
    let history = [
        typed(HIDDEN, Some(OPEN), "a"),
        typed(HIDDEN, None, "b"),
        typed(KEPT, Some(OPEN), "c"),
        typed(KEPT, Some(SECRET), "d"),
        typed(KEPT, None, "e"),
    ];
    let main = [said(HIDDEN, SECRET, "x")];
    let at = format!("-z/{HIDDEN}.jsonl");
    let typed = || File("../history.jsonl", &history);
    check("its transcript tells", &[typed(), File(&at, &main), Once(SECRET)], "c e", "");
    check("its event told", &[Hook(HIDDEN, Some(SECRET), "x"), Once(SECRET), typed(), Once(SECRET)], "c e", "");
    check("its event tells", &[Hook(HIDDEN, Some(SECRET), "x"), typed(), Once(SECRET)], "c e", "");
    check("nothing tells", &[typed(), Once(SECRET)], "a b c e", "");
}

/// A file goes only once the store keeps what it was ignored for.
#[test]
fn nothing_is_removed_that_cannot_be_kept() {
    let world = World::new();
    do_it(&world, &Once(SECRET)); // so that there is a database
    do_it(&world, &Hook(HIDDEN, Some(SECRET), "a"));
    let mut writer = Writer::open(world.data()).unwrap();
    let held = writer.batch().unwrap();
    let report: Value = ingest(&world, SECRET, &["once", "--json"]).run().code(75).json();
    assert_eq!((report["ignored"].as_u64(), report["put_back"].as_u64()), (Some(0), Some(1)), "{report}");
    drop(held);
    assert_eq!(once(&world, SECRET)["ignored"], 1);
    do_it(&world, &Hook(HIDDEN, Some(OPEN), "b"));
    assert_eq!(once(&world, SECRET)["ignored"], 1);
}

/// As documented: what a fork copied comes first in it, and is of the ignored session.
#[test]
fn a_fork_of_an_ignored_session() {
    let copied = [said(KEPT, SECRET, "a"), said(KEPT, OPEN, "b")];
    let at = format!("-work-open/{KEPT}.jsonl");
    check("it runs elsewhere", &[File(&at, &copied), Hook(KEPT, Some(OPEN), "c"), Once(SECRET)], "", "");
}
