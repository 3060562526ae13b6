//! `sessions`, `title`, `split`, `merge`, `undo`: how you cut and name what Claude Code calls a session.

use hyper::Method;
use serde_json::json;
use terminal::table::Table;
use terminal::text::{columns, one_line, visible};
use terminal::{Tone, figure, paint};

use super::args::{Merge, Sessions, Split, Title, Undo};
use super::client::{Answer, Client};
use super::filter::{project, span};
use super::found::Found;
use super::shape::{Moved, SplitOff, UserSession};
use super::{Error, last, no_conversation, nothing, page, print};

/// From so many columns on a session and its title stand side by side.
const WIDE: u16 = 110;

pub(super) fn list(client: &Client, args: &Sessions) -> Result<(), Error> {
    let mut query = span(args.since, args.until);
    query.extend(
        args.project.as_ref().map(|typed| project(client, typed)).transpose()?.map(|project| ("project", project)),
    );
    query.extend((!args.words.is_empty()).then(|| ("q", args.words.join(" "))));
    let found = Found::ask(client, "/api/sessions", &query, args.limit)?;
    if args.common.json {
        return found.print();
    }
    let sessions: Vec<UserSession> = found.read()?;
    if sessions.is_empty() {
        return found.done().and_then(|()| nothing("nothing found"));
    }
    let width = terminal::width();
    print(&match width.filter(|width| *width < WIDE) {
        Some(narrow) => blocks(&sessions, usize::from(narrow)),
        None => rows(&sessions, width),
    })?;
    found.done()
}

fn rows(sessions: &[UserSession], width: Option<u16>) -> String {
    let mut table = Table::new(&["session", "last", "count", "project", "title"], width).right(2).cut(4);
    for session in sessions {
        let count = session.conversations.to_string();
        let project = one_line(&session.project_name, 20);
        table.row([&*session.id, &page::time(&session.ended_at), &count, &project, &session.title]);
    }
    table.to_string()
}

/// An id takes half of a usual terminal: the title has a line of its own.
fn blocks(sessions: &[UserSession], width: usize) -> String {
    let mut text = String::new();
    for session in sessions {
        let count = match session.conversations {
            1 => "1 conversation".to_owned(),
            count => format!("{} conversations", figure::number(count)),
        };
        let facts = [page::time(&session.ended_at), count, visible(&session.project_name)].join(", ");
        let facts = one_line(&facts, width.saturating_sub(columns(&session.id) + 2));
        let title = if session.title.is_empty() { "(no prompt was seen)" } else { &session.title };
        text.push_str(&format!("{}  {}\n", paint(Tone::Strong, &visible(&session.id)), paint(Tone::Quiet, &facts)));
        text.push_str(&format!("    {}\n", one_line(title, width.saturating_sub(4))));
    }
    text
}

pub(super) fn title(client: &Client, args: &Title) -> Result<(), Error> {
    let session = last::session(client, &args.session)?;
    let answer = client.change(Method::PATCH, &path(&session)?, Some(&json!({"title": args.title})), None)?;
    done(&answer, args.common.json, || match &args.title {
        Some(title) => format!("{session} is now called {}", one_line(title, 200)),
        None => format!("{session} has the title again that it came with"),
    })
}

pub(super) fn split(client: &Client, args: &Split) -> Result<(), Error> {
    let session = last::session(client, &args.session)?;
    let at = args.at.iter().map(|typed| number(&last::conversation(client, typed)?)).collect::<Result<Vec<_>, _>>()?;
    let mut body = json!({"session_id": session, "at": at});
    if !args.title.is_empty() {
        body["titles"] = json!(args.title);
    }
    let answer = client.change(Method::POST, "/api/sessions/split", Some(&body), None)?;
    let SplitOff { made } = answer.read()?;
    done(&answer, args.common.json, || format!("{session} is split; new: {}", made.join(" ")))
}

pub(super) fn merge(client: &Client, args: &Merge) -> Result<(), Error> {
    let into = last::session(client, &args.into)?;
    let sessions = args.sessions.iter().map(|typed| last::session(client, typed)).collect::<Result<Vec<_>, _>>()?;
    let mut body = json!({"into": into, "sessions": sessions});
    if let Some(title) = &args.title {
        body["title"] = title.as_str().into();
    }
    let answer = client.change(Method::POST, "/api/sessions/merge", Some(&body), None)?;
    let are = if sessions.len() == 1 { "is" } else { "are" };
    done(&answer, args.common.json, || format!("{} {are} now in {into}", sessions.join(", ")))
}

pub(super) fn undo(client: &Client, args: &Undo) -> Result<(), Error> {
    let session = last::session(client, &args.session)?;
    let path = path(&session)?;
    let answer = client.change(Method::DELETE, &path, None, None)?;
    let Moved { into } = answer.read()?;
    // A session that others were merged into goes on without them; a part that was split off is no more.
    let stays = client.get(&path, &vec![("limit", "1".to_owned())]).is_ok();
    done(&answer, args.common.json, || match (&*into.join(" "), stays) {
        ("", _) => format!("{session} is undone; nothing was moved"),
        (others, true) => format!("{session} is by itself again; what was merged into it is in {others}"),
        (others, false) => format!("{session} is undone; its conversations are in {others}"),
    })
}

/// The number of a conversation.
fn number(typed: &str) -> Result<i64, Error> {
    let number = typed.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| Error::Usage(no_conversation(typed)))
}

fn path(session: &str) -> Result<String, Error> {
    if session.is_empty() {
        return Err(Error::Usage("name a session, as `sessions` shows it".to_owned()));
    }
    // Every byte that means something in an address.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let encode = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    Ok(format!("/api/sessions/{}", session.bytes().map(encode).collect::<String>()))
}

/// Tells what was done, as an answer or in a line.
fn done(answer: &Answer, json: bool, said: impl FnOnce() -> String) -> Result<(), Error> {
    let told = match json {
        true => answer.print(),
        false => print(&format!("{}\n", paint(Tone::Good, &visible(&said())))),
    };
    told.map_err(|error| error.behind("the change is saved"))
}
