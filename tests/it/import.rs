//! `ingest import`: every kind of path, once and again, killed and resumed, and what it says of paths that are nothing.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use harness::{Done, SCENARIOS, Scenario, World};
use serde_json::{Value, json};

/// Runs `ingest import --json PATH…` and gives its report.
fn import(world: &World, paths: &[&Path]) -> Value {
    world.bin("ingest").args(["import", "--json"]).args(paths).succeed().json()
}

fn nothing_new(report: &Value) -> bool {
    report["files"]["new"] == 0 && report["events"]["new"] == 0 && report["conversations"] == 0
}

/// What there is, without what depends on the order in which it came.
fn rows(world: &World) -> BTreeSet<String> {
    let items = world.serve().items(&[("kind", "all")]);
    let rows: BTreeSet<String> = items.iter().map(row).collect();
    assert_eq!(rows.len(), items.len(), "two conversations are the same: {items:#?}");
    rows
}

fn row(item: &Value) -> String {
    let mut item = item.clone();
    let fields = item.as_object_mut().expect("an item is an object");
    for local in ["id", "parent_id", "url"] {
        fields.remove(local);
    }
    item.to_string()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry").path();
        let target = to.join(entry.file_name().expect("a name"));
        if entry.is_dir() {
            copy(&entry, &target);
        } else {
            fs::copy(&entry, &target).expect("a copy");
        }
    }
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, text).expect("a file");
}

/// The transcripts of every scenario under this projects root.
fn projects(root: &Path) {
    SCENARIOS.iter().for_each(|scenario| copy(&scenario.projects(), root));
}

/// The only files with this ending below a folder.
fn files(dir: &Path, end: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path, end));
        } else if path.to_string_lossy().ends_with(end) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// What a sweep of all scenarios gives.
fn swept() -> BTreeSet<String> {
    let world = World::new();
    projects(&world.projects_root());
    drop(world.ingest_once());
    rows(&world)
}

#[test]
fn without_a_path_it_reads_what_claude_code_has() {
    let world = World::new();
    projects(&world.home().join(".claude/projects"));
    let report = import(&world, &[]);
    assert!(report["prompts"].as_u64() > Some(5), "{report}");
    assert_eq!(rows(&world), swept());
    let again = import(&world, &[]);
    assert!(nothing_new(&again), "{again}");
    let said = world.bin("ingest").arg("import").succeed();
    assert!(said.out().starts_with("nothing new; ") && said.err().is_empty(), "{said}");
}

#[test]
fn the_config_dir_and_roots_of_before_are_remembered() {
    let world = World::new();
    let (old, new) = (world.root().join("old/projects"), world.root().join("new/projects"));
    copy(&SCENARIOS[0].projects(), &old);
    import(&world, &[&old]);
    copy(&SCENARIOS[1].projects(), &new);
    copy(&SCENARIOS[2].projects(), &old);
    let config = new.parent().expect("a folder");
    let report = world.bin("ingest").args(["import", "--json"]).env("CLAUDE_CONFIG_DIR", config).succeed().json();
    assert!(!nothing_new(&report), "{report}");
    assert_eq!(rows(&world), swept());
    // A root that is not there at the moment is no fault.
    fs::rename(&old, world.root().join("away")).expect("rename");
    let again = world.bin("ingest").args(["import", "--json"]).env("CLAUDE_CONFIG_DIR", config).succeed().json();
    assert!(nothing_new(&again), "{again}");
}

/// However small the part that was named: the sweep of the whole root afterwards finds the same files.
#[test]
fn a_part_and_then_the_whole_doubles_nothing() {
    let root = |world: &World| world.home().join(".claude/projects");
    let check = |name: &str, pick: &dyn Fn(&Path) -> Vec<PathBuf>| {
        let world = World::new();
        projects(&root(&world));
        let parts = pick(&root(&world));
        let parts: Vec<&Path> = parts.iter().map(PathBuf::as_path).collect();
        let first = import(&world, &parts);
        assert!(!nothing_new(&first), "{name}: {first}");
        let total = files(&root(&world), "").len() as u64;
        let rest = world.bin("ingest").args(["once", "--json"]).succeed().json();
        let (part, rest) = (first["files"]["new"].as_u64(), rest["transcript_files"].as_u64());
        assert_eq!(part.zip(rest).map(|(part, rest)| part + rest), Some(total), "{name}: a file was taken in twice");
        assert_eq!(rows(&world), swept(), "{name}");
    };
    check("the .claude folder", &|root| vec![root.parent().expect("a folder").to_owned()]);
    check("the root", &|root| vec![root.to_owned()]);
    check("the root by another name", &|root| vec![root.join("../projects/.")]);
    check("a project folder", &|root| vec![files(root, ".jsonl")[0].parent().expect("a folder").to_owned()]);
    check("every transcript", &|root| files(root, ".jsonl"));
    check("one transcript", &|root| files(root, ".jsonl").split_off(1));
}

