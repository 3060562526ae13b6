//! `ingest export`: gives back what the store holds, in a form for people, for programs, or for another store.
//!
//! The store is only read, in many short questions, while anything else goes on. What is chosen is chosen at the beginning;
//! what an ingester changes meanwhile is exported as it is when its turn comes.

pub mod args;
mod documents;
mod files;
pub(crate) mod given;
mod progress;

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use export::out::Existing;
use settings::Settings;
use store::Veil;
use store::read::export::{Exporter, Filter, Selected};

use crate::error::Error;
use crate::exit::Exit;
use args::{Export, Format, LISTED, Per, Wanted};
use progress::Progress;

/// What an export did, for the line at its end.
#[derive(Debug, Default)]
struct Done {
    /// What it consists of.
    what: &'static str,
    written: usize,
    /// Was there already, byte for byte.
    same: usize,
    /// Lacked what the form needs.
    left_out: usize,
    /// Files with blanks where something was forgotten, or hidden before it was kept.
    blanked: usize,
}

/// Exports.
///
/// # Errors
/// A wrong combination of flags, the store's and the operating system's.
pub fn run(settings: &Settings, args: &Export) -> Result<Exit, Error> {
    check(args)?;
    let secrets = settings.secrets()?;
    let hides = secrets.is_some();
    let mut store = Exporter::open(&settings.home)?.veiled(Veil::of(secrets));
    let mut progress = Progress::new(args.quiet);
    let done = match args.format {
        Format::Jsonl | Format::Csv | Format::Markdown | Format::Messages => {
            documents::write(&mut store, args, &mut progress)
        }
        Format::Transcript => files::transcripts(&mut store, args, &mut progress),
        Format::Queue => files::queue(&mut store, args, &mut progress),
    };
    progress.clear();
    let done = match done {
        Ok(done) => done,
        Err(Error::Export(export::Error::Closed)) => return Ok(Exit::Done),
        Err(error) => return Err(error),
    };
    if !store.is_whole() {
        return Err(export::Error::Changed { path: settings.home.database() }.into());
    }
    // On a terminal or in a file the count tells whether the filters were right; a reader of stdout can count.
    if !args.quiet && (to_path(args).is_some() || done.left_out > 0) {
        let _ = writeln!(std::io::stderr(), "prompt-manager: {}", said(&done, args, hides.then(|| store.hidden())));
    }
    Ok(Exit::Done)
}

/// What the types of the flags cannot say.
fn check(args: &Export) -> Result<(), Error> {
    let wrong = |what: &str| Err(Error::Usage(what.to_owned()));
    match args.format {
        Format::Messages => {}
        _ if args.tools => return wrong("--tools belongs to --format messages"),
        Format::Markdown if args.per == Some(Per::Session) && to_path(args).is_none() => {
            return wrong("--per session writes a document for each session: name a folder with --out");
        }
        Format::Markdown => {}
        _ if args.per.is_some() => return wrong("--per belongs to --format messages and markdown"),
        _ => {}
    }
    if args.all_versions && args.format != Format::Transcript {
        return wrong("--all-versions belongs to --format transcript");
    }
    if args.format == Format::Queue && to_path(args).is_none() {
        return wrong("--format queue writes many files: name a folder with --out");
    }
    Ok(())
}

/// `--out`, unless it is standard output.
fn to_path(args: &Export) -> Option<&Path> {
    args.out.as_deref().filter(|path| *path != Path::new("-"))
}

fn existing(args: &Export) -> Existing {
    if args.force { Existing::Replace } else { Existing::Keep }
}

/// `hidden`: how many secrets were hidden in files, where secrets are hidden.
fn said(done: &Done, args: &Export, hidden: Option<usize>) -> String {
    let mut said = format!("{} {}", done.written, done.what);
    if let Some(path) = to_path(args) {
        said.push_str(&format!(" to {}", path.display()));
    }
    if done.same > 0 {
        said.push_str(&format!(", {} were there already", done.same));
    }
    if done.blanked > 0 {
        said.push_str(&format!(", {} of them with blanks for what was forgotten or hidden", done.blanked));
    }
    if done.left_out > 0 {
        said.push_str(&format!(", {} left out that have no prompt or no answer", done.left_out));
    }
    match (hidden, args.format) {
        (None, _) => {}
        (Some(hidden), Format::Transcript | Format::Queue) => {
            said.push_str(&format!(", {hidden} secrets in them hidden by as many * (`redact`)"));
        }
        (Some(_), _) => said.push_str(", secrets hidden (`redact`)"),
    }
    said
}

fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_millis()).unwrap_or(i64::MAX)
}

/// The filter of the store, from what was typed.
fn filter(store: &mut Exporter, args: &Export) -> Result<Filter, Error> {
    let wanted = &args.wanted;
    let now = now_ms();
    let kinds = match (&wanted.kind, args.format) {
        (Some(kinds), _) => kinds.0.clone().unwrap_or_default(),
        // A line that is taken back may be of any kind, and files belong to sessions.
        (None, Format::Jsonl | Format::Transcript | Format::Queue) => Vec::new(),
        (None, _) => LISTED.to_vec(),
    };
    let statuses = match (&wanted.status[..], args.format) {
        ([], Format::Messages) => vec![store::Status::Complete],
        (given, _) => given.to_vec(),
    };
    Ok(Filter {
        sessions: sessions(store, wanted)?,
        project: project(store, wanted)?,
        since_ms: wanted.since.map(|since| since.begin(now)),
        until_ms: wanted.until.map(|until| until.end(now)),
        kinds,
        vias: wanted.via.clone(),
        sources: wanted.source.clone(),
        statuses,
        rating: wanted.rating.clone(),
        tags: wanted.tag.iter().map(|typed| terminal::tag(typed).to_owned()).collect(),
        starred: wanted.star.then_some(true),
        query: wanted.search.clone(),
        ids: wanted.id.clone(),
        ..Filter::default()
    })
}

/// The project as the store knows it.
fn project(store: &mut Exporter, wanted: &Wanted) -> Result<Option<String>, Error> {
    let mut holds = |folder: &str| {
        let there = Filter { project: Some(folder.to_owned()), ..Filter::default() };
        store.select(&there, Some(1)).map(|found| !found.is_empty())
    };
    Ok(wanted.project.as_ref().map(|project| project.known(&mut holds)).transpose()?)
}

/// The sessions named, `last` by its id.
fn sessions(store: &mut Exporter, wanted: &Wanted) -> Result<Vec<String>, Error> {
    let mut found = Vec::new();
    for session in &wanted.session {
        if session == "last" {
            let listed = Filter { kinds: LISTED.to_vec(), ..Filter::default() };
            match store.select(&listed, Some(1))?.pop() {
                Some(last) => found.push(last.user_session_id.to_string()),
                None => {
                    return Err(Error::Usage("there is no last session: the store holds no conversation".to_owned()));
                }
            }
        } else {
            found.push(session.clone());
        }
    }
    Ok(found)
}

/// Whether anything but the number of things is asked for.
fn is_filtered(wanted: &Wanted) -> bool {
    !wanted.session.is_empty() || wanted.since.is_some() || wanted.until.is_some() || asks_for_conversations(wanted)
}

/// Whether something is asked that only conversations can answer.
fn asks_for_conversations(wanted: &Wanted) -> bool {
    wanted.project.is_some()
        || wanted.kind.is_some()
        || !wanted.via.is_empty()
        || !wanted.status.is_empty()
        || !wanted.source.is_empty()
        || wanted.rating.is_some()
        || !wanted.tag.is_empty()
        || wanted.star
        || wanted.search.is_some()
        || !wanted.id.is_empty()
}

/// In groups of one user session each, in the order of their first conversations.
fn by_session(selected: &[Selected]) -> Vec<(&str, Vec<&Selected>)> {
    let mut groups: Vec<(&str, Vec<&Selected>)> = Vec::new();
    let mut place = std::collections::HashMap::new();
    for one in selected {
        let at = *place.entry(&*one.user_session_id).or_insert_with(|| {
            groups.push((&one.user_session_id, Vec::new()));
            groups.len() - 1
        });
        groups[at].1.push(one);
    }
    groups
}

/// The Claude Code sessions of conversations.
fn session_ids(selected: &[Selected]) -> BTreeSet<String> {
    selected.iter().map(|one| one.session_id.to_string()).collect()
}
