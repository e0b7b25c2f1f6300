//! Messages that Outlook saves (.msg, .oft): compound files with a stream for each property ([MS-OXMSG]).
//!
//! Owns which properties are text: subject, people, date, body, and attachments, which are read where they are documents.
//! It is written down like `mail`.

use std::io::{Cursor, Read};

use cfb::CompoundFile;
use time::OffsetDateTime;

use super::super::transcript::{Transcript, single_line};
use super::super::{Extracted, Limits, Rejection, html, text};
use super::{Unread, add_notice, embed, read_within};

/// Attachments that are read.
const MAX_ATTACHMENTS: usize = 200;

/// Messages within messages.
const MAX_DEPTH: usize = 8;

/// Names listed in one message.
const MAX_LISTED: usize = 50;

const SUBJECT: u16 = 0x0037;
const SENT: u16 = 0x0039;
const SENDER: u16 = 0x0c1a;
const SENDER_ADDRESS: u16 = 0x0c1f;
const CC: u16 = 0x0e03;
const TO: u16 = 0x0e04;
const RECEIVED: u16 = 0x0e06;
const BODY: u16 = 0x1000;
const PAGE: u16 = 0x1013;
const DISPLAY_NAME: u16 = 0x3001;
const DATA: u16 = 0x3701;
const SHORT_NAME: u16 = 0x3704;
const LONG_NAME: u16 = 0x3707;

/// Seconds from the first day of 1601 to that of 1970.
const TO_1970: i64 = 11_644_473_600;

/// Reads a message.
pub(in super::super) fn extract(bytes: &[u8], limits: &Limits) -> Result<Extracted, Rejection> {
    let not_valid = |why: &dyn std::fmt::Display| {
        Rejection::failed(format!("not a valid Outlook message: {why}"))
    };
    let file = CompoundFile::open(Cursor::new(bytes)).map_err(|error| not_valid(&error))?;
    let mut reader = Reader {
        file,
        size: bytes.len() as u64,
        transcript: Transcript::new(limits),
        limits,
        attachments: 0,
        unread: Unread::default(),
    };
    if !reader.file.exists("/__properties_version1.0") {
        return Err(not_valid(&"it has no properties"));
    }
    let subject = reader.text("", SUBJECT).unwrap_or_default();
    reader.transcript.heading(1, &subject);
    reader.message("", 1, 0);
    let mut document = reader.transcript.finish("outlook", None, limits)?;
    document.title = Some(subject).filter(|subject| !subject.is_empty());
    let unread = reader.unread.list();
    add_notice(
        &mut document,
        unread.map(|list| format!("not read in full: {list}")),
    );
    Ok(document)
}

struct Reader<'a> {
    file: CompoundFile<Cursor<&'a [u8]>>,
    /// No stream is larger than its file, whatever it says.
    size: u64,
    transcript: Transcript,
    limits: &'a Limits,
    /// How many were read so far.
    attachments: usize,
    unread: Unread,
}

