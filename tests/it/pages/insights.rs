//! The page of figures says what the API says, keeps its parameters, and gives its tables as files.

use harness::{SCENARIOS, World};

use super::Tab;

/// The texts between `before` and `after`.
fn between<'t>(text: &'t str, before: &str, after: &str) -> Vec<&'t str> {
    text.split(before).skip(1).filter_map(|rest| rest.split(after).next()).collect()
}

#[test]
fn figures_are_those_of_the_api() {
    let world = World::new();
    for scenario in SCENARIOS {
        world.projects(scenario);
    }
    world.import();
    let server = world.serve();
    let tab = Tab::open(&world, &server);
    let ids = server.items(&[]);
    tab.post(&format!("/conversations/{}/marks", ids[0]["id"]), &[("rating", "5")]);
    // The captured runs may be older than the span that is shown where none is said.
    let page = tab.page("/insights?since=1970-01-01&tz=UTC");
    let stats = server.get("/api/stats?tz=UTC").1;
    let all = &stats["total"]["conversations"];
    assert!(page.contains(&format!("<dt>Prompts</dt><dd>{all}<")), "{all} in {page}");
    for tool in stats["tools"].as_array().expect("a list").iter().take(12) {
        assert!(page.contains(&format!("&amp;tool={}\"", tool["name"].as_str().expect("a name"))), "{tool}: {page}");
    }
    let best = between(&page, "id=\"best\"", "</section>");
    assert!(best[0].contains(&format!("data-id=\"{}\"", ids[0]["id"])), "{best:?}");
    // Each picture says what it is, and each section that has one has a table and a file.
    for section in between(&page, "<section class=\"figure\"", "</section>") {
        for picture in between(section, "role=\"img\"", ">") {
            assert!(picture.starts_with(" aria-label=\"") && !picture.contains("aria-label=\"\""), "{picture}");
        }
    }
    let files = between(&page, "href=\"/insights/", "\"");
    assert!(files.len() >= 9, "{files:?}");
    for file in files {
        let path = format!("/insights/{}", file.replace("&amp;", "&"));
        assert!(path.ends_with("?since=1970-01-01&tz=UTC"), "{path}");
        let answer = tab.get(&path);
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/csv; charset=utf-8")), "{path}");
        let name = path.trim_start_matches("/insights/").split('?').next().expect("a name").to_owned();
        let as_file = format!("attachment; filename=\"prompt-manager-{name}\"");
        assert_eq!(answer.header("content-disposition"), Some(&*as_file));
    }
    let days = tab.page("/insights/days.csv?since=1970-01-01&tz=UTC");
    let counted: i64 = days.lines().skip(1).filter_map(|row| row.split(',').nth(1)?.parse::<i64>().ok()).sum();
    assert_eq!(counted, all.as_i64().expect("a number"));
}

#[test]
fn what_is_asked_stays_asked() {
    let world = World::new();
    world.projects(SCENARIOS[1]);
    world.import();
    let server = world.serve();
    let tab = Tab::open(&world, &server);
    // As its own form sends it, with what was left empty.
    let page = tab.page("/insights?project=a%26b%22%3E%3Cx&since=30d&until=&via=");
    assert!(page.contains("href=\"/insights?project=a%26b%22%3E%3Cx&amp;since=90d\""), "{page}");
    assert!(page.contains("aria-current=\"true\">30 days<") && !page.contains("<x"), "{page}");
    assert!(page.contains("Nothing was asked in this time."), "{page}");
    assert!(tab.page("/insights").contains("aria-current=\"true\">1 year<"));
    for (path, status) in [
        ("/insights?since=soon", 400),
        ("/insights?colour=red", 400),
        ("/insights/days.csv?since=soon", 400),
        ("/insights/none.csv", 404),
        ("/insights/days", 404),
    ] {
        assert_eq!(tab.get(path).status, status, "{path}");
    }
}

#[test]
fn an_empty_store_has_a_page_too() {
    let world = World::new();
    world.ingest_once();
    let server = world.serve();
    let page = Tab::open(&world, &server).page("/insights");
    assert!(page.contains("Nothing was asked in this time."), "{page}");
}
