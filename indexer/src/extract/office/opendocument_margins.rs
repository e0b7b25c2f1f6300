//! What stands beside the text of an `OpenDocument` file: headers and footers of its pages, and comments.
//!
//! Owns the elements that hold them. Called by `opendocument`.

use super::super::transcript::single_line;
use super::margins::{Margin, Margins};
use super::word_margins::comment;
use super::xml::{Broken, Node, Xml};

/// The headers and footers in a part with styles, as far as it is sound.
pub(super) fn margins(text: &str) -> Margins {
    let mut margins = Margins::default();
    let mut xml = Xml::new(text);
    while let Some(element) = xml.next_element() {
        if xml.parent() != "master-page" {
            continue;
        }
        let name = element.name();
        let is_header = matches!(name, "header" | "header-left" | "header-first");
        let is_footer = matches!(name, "footer" | "footer-left" | "footer-first");
        if !(is_header || is_footer) || element.attribute("display").as_deref() == Some("false") {
            continue;
        }
        let mut margin = Margin::default();
        let read = margin_text(&mut xml, &mut margin);
        if is_header {
            margins.add_header(margin);
        } else {
            margins.add_footer(margin);
        }
        if read.is_err() {
            break;
        }
    }
    margins
}

/// What is in the margin just opened.
fn margin_text(xml: &mut Xml<'_>, margin: &mut Margin) -> Result<(), Broken> {
    let mut depth = 0_usize;
    while let Some(node) = xml.next()? {
        match node {
            Node::Open(element) => match element.name() {
                "page-number" | "page-count" => {
                    margin.number();
                    xml.skip()?;
                }
                "annotation" | "tracked-changes" | "binary-data" | "title" | "desc" => {
                    xml.skip()?;
                }
                name => {
                    if matches!(name, "s" | "tab" | "line-break") {
                        margin.push(" ");
                    }
                    depth += 1;
                }
            },
            Node::Text(text) => margin.push(&text),
            Node::Close if depth == 0 => break,
            Node::Close => {
                depth -= 1;
                if matches!(xml.closed(), "p" | "h") {
                    margin.end_paragraph();
                }
            }
        }
    }
    Ok(())
}

/// The comment in the element just opened, as a line of its own.
pub(super) fn annotation(xml: &mut Xml<'_>) -> Result<Option<String>, Broken> {
    let mut author = String::new();
    let mut text = String::new();
    xml.within(|xml, element| {
        match element.name() {
            "creator" => author = single_line(&xml.text()?),
            "p" | "h" => {
                text.push(' ');
                text.push_str(&xml.text()?);
            }
            "date" | "date-string" | "creator-initials" => xml.skip()?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(comment(&author, &text))
}

#[cfg(test)]
mod tests {
    use super::super::super::Limits;
    use super::super::flow::Flow;
    use super::*;

    #[test]
    fn margins_of_all_pages_are_found() {
        let text = "<s><office:master-styles><style:master-page style:name='Standard'><style:header>
            <text:p>Harbour <text:span>office</text:span></text:p></style:header><style:header-left
            style:display='false'><text:p>no</text:p></style:header-left><style:footer><text:p>Page
            <text:page-number>3</text:page-number> of <text:page-count>9</text:page-count></text:p>
            <text:p>File<text:s/>KX-1</text:p></style:footer></style:master-page></office:master-styles>
            <text:header><text:p>none</text:p></text:header></s>";
        let limits = Limits::new("unused".into());
        let mut flow = Flow::new(&limits);
        let mut found = margins(text);
        found.write_headers(&mut flow);
        found.write_footers(&mut flow);
        let document = flow.finish("test", None, &limits).expect("text");
        assert_eq!(
            document.text,
            "Page header: Harbour office\n\nPage footer: File KX-1"
        );
        for end in 0..text.len() {
            let _ = margins(&text[..end]);
        }
    }
}
