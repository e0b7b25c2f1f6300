//! `PowerPoint` presentations (.pptx and its kin): each slide is a page, in the order they are shown.
//!
//! Owns what the shapes of a slide mean as text: the title first, as its heading, then the others in
//! the order of the file, then what the speaker noted and what others did. Numbers, dates and footers of slides are left
//! out; hidden slides are not, and are marked.

use std::collections::HashSet;

use super::super::transcript::single_line;
use super::super::{Extracted, Limits, Rejection};
use super::flow::{Flow, Piece};
use super::package::{Package, Relations};
use super::slide_comments::{Authors, comments};
use super::xml::{Broken, Element, Node, Xml};
use super::{damaged, drawing};

/// Reads a presentation.
pub(in super::super) fn extract(bytes: &[u8], limits: &Limits) -> Result<Extracted, Rejection> {
    let mut package = Package::open(bytes, "presentation")?;
    let main = package.main_part("ppt/presentation.xml");
    let Some(text) = package.text(&main)? else {
        return Err(package.not_valid("it has no list of slides"));
    };
    let relations = package.relations(&main);
    let authors = Authors::read(&mut package, &relations);
    let slides = slides(&text, &relations);
    let mut flow = Flow::new(limits);
    let mut read = Ok(());
    for (number, part) in (1..).zip(slides) {
        if flow.is_full() {
            break;
        }
        flow.page(number);
        let slide = read_slide(&mut package, &part, &authors, &mut flow)?;
        read = read.and(slide);
    }
    let title = package.title();
    let document = flow.finish("pptx", title, limits);
    damaged(document, read, &package)
}

/// The parts with the slides, in order.
fn slides(presentation: &str, relations: &Relations) -> Vec<String> {
    let mut xml = Xml::new(presentation);
    let mut slides = Vec::new();
    let mut known = HashSet::new();
    while let Some(element) = xml.next_element() {
        let id = (element.name() == "sldId")
            .then(|| element.prefixed("id"))
            .flatten();
        if let Some(slide) = id.and_then(|id| relations.part(&id))
            && known.insert(slide)
        {
            slides.push(slide.to_owned());
        }
    }
    slides
}

/// Writes a slide and its notes down; the inner result says whether all of them was sound.
fn read_slide(
    package: &mut Package<'_>,
    part: &str,
    authors: &Authors,
    flow: &mut Flow,
) -> Result<Result<(), Broken>, Rejection> {
    let Some(text) = package.text(part)? else {
        return Ok(Ok(()));
    };
    let relations = package.relations(part);
    let mut reader = Reader::new(package, &relations, flow);
    let read = reader.read(&mut Xml::new(&text));
    let is_hidden = reader.is_hidden;
    let (title, pieces) = reader.finish();
    flow.add(Piece::Heading(1, title));
    if is_hidden {
        flow.add(Piece::Paragraph("(hidden slide)".to_owned()));
    }
    flow.add_all(pieces);
    let notes = relations.only("notesSlide");
    let notes = notes.map(|notes| notes_text(&package.optional(notes)));
    if let Some(notes) = notes.filter(|notes| !notes.is_empty()) {
        flow.add(Piece::Paragraph(format!("Notes: {notes}")));
    }
    for comment in comments(package, &relations, authors) {
        flow.add(Piece::Paragraph(comment));
    }
    Ok(read)
}

/// What the speaker noted: the text in the placeholder for it.
fn notes_text(text: &str) -> String {
    let mut xml = Xml::new(text);
    let mut is_body = false;
    let mut notes = String::new();
    while let Ok(Some(node)) = xml.next() {
        match node {
            Node::Open(element) => match element.name() {
                "sp" => is_body = false,
                "ph" => is_body = element.attribute("type").as_deref() == Some("body"),
                "t" if is_body => notes.push_str(&xml.text().unwrap_or_default()),
                "br" if is_body => notes.push('\n'),
                _ => {}
            },
            Node::Close if is_body && xml.closed() == "p" => notes.push('\n'),
            _ => {}
        }
    }
    notes.trim().to_owned()
}

