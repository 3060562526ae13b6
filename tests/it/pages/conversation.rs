//! One conversation: everything of it is on its page, or on the page that a fold names; large ones stay small.

use harness::{Server, Told, World};
use serde_json::{Value, json};

use super::Tab;

const AT: u64 = 1_795_350_956_230;
/// A PNG of one pixel.
const DOT: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

fn told() -> Told {
    Told::begin(7, "/home/dev/it's here", AT)
}

/// A server of what was told, and the ids of its prompts, oldest first.
fn served(world: &World, told: &Told) -> (Server, Vec<i64>) {
    for (path, bytes) in told.files() {
        world.transcript(&path.display().to_string(), &bytes);
    }
    world.import();
    let server = world.serve();
    let ids = server.items(&[("order", "asc")]).iter().map(|item| item["id"].as_i64().expect("an id")).collect();
    (server, ids)
}

fn check(page: &str, expected: &[&str]) {
    for text in expected {
        assert!(page.contains(text), "{text} is not in {page}");
    }
}

#[test]
fn all_that_happened_is_on_the_page() {
    let world = World::new();
    let mut told = told();
    told.prompt("Make it <b>work</b>");
    told.thinks("Which file is it?");
    told.reads("/a/main.rs", "fn main() {\n    run()\n}");
    told.edits("/a/main.rs", "let a = 1;\nsame", "let a = 2;\nsame");
    told.writes("/a/new.py", "def f(): return '<i>'\n");
    told.bash("cargo test", "\u{1b}[31mred\u{1b}[0m\u{7}", true);
    let todos =
        json!({"todos": [{"content": "Find it", "status": "completed"}, {"content": "Mend it", "status": "pending"}]});
    told.calls("TodoWrite", &todos, &"ok".into(), false, &json!({}));
    told.calls("mcp__x__y", &json!({"b": 1, "a": ["<x>"]}), &"one".into(), false, &json!({}));
    told.bash("ls /", "substance", false);
    told.agent("Explore", "Look around", "Nothing **there**", |told| told.bash("ls /sub", "a\nb", false));
    told.answers("# Done\n\nIt *works*: <script>1</script>\n\n```rust\nfn a() {}\n```\n\n[site](https://example.com) [no](javascript:1)");
    let (server, ids) = served(&world, &told);
    let tab = Tab::open(&world, &server);
    let page = tab.page(&format!("/conversations/{}", ids[0]));
    check(
        &page,
        &[
            "Make it &lt;b&gt;work&lt;/b&gt;",
            "Which file is it?",
            "<span class=\"result\">3 lines",
            "<del>-let a = <mark>1;</mark>\n</del><ins>+let a = <mark>2;</mark>\n</ins><span> same\n</span>",
            "<span class=\"k\">def </span>",
            "<span class=\"result bad\">failed: Exit code 1",
            "Exit code 1\nred\u{2407}",
            "1 of 2 done",
            "☑ ",
            "&quot;b&quot;",
            "Open the subagent",
            "ls /sub",
            "Nothing <strong>there</strong>",
            "<h3>Done</h3>",
            "&lt;script&gt;1&lt;/script&gt;",
            "<span class=\"k\">fn </span><span class=\"f\">a</span>",
            "href=\"https://example.com\">site</a> no (javascript:1)",
            "cd '/home/dev/it'\\''s here' &amp;&amp; claude --resume ",
        ],
    );
    assert!(!page.contains("<script>1") && !page.contains("href=\"javascript"), "{page}");
    // What a search has found is where it says.
    let found = tab.page("/?q=substance");
    let (_, place) = found.split_once("class=\"where\" href=\"").unwrap_or_else(|| panic!("no place in {found}"));
    let (_, anchor) = place.split('"').next().and_then(|place| place.split_once('#')).expect("an anchor");
    assert!(page.contains(&format!("id=\"{anchor}\"")), "{anchor}: {page}");
    // Only what went wrong is unfolded.
    assert_eq!(page.matches("<details class=\"fold call\" open").count(), 1, "{page}");
    // Every link of ours leads somewhere.
    let (_, main) = page.split_once("<main").expect("a main part");
    let links = main.split("href=\"/").skip(1).filter_map(|rest| rest.split(['"', '#']).next());
    for link in links.filter(|link| !link.starts_with("insights") && !link.starts_with("library")) {
        let answer = tab.get(&format!("/{}", link.replace("&amp;", "&")));
        assert_eq!(answer.status, 200, "/{link}: {}", answer.text());
    }
}

