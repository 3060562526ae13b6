//! Where the API listens: an address of this machine, or a socket in the file system.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::Deserialize;

/// A place to listen at.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Listen {
    /// An address and a port; port 0 takes a free one.
    Tcp(SocketAddr),
    /// A socket at this absolute path.
    Unix(PathBuf),
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix("unix:") {
            Some(path) if Path::new(path).is_absolute() => Ok(Self::Unix(path.into())),
            Some(_) => {
                Err("write the absolute path of a socket, such as unix:/run/user/1000/prompt-manager.sock".into())
            }
            None => text.parse().map(Self::Tcp).map_err(|_| {
                "write an address and a port, such as 127.0.0.1:8765, or a socket, such as unix:/run/user/1000/pm.sock"
                    .into()
            }),
        }
    }
}

impl TryFrom<String> for Listen {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let found = text.parse::<Listen>().map_or_else(|error| error, |listen| format!("{listen:?} {listen}"));
        assert!(found.starts_with(expected), "{text}: {found}");
    }

    #[test]
    fn places() {
        check("127.0.0.1:80", "Tcp(127.0.0.1:80) 127.0.0.1:80");
        check("[::1]:0", "Tcp([::1]:0) [::1]:0");
        check("unix:/a/b.sock", "Unix(\"/a/b.sock\") unix:/a/b.sock");
        for wrong in ["", "localhost:80", "127.0.0.1", "/a/b.sock", "8765"] {
            check(wrong, "write an address and a port");
        }
        for wrong in ["unix:", "unix:b.sock", "unix:./b"] {
            check(wrong, "write the absolute path");
        }
    }
}
