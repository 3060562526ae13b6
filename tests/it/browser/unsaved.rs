//! What somebody has typed and not saved yet: nothing takes it away, whatever happens around it.

use harness::{Browser, ENTER, ESCAPE};
use serde_json::{Value, json};

use super::{captured, id_of, said, wait_said};

pub(super) const NOTE: &str = "form.noting textarea";
pub(super) const TAGS: &str = "form.tagging input[name=tags]";
/// Shown by the script once it has begun.
pub(super) const KEYS: &str = "[data-keys]:not([hidden])";
pub(super) const STATUS: &str = "form.noting .saved";

/// What is in a field now.
pub(super) fn value(page: &Browser, selector: &str) -> String {
    let found = page.script("return document.querySelector(arguments[0]).value", &[selector.into()]);
    found.as_str().unwrap_or_default().to_owned()
}

/// As if the server were gone; or there again.
pub(super) fn away(page: &Browser, away: bool) {
    let body = "window.asks ??= window.fetch; \
        window.fetch = arguments[0] ? () => Promise.reject(new TypeError('gone')) : window.asks";
    page.script(body, &[away.into()]);
}

fn set(page: &Browser, selector: &str, text: &str) {
    let body = "const it = document.querySelector(arguments[0]); it.focus(); it.value = arguments[1]; \
        it.dispatchEvent(new InputEvent('input', { bubbles: true }))";
    page.script(body, &[selector.into(), text.into()]);
}

#[test]
fn a_rating_leaves_what_is_typed() {
    let (world, server) = captured();
    let page = Browser::enter(&world, &server);
    let id = id_of(&server, "second: use-bash please");
    page.open(&format!("/conversations/{id}"));
    page.wait_for("the field, and the script", |page| page.has(NOTE) && page.has(KEYS));
    away(&page, true);
    page.type_into(NOTE, "typed while nobody answers");
    page.press(ESCAPE);
    page.wait_for("that it is not saved", |page| page.text_of(STATUS).contains("tried again"));
    page.type_into(TAGS, "half a tag");
    page.press(ESCAPE);
    away(&page, false);
    page.press("4");
    wait_said(&page, &server, id, "rating", &json!(4));
    page.click("form.rate button[data-value='5']");
    wait_said(&page, &server, id, "rating", &json!(5));
    wait_said(&page, &server, id, "notes", &json!("typed while nobody answers"));
    page.wait_for("the word Saved", |page| page.text_of(STATUS) == "Saved");
    assert_eq!(value(&page, NOTE), "typed while nobody answers");
    assert_eq!(value(&page, TAGS), "half a tag");
    page.click("form.tagging button");
    wait_said(&page, &server, id, "tags", &json!(["half a tag"]));
    // What is saved is no longer spared: the way back is shown.
    page.press("u");
    wait_said(&page, &server, id, "tags", &json!([]));
    page.wait_for("no tags", |page| value(page, TAGS).is_empty());
}

