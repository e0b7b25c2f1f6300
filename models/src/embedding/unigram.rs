//! Texts to tokens by a Unigram vocabulary (`SentencePiece`), as XLM-RoBERTa models have it.
//!
//! Words begin at a space, and each is cut into the pieces whose scores add up to most (Kudo 2018).
//! Control tokens are never the result of text, whatever it says. Memory is a list of pieces, a table
//! to find them by hash, and a filter that tells where no longer piece can follow.

use std::ops::Range;

use super::normal::Normaliser;

/// What stands for a space inside a piece.
const SPACE: char = '\u{2581}';
/// How much less likely a character outside the vocabulary is than any piece.
const UNKNOWN: f64 = 10.0;
/// Bits of the filter for each piece.
const FILTER: usize = 32;

/// Ids of the tokens that are no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Controls {
    pub(super) beginning: u32,
    pub(super) end: u32,
    pub(super) unknown: u32,
}

/// A vocabulary and its normaliser.
pub(super) struct Unigram {
    normaliser: Normaliser,
    /// All pieces in one.
    text: String,
    /// Where each begins, and the end.
    starts: Vec<u32>,
    scores: Vec<f32>,
    /// Id and one of a piece by its hash, zero for none.
    table: Vec<u32>,
    /// One bit for each beginning of a piece, by its hash.
    filter: Vec<u64>,
    unknown_score: f64,
    controls: Controls,
}

/// A word of a text, and its tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    /// Where it stands in the text.
    pub(super) bytes: Range<usize>,
    /// Where its tokens are.
    pub(super) tokens: Range<usize>,
}

/// Buffers of `Unigram::encode`, kept between texts.
#[derive(Default)]
pub(super) struct Scratch {
    word: String,
    /// The best way to each byte of the word.
    best: Vec<Way>,
    /// Tokens of a word, last first.
    backwards: Vec<u32>,
}

#[derive(Clone, Copy)]
struct Way {
    score: f64,
    /// Where its last piece begins; none where no way is known.
    start: Option<usize>,
    token: u32,
}

const NO_WAY: Way = Way {
    score: 0.0,
    start: None,
    token: 0,
};

impl Unigram {
    /// A vocabulary of `pieces` in the order of their ids. `controls` are no text, and neither are
    /// those for which `is_text` says so.
    ///
    /// # Errors
    /// Lists that do not fit together.
    pub(super) fn new(
        normaliser: Normaliser,
        (text, starts): (String, Vec<u32>),
        scores: Vec<f32>,
        controls: Controls,
        is_text: impl Fn(u32) -> bool,
    ) -> Result<Self, String> {
        let count = scores.len();
        let whole = starts.len() == count + 1
            && starts.is_sorted()
            && starts.first() == Some(&0)
            && starts.last().map(|end| *end as usize) == Some(text.len())
            && starts.iter().all(|at| text.is_char_boundary(*at as usize));
        if !whole {
            return Err("its pieces do not fit their text".to_owned());
        }
        if scores.iter().any(|score| !score.is_finite()) {
            return Err("a piece has no score".to_owned());
        }
        let Controls {
            beginning,
            end,
            unknown,
        } = controls;
        if [beginning, end, unknown]
            .iter()
            .any(|id| *id as usize >= count)
        {
            return Err("its control tokens are not in it".to_owned());
        }
        let least = scores.iter().copied().fold(f32::INFINITY, f32::min);
        let mut vocabulary = Self {
            normaliser,
            text,
            starts,
            scores,
            table: vec![0; (2 * count).next_power_of_two()],
            filter: vec![0; (count * FILTER).next_power_of_two().max(64) / 64],
            unknown_score: f64::from(least) - UNKNOWN,
            controls,
        };
        for id in (0..).take(count) {
            if ![beginning, end, unknown].contains(&id) && is_text(id) {
                vocabulary.enter(id);
            }
        }
        Ok(vocabulary)
    }

    /// Tokens that it has.
    pub(super) fn len(&self) -> usize {
        self.scores.len()
    }

    /// Appends the tokens of a text, at most `most`, the marks of its beginning and end among them.
    /// What does not fit is cut off.
    pub(super) fn encode(
        &self,
        text: &str,
        most: usize,
        scratch: &mut Scratch,
        tokens: &mut Vec<u32>,
    ) {
        let full = tokens.len() + most.saturating_sub(1);
        tokens.push(self.controls.beginning);
        if self.append(text, full, scratch, tokens) {
            self.cut(scratch, tokens);
            tokens.truncate(full);
        }
        tokens.push(self.controls.end);
    }

    /// Appends the tokens of a text, and says which are those of each of its words (bytes of the text), as
    /// white space parts them; else as `encode`, after a text that stands before it.
    pub(super) fn encode_words(
        &self,
        (before, text): (&str, &str),
        most: usize,
        scratch: &mut Scratch,
        tokens: &mut Vec<u32>,
    ) -> Vec<Word> {
        let full = tokens.len() + most.saturating_sub(1);
        tokens.push(self.controls.beginning);
        self.append(before.trim_end(), full, scratch, tokens);
        let mut words = Vec::new();
        let mut piece = String::new();
        for word in text.split_whitespace() {
            let first = tokens.len();
            piece.clear();
            if !before.is_empty() || !words.is_empty() {
                piece.push(' ');
            }
            piece.push_str(word);
            self.append(&piece, full, scratch, tokens);
            let start = word.as_ptr().addr() - text.as_ptr().addr();
            if tokens.len() > first {
                words.push(Word {
                    bytes: start..start + word.len(),
                    tokens: first..tokens.len(),
                });
            }
        }
        tokens.push(self.controls.end);
        words
    }

