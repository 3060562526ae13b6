//! What taking in years of work costs: the release binary over a generated corpus, into an empty store, with the full-text
//! index; beside it the same texts in bare FTS5 tables, and `cp` of the same files. Then the same tree again, what it takes on
//! disk, what it costs to keep out what was forgotten and to hide secrets, and what one more line costs in sessions of several
//! lengths.
//!
//! `PROMPT_MANAGER_BENCH_SESSIONS` sets the sessions (1,000, about 230 MB), `PROMPT_MANAGER_BENCH_RUNS` how often each is
//! done (3; medians are printed). Import and floor take turns, so that the noise of the machine falls on both alike.
#![expect(clippy::print_stdout, reason = "a benchmark is its table")]

#[path = "import/append.rs"]
mod append;
#[path = "import/passes.rs"]
mod passes;

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use harness::{Figure, Generator, Measured, World, Written, example, measure};
use queue::layout::DataDir;
use serde_json::Value;
use store::BlockKind;
use store::read::{self, Filter, ListRequest, Reader};

/// Of every run, so that all see the same sessions.
const SEED: u64 = 230;

fn main() {
    // `cargo test --benches` runs this too, and only wants to know that it does.
    let full = std::env::args().any(|arg| arg == "--bench");
    let number = |name: &str| std::env::var(name).ok().and_then(|n| n.parse().ok());
    let sessions = number("PROMPT_MANAGER_BENCH_SESSIONS").unwrap_or(if full { 1_000 } else { 4 });
    let runs = number("PROMPT_MANAGER_BENCH_RUNS").unwrap_or(if full { 3 } else { 1 });

    let made = World::new();
    let (root, incoming) = (made.projects_root(), made.root().join("hooks"));
    let generator = Generator::new(SEED);
    let written = generator.write(sessions, &root, Some(&incoming));
    println!(
        "{sessions} sessions: {} files, {} lines, {:.1} MB; beside them {} hook events, {:.1} MB",
        written.files,
        written.lines,
        mb(written.bytes),
        written.events,
        mb(written.event_bytes)
    );
    taking_in(&made, &root, &written, runs);
    guarded(&root, &written, runs);
    with_hooks(&root, &incoming, &written);
    append::table(&generator, if full && sessions >= 1_000 { &[10, 1_000, 100_000] } else { &[10, 100] });
}

/// The import, the floor, the same again, and the size.
fn taking_in(made: &World, root: &Path, written: &Written, runs: usize) {
    let floor = example("bare_index");
    let texts = made.root().join("texts");
    let (mut imports, mut floors, mut copies, mut again) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut walks = Vec::new();
    let (mut peak_kib, mut rows, mut indexed, mut size) = (0, 0, (0, 0), 0);
    for run in 0..runs.max(1) {
        let world = World::new();
        let first = import(&world, root);
        let report: Value = serde_json::from_slice(&first.output.stdout).expect("a report in JSON");
        assert_eq!(report["failures"].as_array().map(Vec::len), Some(0), "{report}");
        assert_eq!(report["bytes"], written.bytes, "{report}");
        peak_kib = peak_kib.max(first.peak_kib);
        imports.push(first.took);
        size = size_of(world.data());
        if run == 0 {
            (rows, indexed) = read_back(world.data(), &texts);
        }
        again.push(import(&world, root).took);
        walks.push(walk(root));
        copies.push(copy(root, &world));

        let mut command = Command::new(&floor);
        command.arg(&texts).arg(world.root().join("floor.db"));
        floors.push(seconds(&measure(command)));
    }
    let (import, floor, again) = (median(&mut imports), median(&mut floors), median(&mut again));
    let (copied, walked) = (median(&mut copies), median(&mut walks));
    let rate = |took: Duration| mb(written.bytes) / took.as_secs_f64();
    println!("\n{:<38}{:>9}{:>10}{:>11}{:>9}", "", "seconds", "MB/s", "rows/s", "x floor");
    println!(
        "{:<38}{:>9.2}{:>10.1}{:>11.0}{:>9}",
        format!("floor: {} texts, {:.1} MB, FTS5", indexed.0, mb(indexed.1)),
        floor.as_secs_f64(),
        rate(floor),
        indexed.0 as f64 / floor.as_secs_f64(),
        ""
    );
    println!("{:<38}{:>9.2}{:>10.1}", "floor: cp of the files, and sync", copied.as_secs_f64(), rate(copied));
    println!(
        "{:<38}{:>9.2}{:>10.1}{:>11.0}{:>9.2}",
        "import into an empty store",
        import.as_secs_f64(),
        rate(import),
        rows as f64 / import.as_secs_f64(),
        import.as_secs_f64() / floor.as_secs_f64()
    );
    println!("{:<38}{:>9.3}", format!("the same {} files again", written.files), again.as_secs_f64());
    println!("{:<38}{:>9.3}", "floor: a look at each of them", walked.as_secs_f64());
    println!("import: peak memory {} MiB", peak_kib / 1024);
    on_disk("database", size, written.bytes);

    let figure = |what: &str, beside: &str, floor| Figure::new(what, rate(import), "MB/s").beside(beside, rate(floor));
    figure("import", "the same texts in bare FTS5 tables", floor).tell();
    figure("import, beside a copy", "cp of the same files, and sync", copied).tell();
    Figure::new("import, memory", peak_kib as f64 * 1024.0 / 1e6, "MB").tell();
    let unchanged = Figure::new(format!("{} files unchanged", written.files), again.as_secs_f64() * 1e3, "ms");
    unchanged.beside("a look at each of them", walked.as_secs_f64() * 1e3).tell();
}

