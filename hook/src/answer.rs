//! The one answer that the hook gives: `/rate` is taken, so that no model turn is spent on it (`queue::rate`).
//!
//! Only where the installer wrote `--rate`, only if somebody reads stdout, and only once the payload is in the queue: what is
//! said to be saved is saved. A payload that is too long for a rating is not looked at.

use queue::rate::{FILED_AS, MOST, Request};
use queue::{Token, sys};

use crate::options::Options;

/// What has come of a payload that may be a `/rate`.
pub(crate) struct Answer {
    /// `None` once there is nothing to answer.
    heard: Option<Vec<u8>>,
}

impl Answer {
    /// Before anything is opened.
    pub(crate) fn new(options: &Options) -> Self {
        Self { heard: (options.rate && sys::stdout_is_ready()).then(Vec::new) }
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
        Request::of_payload(self.heard.as_ref()?)
    }

    /// What such a payload is filed under.
    pub(crate) fn filed_as() -> Option<Token> {
        Token::new(FILED_AS.as_bytes())
    }
}
