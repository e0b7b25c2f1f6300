//! `SentencePiece` vocabularies as GGUF files carry them (`tokenizer.ggml.model` = `llama`).
//!
//! Owns how text is cut and merged into the ids of such a vocabulary, and the bytes each id stands
//! for; the results are llama.cpp's. Knows nothing of GGUF, of templates or of which token ends an
//! answer: the tokenizer reads the file and calls this.
//!
//! Merging only ever reaches ordinary tokens. llama.cpp looks at every token's text, so a vocabulary
//! with the pieces `<` and `s>` lets a document that says `<s>` begin a sequence; here it cannot.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

/// What stands for a space inside a piece.
const SPACE: &str = "\u{2581}";

/// Token types (`tokenizer.ggml.token_type`). Control is 3, and so is here whatever has no name.
const NORMAL: u32 = 1;
const UNKNOWN: u32 = 2;
const USER_DEFINED: u32 = 4;
const UNUSED: u32 = 5;
const BYTE: u32 = 6;

/// A vocabulary, ready to encode and decode.
pub(super) struct SentencePiece {
    /// Id and rank of what merging may arrive at, by text.
    pieces: HashMap<String, (u32, u32)>,
    /// Bytes of the longest of those.
    longest: usize,
    /// The token of each byte, for characters that are no piece.
    bytes: [Option<u32>; 256],
    unknown: Option<u32>,
    /// Found in any text before merging: user-defined tokens.
    in_any_text: Marks,
    /// Found in template text before merging: control and unknown tokens as well.
    in_templates: Marks,
    /// The tokens of `in_templates`, by id.
    specials: HashMap<u32, String>,
    /// What each token says, by id.
    spoken: Vec<Vec<u8>>,
    add_space_prefix: bool,
}

impl SentencePiece {
    /// Takes the lists of a GGUF file, all in the order of the ids, and
    /// `tokenizer.ggml.add_space_prefix` (true where a file does not say).
    ///
    /// # Errors
    /// Lists of different lengths; the message says which.
    pub(super) fn new(
        tokens: Vec<String>,
        scores: Vec<f32>,
        types: Vec<u32>,
        add_space_prefix: bool,
    ) -> Result<Self, String> {
        let lengths = [tokens.len(), scores.len(), types.len()];
        if lengths != [tokens.len(); 3] {
            return Err(format!(
                "its tokens, scores and types are not as many: {lengths:?}"
            ));
        }
        let mut vocabulary = Self {
            pieces: HashMap::new(),
            longest: 0,
            bytes: [None; 256],
            unknown: None,
            in_any_text: Marks::default(),
            in_templates: Marks::default(),
            specials: HashMap::new(),
            spoken: Vec::with_capacity(tokens.len()),
            add_space_prefix,
        };
        for (id, ((text, score), kind)) in (0..).zip(tokens.into_iter().zip(scores).zip(types)) {
            let spoken = vocabulary.add(id, text, score, kind);
            vocabulary.spoken.push(spoken);
        }
        Ok(vocabulary)
    }

    /// Encodes anybody's text: never a control token, whatever it says. `previous` is the token it
    /// will follow, on which it depends whether a space is put in front.
    pub(super) fn encode(&self, text: &str, previous: Option<u32>) -> Vec<u32> {
        self.encode_with(&self.in_any_text, text, previous)
    }

    /// Encodes the chat template's own text, in which control tokens are recognised.
    pub(super) fn encode_template(&self, text: &str, previous: Option<u32>) -> Vec<u32> {
        self.encode_with(&self.in_templates, text, previous)
    }

    /// The bytes a token says: part of a character for a byte token, none for a control token.
    pub(super) fn decode_piece(&self, id: u32) -> &[u8] {
        let index = usize::try_from(id).unwrap_or(usize::MAX);
        self.spoken.get(index).map_or(&[], Vec::as_slice)
    }

