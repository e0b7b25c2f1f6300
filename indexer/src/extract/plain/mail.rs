//! Mail: single messages (.eml) and mailboxes (.mbox).
//!
//! Owns what of a message is text: subject, people, date, body, and the names of attachments, which are
//! read too where they are documents. Where messages begin is `mailbox`; parsing and decoding them is
//! mail-parser's.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use mail_parser::{Address, Encoding, Message, MessageParser, MessagePart, MimeHeaders, PartType};

use super::super::{
    Extracted, Limits, Rejection, html, html_text, text, transcript::Transcript,
    transcript::single_line,
};
use super::{Unread, add_notice, embed, mailbox, read_within};

/// Limits on a mailbox; the limit on text is mostly met before.
const MAX_MESSAGES: usize = 50_000;
const MAX_ATTACHMENTS: usize = 200;

/// Messages within messages whose attachments are read, one within the other.
const MAX_DEPTH: usize = 8;

/// Names listed in one message.
const MAX_LISTED: usize = 50;

/// Messages within messages are freed one within the other, so their depth is bounded beforehand.
const MAX_NESTED: usize = 500;

/// A plain text so much shorter than the page beside it only says that there is a page.
const SHORTER: usize = 10;

/// Attachments that say nothing: signatures and the like.
const TECHNICAL: &[&str] = &["asc", "p7m", "p7s", "sig"];

/// Reads a message or a mailbox.
pub(in super::super) fn extract(bytes: &[u8], limits: &Limits) -> Result<Extracted, Rejection> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let bytes = mailbox::counted(bytes).unwrap_or(bytes);
    let mut writer = Writer {
        transcript: Transcript::new(limits),
        limits,
        attachments: 0,
        unread: Unread::default(),
        too_many: false,
    };
    let mut sources = mailbox::messages(bytes);
    let title = match (sources.next(), sources.next()) {
        (Some(first), Some(second)) => {
            writer.mailbox([first, second].into_iter().chain(sources));
            None
        }
        (single, _) => {
            let source = single.map_or(Cow::Borrowed(bytes), mailbox::unescape);
            let Some(subject) = writer.single(&mailbox::with_readable_headers(source)) else {
                // Whatever it is, it is not a message.
                let mut document = text::extract(bytes, limits)?;
                document.extractor = Cow::Borrowed("mail");
                return Ok(document);
            };
            Some(subject).filter(|subject| !subject.is_empty())
        }
    };
    let mut document = writer.transcript.finish("mail", None, limits)?;
    // A message without a subject is not called as its attachment, nor a mailbox as its first message.
    document.title = title;
    let unread = writer.unread.list();
    add_notice(
        &mut document,
        unread.map(|list| format!("not read in full: {list}")),
    );
    let too_many = format!("only the first {MAX_MESSAGES} messages were read");
    add_notice(&mut document, writer.too_many.then_some(too_many));
    Ok(document)
}

struct Writer<'a> {
    transcript: Transcript,
    limits: &'a Limits,
    /// How many were read so far.
    attachments: usize,
    unread: Unread,
    /// There were more messages than are read.
    too_many: bool,
}

