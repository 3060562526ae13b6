//! `list` and `search`: conversations in lines, those of a search with the places where the words were found.

use terminal::table::Table;
use terminal::text::{columns, one_line, visible};
use terminal::{Tone, paint};

use super::args::{List, Search};
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

pub(super) fn list(client: &Client, args: &List) -> Result<(), Error> {
    let mut query = args.filter.pairs(client)?;
    query.extend(args.r#in.clone().map(|places| ("in", places)));
    query.extend((!args.words.is_empty()).then(|| ("q", words(&args.words))));
    sorted(&mut query, args.sort.as_deref(), args.reverse);
    let found = Found::ask(client, "/api/conversations", &query, args.limit)?;
    if args.common.json {
        return found.print();
    }
    if found.is_empty() {
        return found.done().and_then(|()| nothing("nothing found"));
    }
    print(&rows(&found.read()?, args.sort.as_deref(), found.more(), terminal::width()))?;
    found.done()
}

pub(super) fn search(client: &Client, args: &Search) -> Result<(), Error> {
    let mut query = args.filter.pairs(client)?;
    query.push(("q", words(&args.words)));
    query.extend((!args.common.json).then(|| ("count", "true".to_owned())));
    query.extend(args.r#in.clone().map(|places| ("in", places)));
    sorted(&mut query, args.sort.as_deref(), args.reverse);
    let found = Found::ask(client, "/api/conversations", &query, args.limit)?;
    if args.common.json {
        return found.print();
    }
    if found.is_empty() {
        return found.done().and_then(|()| nothing("nothing found"));
    }
    print(&hits(&found.read()?, found.count, terminal::width(), Marking::here()))?;
    found.done()
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

fn sorted(query: &mut Pairs, sort: Option<&str>, reverse: bool) {
    query.extend(sort.map(|sort| ("sort", sort.to_owned())));
    query.extend(reverse.then(|| ("order", "asc".to_owned())));
}

fn rows(items: &[Item], sort: Option<&str>, more: bool, width: Option<u16>) -> String {
    // What it is sorted by is shown.
    let figure: Option<fn(&Item) -> String> = match sort {
        Some("cost") => Some(|item| item.cost_usd.map(page::usd).unwrap_or_default()),
        Some("tokens") => Some(|item| page::number(item.tokens)),
        Some("length") => Some(|item| page::number(item.prompt_length)),
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
    if more && width.is_some() {
        text.push_str(&paint(Tone::Quiet, "there are more: --limit N shows N of them"));
        text.push('\n');
    }
    text
}

fn hits(items: &[Item], count: Option<Count>, width: Option<u16>, marking: Marking) -> String {
    let width = width.map(usize::from);
    let mut text = String::new();
    for item in items {
        let facts = [page::time(&item.timestamp), one_line(&item.project_name, 40), page::signs(item)];
        let facts: Vec<_> = facts.into_iter().filter(|fact| !fact.is_empty()).collect();
        let id = format!("{:<6}", item.id);
        text.push_str(&format!("{} {}\n", paint(Tone::Strong, &id), paint(Tone::Quiet, &facts.join("  "))));
        let room = width.unwrap_or(LONGEST).min(LONGEST).saturating_sub(INDENT).max(NARROWEST);
        text.push_str(&format!("{:INDENT$}{}\n", "", one_line(&page::headline(item), room)));
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
        Some(Count { value, exact: true }) => format!("{shown} of {}: --limit N shows N of them", page::number(value)),
        Some(Count { value, exact: false }) => format!("{shown} of more than {}", page::number(value)),
        None => String::new(),
    };
    if !said.is_empty() && width.is_some() {
        text.push_str(&paint(Tone::Quiet, &said));
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
