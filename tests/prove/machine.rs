//! Where and when a figure was measured, in the words of PROOF.md.

use std::fs;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use harness::repository;

/// Nanoseconds since 1970, cut to 64 bits: a seed that was never used before.
pub(crate) fn nanoseconds() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_nanos()).unwrap_or(0)
}

/// Today's date in UTC.
pub(crate) fn today() -> String {
    said("date", &["-u", "+%Y-%m-%d"])
}

/// Cores, kernel, disk and the commit that ran.
pub(crate) fn described() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let kernel: Vec<_> = release.trim().splitn(3, '.').take(2).collect();
    let root = repository().to_string_lossy();
    let disk = said("stat", &["-f", "-c", "%T", &std::env::temp_dir().to_string_lossy()]);
    let git = |args: &[&str]| said("git", &[&["-C", root.as_ref()], args].concat());
    // What earlier parts of this run wrote down is no change of what ran.
    let changed =
        if git(&["status", "--porcelain", "--", ".", ":!PROOF.md"]).is_empty() { "" } else { " with changes" };
    let commit = git(&["rev-parse", "--short=7", "HEAD"]);
    let disk = if disk == "ext2/ext3" { "ext4" } else { &disk };
    format!("{cores} cores, Linux {}, {disk}, {commit}{changed}", kernel.join("."))
}

/// A duration as people say it.
pub(crate) fn spoken(took: Duration) -> String {
    match took.as_secs() {
        secs @ ..120 => format!("{secs} s"),
        secs => format!("{} min", (secs + 30) / 60),
    }
}

fn said(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output();
    output.map_or_else(|_| "?".to_owned(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
