//! The environment as a layer, and the defaults that follow from it.
//!
//! Paths here must be absolute: the hook runs in whatever folder Claude Code is in and ignores a relative one, so
//! accepting it here would part the two.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::{Error, Ignore, Layer, Notify, parse_duration, parse_size};

type Var<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// What `PROMPT_MANAGER_*` says. An empty variable counts as unset, as everywhere in XDG.
pub(crate) fn read(var: Var<'_>) -> Result<Layer, Error> {
    Ok(Layer {
        home: value(var, "PROMPT_MANAGER_HOME", absolute)?,
        spill: value(var, "PROMPT_MANAGER_SPILL", absolute)?,
        projects: value(var, "PROMPT_MANAGER_PROJECTS", |list| {
            std::env::split_paths(list).map(|path| absolute(path.as_os_str())).collect()
        })?,
        ignore: value(var, "PROMPT_MANAGER_IGNORE", |list| {
            let patterns = text(list)?.split(':').filter(|pattern| !pattern.is_empty());
            Ignore::new(patterns, path(var, "HOME").as_deref())
        })?,
        every: value(var, "PROMPT_MANAGER_EVERY", span)?,
        cron: value(var, "PROMPT_MANAGER_CRON", |v| text(v).map(str::to_owned))?,
        sweep_every: value(var, "PROMPT_MANAGER_SWEEP_EVERY", span)?,
        batch: value(var, "PROMPT_MANAGER_BATCH", number)?,
        max_event: value(var, "PROMPT_MANAGER_MAX_EVENT", size)?,
        archive: value(var, "PROMPT_MANAGER_ARCHIVE", |v| text(v)?.parse())?,
        pack_after: value(var, "PROMPT_MANAGER_PACK_AFTER", span)?,
        archive_keep: value(var, "PROMPT_MANAGER_ARCHIVE_KEEP", span)?,
        archive_max: value(var, "PROMPT_MANAGER_ARCHIVE_MAX", size)?,
        failed_keep: value(var, "PROMPT_MANAGER_FAILED_KEEP", span)?,
        low_space: value(var, "PROMPT_MANAGER_LOW_SPACE", size)?,
        min_space: value(var, "PROMPT_MANAGER_MIN_SPACE", size)?,
        annotations_every: value(var, "PROMPT_MANAGER_ANNOTATIONS_EVERY", span)?,
        annotations_keep: value(var, "PROMPT_MANAGER_ANNOTATIONS_KEEP", number)?,
        backup_every: value(var, "PROMPT_MANAGER_BACKUP_EVERY", span)?,
        backup_keep: value(var, "PROMPT_MANAGER_BACKUP_KEEP", number)?,
        log: value(var, "PROMPT_MANAGER_LOG", |v| text(v).map(str::to_owned))?,
        log_format: value(var, "PROMPT_MANAGER_LOG_FORMAT", |v| text(v)?.parse())?,
        log_size: value(var, "PROMPT_MANAGER_LOG_SIZE", size)?,
        log_age: value(var, "PROMPT_MANAGER_LOG_AGE", span)?,
        log_keep: value(var, "PROMPT_MANAGER_LOG_KEEP", number)?,
        notify: value(var, "PROMPT_MANAGER_NOTIFY", |v| Notify::shell(text(v)?))?,
        redact: value(var, "PROMPT_MANAGER_REDACT", |v| text(v)?.parse())?,
        redact_rules: None, // a table of its own in the file
        redact_allow: None,
        listen: value(var, "PROMPT_MANAGER_LISTEN", |v| text(v)?.parse())?,
        no_token: value(var, "PROMPT_MANAGER_NO_TOKEN", |v| match text(v)? {
            "1" | "true" => Ok(true),
            "0" | "false" => Ok(false),
            _ => Err("write 1 or 0".to_owned()),
        })?,
    })
}

/// Where Claude Code keeps its transcripts.
pub(crate) fn default_projects(var: Var<'_>) -> Vec<PathBuf> {
    let config = path(var, "CLAUDE_CONFIG_DIR").or_else(|| path(var, "HOME").map(|home| home.join(".claude")));
    config.map(|config| config.join("projects")).into_iter().collect()
}

/// An absolute path in a variable that is not ours; a relative one is ignored, as XDG says.
pub(crate) fn path(var: Var<'_>, name: &str) -> Option<PathBuf> {
    var(name).map(PathBuf::from).filter(|path| path.is_absolute())
}

fn value<T>(
    var: Var<'_>,
    name: &'static str,
    read: impl FnOnce(&OsStr) -> Result<T, String>,
) -> Result<Option<T>, Error> {
    let Some(raw) = var(name).filter(|raw| !raw.is_empty()) else { return Ok(None) };
    read(&raw).map(Some).map_err(|problem| Error::Variable { name, problem })
}

fn span(raw: &OsStr) -> Result<Duration, String> {
    parse_duration(text(raw)?).map_err(|error| error.to_string())
}

fn size(raw: &OsStr) -> Result<u64, String> {
    parse_size(text(raw)?).map_err(|error| error.to_string())
}

fn number(raw: &OsStr) -> Result<usize, String> {
    text(raw)?.parse().map_err(|_| "write a whole number, such as 1024".to_owned())
}

fn text(raw: &OsStr) -> Result<&str, String> {
    raw.to_str().ok_or_else(|| "the value is not UTF-8".to_owned())
}

fn absolute(raw: &OsStr) -> Result<PathBuf, String> {
    let path = Path::new(raw);
    if path.is_absolute() { Ok(path.to_owned()) } else { Err(format!("{} is not an absolute path", path.display())) }
}
