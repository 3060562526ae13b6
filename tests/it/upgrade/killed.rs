//! An upgrade that is killed on its way, at each kind of system call: the database is of one schema or the other, and the next pass
//! makes of it what it would have become.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::stored::{by_sql, copies, database, schemas, settle, told, world};
use crate::crash::has_strace;
use harness::rows;

/// Those that change something.
const CALLS: [&str; 8] = ["openat", "pwrite64", "write", "fdatasync", "fsync", "renameat2", "unlink", "ftruncate"];

/// Kills `ingest once` before its `k`-th `call`; whether it came to that.
fn check(schema: i64, call: &str, k: usize, expected: &[String]) -> bool {
    let what = format!("schema {schema}, killed at {call} number {k}");
    let world = world(schema);
    let before = told(&world, &world.data().database());
    let strace = world.command("strace").args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={call}")]);
    let fault = format!("inject={call}:signal=SIGKILL:when={k}");
    let strace = strace.args(["-e", &fault]).arg(harness::bin("ingest")).args(["once", "--projects"]);
    let mut command = strace.arg(world.projects_root()).into_command();
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    let newest = *schemas().end();
    let between = by_sql(&world, &["tell", &database(&world)]);
    let found: i64 = between.lines().next().unwrap().strip_prefix("schema ").unwrap().parse().unwrap();
    assert!([schema, newest].contains(&found), "{what}: left at {found}");
    if found == newest {
        assert_eq!(copies(&world).len(), 1, "{what}: upgraded without a copy");
    }
    settle(&world);
    let lost: Vec<_> = before.difference(&told(&world, &world.data().database())).cloned().collect();
    assert!(lost.is_empty(), "{what}: {lost:#?}");
    rows::assert_same(&what, &rows::natural(world.data()), expected);
    for copy in copies(&world) {
        assert_eq!(told(&world, &copy), before, "{what}: {}", copy.display());
    }
    let left = world.names(&world.data().backups());
    assert!(!left.iter().any(|name| name.contains(".partial")), "{what}: {left:?}");
    status.signal() == Some(9)
}

#[test]
fn killed_on_the_way() {
    if !has_strace() {
        return;
    }
    let newest = world(*schemas().end());
    settle(&newest);
    let expected = rows::natural(newest.data());
    let work: Vec<_> = [6, *schemas().end() - 1].iter().flat_map(|schema| CALLS.map(|call| (*schema, call))).collect();
    let (next, kills) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some((schema, call)) = work.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let points = std::iter::successors(Some(1_usize), |k| Some(k * 2));
                    let struck = points.take_while(|k| check(*schema, call, *k, &expected)).count();
                    kills.fetch_add(struck, Ordering::Relaxed);
                }
            });
        }
    });
    let kills = kills.into_inner();
    println!("{kills} kills");
    assert!(kills > 30, "only {kills}: is strace's injection at work?");
}
