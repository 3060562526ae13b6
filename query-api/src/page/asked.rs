//! What the address of a list asks for, as pairs: the chips, the form and the links of a page are made from it, and each of them
//! leads to another address. So the whole state of a list is in its address.

use super::text::address;

/// The parameters of a list, without those that are empty: a form sends its empty fields too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    pairs: Vec<(String, String)>,
}

impl Asked {
    /// Of a query string.
    pub(crate) fn read(query: &str) -> Self {
        let pairs = form_urlencoded::parse(query.as_bytes()).filter(|(_, value)| !value.trim().is_empty());
        let mut asked = Self { pairs: pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect() };
        // A form has them whether something is searched for or not; without it they mean nothing.
        if asked.get("q").is_none() {
            asked
                .pairs
                .retain(|(name, value)| name != "in" && (name.as_str(), value.as_str()) != ("sort", "relevance"));
        }
        asked
    }

    /// The first value of a parameter.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// Every value of a parameter.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.pairs.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// All of them, in order.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Without the place in the list: what is asked, from its first page on.
    pub(crate) fn at_the_top(&self) -> Self {
        self.but(|name, _| name != "cursor")
    }

    /// From the top, without this one.
    pub(crate) fn without(&self, name: &str, value: &str) -> Self {
        self.at_the_top().but(|key, its| (key, its) != (name, value))
    }

    /// With this in place of what was said of it.
    pub(crate) fn with(&self, name: &str, value: &str) -> Self {
        let mut asked = self.but(|key, _| key != name);
        asked.pairs.push((name.to_owned(), value.to_owned()));
        asked
    }

    fn but(&self, stays: impl Fn(&str, &str) -> bool) -> Self {
        let pairs = self.pairs.iter().filter(|(name, value)| stays(name, value)).cloned();
        Self { pairs: pairs.collect() }
    }

    /// Whether both ask the same, in whatever order.
    pub(crate) fn is_same_as(&self, other: &Self) -> bool {
        let sorted = |asked: &Self| {
            let mut pairs = asked.pairs.clone();
            pairs.sort();
            pairs
        };
        sorted(self) == sorted(other)
    }

    /// Whether all is shown, newest first.
    pub(crate) fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// As a query string.
    pub(crate) fn query(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(self.pairs()).finish()
    }

    /// As an address.
    pub(crate) fn href(&self, path: &str) -> String {
        address(path, &self.pairs().collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(query: &str, make: impl Fn(&Asked) -> Asked, expected: &str) {
        assert_eq!(make(&Asked::read(query)).href("/"), expected, "{query}");
    }

    #[test]
    fn addresses() {
        check("", Asked::clone, "/");
        check("q=&project=&tag=+&model=a", Asked::clone, "/?model=a");
        check("tag=x&tag=y&q=a%26b", Asked::clone, "/?tag=x&tag=y&q=a%26b");
        check("in=note&sort=relevance", Asked::clone, "/");
        check("in=note&sort=relevance&q=a", Asked::clone, "/?in=note&sort=relevance&q=a");
        check("in=note&sort=cost&q=", Asked::clone, "/?sort=cost");
        check("q=a&cursor=c", Asked::at_the_top, "/?q=a");
        check("tag=x&tag=y&cursor=c", |asked| asked.without("tag", "x"), "/?tag=y");
        check("tag=x&cursor=c", |asked| asked.with("cursor", "d"), "/?tag=x&cursor=d");
        check("q=%22%3E%3Cb%3E", Asked::clone, "/?q=%22%3E%3Cb%3E");
    }

    #[test]
    fn order_makes_no_other_question() {
        let same = |one: &str, other: &str| Asked::read(one).is_same_as(&Asked::read(other));
        assert!(same("tag=x&q=a", "q=a&tag=x"));
        assert!(same("q=", ""));
        assert!(!same("tag=x", "tag=x&tag=y"));
    }
}
