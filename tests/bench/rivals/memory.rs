//! claude-mem (npm): hooks that start a runtime and ask a worker, which makes summaries by a model; without a network it keeps the
//! prompts. It takes in no transcripts.

use super::Measures;
use super::ours::prompt;
use super::run::{answering, resident, spawned, to_the_end};
use super::stage::{Stage, folder};

const ADDRESS: &str = "127.0.0.1:37777";
const VERSION: &str = "13.25.3";

pub(super) fn measured(stage: &Stage) -> Result<Measures, String> {
    let home = stage.home("claude-mem");
    let root = folder("claude-mem");
    let (plugin, scripts) = (root.join("plugin"), root.join("plugin/scripts"));
    let command = |args: &[&str]| {
        let mut command = stage.command(&home, "/usr/bin/env");
        // As its hooks.json has it, without the shell that looks for its folder.
        command.args(["node"]).arg(scripts.join("bun-runner.js")).arg(scripts.join("worker-service.cjs")).args(args);
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", root.join("bun/bin").display());
        command.env("PATH", path).env("CLAUDE_PLUGIN_ROOT", &plugin);
        command
    };
    let _ = to_the_end(command(&["start"]), &home.join("log"))?;
    let _ending = Ending(&command);
    drop(answering(ADDRESS.parse().expect("an address"), None, "/api/health")?);
    let times = stage.rounds.min(20);
    let hook = spawned(&mut |nth| (command(&["hook", "claude-code", "session-init"]), prompt(nth, "hello")), times)?;
    Ok(Measures {
        program: format!("claude-mem {VERSION}, its worker up"),
        hook: Some(hook),
        serving: worker(&home).map(resident),
        ..Measures::default()
    })
}

/// Asks the worker to end when this goes out of scope.
struct Ending<'a>(&'a dyn Fn(&[&str]) -> std::process::Command);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        let _ = (self.0)(&["stop"]).stdin(std::process::Stdio::null()).output();
    }
}

/// The worker's process, as it wrote it down.
fn worker(home: &std::path::Path) -> Option<u32> {
    let text = std::fs::read_to_string(home.join(".claude-mem/worker.pid")).ok()?;
    let written: serde_json::Value = serde_json::from_str(&text).ok()?;
    u32::try_from(written["pid"].as_u64()?).ok()
}
