//! What the ingester tells of itself: how long events waited, what passes did.
//!
//! Waits are counted in the transaction that commits the events, so that they are true. The rest is worth no sync of its
//! own and no wait for a lock: what is lost of it at a power cut, or while another process writes, is only a figure.

use std::collections::BTreeMap;
use std::time::Duration;

use rusqlite::{TransactionBehavior, params};

use super::{Batch, Writer};
use crate::error::{Context, Error};
use crate::figures::Pass;
use crate::latency;
use crate::open::BUSY_TIMEOUT;

/// A figure waits no longer for its turn.
const PATIENCE: Duration = Duration::from_millis(100);
/// So long passes are kept, in milliseconds,
const PASSES_MS: i64 = 30 * 86_400_000;
/// and no more than so many.
const PASSES: i64 = 10_000;
/// So long waits are kept, in milliseconds.
const LATENCIES_MS: i64 = 8 * 86_400_000;

impl Batch<'_> {
    /// Counts how long the events of this transaction waited, in milliseconds each; `now_ms` is now, since 1970.
    ///
    /// # Errors
    /// The engine's.
    pub fn count_waits(&self, now_ms: i64, waits_ms: impl IntoIterator<Item = i64>) -> Result<(), Error> {
        let mut counts = BTreeMap::<i64, i64>::new();
        for wait in waits_ms {
            *counts.entry(latency::bucket(wait)).or_default() += 1;
        }
        let mut insert = self
            .tx
            .prepare_cached(
                "insert into latencies (slot, bucket, events) values (?1, ?2, ?3)
                 on conflict (slot, bucket) do update set events = events + excluded.events",
            )
            .op("prepare")?;
        for (bucket, events) in counts {
            insert.execute([latency::slot(now_ms), bucket, events]).op("count a wait")?;
        }
        Ok(())
    }
}

impl Writer {
    /// Notes what a pass did. It is not synced: the next commit of events is, and takes it along.
    ///
    /// # Errors
    /// The engine's, [`Error::Busy`] after a tenth of a second. The [`Writer`] must then be dropped: it may not sync what
    /// it commits.
    pub fn note_pass(&mut self, pass: &Pass) -> Result<(), Error> {
        self.conn.pragma_update(None, "synchronous", "normal").op("set synchronous")?;
        self.conn.busy_timeout(PATIENCE).op("set the busy timeout")?;
        self.insert_pass(pass)?;
        self.conn.busy_timeout(BUSY_TIMEOUT).op("set the busy timeout")?;
        self.conn.pragma_update(None, "synchronous", "full").op("set synchronous")
    }

    fn insert_pass(&mut self, pass: &Pass) -> Result<(), Error> {
        let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate).op("begin")?;
        tx.prepare_cached(
            "insert into passes (command, began_ms, took_ms, queue_ms, transcripts_ms, derive_ms, stored, replayed, failed,
                                 put_back, adopted, drained, bytes, transcript_files, transcript_bytes, sessions,
                                 conversations, trouble)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)",
        )
        .op("prepare")?
        .execute(params![
            pass.command,
            pass.began_ms,
            pass.took_ms,
            pass.queue_ms,
            pass.transcripts_ms,
            pass.derive_ms,
            pass.stored,
            pass.replayed,
            pass.failed,
            pass.put_back,
            pass.adopted,
            pass.drained,
            pass.bytes,
            pass.transcript_files,
            pass.transcript_bytes,
            pass.sessions,
            pass.conversations,
            pass.trouble,
        ])
        .op("note a pass")?;
        for (name, value) in [
            ("passes", 1),
            ("faults", i64::from(pass.trouble.is_some())),
            ("stored", pass.stored),
            ("replayed", pass.replayed),
            ("failed", pass.failed),
            ("ignored", pass.ignored),
            ("put_back", pass.put_back),
            ("adopted", pass.adopted),
            ("drained", pass.drained),
            ("bytes", pass.bytes),
            ("transcript_bytes", pass.transcript_bytes),
            ("conversations", pass.conversations),
        ] {
            tx.prepare_cached(
                "insert into totals (name, value) values (?1, ?2)
                 on conflict (name) do update set value = value + excluded.value",
            )
            .op("prepare")?
            .execute(params![name, value])
            .op("add to a total")?;
        }
        tx.commit().op("commit the figures of a pass")
    }

    /// Drops what is too old to be asked for.
    ///
    /// # Errors
    /// The engine's.
    pub fn thin_figures(&mut self, now_ms: i64) -> Result<(), Error> {
        let batch = self.batch()?;
        batch.execute("delete from passes where began_ms < ?1", [now_ms - PASSES_MS])?;
        batch.execute("delete from passes where id <= (select max(id) from passes) - ?1", [PASSES])?;
        batch.execute("delete from latencies where slot < ?1", [latency::slot(now_ms - LATENCIES_MS)])?;
        batch.commit()
    }
}

