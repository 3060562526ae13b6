//! Passes of the ingester in this process, through the library, so that the start of a process hides nothing.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::SystemTime;

use ingest::pass::{self, Context, Effort};
use ingest::report::PassReport;
use settings::{Layer, Settings};

/// An ingester of this data directory, which follows the transcripts below `projects`.
pub(crate) fn context(home: &Path, projects: PathBuf) -> Context {
    let flags = Layer { home: Some(home.to_owned()), projects: Some(vec![projects]), ..Layer::default() };
    let settings = Settings::resolve(flags, &|_| None).expect("settings");
    ingest::home::prepare(&settings).expect("a data directory");
    Context::new(&settings, Arc::new(AtomicBool::new(false)))
}

/// One pass, which must have something to do.
pub(crate) fn pass(ctx: &mut Context) -> PassReport {
    let report = pass::run(ctx, SystemTime::now(), Effort::Everything, &mut |_| ControlFlow::Continue(()));
    let report = report.expect("a pass");
    assert!(report.trouble.is_none() && report.conversations > 0, "{report:?}");
    report
}
