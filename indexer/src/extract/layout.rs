//! Glyphs on a PDF page to lines and paragraphs.
//!
//! Owns the geometry: which glyphs make a word, a line, a paragraph, and in which order lines are read
//! where the page draws them in none. Runs in the child process. What the lines say is `page_text`'s
//! business.

mod order;
mod rows;
mod table;

use std::collections::BTreeMap;
use std::fmt;

use pdf_extract::{MediaBox, OutputDev, OutputError, Transform};
use unicode_normalization::UnicodeNormalization;

use super::page_text::{is_cjk, is_rtl};

/// A gap of this many font sizes is a space between words. Kerning stays below, and the narrowest
/// spaces of justified text are nearly twice as wide.
const WORD_GAP: f64 = 0.12;

/// The same in scripts without spaces, where justified lines are spread and a space is as wide as a
/// character.
const CJK_WORD_GAP: f64 = 0.7;

/// A gap of this many font sizes lies between columns of a table. It becomes a tab.
const COLUMN_GAP: f64 = 1.6;

/// Moving across by this many font sizes starts a line; super- and subscripts move less.
const LINE_SHIFT: f64 = 0.5;

/// A line this many times further down than usual starts a paragraph.
const PARAGRAPH_LEADING: f64 = 1.3;

/// Sizes that differ by more than this factor do not share a paragraph.
const SIZE_CHANGE: f64 = 1.15;

/// The same glyph again, this many font sizes further: letters are drawn twice to look bold.
const BOLD_SHIFT: f64 = 0.08;

/// Collects one page's glyphs in the order in which the page draws them. Nearly all programs draw
/// text in reading order, and sorting by position would break up what belongs together; pages that
/// visibly do otherwise are sorted by `reading_order`.
pub(super) struct PageLayout {
    lines: Vec<Line>,
    /// What is said of the page, and where on it that is.
    comments: Vec<((f64, f64), String)>,
    last: Option<Last>,
    /// Text the page may still take, in bytes.
    budget: usize,
    full: bool,
}

/// A glyph's place on the page, in points.
#[derive(Debug, Clone, Copy)]
pub(super) struct Glyph {
    pub origin: (f64, f64),
    /// A vector of length one in the direction of writing.
    pub direction: (f64, f64),
    /// How far the glyph itself reaches in the direction of writing.
    pub advance: f64,
    /// The font's size.
    pub size: f64,
}

/// Where a glyph stands. `along` runs in the direction of writing and `across` from later lines to
/// earlier ones, so that a page lying on its side reads like any other.
#[derive(Debug, Clone, Copy)]
struct Place {
    direction: (f64, f64),
    along: f64,
    across: f64,
    size: f64,
}

/// The glyph drawn last, and how to take it back.
struct Last {
    place: Place,
    end: f64,
    text: String,
    /// How many lines there were before it, and the length and end of the last of them.
    lines: usize,
    length: usize,
    line_end: f64,
}

/// Glyphs on one baseline, without a wide gap between them.
#[derive(Debug, Clone)]
struct Line {
    text: String,
    first: Place,
    end: f64,
    /// Gaps within it, any of which may lie between columns of text.
    gaps: Vec<Gap>,
    /// A wide gap separates it from the line before it, which is on the same baseline.
    is_cell: bool,
}

/// A gap in a line: its offset in the text, and from where to where it reaches.
#[derive(Debug, Clone, Copy)]
struct Gap {
    offset: usize,
    from: f64,
    to: f64,
}

impl PageLayout {
    /// An empty page that may take `budget` bytes of text.
    pub(super) fn new(budget: usize) -> Self {
        Self {
            lines: Vec::new(),
            comments: Vec::new(),
            last: None,
            budget,
            full: false,
        }
    }

    /// An empty page that may take as much more.
    pub(super) fn beside(&self) -> Self {
        Self::new(self.budget)
    }

    /// Whether text was left out for want of budget.
    pub(super) fn is_full(&self) -> bool {
        self.full
    }

