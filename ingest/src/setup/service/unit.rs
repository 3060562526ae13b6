//! The unit files of systemd, from the templates in ops/systemd. Those of the system differ from a user's own in whose
//! processes they are and in how they are confined: everything read-only but two folders, and no network.

use settings::Listen;

use super::Look;
use super::escape::{unit_program, unit_value, unit_word};
use super::places::Places;

/// How every file of ours begins; what does not is never replaced or removed.
pub(super) const MADE: &str = "# Made by `prompt-manager setup service`";
const MADE_REST: &str = ", and made anew by it after an upgrade. What is yours goes into `systemctl edit`.";

const CONFINED_USER: &str = include_str!("../../../../ops/systemd/confined-user.conf");
const CONFINED_SYSTEM: &str = include_str!("../../../../ops/systemd/confined-system.conf");

/// A template: its name, and its text.
type Template = (&'static str, &'static str);

macro_rules! templates {
    ($($name:literal),+ $(,)?) => { [$(($name, include_str!(concat!("../../../../ops/systemd/", $name)))),+] };
}

const RUN: [Template; 1] = templates!["prompt-manager.service"];
const TIMER: [Template; 2] = templates!["prompt-manager-once.service", "prompt-manager-once.timer"];
const ALWAYS: [Template; 5] = templates![
    "prompt-manager-api.service",
    "prompt-manager-api.socket",
    "prompt-manager-notify.service",
    "prompt-manager-notify.path",
    "prompt-manager-failed@.service",
];

/// The names that any setup may have written.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    RUN.iter().chain(&TIMER).chain(&ALWAYS).map(|(name, _)| *name)
}

/// Those that are started at a boot, and start the others.
pub(super) fn started(look: Look) -> [&'static str; 3] {
    let ingest = match look {
        Look::Run => "prompt-manager.service",
        Look::Timer => "prompt-manager-once.timer",
    };
    [ingest, "prompt-manager-api.socket", "prompt-manager-notify.path"]
}

/// The files: name and text.
pub(super) fn files(places: &Places, look: Look) -> Vec<(&'static str, String)> {
    let ingest: &[Template] = match look {
        Look::Run => &RUN,
        Look::Timer => &TIMER,
    };
    ingest.iter().chain(&ALWAYS).map(|&(name, template)| (name, file(places, name, template))).collect()
}

fn file(places: &Places, name: &str, template: &str) -> String {
    let is_api = name.starts_with("prompt-manager-api");
    let is_system = places.account.is_some();
    let confined = if is_system { CONFINED_SYSTEM } else { CONFINED_USER };
    // A socket that systemd opened is no socket that we open.
    let families = if is_api && !is_system { "AF_UNIX AF_INET AF_INET6" } else { "AF_UNIX" };
    let own_places = if is_api { api_places(places) } else { ingest_places(places) };
    let account = places.account.as_ref().map_or_else(String::new, |account| format!("User={}\n", account.name));
    let environment = places.environment().into_iter();
    let environment =
        environment.map(|(name, value)| format!("Environment={}\n", unit_word(&format!("{name}={value}"))));
    let replacements = [
        // The first one brings some of the others.
        ("@CONFINED@\n", format!("{confined}\n")),
        ("@PLACES@\n", own_places),
        ("@FAMILIES@", families.to_owned()),
        ("@MADE@", format!("{MADE}{MADE_REST}")),
        ("@ACCOUNT@", account),
        ("@ENVIRONMENT@", environment.collect()),
        ("@WANTED@", if is_system { "multi-user.target" } else { "default.target" }.to_owned()),
        ("@LISTEN@\n", listen(places)),
        ("@WANTED_NOTE@", unit_value(&format!("{}/run/notify.wanted", places.data))),
        ("@INGEST@", unit_program(&places.ingest)),
        ("@API@", unit_program(&places.api)),
        ("@DATA@", unit_word(&places.data)),
    ];
    replacements.iter().fold(template.to_owned(), |text, (name, value)| text.replace(name, value))
}

