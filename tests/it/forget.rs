//! What was forgotten is nowhere any more, and nothing brings it back.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod corpus;
mod stones;
mod unfinished;

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use harness::{Told, World};
use serde_json::{Value, json};
use store::ConversationId;
use store::human::{Rating, Remark, Said, Stamp, Title};
use store::write::{INDEXES, Writer};

use harness::rows;

/// Stands in everything that belongs to the one conversation, and in nothing else.
const CANARY: &str = "Zqxcanary";

const AT_MS: u64 = 1_795_000_000_000;

/// Three prompts in one session; the second one is full of canaries.
fn session(cwd: &str) -> Told {
    let c = |what: &str| format!("{CANARY}{what} {CANARY} {what}");
    let mut told = Told::begin(7, cwd, AT_MS);
    told.prompt("the first prompt stays");
    told.bash("ls", "a b c", false);
    told.answers("the first answer stays");
    let at = harness::rfc3339(told.now_ms + 1);
    let session = told.id.clone();
    told.raw(&json!({"type": "queue-operation", "operation": "enqueue", "timestamp": at, "sessionId": session, "content": c("asked")}));
    told.raw(&json!({"type": "queue-operation", "operation": "dequeue", "timestamp": at, "sessionId": session}));
    told.prompt(&c("asked"));
    told.thinks(&c("thought"));
    told.says(&c("between"));
    told.bash(&c("command"), &format!("{} saved to: toolu_out.txt", c("output")), true);
    told.agent("Explore", &c("task"), &c("found"), |told| told.reads("/a", &c("inside")));
    told.writes(&format!("/tmp/{CANARY}.txt"), &c("written"));
    told.answers(&c("answered"));
    told.raw(&json!({"type": "ai-title", "aiTitle": c("title"), "sessionId": session}));
    told.raw(&json!({"type": "custom-title", "customTitle": c("given"), "sessionId": session}));
    told.raw(&json!({"type": "last-prompt", "lastPrompt": c("asked"), "sessionId": session}));
    told.raw(&json!({"type": "made-later", "words": c("asked"), "sessionId": session}));
    told.prompt("the third prompt stays");
    told.bash("pwd", "/here", false);
    told.answers("the third answer stays");
    told
}

fn history(told: &Told) -> String {
    let line = |text: &str, at: u64| {
        format!(
            "{}\n",
            json!({"display": text, "pastedContents": {"1": {"content": text}}, "timestamp": at, "project": "/p", "sessionId": told.id})
        )
    };
    line("the first prompt stays", AT_MS)
        + &line(&format!("{CANARY}asked {CANARY} asked"), AT_MS + 20_000)
        + &line("typed elsewhere", AT_MS + 30)
}

/// The hooks saw it, the transcripts have it, people said something, and there are backups of all of it.
fn world() -> (World, Told) {
    let world = World::new();
    let told = session("/home/dev/work");
    place(&world, &told);
    for (ns, event, payload) in &told.events {
        let hook = world.bin("prompt-hook").arg(event).env("PROMPT_MANAGER_CLOCK_NS", ns.to_string());
        let _ = hook.stdin(payload.to_string()).run().code(0).silent();
    }
    let _ = world.ingest_once();
    (world, told)
}

fn place(world: &World, told: &Told) {
    for (path, bytes) in told.files() {
        world.transcript(path.to_str().unwrap(), &bytes);
    }
    let folder = told.files()[0].0.with_extension("");
    let output = folder.join("tool-results/toolu_out.txt");
    world.transcript(output.to_str().unwrap(), format!("{CANARY} in a large output\n").as_bytes());
    fs::write(world.projects_root().parent().unwrap().join("history.jsonl"), history(told)).unwrap();
}

fn chosen(world: &World) -> i64 {
    let is_it =
        |row: &store::read::Conversation| row.turn.prompt_text.as_deref().is_some_and(|text| text.contains("asked"));
    rows::all(world.data()).into_iter().find(is_it).unwrap().turn.id.0
}

fn ingest(world: &World, args: &[&str]) -> harness::Cmd {
    world.bin("ingest").args(args).env("PROMPT_MANAGER_PROJECTS", world.projects_root())
}

