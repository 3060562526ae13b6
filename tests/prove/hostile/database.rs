//! Copies of a store whose database, log or index of the log a disk has damaged, or somebody has swapped or deleted.
//!
//! Everything that works with a store is let loose on each: an ingester, a server and its pages, `status`, `doctor`, an export. None
//! crashes. Either one of them tells of the damage, or all that the store holds is what it held before. Then what the findings
//! say is done, and all that was captured is there again; a damaged database is set aside with its log, as it was.

mod look;
mod stage;

use std::fs;
use std::path::{Path, PathBuf};

use harness::{Seed, law};

use super::content::Content;
use super::damage::Way;
use crate::each::each;
use crate::figures::Figures;
use crate::part::Run;

use stage::Stage;

/// The session of what waits in the queue meanwhile.
const WAITS: &str = "waits-while-it-is-damaged";
/// What a database is made of.
const PARTS: [&str; 3] = ["prompts.db", "prompts.db-wal", "prompts.db-shm"];

pub(super) fn run(run: &Run, seed: &mut Seed) -> Figures {
    let copies: Vec<u64> = (0..run.of(12, 1_000)).map(|_| seed.number()).collect();
    let mut figures = Figures::default();
    each(&copies, &mut figures, Stage::new, |stage, number, figures| figures.add(&stage.copy(*number)));
    figures
}

impl Stage {
    fn part(&self, name: &str) -> PathBuf {
        self.world.data().database_dir().join(name)
    }

    /// One damaged copy, from the damage to the end.
    fn copy(&self, number: u64) -> Figures {
        let mut seed = Seed::new(number);
        self.fresh();
        let with_backup = seed.below(2) == 0;
        if !with_backup {
            for name in law::names(&self.world.data().backups()).iter().filter(|name| name.starts_with("prompts-")) {
                let _ = fs::remove_file(self.world.data().backups().join(name));
            }
        }
        let (which, done) = self.damage(&mut seed);
        let what = format!("copy {number}: {done}, {}", if with_backup { "with a backup" } else { "without backups" });
        let mut figures = Figures::default();
        figures.count("damaged databases", 1);
        figures.count(&format!("of them {which}"), 1);

        let look = self.look(&what);
        let news: Vec<_> = look.codes.difference(&self.told).cloned().collect();
        let found = Content::of(self.world.data());
        if look.once != Some(0) || !news.is_empty() {
            figures.count("damage that is told", 1);
        } else {
            let found = found.unwrap_or_else(|error| panic!("{what}: not told, and not to be read: {error}"));
            if let Some(differs) = found.without(WAITS).differs(&self.expected) {
                panic!("{what}: nothing tells of it, and not all is as it was:\n{differs}");
            }
            figures.count("damage that harms nothing", 1);
        }
        figures.add(&self.mend(&what, &news));
        figures
    }

    /// Damages the database, its log, its index, or several.
    fn damage(&self, seed: &mut Seed) -> (&'static str, String) {
        let which: &[usize] = match seed.below(12) {
            0..6 => &[0],
            6..9 => &[1],
            9 => &[2],
            10 => &[1, 2],
            _ => &[0, 1, 2],
        };
        let mut done = Vec::new();
        for at in which {
            let path = self.part(PARTS[*at]);
            let mut bytes = fs::read(&path).unwrap_or_else(|error| panic!("read {}: {error}", path.display()));
            let how = match seed.below(12) {
                0 => {
                    let _ = fs::remove_file(&path);
                    done.push(format!("{} deleted", PARTS[*at]));
                    continue;
                }
                1..=3 if *at == 1 => {
                    let (name, other) = &self.other_logs[seed.below(2)];
                    bytes.clone_from(other);
                    (*name).to_owned()
                }
                _ => Way::ALL[seed.below(Way::ALL.len())].apply(&mut bytes, seed),
            };
            fs::write(&path, &bytes).unwrap_or_else(|error| panic!("write {}: {error}", path.display()));
            done.push(format!("{}: {how}", PARTS[*at]));
        }
        let which = match which {
            [0] => "databases themselves",
            [1] => "logs",
            [2] => "indexes of the log",
            _ => "several at once",
        };
        (which, done.join(", "))
    }

    /// Does what the findings say, until all that was captured is there.
    fn mend(&self, what: &str, news: &[String]) -> Figures {
        let mut figures = Figures::default();
        let before: Vec<_> = PARTS[..2].iter().map(|part| fs::read(self.part(part)).ok()).collect();
        let done = self.ran("ingest", &["recover", "--json"], what);
        let report = done.json();
        let is_recovered = report["done"] == true && matches!(report["state"].as_str(), Some("damaged" | "missing"));
        if is_recovered {
            figures.count("recovered", 1);
            if let Some(aside) = report["set_aside"].as_str() {
                for (part, before) in PARTS.iter().zip(&before) {
                    let kept = fs::read(Path::new(aside).join(part)).ok();
                    let empty = before.as_ref().is_none_or(Vec::is_empty) && kept.as_ref().is_none_or(Vec::is_empty);
                    assert!(kept == *before || empty, "{what}: {part} is not set aside as it was\n{done}");
                }
            }
        }
        let _ = self.ran("ingest", &["doctor", "--repair", "--json"], what);
        let _ = self.ran("ingest", &["once", "--json"], what).code(0);
        let told = || format!("{what}, told as {news:?}, recovered: {is_recovered}\n{done}");
        let found = Content::of(self.world.data());
        let found =
            found.unwrap_or_else(|error| panic!("not to be read in the end: {error}\n{}", told())).without(WAITS);
        let missing: Vec<_> = self.expected.ground.difference(&found.ground).collect();
        assert!(
            missing.is_empty(),
            "{} of what was captured is not there again: {missing:#?}\n{}",
            missing.len(),
            told()
        );
        if let Some(differs) = found.differs(&self.expected) {
            panic!("not all is as it was: {differs}\n{}", told());
        }
        figures.count("with all that was captured in the end", 1);
        figures
    }
}
