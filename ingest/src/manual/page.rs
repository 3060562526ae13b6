//! A manual page, in the language of man(7): the parts that the command line itself says, and the text below its help as it is laid out
//! there. Filled like prose, what is said beside an example would stand below the next.

use std::io::{self, Write};

use clap::Command;
use clap_mangen::Man;

/// The command that people type: its help names every variable.
const HELP: &str = include_str!("../../../ops/prompt-manager");

/// So long is no heading.
const HEADING: usize = 20;

/// The page of this command.
///
/// # Errors
/// None, into memory.
pub(super) fn write(command: &Command, page: &Man, to: &mut Vec<u8>) -> io::Result<()> {
    page.render_title(to)?;
    page.render_name_section(to)?;
    page.render_synopsis_section(to)?;
    page.render_description_section(to)?;
    if command.get_arguments().any(|argument| !argument.is_hide_set()) {
        page.render_options_section(to)?;
    }
    if command.has_subcommands() {
        page.render_subcommands_section(to)?;
    }
    if let Some(text) = command.get_after_long_help().or_else(|| command.get_after_help()) {
        to.write_all(roff(&text.to_string()).as_bytes())?;
    }
    if command.get_version().is_some() {
        to.write_all(b".SH ENVIRONMENT\n")?;
        to.write_all(roff(environment()).as_bytes())?;
        to.write_all(roff("There a setting is called as its variable, in small letters and without PROMPT_MANAGER_: PROMPT_MANAGER_EVERY=1s is every = \"1s\". docs/settings.md explains each.").as_bytes())?;
        page.render_version_section(to)
    } else {
        to.write_all(
            b".SH SEE ALSO\nprompt\\-manager(1), which has the variables and the settings that count here too\n",
        )
    }
}

/// What the help says of variables and of config.toml.
fn environment() -> &'static str {
    let rest = HELP.split_once("\nEnvironment;").map_or("", |(_, rest)| rest);
    rest.split_once('\n').and_then(|(_, rest)| rest.split_once("\nEND\n")).map_or("", |(text, _)| text)
}

/// Lines that begin with a blank stay as they are; a short line with a colon is a heading; the rest is prose.
fn roff(text: &str) -> String {
    let mut all = String::new();
    let mut is_laid_out = false;
    for line in text.lines() {
        if line.starts_with(' ') != is_laid_out && !line.is_empty() {
            is_laid_out = !is_laid_out;
            all += if is_laid_out { ".nf\n.in 0\n" } else { ".in\n.fi\n" };
        }
        match line.strip_suffix(':').filter(|heading| !is_laid_out && heading.len() <= HEADING) {
            _ if line.is_empty() => all += if is_laid_out { "\n" } else { ".PP\n" },
            Some(heading) => all += &format!(".SH {}\n", heading.to_uppercase()),
            None => all += &format!("{}\n", escaped(line)),
        }
    }
    all + if is_laid_out { ".in\n.fi\n" } else { "" }
}

/// As it is typed: signs that man(7) would make prettier cannot be copied from the page.
fn escaped(line: &str) -> String {
    let first = if line.starts_with(['.', '\'']) { "\\&" } else { "" };
    line.chars().fold(first.to_owned(), |mut text, sign| {
        match sign {
            '\\' => text += "\\e",
            '-' => text += "\\-",
            '\'' => text += "\\(aq",
            '`' => text += "\\(ga",
            '^' => text += "\\(ha",
            '~' => text += "\\(ti",
            sign => text.push(sign),
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_stay_laid_out() {
        let check = |text: &str, expected: &str| assert_eq!(roff(text), expected, "{text}");
        check(
            "Examples:\n  a 'b'   short\n\n  .c\n\nProse that goes on and on:\n  x",
            ".SH EXAMPLES\n.nf\n.in 0\n  a \\(aqb\\(aq   short\n\n  .c\n\n.in\n.fi\nProse that goes on and on:\n.nf\n.in 0\n  x\n.in\n.fi\n",
        );
        check(".profile ~/a-b\\c", "\\&.profile \\(ti/a\\-b\\ec\n");
    }

    #[test]
    fn every_variable_stands_there() {
        let text = environment();
        assert!(text.starts_with("  PROMPT_MANAGER_HOME ") && text.ends_with("config.toml."), "{text}");
        let lines = text.lines().filter(|line| !line.starts_with(' ')).count();
        assert_eq!(lines, 2, "{text}");
    }
}
