//! Opens a file that others may have put there. Only a plain one is opened, and that without waiting: whoever reads a pipe to which
//! nobody writes waits for ever, and whoever opens one takes from its writer what was meant for another.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Open without waiting for somebody at the other end.
const O_NONBLOCK: i32 = if cfg!(target_os = "macos") { 0x4 } else { 0x800 };

/// All of the file, to which links may lead.
///
/// # Errors
/// `InvalidInput` if it is none, else the operating system's.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(OpenOptions::new().read(true), path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Opens it as `options` say, which have no flags of their own.
///
/// # Errors
/// As of [`read`].
pub fn open(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {} // it may be to be made
        found => is_plain(&found?)?,
    }
    let file = options.custom_flags(O_NONBLOCK).open(path)?;
    // It may have become another between the two.
    is_plain(&file.metadata()?)?;
    Ok(file)
}

fn is_plain(meta: &fs::Metadata) -> io::Result<()> {
    let kind = meta.file_type();
    let what = match () {
        () if kind.is_file() => return Ok(()),
        () if kind.is_dir() => "it is a folder",
        () => "it is no plain file",
    };
    Err(io::Error::new(io::ErrorKind::InvalidInput, what))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;

    #[test]
    fn only_plain_files_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let check = |name: &str, expected: Result<&[u8], &str>| {
            let found = read(&path(name)).map_err(|error| error.to_string());
            assert_eq!(found.as_deref().map_err(String::as_str), expected, "{name}");
        };
        fs::write(path("file"), "text").unwrap();
        std::os::unix::fs::symlink("file", path("link")).unwrap();
        let made = std::process::Command::new("mkfifo").arg(path("pipe")).status().unwrap();
        assert!(made.success());
        let _socket = UnixListener::bind(path("socket")).unwrap();
        check("file", Ok(b"text"));
        check("link", Ok(b"text"));
        check("pipe", Err("it is no plain file"));
        check("socket", Err("it is no plain file"));
        check(".", Err("it is a folder"));
        check("absent", Err("No such file or directory (os error 2)"));
    }
}
