//! The searches that a person keeps: a link each, and forms to keep this one, to call it otherwise, to throw it away.

use maud::{Markup, html};

use super::asked::Asked;
use super::text::clipped;
use crate::access::form::Visitor;
use crate::view::{View, Views};

/// Characters of a name that is shown.
const NAME: usize = 60;

/// The row of them, with what can be done about the one that is shown.
pub(crate) fn saved(asked: &Asked, views: &Views<'_>, visitor: &Visitor) -> Markup {
    let asked = asked.at_the_top();
    let addresses: Vec<_> = views.items.iter().map(|view| (view, Asked::read(view.query))).collect();
    let shown = addresses.iter().find(|(_, kept)| kept.is_same_as(&asked)).map(|(view, _)| *view);
    html! {
        div id="views" class="views" {
            @if !views.items.is_empty() {
                nav aria-label="Saved views" {
                    a href="/" aria-current=[asked.is_empty().then_some("page")] { "All" }
                    @for (view, kept) in &addresses {
                        a href=(kept.href("/")) aria-current=[shown.filter(|shown| shown.id == view.id).map(|_| "page")] { (clipped(view.name, NAME)) }
                    }
                }
            }
            @if let Some(view) = shown { (change(view, &asked, visitor)) }
            @else if !asked.is_empty() { (keep(&asked, visitor)) }
        }
    }
}

fn keep(asked: &Asked, visitor: &Visitor) -> Markup {
    html! {
        details id="save-view" {
            summary { "Save this view" }
            form method="post" action="/views" {
                (hidden(asked, visitor))
                label for="view-name" { "Name" }
                input id="view-name" name="name" required maxlength="200" autocomplete="off";
                button class="first" name="do" value="add" { "Save" }
            }
        }
    }
}

fn change(view: &View<'_>, asked: &Asked, visitor: &Visitor) -> Markup {
    html! {
        details id="change-view" {
            summary { "Change this view" }
            form method="post" action="/views" {
                (hidden(asked, visitor))
                input type="hidden" name="of" value=(view.id);
                label for="view-name" { "Name" }
                input id="view-name" name="name" value=(view.name) required maxlength="200" autocomplete="off";
                button class="first" name="do" value="rename" { "Rename" }
                button name="do" value="delete" { "Delete" }
            }
        }
    }
}

fn hidden(asked: &Asked, visitor: &Visitor) -> Markup {
    html! {
        input type="hidden" name="token" value=(visitor.token.as_str());
        input type="hidden" name="back" value=(asked.href("/"));
        input type="hidden" name="query" value=(asked.query());
    }
}
