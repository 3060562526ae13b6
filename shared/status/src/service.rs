//! Whether what was set up to start our programs does so: a service on record, and nobody who takes in what comes.

use queue::DataDir;
use serde::Deserialize;

use crate::assess::LONG_MS;
use crate::code::Code;
use crate::finding::{Finding, Severity, finding};
use crate::gather::Status;
use crate::time::Time;

/// What `setup service` put on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Service {
    how: Recorded,
    /// When something was set up last.
    since: Option<Time>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Recorded {
    manager: String,
    #[serde(default)]
    account: Option<String>,
    #[serde(default)]
    timer: bool,
}

#[derive(Deserialize)]
struct Record {
    #[serde(default)]
    services: Vec<Recorded>,
}

impl Service {
    /// The first one on record. A record that cannot be read tells of none.
    pub(crate) fn read(home: &DataDir) -> Option<Self> {
        let path = home.setup();
        let record: Record = serde_json::from_slice(&queue::plain::read(&path).ok()?).ok()?;
        let since = path.metadata().and_then(|meta| meta.modified()).ok().map(Time::from);
        Some(Self { how: record.services.into_iter().next()?, since })
    }

    /// One of the user, set up then.
    #[cfg(test)]
    pub(crate) fn of(manager: &str, timer: bool, since: Time) -> Self {
        Self { how: Recorded { manager: manager.to_owned(), account: None, timer }, since: Some(since) }
    }

    /// Whether an ingester comes now and then, instead of staying. Of cron that is so in any case.
    fn comes(&self) -> bool {
        self.how.timer || self.how.manager == "cron"
    }

    /// What starts it.
    fn next_step(&self) -> String {
        let unit = if self.how.timer { "prompt-manager-once.timer" } else { "prompt-manager.service" };
        let command = match (self.how.manager.as_str(), &self.how.account) {
            ("systemd", None) => format!("systemctl --user restart {unit}"),
            ("systemd", Some(_)) => format!("sudo systemctl restart {unit}"),
            ("launchd", _) => "launchctl kickstart -k gui/$(id -u)/io.prompt-manager.ingest".to_owned(),
            ("cron", _) => {
                return "See whether cron runs and has our lines (`crontab -l`); `prompt-manager once` takes in what waits."
                    .to_owned();
            }
            _ => "prompt-manager setup service".to_owned(),
        };
        format!("Start it: `{command}`. If it ends again, logs/processor.log says why.")
    }
}

/// The service is on record, no ingester lives, and none came for an hour where one comes now and then.
pub(crate) fn down(status: &Status) -> Option<Finding> {
    let service = status.service.as_ref().filter(|_| status.ingesters.is_empty())?;
    let now = status.checked_at;
    let recent = |time: &Option<Time>| time.is_some_and(|time| time.ago(now) < LONG_MS);
    if service.comes() && (recent(&status.last_once_at) || recent(&service.since)) {
        return None;
    }
    let waited = status.queue.iter().flat_map(|queue| queue.waiting()).filter_map(|folder| folder.waited_ms).max();
    let severity = if waited > Some(LONG_MS) { Severity::Error } else { Severity::Warning };
    let manager = &service.how.manager;
    let detail = format!(
        "The service that was set up ({manager}) does not run: no ingester lives. What hooks write waits in the queue."
    );
    Some(finding(Code::ServiceDown, severity, detail, service.next_step()))
}
