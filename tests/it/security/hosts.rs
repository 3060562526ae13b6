//! Only a Host that is exactly one of our names is answered: a page that rebinds its own name to this machine is given away
//! by that header alone.

use super::{METHODS, assert_closed, on_two_connections, paths};
use harness::{World, counted};

/// No port, another one, or another spelling of it.
const PORTS: &str = "127.0.0.1 ¦ localhost ¦ [::1] ¦ 127.0.0.1: ¦ localhost: ¦ localhost:0 ¦ localhost:80 ¦ localhost:443 ¦ \
    127.0.0.1:0$ ¦ 127.0.0.1:+$ ¦ 127.0.0.1:$0 ¦ 127.0.0.1:$. ¦ localhost: $ ¦ localhost :$ ¦ \
    localhost:$:$ ¦ :$ ¦ $ ¦ localhost:0x$ ¦ localhost:65536 ¦ localhost:-1";

/// Other spellings of the same address, and other addresses of the same machine.
const ADDRESSES: &str = "0.0.0.0:$ ¦ 0:$ ¦ 127.1:$ ¦ 127.0.1:$ ¦ 127.0.0.2:$ ¦ 127.0.0.1.:$ ¦ 2130706433:$ ¦ 017700000001:$ ¦ \
    0x7f.1:$ ¦ 0x7f000001:$ ¦ 0177.0.0.1:$ ¦ 127.0.0.01:$ ¦ [::]:$ ¦ ::1:$ ¦ [::01]:$ ¦ \
    [0:0:0:0:0:0:0:1]:$ ¦ [::ffff:127.0.0.1]:$ ¦ [::ffff:7f00:1]:$ ¦ [::1%lo]:$ ¦ [::1%25lo]:$ ¦ \
    [::1]:$] ¦ [[::1]]:$ ¦ [127.0.0.1]:$ ¦ 169.254.169.254:$ ¦ 192.168.0.1:$ ¦ 10.0.0.1:$";

/// Other spellings of the name.
const NAMES: &str = "LOCALHOST:$ ¦ Localhost:$ ¦ localHost:$ ¦ localhost.:$ ¦ localhost.localdomain:$ ¦ localhost6:$ ¦ \
    ip6-localhost:$ ¦ xn--lcalhost-n4a:$ ¦ l\u{f6}calhost:$ ¦ \u{2113}ocalhost:$ ¦ localhost\u{3002}:$ ¦ \
    local%68ost:$ ¦ localhost%00:$ ¦ localhost%20:$ ¦ \"localhost\":$";

/// Names that begin or end like ours.
const LIKE_OURS: &str = "127.evil.com ¦ 127.evil.com:$ ¦ 127.0.0.1.evil.com:$ ¦ 127.0.0.1.nip.io:$ ¦ localhost.evil.com:$ ¦ \
    evil-localhost:$ ¦ evillocalhost:$ ¦ evil.localhost:$ ¦ a.prompt-manager.localhost:$ ¦ \
    prompt-manager.localhost ¦ prompt-manager.localhost.:$ ¦ xprompt-manager.localhost:$ ¦ \
    prompt-manager.localhost.evil.com:$ ¦ Prompt-Manager.localhost:$ ¦ localhostx:$ ¦ 127.0.0.1x:$ ¦ \
    localhost.localhost:$ ¦ lvh.me:$ ¦ localtest.me:$";

/// More than a name.
const MORE_THAN_A_NAME: &str = "evil.com ¦ evil.com:$ ¦ user@localhost:$ ¦ user:pw@localhost:$ ¦ evil.com@127.0.0.1:$ ¦ \
    127.0.0.1:$@evil.com ¦ http://localhost:$ ¦ //localhost:$ ¦ localhost:$/ ¦ localhost:$/evil.com ¦ \
    localhost:$# ¦ localhost:$? ¦ localhost:$,evil.com ¦ localhost:$, localhost:$ ¦ localhost:$;evil.com ¦ \
    localhost:$ evil.com ¦ evil.com localhost:$ ¦ localhost\\:$ ¦ * ¦ *:$ ¦ *.localhost:$ ¦ null ¦ \
    undefined ¦ file:// ¦ _:$ ¦ -:$ ¦ localhost:$\u{a0} ¦ \u{feff}localhost:$ ¦ localhost:$\u{200b}";

/// Values of Host that are ours, for the port (`$` in the lists), and others. On the wire blanks around a value are not part of it.
fn hosts(port: u16) -> (Vec<String>, Vec<Vec<u8>>) {
    let ours = [
        "127.0.0.1:$",
        "localhost:$",
        "[::1]:$",
        "prompt-manager.localhost:$",
        " localhost:$",
        "localhost:$  ",
        "\t127.0.0.1:$",
    ];
    let others = [PORTS, ADDRESSES, NAMES, LIKE_OURS, MORE_THAN_A_NAME].into_iter().flat_map(|list| list.split(" ¦ "));
    let of_port = |text: &str| text.replace('$', &port.to_string());
    let mut other: Vec<Vec<u8>> = others.chain(["", " "]).map(|text| of_port(text).into_bytes()).collect();
    other.push([b"localhost", &[0xff][..], of_port(":$").as_bytes()].concat());
    other.push(format!("{}localhost:{port}", "a.".repeat(4000)).into_bytes());
    (ours.map(of_port).into(), other)
}

