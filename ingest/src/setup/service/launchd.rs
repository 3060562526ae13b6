//! Agents of macOS, which run while their user is logged in. A property list names every path in full: launchd knows neither
//! `~` nor a variable.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::escape::xml_text;
use super::files::{self, New};
use super::places::Places;
use super::whose;
use super::{Job, Look};
use crate::child::{self, Output};
use crate::error::{At, Error};
use crate::setup::user::{Effect, say};

const TEMPLATE: &str = include_str!("../../../../ops/launchd/agent.plist");
const LABELS: [&str; 2] = ["io.prompt-manager.ingest", "io.prompt-manager.api"];
const LIMIT: Duration = Duration::from_secs(60);

/// Writes the agents and starts them.
///
/// # Errors
/// The operating system's; what launchd says.
pub(super) fn set_up(job: &Job<'_>, places: &Places) -> Result<(), Error> {
    if let Some(folder) = &job.into {
        return files::write(job, &files::changed(&agents(folder, places, job.look))?);
    }
    let agents = agents(&folder(job)?, places, job.look);
    let paths: Vec<_> = agents.iter().map(|(path, _)| path.clone()).collect();
    if let Some(other) = whose::other(&paths, job.user.settings.home.root()) {
        return Err(whose::refused(&folder(job)?, &other, &job.removal(&other, &paths)));
    }
    let changed = files::changed(&agents)?;
    if job.effect == Effect::Tell {
        return files::write(job, &changed);
    }
    job.put_on_record(paths)?;
    files::write(job, &changed)?;
    load(&agents)
}

/// Stops and takes out what is there of them.
///
/// # Errors
/// The operating system's.
pub(super) fn take_out(job: &Job<'_>) -> Result<bool, Error> {
    let folder = folder(job)?;
    let paths: Vec<_> = LABELS.iter().map(|label| path(&folder, label)).filter(|path| files::is_ours(path)).collect();
    if job.pass_over(&paths)? {
        return Ok(false);
    }
    if job.effect == Effect::Change {
        for label in LABELS.iter().filter(|label| paths.contains(&path(&folder, label))) {
            let _ = launchctl(&["bootout", &format!("{}/{label}", domain())]); // it need not be loaded
        }
    }
    files::remove(job, &paths)
}

/// Writes those anew that are still there, and starts them anew.
///
/// # Errors
/// The operating system's; what launchd says.
pub(super) fn renew(job: &Job<'_>, places: &Places) -> Result<bool, Error> {
    let agents = agents(&folder(job)?, places, job.look);
    if !agents.iter().any(|(path, _)| files::is_ours(path)) {
        return Ok(false);
    }
    if job.pass_over(&agents.iter().map(|(path, _)| path.clone()).collect::<Vec<_>>())? {
        return Ok(false);
    }
    let changed = files::changed(&agents)?;
    files::write(job, &changed)?;
    load(&agents)?;
    Ok(!changed.is_empty())
}

fn folder(job: &Job<'_>) -> Result<PathBuf, Error> {
    job.user.home().map(|home| home.join("Library/LaunchAgents"))
}

fn path(folder: &Path, label: &str) -> PathBuf {
    folder.join(format!("{label}.plist"))
}

fn domain() -> String {
    format!("gui/{}", rustix::process::getuid().as_raw())
}

fn load(agents: &[New]) -> Result<(), Error> {
    let domain = domain();
    for (label, (path, _)) in LABELS.iter().zip(agents) {
        let path = path.display().to_string();
        match launchctl(&["bootout", &format!("{domain}/{label}")]) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                say(&format!("launchd does not run here. Where it does: launchctl bootstrap {domain} '{path}'"))?;
                continue;
            }
            _ => {} // it was not loaded, most often
        }
        launchctl(&["bootstrap", &domain, &path])
            .at("run", Path::new(&format!("launchctl bootstrap {domain} {path}")))?;
        say(&format!("started {label}"))?;
    }
    Ok(())
}

fn launchctl(words: &[&str]) -> io::Result<()> {
    let ended = child::run(Command::new("launchctl").args(words), b"", Output::Kept, LIMIT)?;
    if ended.status.success() { Ok(()) } else { Err(io::Error::other(ended.stderr.trim().replace('\n', " "))) }
}

fn agents(folder: &Path, places: &Places, look: Look) -> Vec<New> {
    // What ends well was asked to.
    let stays = "\t<key>KeepAlive</key>\n\t<dict>\n\t\t<key>SuccessfulExit</key>\n\t\t<false/>\n\t</dict>\n";
    let timer = "\t<key>StartInterval</key>\n\t<integer>300</integer>\n";
    let (word, when) = match look {
        Look::Run => ("run", stays),
        Look::Timer => ("once", timer),
    };
    let ingest = [places.ingest.as_str(), word, "--quiet", "--home", &places.data];
    let listen = places.listen_flag.iter().flat_map(|listen| ["--listen", listen.as_str()]);
    let api: Vec<_> = [places.api.as_str(), "serve", "--home", &places.data].into_iter().chain(listen).collect();
    let [ingest_label, api_label] = LABELS;
    [
        (ingest_label, ingest.as_slice(), when, "Background", "ingest"),
        (api_label, api.as_slice(), stays, "Adaptive", "query-api"),
    ]
    .map(|(label, words, when, kind, log)| {
        let words = words.iter().map(|word| format!("\t\t<string>{}</string>\n", xml_text(word))).collect();
        let variable =
            |(name, value): (&str, &str)| format!("\t\t<key>{name}</key>\n\t\t<string>{}</string>\n", xml_text(value));
        let replacements: [(&str, String); 6] = [
            ("@LABEL@", label.to_owned()),
            ("@WHEN@", when.to_owned()),
            ("@TYPE@", kind.to_owned()),
            ("@LOG@", xml_text(&format!("{}/logs/{log}.log", places.data))),
            ("@ENVIRONMENT@", places.environment().into_iter().map(variable).collect()),
            ("@WORDS@", words),
        ];
        let text = replacements.iter().fold(TEMPLATE.to_owned(), |text, (name, value)| text.replace(name, value));
        (path(folder, label), text)
    })
    .into()
}
