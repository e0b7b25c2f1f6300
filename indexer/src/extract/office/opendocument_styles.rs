//! The styles of an `OpenDocument` file: what builds on what, and what is bold.
//!
//! Called by `opendocument` for the part with the styles and for those within the content.

use std::collections::HashMap;

use super::xml::{Broken, Element, Node, Xml};

/// Styles build on others; a longer chain goes round in circles.
const LONGEST_CHAIN: usize = 20;

#[derive(Default)]
struct Style {
    base: Option<String>,
    bold: Option<bool>,
}

/// The styles of a document by name.
#[derive(Default)]
pub(super) struct Styles(HashMap<String, Style>);

impl Styles {
    /// Adds the styles of a part.
    pub(super) fn read(&mut self, xml: &mut Xml<'_>) -> Result<(), Broken> {
        while let Some(node) = xml.next()? {
            if let Node::Open(element) = node
                && element.name() == "style"
            {
                self.read_style(xml, &element)?;
            }
        }
        Ok(())
    }

    /// Adds the style just opened.
    pub(super) fn read_style(
        &mut self,
        xml: &mut Xml<'_>,
        element: &Element<'_>,
    ) -> Result<(), Broken> {
        let mut style = Style {
            base: element.attribute("parent-style-name"),
            bold: None,
        };
        xml.within(|_, element| {
            if element.name() == "text-properties" {
                let weight = element.attribute("font-weight");
                style.bold = style.bold.or(weight.map(|weight| weight == "bold"));
            }
            Ok(())
        })?;
        self.0
            .insert(element.attribute("name").unwrap_or_default(), style);
        Ok(())
    }

    /// Whether the style is the one of this name or builds on it.
    pub(super) fn is(&self, style: &str, name: &str) -> bool {
        let next = |style: &&str| self.0.get(*style)?.base.as_deref();
        let mut chain = std::iter::successors(Some(style), next).take(LONGEST_CHAIN);
        chain.any(|style| style == name)
    }

    pub(super) fn is_bold(&self, style: &str) -> bool {
        let next = |style: &&Style| self.0.get(style.base.as_ref()?);
        let mut chain = std::iter::successors(self.0.get(style), next).take(LONGEST_CHAIN);
        chain.find_map(|style| style.bold).unwrap_or(false)
    }
}
