//! How a person wants to see pages, remembered by the browser: a cookie each, which says nothing of anybody.

use hyper::header::{self, HeaderMap};

/// A year, in seconds.
const LASTS: u32 = 31_536_000;

/// What is remembered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Preferences {
    /// Light, dark, or as the system is.
    pub(crate) theme: Theme,
    /// Whether what scripts asked (`print` and `sdk`) is left out.
    pub(crate) hides_scripts: bool,
}

/// Light, dark, or as the system is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Theme {
    #[default]
    System,
    Light,
    Dark,
}

impl Theme {
    pub(crate) const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    pub(crate) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|theme| theme.as_str() == word)
    }
}

const THEME: &str = "prompt_manager_theme";
const SCRIPTS: &str = "prompt_manager_scripts";

impl Preferences {
    /// What the cookies say; what they say wrongly is as if it was not said.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let theme = cookie(headers, THEME).and_then(Theme::from_word).unwrap_or_default();
        Self { theme, hides_scripts: cookie(headers, SCRIPTS) == Some("hidden") }
    }

    /// The headers that make a browser remember.
    pub(crate) fn cookies(self) -> [String; 2] {
        let scripts = if self.hides_scripts { "hidden" } else { "shown" };
        [(THEME, self.theme.as_str()), (SCRIPTS, scripts)]
            .map(|(name, value)| format!("{name}={value}; HttpOnly; SameSite=Strict; Path=/; Max-Age={LASTS}"))
    }
}

/// The first cookie of that name.
fn cookie<'h>(headers: &'h HeaderMap, wanted: &str) -> Option<&'h str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find_map(|(name, value)| (name == wanted).then_some(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    #[test]
    fn what_is_remembered_is_read_again() {
        let check = |cookies: &str, expected: Preferences| {
            let headers = [(header::COOKIE, HeaderValue::from_str(cookies).unwrap())].into_iter().collect();
            assert_eq!(Preferences::of(&headers), expected, "{cookies}");
        };
        let dark = Preferences { theme: Theme::Dark, hides_scripts: true };
        let sent = dark.cookies().map(|cookie| cookie.split(';').next().unwrap_or_default().to_owned()).join("; ");
        check(&sent, dark);
        check(&format!("prompt_manager=0; {sent}"), dark);
        check("prompt_manager_theme=light", Preferences { theme: Theme::Light, hides_scripts: false });
        for nothing in ["", "prompt_manager_theme=<b>", "prompt_manager_scripts", "theme=dark"] {
            check(nothing, Preferences::default());
        }
    }
}
