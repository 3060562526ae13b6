//! claude-code-to-sqlite (PyPI): a command that writes transcripts into a database, and nothing that reads it.

use std::fs;

use super::Measures;
use super::run::to_the_end;
use super::stage::{Stage, folder, projects};

const VERSION: &str = "0.1.0";

pub(super) fn measured(stage: &Stage) -> Result<Measures, String> {
    let home = stage.home("claude-code-to-sqlite");
    let (log, database) = (home.join("log"), home.join("sessions.db"));
    let import = || {
        let mut command = stage.command(&home, folder("claude-code-to-sqlite").join("bin/claude-code-to-sqlite"));
        command.args(["sessions", "--silent", "--include-agents"]).arg(&database).arg(projects(&home));
        command
    };
    let first = to_the_end(import(), &log)?;
    let disk = fs::metadata(&database).map_err(|error| error.to_string())?.len();
    let again = to_the_end(import(), &log)?;
    Ok(Measures {
        program: format!("claude-code-to-sqlite {VERSION}"),
        import: Some([first.seconds, again.seconds]),
        disk: Some(disk),
        peak: Some(first.peak),
        ..Measures::default()
    })
}
