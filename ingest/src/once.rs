//! `ingest once`: passes until the queue is empty, and their sum on stdout.

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::sync::atomic::AtomicBool;
use std::time::{Instant, SystemTime};

use queue::DataDir;

use crate::copies::Beware;
use crate::error::Error;
use crate::exit::Exit;
use crate::logging::FILE_ONLY;
use crate::pass::{self, Context, Effort};
use crate::presence::Presence;
use crate::report::{PassReport, Stopwatch};
use crate::schedule::Moment;

/// How the figures are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One line for a person.
    Line,
    /// One JSON document.
    Json,
}

/// Takes in everything there is.
///
/// # Errors
/// What will not mend itself.
pub fn run(ctx: &mut Context, home: &DataDir, format: Format, stop: &AtomicBool) -> Result<Exit, Error> {
    let woke = Moment::now();
    let mut presence = Presence::begin(home, None, woke.wall);
    let mut watch = Stopwatch::new(woke.mono);
    let mut copies = Beware::of(home);
    let mut observe = |step| {
        watch.at(step, Instant::now());
        copies.after(step, stop, &mut |_| {});
        ControlFlow::Continue(())
    };
    let mut sum = PassReport { more: true, ..PassReport::default() };
    while sum.more && sum.trouble.is_none() {
        sum.followed_by(pass::run(ctx, SystemTime::now(), Effort::Everything, &mut observe)?);
    }
    sum.took_ms = watch.times();
    presence.passed(ctx, &sum, woke, None);
    // After the figures: in an empty log they would cost a sync.
    if sum.trouble.is_none() {
        ctx.rest();
    }
    if sum.trouble.is_some() {
        tracing::warn!(target: FILE_ONLY, "{sum}"); // it also stands on stdout
    }
    let exit = if sum.trouble.is_some() { Exit::Busy } else { Exit::Done };
    print(&sum, woke.mono.elapsed().as_secs_f64(), format);
    Ok(exit)
}

/// Whoever read our output may have gone; the work is done all the same.
fn print(sum: &PassReport, seconds: f64, format: Format) {
    let mut out = io::stdout().lock();
    let _ = match format {
        Format::Line => writeln!(out, "{sum} ({seconds:.2} s)"),
        Format::Json => serde_json::to_writer(&mut out, sum).map_err(io::Error::from).and_then(|()| writeln!(out)),
    };
}
