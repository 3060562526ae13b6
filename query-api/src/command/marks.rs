//! `rate`, `tag`, `note`, `star`, `tags`: what you say of a conversation.
//!
//! What is added to what is there (a tag) is read first and written only if it is still so (`If-Match`): two people, or two
//! terminals, lose nothing of each other's.

use std::io::{IsTerminal, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::process::Command;

use hyper::{Method, StatusCode};
use serde_json::{Map, Value, json};
use terminal::table::Table;
use terminal::text::visible;
use terminal::{Tone, paint};

use super::args::{Note, Rate, Star, Tag, Tags};
use super::client::{Answer, Client, Pairs};
use super::list::Found;
use super::shape::{Item, Marks, Page, TagCount};
use super::{At, Error, page, path, print, print_foreign};

/// So often a change is tried again that somebody else forestalled.
const TRIES: usize = 10;
/// The longest note, in bytes; the API says so too, but a whole disk need not be read before.
const LONGEST_NOTE: u64 = 1 << 20;

pub(super) fn rate(client: &Client, args: &Rate) -> Result<(), Error> {
    let rating = match args.rating.as_str() {
        "none" | "-" => Value::Null,
        typed => match typed.parse::<u8>() {
            Ok(rating @ 1..=5) => rating.into(),
            _ => return Err(Error::Usage(format!("{typed:?} is no rating: write 1, 2, 3, 4, 5 or none"))),
        },
    };
    let note = args.note.as_deref().map(typed_note).transpose()?;
    change(client, &args.id, args.common.json, |now| {
        let mut wanted = Map::from_iter([("rating".to_owned(), rating.clone())]);
        wanted.extend(note.clone().map(|note| ("notes".to_owned(), note.into())));
        if !args.tag.is_empty() {
            wanted.insert("tags".to_owned(), json!(tagged(&now.tags, &args.tag, &[])));
        }
        wanted
    })
}

pub(super) fn tag(client: &Client, args: &Tag) -> Result<(), Error> {
    let (mut on, mut off) = (Vec::new(), Vec::new());
    for typed in &args.tags {
        let (list, tag) = match (typed.strip_prefix('+'), typed.strip_prefix('-')) {
            (Some(tag), _) => (&mut on, tag),
            (_, Some(tag)) if tag.starts_with('-') => {
                return Err(Error::Usage(format!("{typed:?} stands behind the tags: write flags before the ID")));
            }
            (_, Some(tag)) => (&mut off, tag),
            _ => (&mut on, typed.as_str()),
        };
        list.push(tag.to_owned());
    }
    change(client, &args.id, args.common.json, |now| {
        Map::from_iter([("tags".to_owned(), json!(tagged(&now.tags, &on, &off)))])
    })
}

pub(super) fn note(client: &Client, args: &Note) -> Result<(), Error> {
    let wanted = |note: Value| move |_: &Marks| Map::from_iter([("notes".to_owned(), note.clone())]);
    let json = args.common.json;
    if args.remove {
        return change(client, &args.id, json, wanted(Value::Null));
    }
    if let Some(text) = &args.text {
        return change(client, &args.id, json, wanted(typed_note(text)?.into()));
    }
    let state = format!("{}/rating", path(&args.id)?);
    let answer = client.get(&state, &Pairs::new())?;
    let now: Marks = answer.read()?;
    if args.edit {
        let old = now.notes.unwrap_or_default();
        let new = edited(&old)?;
        // What was read before the editor opened is what is replaced: nobody's note of meanwhile is lost.
        let note = if new.trim().is_empty() { Value::Null } else { new.into() };
        let answer = client.change(Method::PUT, &state, Some(&json!({"notes": note})), answer.etag.as_ref())?;
        return told(&answer, &args.id, json);
    }
    if json {
        return answer.print();
    }
    match now.notes {
        Some(notes) => print_foreign(&(notes.trim_end_matches('\n').to_owned() + "\n")),
        None => Ok(()),
    }
}

pub(super) fn star(client: &Client, args: &Star) -> Result<(), Error> {
    change(client, &args.id, args.common.json, |_| Map::from_iter([("star".to_owned(), (!args.off).into())]))
}

pub(super) fn tags(client: &Client, args: &Tags) -> Result<(), Error> {
    let answer = client.get("/api/tags", &Pairs::new())?;
    if args.common.json {
        return answer.print();
    }
    let found: Page<TagCount> = answer.read()?;
    let mut table = Table::new(&["tag", "conversations"], terminal::width()).right(1);
    found.items.iter().for_each(|tag| table.row([&*tag.tag, &page::number(tag.conversations)]));
    print(&if table.is_empty() { "no tags yet\n".to_owned() } else { table.to_string() })
}

/// Tags with some put on and some taken off; upper and lower case mean the same tag.
fn tagged(now: &[String], on: &[String], off: &[String]) -> Vec<String> {
    let is = |tag: &str, other: &String| tag.trim().to_lowercase() == other.trim().to_lowercase();
    let mut tags: Vec<String> = now.iter().filter(|tag| !off.iter().any(|other| is(tag, other))).cloned().collect();
    for tag in on {
        if !tags.iter().any(|other| is(tag, other)) {
            tags.push(tag.clone());
        }
    }
    tags
}

/// Says of a conversation what `wanted` makes of the state it is in, and tells how it stands then.
fn change(client: &Client, id: &str, json: bool, wanted: impl Fn(&Marks) -> Map<String, Value>) -> Result<(), Error> {
    let path = path(&resolved(client, id)?)?;
    let path = format!("{path}/rating");
    let mut tries = 0;
    let answer = loop {
        let now = client.get(&path, &Pairs::new())?;
        let body = Value::Object(wanted(&now.read()?));
        match client.change(Method::PUT, &path, Some(&body), now.etag.as_ref()) {
            Err(Error::Refused { status: StatusCode::PRECONDITION_FAILED, .. }) if tries < TRIES => tries += 1,
            done => break done?,
        }
    };
    told(&answer, id, json)
}

/// `last` by its number: it may be another a moment later.
fn resolved(client: &Client, id: &str) -> Result<String, Error> {
    if id != "last" {
        return Ok(id.to_owned());
    }
    let newest: Vec<Item> = Found::ask(client, "/api/conversations", &Pairs::new(), 1)?.read()?;
    match newest.first() {
        Some(item) => Ok(item.id.to_string()),
        None => Err(Error::Refused { status: StatusCode::NOT_FOUND, detail: "There are no conversations yet.".into() }),
    }
}

/// How it stands now, in a line.
fn told(answer: &Answer, id: &str, json: bool) -> Result<(), Error> {
    if json {
        return answer.print();
    }
    let marks: Marks = answer.read()?;
    let mut said = page::marks(&marks);
    if marks.notes.is_some() {
        said.push_str(if said.is_empty() { "with a note" } else { "  with a note" });
    }
    let said = if said.is_empty() { paint(Tone::Quiet, "nothing is said of it") } else { said };
    print(&format!("{}: {said}\n", visible(id)))
}

/// A note as it was typed; `-` is standard input.
fn typed_note(typed: &str) -> Result<String, Error> {
    if typed != "-" {
        return Ok(typed.to_owned());
    }
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        let _ = writeln!(std::io::stderr(), "write the note, and end it with Ctrl-D");
    }
    let mut note = String::new();
    stdin.lock().take(LONGEST_NOTE).read_to_string(&mut note).at("read the note from standard input")?;
    Ok(note.trim_end().to_owned())
}

