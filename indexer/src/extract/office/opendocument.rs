//! `OpenDocument` texts and presentations (.odt, .odp).
//!
//! Owns what the elements of `OpenDocument` mean as text: headings by their level, lists, tables, notes
//! and comments below the paragraph that refers to them, slides as pages. Deleted text and indexes are left out.
//! Headers and footers are found by `opendocument_margins`, spreadsheets of this family are read by `calc`.

use super::super::transcript::single_line;
use super::super::{Extracted, Limits, Rejection};
use super::flow::{Flow, Piece, one_line};
use super::margins::Margins;
use super::opendocument_margins::{annotation, margins};
use super::opendocument_styles::Styles;
use super::package::{Package, element_text, needs_password, not_valid, sensible_title};
use super::xml::{Broken, Element, Pass, Xml};
use super::{damaged, partly};

const WHAT: &str = "OpenDocument file";

/// Cells that one element stands for at most.
const MOST_REPEATS: usize = 50;

/// Reads an `OpenDocument` text or presentation.
pub(in super::super) fn extract(bytes: &[u8], limits: &Limits) -> Result<Extracted, Rejection> {
    let mut package = Package::open(bytes, WHAT)?;
    refuse_encrypted(&mut package)?;
    let Some(body) = package.body("content.xml")? else {
        return Err(package.not_valid("it has no content"));
    };
    let mut reader = Reader::new(limits);
    let styles = package.optional("styles.xml");
    // Without the named styles there is still the text.
    let _ = reader.styles.read(&mut Xml::new(&styles));
    let read = body.outcome(reader.read_between(margins(&styles), &body.text));
    let Reader {
        flow, title, pages, ..
    } = reader;
    let known = element_text(&package.optional("meta.xml"), "title");
    let title = known.as_deref().and_then(sensible_title).or(title);
    let extractor = if pages > 0 { "odp" } else { "odt" };
    damaged(flow.finish(extractor, title, limits), read, &package)
}

/// Reads a text, a presentation or a drawing that is one part.
pub(super) fn extract_flat(
    text: &str,
    title: Option<String>,
    limits: &Limits,
) -> Result<Extracted, Rejection> {
    let mut reader = Reader::new(limits);
    let head = text.split("<office:body").next().unwrap_or_default();
    let read = reader.read_between(margins(head), text);
    let Reader {
        flow,
        title: shown,
        pages,
        ..
    } = reader;
    let extractor = if pages > 0 { "odp" } else { "odt" };
    let document = flow.finish(extractor, title.or(shown), limits);
    partly(document, read, |broken| not_valid(WHAT, broken))
}

/// Refuses packages whose manifest says that their parts are encrypted.
pub(super) fn refuse_encrypted(package: &mut Package<'_>) -> Result<(), Rejection> {
    let manifest = package.optional("META-INF/manifest.xml");
    let mut xml = Xml::new(&manifest);
    while let Some(element) = xml.next_element() {
        if element.name() == "encryption-data" {
            return Err(needs_password());
        }
    }
    Ok(())
}

/// The spaces that the element `text:s` stands for.
pub(super) fn spaces(element: &Element<'_>) -> String {
    let count: usize = element.number("c").unwrap_or(1);
    " ".repeat(count.min(100))
}

/// What a frame of a slide is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Role {
    #[default]
    Text,
    Title,
    Notes,
    /// The slide's number, its date, its footer.
    Margin,
}

/// One pass over the document.
struct Reader {
    flow: Flow,
    styles: Styles,
    /// Paragraphs that are open: shapes have paragraphs within paragraphs.
    paragraphs: Vec<Paragraph>,
    /// The lists around the current place, and whether an item has just begun.
    lists: Vec<bool>,
    /// Of the shapes around: the lists outside of each.
    shapes: Vec<Vec<bool>>,
    /// Whether the rows being read have headers, for each open table.
    tables: Vec<Rows>,
    role: Role,
    in_notes: bool,
    noted: usize,
    pages: u32,
    slide_title: String,
    title: Option<String>,
}

#[derive(Default)]
struct Rows {
    header: bool,
    /// Columns to the right that the cell before covers.
    covered: usize,
}

/// A paragraph being read.
#[derive(Default)]
struct Paragraph {
    text: String,
    level: Option<u8>,
    style: String,
    notes: Vec<String>,
    /// What is in shapes anchored here.
    anchored: Vec<Piece>,
    /// Of the spans around the text: whether each is bold.
    spans: Vec<bool>,
    /// Some of the text is not bold.
    plain: bool,
}

impl Pass for Reader {
    fn is_full(&self) -> bool {
        self.flow.is_full()
    }

