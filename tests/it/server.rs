//! The server as browsers, other programs and supervisors meet it: logins, sockets, names, its end.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Stdio};

use harness::{Response, SCENARIOS, Server, World};

const NAME: &str = "prompt-manager.localhost";

/// A world whose store holds a few conversations.
fn filled() -> World {
    let world = World::new();
    for scenario in SCENARIOS.into_iter().take(2) {
        world.feed(scenario);
        world.projects(scenario);
    }
    world.ingest_once();
    world
}

/// What a browser sends that has no token.
fn browse(server: &Server, host: &str, path: &str, cookie: &str) -> Response {
    let headers = [("Authorization", ""), ("Host", host), ("Cookie", cookie), ("Accept", "text/html,*/*")];
    server.request("GET", path, &headers)
}

/// The link that `open` prints, without what is before the path.
fn link(world: &World, server: &Server, args: &[&str]) -> (String, String) {
    let address = server.address().to_string();
    let open = world.bin("query-api").args(["open", "--print", "--listen", &address]).args(args).succeed();
    let link = open.out().trim().strip_prefix("http://").unwrap_or_else(|| panic!("no link: {open}")).to_owned();
    let (host, path) = link.split_once('/').expect("a path");
    (host.to_owned(), format!("/{path}"))
}

/// The cookie that an answer sets, as a browser sends it back.
fn cookie(response: &Response) -> String {
    let set = response.header("set-cookie").expect("a cookie");
    set.split(';').next().unwrap_or_default().to_owned()
}

#[test]
fn a_link_lets_one_browser_in() {
    let world = filled();
    let server = world.serve();
    let named = format!("{NAME}:{}", server.address().port());
    let stranger = browse(&server, &named, "/", "");
    assert_eq!((stranger.status, stranger.header("content-type")), (401, Some("text/html; charset=utf-8")));
    let said = stranger.text();
    assert!(said.contains("query-api open") && !said.contains(world.data().root().to_str().expect("a plain path")));
    // It says what finds this server, and not another at the usual place.
    let (_, command) = said.split_once("<pre>prompt-manager ").expect("a command");
    let (command, _) = command.split_once("</pre>").expect("its end");
    assert_eq!(command, format!("open --listen {}", server.address()));
    let _ = world.bin("query-api").args(command.split(' ')).arg("--print").succeed();
    assert_eq!(
        browse(&server, &named, "/api/conversations", "").header("content-type"),
        Some("application/problem+json")
    );

    let (host, path) = link(&world, &server, &[]);
    assert_eq!(host, named);
    // Whoever only looks whether the link is good does not use it; at another host it is no link, nor any more.
    assert_eq!(server.request("HEAD", &path, &[("Authorization", ""), ("Host", &host)]).status, 200);
    let let_in = browse(&server, &host, &path, "");
    assert_eq!((let_in.status, let_in.header("location")), (303, Some("/")));
    let set = let_in.header("set-cookie").expect("a cookie").to_owned();
    for attribute in ["; HttpOnly", "; SameSite=Strict", "; Path=/"] {
        assert!(set.contains(attribute), "{set}");
    }
    assert!(!set.contains("Domain"), "{set}");
    assert!(!set.contains(server.token().expect("a token")), "the cookie is not the token");
    let again = browse(&server, &host, &path, "");
    assert_eq!(again.status, 410);
    assert!(again.text().contains("was used or is too old"), "{}", again.text());
    assert_eq!(again.header("set-cookie"), None);

    let cookie = cookie(&let_in);
    for path in ["/", "/docs", "/api/conversations", "/openapi.json"] {
        assert_eq!(browse(&server, &host, path, &cookie).status, 200, "{path}");
        assert_eq!(browse(&server, &server.address().to_string(), path, &cookie).status, 401, "{path} at another host");
    }
    // A page of another site cannot use it, whatever a browser sends along.
    let forged = |headers: &[(&str, &str)]| {
        let all: Vec<_> =
            [("Authorization", ""), ("Host", &host), ("Cookie", &cookie)].iter().chain(headers).copied().collect();
        server.request("DELETE", "/api/login", &all).status
    };
    assert_eq!(forged(&[]), 403);
    assert_eq!(forged(&[("Origin", "http://evil.example")]), 403);
    assert_eq!(forged(&[("Sec-Fetch-Site", "same-site")]), 403);
    assert_eq!(browse(&server, &host, "/", &cookie).status, 200, "nothing of that ended the login");

    // The log has none of the secrets.
    let secret = path.split_once("once=").expect("a secret").1;
    let log = server.log();
    assert!(!log.contains(secret) && !log.contains(cookie.split_once('=').expect("a value").1), "{log}");

    // A restart logs nobody out, revoking does.
    drop(server);
    let server = world.serve();
    let host = format!("{NAME}:{}", server.address().port());
    assert_eq!(browse(&server, &host, "/", &cookie).status, 200);
    let revoked = world.bin("query-api").args(["open", "--revoke"]).succeed();
    assert_eq!(revoked.out(), "1 login ended\n");
    assert_eq!(browse(&server, &host, "/", &cookie).status, 401);

    // Through the API too, from a page of ours.
    let (host, path) = link(&world, &server, &[]);
    let cookie = self::cookie(&browse(&server, &host, &path, ""));
    let origin = format!("http://{host}");
    let headers = [("Authorization", ""), ("Host", &host), ("Cookie", &cookie), ("Origin", &origin)];
    assert_eq!(server.request("DELETE", "/api/login", &headers).status, 204);
    assert_eq!(browse(&server, &host, "/", &cookie).status, 401);
}

