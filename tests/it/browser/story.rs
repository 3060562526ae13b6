//! What a person does beyond the list: sessions cut and joined, notes on a page, prompts copied and exported, a failed file mended.

use harness::{Browser, ENTER, World, bin, encode};
use serde_json::{Value, json};

use super::{captured, id_of, said, wait_said};

#[test]
fn a_session_is_cut_named_and_joined_on_its_page() {
    let (world, server) = captured();
    let page = Browser::enter(&world, &server);
    let (first, cut) = (id_of(&server, "first prompt: naïve ✅"), id_of(&server, "after compact"));
    let session = |id: u64| {
        server.get(&format!("/api/conversations/{id}")).1["user_session_id"].as_str().unwrap_or_default().to_owned()
    };
    let whole = session(first);
    page.open(&format!("/sessions/{}", encode(&whole)));
    page.wait_for("three prompts", |page| page.count("#rows > .row") == 3);
    page.click(&format!("button[name=at][value='{cut}']"));
    page.wait_for("another session", |_| session(cut) != whole);
    page.open(&format!("/sessions/{}", encode(&whole)));
    page.wait_for("two prompts", |page| page.count("#rows > .row") == 2);

    page.click("details.rename summary");
    page.clear("#title");
    page.type_into("#title", "Only the beginning");
    page.press(ENTER);
    page.wait_for("the title", |page| page.text_of("h1").contains("Only the beginning"));
    page.open("/sessions");
    page.wait_for("the title in the list", |page| {
        page.texts_of("#rows a.open").contains(&"Only the beginning".to_owned())
    });

    page.open(&format!("/sessions/{}", encode(&session(cut))));
    page.click("form.undo button");
    page.wait_for("one session again", |_| session(cut) == whole);

    let other = session(id_of(&server, "third forked"));
    page.open(&format!("/sessions/{}", encode(&whole)));
    page.click("details.join summary");
    page.click("#other");
    page.click(&format!("#other option[value='{other}']"));
    page.click("details.join button");
    page.wait_for("both in one", |_| session(id_of(&server, "third forked")) == whole);
    page.wait_for("four prompts", |page| page.count("#rows > .row") == 4);
}

#[test]
fn a_note_is_saved_as_it_is_typed() {
    let (world, server) = captured();
    let page = Browser::enter(&world, &server);
    let id = id_of(&server, "second: use-bash please");
    page.open(&format!("/conversations/{id}"));
    page.type_into("form.noting textarea", "half a thou");
    page.wait_for("the word Saved", |page| page.text_of("form.noting .saved") == "Saved");
    wait_said(&page, &server, id, "notes", &json!("half a thou"));
    page.type_into("form.noting textarea", "ght");
    wait_said(&page, &server, id, "notes", &json!("half a thought"));
    page.wait_for("the word Saved", |page| page.text_of("form.noting .saved") == "Saved");
    page.reload();
    page.wait_for("the note", |page| page.has("form.noting textarea"));
    let area = page.script("return document.querySelector('form.noting textarea').value", &[]);
    assert_eq!(area, "half a thought");
    page.click("form.rate button[data-value='5']");
    wait_said(&page, &server, id, "rating", &json!(5));
    page.type_into("form.tagging input[name=tags]", "shell");
    page.click("form.tagging button");
    wait_said(&page, &server, id, "tags", &json!(["shell"]));
    assert_eq!(page.path(), format!("/conversations/{id}"), "no other page was loaded");
}

#[test]
fn what_is_worth_keeping_is_copied_and_exported() {
    let (world, server) = captured();
    let prompts = ["third forked", "after clear", "stream one"];
    let mut client = server.client();
    for (prompt, set) in prompts.iter().zip([json!({"rating": 5}), json!({"star": true}), json!({"tags": ["keep"]})]) {
        let path = format!("/api/conversations/{}/rating", id_of(&server, prompt));
        assert_eq!(client.json("PUT", &path, &set.to_string()).status, 200);
    }
    let page = Browser::enter(&world, &server);
    page.let_copy();
    page.open("/library");
    page.wait_for("three prompts", |page| page.count(".kept > li") == 3);
    let id = id_of(&server, "third forked");
    page.click(&format!("li[data-id='{id}'] button[data-copy]"));
    page.wait_for("a word about it", |page| page.text().contains("Copied."));
    assert_eq!(page.script("return navigator.clipboard.readText()", &[]), "third forked");

    page.type_into("#words", "clear");
    page.press(ENTER);
    page.wait_for("one prompt", |page| page.count(".kept > li") == 1);
    page.open("/library");
    page.click(&format!("li[data-id='{id}'] input[name=id]"));
    page.click("#format");
    page.click("#format option[value=jsonl]");
    let form = "const form = document.getElementById('export'); \
        return fetch(`${new URL(form.action).pathname}?${new URLSearchParams(new FormData(form))}`).then(it => it.text())";
    let exported = page.script(form, &[]);
    let lines: Vec<Value> =
        exported.as_str().unwrap_or_default().lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    assert!(
        exported.to_string().contains("third forked") && !exported.to_string().contains("after clear"),
        "{lines:#?}"
    );
}

