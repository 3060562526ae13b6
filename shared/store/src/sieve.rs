//! What may not come into the ground: lines and files that were forgotten on request, and what a mask hides.
//!
//! Everything that becomes a row of the ground goes through one sieve, whichever way it came: a hook, a sweep, an import, a
//! rebuild from the archive. Bytes are overwritten by as many blanks, so that every place in a file keeps its meaning.
//!
//! ```text
//! bytes of a file ──feed: whole lines──▶ marks of each record ── forgotten? ──▶ blanks
//!                                                             └─ a mask?    ──▶ its own signs
//! ```

mod event;
mod feed;
mod mark;
mod same;
mod time;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use crate::human::Title;
use crate::json::pieces::{self, Piece, readable};
use crate::write::{LeftOut, Role};

pub(crate) use event::Told;
pub use feed::{AROUND, End, Feed};
pub use mark::{Known, Signs};
pub(crate) use mark::{Mark, file_mark, hash, title_mark};
use mark::{Record, When, unreadable};
pub use same::{count_same, is_masked, same_bytes, same_text};

/// What a person does not want taken in.
pub trait Guard: Send + Sync {
    /// Whether it hides anything at all.
    fn hides(&self) -> bool;
    /// Hides parts of a JSON document, or of a line of them, by as many other bytes. Whether there were any.
    fn hide_in_json(&self, bytes: &mut [u8]) -> bool;
    /// Hides parts of a text of any bytes. Whether there were any. It may be a piece, of which the first and the last [`AROUND`]
    /// bytes are only there to be seen with the others.
    fn hide_in_text(&self, bytes: &mut [u8]) -> bool;
    /// Whether what was typed in this folder, in this session, stays out.
    fn leaves_out(&self, _project: &str, _session_id: &str) -> bool {
        false
    }
    /// The patterns by which sessions are ignored that began in some folder.
    fn patterns(&self) -> &[String] {
        &[]
    }
}

/// Whose bytes they are.
#[derive(Clone, Debug)]
pub struct Of {
    /// What kind of file.
    pub role: Role,
    /// Its session.
    pub session_id: String,
    /// Its name, without folders.
    pub name: String,
}

impl Of {
    /// Of a file at `path`.
    pub fn new(role: Role, session_id: &str, path: &str) -> Self {
        let name = path.rsplit('/').next().unwrap_or(path).to_owned();
        Self { role, session_id: session_id.to_owned(), name }
    }

    /// Whether it is made of lines that can be told from one another.
    fn has_lines(&self) -> bool {
        matches!(self.role, Role::Main | Role::Subagent | Role::History)
    }
}

/// What was forgotten, and what is not wanted.
#[derive(Clone, Default)]
pub struct Sieve {
    /// Up to which row of the tombstones it knows.
    pub(crate) until: i64,
    pub(crate) ids: HashSet<Mark>,
    /// Keyed with a secret; with the time of forgetting, in milliseconds since 1970.
    pub(crate) texts: HashMap<Mark, i64>,
    /// With the time of forgetting too.
    pub(crate) prompts: HashMap<Mark, i64>,
    pub(crate) secrets: Vec<[u8; 32]>,
    pub(crate) guard: Option<Arc<dyn Guard>>,
    /// Sessions that began where something is ignored.
    pub(crate) left_out: HashSet<LeftOut>,
}

impl fmt::Debug for Sieve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sieve")
            .field("until", &self.until)
            .field("guards", &self.guard.is_some())
            .finish_non_exhaustive()
    }
}

impl Sieve {
    /// Whether everything goes through as it is.
    pub(crate) fn is_open(&self, of: &Of) -> bool {
        let is_guarded = self.hiding().is_some() || of.role == Role::History && self.guard.is_some();
        let may_be_forgotten = if of.has_lines() { self.knows_lines() } else { self.is_file_forgotten(of) };
        !(is_guarded || may_be_forgotten)
    }

    /// Whether it hides anything at all of what is not forgotten.
    pub fn hides(&self) -> bool {
        self.hiding().is_some()
    }

    fn hiding(&self) -> Option<&dyn Guard> {
        self.guard.as_deref().filter(|guard| guard.hides())
    }

    fn knows_lines(&self) -> bool {
        !self.ids.is_empty() || !self.texts.is_empty()
    }

    /// Blanks what may not come in of a line. Whether anything was changed.
    pub(crate) fn line(&self, of: &Of, line: &mut [u8]) -> bool {
        let mut blank = Vec::new();
        if self.knows_lines() || of.role == Role::History {
            pieces::each(&readable(line), true, |piece| {
                let (at, text, record) = match piece {
                    Piece::Value(at, text) => (at, text, Record::read(of, text)),
                    Piece::Unreadable(at, text) => (at, text, None),
                };
                let is_forgotten = match record {
                    Some(record) => self.is_forgotten(&record),
                    None => self.is_known(unreadable(of, text)).is_some(),
                };
                if is_forgotten {
                    blank.push(at..at + text.trim_end().len());
                }
            });
        }
        for range in &blank {
            line[range.clone()].fill(b' ');
        }
        let hidden = self.hiding().is_some_and(|guard| hide(guard, line));
        hidden || !blank.is_empty()
    }