#[cfg(test)]
mod tests {
    use queue::DataDir;

    use super::*;
    use crate::read::Reader;

    const NOW: i64 = 1_795_350_951_598;
    const HOUR: i64 = 3_600_000;

    fn store() -> (tempfile::TempDir, DataDir, Writer) {
        let home = tempfile::tempdir().unwrap();
        let dir = DataDir::new(home.path());
        let writer = Writer::open(&dir).unwrap();
        (home, dir, writer)
    }

    #[test]
    fn waits_are_counted_with_their_commit() {
        let (_home, dir, mut writer) = store();
        let batch = writer.batch().unwrap();
        batch.count_waits(NOW, [5, 5, -3]).unwrap();
        drop(batch);
        for (age, waits) in [(0, vec![5, 5, -3]), (0, vec![5]), (3 * HOUR, vec![15; 4]), (30 * HOUR, vec![9])] {
            let batch = writer.batch().unwrap();
            batch.count_waits(NOW - age, waits).unwrap();
            batch.commit().unwrap();
        }
        let found = Reader::open(&dir).unwrap().figures(NOW).unwrap();
        assert_eq!((found.hour.events, found.hour.p50_ms, found.hour.p99_ms), (4, Some(5), Some(5)));
        assert_eq!((found.day.events, found.day.p50_ms, found.day.p99_ms), (8, Some(5), Some(15)));
        writer.thin_figures(NOW + 180 * HOUR).unwrap();
        let found = Reader::open(&dir).unwrap().figures(NOW).unwrap();
        assert_eq!(found.day.events, 8, "eight days are kept");
        writer.thin_figures(NOW + 300 * HOUR).unwrap();
        assert_eq!(Reader::open(&dir).unwrap().figures(NOW).unwrap().day.events, 0);
    }

    #[test]
    fn passes_and_totals() {
        let (_home, dir, mut writer) = store();
        for n in 1..=3 {
            let pass = Pass { command: "run".into(), began_ms: NOW + n, stored: n, bytes: 10, ..Pass::default() };
            writer.note_pass(&pass).unwrap();
        }
        let found = Reader::open(&dir).unwrap().figures(NOW).unwrap();
        let last = found.last_pass.unwrap();
        assert_eq!((last.stored, last.began_ms, last.command.as_str()), (3, NOW + 3, "run"));
        let total = |name: &str| found.totals.iter().find(|(found, _)| found == name).map(|(_, value)| *value);
        assert_eq!((total("passes"), total("stored"), total("bytes")), (Some(3), Some(6), Some(30)));
        writer.thin_figures(NOW + 31 * 24 * HOUR).unwrap();
        let found = Reader::open(&dir).unwrap().figures(NOW).unwrap();
        assert_eq!((found.last_pass, found.totals.len()), (None, 12), "totals stay");
    }

    #[test]
    fn afterwards_commits_are_durable_again() {
        let (_home, _dir, mut writer) = store();
        writer.note_pass(&Pass { command: "once".into(), ..Pass::default() }).unwrap();
        let value = |name| writer.conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!((value("synchronous"), value("busy_timeout")), (2, BUSY_TIMEOUT.as_millis() as i64));
    }

    #[test]
    fn a_figure_waits_for_nobody() {
        let (_home, dir, mut writer) = store();
        let mut other = Writer::open(&dir).unwrap();
        let held = other.batch().unwrap();
        let pass = Pass { command: "run".into(), ..Pass::default() };
        assert!(matches!(writer.note_pass(&pass), Err(Error::Busy { .. })));
        drop(held);
    }
}
