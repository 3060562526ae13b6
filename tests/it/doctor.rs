//! `doctor` finds nothing on a healthy store, names each fault that is planted, and mends what it says it can.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod hook;
mod links;
mod stray;

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use harness::{SCENARIOS, World, bin, example};
use serde_json::{Value, json};

use harness::law::names;

/// A word of a prompt in the fixtures that no finding may show.
const PRIVATE: &str = "Wombat";

/// A store with everything: three captured runs through the hook, their transcripts, a rating. Made once, then copied.
fn healthy() -> &'static Path {
    static HEALTHY: OnceLock<World> = OnceLock::new();
    let world = HEALTHY.get_or_init(|| {
        let world = World::new();
        for scenario in SCENARIOS {
            world.feed(scenario);
            for path in files(&scenario.projects()) {
                let text = fs::read(&path).unwrap();
                let below = path.strip_prefix(scenario.projects()).unwrap().to_str().unwrap();
                world.transcript(below, &our_hook(&text));
            }
        }
        world.ingest_once();
        world.ingest_once();
        plant(&world, "rating");
        plant(&world, "at-once");
        world
    });
    world.root()
}

/// The transcripts as if our hook had run in them.
fn our_hook(text: &[u8]) -> Vec<u8> {
    match std::str::from_utf8(text) {
        Ok(text) => text.replace("/opt/capture.sh", "/home/dev/.local/lib/prompt-manager/prompt-hook").into_bytes(),
        Err(_) => text.to_vec(),
    }
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

/// A copy of the healthy store in a world of its own, with Claude Code's settings as the installer writes them.
fn copy() -> World {
    let world = World::new();
    for part in ["data", "projects"] {
        let to = world.root().join(part);
        let _ = fs::remove_dir(&to);
        let status = Command::new("cp").arg("-a").arg(healthy().join(part)).arg(&to).status().unwrap();
        assert!(status.success());
    }
    mode(world.data().root(), 0o700);
    settings(&world, &|_| {});
    world
}

fn settings(world: &World, change: &dyn Fn(&mut Value)) {
    let hook = |event: &str| json!([{"hooks": [{"type": "command", "command": bin("prompt-hook"), "args": [event, "--queue", world.data().queue()]}]}]);
    let events = ["SessionStart", "UserPromptSubmit", "Stop", "StopFailure", "SessionEnd"];
    let hooks: serde_json::Map<_, _> = events.iter().map(|event| ((*event).to_owned(), hook(event))).collect();
    let mut settings = json!({"hooks": hooks});
    change(&mut settings);
    let folder = world.home().join(".claude");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("settings.json"), settings.to_string()).unwrap();
}