    /// Whether a file that has no lines was forgotten as a whole.
    pub(crate) fn is_file_forgotten(&self, of: &Of) -> bool {
        !of.has_lines() && self.has_mark(|secret| file_mark(secret, of))
    }

    /// Whether a title was forgotten; a person may give the same one later.
    pub(crate) fn is_title_forgotten(&self, title: &Title) -> bool {
        let Some(text) = &title.title else { return false };
        let until_ms = |secret| self.texts.get(&title_mark(secret, &title.user_session_id, text));
        self.secrets.iter().filter_map(until_ms).any(|until_ms| title.stamp.created_ms <= *until_ms)
    }

    fn is_forgotten(&self, record: &Record<'_>) -> bool {
        self.is_left_out(record)
            || record.uuids().any(|uuid| self.is_known(uuid).is_some())
            || self.is_known(record.content()).is_some()
            || record.repeats().is_some_and(|(text, when)| {
                self.is_known(text).is_some_and(|until_ms| match when {
                    When::Any => true,
                    When::At(at_ms) => at_ms <= until_ms,
                })
            })
    }

    fn is_left_out(&self, record: &Record<'_>) -> bool {
        let Some((project, session)) = record.typed_in() else { return false };
        self.guard.as_ref().is_some_and(|guard| {
            guard.leaves_out(&project, &session)
                || guard.patterns().iter().any(|pattern| self.left_out.contains(&LeftOut::new(&session, pattern)))
        })
    }

    /// Until when it is forgotten; of what has an id that does not matter.
    fn is_known(&self, known: Known) -> Option<i64> {
        match known {
            Known::Id(id) => self.ids.contains(&id).then_some(i64::MAX),
            Known::Text(_) if self.texts.is_empty() => None,
            Known::Text(_) => self.secrets.iter().find_map(|secret| self.texts.get(&known.mark(secret)).copied()),
        }
    }

    fn has_mark(&self, mark: impl Fn(&[u8; 32]) -> Mark) -> bool {
        !self.texts.is_empty() && self.secrets.iter().any(|secret| self.texts.contains_key(&mark(secret)))
    }

    /// A payload without what is to be hidden; `None` if there is nothing of that in it.
    pub fn masked(&self, payload: &[u8]) -> Option<Vec<u8>> {
        let mut masked = payload.to_vec();
        self.hiding()?.hide_in_json(&mut masked).then_some(masked)
    }
}

