//! Runs the benches one after the other and takes over the figures of each. What a bench prints goes to a file, so that what
//! `ops/bench` prints is its table.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use harness::{Figure, repository};

use crate::machine::spoken;

/// One bench as it is to be run.
pub(crate) struct Step<'a> {
    /// Its name.
    pub(crate) bench: &'a str,
    /// Variables that say how large.
    pub(crate) sizes: &'a [(&'a str, &'a str)],
    /// What is added to the names of its figures, so that two runs can be told apart.
    pub(crate) label: &'a str,
}

/// The folder of what the benches print.
pub(crate) fn folder() -> PathBuf {
    let folder = repository().join("target/bench");
    fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("create {}: {error}", folder.display()));
    folder
}

/// Builds what steps need, so that nothing is built while something is measured.
///
/// # Panics
/// When it does not build.
pub(crate) fn build(steps: &[Step<'_>]) {
    eprintln!("== building");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["bench", "--locked", "--quiet", "-p", "tests", "--no-run"]).current_dir(repository());
    for step in steps {
        cargo.args(["--bench", step.bench]);
    }
    assert!(cargo.status().is_ok_and(|status| status.success()), "the benches do not build");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--locked", "--quiet", "--release", "-p", "store", "--examples"]).current_dir(repository());
    assert!(cargo.status().is_ok_and(|status| status.success()), "the floors do not build");
    programs();
}

/// Has our own programs built, once and not by several at the same time.
pub(crate) fn programs() {
    for name in ["prompt-hook", "ingest", "query-api"] {
        let _ = harness::bin(name);
    }
}

/// The figures of a step; none if it fails, which is said.
pub(crate) fn run(step: &Step<'_>) -> Vec<Figure> {
    let (label, begin) = (step.label.trim_start_matches(", ").replace([',', ' '], "-"), Instant::now());
    let name = if label.is_empty() { step.bench.to_owned() } else { format!("{}-{label}", step.bench) };
    let (figures, log) = (folder().join(format!("{name}.jsonl")), folder().join(format!("{name}.txt")));
    let _ = fs::remove_file(&figures);
    let out = File::create(&log).unwrap_or_else(|error| panic!("create {}: {error}", log.display()));
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["bench", "--locked", "--quiet", "-p", "tests", "--bench", step.bench]).current_dir(repository());
    cargo.env("PROMPT_MANAGER_BENCH_FIGURES", &figures).envs(step.sizes.iter().copied());
    cargo.stdout(out.try_clone().expect("a second handle")).stderr(out);
    eprint!("== {name}: ");
    let done = cargo.status().is_ok_and(|status| status.success());
    eprintln!("{}{}", spoken(begin.elapsed()), if done { "" } else { ", FAILED" });
    if !done {
        eprintln!("{}", fs::read_to_string(&log).unwrap_or_default());
    }
    let mut told = Figure::read(&figures);
    told.iter_mut().for_each(|figure| figure.what.push_str(step.label));
    told
}
