//! Comments on the slides of a presentation.
//!
//! Owns the parts that hold them, those of older and of newer programs. Called by `slides`, which puts them below what
//! the speaker noted.

use std::collections::HashMap;

use super::super::transcript::single_line;
use super::package::{Package, Relations};
use super::word_margins::comment;
use super::xml::{Element, Node, Xml};

/// Names of who comments, by their ids.
#[derive(Debug, Default)]
pub(super) struct Authors(HashMap<String, String>);

impl Authors {
    /// The authors that a presentation refers to.
    pub(super) fn read(package: &mut Package<'_>, presentation: &Relations) -> Self {
        let mut authors = HashMap::new();
        for part in ["commentAuthors", "authors"] {
            let text = presentation.only(part).map(|part| package.optional(part));
            let text = text.unwrap_or_default();
            let mut xml = Xml::new(&text);
            while let Some(element) = xml.next_element() {
                let is_author = matches!(element.name(), "cmAuthor" | "author");
                if let (true, Some(id), Some(name)) = (
                    is_author,
                    element.attribute("id"),
                    element.attribute("name"),
                ) {
                    authors.insert(id, single_line(&name));
                }
            }
        }
        Self(authors)
    }

    fn of(&self, element: &Element<'_>) -> String {
        let id = element.attribute("authorId").unwrap_or_default();
        self.0.get(&id).cloned().unwrap_or_default()
    }
}

/// The comments on a slide, each with its answers after it, as far as they are sound.
pub(super) fn comments(
    package: &mut Package<'_>,
    slide: &Relations,
    authors: &Authors,
) -> Vec<String> {
    let parts = slide.all("comments").into_iter();
    let texts: Vec<String> = parts.map(|part| package.optional(part)).collect();
    texts.iter().flat_map(|text| read(text, authors)).collect()
}

fn read(text: &str, authors: &Authors) -> Vec<String> {
    let mut xml = Xml::new(text);
    // Author and text in the order in which they begin, and which are open.
    let mut found: Vec<(String, String)> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    while let Ok(Some(node)) = xml.next() {
        match node {
            Node::Open(element) => match element.name() {
                "cm" | "reply" => {
                    open.push(found.len());
                    found.push((authors.of(&element), String::new()));
                }
                "t" | "text" => {
                    let text = xml.text().unwrap_or_default();
                    if let Some((_, said)) = open.last().and_then(|at| found.get_mut(*at)) {
                        said.push_str(&text);
                    }
                }
                _ => {}
            },
            Node::Close if matches!(xml.closed(), "cm" | "reply") => {
                open.pop();
            }
            Node::Close if xml.closed() == "p" => {
                if let Some((_, said)) = open.last().and_then(|at| found.get_mut(*at)) {
                    said.push(' ');
                }
            }
            _ => {}
        }
    }
    let comments = found.into_iter();
    comments
        .filter_map(|(author, text)| comment(&author, &text))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_stand_before_their_answers() {
        let authors = Authors(HashMap::from([("{a}".to_owned(), "Ana".to_owned())]));
        let newer = "<p188:cmLst><p188:cm authorId='{a}'><p188:replyLst><p188:reply authorId='{b}'>
            <p188:txBody><a:p><a:r><a:t>Agreed</a:t></a:r></a:p></p188:txBody></p188:reply></p188:replyLst>
            <p188:txBody><a:p><a:r><a:t>Too </a:t></a:r><a:r><a:t>long?</a:t></a:r></a:p></p188:txBody></p188:cm>
            </p188:cmLst>";
        assert_eq!(
            read(newer, &authors),
            ["Comment by Ana: Too long?", "Comment: Agreed"]
        );
        let older =
            "<p:cmLst><p:cm authorId='{a}'><p:pos/><p:text>Ask first</p:text></p:cm></p:cmLst>";
        assert_eq!(read(older, &authors), ["Comment by Ana: Ask first"]);
        for end in 0..newer.len() {
            let _ = read(&newer[..end], &authors);
        }
    }
}
