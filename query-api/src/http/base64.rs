//! Base64: of cursors in the alphabet of URLs, of bytes that are no text in the usual one.

pub(crate) const URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const USUAL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// In the usual alphabet, padded, as every decoder takes it.
pub(crate) fn padded(bytes: &[u8]) -> String {
    let mut text = digits(bytes, USUAL);
    text.extend(std::iter::repeat_n('=', text.len().next_multiple_of(4) - text.len()));
    text
}

/// The reverse of [`padded`].
pub(crate) fn unpadded(text: &str) -> Option<Vec<u8>> {
    bytes(text.trim_end_matches('='), USUAL)
}

/// Without padding.
pub(crate) fn digits(bytes: &[u8], alphabet: &[u8; 64]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = group.iter().enumerate().fold(0_u32, |bits, (i, &byte)| bits | u32::from(byte) << (16 - 8 * i));
        for i in 0..=group.len() {
            text.push(char::from(alphabet[(bits >> (18 - 6 * i)) as usize & 63]));
        }
    }
    text
}

/// The bytes of digits without padding.
pub(crate) fn bytes(text: &str, alphabet: &[u8; 64]) -> Option<Vec<u8>> {
    // What each byte stands for as a digit; a picture has millions of them.
    let mut values = [u8::MAX; 256];
    for (value, digit) in (0..).zip(alphabet) {
        values[usize::from(*digit)] = value;
    }
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 2);
    for group in text.as_bytes().chunks(4) {
        let mut bits = 0_u32;
        for (i, digit) in group.iter().enumerate() {
            let value = values[usize::from(*digit)];
            if value == u8::MAX {
                return None;
            }
            bits |= u32::from(value) << (18 - 6 * i);
        }
        bytes.extend(&bits.to_be_bytes()[1..group.len()]);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_in_rfc_4648() {
        let check = |input: &[u8], expected: &str| {
            assert_eq!(padded(input), expected);
            assert_eq!(unpadded(expected).as_deref(), Some(input));
            let bare = expected.trim_end_matches('=').replace('+', "-").replace('/', "_");
            assert_eq!(digits(input, URL), bare);
            assert_eq!(bytes(&bare, URL).as_deref(), Some(input));
        };
        check(b"", "");
        check(b"f", "Zg==");
        check(b"fo", "Zm8=");
        check(b"foo", "Zm9v");
        check(b"foob", "Zm9vYg==");
        check(b"\xff\xfe\xfb", "//77");
        check(b"\xfb\xff", "+/8=");
    }
}
