//! Pictures in a conversation: loaded when they come near, from a page of ours, and named for those who do not see them.

use maud::{Markup, html};

use crate::page::picture::Picture;
use crate::page::text::about;

/// Those of the prompt, or of one call.
pub(super) fn of(all: &[Picture], call: Option<usize>, id: i64) -> Markup {
    let mut here = all.iter().enumerate().filter(|(_, picture)| picture.call == call).peekable();
    html! {
        @if here.peek().is_some() { div class="pictures" { @for (n, picture) in here { (one(n, picture, id)) } } }
    }
}

fn one(n: usize, picture: &Picture, id: i64) -> Markup {
    let bytes = about(picture.bytes as u64);
    let Some(kind) = picture.kind else {
        return html! { p class="quiet" { "Image " (n + 1) ", " (bytes) "B: of no kind that is shown here" } };
    };
    let (wide, high) = kind.size.unzip();
    html! {
        a href={ "/conversations/" (id) "/images/" (n) } {
            img loading="lazy" src={ "/conversations/" (id) "/images/" (n) } width=[wide] height=[high]
                alt={ "Image " (n + 1) ", " (kind.name) ", " (bytes) "B" };
        }
    }
}
