//! The numbers and marks that Word puts before paragraphs, counted as Word counts them.
//!
//! Owns what numbers look like. People cite clauses by numbers that are nowhere in the text of the
//! document. Called by `word` for each paragraph of a list.

use std::collections::{HashMap, HashSet};

use super::xml::{Broken, Element, Xml};

/// Levels that a list can have.
const LEVELS: usize = 9;

/// The mark of a list stands before each of its paragraphs, so it is short (bytes).
const LONGEST_PATTERN: usize = 60;

/// Where in which list a paragraph stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ListPlace {
    pub list: Option<String>,
    /// 0 for the outermost.
    pub level: Option<usize>,
}

#[derive(Debug, Clone, Default)]
struct Level {
    format: String,
    /// The mark, with `%1` for the number of the first level.
    pattern: String,
    start: u32,
}

/// Several lists may share a definition, and its counters.
#[derive(Debug, Default)]
struct Definition {
    levels: Vec<Level>,
    counters: [Option<u32>; LEVELS],
}

#[derive(Debug, Default)]
struct List {
    definition: String,
    /// Numbers that levels start at anew.
    starts: HashMap<usize, u32>,
}

/// The lists of a document.
#[derive(Debug, Default)]
pub(super) struct Lists {
    definitions: HashMap<String, Definition>,
    by_id: HashMap<String, List>,
    begun: HashSet<String>,
}

impl Lists {
    /// Reads the part with the lists as far as it is sound.
    pub(super) fn read(text: &str) -> Self {
        let mut lists = Self::default();
        let mut xml = Xml::new(text);
        while let Some(element) = xml.next_element() {
            match element.name() {
                "abstractNum" => {
                    let id = element.attribute("abstractNumId").unwrap_or_default();
                    let levels = read_levels(&mut xml).unwrap_or_default();
                    let counters = [None; LEVELS];
                    lists
                        .definitions
                        .insert(id, Definition { levels, counters });
                }
                "num" => {
                    let id = element.attribute("numId").unwrap_or_default();
                    let list = read_list(&mut xml).unwrap_or_default();
                    lists.by_id.insert(id, list);
                }
                _ => {}
            }
        }
        lists
    }

    /// The mark of the next paragraph at this place: `-` where it is no number. `None` for a paragraph
    /// that is in no list.
    pub(super) fn mark(&mut self, place: &ListPlace) -> Option<String> {
        let id = place.list.as_deref().filter(|id| *id != "0")?;
        let level = place.level.unwrap_or(0).min(LEVELS - 1);
        let Some(list) = self.by_id.get(id) else {
            return Some("-".to_owned());
        };
        let Some(definition) = self.definitions.get_mut(&list.definition) else {
            return Some("-".to_owned());
        };
        if self.begun.insert(id.to_owned()) {
            for (level, start) in &list.starts {
                if let Some(counter) = definition.counters.get_mut(*level) {
                    *counter = start.checked_sub(1);
                }
            }
        }
        definition.count(level, list.starts.get(&level).copied());
        Some(definition.mark(level))
    }
}

impl Definition {
    fn count(&mut self, level: usize, start: Option<u32>) {
        let own = self.levels.get(level).map_or(1, |level| level.start);
        for (index, counter) in self.counters.iter_mut().enumerate() {
            if index == level {
                let first = start.unwrap_or(own);
                *counter = Some(counter.map_or(first, |number| number.saturating_add(1)));
            } else if index > level {
                *counter = None;
            }
        }
    }

    fn mark(&self, level: usize) -> String {
        let Some(known) = self.levels.get(level) else {
            return "-".to_owned();
        };
        let is_number = known.pattern.contains('%') && known.pattern.len() <= LONGEST_PATTERN;
        if matches!(known.format.as_str(), "bullet" | "none") || !is_number {
            return "-".to_owned();
        }
        let mut mark = known.pattern.clone();
        for (index, counter) in self.counters.iter().enumerate().take(level + 1) {
            let placeholder = format!("%{}", index + 1);
            if mark.contains(&placeholder) {
                let (format, start) = self
                    .levels
                    .get(index)
                    .map_or(("", 1), |level| (level.format.as_str(), level.start));
                mark = mark.replace(&placeholder, &number(counter.unwrap_or(start), format));
            }
        }
        match mark.trim() {
            "" => "-".to_owned(),
            mark => mark.to_owned(),
        }
    }
}

fn read_levels(xml: &mut Xml<'_>) -> Result<Vec<Level>, Broken> {
    let mut levels = Vec::new();
    xml.within(|xml, element| {
        if element.name() != "lvl" {
            return xml.skip();
        }
        let index = element.number("ilvl").unwrap_or(LEVELS);
        let level = read_level(xml)?;
        if index < LEVELS {
            if levels.len() <= index {
                levels.resize(index + 1, Level::default());
            }
            levels[index] = level;
        }
        Ok(())
    })?;
    Ok(levels)
}

