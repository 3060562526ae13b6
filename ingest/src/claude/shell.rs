//! A hook's command as a shell reads it, as far as paths need it: words, quotes, variables, and which word is the program.
//! What only a shell can tell stays as it is written, and nothing is concluded from it.

use std::iter::Peekable;
use std::str::Chars;

use super::Var;

/// Words before a program that start it.
const STARTERS: [&str; 13] =
    ["exec", "command", "env", "nohup", "nice", "setsid", "time", "if", "then", "else", "do", "{", "!"];

/// The simple commands of some lines, each as its words. A line whose quote nobody closes is none: no shell runs it.
pub(crate) fn commands(line: &str, var: Var<'_>) -> Vec<Vec<String>> {
    let (mut commands, mut words, mut word, mut quote) = (Vec::new(), Vec::new(), String::new(), None);
    let (mut chars, mut begun) = (line.chars().peekable(), 0);
    while let Some(c) = chars.next() {
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            (None | Some('"'), '\\') => word.extend(chars.next().filter(|c| *c != '\n')),
            (None | Some('"'), '$') => word += &variable(&mut chars, var),
            (None, '~') if word.is_empty() && matches!(chars.peek(), None | Some('/' | ' ')) => {
                word += &var("HOME").and_then(|home| home.into_string().ok()).unwrap_or_else(|| "~".to_owned());
            }
            (None, '&') if word.ends_with('>') => word.push(c),
            (None, '\n' | ';' | '&' | '|' | '(' | ')') => {
                words.push(std::mem::take(&mut word));
                commands.push(std::mem::take(&mut words));
                if c == '\n' {
                    begun = commands.len();
                }
            }
            (None, c) if c.is_whitespace() => words.push(std::mem::take(&mut word)),
            (_, c) => word.push(c),
        }
    }
    words.push(word);
    commands.push(words);
    if quote.is_some() {
        commands.truncate(begun);
    }
    for words in &mut commands {
        words.retain(|word| !word.is_empty());
    }
    commands
}

/// What stands behind a `$`: the variable's value, or the very text if it has none here, or is more than a name.
fn variable(chars: &mut Peekable<Chars<'_>>, var: Var<'_>) -> String {
    let is_braced = chars.next_if_eq(&'{').is_some();
    let mut name = String::new();
    while let Some(c) = chars.next_if(|c| c.is_ascii_alphanumeric() || *c == '_') {
        name.push(c);
    }
    let is_whole = !is_braced || chars.next_if_eq(&'}').is_some();
    let value = if is_whole && !name.is_empty() { var(&name) } else { None };
    value.and_then(|value| value.into_string().ok()).unwrap_or_else(|| {
        let (open, close) = if is_braced { ("{", if is_whole { "}" } else { "" }) } else { ("", "") };
        format!("${open}{name}{close}")
    })
}

/// Parts a command into the variables that it sets and its program with the arguments: what only starts it is left out.
pub(crate) fn program(words: Vec<String>) -> (Vec<(String, String)>, Vec<String>) {
    let (mut vars, mut words) = (Vec::new(), words.into_iter().peekable());
    while let Some(word) = words.peek() {
        if let Some((name, value)) = word.split_once('=')
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        {
            vars.push((name.to_owned(), value.to_owned()));
        } else if word == "timeout" {
            words.next();
            while words.next_if(|word| word.starts_with('-')).is_some() {}
        } else if !STARTERS.contains(&word.as_str()) {
            break;
        }
        words.next();
    }
    (vars, words.collect())
}

/// Whether a shell would still put something in.
pub(crate) fn is_open(word: &str) -> bool {
    word.contains(['$', '`']) || word.starts_with('~')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_a_shell_reads_it() {
        let check = |line: &str, expected: &[&[&str]]| {
            let var = |name: &str| match name {
                "HOME" => Some("/h".into()),
                "A" => Some("a b".into()),
                _ => None,
            };
            let found: Vec<_> = commands(line, &var).into_iter().filter(|words| !words.is_empty()).collect();
            assert_eq!(found, expected, "{line}");
        };
        check("", &[]);
        check("a 'b c' \"d e\" f\\ g", &[&["a", "b c", "d e", "f g"]]);
        check("$HOME/x ${HOME}/x ~/x ~ \"$A/x\"", &[&["/h/x", "/h/x", "/h/x", "/h", "a b/x"]]);
        check("'$HOME' '~' a~ ~who/x", &[&["$HOME", "~", "a~", "~who/x"]]);
        check("$B ${B}/x ${HOME:-/y} $(date", &[&["$B", "${B}/x", "${HOME:-/y}", "$"], &["date"]]);
        check("a 2>&1; b && c || d | e", &[&["a", "2>&1"], &["b"], &["c"], &["d"], &["e"]]);
        check("a\\\nb \"c\\\nd\"", &[&["ab", "cd"]]);
        check("a 'b", &[]);
        check("a 'b'c'", &[]);
        check("a; b \"c\nd", &[]);
        check("a\nb 'c; d", &[&["a"]]);
    }

    #[test]
    fn the_program() {
        let check = |line: &str, expected: &str, vars: usize| {
            let words = line.split(' ').map(str::to_owned).collect();
            let (found, words) = program(words);
            assert_eq!((words.join(" ").as_str(), found.len()), (expected, vars), "{line}");
        };
        check("p a", "p a", 0);
        check("A=1 B=/x p A=2", "p A=2", 2);
        check("exec env A=1 nohup p", "p", 1);
        check("timeout -k 5 p", "p", 0);
        check("echo p", "echo p", 0);
        check("exec", "", 0);
    }
}
