//! Where the product's binaries are: built once for each test process, found by what cargo says of them.
//!
//! Cargo gives `CARGO_BIN_EXE_*` only to tests in the binary's own package and builds no other package's binaries for
//! them, so the harness asks it. `$PROMPT_MANAGER_TEST_BIN` names a directory to take them from instead: that is how the
//! installed release binaries are tested.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

type Programs = BTreeMap<String, PathBuf>;

const PACKAGES: [&str; 3] = ["prompt-hook", "ingest", "query-api"];

/// The path of the binary `name`: `prompt-hook`, `ingest` or `query-api`.
///
/// # Panics
/// When it cannot be built, with the compiler's words.
pub fn bin(name: &str) -> &'static Path {
    static BINS: OnceLock<Programs> = OnceLock::new();
    let bins = match std::env::var_os("PROMPT_MANAGER_TEST_BIN") {
        Some(dir) => BINS.get_or_init(|| PACKAGES.map(|name| (name.to_owned(), Path::new(&dir).join(name))).into()),
        None if cfg!(debug_assertions) => everything(),
        None => BINS.get_or_init(|| build(&PACKAGES.map(|package| ["-p", package]).concat())),
    };
    bins.get(name).unwrap_or_else(|| panic!("no binary named {name}; there are {:?}", bins.keys()))
}

/// The path of an example of the store: what tests need SQL for.
///
/// # Panics
/// When it cannot be built, with the compiler's words.
pub fn example(name: &str) -> PathBuf {
    let alone = || build(&["-p", "store", "--example", name]);
    let path = if cfg!(debug_assertions) { everything().get(name).cloned() } else { alone().remove(name) };
    path.unwrap_or_else(|| panic!("cargo named no executable for {name}"))
}

/// The root of the repository.
pub fn repository() -> &'static Path {
    // Of this package's own folder, which is one below.
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a package is never at the file system's root")
}

/// All that `cargo test --workspace` compiles is taken as it is only by who asks for all of it, with examples: for fewer packages, or
/// without what they need for tests, some dependencies have other features, and all that stands on those is compiled once more.
fn everything() -> &'static Programs {
    static EVERYTHING: OnceLock<Programs> = OnceLock::new();
    EVERYTHING.get_or_init(|| build(&["--workspace", "--bins", "--examples"]))
}

fn build(what: &[&str]) -> Programs {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--locked", "--message-format=json-render-diagnostics"]).args(what);
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
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
