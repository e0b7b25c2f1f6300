//! Files that programs leave beside the real ones: backups, locks, copies, halves of downloads.
//!
//! Owns how such files are called, and what is said of them. It looks at paths only: what is in these files is
//! mostly an older state of a document that is indexed anyway, and would answer in its place. Called by `sniff`, and
//! by what walks folders, which has a row for each of them even where hidden names are left out.

use std::path::Path;

/// What the file at `path` is, where it is no document of its own.
pub(super) fn reason(path: &Path) -> Option<&'static str> {
    let name = path.file_name().unwrap_or_default();
    let name = name.to_string_lossy().to_lowercase();
    by_name(&name).or_else(|| by_folder(path))
}

/// Whether a path with a hidden name has a row, as every file has that is not hidden: what programs leave beside
/// documents, and where Syncthing keeps older versions of them.
pub(crate) fn is_leftover(path: &Path, is_folder: bool) -> bool {
    let name = path.file_name().unwrap_or_default();
    if is_folder {
        return name == ".stversions";
    }
    by_name(&name.to_string_lossy().to_lowercase()).is_some()
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
    if name.contains(".sync-conflict-") || is_conflicted_copy(name) || has_conflict_day(name) {
        return Some(
            "a copy kept where two devices changed the file at once: only the file itself is indexed",
        );
    }
    if begins(".") && extension == "icloud" {
        return Some("it is in iCloud and not on this device: download it");
    }
    if is_of_a_merge(name, extension) {
        return Some("what a merge left over");
    }
    if matches!(
        name,
        ".ds_store" | "thumbs.db" | "ehthumbs.db" | "desktop.ini" | "icon\r"
    ) {
        return Some("what the system keeps about a folder");
    }
    match extension {
        "swp" | "swo" | "swn" | "swx" | "kate-swp" | "crswap" => Some("editor swap file"),
        "gdoc" | "gsheet" | "gslides" | "gdraw" => {
            Some("it only says where a document is on the web: export it as .docx or PDF")
        }
        "asd" | "wbk" => Some("editor backup"),
        "crdownload" | "download" | "opdownload" | "part" | "partial" | "!ut" | "aria2" => {
            Some("unfinished download")
        }
        "bak" | "temp" | "tmp" | "~tmp" => Some("temporary file"),
        _ if name.ends_with('~') => Some("editor backup"),
        _ if begins(".goutputstream-") || begins(".fuse_hidden") || begins(".nfs0") => {
            Some("temporary file")
        }
        // How macOS names a file until it takes the place of another.
        _ if extension.starts_with("sb-") && extension.len() > 8 => Some("temporary file"),
        _ if is_numbered_temporary(name) => Some("temporary file"),
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
        if above == Some("logseq") && matches!(folder, Some("bak" | ".recycle" | "version-files")) {
            return Some("an older version that Logseq keeps");
        }
        if folder.is_some_and(is_trash) {
            return Some("what was thrown away");
        }
        above = folder;
    }
    None
}

/// Where systems keep what was thrown away.
fn is_trash(folder: &str) -> bool {
    let folder = folder.to_lowercase();
    let names = [
        "$recycle.bin",
        "#recycle",
        "@recycle",
        ".trash",
        ".trashes",
        "recycler",
    ];
    names.contains(&folder.as_str()) || folder.starts_with(".trash-")
}

/// `budget (Ana's conflicted copy 2026-01-02).md`, as Dropbox, Nextcloud and their like name them in many languages.
fn is_conflicted_copy(name: &str) -> bool {
    let any = |text: &str, words: &[&str]| words.iter().any(|word| text.contains(word));
    let inside = name.rsplit_once(['(', '[']).map(|(_, inside)| inside);
    let inside = inside.and_then(|inside| inside.rsplit_once([')', ']']));
    inside.is_some_and(|(inside, _)| {
        let conflict = ["conflict", "conflit", "konflikt", "clash", "конфликт"];
        let copy = [
            "copy",
            "copia",
            "cópia",
            "copie",
            "kopie",
            "kopia",
            "case",
            "копия",
        ];
        (any(inside, &conflict) && any(inside, &copy))
            || inside == "conflicted"
            || inside.starts_with("sfconflict")
    })
}

/// `budget_conflict-20260102-120000.md`
fn has_conflict_day(name: &str) -> bool {
    let mut after = ["_conflict-", "-conflict-"].into_iter();
    after.any(|mark| {
        let day = name.rsplit_once(mark).map(|(_, after)| after);
        let day = day.and_then(|after| after.get(..8));
        day.is_some_and(|day| day.bytes().all(|b| b.is_ascii_digit()))
    })
}

/// `plan.md.orig`, `plan_BACKUP_1234.md`: the two sides of a merge, and what did not fit.
fn is_of_a_merge(name: &str, extension: &str) -> bool {
    let mut sides = ["backup", "base", "local", "remote"].into_iter();
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    matches!(extension, "orig" | "rej")
        || sides.any(|side| {
            ['_', '.'].into_iter().any(|mark| {
                let after = name.rsplit_once(&format!("{mark}{side}{mark}"));
                let number = after.map(|(_, after)| after.split('.').next().unwrap_or_default());
                number.is_some_and(is_number)
            })
        })
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
            "note (copia en conflicto de Ana 2026-01-02).md",
            "note (Case Conflict).md",
            "note [conflicted].md",
            "note_conflict-20260102-101112.md",
            ".note.md.icloud",
            "note.md.orig",
            "note_REMOTE_8123.md",
            "note.md.sb-8f2c11aa-Xk2",
            "note.md.crswap",
            "note.gdoc",
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
            note (copia en conflicto de Ana 2026-01-02).md: a copy kept where two devices changed the file at once: only the file itself is indexed
            note (Case Conflict).md: a copy kept where two devices changed the file at once: only the file itself is indexed
            note [conflicted].md: a copy kept where two devices changed the file at once: only the file itself is indexed
            note_conflict-20260102-101112.md: a copy kept where two devices changed the file at once: only the file itself is indexed
            .note.md.icloud: it is in iCloud and not on this device: download it
            note.md.orig: what a merge left over
            note_REMOTE_8123.md: what a merge left over
            note.md.sb-8f2c11aa-Xk2: temporary file
            note.md.crswap: editor swap file
            note.gdoc: it only says where a document is on the web: export it as .docx or PDF
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
        assert_eq!(
            told("/home/a/$RECYCLE.BIN/note.md"),
            Some("what was thrown away")
        );
        assert_eq!(told("/home/a/bak/logseq/note.md"), None);
        assert_eq!(told("/home/a/logseq/pages/note.md"), None);
    }

    #[test]
    fn hidden_leftovers_have_rows() {
        let has_row = |path: &str, is_folder| is_leftover(Path::new(path), is_folder);
        assert!(has_row("/a/.note.md.swp", false) && has_row("/a/.note.md.icloud", false));
        assert!(has_row("/a/.stversions", true) && !has_row("/a/.git", true));
        assert!(!has_row("/a/.profile", false) && !has_row("/a/.#b", true));
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
            "peace talks (conflict of 1948).md",
            "the-conflict-in-brief.md",
            "local_plan_2.md",
            "a_base_b.md",
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
