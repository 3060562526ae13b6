//! The timeline: what its address says is what it shows, with the searches that are kept, and before the first prompt.

use harness::{SCENARIOS, Server, World};
use serde_json::json;

use super::Tab;

fn filled(world: &World) -> Server {
    world.projects(SCENARIOS[1]);
    world.import();
    world.serve()
}

/// The ids of the rows of a page.
fn rows(page: &str) -> Vec<i64> {
    let ids = page.split("data-id=\"").skip(1).filter_map(|rest| rest.split('"').next());
    ids.map(|id| id.parse().expect("an id")).collect()
}

/// What the list of the API holds for the same question.
fn listed(server: &Server, query: &str) -> Vec<i64> {
    let (status, list) = server.get(&format!("/api/conversations?{query}"));
    assert_eq!(status, 200, "{query}: {list}");
    list["items"].as_array().expect("items").iter().map(|item| item["id"].as_i64().expect("an id")).collect()
}

#[test]
fn a_page_shows_what_its_address_asks() {
    let world = World::new();
    let server = filled(&world);
    let tab = Tab::open(&world, &server);
    let all = listed(&server, "");
    assert!(all.len() > 2, "{all:?}");
    let said = json!({"rating": 4, "tags": ["a&b", "<i>"], "star": true});
    let path = format!("/api/conversations/{}/rating", all[0]);
    assert_eq!(server.client().json("PUT", &path, &said.to_string()).status, 200);
    let check = |query: &str, expected: &[&str]| {
        let page = tab.page(&format!("/?{query}"));
        assert_eq!(rows(&page), listed(&server, query), "{query}");
        for text in expected {
            assert!(page.contains(text), "{query} lacks {text}: {page}");
        }
    };
    check("", &["data-live=\"newest\"", "data-rating=\"4\"", "&lt;i&gt;", "href=\"/?tag=a%26b\""]);
    check("rating=%3E%3D4&star=true", &["rating ≥ 4", "href=\"/?star=true\"", "1 prompt<"]);
    check("tag=a%26b&order=asc", &["tag a&amp;b", "value=\"asc\" selected"]);
    check("q=bash", &["please use-<mark>bash</mark></a>", "value=\"bash\""]);
    check("q=hello&in=output", &["class=\"where\" href=\"/conversations/", ">output</a> <mark>hello</mark>"]);
    check("q=%22%3E%3Cscript%3E", &["value=\"&quot;&gt;&lt;script&gt;\"", "No prompts fit."]);
    check("limit=1&sort=length", &["rel=\"next\"", "by length"]);
    // The fields that a form leaves empty ask nothing.
    assert_eq!(rows(&tab.page("/?q=&project=&model=&in=note&sort=relevance")), all);
}

/// The box is searched while somebody types: half of the last word finds what the whole one finds, and nothing else is loose.
#[test]
fn the_word_that_is_being_typed_may_go_on() {
    let world = World::new();
    let mut told = harness::Told::begin(1, "/home/dev/acme", 1_793_491_200_000);
    for prompt in ["count the tidepool", "post the ledgers of may", "write the commit message"] {
        told.prompt(prompt);
        told.answers("Done.");
    }
    for (path, bytes) in told.files() {
        world.transcript(&path.to_string_lossy(), &bytes);
    }
    world.import();
    let server = world.serve();
    let tab = Tab::open(&world, &server);
    let check = |typed: &str, expected: usize| {
        let page = tab.page(&format!("/?q={}", harness::encode(typed)));
        assert_eq!(rows(&page).len(), expected, "{typed}: {page}");
        let counted = if expected == 1 { "1 prompt<".to_owned() } else { format!("{expected} prompts<") };
        assert!(expected == 0 || page.contains(&counted), "{typed}: {page}");
    };
    for typed in
        ["tide", "tidep", "tidepo", "tidepool", "led", "ledger", "ledgers", "count ti", "dgers", "\"the commit\" mes"]
    {
        check(typed, 1);
    }
    check("commit me", 1);
    for typed in ["ledgerl", "\"commit me", "\"commit me\"", "co ", "ti count", "\"tidep\""] {
        check(typed, 0);
    }
    let page = tab.page("/?q=tidep");
    assert!(page.contains("value=\"tidep\"") && page.contains("the <mark>tidepool</mark></a>"), "{page}");
    assert_eq!(listed(&server, "q=led").len(), 1, "a part of a word of a prompt");
    assert_eq!(listed(&server, "q=le").len(), 0, "the API takes a word as it is");
}

