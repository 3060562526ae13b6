//! `ingest setup service`: what starts our programs, by the manager that this machine has: systemd, launchd or cron.
//!
//! ```text
//! places (who, what, where) ─▶ unit | plist | block   the files of a manager, from templates in ops
//!                                   ▲                     with its escapes (escape)
//! which ─▶ systemd | launchd | cron ┘                 writes them, tells the manager, and takes both back
//! ```

mod account;
mod cron;
mod escape;
mod files;
mod launchd;
mod packaged;
mod places;
mod port;
mod systemd;
mod unit;
mod unseen;
mod which;
mod whose;

use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args};
use settings::{Layer, Listen, Settings};

use super::call::quoted;
use super::left::Left;
use super::record::{Record, Service as Recorded};
use super::roots;
use super::user::{Effect, User, say};
use crate::cli::Place;
use crate::error::Error;
use crate::exit::Exit;
use account::Account;
use packaged::Packaged;
use places::Places;

/// Shown below `ingest setup service --help`.
pub const EXAMPLES: &str = "\
Examples:
  prompt-manager setup service                      by the manager that this machine has
  prompt-manager setup service --systemd            units of your own, started now
  prompt-manager setup service --systemd --timer    a pass every five minutes
  sudo $(which prompt-manager) setup service --systemd --system --user alice
  prompt-manager setup service --cron               three lines in your crontab
  prompt-manager setup service --remove             whichever was set up
";

/// Says once where the API listens; setup keeps it on record.
const LISTEN: &str = "PROMPT_MANAGER_LISTEN";

/// `setup service`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("manager").args(["systemd", "launchd", "cron"]))]
pub struct Service {
    /// Units of systemd
    #[arg(long)]
    pub systemd: bool,
    /// Units of the system instead of your own: they run from boot on, confined to their folders. Needs root and --user
    #[arg(long, requires_all = ["systemd", "user"])]
    pub system: bool,
    /// Whose prompts the system's units take in
    #[arg(long, value_name = "NAME", requires = "system")]
    pub user: Option<String>,
    /// Agents of macOS
    #[arg(long)]
    pub launchd: bool,
    /// Lines in your crontab
    #[arg(long)]
    pub cron: bool,
    /// A pass every five minutes, instead of an ingester that stays
    #[arg(long)]
    pub timer: bool,
    /// Write the files of systemd or launchd into this folder, to be looked at and put in place by hand; start nothing
    #[arg(long, value_name = "DIR", conflicts_with_all = ["remove", "cron", "dry_run"])]
    pub into: Option<PathBuf>,
    /// Where the API listens, when it is another place than config.toml says; kept on record
    #[arg(long, value_name = "ADDRESS", conflicts_with = "remove")]
    pub listen: Option<Listen>,
    /// Take it out again
    #[arg(long, conflicts_with = "timer")]
    pub remove: bool,
    /// Say what would be done, and do nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Shared flags.
    #[command(flatten)]
    pub place: Place,
}

/// Whether an ingester stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    /// It does: `run`.
    Run,
    /// One comes every five minutes: `once`.
    Timer,
}

/// Who starts our programs.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Manager {
    /// The user's systemd.
    Systemd,
    /// The system's.
    SystemdOf(Account),
    /// macOS.
    Launchd,
    /// The user's crontab.
    Cron,
}

/// A setup of services, with all that it needs to know.
struct Job<'a> {
    user: &'a User<'a>,
    manager: Manager,
    look: Look,
    effect: Effect,
    /// Files for a person, in a folder of their choice.
    into: Option<PathBuf>,
    /// Where the API is to listen, if that was said.
    listen: Option<Listen>,
}

impl Service {
    /// Whether it may put something into the data directory of who calls it.
    pub fn writes(&self) -> bool {
        !self.remove && !self.dry_run && !self.system && self.into.is_none()
    }
}

