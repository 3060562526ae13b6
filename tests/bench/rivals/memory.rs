//! claude-mem (npm): hooks that start a runtime and ask a worker, which makes summaries by a model; without a network it keeps the
//! prompts. It takes in no transcripts.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::Measures;
use super::ours::prompt;
use super::run::{answering, resident, spawned, to_the_end};
use super::stage::{Stage, folder};

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
    let (worker, port) = worker(&home)?;
    drop(answering(([127, 0, 0, 1], port).into(), None, "/api/health")?);
    let times = stage.rounds.min(20);
    let hook = spawned(&mut |nth| (command(&["hook", "claude-code", "session-init"]), prompt(nth, "hello")), times)?;
    Ok(Measures {
        program: format!("claude-mem {VERSION}, its worker up"),
        hook: Some(hook),
        serving: Some(resident(worker)),
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

/// The worker's process and its port, which goes by the user, as it wrote them down.
fn worker(home: &Path) -> Result<(u32, u16), String> {
    let path = home.join(".claude-mem/worker.pid");
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let written: Value = serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    let number = |name: &str| written[name].as_u64().ok_or_else(|| format!("no {name} in {text}"));
    let (process, port) = (number("pid")?.try_into(), number("port")?.try_into());
    Ok((process.map_err(|_| text.clone())?, port.map_err(|_| text.clone())?))
}