    /// The token that says exactly these bytes, and is no mark.
    pub(super) fn piece(&self, bytes: &[u8]) -> Option<u32> {
        let text = str::from_utf8(bytes).ok();
        let piece = text.and_then(|text| self.pieces.get(&text.replace(' ', SPACE)));
        match (piece, bytes) {
            (Some((id, _)), _) => Some(*id).filter(|id| !self.specials.contains_key(id)),
            (None, [byte]) => self.bytes[usize::from(*byte)],
            (None, _) => None,
        }
    }

    /// Id of the control token with this text. A user-defined token is none: Gemma's `</s>` is
    /// HTML's, and ends nothing.
    pub(super) fn control(&self, text: &str) -> Option<u32> {
        let id = self.in_templates.ids.get(text).copied();
        id.filter(|_| !self.in_any_text.ids.contains_key(text))
    }

    /// A token as text, control tokens included, for templates that print it. None past the end of
    /// the vocabulary and for a byte that is no text.
    pub(super) fn text(&self, id: u32) -> Option<String> {
        if let Some(text) = self.specials.get(&id) {
            return Some(text.clone());
        }
        let spoken = self.spoken.get(usize::try_from(id).ok()?)?;
        String::from_utf8(spoken.clone()).ok()
    }

    /// Files a token under what it is for, and gives what it says.
    fn add(&mut self, id: u32, text: String, score: f32, kind: u32) -> Vec<u8> {
        match kind {
            _ if text.is_empty() => Vec::new(),
            NORMAL | UNUSED => self.add_piece(id, text, score),
            USER_DEFINED => {
                self.in_any_text.insert(&text, id);
                self.in_templates.insert(&text, id);
                self.specials.insert(id, text.clone());
                self.add_piece(id, text, score)
            }
            BYTE => {
                let Some(byte) = byte_of(&text) else {
                    return Vec::new();
                };
                self.bytes[usize::from(byte)] = Some(id);
                vec![byte]
            }
            _ => {
                if kind == UNKNOWN {
                    self.unknown = Some(id);
                }
                self.in_templates.insert(&text, id);
                self.specials.insert(id, text);
                Vec::new()
            }
        }
    }

    fn add_piece(&mut self, id: u32, text: String, score: f32) -> Vec<u8> {
        let spoken = text.replace(SPACE, " ").into_bytes();
        self.longest = self.longest.max(text.len());
        self.pieces.insert(text, (id, rank(score)));
        spoken
    }

    fn encode_with(&self, marks: &Marks, text: &str, previous: Option<u32>) -> Vec<u32> {
        let mut tokens = Vec::new();
        let mut after_special = previous.is_none_or(|token| self.specials.contains_key(&token));
        for part in marks.split(text) {
            match part {
                Part::Token(token) => tokens.push(token),
                Part::Text(text) => {
                    let mut text = text.replace(' ', SPACE);
                    if self.add_space_prefix && after_special {
                        text.insert_str(0, SPACE);
                    }
                    self.merge(&text, &mut tokens);
                }
            }
            after_special = matches!(part, Part::Token(_));
        }
        tokens
    }

    /// Merges the characters of `text`, always the neighbours whose union scores highest, and of
    /// equals the leftmost, until no neighbours make a piece; appends the tokens.
    fn merge(&self, text: &str, tokens: &mut Vec<u32>) {
        let mut symbols: Vec<Symbol> = text
            .char_indices()
            .enumerate()
            .map(|(index, (start, character))| Symbol {
                start,
                len: character.len_utf8(),
                previous: index.checked_sub(1),
                next: Some(index + 1),
            })
            .collect();
        if let Some(last) = symbols.last_mut() {
            last.next = None;
        }
        let mut pairs: BinaryHeap<Pair> = (1..symbols.len())
            .filter_map(|right| self.pair(text, &symbols, Some(right - 1), Some(right)))
            .collect();
        while let Some(pair) = pairs.pop() {
            let Reverse(index) = pair.left;
            let (left, right) = (symbols[index], symbols[pair.right]);
            // Symbols only grow or vanish: with both there and the length right, nothing changed.
            if left.len == 0 || right.len == 0 || left.len + right.len != pair.len {
                continue;
            }
            symbols[pair.right].len = 0;
            symbols[index].len = pair.len;
            symbols[index].next = right.next;
            if let Some(next) = right.next {
                symbols[next].previous = Some(index);
            }
            pairs.extend(self.pair(text, &symbols, left.previous, Some(index)));
            pairs.extend(self.pair(text, &symbols, Some(index), right.next));
        }
        for symbol in symbols.iter().filter(|symbol| symbol.len > 0) {
            self.emit(&text[symbol.start..symbol.start + symbol.len], tokens);
        }
    }

