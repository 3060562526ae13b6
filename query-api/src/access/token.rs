//! The bearer token in `run/api.token`: 256 random bits in 64 hex digits, made once, readable by its owner alone.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use queue::DataDir;

const DIGITS: usize = 64;

/// The token. Its text is in the file alone: nothing prints or logs it.
pub(crate) struct Token([u8; DIGITS]);

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{op} {path}: {source}")]
    Io { op: &'static str, path: PathBuf, source: io::Error },
    #[error("use the token in {path}: others can read it; delete the file, and the next start makes a new one")]
    Shared { path: PathBuf },
    #[error("use the token in {path}: it is not one of ours; delete the file, and the next start makes a new one")]
    Malformed { path: PathBuf },
}

impl Token {
    /// Reads the token; makes it at the first start.
    pub(crate) fn load_or_make(home: &DataDir) -> Result<Self, Error> {
        let path = home.api_token();
        queue::layout::create_private_dir(&home.run()).map_err(at("make the folder of", &path))?;
        if !path.exists() {
            make(&path)?;
        }
        read(&path)
    }

    /// Whether `given` is the token; how long that takes says nothing about where they differ.
    pub(crate) fn is(&self, given: &[u8]) -> bool {
        let different = self.0.iter().zip(given).fold(0, |different, (a, b)| different | (a ^ b));
        given.len() == DIGITS && std::hint::black_box(different) == 0
    }
}

fn at<'a>(op: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> Error + use<'a> {
    move |source| Error::Io { op, path: path.to_owned(), source }
}

/// 256 random bits in hex digits.
pub(crate) fn random_hex() -> io::Result<String> {
    let mut bytes = [0; DIGITS / 2];
    getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Two servers may start at once: each writes a file of its own, the first to link it wins, both read the winner's.
fn make(path: &Path) -> Result<(), Error> {
    let text = random_hex().map_err(at("draw random bytes for", path))?;
    let own = path.with_extension(format!("token.{}", std::process::id()));
    let _ = std::fs::remove_file(&own); // of a start that died here
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(&own).map_err(at("create", &own))?;
    writeln!(file, "{text}").map_err(at("write", &own))?;
    let linked = std::fs::hard_link(&own, path);
    std::fs::remove_file(&own).map_err(at("remove", &own))?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(at("create", path)(error)),
        _ => Ok(()),
    }
}

fn read(path: &Path) -> Result<Token, Error> {
    let file = queue::plain::open(OpenOptions::new().read(true), path).map_err(at("open", path))?;
    let found = file.metadata().map_err(at("look at", path))?;
    if found.mode() & 0o077 != 0 {
        return Err(Error::Shared { path: path.to_owned() });
    }
    let mut text = String::new();
    let malformed = || Error::Malformed { path: path.to_owned() };
    file.take(1024).read_to_string(&mut text).map_err(at("read", path))?;
    let digits: [u8; DIGITS] = text.trim_ascii_end().as_bytes().try_into().map_err(|_| malformed())?;
    if digits.iter().all(u8::is_ascii_hexdigit) { Ok(Token(digits)) } else { Err(malformed()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn made_once_for_its_owner_alone() {
        let home = tempfile::tempdir().unwrap();
        let dir = DataDir::new(home.path());
        let first = Token::load_or_make(&dir).unwrap();
        assert_eq!(std::fs::metadata(dir.api_token()).unwrap().mode() & 0o777, 0o600);
        let text = std::fs::read_to_string(dir.api_token()).unwrap();
        assert!(first.is(text.trim_end().as_bytes()));
        assert!(Token::load_or_make(&dir).unwrap().is(text.trim_end().as_bytes()));
        assert_eq!(std::fs::read_dir(dir.run()).unwrap().count(), 1, "something was left beside the token");

        let other = tempfile::tempdir().unwrap();
        Token::load_or_make(&DataDir::new(other.path())).unwrap();
        assert_ne!(std::fs::read_to_string(DataDir::new(other.path()).api_token()).unwrap(), text);
    }

    #[test]
    fn only_the_token_is_the_token() {
        let token = Token([b'a'; DIGITS]);
        assert!(token.is(&[b'a'; DIGITS]));
        for wrong in [&b""[..], b"a", &[b'a'; DIGITS - 1], &[b'a'; DIGITS + 1], &[b'b'; DIGITS]] {
            assert!(!token.is(wrong));
        }
    }

    fn check_refused(text: &str, mode: u32, expected: &str) {
        let home = tempfile::tempdir().unwrap();
        let dir = DataDir::new(home.path());
        std::fs::create_dir(dir.run()).unwrap();
        std::fs::write(dir.api_token(), text).unwrap();
        std::fs::set_permissions(dir.api_token(), std::fs::Permissions::from_mode(mode)).unwrap();
        let error = Token::load_or_make(&dir).err().unwrap().to_string();
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn a_token_that_others_know_is_refused() {
        let good = "0123456789abcdef".repeat(4);
        for mode in [0o644, 0o640, 0o604, 0o660, 0o601] {
            check_refused(&good, mode, "others can read it");
        }
        for text in ["", "short", &good[1..], &format!("{good}0"), &good.replace('a', "g"), "\u{e9}"] {
            check_refused(text, 0o600, "not one of ours");
        }
    }
}
