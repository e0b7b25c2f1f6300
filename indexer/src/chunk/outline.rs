//! The sections of a document and which of them share a chunk.
//!
//! Owns the rule that a chunk crosses neither a page nor an important heading, with its exception
//! for sections too small to stand alone. It cuts nothing smaller than a section; that is `breaks`.

use std::ops::Range;

use super::ChunkSettings;
use crate::extract::{Extracted, Heading, Page};

/// Sections below this many bytes say too little alone: a note made of many one-line headings
/// should not become a hundred chunks.
const SMALL_BYTES: usize = 200;

/// Headings up to this level separate chunks even where the texts would fit together.
const STRONG_LEVEL: u8 = 2;

/// The stretch from one heading or page to the next.
#[derive(Debug, Clone, Copy)]
struct Section {
    start: usize,
    end: usize,
    /// The heading the section is under, as an index.
    heading: Option<usize>,
    /// The level of the heading it starts with; 0 where it starts with none.
    level: u8,
    /// There is text below the heading.
    has_text: bool,
    page: Option<u32>,
}

/// Sections that may share a chunk.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub start: usize,
    pub end: usize,
    pub page: Option<u32>,
    sections: Range<usize>,
    level: u8,
    /// Every section in it is small.
    small: bool,
    has_text: bool,
}

/// A document's sections and the tree of its headings.
pub(super) struct Outline {
    sections: Vec<Section>,
    /// For each heading the heading above it.
    parents: Vec<Option<usize>>,
}

impl Outline {
    pub(super) fn new(document: &Extracted) -> Self {
        Self {
            sections: sections(document),
            parents: parents(&document.headings),
        }
    }

    /// Puts sections together, in order.
    pub(super) fn groups(&self, settings: &ChunkSettings) -> Vec<Group> {
        let mut groups: Vec<Group> = Vec::new();
        for unit in self.units() {
            match groups.last_mut() {
                Some(group) if self.joins(group, &unit, settings) => group.absorb(&unit),
                _ => groups.push(unit),
            }
        }
        groups
    }

    /// The first of the group's sections, counted from `from`, that reaches beyond `position`.
    pub(super) fn first_section(&self, group: &Group, from: usize, position: usize) -> usize {
        let sections = &self.sections[group.sections.clone()];
        let mut first = from;
        while first + 1 < sections.len() && sections[first].end <= position {
            first += 1;
        }
        first
    }

    /// The headings above all text in `span`, outermost first. Headings without text of their own
    /// count only where there is nothing else.
    pub(super) fn heading_path(
        &self,
        document: &Extracted,
        group: &Group,
        from: usize,
        span: Range<usize>,
    ) -> Vec<String> {
        let sections = &self.sections[group.sections.clone()][from..];
        let within = || {
            sections
                .iter()
                .take_while(|section| section.start < span.end)
        };
        let mut headings = within().filter(|s| s.has_text).map(|s| s.heading);
        let common = match headings.next() {
            Some(first) => headings.fold(first, |common, heading| self.common(common, heading)),
            None => within()
                .map(|section| section.heading)
                .reduce(|common, heading| self.common(common, heading))
                .flatten(),
        };
        let mut path: Vec<String> = self
            .upwards(common)
            .map(|heading| document.headings[heading].text.clone())
            .filter(|text| !text.is_empty())
            .collect();
        path.reverse();
        path
    }

    /// Sections with the headings that have no text of their own put before what follows them: a
    /// heading alone is no passage.
    fn units(&self) -> Vec<Group> {
        let mut units: Vec<Group> = Vec::new();
        for (index, section) in self.sections.iter().enumerate() {
            let unit = Group {
                start: section.start,
                end: section.end,
                page: section.page,
                sections: index..index + 1,
                level: section.level,
                small: section.end - section.start < SMALL_BYTES,
                has_text: section.has_text,
            };
            match units.last_mut() {
                Some(last) if !last.has_text && last.page == unit.page => last.absorb(&unit),
                _ => units.push(unit),
            }
        }
        units
    }

    fn joins(&self, group: &Group, unit: &Group, settings: &ChunkSettings) -> bool {
        if group.page != unit.page {
            return false;
        }
        let size = unit.end - group.start;
        // Headings at the end, with nothing below them, have only the text before them to go to.
        if !unit.has_text {
            return size <= settings.max_bytes;
        }
        let sections = &self.sections[group.sections.clone()];
        let first = sections
            .iter()
            .find(|section| section.has_text)
            .and_then(|s| s.heading);
        let above = first.and_then(|heading| self.parents[heading]);
        let under = self.sections[unit.sections.start].heading;
        if above.is_some() && !self.upwards(under).any(|heading| Some(heading) == above) {
            return false;
        }
        if unit.level <= STRONG_LEVEL {
            return group.small && unit.small && size <= settings.target_bytes;
        }
        let either_small = group.end - group.start < SMALL_BYTES || unit.small;
        size <= settings.target_bytes || (either_small && size <= settings.max_bytes)
    }

