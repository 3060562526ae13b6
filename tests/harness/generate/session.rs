//! One session of the generated corpus, told line by line as Claude Code 2.1 writes them, and the hook events beside it.

use std::io::Write;

use super::sizes::{self, Sizes};
use super::words::{Words, base64};
use crate::Seed;

/// The share of tool calls of each name, in thousandths, and what becomes of it.
const TOOLS: [(&str, usize); 7] =
    [("Bash", 330), ("Edit", 175), ("Read", 225), ("Grep", 75), ("TodoWrite", 120), ("Write", 69), ("Agent", 6)];

/// A session as it grows.
pub struct Session<'w> {
    words: &'w Words,
    seed: Seed,
    /// Claude Code's id of it.
    pub id: String,
    /// Its own file.
    pub main: Vec<u8>,
    /// The files of its subagents, by their ids.
    pub subagents: Vec<(String, Vec<u8>)>,
    /// Its hook events: name and payload.
    pub events: Vec<(String, Vec<u8>)>,
    /// So many lines, in all files.
    pub lines: usize,
    day: String,
    ms: usize,
    nth: usize,
    parent: Option<String>,
    prompt_id: String,
    agent: Option<String>,
    /// What its tools read and change, again and again.
    code: String,
}

impl<'w> Session<'w> {
    pub(super) fn new(words: &'w Words, mut seed: Seed, nth: usize) -> Self {
        let code = words.code(&mut seed, 60_000);
        Self::with_code(words, seed, nth, code)
    }

    /// One of many small sessions: little text, at any time of one of a thousand days.
    pub(super) fn brief(words: &'w Words, mut seed: Seed, nth: usize) -> Self {
        let (code, ms) = (words.code(&mut seed, 2_000), seed.below(80_000_000));
        Self { ms, ..Self::with_code(words, seed, nth % 1_000, code) }
    }

    fn with_code(words: &'w Words, mut seed: Seed, nth: usize, code: String) -> Self {
        let day = format!("{}-{:02}-{:02}", 2024 + nth / 336, nth / 28 % 12 + 1, nth % 28 + 1);
        let (id, prompt_id) = (uuid(&mut seed), uuid(&mut seed));
        let (main, subagents, events) = (Vec::new(), Vec::new(), Vec::new());
        let (lines, ms, parent, agent) = (0, 0, None, None);
        Self { words, seed, id, main, subagents, events, lines, day, ms, nth, parent, prompt_id, agent, code }
    }

    /// A prompt and everything until the next one.
    pub fn turn(&mut self) {
        self.prompt();
        for _ in 0..sizes::CALLS.draw(&mut self.seed) {
            self.call();
        }
        self.answer();
    }

