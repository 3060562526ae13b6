//! Transcripts and their chunks: a file is known by origin, root and path, its versions by their bytes.
//!
//! A path has at most one current version, and older ones that were rewritten (superseded). Of two versions that
//! are the same as far as both go, the longer is the one to have: ours is extended, or theirs tells nothing new. A
//! version that differs is kept as a row of its own. Chunks are cut at fixed places and copied packed. What is hidden on either
//! side makes no version: of what ours holds nothing is replaced.

use rusqlite::{Connection, OptionalExtension, params};

use super::{ROW, Run};
use crate::codec;
use crate::error::{Context, Error};
use crate::human::put;
use crate::sieve::same_bytes;
use crate::write::transcripts::{CHUNK, TAIL};

/// Where a file lies.
struct Place {
    origin: String,
    root: String,
    path: String,
}

/// One version of a file.
#[derive(Clone, Debug)]
struct Version {
    id: i64,
    role: String,
    session_id: String,
    agent_id: Option<String>,
    device: i64,
    inode: i64,
    source_size: i64,
    source_mtime_ns: i64,
    stored: u64,
    tail: Vec<u8>,
    superseded_ms: Option<i64>,
    blanked: bool,
}

impl Version {
    fn is_current(&self) -> bool {
        self.superseded_ms.is_none()
    }
}

/// What two versions have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    Equal,
    /// Ours is the beginning of theirs.
    TheirsIsLonger,
    /// Theirs is the beginning of ours.
    OursIsLonger,
    Differs,
}

/// Ours as copying left it: it need not be compared again.
struct Left {
    ours: i64,
    theirs: i64,
    stored: u64,
}

/// All files, one path after the other.
pub(super) fn files(run: &mut Run<'_>) -> Result<(), Error> {
    let other = run.other;
    let mut query = other
        .conn
        .prepare("select t.id, o.origin, t.root, t.path from transcripts t join origins o on o.id = t.origin_id order by t.id")
        .op("prepare")?;
    let mut rows = query.query([]).op("read files")?;
    while let Some(row) = rows.next().op("read a file")? {
        if run.merged.stopped {
            return Ok(());
        }
        let read = || Ok((row.get(0)?, Place { origin: row.get(1)?, root: row.get(2)?, path: row.get(3)? }));
        let (id, place): (i64, Place) = read().op("read a file")?;
        let theirs = versions(&other.conn, &place)?;
        if theirs.iter().map(|version| version.id).min() == Some(id) {
            let mut left = None;
            while !merge(run, &place, &theirs, &mut left)? && !run.merged.stopped {}
            run.progress.done += theirs.iter().map(|version| version.stored).sum::<u64>();
        }
    }
    Ok(())
}

/// The versions of a file, oldest row first. The two halves have an index each.
fn versions(conn: &Connection, place: &Place) -> Result<Vec<Version>, Error> {
    let columns = "id, role, session_id, agent_id, device, inode, source_size, source_mtime_ns, stored_size, tail_hash,
                   superseded_ms, blanked";
    let path = "origin_id = (select id from origins where origin = ?1) and root = ?2 and path = ?3";
    conn.prepare_cached(&format!(
        "select {columns} from transcripts where {path} and superseded_ms is null
         union all
         select {columns} from transcripts where {path} and superseded_ms is not null
         order by 1"
    ))
    .op("prepare")?
    .query_map(params![place.origin, place.root, place.path], |row| {
        Ok(Version {
            id: row.get(0)?,
            role: row.get(1)?,
            session_id: row.get(2)?,
            agent_id: row.get(3)?,
            device: row.get(4)?,
            inode: row.get(5)?,
            source_size: row.get(6)?,
            source_mtime_ns: row.get(7)?,
            stored: row.get::<_, i64>(8)? as u64,
            tail: row.get(9)?,
            superseded_ms: row.get(10)?,
            blanked: row.get(11)?,
        })
    })
    .op("read a file's versions")?
    .collect::<Result<_, _>>()
    .op("read a file's version")
}

