//! The words of an answer. Pure.

use std::sync::LazyLock;

use regex::Regex;

use super::rows::without_mark;
use crate::cite::is_short_word;
use crate::expected::words;
use crate::fold::listed;
use crate::proof::Claim;

/// A longer sentence (bytes) is shown without its phrase being said first.
const WHOLE: usize = 3;

/// A sentence without the signs of lists and tables, in one line.
pub(super) fn plain(quote: &str) -> String {
    let words: Vec<&str> = without_mark(quote).split_whitespace().collect();
    words.join(" ").replace("**", "")
}

/// Without white space and signs around it that belong to a sentence.
pub(super) fn trimmed(words: &str) -> &str {
    let words = words.trim_matches(|c: char| {
        c.is_whitespace() || matches!(c, '|' | ',' | ';' | ':' | '"' | '*')
    });
    let point = words.strip_suffix('.');
    // "a.m." and "St." keep theirs.
    point.filter(|words| !is_short_word(words)).unwrap_or(words)
}

/// Whether a phrase has only words of the question, which asks for no choice between them: it answers nothing.
pub(super) fn repeats(question: &str, phrase: &str) -> bool {
    let asks_which_of_two = words(question).iter().any(|word| listed("or o u", word));
    !asks_which_of_two && !Claim::of_question(question).is_told_more_by(phrase)
}

/// What a sentence says of what a text says: "The text states that it is white."
pub(super) fn past_reference(sentence: &str) -> String {
    static REFERENCE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(
            r"(?i)^(?:the (?:text|sentence|document|quote|note) (?:above )?(?:states|says|indicates|mentions|notes) that|(?:el texto|la frase|el documento|la cita|la nota) (?:anterior )?(?:indica|dice|menciona|afirma|señala|establece) que|(?:according to|in) the (?:text|document|quote|note)(?: above)?,|(?:según|en) (?:el texto|el documento|la cita|la nota)(?: anterior)?,) *",
        )
        .expect("a pattern")
    });
    match REFERENCE.replace(sentence, "") {
        rest if rest.len() < sentence.len() => capitalised(&rest),
        rest => rest.into_owned(),
    }
}

/// As a sentence begins.
pub(super) fn capitalised(words: &str) -> String {
    let mut characters = words.chars();
    let first = characters.next();
    let first = first.into_iter().flat_map(char::to_uppercase);
    first.chain(characters).collect()
}

/// Whether words tell of a text what it is about, not what it says: "The text gives information on …"
pub(super) fn speaks_of_text(sentence: &str) -> bool {
    let words = words(sentence).join(" ");
    let texts = [
        "the text ",
        "the document ",
        "el texto ",
        "el documento ",
        "le texte ",
        "le document ",
        "il testo ",
        "il documento ",
        "o texto ",
        "o documento ",
        "der text ",
        "das text ",
        "das dokument ",
        "ja das text ",
        "de tekst ",
        "het document ",
    ];
    sentence.ends_with(':') || texts.iter().any(|text| words.starts_with(text))
}

/// Whether a question asks for a reason.
pub(super) fn asks_why(question: &str) -> bool {
    const WHY: &str = "why|how come|for what reason|what is the reason|what s the reason|what was the reason|what made|\
    what caused|what causes|what led to|por que|a que se debe|a que se debio|cual es la razon|cual fue la razon|\
    cual es el motivo|cual fue el motivo|pourquoi|warum|wieso|weshalb|perche|waarom";
    let asked = format!(" {} ", words(question).join(" "));
    WHY.split('|')
        .any(|why| asked.contains(&format!(" {why} ")))
}

/// Whether words stand in a text as they are, but for capitals.
pub(super) fn stands_in(words: &str, text: &str) -> bool {
    !words.is_empty() && text.to_lowercase().contains(&words.to_lowercase())
}

/// A phrase with the sentence that it stands in; the sentence alone where it is hardly longer.
pub(super) fn worded(phrase: Option<&str>, sentence: &str) -> String {
    match phrase {
        Some(phrase) if sentence.len() > phrase.len() + WHOLE => {
            format!("**{phrase}** — {sentence}")
        }
        _ => sentence.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_text_is_said_to_say_is_said() {
        let check = |sentence: &str, expect: &str| assert_eq!(past_reference(sentence), expect);
        check(
            "The text states that it is shut off in the stable.",
            "It is shut off in the stable.",
        );
        check("According to the text above, 24 nuts.", "24 nuts.");
        check("El texto indica que él lo cierra.", "Él lo cierra.");
        check("Según la nota, el modo 7.", "El modo 7.");
        check("The text is in Spanish.", "The text is in Spanish.");
        check("In the stable.", "In the stable.");
    }

    #[test]
    fn a_reason_is_asked_for_in_many_words() {
        assert!(
            asks_why("Why did the club move?") && asks_why("oye, ¿por qué no se baja la persiana?")
        );
        assert!(!asks_why("How do I reset the brake?") && !asks_why("¿Cómo se cambia?"));
    }

    #[test]
    fn what_a_text_is_about_is_no_answer() {
        assert!(speaks_of_text(
            "El texto proporciona información sobre el agua."
        ));
        assert!(!speaks_of_text("In the stable, behind the trough."));
    }

    #[test]
    fn a_phrase_of_the_questions_words_answers_nothing() {
        let question = "What did the wind on the pass take from me?";
        assert!(repeats(question, "The wind took it on the pass"));
        assert!(!repeats(question, "My blue hat"));
        assert!(!repeats("Is it the red or the blue one?", "the blue one"));
    }
}