/// What a shape is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Role {
    #[default]
    Box,
    /// A placeholder whose paragraphs are the items of a list unless they say otherwise.
    Body,
    Title,
    /// The slide's number, its date, its footer.
    Margin,
}

/// One pass over a slide.
struct Reader<'r, 'b> {
    package: &'r mut Package<'b>,
    relations: &'r Relations,
    flow: &'r mut Flow,
    /// Pieces of the shapes read so far, without the title.
    pieces: Vec<Piece>,
    title: String,
    role: Role,
    in_table: bool,
    /// It is not shown when the others are.
    is_hidden: bool,
    /// The paragraph before, in the same shape, is no item.
    follows: bool,
    paragraph: Paragraph,
}

#[derive(Default)]
struct Paragraph {
    text: String,
    depth: usize,
    /// Whether it has a bullet or number, where it says so.
    bullet: Option<bool>,
}

impl<'r, 'b> Reader<'r, 'b> {
    fn new(package: &'r mut Package<'b>, relations: &'r Relations, flow: &'r mut Flow) -> Self {
        // Everything is kept back until the title is known.
        flow.hold();
        Self {
            package,
            relations,
            flow,
            pieces: Vec::new(),
            title: String::new(),
            role: Role::default(),
            in_table: false,
            is_hidden: false,
            follows: false,
            paragraph: Paragraph::default(),
        }
    }

    fn read(&mut self, xml: &mut Xml<'_>) -> Result<(), Broken> {
        while let Some(node) = xml.next()? {
            match node {
                Node::Open(element) => self.open(xml, &element)?,
                Node::Close => self.close(xml.closed()),
                Node::Text(_) => {}
            }
        }
        Ok(())
    }

    /// The slide's title and everything else on it.
    fn finish(mut self) -> (String, Vec<Piece>) {
        if self.in_table {
            self.flow.close_table();
        }
        self.pieces.extend(self.flow.release());
        (self.title, self.pieces)
    }

