//! Units that came with a package. A person enables them without us, so that nothing of them stands on record; they start things for
//! the data directory that settings name where nobody names one.

use std::fs;
use std::path::{Path, PathBuf};

use settings::{Layer, Settings};

use super::systemd::{self, Systemctl};
use super::{Job, Manager, unit, whose};
use crate::error::{At, Error};
use crate::setup::call::quoted;
use crate::setup::user::{Effect, say};

/// How each of them begins, as `ops/package` writes it.
const MARK: &str = "# Of the package.";

/// What is there of them.
pub(super) struct Packaged {
    systemctl: Systemctl,
    /// Whether it could be asked.
    is_up: bool,
    running: Vec<&'static str>,
    /// What starts them, also where the package is gone.
    links: Vec<PathBuf>,
}

impl Packaged {
    /// Of this user; `None` if nothing is there. A user's own units alone can be a package's.
    ///
    /// # Errors
    /// [`Error::Settings`] without a home directory.
    pub(super) fn find(job: &Job<'_>) -> Result<Option<Self>, Error> {
        if !matches!(job.manager, Manager::Systemd) {
            return Ok(None);
        }
        let systemctl = Systemctl::of(job);
        let is_up = systemctl.is_up();
        let running = if is_up { running(&systemctl) } else { Vec::new() };
        let links = links(&systemd::folder(job)?);
        let is_there = !running.is_empty() || !links.is_empty();
        Ok(is_there.then_some(Self { systemctl, is_up, running, links }))
    }

    /// Makes way for units of the same names, which count instead.
    ///
    /// # Errors
    /// [`Error::Refused`] if they start things for another data directory; what systemd says.
    pub(super) fn make_way(&self, job: &Job<'_>) -> Result<(), Error> {
        if let Some(other) = others(job) {
            let home = quoted(&other.display().to_string());
            let command = format!("prompt-manager setup service --remove --home {home}");
            return Err(whose::refused(Path::new("units of the package"), &other, &command));
        }
        self.stop()
    }

    /// Starts those anew that run.
    ///
    /// # Errors
    /// What systemd says.
    pub(super) fn renew(&self) -> Result<bool, Error> {
        if self.running.is_empty() {
            return Ok(false);
        }
        self.systemctl.ask(&["daemon-reload"])?;
        self.systemctl.ask(&[&["try-restart"], self.running.as_slice()].concat())?;
        say("started prompt-manager anew")?;
        Ok(true)
    }

    /// Stops them, and has nothing start them any more. Gives whether that was done.
    ///
    /// # Errors
    /// The operating system's; what systemd says.
    pub(super) fn take_out(&self, job: &Job<'_>) -> Result<bool, Error> {
        if others(job).is_some() {
            return Ok(false);
        }
        if job.effect == Effect::Tell {
            say("would stop and disable the units of the package")?;
            return Ok(true);
        }
        self.stop()?;
        for link in &self.links {
            fs::remove_file(link).at("remove", link)?;
            let _ = link.parent().map(fs::remove_dir); // if nothing else is in it
        }
        say("stopped and disabled the units of the package")?;
        if self.is_up {
            self.systemctl.ask(&["daemon-reload"])?;
        } else {
            let names = unit::started(job.look).join(" ");
            say("systemd does not run here, or not for this user. Where it does, this line stops them:")?;
            say(&format!("  {} stop {names} prompt-manager-api.service", self.systemctl.shown()))?;
        }
        Ok(true)
    }

    fn stop(&self) -> Result<(), Error> {
        if self.running.is_empty() {
            return Ok(());
        }
        self.systemctl.ask(&[&["stop"], self.running.as_slice()].concat())
    }
}

/// The data directory for which they start things, if it is not the one that is meant.
fn others(job: &Job<'_>) -> Option<PathBuf> {
    let var = |name: &str| if name == "PROMPT_MANAGER_HOME" { None } else { (job.user.var)(name) };
    let usual = Settings::resolve(Layer::default(), &var).ok()?.home.root().to_owned();
    (!whose::is_same(&usual, job.user.settings.home.root())).then_some(usual)
}

fn names() -> impl Iterator<Item = &'static str> {
    unit::names().filter(|name| !name.contains('@'))
}

fn is_packaged(unit: &Path) -> bool {
    fs::read(unit).is_ok_and(|text| text.starts_with(MARK.as_bytes()))
}

/// Those that run, with their sockets and timers, so that none starts another.
fn running(systemctl: &Systemctl) -> Vec<&'static str> {
    let words = ["show", "--property=Id", "--property=FragmentPath", "--property=ActiveState"];
    let names: Vec<_> = names().collect();
    let Ok(shown) = systemctl.run(&[words.as_slice(), names.as_slice()].concat()) else { return Vec::new() };
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    let units = shown.split("\n\n").filter_map(|unit| {
        let of = |key: &str| unit.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        let is_on = of("ActiveState").is_some_and(|state| state != "inactive");
        if is_on && is_packaged(Path::new(of("FragmentPath")?)) { of("Id") } else { None }
    });
    units.filter_map(|id| names.iter().copied().find(|name| *name == id)).collect()
}

/// The links in a user's folder that lead to a package's units, or led to them.
fn links(folder: &Path) -> Vec<PathBuf> {
    let folders = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let wants = folders.filter(|path| path.extension().is_some_and(|end| end == "wants"));
    let links = wants.flat_map(|wants| names().map(move |name| wants.join(name)));
    let is_theirs = |link: &PathBuf| {
        fs::read_link(link)
            .is_ok_and(|to| to.is_absolute() && !to.starts_with(folder) && (is_packaged(&to) || !to.exists()))
    };
    links.filter(is_theirs).collect()
}
