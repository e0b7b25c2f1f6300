//! How central each sentence of a document is.
//!
//! A sentence is central that has the words which the document keeps coming back to, the words of its headings, facts,
//! and a place where writers say what matters. All of a document is read for this and no model is asked. Pure
//! functions.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use crate::cite::quotes;
use crate::fold::listed;
use crate::naming::terms::{self, Class, Term};
use crate::passage::Passage;

/// Fewer words are a label.
const SHORTEST: usize = 4;

/// Fewer words with a small letter are a title, a date or a signature.
const RUNNING: usize = 2;

/// More words are hard to read as one point of a summary.
const LONGEST: usize = 45;

/// Words that a sentence is weighed by: its most telling ones.
const TELLING: usize = 6;

/// A word in a larger share of the sentences ties them together and tells nothing.
const TYING: f32 = 0.35;

/// In fewer sentences than this no word is thought to tie.
const MANY: usize = 8;

/// Numbers and names that make a sentence as factual as it can be.
const FACTS: usize = 3;

/// How a sentence ends, or a row.
const ENDS: [char; 7] = ['.', '!', '…', '。', '|', ')', '*'];

/// Words that refer to the sentence before.
const LEANING: &str = "it they this these those he she its their that then also however otherwise eso esto ello ellos \
    ellas este esta estos estas ademas tambien entonces asi";

/// Words that greet, thank or take leave.
const COURTESY: &str = "dear hello hi thank thanks regards love sincerely greetings querido querida estimado estimada \
    hola gracias saludos abrazo besos atentamente";

/// A sentence, row or line of a document.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sentence {
    /// The passage it is in.
    pub passage: usize,
    /// Where it is in the passage's text.
    pub span: Range<usize>,
    /// What it says something with, sorted.
    pub terms: Vec<String>,
    /// How central it is to the document, about 0 to 1.
    pub score: f32,
}

/// The sentences of a document that could stand in its summary, in order.
pub(super) fn sentences(passages: &[Passage]) -> Vec<Sentence> {
    let read: Vec<Read> = (0..passages.len())
        .flat_map(|place| read(passages, place))
        .collect();
    let weights = weights(&read);
    let headings: Vec<HashSet<String>> = passages.iter().map(headings).collect();
    let first = read.first().map(|read| read.passage);
    let of = |read: Read| {
        let topic = topic(&read, &weights);
        let heading = share(&headings[read.passage], &read.terms);
        let is_lead = first == Some(read.passage) && read.opens;
        let place = if is_lead {
            1.0
        } else {
            f32::from(u8::from(read.opens)) * 0.6
        };
        let score = 0.45 * topic + 0.25 * heading + 0.2 * place + 0.1 * read.facts - read.faults;
        Sentence {
            passage: read.passage,
            span: read.span,
            terms: read.terms,
            score,
        }
    };
    read.into_iter().map(of).collect()
}

/// How much two sorted lists of terms have in common, of the shorter one.
pub(super) fn alike(one: &[String], other: &[String]) -> f32 {
    let shared = one
        .iter()
        .filter(|term| other.binary_search(term).is_ok())
        .count();
    ratio(shared, one.len().min(other.len()).max(1))
}

/// A sentence as it is read.
struct Read {
    passage: usize,
    span: Range<usize>,
    terms: Vec<String>,
    /// Whether a section begins with it.
    opens: bool,
    /// How factual it is, 0 to 1.
    facts: f32,
    /// What speaks against it.
    faults: f32,
}

fn read(passages: &[Passage], place: usize) -> Vec<Read> {
    let mut found = Vec::new();
    if place == 0 && is_properties(&passages[0].text) {
        return found;
    }
    let before = place.checked_sub(1).map(|before| &passages[before].heading);
    let mut opens = before.is_none_or(|before| *before != passages[place].heading);
    for quote in quotes(&passages[place], place).filter(|quote| quote.sentences == 1) {
        if quote.text.starts_with('#') {
            opens = true;
            continue;
        }
        let terms = terms::question(quote.text);
        let letters = quote.text.chars().filter(|c| c.is_alphabetic()).count();
        let is_label = terms.len() < SHORTEST
            || (!quote.text.starts_with('|') && running_words(quote.text) < RUNNING)
            || quote.text.ends_with(':')
            || 2 * letters < quote.text.len();
        if is_label || is_header(quote.text, &passages[place].text[quote.span.end..]) {
            continue;
        }
        found.push(Read {
            passage: place,
            terms: said(&terms),
            facts: facts(&terms),
            faults: faults(quote.text, &terms),
            span: quote.span,
            opens: !quote.text.starts_with('|') && std::mem::take(&mut opens),
        });
    }
    found
}

/// Words that begin with a small letter; a title, a date or a signature has few.
fn running_words(text: &str) -> usize {
    let words = text.split_whitespace();
    words
        .filter(|word| word.starts_with(char::is_lowercase))
        .count()
}

/// Whether a text is what a document says of itself at its top: `key: value`, line by line.
fn is_properties(text: &str) -> bool {
    let is_key = |key: &str| !key.is_empty() && !key.contains(char::is_whitespace);
    let is_property = |line: &str| {
        let item = line.trim_start().starts_with("- ");
        item || line.split_once(':').is_some_and(|(key, _)| is_key(key))
    };
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.all(is_property)
}

/// Whether a row names the columns of those below it.
fn is_header(row: &str, after: &str) -> bool {
    let next = after.trim_start();
    row.starts_with('|')
        && next.starts_with('|')
        && next
            .lines()
            .next()
            .is_some_and(|line| !line.contains(char::is_alphanumeric))
}

