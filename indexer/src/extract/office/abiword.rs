//! `AbiWord` documents (.abw): paragraphs, headings by their style, lists, tables and notes.
//!
//! Owns what the elements of such a file mean as text. Pictures and styles are left out.

use super::super::transcript::single_line;
use super::super::{Extracted, Limits, Rejection};
use super::flow::{Flow, Piece, one_line};
use super::package::{not_valid, sensible_title};
use super::xml::{Broken, Element, Pass, Xml};
use super::{beginning_with, partly};

const WHAT: &str = "AbiWord document";

/// Reads a document.
pub(in super::super) fn extract(bytes: &[u8], limits: &Limits) -> Result<Extracted, Rejection> {
    let text = beginning_with(bytes, WHAT, |root| matches!(root, "abiword" | "awml"))?;
    let mut reader = Reader {
        flow: Flow::new(limits),
        paragraphs: Vec::new(),
        rows: Vec::new(),
        noted: 0,
        title: None,
    };
    let read = reader.read(&mut Xml::new(&text));
    let Reader { flow, title, .. } = reader;
    partly(flow.finish("abw", title, limits), read, |broken| {
        not_valid(WHAT, broken)
    })
}

/// One pass over the document.
struct Reader {
    flow: Flow,
    /// Paragraphs that are open: notes and frames have paragraphs within paragraphs.
    paragraphs: Vec<Paragraph>,
    /// Of the tables around: the row of the cell before.
    rows: Vec<Option<u32>>,
    noted: usize,
    title: Option<String>,
}

#[derive(Default)]
struct Paragraph {
    text: String,
    style: String,
    /// How deep in lists it is.
    item: Option<usize>,
    notes: Vec<String>,
}

impl Pass for Reader {
    fn is_full(&self) -> bool {
        self.flow.is_full()
    }

