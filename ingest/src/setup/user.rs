//! For whom things are set up: the places of this user, and the one way in which setup speaks to a person.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use settings::Settings;

use crate::error::{At, Error};

/// A look into the environment.
pub type Var<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// Whether things are changed or only told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// They are changed.
    Change,
    /// `--dry-run`: it is told what would be.
    Tell,
}

/// The user.
pub struct User<'a> {
    /// Our own settings.
    pub settings: &'a Settings,
    /// The environment.
    pub var: Var<'a>,
}

impl<'a> User<'a> {
    /// The one whose settings and environment these are.
    pub fn new(settings: &'a Settings, var: Var<'a>) -> Self {
        Self { settings, var }
    }

    /// An absolute path in a variable; a relative one counts as none, as XDG says.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        (self.var)(name).map(PathBuf::from).filter(|path| path.is_absolute())
    }

    /// The home directory.
    ///
    /// # Errors
    /// [`Error::Settings`] if there is none.
    pub fn home(&self) -> Result<PathBuf, Error> {
        self.path("HOME").ok_or(Error::Settings(settings::Error::NoHome))
    }

    /// Where Claude Code keeps its own things: `$CLAUDE_CONFIG_DIR`, else `~/.claude`.
    ///
    /// # Errors
    /// [`Error::Settings`] without a home directory.
    pub fn claude(&self) -> Result<PathBuf, Error> {
        self.path("CLAUDE_CONFIG_DIR").map_or_else(|| self.home().map(|home| home.join(".claude")), Ok)
    }

    /// What we keep for the user outside of the data directory: `$XDG_STATE_HOME/prompt-manager`, else
    /// `~/.local/state/prompt-manager`.
    ///
    /// # Errors
    /// [`Error::Settings`] without a home directory.
    pub fn state(&self) -> Result<PathBuf, Error> {
        let state =
            self.path("XDG_STATE_HOME").map_or_else(|| self.home().map(|home| home.join(".local/state")), Ok)?;
        Ok(state.join("prompt-manager"))
    }
}

/// Says a line to the person who runs this.
///
/// # Errors
/// Those of standard output.
pub fn say(line: &str) -> Result<(), Error> {
    terminal::print(format!("{line}\n").as_bytes()).at("write to", Path::new("standard output"))
}
