//! What `setup` puts into places that are not ours, and that it takes all of it out again.

mod doctor; // what doctor says of what was set up
mod hindered; // killed at the wrong moment, a configuration that cannot be changed, somebody who writes
mod hooks; // the hook in Claude Code's settings: folders, versions, copies
mod places; // where the copy lies, and whose folder a path leads to
mod plugin; // the plugin: its folder, and in the place of the hooks
mod shapes; // settings files as people have them, before and after
mod switch; // from the hooks to the plugin, and when not
mod versions; // which client things are set up for, where it is not always found

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use harness::{Cmd, World};

/// Claude Code's own folder in a world.
fn config(world: &World) -> PathBuf {
    world.home().join(".claude")
}

/// `setup` with these words, where `claude` is what [`claude`] made, if it did.
fn setup(world: &World, words: &[&str]) -> Cmd {
    let path = format!("{}:/usr/bin:/bin", world.root().join("bin").display());
    world.bin("ingest").arg("setup").args(words).env("PATH", path)
}

/// A `claude` on PATH that is of this version.
fn claude(world: &World, version: &str) {
    program(&world.root().join("bin/claude"), &format!("[ \"$1\" = --version ] && echo '{version} (Claude Code)'"));
}

fn program(path: &Path, line: &str) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, format!("#!/bin/sh\n{line}\n")).expect("a program");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("a mode");
}
