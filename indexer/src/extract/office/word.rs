//! Word documents (.docx and its kin): the body in reading order.
//!
//! Owns what Word's elements mean as text. Notes and comments stand below the paragraph that refers to them,
//! headers and footers of pages before and after all; what no reader sees on the page is left out: deleted and
//! hidden text, field codes, the table of contents. Styles, lists and margins are read by their own modules, charts
//! by `drawing`.

use super::super::transcript::single_line;
use super::super::{Extracted, Limits, Rejection};
use super::flow::{Flow, Piece};
use super::margins::Margins;
use super::package::{Package, Relations};
use super::table::CellProperties;
use super::word_lists::{ListPlace, Lists};
use super::word_margins::{Comments, margins};
use super::word_notes::{Notes, without_marks};
use super::word_styles::{Role, Styles, by_outline, is_on};
use super::xml::{Broken, Element, Pass, Xml};
use super::{damaged, drawing};

/// Reads a Word document.
pub(in super::super) fn extract(bytes: &[u8], limits: &Limits) -> Result<Extracted, Rejection> {
    let mut package = Package::open(bytes, "Word document")?;
    let main = package.main_part("word/document.xml");
    let Some(body) = package.body(&main)? else {
        return Err(package.not_valid("it has no text part"));
    };
    let mut reader = Reader::new(&mut package, &main, limits);
    reader.margins.write_headers(&mut reader.flow);
    let read = body.outcome(reader.read(&mut Xml::new(&body.text)));
    let Reader {
        mut flow,
        mut margins,
        title,
        ..
    } = reader;
    flow.close_all();
    margins.write_footers(&mut flow);
    let title = package.title().or(title);
    let document = flow.finish("docx", title, limits);
    damaged(document, read, &package)
}

/// One pass over the document.
struct Reader<'p, 'b> {
    package: &'p mut Package<'b>,
    relations: Relations,
    styles: Styles,
    lists: Lists,
    footnotes: Notes,
    endnotes: Notes,
    comments: Comments,
    margins: Margins,
    /// Notes written so far.
    noted: usize,
    flow: Flow,
    /// Paragraphs that are open: text boxes have paragraphs within paragraphs.
    paragraphs: Vec<Paragraph>,
    run: Run,
    title: Option<String>,
}

/// A paragraph being read.
#[derive(Default)]
struct Paragraph {
    text: String,
    style: Option<String>,
    outline: Option<u8>,
    place: ListPlace,
    notes: Vec<String>,
    comments: Vec<String>,
    /// The style is bold.
    bold: bool,
    /// Some of the text is not bold.
    plain: bool,
    /// What is in text boxes and charts anchored here.
    anchored: Vec<Piece>,
    /// A mark of a formula that goes before its next text.
    mark: Option<char>,
}

/// How text is set.
#[derive(Default)]
struct Run {
    bold: bool,
    hidden: bool,
}

impl Pass for Reader<'_, '_> {
    fn is_full(&self) -> bool {
        self.flow.is_full()
    }

