//! What stands beside the text of a Word document: headers and footers of its pages, and comments.
//!
//! Owns the parts that hold them. Called by `word`, which puts comments where the text refers to them.

use std::collections::HashMap;

use super::super::transcript::single_line;
use super::margins::{Margin, Margins};
use super::package::{Package, Relations};
use super::xml::{Broken, Element, Xml};

/// Headers and footers of one document; each section may have three of both.
const MOST_PARTS: usize = 300;

/// The comments of a document by their ids.
#[derive(Debug, Default)]
pub(super) struct Comments(HashMap<String, String>);

impl Comments {
    /// Reads the part with comments as far as it is sound.
    pub(super) fn read(text: &str) -> Self {
        let mut comments = HashMap::new();
        let mut xml = Xml::new(text);
        while let Some(element) = xml.next_element() {
            if element.name() != "comment" {
                continue;
            }
            let author = single_line(&element.attribute("author").unwrap_or_default());
            let mut text = String::new();
            let read = xml.within(|xml, element| {
                match element.name() {
                    "p" | "tab" | "br" => text.push(' '),
                    "t" => text.push_str(&xml.text()?),
                    "del" | "moveFrom" | "pPr" | "rPr" => xml.skip()?,
                    _ => {}
                }
                Ok(())
            });
            if let Some(comment) = comment(&author, &text) {
                comments.insert(element.attribute("id").unwrap_or_default(), comment);
            }
            if read.is_err() {
                break;
            }
        }
        Self(comments)
    }

    /// The comment that an element refers to. It is given once.
    pub(super) fn take(&mut self, reference: &Element<'_>) -> Option<String> {
        self.0.remove(&reference.attribute("id")?)
    }
}

/// A comment as a line of its own.
pub(super) fn comment(author: &str, text: &str) -> Option<String> {
    let text = single_line(text);
    let by = match author {
        "" => String::new(),
        author => format!(" by {author}"),
    };
    (!text.is_empty()).then(|| format!("Comment{by}: {text}"))
}

/// The headers and footers that a document refers to.
pub(super) fn margins(package: &mut Package<'_>, relations: &Relations) -> Margins {
    let mut margins = Margins::default();
    for part in relations.all("header").into_iter().take(MOST_PARTS) {
        margins.add_header(read(&package.optional(part)));
    }
    for part in relations.all("footer").into_iter().take(MOST_PARTS) {
        margins.add_footer(read(&package.optional(part)));
    }
    margins
}

/// A header or footer as far as it is sound.
fn read(text: &str) -> Margin {
    let mut reader = Reader::default();
    let _ = reader.read(&mut Xml::new(text));
    reader.margin
}

#[derive(Default)]
struct Reader {
    margin: Margin,
    /// What the open field computes, and whether its last result is being read.
    field: Option<String>,
    in_result: bool,
}

impl Reader {
    fn read(&mut self, xml: &mut Xml<'_>) -> Result<(), Broken> {
        while let Some(node) = xml.next()? {
            match node {
                super::xml::Node::Open(element) => self.open(xml, &element)?,
                super::xml::Node::Close if xml.closed() == "p" => self.margin.end_paragraph(),
                _ => {}
            }
        }
        Ok(())
    }

    fn open(&mut self, xml: &mut Xml<'_>, element: &Element<'_>) -> Result<(), Broken> {
        match element.name() {
            "t" => {
                let text = xml.text()?;
                if !self.is_in_number() {
                    self.margin.push(&text);
                }
            }
            "tab" | "ptab" | "br" | "tc" => self.margin.push(" "),
            "fldSimple" if counts_pages(&element.attribute("instr").unwrap_or_default()) => {
                self.margin.number();
                xml.skip()?;
            }
            "fldChar" => match element.attribute("fldCharType").as_deref() {
                Some("begin") => (self.field, self.in_result) = (Some(String::new()), false),
                Some("separate") => self.in_result = true,
                _ => {
                    if self.field.as_deref().is_some_and(counts_pages) {
                        self.margin.number();
                    }
                    self.field = None;
                }
            },
            "instrText" => {
                let text = xml.text()?;
                if let Some(field) = &mut self.field {
                    field.push_str(&text);
                }
            }
            "del" | "moveFrom" | "pPr" | "rPr" | "sdtPr" => xml.skip()?,
            _ => {}
        }
        Ok(())
    }

    fn is_in_number(&self) -> bool {
        self.in_result && self.field.as_deref().is_some_and(counts_pages)
    }
}

/// Whether a field has the number of a page, or how many there are.
fn counts_pages(field: &str) -> bool {
    let name = field.split_whitespace().next().unwrap_or_default();
    matches!(
        name.to_uppercase().as_str(),
        "PAGE" | "NUMPAGES" | "SECTIONPAGES"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_pages_are_left_out_of_a_margin() {
        let text = "<w:ftr><w:p><w:r><w:t>Customer reference KX-20771</w:t></w:r><w:r><w:tab/></w:r>
            <w:fldSimple w:instr=' PAGE '><w:r><w:t>1</w:t></w:r></w:fldSimple></w:p>
            <w:p><w:r><w:t>Page </w:t></w:r><w:r><w:fldChar w:fldCharType='begin'/></w:r><w:r>
            <w:instrText> PAGE </w:instrText></w:r><w:r><w:fldChar w:fldCharType='separate'/></w:r><w:r>
            <w:t>7</w:t></w:r><w:r><w:fldChar w:fldCharType='end'/></w:r></w:p></w:ftr>";
        let mut margins = Margins::default();
        margins.add_footer(read(text));
        let mut expected = Margin::default();
        expected.push("Customer reference KX-20771");
        let mut wanted = Margins::default();
        wanted.add_footer(expected);
        assert_eq!(margins, wanted);
        for end in 0..text.len() {
            if text.is_char_boundary(end) {
                let _ = read(&text[..end]);
            }
        }
    }

    #[test]
    fn comments_say_whose_they_are() {
        let text = "<w:comments><w:comment w:id='1' w:author='Ana Pérez'><w:p><w:r><w:t>Really</w:t></w:r></w:p>
            <w:p><w:r><w:t>so?</w:t></w:r></w:p></w:comment><w:comment w:id='2'><w:p/></w:comment>
            <w:comment w:id='3'><w:p><w:r><w:t>Yes.";
        let comments = Comments::read(text).0;
        assert_eq!(
            comments.get("1").map(String::as_str),
            Some("Comment by Ana Pérez: Really so?")
        );
        assert_eq!(comments.get("2"), None);
    }
}
