//! The story with the hooks in the person's own settings, as `ingest setup hooks --rate` puts them there.

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
    let _ = package.setup(&["hooks", "--rate"]);
    // What was installed from is gone from the first prompt on.
    package.delete();
    story::play(&claude, "/rate");
    record::no_error(&claude, "prompt-hook", &["UserPromptSubmit", "Stop", "SubagentStop", "PostToolUse"]);
    record::costs_little(&claude, "prompt-hook", &noop);
    story::tell(&world);

    let _ = install::remove(&world);
    assert_eq!(install::settings(&claude), before, "the settings are not what they were");
    install::nothing_is_left(&world);
    // Who works on notices nothing.
    let runs = record::runs(&claude).len();
    assert_eq!(claude.print("without any hook", &[]), "Answer to: without any hook");
    assert!(record::runs(&claude)[runs..].iter().all(|run| run.command.contains(&noop)));
    record::no_error(&claude, "prompt-hook", &[]);
}
