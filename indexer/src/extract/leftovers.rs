//! Files that programs leave beside the real ones: backups, locks, copies, halves of downloads.
//!
//! Owns how such files are called, and what is said of them. It looks at paths only: what is in these files is
//! mostly an older state of a document that is indexed anyway, and would answer in its place. Called by `sniff`.

use std::path::Path;

/// What the file at `path` is, where it is no document of its own.
pub(super) fn reason(path: &Path) -> Option<&'static str> {
    let name = path.file_name().unwrap_or_default();
    let name = name.to_string_lossy().to_lowercase();
    by_name(&name).or_else(|| by_folder(path))
}

fn by_name(name: &str) -> Option<&'static str> {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let begins = |start: &str| name.starts_with(start);
    if begins("~$") || begins(".~lock.") || begins(".#") {
        return Some("lock file of an open document");
    }
    if begins("~syncthing~") || begins(".syncthing.") {
        return Some("half a file that Syncthing is fetching");
    }
    if begins("#") && name.ends_with('#') && name.len() > 2 {
        return Some("unsaved changes that Emacs keeps");
    }
    if begins("._") {
        return Some("what macOS keeps beside a file");
    }
    if name.contains(".sync-conflict-") || is_conflicted_copy(name) {
        return Some(
            "a copy kept where two devices changed the file at once: only the file itself is indexed",
        );
    }
    if matches!(
        name,
        ".ds_store" | "thumbs.db" | "ehthumbs.db" | "desktop.ini"
    ) {
        return Some("what the system keeps about a folder");
    }
    match extension {
        "swp" | "swo" | "swn" | "swx" | "kate-swp" => Some("editor swap file"),
        "crdownload" | "download" | "opdownload" | "part" | "partial" | "!ut" | "aria2" => {
            Some("unfinished download")
        }
        "bak" | "temp" | "tmp" => Some("temporary file"),
        _ if name.ends_with('~') => Some("editor backup"),
        _ if begins(".goutputstream-") || is_numbered_temporary(name) => Some("temporary file"),
        _ => None,
    }
}

/// Older states that a program keeps in a folder of their own.
fn by_folder(path: &Path) -> Option<&'static str> {
    let folders = path.parent()?.iter().map(|folder| folder.to_str());
    let mut above = None;
    for folder in folders {
        if folder == Some(".stversions") {
            return Some("an older version that Syncthing keeps");
        }
        if above == Some("logseq") && matches!(folder, Some("bak" | ".recycle")) {
            return Some("an older version that Logseq keeps");
        }
        above = folder;
    }
    None
}

/// `budget (Ana's conflicted copy 2026-01-02).md`, as Dropbox, Nextcloud and their like name them.
fn is_conflicted_copy(name: &str) -> bool {
    let inside = name.rsplit_once('(').map(|(_, inside)| inside);
    inside.is_some_and(|inside| inside.contains("conflicted copy") && inside.contains(')'))
}

/// `plan.md.tmp.8812`, before it is renamed to what it replaces.
fn is_numbered_temporary(name: &str) -> bool {
    let number = name.rsplit_once(".tmp.").map(|(_, number)| number);
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn leftovers_are_told_by_their_names() {
        let names = [
            "#note.md#",
            ".#note.md",
            "note.md~",
            "~syncthing~note.md.tmp",
            ".syncthing.note.md.tmp",
            "note.sync-conflict-20260102-101112-AB3CD4E.md",
            "note (Ana's conflicted copy 2026-01-02).md",
            "note (conflicted copy 2026-01-02 101112).md",
            "~$report.docx",
            ".~lock.report.odt#",
            "~WRL0003.tmp",
            ".note.md.swp",
            "film.mkv.part",
            "paper.pdf.crdownload",
            "plan.md.tmp.8812",
            ".goutputstream-X1",
            "._budget.md",
            "Thumbs.db",
        ];
        let told =
            names.map(|name| format!("{name}: {}\n", reason(Path::new(name)).unwrap_or("?")));
        expect![[r#"
            #note.md#: unsaved changes that Emacs keeps
            .#note.md: lock file of an open document
            note.md~: editor backup
            ~syncthing~note.md.tmp: half a file that Syncthing is fetching
            .syncthing.note.md.tmp: half a file that Syncthing is fetching
            note.sync-conflict-20260102-101112-AB3CD4E.md: a copy kept where two devices changed the file at once: only the file itself is indexed
            note (Ana's conflicted copy 2026-01-02).md: a copy kept where two devices changed the file at once: only the file itself is indexed
            note (conflicted copy 2026-01-02 101112).md: a copy kept where two devices changed the file at once: only the file itself is indexed
            ~$report.docx: lock file of an open document
            .~lock.report.odt#: lock file of an open document
            ~WRL0003.tmp: temporary file
            .note.md.swp: editor swap file
            film.mkv.part: unfinished download
            paper.pdf.crdownload: unfinished download
            plan.md.tmp.8812: temporary file
            .goutputstream-X1: temporary file
            ._budget.md: what macOS keeps beside a file
            Thumbs.db: what the system keeps about a folder
        "#]]
        .assert_eq(&told.concat());
    }

    #[test]
    fn older_versions_are_told_by_their_folders() {
        let told = |path: &str| reason(Path::new(path));
        let syncthing = Some("an older version that Syncthing keeps");
        assert_eq!(told("/home/a/.stversions/b/note~20260102.md"), syncthing);
        let logseq = Some("an older version that Logseq keeps");
        assert_eq!(told("/home/a/logseq/bak/pages/note/1.md"), logseq);
        assert_eq!(told("/home/a/bak/logseq/note.md"), None);
        assert_eq!(told("/home/a/logseq/pages/note.md"), None);
    }

    #[test]
    fn documents_are_none_of_them() {
        for name in [
            "note.md",
            "#1 of the list.md",
            "#",
            "a#b#",
            "note~1.md",
            "conflicted copy.md",
            "c.tmp.md",
            "sync-conflict.md",
            "notes.tmp.2a",
            "2026.1",
            ".hidden.md",
        ] {
            assert_eq!(reason(Path::new(name)), None, "{name}");
        }
    }
}
