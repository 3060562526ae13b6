//! Prompts and what people say of them: each prompt that is known is one conversation, whose id answers for it for good, and what
//! was said of it hangs there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use harness::rfc3339;
use queue::DataDir;
use store::ConversationId;
use store::annotate::{Annotator, Change, Expected, Split};
use store::human::Rating;
use store::read::{ListRequest, Reader};

use super::files::Hash;
use super::ledger::{Breach, demand};

/// The sessions in which something is asked.
pub(crate) const SESSIONS: [&str; 3] = [
    "5f1f2a90-0000-4000-8000-00000000000a",
    "5f1f2a90-0000-4000-8000-00000000000b",
    "5f1f2a90-0000-4000-8000-00000000000c",
];

/// A prompt, wherever it was told of.
#[derive(Clone, Debug)]
pub(crate) struct Prompt {
    pub(crate) session: usize,
    /// When it was typed.
    pub(crate) ns: u64,
    /// The payload of its hook.
    pub(crate) hook: Option<Hash>,
    /// The transcript has it.
    pub(crate) is_in_transcript: bool,
}

/// The prompts in the order in which they were typed, and what was said of them.
pub(crate) struct People {
    projects: PathBuf,
    pub(crate) prompts: Vec<Prompt>,
    /// The last line of each session's transcript.
    last: [Option<usize>; SESSIONS.len()],
    /// The ids under which each prompt was ever shown.
    ids: BTreeMap<usize, BTreeSet<i64>>,
    ratings: BTreeMap<usize, i64>,
    /// The user session that a split made of a prompt and what follows.
    splits: BTreeMap<usize, String>,
    /// When the last thing was said: the order counts, not the time.
    now_ms: i64,
}

/// A conversation, as a list shows it.
struct Listed {
    n: usize,
    id: ConversationId,
    user_session: String,
    rating: Option<i64>,
}

pub(crate) fn text_of(n: usize) -> String {
    format!("prompt {n}")
}

/// As Claude Code names its turn.
pub(crate) fn prompt_id(n: usize) -> String {
    format!("00000000-0000-4000-8000-{n:012}")
}

impl People {
    pub(crate) fn new(projects: &Path) -> Self {
        Self {
            projects: projects.to_owned(),
            prompts: Vec::new(),
            last: [None; SESSIONS.len()],
            ids: BTreeMap::new(),
            ratings: BTreeMap::new(),
            splits: BTreeMap::new(),
            now_ms: 1_800_000_000_000,
        }
    }

    /// How much was said: ratings that stand, and splits.
    pub(crate) fn said(&self) -> [u64; 2] {
        [self.ratings.len() as u64, self.splits.len() as u64]
    }

    /// The transcript tells of the `n`-th prompt.
    pub(crate) fn write_line(&mut self, n: usize) {
        let Prompt { session, ns, .. } = self.prompts[n];
        let uuid = |n: usize| format!("00000001-0000-4000-8000-{n:012}");
        let parent = self.last[session].map_or("null".to_owned(), |last| format!("\"{}\"", uuid(last)));
        let line = format!(
            r#"{{"parentUuid":{parent},"isSidechain":false,"promptId":"{}","userType":"external","cwd":"/src","sessionId":"{}","version":"2.1.330","type":"user","message":{{"role":"user","content":"{}"}},"uuid":"{}","timestamp":"{}"}}"#,
            prompt_id(n),
            SESSIONS[session],
            text_of(n),
            uuid(n),
            rfc3339(ns / 1_000_000),
        );
        let folder = self.projects.join("-src");
        fs::create_dir_all(&folder).expect("a project");
        let path = folder.join(format!("{}.jsonl", SESSIONS[session]));
        let mut file = OpenOptions::new().create(true).append(true).open(path).expect("a transcript");
        file.write_all((line + "\n").as_bytes()).expect("a line");
        self.last[session] = Some(n);
        self.prompts[n].is_in_transcript = true;
    }

