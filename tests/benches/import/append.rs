//! What one more line costs in a session that has many: appended to its file, taken in, derived, committed.
//!
//! In this process, through the library, so that the start of a process hides nothing; then as `ingest once`, which is what
//! a person would run. The cost of the line alone should not depend on how long the session is.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::time::{Duration, Instant};

use harness::{Generator, Session, World, measure};

use crate::passes::{context, pass};

/// How often a line is appended for each figure.
const TIMES: usize = 21;

/// Prints a row for each length, in lines.
pub(crate) fn table(generator: &Generator, lengths: &[usize]) {
    println!(
        "\n{:<24}{:>12}{:>16}{:>16}{:>16}",
        "one line appended to", "MB", "pass, median", "pass, longest", "ingest once"
    );
    for (nth, length) in lengths.iter().enumerate() {
        let mut session = generator.session(5_000 + nth);
        while session.lines < *length {
            session.turn();
        }
        row(session);
    }
}

fn row(mut session: Session<'_>) {
    let world = World::new();
    let path = world.projects_root().join("-src-acme").join(&session.id).with_extension("jsonl");
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(&path, &session.main).expect("a transcript");
    let (lines, bytes) = (session.lines, session.main.len());

    let mut ctx = context(world.data().root(), world.projects_root());
    let _ = pass(&mut ctx);
    session.main.clear();
    let mut file = OpenOptions::new().append(true).open(&path).expect("the transcript");
    let mut append = |session: &mut Session<'_>| {
        session.text("msg_01appended", "null");
        file.write_all(&session.main).expect("a disk with room");
        session.main.clear();
    };
    let mut passes: Vec<_> = (0..TIMES)
        .map(|_| {
            append(&mut session);
            let begin = Instant::now();
            let _ = pass(&mut ctx);
            begin.elapsed()
        })
        .collect();
    drop(ctx);
    let mut processes: Vec<_> = (0..TIMES)
        .map(|_| {
            append(&mut session);
            let once = world.bin("ingest").args(["once", "--projects"]).arg(world.projects_root());
            measure(once.into_command()).took
        })
        .collect();
    passes.sort_unstable();
    processes.sort_unstable();
    let ms = |time: Duration| format!("{:.2} ms", time.as_secs_f64() * 1e3);
    println!(
        "{:<24}{:>12.1}{:>16}{:>16}{:>16}",
        format!("{lines} lines"),
        super::mb(bytes as u64),
        ms(passes[TIMES / 2]),
        ms(passes[TIMES - 1]),
        ms(processes[TIMES / 2])
    );
}
