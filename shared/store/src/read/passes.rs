//! The passes of some time as a picture shows them: each, or where they are many, the neighbours of a stretch as one.

use rusqlite::Connection;

use super::Reader;
use crate::error::{Context, Error};

const SQL: &str = "
    select began_ms, took_ms, stored, replayed, failed, conversations, trouble is not null
      from passes where began_ms >= ?1 order by began_ms, id";

/// Passes side by side, as one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PassStretch {
    /// When the first began, in milliseconds since 1970, UTC.
    pub began_ms: i64,
    /// How many they are.
    pub passes: i64,
    /// How long the longest took, in milliseconds.
    pub took_ms: i64,
    /// Queue files that they stored as new events.
    pub stored: i64,
    /// Whose event was there already.
    pub replayed: i64,
    /// Moved to failed.
    pub failed: i64,
    /// Conversations that they changed.
    pub conversations: i64,
    /// How many a fault ended.
    pub faults: i64,
}

impl PassStretch {
    fn and(self, next: Self) -> Self {
        Self {
            began_ms: self.began_ms,
            passes: self.passes.saturating_add(next.passes),
            took_ms: self.took_ms.max(next.took_ms),
            stored: self.stored.saturating_add(next.stored),
            replayed: self.replayed.saturating_add(next.replayed),
            failed: self.failed.saturating_add(next.failed),
            conversations: self.conversations.saturating_add(next.conversations),
            faults: self.faults.saturating_add(next.faults),
        }
    }
}

impl Reader {
    /// The passes that did something or met a fault and began then or later, in milliseconds since 1970, in order; as at
    /// most `most` stretches of equally many passes.
    ///
    /// # Errors
    /// As [`Reader::list`].
    pub fn passes(&mut self, since_ms: i64, most: usize) -> Result<Vec<PassStretch>, Error> {
        self.ask(|conn| read(conn, since_ms).map(|passes| thinned(&passes, most)))
    }
}

fn read(conn: &Connection, since_ms: i64) -> Result<Vec<PassStretch>, Error> {
    let mut query = conn.prepare_cached(SQL).op("prepare")?;
    let rows = query.query_map([since_ms], |row| {
        Ok(PassStretch {
            began_ms: row.get(0)?,
            passes: 1,
            took_ms: row.get(1)?,
            stored: row.get(2)?,
            replayed: row.get(3)?,
            failed: row.get(4)?,
            conversations: row.get(5)?,
            faults: row.get(6)?,
        })
    });
    rows.and_then(Iterator::collect).op("read the passes")
}

fn thinned(passes: &[PassStretch], most: usize) -> Vec<PassStretch> {
    let size = passes.len().div_ceil(most.max(1)).max(1);
    passes.chunks(size).filter_map(|stretch| stretch.iter().copied().reduce(PassStretch::and)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::Pass;
    use crate::read::seed::Store;
    use crate::write::Writer;

    #[test]
    fn many_become_few() {
        let passes: Vec<_> = (0..10)
            .map(|n| PassStretch {
                began_ms: n,
                passes: 1,
                took_ms: n % 3,
                stored: 1,
                faults: n % 2,
                ..PassStretch::default()
            })
            .collect();
        let check = |most: usize, expected: &[(i64, i64, i64, i64)]| {
            let found: Vec<_> =
                thinned(&passes, most).iter().map(|it| (it.began_ms, it.passes, it.took_ms, it.faults)).collect();
            assert_eq!(found, expected, "{most}");
        };
        check(4, &[(0, 3, 2, 1), (3, 3, 2, 2), (6, 3, 2, 1), (9, 1, 0, 1)]);
        check(1, &[(0, 10, 2, 5)]);
        check(0, &[(0, 10, 2, 5)]);
        assert_eq!(thinned(&passes, 10), passes);
        assert_eq!(thinned(&[], 10), []);
    }

    #[test]
    fn those_of_some_time() {
        let store = Store::new();
        let mut writer = Writer::open(&store.dir).unwrap();
        for (began_ms, trouble) in [(10, None), (30, Some("read it".to_owned())), (20, None)] {
            let pass = Pass { command: "run".into(), began_ms, took_ms: 1, stored: 2, trouble, ..Pass::default() };
            writer.note_pass(&pass).unwrap();
        }
        let found = store.reader().passes(20, 500).unwrap();
        let pass = PassStretch { passes: 1, took_ms: 1, stored: 2, ..PassStretch::default() };
        assert_eq!(found, [PassStretch { began_ms: 20, ..pass }, PassStretch { began_ms: 30, faults: 1, ..pass }]);
    }
}