#[test]
fn what_is_large_is_loaded_on_demand() {
    let world = World::new();
    let mut told = told();
    told.prompt("Find all");
    let line = "a line of an output that is <long>\n";
    let output = line.repeat((1 << 20) / line.len());
    told.bash("find /", &output, false);
    told.answers("Many.");
    let (server, ids) = served(&world, &told);
    let tab = Tab::open(&world, &server);
    let here = format!("/conversations/{}", ids[0]);
    let page = tab.page(&here);
    assert!(page.len() < 50_000, "{} bytes", page.len());
    check(&page, &[&format!("data-load=\"{here}/calls/0\""), "class=\"result\">"]);
    let mut next = Some(format!("{here}/calls/0"));
    let mut found = 0;
    while let Some(path) = next {
        let part = tab.page(&path);
        assert!(part.len() < 200_000, "{path}: {} bytes", part.len());
        let (_, loaded) = part.split_once("class=\"loaded\"").expect("a part that is loaded");
        found += loaded.matches("&lt;long&gt;").count();
        let more = loaded.split("data-load=\"").nth(1).and_then(|rest| rest.split('"').next());
        next = more.map(|more| more.replace("&amp;", "&"));
    }
    assert_eq!(found, output.lines().count());
    let whole = tab.get(&format!("{here}/calls/0?part=output&form=text"));
    assert_eq!(whole.header("content-type"), Some("text/plain; charset=utf-8"));
    assert!(whole.text() == output.trim_end() || whole.text() == output, "{} bytes", whole.text().len());
    assert_eq!(tab.get(&format!("{here}?from={}", u64::MAX)).status, 200);
    for none in ["calls/1", "calls/x", "calls/-1", "images/0"] {
        assert_eq!(tab.get(&format!("{here}/{none}")).status, 404, "{none}");
    }
}

#[test]
fn pictures_are_what_their_bytes_are() {
    let world = World::new();
    let mut told = told();
    told.prompt_with_image("What is this?", DOT);
    told.answers("A dot.");
    // A page that calls itself a picture.
    told.prompt_with_image("And this?", "PGh0bWw+PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==");
    let read = json!([{"type": "image", "source": {"type": "base64", "media_type": "text/html", "data": DOT}}]);
    told.calls("Read", &json!({"file_path": "/a.png"}), &read, false, &json!({}));
    told.answers("No.");
    let (server, ids) = served(&world, &told);
    let tab = Tab::open(&world, &server);
    let (first, second) = (format!("/conversations/{}", ids[0]), format!("/conversations/{}", ids[1]));
    check(
        &tab.page(&first),
        &[&format!("src=\"{first}/images/0\" width=\"1\" height=\"1\" alt=\"Image 1, image/png, 70B\""), "Next</a>"],
    );
    let page = tab.page(&second);
    check(&page, &["of no kind that is shown here", &format!("src=\"{second}/images/0?call=0\""), "rel=\"prev\""]);
    assert!(!page.contains(&format!("src=\"{second}/images/0\"")), "{page}");
    let pictures = ["images/1", "images/0?call=0"].map(|picture| format!("{second}/{picture}"));
    for picture in pictures.into_iter().chain([format!("{first}/images/0")]) {
        let answer = tab.get(&picture);
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("image/png")), "{picture}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert!(answer.body.starts_with(b"\x89PNG"), "{picture}");
    }
    for none in ["images/0", "images/2", "images/1?call=0", "images/0?call=1"] {
        assert_eq!(tab.get(&format!("{second}/{none}")).status, 404, "{none}");
    }
}