impl Writer<'_> {
    /// Writes one message and gives its subject, which may be empty; `None` for other text.
    fn single(&mut self, source: &[u8]) -> Option<String> {
        let parser = MessageParser::default();
        let message = self.parse(&parser, source).filter(is_message)?;
        let subject = subject(&message);
        self.transcript.heading(1, &subject);
        self.message(&message, 1, 0);
        Some(subject)
    }

    /// Writes each message below a heading that tells it from the others.
    fn mailbox<'b>(&mut self, sources: impl Iterator<Item = &'b [u8]>) {
        let parser = MessageParser::default();
        for (index, source) in sources.enumerate() {
            self.too_many = index == MAX_MESSAGES;
            if self.too_many || self.transcript.is_full() {
                return;
            }
            let source = mailbox::with_readable_headers(mailbox::unescape(source));
            let message = self.parse(&parser, &source);
            let Some(message) = message.filter(|message| !is_deleted(message)) else {
                continue;
            };
            self.transcript.heading(1, &heading(&message));
            self.message(&message, 1, 0);
        }
    }

    /// Parses a message; of one that is built to nest without end the headers only.
    fn parse<'b>(&mut self, parser: &MessageParser, source: &'b [u8]) -> Option<Message<'b>> {
        let deep = is_nested_too_deeply(source);
        if deep {
            self.unread
                .add("a message", "its parts are nested too deeply");
        }
        // The parser checks its own assumptions, some of which do not hold for broken messages.
        let parse = || {
            if deep {
                parser.parse_headers(source)
            } else {
                parser.parse(source)
            }
        };
        let message = catch_unwind(AssertUnwindSafe(parse)).ok().flatten();
        message.filter(|message| !message.parts.is_empty())
    }

    /// Writes a message's people, date, body and attachments, below a heading of `level`. So many messages are
    /// around it.
    fn message(&mut self, message: &Message<'_>, level: u8, depth: usize) {
        for (label, address) in [
            ("From", message.from()),
            ("To", message.to()),
            ("Cc", message.cc()),
        ] {
            if let Some(address) = address.map(people).filter(|people| !people.is_empty()) {
                self.transcript.line(&format!("{label}: {address}"));
            }
        }
        if let Some(date) = date(message) {
            self.transcript.line(&format!("Date: {date}"));
        }
        self.body(message, level);
        let parts = message
            .attachments
            .iter()
            .filter_map(|id| message.part(*id));
        let parts: Vec<_> = parts
            .filter_map(|part| Some((attached_name(part)?, part)))
            .collect();
        let names: Vec<&str> = parts.iter().map(|(name, _)| name.as_str()).collect();
        if !names.is_empty() {
            let listed = &names[..names.len().min(MAX_LISTED)];
            self.transcript
                .paragraph(&format!("Attachments: {}", listed.join(", ")));
        }
        for (name, part) in parts.iter().filter(|_| depth < MAX_DEPTH) {
            self.attachment(name, part, level + 1, depth + 1);
        }
    }

    fn body(&mut self, message: &Message<'_>, level: u8) {
        let plain: Vec<_> = texts(message, &message.text_body);
        let page: Vec<_> = texts(message, &message.html_body);
        let plain_length: usize = plain.iter().map(Body::trimmed_length).sum();
        if page.iter().any(Body::is_too_deep) {
            self.unread
                .add("a page", "its elements are nested too deeply");
        }
        let page: Vec<Extracted> = page.iter().map(Body::read).collect();
        let page_length: usize = page.iter().map(|body| body.text.len()).sum();
        let bodies = if plain_length == 0 || plain_length < page_length / SHORTER {
            page
        } else {
            plain.iter().map(Body::read).collect()
        };
        for body in &bodies {
            embed(&mut self.transcript, body, level);
        }
    }

    /// Writes what an attachment says below its name.
    fn attachment(&mut self, name: &str, part: &MessagePart<'_>, level: u8, depth: usize) {
        if self.transcript.is_full() {
            return;
        }
        if let PartType::Message(message) = &part.body {
            self.transcript.heading(level, name);
            return self.message(message, level, depth);
        }
        if self.attachments == MAX_ATTACHMENTS {
            return self.unread.add(name, "too many attachments");
        }
        self.attachments += 1;
        let (transcript, unread) = (&mut self.transcript, &mut self.unread);
        read_within(
            transcript,
            unread,
            (name, part.contents()),
            level,
            self.limits,
        );
    }
}

/// Whether it is built to nest without end.
pub(super) fn is_nested_too_deeply(source: &[u8]) -> bool {
    let count = |name: &[u8]| {
        let windows = source.windows(name.len());
        windows
            .filter(|window| window.eq_ignore_ascii_case(name))
            .count()
    };
    let names = [
        &b"message/rfc822"[..],
        b"message/global",
        b"multipart/digest",
    ];
    names.map(count).into_iter().sum::<usize>() > MAX_NESTED
}

