//! What the scripted API says to a request: words in the prompt call for tools, errors and waiting, and everything else is
//! answered at once.

use serde_json::{Value, json};

/// A request, as far as the script reads it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Request {
    /// The last text that was put to the model, without what the client itself put around it.
    pub(super) prompt: String,
    /// Whether the tools that it called have answered since.
    pub(super) after_tools: bool,
    /// Whether the answer is to come as a stream of events.
    pub(super) stream: bool,
    /// The model that is asked.
    pub(super) model: String,
}

/// What is said.
#[derive(Debug, PartialEq)]
pub(super) enum Reply {
    /// A text, then these calls: (tool, input).
    Say(String, Vec<(&'static str, Value)>),
    /// An error of the API.
    Fail,
}

impl Request {
    /// Reads the body of `POST /v1/messages`; what is no such body is an empty prompt.
    pub(super) fn read(body: &[u8]) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let messages = body["messages"].as_array().map_or(&[][..], Vec::as_slice);
        let of_people = |message: &&Value| message["role"] == "user";
        let last = messages.iter().rev().find(of_people);
        Self {
            prompt: messages.iter().rev().filter(of_people).find_map(spoken).unwrap_or_default(),
            after_tools: last.is_some_and(has_result),
            stream: body["stream"] == true,
            model: body["model"].as_str().unwrap_or_default().to_owned(),
        }
    }

    /// The name of what this answer waits for: `wait-NAME` in the prompt, until tools have answered.
    pub(super) fn gate(&self) -> Option<&str> {
        let word = |word: &'static str| move |text: &&str| text.starts_with(word);
        let gate = self.prompt.split_whitespace().find(word("wait-")).filter(|_| !self.after_tools);
        gate.and_then(|word| word.strip_prefix("wait-"))
    }

    /// What is said to it.
    pub(super) fn reply(&self) -> Reply {
        let asks = |word: &str| self.prompt.split_whitespace().any(|it| it == word);
        let answer = || format!("Answer to: {}", self.prompt);
        if self.after_tools {
            Reply::Say(answer(), Vec::new())
        } else if asks("use-error") {
            Reply::Fail
        } else if asks("use-bash") {
            let run = |command: &str| ("Bash", json!({ "command": command, "description": "Say something" }));
            Reply::Say("I will run two commands.".to_owned(), vec![run("echo one"), run("echo two")])
        } else if asks("use-long") {
            let input = json!({ "command": "tail -f /dev/null", "description": "Wait" });
            Reply::Say("I will wait.".to_owned(), vec![("Bash", input)])
        } else if asks("use-agent") {
            let input = json!({
                "description": "small job", "prompt": "Reply with the word done.", "subagent_type": "general-purpose",
                "run_in_background": false
            });
            Reply::Say("I will ask somebody.".to_owned(), vec![("Agent", input)])
        } else {
            Reply::Say(answer(), Vec::new())
        }
    }
}

/// The text of a message that is not the client's own: its last block that is none of its reminders.
fn spoken(message: &Value) -> Option<String> {
    let blocks = message["content"].as_array().into_iter().flatten().rev();
    let text = message["content"].as_str().into_iter().chain(blocks.filter_map(text)).find(|text| !of_client(text));
    text.map(|text| text.trim().to_owned())
}

/// Whether a message ends with the result of a tool. (What follows an interruption stands in one message with the results.)
fn has_result(message: &Value) -> bool {
    let mut blocks = message["content"].as_array().into_iter().flatten().rev();
    blocks.find(|block| !text(block).is_some_and(of_client)).is_some_and(|block| block["type"] == "tool_result")
}

fn text(block: &Value) -> Option<&str> {
    block["text"].as_str().filter(|_| block["type"] == "text")
}

fn of_client(text: &str) -> bool {
    text.trim().is_empty() || text.starts_with("<system-reminder>")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(messages: &Value, prompt: &str, after_tools: bool, calls: Option<usize>) {
        let request = Request::read(json!({ "messages": messages }).to_string().as_bytes());
        let found = match request.reply() {
            Reply::Say(_, calls) => Some(calls.len()),
            Reply::Fail => None,
        };
        assert_eq!((request.prompt.as_str(), request.after_tools, found), (prompt, after_tools, calls), "{messages}");
    }

    #[test]
    fn requests() {
        let user = |content: Value| json!({ "role": "user", "content": content });
        let block = |text: &str| json!({ "type": "text", "text": text });
        let result = json!({ "type": "tool_result", "tool_use_id": "t", "content": "one" });
        check(&json!([user(json!("hello"))]), "hello", false, Some(0));
        check(
            &json!([user(json!([block("<system-reminder>x</system-reminder>"), block("use-error")]))]),
            "use-error",
            false,
            None,
        );
        check(&json!([user(json!([block("please use-bash")]))]), "please use-bash", false, Some(2));
        check(&json!([user(json!("use-agent"))]), "use-agent", false, Some(1));
        check(&json!([user(json!("use-bash")), user(json!([result]))]), "use-bash", true, Some(0));
        check(&json!([user(json!([result, block("go on")]))]), "go on", false, Some(0));
        check(&json!(null), "", false, Some(0));
    }

    #[test]
    fn gates() {
        let gate = |prompt: &str| {
            Request { prompt: prompt.into(), after_tools: false, stream: true, model: String::new() }
                .gate()
                .map(str::to_owned)
        };
        assert_eq!(gate("a wait-slow answer"), Some("slow".to_owned()));
        assert_eq!(gate("await this"), None);
    }
}
