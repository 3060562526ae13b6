//! What comes while somebody looks: prompts that the real hook captures while the real ingester runs.

use harness::{Browser, World};
use serde_json::json;

use super::Beside;

/// Sends a prompt as Claude Code does.
fn ask(world: &World, session: &str, prompt: &str) {
    let payload = json!({"session_id": session, "transcript_path": "/nowhere/x.jsonl", "cwd": "/home/dev/acme",
        "prompt_id": format!("p-{prompt}"), "hook_event_name": "UserPromptSubmit", "prompt": prompt});
    world.hook("UserPromptSubmit", payload.to_string());
}

fn ingester(world: &World) -> Beside {
    let run = world.bin("ingest").args(["run", "--every", "100ms", "--projects"]).arg(world.projects_root());
    std::fs::create_dir_all(world.projects_root()).expect("a folder");
    Beside::start(run)
}

#[test]
fn the_first_page_notices_the_first_prompt() {
    let world = World::new();
    let server = world.serve();
    let page = Browser::enter(&world, &server);
    page.wait_for("two steps", |page| page.text().contains("setup hooks"));
    assert_eq!(page.attribute("html", "data-page").as_deref(), Some("start"));
    let _ingester = ingester(&world);
    ask(&world, "s-1", "the very first prompt");
    page.wait_for("the timeline by itself", |page| page.text().contains("the very first prompt"));
    assert_eq!(page.attribute("html", "data-page").as_deref(), Some("timeline"));
}

#[test]
fn a_new_prompt_slides_in() {
    let world = World::captured();
    let server = world.serve();
    let page = Browser::enter(&world, &server);
    page.wait_for("rows", |page| page.has("#rows > .row"));
    let before = page.count("#rows > .row");
    let _ingester = ingester(&world);
    ask(&world, "s-2", "a prompt of just now");
    let first = |page: &Browser| page.texts_of("#rows > .row a.open").into_iter().next().unwrap_or_default();
    page.wait_for("the new prompt at the top", |page| first(page) == "a prompt of just now");
    assert_eq!(page.count("#rows > .row"), before + 1, "it came beside the others: {}", page.shown());
    // Who reads is not disturbed: the next is offered.
    page.press("j");
    page.wait_for("a selected row", |page| page.has("#rows > .row[aria-current=true]"));
    ask(&world, "s-2", "one more");
    page.wait_for("an offer", |page| page.has("#news") && page.text_of("#news").contains("1 new prompt"));
    assert_eq!(first(&page), "a prompt of just now");
    page.click("#news button");
    page.wait_for("the offered prompt", |page| first(page) == "one more");
}

/// Who looks at another order, or at what fits, is told of what others change, and the count is always right.
#[test]
fn a_list_that_others_change_says_so() {
    let world = World::captured();
    let server = world.serve();
    let all: Vec<u64> = server.items(&[]).iter().filter_map(|item| item["id"].as_u64()).collect();
    let (newest, oldest) = (all[0], all[all.len() - 1]);
    let mut client = server.client();
    let mut mark = |id: u64, marks: &str| {
        let answer = client.json("PUT", &format!("/api/conversations/{id}/rating"), marks);
        assert_eq!(answer.status, 200, "{}", answer.text());
    };
    mark(newest, r#"{"star": true}"#);
    let page = Browser::enter(&world, &server);
    page.open("/?star=true");
    page.wait_for("one prompt", |page| page.text_of("#count") == "1 prompt");
    mark(oldest, r#"{"star": true, "rating": 5}"#);
    page.wait_for("the count", |page| page.text_of("#count") == "2 prompts");
    page.wait_for("a word", |page| page.texts_of("#news") == ["This list has changed"]);
    page.click("#news button");
    page.wait_for("both", |page| page.count("#rows > .row") == 2);

    page.open("/?sort=rating&limit=1");
    page.wait_for("the best", |page| page.has(&format!("#c{oldest}")));
    mark(oldest, r#"{"rating": null}"#);
    mark(newest, r#"{"rating": 4}"#);
    page.wait_for("a word", |page| page.texts_of("#news") == ["This list has changed"]);
}

/// Somebody who waits for the health page need not ask it again, and what they unfolded stays so.
#[test]
fn the_health_page_is_as_it_is_now() {
    let world = World::captured();
    let server = world.serve();
    let page = Browser::enter(&world, &server);
    page.open("/health");
    page.wait_for("no failed file", |page| page.text_of("#failed").contains("everything that came was taken in"));
    page.click("#passes-table summary");
    let _ingester = ingester(&world);
    world.hook("UserPromptSubmit", r#"{"session_id":"s-9","hook_event_name":"UserPromptSubmit","prompt":"cut o"#);
    page.wait_for("the file that failed", |page| page.has("#failed table.failed button:not([hidden])"));
    page.wait_for("the ingester", |page| page.has("#ingesters table"));
    assert!(page.has("#passes-table[open]"), "what was open is open");
    assert_eq!(page.text_of("#away"), "");
}
