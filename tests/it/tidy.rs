//! The rules of the repository that a machine can check, so that nobody has to remember them in a review.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use harness::repository;
use serde_json::Value;

const CODE: [&str; 5] = ["hook", "ingest", "query-api", "shared", "tests"];

/// Everything that may stand at the top: the layout is fixed, a new name there is a decision of its own.
const TOP: [&str; 22] = [
    ".cargo",
    ".ci",
    ".gitignore",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "PROOF.md",
    "README.md",
    "clippy.toml",
    "deny.toml",
    "docs",
    "hook",
    "ingest",
    "migrations",
    "ops",
    "query-api",
    "rustfmt.toml",
    "shared",
    "tests",
];

/// The edges between our own packages: who may depend on whom, in any way.
const DIRECTION: &[(&str, &[&str])] = &[
    ("queue", &[]),
    ("prompt-hook", &["queue"]),
    ("redact", &[]),
    ("settings", &["queue", "redact"]),
    ("store", &["queue", "redact"]),
    ("supervisor", &[]),
    ("terminal", &["settings"]),
    ("version", &[]),
    ("export", &["queue", "store"]),
    ("status", &["export", "queue", "settings", "store"]),
    ("ingest", &["export", "queue", "redact", "settings", "status", "store", "supervisor", "terminal", "version"]),
    ("query-api", &["export", "queue", "settings", "status", "store", "supervisor", "terminal", "version"]),
    ("tests", &["queue", "settings", "status", "store", "ingest", "prompt-hook"]),
];

/// The folders of the API, each of which may import those after it.
const FLOORS: [&str; 11] =
    ["serve", "command", "routes", "handlers", "docs", "page", "view", "access", "state", "http", "logging"];

/// Packages that one part alone may use (of zstd two: rows, and the packed archive), so that they can be replaced there.
const HOLDERS: &[(&str, &[&str])] = &[
    ("rusqlite", &["store"]),
    ("aho-corasick", &["redact"]),
    ("regex", &["redact"]),
    ("memchr", &["redact", "store"]),
    ("unicase", &["store"]),
    ("unicode-normalization", &["store"]),
    ("zstd", &["store", "ingest"]),
    ("tar", &["ingest"]),
    ("similar", &["ingest", "query-api"]),
    ("pulldown-cmark", &["query-api"]),
    ("syntect", &["query-api"]),
    ("two-face", &["query-api"]),
    ("comfy-table", &["terminal"]),
    ("anstream", &["terminal"]),
    ("unicode-width", &["terminal"]),
    ("toml", &["redact", "settings"]),
    ("globset", &["settings"]),
    ("fs2", &["ingest"]),
    ("walkdir", &["ingest"]),
    ("cron-parser", &["ingest"]),
    ("hyper", &["query-api"]),
    ("hyper-util", &["query-api"]),
    ("axum", &["query-api"]),
    ("form_urlencoded", &["query-api"]),
    ("listenfd", &["query-api"]),
    ("maud", &["ingest", "query-api"]),
    ("tower-http", &["query-api"]),
    ("utoipa-axum", &["query-api"]),
    ("tokio", &["query-api"]),
];

struct Source {
    path: PathBuf,
    text: String,
}

impl Source {
    /// Its path from the root of the repository.
    fn name(&self) -> String {
        self.path.strip_prefix(repository()).unwrap_or(&self.path).display().to_string()
    }

    /// The comment that opens the file.
    fn head(&self) -> impl Iterator<Item = &str> {
        self.text.lines().take_while(|line| line.starts_with("//!"))
    }

    /// The lines that are not comments.
    fn code(&self) -> impl Iterator<Item = &str> {
        self.text.lines().filter(|line| !line.trim_start().starts_with("//"))
    }
}

