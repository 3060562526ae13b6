//! Claude Code's settings as far as they concern us: which of their hooks call our program, and with what.
//!
//! One place decides it, for setup, which replaces its own entries and those that a person made by hand, and for doctor, which
//! compares what they say with what is read.

pub(crate) mod shell;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// A look into an environment.
pub(crate) type Var<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// Words that do nothing that anybody would miss when a line is replaced.
const IDLE: [&str; 9] = ["true", ":", "test", "[", "exit", "fi", "done", "}", "command"];

/// A hook of ours, as the settings have it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) event: String,
    pub(crate) program: PathBuf,
    pub(crate) queue: Option<PathBuf>,
    pub(crate) spill: Option<PathBuf>,
    /// Variables that the command itself sets.
    pub(crate) vars: Vec<(String, String)>,
    /// The line does something else beside.
    pub(crate) shared: bool,
}

/// Of a settings file what concerns us; `None` if Claude Code could not read it. The rest is held to no more than being JSON: a
/// number or a nesting that we could not read is none of our business.
pub(crate) fn read(text: &[u8]) -> Option<Value> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Known {
        #[serde(default)]
        hooks: Value,
        #[serde(default)]
        env: Value,
        #[serde(default)]
        disable_all_hooks: Value,
        #[serde(default)]
        enabled_plugins: Value,
    }
    // A list would do for these fields in their order.
    let is_object = text.trim_ascii_start().starts_with(b"{");
    let known: Known = serde_json::from_slice(text).ok().filter(|_| is_object)?;
    Some(serde_json::json!({
        "hooks": known.hooks,
        "env": known.env,
        "disableAllHooks": known.disable_all_hooks,
        "enabledPlugins": known.enabled_plugins,
    }))
}

/// Every hook that calls our program.
pub(crate) fn calls(claude: &Value, var: Var<'_>) -> Vec<Call> {
    let mut found = Vec::new();
    for (event, matchers) in claude["hooks"].as_object().into_iter().flatten() {
        let hooks = matchers.as_array().into_iter().flatten().flat_map(|matcher| matcher["hooks"].as_array()).flatten();
        found.extend(hooks.filter_map(|hook| call(event, hook, var)));
    }
    found
}

/// A hook in either form: `command` with `args`, or all of it in `command` for a shell.
pub(crate) fn call(event: &str, hook: &Value, var: Var<'_>) -> Option<Call> {
    let command = hook["command"].as_str()?;
    let commands = match hook["args"].as_array() {
        Some(args) => {
            let args = args.iter().filter_map(Value::as_str).map(str::to_owned);
            vec![std::iter::once(command.to_owned()).chain(args).collect()]
        }
        None => shell::commands(command, var),
    };
    let (mut ours, mut shared) = (None, false);
    for words in commands {
        let (vars, words) = shell::program(words);
        let Some((program, words)) = words.split_first() else { continue };
        match one(program, words) {
            Some(call) if ours.is_none() => ours = Some(Call { event: event.to_owned(), vars, ..call }),
            Some(_) => {}
            None => shared |= !IDLE.contains(&program.as_str()),
        }
    }
    ours.map(|call| Call { shared, ..call })
}

