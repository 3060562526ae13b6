//! That the browser of the harness sees what it is there to see: a check that cannot fail would let everything pass.

use harness::{Browser, World};

#[test]
fn a_link_lets_a_browser_in() {
    let world = World::new();
    let server = world.serve();
    let browser = Browser::stranger(&world, &server);
    browser.open("/");
    browser.wait_for("a word about logins", |page| page.text().contains("prompt-manager open"));
    browser.forgive("401 (Unauthorized)");
    browser.assert_quiet();
    browser.come_in(&world, &server);
    assert!(!browser.text().contains("prompt-manager open"), "{}", browser.shown());
}

#[test]
fn what_no_page_may_do_is_seen() {
    let world = World::new();
    let server = world.serve();
    let browser = Browser::enter(&world, &server);
    // What a page's script does, a hostile text would do the same.
    let check = |script: &str, expected: &str| {
        browser.script(script, &[]);
        browser.wait_for(expected, |page| {
            let faults = page.faults();
            faults.iter().any(|fault| fault.contains(expected))
        });
        let _ = browser.dismiss();
        browser.reload();
        let _ = browser.faults();
    };
    browser.assert_quiet();
    check("setTimeout(() => alert('here'), 0)", "a dialog: ");
    check("setTimeout(() => confirm('here'), 0)", "a dialog: ");
    check("fetch('https://other.example/').catch(() => 0)", "https://other.example/");
    check("new Image().src = 'http://127.0.0.1:9/x.png'", "http://127.0.0.1:9/x.png");
    check("setTimeout(() => { location = 'http://other.example/gone' }, 0)", "http://other.example/gone");
    browser.open("/");
    check("console.error('something is wrong')", "something is wrong");
    check("setTimeout(() => nothing.of(this), 0)", "nothing is not defined");
    check("document.body.setAttribute('style', 'color: red')", "inline style");
}

#[test]
fn themes_widths_and_scripts_are_switched() {
    let world = World::new();
    let server = world.serve();
    let browser = Browser::enter(&world, &server);
    let dark = |page: &Browser| page.script("return matchMedia('(prefers-color-scheme: dark)').matches", &[]);
    browser.dark(true);
    assert_eq!(dark(&browser), true);
    browser.dark(false);
    assert_eq!(dark(&browser), false);
    browser.size(400, 700);
    assert_eq!(browser.widths().1, 400);
    browser.without_script(true);
    browser.reload();
    assert!(browser.has("body"), "a page without scripts is still looked at");
    let shot = world.root().join("shot.png");
    browser.screenshot(&shot, 2_000);
    let bytes = std::fs::read(shot).expect("a picture");
    assert!(bytes.starts_with(b"\x89PNG\r\n\x1a\n"), "{} bytes that are no picture", bytes.len());
    assert_eq!(u32::from_be_bytes([bytes[16], bytes[17], bytes[18], bytes[19]]), 400, "its width");
}

#[test]
fn what_a_blind_person_cannot_use_is_seen() {
    let world = World::new();
    let server = world.serve();
    let browser = Browser::enter(&world, &server);
    browser.open("/docs");
    browser.script("document.body.append(document.createElement('input'))", &[]);
    let Some(found) = browser.axe() else {
        println!("SKIPPED: there is no axe-core (ops/test fetches it)");
        return;
    };
    assert!(found.iter().any(|line| line.starts_with("label (")), "{found:#?}");
}