    /// Reads what is shown, and holds it to what was shown before.
    fn look(&mut self, reader: &mut Reader) -> Result<Vec<Listed>, Breach> {
        let request = ListRequest { limit: 1000, ..ListRequest::default() };
        let page = reader.list(&request).map_err(|error| format!("list conversations: {error}"))?;
        let mut listed = Vec::new();
        for item in page.items {
            let text = item.turn.prompt_text.unwrap_or_default();
            let n = text.strip_prefix("prompt ").and_then(|n| n.parse().ok()).filter(|n| *n < self.prompts.len());
            let n = n.ok_or_else(|| format!("shown, and nobody typed it: {text:?}"))?;
            demand(listed.iter().all(|other: &Listed| other.n != n), || format!("shown twice: {text}"))?;
            self.ids.entry(n).or_default().insert(item.turn.id.0);
            let rating = item.marks.rating.map(|rating| i64::from(rating.get()));
            listed.push(Listed { n, id: item.turn.id, user_session: item.turn.user_session_id, rating });
        }
        for (n, ids) in &self.ids {
            for id in ids {
                let turn = reader.turn(ConversationId(*id)).map_err(|error| format!("conversation {id}: {error}"))?;
                let text = turn.and_then(|turn| turn.prompt_text).unwrap_or_default();
                demand(text == text_of(*n), || format!("id {id} was of {}, and is of {text:?}", text_of(*n)))?;
            }
        }
        listed.sort_by_key(|listed| listed.n);
        Ok(listed)
    }

    /// A person rates one of the conversations that are shown.
    pub(crate) fn rate(&mut self, data: &DataDir, reader: &mut Reader, which: u8, rating: u8) -> Result<(), Breach> {
        let listed = self.look(reader)?;
        let Some(listed) = listed.get(usize::from(which) % listed.len().max(1)) else { return Ok(()) };
        let change = Change { rating: Some(Rating::new(i64::from(rating))), ..Change::default() };
        self.now_ms += 1;
        let done = annotator(data).mark(listed.id, &change, &Expected::Any, self.now_ms);
        done.map_err(|error| format!("rate: {error}"))?.map_err(|refused| format!("rate: {refused}"))?;
        self.ratings.insert(listed.n, i64::from(rating));
        Ok(())
    }

    /// A person splits the session of one of them where it begins.
    pub(crate) fn split(&mut self, data: &DataDir, reader: &mut Reader, which: u8) -> Result<(), Breach> {
        let listed = self.look(reader)?;
        let Some(listed) = listed.get(usize::from(which) % listed.len().max(1)) else { return Ok(()) };
        let split = Split { session_id: listed.user_session.clone(), at: vec![(listed.id, None)] };
        self.now_ms += 1;
        let done = annotator(data).split(&split, self.now_ms).map_err(|error| format!("split: {error}"))?;
        // The first of a session cannot be split off.
        if let Ok(made) = done {
            self.splits.insert(listed.n, made[0].clone());
        }
        Ok(())
    }

    /// Nothing is left to do: each prompt of which a stored event or a line tells is shown once, with what was said of it.
    pub(crate) fn settled(
        &mut self,
        reader: &mut Reader,
        is_stored: impl Fn(&Hash) -> bool,
    ) -> Result<Vec<(usize, i64, String)>, Breach> {
        let listed = self.look(reader)?;
        let shown: BTreeSet<_> = listed.iter().map(|listed| listed.n).collect();
        for (n, prompt) in self.prompts.iter().enumerate() {
            let is_known = prompt.is_in_transcript || prompt.hook.is_some_and(|hook| is_stored(&hook));
            demand(shown.contains(&n) == is_known, || {
                format!("{} is {}known, and {}shown", text_of(n), no(is_known), no(!is_known))
            })?;
        }
        for listed in &listed {
            let said = self.ratings.get(&listed.n).copied();
            demand(listed.rating == said, || {
                format!("{} was rated {said:?}, and shows {:?}", text_of(listed.n), listed.rating)
            })?;
            if let Some(made) = self.splits.get(&listed.n) {
                demand(*made == listed.user_session, || {
                    format!("{} was split off as {made}, and is in {}", text_of(listed.n), listed.user_session)
                })?;
            }
        }
        Ok(listed.into_iter().map(|listed| (listed.n, listed.id.0, listed.user_session)).collect())
    }
}

fn no(is: bool) -> &'static str {
    if is { "" } else { "not " }
}

fn annotator(data: &DataDir) -> Annotator {
    Annotator::open(data).expect("the store, for a person")
}
