//! Negative controls: each rule that keeps prompts is broken in turn, and what holds it must notice; unbroken, it must not.
//!
//! A proof that cannot fail shows nothing. The rules are those of shared/queue/src/broken.rs; the program in which one of them
//! does not hold is tests/prove/broken.rs, whose table (`drivers`) has a driver for each. In full the part `model` is held to
//! account too: it must find by itself those that show between two steps. The programs that are used know nothing of it: not even
//! the variable's name is in their bytes.

use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use harness::{bin, broken};
use queue::broken::Rule;

use crate::figures::Figures;
use crate::part::{Run, Scale};

/// Names the rule that does not hold.
const BREAK: &str = "PROMPT_MANAGER_TEST_BREAK";

/// What the model sees. The others are about what the kernel is asked within a step, two that write in the same moment, and the
/// difference between a death and three.
const SEEN_BY_THE_MODEL: [Rule; 7] = [
    Rule::CommitBeforeMove,
    Rule::KeyWithRow,
    Rule::HashInKey,
    Rule::LockBeforeRename,
    Rule::NoReplace,
    Rule::RescueByLock,
    Rule::AdoptByLock,
];

pub(crate) fn run(run: &Run) -> Figures {
    let program = broken();
    assert!(holds(&program, BREAK), "the program whose rules can be broken reads {BREAK}");
    for name in ["prompt-hook", "ingest", "query-api"] {
        assert!(!holds(bin(name), BREAK), "{name} can be told to break its rules: it has the feature `broken`");
    }
    let seen = side_by_side(&Rule::ALL, |rule| driven(&program, rule));
    let mut figures = Figures::default();
    figures.count("rules broken", Rule::ALL.len() as u64);
    figures.count("turned red", seen.len() as u64);
    if run.scale == Scale::Full {
        let seed = run.seed.to_string();
        let seen = side_by_side(&SEEN_BY_THE_MODEL, |rule| seen_by_the_model(&program, rule, &seed));
        figures.count("found by the model alone", seen.len() as u64);
    }
    figures
}

/// Does it for each of them, some at a time: most of a driver's time it waits. What each said, which is printed.
///
/// # Panics
/// When one of them was not noticed, or noticed where it held.
fn side_by_side(rules: &[Rule], control: impl Fn(Rule) -> Result<String, String> + Sync) -> Vec<String> {
    let (next, found) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while let Some(rule) = rules.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let word = control(*rule);
                    found.lock().unwrap_or_else(|it| it.into_inner()).push((*rule, word));
                }
            });
        }
    });
    let found = found.into_inner().unwrap_or_else(|it| it.into_inner());
    let missed: Vec<_> = found.iter().filter_map(|(rule, word)| Some((rule.name(), word.as_ref().err()?))).collect();
    assert!(missed.is_empty(), "rules that nothing holds: {missed:#?}");
    found
        .into_iter()
        .filter_map(|(rule, word)| {
            let word = word.ok()?;
            println!("  {}: {word}", rule.name());
            Some(word)
        })
        .collect()
}

/// The driver of a rule with and without it. What it says of the broken one, or what is wrong.
fn driven(program: &Path, rule: Rule) -> Result<String, String> {
    match told(program, &["check", rule.name()], None) {
        (Some(0), _) => {}
        (code, said) => return Err(format!("unbroken, its driver ends with {code:?}: {said}")),
    }
    match told(program, &["check", rule.name()], Some(rule)) {
        (Some(1), said) => Ok(said),
        (Some(0), _) => Err("broken, and its driver noticed nothing".to_owned()),
        (code, said) => Err(format!("broken, its driver ends with {code:?}: {said}")),
    }
}

/// The model over code that breaks a rule.
fn seen_by_the_model(program: &Path, rule: Rule, seed: &str) -> Result<String, String> {
    match told(program, &["model", seed], Some(rule)) {
        (Some(1), said) => Ok(format!("by the model: {said}")),
        (code, said) => Err(format!("broken, the model ends with {code:?}: {said}")),
    }
}

fn told(program: &Path, args: &[&str], broken: Option<Rule>) -> (Option<i32>, String) {
    let mut command = Command::new(program);
    command.args(args).env_remove(BREAK);
    if let Some(rule) = broken {
        command.env(BREAK, rule.name());
    }
    let output = command.output().unwrap_or_else(|error| panic!("start {}: {error}", program.display()));
    (output.status.code(), String::from_utf8_lossy(&output.stderr).trim().to_owned())
}

fn holds(program: &Path, word: &str) -> bool {
    let bytes = std::fs::read(program).unwrap_or_else(|error| panic!("read {}: {error}", program.display()));
    bytes.windows(word.len()).any(|window| window == word.as_bytes())
}
