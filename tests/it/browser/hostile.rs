//! Over a thousand hostile texts in every place where the store keeps a text, and every page that shows them: nothing of them
//! runs, nothing is asked of anybody else, and each is there to be read.

mod plant; // puts them there

use harness::hostile::{Payload, payloads};
use harness::{Browser, Server, World, encode};
use serde_json::{Value, json};

/// After so many pages the browser is asked what it noted.
const PAGES: usize = 40;
/// Of the payloads: every so many are also searched for.
const SOME: usize = 12;
/// Every so many conversations are opened as a person does, script and all. The others are put into an open page as our script does
/// it with pages: parsed by the same parser, live in the same document, ten times as fast.
const OPENED: usize = 5;

/// What must hold of a page, whatever it shows: no element that no page of ours has, none of its own that runs or loads, no way to
/// another origin but a link that somebody would have to click.
const LOOK: &str = r"
function look(page, names) {
    const elements = new Set(names), found = [];
    const url = (text) => { try { return new URL(text, location.href); } catch { return null; } };
    for (const it of page.querySelectorAll('*')) {
        if (!elements.has(it.localName)) found.push(`an element <${it.localName}>`);
        for (const { name, value } of it.attributes) {
            const runs = /^on/i.test(name) || ['style', 'srcdoc', 'srcset', 'ping', 'is', 'nonce'].includes(name);
            if (runs) found.push(`${it.localName} ${name}=${value}`);
            if (!['href', 'src', 'action', 'formaction', 'data', 'poster', 'cite', 'xlink:href', 'data-load'].includes(name)) continue;
            const to = url(value);
            const link = it.localName === 'a' && ['http:', 'https:'].includes(to?.protocol) && it.rel.includes('noreferrer');
            if (to?.origin !== location.origin && !link) found.push(`${it.localName} ${name}=${value}`);
        }
        if (it.localName === 'script' && it.textContent.trim()) found.push(`a script ${it.textContent}`);
    }
    return found.slice(0, 5);
}
";

/// A text as a page shows it: white space and what is not seen is nothing. Whether the text is there, and how often its mark.
const READ: &str = r"
function read(page, text, mark) {
    const plain = (text) => text.replace(/[\0-\x1f\x7f-\x9f\u2400-\u2421\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufffd\s]+/g, '');
    const shown = page.querySelector('main').textContent;
    return [plain(shown).includes(plain(text)), shown.split(mark).length - 1];
}
";

/// A page that takes the place of the one that is open, with all its folds, and what is loaded when they are opened. It is put
/// there once it is whole, so that it is laid out and painted once and not for each fold.
const TAKE: &str = r"
async function take(path, names, text, mark) {
    const ask = (path) => new Promise((done, fail) => {
        const request = new XMLHttpRequest();
        request.open('GET', path);
        request.responseType = 'document';
        request.onload = () => (request.status === 200 ? done(request.responseXML) : fail(new Error(`${path}: ${request.status}`)));
        request.onerror = () => fail(new Error(`${path}: no answer`));
        request.send();
    });
    const page = await ask(path), found = look(page, names);
    const live = document.importNode(page.querySelector('main'), true);
    await Promise.all([...live.querySelectorAll('details')].map(async (fold) => {
        fold.open = true;
        if (!fold.dataset.load) return;
        const part = await ask(fold.dataset.load);
        found.push(...look(part, names));
        fold.append(document.importNode(part.querySelector('main'), true));
    }));
    document.querySelector('main').replaceWith(live);
    live.getBoundingClientRect();
    await new Promise(requestAnimationFrame);
    return [found, ...read(document, text, mark)];
}
";

/// What our pages are made of.
const ELEMENTS: &str = "html head meta title link script body header main footer nav section article aside h1 h2 h3 h4 h5 h6 p a span \
    div ul ol li dl dt dd table caption thead tbody tfoot tr th td form label input button select option optgroup textarea fieldset \
    legend output datalist details summary dialog pre code kbd samp var em strong b i del ins s sub sup small mark time blockquote hr br img \
    figure figcaption svg g path rect line polyline circle text tspan desc abbr meter progress wbr template";

struct Tour<'b> {
    browser: &'b Browser,
    elements: Value,
    pages: usize,
}

