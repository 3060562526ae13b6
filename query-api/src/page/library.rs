//! The prompts that are worth keeping, to be found and used again: grouped, each with its whole text to copy, and an export of
//! those that are chosen.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::row::{Said, facts, marks};
use super::text::{address, clipped, number, visible};
use super::time::month;
use crate::view::Item;

/// Characters of a prompt that the page shows. What is copied is all of it, from the store.
const SHOWN: usize = 600;

/// By what they are grouped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Group {
    #[default]
    Tag,
    Project,
    Rating,
    Month,
}

impl Group {
    const ALL: [Self; 4] = [Self::Tag, Self::Project, Self::Rating, Self::Month];

    fn as_str(self) -> &'static str {
        match self {
            Self::Tag => "tag",
            Self::Project => "project",
            Self::Rating => "rating",
            Self::Month => "month",
        }
    }

    pub(crate) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|group| group.as_str() == word)
    }

    /// The groups that a prompt is in; the first part is what they are sorted by.
    fn of(self, item: &Item<'_>) -> Vec<(String, String)> {
        let head = &item.head;
        match self {
            Self::Tag if head.tags.is_empty() => vec![("\u{10ffff}".to_owned(), "Without a tag".to_owned())],
            Self::Tag => head.tags.iter().map(|tag| (tag.to_lowercase(), clipped(tag, 60))).collect(),
            Self::Project => {
                let name = head.project_name.map_or_else(|| "Without a project".to_owned(), |name| clipped(name, 60));
                vec![(name.to_lowercase(), name)]
            }
            Self::Rating => {
                let name = match head.rating {
                    Some(rating) => format!("Rated {rating} of 5"),
                    None => "Not rated".to_owned(),
                };
                vec![((5 - head.rating.unwrap_or(0)).to_string(), name)]
            }
            Self::Month => {
                let (order, name) = head.timestamp.as_deref().map_or_else(Default::default, month);
                vec![(order, name)]
            }
        }
    }
}

/// What the page shows.
pub(crate) struct Library<'a> {
    pub(crate) items: &'a [Item<'a>],
    /// There are more than these.
    pub(crate) is_cut: bool,
    pub(crate) group: Group,
    pub(crate) words: Option<&'a str>,
}

