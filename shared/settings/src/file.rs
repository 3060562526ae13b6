//! `config.toml` as a layer. An unknown key is an error, because a misspelt one would silently do nothing.

use std::path::{Path, PathBuf};
use std::time::Duration;

use redact::{Rule, Rules};
use serde::{Deserialize, Deserializer, de};

use crate::{Archive, Error, Ignore, Layer, Listen, LogFormat, Notify, Redact, env, parse_duration, parse_size};

/// Where the file lies: `$XDG_CONFIG_HOME/prompt-manager/config.toml`, else below `~/.config`.
pub(crate) fn path(var: &dyn Fn(&str) -> Option<std::ffi::OsString>) -> Option<PathBuf> {
    let config = env::path(var, "XDG_CONFIG_HOME").or_else(|| env::path(var, "HOME").map(|home| home.join(".config")));
    config.map(|config| config.join("prompt-manager/config.toml"))
}

/// Reads it; a missing file is an empty layer.
pub(crate) fn read(path: &Path, var: &dyn Fn(&str) -> Option<std::ffi::OsString>) -> Result<Layer, Error> {
    let text = queue::plain::read(path).and_then(|bytes| String::from_utf8(bytes).map_err(std::io::Error::other));
    match text {
        Ok(text) => parse(&text, path, env::path(var, "HOME").as_deref()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Layer::default()),
        Err(source) => Err(Error::Read { path: path.to_owned(), source }),
    }
}

/// The `notify` of a file of which anything else may be wrong.
pub(crate) fn notify_alone(path: &Path) -> Option<Notify> {
    #[derive(Deserialize)]
    struct Alone {
        notify: Option<Notify>,
    }
    let text = String::from_utf8(queue::plain::read(path).ok()?).ok()?;
    toml::from_str::<Alone>(&text).ok()?.notify
}

fn parse(text: &str, path: &Path, home: Option<&Path>) -> Result<Layer, Error> {
    let keys: Keys = toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        fault(text, path, at, error.message().trim_end())
    })?;
    if let Some((at, error)) = wrong_rule(keys.redact_rules.as_deref().unwrap_or_default()) {
        return Err(fault(text, path, rule_at(text, at), &error.to_string()));
    }
    let place = |key: &str, raw: &PathBuf| {
        expand(raw, home).map_err(|problem| fault(text, path, offset_of(text, key), &problem))
    };
    let ignore = |patterns: Vec<String>| {
        Ignore::new(patterns.iter().map(String::as_str), home)
            .map_err(|problem| fault(text, path, offset_of(text, "ignore"), &problem))
    };
    let every_place = |list: Vec<PathBuf>| list.iter().map(|raw| place("projects", raw)).collect();
    let layer = Layer {
        home: keys.home.map(|raw| place("home", &raw)).transpose()?,
        spill: keys.spill.map(|raw| place("spill", &raw)).transpose()?,
        projects: keys.projects.map(every_place).transpose()?,
        ignore: keys.ignore.map(ignore).transpose()?,
        every: keys.every.map(|Interval(every)| every),
        cron: keys.cron,
        sweep_every: keys.sweep_every.map(|Interval(every)| every),
        batch: keys.batch,
        max_event: keys.max_event.map(|Size(size)| size),
        archive: keys.archive,
        pack_after: keys.pack_after.map(|Interval(span)| span),
        archive_keep: keys.archive_keep.map(|Interval(span)| span),
        archive_max: keys.archive_max.map(|Size(size)| size),
        failed_keep: keys.failed_keep.map(|Interval(span)| span),
        low_space: keys.low_space.map(|Size(size)| size),
        min_space: keys.min_space.map(|Size(size)| size),
        annotations_every: keys.annotations_every.map(|Interval(span)| span),
        annotations_keep: keys.annotations_keep,
        backup_every: keys.backup_every.map(|Interval(span)| span),
        backup_keep: keys.backup_keep,
        log: keys.log,
        log_format: keys.log_format,
        log_size: keys.log_size.map(|Size(size)| size),
        log_age: keys.log_age.map(|Interval(span)| span),
        log_keep: keys.log_keep,
        notify: keys.notify,
        redact: keys.redact,
        redact_rules: keys.redact_rules,
        redact_allow: keys.redact_allow,
        listen: keys.listen,
        no_token: keys.no_token,
    };
    layer.check().map_err(|error| {
        let key = if let Error::Range { key, .. } = &error { key } else { "cron" };
        fault(text, path, offset_of(text, key), &error.to_string())
    })?;
    Ok(layer)
}

/// The keys of the file, one for each field of [`Layer`].
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    home: Option<PathBuf>,
    spill: Option<PathBuf>,
    projects: Option<Vec<PathBuf>>,
    ignore: Option<Vec<String>>,
    every: Option<Interval>,
    cron: Option<String>,
    sweep_every: Option<Interval>,
    batch: Option<usize>,
    max_event: Option<Size>,
    archive: Option<Archive>,
    pack_after: Option<Interval>,
    archive_keep: Option<Interval>,
    archive_max: Option<Size>,
    failed_keep: Option<Interval>,
    low_space: Option<Size>,
    min_space: Option<Size>,
    annotations_every: Option<Interval>,
    annotations_keep: Option<usize>,
    backup_every: Option<Interval>,
    backup_keep: Option<usize>,
    log: Option<String>,
    log_format: Option<LogFormat>,
    log_size: Option<Size>,
    log_age: Option<Interval>,
    log_keep: Option<usize>,
    notify: Option<Notify>,
    redact: Option<Redact>,
    redact_rules: Option<Vec<Rule>>,
    redact_allow: Option<Vec<String>>,
    listen: Option<Listen>,
    no_token: Option<bool>,
}

