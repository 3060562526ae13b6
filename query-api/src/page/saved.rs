//! The searches that a person keeps: a link each, and forms to keep this one, to call it otherwise, to throw it away.

use maud::{Markup, html};

use super::asked::Asked;
use super::text::clipped;
use crate::access::form::Visitor;
use crate::view::{View, Views};

/// Characters of a name that is shown.
const NAME: usize = 60;

/// The row of them.
pub(crate) fn saved(asked: &Asked, views: &Views<'_>) -> Markup {
    let shown = shown(asked, views).map(|view| view.id);
    html! {
        div id="views" class="views" {
            @if !views.items.is_empty() {
                nav aria-label="Saved views" {
                    a href="/" aria-current=[asked.is_empty().then_some("page")] { "All" }
                    @for view in &views.items {
                        a href=(Asked::read(view.query).href("/")) aria-current=[(shown == Some(view.id)).then_some("page")] { (clipped(view.name, NAME)) }
                    }
                }
            }
        }
    }
}

/// What can be done about the one that is shown, or to keep what is.
pub(crate) fn keeping(asked: &Asked, views: &Views<'_>, visitor: &Visitor) -> Markup {
    let here = asked.at_the_top();
    match shown(asked, views) {
        Some(view) => change(view, &here, visitor),
        None if here.is_empty() => html! {},
        None => keep(&here, visitor),
    }
}

/// The view that the address is one of.
fn shown<'v>(asked: &Asked, views: &'v Views<'_>) -> Option<&'v View<'v>> {
    let here = asked.at_the_top();
    views.items.iter().find(|view| Asked::read(view.query).is_same_as(&here))
}

fn keep(asked: &Asked, visitor: &Visitor) -> Markup {
    html! {
        details id="save-view" class="keeping" {
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
        details id="change-view" class="keeping" {
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
