//! The story with our plugin, in the skills directory; and that the client takes it from a marketplace too.

use harness::{Claude, World};

use super::install::{self, Package};
use super::{API, record, story};

#[test]
fn the_story() {
    let world = World::new();
    let Some(claude) = Claude::find(&world, API) else { return };
    let noop = install::beside(&world, &claude);
    let before = install::settings(&claude);
    let package = Package::new(&world);
    let _ = package.setup(&["plugin", "--rate"]);
    package.delete();
    let plugin = claude.config().join("skills/prompt-manager");
    let _ = claude.command(["plugin", "validate", "--strict"]).arg(&plugin).succeed();
    story::play(&claude, "/prompt-manager:rate");
    record::no_error(&claude, "prompt-hook", &["UserPromptSubmit", "Stop", "SubagentStop", "PostToolUse"]);
    record::costs_little(&claude, "prompt-hook", &noop);
    story::tell(&world);

    let _ = install::remove(&world);
    assert_eq!(install::settings(&claude), before, "the settings are not what they were");
    install::nothing_is_left(&world);
}

#[test]
fn from_a_marketplace() {
    let world = World::new();
    let Some(claude) = Claude::find(&world, API) else { return };
    let (package, out) = (Package::new(&world), world.root().join("market place"));
    let done = package.setup(&["plugin", "--rate", "--out", &out.display().to_string()]);
    package.delete();
    let _ = claude.command(["plugin", "validate", "--strict"]).arg(&out).succeed();
    let _ = claude.command(["plugin", "validate", "--strict"]).arg(out.join("prompt-manager")).succeed();
    for line in lines(done.out()) {
        let script = format!("PATH=\"$HOME/.local/bin:$PATH\"; {line}");
        let _ = claude.shell(&script).succeed();
    }
    assert_eq!(claude.print("from a marketplace", &["--session-id", story::PRINTED]), "Answer to: from a marketplace");
    record::no_error(&claude, "prompt-hook", &["UserPromptSubmit", "Stop"]);
    let _ = world.bin("ingest").args(["once", "--json"]).succeed();
    let told = world.serve().session(story::PRINTED, "");
    assert_eq!(told.len(), 1, "{told:#?}");

    // What changes in the folder counts in the next session, without being installed again.
    let submits =
        || record::runs(&claude).into_iter().filter(|run| run.event == "UserPromptSubmit").collect::<Vec<_>>();
    assert!(submits().iter().all(|run| run.command.ends_with("--rate-plugin")), "{:?}", submits());
    let _ = world.bin("ingest").args(["setup", "plugin", "--out"]).arg(&out).succeed();
    assert_eq!(claude.print("once more", &[]), "Answer to: once more");
    assert!(submits().last().is_some_and(|run| !run.command.contains("--rate")), "{:?}", submits());

    let done = install::remove(&world);
    for line in lines(done.out()) {
        let script = format!("PATH=\"$HOME/.local/bin:$PATH\"; {line}");
        let _ = claude.shell(&script).succeed();
    }
    assert!(!out.exists(), "{}", world.tree());
    assert_eq!(claude.print("without the plugin", &[]), "Answer to: without the plugin");
    record::no_error(&claude, "prompt-hook", &[]);
}

/// The lines that a person is told to type.
fn lines(out: &str) -> impl Iterator<Item = &str> {
    out.lines().filter_map(|line| line.strip_prefix("  ")).filter(|line| line.contains("claude plugin"))
}
