//! `doctor --repair`: mends what was found, each under the lock that guards it. Nothing that was captured or said is removed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use queue::place::rename_new;
use serde::Serialize;
use settings::Settings;
use store::EventId;
use store::write::Writer;

use super::code::Code;
use super::round::Mend;
use crate::archive::{self, Archived};
use crate::chores::Chores;
use crate::clock::millis;
use crate::derive::{self, Index, compare};
use crate::disk::move_new;
use crate::error::{At, Error};
use crate::failed;
use crate::intake::spill::COPY;

/// What was mended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Mended {
    /// The finding's code.
    pub(super) code: &'static str,
    /// How many of it.
    pub(super) count: u64,
    /// What could not be mended, and why.
    pub(super) problems: Vec<String>,
}

/// Mends all of it, as far as it goes.
///
/// # Errors
/// [`Error::Held`] while the archive is being packed, or a backup made.
pub(super) fn all(
    settings: &Settings,
    mends: Vec<(Code, Mend)>,
    now: std::time::SystemTime,
) -> Result<Vec<Mended>, Error> {
    let mut done: BTreeMap<Code, Mended> = BTreeMap::new();
    if mends.is_empty() {
        return Ok(Vec::new());
    }
    let (first, rest): (Vec<_>, Vec<_>) =
        mends.into_iter().partition(|(_, mend)| matches!(mend, Mend::Close(_) | Mend::Folder(_)));
    let database = settings.home.database();
    for (code, mend) in first {
        let mended = plain(&mend).and_then(|()| match &mend {
            // The engine gives these the mode of the database, and may have made them since it was looked at.
            Mend::Close(path) if *path == database => {
                ["db-wal", "db-shm"].iter().try_for_each(|end| close(&database.with_extension(end)))
            }
            _ => Ok(()),
        });
        note(&mut done, code, mended);
    }
    if rest.is_empty() {
        return Ok(done.into_values().collect());
    }
    // Whoever packs or drops days holds this: the archive stays as it is.
    let Some(_chores) = Chores::begin(settings)? else {
        return Err(Error::Held {
            path: settings.home.chores_lock(),
            what: "the archive is being packed, or a backup made",
        });
    };
    let (files, rows): (Vec<_>, Vec<_>) =
        rest.into_iter().partition(|(_, mend)| matches!(mend, Mend::PutBack(..) | Mend::Note(_) | Mend::Remove(_)));
    let mut packed: BTreeMap<PathBuf, BTreeSet<String>> = BTreeMap::new();
    for (code, mend) in files {
        match mend {
            Mend::PutBack(place, file) if place.ends_with(&file) => {
                note(&mut done, code, put_back(settings, &place, &file));
            }
            Mend::PutBack(pack, file) => drop(packed.entry(pack).or_default().insert(file)),
            other => note(&mut done, code, plain(&other)),
        }
    }
    for (pack, files) in &packed {
        unpack(settings, pack, files, &mut done)?;
    }
    if !rows.is_empty() {
        self::rows(settings, rows, now, &mut done)?;
    }
    Ok(done.into_values().collect())
}

fn note(done: &mut BTreeMap<Code, Mended>, code: Code, result: Result<(), Error>) {
    let mended = done.entry(code).or_insert_with(|| Mended { code: code.about().name, count: 0, problems: Vec::new() });
    match result {
        Ok(()) => mended.count += 1,
        Err(error) => mended.problems.push(format!("failed to {error}")),
    }
}

/// What needs no more than its path.
fn plain(mend: &Mend) -> Result<(), Error> {
    match mend {
        Mend::Close(path) => close(path),
        Mend::Folder(path) => queue::layout::create_private_dir(path).at("make", path),
        Mend::Note(path) => failed::remove_lone(path),
        Mend::Remove(path) => fs::remove_file(path).at("remove", path),
        _ => Ok(()),
    }
}

fn close(path: &Path) -> Result<(), Error> {
    let meta = match path.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        meta => meta.at("look at", path)?,
    };
    if meta.is_symlink() {
        return Ok(());
    }
    fs::set_permissions(path, fs::Permissions::from_mode(meta.mode() & 0o700)).at("close", path)
}

/// An archived file goes back to where the hook put it.
fn put_back(settings: &Settings, from: &Path, file: &str) -> Result<(), Error> {
    let Some(name) = archive::queue_name(file) else { return Ok(()) };
    let to = settings.home.incoming().join(name.to_string());
    let partial = settings.home.tmp().join(format!("{name}{COPY}"));
    match move_new(from, &to, &partial) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error).at("move to incoming", from),
        moved => moved.at("move to incoming", from),
    }
}

