//! What the process that reads files can reach of the disk: nothing, as the file comes through a pipe; or what
//! reads images, where it has to.
//!
//! `worker` builds the walls before the first byte of a file is read. Where the system has none, it goes without.

use super::images::Ocr;

/// Keeps this thread, and what it starts from now on, from the disk.
#[cfg(target_os = "linux")]
pub(super) fn build(ocr: Option<&Ocr>) {
    use std::path::PathBuf;

    use landlock::{
        ABI, Access as _, AccessFs, Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr,
        RulesetError, path_beneath_rules,
    };

    let readable: Vec<PathBuf> = ocr.map(wanted).unwrap_or_default();
    let null = ocr.map(|_| "/dev/null");
    let build = || -> Result<(), RulesetError> {
        Ruleset::default()
            .handle_access(AccessFs::from_all(ABI::V3))
            .and_then(Ruleset::create)
            .and_then(|walls| {
                walls.add_rules(path_beneath_rules(readable, AccessFs::from_read(ABI::V3)))
            })
            .and_then(|walls| {
                walls.add_rules(path_beneath_rules(null, AccessFs::from_all(ABI::V3)))
            })
            .and_then(RulesetCreated::restrict_self)
            .map(drop)
    };
    // The other limits of this process hold without.
    if let Err(error) = build() {
        tracing::debug!(%error, "no walls");
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn build(_: Option<&Ocr>) {}

/// What reads images, and the parts of the system that it loads.
#[cfg(target_os = "linux")]
fn wanted(ocr: &Ocr) -> Vec<std::path::PathBuf> {
    use std::path::{Path, PathBuf};

    /// Where programs and libraries lie, and what says of which kind the processor is.
    const SYSTEM: [&str; 13] = [
        "/usr",
        "/lib",
        "/lib32",
        "/lib64",
        "/bin",
        "/opt",
        "/nix/store",
        "/etc/ld.so.cache",
        "/etc/alternatives",
        "/proc/self",
        "/proc/cpuinfo",
        "/proc/meminfo",
        "/sys/devices/system",
    ];
    let own: Vec<PathBuf> = match ocr {
        Ocr::Networks {
            runtime,
            detection,
            recognition,
            ..
        } => vec![runtime.clone(), detection.clone(), recognition.clone()],
        Ocr::Tesseract { program } => {
            let real = std::fs::canonicalize(program).unwrap_or_else(|_| program.clone());
            // Its languages lie beside the folder of programs.
            let of = |program: &Path| {
                let folder = program.parent()?;
                let prefix = folder.parent().filter(|_| folder.ends_with("bin"));
                Some(prefix.unwrap_or(folder).to_owned())
            };
            let languages = std::env::var_os("TESSDATA_PREFIX").map(PathBuf::from);
            [of(program), of(&real), languages]
                .into_iter()
                .flatten()
                .collect()
        }
    };
    SYSTEM.iter().map(PathBuf::from).chain(own).collect()
}