    /// The pair of two symbols, where both are there and their union is a piece.
    fn pair(
        &self,
        text: &str,
        symbols: &[Symbol],
        left: Option<usize>,
        right: Option<usize>,
    ) -> Option<Pair> {
        let (left, right) = (left?, right?);
        let start = symbols[left].start;
        let len = symbols[left].len + symbols[right].len;
        if len > self.longest {
            return None;
        }
        let (_, rank) = *self.pieces.get(&text[start..start + len])?;
        Some(Pair {
            rank,
            left: Reverse(left),
            right,
            len,
        })
    }

    /// Appends the token of a piece, or the bytes of a character that is none. A vocabulary without
    /// those bytes has its unknown token for it, and one without that has nothing.
    fn emit(&self, text: &str, tokens: &mut Vec<u32>) {
        if let Some((id, _)) = self.pieces.get(text) {
            return tokens.push(*id);
        }
        let bytes: Option<Vec<u32>> = text.bytes().map(|b| self.bytes[usize::from(b)]).collect();
        match bytes {
            Some(bytes) => tokens.extend(bytes),
            None => tokens.extend(self.unknown),
        }
    }
}

/// A stretch of text that is one character or one piece by now; empty once merged into another.
#[derive(Clone, Copy)]
struct Symbol {
    start: usize,
    len: usize,
    previous: Option<usize>,
    next: Option<usize>,
}

/// Two neighbouring symbols whose union is a piece of `len` bytes; the greatest is merged first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Pair {
    rank: u32,
    left: Reverse<usize>,
    right: usize,
    len: usize,
}

/// Tokens that are found by their whole text, before anything is merged.
#[derive(Default)]
struct Marks {
    ids: HashMap<String, u32>,
    /// Byte lengths of the marks that begin with a byte, longest first.
    lengths: HashMap<u8, Vec<usize>>,
}

/// A part of a text that was split at marks.
enum Part<'a> {
    Text(&'a str),
    Token(u32),
}

impl Marks {
    fn insert(&mut self, text: &str, id: u32) {
        let Some(first) = text.bytes().next() else {
            return;
        };
        let lengths = self.lengths.entry(first).or_default();
        let place = lengths.partition_point(|length| *length > text.len());
        if lengths.get(place) != Some(&text.len()) {
            lengths.insert(place, text.len());
        }
        self.ids.insert(text.to_owned(), id);
    }

    /// Splits a text at its marks. The longest mark anywhere is taken first, not the leftmost: of
    /// `ab` and `bcd`, the text `abcd` has the second.
    fn split<'a>(&self, text: &'a str) -> Vec<Part<'a>> {
        let mut parts = Vec::new();
        let mut end = 0;
        for (start, len, id) in self.find(text) {
            if end < start {
                parts.push(Part::Text(&text[end..start]));
            }
            parts.push(Part::Token(id));
            end = start + len;
        }
        if end < text.len() {
            parts.push(Part::Text(&text[end..]));
        }
        parts
    }

    /// Where the marks are, from left to right: start and length in bytes, and id.
    fn find(&self, text: &str) -> Vec<(usize, usize, u32)> {
        let candidate = |start, limit| {
            let (len, id) = self.longest_at(text, start, limit)?;
            Some((len, Reverse(id), Reverse(start)))
        };
        let mut candidates: BinaryHeap<_> = (0..text.len())
            .filter_map(|start| candidate(start, usize::MAX))
            .collect();
        let mut taken = vec![false; text.len()];
        let mut found = Vec::new();
        while let Some((len, Reverse(id), Reverse(start))) = candidates.pop() {
            // What was taken before is at least as long, so it covers one end if it overlaps.
            if taken[start] {
                continue;
            }
            if taken[start + len - 1] {
                candidates.extend(candidate(start, len - 1));
                continue;
            }
            taken[start..start + len].fill(true);
            found.push((start, len, id));
        }
        found.sort_unstable();
        found
    }

    /// The longest mark of at most `limit` bytes that begins at a byte, and its id.
    fn longest_at(&self, text: &str, start: usize, limit: usize) -> Option<(usize, u32)> {
        let lengths = self.lengths.get(text.as_bytes().get(start)?)?;
        let mut fitting = lengths.iter().copied().filter(|length| *length <= limit);
        fitting.find_map(|length| {
            let id = self.ids.get(text.get(start..start + length)?)?;
            Some((length, *id))
        })
    }
}

