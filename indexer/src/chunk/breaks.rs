//! The places where a text may be cut, and what a cut there costs.
//!
//! Owns the order of preference: heading, paragraph, list item or line, sentence, word, character.
//! Costs are in bytes of distance from the ideal place, so that structure and balance are weighed
//! in one sum. It sees one group of sections at a time and knows nothing of headings' levels.

use std::ops::Range;

use super::ChunkSettings;
use super::outline::heading_end;
use crate::extract::Extracted;

const BEFORE_HEADING: usize = 0;
const PARAGRAPH: usize = 150;
const ITEM: usize = 400;
const LINE: usize = 500;
const SENTENCE: usize = 600;
/// The end of a line that was broken for width only.
const WRAPPED_LINE: usize = 850;
const WORD: usize = 1050;
const CHARACTER: usize = 3000;

/// Cutting off the indented part of a block, such as a function's body.
const INDENTED: usize = 80;
/// Cutting a heading, or a code block or a table that would fit into a chunk.
const SOLID: usize = 1500;
/// Leaving a rest that is too small to be a passage.
const TINY_REST: usize = 600;

/// Lines at least this long were probably broken for width.
const WRAP_BYTES: usize = 60;

/// The places between the lines of one group, found in one pass; those within lines are looked for
/// where needed.
pub(super) struct Breaks<'a> {
    text: &'a str,
    /// Offsets and costs, in order.
    lines: Vec<(usize, usize)>,
    /// Spans better left whole, in order.
    solid: Vec<Range<usize>>,
    /// The first of `lines` and of `solid` that may still matter.
    next_line: usize,
    next_solid: usize,
}

/// The cheapest place found so far.
struct Best {
    ideal: usize,
    place: usize,
    cost: usize,
}

impl<'a> Breaks<'a> {
    /// Finds the line breaks in `range` of the document. Blocks longer than `max_bytes` have to be
    /// cut anyway, so they are not held together.
    pub(super) fn new(document: &'a Extracted, range: Range<usize>, max_bytes: usize) -> Self {
        // A heading's line starts before its indentation, which the range does not include.
        let line_start = document.text[..range.start]
            .rfind('\n')
            .map_or(0, |newline| newline + 1);
        let first = document
            .headings
            .partition_point(|heading| heading.start < line_start);
        let headings = document.headings[first..]
            .iter()
            .map(|heading| heading.start);
        let mut scan = LineScan {
            breaks: Self {
                text: &document.text,
                lines: Vec::new(),
                solid: Vec::new(),
                next_line: 0,
                next_solid: 0,
            },
            max_bytes,
            previous: "",
            blank: false,
            block: None,
            heading_end: range.start,
        };
        scan.run(range, headings);
        scan.breaks
    }

    /// The best place to cut `start..end`, which is longer than a chunk may be. The first part is
    /// not empty and fits.
    pub(super) fn best(&mut self, start: usize, end: usize, settings: &ChunkSettings) -> usize {
        let size = end - start;
        let target = settings.target_bytes;
        // Equal parts, as many as come closest to the target.
        let parts = ((size + target / 2) / target).max(2);
        let ideal = start + (size / parts).min(settings.max_bytes);
        let latest = self
            .text
            .floor_char_boundary((start + settings.max_bytes).min(end - 1));
        let earliest = self
            .text
            .ceil_char_boundary(start + 1 + target / 4)
            .min(latest);
        let rest_bytes = target / 5;
        let tail = move |place: usize| {
            if end - place < rest_bytes {
                TINY_REST
            } else {
                0
            }
        };

        let fallback = self.text.floor_char_boundary(ideal.clamp(earliest, latest));
        let fallback = if fallback > start {
            fallback
        } else {
            self.text.ceil_char_boundary(start + 1)
        };
        let mut best = Best {
            ideal,
            place: fallback,
            cost: CHARACTER,
        };
        self.skip_to(start);
        for (place, cost) in &self.lines[self.next_line..] {
            if *place > latest {
                break;
            }
            if *place >= earliest {
                best.offer(*place, cost + tail(*place));
            }
        }
        if best.cost > SENTENCE {
            let sentences = sentence_breaks(self.text, earliest..latest);
            sentences
                .for_each(|place| best.offer(place, self.inner(place, SENTENCE) + tail(place)));
        }
        if best.cost > WORD {
            let words = word_breaks(self.text, earliest..latest);
            words.for_each(|place| best.offer(place, self.inner(place, WORD) + tail(place)));
        }
        best.place
    }

