//! What `doctor` says of what was set up: nothing while all is well, else what to do, and that doing it helps.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use harness::World;
use serde_json::{Value, json};

use super::{config, program, setup};

/// The codes of what is wrong on Claude Code's side.
fn codes(world: &World) -> Vec<String> {
    let report = world.bin("ingest").args(["doctor", "--json"]).run().json();
    let found = report["findings"].as_array().into_iter().flatten();
    let codes = found.filter_map(|finding| finding["code"].as_str()).filter(|code| code.starts_with("hook"));
    codes.map(str::to_owned).collect()
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
}

/// Plants a fault in what was set up, and does what is said about it.
fn check(expected: &[&str], fault: impl FnOnce(&World), mend: impl FnOnce(&World)) {
    let world = World::new();
    let _ = setup(&world, &["hooks"]).succeed();
    let _ = world.ingest_once();
    assert_eq!(codes(&world), [""; 0]);
    fault(&world);
    assert_eq!(codes(&world), expected);
    mend(&world);
    assert_eq!(codes(&world), [""; 0], "after {expected:?}");
}

#[test]
fn faults_and_what_helps() {
    let copy = |world: &World| world.root().join("state/prompt-manager/bin/prompt-hook");
    let settings = |world: &World| config(world).join("settings.json");
    let run = |words: &'static [&str]| move |world: &World| drop(setup(world, words).succeed());
    let (hooks, refresh) = (run(&["hooks"]), run(&["refresh"]));
    check(&["hook_program"], |world| fs::remove_file(copy(world)).expect("removed"), hooks);
    check(&["hook_program"], |world| fs::remove_file(copy(world)).expect("removed"), refresh);
    check(&["hook_old"], |world| program(&copy(world), "exit 0"), refresh);
    check(&["hook_open"], |world| mode(&copy(world), 0o777), refresh);
    check(
        &["hook_open"],
        |world| mode(copy(world).parent().expect("a folder"), 0o777),
        |world| {
            let done = setup(world, &["refresh"]).run().code(1);
            assert!(done.err().contains("others may write to it (mode 0777); run: chmod go-w"), "{done}");
            mode(copy(world).parent().expect("a folder"), 0o755);
        },
    );
    check(
        &["hook_forgotten"],
        |world| fs::write(settings(world), "{}").expect("settings"),
        |world| {
            let _ = setup(world, &["hooks", "--remove"]).succeed();
            assert_eq!(codes(world), ["hook_not_called"], "nothing is on record any more");
            let _ = setup(world, &["hooks"]).succeed();
        },
    );
    check(&["hook_forgotten"], |world| fs::remove_file(settings(world)).expect("settings"), hooks);
    let change = |world: &World, change: &dyn Fn(&mut Value)| {
        let mut value = serde_json::from_slice(&fs::read(settings(world)).expect("settings")).expect("JSON");
        change(&mut value);
        fs::write(settings(world), value.to_string()).expect("settings");
    };
    check(
        &["hook_events_missing"],
        |world| change(world, &|value| drop(value["hooks"].as_object_mut().and_then(|hooks| hooks.remove("Stop")))),
        hooks,
    );
    check(
        &["hook_doubled"],
        |world| change(world, &|value| value["enabledPlugins"] = json!({"prompt-manager@own": true})),
        |world| change(world, &|value| value["enabledPlugins"] = json!({"prompt-manager@own": false})),
    );
}

/// What an old client does not know is not missing, and every configuration is looked at.
#[test]
fn every_configuration_as_its_client_knows_it() {
    let world = World::new();
    super::claude(&world, "1.0.90");
    let other = world.home().join("other");
    for folder in [&config(&world), &other] {
        let _ = setup(&world, &["hooks", "--config-dir"]).arg(folder).succeed();
    }
    let _ = world.ingest_once();
    assert_eq!(codes(&world), [""; 0]);
    fs::write(other.join("settings.json"), "{}").expect("settings");
    assert_eq!(codes(&world), ["hook_forgotten"]);
}

#[test]
fn faults_of_the_plugin() {
    for out in [None, Some("market")] {
        let world = World::new();
        let place = out.map(|out| world.root().join(out).display().to_string());
        let mut words = vec!["plugin"];
        words.extend(place.iter().flat_map(|place| ["--out", place]));
        let _ = setup(&world, &words).succeed();
        let _ = world.ingest_once();
        assert_eq!(codes(&world), [""; 0]);
        let plugin = match &place {
            Some(place) => Path::new(place).join("prompt-manager"),
            None => config(&world).join("skills/prompt-manager"),
        };
        let refreshed = |fault: &str| {
            assert_eq!(codes(&world), [fault], "{place:?}");
            let _ = setup(&world, &["refresh"]).succeed();
            assert_eq!(codes(&world), [""; 0], "after {fault}, {place:?}");
        };
        fs::remove_file(plugin.join("bin/prompt-hook")).expect("removed");
        refreshed("hook_program");
        let hooks = plugin.join("hooks/hooks.json");
        let text = fs::read_to_string(&hooks).expect("the plugin's hooks");
        fs::write(&hooks, text.replace("data/queue", "other/queue")).expect("written");
        refreshed("hook_elsewhere");
        fs::write(&hooks, "{}").expect("written");
        refreshed("hook_forgotten");
    }
}