    fn open(&mut self, xml: &mut Xml<'_>, element: &Element<'_>) -> Result<(), Broken> {
        match element.name() {
            "p" => self.paragraphs.push(Paragraph::default()),
            "pPr" => self.paragraph_properties(xml)?,
            "r" => {
                let bold = self
                    .paragraphs
                    .last()
                    .is_some_and(|paragraph| paragraph.bold);
                self.run = Run {
                    bold,
                    hidden: false,
                };
            }
            "rPr" => self.run_properties(xml)?,
            "t" => {
                let text = xml.text()?;
                self.push(&text);
            }
            "checkBox" => self.tick(xml)?,
            "tab" | "ptab" => self.push("\t"),
            "br" | "cr" => self.push("\n"),
            "noBreakHyphen" => self.push("-"),
            "sym" => self.symbol(element),
            "footnoteReference" => {
                let note = self.footnotes.take(element);
                self.refer(note);
            }
            "endnoteReference" => {
                let note = self.endnotes.take(element);
                self.refer(note);
            }
            "commentReference" => {
                let comment = self.comments.take(element);
                if let Some(paragraph) = self.paragraphs.last_mut() {
                    paragraph.comments.extend(comment);
                }
            }
            "sdtPr" => read_control(xml)?,
            "txbxContent" => self.flow.hold(),
            "tbl" => self.flow.open_table(),
            "tr" => self.flow.open_row(false),
            "trPr" => self.row_properties(xml)?,
            "tblPr" => self.table_properties(xml)?,
            "tc" => self.flow.open_cell(),
            "tcPr" => self.cell_properties(xml)?,
            "chart" | "relIds" => self.drawing(element),
            // The parts of a formula that stand above, below or beside others.
            "sup" => self.mark('^'),
            "sub" => self.mark('_'),
            "den" => self.mark('/'),
            "del" | "moveFrom" | "rt" | "sectPr" | "tblGrid" | "numPr" | "object"
            | "docDefaults" => xml.skip()?,
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self, name: &str) {
        match name {
            "p" => self.close_paragraph(),
            "txbxContent" => {
                let pieces = self.flow.release();
                match self.paragraphs.last_mut() {
                    Some(paragraph) => paragraph.anchored.extend(pieces),
                    None => self.flow.add_all(pieces),
                }
            }
            "tbl" => self.flow.close_table(),
            "tc" => self.flow.close_cell(),
            _ => {}
        }
    }
}

impl<'p, 'b> Reader<'p, 'b> {
    fn new(package: &'p mut Package<'b>, main: &str, limits: &Limits) -> Self {
        let relations = package.relations(main);
        let part = |kind: &str| relations.only(kind).unwrap_or_default();
        let styles = Styles::read(&package.optional(part("styles")));
        let lists = Lists::read(&package.optional(part("numbering")));
        let footnotes = Notes::read(&package.optional(part("footnotes")));
        let endnotes = Notes::read(&package.optional(part("endnotes")));
        let comments = Comments::read(&package.optional(part("comments")));
        let margins = margins(package, &relations);
        Self {
            package,
            relations,
            styles,
            lists,
            footnotes,
            endnotes,
            comments,
            margins,
            noted: 0,
            flow: Flow::new(limits),
            paragraphs: Vec::new(),
            run: Run::default(),
            title: None,
        }
    }

    /// A box of a form, ticked or not.
    fn tick(&mut self, xml: &mut Xml<'_>) -> Result<(), Broken> {
        let (mut default, mut ticked) = (false, None);
        xml.within(|_, element| {
            match element.name() {
                "default" => default = is_on(element),
                "checked" => ticked = Some(is_on(element)),
                _ => {}
            }
            Ok(())
        })?;
        self.push(if ticked.unwrap_or(default) {
            "[x]"
        } else {
            "[ ]"
        });
        Ok(())
    }

    fn push(&mut self, text: &str) {
        let Some(paragraph) = self.paragraphs.last_mut() else {
            return;
        };
        if self.run.hidden {
            return;
        }
        if let Some(mark) = paragraph.mark.take()
            && !text.trim().is_empty()
        {
            paragraph.text.push(mark);
        }
        paragraph.plain |= !self.run.bold && !text.trim().is_empty();
        paragraph.text.push_str(text);
    }

    fn mark(&mut self, mark: char) {
        if let Some(paragraph) = self.paragraphs.last_mut() {
            paragraph.mark = Some(mark);
        }
    }

    /// A character by number, mostly in a font of pictures, where the number means nothing.
    fn symbol(&mut self, element: &Element<'_>) {
        let code = element.attribute("char").unwrap_or_default();
        let character = u32::from_str_radix(&code, 16).ok().and_then(char::from_u32);
        if let Some(character) = character.filter(|c| !('\u{e000}'..='\u{f8ff}').contains(c)) {
            self.push(character.encode_utf8(&mut [0; 4]));
        }
    }

