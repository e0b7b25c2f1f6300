//! Paths as text: what the ledger, the vector store and JSON hold of a path, and the path that such a text names.
//!
//! A path is bytes. Where they are UTF-8 they are their own text; every other byte becomes a character of its own at
//! the end of Unicode's last private plane, and so do the bytes of such characters themselves. So no two paths
//! share a text, and every text names one path, which can be opened.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

/// A byte that is no UTF-8 becomes this plus its value.
const FIRST: u32 = 0x10_FF00;

/// The first byte, in UTF-8, of every character of that plane.
const PLANE: u8 = 0xF4;

/// The text of a path: another for every path.
#[must_use]
pub fn path_text(path: &Path) -> Cow<'_, str> {
    match path.to_str() {
        Some(text) if !text.as_bytes().contains(&PLANE) => Cow::Borrowed(text),
        _ => Cow::Owned(escaped(path.as_os_str().as_encoded_bytes())),
    }
}

/// The path of a text: what `path_text` was made of.
#[must_use]
pub fn path_named(text: &str) -> PathBuf {
    if text.as_bytes().contains(&PLANE) {
        unescaped(text)
    } else {
        PathBuf::from(text)
    }
}

/// How a path stands in JSON.
pub mod as_text {
    use std::path::{Path, PathBuf};

    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes its text.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::path_text(path))
    }

    /// Reads its text.
    ///
    /// # Errors
    /// Those of the deserializer.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
        Ok(super::path_named(&String::deserialize(deserializer)?))
    }
}

fn escaped(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() + 8);
    let escape = |text: &mut String, bytes: &[u8]| {
        text.extend(bytes.iter().map(|byte| escape_of(*byte)));
    };
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if byte_of(character).is_some() {
                escape(&mut text, character.encode_utf8(&mut [0; 4]).as_bytes());
            } else {
                text.push(character);
            }
        }
        escape(&mut text, chunk.invalid());
    }
    text
}

/// The character that stands for a byte.
fn escape_of(byte: u8) -> char {
    char::from_u32(FIRST + u32::from(byte)).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// The byte that a character stands for. All such bytes are beyond ASCII.
fn byte_of(character: char) -> Option<u8> {
    let byte = u32::from(character).checked_sub(FIRST)?;
    u8::try_from(byte).ok().filter(|byte| !byte.is_ascii())
}

#[cfg(unix)]
fn unescaped(text: &str) -> PathBuf {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    let mut bytes = Vec::with_capacity(text.len());
    for character in text.chars() {
        match byte_of(character) {
            Some(byte) => bytes.push(byte),
            None => bytes.extend(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    PathBuf::from(OsString::from_vec(bytes))
}

#[cfg(not(unix))]
fn unescaped(text: &str) -> PathBuf {
    PathBuf::from(text)
}

#[cfg(all(test, unix))]
mod tests {
    use std::collections::HashSet;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn every_path_has_a_text_of_its_own_that_names_it() {
        let names: [&[u8]; 11] = [
            b"/n/plain.md",
            "/n/\u{e9}\u{1f600}\u{fffd}.md".as_bytes(),
            b"/n/bad\xff.md",
            b"/n/bad\xfe.md",
            b"/n/bad\xff\xfe.md",
            b"/n/bad.md",
            "/n/bad\u{fffd}.md".as_bytes(),
            // Characters that stand for bytes, in a name.
            "/n/bad\u{10ffff}.md".as_bytes(),
            "/n/bad\u{10ff80}\u{10ff7f}.md".as_bytes(),
            // The beginning of a character.
            b"/n/\xf4\x8f\xbf",
            b"/n/\xe2\x82/x",
        ];
        let mut texts = HashSet::new();
        for name in names {
            let path = Path::new(OsStr::from_bytes(name));
            let text = path_text(path).into_owned();
            assert_eq!(path_named(&text), path, "{text:?}");
            assert!(texts.insert(text.clone()), "{text:?} is another's");
            // What lies in a folder begins with its text.
            let inside = path_text(&path.join("a.md")).into_owned();
            assert_eq!(inside, format!("{text}/a.md"));
        }
        assert_eq!(path_text(Path::new("/n/plain.md")), "/n/plain.md");
    }
}