/// Takes in the versions of one file, or as much of them as a transaction holds; whether all are in.
fn merge(run: &mut Run<'_>, place: &Place, theirs: &[Version], left: &mut Option<Left>) -> Result<bool, Error> {
    let batch = run.batch()?; // from here on nobody else changes ours
    let origin = put::origin(&batch.tx, &place.origin)?;
    let mut ours = versions(&batch.tx, place)?;
    let mut relations = Vec::with_capacity(theirs.len());
    for theirs in theirs {
        let relate = |ours: &Version| relate(run, ours, theirs, left.as_ref());
        relations.push(ours.iter().map(relate).collect::<Result<Vec<_>, _>>()?);
    }
    run.spent += theirs.iter().map(|version| ROW + version.stored / 16).sum::<u64>();
    let found = pair(&ours, theirs, &relations);
    for (theirs, found) in theirs.iter().zip(&found) {
        if let Some(found) = *found {
            supersede(run, &mut ours[found], theirs.superseded_ms)?;
        }
    }
    let is_own = origin == run.writer.origin_id;
    for (theirs, found) in theirs.iter().zip(&found) {
        let version = match *found {
            Some(found) => {
                if !is_own {
                    saw(run, &ours[found], theirs)?;
                }
                ours[found].clone()
            }
            None => {
                let version = add(run, origin, place, theirs, &mut ours, is_own)?;
                ours.push(version.clone());
                version
            }
        };
        if version.stored < theirs.stored {
            let stored = copy(run, &version, theirs)?;
            if stored < theirs.stored {
                *left = Some(Left { ours: version.id, theirs: theirs.id, stored });
                run.commit()?;
                return Ok(false);
            }
            run.merged.files += 1;
        }
    }
    run.spend(0)?;
    Ok(true)
}

/// Compares as far as both go, but for what was hidden in one of them.
fn relate(run: &Run<'_>, ours: &Version, theirs: &Version, left: Option<&Left>) -> Result<Relation, Error> {
    let common = ours.stored.min(theirs.stored);
    let is_left = |left: &Left| (left.ours, left.theirs, left.stored) == (ours.id, theirs.id, ours.stored);
    if !left.is_some_and(is_left) {
        for seq in 0..common.div_ceil(CHUNK as u64) {
            let (a, b) = (Chunk::read(run.here(), ours.id, seq)?, Chunk::read(&run.other.conn, theirs.id, seq)?);
            let Some(b) = b else { return Err(run.other.damaged("a chunk of a file is missing")) };
            let Some(a) = a else {
                return Err(Error::Corrupt { op: "read a file", detail: format!("chunk {seq} is missing") });
            };
            if a == b {
                continue;
            }
            let a = a.unpack().map_err(|detail| Error::Corrupt { op: "unpack a chunk", detail })?;
            let b = b.unpack().map_err(|detail| run.other.damaged(&detail))?;
            let n = usize::try_from(common - seq * CHUNK as u64).map_or(CHUNK, |rest| rest.min(CHUNK));
            let is_same = match (a.get(..n), b.get(..n)) {
                (Some(a), Some(b)) if ours.blanked || theirs.blanked => same_bytes(a, b),
                (a, b) => a.is_some() && a == b,
            };
            if !is_same {
                return Ok(Relation::Differs);
            }
        }
    }
    Ok(match ours.stored.cmp(&theirs.stored) {
        std::cmp::Ordering::Equal => Relation::Equal,
        std::cmp::Ordering::Less => Relation::TheirsIsLonger,
        std::cmp::Ordering::Greater => Relation::OursIsLonger,
    })
}

