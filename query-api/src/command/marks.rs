//! `rate`, `tag`, `note`, `star`, `tags`: what you say of a conversation.
//!
//! What is added to what is there (a tag) is read first and written only if it is still so (`If-Match`): two people, or two
//! terminals, lose nothing of each other's.

use std::io::{IsTerminal, Read, Write};

use hyper::{Method, StatusCode};
use serde_json::{Map, Value, json};
use terminal::table::Table;
use terminal::{Tone, figure, paint};

use super::args::{Note, Rate, Star, Tag, Tags};
use super::client::{Answer, Client, Pairs};
use super::draft::Draft;
use super::shape::{Marks, Page, TagCount};
use super::tags::{named_tag, on_and_off, tagged};
use super::{At, Error, last, nothing, page, path, print, print_foreign};

/// So often a change is tried again that somebody else forestalled.
const TRIES: usize = 10;
/// The longest note, in bytes; the API says so too, but a whole disk need not be read before.
const LONGEST_NOTE: u64 = 1 << 20;
/// What was done where a note was written.
const NOTED: &str = "the note is saved";

pub(super) fn rate(client: &Client, args: &Rate) -> Result<(), Error> {
    let rating = match args.rating.as_str() {
        "none" | "-" => Value::Null,
        typed => match typed.parse::<u8>() {
            Ok(rating @ 1..=5) => rating.into(),
            _ => return Err(Error::Usage(format!("{typed:?} is no rating: write 1, 2, 3, 4, 5 or none"))),
        },
    };
    let on = args.tag.iter().map(|typed| named_tag(typed, typed, " of --tag")).collect::<Result<Vec<_>, _>>()?;
    let of = Named::of(client, &args.id)?;
    let note = args.note.as_deref().map(|typed| typed_note(typed, &of)).transpose()?;
    change(client, &of, args.common.json, "the rating is saved", |now| {
        let mut wanted = Map::from_iter([("rating".to_owned(), rating.clone())]);
        wanted.extend(note.clone().map(|note| ("notes".to_owned(), note.into())));
        if !args.tag.is_empty() {
            wanted.insert("tags".to_owned(), json!(tagged(&now.tags, &on, &[])));
        }
        wanted
    })
}

pub(super) fn tag(client: &Client, args: &Tag) -> Result<(), Error> {
    let (on, off) = on_and_off(&args.tags)?;
    change(client, &Named::of(client, &args.id)?, args.common.json, "the tags are saved", |now| {
        Map::from_iter([("tags".to_owned(), json!(tagged(&now.tags, &on, &off)))])
    })
}

pub(super) fn note(client: &Client, args: &Note) -> Result<(), Error> {
    let json = args.common.json;
    let of = Named::of(client, &args.id)?;
    if args.edit {
        if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
            let id = &of.id;
            return Err(Error::Usage(format!(
                "--edit needs a terminal: give the text as an argument (`note {id} TEXT`) or on standard input (`note {id} -`)"
            )));
        }
        return edit(client, &of, json);
    }
    if args.remove {
        return change(client, &of, json, "the note is taken away", |_| noted(None));
    }
    if let Some(typed) = &args.text {
        let note = typed_note(typed, &of)?;
        return change(client, &of, json, NOTED, |_| noted(Some(&note)));
    }
    let answer = client.get(&of.state, &Pairs::new())?;
    if json {
        return answer.print();
    }
    match answer.read::<Marks>()?.notes {
        Some(notes) => print_foreign(&(notes.trim_end_matches('\n').to_owned() + "\n")),
        None => Ok(()),
    }
}

/// The note in an editor. Only the note that was read before it opened is replaced: nobody's note of meanwhile is lost.
fn edit(client: &Client, of: &Named, json: bool) -> Result<(), Error> {
    let mut now = client.get(&of.state, &Pairs::new())?;
    let before: Marks = now.read()?;
    let old = before.notes.clone().unwrap_or_default();
    Draft::of(&old)?.edit(|new| {
        if new == old.trim_end() {
            return told(&now, of, &before, json);
        }
        if new.is_empty() {
            return Err(empty(of));
        }
        let body = Value::Object(noted(Some(&new)));
        let mut tries = 0;
        loop {
            match client.change(Method::PUT, &of.state, Some(&body), now.etag.as_ref()) {
                Err(Error::Refused { status: StatusCode::PRECONDITION_FAILED, .. }) if tries < TRIES => tries += 1,
                done => return told(&done?, of, &before, json).map_err(|error| error.behind(NOTED)),
            }
            now = client.get(&of.state, &Pairs::new())?;
            if now.read::<Marks>()?.notes != before.notes {
                let id = &of.id;
                let detail = format!("Somebody else changed the note of {id} meanwhile: read it with `note {id}`.");
                return Err(Error::Refused { status: StatusCode::PRECONDITION_FAILED, detail });
            }
        }
    })
}