/// Copies of packed files go into the queue; the pack stays as it is.
fn unpack(
    settings: &Settings,
    pack: &Path,
    files: &BTreeSet<String>,
    done: &mut BTreeMap<Code, Mended>,
) -> Result<(), Error> {
    archive::each_packed(pack, &mut |one: Archived<'_>| {
        if files.contains(one.file) {
            note(done, Code::ArchiveRowMissing, copy_back(settings, &one));
        }
        Ok(())
    })
}

fn copy_back(settings: &Settings, one: &Archived<'_>) -> Result<(), Error> {
    let Some(name) = one.queue_name().map(|name| name.to_string()) else { return Ok(()) };
    // As a hook writes it: under the lock that tells the janitor that its writer lives, then renamed.
    let tmp = settings.home.tmp().join(&name);
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(&tmp).at("create", &tmp)?;
    let written = file
        .try_lock_shared()
        .map_err(io::Error::from)
        .and_then(|()| file.write_all(&one.bytes))
        .and_then(|()| file.sync_all())
        .and_then(|()| rename_new(&tmp, &settings.home.incoming().join(&name)));
    if written.is_err() {
        let _ = fs::remove_file(&tmp);
    }
    written.at("write", &tmp)
}

/// What is in the database: one transaction, then what is derived.
fn rows(
    settings: &Settings,
    mends: Vec<(Code, Mend)>,
    now: std::time::SystemTime,
    done: &mut BTreeMap<Code, Mended>,
) -> Result<(), Error> {
    let (mut refills, mut sessions, mut anew) = (BTreeMap::new(), BTreeMap::new(), false);
    let mut writer = Writer::open(&settings.home)?;
    let batch = writer.batch()?;
    for (code, mend) in mends {
        let result = match &mend {
            Mend::Object(name) => batch.make_missing(name).map(drop),
            Mend::Ids => batch.put_back_ids(millis(now)).map(drop),
            Mend::Counts => batch.recount(),
            Mend::Lists => batch.remake_lists(),
            Mend::Tell(id) => batch.tell_again(*id),
            Mend::Titles => batch.title_again(),
            Mend::Loose => batch.drop_loose_parts().map(drop),
            Mend::StrayWords => batch.drop_stray_words(),
            Mend::Texts => batch.index_texts(),
            Mend::Words => {
                anew = true;
                Ok(())
            }
            Mend::Refill(id, name) => {
                refills.insert(name.clone(), (*id, code));
                continue;
            }
            Mend::Derive(session) => {
                sessions.insert(session.clone(), code);
                continue;
            }
            _ => continue,
        };
        note(done, code, result.map_err(Error::from));
    }
    batch.commit()?;
    if !refills.is_empty() {
        refill(settings, &mut writer, refills, done)?;
    }
    if anew {
        derive::rebuild(&mut writer, Index::Anew, &mut |_, _| std::ops::ControlFlow::Continue(()))?;
    } else if !sessions.is_empty() {
        compare::again(&mut writer, &sessions.keys().cloned().collect())?;
    }
    for code in sessions.into_values() {
        note(done, code, Ok(()));
    }
    Ok(())
}

/// Events get their bytes back from the archive, if it has the very bytes.
fn refill(
    settings: &Settings,
    writer: &mut Writer,
    mut wanted: BTreeMap<String, (EventId, Code)>,
    done: &mut BTreeMap<Code, Mended>,
) -> Result<(), Error> {
    archive::each_file(&settings.home.archive(), &mut |one| {
        let Some(name) = one.queue_name().map(|name| name.to_string()) else { return Ok(()) };
        let Some((id, code)) = wanted.get(&name).copied() else { return Ok(()) };
        let batch = writer.batch()?;
        if batch.refill_event(id, &one.bytes)? {
            batch.commit()?;
            wanted.remove(&name);
            note(done, code, Ok(()));
        }
        Ok(())
    })?;
    for (name, (_, code)) in wanted {
        let mended =
            done.entry(code).or_insert_with(|| Mended { code: code.about().name, count: 0, problems: Vec::new() });
        mended
            .problems
            .push(format!("{name}: the archive has not its bytes; `prompt-manager recover` looks into the backups"));
    }
    Ok(())
}
