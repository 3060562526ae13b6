//! What `status` and `/api/health` say in each state of a store, and that looking and being idle change nothing.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod document;

use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use harness::{Done, SCENARIOS, World};
use ingest::pass::{self, Context, Effort};
use ingest::step::{Step, go_on};
use serde_json::Value;
use settings::{Layer, Settings};
use store::write::Writer;

/// Stands in every payload, and must not be said by anybody who only tells how it is going.
const SECRET: &str = "xylophonequartz";

fn payload(event: &str) -> String {
    format!(
        r#"{{"session_id":"s","hook_event_name":"{event}","prompt":"{SECRET}","last_assistant_message":"{SECRET}"}}"#
    )
}

/// A file in the queue that was captured so long ago.
fn waits(world: &World, seconds: u64, content: &str) {
    world.data().create().unwrap();
    let then = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() - Duration::from_secs(seconds);
    let name = format!("{:019}-s-Stop.json", then.as_nanos());
    fs::write(world.data().incoming().join(name), content).unwrap();
}

/// The settings are those of a machine with room enough.
fn status(world: &World, env: &[(&str, &str)], args: &[&str]) -> Done {
    let mut command = world.bin("ingest").arg("status").args(args).env("PROMPT_MANAGER_LOW_SPACE", "0");
    for (name, value) in env {
        command = command.env(&format!("PROMPT_MANAGER_{name}"), value);
    }
    let done = command.run();
    for said in [&done.stdout, &done.stderr] {
        assert!(!String::from_utf8_lossy(said).contains(SECRET), "it tells what somebody typed\n{done}");
    }
    done
}

fn codes(document: &Value) -> Vec<&str> {
    document["findings"].as_array().unwrap().iter().map(|finding| finding["code"].as_str().unwrap()).collect()
}

/// State, findings and exit code, of the page as of the document.
fn check_with(world: &World, env: &[(&str, &str)], state: &str, expected: &[&str]) -> Value {
    let exit = i32::from(state == "failing");
    let document = status(world, env, &["--json"]).code(exit).json();
    assert_eq!((document["status"].as_str().unwrap(), codes(&document).as_slice()), (state, expected), "{document:#}");
    let page = status(world, env, &[]).code(exit);
    assert!(page.out().contains(&format!("\nstate         {state}\n")), "{page}");
    for code in expected {
        assert!(page.out().contains(&format!(" {code}: ")), "{page}");
    }
    assert!(!page.out().contains('\u{1b}'), "colours in a pipe\n{page}");
    document
}

fn check(world: &World, state: &str, expected: &[&str]) -> Value {
    check_with(world, &[], state, expected)
}

#[test]
fn before_anything_and_when_all_is_well() {
    let world = World::new();
    check(&world, "ok", &["nothing_yet"]);
    assert_eq!(world.names(world.data().root()), Vec::<String>::new(), "a look changes nothing");
    world.ingest_once();
    let fresh = check(&world, "ok", &[]);
    assert_eq!((&fresh["database"]["events"], &fresh["last_pass"]), (&0.into(), &Value::Null), "{fresh:#}");
    assert!(fresh["last_once_at"].is_string() && fresh["ingesters"] == Value::Array(vec![]), "{fresh:#}");
    world.hook("UserPromptSubmit", payload("UserPromptSubmit"));
    world.hook("Stop", payload("Stop"));
    world.ingest_once();
    let after = check(&world, "ok", &[]);
    assert_eq!(after["last_pass"]["stored"], 2, "{after:#}");
    assert_eq!((&after["totals"]["stored"], &after["totals"]["passes"]), (&2.into(), &1.into()), "{after:#}");
    assert_eq!(after["database"]["events"], 2, "{after:#}");
    assert!(after["last_event_at"].is_string(), "{after:#}");
}

