//! Glyphs on a PDF page to lines and paragraphs.
//!
//! Owns the geometry: which glyphs make a word, a line, a paragraph. Runs in the child process.
//! What the lines say is `page_text`'s business.

use std::fmt;

use pdf_extract::{MediaBox, OutputDev, OutputError, Transform};

/// A gap of this many font sizes is a space between words. Kerning stays below, and the narrowest
/// spaces of justified text are nearly twice as wide.
const WORD_GAP: f64 = 0.12;

/// A gap of this many font sizes lies between columns of a table. It becomes a tab.
const COLUMN_GAP: f64 = 1.6;

/// Moving across by this many font sizes starts a line; super- and subscripts move less.
const LINE_SHIFT: f64 = 0.5;

/// A line this many times further down than usual starts a paragraph.
const PARAGRAPH_LEADING: f64 = 1.3;

/// Sizes that differ by more than this factor do not share a paragraph.
const SIZE_CHANGE: f64 = 1.15;

/// Collects one page's glyphs in the order in which the page draws them. Sorting them by position
/// would interleave columns, and nearly all programs draw text in reading order.
pub(super) struct PageLayout {
    lines: Vec<Line>,
    /// Text the page may still take, in bytes.
    budget: usize,
    full: bool,
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

/// Glyphs on one baseline.
#[derive(Debug)]
struct Line {
    text: String,
    first: Place,
    end: f64,
}

impl PageLayout {
    /// An empty page that may take `budget` bytes of text.
    pub(super) fn new(budget: usize) -> Self {
        Self {
            lines: Vec::new(),
            budget,
            full: false,
        }
    }

    /// Whether text was left out for want of budget.
    pub(super) fn is_full(&self) -> bool {
        self.full
    }

    /// The page as text: a line end between lines, a blank line between paragraphs, a tab between
    /// columns.
    pub(super) fn text(&self) -> String {
        let lines: Vec<&Line> = self
            .lines
            .iter()
            .filter(|l| !l.text.trim().is_empty())
            .collect();
        let leading = usual_leading(&lines);
        let mut text = String::new();
        let mut previous: Option<&Line> = None;
        for line in lines {
            match previous {
                Some(previous) if is_shadow(previous, line) => continue,
                Some(previous) if starts_paragraph(previous, line, leading) => {
                    text.push_str("\n\n");
                }
                Some(_) => text.push('\n'),
                None => {}
            }
            text.push_str(&line.text);
            previous = Some(line);
        }
        text
    }

