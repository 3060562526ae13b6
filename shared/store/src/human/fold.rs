//! What makes two tags one: the one rule, which statements know as the function `folded`.
//!
//! Blanks around do not count, nor how signs are composed, nor their case, as Unicode folds it everywhere: `Straße` is `STRASSE`,
//! `ΣΑΣ` is `σας`, and `ı` is not `i`. (A language's own rule, such as Turkish's, would make other tags on another machine.)

use unicase::UniCase;
use unicode_normalization::UnicodeNormalization;

/// What tags are compared by; two are one exactly if theirs are equal.
pub(crate) fn folded(tag: &str) -> String {
    let tag = tag.trim();
    if tag.is_ascii() {
        return tag.to_ascii_lowercase();
    }
    // Folding may leave signs in another order than their canonical one, and so may what was not in it before.
    UniCase::unicode(tag.nfd().collect::<String>()).to_folded_case().nfc().collect()
}

/// Whether two spellings are one tag.
pub fn same_tag(one: &str, other: &str) -> bool {
    folded(one) == folded(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_one_tag() {
        let check = |one: &str, other: &str, same: bool| {
            assert_eq!(same_tag(one, other), same, "{one:?} {other:?}: {:?} {:?}", folded(one), folded(other));
        };
        check("Rust", " rUST\n", true);
        check("ZU\u{308}RICH", "zürich", true);
        check("ÀÉ", "a\u{300}e\u{301}", true);
        check("Straße", "STRASSE", true);
        check("ΣΑΣ", "σας", true);
        check("ΑΣ", "ας", true);
        check("Жук", "жуК", true);
        check("ﬁx", "FIX", true);
        check("Å", "a\u{30a}", true);
        check("\u{1e9}", "\u{1e8}", true);
        check("ᾳ\u{342}", "Α\u{342}Ι", true);
        check("İx", "i\u{307}X", true);
        for (one, other) in
            [("rust", "rusty"), ("ı", "i"), ("I", "ı"), ("é", "e"), ("日", "本"), ("a b", "ab"), ("①", "1")]
        {
            check(one, other, false);
        }
    }

    proptest! {
        /// Whatever is typed, in capitals or small, composed or not, is one tag; and a key is its own key.
        #[test]
        fn folding_is_done_once(tag in "\\PC{0,12}") {
            let key = folded(&tag);
            prop_assert_eq!(folded(&key), key.clone());
            prop_assert_eq!(folded(&tag.nfc().collect::<String>()), key.clone());
            prop_assert_eq!(folded(&tag.nfd().collect::<String>()), key);
        }
    }
}
