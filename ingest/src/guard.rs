//! What a person does not want taken in, by the settings: secrets (`redact = "ingest"`) are hidden and what is ignored is left
//! out, before anything of it is kept. Every writer that takes something in gets this guard, and the store has all of it go past.

use std::sync::Arc;

use redact::Rules;
use settings::{Ignore, Redact, Settings};
use store::sieve::Guard;

/// The settings' own guard.
struct Wanted {
    secrets: Option<Arc<Rules>>,
    ignore: Ignore,
}

/// The guard that the settings ask for; `None` where they want everything as it is.
///
/// # Errors
/// A rule that cannot be used.
pub(crate) fn of(settings: &Settings) -> Result<Option<Arc<dyn Guard>>, settings::Error> {
    let secrets = if settings.redact == Redact::Ingest { settings.secrets()? } else { None };
    if secrets.is_none() && settings.ignore.is_empty() {
        return Ok(None);
    }
    Ok(Some(Arc::new(Wanted { secrets, ignore: settings.ignore.clone() })))
}

impl Guard for Wanted {
    fn hides(&self) -> bool {
        self.secrets.is_some()
    }

    fn hide_in_json(&self, bytes: &mut [u8]) -> bool {
        self.secrets.as_ref().is_some_and(|rules| rules.blank(bytes) > 0)
    }

    fn hide_in_text(&self, bytes: &mut [u8]) -> bool {
        self.secrets.as_ref().is_some_and(|rules| rules.blank_text(bytes) > 0)
    }

    fn leaves_out(&self, project: &str, session_id: &str) -> bool {
        self.ignore.ignores(project) || self.ignore.ignores_session(session_id)
    }

    fn patterns(&self) -> &[String] {
        self.ignore.patterns()
    }
}

#[cfg(test)]
mod tests {
    /// A text is looked through in pieces that overlap by what is judged around each place.
    #[test]
    fn no_rule_sees_farther_than_is_judged() {
        let rules = include_str!("../../shared/redact/rules.toml");
        let figures = |name: &str| -> Vec<usize> {
            let lines = rules.lines().filter_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix('='));
            lines.map(|figure| figure.trim().parse().unwrap()).collect()
        };
        let farthest = |name| figures(name).into_iter().max().unwrap();
        assert!(2 * (farthest("reach") + farthest("back")) <= store::sieve::AROUND);
    }
}
