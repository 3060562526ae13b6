//! How fast a backlog becomes rows, beside the least that could be done with the same files: read each, rename each.
//!
//! `PROMPT_MANAGER_BENCH_FILES` sets the number of files (100,000). The floors and `ingest once` work on the same file
//! system, one after the other; the figure of ingest is its own count of the time until the last file was archived, the
//! deriving of conversations is printed beside it. The second floor is the rows that came of it, inserted by SQLite alone.
//! `PROMPT_MANAGER_BENCH_INGESTERS`, such as `1,2,4`, measures instead so many ingesters at once, on a backlog for each.
#![expect(clippy::print_stdout, reason = "a benchmark is its table")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use harness::{Figure, Measured, World, backlog, example, measure};
use serde_json::Value;

/// Of each file, about that of a prompt or a small tool result.
const SIZE: usize = 2048;
/// Of each session.
const EVENTS: usize = 100;
/// Of each transaction, as the settings have it.
const BATCH: usize = settings::BATCH;

fn main() {
    // `cargo test --benches` runs this too, and only wants to know that it does.
    let full = std::env::args().any(|arg| arg == "--bench");
    let files = std::env::var("PROMPT_MANAGER_BENCH_FILES").ok().and_then(|n| n.parse().ok());
    let files = files.unwrap_or(if full { 100_000 } else { 1_000 });

    match std::env::var("PROMPT_MANAGER_BENCH_INGESTERS") {
        Ok(numbers) => numbers.split(',').for_each(|n| together(n.parse().expect("a number of ingesters"), files)),
        Err(_) => alone(files),
    }
}

/// One ingester, and the floors.
fn alone(files: usize) {
    let world = World::new();
    let incoming = world.data().incoming();
    backlog(&incoming, files, SIZE, EVENTS);
    println!("{files} files of {SIZE} bytes");
    println!("{:<34}{:>12}{:>10}", "", "files/s", "seconds");

    let moved = world.root().join("floor");
    fs::create_dir(&moved).expect("a directory");
    let begin = Instant::now();
    let names = floor(&incoming, &moved);
    let floor = begin.elapsed();
    row("floor: read and rename", files, floor);
    for name in names {
        fs::rename(moved.join(&name), incoming.join(&name)).expect("moved back");
    }

    let done = once(&world);
    assert_eq!(stored(&done), files as u64);
    let queue = until_archived(&done);
    let inserted = insert(&world);
    row("floor: the same rows, SQLite alone", files, inserted);
    row("ingest: queue to archive", files, queue);
    row("ingest: all, conversations derived", files, done.took);
    println!("ingest: peak memory {} MiB", done.peak_kib / 1024);
    world.assert_drained();

    let rate = |took: Duration| files as f64 / took.as_secs_f64();
    let figure = |what: &str, took, beside: &str, least| {
        Figure::new(what, rate(took), "files/s").beside(beside, rate(least)).tell();
    };
    figure("queue to archive", queue, "the same rows inserted by SQLite alone", inserted);
    figure("queue to archive, beside its files", queue, "each read and renamed", floor);
    figure("queue, conversations derived", done.took, "the same rows inserted by SQLite alone", inserted);
    Figure::new("queue, memory", done.peak_kib as f64 / 1024.0, "MiB").tell();
}

/// So many ingesters on one backlog.
fn together(ingesters: usize, files: usize) {
    let world = World::new();
    // That one of them makes the store is not what is measured.
    let _ = world.ingest_once();
    backlog(&world.data().incoming(), files, SIZE, EVENTS);
    let begin = Instant::now();
    let done: Vec<Measured> = thread::scope(|scope| {
        let running: Vec<_> = (0..ingesters).map(|_| scope.spawn(|| once(&world))).collect();
        running.into_iter().map(|it| it.join().expect("it ends well")).collect()
    });
    let took = begin.elapsed();
    // One that was behind may have left a session to be derived to a pass that came too late for it.
    let _ = world.ingest_once();
    world.assert_drained();
    assert_eq!(done.iter().map(stored).sum::<u64>(), files as u64, "each file once");
    let queue = done.iter().map(until_archived).max().unwrap_or_default();
    let peak = done.iter().map(|it| it.peak_kib).sum::<u64>() / 1024;
    row(&format!("{ingesters} at once: queue to archive"), files, queue);
    row(&format!("{ingesters} at once: all"), files, took);
    let rate = |took: Duration| files as f64 / took.as_secs_f64();
    Figure::new("queue to archive", rate(queue), "files/s").tell();
    Figure::new("all, conversations derived", rate(took), "files/s").tell();
    Figure::new("memory of all of them", peak as f64, "MiB").tell();
}

fn once(world: &World) -> Measured {
    measure(world.bin("ingest").args(["once", "--json"]).into_command())
}

fn report(done: &Measured) -> Value {
    serde_json::from_slice(&done.output.stdout).expect("JSON")
}

fn stored(done: &Measured) -> u64 {
    report(done)["stored"].as_u64().expect("a figure")
}

fn until_archived(done: &Measured) -> Duration {
    Duration::from_millis(report(done)["took_ms"]["queue"].as_u64().expect("a figure"))
}

/// The rows of the store's events into a database of their own.
fn insert(world: &World) -> Duration {
    let mut bare = Command::new(example("bare_events"));
    bare.arg(world.data().database()).arg(world.root().join("bare.db")).arg(BATCH.to_string());
    let out = measure(bare).output.stdout;
    let seconds = String::from_utf8_lossy(&out).split_whitespace().next_back().and_then(|last| last.parse().ok());
    Duration::from_secs_f64(seconds.expect("the floor prints its seconds"))
}

fn row(what: &str, files: usize, took: Duration) {
    println!("{what:<34}{:>12.0}{:>10.2}", files as f64 / took.as_secs_f64(), took.as_secs_f64());
}

fn floor(from: &Path, to: &Path) -> Vec<PathBuf> {
    let mut names: Vec<PathBuf> =
        fs::read_dir(from).expect("a queue").map(|entry| entry.expect("an entry").file_name().into()).collect();
    names.sort();
    for name in &names {
        let path = from.join(name);
        assert_eq!(fs::read(&path).expect("a queue file").len(), SIZE);
        fs::rename(path, to.join(name)).expect("moved");
    }
    names
}
