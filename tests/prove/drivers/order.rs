//! The order in which things become durable: the bytes of the log, the row with its key, and only then the file's new place.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use ingest::step::Step;
use store::write::{NewEvent, Stored, Writer};

use super::Breach;
use super::stage::Stage;
use super::traced;

/// Whenever a file goes from processing to the archive, all that was written to the log is synced.
pub(crate) fn synced_before_it_leaves() -> Result<(), Breach> {
    let stage = Stage::new();
    stage.put(1);
    let (mut written, mut unsynced, mut moved) = (0, false, 0);
    for call in traced::calls(stage.world.data().root(), 1, &["-e", "trace=pwrite64,fdatasync,fsync,renameat2,rename"])
    {
        if call.is(&["pwrite64"]) && call.is_of("-wal") {
            (written, unsynced) = (written + 1, true);
        } else if call.is(&["fdatasync", "fsync"]) && call.is_of("-wal") && !call.failed() {
            unsynced = false;
        } else if call.is(&["renameat2", "rename"]) && call.has("/archive/") && !call.failed() {
            moved += 1;
            if unsynced {
                return Err("a file left the queue before the log with its row was synced".to_owned());
            }
        }
    }
    assert!(written > 0 && moved == 1, "{written} writes to the log and {moved} moves were seen");
    Ok(())
}

/// A file, and a pass that died right before its commit.
fn dead_before_the_commit() -> Stage {
    let stage = Stage::new();
    stage.put(1);
    let mut ingester = stage.ingester();
    ingester.begin(std::time::SystemTime::now(), ingest::pass::Effort::Everything);
    assert!(ingester.go_to(Step::Written), "a pass came to its commit");
    ingester.die();
    drop(ingester);
    stage
}

/// A death right before the commit leaves the file in the queue.
pub(crate) fn committed_before_it_leaves() -> Result<(), Breach> {
    let stage = dead_before_the_commit();
    stage.drain();
    assert_eq!(stage.failed(), [""; 0], "nothing is wrong with that file");
    if stage.stored().is_empty() {
        return Err("a file is in the archive, its reader died before the commit, and its row is nowhere".to_owned());
    }
    Ok(())
}

/// A death right before the commit leaves nothing in the database.
pub(crate) fn no_key_without_its_row() -> Result<(), Breach> {
    let stage = dead_before_the_commit();
    match &stage.reader().kept_events().expect("the events")[..] {
        [] => Ok(()),
        [kept] if !kept.sound => Err("an event's key is durable, and its bytes are not".to_owned()),
        kept => panic!("committed before the commit: {kept:?}"),
    }
}

/// The log of a connection whose sync failed is closed before anything more is written to it.
pub(crate) fn no_second_sync() -> Result<(), Breach> {
    let stage = Stage::new();
    stage.put(1);
    let data = stage.world.data();
    let log = format!("{}-wal", data.database().canonicalize().expect("a database").display());
    let (mut ill, mut well) = (false, 0);
    let calls = "trace=openat,close,pwrite64,fdatasync,fsync";
    // The first sync is of the head of a new log, the second of the first commit.
    let fault = "inject=fsync,fdatasync:error=EIO:when=2";
    for call in traced::calls(data.root(), 2, &["-P", &log, "-e", calls, "-e", fault]) {
        if call.is(&["fdatasync", "fsync"]) && call.failed() {
            ill = true;
        } else if call.is(&["close"]) && ill {
            (ill, well) = (false, well + 1);
        } else if call.is(&["pwrite64"]) && ill {
            return Err("a connection whose sync had failed went on writing to its log".to_owned());
        }
    }
    assert_eq!(well, 1, "the sync that fails was seen, and the log closed");
    assert_eq!(stage.stored().len(), 1, "the second pass stored it");
    Ok(())
}

/// A writer that has begun is let to its end, whoever else writes.
pub(crate) fn no_writer_is_refused() -> Result<(), Breach> {
    let stage = Stage::new();
    let open = || Writer::open(stage.world.data()).expect("the store");
    let (mut first, mut second) = (open(), open());
    let event = |n: u64, name: &str, payload: &[u8], writer: &store::write::Batch<'_>| {
        let (event, session_id) = ("Stop", "s");
        let stored_ms = 1;
        writer.add_event(&NewEvent { name, captured_ns: n, event, session_id, prompt_id: None, payload, stored_ms })
    };
    let batch = first.batch().expect("a transaction");
    let (told, done) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(move || {
            let batch = second.batch().expect("a second transaction, once the first has ended");
            let stored = event(2, "2-s-Stop.json", b"{}", &batch).expect("an event");
            assert!(matches!(stored, Stored::New(_)));
            batch.commit().expect("a commit");
            let _ = told.send(());
        });
        // The second one waits, or has written by then.
        let _ = done.recv_timeout(Duration::from_secs(1));
        match event(1, "1-s-Stop.json", b"{}", &batch) {
            Ok(_) => {
                batch.commit().expect("a commit");
                Ok(())
            }
            Err(error @ store::Error::Busy { .. }) => {
                Err(format!("a writer that had begun was refused in its middle: {error}"))
            }
            Err(error) => panic!("store an event: {error}"),
        }
    })
}
