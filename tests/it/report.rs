//! `report`: what a span of time came to, in each form, held to what the API says of it.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

use std::fs;
use std::os::unix::fs::PermissionsExt;

use harness::{Cmd, Done, World};
use serde_json::Value;

/// The days of the captured runs.
const DAYS: [&str; 4] = ["--since", "2026-11-20", "--until", "2026-11-23"];

fn report(world: &World, args: &[&str]) -> Cmd {
    world.bin("ingest").env("TZ", "UTC").arg("report").args(args)
}

fn json(world: &World, args: &[&str]) -> Value {
    report(world, args).args(["--format", "json"]).succeed().json()
}

/// The captured runs, and what somebody said of them.
fn told() -> World {
    let world = World::captured();
    let ids = |query: &[&str]| -> Vec<String> {
        let listed: Value = world.bin("query-api").args(["list", "--json"]).args(query).succeed().json();
        listed["items"].as_array().unwrap().iter().map(|item| item["id"].to_string()).collect()
    };
    let all = ids(&[]);
    for (id, rating, tag) in [(&all[0], "5", "sql"), (&all[1], "2", "sql"), (&all[2], "4", "keep")] {
        let _ = world.bin("query-api").args(["rate", id, rating, "--tag", tag]).succeed();
    }
    let _ = world.bin("query-api").args(["star", &all[3]]).succeed();
    world
}

/// Without what is of this machine and this moment.
fn steady(document: &str) -> &str {
    document.split_once("Health").unwrap().0
}

#[test]
fn a_report_to_read() {
    let world = told();
    let document = report(&world, &DAYS).succeed();
    insta::assert_snapshot!("markdown", steady(document.out()));
    let document = report(&world, &DAYS).args(["--format", "html", "--title", "A week"]).succeed();
    insta::assert_snapshot!("html", steady(document.out()));
}

/// The same figures as the API's, for the same time.
#[test]
fn the_figures_are_those_of_the_api() {
    let world = told();
    let server = world.serve();
    let check = |args: &[&str], query: &str| {
        let mut found = json(&world, args);
        let (status, expected) = server.get(&format!("/api/stats?tz=UTC&{query}"));
        assert_eq!(status, 200);
        found["figures"]["zone"] = "UTC".into();
        assert_eq!(found["figures"], expected, "{args:?}");
        let (now, total) = (&found["now"], &expected["total"]);
        for figure in ["conversations", "failed", "input_tokens", "cost_usd"] {
            assert_eq!(now[figure], total[figure], "{figure}: {args:?}");
        }
        let ended: u64 =
            ["complete", "interrupted", "failed_prompts", "open"].iter().map(|end| now[end].as_u64().unwrap()).sum();
        assert_eq!(ended, total["conversations"].as_u64().unwrap(), "{args:?}");
        ended
    };
    let all = check(&DAYS, "since=2026-11-20&until=2026-11-23");
    assert!(all > 10, "only {all}");
    assert_eq!(check(&["--since", "2026-01-01", "--until", "2026-01-31"], "since=2026-01-01&until=2026-01-31"), 0);
    let acme = [&DAYS[..], &["--project", "acme"]].concat();
    assert_eq!(check(&acme, "since=2026-11-20&until=2026-11-23&project=acme"), all);
    let other = [&DAYS[..], &["--project", "/home/dev/other"]].concat();
    assert_eq!(check(&other, "since=2026-11-20&until=2026-11-23&project=/home/dev/other"), 0);
}

#[test]
fn what_people_say_comes_first() {
    let world = told();
    let found = json(&world, &DAYS);
    let ratings = |part: &str| -> Vec<Value> {
        found[part].as_array().unwrap().iter().map(|item| item["rating"].clone()).collect()
    };
    assert_eq!(ratings("kept"), [5.into(), 4.into(), 2.into(), Value::Null]);
    assert_eq!(found["kept"][3]["star"], true);
    assert_eq!(found["projects"][0]["prompts"][0]["rating"], 5);
    assert_eq!(found["now"]["by_rating"], serde_json::json!([0, 1, 0, 1, 1]));
    assert_eq!((&found["tags"][0]["tag"], &found["tags"][0]["conversations"]), (&"sql".into(), &2.into()));
    assert!(found["failed"].as_array().unwrap().iter().all(|item| item["status"] != "complete"));
    assert!(!found["failed"].as_array().unwrap().is_empty());
    // The span before holds nothing, and the one after these days has them before it.
    assert_eq!(found["before"]["conversations"], 0);
    let after = json(&world, &["--since", "2026-11-24", "--until", "2026-11-27"]);
    assert_eq!(after["before"]["conversations"], found["now"]["conversations"]);
    assert_eq!(after["before"]["sessions"], found["now"]["sessions"]);
    let text = report(&world, &["--since", "2026-11-24", "--until", "2026-11-27"]).succeed();
    assert!(text.out().contains("Nothing was asked in this time."), "{text}");
}

/// Also of a project in whose folder lies another that was used later, and of one whose name holds a secret.
#[test]
fn every_project_has_its_own_prompts() {
    let world = World::new();
    let secret = "/dev/ghp_aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5";
    for (cwd, prompts) in [("/dev/acme", 20), ("/dev/acme/web", 13), (secret, 3)] {
        for n in 0..prompts {
            let payload = serde_json::json!({"session_id": format!("{cwd}{n}"), "cwd": cwd, "prompt": format!("p{n}"),
                                             "hook_event_name": "UserPromptSubmit"});
            world.hook("UserPromptSubmit", payload.to_string());
        }
    }
    world.ingest_once();
    let check = |redact: &str, third: &str| {
        let found: Value = report(&world, &["--format", "json"]).env("PROMPT_MANAGER_REDACT", redact).succeed().json();
        let told = found["projects"].as_array().unwrap().iter().map(|project| {
            let prompts = project["prompts"].as_array().unwrap();
            assert!(prompts.iter().all(|prompt| prompt["project"] == project["project"]), "{project}");
            (project["project"].as_str().unwrap(), prompts.len())
        });
        assert_eq!(told.collect::<Vec<_>>(), [("/dev/acme", 4), ("/dev/acme/web", 4), (third, 3)], "{redact}");
        let figures = found["figures"]["projects"].as_array().unwrap();
        assert!(figures.iter().any(|figure| figure["project"] == third), "{redact}: {figures:?}");
    };
    check("off", secret);
    check("display", "/dev/[REDACTED:github-token]");
}

