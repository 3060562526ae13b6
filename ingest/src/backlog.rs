//! Takes in what a look at the transcripts finds, and derives it: what came first can be listed while the rest is coming.
//!
//! ```text
//! files ──ahead::run──▶ packed ─┐
//!                               ├─▶ the writer, one transaction after the other
//! ground ─ahead::run──▶ ready ──┘         │ commits
//!    └───────────────◀────────────────────┘
//! ```
//!
//! A large backlog keeps three threads busy: one reads and packs files, one reads back what is committed and correlates it,
//! and the caller's writes. A few files, as in every wake of `run`, are not worth a thread.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Sender};
use std::thread;

use store::write::Writer;

use crate::derive::ahead::{self as deriving, Gone, Notice, Ready};
use crate::derive::{self, Derived};
use crate::transcripts::ahead::{self as packing, Packed};
use crate::transcripts::ignored::Ignored;
use crate::transcripts::{self, Candidate, Changed, Followed, Look};

/// From so many bytes on threads pay.
const LARGE: u64 = 4 * 1024 * 1024;

/// What one transaction did.
#[derive(Clone, Debug)]
pub(crate) enum Done {
    Followed(Followed),
    Derived(Derived),
}

/// Hears of each transaction, and may end the work behind it.
pub(crate) type Observe<'a> = dyn FnMut(Done) -> ControlFlow<()> + 'a;

/// Takes in what is new below `roots`, the newest files first, in transactions of bounded size.
///
/// # Errors
/// The store's. A file that cannot be read is logged and left for the next look.
pub(crate) fn take_in(
    writer: &mut Writer,
    roots: &[PathBuf],
    look: &Look,
    ignored: &mut Ignored,
    observe: &mut Observe<'_>,
) -> Result<(), store::Error> {
    take_in_from(LARGE, writer, roots, look, ignored, observe)
}

/// As [`take_in`], with threads from `large` bytes on.
pub(crate) fn take_in_from(
    large: u64,
    writer: &mut Writer,
    roots: &[PathBuf],
    look: &Look,
    ignored: &mut Ignored,
    observe: &mut Observe<'_>,
) -> Result<(), store::Error> {
    for Changed { root, files } in transcripts::changed(writer, roots, look, ignored)? {
        let bytes: u64 = files.iter().map(|file| file.on_disk.size).sum();
        let ended = if bytes < large {
            one_by_one(writer, &root, &files, observe)?
        } else {
            side_by_side(writer, &root, &files, observe)?
        };
        if ended.is_break() {
            break;
        }
    }
    Ok(())
}

fn one_by_one(
    writer: &mut Writer,
    root: &Path,
    mut files: &[Candidate],
    observe: &mut Observe<'_>,
) -> Result<ControlFlow<()>, store::Error> {
    while !files.is_empty() {
        let followed = transcripts::take_some(writer, root, &mut files)?;
        if observe(Done::Followed(followed)).is_break() || derive_now(writer, observe)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

fn derive_now(writer: &mut Writer, observe: &mut Observe<'_>) -> Result<ControlFlow<()>, store::Error> {
    let (mut before, mut flow) = (Derived::default(), ControlFlow::Continue(()));
    derive::derive_observed(writer, &mut |sum| {
        let now = Derived {
            sessions: sum.sessions - before.sessions,
            conversations: sum.conversations - before.conversations,
        };
        before = sum;
        flow = observe(Done::Derived(now));
        flow
    })?;
    Ok(flow)
}

/// What the other threads have for the writer.
enum Work<'c> {
    Packed(Packed<'c>),
    AllPacked,
    Ready(Ready),
    Failed(store::Error),
}

fn side_by_side(
    writer: &mut Writer,
    root: &Path,
    files: &[Candidate],
    observe: &mut Observe<'_>,
) -> Result<ControlFlow<()>, store::Error> {
    let is_new = packing::new_ones(writer, root, files)?;
    let mut reader = writer.ground_reader()?;
    let sieve = writer.sieve()?;
    thread::scope(|scope| {
        // Nobody is far ahead: what waits is held in memory.
        let (work, come) = mpsc::sync_channel(0);
        let (notify, notices) = mpsc::channel();
        let packed = work.clone();
        scope.spawn(move || {
            packing::run(root, files, &is_new, &sieve, |files| packed.send(Work::Packed(files)).is_ok());
            let _ = packed.send(Work::AllPacked);
        });
        scope.spawn(move || {
            let done = deriving::run(&mut reader, &notices, |ready| work.send(Work::Ready(ready)).map_err(|_| Gone));
            if let Err(error) = done {
                let _ = work.send(Work::Failed(error));
            }
        });
        // Leaving drops both channels, which ends the others.
        for work in come {
            if write(writer, root, work, &notify, observe)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    })
}

fn write(
    writer: &mut Writer,
    root: &Path,
    work: Work<'_>,
    notify: &Sender<Notice>,
    observe: &mut Observe<'_>,
) -> Result<ControlFlow<()>, store::Error> {
    let (notice, flow) = match work {
        Work::Packed(files) => (Notice::Ground, write_files(writer, root, &files, observe)?),
        Work::Ready(ready) => {
            let mut derived = Derived::default();
            let notice = ready.write(writer, &mut derived)?;
            (notice, observe(Done::Derived(derived)))
        }
        Work::AllPacked => (Notice::Last, ControlFlow::Continue(())),
        Work::Failed(error) => return Err(error),
    };
    let _ = notify.send(notice); // whoever is gone says why by itself
    Ok(flow)
}

/// A file that fills transactions alone is taken in here to its end: there is nothing to do beside it.
fn write_files(
    writer: &mut Writer,
    root: &Path,
    files: &Packed<'_>,
    observe: &mut Observe<'_>,
) -> Result<ControlFlow<()>, store::Error> {
    let written = files.write(writer, root)?;
    let mut flow = observe(Done::Followed(written.followed));
    let mut left = &written.left[..];
    while flow.is_continue() && !left.is_empty() {
        flow = observe(Done::Followed(transcripts::take_some(writer, root, &mut left)?));
    }
    Ok(flow)
}
