//! Where and when a figure was measured, in the words of PROOF.md.

use std::fs;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use harness::{bin, repository};

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
    let disk = said("stat", &["-f", "-c", "%T", &std::env::temp_dir().to_string_lossy()]);
    let root = repository().to_string_lossy();
    let git = |args: &[&str]| said("git", &[&["-C", root.as_ref()], args].concat());
    // Of the program that ran: the checkout may have gone on since it was built.
    let version = said(&bin("ingest").to_string_lossy(), &["--version"]);
    let commit = commit(&version);
    // What earlier parts of this run wrote down is no change of what ran.
    let is_changed = git(&["rev-parse", "HEAD"]).starts_with(commit)
        && !git(&["status", "--porcelain", "--", ".", ":!PROOF.md"]).is_empty();
    let changed = if is_changed { " with changes" } else { "" };
    let disk = if disk == "ext2/ext3" { "ext4" } else { &disk };
    format!("{cores} cores, Linux {}, {disk}, {commit}{changed}", kernel.join("."))
}

/// Seven digits of the commit in what `--version` says; all of it, if there is none.
fn commit(version: &str) -> &str {
    version.split_once('(').and_then(|(_, commit)| commit.get(..7)).unwrap_or(version)
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

#[cfg(test)]
mod tests {
    #[test]
    fn the_commit_of_a_program() {
        assert_eq!(super::commit("ingest 0.1.0 (4f9bd3e86df6 2026-11-27)"), "4f9bd3e");
        assert_eq!(super::commit("ingest 0.1.0 (?)"), "ingest 0.1.0 (?)");
    }
}
