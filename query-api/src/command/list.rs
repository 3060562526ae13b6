//! `list` and `search`: conversations in lines, those of a search with the places where the words were found.

use terminal::table::Table;
use terminal::text::{columns, one_line, visible};
use terminal::{Tone, figure, paint};

use super::args::{List, Order, Search};
use super::client::{Client, Pairs};
use super::found::Found;
use super::shape::{Count, Item};
use super::snippet::{self, Marking};
use super::{Error, nothing, page, print};

/// What stands below a conversation of a search stands so far in.
const INDENT: usize = 4;
/// A line of a search is no longer where there is no terminal, but for the places that were found.
const LONGEST: usize = 400;
/// However narrow a terminal is, a text gets so many columns.
const NARROWEST: usize = 20;
/// A project keeps so many where others leave it none.
const SHORTEST: usize = 8;

pub(super) fn list(client: &Client, args: &List) -> Result<(), Error> {
    let mut query = args.filter.pairs(client)?;
    query.extend((!args.words.is_empty()).then(|| ("q", words(&args.words))));
    let Some(found) = found(client, query, &args.order, args.limit, args.common.json)? else { return Ok(()) };
    print(&rows(&found.read()?, args.order.sort.as_deref(), found.more(), terminal::width()))?;
    found.done()
}

pub(super) fn search(client: &Client, args: &Search) -> Result<(), Error> {
    let mut query = args.filter.pairs(client)?;
    query.push(("q", words(&args.words)));
    query.extend((!args.common.json).then(|| ("count", "true".to_owned())));
    let Some(found) = found(client, query, &args.order, args.limit, args.common.json)? else { return Ok(()) };
    print(&hits(&found.read()?, found.count, terminal::width(), Marking::here()))?;
    found.done()
}