#[test]
fn every_page_of_the_list_leads_to_the_next() {
    let world = World::new();
    let server = filled(&world);
    let tab = Tab::open(&world, &server);
    let (mut path, mut seen) = ("/?limit=1".to_owned(), Vec::new());
    for _ in 0..20 {
        let page = tab.page(&path);
        seen.extend(rows(&page));
        let Some((_, rest)) = page.split_once("class=\"more\" rel=\"next\" href=\"") else { break };
        path = rest.split('"').next().expect("its end").replace("&amp;", "&");
    }
    assert_eq!(seen, listed(&server, ""));
}

#[test]
fn a_wrong_address_says_so_by_the_form() {
    let world = World::new();
    let server = filled(&world);
    let tab = Tab::open(&world, &server);
    let check = |query: &str, expected: &str| {
        let answer = tab.get(&format!("/?{query}"));
        let page = answer.text();
        assert_eq!(answer.status, 400, "{query}");
        assert!(page.contains(expected) && page.contains("id=\"filters\""), "{query}: {page}");
    };
    check("rating=9", "`rating` must be a number from 1 to 5");
    check("since=soon", "`since` must be a time");
    check("nothing=%3Cb%3E", "There is no parameter `nothing`");
    check("cursor=x", "`cursor` must be the `next_cursor`");
}

#[test]
fn scripts_are_left_out_where_the_browser_remembers_so() {
    let world = World::new();
    world.projects(SCENARIOS[1]);
    world.projects(SCENARIOS[0]);
    world.import();
    let server = world.serve();
    let mut tab = Tab::open(&world, &server);
    let (all, scripts) = (listed(&server, ""), listed(&server, "via=print,sdk"));
    assert!(!scripts.is_empty() && scripts.len() < all.len(), "{scripts:?} of {all:?}");
    assert_eq!(rows(&tab.page("/")), all);
    let answer = tab.post("/preferences", &[("scripts", "hidden")]);
    assert_eq!(answer.status, 303);
    tab.cookie.push_str("; prompt_manager_scripts=hidden");
    assert_eq!(rows(&tab.page("/")), listed(&server, "via=interactive,ide,desktop,unknown"));
    assert!(tab.page("/").contains("Scripts hidden"));
    assert_eq!(rows(&tab.page("/?via=print,sdk")), scripts);
}

#[test]
fn searches_are_kept_by_forms() {
    let world = World::new();
    let server = filled(&world);
    let tab = Tab::open(&world, &server);
    let views = || {
        let (_, views) = server.get("/api/views");
        let views = views["items"].as_array().expect("items").clone();
        views
            .iter()
            .map(|it| (it["id"].as_str().expect("an id").to_owned(), it["name"].as_str().expect("a name").to_owned()))
            .collect::<Vec<_>>()
    };
    let names = || views().into_iter().map(|(_, name)| name).collect::<Vec<_>>();
    let send = |fields: &[(&str, &str)]| tab.post("/views", fields).status;
    assert_eq!(send(&[("do", "add"), ("name", "Bash <b>"), ("query", "tool=Bash&q=a")]), 303);
    assert_eq!(names(), ["Bash <b>"]);
    let page = tab.page("/?q=a&tool=Bash");
    assert!(page.contains("href=\"/?tool=Bash&amp;q=a\" aria-current=\"page\">Bash &lt;b&gt;"), "{page}");
    assert!(page.contains("Change this view") && !page.contains("Save this view"), "{page}");
    assert!(tab.page("/?q=b").contains("Save this view"));
    let id = views()[0].0.clone();
    assert_eq!(send(&[("do", "rename"), ("of", &id), ("name", "Shell"), ("query", "tool=Bash&q=a")]), 303);
    assert_eq!(names(), ["Shell"]);
    assert_eq!(send(&[("do", "add"), ("name", "Shell"), ("query", "q=b")]), 409);
    assert_eq!(send(&[("do", "add"), ("name", "Bad"), ("query", "rating=9")]), 422);
    assert_eq!(send(&[("do", "delete"), ("name", "Shell"), ("query", "")]), 422, "of which?");
    assert_eq!(send(&[("do", "delete"), ("of", &views()[0].0), ("name", "Shell"), ("query", "")]), 303);
    assert_eq!(names(), [""; 0]);
}

#[test]
fn before_the_first_prompt_there_are_two_steps() {
    let world = World::new();
    let server = world.serve();
    let tab = Tab::open(&world, &server);
    let check = |what: &str| {
        let page = tab.page("/");
        for text in
            ["data-page=\"start\"", "prompt-manager setup hooks", "No ingester runs", "does not call the hook yet"]
        {
            assert!(page.contains(text), "{what} lacks {text}: {page}");
        }
    };
    check("without a database");
    world.ingest_once();
    check("an empty store");
    world.projects(SCENARIOS[1]);
    world.import();
    assert!(tab.page("/").contains("data-page=\"timeline\""));
}
