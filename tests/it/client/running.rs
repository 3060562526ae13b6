//! What a session notices that runs while hooks and plugin come and go: each from some prompt on, the doubles of both, and no error;
//! and each prompt is there once, whoever called.

use std::cell::RefCell;

use harness::{Claude, Terminal, World};

use super::install::{self, Package};
use super::{API, record};

/// So many prompts a session may need to notice a change: it looks at its settings now and then.
const PROMPTS: usize = 40;

/// Which of our copies were called for a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Called {
    by_settings: bool,
    by_plugin: bool,
}

struct Session<'s> {
    claude: &'s Claude<'s>,
    terminal: Terminal<'s>,
    said: RefCell<Vec<String>>,
}

impl Session<'_> {
    /// Types prompts until one was answered with these called for its submit, and not others.
    fn until(&self, what: &str, expected: Called) {
        let mut found = Vec::new();
        for _ in 0..PROMPTS {
            let before = record::runs(self.claude).len();
            let prompt = format!("{what} {}", self.said.borrow().len());
            self.terminal.say(&prompt);
            self.terminal.shows(&format!("● Answer to: {prompt}"));
            self.said.borrow_mut().push(prompt);
            let runs = record::runs(self.claude).split_off(before);
            let by = |copy: &str| runs.iter().any(|run| run.event == "UserPromptSubmit" && run.command.contains(copy));
            let called =
                Called { by_settings: by("state/prompt-manager/bin"), by_plugin: by("skills/prompt-manager/bin") };
            if called == expected {
                self.ended(before, called);
                return;
            }
            found.push(called);
        }
        panic!("{what}: never {expected:?} but {found:?}");
    }

    /// Waits until the end of the prompt was told to each copy that was called for its begin: the answer is on the screen
    /// before, and a copy that is taken away in between could not be started.
    fn ended(&self, before: usize, called: Called) {
        let copies = usize::from(called.by_settings) + usize::from(called.by_plugin);
        let stops = || record::runs(self.claude).split_off(before).iter().filter(|run| run.event == "Stop").count();
        let _ = self.terminal.wait("end of the Stop hooks", |_| stops() >= copies);
    }

    fn reload(&self) {
        self.terminal.say("/reload-plugins");
        // The line of what was loaded comes below the command; the next prompt waits for it.
        self.terminal.wait("an empty composer", |screen| screen.composer().is_some_and(|text| text.is_empty()));
    }
}

#[test]
fn a_session_that_runs() {
    let world = World::new();
    let Some(claude) = Claude::find(&world, API) else { return };
    let package = Package::new(&world);
    let id = "55555555-5555-4555-8555-555555555555";
    let terminal = claude.open(&["--session-id", id]);
    let session = Session { claude: &claude, terminal, said: RefCell::default() };
    let none = Called { by_settings: false, by_plugin: false };
    session.until("before", none);
    let _ = package.setup(&["plugin"]);
    session.reload();
    session.until("with the plugin", Called { by_plugin: true, ..none });
    let done = package.setup(&["hooks"]);
    assert!(done.out().contains("calls the hook too"), "{done}");
    session.until("with both", Called { by_settings: true, by_plugin: true });
    let _ = package.setup(&["plugin", "--switch"]);
    session.until("with the plugin again", Called { by_plugin: true, ..none });
    let _ = install::remove(&world);
    session.reload();
    session.until("after", none);
    let said = session.said.take();
    session.terminal.exit();

    record::no_error(&claude, "prompt-hook", &["UserPromptSubmit", "Stop"]);
    let _ = world.bin("ingest").args(["once", "--json"]).succeed();
    world.assert_drained();
    let told = world.serve().session(id, "all");
    let prompts: Vec<_> = told.iter().filter(|it| it.kind == "human").filter_map(|it| it.prompt.clone()).collect();
    assert_eq!(prompts, said, "{told:#?}");
}
