//! All that we make is for its owner alone, whatever the umask: the database with its logs, the queue, the archive, backups, our own
//! logs and the token.

use std::fs;

use harness::{Cmd, World, bin, counted};

/// A program under a umask.
fn under(world: &World, umask: &str, program: &str) -> Cmd {
    let script = format!("umask {umask}; exec \"$0\" \"$@\"");
    world.command("sh").args(["-c", &script]).arg(bin(program))
}

/// Holds everything below to its mode; how many there were. Their names are added to `met`.
fn check(world: &World, umask: &str, met: &mut Vec<String>) -> usize {
    let found = world.command("find").arg(world.data().root()).args(["-printf", "%m %y %p\n"]).succeed();
    for line in found.out().lines() {
        let (mode, rest) = line.split_once(' ').expect("a mode");
        let right = if rest.starts_with("d ") { mode == "700" } else { ["600", "400"].contains(&mode) };
        assert!(right, "{line} under umask {umask}");
        met.push(rest.to_owned());
    }
    found.out().lines().count()
}

#[test]
fn everything_is_private_whatever_the_umask() {
    let mut seen = 0;
    for umask in ["000", "022", "077"] {
        let world = World::captured();
        let data = world.data().root().to_owned();
        fs::remove_dir_all(&data).expect("removed: it was made under another umask");
        let mut met = Vec::new();
        for payload in [r#"{"session_id":"s","hook_event_name":"UserPromptSubmit","prompt":"p"}"#, "no JSON"] {
            let _ = under(&world, umask, "prompt-hook").arg("Stop").stdin(payload).run().code(0);
        }
        seen += check(&world, umask, &mut met);
        let (projects, copy) = (world.projects_root(), data.join("backups/own.db"));
        let (projects, copy) = (projects.to_string_lossy(), copy.to_string_lossy());
        let calls: [&[&str]; 6] = [
            &["import", &projects],
            &["once"],
            &["backup", &copy],
            &["rebuild"],
            &["retry", "--all"],
            &["forget", "--conversation", "1"],
        ];
        for args in calls {
            let _ = under(&world, umask, "ingest").args(args).run().code(0);
            seen += check(&world, umask, &mut met);
        }
        let server = world.serve_by(under(&world, umask, "query-api").args(["serve", "--listen", "127.0.0.1:0"]));
        let (_, list) = server.get("/api/conversations");
        let first = &list["items"][0]["id"];
        let rated = server.client().json("PUT", &format!("/api/conversations/{first}/rating"), r#"{"rating":3}"#);
        assert!((200..300).contains(&rated.status), "{}", rated.text());
        seen += check(&world, umask, &mut met);
        for kind in ["-wal", "-shm", ".db", ".json", "token"] {
            assert!(met.iter().any(|name| name.contains(kind)), "no {kind} among {met:?}");
        }
        drop(server);
    }
    counted(seen, "files and folders under three umasks, all for their owner alone");
}
