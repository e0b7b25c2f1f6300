//! ONNX Runtime counts and reports what it is used for, unless it is told not to before it is loaded.
//!
//! Owns telling it, and taking away what it kept under earlier versions of this program.

use std::path::{Path, PathBuf};

/// The variable it looks for when it is loaded.
const SWITCH: &str = "ORT_DISABLE_TELEMETRY";

/// Where it keeps a device's id and what it would report, in the user's cache directory.
const KEPT: [&str; 3] = ["Microsoft", "DeveloperTools", ".onnxruntime"];

/// Tells it, in this process and its children. Comes before everything else.
#[expect(unsafe_code, reason = "no thread reads the environment yet")]
pub(crate) fn switch_off() {
    // SAFETY: the environment is changed before any thread is started that reads it.
    unsafe { std::env::set_var(SWITCH, "1") };
}

/// Takes away what it kept about this program, and gives where that was.
pub(crate) fn remove_kept(cache: Option<&Path>) -> Option<PathBuf> {
    let cache = cache?;
    let directory = cache.join(KEPT.iter().collect::<PathBuf>());
    let files: Vec<PathBuf> = std::fs::read_dir(&directory)
        .ok()?
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
        .map(|entry| entry.path())
        .collect();
    // Other programs use it, too; what does not name this one stays.
    if !files.iter().any(|file| names_us(file)) {
        return None;
    }
    for file in files {
        std::fs::remove_file(file).ok()?;
    }
    // Only those that are empty by now go.
    for depth in (1..=KEPT.len()).rev() {
        let directory = cache.join(KEPT[..depth].iter().collect::<PathBuf>());
        if std::fs::remove_dir(directory).is_err() {
            break;
        }
    }
    Some(directory)
}

/// Whether a file has the name of this program as one of its words.
fn names_us(file: &Path) -> bool {
    const NAME: &[u8] = b"vade";
    let bytes = std::fs::read(file).unwrap_or_default();
    let is_word = |at: Option<&u8>| at.is_some_and(u8::is_ascii_alphanumeric);
    bytes.windows(NAME.len()).enumerate().any(|(at, window)| {
        window == NAME
            && !is_word(at.checked_sub(1).and_then(|at| bytes.get(at)))
            && !is_word(bytes.get(at + NAME.len()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_about_this_program_is_taken_away_and_nothing_else() {
        let cache = tempfile::tempdir().expect("a temporary directory");
        let kept = cache.path().join("Microsoft/DeveloperTools/.onnxruntime");
        std::fs::create_dir_all(&kept).expect("makes");
        let write = |name: &str, text: &str| std::fs::write(kept.join(name), text).expect("writes");
        write("deviceid", "0123");
        write("onnxruntime.db", "event \u{1}python3\u{2} evade");
        assert_eq!(remove_kept(Some(cache.path())), None);
        assert!(kept.join("deviceid").exists());

        write("onnxruntime.db", "event \u{1}/usr/bin/vade\u{2}");
        std::fs::write(cache.path().join("Microsoft/other"), "x").expect("writes");
        assert_eq!(remove_kept(Some(cache.path())), Some(kept.clone()));
        assert!(!cache.path().join("Microsoft/DeveloperTools").exists());
        assert!(cache.path().join("Microsoft/other").exists());
        assert_eq!(remove_kept(Some(cache.path())), None);
        assert_eq!(remove_kept(None), None);
    }
}
