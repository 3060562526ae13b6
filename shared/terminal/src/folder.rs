//! A folder as people type it: from here, from home, with dots.

use std::path::{Component, Path, PathBuf};

/// An absolute path without `.`, `..` and a `/` at its end. It need not exist any more.
///
/// # Errors
/// Why there is none, as a sentence without its end.
pub fn folder(typed: &str) -> Result<String, String> {
    let here = std::env::current_dir().map_err(|error| format!("the current folder cannot be told: {error}"))?;
    let home = std::env::var_os("HOME").filter(|_| typed == "~" || typed.starts_with("~/"));
    let path = home.map(|home| Path::new(&home).join(typed[1..].trim_start_matches('/')));
    let whole = here.join(path.unwrap_or_else(|| PathBuf::from(typed)));
    let mut plain = PathBuf::new();
    for part in whole.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain.into_os_string().into_string().map_err(|_| "the path is not UTF-8".to_owned())
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
