//! Which conversations: flags that become the parameters of the API's list.
//!
//! What a value may be is for the API to say.

use clap::Args;

use super::client::Pairs;

/// The filters. They all must hold.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Which ones")]
pub(crate) struct Filter {
    /// Only of this session, Claude Code's or one that you made
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// human, command, shell, local, notification, subagent or all [default: the first three]
    #[arg(long, value_name = "KINDS")]
    kind: Option<String>,
}

impl Filter {
    /// As parameters.
    pub(super) fn pairs(&self) -> Pairs {
        let mut pairs = Pairs::new();
        pairs.extend(self.session.clone().map(|session| ("session_id", session)));
        pairs.extend(self.kind.clone().map(|kind| ("kind", kind)));
        pairs
    }
}
