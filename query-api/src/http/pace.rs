//! How long an answer may take: a mark that a handler puts on the few that are no ordinary ones, for those who hold the
//! connections.

use tokio::sync::watch;

/// The mark of an answer for which no time is too long. An answer without it is ended soon after its connection is old.
#[derive(Clone, Debug)]
pub(crate) enum Pace {
    /// Much to send, such as an export: while it is made, and its maker gives up when nobody takes it.
    Long(Made),
    /// It ends when its reader goes, so it counts as no request under way: its handler bounds how many there are.
    Endless,
}

/// Tells when an answer is not made any more.
#[derive(Clone, Debug)]
pub(crate) struct Made(watch::Receiver<()>);

/// Held by who makes a long answer.
#[derive(Debug)]
pub(crate) struct Making {
    _under_way: watch::Sender<()>,
}

impl Made {
    /// For the maker, and for those who wait.
    pub(crate) fn begin() -> (Making, Self) {
        let (under_way, over) = watch::channel(());
        (Making { _under_way: under_way }, Self(over))
    }

    /// Ready when the maker has ended or given up.
    pub(crate) async fn over(mut self) {
        while self.0.changed().await.is_ok() {}
    }
}
