//! Statements: what a document must say in one sentence, row or property to be meant by a question.
//!
//! They are made of the words that no other rule understands: "How many people *live in Ghent*?". Whether
//! a document says it is for `library` to find out; where none does, the question is no list.

use serde::{Serialize, Serializer};

use super::About;
use super::asked::Asked;
use super::compare::Comparison;
use crate::fold::{listed, words};
use crate::meaning::{Family, is_negation};
use crate::values::Number;

/// Words that say nothing of a document.
const EMPTY: &str = "a an the of to in on at by for from with into as is are was were be been being am do does did has \
    have had having will would can could should i me my mine we us our you your he she it they them their his her its \
    this that these those there here which who whom whose what when where how yet still already ever just also any \
    some all each both than then got s t ve d ll re m one ones \
    el la los las lo un una unos unas de del a al en con para por entre como que quien quienes se me te le les nos os \
    mi mis tu tus su sus yo nosotros ella ellos ellas es son era eran fue fueron ser estar esta estan estaba estaban \
    estado han ha he hemos hay tienen tiene tengo tenemos habia sido todavia aun ya tambien este esta estos estas ese esa esos esas cual cuales \
    cuando donde";

/// What comes before something that is not done yet.
const UNDONE: &str = "left to be|left to|still to be|still to|yet to be|yet to|remaining to be|remaining to|to be|\
    have to be|por|pendientes de|pendiente de|faltan por|falta por|quedan por|queda por|me quedan por|me queda por|\
    me faltan por|me falta por|nos quedan por|nos queda por|que falta|que faltan";

/// Staying as it is.
const REMAIN: &str =
    "remain remains left stand stands quedan queda siguen sigue continuan continua";

/// What a document must say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Statement {
    /// As the question says it.
    pub text: String,
    /// All of them must be said together.
    pub terms: Vec<Term>,
    /// It must be denied: "not paid".
    pub denied: bool,
    /// What a number in it must be.
    pub number: Option<Comparison>,
    /// The month, and the day, of a date in it, whatever the year.
    pub yearly: Option<(i64, Option<i64>)>,
}

impl Serialize for Statement {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

/// A part of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Term {
    /// A word in any form.
    Word(String),
    /// A name, whole; any of several.
    Name(Vec<Vec<String>>),
    /// A number.
    Number(Number),
}

impl Statement {
    /// Whether a word of it is understood: one that has a family.
    pub(super) fn is_understood(&self) -> bool {
        self.families().next().is_some()
    }

    pub(super) fn families(&self) -> impl Iterator<Item = Family> {
        self.terms.iter().filter_map(|term| match term {
            Term::Word(word) => Family::of(word),
            _ => None,
        })
    }
}

/// The words of a title of the library that stand from a place on; a title of one word only where it is
/// written as a name.
pub(super) fn title(asked: &Asked<'_>, at: usize, about: &About) -> Option<usize> {
    let titles = about.beginning_with(asked.words.get(at)?);
    let lengths = titles.filter_map(|title| {
        let title = words(title);
        let mut said = title.iter().enumerate();
        let stands = said.all(|(place, word)| word.text == asked.word(at + place));
        let is_name = title.len() > 1 || is_capital(asked, at);
        (stands && is_name && title.len() > usize::from(title[0].text.len() < 4))
            .then_some(title.len())
    });
    lengths.max()
}

fn is_capital(asked: &Asked<'_>, at: usize) -> bool {
    at > 0 && asked.word(at) != "i" && asked.span(at..at + 1).starts_with(char::is_uppercase)
}

/// The words of a name that is written with capitals: "Oscar Tanaka", "Aguas de Mirlo".
pub(super) fn name(asked: &Asked<'_>, at: usize) -> Option<usize> {
    const INNER: &str = "de|del|de la|de los|de las|of|of the";
    if !is_capital(asked, at) {
        return None;
    }
    let mut end = at + 1;
    loop {
        let inner = asked.any(end, INNER).unwrap_or_default();
        let joins = inner == 0 || is_written_on(asked, end);
        if !joins || !is_capital(asked, end + inner) || !is_written_on(asked, end + inner) {
            return Some(end - at);
        }
        end += inner + 1;
    }
}

/// Whether only a space parts a word from the one before it.
fn is_written_on(asked: &Asked<'_>, at: usize) -> bool {
    let (Some(before), Some(word)) = (asked.words.get(at - 1), asked.words.get(at)) else {
        return false;
    };
    let between = &asked.text[before.span.end..word.span.start];
    between
        .chars()
        .all(|c| c.is_whitespace() || matches!(c, '&' | '.' | '-'))
}

