//! `ingest export` through the real program: what went in comes out again byte for byte, in whatever place the store lies
//! and whatever names it holds, and what people said travels with it.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Stdio;

use harness::{Corpus, Done, SCENARIOS, World};
use serde_json::Value;
use store::human::{Member, Rating, Remark, Said, Stamp, Title};
use store::read::Reader;
use store::sieve::{Feed, Of};
use store::write::{NewEvent, NewFile, OnDisk, Role, Writer};
use store::{ConversationId, Key};

fn export(world: &World, args: &[&str]) -> Done {
    world.ingest(&[&["export"], args].concat())
}

fn text(done: &Done) -> String {
    String::from_utf8(done.stdout.clone()).expect("an export is UTF-8")
}

fn lines(done: Done) -> Vec<Value> {
    let done = done.code(0);
    text(&done).lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

/// Path below `dir` and bytes of every file.
fn tree(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let below = path.strip_prefix(dir).expect("below").to_str().expect("UTF-8").to_owned();
                found.insert(below, fs::read(&path).expect("a file"));
            }
        }
    }
    found
}

fn same(found: &BTreeMap<String, Vec<u8>>, expected: &BTreeMap<String, Vec<u8>>) {
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (name, bytes) in expected {
        assert!(blake3::hash(&found[name]) == blake3::hash(bytes), "{name} differs");
    }
}

#[test]
fn transcripts_come_back_as_they_were() {
    let world = World::captured();
    let out = world.root().join("out");
    let to = out.to_str().expect("UTF-8");
    let done = export(&world, &["--format", "transcript", "--out", to]).code(0);
    assert_eq!(String::from_utf8_lossy(&done.stderr), format!("prompt-manager: 10 files to {to}\n"));
    same(&tree(&out.join("projects")), &tree(&world.projects_root()));

    // Once more: all is there. Then one of them is another's.
    let done = export(&world, &["--format", "transcript", "--out", to]).code(0);
    assert!(String::from_utf8_lossy(&done.stderr).contains("10 were there already"), "{done}");
    let (name, bytes) = tree(&out).pop_first().expect("a file");
    fs::write(out.join(&name), "mine").expect("write");
    let done = export(&world, &["--format", "transcript", "--out", to]).code(1);
    assert!(String::from_utf8_lossy(&done.stderr).contains("it is there already"), "{done}");
    assert_eq!(fs::read(out.join(&name)).expect("read"), b"mine");
    let _ = export(&world, &["--format", "transcript", "--out", to, "--force"]).code(0);
    assert!(fs::read(out.join(&name)).expect("read") == bytes);
}

#[test]
fn a_rewritten_transcript_keeps_both_versions() {
    let world = World::new();
    let line = |text: &str| {
        format!(
            "{{\"type\":\"user\",\"uuid\":\"{text}\",\"sessionId\":\"s\",\"timestamp\":\"2026-11-22T12:00:00.000Z\",\"message\":{{\"role\":\"user\",\"content\":\"{text}\"}}}}\n"
        )
    };
    for prompt in ["first", "other"] {
        world.transcript("-p/s.jsonl", line(prompt).as_bytes());
        world.ingest_once();
    }
    let out = world.root().join("out");
    let _ = export(&world, &["-f", "transcript", "--all-versions", "-o", out.to_str().expect("UTF-8")]).code(0);
    let found = tree(&out);
    assert_eq!(found["projects/-p/s.jsonl"], line("other").as_bytes());
    let (old, bytes) = found.iter().find(|(name, _)| name.contains(".superseded-")).expect("the old version");
    assert!(old.starts_with("projects/-p/s.jsonl.superseded-20"), "{old}");
    assert_eq!(bytes, line("first").as_bytes());
    // Without a folder: the one that stands there now.
    assert_eq!(export(&world, &["-f", "transcript"]).code(0).stdout, line("other").as_bytes());
}

#[test]
fn every_public_transcript_comes_back() {
    let Some(corpus) = Corpus::find() else { return };
    let world = World::new();
    for path in corpus.transcripts() {
        world.transcript(&Corpus::below(&path), &corpus.read(&path));
    }
    world.ingest_once();
    let out = world.root().join("out");
    let _ = export(&world, &["--format", "transcript", "--out", out.to_str().expect("UTF-8")]).code(0);
    let expected = tree(&world.projects_root());
    assert!(expected.len() > 100, "only {} transcripts", expected.len());
    same(&tree(&out.join("projects")), &expected);
}

