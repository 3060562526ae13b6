//! `ingest setup plugin`: our hooks as a plugin of Claude Code, with its own copy of the hook, a skill that searches, and `/rate`
//! where it is wanted.
//!
//! It lies in the skills directory, where Claude Code loads it without being told, or in a folder of the person's choice as a
//! marketplace of one plugin. Hooks in the settings and the plugin would each send every event, so the plugin is refused while they
//! are there; `--switch` puts it in place before it takes the settings' hooks out, because an event that came twice is joined, and
//! one that never came is lost.

mod contents;
mod folder;
mod switch;

use std::fs;
use std::path::PathBuf;

use clap::Args;
use settings::Chosen;

use super::call::{self, Call, Form, Program, Rate};
use super::hooks::beside;
use super::left::Left;
use super::record::{self, Record};
use super::user::{Effect, User, say};
use super::version::Client;
use super::{copy, events};
use crate::cli::Place;
use crate::error::{At, Error};
use crate::exit::Exit;
use contents::Contents;
use folder::{Change, Folder};

/// What `--help` shows of it.
pub const EXAMPLES: &str = "\
Examples:
  prompt-manager setup plugin --rate       a plugin that every session loads
  prompt-manager setup plugin --switch     instead of the hooks in the settings
  prompt-manager setup plugin --remove     take it out again
  prompt-manager setup plugin --out ~/my-plugins    as a marketplace to install from
";

/// What the plugin is called, and the marketplace that has it alone.
const NAME: &str = "prompt-manager";

/// `setup plugin`.
#[derive(Debug, Args)]
pub struct Plugin {
    /// Show what would be changed, and change nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Take the plugin out again
    #[arg(long, conflicts_with_all = ["rate", "hook", "switch"])]
    pub remove: bool,
    /// Also have /prompt-manager:rate, which rates the previous prompt without a model turn
    #[arg(long)]
    pub rate: bool,
    /// Take our hooks out of the settings, once the plugin is in place
    #[arg(long)]
    pub switch: bool,
    /// A folder of Claude Code's own, repeatable [default: $CLAUDE_CONFIG_DIR, else ~/.claude]
    #[arg(long, value_name = "DIR")]
    pub config_dir: Vec<PathBuf>,
    /// Write a marketplace to install from into this folder, instead of a plugin into the skills directory
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// The hook to copy [default: the one beside this program]
    #[arg(long, value_name = "PATH")]
    pub hook: Option<PathBuf>,
    /// Shared flags.
    #[command(flatten)]
    pub place: Place,
}

