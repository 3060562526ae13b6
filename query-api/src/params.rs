//! The query string of a request, strictly: each parameter once, none that is unknown, every value checked.

use axum::extract::Query;
use hyper::Uri;
use store::Kind;
use store::read::{Kinds, ListRequest, Words};

use crate::cursor;
use crate::problem::Problem;

const LIMIT: u32 = 50;
const LARGEST_LIMIT: u32 = 200;
/// More is no search but a text pasted by mistake.
const LONGEST_WORDS: usize = 1000;

/// The values of `names`, in their order.
fn values<const N: usize>(uri: &Uri, names: [&str; N]) -> Result<[Option<String>; N], Problem> {
    let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri)
        .map_err(|error| Problem::parameter("", format!("The query string cannot be read: {error}.")))?;
    let mut values = [const { None }; N];
    for (name, value) in pairs {
        let Some(place) = names.iter().position(|known| *known == name) else {
            let known =
                if N == 0 { "there are none here".to_owned() } else { format!("known are {}", names.join(", ")) };
            return Err(Problem::parameter(&name, format!("There is no parameter `{name}`; {known}.")));
        };
        if values[place].replace(value).is_some() {
            return Err(Problem::parameter(&name, format!("The parameter `{name}` is given twice.")));
        }
    }
    Ok(values)
}

/// For routes that take no parameters.
pub(crate) fn none(uri: &Uri) -> Result<(), Problem> {
    values(uri, []).map(|[]| ())
}

/// For the list of conversations.
pub(crate) fn list(uri: &Uri) -> Result<ListRequest, Problem> {
    let [limit, after, session_id, kind, q] = values(uri, ["limit", "cursor", "session_id", "kind", "q"])?;
    let limit = match limit {
        None => LIMIT,
        Some(limit) => limit.parse().ok().filter(|limit| (1..=LARGEST_LIMIT).contains(limit)).ok_or_else(|| {
            Problem::parameter("limit", format!("`limit` must be a whole number from 1 to {LARGEST_LIMIT}."))
        })?,
    };
    let after =
        match after {
            None => None,
            Some(after) => Some(cursor::decode(&after).ok_or_else(|| {
                Problem::parameter("cursor", "`cursor` must be the `next_cursor` of an earlier answer.")
            })?),
        };
    if session_id.as_deref() == Some("") {
        return Err(Problem::parameter("session_id", "`session_id` must not be empty."));
    }
    let kinds = match kind.as_deref() {
        None => Kinds::Listed,
        Some("all") => Kinds::All,
        Some(word) => Kinds::One(Kind::from_word(word).ok_or_else(|| {
            let known: Vec<_> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
            Problem::parameter("kind", format!("`kind` must be all or one of {}.", known.join(", ")))
        })?),
    };
    if q.as_ref().is_some_and(|q| q.chars().count() > LONGEST_WORDS) {
        return Err(Problem::parameter("q", format!("`q` must not be longer than {LONGEST_WORDS} characters.")));
    }
    Ok(ListRequest { session_id, kinds, words: q.as_deref().and_then(Words::parse), after, limit })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(query: &str, expected: &str) {
        let uri: Uri = format!("/api/conversations?{query}").parse().unwrap();
        let found = match list(&uri) {
            Ok(request) => format!("{request:?}"),
            Err(problem) => format!("{}: {}", problem.parameter.unwrap(), problem.detail),
        };
        assert!(found.contains(expected), "{query}: {found}");
    }

    #[test]
    fn lists() {
        check("", "session_id: None, kinds: Listed, words: None, after: None, limit: 50");
        check("limit=1", "limit: 1 }");
        check("limit=200", "limit: 200 }");
        for bad in ["0", "201", "-1", "", "1.5", "ten", "99999999999999", "0x10"] {
            check(&format!("limit={bad}"), "limit: `limit` must be a whole number from 1 to 200");
        }
        check("cursor=AQAAAAAAAAAFAAAAAAAAAAc", "after: Some(Position { timestamp_ms: 5, id: ConversationId(7) })");
        check("cursor=", "cursor: `cursor` must be the `next_cursor`");
        check("cursor=AQ", "cursor: ");
        check("session_id=a%20b", "session_id: Some(\"a b\")");
        check("session_id=", "session_id: `session_id` must not be empty");
        check("kind=all", "kinds: All");
        check("kind=subagent", "kinds: One(Subagent)");
        check("kind=Human", "kind: `kind` must be all or one of human, command, shell, local, notification, subagent");
        check("kind=", "kind: ");
        check("q=", "words: None");
        check("q=a+b", r#"words: Some(Words { expression: "\"a\" \"b\"", prefix: false })"#);
        check("q=%22a%20b%22", r#"words: Some(Words { expression: "\"a b\"", prefix: false })"#);
        check("q=%ff%00", "words: Some(Words { expression: \"\"");
        check(&format!("q={}", "x".repeat(1001)), "q: `q` must not be longer than 1000");
        check("Limit=5", "Limit: There is no parameter `Limit`; known are limit, cursor, session_id, kind, q.");
        check("limit=5&limit=5", "limit: The parameter `limit` is given twice.");
        check("&&limit=5&", "limit: 5 }");
    }

    #[test]
    fn some_routes_take_none() {
        assert!(none(&"/api/health".parse().unwrap()).is_ok());
        assert!(none(&"/api/health?a=1".parse().unwrap()).unwrap_err().detail.contains("there are none here"));
    }
}