#[test]
fn a_folder_of_transcripts_from_elsewhere() {
    let world = World::new();
    let backup = world.root().join("backup/2025/claude");
    projects(&backup);
    write(&backup.join("README.txt"), "mine");
    let report = import(&world, &[&world.root().join("backup")]);
    assert_eq!(report["left_alone"], 1, "{report}");
    assert_eq!(rows(&world), swept());
    assert!(nothing_new(&import(&world, &[&world.root().join("backup")])));
}

/// What hooks alone tell: from the queue, from a folder of queue files, and from another data directory.
#[test]
fn queue_files_are_read_where_they_lie() {
    let scenario = SCENARIOS[1];
    let (reference, other) = (World::new(), World::new());
    reference.feed(scenario);
    drop(reference.ingest_once());
    let expected = rows(&reference);
    other.feed(scenario);
    drop(other.ingest(&["once"]).code(0));

    let check = |folder: &Path| {
        let world = World::new();
        let before = files(folder, "");
        let report = import(&world, &[folder]);
        assert_eq!(report["events"]["new"], scenario.hooks().len(), "{report}");
        assert_eq!(rows(&world), expected, "{}", folder.display());
        assert!(nothing_new(&import(&world, &[folder])), "{}", folder.display());
        assert_eq!(files(folder, ""), before, "a queue file was moved");
    };
    check(&scenario.dir().join("hooks"));
    check(&other.data().queue());
}

/// As a runner in CI leaves them: neither keeps the other out.
#[test]
fn transcripts_and_a_queue_in_one_folder_both_come_in() {
    let (source, world) = (World::new(), World::new());
    source.feed(SCENARIOS[0]);
    let artifact = world.root().join("artifact");
    copy(&SCENARIOS[0].projects(), &artifact.join("projects"));
    copy(&source.data().queue(), &artifact.join("queue"));
    let report = import(&world, &[&artifact]);
    assert_eq!(report["events"]["new"], SCENARIOS[0].hooks().len(), "{report}");
    assert!(report["files"]["new"].as_u64() > Some(0), "{report}");
    let again = import(&world, &[&artifact]);
    assert!(nothing_new(&again), "{again}");
}

#[test]
fn bad_queue_files_are_told_and_left() {
    let world = World::new();
    let folder = world.root().join("from-ci");
    let name = |n: u64, end: &str| folder.join(format!("{n:019}-s-UserPromptSubmit.json{end}"));
    let good = r#"{"session_id":"s","hook_event_name":"UserPromptSubmit","prompt":"from CI"}"#;
    write(&name(1_795_350_951_598_014_047, ""), good);
    write(&name(1_795_350_951_598_014_048, ".a2"), "{\"session_id\":\"s\",");
    write(&name(1_795_350_951_598_014_049, ""), "SECRET");
    let done = world.bin("ingest").args(["import"]).arg(&folder).succeed();
    assert!(done.out().starts_with("1 new prompt; 1 hook event; 2 could not be taken in"), "{done}");
    let said: Vec<_> = done.err().lines().collect();
    assert!(said.len() == 2 && said[0].contains("4048-s-UserPromptSubmit.json.a2: is cut off"), "{done}");
    assert!(said[1].contains("is not JSON") && !done.err().contains("SECRET"), "{done}");
    assert_eq!(world.names(&folder).len(), 3);
    assert!(world.names(&world.data().failed()).is_empty(), "a foreign file was moved");
}

/// The payloads of a scenario as a logger would have written them.
fn log(scenario: Scenario, array: bool) -> String {
    let entries: Vec<String> =
        scenario.hooks().iter().map(|hook| String::from_utf8(hook.payload.clone()).expect("text")).collect();
    let entries = entries.iter().map(|entry| entry.trim());
    if array {
        format!("[\n  {}\n]\n", entries.collect::<Vec<_>>().join(",\n  "))
    } else {
        entries.map(|entry| format!("{}\n", entry.replace('\n', " "))).collect()
    }
}

