//! The pages without the script: reading, searching and rating by links and forms.

use harness::{Browser, ENTER};
use serde_json::json;

use super::{captured, id_of, said};

#[test]
fn everything_works_without_the_script() {
    let (world, server) = captured();
    let page = Browser::stranger(&world, &server);
    page.without_script(true);
    page.come_in(&world, &server);
    let id = id_of(&server, "third forked");
    page.type_into("#q", "forked");
    page.press(ENTER);
    page.wait_for("what was found", |page| page.path().starts_with("/?q=forked") && page.count("#rows > .row") == 1);
    page.click("#rows a.open");
    page.wait_for("the conversation", |page| page.path() == format!("/conversations/{id}"));
    assert!(page.text().contains("Answer 4: all done"), "{}", page.shown());

    page.click("form.rate button[value='4']");
    page.wait_for("a rating", |page| page.has("form.rate button[data-value='4'][aria-pressed=true]"));
    assert_eq!(page.path(), format!("/conversations/{id}"), "it leads back");
    page.click("form.starring button");
    page.wait_for("a star", |page| page.has("form.starring button[aria-pressed=true]"));
    page.type_into("form.tagging input[name=tags]", "parser, <b>bold</b>");
    page.click("form.tagging button");
    page.wait_for("tags", |page| {
        page.attribute("form.tagging input[name=tags]", "value").is_some_and(|it| it.contains("parser"))
    });
    page.type_into("form.noting textarea", "two\nlines");
    page.click("form.noting button");
    page.wait_for("a note", |_| said(&server, id)["notes"] == "two\nlines");
    let now = said(&server, id);
    assert_eq!(
        [&now["rating"], &now["star"], &now["tags"]],
        [&json!(4), &json!(true), &json!(["<b>bold</b>", "parser"])]
    );

    page.click("form.rate button[data-value='4']");
    page.wait_for("no rating", |_| said(&server, id)["rating"].is_null());
    let scripts = page.requests().into_iter().filter(|request| request.ends_with(".js")).count();
    assert_eq!(scripts, 0, "a script was loaded after all");
}

/// What another window says after the page was made stays: of tags each, of notes the newer with a word about it.
#[test]
fn forms_write_over_nothing_that_was_not_seen() {
    let (world, server) = captured();
    let page = Browser::stranger(&world, &server);
    page.without_script(true);
    page.come_in(&world, &server);
    let id = id_of(&server, "third forked");
    let other = |body: serde_json::Value| {
        let path = format!("/api/conversations/{id}/rating");
        assert_eq!(server.client().json("PUT", &path, &body.to_string()).status, 200, "{body}");
    };
    other(json!({"tags": ["first"], "notes": "first"}));
    page.open(&format!("/conversations/{id}"));
    other(json!({"tags": ["first", "theirs"], "notes": "theirs"}));
    page.type_into("form.noting textarea", " and mine");
    page.click("form.noting button");
    page.wait_for("a word about it", |page| page.text().contains("changed elsewhere meanwhile"));
    assert_eq!(said(&server, id)["notes"], "theirs");
    page.forgive("409 (Conflict)");
    page.back();
    page.wait_for("the page", |page| page.has("form.tagging"));
    page.type_into("form.tagging input[name=tags]", ", mine");
    page.click("form.tagging button");
    page.wait_for("all tags", |_| said(&server, id)["tags"] == json!(["first", "mine", "theirs"]));
    page.wait_for("the page again", |page| page.has("form.noting textarea"));
    page.type_into("form.noting textarea", " and mine");
    page.click("form.noting button");
    page.wait_for("both notes", |_| said(&server, id)["notes"] == "theirs and mine");
}
