//! Images and documents as they are shown: a placeholder with their size, never their bytes.

use serde_json::{Map, Value};

/// Base64 up to this length is shown as it is: an icon, a hash.
const SHORT: usize = 1024;

/// The fields in which images and documents carry their bytes: a content block's, and those of tools' own answers.
const CARRIERS: [&str; 2] = ["data", "base64"];

/// `[Image: image/png, 12345 bytes]`, without what is not known.
pub(super) fn placeholder(name: &str, block: &Value) -> String {
    let source = block.get("source").unwrap_or(&Value::Null);
    let kind = source.get("media_type").and_then(Value::as_str);
    let data = source.get("data").and_then(Value::as_str);
    let size = data.map(|data| format!("{} bytes", decoded_size(data)));
    let known: Vec<String> = kind.map(str::to_owned).into_iter().chain(size).collect();
    if known.is_empty() { format!("[{name}]") } else { format!("[{name}: {}]", known.join(", ")) }
}

/// The value with `[12345 bytes]` in place of long base64; `None` if it has none.
pub(super) fn without_bytes(json: &str) -> Option<String> {
    if json.len() <= SHORT || !CARRIERS.iter().any(|name| json.contains(&format!("\"{name}\""))) {
        return None;
    }
    let mut value: Value = serde_json::from_str(json).ok()?; // a value that is too deep for it stays as it is
    let mut found = false;
    cut(&mut value, &mut found);
    found.then(|| value.to_string())
}

fn cut(value: &mut Value, found: &mut bool) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(|value| cut(value, found)),
        Value::Object(fields) => cut_fields(fields, found),
        _ => {}
    }
}

fn cut_fields(fields: &mut Map<String, Value>, found: &mut bool) {
    for (name, value) in fields {
        match value {
            Value::String(text) if CARRIERS.contains(&name.as_str()) && text.len() > SHORT && is_base64(text) => {
                *text = format!("[{} bytes]", decoded_size(text));
                *found = true;
            }
            value => cut(value, found),
        }
    }
}

/// Whether a text is the bytes of something, and nothing to read.
pub(super) fn is_bytes(text: &str) -> bool {
    text.len() > SHORT && is_base64(text)
}

fn is_base64(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'=' | b'\n' | b'\r'))
}

/// How many bytes a text of base64 stands for, told from its length.
fn decoded_size(text: &str) -> usize {
    text.bytes().filter(|byte| !matches!(byte, b'=' | b'\n' | b'\r')).count() * 3 / 4
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, expected: Option<&str>) {
        assert_eq!(without_bytes(json).as_deref(), expected, "{}", &json[..json.len().min(80)]);
    }

    #[test]
    fn bytes_give_way_to_their_size() {
        let long = "QUJD".repeat(1000);
        check(
            &format!(r#"{{"file":{{"base64":"{long}","type":"image/png"}}}}"#),
            Some(r#"{"file":{"base64":"[3000 bytes]","type":"image/png"}}"#),
        );
        check(
            &format!(r#"[{{"source":{{"data":"{}=="}}}}]"#, &long[..3998]),
            Some(r#"[{"source":{"data":"[2998 bytes]"}}]"#),
        );
        check(r#"{"data":"QUJD"}"#, None);
        check(&format!(r#"{{"data":"{}"}}"#, "a sentence. ".repeat(200)), None);
        check(&format!(r#"{{"content":"{long}"}}"#), None);
        check(&format!(r#"{{"data":"{}"}}"#, &"\\\"".repeat(600)), None);
    }
}
