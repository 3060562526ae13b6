//! What the settings ignore: of such a project or session nothing is kept, whichever way it comes, and its neighbours are whole.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod order;

use std::collections::BTreeSet;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use harness::{Cmd, World};
use serde_json::{Value, json};
use store::write::{Event, Role, Writer};

/// Stands in everything that the ignored session says, in every way that it is told.
const CANARY: &str = "canary-7d1f0c5e";
/// And this in what its neighbour says.
const NEIGHBOUR: &str = "neighbour-7d1f0c5e";

const SECRET: &str = "0914908d-acc8-48aa-98d6-77d558fb9590";
const OPEN: &str = "1914908d-acc8-48aa-98d6-77d558fb9590";

/// The variable.
const IGNORE: &str = "PROMPT_MANAGER_IGNORE";

fn payload(session: &str, cwd: &str, event: &str, word: &str) -> String {
    json!({"session_id": session, "transcript_path": format!("/x/{session}.jsonl"), "cwd": cwd, "hook_event_name": event,
           "prompt": format!("{word} {event}"), "last_assistant_message": format!("{word} answer")})
    .to_string()
}

/// A transcript as print mode writes it: the prompt stands before the first `cwd`.
fn transcript(session: &str, cwds: &[&str], word: &str) -> String {
    let mut text = json!({"type": "queue-operation", "operation": "enqueue", "sessionId": session,
                          "timestamp": "2026-03-20T10:00:00Z", "content": format!("{word} queued")})
    .to_string()
        + "\n";
    for (n, cwd) in cwds.iter().enumerate() {
        for (kind, role) in [("user", "user"), ("assistant", "assistant")] {
            let line = json!({"type": kind, "uuid": format!("{kind}-{n}-{session}"), "sessionId": session, "cwd": cwd,
                "timestamp": format!("2026-03-20T10:00:{:02}Z", n + 1), "promptId": format!("{n}-{session}"),
                "message": {"role": role, "id": format!("m{n}"), "content": [{"type": "text", "text": format!("{word} {kind} {n}")}]}});
            text += &format!("{line}\n");
        }
    }
    text
}

/// A session as all of its files below the projects root.
fn files(world: &World, project: &str, session: &str, cwd: &str, word: &str) {
    let write = |below: &str, text: &str| world.transcript(&format!("{project}/{session}{below}"), text.as_bytes());
    write(".jsonl", &transcript(session, &[cwd, cwd], word));
    // In a worktree somewhere else: it is the session's all the same.
    write("/subagents/agent-a1.jsonl", &transcript(session, &["/elsewhere"], word));
    write("/subagents/agent-a1.meta.json", &json!({"description": word}).to_string());
    write("/tool-results/big.txt", word);
}

fn hooks(world: &World, session: &str, cwd: &str, word: &str) {
    for event in ["SessionStart", "UserPromptSubmit", "PostToolUse", "Stop"] {
        world.hook(event, payload(session, cwd, event, word));
    }
}

fn ingest(world: &World, ignore: &str, args: &[&str]) -> Cmd {
    world.bin("ingest").env(IGNORE, ignore).env("PROMPT_MANAGER_PROJECTS", world.projects_root()).args(args)
}

fn once(world: &World, ignore: &str) -> Value {
    ingest(world, ignore, &["once", "--json"]).succeed().json()
}

fn all_files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() { all_files(&path, found) } else { found.push(path) }
    }
}

/// Where the data directory has this word: in the bytes of its files, in stored events, in stored files, in what is listed.
fn traces(world: &World, session: &str, word: &str) -> BTreeSet<&'static str> {
    let mut found = BTreeSet::new();
    let holds = |bytes: &[u8]| bytes.windows(word.len()).any(|window| window == word.as_bytes());
    let mut paths = Vec::new();
    all_files(world.data().root(), &mut paths);
    all_files(&world.root().join("state"), &mut paths);
    for path in paths {
        let name = path.strip_prefix(world.root()).unwrap().to_str().unwrap();
        if holds(&fs::read(&path).unwrap()) || name.contains(session) {
            found.insert(match () {
                () if name.contains("failed") => "failed",
                () if name.contains("archive") => "archive",
                () if name.contains("database") => "database",
                () => "elsewhere",
            });
        }
    }
    let mut writer = Writer::open(world.data()).unwrap();
    let ground = writer.ground().unwrap();
    let mut keep = |event: Event| {
        if holds(&event.payload) {
            found.insert("events");
        }
    };
    ground.events(session, 0, &mut keep).unwrap();
    for file in ground.files(session).unwrap() {
        let mut bytes = Vec::new();
        let mut keep = |chunk: &[u8]| {
            bytes.extend_from_slice(chunk);
            ControlFlow::Continue(())
        };
        ground.bytes(file.id, 0, &mut keep).unwrap();
        if holds(&bytes) {
            found.insert(match file.role {
                Role::Main => "main",
                Role::Subagent => "subagent",
                Role::Meta => "meta",
                Role::ToolResult => "tool-result",
                Role::History => "history",
            });
        }
    }
    drop(ground);
    let listed = ingest(world, "", &["export", "-f", "jsonl"]).succeed();
    if holds(&listed.stdout) {
        found.insert("listed");
    }
    found
}