    /// Adds a glyph that stands for `text`; false where there is no budget for it.
    pub(super) fn draw(&mut self, glyph: Glyph, text: &str) -> bool {
        if !self.takes(text) {
            return false;
        }
        let place = glyph.place();
        if place.is_finite() {
            self.add(place, glyph.advance, text);
        }
        true
    }

    /// Adds what was filled in on the page, where it is read with what stands beside it or above it; false where there
    /// is no budget for it.
    pub(super) fn fill_in(&mut self, glyph: Glyph, text: &str) -> bool {
        if !self.takes(text) {
            return false;
        }
        let place = glyph.place();
        if place.is_finite() {
            self.last = None;
            rows::fill_in(&mut self.lines, place, glyph.advance, text);
        }
        true
    }

    /// Adds what is said of this place on the page, to be read after its paragraph; false where there is no budget for
    /// it.
    pub(super) fn comment(&mut self, subject: (f64, f64), text: String) -> bool {
        if !self.takes(&text) {
            return false;
        }
        self.comments.push((subject, text));
        true
    }

    /// Whether a line of the page has this text.
    pub(super) fn has(&self, text: &str) -> bool {
        let text = text.trim().to_lowercase();
        let mut lines = self.lines.iter();
        lines.any(|line| line.text.to_lowercase().contains(&text))
    }

    fn takes(&mut self, text: &str) -> bool {
        let left = self.budget.checked_sub(text.len());
        self.full |= left.is_none();
        self.budget = left.unwrap_or(self.budget);
        left.is_some()
    }

    /// The page as text: a line end between lines, a blank line between paragraphs, a tab between
    /// columns.
    pub(super) fn text(&self) -> String {
        let in_rows = table::in_rows(&self.lines);
        let lines = in_rows.as_ref().unwrap_or(&self.lines);
        let sorted = order::reading_order(lines);
        let lines = without_blanks(sorted.as_ref().unwrap_or(lines));
        let lines = rows::whole_cells(&rows::aligned(&lines));
        let leading = usual_leading(&lines);
        let mut text = String::new();
        let mut row: Option<&Line> = None;
        let mut previous: Option<&Line> = None;
        let mut comments = self.comments_by_line(&lines);
        let mut said: Vec<&str> = Vec::new();
        for (index, line) in lines.iter().enumerate() {
            let here = comments.remove(&index).unwrap_or_default();
            if previous.is_some_and(|previous| is_shadow(previous, line)) {
                said.extend(here);
                continue;
            }
            match (row, previous) {
                (Some(_), _) if line.is_cell => text.push('\t'),
                // Rows of a table may stand apart.
                (Some(row), Some(last))
                    if last.is_cell && starts_row(&lines[index..]) && begins_below(row, line) =>
                {
                    text.push('\n');
                }
                (Some(row), Some(last)) if starts_paragraph(row, last, line, leading) => {
                    push_paragraphs(&mut text, said.drain(..));
                    text.push_str("\n\n");
                }
                (Some(_), _) => text.push('\n'),
                (None, _) => {}
            }
            if !line.is_cell {
                row = Some(line);
            }
            text.push_str(&line.text);
            previous = Some(line);
            said.extend(here);
        }
        push_paragraphs(
            &mut text,
            said.into_iter().chain(comments.into_values().flatten()),
        );
        text
    }

    /// The comments by the line that each is about: the nearest.
    fn comments_by_line(&self, lines: &[Line]) -> BTreeMap<usize, Vec<&str>> {
        let mut by_line: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
        for (subject, comment) in &self.comments {
            let distances = lines.iter().map(|line| line.distance(*subject));
            let nearest = distances.enumerate().min_by(|a, b| a.1.total_cmp(&b.1));
            let nearest = nearest.map_or(0, |(index, _)| index);
            by_line.entry(nearest).or_default().push(comment);
        }
        by_line
    }

