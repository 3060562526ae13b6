//! What the rules find, what they take for a secret and is none, and how fast: `cargo bench -p redact [-- FOLDER …]`.
//!
//! Recall is over the samples; false hits are over this repository, the sources of the packages that cargo fetched, and the
//! folders that are named. Times are the best of five.
#![expect(clippy::print_stdout, reason = "a benchmark is its table")]

#[path = "../tests/samples/mod.rs"]
mod samples;

use std::collections::BTreeMap;
use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use redact::Rules;
use samples::{Sample, Seed, code, samples};

fn main() {
    // `cargo test --benches` runs this too, and only wants to know that it does.
    let full = std::env::args().any(|arg| arg == "--bench");
    recall(if full { 100 } else { 1 });
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    if full {
        let registry = std::env::home_dir().unwrap_or_default().join(".cargo/registry/src");
        let named = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).map(PathBuf::from);
        for dir in [repository, registry].into_iter().chain(named) {
            false_hits(&dir);
        }
    }
    times(if full { 10_000_000 } else { 100_000 });
}

fn recall(seeds: u64) {
    let all: Vec<Sample> = (0..seeds).flat_map(samples).collect();
    let mut kinds: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for sample in &all {
        let (found, of) = kinds.entry(&sample.kind).or_default();
        *found += usize::from(sample.is_found(Rules::ours()));
        *of += 1;
    }
    let percent = |(found, of): (usize, usize)| 100.0 * found as f64 / of as f64;
    println!("recall, 225 samples of {} kinds, from {seeds} seeds; {} rules", kinds.len(), Rules::ours().ids().count());
    kinds.iter().for_each(|(kind, counts)| println!("  {kind:32} {:6.2} %", percent(*counts)));
    let sum = kinds.values().fold((0, 0), |sum, of| (sum.0 + of.0, sum.1 + of.1));
    println!("  {:32} {:6.2} %\n", "all", percent(sum));
}

fn false_hits(dir: &Path) {
    let mut files = Vec::new();
    code(dir, &mut files);
    let (mut lines, mut bytes, mut hits, mut spent) = (0, 0, BTreeMap::<String, usize>::new(), Duration::ZERO);
    for file in &files {
        let Ok(text) = fs::read_to_string(file) else { continue };
        (lines, bytes) = (lines + text.lines().count(), bytes + text.len());
        let start = Instant::now();
        Rules::ours().find(&text).iter().for_each(|it| *hits.entry(it.rule.to_owned()).or_default() += 1);
        spent += start.elapsed();
    }
    let rate = hits.values().sum::<usize>() as f64 * 10_000.0 / lines.max(1) as f64;
    let fast = bytes as f64 / 1e6 / spent.as_secs_f64();
    println!("{}: {} files, {lines} lines, {fast:.0} MB/s", dir.display(), files.len());
    println!("  false hits for 10,000 lines: {rate:.3} {hits:?}\n");
}

fn times(size: usize) {
    let (clean, dirty) = (session(size, 0), session(size, 100));
    let start = Instant::now();
    black_box(Rules::with(&[], &[]).is_ok());
    println!("making the rules ready: {:.1} ms", start.elapsed().as_secs_f64() * 1e3);
    let show = |name: &str, text: &str, work: &dyn Fn(&str) -> usize| {
        let mut best = (Duration::MAX, 0);
        for _ in 0..5 {
            let start = Instant::now();
            let count = work(text);
            best = best.min((start.elapsed(), count));
        }
        let (spent, count) = best;
        let (ms, fast) = (spent.as_secs_f64() * 1e3, text.len() as f64 / 1e6 / spent.as_secs_f64());
        println!("  {name:44} {ms:8.1} ms {fast:6.0} MB/s  {count} secrets");
    };
    let blank =
        |text: &str| text.split_inclusive('\n').map(|line| Rules::ours().blank(&mut line.as_bytes().to_vec())).sum();
    println!("a made-up session of {} MB", size / 1_000_000);
    show("for the eye, without secrets", &clean, &|text| Rules::ours().find(text).len());
    show("for the eye, a secret in 100 lines", &dirty, &|text| Rules::ours().find(text).len());
    show("for good, line by line, without secrets", &clean, &blank);
    show("for good, line by line, a secret in 100 lines", &dirty, &blank);
}

/// Lines in the shape of a transcript's: prose, code, what tools gave back; in one of `every` a secret.
fn session(size: usize, every: usize) -> String {
    let words = "the a parser reads token by token and keeps what the user said in secret_store while auth passes let mut key = \
                 map.entry(name) fn password_of(user: &User) -> Option<String> https://docs.rs/x error[E0502]: cannot borrow";
    let words: Vec<&str> = words.split_whitespace().collect();
    let samples = samples(7);
    let (mut seed, mut text, mut lines) = (Seed(7), String::new(), 0);
    while text.len() < size {
        let mut said = String::new();
        for _ in 0..60 + seed.below(200) {
            said.push_str(words[seed.below(words.len())]);
            said.push_str(if seed.below(12) == 0 { "\\n    " } else { " " });
        }
        lines += 1;
        if every > 0 && lines % every == 0 {
            said.push_str(
                &samples[seed.below(samples.len())]
                    .text
                    .replace('\\', "\\\\")
                    .replace('"', "\\\"")
                    .replace('\n', "\\n")
                    .replace('\t', "\\t"),
            );
        }
        let id = seed.below(1 << 40);
        text.push_str(&format!(
            "{{\"type\":\"assistant\",\"uuid\":\"{id:032x}\",\"message\":{{\"role\":\"assistant\",\"content\":[{{\"type\":\"text\",\
             \"text\":\"{said}\"}}]}},\"timestamp\":\"2026-11-22T10:00:00.000Z\",\"sessionId\":\"{id:032x}\"}}\n"
        ));
    }
    text
}
