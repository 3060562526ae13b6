//! Negative controls: each rule that keeps prompts is broken in turn, and what holds it must notice; unbroken, it must not.
//!
//! A proof that cannot fail shows nothing. The rules are those of shared/queue/src/broken.rs; the program in which one of them
//! does not hold is tests/prove/broken.rs, whose table (`drivers`) has a driver for each. The programs that are used know nothing of it: their
//! bytes do not even hold the variable's name.

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

pub(crate) fn run(_: &Run) -> Figures {
    let program = broken();
    assert!(holds(&program, BREAK), "the program whose rules can be broken reads {BREAK}");
    for name in ["prompt-hook", "ingest", "query-api"] {
        assert!(
            !holds(bin(name), BREAK),
            "{name} can be told to break its rules: it was built with the feature `broken`"
        );
    }
    let (next, found) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        // Half of them wait for something most of their time.
        for _ in 0..3 {
            scope.spawn(|| {
                while let Some(rule) = Rule::ALL.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let word = control(&program, *rule);
                    found.lock().unwrap_or_else(|it| it.into_inner()).push((*rule, word));
                }
            });
        }
    });
    let found = found.into_inner().unwrap_or_else(|it| it.into_inner());
    let missed: Vec<_> = found.iter().filter_map(|(rule, word)| Some((rule.name(), word.as_ref().err()?))).collect();
    assert!(missed.is_empty(), "rules that nothing holds: {missed:#?}");
    let mut figures = Figures::default();
    figures.count("rules broken", Rule::ALL.len() as u64);
    figures.count("turned red", found.len() as u64);
    figures.count("programs that know of it", 0);
    for rule in Rule::ALL {
        let word = found.iter().find(|(known, _)| *known == rule).and_then(|(_, word)| word.as_ref().ok());
        println!("  {}: {}", rule.name(), word.map_or("", String::as_str));
    }
    figures
}

/// Runs the driver of a rule with and without it. What it says of the broken one, or what is wrong.
fn control(program: &Path, rule: Rule) -> Result<String, String> {
    let check = |broken: Option<Rule>| {
        let mut command = Command::new(program);
        command.args(["check", rule.name()]).env_remove(BREAK);
        if let Some(rule) = broken {
            command.env(BREAK, rule.name());
        }
        let output = command.output().unwrap_or_else(|error| panic!("start {}: {error}", program.display()));
        (output.status.code(), String::from_utf8_lossy(&output.stderr).trim().to_owned())
    };
    match check(None) {
        (Some(0), _) => {}
        (code, said) => return Err(format!("unbroken, its driver ends with {code:?}: {said}")),
    }
    match check(Some(rule)) {
        (Some(1), said) => Ok(said),
        (Some(0), _) => Err("broken, and its driver noticed nothing".to_owned()),
        (code, said) => Err(format!("broken, its driver ends with {code:?}: {said}")),
    }
}

fn holds(program: &Path, word: &str) -> bool {
    let bytes = std::fs::read(program).unwrap_or_else(|error| panic!("read {}: {error}", program.display()));
    bytes.windows(word.len()).any(|window| window == word.as_bytes())
}