/// Does it.
///
/// # Errors
/// What stops it. What was done until then is on record.
pub fn run(user: &User<'_>, args: &Service) -> Result<Exit, Error> {
    let effect = if args.dry_run { Effect::Tell } else { Effect::Change };
    match args.manager()? {
        Some(Manager::SystemdOf(account)) => {
            let var = |name: &str| account.variable(name);
            let flags = Layer { home: args.place.home.clone(), ..Layer::default() };
            let settings = Settings::resolve(flags, &var)?;
            let is_told = effect == Effect::Tell || args.into.is_some();
            let is_root = rustix::process::geteuid().is_root();
            if !is_told && !is_root {
                let problem = format!("belongs to root: {}", for_root(&account.name));
                return Err(Error::Refused { path: "/etc/systemd/system".into(), problem });
            }
            let _alone = if is_told { None } else { account.act(|| super::alone(&settings.home))? };
            act(&User::new(&settings, &var), args, Manager::SystemdOf(account.clone()), effect)?;
        }
        Some(manager) => act(user, args, manager, effect)?,
        None if args.remove => {
            let mut left = Left::default();
            let was_there = remove(user, effect, &mut left)?;
            left.end()?;
            if !was_there {
                say("nothing to do")?;
            }
        }
        None => {
            let record = Record::read(&user.settings.home)?;
            act(user, args, which::say_usual(record.services.first(), args.into.is_some())?, effect)?;
        }
    }
    Ok(Exit::Done)
}

fn act(user: &User<'_>, args: &Service, manager: Manager, effect: Effect) -> Result<(), Error> {
    let look = if args.timer { Look::Timer } else { Look::Run };
    let listen = args.listen.clone().or_else(|| (user.var)(LISTEN).and_then(|text| text.to_str()?.parse().ok()));
    let job = Job { user, manager, look, effect, into: args.into.clone(), listen };
    if !args.remove {
        job.set_up()
    } else if job.take_out()? | job.take_out_packaged()? {
        Ok(())
    } else {
        say("nothing to do")
    }
}

/// The settings of a program in whose environment these are not.
fn without(user: &User<'_>, names: &[&str]) -> Result<Settings, Error> {
    let var = |name: &str| if names.contains(&name) { None } else { (user.var)(name) };
    let flags = Layer { home: Some(user.settings.home.root().to_owned()), ..Layer::default() };
    Ok(Settings::resolve(flags, &var)?)
}

/// This very program as root finds it, whose PATH has not the folders of a user.
fn sudo() -> String {
    let program = std::env::current_exe().unwrap_or_else(|_| "prompt-manager".into());
    format!("sudo {}", quoted(&program.display().to_string()))
}

/// What root types.
fn for_root(name: &str) -> String {
    format!("{} setup service --systemd --system --user {name}", sudo())
}

/// As a person reads it, and `ops/up`.
fn shown(listen: &Listen) -> String {
    match listen {
        Listen::Tcp(address) => format!("http://{address}"),
        Listen::Unix(_) => listen.to_string(),
    }
}

/// Takes out whatever stands on record. Gives whether there was something.
///
/// # Errors
/// What stops all of it; what is still there stays on record.
pub(super) fn remove(user: &User<'_>, effect: Effect, left: &mut Left) -> Result<bool, Error> {
    let mut was_there = false;
    for recorded in Record::read(&user.settings.home)?.services {
        match manager_of(&recorded) {
            Ok(manager) => {
                let done = Job { user, manager, look: look_of(&recorded), effect, into: None, listen: None }.take_out();
                let place = recorded.files.first().cloned().unwrap_or_else(|| PathBuf::from(&recorded.manager));
                was_there |= left.unless(done, &place)?;
            }
            Err(problem) => {
                let path = recorded.files.first().cloned().unwrap_or_else(|| "/etc/systemd/system".into());
                was_there |= left.unless(Err(Error::Refused { path: path.clone(), problem }), &path)?;
            }
        }
    }
    let packaged = Job::of_user(user, effect).take_out_packaged();
    was_there |= left.unless(packaged, Path::new("the units of the package"))?;
    Ok(was_there)
}

/// After an upgrade: makes anew what is still there of it. Gives whether something changed.
///
/// # Errors
/// What stops it.
pub(super) fn renew(user: &User<'_>) -> Result<bool, Error> {
    let mut is_changed = false;
    for recorded in Record::read(&user.settings.home)?.services {
        match manager_of(&recorded) {
            Ok(manager) => {
                is_changed |=
                    Job { user, manager, look: look_of(&recorded), effect: Effect::Change, into: None, listen: None }
                        .renew()?;
            }
            Err(problem) => say(&problem)?,
        }
    }
    if let Some(packaged) = Packaged::find(&Job::of_user(user, Effect::Change))? {
        is_changed |= packaged.renew()?;
    }
    Ok(is_changed)
}

fn look_of(recorded: &Recorded) -> Look {
    if recorded.timer { Look::Timer } else { Look::Run }
}

