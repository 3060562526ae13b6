//! What lies outside of the data directory, as findings: Claude Code's settings and its transcripts.
//!
//! The API that systemd started sees no home, and so cannot look for itself. Who can (`run`, `once`) leaves word in
//! `run/outside.json`, for as long as something is wrong; `status` and `doctor` look by themselves.

use queue::DataDir;
use serde::Deserialize;

use crate::code::{self, Code};
use crate::finding::{Finding, Severity};

#[derive(Deserialize)]
struct Told {
    code: String,
    severity: Severity,
    detail: String,
    next_step: String,
}

/// What an ingester found last. A note that cannot be read says nothing.
pub(crate) fn told(home: &DataDir) -> Vec<Finding> {
    let text = queue::plain::read(&home.outside_note()).unwrap_or_default();
    let told: Vec<Told> = serde_json::from_slice(&text).unwrap_or_default();
    told.into_iter().map(finding).collect()
}

/// By its name; what an ingester of another version names otherwise is told all the same.
fn finding(told: Told) -> Finding {
    let Told { code, severity, detail, next_step } = told;
    match code::known(&code) {
        Some(code) => Finding { code, severity, detail, next_step },
        None => Finding { code: Code::NotLooked.name(), severity, detail: format!("{code}: {detail}"), next_step },
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn nothing_is_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let home = DataDir::new(dir.path());
        home.create().unwrap();
        let told = |code: &str| format!(r#"{{"code":"{code}","severity":"warning","detail":"D.","next_step":"N."}}"#);
        fs::write(home.outside_note(), format!("[{},{}]", told("hook_settings"), told("of_later"))).unwrap();
        let found: Vec<_> = super::told(&home).into_iter().map(|found| (found.code, found.detail)).collect();
        assert_eq!(found, [("hook_settings", "D.".to_owned()), ("not_looked", "of_later: D.".to_owned())]);
    }
}
