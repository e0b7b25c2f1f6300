//! The lines that vCard and iCalendar files are made of (RFC 6350, RFC 5545): `NAME;PARAMETER=x:value`.
//!
//! Owns how lines are joined, taken apart and decoded, old files with their quoted-printable values included. It
//! knows no property; `contacts` and `calendar` call it.

use std::borrow::Cow;

use encoding_rs::Encoding;

use super::super::text;

/// Parameters of a line beyond this are left out, and parts of a value.
const MOST_PARAMETERS: usize = 50;
const MOST_PARTS: usize = 200;

/// One line with its value as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Property {
    /// In capitals, without what it is grouped by.
    pub name: String,
    /// What is before the dot in `item1.TEL`, or nothing.
    pub group: String,
    parameters: Vec<(String, String)>,
    value: String,
}

impl Property {
    /// What kinds of thing it says that it is, in the order they are written and in lower case.
    pub(super) fn types(&self) -> impl Iterator<Item = String> {
        let types = self.parameters.iter().filter(|(name, _)| name == "TYPE");
        types.flat_map(|(_, value)| value.split(',').map(|value| value.trim().to_lowercase()))
    }

    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The value as it is written.
    pub(super) fn raw(&self) -> &str {
        self.value.trim()
    }

    /// The value as text.
    pub(super) fn text(&self) -> String {
        unescape(&self.value).trim().to_owned()
    }

    /// The parts of the value between these marks, each as text.
    pub(super) fn parts(&self, mark: char) -> Vec<String> {
        let mut parts = vec![String::new()];
        let mut escaped = false;
        for character in self.value.chars() {
            if character == mark && !escaped {
                if parts.len() == MOST_PARTS {
                    break;
                }
                parts.push(String::new());
                continue;
            }
            escaped = character == '\\' && !escaped;
            if let Some(part) = parts.last_mut() {
                part.push(character);
            }
        }
        let parts = parts.iter().map(|part| unescape(part).trim().to_owned());
        parts.collect()
    }
}

/// A file's text with its lines joined; `None` where it is no text.
pub(super) fn joined(bytes: &[u8]) -> Option<String> {
    Some(text::decode(&join(bytes))?.text.into_owned())
}

/// The lines of a joined text, one at a time, since a file may have any number.
pub(super) fn properties(text: &str) -> impl Iterator<Item = Property> {
    let mut lines = text.lines();
    std::iter::from_fn(move || {
        let mut property = lines.find_map(property)?;
        if is_quoted_printable(&property) {
            // A line that ends so goes on in the next one.
            while property.value.ends_with('=') {
                property.value.pop();
                let Some(next) = lines.next().filter(|next| !next.is_empty()) else {
                    break;
                };
                property.value.push_str(next);
            }
            property.value = printed(&property);
        }
        Some(property)
    })
}

/// Lines that begin with white space go on from the line above, whatever character was cut there.
fn join(bytes: &[u8]) -> Cow<'_, [u8]> {
    // In UTF-16 a line end is two bytes, and such files are not folded.
    if bytes.contains(&0) {
        return Cow::Borrowed(bytes);
    }
    let mut joined = Vec::with_capacity(bytes.len());
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        match line.split_first() {
            Some((b' ' | b'\t', rest)) if !joined.is_empty() => {
                while joined
                    .pop_if(|byte| matches!(byte, b'\r' | b'\n'))
                    .is_some()
                {}
                joined.extend_from_slice(rest);
            }
            _ => joined.extend_from_slice(line),
        }
    }
    Cow::Owned(joined)
}

fn property(line: &str) -> Option<Property> {
    let mut quoted = false;
    let colon = line.find(|c| {
        quoted ^= c == '"';
        c == ':' && !quoted
    })?;
    let (head, value) = (&line[..colon], &line[colon + 1..]);
    let mut quoted = false;
    let mut parts = head.split(|c| {
        quoted ^= c == '"';
        c == ';' && !quoted
    });
    let name = parts.next()?.trim();
    let (group, name) = name.rsplit_once('.').unwrap_or(("", name));
    let parameters = parts.take(MOST_PARAMETERS).map(|part| {
        // Old files leave the names of types out.
        let (name, value) = part.split_once('=').unwrap_or(("TYPE", part));
        let value = value.replace('"', "");
        (name.trim().to_uppercase(), value.trim().to_owned())
    });
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    is_name(name).then(|| Property {
        name: name.to_uppercase(),
        group: group.to_owned(),
        parameters: parameters.collect(),
        value: value.to_owned(),
    })
}

