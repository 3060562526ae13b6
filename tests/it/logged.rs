//! Another logger noted the same hook payloads that our hook captured. Imported before or after, in whatever writing, or from
//! another store, the log changes nothing of what is listed: each prompt is there once.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use harness::{SCENARIOS, Scenario, World};
use serde_json::Value;

/// How the logger writes payloads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Writing {
    /// As they came, a line each.
    Lines,
    /// An array, set out for people.
    Pretty,
    /// With the logger's own time, a moment after ours.
    Timed,
}

/// When the log comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    Before,
    After,
    /// In another store, which is then imported.
    FromAStore,
}

fn log(scenario: Scenario, writing: Writing) -> String {
    let entry = |hook: &harness::Hook| match writing {
        Writing::Lines => String::from_utf8(hook.payload.clone()).expect("text").trim().replace('\n', " "),
        Writing::Pretty => serde_json::to_string_pretty(&hook.json()).expect("JSON"),
        Writing::Timed => {
            let mut json = hook.json();
            json["logged_at"] = (hook.ns as f64 / 1e9 + 0.1).into();
            json.to_string()
        }
    };
    let entries: Vec<String> = scenario.hooks().iter().map(entry).collect();
    match writing {
        Writing::Pretty => format!("[{}]\n", entries.join(",\n")),
        _ => entries.join("\n") + "\n",
    }
}

/// What lists say, but for their order: a log without times has others.
fn listed(world: &World) -> Vec<String> {
    let items = world.serve().items(&[("kind", "all")]);
    let shown = |item: &Value| {
        ["session_id", "kind", "status", "prompt_text", "response_text"].map(|name| item[name].to_string()).join(" | ")
    };
    assert!(!items.is_empty() && items.iter().any(|item| item["prompt_text"].is_string()), "{items:#?}");
    let mut shown: Vec<_> = items.iter().map(shown).collect();
    shown.sort();
    shown
}

fn captured(scenario: Scenario, with_transcripts: bool) -> World {
    let world = World::new();
    world.feed(scenario);
    if with_transcripts {
        world.projects(scenario);
    }
    world
}

fn check(when: When) {
    for (scenario, with_transcripts) in SCENARIOS.into_iter().flat_map(|it| [(it, false), (it, true)]) {
        let captured = captured(scenario, with_transcripts);
        let alone = captured.copy();
        alone.ingest_once();
        let expected = listed(&alone);
        for writing in [Writing::Lines, Writing::Pretty, Writing::Timed] {
            for in_time in [false, true] {
                let world = captured.copy();
                taken_in(&world, &log_file(&world, scenario, writing, in_time), when);
                let named = (scenario.name(), writing, when);
                let what = format!("{named:?}, transcripts: {with_transcripts}, in time: {in_time}");
                assert_eq!(listed(&world), expected, "{what}");
            }
        }
    }
}

/// The log below `world`; in time, its file is as old as its last entry.
fn log_file(world: &World, scenario: Scenario, writing: Writing, in_time: bool) -> PathBuf {
    let path = world.root().join("logs/all.json");
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(&path, log(scenario, writing)).expect("a log");
    if let (true, Some(last)) = (in_time, scenario.hooks().last()) {
        let written = SystemTime::UNIX_EPOCH + Duration::from_nanos(last.ns);
        let file = fs::File::options().write(true).open(&path);
        file.and_then(|file| file.set_modified(written)).expect("a time");
    }
    path
}

/// What was captured and the log, in this order.
fn taken_in(world: &World, log: &Path, when: When) {
    let import = |world: &World, what: &Path| {
        let _ = world.bin("ingest").args(["import", "--quiet"]).arg(what).succeed();
    };
    match when {
        When::Before => {
            import(world, log);
            world.ingest_once();
        }
        When::After => {
            world.ingest_once();
            import(world, log);
        }
        When::FromAStore => {
            world.ingest_once();
            let other = World::new();
            import(&other, log);
            import(world, &other.data().database());
        }
    }
    world.ingest_once();
}

#[test]
fn a_log_after_the_hook_adds_nothing() {
    check(When::After);
}

#[test]
fn a_log_before_the_hook_adds_nothing() {
    check(When::Before);
}

#[test]
fn a_store_that_had_them_from_a_log_adds_nothing() {
    check(When::FromAStore);
}
