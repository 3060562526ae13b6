//! The forms that are one document (or one for each session): conversations in order, one after the other.

use std::collections::BTreeSet;
use std::path::Path;

use export::messages::Tools;
use export::out::Out;
use export::{csv, jsonl, markdown, messages};
use store::read::export::{Cuts, Exporter, Selected, Subagents};

use super::args::{Export, Format, Per};
use super::progress::Progress;
use super::{Done, by_session, existing, filter, is_filtered, now_ms, to_path};
use crate::error::Error;

const WHAT: &str = "conversations";

pub(super) fn write(store: &mut Exporter, args: &Export, progress: &mut Progress) -> Result<Done, Error> {
    // Opened first: what cannot be written need not be read.
    if args.format == Format::Markdown && args.per == Some(Per::Session) {
        return markdown_files(store, args, progress);
    }
    let mut out = match to_path(args) {
        Some(path) => Out::file(path, existing(args))?,
        None => Out::stdout(),
    };
    let filter = filter(store, args)?;
    let selected = store.select(&filter)?;
    let mut done = Done { what: WHAT, ..Done::default() };
    match args.format {
        Format::Csv => rows(store, &selected, &mut out, &mut done, progress)?,
        Format::Markdown => document(store, &selected, &mut out, &mut done, progress)?,
        Format::Messages => chats(store, &selected, args, &mut out, &mut done, progress)?,
        _ => lines(store, &selected, args, &mut out, &mut done, progress)?,
    }
    out.finish()?;
    Ok(done)
}

fn lines(
    store: &mut Exporter,
    selected: &[Selected],
    args: &Export,
    out: &mut Out,
    done: &mut Done,
    progress: &mut Progress,
) -> Result<(), Error> {
    let origin = store.origin()?;
    out.write(|out| jsonl::head(out, &origin, now_ms()))?;
    for (at, one) in selected.iter().enumerate() {
        progress.at(at, selected.len(), WHAT);
        if let Some(whole) = store.whole(one.id, Subagents::Left)? {
            out.write(|out| jsonl::conversation(out, &whole))?;
            done.written += 1;
        }
    }
    let mut cuts = store.cuts()?;
    if is_filtered(&args.wanted) || args.wanted.limit.is_some() {
        only(&mut cuts, selected);
    } else {
        for unplaced in store.unplaced()? {
            out.write(|out| jsonl::unplaced(out, &unplaced))?;
        }
    }
    out.write(|out| jsonl::cuts(out, &cuts))?;
    Ok(())
}

/// A part is exported: what people said of other sessions stays here, and so do their searches.
fn only(cuts: &mut Cuts, selected: &[Selected]) {
    let sessions: BTreeSet<&str> = selected.iter().map(|one| &*one.session_id).collect();
    cuts.members.retain(|member| sessions.contains(&*member.session_id));
    let mut user_sessions: BTreeSet<&str> = selected.iter().map(|one| &*one.user_session_id).collect();
    user_sessions.extend(cuts.members.iter().map(|member| &*member.user_session_id));
    cuts.user_sessions.retain(|session| user_sessions.contains(&*session.stamp.id));
    cuts.titles.retain(|title| user_sessions.contains(&*title.user_session_id));
    cuts.views.clear();
}

fn rows(
    store: &mut Exporter,
    selected: &[Selected],
    out: &mut Out,
    done: &mut Done,
    progress: &mut Progress,
) -> Result<(), Error> {
    out.write(csv::head)?;
    for (at, one) in selected.iter().enumerate() {
        progress.at(at, selected.len(), WHAT);
        if let Some(summary) = store.summary(one.id)? {
            out.write(|out| csv::row(out, &summary))?;
            done.written += 1;
        }
    }
    Ok(())
}

fn document<'a>(
    store: &mut Exporter,
    selected: impl IntoIterator<Item = &'a Selected, IntoIter: Clone>,
    out: &mut Out,
    done: &mut Done,
    progress: &mut Progress,
) -> Result<(), Error> {
    let selected: Vec<Selected> = selected.into_iter().cloned().collect();
    for (_, group) in by_session(&selected) {
        let mut begun = false;
        for one in group {
            progress.at(done.written, selected.len(), WHAT);
            let Some(whole) = store.whole(one.id, Subagents::Included)? else { continue };
            if !std::mem::replace(&mut begun, true) {
                out.write(|out| markdown::session(out, &whole))?;
            }
            out.write(|out| markdown::conversation(out, &whole))?;
            done.written += 1;
        }
    }
    Ok(())
}

/// A document for each session, named for the day on which it began and for itself.
fn markdown_files(store: &mut Exporter, args: &Export, progress: &mut Progress) -> Result<Done, Error> {
    let Some(dir) = to_path(args) else { return Ok(Done::default()) };
    queue::layout::create_private_dir(dir).map_err(|source| Error::Io { op: "make", path: dir.to_owned(), source })?;
    let filter = filter(store, args)?;
    let selected = store.select(&filter)?;
    let mut done = Done { what: WHAT, ..Done::default() };
    for (session, group) in by_session(&selected) {
        let day = group.first().and_then(|first| export::time::rfc3339(first.timestamp_ms)).unwrap_or_default();
        let day = day.split('T').next().unwrap_or_default();
        let clean = |c: char| if c.is_ascii_alphanumeric() || "_-".contains(c) { c } else { '_' };
        let name = format!("{day}-{}.md", session.chars().map(clean).take(100).collect::<String>());
        let mut out = Out::file(&dir.join(Path::new(&name)), existing(args))?;
        document(store, group, &mut out, &mut done, progress)?;
        out.finish()?;
    }
    Ok(done)
}

fn chats(
    store: &mut Exporter,
    selected: &[Selected],
    args: &Export,
    out: &mut Out,
    done: &mut Done,
    progress: &mut Progress,
) -> Result<(), Error> {
    let tools = if args.tools { Tools::Included } else { Tools::Left };
    let groups: Vec<Vec<&Selected>> = match args.per {
        Some(Per::Session) => by_session(selected).into_iter().map(|(_, group)| group).collect(),
        _ => selected.iter().map(|one| vec![one]).collect(),
    };
    for group in groups {
        let mut chat = Vec::new();
        for one in group {
            progress.at(done.written, selected.len(), WHAT);
            let Some(whole) = store.whole(one.id, Subagents::Left)? else { continue };
            match messages::messages(&whole.conversation, tools) {
                Some(messages) => {
                    chat.extend(messages);
                    done.written += 1;
                }
                None => done.left_out += 1,
            }
        }
        if !chat.is_empty() {
            out.write(|out| messages::line(out, &chat))?;
        }
    }
    Ok(())
}
