//! Where the product's binaries are: built once for each test process, found by what cargo says of them.
//!
//! Cargo gives `CARGO_BIN_EXE_*` only to tests in the binary's own package and builds no other package's binaries for
//! them, so the harness asks it. `$PROMPT_MANAGER_TEST_BIN` names a directory to take them from instead: that is how the
//! installed release binaries are tested.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

use serde_json::Value;

const PACKAGES: [&str; 3] = ["prompt-hook", "ingest", "query-api"];

/// The path of the binary `name`: `prompt-hook`, `ingest` or `query-api`.
///
/// # Panics
/// When it cannot be built, with the compiler's words.
pub fn bin(name: &str) -> &'static Path {
    static BINS: OnceLock<BTreeMap<String, PathBuf>> = OnceLock::new();
    let bins = BINS.get_or_init(|| match std::env::var_os("PROMPT_MANAGER_TEST_BIN") {
        Some(dir) => {
            // Commands run in their world's folder, where a relative path would name nothing.
            let dir = std::path::absolute(dir).expect("PROMPT_MANAGER_TEST_BIN names a folder");
            PACKAGES.map(|name| (name.to_owned(), dir.join(name))).into()
        }
        None => build(),
    });
    bins.get(name).unwrap_or_else(|| panic!("no binary named {name}; there are {:?}", bins.keys()))
}

/// The path of an example of the store, built when it is first asked for: what tests need SQL for.
///
/// # Panics
/// When it cannot be built, with the compiler's words.
pub fn example(name: &str) -> PathBuf {
    static EXAMPLES: Mutex<BTreeMap<String, PathBuf>> = Mutex::new(BTreeMap::new());
    // Who waits here would wait for cargo's own lock.
    let mut known = EXAMPLES.lock().unwrap_or_else(PoisonError::into_inner);
    let build = || {
        let mut built = run(&["store"], &["--example", name]);
        built.remove(name).unwrap_or_else(|| panic!("cargo named no executable for {name}"))
    };
    known.entry(name.to_owned()).or_insert_with(build).clone()
}

/// The program in which rules can be broken (tests/prove/broken.rs), built when it is first asked for. Only packages of ours are
/// built anew for it, beside those that are used.
///
/// # Panics
/// When it cannot be built, with the compiler's words.
pub fn broken() -> PathBuf {
    run(&["tests"], &["--features", "tests/broken", "--bin", "prove-broken"])
        .remove("prove-broken")
        .expect("cargo names the program that it was asked to build")
}

/// The hook as `ops/build` makes it and `ops/up` installs it.
///
/// # Panics
/// When it cannot be built.
pub fn release_hook() -> &'static Path {
    static HOOK: OnceLock<PathBuf> = OnceLock::new();
    HOOK.get_or_init(|| {
        let built = Command::new(repository().join("ops/build")).arg("--hook-only").stderr(Stdio::inherit()).output();
        let built = built.expect("ops/build starts");
        assert!(built.status.success(), "ops/build failed");
        PathBuf::from(String::from_utf8_lossy(&built.stdout).trim())
    })
}

/// The root of the repository.
pub fn repository() -> &'static Path {
    // Of this package's own folder, which is one below.
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a package is never at the file system's root")
}

fn build() -> BTreeMap<String, PathBuf> {
    run(&PACKAGES, &PACKAGES.map(|name| ["--bin", name]).concat())
}

/// Builds targets of packages. Unoptimized ones are built as `cargo test` builds the whole workspace: of some packages alone cargo
/// would choose other features of what they depend on, and compile nearly all of it once more.
fn run(packages: &[&str], targets: &[&str]) -> BTreeMap<String, PathBuf> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--locked", "--message-format=json-render-diagnostics"]).args(targets);
    if !cfg!(debug_assertions) {
        cargo.arg("--release").args(packages.iter().flat_map(|package| ["-p", package]));
    }
    cargo.current_dir(repository()).stdin(Stdio::null());
    let output = cargo.output().expect("cargo runs");
    assert!(output.status.success(), "{cargo:?} failed:\n{}", String::from_utf8_lossy(&output.stderr));
    output.stdout.split(|byte| *byte == b'\n').filter_map(executable).collect()
}

/// The name and path of a binary, when `message` is cargo's report of one.
fn executable(message: &[u8]) -> Option<(String, PathBuf)> {
    let message: Value = serde_json::from_slice(message).ok()?;
    let path = message["executable"].as_str()?;
    Some((message["target"]["name"].as_str()?.to_owned(), path.into()))
}
