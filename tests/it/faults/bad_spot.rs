//! One file on a bad spot of the disk, wherever a hook or a pass may have left it: it waits and is told of, and everything else is
//! taken in meanwhile. A pass that ended at it would keep out every prompt that comes after.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use harness::World;
use harness::law::Given;
use serde_json::Value;

use crate::crash::has_strace;

fn name(n: u64) -> String {
    format!("{:019}-s-Stop.json", 1_795_350_951_000_000_000 + n)
}

fn payload(n: u64) -> String {
    format!(r#"{{"session_id":"s","hook_event_name":"Stop","last_assistant_message":"answer {n}"}}"#)
}

/// Three files in each of `folders`, the second of them where `call` fails for ever, two new ones and a transcript.
fn check(folders: &[&str], ending: &str, call: &str, error: &str) {
    let (world, mut given) = (World::new(), Given::default());
    world.data().create().unwrap();
    let spill = world.root().join("spill");
    let queue = world.data().incoming().parent().unwrap().to_owned();
    let mut bad = BTreeSet::new();
    let mut put = |folder: &Path, n: u64, ending: &str| {
        fs::create_dir_all(folder).unwrap();
        let path = folder.join(name(n) + ending);
        fs::write(&path, payload(n)).unwrap();
        given.good.insert((name(n), payload(n).into_bytes()));
        path
    };
    for (at, folder) in folders.iter().enumerate() {
        let folder =
            if let Some(folder) = folder.strip_prefix("spill/") { spill.join(folder) } else { queue.join(folder) };
        for n in 0..3 {
            let path = put(&folder, 10 * at as u64 + n, ending);
            if n == 1 {
                // Under the names too that it has once it is claimed.
                bad.extend(
                    (0..3).map(|attempt| queue.join(format!("processing/{}.a{attempt}", name(10 * at as u64 + n)))),
                );
                bad.insert(path);
            }
        }
    }
    for n in 100..102 {
        put(&world.data().incoming(), n, "");
    }
    world.transcript("p/t.jsonl", b"{\"type\":\"user\",\"sessionId\":\"t\",\"uuid\":\"u\",\"message\":{\"role\":\"user\",\"content\":\"typed\"}}\n");

    let what = format!("{call} fails with {error} in {folders:?}");
    let once = |command: harness::Cmd| {
        command
            .args(["once", "--json", "--projects"])
            .arg(world.projects_root())
            .env("PROMPT_MANAGER_SPILL", &spill)
            .run()
    };
    let fault = format!("inject={call}:error={error}");
    let mut strace = world.command("strace").args(["-f", "-qq", "-o", "/dev/null", "-e", &fault]);
    for path in &bad {
        strace = strace.arg("-P").arg(path);
    }
    let done = once(strace.arg(harness::bin("ingest"))).code(75);
    let report = done.json();
    let others = given.good.len() - folders.len();
    assert_eq!((&report["stored"], &report["put_back"]), (&others.into(), &folders.len().into()), "{what}: {done}");
    assert_eq!((&report["failed"], &report["transcript_files"]), (&0.into(), &1.into()), "{what}: {done}");
    assert!(report["trouble"].is_string(), "{what}: {done}");
    let status = world.ingest(&["status", "--json"]).json();
    assert_ne!(status["status"], "ok", "{what}: {status:#}");

    let done = once(world.bin("ingest")).code(0);
    assert_eq!(done.json()["trouble"], Value::Null, "{what}: {done}");
    given.check(world.data(), &what);
}

#[test]
fn one_file_holds_nobody_up() {
    if !has_strace() {
        return;
    }
    let places: [(&[&str], &str); 5] =
        [(&["tmp"], ""), (&["incoming"], ""), (&["processing"], ".a0"), (&["processing"], ".a1"), (&["spill/tmp"], "")];
    for (folders, ending) in places {
        for (call, error) in [("open,openat", "EIO"), ("open,openat", "EUCLEAN"), ("read", "EIO"), ("read", "EBADMSG")]
        {
            check(folders, ending, call, error);
        }
    }
    // On one disk these are renamed, and read in incoming only.
    check(&["spill/incoming"], "", "open,openat", "EUCLEAN");
    check(&["spill/incoming"], "", "renameat2", "EIO");
    check(&["tmp", "incoming", "spill/tmp"], "", "open,openat", "EIO");
}

/// Two transcripts, the second on a bad spot.
#[test]
fn a_transcript_that_cannot_be_read_is_told_of() {
    if !has_strace() {
        return;
    }
    for (call, error) in [("openat2", "EIO"), ("openat2", "EUCLEAN"), ("read", "EIO")] {
        let world = World::new();
        let line = |session: &str| {
            let message = r#""message":{"role":"user","content":"typed"}"#;
            format!("{{\"type\":\"user\",\"sessionId\":\"{session}\",\"uuid\":\"u-{session}\",{message}}}\n")
        };
        for session in ["a", "b"] {
            world.transcript(&format!("p/{session}.jsonl"), line(session).as_bytes());
        }
        let what = format!("{call} fails with {error}");
        let fault = format!("inject={call}:error={error}");
        // As it is named beneath the folder that is open, and as the open file is named.
        let strace =
            world.command("strace").args(["-f", "-qq", "-o", "/dev/null", "-e", &fault, "-P", "p/b.jsonl", "-P"]);
        let strace = strace.arg(world.projects_root().join("p/b.jsonl")).arg(harness::bin("ingest"));
        let done = strace.args(["once", "--json", "--projects"]).arg(world.projects_root()).run().code(75);
        let trouble = done.json()["trouble"].as_str().unwrap_or_default().to_owned();
        assert!(trouble.contains("p/b.jsonl"), "{what}: {done}");
        assert_eq!(done.json()["transcript_files"], 1, "{what}: {done}");
        let again = world.bin("ingest").args(["once", "--json", "--projects"]).arg(world.projects_root());
        let report = again.run().code(0).json();
        assert_eq!((&report["transcript_files"], &report["trouble"]), (&1.into(), &Value::Null), "{what}: {report}");
    }
}
