//! The story with the hooks in the person's own settings.

use std::fs;
use std::process::Command;

use harness::{Claude, World, bin};
use serde_json::{Value, json};

use super::{API, record, story};

const EVENTS: [&str; 9] = [
    "SessionStart",
    "UserPromptSubmit",
    "Stop",
    "StopFailure",
    "SubagentStop",
    "PostToolUse",
    "PostToolUseFailure",
    "PreCompact",
    "SessionEnd",
];

#[test]
fn the_story() {
    let world = World::new();
    let Some(claude) = Claude::find(&world, API) else { return };
    let noop = beside(&world, &claude);
    by_hand(&world, &claude);
    story::play(&claude, "/rate");
    record::no_error(&claude, "prompt-hook", &["UserPromptSubmit", "Stop", "SubagentStop", "PostToolUse"]);
    let (ours, noop) = record::medians(&claude, "prompt-hook", &noop);
    assert!(ours <= noop * 3 / 2 + 1, "ours {ours} ms, a no-op {noop} ms");
    story::tell(&world);
}

/// Hooks a program that does nothing, linked statically, for every event beside ours: its path.
pub(super) fn beside(world: &World, claude: &Claude) -> String {
    let (source, program) = (world.root().join("noop.c"), world.root().join("noop"));
    fs::write(&source, "int main(void) { return 0; }\n").expect("a source file");
    let compiled = Command::new("cc").args(["-static", "-O2", "-o"]).arg(&program).arg(&source).status();
    assert!(compiled.expect("a C compiler").success(), "cc -static");
    let program = program.display().to_string();
    change(claude, |settings| {
        for event in EVENTS {
            let handler = json!({ "type": "command", "command": program, "args": [event], "timeout": 5 });
            settings["hooks"][event] = json!([{ "hooks": [handler] }]);
        }
    });
    program
}

fn by_hand(world: &World, claude: &Claude) {
    let data = world.data().root().display().to_string();
    change(claude, |settings| {
        for event in EVENTS {
            let mut args = vec![
                event.to_owned(),
                "--queue".into(),
                format!("{data}/queue"),
                "--spill".into(),
                format!("{data}-spill"),
            ];
            args.extend((event == "UserPromptSubmit").then(|| "--rate".to_owned()));
            let handler = json!({ "type": "command", "command": bin("prompt-hook"), "args": args, "timeout": 5 });
            settings["hooks"][event].as_array_mut().expect("a list of groups").push(json!({ "hooks": [handler] }));
        }
    });
    fs::create_dir_all(claude.config().join("commands")).expect("a folder");
    fs::write(
        claude.config().join("commands").join(concat!("rate", ".md")),
        "---\ndescription: Rate\nargument-hint: 0-5 [note]\ndisable-model-invocation: true\n---\nNothing was saved.\n",
    )
    .expect("a command");
}

fn change(claude: &Claude, by: impl FnOnce(&mut Value)) {
    let path = claude.config().join("settings.json");
    let mut settings: Value = serde_json::from_slice(&fs::read(&path).expect("the settings")).expect("JSON");
    by(&mut settings);
    fs::write(&path, format!("{settings:#}\n")).expect("the settings");
}
