//! What would make the hooks useless or double, told when they are set up. Nothing of it is changed.

use std::path::Path;

use serde_json::Value;

use crate::claude;
use crate::error::Error;
use crate::setup::user::{User, say};

/// Says what is so in this configuration.
///
/// # Errors
/// Those of standard output.
pub(super) fn about(user: &User<'_>, folder: &Path) -> Result<(), Error> {
    let path = folder.join("settings.json");
    let settings = claude::read(&queue::plain::read(&path).unwrap_or_default()).unwrap_or_default();
    lines(&settings, folder, user).iter().try_for_each(|line| say(&format!("note: {line}")))
}

fn lines(settings: &Value, folder: &Path, user: &User<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(plugin) = plugin(settings, folder) {
        lines.push(format!(
            "the plugin {plugin} calls the hook too; each event is kept once, but one of the two is enough"
        ));
    }
    if settings["disableAllHooks"] == true {
        lines.push("`disableAllHooks` is true in these settings: no hook is called until it is taken out".to_owned());
    }
    let disable = "PROMPT_MANAGER_DISABLE";
    let in_settings = settings["env"][disable].as_str().map(Into::into);
    if in_settings
        .or_else(|| (user.var)(disable))
        .is_some_and(|value: std::ffi::OsString| !value.is_empty() && value != "0")
    {
        lines.push(format!("{disable} is set: the hook does nothing until it is taken out"));
    }
    lines
}

/// Our plugin, if it is enabled.
pub(crate) fn plugin(settings: &Value, folder: &Path) -> Option<String> {
    let mut enabled = settings["enabledPlugins"].as_object().into_iter().flatten();
    let is_ours =
        |(name, on): (&String, &Value)| (name.starts_with("prompt-manager@") && *on != false).then(|| name.clone());
    enabled.find_map(is_ours).or_else(|| {
        let skill = folder.join("skills/prompt-manager");
        skill.join(".claude-plugin/plugin.json").exists().then(|| skill.display().to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let flags = settings::Layer { home: Some(dir.path().to_owned()), ..Default::default() };
        let ours = settings::Settings::resolve(flags, &|_| None).unwrap();
        let check = |settings: Value, variable: Option<&str>, expected: &[&str]| {
            let var = |name: &str| variable.filter(|_| name == "PROMPT_MANAGER_DISABLE").map(Into::into);
            let found = lines(&settings, dir.path(), &User::new(&ours, &var));
            assert_eq!(found.len(), expected.len(), "{found:?}");
            found.iter().zip(expected).for_each(|(found, expected)| assert!(found.contains(expected), "{found}"));
        };
        check(json!({}), None, &[]);
        check(Value::Null, Some("0"), &[]);
        check(json!({}), Some("1"), &["PROMPT_MANAGER_DISABLE"]);
        check(
            json!({"env": {"PROMPT_MANAGER_DISABLE": "1"}, "disableAllHooks": true}),
            None,
            &["disableAllHooks", "PROMPT"],
        );
        check(json!({"enabledPlugins": {"prompt-manager@a": true, "b@c": true}}), None, &["prompt-manager@a"]);
        check(json!({"enabledPlugins": {"prompt-manager@a": false, "my-prompt-manager@a": true}}), None, &[]);
        let plugin = dir.path().join("skills/prompt-manager/.claude-plugin");
        std::fs::create_dir_all(&plugin).unwrap();
        std::fs::write(plugin.join("plugin.json"), "{}").unwrap();
        check(json!({}), None, &["skills/prompt-manager"]);
    }
}
