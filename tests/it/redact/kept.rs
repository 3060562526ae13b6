//! With `redact = "ingest"` a secret is kept nowhere, whichever way it comes, and nothing else changes for it.

use harness::{Cmd, Seed, Told, World};
use serde_json::json;

use crate::forget::places;
use harness::rows;

const AT_MS: u64 = 1_795_100_000_000;

fn ingest(world: &World, args: &[&str]) -> Cmd {
    let command = world.bin("ingest").args(args).env("PROMPT_MANAGER_REDACT", "ingest");
    command.env("PROMPT_MANAGER_PROJECTS", world.projects_root())
}

/// A session that tells a secret wherever one can stand, and a second turn that comes later.
fn told(secret: &str, turns: usize) -> Told {
    let mut told = Told::begin(11, "/home/dev/work", AT_MS);
    told.prompt(&format!("deploy with {secret} please"));
    told.bash("cat .env", &format!("TOKEN={secret}\nOTHER=1"), false);
    told.answers(&format!("used {secret}, done"));
    let session = told.id.clone();
    told.raw(&json!({"type": "last-prompt", "lastPrompt": format!("deploy with {secret}"), "sessionId": session}));
    if turns > 1 {
        told.prompt("and once more");
        told.answers("done again");
    }
    told
}

fn place(world: &World, told: &Told) {
    for (path, bytes) in told.files() {
        world.transcript(path.to_str().expect("UTF-8"), &bytes);
    }
}

#[test]
fn a_secret_is_kept_nowhere() {
    let secret = super::canaries::key(&mut Seed::new(3));
    let (world, one) = (World::new(), told(&secret, 1));
    let hooks = |told: &Told| {
        for (ns, event, payload) in &told.events {
            let hook = world.bin("prompt-hook").arg(event).env("PROMPT_MANAGER_CLOCK_NS", ns.to_string());
            let _ = hook.stdin(payload.to_string()).run().code(0).silent();
        }
    };
    place(&world, &one);
    hooks(&one);
    let history = world.projects_root().parent().expect("a folder").join("history.jsonl");
    let typed = json!({"display": format!("deploy with {secret} please"), "timestamp": AT_MS, "project": "/p", "sessionId": one.id});
    std::fs::write(history, format!("{typed}\n")).expect("history.jsonl");
    let once = || ingest(&world, &["once", "--json"]).succeed().json();
    let first = once();
    assert!(first["stored"].as_u64() >= Some(3), "{first}");
    let check = |when: &str, prompts: usize| {
        let found = places(&world, &secret);
        assert!(found.is_empty(), "{when}: {found:#?}");
        let rows = rows::all(world.data());
        assert_eq!(rows.len(), prompts, "{when}");
        let text = rows.last().and_then(|row| row.turn.prompt_text.clone()).expect("a prompt");
        assert_eq!(text, format!("deploy with {} please", "*".repeat(secret.len())), "{when}");
    };
    check("after a pass", 1);

    // The same again is the same: the sweep takes nothing in, the hooks' files are known.
    hooks(&one);
    let again = once();
    assert_eq!((&again["stored"], &again["transcript_bytes"]), (&json!(0), &json!(0)), "{again}");
    assert_eq!(again["replayed"], first["stored"], "{again}");
    check("after the same again", 1);
    // The file goes on behind what was hidden.
    let two = told(&secret, 2);
    place(&world, &two);
    let grown = once();
    let (before, after) = (one.files()[0].1.len(), two.files()[0].1.len());
    assert_eq!(grown["transcript_bytes"], json!(after - before), "{grown}");
    check("after it grew", 2);
    let _ = ingest(&world, &["rebuild", "--index"]).succeed();
    check("after a rebuild", 2);
    let _ = ingest(&world, &["import", "--quiet"]).succeed();
    check("after an import", 2);
    // The archive holds what the database does, so a database that is made from it is no other.
    std::fs::remove_file(world.data().database()).expect("the database");
    let _ = ingest(&world, &["recover", "--json"]).run();
    check("after a recovery", 2);

    // Another machine's database, which holds it plainly.
    let there = World::new();
    place(&there, &told(&secret, 1));
    let _ = there.ingest_once();
    let here = World::new();
    let _ = ingest(&here, &["import", "--quiet"]).arg(there.data().database()).succeed();
    let found = places(&here, &secret);
    assert!(found.is_empty() && rows::all(here.data()).len() == 1, "{found:#?}");
}
