//! The timeline as a person uses it: search as you type, open, rate, tag and note by keys, filters and saved views.

use harness::{Browser, ENTER, ESCAPE, Server};
use serde_json::{Value, json};

use super::{captured, id_of, said, wait_said};

fn rows(page: &Browser) -> Vec<String> {
    page.texts_of("#rows > .row a.open")
}

/// Selects the row of this prompt with `j`, from the top.
fn select(page: &Browser, id: u64) {
    page.wait_for("rows", |page| page.has("#rows > .row"));
    for _ in 0..page.count("#rows > .row") {
        page.press("j");
        if page.has(&format!("#c{id}[aria-current=true]")) {
            return;
        }
    }
    panic!("no key leads to {id}\n{}", page.shown());
}

#[test]
fn what_is_typed_is_searched() {
    let (world, server) = captured();
    let page = Browser::enter(&world, &server);
    let all = rows(&page).len();
    assert!(all > 10, "{}", page.shown());
    page.press("/");
    page.press("forked");
    page.wait_for("the one that was forked", |page| rows(page) == ["third forked"]);
    page.wait_for("an address that says so", |page| page.path() == "/?q=forked");
    assert!(page.texts_of("#rows mark").iter().any(|text| text == "forked"), "{}", page.shown());
    page.wait_for("the count", |page| page.text_of("#count") == "1 prompt");
    page.clear("#q");
    page.type_into("#q", "nothingofthis");
    page.wait_for("a word that nothing fits", |page| page.text().contains("No prompts fit"));
    // The address is the search: who comes by it sees the same.
    page.open("/?q=forked");
    assert_eq!(rows(&page), ["third forked"]);
    page.open("/?q=%22unclosed");
    page.wait_for("an answer to half a phrase", |page| page.has("#results"));
    page.forgive("400 (Bad Request)");
}

#[test]
fn a_prompt_is_found_opened_and_marked_by_keys() {
    let (world, server) = captured();
    let page = Browser::enter(&world, &server);
    let id = id_of(&server, "third forked");
    select(&page, id);
    page.press("4");
    wait_said(&page, &server, id, "rating", &json!(4));
    page.wait_for("four stars", |page| page.has(&format!("#c{id} .stars[data-rating='4']")));
    page.press("*");
    wait_said(&page, &server, id, "star", &json!(true));

    page.press("t");
    page.wait_for("the dialog for tags", |page| page.has("dialog[open] input[name=tags]"));
    page.press("parser, naïve");
    page.press(ENTER);
    wait_said(&page, &server, id, "tags", &json!(["naïve", "parser"]));
    page.wait_for("no dialog", |page| !page.has("dialog[open]"));

    page.press("n");
    page.wait_for("the dialog for a note", |page| page.has("dialog[open] textarea"));
    page.press("ask it like this");
    page.wait_for("the word Saved", |page| page.text_of("dialog .saved") == "Saved");
    wait_said(&page, &server, id, "notes", &json!("ask it like this"));
    page.press(ESCAPE);
    page.wait_for("no dialog", |page| !page.has("dialog[open]"));
    let row = page.text_of(&format!("#c{id}"));
    assert!(row.contains("parser") && row.contains("naïve"), "{row}");

    // Each step goes back by the same key: the note, the tags, the star, the rating.
    for (field, before) in
        [("notes", Value::Null), ("tags", json!([])), ("star", json!(false)), ("rating", Value::Null)]
    {
        page.press("u");
        wait_said(&page, &server, id, field, &before);
    }
    page.press(ENTER);
    page.wait_for("the conversation", |page| page.path() == format!("/conversations/{id}"));
    page.wait_for("its answer", |page| page.text().contains("Answer 4: all done — naïve café ✅."));
    page.press("5");
    wait_said(&page, &server, id, "rating", &json!(5));
    page.back();
    page.wait_for("the timeline, with the same row", |page| page.has(&format!("#c{id}[aria-current=true]")));
    page.wait_for("five stars", |page| page.has(&format!("#c{id} .stars[data-rating='5']")));
}

