//! The answer as it is given out: the model's words, with a marker after each sentence that a
//! passage says.
//!
//! Text streams through with the least delay: only white space, the end of a sentence and markers
//! of the model's own are held back until what follows decides what they are.

use std::ops::Range;

use crate::cite::{Attribution, Citation, Standing, is_short_word};

/// A marker the model writes itself is no longer than this (bytes).
const LONGEST_MARKER: usize = 16;

/// What is given out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    Text(String),
    Citation(Citation),
}

/// Writes one answer.
pub(crate) struct Writer<'a> {
    attribution: Attribution<'a>,
    /// What the model said and is not given out yet.
    held: String,
    /// What was given out.
    text: String,
    /// Where the present sentence begins in `text`.
    sentence: usize,
    citations: Vec<Citation>,
    /// Sentences, in `text`, that say what nothing proves.
    added: Vec<Range<usize>>,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(attribution: Attribution<'a>) -> Self {
        Self {
            attribution,
            held: String::new(),
            text: String::new(),
            sentence: 0,
            citations: Vec::new(),
            added: Vec::new(),
        }
    }

    /// Takes what the model says next; gives what is certain.
    pub(crate) fn push(&mut self, piece: &str) -> Vec<Piece> {
        self.held.push_str(piece);
        let mut out = Vec::new();
        while self.step(false, &mut out) {}
        merge(out)
    }

    /// Gives the rest; an answer without any marker gets one for what comes nearest to it.
    pub(crate) fn finish(&mut self) -> Vec<Piece> {
        let mut out = Vec::new();
        while self.step(true, &mut out) {}
        self.end_sentence(&mut out);
        if self.citations.is_empty()
            && let Some(citation) = self.attribution.nearest(&self.text)
        {
            self.mark(citation, &mut out);
        }
        merge(out)
    }

    /// The words that stand, and what they cite: nothing, when they do not come from the passages. What says more
    /// than the passages is left out.
    pub(crate) fn into_parts(mut self) -> (String, Vec<Citation>) {
        for span in self.added.into_iter().rev() {
            self.text.replace_range(span, "");
        }
        (self.text.trim().to_owned(), self.citations)
    }

    /// Moves one piece of `held` on; false when it has to wait for more.
    fn step(&mut self, last: bool, out: &mut Vec<Piece>) -> bool {
        let Some(character) = self.held.chars().next() else {
            return false;
        };
        let length = character.len_utf8();
        let next = self.held[length..].chars().next();
        if next.is_none() && !last && (character.is_whitespace() || ends_sentence(character)) {
            return false;
        }
        match character {
            '[' => match marker(&self.held) {
                Marker::Unfinished if !last => return false,
                Marker::Ends(at) => {
                    self.held.drain(..at);
                }
                Marker::None | Marker::Unfinished => self.give(length, out),
            },
            '\n' => {
                self.end_sentence(out);
                self.give(length, out);
                self.sentence = self.text.len();
            }
            _ if character.is_whitespace() && next.is_none_or(|next| next == '[') => {
                // Before a marker that will be dropped, or at the end: dropped with it.
                if next.is_some() && !matches!(marker(&self.held[length..]), Marker::Ends(_)) {
                    if matches!(marker(&self.held[length..]), Marker::Unfinished) && !last {
                        return false;
                    }
                    self.give(length, out);
                } else {
                    self.held.drain(..length);
                }
            }
            _ if ends_sentence(character)
                && next.is_none_or(|next| next.is_whitespace() || next == '[')
                && !is_short_word(&self.text)
                && !is_item_number(&self.text) =>
            {
                self.end_sentence(out);
                self.give(length, out);
                self.sentence = self.text.len();
                if let Some(added) = self
                    .added
                    .last_mut()
                    .filter(|added| added.end + length == self.text.len())
                {
                    added.end = self.text.len();
                }
            }
            _ => self.give(length, out),
        }
        true
    }

    /// Gives out the first `length` bytes that are held.
    fn give(&mut self, length: usize, out: &mut Vec<Piece>) {
        let text: String = self.held.drain(..length).collect();
        self.text.push_str(&text);
        out.push(Piece::Text(text));
    }

    /// Puts a marker behind the present sentence, if a passage proves it.
    fn end_sentence(&mut self, out: &mut Vec<Piece>) {
        let sentence = self.text[self.sentence..].trim();
        let is_prose =
            !sentence.starts_with(['|', '#']) && sentence.chars().any(char::is_alphanumeric);
        match is_prose.then(|| self.attribution.judge(sentence)) {
            Some(Standing::Proven(citation)) => self.mark(citation, out),
            // With the mark that ends it.
            Some(Standing::Added) => self.added.push(self.sentence..self.text.len()),
            Some(Standing::Idle) | None => {}
        }
        self.sentence = self.text.len();
    }

    fn mark(&mut self, citation: Citation, out: &mut Vec<Piece>) {
        let marker = format!(" [{}]", citation.marker);
        self.text.push_str(&marker);
        out.push(Piece::Text(marker));
        if !self.citations.contains(&citation) {
            self.citations.push(citation.clone());
            out.push(Piece::Citation(citation));
        }
    }
}

