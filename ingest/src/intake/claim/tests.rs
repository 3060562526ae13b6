//! A claim's way through the queue, and what another ingester sees of it.

use super::*;
use crate::intake::reject::Class;
use crate::step::go_on;
use queue::DataDir;

const NAME: &str = "1795350951598014047-s-Stop.json";
const DAY: &str = "2026-11-22";

struct Queue {
    home: tempfile::TempDir,
    places: Places,
}

impl Queue {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let dir = DataDir::new(home.path());
        dir.create().unwrap();
        Self { places: Places::new(&dir, None), home }
    }

    fn put(&self, dir: &str, name: &str, content: &str) {
        fs::write(self.home.path().join("queue").join(dir).join(name), content).unwrap();
    }

    fn incoming(&self) -> Taken {
        Claim::incoming(&self.places, NAME, NAME.parse().unwrap(), &Steps::new(&mut go_on)).unwrap()
    }

    fn leftover(&self, attempt: u32) -> Taken {
        Claim::leftover(&self.places, NAME, NAME.parse().unwrap(), attempt, &Steps::new(&mut go_on)).unwrap()
    }

    fn claim(&self) -> Claim {
        self.put("incoming", NAME, "{}");
        let Taken::Claim(claim) = self.incoming() else { panic!("not claimed") };
        claim
    }

    /// Every file in the queue, without those of the archive's and failed's own making.
    fn files(&self) -> Vec<String> {
        let queue = self.home.path().join("queue");
        let mut files: Vec<_> = walkdir::WalkDir::new(&queue)
            .into_iter()
            .map(Result::unwrap)
            .filter(|entry| !entry.file_type().is_dir())
            .map(|entry| entry.path().strip_prefix(&queue).unwrap().display().to_string())
            .collect();
        files.sort();
        files
    }

    fn check_files(&self, expected: &[String]) {
        assert_eq!(self.files(), expected);
    }
}

#[test]
fn from_incoming_to_the_archive() {
    let queue = Queue::new();
    let claim = queue.claim();
    queue.check_files(&[format!("processing/{NAME}.a1")]);
    assert_eq!((claim.read().unwrap(), claim.deaths()), (b"{}".to_vec(), 0));
    assert!(matches!(queue.incoming(), Taken::Gone));
    assert!(matches!(queue.leftover(1), Taken::Busy), "it is locked");
    assert_eq!(claim.archive(&queue.places).unwrap(), Archived::Moved);
    queue.check_files(&[format!("archive/{DAY}/{NAME}")]);
}

#[test]
fn the_archive_keeps_what_it_has() {
    let queue = Queue::new();
    assert_eq!(queue.claim().archive(&queue.places).unwrap(), Archived::Moved);
    assert_eq!(queue.claim().archive(&queue.places).unwrap(), Archived::Same);
    queue.put("incoming", NAME, "[]");
    let Taken::Claim(other) = queue.incoming() else { panic!("not claimed") };
    assert_eq!(other.archive(&queue.places).unwrap(), Archived::Moved);
    queue.check_files(&[format!("archive/{DAY}/{NAME}"), format!("archive/{DAY}/{NAME}.2")]);
}

#[test]
fn each_death_counts_one() {
    let queue = Queue::new();
    drop(queue.claim());
    for deaths in 1..DEATHS {
        let Taken::Claim(claim) = queue.leftover(deaths) else { panic!("not claimed") };
        assert_eq!(claim.deaths(), deaths);
        queue.check_files(&[format!("processing/{NAME}.a{}", deaths + 1)]);
    }
    let Taken::Claim(claim) = queue.leftover(DEATHS) else { panic!("not claimed") };
    assert_eq!(claim.deaths(), DEATHS);
    queue.check_files(&[format!("processing/{NAME}.a{DEATHS}")]);
}

#[test]
fn a_transient_fault_does_not_count() {
    let queue = Queue::new();
    queue.claim().put_back(&queue.places);
    queue.check_files(&[format!("processing/{NAME}.a0")]);
    let Taken::Claim(claim) = queue.leftover(0) else { panic!("not claimed") };
    assert_eq!(claim.deaths(), 0);
    queue.check_files(&[format!("processing/{NAME}.a1")]);
}

#[test]
fn two_files_of_one_name_wait_for_each_other() {
    let queue = Queue::new();
    let first = queue.claim();
    queue.put("incoming", NAME, "[]");
    assert!(matches!(queue.incoming(), Taken::Busy));
    first.archive(&queue.places).unwrap();
    assert!(matches!(queue.incoming(), Taken::Claim(_)));
}

#[test]
fn failed_files_stand_beside_their_reason() {
    let queue = Queue::new();
    let now = SystemTime::UNIX_EPOCH;
    for _ in 0..2 {
        let reject = Reject::new(Class::Truncated, "ends at line 1, column 2");
        queue.claim().fail(&queue.places, &Arc::default(), &reject, now, &Steps::new(&mut go_on)).unwrap();
    }
    queue.check_files(&[
        format!("failed/{NAME}"),
        format!("failed/{NAME}.2"),
        format!("failed/{NAME}.2.reason.json"),
        format!("failed/{NAME}.reason.json"),
    ]);
    let note = fs::read(queue.places.failed.join(format!("{NAME}.reason.json"))).unwrap();
    let note: serde_json::Value = serde_json::from_slice(&note).unwrap();
    let expected = serde_json::json!({
        "name": NAME,
        "class": "truncated",
        "detail": "ends at line 1, column 2",
        "size": 2,
        "attempts": 1,
        "failed_at": "1970-01-01T00:00:00.000Z",
    });
    assert_eq!(note, expected);
}
