//! What the plugin's files say. The texts are templates in ops/plugin; the hooks are those of the settings, with the plugin's own
//! copy of the program.

use serde::Serialize;

use crate::setup::call::{Call, Rate};
use crate::setup::command;
use crate::setup::events::Event;

pub(super) const MANIFEST: &str = ".claude-plugin/plugin.json";
pub(super) const HOOKS: &str = "hooks/hooks.json";
pub(super) const RATE: &str = "commands/rate.md";
pub(super) const SEARCH: &str = "skills/search/SKILL.md";
pub(super) const README: &str = "README.md";

/// Every file that we may have written beside the program, in the order in which they are taken away: without its manifest a folder
/// is no plugin.
pub(super) const FILES: [&str; 5] = [MANIFEST, HOOKS, RATE, SEARCH, README];

/// The marketplace that has this plugin alone.
pub(super) const MARKETPLACE: &str = include_str!("../../../../ops/plugin/marketplace/marketplace.json");
const MANIFEST_TEXT: &str = include_str!("../../../../ops/plugin/.claude-plugin/plugin.json");
const SEARCH_TEXT: &str = include_str!("../../../../ops/plugin/skills/search/SKILL.md");
const README_TEXT: &str = include_str!("../../../../ops/plugin/README.md");

/// The files and their texts, in the order in which they are written: the manifest last, so that a folder in which it stands is
/// whole.
pub(super) struct Contents {
    pub(super) files: Vec<(&'static str, String)>,
}

#[derive(Serialize)]
struct Hooks<'a> {
    description: &'static str,
    hooks: Events<'a>,
}

/// In the order in which a session goes, which a map would lose.
struct Events<'a>(&'a [Event], &'a Call<'a>);

impl Serialize for Events<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|event| (event.name, [self.1.group(*event)])))
    }
}

impl Contents {
    /// Those of the plugin whose program is this.
    pub(super) fn new(call: &Call<'_>, events: &[Event], program: &[u8]) -> Self {
        let hooks =
            Hooks { description: "Puts each event into the queue of Prompt Manager", hooks: Events(events, call) };
        // Texts and lists of them become JSON in any case.
        let hooks = serde_json::to_string_pretty(&hooks).unwrap_or_default() + "\n";
        let mut files = vec![(README, README_TEXT.to_owned()), (SEARCH, SEARCH_TEXT.to_owned())];
        if call.rate == Rate::Answered {
            files.push((RATE, command::TEXT.to_owned()));
        }
        files.push((HOOKS, hooks));
        let version = version(program, &files);
        files.push((MANIFEST, MANIFEST_TEXT.replace("{version}", &version)));
        Self { files }
    }

    /// What a file has to say; `None`: it does not belong there.
    pub(super) fn of(&self, file: &str) -> Option<&str> {
        self.files.iter().find(|(path, _)| *path == file).map(|(_, text)| text.as_str())
    }
}

/// Ours, and a sign of everything in the folder: Claude Code takes a plugin for the one that it has as long as this is the same.
fn version(program: &[u8], files: &[(&str, String)]) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(program);
    for (path, text) in files {
        hasher.update(path.as_bytes()).update(&[0]).update(text.as_bytes()).update(&[0]);
    }
    format!("{}+{:.8}", env!("CARGO_PKG_VERSION"), hasher.finalize().to_hex())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setup::call::{Form, Program};
    use crate::setup::events;
    use serde_json::Value;

    fn contents(rate: Rate, program: &[u8]) -> Contents {
        let call = Call { program: Program::OfPlugin, queue: "/d/queue", spill: Some("/s"), form: Form::Exec, rate };
        Contents::new(&call, &events::of(None), program)
    }

    fn json(contents: &Contents, file: &str) -> Value {
        serde_json::from_str(contents.of(file).unwrap()).unwrap()
    }

    #[test]
    fn hooks_call_the_plugins_own_copy() {
        let hooks = json(&contents(Rate::Answered, b""), HOOKS);
        assert_eq!(hooks["hooks"].as_object().unwrap().len(), events::of(None).len());
        for (event, groups) in hooks["hooks"].as_object().unwrap() {
            let handler = &groups[0]["hooks"][0];
            assert_eq!(handler["command"], "${CLAUDE_PLUGIN_ROOT}/bin/prompt-hook");
            let mut expected = vec![event.as_str(), "--queue", "/d/queue", "--spill", "/s"];
            expected.extend((event == "UserPromptSubmit").then_some("--rate-plugin"));
            assert_eq!(handler["args"], serde_json::json!(expected));
        }
    }

    /// The file of hooks is found by its name; a manifest that names it too is refused.
    #[test]
    fn the_manifest_names_no_hooks_and_changes_with_everything() {
        let of = |rate, program: &[u8]| json(&contents(rate, program), MANIFEST);
        let plain = of(Rate::Plain, b"one");
        assert_eq!((&plain["name"], plain.get("hooks")), (&"prompt-manager".into(), None));
        assert_eq!(of(Rate::Plain, b"one"), plain);
        assert_ne!(of(Rate::Plain, b"two")["version"], plain["version"]);
        assert_ne!(of(Rate::Answered, b"one")["version"], plain["version"]);
        assert!(plain["version"].as_str().unwrap().starts_with(concat!(env!("CARGO_PKG_VERSION"), "+")));
    }

    #[test]
    fn every_file_is_known_to_who_takes_them_away() {
        for rate in [Rate::Plain, Rate::Answered] {
            let contents = contents(rate, b"");
            assert!(contents.files.iter().all(|(path, _)| FILES.contains(path)));
            assert_eq!(contents.files.last().unwrap().0, MANIFEST);
            assert_eq!(contents.of(RATE).is_some(), rate == Rate::Answered);
        }
    }
}
