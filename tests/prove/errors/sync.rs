//! A sync that failed is never asked for again on the same descriptor: the kernel has forgotten what it could not write, and a
//! second one would succeed for nothing.

use std::collections::BTreeSet;
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
            strace.args(["-f", "-qq", "-y", "-e", "trace=fsync,fdatasync,close,openat", "-e"]);
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
            retried(&trace).into_iter().for_each(|line| panic!("{call} {nth} failed and was asked for again: {line}"));
            figures.count("syncs that failed, none asked for again", 1);
            stage::drain(&world);
            figures.add(&ledger.check(&world));
        }
    }
    assert!(figures.get("syncs that failed, none asked for again") > 3, "no sync was made to fail");
    figures
}

/// The sync that followed a failed one on the same descriptor, if there is one.
fn retried(trace: &str) -> Option<&str> {
    let mut failed: BTreeSet<&str> = BTreeSet::new();
    for line in trace.lines() {
        let Some((_, call)) = line.split_once(' ') else { continue };
        let Some((name, rest)) = call.trim_start().split_once('(') else { continue };
        let descriptor = rest.split(')').next().unwrap_or(rest);
        match name {
            "close" => drop(failed.remove(descriptor)),
            "fsync" | "fdatasync" if failed.contains(descriptor) => return Some(line),
            "fsync" | "fdatasync" if line.contains("(INJECTED)") => drop(failed.insert(descriptor)),
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
        assert_eq!(retried(&format!("{failed}{again}")), Some(again.trim_end()));
        assert_eq!(retried(&format!("{failed}{closed}{again}")), None);
        assert_eq!(retried(&format!("{again}{failed}7 fsync(6</d>) = 0\n")), None);
    }
}
