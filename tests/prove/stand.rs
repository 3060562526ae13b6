//! A world with a beginning that it can be put back to, for many runs that begin alike: paths are in the database, so it stays
//! where it is.

use std::fs;
use std::process::Command;

use harness::World;

use crate::ledger::Ledger;

/// A world and its beginning.
pub(crate) struct Stand {
    /// Where it happens.
    pub(crate) world: World,
    /// What was promised to whom in the beginning.
    pub(crate) ledger: Ledger,
}

/// What a run may change in a world.
const CHANGED: [&str; 3] = ["data", "projects", "state"];

impl Stand {
    /// A new world, begun so.
    pub(crate) fn new(prepare: fn(&World) -> Ledger) -> Self {
        let world = World::new();
        for name in CHANGED {
            fs::create_dir_all(world.root().join(name)).unwrap_or_else(|error| panic!("a folder: {error}"));
        }
        let ledger = prepare(&world);
        let stand = Self { world, ledger };
        stand.copy("", "begin/");
        stand
    }

    /// Puts it back.
    pub(crate) fn begin_again(&self) {
        for name in CHANGED {
            let path = self.world.root().join(name);
            fs::remove_dir_all(&path).unwrap_or_else(|error| panic!("remove {}: {error}", path.display()));
        }
        self.copy("begin/", "");
    }

    /// With times and modes: when a transcript was written is part of what is stored.
    fn copy(&self, from: &str, to: &str) {
        let to = self.world.root().join(to);
        fs::create_dir_all(&to).unwrap_or_else(|error| panic!("a folder: {error}"));
        let mut cp = Command::new("cp");
        cp.arg("-a").args(CHANGED.map(|name| self.world.root().join(from).join(name))).arg(to);
        let done = cp.status().unwrap_or_else(|error| panic!("cp: {error}"));
        assert!(done.success(), "cp: {done}");
    }
}
