//! What the styles of a Word document mean: which are headings, which are a list.
//!
//! Owns the names that Word gives its own styles, which are English in every language, unlike their
//! ids. Called by `word`, once per document.

use std::collections::HashMap;

use super::word_lists::ListPlace;
use super::xml::{Broken, Element, Xml};

/// Styles build on others; a longer chain goes round in circles.
const LONGEST_CHAIN: usize = 20;

/// What a paragraph is by its style.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// The document's title.
    Title,
    /// A heading of level 1 to 6.
    Heading(u8),
    /// A line of the table of contents.
    Contents,
    Text,
}

#[derive(Debug, Default)]
struct Style {
    name: String,
    is_paragraph: bool,
    bold: Option<bool>,
    base: Option<String>,
    /// 0 for the outermost headings, 9 for text.
    outline: Option<u8>,
    place: ListPlace,
}

/// The styles of a document by their ids.
#[derive(Debug, Default)]
pub(super) struct Styles {
    styles: HashMap<String, Style>,
}

impl Styles {
    /// Reads the part with the styles as far as it is sound.
    pub(super) fn read(text: &str) -> Self {
        let mut styles = HashMap::new();
        let mut xml = Xml::new(text);
        while let Some(element) = xml.next_element() {
            if element.name() != "style" {
                continue;
            }
            let id = element.attribute("styleId").unwrap_or_default();
            let kind = element.attribute("type");
            let mut style = Style {
                is_paragraph: kind.is_none_or(|kind| kind == "paragraph"),
                ..Style::default()
            };
            if read_style(&mut xml, &mut style).is_ok() {
                styles.insert(id, style);
            }
        }
        Self { styles }
    }

    /// What a paragraph with this style is.
    pub(super) fn role(&self, id: &str) -> Role {
        if !self.styles.contains_key(id) {
            // Without the part, the id is all there is to go by.
            return by_name(id).unwrap_or(Role::Text);
        }
        let mut chain = self.chain(id).filter(|style| style.is_paragraph);
        let known = chain.find_map(|style| {
            let by_outline = style.outline.map(by_outline);
            by_name(&style.name).or(by_outline)
        });
        known.unwrap_or(Role::Text)
    }

    /// The list that paragraphs with this style are in.
    pub(super) fn place(&self, id: &str) -> ListPlace {
        let mut place = ListPlace::default();
        for style in self.chain(id) {
            place.list = place.list.or_else(|| style.place.list.clone());
            place.level = place.level.or(style.place.level);
            if place.list.is_some() {
                break;
            }
        }
        place
    }

    /// Whether text with this style is bold.
    pub(super) fn is_bold(&self, id: &str) -> bool {
        self.chain(id).find_map(|style| style.bold).unwrap_or(false)
    }

    /// Whether a table with this style has lines and nothing else, or no style at all.
    pub(super) fn is_plain_table(&self, id: &str) -> bool {
        let name = self.styles.get(id).map_or(id, |style| &style.name);
        let name = name.to_lowercase().replace(' ', "");
        matches!(
            name.as_str(),
            "" | "tablegrid" | "tablenormal" | "normaltable" | "tablegridlight"
        )
    }

    /// The style and those it builds on.
    fn chain(&self, id: &str) -> impl Iterator<Item = &Style> {
        let first = self.styles.get(id);
        let next = |style: &&Style| self.styles.get(style.base.as_ref()?);
        std::iter::successors(first, next).take(LONGEST_CHAIN)
    }
}

fn read_style(xml: &mut Xml<'_>, style: &mut Style) -> Result<(), Broken> {
    xml.within(|xml, element| {
        let value = || element.attribute("val");
        match element.name() {
            "name" => style.name = value().unwrap_or_default(),
            "basedOn" => style.base = value(),
            "outlineLvl" => style.outline = element.number("val"),
            "numId" => style.place.list = value(),
            "ilvl" => style.place.level = element.number("val"),
            "b" => style.bold = Some(is_on(element)),
            "pPr" | "numPr" | "rPr" => {}
            _ => return xml.skip(),
        }
        Ok(())
    })
}

/// Whether a property that is there says that it holds.
pub(super) fn is_on(element: &Element<'_>) -> bool {
    let value = element.attribute("val");
    !matches!(value.as_deref(), Some("0" | "false" | "off"))
}

fn by_name(name: &str) -> Option<Role> {
    let name = name.to_lowercase().replace([' ', '-', '_'], "");
    match name.as_str() {
        "title" => return Some(Role::Title),
        "tocheading" => return Some(Role::Contents),
        _ => {}
    }
    if let Some(level) = name.strip_prefix("heading") {
        return level
            .parse()
            .ok()
            .map(|level: u8| Role::Heading(level.clamp(1, 6)));
    }
    let level = name.strip_prefix("toc")?;
    level.parse::<u8>().ok().map(|_| Role::Contents)
}

/// What a paragraph with this outline level is.
pub(super) fn by_outline(level: u8) -> Role {
    match level {
        0..=8 => Role::Heading((level + 1).min(6)),
        _ => Role::Text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_are_known_by_name_outline_or_base() {
        let styles = Styles::read(
            "<w:styles>
            <w:style w:type='paragraph' w:styleId='berschrift2'><w:name w:val='heading 2'/></w:style>
            <w:style w:type='paragraph' w:styleId='Own'><w:name w:val='Kapitel'/>
                <w:basedOn w:val='berschrift2'/></w:style>
            <w:style w:type='paragraph' w:styleId='Deep'><w:name w:val='Deep'/>
                <w:pPr><w:outlineLvl w:val='7'/></w:pPr></w:style>
            <w:style w:type='paragraph' w:styleId='Not'><w:name w:val='Not'/>
                <w:basedOn w:val='berschrift2'/><w:pPr><w:outlineLvl w:val='9'/></w:pPr></w:style>
            <w:style w:type='paragraph' w:styleId='Nzev'><w:name w:val='Title'/></w:style>
            <w:style w:type='paragraph' w:styleId='Obsah1'><w:name w:val='toc 1'/></w:style>
            <w:style w:type='character' w:styleId='Char'><w:name w:val='heading 1'/>
                <w:rPr><w:b/></w:rPr></w:style>
            <w:style w:type='paragraph' w:styleId='A'><w:name w:val='a'/><w:basedOn w:val='B'/>
                <w:pPr><w:numPr><w:ilvl w:val='1'/></w:numPr></w:pPr></w:style>
            <w:style w:type='paragraph' w:styleId='B'><w:name w:val='b'/><w:basedOn w:val='A'/>
                <w:pPr><w:numPr><w:numId w:val='4'/></w:numPr></w:pPr></w:style>
            </w:styles>",
        );
        assert_eq!(styles.role("berschrift2"), Role::Heading(2));
        assert_eq!(styles.role("Own"), Role::Heading(2));
        assert_eq!(styles.role("Deep"), Role::Heading(6));
        assert_eq!(styles.role("Not"), Role::Text);
        assert_eq!(styles.role("Nzev"), Role::Title);
        assert_eq!(styles.role("Obsah1"), Role::Contents);
        assert_eq!(styles.role("Char"), Role::Text);
        assert!(styles.is_bold("Char") && !styles.is_bold("A"));
        assert_eq!(styles.role("A"), Role::Text);
        assert_eq!(styles.role("Heading3"), Role::Heading(3));
        let place = styles.place("A");
        assert_eq!((place.list.as_deref(), place.level), (Some("4"), Some(1)));
    }
}