/// A simple command, if it calls our program.
fn one(program: &str, words: &[String]) -> Option<Call> {
    let is_ours = match Path::new(program).file_name().unwrap_or_default().to_str() {
        Some("prompt-hook") => true,
        Some("prompt-manager") => words.first().is_some_and(|word| word == "hook"),
        _ => false,
    };
    let mut call = Call { program: PathBuf::from(program), ..Call::default() };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--queue" => call.queue = words.next().map(PathBuf::from),
            "--spill" => call.spill = words.next().map(PathBuf::from),
            _ => {}
        }
    }
    is_ours.then_some(call)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn calls_in_both_forms() {
        let check = |hook: Value, expected: Option<(&str, Option<&str>, Option<&str>)>| {
            let settings =
                json!({"hooks": {"Stop": [{"matcher": "", "hooks": [{"type": "command", "command": "other"}, hook]}]}});
            let var = |name: &str| (name == "HOME").then(|| "/h".into());
            let found = calls(&settings, &var);
            let found: Vec<_> = found
                .iter()
                .map(|call| (call.program.to_str().unwrap(), call.queue.as_deref(), call.spill.as_deref()))
                .collect();
            let expected =
                expected.map(|(program, queue, spill)| (program, queue.map(Path::new), spill.map(Path::new)));
            assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "{settings}");
        };
        check(json!({"command": "/l/prompt-hook", "args": ["Stop"]}), Some(("/l/prompt-hook", None, None)));
        check(
            json!({"command": "/l/prompt-hook", "args": ["Stop", "--queue", "/q", "--spill", "/s"]}),
            Some(("/l/prompt-hook", Some("/q"), Some("/s"))),
        );
        check(
            json!({"command": "FOO=1 '/with blank/prompt-hook' Stop --queue \"/a b/q\""}),
            Some(("/with blank/prompt-hook", Some("/a b/q"), None)),
        );
        check(json!({"command": "prompt-manager", "args": ["hook", "Stop"]}), Some(("prompt-manager", None, None)));
        check(
            json!({"command": "\"$HOME\"/prompt-hook Stop --queue ~/q --spill ${STATE}/s"}),
            Some(("/h/prompt-hook", Some("/h/q"), Some("${STATE}/s"))),
        );
        check(
            json!({"command": "test -x /l/prompt-hook && exec timeout 5 /l/prompt-hook Stop 2>&1 || true"}),
            Some(("/l/prompt-hook", None, None)),
        );
        check(json!({"command": "prompt-manager hook Stop"}), Some(("prompt-manager", None, None)));
        check(json!({"command": "prompt-manager once"}), None);
        check(json!({"command": "echo /l/prompt-hook Stop"}), None);
        check(json!({"command": "echo", "args": ["/l/prompt-hook"]}), None);
        check(json!({"command": "echo", "args": ["Stop"]}), None);
        check(json!({"type": "prompt"}), None);
        check(json!(7), None);
    }

    #[test]
    fn what_concerns_us() {
        let check = |text: &str, expected: Option<Value>| assert_eq!(read(text.as_bytes()), expected, "{text}");
        let nothing = json!({"hooks": null, "env": null, "disableAllHooks": null, "enabledPlugins": null});
        check("{}", Some(nothing.clone()));
        let deep = format!("{{\"a\": 1e999, \"b\": {}{}}}", "[".repeat(9000), "]".repeat(9000));
        check(&deep, Some(nothing));
        let all = json!({"hooks": {"Stop": []}, "env": {"A": "1"}, "disableAllHooks": true, "enabledPlugins": {"a@b": false}});
        check(&all.to_string(), Some(all.clone()));
        check("{\"hooks\": {}, \"hooks\": {}}", None);
        check("{\"a\": 1,}", None);
        check("[]", None);
        check("", None);
    }

    #[test]
    fn lines_that_do_more() {
        let check = |command: &str, shared: bool| {
            let found = call("Stop", &json!({ "command": command }), &|_| None);
            assert_eq!(found.map(|call| call.shared), Some(shared), "{command}");
        };
        check("prompt-hook Stop", false);
        check("PROMPT_MANAGER_STRICT=1 exec prompt-hook Stop </dev/stdin >/dev/null 2>&1", false);
        check("test -x /l/prompt-hook && exec timeout 5 /l/prompt-hook Stop 2>&1 || true", false);
        check("if [ -x /l/prompt-hook ]; then /l/prompt-hook Stop; fi", false);
        check("prompt-hook Stop; notify-send done", true);
        check("tee /tmp/log | prompt-hook Stop", true);
    }
}
