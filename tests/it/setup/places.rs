//! Where things are put: the copy of the hook goes with the record and not with a variable, and a project's settings are known by
//! whatever way leads to them.

use std::fs;
use std::os::unix::fs::symlink;

use harness::World;

use super::{config, program, setup};

/// What is renewed and taken out is the file that the settings call, wherever a variable points by now.
#[test]
fn the_copy_stays_known_when_the_state_directory_moves() {
    let world = World::new();
    let (usual, chosen) = (world.root().join("state"), world.root().join("chosen"));
    let copy = chosen.join("prompt-manager/bin/prompt-hook");
    let _ = setup(&world, &["hooks"]).env("XDG_STATE_HOME", &chosen).succeed();
    let settings = fs::read_to_string(config(&world).join("settings.json")).expect("settings");
    assert!(settings.contains(&copy.display().to_string()), "{settings}");

    let newer = world.root().join("newer/prompt-hook");
    program(&newer, "cat >/dev/null # newer");
    let done = setup(&world, &["refresh", "--hook"]).arg(&newer).succeed();
    assert_eq!(done.out(), format!("renewed {}\n", copy.display()));
    assert!(fs::read_to_string(&copy).expect("the copy").contains("newer") && !usual.exists(), "{}", world.tree());

    // Without a record of it, what the entries call tells.
    let record = fs::read_to_string(world.data().setup()).expect("a record");
    let mut record: serde_json::Value = serde_json::from_str(&record).expect("JSON");
    record.as_object_mut().expect("an object").remove("copies").expect("it is on record");
    fs::write(world.data().setup(), record.to_string()).expect("a record");
    program(&newer, "cat >/dev/null # newest");
    let _ = setup(&world, &["refresh", "--hook"]).arg(&newer).succeed();
    assert!(fs::read_to_string(&copy).expect("the copy").contains("newest") && !usual.exists(), "{}", world.tree());

    let kept = setup(&world, &["hooks", "--remove"]).succeed();
    assert!(kept.out().contains(&format!("kept {}", copy.display())), "{kept}");
    let done = setup(&world, &["remove"]).succeed();
    assert!(done.out().contains(&format!("taken out {}\n", copy.display())), "{done}");
    assert!(world.names(&chosen).is_empty() && !world.data().setup().exists(), "{}", world.tree());
}

/// What a person may delete with the data is no place for what is called at each prompt.
#[test]
fn a_state_directory_that_leads_into_the_data_is_refused() {
    let world = World::new();
    fs::create_dir(world.data().root().join("state")).expect("a folder");
    symlink(world.data().root().join("state"), world.root().join("link")).expect("a link");
    let done = setup(&world, &["hooks"]).env("XDG_STATE_HOME", world.root().join("link")).run().code(1);
    assert!(done.err().contains("would lie in the data directory"), "{done}");
    assert!(world.names(&world.data().root().join("state")).is_empty() && !config(&world).exists());
}

/// A project's settings stay alone, whatever way leads to them; a repository of a person's own settings is no project.
#[test]
fn a_project_is_known_by_whatever_path() {
    let world = World::new();
    let project = world.home().join("work");
    fs::create_dir_all(project.join(".git")).expect("a folder");
    fs::create_dir_all(project.join(".claude/x")).expect("a folder");
    fs::create_dir_all(project.join("sub")).expect("a folder");
    for path in
        [".claude/x/..", ".claude/no/..", ".claude/.", "sub/../.claude", ".claude/./x/../", ".claude/x/../../.claude"]
    {
        let done = setup(&world, &["hooks", "--config-dir"]).arg(project.join(path)).run().code(1);
        assert!(done.err().contains("these are a project's settings"), "{path}: {done}");
        let done = setup(&world, &["hooks"]).env("CLAUDE_CONFIG_DIR", project.join(path)).run().code(1);
        assert!(done.err().contains("these are a project's settings"), "{path}: {done}");
    }
    assert_eq!(world.names(&project.join(".claude")), ["x"]);
    let dotfiles = world.home().join("dotfiles");
    fs::create_dir_all(dotfiles.join(".git")).expect("a folder");
    fs::create_dir_all(dotfiles.join("claude")).expect("a folder");
    symlink(dotfiles.join("claude"), config(&world)).expect("a link");
    let _ = setup(&world, &["hooks"]).succeed();
    assert!(dotfiles.join("claude/settings.json").exists());
}

/// A user may have several data directories; the hooks of one are nothing that another takes out.
#[test]
fn hooks_that_write_to_another_data_directory_stay() {
    let world = World::new();
    let other = world.root().join("other");
    let settings = config(&world).join("settings.json");
    let text = || fs::read_to_string(&settings).unwrap_or_default();
    let of_other = |words: &[&str]| setup(&world, words).arg("--home").arg(&other).succeed();
    let _ = of_other(&["hooks", "--rate"]);
    let before = text();
    assert!(before.contains(&other.join("queue").display().to_string()), "{before}");
    let how = format!("setup hooks --remove --home {}", other.display());
    for words in [&["remove"][..], &["hooks", "--remove"], &["remove", "-n"], &["hooks", "--remove", "-n"]] {
        let done = setup(&world, words).succeed();
        assert!(done.out().contains("kept the hooks in") && done.out().contains(&how), "{done}");
        assert_eq!(text(), before, "{done}");
        assert!(config(&world).join("commands/rate.md").exists(), "{done}");
    }
    // With ours in its place, and after the other came again, the record of either tells of what the other wrote.
    let _ = setup(&world, &["hooks"]).succeed();
    let _ = of_other(&["hooks", "--rate"]);
    let with_other = text();
    let _ = setup(&world, &["remove"]).succeed();
    assert_eq!(text(), with_other);
    let done = of_other(&["remove"]);
    assert!(!text().contains("prompt-hook") && !done.out().contains("kept"), "{done}\n{}", text());
}