#[test]
fn only_our_exact_names_are_answered() {
    let world = World::captured();
    let server = world.serve();
    let port = server.address().port();
    let token = server.token().expect("a token").to_owned();
    let (ours, others) = hosts(port);
    assert!(others.len() >= 80, "only {} other hosts", others.len());
    let mut cases = Vec::new();
    for path in paths(&server) {
        for method in METHODS {
            // With all else as it should be: the Host alone decides.
            cases.extend(others.iter().map(|host| (method, path.clone(), vec![host.clone()], true)));
            // And with a right Host, but nothing that would let it do anything.
            cases.extend(ours.iter().map(|host| (method, path.clone(), vec![host.clone().into_bytes()], false)));
            let own = format!("localhost:{port}").into_bytes();
            cases.push((method, path.clone(), vec![], true));
            cases.push((method, path.clone(), vec![own.clone(), own.clone()], true));
            cases.push((method, path.clone(), vec![own, b"evil.com".to_vec()], true));
        }
    }
    on_two_connections(&server, &cases, |client, (method, path, hosts, refused)| {
        let mut head = format!("{method} {path} HTTP/1.1\r\n").into_bytes();
        hosts.iter().for_each(|host| head.extend([b"Host: ", &host[..], b"\r\n"].concat()));
        if *refused {
            head.extend(format!("Authorization: Bearer {token}\r\n").into_bytes());
        }
        let response = client.exchange(&head, b"");
        let what = (method, path, hosts.iter().map(|host| String::from_utf8_lossy(host)).collect::<Vec<_>>());
        assert_eq!(response.status == 421, *refused, "{what:?}: {}", response.status);
        assert!(!*refused || !response.text().contains(&token), "{what:?}");
        assert_closed(&response, &what);
    });
    counted(cases.len(), "requests by every method to every path, with our names and others");
}

/// A request may name the server twice: in its line and in Host. Both must be the same.
#[test]
fn an_absolute_target_must_agree_with_the_host() {
    let world = World::captured();
    let server = world.serve();
    let mut client = server.client();
    let port = server.address().port();
    let names = [
        "prompt-manager.localhost:$",
        "127.0.0.1:$",
        "localhost:$",
        "[::1]:$",
        "evil.com",
        "localhost",
        "user@localhost:$",
        "LOCALHOST:$",
    ];
    for target in names {
        for host in names {
            for (scheme, path) in [("http", "/healthz"), ("http", "/nowhere"), ("https", "/healthz")] {
                let of_port = |text: &str| text.replace('$', &port.to_string());
                let target = of_port(target);
                let head = format!("GET {scheme}://{target}{path} HTTP/1.1\r\nHost: {}\r\n", of_port(host));
                let response = client.exchange(head.as_bytes(), b"");
                let ours = ["prompt-manager.localhost:$", "127.0.0.1:$", "localhost:$", "[::1]:$"].contains(&host)
                    && target == of_port(host);
                assert_eq!(response.status == 421, !ours, "{head}: {}", response.status);
                assert_closed(&response, &head);
            }
        }
    }
}

/// HTTP/1.0 need not name a host; here it must.
#[test]
fn an_older_version_is_no_way_around() {
    let world = World::captured();
    let server = world.serve();
    for (more, expected) in [("", 421), ("Host: evil.com\r\n", 421)] {
        let response = server.raw(&format!("GET /healthz HTTP/1.0\r\n{more}"));
        assert_eq!(response.status, expected, "{more:?}");
    }
}

/// A name that somebody allows is one more, exactly as it was written, and nothing beside it.
#[test]
fn an_allowed_name_is_exact_too() {
    let world = World::captured();
    let server = world.serve_with(&["--allow-host", "devbox.example:9000"]);
    let mut client = server.client();
    let port = server.address().port();
    for (host, expected) in [
        ("devbox.example:9000".to_owned(), 200),
        (format!("localhost:{port}"), 200),
        (format!("devbox.example:{port}"), 421),
        ("localhost:9000".into(), 421),
        ("devbox.example".into(), 421),
        ("Devbox.example:9000".into(), 421),
        ("a.devbox.example:9000".into(), 421),
    ] {
        let response = client.send("GET", "/api/conversations", &[("Host", &host)], b"");
        assert_eq!(response.status, expected, "{host}");
        // It may ask for itself, and for none of the other names.
        let origin = format!("http://{host}");
        let response =
            client.send("GET", "/api/conversations", &[("Host", "devbox.example:9000"), ("Origin", &origin)], b"");
        assert_eq!(response.status, if host == "devbox.example:9000" { 200 } else { 403 }, "{origin}");
    }
}