fn files(dir: &Path, extension: &str, found: &mut Vec<Source>) {
    for entry in fs::read_dir(dir).unwrap_or_else(|error| panic!("list {}: {error}", dir.display())) {
        let path = entry.expect("an entry").path();
        if path.is_dir() && !path.ends_with("fixtures") && !path.ends_with("target") {
            files(&path, extension, found);
        } else if path.extension().is_some_and(|found| found == extension) {
            let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("read {}: {error}", path.display()));
            found.push(Source { path, text });
        }
    }
}

fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    CODE.iter().for_each(|dir| files(&repository().join(dir), "rs", &mut found));
    assert!(found.len() > 20, "only {} source files were found", found.len());
    found
}

/// Fails with every source that breaks a rule, not only the first.
fn check(rule: &str, breaks: impl Fn(&Source) -> bool) {
    let broken: Vec<_> = sources().iter().filter(|source| breaks(source)).map(Source::name).collect();
    assert!(broken.is_empty(), "{rule}:\n  {}", broken.join("\n  "));
}

#[test]
fn every_file_says_what_it_is() {
    check("the first line must be a `//!` sentence", |source| source.head().next().is_none_or(|line| line.len() < 20));
}

#[test]
fn long_files_give_their_reason() {
    check("over 500 lines, and no `//! Long because …` in the head", |source| {
        source.text.lines().count() > 500 && !source.head().any(|line| line.starts_with("//! Long because "))
    });
}

#[test]
fn main_only_dispatches() {
    check("main.rs has more than 50 lines", |source| {
        source.path.ends_with("src/main.rs") && source.text.lines().count() > 50
    });
}

#[test]
fn rusqlite_is_named_in_the_store_alone() {
    check("only shared/store may name rusqlite", |source| {
        !source.name().starts_with("shared/store/")
            && source.code().any(|line| line.contains(concat!("rusqlite", "::")))
    });
}

#[test]
fn cited_pages_exist() {
    // Those that are given to Claude Code are named where it will have them.
    let given = |page: &str| {
        let name = page.rsplit('/').next().unwrap_or(page);
        ["ops/claude", "ops/plugin/skills/search"].iter().any(|dir| repository().join(dir).join(name).exists())
    };
    let exists = |page: &str| {
        given(page) || ["", "docs", "migrations"].iter().any(|dir| repository().join(dir).join(page).exists())
    };
    check("a comment cites a page that is not here", |source| {
        let words = source.text.split(|c: char| !c.is_ascii_alphanumeric() && !"-_./".contains(c));
        let pages = words.map(|word| word.trim_end_matches('.')).filter(|word| word.len() > 3 && word.ends_with(".md"));
        pages.filter(|page| !page.starts_with('.')).any(|page| !exists(page))
    });
}

#[test]
fn the_api_is_read_from_the_top_down() {
    let floor = |name: &str| FLOORS.iter().position(|floor| *floor == name);
    check("query-api/src imports what stands above it", |source| {
        let name = source.name();
        let inner = name.strip_prefix("query-api/src/").unwrap_or_default();
        let Some(own) = floor(inner.split(['/', '.']).next().unwrap_or_default()) else { return false };
        let (code, _tests) = source.text.split_once("#[cfg(test)]").unwrap_or((&source.text, ""));
        let test = inner.contains("tests.rs");
        let mut imports =
            code.split("crate::").skip(1).filter_map(|rest| floor(rest.split(|c: char| !c.is_alphanumeric()).next()?));
        !test && imports.any(|other| other < own)
    });
    let folders = fs::read_dir(repository().join("query-api/src")).expect("the sources of the API").count();
    assert!(folders > FLOORS.len(), "only {folders} files and folders: has the API moved?");
}

/// What may have to be replaced one day is used in one file.
#[test]
fn some_crates_have_one_file() {
    for (name, file) in [("fs2", "ingest/src/intake/lock.rs"), ("cron_parser", "ingest/src/schedule.rs")] {
        check(&format!("only {file} may use {name}"), |source| {
            source.name() != file && source.code().any(|line| line.contains(&format!("{name}::")))
        });
    }
}

