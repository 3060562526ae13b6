//! Stores for the tests of importing: filled by hooks and transcripts of the captured runs, compared by natural key.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use queue::DataDir;
use store::ConversationId;
use store::human::{Remark, Said, Stamp};
use store::read::export::{Exporter, Subagents, Whole};
use store::read::{Filter, ListRequest, Reader, Turn};
use store::write::{Merged, Writer};

use crate::backlog;
use crate::derive::derive;
use crate::derive::tests::deliver;
use crate::import::database;
use crate::intake::places::Places;
use crate::transcripts::Look;
use crate::transcripts::ignored::Ignored;

/// Something that a machine has.
#[derive(Clone, Debug)]
pub(super) enum Piece {
    /// A queue file.
    Event { name: String, payload: Vec<u8> },
    /// A transcript, below the projects root.
    File { path: PathBuf, bytes: Vec<u8> },
}

/// All of the captured runs; each transcript whole.
pub(super) fn pieces() -> Vec<Piece> {
    ["print-mode", "interactive", "interrupted-and-queued"].into_iter().flat_map(pieces_of).collect()
}

/// One of the captured runs.
pub(super) fn pieces_of(scenario: &str) -> Vec<Piece> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/claude-code-2.1.330");
    let files = |dir: PathBuf| {
        let found = walkdir::WalkDir::new(dir).sort_by_file_name().into_iter().map(Result::unwrap);
        found.filter(|entry| entry.file_type().is_file()).map(walkdir::DirEntry::into_path)
    };
    let mut found = Vec::new();
    for path in files(fixtures.join(scenario).join("hooks")) {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        found.push(Piece::Event { name, payload: std::fs::read(path).unwrap() });
    }
    let projects = fixtures.join(scenario).join("projects");
    for path in files(projects.clone()) {
        let bytes = std::fs::read(&path).unwrap();
        found.push(Piece::File { path: path.strip_prefix(&projects).unwrap().to_owned(), bytes });
    }
    found
}

/// A machine with a data directory.
pub(super) struct Machine {
    home: tempfile::TempDir,
    pub(super) dir: DataDir,
    pub(super) writer: Writer,
}

