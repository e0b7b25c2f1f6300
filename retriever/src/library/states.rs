//! Whether a document makes a statement: in one sentence, one line, or one of its properties.
//!
//! Every word of it must be there by its stem or its family, names whole, numbers equal, and denied where
//! it is denied. What a document is called and where it lies counts with each of its sentences.

use std::ops::Range;

use super::filter::{Evidence, cite, file_name};
use super::{Entry, Part};
use crate::calendar::Period;
use crate::cite::sentences;
use crate::fold::{Word, find, words};
use crate::meaning::{Family, alike, is_negation};
use crate::plan::{Statement, Term};
use crate::values::{amounts, dates};

/// What a document says of a statement.
pub(super) struct Stated {
    /// Where it makes it, and the days that it says there.
    pub held: Vec<(Evidence, Option<Period>)>,
    /// It speaks of it: all words but its names and numbers stand in one sentence, whatever is said of them.
    pub spoken_of: bool,
}

/// What a document says of a statement.
pub(super) fn stated(statement: &Statement, entry: &Entry, parts: &[Part]) -> Stated {
    let about = names(entry);
    let mut found = Stated {
        held: Vec::new(),
        spoken_of: false,
    };
    for part in parts {
        let heading = part.heading.as_deref().map(words).unwrap_or_default();
        let around: Vec<&[Word]> = about.iter().chain([&heading]).map(Vec::as_slice).collect();
        for span in sentences(&part.text) {
            let unit = Unit::new(&part.text[span.clone()], entry);
            found.spoken_of |= unit.speaks_of(statement);
            if let Some(period) = unit.makes(statement, &around) {
                let place = Evidence::Place(cite(entry, part, &span));
                found.held.push((place, period));
            }
        }
    }
    if statement.denied && found.held.is_empty() {
        found.held.extend(said_otherwise(statement, entry, parts));
    }
    let is_plain = !statement.denied && statement.number.is_none() && statement.yearly.is_none();
    let around: Vec<&[Word]> = about.iter().map(Vec::as_slice).collect();
    if found.held.is_empty() && is_plain && statement.terms.iter().all(|term| is_in(term, &around))
    {
        found.held.push((Evidence::Nothing, None));
        found.spoken_of = true;
    }
    found
}

/// Where a document speaks of what is denied and says something else: who lives in Ghent does not live in
/// Leith.
fn said_otherwise(
    denied: &Statement,
    entry: &Entry,
    parts: &[Part],
) -> Option<(Evidence, Option<Period>)> {
    let has_value = denied
        .terms
        .iter()
        .any(|term| !matches!(term, Term::Word(_)));
    let statement = Statement {
        denied: false,
        ..denied.clone()
    };
    let mut place = None;
    for part in parts {
        for span in sentences(&part.text) {
            let unit = Unit::new(&part.text[span.clone()], entry);
            if unit.makes(&statement, &[]).is_some() {
                return None;
            }
            if place.is_none() && unit.affirms_words_of(&statement) {
                place = Some(Evidence::Place(cite(entry, part, &span)));
            }
        }
    }
    place.filter(|_| has_value).map(|place| (place, None))
}

/// Whether a text makes a statement of several things with a number: "Twelve people live in Ghent".
pub(super) fn counts(
    statement: &Statement,
    noun: &[String],
    entry: &Entry,
    parts: &[Part],
) -> bool {
    parts.iter().any(|part| {
        sentences(&part.text).into_iter().any(|span| {
            let text = &part.text[span];
            let unit = Unit::new(text, entry);
            let says_noun = noun
                .iter()
                .any(|one| unit.words.iter().any(|word| word.text == *one));
            says_noun && !amounts(text, None).is_empty() && unit.makes(statement, &[]).is_some()
        })
    })
}

/// What a document is called, where it lies and what it is tagged with.
fn names(entry: &Entry) -> Vec<Vec<Word>> {
    let names = [entry.title.as_str(), file_name(&entry.path)].into_iter();
    let names = names.chain(entry.tags.iter().map(String::as_str));
    // The watched folder is no property of a document.
    let names = names.chain(entry.folders.iter().skip(1).map(String::as_str));
    names.map(words).collect()
}

fn is_in(term: &Term, around: &[&[Word]]) -> bool {
    match term {
        Term::Word(asked) => around
            .iter()
            .any(|said| said.iter().any(|word| alike(asked, &word.text))),
        Term::Name(any) => any
            .iter()
            .any(|name| around.iter().any(|said| find(said, name).is_some())),
        Term::Number(_) => false,
    }
}