/// Makes statements of the words that are left over, given by their places, each with how many words it
/// has (a name has several); none where they do not make sense.
pub(super) fn statements(asked: &Asked<'_>, left: &[(usize, usize)]) -> Option<Vec<Statement>> {
    let mut all: Vec<Statement> = Vec::new();
    let mut draft = Draft::default();
    let mut end = left.first().map_or(0, |(at, _)| *at);
    for (at, length) in left.iter().copied() {
        let joined =
            (end..at).any(|place| matches!(asked.word(place), "and" | "y" | "e" | "but" | "pero"));
        if joined {
            all.extend(std::mem::take(&mut draft).finished(asked));
        }
        draft.add(asked, at, length)?;
        end = at + length;
    }
    all.extend(draft.finished(asked));
    Some(all)
}

#[derive(Default)]
struct Draft {
    statement: Statement,
    span: Option<(usize, usize)>,
    /// An "or" stands before what comes next.
    is_alternative: bool,
    /// Words that belong to a phrase that was read before.
    read_to: usize,
}

impl Draft {
    fn add(&mut self, asked: &Asked<'_>, at: usize, length: usize) -> Option<()> {
        let word = asked.word(at);
        let is_read = at < self.read_to;
        let says_more = length > 1 || is_read || is_negation(word) || !listed(EMPTY, word);
        if says_more || asked.any(at, UNDONE).is_some() {
            let start = self.span.map_or(at, |(start, _)| start);
            self.span = Some((start, at + length));
        }
        if is_read {
            return Some(());
        }
        if length > 1 || is_capital(asked, at) {
            let name: Vec<String> = (at..at + length)
                .map(|at| asked.word(at).to_owned())
                .collect();
            return self.add_name(name);
        }
        if matches!(word, "or" | "o" | "u") {
            self.is_alternative = true;
            return Some(());
        }
        // "Or" joins names alone.
        if std::mem::take(&mut self.is_alternative) {
            return None;
        }
        if let Some(length) = asked
            .any(at, UNDONE)
            .filter(|length| is_verb(asked, at + length))
        {
            self.statement.denied ^= true;
            self.read_to = at + length;
            return Some(());
        }
        if is_negation(word) {
            self.statement.denied ^= true;
            return Some(());
        }
        if let Some(number) = number(asked, at) {
            self.statement.terms.push(Term::Number(number));
            return Some(());
        }
        if listed(EMPTY, word) {
            return Some(());
        }
        self.add_word(word);
        Some(())
    }

    fn add_name(&mut self, name: Vec<String>) -> Option<()> {
        let last = self.statement.terms.last_mut();
        match (std::mem::take(&mut self.is_alternative), last) {
            (true, Some(Term::Name(names))) => names.push(name),
            (true, _) => return None,
            (false, _) => self.statement.terms.push(Term::Name(vec![name])),
        }
        Some(())
    }

    /// A word that says the same as one before adds nothing: "have a birthday, born".
    fn add_word(&mut self, word: &str) {
        let family = Family::of(word);
        let denies = family.is_some_and(|family| family.denies);
        let said_before =
            family.is_some() && self.statement.families().any(|other| Some(other) == family);
        let completes = matches!(word, "anos") && self.statement.families().any(Family::recurs);
        self.statement.denied ^= denies && !said_before;
        if !said_before && !completes {
            self.statement.terms.push(Term::Word(word.to_owned()));
        }
    }

    /// The statement, if it says anything.
    fn finished(self, asked: &Asked<'_>) -> Option<Statement> {
        let (start, end) = self.span?;
        let mut statement = self.statement;
        // "Remain unpaid" says no more than "unpaid".
        let remains = |term: &Term| matches!(term, Term::Word(word) if listed(REMAIN, word));
        if statement.denied && !statement.terms.iter().all(remains) {
            statement.terms.retain(|term| !remains(term));
        }
        asked.span(start..end).clone_into(&mut statement.text);
        (!statement.terms.is_empty()).then_some(statement)
    }
}

/// Whether something to be done is said here: an infinitive, or a participle with a family.
fn is_verb(asked: &Asked<'_>, at: usize) -> bool {
    let word = asked.word(at);
    Family::of(word).is_some()
        || (word.len() > 3
            && ["ar", "er", "ir"]
                .iter()
                .any(|ending| word.ends_with(ending)))
}

/// A number in digits, or in a word from two on.
fn number(asked: &Asked<'_>, at: usize) -> Option<Number> {
    if let Some((amount, _)) = asked.amount(at) {
        return Some(amount.value);
    }
    let is_article = matches!(asked.word(at), "one" | "un" | "una" | "uno");
    let number = asked.number(at).filter(|_| !is_article)?;
    Number::parse(&number.to_string(), "")
}
