//! A session told step by step, as a transcript and the hook events beside it: what tests say that Claude Code did.
//!
//! Where the generator makes much of the same shape, this tells what a test or a picture wants to hold: these words, this call, this
//! failure. Texts are taken as they are.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::Seed;

/// A session as it grows.
pub struct Told {
    /// Claude Code's id of it.
    pub id: String,
    /// What every line says beside its own: directory, branch, version, entrypoint, and whatever a test adds.
    pub common: Map<String, Value>,
    /// The model that answers.
    pub model: String,
    /// Milliseconds since 1970; every line moves it on.
    pub now_ms: u64,
    /// Its hook events: nanoseconds, name, payload.
    pub events: Vec<(u64, String, Value)>,
    seed: Seed,
    main: Vec<Value>,
    agents: Vec<(String, Vec<Value>)>,
    /// While a subagent works: its id.
    agent: Option<String>,
    parent: Option<String>,
    prompt_id: String,
}

impl Told {
    /// One that begins in this directory at this time, in milliseconds since 1970.
    pub fn begin(seed: u64, cwd: &str, now_ms: u64) -> Self {
        let mut seed = Seed::new(seed);
        let (id, prompt_id) = (uuid(&mut seed), uuid(&mut seed));
        let common = json!({"userType": "external", "entrypoint": "cli", "cwd": cwd, "sessionId": id,
            "version": "2.1.330", "gitBranch": "main"});
        Self {
            common: common.as_object().cloned().unwrap_or_default(),
            model: "claude-opus-5-5".to_owned(),
            now_ms,
            events: Vec::new(),
            main: Vec::new(),
            agents: Vec::new(),
            agent: None,
            parent: None,
            id,
            prompt_id,
            seed,
        }
    }

