//! Answers that stand in two documents: one names what is asked, another one tells of it. Pure.
//!
//! "The phone of the plumber who fixed the boiler": the log names the plumber, the address book has the number. The
//! sentences that say most of what is described lead to it: their names are searched next, and a line that has one of
//! them is what they lead to.

use std::ops::Range;

use crate::cite::{Citation, Quote, paragraph_of, quotes, sentences};
use crate::expected::{self, Expected};
use crate::fold::{listed, same};
use crate::nearness::Nearness;
use crate::passage::Passage;
use crate::proof::{Claim, shares};

/// The least share of what is described in a sentence that leads to it.
const LEADS: f32 = 0.3;

/// How much a sentence must say of what the best one says to lead, too.
const NEARLY: f32 = 0.7;

/// Sentences that lead, and words of them that are searched, at most.
const MOST: usize = 3;
const MOST_WORDS: usize = 8;

/// Words that ask to reach somebody.
const CONTACT: &str = "phone phones telephone number numbers mobile email mail ring call calls calling dial text reach \
    contact telefono telefonos numero movil correo llamo llamar llama llame llamamos marcar marco contactar escribir \
    people person man woman guy lady persona gente senor senora hay quien quienes whoever tengo necesito need give dame \
    speak talk hablar address";

/// Words after which "that" or "que" tells what is said, not which thing is meant.
const NO_RELATIVE: &str = "mean means meant say says said show shows shown state states stated tell tells told require \
    requires required ensure ensures agree agreed decide decided think thinks thought believe know knows knew sure mention \
    mentions mentioned hope note noted notice noticed find found prove proves expect expected report reported warn warns \
    warned suggest suggests suggested so such now given after before for with about in is was hay mas menos tiene tengo \
    tienen tenemos lo por para es de a en con dice dicen dijo dije significa significan indica indican muestra exige \
    requiere obliga permite hace hacen quiere quieren quiero creo cree pienso piensa se sabe sabemos acordo acordamos \
    acordaron decidio decidimos decidieron pide piden pidio espera esperamos parece puede asi ya aun igual";

/// A sentence that names what is asked of.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Lead {
    pub passage: usize,
    pub span: Range<usize>,
}

/// What a question says of whom it asks to reach, or of what it asks; none where it stands in one place.
pub(crate) fn described(question: &str) -> Option<String> {
    let expected = Expected::of(question);
    let is_contact = expected.is_some_and(Expected::is_contact);
    let told = question.split_whitespace().filter(|word| {
        let words = expected::words(word);
        !is_contact || !words.iter().all(|word| listed(CONTACT, word))
    });
    let told = told.collect::<Vec<_>>().join(" ");
    let words = told.split_whitespace();
    let asked = words.filter(|word| Claim::is_asked_by(word)).count();
    let is_needed = expected.is_some_and(Expected::is_needed);
    (relates(question) || is_needed && !is_contact || asked > 1)
        .then_some(told)
        .filter(|_| is_needed || relates(question))
}

/// Whether a question asks for somebody, by how to reach them or by what they do.
pub(crate) fn is_of_person(question: &str) -> bool {
    const PERSON: &str = "who whose whoever quien quienes cuyo cuya";
    let is_contact = Expected::of(question).is_some_and(Expected::is_contact);
    let words = expected::words(question);
    is_contact || words.iter().skip(3).any(|word| listed(PERSON, word))
}

