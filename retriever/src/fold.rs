//! Words as they are compared: lower case, without accents, each with its place in the text.
//!
//! People write without accents and in any case, documents with both. Pure; the planner, the values
//! and the listings all compare words through this file.

use std::ops::Range;

/// A word of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    /// Its letters and digits, folded.
    pub text: String,
    /// Where it stands (bytes).
    pub span: Range<usize>,
}

/// The words of a text: its runs of letters and digits.
pub(crate) fn words(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut inside = false;
    for (at, character) in text.char_indices() {
        let end = at + character.len_utf8();
        if is_combining(character) {
            if let (true, Some(word)) = (inside, words.last_mut()) {
                word.span.end = end;
            }
            continue;
        }
        if !character.is_alphanumeric() {
            inside = false;
            continue;
        }
        if !inside {
            words.push(Word {
                text: String::new(),
                span: at..at,
            });
        }
        inside = true;
        if let Some(word) = words.last_mut() {
            push_folded(character, &mut word.text);
            word.span.end = end;
        }
    }
    words
}

/// A text's words in one line, with a space between them.
pub(crate) fn folded(text: &str) -> String {
    let words = words(text);
    let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
    texts.join(" ")
}

/// Whether two folded words are the same, or one is the other's plural.
pub(crate) fn same(one: &str, other: &str) -> bool {
    one == other || is_plural(one, other) || is_plural(other, one)
}

/// Where `phrase` stands in `words`, as a range of words.
pub(crate) fn find(words: &[Word], phrase: &[String]) -> Option<Range<usize>> {
    if phrase.is_empty() {
        return None;
    }
    let place = words.windows(phrase.len()).position(|window| {
        let mut pairs = window.iter().zip(phrase);
        pairs.all(|(word, wanted)| same(&word.text, wanted))
    })?;
    Some(place..place + phrase.len())
}

/// Plurals of English and Spanish that are made by the ending alone.
fn is_plural(plural: &str, singular: &str) -> bool {
    let Some(stem) = plural.strip_suffix('s') else {
        return false;
    };
    let is_word = singular.len() > 2 && singular.chars().all(char::is_alphabetic);
    is_word
        && (stem == singular
            || stem.strip_suffix('e') == Some(singular)
            || ends_instead(stem, "ie", singular, 'y')
            || ends_instead(stem, "ce", singular, 'z'))
}

fn ends_instead(stem: &str, ending: &str, singular: &str, instead: char) -> bool {
    let (stem, singular) = (stem.strip_suffix(ending), singular.strip_suffix(instead));
    stem.is_some() && stem == singular
}

/// A text in lower case, without accents and German's ß; everything else stays where it is.
pub(crate) fn plain(text: &str) -> String {
    let letters = text.to_lowercase().chars().map(letter).collect::<String>();
    letters.replace('ß', "ss")
}

/// A letter of the languages that questions are asked in, without its accent.
pub(crate) fn letter(lower: char) -> char {
    match lower {
        'á' | 'à' | 'â' | 'ä' | 'ã' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'í' | 'ì' | 'î' | 'ï' => 'i',
        'ó' | 'ò' | 'ô' | 'ö' | 'õ' => 'o',
        'ú' | 'ù' | 'û' | 'ü' => 'u',
        'ñ' => 'n',
        'ç' => 'c',
        other => other,
    }
}

/// Whether a list, written with spaces between its words, has a word.
pub(crate) fn listed(list: &str, word: &str) -> bool {
    list.split_ascii_whitespace().any(|known| known == word)
}

/// Accents that are characters of their own, as some systems write names of files.
pub(crate) fn is_combining(character: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&character)
}

fn push_folded(character: char, into: &mut String) {
    for lower in character.to_lowercase() {
        match lower {
            'å' | 'ā' | 'ă' | 'ą' => into.push('a'),
            'ē' | 'ė' | 'ę' | 'ě' => into.push('e'),
            'ī' | 'į' => into.push('i'),
            'ø' | 'ō' | 'ő' => into.push('o'),
            'ū' | 'ů' | 'ű' => into.push('u'),
            'ń' | 'ň' => into.push('n'),
            'ć' | 'č' => into.push('c'),
            'š' | 'ś' | 'ş' => into.push('s'),
            'ž' | 'ź' | 'ż' => into.push('z'),
            'ý' | 'ÿ' => into.push('y'),
            'ł' => into.push('l'),
            'ğ' => into.push('g'),
            'ß' => into.push_str("ss"),
            'æ' => into.push_str("ae"),
            'œ' => into.push_str("oe"),
            other if is_combining(other) => {}
            other => into.push(letter(other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_folded_and_keep_their_place() {
        let text = "¿Cuántas «Añadas», Straße?";
        let words = words(text);
        let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
        assert_eq!(texts, ["cuantas", "anadas", "strasse"]);
        assert_eq!(&text[words[1].span.clone()], "Añadas");
        assert_eq!(folded("Cafe\u{301} nº 3"), "cafe nº 3");
    }

    #[test]
    fn plurals_are_the_same_word() {
        for (one, other) in [
            ("bees", "bee"),
            ("nota", "notas"),
            ("pared", "paredes"),
            ("berry", "berries"),
            ("voz", "voces"),
            ("box", "boxes"),
            ("price", "prices"),
        ] {
            assert!(same(one, other), "{one} {other}");
        }
        for (one, other) in [("ana", "analysis"), ("is", "i"), ("bus", "bu"), ("2", "2s")] {
            assert!(!same(one, other), "{one} {other}");
        }
    }

    #[test]
    fn a_phrase_is_found_as_whole_words() {
        let words = words("Analía met Ana Ruiz.");
        let phrase = |text: &str| -> Vec<String> {
            super::words(text)
                .into_iter()
                .map(|word| word.text)
                .collect()
        };
        assert_eq!(find(&words, &phrase("ana")), Some(2..3));
        assert_eq!(find(&words, &phrase("ANA RUÍZ")), Some(2..4));
        assert_eq!(find(&words, &phrase("met ruiz")), None);
        assert_eq!(find(&words, &[]), None);
    }
}
