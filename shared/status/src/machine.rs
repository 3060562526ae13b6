//! What the machine gives us: a disk that keeps locks, folders that are ours alone, a queue that can be written. A few dozen
//! `stat` calls; `doctor` looks at every file.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use queue::DataDir;
use rustix::fs::{Access, access};
use settings::Settings;
use store::unfit_file_system;

use crate::code::Code;
use crate::finding::{Finding, Severity, finding};
use crate::queue::Queue;

/// Others' bits of a mode.
pub const OTHERS: u32 = 0o077;
/// More are not named.
const NAMED: usize = 3;

/// All that is wrong with it. That all of it is read-only is told elsewhere.
pub(crate) fn look(settings: &Settings, queue: Option<&Queue>, is_read_only: bool) -> Vec<Finding> {
    let home = &settings.home;
    if !home.root().is_dir() {
        return Vec::new();
    }
    let mut found: Vec<_> = file_system(home).into_iter().collect();
    if !is_read_only {
        found.extend(unwritable(home));
    }
    found.extend(foreign(home).or_else(|| foreign_file(settings, queue?)));
    found.extend(open_to_others(settings));
    found
}

/// Of the data directory, or of the part of it that holds the database.
fn file_system(home: &DataDir) -> Option<Finding> {
    let places = [home.root().to_owned(), home.database_dir()];
    let (place, kind) =
        places.into_iter().find_map(|place| unfit_file_system(&place).ok()?.map(|kind| (place, kind)))?;
    let detail = format!(
        "{} lies on a network or user-space file system ({kind}), which keeps no locks: whoever opened the database there would \
         damage it, so nobody does. What hooks write waits.",
        place.display()
    );
    let next_step = "Move the directory to a local disk, and name it with --home or as `home` in config.toml; then run \
                     `prompt-manager setup hooks`.";
    Some(finding(Code::FileSystem, Severity::Error, detail, next_step))
}

/// The folders that hooks and ingesters write to.
fn unwritable(home: &DataDir) -> Option<Finding> {
    let dirs = [home.tmp(), home.incoming(), home.processing()];
    let refused = |dir: PathBuf| {
        let error = access(&dir, Access::WRITE_OK | Access::EXEC_OK).err()?;
        (error != rustix::io::Errno::NOENT).then(|| (dir, io::Error::from(error)))
    };
    let (dir, error) = dirs.into_iter().find_map(refused)?;
    let detail = format!(
        "Nothing can be written to {}: {error}. Hooks write to their second place, and nothing is taken in.",
        dir.display()
    );
    let next_step = match error.kind() {
        // Not a matter of the mode.
        io::ErrorKind::PermissionDenied if error.raw_os_error() == Some(rustix::io::Errno::PERM.raw_os_error()) => {
            format!("It is marked as unchangeable (`lsattr -d {0}`): `sudo chattr -i {0}`.", shown(&dir))
        }
        io::ErrorKind::PermissionDenied => {
            let shut = shut(home, &dir);
            let is_ours = shut.metadata().is_ok_and(|meta| meta.uid() == ours());
            let step = if is_ours { format!("chmod u+rwx {}", shown(&shut)) } else { chown(&shut, ours()) };
            format!("Give yourself the right: `{step}`.")
        }
        io::ErrorKind::NotADirectory => format!("Something else is in its place: move `{}` away.", shown(&dir)),
        _ => format!("Mount it for writing again (`findmnt -T {}`); what waits is taken in by itself.", shown(&dir)),
    };
    Some(finding(Code::QueueUnwritable, Severity::Error, detail, next_step))
}

/// The outermost of the folders down to `dir` that keeps us out.
fn shut(home: &DataDir, dir: &Path) -> PathBuf {
    let mut folders: Vec<_> = dir.ancestors().take_while(|folder| folder.starts_with(home.root())).collect();
    folders.reverse();
    let is_shut = |folder: &&&Path| access(**folder, Access::EXEC_OK).is_err();
    folders.iter().find(is_shut).map_or_else(|| dir.to_owned(), |folder| folder.to_path_buf())
}

