//! The system calls that std has no safe name for: the only unsafe code of the project, to be read as a whole.
//!
//! Declared by hand rather than through a crate, because the hook links this and pays for every byte. The numbers are
//! those of Linux and macOS; each function says what it does where a system lacks the call.
#![expect(unsafe_code, reason = "foreign functions; each block says why it is sound")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::ffi::{CStr, CString, OsStr, c_char, c_int, c_short};
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

#[cfg(target_os = "linux")]
use std::{
    ffi::{c_long, c_uint, c_ulong},
    os::fd::AsRawFd,
};

const STDIN: c_int = 0;
const STDOUT: c_int = 1;
const SIGPIPE: c_int = 13;
const SIGXFSZ: c_int = 25;
const SIG_IGN: usize = 1;
const POLLIN: c_short = 0x1;
const POLLOUT: c_short = 0x4;
const POLLNVAL: c_short = 0x20;

#[cfg(target_os = "linux")]
type FdCount = c_ulong;
#[cfg(target_os = "macos")]
type FdCount = std::ffi::c_uint;

#[cfg(target_os = "linux")]
type Mode = u32;
#[cfg(target_os = "macos")]
type Mode = u16;

#[repr(C)]
struct PollFd {
    fd: c_int,
    events: c_short,
    revents: c_short,
}

unsafe extern "C" {
    safe fn umask(mask: Mode) -> Mode;
    safe fn signal(number: c_int, handler: usize) -> usize;
    safe fn _exit(code: c_int) -> !;
    fn poll(fds: *mut PollFd, count: FdCount, timeout_ms: c_int) -> c_int;
    fn read(fd: c_int, into: *mut u8, len: usize) -> isize;
    fn write(fd: c_int, from: *const u8, len: usize) -> isize;
}

#[cfg(target_os = "linux")]
unsafe extern "C" {
    safe fn sync_file_range(fd: c_int, offset: i64, len: i64, flags: c_uint) -> c_int;
    fn syscall(number: c_long, ...) -> c_long;
}

/// Ends the process at once with success: no destructors, no exit handlers, nothing flushed.
pub fn exit() -> ! {
    _exit(0)
}

/// The system's memory, and a silent end of the process where there is none: std would print and abort.
#[derive(Debug)]
pub struct QuietMemory;

// SAFETY: every call goes to the system's allocator as it came, and what that gives is passed on unless it is null.
unsafe impl GlobalAlloc for QuietMemory {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the rules of `alloc`.
        or_exit(unsafe { System.alloc(layout) })
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller keeps the rules of `realloc`, and `memory` came from the same allocator.
        or_exit(unsafe { System.realloc(memory, layout, size) })
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the rules of `dealloc`, and `memory` came from the same allocator.
        unsafe { System.dealloc(memory, layout) }
    }
}

fn or_exit(memory: *mut u8) -> *mut u8 {
    if memory.is_null() { exit() } else { memory }
}

/// From here on the mode given to a new file is the mode it gets, as long as it is private to the user.
pub fn private_umask() {
    umask(0o077);
}

/// A closed pipe and the file size limit become errors of the write instead of the death of the process.
pub fn ignore_write_signals() {
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
}

/// The arguments of a C `main`, without the program's own name.
///
/// # Safety
/// `argc` and `argv` are those that `main` was called with.
pub unsafe fn arguments(argc: c_int, argv: *const *const c_char) -> impl Iterator<Item = &'static OsStr> {
    (1..usize::try_from(argc).unwrap_or(0)).map(move |i| {
        // SAFETY: C gives `main` argc pointers to strings that end in NUL and live as long as the process.
        let argument = unsafe { CStr::from_ptr(*argv.add(i)) };
        OsStr::from_bytes(argument.to_bytes())
    })
}

/// What `poll` says about stdin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stdin {
    /// A read returns at once, with bytes or with the end.
    Ready,
    /// The other side is gone and nothing is left, or stdin is not open at all.
    Ended,
    /// Nothing came within the time.
    Silent,
}

