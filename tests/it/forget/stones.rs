//! Each way in which something that was forgotten was found again, or something else went with it.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use harness::{Told, World};
use serde_json::{Value, json};
use store::human::{Stamp, Title};
use store::write::Writer;

use super::{AT_MS, CANARY, assert_nowhere, forget, ingest, places, prompts};
use harness::rows;

/// A story is told, what asks for the canary is forgotten, and something comes later.
#[track_caller]
fn check(name: &str, tell: impl FnOnce(&World) -> Told, late: impl FnOnce(&World, &Told), stays: &[&str]) {
    let world = World::new();
    fs::create_dir_all(world.projects_root()).unwrap();
    let told = tell(&world);
    let _ = world.ingest_once();
    let is_it =
        |row: &&store::read::Conversation| row.turn.prompt_text.as_deref().is_some_and(|text| text.contains(CANARY));
    let all = rows::all(world.data());
    let ids: Vec<String> = all.iter().filter(is_it).map(|row| row.turn.id.0.to_string()).collect();
    assert!(!ids.is_empty(), "{name}: there is nothing to forget");
    let said = forget(&world, &["--conversation", &ids.join(",")]);
    assert_eq!(said["back"], json!([]), "{name}: {said}");
    let look = |when: &str| {
        assert_nowhere(&world, &format!("{name}, {when}"));
        assert_eq!(prompts(&world), stays, "{name}, {when}");
    };
    look("after forget");
    late(&world, &told);
    let _ = world.ingest_once();
    look("later");
    let _ = ingest(&world, &["import", "--quiet"]).succeed();
    let _ = ingest(&world, &["rebuild", "--index"]).succeed();
    look("after a rebuild");
}

fn canary(what: &str) -> String {
    format!("{CANARY} {what}")
}

/// Two prompts that stay around one that goes.
fn three() -> Told {
    let mut told = Told::begin(7, "/home/dev/work", AT_MS);
    turn(&mut told, "first stays");
    told.prompt(&canary("asked"));
    told.bash(&canary("command"), &canary("output"), false);
    told.answers(&canary("answered"));
    turn(&mut told, "third stays");
    told
}

fn turn(told: &mut Told, prompt: &str) {
    told.prompt(prompt);
    told.answers("an answer that stays");
}

const THREE: [&str; 2] = ["third stays", "first stays"];

fn place(world: &World, told: &Told) {
    for (path, bytes) in told.files() {
        world.transcript(path.to_str().unwrap(), &bytes);
    }
}

/// One that is only told by its transcript.
fn read(tell: impl FnOnce(&mut Told)) -> impl FnOnce(&World) -> Told {
    |world| {
        let mut told = Told::begin(7, "/home/dev/work", AT_MS);
        tell(&mut told);
        place(world, &told);
        told
    }
}

