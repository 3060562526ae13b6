//! docs/data-model.md is of the schema that there is: its number, and every column of every table it describes.

use std::collections::BTreeSet;

use super::page::Page;
use super::reader::{Reader, Stage};

/// The names in the first column of each table of the page, by the heading above, which names a table or a view.
fn described(page: &Page) -> Vec<(String, Vec<String>)> {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    for line in page.prose() {
        if line.starts_with('#') {
            let name = line.split('`').nth(1).unwrap_or_default();
            found.push((name.to_owned(), Vec::new()));
        } else if let (Some(first), Some((_, columns))) = (line.strip_prefix("| "), found.last_mut()) {
            let cell = first.split(" | ").next().unwrap_or_default();
            columns.extend(cell.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    found.retain(|(name, columns)| !name.is_empty() && !columns.is_empty());
    found
}

#[test]
fn the_page_is_of_this_schema() {
    let page = Page::read("docs/data-model.md");
    let reader = Reader::new(Stage::Used);
    let database = reader.data("database/prompts.db");
    let ask = |sql: &str| {
        let done = reader.command("sqlite3").args(["-readonly", "-bail"]).arg(&database).arg(sql).succeed();
        done.out().lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let number = ask("PRAGMA user_version").join("");
    assert!(page.text.contains(&format!("schema {number}")), "docs/data-model.md does not say schema {number}");
    let tables = described(&page);
    assert!(tables.len() >= 8, "only {} tables are described", tables.len());
    for (table, columns) in tables {
        let there: BTreeSet<_> = ask(&format!("SELECT name FROM pragma_table_info('{table}')")).into_iter().collect();
        let unknown: Vec<_> = columns.iter().filter(|column| !there.contains(*column)).collect();
        assert!(unknown.is_empty(), "{table} has no {unknown:?}; it has {there:?}");
        let untold: Vec<_> = there.iter().filter(|column| !columns.contains(*column)).collect();
        assert!(untold.is_empty(), "{table} has {untold:?}, which the page does not tell");
    }
}
