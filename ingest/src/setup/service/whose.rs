//! For which data directory a unit, a property list or a block of a crontab starts things: a user may have several, and each
//! manager has one place of our names.

use std::path::{Path, PathBuf};

use super::files;
use crate::error::Error;

/// The data directory that is named in it.
pub(super) fn home_in(text: &str) -> Option<PathBuf> {
    unit(text).or_else(|| property_list(text)).or_else(|| crontab(text)).map(PathBuf::from)
}

/// Another data directory than `home`, if these files start things for one. What is gone is nobody's.
pub(super) fn other(files: &[PathBuf], home: &Path) -> Option<PathBuf> {
    let ours = files.iter().filter(|path| files::is_ours(path));
    let named = ours.filter_map(|path| home_in(&String::from_utf8_lossy(&std::fs::read(path).ok()?))).next()?;
    is_other(&named, home).then_some(named)
}

/// Whether this is another one, and there.
pub(super) fn is_other(named: &Path, home: &Path) -> bool {
    named.is_dir() && !is_same(named, home)
}

/// Whether both are one place, whatever leads there.
pub(super) fn is_same(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.components().collect());
    real(one) == real(other)
}

/// What is said of a place that is another's; `command` takes it out.
pub(super) fn refused(place: &Path, other: &Path, command: &str) -> Error {
    let problem = format!("starts things for the data directory {}; first take that out: {command}", other.display());
    Error::Refused { path: place.to_owned(), problem }
}

fn unit(text: &str) -> Option<String> {
    let (_, rest) = text.split_once(" --home \"")?;
    let mut found = String::new();
    let mut chars = rest.chars();
    loop {
        match chars.next()? {
            '"' => return Some(found.replace("%%", "%")),
            '\\' => found.push(chars.next()?),
            c => found.push(c),
        }
    }
}

fn property_list(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("<string>--home</string>")?;
    let (_, rest) = rest.split_once("<string>")?;
    let (found, _) = rest.split_once("</string>")?;
    Some(found.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
}

fn crontab(text: &str) -> Option<String> {
    let (_, rest) = text.split_once(" --home '")?;
    let rest = rest.replace(r"'\''", "\0"); // no path has that
    let (found, _) = rest.split_once('\'')?;
    Some(found.replace('\0', "'").replace(r"\%", "%"))
}

#[cfg(test)]
mod tests {
    use super::super::escape::{cron_command, shell_word, unit_word, xml_text};
    use super::*;

    #[test]
    fn what_was_written_is_read_back() {
        for path in ["/a", "/a b/100%/it's/\"x\"\\y/<&>/ä/$HOME", "/%%'"] {
            for text in [
                format!("ExecStart=x run --home {} --leave-notify\n", unit_word(path)),
                format!("<string>--home</string>\n\t\t<string>{}</string>\n", xml_text(path)),
                cron_command(&format!("@reboot x run --home {} >/dev/null\n", shell_word(path))),
            ] {
                assert_eq!(home_in(&text), Some(path.into()), "{text}");
            }
        }
        assert_eq!(home_in("[Socket]\nListenStream=127.0.0.1:8765\n"), None);
    }
}
