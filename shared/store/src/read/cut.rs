//! The beginning of a JSON value, made a value again: what of it is open is closed, and what was cut off in the middle and cannot
//! stand is left out. A page shows little of a large value, and need not read more.

/// Where a walk over JSON stands.
#[derive(Default)]
struct Walk {
    /// What closes each array and object that is open, outermost first.
    open: Vec<u8>,
    /// Whether the next text is a key.
    key: bool,
    /// Where all up to there, with what is open closed, is a value.
    good: usize,
}

/// `cut` as a value.
pub(super) fn closed(cut: &[u8]) -> Vec<u8> {
    let mut walk = Walk::default();
    let mut at = 0;
    while let Some(&byte) = cut.get(at) {
        match byte {
            b'"' => match text(cut, at + 1) {
                Ok(end) => {
                    at = end;
                    if !walk.key {
                        walk.good = end;
                    }
                    continue;
                }
                // Of a text the beginning is one too.
                Err(whole) if !walk.key => return walk.end(&cut[..whole], "\""),
                Err(_) => break,
            },
            b'{' | b'[' => {
                walk.open.push(if byte == b'{' { b'}' } else { b']' });
                (walk.key, walk.good) = (byte == b'{', at + 1);
            }
            b'}' | b']' => {
                walk.open.pop();
                (walk.key, walk.good) = (false, at + 1);
            }
            b',' => (walk.key, walk.good) = (walk.open.last() == Some(&b'}'), at),
            b':' => walk.key = false,
            _ => {}
        }
        at += 1;
    }
    let good = walk.good;
    walk.end(&cut[..good], "")
}

impl Walk {
    fn end(self, cut: &[u8], quote: &str) -> Vec<u8> {
        cut.iter().copied().chain(quote.bytes()).chain(self.open.into_iter().rev()).collect()
    }
}

/// Where a text ends that begins at `from`, behind its quote; where not, up to where it is whole.
fn text(cut: &[u8], from: usize) -> Result<usize, usize> {
    let mut at = from;
    loop {
        let rest = cut.get(at..).unwrap_or_default();
        let Some(sign) = memchr::memchr2(b'"', b'\\', rest) else { return Err(cut.len()) };
        at += sign;
        if cut[at] == b'"' {
            return Ok(at + 1);
        }
        let length = if cut.get(at + 1) == Some(&b'u') { 6 } else { 2 };
        if at + length > cut.len() {
            return Err(at);
        }
        at += length;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_is_cut() {
        let check = |cut: &str, expected: &str| {
            assert_eq!(String::from_utf8_lossy(&closed(cut.as_bytes())), expected, "{cut}");
        };
        check(r#""one two"#, r#""one two""#);
        check(r#""one\"#, r#""one""#);
        check(r#""one\u00"#, r#""one""#);
        check(r#""one\\\""#, r#""one\\\"""#);
        check(r#"{"a":"b","c":["d"#, r#"{"a":"b","c":["d"]}"#);
        check(r#"{"a":"b","c"#, r#"{"a":"b"}"#);
        check(r#"{"a":"b","c":"#, r#"{"a":"b"}"#);
        check(r#"{"a":{"b":1,"c":12"#, r#"{"a":{"b":1}}"#);
        check(r#"[{"type":"text","text":"x"},{"type":"te"#, r#"[{"type":"text","text":"x"},{"type":"te"}]"#);
        check(r#"[[1],[2"#, "[[1],[]]");
        check(r#"{"a":[]"#, r#"{"a":[]}"#);
        check("12", "");
        check("]", "]");
    }

    /// Wherever it is cut, it is a value.
    #[test]
    fn everywhere() {
        let whole = r#"{"a": "x\n\u00e9\\", "b": [1, {"c": null}, "d", [], -2.5e3], "e": {"f": true}}"#;
        for at in 1..=whole.len() {
            let made = closed(&whole.as_bytes()[..at]);
            assert!(serde_json::from_slice::<serde_json::Value>(&made).is_ok(), "{}", String::from_utf8_lossy(&made));
        }
    }
}
