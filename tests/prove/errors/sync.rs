//! A sync that failed is never asked for again as if nothing had been: the kernel has forgotten what it could not write, and a second
//! one would succeed for nothing.
//!
//! - Of the log of the database: its connection commits nothing more. Closing it, the last one, may sync once more, before
//!   what was committed *earlier* is written back; nothing new is said to be safe by that. (To leave the log as it is would be worse: the
//!   next connection would find the commit that failed in it, in memory alone, and build on it.)
//! - Of a `.partial`: it goes, whatever the engine still does to it, and nothing gets its name.
//! - Of any other file: what is synced again was written again. So the engine does it when it writes back.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Stdio};

use harness::World;

use crate::figures::Figures;
use crate::points::prepare;
use crate::stage;

/// Lets each sync of a pass fail once, and reads in the trace what came after it.
pub(super) fn run() -> Figures {
    let mut figures = Figures::default();
    for call in ["fdatasync", "fsync"] {
        for nth in 1..100 {
            let world = World::new();
            let ledger = prepare::many_files(&world);
            let path = world.root().join("trace");
            let inner =
                world.bin("ingest").args(["once", "--quiet", "--projects"]).arg(world.projects_root()).into_command();
            let mut strace = Command::new("strace");
            strace.args(["-f", "-qq", "-y", "-e", "trace=fsync,fdatasync,close,pwrite64", "-e"]);
            strace.arg(format!("inject={call}:error=EIO:when={nth}")).arg("-o").arg(&path).arg("--");
            strace.arg(inner.get_program()).args(inner.get_args()).env_clear();
            strace.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
            let status = strace.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
            let status = status.unwrap_or_else(|error| panic!("strace: {error}"));
            let trace = fs::read_to_string(&path).unwrap_or_else(|error| panic!("the trace: {error}"));
            if !trace.contains("(INJECTED)") {
                break;
            }
            assert!(matches!(status.code(), Some(0 | 75)), "{call} {nth} fails: {status}");
            let again = retried(&trace);
            assert_eq!(again, None, "{call} {nth} failed, and was asked for again");
            figures.count("syncs that failed, none tried again", 1);
            stage::drain(&world);
            figures.add(&ledger.check(&world));
        }
    }
    assert!(figures.get("syncs that failed, none tried again") > 3, "no sync was made to fail");
    figures
}

/// The sync that should not be there, if there is one.
fn retried(trace: &str) -> Option<&str> {
    // Each descriptor whose sync failed, and whether it was written to since.
    let mut failed: BTreeMap<&str, bool> = BTreeMap::new();
    for line in trace.lines() {
        let Some((_, call)) = line.split_once(' ') else { continue };
        let Some((name, rest)) = call.trim_start().split_once('(') else { continue };
        let descriptor = rest.split([')', ',']).next().unwrap_or(rest);
        if descriptor.contains(".partial") {
            continue;
        }
        let is_log = descriptor.ends_with("-wal>");
        match name {
            "close" => drop(failed.remove(descriptor)),
            "pwrite64" => drop(failed.get_mut(descriptor).map(|written| *written = true)),
            "fsync" | "fdatasync" if failed.get(descriptor) == Some(&is_log) => return Some(line),
            "fsync" | "fdatasync" if line.contains("(INJECTED)") => drop(failed.insert(descriptor, false)),
            "fsync" | "fdatasync" if !is_log => drop(failed.remove(descriptor)),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_sync_is_seen() {
        let failed = "7 fdatasync(5</d/prompts.db-wal>) = -1 EIO (Input/output error) (INJECTED)\n";
        let again = "7 fdatasync(5</d/prompts.db-wal>) = 0\n";
        let closed = "7 close(5</d/prompts.db-wal>) = 0\n";
        let written = "7 pwrite64(5</d/prompts.db-wal>, \"\"..., 4096, 32) = 4096\n";
        assert_eq!(retried(&format!("{failed}{written}{again}")), Some(again.trim_end()));
        assert_eq!(retried(&format!("{failed}{again}")), None);
        assert_eq!(retried(&format!("{failed}{closed}{written}{again}")), None);
        assert_eq!(retried(&format!("{again}{failed}7 fsync(6</d>) = 0\n")), None);
        // The other way round for what is no log.
        let of_file = |text: &str| text.replace("-wal", "");
        let (failed, written, again) = (of_file(failed), of_file(written), of_file(again));
        assert_eq!(retried(&format!("{failed}{again}")), Some(again.trim_end()));
        assert_eq!(retried(&format!("{failed}{written}{again}{again}")), None);
    }
}