impl Reader<'_> {
    /// Writes the message in this storage, which so many messages are around, below a heading of `level`.
    fn message(&mut self, storage: &str, level: u8, depth: usize) {
        let sender = self.text(storage, SENDER);
        let address = self.text(storage, SENDER_ADDRESS);
        let address = address.filter(|address| address.contains('@'));
        let sender = match (sender, address) {
            (Some(name), Some(address)) if name != address => Some(format!("{name} <{address}>")),
            (name, address) => name.or(address),
        };
        for (label, people) in [
            ("From", sender),
            ("To", self.text(storage, TO)),
            ("Cc", self.text(storage, CC)),
        ] {
            if let Some(people) = people {
                self.transcript.line(&format!("{label}: {people}"));
            }
        }
        if let Some(date) = self.date(storage, depth) {
            self.transcript.line(&format!("Date: {date}"));
        }
        self.body(storage, level);
        let attachments = self.attachments_of(storage);
        let names: Vec<&str> = attachments.iter().map(|(_, name)| name.as_str()).collect();
        if !names.is_empty() {
            let listed = &names[..names.len().min(MAX_LISTED)];
            let listed = format!("Attachments: {}", listed.join(", "));
            self.transcript.paragraph(&listed);
        }
        for (storage, name) in attachments {
            self.attachment(&storage, &name, level.saturating_add(1), depth + 1);
        }
    }

    fn body(&mut self, storage: &str, level: u8) {
        let plain = self.whole_text(storage, BODY).unwrap_or_default();
        if !plain.trim().is_empty() {
            return self
                .transcript
                .paragraph(plain.replace("\r\n", "\n").trim());
        }
        let page = self.stream(&property(storage, PAGE, "0102"));
        let page = page.or_else(|| Some(self.whole_text(storage, PAGE)?.into_bytes()));
        if let Some(Ok(page)) = page.map(|page| html::extract(&page, self.limits)) {
            embed(&mut self.transcript, &page, level);
        }
    }

    /// The storages of attachments and their names.
    fn attachments_of(&mut self, storage: &str) -> Vec<(String, String)> {
        let path = if storage.is_empty() { "/" } else { storage };
        let Ok(entries) = self.file.read_storage(path) else {
            return Vec::new();
        };
        let names = entries.map(|entry| entry.name().to_owned());
        let attached = names.filter(|name| name.starts_with("__attach_version1.0_"));
        let attached: Vec<String> = attached.map(|name| format!("{storage}/{name}")).collect();
        let named = attached.into_iter().filter_map(|attached| {
            let mut names = [LONG_NAME, SHORT_NAME, DISPLAY_NAME].into_iter();
            let name = names.find_map(|name| self.text(&attached, name));
            let message = property(&attached, DATA, "000D");
            let name = name.or_else(|| self.text(&message, SUBJECT))?;
            Some((attached, name))
        });
        named.collect()
    }

    /// Writes what an attachment says below its name.
    fn attachment(&mut self, storage: &str, name: &str, level: u8, depth: usize) {
        if self.transcript.is_full() {
            return;
        }
        if self.attachments == MAX_ATTACHMENTS || depth > MAX_DEPTH {
            return self.unread.add(name, "too many attachments");
        }
        self.attachments += 1;
        let message = property(storage, DATA, "000D");
        if self.file.is_storage(&message) {
            self.transcript.heading(level, name);
            return self.message(&message, level, depth);
        }
        let Some(data) = self.stream(&property(storage, DATA, "0102")) else {
            return;
        };
        let (transcript, unread) = (&mut self.transcript, &mut self.unread);
        read_within(transcript, unread, (name, &data), level, self.limits);
    }

    /// `2024-03-05 14:30 UTC`
    fn date(&mut self, storage: &str, depth: usize) -> Option<String> {
        let properties = self.stream(&format!("{storage}/__properties_version1.0"))?;
        // Messages within others say less before their properties.
        let before = if depth == 0 { 32 } else { 24 };
        let entries = properties.get(before..)?;
        let found = |wanted: u16| {
            let mut entries = entries.chunks_exact(16);
            let entry = entries.find(|entry| entry[2..4] == wanted.to_le_bytes())?;
            let ticks: [u8; 8] = entry[8..].try_into().ok()?;
            i64::try_from(u64::from_le_bytes(ticks)).ok()
        };
        let ticks = found(SENT).or_else(|| found(RECEIVED))?;
        let date = OffsetDateTime::from_unix_timestamp(ticks / 10_000_000 - TO_1970).ok()?;
        let (day, clock) = (date.date(), date.time());
        let (hour, minute) = (clock.hour(), clock.minute());
        Some(format!("{day} {hour:02}:{minute:02} UTC"))
    }

    /// A text on one line; `None` where it is empty.
    fn text(&mut self, storage: &str, id: u16) -> Option<String> {
        let text = single_line(&self.whole_text(storage, id)?);
        (!text.is_empty()).then_some(text)
    }

    fn whole_text(&mut self, storage: &str, id: u16) -> Option<String> {
        let text = if let Some(wide) = self.stream(&property(storage, id, "001F")) {
            let units = wide.chunks_exact(2);
            let units: Vec<u16> = units.map(|u| u16::from_le_bytes([u[0], u[1]])).collect();
            String::from_utf16_lossy(&units)
        } else {
            let narrow = self.stream(&property(storage, id, "001E"))?;
            text::decode(&narrow)?.text.into_owned()
        };
        Some(text.replace('\0', ""))
    }

    fn stream(&mut self, path: &str) -> Option<Vec<u8>> {
        if !self.file.is_stream(path) {
            return None;
        }
        let stream = self.file.open_stream(path).ok()?;
        let mut content = Vec::new();
        let read = stream.take(self.size).read_to_end(&mut content);
        read.ok().map(|_| content)
    }
}

