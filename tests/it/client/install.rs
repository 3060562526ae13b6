//! How a person gets there: from a package that is deleted later, and out again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use harness::{Claude, Done, World, bin, repository};
use serde_json::{Value, json};

/// The events for which a no-op stands beside our hook.
const EVENTS: [&str; 6] = ["SessionStart", "UserPromptSubmit", "PostToolUse", "SubagentStop", "Stop", "StopFailure"];

/// A folder with the programs as a package has them.
pub(super) struct Package<'w> {
    world: &'w World,
    folder: PathBuf,
}

impl<'w> Package<'w> {
    /// The hook in it is built as it is released.
    pub(super) fn new(world: &'w World) -> Self {
        let folder = world.root().join("package");
        fs::create_dir(&folder).expect("a folder");
        fs::copy(bin("ingest"), folder.join("ingest")).expect("a copy of ingest");
        fs::copy(released_hook(), folder.join("prompt-hook")).expect("a copy of the hook");
        Self { world, folder }
    }

    /// `ingest setup` with these words.
    pub(super) fn setup(&self, words: &[&str]) -> Done {
        self.world.command(self.folder.join("ingest")).arg("setup").args(words).succeed()
    }

    pub(super) fn delete(self) {
        fs::remove_dir_all(self.folder).expect("the package goes");
    }
}

/// As `ops/build` makes it; the one that is tested where that is said.
fn released_hook() -> PathBuf {
    if std::env::var_os("PROMPT_MANAGER_TEST_BIN").is_some() {
        return bin("prompt-hook").to_owned();
    }
    let done = Command::new(repository().join("ops/build")).arg("--hook-only").output().expect("ops/build runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    PathBuf::from(String::from_utf8(done.stdout).expect("a path").trim())
}

/// `ingest setup remove`, by another copy of the program.
pub(super) fn remove(world: &World) -> Done {
    world.bin("ingest").args(["setup", "remove"]).succeed()
}

/// Hooks a program that does nothing, linked statically, as somebody else's: its path. It is called twice for each event, in the
/// settings before our hook and in a plugin behind it, for the client starts hooks one after the other and counts from the first.
pub(super) fn beside(world: &World, claude: &Claude) -> String {
    let (source, program) = (world.root().join("noop.c"), world.root().join("noop"));
    fs::write(&source, "int main(void) { return 0; }\n").expect("a source file");
    let compiled = Command::new("cc").args(["-static", "-O2", "-o"]).arg(&program).arg(&source).status();
    assert!(compiled.expect("a C compiler").success(), "cc -static");
    let program = program.display().to_string();
    let mut settings: Value = serde_json::from_str(&settings(claude)).expect("JSON");
    settings["hooks"] = no_ops(&program, "before");
    write(&claude.config().join("settings.json"), &settings);
    let plugin = claude.config().join("skills/zz-beside");
    write(&plugin.join(".claude-plugin/plugin.json"), &json!({ "name": "zz-beside", "version": "1.0.0" }));
    write(&plugin.join("hooks/hooks.json"), &json!({ "hooks": no_ops(&program, "behind") }));
    program
}

fn no_ops(program: &str, place: &str) -> Value {
    let group = |event: &str| json!([{ "hooks": [{ "type": "command", "command": program, "args": [event, place], "timeout": 5 }] }]);
    EVENTS.iter().map(|event| ((*event).to_owned(), group(event))).collect::<serde_json::Map<_, _>>().into()
}

fn write(path: &Path, json: &Value) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, format!("{json:#}\n")).expect("a file");
}

/// The person's settings as they are.
pub(super) fn settings(claude: &Claude) -> String {
    fs::read_to_string(claude.config().join("settings.json")).expect("the settings")
}

/// Nothing in the person's home, and in the places beside it, is ours but the data.
pub(super) fn nothing_is_left(world: &World) {
    let mut left = Vec::new();
    let dirs = ["home", "state", "config", "xdg-data", "runtime"].map(|name| world.root().join(name));
    dirs.iter().filter(|dir| dir.exists()).for_each(|dir| ours_below(dir, &mut left));
    assert!(left.is_empty(), "left behind: {left:#?}");
    let data = world.names(world.data().root());
    assert!(data.contains(&"database".to_owned()) && !data.contains(&"setup.json".to_owned()), "{data:?}");
}

fn ours_below(dir: &Path, left: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("a folder").flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        // The client names its own folders for the place where the person works.
        let is_ours = ["prompt-manager", "prompt-hook", "rate.md"].iter().any(|ours| name.contains(ours));
        if is_ours && !name.contains("prompt-manager-test-") {
            left.push(path.clone());
        }
        if path.is_dir() && !path.is_symlink() {
            ours_below(&path, left);
        }
    }
}