/// `cp` of the same files, until the disk has them.
fn copy(root: &Path, world: &World) -> Duration {
    let begin = Instant::now();
    let to = world.root().join("copy");
    let copied = Command::new("cp").arg("-r").arg(root).arg(&to).status();
    assert!(copied.is_ok_and(|status| status.success()), "cp -r");
    let synced = Command::new("sync").arg("-f").arg(&to).status();
    assert!(synced.is_ok_and(|status| status.success()), "sync -f");
    begin.elapsed()
}

/// Of each file its size and time, and nothing else.
fn walk(root: &Path) -> Duration {
    fn below(dir: &Path) -> usize {
        let entries = fs::read_dir(dir).expect("a folder").flatten();
        entries
            .map(|entry| if entry.metadata().expect("it is there").is_dir() { below(&entry.path()) } else { 1 })
            .sum()
    }
    let begin = Instant::now();
    assert!(below(root) > 0);
    begin.elapsed()
}

/// The same with each of what looks at every line; the three take turns.
fn guarded(root: &Path, written: &Written, runs: usize) {
    let plain = World::new;
    let forgetful = || {
        let world = World::new();
        let other = world.projects_root();
        Generator::new(SEED + 1).write(1, &other, None);
        import(&world, &other);
        let output = world.bin("ingest").args(["forget", "--yes", "--quiet", "--before", "2099-01-01"]).run();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        world
    };
    let hiding = || {
        let world = World::new();
        fs::write(world.data().root().join("config.toml"), "redact = \"ingest\"\n").expect("a file of settings");
        world
    };
    let ways: [(&str, &dyn Fn() -> World); 3] = [
        ("nothing forgotten, nothing hidden", &plain),
        ("one session forgotten before", &forgetful),
        ("secrets hidden (redact = \"ingest\")", &hiding),
    ];
    let mut took = [const { Vec::new() }; 3];
    for _ in 0..runs.max(1) {
        for ((_, world), took) in ways.iter().zip(&mut took) {
            took.push(import(&world(), root).took);
        }
    }
    let medians = took.map(|mut times| median(&mut times).as_secs_f64());
    for ((name, _), seconds) in ways.iter().zip(medians) {
        let (rate, times) = (mb(written.bytes) / seconds, seconds / medians[0]);
        println!("{:<38}{seconds:>9.2}{rate:>10.1}{times:>20.2} x", format!("import, {name}"));
    }
}