fn ingest_places(places: &Places) -> String {
    let mut lines = vec!["ProtectHome=read-only".to_owned(), bind("BindPaths", "", &places.data)];
    lines.extend(places.spill.iter().map(|spill| bind("BindPaths", "-", spill)));
    lines.extend(places.projects.iter().map(|root| bind("BindReadOnlyPaths", "-", root)));
    lines.push(bind("BindReadOnlyPaths", "-", &places.config));
    lines.push(bind("BindReadOnlyPaths", "", &places.programs));
    lines.join("\n") + "\n"
}

fn api_places(places: &Places) -> String {
    let mut lines = vec!["IPAddressAllow=localhost".to_owned(), "ProtectHome=tmpfs".to_owned()];
    lines.push(bind("BindPaths", "", &places.data));
    lines.extend(places.spill.iter().map(|spill| bind("BindReadOnlyPaths", "-", spill)));
    lines.push(bind("BindReadOnlyPaths", "-", &places.config));
    lines.push(bind("BindReadOnlyPaths", "", &places.programs));
    lines.join("\n") + "\n"
}

/// A folder that is put where it is, whatever else hides that place; with a `-` if it is there.
fn bind(key: &str, optional: &str, path: &str) -> String {
    format!("{key}={}", unit_word(&format!("{optional}{path}")))
}

fn listen(places: &Places) -> String {
    let owner = places.account.as_ref().map_or_else(String::new, |account| format!("SocketUser={}\n", account.name));
    match &places.listen {
        Listen::Tcp(address) => format!("ListenStream={address}\nIPAddressDeny=any\nIPAddressAllow=localhost\n"),
        Listen::Unix(path) => {
            let path = unit_value(&path.display().to_string());
            format!("ListenStream={path}\nSocketMode=0600\nDirectoryMode=0700\nRemoveOnStop=yes\n{owner}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setup::service::account::Account;

    fn places(account: Option<&str>) -> Places {
        let path = |name: &str| format!("/home/ä b/100% \"{name}\"");
        Places {
            ingest: path("lib/ingest"),
            api: path("lib/query-api"),
            programs: path("lib"),
            data: path("data"),
            spill: Some(path("spill")),
            projects: vec![path("p"), "/q:r".to_owned()],
            config_home: None,
            config: path("c"),
            listen: "127.0.0.1:8765".parse().unwrap(),
            listen_flag: None,
            account: account.map(|name| Account::named(name).unwrap()),
        }
    }

    #[test]
    fn everything_is_filled_in() {
        for account in [None, Some("root")] {
            for look in [Look::Run, Look::Timer] {
                for (name, text) in files(&places(account), look) {
                    assert!(text.starts_with(MADE), "{name}\n{text}");
                    let left = text.split('@').skip(1).find(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()));
                    assert_eq!(left, None, "{name}\n{text}");
                    assert!(names().any(|known| known == name));
                    let is_theirs = text.contains("User=root\n");
                    assert_eq!(is_theirs, account.is_some() && name.ends_with(".service"), "{name}\n{text}");
                }
                assert!(
                    started(look).iter().all(|unit| files(&places(account), look).iter().any(|(name, _)| name == unit))
                );
            }
        }
    }

    #[test]
    fn paths_are_escaped() {
        let files = files(&places(Some("root")), Look::Run);
        let ingest = &files[0].1;
        for line in [
            r#"ExecStart=:/usr/bin/env "/home/ä b/100%% \"lib/ingest\"" run --home "/home/ä b/100%% \"data\"" --leave-notify"#,
            r#"Environment="PROMPT_MANAGER_SPILL=/home/ä b/100%% \"spill\"""#,
            r#"BindPaths="/home/ä b/100%% \"data\"""#,
            r#"BindPaths="-/home/ä b/100%% \"spill\"""#,
            r#"BindReadOnlyPaths="-/q:r""#,
        ] {
            assert!(ingest.lines().any(|found| found == line), "{line}\n{ingest}");
        }
        assert!(
            files.iter().any(|(_, text)| text.contains("PathChanged=/home/ä b/100%% \"data\"/run/notify.wanted\n"))
        );
    }
}
