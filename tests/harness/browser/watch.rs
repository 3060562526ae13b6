//! What the browser noted while pages were shown: its console, its requests, and dialogs.

use serde_json::Value;

/// The notes, and what is wrong among them.
pub(super) struct Watch {
    origin: String,
    console: Vec<String>,
    requests: Vec<String>,
    faults: Vec<String>,
}

impl Watch {
    /// Of pages of this origin.
    pub(super) fn new(origin: &str) -> Self {
        Self { origin: origin.to_owned(), console: Vec::new(), requests: Vec::new(), faults: Vec::new() }
    }

    /// An entry of one of the driver's logs: what came in the console has a source, what came over the protocol is JSON in a text.
    pub(super) fn note(&mut self, entry: &Value) {
        let text = entry["message"].as_str().unwrap_or_default();
        if entry.get("source").is_some() {
            let line = format!("{}: {text}", entry["level"].as_str().unwrap_or_default());
            self.faults.extend((entry["level"] == "SEVERE").then(|| format!("console {line}")));
            self.console.push(line);
            return;
        }
        let message: Value = serde_json::from_str(text).unwrap_or_default();
        let (what, params) = (&message["message"]["method"], &message["message"]["params"]);
        match what.as_str().unwrap_or_default() {
            "Network.requestWillBeSent" => self.request(&params["request"]),
            "Network.webSocketCreated" | "Network.webTransportCreated" => {
                self.faults.push(format!("a socket to {}", params["url"]));
            }
            "Page.javascriptDialogOpening" => self.faults.push(format!("a dialog: {params}")),
            "Page.windowOpen" => self.faults.push(format!("another window: {params}")),
            "Runtime.exceptionThrown" => self.faults.push(format!("an exception: {params}")),
            _ => {}
        }
    }

    fn request(&mut self, request: &Value) {
        let url = request["url"].as_str().unwrap_or_default();
        match url.strip_prefix(&self.origin) {
            Some(path) if path.starts_with('/') => {
                self.requests.push(format!("{} {path}", request["method"].as_str().unwrap_or_default()));
            }
            // What a browser shows before it shows a page.
            _ if ["about:blank", "data:,"].contains(&url) => {}
            _ => self.faults.push(format!("a request to another origin: {url}")),
        }
    }

    /// The browser answers nothing, for this reason.
    pub(super) fn blocked(&mut self, why: &str) {
        self.faults.push(format!("the browser is blocked: {why}"));
    }

    /// The lines of the console.
    pub(super) fn notes(&self) -> String {
        self.console.join("\n")
    }

    pub(super) fn take_requests(&mut self) -> Vec<String> {
        std::mem::take(&mut self.requests)
    }

    pub(super) fn forgive(&mut self, text: &str) {
        self.faults.retain(|fault| !(fault.starts_with("console ") && fault.contains(text)));
    }

    pub(super) fn take_faults(&mut self) -> Vec<String> {
        std::mem::take(&mut self.faults)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ORIGIN: &str = "http://prompt-manager.localhost:1";

    fn check(entry: &Value, faults: usize, requests: &[&str]) {
        let mut watch = Watch::new(ORIGIN);
        watch.note(entry);
        assert_eq!(watch.take_requests(), requests, "{entry}");
        let found = watch.take_faults();
        assert_eq!(found.len(), faults, "{entry}: {found:?}");
    }

    fn protocol(method: &str, params: &Value) -> Value {
        json!({"level": "INFO", "message": json!({"message": {"method": method, "params": params}}).to_string()})
    }

    #[test]
    fn what_is_a_fault() {
        check(&json!({"level": "SEVERE", "source": "security", "message": "Refused"}), 1, &[]);
        check(&json!({"level": "INFO", "source": "console-api", "message": "hello"}), 0, &[]);
        let request =
            |url: &str| protocol("Network.requestWillBeSent", &json!({"request": {"method": "GET", "url": url}}));
        check(&request(&format!("{ORIGIN}/a?b=c")), 0, &["GET /a?b=c"]);
        check(&request("about:blank"), 0, &[]);
        for other in [&format!("{ORIGIN}0/"), &format!("{ORIGIN}.evil/"), "https://evil.example/", "data:text/html,x"] {
            check(&request(other), 1, &[]);
        }
        check(&protocol("Page.javascriptDialogOpening", &json!({"message": "1"})), 1, &[]);
        check(&protocol("Page.loadEventFired", &json!({})), 0, &[]);
    }
}
