//! The readers of harness::fuzz, given more than anybody can think of.
//!
//! In full by libFuzzer, which sees what code an input reaches and goes on from there; within bounds of memory and time for each.
//! The slice makes its inputs here, without a second build of everything: less far-reaching, and the same everywhere.

use std::env::var_os;
use std::fs;
use std::panic;
use std::path::{Path, PathBuf};
use std::process::Command;

use harness::fuzz::{TARGETS, Target, mutate};
use harness::{Seed, repository};

use crate::each::each;
use crate::figures::Figures;
use crate::part::{Run, Scale};

/// Runs in full, of all readers.
const RUNS: u64 = 10_000_000;
/// Inputs of the slice.
const INPUTS: u64 = 40_000;
/// A reader's runs or inputs come in so many portions, so that what breaks in one ends the others soon.
const PORTIONS: u64 = 10;
/// What a reader may use, in MiB, the fuzzer's own tables among it.
const MEMORY: u32 = 128;
/// What it may take for one input, in seconds.
const TIME: u32 = 10;
/// The longest input, in bytes.
const LONGEST: u32 = 16 * 1024;

pub(super) fn run(run: &Run, seed: &mut Seed) -> Figures {
    let programs = (run.scale == Scale::Full).then(built).flatten();
    let portions = (0..PORTIONS).flat_map(|_| TARGETS);
    let portions: Vec<(&Target, u64)> = portions.map(|target| (target, seed.number())).collect();
    let mut figures = Figures::default();
    each(
        &portions,
        &mut figures,
        || (),
        |(), (target, seed), figures| match &programs {
            Some(programs) => figures.count("fuzz runs", fuzzed(&programs.join(target.name), target, *seed)),
            None => figures.count("made-up inputs", mutated(target, *seed)),
        },
    );
    figures.count("readers", TARGETS.len() as u64);
    figures
}

/// Inputs made from the committed ones; gives how many.
fn mutated(target: &Target, seed: u64) -> u64 {
    let (corpus, mut seed) = (target.corpus(), Seed::new(seed));
    let inputs = INPUTS * target.share / 100 / PORTIONS;
    for _ in 0..inputs {
        let input = mutate::one(&corpus, target.words, &mut seed);
        if panic::catch_unwind(|| (target.run)(&input)).is_err() {
            let path = repository().join(format!("target/broke-{}-{}", target.name, blake3::hash(&input).to_hex()));
            let _ = fs::write(&path, &input);
            panic!("reader {}: not true for {}: {:?}", target.name, path.display(), String::from_utf8_lossy(&input));
        }
    }
    inputs
}

/// Builds the fuzz targets; gives the folder in which they are, or nothing where `ops/prove` found no cargo-fuzz.
fn built() -> Option<PathBuf> {
    let Some(cargo_fuzz) = var_os("PROMPT_MANAGER_TEST_FUZZ") else {
        println!("left out: libFuzzer, as there is no cargo-fuzz; the inputs are made here");
        return None;
    };
    let mut command = Command::new(&cargo_fuzz);
    // What instruments code is not stable yet; the compiler is the one that builds everything else.
    command.env("RUSTC_BOOTSTRAP", "1").current_dir(repository());
    command.args(["build", "--fuzz-dir", "tests/fuzz", "--sanitizer", "none", "--target-dir", "target/fuzz"]);
    let built = command.status();
    assert!(built.is_ok_and(|status| status.success()), "{command:?}: is cargo-fuzz installed, as ops/prove does it?");
    let names = harness::law::names(&repository().join("target/fuzz"));
    let folders = names.iter().map(|name| repository().join("target/fuzz").join(name).join("release"));
    let found = folders.into_iter().find(|folder| TARGETS.iter().all(|target| folder.join(target.name).exists()));
    assert!(found.is_some(), "cargo-fuzz left no programs in target/fuzz");
    found
}

/// libFuzzer's share of the runs for one reader; gives how many there were.
fn fuzzed(program: &Path, target: &Target, seed: u64) -> u64 {
    let found = repository().join("target/fuzz/found").join(target.name);
    fs::create_dir_all(&found).unwrap_or_else(|error| panic!("create {}: {error}", found.display()));
    let mut command = Command::new(program);
    command.arg(&found).arg(target.corpus_dir()).current_dir(repository());
    let runs = RUNS * target.share / 100 / PORTIONS;
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