/// Does it.
///
/// # Errors
/// [`Error::Refused`] before anything is changed; else what stops it, and what was done until then is on record.
pub fn run(user: &User<'_>, args: &Plugin) -> Result<Exit, Error> {
    let effect = if args.dry_run { Effect::Tell } else { Effect::Change };
    let folders = beside::folders(user, &args.config_dir)?;
    let places = match &args.out {
        Some(out) => vec![Folder::marketplace(&std::path::absolute(out).at("find", out)?)],
        None => folders.iter().map(|config| Folder::skill(config)).collect(),
    };
    if args.remove {
        let mut is_idle = true;
        for place in &places {
            is_idle &= !take_out(user, place, effect)?;
        }
        if is_idle {
            say("nothing to do")?;
        }
        for plugin in Record::read(&user.settings.home)?.plugins {
            if !places.iter().any(|place| place.root() == plugin.path) {
                say(&format!("another is set up in {}; `setup remove` takes out all", plugin.path.display()))?;
            }
        }
        return Ok(Exit::Done);
    }
    let called = beside::calling(user, &folders);
    // One that is written as a marketplace calls nothing until it is installed.
    if let Some(settings) = called.first().filter(|_| !args.switch && args.out.is_none()) {
        let problem = "calls our hook already, so that every event would come twice; with --switch that is taken out once the \
                       plugin is in place";
        return Err(Error::Refused { path: settings.clone(), problem: problem.to_owned() });
    }
    let record = Record::read(&user.settings.home)?;
    places.iter().try_for_each(|place| place.refuse_foreign(is_recorded(&record, place)))?;
    let source = Source::find(user, args.hook.as_ref())?;
    if args.switch {
        switch::check(&places, &folders, &source.client)?;
    }
    let carried = args.switch && !args.rate && switch::has_rate(&record, &folders);
    let rate = if args.rate || carried { Rate::Answered } else { Rate::Plain };
    let mut is_idle = true;
    for place in &places {
        let loses_rate = rate == Rate::Plain && place.has_rate();
        if effect == Effect::Change {
            put_on_record(user, place, rate)?;
        }
        is_idle &= !write(user, place, &source, rate, effect)?;
        if loses_rate {
            let done = if effect == Effect::Change { "taken out" } else { "would take out" };
            say(&format!("{done} /{NAME}:rate; with --rate it stays"))?;
        }
    }
    if carried && !is_idle {
        say(&format!("/rate was set up with the hooks: it is /{NAME}:rate now"))?;
    }
    if !called.is_empty() && args.switch {
        is_idle = false;
        beside::leave(user, &folders, effect)?;
    }
    if effect == Effect::Change {
        keep_projects(user, &folders)?;
    }
    if is_idle {
        say("nothing to do")?;
    } else if effect == Effect::Change {
        say(&next(&places, &folders))?;
        if !called.is_empty() && !args.switch {
            say(
                "then take our hooks out of the settings, so that no event comes twice: prompt-manager setup hooks --remove",
            )?;
        } else if !called.is_empty() {
            say(
                "sessions that run have let go of the settings' hooks: until they load the plugin, what is said there comes from their transcripts",
            )?;
        }
    }
    Ok(Exit::Done)
}

/// Renews every plugin on record that is still there. Gives whether anything changed.
///
/// # Errors
/// What stops it.
pub(super) fn refresh(user: &User<'_>, hook: Option<&PathBuf>) -> Result<bool, Error> {
    let mut plugins = Record::read(&user.settings.home)?.plugins;
    plugins.retain(|plugin| Folder::recorded(plugin).is_there());
    if plugins.is_empty() {
        return Ok(false);
    }
    let source = Source::find(user, hook)?;
    let mut is_changed = false;
    for plugin in plugins {
        let rate = if plugin.rate { Rate::Answered } else { Rate::Plain };
        is_changed |= write(user, &Folder::recorded(&plugin), &source, rate, Effect::Change)?;
    }
    Ok(is_changed)
}

/// Takes every plugin on record out. Gives whether there was one.
///
/// # Errors
/// What stops all of it.
pub(super) fn remove(user: &User<'_>, effect: Effect, left: &mut Left) -> Result<bool, Error> {
    let mut is_idle = true;
    for plugin in Record::read(&user.settings.home)?.plugins {
        is_idle &= !left.unless(take_out(user, &Folder::recorded(&plugin), effect), &plugin.path)?;
    }
    Ok(!is_idle)
}

/// Transcripts of these configurations are read, also by a service.
fn keep_projects(user: &User<'_>, folders: &[PathBuf]) -> Result<(), Error> {
    for root in folders.iter().map(|folder| folder.join("projects")) {
        if user.settings.projects_chosen == Chosen::Named && !user.settings.projects.contains(&root) {
            say(&format!("note: `projects` is set, so that {} is not read; add it there", root.display()))?;
        }
        Record::change(&user.settings.home, |record| {
            if !record.projects.contains(&root) {
                record.projects.push(root.clone());
            }
        })?;
    }
    Ok(())
}

fn is_recorded(record: &Record, place: &Folder) -> bool {
    record.plugins.iter().any(|plugin| plugin.path == place.root())
}