    fn skip_to(&mut self, start: usize) {
        while self
            .lines
            .get(self.next_line)
            .is_some_and(|(place, _)| *place <= start)
        {
            self.next_line += 1;
        }
        while self
            .solid
            .get(self.next_solid)
            .is_some_and(|span| span.end <= start)
        {
            self.next_solid += 1;
        }
    }

    /// What a cut within a line costs at `place`.
    fn inner(&self, place: usize, cost: usize) -> usize {
        let solid = self.solid[self.next_solid..]
            .iter()
            .take_while(|span| span.start < place)
            .any(|span| place < span.end);
        if solid { cost + SOLID } else { cost }
    }
}

impl Best {
    fn offer(&mut self, place: usize, cost: usize) {
        let cost = cost + place.abs_diff(self.ideal);
        if cost < self.cost {
            (self.place, self.cost) = (place, cost);
        }
    }
}

/// A code block or a table being passed.
struct Block {
    start: usize,
    /// The fence that ends it; `None` for a table.
    fence: Option<&'static str>,
    /// Its first line among the breaks.
    first_line: usize,
}

/// One pass over the lines of a group.
struct LineScan<'a> {
    breaks: Breaks<'a>,
    max_bytes: usize,
    /// The last line that was not blank.
    previous: &'a str,
    /// A blank line lies between that line and the current one.
    blank: bool,
    block: Option<Block>,
    /// Where the last heading ends; there is no break between it and the text below.
    heading_end: usize,
}

impl<'a> LineScan<'a> {
    fn run(&mut self, span: Range<usize>, headings: impl Iterator<Item = usize>) {
        let text = self.breaks.text;
        let mut headings = headings.peekable();
        let mut start = span.start;
        for line in text[span.clone()].split_inclusive('\n') {
            let mut is_heading = false;
            while headings
                .next_if(|heading| *heading < start + line.len())
                .is_some()
            {
                is_heading = true;
            }
            if line.trim().is_empty() {
                self.blank = true;
            } else {
                if is_heading {
                    self.close_block(start);
                }
                self.visit(line, start, is_heading);
                if is_heading {
                    self.heading_end = start + heading_end(&text[start..span.end]);
                    self.breaks.solid.push(start..self.heading_end);
                }
                (self.previous, self.blank) = (line, false);
            }
            start += line.len();
        }
        self.close_block(span.end);
    }

    /// Adds the break before a line that is not blank.
    fn visit(&mut self, line: &'a str, start: usize, is_heading: bool) {
        let content = line.trim_start();
        let in_fence = self
            .block
            .as_ref()
            .is_some_and(|block| block.fence.is_some());
        if !in_fence && self.block.is_some() && !content.starts_with('|') {
            self.close_block(start);
        }
        // Blank lines may lie between a heading and its text, which stay together all the same.
        let follows_heading = start <= self.heading_end
            || self.breaks.text[self.heading_end..start].trim().is_empty();
        if !follows_heading {
            let cost = if is_heading {
                BEFORE_HEADING
            } else {
                self.cost(line, content, in_fence)
            };
            self.breaks.lines.push((start, cost));
        }
        if in_fence {
            self.end_fence(content, start + line.len());
        } else if self.block.is_none() {
            self.open_block(content, start);
        }
    }

