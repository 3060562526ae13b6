//! The server: from flags (`start`) over sockets (`listener`) and connections with their limits (`server`) to what happens to
//! every request and every answer (`app`, `answered`). The routes themselves are not of it: `command` asks them without one.

mod answered;
pub(crate) mod app;
mod listener;
mod server;
pub(crate) mod start;
