//! E-books of one part of XML (.fb2): chapters as headings, notes below the paragraph that refers to them.
//!
//! Owns what the elements of `FictionBook` mean as text. Pictures are left out, and what stores say of the book.

use std::collections::HashMap;

use super::super::transcript::single_line;
use super::super::{Extracted, Limits, Rejection};
use super::flow::{Flow, Piece, one_line};
use super::package::not_valid;
use super::xml::{Broken, Element, Pass, Xml};
use super::{beginning_with, partly};

const WHAT: &str = "e-book";

const MOST_AUTHORS: usize = 50;

/// Reads an e-book.
pub(in super::super) fn extract(bytes: &[u8], limits: &Limits) -> Result<Extracted, Rejection> {
    let text = beginning_with(bytes, WHAT, |root| root == "FictionBook")?;
    let mut reader = Reader {
        flow: Flow::new(limits),
        notes: notes(&text),
        noted: 0,
        depth: 0,
        paragraph: None,
        referred: Vec::new(),
        title: None,
    };
    let read = reader.read(&mut Xml::new(&text));
    let Reader { flow, title, .. } = reader;
    partly(flow.finish("fb2", title, limits), read, |broken| {
        not_valid(WHAT, broken)
    })
}

/// One pass over the book.
struct Reader {
    flow: Flow,
    /// What is in the book's notes, by their ids.
    notes: HashMap<String, String>,
    /// Notes written so far.
    noted: usize,
    /// Sections around the current place.
    depth: u8,
    paragraph: Option<String>,
    /// Notes that the open paragraph refers to.
    referred: Vec<String>,
    title: Option<String>,
}

impl Pass for Reader {
    fn is_full(&self) -> bool {
        self.flow.is_full()
    }

