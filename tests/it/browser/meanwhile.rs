//! Two windows on one prompt: what one says is neither written over unseen by the other nor taken back in its place.

use harness::{Browser, ENTER, ESCAPE, Server, World};
use serde_json::json;

use super::unsaved::{KEYS, NOTE, TAGS, away, value};
use super::{captured, id_of, said, wait_said};

const DIALOG: &str = "dialog[open] textarea";
/// Whether who leaves now is asked.
const ASKS: &str = "const leave = new Event('beforeunload', { cancelable: true }); window.dispatchEvent(leave); \
    return leave.defaultPrevented";

/// The other window.
struct Other<'s>(&'s Server, u64);

impl Other<'_> {
    fn says(&self, body: &serde_json::Value) {
        let path = format!("/api/conversations/{}/rating", self.1);
        assert_eq!(self.0.client().json("PUT", &path, &body.to_string()).status, 200, "{body}");
    }
}

/// A prompt on its own page.
fn opened(world: &World, server: &Server) -> (Browser, u64) {
    let page = Browser::enter(world, server);
    let id = id_of(server, "second: use-bash please");
    page.open(&format!("/conversations/{id}"));
    page.wait_for("the fields, and the script", |page| page.has(TAGS) && page.has(NOTE) && page.has(KEYS));
    (page, id)
}

/// A prompt as the selected one of a list.
fn listed(world: &World, server: &Server) -> (Browser, u64) {
    let page = Browser::enter(world, server);
    page.wait_for("rows, and the script", |page| page.has("#rows > .row") && page.has(KEYS));
    let first = page.attribute("#rows > .row", "data-id");
    let id = first.and_then(|id| id.parse().ok()).expect("a row has the id of its prompt");
    page.press("j");
    page.wait_for("the first row", |page| page.has("#rows > .row[aria-current=true]"));
    (page, id)
}

fn toast(page: &Browser, words: &str) {
    page.wait_for(words, |page| page.texts_of("#toasts .toast").iter().any(|text| text.contains(words)));
}

/// Neither the key that takes back nor a field that was filled before is stronger than what another said meanwhile.
#[test]
fn what_another_said_meanwhile_stays() {
    let (world, server) = captured();
    let (page, id) = opened(&world, &server);
    let other = Other(&server, id);
    page.press("3");
    wait_said(&page, &server, id, "rating", &json!(3));
    other.says(&json!({"rating": 5}));
    page.press("u");
    page.wait_for("a word about it", |page| page.text_of("#toasts").contains("changed elsewhere meanwhile"));
    assert_eq!(said(&server, id)["rating"], json!(5));
    page.wait_for("the other's rating", |page| page.has("form.rate button[data-value='5'][aria-pressed=true]"));

    other.says(&json!({"tags": ["other"]}));
    page.type_into(TAGS, "mine");
    page.press(ENTER);
    wait_said(&page, &server, id, "tags", &json!(["mine", "other"]));
    other.says(&json!({"notes": "theirs"}));
    page.press(ESCAPE);
    page.press("u");
    wait_said(&page, &server, id, "tags", &json!(["other"]));
    assert_eq!(said(&server, id)["notes"], json!("theirs"));
}

/// A window that was opened before the other rated says so, and its way back leads to what there was in truth.
#[test]
fn a_rating_over_one_that_was_not_seen() {
    let (world, server) = captured();
    let (page, id) = opened(&world, &server);
    Other(&server, id).says(&json!({"rating": 5}));
    page.press("2");
    wait_said(&page, &server, id, "rating", &json!(2));
    toast(&page, "Elsewhere it had been rated 5 meanwhile.");
    page.press("u");
    wait_said(&page, &server, id, "rating", &json!(5));
    page.wait_for("the other's rating", |page| page.has("form.rate button[data-value='5'][aria-pressed=true]"));
}

#[test]
fn tags_from_a_dialog_join_those_of_others() {
    let (world, server) = captured();
    let (page, id) = listed(&world, &server);
    page.press("t");
    page.wait_for("the dialog for tags", |page| page.has("dialog[open] input[name=tags]"));
    Other(&server, id).says(&json!({"tags": ["theirs"]}));
    page.press("mine");
    page.press(ENTER);
    wait_said(&page, &server, id, "tags", &json!(["mine", "theirs"]));
}

