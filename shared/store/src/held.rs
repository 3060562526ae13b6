//! Who holds a lock that we cannot have, from the kernel's list of locks: a busy database is then more than "busy".
//!
//! Only the inode is asked for. Opening the database or its `-shm` here and closing it again would drop the locks that this
//! process itself has on them. Where there is no `/proc/locks`, or nothing in it, nobody is named.

use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use queue::DataDir;

/// The byte of the `-shm` file that the one writer of a WAL locks.
const WRITE_LOCK: u64 = 120;

/// A process that holds a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its process id.
    pub pid: u32,
    /// Its program's name, as far as the kernel keeps it.
    pub program: String,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (pid {})", self.program, self.pid)
    }
}

/// The other process that writes to the database of `dir` right now, or has all of it for itself.
pub(crate) fn writer(dir: &DataDir) -> Option<Holder> {
    let database = dir.database();
    let mut shm = database.clone().into_os_string();
    shm.push("-shm");
    let writes = || holder(Path::new(&shm), "POSIX", |from, to| (from..=to).contains(&WRITE_LOCK));
    writes().or_else(|| holder(&database, "POSIX", |_, _| true))
}

/// The other process that has `run/db.lock` of `dir`.
pub(crate) fn database(dir: &DataDir) -> Option<Holder> {
    holder(&dir.db_lock(), "FLOCK", |_, _| true)
}

fn holder(path: &Path, kind: &str, covers: impl Fn(u64, u64) -> bool) -> Option<Holder> {
    let inode = fs::metadata(path).ok()?.ino();
    let locks = fs::read_to_string("/proc/locks").ok()?;
    let pid = find(&locks, inode, kind, std::process::id(), covers)?;
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    Some(Holder { pid, program: name.trim().to_owned() })
}

/// A line is `1: POSIX  ADVISORY  WRITE 1234 08:01:5678 120 120`; that of somebody who waits has `->` behind the number.
fn find(locks: &str, inode: u64, kind: &str, own: u32, covers: impl Fn(u64, u64) -> bool) -> Option<u32> {
    let pid = |line: &str| {
        let mut words = line.split_whitespace().skip(1);
        if words.next()? != kind {
            return None;
        }
        let mut words = words.skip(1);
        let (mode, pid, file) = (words.next()?, words.next()?, words.next()?);
        let from = words.next()?.parse().ok()?;
        let to =
            words.next().map_or(Some(u64::MAX), |to| if to == "EOF" { Some(u64::MAX) } else { to.parse().ok() })?;
        let ours = file.rsplit(':').next()?.parse() == Ok(inode);
        let pid: u32 = pid.parse().ok()?;
        (ours && covers(from, to) && (mode == "WRITE" || kind == "FLOCK") && pid != own).then_some(pid)
    };
    locks.lines().find_map(pid)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCKS: &str = "\
1: POSIX  ADVISORY  READ  11 08:01:77 123 123
2: POSIX  ADVISORY  WRITE 12 08:01:77 120 120
2: -> POSIX  ADVISORY  WRITE 13 08:01:77 120 120
3: FLOCK  ADVISORY  WRITE 14 08:01:78 0 EOF
4: POSIX  ADVISORY  WRITE 15 08:01:79 0 EOF
5: POSIX  ADVISORY  WRITE -1 08:01:80 120 120
6: OFDLCK ADVISORY  WRITE 16 08:01:81 120 120
";

    #[test]
    fn lines() {
        let check = |inode, kind, own, expected| {
            let covers = |from, to| kind == "FLOCK" || (from..=to).contains(&WRITE_LOCK);
            assert_eq!(find(LOCKS, inode, kind, own, covers), expected, "{inode} {kind}");
        };
        check(77, "POSIX", 1, Some(12));
        check(77, "POSIX", 12, None);
        check(78, "FLOCK", 1, Some(14));
        check(78, "POSIX", 1, None);
        check(79, "POSIX", 1, Some(15));
        check(80, "POSIX", 1, None);
        check(7, "POSIX", 1, None);
    }
}
