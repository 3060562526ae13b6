//! Signs that nobody sees: two names that differ in them alone look the same, and some turn the text around them. None comes into
//! a new tag or name; what has one already stays readable.
//!
//! The joiners are another matter: they make one picture of several emoji, and letters of Persian and of Indian scripts are not
//! written without them. There they stay.

use crate::words_cjk::is_sign;

/// The first sign that nobody sees and that has no business where it stands.
pub(super) fn unseen(text: &str) -> Option<char> {
    let mut before = None;
    let mut signs = text.chars().peekable();
    let mut is_flag = false;
    while let Some(sign) = signs.next() {
        is_flag = sign == '\u{1f3f4}' || is_flag && is_tag(sign);
        let is_wrong = match sign {
            '\u{200c}' | '\u{200d}' => !before.is_some_and(|before| joins(before, signs.peek().copied())),
            '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => true,
            '\u{feff}' | '\u{fff9}'..='\u{fffb}' => true,
            // Letters and a pattern of dots that are there to be empty, and what only keeps marks together.
            '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' | '\u{2800}' | '\u{34f}' | '\u{17b4}' | '\u{17b5}' => {
                true
            }
            // They choose between pictures, of emoji and of ideographs.
            '\u{fe00}'..='\u{fe0f}' => !before.is_some_and(chooses),
            sign => is_tag(sign) && !is_flag,
        };
        if is_wrong {
            return Some(sign);
        }
        before = Some(sign);
    }
    None
}

/// Whether a sign has pictures to choose from: an emoji, also `#`, `*` and digits, or an ideograph.
fn chooses(sign: char) -> bool {
    is_picture(sign)
        || matches!(sign, '#' | '*' | '0'..='9' | '\u{3030}' | '\u{303d}' | '\u{3297}' | '\u{3299}')
        || is_sign(sign)
}

/// Whether a joiner between these signs can be seen.
fn joins(before: char, after: Option<char>) -> bool {
    is_virama(before)
        || after.is_some_and(|after| is_joining(before) && is_joining(after) || is_picture(before) && is_picture(after))
}

/// What takes the vowel from a letter of an Indian script; what a joiner then does to the letter is seen at a word's end too.
fn is_virama(sign: char) -> bool {
    matches!(
        sign,
        '\u{94d}'
            | '\u{9cd}'
            | '\u{a4d}'
            | '\u{acd}'
            | '\u{b4d}'
            | '\u{bcd}'
            | '\u{c4d}'
            | '\u{ccd}'
            | '\u{d4d}'
            | '\u{dca}'
    )
}

/// Letters and marks of scripts whose letters join: Arabic, Syriac, N'Ko and others beside them, those of India, Tibet, Myanmar,
/// Khmer and Mongolia.
fn is_joining(sign: char) -> bool {
    matches!(sign, '\u{600}'..='\u{dff}' | '\u{f00}'..='\u{109f}' | '\u{1780}'..='\u{18af}' | '\u{a840}'..='\u{a87f}' | '\u{fb50}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}')
}

/// Emoji, their colours and what makes an emoji of a sign.
fn is_picture(sign: char) -> bool {
    matches!(sign, '\u{a9}' | '\u{ae}' | '\u{203c}'..='\u{2049}' | '\u{20e3}' | '\u{2100}'..='\u{2bff}' | '\u{fe0f}' | '\u{1f000}'..='\u{1faff}')
}

/// Signs of a flag's name behind `\u{1f3f4}`, such as that of Wales; nobody sees them elsewhere.
fn is_tag(sign: char) -> bool {
    matches!(sign, '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_sees() {
        let check = |text: &str, expected: Option<char>| assert_eq!(unseen(text), expected, "{text:?}");
        for sign in [
            '\u{200b}',
            '\u{200e}',
            '\u{200f}',
            '\u{202a}',
            '\u{202e}',
            '\u{2060}',
            '\u{2064}',
            '\u{2066}',
            '\u{feff}',
            '\u{ad}',
            '\u{e0041}',
            '\u{115f}',
            '\u{2800}',
            '\u{3164}',
            '\u{34f}',
            '\u{fe00}',
            '\u{fe0f}',
        ] {
            check(&format!("ru{sign}st"), Some(sign));
            check(&format!("{sign}"), Some(sign));
        }
        for joiner in ['\u{200c}', '\u{200d}'] {
            for text in ["a_b", "_a", "a_", "_", "日_本", "م_", "_م", "م_a", "😀_a", "a_😀", "😀_"] {
                check(&text.replace('_', &joiner.to_string()), Some(joiner));
            }
        }
        // A family, a flag with a rainbow, a woman of colour at a computer, the flag of Wales.
        for emoji in [
            "👨\u{200d}👩\u{200d}👧",
            "🏳\u{fe0f}\u{200d}🌈",
            "👩🏽\u{200d}💻",
            "🏴\u{e0067}\u{e0062}\u{e0077}\u{e006c}\u{e0073}\u{e007f}",
            "❤\u{fe0f}",
            "1\u{fe0f}\u{20e3}",
            "葛\u{fe00}",
        ] {
            check(emoji, None);
        }
        // Persian "I go", Hindi "kṣa" unjoined, Sinhala "śrī", an old Malayalam "n" at a word's end.
        for word in ["می\u{200c}روم", "क्\u{200d}ष", "ශ්\u{200d}රී", "അവന്\u{200d}", "naïve Zürich 日本語"]
        {
            check(word, None);
        }
    }
}
