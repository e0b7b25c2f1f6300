//! Folders that nobody's documents are in: the program's own, and those the system makes up.
//!
//! Both are known by what they are, not by how they are named: a folder has many names, through links, through
//! `..`, through mounts. Called wherever a folder is added, entered or explained.

use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};

/// What identifies a folder or file, whatever its name: its device and its number there.
type Identity = (u64, u64);

/// The program's own folders, as they are now.
#[derive(Debug, Clone, Default)]
pub(crate) struct Own {
    paths: Vec<PathBuf>,
    identities: Vec<Identity>,
}

impl Own {
    /// Finds out where these folders lie. Those that are not there yet are known by their path alone.
    pub(crate) fn of(paths: &[PathBuf]) -> Self {
        Self {
            identities: paths.iter().filter_map(|path| identity_at(path)).collect(),
            paths: paths.iter().map(|path| resolved(path)).collect(),
        }
    }

    /// Whether a folder is one of them.
    pub(crate) fn has(&self, path: &Path, metadata: Option<&Metadata>) -> bool {
        let identity = metadata.and_then(identity);
        self.paths.iter().any(|own| own == path)
            || identity.is_some_and(|identity| self.identities.contains(&identity))
    }

    /// Whether a folder is one of them, or lies in one.
    pub(crate) fn hold(&self, path: &Path) -> bool {
        path.ancestors()
            .any(|path| self.has(path, std::fs::metadata(path).ok().as_ref()))
    }
}

/// The path without links and `..`, as far as it is there.
fn resolved(path: &Path) -> PathBuf {
    for ancestor in path.ancestors() {
        if let Ok(real) = std::fs::canonicalize(ancestor)
            && let Ok(rest) = path.strip_prefix(ancestor)
        {
            return real.join(rest);
        }
    }
    path.to_owned()
}

fn identity_at(path: &Path) -> Option<Identity> {
    identity(&std::fs::metadata(path).ok()?)
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "other systems do not tell")]
fn identity(metadata: &Metadata) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn identity(_: &Metadata) -> Option<Identity> {
    None
}

/// The device a folder lies on, where that can be told.
pub(crate) fn device(metadata: &Metadata) -> Option<u64> {
    Some(identity(metadata)?.0)
}

/// Why no documents are looked for in a folder that the system makes up, in words.
pub(crate) fn made_up(path: &Path) -> Option<String> {
    let kind = kind_at(path)?;
    Some(format!(
        "it lies in a file system that the system makes up ({kind}) and that holds no documents"
    ))
}

/// The same of an open file.
#[cfg(target_os = "linux")]
pub(crate) fn made_up_file(file: &std::fs::File) -> Option<String> {
    let kind = kind_of(rustix::fs::fstatfs(file).ok()?.f_type)?;
    Some(format!("a file that the system makes up ({kind})"))
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn made_up_file(_: &std::fs::File) -> Option<String> {
    None
}

/// Why a folder cannot be walked at all.
pub(crate) fn refused(path: &Path, own: &Own) -> io::Result<()> {
    if own.hold(path) {
        return Err(io::Error::other("it belongs to vade itself"));
    }
    made_up(path).map_or(Ok(()), |reason| Err(io::Error::other(reason)))
}

#[cfg(target_os = "linux")]
fn kind_at(path: &Path) -> Option<&'static str> {
    let kind = |path: &Path| kind_of(rustix::fs::statfs(path).ok()?.f_type);
    // What is mounted within such a file system is no better.
    let found = path.ancestors().find_map(kind);
    found.or_else(|| is_among_devices(path).then_some("devices"))
}

#[cfg(not(target_os = "linux"))]
fn kind_at(_: &Path) -> Option<&'static str> {
    None
}

/// File systems without files of anybody's, by their number in Linux (`linux/magic.h`).
#[cfg(target_os = "linux")]
fn kind_of(number: impl TryInto<i64>) -> Option<&'static str> {
    // Some numbers have their highest bit set, and are negative where the field is small.
    let number = number.try_into().ok()? & 0xffff_ffff;
    Some(match number {
        0x9fa0 => "proc",
        0x9fa1 => "openprom",
        0x9fa2 => "usbfs",
        0x1cd1 => "devpts",
        0x6265_6572 => "sysfs",
        0x6462_6720 => "debugfs",
        0x7472_6163 => "tracefs",
        0x7363_6673 => "securityfs",
        0x0027_e0eb | 0x6367_7270 => "cgroup",
        0xcafe_4a11 => "bpf",
        0x6165_676c => "pstore",
        0x6265_6570 => "configfs",
        0xde5e_81e4 => "efivarfs",
        0xf97c_ff8c => "selinuxfs",
        0x4341_5d53 => "smackfs",
        0x5a3c_69f0 => "apparmorfs",
        0x9584_58f6 => "hugetlbfs",
        0x1980_0202 => "mqueue",
        0x4249_4e4d | 0x4249_4e4f => "binfmt_misc",
        0x6e73_6673 => "nsfs",
        0x6759_6969 => "rpc_pipefs",
        0x6e66_7364 => "nfsd",
        0x6573_5543 => "fusectl",
        0x0904_1934 => "anonymous inodes",
        0x5049_5045 => "pipefs",
        0x534f_434b => "sockfs",
        0x6264_6576 => "block devices",
        0x6464_6178 => "daxfs",
        0x444d_4142 => "dma-buf",
        0x0765_5821 => "resctrl",
        0xabba_1974 => "xenfs",
        0x6c6f_6f70 => "binderfs",
        _ => return None,
    })
}

/// The folder of devices has the number of an ordinary file system in memory.
#[cfg(target_os = "linux")]
fn is_among_devices(path: &Path) -> bool {
    let device_at = |path: &Path| device(&std::fs::metadata(path).ok()?);
    let devices = Path::new("/dev");
    let (Some(there), Some(here)) = (device_at(devices), device_at(path)) else {
        return false;
    };
    let is_mounted = device_at(Path::new("/")).is_some_and(|root| root != there);
    there == here && (is_mounted || resolved(path).starts_with(devices))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn own_folders_are_known_by_every_name() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let root = std::fs::canonicalize(directory.path()).expect("it is there");
        std::fs::create_dir_all(root.join("notes/data/text")).expect("folders");
        symlink(root.join("notes"), root.join("alias")).expect("a link");
        for named in ["alias/data", "notes/../notes/data", "notes/data"] {
            let own = Own::of(&[root.join(named)]);
            assert!(own.hold(&root.join("notes/data")), "{named}");
            assert!(own.hold(&root.join("notes/data/text")), "{named}");
            assert!(own.hold(&root.join("alias/data/text")), "{named}");
            assert!(!own.hold(&root.join("notes")), "{named}");
        }
        // It may be made later.
        let own = Own::of(&[root.join("alias/later")]);
        assert!(own.hold(&root.join("notes/later/inside")));
    }

    #[test]
    fn what_the_system_makes_up_is_no_place_for_documents() {
        for path in ["/proc", "/proc/self", "/proc/self/fd", "/sys", "/dev"] {
            assert!(made_up(Path::new(path)).is_some(), "{path}");
        }
        let directory = tempfile::tempdir().expect("a temporary directory");
        assert_eq!(made_up(directory.path()), None);
        assert_eq!(made_up(Path::new("/")), None);
        let file = std::fs::File::open("/proc/self/environ").expect("opens");
        assert!(made_up_file(&file).is_some());
        let file = tempfile::tempfile().expect("a file");
        assert_eq!(made_up_file(&file), None);
    }
}
