//! Asks git which commit is built: again only when HEAD has moved. A package that is built without the repository sets
//! `$PROMPT_MANAGER_COMMIT`.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-env-changed=PROMPT_MANAGER_COMMIT");
    println!("cargo::rerun-if-changed=build.rs");
    let given = std::env::var("PROMPT_MANAGER_COMMIT").ok().filter(|commit| !commit.is_empty());
    let commit = given.or_else(ask).unwrap_or_else(|| "commit unknown".to_owned());
    println!("cargo::rustc-env=VERSION_LONG={} ({commit})", env!("CARGO_PKG_VERSION"));
}

/// The commit and its day, where this is the repository itself and not a copy inside of another.
fn ask() -> Option<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().ok()?;
    if Path::new(&git(&["rev-parse", "--show-toplevel"])?).canonicalize().ok()? != root {
        return None;
    }
    // The log moves with HEAD, whatever moves it. A file that is not there would be asked for at every build.
    for name in ["logs/HEAD", "HEAD"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(git(&["rev-parse", "--git-path", name])?);
        if path.exists() {
            println!("cargo::rerun-if-changed={}", path.display());
        }
    }
    git(&["show", "--no-patch", "--abbrev=12", "--format=%h %cs", "HEAD"])
}

fn git(args: &[&str]) -> Option<String> {
    let done = Command::new("git").args(args).current_dir(env!("CARGO_MANIFEST_DIR")).output().ok()?;
    let said = String::from_utf8(done.stdout).ok()?;
    done.status.success().then(|| said.trim().to_owned()).filter(|said| !said.is_empty())
}
