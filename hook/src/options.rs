//! Where the event goes: the arguments that the installer wrote, else the environment. No file is read.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use queue::layout::{DataDir, spill_from_env};
use queue::name::{QueueName, Token};
use queue::rate::Commands;

/// What the arguments and the environment say.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The queue directory and then the spill place, each with `tmp` and `incoming`. Without any, stdin is read and
    /// nothing is kept.
    pub(crate) places: Vec<PathBuf>,
    /// Where errors are noted.
    pub(crate) errors: Option<PathBuf>,
    /// Wait for the disk at each event.
    pub(crate) strict: bool,
    /// Which commands that rate are answered: the installer says so where it has put them in place, and for prompts alone.
    pub(crate) rate: Option<Commands>,
    /// The project in which Claude Code runs.
    pub(crate) project: Option<PathBuf>,
    /// The event, if the payload does not say.
    pub(crate) event: Option<Token>,
    /// The session, if the payload does not say.
    pub(crate) session: Option<Token>,
    /// When the event was captured, if that was not now: `$PROMPT_MANAGER_CLOCK_NS`, for a replay of events kept from
    /// before and for tests of a clock that stands still.
    pub(crate) captured_ns: Option<u64>,
}

impl Options {
    /// Reads `arguments` (`EVENT [--queue DIR] [--spill DIR] [--strict] [--rate | --rate-plugin]`) and what they leave open from the
    /// environment. What is not understood is passed over: a newer installer must not break an older hook.
    pub fn new<'a>(arguments: impl IntoIterator<Item = &'a OsStr>, var: impl Fn(&str) -> Option<OsString>) -> Self {
        let on = |name: &str| var(name).is_some_and(|value| !value.is_empty() && value != "0");
        let mut options = Self { strict: on("PROMPT_MANAGER_STRICT"), ..Self::default() };
        let (mut queue, mut spill, mut event) = (None, None, None);
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            match argument.as_bytes() {
                b"--queue" => queue = arguments.next(),
                b"--spill" => spill = arguments.next(),
                b"--strict" => options.strict = true,
                b"--rate" => options.rate = Some(Commands::Both),
                b"--rate-plugin" => options.rate = Some(Commands::OfPlugin),
                [b'-', ..] => {}
                word => event = event.or(Some(word)),
            }
        }
        options.event = event.and_then(Token::new);
        options.session = var("CLAUDE_CODE_SESSION_ID").and_then(|id| Token::new(id.as_bytes()));
        options.project = options.rate.and_then(|_| var("CLAUDE_PROJECT_DIR")).map(PathBuf::from);
        let clock = var("PROMPT_MANAGER_CLOCK_NS");
        options.captured_ns = clock.and_then(|ns| ns.to_str()?.parse().ok()).filter(|ns| *ns <= QueueName::MAX_NS);
        if on("PROMPT_MANAGER_DISABLE") {
            return options;
        }
        let given = |dir: Option<&OsStr>| dir.filter(|dir| !dir.is_empty()).map(PathBuf::from);
        let queue = given(queue).or_else(|| DataDir::from_env(&var).map(|data| data.queue()));
        let spill = given(spill).or_else(|| spill_from_env(&var));
        options.errors = queue.as_deref().map(errors_of);
        options.places = [queue, spill].into_iter().flatten().collect();
        options
    }
}

/// The log lies in the data directory, which is the parent of the queue.
fn errors_of(queue: &Path) -> PathBuf {
    let data = queue.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    DataDir::new(data).hook_errors()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(arguments: &[&str], vars: &[(&str, &str)]) -> Options {
        let var = |name: &str| vars.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into());
        Options::new(arguments.iter().map(OsStr::new), var)
    }

    fn check(arguments: &[&str], vars: &[(&str, &str)], places: &[&str], errors: Option<&str>) {
        let found = options(arguments, vars);
        assert_eq!(found.places, places.iter().map(PathBuf::from).collect::<Vec<_>>(), "{arguments:?} {vars:?}");
        assert_eq!(found.errors, errors.map(PathBuf::from), "{arguments:?} {vars:?}");
    }

    #[test]
    fn places() {
        let home = [("HOME", "/h")];
        check(&[], &[], &[], None);
        check(
            &["Stop"],
            &home,
            &["/h/.local/share/prompt-manager/queue", "/h/.local/state/prompt-manager/spill"],
            Some("/h/.local/share/prompt-manager/logs/hook-errors.log"),
        );
        check(
            &["Stop", "--queue", "/d/queue", "--spill", "/s"],
            &home,
            &["/d/queue", "/s"],
            Some("/d/logs/hook-errors.log"),
        );
        check(&["--spill", "/s", "--queue", "q"], &home, &["q", "/s"], Some("./logs/hook-errors.log"));
        check(
            &["--queue", "", "--spill"],
            &[("PROMPT_MANAGER_HOME", "/d")],
            &["/d/queue"],
            Some("/d/logs/hook-errors.log"),
        );
        check(&["--spill", "/s"], &[], &["/s"], None);
        check(&["--queue", "/d/queue"], &[("HOME", "/h"), ("PROMPT_MANAGER_DISABLE", "1")], &[], None);
    }

    fn check_words(arguments: &[&str], vars: &[(&str, &str)], event: &str, session: &str, strict: bool) {
        let found = options(arguments, vars);
        let text = |token: Option<Token>| token.map_or("-".to_owned(), |token| token.as_str().to_owned());
        let parts = (text(found.event), text(found.session), found.strict);
        assert_eq!(parts, (event.to_owned(), session.to_owned(), strict), "{arguments:?} {vars:?}");
    }

    #[test]
    fn words() {
        let session = [("CLAUDE_CODE_SESSION_ID", "s-1")];
        check_words(&["Stop"], &session, "Stop", "s-1", false);
        check_words(&["--strict", "Stop", "Start"], &[], "Stop", "-", true);
        check_words(&["Stop", "--rate"], &[], "Stop", "-", false);
        check_words(&["--new-flag", "-x", "--queue", "Start", "Stop"], &[], "Stop", "-", false);
        check_words(&["../Stop"], &[("CLAUDE_CODE_SESSION_ID", "a/b")], "-", "-", false);
        check_words(&[], &[("PROMPT_MANAGER_STRICT", "1")], "-", "-", true);
        check_words(&[], &[("PROMPT_MANAGER_STRICT", "0")], "-", "-", false);
    }

    #[test]
    fn only_the_installer_lets_it_answer() {
        let check = |arguments: &[&str], expected| assert_eq!(options(arguments, &[("HOME", "/h")]).rate, expected);
        check(&["UserPromptSubmit", "--rate"], Some(Commands::Both));
        check(&["UserPromptSubmit", "--rate-plugin"], Some(Commands::OfPlugin));
        check(&["UserPromptSubmit"], None);
    }

    #[test]
    fn clock() {
        for (value, expected) in [
            ("1795350951598014047", Some(1_795_350_951_598_014_047)),
            ("10000000000000000000", None),
            ("-1", None),
            ("", None),
        ] {
            assert_eq!(options(&[], &[("PROMPT_MANAGER_CLOCK_NS", value)]).captured_ns, expected, "{value}");
        }
    }
}
