//! Follow-ups: from a question that leans on the conversation to one that stands alone.
//!
//! "And in winter?" retrieves nothing by itself. A question that points back (a pronoun, an opening
//! "and", too few words of its own) is searched together with the question it continues. No model
//! runs for this: it costs nothing and always gives the same query.

use crate::prompt::Turn;

/// Words that carry no topic, in English and Spanish.
const EMPTY: [&str; 98] = [
    "a", "about", "also", "an", "and", "any", "are", "at", "be", "by", "can", "could", "did", "do",
    "does", "else", "for", "from", "had", "has", "have", "how", "i", "if", "in", "is", "many",
    "me", "more", "much", "my", "not", "of", "on", "one", "or", "ones", "same", "should", "so",
    "some", "tell", "than", "the", "then", "to", "us", "was", "we", "were", "what", "when",
    "where", "which", "who", "whose", "why", "will", "with", "would", "you", "al", "algo", "como",
    "con", "cual", "cuando", "cuanto", "cuantos", "de", "del", "donde", "el", "en", "es", "fue",
    "hay", "la", "las", "los", "mas", "me", "mi", "o", "para", "pero", "por", "que", "quien", "se",
    "si", "son", "su", "sus", "un", "una", "y", "ya",
];

/// Words that point back to what was said before.
const POINTING: [&str; 37] = [
    "it", "its", "they", "them", "their", "he", "him", "his", "she", "her", "hers", "that", "this",
    "those", "these", "there", "one", "ones", "same", "eso", "esa", "ese", "esos", "esas", "esto",
    "esta", "este", "ella", "ellas", "ellos", "lo", "le", "les", "ahi", "alli", "mismo", "misma",
];

/// Openings that continue.
const OPENINGS: [&str; 10] = [
    "and ",
    "what about",
    "how about",
    "but ",
    "so ",
    "or ",
    "y ",
    "pero ",
    "o ",
    "que hay de",
];

/// What a question that leans on the conversation leans on: the question before it, with what that one leaned on,
/// and its answer where that is short. None for a question that stands alone.
pub(crate) fn context(history: &[Turn], question: &str) -> Option<String> {
    let (last, before) = history.split_last()?;
    if !leans(question) {
        return None;
    }
    let mut words = context(before, &last.question).unwrap_or_default();
    words = format!("{words} {}", last.question);
    if last.answer.chars().count() <= SHORT {
        words = format!("{words} {}", last.answer);
    }
    Some(words.trim().to_owned())
}

/// Longer answers (characters) are of several things.
const SHORT: usize = 240;

fn leans(question: &str) -> bool {
    let folded = fold(question);
    if OPENINGS.iter().any(|opening| folded.starts_with(opening)) {
        return true;
    }
    let words: Vec<&str> = folded.split_whitespace().collect();
    let topical = words
        .iter()
        .filter(|word| !EMPTY.contains(word) && !POINTING.contains(word))
        .count();
    let points = words.iter().any(|word| POINTING.contains(word));
    topical < 2 || (points && topical < 5)
}

/// Lower case, without accents and punctuation.
fn fold(text: &str) -> String {
    let plain = text
        .to_lowercase()
        .chars()
        .map(|c| match c {
            'á' => 'a',
            'é' => 'e',
            'í' => 'i',
            'ó' => 'o',
            'ú' | 'ü' => 'u',
            c if c.is_alphanumeric() => c,
            _ => ' ',
        })
        .collect::<String>();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(question: &str, leans_back: bool) {
        assert_eq!(leans(question), leans_back, "{question}");
    }

    #[test]
    fn questions_that_point_back_lean() {
        check("And in winter?", true);
        check("How much does it cost?", true);
        check("What about the dog?", true);
        check("Why?", true);
        check("¿Y en verano?", true);
        check("¿Cuánto cuesta eso?", true);
    }

    #[test]
    fn questions_with_a_topic_of_their_own_stand() {
        check("When was the boiler last serviced?", false);
        check("Which farms take part in the Heron pilot?", false);
        check("¿Cuántos huevos lleva el bizcocho de limón?", false);
    }

    #[test]
    fn a_question_that_leans_takes_along_what_was_said() {
        let turn = |question: &str, answer: &str| Turn {
            question: question.to_owned(),
            answer: answer.to_owned(),
            cited: Vec::new(),
        };
        let history = [
            turn("Who looks after the roof?", "Salma Haddad"),
            turn("What is her number?", "555 0177"),
        ];
        assert_eq!(
            context(&history, "And when does she come?").as_deref(),
            Some("Who looks after the roof? Salma Haddad What is her number? 555 0177")
        );
        assert_eq!(context(&history, "Which oil does the car need?"), None);
        assert_eq!(context(&[], "And then?"), None);
    }
}
