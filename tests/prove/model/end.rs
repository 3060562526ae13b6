//! The end of a sequence: what is left is done by passes that live, and then all is as it should be.

use std::time::Duration;

use ingest::derive::Index;
use store::read::inspect::Inspector;

use super::files::Part;
use super::ledger::{Breach, demand};
use super::machine::{Machine, opened};

/// Longer than a file without a writer stays in tmp.
const LATER: Duration = Duration::from_secs(40 * 3600);

impl Machine {
    /// Everybody comes to an end, and passes that live do what is left. Then nothing may be left to wish for.
    pub(super) fn end(&mut self) -> Result<(), Breach> {
        self.hooks.clear();
        for which in 0..self.ingesters.len() {
            self.go(which, None, true)?;
        }
        self.later += LATER;
        self.drain()?;
        if self.files.now().iter().any(|entry| entry.part == Part::Failed) {
            self.retry()?;
            self.drain()?;
        }
        self.ledger.settled(&self.files)?;
        let reader = opened(&mut self.reader, &self.data);
        let damage = reader.damage().map_err(|error| format!("integrity_check: {error}"))?;
        demand(damage.is_empty(), || format!("integrity_check: {damage:?}"))?;
        let misfiled = Inspector::open(&self.data).and_then(|it| it.misfiled());
        demand(matches!(misfiled, Ok(0)), || format!("rows that lists are made from: {misfiled:?}"))?;
        let shown = self.people.settled(reader, |hash| self.ledger.is_stored(hash))?;
        let changed = self.rebuild(Index::Keep)?;
        demand(changed == 0, || format!("a rebuild changes {changed} conversations"))?;
        let reader = opened(&mut self.reader, &self.data);
        let again = self.people.settled(reader, |hash| self.ledger.is_stored(hash))?;
        demand(shown == again, || format!("a rebuild shows {again:?} instead of {shown:?}"))?;
        let [acked, stored, failed] = self.ledger.sums();
        let [ratings, splits] = self.people.said();
        for (name, n) in [
            ("acked", acked),
            ("stored", stored),
            ("failed", failed),
            ("conversations", shown.len() as u64),
            ("ratings", ratings),
            ("splits", splits),
            ("lost", 0),
            ("doubled", 0),
        ] {
            self.figures.count(name, n);
        }
        Ok(())
    }

    fn drain(&mut self) -> Result<(), Breach> {
        for _ in 0..100 {
            self.go(0, Some(1), true)?;
            self.go(0, None, true)?;
            self.look()?;
            if self.files.now().iter().all(|entry| matches!(entry.part, Part::Failed | Part::Archive)) {
                return Ok(());
            }
        }
        let left: Vec<_> = self.files.now().iter().map(|entry| entry.path.display().to_string()).collect();
        Err(format!("a hundred passes do not empty the queue: {left:?}"))
    }
}