#[test]
fn unsafety_has_two_places() {
    check("the ban on unsafe code is lifted for system calls and for the hook's entry alone", |source| {
        let allowed = ["shared/queue/src/sys.rs", "hook/src/main.rs"].contains(&source.name().as_str());
        !allowed && source.code().any(|line| line.contains(concat!("expect(", "unsafe")))
    });
}

#[test]
fn sql_is_in_the_store_alone() {
    let verbs = ["select ", "insert into ", "insert or ", "update ", "delete from ", "pragma "];
    let sql = |line: &str| verbs.iter().any(|verb| line.contains(&format!("\"{verb}")));
    check("SQL outside shared/store", |source| {
        !source.name().starts_with("shared/store/") && !source.path.ends_with(file!()) && source.code().any(sql)
    });
}

/// The packages of the workspace and what each depends on: name, and whether it is for tests alone.
fn dependencies() -> BTreeMap<String, Vec<(String, bool)>> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--no-deps", "--locked", "--format-version", "1"]).current_dir(repository());
    let output = cargo.output().expect("cargo runs");
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    let text = |value: &Value| value.as_str().expect("a name").to_owned();
    let packages = metadata["packages"].as_array().expect("packages").iter();
    let edges = |package: &Value| {
        let list = package["dependencies"].as_array().expect("dependencies").iter();
        list.map(|it| (text(&it["name"]), it["kind"] == "dev")).collect()
    };
    packages.map(|package| (text(&package["name"]), edges(package))).collect()
}

#[test]
fn packages_depend_in_one_direction() {
    let ours: BTreeMap<_, _> = DIRECTION.iter().copied().collect();
    for (package, dependencies) in dependencies() {
        let allowed = ours.get(package.as_str()).unwrap_or_else(|| panic!("{package} has no line in DIRECTION"));
        for (name, _) in dependencies.iter().filter(|(name, _)| ours.contains_key(name.as_str())) {
            assert!(allowed.contains(&name.as_str()), "{package} must not depend on {name}");
        }
    }
}

