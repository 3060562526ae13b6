//! What is killed: one line each, with its beginning, its command, and what must hold whatever happened to it.

use std::fs;
use std::path::Path;

use harness::{Cmd, World, copy_tree, law};

use super::prepare;
use crate::ledger::Ledger;

/// Something that changes the disk, and must leave it whole at any moment.
pub(super) struct Subject {
    pub(super) name: &'static str,
    /// Makes its beginning, and says what the queue was given.
    pub(super) prepare: fn(&World) -> Ledger,
    /// What is killed.
    pub(super) command: fn(&World) -> Cmd,
    /// It has to be started again to be done; else a pass does the rest.
    pub(super) again: bool,
    /// What must hold after all, beside the conversations.
    ///
    /// Panics when it does not.
    pub(super) check: fn(&World, &Ledger),
}

pub(super) const SUBJECTS: &[Subject] = &[
    Subject { name: "a pass of 1 file", prepare: prepare::one_file, command: once, again: false, check: books },
    Subject { name: "a pass of 64 files", prepare: prepare::many_files, command: once, again: false, check: books },
    Subject {
        name: "a pass of 64 files by two threads",
        prepare: prepare::many_files,
        command: |world| once(world).args(["--batch", "20"]),
        again: false,
        check: books,
    },
    Subject { name: "a recovery", prepare: prepare::left_behind, command: once, again: false, check: books },
    Subject {
        name: "a migration from schema 6",
        prepare: |world| prepare::schema(world, 6),
        command: once,
        again: false,
        check: whole,
    },
    Subject {
        name: "a migration from the schema before",
        prepare: |world| prepare::schema(world, 0),
        command: once,
        again: false,
        check: whole,
    },
    Subject { name: "a backup", prepare: prepare::taken_in, command: backup, again: true, check: backups },
    Subject {
        name: "a prune",
        prepare: prepare::taken_in,
        command: |world| world.bin("ingest").args(["prune"]),
        again: true,
        check: archive,
    },
    Subject { name: "a forget", prepare: prepare::to_forget, command: forget, again: true, check: forgotten },
    Subject { name: "an import", prepare: prepare::to_import, command: import, again: true, check: whole },
];

fn once(world: &World) -> Cmd {
    world
        .bin("ingest")
        .args(["once", "--quiet", "--projects"])
        .arg(world.projects_root())
        .env("PROMPT_MANAGER_ARCHIVE", "files")
}

fn backup(world: &World) -> Cmd {
    world.bin("ingest").args(["backup", "--force"]).arg(world.data().backups().join("asked-for.db"))
}

fn forget(world: &World) -> Cmd {
    world.bin("ingest").args(["forget", "--yes", "--session", prepare::TO_FORGET])
}

fn import(world: &World) -> Cmd {
    world.bin("ingest").args(["import", "--quiet"]).arg(world.projects_root())
}

/// Each file is stored, once.
fn books(world: &World, ledger: &Ledger) {
    let _ = ledger.check(world);
}

/// The engine finds nothing wrong.
fn whole(world: &World, _: &Ledger) {
    Ledger::check_engine(world);
}

/// Whatever has the name of a backup is one, of everything.
fn backups(world: &World, ledger: &Ledger) {
    books(world, ledger);
    let folder = world.data().backups();
    let names: Vec<_> = law::names(&folder).into_iter().filter(|name| name.ends_with(".db")).collect();
    assert!(!names.is_empty(), "no backup: {}", world.tree());
    for name in names {
        let copy = World::new();
        let place = |done: std::io::Result<()>| done.unwrap_or_else(|error| panic!("place {name}: {error}"));
        place(fs::create_dir_all(copy.data().database_dir()));
        place(fs::copy(folder.join(&name), copy.data().database()).map(drop));
        let _ = ledger.check(&copy);
    }
}

/// The archive holds each file once, packed or not, and a store can be made from it alone.
fn archive(world: &World, ledger: &Ledger) {
    books(world, ledger);
    let copy = World::new();
    let place = |done: std::io::Result<()>| done.unwrap_or_else(|error| panic!("place the archive: {error}"));
    place(copy.data().create());
    place(fs::create_dir_all(copy.data().database_dir()));
    place(fs::write(copy.data().database(), "no database"));
    copy_tree(&world.data().archive(), &copy.data().archive());
    let _ = copy.bin("ingest").args(["recover", "--json", "--projects"]).arg(copy.projects_root()).run().code(0);
    let _ = ledger.check(&copy);
}

/// No byte of it is left anywhere.
fn forgotten(world: &World, _: &Ledger) {
    Ledger::check_engine(world);
    look_for(prepare::CANARY.as_bytes(), world.data().root());
}

fn look_for(canary: &[u8], folder: &Path) {
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("read {}: {error}", folder.display())).flatten() {
        let path = entry.path();
        if path.is_dir() {
            look_for(canary, &path);
        } else {
            let bytes = fs::read(&path).unwrap_or_default();
            let found = bytes.windows(canary.len()).any(|window| window == canary);
            assert!(!found, "what was forgotten is in {}", path.display());
        }
    }
}