/// Hides in each piece of a line: what stands behind a damaged record is known by its ids too, and those are left.
fn hide(guard: &dyn Guard, line: &mut [u8]) -> bool {
    let before = readable(line).into_owned();
    let mut after = before.clone().into_bytes();
    pieces::each(&before, true, |piece| {
        let (Piece::Value(at, text) | Piece::Unreadable(at, text)) = piece;
        guard.hide_in_json(&mut after[at..at + text.len()]);
    });
    let changed = line.iter_mut().zip(before.bytes().zip(after)).filter(|(_, (was, is))| was != is);
    changed.map(|(byte, (_, is))| *byte = is).count() > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: [u8; 32] = [7; 32];

    fn sieve(lines: &[&str], of: &Of) -> Sieve {
        let mut sieve = Sieve { secrets: vec![SECRET], ..Sieve::default() };
        for line in lines {
            let signs = Signs::of(of, Piece::Value(0, line));
            sieve.forget(signs.uuid.unwrap_or(signs.content), 0);
        }
        sieve
    }

    impl Sieve {
        fn forget(&mut self, known: Known, at_ms: i64) {
            match known {
                Known::Id(id) => drop(self.ids.insert(id)),
                Known::Text(_) => drop(self.texts.insert(known.mark(&SECRET), at_ms)),
            }
        }
    }

    fn check(role: Role, forgotten: &[&str], line: &str, expected: bool) {
        let of = Of::new(role, "s", "p/s.jsonl");
        let mut bytes = line.as_bytes().to_vec();
        let blank = sieve(forgotten, &of).line(&of, &mut bytes);
        assert_eq!(blank, expected, "{line}");
        assert_eq!(bytes.len(), line.len());
        assert_eq!(bytes.iter().all(u8::is_ascii_whitespace), expected, "{}", String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn a_line_is_known_by_its_uuid() {
        let line = r#"{"type":"user","uuid":"u1","message":{"content":"x"}}"#;
        check(Role::Main, &[line], line, true);
        check(Role::Main, &[line], r#"{"type":"user","uuid":"u1","sessionId":"fork"}"#, true);
        check(Role::Main, &[line], r#"{"type":"user","uuid":"u2","forkedFrom":{"messageUuid":"u1"}}"#, true);
        check(Role::Main, &[line], r#"{"type":"user","uuid":"u2","parentUuid":"u1"}"#, false);
        check(Role::Main, &[line], r#"{"type":"last-prompt","lastPrompt":"x","leafUuid":"u1"}"#, true);
        check(Role::Main, &[line], r#"{"type":"file-history-snapshot","messageId":"u1"}"#, true);
    }

    #[test]
    fn a_line_without_uuid_is_known_by_its_text() {
        let title = r#"{"type":"ai-title","aiTitle":"Canary","sessionId":"s"}"#;
        check(Role::Main, &[title], title, true);
        check(Role::Main, &[title], r#"{"type":"ai-title","sessionId":"s","aiTitle":"Canary","more":1}"#, true);
        check(Role::Main, &[title], r#"{"type":"ai-title","aiTitle":"Other","sessionId":"s"}"#, false);
        let queued = r#"{"type":"queue-operation","operation":"enqueue","timestamp":"t1","content":"yes"}"#;
        check(Role::Main, &[queued], queued, true);
        check(Role::Main, &[queued], &queued.replace("t1", "t2"), false);
        let blocks = r#"{"type":"queue-operation","operation":"enqueue","timestamp":"t1","content":[{"type":"text","text":"a"}]}"#;
        check(Role::Main, &[blocks], blocks, true);
    }

    /// Any two lines may have a part in common: of a client that gives no uuids the type of user and the second.
    #[test]
    fn a_line_without_uuid_is_known_by_all_it_says() {
        let line = |text: &str| {
            format!(
                r#"{{"type":"user","timestamp":"t1","userType":"external","cwd":"/p","message":{{"role":"user","content":"{text}"}}}}"#
            )
        };
        check(Role::Main, &[&line("gone")], &line("gone"), true);
        check(Role::Main, &[&line("gone")], &line("stays"), false);
        check(Role::Main, &[&line("gone")], &line("gone").replace("t1", "t2"), false);
        let unknown = r#"{"type":"made-later","a":"canary","b":"same"}"#;
        check(Role::Main, &[unknown], unknown, true);
        check(Role::Main, &[unknown], &unknown.replace(':', ": "), true);
        check(Role::Main, &[unknown], r#"{"type":"made-later","a":"other","b":"same"}"#, false);
    }

    /// Lines that another program has put together may share a uuid.
    #[test]
    fn a_uuid_of_two_lines_is_none() {
        let line =
            |text: &str| format!(r#"{{"type":"user","uuid":"u","timestamp":"t","message":{{"content":"{text}"}}}}"#);
        let of = Of::new(Role::Main, "s", "s.jsonl");
        let mut sieve = sieve(&[], &of);
        sieve.forget(Signs::of(&of, Piece::Value(0, &line("gone"))).content, 0);
        let is_gone = |session: &str, text: &str| {
            let of = Of::new(Role::Main, session, "s.jsonl");
            sieve.line(&of, &mut line(text).into_bytes())
        };
        assert!(is_gone("s", "gone") && is_gone("fork", "gone") && !is_gone("s", "stays"));
    }

    /// What repeats a prompt may come after it was forgotten; what was queued later is another.
    #[test]
    fn a_prompt_is_known_in_what_repeats_it() {
        const UNTIL: &str = "1970-01-01T00:00:01Z";
        let of = Of::new(Role::Main, "s", "s.jsonl");
        let mut sieve = sieve(&[], &of);
        for text in ["the whole prompt", "yes"] {
            sieve.forget(Known::said("s", text), 1000);
            sieve.forget(Known::last_prompt("s", text), 1000);
        }
        let check = |line: &str, expected: bool| {
            assert_eq!(sieve.line(&of, &mut line.as_bytes().to_vec()), expected, "{line}");
        };
        check(r#"{"type":"last-prompt","lastPrompt":"the whole prompt"}"#, true);
        check(r#"{"type":"last-prompt","lastPrompt":"yes","leafUuid":"u"}"#, true);
        check(r#"{"type":"last-prompt","lastPrompt":"another prompt"}"#, false);
        let queued = |at: &str, text: &str| {
            format!(r#"{{"type":"queue-operation","operation":"enqueue","timestamp":"{at}","content":{text}}}"#)
        };
        check(&queued(UNTIL, r#""the whole prompt""#), true);
        check(&queued(UNTIL, r#"[{"type":"text","text":"the whole prompt"}]"#), true);
        check(&queued(UNTIL, r#""yes""#), false);
        check(&queued("1970-01-01T00:00:02Z", r#""the whole prompt""#), false);
    }

    #[test]
    fn what_was_typed_is_known_by_its_time_too() {
        let typed = r#"{"display":"yes","timestamp":5,"sessionId":"s"}"#;
        check(Role::History, &[typed], typed, true);
        check(Role::History, &[typed], r#"{"display":"yes","timestamp":6,"sessionId":"s"}"#, false);
    }

    #[test]
    fn the_rest_of_a_line_stays() {
        let of = Of::new(Role::Main, "s", "s.jsonl");
        let mut bytes = br#"{"type":"a","uuid":"1"}{"type":"a","uuid":"2"}"#.to_vec();
        assert!(sieve(&[r#"{"uuid":"1"}"#], &of).line(&of, &mut bytes));
        assert_eq!(String::from_utf8(bytes).unwrap(), format!("{}{}", " ".repeat(23), r#"{"type":"a","uuid":"2"}"#));
    }
}
