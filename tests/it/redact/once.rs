//! Each prompt is there once, whatever was hidden when each of its witnesses came: hooks, lines, what was typed, backups, other
//! stores, in any order, each under other settings.

use std::fs;
use std::path::PathBuf;

use harness::{Cmd, Seed, Told, World};
use serde_json::json;
use store::sieve::{is_masked, same_text};

use super::canaries::key;
use harness::rows;

const AT_MS: u64 = 1_795_100_000_000;
/// Sequences of steps that are tried.
const SEQUENCES: u64 = 8;
const STEPS: usize = 14;

/// What config.toml says, one of them at each step.
const SETTINGS: [&str; 5] = [
    "redact = 'off'",
    "redact = 'display'",
    "redact = 'ingest'",
    "redact = 'ingest'\n[[redact_rules]]\nid = 'ticket'\npattern = 'ACME-[0-9]{4}'",
    "redact = 'ingest'\nredact_allow = ['ghp_']",
];

/// A step.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// The next hook event comes.
    Hook,
    /// A queue file comes that came before: who took it in had died.
    Again,
    /// The transcript grows.
    Grow,
    /// The transcript was rewritten, and is shorter now.
    Cut,
    /// More was typed.
    Typed,
    /// The next hook event is too large, and put back when it is none.
    Retry,
    Backup,
    ImportBackup,
    /// Another machine saw it all and hid nothing.
    ImportOther,
    /// The backup takes the database's place; then the command that this advises.
    Restore,
    Rebuild,
    /// The database is gone: it is made anew from the archive.
    Recover,
}

const ALL: [Step; 12] = [
    Step::Hook,
    Step::Again,
    Step::Grow,
    Step::Cut,
    Step::Typed,
    Step::Retry,
    Step::Backup,
    Step::ImportBackup,
    Step::ImportOther,
    Step::Restore,
    Step::Rebuild,
    Step::Recover,
];

/// What was asked.
fn prompts(seed: &mut Seed) -> Vec<String> {
    let lines: String = (0..6).map(|_| format!("{0}{0}\n", &key(seed)[4..])).collect();
    vec![
        format!("deploy with {} please", key(seed)),
        format!("deploy with {} please", key(seed)), // the same with another token
        format!("sign it with\n-----BEGIN RSA PRIVATE KEY-----\n{lines}-----END RSA PRIVATE KEY-----\nand tell me"),
        key(seed),
        "look at ACME-1234 and at ACME-7777".to_owned(),
        "nothing to hide".to_owned(),
    ]
}

struct Stage {
    world: World,
    other: World,
    prompts: Vec<String>,
    told: Told,
    lines: usize,
    hooks: usize,
    typed: usize,
}

impl Stage {
    fn new(seed: &mut Seed) -> Self {
        let prompts = prompts(seed);
        let mut told = Told::begin(seed.number(), "/home/dev/work", AT_MS);
        for prompt in &prompts {
            told.now_ms += 60_000;
            told.prompt(prompt);
            told.bash("cat .env", &format!("TOKEN={}", key(seed)), false);
            told.answers(&format!("done, by {}", prompt.lines().last().unwrap_or_default()));
        }
        let mut stage = Self { world: World::new(), other: World::new(), prompts, told, lines: 0, hooks: 0, typed: 0 };
        stage.transcript(&stage.other, usize::MAX);
        for number in 0..stage.told.events.len() {
            stage.queue(&stage.other, number);
        }
        let _ = stage.other.ingest_once();
        stage.world.data().create().expect("the queue");
        stage.lines = 0;
        stage
    }

    fn settings(&self, text: &str) {
        let path = self.world.root().join("config/prompt-manager/config.toml");
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("settings");
    }

    fn ingest(&self, args: &[&str]) -> Cmd {
        self.world.bin("ingest").args(args).env("PROMPT_MANAGER_PROJECTS", self.world.projects_root())
    }

    fn once(&self) {
        let report = self.ingest(&["once", "--json"]).succeed().json();
        assert!(report["trouble"].is_null(), "{report}");
    }

