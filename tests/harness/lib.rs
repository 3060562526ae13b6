//! The stage of every end-to-end test: a `World` with a home, a data directory and a projects root of its own, in which the
//! real binaries run under an environment that holds nothing else.
//!
//! Nothing here stands in for a part of the product. A test speaks to it as a person or as Claude Code does: bytes on the
//! hook's stdin, a command line, a GET. When something fails, the panic shows the command, the files and both outputs, so
//! that no debugger is needed.

mod backlog;
mod bins;
mod browser;
mod claude;
mod client;
mod command;
mod counted;
mod figure;
mod fixture;
pub mod fuzz;
mod generate;
pub mod hostile;
mod http;
pub mod law;
mod measure;
pub mod messages;
mod parked;
mod public;
pub mod rows;
mod seed;
mod server;
pub mod show;
mod terminal;
mod told;
mod world;

pub use backlog::backlog;
pub use bins::{bin, broken, example, release_hook, repository};
pub use browser::{Browser, DOWN, ENTER, ESCAPE, TAB};
pub use claude::Claude;
pub use client::Client;
pub use command::{Cmd, Done};
pub use counted::{COUNTED, counted};
pub use figure::{Figure, Floor};
pub use fixture::{Conversation, Hook, SCENARIOS, Scenario};
pub use generate::{Generator, Session, Written};
pub use http::{Response, encode};
pub use measure::{Measured, measure};
pub use parked::{At, Ingester};
pub use public::Corpus;
pub use seed::Seed;
pub use server::Server;
pub use terminal::{Screen, Terminal};
pub use told::{Told, rfc3339};
pub use world::{World, copy_tree};