fn is_quoted_printable(property: &Property) -> bool {
    let encoding = property.parameter("ENCODING").unwrap_or_default();
    encoding.eq_ignore_ascii_case("quoted-printable")
        || property.types().any(|kind| kind == "quoted-printable")
}

/// A quoted-printable value as text.
fn printed(property: &Property) -> String {
    let mut bytes = Vec::with_capacity(property.value.len());
    let mut rest = property.value.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = after.get(..2).filter(|_| *first == b'=');
        let code = code.and_then(|code| std::str::from_utf8(code).ok());
        let decoded = code.and_then(|code| u8::from_str_radix(code, 16).ok());
        bytes.push(decoded.unwrap_or(*first));
        rest = if decoded.is_some() {
            &after[2..]
        } else {
            after
        };
    }
    let label = property.parameter("CHARSET").unwrap_or_default();
    let known = Encoding::for_label(label.as_bytes());
    let decoded = match known {
        Some(encoding) => text::decode_as(encoding, &bytes),
        None => text::decode(&bytes),
    };
    decoded.map_or_else(
        || String::from_utf8_lossy(&bytes).into_owned(),
        |decoded| decoded.text.into_owned(),
    )
}

fn unescape(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        match (character, character == '\\') {
            (_, true) => match characters.next() {
                Some('n' | 'N') => text.push('\n'),
                Some(other) => text.push(other),
                None => {}
            },
            ('\r', _) => {}
            (other, _) => text.push(other),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Vec<Property> {
        properties(&joined(bytes).expect("text")).collect()
    }

    #[test]
    fn lines_are_joined_wherever_they_were_cut() {
        let found = read("NOTE:caf\u{e9}".as_bytes());
        assert_eq!(found[0].text(), "café");
        let cut = read(b"NOTE:caf\xc3\r\n \xa9 by the\r\n\t  pier\r\nTEL:1");
        assert_eq!(cut[0].text(), "café by the  pier");
        assert_eq!(cut[1].text(), "1");
    }

    #[test]
    fn lines_are_taken_apart_outside_of_quotes() {
        let line = "item1.Tel;TYPE=\"work,voice\";X=\"a:b;c\";PREF:x\\,y\\;z;\\n\\\\n";
        let found = &read(line.as_bytes())[0];
        assert_eq!((&*found.group, &*found.name), ("item1", "TEL"));
        assert_eq!(found.types().collect::<Vec<_>>(), ["work", "voice", "pref"]);
        assert_eq!(found.parameter("X"), Some("a:b;c"));
        assert_eq!(found.text(), "x,y;z;\n\\n");
        assert_eq!(found.parts(';'), ["x,y;z", "\n\\n".trim()]);
    }

    #[test]
    fn old_values_are_decoded() {
        let old =
            b"N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:Nov=C3=A1k;Ad=\r\na\nFN;QUOTED-PRINTABLE;\
                    CHARSET=ISO-8859-1:Ren=E9\nTEL:7";
        let found = read(old);
        assert_eq!(found[0].parts(';'), ["Novák", "Ada"]);
        assert_eq!(found[1].text(), "René");
        assert_eq!(found[2].text(), "7");
    }

    #[test]
    fn what_is_no_property_is_passed_over() {
        assert_eq!(read(b"\n:\nno colon\n;x:1\na b:2\n"), []);
        assert!(joined(b"A:\0\x01\x02\xff\xfe").is_none());
        assert_eq!(read(b"A;ENCODING=QUOTED-PRINTABLE:=\n=\n=").len(), 1);
        let many = format!("A{}:{}", ";B=1".repeat(100_000), ";".repeat(100_000));
        assert_eq!(read(many.as_bytes())[0].parts(';').len(), MOST_PARTS);
    }
}