    fn refer(&mut self, note: Option<String>) {
        let Some(note) = note else {
            return;
        };
        self.noted += 1;
        let mark = format!("[{}]", self.noted);
        self.push(&mark);
        if let Some(paragraph) = self.paragraphs.last_mut() {
            paragraph.notes.push(format!("{mark} {note}"));
        }
    }

    fn drawing(&mut self, element: &Element<'_>) {
        let pieces = drawing::pieces(self.package, &self.relations, element);
        match self.paragraphs.last_mut() {
            Some(paragraph) => paragraph.anchored.extend(pieces),
            None => self.flow.add_all(pieces),
        }
    }

    fn paragraph_properties(&mut self, xml: &mut Xml<'_>) -> Result<(), Broken> {
        let mut none = Paragraph::default();
        let paragraph = self.paragraphs.last_mut().unwrap_or(&mut none);
        xml.within(|xml, element| {
            match element.name() {
                "pStyle" => paragraph.style = element.attribute("val"),
                "outlineLvl" => paragraph.outline = element.number("val"),
                "numId" => paragraph.place.list = element.attribute("val"),
                "ilvl" => paragraph.place.level = element.number("val"),
                "numPr" => {}
                _ => return xml.skip(),
            }
            Ok(())
        })?;
        paragraph.bold = self
            .styles
            .is_bold(paragraph.style.as_deref().unwrap_or_default());
        Ok(())
    }

    fn run_properties(&mut self, xml: &mut Xml<'_>) -> Result<(), Broken> {
        let run = &mut self.run;
        let styles = &self.styles;
        xml.within(|xml, element| {
            match element.name() {
                "rStyle" => {
                    run.bold |= styles.is_bold(&element.attribute("val").unwrap_or_default());
                }
                "b" => run.bold = is_on(element),
                "vanish" => run.hidden = is_on(element),
                _ => {}
            }
            xml.skip()
        })
    }

    fn row_properties(&mut self, xml: &mut Xml<'_>) -> Result<(), Broken> {
        let mut deleted = false;
        let flow = &mut self.flow;
        xml.within(|xml, element| {
            match element.name() {
                "tblHeader" if is_on(element) => flow.mark_header(),
                "del" => deleted = true,
                _ => {}
            }
            xml.skip()
        })?;
        if deleted {
            self.flow.drop_row();
            xml.leave()?;
        }
        Ok(())
    }

    /// Tables have a style for their first row where they have more style than lines.
    fn table_properties(&mut self, xml: &mut Xml<'_>) -> Result<(), Broken> {
        let mut style = String::new();
        let mut first_row = false;
        xml.within(|xml, element| {
            match element.name() {
                "tblStyle" => style = element.attribute("val").unwrap_or_default(),
                "tblLook" => {
                    let bits = element.attribute("val").unwrap_or_default();
                    let bits = u32::from_str_radix(&bits, 16).unwrap_or(0);
                    let said = element.attribute("firstRow");
                    first_row = said.map_or(bits & 0x20 != 0, |said| said == "1" || said == "true");
                }
                _ => {}
            }
            xml.skip()
        })?;
        if first_row && !self.styles.is_plain_table(&style) {
            self.flow.mark_styled();
        }
        Ok(())
    }

    fn cell_properties(&mut self, xml: &mut Xml<'_>) -> Result<(), Broken> {
        let mut properties = CellProperties::default();
        xml.within(|xml, element| {
            match element.name() {
                "gridSpan" => properties.span = element.number("val").unwrap_or(1),
                "vMerge" => {
                    properties.continues = element.attribute("val").as_deref() != Some("restart");
                }
                _ => {}
            }
            xml.skip()
        })?;
        self.flow.cell(properties);
        Ok(())
    }

    fn close_paragraph(&mut self) {
        let Some(paragraph) = self.paragraphs.pop() else {
            return;
        };
        self.add_paragraph(&paragraph);
        for line in paragraph.notes.into_iter().chain(paragraph.comments) {
            self.flow.add(Piece::Line(line));
        }
        self.flow.add_all(paragraph.anchored);
    }