    fn add(&mut self, place: Place, advance: f64, text: &str) {
        let Some(last) = self.last.take() else {
            return self.put(place, advance, text);
        };
        if last.is_repeated(place, text) {
            self.last = Some(last);
        } else if let Some((accented, place, advance)) = last.accented(place, advance, text) {
            self.take_back(&last);
            self.put(place, advance, &accented);
        } else {
            self.put(place, advance, text);
        }
    }

    fn put(&mut self, place: Place, advance: f64, text: &str) {
        let line = self.lines.last();
        self.last = Some(Last {
            place,
            end: place.along + advance,
            text: text.to_owned(),
            lines: self.lines.len(),
            length: line.map_or(0, |line| line.text.len()),
            line_end: line.map_or(0.0, |line| line.end),
        });
        let mut is_cell = false;
        if let Some(line) = self.lines.last_mut() {
            if continues(line, place) {
                let gap = (place.along - line.end) / place.size;
                if gap <= COLUMN_GAP {
                    if gap > WORD_GAP {
                        line.gaps.push(Gap {
                            offset: line.text.len(),
                            from: line.end,
                            to: place.along,
                        });
                    }
                    line.append(gap, text);
                    line.end = place.along + advance;
                    line.first.size = line.first.size.max(place.size);
                    return;
                }
                is_cell = true;
            } else if precedes(line, place, advance) {
                line.text.insert_str(0, text);
                line.first.along = place.along;
                line.gaps.clear();
                self.last = None;
                return;
            }
        }
        self.lines.push(Line {
            text: text.to_owned(),
            first: place,
            end: place.along + advance,
            gaps: Vec::new(),
            is_cell,
        });
    }

    fn take_back(&mut self, last: &Last) {
        self.lines.truncate(last.lines);
        if let Some(line) = self.lines.last_mut() {
            line.text.truncate(last.length);
            line.gaps.retain(|gap| gap.offset < last.length);
            line.end = last.line_end;
        }
    }
}

impl Glyph {
    fn place(&self) -> Place {
        let ((x, y), (dx, dy)) = (self.origin, self.direction);
        Place {
            direction: (dx, dy),
            along: x * dx + y * dy,
            across: y * dx - x * dy,
            size: self.size,
        }
    }
}

impl Place {
    /// Damaged files have coordinates that are no numbers.
    fn is_finite(&self) -> bool {
        self.along.is_finite() && self.across.is_finite() && self.size.is_finite()
    }
}

impl Line {
    /// How far a point is from it, mostly how far above or below.
    fn distance(&self, (x, y): (f64, f64)) -> f64 {
        const SIDEWAYS: f64 = 0.2;
        let (dx, dy) = self.first.direction;
        let (along, across) = (x * dx + y * dy, y * dx - x * dy);
        let beside = (self.first.along - along).max(along - self.end).max(0.0);
        (across - self.first.across).abs() + SIDEWAYS * beside
    }

    /// Adds text that follows after `gap` font sizes.
    fn append(&mut self, gap: f64, text: &str) {
        let (left, right) = (self.text.chars().next_back(), text.chars().next());
        let is_cjk = left.is_some_and(is_cjk) && right.is_some_and(is_cjk);
        let word_gap = if is_cjk { CJK_WORD_GAP } else { WORD_GAP };
        if gap > word_gap && left != Some(' ') && right != Some(' ') {
            self.text.push(' ');
        }
        self.text.push_str(text);
    }

    /// Adds what stands before it.
    fn prepend(&mut self, other: &Self) {
        for gap in &mut self.gaps {
            gap.offset += other.text.len() + 1;
        }
        self.text.insert(0, ' ');
        self.text.insert_str(0, &other.text);
        self.first.along = other.first.along;
    }
}

impl Last {
    /// Whether the glyph that follows is the same at about the same place.
    fn is_repeated(&self, place: Place, text: &str) -> bool {
        let near = BOLD_SHIFT * place.size;
        self.text == text
            && !text.trim().is_empty()
            && same_direction(self.place.direction, place.direction)
            && (self.place.along - place.along).abs() < near
            && (self.place.across - place.across).abs() < near
    }

