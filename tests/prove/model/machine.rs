//! The real thing and the small model side by side: does an action to both, and holds the one to the other.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use harness::Ingester;
use ingest::derive::Index;
use ingest::step::Step;
use queue::DataDir;
use settings::{Layer, Settings};
use store::read::{Kept, Reader};
use tempfile::TempDir;

use super::action::Action;
use super::files::{Files, Hash};
use super::hook::Hook;
use super::ledger::{Breach, Ledger};
use super::log::Image;
use super::people::People;
use crate::figures::Figures;

/// More hooks do not live at once.
const HOOKS: usize = 4;

/// A store, its queue, two ingesters, some hooks, a person; and what should be.
pub(super) struct Machine {
    pub(super) data: DataDir,
    pub(super) spill: PathBuf,
    pub(super) settings: Settings,
    pub(super) ingesters: [Ingester; 2],
    pub(super) hooks: Vec<Hook>,
    pub(super) reader: Option<Reader>,
    pub(super) files: Files,
    pub(super) ledger: Ledger,
    pub(super) people: People,
    /// What the clocks of hooks showed so far.
    pub(super) times: Vec<u64>,
    /// How much later it is than it is.
    pub(super) later: Duration,
    /// What an ingester that waits at its commit found there.
    pub(super) commit: Option<Commit>,
    /// The steps at which ingesters died.
    pub(super) died_at: HashSet<Step>,
    /// Payloads so far: no two are equal.
    pub(super) payloads: usize,
    pub(super) figures: Figures,
    _root: TempDir,
}

/// The log and the store before a commit.
pub(super) struct Commit {
    pub(super) log: Vec<u8>,
    pub(super) stored: BTreeSet<Hash>,
}

impl Machine {
    /// One in a new directory of `disk`, with the empty store of `template`.
    pub(super) fn new(disk: &Path, template: &Image) -> Self {
        let root = tempfile::Builder::new().prefix("prompt-manager-model-").tempdir_in(disk).expect("a directory");
        let data = DataDir::new(root.path().join("data"));
        data.create().expect("a data directory");
        template.restore(&data);
        let (spill, projects) = (root.path().join("spill"), root.path().join("projects"));
        for place in ["tmp", "incoming"] {
            fs::create_dir_all(spill.join(place)).expect("a spill place");
        }
        fs::create_dir(&projects).expect("a projects root");
        let flags = Layer {
            home: Some(data.root().to_owned()),
            spill: Some(spill.clone()),
            projects: Some(vec![projects.clone()]),
            min_space: Some(0),
            ..Layer::default()
        };
        let settings = Settings::resolve(flags, &|_| None).expect("settings");
        Self {
            files: Files::new(&data, &spill),
            ingesters: [Ingester::new(&settings), Ingester::new(&settings)],
            people: People::new(&projects),
            data,
            spill,
            settings,
            hooks: Vec::new(),
            reader: None,
            ledger: Ledger::default(),
            times: Vec::new(),
            later: Duration::ZERO,
            commit: None,
            died_at: HashSet::new(),
            payloads: 0,
            figures: Figures::default(),
            _root: root,
        }
    }

    /// Does it, then looks whether all is as it should be.
    pub(super) fn act(&mut self, action: &Action) -> Result<(), Breach> {
        self.step("");
        match *action {
            Action::Hook(event) => self.hook(event)?,
            Action::Write { event, .. } if self.hooks.len() < HOOKS => self.begin(event),
            Action::Write { hook, .. } | Action::Exit { hook } => {
                if let Some(at) = self.living(hook) {
                    drop(self.hooks.remove(at));
                }
            }
            Action::Append { hook } => {
                if let Some(at) = self.living(hook) {
                    self.hooks[at].append(&mut self.ledger);
                }
            }
            Action::Rename { hook } => {
                if let Some(at) = self.living(hook) {
                    self.hooks[at].rename(&mut self.ledger)?;
                }
            }
            Action::Again { which } => self.again(which),
            Action::Go { ingester, steps, everything } => {
                self.go(usize::from(ingester) % 2, Some(steps), everything)?;
            }
            Action::Finish { ingester } => self.go(usize::from(ingester) % 2, None, false)?,
            Action::Crash { ingester } => self.crash(usize::from(ingester) % 2),
            Action::Rest { ingester } => self.rest(usize::from(ingester) % 2)?,
            Action::PowerCut { back, cut } => self.power_cut(back, cut, None)?,
            Action::TornCommit { ingester, torn, cut } => self.torn_commit(usize::from(ingester) % 2, torn, cut)?,
            Action::Line { which, new } => self.line(which, new),
            Action::Rate { which, rating } => {
                self.free_the_store()?;
                let reader = opened(&mut self.reader, &self.data);
                self.people.rate(&self.data, reader, which, rating)?;
            }
            Action::Split { which } => {
                self.free_the_store()?;
                let reader = opened(&mut self.reader, &self.data);
                self.people.split(&self.data, reader, which)?;
            }
            Action::Retry => self.retry()?,
            Action::Rebuild { index } => {
                self.free_the_store()?;
                self.rebuild(if index { Index::Anew } else { Index::Keep })?;
                self.step("rebuilds");
            }
            Action::Wait { hours } => self.later += Duration::from_secs(u64::from(hours) * 3600),
        }
        self.look()
    }

    /// Counts a step, of some kind.
    pub(super) fn step(&mut self, kind: &str) {
        self.figures.count(if kind.is_empty() { "steps" } else { kind }, 1);
    }

    /// The law, now.
    pub(super) fn look(&mut self) -> Result<(), Breach> {
        let kept = self.kept()?;
        self.ledger.stored(&kept)?;
        self.files.look();
        let told = fs::read_to_string(self.data.hook_errors()).unwrap_or_default().lines().count();
        self.ledger.lie(&self.files, told)
    }

    pub(super) fn kept(&mut self) -> Result<Vec<Kept>, Breach> {
        let kept = opened(&mut self.reader, &self.data).kept_events();
        kept.map_err(|error| format!("read the events: {error}"))
    }

    pub(super) fn now(&self) -> SystemTime {
        SystemTime::now() + self.later
    }

    pub(super) fn living(&self, hook: u8) -> Option<usize> {
        (!self.hooks.is_empty()).then(|| usize::from(hook) % self.hooks.len())
    }
}

/// What they are known by.
pub(super) fn hashes(kept: &[Kept]) -> impl Iterator<Item = Hash> {
    kept.iter().filter_map(|kept| kept.hash.as_slice().try_into().ok())
}

/// The store, for reading.
pub(super) fn opened<'r>(kept: &'r mut Option<Reader>, data: &DataDir) -> &'r mut Reader {
    kept.get_or_insert_with(|| Reader::open(data).expect("the store"))
}