/// A whole number in the order of the scores; what is no number comes last.
fn rank(score: f32) -> u32 {
    if score.is_nan() {
        return 0;
    }
    // Adding zero makes -0 the 0 it equals. Negative numbers have the top bit and grow downwards.
    let bits = (score + 0.0).to_bits();
    if bits >> 31 == 0 {
        bits | 1 << 31
    } else {
        !bits
    }
}

/// The byte of a byte token's text, such as `<0x0A>`.
fn byte_of(text: &str) -> Option<u8> {
    let digits = text.strip_prefix("<0x")?.strip_suffix('>')?;
    u8::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTROL: u32 = 3;

    /// Bytes are tokens 0 to 255, then these: a type, a score, and texts with bars between.
    fn vocabulary(groups: &[(u32, f32, &str)], add_space_prefix: bool) -> SentencePiece {
        let mut tokens: Vec<_> = (0..256).map(|byte| format!("<0x{byte:02X}>")).collect();
        let (mut scores, mut types) = (vec![0.0; 256], vec![BYTE; 256]);
        for (kind, score, texts) in groups {
            for text in texts.split('|') {
                tokens.push(text.to_owned());
                scores.push(*score);
                types.push(*kind);
            }
        }
        SentencePiece::new(tokens, scores, types, add_space_prefix).expect("lists of one length")
    }

    /// Tokens as text with bars between, bytes as numbers.
    fn show(vocabulary: &SentencePiece, tokens: &[u32]) -> String {
        let shown = tokens.iter().map(|id| match vocabulary.text(*id) {
            Some(text) if *id > 255 => text,
            _ => id.to_string(),
        });
        shown.collect::<Vec<_>>().join("|")
    }

    #[track_caller]
    fn check(vocabulary: &SentencePiece, text: &str, expect: &str) {
        assert_eq!(show(vocabulary, &vocabulary.encode(text, None)), expect);
    }

    #[test]
    fn the_best_pair_merges_first_and_of_equals_the_leftmost() {
        let best = vocabulary(&[(NORMAL, -2.0, "a|b|c|ab"), (NORMAL, -1.0, "bc")], false);
        check(&best, "abc", "a|bc");
        let worst = (NORMAL, f32::NAN, "ca");
        let equal = [(NORMAL, -0.0, "a|b|c|ab"), (NORMAL, 0.0, "bc"), worst];
        let equal = vocabulary(&equal, false);
        check(&equal, "abcab", "ab|c|ab");
        // The pair in the middle is still queued when both its sides are gone.
        let middle = [(NORMAL, 0.0, "a|b|c|d|ab|cd"), (NORMAL, -1.0, "bc")];
        check(&vocabulary(&middle, false), "abcd", "ab|cd");
    }

    #[test]
    fn a_space_is_put_before_text_that_opens_or_follows_a_special_token() {
        let groups = [
            (NORMAL, 0.0, "\u{2581}|a|\u{2581}a"),
            (USER_DEFINED, 0.0, "<b>"),
        ];
        let prefixed = vocabulary(&groups, true);
        check(&prefixed, "a a<b>a", " a| a|<b>| a");
        check(&prefixed, "", "");
        let after = |previous| show(&prefixed, &prefixed.encode("a<b>a", Some(previous)));
        assert_eq!([after(257), after(259)], ["a|<b>| a", " a|<b>| a"]);
        check(&vocabulary(&groups, false), "a a<b>a", "a| a|<b>|a");
    }

    #[test]
    fn the_longest_user_defined_token_is_taken_wherever_it_is() {
        let vocabulary = vocabulary(&[(USER_DEFINED, 0.0, "ab|xyz|xyzab|abcdef|  |   ")], false);
        check(&vocabulary, "xyzabcdef", "xyz|abcdef");
        check(&vocabulary, "ab\u{e9}ab", "ab|195|169|ab");
        check(&vocabulary, "     ", "   |  ");
    }

    #[test]
    fn no_text_makes_a_control_unknown_or_byte_token() {
        let groups = [
            (CONTROL, 0.0, "<s>"),
            (UNKNOWN, 0.0, "<k>"),
            (USER_DEFINED, 0.0, "</s>"),
            (NORMAL, 0.0, "<|s>|k>|A>|<0|<0x|<0x0"),
        ];
        let vocabulary = vocabulary(&groups, false);
        check(&vocabulary, "<s></s><k>", "<|s>|</s>|<|k>");
        check(&vocabulary, "<0x0A>", "<0x0|A>");
        let template = vocabulary.encode_template("<s>s><k>", None);
        assert_eq!(show(&vocabulary, &template), "<s>|s>|<k>");
        assert_eq!(vocabulary.decode_piece(256), b"");
        assert_eq!(vocabulary.decode_piece(u32::MAX), b"");
        let control = ["<s>", "</s>", "<"].map(|text| vocabulary.control(text));
        assert_eq!(control, [Some(256), None, None]);
    }

    #[test]
    fn without_byte_tokens_a_character_is_unknown_or_nothing() {
        let one = |kind| SentencePiece::new(vec!["<unk>".to_owned()], vec![0.0], vec![kind], false);
        let encode = |kind| one(kind).map(|vocabulary| vocabulary.encode("\u{e9}\u{e9}", None));
        assert_eq!(encode(UNKNOWN), Ok(vec![0, 0]));
        assert_eq!(encode(CONTROL), Ok(vec![]));
        assert!(SentencePiece::new(vec![String::new()], vec![], vec![], false).is_err());
    }

    #[test]
    fn random_text_comes_back_whole() {
        let groups = [
            (CONTROL, 0.0, "<s>"),
            (USER_DEFINED, 0.0, "\n\n"),
            (NORMAL, -2.0, "\u{2581}|a|aaa"),
            (NORMAL, -1.0, "aa|s>|\u{2581}a|\u{e9}\u{2581}"),
        ];
        let vocabulary = vocabulary(&groups, false);
        let alphabet: Vec<&str> = "a|a| |\n|<s>|s>|\u{e9}|\u{1f469}\u{200d}|\0|<0x41>"
            .split('|')
            .collect();
        let mut state = 1_usize;
        for length in 0..200 {
            let mut text = String::new();
            for _ in 0..length {
                state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345);
                text.push_str(alphabet[(state >> 16) % alphabet.len()]);
            }
            let tokens = vocabulary.encode(&text, None);
            let bytes = tokens.iter().map(|id| vocabulary.decode_piece(*id));
            assert_eq!(bytes.collect::<Vec<_>>().concat(), text.as_bytes());
        }
    }

    #[test]
    fn a_very_long_word_is_merged_in_time() {
        let doubled: Vec<String> = (0..8).map(|power| "a".repeat(1 << power)).collect();
        let vocabulary = vocabulary(&[(NORMAL, 0.0, &doubled.join("|"))], false);
        let tokens = vocabulary.encode(&"a".repeat(1 << 16), None);
        assert_eq!(tokens, vec![263; 1 << 9]);
    }
}
