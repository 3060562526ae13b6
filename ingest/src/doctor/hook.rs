//! Claude Code's side: do its settings call our hook, and does the hook write where we read?
//!
//! The settings of every configuration that was set up are read, and those of the usual one, and never changed; so are the
//! copies of the hook that they name. What a project or an administrator adds is not looked for; so that nothing calls the hook
//! is no finding while events come in.

use std::ffi::OsString;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use queue::{DataDir, plain};
use serde_json::Value;
use settings::Settings;

use super::code::Code;
use super::round::Round;
use crate::claude::{self, Call, Var, calls, shell};
use crate::error::Error;
use crate::setup::hooks::plugin;
use crate::setup::record::{Hooks, Record};
use crate::setup::user::User;
use crate::setup::version::Version;
use crate::setup::{copies, copy, events};

/// What the hook is to be called for, at least.
const EVENTS: [&str; 5] = ["SessionStart", "UserPromptSubmit", "Stop", "StopFailure", "SessionEnd"];
/// Without an event for so long nothing captures.
const QUIET: Duration = Duration::from_secs(7 * 24 * 3600);
/// No settings are larger.
const LARGEST: u64 = 16 * 1024 * 1024;

/// Compares the settings with ours. `last_event_ns` is when the newest event was captured.
pub(super) fn look(round: &mut Round<'_>, var: Var<'_>, last_event_ns: Option<i64>) -> Result<(), Error> {
    let record = Record::read(&round.settings.home).unwrap_or_else(|error| {
        round.found(Code::SetupUnreadable, error.to_string());
        Record::default()
    });
    let mut is_called = set_up(round, var, &record)?;
    let usual = usual(var).filter(|usual| record.hooks.iter().all(|hooks| hooks.config_dir != *usual));
    if let Some(usual) = &usual {
        is_called |= look_at(round, var, usual, None)?;
    }
    let quiet_ns = crate::clock::millis(round.now.checked_sub(QUIET).unwrap_or(round.now)).saturating_mul(1_000_000);
    if !is_called && last_event_ns.is_none_or(|ns| ns < quiet_ns) {
        let folders = record.hooks.iter().map(|hooks| &hooks.config_dir).chain(&usual);
        let shown: Vec<_> = folders.map(|folder| folder.join("settings.json").display().to_string()).collect();
        round.found(Code::HookNotCalled, shown.join(", "));
    }
    let user = User::new(round.settings, var);
    let own = if record.hooks.is_empty() { Vec::new() } else { copies::all(&user, &record) };
    let copies = own.into_iter().chain(record.plugins.iter().map(|plugin| plugin.folder().join("bin/prompt-hook")));
    for path in copies {
        if let Some((code, example)) = fault_of_copy(&path) {
            round.found(code, example);
        }
    }
    Ok(())
}

/// Looks at what was set up, and tells whether the hook is called there.
fn set_up(round: &mut Round<'_>, var: Var<'_>, record: &Record) -> Result<bool, Error> {
    let mut is_called = false;
    for hooks in &record.hooks {
        is_called |= look_at(round, var, &hooks.config_dir, Some(hooks))?;
    }
    for plugin in &record.plugins {
        is_called |= look_at_plugin(round, var, &plugin.folder());
    }
    Ok(is_called)
}

/// As much of it as `status` tells too: of what was set up, and without a look into the programs.
pub(super) fn look_briefly(round: &mut Round<'_>, var: Var<'_>) -> Result<(), Error> {
    // A record that cannot be read is told of by whoever reads the settings.
    set_up(round, var, &Record::read(&round.settings.home).unwrap_or_default()).map(drop)
}

/// Looks at one configuration, and tells whether the hook is called there, as far as can be seen.
fn look_at(round: &mut Round<'_>, var: Var<'_>, folder: &Path, recorded: Option<&Hooks>) -> Result<bool, Error> {
    let path = folder.join("settings.json");
    let shown = path.display().to_string();
    let text = match path.metadata() {
        Ok(meta) if meta.len() > LARGEST => {
            round.found(Code::HookSettings, format!("{shown} is too large"));
            return Ok(true);
        }
        _ => match plain::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => b"{}".to_vec(),
            Err(error) => {
                round.found(Code::HookSettings, format!("{shown}: {error}"));
                return Ok(true);
            }
        },
    };
    let Some(claude) = claude::read(&text) else {
        round.found(Code::HookSettings, format!("{shown} is not JSON"));
        return Ok(true);
    };
    let env = |name: &str| claude["env"][name].as_str().map(OsString::from).or_else(|| var(name));
    let calls = calls(&claude, &env);
    let plugin = plugin(&claude, folder);
    let is_disabled = env("PROMPT_MANAGER_DISABLE").is_some_and(|value| !value.is_empty() && value != "0");
    if (claude["disableAllHooks"] == true || is_disabled) && (!calls.is_empty() || plugin.is_some()) {
        round.found(Code::HooksDisabled, shown.clone());
    }
    if calls.is_empty() {
        if recorded.is_some() {
            round.found(Code::HookForgotten, shown);
        }
        // What was set up and is gone is told as that.
        return Ok(plugin.is_some() || recorded.is_some());
    }
    if let Some(plugin) = plugin {
        round.found(Code::HookDoubled, format!("{shown} and {plugin}"));
    }
    let version = recorded.and_then(|hooks| hooks.client.as_deref()).and_then(Version::parse);
    let known = events::of(version);
    let is_wanted = |name: &&str| known.iter().any(|event| event.name == *name);
    let is_missing = |name: &&str| calls.iter().all(|call| call.event != **name);
    let missing: Vec<_> = EVENTS.iter().copied().filter(is_wanted).filter(is_missing).collect();
    if !missing.is_empty() {
        round.found(Code::HookEventsMissing, format!("{} are missing in {shown}", missing.join(", ")));
    }
    tell_faults(round, &calls, &env);
    Ok(true)
}