fn check_refused(done: Done, code: i32, expected: &str) {
    let done = done.code(code);
    assert!(done.err().contains(expected) && done.err().lines().count() == 1, "{expected}\n{done}");
    assert!(done.stdout.is_empty(), "{done}");
}

#[test]
fn wrong_calls() {
    let world = World::new();
    let refused = |args: &[&str], code, expected| check_refused(report(&world, args).run(), code, expected);
    refused(&["--since", "yesterday"], 2, "write how long ago (7d, 12h)");
    refused(&["--since", "1d", "--until", "2d"], 2, "the span ends before it begins");
    refused(&["--since", "2026-11-02", "--until", "2026-11-01"], 2, "the span ends before it begins");
    refused(&["--format", "pdf"], 2, "invalid value 'pdf'");
    refused(&["--out", "/nowhere/x.html"], 1, "create /nowhere/x.html: ");
    let out = world.root().join("week.html");
    let path = out.to_str().unwrap();
    let _ = report(&world, &["--format", "html", "--out", path]).succeed().silent();
    assert_eq!(fs::metadata(&out).unwrap().permissions().mode() & 0o777, 0o600);
    refused(&["--out", path], 1, "it is there already; choose another --out, or --force to replace it");
    let _ = report(&world, &["--out", path, "--force"]).succeed().silent();
    assert!(fs::read_to_string(&out).unwrap().starts_with("# Prompts of "));
}

/// The clock of the zone is put back on 2026-10-25, which has 25 hours; and what is older than the calendar has a beginning.
#[test]
fn days_begin_at_midnight() {
    let world = told();
    let check = |args: &[&str], expected: &str| {
        let done = report(&world, args).env("TZ", "Europe/Berlin").succeed();
        assert!(done.out().contains(expected), "{expected}\n{done}");
    };
    let json = |since, until| -> [&str; 6] { ["--since", since, "--until", until, "--format", "json"] };
    check(&json("2026-10-26", "2026-10-26"), "\"since\": \"2026-10-24T22:00:00.000Z\"");
    check(&json("2026-10-25", "2026-10-25"), "\"since\": \"2026-10-23T22:00:00.000Z\"");
    check(&json("2026-03-30", "2026-03-30"), "\"since\": \"2026-03-28T23:00:00.000Z\"");
    check(&["--since", "99999999999d"], "From 1970-01-01 01:00 to ");
}

/// Nobody has to have captured anything, and nothing is made where it only looks.
#[test]
fn an_empty_store() {
    let world = World::new();
    let before = world.tree();
    for format in ["markdown", "html"] {
        let done = report(&world, &["--format", format]).succeed();
        assert!(done.out().contains("Nothing is stored yet"), "{done}");
    }
    let found = json(&world, &[]);
    assert!(found["figures"].is_null() && found["findings"].is_array() && found["title"].is_string(), "{found}");
    assert_eq!(world.tree(), before, "something was made");
    // A day whole, and a day that is not over.
    for (args, title) in [(["--since", "2026-11-02"], "2026-11-02 to "), (["--since", "1h"], "Prompts of ")] {
        assert!(json(&world, &args)["title"].as_str().unwrap().contains(title));
    }
    let day = json(&world, &["--since", "2026-11-02", "--until", "2026-11-02"]);
    assert_eq!(day["title"], "Prompts of 2026-11-02");
    assert_eq!(
        (day["since"].as_str(), day["until"].as_str()),
        (Some("2026-11-02T00:00:00.000Z"), Some("2026-11-03T00:00:00.000Z"))
    );
}

/// What a prompt holds comes through hook, store and report as a text.
#[test]
fn hostile_prompts() {
    let world = World::new();
    let prompts = ["</bdi><script>alert(1)</script>", "| a |\n# Head\n- item", "\u{1b}[31m\u{202e}x"];
    for (n, prompt) in prompts.iter().enumerate() {
        let payload = serde_json::json!({"session_id": format!("s{n}"), "cwd": "/p/<b>", "prompt": prompt,
                                         "hook_event_name": "UserPromptSubmit"});
        world.hook("UserPromptSubmit", payload.to_string());
        let stop =
            serde_json::json!({"session_id": format!("s{n}"), "cwd": "/p/<b>", "hook_event_name": "StopFailure"});
        world.hook("StopFailure", stop.to_string());
    }
    world.ingest_once();
    let html = report(&world, &["--format", "html"]).succeed();
    for kept_out in ["<script", "<b>", "\u{1b}", "\u{202e}"] {
        assert!(!html.out().contains(kept_out), "{kept_out:?}: {html}");
    }
    assert!(html.out().contains("&lt;/bdi&gt;&lt;script&gt;alert(1)&lt;/script&gt;"), "{html}");
    let markdown = report(&world, &[]).succeed();
    assert!(markdown.out().contains(r"\| a \| # Head - item"), "{markdown}");
    assert!(!markdown.out().lines().any(|line| line == "# Head" || line == "- item"), "{markdown}");
}