    fn add_paragraph(&mut self, paragraph: &Paragraph) {
        let style = paragraph.style.as_deref().unwrap_or_default();
        let own = paragraph.outline.map(by_outline);
        let role = own.filter(|role| *role != Role::Text);
        let role = role.unwrap_or_else(|| self.styles.role(style));
        // Empty paragraphs count too.
        let mark = self.lists.mark(&self.place(paragraph));
        if paragraph.text.trim().is_empty() || role == Role::Contents {
            return;
        }
        let text = paragraph.text.trim();
        let piece = match role {
            Role::Title | Role::Heading(_) => {
                let text = if paragraph.notes.is_empty() {
                    text.to_owned()
                } else {
                    without_marks(text)
                };
                let level = if let Role::Heading(level) = role {
                    level
                } else {
                    1
                };
                if role == Role::Title && self.title.is_none() {
                    self.title = Some(single_line(&text));
                }
                Piece::Heading(level, numbered(mark.filter(|mark| mark != "-"), &text))
            }
            _ if mark.is_some() => {
                let depth = self.place(paragraph).level.unwrap_or(0).min(8);
                Piece::Item(depth, numbered(mark, text))
            }
            _ if !paragraph.plain => Piece::Emphasis(text.to_owned()),
            _ => Piece::Paragraph(text.to_owned()),
        };
        self.flow.add(piece);
    }

    /// The list the paragraph is in, by itself or by its style.
    fn place(&self, paragraph: &Paragraph) -> ListPlace {
        let own = &paragraph.place;
        let style = paragraph.style.as_deref().unwrap_or_default();
        let by_style = self.styles.place(style);
        ListPlace {
            list: own.list.clone().or(by_style.list),
            level: own.level.or(by_style.level),
        }
    }
}

/// The properties of a content control; the table of contents is passed over, and what only asks
/// for text.
fn read_control(xml: &mut Xml<'_>) -> Result<(), Broken> {
    let mut unwanted = false;
    xml.within(|xml, element| {
        match element.name() {
            "docPartObj" => return Ok(()),
            "docPartGallery" => {
                let gallery = element.attribute("val");
                unwanted |= gallery.as_deref() == Some("Table of Contents");
            }
            "showingPlcHdr" => unwanted |= is_on(element),
            _ => {}
        }
        xml.skip()
    })?;
    if unwanted { xml.leave() } else { Ok(()) }
}

fn numbered(mark: Option<String>, text: &str) -> String {
    match mark {
        Some(mark) => format!("{mark} {text}"),
        None => text.to_owned(),
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

    const RELATIONS: (&str, &str) = (
        "word/_rels/document.xml.rels",
        "<Relationships><Relationship Id='1' Type='x/styles' Target='styles.xml'/>
        <Relationship Id='2' Type='x/numbering' Target='numbering.xml'/>
        <Relationship Id='3' Type='x/footnotes' Target='footnotes.xml'/></Relationships>",
    );

    const STYLES: (&str, &str) = (
        "word/styles.xml",
        "<w:styles><w:style w:type='paragraph' w:styleId='Nadpis1'><w:name w:val='heading 1'/>
        <w:pPr><w:numPr><w:numId w:val='1'/></w:numPr></w:pPr></w:style>
        <w:style w:type='paragraph' w:styleId='Nzev'><w:name w:val='Title'/></w:style>
        <w:style w:type='paragraph' w:styleId='Obsah1'><w:name w:val='toc 1'/></w:style></w:styles>",
    );

    const LISTS: (&str, &str) = (
        "word/numbering.xml",
        "<w:numbering><w:abstractNum w:abstractNumId='0'><w:lvl w:ilvl='0'>
        <w:numFmt w:val='decimal'/><w:lvlText w:val='%1'/></w:lvl></w:abstractNum>
        <w:abstractNum w:abstractNumId='1'><w:lvl w:ilvl='0'><w:numFmt w:val='bullet'/></w:lvl>
        </w:abstractNum><w:num w:numId='1'><w:abstractNumId w:val='0'/></w:num>
        <w:num w:numId='2'><w:abstractNumId w:val='1'/></w:num></w:numbering>",
    );

    const NOTES: (&str, &str) = (
        "word/footnotes.xml",
        "<w:footnotes><w:footnote w:type='separator' w:id='-1'><w:p><w:r><w:t>no</w:t></w:r></w:p>
        </w:footnote><w:footnote w:id='2'><w:p><w:r><w:footnoteRef/></w:r><w:r>
        <w:t>By a Dutch engineer.</w:t></w:r></w:p></w:footnote></w:footnotes>",
    );

    fn document(body: &str) -> Vec<u8> {
        let body = format!("<w:document><w:body>{body}</w:body></w:document>");
        let document = ("word/document.xml", body.as_str());
        zipped(&[RELATIONS, STYLES, LISTS, NOTES, document])
    }

    #[track_caller]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "expectations are written in place"
    )]
    fn check(body: &str, expected: Expect) {
        expected.assert_eq(&read(&document(body)).expect("text").text);
    }

