//! JSON laid out over lines, with its keys in their order: as it was given, only easier to read. It is not taken apart, for it
//! may be large and deep; what is no JSON stays as it is.

/// Deeper levels are not moved further to the right.
const DEEPEST: usize = 16;

/// A value over lines, or the first `most` bytes of that and a few more.
pub(super) fn pretty(json: &str, most: usize) -> String {
    let mut out = String::with_capacity((json.len() * 5 / 4).min(most.saturating_add(64)));
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    let mut signs = json.chars().filter(|sign| !matches!(sign, '\r')).peekable();
    while out.len() < most
        && let Some(sign) = signs.next()
    {
        if in_text {
            out.push(sign);
            match sign {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => in_text = false,
                _ => {}
            }
            continue;
        }
        match sign {
            ' ' | '\n' | '\t' => {}
            '"' => {
                in_text = true;
                out.push(sign);
            }
            '{' | '[' => {
                out.push(sign);
                while signs.next_if(|next| next.is_ascii_whitespace()).is_some() {}
                if let Some(end) = signs.next_if(|next| matches!(next, '}' | ']')) {
                    out.push(end);
                } else {
                    depth += 1;
                    new_line(depth, &mut out);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                new_line(depth, &mut out);
                out.push(sign);
            }
            ',' => {
                out.push(sign);
                new_line(depth, &mut out);
            }
            ':' => out.push_str(": "),
            sign => out.push(sign),
        }
    }
    out
}

fn new_line(depth: usize, out: &mut String) {
    out.push('\n');
    (0..depth.min(DEEPEST)).for_each(|_| out.push_str("  "));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values() {
        let check = |json: &str, expected: &str| assert_eq!(pretty(json, 1_000), expected, "{json}");
        check("1", "1");
        check(r#"{"b": 1,"a":[ ],"c":{}}"#, "{\n  \"b\": 1,\n  \"a\": [],\n  \"c\": {}\n}");
        check(r#"["a, {\"b\": \\","x"]"#, "[\n  \"a, {\\\"b\\\": \\\\\",\n  \"x\"\n]");
        check("no json }", "nojson\n}");
        assert!(pretty(&"[".repeat(5_000), usize::MAX).len() < 200_000);
    }

    #[test]
    fn only_so_much_is_made() {
        let deep = "[".repeat(1 << 20);
        let made = pretty(&deep, 1_000);
        assert!((1_000..1_100).contains(&made.len()) && made.capacity() < 2_000, "{}", made.len());
        assert_eq!(pretty("[[1]]", 3), "[\n  ");
        assert_eq!(pretty("[1]", 0), "");
    }
}
