//! What a list found: its pages, asked for one behind the other until there is enough, with a word for whoever waits long, who may
//! end it and keeps what was found until then.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use serde_json::value::RawValue;

use terminal::figure;

use super::client::{Client, Pairs};
use super::shape::{Count, Page};
use super::{Error, hint, print_json};

/// The longest page that the API gives.
const PAGE: u32 = 200;
/// So long nobody asks what takes so long.
const PATIENCE: Duration = Duration::from_secs(1);

/// Pages of a list, one behind the other; items as the API sent them.
pub(super) struct Found {
    items: Vec<Box<RawValue>>,
    next_cursor: Option<String>,
    pub(super) count: Option<Count>,
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
            let waiting = figure::number(self.older);
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
