//! Words: how text becomes the terms of the full-text index.
//!
//! Each document is analysed in its own language (stemming), and every term is lower-cased and
//! stripped of diacritics, so that `jardin` finds `jardín`. A question is analysed once in every
//! language the index holds, because the language of a few words cannot be told.

use std::sync::LazyLock;

use tantivy::Index;
use tantivy::tokenizer::{
    AsciiFoldingFilter, Language, LowerCaser, RemoveLongFilter, SimpleTokenizer, Stemmer,
    StopWordFilter, TextAnalyzer,
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

    /// The distinct terms to search for. Words that carry nothing are left out, unless there are no
    /// others: in a language that few documents are in, "the" would pass for a rare word.
    pub(crate) fn terms(self, question: &str) -> Vec<String> {
        let place = position(Some(self.code));
        let content = distinct(QUESTION_ANALYZERS[place].clone(), question);
        if content.is_empty() {
            distinct(self.analyzer(), question)
        } else {
            content
        }
    }

    /// The distinct terms of a text, empty words included.
    pub(crate) fn all_terms(self, text: &str) -> Vec<String> {
        let mut analyzer = self.analyzer();
        let mut terms = Vec::new();
        analyzer
            .token_stream(text)
            .process(&mut |token| terms.push(token.text.clone()));
        terms
    }

    /// The analyzer for questions: without stop words of this language, or of all where the
    /// language is not known.
    fn question_analyzer(self) -> TextAnalyzer {
        let own = ANALYSES
            .iter()
            .filter_map(|analysis| analysis.language)
            .filter(|language| self.language.is_none_or(|own| own == *language));
        let mut words = TextAnalyzer::builder(SimpleTokenizer::default())
            .filter(RemoveLongFilter::limit(LONGEST_WORD))
            .filter(LowerCaser)
            .dynamic();
        for filter in own.filter_map(StopWordFilter::new) {
            words = words.filter_dynamic(filter);
        }
        if let Some(language) = self.language {
            words = words.filter_dynamic(Stemmer::new(language));
        }
        words.filter_dynamic(AsciiFoldingFilter).build()
    }
}

/// Analyzers for questions, in the order of `ANALYSES`: their word lists take a while to build.
static QUESTION_ANALYZERS: LazyLock<Vec<TextAnalyzer>> =
    LazyLock::new(|| ANALYSES.map(Analysis::question_analyzer).to_vec());

fn distinct(mut analyzer: TextAnalyzer, text: &str) -> Vec<String> {
    let mut stream = analyzer.token_stream(text);
    let mut terms = Vec::new();
    while let Some(token) = stream.next() {
        if !terms.contains(&token.text) {
            terms.push(token.text.clone());
        }
    }
    terms
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
        check("en", "The Houses were running", &["hous", "were", "run"]);
        check("es", "Los jardines y el jardín", &["jardin"]);
        check(
            "xx",
            "Ångström naïve Ñandú",
            &["angstrom", "naive", "nandu"],
        );
    }

    #[test]
    fn a_question_of_empty_words_is_kept_whole() {
        check("en", "To be or not to be", &["to", "be", "or", "not"]);
    }

    #[test]
    fn an_unknown_language_is_analysed_without_stemming() {
        assert_eq!(ANALYSES[position(Some("zz"))].code, "xx");
        assert_eq!(ANALYSES[position(None)].code, "xx");
    }
}
