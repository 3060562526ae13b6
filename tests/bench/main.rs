//! What everything costs, on one command each: `ops/bench` builds and calls this.
//!
//! The whole is one table: each figure beside the least that it could be, measured in the same run, and beside its goal.
//! `rivals` measures the same things of programs that others made, `growth` how cost grows, and `gate` compares counts that do
//! not drift with those that are committed. What is measured in seconds is measured by the benches (tests/benches), which hand
//! over their figures; nothing is measured twice.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "its tables, and what it waits for")]

mod gate;
mod gather;
mod goals;
mod growth;
#[path = "../prove/machine.rs"]
#[expect(dead_code, reason = "no random numbers are needed here")]
mod machine;
mod rivals;
mod table;
mod whole;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Measures what everything costs.
#[derive(Debug, Parser)]
#[command(name = "bench")]
struct Args {
    /// What else than the table of all goals.
    #[command(subcommand)]
    what: Option<What>,
    /// Small sizes: two or three minutes instead of most of an hour.
    #[arg(long, global = true)]
    quick: bool,
    /// Tables as PROOF.md holds them.
    #[arg(long, global = true)]
    markdown: bool,
}

#[derive(Debug, Subcommand)]
enum What {
    /// The same things of what others made, without a network, on the same corpus
    Rivals,
    /// How cost grows with the store, and with the number of ingesters
    Growth,
    /// Compares system calls, instructions, bytes written and allocations with the baseline that is committed
    Gate {
        /// Writes what is counted as the new baseline.
        #[arg(long)]
        renew: bool,
    },
}

fn main() -> ExitCode {
    let args = Args::parse();
    let held = match args.what {
        None => whole::table(args.quick, args.markdown),
        Some(What::Rivals) => rivals::table(args.quick, args.markdown),
        Some(What::Growth) => growth::tables(args.quick, args.markdown),
        Some(What::Gate { renew }) => gate::run(renew),
    };
    if held { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
