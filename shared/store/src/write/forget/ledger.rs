//! The file beside the database in which every stone stands too, appended and synced before the commit.
//!
//! A database that was restored from a backup knows nothing of what was forgotten after it; this file does. Whoever opens
//! the database for writing joins the two if one of them has changed: what only the file knows comes into the database,
//! which is then to be sifted, and what only the database knows into the file.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use serde::{Deserialize, Serialize};

use super::super::{Batch, Writer};
use super::{Kind, LAY, SIFT, STATE, Stone, Stones};
use crate::error::{Context, Error};
use crate::human::put;

/// In `meta`: how long the file was when both were the same.
const KNOWN: &str = "forgotten_bytes";

/// A line of the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Entry {
    Secret { origin: String, secret: String },
    Stone { origin: String, kind: Kind, key: String, created_ms: i64 },
}

/// The line before those of one transaction: so many count together or not at all.
#[derive(Debug, Serialize, Deserialize)]
struct Together {
    together: usize,
}

impl Batch<'_> {
    /// Appends what this transaction forgets, durably. If the commit then fails it is forgotten at the next opening.
    pub(in crate::write) fn write_ledger(&self) -> Result<(), Error> {
        let Stones { secret, secret_is_new, added } = self.stones.take();
        let mut entries = Vec::with_capacity(added.len() + 1);
        if let Some(secret) = secret.filter(|_| secret_is_new) {
            entries.push(Entry::Secret { origin: self.origin.to_owned(), secret: hex(&secret) });
        }
        entries.extend(added.iter().map(|stone| entry(self.origin, stone)));
        if entries.is_empty() {
            return Ok(());
        }
        let length = append(&self.dir.forgotten(), &entries)?;
        set_known(&self.tx, length)
    }
}

impl Writer {
    /// Joins the file and the database, if one of them knows more.
    pub(in crate::write) fn read_ledger(&mut self) -> Result<(), Error> {
        let path = self.dir.forgotten();
        let length = || std::fs::metadata(&path).map_or(0, |file| file.len());
        if known(&self.conn)? == Some(length()) {
            return Ok(());
        }
        let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate).op("begin")?;
        if known(&tx)? == Some(length()) {
            return Ok(()); // somebody was about to commit
        }
        let here = read(&path)?;
        let mut ours: HashSet<String> = HashSet::new();
        for entry in stored(&tx)? {
            ours.insert(line(&entry)?);
        }
        let mut theirs = HashSet::new();
        let mut is_news = false;
        for entry in here {
            let text = line(&entry)?;
            if !ours.contains(&text) {
                is_news |= put(&tx, &entry)?;
            }
            theirs.insert(text);
        }
        let missing: Vec<Entry> = stored(&tx)?
            .into_iter()
            .filter_map(|entry| line(&entry).map(|text| (!theirs.contains(&text)).then_some(entry)).transpose())
            .collect::<Result<_, _>>()?;
        let length = if missing.is_empty() { length() } else { append(&path, &missing)? };
        set_known(&tx, length)?;
        if is_news {
            let sql = "insert into meta (key, value) values (?1, ?2) on conflict do update set value = excluded.value";
            tx.execute(sql, [STATE, SIFT]).op("note what is to be sifted")?;
        }
        tx.commit().op("commit what was forgotten")
    }

    /// Lets the next opening hold the database against the file beside it, wherever it will lie then.
    ///
    /// # Errors
    /// The engine's.
    pub fn leave_ledger(&mut self) -> Result<(), Error> {
        leave(&self.conn)
    }
}

/// The two have to be compared.
pub(super) fn leave(conn: &Connection) -> Result<(), Error> {
    conn.execute("delete from meta where key = ?1", [KNOWN]).op("leave what was forgotten").map(drop)
}

fn entry(origin: &str, stone: &Stone) -> Entry {
    Entry::Stone { origin: origin.to_owned(), kind: stone.kind, key: hex(&stone.key), created_ms: stone.created_ms }
}

fn line(entry: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(entry)
        .map_err(|error| Error::Sql { op: "write down what is forgotten", detail: error.to_string() })
}

/// `None` where they have to be compared.
fn known(conn: &Connection) -> Result<Option<u64>, Error> {
    let found: Option<i64> = conn
        .query_row("select value from meta where key = ?1", [KNOWN], |row| row.get(0))
        .optional()
        .op("read what was forgotten")?;
    Ok(found.map(i64::unsigned_abs))
}

fn set_known(conn: &Connection, length: u64) -> Result<(), Error> {
    let sql = "insert into meta (key, value) values (?1, ?2) on conflict do update set value = excluded.value";
    conn.execute(sql, params![KNOWN, length as i64]).op("note what was forgotten").map(drop)
}

