//! `ingest completions` and `ingest man`: made from the command line itself, so that they never lag behind it.
//!
//! People type `prompt-manager`, which hands its words on to the programs that know them; so that is the command they are
//! made for, with the words of its other programs among them. `query-api` is asked for its own.

mod page; // a manual page

use std::fs;
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use clap::{Arg, Args, Command, CommandFactory};
use terminal::words::Word;

use crate::cli::Cli;
use crate::error::{At, Error};
use crate::exit::Exit;

/// What people type.
const NAME: &str = "prompt-manager";

/// `completions`.
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// `man`.
#[derive(Debug, Args)]
pub struct Man {
    /// The folder, which is made if need be; one page for each command
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
}

/// What `completions --help` shows of it.
pub const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  bash  prompt-manager completions bash > ~/.local/share/bash-completion/completions/prompt-manager
  zsh   prompt-manager completions zsh > \"${fpath[1]}/_prompt-manager\"
  fish  prompt-manager completions fish > ~/.config/fish/completions/prompt-manager.fish
";

/// What `man --help` shows of it.
pub const MAN_EXAMPLES: &str = "\
Examples:
  prompt-manager man ~/.local/share/man/man1
  man prompt-manager-run
";

/// Prints what the shell needs.
///
/// # Errors
/// Those of standard output.
pub fn completions(args: &Completions) -> Result<Exit, Error> {
    let script = script(args.shell, others());
    terminal::print(script.as_bytes()).at("write to", Path::new("standard output"))?;
    Ok(Exit::Done)
}

fn script(shell: clap_complete::Shell, others: Vec<Word>) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut whole(others), NAME, &mut script);
    // Where the name of a command has a hyphen, bash looks it up as another than it was noted: clap-rs/clap#6421.
    String::from_utf8_lossy(&script).replace("prompt__subcmd__manager", "prompt__manager")
}

/// Writes a page for each command.
///
/// # Errors
/// The operating system's.
pub fn man(args: &Man) -> Result<Exit, Error> {
    // They are read by all, unlike what we keep.
    fs::DirBuilder::new().recursive(true).mode(0o755).create(&args.dir).at("create", &args.dir)?;
    let mut all = whole(others()).disable_help_subcommand(true);
    all.build();
    pages(&all, &args.dir)?;
    Ok(Exit::Done)
}

/// Of a command and of those below it.
fn pages(command: &Command, dir: &Path) -> Result<(), Error> {
    let page = clap_mangen::Man::new(command.clone()).source(format!("Prompt Manager {}", env!("CARGO_PKG_VERSION")));
    let path = dir.join(page.get_filename());
    let mut text = Vec::new();
    page::write(command, &page, &mut text).and_then(|()| fs::write(&path, text)).at("write", &path)?;
    command.get_subcommands().filter(|below| !below.is_hide_set()).try_for_each(|below| pages(below, dir))
}

/// `prompt-manager` as a whole: our commands, and those of the other programs.
fn whole(others: Vec<Word>) -> Command {
    let own = Cli::command();
    own.name(NAME)
        .bin_name(NAME)
        .display_name(NAME)
        .about("Keeps the prompts and answers of Claude Code for good, on this machine, and gives them back")
        .subcommands(others.into_iter().map(Command::from))
        .subcommand(hook())
}

/// The words of `query-api`, which lies beside this program.
fn others() -> Vec<Word> {
    let told = || {
        let program = std::env::current_exe().ok()?.with_file_name("query-api");
        let output = std::process::Command::new(program).arg("words").output().ok()?;
        serde_json::from_slice(&output.stdout).ok()
    };
    told().unwrap_or_else(|| {
        let said = "query-api is not beside this program, or is of another version: its words are left out";
        let _ = writeln!(std::io::stderr(), "prompt-manager: {said}");
        Vec::new()
    })
}

fn hook() -> Command {
    Command::new("hook")
        .about("Put one hook payload from stdin into the queue, as Claude Code does")
        .arg(Arg::new("EVENT").help("The name of the event, such as UserPromptSubmit"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum;

    fn others() -> Vec<Word> {
        terminal::words::tell(&Command::new("other").subcommand(Command::new("serve").about("Answer")))
    }

    #[test]
    fn every_shell_gets_every_command() {
        whole(others()).debug_assert();
        for shell in clap_complete::Shell::value_variants() {
            let script = script(*shell, others());
            for word in ["once", "status", "doctor", "restore", "serve", "hook"] {
                assert!(script.contains(word), "{shell}: {word}");
            }
        }
    }

    #[test]
    fn every_command_gets_a_page() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("man/man1");
        man(&Man { dir: place.clone() }).unwrap();
        let pages: Vec<_> =
            whole(Vec::new()).get_subcommands().map(|command| format!("{NAME}-{}.1", command.get_name())).collect();
        for page in pages.iter().chain([&format!("{NAME}.1")]) {
            let text = fs::read_to_string(place.join(page)).unwrap_or_else(|error| panic!("{page}: {error}"));
            assert!(text.contains(".SH NAME") && text.contains(".SH SYNOPSIS"), "{page}: {text}");
            // Every page that is named is there.
            for named in text.replace("\\-", "-").split_inclusive("(1)").filter_map(|text| text.strip_suffix("(1)")) {
                let named = named.rsplit(|c: char| c != '-' && !c.is_ascii_alphanumeric()).next().unwrap();
                assert!(place.join(format!("{named}.1")).exists(), "{page} names {named}");
            }
        }
    }
}
