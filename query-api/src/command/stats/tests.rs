//! What the page shows, and that it fits.

use super::*;

/// Days around a month's end, more models than a page shows, and names that somebody else chose.
fn figures(name: &str) -> Stats {
    let used = serde_json::json!({"messages": 1234, "input_tokens": 2_345_678, "output_tokens": 123_456,
        "cache_creation_tokens": 3_456_789, "cache_read_tokens": 123_456_789, "cost_usd": 12.345, "unpriced_messages": 3});
    let with = |more: serde_json::Value| {
        let mut all = used.clone();
        all["conversations"] = 345.into();
        all["failed"] = 67.into();
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    let day = |day: &str, conversations: u64| with(serde_json::json!({"day": day, "conversations": conversations}));
    let mut hours = [[0; 24]; 7];
    (hours[0][9], hours[6][9], hours[4][23]) = (12, 3, 1);
    let models: Vec<_> = (0..9).map(|at| with(serde_json::json!({"model": format!("{name}-{at}")}))).collect();
    let stats = serde_json::json!({
        "zone": "UTC", "total": with(serde_json::json!({})),
        "days": [day("2026-09-01", 9999), day("2026-10-28", 3), day("2026-10-31", 12), day("2026-11-02", 24), day("2026-11-22", 1)],
        "hours": hours, "models": models,
        "projects": [with(serde_json::json!({"project": format!("/home/dev/{name}")})),
            with(serde_json::json!({"project": null, "unpriced_messages": 1234}))],
        "tools": [{"name": name, "calls": 100, "failures": 25, "measured": 3, "median_ms": 372, "p95_ms": 65_000},
            {"name": "Read", "calls": 3, "failures": 0, "measured": 0, "median_ms": null, "p95_ms": null}],
        "commands": [{"command": name, "uses": 12}, {"command": "git", "uses": 5}],
        "ratings": {"count": 5, "mean": 3.4, "by_rating": [1, 0, 0, 1, 3],
            "days": [{"day": "2026-11-03", "count": 5, "mean": 3.4}]},
        "prompt_lengths": [{"from": 0, "below": 10, "prompts": 3}, {"from": 10, "below": null, "prompts": 300}],
        "completeness": {"both": 300, "hook_only": 40, "transcript_only": 5},
        "sessions_to_derive_again": 0,
    });
    serde_json::from_value(stats).unwrap()
}

fn thursday() -> NaiveDate {
    "2026-11-26".parse().unwrap()
}

#[test]
fn a_page() {
    insta::assert_snapshot!(terminal::plain(&whole(&figures("claude-sonnet-4-5"), thursday(), Some(80))));
}

#[test]
fn tables_of_one_figure() {
    let stats = figures("claude-sonnet-4-5");
    let tables = [By::Day, By::Hour, By::Model, By::Project, By::Tool, By::Command, By::Rating, By::Length];
    insta::assert_snapshot!(tables.map(|by| one(&stats, by, Some(80))).join("\n"));
}

#[test]
fn everything_fits_and_nothing_moves_the_cursor() {
    let hostile = "\u{1b}]52;c;ZXZpbA==\u{7}\u{1b}[2J\u{202e}x\r\n\u{9b}31m ".to_owned() + &"名前 long ".repeat(40);
    let stats = figures(&hostile);
    let by = [By::Day, By::Hour, By::Model, By::Project, By::Tool, By::Command, By::Rating, By::Length];
    let shown = by.map(|by| one(&stats, by, Some(80))).into_iter().chain([whole(&stats, thursday(), Some(80))]);
    for text in shown {
        let plain = terminal::plain(&text);
        assert_eq!(plain.replace('\n', ""), terminal::text::visible(&plain.replace('\n', "")), "{plain:?}");
        assert!(!text.contains("\u{1b}]") && !text.contains("\u{1b}[2J"), "{text:?}");
        for line in plain.lines() {
            assert!(terminal::text::columns(line) <= 80, "{line}\n{plain}");
        }
    }
}

#[test]
fn weeks_that_were_quiet() {
    let check = |days: &[&str], expected: &str| {
        let mut stats = figures("m");
        stats.days.retain(|day| days.contains(&day.day.to_string().as_str()));
        assert_eq!(terminal::plain(&weeks(&stats, thursday())).lines().skip(1).collect::<Vec<_>>().join("|"), expected);
    };
    check(&[], "");
    check(&["2026-09-01"], "");
    check(&["2026-11-22"], "······█ ····|Nov 16  Nov 23|");
}
