//! Commands that pages print: with another data directory each runs as it is written.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use harness::{Done, World, bin, repository};

use super::Tab;

/// The folder with the one command on PATH, laid out as it is installed.
fn programs(world: &World) -> PathBuf {
    let (bins, lib) = (world.root().join("programs/bin"), world.root().join("programs/lib/prompt-manager"));
    fs::create_dir_all(&bins).expect("a folder");
    fs::create_dir_all(&lib).expect("a folder");
    fs::copy(repository().join("ops/prompt-manager"), bins.join("prompt-manager")).expect("the command");
    for name in ["ingest", "query-api"] {
        std::os::unix::fs::symlink(bin(name), lib.join(name)).expect("a link");
    }
    bins
}

/// Whether its words are accepted: help is shown only behind words that are.
fn run(world: &World, programs: &Path, command: &str) -> Done {
    let path = format!("{}:/usr/bin:/bin", programs.display());
    world.command("sh").args(["-c", &format!("{command} --help")]).env("PATH", path).run()
}

/// What stands between these marks and is a command of ours.
fn commands(text: &str, before: &str, after: &str) -> BTreeSet<String> {
    let begin = format!("{before}prompt-manager ");
    let found = text.match_indices(&begin).filter_map(|(at, _)| text[at + before.len()..].split_once(after));
    found.map(|(command, _)| command.to_owned()).collect()
}

#[test]
fn commands_on_pages_name_the_data_directory_where_it_is_accepted() {
    let world = World::new();
    world.data().create().expect("folders");
    for nth in 0..2 {
        fs::write(world.data().failed().join(format!("179535095159801404{nth}-s-Stop.json")), "x").expect("a file");
    }
    let home = world.data().root().to_str().expect("a plain path").to_owned();
    let server = world.serve_with(&["--home", &home]);
    let tab = Tab::open(&world, &server);
    let programs = programs(&world);
    let mut seen = BTreeSet::new();
    for page in ["/", "/health", "/sessions"] {
        seen.extend(commands(&tab.get(page).text(), "<code>", "</code>"));
    }
    for expected in ["setup hooks --rate", "setup service", "run", "once", "import ~/.claude/projects", "failed"] {
        let found = seen.contains(&format!("prompt-manager {expected} --home {home}"));
        assert!(found, "{expected} is not among {seen:#?}");
    }
    for command in &seen {
        let done = run(&world, &programs, command);
        assert!(done.status.success() && done.out().contains("Usage: prompt-manager "), "{command}\n{done}");
        assert!(command.ends_with(&home) || command.contains(&format!(" --home {home} ")), "{command}");
    }
    let refused = run(&world, &programs, &format!("prompt-manager setup --home {home} service"));
    assert!(!refused.status.success(), "{refused}");
}

/// Not every fault can be made here: of the others it is read what their sentences name.
#[test]
fn every_command_that_a_sentence_names_takes_the_data_directory_at_its_end() {
    let world = World::new();
    let programs = programs(&world);
    let mut files = vec![repository().join("query-api/src/http/problem.rs")];
    let mut folders = vec![repository().join("query-api/src/page"), repository().join("shared/status/src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            if entry.path().is_dir() { folders.push(entry.path()) } else { files.push(entry.path()) }
        }
    }
    let texts = files.iter().map(|file| fs::read_to_string(file).expect("a text"));
    let named: BTreeSet<_> = texts.flat_map(|text| commands(&text, "`", "`")).collect();
    assert!(named.len() > 10, "{named:?}");
    for command in named {
        let done = run(&world, &programs, &format!("{command} --home /elsewhere"));
        assert!(done.status.success() && done.out().contains("Usage: prompt-manager "), "{command}\n{done}");
        assert!(!command.contains(" -- "), "{command}: nothing behind it is a flag");
    }
}