    /// As it is, with another value that every line says from now on.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.common.insert(name.to_owned(), value.into());
        self
    }

    /// The title that a person gave it.
    pub fn titled(&mut self, title: &str) {
        self.raw(&json!({"type": "custom-title", "customTitle": title, "sessionId": self.id}));
    }

    /// A line as it is.
    pub fn raw(&mut self, line: &Value) {
        self.main.push(line.clone());
    }

    /// A person asks.
    pub fn prompt(&mut self, text: &str) {
        self.ask(text, &text.into());
    }

    /// A person asks, and shows a picture.
    pub fn prompt_with_image(&mut self, text: &str, png: &str) {
        let image = json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": png}});
        self.ask(text, &json!([{"type": "text", "text": text}, image]));
    }

    fn ask(&mut self, text: &str, content: &Value) {
        self.prompt_id = uuid(&mut self.seed);
        self.event("UserPromptSubmit", &json!({"prompt": text, "source": "user"}));
        let origin = json!({"kind": "human"});
        self.user(content, &json!({"permissionMode": "default", "origin": origin, "promptSource": "typed"}));
    }

    /// What Claude thinks before it goes on.
    pub fn thinks(&mut self, text: &str) {
        self.assistant(&json!({"type": "thinking", "thinking": text, "signature": "c2ln"}), "tool_use");
    }

    /// What Claude says in between.
    pub fn says(&mut self, text: &str) {
        self.assistant(&json!({"type": "text", "text": text}), "tool_use");
    }

    /// What Claude says at last.
    pub fn answers(&mut self, text: &str) {
        self.assistant(&json!({"type": "text", "text": text}), "end_turn");
        if self.agent.is_none() {
            self.line("system", &json!({"subtype": "turn_duration", "durationMs": 4711, "isMeta": false}));
            self.event("Stop", &json!({"stop_hook_active": false, "last_assistant_message": text}));
        }
    }

    /// A tool call and what came of it: `result` is what the client keeps beside the text that Claude is shown.
    pub fn calls(&mut self, tool: &str, input: &Value, output: &Value, error: bool, result: &Value) {
        let id = self.starts(tool, input);
        let ms = 4 + self.seed.below(9) * self.seed.below(400);
        self.ends(&id, output, error, result, ms as u64);
        let event = if error { "PostToolUseFailure" } else { "PostToolUse" };
        self.event(
            event,
            &json!({"tool_name": tool, "tool_use_id": id, "tool_input": input, "tool_response": result,
            "error": output, "duration_ms": ms}),
        );
    }

    fn starts(&mut self, tool: &str, input: &Value) -> String {
        let id = format!("toolu_01{:022x}", self.seed.number());
        self.assistant(&json!({"type": "tool_use", "id": id, "name": tool, "input": input}), "tool_use");
        id
    }

    fn ends(&mut self, id: &str, output: &Value, error: bool, result: &Value, took_ms: u64) {
        self.now_ms += took_ms;
        let block = json!([{"type": "tool_result", "tool_use_id": id, "content": output, "is_error": error}]);
        self.user(&block, &json!({"toolUseResult": result}));
    }

    /// A command in a shell.
    pub fn bash(&mut self, command: &str, output: &str, failed: bool) {
        let result = json!({"stdout": output, "stderr": "", "interrupted": false, "isImage": false});
        let output = if failed { format!("Exit code 1\n{output}") } else { output.to_owned() };
        self.calls("Bash", &json!({"command": command}), &output.into(), failed, &result);
    }

    /// A file that is read.
    pub fn reads(&mut self, file: &str, text: &str) {
        let numbered: Vec<_> = text.lines().zip(1..).map(|(line, n)| format!("{n:>6}\t{line}")).collect();
        let kept = json!({"type": "text", "file": {"filePath": file, "content": text, "numLines": numbered.len()}});
        self.calls("Read", &json!({"file_path": file}), &numbered.join("\n").into(), false, &kept);
    }

    /// A piece of a file that becomes another.
    pub fn edits(&mut self, file: &str, old: &str, new: &str) {
        let input = json!({"file_path": file, "old_string": old, "new_string": new});
        let result = json!({"filePath": file, "oldString": old, "newString": new, "replaceAll": false});
        self.calls("Edit", &input, &format!("The file {file} has been updated.").into(), false, &result);
    }

    /// A new file.
    pub fn writes(&mut self, file: &str, text: &str) {
        let input = json!({"file_path": file, "content": text});
        let result = json!({"type": "create", "filePath": file, "content": text, "structuredPatch": []});
        self.calls("Write", &input, &format!("File created successfully at: {file}").into(), false, &result);
    }

    /// A subagent of this type does `work`, and what it answers is the call's output.
    pub fn agent(&mut self, kind: &str, task: &str, answer: &str, work: impl FnOnce(&mut Self)) {
        let call = self.starts("Agent", &json!({"description": task, "prompt": task, "subagent_type": kind}));
        let agent = format!("a{:016x}", self.seed.number());
        let parent = (self.agent.replace(agent.clone()), self.parent.take());
        self.agents.push((agent.clone(), Vec::new()));
        self.user(&task.into(), &json!({}));
        work(self);
        self.answers(answer);
        (self.agent, self.parent) = parent;
        let said = json!([{"type": "text", "text": answer}]);
        let result = json!({"status": "completed", "agentId": agent, "agentType": kind, "content": said});
        self.ends(&call, &said, false, &result, 0);
    }

    /// A person stops it.
    pub fn interrupted(&mut self) {
        self.user(&json!([{"type": "text", "text": "[Request interrupted by user]"}]), &json!({}));
    }

    /// The API refuses.
    pub fn fails(&mut self, why: &str) {
        let message = json!({"id": uuid(&mut self.seed), "model": "<synthetic>", "role": "assistant", "type": "message",
            "stop_reason": "stop_sequence", "content": [{"type": "text", "text": why}],
            "usage": {"input_tokens": 0, "output_tokens": 0}});
        self.line("assistant", &json!({"message": message, "error": "unknown", "isApiErrorMessage": true}));
        self.event("StopFailure", &json!({"error": "unknown", "last_assistant_message": why}));
    }

    /// The files of the session below the projects root, with their bytes.
    pub fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let cwd = self.common["cwd"].as_str().unwrap_or_default();
        let folder: String = cwd.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(60).collect();
        let folder = Path::new(&folder);
        let mut files = vec![(folder.join(format!("{}.jsonl", self.id)), lines(&self.main))];
        for (agent, told) in &self.agents {
            files.push((folder.join(&self.id).join(format!("subagents/agent-{agent}.jsonl")), lines(told)));
        }
        files
    }

    fn assistant(&mut self, block: &Value, stop: &str) {
        let (output, cached) = (80 + self.seed.below(900), 12_000 + self.seed.below(60_000));
        let number = self.seed.number();
        let usage = json!({"input_tokens": 4 + self.seed.below(40), "cache_creation_input_tokens": output * 2,
            "cache_read_input_tokens": cached, "output_tokens": output, "service_tier": "standard"});
        let message = json!({"id": format!("msg_01{number:022x}"), "type": "message", "role": "assistant",
            "model": self.model, "content": [block], "stop_reason": stop, "stop_sequence": null, "usage": usage});
        self.now_ms += 900 + self.seed.below(9_000) as u64;
        self.line("assistant", &json!({"message": message, "requestId": format!("req_01{number:022x}")}));
    }

    fn user(&mut self, content: &Value, more: &Value) {
        let mut body = json!({"promptId": self.prompt_id, "message": {"role": "user", "content": content}});
        extend(&mut body, more);
        self.line("user", &body);
    }

    /// A line with a uuid, below the one before it.
    fn line(&mut self, kind: &str, body: &Value) {
        self.now_ms += 40;
        let uuid = uuid(&mut self.seed);
        let mut line = json!({"parentUuid": self.parent, "isSidechain": self.agent.is_some(), "type": kind,
            "uuid": uuid, "timestamp": rfc3339(self.now_ms)});
        if let Some(agent) = &self.agent {
            extend(&mut line, &json!({"agentId": agent}));
        }
        extend(&mut line, body);
        extend(&mut line, &Value::Object(self.common.clone()));
        self.parent = Some(uuid);
        let agent = self.agent.as_ref().and_then(|agent| self.agents.iter_mut().find(|(id, _)| id == agent));
        agent.map_or(&mut self.main, |(_, lines)| lines).push(line);
    }

    fn event(&mut self, name: &str, fields: &Value) {
        let mut payload = json!({"session_id": self.id, "cwd": self.common["cwd"], "prompt_id": self.prompt_id,
            "transcript_path": format!("/nowhere/{}.jsonl", self.id), "permission_mode": "default", "hook_event_name": name});
        extend(&mut payload, fields);
        self.events.push((self.now_ms * 1_000_000, name.to_owned(), payload));
    }
}