/// Which of ours each of theirs is. One of ours is at most one of theirs, for theirs are different versions. What is equal
/// comes before what has only its beginning in common, and what is current on both sides before what is not.
fn pair(ours: &[Version], theirs: &[Version], relations: &[Vec<Relation>]) -> Vec<Option<usize>> {
    let mut found = vec![None; theirs.len()];
    for (equal, same_state) in [(true, true), (true, false), (false, true), (false, false)] {
        for (t, version) in theirs.iter().enumerate().filter(|(t, _)| *t < relations.len()) {
            if found[t].is_some() {
                continue;
            }
            let fits = |u: &usize| {
                let (relation, ours) = (relations[t][*u], &ours[*u]);
                let state = ours.is_current() == version.is_current();
                let related = match relation {
                    Relation::Equal => true,
                    Relation::Differs => false,
                    _ if equal => false,
                    // That their old version is the beginning of our current one does not make ours old.
                    Relation::OursIsLonger => state || version.is_current() && version.stored > 0,
                    Relation::TheirsIsLonger => state || ours.stored > 0,
                };
                related && (state || !same_state) && !found.contains(&Some(*u))
            };
            let best = (0..ours.len()).filter(fits).max_by_key(|u| ours[*u].stored.min(version.stored));
            found[t] = best;
        }
    }
    found
}

/// Ours was rewritten where theirs comes from; of two times the earlier.
fn supersede(run: &mut Run<'_>, ours: &mut Version, at_ms: Option<i64>) -> Result<(), Error> {
    let earlier = match (ours.superseded_ms, at_ms) {
        (Some(ours), Some(theirs)) => Some(ours.min(theirs)),
        (ours, theirs) => ours.or(theirs),
    };
    if earlier != ours.superseded_ms {
        ours.superseded_ms = earlier;
        run.touch(&ours.session_id)?;
        run.batch()?.execute("update transcripts set superseded_ms = ?2 where id = ?1", params![ours.id, earlier])?;
    }
    Ok(())
}

/// Theirs saw the file of another machine later than ours did.
fn saw(run: &mut Run<'_>, ours: &Version, theirs: &Version) -> Result<(), Error> {
    if (theirs.stored, theirs.source_mtime_ns) > (ours.stored, ours.source_mtime_ns) {
        run.batch()?.execute(
            "update transcripts set source_size = ?2, source_mtime_ns = ?3, device = ?4, inode = ?5 where id = ?1",
            params![ours.id, theirs.source_size, theirs.source_mtime_ns, theirs.device, theirs.inode],
        )?;
    }
    Ok(())
}

/// Adds an empty row for a version that is new here. There is one current version: of our own files the one that we
/// follow, of another machine's the one that was written last, so that every store comes to the same.
fn add(
    run: &mut Run<'_>,
    origin: i64,
    place: &Place,
    theirs: &Version,
    ours: &mut [Version],
    is_own: bool,
) -> Result<Version, Error> {
    let mut superseded_ms = theirs.superseded_ms;
    if theirs.is_current()
        && let Some(current) = ours.iter_mut().find(|version| version.is_current())
    {
        let age = |version: &Version| (version.source_mtime_ns, version.tail.clone());
        if is_own || age(theirs) <= age(current) {
            superseded_ms = Some(current.source_mtime_ns / 1_000_000);
        } else {
            supersede(run, current, Some(theirs.source_mtime_ns / 1_000_000))?;
        }
    }
    let empty = blake3::hash(b"").as_bytes().to_vec();
    let batch = run.batch()?;
    batch.execute(
        "insert into transcripts (origin_id, root, path, role, session_id, agent_id, device, inode, source_size,
                                  source_mtime_ns, stored_size, tail_hash, superseded_ms)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 0, ?11, ?12)",
        params![
            origin,
            place.root,
            place.path,
            theirs.role,
            theirs.session_id,
            theirs.agent_id,
            theirs.device,
            theirs.inode,
            theirs.source_size,
            theirs.source_mtime_ns,
            empty,
            superseded_ms,
        ],
    )?;
    Ok(Version { id: batch.tx.last_insert_rowid(), stored: 0, tail: empty, superseded_ms, ..theirs.clone() })
}

