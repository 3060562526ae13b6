//! Pictures in a conversation: loaded when they come near, from a page of ours, and named for those who do not see them.

use maud::{Markup, html};

use crate::page::picture::Picture;
use crate::page::text::about;

/// Those of the prompt, or of one call.
pub(super) fn of(all: &[Picture], call: Option<usize>, id: i64) -> Markup {
    let mut here = all.iter().filter(|picture| picture.call == call).enumerate().peekable();
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
    // Those of the prompt are the first of all.
    let among = picture.call.map_or_else(String::new, |call| format!("?call={call}"));
    let address = format!("/conversations/{id}/images/{n}{among}");
    html! {
        a href=(address) {
            img loading="lazy" src=(address) width=[wide] height=[high]
                alt={ "Image " (n + 1) ", " (kind.name) ", " (bytes) "B" };
        }
    }
}
