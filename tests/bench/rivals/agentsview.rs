//! agentsview (PyPI): follows transcripts, a server with search, no hooks.

use std::process::Command;

use harness::{Told, encode};

use super::Measures;
use super::run::{Running, answering, asked, to_the_end, until_found};
use super::stage::{BEGIN_MS, Stage, folder, projects, put, size};

const ADDRESS: &str = "127.0.0.1:8199";
const PORT: &str = "8199";
const VERSION: &str = "0.46.1";

pub(super) fn measured(stage: &Stage) -> Result<Measures, String> {
    let home = stage.home("agentsview");
    let program = folder("agentsview").join("bin/agentsview");
    let command = |args: &[&str]| -> Command {
        let mut command = stage.command(&home, &program);
        command.args(args).env("AGENTSVIEW_NO_DAEMON", "1");
        command
    };
    let log = home.join("log");
    let first = to_the_end(command(&["sync"]), &log)?;
    let disk = size(&home.join(".agentsview"));
    let again = to_the_end(command(&["sync"]), &log)?;

    let serve = command(&["serve", "--no-browser", "--no-update-check", "--port", PORT]);
    let server = Running::start(serve, &home.join("serve.log"))?;
    let list = "/api/v1/sessions?limit=50".to_owned();
    let find = |word: &str| format!("/api/v1/search?limit=50&q={}", encode(word));
    let mut client = answering(ADDRESS.parse().expect("an address"), None, &list)?;
    let some = |answer: &serde_json::Value| {
        ["sessions", "results"].iter().any(|name| answer[name].as_array().is_some_and(|items| !items.is_empty()))
    };
    let mut ask = |path: &str| asked(&mut client, path, stage.rounds, &some);
    let (list, rare, common) = (ask(&list)?, ask(&find(&stage.rare))?, ask(&find(&stage.common))?);
    let serving = server.resident();
    let mut session = Told::begin(9, "/src/acme-1", BEGIN_MS);
    let mut tell = |_: usize, word: &str| {
        session.prompt(&format!("find {word} again"));
        let _ = put(&session, &projects(&home));
    };
    let mut found = |word: &str| some(&client.get(&find(word)).json());
    let found = until_found(8, &mut tell, &mut found)?;
    Ok(Measures {
        program: format!("agentsview {VERSION}"),
        import: Some([first.seconds, again.seconds]),
        disk: Some(disk),
        peak: Some(first.peak),
        hook: None,
        list: Some(list),
        rare: Some(rare),
        common: Some(common),
        serving: Some(serving),
        found: Some(found),
    })
}