    fn open(&mut self, xml: &mut Xml<'_>, element: &Element<'_>) -> Result<(), Broken> {
        match element.name() {
            "sld" => {
                let shown = element.attribute("show");
                self.is_hidden = matches!(shown.as_deref(), Some("0" | "false"));
            }
            "sp" | "graphicFrame" => (self.role, self.follows) = (Role::Box, false),
            "ph" => self.role = role(element),
            "p" => self.paragraph = Paragraph::default(),
            "pPr" => {
                self.paragraph.depth = element.number("lvl").unwrap_or(0).min(8);
                self.read_bullet(xml)?;
            }
            "t" => self.paragraph.text.push_str(&xml.text()?),
            "br" => self.paragraph.text.push('\n'),
            "tab" => self.paragraph.text.push('\t'),
            "tbl" => {
                self.flow.open_table();
                self.in_table = true;
            }
            "tblPr" => {
                let first = element.attribute("firstRow");
                if matches!(first.as_deref(), Some("1" | "true")) {
                    self.flow.mark_styled();
                }
            }
            "tr" => self.flow.open_row(false),
            "tc" => {
                self.flow.open_cell();
                if matches!(element.attribute("vMerge").as_deref(), Some("1" | "true")) {
                    self.flow.continue_cell();
                }
            }
            "chart" | "relIds" => {
                let pieces = drawing::pieces(self.package, self.relations, element);
                self.flow.add_all(pieces);
            }
            "fld" if is_number(element) => xml.skip()?,
            "pic" | "extLst" | "timing" | "rPr" | "endParaRPr" | "lstStyle" => xml.skip()?,
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self, name: &str) {
        match name {
            "p" => self.close_paragraph(),
            "tc" => self.flow.close_cell(),
            "tbl" if self.in_table => {
                self.flow.close_table();
                self.in_table = false;
            }
            _ => {}
        }
    }

    fn read_bullet(&mut self, xml: &mut Xml<'_>) -> Result<(), Broken> {
        let bullet = &mut self.paragraph.bullet;
        xml.within(|xml, element| {
            match element.name() {
                "buNone" => *bullet = Some(false),
                "buChar" | "buAutoNum" | "buBlip" => *bullet = Some(true),
                _ => {}
            }
            xml.skip()
        })
    }

    fn close_paragraph(&mut self) {
        let Paragraph {
            text,
            depth,
            bullet,
        } = std::mem::take(&mut self.paragraph);
        let text = text.trim();
        if text.is_empty() || self.role == Role::Margin {
            return;
        }
        if self.in_table {
            return self.flow.add(Piece::Paragraph(text.to_owned()));
        }
        if self.role == Role::Title {
            self.title = single_line(&format!("{} {text}", self.title));
            return;
        }
        let is_item = bullet.unwrap_or(self.role == Role::Body);
        let follows = std::mem::replace(&mut self.follows, !is_item);
        self.flow.add(if is_item {
            Piece::Item(depth, format!("- {text}"))
        } else if follows {
            Piece::Line(text.to_owned())
        } else {
            Piece::Paragraph(text.to_owned())
        });
    }
}

fn role(placeholder: &Element<'_>) -> Role {
    match placeholder.attribute("type").as_deref() {
        Some("title" | "ctrTitle") => Role::Title,
        Some("dt" | "ftr" | "hdr" | "sldNum") => Role::Margin,
        None | Some("body" | "obj") => Role::Body,
        Some(_) => Role::Box,
    }
}

/// Whether a field is the slide's number or the date.
fn is_number(field: &Element<'_>) -> bool {
    let kind = field.attribute("type").unwrap_or_default();
    kind == "slidenum" || kind.starts_with("datetime")
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::super::package::tests::{bomb, zipped};
    use super::*;

    fn read(bytes: &[u8]) -> Result<Extracted, Rejection> {
        extract(bytes, &Limits::new("unused".into()))
    }

    const PRESENTATION: (&str, &str) = (
        "ppt/presentation.xml",
        "<p:presentation><p:sldIdLst><p:sldId id='256' r:id='rId2'/><p:sldId id='257' r:id='rId1'/>
        <p:sldId id='258' r:id='rId2'/></p:sldIdLst></p:presentation>",
    );

    const RELATIONS: (&str, &str) = (
        "ppt/_rels/presentation.xml.rels",
        "<Relationships><Relationship Id='rId1' Type='x/slide' Target='slides/slide1.xml'/>
        <Relationship Id='rId2' Type='x/slide' Target='slides/slide2.xml'/></Relationships>",
    );

    const FIRST: (&str, &str) = (
        "ppt/slides/slide1.xml",
        "<p:sld show='0'><p:cSld><p:spTree><p:grpSp><p:sp><p:nvSpPr><p:nvPr/></p:nvSpPr><p:txBody>
        <a:p><a:r><a:t>In a </a:t></a:r><a:r><a:t>group</a:t></a:r></a:p>
        <a:p><a:r><a:t>Second line</a:t></a:r></a:p></p:txBody></p:sp></p:grpSp>
        <p:graphicFrame><a:tbl><a:tblPr firstRow='1'/><a:tr><a:tc><a:txBody><a:p><a:r><a:t>Ship</a:t>
        </a:r></a:p></a:txBody></a:tc><a:tc><a:p><a:r><a:t>Tons</a:t></a:r></a:p></a:tc></a:tr>
        <a:tr><a:tc><a:p><a:r><a:t>Ada</a:t></a:r></a:p></a:tc><a:tc><a:p><a:r><a:t>70</a:t></a:r>
        </a:p></a:tc></a:tr></a:tbl></p:graphicFrame></p:spTree></p:cSld></p:sld>",
    );

    const SECOND: (&str, &str) = (
        "ppt/slides/slide2.xml",
        "<p:sld><p:sp><p:nvPr><p:ph idx='1'/></p:nvPr><p:txBody><a:p><a:r><a:t>One</a:t></a:r></a:p>
        <a:p><a:pPr lvl='1'/><a:r><a:t>Inner</a:t></a:r></a:p>
        <a:p><a:pPr><a:buNone/></a:pPr><a:r><a:t>Plain</a:t><a:br/></a:r></a:p></p:txBody></p:sp>
        <p:sp><p:ph type='ctrTitle'/><a:p><a:r><a:t>The port</a:t></a:r></a:p></p:sp>
        <p:sp><p:ph type='sldNum'/><a:p><a:fld type='slidenum'><a:t>2</a:t></a:fld></a:p></p:sp></p:sld>",
    );

    const NOTES: [(&str, &str); 2] = [
        (
            "ppt/slides/_rels/slide2.xml.rels",
            "<Relationships><Relationship Id='n' Type='x/notesSlide' Target='../notes/n.xml'/>
            </Relationships>",
        ),
        (
            "ppt/notes/n.xml",
            "<p:notes><p:sp><p:ph type='sldImg'/></p:sp><p:sp><p:ph type='body'/><a:p><a:r>
            <a:t>Say hello.</a:t></a:r></a:p></p:sp><p:sp><p:ph type='sldNum'/><a:p><a:t>2</a:t></a:p>
            </p:sp></p:notes>",
        ),
    ];

    #[test]
    fn slides_are_pages_in_the_order_they_are_shown() {
        let [relations, notes] = NOTES;
        let parts = [PRESENTATION, RELATIONS, FIRST, SECOND, relations, notes];
        let document = read(&zipped(&parts)).expect("text");
        assert_eq!(document.extractor, "pptx");
        assert_eq!(document.title.as_deref(), Some("The port"));
        let pages = document.pages.iter().map(|page| {
            let text = &document.text[page.start..page.end];
            format!("{}: {text}", page.number)
        });
        let pages: Vec<_> = pages.collect();
        expect![[r#"
            1: The port

            - One
              - Inner

            Plain

            Notes: Say hello.
            ---
            2: (hidden slide)

            In a group
            Second line

            Ship: Ada; Tons: 70"#]]
        .assert_eq(&pages.join("\n---\n"));
        let headings: Vec<_> = document
            .headings
            .iter()
            .map(|heading| &*heading.text)
            .collect();
        assert_eq!(headings, ["The port"]);
    }

    #[test]
    fn what_is_missing_or_damaged_does_not_take_the_rest() {
        let document = read(&zipped(&[PRESENTATION, RELATIONS, FIRST])).expect("text");
        assert!(document.text.starts_with("(hidden slide)\n\nIn a group"));
        let half = ("ppt/slides/slide2.xml", &SECOND.1[..SECOND.1.len() / 2]);
        let document = read(&zipped(&[PRESENTATION, RELATIONS, FIRST, half])).expect("text");
        assert!(document.text.contains("- One") && document.text.contains("In a group"));
        assert!(document.notice.is_some());
        let none = read(&zipped(&[PRESENTATION])).expect_err("no slides");
        assert_eq!(none, Rejection::skipped("no text in it"));
        assert!(matches!(read(&zipped(&[])), Err(Rejection::Failed(_))));
        assert!(read(&bomb("ppt/presentation.xml", 200)).is_err());
    }

    #[test]
    fn no_damage_crashes_the_reader() {
        let whole = zipped(&[PRESENTATION, RELATIONS, FIRST, SECOND]);
        for end in (0..whole.len()).step_by(7) {
            assert!(read(&whole[..end]).is_err(), "{end}");
        }
        for end in 0..SECOND.1.len() {
            let part = (SECOND.0, &SECOND.1[..end]);
            let _ = read(&zipped(&[PRESENTATION, RELATIONS, part]));
        }
    }
}
