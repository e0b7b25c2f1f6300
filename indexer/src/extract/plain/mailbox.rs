//! The bytes of each message in a file, as a mail parser wants them.
//!
//! Owns where messages begin and end in a mailbox, and what programs change when they store them.
//! Called by the mail reader.

use std::borrow::Cow;

use super::super::text;

/// The message in a file of Apple Mail, which begins with its length and ends with properties.
pub(super) fn counted(bytes: &[u8]) -> Option<&[u8]> {
    let (line, rest) = bytes.split_at_checked(line_length(bytes))?;
    let length: usize = std::str::from_utf8(line).ok()?.trim().parse().ok()?;
    rest.get(..length)
}

/// The messages of a mailbox; none where it is not one. A message begins at a line `From `, below a
/// blank line and above a header: not every program marks such lines within messages.
pub(super) fn messages(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut at = if bytes.starts_with(b"From ") {
        0
    } else {
        bytes.len()
    };
    std::iter::from_fn(move || {
        let start = at + line_length(bytes.get(at..)?);
        if start >= bytes.len() {
            return None;
        }
        let mut end = start;
        let mut blank = false;
        while let Some(rest) = bytes.get(end..).filter(|rest| !rest.is_empty()) {
            let length = line_length(rest);
            if blank && rest.starts_with(b"From ") && is_header(&rest[length..]) {
                break;
            }
            blank = rest[..length].trim_ascii().is_empty();
            end += length;
        }
        at = end;
        bytes.get(start..end)
    })
}

/// The length of the first line with its end.
fn line_length(bytes: &[u8]) -> usize {
    let end = bytes.iter().position(|byte| *byte == b'\n');
    end.map_or(bytes.len(), |end| end + 1)
}

fn is_header(line: &[u8]) -> bool {
    let name = line
        .iter()
        .position(|byte| !byte.is_ascii_alphanumeric() && *byte != b'-');
    line.starts_with(b">From ") || name.is_some_and(|end| end > 0 && line.get(end) == Some(&b':'))
}

/// A mailbox marks lines that begin with `From ` by `>`.
pub(super) fn unescape(message: &[u8]) -> Cow<'_, [u8]> {
    if !message
        .windows(7)
        .any(|window| window == b"\n>From " || window == b"\n>>From")
    {
        return Cow::Borrowed(message);
    }
    let mut plain = Vec::with_capacity(message.len());
    for line in message.split_inclusive(|byte| *byte == b'\n') {
        let marks = line.iter().take_while(|byte| **byte == b'>').count();
        let marked = marks > 0 && line[marks..].starts_with(b"From ");
        plain.extend_from_slice(&line[usize::from(marked)..]);
    }
    Cow::Owned(plain)
}

/// A message whose headers are UTF-8: some programs wrote names as they were, in any encoding.
pub(super) fn with_readable_headers(message: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    let ends = [&b"\n\n"[..], b"\n\r\n"].map(|end| {
        let position = message.windows(end.len()).position(|window| window == end);
        position.unwrap_or(message.len())
    });
    let (headers, body) = message.split_at(ends[0].min(ends[1]));
    if std::str::from_utf8(headers).is_ok() {
        return message;
    }
    match text::decode(headers) {
        Some(decoded) => Cow::Owned([decoded.text.as_bytes(), body].concat()),
        None => message,
    }
}