    fn open(&mut self, xml: &mut Xml<'_>, element: &Element<'_>) -> Result<(), Broken> {
        if is_undone(element) {
            return xml.skip();
        }
        match element.name() {
            "p" => self.paragraphs.push(Paragraph {
                style: element.attribute("style").unwrap_or_default(),
                item: depth(element),
                ..Paragraph::default()
            }),
            "br" | "cbr" | "pbr" => self.push("\n"),
            "foot" | "endnote" | "footnote" | "frame" => self.flow.hold(),
            "table" => {
                self.flow.open_table();
                self.rows.push(None);
            }
            "cell" => self.open_cell(element),
            "m" if element.attribute("key").as_deref() == Some("dc.title") => {
                self.title = sensible_title(&xml.text()?);
            }
            "m" | "styles" | "lists" | "data" | "pagesize" | "history" | "revisions"
            | "ignoredwords" | "rdf" | "field" => xml.skip()?,
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self, name: &str) {
        match name {
            "p" => self.close_paragraph(),
            "foot" | "endnote" | "footnote" => self.close_note(),
            "frame" => {
                let pieces = self.flow.release();
                self.flow.add_all(pieces);
            }
            "table" => {
                self.flow.close_table();
                self.rows.pop();
            }
            "cell" => self.flow.close_cell(),
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        self.push(text);
    }
}

impl Reader {
    fn push(&mut self, text: &str) {
        if let Some(paragraph) = self.paragraphs.last_mut() {
            paragraph.text.push_str(text);
        }
    }

    fn open_cell(&mut self, element: &Element<'_>) {
        let row = property(element, "top-attach").and_then(|row| row.parse().ok());
        if let Some(before) = self.rows.last_mut()
            && (before.is_none() || *before != row)
        {
            *before = row.or(Some(0));
            self.flow.open_row(false);
        }
        self.flow.open_cell();
    }

    fn close_note(&mut self) {
        let note = one_line(&self.flow.release());
        let Some(paragraph) = self.paragraphs.last_mut().filter(|_| !note.is_empty()) else {
            return;
        };
        self.noted += 1;
        let mark = format!("[{}]", self.noted);
        paragraph.text.push_str(&mark);
        paragraph.notes.push(format!("{mark} {note}"));
    }

    fn close_paragraph(&mut self) {
        let Some(paragraph) = self.paragraphs.pop() else {
            return;
        };
        let text = paragraph.text.trim().to_owned();
        if !text.is_empty() {
            let level = heading(&paragraph.style);
            if level.is_some() && paragraph.style == "Title" && self.title.is_none() {
                self.title = Some(single_line(&text));
            }
            self.flow.add(match (level, paragraph.item) {
                (Some(level), _) => Piece::Heading(level, text),
                (None, Some(depth)) => Piece::Item(depth, format!("- {text}")),
                (None, None) => Piece::Paragraph(text),
            });
        }
        for note in paragraph.notes {
            self.flow.add(Piece::Line(note));
        }
    }
}

/// The level of a heading by its style: `Heading 1`, `Numbered Heading 2`, `Title`.
fn heading(style: &str) -> Option<u8> {
    if style == "Title" {
        return Some(1);
    }
    let (_, level) = style.split_once("Heading ")?;
    level
        .trim()
        .parse()
        .ok()
        .filter(|level| (1..=6).contains(level))
}

/// How deep in lists a paragraph is.
fn depth(element: &Element<'_>) -> Option<usize> {
    let list: u32 = element.number("listid")?;
    let level: usize = element.number("level").unwrap_or(1);
    (list > 0).then(|| level.saturating_sub(1).min(8))
}

/// Whether a change took it out, or it is hidden.
fn is_undone(element: &Element<'_>) -> bool {
    let change = element.attribute("revision").unwrap_or_default();
    change
        .split(',')
        .next_back()
        .is_some_and(|last| last.starts_with('-'))
        || property(element, "display").as_deref() == Some("none")
}

/// One of the properties that an element lists.
fn property(element: &Element<'_>, name: &str) -> Option<String> {
    let properties = element.attribute("props")?;
    let mut properties = properties.split(';').filter_map(|one| one.split_once(':'));
    let found = properties.find(|(known, _)| known.trim() == name);
    found.map(|(_, value)| value.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::super::package::tests::outline;
    use super::*;

    const DOCUMENT: &str = "<?xml version='1.0'?><abiword><metadata><m key='dc.title'>Port rules</m>
        <m key='dc.format'>application/x-abiword</m></metadata><styles><s name='Heading 1'/></styles>
        <section><p style='Heading 1'><c props='font-weight:bold'>Piers</c></p>
        <p style='Normal'>Built twice<foot footnote-id='0'><p><field type='footnote_anchor'/>By a Dutch
        engineer.</p></foot> so <c revision='1,-2'>not </c>far.</p>
        <p listid='1000' level='1'><field type='list_label'/>North</p><p listid='1000' level='2'>Inner</p>
        <table><cell props='left-attach:0; top-attach:0'><p>Ship</p></cell><cell props='left-attach:1;
        top-attach:0'><p>Tons</p></cell><cell props='left-attach:2; top-attach:0'><p>Flag</p></cell>
        <cell props='left-attach:0; top-attach:1'><p>Ada</p></cell><cell props='left-attach:1;
        top-attach:1'><p>70</p></cell><cell props='left-attach:2; top-attach:1'><p>NL</p></cell></table>
        <frame><p>In a box</p></frame></section><data><d name='a'>iVBORw0KGgo=</d></data></abiword>";

    fn read(text: &str) -> Result<Extracted, Rejection> {
        extract(text.as_bytes(), &Limits::new("unused".into()))
    }

    #[test]
    fn a_document_is_read_in_order() {
        let document = read(DOCUMENT).expect("text");
        expect![[r#"
            Piers

            Built twice[1] so far.
            [1] By a Dutch engineer.

            - North
              - Inner

            Ship: Ada; Tons: 70; Flag: NL

            In a box"#]]
        .assert_eq(&document.text);
        assert_eq!(document.title.as_deref(), Some("Port rules"));
        assert_eq!(outline(&document), [(1, "Piers")]);
    }

    #[test]
    fn hostile_documents_do_no_harm() {
        let limits = Limits::new("unused".into());
        for end in 0..DOCUMENT.len() {
            let _ = extract(&DOCUMENT.as_bytes()[..end], &limits);
            let mut spoilt = DOCUMENT.as_bytes().to_vec();
            spoilt[end] = b'<';
            let _ = extract(&spoilt, &limits);
        }
        for part in ["p", "foot", "table", "cell", "frame"] {
            let deep = format!("<abiword>{}", format!("<{part}>").repeat(100_000));
            assert!(read(&deep).is_err(), "{part}");
        }
        assert!(read("<html/>").is_err());
    }
}