    /// The file of the hook event of this number comes into the queue.
    fn queue(&self, world: &World, number: usize) {
        let (ns, event, payload) = &self.told.events[number];
        world.data().create().expect("the queue");
        let name = format!("{ns:019}-{}-{event}.json", self.told.id);
        fs::write(world.data().incoming().join(name), payload.to_string()).expect("a queue file");
    }

    fn transcript(&self, world: &World, lines: usize) {
        let (path, bytes) = self.told.files().swap_remove(0);
        let bytes: Vec<u8> = bytes.split_inclusive(|byte| *byte == b'\n').take(lines).flatten().copied().collect();
        world.transcript(path.to_str().expect("UTF-8"), &bytes);
    }

    fn history(&self) {
        let submits = self.told.events.iter().filter(|(_, event, _)| event == "UserPromptSubmit");
        let line = |(ns, _, payload): &(u64, String, serde_json::Value)| {
            let (display, at) = (&payload["prompt"], ns / 1_000_000);
            format!("{}\n", json!({"display": display, "timestamp": at, "project": "/p", "sessionId": self.told.id}))
        };
        let text: String = submits.take(self.typed).map(line).collect();
        let path = self.world.projects_root().parent().expect("a folder").join("history.jsonl");
        fs::create_dir_all(self.world.projects_root()).expect("a folder");
        fs::write(path, text).expect("history.jsonl");
    }

    fn backup(&self) -> PathBuf {
        self.world.root().join("backup.db")
    }

    fn take(&mut self, step: Step, seed: &mut Seed) {
        let is_new = !self.world.data().database().exists();
        match step {
            Step::Hook if self.hooks < self.told.events.len() => {
                self.queue(&self.world, self.hooks);
                self.hooks += 1;
            }
            Step::Again if self.hooks > 0 => self.queue(&self.world, seed.below(self.hooks)),
            Step::Grow => {
                self.lines += 1 + seed.below(8);
                self.transcript(&self.world, self.lines);
            }
            Step::Cut if self.lines > 1 => {
                self.lines -= 1 + seed.below(self.lines - 1);
                self.transcript(&self.world, self.lines);
            }
            Step::Typed => {
                self.typed += 1;
                self.history();
            }
            Step::Retry if self.hooks < self.told.events.len() => {
                self.queue(&self.world, self.hooks);
                self.hooks += 1;
                let _ = self.ingest(&["once", "--json"]).env("PROMPT_MANAGER_MAX_EVENT", "16").succeed();
                let _ = self.ingest(&["retry", "--all"]).succeed();
            }
            _ if is_new => {}
            Step::Backup => {
                let _ = fs::remove_file(self.backup());
                let _ = self.ingest(&["backup"]).arg(self.backup()).succeed();
            }
            Step::ImportBackup if self.backup().exists() => {
                let _ = self.ingest(&["import", "--quiet"]).arg(self.backup()).succeed();
            }
            Step::ImportOther => {
                let _ = self.ingest(&["import", "--quiet"]).arg(self.other.data().database()).succeed();
            }
            Step::Restore if self.backup().exists() => {
                let done = self.ingest(&["restore", "--force"]).arg(self.backup()).succeed();
                let aside = done.out().split_once("prompt-manager import ").expect("an advice").1;
                let _ = self.ingest(&["import", "--quiet"]).arg(aside.trim()).succeed();
            }
            Step::Rebuild => drop(self.ingest(&["rebuild"]).succeed()),
            Step::Recover => {
                fs::remove_file(self.world.data().database()).expect("the database");
                let _ = self.ingest(&["recover", "--json"]).run();
            }
            _ => {}
        }
        self.once();
    }

    /// Prompts are there at most once, or each of them once.
    fn check(&self, all_of_them: bool, when: &str) {
        let rows = rows::all(self.world.data());
        let mut shown: Vec<_> =
            rows.iter().map(|row| row.turn.prompt_text.as_deref().unwrap_or("no prompt").to_owned()).collect();
        shown.sort_by_key(|text| is_masked(text)); // of two prompts that differ by a token the one that is shown is known
        let mut left: Vec<&String> = self.prompts.iter().collect();
        for text in &shown {
            let at = left.iter().position(|prompt| same_text(prompt, text));
            left.remove(at.unwrap_or_else(|| panic!("{when}: {text:?} is there again, in {shown:#?}")));
        }
        assert!(!all_of_them || left.is_empty(), "{when}: {left:#?} are missing");
    }
}

