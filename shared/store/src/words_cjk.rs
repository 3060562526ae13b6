//! Makes each sign of Chinese, Japanese and Korean a word of its own: these scripts put no blanks between words, so a
//! tokenizer would take a whole sentence for one, and only its beginning could be found.
//!
//! Between a sign and its neighbour comes U+2060, which is no part of a word, has no width, and breaks no line. What is
//! typed is spaced in the same way, as a phrase: so one sign, two, any part of a text is found.

use std::borrow::Cow;

/// No part of any word.
pub(crate) const JOINER: char = '\u{2060}';

/// The text with [`JOINER`] between neighbouring signs, and between a sign and a letter.
pub(crate) fn spaced(text: &str) -> Cow<'_, str> {
    // Nothing of these scripts begins with a smaller byte.
    if text.bytes().all(|byte| byte < 0xe1) || !text.contains(is_sign) {
        return Cow::Borrowed(text);
    }
    let mut spaced = String::with_capacity(text.len() * 2);
    let mut before: Option<char> = None;
    for c in text.chars() {
        if before.is_some_and(|before| (is_sign(before) && is_word(c)) || (is_sign(c) && is_word(before))) {
            spaced.push(JOINER);
        }
        spaced.push(c);
        before = Some(c);
    }
    Cow::Owned(spaced)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// An ideograph, a kana, a letter of bopomofo, or a syllable or letter of hangul.
pub(crate) fn is_sign(c: char) -> bool {
    matches!(c,
        '\u{1100}'..='\u{11ff}'   // hangul letters
        | '\u{3005}'..='\u{3007}' // repetition, closing mark, zero
        | '\u{3021}'..='\u{3029}'
        | '\u{3031}'..='\u{3035}'
        | '\u{3038}'..='\u{303c}'
        | '\u{3041}'..='\u{3096}' // hiragana
        | '\u{309d}'..='\u{309f}'
        | '\u{30a1}'..='\u{30fa}' // katakana
        | '\u{30fc}'..='\u{30ff}'
        | '\u{3105}'..='\u{312f}' // bopomofo
        | '\u{3131}'..='\u{318e}' // hangul letters that stand alone
        | '\u{31a0}'..='\u{31bf}'
        | '\u{31f0}'..='\u{31ff}'
        | '\u{3400}'..='\u{4dbf}' // ideographs
        | '\u{4e00}'..='\u{9fff}'
        | '\u{a960}'..='\u{a97c}'
        | '\u{ac00}'..='\u{d7a3}' // hangul syllables
        | '\u{d7b0}'..='\u{d7fb}'
        | '\u{f900}'..='\u{faff}'
        | '\u{ff66}'..='\u{ff9d}' // half as wide
        | '\u{ffa0}'..='\u{ffdc}'
        | '\u{1aff0}'..='\u{1b16f}'
        | '\u{20000}'..='\u{323af}')
        && c.is_alphanumeric()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_are_words() {
        let check = |text: &str, expected: &str| assert_eq!(spaced(text), expected.replace('|', "\u{2060}"), "{text}");
        check("", "");
        check("plain text, naïve", "plain text, naïve");
        check("日本語", "日|本|語");
        check("日本語のテスト。はい", "日|本|語|の|テ|ス|ト。は|い");
        check("请帮我修复load_config的错误", "请|帮|我|修|复|load_config|的|错|误");
        check("안녕 하세요", "안|녕 하|세|요");
        check("v2版", "v2|版");
        check("版2", "版|2");
        check("日 本", "日 本");
        check("ｶﾀｶﾅ", "ｶ|ﾀ|ｶ|ﾅ");
        check("𠮷野家", "𠮷|野|家");
        check("ไทย привет", "ไทย привет");
        check("日\u{2060}本", "日|本");
    }

    /// Whatever the engine takes for a letter of a word is one here too, or signs would stick to it.
    #[test]
    fn the_engine_finds_each_sign() {
        let conn = rusqlite::Connection::open_in_memory().unwrap();
        conn.execute_batch(
            "create virtual table words using fts5 (text, tokenize = \"unicode61 remove_diacritics 2 tokenchars '_'\")",
        )
        .unwrap();
        let check = |text: &str, typed: &str, expected: bool| {
            conn.execute("delete from words", []).unwrap();
            conn.execute("insert into words values (?1)", [spaced(text)]).unwrap();
            let phrase = format!("\"{}\"", spaced(typed));
            let sql = "select exists (select 1 from words where words match ?1)";
            assert_eq!(conn.query_row(sql, [phrase], |row| row.get::<_, bool>(0)).unwrap(), expected, "{text} {typed}");
        };
        let text = "修复 load-config 的错误：日本語のテスト、안녕하세요 v2版 パーティー";
        for typed in ["错", "错误", "修复", "load", "本語の", "テスト", "녕하", "v2版", "版", "パーティー", "ティ"]
        {
            check(text, typed, true);
        }
        for typed in ["误错", "修错", "語本", "トテ"] {
            check(text, typed, false);
        }
        for c in (0x2e80..=0x3ffff_u32).filter_map(char::from_u32).filter(|c| is_sign(*c)).step_by(97) {
            check(&format!("a{c}{c}b"), &c.to_string(), true);
            check(&format!("a{c}{c}b"), "a", true);
        }
    }
}