#[test]
fn every_public_transcript_comes_back_alone() {
    let Some(corpus) = Corpus::find() else { return };
    for path in corpus.transcripts() {
        let (world, bytes) = (World::new(), corpus.read(&path));
        world.transcript(&Corpus::below(&path), &bytes);
        world.ingest_once();
        let done = export(&world, &["--format", "transcript"]).code(0);
        assert!(done.stdout == bytes, "{path} differs");
    }
}

/// Names and hashes of the stored events.
fn events(world: &World) -> Vec<(String, Vec<u8>)> {
    let kept = Reader::open(world.data()).and_then(|mut reader| reader.kept_events()).expect("the events");
    let mut events: Vec<_> = kept.into_iter().map(|kept| (kept.name, kept.hash)).collect();
    events.sort();
    events
}

#[test]
fn queue_files_make_the_same_events_elsewhere() {
    let world = World::captured();
    // The same name with other bytes is another event.
    let (name, _) = events(&world).remove(0);
    fs::write(world.data().incoming().join(&name), r#"{"hook_event_name":"Stop","session_id":"other"}"#)
        .expect("write");
    world.ingest_once();
    let out = world.root().join("events");
    let _ = export(&world, &["--format", "queue", "--out", out.to_str().expect("UTF-8")]).code(0);
    for path in tree(&out).keys() {
        let mode = fs::metadata(out.join(path)).expect("metadata").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{path}");
    }
    let other = World::new();
    let _ = other.bin("ingest").arg("import").arg(&out).succeed();
    assert_eq!(events(&other), events(&world));
    // Of one session.
    let part = world.root().join("part");
    let args = ["--format", "queue", "--session", "other", "--out", part.to_str().expect("UTF-8")];
    let _ = export(&world, &args).code(0);
    assert_eq!(tree(&part).len(), 1);
}

/// A conversation that ended well, and what it is recognised by.
fn some(world: &World) -> (ConversationId, Vec<Key>) {
    let line = lines(export(world, &["--search", "use-bash", "--status", "complete", "--limit", "1"])).remove(1);
    let keys = line["keys"].as_array().expect("keys").iter().map(|key| {
        let hex = key["key"].as_str().expect("hex");
        let bytes: Vec<u8> =
            (0..32).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")).collect();
        let bytes: [u8; 16] = bytes.try_into().expect("16 bytes");
        if key["kind"] == "line" { Key::Line(bytes) } else { Key::Event(bytes) }
    });
    (ConversationId(line["id"].as_i64().expect("an id")), keys.collect())
}

fn stamp(id: &str) -> Stamp {
    Stamp { id: id.to_owned(), origin: "ab".repeat(16), created_ms: 5 }
}

/// Rates, tags, notes and stars one conversation, cuts and names its session. Gives its id.
fn annotate(world: &World) -> i64 {
    let (id, keys) = some(world);
    let session = lines(export(world, &["--id", &id.0.to_string()])).remove(1)["session_id"].clone();
    let session = session.as_str().expect("a session").to_owned();
    let mut writer = Writer::open(world.data()).expect("the store");
    let batch = writer.batch().expect("a transaction");
    for (row, said) in [
        ("r", Said::Rating(Rating::new(4))),
        ("t", Said::Tag { tag: "keep".into(), present: true }),
        ("n", Said::Note(Some("=good".into()))),
        ("s", Said::Star(true)),
    ] {
        batch.add_remark(id, &Remark { stamp: stamp(row), said }).expect("a remark");
    }
    let member = Member {
        stamp: stamp("m"),
        user_session_id: "mine".into(),
        session_id: session,
        from: Some(keys),
        removed_ms: None,
    };
    batch.add_member(&member, 5).expect("a member");
    let title = Title { stamp: stamp("x"), user_session_id: "mine".into(), title: Some("Mine".into()) };
    batch.add_title(&title).expect("a title");
    batch.commit().expect("a commit");
    id.0
}

#[test]
fn what_people_said_travels() {
    let world = World::captured();
    let id = annotate(&world);
    let all = lines(export(&world, &[]));
    assert_eq!(all[0]["type"], "prompt-manager-export");
    let conversations = all.iter().filter(|line| line["type"] == "conversation").count();
    assert_eq!(conversations, world.serve().items(&[("kind", "all")]).len());
    let line = all.iter().find(|line| line["id"] == id).expect("the conversation");
    assert_eq!((&line["ratings"][0]["rating"], &line["stars"][0]["starred"]), (&4.into(), &true.into()));
    assert_eq!((&line["tags"][0]["tag"], &line["notes"][0]["note"]), (&"keep".into(), &"=good".into()));
    let of = |kind: &str| all.iter().filter(|line| line["type"] == kind).collect::<Vec<_>>();
    assert_eq!(of("user_session")[0]["members"][0]["from"]["keys"], line["keys"]);
    assert_eq!(of("session_title")[0]["title"], "Mine");

    // What is filtered takes along only what belongs to it.
    let other = lines(export(&world, &["--search", "first prompt"]));
    assert!(other.len() > 1 && other.iter().all(|line| line["type"] != "session_title"), "{other:#?}");
    for filter in [["--rating", ">=4"], ["--tag", "keep"], ["--session", "mine"]] {
        let found = lines(export(&world, &[&filter[..], &["--kind", "human", "--limit", "9"]].concat()));
        assert!(found.iter().any(|line| line["id"] == id), "{filter:?}: {found:#?}");
    }
    assert_eq!(lines(export(&world, &["--star", "--format", "messages", "--status", "complete"])).len(), 1);
    let table = text(&export(&world, &["--format", "csv", "--star"]).code(0));
    assert!(table.contains(",4,1,keep,\"'=good\","), "{table}");
    let document = text(&export(&world, &["--format", "markdown", "--star"]).code(0));
    assert!(document.starts_with("# Mine\n") && document.contains("★★★★ · starred · `#keep`"), "{document}");
}

#[test]
fn a_session_is_a_chat_or_a_document() {
    let world = World::captured();
    let chats = lines(export(&world, &["--format", "messages", "--per", "session"]));
    let turns = lines(export(&world, &["--format", "messages"]));
    let count =
        |lines: &[Value]| lines.iter().map(|line| line["messages"].as_array().expect("messages").len()).sum::<usize>();
    assert!(chats.len() < turns.len() && count(&chats) == count(&turns), "{} {}", chats.len(), turns.len());
    let out = world.root().join("documents");
    let _ =
        export(&world, &["--format", "markdown", "--per", "session", "--out", out.to_str().expect("UTF-8")]).code(0);
    let found = tree(&out);
    assert!(
        found.len() > 3 && found.keys().all(|name| name.starts_with("2026-11-22-") && name.ends_with(".md")),
        "{found:?}"
    );
}

fn check_refused(world: &World, args: &[&str], code: i32, expected: &str) {
    let done = export(world, args).code(code);
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(said.contains(expected) && said.lines().count() == 1 && done.stdout.is_empty(), "{args:?}: {done}");
}

#[test]
fn what_is_wrong_is_said_in_one_line() {
    let world = World::new();
    check_refused(&world, &[], 1, "there is no database yet");
    world.ingest_once();
    check_refused(&world, &["--since", "yesterday"], 2, "7d");
    check_refused(&world, &["--rating", "6"], 2, "1 to 5");
    check_refused(&world, &["--kind", "robot"], 2, "human, command");
    check_refused(&world, &["--id", "x"], 2, "number");
    check_refused(&world, &["--format", "xml"], 2, "jsonl");
    check_refused(&world, &["--tools"], 2, "--format messages");
    check_refused(&world, &["--format", "queue"], 2, "--out");
    check_refused(&world, &["--format", "markdown", "--per", "session"], 2, "--out");
    check_refused(&world, &["--format", "transcript"], 2, "0 files are wanted");
    check_refused(&world, &["--session", "last"], 2, "no conversation");
    check_refused(&world, &["--out", "/dev/null", "--force"], 1, "is no file");
    check_refused(&world, &["--out", "no/such/place.jsonl"], 1, "no/such/");
}

#[test]
fn a_file_is_mine_alone_and_replaces_nothing() {
    let world = World::captured();
    let file = world.root().join("all.jsonl");
    let to = file.to_str().expect("UTF-8");
    let _ = export(&world, &["--out", to]).code(0);
    assert_eq!(fs::metadata(&file).expect("metadata").permissions().mode() & 0o777, 0o600);
    let whole = fs::read(&file).expect("read");
    check_refused(&world, &["--out", to, "--limit", "1"], 1, "it is there already");
    assert!(fs::read(&file).expect("read") == whole);
    let _ = export(&world, &["--out", to, "--limit", "1", "--force"]).code(0);
    assert!(fs::read(&file).expect("read").len() < whole.len());
    let without_head = |bytes: &[u8]| String::from_utf8_lossy(bytes).split_once('\n').map(|(_, rest)| rest.to_owned());
    assert_eq!(without_head(&export(&world, &["--out", "-"]).code(0).stdout), without_head(&whole));
}

#[test]
fn a_reader_may_go_away() {
    let world = World::new();
    let line = serde_json::json!({"type": "user", "uuid": "u", "sessionId": "s", "timestamp": "2026-11-22T12:00:00.000Z",
                                  "message": {"role": "user", "content": "x".repeat(1 << 20)}});
    world.transcript("-p/s.jsonl", format!("{line}\n").as_bytes());
    world.ingest_once();
    for format in ["jsonl", "csv", "markdown", "transcript"] {
        let mut command = world.bin("ingest").args(["export", "--format", format]).into_command();
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("ingest starts");
        let mut byte = [0];
        child.stdout.take().expect("piped").read_exact(&mut byte).expect("a byte");
        let done = child.wait_with_output().expect("ingest ends");
        assert!(done.status.success() && done.stderr.is_empty(), "{format}: {done:?}");
    }
}

#[test]
fn beside_a_writer_and_the_api() {
    let world = World::captured();
    let server = world.serve();
    let mut writer = Writer::open(world.data()).expect("the store");
    let batch = writer.batch().expect("a transaction");
    batch.mark_dirty("s").expect("a row");
    let found = lines(export(&world, &["--kind", "all"]));
    assert_eq!(found.len() - 1, server.items(&[("kind", "all")]).len());
    batch.commit().expect("a commit");
}

/// A place where nothing can be written, as a person who is nobody special. (Root writes anywhere, so it becomes another.)
#[test]
fn a_store_that_is_only_to_be_read() {
    const NOBODY: u32 = 65_534;
    let world = World::captured();
    let expected = lines(export(&world, &[])).split_off(1);
    let root =
        fs::metadata(world.root()).map(|meta| std::os::unix::fs::MetadataExt::uid(&meta)).expect("metadata") == 0;
    let data = world.data().root().to_owned();
    for suffix in ["-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{suffix}", world.data().database().display()));
    }
    let mut folders = vec![data.clone()];
    let mut paths = vec![data];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path.clone());
            }
            paths.push(path);
        }
    }
    let close = |closed: bool| {
        for path in &paths {
            let mode = match (path.is_dir(), closed) {
                (true, true) => 0o500,
                (true, false) => 0o700,
                (false, _) => 0o400,
            };
            if root {
                std::os::unix::fs::chown(path, Some(if closed { NOBODY } else { 0 }), None).expect("chown");
            }
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("chmod");
        }
    };
    close(true);
    fs::set_permissions(world.root(), fs::Permissions::from_mode(0o755)).expect("chmod");
    let program = world.root().join("ingest"); // the built one may lie where nobody may look
    fs::copy(harness::bin("ingest"), &program).expect("copy");
    let mut command = world.command(&program).arg("export").into_command();
    if root {
        command.uid(NOBODY);
    }
    let done = command.output().expect("ingest runs");
    close(false);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let found = String::from_utf8(done.stdout).expect("UTF-8");
    let found: Vec<Value> = found.lines().skip(1).map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(found, expected);
}

