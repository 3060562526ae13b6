//! The sample, which `ops/up` shows to whoever has no sessions yet: nothing else gets into its store, and where something did,
//! nothing deletes it.

use std::fs;

use serde_json::Value;

use super::{Installed, copy_projects};

/// A shell in which the sample was said to be the data directory.
fn in_the_shell_of_the_sample(installed: &Installed) -> impl Fn(&[&str]) -> harness::Cmd + '_ {
    let demo = installed.home(".local/share/prompt-manager-demo");
    move |words| {
        let names = ["XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "PROMPT_MANAGER_PROJECTS"];
        let command = names.iter().fold(installed.command(words), |command, name| command.env_remove(name));
        command.env("PROMPT_MANAGER_HOME", &demo)
    }
}

#[test]
fn nothing_yet_shows_the_sample_beside_the_own_store() {
    let installed = Installed::new();
    let done = installed.up();
    assert!(done.out().contains("sample session"), "{done}");
    let shown = installed.try_line(done.out()).json();
    assert_eq!(shown["items"].as_array().map(Vec::len), Some(5), "{shown}");
    // Each is let in at its own server, wherever that listens.
    let demo = installed.home(".local/share/prompt-manager-demo");
    for (home, other) in [(installed.data(""), &demo), (demo.clone(), &installed.data(""))] {
        let url = fs::read_to_string(home.join("run/api.url")).expect("where it listens");
        let port = url.trim_end().rsplit(':').next().expect("a port");
        let link = installed.command(&["open", "--print"]).env("PROMPT_MANAGER_HOME", &home).succeed();
        assert!(link.out().starts_with(&format!("http://prompt-manager.localhost:{port}/open?once=")), "{link}");
        assert_ne!(fs::read_to_string(other.join("run/api.url")).expect("where it listens"), url);
    }
    // A person's own store has none of it.
    let database = installed.data("database/prompts.db");
    assert!(database.exists() && installed.home(".local/share/prompt-manager-demo/database/prompts.db").exists());
    let own = installed.command(&["once", "--json"]).succeed();
    assert_eq!(installed.world.names(&installed.data("queue/archive")), [""; 0], "{own}");
    assert_eq!(installed.running(), ["ingest", "query-api", "query-api"]);

    // Again: the same, on new processes, and the sample is not fed a second time.
    let again = installed.up();
    assert!(again.out().contains("was already running"), "{again}");
    assert_eq!(installed.try_line(again.out()).json(), shown);
    assert_eq!(installed.running(), ["ingest", "query-api", "query-api"]);

    // Once there is a session of the person's own, it is shown instead.
    fs::create_dir_all(installed.home(".claude")).expect("a directory");
    copy_projects(&installed.home(".claude/projects"));
    let own = installed.up();
    assert!(!own.out().contains("sample session"), "{own}");
    assert_eq!(installed.running(), ["ingest", "query-api"]);

    let stopped = installed.script(&["--stop"]).succeed();
    assert_eq!(stopped.out().trim(), "stopped: query-api ingest");
    assert_eq!(installed.running(), [""; 0]);
    let idle = installed.script(&["--stop"]).succeed();
    assert!(idle.out().starts_with("nothing was running"), "{idle}");
}

