//! Two questions in one: "What is the rent, and who is the landlord?"

use super::asked::Asked;
use super::phrases::COURTESY;

/// What a question begins with.
const ASKS: &str = "what|what s|whats|when|where|who|who s|whose|which|how|how much|how many|why|que|cual|cuales|cuando|\
    donde|quien|quienes|cuanto|cuanta|cuantos|cuantas|como|por que|a que|de que|en que|con que|de cuanto|a quien|\
    de quien|hasta cuando|desde cuando|cada cuanto|para que";

/// What a second question may begin with where the first one is a question, too.
const VERBS: &str = "is it|is there|are there|is the|is my|are the|does it|do they|do i|do we|can i|can we|may i|must i|\
    should i|hay|tiene|puedo|se puede|es|esta|incluye|admite|admiten";

/// The halves of a question that is two; none where it is one.
pub(super) fn halves(asked: &Asked<'_>) -> Option<[String; 2]> {
    let start = asked.past(0, COURTESY);
    asked.any(start, ASKS)?;
    let place = (start + 2..asked.len()).find(|at| {
        let joint = matches!(asked.word(*at), "and" | "y" | "e");
        let begins = |at: usize| asked.any(at, ASKS).or_else(|| asked.any(at, VERBS));
        let is_next = |at: usize| begins(at).is_some_and(|length| at + length < asked.len());
        (joint && is_next(at + 1)) || (ends_before(asked, *at) && is_next(*at))
    })?;
    let second = place + usize::from(matches!(asked.word(place), "and" | "y" | "e"));
    let [first, second] = [0..place, second..asked.len()];
    (first.len() > 2 && second.len() > 1)
        .then(|| [first, second].map(|range| format!("{}?", asked.span(range))))
}

/// Whether a question mark stands before the word at `at`.
fn ends_before(asked: &Asked<'_>, at: usize) -> bool {
    let between = asked.words[at - 1].span.end..asked.words[at].span.start;
    asked.text[between].contains('?')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(question: &str, expect: Option<[&str; 2]>) {
        let expect = expect.map(|halves| halves.map(str::to_owned));
        assert_eq!(halves(&Asked::new(question)), expect, "{question}");
    }

    #[test]
    fn two_questions_are_two() {
        check(
            "What is the rent, and who is the landlord?",
            Some(["What is the rent?", "who is the landlord?"]),
        );
        check(
            "¿Cuánto es el alquiler y quién es el casero?",
            Some(["Cuánto es el alquiler?", "quién es el casero?"]),
        );
        check(
            "When is the inspection? And is there parking at the garage?",
            Some(["When is the inspection?", "is there parking at the garage?"]),
        );
        check(
            "who fixed the boiler and how much did it cost",
            Some(["who fixed the boiler?", "how much did it cost?"]),
        );
    }

    #[test]
    fn one_question_is_one() {
        check("Who are Ana and Luis?", None);
        check("What did Ana say and when?", None);
        check("What is the difference between bread and what?", None);
        check("Is it and who is she?", None);
        check("Which notes mention bees and honey?", None);
        check("Do we know what and when?", None);
    }
}
