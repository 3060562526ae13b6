//! What a person or a supervisor asks by signal: stop, stop at once, read the settings again.
//!
//! A thread of its own hears them, so that the second one ends a process that hangs in a pass.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, Thread};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Whether the settings are to be read again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reload(Arc<AtomicBool>);

impl Reload {
    /// Whether somebody asked since the last call.
    pub(crate) fn taken(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}

/// The first SIGTERM or SIGINT asks to end after the transaction that runs, a second one ends the process. SIGHUP means
/// nothing, unless the terminal of this process has gone: then it is as the others. Whoever asks every `ingest` to read its
/// settings again does not end a backup.
///
/// # Errors
/// The operating system's.
pub(crate) fn listen(stop: Arc<AtomicBool>) -> io::Result<()> {
    hear(&[SIGTERM, SIGINT, SIGHUP], stop, Reload::default())
}

/// As [`listen`], and SIGHUP asks to read the settings again. If the terminal of this process has gone, it asks to end.
///
/// # Errors
/// The operating system's.
pub(crate) fn listen_as_service(stop: Arc<AtomicBool>) -> io::Result<Reload> {
    let reload = Reload::default();
    hear(&[SIGTERM, SIGINT, SIGHUP], stop, reload.clone())?;
    Ok(reload)
}

fn hear(which: &[i32], stop: Arc<AtomicBool>, reload: Reload) -> io::Result<()> {
    let mut signals = Signals::new(which)?;
    let main = thread::current();
    let terminal = has_terminal();
    thread::Builder::new().name("signals".into()).spawn(move || {
        for signal in signals.forever() {
            hear_one(signal, &stop, &reload, terminal, &main);
        }
    })?;
    Ok(())
}

fn hear_one(signal: i32, stop: &AtomicBool, reload: &Reload, terminal: bool, main: &Thread) {
    let hung_up = terminal && !has_terminal();
    if signal == SIGHUP && !hung_up {
        reload.0.store(true, Ordering::Relaxed);
    } else if stop.swap(true, Ordering::Relaxed) {
        let _ = signal_hook::low_level::emulate_default_handler(signal);
    }
    main.unpark();
}

/// Whether what we say reaches a terminal: one that was closed no longer answers.
fn has_terminal() -> bool {
    rustix::termios::tcgetwinsize(io::stderr()).is_ok()
}
