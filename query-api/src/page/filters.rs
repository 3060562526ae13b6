//! The fields that narrow a list. They belong to the form of the search box (by `form=`), so that one address holds all of it.

use maud::{Markup, html};
use store::read::Names;

use super::asked::Asked;
use super::text::clipped;
use crate::view::last_name;

/// The id of the form that the fields belong to.
pub(crate) const FORM: &str = "search";

/// Values of a choice, and what they are called.
type Choices = &'static [(&'static str, &'static str)];

const STATUSES: Choices = &[
    ("", "any"),
    ("complete", "complete"),
    ("interrupted", "interrupted"),
    ("failed", "failed"),
    ("open", "open"),
    ("failed,interrupted", "failed or interrupted"),
];
const RATINGS: Choices = &[
    ("", "any or none"),
    (">=4", "4 and better"),
    ("5", "5"),
    ("4", "4"),
    ("3", "3"),
    ("<=2", "2 and worse"),
    ("any", "rated"),
    ("none", "not rated"),
];
const STARS: Choices = &[("", "starred or not"), ("true", "starred"), ("false", "not starred")];
const ERRORS: Choices = &[("", "with and without"), ("true", "with errors"), ("false", "without errors")];
const KINDS: Choices = &[
    ("", "prompts, commands, shell"),
    ("human", "prompts"),
    ("command", "commands"),
    ("shell", "shell"),
    ("subagent", "subagents"),
    ("all", "everything"),
];
const VIAS: Choices = &[
    ("", "any way"),
    ("interactive", "interactive"),
    ("ide", "IDE"),
    ("desktop", "desktop"),
    ("print,sdk", "scripts (print, SDK)"),
];
const PLACES: Choices = &[
    ("", "everywhere"),
    ("prompt", "prompts"),
    ("answer", "answers"),
    ("input,output", "tools"),
    ("note,tag,title", "notes, tags, titles"),
];
const SORTS: Choices = &[
    ("", "time"),
    ("relevance", "relevance (of a search)"),
    ("rating", "rating"),
    ("cost", "cost"),
    ("tokens", "tokens"),
    ("length", "length of the prompt"),
];
const ORDERS: Choices = &[("", "newest, most, best first"), ("asc", "oldest, least, worst first")];

/// Parameters that have a field. All others stay as they are.
const FIELDS: [&str; 15] = [
    "q",
    "project",
    "model",
    "tool",
    "tag",
    "status",
    "rating",
    "star",
    "has_error",
    "kind",
    "via",
    "in",
    "sort",
    "order",
    "since",
];

/// The fields, folded.
pub(crate) fn filters(asked: &Asked, names: &Names) -> Markup {
    html! {
        details class="filters" id="filters" {
            summary { "Filter" }
            div class="fields" {
                (listed("project", "Project", asked.get("project"), "folder or name", &names.projects))
                (chosen_name("model", "Model", asked, &names.models))
                (chosen_name("tool", "Tool", asked, &names.tools))
                (listed("tag", "Tag", None, "with this tag too", &names.tags))
                (choice("status", "Status", asked, STATUSES))
                (choice("rating", "Rating", asked, RATINGS))
                (choice("star", "Star", asked, STARS))
                (choice("has_error", "Errors", asked, ERRORS))
                (listed("since", "Since", asked.get("since"), "7d or 2026-11-01", &[]))
                (listed("until", "Until", asked.get("until"), "1d or 2026-11-30", &[]))
                (choice("kind", "Kind", asked, KINDS))
                (choice("via", "Came by", asked, VIAS))
                (choice("in", "Search in", asked, PLACES))
                (choice("sort", "Sort by", asked, SORTS))
                (choice("order", "Order", asked, ORDERS))
            }
            p class="actions" { button form=(FORM) class="first" { "Filter" } " " a href="/" { "Show everything" } }
        }
        (kept(asked))
    }
}

