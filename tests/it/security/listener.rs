//! Where the server can be reached, read from the kernel's own tables: on this machine's loopback and nowhere else.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

use harness::World;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const LISTENS: &str = "0A";

/// The addresses on which a process listens.
fn listening(pid: u32) -> Vec<(IpAddr, u16)> {
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten();
    let targets = descriptors.filter_map(|fd| fs::read_link(fd.path()).ok());
    let inodes: Vec<String> = targets
        .filter_map(|target| Some(target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
        .collect();
    let mut found = Vec::new();
    for table in ["tcp", "tcp6", "udp", "udp6"] {
        let text = fs::read_to_string(format!("/proc/{pid}/net/{table}")).unwrap_or_default();
        for line in text.lines().skip(1) {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let listens = fields[3] == LISTENS || table.starts_with("udp");
            if listens && inodes.iter().any(|inode| inode == fields[9]) {
                found.push(address(fields[1]));
            }
        }
    }
    found
}

/// `0100007F:1F90`: words in the machine's byte order, then the port.
fn address(text: &str) -> (IpAddr, u16) {
    let (address, port) = text.split_once(':').expect("an address and a port");
    let words =
        address.as_bytes().chunks(8).map(|word| u32::from_str_radix(str::from_utf8(word).unwrap(), 16).unwrap());
    let bytes: Vec<u8> = words.flat_map(u32::to_ne_bytes).collect();
    let ip = match <[u8; 4]>::try_from(&bytes[..]) {
        Ok(four) => Ipv4Addr::from(four).into(),
        Err(_) => Ipv6Addr::from(<[u8; 16]>::try_from(&bytes[..]).unwrap()).into(),
    };
    (ip, u16::from_str_radix(port, 16).unwrap())
}

#[test]
fn addresses_are_read_as_the_kernel_writes_them() {
    if cfg!(target_endian = "little") {
        assert_eq!(address("0100007F:1F90"), (Ipv4Addr::LOCALHOST.into(), 8080));
        assert_eq!(address("00000000000000000000000001000000:0050"), (Ipv6Addr::LOCALHOST.into(), 80));
        assert_eq!(address("00000000:0050"), (Ipv4Addr::UNSPECIFIED.into(), 80));
    }
}

#[test]
fn only_this_machine_can_connect() {
    let world = World::captured();
    for args in [&[][..], &["--no-token"]] {
        let server = world.serve_with(args);
        assert_eq!(server.get("/healthz").0, 200);
        let found = listening(server.pid());
        assert!(found.contains(&(server.address().ip(), server.address().port())), "{found:?}");
        assert!(found.iter().all(|(ip, _)| ip.is_loopback()), "{found:?}");
    }
}