/// The same sessions with the events that their hooks sent.
fn with_hooks(root: &Path, incoming: &Path, written: &Written) {
    let world = World::new();
    fs::create_dir_all(world.data().root().join("queue")).expect("the queue");
    fs::rename(incoming, world.data().incoming()).expect("a queue of events");
    let mut command = world.bin("ingest").args(["once", "--json", "--projects"]).arg(root).into_command();
    command.env("RUST_BACKTRACE", "1");
    let done = measure(command);
    world.assert_drained();
    on_disk("database with hook events", size_of(world.data()), written.bytes);
    Figure::new("both sources in one pass, memory", done.peak_kib as f64 / 1024.0, "MiB").tell();
    println!(
        "both sources in one pass: {:.2} s, {:.1} MB/s, peak memory {} MiB",
        done.took.as_secs_f64(),
        mb(written.bytes + written.event_bytes) / done.took.as_secs_f64(),
        done.peak_kib / 1024
    );
}

fn on_disk(what: &str, size: u64, transcripts: u64) {
    println!("{what}: {:.1} MB, {:.3} x the transcripts", mb(size), size as f64 / transcripts as f64);
    Figure::new(what, mb(size), "MB").beside("the transcripts", mb(transcripts)).tell();
}

fn import(world: &World, root: &Path) -> Measured {
    measure(world.bin("ingest").args(["import", "--json", "--quiet"]).arg(root).into_command())
}

/// Writes every text that the indexes hold, one JSON string a line, those of tools as a list. Gives the number of rows in the
/// store, and of the texts their number and bytes.
fn read_back(dir: &DataDir, texts: &Path) -> (usize, (usize, u64)) {
    let mut out = BufWriter::new(File::create(texts).expect("a file"));
    let mut reader = Reader::open(dir).expect("the store");
    let (mut rows, mut count, mut bytes, mut after) = (0, 0, 0, None);
    loop {
        let request = ListRequest { filter: Filter::default(), after, limit: 100, ..ListRequest::default() };
        let page = reader.list(&request).expect("a page");
        for item in &page.items {
            let it = reader.conversation(item.turn.id).expect("a conversation").expect("it is listed");
            rows += 1 + it.blocks.len() + it.tool_calls.len() + it.usage.len();
            let indexed = it.blocks.iter().filter(|block| matches!(block.kind, BlockKind::Prompt | BlockKind::Text));
            let texts = indexed.filter_map(|block| block.text.as_deref()).map(|text| (text.len(), Value::from(text)));
            let sides = it.tool_calls.iter().flat_map(|call| [&call.input, &call.output]).flatten().map(searched);
            let sides = sides.map(|text| (text.len(), Value::from(vec![text])));
            for (length, text) in texts.chain(sides) {
                writeln!(out, "{text}").expect("a disk with room");
                (count, bytes) = (count + 1, bytes + length as u64);
            }
        }
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    out.flush().expect("a disk with room");
    (rows + count, (count, bytes))
}

/// Of the database and what stands beside it.
fn size_of(dir: &DataDir) -> u64 {
    let database = dir.database();
    let beside = fs::read_dir(database.parent().expect("a folder")).expect("the database's folder");
    beside.flatten().map(|entry| entry.metadata().map_or(0, |meta| meta.len())).sum()
}

/// The last number that the floor prints: without its start and without reading the texts.
fn seconds(floor: &Measured) -> Duration {
    let out = String::from_utf8_lossy(&floor.output.stdout);
    let last = out.split_whitespace().next_back().and_then(|last| last.parse().ok());
    Duration::from_secs_f64(last.unwrap_or_else(|| panic!("the floor wrote {out:?}")))
}

/// What a tool was given or gave back, as the index of tools has it.
fn searched(side: &read::Value) -> String {
    match side {
        read::Value::Text(text) => text.clone(),
        read::Value::Json(json) => serde_json::from_str(json).map_or_else(|_| json.clone(), |value| words(&value)),
    }
}

/// The strings and numbers of a value.
fn words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Array(items) => items.iter().map(words).collect::<Vec<_>>().join("\n"),
        Value::Object(fields) => fields.values().map(words).collect::<Vec<_>>().join("\n"),
        Value::Null | Value::Bool(_) => String::new(),
    }
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn mb(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