/// The path of a property's stream or storage.
fn property(storage: &str, id: u16, kind: &str) -> String {
    format!("{storage}/__substg1.0_{id:04X}{kind}")
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use expect_test::expect;

    use super::super::tests::{limits, read};
    use super::*;

    fn wide(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    fn message() -> Vec<u8> {
        let mut file = CompoundFile::create(Cursor::new(Vec::new())).expect("in memory");
        let mut add = |path: &str, content: &[u8]| {
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            if !folder.is_empty() {
                file.create_storage_all(folder).expect("in memory");
            }
            let mut stream = file.create_stream(path).expect("in memory");
            stream.write_all(content).expect("in memory");
        };
        // 2024-03-05 14:30 UTC.
        let ticks = (1_709_649_000_i64 + TO_1970) * 10_000_000;
        let sent = [&[0x40, 0, 0x39, 0, 6, 0, 0, 0][..], &ticks.to_le_bytes()].concat();
        add("/__properties_version1.0", &[&[0; 32][..], &sent].concat());
        add(&property("", SUBJECT, "001F"), &wide("Boiler"));
        add(&property("", SENDER, "001E"), b"Ana L\xf3pez");
        add(
            &property("", SENDER_ADDRESS, "001F"),
            &wide("ana@example.org"),
        );
        add(&property("", TO, "001F"), &wide("Ben; Cleo"));
        add(
            &property("", BODY, "001F"),
            &wide("It is cold.\r\nPlease come."),
        );
        let note = "/__attach_version1.0_#00000000";
        add(&property(note, LONG_NAME, "001F"), &wide("note.txt"));
        add(&property(note, DATA, "0102"), b"The serial is G77-0091.");
        let inner = property("/__attach_version1.0_#00000001", DATA, "000D");
        add(
            &format!("{inner}/__properties_version1.0"),
            &[&[0; 24][..], &sent].concat(),
        );
        add(&property(&inner, SUBJECT, "001F"), &wide("Keys"));
        add(
            &property(&inner, PAGE, "0102"),
            b"<p>Under the <b>pot</b>.</p>",
        );
        file.flush().expect("in memory");
        file.into_inner().into_inner()
    }

    #[test]
    fn a_message_is_read_with_what_is_attached() {
        let document = read(extract, message());
        expect![[r#"
            Boiler
            From: Ana López <ana@example.org>
            To: Ben; Cleo
            Date: 2024-03-05 14:30 UTC

            It is cold.
            Please come.

            Attachments: note.txt, Keys

            note.txt

            The serial is G77-0091.

            Keys
            Date: 2024-03-05 14:30 UTC

            Under the pot."#]]
        .assert_eq(&document.text);
        assert_eq!(document.title.as_deref(), Some("Boiler"));
    }

    #[test]
    fn no_damage_crashes_the_reader() {
        let whole = message();
        for at in (0..whole.len()).step_by(37) {
            let mut spoilt = whole.clone();
            spoilt[at] ^= 0xff;
            let _ = extract(&spoilt, &limits());
            let _ = extract(&whole[..at], &limits());
        }
        assert!(matches!(
            extract(b"none", &limits()),
            Err(Rejection::Failed(_))
        ));
    }
}
