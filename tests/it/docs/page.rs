//! A page of docs/ as somebody reads it who tries every line: its fences in order, and what the comments before them say to the
//! test alone. No other Markdown is understood here.
//!
//! `<!-- not run: REASON -->` leaves the next fence out, `<!-- first: COMMAND -->` is run before it and not shown to readers,
//! `<!-- not as printed: REASON -->` says that the output below is not held against what the commands above it print.

use std::fs;
use std::path::PathBuf;

use harness::repository;

/// A piece of code, with what was said of it.
pub(super) struct Fence {
    /// The line of the page on which it opens.
    pub(super) line: usize,
    pub(super) language: String,
    pub(super) lines: Vec<String>,
    /// Why it is left out.
    pub(super) not_run: Option<String>,
    /// What is run before it.
    pub(super) first: Vec<String>,
    pub(super) not_as_printed: bool,
    /// It stands right below the fence before it, with nothing said between.
    pub(super) follows: bool,
}

/// A page.
pub(super) struct Page {
    /// From the root of the repository: `docs/cli.md`.
    pub(super) name: String,
    pub(super) text: String,
    pub(super) fences: Vec<Fence>,
}

/// A command of a page, with what it is expected to do.
pub(super) struct Command {
    pub(super) line: usize,
    pub(super) text: String,
    pub(super) expected: Expected,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    /// It ends with this code.
    Code(i32),
    /// It goes on until somebody ends it.
    Stays,
}

impl Page {
    pub(super) fn read(name: &str) -> Self {
        let text = fs::read_to_string(repository().join(name)).unwrap_or_else(|error| panic!("read {name}: {error}"));
        let fences = fences(name, &text);
        Self { name: name.to_owned(), text, fences }
    }

    /// The lines outside of fences and comments.
    pub(super) fn prose(&self) -> impl Iterator<Item = &str> {
        let mut inside = false;
        self.text.lines().filter(move |line| {
            let edge = line.trim_start().starts_with("```");
            inside ^= edge;
            !inside && !edge && !line.starts_with("<!--")
        })
    }
}

/// README.md and every page below docs/, sorted.
pub(super) fn all() -> Vec<Page> {
    let (mut names, mut folders) = (vec!["README.md".to_owned()], vec![PathBuf::from("docs")]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(repository().join(&folder)).expect("a folder of pages").flatten() {
            let below = folder.join(entry.file_name());
            if entry.path().is_dir() {
                folders.push(below);
            } else if below.extension().is_some_and(|extension| extension == "md") {
                names.push(below.display().to_string());
            }
        }
    }
    names.sort();
    names.iter().map(|name| Page::read(name)).collect()
}

fn fences(name: &str, text: &str) -> Vec<Fence> {
    let (mut found, mut open): (Vec<Fence>, Option<Fence>) = (Vec::new(), None);
    let (mut not_run, mut first, mut not_as_printed, mut follows) = (None, Vec::new(), false, false);
    for (index, line) in text.lines().enumerate() {
        let fence = line.trim_start().strip_prefix("```");
        match (&mut open, fence) {
            (None, Some(language)) => {
                open = Some(Fence {
                    line: index + 1,
                    language: language.trim().to_owned(),
                    lines: Vec::new(),
                    not_run: not_run.take(),
                    first: std::mem::take(&mut first),
                    not_as_printed: std::mem::take(&mut not_as_printed),
                    follows: std::mem::replace(&mut follows, true),
                });
            }
            (Some(_), Some(_)) => found.extend(open.take()),
            (Some(fence), None) => fence.lines.push(line.to_owned()),
            (None, None) => {
                let said = line.trim().strip_prefix("<!--").and_then(|rest| rest.strip_suffix("-->")).map(str::trim);
                match said.and_then(|said| said.split_once(": ")) {
                    Some(("not run", why)) => not_run = Some(why.to_owned()),
                    Some(("first", command)) => first.push(command.to_owned()),
                    Some(("not as printed", _)) => not_as_printed = true,
                    _ if said.is_some() => panic!("{name}:{}: this comment is none that the test knows", index + 1),
                    _ => follows &= line.trim().is_empty(),
                }
                let waits = not_run.is_some() || !first.is_empty() || not_as_printed;
                let stray = waits && said.is_none() && !line.trim().is_empty();
                assert!(!stray, "{name}:{}: a comment for the test must stand right before its fence", index + 1);
            }
        }
    }
    assert!(open.is_none(), "{name}: a fence is not closed");
    found
}

