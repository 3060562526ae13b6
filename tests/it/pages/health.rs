//! The health page: a file that failed and the command that brings it back, what one source alone saw, and a store that
//! cannot be read.

use std::fs;

use harness::{SCENARIOS, World, bin};

use super::Tab;

const NAME: &str = "1795350951598014047-s-Stop.json";

/// The text of the element with this id.
fn text<'p>(page: &'p str, id: &str) -> &'p str {
    let (_, rest) = page.split_once(&format!("id=\"{id}\">")).unwrap_or_else(|| panic!("no {id} in {page}"));
    rest.split('<').next().expect("a text")
}

/// A text of a page as a person reads it.
fn read(text: &str) -> String {
    text.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

#[test]
fn a_failed_file_comes_back_by_the_command_that_is_shown() {
    let world = World::new();
    world.data().create().expect("folders");
    let payload = r#"{"session_id":"s","hook_event_name":"Stop","last_assistant_message":"done"}"#;
    fs::write(world.data().incoming().join(NAME), payload).expect("a file");
    let large = world.bin("ingest").arg("once").env("PROMPT_MANAGER_MAX_EVENT", "10B").run();
    assert!(large.status.success(), "{large}");
    // What no hook wrote, under a name that is hostile to pages and shells.
    let hostile = "<img src=x>;$(touch x) '\"\u{1b}[2J";
    fs::write(world.data().failed().join(hostile), "x").expect("a file");
    let again = format!("-{NAME}");
    fs::write(world.data().failed().join(&again), "x").expect("a file");

    let server = world.serve_with(&["--home", world.data().root().to_str().expect("a plain path")]);
    let tab = Tab::open(&world, &server);
    let page = tab.page("/health");
    assert!(page.contains("<b>too_large</b>") && page.contains(NAME), "{page}");
    assert!(page.contains("&lt;img src=x&gt;") && !page.contains("<img"), "{page}");
    assert_eq!(page.matches("it cannot go into the queue").count(), 2, "{page}");
    let listed = server.get("/api/health/failed").1;
    let items = listed["items"].as_array().expect("a list");
    let item = items.iter().find(|item| item["file"] == NAME).expect("the file");
    assert_eq!((&item["reason"], items.len()), (&"too_large".into(), 3), "{listed}");
    let at = items.iter().position(|item| item["file"] == NAME).expect("the file");
    let command = read(text(&page, &format!("retry-{at}")));
    assert_eq!(command, item["retry"].as_str().expect("a command"));

    let programs = world.root().join("programs");
    fs::create_dir(&programs).expect("a folder");
    std::os::unix::fs::symlink(bin("ingest"), programs.join("prompt-manager")).expect("a link");
    let path = format!("{}:/usr/bin:/bin", programs.display());
    let done = world.command("sh").args(["-c", &command]).env("PATH", &path).run();
    assert!(done.status.success() && done.out().contains("1 file back in the queue"), "{command}\n{done}");
    world.ingest_once();
    let page = tab.page("/health");
    assert!(!page.contains("too_large"), "{page}");
    assert_eq!(server.get("/api/conversations?kind=all").1["items"][0]["response_text"], "done");
    for name in [hostile, &again] {
        fs::remove_file(world.data().failed().join(name)).expect("it is still there");
    }
    assert!(tab.page("/health").contains("everything that came was taken in"));
}

#[test]
fn what_one_source_alone_saw_is_listed() {
    let world = World::captured();
    // One prompt that a hook alone saw.
    let prompt = r#"{"session_id":"only","hook_event_name":"UserPromptSubmit","prompt":"seen by <b>hooks</b> alone","prompt_id":"p"}"#;
    fs::write(world.data().incoming().join("1795350951598014047-only-UserPromptSubmit.json"), prompt).expect("a file");
    world.ingest_once();
    let server = world.serve();
    let page = Tab::open(&world, &server).page("/health");
    let seen = &server.get("/api/health").1["completeness"];
    for (source, field) in [("hook", "hook_only"), ("transcript", "transcript_only"), ("both", "both")] {
        let found = server.get(&format!("/api/conversations?source={source}&count=true&limit=200")).1;
        assert_eq!(found["count"]["value"], seen[field], "{source}: {seen}");
        let count = seen[field].as_i64().expect("a number");
        assert!(page.contains(&format!("href=\"/?source={source}\">{count}</a>")), "{source} {count}: {page}");
        for item in found["items"].as_array().expect("a list") {
            let by = (item["sources"]["hook"] == true, item["sources"]["transcript"] == true);
            let expected = match source {
                "hook" => (true, false),
                "transcript" => (false, true),
                _ => (true, true),
            };
            assert_eq!(by, expected, "{item}");
        }
    }
    let (_, missing) = page.split_once("id=\"missing-transcripts\"").expect("a list");
    let (missing, _) = missing.split_once("</details>").expect("its end");
    assert!(missing.contains("seen by &lt;b&gt;hooks&lt;/b&gt; alone"), "{missing}");
    // The passes that took them in are told, and drawn.
    let passes = server.get("/api/health/passes?since=1h").1;
    let told = passes["items"].as_array().expect("a list");
    let stored: i64 = told.iter().filter_map(|pass| pass["stored"].as_i64()).sum();
    assert!(stored > 0 && passes["passes"].as_u64() == Some(told.len() as u64), "{passes}");
    assert!(page.contains("aria-label=\"How long passes took, over the last day\""), "{page}");
    assert_eq!(server.get("/api/health/passes?since=2999-01-01").1["items"], serde_json::json!([]));
}

#[test]
fn a_store_that_is_not_there_or_cannot_be_read_has_a_page() {
    let world = World::new();
    world.projects(SCENARIOS[1]);
    world.import();
    let server = world.serve();
    let tab = Tab::open(&world, &server);
    assert!(tab.page("/health").contains("All is well."));
    let database = world.data().database();
    let log = database.with_extension("db-wal");
    let _ = fs::remove_file(&log);
    fs::write(&database, "no database").expect("the file is overwritten");
    let page = tab.page("/health");
    assert!(page.contains("class=\"verdict bad\"") && page.contains("The database cannot be read."), "{page}");
    fs::remove_file(&database).expect("the file");
    let page = tab.page("/health");
    assert!(page.contains("The passes cannot be read.") && page.contains("Database, disk, backups"), "{page}");
    assert_eq!(tab.get("/health?all=1").status, 400);
}
