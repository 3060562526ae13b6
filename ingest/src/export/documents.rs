//! The forms that are one document (or one for each session), written to a file or to standard output.

use std::path::Path;

use export::document::{self, Document, Form, Scope};
use export::messages::Tools;
use export::out::Out;
use store::read::export::{Exporter, Selected};

use super::args::{Export, Format, Per};
use super::progress::Progress;
use super::{Done, by_session, existing, filter, is_filtered, now_ms, to_path};
use crate::error::Error;

const WHAT: &str = "conversations";

pub(super) fn write(store: &mut Exporter, args: &Export, progress: &mut Progress) -> Result<Done, Error> {
    let form = form(args);
    let mut done = Done { what: WHAT, ..Done::default() };
    // Opened first: what cannot be written need not be read.
    match (to_path(args), args.per) {
        (Some(dir), Some(Per::Session)) if form == Form::Markdown => {
            for_each_session(store, args, dir, &mut done, progress)?;
        }
        (path, _) => {
            let out = match path {
                Some(path) => Out::file(path, existing(args))?,
                None => Out::stdout(),
            };
            let filter = filter(store, args)?;
            let selected = store.select(&filter, args.wanted.limit)?;
            let total = selected.len();
            one(store, Document::new(form, scope(args), selected, now_ms()), out, total, &mut done, progress)?;
        }
    }
    Ok(done)
}

fn form(args: &Export) -> Form {
    match args.format {
        Format::Csv => Form::Csv,
        Format::Markdown => Form::Markdown,
        Format::Messages => Form::Messages {
            tools: if args.tools { Tools::Included } else { Tools::Left },
            per: match args.per {
                Some(Per::Session) => document::Per::Session,
                _ => document::Per::Conversation,
            },
        },
        _ => Form::Jsonl,
    }
}

fn scope(args: &Export) -> Scope {
    if is_filtered(&args.wanted) || args.wanted.limit.is_some() { Scope::Chosen } else { Scope::All }
}

/// Writes a document out. `total` is how many conversations there are in all of them.
fn one(
    store: &mut Exporter,
    mut document: Document,
    mut out: Out,
    total: usize,
    done: &mut Done,
    progress: &mut Progress,
) -> Result<(), Error> {
    let before = done.written;
    while let Some(piece) = document.next(store)? {
        out.write(|out| out.write_all(&piece))?;
        done.written = before + document.counts().written;
        progress.at(done.written, total, WHAT);
    }
    out.finish()?;
    done.written = before + document.counts().written;
    done.left_out += document.counts().left_out;
    Ok(())
}

/// A document for each session, named for the day on which it began and for itself.
fn for_each_session(
    store: &mut Exporter,
    args: &Export,
    dir: &Path,
    done: &mut Done,
    progress: &mut Progress,
) -> Result<(), Error> {
    queue::layout::create_private_dir(dir).map_err(|source| Error::Io { op: "make", path: dir.to_owned(), source })?;
    let filter = filter(store, args)?;
    let selected = store.select(&filter, args.wanted.limit)?;
    for (session, group) in by_session(&selected) {
        let day = group.first().and_then(|first| export::time::rfc3339(first.timestamp_ms)).unwrap_or_default();
        let day = day.split('T').next().unwrap_or_default();
        let clean = |c: char| if c.is_ascii_alphanumeric() || "_-".contains(c) { c } else { '_' };
        let name = format!("{day}-{}.md", session.chars().map(clean).take(100).collect::<String>());
        let out = Out::file(&dir.join(Path::new(&name)), existing(args))?;
        let group: Vec<Selected> = group.into_iter().cloned().collect();
        one(store, Document::new(Form::Markdown, Scope::Chosen, group, now_ms()), out, selected.len(), done, progress)?;
    }
    Ok(())
}