impl Fence {
    /// What is run of it: lines of a shell, a request, queries, or settings that are read.
    pub(super) fn commands(&self) -> Vec<Command> {
        match self.language.as_str() {
            "sh" => self.lines_of_shell(),
            "http" => self.requests(),
            "sql" => vec![self.whole("sqlite3 -readonly -bail -header ~/.local/share/prompt-manager/database/prompts.db")],
            "toml" => vec![self.whole("mkdir -p \"$TOLD/config/prompt-manager\" && cat >\"$TOLD/config/prompt-manager/config.toml\" && XDG_CONFIG_HOME=\"$TOLD/config\" prompt-manager failed")],
            _ => Vec::new(),
        }
    }

    /// The lines of scripts in a workflow: what stands below `run: |`.
    pub(super) fn scripts(&self) -> Vec<&str> {
        let depth = |line: &str| line.len() - line.trim_start().len();
        let (mut found, mut above) = (Vec::new(), None);
        for line in &self.lines {
            if above.is_some_and(|above| depth(line) > above) {
                found.push(line.trim());
            } else {
                above = line.contains("run: |").then(|| depth(line));
            }
        }
        found
    }

    /// All of it as what a command reads.
    fn whole(&self, command: &str) -> Command {
        let text = format!("{{ {command}; }} <<'END-OF-FENCE'\n{}\nEND-OF-FENCE", self.lines.join("\n"));
        Command { line: self.line + 1, text, expected: Expected::Code(0) }
    }

    /// Requests to the sample's API, each a line `METHOD PATH` and a body in the lines up to the next.
    fn requests(&self) -> Vec<Command> {
        let mut requests: Vec<(usize, &str, String)> = Vec::new();
        for (index, line) in self.lines.iter().enumerate() {
            match requests.last_mut() {
                Some((_, _, body)) if !line.starts_with(|sign: char| sign.is_ascii_uppercase()) => body.push_str(line),
                _ => requests.push((self.line + index + 1, line, String::new())),
            }
        }
        let command = |(line, request, body): (usize, &str, String)| {
            let (method, path) = request.split_once(' ').unwrap_or((request, ""));
            let body = if body.is_empty() {
                String::new()
            } else {
                format!(" -H 'Content-Type: application/json' -d '{body}'")
            };
            let text = format!(
                "STORE=~/.local/share/prompt-manager-demo; curl -sS --fail-with-body -X {method} -H \"Authorization: Bearer $(cat $STORE/run/api.token)\"{body} \"$(cat $STORE/run/api.url)\"'{path}'"
            );
            Command { line, text, expected: Expected::Code(0) }
        };
        requests.into_iter().map(command).collect()
    }

    /// A command a line, with those that a backslash or a here-document carries on.
    fn lines_of_shell(&self) -> Vec<Command> {
        let mut commands: Vec<Command> = Vec::new();
        let mut until: Option<String> = None;
        let mut goes_on = false;
        for (index, line) in self.lines.iter().enumerate() {
            if let Some(last) = commands.last_mut().filter(|_| goes_on || until.is_some()) {
                last.text.push('\n');
                last.text.push_str(line);
                if until.as_deref() == Some(line.trim()) {
                    until = None;
                }
            } else if line.trim().is_empty() || line.trim_start().starts_with('#') {
                continue;
            } else {
                commands.push(Command { line: self.line + index + 1, text: line.clone(), expected: Expected::Code(0) });
                until =
                    line.split_once("<<").map(|(_, word)| word.trim_matches(|c: char| !c.is_alphanumeric()).to_owned());
            }
            goes_on = until.is_none() && line.ends_with('\\');
        }
        for command in &mut commands {
            let said = command.text.rsplit_once(" # ").map_or("", |(_, said)| said);
            let code =
                said.strip_prefix("exits ").and_then(|rest| rest.split([' ', ':', ',', ';']).next()?.parse().ok());
            command.expected = match code {
                Some(code) => Expected::Code(code),
                None if said.starts_with("stays") => Expected::Stays,
                None => Expected::Code(0),
            };
        }
        commands
    }
}
