//! What `doctor` says of the hook: of Claude Code's settings, which lead to it or not, and of runs that left no event.

use std::fs;

use harness::{World, bin};
use serde_json::{Value, json};

use super::{check, files, settings};

#[test]
fn faults_of_the_hook() {
    let check = |what: &str, expected: &[&str], change: &dyn Fn(&mut Value)| {
        super::check(what, expected, |world| settings(world, change));
    };
    check("no hook for an answer", &["hook_events_missing"], &|settings| {
        settings["hooks"].as_object_mut().unwrap().remove("Stop");
    });
    check("all off", &["hooks_disabled"], &|settings| settings["disableAllHooks"] = true.into());
    check("off by a variable", &["hooks_disabled"], &|settings| {
        settings["env"] = json!({"PROMPT_MANAGER_DISABLE": "1"});
    });
    check("program gone", &["hook_program"], &|settings| {
        settings["hooks"]["Stop"][0]["hooks"][0]["command"] = "/nowhere/prompt-hook".into();
    });
    check("another queue", &["hook_elsewhere"], &|settings| {
        settings["hooks"]["Stop"][0]["hooks"][0]["args"] = json!(["Stop", "--queue", "/elsewhere/queue"]);
    });
    check("another spill", &["hook_spill_elsewhere"], &|settings| {
        settings["hooks"]["Stop"][0]["hooks"][0]["args"] = json!(["Stop", "--spill", "/elsewhere/spill"]);
    });
    // As a shell reads it: variables it knows are put in, and of others nothing is concluded.
    let shell = |queue: &str| {
        let command = format!("{} Stop --queue {queue}", bin("prompt-hook").display());
        move |settings: &mut Value| {
            settings["hooks"]["Stop"][0]["hooks"][0] = json!({"type": "command", "command": command});
        }
    };
    check("a variable that is not set", &[], &shell("\"$NOT_SET_ANYWHERE/queue\""));
    check("home", &["hook_elsewhere"], &shell("$HOME/elsewhere"));
    check("home in short", &["hook_elsewhere"], &shell("~/elsewhere"));
    check("not our hook", &["hook_events_missing"], &|settings| {
        settings["hooks"]["Stop"][0]["hooks"][0] = json!({"type": "command", "command": "echo /nowhere/prompt-hook"});
    });
    super::check("settings", &["hook_settings"], |world| {
        fs::write(world.home().join(".claude/settings.json"), "{ // a comment").unwrap();
    });
    for (what, put) in [("settings a folder", "mkdir"), ("settings a pipe", "mkfifo")] {
        super::check(what, &["hook_settings"], |world| {
            let path = world.home().join(".claude/settings.json");
            fs::remove_file(&path).unwrap();
            let _ = world.command(put).arg(&path).succeed();
        });
    }
}

/// Adds a line as Claude Code writes it at the end of a turn, with changes, and takes it in.
fn tell(world: &World, change: &dyn Fn(&mut Value)) {
    let mut transcripts =
        files(&world.projects_root()).into_iter().filter(|path| path.extension().is_some_and(|end| end == "jsonl"));
    let (path, text, line) = transcripts
        .find_map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            let line = text.lines().find(|line| line.contains("stop_hook_summary"))?.to_owned();
            Some((path, text, line))
        })
        .unwrap();
    let mut line: Value = serde_json::from_str(&line).unwrap();
    line["uuid"] = "00000000-0000-4000-8000-000000000001".into();
    line["timestamp"] = "2026-11-24T10:00:00.000Z".into();
    change(&mut line);
    fs::write(&path, format!("{text}{line}\n")).unwrap();
    let _ = world.ingest_once();
}

#[test]
fn runs_of_the_hook_that_left_nothing() {
    check("no event", &["hooks_lost"], |world| tell(world, &|_| {}));
    check("not our hook", &[], |world| tell(world, &|line| line["hookInfos"] = json!([{"command": "other"}])));
    check("ended", &["hook_failed"], |world| {
        tell(world, &|line| {
            line["type"] = "attachment".into();
            line["attachment"] = json!({"type": "hook_cancelled", "command": "/x/prompt-hook Stop"});
        });
    });
    check("one id twice", &["uuid_doubled"], |world| {
        tell(world, &|line| {
            line["uuid"] = line["parentUuid"].clone();
            line["hookInfos"] = json!([]);
        });
    });
}
