//! Files of hooks in the usual queue, where config.toml has the data elsewhere. A hook that was given no places, such as that of a
//! package's plugin, reads no settings and writes there; nothing is lost, and nobody who takes in for this store comes by.

use std::ffi::OsString;
use std::fs;

use queue::DataDir;
use settings::{Layer, Settings};
use status::{Finding, Severity};

use crate::claude::Var;

/// The name of the finding.
pub(super) const CODE: &str = "queue_elsewhere";

/// That there are some. Of another store than that of config.toml it is not asked: whoever named that one may have several.
pub(super) fn look(settings: &Settings, var: Var<'_>) -> Option<Finding> {
    let unnamed = |name: &str| -> Option<OsString> { if name == "PROMPT_MANAGER_HOME" { None } else { var(name) } };
    let real = |home: &DataDir| home.root().canonicalize().ok();
    let usual = DataDir::from_env(unnamed)?;
    let configured = Settings::resolve(Layer::default(), &unnamed).ok()?.home;
    if real(&configured) != real(&settings.home) || real(&usual) == real(&configured) {
        return None;
    }
    let mut waiting = fs::read_dir(usual.incoming()).ok()?.flatten();
    waiting.find(|entry| entry.path().extension().is_some_and(|end| end == "json"))?;
    let queue = usual.queue().display().to_string();
    Some(Finding {
        code: CODE,
        severity: Severity::Warning,
        detail: format!(
            "What a hook captured waits in {queue}, and config.toml has the data in {}: the hook was given no place and reads no settings.",
            settings.home.root().display()
        ),
        next_step: format!(
            "Have it write here: `prompt-manager setup hooks` or `prompt-manager setup plugin`, and if it is a package's plugin \
             `claude plugin uninstall prompt-manager@prompt-manager`; then take in what is there: \
             `PROMPT_MANAGER_SPILL={} prompt-manager once`.",
            terminal::quoted(&queue)
        ),
    })
}
