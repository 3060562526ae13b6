//! The library: what is worth keeping, found, grouped, copied as it was typed and exported.

use harness::{SCENARIOS, World};
use serde_json::json;

use super::Tab;

#[test]
fn what_is_worth_keeping_is_found_copied_and_exported() {
    let world = World::new();
    let odd = "Say \u{7}<b>it</b>\n\n  twice,\tplease";
    world.projects(SCENARIOS[1]);
    let line = json!({
        "type": "user", "uuid": "11111111-0000-4000-8000-000000000000", "parentUuid": null, "isSidechain": false,
        "timestamp": "2026-10-01T09:00:00.000Z", "sessionId": "5c1d4b1e-0000-4000-8000-00000000000b", "userType": "external",
        "cwd": "/home/dev/acme", "version": "2.1.330", "promptId": "11111111-0000-4000-8000-000000000000",
        "message": { "role": "user", "content": odd },
    });
    world.transcript("-home-dev-acme/5c1d4b1e-0000-4000-8000-00000000000b.jsonl", format!("{line}\n").as_bytes());
    world.import();
    let server = world.serve();
    let tab = Tab::open(&world, &server);
    assert!(tab.page("/library").contains("Nothing is kept yet."));

    let all = server.items(&[]);
    let id = |item: &serde_json::Value| item["id"].as_i64().expect("an id");
    let mine = id(all.iter().find(|item| item["prompt_text"] == odd).expect("the odd one"));
    let other = all.iter().map(id).find(|id| *id != mine).expect("another");
    let path = format!("/conversations/{mine}/marks");
    assert_eq!(tab.post(&path, &[("tags", "twice, keep")]).status, 303);
    assert_eq!(tab.post(&format!("/conversations/{other}/marks"), &[("rating", "3")]).status, 303);
    let shown = |query: &str| {
        let page = tab.page(&format!("/library{query}"));
        page.matches(&format!("<li data-id=\"{mine}\">")).count()
            + 10 * page.matches(&format!("<li data-id=\"{other}\">")).count()
    };
    assert_eq!(shown(""), 2, "in each of its groups, and a 3 is not kept");
    assert_eq!(shown("?group=project"), 1);
    assert_eq!(tab.post(&format!("/conversations/{other}/marks"), &[("rating", "4")]).status, 303);
    assert_eq!(shown("?group=rating"), 11);
    assert_eq!(shown("?group=month&q=twice"), 1);
    assert_eq!(tab.get("/library?group=size").status, 400);
    assert_eq!(tab.get("/library?q=%22").status, 200);

    let copied = tab.get(&format!("/conversations/{mine}/markdown?part=prompt"));
    assert_eq!(copied.text(), odd);
    let page = tab.page("/library");
    assert!(page.contains("Say \u{2407}&lt;b&gt;it&lt;/b&gt;\n\n  twice,\tplease"), "{page}");

    let exported = |query: &str| tab.get(&format!("/api/export?kept=true&format=jsonl{query}")).text().lines().count();
    let (all, one) = (exported(""), exported(&format!("&id={mine}")));
    assert!(all > one && one > 0, "{all} lines of all, {one} of one");
}
