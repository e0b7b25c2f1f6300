//! What documents are called, as terms: each word of each name, and each name as a whole.
//!
//! All stand in one field and are told apart by how they are written: a form is one word, a stem has its language before
//! it, a whole has a sign before it. A name's language is not told by the text that it stands over.

use crate::analysis::{Kind, Token, analyse_beside, tokens};

/// Begins what a name is as a whole.
const WHOLE: char = '=';

/// The terms of names.
pub(super) fn terms(names: &[String]) -> Vec<String> {
    let mut terms: Vec<String> = Vec::new();
    for name in names {
        let name = analyse_beside(name, None);
        terms.extend(whole(&name.tokens));
        terms.extend(name.tokens.into_iter().map(|token| token.text));
        terms.extend(name.stems);
    }
    terms.sort_unstable();
    terms.dedup();
    terms
}

/// The term of a name that a question is, as a whole.
pub(super) fn asked(question: &str) -> Option<String> {
    whole(&tokens(question))
}

/// What is the same however its words are separated.
fn whole(tokens: &[Token]) -> Option<String> {
    let words = tokens
        .iter()
        .filter(|token| !matches!(token.kind, Kind::Whole | Kind::Joined));
    let whole: String = words.map(|token| token.text.as_str()).collect();
    (!whole.is_empty()).then(|| format!("{WHOLE}{whole}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_by_its_words_and_as_a_whole() {
        let terms = terms(&["Año nuevo".to_owned(), "new-years_eve".to_owned()]);
        for term in [
            "ano",
            "nuevo",
            "=anonuevo",
            "eve",
            "=newyearseve",
            "xx nuev",
        ] {
            assert!(terms.iter().any(|one| one == term), "{term}: {terms:?}");
        }
        assert_eq!(asked("AÑO NUEVO?").as_deref(), Some("=anonuevo"));
        assert_eq!(asked("¿?"), None);
    }
}
