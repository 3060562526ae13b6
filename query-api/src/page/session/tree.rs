//! What a session hangs together with: forks, resumed and continued sessions, each under the one that it came of.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};

use crate::page::text::{clipped, path};
use crate::page::time::moment;
use crate::view::{Relative, Tree, UserSession};

/// Deeper than this all stand on one level.
const DEEPEST: usize = 12;

/// The tree, if there is more in it than the session itself.
pub(super) fn tree(tree: &Tree<'_>, session: &UserSession<'_>) -> Markup {
    html! {
        @if tree.sessions.len() > 1 {
            h2 { "Where it comes from and went on" }
            ul class="tree" {
                @for (depth, kind, relative) in in_order(tree) {
                    li class={ "depth-" (depth) } {
                        @if let Some(kind) = kind { span class="quiet" { (kind.replace('-', " ")) " " } }
                        (named(relative, session.session_ids.contains(&relative.session_id)))
                        @if let Some(started) = &relative.started_at { " " span class="quiet" { (moment(started)) } }
                    }
                }
            }
            @if tree.cut { p class="quiet" { "There are more." } }
        }
    }
}

fn named(relative: &Relative<'_>, here: bool) -> Markup {
    let name = clipped(relative.title.unwrap_or(relative.session_id), 70);
    html! {
        @if here { b { (name) } } @else { a href=(path("/sessions/", relative.session_id, "")) { (name) } }
    }
}

/// Every session once, each behind the one that it came of, with how deep it stands and how it came of it.
fn in_order<'t, 'a>(tree: &'t Tree<'a>) -> Vec<(usize, Option<&'t str>, &'t Relative<'a>)> {
    let mut children: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    let mut has_parent = BTreeSet::new();
    for link in &tree.links {
        // One that came of two stands under the first of them alone.
        if has_parent.insert(link.session_id) {
            children.entry(link.other_session_id).or_default().push((link.kind, link.session_id));
        }
    }
    let known: BTreeMap<_, _> = tree.sessions.iter().map(|relative| (relative.session_id, relative)).collect();
    let mut oldest: Vec<_> = tree.sessions.iter().map(|relative| (&relative.started_at, relative.session_id)).collect();
    oldest.sort();
    let roots = oldest.iter().filter(|(_, id)| !has_parent.contains(id));
    // What only leads to itself in a circle has no root, and comes behind.
    let mut open: Vec<_> = roots.chain(&oldest).rev().map(|(_, id)| (0, None, *id)).collect();
    let (mut seen, mut found) = (BTreeSet::new(), Vec::new());
    while let Some((depth, kind, id)) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        found.extend(known.get(id).map(|relative| (depth, kind, *relative)));
        let next = children.get(id).into_iter().flatten().rev();
        open.extend(next.map(|(kind, id)| ((depth + 1).min(DEEPEST), Some(*kind), *id)));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::read;

    fn in_words(sessions: &[&str], links: &[(&str, &str)]) -> Vec<(usize, String)> {
        let relative = |(i, id): (usize, &&str)| read::Relative {
            session_id: (*id).to_owned(),
            title: None,
            started_ms: Some(i as i64),
            ended_ms: None,
        };
        let link = |(later, earlier): &(&str, &str)| read::TreeLink {
            session_id: (*later).to_owned(),
            kind: "fork-of".to_owned(),
            other_session_id: (*earlier).to_owned(),
        };
        let sessions = sessions.iter().enumerate().map(relative).collect();
        let found = read::Tree { sessions, links: links.iter().map(link).collect(), is_cut: false };
        in_order(&Tree::of(&found)).iter().map(|(depth, _, it)| (*depth, it.session_id.to_owned())).collect()
    }

    fn check(sessions: &[&str], links: &[(&str, &str)], expected: &str) {
        let found: Vec<_> = in_words(sessions, links).iter().map(|(depth, id)| format!("{depth}{id}")).collect();
        assert_eq!(found.join(" "), expected);
    }

    #[test]
    fn each_stands_under_the_one_that_it_came_of() {
        check(&["a"], &[], "0a");
        check(&["a", "b", "c"], &[("b", "a"), ("c", "a")], "0a 1b 1c");
        check(&["c", "b", "a"], &[("c", "b"), ("b", "a")], "0a 1b 2c");
        check(&["a", "b", "c", "d"], &[("c", "a"), ("c", "b")], "0a 1c 0b 0d");
        check(&["a", "b"], &[("a", "b"), ("b", "a")], "0a 1b");
        check(&["a"], &[("a", "a")], "0a");
    }

    #[test]
    fn a_long_chain_is_no_stair_out_of_the_page() {
        let names: Vec<String> = (0..100).map(|n| format!("{n:03}")).collect();
        let ids: Vec<&str> = names.iter().map(String::as_str).collect();
        let links: Vec<_> = ids.windows(2).map(|pair| (pair[1], pair[0])).collect();
        let found = in_words(&ids, &links);
        assert_eq!((found.len(), found[99].0), (100, DEEPEST));
    }
}
