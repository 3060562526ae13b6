//! After another database is in its place: passes until nothing is left, over every projects root that was ever read.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use settings::Settings;
use store::write::Writer;

use crate::error::Error;
use crate::pass::{self, Context, Effort};
use crate::presence;
use crate::report::PassReport;

/// Takes in the queue and the transcripts. A fault that will pass is in the report: the next pass goes on.
///
/// # Errors
/// What will not mend itself.
pub(crate) fn catch_up(settings: &Settings, stop: &Arc<AtomicBool>) -> Result<PassReport, Error> {
    let mut settings = settings.clone();
    let known = Writer::open(&settings.home)?.roots()?.into_iter().map(PathBuf::from);
    let more: Vec<_> = known.filter(|root| root.is_dir() && !settings.projects.contains(root)).collect();
    settings.projects.extend(more);
    let mut ctx = Context::new(&settings, stop.clone());
    let mut sum = PassReport { more: true, ..PassReport::default() };
    while sum.more && sum.trouble.is_none() && !stop.load(Ordering::Relaxed) {
        let mut go_on = |_| ControlFlow::Continue(());
        sum.followed_by(pass::run(&mut ctx, SystemTime::now(), Effort::Everything, &mut go_on)?);
    }
    if sum.trouble.is_none() {
        presence::over(&settings.home);
    }
    // What kept a backup of the former database from being made says nothing of this one: it is tried anew.
    let _ = std::fs::remove_file(settings.home.backup_note());
    Ok(sum)
}
