//! The exit codes, in one table. 75 and 78 are those of `sysexits.h`, so that a supervisor knows what a retry is worth.

use std::process::ExitCode;

/// How the program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done, also when there was nothing to do. Files that were sent to failed/ are counted in the report, not here.
    Done = 0,
    /// Something went wrong that a retry will not mend by itself, such as a damaged database.
    Failure = 1,
    /// The command line is wrong, or names something that cannot be imported.
    Usage = 2,
    /// The database is busy, the disk is full or ill, or an import was ended: nothing is lost, try again later.
    Busy = 75,
    /// The settings, the data directory or the installed version do not fit.
    Config = 78,
}

/// The same table for `--help`.
pub const HELP: &str = "\
Exit codes:
   0  done, also when there was nothing to do; files moved to failed/ are counted, not an error
   1  failure that a retry will not mend, such as a damaged database
   2  wrong command line
  75  database busy, disk full or failing, or an import ended by Ctrl-C: nothing is lost, try again later
  78  wrong settings, unusable data directory, or a database written by a newer version";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_lists_every_code() {
        for exit in [Exit::Done, Exit::Failure, Exit::Usage, Exit::Busy, Exit::Config] {
            let code = format!("{:>4}  ", exit as u8);
            assert!(HELP.lines().any(|line| line.starts_with(&code)), "{exit:?}");
        }
    }
}
