//! What stands in the shell of the person who sets a service up, and nowhere that the service looks.

use crate::error::Error;
use crate::setup::user::{User, say};

/// Settings that a shell may have and a service has not.
const UNSEEN: [&str; 23] = [
    "PROMPT_MANAGER_EVERY",
    "PROMPT_MANAGER_CRON",
    "PROMPT_MANAGER_SWEEP_EVERY",
    "PROMPT_MANAGER_BATCH",
    "PROMPT_MANAGER_MAX_EVENT",
    "PROMPT_MANAGER_ARCHIVE",
    "PROMPT_MANAGER_PACK_AFTER",
    "PROMPT_MANAGER_ARCHIVE_KEEP",
    "PROMPT_MANAGER_ARCHIVE_MAX",
    "PROMPT_MANAGER_FAILED_KEEP",
    "PROMPT_MANAGER_LOW_SPACE",
    "PROMPT_MANAGER_MIN_SPACE",
    "PROMPT_MANAGER_ANNOTATIONS_EVERY",
    "PROMPT_MANAGER_ANNOTATIONS_KEEP",
    "PROMPT_MANAGER_BACKUP_EVERY",
    "PROMPT_MANAGER_BACKUP_KEEP",
    "PROMPT_MANAGER_LOG",
    "PROMPT_MANAGER_LOG_FORMAT",
    "PROMPT_MANAGER_LOG_SIZE",
    "PROMPT_MANAGER_LOG_AGE",
    "PROMPT_MANAGER_LOG_KEEP",
    "PROMPT_MANAGER_NOTIFY",
    "PROMPT_MANAGER_NO_TOKEN",
];

/// Says which of them are set, and what to do.
///
/// # Errors
/// Those of standard output.
pub(super) fn warn(user: &User<'_>) -> Result<(), Error> {
    for name in UNSEEN.iter().filter(|name| (user.var)(name).is_some_and(|value| !value.is_empty())) {
        let key = name.splitn(3, '_').last().unwrap_or_default().to_lowercase();
        say(&format!("{name} is set in this shell, which a service does not see: write `{key}` into config.toml"))?;
    }
    Ok(())
}