/// Where the word of a session that is captured by everything stands.
const WHOLE: [&str; 8] = ["archive", "database", "events", "listed", "main", "meta", "subagent", "tool-result"];

fn check_kept(world: &World, session: &str, word: &str) {
    let found = traces(world, session, word);
    let missing: Vec<_> = WHOLE.iter().filter(|place| !found.contains(*place)).collect();
    assert!(missing.is_empty() && !found.contains("failed"), "{word} is not in {missing:?}, only in {found:?}");
}

fn check_nothing(world: &World, session: &str, word: &str) {
    assert_eq!(traces(world, session, word), BTreeSet::new(), "{word}\n{}", world.tree());
}

/// A session in this folder and its neighbour, by hooks and transcripts; whether the pattern ignores it.
fn check(ignore: &str, cwd: &str, ignored: bool) {
    let world = World::new();
    for (project, session, cwd, word) in [("-p", SECRET, cwd, CANARY), ("-q", OPEN, "/work/open", NEIGHBOUR)] {
        hooks(&world, session, cwd, word);
        files(&world, project, session, cwd, word);
    }
    let ignore = ignore.replace("ROOT", world.root().to_str().unwrap());
    for _ in 0..2 {
        once(&world, &ignore);
    }
    world.assert_drained();
    if ignored {
        check_nothing(&world, SECRET, CANARY);
    } else {
        check_kept(&world, SECRET, CANARY);
    }
    check_kept(&world, OPEN, NEIGHBOUR);
}

#[test]
fn nothing_of_it_is_kept() {
    check("/work/secret", "/work/secret", true);
    check("/nowhere:/work/*cret", "/work/secret/deep/inside", true);
    check(&format!("session={}*", &SECRET[..8]), "/work/open", true);
    check("**/secret", "/work/secret", true);
    check("/work/secret", "/work/secrets", false);
    check("", "/work/secret", false);
}

/// A pattern with `~` or through a link means the folder that Claude Code tells.
#[test]
fn as_a_person_writes_it() {
    let world = World::new();
    fs::create_dir_all(world.root().join("disk/secret")).unwrap();
    std::os::unix::fs::symlink(world.root().join("disk"), world.home().join("work")).unwrap();
    let cwd = world.root().canonicalize().unwrap().join("disk/secret/x");
    hooks(&world, SECRET, cwd.to_str().unwrap(), CANARY);
    files(&world, "-p", SECRET, cwd.to_str().unwrap(), CANARY);
    hooks(&world, OPEN, world.home().join("open").to_str().unwrap(), NEIGHBOUR);
    files(&world, "-q", OPEN, world.home().join("open").to_str().unwrap(), NEIGHBOUR);
    let report = once(&world, "~/work/sec*");
    assert_eq!((report["ignored"].as_u64(), report["stored"].as_u64()), (Some(4), Some(4)), "{report}");
    check_nothing(&world, SECRET, CANARY);
    check_kept(&world, OPEN, NEIGHBOUR);
    let status = ingest(&world, "~/work/sec*", &["status"]).run();
    assert!(status.out().contains("4 events of what is never captured"), "{status}");
    let doctor: Value = ingest(&world, "~/work/sec*", &["doctor", "--json"]).run().json();
    let codes: Vec<_> = doctor["findings"].as_array().unwrap().iter().map(|found| found["code"].clone()).collect();
    assert!(codes.iter().all(|code| code == "folder_open"), "{doctor}");
}

