//! What people may type: `last`, folders and tags as they see them; and how it looks in a terminal of their width.

use harness::World;
use serde_json::Value;

use super::{ask, ids};

/// What Claude Code tells when a prompt is typed.
fn asked(session: &str, prompt: &str, cwd: &str) -> String {
    let payload = serde_json::json!({"session_id": session, "hook_event_name": "UserPromptSubmit", "prompt": prompt,
        "cwd": cwd, "transcript_path": "", "permission_mode": "default"});
    payload.to_string()
}

/// The ids of conversations and of their sessions, the newest first.
fn newest(world: &World) -> Vec<(i64, String)> {
    let list = ask(world, &["list", "--json", "--limit", "100"]).code(0).json();
    let pair = |item: &Value| Some((item["id"].as_i64()?, item["user_session_id"].as_str()?.to_owned()));
    list["items"].as_array().expect("items").iter().filter_map(pair).collect()
}

#[test]
fn last_is_the_newest_wherever_an_id_is_taken() {
    let world = World::captured();
    for prompt in ["the first of two", "the second of two"] {
        world.hook("UserPromptSubmit", asked("a session of two", prompt, "/tmp"));
    }
    world.ingest_once();
    let (last, session) = newest(&world)[0].clone();
    let _ = ask(&world, &["title", "last", "The newest"]).code(0);
    let listed = ids(&ask(&world, &["list", "--session", "last", "--limit", "100"]).code(0));
    assert_eq!(listed, ids(&ask(&world, &["list", "--session", &session, "--limit", "100"]).code(0)));
    assert_eq!(listed[0], last);
    assert!(listed.len() > 1, "it cannot be split: {listed:?}");
    let titled = ask(&world, &["sessions", "newest"]).code(0);
    assert!(titled.out().contains(&session) && titled.out().contains("The newest"), "{titled}");

    let _ = ask(&world, &["split", "last", "--at", "last"]).code(0);
    let (again, own) = newest(&world)[0].clone();
    assert_eq!(again, last);
    assert_ne!(own, session);
    assert_eq!(ids(&ask(&world, &["list", "--session", "last"]).code(0)), [last]);
    let _ = ask(&world, &["merge", &session, "last"]).code(0);
    let _ = ask(&world, &["undo", "last"]).code(0);
    let _ = ask(&world, &["undo", "last"]).code(0);
    assert_eq!(newest(&world)[0], (last, session));
}

/// The ids of an exported table.
fn ids_of_csv(done: &harness::Done) -> Vec<i64> {
    done.out().lines().skip(1).filter_map(|line| line.split(',').next()?.parse().ok()).collect()
}

#[test]
fn filters_are_taken_as_they_are_typed() {
    let world = World::captured();
    let _ = ask(&world, &["tag", "12", "keep"]).code(0);
    for tag in ["keep", "#keep", "#KEEP"] {
        assert_eq!(ids(&ask(&world, &["list", "--tag", tag]).code(0)), [12], "{tag}");
        assert_eq!(
            ids_of_csv(&world.bin("ingest").args(["export", "--format", "csv", "--tag", tag]).succeed()),
            [12],
            "{tag}"
        );
    }
    let everywhere = ids(&ask(&world, &["list", "hello", "--limit", "100"]).code(0));
    let prompts = ids(&ask(&world, &["list", "hello", "--in", "prompt", "--limit", "100"]).code(0));
    assert!(prompts.len() < everywhere.len(), "{prompts:?} {everywhere:?}");
    // A folder by its path, from where one stands, and through a link: it is the folder that Claude Code was told of.
    let real = world.root().join("real/place");
    std::fs::create_dir_all(&real).expect("a folder");
    std::os::unix::fs::symlink(world.root().join("real"), world.root().join("link")).expect("a link");
    let cwd = std::fs::canonicalize(&real).expect("a path");
    world.hook("UserPromptSubmit", asked("here", "standing here", &cwd.display().to_string()));
    world.ingest_once();
    let here = newest(&world)[0].0;
    for (from, typed) in [
        ("real", "place"),
        ("real/place", "."),
        ("real", "./place/"),
        ("link", "place/../place"),
        (".", "link/place"),
        (".", "link"),
    ] {
        let typed = if typed.contains('/') || typed == "." { typed.to_owned() } else { format!("./{typed}") };
        let script = format!("cd {} && exec \"$0\" list --project {typed}", world.root().join(from).display());
        let done = world.command("sh").args(["-c", &script]).arg(harness::bin("query-api")).succeed();
        assert_eq!(ids(&done), [here], "{typed} from {from}\n{done}");
        let script = script.replace("list --project", "export --format csv --project");
        let done = world.command("sh").args(["-c", &script]).arg(harness::bin("ingest")).succeed();
        assert_eq!(ids_of_csv(&done), [here], "{typed} from {from}\n{done}");
    }
    // A folder that only the store remembers keeps the path that was typed.
    std::fs::remove_dir_all(world.root().join("real")).expect("a folder");
    let done = ask(&world, &["list", "--project", &cwd.display().to_string()]).code(0);
    assert_eq!(ids(&done), [here], "{done}");
}

/// What was found is marked also where there is no colour, and a terminal gets lines of its width.
#[test]
fn the_place_of_a_match_is_seen() {
    let world = World::captured();
    let piped = ask(&world, &["search", "hello"]).code(0);
    assert!(piped.out().contains("**hello**"), "{piped}");
    let line = |columns: u16, args: &str| {
        let line = format!("stty cols {columns} rows 40; {} {args}", harness::bin("query-api").display());
        let command = world.command("script").args(["-q", "-e", "-c", &line, "/dev/null"]);
        command.env("TERM", "xterm-256color").succeed().out().replace('\r', "")
    };
    let long = format!("{} needle {}", "some words before it".repeat(30), "and some behind it ".repeat(30));
    world.hook("UserPromptSubmit", asked("long", &long, "/tmp"));
    world.ingest_once();
    let project = world.root().join("serverless-plugins").display().to_string();
    world.hook("UserPromptSubmit", asked("of another project", "a prompt of it", &project));
    world.ingest_once();
    for columns in [40, 80, 120] {
        let listed = line(columns, "list");
        assert!(listed.contains("a prompt of it"), "{listed}");
        for row in terminal_rows(&listed) {
            assert!(row.chars().count() <= usize::from(columns), "wider than {columns}: {row:?}");
        }
        let seen = line(columns, "search needle");
        assert!(seen.contains("needle") && seen.contains('\u{1b}'), "{seen}");
        for row in terminal_rows(&seen) {
            assert!(row.chars().count() <= usize::from(columns), "wider than {columns}: {row:?}");
        }
        assert!(
            terminal_rows(&seen).iter().any(|row| row.trim_start().starts_with("prompt:") && row.contains("needle")),
            "{seen}"
        );
    }
}

/// Lines without colours.
fn terminal_rows(seen: &str) -> Vec<String> {
    let mut plain = String::new();
    let mut rest = seen;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        rest = after.split_once(|sign: char| sign.is_ascii_alphabetic()).map_or("", |(_, after)| after);
    }
    plain.push_str(rest);
    plain.lines().map(str::to_owned).collect()
}