#[test]
fn each_prompt_is_there_once() {
    for number in 0..SEQUENCES {
        let mut seed = Seed::new(number);
        let mut stage = Stage::new(&mut seed);
        let mut taken = Vec::new();
        for _ in 0..STEPS {
            let (step, settings) = (ALL[seed.below(ALL.len())], SETTINGS[seed.below(SETTINGS.len())]);
            taken.push((step, settings));
            stage.settings(settings);
            stage.take(step, &mut seed);
            stage.check(false, &format!("sequence {number}, after {taken:#?}"));
        }
        for step in [Step::Hook, Step::Grow] {
            let settings = SETTINGS[seed.below(SETTINGS.len())];
            taken.push((step, settings));
            stage.settings(settings);
            while stage.hooks < stage.told.events.len() {
                stage.queue(&stage.world, stage.hooks);
                stage.hooks += 1;
            }
            stage.lines = if matches!(step, Step::Grow) { usize::MAX } else { stage.lines };
            stage.transcript(&stage.world, stage.lines);
            stage.once();
        }
        stage.check(true, &format!("sequence {number}, after {taken:#?} and all the rest"));
    }
}

/// A rating is one row of each kind, made of what the hook filed: of its name, for its bytes differ by what is hidden. Here the
/// database is lost and made anew from the archive under another setting; then a backup is taken in that hides nothing.
#[test]
fn a_rating_that_is_masked_here_and_not_in_a_backup_is_said_once() {
    let world = World::new();
    let note = format!("works with {}", key(&mut Seed::new(29)));
    let ingest = |redact: &str| world.bin("ingest").env("PROMPT_MANAGER_REDACT", redact);
    for (at_ms, prompt) in [(AT_MS, "look around"), (AT_MS + 60_000, &*format!("/rate 5 {note} #kept"))] {
        let payload = json!({"session_id": "s-29", "hook_event_name": "UserPromptSubmit", "prompt": prompt});
        let hook = world.bin("prompt-hook").args(["UserPromptSubmit", "--rate"]);
        let hook = hook.env("PROMPT_MANAGER_CLOCK_NS", (at_ms * 1_000_000).to_string());
        let _ = hook.stdin(payload.to_string()).run().code(0);
    }
    let _ = ingest("off").arg("once").succeed();
    let backup = world.root().join("plain.db");
    let _ = ingest("off").arg("backup").arg(&backup).succeed();

    let check = |hidden: bool, when: &str| {
        let export = ingest("off").arg("export").succeed();
        let one = export.out().lines().find(|line| line.contains("look around")).expect("the prompt").to_owned();
        let one: serde_json::Value = serde_json::from_str(&one).expect("JSON");
        let said = |list: &str| one[list].as_array().expect("a list").clone();
        let (ratings, tags, notes) = (said("ratings"), said("tags"), said("notes"));
        assert_eq!((ratings.len(), tags.len(), notes.len()), (1, 1, 1), "{when}: {one:#}");
        let shown = notes[0]["note"].as_str().expect("a note");
        assert_eq!((is_masked(shown), same_text(shown, &note)), (hidden, true), "{when}: {shown}");
    };
    check(false, "at first");
    fs::remove_file(world.data().database()).expect("the database");
    fs::remove_dir_all(world.data().backups()).expect("backups");
    let _ = ingest("ingest").args(["recover", "--json"]).run();
    let _ = ingest("ingest").arg("once").succeed();
    check(true, "made anew");
    let _ = ingest("ingest").args(["import", "--quiet"]).arg(&backup).succeed();
    let _ = ingest("ingest").arg("once").succeed();
    check(true, "after a backup was taken in");
    let _ = ingest("ingest").args(["import", "--quiet"]).arg(&backup).succeed();
    check(true, "after it was taken in again");
}