#[test]
fn hook_logs_keep_their_order_and_come_in_once() {
    for scenario in SCENARIOS {
        for array in [true, false] {
            let world = World::new();
            let path = world.root().join("logs/all.json");
            write(&path, &log(scenario, array));
            let report = import(&world, &[&path]);
            assert_eq!(report["events"]["new"], scenario.hooks().len(), "{}: {report}", scenario.name());
            let server = world.serve();
            for session in scenario.sessions() {
                let prompts = |list: Vec<harness::Conversation>| -> Vec<Option<String>> {
                    list.into_iter().map(|it| it.prompt).collect()
                };
                let hooked: Vec<_> = scenario.hooks().iter().map(harness::Hook::json).collect();
                let submitted = hooked.iter().filter(|it| it["session_id"] == session.as_str());
                let submitted: Vec<_> = submitted.filter_map(|it| it["prompt"].as_str()).collect();
                let found = prompts(server.session(&session, "all"));
                let found: Vec<_> = found.iter().flatten().collect();
                let missing: Vec<_> =
                    submitted.iter().filter(|text| !found.iter().any(|found| text.contains(found.as_str()))).collect();
                assert!(missing.is_empty(), "{}: {missing:?} not in {found:?}", scenario.name());
            }
            drop(server);
            // Touched, or grown by one: the old entries are known again.
            fs::write(&path, log(scenario, array)).expect("touch");
            assert!(nothing_new(&import(&world, &[&world.root().join("logs")])), "{}", scenario.name());
        }
    }
}

#[test]
fn a_log_that_grew_brings_what_is_new() {
    let world = World::new();
    let path = world.root().join("logs/user_prompt_submit.json");
    let entry = |prompt: &str| json!({"session_id": "5c0e7a34-5a0e-4b8a-9f43-1f9f0f6f0001", "hook_event_name": "UserPromptSubmit", "prompt": prompt});
    let mut entries = vec![entry("yes"), entry("yes"), entry("and now the tests")];
    write(&path, &serde_json::to_string_pretty(&entries).expect("JSON"));
    assert_eq!(import(&world, &[&path])["prompts"], 3, "the same words twice are two prompts");
    entries.extend([entry("yes"), entry("done")]);
    write(&path, &serde_json::to_string_pretty(&entries).expect("JSON"));
    let report = import(&world, &[&path]);
    assert_eq!((&report["prompts"], &report["events"]["known"]), (&json!(2), &json!(3)), "{report}");
    let found = world.serve().session("5c0e7a34-5a0e-4b8a-9f43-1f9f0f6f0001", "");
    let found: Vec<_> = found.iter().filter_map(|it| it.prompt.as_deref()).collect();
    assert_eq!(found, ["yes", "yes", "and now the tests", "yes", "done"]);
}

const SESSION: &str = "0d9c0000-0000-4000-8000-00000000000a";
const NOON: i64 = 1_763_812_800_000; // 2025-11-22T12:00:00Z

fn typed(display: &str, second: i64, session: Option<&str>) -> String {
    let mut line = json!({"display": display, "pastedContents": {}, "timestamp": NOON + second * 1000, "project": "/home/dev/app"});
    if let Some(session) = session {
        line["sessionId"] = session.into();
    }
    format!("{line}\n")
}

fn user_line(text: &str, second: i64) -> String {
    let at = format!("2025-11-22T12:00:{second:02}.250Z");
    let line = json!({"type": "user", "uuid": format!("uuid-{second}"), "parentUuid": null, "isSidechain": false,
        "sessionId": SESSION, "timestamp": at, "cwd": "/home/dev/app", "message": {"role": "user", "content": text}});
    format!("{line}\n")
}

