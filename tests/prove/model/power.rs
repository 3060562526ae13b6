//! The power fails: everybody is gone, the database is as it was committed, and the queue as it was at some moment.

use std::collections::BTreeSet;

use harness::Ingester;
use ingest::step::Step;

use super::ledger::Breach;
use super::log::Image;
use super::machine::{Commit, Machine, hashes};

impl Machine {
    /// An ingester goes to its commit, and a step further; then the power turns out to have failed in between.
    pub(super) fn torn_commit(&mut self, which: usize, torn: u64, cut: u64) -> Result<(), Breach> {
        if self.ingesters[which].step().is_none() {
            self.go(which, Some(1), true)?;
        }
        while let Some(step) = self.ingesters[which].step() {
            self.go(which, Some(1), true)?;
            if step == Step::Written {
                let commit = self.commit.take();
                self.step("power cuts in the middle of a commit");
                return self.power_cut(0, cut, commit.map(|commit| (commit, torn)));
            }
        }
        Ok(())
    }

    pub(super) fn power_cut(&mut self, back: u16, cut: u64, torn: Option<(Commit, u64)>) -> Result<(), Breach> {
        let before = self.kept()?;
        self.ledger.stored(&before)?;
        let mut image = Image::of(&self.data);
        let mut undone = BTreeSet::new();
        if let Some((commit, torn)) = torn {
            image.tear(&commit.log, torn);
            undone = hashes(&before).filter(|hash| !commit.stored.contains(hash)).collect();
        }
        self.hooks.clear();
        self.reader = None;
        self.ingesters.iter_mut().for_each(Ingester::die);
        image.restore(&self.data);
        self.files.look();
        let damaged = self.files.cut(back, cut);
        let kept = self.kept()?;
        let taken = self.ledger.cut(&self.files, &damaged, &kept, &undone)?;
        self.ledger.died(&self.files);
        self.step("power cuts");
        self.figures.count("files that came back damaged", taken.damaged);
        self.figures.count("acked and lost in the window", taken.acked);
        Ok(())
    }
}