    /// The letter with its accent where one is drawn over the other, as TeX does.
    fn accented(&self, place: Place, advance: f64, text: &str) -> Option<(String, Place, f64)> {
        let (start, end) = (place.along, place.along + advance);
        let overlap = self.end.min(end) - self.place.along.max(start);
        let narrower = (self.end - self.place.along).min(advance);
        let is_over = same_direction(self.place.direction, place.direction)
            && (self.place.across - place.across).abs() < 0.6 * place.size
            && narrower > 0.0
            && overlap > 0.5 * narrower;
        if !is_over {
            return None;
        }
        let (letter, accent, base) = match (combining(&self.text), combining(text)) {
            (Some(accent), None) => (text, accent, (place, advance)),
            (None, Some(accent)) => (
                self.text.as_str(),
                accent,
                (self.place, self.end - self.place.along),
            ),
            _ => return None,
        };
        let mut letters = letter.chars();
        let letter = match (letters.next()?, letters.next()) {
            ('ı', None) => 'i',
            ('ȷ', None) => 'j',
            (letter, None) if letter.is_alphabetic() => letter,
            _ => return None,
        };
        let accented = [letter, accent].into_iter().nfc().collect();
        Some((accented, base.0, base.1))
    }
}

/// The combining form of an accent that stands alone.
fn combining(text: &str) -> Option<char> {
    let mut characters = text.chars();
    let accent = match characters.next()? {
        '`' => '\u{300}',
        '´' => '\u{301}',
        '^' | 'ˆ' => '\u{302}',
        '~' | '˜' => '\u{303}',
        '¯' | 'ˉ' => '\u{304}',
        '˘' => '\u{306}',
        '˙' => '\u{307}',
        '¨' => '\u{308}',
        '˚' => '\u{30a}',
        '˝' => '\u{30b}',
        'ˇ' => '\u{30c}',
        '¸' => '\u{327}',
        '˛' => '\u{328}',
        combining @ '\u{300}'..='\u{32f}' => combining,
        _ => return None,
    };
    characters.next().is_none().then_some(accent)
}

impl OutputDev for PageLayout {
    fn begin_page(
        &mut self,
        _: u32,
        _: &MediaBox,
        _: Option<(f64, f64, f64, f64)>,
    ) -> Result<(), OutputError> {
        Ok(())
    }

    fn end_page(&mut self) -> Result<(), OutputError> {
        Ok(())
    }

    fn output_character(
        &mut self,
        transform: &Transform,
        width: f64,
        spacing: f64,
        font_size: f64,
        text: &str,
    ) -> Result<(), OutputError> {
        let stretch = transform.m11.hypot(transform.m12);
        let size = font_size.abs() * transform.m21.hypot(transform.m22);
        if stretch <= 0.0 || size <= 0.0 {
            return Ok(());
        }
        let glyph = Glyph {
            origin: (transform.m31, transform.m32),
            direction: (transform.m11 / stretch, transform.m12 / stretch),
            advance: (width * font_size.abs() + spacing) * stretch,
            size,
        };
        // An error is the only way to stop the interpreter before the page ends.
        let drawn = self.draw(glyph, text);
        if drawn {
            Ok(())
        } else {
            Err(fmt::Error.into())
        }
    }

    fn begin_word(&mut self) -> Result<(), OutputError> {
        Ok(())
    }

    fn end_word(&mut self) -> Result<(), OutputError> {
        Ok(())
    }

    fn end_line(&mut self) -> Result<(), OutputError> {
        Ok(())
    }
}

fn push_paragraphs<'a>(text: &mut String, paragraphs: impl Iterator<Item = &'a str>) {
    for paragraph in paragraphs {
        if !text.is_empty() {
            text.push_str("\n\n");
        }
        text.push_str(paragraph);
    }
}

fn same_direction(a: (f64, f64), b: (f64, f64)) -> bool {
    a.0 * b.0 + a.1 * b.1 > 0.99
}