fn put_on_record(user: &User<'_>, place: &Folder, rate: Rate) -> Result<(), Error> {
    Record::change(&user.settings.home, |record| {
        let at = record.plugins.iter().position(|plugin| plugin.path == place.root()).unwrap_or_else(|| {
            record.plugins.push(record::Plugin { path: place.root().to_owned(), ..Default::default() });
            record.plugins.len() - 1
        });
        let plugin = &mut record.plugins[at];
        plugin.marketplace = place.is_marketplace();
        plugin.rate = rate == Rate::Answered;
        plugin.made.extend(place.missing());
    })
}

/// What plugins are made from.
struct Source {
    hook: PathBuf,
    /// Its bytes.
    program: Vec<u8>,
    client: Client,
}

impl Source {
    fn find(user: &User<'_>, hook: Option<&PathBuf>) -> Result<Self, Error> {
        let hook = hook.cloned().map_or_else(copy::source, Ok)?;
        let program = fs::read(&hook).at("read", &hook)?;
        Ok(Self { hook, program, client: Client::ask(user)? })
    }
}

fn write(user: &User<'_>, place: &Folder, source: &Source, rate: Rate, effect: Effect) -> Result<bool, Error> {
    let Source { hook, program, client } = source;
    let version = client.version();
    if effect == Effect::Change {
        client.remember(user)?;
    }
    let queue = user.settings.home.queue();
    let call = Call {
        program: Program::OfPlugin,
        queue: call::text(&queue)?,
        spill: user.settings.spill.as_deref().map(call::text).transpose()?,
        form: Form::of(version),
        rate,
    };
    let events = events::of(version);
    let change = place.write(&Contents::new(&call, &events, program), hook, program, effect)?;
    if let Some(told) = change.told(effect) {
        let (root, count) = (place.root().display(), events.len());
        say(&format!("{told} {root}: hooks for {count} events ({client})"))?;
    }
    Ok(change != Change::None)
}

fn take_out(user: &User<'_>, place: &Folder, effect: Effect) -> Result<bool, Error> {
    let root = place.root().display();
    let was_there = place.is_there();
    if !is_recorded(&Record::read(&user.settings.home)?, place) && !place.is_ours() {
        return Ok(false);
    }
    if effect == Effect::Tell {
        say(&format!("would take out {root}"))?;
        return Ok(true);
    }
    let is_left = place.remove()?;
    Record::change(&user.settings.home, |record| {
        let gone: Vec<_> = record.plugins.extract_if(.., |plugin| plugin.path == place.root()).collect();
        for folder in gone.into_iter().flat_map(|plugin| plugin.made.into_iter().rev()) {
            let _ = fs::remove_dir(folder); // not if there is anything in it by now
        }
        if let Some(config) = place.config().filter(|config| !record.hooks.iter().any(|it| it.config_dir == *config)) {
            record.projects.retain(|root| *root != config.join("projects"));
        }
    })?;
    if was_there {
        say(&format!("taken out {root}"))?;
        say("in a session that runs, type /reload-plugins: it calls the hook until then")?;
    }
    if is_left {
        say(&format!("left {root}: it holds files that are not ours"))?;
    }
    if place.is_marketplace() {
        say("if it was installed from there, type these two lines:")?;
        say(&format!("  claude plugin uninstall {NAME}@{NAME}"))?;
        say(&format!("  claude plugin marketplace remove {NAME}"))?;
    }
    Ok(was_there)
}

/// What a person does now.
fn next(places: &[Folder], folders: &[PathBuf]) -> String {
    let Some(place) = places.iter().find(|place| place.is_marketplace()) else {
        return "each session that begins from now on loads it; in one that runs, type /reload-plugins".to_owned();
    };
    let unusual = folders.first().filter(|folder| !folder.ends_with(".claude"));
    let with = unusual.map(|folder| format!("CLAUDE_CONFIG_DIR={} ", call::quoted(&folder.display().to_string())));
    let (with, root) = (with.unwrap_or_default(), call::quoted(&place.root().display().to_string()));
    format!(
        "type these two lines:\n  {with}claude plugin marketplace add {root}\n  {with}claude plugin install {NAME}@{NAME}"
    )
}