    /// Appends the tokens of a text until there are `full`, and says whether it ends with white space, which is not
    /// cut yet.
    fn append(
        &self,
        text: &str,
        full: usize,
        scratch: &mut Scratch,
        tokens: &mut Vec<u32>,
    ) -> bool {
        scratch.word.clear();
        let mut blank = false;
        self.normaliser.each(text, |part| {
            for character in part.chars() {
                if character == ' ' && blank {
                    continue;
                }
                blank = character == ' ';
                let starts = blank || character == SPACE;
                if starts || (scratch.word.is_empty() && tokens.len() < full) {
                    self.cut(scratch, tokens);
                    scratch.word.push(SPACE);
                }
                if !starts {
                    scratch.word.push(character);
                }
            }
            tokens.len() < full
        });
        if !blank {
            self.cut(scratch, tokens);
        }
        tokens.truncate(full);
        blank
    }

    /// Appends the tokens of the word and empties it.
    fn cut(&self, scratch: &mut Scratch, tokens: &mut Vec<u32>) {
        let Scratch {
            word,
            best,
            backwards,
        } = scratch;
        best.clear();
        best.resize(word.len() + 1, NO_WAY);
        for (start, first) in word.char_indices() {
            let before = best[start].score;
            let single = start + first.len_utf8();
            let mut known = false;
            self.pieces(&word[start..], |length, token| {
                let score = before + f64::from(self.scores[token as usize]);
                better(&mut best[start + length], score, start, token);
                known |= start + length == single;
            });
            if !known {
                let score = before + self.unknown_score;
                better(&mut best[single], score, start, self.controls.unknown);
            }
        }
        backwards.clear();
        let mut end = word.len();
        while let Some(start) = best[end].start {
            let token = best[end].token;
            // Unknown characters that follow each other are one token.
            if token != self.controls.unknown || backwards.last() != Some(&token) {
                backwards.push(token);
            }
            end = start;
        }
        tokens.extend(backwards.iter().rev());
        word.clear();
    }

    /// Tells the length and id of each piece that `text` begins with, the shortest first.
    fn pieces(&self, text: &str, mut found: impl FnMut(usize, u32)) {
        let mut hash = Hash::default();
        for (at, character) in text.char_indices() {
            let end = at + character.len_utf8();
            hash.add(&text.as_bytes()[at..end]);
            if !self.may_begin(hash) {
                return;
            }
            if let Ok(token) = self.find(hash, &text[..end]) {
                found(end, token);
            }
        }
    }

    fn enter(&mut self, id: u32) {
        let range = self.range(id);
        let mut hash = Hash::default();
        for character in self.text[range.clone()].chars() {
            hash.add(character.encode_utf8(&mut [0; 4]).as_bytes());
            let (word, bit) = self.bit(hash);
            self.filter[word] |= bit;
        }
        // Of pieces that are there twice, the last counts.
        let place = match self.find(hash, &self.text[range]) {
            Ok(other) => self.slot_of(hash, other),
            Err(free) => free,
        };
        self.table[place] = id + 1;
    }

    fn slot_of(&self, hash: Hash, id: u32) -> usize {
        let mut place = hash.place(self.table.len());
        while self.table[place] != id + 1 {
            place = (place + 1) % self.table.len();
        }
        place
    }

    /// The id of a piece, or where in the table it would be.
    fn find(&self, hash: Hash, piece: &str) -> Result<u32, usize> {
        let mut place = hash.place(self.table.len());
        loop {
            let Some(id) = self.table[place].checked_sub(1) else {
                return Err(place);
            };
            if &self.text[self.range(id)] == piece {
                return Ok(id);
            }
            place = (place + 1) % self.table.len();
        }
    }

    fn range(&self, id: u32) -> Range<usize> {
        self.starts[id as usize] as usize..self.starts[id as usize + 1] as usize
    }

    fn may_begin(&self, hash: Hash) -> bool {
        let (word, bit) = self.bit(hash);
        self.filter[word] & bit != 0
    }

    fn bit(&self, hash: Hash) -> (usize, u64) {
        let bit = hash.place(64 * self.filter.len());
        (bit / 64, 1 << (bit % 64))
    }
}

fn better(way: &mut Way, score: f64, start: usize, token: u32) {
    if way.start.is_none() || score > way.score {
        *way = Way {
            score,
            start: Some(start),
            token,
        };
    }
}

/// FNV-1a.
#[derive(Clone, Copy)]
struct Hash(u64);

impl Default for Hash {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hash {
    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    /// A place among `count`, a power of two.
    #[expect(clippy::cast_possible_truncation, reason = "its lower bits are wanted")]
    fn place(self, count: usize) -> usize {
        (self.0 ^ (self.0 >> 32)) as usize & (count - 1)
    }
}
