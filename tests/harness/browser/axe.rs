//! What axe-core finds on a page: the rules of accessibility that a machine can check.

use std::path::PathBuf;
use std::sync::OnceLock;

use serde_json::{Value, json};

use super::Browser;
use crate::repository;

/// What it must not find.
const IMPACTS: [&str; 2] = ["serious", "critical"];

impl Browser {
    /// The serious findings on this page, one line each; empty is good. `None` where axe-core was not fetched (ops/test does).
    ///
    /// # Panics
    /// When axe-core fails.
    pub fn axe(&self) -> Option<Vec<String>> {
        let source = source()?;
        self.script(source, &[]);
        let found = self.script("return axe.run(document, {resultTypes: ['violations']})", &[]);
        let violations = found["violations"].as_array().unwrap_or_else(|| panic!("axe found {found}"));
        let bad = violations.iter().filter(|it| IMPACTS.iter().any(|impact| it["impact"] == *impact));
        let line = |it: &Value| {
            let text = |name: &str| it[name].as_str().unwrap_or_default();
            let nodes = it["nodes"].as_array().into_iter().flatten().take(4);
            let nodes: Vec<_> = nodes.map(|node| json!([node["html"], node["any"][0]["message"]])).collect();
            format!("{} ({}): {}", text("id"), text("help"), Value::from(nodes))
        };
        Some(bad.map(line).collect())
    }
}

fn source() -> Option<&'static str> {
    static SOURCE: OnceLock<Option<String>> = OnceLock::new();
    let read = || {
        let named = std::env::var_os("PROMPT_MANAGER_TEST_AXE");
        let path = named.map_or_else(|| "target/axe-core-4.14.1/package/axe.min.js".into(), PathBuf::from);
        std::fs::read_to_string(repository().join(path)).ok()
    };
    SOURCE.get_or_init(read).as_deref()
}