fn forget(world: &World, args: &[&str]) -> Value {
    ingest(world, &["forget", "--json"]).args(args).succeed().json()
}

fn contains(bytes: &[u8], what: &str) -> Option<usize> {
    memchr::memmem::find(&bytes.to_ascii_lowercase(), what.to_ascii_lowercase().as_bytes())
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

/// Where a word stands: in the bytes of files, in every zstd stream in them, in the vocabulary of every index.
pub(crate) fn places(world: &World, word: &str) -> Vec<String> {
    let mut found = Vec::new();
    for path in files(world.data().root()) {
        let bytes = fs::read(&path).unwrap();
        if let Some(at) = contains(&bytes, word) {
            let around =
                String::from_utf8_lossy(&bytes[at.saturating_sub(40)..(at + 60).min(bytes.len())]).into_owned();
            found.push(format!("{}: {around:?}", path.display()));
        }
        for at in memchr::memmem::find_iter(&bytes, &[0x28, 0xb5, 0x2f, 0xfd]) {
            let mut unpacked = Vec::new();
            if let Ok(decoder) = zstd::Decoder::new(&bytes[at..]) {
                let _ = decoder.take(64 << 20).read_to_end(&mut unpacked);
            }
            if contains(&unpacked, word).is_some() {
                found.push(format!("{}: a stream at {at}", path.display()));
            }
        }
    }
    let writer = Writer::open(world.data()).unwrap();
    for index in INDEXES {
        if writer.words(index).unwrap().iter().any(|term| contains(term.as_bytes(), &word[..3]).is_some()) {
            found.push(format!("words of {index}"));
        }
    }
    found
}

#[track_caller]
fn assert_nowhere(world: &World, when: &str) {
    let found = places(world, CANARY);
    assert!(found.is_empty(), "{when}: {found:#?}");
}

#[track_caller]
fn assert_gone(world: &World, when: &str) {
    assert_nowhere(world, when);
    assert_eq!(prompts(world), ["the third prompt stays", "the first prompt stays"], "{when}");
}

/// Newest first.
fn prompts(world: &World) -> Vec<String> {
    rows::all(world.data()).into_iter().filter_map(|row| row.turn.prompt_text).collect()
}

/// What a person says of it, and how its session is called.
fn annotate(world: &World, id: i64, session: &str) {
    let mut writer = Writer::open(world.data()).unwrap();
    let origin = writer.origin().to_owned();
    let stamp = |id: &str| Stamp { id: id.to_owned(), origin: origin.clone(), created_ms: 5 };
    let batch = writer.batch().unwrap();
    for said in [
        Said::Note(Some(format!("{CANARY} in a note"))),
        Said::Tag { tag: format!("{CANARY}-tag"), present: true },
        Said::Rating(Rating::new(5)),
    ] {
        let stamp = stamp(&format!("{said:?}"));
        batch.add_remark(ConversationId(id), &Remark { stamp, said }).unwrap();
    }
    let title = Some(format!("{CANARY} in a title of ours"));
    batch.add_title(&Title { stamp: stamp("title"), user_session_id: session.to_owned(), title }).unwrap();
    batch.commit().unwrap();
}

#[test]
fn one_conversation_is_nowhere_any_more() {
    let (world, told) = world();
    let id = chosen(&world);
    annotate(&world, id, &told.id);
    // A backup of before, one beside it that is an export, and a day of the archive that is packed.
    let backup = world.root().join("before.db");
    let _ = ingest(&world, &["backup"]).arg(&backup).succeed();
    fs::copy(&backup, world.data().backups().join("prompts-2026-01-01T000000Z.db")).unwrap();
    let is_said = |path: &PathBuf| path.extension().is_some_and(|end| end == "jsonl");
    files(&world.data().backups()).iter().filter(|path| is_said(path)).for_each(|path| fs::remove_file(path).unwrap());
    let _ = ingest(&world, &["once"]).env("PROMPT_MANAGER_ANNOTATIONS_EVERY", "1ms").succeed();
    let said = files(&world.data().backups()).into_iter().find(is_said).unwrap();
    assert!(contains(&fs::read(&said).unwrap(), CANARY).is_some());
    let _ = ingest(&world, &["prune"]).env("PROMPT_MANAGER_PACK_AFTER", "0s").succeed();
    let elsewhere = world.root().join("export.jsonl");
    let _ = ingest(&world, &["export", "--out"]).arg(&elsewhere).succeed();

    let left = world.data().backups().join("prompts-2026-01-02T000000Z.db.partial");
    fs::copy(&backup, &left).unwrap();
    // And what an import of it left that was killed.
    let killed = world.data().database_dir().join("import-killed");
    fs::create_dir(&killed).unwrap();
    fs::write(killed.join("lock"), "").unwrap();
    fs::copy(&backup, killed.join("copy.db")).unwrap();
    let dry = forget(&world, &["--conversation", &id.to_string(), "--dry-run"]);
    assert!(left.exists() && killed.exists(), "a dry run removes nothing");
    assert!(dry["archived"].as_u64() >= Some(3) && dry["copies"].as_u64() >= Some(2), "{dry}");
    assert_eq!(prompts(&world).len(), 4, "a dry run changes nothing");
    assert!(places(&world, CANARY).len() > 3, "the test sees nothing");
    let said = forget(&world, &["--conversation", &id.to_string()]);
    for figure in ["conversations", "events", "titles", "archived"] {
        assert_eq!(said[figure], dry[figure], "{figure}: {said}");
    }
    assert_eq!((&said["conversations"], &said["titles"]), (&json!(2), &json!(1)), "{said}");
    assert!(said["claude_files"].as_array().unwrap().len() >= 3, "{said}");
    assert_gone(&world, "after forget");
    let _ = world.ingest_once();
    assert_gone(&world, "after a sweep");
    let _ = ingest(&world, &["import", "--quiet"]).succeed();
    assert_gone(&world, "after an import");
    let _ = ingest(&world, &["rebuild", "--index"]).succeed();
    assert_gone(&world, "after a rebuild");
    let _ = ingest(&world, &["import", "--quiet"]).arg(&elsewhere).succeed();
    assert_gone(&world, "after an import of what was said");
    let _ = ingest(&world, &["import", "--quiet"]).arg(&backup).succeed();
    assert_gone(&world, "after an import of a backup");
    let _ = ingest(&world, &["restore", "--force"]).arg(&backup).succeed();
    let _ = world.ingest_once();
    assert_gone(&world, "after a restore of a backup");
    // The hooks' own files come once more, as a retry brings them.
    for (ns, event, payload) in &told.events {
        let hook = world.bin("prompt-hook").arg(event).env("PROMPT_MANAGER_CLOCK_NS", ns.to_string());
        let _ = hook.stdin(payload.to_string()).run().code(0).silent();
    }
    let again = world.ingest_once();
    assert!(again["forgotten"].as_u64() >= Some(3), "{again}");
    assert_gone(&world, "after the hooks' files came once more");
    assert_eq!(forget(&world, &["--conversation", &id.to_string()])["conversations"], 0);
    let doctor = ingest(&world, &["doctor", "--json"]).run().json();
    let of_the_test = ["hook_not_called", "folder_open"]; // this world has neither settings of Claude Code nor a home of its own
    let findings =
        doctor["findings"].as_array().unwrap().iter().filter(|it| !of_the_test.contains(&it["code"].as_str().unwrap()));
    assert_eq!(findings.count(), 0, "{doctor}");
}

/// Everything of a session goes, also what belongs to no conversation; a fork that has a prompt of its own keeps that.
#[test]
fn a_session_goes_and_its_fork_stays() {
    let (world, told) = world();
    let fork = told.id.replace('a', "b").replace('1', "2");
    let mut lines: Vec<Value> = String::from_utf8(told.files()[0].1.clone())
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for line in &mut lines {
        line["sessionId"] = json!(fork);
    }
    let last = lines.iter().rev().find_map(|line| line["uuid"].as_str()).unwrap().to_owned();
    lines.push(json!({"type": "user", "uuid": "11111111-2222-4333-8444-555555555555", "parentUuid": last, "isSidechain": false,
        "timestamp": harness::rfc3339(told.now_ms + 5_000), "sessionId": fork, "cwd": "/home/dev/work", "version": "2.1.330",
        "promptId": "99999999-2222-4333-8444-555555555555", "origin": {"kind": "human"},
        "message": {"role": "user", "content": "the fork asks on its own"}}));
    let bytes: String = lines.iter().map(|line| format!("{line}\n")).collect();
    world.transcript(&format!("-home-dev-work/{fork}.jsonl"), bytes.as_bytes());
    let _ = world.ingest_once();
    assert_eq!(prompts(&world)[0], "the fork asks on its own");
    let said = forget(&world, &["--session", &told.id]);
    assert_eq!(said["whole"], json!([told.id]), "{said}");
    for what in [CANARY, "stays"] {
        let found = places(&world, what);
        assert!(
            found.is_empty() || what == "stays" && found.iter().all(|it| it.starts_with("words")),
            "{what}: {found:#?}"
        );
    }
    assert_eq!(prompts(&world), ["the fork asks on its own"]);
    let _ = ingest(&world, &["rebuild", "--index"]).succeed();
    assert_eq!(prompts(&world), ["the fork asks on its own"]);
}

/// Another machine that has it brings it back neither beside ours nor in place of it, and learns of it in turn.
#[test]
fn another_store_does_not_bring_it_back() {
    let (here, told) = world();
    let there = World::new();
    place(&there, &told);
    let _ = there.ingest_once();
    let id = chosen(&here);
    let _ = forget(&here, &["--conversation", &id.to_string()]);
    let _ = ingest(&here, &["import", "--quiet"]).arg(there.data().database()).succeed();
    let found = places(&here, CANARY);
    assert!(found.is_empty(), "{found:#?}");
    let _ = ingest(&there, &["import", "--quiet"]).arg(here.data().database()).succeed();
    let _ = there.ingest_once();
    let found = places(&there, CANARY);
    assert!(found.is_empty(), "{found:#?}");
    assert_eq!(prompts(&there)[..2], prompts(&here)[..2]);
}

#[test]
fn what_is_chosen() {
    let (world, told) = world();
    let dry = |args: &[&str]| forget(&world, &[args, &["--dry-run"]].concat())["conversations"].as_u64().unwrap();
    let check = |args: &[&str], expected: u64| assert_eq!(dry(args), expected, "{args:?}");
    check(&["--session", &told.id], 4);
    check(&["--project", "/home/dev"], 4);
    check(&["--project", "/home/other"], 0);
    check(&["--before", "2020-01-01"], 0);
    check(&["--before", "2030-01-01"], 4);
    check(&["--before", "2020-01-01", "--session", &told.id], 0);
    // A slip would be believed to be forgotten.
    let refused = |args: &[&str], named: &str| {
        let done = ingest(&world, &["forget", "--yes"]).args(args).run().code(2);
        assert!(done.err().contains(named), "{}", done.err());
    };
    refused(&[], "--conversation");
    refused(&["--session", "nobody"], "nobody");
    refused(&["--session", &told.id, "--session", "nobody"], "nobody");
    refused(&["--conversation", "1,999"], "999");
    assert_eq!(prompts(&world).len(), 4);
}

/// Whoever is killed while forgetting has forgotten all of it or nothing, and the next pass does the rest.
#[test]
fn a_kill_leaves_all_or_nothing() {
    let (mut before, mut after) = (0, 0);
    for delay_ms in [20, 40, 60, 80, 100, 130, 160, 200, 250, 300] {
        let (world, _told) = world();
        let id = chosen(&world);
        let mut command = ingest(&world, &["forget", "--yes", "--conversation", &id.to_string()]).into_command();
        let mut child = command.spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(delay_ms));
        let _ = child.kill(); // it may have ended
        child.wait().unwrap();
        let _ = world.ingest_once();
        if prompts(&world).len() == 4 {
            before += 1;
        } else {
            after += 1;
            assert_gone(&world, &format!("killed after {delay_ms} ms, and a pass"));
        }
    }
    println!("killed before anything was forgotten: {before}, after: {after}");
}
