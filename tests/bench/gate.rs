//! Holds what programs cost, in counts that do not drift with the machine's load, against a baseline that is committed.
//!
//! ```text
//! system calls, fsyncs, bytes written   by strace
//! instructions, allocations             by callgrind, if valgrind is here and everything that makes programs is as it was
//! ```
//!
//! More than the baseline, and more than the count may sway, is a failure; so is less than half, for then something else is
//! counted. Less is said, so that somebody renews the baseline and the gain stays. The programs are those that tests run, so
//! that nothing is built for this alone, but for the hook, which is the installed one: a program that is not optimized does
//! the same calls and writes, and in its instructions a change shows all the same. What a machine lacks for a count, or has
//! otherwise than the one of the baseline, is said in a line each.

mod baseline;
mod callgrind;
mod compare;
mod environment;
mod hook;
mod passes;
mod requests;
mod trace;

use std::sync::Mutex;
use std::thread;
use std::time::Instant;

use baseline::{Baseline, Count};
use compare::compare;

use crate::gather::programs;
use crate::machine::spoken;

/// One thing that is run and what is counted of it.
type Job = (&'static str, fn() -> Vec<Count>);

/// Those that take longest first, as two run at a time.
const JOBS: &[Job] = &[
    ("requests", requests::instructions),
    ("pass, instructions", passes::instructions),
    ("import, instructions", passes::import_instructions),
    ("idle", passes::idle),
    ("pass over 400 files", passes::many),
    ("import", passes::import),
    ("pass over 64 files", passes::few),
    ("hook", hook::counts),
];

/// Counts, compares and tells; with `renew` it writes the baseline instead. Whether nothing costs more.
pub(crate) fn run(renew: bool) -> bool {
    if !trace::can() {
        println!("== gate: strace is missing or may not trace here: nothing is counted, nothing is held");
        return true;
    }
    let begin = Instant::now();
    let environment = environment::found();
    let counts = counted();
    if renew {
        let old = Baseline::read();
        let new = Baseline { environment, counts };
        new.write(&old);
        println!("== gate: the baseline is renewed, {}", spoken(begin.elapsed()));
        return true;
    }
    let told = compare(&Baseline::read(), &environment, &counts);
    println!("{}", told.table);
    told.notes.iter().for_each(|note| println!("gate: {note}"));
    for failure in &told.failures {
        eprintln!("gate: {failure}");
    }
    if told.failures.is_empty() {
        println!("== gate: held, {}", spoken(begin.elapsed()));
        return true;
    }
    false
}

/// Everything that can be counted here, in the order of the jobs.
fn counted() -> Vec<Count> {
    programs();
    let (next, found) = (Mutex::new(0), Mutex::new(vec![Vec::new(); JOBS.len()]));
    let work = || {
        loop {
            let at = {
                let mut next = next.lock().expect("nobody panics with it");
                *next += 1;
                *next - 1
            };
            let Some((_, job)) = JOBS.get(at) else { break };
            let counts = job();
            found.lock().expect("nobody panics with it")[at] = counts;
        }
    };
    thread::scope(|scope| {
        scope.spawn(work);
        work();
    });
    let mut found = found.into_inner().expect("nobody panics with it");
    // As people read them: the hook first, requests last.
    found.reverse();
    found.concat()
}
