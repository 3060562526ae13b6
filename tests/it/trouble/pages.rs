//! docs/trouble against the codes: each trouble of the table has a page that names its code, each page is in the list, and no
//! page names a code that nobody tells.

use std::collections::BTreeSet;
use std::fs;

use super::Row;

pub(super) fn check(table: &[&Row]) {
    let folder = harness::repository().join("docs/trouble");
    let list = fs::read_to_string(folder.join("README.md")).unwrap();
    let mut pages = BTreeSet::new();
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if name != "README" {
            assert!(list.contains(&format!("({name}.md)")), "the list does not lead to {name}.md");
            pages.insert(name);
        }
    }
    let text = |page: &str| fs::read_to_string(folder.join(format!("{page}.md"))).unwrap();
    for row in table {
        assert!(text(row.page).contains(&format!("`{}`", row.code)), "{}.md does not name {}", row.page, row.code);
    }
    let rows = BTreeSet::from_iter(table.iter().map(|row| row.page.to_owned()));
    let beside = ["backups", "data-moved", "forget-unfinished", "settings-wrong"].map(str::to_owned);
    assert_eq!(pages, rows.into_iter().chain(beside).collect(), "a page without a row, or a row without a page");
    // What `status` tells with a page of its own is named there; what it tells without one, in the table of all findings.
    let status = fs::read_to_string(harness::repository().join("docs/operating-status.md")).unwrap();
    for (code, page) in status::CODES {
        assert!(status.contains(&format!("`{code}`")), "docs/operating-status.md does not name {code}");
        if !page.is_empty() {
            assert!(text(page).contains(&format!("`{code}`")), "{page}.md does not name {code}");
            assert!(list.contains(&format!("`{code}`")), "the list does not name {code}");
        }
    }
    // And the other way round, of what `doctor` alone tells too.
    let doctor = fs::read_to_string(harness::repository().join("docs/operating-doctor.md")).unwrap();
    let is_known = |code: &str| {
        status::CODES.iter().any(|(known, _)| *known == code) || doctor.contains(&format!("\n| `{code}` |"))
    };
    for page in &pages {
        let text = text(page);
        let (_, codes) = text.split_once("\n\n").unwrap();
        let (codes, _) = codes.split_once("\n\n").unwrap();
        let codes = if codes.starts_with("Code") { codes } else { "" };
        let codes: Vec<_> = codes.split('`').skip(1).step_by(2).filter(|code| !code.contains(['.', ' '])).collect();
        let unknown: Vec<_> = codes.iter().filter(|code| !is_known(code)).collect();
        assert!(unknown.is_empty(), "{page}.md names {unknown:?}, which nobody tells");
        for part in ["\n## What you see\n", "\n## What happens by itself\n", "\n## What to do\n", "\n## How it ends\n"]
        {
            assert!(text.contains(part), "{page}.md has no {part:?}");
        }
    }
    let known: BTreeSet<_> = status::CODES.iter().map(|(code, _)| *code).collect();
    let named = list.lines().filter(|line| line.starts_with("| ")).flat_map(|line| line.split('`').skip(1).step_by(2));
    for code in named.filter(|code| code.contains('_')) {
        assert!(known.contains(code), "the list names {code}, which nobody tells");
    }
}
