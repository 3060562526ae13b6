//! Things that are no files, or no files of ours, under a queue file's name in each folder in which a pass looks.
//!
//! A pass ends, follows nothing and opens nothing in a way that could wait; what is good beside it is stored; `status` and `doctor`
//! end too, and name it if it is still there.

use std::ffi::OsString;
use std::fs::{self, File, Permissions};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use harness::{Cmd, Done, World};
use store::read::Reader;

use crate::figures::Figures;
use crate::stage;

/// What nobody may read through a link.
const SECRET: &str = r#"{"session_id":"secret","hook_event_name":"Stop","last_assistant_message":"SECRET"}"#;
/// Larger than any event.
const SPARSE: u64 = 1 << 31;
/// Who is not root.
const NOBODY: u32 = 65_534;

/// A kind of thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
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
    const ALL: [Self; 16] = [
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

    /// The name under which it stands in a folder; `end` is what names have there.
    fn name(self, end: &str) -> OsString {
        match self {
            Self::NotUtf8 => OsString::from_vec([b"1795350951000000002-\xff\xfe-Stop.json", end.as_bytes()].concat()),
            Self::Escapes => format!("1795350951000000002-\u{1b}[2J\n\r{}-Stop.json{end}", "x".repeat(180)).into(),
            _ => name(2, end).into(),
        }
    }

    /// Makes it; false where this machine cannot.
    fn make(self, path: &Path, outside: &Path) -> bool {
        let folder = |path: &Path| fs::create_dir(path).is_ok();
        match self {
            Self::Link => symlink(outside, path).is_ok(),
            Self::Dangling => symlink("/nowhere/at/all", path).is_ok(),
            Self::LinkToFolder => symlink("/", path).is_ok(),
            Self::HardLink => fs::hard_link(outside, path).is_ok(),
            Self::Fifo => made("mkfifo", &[path]),
            Self::Socket => {
                // The whole path is too long for a socket's address.
                let short = std::env::temp_dir().join(format!("prompt-manager-{}.socket", std::process::id()));
                let bound = UnixListener::bind(&short).is_ok();
                bound && fs::rename(short, path).is_ok()
            }
            Self::CharacterDevice => made("mknod", &[path, Path::new("c"), Path::new("1"), Path::new("5")]),
            Self::BlockDevice => made("mknod", &[path, Path::new("b"), Path::new("7"), Path::new("200")]),
            Self::Folder => folder(path),
            Self::FullFolder => folder(path) && fs::write(path.join(name(9, "")), SECRET).is_ok(),
            Self::Sparse => File::create(path).and_then(|file| file.set_len(SPARSE)).is_ok(),
            Self::SparsePayload => fs::write(path, r#"{"prompt":""#)
                .and_then(|()| File::options().write(true).open(path)?.set_len(SPARSE))
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

fn closed(path: &Path) -> std::io::Result<()> {
    fs::set_permissions(path, Permissions::from_mode(0))
}

fn name(n: u32, end: &str) -> String {
    format!("179535095100000000{n}-good-Stop.json{end}")
}

fn payload(n: u32) -> String {
    format!(r#"{{"session_id":"good","hook_event_name":"Stop","last_assistant_message":"answer {n}"}}"#)
}

pub(super) fn run() -> Figures {
    let mut figures = Figures::default();
    let users: &[Option<u32>] = if is_root() { &[None, Some(NOBODY)] } else { &[None] };
    for user in users {
        for place in ["incoming", "processing", "tmp", "spill/incoming", "spill/tmp"] {
            for kind in Kind::ALL {
                let what = format!("{kind:?} in {place}, as {}", user.map_or("this user", |_| "nobody"));
                figures.count("things that are no queue files", u64::from(entry(place, kind, *user, &what)));
            }
        }
    }
    figures.count("followed or waited for", 0);
    figures
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|meta| meta.uid() == 0)
}

/// One thing between two good files; false where it cannot be made.
fn entry(place: &str, kind: Kind, user: Option<u32>, what: &str) -> bool {
    let world = World::new();
    let fail = |error: std::io::Error| -> ! { panic!("{what}: {error}") };
    world.data().create().unwrap_or_else(|error| fail(error));
    let spill = stage::spill(&world);
    for folder in ["tmp", "incoming"] {
        fs::create_dir_all(spill.join(folder)).unwrap_or_else(|error| fail(error));
    }
    let (folder, end) = match place {
        "incoming" => (world.data().incoming(), ""),
        "processing" => (world.data().processing(), ".a1"),
        "tmp" => (world.data().tmp(), ""),
        _ => (spill.join(&place["spill/".len()..]), ""),
    };
    for n in [1, 3] {
        fs::write(folder.join(name(n, end)), payload(n)).unwrap_or_else(|error| fail(error));
    }
    let outside = world.root().join("outside.json");
    fs::write(&outside, SECRET).unwrap_or_else(|error| fail(error));
    let path = folder.join(kind.name(end));
    if !kind.make(&path, &outside) {
        return false;
    }
    if let Some(user) = user {
        give(world.root(), user);
    }
    let before = state(&outside);
    let told = fs::symlink_metadata(&path).unwrap_or_else(|error| fail(error));

    // What was opened, and how. A pass that waits for something is killed by the harness.
    let trace = world.root().join("trace");
    let strace = world.command("strace").args(["-f", "-qq", "-s", "4096", "-e", "trace=%file", "-o"]).arg(&trace);
    let done = as_user(&world, strace, user, &["once", "--json"]).code(0);
    let report = done.json();
    let trace = fs::read_to_string(&trace).unwrap_or_else(|error| fail(error));
    let opened = |line: &&str| line.contains("open") && line.contains(&*name(2, end)) && !line.contains("O_NOFOLLOW");
    let careless =
        trace.lines().find(|line| opened(line) && !line.contains("O_CREAT") && !line.contains(".reason.json"));
    assert_eq!(careless, None, "{what}: it is opened as if it were a file");
    // A link is known by being one; it is never asked where it leads.
    assert!(!trace.contains("outside.json"), "{what}: it is followed");
    assert!(!trace.contains(&*name(9, "")), "{what}: it is looked into");

    assert_eq!(state(&outside), before, "{what}: what it leads to has changed");
    let mut good: Vec<String> = [1, 3].map(|n| name(n, "")).into();
    // Root may read what is closed, and then it is a file like any other.
    let taken = kind == Kind::Closed && is_root() && user.is_none();
    if taken {
        good.insert(1, name(2, "").replace("-good-", if place.ends_with("tmp") { "-secret-" } else { "-good-" }));
    }
    assert_eq!(stored(&world), good, "{what}: {report}");
    for words in [["status", "--json"], ["doctor", "--json"]] {
        let done = as_user(&world, world.command("env"), user, &words);
        let code = done.status.code();
        assert!(matches!(code, Some(0 | 1)), "{what}: {words:?} ends with {code:?}\n{done}");
        let _ = done.json();
    }
    let shown = as_user(&world, world.command("env"), user, &["doctor"]);
    assert!(!shown.out().contains('\u{1b}'), "{what}: a name is shown as it is\n{shown}");
    // It lies where it lay or in failed, as what it was.
    let places = [path.clone(), world.data().failed().join(name(2, "")), world.data().incoming().join(name(2, ""))];
    let now = places.iter().find_map(|path| fs::symlink_metadata(path).ok());
    let same = now.is_some_and(|now| now.file_type() == told.file_type() && now.ino() == told.ino());
    assert!(same || taken, "{what}: it is gone\n{}", world.tree());
    if told.file_type().is_file() || told.file_type().is_dir() {
        let _ = fs::set_permissions(&path, Permissions::from_mode(0o700)); // so that the folder can be removed
    }
    assert!(!told.file_type().is_fifo() || report["left_alone"] == 1 || report["failed"] == 1, "{what}: {report}");
    true
}

/// `ingest` below `command`, as another user if one is given.
fn as_user(world: &World, command: Cmd, user: Option<u32>, words: &[&str]) -> Done {
    let command = match user {
        // Where it lies may be closed to others.
        Some(user) => {
            let own = world.root().join("ingest");
            if !own.exists() {
                let copied = fs::copy(harness::bin("ingest"), &own);
                copied.unwrap_or_else(|error| panic!("copy ingest: {error}"));
            }
            command.args(["setpriv", &format!("--reuid={user}"), &format!("--regid={user}"), "--clear-groups"]).arg(own)
        }
        None => command.arg(harness::bin("ingest")),
    };
    command.args(words).run()
}

/// Gives everything below a folder to a user, links as links.
fn give(path: &Path, user: u32) {
    let given = std::os::unix::fs::lchown(path, Some(user), Some(user));
    given.unwrap_or_else(|error| panic!("give {} away: {error}", path.display()));
    if path.symlink_metadata().is_ok_and(|meta| meta.is_dir()) {
        for entry in fs::read_dir(path).into_iter().flatten().flatten() {
            give(&entry.path(), user);
        }
    }
}

/// What a file says, and when it was changed.
fn state(path: &PathBuf) -> (Vec<u8>, i64, u64) {
    let meta = fs::metadata(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    (fs::read(path).unwrap_or_default(), meta.mtime_nsec(), meta.ino())
}

/// The names of what is stored, in their order.
fn stored(world: &World) -> Vec<String> {
    let kept = Reader::open(world.data()).and_then(|mut reader| reader.kept_events());
    let kept = kept.unwrap_or_else(|error| panic!("read the store: {error}"));
    let mut names: Vec<_> = kept.into_iter().map(|kept| kept.name).collect();
    names.sort();
    names
}