fn lines(told: &Told) -> Vec<Value> {
    let bytes = told.files().remove(0).1;
    String::from_utf8(bytes).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn text(lines: &[Value]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn append(world: &World, told: &Told, line: &Value) {
    let path = world.projects_root().join(&told.files()[0].0);
    writeln!(fs::File::options().append(true).open(path).unwrap(), "{line}").unwrap();
}

fn fire(world: &World, told: &Told, without_ids: bool, wanted: impl Fn(&str) -> bool) {
    for (ns, event, payload) in told.events.iter().filter(|(_, event, _)| wanted(event)) {
        let mut payload = payload.clone();
        if without_ids {
            payload.as_object_mut().unwrap().remove("prompt_id");
        }
        let hook = world.bin("prompt-hook").arg(event).env("PROMPT_MANAGER_CLOCK_NS", ns.to_string());
        let _ = hook.stdin(payload.to_string()).run().code(0).silent();
    }
}

/// A log of payloads that another hook kept: its entries have no names.
fn log(world: &World, told: &Told, without_ids: bool) -> PathBuf {
    let path = world.root().join("log.jsonl");
    let payload = |(_, _, payload): &(u64, String, Value)| {
        let mut payload = payload.clone();
        if without_ids {
            payload.as_object_mut().unwrap().remove("prompt_id");
        }
        format!("{payload}\n")
    };
    fs::write(&path, told.events.iter().map(payload).collect::<String>()).unwrap();
    path
}

fn nothing(_: &World, _: &Told) {}

/// Of a client that gives no uuids any two lines have parts in common, such as the kind of user.
#[test]
fn lines_without_uuid() {
    let message = |told: &mut Told, role: &str, text: &str, time: Option<&str>| {
        let mut line = json!({"type": role, "sessionId": told.id, "userType": "external", "entrypoint": "sdk-py",
            "cwd": "/home/dev/work", "message": {"role": role, "content": [{"type": "text", "text": text}]}});
        if let Some(time) = time {
            line["timestamp"] = json!(time);
        }
        told.raw(&line);
    };
    let tell = |time: Option<&'static str>| {
        read(move |told| {
            for prompt in [&canary("asked"), "second stays", "third stays"] {
                message(told, "user", prompt, time);
                message(told, "assistant", &format!("the answer to {prompt}"), time);
            }
        })
    };
    let stays = &["third stays", "second stays"];
    check("in one second", tell(Some("2026-11-18T11:06:40Z")), nothing, stays);
    check("without times", tell(None), nothing, stays);
}

/// Its line is not there yet, so that nothing names it.
#[test]
fn the_output_of_a_later_call_that_still_runs() {
    let output = "-home-dev-work/SESSION/tool-results/mcp-db-query-1.txt";
    let tell = |world: &World| {
        let mut told = three();
        told.prompt("fourth stays");
        place(world, &told);
        world.transcript(&output.replace("SESSION", &told.id), b"what a later call gave");
        told
    };
    let late = |world: &World, told: &Told| {
        let line = json!({"type": "user", "uuid": "77777777-2222-4333-8444-555555555555", "sessionId": told.id,
            "message": {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_9", "content": "saved to: mcp-db-query-1.txt"}]}});
        append(world, told, &line);
        let out = world.root().join("exported");
        let _ = ingest(world, &["export", "-f", "transcript", "--out"]).arg(&out).succeed();
        let stored = super::files(&out).into_iter().find(|path| path.ends_with("mcp-db-query-1.txt")).unwrap();
        assert_eq!(fs::read(stored).unwrap(), b"what a later call gave");
    };
    check("an output", tell, late, &["fourth stays", "third stays", "first stays"]);
}

/// A fork may give its copies uuids of their own, and an old client writes a session's title into another's transcript.
#[test]
fn copies_in_other_sessions() {
    const FORK: &str = "ffffffff-2222-4333-8444-555555555555";
    let tell = |world: &World| {
        let told = three();
        place(world, &told);
        fire(world, &told, false, |_| true);
        let (mut copies, mut own) = (lines(&told), Told::begin(9, "/home/dev/work", AT_MS + 900_000));
        let new = |uuid: &Value| uuid.as_str().map(|uuid| format!("f{}", &uuid[1..]));
        for line in &mut copies {
            line["forkedFrom"] = json!({"sessionId": told.id, "messageUuid": line["uuid"]});
            (line["uuid"], line["parentUuid"]) = (json!(new(&line["uuid"])), json!(new(&line["parentUuid"])));
            line["sessionId"] = json!(FORK);
        }
        turn(&mut own, "the fork asks");
        copies.extend(lines(&own));
        world.transcript(&format!("-home-dev-work/{FORK}.jsonl"), text(&copies).as_bytes());
        let gone = lines(&told).into_iter().rfind(|line| line.to_string().contains(CANARY)).unwrap();
        let mut other = Told::begin(8, "/home/dev/else", AT_MS + 950_000);
        other.raw(&json!({"type": "summary", "summary": canary("in a title"), "leafUuid": gone["uuid"]}));
        turn(&mut other, "elsewhere stays");
        place(world, &other);
        told
    };
    check("a fork", tell, nothing, &["elsewhere stays", "the fork asks", "third stays", "first stays"]);
}

/// Transcripts that were put together by hand have lines that share a uuid.
#[test]
fn a_uuid_that_two_lines_share() {
    let tell = |world: &World| {
        let told = three();
        let mut all = lines(&told);
        let of = |all: &[Value], what: &str| {
            all.iter().position(|line| line["type"] == "user" && line["message"]["content"] == what).unwrap()
        };
        let (gone, stays) = (of(&all, &canary("asked")), of(&all, "third stays"));
        all[gone]["uuid"] = all[stays]["uuid"].clone();
        world.transcript(told.files()[0].0.to_str().unwrap(), text(&all).as_bytes());
        told
    };
    check("a uuid of two", tell, nothing, &THREE);
}

/// What a client sent stands once more among the lines of the next prompt, in a line of another type.
#[test]
fn what_was_sent_is_written_down_later() {
    let late = json!({"type": "made-later", "answer": "an answer that stays", "seq": 1});
    let tell = read(|told| {
        turn(told, "first stays");
        told.prompt(&canary("asked at length"));
        told.bash(&canary("command"), &canary("output"), false);
        told.answers(&canary("answered"));
        told.prompt("third stays");
        for message in [
            json!({"role": "assistant", "content": [{"type": "text", "text": canary("answered")}]}),
            json!({"role": "assistant", "content": [{"type": "tool_use", "input": {"command": canary("command")}}]}),
            json!({"role": "user", "content": format!("They asked: {}. And more.", canary("asked at length"))}),
        ] {
            told.raw(&json!({"type": "api-request-blob", "sessionId": told.id, "hash": "00", "message": message}));
        }
        told.raw(&late);
        told.answers("an answer that stays");
    });
    let is_kept = |world: &World, told: &Told| {
        let out = world.root().join("exported");
        let _ = ingest(world, &["export", "-f", "transcript", "--out"]).arg(&out).succeed();
        let stored = super::files(&out).into_iter().find(|path| path.ends_with(format!("{}.jsonl", told.id))).unwrap();
        assert!(fs::read_to_string(stored).unwrap().contains(&late.to_string()));
    };
    check("a request", tell, is_kept, &THREE);
}

/// How a session stands is nobody's, and what a conversation that stays made is its own.
#[test]
fn lines_of_the_session_stay() {
    let kept = [
        json!({"type": "bridge-session", "bridgeSessionId": "cse_1"}),
        json!({"type": "atis-latch", "atis": "1"}),
        json!({"type": "relocated", "relocatedCwd": "/home/dev/else"}),
        json!({"type": "frame-link", "path": "/tmp/a.html", "title": "a preview"}),
        json!({"type": "started", "key": "v2:1", "agentId": "a1"}),
    ];
    let tell = read(|told| {
        turn(told, &canary("asked"));
        told.prompt("second stays");
        kept.iter().for_each(|line| told.raw(line));
        told.answers("an answer that stays");
    });
    let are_kept = |world: &World, told: &Told| {
        let out = world.root().join("exported");
        let _ = ingest(world, &["export", "-f", "transcript", "--out"]).arg(&out).succeed();
        let stored = super::files(&out).into_iter().find(|path| path.ends_with(format!("{}.jsonl", told.id))).unwrap();
        let stored = fs::read_to_string(stored).unwrap();
        kept.iter().for_each(|line| assert!(stored.contains(&line.to_string()), "{line}"));
    };
    check("states", tell, are_kept, &["second stays"]);
}

/// A resume notes the last prompt again, and an operation of the queue may be read late.
#[test]
fn what_repeats_a_prompt_later() {
    let long = format!("{CANARY} asked\n{}", "at length ".repeat(40));
    let cut = format!("{}…", long.replace('\n', " ").chars().take(200).collect::<String>().trim());
    let at = harness::rfc3339(AT_MS + 60_000);
    let late = |world: &World, told: &Told| {
        append(world, told, &json!({"type": "last-prompt", "lastPrompt": cut, "sessionId": told.id}));
        append(
            world,
            told,
            &json!({"type": "queue-operation", "operation": "enqueue", "timestamp": at, "content": long}),
        );
    };
    let tell = read(|told| {
        turn(told, "first stays");
        turn(told, &long);
    });
    check("the last prompt", tell, late, &["first stays"]);
}

/// Each operation takes the first text out of the queue: one that is left over would take out another's.
#[test]
fn the_queue_of_what_stays() {
    let operation = |told: &mut Told, operation: &str, content: Option<&str>| {
        told.now_ms += 1000;
        let mut line = json!({"type": "queue-operation", "operation": operation, "timestamp": harness::rfc3339(told.now_ms), "sessionId": told.id});
        if let Some(content) = content {
            line["content"] = json!(content);
        }
        told.raw(&line);
    };
    let tell = read(|told| {
        told.prompt("first stays");
        operation(told, "enqueue", Some(&canary("queued")));
        operation(told, "enqueue", Some("queued stays"));
        told.answers("an answer that stays");
        operation(told, "dequeue", None);
        turn(told, &canary("queued"));
        turn(told, "third stays");
        operation(told, "dequeue", None);
        told.says("an answer to what was queued");
    });
    let answers = |world: &World, _: &Told| {
        let all = rows::all(world.data());
        assert_eq!(all[0].turn.response_text.as_deref(), Some("an answer to what was queued"));
    };
    check("a queue", tell, answers, &["queued stays", "third stays", "first stays"]);
}

/// What is queued in the same words after it was forgotten is another prompt.
#[test]
fn the_same_words_again() {
    let world = World::new();
    let told = read(|told| turn(told, "go on with it, please"))(&world);
    let _ = world.ingest_once();
    let _ = forget(&world, &["--session", &told.id]);
    assert_eq!(prompts(&world), Vec::<String>::new());
    let mut again = Told::begin(8, "/home/dev/work", 1_900_000_000_000).with("sessionId", told.id.as_str());
    again.id.clone_from(&told.id);
    again.raw(&json!({"type": "queue-operation", "operation": "enqueue", "timestamp": "2030-03-17T17:46:40Z", "content": "go on with it, please"}));
    fire(&world, &again, true, |_| true);
    let line = json!({"type": "queue-operation", "operation": "enqueue", "timestamp": "2030-03-17T17:46:40Z", "sessionId": told.id, "content": "go on with it, please"});
    append(&world, &told, &line);
    let _ = world.ingest_once();
    assert_eq!(prompts(&world), ["go on with it, please"]);
}

/// The names of a log's entries are made anew, and those of an old client have no ids.
#[test]
fn hooks_that_come_by_another_way() {
    let hooked = |without_ids: bool| {
        move |world: &World| {
            let told = three();
            fire(world, &told, without_ids, |_| true);
            told
        }
    };
    let by_log = |without_ids: bool| {
        move |world: &World, told: &Told| {
            let log = log(world, told, without_ids);
            if without_ids {
                // Of an event without an id there may be another today: it is the log's time that tells.
                let then = std::time::UNIX_EPOCH + std::time::Duration::from_millis(AT_MS);
                fs::File::options().write(true).open(&log).unwrap().set_modified(then).unwrap();
            }
            let _ = ingest(world, &["import", "--quiet"]).arg(&log).succeed();
        }
    };
    check("a log", hooked(false), by_log(false), &THREE);
    check("a log of an old client", hooked(true), by_log(true), &THREE);
    let tell = |world: &World| {
        let told = three();
        place(world, &told);
        told
    };
    let late = |world: &World, told: &Told| fire(world, told, true, |_| true);
    check("late hooks of an old client", tell, late, &THREE);
}

/// A queue file that was masked when it was forgotten comes once more when masks are off.
#[test]
fn a_masked_event_comes_once_more_unmasked() {
    let token = format!("{CANARY} token ghp_{}", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8");
    let tell = |world: &World| {
        let mut told = Told::begin(7, "/home/dev/work", AT_MS);
        turn(&mut told, "first stays");
        told.prompt(&token);
        told.answers(&canary("answered"));
        fire(world, &told, true, |_| true);
        let _ = ingest(world, &["once", "--quiet"]).env("PROMPT_MANAGER_REDACT", "ingest").succeed();
        told
    };
    let late = |world: &World, told: &Told| fire(world, told, true, |_| true);
    check("a mask", tell, late, &["first stays"]);
}

/// Of a session that only history.jsonl knows one prompt goes, and the others stay.
#[test]
fn what_was_only_typed() {
    let tell = |world: &World| {
        let told = Told::begin(7, "/home/dev/work", AT_MS);
        let typed = |(n, text): (u64, &str)| {
            format!(
                "{}\n",
                json!({"display": text, "pastedContents": {}, "timestamp": AT_MS + n * 60_000, "project": "/home/dev/work", "sessionId": told.id})
            )
        };
        let lines: String = (0..).zip(["first stays", &canary("typed"), "third stays"]).map(typed).collect();
        let path = world.projects_root().parent().unwrap().join("history.jsonl");
        fs::write(&path, lines).unwrap();
        let _ = ingest(world, &["import", "--quiet"]).succeed();
        told
    };
    check("typed", tell, nothing, &THREE);
}

/// Titles, a summary or lone events are a session too.
#[test]
fn a_session_without_any_conversation() {
    let check = |args: &[&str]| {
        let world = World::new();
        let mut titles = Told::begin(7, "/home/dev/work", AT_MS);
        titles.titled(&canary("in a title"));
        titles.raw(&json!({"type": "last-prompt", "lastPrompt": canary("asked"), "sessionId": titles.id}));
        place(&world, &titles);
        let mut lone = Told::begin(8, "/home/dev/work", AT_MS);
        lone.bash(&canary("command"), "", false);
        fire(&world, &lone, false, |_| true);
        let mut other = Told::begin(9, "/home/dev/else", AT_MS);
        turn(&mut other, "elsewhere stays");
        fire(&world, &other, false, |_| true);
        let _ = world.ingest_once();
        assert_eq!(prompts(&world), ["elsewhere stays"]);
        let sessions = ["--session", &titles.id, "--session", &lone.id];
        let args = if args.is_empty() { &sessions[..] } else { args };
        let dry = forget(&world, &[args, &["--dry-run"]].concat());
        let said = forget(&world, args);
        for said in [&dry, &said] {
            assert_eq!(said["sessions"].as_array().unwrap().len(), 2, "{args:?}: {said}");
        }
        assert_nowhere(&world, &format!("{args:?}"));
        assert_eq!(prompts(&world), ["elsewhere stays"]);
        assert_eq!(forget(&world, &["--project", "/home/dev/work"])["sessions"], json!([]), "{args:?}: once is enough");
    };
    check(&[]);
    check(&["--project", "/home/dev/work"]);
    check(&["--project", "/home/dev/work", "--before", "2999-01-01"]);
}

/// A folder of which one of the ways has become a link is known by both.
#[test]
fn a_folder_that_became_a_link() {
    let world = World::new();
    let (old, new) = (world.root().join("work/app"), world.root().join("disk/app"));
    for (seed, folder, prompt) in [(7, &old, canary("before the move")), (8, &new, canary("after the move"))] {
        let mut told = Told::begin(seed, folder.to_str().unwrap(), AT_MS);
        turn(&mut told, &prompt);
        place(&world, &told);
    }
    fs::create_dir_all(&new).unwrap();
    fs::create_dir_all(old.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(&new, &old).unwrap();
    let _ = world.ingest_once();
    assert_eq!(prompts(&world).len(), 2);
    let said = forget(&world, &["--project", old.to_str().unwrap()]);
    assert_eq!(said["conversations"], 2, "{said}");
    assert_nowhere(&world, "after forget");
}

/// A person may call a session as before, and forget it once more: then the later time counts.
#[test]
fn what_was_forgotten_before() {
    const TITLE: &str = "zebras of a title";
    let world = World::new();
    let told = three();
    let mut other = Told::begin(8, "/home/dev/else", AT_MS);
    turn(&mut other, "another session");
    place(&world, &told);
    place(&world, &other);
    let _ = world.ingest_once();
    let give = || {
        std::thread::sleep(Duration::from_millis(2)); // it is later than what was before
        let now_ms = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap();
        let mut writer = Writer::open(world.data()).unwrap();
        let stamp = Stamp { id: now_ms.to_string(), origin: writer.origin().to_owned(), created_ms: now_ms };
        let title = Title { stamp, user_session_id: told.id.clone(), title: Some(TITLE.to_owned()) };
        let batch = writer.batch().unwrap();
        assert!(batch.add_title(&title).unwrap());
        batch.commit().unwrap();
    };
    let is_called = || world.bin("query-api").args(["sessions"]).run().out().contains(TITLE);
    give();
    let id = rows::all(world.data())[1].turn.id.0.to_string();
    assert_eq!(forget(&world, &["--conversation", &id])["titles"], json!(1));
    assert!(!is_called());
    give();
    let _ = forget(&world, &["--session", &other.id]);
    assert!(is_called(), "a title that was given later went with another session");
    let backup = world.data().backups().join("with-the-title.db");
    fs::File::create_new(&backup).unwrap();
    store::backup::copy_live(world.data(), &backup, &store::watch::unwatched).unwrap();
    let _ = forget(&world, &["--session", &told.id]);
    assert_eq!(places(&world, "zebras"), [""; 0]);
}
