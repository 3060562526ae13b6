//! Which client things are set up for, where it is not always found.

use std::fs;
use std::path::Path;

use harness::World;
use serde_json::Value;

use super::{claude, config, program, setup};

/// How many events call the hook, and whether one of them does so without a shell.
fn calls(path: &Path) -> (usize, bool) {
    let text = fs::read_to_string(path).expect("hooks");
    let hooks = serde_json::from_str::<Value>(&text).expect("JSON")["hooks"].clone();
    (hooks.as_object().expect("events").len(), text.contains("\"args\""))
}

/// Before 2.1.101 a client passes over a whole file that names an event which it does not know.
#[test]
fn a_client_that_was_found_old_stays_so_where_it_is_not_found() {
    for is_mute in [false, true] {
        let world = World::new();
        claude(&world, "2.0.30");
        let (settings, skill) =
            (config(&world).join("settings.json"), world.home().join("other/skills/prompt-manager"));
        let plugin = ["plugin", "--config-dir", "home/other"];
        let _ = setup(&world, &["hooks"]).succeed();
        let _ = setup(&world, &plugin).succeed();
        let before = fs::read_to_string(&settings).expect("settings");
        assert_eq!(calls(&settings), (8, false));
        assert_eq!(calls(&skill.join("hooks/hooks.json")), (8, false));
        let program_path = world.root().join("bin/claude");
        if is_mute {
            program(&program_path, "exit 1");
        } else {
            fs::remove_file(&program_path).expect("removed");
        }
        for words in [&["hooks"][..], &plugin, &["refresh"]] {
            assert_eq!(setup(&world, words).succeed().out(), "nothing to do\n", "{words:?}");
        }
        assert_eq!(fs::read_to_string(&settings).expect("settings"), before);
        let third = world.home().join("third");
        for part in ["hooks", "plugin"] {
            fs::create_dir_all(&third).expect("a folder");
            let done = setup(&world, &[part, "--config-dir"]).arg(third.join(part)).succeed();
            assert!(done.out().contains("2.0.30, as it was when it was last found"), "{done}");
            fs::remove_dir_all(&third).expect("removed");
        }
        // One that is found is believed.
        claude(&world, "2.1.330");
        let _ = setup(&world, &["hooks"]).succeed();
        assert_eq!(calls(&settings), (15, true));
    }
}
