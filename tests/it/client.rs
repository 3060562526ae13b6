//! The published Claude Code client itself, against a scripted API in a network namespace: what a person does there arrives in our
//! API as it should, and the client's own record of our hooks shows neither an error nor time lost.

mod hooks; // installed by `ingest setup hooks`
mod install; // how a person gets there, and out again
mod plugin; // installed by `ingest setup plugin`
mod record; // what the client writes about the hooks that it runs
mod running; // what a session notices that runs meanwhile
mod story; // what a person does, and what our API must tell of it

/// The scripted API, built with these tests.
const API: &str = env!("CARGO_BIN_EXE_messages-api");
