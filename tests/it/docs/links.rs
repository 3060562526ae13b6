//! Every relative link in README.md and docs/ leads to a file of the repository, and to a heading of it where it names one;
//! every page below docs/ is reached from docs/README.md.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use harness::repository;

use super::page::{self, Page};

/// Where the links of a page lead, with what stands behind a `#`.
fn links(page: &Page) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for line in page.prose() {
        let code_taken_out: String = line.split('`').step_by(2).collect::<Vec<_>>().join("x");
        for rest in code_taken_out.split("](").skip(1) {
            let target = rest.split([')', ' ']).next().unwrap_or_default();
            if !target.contains("://") && !target.starts_with("mailto:") {
                let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
                found.push((path.to_owned(), anchor.to_owned()));
            }
        }
    }
    found
}

/// README.md, docs/README.md, and every page in the order in which that first names it.
pub(super) fn path_of_a_reader() -> Vec<String> {
    let mut path = vec!["README.md".to_owned(), "docs/README.md".to_owned()];
    for (target, _) in links(&Page::read("docs/README.md")) {
        let name = from_root("docs/README.md", &target);
        let is_page = name.starts_with("docs/") && name.ends_with(".md") && repository().join(&name).exists();
        if is_page && !path.contains(&name) {
            path.push(name);
        }
    }
    path
}

/// `path` as it is written on `page`, from the root of the repository.
fn from_root(page: &str, path: &str) -> String {
    if path.is_empty() {
        return page.to_owned();
    }
    let mut place = PathBuf::new();
    for part in Path::new(page).parent().unwrap_or(Path::new("")).join(path).components() {
        match part {
            Component::ParentDir => drop(place.pop()),
            part => place.push(part),
        }
    }
    place.display().to_string()
}

/// The headings of a page as GitHub makes anchors of them.
fn anchors(page: &Page) -> BTreeSet<String> {
    let headings = page.prose().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let kept = |heading: &str| {
        let signs = heading.to_lowercase();
        let signs = signs.chars().filter(|sign| sign.is_alphanumeric() || " -_".contains(*sign));
        signs.map(|sign| if sign == ' ' { '-' } else { sign }).collect()
    };
    headings.map(kept).collect()
}

#[test]
fn every_link_leads_somewhere() {
    let pages = page::all();
    let headings: BTreeMap<&str, BTreeSet<String>> =
        pages.iter().map(|page| (page.name.as_str(), anchors(page))).collect();
    let (mut broken, mut looked_at) = (Vec::new(), 0);
    for page in &pages {
        for (path, anchor) in links(page) {
            looked_at += 1;
            let target = from_root(&page.name, &path);
            let is_there = repository().join(&target).exists();
            let is_heading =
                anchor.is_empty() || headings.get(target.as_str()).is_some_and(|all| all.contains(&anchor));
            if !is_there || !is_heading {
                broken.push(format!("{}: {path}#{anchor}", page.name));
            }
        }
    }
    assert!(looked_at > 40, "only {looked_at} links were found");
    assert!(broken.is_empty(), "links that lead nowhere:\n{}", broken.join("\n"));
}

#[test]
fn every_page_is_reached() {
    let pages: BTreeMap<String, Page> = page::all().into_iter().map(|page| (page.name.clone(), page)).collect();
    let (mut reached, mut next) = (BTreeSet::new(), vec!["docs/README.md".to_owned()]);
    while let Some(name) = next.pop() {
        if let Some(page) = pages.get(&name)
            && reached.insert(name.clone())
        {
            next.extend(links(page).iter().map(|(path, _)| from_root(&name, path)));
        }
    }
    let lost: Vec<_> = pages.keys().filter(|name| name.starts_with("docs/") && !reached.contains(*name)).collect();
    assert!(lost.is_empty(), "no link leads to {lost:?} from docs/README.md");
}