/// What there is to show; `None` if it is told already, as JSON or because it is nothing.
fn found(client: &Client, mut query: Pairs, order: &Order, limit: u32, json: bool) -> Result<Option<Found>, Error> {
    query.extend(order.r#in.clone().map(|places| ("in", places)));
    query.extend(order.sort.clone().map(|sort| ("sort", sort)));
    query.extend(order.reverse.then(|| ("order", "asc".to_owned())));
    let found = Found::ask(client, "/api/conversations", &query, limit)?;
    if json {
        return found.print().map(|()| None);
    }
    if found.is_empty() {
        return found.done().and_then(|()| nothing("nothing found")).map(|()| None);
    }
    Ok(Some(found))
}

/// What was typed in several words is one search. A word that the shell took the quotes from is a phrase again.
fn words(typed: &[String]) -> String {
    let quoted = |word: &String| {
        let phrase = typed.len() > 1 && word.contains(char::is_whitespace) && !word.contains('"');
        if phrase { format!("\"{word}\"") } else { word.clone() }
    };
    typed
        .iter()
        .map(|word| word.strip_prefix(" -").map_or_else(|| quoted(word), |not| format!("-{not}")))
        .collect::<Vec<_>>()
        .join(" ")
}

fn rows(items: &[Item], sort: Option<&str>, more: bool, width: Option<u16>) -> String {
    // What it is sorted by is shown.
    let figure: Option<fn(&Item) -> String> = match sort {
        Some("cost") => Some(|item| item.cost_usd.map(figure::usd).unwrap_or_default()),
        Some("tokens") => Some(|item| figure::number(item.tokens)),
        Some("length") => Some(|item| figure::number(item.prompt_length)),
        _ => None,
    };
    let mut heads = vec!["id", "when", "", "project", "prompt"];
    if figure.is_some() {
        heads.insert(2, sort.unwrap_or_default());
    }
    let mut table = Table::new(&heads, width).right(0).cut(heads.len() - 1);
    if figure.is_some() {
        table = table.right(2);
    }
    for item in items {
        let project = one_line(&item.project_name, 20);
        let (id, time) = (item.id.to_string(), page::time(&item.timestamp));
        let figure = figure.map(|figure| figure(item));
        let rest = [page::signs(item), project, page::headline(item)];
        table.row([id, time].into_iter().chain(figure).chain(rest));
    }
    let mut text = table.to_string();
    if width.is_some_and(|width| text.lines().any(|line| columns(line) > usize::from(width))) {
        // Side by side they do not fit.
        let block = |item: &Item| block(item, figure.map(|figure| figure(item)).as_deref(), width.map(usize::from));
        text = items.iter().map(block).collect();
    }
    if let Some(width) = width.filter(|_| more) {
        let said = one_line("more: --limit N shows N of them", usize::from(width));
        text.push_str(&paint(Tone::Quiet, &said));
        text.push('\n');
    }
    text
}

/// One above the other: what is known of a conversation, and its prompt.
fn block(item: &Item, figure: Option<&str>, width: Option<usize>) -> String {
    let width = width.unwrap_or(LONGEST).min(LONGEST);
    let id = format!("{:<6}", item.id);
    let room = width.saturating_sub(columns(&id) + 1);
    let facts = |project: String| {
        let facts = [page::time(&item.timestamp), figure.unwrap_or_default().to_owned(), project, page::signs(item)];
        facts.into_iter().filter(|fact| !fact.is_empty()).collect::<Vec<_>>().join("  ")
    };
    let left = room.saturating_sub(columns(&facts(String::new())) + 2);
    let mut facts = facts(one_line(&item.project_name, left.clamp(SHORTEST, 40)));
    if columns(&facts) > room {
        facts = one_line(&facts, room);
    }
    let prompt = one_line(&page::headline(item), width.saturating_sub(INDENT).max(NARROWEST));
    format!("{} {}\n{:INDENT$}{prompt}\n", paint(Tone::Strong, &id), paint(Tone::Quiet, &facts), "")
}

fn hits(items: &[Item], count: Option<Count>, width: Option<u16>, marking: Marking) -> String {
    let width = width.map(usize::from);
    let mut text = String::new();
    for item in items {
        text.push_str(&block(item, None, width));
        for found in &item.matches {
            let place = format!("{}:", visible(&found.r#in));
            let room = width.map(|width| width.saturating_sub(INDENT + columns(&place) + 1).max(NARROWEST));
            let marked = snippet::line(&found.snippet, room, marking);
            text.push_str(&format!("{:INDENT$}{} {marked}\n", "", paint(Tone::Quiet, &place)));
        }
    }
    let shown = items.len() as u64;
    let said = match count {
        Some(Count { value, exact: true }) if value == shown => String::new(),
        Some(Count { value, exact: true }) => {
            format!("{shown} of {}: --limit N shows N of them", figure::number(value))
        }
        Some(Count { value, exact: false }) => format!("{shown} of more than {}", figure::number(value)),
        None => String::new(),
    };
    if let Some(width) = width.filter(|_| !said.is_empty()) {
        text.push_str(&paint(Tone::Quiet, &one_line(&said, width)));
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_words() {
        let check = |typed: &[&str], expected: &str| {
            let typed: Vec<_> = typed.iter().map(|word| (*word).to_owned()).collect();
            assert_eq!(words(&typed), expected);
        };
        check(&["a"], "a");
        check(&["a b"], "a b");
        check(&["a b", "c"], "\"a b\" c");
        check(&["\"a b\"", "-c"], "\"a b\" -c");
        check(&["a", " -c d"], "a -c d");
    }

    #[test]
    fn lines_fit_a_terminal() {
        let check = |project: &str, timestamp: &str, sort: Option<&str>, width: u16, lines: usize| {
            let item = serde_json::json!({"id": 1234, "timestamp": timestamp, "kind": "human", "status": "open",
                "prompt_text": "add a test of the parser", "project_name": project, "tags": ["keep"], "notes": "n",
                "rating": 4, "star": true, "has_error": true, "tokens": 12_345_678});
            let items: Vec<Item> = vec![serde_json::from_value(item).unwrap()];
            for text in [rows(&items, sort, true, Some(width)), hits(&items, None, Some(width), Marking::Colour)] {
                let plain = terminal::plain(&text);
                assert!(plain.lines().all(|line| columns(line) <= usize::from(width)), "{width}:\n{plain}");
                assert!(plain.contains("[keep] add a") && plain.contains("1234"), "{plain}");
            }
            let listed = rows(&items, sort, false, Some(width));
            assert_eq!(listed.lines().count(), lines, "{listed}");
        };
        let (day, old) = ("2020-11-22T12:35:59.735Z", "1999-01-01T00:00:00Z");
        check("acme", day, None, 40, 2);
        check("serverless-plugins", day, None, 40, 2);
        check("serverless-plugins", old, Some("tokens"), 40, 2);
        check("serverless-plugins", day, None, 60, 2);
        check("serverless-plugins", day, Some("tokens"), 80, 2);
    }

    /// What other people's texts hold must not reach the terminal as commands.
    #[test]
    fn hostile_texts_are_shown() {
        let evil = "\u{1b}]52;c;ZXZpbA==\u{7}\u{1b}[2J\u{202e}x\r\n\u{9b}31m";
        let item = serde_json::json!({"id": 1, "timestamp": evil, "kind": evil, "status": "open", "prompt_text": evil,
            "project_name": evil, "tags": [evil], "notes": evil, "has_error": false, "star": false,
            "matches": [{"in": evil, "snippet": [{"text": evil, "match": true}, {"text": evil, "match": false}]}]});
        let items: Vec<Item> = vec![serde_json::from_value(item).unwrap()];
        for text in [
            rows(&items, None, true, Some(80)),
            rows(&items, Some("cost"), true, None),
            hits(&items, None, Some(80), Marking::Colour),
        ] {
            let plain = terminal::plain(&text);
            assert_eq!(plain.replace('\n', ""), terminal::text::visible(&plain.replace('\n', "")), "{plain:?}");
            assert!(!text.contains("\u{1b}]") && !text.contains("\u{1b}[2J") && !text.contains('\r'), "{text:?}");
        }
    }
}