/// A text without markers.
pub(crate) fn without_markers(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('[') {
        let (before, from) = rest.split_at(at);
        match marker(from) {
            Marker::Ends(length) => {
                plain.push_str(before.trim_end());
                rest = &from[length..];
            }
            Marker::None | Marker::Unfinished => {
                plain.push_str(before);
                plain.push('[');
                rest = &from[1..];
            }
        }
    }
    plain + rest
}

fn ends_sentence(character: char) -> bool {
    matches!(character, '.' | '!' | '?' | '…' | '。')
}

/// Whether a text ends with the number of an item of a list: `2` at the beginning of a line.
fn is_item_number(text: &str) -> bool {
    let line = text.rsplit('\n').next().unwrap_or_default().trim();
    !line.is_empty() && line.chars().all(|c| c.is_ascii_digit())
}

enum Marker {
    None,
    Unfinished,
    /// A marker of so many bytes.
    Ends(usize),
}

/// Whether `text`, which begins with `[`, begins with a marker such as `[1]` or `[1, 2]`.
fn marker(text: &str) -> Marker {
    let Some(close) = text.find(']') else {
        let so_far = &text[1..];
        let possible = text.len() < LONGEST_MARKER && so_far.chars().all(in_marker);
        return if possible {
            Marker::Unfinished
        } else {
            Marker::None
        };
    };
    let inside = &text[1..close];
    if inside.chars().all(in_marker) && inside.chars().any(|c| c.is_ascii_digit()) {
        Marker::Ends(close + 1)
    } else {
        Marker::None
    }
}

fn in_marker(character: char) -> bool {
    character.is_ascii_digit() || matches!(character, ',' | ';' | ' ')
}