/// A sentence, line or property.
struct Unit<'a> {
    text: &'a str,
    words: Vec<Word>,
    language: Option<&'a str>,
}

impl<'a> Unit<'a> {
    fn new(text: &'a str, entry: &'a Entry) -> Self {
        Self {
            text,
            words: words(text),
            language: entry.language.as_deref(),
        }
    }

    /// Whether it makes a statement, and the days that it says.
    #[expect(clippy::option_option, reason = "made or not, with days or without")]
    fn makes(&self, statement: &Statement, around: &[&[Word]]) -> Option<Option<Period>> {
        let mut places = Vec::new();
        let mut is_said_here = false;
        for term in &statement.terms {
            match self.place(term) {
                Some(place) => {
                    is_said_here = true;
                    if matches!(term, Term::Word(_)) {
                        places.push(place);
                    }
                }
                None if is_in(term, around) => {}
                None => return None,
            }
        }
        if !is_said_here {
            return None;
        }
        let is_denied = match places.as_slice() {
            [] => self.words.iter().any(|word| is_absence(&word.text)),
            places => places.iter().any(|place| self.is_denied(*place)),
        };
        if is_denied != statement.denied {
            return None;
        }
        if let Some(wanted) = statement.number {
            let mut all = amounts(self.text, self.language).into_iter();
            all.find(|amount| wanted.admits(amount))?;
        }
        let day = self.day_beside(places.last().copied());
        if let Some((month, day_of_month)) = statement.yearly {
            let date = day?.from?;
            let fits = date.month == month && day_of_month.is_none_or(|day| date.day == day);
            return fits.then_some(day);
        }
        Some(day)
    }

    /// The date that stands next to a word, or the first one.
    fn day_beside(&self, place: Option<usize>) -> Option<Period> {
        let dates = dates(self.text).into_iter();
        let word = place.map_or(0..0, |place| self.words[place].span.clone());
        let nearest = dates.min_by_key(|date| {
            let behind = date.span.start.checked_sub(word.end);
            behind.unwrap_or_else(|| word.start.saturating_sub(date.span.end))
        });
        nearest.map(|date| date.period)
    }

    fn speaks_of(&self, statement: &Statement) -> bool {
        let mut words = statement
            .terms
            .iter()
            .filter(|term| matches!(term, Term::Word(_)));
        let has_words = words.clone().next().is_some();
        has_words && words.all(|term| self.place(term).is_some())
    }

    /// Whether it says the words of a statement, undenied.
    fn affirms_words_of(&self, statement: &Statement) -> bool {
        let words = statement
            .terms
            .iter()
            .filter(|term| matches!(term, Term::Word(_)));
        let mut places = words.filter_map(|term| self.place(term));
        self.speaks_of(statement) && !places.any(|place| self.is_denied(place))
    }

    /// The word that says a term.
    fn place(&self, term: &Term) -> Option<usize> {
        match term {
            Term::Word(asked) => self.words.iter().position(|word| alike(asked, &word.text)),
            Term::Name(any) => any
                .iter()
                .find_map(|name| Some(find(&self.words, name)?.start)),
            Term::Number(number) => {
                let all = amounts(self.text, self.language);
                let found = all.iter().find(|amount| amount.value == *number)?;
                self.words
                    .iter()
                    .position(|word| word.span.end > found.span.start)
            }
        }
    }

    /// Whether what a word says is denied, by the word itself or by others in its clause.
    fn is_denied(&self, place: usize) -> bool {
        let clause = self.clause(place);
        let denying = clause.filter(|at| {
            let word = self.words[*at].text.as_str();
            let is_no = (word == "no" || word == "0") && self.is_value(*at);
            is_negation(word)
                || is_no
                || (*at == place && Family::of(word).is_some_and(|family| family.denies))
        });
        denying.count() % 2 == 1
    }

    /// Whether a word is all that a property or a cell says: "paid: no".
    fn is_value(&self, at: usize) -> bool {
        self.text[..self.words[at].span.start]
            .trim_end()
            .ends_with([':', '|'])
    }

    /// The words around one up to a comma, semicolon or bar. A colon parts nothing: "paid: false".
    fn clause(&self, place: usize) -> Range<usize> {
        let parts = |one: usize, other: usize| {
            let between = &self.text[self.words[one].span.end..self.words[other].span.start];
            between.contains([',', ';', '|'])
        };
        let start = (1..=place).rev().find(|at| parts(at - 1, *at)).unwrap_or(0);
        let end = (place + 1..self.words.len())
            .find(|at| parts(at - 1, *at))
            .unwrap_or(self.words.len());
        start..end
    }
}

