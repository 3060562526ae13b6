//! The text below a help, laid out for a terminal of 80 columns: a program folds what is longer anywhere, and then what was
//! said beside an example stands below the next.

use crate::wrap;

/// So many columns fit.
const WIDTH: usize = 79;
/// So far in stands what is said of an example that leaves it no room.
const BELOW: usize = 6;

/// Prose as one line for each paragraph, which the program folds as wide as the terminal is; examples and lists of codes, whose
/// lines begin with a blank, in lines that fit.
pub fn laid_out(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut in_prose = false;
    for line in text.lines() {
        let is_prose = !line.is_empty() && !line.starts_with(' ');
        match lines.last_mut() {
            Some(last) if in_prose && is_prose => {
                last.push(' ');
                last.push_str(line);
            }
            _ if line.chars().count() > WIDTH && !is_prose => lines.extend(folded(line)),
            _ => lines.push(line.to_owned()),
        }
        in_prose = is_prose;
    }
    lines.join("\n")
}

/// `  command   what it does` as two lines, `  75  what it means` with what follows below its beginning.
fn folded(line: &str) -> Vec<String> {
    let start = line.len() - line.trim_start().len();
    let Some(gap) = line[start..].find("  ").map(|at| start + at) else { return vec![line.to_owned()] };
    let (lead, said) = (&line[..gap], line[gap..].trim_start());
    let beside = line.len() - said.len();
    let is_code = line[start..gap].bytes().all(|byte| byte.is_ascii_digit());
    let indent = " ".repeat(if is_code { beside } else { BELOW });
    let mut lines = wrap(said, WIDTH - indent.len()).into_iter();
    let first =
        if is_code { format!("{}{}", &line[..beside], lines.next().unwrap_or_default()) } else { lead.to_owned() };
    std::iter::once(first).chain(lines.map(|line| format!("{indent}{line}"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit() {
        let check = |text: &str, expected: &str| assert_eq!(laid_out(text), expected, "{text}");
        let long = "many words ".repeat(8);
        let long = long.trim_end();
        check("Examples:\n  a b   short\n\nProse that\ngoes on.\n", "Examples:\n  a b   short\n\nProse that goes on.");
        check(
            &format!("Codes:\n  75  {long}"),
            &format!("Codes:\n  75  {}\n      words many words", long.trim_end_matches(" words many words")),
        );
        check(&format!("  a --b   {long}"), &format!("  a --b\n      {}\n      words many words", &long[..70]));
        check(&format!("  {}", "x".repeat(90)), &format!("  {}", "x".repeat(90)));
        check(&format!("{long} {long}"), &format!("{long} {long}"));
    }
}
