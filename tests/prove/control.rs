//! Negative controls: each rule that keeps prompts is broken in turn, and what holds it must notice; unbroken, it must not.
//!
//! A proof that cannot fail shows nothing. The rules are those of shared/queue/src/broken.rs; the program in which one of them
//! does not hold is tests/prove/broken.rs, whose table (`drivers`) has a driver for each. The model of the part `model` is held to
//! account too: it must find by itself those that show between two steps, and say of them what is wrong and no other thing. The
//! programs that are used know nothing of it: not even the variable's name is in their bytes.

use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use harness::{bin, broken};
use queue::broken::Rule;

use crate::figures::Figures;
use crate::part::Run;

/// Names the rule that does not hold.
const BREAK: &str = "PROMPT_MANAGER_TEST_BREAK";

/// Longer than the model takes to find a rule broken, on a machine that is busy with other things too.
const PATIENCE: u64 = 120;

/// What the model sees, and what it may say of it: a random sequence comes to the one or the other first. The rules that are
/// not here are about what the kernel is asked within a step, two that write in the same moment, and whom a death takes along.
const SEEN_BY_THE_MODEL: [(Rule, &[&str]); 7] = [
    (Rule::CommitBeforeMove, &["in the archive, and not stored"]),
    (Rule::KeyWithRow, &["stored with other bytes than its key says"]),
    (Rule::HashInKey, &["in the archive, and not stored", "a file is lost"]),
    (Rule::LockBeforeRename, TAKEN_FROM_THE_LIVING),
    (Rule::NoReplace, &["a file is lost", "a file is doubled"]),
    (Rule::RescueByLock, TAKEN_FROM_THE_LIVING),
    (Rule::AdoptByLock, &["taken from a hook that lives"]),
];

/// Two work on one file: the slower one finds it gone, or it failed for deaths that nobody died.
const TAKEN_FROM_THE_LIVING: &[&str] = &["No such file or directory", "in failed, and nothing is wrong with it"];

pub(crate) fn run(run: &Run) -> Figures {
    let program = broken();
    assert!(holds(&program, BREAK), "the program whose rules can be broken reads {BREAK}");
    for name in ["prompt-hook", "ingest", "query-api"] {
        assert!(!holds(bin(name), BREAK), "{name} can be told to break its rules: it has the feature `broken`");
    }
    let seen = side_by_side(&Rule::ALL, |rule| (rule.name(), driven(&program, *rule)));
    let seed = run.seed.to_string();
    // With the random numbers of those below. That the model finds nothing where nothing is broken, the part `model` shows for longer.
    let (code, said) = told(&program, &["model", &seed, run.of("15", "60")], None);
    assert!(code == Some(0), "nothing is broken, and the model ends with {code:?}: {said}");
    let found = side_by_side(&SEEN_BY_THE_MODEL, |(rule, words)| {
        (rule.name(), seen_by_the_model(&program, *rule, words, &seed))
    });
    let mut figures = Figures::default();
    figures.count("rules broken", Rule::ALL.len() as u64);
    figures.count("turned red", seen);
    figures.count("found by the model by itself", found);
    figures
}

/// Does it for each of them, some at a time: most of a driver's time it waits. How many were noticed; what was said is printed.
///
/// # Panics
/// When one of them was not noticed, or noticed where it held.
fn side_by_side<T: Sync>(controls: &[T], control: impl Fn(&T) -> (&'static str, Result<String, String>) + Sync) -> u64 {
    let (next, found) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while let Some(one) = controls.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let word = control(one);
                    found.lock().unwrap_or_else(|it| it.into_inner()).push(word);
                }
            });
        }
    });
    let found = found.into_inner().unwrap_or_else(|it| it.into_inner());
    let missed: Vec<_> = found.iter().filter_map(|(name, word)| Some((name, word.as_ref().err()?))).collect();
    assert!(missed.is_empty(), "rules that nothing holds: {missed:#?}");
    for (name, word) in &found {
        println!("  {name}: {}", word.as_deref().unwrap_or_default());
    }
    found.len() as u64
}

/// The driver of a rule with and without it. What it says of the broken one, or what is wrong.
fn driven(program: &Path, rule: Rule) -> Result<String, String> {
    match told(program, &["check", rule.name()], None) {
        (Some(0), _) => {}
        (code, said) => return Err(format!("unbroken, its driver ends with {code:?}: {said}")),
    }
    match told(program, &["check", rule.name()], Some(rule)) {
        // A driver has one breach, that of its rule; all else that goes wrong is a panic, with another code.
        (Some(1), said) => Ok(said),
        (Some(0), _) => Err("broken, and its driver noticed nothing".to_owned()),
        (code, said) => Err(format!("broken, its driver ends with {code:?}: {said}")),
    }
}

/// The model over code that breaks a rule. What it says, if that is about the rule.
fn seen_by_the_model(program: &Path, rule: Rule, words: &[&str], seed: &str) -> Result<String, String> {
    match told(program, &["model", seed, &PATIENCE.to_string()], Some(rule)) {
        (Some(1), said) if words.iter().any(|word| said.contains(word)) => Ok(format!("by the model: {said}")),
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