fn said(terms: &[Term]) -> Vec<String> {
    let tells =
        |term: &&Term| term.tells() && (term.class != Class::Word || term.word.chars().count() > 2);
    let mut said: Vec<String> = terms
        .iter()
        .filter(tells)
        .map(|term| term.text.clone())
        .collect();
    said.sort_unstable();
    said.dedup();
    said
}

fn facts(terms: &[Term]) -> f32 {
    let is_fact = |(place, term): &(usize, &Term)| {
        matches!(
            term.class,
            Class::Number | Class::Month | Class::Quarter | Class::Year
        ) || (*place > 0 && term.is_capital && term.tells())
    };
    let facts = terms.iter().enumerate().filter(is_fact).count();
    ratio(facts.min(FACTS), FACTS)
}

fn faults(text: &str, terms: &[Term]) -> f32 {
    let begins = |list: &str| terms.first().is_some_and(|term| listed(list, &term.word));
    let faults = [
        (terms.len() > LONGEST, 0.15),
        (begins(LEANING), 0.15),
        (text.starts_with('|'), 0.25),
        (!text.chars().any(char::is_lowercase), 0.2),
        (!text.ends_with(ENDS), 0.08),
        (text.ends_with('?'), 0.2),
        (text.contains("://"), 0.1),
        (begins(COURTESY), 0.3),
    ];
    faults
        .into_iter()
        .filter(|(is_there, _)| *is_there)
        .map(|(_, fault)| fault)
        .sum()
}

/// What each term weighs: more, the more sentences come back to it.
fn weights(read: &[Read]) -> HashMap<String, f32> {
    let mut sentences: HashMap<&String, usize> = HashMap::new();
    for term in read.iter().flat_map(|read| &read.terms) {
        *sentences.entry(term).or_default() += 1;
    }
    let ties = |count: usize| read.len() >= MANY && ratio(count, read.len()) > TYING;
    let counted = sentences.into_iter().filter(|(_, count)| !ties(*count));
    let weights: HashMap<String, f32> = counted
        .map(|(term, count)| (term.clone(), ratio(count, 1).ln_1p()))
        .collect();
    let most = weights.values().copied().fold(1.0, f32::max);
    weights
        .into_iter()
        .map(|(term, weight)| (term, weight / most))
        .collect()
}

fn topic(read: &Read, weights: &HashMap<String, f32>) -> f32 {
    let mut weights: Vec<f32> = read
        .terms
        .iter()
        .filter_map(|term| weights.get(term))
        .copied()
        .collect();
    weights.sort_by(|a, b| b.total_cmp(a));
    weights.iter().take(TELLING).sum::<f32>() / ratio(TELLING, 1)
}

fn headings(passage: &Passage) -> HashSet<String> {
    let heading = passage.heading.as_deref().unwrap_or_default();
    let innermost = heading.rsplit(" > ").next().unwrap_or_default();
    said(&terms::name(&format!("{} {innermost}", passage.title)))
        .into_iter()
        .collect()
}

fn share(wanted: &HashSet<String>, terms: &[String]) -> f32 {
    let there = terms.iter().filter(|term| wanted.contains(*term)).count();
    ratio(there, wanted.len().max(1)).min(1.0)
}

#[expect(clippy::cast_precision_loss, reason = "weights")]
fn ratio(part: usize, whole: usize) -> f32 {
    part as f32 / whole as f32
}

#[cfg(test)]
mod tests {
    use super::super::tests::{acta, lease, passages};
    use super::*;

    /// The most central sentences begin like this.
    fn best(passages: &[Passage], count: usize) -> Vec<String> {
        let mut sentences = sentences(passages);
        sentences.sort_by(|a, b| b.score.total_cmp(&a.score));
        let text =
            |sentence: &Sentence| passages[sentence.passage].text[sentence.span.clone()].to_owned();
        sentences.iter().take(count).map(text).collect()
    }

    #[test]
    fn what_a_document_is_about_is_central() {
        let best = best(&lease(), 6).join("\n");
        for fact in ["twenty-four months", "£865 per month", "£995"] {
            assert!(best.contains(fact), "{fact} in {best}");
        }
    }

    #[test]
    fn what_a_document_is_about_is_central_in_spanish() {
        let best = best(&acta(), 6).join("\n");
        for fact in ["115 €", "21.600 €"] {
            assert!(best.contains(fact), "{fact} in {best}");
        }
    }

    #[test]
    fn labels_headings_and_headers_of_tables_are_no_sentences() {
        let text = "# Slovenia trip\n\nNotes:\n\n| Flight | Date |\n|---|---|\n| Alderwing AW 318 to Ljubljana | 5 September |\n\n\
            Paid €612 for three people.";
        let passages = passages("Slovenia", &[("Flights", text)]);
        let found = sentences(&passages);
        let texts: Vec<&str> = found
            .iter()
            .map(|one| &passages[0].text[one.span.clone()])
            .collect();
        assert_eq!(
            texts,
            [
                "| Alderwing AW 318 to Ljubljana | 5 September |",
                "Paid €612 for three people."
            ]
        );
        assert!(found[1].score > found[0].score);
    }

    #[test]
    fn likeness_is_of_the_shorter_text() {
        let told = |text: &str| said(&terms::question(text));
        let long = told("The rent is £865 per month, paid in advance by standing order.");
        let short = told("Rent: £865 a month");
        assert!(alike(&long, &short) > 0.9);
        assert!(alike(&long, &told("Dogs are not permitted.")) < 0.1);
    }
}