/// Looks at a plugin that was set up, and tells whether it is there. What a person took away is not missed.
fn look_at_plugin(round: &mut Round<'_>, var: Var<'_>, folder: &Path) -> bool {
    if !folder.join(".claude-plugin/plugin.json").exists() {
        return false;
    }
    let path = folder.join("hooks/hooks.json");
    let hooks = plain::read(&path).ok().and_then(|text| serde_json::from_slice::<Value>(&text).ok());
    let mut calls = hooks.map(|hooks| calls(&hooks, var)).unwrap_or_default();
    if calls.is_empty() {
        round.found(Code::HookForgotten, path.display().to_string());
    }
    for call in &mut calls {
        if let Ok(below) = call.program.strip_prefix("${CLAUDE_PLUGIN_ROOT}") {
            call.program = folder.join(below);
        }
    }
    tell_faults(round, &calls, var);
    true
}

fn tell_faults(round: &mut Round<'_>, calls: &[Call], env: Var<'_>) {
    let mut seen: Vec<_> = calls.iter().flat_map(|call| faults(call, round.settings, env)).collect();
    seen.sort();
    seen.dedup();
    for (code, example) in seen {
        round.found(code, example);
    }
}

/// What is wrong with a copy of ours. That it is missing is told of the call that names it.
fn fault_of_copy(path: &Path) -> Option<(Code, String)> {
    if let Ok(Some((folder, problem))) = copy::open_to_others(path) {
        return Some((Code::HookOpen, format!("{} {problem}", folder.display())));
    }
    let there = plain::read(path).ok()?;
    let source = copy::source().ok()?;
    let is_old = std::fs::read(&source).is_ok_and(|ours| ours != there);
    is_old.then(|| (Code::HookOld, format!("{} is not {}", path.display(), source.display())))
}

/// Where Claude Code keeps the user's own settings.
fn usual(var: Var<'_>) -> Option<PathBuf> {
    let absolute = |name: &str| var(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("CLAUDE_CONFIG_DIR").or_else(|| absolute("HOME").map(|home| home.join(".claude")))
}

/// Whether a path is known: one in which a shell would still put something says nothing.
fn is_known(path: &Path) -> bool {
    !shell::is_open(&path.to_string_lossy())
}

/// What is wrong with a call.
fn faults(call: &Call, ours: &Settings, env: Var<'_>) -> Vec<(Code, String)> {
    let mut found = Vec::new();
    let set = |name: &str| call.vars.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.into());
    let env = |name: &str| set(name).or_else(|| env(name));
    // A bare name is looked for on a PATH that is not ours.
    if call.program.is_absolute() && is_known(&call.program) {
        let runs = call.program.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0);
        if !runs {
            found.push((Code::HookProgram, call.program.display().to_string()));
        }
    }
    let queue = call.queue.clone().or_else(|| DataDir::from_env(env).map(|home| home.queue()));
    if let Some(queue) = queue.filter(|queue| is_known(queue) && !same(queue, &ours.home.queue())) {
        let example = format!("it writes to {}, {} is read", queue.display(), ours.home.queue().display());
        found.push((Code::HookElsewhere, example));
    }
    let spill = call.spill.clone().or_else(|| queue::layout::spill_from_env(env));
    if let (Some(theirs), Some(ours)) = (spill, &ours.spill)
        && is_known(&theirs)
        && !same(&theirs, ours)
    {
        let example = format!("it writes to {}, {} is read", theirs.display(), ours.display());
        found.push((Code::HookSpillElsewhere, example));
    }
    found
}

/// Whether two paths mean one place.
fn same(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.components().collect());
    real(one) == real(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_the_settings_lie() {
        let check = |vars: &[(&str, &str)], expected: Option<&str>| {
            let var = |name: &str| vars.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into());
            assert_eq!(usual(&var), expected.map(PathBuf::from));
        };
        check(&[("HOME", "/h")], Some("/h/.claude"));
        check(&[("HOME", "/h"), ("CLAUDE_CONFIG_DIR", "/c")], Some("/c"));
        check(&[], None);
    }
}