/// Names from another machine's store, which its owner may have chosen.
#[test]
fn hostile_names_stay_inside() {
    for path in ["../../evil.jsonl", "/evil.jsonl", "a/../../../evil.jsonl"] {
        let world = World::new();
        let mut writer = Writer::open(world.data()).expect("the store");
        let batch = writer.batch().expect("a transaction");
        let on_disk = OnDisk { device: 1, inode: 1, size: 4, mtime_ns: 0 };
        let file = NewFile { root: "/../..", path, role: Role::Main, session_id: "s", agent_id: None, on_disk };
        let mut known = batch.add_file(&file).expect("a file");
        let mut feed = Feed::new(batch.sieve().clone(), Of::new(Role::Main, "s", "s.jsonl"), Vec::new());
        let bytes = feed.push(b"evil");
        batch.append(&mut known, &bytes, &feed).expect("bytes");
        let event = NewEvent {
            name: path,
            captured_ns: 1,
            event: "Stop",
            session_id: "s",
            prompt_id: None,
            payload: b"evil",
            stored_ms: 1,
        };
        batch.add_event(&event).expect("an event");
        batch.commit().expect("a commit");
        let out = world.root().join("deep/er/out");
        for format in ["transcript", "queue"] {
            let done = export(&world, &["--format", format, "--out", out.to_str().expect("UTF-8")]).code(1);
            assert!(String::from_utf8_lossy(&done.stderr).contains("is no path below it"), "{done}");
        }
        assert_eq!(tree(&world.root().join("deep")), BTreeMap::new());
        assert!(!world.root().join("evil.jsonl").exists() && !Path::new("/evil.jsonl").exists());
    }
}