#[test]
fn the_keys_are_told() {
    let (world, server) = captured();
    let page = Browser::enter(&world, &server);
    page.wait_for("rows", |page| page.has("#rows > .row"));
    page.press("j?");
    page.wait_for("a dialog", |page| page.has("dialog[open] table.keys"));
    let help = page.text_of("dialog[open]");
    for word in ["Next prompt", "Search", "Rate it", "Tags", "Note", "Split", "Undo"] {
        assert!(help.contains(word), "{word}: {help}");
    }
    page.press(ESCAPE);
    page.wait_for("no dialog", |page| !page.has("dialog[open]"));
    // Keys mean nothing while somebody types.
    page.press("/");
    page.press("jk5");
    page.wait_for("what was typed", |page| page.path() == "/?q=jk5");
}

#[test]
fn a_session_is_split_and_joined_by_keys() {
    let (world, server) = captured();
    let page = Browser::enter(&world, &server);
    let id = id_of(&server, "after compact");
    let session = |server: &Server| {
        server.get(&format!("/api/conversations/{id}")).1["user_session_id"].as_str().unwrap_or_default().to_owned()
    };
    let before = session(&server);
    select(&page, id);
    page.press("s");
    page.wait_for("another session", |_| session(&server) != before);
    let after = session(&server);
    page.wait_for("the row of another session", |page| page.has(&format!("#c{id}[data-session='{after}']")));
    page.press("u");
    page.wait_for("the session as it was", |_| session(&server) == before);
}

#[test]
fn filters_are_chips_and_views_are_kept() {
    let (world, server) = captured();
    let page = Browser::enter(&world, &server);
    let all = rows(&page).len();
    page.open("/?status=failed");
    page.wait_for("two that failed", |page| rows(page) == ["now use-error", "now use-error"]);
    assert!(page.text_of("#chips").contains("status failed"), "{}", page.shown());

    page.click("#save-view summary");
    page.type_into("#view-name", "What failed");
    page.click("#save-view button[value=add]");
    page.wait_for("the view", |page| page.text_of("#views").contains("What failed"));
    assert_eq!(page.path(), "/?status=failed");
    page.open("/");
    page.click("//nav[@aria-label='Saved views']//a[.='What failed']");
    page.wait_for("the same rows", |page| page.path() == "/?status=failed" && rows(page).len() == 2);
    page.click("#chips a.chip[title^='Take away']");
    page.wait_for("all rows", |page| page.path() == "/" && rows(page).len() == all);
}

#[test]
fn what_a_browser_likes_is_remembered() {
    let (world, server) = captured();
    let page = Browser::enter(&world, &server);
    let all = rows(&page).len();
    page.click("form.scripts button");
    page.wait_for("no scripts", |page| page.text_of("form.scripts button").contains("hidden"));
    let hidden = rows(&page).len();
    assert!(hidden > 0 && hidden < all, "{hidden} of {all}: {}", page.shown());
    page.open("/docs");
    page.open("/");
    assert_eq!(rows(&page).len(), hidden, "it was forgotten");

    let back = |page: &Browser| page.style("body", "background-color");
    page.dark(false);
    let light = back(&page);
    page.dark(true);
    let dark = back(&page);
    assert_ne!(light, dark, "the system's choice changes nothing");
    // Chosen as such: a list that a click unfolds is a window of its own, in which a browser without a screen may get stuck.
    page.click("form.preferences option[value=light]");
    if page.has("form.preferences button") {
        page.click("form.preferences button");
    }
    page.wait_for("a light page", |page| back(page) == light);
    page.open("/docs");
    page.open("/");
    assert_eq!(back(&page), light, "it was forgotten");
    let found = said(&server, id_of(&server, "third forked"));
    assert_eq!(found["rating"], Value::Null, "nobody rated anything");
}