#[test]
fn a_failed_file_is_seen_mended_and_retried() {
    let (world, server) = captured();
    let cut =
        r#"{"session_id":"s-9","hook_event_name":"UserPromptSubmit","cwd":"/home/dev/acme","prompt":"cut off in the"#;
    world.hook("UserPromptSubmit", cut);
    let _ = world.ingest(&["once", "--json"]);
    let failed = world.names(&world.data().failed()).into_iter().find(|name| !name.ends_with(".reason.json"));
    let failed = failed.expect("a file that failed");
    let page = Browser::enter(&world, &server);
    page.open("/health");
    page.wait_for("the file", |page| page.text_of("table.failed").contains(&failed));
    let command = page.text_of("#retry-0");
    assert!(command.starts_with("prompt-manager retry ") && command.contains(&failed), "{command}");

    // A person mends the file, and types what the page says.
    std::fs::write(world.data().failed().join(&failed), format!(r#"{cut} middle"}}"#)).expect("the file that failed");
    let place = world.root().join("bin");
    let ingest = format!("#!/bin/sh\nexec {} \"$@\"\n", bin("ingest").display());
    std::fs::create_dir(&place).and_then(|()| std::fs::write(place.join("prompt-manager"), ingest)).expect("a program");
    let typed = format!("chmod +x {0}/prompt-manager; PATH={0}:$PATH; {command}", place.display());
    let _ = world.command("sh").args(["-c", &typed]).succeed();
    let _ = world.ingest_once();
    page.reload();
    page.wait_for("no failed file", |page| !page.has("table.failed"));
    page.open("/?q=middle");
    page.wait_for("the prompt", |page| page.texts_of("#rows a.open") == ["cut off in the middle"]);
    assert_eq!(said(&server, id_of(&server, "cut off in the middle"))["rating"], Value::Null);
}

#[test]
fn what_is_long_is_loaded_when_it_is_wanted() {
    let world = World::new();
    let mut long = harness::Told::begin(1, "/home/dev/acme", 1_793_491_200_000);
    long.prompt("print two megabytes");
    let line = "0123456789 abcdefghij ";
    long.bash("cat everything", &format!("{}the very end", line.repeat((2 << 20) / line.len())), false);
    long.answers("That was long.");
    let mut many = harness::Told::begin(2, "/home/dev/acme", 1_793_577_600_000);
    for nth in 0..5_000 {
        many.prompt(&format!("prompt number {nth}"));
        many.answers("Done.");
    }
    for (path, bytes) in long.files().into_iter().chain(many.files()) {
        world.transcript(&path.to_string_lossy(), &bytes);
    }
    world.import();
    let server = world.serve();
    let page = Browser::enter(&world, &server);
    let bytes = |path: &str| server.request("GET", path, &[("Accept", "text/html")]).body.len();
    let conversation = format!("/conversations/{}", id_of(&server, "print two megabytes"));
    let session = format!("/sessions/{}", many.id);
    assert!(bytes(&conversation) < 100_000, "{} bytes of a page with a long output", bytes(&conversation));
    assert!(bytes(&session) < 400_000, "{} bytes of a page of a long session", bytes(&session));

    page.open(&conversation);
    let _ = page.requests();
    page.click("details.fold > summary");
    page.wait_for("a part of the output", |page| page.text_of("details.fold").contains("0123456789"));
    assert_eq!(page.requests(), [format!("GET {conversation}/calls/0")]);
    assert!(page.text().len() < 400_000 && !page.text().contains("the very end"), "all of it was loaded");

    page.open(&session);
    let shown = page.count("#rows > .row");
    assert!((20..=500).contains(&shown), "{shown} rows at once");
    page.script("scrollTo(0, document.documentElement.scrollHeight)", &[]);
    page.wait_for("more rows", |page| page.count("#rows > .row") > shown);
}

#[test]
fn a_conversation_is_read_unfolded_and_copied_by_keys() {
    let world = harness::show::world();
    let server = world.serve();
    let page = Browser::enter(&world, &server);
    page.let_copy();
    let open = |begin: &str| {
        page.open(&format!("/?q=%22{}%22", encode(begin)));
        page.wait_for(begin, |page| page.count("#rows > .row") == 1);
        page.press("j");
        page.press(ENTER);
        page.wait_for("the conversation", |page| page.has("article.conversation"));
    };
    open("Take the first way");
    let folds = page.count("#blocks > .block > details");
    assert!(folds >= 4, "{}", page.shown());
    page.press("e");
    page.wait_for("all of them open", |page| page.count("#blocks > .block > details[open]") == folds);
    let text = page.text();
    for shown in ["Halves go to the even neighbour", "Exit code 1", "231 passed; 0 failed", "whole.to_i64() % 2"] {
        assert!(text.contains(shown), "{shown}: {text}");
    }
    assert!(
        page.has(".diff ins") && page.has(".diff del") && page.has(".code span"),
        "an edit is what changed, code is marked"
    );
    page.click("//button[starts-with(., 'Copy prompt')]");
    page.wait_for("a word about it", |page| page.text().contains("Copied."));
    let copied = page.script("return navigator.clipboard.readText()", &[]);
    assert_eq!(copied, "Take the first way. Keep the old rule for invoices before 2027.");
    assert!(page.text().contains("claude --resume"), "{}", page.shown());
    page.press("[");
    page.wait_for("the prompt before", |page| page.text().contains("An invoice of 40 lines"));

    open("Why does this chart jump");
    let drawn = "const it = document.querySelector('main img'); return it?.complete && it.naturalWidth";
    page.wait_for("the picture that was pasted", |page| page.script(drawn, &[]).as_u64().unwrap_or(0) > 100);
    open("Now the same for the arrow keys");
    page.press("e");
    page.wait_for("what the subagent did", |page| page.text().contains("aria-activedescendant"));
    open("Write down for the next time");
    assert!(page.text().contains("API Error: 529 overloaded"), "{}", page.shown());
}
