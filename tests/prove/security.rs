//! The matrices of hostile requests, texts and paths, and the hook and the ingester without a network.
//!
//! The cases are those of the end-to-end tests, which say what they counted; here they run where a network is nothing but
//! loopback, or not even that, so that whoever asked another machine for something would fail.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use harness::{COUNTED, repository};
use serde_json::Value;

use crate::figures::Figures;
use crate::part::Run;

/// Where a program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Network {
    /// There is none: a connection to anywhere fails.
    None,
    /// The machine itself alone.
    Loopback,
}

/// Of the modules of the end-to-end tests: what asks the API, and what reads its token and its answers; then the ingester's work
/// whose outcome is looked at through the API.
const MATRICES: [&str; 4] = ["security::", "import::", "recover::", ASKS];
/// In a slice, behind the tests that ran them with a network: those that name places and modes.
const MATRICES_OF_A_SLICE: [&str; 2] = ["security::paths", "security::modes"];
/// All that the hook does, and the main job of the ingester from the queue and from transcripts.
const WITHOUT_A_NETWORK: [&str; 8] =
    ["hook::", "queue::", "archive::", "backup::", "one_store::", "retry::", "crash::", "forget::"];
/// The only one among them that asks the API.
const ASKS: &str = "hook::one_frozen_time_stamp_drained_between_any_two";
/// Its fault is one that only a debug build can be told to have.
const DEBUG_ALONE: &str = "retry::what_kills_its_reader_holds_nobody_up";
const WITHOUT_A_NETWORK_IN_A_SLICE: [&str; 3] = ["hook::answer", "hook::places", "one_store::"];

pub(crate) fn run(run: &Run) -> Figures {
    let mut figures = Figures::default();
    let Some(options) = options() else {
        run.left_out("this machine gives no network namespaces, or has no ip(8)");
        return figures;
    };
    let suite = suite();
    let mut of = |network, filters: &[&str]| {
        let mut command = apart(options, network);
        command.arg(&suite);
        if network == Network::None {
            command.args(["--skip", ASKS, "--skip", DEBUG_ALONE]);
        }
        let (passed, counted) = tested(command, filters);
        figures.add(&counted);
        passed
    };
    let matrices = of(Network::Loopback, run.of(&MATRICES_OF_A_SLICE[..], &MATRICES[..]));
    let without = of(Network::None, run.of(&WITHOUT_A_NETWORK_IN_A_SLICE[..], &WITHOUT_A_NETWORK[..]));
    figures.count("tests with loopback alone", matrices);
    figures.count("tests of hook and ingester without a network", without);
    figures
}

/// The end-to-end tests, built as `cargo test` builds them.
fn suite() -> PathBuf {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["test", "--locked", "--quiet", "--workspace", "--test", "it", "--no-run", "--message-format=json"]);
    let built = cargo.current_dir(repository()).stderr(Stdio::inherit()).output().expect("cargo starts");
    let said = String::from_utf8_lossy(&built.stdout);
    // The package's programs are built with it, and named too.
    let messages = said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut tests = messages.filter(|message| message["target"]["kind"][0] == "test");
    let program = tests.find_map(|message| Some(PathBuf::from(message["executable"].as_str()?)));
    program.unwrap_or_else(|| panic!("the end-to-end tests were not built: {}", built.status))
}

/// What unshare(1) is told here to give a network namespace; nothing if it gives none.
fn options() -> Option<&'static [&'static str]> {
    let of: [&[&str]; 2] = [&["--net"], &["--map-root-user", "--net"]];
    let gives = |options: &&&[&str]| {
        let tried = apart(options, Network::Loopback).arg("true").stderr(Stdio::null()).status();
        tried.is_ok_and(|status| status.success())
    };
    of.iter().find(gives).copied()
}

/// Something in a network namespace of its own.
fn apart(options: &[&str], network: Network) -> Command {
    let mut command = Command::new("unshare");
    let up = if network == Network::Loopback { "ip link set lo up && " } else { "" };
    command.args(options).args(["sh", "-c", &format!("{up}exec \"$0\" \"$@\"")]);
    command
}

/// Runs the tests that these begin the names of; how many passed, and what they counted.
fn tested(mut command: Command, filters: &[&str]) -> (u64, Figures) {
    command.args(filters).args(["--nocapture", "--test-threads=2"]).current_dir(repository().join("tests"));
    let done = command.output().unwrap_or_else(|error| panic!("start {command:?}: {error}"));
    let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{command:?}:\n{out}\n{err}");
    let passed = out.lines().find_map(|line| line.strip_prefix("test result: ok. ")?.split(' ').next()?.parse().ok());
    let passed = passed.filter(|passed| *passed > 0).unwrap_or_else(|| panic!("no test of {filters:?} ran:\n{out}"));
    let mut counted = Figures::default();
    for line in out.lines().filter_map(|line| Some(line.split_once(COUNTED)?.1)) {
        counted.add(&Figures::parse(line));
    }
    (passed, counted)
}