impl Library<'_> {
    fn grouped(&self) -> Vec<(String, Vec<&Item<'_>>)> {
        let mut groups: BTreeMap<(String, String), Vec<&Item<'_>>> = BTreeMap::new();
        for item in self.items {
            for (order, name) in self.group.of(item) {
                groups.entry((order, name)).or_default().push(item);
            }
        }
        groups.into_iter().map(|((_, name), items)| (name, items)).collect()
    }

    fn href(&self, group: Group) -> String {
        let words = self.words.map(|words| ("q", words));
        address("/library", &words.into_iter().chain([("group", group.as_str())]).collect::<Vec<_>>())
    }

    /// The page.
    pub(crate) fn main(&self) -> Markup {
        let groups = self.grouped();
        html! {
            h1 { "Library" }
            p class="quiet" { "What you rated 4 or 5, starred or tagged." }
            div class="library-bar" {
                form class="filter-line" action="/library" {
                    label class="vh" for="words" { "Search in the library" }
                    input type="search" id="words" name="q" value=[self.words] placeholder="Search in the library" maxlength="1000" spellcheck="false";
                    input type="hidden" name="group" value=(self.group.as_str());
                    button { "Find" }
                }
                nav class="tabs" aria-label="Grouped by" {
                    @for group in Group::ALL {
                        a href=(self.href(group)) aria-current=[(group == self.group).then_some("true")] { "By " (group.as_str()) }
                    }
                }
            }
            @if self.items.is_empty() { (self.nothing()) } @else { (self.export()) }
            div class="library-body" {
                @if groups.len() > 3 {
                    nav class="groups" aria-label="Groups" {
                        ul { @for (n, (name, items)) in groups.iter().enumerate() {
                            li { a href={ "#group-" (n) } { (name) } " " span class="quiet" { (number(items.len() as u64)) } }
                        } }
                    }
                }
                div {
                    @for (n, (name, items)) in groups.iter().enumerate() {
                        section id={ "group-" (n) } aria-labelledby={ "name-" (n) } {
                            h2 id={ "name-" (n) } { (name) " " span class="quiet" { (number(items.len() as u64)) } }
                            ul class="kept" { @for item in items { (self.kept(item)) } }
                        }
                    }
                    @if self.is_cut { p class="quiet" { "These are the newest " (number(self.items.len() as u64)) "; search for the others." } }
                }
            }
        }
    }

    fn nothing(&self) -> Markup {
        html! {
            p class="nothing" {
                @if self.words.is_some() { "Nothing in the library fits. " a href="/library" { "Show all of it" } }
                @else { "Nothing is kept yet. Rate a prompt 4 or 5, star it or give it a tag, and it stands here." }
            }
        }
    }

    /// The form that all boxes belong to.
    fn export(&self) -> Markup {
        html! {
            form id="export" class="filter-line" action="/api/export" {
                input type="hidden" name="kept" value="true";
                @if let Some(words) = self.words { input type="hidden" name="q" value=(words); }
                label for="format" { "Export the chosen, or all, as" }
                select id="format" name="format" {
                    option value="markdown" { "Markdown" }
                    option value="jsonl" { "JSON lines" }
                    option value="csv" { "CSV" }
                    option value="messages" { "Chat messages" }
                }
                button { "Export" }
            }
        }
    }

    /// One prompt. In several groups it stands several times.
    fn kept(&self, item: &Item<'_>) -> Markup {
        let head = &item.head;
        let name = clipped(head.prompt_text.unwrap_or_default(), 60);
        html! {
            li data-id=(head.id) {
                label class="choose" { input type="checkbox" form="export" name="id" value=(head.id); span class="vh" { "Choose: " (name) } }
                div class="text" {
                    a class="prompt" href={ "/conversations/" (head.id) } { (shown(head.prompt_text.unwrap_or("(without a prompt)"))) }
                    (facts(item, Said::default()))
                }
                div class="side" {
                    button type="button" data-copy={ "/conversations/" (head.id) "/markdown?part=prompt" } hidden { "Copy" span class="vh" { ": " (name) } }
                    (marks(head))
                }
            }
        }
    }
}

/// The beginning of a prompt, in its own lines.
fn shown(prompt: &str) -> String {
    let mut text: String = prompt.trim().chars().take(SHOWN).map(visible).collect();
    if prompt.trim().chars().nth(SHOWN).is_some() {
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::sample::{head, item};
    use crate::view::Head;

    #[test]
    fn prompts_stand_in_their_groups() {
        let (both, one) = (["Sql".to_owned(), "rust".to_owned()], ["rust".to_owned()]);
        let at = |time: &str| Some(time.to_owned());
        let items = [
            item(Head { rating: Some(5), tags: &both, timestamp: at("2026-10-15T12:00:00Z"), ..head(1, None) }),
            item(Head { rating: Some(4), tags: &one, timestamp: at("2026-10-14T12:00:00Z"), ..head(2, None) }),
            item(Head { star: true, project_name: None, timestamp: at("2026-11-15T12:00:00Z"), ..head(3, None) }),
        ];
        let check = |group: Group, expected: &str| {
            let library = Library { items: &items, is_cut: false, group, words: None };
            let ids = |items: &[&Item<'_>]| items.iter().map(|it| it.head.id.to_string()).collect::<Vec<_>>().join(" ");
            let groups = library.grouped();
            let groups: Vec<_> = groups.iter().map(|(name, items)| format!("{name}: {}", ids(items))).collect();
            assert_eq!(groups.join(", "), expected);
        };
        check(Group::Tag, "rust: 1 2, Sql: 1, Without a tag: 3");
        check(Group::Project, "acme: 1 2, Without a project: 3");
        check(Group::Rating, "Rated 5 of 5: 1, Rated 4 of 5: 2, Not rated: 3");
        check(Group::Month, "November 2026: 3, October 2026: 1 2");
    }

    #[test]
    fn a_prompt_is_shown_in_its_own_lines() {
        assert_eq!(shown(" one\n  two\u{7} "), "one\n  two\u{2407}");
        assert_eq!(shown(&"é".repeat(SHOWN)), "é".repeat(SHOWN));
        assert_eq!(shown(&"é".repeat(SHOWN + 1)), "é".repeat(SHOWN) + "…");
    }
}