/// On the page of a prompt the key leads behind the tags that it has. A tag that is offered takes no half typed one along, and
/// who leaves is asked about that one.
#[test]
fn tags_behind_tags() {
    let (world, server) = captured();
    let (page, id) = opened(&world, &server);
    Other(&server, id).says(&json!({"tags": ["one", "two"]}));
    page.reload();
    page.wait_for("the fields, and the script", |page| page.has(TAGS) && page.has(KEYS));
    page.press("t");
    page.press("three");
    page.press(ENTER);
    wait_said(&page, &server, id, "tags", &json!(["one", "three", "two"]));
    page.press(ESCAPE);
    page.wait_for("a field at rest", |page| value(page, TAGS) == "one, three, two");
    page.press("t");
    page.wait_for("a field that goes on", |page| value(page, TAGS) == "one, three, two, ");
    page.press("fou");
    page.script(
        "const form = document.querySelector('form.tagging').cloneNode(true); form.className = 'marks-form suggesting'; \
         const button = form.querySelector('button'); button.dataset.tag = 'offered'; \
         document.querySelector('form.tagging').after(form); button.click()",
        &[],
    );
    wait_said(&page, &server, id, "tags", &json!(["offered", "one", "three", "two"]));
    assert_eq!(value(&page, TAGS), "one, three, two, fou");
    assert_eq!(page.script(ASKS, &[]), json!(true));
    page.press(ENTER);
    wait_said(&page, &server, id, "tags", &json!(["fou", "offered", "one", "three", "two"]));
    assert_eq!(page.script(ASKS, &[]), json!(false));
}

/// What a dialog was closed with is not written over the other's note when it is opened again, and not lost on the way.
#[test]
fn a_draft_remembers_what_it_was_typed_over() {
    let (world, server) = captured();
    let (page, id) = listed(&world, &server);
    Other(&server, id).says(&json!({"notes": "first"}));
    page.press("n");
    page.wait_for("the note", |page| page.has(DIALOG) && value(page, DIALOG) == "first");
    Other(&server, id).says(&json!({"notes": "theirs"}));
    page.type_into(DIALOG, " and mine");
    page.wait_for("a question", |page| page.text_of("dialog .saved").contains("changed elsewhere"));
    page.press(ESCAPE);
    page.press(ESCAPE);
    toast(&page, "It is still there when you open it again.");
    assert_eq!(page.script(ASKS, &[]), json!(true), "who leaves is asked");
    page.press("n");
    page.wait_for("what was typed", |page| page.has(DIALOG) && value(page, DIALOG) == "first and mine");
    page.wait_for("the question again", |page| page.text_of("dialog .saved").contains("changed elsewhere"));
    assert_eq!(said(&server, id)["notes"], "theirs");
    page.click("//button[.='Keep mine']");
    wait_said(&page, &server, id, "notes", &json!("first and mine"));
    page.wait_for("the word Saved", |page| page.text_of("dialog .saved") == "Saved");
    page.click("//dialog//button[.='Close']");
    page.wait_for("no dialog", |page| !page.has("dialog"));
    assert_eq!(page.script(ASKS, &[]), json!(false));
    page.press("u");
    wait_said(&page, &server, id, "notes", &json!("theirs"));
    page.forgive("412 (Precondition Failed)");
}

#[test]
fn who_takes_the_other_note_has_saved_nothing() {
    let (world, server) = captured();
    let (page, id) = listed(&world, &server);
    page.press("n");
    page.wait_for("the note", |page| page.has(DIALOG));
    Other(&server, id).says(&json!({"notes": "theirs"}));
    page.type_into(DIALOG, "mine");
    page.wait_for("a question", |page| page.text_of("dialog .saved").contains("changed elsewhere"));
    page.click("//button[.='Take the other']");
    page.wait_for("the other note", |page| value(page, DIALOG) == "theirs");
    page.click("//dialog//button[.='Close']");
    page.wait_for("no dialog", |page| !page.has("dialog"));
    page.press("u");
    toast(&page, "There is nothing to undo.");
    assert_eq!(said(&server, id)["notes"], "theirs");
    page.forgive("412 (Precondition Failed)");
}

/// What nobody heard of can be taken back later; and of two changes of one thing the last goes first.
#[test]
fn a_way_back_stays_until_it_is_gone() {
    let (world, server) = captured();
    let (page, id) = opened(&world, &server);
    page.press("4");
    wait_said(&page, &server, id, "rating", &json!(4));
    away(&page, true);
    page.press("u");
    toast(&page, "The server does not answer.");
    away(&page, false);
    page.press("2");
    wait_said(&page, &server, id, "rating", &json!(2));
    toast(&page, "Rated 2 of 5.");
    page.press("u");
    wait_said(&page, &server, id, "rating", &json!(4));
    page.press("u");
    wait_said(&page, &server, id, "rating", &json!(null));
    page.press("5");
    toast(&page, "Rated 5 of 5.");
    page.press("3");
    toast(&page, "Rated 3 of 5.");
    page.click("//div[@id='toasts']/div[contains(., 'Rated 5')]/button");
    toast(&page, "Take that back first");
    assert_eq!(said(&server, id)["rating"], json!(3));
}