/// What an editor makes of a text, in a file that only you can read and that is gone afterwards.
fn edited(text: &str) -> Result<String, Error> {
    let editor = ["VISUAL", "EDITOR"].iter().filter_map(std::env::var_os).find(|editor| !editor.is_empty());
    let editor = editor.unwrap_or_else(|| "vi".into());
    let mut name = [0; 8];
    getrandom::fill(&mut name)
        .map_err(|error| std::io::Error::other(error.to_string()))
        .at("name a file for the editor")?;
    let path = std::env::temp_dir().join(format!("prompt-manager-note-{:016x}.md", u64::from_ne_bytes(name)));
    let shown = path.display().to_string();
    let file = std::fs::File::options().write(true).create_new(true).mode(0o600).open(&path);
    file.and_then(|mut file| file.write_all(text.as_bytes())).at(format!("write {shown}"))?;
    // As git does: the variable may hold arguments.
    let status = Command::new("sh").arg("-c").arg("exec $0 \"$1\"").arg(&editor).arg(&path).status();
    let read = std::fs::read_to_string(&path);
    let _ = std::fs::remove_file(&path);
    let editor = editor.to_string_lossy().into_owned();
    match status.at(format!("start the editor {editor}"))?.success() {
        true => Ok(read.at(format!("read {shown}"))?.trim_end().to_owned()),
        false => Err(Error::Usage(format!("{editor} ended with an error: the note stays as it was"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_put_on_and_taken_off() {
        let list = |words: &str| words.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let check = |now: &str, on: &str, off: &str, expected: &str| {
            assert_eq!(tagged(&list(now), &list(on), &list(off)), list(expected), "{now} +{on} -{off}");
        };
        check("a b", "c", "", "a b c");
        check("a b", "b B", "", "a b");
        check("a b", "", "A x", "b");
        check("a", "b", "b", "a b");
        check("", "", "", "");
    }
}
