//! `ingest rebuild`: derives everything again from what was captured, and tells what was not as it should be.

use std::io::{self, IsTerminal, Write};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use serde_json::json;
use settings::Settings;

use crate::cli::Common;
use crate::derive::{self, Index};
use crate::error::{At, Error};
use crate::exit::Exit;
use crate::signals;
use crate::upgrade::Opening;

/// `rebuild`.
#[derive(Debug, Args)]
pub struct Rebuild {
    /// Make the index of words anew as well
    #[arg(long)]
    pub index: bool,
    /// Print the figures as one JSON document
    #[arg(long)]
    pub json: bool,
    /// Shared flags.
    #[command(flatten)]
    pub common: Common,
}

/// Rebuilds.
///
/// # Errors
/// What will not mend itself.
pub fn run(settings: &Settings, args: &Rebuild, stop: &Arc<AtomicBool>) -> Result<Exit, Error> {
    signals::listen(stop.clone()).at("listen for signals in", settings.home.root())?;
    let mut writer = Opening::of(settings, stop).open()?;
    let index = if args.index { Index::Anew } else { Index::Keep };
    let shown = !args.common.quiet && io::stderr().is_terminal();
    let mut sessions = 0;
    let done = derive::rebuild(&mut writer, index, &mut |done, marked| {
        sessions = marked;
        if shown {
            let _ = write!(io::stderr(), "\r{} of {marked} sessions\x1b[K", done.sessions);
        }
        if stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    if shown {
        let _ = write!(io::stderr(), "\r\x1b[K");
    }
    let left = writer.dirty()?;
    let mut out = io::stdout().lock();
    // Whoever reads may have gone; the work is done all the same.
    let _ = if args.json {
        let figures = json!({"sessions": done.sessions, "changed": done.conversations, "left": left});
        writeln!(out, "{figures}")
    } else if left > 0 {
        writeln!(out, "{} sessions derived, {left} left: the next pass goes on with them", done.sessions)
    } else {
        writeln!(out, "{} sessions derived, {} conversations changed", done.sessions, done.conversations)
    };
    Ok(if left > 0 { Exit::Busy } else { Exit::Done })
}