fn extend(object: &mut Value, more: &Value) {
    if let (Some(object), Some(more)) = (object.as_object_mut(), more.as_object()) {
        object.extend(more.clone());
    }
}

fn lines(told: &[Value]) -> Vec<u8> {
    told.iter().map(|line| format!("{line}\n")).collect::<String>().into_bytes()
}

fn uuid(seed: &mut Seed) -> String {
    let (a, b) = (seed.number(), seed.number());
    let (low, high) = (a & 0xfff, b >> 48 & 0xfff);
    format!("{:08x}-{:04x}-4{low:03x}-8{high:03x}-{:012x}", a >> 32, a >> 16 & 0xffff, b & 0xffff_ffff_ffff)
}

/// A time as transcripts write it, in UTC.
pub fn rfc3339(ms: u64) -> String {
    let (days, of_day) = (ms / 86_400_000, ms % 86_400_000);
    // From 0000-03-01 on, in eras of 400 years: a leap day is then the last of its year.
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let (day, month) = (of_year - (153 * shifted + 2) / 5 + 1, if shifted < 10 { shifted + 3 } else { shifted - 9 });
    let year = era * 400 + year + u64::from(month < 3);
    let (second, ms) = (of_day / 1_000, of_day % 1_000);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(ms: u64, expected: &str) {
        assert_eq!(rfc3339(ms), expected);
    }

    #[test]
    fn times() {
        check(0, "1970-01-01T00:00:00.000Z");
        check(951_782_399_999, "2000-02-28T23:59:59.999Z");
        check(951_782_400_000, "2000-02-29T00:00:00.000Z");
        check(1_795_350_956_230, "2026-11-22T12:35:56.230Z");
        check(4_107_542_400_000, "2100-03-01T00:00:00.000Z");
    }
}
