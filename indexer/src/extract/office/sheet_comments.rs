//! Comments on the cells of an Excel workbook made of XML.
//!
//! Owns the parts that hold them: notes, and threads of comments, which Excel repeats as notes for older programs. Called
//! by `workbook`, which puts each at its cell.

use std::collections::{BTreeMap, HashMap};

use super::super::transcript::single_line;
use super::grid::{Cell, Kind};
use super::package::{Package, Relations};
use super::word_margins::comment;
use super::workbook::place_of;
use super::xml::{Element, Xml};

/// How a note begins that repeats a thread.
const REPEATED: &str = "[Threaded comment]";

/// A row, counted from 1, and a column, counted from 0.
pub(super) type Place = (u64, usize);

/// The comments of a sheet that are not at their cells yet.
#[derive(Debug, Default)]
pub(super) struct Comments(BTreeMap<Place, String>);

impl Comments {
    /// Reads the comments of the sheet in this part as far as they are sound.
    pub(super) fn read(package: &mut Package<'_>, sheet: &str, people: &People) -> Self {
        let relations = package.relations(sheet);
        let mut comments = Self::default();
        if let Some(part) = relations.only("threadedComment") {
            comments.read_threads(&package.optional(part), people);
        }
        if let Some(part) = relations.only("comments") {
            comments.read_notes(&package.optional(part));
        }
        comments
    }

    fn read_threads(&mut self, text: &str, people: &People) {
        let mut xml = Xml::new(text);
        while let Some(element) = xml.next_element() {
            if element.name() != "threadedComment" {
                continue;
            }
            let place = element.attribute("ref").and_then(|at| place_of(&at));
            let author = element.attribute("personId").unwrap_or_default();
            let author = people.0.get(&author).cloned().unwrap_or_default();
            let Some(text) = all_text(&mut xml) else {
                return;
            };
            self.add(place, &author, &text);
        }
    }

    fn read_notes(&mut self, text: &str) {
        let mut authors = Vec::new();
        let mut xml = Xml::new(text);
        while let Some(element) = xml.next_element() {
            match element.name() {
                "author" => authors.push(xml.text().unwrap_or_default()),
                "comment" => {
                    let place = element.attribute("ref").and_then(|at| place_of(&at));
                    let author = author(&authors, &element);
                    let Some(text) = all_text(&mut xml) else {
                        return;
                    };
                    if text.starts_with(REPEATED) && !self.0.is_empty() {
                        continue;
                    }
                    // Excel writes the author's name at the beginning of the text, too.
                    let own = text.trim().strip_prefix(author);
                    let own = own.and_then(|text| text.strip_prefix(':'));
                    self.add(place, author, own.unwrap_or(&text));
                }
                _ => {}
            }
        }
    }

    fn add(&mut self, place: Option<Place>, author: &str, text: &str) {
        let (Some(place), Some(comment)) = (place, comment(author, text)) else {
            return;
        };
        let known = self.0.entry(place).or_default();
        if !known.is_empty() {
            known.push_str("; ");
        }
        known.push_str(&comment);
    }

    /// Puts the comments on a row at its cells.
    pub(super) fn put(&mut self, row: u64, cells: &mut Vec<Cell>) {
        let places = self.0.range((row, 0)..=(row, usize::MAX));
        let places: Vec<Place> = places.map(|(place, _)| *place).collect();
        for place in places {
            let comment = self.0.remove(&place);
            let (_, column) = place;
            match cells.iter_mut().find(|cell| cell.column == column) {
                Some(cell) => cell.comment = comment,
                None => cells.push(Cell {
                    comment,
                    ..Cell::new(column, "", Kind::Words)
                }),
            }
        }
        cells.sort_by_key(|cell| cell.column);
    }

    /// A row with comments on cells that hold nothing.
    pub(super) fn next_row(&self) -> Option<u64> {
        self.0.keys().next().map(|(row, _)| *row)
    }
}

/// Names of who writes in threads, by their ids.
#[derive(Debug, Default)]
pub(super) struct People(HashMap<String, String>);

impl People {
    /// The people that a workbook refers to.
    pub(super) fn read(package: &mut Package<'_>, workbook: &Relations) -> Self {
        let Some(part) = workbook.only("person") else {
            return Self::default();
        };
        let text = package.optional(part);
        let mut xml = Xml::new(&text);
        let mut people = HashMap::new();
        while let Some(element) = xml.next_element() {
            if let ("person", Some(id), Some(name)) = (
                element.name(),
                element.attribute("id"),
                element.attribute("displayName"),
            ) {
                people.insert(id, single_line(&name));
            }
        }
        Self(people)
    }
}

fn author<'a>(authors: &'a [String], comment: &Element<'_>) -> &'a str {
    let author = comment
        .number("authorId")
        .and_then(|id: usize| authors.get(id));
    author.map_or("", |author| author.trim())
}

/// The text in the element just opened; `None` where it is damaged.
fn all_text(xml: &mut Xml<'_>) -> Option<String> {
    let mut text = String::new();
    let read = xml.within(|xml, element| {
        match element.name() {
            "t" | "text" => text.push_str(&xml.text()?),
            "rPh" | "mentions" => xml.skip()?,
            _ => {}
        }
        Ok(())
    });
    read.ok().map(|()| text)
}
