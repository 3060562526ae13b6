//! claude-replay (PyPI): hooks that write to a database, and a server; it takes in no transcripts, so that what it lists and
//! searches is what the hooks of this run left.

use harness::encode;

use super::Measures;
use super::run::{Running, answering, asked, spawned};
use super::stage::{Stage, folder};

const ADDRESS: &str = "127.0.0.1:8766";
const VERSION: &str = "0.4.3";

pub(super) fn measured(stage: &Stage) -> Result<Measures, String> {
    let home = stage.home("claude-replay");
    let program = folder("claude-replay").join("bin/claude-replay");
    let mut hook = |nth: usize| {
        let mut command = stage.command(&home, &program);
        command.args(["hook", "post-tool"]);
        (command, call(nth))
    };
    let hook = spawned(&mut hook, stage.rounds)?;
    let mut serve = stage.command(&home, &program);
    serve.args(["serve", "--port", "8766"]);
    let server = Running::start(serve, &home.join("serve.log"))?;
    let mut client = answering(ADDRESS.parse().expect("an address"), None, "/api/state")?;
    let list = asked(&mut client, "/api/state", stage.rounds, &|answer| !answer.is_null())?;
    let rare = asked(&mut client, &format!("/api/search?q={}", encode("seldom3x")), stage.rounds, &|it| !it.is_null())?;
    Ok(Measures {
        program: format!("claude-replay {VERSION}, {} events", stage.rounds),
        hook: Some(hook),
        list: Some(list),
        rare: Some(rare),
        serving: Some(server.resident()),
        ..Measures::default()
    })
}

/// What Claude Code says after a tool call.
pub(super) fn call(nth: usize) -> String {
    let session = format!("00000000-0000-4000-8000-{:012}", nth / 10);
    format!(
        r#"{{"session_id":"{session}","transcript_path":"/none","cwd":"/src","hook_event_name":"PostToolUse","tool_name":"Bash","tool_use_id":"toolu_{nth}","tool_input":{{"command":"grep seldom{nth}x"}},"tool_response":{{"stdout":"one line","stderr":"","interrupted":false}}}}"#
    )
}