/// A plain command takes it in after all: the files are where they were.
#[test]
fn importing() {
    let world = World::new();
    let log = world.root().join("log/hooks.jsonl");
    let queued = world.root().join("queued");
    fs::create_dir_all(log.parent().unwrap()).unwrap();
    fs::create_dir_all(&queued).unwrap();
    let mut lines = String::new();
    for (session, cwd, word) in [(SECRET, "/work/secret", CANARY), (OPEN, "/work/open", NEIGHBOUR)] {
        files(&world, &cwd.replace('/', "-"), session, cwd, word);
        lines += &format!("{}\n", payload(session, cwd, "UserPromptSubmit", word));
        let name = format!("1795350951598014047-{session}-Stop.json");
        fs::write(queued.join(name), payload(session, cwd, "Stop", word)).unwrap();
    }
    fs::write(&log, lines).unwrap();
    let paths = [world.projects_root(), log.parent().unwrap().to_owned(), queued];
    let import = |ignore: &str| -> Value {
        ingest(&world, ignore, &["import", "--json", "--quiet"]).args(&paths).succeed().json()
    };
    let report = import("/work/secret");
    assert_eq!((report["ignored"].as_u64(), report["files"]["growing"].as_u64()), (Some(6), Some(0)), "{report}");
    check_nothing(&world, SECRET, CANARY);
    assert!(traces(&world, OPEN, NEIGHBOUR).is_superset(&BTreeSet::from(["events", "listed", "main", "subagent"])));
    let report = import("");
    assert_eq!((report["ignored"].as_u64(), report["files"]["new"].as_u64()), (Some(0), Some(4)), "{report}");
    assert!(traces(&world, SECRET, CANARY).is_superset(&BTreeSet::from(["events", "listed", "main", "subagent"])));
}

/// What cannot be taken in goes to failed with its bytes, and what hooks left behind comes from elsewhere.
#[test]
fn neither_by_a_side_way() {
    let world = World::new();
    let home = world.data();
    home.create().unwrap();
    let spill = world.root().join("state/prompt-manager/spill/incoming");
    fs::create_dir_all(&spill).unwrap();
    let long_ago = SystemTime::now() - Duration::from_secs(48 * 3600);
    for (n, (session, cwd, word)) in
        [(SECRET, "/work/secret", CANARY), (OPEN, "/work/open", NEIGHBOUR)].into_iter().enumerate()
    {
        let whole = payload(session, cwd, "Stop", word);
        let name =
            |at: usize, session: &str| format!("{:019}-{session}-Stop.json", 1_795_350_951_000_000_000 + n + 10 * at);
        let put = |dir: &Path, at: usize, session: &str, bytes: &[u8]| {
            let path = dir.join(name(at, session));
            fs::write(&path, bytes).unwrap();
            fs::File::options().write(true).open(&path).unwrap().set_modified(long_ago).unwrap();
        };
        put(&home.incoming(), 1, session, whole.as_bytes());
        // Cut behind its `cwd`, before it, with something behind, not UTF-8, too large.
        put(&home.incoming(), 2, session, &whole.as_bytes()[..whole.len() - 20]);
        put(&home.incoming(), 3, session, format!("{{\"prompt\":\"{word}").as_bytes());
        put(&home.incoming(), 4, session, format!("{whole} {word}").as_bytes());
        put(&home.incoming(), 5, session, &[&whole.as_bytes()[..whole.len() - 1], b",\"x\":\"\xff\"}"].concat());
        put(&home.incoming(), 6, session, whole.replace(" answer", &"x".repeat(5000)).as_bytes());
        // Its name tells nothing, its bytes do.
        put(&home.incoming(), 7, "unknown", whole.as_bytes());
        // Left by hooks that died, complete and not, and where the queue could not be written.
        put(&home.tmp(), 8, "unknown", whole.as_bytes());
        put(&home.tmp(), 9, "unknown", &whole.as_bytes()[..whole.len() - 20]);
        put(&spill, 10, session, whole.as_bytes());
        // Its reader died three times.
        fs::write(home.processing().join(name(11, session) + ".a3"), &whole).unwrap();
    }
    let report = ingest(&world, "/work/secret", &["once", "--json", "--max-event", "4KiB"]).succeed().json();
    assert_eq!((report["ignored"].as_u64(), report["failed"].as_u64()), (Some(11), Some(7)), "{report}");
    check_nothing(&world, SECRET, CANARY);
    assert!(traces(&world, OPEN, NEIGHBOUR).is_superset(&BTreeSet::from(["archive", "events", "failed", "listed"])));
}