#[test]
fn what_was_typed_outlives_its_transcript() {
    let world = World::new();
    let history = world.home().join(".claude/history.jsonl");
    fs::create_dir_all(world.home().join(".claude/projects")).expect("a folder");
    let lines = [
        typed("why is it slow? [Pasted text #1 +20 lines]", 1, Some(SESSION)),
        typed("/clear", 2, Some(SESSION)),
        typed("! make", 3, Some(SESSION)),
        typed("typed long ago", 4, None),
    ];
    write(&history, &lines.concat());
    let report = import(&world, &[]);
    assert_eq!((&report["prompts"], &report["typed_without_session"]), (&json!(2), &json!(1)), "{report}");
    let server = world.serve();
    let before = server.items(&[("session_id", SESSION), ("kind", "all")]);
    let brief = |items: &[Value]| -> Vec<String> {
        let brief = items.iter().rev();
        brief.map(|it| format!("{} {} {}", it["kind"], it["status"], it["prompt_text"]).replace('"', "")).collect()
    };
    assert_eq!(
        brief(&before),
        ["human open why is it slow? [Pasted text #1 +20 lines]", "local complete /clear", "shell open ! make"]
    );
    let whole = server.get(&format!("/api/conversations/{}", before[2]["id"])).1;
    assert_eq!(whole["cwd"], "/home/dev/app", "{whole}");

    // It grows: only what is new is indexed, and nothing is doubled.
    write(&history, &format!("{}{}", lines.concat(), typed("and then?", 5, Some(SESSION))));
    assert_eq!(import(&world, &[])["prompts"], 1);
    let before = server.items(&[("session_id", SESSION), ("kind", "all")]);

    // The transcript turns up: the same prompts keep their ids, and what it does not have still answers.
    let transcript = [user_line("why is it slow? a\nb\nc", 1), user_line("and then?", 5), user_line("new", 9)].concat();
    write(&world.home().join(format!(".claude/projects/-home-dev-app/{SESSION}.jsonl")), &transcript);
    import(&world, &[]);
    let after = server.items(&[("session_id", SESSION)]);
    assert_eq!(after.len(), 3, "{after:#?}");
    assert_eq!(brief(&after)[0], "human interrupted why is it slow? a\\nb\\nc");
    let id = |items: &[Value], has: &str| {
        let found = items.iter().find(|it| it["prompt_text"].as_str().is_some_and(|text| text.contains(has)));
        found.unwrap_or_else(|| panic!("no {has} in {items:#?}"))["id"].clone()
    };
    for text in ["why is it slow?", "and then?"] {
        assert_eq!(id(&before, text), id(&after, text), "{text}");
    }
    for text in ["/clear", "! make"] {
        let path = format!("/api/conversations/{}", id(&before, text));
        assert_eq!(server.get(&path).1["prompt_text"], text);
    }
    assert!(nothing_new(&import(&world, &[])));
    drop(world.bin("ingest").args(["once"]).succeed());
    assert_eq!(server.items(&[("session_id", SESSION)]), after, "a pass afterwards changed something");
}

#[test]
fn the_transcript_first_makes_no_use_of_what_was_typed() {
    let world = World::new();
    write(
        &world.home().join(format!(".claude/projects/-home-dev-app/{SESSION}.jsonl")),
        &[user_line("why?", 1), user_line("and then?", 5)].concat(),
    );
    write(
        &world.home().join(".claude/history.jsonl"),
        &[typed("why?", 1, Some(SESSION)), typed("/model", 3, Some(SESSION)), typed("and then?", 5, Some(SESSION))]
            .concat(),
    );
    assert_eq!(import(&world, &[])["prompts"], 2);
    assert_eq!(world.serve().session(SESSION, "all").len(), 2);
}

/// A pass of the daemon's kind takes in history.jsonl too, and `import` finds nothing left of it.
#[test]
fn a_sweep_reads_the_history_beside_the_root() {
    let world = World::new();
    fs::create_dir_all(world.projects_root()).expect("a folder");
    write(&world.root().join("history.jsonl"), &typed("by a pass", 1, Some(SESSION)));
    drop(world.ingest_once());
    assert_eq!(world.serve().session(SESSION, "").len(), 1);
    assert!(nothing_new(&import(&world, &[&world.root().join("history.jsonl")])));
}

#[test]
fn paths_that_are_nothing_stop_it_at_once() {
    let world = World::new();
    let at = |name: &str| world.root().join(name);
    projects(&at("good"));
    write(&at("notes.txt"), "plain words");
    write(&at("empty.jsonl"), "");
    write(&at("odd/package.json"), "{\"name\":\"x\"}");
    write(&at("old-history.jsonl"), &typed("x", 1, None));
    write(&at("session.txt"), &user_line("x", 1));
    write(&at("chat.json"), &format!("[{}]", user_line("x", 1)));
    let check = |name: &str, expected: &str| {
        let done: Done = world.bin("ingest").arg("import").arg(at("good")).arg(at(name)).run().code(2);
        assert!(done.err().contains(name) && done.err().contains(expected), "{done}");
        assert_eq!(done.err().lines().count(), 1, "{done}");
        assert!(done.out().is_empty(), "{done}");
    };
    check("absent", "there is no such file or folder");
    check("notes.txt", "is nothing that can be imported");
    check("empty.jsonl", "is empty");
    check("odd", "holds nothing that can be imported");
    check("old-history.jsonl", "give it that name");
    check("session.txt", "name it SESSION.jsonl");
    check("chat.json", "in a JSON array");
    assert_eq!(rows(&world).len(), 0, "the good path was taken in all the same");
    let typed = world.bin("ingest").args(["import", "--projects"]).arg(at("absent")).run().code(2);
    assert!(typed.err().contains("absent: there is no such folder"), "{typed}");
    // Who has just begun has no transcripts, and that is no mistake.
    let alone = world.bin("ingest").arg("import").succeed();
    assert!(alone.err().contains(".claude/projects: there is no such folder"), "{alone}");
    assert!(alone.out().starts_with("nothing new"), "{alone}");
}

