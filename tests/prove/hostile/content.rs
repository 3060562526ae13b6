//! All that a store holds, as lines that can be compared: what was captured by its bytes, what was made of it, what people said.

use std::collections::BTreeSet;

use queue::DataDir;
use store::Error;
use store::read::export::{Exporter, FileFilter, Subagents};
use store::read::{Filter, ListRequest, Reader};

/// The lines of a store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Content {
    /// Queue files and transcripts, by name and hash.
    pub(super) ground: BTreeSet<String>,
    /// Conversations with all that belongs to them, sessions as people cut them.
    pub(super) rows: BTreeSet<String>,
}

impl Content {
    /// Reads all of it.
    ///
    /// # Errors
    /// The store's: it is not to be read.
    pub(super) fn of(dir: &DataDir) -> Result<Self, Error> {
        let mut content = Self::default();
        let (mut reader, mut exporter) = (Reader::open(dir)?, Exporter::open(dir)?);
        for kept in reader.kept_events()? {
            content.ground.insert(format!("event {} {:02x?} {}", kept.name, kept.hash, kept.sound));
        }
        for file in exporter.files(&FileFilter { sessions: None, superseded: true })? {
            let mut hasher = blake3::Hasher::new();
            exporter.read_file(&file, |piece| {
                hasher.update(piece);
                Ok::<_, Error>(())
            })?;
            let hash = hasher.finalize();
            content.ground.insert(format!("file {} {} {} {hash}", file.path, file.session_id, file.size));
        }
        let mut after = None;
        loop {
            let request = ListRequest { filter: Filter::default(), after, limit: 100, ..ListRequest::default() };
            let page = reader.list(&request)?;
            for item in &page.items {
                let Some(mut whole) = exporter.whole(item.turn.id, Subagents::Left)? else {
                    content.rows.insert(format!("listed and not there: {}", item.turn.id.0));
                    continue;
                };
                // Numbers of a store are its own.
                whole.conversation.turn.id = store::ConversationId(0);
                whole.conversation.turn.parent_id = None;
                whole.keys.clear();
                content.rows.insert(format!("{whole:?}"));
            }
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        let cuts = exporter.cuts()?;
        content.rows.extend(cuts.user_sessions.iter().map(|row| format!("{row:?}")));
        content.rows.extend(cuts.titles.iter().map(|row| format!("{row:?}")));
        content.rows.extend(cuts.views.iter().map(|row| format!("{row:?}")));
        Ok(content)
    }

    /// Without what has this word in it.
    pub(super) fn without(mut self, word: &str) -> Self {
        self.ground.retain(|line| !line.contains(word));
        self.rows.retain(|line| !line.contains(word));
        self
    }

    /// What differs from what is expected; nothing if nothing does.
    pub(super) fn differs(&self, expected: &Self) -> Option<String> {
        let ground = difference(&self.ground, &expected.ground);
        let rows = difference(&self.rows, &expected.rows);
        (self != expected).then(|| format!("{ground}{rows}"))
    }
}

/// Rows that only one of them has; of a long one what stands around the place where it first differs from the other's.
fn difference(found: &BTreeSet<String>, expected: &BTreeSet<String>) -> String {
    let more: Vec<_> = found.difference(expected).take(3).collect();
    let less: Vec<_> = expected.difference(found).take(3).collect();
    let at = |row: &str, others: &[&String]| {
        let same = |other: &&String| row.chars().zip(other.chars()).take_while(|(one, other)| one == other).count();
        others.iter().map(same).max().unwrap_or(0).saturating_sub(200)
    };
    let line = |sign: char, row: &String, others: &[&String]| {
        let from = if row.len() > 1200 { at(row, others) } else { 0 };
        let begin: String = row.chars().take(if from > 0 { 200 } else { 0 }).collect();
        format!("{sign} {begin} {}\n", row.chars().skip(from).take(1000).collect::<String>())
    };
    let lines = more.iter().map(|row| line('+', row, &less));
    lines.chain(less.iter().map(|row| line('-', row, &more))).collect()
}
