//! Troubles that no finding is about: who would tell it cannot start, or knows of no other place.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use harness::World;
use store::read::Reader;

use super::stage::{Stage, eventually};
use harness::law::names;

fn payload(n: u32) -> String {
    format!(r#"{{"session_id":"s","hook_event_name":"Stop","last_assistant_message":"answer {n}"}}"#)
}

/// An ingester that ends with the test.
struct Run(Child);

impl Run {
    fn start(world: &World) -> Self {
        let mut command = world.bin("ingest").args(["run", "--every", "50ms"]).into_command();
        let said = fs::File::create(world.root().join("said")).unwrap();
        Self(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(said).spawn().unwrap())
    }

    fn hang_up(&self) {
        assert!(Command::new("kill").args(["-HUP", &self.0.id().to_string()]).status().unwrap().success());
    }

    fn lives(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn events(world: &World) -> i64 {
    Reader::open(world.data()).and_then(|mut reader| reader.health()).map_or(0, |health| health.events)
}

/// The data directory is moved away under an ingester, as with a disk that is unmounted: no other database is made in its place,
/// hooks go on there, and once it is back, and what they wrote is put into its queue, all of it is stored once.
#[test]
fn the_data_directory_is_moved_away() {
    let world = World::new();
    world.hook("Stop", payload(0));
    let mut run = Run::start(&world);
    eventually("the first is stored", || events(&world) == 1);
    let (data, away) = (world.data().root().to_owned(), world.root().join("away"));
    fs::rename(&data, &away).unwrap();
    world.hook("Stop", payload(1));
    let said = || fs::read_to_string(world.root().join("said")).unwrap();
    eventually("it is noticed", || said().contains("to be tried again: find "));
    assert!(run.lives() && !world.data().database().exists(), "{}", world.tree());
    // What docs/trouble/data-moved.md says.
    for name in names(&world.data().incoming()) {
        fs::rename(world.data().incoming().join(&name), away.join("queue/incoming").join(&name)).unwrap();
    }
    fs::remove_dir_all(&data).unwrap();
    fs::rename(&away, &data).unwrap();
    world.hook("Stop", payload(2));
    eventually("all are stored", || events(&world) == 3);
    assert!(run.lives());
    let status = || world.bin("ingest").args(["status", "--json"]).env("PROMPT_MANAGER_LOW_SPACE", "0").run().json();
    let begin = std::time::Instant::now();
    while status()["status"] != "ok" {
        assert!(begin.elapsed().as_secs() < 120, "{:#}", status()["findings"]);
    }
    world.assert_drained();
}

/// Who runs goes on with what it read before, who starts says which line is wrong, and hooks read no file.
#[test]
fn settings_that_cannot_be_read() {
    let world = World::new();
    world.hook("Stop", payload(0));
    let mut run = Run::start(&world);
    eventually("the first is stored", || events(&world) == 1);
    let config = world.root().join("config/prompt-manager/config.toml");
    fs::create_dir_all(config.parent().unwrap()).unwrap();
    fs::write(&config, "\nevry = \"1s\"\n").unwrap();
    run.hang_up();
    for command in ["status", "doctor", "once"] {
        let done = world.ingest(&[command]).code(78);
        assert!(done.err().contains("config.toml, line 2, key `evry`"), "{done}");
    }
    for words in [&["list"][..], &["search", "x"], &["rate", "last", "5"], &["stats"], &["open"]] {
        let done = world.bin("query-api").args(words).run().code(78);
        assert!(done.err().contains("config.toml, line 2, key `evry`"), "{done}");
    }
    world.hook("Stop", payload(1));
    eventually("the second is stored", || events(&world) == 2);
    assert!(run.lives());
    fs::remove_file(config).unwrap();
    assert!(names(&world.data().incoming()).is_empty());
    let _ = world.ingest(&["status"]).code(0);
}

/// A pipe to which nobody writes, in the place of a file that commands read or write: nobody waits for it, and what cannot do without
/// that file names it in one line.
#[test]
fn pipes_in_the_place_of_files() {
    let world = World::new();
    world.hook("Stop", payload(0));
    world.ingest_once();
    let said = |paths: &[PathBuf], (program, words): (&str, &[&str])| {
        paths.iter().for_each(|path| drop(fs::remove_file(path)));
        let _ = world.command("mkfifo").args(paths).succeed();
        let done = world.bin(program).args(words).env("PROMPT_MANAGER_NOTIFY", "true").run();
        paths.iter().for_each(|path| drop(fs::remove_file(path)));
        done
    };
    let (once, hooks) = (("ingest", &["once"][..]), ("ingest", &["setup", "hooks"][..]));
    let (notify, serve) = (("ingest", &["notify", "--test"][..]), ("query-api", &["serve"][..]));
    let (list, rate) = (("query-api", &["list"][..]), ("query-api", &["rate", "last", "5"][..]));
    let commands = [once, hooks, notify, list, rate, ("ingest", &["status"]), ("ingest", &["doctor"])];
    let config = world.root().join("config/prompt-manager/config.toml");
    fs::create_dir_all(config.parent().unwrap()).unwrap();
    for command in commands.into_iter().chain([serve]) {
        let done = said(std::slice::from_ref(&config), command).code(78);
        assert!(
            done.err().ends_with("config.toml: it is no plain file\n") && done.err().lines().count() == 1,
            "{done}"
        );
    }
    // Notes, without which all goes on.
    let run = world.data().run();
    let notes = ["backup", "chores", "forgetting", "outside", "trouble", "notify"].map(|name| format!("{name}.json"));
    let notes: Vec<_> =
        notes.iter().map(String::as_str).chain(["api.url", "notify.lock"]).map(|name| run.join(name)).collect();
    for command in commands {
        let done = said(&notes, command);
        // There may be little room on this machine, which `status` tells.
        assert!(matches!(done.status.code(), Some(0 | 1)), "{done}");
    }
    for (name, command) in [("api.token", serve), ("chores.lock", once), ("setup.lock", hooks)] {
        let done = said(&[run.join(name)], command);
        assert!(done.err().contains(&format!("run/{name}: ")), "{name}: {done}");
    }
    let _ = world.command("mkfifo").arg(run.join("api.url")).succeed();
    let server = world.serve();
    assert_eq!(server.get("/api/conversations").0, 200);
}

/// A foreign program that has all of the database for itself, so that nobody can read it: who it is, is said.
#[test]
fn a_database_that_nobody_may_read() {
    let world = World::new();
    world.ingest_once();
    let mut command = world.command("sqlite3").arg(world.data().database()).into_command();
    let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let Ok(mut other) = spawned else {
        println!("SKIPPED: sqlite3 is not installed");
        return;
    };
    let says = b".timeout 0\npragma locking_mode=exclusive; begin exclusive;\n.print held\n";
    std::io::Write::write_all(other.stdin.as_mut().unwrap(), says).unwrap();
    let mut said = std::io::BufReader::new(other.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("held") {
        assert_ne!(std::io::BufRead::read_line(&mut said, &mut line).unwrap(), 0, "{line}");
    }
    world.hook("Stop", payload(0));
    let names_it = |text: &str| text.contains(&format!("sqlite3 (pid {})", other.id()));
    for (command, code) in [("once", 75), ("status", 1), ("doctor", 75)] {
        let done = world.bin("ingest").arg(command).env("PROMPT_MANAGER_LOW_SPACE", "0").run().code(code);
        assert!(names_it(&done.out().replace("\n  ", " ")), "{done}");
        assert!(command == "once" || done.out().contains("database_busy"), "{done}");
    }
    drop(other.stdin.take());
    other.wait().unwrap();
    assert_eq!(world.ingest_once()["stored"], 1);
    let done = world.bin("ingest").args(["status", "--json"]).env("PROMPT_MANAGER_LOW_SPACE", "0").succeed();
    assert_eq!(done.json()["status"], "ok", "{done}");
}

/// `archive` and `failed` are links to another disk: what goes there is copied, and what comes back too.
#[test]
fn the_archive_is_on_another_disk() {
    let Some(mut stage) = Stage::new("size=24m") else { return };
    stage.prompts();
    stage.settle("on one disk");
    stage.end("-TERM");
    let move_away = r#"for part in archive failed; do
        cp -a "$0/queue/$part" "$HOME/$part" && rm -r "$0/queue/$part" && ln -s "$HOME/$part" "$0/queue/$part" || exit 1; done
        printf '[' > "$0/queue/incoming/1795350951000000900-s-Stop.json""#;
    let _ = stage.sh(move_away).code(0);
    stage.start();
    stage.prompts();
    stage.settle("on two disks");
    let archived = names(&stage.world.home().join("archive/2026-11-22"));
    assert_eq!(archived.len(), 6, "{archived:?}");
    let failed = || names(&stage.world.home().join("failed"));
    eventually("it is in failed", || failed().len() == 2);
    for told in stage.told() {
        assert!(told.iter().all(|(code, _)| code == "files_failed"), "{told:#?}");
    }
    assert!(stage.ingest(&["retry", "--all"]).code(0).out().starts_with("1 file back"));
    eventually("it came back, and failed again", || failed().len() == 2);
    let _ = stage
        .sh(r#"rm "$HOME"/failed/* && rm -r "$0/queue/archive" "$0/queue/failed" &&
        cp -a "$HOME/archive" "$HOME/failed" "$0/queue/""#)
        .code(0);
    stage.check_law("on two disks");
}
