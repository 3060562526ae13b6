//! What ingesters do, a step at a time, and what a person has done to the whole store.

use std::ops::ControlFlow;

use clap::Parser;
use harness::At;
use ingest::cli::{Cli, Command};
use ingest::derive::{self, Index};
use ingest::failed;
use ingest::pass::Effort;
use ingest::step::Step;
use store::write::Writer;

use super::ledger::{Breach, demand};
use super::log;
use super::machine::{Commit, Machine, hashes};

impl Machine {
    /// An ingester begins a pass or goes on with it.
    pub(super) fn go(&mut self, which: usize, steps: Option<u8>, everything: bool) -> Result<(), Breach> {
        let mut left = steps.map_or(usize::MAX, usize::from);
        if self.ingesters[which].step() != Some(Step::Written) {
            self.free_the_store()?;
        }
        if self.ingesters[which].step().is_none() {
            if steps.is_none() {
                return Ok(());
            }
            let effort = if everything { Effort::Everything } else { Effort::Changed };
            let now = self.now();
            let at = self.ingesters[which].begin(now, effort);
            left -= 1;
            if !self.at(at)? {
                return Ok(());
            }
        }
        while left > 0 {
            left -= 1;
            let at = self.ingesters[which].go_on();
            if !self.at(at)? {
                break;
            }
        }
        Ok(())
    }

    /// An ingester has come to a step, or to the end of its pass. Whether it is in a pass still.
    pub(super) fn at(&mut self, at: At) -> Result<bool, Breach> {
        self.step("");
        self.step("of them steps of passes");
        self.files.look();
        match at {
            At::Step(step) => {
                if step == Step::Written {
                    let stored = hashes(&self.kept()?).collect();
                    self.commit = Some(Commit { log: log::read(&self.data), stored });
                }
                if step == Step::Committed {
                    self.step("commits");
                }
                Ok(true)
            }
            At::End(done) => {
                let report = done.map_err(|error| format!("a pass that nothing hinders failed to {error}"))?;
                demand(report.trouble.is_none(), || format!("a pass that nothing hinders: {:?}", report.trouble))?;
                Ok(false)
            }
        }
    }

    /// Who is about to commit does so: others would wait for that.
    pub(super) fn free_the_store(&mut self) -> Result<(), Breach> {
        for which in 0..self.ingesters.len() {
            while self.ingesters[which].step() == Some(Step::Written) {
                let at = self.ingesters[which].go_on();
                self.at(at)?;
            }
        }
        Ok(())
    }

    pub(super) fn crash(&mut self, which: usize) {
        if let Some(step) = self.ingesters[which].step() {
            self.died_at.insert(step);
        }
        self.ingesters[which].die();
        self.ledger.died(&self.files);
        self.step("crashes");
    }

    pub(super) fn rest(&mut self, which: usize) -> Result<(), Breach> {
        self.free_the_store()?;
        if self.ingesters[which].step().is_none() {
            self.ingesters[which].context().rest();
        }
        Ok(())
    }

    pub(super) fn retry(&mut self) -> Result<(), Breach> {
        let cli = Cli::try_parse_from(["ingest", "retry", "--all"]).map_err(|error| error.to_string())?;
        let Command::Retry(args) = cli.command else { return Err("`retry` is another command".to_owned()) };
        let report = failed::give_back(&self.settings, &args).map_err(|error| format!("retry failed to {error}"))?;
        self.figures.count("files tried again", report.returned);
        Ok(())
    }

    pub(super) fn rebuild(&mut self, index: Index) -> Result<u64, Breach> {
        let derived = Writer::open(&self.data)
            .and_then(|mut writer| derive::rebuild(&mut writer, index, &mut |_, _| ControlFlow::Continue(())));
        Ok(derived.map_err(|error| format!("rebuild failed to {error}"))?.conversations)
    }
}
