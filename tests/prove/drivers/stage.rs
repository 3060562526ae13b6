//! A store with a queue of a few files, and what drivers ask of it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::SystemTime;

use harness::{Ingester, World, law};
use ingest::pass::{self, Context, Effort};
use ingest::report::PassReport;
use ingest::step::go_on;
use settings::{Layer, Settings};
use store::read::Reader;

/// A world with a database, into which nothing was taken yet.
pub(crate) struct Stage {
    pub(crate) world: World,
}

/// The settings of the store at `home`: a queue, no transcripts.
pub(crate) fn settings(home: &Path) -> Settings {
    let flags =
        Layer { home: Some(home.to_owned()), projects: Some(vec![home.join("no projects")]), ..Layer::default() };
    Settings::resolve(flags, &|_| None).expect("settings")
}

/// An ingester of it.
pub(crate) fn context(home: &Path) -> Context {
    Context::new(&settings(home), Arc::new(AtomicBool::new(false)))
}

impl Stage {
    pub(crate) fn new() -> Self {
        let stage = Self { world: World::new() };
        stage.world.data().create().expect("a data directory");
        stage.live();
        stage
    }

    /// The name of the `n`-th queue file.
    pub(crate) fn name(n: u64) -> String {
        format!("{:019}-s-Stop.json", 1_795_350_951_000_000_000 + n)
    }

    /// Its payload; all are of one size.
    pub(crate) fn payload(n: u64) -> Vec<u8> {
        format!(r#"{{"session_id":"s","hook_event_name":"Stop","last_assistant_message":"{n:05}"}}"#).into_bytes()
    }

    /// Puts the `n`-th file into incoming.
    pub(crate) fn put(&self, n: u64) {
        self.put_as(&Self::name(n), n);
    }

    /// Puts it there under another name.
    pub(crate) fn put_as(&self, name: &str, n: u64) {
        let path = self.incoming(name);
        fs::write(&path, Self::payload(n)).unwrap_or_else(|error| panic!("write {}: {error}", path.display()));
    }

    pub(crate) fn incoming(&self, name: &str) -> PathBuf {
        self.world.data().incoming().join(name)
    }

    /// An ingester that goes step by step.
    pub(crate) fn ingester(&self) -> Ingester {
        Ingester::new(&settings(self.world.data().root()))
    }

    /// A pass of an ingester that lives.
    pub(crate) fn live(&self) -> PassReport {
        self.live_at(SystemTime::now())
    }

    pub(crate) fn live_at(&self, now: SystemTime) -> PassReport {
        let mut context = context(self.world.data().root());
        pass::run(&mut context, now, Effort::Everything, &mut go_on).expect("a pass that nothing hinders")
    }

    /// Passes until nothing of the queue is left.
    pub(crate) fn drain(&self) {
        for _ in 0..100 {
            self.live();
            let data = self.world.data();
            if [data.incoming(), data.processing()].iter().all(|dir| law::names(dir).is_empty()) {
                return;
            }
        }
        panic!("something stays in the queue: {}", self.world.tree());
    }

    pub(crate) fn reader(&self) -> Reader {
        Reader::open(self.world.data()).expect("the store")
    }

    /// Which payloads are stored, by their numbers from 0 to 99.
    pub(crate) fn stored(&self) -> BTreeSet<u64> {
        let kept = self.reader().kept_events().expect("the events");
        let hash = |n: &u64| blake3::hash(&Self::payload(*n)).as_bytes().to_vec();
        (0..100).filter(|n| kept.iter().any(|kept| kept.hash == hash(n))).collect()
    }

    /// The files in failed, without their notes.
    pub(crate) fn failed(&self) -> Vec<String> {
        let names = law::names(&self.world.data().failed());
        names.into_iter().filter(|name| !name.ends_with(".reason.json")).collect()
    }
}
