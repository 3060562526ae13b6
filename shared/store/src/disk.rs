//! Whether a disk keeps locks and shares memory between processes, as the engine needs it.
//!
//! Where it does not, even who only reads does harm: readers write to the `-shm` too, and what the disk writes back of it later
//! lies over what others have written there meanwhile. Commits are lost then, so nobody opens a database there.

use std::io;
use std::path::Path;

use queue::DataDir;

use crate::error::Error;

/// Refuses a data directory on such a disk. Where nothing can be written no harm is done.
///
/// # Errors
/// [`Error::Unfit`].
pub(crate) fn fit(dir: &DataDir) -> Result<(), Error> {
    let path = dir.database_dir();
    let Ok(Some(kind)) = unfit_file_system(&path) else { return Ok(()) };
    let is_frozen =
        rustix::fs::statvfs(&path).is_ok_and(|found| found.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY));
    if is_frozen { Ok(()) } else { Err(Error::Unfit { path: dir.database(), kind }) }
}

/// The kind of the file system of `path`, if it keeps no locks or shares no memory.
///
/// # Errors
/// The operating system's.
pub fn unfit_file_system(path: &Path) -> io::Result<Option<&'static str>> {
    #[cfg(target_os = "linux")]
    {
        // Some platforms have it signed, and the numbers are 32 bits.
        Ok(unfit(rustix::fs::statfs(path)?.f_type as u32))
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = path;
        Ok(None)
    }
}

/// By the number that the kernel gives it (statfs(2)).
#[cfg(target_os = "linux")]
fn unfit(kind: u32) -> Option<&'static str> {
    Some(match kind {
        0x6969 => "NFS",
        0x517b | 0xff53_4d42 | 0xfe53_4d42 => "SMB",
        0x0102_1997 => "9p",
        0x5346_414f | 0x6b41_4653 => "AFS",
        0x6573_5546 => "FUSE",
        0x00c3_6400 => "Ceph",
        0x7375_7245 => "Coda",
        0x564c => "NCP",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn file_systems() {
        for (kind, expected) in [(0x6969, "NFS"), (0xff53_4d42, "SMB"), (0x0102_1997, "9p"), (0x6573_5546, "FUSE")] {
            assert_eq!(unfit(kind), Some(expected));
        }
        // ext4, tmpfs, btrfs, overlay
        for kind in [0xef53, 0x0102_1994, 0x9123_683e, 0x794c_7630] {
            assert_eq!(unfit(kind), None, "{kind:x}");
        }
    }
}
