//! The three sources laid over each other.

use super::*;
use std::collections::BTreeMap;

struct Place {
    config: tempfile::TempDir,
    vars: BTreeMap<&'static str, OsString>,
}

impl Place {
    fn new(file: &str, vars: &[(&'static str, &str)]) -> Self {
        let config = tempfile::tempdir().unwrap();
        std::fs::create_dir(config.path().join("prompt-manager")).unwrap();
        std::fs::write(config.path().join("prompt-manager/config.toml"), file).unwrap();
        let mut vars: BTreeMap<_, OsString> = vars.iter().map(|(name, value)| (*name, value.into())).collect();
        vars.insert("XDG_CONFIG_HOME", config.path().into());
        vars.entry("HOME").or_insert_with(|| "/home/u".into());
        Self { config, vars }
    }

    fn resolve(&self, flags: Layer) -> Result<Settings, Error> {
        Settings::resolve(flags, &|name| self.vars.get(name).cloned())
    }
}

fn check<T: PartialEq + std::fmt::Debug>(
    file: &str,
    vars: &[(&'static str, &str)],
    flags: Layer,
    field: impl Fn(Settings) -> T,
    expected: &T,
) {
    assert_eq!(field(Place::new(file, vars).resolve(flags).unwrap()), *expected, "{file} {vars:?}");
}

#[test]
fn a_later_source_wins() {
    let batch = |batch| Layer { batch: Some(batch), ..Layer::default() };
    let env = [("PROMPT_MANAGER_BATCH", "2")];
    check("", &[], Layer::default(), |s| s.batch, &BATCH);
    check("batch = 1", &[], Layer::default(), |s| s.batch, &1);
    check("batch = 1", &env, Layer::default(), |s| s.batch, &2);
    check("batch = 1", &env, batch(3), |s| s.batch, &3);
    check("batch = 1", &[("PROMPT_MANAGER_BATCH", "")], Layer::default(), |s| s.batch, &1);
}

#[test]
fn a_schedule_replaces_the_other_kind() {
    let every = Layer { every: Some(Duration::from_secs(7)), ..Layer::default() };
    let cron = Schedule::Cron("@daily".into());
    check("every = '5m'", &[("PROMPT_MANAGER_CRON", "@daily")], Layer::default(), |s| s.schedule, &cron);
    check("cron = '@daily'", &[], Layer::default(), |s| s.schedule, &cron);
    check("cron = '@daily'", &[], every, |s| s.schedule, &Schedule::Every(Duration::from_secs(7)));
    check("", &[], Layer::default(), |s| s.schedule, &Schedule::Every(EVERY));
}

#[test]
fn places() {
    let home = |vars: &[(&'static str, &str)], expected: &str, chosen| {
        let expected = (DataDir::new(expected), chosen);
        check("", vars, Layer::default(), |s| (s.home, s.home_chosen), &expected);
    };
    home(&[], "/home/u/.local/share/prompt-manager", Chosen::Default);
    home(&[("XDG_DATA_HOME", "/d")], "/d/prompt-manager", Chosen::Default);
    home(&[("PROMPT_MANAGER_HOME", "/h")], "/h", Chosen::Named);
    let by_flag = |home: &str, expected: PathBuf| {
        let flags = Layer { home: Some(home.into()), ..Layer::default() };
        check("", &[], flags, |s| (s.home, s.home_chosen), &(DataDir::new(expected), Chosen::Named));
    };
    let here = std::env::current_dir().unwrap();
    by_flag("/h/../i", "/h/../i".into());
    by_flag("h", here.join("h"));
    by_flag("./h", here.join("h"));
    by_flag("../h", here.join("../h"));
    let projects = |vars: &[(&'static str, &str)], expected: &[&str]| {
        check("", vars, Layer::default(), |s| s.projects, &expected.iter().map(PathBuf::from).collect());
    };
    projects(&[], &["/home/u/.claude/projects"]);
    projects(&[("CLAUDE_CONFIG_DIR", "/c")], &["/c/projects"]);
    projects(&[("PROMPT_MANAGER_PROJECTS", "/a:/b")], &["/a", "/b"]);
    let data = tempfile::tempdir().unwrap();
    let record = data.path().join("setup.json");
    let home = data.path().to_str().unwrap();
    std::fs::write(&record, r#"{"projects": ["/x", "/home/u/.claude/projects", "x"], "hooks": 7}"#).unwrap();
    let vars = [("PROMPT_MANAGER_HOME", home)];
    projects(&vars, &["/home/u/.claude/projects", "/x"]);
    projects(&[vars[0], ("PROMPT_MANAGER_PROJECTS", "/a")], &["/a"]);
    std::fs::write(&record, "{\n7}").unwrap();
    projects(&vars, &["/home/u/.claude/projects"]);
    let problem = |s: Settings| {
        s.record_problem.unwrap_or_default().contains("setup.json: cannot be read (key must be a string at line 2")
    };
    check("", &vars, Layer::default(), problem, &true);
    check("", &[], Layer::default(), |s| s.spill, &Some("/home/u/.local/state/prompt-manager/spill".into()));
    check("", &[("PROMPT_MANAGER_SPILL", "/s")], Layer::default(), |s| s.spill, &Some("/s".into()));
}

fn check_refused(file: &str, vars: &[(&'static str, &str)], flags: Layer, expected: &str) {
    let place = Place::new(file, vars);
    let error = place.resolve(flags).unwrap_err().to_string();
    assert!(error.contains(expected), "{error}");
    assert!(!error.contains('\n'), "{error}");
    drop(place.config);
}

/// Whoever reads a pipe to which nobody writes waits for ever.
#[test]
fn what_is_no_plain_file_is_refused() {
    let place = Place::new("", &[]);
    let file = place.config.path().join("prompt-manager/config.toml");
    std::fs::remove_file(&file).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&file).status().unwrap().success());
    let said = place.resolve(Layer::default()).unwrap_err().to_string();
    assert!(said.contains("config.toml") && said.contains("it is no plain file"), "{said}");
}

#[test]
fn wrong_values_are_refused_in_one_line() {
    let flags = Layer::default;
    check_refused("evry = '1s'", &[], flags(), "config.toml, line 1, key `evry`: unknown field");
    check_refused("", &[("PROMPT_MANAGER_HOME", "a")], flags(), "PROMPT_MANAGER_HOME: a is not an absolute path");
    check_refused("", &[("PROMPT_MANAGER_EVERY", "5")], flags(), "PROMPT_MANAGER_EVERY: `5` is no duration");
    check_refused("", &[("PROMPT_MANAGER_NO_TOKEN", "yes")], flags(), "PROMPT_MANAGER_NO_TOKEN: write 1 or 0");
    check_refused(
        "every = '1s'\ncron = '@daily'",
        &[],
        flags(),
        "line 2, key `cron`: `every` and `cron` exclude each other",
    );
    check_refused("", &[("PROMPT_MANAGER_ARCHIVE", "zip")], flags(), "PROMPT_MANAGER_ARCHIVE: `zip` is none of files");
    check_refused(
        "redact = 'on'",
        &[],
        flags(),
        "line 1, key `redact`: unknown variant `on`, expected one of `off`, `display`, `ingest`",
    );
    check_refused(
        "",
        &[("PROMPT_MANAGER_REDACT", "on")],
        flags(),
        "PROMPT_MANAGER_REDACT: `on` is none of off, display, ingest",
    );
    let rules = "[[redact_rules]]\nid = 'a'\npattern = 'a'\n\n[[redact_rules]]\nid = 'b'\npattern = '('";
    check_refused(rules, &[], flags(), "config.toml, line 7, key `pattern`");
    check_refused(rules, &[], flags(), "rule `b`: unclosed group");
    check_refused("[[redact_rules]]\nid = 'a'\npattern = 'a'\nword = 'b'", &[], flags(), "unknown field `word`");
    check_refused("\nevery = '0s'", &[], flags(), "config.toml, line 2, key `every`: `every` must be 10 ms or more");
    check_refused("backup_keep = 0", &[], flags(), "line 1, key `backup_keep`: `backup_keep` must be 1 or more");
    check_refused("batch = 0", &[], flags(), "line 1, key `batch`: `batch` must be from 1 to 65536");
    check_refused("", &[], Layer { every: Some(Duration::ZERO), ..flags() }, "`every` must be 10 ms or more");
    check_refused("", &[("HOME", "")], flags(), "there is no home directory");
}