fn plant(world: &World, fault: &str) {
    let _ = world.command(example("plant")).arg(world.data().database()).arg(fault).succeed();
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn old(path: &Path) {
    let then = SystemTime::now() - Duration::from_secs(40 * 24 * 3600);
    File::open(path).unwrap().set_modified(then).unwrap();
}

/// A new file that only its owner may read.
fn write(path: &Path, bytes: impl AsRef<[u8]>) {
    fs::write(path, bytes).unwrap();
    mode(path, 0o600);
}

fn doctor(world: &World, args: &[&str]) -> harness::Done {
    world.bin("ingest").args(["doctor", "--json", "--projects"]).arg(world.projects_root()).args(args).run()
}

/// What doctor itself finds, without what `status` says of the same: files that fail or wait in a world without ingester.
fn codes(report: &Value) -> Vec<&str> {
    let mut codes = all_codes(report);
    codes.retain(|code| !["files_failed", "no_ingester", "slow"].contains(code));
    codes
}

fn all_codes(report: &Value) -> Vec<&str> {
    report["findings"].as_array().unwrap().iter().map(|finding| finding["code"].as_str().unwrap()).collect()
}

/// Plants a fault; doctor names it and nothing else, and does not change it. What it says it mends is mended by one
/// `--repair` and the next pass.
fn check(what: &str, expected: &[&str], planting: impl Fn(&World)) {
    let world = copy();
    planting(&world);
    let done = doctor(&world, &[]);
    let report = done.json();
    assert_eq!(codes(&report), expected, "{what}\n{done}");
    let is_error = report["findings"].as_array().unwrap().iter().any(|finding| finding["severity"] == "error");
    let done = done.code(i32::from(is_error));
    assert!(!done.out().contains(PRIVATE) && !done.err().contains(PRIVATE), "{done}");
    assert_eq!(codes(&doctor(&world, &[]).json()), expected, "{what}: a look changed something");
    if expected.is_empty() || report["findings"].as_array().unwrap().iter().any(|it| it["repairable"] == false) {
        return;
    }
    let repaired = doctor(&world, &["--repair"]);
    assert_eq!(codes(&repaired.json()), [""; 0], "{what}\n{repaired}");
    assert!(!repaired.json()["repaired"].as_array().unwrap().is_empty(), "{what}\n{repaired}");
    let _ = world.ingest_once();
    let after = doctor(&world, &[]).code(0);
    assert_eq!(codes(&after.json()), [""; 0], "{what}: after the next pass\n{after}");
}

/// A file of the archive.
fn archived(world: &World) -> PathBuf {
    let mut found = files(&world.data().archive());
    found.sort();
    found.remove(0)
}

#[test]
fn a_healthy_store_has_no_findings() {
    let world = copy();
    let report = doctor(&world, &[]).code(0).json();
    assert_eq!(all_codes(&report), [""; 0], "{report:#}");
    assert_eq!(report["state"], "ok");
    let checked = &report["checked"];
    for figure in ["events", "transcripts", "bytes", "archived", "sessions", "hook_runs"] {
        assert!(checked[figure].as_u64().unwrap() > 0, "{figure}: {checked}");
    }
    assert_eq!(checked["archived"], checked["events"]);
    let before = world.tree();
    let person = world.bin("ingest").args(["doctor", "--projects"]).arg(world.projects_root()).run().code(0);
    assert!(person.out().trim_end().ends_with("all is well"), "{person}");
    let stable =
        |tree: String| tree.lines().filter(|line| !line.contains("prompts.db-")).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(stable(world.tree()), stable(before), "doctor changed a file");
    let idle = doctor(&world, &["--repair"]).code(0).json();
    assert_eq!(idle["repaired"], json!([]));
}

/// The spill place, as a hook makes it.
fn spill(world: &World) -> PathBuf {
    let spill = world.root().join("state/prompt-manager/spill");
    for folder in ["tmp", "incoming"] {
        queue::layout::create_private_dir(&spill.join(folder)).unwrap();
    }
    spill
}

#[test]
fn faults_of_the_queue() {
    let name = "1795350951598014047-s-Stop.json";
    check("row gone", &["archive_row_missing"], |world| plant(world, "event-gone"));
    check("archived bytes changed", &["archive_changed"], |world| write(&archived(world), "{}"));
    check("strange in archive", &["archive_strange"], |world| write(&world.data().archive().join("notes.txt"), "x"));
    check("failed and stored", &["failed_and_stored"], |world| {
        let from = archived(world);
        let file = from.file_name().unwrap().to_str().unwrap();
        fs::copy(&from, world.data().failed().join(file)).unwrap();
        let note = json!({"name": file, "class": "crashes", "detail": "", "size": 1, "attempts": 3, "failed_at": "2026-11-25T00:00:00Z"});
        write(&world.data().failed().join(format!("{file}.reason.json")), note.to_string());
    });
    check("failed without note", &["failed_without_note"], |world| write(&world.data().failed().join(name), "x"));
    check("note without file", &["note_without_file"], |world| {
        let note = world.data().failed().join(format!("{name}.reason.json"));
        write(&note, "{}");
        old(&note);
    });
    check("waits and is stored", &["waiting_and_stored"], |world| {
        let from = archived(world);
        fs::copy(&from, world.data().incoming().join(from.file_name().unwrap())).unwrap();
    });
    check("twice", &["failed_without_note", "twice_in_queue"], |world| {
        write(&world.data().incoming().join(name), "{}");
        write(&world.data().failed().join(name), "{}");
    });
    check("a link", &["queue_strange"], |world| symlink("/etc/passwd", world.data().incoming().join(name)).unwrap());
    check("a strange name", &["queue_strange"], |world| write(&world.data().processing().join("notes.txt"), "x"));
    check("old in tmp", &["tmp_stale"], |world| {
        let file = world.data().tmp().join(name);
        write(&file, "{\"a");
        old(&file);
    });
    check("spilled", &["spill_waits"], |world| {
        let file = spill(world).join("incoming").join(name);
        write(&file, "{}");
        old(&file);
    });
    check("a dead hook's in the spill place", &["tmp_stale"], |world| {
        let file = spill(world).join("tmp").join(name);
        write(&file, "{\"a");
        old(&file);
    });
    check("strange in the spill place", &["queue_strange"], |world| {
        write(&spill(world).join("notes.txt"), "x");
        write(&spill(world).join("incoming/notes.txt"), "x");
    });
    check("open spill place", &["folder_open", "file_open"], |world| {
        let file = spill(world).join("incoming").join(name);
        write(&file, r#"{"session_id":"s","hook_event_name":"Stop"}"#);
        mode(&file, 0o644);
        mode(&spill(world), 0o755);
    });
    check("in the spill place and in incoming", &["twice_in_queue"], |world| {
        write(&spill(world).join("incoming").join(name), "{}");
        write(&world.data().incoming().join(name), "{}");
    });
    check("in incoming and in processing", &["twice_in_queue"], |world| {
        write(&world.data().incoming().join(name), "{}");
        write(&world.data().processing().join(format!("{name}.a1")), "{}");
    });
    check("no folder", &["folder_missing"], |world| fs::remove_dir_all(world.data().backups()).unwrap());
}

#[test]
fn faults_of_packed_days() {
    let pack = |world: &World| {
        let done = world.bin("ingest").args(["prune", "--json"]).env("PROMPT_MANAGER_PACK_AFTER", "0s").succeed();
        assert!(done.json()["packed_files"].as_u64().unwrap() > 0, "{done}");
        names(&world.data().archive()).into_iter().find(|name| name.ends_with(".tar.zst")).unwrap()
    };
    check("packed and well", &[], |world| drop(pack(world)));
    check("pack damaged", &["pack_unreadable"], |world| {
        let path = world.data().archive().join(pack(world));
        let bytes = fs::read(&path).unwrap();
        write(&path, &bytes[..bytes.len() / 2]);
    });
    check("packed, and the row is gone", &["archive_row_missing"], |world| {
        pack(world);
        plant(world, "event-gone");
    });
}

#[test]
fn faults_of_the_database() {
    let check = |fault: &str, expected: &[&str]| super::doctor::check(fault, expected, |world| plant(world, fault));
    check("event-unreadable", &["event_damaged"]);
    check("event-changed", &["event_damaged"]);
    check("event-doubled", &["event_doubled"]);
    super::doctor::check("a rating of nothing", &["rating_waits"], |world| {
        let rate = r#"{"session_id":"s-9","hook_event_name":"UserPromptSubmit","prompt":"/rate 5"}"#;
        let hook = world.bin("prompt-hook").arg("--rate").env("PROMPT_MANAGER_CLOCK_NS", "1795350951598014047");
        let _ = hook.stdin(rate).run().code(0);
        let _ = world.ingest_once();
    });
    check("chunk-gone", &["transcript_damaged"]);
    check("chunk-unreadable", &["transcript_damaged"]);
    check("tail-changed", &["transcript_damaged"]);
    check("index-gone", &["schema_differs"]);
    check("view-gone", &["schema_differs"]);
    check("view-other", &["schema_other"]);
    check("table-more", &["schema_other"]);
    check("table-gone", &["database_unread", "schema_other"]);
    check("schema-newer", &["database_too_new"]);
    check("schema-older", &["database_old"]);
    check("foreign", &["database_foreign"]);
    check("origin-gone", &["references_broken"]);
    check("chunks-without-file", &["references_broken"]);
    check("ids-gone", &["ids_missing"]);
    check("rating-without-id", &["unheard"]);
    check("rating-unheard", &["unheard"]);
    check("alias-to-nowhere", &["ids_missing"]);
    check("loose-usage", &["derived_loose"]);
    check("said-untold", &["said_differs"]);
    check("said-changed", &["said_differs"]);
    check("said-stray", &["said_differs"]);
    check("title-gone", &["said_differs"]);
    check("words-gone", &["words_missing", "derived_differs"]);
    check("words-stray", &["words_stray"]);
    check("words-damaged", &["words_damaged"]);
    check("texts-gone", &["words_missing"]);
    check("titles-stray", &["words_stray"]);
    check("texts-damaged", &["words_damaged"]);
    check("keys-gone", &["unrecognised"]);
    check("session-waits", &["sessions_wait"]);
    check("turn-changed", &["derived_differs"]);
    check("prompt-changed", &["derived_differs", "lists_differ"]);
    check("facets-gone", &["derived_differs", "lists_differ"]);
    check("facets-changed", &["derived_differs", "lists_differ"]);
    check("facets-stray", &["lists_differ"]);
    check("uses-stray", &["lists_differ"]);
    check("counts-changed", &["counts_differ"]);
    check("event-moved", &["event_misfiled"]);
    check("event-session", &["event_misfiled"]);
    check("call-gone", &["words_stray", "derived_differs", "lists_differ"]);
    check("future-event", &["times_ahead"]);
    check("future-pass", &["clock", "times_ahead"]);
}

#[test]
fn faults_of_the_database_file() {
    check("no database", &["database_missing"], |world| {
        for end in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(world.data().database().with_extension(format!("db{end}")));
        }
    });
    check("noise", &["database_damaged"], |world| {
        plant(world, "rating-unheard"); // and with it a checkpoint
        let path = world.data().database();
        let mut bytes = fs::read(&path).unwrap();
        let half = bytes.len() / 2;
        bytes[half..].fill(0xa5);
        fs::write(&path, bytes).unwrap();
    });
    // The engine follows no link: as good as a disk that does not answer.
    check("cannot be opened", &["database_unreadable"], |world| {
        let elsewhere = world.root().join("elsewhere.db");
        fs::rename(world.data().database(), &elsewhere).unwrap();
        symlink(&elsewhere, world.data().database()).unwrap();
    });
    check("no SQLite at all", &["database_damaged"], |world| {
        let _ = fs::remove_file(world.data().database().with_extension("db-wal"));
        fs::write(world.data().database(), vec![7; 8192]).unwrap();
    });
}

#[test]
fn faults_of_the_machine() {
    check("open folder", &["folder_open"], |world| mode(&world.data().archive(), 0o755));
    check("open file", &["file_open"], |world| mode(&archived(world), 0o644));
    check("open database", &["secret_open"], |world| mode(&world.data().database(), 0o644));
    check("no transcripts", &["projects_unreadable"], |world| fs::remove_dir_all(world.projects_root()).unwrap());
    check("set aside", &["set_aside"], |world| {
        let folder = world.data().database_dir().join("set-aside-2026-01-01T000000Z");
        fs::create_dir(&folder).unwrap();
        mode(&folder, 0o700);
        old(&folder);
    });
    check("a restore that died", &["staging_left"], |world| {
        fs::create_dir(world.data().staging()).unwrap();
        mode(&world.data().staging(), 0o700);
        old(&world.data().staging());
    });
    // Who may give files away is root alone.
    if std::os::unix::fs::chown(healthy(), Some(0), None).is_ok() {
        check("another owner", &["owner_foreign"], |world| {
            std::os::unix::fs::chown(archived(world), Some(65534), None).unwrap();
        });
    }
    check("a part of a backup", &["left_over"], |world| {
        let part = world.data().backups().join("prompts-2026-01-01T000000Z.db.partial");
        write(&part, "x");
        old(&part);
    });
}

/// What `status` finds stands beside it.
#[test]
fn how_it_is_going_is_told_too() {
    let world = copy();
    write(&world.data().failed().join("1795350951598014047-s-Stop.json"), "x");
    let report = doctor(&world, &[]).code(0).json();
    assert_eq!(all_codes(&report), ["failed_without_note", "files_failed"], "{report:#}");
    let low =
        world.bin("ingest").args(["doctor", "--json"]).env("PROMPT_MANAGER_MIN_SPACE", "1000000GiB").run().code(1);
    assert!(all_codes(&low.json()).contains(&"space_out"), "{low}");
}

/// A process that ends with the test, also when that fails.
struct Running(std::process::Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Hooks write, an ingester takes in, and whenever doctor looks all is well.
#[test]
fn while_everything_goes_on() {
    let world = copy();
    let mut ingester = world.bin("ingest").args(["run", "--every", "20ms", "--quiet"]).into_command();
    let running = Running(ingester.stdout(Stdio::null()).spawn().unwrap());
    let mut looks = 0;
    std::thread::scope(|scope| {
        let hooks = scope.spawn(|| {
            for n in 0..300 {
                let event = if n % 2 == 0 { "UserPromptSubmit" } else { "Stop" };
                let payload = json!({"session_id": format!("s{}", n % 5), "hook_event_name": event, "prompt": "p", "last_assistant_message": "a"});
                world.hook(event, payload.to_string());
            }
        });
        while !hooks.is_finished() {
            let report = doctor(&world, &[]).json();
            assert_eq!(codes(&report), [""; 0], "{report:#}");
            looks += 1;
        }
    });
    drop(running);
    assert!(looks > 1, "{looks} looks");
}

/// What was derived of damaged bytes is the best there is: it stays as it is.
#[test]
fn mending_derives_nothing_from_damaged_bytes() {
    let world = copy();
    plant(&world, "chunk-gone");
    plant(&world, "turn-changed");
    let export = || world.ingest(&["export", "-f", "csv"]).code(0).stdout;
    let before = export();
    assert!(!before.is_empty());
    let report = doctor(&world, &["--repair"]).code(1).json();
    assert_eq!(codes(&report), ["transcript_damaged"], "{report:#}");
    assert!(export() == before, "doctor derived from what is damaged");
}

#[test]
fn nothing_captures() {
    let world = World::new();
    mode(world.data().root(), 0o700);
    world.projects(SCENARIOS[0]);
    assert_eq!(codes(&doctor(&world, &[]).code(0).json()), ["hook_not_called", "nothing_yet"]);
    world.ingest_once();
    assert_eq!(codes(&doctor(&world, &[]).code(0).json()), ["hook_not_called"]);
    world.hook("Stop", r#"{"session_id":"s","hook_event_name":"Stop"}"#);
    world.ingest_once();
    assert_eq!(codes(&doctor(&world, &[]).code(0).json()), [""; 0]);
}

/// Where `status` tells the same: its words, and behind them what it did not look at.
#[test]
fn what_status_did_not_see_is_named_too() {
    let world = copy();
    let day = world.data().archive().join("2026-11-22");
    for folder in [world.data().failed(), world.root().join("data/logs"), day] {
        mode(&folder, 0o755);
    }
    let report = doctor(&world, &[]).json();
    let open = report["findings"].as_array().unwrap().iter().find(|finding| finding["code"] == "folder_open").unwrap();
    let detail = open["detail"].as_str().unwrap();
    for expected in ["queue/failed (0755)", "logs (0755)", "In all 3: "] {
        assert!(detail.contains(expected), "{detail}");
    }
}
