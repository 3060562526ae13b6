//! A person before the pages, in a real browser.

mod forms; // the same without the script, and forms of others
mod hostile; // texts that try to become more than text
mod live; // what comes while somebody looks
mod meanwhile; // two windows on one prompt
mod pages; // every page in both themes and at two widths
mod places; // where somebody is, after they come back and after a cut
mod sight; // that the harness sees what it is there to see
mod story; // what a person does beyond the list
mod timeline; // finding, opening, rating, tagging, noting by keys
mod unsaved; // what is typed and not saved yet

use std::process::{Child, Stdio};

use harness::{Browser, Cmd, Server, World};
use serde_json::Value;

/// A program that runs beside a test and ends with it.
struct Beside(Child);

impl Beside {
    fn start(command: Cmd) -> Self {
        let mut command = command.into_command();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().unwrap_or_else(|error| panic!("start {command:?}: {error}")))
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The conversation of the captured runs with this prompt: its id.
fn id_of(server: &Server, prompt: &str) -> u64 {
    let items = server.items(&[("kind", "all")]);
    let found = items.iter().find(|item| item["prompt_text"] == prompt);
    found.and_then(|item| item["id"].as_u64()).unwrap_or_else(|| panic!("no prompt {prompt:?}"))
}

/// What a person has said of a conversation, by the API.
fn said(server: &Server, id: u64) -> Value {
    server.get(&format!("/api/conversations/{id}/rating")).1
}

/// The captured runs, a server and a browser that was let in.
fn captured() -> (World, Server) {
    let world = World::captured();
    let server = world.serve();
    (world, server)
}

/// Waits until the API tells what the page has done.
fn wait_said(page: &Browser, server: &Server, id: u64, field: &str, expected: &Value) {
    page.wait_for(&format!("{field} {expected} of {id}"), |_| said(server, id)[field] == *expected);
}
