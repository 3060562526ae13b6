//! Whether the store has what it was given: each queue file once, each with its bytes, in a sound database.
//!
//! Events + failed + waiting files must equal what the hooks were told is safe; here is the first term of that sum.

use rusqlite::Connection;

use super::Reader;
use crate::codec;
use crate::error::{Context, Error};

/// One stored queue file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kept {
    /// Its name.
    pub name: String,
    /// BLAKE3 of its bytes, as the key has it.
    pub hash: Vec<u8>,
    /// The bytes, unpacked, have that hash and the size in the row.
    pub sound: bool,
}

impl Reader {
    /// Every stored queue file, in the order in which they were stored. Reads every payload.
    ///
    /// # Errors
    /// As [`Reader::list`].
    pub fn kept_events(&mut self) -> Result<Vec<Kept>, Error> {
        self.ask_all(kept)
    }

    /// What the engine finds wrong with the file; nothing, if all is well.
    ///
    /// # Errors
    /// As [`Reader::list`].
    pub fn damage(&mut self) -> Result<Vec<String>, Error> {
        self.ask_all(|conn| {
            let mut statement = conn.prepare("pragma integrity_check").op("prepare")?;
            let rows = statement.query_map([], |row| row.get::<_, String>(0)).op("check the database")?;
            let mut found = rows.collect::<Result<Vec<_>, _>>().op("check the database")?;
            found.retain(|line| line != "ok");
            Ok(found)
        })
    }
}

fn kept(conn: &Connection) -> Result<Vec<Kept>, Error> {
    let mut statement =
        conn.prepare("select name, hash, size, codec, payload from events order by id").op("prepare")?;
    let rows = statement.query_map([], |row| {
        let (hash, size): (Vec<u8>, i64) = (row.get(1)?, row.get(2)?);
        let payload = codec::unpack(row.get(3)?, row.get(4)?, usize::try_from(size).unwrap_or(0));
        let sound = payload.is_ok_and(|bytes| blake3::hash(&bytes).as_bytes().as_slice() == hash);
        Ok(Kept { name: row.get(0)?, hash, sound })
    });
    rows.op("list the events")?.collect::<Result<_, _>>().op("list the events")
}

#[cfg(test)]
mod tests {
    use crate::write::{NewEvent, Writer};
    use queue::DataDir;

    #[test]
    fn each_event_is_kept_once_and_whole() {
        let home = tempfile::tempdir().unwrap();
        let dir = DataDir::new(home.path());
        let mut writer = Writer::open(&dir).unwrap();
        let payloads = [b"{}".to_vec(), vec![b' '; 5000]];
        for _ in 0..2 {
            let batch = writer.batch().unwrap();
            for payload in &payloads {
                let event = NewEvent {
                    name: "0000000000000000001-s-Stop.json",
                    captured_ns: 1,
                    event: "Stop",
                    session_id: "s",
                    prompt_id: None,
                    payload,
                    stored_ms: 1,
                };
                batch.add_event(&event).unwrap();
            }
            batch.commit().unwrap();
        }
        let mut reader = crate::read::Reader::open(&dir).unwrap();
        let kept = reader.kept_events().unwrap();
        let hashes: Vec<_> = payloads.iter().map(|payload| blake3::hash(payload).as_bytes().to_vec()).collect();
        assert_eq!(kept.iter().map(|kept| kept.hash.clone()).collect::<Vec<_>>(), hashes);
        assert!(kept.iter().all(|kept| kept.sound));
        assert_eq!(reader.damage().unwrap(), Vec::<String>::new());
    }
}