/// Joins neighbouring texts.
fn merge(pieces: Vec<Piece>) -> Vec<Piece> {
    let mut merged: Vec<Piece> = Vec::new();
    for piece in pieces {
        match (merged.last_mut(), piece) {
            (Some(Piece::Text(before)), Piece::Text(text)) => before.push_str(&text),
            (_, piece) => merged.push(piece),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::passage::Passage;

    fn passages() -> Vec<Passage> {
        let texts = [
            "Rent is due on the 5th. The deposit is £995.",
            "Notice is two months.",
        ];
        let passage = |(place, text): (usize, &&str)| Passage {
            n: place + 1,
            document: "d".to_owned(),
            path: "/lease.md".to_owned(),
            title: "Lease".to_owned(),
            end: text.len(),
            score: 1.0,
            text: (*text).to_owned(),
            ..Passage::default()
        };
        texts.iter().enumerate().map(passage).collect()
    }

    /// Writes `said` in pieces of `size` bytes; gives the text that came out, and the quotes.
    fn written(said: &str, size: usize) -> (String, Vec<String>) {
        let passages = passages();
        let mut writer = Writer::new(Attribution::new(&passages, ""));
        let mut pieces = Vec::new();
        let characters: Vec<char> = said.chars().collect();
        for part in characters.chunks(size) {
            pieces.extend(writer.push(&part.iter().collect::<String>()));
        }
        pieces.extend(writer.finish());
        let mut text = String::new();
        let mut quotes = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Text(piece) => text.push_str(&piece),
                Piece::Citation(citation) => quotes.push(citation.quote),
            }
        }
        let (whole, citations) = writer.into_parts();
        assert_eq!(whole, text.trim());
        assert_eq!(citations.len(), quotes.len());
        (text, quotes)
    }

    #[track_caller]
    fn check(said: &str, expect: &str, quotes: &[&str]) {
        for size in [1, 2, 3, 7, 1000] {
            let (text, found) = written(said, size);
            assert_eq!(text, expect, "in pieces of {size}");
            assert_eq!(found, quotes, "in pieces of {size}");
        }
    }

    #[test]
    fn each_sentence_is_marked_with_the_passage_that_says_it() {
        check(
            "The deposit is £995. Notice is two months.",
            "The deposit is £995 [1]. Notice is two months [2].",
            &["The deposit is £995.", "Notice is two months."],
        );
    }

    #[test]
    fn the_models_own_markers_are_replaced() {
        check(
            "The deposit is £995 [2].",
            "The deposit is £995 [1].",
            &["The deposit is £995."],
        );
        check(
            "The deposit is £995. [2, 3]",
            "The deposit is £995 [1].",
            &["The deposit is £995."],
        );
        check(
            "The deposit is £995 [2]",
            "The deposit is £995 [1]",
            &["The deposit is £995."],
        );
    }

    #[test]
    fn markers_can_be_taken_out_again() {
        assert_eq!(
            without_markers("It is £995 [1]. See [note] [1, 2]"),
            "It is £995. See [note]"
        );
    }

    #[test]
    fn brackets_and_points_that_mean_something_stay() {
        check(
            "The deposit is £995.00. Notice [of both] is two months.",
            "The deposit is £995.00 [1]. Notice [of both] is two months [2].",
            &["The deposit is £995.", "Notice is two months."],
        );
    }

    #[test]
    fn list_items_are_marked_and_tables_are_not() {
        check(
            "- deposit £995\n- notice two months\n| deposit | £995 |\n",
            "- deposit £995 [1]\n- notice two months [2]\n| deposit | £995 |\n",
            &["The deposit is £995.", "Notice is two months."],
        );
    }

    #[test]
    fn an_answer_that_is_hardly_said_is_marked_once_at_the_end() {
        check(
            "Según parece, la fianza asciende exactamente a 995 libras esterlinas inglesas.",
            "Según parece, la fianza asciende exactamente a 995 libras esterlinas inglesas [1].",
            &["The deposit is £995."],
        );
    }

    #[test]
    fn a_number_of_a_list_gets_no_marker() {
        check(
            "2. Notice is two months.",
            "2. Notice is two months [2].",
            &["Notice is two months."],
        );
    }

    #[test]
    fn an_answer_that_nothing_says_is_not_marked() {
        check("Perhaps so. Who knows.", "Perhaps so. Who knows.", &[]);
    }

    #[test]
    fn what_nothing_proves_is_taken_back() {
        let passages = passages();
        let mut writer = Writer::new(Attribution::new(&passages, "How much is the deposit?"));
        writer.push("The deposit is £995. It was £800 before the flood. Notice is two months.");
        writer.finish();
        let (text, citations) = writer.into_parts();
        assert_eq!(text, "The deposit is £995 [1]. Notice is two months [2].");
        assert_eq!(citations.len(), 2);
    }
}