    fn open(&mut self, xml: &mut Xml<'_>, element: &Element<'_>) -> Result<(), Broken> {
        match element.name() {
            "title-info" => self.describe(xml)?,
            "body" if is_notes(element) => xml.skip()?,
            "section" => self.depth = self.depth.saturating_add(1),
            "title" => self.flow.hold(),
            "p" | "v" | "subtitle" | "text-author" | "td" | "th" => {
                self.paragraph = Some(String::new());
                if matches!(element.name(), "td" | "th") {
                    self.flow.open_cell();
                }
            }
            "table" => self.flow.open_table(),
            "tr" => self.flow.open_row(false),
            "a" if element.attribute("type").as_deref() == Some("note") => {
                self.refer(xml, element)?;
            }
            "document-info" | "publish-info" | "src-title-info" | "custom-info" | "binary"
            | "stylesheet" | "output" => xml.skip()?,
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self, name: &str) {
        match name {
            "section" => self.depth = self.depth.saturating_sub(1),
            "title" => {
                let title = one_line(&self.flow.release());
                self.flow.add(Piece::Heading(self.depth.clamp(1, 6), title));
            }
            "p" | "text-author" => self.close_paragraph(Piece::Paragraph),
            "v" => self.close_paragraph(Piece::Line),
            "subtitle" => self.close_paragraph(Piece::Emphasis),
            "td" | "th" => {
                self.close_paragraph(Piece::Paragraph);
                self.flow.close_cell();
            }
            "table" => self.flow.close_table(),
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        if let Some(paragraph) = &mut self.paragraph {
            paragraph.push_str(text);
        }
    }
}

impl Reader {
    fn close_paragraph(&mut self, piece: fn(String) -> Piece) {
        let text = single_line(&self.paragraph.take().unwrap_or_default());
        if !text.is_empty() {
            self.flow.add(piece(text));
        }
        for note in self.referred.drain(..) {
            self.flow.add(Piece::Line(note));
        }
    }

    /// Title, authors and summary.
    fn describe(&mut self, xml: &mut Xml<'_>) -> Result<(), Broken> {
        let mut authors: Vec<String> = Vec::new();
        let mut summary = Vec::new();
        let mut title = None;
        let read = xml.within(|xml, element| {
            match element.name() {
                "book-title" => title = Some(single_line(&xml.text()?)),
                "author" if authors.len() < MOST_AUTHORS => authors.push(author(xml)?),
                "annotation" => {}
                "p" if xml.parent() == "annotation" => summary.push(single_line(&xml.text()?)),
                _ => xml.skip()?,
            }
            Ok(())
        });
        authors.retain(|author| !author.is_empty());
        let title = title.filter(|title| !title.is_empty());
        let by = match authors.join(", ") {
            authors if authors.is_empty() => String::new(),
            authors => format!("{} by {authors}", title.as_deref().unwrap_or_default()),
        };
        self.title = title;
        self.flow.add(Piece::Paragraph(by.trim().to_owned()));
        for text in summary {
            self.flow.add(Piece::Paragraph(text));
        }
        read
    }

    fn refer(&mut self, xml: &mut Xml<'_>, element: &Element<'_>) -> Result<(), Broken> {
        let address = element.attribute("href").unwrap_or_default();
        let note = self.notes.remove(address.trim_start_matches('#'));
        xml.skip()?;
        if let (Some(note), Some(paragraph)) = (note, &mut self.paragraph) {
            self.noted += 1;
            let mark = format!("[{}]", self.noted);
            paragraph.push_str(&mark);
            self.referred.push(format!("{mark} {note}"));
        }
        Ok(())
    }
}

/// Whether a body holds notes rather than chapters.
fn is_notes(body: &Element<'_>) -> bool {
    let name = body.attribute("name").unwrap_or_default();
    matches!(name.as_str(), "notes" | "comments" | "footnotes")
}

/// First, middle and last name, or what stands for them.
fn author(xml: &mut Xml<'_>) -> Result<String, Broken> {
    let mut names = Vec::new();
    xml.within(|xml, element| {
        match element.name() {
            "first-name" | "middle-name" | "last-name" => names.push(xml.text()?),
            "nickname" if names.is_empty() => names.push(xml.text()?),
            _ => xml.skip()?,
        }
        Ok(())
    })?;
    Ok(single_line(&names.join(" ")))
}

/// The notes of the book by their ids, as far as they are sound.
fn notes(text: &str) -> HashMap<String, String> {
    let mut notes = HashMap::new();
    let mut xml = Xml::new(text);
    let mut within = false;
    while let Some(element) = xml.next_element() {
        match element.name() {
            "body" => within = is_notes(&element),
            "binary" => within = false,
            "section" if within => {
                let mut note = String::new();
                let read = xml.within(|xml, element| {
                    if element.name() == "title" {
                        return xml.skip();
                    }
                    if matches!(element.name(), "p" | "v") {
                        note.push(' ');
                        note.push_str(&xml.text()?);
                    }
                    Ok(())
                });
                let note = single_line(&note);
                if let Some(id) = element.attribute("id").filter(|_| !note.is_empty()) {
                    notes.insert(id, note);
                }
                if read.is_err() {
                    break;
                }
            }
            _ => {}
        }
    }
    notes
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::super::package::tests::outline;
    use super::*;

    const BOOK: &str = "<?xml version='1.0' encoding='utf-8'?><FictionBook xmlns:l='x'><description>
        <title-info><genre>sea</genre><author><first-name>Olga</first-name><last-name>Brask</last-name>
        <email>o@example.org</email></author><book-title>The Lantern</book-title><annotation>
        <p>A book of the sea.</p></annotation><lang>en</lang></title-info><document-info><author>
        <nickname>scanner</nickname></author></document-info></description><body><title><p>Olga Brask</p>
        <p>The Lantern</p></title><section><title><p>Part One</p></title><section><title><p>Fog</p></title>
        <epigraph><p>All is grey.</p><text-author>A sailor</text-author></epigraph><p>Tamsin finds the
        <emphasis>lantern</emphasis><a l:href='#n1' type='note'>1</a> at sea.</p><empty-line/><poem><stanza>
        <v>One line,</v><v>and another.</v></stanza></poem><subtitle>* * *</subtitle><table><tr><th>Ship</th>
        <th>Tons</th><th>Flag</th></tr><tr><td>Ada</td><td>70</td><td>NL</td></tr></table></section></section>
        </body><body name='notes'><title><p>Notes</p></title><section id='n1'><title><p>1</p></title><p>Made in
        Brno.</p></section></body><binary id='cover.png'>iVBORw0KGgo=</binary></FictionBook>";

    fn read(text: &str) -> Result<Extracted, Rejection> {
        extract(text.as_bytes(), &Limits::new("unused".into()))
    }

    #[test]
    fn a_book_is_read_with_its_notes() {
        let document = read(BOOK).expect("text");
        expect![[r#"
            The Lantern by Olga Brask

            A book of the sea.

            Olga Brask The Lantern

            Part One

            Fog

            All is grey.

            A sailor

            Tamsin finds the lantern[1] at sea.
            [1] Made in Brno.
            One line,
            and another.

            * * *

            Ship: Ada; Tons: 70; Flag: NL"#]]
        .assert_eq(&document.text);
        assert_eq!(document.title.as_deref(), Some("The Lantern"));
        let expected = [(1, "Olga Brask The Lantern"), (1, "Part One"), (2, "Fog")];
        assert_eq!(outline(&document), expected);
    }

    #[test]
    fn books_in_another_encoding_are_read() {
        let text = "<?xml version='1.0' encoding='windows-1251'?><FictionBook><body><section><p>Море.</p>\
                    </section></body></FictionBook>";
        let (bytes, ..) = encoding_rs::WINDOWS_1251.encode(text);
        let document = extract(&bytes, &Limits::new("unused".into())).expect("text");
        assert_eq!(document.text, "Море.");
    }

    #[test]
    fn hostile_books_do_no_harm() {
        let limits = Limits::new("unused".into());
        for end in 0..BOOK.len() {
            let _ = extract(&BOOK.as_bytes()[..end], &limits);
            let mut spoilt = BOOK.as_bytes().to_vec();
            spoilt[end] = b'<';
            let _ = extract(&spoilt, &limits);
        }
        let open = "<FictionBook><body>";
        for part in ["section", "title", "p", "table", "a type='note'"] {
            assert!(
                read(&format!("{open}{}", format!("<{part}>").repeat(100_000))).is_err(),
                "{part}"
            );
        }
        let bomb = "<!DOCTYPE l [<!ENTITY a 'lol'><!ENTITY b '&a;&a;'>]><FictionBook><p>x&b;</p></FictionBook>";
        assert_eq!(read(bomb).expect("text").text, "x&b;");
        assert!(read("<html/>").is_err());
        let cut = BOOK.find("and another").expect("there");
        assert!(read(&BOOK[..cut]).expect("text").notice.is_some());
    }
}
