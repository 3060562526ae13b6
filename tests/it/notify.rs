//! A person hears of it when things begin to go wrong, and when they go well again; once for each.

use std::fs;
use std::path::PathBuf;

use harness::{Cmd, World};

/// A world whose settings run a command that writes down what it hears.
struct Told {
    world: World,
}

impl Told {
    fn new() -> Self {
        let world = World::new();
        let told = Self { world };
        told.set(&format!(
            "notify = 'echo \"$PROMPT_MANAGER_NOTIFY_STATE $PROMPT_MANAGER_NOTIFY_CODE $1\" >> {}'",
            told.path("heard").display()
        ));
        told
    }

    fn path(&self, name: &str) -> PathBuf {
        self.world.root().join(name)
    }

    fn set(&self, text: &str) {
        fs::create_dir_all(self.path("config/prompt-manager")).expect("a directory");
        fs::write(self.path("config/prompt-manager/config.toml"), text).expect("config.toml");
    }

    fn ingest(&self, args: &[&str]) -> Cmd {
        self.world.bin("ingest").args(args)
    }

    fn heard(&self) -> Vec<String> {
        fs::read_to_string(self.path("heard")).unwrap_or_default().lines().map(str::to_owned).collect()
    }

    /// As if so many minutes had gone by since what was seen last began.
    fn age(&self, minutes: i64) {
        let path = self.world.data().run().join("notify.json");
        let mut memory: serde_json::Value = serde_json::from_slice(&fs::read(&path).expect("a memory")).expect("JSON");
        for key in ["since_ms", "last_ms"] {
            memory[key] = (memory[key].as_i64().expect("a time") - minutes * 60_000).into();
        }
        fs::write(&path, memory.to_string()).expect("the memory");
    }
}

#[test]
fn it_is_told_once_and_taken_back_once() {
    let told = Told::new();
    let _ = told.ingest(&["once"]).succeed();
    assert_eq!(told.heard(), [""; 0]);
    // A prompt of a person, which is in no word that is told.
    told.world.hook("UserPromptSubmit", r#"{"session_id":"s","prompt":"xyzzy-secret"}"#);
    // With no room left by the settings, nothing is taken in.
    for _ in 0..3 {
        let _ = told.ingest(&["once"]).env("PROMPT_MANAGER_MIN_SPACE", "8000000GiB").run().code(75);
    }
    let heard = told.heard();
    assert!(heard.len() == 1 && heard[0].starts_with("failing trouble Prompt Manager: "), "{heard:?}");
    assert!(!heard[0].contains("xyzzy"), "{heard:?}");

    // Well again: ten minutes later that is told.
    let _ = told.ingest(&["once"]).succeed();
    told.age(9);
    let _ = told.ingest(&["once"]).succeed();
    assert_eq!(told.heard(), heard);
    told.age(2);
    let _ = told.ingest(&["once"]).succeed();
    let _ = told.ingest(&["once"]).succeed();
    let heard = told.heard();
    assert!(heard.len() == 2 && heard[1].starts_with("recovered recovered Prompt Manager: "), "{heard:?}");
}

/// As under our units: who is confined leaves a note, and who is not tells it.
#[test]
fn what_is_left_to_another_is_told_by_it() {
    let told = Told::new();
    let _ = told.ingest(&["once", "--leave-notify"]).env("PROMPT_MANAGER_MIN_SPACE", "8000000GiB").run().code(75);
    let note = told.world.data().run().join("notify.wanted");
    assert!(note.exists() && told.heard().is_empty());
    let _ = told.ingest(&["notify"]).env("PROMPT_MANAGER_MIN_SPACE", "8000000GiB").succeed();
    assert!(!note.exists() && told.heard().len() == 1, "{:?}", told.heard());
    // Its unit fails in the same trouble: that is no news.
    let home = told.world.data().root().display().to_string();
    let _ = told.ingest(&["notify", "--home", &home, "--failed", "prompt-manager"]).succeed();
    assert_eq!(told.heard().len(), 1);
}

/// The settings may be why a service was given up, and the data directory too.
#[test]
fn a_service_that_was_given_up_is_told_whatever_is_wrong() {
    let told = Told::new();
    let home = told.world.data().root().display().to_string();
    let config = fs::read_to_string(told.path("config/prompt-manager/config.toml")).expect("config.toml");
    told.set(&format!("evry = 1\n{config}\n"));
    let _ = told.ingest(&["run"]).run().code(78);
    let fail = |name: &str| told.ingest(&["notify", "--home", &home, "--failed", name]).succeed();
    let _ = fail("prompt-manager");
    let heard = told.heard();
    assert!(
        heard.len() == 1 && heard[0].contains("prompt-manager has failed") && heard[0].contains("queue"),
        "{heard:?}"
    );
    // The API knows no trouble but its own.
    let _ = fail("prompt-manager-api");
    let heard = told.heard();
    assert!(heard.len() == 2 && heard[1].contains("prompt-manager-api has failed"), "{heard:?}");
    assert!(!heard[1].contains("queue"), "{heard:?}");
}

#[test]
fn a_loop_that_cannot_go_on_says_so() {
    let told = Told::new();
    let _ = told.ingest(&["once"]).succeed();
    let database = told.world.data().database();
    fs::write(&database, vec![b'x'; 65_536]).expect("a damaged database");
    let done = told.ingest(&["run"]).run();
    assert!(!done.status.success(), "{done}");
    assert_eq!(told.heard().len(), 1, "{done}");
}

#[test]
fn whatever_the_command_does_the_pass_is_done() {
    let told = Told::new();
    told.set("notify = ['/nonexistent/program']");
    let done = told.ingest(&["once"]).env("PROMPT_MANAGER_MIN_SPACE", "8000000GiB").run().code(75);
    assert!(done.err().contains("notify: failed to run /nonexistent/program"), "{done}");
    let _ = told.ingest(&["once"]).succeed();
}

#[test]
fn a_person_tries_it() {
    let told = Told::new();
    let _ = told.ingest(&["notify", "--test"]).succeed();
    let heard = told.heard();
    assert!(heard.len() == 1 && heard[0].starts_with("test test "), "{heard:?}");
    told.set("notify = ['sh', '-c', 'echo no such address >&2; exit 7', 'x']");
    let done = told.ingest(&["notify", "--test"]).run().code(1);
    assert!(done.err().contains("no such address") && done.err().contains("run sh: exit status: 7"), "{done}");
    told.set("");
    let done = told.ingest(&["notify", "--test"]).run().code(2);
    assert!(done.err().contains("`notify` is not set"), "{done}");
    let _ = told.ingest(&["notify"]).succeed().silent();
}
