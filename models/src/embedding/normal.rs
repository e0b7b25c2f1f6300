//! How text is normalised before `SentencePiece` cuts it: the rules `nmt_nfkc`, as the tokenizers of
//! XLM-RoBERTa models apply them.
//!
//! A character is replaced by what a table says. Of what a reader sees as one character and is
//! shorter than six bytes, only the beginning counts: its first character's replacement, or the one
//! character that its first two compose to. That loses accents, and is how the models were trained.

use std::collections::HashMap;

use unicode_normalization::char::{compose, decompose_canonical};
use unicode_segmentation::UnicodeSegmentation as _;

/// From this length on (bytes), characters of one grapheme are taken one by one.
const LONG: usize = 6;

/// What single characters are replaced by.
pub(super) struct Normaliser {
    replacements: HashMap<char, Box<str>>,
}

impl Normaliser {
    pub(super) fn new(replacements: HashMap<char, Box<str>>) -> Self {
        Self { replacements }
    }

    /// Hands on normalised text in small parts, until `take` has enough and says `false`.
    pub(super) fn each<'a>(&'a self, text: &'a str, mut take: impl FnMut(&str) -> bool) {
        for grapheme in text.graphemes(true) {
            let more = if grapheme.len() < LONG {
                self.short(grapheme, &mut take)
            } else {
                self.one_by_one(grapheme, &mut take)
            };
            if !more {
                return;
            }
        }
    }

    fn short(&self, grapheme: &str, take: &mut impl FnMut(&str) -> bool) -> bool {
        let mut characters = grapheme.chars();
        let Some(first) = characters.next() else {
            return true;
        };
        if let Some(replacement) = self.replacements.get(&first) {
            return take(replacement);
        }
        let composed = characters.next().and_then(|second| composed(first, second));
        match composed {
            Some(composed) => take(composed.encode_utf8(&mut [0; 4])),
            None => self.one_by_one(grapheme, take),
        }
    }

    fn one_by_one(&self, grapheme: &str, take: &mut impl FnMut(&str) -> bool) -> bool {
        grapheme
            .chars()
            .all(|character| match self.replacements.get(&character) {
                Some(replacement) => take(replacement),
                None => take(character.encode_utf8(&mut [0; 4])),
            })
    }
}

/// The one character that is the same as these two, the first of which is no such character itself.
fn composed(first: char, second: char) -> Option<char> {
    compose(whole(first)?, whole(second)?)
}

/// The character that this one is another code for, itself for most; none where it is made of several.
fn whole(character: char) -> Option<char> {
    let mut parts = (None, 0);
    decompose_canonical(character, |part| parts = (Some(part), parts.1 + 1));
    parts.0.filter(|_| parts.1 == 1)
}
