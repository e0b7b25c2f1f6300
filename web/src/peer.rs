//! Whose program is at the other end of a connection.
//!
//! Loopback is open to every user of a machine. Where the system tells whose socket a connection comes from, the
//! programs of the user who runs the daemon need no token; everybody else does.

use std::net::SocketAddr;

/// Who is at the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peer {
    /// A program of the user who runs the daemon, or of the system's administrator, who reads everything anyway.
    Own,
    /// Another user's program, another machine's, or one of which the system does not tell.
    Other,
}

/// Whether the system tells whose a connection is.
#[must_use]
pub fn can_tell() -> bool {
    cfg!(target_os = "linux") && std::fs::File::open(TABLES[0]).is_ok()
}

/// The system's tables of connections, for both versions of the protocol.
const TABLES: [&str; 2] = ["/proc/net/tcp", "/proc/net/tcp6"];

/// Who is at the `remote` end of a connection to `local`.
pub(crate) fn of(remote: SocketAddr, local: SocketAddr) -> Peer {
    let (remote, local) = (canonical(remote), canonical(local));
    if !remote.ip().is_loopback() {
        return Peer::Other;
    }
    let owner = TABLES.iter().find_map(|table| {
        let table = std::fs::read_to_string(table).ok()?;
        owner(&table, remote, local)
    });
    match owner {
        Some(user) if is_own(user) => Peer::Own,
        _ => Peer::Other,
    }
}

/// An IPv4 address written as IPv6 is that IPv4 address.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

#[cfg(unix)]
fn is_own(user: u32) -> bool {
    user == 0 || user == rustix::process::geteuid().as_raw()
}

#[cfg(not(unix))]
fn is_own(_: u32) -> bool {
    false
}

/// The user whose socket goes from `from` to `to`. A socket that no process holds any more is nobody's: the system
/// lists it as the administrator's.
fn owner(table: &str, from: SocketAddr, to: SocketAddr) -> Option<u32> {
    table.lines().skip(1).find_map(|line| {
        let mut fields = line.split_ascii_whitespace().skip(1);
        let (local, remote) = (address(fields.next()?)?, address(fields.next()?)?);
        if (local, remote) != (from, to) {
            return None;
        }
        let user = fields.nth(4)?.parse().ok()?;
        let inode = fields.nth(1)?;
        (inode != "0").then_some(user)
    })
}

/// An address as the tables have it: words of 32 bits in the machine's own order, in hexadecimal.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let mut bytes = Vec::with_capacity(16);
    for word in ip.as_bytes().chunks(8) {
        let word = u32::from_str_radix(std::str::from_utf8(word).ok()?, 16).ok()?;
        bytes.extend(word.to_ne_bytes());
    }
    let ip = match <[u8; 4]>::try_from(bytes.as_slice()) {
        Ok(four) => four.into(),
        Err(_) => <[u8; 16]>::try_from(bytes.as_slice()).ok()?.into(),
    };
    Some(canonical(SocketAddr::new(ip, port)))
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    const TABLE: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:128B 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 100 1 0
   1: 0100007F:9C40 0100007F:128B 01 00000000:00000000 00:00000000 00000000 65534        0 200 1 0
   2: 0100007F:9C41 0100007F:128B 05 00000000:00000000 00:00000000 00000000     0        0 0 1 0
   3: 0100007F:128B 0100007F:9C40 01 00000000:00000000 00:00000000 00000000  1000        0 300 1 0
";

    #[cfg(target_endian = "little")]
    #[test]
    fn the_owner_is_that_of_the_other_end() {
        let here: SocketAddr = "127.0.0.1:4747".parse().expect("an address");
        let from = |port| SocketAddr::new(here.ip(), port);
        assert_eq!(owner(TABLE, from(40000), here), Some(65534));
        // One that was closed at once is listed as the administrator's.
        assert_eq!(owner(TABLE, from(40001), here), None);
        assert_eq!(owner(TABLE, from(40002), here), None);
        let both = address("0000000000000000FFFF00000100007F:9C40");
        assert_eq!(both, Some(from(40000)));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_connection_of_this_process_is_its_own() {
        assert!(can_tell());
        for name in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(name) else {
                continue;
            };
            let there = listener.local_addr().expect("an address");
            let client = TcpStream::connect(there).expect("connects");
            let (_accepted, remote) = listener.accept().expect("accepts");
            assert_eq!(of(remote, there), Peer::Own);
            drop(client);
            assert_eq!(of(remote, there), Peer::Other, "nobody's any more");
        }
    }

    #[test]
    fn other_machines_are_others() {
        let address = |text: &str| text.parse().expect("an address");
        let peer = of(address("192.0.2.1:9"), address("192.0.2.2:4747"));
        assert_eq!(peer, Peer::Other);
    }
}
