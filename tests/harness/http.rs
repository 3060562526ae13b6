//! The smallest HTTP/1.1 client that the tests need: one request, one connection, the whole answer.
//!
//! It sends exactly what a test gives it, wrong hosts and broken headers included, which no client library does.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// The answer to a request.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Header names in lower case, with their values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Response {
    /// The first header of that name, given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON, or null when it is not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}

/// Sends `head` (request line and headers, each ended by `\r\n`; the blank line is added) and `body`, and reads the answer
/// until the server closes. `head` must ask for `Connection: close`.
pub(crate) fn exchange(to: SocketAddr, head: &str, body: &[u8]) -> Result<Response, String> {
    let failed = |what: &'static str| move |error: std::io::Error| format!("{what}: {error}");
    let mut stream = TcpStream::connect(to).map_err(failed("connect"))?;
    stream.set_read_timeout(Some(Duration::from_secs(30))).map_err(failed("set a time limit"))?;
    stream.write_all(format!("{head}\r\n").as_bytes()).map_err(failed("send the head"))?;
    stream.write_all(body).map_err(failed("send the body"))?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).map_err(failed("read the answer"))?;
    parse(&answer).ok_or_else(|| format!("not an HTTP answer: {:?}", String::from_utf8_lossy(&answer)))
}

fn parse(answer: &[u8]) -> Option<Response> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let mut response = parse_head(&answer[..end + 4])?;
    let body = &answer[end + 4..];
    let chunked = response.header("transfer-encoding") == Some("chunked");
    response.body = if chunked { unchunk(body)? } else { body.to_vec() };
    Some(response)
}

/// An answer's status line and headers with the blank line, as an answer without a body.
pub(crate) fn parse_head(head: &[u8]) -> Option<Response> {
    let head = std::str::from_utf8(head).ok()?;
    let mut lines = head.trim_end_matches("\r\n").split("\r\n");
    let status = lines.next()?.strip_prefix("HTTP/1.")?.get(2..5)?.parse().ok()?;
    let header = |line: &str| line.split_once(':').map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()));
    let headers = lines.map(header).collect::<Option<_>>()?;
    Some(Response { status, headers, body: Vec::new() })
}

fn unchunk(mut body: &[u8]) -> Option<Vec<u8>> {
    let mut whole = Vec::new();
    loop {
        let line = body.windows(2).position(|two| two == b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(&body[..line]).ok()?, 16).ok()?;
        if size == 0 {
            return Some(whole);
        }
        whole.extend(body.get(line + 2..line + 2 + size)?);
        body = body.get(line + 2 + size + 2..)?;
    }
}

/// `text` as a value in a query string.
pub fn encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => encoded.push(byte.into()),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(answer: &str, expected: Option<(u16, &str)>) {
        let found = parse(answer.as_bytes()).map(|response| (response.status, response.text()));
        assert_eq!(found, expected.map(|(status, body)| (status, body.to_owned())), "{answer:?}");
    }

    #[test]
    fn answers() {
        check("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", Some((200, "hi")));
        check("HTTP/1.1 404 Not Found\r\nA: b\r\n\r\n", Some((404, "")));
        check(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n1\r\n!\r\n0\r\n\r\n",
            Some((200, "hi!")),
        );
        check("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ncut", None);
        check("nonsense", None);
    }

    #[test]
    fn query_values() {
        assert_eq!(encode("a b&c=é"), "a%20b%26c%3D%C3%A9");
    }
}