    fn cost(&self, line: &str, content: &str, in_fence: bool) -> usize {
        let indented = if line.len() > content.len() {
            INDENTED
        } else {
            0
        };
        if self.blank {
            return PARAGRAPH + indented;
        }
        if in_fence {
            return LINE + indented;
        }
        let previous = self.previous.trim_end();
        if starts_item(content) || previous.ends_with(['.', '!', '?', ':', ';', '。', '！', '？'])
        {
            ITEM + indented
        } else if previous.len() >= WRAP_BYTES {
            WRAPPED_LINE
        } else {
            LINE + indented
        }
    }

    fn open_block(&mut self, content: &str, start: usize) {
        let fence = ["```", "~~~"]
            .into_iter()
            .find(|fence| content.starts_with(fence));
        if fence.is_some() || content.starts_with('|') {
            // The break before the block's own first line is not a cut in it.
            let first_line = self.breaks.lines.len();
            self.block = Some(Block {
                start,
                fence,
                first_line,
            });
        }
    }

    fn end_fence(&mut self, content: &str, end: usize) {
        let fence = self.block.as_ref().and_then(|block| block.fence);
        if fence.is_some_and(|fence| {
            content.starts_with(fence) && content.trim().trim_matches(['`', '~']).is_empty()
        }) {
            self.close_block(end);
        }
    }

    /// Ends the current block; one that fits is worth keeping whole.
    fn close_block(&mut self, end: usize) {
        let Some(block) = self.block.take() else {
            return;
        };
        if end - block.start <= self.max_bytes {
            for (_, cost) in &mut self.breaks.lines[block.first_line..] {
                *cost += SOLID;
            }
            self.breaks.solid.push(block.start..end);
        }
    }
}

/// A list item, a quote, a table row or the like.
fn starts_item(content: &str) -> bool {
    let digits = content.bytes().take_while(u8::is_ascii_digit).count();
    content.starts_with(['-', '*', '+', '•', '|', '>'])
        || (digits > 0 && content[digits..].starts_with(['.', ')']))
}

/// The starts of sentences within lines of `window`.
fn sentence_breaks(text: &str, window: Range<usize>) -> impl Iterator<Item = usize> {
    let mut end = SentenceEnd::None;
    let mut spaced = false;
    let mut word_length = 0_usize;
    text[window.clone()]
        .char_indices()
        .filter_map(move |(offset, character)| {
            let opens = !character.is_whitespace() && !character.is_lowercase();
            let starts = opens
                && match end {
                    SentenceEnd::None => false,
                    SentenceEnd::Western => spaced,
                    SentenceEnd::Wide => spaced || !is_closing(character),
                };
            end = match character {
                // A single letter is an initial, as in `J. Smith`, or half of an abbreviation.
                '.' if word_length == 1 => SentenceEnd::None,
                '.' | '!' | '?' | '…' => SentenceEnd::Western,
                '。' | '！' | '？' => SentenceEnd::Wide,
                '\n' => SentenceEnd::None,
                c if c.is_whitespace() || (is_closing(c) && !spaced) => end,
                _ => SentenceEnd::None,
            };
            spaced = character.is_whitespace();
            word_length = if character.is_alphanumeric() {
                word_length + 1
            } else {
                0
            };
            starts.then_some(window.start + offset)
        })
}

/// Whether a sentence has just ended, and in which way of writing: Chinese and Japanese put no
/// space between sentences.
#[derive(Clone, Copy)]
enum SentenceEnd {
    None,
    Western,
    Wide,
}

fn is_closing(character: char) -> bool {
    matches!(
        character,
        '"' | '\'' | ')' | ']' | '”' | '’' | '»' | '」' | '』' | '）' | '*' | '_'
    )
}

/// The starts of words within lines of `window`, and the places after CJK commas.
fn word_breaks(text: &str, window: Range<usize>) -> impl Iterator<Item = usize> {
    let mut before = '\n';
    text[window.clone()]
        .char_indices()
        .filter_map(move |(offset, character)| {
            let spaced = before.is_whitespace() && before != '\n' && !character.is_whitespace();
            let starts = spaced || matches!(before, '、' | '，' | '；' | '：');
            before = character;
            starts.then_some(window.start + offset)
        })
}
