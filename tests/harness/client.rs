//! Many requests one after the other over a connection that stays open, as browsers and programs send them: what matrices of
//! thousands of requests, load and benches need.
//!
//! The head is bytes: a test may send what no client library would. A connection that the server closes is made anew.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::http::{self, Response};

/// Longer than any answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// One connection to a server, and the token that its requests carry.
pub struct Client {
    address: SocketAddr,
    token: Option<String>,
    stream: Option<BufReader<TcpStream>>,
}

impl Client {
    /// One to this address, whose requests carry this token; it connects when it first asks.
    pub fn to(address: SocketAddr, token: Option<&str>) -> Self {
        Self { address, token: token.map(str::to_owned), stream: None }
    }

    /// GET with the right Host and the token.
    ///
    /// # Panics
    /// When there is no answer.
    pub fn get(&mut self, path: &str) -> Response {
        self.send("GET", path, &[], b"")
    }

    /// A request with a body of JSON, the right Host and the token.
    ///
    /// # Panics
    /// When there is no answer.
    pub fn json(&mut self, method: &str, path: &str, body: &str) -> Response {
        self.send(method, path, &[("Content-Type", "application/json")], body.as_bytes())
    }

    /// A request with the right Host, the token, and these headers; a header given here replaces one of those two, and an
    /// empty value leaves it out.
    ///
    /// # Panics
    /// When there is no answer.
    pub fn send(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
        let mut head = format!("{method} {path} HTTP/1.1\r\n");
        let given = |name: &str| headers.iter().any(|(given, _)| given.eq_ignore_ascii_case(name));
        if !given("Host") {
            head.push_str(&format!("Host: {}\r\n", self.address));
        }
        if let Some(token) = self.token.as_ref().filter(|_| !given("Authorization")) {
            head.push_str(&format!("Authorization: Bearer {token}\r\n"));
        }
        for (name, value) in headers.iter().filter(|(_, value)| !value.is_empty()) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        self.exchange(head.as_bytes(), body)
    }

    /// Sends `head` as it is (request line and headers, each ended by `\r\n`; the blank line is added) and `body`.
    ///
    /// # Panics
    /// When there is no answer.
    pub fn exchange(&mut self, head: &[u8], body: &[u8]) -> Response {
        self.try_exchange(head, body).unwrap_or_else(|why| {
            let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
            panic!("{}: {why}", String::from_utf8_lossy(line))
        })
    }

    /// As [`exchange`](Self::exchange), for requests that the server may leave without an answer.
    ///
    /// # Errors
    /// What the connection says.
    pub fn try_exchange(&mut self, head: &[u8], body: &[u8]) -> Result<Response, String> {
        let used = self.stream.is_some();
        match self.attempt(head, body) {
            // A connection that stood open may have ended before the request came: nobody has seen it.
            Err(_) if used => self.attempt(head, body),
            answer => answer,
        }
    }

    fn attempt(&mut self, head: &[u8], body: &[u8]) -> Result<Response, String> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => BufReader::new(connect(self.address).map_err(|error| format!("connect: {error}"))?),
        };
        let whole = [head, b"\r\n", body].concat();
        stream.get_mut().write_all(&whole).map_err(|error| format!("send: {error}"))?;
        let (response, last) = read(&mut stream, head.starts_with(b"HEAD "))?;
        self.stream = (!last).then_some(stream);
        Ok(response)
    }
}

fn connect(address: SocketAddr) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// One answer, and whether it is the last of its connection.
fn read(stream: &mut impl BufRead, of_head: bool) -> Result<(Response, bool), String> {
    let failed = |error: std::io::Error| format!("read: {error}");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read_until(b'\n', &mut head).map_err(failed)? == 0 {
            return Err(format!("the connection ended after {:?}", String::from_utf8_lossy(&head)));
        }
    }
    let mut response =
        http::parse_head(&head).ok_or_else(|| format!("no HTTP answer: {:?}", String::from_utf8_lossy(&head)))?;
    let mut last = response.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
    let empty = of_head || response.status == 204 || response.status == 304;
    let length = response.header("content-length").and_then(|length| length.parse().ok());
    if empty {
    } else if response.header("transfer-encoding") == Some("chunked") {
        response.body = chunks(stream).map_err(failed)?;
    } else if let Some(length) = length {
        response.body = vec![0; length];
        stream.read_exact(&mut response.body).map_err(failed)?;
    } else {
        last = true;
        stream.read_to_end(&mut response.body).map_err(failed)?;
    }
    Ok((response, last))
}

fn chunks(stream: &mut impl BufRead) -> std::io::Result<Vec<u8>> {
    let mut whole = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let size = usize::from_str_radix(line.trim(), 16)
            .map_err(|_| std::io::Error::other(format!("no size of a chunk: {line:?}")))?;
        let from = whole.len();
        whole.resize(from + size, 0);
        stream.read_exact(&mut whole[from..])?;
        stream.read_line(&mut String::new())?;
        if size == 0 {
            return Ok(whole);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(answer: &str, of_head: bool, expected: Option<(u16, &str, bool)>) {
        let found = read(&mut answer.as_bytes(), of_head).ok();
        let found = found.map(|(response, last)| (response.status, response.text(), last));
        assert_eq!(found, expected.map(|(status, body, last)| (status, body.to_owned(), last)), "{answer:?}");
    }

    #[test]
    fn answers() {
        check("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1", false, Some((200, "hi", false)));
        check("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", true, Some((200, "", false)));
        check("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n", false, Some((204, "", true)));
        check(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n1\r\n!\r\n0\r\n\r\nmore",
            false,
            Some((200, "hi!", false)),
        );
        check("HTTP/1.1 200 OK\r\n\r\nall of it", false, Some((200, "all of it", true)));
        check("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut", false, None);
        check("", false, None);
    }
}
