//! The ingester and the hook once more, in a program whose rules can be broken: what the part `control` runs.
//!
//! ```text
//! prove-broken check RULE           the driver of a rule: 0 if it holds, 1 if the driver found it broken, in one line
//! prove-broken model SEED SECONDS   the same of the part `model`, which looks for so long
//! prove-broken passes HOME N        passes of one ingester, for a driver that looks at it from outside
//! prove-broken hook ARGS…           the hook
//! ```
//!
//! Built with the feature `broken` of shared/queue, which no other program is. `$PROMPT_MANAGER_TEST_BREAK` names the rule that
//! does not hold; without it all hold, and every driver must say so.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what a driver found is what it is for")]

mod drivers;
#[expect(dead_code, reason = "here they are only added up")]
mod figures;
#[expect(dead_code, reason = "here nothing is run in full")]
mod model;
#[expect(dead_code, reason = "as above")]
mod run;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use ingest::pass::{self, Effort};
use ingest::step::go_on;

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    let word = |at: usize| args.get(at).map(|arg| arg.to_string_lossy().into_owned()).unwrap_or_default();
    match word(0).as_str() {
        "check" => check(&word(1)),
        "passes" => passes(Path::new(&word(1)), word(2).parse().unwrap_or(1)),
        "model" => model(word(1).parse().unwrap_or(0), word(2).parse().unwrap_or(1)),
        "hook" => {
            let options =
                prompt_hook::Options::new(args.iter().skip(1).map(OsString::as_os_str), |name| std::env::var_os(name));
            prompt_hook::capture(&options)
        }
        _ => {
            eprintln!("prove-broken: see the head of tests/prove/broken.rs");
            ExitCode::from(2)
        }
    }
}

fn check(name: &str) -> ExitCode {
    let Some((_, driver)) = drivers::DRIVERS.iter().find(|(rule, _)| rule.name() == name) else {
        eprintln!("prove-broken: there is no rule {name:?}");
        return ExitCode::from(2);
    };
    match driver() {
        Ok(()) => ExitCode::SUCCESS,
        Err(breach) => {
            eprintln!("{breach}");
            ExitCode::FAILURE
        }
    }
}

/// Whether the model notices anything.
fn model(seed: u64, seconds: u64) -> ExitCode {
    let (steps, time) = (u64::MAX, Duration::from_secs(seconds));
    match model::explore(&model::Bounds { seed, steps, time, shrink: 0 }) {
        Ok(_) => ExitCode::SUCCESS,
        Err(breach) => {
            eprintln!("{}", breach.lines().next().unwrap_or_default());
            ExitCode::FAILURE
        }
    }
}

/// As `run` would do them, but for the pauses. Who looks on says what is wrong.
fn passes(home: &Path, n: usize) -> ExitCode {
    let mut context = drivers::context(home);
    for _ in 0..n {
        let _ = pass::run(&mut context, std::time::SystemTime::now(), Effort::Everything, &mut go_on);
    }
    ExitCode::SUCCESS
}