/// The sentences that say what is described, the best first; nothing where those that could answer say as much.
/// `nearness` is of what is described.
pub(crate) fn leads(
    question: &str,
    described: &str,
    passages: &[Passage],
    nearness: &Nearness,
) -> Vec<Lead> {
    let expected = Expected::of(question).filter(|one| one.is_needed());
    let is_contact = expected.is_some_and(Expected::is_contact);
    let answers = |text: &str| expected.is_some_and(|one| one.is_in(text, question));
    let all = passages.iter().enumerate();
    let places: Vec<Quote> = all
        .flat_map(|(place, passage)| quotes(passage, place))
        .filter(|quote| quote.sentences == 1)
        .collect();
    let whole = |quote: &Quote| {
        let text = &passages[quote.passage].text;
        let opener = quote.opener.clone().map_or("", |opener| &text[opener]);
        format!("{} {opener} {}", quote.around, quote.text)
    };
    let wholes: Vec<String> = places.iter().map(whole).collect();
    let by_words = Claim::of_question(described).shares(wholes.iter().map(String::as_str));
    let none = nearness.words().unwrap_or_default();
    let said = places.iter().map(|quote| {
        let said = nearness.said_with(&passages[quote.passage], quote, None);
        said.unwrap_or_else(|| vec![0.0; none])
    });
    let said: Vec<Vec<f32>> = said.collect();
    let by_meaning = shares(&said);
    let says: Vec<f32> = by_words
        .iter()
        .zip(&by_meaning)
        .map(|(words, meaning)| words.max(*meaning))
        .collect();
    let (mut best, mut rest) = (Vec::new(), 0.0_f32);
    for (quote, says) in places.iter().zip(says) {
        // What stands in the same paragraph needs no other document.
        let whole = &passages[quote.passage].text;
        let paragraph = &whole[paragraph_of(whole, &quote.span)];
        if answers(quote.text) || !is_contact && answers(paragraph) {
            rest = rest.max(says);
        } else if says >= LEADS
            && !named(quote.text, question).is_empty()
            && !is_named(described, quote.text)
        {
            let lead = Lead {
                passage: quote.passage,
                span: quote.span.clone(),
            };
            best.push((says, lead));
        }
    }
    best.sort_by(|one, other| other.0.total_cmp(&one.0));
    let highest = best.first().map_or(0.0, |(says, _)| *says);
    best.retain(|(says, _)| highest > rest && *says >= NEARLY * highest);
    best.truncate(MOST);
    for (says, lead) in &best {
        let text = &passages[lead.passage].text[lead.span.clone()];
        tracing::trace!(says, rest, text, "leads on");
    }
    best.into_iter().map(|(_, lead)| lead).collect()
}

/// Whether all that a sentence has of what is described are names: whoever is asked of by name is nobody else in it.
fn is_named(described: &str, sentence: &str) -> bool {
    let mut said = expected::words(described);
    said.retain(|word| Claim::is_asked_by(word) && !occurrences(word, sentence).is_empty());
    let is_name = |word: &String| occurrences(word, sentence).into_iter().all(is_capital);
    !said.is_empty() && said.iter().all(is_name)
}

/// The words of a text that are a folded word, as they are written.
fn occurrences<'a>(word: &str, text: &'a str) -> Vec<&'a str> {
    let words = text.split(|c: char| !c.is_alphanumeric());
    words.filter(|one| expected::words(one) == [word]).collect()
}

fn is_capital(word: &str) -> bool {
    word.starts_with(char::is_uppercase)
}

/// Whether a question asks how to reach somebody by a name that a line does not have: a word that `texts` write with a
/// capital letter, and never without.
pub(crate) fn is_of_another(question: &str, line: &str, texts: &[String]) -> bool {
    if !Expected::of(question).is_some_and(Expected::is_contact) {
        return false;
    }
    let mut names = expected::words(question);
    names.retain(|word| {
        let all = texts.iter().flat_map(|text| occurrences(word, text));
        let all: Vec<&str> = all.collect();
        let tells = word.chars().count() > 2 && !listed(CONTACT, word) && Claim::is_asked_by(word);
        tells && !all.is_empty() && all.into_iter().all(is_capital)
    });
    !names.is_empty() && names.iter().all(|name| occurrences(name, line).is_empty())
}

/// What is searched after sentences that lead: their names, then the other words of those that have none.
pub(crate) fn searched(sentences: &[&str], question: &str) -> String {
    let of_names = sentences.iter().map(|sentence| names(sentence, question));
    let of_names: Vec<Vec<&str>> = of_names.collect();
    let nameless = sentences.iter().zip(&of_names);
    let nameless = nameless.filter(|(_, names)| names.is_empty());
    let others = nameless.flat_map(|(sentence, _)| named(sentence, question));
    let words = of_names.iter().flatten().copied().chain(others);
    words.take(MOST_WORDS).collect::<Vec<_>>().join(" ")
}

