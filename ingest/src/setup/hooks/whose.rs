//! Whose a call is: a user may have several data directories, and the calls of one are nothing that another takes out.

use std::path::{Path, PathBuf};

use queue::DataDir;

use crate::claude::{Call, shell};
use crate::setup::user::User;

/// The queue of another data directory, if this call writes to one. What nobody can tell, or what is gone, is nobody else's.
pub(super) fn elsewhere(user: &User<'_>, call: &Call) -> Option<PathBuf> {
    let set = |name: &str| call.vars.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.into());
    let env = |name: &str| set(name).or_else(|| (user.var)(name));
    let queue = call.queue.clone().or_else(|| DataDir::from_env(env).map(|home| home.queue()))?;
    let is_known = queue.is_absolute() && !shell::is_open(&queue.to_string_lossy());
    let is_there = queue.parent().is_some_and(Path::is_dir);
    (is_known && is_there && !is_same(&queue, &user.settings.home.queue())).then_some(queue)
}

/// The queue itself may be missing; its data directory is not.
fn is_same(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.components().collect());
    let parent = |path: &Path| real(path.parent().unwrap_or(path));
    real(one) == real(other) || (parent(one) == parent(other) && one.file_name() == other.file_name())
}

#[cfg(test)]
mod tests {
    use super::*;
    use settings::{Layer, Settings};

    #[test]
    fn whose() {
        let dir = tempfile::tempdir().unwrap();
        let place = |name: &str| dir.path().join(name).display().to_string();
        for name in ["ours", "theirs"] {
            std::fs::create_dir(dir.path().join(name)).unwrap();
        }
        std::os::unix::fs::symlink(dir.path().join("ours"), dir.path().join("link")).unwrap();
        let (ours, theirs) = (place("ours"), place("theirs"));
        let check = |default: &str, queue: Option<&str>, home: Option<&str>, expected: bool| {
            let var = |name: &str| match name {
                "HOME" => Some("/h".into()),
                "PROMPT_MANAGER_HOME" => Some(default.into()),
                _ => None,
            };
            let flags = Layer { home: Some(ours.clone().into()), ..Layer::default() };
            let settings = Settings::resolve(flags, &var).unwrap();
            let vars = home.map(|home| ("PROMPT_MANAGER_HOME".to_owned(), home.to_owned())).into_iter().collect();
            let call = Call { queue: queue.map(PathBuf::from), vars, ..Call::default() };
            assert_eq!(elsewhere(&User::new(&settings, &var), &call).is_some(), expected, "{default} {call:?}");
        };
        let queue = |name: &str| format!("{}/queue", place(name));
        check(&ours, Some(&queue("ours")), None, false);
        check(&ours, Some(&queue("link")), None, false);
        check(&ours, Some(&queue("theirs")), None, true);
        check(&ours, Some(&queue("gone")), None, false);
        check(&ours, Some("$WHO/queue"), None, false);
        check(&ours, None, None, false);
        check(&theirs, None, None, true);
        check(&theirs, None, Some(&ours), false);
        check(&ours, None, Some(&theirs), true);
    }
}