/// Whether it has any header that messages have.
fn is_message(message: &Message<'_>) -> bool {
    let names = [
        "Subject",
        "From",
        "Date",
        "To",
        "Message-ID",
        "MIME-Version",
        "Content-Type",
    ];
    names.iter().any(|name| message.header(*name).is_some())
}

/// Thunderbird only marks messages as deleted until the mailbox is compacted.
fn is_deleted(message: &Message<'_>) -> bool {
    let status = message
        .header("X-Mozilla-Status")
        .and_then(|value| value.as_text());
    let status = status.and_then(|status| u16::from_str_radix(status.trim(), 16).ok());
    status.is_some_and(|status| status & 8 != 0)
}

fn subject(message: &Message<'_>) -> String {
    single_line(message.subject().unwrap_or_default())
}

/// `subject (sender, date)`
fn heading(message: &Message<'_>) -> String {
    let sender = message.from().and_then(Address::first);
    let sender = sender.and_then(|sender| sender.name().or(sender.address()));
    let day = date(message).and_then(|date| date.split(' ').next().map(str::to_owned));
    let origin: Vec<String> = sender.map(single_line).into_iter().chain(day).collect();
    let subject = match subject(message) {
        none if none.is_empty() => "no subject".to_owned(),
        subject => subject,
    };
    if origin.is_empty() {
        subject
    } else {
        format!("{subject} ({})", origin.join(", "))
    }
}

/// `2024-03-05 14:30 +01:00`
fn date(message: &Message<'_>) -> Option<String> {
    let date = message.date().filter(|date| date.is_valid())?;
    let sign = if date.tz_before_gmt { '-' } else { '+' };
    Some(format!(
        "{:04}-{:02}-{:02} {:02}:{:02} {sign}{:02}:{:02}",
        date.year, date.month, date.day, date.hour, date.minute, date.tz_hour, date.tz_minute
    ))
}

