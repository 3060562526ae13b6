//! Units of systemd: of the user, or with an account of the system. Where its manager runs it is told at once; elsewhere, as in
//! a container or over `su`, the lines to type are said.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::files::{self, New};
use super::packaged::Packaged;
use super::places::Places;
use super::port;
use super::unit;
use super::whose;
use super::{Job, Look, Manager};
use crate::child::{self, Ended, Output};
use crate::error::{At, Error};
use crate::setup::user::{Effect, say};

/// A start waits until the database is open, which takes long where an older version left a large one.
const LIMIT: Duration = Duration::from_secs(600);

/// Writes the units and starts them.
///
/// # Errors
/// The operating system's; what systemd says.
pub(super) fn set_up(job: &Job<'_>, places: &Places) -> Result<(), Error> {
    if let Some(folder) = &job.into {
        return files::write(job, &files::changed(&units(folder, places, job.look))?);
    }
    let folder = folder(job)?;
    let all: Vec<_> = unit::names().map(|name| folder.join(name)).collect();
    if let Some(other) = whose::other(&all, job.user.settings.home.root()) {
        return Err(whose::refused(&folder, &other, &job.removal(&other, &all)));
    }
    let units = units(&folder, places, job.look);
    let changed = files::changed(&units)?;
    // Of the other way of looking.
    let mut former = all.clone();
    former.retain(|path| files::is_ours(path) && units.iter().all(|(unit, _)| unit != path));
    let systemctl = Systemctl::of(job);
    let is_up = systemctl.is_up();
    if job.effect == Effect::Tell {
        files::write(job, &changed)?;
        files::remove(job, &former)?;
        return say(&format!(
            "would {}",
            if is_up { "start them" } else { "not start them: systemd does not run here" }
        ));
    }
    if let Some(packaged) = Packaged::find(job)? {
        packaged.make_way(job)?;
    }
    job.put_on_record(units.iter().map(|(path, _)| path.clone()).collect())?;
    let is_new = !changed.is_empty() || !former.is_empty();
    if is_up && is_new {
        systemctl.stop(&all)?; // a socket cannot be opened anew while its service has it
    }
    files::write(job, &changed)?;
    disable(&systemctl, is_up, &folder, &former)?;
    files::remove(job, &former)?;
    let started = unit::started(job.look);
    if !is_up {
        say("systemd does not run here, or not for this user. Where it does, these lines start it:")?;
        say(&format!("  {} daemon-reload", systemctl.shown()))?;
        say(&format!("  {} enable --now {}", systemctl.shown(), started.join(" ")))?;
        return linger(job);
    }
    systemctl.ask(&["daemon-reload"])?;
    let mut words = vec!["enable", "--now"];
    words.extend(started);
    systemctl.ask(&words).map_err(|error| {
        let is_ours = systemctl.is_on("prompt-manager-api.socket");
        if is_ours { error } else { port::own(&places.listen).unwrap_or(error) }
    })?;
    // Its first start makes the token, without which no request is answered. A boot leaves it to the first request.
    systemctl.ask(&["start", "prompt-manager-api.service"])?;
    say(&format!("started {}", started.join(", ")))?;
    say(&format!("its log: {}", systemctl.log(job.look)))?;
    linger(job)
}

/// Stops and takes out what is there of them.
///
/// # Errors
/// The operating system's.
pub(super) fn take_out(job: &Job<'_>) -> Result<bool, Error> {
    let mut was_there = false;
    for folder in job.folders(folder(job)?)? {
        was_there |= take_out_of(job, &folder)?;
    }
    Ok(was_there)
}

fn take_out_of(job: &Job<'_>, folder: &Path) -> Result<bool, Error> {
    let paths: Vec<_> = unit::names().map(|name| folder.join(name)).filter(|path| files::is_ours(path)).collect();
    if job.pass_over(&paths)? {
        return Ok(false);
    }
    if paths.is_empty() || job.effect == Effect::Tell {
        return files::remove(job, &paths);
    }
    let systemctl = Systemctl::of(job);
    let is_up = systemctl.is_up();
    if is_up {
        systemctl.stop(&paths)?;
    }
    disable(&systemctl, is_up, folder, &paths)?;
    files::remove(job, &paths)?;
    if is_up {
        systemctl.ask(&["daemon-reload"])?;
        let names: Vec<_> = names(&paths).collect();
        let _ = systemctl.run(&[&["reset-failed"], names.as_slice()].concat()); // nothing has failed, most often
    }
    Ok(true)
}

/// Writes those anew that are still there, and starts anew what runs.
///
/// # Errors
/// The operating system's; what systemd says.
pub(super) fn renew(job: &Job<'_>, places: &Places) -> Result<bool, Error> {
    let is_there = |folder: &PathBuf| unit::started(job.look).iter().any(|name| files::is_ours(&folder.join(name)));
    // One that a person took out stays out, with all that it needs.
    let Some(folder) = job.folders(folder(job)?)?.into_iter().find(is_there) else { return Ok(false) };
    let units = units(&folder, places, job.look);
    if job.pass_over(&unit::names().map(|name| folder.join(name)).collect::<Vec<_>>())? {
        return Ok(false);
    }
    let changed = files::changed(&units)?;
    let systemctl = Systemctl::of(job);
    let is_up = systemctl.is_up();
    // A socket that is to lie elsewhere cannot be opened anew while its service has it.
    let socket: Vec<_> =
        ["prompt-manager-api.service", "prompt-manager-api.socket"].map(|name| folder.join(name)).into();
    let is_moved = changed.iter().any(|(path, _)| *path == socket[1]);
    let was_up = is_up && is_moved && systemctl.stop(&socket)?;
    files::write(job, &changed)?;
    if is_up {
        systemctl.ask(&["daemon-reload"])?;
        // The programs are new, if the units are not. The ingester first: it upgrades the database that the API reads.
        let ingester = systemctl.ask(&["try-restart", "prompt-manager.service"]);
        systemctl.ask(&["try-restart", "prompt-manager-api.service"])?;
        ingester?;
        if was_up {
            systemctl.ask(&["start", "prompt-manager-api.socket"])?;
        }
        say("started prompt-manager anew")?;
    }
    Ok(!changed.is_empty())
}

