//! Which manager starts our programs: the one that was named, else the one that does already, else that of the machine, so that
//! `setup service` runs as pages say it.
//!
//! It is asked how the machine was booted, not whether the manager answers: over `su` the user's systemd does not, and then the
//! lines to type are said, where cron would start a second ingester once it does.

use std::path::Path;

use super::account::Account;
use super::{Manager, Recorded, Service, manager_of};
use crate::error::Error;
use crate::setup::user::say;

/// There where systemd booted the machine, as sd_booted(3) says.
const BOOTED: &str = "/run/systemd/system";

impl Service {
    /// The one that was named.
    pub(super) fn manager(&self) -> Result<Option<Manager>, Error> {
        Ok(match (&self.user, self.systemd, self.launchd, self.cron) {
            (Some(name), ..) => Some(Manager::SystemdOf(Account::named(name)?)),
            (None, true, ..) => Some(Manager::Systemd),
            (None, _, true, _) => Some(Manager::Launchd),
            (None, _, _, true) => Some(Manager::Cron),
            _ => None,
        })
    }
}

/// The manager that is meant where none is named, which is said. A second one beside that on record would start all twice. `into`
/// are files for a person, which cron has none of.
///
/// # Errors
/// That there are no files to write; that the one on record belongs to root.
pub(super) fn say_usual(recorded: Option<&Recorded>, into: bool) -> Result<Manager, Error> {
    let before = recorded.map(manager_of).transpose();
    let before = before.map_err(|problem| Error::Refused { path: "/etc/systemd/system".into(), problem })?;
    let (manager, why) = usual(before, cfg!(target_os = "macos"), Path::new(BOOTED).is_dir());
    if into && manager == Manager::Cron {
        return Err(Error::Usage("the files of which manager? --systemd or --launchd".to_owned()));
    }
    say(why)?;
    Ok(manager)
}

fn usual(before: Option<Manager>, is_macos: bool, is_booted: bool) -> (Manager, &'static str) {
    match (before, is_macos, is_booted) {
        (Some(Manager::Cron), ..) => (Manager::Cron, "by cron, as before"),
        (Some(Manager::Launchd), ..) => (Manager::Launchd, "by launchd, as before"),
        (Some(manager), ..) => (manager, "by systemd, as before"),
        (None, true, _) => (Manager::Launchd, "by launchd, as this is macOS; --cron chooses cron"),
        (None, _, true) => (Manager::Systemd, "by systemd, which booted this machine; --cron chooses cron"),
        _ => (Manager::Cron, "by cron, as systemd did not boot this machine; --systemd chooses systemd"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn managers_of_machines() {
        let check = |before, is_macos, is_booted, expected, said: &str| {
            let (manager, why) = usual(before, is_macos, is_booted);
            assert_eq!(manager, expected, "{is_macos} {is_booted}");
            assert!(why.starts_with(said), "{why}");
        };
        check(None, true, false, Manager::Launchd, "by launchd, as this is macOS");
        check(None, false, true, Manager::Systemd, "by systemd, which booted");
        check(None, false, false, Manager::Cron, "by cron, as systemd did not");
        check(Some(Manager::Cron), false, true, Manager::Cron, "by cron, as before");
        check(Some(Manager::Systemd), false, false, Manager::Systemd, "by systemd, as before");
    }
}
