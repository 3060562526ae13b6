//! Things that are no files, or no files of ours, wherever somebody may put one in the way of a pass.

use std::ffi::OsString;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use harness::{Cmd, Done, Seed, World};

use crate::part::Run;

/// What nobody may read through a link.
pub(super) const SECRET: &str = r#"{"session_id":"secret","hook_event_name":"Stop","last_assistant_message":"SECRET"}"#;
/// What stands in a folder under a thing's name.
pub(super) const INNER: &str = "1795350951000000009-good-Stop.json";
/// Who is not root.
const NOBODY: u32 = 65_534;

/// A kind of thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Link,
    Dangling,
    LinkToFolder,
    HardLink,
    Fifo,
    Socket,
    CharacterDevice,
    BlockDevice,
    Folder,
    FullFolder,
    Sparse,
    /// Sparse, and it begins as a payload does.
    SparsePayload,
    Closed,
    ClosedFolder,
    NotUtf8,
    Escapes,
}

impl Kind {
    pub(super) const ALL: [Self; 16] = [
        Self::Link,
        Self::Dangling,
        Self::LinkToFolder,
        Self::HardLink,
        Self::Fifo,
        Self::Socket,
        Self::CharacterDevice,
        Self::BlockDevice,
        Self::Folder,
        Self::FullFolder,
        Self::Sparse,
        Self::SparsePayload,
        Self::Closed,
        Self::ClosedFolder,
        Self::NotUtf8,
        Self::Escapes,
    ];

    /// The name under which it stands in a folder, where names are `begin` and `end`.
    pub(super) fn name(self, begin: &str, end: &str) -> OsString {
        match self {
            Self::NotUtf8 => OsString::from_vec([begin.as_bytes(), b"\xff\xfe", end.as_bytes()].concat()),
            Self::Escapes => format!("{begin}\u{1b}[2J\n\r{}{end}", "x".repeat(180)).into(),
            _ => format!("{begin}{end}").into(),
        }
    }

    /// Makes it, a link to `outside` or a file with a hole of this size; false where this machine cannot.
    pub(super) fn make(self, path: &Path, outside: &Path, hole: u64) -> bool {
        let folder = |path: &Path| fs::create_dir(path).is_ok();
        match self {
            Self::Link => symlink(outside, path).is_ok(),
            Self::Dangling => symlink("/nowhere/at/all", path).is_ok(),
            Self::LinkToFolder => symlink("/", path).is_ok(),
            Self::HardLink => fs::hard_link(outside, path).is_ok(),
            Self::Fifo => made("mkfifo", &[path]),
            Self::Socket => {
                // The whole path is too long for a socket's address.
                static MADE: AtomicUsize = AtomicUsize::new(0);
                let short = format!("prompt-manager-{}-{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
                let short = std::env::temp_dir().join(short);
                let bound = UnixListener::bind(&short).is_ok();
                bound && fs::rename(short, path).is_ok()
            }
            Self::CharacterDevice => made("mknod", &[path, Path::new("c"), Path::new("1"), Path::new("5")]),
            Self::BlockDevice => made("mknod", &[path, Path::new("b"), Path::new("7"), Path::new("200")]),
            Self::Folder => folder(path),
            Self::FullFolder => folder(path) && fs::write(path.join(INNER), SECRET).is_ok(),
            Self::Sparse => File::create(path).and_then(|file| file.set_len(hole)).is_ok(),
            Self::SparsePayload => fs::write(path, r#"{"prompt":""#)
                .and_then(|()| File::options().write(true).open(path)?.set_len(hole))
                .is_ok(),
            Self::Closed => fs::write(path, SECRET).and_then(|()| closed(path)).is_ok(),
            Self::ClosedFolder => folder(path) && closed(path).is_ok(),
            Self::NotUtf8 | Self::Escapes => fs::write(path, SECRET).is_ok(),
        }
    }
}

fn made(program: &str, words: &[&Path]) -> bool {
    Command::new(program).args(words).status().is_ok_and(|status| status.success())
}

fn closed(path: &Path) -> io::Result<()> {
    fs::set_permissions(path, Permissions::from_mode(0o000))
}

/// Each kind with each user who looks at it, in random order; in the slice each with one of them.
pub(super) fn things(run: &Run, seed: &mut Seed) -> Vec<(Kind, Option<u32>)> {
    let mut things = Vec::new();
    for kind in Kind::ALL {
        let one = seed.below(users().len());
        let some = run.of(one..one + 1, 0..users().len());
        things.extend(users()[some].iter().map(|user| (kind, *user)));
    }
    seed.shuffle(&mut things);
    things
}

/// Whoever runs a pass: this user, and nobody where this user is root, for whom nothing is closed.
fn users() -> &'static [Option<u32>] {
    if is_root() { &[None, Some(NOBODY)] } else { &[None] }
}

pub(super) fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|meta| meta.uid() == 0)
}

/// A copy of `ingest` that everybody may run, in a world that keeps it: where the program lies may be closed to others.
pub(super) fn readable() -> (World, PathBuf) {
    let world = World::new();
    let program = world.root().join("ingest");
    fs::copy(harness::bin("ingest"), &program)
        .and_then(|_| fs::set_permissions(world.root(), Permissions::from_mode(0o755)))
        .unwrap_or_else(|error| panic!("copy ingest: {error}"));
    (world, program)
}

/// `ingest` below `command`, as another user if one is given.
pub(super) fn as_user(world: &World, command: Cmd, user: Option<u32>, program: &Path, words: &[&str]) -> Done {
    let command = match user {
        Some(user) => {
            command.args(["setpriv", &format!("--reuid={user}"), &format!("--regid={user}"), "--clear-groups"])
        }
        None => command,
    };
    command.arg(program).args(words).env("PROMPT_MANAGER_PROJECTS", world.projects_root()).run()
}

/// Gives everything below a folder to a user, links as links.
pub(super) fn give(path: &Path, user: u32) {
    let given = std::os::unix::fs::lchown(path, Some(user), Some(user));
    given.unwrap_or_else(|error| panic!("give {} away: {error}", path.display()));
    if path.symlink_metadata().is_ok_and(|meta| meta.is_dir()) {
        for entry in fs::read_dir(path).into_iter().flatten().flatten() {
            give(&entry.path(), user);
        }
    }
}
