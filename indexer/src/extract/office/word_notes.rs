//! Footnotes and endnotes of a Word document.
//!
//! Owns the parts that hold them. Called by `word`, which takes each where the text refers to it.

use std::collections::HashMap;

use super::super::transcript::single_line;
use super::xml::{Element, Xml};

/// The notes of one kind by their ids.
#[derive(Debug, Default)]
pub(super) struct Notes(HashMap<String, String>);

impl Notes {
    /// Reads a part with notes as far as it is sound.
    pub(super) fn read(text: &str) -> Self {
        let mut notes = HashMap::new();
        let mut xml = Xml::new(text);
        while let Some(element) = xml.next_element() {
            // Separators between text and notes are notes too, of another type.
            let is_note = matches!(element.name(), "footnote" | "endnote")
                && element
                    .attribute("type")
                    .is_none_or(|kind| kind == "normal");
            if !is_note {
                continue;
            }
            let id = element.attribute("id").unwrap_or_default();
            let mut note = String::new();
            let read = xml.within(|xml, element| {
                match element.name() {
                    "p" | "tab" | "br" | "tc" => note.push(' '),
                    "t" => note.push_str(&xml.text()?),
                    "del" | "moveFrom" | "pPr" | "rPr" => xml.skip()?,
                    _ => {}
                }
                Ok(())
            });
            let note = single_line(&note);
            if !note.is_empty() {
                notes.insert(id, note);
            }
            if read.is_err() {
                break;
            }
        }
        Self(notes)
    }

    /// The note that an element refers to. It is given once.
    pub(super) fn take(&mut self, reference: &Element<'_>) -> Option<String> {
        self.0.remove(&reference.attribute("id")?)
    }
}

/// A heading without the marks of its notes.
pub(super) fn without_marks(text: &str) -> String {
    let mut kept = String::new();
    for (index, part) in text.split('[').enumerate() {
        let after = part.split_once(']');
        let is_mark = |inner: &str| !inner.is_empty() && inner.chars().all(|c| c.is_ascii_digit());
        match after {
            Some((inner, after)) if index > 0 && is_mark(inner) => kept.push_str(after),
            _ if index > 0 => {
                kept.push('[');
                kept.push_str(part);
            }
            _ => kept.push_str(part),
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::without_marks;

    #[test]
    fn headings_lose_only_marks_of_notes() {
        assert_eq!(without_marks("Piers[1] [sic] x[12]"), "Piers [sic] x");
        assert_eq!(without_marks("[] a[1"), "[] a[1");
    }
}