impl Machine {
    pub(super) fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let dir = DataDir::new(home.path().join("data"));
        std::fs::create_dir_all(home.path().join("projects")).unwrap();
        let writer = Writer::open(&dir).unwrap();
        Self { home, dir, writer }
    }

    /// Nobody has its database open any more.
    pub(super) fn close(self) -> (tempfile::TempDir, DataDir) {
        drop(self.writer);
        (self.home, self.dir)
    }

    /// A machine that goes on from a backup of this one: the same origin. Where it keeps its projects is the same place to
    /// it, hence the same name.
    pub(super) fn twin(&self) -> Self {
        let home = tempfile::tempdir().unwrap();
        let dir = DataDir::new(home.path().join("data"));
        std::fs::create_dir_all(dir.database().parent().unwrap()).unwrap();
        for suffix in ["", "-wal"] {
            let name = |dir: &DataDir| PathBuf::from(format!("{}{suffix}", dir.database().display()));
            if name(&self.dir).exists() {
                std::fs::copy(name(&self.dir), name(&dir)).unwrap();
            }
        }
        let writer = Writer::open(&dir).unwrap();
        assert_eq!(writer.origin(), self.writer.origin());
        Self { home, dir, writer }
    }

    /// A piece arrives; of a transcript the first `share` of ten parts.
    pub(super) fn get(&mut self, piece: &Piece, share: usize) {
        match piece {
            Piece::Event { name, payload } => deliver(&mut self.writer, name, payload),
            Piece::File { path, bytes } => self.write(path, &bytes[..bytes.len() * share / 10]),
        }
    }

    pub(super) fn write(&self, path: &Path, bytes: &[u8]) {
        let path = self.home.path().join("projects").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    pub(super) fn pass(&mut self) {
        let roots = [self.home.path().join("projects")];
        backlog::take_in(&mut self.writer, &roots, &Look::Sweep, &mut Ignored::default(), &mut |_| {
            ControlFlow::Continue(())
        })
        .unwrap();
        derive(&mut self.writer).unwrap();
    }

    pub(super) fn places(&self) -> Places {
        Places::new(&self.dir, None)
    }

    pub(super) fn import(&mut self, other: &Self) -> Merged {
        let places = self.places();
        database::import(&mut self.writer, &places, &other.dir.database(), &mut |_| ControlFlow::Continue(())).unwrap()
    }

    pub(super) fn reader(&self) -> Reader {
        Reader::open(&self.dir).unwrap()
    }

    pub(super) fn exporter(&self) -> Exporter {
        Exporter::open(&self.dir).unwrap()
    }

    pub(super) fn whole(&self, id: ConversationId) -> Whole {
        self.exporter().whole(id, Subagents::Left).unwrap().unwrap()
    }

    pub(super) fn turns(&self) -> Vec<Turn> {
        let request = ListRequest { filter: Filter::default(), limit: 1000, ..ListRequest::default() };
        self.reader().list(&request).unwrap().items.into_iter().map(|item| item.turn).collect()
    }

    /// A person says something about a conversation.
    pub(super) fn say(&mut self, id: ConversationId, row: &str, created_ms: i64, said: Said) {
        let stamp = Stamp { id: row.to_owned(), origin: self.writer.origin().to_owned(), created_ms };
        let batch = self.writer.batch().unwrap();
        assert!(batch.add_remark(id, &Remark { stamp, said }).unwrap());
        batch.commit().unwrap();
    }

    /// Everything, without what only this store knows: ids, and by which of them a note was written.
    pub(super) fn natural(&self) -> BTreeSet<String> {
        let mut reader = self.reader();
        let mut exporter = self.exporter();
        let mut rows = BTreeSet::new();
        for turn in self.turns() {
            let whole = reader.conversation(turn.id).unwrap().unwrap();
            let calls: Vec<_> =
                whole.tool_calls.iter().map(|call| (&call.name, call.error, call.duration_ms, &call.output)).collect();
            let texts: Vec<_> = whole.blocks.iter().map(|block| (block.kind, &block.text)).collect();
            rows.insert(format!(
                "{} in {} at {} {:?} {:?} | {:?} -> {:?} {calls:?} {texts:?} {:?} {} | {:?} {:?}",
                turn.session_id,
                turn.user_session_id,
                turn.timestamp_ms,
                turn.kind,
                turn.status,
                turn.prompt_text,
                turn.response_text,
                whole.usage,
                turn.metadata,
                (whole.marks.rating, &whole.marks.tags, &whole.marks.notes, whole.marks.starred),
                self.whole(turn.id).remarks,
            ));
        }
        let cuts = exporter.cuts().unwrap();
        rows.extend(cuts.user_sessions.iter().map(|row| format!("{row:?}")));
        rows.extend(
            cuts.members.iter().map(|row| format!("{:?} {:?} {:?}", row.stamp, row.from.is_some(), row.removed_ms)),
        );
        rows.extend(cuts.titles.iter().map(|row| format!("{row:?}")));
        rows.extend(cuts.views.iter().map(|row| format!("{row:?}")));
        rows.extend(exporter.unplaced().unwrap().iter().map(|row| format!("nowhere: {:?}", row.remarks)));
        rows.extend(reader.kept_events().unwrap().iter().map(|row| format!("{row:?}")));
        assert_eq!(reader.damage().unwrap(), Vec::<String>::new());
        rows
    }
}

/// Fails with what only one of them has.
#[track_caller]
pub(super) fn assert_same(a: &BTreeSet<String>, b: &BTreeSet<String>, what: &str) {
    let only = |a: &BTreeSet<String>, b| a.difference(b).map(|row| format!("  {row}\n")).collect::<String>();
    assert!(a == b, "{what}: only the first has\n{}only the second has\n{}", only(a, b), only(b, a));
}