/// What has no field, or a second value: it goes with the form unseen.
fn kept(asked: &Asked) -> Markup {
    let stays = |name: &str, value: &str| match name {
        "cursor" | "until" => false,
        "tag" => true,
        "model" | "tool" => asked.get(name) != Some(value),
        name => !FIELDS.contains(&name),
    };
    html! {
        @for (name, value) in asked.pairs().filter(|(name, value)| stays(name, value)) {
            input type="hidden" form=(FORM) name=(name) value=(value);
        }
    }
}

/// A field for a text, which known ones complete.
fn listed(name: &str, label: &str, value: Option<&str>, hint: &str, known: &[String]) -> Markup {
    let (id, list) = (format!("filter-{name}"), format!("known-{name}"));
    html! {
        p {
            label for=(id) { (label) }
            input id=(id) form=(FORM) name=(name) value=(value.unwrap_or_default()) placeholder=(hint) autocomplete="off"
                list=[(!known.is_empty()).then_some(&list)];
            @if !known.is_empty() {
                datalist id=(list) { @for one in known { option value=(one) { @if one.contains('/') { (last_name(one)) } } } }
            }
        }
    }
}

/// One of the names in use.
fn chosen_name(name: &str, label: &str, asked: &Asked, known: &[String]) -> Markup {
    let now = asked.get(name);
    let unknown = now.filter(|now| !known.iter().any(|one| one == now));
    html! {
        p {
            label for={ "filter-" (name) } { (label) }
            select id={ "filter-" (name) } form=(FORM) name=(name) {
                option value="" { "any" }
                @for one in known.iter().map(String::as_str).chain(unknown) {
                    option value=(one) selected[now == Some(one)] { (clipped(one, 60)) }
                }
            }
        }
    }
}

fn choice(name: &str, label: &str, asked: &Asked, choices: Choices) -> Markup {
    let now = asked.get(name).unwrap_or_default();
    let other = Some((now, now)).filter(|_| !choices.iter().any(|(value, _)| *value == now));
    html! {
        p {
            label for={ "filter-" (name) } { (label) }
            select id={ "filter-" (name) } form=(FORM) name=(name) {
                @for (value, said) in choices.iter().copied().chain(other) {
                    option value=(value) selected[value == now] { (clipped(said, 60)) }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a browser sends when nothing is touched is the address that it has.
    #[test]
    fn a_form_says_what_its_address_says() {
        let names =
            Names { models: vec!["opus".into()], tools: vec!["Bash".into(), "Read".into()], ..Names::default() };
        let check = |query: &str| {
            let asked = Asked::read(query);
            let form = filters(&asked, &names).into_string();
            let mut sent: Vec<(String, String)> = asked.all("q").map(|q| ("q".to_owned(), q.to_owned())).collect();
            for field in form.split("name=\"").skip(1) {
                let (name, rest) = field.split_once('"').unwrap();
                let rest = rest.split("name=\"").next().unwrap();
                let value = match rest.split_once("selected").map(|(before, _)| before) {
                    Some(options) => options.rsplit("value=\"").next().unwrap(),
                    None if rest.starts_with(" value=\"") => &rest[8..],
                    None => "",
                };
                sent.push((name.to_owned(), unescaped(value.split('"').next().unwrap())));
            }
            let sent = form_urlencoded::Serializer::new(String::new()).extend_pairs(sent).finish();
            assert!(Asked::read(&sent).is_same_as(&asked), "{query}: {sent}");
        };
        check("");
        check("q=a&in=prompt&sort=relevance");
        check("project=/dev/acme&model=opus&tool=Bash&tool=Read&tag=x&tag=y&since=7d&until=2026-11-01");
        check("model=unknown&kind=human,command&via=sdk&rating=%3E3&star=true&has_error=false&order=asc&status=failed");
        check("session_id=s&user_session_id=u&limit=7&source=hook&tag=%22%3E%3Cb%3E");
    }

    fn unescaped(text: &str) -> String {
        text.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    }
}
