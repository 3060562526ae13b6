//! What is wrong, as a page: in the frame of every other, so that one can go on from there.

use maud::html;

use super::frame::Frame;
use super::sentence::sentence;
use crate::access::form::Visitor;
use crate::http::problem::Problem;

/// The page. `home` is what a command needs to be told of the data directory.
pub(crate) fn problem(problem: &Problem, visitor: &Visitor, home: Option<&str>) -> String {
    let title = if problem.is_no_database() { "Nothing is captured yet" } else { problem.title() };
    let main = html! {
        h1 { (title) }
        p { (sentence(&problem.detail, home)) }
        p {
            @if problem.is_no_database() { a class="button" href="/" { "What leads to the first prompt" } }
            @else { a href="/" { "To the timeline" } }
        }
    };
    Frame::new(title, "problem", visitor).around(&main)
}