pub(super) fn folder(job: &Job<'_>) -> Result<PathBuf, Error> {
    if job.account().is_some() {
        return Ok("/etc/systemd/system".into());
    }
    let config =
        job.user.path("XDG_CONFIG_HOME").map_or_else(|| job.user.home().map(|home| home.join(".config")), Ok)?;
    Ok(config.join("systemd/user"))
}

fn names(paths: &[PathBuf]) -> impl Iterator<Item = &str> {
    paths.iter().filter_map(|path| path.file_name()?.to_str())
}

fn units(folder: &Path, places: &Places, look: Look) -> Vec<New> {
    unit::files(places, look).into_iter().map(|(name, text)| (folder.join(name), text)).collect()
}

/// Takes the links away that start them; without a manager by hand.
fn disable(systemctl: &Systemctl, is_up: bool, folder: &Path, paths: &[PathBuf]) -> Result<(), Error> {
    let names: Vec<_> = names(paths).collect();
    let there: Vec<_> =
        names.iter().copied().filter(|name| folder.join(name).exists() && !name.contains('@')).collect();
    if is_up && !there.is_empty() {
        systemctl.ask(&[&["disable"], there.as_slice()].concat())?;
    }
    let wants = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    for wants in wants.filter(|path| path.extension().is_some_and(|end| end == "wants")) {
        for link in names.iter().map(|name| wants.join(name)).filter(|link| link.is_symlink()) {
            fs::remove_file(&link).at("remove", &link)?;
        }
        let _ = fs::remove_dir(&wants); // if nothing else is in it
    }
    Ok(())
}

/// A user's units end with the last session, unless somebody said otherwise.
fn linger(job: &Job<'_>) -> Result<(), Error> {
    if job.account().is_some() {
        return Ok(());
    }
    let name = (job.user.var)("USER").or_else(|| (job.user.var)("LOGNAME"));
    let name = name.and_then(|name| name.into_string().ok()).filter(|name| !name.is_empty());
    let is_on = name.as_deref().is_some_and(|name| Path::new("/var/lib/systemd/linger").join(name).exists());
    if is_on {
        return say("lingering is on: it runs from boot on, whether you are logged in or not");
    }
    say("it runs while you are logged in. To have it run from boot on: loginctl enable-linger")
}

/// The command that speaks to systemd, and for whom.
pub(super) struct Systemctl {
    words: &'static [&'static str],
}

impl Systemctl {
    pub(super) fn of(job: &Job<'_>) -> Self {
        Self { words: if matches!(job.manager, Manager::SystemdOf(_)) { &[] } else { &["--user"] } }
    }

    pub(super) fn run(&self, words: &[&str]) -> io::Result<Ended> {
        let mut command = Command::new("systemctl");
        child::run(command.args(self.words).arg("--no-ask-password").args(words), b"", Output::Kept, LIMIT)
    }

    /// Does what can be done with units, or says what systemd said.
    pub(super) fn ask(&self, words: &[&str]) -> Result<(), Error> {
        let ended = self.run(words).and_then(|ended| {
            // What went well before is no part of what is wrong.
            let said: Vec<_> = ended.stderr.lines().filter(|line| !line.starts_with("Created symlink")).collect();
            if ended.status.success() { Ok(()) } else { Err(io::Error::other(said.join(" "))) }
        });
        ended.at("run", Path::new(&format!("{} {}", self.shown(), words.join(" "))))
    }

    pub(super) fn is_up(&self) -> bool {
        self.run(&["show", "--property=Version"]).is_ok_and(|ended| ended.status.success())
    }

    /// Whether this unit does what it is there for.
    fn is_on(&self, name: &str) -> bool {
        let shown = self.run(&["show", "--property=ActiveState", name]);
        shown.is_ok_and(|ended| ended.stdout.starts_with(b"ActiveState=active"))
    }

    /// Those of ours that run, in one go, so that none starts another. Gives whether one did.
    fn stop(&self, paths: &[PathBuf]) -> Result<bool, Error> {
        let loaded = |name: &&str| {
            let shown = self.run(&["show", "--property=ActiveState", name]);
            shown.is_ok_and(|ended| !ended.stdout.starts_with(b"ActiveState=inactive"))
        };
        let ours: Vec<_> = paths.iter().filter(|path| files::is_ours(path)).cloned().collect();
        let running: Vec<_> = names(&ours).filter(|name| !name.contains('@')).filter(loaded).collect();
        if running.is_empty() { Ok(false) } else { self.ask(&[&["stop"], running.as_slice()].concat()).map(|()| true) }
    }

    pub(super) fn shown(&self) -> String {
        [&["systemctl"], self.words].concat().join(" ")
    }

    fn log(&self, look: Look) -> String {
        let unit = match look {
            Look::Run => "prompt-manager",
            Look::Timer => "prompt-manager-once",
        };
        [&["journalctl"], self.words, &["-u", unit]].concat().join(" ")
    }
}
