//! `ingest backup`: a copy of the database, made while everything goes on, and checked. And the backups that are made without
//! being asked for.

mod annotations;
pub(crate) mod copy;
pub(crate) mod due;

use std::io::{self, IsTerminal, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Instant, SystemTime};

use clap::Args;
use export::out::Existing;
use serde_json::json;
use settings::Settings;
use status::backups::What;
use store::check::Checked;

use crate::cli::Place;
use crate::clock;
use crate::error::{At, Error};
use crate::exit::Exit;
use crate::report::count;
use crate::signals;
use terminal::{document, print, size};

/// Shown below `ingest backup --help`.
pub const EXAMPLES: &str = "\
Examples:
  prompt-manager backup ~/prompts.db             one file, which must not be there yet
  prompt-manager backup /mnt/usb                 a file in this folder, named by the time
  prompt-manager backup --force ~/prompts.db     replaces it, once the new copy is checked
What people said and the database are also copied by themselves, into backups/ of the data directory:
docs/operating-backup.md.
";

/// `backup`.
#[derive(Debug, Args)]
pub struct Backup {
    /// The file to write, or a folder that gets one with a name of its own
    #[arg(value_name = "DEST")]
    pub dest: PathBuf,
    /// Replace what is there
    #[arg(long)]
    pub force: bool,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
    /// Shared flags.
    #[command(flatten)]
    pub place: Place,
}

/// Does it.
///
/// # Errors
/// What stops it.
pub fn run(settings: &Settings, args: &Backup, stop: &Arc<AtomicBool>) -> Result<Exit, Error> {
    signals::listen(stop.clone()).at("listen for signals in", settings.home.root())?;
    let began = Instant::now();
    let dest = destination(settings, &args.dest)?;
    let existing = if args.force { Existing::Replace } else { Existing::Keep };
    let shown = io::stderr().is_terminal();
    let made = copy::make(&settings.home, &dest, existing, stop, &|so_far| {
        if shown {
            let _ = write!(io::stderr(), "\r{so_far}\x1b[K");
        }
    });
    if shown {
        let _ = write!(io::stderr(), "\r\x1b[K");
    }
    let made = made?;
    let seconds = began.elapsed().as_secs_f64();
    let text = if args.json {
        document(&json!({
            "path": dest, "bytes": made.bytes, "schema": made.checked.schema, "seconds": seconds,
            "conversations": made.checked.conversations, "events": made.checked.events,
        }))
    } else {
        let (bytes, dest) = (size(made.bytes), dest.display());
        format!("{} in {bytes}, checked: {dest} ({seconds:.2} s)\n", holds(&made.checked))
    };
    print(text.as_bytes()).at("write", Path::new("to standard output"))?;
    Ok(Exit::Done)
}

/// `41 conversations and 502 hook events`.
pub(crate) fn holds(checked: &Checked) -> String {
    format!("{} and {}", count(checked.conversations, "conversation"), count(checked.events, "hook event"))
}

/// The file that is meant.
fn destination(settings: &Settings, given: &Path) -> Result<PathBuf, Error> {
    let dest = if given.is_dir() {
        given.join(What::Database.file_name(clock::millis(SystemTime::now())))
    } else {
        given.to_owned()
    };
    let folder = dest.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = folder.canonicalize().at("open the folder", folder)?;
    let Some(name) = dest.file_name() else {
        return Err(Error::Refused { path: dest, problem: "is no name of a file".to_owned() });
    };
    // The database, the locks and the queue are never to be replaced by a copy; any of them may lie elsewhere, by a link.
    let id = |path: &Path| path.metadata().ok().map(|meta| (meta.dev(), meta.ino()));
    let above: Vec<_> = folder.ancestors().filter_map(id).collect();
    let lies_in = |dir: &Path| id(dir).is_some_and(|dir| above.contains(&dir));
    let home = &settings.home;
    let ours = [home.root().to_owned(), home.database_dir(), home.queue(), home.archive(), home.run()];
    if ours.iter().any(|dir| lies_in(dir)) && !lies_in(&home.backups()) {
        let problem = format!(
            "lies among the files of the data directory; name a place elsewhere or in {}",
            home.backups().display()
        );
        return Err(Error::Refused { path: dest, problem });
    }
    Ok(folder.join(name))
}
