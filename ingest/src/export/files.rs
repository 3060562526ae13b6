//! The forms that are files, byte for byte: transcripts in their folders, queue files under their names.

use std::collections::{BTreeSet, HashMap};

use export::out::Out;
use export::tree::{self, Put, Tree};
use store::read::export::{EventFilter, Exporter, FileFilter};

use super::args::Export;
use super::progress::Progress;
use super::{Done, asks_for_conversations, existing, filter, now_ms, session_ids, sessions, to_path};
use crate::error::Error;

/// Transcripts, below `--out` or the only one on standard output.
pub(super) fn transcripts(store: &mut Exporter, args: &Export, progress: &mut Progress) -> Result<Done, Error> {
    let timed = args.wanted.since.is_some() || args.wanted.until.is_some();
    let sessions = wanted_sessions(store, args, timed)?;
    let mut files = store.files(&FileFilter { sessions, superseded: args.all_versions })?;
    newest(&mut files, args.wanted.limit, |file| file.modified_ns);
    let mut done = Done { what: "files", ..Done::default() };
    let Some(dir) = to_path(args) else {
        let [file] = &files[..] else {
            let count = files.len();
            return Err(Error::Usage(format!(
                "{count} files are wanted, and standard output takes one: name a folder with --out"
            )));
        };
        let mut out = Out::stdout();
        store.read_file(file, |bytes| out.write(|out| out.write_all(bytes)))?;
        out.finish()?;
        (done.written, done.blanked) = (1, usize::from(file.blanked));
        return Ok(done);
    };
    let labels = tree::labels(&store.roots()?);
    let tree = Tree::open(dir, existing(args))?;
    for (at, file) in files.iter().enumerate() {
        progress.at(at, files.len(), done.what);
        let root = labels.get(&(file.origin.clone(), file.root.clone())).map_or("root", String::as_str);
        let path = match file.superseded_ms {
            Some(ms) => tree::superseded(&file.path, ms, file.id.0),
            None => file.path.clone(),
        };
        let put = tree.put(&format!("{root}/{path}"), Some(file.modified_ns), |to| {
            store.read_file(file, |bytes| to.write(|out| out.write_all(bytes)))
        })?;
        done.count(put);
        done.blanked += usize::from(file.blanked);
    }
    Ok(done)
}

/// Queue files below `--out`. Where two have one name and other bytes, the later ones get a number behind it, as they do in
/// the archive.
pub(super) fn queue(store: &mut Exporter, args: &Export, progress: &mut Progress) -> Result<Done, Error> {
    let now = now_ms();
    let filter = EventFilter {
        sessions: wanted_sessions(store, args, false)?,
        since_ms: args.wanted.since.map(|since| since.begin(now)),
        until_ms: args.wanted.until.map(|until| until.end(now)),
    };
    let mut events = store.events(&filter)?;
    newest(&mut events, args.wanted.limit, |event| event.name.clone());
    let mut done = Done { what: "files", ..Done::default() };
    let Some(dir) = to_path(args) else { return Ok(done) };
    let tree = Tree::open(dir, existing(args))?;
    let mut names: HashMap<&str, u32> = HashMap::new();
    for (at, event) in events.iter().enumerate() {
        progress.at(at, events.len(), done.what);
        let times = names.entry(&event.name).or_default();
        let name = if *times == 0 { event.name.clone() } else { format!("{}.{times}", event.name) };
        *times += 1;
        if event.name.contains('/') {
            return Err(export::Error::Escapes { dir: dir.to_owned(), name: event.name.clone() }.into());
        }
        let payload = store.payload(event)?;
        let put = tree.put(&name, None, |to| to.write(|out| out.write_all(&payload)))?;
        done.count(put);
    }
    Ok(done)
}

/// The sessions whose files are wanted; `None`: all. `timed`: times are asked of their conversations.
fn wanted_sessions(store: &mut Exporter, args: &Export, timed: bool) -> Result<Option<BTreeSet<String>>, Error> {
    if asks_for_conversations(&args.wanted) || timed {
        let mut filter = filter(store, args)?;
        if !timed {
            (filter.since_ms, filter.until_ms) = (None, None);
        }
        // The limit counts files.
        return Ok(Some(session_ids(&store.select(&filter, None)?)));
    }
    if args.wanted.session.is_empty() {
        return Ok(None);
    }
    // Also one without any conversation.
    let named = sessions(store, &args.wanted)?;
    let filter = store::read::export::Filter { sessions: named.clone(), ..Default::default() };
    let mut found = session_ids(&store.select(&filter, None)?);
    found.extend(named);
    Ok(Some(found))
}

/// Leaves the newest `limit`, in their order.
fn newest<T, K: Ord>(items: &mut Vec<T>, limit: Option<usize>, key: impl Fn(&T) -> K) {
    let Some(limit) = limit.filter(|limit| *limit < items.len()) else { return };
    items.sort_by_key(key);
    items.drain(..items.len() - limit);
}

impl Done {
    fn count(&mut self, put: Put) {
        match put {
            Put::Written => self.written += 1,
            Put::Same => self.same += 1,
        }
    }
}