#[test]
fn who_keeps_their_note_keeps_theirs() {
    let (world, server) = captured();
    let page = Browser::enter(&world, &server);
    let id = id_of(&server, "second: use-bash please");
    page.open(&format!("/conversations/{id}"));
    page.wait_for("the field, and the script", |page| page.has(NOTE) && page.has(KEYS));
    let path = format!("/api/conversations/{id}/rating");
    assert_eq!(server.client().json("PUT", &path, r#"{"notes": "theirs"}"#).status, 200);
    page.type_into(NOTE, "mine");
    page.wait_for("a question", |page| page.text_of(STATUS).contains("changed elsewhere"));
    page.press(ESCAPE);
    page.press("2");
    wait_said(&page, &server, id, "rating", &json!(2));
    page.wait_for("its star", |page| page.has("form.rate button[data-value='2'][aria-pressed=true]"));
    assert_eq!(value(&page, NOTE), "mine");
    page.click("//button[.='Keep mine']");
    wait_said(&page, &server, id, "notes", &json!("mine"));
    page.wait_for("the word Saved", |page| page.text_of(STATUS) == "Saved");

    // Once it is left, the key takes the whole of it back.
    page.press("!");
    page.press(ESCAPE);
    wait_said(&page, &server, id, "notes", &json!("mine!"));
    page.wait_for("a way back", |page| page.text_of("#toasts").contains("Note saved."));
    page.press("u");
    page.wait_for("the note before", |page| value(page, NOTE) == "theirs");
    wait_said(&page, &server, id, "notes", &json!("theirs"));
    page.forgive("412 (Precondition Failed)");
}

/// Its answer can get lost: then the note is there, and nobody else has changed it.
#[test]
fn a_note_that_is_there_already_is_saved() {
    let (world, server) = captured();
    let page = Browser::enter(&world, &server);
    let id = id_of(&server, "second: use-bash please");
    page.open(&format!("/conversations/{id}"));
    page.wait_for("the field, and the script", |page| page.has(NOTE) && page.has(KEYS));
    let lose = "const asks = window.fetch; window.fetch = async (url, how) => { const answer = await asks(url, how); \
        if (how.method !== 'PUT') return answer; window.fetch = asks; throw new TypeError('lost'); }";
    page.script(lose, &[]);
    page.type_into(NOTE, "once");
    wait_said(&page, &server, id, "notes", &json!("once"));
    page.wait_for("what is wrong", |page| page.text_of(STATUS).contains("The server does not answer."));
    page.wait_for("the word Saved", |page| page.text_of(STATUS) == "Saved");
    page.forgive("412 (Precondition Failed)");
}

#[test]
fn a_long_note_is_saved_and_one_too_long_is_not_tried_again() {
    let (world, server) = captured();
    let page = Browser::enter(&world, &server);
    let id = id_of(&server, "second: use-bash please");
    page.open(&format!("/conversations/{id}"));
    page.wait_for("the field, and the script", |page| page.has(NOTE) && page.has(KEYS));
    let most = "x".repeat(64 * 1024);
    set(&page, NOTE, &most);
    page.wait_for("the word Saved", |page| page.text_of(STATUS) == "Saved");
    wait_said(&page, &server, id, "notes", &json!(most));
    set(&page, NOTE, &format!("{most}x"));
    page.wait_for("why not", |page| page.text_of(STATUS) == "Not saved. The note must not be longer than 64 KiB.");
    assert_eq!(value(&page, NOTE).len(), most.len() + 1);
    assert_eq!(said(&server, id)["notes"], most);
    page.forgive("422 (Unprocessable");
    set(&page, NOTE, "short");
    wait_said(&page, &server, id, "notes", &json!("short"));
}

#[test]
fn a_dialog_says_itself_what_is_wrong() {
    let (world, server) = captured();
    let page = Browser::enter(&world, &server);
    page.wait_for("rows, and the script", |page| page.has("#rows > .row") && page.has(KEYS));
    page.press("jt");
    page.wait_for("the dialog for tags", |page| page.has("dialog[open] input[name=tags]"));
    let long = "long ".repeat(21);
    page.press(&format!("fine, {long}"));
    page.press(ENTER);
    page.wait_for("what is wrong, in the dialog", |page| {
        page.texts_of("dialog[open] .toast.bad").iter().any(|text| text.contains("must have 1 to 100 characters"))
    });
    let told = page.text_of("dialog[open] .toast.bad");
    assert!(told.starts_with("“long long") && !told.contains("tags["), "{told}");
    assert_eq!(value(&page, "dialog input[name=tags]"), format!("fine, {long}"));
    page.forgive("422 (Unprocessable");
    page.press(ESCAPE);
    page.wait_for("no dialog, and the words behind it", |page| !page.has("dialog") && page.has("body > #toasts"));
    assert_eq!(server.items(&[("tag", "fine")]), Vec::<Value>::new());

    // A list without prompts offers nothing that is about one.
    page.open("/sessions");
    page.wait_for("rows, and the script", |page| page.has("#rows > .row") && page.has(KEYS));
    page.press("j?");
    page.wait_for("the keys", |page| page.has("dialog[open] table.keys"));
    let help = page.text_of("dialog[open]");
    assert!(!help.contains("Rate it") && !help.contains("Split"), "{help}");
}

/// Who closes a note without saving it is not told that it was.
#[test]
fn a_note_that_is_given_up_is_not_saved() {
    let (world, server) = captured();
    let page = Browser::enter(&world, &server);
    page.wait_for("rows, and the script", |page| page.has("#rows > .row") && page.has(KEYS));
    page.press("jn");
    page.wait_for("the note", |page| page.has("dialog[open] textarea"));
    away(&page, true);
    page.type_into("dialog[open] textarea", "given up");
    page.click("//dialog//button[.='Close']");
    page.click("//dialog//button[.='Close without saving']");
    page.wait_for("no dialog", |page| !page.has("dialog"));
    away(&page, false);
    page.press("u");
    page.wait_for("nothing to undo", |page| page.text_of("#toasts").contains("There is nothing to undo."));
    let id = page.attribute("#rows > .row", "data-id").and_then(|id| id.parse().ok()).expect("an id");
    assert_eq!(said(&server, id)["notes"], Value::Null);
}
