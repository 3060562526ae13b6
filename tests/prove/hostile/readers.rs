//! The readers of harness::fuzz, given more than anybody can think of.
//!
//! In full by libFuzzer, which sees what code an input reaches and goes on from there; within bounds of memory and time for each.
//! The slice makes its inputs here, without a second build of everything: less far-reaching, and the same everywhere.

use std::env::var_os;
use std::fs;
use std::panic;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use harness::fuzz::{TARGETS, Target, mutate};
use harness::{Seed, repository};

use crate::figures::Figures;
use crate::part::{Run, Scale};

/// Runs in full, of all readers.
const RUNS: u64 = 10_000_000;
/// Inputs of the slice.
const INPUTS: u64 = 200_000;
/// What a reader may use, in MiB, the fuzzer's own tables among it.
const MEMORY: u32 = 128;
/// What it may take for one input, in seconds.
const TIME: u32 = 10;
/// The longest input, in bytes.
const LONGEST: u32 = 16 * 1024;
/// As many as there are cores on the smallest machine that this runs on.
const AT_ONCE: usize = 2;

pub(super) fn run(run: &Run, seed: &mut Seed) -> Figures {
    let programs = (run.scale == Scale::Full).then(built);
    let seeds: Vec<u64> = TARGETS.iter().map(|_| seed.number()).collect();
    let (next, broken) = (AtomicUsize::new(0), AtomicBool::new(false));
    let work = || {
        let mut figures = Figures::default();
        while !broken.load(Ordering::Relaxed) {
            let nth = next.fetch_add(1, Ordering::Relaxed);
            let (Some(target), Some(seed)) = (TARGETS.get(nth), seeds.get(nth)) else { break };
            let _working = Working(&broken);
            match &programs {
                Some(programs) => figures.count("fuzz runs", fuzzed(&programs.join(target.name), target, *seed)),
                None => figures.count("made-up inputs", mutated(target, *seed, &broken)),
            }
            figures.count("readers", 1);
        }
        figures
    };
    let mut figures = Figures::default();
    thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
        // A worker that panics has said what broke.
        workers.into_iter().for_each(|worker| figures.add(&worker.join().unwrap_or_else(|_| panic!("a reader broke"))));
    });
    figures
}

/// If one panics, the others end too.
struct Working<'a>(&'a AtomicBool);

impl Drop for Working<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}

/// Inputs made from the committed ones; gives how many.
fn mutated(target: &Target, seed: u64, broken: &AtomicBool) -> u64 {
    let (corpus, mut seed) = (target.corpus(), Seed::new(seed));
    let inputs = INPUTS * target.share / 100;
    for made in 0..inputs {
        if broken.load(Ordering::Relaxed) {
            return made;
        }
        let input = mutate::one(&corpus, target.words, &mut seed);
        if panic::catch_unwind(|| (target.run)(&input)).is_err() {
            let path = repository().join(format!("target/broke-{}-{}", target.name, blake3::hash(&input).to_hex()));
            let _ = fs::write(&path, &input);
            panic!("reader {}: not true for {}: {:?}", target.name, path.display(), String::from_utf8_lossy(&input));
        }
    }
    inputs
}

/// Builds the fuzz targets; gives the folder in which they are.
fn built() -> PathBuf {
    let cargo_fuzz = var_os("PROMPT_MANAGER_TEST_FUZZ").unwrap_or_else(|| "cargo-fuzz".into());
    let mut command = Command::new(&cargo_fuzz);
    // What instruments code is not stable yet; the compiler is the one that builds everything else.
    command.env("RUSTC_BOOTSTRAP", "1").current_dir(repository());
    command.args(["build", "--fuzz-dir", "tests/fuzz", "--sanitizer", "none", "--target-dir", "target/fuzz"]);
    let built = command.status();
    assert!(built.is_ok_and(|status| status.success()), "{command:?}: is cargo-fuzz installed, as ops/prove does it?");
    let names = harness::law::names(&repository().join("target/fuzz"));
    let folders = names.iter().map(|name| repository().join("target/fuzz").join(name).join("release"));
    folders
        .into_iter()
        .find(|folder| TARGETS.iter().all(|target| folder.join(target.name).exists()))
        .unwrap_or_else(|| panic!("cargo-fuzz left no programs in target/fuzz"))
}

/// libFuzzer's share of the runs for one reader; gives how many there were.
fn fuzzed(program: &Path, target: &Target, seed: u64) -> u64 {
    let found = repository().join("target/fuzz/found").join(target.name);
    fs::create_dir_all(&found).unwrap_or_else(|error| panic!("create {}: {error}", found.display()));
    let mut command = Command::new(program);
    command.arg(&found).arg(target.corpus_dir()).current_dir(repository());
    let runs = RUNS * target.share / 100;
    // A seed of 0 would be one by the clock.
    command.arg(format!("-runs={runs}")).arg(format!("-seed={}", seed % 1_000_000_000 + 1));
    command.arg(format!("-rss_limit_mb={MEMORY}")).arg(format!("-timeout={TIME}")).arg(format!("-max_len={LONGEST}"));
    command.args(["-print_final_stats=1", "-artifact_prefix=target/fuzz/broke-"]);
    let output = command.output().unwrap_or_else(|error| panic!("start {command:?}: {error}"));
    let told = String::from_utf8_lossy(&output.stderr);
    let tail: Vec<&str> = told.lines().rev().take(60).collect();
    let tail: String = tail.into_iter().rev().map(|line| format!("{line}\n")).collect();
    assert!(output.status.success(), "reader {}: {command:?}\n{tail}", target.name);
    let figure = |name: &str| {
        let line = told.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.and_then(|number| number.trim().parse().ok()).unwrap_or_else(|| panic!("no {name}:\n{tail}"))
    };
    let (done, peak): (u64, u64) = (figure("stat::number_of_executed_units"), figure("stat::peak_rss_mb"));
    println!("reader {}: {done} runs, {peak} MiB at most", target.name);
    assert!(done >= runs, "reader {}: {done} of {runs} runs", target.name);
    done
}