/// State and findings as they will be so many seconds from now, if nobody comes.
fn check_later(world: &World, seconds: u64, expected: &[&str]) {
    let flags = Layer { home: Some(world.data().root().to_owned()), low_space: Some(0), ..Layer::default() };
    let settings = Settings::resolve(flags, &|name| (name == "HOME").then(|| world.root().into())).unwrap();
    let found = ::status::Status::gather(&settings, SystemTime::now() + Duration::from_secs(seconds));
    let found: Vec<_> = found.findings.iter().map(|f| format!("{:?} {}", f.severity, f.code)).collect();
    assert_eq!(found, expected, "in {seconds} s\n{}", world.tree());
}

#[test]
fn what_waits_for_nobody() {
    let world = World::new();
    drop(Writer::open(world.data()).unwrap());
    waits(&world, 10, &payload("Stop"));
    check(&world, "ok", &[]);
    // However old its name is, it came just now.
    waits(&world, 4000, &payload("Stop"));
    let found = check(&world, "ok", &[]);
    assert_eq!(found["queue"]["incoming"]["files"], 2, "{found:#}");
    assert!(found["queue"]["incoming"]["oldest_age_ms"].as_u64().unwrap() >= 4_000_000, "{found:#}");
    check_later(&world, 50, &[]);
    check_later(&world, 120, &["Warning no_ingester"]);
    check_later(&world, 4000, &["Error no_ingester"]);
    world.ingest_once();
    check_later(&world, 4000, &[]);
    // They did wait long, but they are few, and it is over.
    let found = check(&world, "ok", &[]);
    assert!(found["latency"]["hour"]["p99_ms"].as_u64().unwrap() > 3_600_000, "{found:#}");
}

#[test]
fn what_came_back_waits_anew() {
    let world = World::new();
    waits(&world, 90_000, "[]");
    world.ingest_once();
    check(&world, "degraded", &["files_failed"]);
    assert_eq!(world.ingest(&["retry", "--all", "--json"]).code(0).json()["returned"], 1);
    check(&world, "ok", &[]);
    check_later(&world, 600, &[]); // `once` was here: an hour is given
    check_later(&world, 4000, &["Error no_ingester"]);
}

#[test]
fn what_failed() {
    let world = World::new();
    for content in [SECRET, "[]", ""] {
        waits(&world, 1, content);
        world.ingest_once();
    }
    let found = check(&world, "degraded", &["files_failed"]);
    assert_eq!(found["failed"]["files"], 3, "{found:#}");
    for reason in ["not_json", "not_an_object", "empty"] {
        assert_eq!(found["failed"]["by_reason"][reason], 1, "{found:#}");
    }
    assert_eq!(found["totals"]["failed"], 3, "{found:#}");
}

#[test]
fn a_database_that_another_program_holds() {
    let world = World::new();
    let mut other = Writer::open(world.data()).unwrap();
    let held = other.batch().unwrap();
    waits(&world, 1, &payload("Stop"));
    let _ = world.ingest(&["once"]).code(75);
    let found = check(&world, "failing", &["trouble"]);
    assert!(found["trouble"]["text"].as_str().unwrap().contains("busy"), "{found:#}");
    assert_eq!(found["trouble"]["count"], 1, "{found:#}");
    let _ = world.ingest(&["once"]).code(75);
    assert_eq!(check(&world, "failing", &["trouble"])["trouble"]["count"], 2);
    // On a full disk it may not have been written; the note that `once` left tells it too.
    fs::remove_file(world.data().trouble()).unwrap();
    assert_eq!(check(&world, "failing", &["trouble"])["trouble"]["count"], 2);
    drop(held);
    assert_eq!(world.ingest_once()["stored"], 1);
    assert_eq!(check(&world, "ok", &[])["trouble"], Value::Null);
    assert!(!world.data().trouble().exists());
}

#[test]
fn a_restore_that_holds_the_database() {
    let world = World::new();
    world.ingest_once();
    let lock = fs::File::options().write(true).open(world.data().db_lock()).unwrap();
    lock.lock().unwrap();
    check(&world, "degraded", &["database_busy"]);
    // Let go of, not only closed: a child that another test starts at this moment may still have it open.
    lock.unlock().unwrap();
    check(&world, "ok", &[]);
}

