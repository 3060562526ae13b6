//! The whole page around what it is about: where one can go from here, and what the browser needs to show it.

use maud::{DOCTYPE, Markup, html};

use crate::access::form::Visitor;
use crate::http::preferences::{Preferences, Theme};

/// Where one can go from every page: its address, its name, and the value of `data-page` under which it is meant.
const PLACES: [(&str, &str, &str); 5] = [
    ("/", "Timeline", "timeline"),
    ("/library", "Library", "library"),
    ("/sessions", "Sessions", "sessions"),
    ("/insights", "Insights", "insights"),
    ("/health", "Health", "health"),
];

/// A page before its content.
pub(crate) struct Frame<'a> {
    /// The first word of the browser's tab.
    pub(crate) title: &'a str,
    /// Which page it is, for the script: `data-page`.
    pub(crate) page: &'static str,
    /// Who looks at it.
    pub(crate) visitor: &'a Visitor,
    /// The form of the page's own search, in place of the one that every page has.
    pub(crate) search: Option<Markup>,
}

impl<'a> Frame<'a> {
    /// Of a page with the search of every page.
    pub(crate) fn new(title: &'a str, page: &'static str, visitor: &'a Visitor) -> Self {
        Self { title, page, visitor, search: None }
    }

    /// The page, whole. `main` is what it is about; it has the page's one `h1`.
    pub(crate) fn around(&self, main: &Markup) -> String {
        let Visitor { token, preferences, here } = self.visitor;
        let place = if self.page == "session" { "sessions" } else { self.page };
        let body = html! {
            a class="skip" href="#main" { "Skip to the content" }
            header class="top" {
                a class="brand" href="/" { "Prompt Manager" }
                nav aria-label="Pages" {
                    @for (address, name, page) in PLACES {
                        a href=(address) aria-current=[(page == place).then_some("page")] { (name) }
                    }
                }
                @if let Some(search) = &self.search { (search) } @else { (search_everything()) }
            }
            main id="main" class=(self.page) tabindex="-1" { (main) }
            footer class="end" {
                form method="post" action="/preferences" class="preferences" {
                    input type="hidden" name="token" value=(token.as_str());
                    input type="hidden" name="back" value=(here);
                    label { "Colours " (themes(preferences.theme)) }
                    button { "Apply" }
                }
                a href="/docs" { "API" }
                button type="button" class="link" data-keys hidden { "Keys " kbd { "?" } }
                span { "Prompt Manager " (env!("CARGO_PKG_VERSION")) }
            }
        };
        whole(self.title, self.page, *preferences, &body)
    }
}

fn themes(now: Theme) -> Markup {
    html! {
        select name="theme" {
            @for theme in Theme::ALL {
                option value=(theme.as_str()) selected[theme == now] { (theme.as_str()) }
            }
        }
    }
}

/// The search that every page has: over everything.
fn search_everything() -> Markup {
    html! {
        form role="search" action="/" class="search" {
            label class="vh" for="q" { "Search all prompts" }
            input type="search" id="q" name="q" placeholder="Search" autocomplete="off" maxlength="1000";
        }
    }
}

/// A page that says one thing, for whoever it is: it knows nobody and nothing.
pub(crate) fn short(title: &str, preferences: Preferences, body: &Markup) -> String {
    let body = html! {
        header class="top" { a class="brand" href="/" { "Prompt Manager" } }
        main class=(SHORT) { h1 { (title) } (body) }
    };
    whole(title, SHORT, preferences, &body)
}

/// The page that has no script: there is nothing to make quicker.
const SHORT: &str = "short";

/// A document: its head, and `body`.
pub(crate) fn whole(title: &str, page: &str, preferences: Preferences, body: &Markup) -> String {
    let theme = Some(preferences.theme.as_str()).filter(|_| preferences.theme != Theme::System);
    let page = html! {
        (DOCTYPE)
        html lang="en" data-page=(page) data-theme=[theme] {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · Prompt Manager" }
                link rel="stylesheet" href="/assets/style.css";
                link rel="icon" href="/assets/icon.svg" type="image/svg+xml";
                @if page != SHORT { script type="module" src="/assets/main.js" {} }
            }
            body { (body) }
        }
    };
    page.into_string()
}
