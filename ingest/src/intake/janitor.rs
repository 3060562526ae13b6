//! What dead hooks left in tmp. A hook holds a shared lock on its file as long as it lives, so a file that can be locked
//! exclusively has no writer, however young it is. (A hook that loses this race for a file it has just made takes another
//! name and leaves the empty one.)
//!
//! A complete payload goes into incoming and on as any other. The rest gets a day and a half, in case somebody wants to
//! look, and then goes the same way: its parsing says what is wrong with it, and it ends in failed with that reason.

use std::collections::HashSet;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use queue::QueueName;
use queue::broken::{Rule, broken};
use queue::place::rename_new;
use queue::scan::JsonScanner;

use crate::clock::elapsed;
use crate::error::{At, Error};
use crate::intake::lock::{self, Outcome};
use crate::intake::spill;
use crate::report::PassReport;
use crate::step::{Step, Steps};

/// How long an incomplete file stays in tmp.
const PATIENCE: Duration = Duration::from_secs(36 * 3600);

/// Files that were read and found incomplete, so that a large one is not read at every wake.
#[derive(Debug, Default)]
pub(crate) struct Janitor {
    incomplete: HashSet<Version>,
}

/// One state of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Version {
    device: u64,
    inode: u64,
    size: u64,
    changed_ns: i64,
}

/// Whether the directory should be looked at again at the next wake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Again {
    /// Something in it is being used right now.
    Yes,
    /// Nothing of ours is left in it, or nothing that changes soon.
    No,
}

impl Janitor {
    /// Moves what no hook writes any more from `tmp` into `incoming`. What is larger than `most` is not read: it will not be
    /// taken in, whatever it holds, and may be a hole without an end.
    ///
    /// # Errors
    /// Those that are not about one file alone.
    pub(crate) fn adopt(
        &mut self,
        (tmp, incoming): (&Path, &Path),
        most: u64,
        now: SystemTime,
        steps: &Steps<'_>,
        report: &mut PassReport,
    ) -> Result<Again, Error> {
        let mut again = Again::No;
        for entry in fs::read_dir(tmp).at("read", tmp)? {
            let entry = entry.at("read", tmp)?;
            let file_name = entry.file_name();
            let Some(name) = file_name.to_str().and_then(|name| name.parse::<QueueName>().ok()) else {
                // A copy out of the spill place, which whoever makes it will finish, or make anew.
                report.left_alone += u64::from(!file_name.to_string_lossy().ends_with(spill::COPY));
                continue;
            };
            let path = entry.path();
            match self.adopt_one(&path, name, incoming, most, now) {
                Ok(Adopted::Now(name)) => {
                    steps.at(Step::Adopted)?;
                    report.adopted += 1;
                    tracing::info!(file = %name, "took over the file of a dead hook");
                }
                Ok(Adopted::Later) => {
                    report.busy += 1;
                    again = Again::Yes;
                }
                Ok(Adopted::Alive) => again = Again::Yes,
                Ok(Adopted::Stays) => {}
                Ok(Adopted::Odd) => report.left_alone += 1,
                Err(error) => {
                    report.leave(error)?;
                    again = Again::Yes;
                }
            }
        }
        Ok(again)
    }

    fn adopt_one(
        &mut self,
        path: &Path,
        name: QueueName,
        incoming: &Path,
        most: u64,
        now: SystemTime,
    ) -> Result<Adopted, Error> {
        let look = if broken(Rule::AdoptByLock) { lock::disregard } else { lock::lock };
        let locked = match look(path).at("open", path)? {
            Outcome::Locked(locked) => locked,
            Outcome::Busy => return Ok(Adopted::Alive),
            // A move that died in its middle; whoever claims the other name ends it.
            Outcome::Linked(_) | Outcome::Gone => return Ok(Adopted::Stays),
            Outcome::Odd(_) => return Ok(Adopted::Odd),
        };
        let ready = match locked.meta.len() <= most {
            true => self.ready(&locked.file, &locked.meta, name, now).at("read", path)?,
            false => Some(name),
        };
        let Some(name) = ready else { return Ok(Adopted::Stays) };
        place(path, incoming, name)
    }

    /// The name under which the file may go into the queue, if it may.
    fn ready(
        &mut self,
        file: &File,
        meta: &Metadata,
        name: QueueName,
        now: SystemTime,
    ) -> io::Result<Option<QueueName>> {
        let changed = meta.modified()?;
        let given_up = elapsed(changed, now, PATIENCE) && changed <= now;
        let version = Version {
            device: meta.dev(),
            inode: meta.ino(),
            size: meta.len(),
            changed_ns: meta.mtime().wrapping_mul(1_000_000_000).wrapping_add(meta.mtime_nsec()),
        };
        if self.incomplete.contains(&version) && !given_up {
            return Ok(None);
        }
        let scanner = read(file)?;
        if !scanner.is_complete() && !given_up {
            self.incomplete.insert(version);
            return Ok(None);
        }
        self.incomplete.remove(&version);
        Ok(Some(QueueName {
            session: scanner.session_id().unwrap_or(name.session),
            event: scanner.hook_event_name().unwrap_or(name.event),
            ..name
        }))
    }
}