    fn open(&mut self, xml: &mut Xml<'_>, element: &Element<'_>) -> Result<(), Broken> {
        match element.name() {
            "style" => self.styles.read_style(xml, element)?,
            "h" => self.open_paragraph(element, Some(element.number("outline-level").unwrap_or(1))),
            "p" => self.open_paragraph(element, None),
            "span" => {
                let style = element.attribute("style-name").unwrap_or_default();
                let bold = self.styles.is_bold(&style);
                if let Some(paragraph) = self.paragraphs.last_mut() {
                    paragraph.spans.push(bold);
                }
            }
            "s" => self.push_exactly(&spaces(element)),
            "tab" => self.push_exactly("\t"),
            "line-break" => self.push_exactly("\n"),
            "note-citation" => xml.skip()?,
            "note-body" => self.flow.hold(),
            "list" => self.lists.push(false),
            "list-item" => self.begin_item(),
            "table" => {
                self.flow.open_table();
                self.tables.push(Rows::default());
            }
            "table-header-rows" => self.mark_rows(true),
            "table-row" => {
                let header = self.tables.last().is_some_and(|rows| rows.header);
                self.flow.open_row(header);
            }
            "table-cell" => self.open_cell(element),
            "covered-table-cell" => self.cover(),
            name if is_shape(name) => self.open_shape(),
            "frame" => self.role = role(element),
            "page" => self.open_page(),
            "annotation" => self.annotate(xml)?,
            "notes" => self.open_notes(),
            _ if is_unwanted(xml, element) => xml.skip()?,
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self, name: &str) {
        match name {
            "h" | "p" => self.close_paragraph(),
            "span" => {
                if let Some(paragraph) = self.paragraphs.last_mut() {
                    paragraph.spans.pop();
                }
            }
            "note-body" => self.close_note(),
            "list" => drop(self.lists.pop()),
            "table" => {
                self.flow.close_table();
                self.tables.pop();
            }
            "table-header-rows" => self.mark_rows(false),
            "table-cell" | "covered-table-cell" => self.flow.close_cell(),
            name if is_shape(name) => self.close_shape(),
            "frame" => self.role = Role::default(),
            "page" => self.close_page(),
            "notes" => self.close_notes(),
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        self.push(text);
    }
}

impl Reader {
    /// Adds text, in which a run of white space is one space.
    fn push(&mut self, text: &str) {
        let Some(paragraph) = self.paragraphs.last() else {
            return;
        };
        let mut kept = String::new();
        let mut space = paragraph.text.ends_with([' ', '\n', '\t']) || paragraph.text.is_empty();
        for character in text.chars() {
            let is_space = matches!(character, ' ' | '\t' | '\r' | '\n');
            if !is_space {
                kept.push(character);
            } else if !space {
                kept.push(' ');
            }
            space = is_space;
        }
        self.push_exactly(&kept);
    }

    fn new(limits: &Limits) -> Self {
        Self {
            flow: Flow::new(limits),
            styles: Styles::default(),
            paragraphs: Vec::new(),
            lists: Vec::new(),
            shapes: Vec::new(),
            tables: Vec::new(),
            role: Role::default(),
            in_notes: false,
            noted: 0,
            pages: 0,
            slide_title: String::new(),
            title: None,
        }
    }

    /// Reads the part with the text, with what stands above and below it on every page.
    fn read_between(&mut self, mut margins: Margins, text: &str) -> Result<(), Broken> {
        margins.write_headers(&mut self.flow);
        let read = self.read(&mut Xml::new(text));
        self.flow.close_all();
        margins.write_footers(&mut self.flow);
        read
    }

    fn open_paragraph(&mut self, element: &Element<'_>, level: Option<u8>) {
        self.paragraphs.push(Paragraph {
            level,
            style: element.attribute("style-name").unwrap_or_default(),
            ..Paragraph::default()
        });
    }

    fn push_exactly(&mut self, text: &str) {
        let Some(paragraph) = self.paragraphs.last_mut() else {
            return;
        };
        let bold = match paragraph.spans.last() {
            Some(bold) => *bold,
            None => self.styles.is_bold(&paragraph.style),
        };
        paragraph.plain |= !bold && !text.trim().is_empty();
        paragraph.text.push_str(text);
    }

    fn begin_item(&mut self) {
        if let Some(begun) = self.lists.last_mut() {
            *begun = true;
        }
    }

    fn mark_rows(&mut self, header: bool) {
        if let Some(rows) = self.tables.last_mut() {
            rows.header = header;
        }
    }

    fn open_cell(&mut self, element: &Element<'_>) {
        let repeats: usize = element.number("number-columns-repeated").unwrap_or(1);
        for _ in 0..repeats.clamp(1, MOST_REPEATS) {
            self.flow.open_cell();
        }
        let spanned: usize = element.number("number-columns-spanned").unwrap_or(1);
        if let Some(rows) = self.tables.last_mut() {
            rows.covered = spanned.saturating_sub(1);
        }
    }

    /// A cell covered from the left is empty; one covered from above has the text there.
    fn cover(&mut self) {
        self.flow.open_cell();
        let Some(rows) = self.tables.last_mut() else {
            return;
        };
        let from_left = rows.covered > 0;
        rows.covered = rows.covered.saturating_sub(1);
        if !from_left {
            self.flow.continue_cell();
        }
    }

    fn open_shape(&mut self) {
        self.shapes.push(std::mem::take(&mut self.lists));
        self.flow.hold();
    }

    fn close_shape(&mut self) {
        self.lists = self.shapes.pop().unwrap_or_default();
        let pieces = self.flow.release();
        match self.paragraphs.last_mut() {
            Some(paragraph) => paragraph.anchored.extend(pieces),
            None => self.flow.add_all(pieces),
        }
    }

    fn open_page(&mut self) {
        self.pages += 1;
        self.flow.page(self.pages);
        self.flow.hold();
        self.slide_title.clear();
    }

    fn close_page(&mut self) {
        let pieces = self.flow.release();
        let title = std::mem::take(&mut self.slide_title);
        self.flow.add(Piece::Heading(1, title));
        self.flow.add_all(pieces);
    }

    fn open_notes(&mut self) {
        self.in_notes = true;
        self.flow.hold();
    }

    fn close_notes(&mut self) {
        self.in_notes = false;
        let notes = one_line(&self.flow.release());
        if !notes.is_empty() {
            self.flow.add(Piece::Paragraph(format!("Notes: {notes}")));
        }
    }

    fn close_note(&mut self) {
        let note = one_line(&self.flow.release());
        if note.is_empty() {
            return;
        }
        self.noted += 1;
        let mark = format!("[{}]", self.noted);
        if let Some(paragraph) = self.paragraphs.last_mut() {
            if paragraph.level.is_none() {
                paragraph.text.push_str(&mark);
            }
            paragraph.notes.push(format!("{mark} {note}"));
        }
    }

    /// A comment stands below the paragraph that it is about.
    fn annotate(&mut self, xml: &mut Xml<'_>) -> Result<(), Broken> {
        let comment = annotation(xml)?;
        match self.paragraphs.last_mut() {
            Some(paragraph) => paragraph.notes.extend(comment),
            None => self
                .flow
                .add_all(comment.map(Piece::Line).into_iter().collect()),
        }
        Ok(())
    }

    fn close_paragraph(&mut self) {
        let Some(mut paragraph) = self.paragraphs.pop() else {
            return;
        };
        let unwanted = match self.role {
            Role::Margin => true,
            Role::Notes => !self.in_notes,
            Role::Text | Role::Title => self.in_notes,
        };
        let anchored = std::mem::take(&mut paragraph.anchored);
        let notes = std::mem::take(&mut paragraph.notes);
        if !unwanted && !paragraph.text.trim().is_empty() {
            self.add_paragraph(&paragraph);
        }
        for note in notes {
            self.flow.add(Piece::Line(note));
        }
        self.flow.add_all(anchored);
    }

    fn add_paragraph(&mut self, paragraph: &Paragraph) {
        let text = paragraph.text.trim();
        if self.role == Role::Title {
            self.slide_title = single_line(&format!("{} {text}", self.slide_title));
            return;
        }
        let piece = if let Some(level) = paragraph.level {
            Piece::Heading(level, text.to_owned())
        } else if self.styles.is(&paragraph.style, "Title") {
            if self.title.is_none() {
                self.title = Some(single_line(text));
            }
            Piece::Heading(1, text.to_owned())
        } else if let Some(begun) = self.lists.last_mut() {
            if std::mem::take(begun) {
                let depth = self.lists.len().saturating_sub(1).min(8);
                Piece::Item(depth, format!("- {text}"))
            } else {
                Piece::Line(text.to_owned())
            }
        } else if paragraph.plain && !self.styles.is(&paragraph.style, "Table_20_Heading") {
            Piece::Paragraph(text.to_owned())
        } else {
            Piece::Emphasis(text.to_owned())
        };
        self.flow.add(piece);
    }
}

/// Shapes that hold paragraphs, whose text is no part of the paragraph they are anchored in.
fn is_shape(name: &str) -> bool {
    matches!(
        name,
        "text-box"
            | "custom-shape"
            | "rect"
            | "ellipse"
            | "circle"
            | "polygon"
            | "path"
            | "line"
            | "connector"
            | "caption"
            | "polyline"
            | "regular-polygon"
            | "measure"
    )
}

/// Elements whose text no reader sees, or sees elsewhere too.
fn is_unwanted(xml: &Xml<'_>, element: &Element<'_>) -> bool {
    match element.name() {
        "tracked-changes" | "table-of-content" | "alphabetical-index" | "illustration-index"
        | "table-index" | "object-index" | "user-index" | "script" | "event-listeners"
        | "ruby-text" | "placeholder" | "settings" | "forms" | "object" | "binary-data"
        | "master-styles" | "meta" | "scripts" => true,
        // Words about a picture, unlike the field that shows the document's title.
        "title" | "desc" => !matches!(xml.parent(), "p" | "h" | "span" | "a"),
        "section" => element.attribute("display").as_deref() == Some("none"),
        _ => false,
    }
}

fn role(frame: &Element<'_>) -> Role {
    match frame.attribute("class").as_deref() {
        Some("title") => Role::Title,
        Some("notes") => Role::Notes,
        Some("page-number" | "date-time" | "footer" | "header") => Role::Margin,
        _ => Role::Text,
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::super::package::tests::{bomb, outline, zipped};
    use super::*;

    fn read(bytes: &[u8]) -> Result<Extracted, Rejection> {
        extract(bytes, &Limits::new("unused".into()))
    }

    fn document(body: &str) -> Vec<u8> {
        let content = format!(
            "<office:document-content><office:automatic-styles>
            <style:style style:name='P1' style:parent-style-name='Title'/>
            <style:style style:name='T1'><style:text-properties fo:font-weight='bold'/></style:style>
            </office:automatic-styles><office:body>{body}</office:body></office:document-content>"
        );
        zipped(&[("content.xml", &content)])
    }

    #[track_caller]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "expectations are written in place"
    )]
    fn check(body: &str, expected: Expect) {
        expected.assert_eq(&read(&document(body)).expect("text").text);
    }

    #[test]
    fn headings_lists_and_notes() {
        let body = "<office:text><text:tracked-changes><text:p>deleted</text:p></text:tracked-changes>
            <text:p text:style-name='P1'>The  port</text:p>
            <text:table-of-content><text:p>Piers 7</text:p></text:table-of-content>
            <text:h text:outline-level='2'>Piers<text:note><text:note-citation>1</text:note-citation>
            <text:note-body><text:p>By a Dutch <text:span>engineer</text:span>.</text:p></text:note-body>
            </text:note></text:h><text:p>Built<text:tab/>twice<text:s text:c='2'/>so
            far<text:line-break/>here.<office:annotation><dc:creator>Ana</dc:creator><dc:date>2026-01-01</dc:date>
            <text:p>Really?</text:p></office:annotation>
            </text:p><text:list><text:list-item><text:p>North</text:p><text:p>and west</text:p>
            <text:list><text:list-item><text:p>Inner</text:p></text:list-item></text:list>
            </text:list-item><text:list-item><text:p>South</text:p></text:list-item></text:list>
            <text:p><draw:frame><draw:image/><svg:title>Photo</svg:title></draw:frame>End</text:p>
            </office:text>";
        let document = read(&document(body)).expect("text");
        expect![[r#"
            The port

            Piers
            [1] By a Dutch engineer.

            Built	twice  so far
            here.
            Comment by Ana: Really?

            - North
            and west
              - Inner
            - South

            End"#]]
        .assert_eq(&document.text);
        assert_eq!(document.extractor, "odt");
        assert_eq!(document.title.as_deref(), Some("The port"));
        assert_eq!(outline(&document), [(1, "The port"), (2, "Piers")]);
    }

    #[test]
    fn what_stands_on_every_page_is_read_once() {
        let styles = "<s><office:master-styles><style:master-page><style:header><text:p>Harbour office</text:p>
            </style:header><style:footer><text:p>File KX-1</text:p></style:footer></style:master-page>
            </office:master-styles></s>";
        let content = "<d><office:text><text:p>Body</text:p></office:text></d>";
        let document = read(&zipped(&[("styles.xml", styles), ("content.xml", content)]));
        let expected = "Page header: Harbour office\n\nBody\n\nPage footer: File KX-1";
        assert_eq!(document.expect("text").text, expected);
    }

    #[test]
    fn tables_have_headers_and_covered_cells() {
        check(
            "<office:text><text:p>Before</text:p><table:table><table:table-header-rows>
            <table:table-row><table:table-cell><text:p>Ship</text:p></table:table-cell>
            <table:table-cell><text:p>Tons</text:p></table:table-cell><table:table-cell>
            <text:p>Flag</text:p></table:table-cell></table:table-row></table:table-header-rows>
            <table:table-row><table:table-cell><text:p>Ada</text:p></table:table-cell>
            <table:table-cell table:number-columns-spanned='2'><text:p>70</text:p></table:table-cell>
            <table:covered-table-cell/></table:table-row><table:table-row><table:covered-table-cell/>
            <table:table-cell><text:p>90</text:p></table:table-cell><table:table-cell
            table:number-columns-repeated='1000000000'/></table:table-row></table:table></office:text>",
            expect![[r#"
                Before

                Ship: Ada; Tons: 70
                Ship: Ada; Tons: 90"#]],
        );
    }

    #[test]
    fn text_in_shapes_stands_after_its_paragraph() {
        check(
            "<text:p>Before <draw:frame><draw:text-box><text:p>In a box</text:p><text:list>
            <text:list-item><text:p>Item</text:p></text:list-item></text:list></draw:text-box>
            </draw:frame>after<draw:custom-shape><text:p>In a shape</text:p></draw:custom-shape></text:p>",
            expect![[r#"
                Before after

                In a box

                - Item

                In a shape"#]],
        );
    }

    #[test]
    fn slides_are_pages() {
        let slide = |title: &str, text: &str| {
            format!(
                "<draw:page><draw:frame presentation:class='outline'><draw:text-box><text:list>
                <text:list-item><text:p>{text}</text:p></text:list-item></text:list></draw:text-box>
                </draw:frame><draw:frame presentation:class='title'><draw:text-box>
                <text:p>{title}</text:p></draw:text-box></draw:frame><draw:frame
                presentation:class='page-number'><draw:text-box><text:p>7</text:p></draw:text-box>
                </draw:frame><presentation:notes><draw:page-thumbnail/><draw:frame
                presentation:class='notes'><draw:text-box><text:p>Say hello.</text:p></draw:text-box>
                </draw:frame></presentation:notes></draw:page>"
            )
        };
        let body = format!("{}{}", slide("The port", "North"), slide("Ships", "Ada"));
        let document = read(&document(&body)).expect("text");
        expect![[r#"
            The port

            - North

            Notes: Say hello.

            Ships

            - Ada

            Notes: Say hello."#]]
        .assert_eq(&document.text);
        assert_eq!(document.extractor, "odp");
        let pages: Vec<_> = document.pages.iter().map(|page| page.number).collect();
        assert_eq!(pages, [1, 2]);
        assert!(document.text[document.pages[1].start..].starts_with("Ships"));
    }

    #[test]
    fn the_title_in_the_properties_comes_first() {
        let meta = ("meta.xml", "<m><dc:title>Port rules</dc:title></m>");
        let content = ("content.xml", "<d><text:h>One</text:h></d>");
        let document = read(&zipped(&[meta, content])).expect("text");
        assert_eq!(document.title.as_deref(), Some("Port rules"));
    }

    #[test]
    fn hostile_documents_do_no_harm() {
        let manifest = (
            "META-INF/manifest.xml",
            "<m><manifest:file-entry><manifest:encryption-data/></manifest:file-entry></m>",
        );
        let secret = zipped(&[("content.xml", "\u{1}garbage"), manifest]);
        assert_eq!(read(&secret), Err(needs_password()));
        let lol = "<!DOCTYPE l [<!ENTITY a 'lol'><!ENTITY b '&a;&a;'>]><text:p>x&b;</text:p>";
        assert_eq!(
            read(&zipped(&[("content.xml", lol)])).expect("text").text,
            "x&b;"
        );
        for part in [
            "text:p",
            "text:list",
            "table:table",
            "draw:text-box",
            "text:note-body",
        ] {
            let deep = format!("<{part}>").repeat(100_000);
            assert!(read(&zipped(&[("content.xml", &deep)])).is_err(), "{part}");
        }
        assert!(read(&bomb("content.xml", 200)).is_err());
        assert!(matches!(
            read(&zipped(&[("a", "b")])),
            Err(Rejection::Failed(_))
        ));
    }

    #[test]
    fn no_damage_crashes_the_reader() {
        let whole =
            document("<text:h>One</text:h><table:table><table:table-row><table:table-cell>");
        for end in (0..whole.len()).step_by(11) {
            assert!(read(&whole[..end]).is_err(), "{end}");
        }
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x55;
            let _ = read(&bytes);
        }
    }
}