    fn p(text: &str) -> String {
        format!("<w:p><w:r><w:t>{text}</w:t></w:r></w:p>")
    }

    #[test]
    fn headings_lists_and_notes() {
        let body = "<w:p><w:pPr><w:pStyle w:val='Nzev'/></w:pPr><w:r><w:t>The port</w:t></w:r></w:p>
            <w:p><w:pPr><w:pStyle w:val='Obsah1'/></w:pPr><w:r><w:t>Piers 7</w:t></w:r></w:p>
            <w:p><w:pPr><w:pStyle w:val='Nadpis1'/></w:pPr><w:r><w:t>Piers</w:t></w:r><w:r>
            <w:footnoteReference w:id='2'/></w:r></w:p>
            <w:p><w:r><w:t>Built</w:t></w:r><w:r><w:tab/><w:t>twice</w:t><w:br/><w:t>so far.</w:t></w:r>
            </w:p><w:p><w:pPr><w:numPr><w:ilvl w:val='0'/><w:numId w:val='2'/></w:numPr></w:pPr><w:r>
            <w:t>North</w:t></w:r></w:p><w:p><w:pPr><w:numPr><w:numId w:val='2'/></w:numPr></w:pPr>
            <w:hyperlink><w:r><w:t>South</w:t></w:r></w:hyperlink></w:p>
            <w:p><w:pPr><w:pStyle w:val='Nadpis1'/></w:pPr><w:r><w:t>Tides</w:t></w:r></w:p>";
        let document = read(&document(body)).expect("text");
        expect![[r#"
            The port

            1 Piers
            [1] By a Dutch engineer.

            Built	twice
            so far.

            - North
            - South

            2 Tides"#]]
        .assert_eq(&document.text);
        assert_eq!(document.title.as_deref(), Some("The port"));
        let expected = [(1, "The port"), (1, "1 Piers"), (1, "2 Tides")];
        assert_eq!(outline(&document), expected);
    }

    #[test]
    fn what_is_not_on_the_page_is_left_out() {
        check(
            "<w:p><w:del><w:r><w:delText>old</w:delText><w:t>old</w:t></w:r></w:del><w:ins><w:r>
            <w:t>new</w:t></w:r></w:ins><w:r><w:rPr><w:vanish/></w:rPr><w:t>secret</w:t></w:r>
            <w:r><w:instrText>PAGE</w:instrText></w:r><w:moveFrom><w:r><w:t>gone</w:t></w:r>
            </w:moveFrom><w:r><w:t> text</w:t></w:r></w:p>
            <w:sdt><w:sdtPr><w:docPartObj><w:docPartGallery w:val='Table of Contents'/></w:docPartObj>
            </w:sdtPr><w:sdtContent><w:p><w:r><w:t>Contents</w:t></w:r></w:p></w:sdtContent></w:sdt>
            <w:sdt><w:sdtPr/><w:sdtContent><w:p><w:r><w:t>kept</w:t></w:r></w:p></w:sdtContent></w:sdt>
            <w:tbl><w:tr><w:tc><w:p><w:r><w:t>one</w:t></w:r></w:p></w:tc></w:tr><w:tr><w:trPr><w:del/>
            </w:trPr><w:tc><w:p><w:r><w:t>deleted row</w:t></w:r></w:p></w:tc></w:tr></w:tbl>",
            expect![[r#"
                new text

                kept

                one"#]],
        );
    }

    #[test]
    fn boxes_of_forms_are_ticked_or_not() {
        let ticked = |inner: &str| {
            format!(
                "<w:p><w:r><w:fldChar w:fldCharType='begin'><w:ffData><w:checkBox>{inner}</w:checkBox></w:ffData>
                </w:fldChar></w:r><w:r><w:t xml:space='preserve'> Bran</w:t></w:r></w:p>"
            )
        };
        for (inner, text) in [
            ("<w:default w:val='0'/><w:checked/>", "[x] Bran"),
            ("<w:default w:val='1'/>", "[x] Bran"),
            ("<w:default w:val='1'/><w:checked w:val='0'/>", "[ ] Bran"),
        ] {
            assert_eq!(read(&document(&ticked(inner))).expect("text").text, text);
        }
    }

    #[test]
    fn comments_and_margins_are_marked() {
        let relations = (
            "word/_rels/document.xml.rels",
            "<Relationships><Relationship Id='1' Type='x/comments' Target='comments.xml'/>
            <Relationship Id='2' Type='x/header' Target='header1.xml'/>
            <Relationship Id='3' Type='x/header' Target='header2.xml'/>
            <Relationship Id='4' Type='x/footer' Target='footer1.xml'/></Relationships>",
        );
        let comments = (
            "word/comments.xml",
            "<w:comments><w:comment w:id='0' w:author='Ana'><w:p><w:r><w:t>Is that so?</w:t></w:r></w:p>
            </w:comment></w:comments>",
        );
        let header = format!("<w:hdr>{}</w:hdr>", p("Harbour office"));
        let footer = format!("<w:ftr>{}</w:ftr>", p("File KX-1"));
        let body = format!(
            "<w:document><w:p><w:commentRangeStart w:id='0'/><w:r><w:t>Built twice.</w:t></w:r><w:r>
            <w:commentReference w:id='0'/></w:r></w:p>{}<w:tbl><w:tr><w:tc>{}",
            p("Since then"),
            p("left open")
        );
        let parts = [
            relations,
            comments,
            ("word/header1.xml", header.as_str()),
            ("word/header2.xml", header.as_str()),
            ("word/footer1.xml", footer.as_str()),
            ("word/document.xml", body.as_str()),
        ];
        let document = read(&zipped(&parts)).expect("text");
        expect![[r#"
            Page header: Harbour office

            Built twice.
            Comment by Ana: Is that so?

            Since then

            left open

            Page footer: File KX-1"#]]
        .assert_eq(&document.text);
        assert!(document.notice.is_some());
    }

    #[test]
    fn text_boxes_are_read_once_after_their_paragraph() {
        let anchored = format!(
            "<w:p><w:r><w:t>Before</w:t></w:r><w:r><mc:AlternateContent><mc:Choice><w:txbxContent>{p}
            </w:txbxContent></mc:Choice><mc:Fallback><w:txbxContent>{p}</w:txbxContent></mc:Fallback>
            </mc:AlternateContent><w:t> after</w:t></w:r></w:p>",
            p = p("In a box")
        );
        check(
            &anchored,
            expect![[r#"
                Before after

                In a box"#]],
        );
    }

    #[test]
    fn tables_have_headers_and_merged_cells() {
        let cell = |text: &str| format!("<w:tc>{}</w:tc>", p(text));
        let merged = "<w:tc><w:tcPr><w:vMerge/></w:tcPr><w:p/></w:tc>";
        let body = format!(
            "{before}<w:tbl><w:tr><w:trPr><w:tblHeader/></w:trPr>{}{}</w:tr><w:tr>{}{}</w:tr>
            <w:tr>{merged}{}</w:tr></w:tbl>{after}",
            cell("Ship"),
            cell("Built"),
            cell("Ada"),
            cell("1931"),
            cell("1932"),
            before = p("Before"),
            after = p("After"),
        );
        check(
            &body,
            expect![[r#"
                Before

                Ship: Ada; Built: 1931
                Ship: Ada; Built: 1932

                After"#]],
        );
    }

    #[test]
    fn bold_lines_are_headings_where_there_are_no_others() {
        let bold = |text| format!("<w:p><w:r><w:rPr><w:b/></w:rPr><w:t>{text}</w:t></w:r></w:p>");
        let body = format!("{}{}", bold("Pier"), p("Built in 1932."));
        let without = read(&document(&body)).expect("text");
        assert_eq!(without.headings.len(), 1);
        let style = "<w:p><w:pPr><w:outlineLvl w:val='0'/></w:pPr><w:r><w:t>Real</w:t></w:r></w:p>";
        let with = read(&document(&format!("{style}{body}"))).expect("text");
        assert_eq!(outline(&with), [(1, "Real")]);
    }

    #[test]
    fn formulas_read_in_one_line() {
        check(
            "<w:p><m:oMath><m:sSup><m:e><m:r><m:t>x</m:t></m:r></m:e><m:sup><m:r><m:t>2</m:t></m:r>
            </m:sup></m:sSup><m:f><m:num><m:r><m:t>+1</m:t></m:r></m:num><m:den><m:r><m:t>3</m:t></m:r>
            </m:den></m:f></m:oMath></w:p>",
            expect!["x^2+1/3"],
        );
    }

    #[test]
    fn the_title_in_the_properties_comes_first() {
        let body = ("word/document.xml", &*format!("<d>{}</d>", p("Text")));
        let core = (
            "docProps/core.xml",
            "<c><dc:title>Port rules</dc:title></c>",
        );
        let document = read(&zipped(&[body, core])).expect("text");
        assert_eq!(document.title.as_deref(), Some("Port rules"));
    }

    #[test]
    fn hostile_documents_do_no_harm() {
        let lol =
            "<!DOCTYPE l [<!ENTITY a 'lol'><!ENTITY b '&a;&a;&a;'>]><w:p><w:t>x&b;</w:t></w:p>";
        let document = read(&zipped(&[("word/document.xml", lol)])).expect("text");
        assert_eq!(document.text, "x&b;");
        for part in [
            "w:p",
            "w:tbl",
            "w:tc",
            "w:txbxContent",
            "mc:AlternateContent",
            "w:sdt",
        ] {
            let deep = format!("<{part}>").repeat(100_000);
            let deep = read(&zipped(&[("word/document.xml", &deep)]));
            let told = deep.expect_err(part).to_string();
            assert!(told.ends_with("nested too deeply"), "{told}");
        }
        let wide = "<w:tbl><w:tr><w:tc><w:tcPr><w:gridSpan w:val='4000000000'/></w:tcPr>";
        let wide = format!("{wide}{}</w:tc></w:tr></w:tbl>", p("wide")).repeat(100);
        assert!(read(&zipped(&[("word/document.xml", &format!("<d>{wide}</d>"))])).is_ok());
        assert!(read(&bomb("word/document.xml", 200)).is_err());
        assert!(matches!(
            read(&zipped(&[("a", "b")])),
            Err(Rejection::Failed(_))
        ));
    }

    #[test]
    fn no_damage_crashes_the_reader() {
        let body = format!("{}<w:tbl><w:tr><w:tc>{}", p("One"), p("Two"));
        let whole = document(&body);
        for end in (0..whole.len()).step_by(11) {
            assert!(read(&whole[..end]).is_err(), "{end}");
        }
        let kept = read(&whole).expect("what there is");
        assert_eq!(kept.text, "One\n\nTwo");
        assert!(kept.notice.is_some());
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x55;
            let _ = read(&bytes);
        }
    }
}
