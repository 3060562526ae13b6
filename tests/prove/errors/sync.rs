//! A sync that failed is never asked for again as if nothing had been: the kernel has forgotten what it could not write, and a second
//! one would succeed for nothing.
//!
//! - Of the log of the database: its connection commits nothing more. Closing it, the last one, may sync once more, before
//!   what was committed *earlier* is written back; nothing new is said to be safe by that. (To leave the log as it is would be worse: the
//!   next connection would find the commit that failed in it, in memory alone, and build on it.) That it was closing is seen by what
//!   comes after it: of the log nothing but its close. These syncs are counted apart.
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
            let closing = closing_syncs(&trace)
                .unwrap_or_else(|again| panic!("{call} {nth} failed, and was asked for again: {again}"));
            figures.count("syncs that failed, none tried again", 1);
            figures.count("logs synced once more by their close", closing);
            stage::drain(&world);
            figures.add(&ledger.check(&world));
        }
    }
    assert!(figures.get("syncs that failed, none tried again") > 3, "no sync was made to fail");
    figures
}

/// What became of a descriptor since its sync failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Since<'a> {
    Nothing,
    Written,
    /// A log, by this call.
    SyncedAgain(&'a str),
}

/// How many logs were synced once more by whoever closed them; or the sync that should not be there.
fn closing_syncs(trace: &str) -> Result<u64, String> {
    let calls = whole(trace);
    let mut failed: BTreeMap<&str, Since<'_>> = BTreeMap::new();
    let mut closing = 0;
    for call in &calls {
        let Some((name, rest)) = call.split_once('(') else { continue };
        let descriptor = rest.split([')', ',']).next().unwrap_or(rest);
        if descriptor.contains(".partial") {
            continue;
        }
        let is_log = descriptor.ends_with("-wal>");
        let is_sync = matches!(name, "fsync" | "fdatasync");
        match failed.get(descriptor).copied() {
            Some(Since::SyncedAgain(_)) if name == "close" => {
                failed.remove(descriptor);
                closing += 1;
            }
            Some(Since::SyncedAgain(again)) => return Err(again.to_owned()),
            _ if name == "close" => drop(failed.remove(descriptor)),
            Some(_) if name == "pwrite64" => drop(failed.insert(descriptor, Since::Written)),
            Some(Since::Nothing) if is_sync && is_log => drop(failed.insert(descriptor, Since::SyncedAgain(call))),
            Some(Since::Written) if is_sync && !is_log => drop(failed.remove(descriptor)),
            Some(_) if is_sync => return Err(call.clone()),
            None if is_sync && call.contains("(INJECTED)") => drop(failed.insert(descriptor, Since::Nothing)),
            _ => {}
        }
    }
    // Who closes closes.
    let left =
        failed.into_values().find_map(|since| if let Since::SyncedAgain(again) = since { Some(again) } else { None });
    left.map_or(Ok(closing), |again| Err(again.to_owned()))
}

/// The calls of a trace without their threads; one that another thread came into is put together where it ended.
fn whole(trace: &str) -> Vec<String> {
    let mut begun: BTreeMap<&str, &str> = BTreeMap::new();
    let mut calls = Vec::new();
    for line in trace.lines() {
        let Some((thread, call)) = line.split_once(' ') else { continue };
        let call = call.trim_start();
        if let Some(beginning) = call.strip_suffix("<unfinished ...>") {
            begun.insert(thread, beginning.trim_end());
        } else if let Some((_, end)) = call.split_once(" resumed>") {
            calls.extend(begun.remove(thread).map(|beginning| format!("{beginning}{end}")));
        } else {
            calls.push(call.to_owned());
        }
    }
    calls
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAILED: &str = "7 fdatasync(5</d/prompts.db-wal>) = -1 EIO (Input/output error) (INJECTED)\n";
    const AGAIN: &str = "7 fdatasync(5</d/prompts.db-wal>) = 0\n";
    const CLOSED: &str = "7 close(5</d/prompts.db-wal>) = 0\n";
    const WRITTEN: &str = "7 pwrite64(5</d/prompts.db-wal>, \"\"..., 4096, 32) = 4096\n";
    const OF_ANOTHER: &str =
        "7 pwrite64(4</d/prompts.db>, \"\"..., 4096, 0) = 4096\n7 fdatasync(4</d/prompts.db>) = 0\n";

    /// These calls, one after the other: so many syncs by a close, or `None` if there is one that should not be.
    fn check(calls: &[&str], expected: Option<u64>) {
        assert_eq!(closing_syncs(&calls.concat()).ok(), expected, "{calls:?}");
    }

    #[test]
    fn a_second_sync_is_seen() {
        check(&[FAILED, WRITTEN, AGAIN], None);
        check(&[FAILED, WRITTEN, AGAIN, CLOSED], None);
        check(&[FAILED, CLOSED, WRITTEN, AGAIN], Some(0));
        check(&[AGAIN, FAILED, "7 fsync(6</d>) = 0\n"], Some(0));
        assert_eq!(closing_syncs(&[FAILED, WRITTEN, AGAIN].concat()), Err(AGAIN[2..].trim_end().to_owned()));
        // The other way round for what is no log.
        let of_file = |text: &str| text.replace("-wal", "");
        let (failed, written, again) = (of_file(FAILED), of_file(WRITTEN), of_file(AGAIN));
        check(&[&failed, &again], None);
        check(&[&failed, &again, &of_file(CLOSED)], None);
        check(&[&failed, &written, &again, &again], Some(0));
    }

    /// It passed as long as nothing was written in between.
    #[test]
    fn a_bare_retry_of_a_log_is_told_from_its_close() {
        check(&[FAILED, AGAIN, CLOSED], Some(1));
        check(&[FAILED, AGAIN, OF_ANOTHER, CLOSED], Some(1));
        // The connection goes on: what it commits next, or its own close, or nothing of it.
        check(&[FAILED, AGAIN, WRITTEN, AGAIN, CLOSED], None);
        check(&[FAILED, AGAIN, AGAIN, OF_ANOTHER, CLOSED], None);
        check(&[FAILED, AGAIN], None);
        // One after the other: each is told by itself.
        check(&[FAILED, AGAIN, CLOSED, AGAIN, WRITTEN, AGAIN, CLOSED], Some(1));
    }

    #[test]
    fn a_call_that_another_thread_came_into_is_one_call() {
        let begun = "7 fdatasync(5</d/prompts.db-wal> <unfinished ...>\n";
        let failed = "7 <... fdatasync resumed>)             = -1 EIO (Input/output error) (INJECTED)\n";
        let done = "7 <... fdatasync resumed>)             = 0\n";
        let other = "8 close(9</d/x>) = 0\n";
        check(&[begun, other, failed, begun, other, done], None);
        check(
            &[
                begun,
                other,
                failed,
                begun,
                other,
                done,
                "7 close(5</d/prompts.db-wal> <unfinished ...>\n",
                other,
                "7 <... close resumed>) = 0\n",
            ],
            Some(1),
        );
    }
}
