//! Where somebody is: it is the same place after they come back, and near it when what they were at is gone.

use harness::{Browser, ENTER, ESCAPE, World, encode};

use super::{captured, id_of};

#[test]
fn who_comes_back_is_where_they_were() {
    let world = World::new();
    let mut many = harness::Told::begin(2, "/home/dev/acme", 1_793_577_600_000);
    for nth in 0..220 {
        many.prompt(&format!("prompt number {nth}"));
        many.answers("Done.");
    }
    for (path, bytes) in many.files() {
        world.transcript(&path.to_string_lossy(), &bytes);
    }
    world.import();
    let server = world.serve();
    let page = Browser::enter(&world, &server);
    page.wait_for("rows", |page| page.has("#rows > .row"));
    let one = page.count("#rows > .row");
    while page.has("a.more") {
        page.script("scrollTo(0, document.documentElement.scrollHeight)", &[]);
    }
    let all = page.count("#rows > .row");
    assert!(all > 2 * one, "{all} rows, {one} on a page");
    page.script("const rows = document.querySelectorAll('#rows > .row'); rows[rows.length - 30].scrollIntoView()", &[]);
    let y = || page.script("return Math.round(scrollY)", &[]);
    let place = y();
    page.open("/docs");
    page.script("setTimeout(() => history.back(), 0)", &[]);
    page.wait_for("the same rows at the same place", |page| page.count("#rows > .row") == all && y() == place);
    assert!(!page.has("#rows > .row[aria-current]"), "nothing was selected");

    page.press("jj");
    let selected = || page.attribute("#rows > .row[aria-current=true]", "id");
    let (row, place) = (selected(), y());
    page.press(ENTER);
    page.wait_for("the conversation", |page| page.has("article.conversation"));
    page.script("setTimeout(() => history.back(), 0)", &[]);
    page.wait_for("the same row", |page| page.has("#rows > .row[aria-current=true]") && y() == place);
    assert_eq!(selected(), row);

    // What was let go is not held again, and who comes anew begins at the top.
    page.press(ESCAPE);
    page.open("/docs");
    page.script("setTimeout(() => history.back(), 0)", &[]);
    page.wait_for("the same place", |page| page.count("#rows > .row") == all && y() == place);
    assert!(!page.has("#rows > .row[aria-current]"), "it was let go");
    page.open("/");
    page.wait_for("rows", |page| page.has("#rows > .row"));
    assert_eq!(y(), 0);
}

#[test]
fn a_cut_leaves_the_keys_near_it() {
    let (world, server) = captured();
    let page = Browser::enter(&world, &server);
    let cut = id_of(&server, "after compact");
    let session = |id: u64| {
        server.get(&format!("/api/conversations/{id}")).1["user_session_id"].as_str().unwrap_or_default().to_owned()
    };
    let whole = session(cut);
    page.open(&format!("/sessions/{}", encode(&whole)));
    page.wait_for("three prompts", |page| page.count("#rows > .row") == 3);
    let before = page.script(
        "const all = [...document.querySelectorAll('#rows > .row')]; return all[all.findIndex(it => it.id === arguments[0]) - 1].id",
        &[format!("c{cut}").into()],
    );
    page.type_into("body", ESCAPE);
    page.click("details.rename summary");
    page.type_into("#title", " half a title");
    page.click(&format!("button[name=at][value='{cut}']"));
    page.wait_for("the prompts before", |page| page.count("#rows > .row") == 2);
    let made = session(cut);
    assert_ne!(made, whole);
    page.wait_for("the row before", |page| page.has("#rows > .row[aria-current=true]"));
    assert_eq!(page.attribute("#rows > .row[aria-current=true]", "id").map(Into::into), Some(before));
    let title = page.script("return document.getElementById('title').value", &[]);
    assert!(title.as_str().is_some_and(|title| title.ends_with(" half a title")), "{title}");
    assert_eq!(page.attribute("#toasts a", "href"), Some(format!("/sessions/{}", encode(&made))));
    page.press("u");
    page.wait_for("one session again", |page| page.count("#rows > .row") == 3);
    assert_eq!(session(cut), whole);

    // The page of the prompt says which session it is in now.
    page.open(&format!("/conversations/{cut}"));
    page.wait_for("the conversation", |page| page.has(&format!("article[data-session='{whole}']")));
    page.press("s");
    page.wait_for("another session", |page| !page.has(&format!("article[data-session='{whole}']")));
    let made = session(cut);
    assert!(page.has(&format!("article[data-session='{made}'] .way a[href^='/sessions/{}']", encode(&made))));
}
