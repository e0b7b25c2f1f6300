//! Words: how text becomes the terms of the full-text index.
//!
//! Every word is a term by its form, the same in all languages, and by its stem in the language of its paragraph.
//! Letters are folded before they are stemmed, and a word that has accents is stemmed with them, too: so it is found by
//! who writes them and by who does not. A question is stemmed in every language, as the language of a few words cannot
//! be told.

mod cut;
mod fold;
mod languages;

use std::collections::HashSet;

pub(crate) use cut::{Kind, Token, tokens};
pub(crate) use languages::{Place, is_small, of_question, place, tag};

/// A text as it is indexed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Analysed {
    pub tokens: Vec<Token>,
    pub language: Option<Place>,
    /// A stem for each word that has one, in order, with the tag of the language.
    pub stems: Vec<String>,
}

/// The terms of a paragraph, whose document is said to be in a language (ISO 639-1).
pub(crate) fn analyse(text: &str, said: Option<&str>) -> Analysed {
    let tokens = tokens(text);
    let language = languages::of_text(words(&tokens), place(said));
    Analysed {
        stems: stems(&tokens, language),
        language,
        tokens,
    }
}

/// The terms of what stands over a paragraph in this language.
pub(crate) fn analyse_beside(text: &str, language: Option<Place>) -> Analysed {
    let tokens = tokens(text);
    Analysed {
        stems: stems(&tokens, language),
        language,
        tokens,
    }
}

/// The stems of a word in all languages in which it can be, with their tags; what an unknown language has of them last.
pub(crate) fn stems_anywhere(token: &Token) -> Vec<(Option<Place>, String)> {
    let mut stems: Vec<(Option<Place>, String)> = Vec::new();
    let mut unknown: Vec<String> = Vec::new();
    for place in languages::possible(&token.text) {
        for stem in both(place, token) {
            if !unknown.contains(&stem) {
                unknown.push(stem.clone());
            }
            stems.push((Some(place), stem));
        }
    }
    stems.extend(unknown.into_iter().map(|stem| (None, stem)));
    for (place, stem) in &mut stems {
        *stem = tagged(*place, stem);
    }
    stems
}

/// Whether a token is stemmed.
pub(crate) fn has_stem(token: &Token) -> bool {
    let is_word = matches!(token.kind, Kind::Word | Kind::Part | Kind::Whole);
    is_word && !token.text.bytes().any(|byte| byte.is_ascii_digit())
}

fn words(tokens: &[Token]) -> impl Iterator<Item = &str> {
    let words = tokens.iter().filter(|token| token.kind == Kind::Word);
    words.map(|token| token.text.as_str())
}

fn tagged(place: Option<Place>, stem: &str) -> String {
    format!("{} {stem}", tag(place))
}

/// The stem of a word without its accents, and of the word with them where that is another.
fn both(place: Place, token: &Token) -> Vec<String> {
    let mut stems = languages::stems(place, &[&token.text, &token.plain]);
    stems.dedup();
    stems
}

fn stems(tokens: &[Token], language: Option<Place>) -> Vec<String> {
    let words: Vec<&Token> = tokens.iter().filter(|token| has_stem(token)).collect();
    let Some(place) = language else {
        return words.into_iter().flat_map(stems_of_unknown).collect();
    };
    let folded: Vec<&str> = words.iter().map(|token| token.text.as_str()).collect();
    let stems = languages::stems(place, &folded);
    let accented: Vec<usize> = (0..words.len())
        .filter(|word| words[*word].plain != words[*word].text)
        .collect();
    let plain: Vec<&str> = accented
        .iter()
        .map(|word| words[*word].plain.as_str())
        .collect();
    let others = languages::stems(place, &plain);
    let others = accented
        .into_iter()
        .zip(others)
        .filter(|(word, stem)| stems[*word] != *stem);
    let others: Vec<String> = others.map(|(_, stem)| tagged(language, &stem)).collect();
    let stems = stems.iter().map(|stem| tagged(language, stem));
    stems.chain(others).collect()
}

fn stems_of_unknown(token: &Token) -> Vec<String> {
    let places = languages::possible(&token.text);
    let stems: HashSet<String> = places.flat_map(|place| both(place, token)).collect();
    stems.into_iter().map(|stem| tagged(None, &stem)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(said: Option<&str>, text: &str, expect: &[&str]) {
        assert_eq!(analyse(text, said).stems, expect);
    }

    #[test]
    fn words_are_folded_and_stemmed() {
        check(
            Some("en"),
            "The Houses were running",
            &["en the", "en hous", "en were", "en run"],
        );
        check(
            Some("es"),
            "jardines y el jardín",
            &["es jardin", "es y", "es el", "es jardin"],
        );
        check(Some("es"), "42 DEC-0054", &["es dec"]);
    }

    #[test]
    fn what_is_written_without_accents_has_a_stem_of_what_is_written_with_them() {
        for (code, with, without) in [
            ("es", "además", "ademas"),
            ("es", "compañía", "compania"),
            ("es", "galería", "galeria"),
            ("es", "sequía", "sequia"),
            ("fr", "élèves", "eleves"),
            ("pt", "informações", "informacoes"),
            ("de", "Häuser", "hauser"),
            ("el", "Αθήνας", "ΑΘΗΝΑΣ"),
            ("tr", "İstanbul", "istanbul"),
        ] {
            let (with, without) = (analyse(with, Some(code)), analyse(without, Some(code)));
            assert!(
                with.stems.contains(&without.stems[0]),
                "{with:?} {without:?}"
            );
        }
        let (one, many) = (
            analyse("informação", Some("pt")),
            analyse("informações", Some("pt")),
        );
        assert!(
            one.stems.iter().any(|stem| many.stems.contains(stem)),
            "{one:?} {many:?}"
        );
    }

    #[test]
    fn an_unknown_language_is_met_by_every_stem() {
        let text = analyse("Facturas pendientes", None);
        assert_eq!(text.language, None);
        let asked = tokens("factura pendiente");
        for token in &asked {
            let stems = stems_anywhere(token);
            assert!(
                stems
                    .iter()
                    .any(|(place, stem)| place.is_none() && text.stems.contains(stem))
            );
        }
    }

    #[test]
    fn a_paragraph_decides_its_language() {
        let text = "La reunión se ha movido al jueves porque la sala no estaba disponible.";
        assert_eq!(tag(analyse(text, Some("en")).language), "es");
        assert_eq!(tag(analyse("Room 12", Some("es")).language), "es");
    }
}
