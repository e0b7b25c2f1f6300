//! Letters as they are compared: lower case, without accents, whatever way they were encoded.
//!
//! One pass, the same for documents and questions. Every letter keeps its place in the text. Pure.

use std::iter::Peekable;
use std::str::CharIndices;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// What a letter is to a reader, as far as words are cut by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Lower,
    Upper,
    Digit,
    /// Of a script that puts no spaces between words.
    Unspaced,
    /// Not part of any word.
    Between,
}

/// A letter with the marks on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Letter {
    pub class: Class,
    /// Where it begins (bytes), and where it and its marks end.
    pub start: usize,
    pub end: usize,
}

/// The letters of a text. What each is, folded and otherwise, is appended by `next`.
pub(super) struct Letters<'a> {
    characters: Peekable<CharIndices<'a>>,
}

impl<'a> Letters<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self {
            characters: text.char_indices().peekable(),
        }
    }

    /// The next letter. `folded` gets it in lower case without accents, `plain` in lower case with them.
    pub(super) fn next(&mut self, folded: &mut String, plain: &mut String) -> Option<Letter> {
        let (start, first) = loop {
            let next = self.characters.next()?;
            if !is_invisible(next.1) {
                break next;
            }
        };
        let mut end = start + first.len_utf8();
        if first.is_ascii()
            && !self
                .characters
                .peek()
                .is_some_and(|(_, next)| continues(*next))
        {
            let class = class(first);
            if class != Class::Between {
                let lower = first.to_ascii_lowercase();
                folded.push(lower);
                plain.push(lower);
            }
            return Some(Letter { class, start, end });
        }
        let mut cluster = String::from(first);
        while let Some((at, mark)) = self.characters.next_if(|(_, next)| continues(*next)) {
            end = at + mark.len_utf8();
            if !is_invisible(mark) {
                cluster.push(mark);
            }
        }
        let composed: String = cluster.nfkc().collect();
        let class = composed.chars().next().map_or(Class::Between, class);
        if class != Class::Between {
            for character in composed.chars().filter(|c| is_part(*c)) {
                push_plain(character, plain);
                push_folded(character, folded);
            }
        }
        Some(Letter { class, start, end })
    }
}

/// A word in lower case without accents.
pub(super) fn folded(text: &str) -> String {
    let (mut folded, mut plain) = (String::new(), String::new());
    let mut letters = Letters::of(text);
    while letters.next(&mut folded, &mut plain).is_some() {}
    folded
}

fn class(character: char) -> Class {
    if is_unspaced(character) {
        Class::Unspaced
    } else if character.is_numeric() {
        Class::Digit
    } else if character.is_uppercase() {
        Class::Upper
    } else if character.is_alphabetic() {
        Class::Lower
    } else {
        Class::Between
    }
}

fn is_part(character: char) -> bool {
    character.is_alphanumeric() || is_combining_mark(character)
}

/// Whether it belongs to the letter before it.
fn continues(character: char) -> bool {
    !character.is_ascii() && (is_combining_mark(character) || is_invisible(character))
}

/// Soft hyphens and what else has no width: a word goes on across them.
fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}'
    )
}

/// Chinese, Japanese, Korean, Thai, Lao, Burmese, Khmer. Korean has spaces, but its particles are written to the
/// words.
fn is_unspaced(character: char) -> bool {
    matches!(character,
        '\u{0e01}'..='\u{0e4f}' | '\u{0e81}'..='\u{0ecf}' | '\u{1000}'..='\u{103f}' | '\u{1780}'..='\u{17d3}'
        | '\u{1100}'..='\u{11ff}' | '\u{3005}'..='\u{3007}' | '\u{3041}'..='\u{3096}' | '\u{309d}'..='\u{309f}'
        | '\u{30a1}'..='\u{30fa}' | '\u{30fc}'..='\u{30ff}' | '\u{3105}'..='\u{312f}' | '\u{3131}'..='\u{318e}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}')
}

fn push_plain(character: char, into: &mut String) {
    match character {
        'İ' => into.push('i'),
        other => into.extend(other.to_lowercase()),
    }
}

/// Accents go where leaving them out makes no other letter: of Latin and Greek, and of Arabic and Hebrew, where they
/// are vowels that few write. The Russian short i is a letter of its own.
fn push_folded(character: char, into: &mut String) {
    for lower in character.to_lowercase() {
        match lower {
            'a'..='z' | '0'..='9' => into.push(lower),
            'ß' => into.push_str("ss"),
            'æ' => into.push_str("ae"),
            'œ' => into.push_str("oe"),
            'þ' => into.push_str("th"),
            'ø' => into.push('o'),
            'ł' => into.push('l'),
            'đ' | 'ð' => into.push('d'),
            'ħ' => into.push('h'),
            'ı' => into.push('i'),
            'ς' => into.push('σ'),
            'ё' => into.push('е'),
            'أ' | 'إ' | 'آ' => into.push('ا'),
            '\u{300}'..='\u{36f}'
            | '\u{591}'..='\u{5c7}'
            | '\u{640}'
            | '\u{64b}'..='\u{65f}'
            | '\u{670}' => {}
            '\u{c0}'..='\u{24f}' | '\u{370}'..='\u{3ff}' | '\u{1e00}'..='\u{1fff}' => {
                let letters = std::iter::once(lower).nfkd();
                into.extend(letters.filter(|c| !is_combining_mark(*c)));
            }
            other => into.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_one_however_they_are_written() {
        for (text, expect) in [
            ("Además", "ademas"),
            ("sequi\u{301}a", "sequia"),
            ("com\u{ad}pañía", "compania"),
            ("STRASSE", "strasse"),
            ("Straße", "strasse"),
            ("İstanbul", "istanbul"),
            ("ISTANBUL", "istanbul"),
            ("I\u{307}stanbul", "istanbul"),
            ("ΑΘΉΝΑΣ", "αθηνασ"),
            ("Αθήνας", "αθηνασ"),
            ("Ёлка", "елка"),
            ("Мой", "мой"),
            ("Мои\u{306}", "мой"),
            ("ﬁn", "fin"),
            ("ＡＢＣ１２", "abc12"),
            ("か\u{3099}", "が"),
            ("Łódź", "lodz"),
            ("हिन्दी", "हिन्दी"),
        ] {
            assert_eq!(folded(text), expect, "{text}");
        }
    }

    #[test]
    fn a_letter_ends_with_its_marks() {
        let (mut folded, mut plain) = (String::new(), String::new());
        let text = "n\u{303}\u{ad}o";
        let mut letters = Letters::of(text);
        let first = letters.next(&mut folded, &mut plain).expect("a letter");
        assert_eq!((first.start, first.end), (0, "n\u{303}\u{ad}".len()));
        assert_eq!((folded.as_str(), plain.as_str()), ("n", "ñ"));
        let second = letters.next(&mut folded, &mut plain).expect("a letter");
        assert_eq!(&text[second.start..second.end], "o");
    }
}
