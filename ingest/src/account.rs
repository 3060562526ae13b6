//! `ingest report`: what was asked in a span of time, what worked, what failed and what it cost, to read or to mail.
//!
//! ```text
//! args ──▶ facts (asks the store, and how it goes) ──▶ page (sections of clean lines) ──▶ markdown, html
//!                                              └─────▶ json
//! ```
//!
//! It only reads, beside everything. (The module `report` is about passes.)

pub mod args;
mod facts;
mod html;
mod json;
mod markdown;
mod page;

use std::path::Path;
use std::time::SystemTime;

use export::out::{Existing, Out};
use settings::Settings;

use crate::error::Error;
use crate::exit::Exit;
use args::{Format, Report};
use facts::Facts;
use page::Page;

/// Writes it.
///
/// # Errors
/// A span that ends before it begins, the store's and the operating system's. That there is no store yet is none.
pub fn run(settings: &Settings, args: &Report) -> Result<Exit, Error> {
    let facts = Facts::gather(settings, args, SystemTime::now())?;
    let text = match args.format {
        Format::Json => json::text(&facts),
        Format::Markdown => markdown::text(&Page::of(&facts)),
        Format::Html => html::text(&Page::of(&facts)),
    };
    let existing = if args.force { Existing::Replace } else { Existing::Keep };
    let written = write(&text, args.out.as_deref().filter(|path| *path != Path::new("-")), existing);
    match written {
        Ok(()) | Err(export::Error::Closed) => Ok(Exit::Done),
        Err(error) => Err(error.into()),
    }
}

fn write(text: &str, path: Option<&Path>, existing: Existing) -> Result<(), export::Error> {
    let mut out = path.map_or_else(|| Ok(Out::stdout()), |path| Out::file(path, existing))?;
    out.write(|out| out.write_all(text.as_bytes()))?;
    out.finish()
}

#[cfg(test)]
mod tests;
