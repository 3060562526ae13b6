//! Claude Code's side: do its settings call our hook, and does the hook write where we read?
//!
//! The user's own settings are read, `$CLAUDE_CONFIG_DIR/settings.json` or `~/.claude/settings.json`, and never changed. What
//! a project, a plugin or an administrator adds is not looked for; so that nothing calls the hook is no finding while events
//! come in.

use std::ffi::OsString;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use queue::DataDir;
use serde_json::Value;
use settings::Settings;

use super::code::Code;
use super::round::Round;
use crate::claude::{Call, Var, calls, shell};
use crate::error::{At, Error};

/// What the hook is to be called for, at least.
const EVENTS: [&str; 5] = ["SessionStart", "UserPromptSubmit", "Stop", "StopFailure", "SessionEnd"];
/// Without an event for so long nothing captures.
const QUIET: Duration = Duration::from_secs(7 * 24 * 3600);
/// No settings are larger.
const LARGEST: u64 = 16 * 1024 * 1024;

/// Compares the settings with ours. `last_event_ns` is when the newest event was captured.
pub(super) fn look(round: &mut Round<'_>, var: Var<'_>, last_event_ns: Option<i64>) -> Result<(), Error> {
    let Some(path) = settings_file(var) else { return Ok(()) };
    let shown = path.display().to_string();
    let text = match path.metadata() {
        Ok(meta) if meta.len() > LARGEST => {
            round.found(Code::HookSettings, format!("{shown} is too large"));
            return Ok(());
        }
        Ok(_) => std::fs::read(&path).at("read", &path)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => b"{}".to_vec(),
        Err(error) => return Err(error).at("look at", &path),
    };
    let Ok(claude) = serde_json::from_slice::<Value>(&text) else {
        round.found(Code::HookSettings, format!("{shown} is not JSON"));
        return Ok(());
    };
    let env = |name: &str| claude["env"][name].as_str().map(OsString::from).or_else(|| var(name));
    let calls = calls(&claude, &env);
    if calls.is_empty() {
        let quiet_ns =
            crate::clock::millis(round.now.checked_sub(QUIET).unwrap_or(round.now)).saturating_mul(1_000_000);
        if last_event_ns.is_none_or(|ns| ns < quiet_ns) {
            round.found(Code::HookNotCalled, shown);
        }
        return Ok(());
    }
    let missing: Vec<_> =
        EVENTS.iter().filter(|event| calls.iter().all(|call| call.event != **event)).copied().collect();
    if !missing.is_empty() {
        round.found(Code::HookEventsMissing, format!("{} are missing in {shown}", missing.join(", ")));
    }
    let is_disabled = env("PROMPT_MANAGER_DISABLE").is_some_and(|value| !value.is_empty() && value != "0");
    if claude["disableAllHooks"] == true || is_disabled {
        round.found(Code::HooksDisabled, shown);
    }
    let mut seen: Vec<(Code, String)> = Vec::new();
    for call in &calls {
        seen.extend(faults(call, round.settings, &env));
    }
    seen.sort();
    seen.dedup();
    for (code, example) in seen {
        round.found(code, example);
    }
    Ok(())
}

/// Where Claude Code keeps the user's own settings.
fn settings_file(var: Var<'_>) -> Option<PathBuf> {
    let absolute = |name: &str| var(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = absolute("CLAUDE_CONFIG_DIR").or_else(|| absolute("HOME").map(|home| home.join(".claude")))?;
    Some(folder.join("settings.json"))
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
            assert_eq!(settings_file(&var), expected.map(PathBuf::from));
        };
        check(&[("HOME", "/h")], Some("/h/.claude/settings.json"));
        check(&[("HOME", "/h"), ("CLAUDE_CONFIG_DIR", "/c")], Some("/c/settings.json"));
        check(&[], None);
    }
}