/// As much of it as says whether it is whole.
pub(super) fn read(mut file: &File) -> io::Result<JsonScanner> {
    let mut scanner = JsonScanner::default();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(scanner),
            n if scanner.push(&buffer[..n]).is_some() => return Ok(scanner),
            _ => {}
        }
    }
}

/// What became of a file.
enum Adopted {
    /// It is in incoming, under this name.
    Now(QueueName),
    /// Its name is taken there, for a while.
    Later,
    /// Its hook lives.
    Alive,
    /// It is incomplete, or somebody else has it.
    Stays,
    /// Not ours to touch.
    Odd,
}

/// Renames into incoming, under that name and no other: a hook that could rename in neither of its two places left the same
/// payload in both, and only the name tells that it is one event. A name that is taken is waited for.
fn place(from: &Path, incoming: &Path, name: QueueName) -> Result<Adopted, Error> {
    loop {
        match rename_new(from, &incoming.join(name.to_string())) {
            Ok(()) => return Ok(Adopted::Now(name)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(Adopted::Later),
            Err(error) if error.kind() == io::ErrorKind::NotFound && !from.exists() => return Ok(Adopted::Stays),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                queue::layout::create_private_dir(incoming).at("create", incoming)?;
            }
            Err(error) => return Err(error).at("move to incoming", from),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::step::go_on;

    const NAME: &str = "0000000000000000007-unknown-Stop.json";
    const MOST: u64 = 1000;

    /// A file in tmp, `age` old, with a living hook or without; where is it afterwards?
    fn check(content: &str, age: Duration, alive: bool, expected: Option<&str>) {
        let home = tempfile::tempdir().unwrap();
        let (tmp, incoming) = (home.path().join("tmp"), home.path().join("incoming"));
        fs::create_dir(&tmp).unwrap();
        fs::write(tmp.join(NAME), content).unwrap();
        let hook = File::options().write(true).open(tmp.join(NAME)).unwrap();
        let now = SystemTime::now();
        hook.set_modified(now - age).unwrap();
        if alive {
            hook.try_lock_shared().unwrap();
        }
        let mut report = PassReport::default();
        let mut janitor = Janitor::default();
        for _ in 0..2 {
            let again = janitor.adopt((&tmp, &incoming), MOST, now, &Steps::new(&mut go_on), &mut report).unwrap();
            assert_eq!(again == Again::Yes, alive, "{content}");
        }
        assert_eq!(report.adopted, u64::from(expected.is_some()), "{content}");
        let place = expected.map_or(tmp.join(NAME), |name| incoming.join(name));
        assert_eq!(fs::read_to_string(place).unwrap(), content);
    }

    #[test]
    fn only_what_nobody_writes_any_more() {
        let (young, old) = (Duration::ZERO, PATIENCE + Duration::from_secs(1));
        check("{}", young, false, Some(NAME));
        check("{}", young, true, None);
        check("{\"a", young, false, None);
        check("{\"a", old, true, None);
        check("{\"a", old, false, Some(NAME));
        check("", young, false, None);
        check("", old, false, Some(NAME));
        check(
            r#"{"session_id":"s","hook_event_name":"SessionEnd"}"#,
            young,
            false,
            Some("0000000000000000007-s-SessionEnd.json"),
        );
    }

    #[test]
    fn a_taken_name_is_not_replaced() {
        let home = tempfile::tempdir().unwrap();
        let (tmp, incoming) = (home.path().join("tmp"), home.path().join("incoming"));
        fs::create_dir(&tmp).unwrap();
        fs::create_dir(&incoming).unwrap();
        fs::write(tmp.join(NAME), "{}").unwrap();
        fs::write(tmp.join("notes"), "{}").unwrap();
        fs::write(incoming.join(NAME), "other").unwrap();
        let mut report = PassReport::default();
        let mut adopt = || {
            let (places, mut hook) = ((&*tmp, &*incoming), go_on);
            let again = Janitor::default().adopt(places, MOST, SystemTime::now(), &Steps::new(&mut hook), &mut report);
            (again.unwrap(), report.adopted, report.busy, report.left_alone)
        };
        assert_eq!(adopt(), (Again::Yes, 0, 1, 1));
        assert_eq!(fs::read_to_string(incoming.join(NAME)).unwrap(), "other");
        // Under another name it would be another event; once that one is on its way it comes under its own.
        fs::remove_file(incoming.join(NAME)).unwrap();
        assert_eq!(adopt(), (Again::No, 1, 1, 2));
        assert_eq!(fs::read_to_string(incoming.join(NAME)).unwrap(), "{}");
    }

    /// A hole of 2 GiB in tmp was read to its end, by each pass that began anew.
    #[test]
    fn what_is_larger_than_any_event_is_not_read() {
        let home = tempfile::tempdir().unwrap();
        let (tmp, incoming) = (home.path().join("tmp"), home.path().join("incoming"));
        fs::create_dir(&tmp).unwrap();
        File::create(tmp.join(NAME)).unwrap().set_len(MOST + 1).unwrap();
        let (mut report, mut janitor) = (PassReport::default(), Janitor::default());
        janitor.adopt((&tmp, &incoming), MOST, SystemTime::now(), &Steps::new(&mut go_on), &mut report).unwrap();
        assert_eq!((report.adopted, janitor.incomplete.len()), (1, 0));
        assert_eq!(incoming.join(NAME).metadata().unwrap().len(), MOST + 1);
    }
}
