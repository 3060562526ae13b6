//! The one answer that the hook gives: `/rate` is taken, so that no model turn is spent on it (`queue::rate`).
//!
//! Only where the installer wrote `--rate`, for a plugin `--rate-plugin`, only if somebody reads stdout, and only once the payload is in the queue: what is
//! said to be saved is saved. A payload that is too long for a rating is not looked at, and a `/rate` that the project itself has is
//! the project's.

use std::path::Path;

use queue::rate::{Commands, FILED_AS, MOST, Request};
use queue::{Token, sys};

use crate::options::Options;

/// What has come of a payload that may be a `/rate`.
pub(crate) struct Answer<'a> {
    options: &'a Options,
    /// `None` once there is nothing to answer.
    heard: Option<Vec<u8>>,
}

impl<'a> Answer<'a> {
    /// Before anything is opened.
    pub(crate) fn new(options: &'a Options) -> Self {
        Self { options, heard: (options.rate.is_some() && sys::stdout_is_ready()).then(Vec::new) }
    }

    /// The next bytes of the payload.
    pub(crate) fn hear(&mut self, bytes: &[u8]) {
        if let Some(heard) = &mut self.heard {
            if heard.len() + bytes.len() <= MOST {
                heard.extend_from_slice(bytes);
            } else {
                self.heard = None;
            }
        }
    }

    /// The command, if it is one, once the whole payload has come.
    pub(crate) fn request(&self) -> Option<Request> {
        let (heard, commands) = (self.heard.as_ref()?, self.options.rate?);
        let request = Request::of_payload(heard, commands)?;
        if self.project_has_its_own() { Request::of_payload(heard, Commands::OfPlugin) } else { Some(request) }
    }

    fn project_has_its_own(&self) -> bool {
        let folder = self.options.project.as_ref().map(|project| project.join(".claude"));
        let is_there = |folder: &Path| folder.join("commands/rate.md").exists() || folder.join("skills/rate").exists();
        folder.is_some_and(|folder| is_there(&folder))
    }

    /// What such a payload is filed under.
    pub(crate) fn filed_as() -> Option<Token> {
        Token::new(FILED_AS.as_bytes())
    }
}