/// What the database knows.
fn stored(tx: &Transaction<'_>) -> Result<Vec<Entry>, Error> {
    let mut found = Vec::new();
    let sql = "select o.origin, s.secret from forget_secrets s join origins o on o.id = s.origin_id";
    let mut query = tx.prepare(sql).op("prepare")?;
    let mut rows = query.query([]).op("read the secrets of forgetting")?;
    while let Some(row) = rows.next().op("read a secret of forgetting")? {
        let read = || -> rusqlite::Result<(String, Vec<u8>)> { Ok((row.get(0)?, row.get(1)?)) };
        let (origin, secret) = read().op("read a secret of forgetting")?;
        found.push(Entry::Secret { origin, secret: hex(&secret) });
    }
    let sql = "select o.origin, t.kind, t.key, t.created_ms from tombstones t join origins o on o.id = t.origin_id order by t.id";
    let mut query = tx.prepare(sql).op("prepare")?;
    let mut rows = query.query([]).op("read what was forgotten")?;
    while let Some(row) = rows.next().op("read what was forgotten")? {
        let read = || -> rusqlite::Result<(String, String, Vec<u8>, i64)> {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        };
        let (origin, kind, key, created_ms) = read().op("read what was forgotten")?;
        if let Some(kind) = Kind::from_word(&kind) {
            found.push(Entry::Stone { origin, kind, key: hex(&key), created_ms });
        }
    }
    Ok(found)
}

/// Whether it is new.
fn put(tx: &Transaction<'_>, entry: &Entry) -> Result<bool, Error> {
    let changed = match entry {
        Entry::Secret { origin, secret } => {
            let Some(secret) = unhex(secret).filter(|secret| secret.len() == 32) else { return Ok(false) };
            let sql = "insert into forget_secrets (origin_id, secret) values (?1, ?2) on conflict do nothing";
            tx.execute(sql, params![put::origin(tx, origin)?, secret])
        }
        Entry::Stone { origin, kind, key, created_ms } => {
            let Some(key) = unhex(key).filter(|key| key.len() == 16) else { return Ok(false) };
            tx.execute(LAY, params![put::origin(tx, origin)?, kind.as_str(), key, created_ms])
        }
    };
    Ok(changed.op("take over what was forgotten")? > 0)
}

/// The lines of the file that can be read, without those of a transaction of which some are not there: who wrote them died, or had
/// no room, before he could commit.
fn read(path: &Path) -> Result<Vec<Entry>, Error> {
    let mut bytes = Vec::new();
    match File::open(path).and_then(|mut file| file.read_to_end(&mut bytes)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        done => drop(done.map_err(|source| Error::Io { op: "read", path: path.to_owned(), source })?),
    }
    let mut found = Vec::new();
    let mut lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).peekable();
    while let Some(line) = lines.next() {
        let Ok(Together { together }) = serde_json::from_slice(line) else {
            found.extend(serde_json::from_slice::<Entry>(line));
            continue;
        };
        let is_of_it = |line: &&[u8]| serde_json::from_slice::<Together>(line).is_err();
        let of_it = std::iter::from_fn(|| lines.next_if(is_of_it)).take(together);
        let of_it: Vec<Option<Entry>> = of_it.map(|line| serde_json::from_slice(line).ok()).collect();
        if of_it.len() == together && of_it.last().is_some_and(Option::is_some) {
            found.extend(of_it.into_iter().flatten());
        }
    }
    Ok(found)
}

/// Appends, and gives the length of the file. Its first sign is a line break if half a line stands at the end.
fn append(path: &Path, entries: &[Entry]) -> Result<u64, Error> {
    let io = |op| move |source| Error::Io { op, path: path.to_owned(), source };
    let is_new = !path.exists();
    let mut options = File::options();
    let file = options.read(true).append(true).create(true).mode(0o600).open(path).map_err(io("open"))?;
    let before = file.metadata().map_err(io("look at"))?.len();
    let mut text = if ends_within_a_line(&file).map_err(io("read"))? { "\n".to_owned() } else { String::new() };
    text += &line(&Together { together: entries.len() })?;
    for entry in entries {
        text += "\n";
        text += &line(entry)?;
    }
    text += "\n";
    if let Err(source) = (&file).write_all(text.as_bytes()) {
        let _ = file.set_len(before); // what is left of it is no transaction either way
        return Err(io("append to")(source));
    }
    file.sync_all().map_err(io("sync"))?;
    if is_new && let Some(folder) = path.parent() {
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(io("sync the folder of"))?;
    }
    Ok(before + text.len() as u64)
}

fn ends_within_a_line(file: &File) -> io::Result<bool> {
    use std::os::unix::fs::FileExt;
    let length = file.metadata()?.len();
    let mut last = [b'\n'];
    if length > 0 {
        file.read_exact_at(&mut last, length - 1)?;
    }
    Ok(last != [b'\n'])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks(2);
    digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}
