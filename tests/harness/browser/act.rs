//! What a person does to a page: looks for things, clicks, types, presses keys.
//!
//! A selector is CSS, or XPath where it begins with `/`. Pages change while a test looks at them, so everything is tried again
//! until it works or the time is over.

use std::time::Instant;

use serde_json::{Value, json};

use super::driver::Refused;
use super::{Browser, LIMIT, PAUSE};

/// Keys without a letter, as WebDriver names them.
pub const ENTER: &str = "\u{e007}";
/// Escape.
pub const ESCAPE: &str = "\u{e00c}";
/// The tabulator.
pub const TAB: &str = "\u{e004}";
/// The arrow down.
pub const DOWN: &str = "\u{e015}";

/// The member of a JSON object that is an element, by WebDriver's own name for it.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

impl Browser {
    /// How many elements there are of this selector.
    pub fn count(&self, selector: &str) -> usize {
        let found = self.demand("POST", "/elements", &by(selector));
        found.as_array().map_or(0, Vec::len)
    }

    /// Whether there is one.
    pub fn has(&self, selector: &str) -> bool {
        self.count(selector) > 0
    }

    /// Clicks the first element of this selector, in its middle, once a person could.
    ///
    /// # Panics
    /// When no click gets through.
    pub fn click(&self, selector: &str) {
        self.insist(selector, |id| self.of(id, "click", &json!({})).map(drop));
    }

    /// Types into the first element of this selector, behind what is in it.
    ///
    /// # Panics
    /// When there is none that takes text.
    pub fn type_into(&self, selector: &str, text: &str) {
        self.insist(selector, |id| self.of(id, "value", &json!({"text": text})).map(drop));
    }

    /// Empties a field.
    ///
    /// # Panics
    /// When there is none.
    pub fn clear(&self, selector: &str) {
        self.insist(selector, |id| self.of(id, "clear", &json!({})).map(drop));
    }

    /// Presses the keys of `text`, one after the other, wherever the focus is.
    ///
    /// # Panics
    /// When the browser takes no keys.
    pub fn press(&self, text: &str) {
        let strokes = text.chars().map(String::from);
        let strokes: Vec<_> = strokes
            .flat_map(|key| [json!({"type": "keyDown", "value": key}), json!({"type": "keyUp", "value": key})])
            .collect();
        self.demand("POST", "/actions", &json!({"actions": [{"type": "key", "id": "keys", "actions": strokes}]}));
    }

    /// The text of the first element of this selector as a person sees it.
    ///
    /// # Panics
    /// When there is none.
    pub fn text_of(&self, selector: &str) -> String {
        self.insist(selector, |id| self.look(id, "text")).as_str().unwrap_or_default().to_owned()
    }

    /// The texts of all elements of this CSS selector.
    pub fn texts_of(&self, selector: &str) -> Vec<String> {
        let body = "return [...document.querySelectorAll(arguments[0])].map(it => it.textContent.trim())";
        let found = self.script(body, &[selector.into()]);
        found.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// An attribute of the first element of this selector.
    ///
    /// # Panics
    /// When there is no such element.
    pub fn attribute(&self, selector: &str, name: &str) -> Option<String> {
        let found = self.insist(selector, |id| self.look(id, &format!("attribute/{name}")));
        found.as_str().map(str::to_owned)
    }

    /// A property of its style as the browser computed it.
    ///
    /// # Panics
    /// When there is no such element.
    pub fn style(&self, selector: &str, name: &str) -> String {
        self.insist(selector, |id| self.look(id, &format!("css/{name}"))).as_str().unwrap_or_default().to_owned()
    }

    /// How wide the page is and how much of it is shown, in CSS pixels.
    pub fn widths(&self) -> (u64, u64) {
        let of = |body: &str| self.script(body, &[]).as_u64().unwrap_or(0);
        (of("return document.documentElement.scrollWidth"), of("return document.documentElement.clientWidth"))
    }

    fn of(&self, id: &str, what: &str, body: &Value) -> Result<Value, Refused> {
        self.driver.ask("POST", &format!("/element/{id}/{what}"), body)
    }

    fn look(&self, id: &str, what: &str) -> Result<Value, Refused> {
        self.driver.ask("GET", &format!("/element/{id}/{what}"), &Value::Null)
    }

    /// Tries it until the element is there and takes it.
    fn insist<T>(&self, selector: &str, act: impl Fn(&str) -> Result<T, Refused>) -> T {
        let begin = Instant::now();
        loop {
            let found = self.driver.ask("POST", "/element", &by(selector));
            let done = found.and_then(|element| act(element[ELEMENT].as_str().unwrap_or_default()));
            match done {
                Ok(done) => return done,
                Err(why) if begin.elapsed() > LIMIT => {
                    panic!("{selector}: {}: {}\n{}", why.error, why.message, self.shown())
                }
                Err(_) => std::thread::sleep(PAUSE),
            }
        }
    }
}

fn by(selector: &str) -> Value {
    let using = if selector.starts_with('/') { "xpath" } else { "css selector" };
    json!({"using": using, "value": selector})
}
