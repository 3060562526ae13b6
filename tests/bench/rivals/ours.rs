//! Ours, in the same home, by the same clock.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use harness::{bin, encode, repository};

use super::Measures;
use super::run::{Running, answering, asked, spawned, to_the_end, until_found};
use super::stage::{Stage, projects};

const ADDRESS: &str = "127.0.0.1:8765";

pub(super) fn measured(stage: &Stage) -> Result<Measures, String> {
    let home = stage.home("prompt-manager");
    let (log, data) = (home.join("log"), home.join(".local/share/prompt-manager"));
    let import = || {
        let mut import = stage.command(&home, bin("ingest"));
        import.args(["import", "--quiet"]).arg(projects(&home));
        import
    };
    let first = to_the_end(import(), &log)?;
    let disk = super::stage::size(&data);
    let again = to_the_end(import(), &log)?;

    let hook = hook()?;
    let hook = |payload: String| {
        let mut command = stage.command(&home, &hook);
        command.arg("UserPromptSubmit");
        (command, payload)
    };
    let timed = spawned(&mut |nth| hook(prompt(nth, "hello")), stage.rounds)?;

    let mut run = stage.command(&home, bin("ingest"));
    run.args(["run", "--projects"]).arg(projects(&home));
    let _run = Running::start(run, &log)?;
    let mut serve = stage.command(&home, bin("query-api"));
    serve.args(["serve", "--listen", ADDRESS]);
    let server = Running::start(serve, &home.join("serve.log"))?;
    let token = token(&data.join("run/api.token"))?;
    let list = "/api/conversations?limit=50".to_owned();
    let find = |word: &str| format!("/api/conversations?limit=50&q={}", encode(word));
    let mut client = answering(ADDRESS.parse().expect("an address"), Some(&token), &list)?;
    let some = |answer: &serde_json::Value| answer["items"].as_array().is_some_and(|items| !items.is_empty());
    let mut ask = |path: &str| asked(&mut client, path, stage.rounds, &some);
    let (list, rare, common) = (ask(&list)?, ask(&find(&stage.rare))?, ask(&find(&stage.common))?);
    let serving = server.resident();
    let mut tell = |nth: usize, word: &str| {
        let _ = spawned(&mut |_| hook(prompt(100_000 + nth, word)), 1);
    };
    let mut found = |word: &str| some(&client.get(&find(word)).json());
    let found = until_found(8, &mut tell, &mut found)?;
    Ok(Measures {
        program: "prompt-manager".to_owned(),
        import: Some([first.seconds, again.seconds]),
        disk: Some(disk),
        peak: Some(first.peak),
        hook: Some(timed),
        list: Some(list),
        rare: Some(rare),
        common: Some(common),
        serving: Some(serving),
        found: Some(found),
    })
}

/// What Claude Code says of a prompt.
pub(super) fn prompt(nth: usize, text: &str) -> String {
    let session = format!("00000000-0000-4000-8000-{nth:012}");
    format!(
        r#"{{"session_id":"{session}","transcript_path":"/none","cwd":"/src","prompt_id":"p{nth}","hook_event_name":"UserPromptSubmit","prompt":"find {text} again"}}"#
    )
}

/// The hook as it is installed.
fn hook() -> Result<std::path::PathBuf, String> {
    let built = Command::new(repository().join("ops/build")).arg("--hook-only").stderr(Stdio::null()).output();
    let built = built.map_err(|error| error.to_string())?;
    let path = String::from_utf8_lossy(&built.stdout).trim().to_owned();
    if built.status.success() { Ok(path.into()) } else { Err("ops/build --hook-only failed".to_owned()) }
}

/// The server's token, once it has made one.
fn token(path: &Path) -> Result<String, String> {
    for _ in 0..600 {
        if let Ok(token) = fs::read_to_string(path) {
            return Ok(token.trim().to_owned());
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    Err("makes no token".to_owned())
}
