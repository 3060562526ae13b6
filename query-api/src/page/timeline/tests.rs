//! The markup of a small timeline, and what depends on its address.

use super::*;
use crate::page::sample::{head, item};
use crate::view::{Head, Item, Match, Piece, ToolSummary};

fn page(items: Vec<Item<'_>>) -> Page<'_> {
    Page { items, next_cursor: None, count: None, ranked: None, sessions_to_derive_again: None }
}

/// The page, a line for each element.
fn shown(query: &str, page: &Page<'_>, count: Count) -> String {
    let (asked, names, views) = (Asked::read(query), Names::default(), Views { items: Vec::new() });
    let visitor = Visitor::of_tests(&asked.href("/"));
    let found = Ok(Found { page, count });
    let it = Timeline { asked: &asked, visitor: &visitor, names: &names, views: &views, found };
    it.main().into_string().replace("><", ">\n<")
}

/// Whatever is in the store stays text.
#[test]
fn a_small_timeline() {
    let tags = ["keep".to_owned(), "\"><b>".to_owned()];
    let piece = |text, r#match| Piece { text, r#match };
    let snippet = vec![piece("please ", false), piece("load", true), piece("<script>", false)];
    let call = |name, error| ToolSummary { id: None, name, error, duration_ms: None };
    let plain = item(Head {
        response_text: Some("It\nis <i>done</i>."),
        tokens: 12_345,
        ..head(2, Some("<script>alert(1)</script> please"))
    });
    let marked = Head { rating: Some(4), star: true, tags: &tags, notes: Some("n".into()), ..head(1, None) };
    let rich = Item {
        tool_calls: vec![call("Bash", true), call("Bash", false), call("<img src=x>", false)],
        session_title: Some("A \u{202e}title"),
        matches: Some(vec![Match { r#in: "answer", tool_call_id: None, block: None, snippet }]),
        ..item(Head { kind: "command", via: "sdk", status: "interrupted", has_error: true, ..marked })
    };
    let page =
        Page { next_cursor: Some("c&d".into()), sessions_to_derive_again: Some(1_200), ..page(vec![plain, rich]) };
    let shown = shown("q=load&tag=keep&session_id=s", &page, Count { value: 2, exact: true });
    let rows = shown.split_once("id=\"count\"").expect("the count").1;
    insta::assert_snapshot!(rows);
}

#[test]
fn what_is_live_and_what_is_not() {
    let check = |query: &str, expected: bool| {
        let shown = shown(query, &page(Vec::new()), Count { value: 0, exact: true });
        assert_eq!(shown.contains("data-live=\"newest\""), expected, "{query}");
    };
    check("", true);
    check("q=a&tag=b", true);
    check("sort=time&order=desc", true);
    check("order=asc", false);
    check("sort=cost", false);
    check("cursor=c", false);
}

#[test]
fn what_stands_where_no_row_does() {
    let check = |query: &str, more: bool, expected: &str| {
        let page = Page { next_cursor: more.then(|| "c".to_owned()), ..page(Vec::new()) };
        let shown = shown(query, &page, Count { value: 0, exact: !more });
        assert!(shown.contains(expected), "{query}: {shown}");
    };
    check("", false, "No prompts here yet.");
    check("q=a", false, "No prompts fit. <a href=\"/\">Show everything</a>");
    check("q=a", true, "Nothing so far. There is more to look through.");
}

#[test]
fn counts() {
    let check = |value, exact, expected: &str| assert_eq!(counted(Count { value, exact }), expected);
    check(0, true, "0 prompts");
    check(1, true, "1 prompt");
    check(1234, true, "1\u{202f}234 prompts");
    check(10_000, false, "more than 10\u{202f}000 prompts");
    check(37, false, "37 prompts or more");
    check(0, false, "");
}
