//! Who was promised what: each payload that a hook was given, whether the hook said that it is safe, and where it is in the
//! end. The conservation law over them: all that was acked is stored, each exactly once, and nothing else is there.

use std::collections::BTreeMap;
use std::fs;

use harness::{World, law};
use store::read::Reader;
use store::read::inspect::Inspector;

use crate::figures::Figures;

/// All that hooks were given.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    given: Vec<Given>,
    /// Whether the power goes meanwhile.
    is_cut: bool,
}

#[derive(Debug)]
struct Given {
    bytes: Vec<u8>,
    fate: Fate,
}

/// What a hook said of its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It exited with 0: the payload is safe.
    Acked,
    /// It exited with 0, but the power went before anybody had to have written it to the disk.
    Window,
    /// It was killed, or may have had no room: the payload may be there whole, in part, or not at all.
    Unsaid,
}

impl Ledger {
    /// Of a store whose disk is cut off: what was committed from a queue file is on the disk, while the bytes of that file, which
    /// nobody synced, and its move out of the queue may be lost. Then it is found once more, torn, under its name.
    pub(crate) fn of_cuts() -> Self {
        Self { given: Vec::new(), is_cut: true }
    }

    /// Enters a payload, which no other equals.
    pub(crate) fn enter(&mut self, bytes: Vec<u8>, fate: Fate) {
        self.given.push(Given { bytes, fate });
    }

    /// How many payloads it holds.
    pub(crate) fn len(&self) -> usize {
        self.given.len()
    }

    /// Holds the database to its engine's own check, and to what lists are made from.
    ///
    /// # Panics
    /// When it is damaged.
    pub(crate) fn check_engine(world: &World) {
        let mut reader = Reader::open(world.data()).unwrap_or_else(|error| panic!("the store: {error}"));
        let damage = reader.damage().unwrap_or_else(|error| panic!("integrity_check: {error}"));
        assert_eq!(damage, Vec::<String>::new(), "integrity_check");
        let misfiled = Inspector::open(world.data()).and_then(|it| it.misfiled());
        assert_eq!(misfiled.unwrap_or_else(|error| panic!("the store: {error}")), 0, "rows that lists are made from");
    }

    /// Holds a drained store to the law, and the database to its engine's own check.
    ///
    /// # Panics
    /// When something is lost, doubled, changed or damaged.
    pub(crate) fn check(&self, world: &World) -> Figures {
        self.after(world).0
    }

    /// The same, with the books of those who go on with this store: what is there now must stay.
    ///
    /// # Panics
    /// As [`check`](Self::check).
    pub(crate) fn after(&self, world: &World) -> (Figures, Self) {
        Self::check_engine(world);
        let mut reader = Reader::open(world.data()).unwrap_or_else(|error| panic!("the store: {error}"));
        let mut stored: BTreeMap<Vec<u8>, u32> = BTreeMap::new();
        let mut stored_as: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        for kept in reader.kept_events().unwrap_or_else(|error| panic!("the store: {error}")) {
            assert!(kept.sound, "stored with other bytes than its key says: {}", kept.name);
            *stored.entry(kept.hash.clone()).or_default() += 1;
            stored_as.insert(kept.name, kept.hash);
        }
        let mut failed: BTreeMap<Vec<u8>, Vec<String>> = BTreeMap::new();
        for name in law::names(&world.data().failed()).iter().filter(|name| !name.ends_with(".reason.json")) {
            let path = world.data().failed().join(name);
            let bytes = fs::read(&path).unwrap_or_else(|error| panic!("read {}: {error}", path.display()));
            failed.entry(bytes).or_default().push(name.clone());
        }

        let mut figures = Figures::default();
        let (mut lost, mut doubled, mut refused) = (Vec::new(), Vec::new(), Vec::new());
        let mut after = Self { given: Vec::new(), is_cut: self.is_cut };
        for given in &self.given {
            let whole = stored.remove(blake3::hash(&given.bytes).as_bytes().as_slice()).unwrap_or(0);
            let found = whole + failed.remove(&given.bytes).map_or(0, |names| names.len() as u32);
            if found > whole {
                refused.push(given);
            }
            let acked = given.fate == Fate::Acked;
            if acked && found == 0 {
                lost.push(given);
            }
            if found > 1 {
                doubled.push(given);
            }
            let fate = if found > 0 { Fate::Acked } else { Fate::Unsaid };
            after.enter(given.bytes.clone(), fate);
            match given.fate {
                Fate::Acked => figures.count("acked", 1),
                Fate::Window if found == 0 => figures.count("within the window of a cut, and lost", 1),
                Fate::Window => figures.count("within the window of a cut, and there", 1),
                Fate::Unsaid => figures.count("not acked and there all the same", u64::from(found)),
            }
        }
        assert!(lost.is_empty(), "{} acked and lost, the first: {}\n{}", lost.len(), shown(lost[0]), world.tree());
        assert!(doubled.is_empty(), "{} doubled, the first: {}\n{}", doubled.len(), shown(doubled[0]), world.tree());
        // Nothing is wrong with any of them: whatever was ill passed, and what its reader died of is tried again before.
        assert!(
            refused.is_empty(),
            "{} whole in failed, the first: {}\n{}",
            refused.len(),
            shown(refused[0]),
            world.tree()
        );
        assert!(stored.is_empty(), "{} stored that no hook was given whole\n{}", stored.len(), world.tree());
        // What is left may be the beginning of what a killed hook was given.
        for (piece, name) in failed.iter().flat_map(|(piece, names)| names.iter().map(move |name| (piece, name))) {
            // A file system that lost the end of a file may have filled it with zeroes.
            let piece = &piece[..piece.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)];
            let begins = |given: &&Given| given.bytes.starts_with(piece);
            let hash = stored_as.get(name).filter(|_| self.is_cut);
            let is_of =
                |given: &&Given| hash.is_some_and(|hash| blake3::hash(&given.bytes).as_bytes() == hash.as_slice());
            if self.given.iter().any(|given| given.fate != Fate::Acked && begins(&given)) {
                figures.count("beginnings kept of what was not acked", 1);
            } else if self.given.iter().any(|given| is_of(&given) && begins(&given)) {
                figures.count("torn files of what is stored", 1);
            } else {
                panic!("{} bytes in failed that no hook was given: {name}\n{}", piece.len(), world.tree());
            }
        }
        figures.count("lost", 0);
        figures.count("doubled", 0);
        (figures, after)
    }
}

fn shown(given: &Given) -> String {
    String::from_utf8_lossy(&given.bytes[..given.bytes.len().min(300)]).into_owned()
}