fn continues(line: &Line, place: Place) -> bool {
    let size = line.first.size.max(place.size);
    same_direction(line.first.direction, place.direction)
        && (line.first.across - place.across).abs() < LINE_SHIFT * size
        && place.along > line.end - LINE_SHIFT * size
}

/// Whether a glyph goes before a line: some programs draw Arabic and Hebrew from right to left.
fn precedes(line: &Line, place: Place, advance: f64) -> bool {
    let gap = (line.first.along - place.along - advance) / place.size;
    same_direction(line.first.direction, place.direction)
        && (line.first.across - place.across).abs() < 0.3 * place.size
        && (-0.3..0.4).contains(&gap)
        && line.text.chars().any(is_rtl)
}

/// Slides and covers draw a text twice, slightly shifted, for bold or shadowed letters.
fn is_shadow(previous: &Line, line: &Line) -> bool {
    let near = 0.3 * line.first.size;
    previous.text == line.text
        && (previous.first.along - line.first.along).abs() < near
        && (previous.first.across - line.first.across).abs() < near
}

/// Lines that have text. Where a row loses its first cell, the next one takes its place.
fn without_blanks(lines: &[Line]) -> Vec<Line> {
    let mut kept: Vec<Line> = Vec::with_capacity(lines.len());
    let mut is_row = false;
    for line in lines {
        is_row &= line.is_cell;
        if line.text.trim().is_empty() {
            continue;
        }
        kept.push(Line {
            is_cell: is_row && line.is_cell,
            ..line.clone()
        });
        is_row = true;
    }
    kept
}

/// The median distance between lines that follow each other downwards, or 0 where there are none.
fn usual_leading(lines: &[Line]) -> f64 {
    let mut drops: Vec<f64> = lines
        .windows(2)
        .filter(|pair| !pair[1].is_cell)
        .filter(|pair| same_direction(pair[0].first.direction, pair[1].first.direction))
        .map(|pair| {
            (
                pair[0].first.across - pair[1].first.across,
                pair[1].first.size,
            )
        })
        .filter(|(drop, size)| *drop > LINE_SHIFT * size && *drop < 3.0 * size)
        .map(|(drop, _)| drop)
        .collect();
    drops.sort_by(f64::total_cmp);
    drops.get(drops.len() / 2).copied().unwrap_or(0.0)
}

/// Whether the first of these lines is a row's first cell.
fn starts_row(lines: &[Line]) -> bool {
    lines.get(1).is_some_and(|next| next.is_cell)
}

/// Whether a row begins where the row above it does, and not far below.
fn begins_below(row: &Line, line: &Line) -> bool {
    const FAR: f64 = 10.0;
    let (above, here) = (row.first, line.first);
    let size = above.size.max(here.size);
    let drop = above.across - here.across;
    same_direction(above.direction, here.direction)
        && (above.along - here.along).abs() < 0.5 * size
        && drop > 0.0
        && drop < FAR * size
}

/// Whether a line does not go on with the paragraph of the row before it, of which `last` is the last
/// cell.
fn starts_paragraph(row: &Line, last: &Line, line: &Line, leading: f64) -> bool {
    let (before, here) = (row.first, line.first);
    let ratio = before.size / here.size;
    if !same_direction(before.direction, here.direction)
        || !(1.0 / SIZE_CHANGE..=SIZE_CHANGE).contains(&ratio)
    {
        return true;
    }
    let drop = before.across - here.across;
    if drop > PARAGRAPH_LEADING * leading && drop > LINE_SHIFT * here.size {
        return true;
    }
    // Up again is the next column, and further right is an indent; both may be the middle of a
    // sentence, the latter in lists and formulas.
    let indent = (here.along - before.along) / here.size;
    let moved = drop < -LINE_SHIFT * here.size || (0.8..4.0).contains(&indent);
    moved
        && last
            .text
            .trim_end()
            .ends_with(['.', '!', '?', ':', '。', '！', '？'])
}

#[cfg(test)]
mod tests;
