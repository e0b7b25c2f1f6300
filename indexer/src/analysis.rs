//! Words: how text becomes the terms of the full-text index.
//!
//! Each document is analysed in its own language (stemming), and every term is lower-cased and
//! stripped of diacritics, so that `jardin` finds `jardín`. A question is analysed once in every
//! language the index holds, because the language of a few words cannot be told.

use tantivy::Index;
use tantivy::tokenizer::{
    AsciiFoldingFilter, Language, LowerCaser, RemoveLongFilter, SimpleTokenizer, Stemmer,
    TextAnalyzer,
};

/// Longer "words" are binary rubbish (bytes).
const LONGEST_WORD: usize = 80;

/// A language with a stemmer of its own, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Analysis {
    /// ISO 639-1 code, or `xx` for every other language.
    pub code: &'static str,
    language: Option<Language>,
}

const fn stemmed(code: &'static str, language: Language) -> Analysis {
    Analysis {
        code,
        language: Some(language),
    }
}

/// Every analysis there is; the last one serves all other languages.
pub(crate) const ANALYSES: [Analysis; 10] = [
    stemmed("en", Language::English),
    stemmed("es", Language::Spanish),
    stemmed("fr", Language::French),
    stemmed("de", Language::German),
    stemmed("it", Language::Italian),
    stemmed("pt", Language::Portuguese),
    stemmed("nl", Language::Dutch),
    stemmed("sv", Language::Swedish),
    stemmed("ru", Language::Russian),
    Analysis {
        code: "xx",
        language: None,
    },
];

/// The place in `ANALYSES` for a document of this language.
pub(crate) fn position(language: Option<&str>) -> usize {
    ANALYSES
        .iter()
        .position(|analysis| Some(analysis.code) == language)
        .unwrap_or(ANALYSES.len() - 1)
}

impl Analysis {
    /// The name the analyzer is registered under.
    pub(crate) fn name(self) -> String {
        format!("vade_{}", self.code)
    }

    /// The analyzer itself.
    pub(crate) fn analyzer(self) -> TextAnalyzer {
        let words = TextAnalyzer::builder(SimpleTokenizer::default())
            .filter(RemoveLongFilter::limit(LONGEST_WORD))
            .filter(LowerCaser);
        match self.language {
            Some(language) => words
                .filter(Stemmer::new(language))
                .filter(AsciiFoldingFilter)
                .build(),
            None => words.filter(AsciiFoldingFilter).build(),
        }
    }

    /// The distinct terms of a text, in order.
    pub(crate) fn terms(self, text: &str) -> Vec<String> {
        let mut analyzer = self.analyzer();
        let mut stream = analyzer.token_stream(text);
        let mut terms = Vec::new();
        while let Some(token) = stream.next() {
            if !terms.contains(&token.text) {
                terms.push(token.text.clone());
            }
        }
        terms
    }
}

/// Makes the analyzers known to a tantivy index.
pub(crate) fn register(index: &Index) {
    for analysis in ANALYSES {
        index
            .tokenizers()
            .register(&analysis.name(), analysis.analyzer());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(language: &str, text: &str, expect: &[&str]) {
        assert_eq!(ANALYSES[position(Some(language))].terms(text), expect);
    }

    #[test]
    fn words_are_stemmed_and_folded() {
        check(
            "en",
            "The Houses were running",
            &["the", "hous", "were", "run"],
        );
        check(
            "es",
            "Los jardines y el jardín",
            &["los", "jardin", "y", "el"],
        );
        check(
            "xx",
            "Ångström naïve Ñandú",
            &["angstrom", "naive", "nandu"],
        );
    }

    #[test]
    fn an_unknown_language_is_analysed_without_stemming() {
        assert_eq!(ANALYSES[position(Some("zz"))].code, "xx");
        assert_eq!(ANALYSES[position(None)].code, "xx");
    }
}
