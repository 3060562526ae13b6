//! Transcripts behind links, which are never followed.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use harness::World;
use serde_json::json;

use super::{check, copy, doctor, files};

/// A project on another disk: a transcript, and something else.
fn away(world: &World) -> PathBuf {
    let away = world.root().join("another-disk/-p");
    fs::create_dir_all(&away).unwrap();
    fs::write(away.join("s.jsonl"), "{}\n").unwrap();
    fs::write(away.join("notes.txt"), "x").unwrap();
    away
}

/// Links are not followed: a project that was moved to another disk was never read, and nothing said so.
#[test]
fn transcripts_behind_links_are_told() {
    let links = |fault: &str, expected: &[&str], link: &dyn Fn(&Path, &Path)| {
        check(fault, expected, |world| link(&away(world), &world.projects_root()));
    };
    links("a linked project", &["link_unread"], &|away, root| symlink(away, root.join("-linked")).unwrap());
    links("a linked transcript", &["link_unread"], &|away, root| {
        fs::create_dir(root.join("-p")).unwrap();
        symlink(away.join("s.jsonl"), root.join("-p/s.jsonl")).unwrap();
    });
    links("links to what is no transcript, or nowhere", &[], &|away, root| {
        fs::create_dir_all(away.join("empty/memory")).unwrap();
        symlink(away.join("empty"), root.join("-empty")).unwrap();
        symlink(away.join("notes.txt"), root.join("notes.txt")).unwrap();
        symlink(away.join("gone"), root.join("-gone")).unwrap();
    });
    links("a link to what is read where it lies", &[], &|_, root| {
        let project = files(root).swap_remove(0);
        symlink(root.join(project.strip_prefix(root).unwrap().iter().next().unwrap()), root.join("-again")).unwrap();
    });

    let world = copy();
    let away = away(&world);
    symlink(&away, world.projects_root().join("-linked")).unwrap();
    symlink(away.join("s.jsonl"), world.projects_root().join("s.jsonl")).unwrap();
    let found = doctor(&world, &[]).code(0).json();
    let found = &found["findings"][0];
    let first = world.projects_root().join("-linked");
    assert_eq!((&found["count"], &found["examples"][0]), (&2.into(), &first.to_str().unwrap().into()), "{found}");
    // What it says to do is enough.
    let done = world.bin("ingest").args(["doctor", "--json", "--projects"]).arg(world.projects_root());
    let done = done.arg("--projects").arg(&away).run().code(0).json();
    assert_eq!(done["findings"], json!([]), "{done}");
}
