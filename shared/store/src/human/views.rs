//! Saved searches as they are shown: each under a name of its own.
//!
//! Nobody can keep two of one name, but two stores that become one may bring such. Then the one that was saved last is called so,
//! and the others have a number behind: `good`, `good (2)`. Who changes one of these keeps it by the name that he sees, so that it
//! is no other's from then on.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use rusqlite::Connection;
use unicode_normalization::UnicodeNormalization;

use super::{SavedView, get};
use crate::error::Error;

/// Those that were not thrown away, in order of the names that they are shown by.
pub(crate) fn all(conn: &Connection) -> Result<Vec<SavedView>, Error> {
    let views = get::all(conn, &get::SAVED_VIEWS, |_| Ok(()))?.into_iter().map(|(view, ())| view);
    Ok(shown(views.filter(|view| view.removed_ms.is_none()).collect()))
}

/// The one that is shown by this name, however its signs are composed, or that has this id.
pub(crate) fn named<'v>(views: &'v [SavedView], name: &str) -> Option<&'v SavedView> {
    let composed = composed(name);
    views.iter().find(|view| view.name == composed).or_else(|| views.iter().find(|view| view.stamp.id == name))
}

fn composed(name: &str) -> String {
    name.nfc().collect()
}

fn shown(mut views: Vec<SavedView>) -> Vec<SavedView> {
    views.iter_mut().for_each(|view| view.name = composed(&view.name));
    views.sort_by_cached_key(|view| (view.name.clone(), Reverse((view.stamp.created_ms, view.stamp.id.clone()))));
    let mut taken: BTreeSet<String> = views.iter().map(|view| view.name.clone()).collect();
    let mut before = None;
    for view in &mut views {
        let name = view.name.clone();
        if before.as_ref() == Some(&name) {
            let numbered = (2..).map(|n| format!("{name} ({n})")).find(|free| !taken.contains(free));
            view.name = numbered.unwrap_or_default(); // there is always one
            taken.insert(view.name.clone());
        }
        before = Some(name);
    }
    views.sort_by(|a, b| a.name.cmp(&b.name));
    views
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::human::Stamp;

    #[test]
    fn each_has_a_name_of_its_own() {
        let check = |views: &[(&str, &str, i64)], expected: &[(&str, &str)]| {
            let views = views.iter().map(|(id, name, created_ms)| SavedView {
                stamp: Stamp { id: (*id).into(), origin: "o".into(), created_ms: *created_ms },
                name: (*name).into(),
                query: String::new(),
                removed_ms: None,
            });
            let found = shown(views.collect());
            let names: Vec<_> = found.iter().map(|view| (view.name.as_str(), view.stamp.id.as_str())).collect();
            assert_eq!(names, expected);
            for (name, id) in expected {
                assert_eq!(named(&found, name).map(|view| view.stamp.id.as_str()), Some(*id));
                assert_eq!(named(&found, id).map(|view| view.name.as_str()), Some(*name));
            }
        };
        check(&[("a", "good", 1), ("b", "best", 2)], &[("best", "b"), ("good", "a")]);
        check(
            &[("a", "good", 1), ("b", "good", 2), ("c", "good", 1)],
            &[("good", "b"), ("good (2)", "c"), ("good (3)", "a")],
        );
        // One that is really called so keeps its name.
        check(
            &[("a", "good", 1), ("b", "good", 2), ("c", "good (2)", 1)],
            &[("good", "b"), ("good (2)", "c"), ("good (3)", "a")],
        );
        check(&[("a", "fu\u{308}r", 1), ("b", "für", 2)], &[("für", "b"), ("für (2)", "a")]);
    }
}