    /// A short prompt, now and then a tool call, and a short answer.
    pub fn brief_turn(&mut self) {
        self.prompt_id = uuid(&mut self.seed);
        let length = 20 + self.seed.below(150);
        let prompt = self.json_prose(length);
        self.user(&prompt, r#","permissionMode":"default","origin":{"kind":"human"},"promptSource":"typed""#);
        if self.seed.below(10) < 3 {
            let (message, use_id, tool) = (id(&mut self.seed, "msg_01"), id(&mut self.seed, "toolu_01"), self.tool());
            let (input, output) = (self.json_prose(60), self.excerpt(200));
            let call =
                format!(r#"{{"type":"tool_use","id":"{use_id}","name":"{tool}","input":{{"command":{input}}}}}"#);
            self.assistant(&message, &call, r#""tool_use""#);
            let (output, error) = (json(&output), self.seed.below(25) == 0);
            self.user(
                &format!(
                    r#"[{{"type":"tool_result","tool_use_id":"{use_id}","content":{output},"is_error":{error}}}]"#
                ),
                "",
            );
        }
        let (message, length) = (id(&mut self.seed, "msg_01"), 30 + self.seed.below(300));
        let text = self.json_prose(length);
        self.assistant(&message, &format!(r#"{{"type":"text","text":{text}}}"#), r#""end_turn""#);
        self.ms += self.seed.below(120_000);
    }

    fn prompt(&mut self) {
        self.prompt_id = uuid(&mut self.seed);
        self.sidecars();
        let prompt = self.prose(&sizes::PROMPT);
        self.event("UserPromptSubmit", &format!(r#""prompt":{}"#, json(&prompt)));
        let text = json(&prompt);
        let content = if self.seed.below(60) == 0 {
            let length = sizes::IMAGE.draw(&mut self.seed);
            let data = base64(&mut self.seed, length);
            format!(
                r#"[{{"type":"text","text":{text}}},{{"type":"image","source":{{"type":"base64","media_type":"image/png","data":"{data}"}}}}]"#
            )
        } else {
            text
        };
        self.user(&content, r#","permissionMode":"default","origin":{"kind":"human"},"promptSource":"typed""#);
        let attachment = self.words.prose(&mut self.seed, 1500);
        self.dag("attachment", &format!(r#""attachment":{{"type":"skill_listing","content":{}}}"#, json(&attachment)));
    }

    /// A tool call, with what goes before it and what comes of it.
    pub fn call(&mut self) {
        let message = id(&mut self.seed, "msg_01");
        if self.seed.below(100) < 36 {
            self.thinking(&message);
        }
        if self.seed.below(100) < 30 {
            self.text(&message, "null");
        }
        let (tool, use_id) = (self.tool(), id(&mut self.seed, "toolu_01"));
        let (input, output) = (sizes::INPUT.draw(&mut self.seed), sizes::OUTPUT.draw(&mut self.seed));
        let old = self.excerpt(input / 2);
        let input = match tool {
            "Bash" => format!(r#"{{"command":{},"description":{}}}"#, self.json_prose(input), self.json_prose(30)),
            "Edit" | "Write" => {
                let new = self.words.code(&mut self.seed, input / 2);
                format!(r#"{{"file_path":"/src/acme/lib.rs","old_string":{},"new_string":{}}}"#, json(&old), json(&new))
            }
            _ => format!(r#"{{"file_path":"/src/acme/lib.rs","pattern":{}}}"#, self.json_prose(input.min(200))),
        };
        self.assistant(
            &message,
            &format!(r#"{{"type":"tool_use","id":"{use_id}","name":"{tool}","input":{input}}}"#),
            r#""tool_use""#,
        );
        if tool == "Agent" && self.agent.is_none() {
            self.subagent();
        }
        // What commands print they have often printed before.
        let output = match tool {
            "Read" | "Grep" | "Edit" => json(&self.excerpt(output)),
            _ if self.seed.below(5) < 3 => json(&self.excerpt(output)),
            _ => self.json_prose(output),
        };
        let error = self.seed.below(25) == 0;
        let structured = match tool {
            "Edit" | "Write" => format!(
                r#"{{"filePath":"/src/acme/lib.rs","newString":{output},"originalFile":{}}}"#,
                json(&self.excerpt(6_000))
            ),
            _ => format!(r#"{{"stdout":{output},"stderr":"","interrupted":false,"isImage":false}}"#),
        };
        self.event(
            "PostToolUse",
            &format!(r#""tool_name":"{tool}","tool_use_id":"{use_id}","tool_input":{input},"tool_response":{structured},"duration_ms":12"#),
        );
        let result =
            format!(r#"[{{"type":"tool_result","tool_use_id":"{use_id}","content":{output},"is_error":{error}}}]"#);
        self.user(&result, &format!(r#","toolUseResult":{structured}"#));
        if self.seed.below(100) < 35 {
            let said = self.json_prose(600);
            let body =
                format!(r#""attachment":{{"type":"hook_success","hookName":"PostToolUse:{tool}","content":{said}}}"#);
            self.dag("attachment", &body);
        }
    }

    fn answer(&mut self) {
        let message = id(&mut self.seed, "msg_01");
        let text = self.text(&message, r#""end_turn""#);
        self.dag("system", r#""subtype":"turn_duration","durationMs":4711,"isMeta":false"#);
        self.event("Stop", &format!(r#""stop_hook_active":false,"last_assistant_message":{}"#, json(&text)));
    }

    fn subagent(&mut self) {
        let agent = format!("a{:016x}", self.seed.number());
        let (main, parent) = (std::mem::take(&mut self.main), self.parent.take());
        self.agent = Some(agent.clone());
        let task = self.json_prose(1500);
        self.user(&task, "");
        for _ in 0..8 {
            self.call();
        }
        let message = id(&mut self.seed, "msg_01");
        self.text(&message, r#""end_turn""#);
        self.agent = None;
        self.parent = parent;
        self.subagents.push((agent, std::mem::replace(&mut self.main, main)));
    }

    /// A text of Claude's, as a line of its own. `stop` is JSON.
    pub fn text(&mut self, message: &str, stop: &str) -> String {
        let text = self.prose(&sizes::TEXT);
        self.assistant(message, &format!(r#"{{"type":"text","text":{}}}"#, json(&text)), stop);
        text
    }

    fn thinking(&mut self, message: &str) {
        let thought = self.prose(&sizes::THINKING);
        let length = sizes::SIGNATURE.draw(&mut self.seed);
        let signature = base64(&mut self.seed, length);
        self.assistant(
            message,
            &format!(r#"{{"type":"thinking","thinking":{},"signature":"{signature}"}}"#, json(&thought)),
            "null",
        );
    }

    fn assistant(&mut self, message: &str, block: &str, stop: &str) {
        let (output, cached) = (self.seed.below(2_000), self.seed.below(150_000));
        let usage = format!(
            r#"{{"input_tokens":4,"cache_creation_input_tokens":{output},"cache_read_input_tokens":{cached},"cache_creation":{{"ephemeral_5m_input_tokens":{output},"ephemeral_1h_input_tokens":0}},"output_tokens":{output},"service_tier":"standard"}}"#
        );
        let request = message.replace("msg", "req");
        self.dag(
            "assistant",
            &format!(
                r#""message":{{"model":"claude-opus-4-7","id":"{message}","type":"message","role":"assistant","content":[{block}],"stop_reason":{stop},"stop_sequence":null,"usage":{usage}}},"requestId":"{request}""#
            ),
        );
    }

    fn user(&mut self, content: &str, more: &str) {
        let body = format!(r#""promptId":"{}","message":{{"role":"user","content":{content}}}{more}"#, self.prompt_id);
        self.dag("user", &body);
    }

    /// A line with a uuid, below the one before it.
    fn dag(&mut self, kind: &str, body: &str) {
        self.ms += self.seed.below(500);
        let uuid = uuid(&mut self.seed);
        let parent = self.parent.as_deref().map_or("null".to_owned(), |parent| format!("\"{parent}\""));
        let agent = self.agent.as_deref().map_or(String::new(), |agent| format!(r#","agentId":"{agent}""#));
        let (id, time, sidechain) = (&self.id, self.time(), self.agent.is_some());
        let line = format!(
            r#"{{"parentUuid":{parent},"isSidechain":{sidechain}{agent},"type":"{kind}",{body},"uuid":"{uuid}","timestamp":"{time}","userType":"external","entrypoint":"cli","cwd":"/src/acme-{}","sessionId":"{id}","version":"2.1.218","gitBranch":"main"}}"#,
            self.nth % 20
        );
        self.line(&line);
        self.parent = Some(uuid);
    }

    /// Lines that come again at each prompt.
    fn sidecars(&mut self) {
        let id = self.id.clone();
        let message = uuid(&mut self.seed);
        self.line(&format!(r#"{{"type":"permission-mode","permissionMode":"default","sessionId":"{id}"}}"#));
        self.line(&format!(r#"{{"type":"file-history-snapshot","messageId":"{message}","snapshot":{{"messageId":"{message}","trackedFileBackups":{{}},"timestamp":"{}"}},"isSnapshotUpdate":false}}"#, self.time()));
        let title = self.json_prose(40);
        self.line(&format!(r#"{{"type":"ai-title","aiTitle":{title},"sessionId":"{id}"}}"#));
    }

    fn line(&mut self, line: &str) {
        self.main.extend_from_slice(line.as_bytes());
        self.main.push(b'\n');
        self.lines += 1;
    }

    fn event(&mut self, name: &str, fields: &str) {
        let id = &self.id;
        let mut payload = Vec::new();
        let written = writeln!(
            payload,
            r#"{{"session_id":"{id}","transcript_path":"/home/dev/.claude/projects/-src-acme/{id}.jsonl","cwd":"/src/acme-{}","prompt_id":"{}","permission_mode":"default","hook_event_name":"{name}",{fields}}}"#,
            self.nth % 20,
            self.prompt_id
        );
        written.expect("memory takes what is written to it");
        // The nanoseconds need not be the line's time: which event belongs to which line is told by ids.
        let ns = 1_704_067_200_000_000_000 + self.nth as u64 * 86_400_000_000_000 + self.ms as u64 * 1_000_000;
        self.events.push((format!("{:019}-{id}-{name}.json", ns + self.events.len() as u64), payload));
    }

    fn time(&self) -> String {
        let seconds = self.ms / 1000 % 86_400;
        format!(
            "{}T{:02}:{:02}:{:02}.{:03}Z",
            self.day,
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60,
            self.ms % 1000
        )
    }

    fn tool(&mut self) -> &'static str {
        let mut at = self.seed.below(1000);
        let drawn = TOOLS.iter().find(|(_, share)| match at.checked_sub(*share) {
            Some(rest) => {
                at = rest;
                false
            }
            None => true,
        });
        drawn.map_or("Bash", |(name, _)| name)
    }

    fn prose(&mut self, sizes: &Sizes) -> String {
        let length = sizes.draw(&mut self.seed);
        self.words.prose(&mut self.seed, length)
    }

    fn json_prose(&mut self, length: usize) -> String {
        json(&self.words.prose(&mut self.seed, length))
    }

    /// A piece of the code that this session works on.
    fn excerpt(&mut self, length: usize) -> String {
        let length = length.min(self.code.len());
        let from = self.seed.below(self.code.len() - length + 1);
        self.code[from..from + length].to_owned()
    }
}

fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn uuid(seed: &mut Seed) -> String {
    let (a, b) = (seed.number(), seed.number());
    format!(
        "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
        a >> 32,
        a >> 16 & 0xffff,
        a & 0xfff,
        b >> 48 & 0xfff,
        b & 0xffff_ffff_ffff
    )
}

fn id(seed: &mut Seed, prefix: &str) -> String {
    format!("{prefix}{:016x}{:06x}", seed.number(), seed.number() & 0xff_ffff)
}