#[test]
fn a_plain_host_is_only_what_somebody_asked_for() {
    let world = filled();
    let server = world.serve();
    let (host, path) = link(&world, &server, &["--plain-host"]);
    assert_eq!(host, server.address().to_string());
    let cookie = cookie(&browse(&server, &host, &path, ""));
    assert_eq!(browse(&server, &host, "/", &cookie).status, 200);
    assert_eq!(browse(&server, &format!("{NAME}:{}", server.address().port()), "/", &cookie).status, 401);
}

/// Where a port is forwarded, the browser knows the server by another name.
#[test]
fn a_link_for_a_name_that_is_allowed() {
    let world = filled();
    let server = world.serve_with(&["--allow-host", "devbox.example:9000"]);
    let (host, path) = link(&world, &server, &["--host", "devbox.example:9000"]);
    assert_eq!(host, "devbox.example:9000");
    let cookie = cookie(&browse(&server, &host, &path, ""));
    assert_eq!(browse(&server, &host, "/", &cookie).status, 200);
    let address = server.address().to_string();
    let open = world.bin("query-api").args(["open", "--print", "--listen", &address, "--host", "other.example:9000"]);
    let refused = open.run().code(1);
    assert!(refused.err().contains("--allow-host other.example:9000") && refused.out().is_empty(), "{refused}");
}

#[test]
fn a_browser_is_started_where_there_is_one() {
    let world = filled();
    let server = world.serve();
    let bin = world.root().join("bin");
    fs::create_dir(&bin).expect("a folder");
    let script = |text: &str| {
        fs::write(bin.join("xdg-open"), format!("#!/bin/sh\n{text}\n")).expect("a script");
        fs::set_permissions(bin.join("xdg-open"), fs::Permissions::from_mode(0o755)).expect("a mode");
    };
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
    let open = |more: (&str, &str)| {
        let address = server.address().to_string();
        let open = world.bin("query-api").args(["open", "--listen", &address]).env("PATH", &path);
        open.env("DISPLAY", ":0").env(more.0, more.1).succeed()
    };
    script(&format!("echo \"$1\" > {}", world.root().join("opened").display()));
    let done = open(("X", ""));
    let opened = fs::read_to_string(world.root().join("opened")).expect("what was opened");
    assert!(opened.starts_with(&format!("http://{NAME}:{}/open?once=", server.address().port())), "{opened}");
    assert_eq!(done.out(), "", "a link that was used is of no use to anybody");
    // Elsewhere than before this screen, or where it does not work, the link is for a person to carry.
    assert!(open(("SSH_CONNECTION", "1 2 3 4")).out().contains("/open?once="));
    script("exit 4");
    let failed = open(("X", ""));
    assert!(failed.out().contains("/open?once=") && failed.err().contains("did not start"), "{failed}");
}