/// Of what stands on record; else what to say of it.
fn manager_of(recorded: &Recorded) -> Result<Manager, String> {
    match (recorded.manager.as_str(), recorded.account.as_deref()) {
        ("systemd", None) => Ok(Manager::Systemd),
        ("launchd", _) => Ok(Manager::Launchd),
        ("cron", _) => Ok(Manager::Cron),
        ("systemd", Some(name)) if rustix::process::geteuid().is_root() => {
            Account::named(name).map(Manager::SystemdOf).map_err(|error| error.to_string())
        }
        ("systemd", Some(name)) => Err(format!(
            "units of the system are set up for {name}, and only root can change them: {}, with --remove to take them out",
            for_root(name)
        )),
        (other, _) => Err(format!("something of '{other}' is on record, which this version does not know")),
    }
}

impl<'a> Job<'a> {
    /// Of whatever the user's own systemd has.
    fn of_user(user: &'a User<'a>, effect: Effect) -> Self {
        Self { user, manager: Manager::Systemd, look: Look::Run, effect, into: None, listen: None }
    }

    fn set_up(&self) -> Result<(), Error> {
        let mut places = self.places()?;
        unseen::warn(self.user)?;
        let is_for_show = self.effect == Effect::Tell || self.into.is_some();
        if !is_for_show {
            port::refuse_anothers(&places.listen, Account::opener(self.account()))?;
            self.make_places(&places)?;
        }
        // An account's environment is not known, and so names nothing.
        let is_noted = !is_for_show && self.account().is_none();
        let roots = roots::note(self.user, if is_noted { Effect::Change } else { Effect::Tell })?;
        places.set_projects(&roots)?;
        match self.manager {
            Manager::Systemd | Manager::SystemdOf(_) => systemd::set_up(self, &places),
            Manager::Launchd => launchd::set_up(self, &places),
            Manager::Cron => cron::set_up(self, &places),
        }?;
        if self.into.is_some() {
            return Ok(());
        }
        say(&roots::shown(&roots))?;
        say(&format!("the API listens on {}", shown(&places.listen)))
    }

    /// Gives whether there was something.
    fn take_out(&self) -> Result<bool, Error> {
        let was_there = match self.manager {
            Manager::Systemd | Manager::SystemdOf(_) => systemd::take_out(self)?,
            Manager::Launchd => launchd::take_out(self)?,
            Manager::Cron => cron::take_out(self)?,
        };
        if self.effect == Effect::Change {
            let home = self.user.settings.home.root();
            // What could not be taken out stays on record.
            let is_there = |found: &Recorded| {
                found.files.iter().any(|path| files::is_ours(path)) && whose::other(&found.files, home).is_none()
            };
            self.change_record(|services| services.retain(|found| !self.is_mine(found) || is_there(found)))?;
        }
        Ok(was_there)
    }

    /// The same of what a package brought.
    fn take_out_packaged(&self) -> Result<bool, Error> {
        Packaged::find(self)?.map_or(Ok(false), |packaged| packaged.take_out(self))
    }

    fn renew(&self) -> Result<bool, Error> {
        let mut places = self.places()?;
        places.set_projects(&roots::note(self.user, Effect::Tell)?)?;
        match self.manager {
            Manager::Systemd | Manager::SystemdOf(_) => systemd::renew(self, &places),
            Manager::Launchd => launchd::renew(self, &places),
            Manager::Cron => cron::renew(self, &places),
        }
    }

    /// What is written into its files: as it stands on record, whatever this shell says meanwhile.
    fn places(&self) -> Result<Places, Error> {
        let mut places = Places::of(self.user, self.account().cloned())?;
        let recorded = self.recorded()?;
        let listen = self.listen_on_record()?.map(|text| text.parse::<Listen>()).transpose();
        let listen = listen.map_err(|problem| Error::Usage(format!("`listen` on record: {problem}")))?;
        places.set_listen(listen, without(self.user, &[LISTEN])?.listen)?;
        if let Some(config_home) = recorded.and_then(|recorded| recorded.config_home)
            && self.user.path("XDG_CONFIG_HOME").is_none()
        {
            places.set_config_home(&config_home)?;
        }
        Ok(places)
    }

    /// What is to stand on record of where the API listens; `None`: as config.toml says.
    fn listen_on_record(&self) -> Result<Option<String>, Error> {
        let usual = without(self.user, &[LISTEN])?.listen;
        match &self.listen {
            Some(listen) if *listen == usual => Ok(None),
            Some(listen) => Ok(Some(listen.to_string())),
            None => Ok(self.recorded()?.and_then(|recorded| recorded.listen)),
        }
    }

    /// As it stands on record.
    fn recorded(&self) -> Result<Option<Recorded>, Error> {
        Ok(Record::read(&self.user.settings.home)?.services.into_iter().find(|found| self.is_mine(found)))
    }

