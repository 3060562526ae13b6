//! Where one document goes: standard output, or a file that appears whole, for its owner alone, and replaces nothing
//! unless it is told to.

use std::fs::{self, File};
use std::io::{self, BufWriter, Stdout, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::error::{At, Error};

/// Whether a file that is there may be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// It stays, and that is an error.
    Keep,
    /// It makes room at the end, in one step.
    Replace,
}

/// An open document.
#[derive(Debug)]
pub enum Out {
    /// On standard output.
    Stdout(BufWriter<Stdout>),
    /// A file.
    File(NewFile),
}

impl Out {
    /// Standard output.
    pub fn stdout() -> Self {
        Self::Stdout(BufWriter::with_capacity(1 << 16, io::stdout()))
    }

    /// A file, which has its name only from [`Out::finish`] on.
    ///
    /// # Errors
    /// As [`NewFile::create`].
    pub fn file(path: &Path, existing: Existing) -> Result<Self, Error> {
        NewFile::create(path, existing).map(Self::File)
    }

    /// Whatever `write` writes, with errors that name the file.
    ///
    /// # Errors
    /// [`Error::Closed`] when the reader of standard output has gone.
    pub fn write(&mut self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Error> {
        match self {
            Self::Stdout(out) => write(out).at("write", Path::new("to standard output")),
            Self::File(file) => file.write(write),
        }
    }

    /// Ends it: everything is out, the file has its name.
    ///
    /// # Errors
    /// As [`NewFile::finish`].
    pub fn finish(self) -> Result<(), Error> {
        match self {
            Self::Stdout(mut out) => out.flush().at("write", Path::new("to standard output")),
            Self::File(file) => file.finish(),
        }
    }
}

/// A file under a name of its own until it is whole. Dropped before, it leaves nothing.
#[derive(Debug)]
pub struct NewFile {
    out: Option<BufWriter<File>>,
    temporary: PathBuf,
    path: PathBuf,
    existing: Existing,
}

impl NewFile {
    /// Begins one beside `path`.
    ///
    /// # Errors
    /// [`Error::Taken`] and [`Error::NoFile`] if something has the name, else the operating system's.
    pub fn create(path: &Path, existing: Existing) -> Result<Self, Error> {
        match fs::symlink_metadata(path) {
            Ok(meta) if !meta.is_file() => return Err(Error::NoFile { path: path.to_owned() }),
            Ok(_) if existing == Existing::Keep => return Err(Error::Taken { path: path.to_owned() }),
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error).at("look at", path),
            _ => {}
        }
        let Some(name) = path.file_name() else { return Err(Error::NoFile { path: path.to_owned() }) };
        // Short, so that a long name does not become too long; the inode of its folder is not asked for uniqueness: the
        // process id is enough, because one process writes one file at a time in a folder.
        let mut hidden = std::ffi::OsString::from(format!(".export-{}-", std::process::id()));
        hidden.push(if name.len() > 100 { std::ffi::OsStr::new("part") } else { name });
        let temporary = path.with_file_name(hidden);
        let _ = fs::remove_file(&temporary);
        let file = File::options().write(true).create_new(true).mode(0o600).open(&temporary).at("create", path)?;
        let out = Some(BufWriter::with_capacity(1 << 16, file));
        Ok(Self { out, temporary, path: path.to_owned(), existing })
    }

    /// Whatever `write` writes.
    ///
    /// # Errors
    /// The operating system's.
    pub fn write(&mut self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Error> {
        match &mut self.out {
            Some(out) => write(out).at("write", &self.temporary),
            None => Ok(()),
        }
    }

    /// The path under which it is being written.
    pub(crate) fn temporary(&self) -> &Path {
        &self.temporary
    }

    /// Everything that was written is in the temporary file.
    pub(crate) fn flush(&mut self) -> Result<(), Error> {
        self.write(|out| out.flush())
    }

    pub(crate) fn set_modified(&mut self, time: std::time::SystemTime) {
        // A nicety: a file system that keeps no times keeps the bytes.
        if let Some(out) = &self.out {
            let _ = out.get_ref().set_modified(time);
        }
    }

    /// Gives it its name, when the disk has it.
    ///
    /// # Errors
    /// [`Error::Taken`] if something has the name by now, else the operating system's.
    pub fn finish(mut self) -> Result<(), Error> {
        self.flush()?;
        if let Some(out) = self.out.take() {
            out.get_ref().sync_all().at("write", &self.temporary)?;
        }
        match self.existing {
            Existing::Replace => fs::rename(&self.temporary, &self.path).at("rename to", &self.path),
            Existing::Keep => match queue::place::rename_new(&self.temporary, &self.path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    Err(Error::Taken { path: self.path.clone() })
                }
                done => done.at("rename to", &self.path),
            },
        }
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.temporary);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    /// What is at the path before, how it is written, and what is there afterwards.
    fn check(before: Option<&str>, existing: Existing, expected: Result<&str, &str>) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        if let Some(text) = before {
            fs::write(&path, text).unwrap();
        }
        let written = NewFile::create(&path, existing).and_then(|mut file| {
            file.write(|out| out.write_all(b"new"))?;
            assert_ne!(fs::read_to_string(&path).ok().as_deref(), Some("new"), "it has its name too early");
            file.finish()
        });
        match expected {
            Ok(text) => {
                written.unwrap();
                assert_eq!(fs::read_to_string(&path).unwrap(), text);
                assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            }
            Err(said) => {
                assert!(written.unwrap_err().to_string().contains(said));
                assert_eq!(fs::read_to_string(&path).ok().as_deref(), before);
            }
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "something is left");
    }

    #[test]
    fn a_file_appears_whole_and_replaces_nothing_unasked() {
        check(None, Existing::Keep, Ok("new"));
        check(Some("old"), Existing::Keep, Err("it is there already"));
        check(Some("old"), Existing::Replace, Ok("new"));
    }

    #[test]
    fn only_files_are_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let link = dir.path().join("link");
        std::os::unix::fs::symlink("elsewhere", &link).unwrap();
        for path in [dir.path(), &link, Path::new("/dev/null")] {
            for existing in [Existing::Keep, Existing::Replace] {
                assert!(matches!(NewFile::create(path, existing), Err(Error::NoFile { .. })), "{}", path.display());
            }
        }
    }

    #[test]
    fn what_is_dropped_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let mut file = NewFile::create(&dir.path().join("file"), Existing::Keep).unwrap();
        file.write(|out| out.write_all(b"half")).unwrap();
        drop(file);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    /// Somebody else took the name meanwhile.
    #[test]
    fn a_name_that_is_taken_meanwhile_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let file = NewFile::create(&path, Existing::Keep).unwrap();
        fs::write(&path, "theirs").unwrap();
        assert!(matches!(file.finish(), Err(Error::Taken { .. })));
        assert_eq!(fs::read_to_string(&path).unwrap(), "theirs");
    }
}
