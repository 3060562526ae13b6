//! The second half of forgetting: what is among the rows no more goes from everything else that the data directory holds, from
//! the database's file and log, the archive, failed files, backups. The database knows that this is to be done until it is
//! done everywhere; what hinders it stands in `run/forgetting.json` meanwhile, for `status`.

use std::fs::{self, File};
use std::io;
use std::ops::ControlFlow;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant, SystemTime};

use queue::DataDir;
use status::forgetting::{Left, left};
use store::write::{Log, Writer};

use super::report::Report;
use super::{archived, catch_up, copies};
use crate::clock;
use crate::disk;
use crate::error::{At, Error};
use crate::intake::places::Places;
use crate::show::Show;

/// After a try that something hindered.
const RETRY_MS: i64 = 3_600_000;

/// Goes on with a forgetting that was ended half way, and with one that another store brought. Where only something outside of
/// the database's file is left, as something hinders it, each hour is often enough.
///
/// # Errors
/// The store's and the operating system's. What hinders is logged and noted.
pub(crate) fn learn(
    writer: &mut Writer,
    places: &Places,
    stop: &AtomicBool,
    show: &Show,
) -> Result<ControlFlow<()>, Error> {
    let now_ms = clock::millis(SystemTime::now());
    let tried = left(writer.data_dir()).is_some_and(|left| (0..RETRY_MS).contains(&now_ms.saturating_sub(left.at_ms)));
    if tried && !writer.has_remains_here()? {
        return Ok(ControlFlow::Continue(()));
    }
    let mut report = Report::default();
    let flow = finish(writer, places, &mut report, Duration::ZERO, stop, show)?;
    for (path, name) in &report.renamed {
        tracing::info!("the way back to the version before an upgrade is gone: {path} is now {name}");
    }
    for place in report.places() {
        tracing::warn!("what was forgotten still stands in {place}");
    }
    Ok(flow)
}

/// Does all that is left to do, and waits so long for readers who need the log.
///
/// # Errors
/// The store's and the operating system's. What hinders is in the report.
pub(super) fn finish(
    writer: &mut Writer,
    places: &Places,
    report: &mut Report,
    patience: Duration,
    stop: &AtomicBool,
    show: &Show,
) -> Result<ControlFlow<()>, Error> {
    report.log_emptied = true;
    if !writer.has_remains()? {
        return Ok(ControlFlow::Continue(()));
    }
    if catch_up(writer, stop, &|said| show.say(said))?.is_break() {
        return Ok(ControlFlow::Break(()));
    }
    report.back = writer.came_back()?.into_iter().map(|id| id.0).collect();
    let home = writer.data_dir().clone();
    let _chores = chores_held(&home)?;
    report.uncleaned.clear(); // of a try before
    archived::remove(places, writer, report);
    copies::clean(&home, writer, report, stop, show)?;
    report.log_emptied = empty_log(writer, patience);
    let left = report.places();
    if left.is_empty() {
        writer.all_forgotten()?;
    }
    note(&home, left)?;
    Ok(ControlFlow::Continue(()))
}

fn note(home: &DataDir, places: Vec<String>) -> Result<(), Error> {
    let path = home.forgetting_note();
    if places.is_empty() {
        return match fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed.at("remove", &path),
        };
    }
    let text = terminal::document(&Left { at_ms: clock::millis(SystemTime::now()), places });
    disk::replace(&path, &text).at("write", &path)
}

/// Keeps out whoever packs, prunes and backs up, as long as the value lives; waits for one that is at it.
fn chores_held(home: &DataDir) -> Result<File, Error> {
    let path = home.chores_lock();
    // Its time tells when the chores were done last, so it is not written to.
    let file = File::options().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
    let file = file.at("open", &path)?;
    file.lock().at("lock", &path)?;
    Ok(file)
}

/// The old pages stand in the log until it is empty; readers may hold it for a while.
fn empty_log(writer: &mut Writer, patience: Duration) -> bool {
    let end = Instant::now() + patience;
    loop {
        match writer.rest() {
            Ok(Log::Empty) => return true,
            Ok(Log::Needed) if Instant::now() < end => std::thread::sleep(Duration::from_millis(50)),
            _ => return false,
        }
    }
}
