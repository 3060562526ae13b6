//! Pages, made of the same views as the JSON. Nothing here asks the store, and no text of the store is ever put into a page
//! but escaped: every page is what `maud` makes of its values.

pub(crate) mod asked;
pub(crate) mod chart;
pub(crate) mod chips;
pub(crate) mod code;
pub(crate) mod conversation;
mod diff;
pub(crate) mod filters;
pub(crate) mod frame;
pub(crate) mod health;
pub(crate) mod insights;
pub(crate) mod library;
mod markdown;
pub(crate) mod marks;
pub(crate) mod picture;
mod pretty;
pub(crate) mod problem;
pub(crate) mod raw;
pub(crate) mod row;
mod said;
#[cfg(test)]
mod sample;
pub(crate) mod saved;
pub(crate) mod sentence;
pub(crate) mod session;
pub(crate) mod start;
pub(crate) mod text;
pub(crate) mod time;
pub(crate) mod timeline;