/// Names with addresses; of a long list the beginning.
fn people(address: &Address<'_>) -> String {
    let mut people = address.iter().filter_map(|person| {
        let address = person.address().filter(|address| !address.is_empty());
        match (person.name(), address) {
            (Some(name), Some(address)) => Some(format!("{} <{address}>", single_line(name))),
            (name, address) => name.or(address).map(single_line),
        }
    });
    let named: Vec<String> = people.by_ref().take(MAX_LISTED).collect();
    match people.count() {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

/// The name an attachment is listed by, if it should be.
fn attached_name(part: &MessagePart<'_>) -> Option<String> {
    let name = match &part.body {
        PartType::Message(message) => match subject(message) {
            none if none.is_empty() => "message".to_owned(),
            subject => subject,
        },
        PartType::Multipart(_) => return None,
        _ => single_line(part.attachment_name()?),
    };
    let extension = name.rsplit('.').next().unwrap_or_default().to_lowercase();
    (!name.is_empty() && !TECHNICAL.contains(&extension.as_str())).then_some(name)
}

/// A part of a message's text.
enum Body<'a> {
    Plain(Cow<'a, str>),
    Page(&'a str),
}

impl Body<'_> {
    fn trimmed_length(&self) -> usize {
        match self {
            Self::Plain(text) => text.trim().len(),
            Self::Page(source) => source.trim().len(),
        }
    }

    /// Whether it is a page that is built to be slow.
    fn is_too_deep(&self) -> bool {
        matches!(self, Self::Page(source) if html::nesting(source.as_bytes()) > html::MAX_NESTING)
    }

    /// The part as a document.
    fn read(&self) -> Extracted {
        let (text, headings) = match self {
            _ if self.is_too_deep() => (String::new(), Vec::new()),
            Self::Plain(text) => (text.replace("\r\n", "\n"), Vec::new()),
            Self::Page(source) => {
                let page = html_text::render(source);
                (page.text, page.headings)
            }
        };
        Extracted {
            body: 0..text.len(),
            text,
            headings,
            ..Extracted::default()
        }
    }
}

fn texts<'a>(message: &'a Message<'_>, ids: &[u32]) -> Vec<Body<'a>> {
    let parts = ids.iter().filter_map(|id| message.part(*id));
    let bodies = parts.filter_map(|part| match &part.body {
        PartType::Text(text) => Some(Body::Plain(repaired(message, part, text))),
        PartType::Html(source) => Some(Body::Page(source)),
        _ => None,
    });
    bodies.collect()
}

/// Text whose encoding the message does not tell, or tells wrongly, is read as a text file is.
fn repaired<'a>(message: &'a Message<'_>, part: &MessagePart<'_>, text: &'a str) -> Cow<'a, str> {
    let place = part.offset_body as usize..part.offset_end as usize;
    if text.contains(char::REPLACEMENT_CHARACTER)
        && part.encoding == Encoding::None
        && let Some(raw) = message.raw_message.get(place)
        && let Some(decoded) = text::decode(raw)
    {
        return decoded.text;
    }
    Cow::Borrowed(text)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{headings, limits, read, survives};
    use super::extract;
    use expect_test::expect;

    const MESSAGE: &str = "\
Received: by mail\r
From: =?utf-8?q?Anna_Nov=C3=A1kov=C3=A1?= <anna@example.org>\r
To: Bo <bo@example.org>, cy@example.org\r
Subject: =?iso-8859-2?B?UPhlaGxlZCBtb2xh?=\r
Date: Tue, 5 Mar 2024 14:30:00 +0100\r
MIME-Version: 1.0\r
Content-Type: multipart/mixed; boundary=outer\r
\r
--outer\r
Content-Type: multipart/alternative; boundary=inner\r
\r
--inner\r
Content-Type: text/plain; charset=iso-8859-1\r
Content-Transfer-Encoding: quoted-printable\r
\r
The caf=E9 by the pier.\r
\r
> Where?\r
--inner\r
Content-Type: text/html\r
\r
<h1>Page</h1><p>The caf&eacute;\r
--inner--\r
--outer\r
Content-Type: text/csv; name=\"costs.csv\"\r
Content-Disposition: attachment; filename=\"costs.csv\"\r
Content-Transfer-Encoding: base64\r
\r
SXRlbSxDcm93bnMKQ3JhbmUsNwo=\r
--outer\r
Content-Type: image/png\r
Content-Disposition: attachment; filename=\"photo.png\"\r
Content-Transfer-Encoding: base64\r
\r
iVBORw0KGgoAAAANSUhEUgAA\r
--outer\r
Content-Type: message/rfc822\r
\r
Subject: Forwarded\r
From: cy@example.org\r
\r
Original text.\r
--outer--\r
";

    #[test]
    fn a_message_is_read_with_its_attachments() {
        let message = read(extract, MESSAGE);
        expect![[r"
            Přehled mola
            From: Anna Nováková <anna@example.org>
            To: Bo <bo@example.org>, cy@example.org
            Date: 2024-03-05 14:30 +01:00

            The café by the pier.

            > Where?

            Attachments: costs.csv, photo.png, Forwarded

            costs.csv

            Item: Crane; Crowns: 7

            Forwarded
            From: cy@example.org

            Original text."]]
        .assert_eq(&message.text);
        assert_eq!(message.title.as_deref(), Some("Přehled mola"));
        assert_eq!(
            headings(&message),
            ["1 Přehled mola", "2 costs.csv", "2 Forwarded"]
        );
        assert_eq!((message.notice, message.extractor.as_ref()), (None, "mail"));
    }

    #[test]
    fn a_page_serves_where_there_is_no_plain_text() {
        let page = format!("<h2>News</h2><p>{}</p>", "The pier is open. ".repeat(20));
        let head = "From: a@b.cz\nSubject: s\nContent-Type: multipart/alternative; boundary=x\n\n";
        let plain = "--x\nContent-Type: text/plain\n\nSee the page.\n";
        let message = read(
            extract,
            format!("{head}{plain}--x\nContent-Type: text/html\n\n{page}\n--x--\n"),
        );
        assert_eq!(headings(&message), ["1 s", "3 News"]);
        assert!(!message.text.contains("See the page"), "{}", message.text);
    }

    #[test]
    fn encodings_that_are_not_told_are_guessed() {
        let message = read(extract, b"Subject: le caf\xe9 ferm\xe9\n\nText.\n");
        assert_eq!(message.title.as_deref(), Some("le café fermé"));
        let message = read(
            extract,
            b"Subject: s\n\nLe caf\xe9 est ferm\xe9 \xe0 midi.\n",
        );
        assert!(
            message.text.ends_with("Le café est fermé à midi."),
            "{}",
            message.text
        );
        let message = read(
            extract,
            b"Subject: s\nContent-Type: text/plain; charset=shift_jis\n\n\x96\xbe\x93\xfa\n",
        );
        assert!(message.text.ends_with("明日"), "{}", message.text);
    }

    const MAILBOX: &str = "\
From anna@example.org Tue Mar 05 14:30:00 2024
From: Anna <anna@example.org>
Subject: One
Date: Tue, 5 Mar 2024 14:30:00 +0000

First text.
>From here on it is quoted.
>>From twice.

From the pier one sees far.

From - Wed Mar 06 14:30:00 2024
X-Mozilla-Status: 0009
Subject: Deleted

gone

From - Wed Mar 06 14:30:00 2024
X-Mozilla-Status: 0001

No subject.
";

    #[test]
    fn a_mailbox_has_a_heading_for_each_message() {
        let mailbox = read(extract, MAILBOX);
        expect![[r"
            One (Anna, 2024-03-05)
            From: Anna <anna@example.org>
            Date: 2024-03-05 14:30 +00:00

            First text.
            From here on it is quoted.
            >From twice.

            From the pier one sees far.

            no subject

            No subject."]]
        .assert_eq(&mailbox.text);
        assert_eq!(
            headings(&mailbox),
            ["1 One (Anna, 2024-03-05)", "1 no subject"]
        );
        assert_eq!(mailbox.title, None);
        let single = read(
            extract,
            &MAILBOX[..MAILBOX.find("\n\nFrom -").expect("end")],
        );
        assert_eq!(single.title.as_deref(), Some("One"));
    }

    #[test]
    fn the_counted_message_of_apple_mail_is_read() {
        let message = "Subject: Pier\n\nText.\n";
        let source = format!(
            "{}     \n{message}<?xml version=\"1.0\"?><plist/>",
            message.len()
        );
        assert_eq!(read(extract, source).text, "Pier\n\nText.");
    }

    #[test]
    fn what_is_not_a_message_is_text() {
        assert_eq!(read(extract, "Just some words.").text, "Just some words.");
        assert_eq!(read(extract, "From here on.").text, "From here on.");
        let nameless = read(extract, "Content-Type: text/plain\n\nBody.");
        assert_eq!((nameless.text.as_str(), nameless.title), ("Body.", None));
    }

    #[test]
    fn hostile_mail_is_harmless() {
        survives(extract, MESSAGE.as_bytes());
        survives(extract, MAILBOX.as_bytes());
        for header in [
            "Content-Type: message/rfc822\n\n",
            "Content-Type: multipart/mixed; boundary=x\n\n--x\n",
        ] {
            let _ = extract(
                format!("Subject: s\n{}", header.repeat(50_000)).as_bytes(),
                &limits(),
            );
            let _ = extract(
                format!("Subject: s\n{}", header.repeat(400)).as_bytes(),
                &limits(),
            );
        }
        let page = format!(
            "Subject: s\nContent-Type: text/html\n\n{}",
            "<div>".repeat(50_000)
        );
        let message = read(extract, page);
        assert_eq!(message.text, "s");
        expect!["not read in full: a page (its elements are nested too deeply)"]
            .assert_eq(&message.notice.unwrap_or_default());
        let _ = extract("From \nA:\n\n".repeat(60_000).as_bytes(), &limits());
    }
}