#[test]
fn a_file_that_cannot_be_read_is_named_and_the_rest_taken_in() {
    let world = World::new();
    let root = world.root().join("projects");
    projects(&root);
    let closed = root.join("-closed").join(format!("{SESSION}.jsonl"));
    write(&closed, &user_line("x", 1));
    fs::set_permissions(&closed, std::os::unix::fs::PermissionsExt::from_mode(0o000)).expect("chmod");
    if fs::read(&closed).is_ok() {
        return; // root may read everything
    }
    let done = world.bin("ingest").arg("import").arg(&root).run().code(1);
    assert!(done.err().contains(&format!("{SESSION}.jsonl: cannot be read: Permission denied")), "{done}");
    assert_eq!(rows(&world), swept());
}

/// Many sessions out of few: the scenarios' transcripts under other session ids.
fn many(root: &Path, copies: usize) {
    for (number, file) in SCENARIOS.iter().flat_map(|it| files(&it.projects(), ".jsonl")).enumerate() {
        let text = fs::read_to_string(&file).expect("a transcript");
        let Some(id) = file.file_stem().and_then(|stem| stem.to_str()).filter(|stem| stem.len() == 36) else {
            continue;
        };
        for copy in 0..copies {
            let mark = format!("{number:02x}{copy:06x}");
            let other = format!("{mark}{}", &id[8..]);
            // Other uuids as well, else they would be forks of each other.
            let text = text.replace(id, &other).replace("\"uuid\":\"", &format!("\"uuid\":\"{mark}"));
            write(&root.join(format!("-many/{other}.jsonl")), &text);
        }
    }
}

#[test]
fn killed_anywhere_and_run_again_it_ends_in_the_same_rows() {
    let reference = World::new();
    let root = reference.root().join("projects");
    many(&root, 40);
    import(&reference, &[&root]);
    let expected = rows(&reference);
    let world = World::new();
    let mut killed = 0;
    for after_ms in [5, 20, 40, 60, 80, 120, 160, 200] {
        let mut command = world.bin("ingest").args(["import", "--quiet"]).arg(&root).into_command();
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().expect("ingest starts");
        thread::sleep(Duration::from_millis(after_ms));
        child.kill().expect("kill");
        killed += u32::from(!child.wait().expect("wait").success());
    }
    assert!(killed > 2, "only {killed} imports were killed before they ended");
    import(&world, &[&root]);
    assert_eq!(rows(&world), expected);
    assert!(nothing_new(&import(&world, &[&root])));
}

/// Ctrl-C ends it after the transaction it is in, with a code of its own, and the next run goes on.
#[test]
fn ended_by_a_person_it_says_so_and_can_go_on() {
    let world = World::new();
    let root = world.root().join("projects");
    many(&root, 60);
    // Too early a signal finds no handler yet, too late a one nothing to end; between the two lies most of the time.
    let ended = [60, 90, 120, 150, 30, 200, 250].into_iter().any(|after_ms| {
        let mut command = world.bin("ingest").args(["import", "--json"]).arg(&root).into_command();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let child = command.spawn().expect("ingest starts");
        thread::sleep(Duration::from_millis(after_ms));
        drop(world.command("kill").args(["-INT", &child.id().to_string()]).run());
        let output = child.wait_with_output().expect("ingest ends");
        let report: Option<Value> = serde_json::from_slice(&output.stdout).ok();
        if output.status.code() == Some(75) {
            let report = report.expect("a report, also when it was ended");
            assert_eq!(report["stopped"], true, "{report}");
        }
        output.status.code() == Some(75)
    });
    assert!(ended, "no import was ended in its middle");
    let rest = import(&world, &[&root]);
    assert_eq!(rest["stopped"], false, "{rest}");
    assert!(nothing_new(&import(&world, &[&root])));
    assert_eq!(rows(&world).len() % 60, 0, "whole copies of the scenarios");
}
