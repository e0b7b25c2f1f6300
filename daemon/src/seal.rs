//! The seal: no process that reads documents can reach the network, and the daemon writes in its own directories only.
//!
//! A filter of system calls (seccomp) keeps this process and its children from making or connecting sockets; a
//! listener that is bound before goes on accepting. Landlock keeps them from writing elsewhere. Neither can be taken
//! back, and neither needs privileges. It knows nothing of what the process does.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use vade_web::Egress;
use vade_web::api::EgressAttempt;

/// An address that belongs to nobody (RFC 5737).
const NOBODY: ([u8; 4], u16) = ([192, 0, 2, 1], 9);
/// Where a name's address would be asked for, where the system does not say.
const RESOLVER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 53));
/// The question for the address of `vade.invalid`, a name that nobody can have (RFC 1035, RFC 2606).
const QUERY: [u8; 30] = *b"\0\x01\x01\0\0\x01\0\0\0\0\0\0\x04vade\x07invalid\0\0\x01\0\x01";
/// How long an attempt may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Why this process could not be sealed, once that was tried.
static NETWORK: OnceLock<Option<String>> = OnceLock::new();
/// The same of its files.
static FILES: OnceLock<Option<String>> = OnceLock::new();

/// Keeps this process, all its threads and its children from the network. What is connected stays so.
pub(crate) fn network() {
    NETWORK.get_or_init(|| system::refuse_sockets().err());
}

/// Keeps this thread, and what it starts from now on, from writing anywhere but under `directories`.
pub(crate) fn files(directories: &[&Path]) {
    FILES.get_or_init(|| system::refuse_writes(directories).err());
}

/// What this process can reach now.
pub(crate) fn egress() -> Egress {
    let network = NETWORK.get();
    let notices = network.into_iter().chain(FILES.get()).flatten();
    let notice: Vec<&str> = notices.map(String::as_str).collect();
    Egress {
        sealed: network.is_some_and(Option::is_none),
        notice: (!notice.is_empty()).then(|| notice.join("; ")),
        attempt: attempts,
    }
}

/// Tries TCP, UDP and to ask for a name's address.
fn attempts() -> Vec<EgressAttempt> {
    let tcp = TcpStream::connect_timeout(&SocketAddr::from(NOBODY), PATIENCE).map(drop);
    let udp = send(SocketAddr::from(NOBODY), b"x");
    let dns = send(SocketAddr::new(resolver(), 53), &QUERY);
    [("TCP", tcp), ("UDP", udp), ("DNS", dns)]
        .map(|(what, outcome)| EgressAttempt {
            what: what.to_owned(),
            refused: outcome.is_err(),
            said: outcome.map_or_else(
                |error| error.to_string(),
                |()| "it was let through".to_owned(),
            ),
        })
        .into()
}

fn send(to: SocketAddr, bytes: &[u8]) -> std::io::Result<()> {
    let any: IpAddr = match to {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    UdpSocket::bind((any, 0))?.send_to(bytes, to).map(drop)
}

/// The system's first name server.
fn resolver() -> IpAddr {
    let settings = std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    let mut servers = settings
        .lines()
        .filter_map(|line| line.strip_prefix("nameserver")?.trim().parse().ok());
    servers.next().unwrap_or(RESOLVER)
}

#[cfg(target_os = "linux")]
mod system {
    use std::collections::BTreeMap;
    use std::path::Path;

    use landlock::{
        ABI, AccessFs, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetStatus, path_beneath_rules,
    };
    use seccompiler::{
        BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
        SeccompRule,
    };

    /// System calls that reach the network, or another process that does: none of ours needs them.
    const REFUSED: [libc::c_long; 8] = [
        libc::SYS_connect,
        libc::SYS_io_uring_setup,
        libc::SYS_io_uring_enter,
        libc::SYS_io_uring_register,
        libc::SYS_ptrace,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_pidfd_getfd,
    ];

    /// On x86-64 each call has a second number, for programs with short pointers.
    const X32: i64 = if cfg!(target_arch = "x86_64") {
        0x4000_0000
    } else {
        0
    };

    pub(super) fn refuse_sockets() -> Result<(), String> {
        let program = filter().map_err(|error| format!("the network is not closed: {error}"))?;
        seccompiler::apply_filter_all_threads(&program)
            .map_err(|error| format!("the network is not closed: {error}"))
    }

    fn filter() -> Result<BpfProgram, seccompiler::BackendError> {
        let arch = std::env::consts::ARCH.try_into()?;
        let domain = SeccompCondition::new(
            0,
            SeccompCmpArgLen::Dword,
            SeccompCmpOp::Ne,
            u64::from(libc::AF_UNIX.unsigned_abs()),
        )?;
        let any_but_local = vec![SeccompRule::new(vec![domain])?];
        let mut rules: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
        for number in [0, X32] {
            rules.insert(libc::SYS_socket | number, any_but_local.clone());
            rules.extend(REFUSED.map(|call| (call | number, Vec::new())));
        }
        let refuse = SeccompAction::Errno(libc::EPERM.unsigned_abs());
        SeccompFilter::new(rules, SeccompAction::Allow, refuse, arch)?.try_into()
    }

    pub(super) fn refuse_writes(directories: &[&Path]) -> Result<(), String> {
        let failed = |error: landlock::RulesetError| format!("files are not closed: {error}");
        let writing = AccessFs::from_write(ABI::V3);
        let paths = directories.iter().copied().chain([Path::new("/dev/null")]);
        let status = Ruleset::default()
            .handle_access(writing)
            .and_then(Ruleset::create)
            .and_then(|rules| rules.add_rules(path_beneath_rules(paths, writing)))
            .and_then(landlock::RulesetCreated::restrict_self)
            .map_err(failed)?;
        match status.ruleset {
            RulesetStatus::FullyEnforced => Ok(()),
            RulesetStatus::PartiallyEnforced => {
                Err("this kernel closes files in part: it is older than 6.2".to_owned())
            }
            RulesetStatus::NotEnforced => {
                Err("this kernel cannot close files: it has no Landlock".to_owned())
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::path::Path;

    pub(super) fn refuse_sockets() -> Result<(), String> {
        Err("the network is not closed: that needs Linux".to_owned())
    }

    pub(super) fn refuse_writes(_: &[&Path]) -> Result<(), String> {
        Ok(())
    }
}
