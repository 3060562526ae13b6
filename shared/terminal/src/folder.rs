//! A folder as people type it: from here, from home, with dots.

use std::path::{Component, Path, PathBuf};

/// An absolute path without `.`, `..` and a `/` at its end. It need not exist any more.
///
/// # Errors
/// Why there is none, as a sentence without its end.
pub fn folder(typed: &str) -> Result<String, String> {
    let mut plain = PathBuf::new();
    for part in whole(typed)?.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain.into_os_string().into_string().map_err(|_| "the path is not UTF-8".to_owned())
}

/// The same folder by the path that a program which runs in it is told: every link followed. `None` if it is not there.
pub fn real_folder(typed: &str) -> Option<String> {
    std::fs::canonicalize(whole(typed).ok()?).ok()?.into_os_string().into_string().ok()
}

fn whole(typed: &str) -> Result<PathBuf, String> {
    let here = std::env::current_dir().map_err(|error| format!("the current folder cannot be told: {error}"))?;
    let home = std::env::var_os("HOME").filter(|_| typed == "~" || typed.starts_with("~/"));
    let path = home.map(|home| Path::new(&home).join(typed[1..].trim_start_matches('/')));
    Ok(here.join(path.unwrap_or_else(|| PathBuf::from(typed))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders() {
        let check = |typed: &str, expected: &str| assert_eq!(folder(typed).unwrap(), expected, "{typed}");
        let here = std::env::current_dir().unwrap();
        check("/a/./b/../c/", "/a/c");
        check("/..", "/");
        check(".", here.to_str().unwrap());
        check("x/..", here.to_str().unwrap());
    }
}
