//! Drawings (.svg): their words, their title and their description.
//!
//! Owns what of a drawing is text. Shapes are not looked at: words that are drawn as outlines are not read, and a
//! drawing without words is a picture.

use super::super::transcript::{Transcript, single_line};
use super::super::{Extracted, Limits, Rejection};
use super::package::not_valid;
use super::xml::{Broken, Element, Node, Pass, Xml};
use super::{beginning_with, partly};

const WHAT: &str = "SVG image";

/// Reads a drawing.
pub(in super::super) fn extract(bytes: &[u8], limits: &Limits) -> Result<Extracted, Rejection> {
    let text = beginning_with(bytes, WHAT, |root| root == "svg")?;
    let mut reader = Reader {
        transcript: Transcript::new(limits),
        title: None,
        says: false,
    };
    let read = reader.read(&mut Xml::new(&text));
    if !reader.says {
        return Err(match read {
            Ok(()) => Rejection::skipped("image (SVG)"),
            Err(broken) => not_valid(WHAT, broken),
        });
    }
    let title = reader.title;
    let document = reader.transcript.finish("svg", title, limits);
    partly(document, read, |broken| not_valid(WHAT, broken))
}

/// One pass over the drawing.
struct Reader {
    transcript: Transcript,
    title: Option<String>,
    /// There are words besides the title: icons have one too.
    says: bool,
}

impl Pass for Reader {
    fn is_full(&self) -> bool {
        self.transcript.is_full()
    }

    fn open(&mut self, xml: &mut Xml<'_>, element: &Element<'_>) -> Result<(), Broken> {
        if is_hidden(element) {
            return xml.skip();
        }
        match element.name() {
            "title" if xml.parent() == "svg" && self.title.is_none() => {
                let title = single_line(&xml.text()?);
                self.transcript.heading(1, &title);
                self.title = Some(title).filter(|title| !title.is_empty());
            }
            "title" | "desc" => {
                let text = single_line(&xml.text()?);
                self.says |= !text.is_empty();
                self.transcript.paragraph(&text);
            }
            "text" => {
                let text = words(xml)?;
                self.says |= !text.is_empty();
                self.transcript.line(&text);
            }
            "foreignObject" => {
                let in_choice = xml.parent() == "switch";
                let text = block(xml)?;
                self.says |= !text.is_empty();
                self.transcript.line(&text);
                // The same words follow for programs that cannot draw these.
                if in_choice && !text.is_empty() {
                    xml.leave()?;
                }
            }
            "style" | "script" | "metadata" => xml.skip()?,
            _ => {}
        }
        Ok(())
    }
}

/// The words in the element just opened; a part that is placed below another begins a line.
fn words(xml: &mut Xml<'_>) -> Result<String, Broken> {
    let mut lines = vec![String::new()];
    let mut depth = 0_usize;
    while let Some(node) = xml.next()? {
        match node {
            Node::Open(element) if is_hidden(&element) || element.name() == "title" => {
                xml.skip()?;
            }
            Node::Open(element) => {
                depth += 1;
                let moves = |name: &str| element.attribute(name).is_some_and(|by| by.trim() != "0");
                if element.name() == "tspan" && (moves("y") || moves("dy")) {
                    lines.push(String::new());
                } else if element.attribute("x").is_some() {
                    push(&mut lines, " ");
                }
            }
            Node::Text(text) => push(&mut lines, &text),
            Node::Close if depth == 0 => break,
            Node::Close => depth -= 1,
        }
    }
    let lines = lines.iter().map(|line| single_line(line));
    let lines: Vec<String> = lines.filter(|line| !line.is_empty()).collect();
    Ok(lines.join("\n"))
}

fn push(lines: &mut [String], text: &str) {
    if let Some(line) = lines.last_mut() {
        line.push_str(text);
    }
}

/// Text of a web page within a drawing.
fn block(xml: &mut Xml<'_>) -> Result<String, Broken> {
    let mut text = String::new();
    let mut depth = 0_usize;
    while let Some(node) = xml.next()? {
        match node {
            Node::Open(element) => {
                depth += 1;
                if matches!(element.name(), "br" | "div" | "li" | "p" | "td" | "tr") {
                    text.push(' ');
                }
            }
            Node::Text(part) => text.push_str(&part),
            Node::Close if depth == 0 => break,
            Node::Close => depth -= 1,
        }
    }
    Ok(single_line(&text))
}

fn is_hidden(element: &Element<'_>) -> bool {
    let is = |name: &str, value: &str| element.attribute(name).as_deref() == Some(value);
    let style = element
        .attribute("style")
        .unwrap_or_default()
        .replace(' ', "");
    is("display", "none")
        || is("visibility", "hidden")
        || style.contains("display:none")
        || style.contains("visibility:hidden")
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn read(text: &str) -> Result<Extracted, Rejection> {
        extract(text.as_bytes(), &Limits::new("unused".into()))
    }

    const DRAWING: &str = "<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'><title>The port
        </title><desc>Plan of the piers</desc><style>text{fill:red}</style><metadata><dc:title>x</dc:title>
        </metadata><g><title>Pier 1</title><text x='1' y='2'>North <tspan font-weight='bold'>pier</tspan></text>
        <text><tspan x='1' y='1'>First line</tspan><tspan x='1' dy='12'>second line</tspan></text>
        <text><tspan x='1'>Length</tspan><tspan x='50'>412 m</tspan></text><text display='none'>secret</text>
        <text style='display: none'>secret</text><switch><foreignObject><div>Crane<br/>7 tons</div>
        </foreignObject><text>Crane 7...</text></switch><text>End</text></g></svg>";

    #[test]
    fn words_titles_and_descriptions_are_read() {
        let document = read(DRAWING).expect("text");
        expect![[r#"
            The port

            Plan of the piers

            Pier 1
            North pier
            First line
            second line
            Length 412 m
            Crane 7 tons
            End"#]]
        .assert_eq(&document.text);
        assert_eq!(document.title.as_deref(), Some("The port"));
    }

    #[test]
    fn a_drawing_without_words_is_a_picture() {
        let icon = "<svg><title>Home</title><path d='M0 0'/><text> </text></svg>";
        assert_eq!(read(icon), Err(Rejection::skipped("image (SVG)")));
        assert!(matches!(read("<html/>"), Err(Rejection::Failed(_))));
        assert!(matches!(read(""), Err(Rejection::Failed(_))));
    }

    #[test]
    fn hostile_drawings_do_no_harm() {
        let limits = Limits::new("unused".into());
        for end in 0..DRAWING.len() {
            let _ = extract(&DRAWING.as_bytes()[..end], &limits);
            let mut spoilt = DRAWING.as_bytes().to_vec();
            spoilt[end] = b'<';
            let _ = extract(&spoilt, &limits);
        }
        for part in ["g", "text", "tspan", "foreignObject", "title", "switch"] {
            let deep = format!("<svg>{}", format!("<{part}>").repeat(100_000));
            assert!(read(&deep).is_err(), "{part}");
        }
        let bomb =
            "<!DOCTYPE l [<!ENTITY a 'lol'><!ENTITY b '&a;&a;'>]><svg><text>x&b;</text></svg>";
        assert_eq!(read(bomb).expect("text").text, "x&b;");
    }
}