/// A session belongs to the folder in which it began.
#[test]
fn a_session_that_moves() {
    let world = World::new();
    let (began, moved) = ("/work/secret", "/work/open");
    let hook = |event: &str, session: &str, cwd: &str, word: &str| {
        // Before the times that the transcripts tell.
        let hook = world.bin("prompt-hook").arg(event).env("PROMPT_MANAGER_CLOCK_NS", "1774000740000000000");
        let _ = hook.stdin(payload(session, cwd, event, word)).succeed();
    };
    hook("SessionStart", SECRET, began, CANARY);
    world.transcript(&format!("-p/{SECRET}.jsonl"), transcript(SECRET, &[began, moved], CANARY).as_bytes());
    hook("UserPromptSubmit", OPEN, moved, NEIGHBOUR);
    let ran = json!({"type": "system", "subtype": "stop_hook_summary", "uuid": "ran", "cwd": began, "sessionId": OPEN,
                     "timestamp": "2026-03-20T10:00:09Z", "hookInfos": [{"command": "/x/prompt-hook Stop"}]});
    let text = format!("{}{ran}\n", transcript(OPEN, &[moved, began], NEIGHBOUR));
    world.transcript(&format!("-q/{OPEN}.jsonl"), text.as_bytes());
    once(&world, "/work/secret");
    // Another process, which saw nothing of their beginnings.
    hook("Stop", SECRET, moved, CANARY);
    hook("Stop", OPEN, began, NEIGHBOUR);
    let report = once(&world, "/work/secret");
    assert_eq!((report["ignored"].as_u64(), report["stored"].as_u64()), (Some(2), Some(0)), "{report}");
    check_nothing(&world, SECRET, CANARY);
    assert!(traces(&world, OPEN, NEIGHBOUR).is_superset(&BTreeSet::from(["events", "listed", "main"])));
    for (ignore, missed) in [("/work/secret", false), ("", true)] {
        let doctor = ingest(&world, ignore, &["doctor", "--json"]).run();
        assert_eq!(doctor.out().contains("hooks_lost"), missed, "{ignore}: {doctor}");
    }
}

/// What was there before the pattern stays and does not grow; without the pattern it goes on.
#[test]
fn what_was_captured_before_stays() {
    let world = World::new();
    let path = format!("-p/{SECRET}.jsonl");
    let prompts = || ingest(&world, "", &["export", "-f", "jsonl"]).succeed().out().lines().count();
    world.hook("UserPromptSubmit", payload(SECRET, "/work/secret", "UserPromptSubmit", "before"));
    world.transcript(&path, transcript(SECRET, &["/work/secret"], "before").as_bytes());
    once(&world, "");
    let before = prompts();
    assert!(before > 1);
    world.transcript(&path, (transcript(SECRET, &["/work/secret"], "before") + &later()).as_bytes());
    // One waits already when the pattern comes.
    world.hook("UserPromptSubmit", payload(SECRET, "/work/secret", "UserPromptSubmit", CANARY));
    once(&world, "/work/secret");
    assert_eq!(prompts(), before);
    let bytes = |word: &str| traces(&world, "none", word);
    assert!(bytes(CANARY).is_empty() && !bytes("before").is_empty());
    once(&world, "");
    assert!(traces(&world, SECRET, CANARY).is_superset(&BTreeSet::from(["main", "listed"])));
}

fn later() -> String {
    json!({"type": "user", "uuid": "later", "sessionId": SECRET, "cwd": "/work/secret", "promptId": "later",
           "timestamp": "2026-03-20T11:00:00Z", "message": {"role": "user", "content": format!("{CANARY} later")}})
    .to_string()
        + "\n"
}

/// The hook knows nothing of it: it answers, and nothing comes of it.
#[test]
fn a_rating_in_an_ignored_session() {
    let world = World::new();
    world.hook("UserPromptSubmit", payload(SECRET, "/work/secret", "UserPromptSubmit", CANARY));
    let rate = json!({"session_id": SECRET, "cwd": "/work/secret", "hook_event_name": "UserPromptSubmit",
                      "prompt": format!("/rate 5 {CANARY}")});
    let done = world.bin("prompt-hook").args(["UserPromptSubmit", "--rate"]).stdin(rate.to_string()).run().code(0);
    assert!(done.out().contains("rating 5 saved"), "{done}");
    assert_eq!(once(&world, "/work/secret")["ignored"], 2);
    check_nothing(&world, SECRET, CANARY);
}

#[test]
fn a_pattern_that_is_none_stops_every_program() {
    let world = World::new();
    let config = world.root().join("config/prompt-manager/config.toml");
    fs::create_dir_all(config.parent().unwrap()).unwrap();
    let check = |line: &str, variable: &str, expected: &str| {
        fs::write(&config, format!("every = '1s'\n{line}\n")).unwrap();
        for (program, args) in [("ingest", ["once"].as_slice()), ("query-api", &["serve", "--listen", "127.0.0.1:0"])] {
            let done = world.bin(program).env(IGNORE, variable).args(args).run().code(78);
            assert!(done.err().contains(expected) && done.err().lines().count() == 1, "{done}");
        }
    };
    check("ignore = ['/a[']", "", "config.toml, line 2, key `ignore`: `/a[` is no pattern: unclosed character class");
    check("ignore = ['~/ok', 'secret']", "", "line 2, key `ignore`: `secret` begins with none of /, ~/ and **/");
    check("", "/a:{b", "environment variable PROMPT_MANAGER_IGNORE: `{b` begins with none of");
    check("", "session:x", "`session` begins with none of");
    assert!(!world.data().database().exists());
}
