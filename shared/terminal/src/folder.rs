//! A folder or a project as people type it: from here, from home, with dots, through links, or by its name alone.

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

/// What `--project` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Project {
    /// A project of this name.
    Name(String),
    /// A folder.
    Folder {
        /// By its whole path.
        path: String,
        /// By the path that a program which runs in it is told, every link followed, where that is another one.
        real: Option<String>,
    },
}

impl Project {
    /// What is no path is a name.
    ///
    /// # Errors
    /// Why there is no such path, as a sentence without its end.
    pub fn parse(typed: &str) -> Result<Self, String> {
        if !typed.contains('/') && ![".", "..", "~"].contains(&typed) {
            return Ok(Self::Name(typed.to_owned()));
        }
        let path = folder(typed)?;
        let real = std::fs::canonicalize(whole(typed)?).ok().and_then(|real| real.into_os_string().into_string().ok());
        Ok(Self::Folder { real: real.filter(|real| *real != path), path })
    }

    /// All that a store may know it as: a folder of which one of the ways became a link may be known by both.
    pub fn names(&self) -> Vec<String> {
        match self {
            Self::Folder { path, real } => real.iter().chain([path]).cloned().collect(),
            Self::Name(name) => vec![name.clone()],
        }
    }

    /// As a store knows it. Claude Code tells where it runs with every link followed, so that is how a store knows a folder,
    /// unless it came from another machine or before the link: `holds` says whether there is anything of one.
    ///
    /// # Errors
    /// Those of `holds`.
    pub fn known<E>(&self, holds: impl FnOnce(&str) -> Result<bool, E>) -> Result<String, E> {
        Ok(match self {
            Self::Folder { real: Some(real), .. } if holds(real)? => real.clone(),
            Self::Folder { path, .. } => path.clone(),
            Self::Name(name) => name.clone(),
        })
    }
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

    #[test]
    fn projects() {
        let real = std::fs::canonicalize(std::env::temp_dir()).unwrap().join(format!("folder-{}", std::process::id()));
        std::fs::create_dir_all(real.join("place")).unwrap();
        let link = real.join("link");
        std::os::unix::fs::symlink(real.join("place"), &link).unwrap();
        let (link, place) = (link.to_str().unwrap(), real.join("place").to_str().unwrap().to_owned());
        let check = |typed: &str, holds: bool, expected: &str| {
            let known = Project::parse(typed).unwrap().known(|_| Ok::<_, ()>(holds));
            assert_eq!(known.unwrap(), expected, "{typed} {holds}");
        };
        assert_eq!(Project::parse(link).unwrap().names(), [place.as_str(), link]);
        assert_eq!(Project::parse(&place).unwrap().names(), [place.as_str()]);
        assert_eq!(Project::parse("acme").unwrap().names(), ["acme"]);
        check("acme", true, "acme");
        check(link, true, &place);
        check(link, false, link);
        check(&format!("{link}/../place"), true, &place);
        check(&place, false, &place);
        check("/nowhere/at/../all", true, "/nowhere/all");
        std::fs::remove_dir_all(&real).unwrap();
    }
}