/// What `setup service --listen` has on record stands above config.toml, and a variable above both.
#[test]
fn open_knows_where_the_service_listens() {
    let world = filled();
    let server = world.serve();
    let record = format!(r#"{{"services": [{{"manager": "cron"}}, {{"listen": "{}"}}]}}"#, server.address());
    std::fs::write(world.data().setup(), record).expect("a record");
    let open = || world.bin("query-api").args(["open", "--print", "--plain-host"]);
    assert!(open().succeed().out().starts_with(&format!("http://{}/open?once=", server.address())));
    // The word of the one that lives is better than what is set for the next.
    let _ = open().env("PROMPT_MANAGER_LISTEN", "127.0.0.1:1").succeed();
}

#[test]
fn open_says_what_it_misses() {
    let world = filled();
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = free.local_addr().expect("its address").to_string();
    let open = |args: &[&str], code: i32| world.bin("query-api").arg("open").args(args).run().code(code);
    let other = std::thread::spawn(move || {
        let (mut stream, _) = free.accept().expect("a connection");
        let _ = stream.read(&mut [0; 1024]);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno");
    });
    assert!(open(&["--listen", &address], 1).err().contains("another program answers"));
    other.join().expect("the other program");
    assert!(open(&["--listen", &address], 1).err().contains("start `prompt-manager serve`"));
    assert!(open(&["--listen", "unix:/tmp/x.sock"], 78).err().contains("no browser reaches"));

    // A home that is none is not made, and a link of another home than the server's would not work.
    let server = world.serve();
    let address = server.address().to_string();
    let nowhere = world.root().join("nowhere");
    let at = |home: &Path, code| {
        open(&["--listen", &address, "--print", "--home", home.to_str().expect("a plain path")], code)
    };
    let none = at(&nowhere, 78);
    assert!(none.err().contains("no data directory") && none.out().is_empty(), "{none}");
    assert!(!nowhere.exists());
    let elsewhere = World::new();
    elsewhere.ingest_once();
    let other = at(elsewhere.data().root(), 1);
    assert!(other.err().contains("has another home") && other.out().is_empty(), "{other}");
    assert!(!elsewhere.data().root().join("run/logins").exists());
    assert!(at(world.data().root(), 0).out().contains("/open?once="));
    assert!(open(&["--revoke", "--print"], 2).err().contains("cannot be used with"));
}

#[test]
fn a_name_must_be_allowed() {
    let world = filled();
    let server = world.serve_with(&["--allow-host", "devbox.example:9000", "--allow-host", "other.example:1"]);
    for host in ["devbox.example:9000", "other.example:1"] {
        assert_eq!(server.request("GET", "/api/conversations", &[("Host", host)]).status, 200, "{host}");
        let origin = format!("http://{host}");
        let headers = [("Host", host), ("Origin", origin.as_str())];
        assert_eq!(server.request("GET", "/api/conversations", &headers).status, 200, "{host}");
    }
    assert_eq!(server.request("GET", "/healthz", &[("Host", "devbox.example")]).status, 421);
    let wrong = world.bin("query-api").args(["serve", "--allow-host", "http://a:1"]).run().code(2);
    assert!(wrong.err().contains("invalid value 'http://a:1'"), "{wrong}");
}

/// A server and its first line.
fn started(command: harness::Cmd, stdin: Stdio) -> (Child, String) {
    let mut command = command.into_command();
    let mut child = command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
    let mut ready = String::new();
    BufReader::new(child.stdout.take().expect("its stdout")).read_line(&mut ready).expect("a line");
    (child, ready.trim().to_owned())
}

fn ask_socket(path: &Path, host: &str) -> String {
    let mut stream = UnixStream::connect(path).expect("a connection");
    write!(stream, "GET /healthz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer.lines().next().unwrap_or_default().to_owned()
}

fn end(world: &World, child: &mut Child, signal: &str) -> Option<i32> {
    let _ = world.command("kill").args([signal, &child.id().to_string()]).succeed();
    child.wait().expect("its end").code()
}

#[test]
fn a_socket_in_the_file_system() {
    let world = filled();
    let path = world.root().join("api.sock");
    let place = format!("unix:{}", path.display());
    let serve = || world.bin("query-api").args(["serve", "--listen", &place]);
    let (mut child, ready) = started(serve(), Stdio::null());
    assert_eq!(ready, format!("listening on {place}"));
    assert_eq!(fs::metadata(&path).expect("the socket").permissions().mode() & 0o777, 0o600);
    assert_eq!(ask_socket(&path, "localhost"), "HTTP/1.1 200 OK");
    for other in ["localhost:80", "127.0.0.1", "evil.example", ""] {
        assert_eq!(ask_socket(&path, other), "HTTP/1.1 421 Misdirected Request", "{other}");
    }
    let second = serve().run().code(1);
    assert!(second.err().contains("it is taken"), "{second}");
    assert_eq!(ask_socket(&path, "localhost"), "HTTP/1.1 200 OK", "the first goes on");
    // One that was killed leaves its socket, which the next replaces and takes away in the end.
    let _ = end(&world, &mut child, "-KILL");
    assert!(path.exists());
    let (mut child, _) = started(serve(), Stdio::null());
    assert_eq!(ask_socket(&path, "localhost"), "HTTP/1.1 200 OK");
    assert_eq!(end(&world, &mut child, "-TERM"), Some(0));
    assert!(!path.exists());
}

/// A browser comes to a socket by a forwarded port alone: the link is for the name that it says there.
#[test]
fn a_browser_comes_to_a_socket_by_a_forwarded_port() {
    let world = filled();
    let path = world.root().join("api.sock");
    let place = format!("unix:{}", path.display());
    let serve = world.bin("query-api").args(["serve", "--listen", &place, "--allow-host", "localhost:9000"]);
    let (mut child, _) = started(serve, Stdio::null());
    let open = |args: &[&str], code| {
        world.bin("query-api").args(["open", "--print", "--listen", &place]).args(args).run().code(code)
    };
    assert!(open(&[], 78).err().contains("--allow-host localhost:PORT"));
    let other = open(&["--host", "localhost:9001"], 1);
    assert!(other.err().contains("--allow-host localhost:9001"), "{other}");
    let link = open(&["--host", "localhost:9000"], 0);
    let link =
        link.out().trim().strip_prefix("http://localhost:9000").unwrap_or_else(|| panic!("no link: {link}")).to_owned();
    let mut stream = UnixStream::connect(&path).expect("a connection");
    write!(stream, "GET {link} HTTP/1.1\r\nHost: localhost:9000\r\nConnection: close\r\n\r\n").expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.to_lowercase().contains("\r\nset-cookie: prompt_manager="), "{answer}");
    assert_eq!(end(&world, &mut child, "-TERM"), Some(0));
    assert!(open(&["--host", "localhost:9000"], 1).err().contains("nothing answers at unix:"));
    let _ = world.bin("query-api").args(["open", "--revoke"]).succeed();
    assert!(!world.data().root().join("run/logins").exists());
}

/// As systemd hands over a socket: descriptor 3, and variables that say for whom.
#[test]
fn a_socket_of_the_supervisor() {
    let world = filled();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    let serve = world.bin("query-api").into_command();
    let heard = world.root().join("notify");
    let supervisor = std::os::unix::net::UnixDatagram::bind(&heard).expect("a socket");
    supervisor.set_read_timeout(Some(std::time::Duration::from_secs(30))).expect("a limit");
    let sh = world.command("sh").args(["-c", "exec 3<&0; LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" serve"]);
    let sh = sh.arg(serve.get_program()).env("NOTIFY_SOCKET", &heard);
    let (mut child, ready) = started(sh, Stdio::from(std::os::fd::OwnedFd::from(listener)));
    assert_eq!(ready, format!("listening on http://{address}"));
    let mut said = [0; 64];
    let length = supervisor.recv(&mut said).expect("a message");
    assert_eq!(&said[..length], b"READY=1");
    let mut stream = std::net::TcpStream::connect(address).expect("a connection");
    write!(stream, "GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert_eq!(end(&world, &mut child, "-TERM"), Some(0));
}

/// A line for each answer: the route and never what was looked for.
#[test]
fn each_answer_is_logged() {
    let world = filled();
    let server = world.serve();
    let _ = server.request("GET", "/api/conversations?q=canary", &[("X-Request-Id", "it-42")]);
    let _ = server.request("GET", "/canary/path", &[]);
    let log = server.log();
    let line = log.lines().find(|line| line.contains("it-42")).unwrap_or_else(|| panic!("no line\n{log}"));
    for part in ["INFO", "answered", "GET", "/api/conversations", "status=200", "bytes=", "ms="] {
        assert!(line.contains(part), "{part} in {line}");
    }
    assert!(log.contains("status=404"), "{log}");
    assert!(!log.contains("canary"), "{log}");
    // Nor where it fails, and why is logged too: the name of a view is a person's words.
    fs::rename(world.data().root().join("database"), world.data().root().join("away")).expect("another name");
    assert_eq!(server.request("DELETE", "/api/views/canary", &[]).status, 503);
    let log = server.log();
    let line = log.lines().find(|line| line.contains("WARN")).unwrap_or_else(|| panic!("no line\n{log}"));
    assert!(line.contains("/api/views/{name}") && line.contains("failed to open"), "{line}");
    assert!(!log.contains("canary"), "{log}");
    fs::rename(world.data().root().join("away"), world.data().root().join("database")).expect("its own name");
    drop(server);
    // As the settings say, and not at all where they ask for that.
    let quiet = world.bin("query-api").args(["serve", "--listen", "127.0.0.1:0"]).env("PROMPT_MANAGER_LOG", "error");
    let server = world.serve_by(quiet);
    let _ = server.get("/api/conversations");
    assert!(!server.log().contains("answered"), "{}", server.log());
    let wrong = world.bin("query-api").arg("serve").env("PROMPT_MANAGER_LOG", "loud").run().code(78);
    assert!(wrong.err().contains("`loud` is no level"), "{wrong}");
}

/// What somebody hears who listens: a commit of another program, until the server ends.
#[test]
fn events_tell_of_commits() {
    let world = filled();
    let mut server = world.serve();
    let looks = |server: &Server| {
        let text = server.request("GET", "/metrics", &[]).text();
        let line = text.lines().find(|line| line.starts_with("prompt_manager_event_looks_total "));
        line.unwrap_or_else(|| panic!("no figure in {text}"))
            .rsplit_once(' ')
            .expect("a value")
            .1
            .parse::<u64>()
            .expect("a number")
    };
    assert_eq!(looks(&server), 0, "nobody listens");
    let mut stream = std::net::TcpStream::connect(server.address()).expect("a connection");
    let (host, token) = (server.address(), server.token().expect("a token"));
    write!(
        stream,
        "GET /api/events HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nAccept-Encoding: gzip\r\n\r\n"
    )
    .expect("a request");
    let mut lines = BufReader::new(stream).lines().map(|line| line.expect("a line"));
    let head: Vec<_> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
    assert_eq!(head[0], "HTTP/1.1 200 OK");
    assert!(head.iter().any(|line| line.eq_ignore_ascii_case("content-type: text/event-stream")), "{head:?}");
    assert!(lines.by_ref().any(|line| line == ": listening"));
    // What comes before the first look is not news to anybody.
    while looks(&server) == 0 {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    std::thread::sleep(std::time::Duration::from_millis(200));
    world.feed(SCENARIOS[2]);
    world.projects(SCENARIOS[2]);
    world.ingest_once();
    let id = lines.by_ref().find(|line| line.starts_with("id: ")).expect("an event");
    assert_eq!(id, "id: 1");
    assert_eq!(lines.next().as_deref(), Some("event: committed"));
    let data = lines.next().expect("its data");
    assert!(data.starts_with("data: {") && data.contains("\"newest\":"), "{data}");
    // The end of the server is the end of the answer, at once.
    let begun = std::time::Instant::now();
    assert_eq!(server.end(), Some(0));
    assert_eq!(lines.filter(|line| line.contains("committed")).count(), 0);
    assert!(begun.elapsed() < std::time::Duration::from_secs(4), "{:?}", begun.elapsed());
}