/// Copies what theirs has beyond ours, until a transaction is full; how far ours goes then.
fn copy(run: &mut Run<'_>, ours: &Version, theirs: &Version) -> Result<u64, Error> {
    let mut seq = ours.stored / CHUNK as u64;
    let mut stored = ours.stored;
    let mut tail = theirs.tail.clone();
    while stored < theirs.stored && (stored == ours.stored || !run.is_full()) {
        let chunk = Chunk::read(&run.other.conn, theirs.id, seq)?
            .ok_or_else(|| run.other.damaged("a chunk of a file is missing"))?;
        let bytes = chunk.clone().unpack().map_err(|detail| run.other.damaged(&detail))?;
        let end = seq * CHUNK as u64 + bytes.len() as u64;
        if end != theirs.stored.min((seq + 1) * CHUNK as u64) {
            return Err(run.other.damaged("a chunk of a file has another size than its file says"));
        }
        let chunk = chunk.behind(Chunk::read(run.here(), ours.id, seq)?, &bytes)?;
        run.batch()?.execute(
            "insert into transcript_chunks (transcript_id, seq, size, codec, bytes) values (?1, ?2, ?3, ?4, ?5)
             on conflict do update set size = excluded.size, codec = excluded.codec, bytes = excluded.bytes",
            params![ours.id, seq as i64, chunk.size, chunk.codec, chunk.bytes],
        )?;
        run.merged.bytes += end - stored;
        run.spent += chunk.bytes.len() as u64 + ROW;
        (stored, seq) = (end, seq + 1);
        if stored < theirs.stored {
            tail = blake3::hash(&bytes[bytes.len() - TAIL as usize..]).as_bytes().to_vec(); // the chunk is full
        } else {
            tail.clone_from(&theirs.tail);
        }
    }
    run.batch()?.execute(
        "update transcripts set stored_size = ?2, tail_hash = ?3, blanked = max(blanked, ?4) where id = ?1",
        params![ours.id, stored as i64, tail, theirs.blanked],
    )?;
    run.touch(&ours.session_id)?;
    Ok(stored)
}

/// A chunk as it lies in its row.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Chunk {
    size: i64,
    codec: i64,
    bytes: Vec<u8>,
}

impl Chunk {
    fn read(conn: &Connection, transcript: i64, seq: u64) -> Result<Option<Self>, Error> {
        conn.prepare_cached("select size, codec, bytes from transcript_chunks where transcript_id = ?1 and seq = ?2")
            .op("prepare")?
            .query_row([transcript, seq as i64], |row| {
                Ok(Self { size: row.get(0)?, codec: row.get(1)?, bytes: row.get(2)? })
            })
            .optional()
            .op("read a chunk")
    }

    /// The same, which holds `bytes`, with what ours has of it in its beginning.
    fn behind(self, ours: Option<Self>, bytes: &[u8]) -> Result<Self, Error> {
        let Some(ours) = ours else { return Ok(self) };
        let mut ours = ours.unpack().map_err(|detail| Error::Corrupt { op: "unpack a chunk", detail })?;
        if bytes.starts_with(&ours) {
            return Ok(self);
        }
        ours.extend_from_slice(bytes.get(ours.len()..).unwrap_or_default());
        let packed = codec::pack(&ours);
        Ok(Self { size: ours.len() as i64, codec: packed.codec, bytes: packed.bytes.into_owned() })
    }

    fn unpack(self) -> Result<Vec<u8>, String> {
        let size = usize::try_from(self.size).map_err(|error| error.to_string())?;
        if size > CHUNK {
            return Err(format!("a chunk of {size} bytes"));
        }
        codec::unpack(self.codec, self.bytes, size).map_err(|error| error.to_string())
    }
}