    /// The innermost heading above both.
    fn common(&self, one: Option<usize>, other: Option<usize>) -> Option<usize> {
        self.upwards(one)
            .find(|heading| self.upwards(other).any(|above| above == *heading))
    }

    fn upwards(&self, heading: Option<usize>) -> impl Iterator<Item = usize> + '_ {
        std::iter::successors(heading, |heading| self.parents[*heading])
    }
}

impl Group {
    fn absorb(&mut self, next: &Self) {
        self.end = next.end;
        self.sections.end = next.sections.end;
        self.small &= next.small;
        self.has_text |= next.has_text;
        self.level = self.level.min(next.level);
    }
}

/// Cuts the body at headings and pages. Sections are trimmed, and empty ones left out.
fn sections(document: &Extracted) -> Vec<Section> {
    let body = document.body.clone();
    let mut cuts = vec![(body.start, None)];
    cuts.extend(document.pages.iter().map(|page| (page.start, None)));
    cuts.extend(
        document
            .headings
            .iter()
            .enumerate()
            .map(|(i, heading)| (heading.start, Some(i))),
    );
    cuts.retain(|(position, _)| body.contains(position));
    // Where a page starts with a heading, the heading comes last and thereby has the text.
    cuts.sort_by_key(|(position, heading)| (*position, heading.is_some()));
    let ends: Vec<usize> = cuts.iter().skip(1).map(|(position, _)| *position).collect();
    let mut sections = Vec::with_capacity(cuts.len());
    let mut heading = None;
    for ((position, starts), end) in cuts.into_iter().zip(ends.into_iter().chain([body.end])) {
        heading = starts.or(heading);
        let (start, end) = super::trim(&document.text, position, end);
        if start < end {
            let level = starts.map_or(0, |index| document.headings[index].level);
            sections.push(Section {
                start,
                end,
                heading,
                level,
                has_text: starts.is_none() || heading_end(&document.text[start..end]) < end - start,
                page: page_at(&document.pages, start),
            });
        }
    }
    sections
}

/// The length of the heading that `text` starts with: a line, and the line that underlines it, and in
/// reStructuredText perhaps one above it, too.
pub(super) fn heading_end(text: &str) -> usize {
    let mut lines = text.split_inclusive('\n');
    let mut line = || lines.next().unwrap_or_default();
    let (first, second) = (line(), line());
    if first.trim_start().starts_with('#') && !is_rule(first) {
        return first.len();
    }
    if is_rule(second) && !is_rule(first) {
        return first.len() + second.len();
    }
    let third = line();
    if is_rule(first) && !second.trim().is_empty() && third.trim_end() == first.trim_end() {
        return first.len() + second.len() + third.len();
    }
    first.len()
}

/// A line of one repeated mark. Markdown needs one of two marks once, reStructuredText any of them twice.
fn is_rule(line: &str) -> bool {
    let line = line.trim().as_bytes();
    let Some(mark) = line.first() else {
        return false;
    };
    line.iter().all(|byte| byte == mark)
        && match mark {
            b'=' | b'-' => true,
            mark => mark.is_ascii_punctuation() && line.len() > 1 && !matches!(line, b".." | b"::"),
        }
}

/// For each heading the nearest earlier one of a lower level.
fn parents(headings: &[Heading]) -> Vec<Option<usize>> {
    let mut open: Vec<usize> = Vec::new();
    let mut parents = Vec::with_capacity(headings.len());
    for (index, heading) in headings.iter().enumerate() {
        while open
            .last()
            .is_some_and(|last| headings[*last].level >= heading.level)
        {
            open.pop();
        }
        parents.push(open.last().copied());
        open.push(index);
    }
    parents
}

fn page_at(pages: &[Page], position: usize) -> Option<u32> {
    let after = pages.partition_point(|page| page.start <= position);
    pages.get(after.saturating_sub(1)).map(|page| page.number)
}

#[cfg(test)]
mod tests {
    use super::heading_end;

    #[test]
    fn a_heading_ends_where_its_lines_end() {
        for (heading, below) in [
            ("# One\n", "---\nText"),
            ("# One\n", "\nText"),
            ("One\n===\n", "Text"),
            ("One\n-\n", "Text"),
            ("One\n~~~~\n", "Text"),
            ("One\n####\n", "Text"),
            ("####\n One\n####\n", "Text"),
            ("====\n One\n====\n", "----\n"),
            ("\"\"\"\nOne\n\"\"\"\n", ""),
            ("====\n", "One\n----\n"),
            ("One\n", "..\n"),
            ("One\n", "Two\n---\n"),
            ("One", ""),
        ] {
            assert_eq!(
                heading_end(&format!("{heading}{below}")),
                heading.len(),
                "{heading}{below}"
            );
        }
    }
}
