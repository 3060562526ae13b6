//! The claims of PROOF.md, each shown by a part that a stranger can run: `ops/prove` builds and calls this.
//!
//! A part breaks things at random or one after another, and holds what is left to the conservation law. What it counted is
//! added to its row in PROOF.md. A part that finds a breach panics with what it found and what it left; then nothing is
//! written, and the code is 1.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "figures and breaches are what it is for")]

mod beside;
mod control;
mod cut;
mod disk;
mod each;
mod errors;
mod figures;
mod hostile;
mod kill;
mod ledger;
mod machine;
mod many;
mod model;
mod part;
mod points;
mod record;
mod run;
mod security;
mod soak;
mod stage;
mod stand;
mod strace;

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;

use crate::part::{PARTS, Part, Run, Scale};

/// Shows the claims of PROOF.md by breaking things and counting what is left.
#[derive(Debug, Parser)]
#[command(name = "prove")]
struct Args {
    /// Which parts; all of them without a name.
    parts: Vec<String>,
    /// A short slice of each part, as `ops/test` runs it. Its figures are printed and not written down.
    #[arg(long)]
    slice: bool,
    /// Begins with these random numbers instead of some that were never used before.
    #[arg(long)]
    seed: Option<u64>,
    /// Names the parts and what each does.
    #[arg(long)]
    list: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    if args.list {
        PARTS.iter().for_each(|part| println!("{:<10}{}", part.name, part.about));
        return ExitCode::SUCCESS;
    }
    let known = |name: &String| PARTS.iter().any(|part| part.name == *name);
    if let Some(name) = args.parts.iter().find(|name| !known(name)) {
        let names: Vec<_> = PARTS.iter().map(|part| part.name).collect();
        eprintln!("prove: there is no part {name}; there are {}", names.join(", "));
        return ExitCode::from(2);
    }
    let scale = if args.slice { Scale::Slice } else { Scale::Full };
    let seed = args.seed.unwrap_or_else(machine::nanoseconds);
    let asked = |part: &&Part| args.parts.is_empty() || args.parts.iter().any(|name| name == part.name);
    let parts: Vec<&Part> = PARTS.iter().filter(asked).collect();
    let held = if args.slice && parts.len() > 1 {
        beside::slices(&parts, seed)
    } else {
        parts.into_iter().map(|part| prove(part, Run { scale, seed })).filter(|held| !held).count() == 0
    };
    if held { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs a part, prints its figures and writes them down; whether its claims held.
fn prove(part: &Part, run: Run) -> bool {
    println!("== {}: {} (--seed {})", part.name, part.about, run.seed);
    let begin = Instant::now();
    let Ok(figures) = std::panic::catch_unwind(|| (part.run)(&run)) else {
        eprintln!("== {}: BROKEN, as the lines above say; again with --seed {}", part.name, run.seed);
        return false;
    };
    println!("{figures}");
    println!("== {}: held, {}", part.name, machine::spoken(begin.elapsed()));
    if run.scale == Scale::Full {
        record::add(part, &figures, begin.elapsed());
    }
    true
}