/// Waits for stdin, at most for `timeout` (rounded up to a millisecond).
///
/// # Errors
/// The operating system's; an interruption is one of them.
pub fn poll_stdin(timeout: Duration) -> io::Result<Stdin> {
    let mut fd = PollFd { fd: STDIN, events: POLLIN, revents: 0 };
    let timeout_ms = c_int::try_from(timeout.as_micros().div_ceil(1000)).unwrap_or(c_int::MAX);
    // SAFETY: the pointer is to one live PollFd, and the count says one.
    match unsafe { poll(&raw mut fd, 1, timeout_ms) } {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(Stdin::Silent),
        _ if fd.revents & POLLNVAL != 0 => Ok(Stdin::Ended),
        _ if fd.revents & POLLIN != 0 => Ok(Stdin::Ready),
        _ => Ok(Stdin::Ended),
    }
}

/// One `read` of stdin into the spare room of `into`; how many bytes came. Without spare room that is none.
///
/// std can do this only into initialized memory, and touching 64 KiB costs more than reading a prompt.
///
/// # Errors
/// The operating system's; an interruption is one of them.
pub fn read_stdin(into: &mut Vec<u8>) -> io::Result<usize> {
    let spare = into.spare_capacity_mut();
    // SAFETY: the pointer and length are those of memory that we hold exclusively; the kernel only writes to it.
    let count = unsafe { read(STDIN, spare.as_mut_ptr().cast(), spare.len()) };
    let count = usize::try_from(count).map_err(|_| io::Error::last_os_error())?;
    // SAFETY: `read` filled the first `count` bytes of the spare room, and never more than its length.
    unsafe { into.set_len(into.len() + count) };
    Ok(count)
}

/// Whether a few bytes can be written to stdout now, without waiting; `false` if it is not open. To be asked before any file
/// is opened, which would otherwise be what stands there.
pub fn stdout_is_ready() -> bool {
    let mut fd = PollFd { fd: STDOUT, events: POLLOUT, revents: 0 };
    // SAFETY: the pointer is to one live PollFd, and the count says one.
    let ready = unsafe { poll(&raw mut fd, 1, 0) };
    ready == 1 && fd.revents == POLLOUT
}

/// One `write` to stdout. Whoever reads it may be gone: nothing is to be done then.
pub fn print(bytes: &[u8]) {
    // SAFETY: the pointer and length are those of a live slice, which the kernel only reads.
    let _ = unsafe { write(STDOUT, bytes.as_ptr(), bytes.len()) };
}

/// Asks the kernel to start writing `file` back, without waiting for it. It narrows the time in which a power cut
/// leaves an empty file behind a finished rename; that it worked is not promised, so there is no result.
pub fn start_writeback(file: &File) {
    #[cfg(target_os = "linux")]
    {
        const SYNC_FILE_RANGE_WRITE: c_uint = 2;
        sync_file_range(file.as_raw_fd(), 0, 0, SYNC_FILE_RANGE_WRITE);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = file;
}

/// `renameat2(RENAME_NOREPLACE)`, as a raw system call because older C libraries have no name for it.
///
/// # Errors
/// The operating system's. `Unsupported` where the system has no such call, `InvalidInput` where the file system has
/// no such flag.
pub fn rename_noreplace(from: &Path, to: &Path) -> io::Result<()> {
    let (from, to) = (CString::new(from.as_os_str().as_bytes())?, CString::new(to.as_os_str().as_bytes())?);
    renameat2_noreplace(&from, &to)
}

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")))]
fn renameat2_noreplace(from: &CStr, to: &CStr) -> io::Result<()> {
    const SYS_RENAMEAT2: c_long = if cfg!(target_arch = "x86_64") { 316 } else { 276 };
    const AT_FDCWD: c_int = -100;
    const RENAME_NOREPLACE: c_uint = 1;
    // SAFETY: the arguments have the types that the kernel documents, and both strings outlive the call.
    let result = unsafe { syscall(SYS_RENAMEAT2, AT_FDCWD, from.as_ptr(), AT_FDCWD, to.as_ptr(), RENAME_NOREPLACE) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64"))))]
fn renameat2_noreplace(_: &CStr, _: &CStr) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
