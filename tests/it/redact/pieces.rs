//! With `redact = "ingest"` a secret is kept nowhere either where its file is no whole document: it is cut, it goes over the
//! pieces in which a file is read, it is still being written.

use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use harness::{Seed, World};
use serde_json::json;

use super::canaries::key;
use crate::forget::places;

/// Begins a transcript, so that it is known whose the rest is.
const MODE: &str = "{\"type\":\"mode\",\"mode\":\"plan\"}\n";
const SESSION: &str = "0914908d-acc8-48aa-98d6-77d558fb9590";

fn once(world: &World) -> serde_json::Value {
    let command = world.bin("ingest").args(["once", "--json"]).env("PROMPT_MANAGER_REDACT", "ingest");
    command.env("PROMPT_MANAGER_PROJECTS", world.projects_root()).succeed().json()
}

#[track_caller]
fn assert_nowhere(world: &World, words: &[String], when: &str) {
    for word in words {
        let found = places(world, word);
        assert!(found.is_empty(), "{when}: {found:#?}");
    }
}

/// A private key, and its lines.
fn private_key(seed: &mut Seed, lines: usize) -> (String, Vec<String>) {
    let body: Vec<_> = (0..lines).map(|_| (key(seed) + &key(seed))[8..72].replace('_', "+")).collect();
    (format!("-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----\n", body.join("\n")), body)
}

/// What cannot be taken in fails with its secrets hidden, and with every other byte.
#[test]
fn what_fails_keeps_no_secret() {
    let secret = key(&mut Seed::new(2));
    let payload =
        json!({"session_id": SESSION, "cwd": "/w", "prompt": format!("deploy with {secret} please")}).to_string();
    let check = |payload: Vec<u8>, class: &str| {
        let world = World::new();
        let name = format!("1795350951598014047-{SESSION}-UserPromptSubmit.json");
        world.data().create().expect("the queue");
        fs::write(world.data().incoming().join(&name), &payload).expect("a queue file");
        let command = world.bin("ingest").args(["once", "--json"]).env("PROMPT_MANAGER_REDACT", "ingest");
        let report = command.env("PROMPT_MANAGER_MAX_EVENT", "1MiB").succeed().json();
        assert_eq!(report["failed"], json!(1), "{report}");
        let failed = fs::read(world.data().failed().join(&name)).expect("the file");
        let hidden = memchr::memmem::find(&payload, secret.as_bytes()).expect("a secret");
        let mut expected = payload.clone();
        expected[hidden..hidden + secret.len()].fill(b'*');
        assert!(failed == expected, "{class}: {}", String::from_utf8_lossy(&failed[..payload.len().min(300)]));
        let note = fs::read_to_string(world.data().failed().join(name + ".reason.json")).expect("a note");
        assert!(note.contains(class), "{note}");
        assert_nowhere(&world, std::slice::from_ref(&secret), class);
    };
    let whole = payload.as_bytes();
    check(whole[..whole.len() - 3].to_vec(), "truncated");
    check([whole, b"{}"].concat(), "trailing_bytes");
    check([whole, b"\xff"].concat(), "not_utf8");
    check([b"\xff", whole].concat(), "not_utf8");
    check([b"no JSON ", whole].concat(), "not_json");
    let deep = [&b"{\"a\":"[..], &b"[".repeat(200), whole, &b"]".repeat(200), b"}"].concat();
    check(deep, "too_deep");
    let large = [&b"{\"pad\":\""[..], &b"x ".repeat(600_000), b"\",\"it\":", whole, b"}"].concat();
    check(large, "too_large");
}