/// The fuzz targets are a workspace of their own, with a lock file of its own: what they run is still what is built.
#[test]
fn fuzz_targets_are_made_of_the_same_packages() {
    let locked = |path: &str| -> BTreeSet<String> {
        let text = fs::read_to_string(repository().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        let packages = text.split("[[package]]\n").skip(1);
        packages.map(|package| package.lines().take(2).collect::<Vec<_>>().join(" ")).collect()
    };
    let own = ["arbitrary", "fuzz", "libfuzzer-sys"].map(|name| format!("name = \"{name}\" "));
    let (ours, theirs) = (locked("Cargo.lock"), locked("tests/fuzz/Cargo.lock"));
    let other: Vec<_> = theirs.difference(&ours).filter(|it| !own.iter().any(|own| it.starts_with(own))).collect();
    assert!(other.is_empty() && theirs.len() > 50, "copy Cargo.lock to tests/fuzz and build there once: {other:?}");
}

#[test]
fn the_hook_has_no_foreign_code() {
    for package in ["prompt-hook", "queue"] {
        let foreign = dependencies()[package].iter().find(|(name, test_only)| !test_only && name != "queue").cloned();
        assert_eq!(foreign, None, "{package}: every byte of it is paid for at each prompt and tool call");
    }
}

#[test]
fn some_packages_have_one_user() {
    let dependencies = dependencies();
    for &(name, holders) in HOLDERS {
        let used_by = |list: &[(String, bool)]| list.iter().any(|(found, test_only)| found == name && !test_only);
        // Of the package of tests everything is for tests alone.
        let shipped = dependencies.iter().filter(|(user, _)| *user != "tests");
        let users: Vec<_> = shipped.filter(|(_, list)| used_by(list)).map(|(user, _)| user).collect();
        assert!(
            users.iter().all(|user| holders.contains(&user.as_str())),
            "{name} is for {holders:?}, and used by {users:?}"
        );
    }
}

#[test]
fn the_top_level_is_fixed() {
    let output = Command::new("git").args(["ls-files"]).current_dir(repository()).output().expect("git runs");
    if !output.status.success() {
        return; // not a clone: the files of a package are not the repository's
    }
    let tracked = String::from_utf8(output.stdout).expect("names are UTF-8");
    let top: BTreeSet<_> = tracked.lines().map(|path| path.split('/').next().unwrap_or_default()).collect();
    let unknown: Vec<_> = top.iter().filter(|name| !TOP.contains(name)).collect();
    assert!(unknown.is_empty(), "new at the top level: {unknown:?}");
}

#[test]
fn the_architecture_stays_short() {
    let text = fs::read_to_string(repository().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    assert!(text.lines().count() < 150, "ARCHITECTURE.md has {} lines", text.lines().count());
}

#[test]
fn migrations_have_no_gap() {
    let mut found = Vec::new();
    files(&repository().join("migrations"), "sql", &mut found);
    found.retain(|source| !source.path.ends_with("schema.sql"));
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(!found.is_empty());
    for (index, migration) in found.iter().enumerate() {
        let name = migration.path.file_name().expect("a name").to_string_lossy();
        assert!(name.starts_with(&format!("{:04}_", index + 1)), "{name} is number {}", index + 1);
        assert!(migration.text.starts_with("-- "), "{name} must begin with a comment that says why it is there");
    }
}

#[test]
fn scripts_are_plain_sh() {
    for name in [
        "ops/up",
        "ops/test",
        "ops/build",
        "ops/bench",
        "ops/prompt-manager",
        "ops/package",
        "ops/package-check",
        "ops/debian/maintainer",
        "ops/tarball/install.sh",
        "tests/fixtures/schemas/make",
        ".ci/run",
    ] {
        let path = repository().join(name);
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("read {name}: {error}"));
        assert!(text.starts_with("#!/bin/sh\n# "), "{name} must be sh and say what it is");
        let mode = fs::metadata(&path).expect("metadata").permissions().mode();
        assert_eq!(mode & 0o111, 0o111, "{name} must be executable");
    }
}

/// A variable that the code reads and no help names would be a secret.
#[test]
fn every_variable_is_in_the_help() {
    let help = fs::read_to_string(repository().join("ops/prompt-manager")).expect("ops/prompt-manager");
    let mut unnamed = BTreeSet::new();
    // What a build asks for is no setting of those who run it.
    let is_run = |name: &str| !name.starts_with("tests/") && !name.ends_with("/build.rs");
    for source in sources().iter().filter(|source| is_run(&source.name())) {
        for piece in source.text.split("\"PROMPT_MANAGER_").skip(1) {
            let name = piece.split(|c: char| !c.is_ascii_uppercase() && c != '_').next().unwrap_or_default();
            if !name.starts_with("TEST_") && !help.contains(&format!("PROMPT_MANAGER_{name} ")) {
                unnamed.insert(format!("PROMPT_MANAGER_{name} in {}", source.name()));
            }
        }
    }
    assert!(unnamed.is_empty(), "not in `prompt-manager --help`: {unnamed:#?}");
}

/// A key of config.toml that no page explains would be a secret too.
#[test]
fn every_setting_is_explained() {
    let read =
        |name: &str| fs::read_to_string(repository().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let (code, page) = (read("shared/settings/src/file.rs"), read("docs/settings.md"));
    let keys = code.split("struct Keys {").nth(1).and_then(|rest| rest.split('}').next()).unwrap_or_default();
    let keys: Vec<_> = keys.lines().filter_map(|line| line.trim().split_once(": ")).map(|(key, _)| key).collect();
    assert!(keys.len() > 20, "only {keys:?}");
    let unexplained: Vec<_> = keys.iter().filter(|key| !page.contains(&format!("\n| `{key}` |"))).collect();
    assert!(unexplained.is_empty(), "docs/settings.md does not explain {unexplained:?}");
}