    /// The folders in which files of it may lie: those on record, and the usual one.
    fn folders(&self, usual: PathBuf) -> Result<Vec<PathBuf>, Error> {
        let mut folders = vec![usual];
        for path in self.recorded()?.map(|recorded| recorded.files).unwrap_or_default() {
            let folder = path.parent().map(Path::to_owned).filter(|folder| !folders.contains(folder));
            folders.extend(folder);
        }
        Ok(folders)
    }

    /// The line that takes out what another data directory has here.
    fn removal(&self, other: &Path, files: &[PathBuf]) -> String {
        let ours = || "prompt-manager".to_owned();
        let (program, words) = match &self.manager {
            Manager::Systemd => (ours(), "--systemd".to_owned()),
            Manager::Launchd => (ours(), "--launchd".to_owned()),
            Manager::Cron => (ours(), "--cron".to_owned()),
            Manager::SystemdOf(account) => {
                let texts = files.iter().filter_map(|path| std::fs::read_to_string(path).ok());
                let named = |text: String| text.lines().find_map(|line| line.strip_prefix("User=").map(str::to_owned));
                let name = texts.filter_map(named).next().unwrap_or_else(|| account.name.clone());
                (sudo(), format!("--systemd --system --user {name}"))
            }
        };
        let home = quoted(&other.display().to_string());
        format!("{program} setup service --remove {words} --home {home}")
    }

    /// Whether another data directory has these files, which is said.
    fn pass_over(&self, files: &[PathBuf]) -> Result<bool, Error> {
        let Some(other) = whose::other(files, self.user.settings.home.root()) else { return Ok(false) };
        let place = files.first().and_then(|path| path.parent()).unwrap_or(Path::new("/"));
        self.say_passed_over(place, &other, files)?;
        Ok(true)
    }

    fn say_passed_over(&self, place: &Path, other: &Path, files: &[PathBuf]) -> Result<(), Error> {
        let removal = self.removal(other, files);
        say(&format!("kept what {} has for another data directory; to take it out: {removal}", place.display()))
    }

    fn account(&self) -> Option<&Account> {
        match &self.manager {
            Manager::SystemdOf(account) => Some(account),
            _ => None,
        }
    }

    /// Before anything is done of it.
    fn put_on_record(&self, files: Vec<PathBuf>) -> Result<(), Error> {
        let mut new = Recorded {
            manager: match self.manager {
                Manager::Systemd | Manager::SystemdOf(_) => "systemd",
                Manager::Launchd => "launchd",
                Manager::Cron => "cron",
            }
            .to_owned(),
            account: self.account().map(|account| account.name.clone()),
            timer: self.look == Look::Timer,
            files,
            listen: self.listen_on_record()?,
            config_home: self.user.path("XDG_CONFIG_HOME"),
            ..Recorded::default()
        };
        self.change_record(|services| {
            new.files.extend(services.iter().filter(|found| self.is_mine(found)).flat_map(|found| found.files.clone()));
            new.files.sort();
            new.files.dedup();
            services.retain(|found| !self.is_mine(found));
            services.push(new);
        })
    }

    fn is_mine(&self, recorded: &Recorded) -> bool {
        let (manager, account) = match &self.manager {
            Manager::Systemd => ("systemd", None),
            Manager::SystemdOf(account) => ("systemd", Some(account.name.as_str())),
            Manager::Launchd => ("launchd", None),
            Manager::Cron => ("cron", None),
        };
        recorded.manager == manager && recorded.account.as_deref() == account
    }

    fn change_record(&self, change: impl FnOnce(&mut Vec<Recorded>)) -> Result<(), Error> {
        let home = &self.user.settings.home;
        if !home.root().is_dir() {
            return Ok(()); // there is none to change, and taking out makes no folder
        }
        let before = Record::read(home)?;
        let mut after = before.clone();
        change(&mut after.services);
        match self.account() {
            _ if after == before => Ok(()),
            Some(account) => account.act(|| after.write(home)),
            None => after.write(home),
        }
    }

    /// What a confined process is shown must be there when it begins.
    fn make_places(&self, places: &Places) -> Result<(), Error> {
        for path in [Some(&places.data), places.spill.as_ref()].into_iter().flatten().map(Path::new) {
            match self.account() {
                Some(account) => account.make_dir(path)?,
                None => crate::error::At::at(queue::layout::create_private_dir(path), "make", path)?,
            }
        }
        Ok(())
    }
}