/// Conversations, and every human row, without what is another store's own: ids, and the keys of events, which hold the data
/// directory that took them in.
fn told(world: &World) -> Vec<String> {
    let mut lines = lines(export(world, &[])).split_off(1);
    for line in &mut lines {
        let fields = line.as_object_mut().expect("an object");
        if fields["type"] == "conversation" {
            fields.remove("id");
            fields.remove("parent_id");
            fields["keys"].as_array_mut().expect("keys").retain(|key| key["kind"] == "line");
        } else if fields["type"] == "user_session" {
            let keys = &mut fields["members"][0]["from"]["keys"];
            keys.as_array_mut().expect("keys").retain(|key| key["kind"] == "line");
        }
    }
    let mut lines: Vec<_> = lines.iter().map(Value::to_string).collect();
    lines.sort();
    lines
}

/// A hook log whose payloads are laid out over many lines, as `jq` writes them: every line of the export is an object, and
/// another store takes all of it.
#[test]
fn what_was_laid_out_over_lines_travels_whole() {
    let world = World::new();
    let log = world.root().join("log.json");
    let payloads = SCENARIOS.iter().flat_map(|scenario| scenario.hooks()).map(|hook| hook.json());
    let payloads: Vec<_> = payloads.map(|it| serde_json::to_string_pretty(&it).expect("JSON")).collect();
    fs::write(&log, payloads.join("\n")).expect("write");
    let _ = world.bin("ingest").arg("import").arg(&log).succeed();
    let id = annotate(&world);
    let rows = world.root().join("all.jsonl");
    let all = lines(export(&world, &["--out", rows.to_str().expect("UTF-8")]));
    assert!(all.is_empty(), "the lines are in the file");
    let file = fs::read_to_string(&rows).expect("the export");
    let answer = world.serve().request("GET", "/api/export", &[]);
    for text in [file.clone(), answer.text().to_string()] {
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
        assert!(lines.iter().all(|line| line["type"].is_string()), "{text}");
        assert!(lines.iter().any(|line| line["id"] == id && line["ratings"][0]["rating"] == 4), "{text}");
        // As it came, laid out: a tool's input is passed on and not read.
        assert!(lines.iter().any(|line| line["tool_calls"][0]["input"].is_object()), "{text}");
    }
    let other = World::new();
    let _ = other.bin("ingest").arg("import").arg(&rows).succeed();
    let human = |world: &World| -> Vec<String> {
        let is_human = |line: &Value| line["type"] != "conversation" || line["ratings"][0].is_object();
        let kept = |line: &Value| format!("{} {} {} {}", line["type"], line["ratings"], line["notes"], line["title"]);
        lines(export(world, &[])).split_off(1).iter().filter(|line| is_human(line)).map(kept).collect()
    };
    let (found, expected) = (human(&other), human(&world));
    assert_eq!(found.len(), expected.len(), "{found:#?} {expected:#?}");
}

/// The machine changes: the files come back from the export, and what people said from the lines; in either order, and once
/// more.
#[test]
fn another_machine_ends_with_the_same() {
    let world = World::captured();
    annotate(&world);
    let (files, rows) = (world.root().join("files"), world.root().join("all.jsonl"));
    for (format, out) in [("transcript", files.join("t")), ("queue", files.join("q")), ("jsonl", rows.clone())] {
        let _ = export(&world, &["--format", format, "--out", out.to_str().expect("UTF-8")]).code(0);
    }
    let parts = [files.join("t/projects"), files.join("q"), rows];
    for order in [[0, 1, 2, 2], [2, 0, 1, 2], [1, 2, 0, 0]] {
        let other = World::new();
        for part in order {
            let _ = other.bin("ingest").arg("import").arg(&parts[part]).succeed();
        }
        let (found, expected) = (told(&other), told(&world));
        let only = |these: &[String], those: &[String]| -> Vec<String> {
            these.iter().filter(|line| !those.contains(line)).cloned().collect()
        };
        assert_eq!(only(&found, &expected), Vec::<String>::new(), "{order:?}: more or other than there was");
        assert_eq!(only(&expected, &found), Vec::<String>::new(), "{order:?}: missing");
    }
}