fn ours() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// What gives it to that user, with all that is in it.
fn chown(path: &Path, user: u32) -> String {
    let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    format!("sudo chown -R {user} {}", shown(&real))
}

/// What belongs to somebody else: no ingester starts there. Not where root looks at another's data directory.
fn foreign(home: &DataDir) -> Option<Finding> {
    let owner = |path: &Path| path.metadata().ok().map(|meta| meta.uid());
    if ours() == 0 && owner(home.root()) != Some(0) {
        return None;
    }
    let places = [
        home.root().to_owned(),
        home.queue(),
        home.tmp(),
        home.incoming(),
        home.processing(),
        home.failed(),
        home.archive(),
        home.run(),
        home.db_lock(),
        home.database_dir(),
        home.database(),
    ];
    let is_foreign = |path: &PathBuf| owner(path).is_some_and(|owner| owner != ours());
    let path = places.into_iter().find(is_foreign)?;
    let detail = format!(
        "{} belongs to user {}, not to {} who runs this: no ingester starts there.",
        path.display(),
        owner(&path).unwrap_or_default(),
        ours()
    );
    Some(finding(
        Code::OwnerForeign,
        Severity::Error,
        detail,
        format!("Give it to yourself: `{}`.", chown(&path, ours())),
    ))
}

/// What waits and belongs to another than its folder: it is passed over, and all else is taken in.
fn foreign_file(settings: &Settings, queue: &Queue) -> Option<Finding> {
    let spill = settings.spill.as_ref().map(|spill| spill.join("incoming"));
    let places = [(Some(settings.home.incoming()), queue.incoming), (spill, queue.spill)];
    let path = places.into_iter().find_map(|(path, folder)| path.filter(|_| folder.has_foreign))?;
    let owner = path.metadata().ok()?.uid();
    let detail = format!(
        "Something in {} belongs to another user, as what a hook wrote that ran with `sudo`: it is not taken in.",
        path.display()
    );
    let next_step = format!("Give it to yourself, and it is: `{}`.", chown(&path, owner));
    Some(finding(Code::OwnerForeign, Severity::Warning, detail, next_step))
}

/// What others may look into or read, of what matters most.
fn open_to_others(settings: &Settings) -> Vec<Finding> {
    let home = &settings.home;
    let mut folders = Vec::from(home.folders());
    folders.extend(settings.spill.iter().flat_map(|spill| [spill.clone(), spill.join("tmp"), spill.join("incoming")]));
    let database = home.database();
    let secrets =
        ["db", "db-wal", "db-shm"].map(|end| database.with_extension(end)).into_iter().chain([home.api_token()]);
    let next_step = |then: &str| format!("Run `prompt-manager doctor --repair`, which closes it{then}.");
    let told = |code, severity, what: &str, open: Vec<String>, next_step: String| {
        let named = open.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
        let more = open.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        (!open.is_empty()).then(|| finding(code, severity, format!("{what}: {named}{more}."), next_step))
    };
    let folders = opened(home, folders.into_iter());
    let secrets = opened(home, secrets);
    let then = "; a token that was read should be replaced";
    [
        told(Code::FolderOpen, Severity::Warning, "Others may look into a folder", folders, next_step("")),
        told(
            Code::SecretOpen,
            Severity::Error,
            "Others may read the database, a backup or a token",
            secrets,
            next_step(then),
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn opened(home: &DataDir, paths: impl Iterator<Item = PathBuf>) -> Vec<String> {
    let open = |path: PathBuf| {
        let meta = path.symlink_metadata().ok().filter(|meta| !meta.is_symlink() && meta.mode() & OTHERS != 0)?;
        let place = path.strip_prefix(home.root()).ok().filter(|below| !below.as_os_str().is_empty()).unwrap_or(&path);
        Some(format!("{} ({:04o})", place.display(), meta.mode() & 0o7777))
    };
    paths.filter_map(open).collect()
}

/// As one word of a shell.
fn shown(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}