/// Whoever forgot that this shell shows the sample: hooks that write there, and sessions that are taken in there, would be lost
/// with it.
#[test]
fn a_shell_that_shows_the_sample_captures_nothing_into_it() {
    let installed = Installed::new();
    let _ = installed.up();
    fs::create_dir_all(installed.home(".claude")).expect("a directory");
    copy_projects(&installed.home(".claude/projects"));
    let said = in_the_shell_of_the_sample(&installed);
    let held = || said(&["list", "--json", "--limit", "200"]).succeed().out().to_owned();
    let (before, other) = (held(), installed.home("other"));
    let other = other.to_str().expect("a path");
    let _ = said(&["backup", other]).succeed();
    for words in [
        &["setup", "hooks", "--rate"][..],
        &["setup", "hooks", "--dry-run"],
        &["setup", "plugin"],
        &["setup", "service", "--launchd"],
        &["setup", "refresh"],
        &["run"],
        &["once"],
        &["import"],
        &["import", other],
        &["restore", other, "--force"],
        &["recover"],
    ] {
        let done = said(words).run().code(78);
        assert!(done.err().contains("unset PROMPT_MANAGER_HOME") && done.err().lines().count() == 1, "{done}");
    }
    let demo = installed.home(".local/share/prompt-manager-demo");
    for args in [&["--port", "0"][..], &["--stop"], &["--uninstall"]] {
        let done = installed.script(args).env("PROMPT_MANAGER_HOME", &demo).run().code(1);
        assert!(done.err().contains("unset PROMPT_MANAGER_HOME") && done.err().lines().count() == 1, "{done}");
    }
    assert_eq!(held(), before);
    assert!(!installed.home(".claude/settings.json").exists() && !installed.home("Library").exists());
    // To look and to try is what it is for.
    for words in [&["rate", "last", "5"][..], &["show", "last"], &["status"], &["setup", "remove"]] {
        let _ = said(words).succeed();
    }
}

/// As an earlier version let it in.
#[test]
fn a_sample_that_holds_more_is_never_deleted() {
    let check = |stays: bool, change: &dyn Fn(&Installed)| {
        let installed = Installed::new();
        let _ = installed.up();
        change(&installed);
        let done = installed.script(&["--uninstall"]).succeed();
        let demo = installed.home(".local/share/prompt-manager-demo");
        assert_eq!(demo.join("database/prompts.db").exists(), stays, "{done}");
        assert_eq!(done.out().contains(&format!("kept {}", demo.display())), stays, "{done}");
    };
    let demo = |installed: &Installed, below: &str| installed.home(".local/share/prompt-manager-demo").join(below);
    let hook = |installed: &Installed| {
        let payload = r#"{"session_id":"s","hook_event_name":"UserPromptSubmit","prompt":"my own"}"#;
        let hook = in_the_shell_of_the_sample(installed)(&["hook", "UserPromptSubmit"]).stdin(payload);
        let _ = hook.succeed().silent();
    };
    check(false, &|_| {});
    check(false, &|installed| {
        let _ = in_the_shell_of_the_sample(installed)(&["rate", "last", "5", "a try"]).succeed();
    });
    check(true, &hook);
    check(true, &|installed| {
        hook(installed);
        let mark = demo(installed, ".sample");
        let said = fs::read(&mark).and_then(|said| fs::remove_file(&mark).map(|()| said)).expect("a mark");
        let _ = in_the_shell_of_the_sample(installed)(&["once"]).succeed();
        fs::write(mark, said).expect("the mark");
    });
    // The mark of an earlier version said nothing of what was there.
    check(true, &|installed| fs::write(demo(installed, ".sample"), "").expect("the mark"));
}

/// Also beside sessions of one's own, by its name; and it is of yesterday, so that `--since 7d` shows it.
#[test]
fn the_sample_is_there_for_whoever_asks() {
    let installed = Installed::new();
    fs::create_dir_all(installed.home(".claude")).expect("a directory");
    copy_projects(&installed.home(".claude/projects"));
    let done = installed.script(&["--port", "0", "--sample"]).succeed();
    assert_eq!(done.out().matches("\n  curl ").count(), 2, "{done}");
    assert_eq!(installed.running(), ["ingest", "query-api", "query-api"]);
    let said = in_the_shell_of_the_sample(&installed);
    let listed: Value = said(&["list", "--json", "--since", "3d"]).succeed().json();
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(5), "{listed}");
    let figures = said(&["status", "--json"]).succeed().json();
    assert_eq!(figures["completeness"], serde_json::json!({"hook_only": 0, "transcript_only": 0, "both": 5}));
}