impl Tour<'_> {
    /// Opens a page and holds it to what every page is held to.
    fn visit(&mut self, path: &str) {
        self.browser.open(path);
        self.look(path);
    }

    fn look(&mut self, path: &str) {
        let script = format!("{LOOK} return look(document, arguments[0])");
        self.hold(path, &self.browser.script(&script, std::slice::from_ref(&self.elements)));
    }

    fn hold(&mut self, path: &str, found: &Value) {
        assert_eq!(*found, json!([]), "{path}");
        self.pages += 1;
        if self.pages.is_multiple_of(PAGES) {
            let faults = self.browser.faults();
            assert!(faults.is_empty(), "within {PAGES} pages up to {path}: {faults:#?}");
        }
    }

    /// Puts a page into the one that is open. Whether it shows the text, and how often its mark.
    fn take(&mut self, path: &str, payload: &Payload) -> (bool, u64) {
        let script = format!("{LOOK}{READ}{TAKE} return take(...arguments)");
        let args = [path.into(), self.elements.clone(), payload.text.as_str().into(), payload.mark().into()];
        let found = self.browser.script(&script, &args);
        self.hold(path, &found[0]);
        (found[1] == true, found[2].as_u64().unwrap_or(0))
    }

    /// All pages of a list, by the link to the next.
    fn visit_list(&mut self, path: &str) -> usize {
        let (mut next, mut pages) = (Some(path.to_owned()), 0);
        while let Some(path) = next {
            self.visit(&path);
            pages += 1;
            let link = "return document.querySelector('a.more')?.getAttribute('href') ?? null";
            next = self.browser.script(link, &[]).as_str().map(str::to_owned);
            assert!(pages < 500, "the pages of a list do not end: {path}");
        }
        pages
    }

    /// Whether the page shows the text, and how often its mark.
    fn reads(&self, payload: &Payload) -> (bool, u64) {
        let script = format!("{READ} return read(document, arguments[0], arguments[1])");
        let found = self.browser.script(&script, &[payload.text.as_str().into(), payload.mark().into()]);
        (found[0] == true, found[1].as_u64().unwrap_or(0))
    }
}

#[test]
fn a_thousand_hostile_texts_stay_texts() {
    let (world, payloads) = (World::new(), payloads());
    plant::plant(&world, &payloads);
    let server = world.serve();
    let said = plant::say(&server, &payloads);
    let enough = [said.notes, said.tags, said.titles].into_iter().all(|taken| taken > 500);
    assert!(enough && said.views > 20, "{said:?}");
    let browser = Browser::enter(&world, &server);
    let elements = ELEMENTS.split_whitespace().collect();
    let mut tour = Tour { browser: &browser, elements, pages: 0 };
    let shown = conversations(&mut tour, &server, &payloads);
    lists(&mut tour, &server, &payloads);
    script(&mut tour);
    println!("{} payloads in every field, {shown} conversations, {} pages, {said:?}", payloads.len(), tour.pages);
}

/// Every conversation, with what it holds open. Gives how many there were.
fn conversations(tour: &mut Tour<'_>, server: &Server, payloads: &[Payload]) -> usize {
    let (mut shown, mut seen) = (0, vec![false; payloads.len()]);
    let all = server.items(&[("limit", "200")]);
    for item in &all {
        let Some(payload) = plant::payload_of(item, payloads) else { panic!("nobody planted {item}") };
        if !plant::is_worth_a_look(item, payload) {
            continue;
        }
        let path = format!("/conversations/{}", item["id"]);
        let (whole, times) = if payload.nth % OPENED == 0 {
            tour.visit(&path);
            tour.reads(payload)
        } else {
            tour.take(&path, payload)
        };
        assert!(whole && times >= 2, "{path} shows its text {whole} and its mark {times} times: {payload:?}");
        (shown, seen[payload.nth]) = (shown + 1, true);
    }
    let missing: Vec<_> = seen.iter().enumerate().filter(|(_, seen)| !**seen).collect();
    assert!(missing.is_empty(), "payloads of no conversation: {missing:?}");
    shown
}

/// Every list, every page of figures, some sessions, and what is made of an address.
fn lists(tour: &mut Tour<'_>, server: &Server, payloads: &[Payload]) {
    let timeline = tour.visit_list("/");
    assert!(timeline >= payloads.len() / 100, "the timeline has {timeline} pages");
    for path in ["/sessions", "/library", "/library?group=project", "/library?group=month", "/insights", "/health"] {
        let _ = tour.visit_list(path);
    }
    let sessions = server.get("/api/sessions?limit=200").1;
    for session in sessions["items"].as_array().expect("sessions").iter().step_by(SOME) {
        tour.visit(&format!("/sessions/{}", encode(session["id"].as_str().expect("an id"))));
    }
    for path in
        ["/none", "/conversations/0", "/sessions/%3Csvg%20onload=alert(1)%3E", "/conversations/%22%3E%3Cscript%3E"]
    {
        tour.visit(path);
        tour.browser.forgive("404 (Not Found)");
        tour.browser.forgive("400 (Bad Request)");
    }
    for payload in payloads.iter().step_by(SOME) {
        // Not a letter eighty times over: to look for that in a text of thousands of it takes as long as a question may.
        let (kind, text) = (payload.nth / SOME, encode(&payload.line(90).replace("AAAA", "")));
        let names =
            ["/?q", "/?tag", "/?project", "/?model", "/?cursor", "/sessions?q", "/library?q", "/insights?project"];
        tour.visit(&format!("{}={text}", names[kind % names.len()]));
        tour.browser.forgive("400 (Bad Request)");
    }
}

/// What the script makes of the texts: the dialogs, completions and toasts.
fn script(tour: &mut Tour<'_>) {
    let browser = tour.browser;
    browser.open("/");
    browser.wait_for("rows", |page| page.has("#rows > .row"));
    browser.press("j");
    browser.press("t");
    browser.wait_for("the dialog for tags", |page| page.has("dialog[open] #tags-input"));
    browser.type_into("#tags-input", "h");
    browser.wait_for("completions", |page| page.count("#tags-known option") > 10);
    tour.look("the dialog for tags");
}
