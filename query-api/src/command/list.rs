//! `list` and `search`: conversations in lines, those of a search with the places where the words were found.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use serde_json::value::RawValue;
use terminal::table::Table;
use terminal::text::{columns, one_line, visible};
use terminal::{Tone, paint};

use super::args::{List, Search};
use super::client::{Client, Pairs};
use super::shape::{Count, Item, Page};
use super::snippet::{self, Marking};
use super::{Error, hint, nothing, page, print, print_json};

/// The longest page that the API gives.
const PAGE: u32 = 200;
/// So long nobody asks what takes so long.
const PATIENCE: Duration = Duration::from_secs(1);
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

/// Pages of a list, one behind the other; items as the API sent them.
pub(super) struct Found {
    items: Vec<Box<RawValue>>,
    next_cursor: Option<String>,
    count: Option<Count>,
    /// The answer, where it came in one.
    answer: Option<Vec<u8>>,
    /// How many sessions newer rules have yet to derive.
    older: u64,
    /// Whether somebody had enough before it was looked everywhere.
    interrupted: bool,
}

impl Found {
    /// At most `limit` items.
    pub(super) fn ask(client: &Client, path: &str, query: &Pairs, limit: u32) -> Result<Self, Error> {
        let mut found =
            Self { items: Vec::new(), next_cursor: None, count: None, answer: None, older: 0, interrupted: false };
        let mut progress = Progress::begin();
        let mut pressed = None;
        loop {
            let left = limit.saturating_sub(u32::try_from(found.items.len()).unwrap_or(u32::MAX));
            let mut query = query.clone();
            query.push(("limit", left.min(PAGE).to_string()));
            query.extend(found.next_cursor.clone().map(|cursor| ("cursor", cursor)));
            // The first page is there soon, and till then Ctrl-C ends the program as any other.
            let answer = match &mut pressed {
                None => Some(client.get(path, &query)?),
                Some(pressed) => client.get_until(path, &query, pressed)?,
            };
            let Some(answer) = answer else {
                found.interrupted = true;
                return Ok(found);
            };
            let page: Page<Box<RawValue>> = answer.read()?;
            found.answer = found.items.is_empty().then_some(answer.bytes);
            found.count = found.count.or(page.count);
            found.older = page.sessions_to_derive_again.unwrap_or(0);
            found.items.extend(page.items);
            found.next_cursor = page.next_cursor;
            if found.next_cursor.is_none() || found.items.len() >= limit as usize {
                return Ok(found);
            }
            progress.tell(found.items.len());
            if pressed.is_none() {
                pressed = Some(client.interrupts()?);
            }
        }
    }

    /// Says what may be missing, if something may.
    pub(super) fn done(&self) -> Result<(), Error> {
        if self.older > 0 {
            let waiting = page::number(self.older);
            hint(&format!(
                "{waiting} sessions wait to be derived by newer rules: until then a search may miss what is theirs"
            ));
        }
        self.whole()
    }

    /// An error if it was ended before it had looked everywhere.
    pub(super) fn whole(&self) -> Result<(), Error> {
        if self.interrupted { Err(Error::Interrupted(self.items.len())) } else { Ok(()) }
    }

    /// Whether there is nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Whether there is more.
    pub(super) fn more(&self) -> bool {
        self.next_cursor.is_some()
    }

    /// The items as they are needed.
    pub(super) fn read<T: serde::de::DeserializeOwned>(&self) -> Result<Vec<T>, Error> {
        self.items
            .iter()
            .map(|item| serde_json::from_str(item.get()))
            .collect::<Result<_, _>>()
            .map_err(|error| Error::Answer { path: "/api/conversations".to_owned(), detail: error.to_string() })
    }

    /// As the API answers; several pages as one long one. Where it was ended before, `next_cursor` says from where it goes on.
    pub(super) fn print(&self) -> Result<(), Error> {
        let text = match &self.answer {
            Some(answer) => String::from_utf8_lossy(answer).into_owned(),
            None => serde_json::json!({"items": self.items, "next_cursor": self.next_cursor}).to_string(),
        };
        print_json(&text)?;
        self.whole()
    }
}

/// A line for whoever waits at a terminal while a list is looked for page by page: what is rare may stand far back.
struct Progress {
    begun: Instant,
    told: bool,
}

impl Progress {
    fn begin() -> Self {
        Self { begun: Instant::now(), told: false }
    }

    fn tell(&mut self, found: usize) {
        let waited = self.begun.elapsed();
        if waited >= PATIENCE && std::io::stderr().is_terminal() {
            self.told = true;
            let _ = write!(
                std::io::stderr(),
                "\rlooking further, {} s; {found} found; Ctrl-C ends it\x1b[K",
                waited.as_secs()
            );
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.told {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
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

    /// Nothing on any page and always another one: what was found until somebody had enough is kept.
    #[test]
    fn a_long_walk_can_be_ended() {
        use axum::routing::get;
        use std::sync::atomic::{AtomicUsize, Ordering};
        static ASKED: AtomicUsize = AtomicUsize::new(0);
        let page = async || {
            let items = if ASKED.fetch_add(1, Ordering::SeqCst) == 1 { "{\"id\": 7}" } else { "" };
            tokio::task::yield_now().await;
            format!("{{\"items\": [{items}], \"next_cursor\": \"more\"}}")
        };
        let client = Client::of(axum::Router::new().route("/pages", get(page))).unwrap();
        let person = std::thread::spawn(|| {
            while ASKED.load(Ordering::SeqCst) < 3 {
                std::thread::sleep(Duration::from_millis(1));
            }
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::INT).unwrap();
        });
        let found = Found::ask(&client, "/pages", &Pairs::new(), 20).unwrap();
        person.join().unwrap();
        assert_eq!((found.items.len(), found.next_cursor.as_deref()), (1, Some("more")));
        let error = found.done().unwrap_err();
        assert_eq!((error.to_string().contains("found until then: 1"), error.exit_code()), (true, 130.into()));
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
