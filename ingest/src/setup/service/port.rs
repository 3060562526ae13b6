//! Who listens already where the API is to listen. Of a socket that it cannot open systemd says "Job failed", which names neither the
//! port nor whose it is; on a machine of several users it is another's. Where there is no `/proc` nobody is known.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use settings::Listen;

use super::account::Account;
use crate::error::Error;

/// How the kernel's table calls a socket that listens.
const LISTENS: &str = "0A";

/// Refuses a port that another user than `owner` has.
///
/// # Errors
/// [`Error::Refused`] that names the user and another port.
pub(super) fn refuse_anothers(listen: &Listen, owner: u32) -> Result<(), Error> {
    let Listen::Tcp(address) = listen else { return Ok(()) };
    match holder(*address).filter(|holder| *holder != owner) {
        Some(holder) => Err(refused(*address, &Account::name_of(holder))),
        None => Ok(()),
    }
}

/// What is said where a program of the same user has it, if one has.
pub(super) fn own(listen: &Listen) -> Option<Error> {
    let Listen::Tcp(address) = listen else { return None };
    holder(*address).map(|_| refused(*address, "another program of yours"))
}

fn refused(address: SocketAddr, who: &str) -> Error {
    let others = (address.port()..u16::MAX).map(|port| SocketAddr::new(address.ip(), port + 1));
    let free = others.into_iter().find(|other| holder(*other).is_none());
    let such = free.map(|free| format!(", such as --listen {free}")).unwrap_or_default();
    let problem = format!("{who} listens there already; name another place for the API{such}");
    Error::Refused { path: PathBuf::from(address.to_string()), problem }
}

fn holder(address: SocketAddr) -> Option<u32> {
    ["/proc/net/tcp", "/proc/net/tcp6"].iter().find_map(|table| in_table(&fs::read_to_string(table).ok()?, address))
}

/// The user whose socket listens at this address, or at all.
fn in_table(table: &str, wanted: SocketAddr) -> Option<u32> {
    table.lines().skip(1).find_map(|line| {
        let fields: Vec<_> = line.split_whitespace().collect();
        let (address, state, user) = (fields.get(1)?, fields.get(3)?, fields.get(7)?);
        let (ip, port) = address.split_once(':')?;
        let (ip, port) = (parse_ip(ip)?, u16::from_str_radix(port, 16).ok()?);
        let is_it = port == wanted.port() && (ip == wanted.ip() || ip.is_unspecified());
        if is_it && *state == LISTENS { user.parse().ok() } else { None }
    })
}

/// In words of four bytes, each as this machine keeps it.
fn parse_ip(text: &str) -> Option<IpAddr> {
    let word = |at: usize| u32::from_str_radix(text.get(at * 8..at * 8 + 8)?, 16).ok().map(u32::to_ne_bytes);
    if text.len() == 8 {
        return word(0).map(|bytes| IpAddr::V4(Ipv4Addr::from(bytes)));
    }
    let mut bytes = [0; 16];
    for (at, part) in bytes.chunks_mut(4).enumerate() {
        part.copy_from_slice(&word(at)?);
    }
    Some(IpAddr::V6(Ipv6Addr::from(bytes)).to_canonical())
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::{Duration, Instant};

    use super::*;
    use std::net::TcpListener;

    #[test]
    #[cfg(target_endian = "little")]
    fn addresses_of_the_kernel() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:223D 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 1 1 0 100 0 0 10 0
   1: 0100007F:223E 0100007F:9999 01 00000000:00000000 00:00000000 00000000  1001        0 1 1 0 100 0 0 10 0
   2: 00000000:223F 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1002        0 1 1 0 100 0 0 10 0
   3: 00000000000000000000000001000000:2240 00000000000000000000000000000000:0000 0A 0:0 0:0 0  1003 0 1
   4: 0000000000000000FFFF00000100007F:2241 00000000000000000000000000000000:0000 0A 0:0 0:0 0  1004 0 1
   5: broken";
        let check = |address: &str, expected| {
            assert_eq!(in_table(table, address.parse().unwrap()), expected, "{address}");
        };
        check("127.0.0.1:8765", Some(1000));
        check("127.0.0.2:8765", None);
        check("127.0.0.1:8766", None);
        check("127.0.0.1:8767", Some(1002));
        check("[::1]:8768", Some(1003));
        check("127.0.0.1:8768", None);
        check("127.0.0.1:8769", Some(1004));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn who_has_it_is_named_and_another_port_too() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let listen = Listen::Tcp(taken.local_addr().unwrap());
        let me = rustix::process::geteuid().as_raw();
        refuse_anothers(&listen, me).unwrap();
        let check = |error: Error, who: &str| {
            let said = error.to_string();
            let begin = format!("{listen}: {who} listens there already; ");
            assert!(said.starts_with(&begin) && said.contains(", such as --listen 127.0.0.1:"), "{said}");
        };
        check(refuse_anothers(&listen, me + 1).unwrap_err(), &Account::name_of(me));
        check(own(&listen).unwrap(), "another program of yours");
        drop(taken);
        // A child that another test starts at this moment holds it until it has become its program.
        let began = Instant::now();
        while let Err(error) = refuse_anothers(&listen, me + 1) {
            assert!(began.elapsed() < Duration::from_secs(10), "{error}");
            thread::sleep(Duration::from_millis(10));
        }
        assert!(own(&"unix:/run/x".parse().unwrap()).is_none());
    }
}
