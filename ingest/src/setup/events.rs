//! For which events the hook is called. Everything else can be read from the transcripts later; a process for each event is
//! spent only where the event tells something that no transcript does, or is the moment at which to look.
//!
//! Clients before 2.1.101 pass over the whole settings file when it names an event that they do not know, so there an event
//! is left out unless the client is known to have it. Later ones pass over the event alone: they get all, and tell more as
//! soon as they are upgraded.

use super::version::Version;

/// From here on a name that is not known does no harm.
pub const TOLERANT: Version = Version::new(2, 1, 101);

/// An event, and how it is called for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its name.
    pub name: &'static str,
    /// `*` where it takes a matcher.
    pub matcher: Option<&'static str>,
    /// The first client that has it, as far as its changelog tells. One of which it does not tell has the first that is
    /// [`TOLERANT`].
    since: Version,
    need: Need,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    Always,
    /// Figures live on it, nothing else.
    Optional,
}

const fn event(name: &'static str, matcher: Option<&'static str>, since: Version, need: Need) -> Event {
    Event { name, matcher, since, need }
}

/// As old as hooks are.
const FIRST: Version = Version::new(0, 0, 0);
const ANY: Option<&str> = Some("*");

/// In the order in which they stand in the settings: as a session goes.
const EVENTS: [Event; 15] = [
    event("SessionStart", ANY, Version::new(1, 0, 62), Need::Always),
    event("UserPromptSubmit", None, Version::new(1, 0, 54), Need::Always),
    event("UserPromptExpansion", ANY, TOLERANT, Need::Optional),
    event("PermissionRequest", ANY, Version::new(2, 0, 45), Need::Optional),
    event("PermissionDenied", ANY, Version::new(2, 1, 89), Need::Optional),
    event("PostToolUse", ANY, FIRST, Need::Always),
    event("PostToolUseFailure", ANY, TOLERANT, Need::Always),
    event("Notification", ANY, FIRST, Need::Optional),
    event("SubagentStart", ANY, Version::new(2, 0, 43), Need::Always),
    event("SubagentStop", ANY, Version::new(1, 0, 41), Need::Always),
    event("PreCompact", ANY, Version::new(1, 0, 48), Need::Always),
    event("PostCompact", ANY, Version::new(2, 1, 76), Need::Always),
    event("Stop", None, FIRST, Need::Always),
    event("StopFailure", ANY, Version::new(2, 1, 78), Need::Always),
    event("SessionEnd", ANY, Version::new(1, 0, 85), Need::Always),
];

/// For which events to call the hook; `version` is the client's, if that is known.
pub fn of(version: Option<Version>) -> Vec<Event> {
    let wanted = |event: &&Event| match version {
        None => event.need == Need::Always,
        Some(version) => version >= TOLERANT || version >= event.since,
    };
    EVENTS.iter().filter(wanted).copied().collect()
}

/// Whether the hook must not be called for it: the client would pass over the whole file, or the hook would take the place of
/// what it does (`WorktreeCreate`), or run for every piece of an answer (`MessageDisplay`).
pub fn is_harmful(name: &str, version: Option<Version>) -> bool {
    let is_unknown =
        |version: Version| version < TOLERANT && EVENTS.iter().any(|event| event.name == name && event.since > version);
    matches!(name, "WorktreeCreate" | "MessageDisplay") || version.is_some_and(is_unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(version: Option<&str>, expected: &str) {
        let version = version.map(|text| Version::parse(text).unwrap());
        let names: Vec<_> = of(version).iter().map(|event| event.name).collect();
        assert_eq!(names.join(" "), expected, "{version:?}");
    }

    #[test]
    fn by_version() {
        let all: Vec<_> = EVENTS.iter().map(|event| event.name).collect();
        check(Some("2.1.330"), &all.join(" "));
        check(Some("2.1.101"), &all.join(" "));
        check(Some("3.0.0"), &all.join(" "));
        check(
            Some("2.1.100"),
            "SessionStart UserPromptSubmit PermissionRequest PermissionDenied PostToolUse Notification SubagentStart SubagentStop PreCompact PostCompact Stop StopFailure SessionEnd",
        );
        check(
            Some("2.0.42"),
            "SessionStart UserPromptSubmit PostToolUse Notification SubagentStop PreCompact Stop SessionEnd",
        );
        check(Some("1.0.50"), "PostToolUse Notification SubagentStop PreCompact Stop");
        check(
            None,
            "SessionStart UserPromptSubmit PostToolUse PostToolUseFailure SubagentStart SubagentStop PreCompact PostCompact Stop StopFailure SessionEnd",
        );
    }

    #[test]
    fn harmful() {
        let check = |name: &str, version: Option<Version>, expected: bool| {
            assert_eq!(is_harmful(name, version), expected, "{name} {version:?}");
        };
        check("PostCompact", Some(Version::new(2, 1, 75)), true);
        check("PostCompact", Some(Version::new(2, 1, 76)), false);
        check("PostCompact", Some(TOLERANT), false);
        check("PostCompact", None, false);
        check("PreToolUse", Some(Version::new(1, 0, 40)), false);
        check("WorktreeCreate", None, true);
    }

    #[test]
    fn only_events_that_take_a_matcher_get_one() {
        let without: Vec<_> = EVENTS.iter().filter(|event| event.matcher.is_none()).map(|event| event.name).collect();
        assert_eq!(without, ["UserPromptSubmit", "Stop"]);
    }
}