/// A key stands at every place at which a tool's output is cut, and the output grows.
#[test]
fn an_output_is_looked_through_as_a_whole() {
    let mut seed = Seed::new(5);
    for mib in [1, 2] {
        let world = World::new();
        world.transcript(&format!("-w/{SESSION}.jsonl"), MODE.as_bytes());
        let (secret, words) = private_key(&mut seed, 50);
        let pad = "a line of a log that goes on\n".repeat((mib << 20) / 29);
        let text = format!("{}{secret}end\n", &pad[..(mib << 20) - secret.len() / 2]);
        let file = format!("-w/{SESSION}/tool-results/big.txt");
        world.transcript(&file, text.as_bytes());
        assert_eq!(once(&world)["transcript_bytes"].as_u64(), Some((text.len() + MODE.len()) as u64));
        assert_nowhere(&world, &words, "over a border of what is read at once");
    }
    let world = World::new();
    world.transcript(&format!("-w/{SESSION}.jsonl"), MODE.as_bytes());
    let (secret, words) = private_key(&mut seed, 20);
    let text = format!("one\n{secret}end\n");
    let path = world.projects_root().join(format!("-w/{SESSION}/tool-results/out.txt"));
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    for size in [700, text.len()] {
        fs::write(&path, &text[..size]).expect("an output");
        let _ = once(&world);
        assert_nowhere(&world, &words, "while it grows");
    }
    let written = File::options().write(true).open(&path).expect("the output");
    written.set_modified(SystemTime::now() - Duration::from_secs(3600)).expect("an older time");
    assert_eq!(once(&world)["transcript_bytes"].as_u64(), Some(text.len() as u64));
    assert_nowhere(&world, &words, "when it stands still");
}

/// A line stands half written while the machine sleeps, and is ended then.
#[test]
fn half_a_line_waits_for_its_end() {
    let secret = key(&mut Seed::new(7));
    let line = |uuid: &str, text: &str| {
        let message = json!({"role": "user", "content": text});
        format!("{}\n", json!({"type": "user", "uuid": uuid, "sessionId": SESSION, "message": message}))
    };
    let first = line("u1", "hi");
    let whole = first.clone() + &line("u2", &format!("deploy with {secret} please"));
    let at = whole.find(&secret).expect("the secret") + 24;
    let world = World::new();
    let file = format!("-w/{SESSION}.jsonl");
    world.transcript(&file, &whole.as_bytes()[..at]);
    assert_eq!(once(&world)["transcript_bytes"].as_u64(), Some(first.len() as u64));
    assert_nowhere(&world, &[secret[..24].to_owned()], "half written");
    world.transcript(&file, whole.as_bytes());
    assert_eq!(once(&world)["transcript_bytes"].as_u64(), Some((whole.len() - first.len()) as u64));
    assert_nowhere(&world, &[secret[..24].to_owned(), secret[24..].to_owned()], "ended");
}

/// Behind a damaged record a line goes on, and what that says is known again whatever rules there are.
#[test]
fn what_stands_behind_a_damaged_record_keeps_its_ids() {
    let line = format!(
        r#"{{"parentUuid":null,"type":"user","uuid":"0914908d-acc8-48aa-98d6-000000000001","sessionId":"{SESSION}","cwd":"/w","timestamp":"2026-03-20T10:00:00Z","message":{{"role":"user","content":"asked once"}}}}"#
    );
    for damaged in
        [format!("{{\"type\":\"assistant\",\"te{line}"), format!("\0\0\0{line}"), line.replace("/w", "/\u{1}w")]
    {
        let damaged: Vec<u8> = damaged.bytes().map(|byte| if byte == 1 { 0xff } else { byte }).collect();
        let world = World::new();
        let config = world.root().join("config/prompt-manager/config.toml");
        fs::create_dir_all(config.parent().expect("a folder")).expect("a folder");
        // It was rewritten, and read again under other settings.
        for (first, redact) in [("", "off"), (MODE, "ingest")] {
            let rule = "[[redact_rules]]\nid = 'id'\npattern = '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}'\n";
            fs::write(&config, format!("redact = '{redact}'\n{rule}")).expect("settings");
            let file = [first.as_bytes(), &damaged, b"\n"].concat();
            world.transcript(&format!("-w/{SESSION}.jsonl"), &file);
            let _ = world.ingest_once();
        }
        assert_eq!(harness::rows::all(world.data()).len(), 1, "{}", String::from_utf8_lossy(&damaged));
    }
}