fn read_level(xml: &mut Xml<'_>) -> Result<Level, Broken> {
    let mut level = Level {
        format: "decimal".to_owned(),
        start: 1,
        ..Level::default()
    };
    xml.within(|xml, element| {
        match element.name() {
            "start" => level.start = element.number("val").unwrap_or(1),
            "numFmt" => level.format = element.attribute("val").unwrap_or_default(),
            "lvlText" => level.pattern = element.attribute("val").unwrap_or_default(),
            _ => return xml.skip(),
        }
        Ok(())
    })?;
    Ok(level)
}

fn read_list(xml: &mut Xml<'_>) -> Result<List, Broken> {
    let mut list = List::default();
    let mut level = 0;
    xml.within(|xml, element: &Element<'_>| {
        match element.name() {
            "abstractNumId" => list.definition = element.attribute("val").unwrap_or_default(),
            "lvlOverride" => level = element.number("ilvl").unwrap_or(0),
            "startOverride" => {
                list.starts
                    .insert(level, element.number("val").unwrap_or(1));
            }
            _ => return xml.skip(),
        }
        Ok(())
    })?;
    Ok(list)
}

/// A number as lists write it.
fn number(value: u32, format: &str) -> String {
    match format {
        "lowerLetter" => letters(value).to_lowercase(),
        "upperLetter" => letters(value),
        "lowerRoman" => roman(value).to_lowercase(),
        "upperRoman" => roman(value),
        "decimalZero" => format!("{value:02}"),
        _ => value.to_string(),
    }
}

/// A to Z, then AA to ZZ.
fn letters(value: u32) -> String {
    let Some(index) = value.checked_sub(1) else {
        return value.to_string();
    };
    let letter = char::from(b'A' + u8::try_from(index % 26).unwrap_or(0));
    let times = usize::try_from(index / 26).unwrap_or(0) + 1;
    if times > 10 {
        return value.to_string();
    }
    letter.to_string().repeat(times)
}

fn roman(value: u32) -> String {
    const NUMERALS: &[(u32, &str)] = &[
        (1000, "M"),
        (900, "CM"),
        (500, "D"),
        (400, "CD"),
        (100, "C"),
        (90, "XC"),
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    ];
    if !(1..4000).contains(&value) {
        return value.to_string();
    }
    let mut left = value;
    let mut text = String::new();
    for (worth, numeral) in NUMERALS {
        while left >= *worth {
            text.push_str(numeral);
            left -= worth;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lists() -> Lists {
        Lists::read(
            "<w:numbering><w:abstractNum w:abstractNumId='5'>
            <w:lvl w:ilvl='0'><w:start w:val='1'/><w:numFmt w:val='decimal'/><w:lvlText w:val='%1.'/>
            </w:lvl><w:lvl w:ilvl='1'><w:start w:val='1'/><w:numFmt w:val='decimal'/>
            <w:lvlText w:val='%1.%2'/></w:lvl><w:lvl w:ilvl='2'><w:start w:val='3'/>
            <w:numFmt w:val='lowerRoman'/><w:lvlText w:val='(%3)'/></w:lvl></w:abstractNum>
            <w:abstractNum w:abstractNumId='6'><w:lvl w:ilvl='0'><w:numFmt w:val='bullet'/>
            <w:lvlText w:val='\u{f0b7}'/></w:lvl></w:abstractNum>
            <w:num w:numId='1'><w:abstractNumId w:val='5'/></w:num>
            <w:num w:numId='2'><w:abstractNumId w:val='6'/></w:num>
            <w:num w:numId='3'><w:abstractNumId w:val='5'/><w:lvlOverride w:ilvl='0'>
            <w:startOverride w:val='7'/></w:lvlOverride></w:num></w:numbering>",
        )
    }

    #[test]
    fn numbers_are_counted_by_level() {
        let mut lists = lists();
        let mut marks = |list: &str, levels: &[usize]| {
            let marks = levels.iter().map(|level| {
                lists.mark(&ListPlace {
                    list: Some(list.to_owned()),
                    level: Some(*level),
                })
            });
            marks
                .map(Option::unwrap_or_default)
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(
            marks("1", &[0, 1, 1, 2, 2, 0, 1]),
            "1. 1.1 1.2 (iii) (iv) 2. 2.1"
        );
        assert_eq!(marks("2", &[0, 0, 5]), "- - -");
        assert_eq!(marks("3", &[0, 0, 1]), "7. 8. 8.1");
        assert_eq!(marks("9", &[0]), "-");
        assert_eq!(marks("0", &[0]), "");
    }

    #[test]
    fn numbers_are_written_in_every_way() {
        assert_eq!(number(28, "lowerLetter"), "bb");
        assert_eq!(number(1994, "upperRoman"), "MCMXCIV");
        assert_eq!(number(0, "upperLetter"), "0");
        assert_eq!(number(u32::MAX, "upperRoman"), u32::MAX.to_string());
        assert_eq!(number(u32::MAX, "upperLetter"), u32::MAX.to_string());
        assert_eq!(number(7, "decimalZero"), "07");
    }
}
