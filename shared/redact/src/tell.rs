//! Telling a secret from what merely stands where one could.

use crate::Entropy;
use crate::rule::Unlike;
use crate::rules::Ready;

/// What stands in a secret's place begins so, and is none.
pub const MASK: &str = "[REDACTED:";
/// No secret is shorter.
const SHORTEST: usize = 3;
/// In so many random signs some short word may stand.
const LONG: usize = 128;
/// What digits to the base of sixteen must have of entropy at most: 32 made up have more but once in a million times.
const HEXADECIMAL: u32 = 2900;

impl Ready {
    /// Whether this, which its pattern found, is a secret.
    pub(crate) fn accepts(&self, secret: &str) -> bool {
        secret.len() >= SHORTEST
            && !secret.contains("***")
            && !secret.contains(MASK)
            && (!self.mixed || is_mixed(secret))
            && entropy(secret) >= self.least(secret)
            && match self.unlike {
                Some(Unlike::Code) => !is_code(secret),
                Some(Unlike::Words) => !is_words(secret),
                None => true,
            }
            && !self.is_allowed(secret)
    }

    /// Whether it holds a word that no secret has, and is not so long that chance may have put it there.
    fn is_allowed(&self, secret: &str) -> bool {
        let secret = secret.to_ascii_lowercase();
        secret.len() <= LONG && self.allow.iter().any(|word| secret.contains(word))
    }

    /// How much of a riddle it must be. Of sixteen signs none is as much of one as of sixty-four.
    fn least(&self, secret: &str) -> u32 {
        let Entropy(least) = self.entropy;
        if secret.bytes().all(|byte| byte.is_ascii_hexdigit()) { least.min(HEXADECIMAL) } else { least }
    }
}

fn is_mixed(secret: &str) -> bool {
    secret.bytes().any(|byte| byte.is_ascii_digit()) && secret.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// Bits for each byte, in thousandths, by how often each byte stands in it.
fn entropy(secret: &str) -> u32 {
    let mut counts = [0u32; 256];
    secret.bytes().for_each(|byte| counts[usize::from(byte)] += 1);
    let length = secret.len() as f64;
    let bits: f64 =
        counts.iter().filter(|count| **count > 0).map(|count| f64::from(*count) / length).map(|p| -p * p.log2()).sum();
    (bits * 1000.0).round() as u32
}

/// Whether it looks like code: a name, a path of names, a call, a type, a variable of a shell, the address of a contract.
fn is_code(secret: &str) -> bool {
    is_filled_in(secret) || is_address(secret) || names(secret).all(is_name)
}

/// Whether it is words, as they stand in the place of a password where one is explained.
fn is_words(secret: &str) -> bool {
    is_filled_in(secret) || names(secret).all(is_word)
}

/// Whether a program puts something in its place, or it is the rest of an address, ports or the path of a file.
fn is_filled_in(secret: &str) -> bool {
    secret.starts_with("//")
        || is_port(secret)
        || is_path(secret)
        || ["::", "->", "=>", "${", "{{", "}}", "()", "$("].iter().any(|sign| secret.contains(sign))
}

/// `8080/index.html`, `27017:27017`.
fn is_port(secret: &str) -> bool {
    let rest = secret.trim_start_matches(|sign: char| sign.is_ascii_digit() || sign == '.');
    let digits = secret.len() - rest.len();
    let is_number = |sign: char| sign.is_ascii_digit() || ":.-".contains(sign);
    (1..=5).contains(&digits) && rest.starts_with('/')
        || rest.starts_with(':') && digits > 0 && rest.chars().all(is_number)
}

/// `/home/dev/x1y2`, `./x`, `certs/host-9f8e.pem`.
fn is_path(secret: &str) -> bool {
    const FILES: [&str; 16] = [
        "pem", "key", "crt", "cer", "pub", "p12", "pfx", "jks", "json", "yaml", "yml", "toml", "txt", "env", "conf",
        "sh",
    ];
    let within = secret.trim_start_matches(['.', '~']).strip_prefix('/');
    let first = within.and_then(|path| path.split_once('/')).map(|(first, _)| first);
    let is_folder =
        |name: &str| name.len() > 1 && name.bytes().all(|byte| byte.is_ascii_lowercase()) || name == "Users";
    first.is_some_and(is_folder)
        || secret.starts_with("./")
        || secret.contains('/') && secret.rsplit_once('.').is_some_and(|(_, end)| FILES.contains(&end))
}

/// Forty digits to the base of sixteen are an account; a key has more.
fn is_address(secret: &str) -> bool {
    let digits = secret.strip_prefix("0x").unwrap_or_default();
    digits.len() == 40 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The names behind each other of which a path or a name of several words is made.
fn names(secret: &str) -> impl Iterator<Item = &str> {
    let path = secret.trim_matches(['.', ':', '/', '_', '-', '*', '?', '!', '#', '%', '@', '&', '$', '=', '+']);
    path.split(['.', '_', '-', '/', ':', '@', '+', '=', '#', '~', '%'])
}

/// Letters, and two digits at most behind them; or a short number.
fn letters(name: &str) -> Option<&str> {
    let letters = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = name.len() - letters.len();
    let short = digits <= 2 || (letters.is_empty() && digits <= 4);
    (short && letters.bytes().all(|byte| byte.is_ascii_alphabetic())).then_some(letters)
}

/// Words of letters each with a capital, as in `userName2`.
fn is_name(name: &str) -> bool {
    letters(name).is_some_and(|letters| {
        let pairs = letters.as_bytes().windows(2);
        let turns = pairs.filter(|pair| pair[0].is_ascii_lowercase() != pair[1].is_ascii_lowercase());
        // A capital makes two; words of code are four letters and longer.
        turns.count() * 2 <= letters.len()
    })
}

/// A word in one case, with a capital perhaps.
fn is_word(name: &str) -> bool {
    letters(name).is_some_and(|letters| {
        let rest = letters.get(1..).unwrap_or_default();
        rest.bytes().all(|byte| byte.is_ascii_lowercase()) || letters.bytes().all(|byte| byte.is_ascii_uppercase())
    })
}
