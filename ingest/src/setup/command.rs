//! The command `/rate` of Claude Code: a file in a configuration's `commands`, without which the client would not know the word.
//!
//! The hook answers it before a model sees it; what the file says is read only where the hook did not run. A command or a skill
//! of that name that a person has is theirs, and is neither replaced nor taken out.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::disk::replace_durably;
use crate::error::{At, Error};

/// What the file says.
pub const TEXT: &str = include_str!("../../../ops/claude/rate.md");
/// By this line ours is known, also that of another version.
const MARK: &str = "Made by prompt-manager setup";

/// Where it lies.
pub fn path(config: &Path) -> PathBuf {
    config.join("commands/rate.md")
}

/// Whether there is one of ours.
pub fn is_there(config: &Path) -> bool {
    let path = path(config);
    !path.is_symlink() && fs::read_to_string(path).is_ok_and(|text| text.contains(MARK))
}

/// Makes sure that nobody has the name.
///
/// # Errors
/// [`Error::Refused`] with the file that has it.
pub fn check(config: &Path) -> Result<(), Error> {
    let skill = config.join("skills/rate");
    let command = path(config);
    let is_taken = fs::symlink_metadata(&command).is_ok() && !is_there(config);
    let Some(path) = is_taken.then_some(command).or_else(|| skill.exists().then_some(skill)) else { return Ok(()) };
    let problem = "is a /rate of your own; rename it, or set up without --rate".to_owned();
    Err(Error::Refused { path, problem })
}

/// Writes it, unless it is there as it should be. Gives whether it wrote.
///
/// # Errors
/// As [`check`]; the operating system's.
pub fn put(config: &Path) -> Result<bool, Error> {
    check(config)?;
    let path = path(config);
    if is_there(config) && fs::read_to_string(&path).is_ok_and(|text| text == TEXT) {
        return Ok(false);
    }
    let folder = path.parent().unwrap_or(config);
    DirBuilder::new().recursive(true).mode(0o700).create(folder).at("make", folder)?;
    replace_durably(&path, TEXT.as_bytes(), 0o600)?;
    Ok(true)
}

/// Takes ours away. Gives whether there was one.
///
/// # Errors
/// The operating system's.
pub fn take_out(config: &Path) -> Result<bool, Error> {
    if !is_there(config) {
        return Ok(false);
    }
    let path = path(config);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error).at("remove", &path),
        _ => Ok(true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_is_touched() {
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path();
        assert!(!take_out(config).unwrap());
        assert!(put(config).unwrap() && !put(config).unwrap() && is_there(config));
        fs::write(path(config), format!("an older one\n{MARK}\n")).unwrap();
        assert!(put(config).unwrap());
        assert_eq!(fs::read_to_string(path(config)).unwrap(), TEXT);
        assert!(take_out(config).unwrap() && !path(config).exists());
        for foreign in ["commands/rate.md", "skills/rate/any"] {
            let foreign = config.join(foreign);
            fs::create_dir_all(foreign.parent().unwrap()).unwrap();
            fs::write(&foreign, "mine").unwrap();
            let error = put(config).unwrap_err().to_string();
            assert!(error.contains("is a /rate of your own"), "{error}");
            assert!(!take_out(config).unwrap());
            assert_eq!(fs::read_to_string(&foreign).unwrap(), "mine");
            fs::remove_file(&foreign).unwrap();
        }
    }

    /// The client reads the fields; the hook's sentence is the one thing that a model would see.
    #[test]
    fn the_file_is_a_command() {
        let (head, body) = TEXT.strip_prefix("---\n").unwrap().split_once("\n---\n").unwrap();
        for field in ["description: ", "argument-hint: ", "disable-model-invocation: true"] {
            assert!(head.lines().any(|line| line.starts_with(field)), "{field}");
        }
        assert!(body.contains(MARK) && body.contains("Nothing was saved"));
    }
}