pub(super) fn star(client: &Client, args: &Star) -> Result<(), Error> {
    let of = Named::of(client, &args.id)?;
    change(client, &of, args.common.json, "the star is saved", |_| {
        Map::from_iter([("star".to_owned(), (!args.off).into())])
    })
}

pub(super) fn tags(client: &Client, args: &Tags) -> Result<(), Error> {
    let answer = client.get("/api/tags", &Pairs::new())?;
    if args.common.json {
        return answer.print();
    }
    let found: Page<TagCount> = answer.read()?;
    let mut table = Table::new(&["tag", "conversations"], terminal::width()).right(1);
    found.items.iter().for_each(|tag| table.row([&*tag.tag, &figure::number(tag.conversations)]));
    if table.is_empty() { nothing("no tags yet") } else { print(&table.to_string()) }
}

/// A note and nothing else; without a text the old one goes.
fn noted(note: Option<&str>) -> Map<String, Value> {
    Map::from_iter([("notes".to_owned(), note.into())])
}

/// A conversation by its number, also if `last` was typed.
struct Named {
    id: String,
    /// Where its state is.
    state: String,
}

impl Named {
    fn of(client: &Client, typed: &str) -> Result<Self, Error> {
        let id = last::conversation(client, typed)?;
        Ok(Self { state: format!("{}/rating", path(&id)?), id })
    }
}

/// Says of a conversation what `wanted` makes of the state it is in, and tells how it stands then; `saved` says that it was done.
fn change(
    client: &Client,
    of: &Named,
    json: bool,
    saved: &'static str,
    wanted: impl Fn(&Marks) -> Map<String, Value>,
) -> Result<(), Error> {
    let mut tries = 0;
    loop {
        let now = client.get(&of.state, &Pairs::new())?;
        let before: Marks = now.read()?;
        let body = Value::Object(wanted(&before));
        match client.change(Method::PUT, &of.state, Some(&body), now.etag.as_ref()) {
            Err(Error::Refused { status: StatusCode::PRECONDITION_FAILED, .. }) if tries < TRIES => tries += 1,
            done => return told(&done?, of, &before, json).map_err(|error| error.behind(saved)),
        }
    }
}

/// How it stands now, in a line, and whether a note is gone from it.
fn told(answer: &Answer, of: &Named, before: &Marks, json: bool) -> Result<(), Error> {
    if json {
        return answer.print();
    }
    let marks: Marks = answer.read()?;
    let note = match (&before.notes, &marks.notes) {
        (Some(old), Some(new)) if old != new => Some("with a note, in place of the one before"),
        (_, Some(_)) => Some("with a note"),
        (_, None) => None,
    };
    let said: Vec<_> = page::marks(&marks).into_iter().chain(note.map(str::to_owned)).collect();
    let said = if said.is_empty() { paint(Tone::Quiet, "nothing is said of it") } else { said.join("  ") };
    print(&format!("{}: {said}\n", of.id))
}

/// A note as it was typed; `-` is standard input.
fn typed_note(typed: &str, of: &Named) -> Result<String, Error> {
    let mut note = typed.to_owned();
    if typed == "-" {
        let stdin = std::io::stdin();
        if stdin.is_terminal() {
            let _ = writeln!(std::io::stderr(), "write the note, and end it with Ctrl-D");
        }
        note.clear();
        stdin.lock().take(LONGEST_NOTE).read_to_string(&mut note).at("read the note from standard input")?;
        note.truncate(note.trim_end().len());
    }
    if note.trim().is_empty() { Err(empty(of)) } else { Ok(note) }
}

/// An empty text is more often a mistake (a pipe that gave nothing) than a wish.
fn empty(of: &Named) -> Error {
    Error::Usage(format!("the note is empty, so nothing was written; `note {} --remove` takes a note away", of.id))
}