fn is_absence(word: &str) -> bool {
    Family::of(word).is_some_and(Family::is_absence)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{About, plan};

    const NOW: i64 = 1_781_956_800_000;

    fn note(text: &str) -> (Entry, Vec<Part>) {
        let entry = Entry {
            path: "/vault/people/Ravi Marsh.md".to_owned(),
            folders: vec!["vault".to_owned(), "people".to_owned()],
            title: "Ravi Marsh".to_owned(),
            tags: vec!["person/club".to_owned()],
            ..Entry::default()
        };
        let part = Part {
            text: text.to_owned(),
            ..Part::default()
        };
        (entry, vec![part])
    }

    /// Whether a note says what a question asks for; and whether it speaks of it at all.
    #[track_caller]
    fn check(question: &str, text: &str, held: bool, spoken_of: bool) {
        let about = About {
            folders: ["people", "meetings", "invoices", "libros"]
                .map(str::to_owned)
                .to_vec(),
            ..About::default()
        };
        let plan = plan(question, &about, NOW, None);
        let (entry, parts) = note(text);
        let says = plan
            .filters
            .says
            .first()
            .unwrap_or_else(|| panic!("{question}"));
        let found = stated(says, &entry, &parts);
        assert_eq!(
            (!found.held.is_empty(), found.spoken_of),
            (held, spoken_of),
            "{question} {text}"
        );
    }

    #[test]
    fn all_of_it_is_said_in_one_sentence() {
        let question = "Which people live in Ghent?";
        check(question, "Lives in Ghent. Born in Leith.", true, true);
        check(question, "Born in Ghent. Lives in Leith.", false, true);
        check(question, "---\ncity: Ghent\n---", true, true);
        check(question, "Likes Ghent.", false, false);
        check("Which people play chess?", "Plays chess.", true, true);
        check(
            "¿Qué personas viven en Cádiz?",
            "Vive en Cadiz.",
            true,
            true,
        );
    }

    #[test]
    fn what_is_denied_is_not_said() {
        let question = "How many invoices are not paid yet?";
        check(question, "Total: 30 EUR. Not paid yet.", true, true);
        check(question, "Total: 30 EUR. Paid by transfer.", false, true);
        check(question, "paid: false", true, true);
        check(question, "paid: true", false, true);
        check(
            "Which invoices did Kestrel Print not pay?",
            "Not paid yet.",
            false,
            true,
        );
        check("How many invoices are paid?", "Unpaid.", false, true);
        check(
            "How many invoices are paid?",
            "Paid in May, not by card.",
            true,
            true,
        );
        check(
            "¿Cuántas facturas están sin pagar?",
            "Sin pagar todavía.",
            true,
            true,
        );
        check(
            "¿Cuántas facturas están sin pagar?",
            "Pendiente de pago.",
            true,
            true,
        );
        check(
            "¿Cuántas facturas están sin pagar?",
            "Factura pendiente.",
            true,
            true,
        );
        check(
            "¿Cuántas facturas están sin pagar?",
            "pagada: no",
            true,
            true,
        );
        check(
            "Which people do not live in Leith?",
            "Lives in Ghent.",
            true,
            true,
        );
        check(
            "Which people do not live in Leith?",
            "Lives in Leith.",
            false,
            true,
        );
        check(
            "Which people do not live in Leith?",
            "Plays chess.",
            false,
            false,
        );
    }

    #[test]
    fn numbers_are_equal_and_names_whole() {
        check(
            "¿A qué libros les doy un 5?",
            "Tiene 5 páginas. Le doy un 4.",
            false,
            true,
        );
        check("¿A qué libros les doy un 5?", "Le doy un 4,5.", false, true);
        check("¿A qué libros les doy un 5?", "nota: 5", true, true);
        check("Which books are rated over 3?", "Rating: 4", true, true);
        check("Which books are rated over 3?", "Rating: 3", false, true);
        let question = "Which meetings was Oscar Tanaka at?";
        check(question, "Present: [[Oscar Tanaka]].", true, false);
        check(
            question,
            "Present: [[Oscar Solano]], [[Lotte Tanaka]].",
            false,
            false,
        );
        check(question, "Apologies: Oscar Tanaka.", false, false);
    }

    #[test]
    fn days_are_those_of_the_sentence() {
        check(
            "Who has a birthday in May?",
            "Born on 3 May 1970.",
            true,
            true,
        );
        check(
            "Who has a birthday in May?",
            "birthday: 1970-05-03",
            true,
            true,
        );
        check(
            "Who has a birthday in May?",
            "Born on 3 June 1970, met in May 2020.",
            false,
            true,
        );
    }
}
