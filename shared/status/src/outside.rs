//! What lies outside of the data directory, as findings: Claude Code's settings and its transcripts.
//!
//! The API that systemd started sees no home, and so cannot look for itself. Who can (`run`, `once`) leaves word in
//! `run/outside.json`, for as long as something is wrong; `status` and `doctor` look by themselves.

use std::fs;

use queue::DataDir;
use serde::Deserialize;

use crate::code;
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
    let text = fs::read(home.outside_note()).unwrap_or_default();
    let told: Vec<Told> = serde_json::from_slice(&text).unwrap_or_default();
    let known = |told: Told| {
        let Told { code, severity, detail, next_step } = told;
        Some(Finding { code: code::known(&code)?, severity, detail, next_step })
    };
    told.into_iter().filter_map(known).collect()
}
