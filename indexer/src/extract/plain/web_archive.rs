//! Web pages saved with all they need in one file (.mht, .mhtml).
//!
//! Owns which part of such a file is the page. It is a mail message by its form, which mail-parser takes apart;
//! reading the page is `html`'s.

use std::panic::{AssertUnwindSafe, catch_unwind};

use mail_parser::{Message, MessageParser, PartType};

use super::super::{Extracted, Limits, Rejection, html, text, transcript::single_line};
use super::mail::is_nested_too_deeply;

/// Reads a saved page.
pub(in super::super) fn extract(bytes: &[u8], limits: &Limits) -> Result<Extracted, Rejection> {
    if is_nested_too_deeply(bytes) {
        return Err(Rejection::failed("its parts are nested too deeply"));
    }
    let parse = || MessageParser::default().parse(bytes);
    // The parser checks its own assumptions, some of which do not hold for broken messages.
    let message = catch_unwind(AssertUnwindSafe(parse)).ok().flatten();
    let page = message.as_ref().and_then(page);
    let Some(page) = page else {
        // Some programs save a plain page under this name.
        return match text::decode(bytes) {
            Some(text) if text.text.trim_start().starts_with('<') => html::extract(bytes, limits),
            _ => Err(Rejection::skipped("no page in it")),
        };
    };
    let mut document = html::extract(page.as_bytes(), limits)?;
    let subject = message.as_ref().and_then(Message::subject).map(single_line);
    document.title = document
        .title
        .or(subject.filter(|subject| !subject.is_empty()));
    Ok(document)
}

/// The first page: others are what is shown in its frames.
fn page<'a>(message: &'a Message<'_>) -> Option<&'a str> {
    message.parts.iter().find_map(|part| match &part.body {
        PartType::Html(page) => Some(page.as_ref()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{headings, limits, read, survives};
    use super::extract;

    const PAGE: &str = "\
From: <Saved by Blink>\r
Snapshot-Content-Location: https://example.org/bees\r
Subject: =?utf-8?Q?Bees_=E2=80=93_winter?=\r
MIME-Version: 1.0\r
Content-Type: multipart/related; type=\"text/html\"; boundary=\"x\"\r
\r
--x\r
Content-Type: text/html\r
Content-ID: <frame-1>\r
Content-Transfer-Encoding: quoted-printable\r
\r
<html><body><nav>Menu</nav><h1>Winter feed</h1><p>Caf=C3=A9 sugar, eighteen=\r
 kilos.</p></body></html>\r
--x\r
Content-Type: text/html\r
\r
<p>An advertisement</p>\r
--x\r
Content-Type: image/png\r
Content-Transfer-Encoding: base64\r
\r
iVBORw0KGgoAAAANSUhEUgAA\r
--x--\r
";

    #[test]
    fn the_page_is_read_and_its_frames_are_not() {
        let document = read(extract, PAGE);
        assert_eq!(document.text, "Winter feed\n\nCafé sugar, eighteen kilos.");
        assert_eq!(headings(&document), ["1 Winter feed"]);
        assert_eq!(document.title.as_deref(), Some("Winter feed"));
        let nameless = read(extract, PAGE.replace("h1>", "p>"));
        assert_eq!(nameless.title.as_deref(), Some("Bees – winter"));
        assert_eq!(read(extract, "<html><p>Plain").text, "Plain");
    }

    #[test]
    fn hostile_pages_are_harmless() {
        survives(extract, PAGE.as_bytes());
        assert!(extract(b"Subject: x\n\ntext", &limits()).is_err());
        let deep = "Content-Type: message/rfc822\n\n".repeat(50_000);
        assert!(extract(deep.as_bytes(), &limits()).is_err());
    }
}