    fn add(&mut self, place: Place, advance: f64, text: &str) {
        match self.lines.last_mut().filter(|line| continues(line, place)) {
            Some(line) => {
                let gap = (place.along - line.end) / place.size;
                if gap > COLUMN_GAP {
                    line.text.push('\t');
                } else if gap > WORD_GAP && !line.text.ends_with(' ') && !text.starts_with(' ') {
                    line.text.push(' ');
                }
                line.text.push_str(text);
                line.end = place.along + advance;
                line.first.size = line.first.size.max(place.size);
            }
            None => self.lines.push(Line {
                text: text.to_owned(),
                first: place,
                end: place.along + advance,
            }),
        }
    }
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
        // An error is the only way to stop the interpreter before the page ends.
        let Some(left) = self.budget.checked_sub(text.len()) else {
            self.full = true;
            return Err(fmt::Error.into());
        };
        self.budget = left;
        let stretch = transform.m11.hypot(transform.m12);
        let size = font_size.abs() * transform.m21.hypot(transform.m22);
        if stretch > 0.0 && size > 0.0 {
            let (dx, dy) = (transform.m11 / stretch, transform.m12 / stretch);
            let (x, y) = (transform.m31, transform.m32);
            let place = Place {
                direction: (dx, dy),
                along: x * dx + y * dy,
                across: y * dx - x * dy,
                size,
            };
            self.add(place, (width * font_size.abs() + spacing) * stretch, text);
        }
        Ok(())
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

fn same_direction(a: (f64, f64), b: (f64, f64)) -> bool {
    a.0 * b.0 + a.1 * b.1 > 0.99
}

fn continues(line: &Line, place: Place) -> bool {
    let size = line.first.size.max(place.size);
    same_direction(line.first.direction, place.direction)
        && (line.first.across - place.across).abs() < LINE_SHIFT * size
        && place.along > line.end - LINE_SHIFT * size
}

/// Slides and covers draw a text twice, slightly shifted, for bold or shadowed letters.
fn is_shadow(previous: &Line, line: &Line) -> bool {
    let near = 0.3 * line.first.size;
    previous.text == line.text
        && (previous.first.along - line.first.along).abs() < near
        && (previous.first.across - line.first.across).abs() < near
}

/// The median distance between lines that follow each other downwards, or 0 where there are none.
fn usual_leading(lines: &[&Line]) -> f64 {
    let mut drops: Vec<f64> = lines
        .windows(2)
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

fn starts_paragraph(previous: &Line, line: &Line, leading: f64) -> bool {
    let (before, here) = (previous.first, line.first);
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
        && previous
            .text
            .trim_end()
            .ends_with(['.', '!', '?', ':', '。', '！', '？'])
}

#[cfg(test)]
mod tests {
    use super::{PageLayout, Place};
    use expect_test::{Expect, expect};

    /// Draws words at (x, y, size); a letter is half a font size wide.
    #[track_caller]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "expectations are written in place"
    )]
    fn check(words: &[(f64, f64, f64, &str)], expected: Expect) {
        let mut page = PageLayout::new(usize::MAX);
        for (x, y, size, word) in words {
            for (index, letter) in word.char_indices() {
                let along = x + size * 0.5 * f64::from(u32::try_from(index).expect("short"));
                let place = Place {
                    direction: (1.0, 0.0),
                    along,
                    across: *y,
                    size: *size,
                };
                page.add(place, size * 0.5, letter.encode_utf8(&mut [0; 4]));
            }
        }
        expected.assert_eq(&page.text());
    }

    #[test]
    fn gaps_make_words_and_drops_make_lines() {
        check(
            &[
                (0.0, 700.0, 10.0, "one"),
                (17.5, 700.0, 10.0, "two"),
                (32.6, 700.0, 10.0, "kerned"),
                (0.0, 688.0, 10.0, "next"),
                (21.0, 692.0, 6.0, "2"),
            ],
            expect![[r"
                one twokerned
                next 2"]],
        );
    }

    #[test]
    fn space_size_and_indent_make_paragraphs() {
        check(
            &[
                (0.0, 700.0, 20.0, "Title"),
                (0.0, 670.0, 10.0, "first"),
                (0.0, 658.0, 10.0, "ends."),
                (15.0, 646.0, 10.0, "Indented"),
                (0.0, 634.0, 10.0, "goes on"),
                (15.0, 622.0, 10.0, "as a formula"),
                (0.0, 600.0, 10.0, "Apart"),
            ],
            expect![[r"
                Title

                first
                ends.

                Indented
                goes on
                as a formula

                Apart"]],
        );
    }

    #[test]
    fn the_next_column_goes_on_with_the_sentence() {
        check(
            &[
                (0.0, 112.0, 10.0, "left"),
                (0.0, 100.0, 10.0, "column"),
                (300.0, 112.0, 10.0, "right"),
                (300.0, 100.0, 10.0, "ends."),
                (0.0, 112.0, 10.0, "third"),
            ],
            expect![[r"
                left
                column
                right
                ends.

                third"]],
        );
    }

    #[test]
    fn columns_are_set_apart_by_tabs() {
        check(
            &[
                (0.0, 700.0, 10.0, "Total"),
                (50.0, 700.0, 10.0, "9"),
                (70.0, 700.0, 10.0, "8"),
            ],
            expect!["Total\t9 8"],
        );
    }

    #[test]
    fn shadows_are_drawn_once() {
        check(
            &[(0.0, 700.0, 30.0, "Welcome"), (1.0, 699.0, 30.0, "Welcome")],
            expect!["Welcome"],
        );
    }
}
