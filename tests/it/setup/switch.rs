//! From the settings' hooks to the plugin: refused where events would be lost, and what was set up with the hooks stays.

use std::fs;

use harness::World;

use super::{claude, config, setup};

fn settings(world: &World) -> String {
    fs::read_to_string(config(world).join("settings.json")).expect("settings")
}

/// Nobody has installed it yet when it is written.
#[test]
fn a_marketplace_is_no_place_to_switch_to() {
    let world = World::new();
    claude(&world, "2.1.330");
    let _ = setup(&world, &["hooks"]).succeed();
    let before = settings(&world);
    let done = setup(&world, &["plugin", "--out", "market", "--switch"]).run().code(1);
    assert!(done.err().contains("is not installed yet") && done.err().contains("setup hooks --remove"), "{done}");
    assert!(!world.root().join("market").exists() && settings(&world) == before, "{done}");
    // Written beside them it calls nothing, and it is said how one goes on.
    let done = setup(&world, &["plugin", "--out", "market"]).succeed();
    let last = done.out().lines().last().unwrap_or_default().to_owned();
    assert!(last.contains("prompt-manager setup hooks --remove") && settings(&world) == before, "{done}");
}

#[test]
fn a_plugin_that_is_off_takes_no_place() {
    for (off, why) in [
        ("{\"enabledPlugins\": {\"prompt-manager@skills-dir\": false}}", "turns the plugin off"),
        ("{\"disableAllHooks\": true}", "`disableAllHooks`"),
    ] {
        let world = World::new();
        claude(&world, "2.1.330");
        fs::create_dir(config(&world)).expect("a folder");
        fs::write(config(&world).join("settings.json"), off).expect("settings");
        let _ = setup(&world, &["hooks"]).succeed();
        let before = settings(&world);
        for words in [&["plugin", "--switch"][..], &["plugin", "--switch", "--dry-run"]] {
            let done = setup(&world, words).run().code(1);
            assert!(done.err().contains(why) && done.err().contains("settings.json"), "{done}");
        }
        assert!(settings(&world) == before && !config(&world).join("skills").exists(), "{}", world.tree());
    }
}

#[test]
fn a_client_too_old_for_it_keeps_the_hooks() {
    let world = World::new();
    claude(&world, "2.1.138");
    let _ = setup(&world, &["hooks"]).succeed();
    let before = settings(&world);
    let done = setup(&world, &["plugin", "--switch"]).run().code(1);
    assert!(done.err().contains("2.1.138") && done.err().contains("2.1.139"), "{done}");
    assert!(settings(&world) == before && !config(&world).join("skills").exists(), "{}", world.tree());
}

#[test]
fn rate_goes_along_and_is_never_lost_without_a_word() {
    let world = World::new();
    claude(&world, "2.1.330");
    let _ = setup(&world, &["hooks", "--rate"]).succeed();
    let rate = config(&world).join("skills/prompt-manager/commands/rate.md");
    let done = setup(&world, &["plugin", "--switch"]).succeed();
    assert!(done.out().contains("/rate was set up with the hooks: it is /prompt-manager:rate now"), "{done}");
    assert!(rate.exists());
    let _ = setup(&world, &["plugin", "--switch"]).succeed();
    assert!(rate.exists(), "switched again it stays");
    let said = "/prompt-manager:rate; with --rate it stays";
    let done = setup(&world, &["plugin", "--dry-run"]).succeed();
    assert!(done.out().contains(&format!("would take out {said}")) && rate.exists(), "{done}");
    let done = setup(&world, &["plugin"]).succeed();
    assert!(done.out().contains(&format!("taken out {said}")) && !rate.exists(), "{done}");
    let done = setup(&world, &["plugin"]).succeed();
    assert_eq!(done.out(), "nothing to do\n");
}
