//! What requests and answers are made of, whatever the route: parameters and bodies that are checked once, and errors that
//! say what was wrong with them. Knows neither the routes nor where the data is.

pub(crate) mod base64;
pub(crate) mod cursor;
pub(crate) mod extract;
pub(crate) mod filter;
pub(crate) mod pace;
pub(crate) mod preferences;
pub(crate) mod problem;
pub(crate) mod zone;
