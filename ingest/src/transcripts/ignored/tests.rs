//! Whose a session is, by its transcript and by its events.

use std::collections::BTreeSet;
use std::fs;

use super::super::find::below;
use super::*;

const NOW: i64 = 4_000_000_000_000;
const SESSION: &str = "0914908d-acc8-48aa-98d6-77d558fb9590";
const OTHER: &str = "1914908d-acc8-48aa-98d6-77d558fb9590";

struct Stage {
    home: tempfile::TempDir,
    ignored: Ignored,
}

impl Stage {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let ignore = Ignore::new(["/private", "session=19*"], None).unwrap();
        let ignored = Ignored { ignore, roots: vec![home.path().to_owned()], ..Ignored::default() };
        Self { home, ignored }
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.home.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn check(&mut self, path: &str, now_ms: i64, expected: Fate) {
        let root = self.home.path().to_owned();
        let found = below(&root, &BTreeSet::from([root.join(path)]));
        assert_eq!(self.ignored.file(&root, &found[path], now_ms).unwrap(), expected, "{path}");
    }
}

fn line(cwd: &str) -> String {
    format!("{{\"type\":\"user\",\"cwd\":\"{cwd}\"}}\n")
}

#[test]
fn a_file_is_where_it_began() {
    let mut stage = Stage::new();
    let queued = "{\"type\":\"queue-operation\",\"content\":\"x\"}\n";
    for (path, text, expected) in [
        (format!("-a/{SESSION}.jsonl"), line("/private/x") + &line("/open"), Fate::Ignored),
        (format!("-b/{SESSION}.jsonl"), line("/open") + &line("/private"), Fate::Taken),
        (format!("-c/{SESSION}.jsonl"), queued.to_owned() + &line("/private"), Fate::Ignored),
        (format!("-private/{SESSION}.jsonl"), line("/open"), Fate::Taken),
        (format!("-d/{OTHER}.jsonl"), line("/open"), Fate::Ignored),
        ("-d/renamed.jsonl".into(), format!("{{\"sessionId\":\"{OTHER}\",\"cwd\":\"/open\"}}\n"), Fate::Ignored),
        ("-d/agent-1.jsonl".into(), line("/private"), Fate::Ignored),
    ] {
        stage.write(&path, &text);
        stage.check(&path, NOW, expected);
    }
}

#[test]
fn what_lies_in_a_sessions_folder_is_the_sessions() {
    let mut stage = Stage::new();
    for (project, cwd, expected) in [("-a", "/private", Fate::Ignored), ("-b", "/open", Fate::Taken)] {
        stage.write(&format!("{project}/{SESSION}.jsonl"), &line(cwd));
        for (file, text) in [
            ("subagents/agent-1.jsonl", line("/elsewhere")),
            ("subagents/agent-1.meta.json", "{}".to_owned()),
            ("tool-results/x.txt", "x".to_owned()),
        ] {
            let path = format!("{project}/{SESSION}/{file}");
            stage.write(&path, &text);
            stage.check(&path, NOW, expected);
        }
    }
    // The transcript is gone: of another session the subagent's tells of it and of what describes it, and nothing of a tool's output.
    for (file, text, expected) in [
        ("subagents/agent-1.jsonl", line("/private"), Fate::Ignored),
        ("subagents/agent-1.meta.json", "{}".to_owned(), Fate::Ignored),
        ("tool-results/x.txt", "x".to_owned(), Fate::Waits),
    ] {
        let path = format!("-private-c/gone/{file}");
        stage.write(&path, &text);
        stage.check(&path, NOW, expected);
    }
}

#[test]
fn a_file_that_does_not_tell_yet_waits() {
    let mut stage = Stage::new();
    let path = format!("-a/{SESSION}.jsonl");
    let queued = "{\"type\":\"queue-operation\",\"content\":\"x\"}\n";
    stage.write(&path, queued);
    let file = fs::File::options().write(true).open(stage.home.path().join(&path)).unwrap();
    file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_millis(NOW as u64 - 1000)).unwrap();
    stage.check(&path, NOW, Fate::Waits);
    stage.check(&path, NOW + PATIENCE_MS, Fate::Taken);
    assert_eq!(stage.ignored.event(Some(SESSION), Some("/private")).unwrap(), Fate::Ignored);
    stage.check(&path, NOW, Fate::Ignored);
    // The transcript knows better.
    stage.write(&path, &(queued.to_owned() + &line("/open")));
    stage.check(&path, NOW, Fate::Taken);
}

/// What was asked once is not asked again, unless another file has the name.
#[test]
fn an_ignored_file_is_opened_once() {
    let mut stage = Stage::new();
    let path = format!("-a/{SESSION}.jsonl");
    stage.write(&path, &line("/private"));
    stage.check(&path, NOW, Fate::Ignored);
    // Over itself, so that whoever opened it would see it.
    stage.write(&path, &line("/open"));
    stage.check(&path, NOW, Fate::Ignored);
    stage.write("-a/new", &line("/open"));
    fs::rename(stage.home.path().join("-a/new"), stage.home.path().join(&path)).unwrap();
    stage.check(&path, NOW, Fate::Taken);
}

#[test]
fn events() {
    let mut stage = Stage::new();
    stage.write(&format!("-a/{SESSION}.jsonl"), &line("/private"));
    stage.write("-b/open.jsonl", &line("/open"));
    for (session, cwd, expected) in [
        // Its transcript tells, wherever it has gone.
        (Some(SESSION), Some("/open"), Fate::Ignored),
        (Some(SESSION), None, Fate::Ignored),
        (Some("open"), Some("/open"), Fate::Taken),
        (Some("open"), Some("/private/x"), Fate::Ignored),
        (Some("open"), None, Fate::Taken),
        // Nothing but its first event tells.
        (Some("first"), Some("/private"), Fate::Ignored),
        (Some("first"), Some("/open"), Fate::Ignored),
        (Some("second"), Some("/open"), Fate::Taken),
        (Some("second"), Some("/private"), Fate::Ignored),
        (Some("second"), None, Fate::Taken),
        (Some("mute"), None, Fate::Waits),
        (Some("mute"), Some("/private"), Fate::Ignored),
        (Some(OTHER), Some("/open"), Fate::Ignored),
        (None, Some("/private"), Fate::Ignored),
        (None, Some("/open"), Fate::Taken),
        (None, None, Fate::Taken),
    ] {
        assert_eq!(stage.ignored.event(session, cwd).unwrap(), expected, "{session:?} {cwd:?}");
    }
}