#[test]
fn databases_that_cannot_be_read() {
    let world = World::new();
    world.ingest_once();
    let database = world.data().database();
    let good = fs::read(&database).unwrap();
    let with = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = good.clone();
        change(&mut bytes);
        fs::write(&database, bytes).unwrap();
    };
    with(&|bytes| bytes[60..64].copy_from_slice(&99_u32.to_be_bytes())); // user_version in SQLite's header
    check(&world, "failing", &["database_too_new"]);
    with(&|bytes| bytes[60..64].copy_from_slice(&1_u32.to_be_bytes()));
    check(&world, "failing", &["database_old"]);
    with(&|bytes| bytes[68..72].copy_from_slice(&7_u32.to_be_bytes())); // application_id
    check(&world, "failing", &["database_foreign"]);
    with(&|bytes| bytes.fill(b'x'));
    check(&world, "failing", &["database_damaged"]);
    with(&|_| {});
    check(&world, "ok", &[]);
}

#[test]
fn little_room() {
    let world = World::new();
    world.ingest_once();
    let much = "9999999GiB";
    check_with(&world, &[("LOW_SPACE", much)], "degraded", &["space_low"]);
    check_with(&world, &[("LOW_SPACE", much), ("MIN_SPACE", much)], "failing", &["space_out"]);
    waits(&world, 1, &payload("Stop"));
    let _ = world.bin("ingest").arg("once").env("PROMPT_MANAGER_MIN_SPACE", much).run().code(75);
    let found = check(&world, "failing", &["trouble"]);
    assert!(found["trouble"]["text"].as_str().unwrap().contains("min_space"), "{found:#}");
    assert_eq!(world.ingest_once()["stored"], 1);
    check(&world, "ok", &[]);
}

#[test]
fn what_the_hook_noted() {
    let world = World::new();
    world.ingest_once();
    fs::remove_dir_all(world.data().queue()).unwrap();
    fs::write(world.data().queue(), "in the way").unwrap();
    world.hook("Stop", payload("Stop")); // it spills
    let state = world.root().join("state");
    fs::rename(&state, world.root().join("away")).unwrap();
    fs::write(&state, "in the way").unwrap();
    world.hook("Stop", payload("Stop")); // it is lost
    fs::remove_file(&state).unwrap();
    fs::rename(world.root().join("away"), &state).unwrap();
    fs::remove_file(world.data().queue()).unwrap();
    let found = check(&world, "failing", &["hook_errors"]);
    let errors = &found["hook_errors"];
    assert_eq!((&errors["last_day"], &errors["lost_last_day"]), (&1.into(), &1.into()), "{found:#}");
    assert_eq!(found["queue"]["spill"]["files"], 1, "{found:#}");
    assert_eq!(world.ingest_once()["drained"], 1);
    assert_eq!(check(&world, "failing", &["hook_errors"])["totals"]["drained"], 1);
}

#[test]
fn a_clock_that_was_wrong() {
    let world = World::new();
    world.ingest_once();
    fs::write(world.data().incoming().join("4102444800000000000-s-Stop.json"), payload("Stop")).unwrap(); // 2100
    check(&world, "degraded", &["clock"]);
    world.ingest_once();
    let found = check(&world, "degraded", &["clock"]);
    assert_eq!(found["latency"]["hour"]["p99_ms"], 0, "a wait is never negative: {found:#}");
}

/// A `run` that has begun to look.
struct Run(Child);

impl Run {
    fn start(world: &World, args: &[&str]) -> Self {
        let mut command = world.bin("ingest").arg("run").args(args).into_command();
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let run = Self(child);
        eventually("it has a note", || {
            let found = status(world, &[], &["--json"]).json();
            found["ingesters"].as_array().unwrap().iter().any(|ingester| ingester["pid"] == run.0.id())
        });
        run
    }

