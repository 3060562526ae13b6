//! What a person says of a prompt, as forms that work without the script; with it they are sent by the API instead.

use maud::{Markup, html};

use super::text::path;
use crate::access::form::Visitor;
use crate::view::Head;

/// The form of one kind of mark: where it goes, what it carries.
fn form(head: &Head<'_>, visitor: &Visitor, class: &str, fields: &Markup) -> Markup {
    html! {
        form class={ "marks-form " (class) } method="post" action=(path("/conversations/", &head.id.to_string(), "/marks")) {
            input type="hidden" name="token" value=(visitor.token.as_str());
            input type="hidden" name="back" value=(visitor.here);
            (fields)
        }
    }
}

/// Five buttons; the one that is pressed takes the rating back.
pub(crate) fn rating(head: &Head<'_>, visitor: &Visitor) -> Markup {
    let now = head.rating.unwrap_or(0);
    let buttons = html! {
        fieldset class="rating" {
            legend class="vh" { "Rating" }
            @for rating in 1..=5_u8 {
                @let value = if rating == now { String::new() } else { rating.to_string() };
                button name="rating" value=(value) data-value=(rating) class=[(rating <= now).then_some("on")]
                    aria-pressed=(if rating == now { "true" } else { "false" })
                    title=(if rating == now { "Take the rating back".to_owned() } else { format!("Rate {rating} of 5") }) {
                    span aria-hidden="true" { "★" } span class="vh" { (rating) " of 5" }
                }
            }
        }
    };
    form(head, visitor, "rate", &buttons)
}

/// One button: starred or not.
pub(crate) fn star(head: &Head<'_>, visitor: &Visitor) -> Markup {
    let button = html! {
        button name="star" value=(if head.star { "false" } else { "true" }) class="star" data-star=(head.star)
            aria-pressed=(if head.star { "true" } else { "false" }) {
            (if head.star { "Starred" } else { "Star" })
        }
    };
    form(head, visitor, "starring", &button)
}

/// Tags between commas.
pub(crate) fn tags(head: &Head<'_>, visitor: &Visitor) -> Markup {
    let id = format!("tags-{}", head.id);
    let fields = html! {
        label for=(id) { "Tags" }
        input id=(id) name="tags" value=(head.tags.join(", ")) placeholder="between commas" autocomplete="off" list="known-tags";
        (had(head))
        button { "Save tags" }
        output class="saved" {}
    };
    form(head, visitor, "tagging", &fields)
}

/// A note, over several lines.
pub(crate) fn note(head: &Head<'_>, visitor: &Visitor) -> Markup {
    let id = format!("note-{}", head.id);
    let fields = html! {
        label for=(id) { "Note" }
        // The first line end within a textarea is not part of its value.
        textarea id=(id) name="notes" rows="3" { "\n" (head.notes.as_deref().unwrap_or_default()) }
        input type="hidden" name="noted" value=(noted(head.notes.as_deref()));
        button { "Save note" }
        output class="saved" {}
    };
    form(head, visitor, "noting", &fields)
}

/// The tags that a form began with: what others set meanwhile stays.
fn had(head: &Head<'_>) -> Markup {
    html! { input type="hidden" name="had" value=(head.tags.join(", ")); }
}

/// Tells the note that a form began with from others: who saves it shall not write over one that they have not seen.
pub(crate) fn noted(note: Option<&str>) -> String {
    note.map_or_else(String::new, |note| blake3::hash(note.as_bytes()).to_hex()[..16].to_owned())
}

/// A tag that it might get, as a button: pressed, it has that tag too.
pub(crate) fn suggested(head: &Head<'_>, visitor: &Visitor, tag: &str) -> Markup {
    let all = head.tags.iter().map(String::as_str).chain([tag]).collect::<Vec<_>>().join(", ");
    let button = html! {
        input type="hidden" name="tags" value=(all);
        (had(head))
        button class="tag" data-tag=(tag) { "+ " (tag) }
    };
    form(head, visitor, "suggesting", &button)
}