struct Interval(Duration);

impl<'de> Deserialize<'de> for Interval {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        parse_duration(&String::deserialize(from)?).map(Self).map_err(de::Error::custom)
    }
}

struct Size(u64);

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        parse_size(&String::deserialize(from)?).map(Self).map_err(de::Error::custom)
    }
}

/// `~/` is the home directory here, as no shell stands between.
fn expand(raw: &Path, home: Option<&Path>) -> Result<PathBuf, String> {
    let full = match (raw.strip_prefix("~"), home) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => raw.to_owned(),
    };
    if full.is_absolute() { Ok(full) } else { Err(format!("`{}` is not an absolute path", raw.display())) }
}

/// An error at byte `at`: its line, and the key that the line or one above it sets.
fn fault(text: &str, path: &Path, at: usize, problem: &str) -> Error {
    let at = text.floor_char_boundary(at);
    let end = text[at..].find('\n').map_or(text.len(), |n| at + n);
    let line = text[..at].matches('\n').count() + 1;
    let key = text[..end].lines().rev().find_map(key_of).map(str::to_owned);
    Error::File { path: path.to_owned(), line, key, problem: problem.replace('\n', " ") }
}

/// The first rule that cannot be used, by its number.
fn wrong_rule(rules: &[Rule]) -> Option<(usize, redact::Error)> {
    rules.iter().enumerate().find_map(|(at, rule)| Some((at, Rules::check(std::slice::from_ref(rule)).err()?)))
}

/// Where the pattern of the rule of this number is, or at least the rule.
fn rule_at(text: &str, number: usize) -> usize {
    let start = text.match_indices("[[redact_rules]]").nth(number).map_or(0, |(at, _)| at);
    text[start..].find("\npattern").map_or(start, |at| start + at + 1)
}

/// Where the line that sets `key` begins.
fn offset_of(text: &str, key: &str) -> usize {
    let line = text.lines().find(|line| key_of(line) == Some(key)).unwrap_or_default();
    text.find(line).unwrap_or_default()
}

fn key_of(line: &str) -> Option<&str> {
    let (key, _) = line.split_once('=')?;
    let key = key.trim();
    (!key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let found = parse(text, Path::new("/c.toml"), Some(Path::new("/home/u")));
        let found = match found {
            Ok(layer) => format!("{layer:?}"),
            Err(error) => error.to_string(),
        };
        assert!(found.contains(expected), "{text}\n{found}");
        assert!(!found.contains('\n'), "more than one line: {found}");
    }

    #[test]
    fn values() {
        check("", "home: None");
        check("home = '/a'", "home: Some(\"/a\")");
        check("home = '~/a'", "home: Some(\"/home/u/a\")");
        check("projects = ['/a', '~/b']", "projects: Some([\"/a\", \"/home/u/b\"])");
        check("ignore = ['~/a', '/b/*', 'session=x']", "ignore: Some([\"/home/u/a\", \"/b/*\", \"session=x\"])");
        check("every = '500ms'", "every: Some(500ms)");
        check("max_event = '64MiB'", "max_event: Some(67108864)");
        check("listen = '[::1]:80'", "listen: Some(Tcp([::1]:80))");
        check("no_token = true", "no_token: Some(true)");
        check("archive = 'off'", "archive: Some(Off)");
        check("archive_max = '2GiB'", "archive_max: Some(2147483648)");
        check("backup_every = '0s'", "backup_every: Some(0ns)");
        check("notify = 'mail -s \"$1\" me'", "notify: Some(Shell(\"mail -s \\\"$1\\\" me\"))");
        check(
            "notify = ['notify-send', 'Prompt Manager']",
            "notify: Some(Words([\"notify-send\", \"Prompt Manager\"]))",
        );
        check("redact = 'display'", "redact: Some(Display)");
        check("redact_allow = ['a']", "redact_allow: Some([\"a\"])");
        check("[[redact_rules]]\nid = 'x'\npattern = 'y+'", "pattern: \"y+\"");
        check("log_format = 'json'", "log_format: Some(Json)");
    }

    #[test]
    fn faults_name_file_line_and_key() {
        check("\nevery = '5'\n", "/c.toml, line 2, key `every`: `5` is no duration");
        check("notify = []", "line 1, key `notify`: name a program");
        check("notify = 5", "line 1, key `notify`: a command is wanted");
        check("batch = 'many'", "/c.toml, line 1, key `batch`: ");
        check("batch = -1", "line 1, key `batch`");
        check(
            "archive = 'zip'",
            "line 1, key `archive`: unknown variant `zip`, expected one of `files`, `pack`, `off`",
        );
        check("home = '/a'\nevry = '1s'", "line 2, key `evry`: unknown field `evry`, expected one of");
        check("projects = [\n  '/a',\n  'b',\n]", "line 1, key `projects`: `b` is not an absolute path");
        check("every = '1s'\nignore = [\n  '/a',\n  'b',\n]", "line 2, key `ignore`: `b` begins with none of");
        check("ignore = ['/a[']", "line 1, key `ignore`: `/a[` is no pattern: unclosed character class");
        check("ignore = '/a'", "line 1, key `ignore`: ");
        check("home = 'a'", "line 1, key `home`: `a` is not an absolute path");
        check("# é\nhome = ", "line 2, key `home`");
        check("home", "/c.toml, line 1: ");
        check("[section]\na = 1", "unknown field `section`");
    }
}