#[test]
fn a_conversation_is_taken_along() {
    let world = World::new();
    let mut told = told();
    told.prompt("Ask <this>");
    told.answers("Say *that*");
    told.prompt("It breaks");
    told.fails("API Error: 500");
    let (server, ids) = served(&world, &told);
    let tab = Tab::open(&world, &server);
    let here = format!("/conversations/{}", ids[0]);
    assert_eq!(tab.page(&format!("{here}/markdown?part=prompt")), "Ask <this>");
    assert_eq!(tab.page(&format!("{here}/markdown?part=answer")), "Say *that*");
    let exported = server.client().get(&format!("/api/export?format=markdown&kind=all&id={}", ids[0])).text();
    assert_eq!(tab.page(&format!("{here}/markdown")), exported);
    let raw = tab.page(&format!("{here}/raw"));
    check(&raw, &["Ask &lt;this&gt;", "<b>Line</b>", "href=\"/api/conversations/"]);
    let failed = tab.page("/conversations/last");
    check(&failed, &["class=\"status failed\"", "API Error: 500", "It failed."]);
}

#[test]
fn deep_json_is_shown_in_pieces_and_given_out_as_it_is() {
    let world = World::new();
    let mut told = told();
    told.prompt("Go deep");
    let deep: Value = (0..60).fold(json!(1), |inner, _| json!([inner]));
    let input = json!({ "many": vec![deep; 20_000] });
    told.calls("mcp__x__y", &input, &"ok".into(), false, &json!({}));
    told.answers("Deep.");
    let (server, ids) = served(&world, &told);
    let tab = Tab::open(&world, &server);
    let call = format!("/conversations/{}/calls/0", ids[0]);
    for page in ["", "?part=input", "?part=input&from=70000", "?part=input&from=18446744073709551615"] {
        let page = tab.page(&format!("{call}{page}"));
        assert!(page.len() < 200_000, "{} bytes", page.len());
    }
    assert_eq!(tab.page(&format!("{call}?part=input&form=text")), input.to_string());
}

#[test]
fn of_what_is_large_the_page_says_how_large_it_is() {
    let world = World::new();
    let mut told = told();
    let long = "Look at everything. ".repeat(5_000);
    told.prompt("Ask others");
    told.agent("Explore", &long, "All is well", |told| told.bash("ls /sub", &long, false));
    told.agent("Explore", &format!("{long}Again."), "Still well", |_| {});
    told.writes("/a/b.txt", &long.repeat(20));
    told.writes("/a/c.txt", &long);
    told.answers("Well.");
    let (server, ids) = served(&world, &told);
    let tab = Tab::open(&world, &server);
    let here = format!("/conversations/{}", ids[0]);
    let page = tab.page(&here);
    assert!(page.len() < 100_000, "{} bytes", page.len());
    check(
        &page,
        &[
            "<span class=\"result\">2.0MB",
            "<code>/a/c.txt</code> <span class=\"result\">1 line",
            "<b class=\"tool\">Subagent",
            "<p>Well.</p>",
        ],
    );
    // Each stands behind the call that started it.
    let blocks: Vec<_> = page.split("<li class=\"block tool\"").skip(1).collect();
    let subagents: Vec<_> = blocks.iter().map(|block| block.matches("Open the subagent").count()).collect();
    assert_eq!(subagents, [1, 1, 0, 0], "{page}");
    let call = tab.page(&format!("{here}/calls/0"));
    assert!(call.len() < 200_000, "{} bytes", call.len());
    check(&call, &["Look at everything.", "all of the input", "All is well"]);
    assert_eq!(tab.page(&format!("{here}/markdown?part=answer")), "Well.");
}