/// The words of `searched` that passages have beside the sentences that lead: the others lead nowhere.
pub(crate) fn found(searched: &str, leads: &[Citation], passages: &[Passage]) -> String {
    let spans = passages.iter().flat_map(|passage| {
        let spans = sentences(&passage.text).into_iter();
        spans.map(move |span| (passage, span))
    });
    let is_lead = |passage: &Passage, span: &Range<usize>| {
        let mut leads = leads.iter();
        leads.any(|lead| {
            lead.document == passage.document && lead.start == passage.start + span.start
        })
    };
    let others = spans.filter(|(passage, span)| !is_lead(passage, span));
    let said: Vec<String> = others
        .flat_map(|(passage, span)| expected::words(&passage.text[span]))
        .collect();
    let is_said = |word: &&str| {
        let words = expected::words(word);
        words
            .iter()
            .any(|word| said.iter().any(|said| same(said, word)))
    };
    let words = searched.split_whitespace().filter(is_said);
    words.collect::<Vec<_>>().join(" ")
}

/// Whether a line is of somebody whom a sentence names and the question does not.
pub(crate) fn leads_to(sentence: &str, line: &str, question: &str) -> bool {
    let is_name = |text: &str, word: &str| occurrences(word, text).into_iter().any(is_capital);
    let line_words = expected::words(line);
    named(sentence, question).into_iter().any(|word| {
        let words = expected::words(word);
        words.iter().any(|word| {
            let is_long =
                word.chars().count() > 2 && !word.starts_with(|c: char| c.is_ascii_digit());
            let mut others = line_words.iter();
            is_long
                && others.any(|other| {
                    same(word, other) && (is_name(line, other) || is_name(sentence, word))
                })
        })
    })
}

/// Whether a question tells what it asks of by what that did: "the plumber who fixed the boiler".
fn relates(question: &str) -> bool {
    let words = expected::words(question);
    let mut places = words.iter().enumerate().skip(3);
    places.any(|(place, word)| {
        let goes_on = place + 1 < words.len();
        goes_on
            && match word.as_str() {
                "who" | "which" | "whose" | "cuyo" | "cuya" | "quien" => true,
                // After a noun, not in "hay que" or "it means that".
                "that" | "que" => !listed(NO_RELATIVE, &words[place - 1]),
                _ => false,
            }
    })
}

/// Words of a sentence that say something and that the question does not have.
fn named<'a>(sentence: &'a str, question: &str) -> Vec<&'a str> {
    let asked = expected::words(question);
    let is_new = |word: &&str| {
        let words = expected::words(word);
        let is_known =
            |word: &String| listed(CONTACT, word) || asked.iter().any(|asked| same(asked, word));
        Claim::is_asked_by(word) && !words.is_empty() && !words.iter().all(is_known)
    };
    let words = sentence.split_whitespace();
    let words = words.map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()));
    words.filter(is_new).collect()
}

