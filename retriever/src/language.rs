//! The language of a question, and what the program says in it.

use whatlang::{Detector, Lang};

/// A language answers are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Language {
    /// Its English name, for instructions to a model.
    pub name: &'static str,
    lang: Lang,
}

/// Languages that questions are told apart in.
const LANGUAGES: [Language; 7] = [
    Language {
        name: "English",
        lang: Lang::Eng,
    },
    Language {
        name: "Spanish",
        lang: Lang::Spa,
    },
    Language {
        name: "French",
        lang: Lang::Fra,
    },
    Language {
        name: "German",
        lang: Lang::Deu,
    },
    Language {
        name: "Italian",
        lang: Lang::Ita,
    },
    Language {
        name: "Portuguese",
        lang: Lang::Por,
    },
    Language {
        name: "Dutch",
        lang: Lang::Nld,
    },
];

/// Words that settle the language of a question too short for statistics.
const ENGLISH: [&str; 24] = [
    "what", "when", "where", "who", "which", "how", "why", "is", "are", "was", "did", "does", "do",
    "the", "of", "can", "my", "much", "many", "for", "about", "should", "we", "and",
];
const SPANISH: [&str; 28] = [
    "qué", "que", "cuándo", "cuando", "dónde", "donde", "quién", "quien", "cuál", "cual", "cómo",
    "como", "cuánto", "cuánta", "cuántos", "cuántas", "cuanto", "el", "la", "los", "las", "es",
    "de", "del", "en", "por", "y", "para",
];

impl Language {
    /// The language of `question`; English when nothing tells.
    pub(crate) fn of(question: &str) -> Self {
        if question.contains(['¿', '¡']) {
            return LANGUAGES[1];
        }
        let lower = question.to_lowercase();
        let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).collect();
        let count = |list: &[&str]| words.iter().filter(|word| list.contains(word)).count();
        let (english, spanish) = (count(&ENGLISH), count(&SPANISH));
        if english > spanish {
            return LANGUAGES[0];
        }
        let detector =
            Detector::with_allowlist(LANGUAGES.iter().map(|language| language.lang).collect());
        let detected = detector.detect(question).map(|info| info.lang());
        if spanish > english
            && detected
                .is_none_or(|lang| lang != Lang::Por && lang != Lang::Fra && lang != Lang::Ita)
        {
            return LANGUAGES[1];
        }
        LANGUAGES
            .into_iter()
            .find(|language| Some(language.lang) == detected && words.len() > 4)
            .unwrap_or(LANGUAGES[0])
    }

    /// ISO 639-1 code.
    pub(crate) fn code(self) -> &'static str {
        match self.lang {
            Lang::Spa => "es",
            Lang::Por => "pt",
            other => &other.code()[..2],
        }
    }

    /// What is said when the documents hold no answer.
    pub(crate) fn not_found(self) -> &'static str {
        match self.lang {
            Lang::Spa => "No está en tus documentos.",
            Lang::Fra => "Ce n'est pas dans vos documents.",
            Lang::Deu => "Das steht nicht in deinen Dokumenten.",
            Lang::Ita => "Non è nei tuoi documenti.",
            Lang::Por => "Não está nos seus documentos.",
            Lang::Nld => "Dat staat niet in je documenten.",
            _ => "It is not in your documents.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(question: &str, expect: &str) {
        assert_eq!(Language::of(question).name, expect, "{question}");
    }

    #[test]
    fn questions_are_told_apart() {
        check("When does the lease end?", "English");
        check("¿Cuándo acaba el contrato?", "Spanish");
        check("cuanto cuesta el agua", "Spanish");
        check("boiler error E4", "English");
        check("What is the abuela's recipe?", "English");
        check("Wann endet der Mietvertrag für die Wohnung?", "German");
        check("Quelle est la durée du contrat de location ?", "French");
    }
}
