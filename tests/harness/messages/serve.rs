//! The scripted API over HTTP: a thread for each connection, one request on each, and the answer as the client reads it: a stream
//! of events, or one document.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::script::{Reply, Request};
use super::{Asked, Desk};

/// How often a held answer looks whether it may go.
const LOOK: Duration = Duration::from_millis(5);

/// Answers at this socket until the process ends.
///
/// # Errors
/// When the log of requests cannot be made.
pub fn serve(listener: &TcpListener, desk: &Desk) -> io::Result<()> {
    let log = Mutex::new(File::create(desk.log())?);
    let count = AtomicU64::new(1);
    thread::scope(|scope| {
        for stream in listener.incoming().flatten() {
            // A client that goes away in the middle of an answer is a part of the story.
            scope.spawn(|| drop(answer(stream, desk, &log, &count)));
        }
    });
    Ok(())
}

fn answer(stream: TcpStream, desk: &Desk, log: &Mutex<File>, count: &AtomicU64) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let (line, body) = receive(&mut reader)?;
    let request = Request::read(&body);
    let asked = Asked { line, prompt: request.prompt.clone() };
    log.lock().map_err(|_| io::Error::other("the log's lock"))?.write_all(asked.write().as_bytes())?;
    let stream = reader.get_mut();
    if asked.line != "POST /v1/messages" {
        return send(stream, "404 Not Found", "application/json", &failure("not_found_error", "not in the script"));
    }
    while request.gate().is_some_and(|name| !desk.gate(name).exists()) {
        thread::sleep(LOOK);
    }
    let number = count.fetch_add(1, Ordering::Relaxed);
    match request.reply() {
        Reply::Fail => {
            send(stream, "400 Bad Request", "application/json", &failure("invalid_request_error", "scripted failure"))
        }
        Reply::Say(text, calls) => {
            let message = message(&request.model, number, &text, &calls);
            if request.stream {
                send(stream, "200 OK", "text/event-stream", &events(&message))
            } else {
                send(stream, "200 OK", "application/json", &message.to_string())
            }
        }
    }
}

/// The request line without version and query, and the body.
fn receive(reader: &mut impl BufRead) -> io::Result<(String, Vec<u8>)> {
    let (mut first, mut length) = (String::new(), 0);
    reader.read_line(&mut first)?;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        let header = line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        length = header.and_then(|(_, value)| value.trim().parse().ok()).unwrap_or(length);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let mut words = first.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    Ok((format!("{method} {}", target.split('?').next().unwrap_or_default()), body))
}

fn send(stream: &mut TcpStream, status: &str, kind: &str, body: &str) -> io::Result<()> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\nrequest-id: req_scripted\r\n\r\n"
    );
    stream.write_all([head.as_bytes(), body.as_bytes()].concat().as_slice())
}

fn failure(kind: &str, message: &str) -> String {
    json!({ "type": "error", "error": { "type": kind, "message": message } }).to_string()
}

fn message(model: &str, number: u64, text: &str, calls: &[(&str, Value)]) -> Value {
    let mut content = vec![json!({ "type": "text", "text": text })];
    content.extend(calls.iter().enumerate().map(|(nth, (name, input))| {
        let id = format!("toolu_{number:020}{nth:02}");
        json!({ "type": "tool_use", "id": id, "name": name, "input": input })
    }));
    json!({
        "id": format!("msg_{number:024}"), "type": "message", "role": "assistant", "model": model, "content": content,
        "stop_reason": if calls.is_empty() { "end_turn" } else { "tool_use" }, "stop_sequence": null,
        "usage": { "input_tokens": 1200, "output_tokens": 50, "cache_creation_input_tokens": 30, "cache_read_input_tokens": 900 }
    })
}

/// The message as a stream: an empty one first, then each block with all of it as one step.
fn events(message: &Value) -> String {
    let mut whole = String::new();
    let mut event = |name: &str, mut data: Value| {
        data["type"] = json!(name);
        whole.push_str(&format!("event: {name}\ndata: {data}\n\n"));
    };
    let mut empty = message.clone();
    empty["content"] = json!([]);
    empty["stop_reason"] = Value::Null;
    event("message_start", json!({ "message": empty }));
    for (index, block) in message["content"].as_array().into_iter().flatten().enumerate() {
        let (start, delta) = match block["type"].as_str() {
            Some("text") => {
                (json!({ "type": "text", "text": "" }), json!({ "type": "text_delta", "text": block["text"] }))
            }
            _ => {
                let mut start = block.clone();
                start["input"] = json!({});
                (start, json!({ "type": "input_json_delta", "partial_json": block["input"].to_string() }))
            }
        };
        event("content_block_start", json!({ "index": index, "content_block": start }));
        event("content_block_delta", json!({ "index": index, "delta": delta }));
        event("content_block_stop", json!({ "index": index }));
    }
    let end = json!({ "stop_reason": message["stop_reason"], "stop_sequence": null });
    event("message_delta", json!({ "delta": end, "usage": message["usage"] }));
    event("message_stop", json!({}));
    whole
}