/// Words with capital letters that the question does not have, those that begin a sentence left out.
fn names<'a>(sentence: &'a str, question: &str) -> Vec<&'a str> {
    let asked = question.to_lowercase();
    let mut begins = true;
    let mut names: Vec<&str> = Vec::new();
    for token in sentence.split_whitespace() {
        let word = token.trim_matches(|c: char| !c.is_alphanumeric());
        let is_capital = word.chars().next().is_some_and(char::is_uppercase);
        let is_new = !asked.contains(&word.to_lowercase()) && !names.contains(&word);
        if is_capital && is_new && !begins && word.chars().count() > 1 {
            names.push(word);
        }
        begins = word.is_empty() && token != "&" || token.ends_with(['.', ':', '!', '?']);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cite::cite;

    fn passage(text: &str) -> Passage {
        Passage {
            n: 1,
            document: "d".to_owned(),
            path: "/notes/boiler.md".to_owned(),
            title: "Boiler".to_owned(),
            end: text.len(),
            score: 1.0,
            text: text.to_owned(),
            ..Passage::default()
        }
    }

    #[track_caller]
    fn check(question: &str, text: &str, expect: Option<&str>) {
        let passages = [passage(text)];
        let found = described(question).and_then(|described| {
            let leads = leads(question, &described, &passages, &Nearness::default());
            let first = leads.first()?;
            Some(searched(&[&text[first.span.clone()]], question))
        });
        assert_eq!(found.as_deref(), expect, "{question}");
    }

    #[test]
    fn a_sentence_names_what_is_asked() {
        check(
            "What is the phone number of the plumber who fixed the boiler?",
            "It was cold. The plumber Nils Olsen fixed the boiler on Monday.",
            Some("Nils Olsen Monday"),
        );
        check(
            "¿Cuál es el teléfono del fontanero que arregló la caldera?",
            "La caldera la arregló el fontanero Íñigo Sanz.",
            Some("Íñigo Sanz"),
        );
        check(
            "I must ring whoever lends us the cement mixer. What is the number?",
            "mixer: borrow tam's, he lends it on sundays, cement",
            Some("borrow tam's sundays"),
        );
    }

    #[test]
    fn what_is_told_needs_no_second_search() {
        check(
            "What is the phone number of our own dentist?",
            "Our own dentist Berta Lund has the phone number 0161 555 0177.",
            None,
        );
        check(
            "When was the boiler fixed?",
            "Nils Olsen fixed the boiler.",
            None,
        );
        check(
            "What is the phone number of the vet for the cat?",
            "The roof of Ana Ruiz is wet.",
            None,
        );
    }

    #[test]
    fn what_is_said_is_no_thing_that_is_told_apart() {
        let relates = |question: &str| assert!(relates(question), "{question}");
        let not = |question: &str| assert!(!super::relates(question), "{question}");
        relates("What is the name of the plumber that fixed the boiler?");
        relates("¿Cómo se llama el fontanero que arregló la caldera?");
        not("Which fault code of the boiler means that the water pressure is too low?");
        not("Which clause of the lease says that we may keep a cat?");
        not("¿Qué código de la caldera significa que falta presión?");
        not("¿En qué acta se acordó que subiera la cuota?");
    }

    #[test]
    fn names_that_nothing_else_has_lead_nowhere() {
        let log = passage("Nils Olsen fixed the boiler on Monday. It was cold.");
        let book = Passage {
            document: "book".to_owned(),
            ..passage("Olsen: 0161 555 0110")
        };
        let lead = cite(&log, 0..log.text.find(" It").expect("two sentences"));
        let found = |passages: &[Passage]| {
            found("Nils Olsen Monday", std::slice::from_ref(&lead), passages)
        };
        assert_eq!(found(&[log.clone(), book]), "Olsen");
        assert_eq!(found(&[log]), "");
    }

    #[test]
    fn names_are_searched_before_other_words() {
        let sentences = [
            "the tray was left empty for a week or more, the pads dry and hard",
            "Emptied today by Harrow & Daughter.",
        ];
        let searched = searched(&sentences, "Whose number empties the tank?");
        assert!(searched.starts_with("Harrow Daughter "), "{searched}");
    }

    #[test]
    fn whoever_is_asked_of_by_name_is_nobody_else() {
        check(
            "teléfono de ana ruiz",
            "Vienen Ana Ruiz y Berta Lund, como siempre.",
            None,
        );
        let texts = [
            "Ana Ruiz, Berta Lund".to_owned(),
            "la vaca de Ana".to_owned(),
        ];
        let other = |question: &str, line: &str| is_of_another(question, line, &texts);
        assert!(other("teléfono de ana ruiz", "Berta Lund 0161 555 0107"));
        assert!(!other("teléfono de ana ruiz", "ana 0161 555 0107"));
        assert!(!other(
            "teléfono del dueño de la vaca",
            "Berta Lund 0161 555 0107"
        ));
        assert!(!other("¿Cuándo viene Ana?", "Berta Lund viene hoy."));
    }

    #[test]
    fn a_line_is_of_whom_a_sentence_names() {
        let question = "What's the number of the people who empty the tank?";
        let to = |sentence: &str, line: &str| leads_to(sentence, line, question);
        assert!(to(
            "Emptied by Harrow & Daughter.",
            "harrow + daughter 0161 555 0107"
        ));
        assert!(to("trailer: borrow tam's", "Tam Ogilvie 0161 555 0110"));
        assert!(!to(
            "Emptied by Harrow & Daughter.",
            "Tank Supplies 0161 555 0109"
        ));
        assert!(!to("Emptied in the morning.", "morning milk 0161 555 0111"));
    }
}
