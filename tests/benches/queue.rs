//! How fast a backlog becomes rows, beside the least that could be done with the same files: read each, rename each.
//!
//! `PROMPT_MANAGER_BENCH_FILES` sets the number of files (100,000). The floor and `ingest once` work on the same file
//! system, one after the other; the figure of ingest is its own count of the time until the last file was archived, the
//! deriving of conversations is printed beside it.
#![expect(clippy::print_stdout, reason = "a benchmark is its table")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use harness::{World, measure};
use serde_json::Value;

/// Of each file, about that of a prompt or a small tool result.
const SIZE: usize = 2048;
/// Of each session.
const EVENTS: usize = 100;

fn main() {
    // `cargo test --benches` runs this too, and only wants to know that it does.
    let full = std::env::args().any(|arg| arg == "--bench");
    let files = std::env::var("PROMPT_MANAGER_BENCH_FILES").ok().and_then(|n| n.parse().ok());
    let files = files.unwrap_or(if full { 100_000 } else { 1_000 });

    let world = World::new();
    let incoming = world.data().incoming();
    fill(&incoming, files);
    println!("{files} files of {SIZE} bytes");
    println!("{:<34}{:>12}{:>10}", "", "files/s", "seconds");

    let moved = world.root().join("floor");
    fs::create_dir(&moved).expect("a directory");
    let begin = Instant::now();
    let names = floor(&incoming, &moved);
    row("floor: read and rename", files, begin.elapsed());
    for name in names {
        fs::rename(moved.join(&name), incoming.join(&name)).expect("moved back");
    }

    let done = measure(world.bin("ingest").args(["once", "--json"]).into_command());
    let report: Value = serde_json::from_slice(&done.output.stdout).expect("JSON");
    assert_eq!(report["stored"], files as u64, "{report}");
    let part = |name: &str| Duration::from_millis(report["took_ms"][name].as_u64().expect("a figure"));
    row("ingest: queue to archive", files, part("queue"));
    row("ingest: all, conversations derived", files, done.took);
    println!("ingest: peak memory {} MiB", done.peak_kib / 1024);
    world.assert_drained();
}

fn row(what: &str, files: usize, took: Duration) {
    println!("{what:<34}{:>12.0}{:>10.2}", files as f64 / took.as_secs_f64(), took.as_secs_f64());
}

/// Writes what hooks would have left.
fn fill(incoming: &Path, files: usize) {
    fs::create_dir_all(incoming).expect("a queue");
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for n in 0..files {
        let session = format!("00000000-0000-4000-8000-{:012x}", n / EVENTS);
        let (event, field) =
            if n % 2 == 0 { ("UserPromptSubmit", "prompt") } else { ("Stop", "last_assistant_message") };
        let prompt = n / 2;
        let mut payload = format!(
            r#"{{"session_id":"{session}","transcript_path":"/none","cwd":"/src","prompt_id":"p{prompt}","hook_event_name":"{event}","{field}":""#
        );
        while payload.len() < SIZE - 2 {
            // Words that a compressor meets again now and then, as in prose.
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let common = (random >> 33) % (1 << (4 + (random >> 60)));
            payload.push_str(&format!("w{common:x} "));
        }
        payload.truncate(SIZE - 2);
        payload.push_str("\"}");
        let name = format!("{:019}-{session}-{event}.json", 1_795_350_951_000_000_000 + n as u64 * 1_000_000);
        fs::write(incoming.join(name), payload).expect("a queue file");
    }
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
