//! A command line as a value that one program tells another: `prompt-manager` is several programs, and what completes its words
//! and explains them is made by one of them.
//!
//! Each program tells its words itself, so that nothing here can lag behind.

use clap::{Arg, ArgAction, Command};
use serde::{Deserialize, Serialize};

/// A subcommand.
#[derive(Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Word {
    name: String,
    about: String,
    long_about: Option<String>,
    after_help: Option<String>,
    args: Vec<Flag>,
}

/// A flag, or a value that has its place.
#[derive(Debug, Deserialize, PartialEq, Eq, Serialize)]
struct Flag {
    id: String,
    long: Option<String>,
    short: Option<char>,
    help: String,
    /// What its value is called; `None` if it takes none.
    value: Option<String>,
    /// What its value may be, if that is a list.
    values: Vec<String>,
    repeated: bool,
    required: bool,
    heading: Option<String>,
}

/// The words of a program.
pub fn tell(program: &Command) -> Vec<Word> {
    let text = |text: Option<&clap::builder::StyledStr>| text.map(ToString::to_string);
    let flag = |arg: &Arg| Flag {
        id: arg.get_id().to_string(),
        long: arg.get_long().map(str::to_owned),
        short: arg.get_short(),
        help: text(arg.get_help()).unwrap_or_default(),
        value: arg.get_action().takes_values().then(|| {
            let name = arg.get_value_names().and_then(|names| names.first());
            name.map_or_else(|| arg.get_id().to_string(), ToString::to_string)
        }),
        values: arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect(),
        repeated: matches!(arg.get_action(), ArgAction::Append),
        required: arg.is_required_set(),
        heading: arg.get_help_heading().map(str::to_owned),
    };
    let word = |command: &Command| Word {
        name: command.get_name().to_owned(),
        about: text(command.get_about()).unwrap_or_default(),
        long_about: text(command.get_long_about()),
        after_help: text(command.get_after_long_help()),
        args: command.get_arguments().filter(|arg| !arg.is_hide_set()).map(flag).collect(),
    };
    program.get_subcommands().filter(|command| !command.is_hide_set()).map(word).collect()
}

impl From<Word> for Command {
    fn from(word: Word) -> Self {
        let mut command = Self::new(word.name).about(word.about).args(word.args.into_iter().map(Arg::from));
        if let Some(text) = word.long_about {
            command = command.long_about(text);
        }
        if let Some(text) = word.after_help {
            command = command.after_long_help(text);
        }
        command
    }
}

impl From<Flag> for Arg {
    fn from(flag: Flag) -> Self {
        let is_path = flag.value.as_deref().is_some_and(|value| ["DIR", "PATH"].contains(&value));
        let mut arg = Self::new(flag.id).help(flag.help).required(flag.required);
        if let Some(long) = flag.long {
            arg = arg.long(long);
        }
        if let Some(short) = flag.short {
            arg = arg.short(short);
        }
        if let Some(heading) = flag.heading {
            arg = arg.help_heading(heading);
        }
        let Some(value) = flag.value else { return arg.action(ArgAction::SetTrue) };
        if !flag.values.is_empty() {
            arg = arg.value_parser(flag.values);
        } else if is_path {
            arg = arg.value_hint(clap::ValueHint::DirPath);
        }
        arg.value_name(value).action(if flag.repeated { ArgAction::Append } else { ArgAction::Set })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_what_there_was() {
        let search = Command::new("search").about("Find").long_about("Find words").after_long_help("Examples").args([
            Arg::new("words").help("What").value_name("WORDS").required(true).action(ArgAction::Append),
            Arg::new("home").long("home").help("Where").value_name("DIR"),
            Arg::new("limit").short('n').long("limit").help("How many").value_name("N"),
            Arg::new("by").long("by").help("By what").value_parser(["day", "model"]).help_heading("Which"),
            Arg::new("json").long("json").help("For programs").action(ArgAction::SetTrue),
        ]);
        let program = Command::new("p").subcommand(search).subcommand(Command::new("hidden").hide(true));
        let told = tell(&program);
        let json = serde_json::to_string(&told).unwrap();
        let heard: Vec<Word> = serde_json::from_str(&json).unwrap();
        let again = Command::new("p").subcommands(heard.into_iter().map(Command::from));
        again.clone().debug_assert();
        assert_eq!(tell(&again), told, "{json}");
        assert_eq!(told.len(), 1);
    }
}
