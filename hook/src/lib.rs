//! What `prompt-hook` does, in reading order: `options` (where to), `input` (stdin, never waited for too long), `event`
//! (one event on its way into the queue or the spill place), `draft` (its file), `answer` (the one thing that is ever printed,
//! and only where it was asked for), `fault` (what went wrong, one line).
//!
//! The rules that everything here keeps: nothing else is printed, nothing waits for a lock, a disk or another process, no
//! byte that was read is thrown away while there is a place to put it, and no failure reaches Claude Code. One limit: a network or
//! user-space disk that hangs holds whoever opens a file on it, in the kernel, and only Claude Code's own limit ends that.

mod answer;
mod draft;
mod event;
mod fault;
mod input;
mod options;

pub use options::Options;

use std::time::SystemTime;

use answer::Answer;
use event::Event;
use input::{Input, Next};
use queue::scan::JsonScanner;
use queue::sys;

/// Reads one payload from stdin and leaves it in the queue. Whatever happens, it ends soon and says nothing.
///
/// The end is the end of the first JSON value, of the stream, or of patience. What else is ready at that moment, such
/// as a newline, is stored too: the file has the bytes that were sent, and their sender meets no closed pipe.
/// A stdin without a byte still leaves a file, empty: its name says which session has news.
///
/// It ends the process itself, with nothing closed and no memory given back: the kernel does all of that at once.
pub fn capture(options: &Options) -> ! {
    let mut input = Input::new();
    let mut scanner = JsonScanner::default();
    let mut answer = Answer::new(options);
    let mut event = Event::new(options, SystemTime::now());
    loop {
        match input.next(scanner.is_complete()) {
            Ok(Next::Bytes(bytes)) => {
                scanner.push(bytes);
                answer.hear(bytes);
                event.call(scanner.session_id(), scanner.hook_event_name());
            }
            Ok(Next::Full | Next::Waiting) => {
                event.append(input.unsaved());
                input.saved();
            }
            Ok(Next::End) => break,
            Err(fault) => {
                event.note(fault);
                break;
            }
        }
    }
    event.append(input.unsaved());
    match answer.request() {
        Some(request) => {
            if event.place(Answer::filed_as()) {
                sys::print(request.answer().as_bytes());
            }
        }
        None => {
            event.place(None);
        }
    }
    sys::exit()
}