    fn signal(&mut self, name: &str) {
        assert!(Command::new("kill").args([name, &self.0.id().to_string()]).status().unwrap().success());
        self.0.wait().unwrap();
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn eventually(what: &str, done: impl Fn() -> bool) {
    let begin = Instant::now();
    while !done() {
        assert!(begin.elapsed() < Duration::from_secs(60), "{what}");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn who_takes_in() {
    let world = World::new();
    world.ingest_once();
    let mut run = Run::start(&world, &["--every", "50ms"]);
    let mut daily = Run::start(&world, &["--cron", "@yearly"]);
    let found = check(&world, "ok", &[]);
    let seen: BTreeMap<_, _> =
        found["ingesters"].as_array().unwrap().iter().map(|one| (one["pid"].as_u64().unwrap(), one)).collect();
    let (first, second) = (seen[&u64::from(run.0.id())], seen[&u64::from(daily.0.id())]);
    assert_eq!(
        (&first["command"], &first["schedule"], &first["every_ms"]),
        (&"run".into(), &"every 50ms".into(), &50.into())
    );
    assert_eq!((&second["schedule"], &second["every_ms"]), (&"cron @yearly".into(), &Value::Null));
    eventually("the next look is told", || {
        let found = status(&world, &[], &["--json"]).json();
        found["ingesters"]
            .as_array()
            .unwrap()
            .iter()
            .any(|one| one["next_wake_at"].as_str().is_some_and(|at| at.contains("-01-01T") || at.contains("-12-31T")))
    });
    daily.signal("-KILL");
    let found = check(&world, "ok", &[]);
    assert_eq!(found["ingesters"].as_array().unwrap().len(), 1, "the dead are not there: {found:#}");
    run.signal("-TERM");
    assert_eq!(check(&world, "ok", &[])["ingesters"], Value::Array(vec![]));
    let notes = || world.names(&world.data().run()).into_iter().filter(|name| name.starts_with("ingest-")).count();
    assert_eq!(notes(), 1, "who was killed leaves a note");
    world.ingest_once();
    assert_eq!(notes(), 1, "which the next takes away, and leaves its own");
    check(&world, "ok", &[]);
}

#[test]
fn how_long_events_wait() {
    let world = World::new();
    world.ingest_once();
    let run = Run::start(&world, &["--every", "20ms"]);
    for _ in 0..5 {
        world.hook("Stop", payload("Stop"));
    }
    eventually("they are stored", || status(&world, &[], &["--json"]).json()["database"]["events"] == 5);
    drop(run);
    let found = check(&world, "ok", &[]);
    for span in ["hour", "day"] {
        let of = |name: &str| found["latency"][span][name].as_i64().unwrap();
        assert_eq!(of("events"), 5, "{found:#}");
        assert!(0 <= of("p50_ms") && of("p50_ms") <= of("p95_ms") && of("p95_ms") <= of("p99_ms"), "{found:#}");
    }
    // What comes from elsewhere did not wait for us.
    let other = World::new();
    waits(&other, 100, &payload("Stop"));
    let _ = world.bin("ingest").args(["import", "--quiet"]).arg(other.data().incoming()).succeed();
    let found = check(&world, "ok", &[]);
    assert_eq!((&found["database"]["events"], &found["latency"]["day"]["events"]), (&6.into(), &5.into()), "{found:#}");
}

#[test]
fn which_sources_saw_the_prompts() {
    for scenario in SCENARIOS {
        let all = scenario.expected().len() as u64;
        let seen = |world: &World| {
            let found = status(world, &[], &["--json"]).code(0).json();
            ["hook_only", "transcript_only", "both"].map(|name| found["completeness"][name].as_u64().unwrap())
        };
        let what = scenario.name();
        let world = World::new();
        world.feed(scenario);
        world.ingest_once();
        let [hook_only, transcript_only, both] = seen(&world);
        assert!(hook_only > 0 && transcript_only + both == 0, "{what}");
        world.projects(scenario);
        world.ingest_once();
        let [hook_only, transcript_only, both] = seen(&world);
        assert_eq!(hook_only + transcript_only + both, all, "{what}");
        assert!(both > 0, "{what}");
        let world = World::new();
        world.projects(scenario);
        world.ingest_once();
        assert_eq!(seen(&world), [0, all, 0], "{what}");
    }
}

/// A wait is counted in the transaction that holds its event: once, wherever the process dies.
#[test]
fn a_wait_is_counted_once() {
    for death in [Step::Claimed, Step::Written, Step::Committed, Step::Archived] {
        let world = World::new();
        for seconds in 1..=3 {
            waits(&world, seconds, &payload("Stop"));
        }
        let flags = Layer { home: Some(world.data().root().to_owned()), projects: Some(vec![]), ..Layer::default() };
        let settings = Settings::resolve(flags, &|_| None).unwrap();
        let pass = |observe: &mut (dyn FnMut(Step) -> ControlFlow<()> + Send)| {
            let mut ctx = Context::new(&settings, Arc::new(AtomicBool::new(false)));
            pass::run(&mut ctx, SystemTime::now(), Effort::Everything, observe)
        };
        let mut die = |step| if step == death { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
        assert!(pass(&mut die).is_err(), "{death:?}");
        eventually("all is taken in", || {
            pass(&mut go_on).unwrap();
            world.names(&world.data().incoming()).len() + world.names(&world.data().processing()).len() == 0
        });
        let found = status(&world, &[], &["--json"]).json();
        let figures = (&found["database"]["events"], &found["latency"]["hour"]["events"]);
        assert_eq!(figures, (&3.into(), &3.into()), "{death:?}: {found:#}");
    }
}

/// Each file below a folder with its size and when it was last written.
fn files(dir: &Path) -> BTreeMap<PathBuf, (u64, SystemTime)> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let meta = entry.metadata().unwrap();
        if meta.is_dir() {
            found.extend(files(&entry.path()));
        }
        found.insert(entry.path(), (meta.len(), meta.modified().unwrap()));
    }
    found
}

#[test]
fn who_has_nothing_to_do_writes_nothing() {
    let world = World::new();
    world.hook("Stop", payload("Stop"));
    world.ingest_once();
    let before = check(&world, "ok", &[]);
    let _run = Run::start(&world, &["--every", "20ms"]);
    thread::sleep(Duration::from_millis(500)); // the first pass, and a look at what has to be done once a day
    let quiet = files(world.data().root());
    thread::sleep(Duration::from_secs(2));
    assert_eq!(files(world.data().root()), quiet);
    let after = status(&world, &[], &["--json"]).json();
    assert_eq!((&after["totals"], &after["last_pass"]), (&before["totals"], &before["last_pass"]));
    for name in world.names(&world.data().run()) {
        let text = fs::read(world.data().run().join(name)).unwrap();
        assert!(!String::from_utf8_lossy(&text).contains(SECRET));
    }
}

/// A mode keeps a person out, and a mount the person who runs tests as root.
#[test]
fn a_look_where_nothing_can_be_written() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new();
    world.hook("Stop", payload("Stop"));
    world.ingest_once();
    let dirs = ["run", "database", "logs", "backups"].map(|name| world.data().root().join(name));
    let set = |mode| dirs.iter().for_each(|dir| fs::set_permissions(dir, fs::Permissions::from_mode(mode)).unwrap());
    set(0o500);
    let found = status(&world, &[], &["--json"]).json();
    set(0o700);
    assert_eq!((found["status"].as_str(), &found["database"]["events"]), (Some("ok"), &1.into()), "{found:#}");

    let script = r#"mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && exec "$2" status --json"#;
    let command = world.command("unshare").args(["-m", "sh", "-c", script, "sh"]).arg(world.data().root());
    let done = command.arg(harness::bin("ingest")).env("PROMPT_MANAGER_LOW_SPACE", "0").run();
    if done.stdout.is_empty() {
        println!("SKIPPED: only root may mount\n{done}");
        return;
    }
    let found = done.code(1).json();
    assert_eq!((codes(&found).as_slice(), &found["database"]["events"]), (&["read_only"][..], &1.into()), "{found:#}");
    assert_eq!(found["space"]["read_only"], true);
}
