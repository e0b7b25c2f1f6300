//! Which documents a question names, however it writes them.
//!
//! By file name, wiki-link, title, or a few words of these that tell one document from the others ("the lease", "mi
//! contrato de alquiler"). It knows nothing of where names come from, and of documents only what they are called. Pure
//! functions, called before anything is searched.

mod literal;
pub(crate) mod terms;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::Range;

use literal::{Literals, Spelling};
use terms::{Class, Term};

/// From here on a question is about the documents it names: they are searched before all others.
pub(crate) const STRONG: f32 = 0.75;

/// From here on a question that is about some document, such as one for a summary, means the ones it names. In another
/// question the words may just be what is asked about.
pub(crate) const WEAK: f32 = 0.4;

/// So many documents can be meant by the same words; what more of them are called tells nothing.
const MEANT: usize = 5;

/// What each further document that the same words mean takes from their score.
const SHARED: f32 = 0.005;

/// Words of something else that may stand between those that name a document.
const BETWEEN: usize = 2;

/// The share of a name that stands for the whole of it.
const NEARLY: f32 = 0.6;

/// What a word for any document says of a name, where another word says 1.
const KIND_WEIGHT: f32 = 0.25;

/// Words shorter than this are taken as they are written.
const RESPELT: usize = 6;

/// What a document is called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DocumentName {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// With its ending.
    pub file_name: String,
    /// The folder it lies in, from the watched folder on.
    pub folder: String,
    /// Other names that it gives itself.
    pub aliases: Vec<String>,
}

/// A document that a question names.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Named {
    /// Its id.
    pub id: String,
    /// How surely it is meant, 0 to 1: see `STRONG` and `WEAK`.
    pub score: f32,
    /// The words of the question that name it (bytes).
    pub span: Range<usize>,
}

/// What all documents are called, read once for many questions.
pub(crate) struct Names {
    known: Vec<Known>,
    /// How many documents have each term in their names.
    holders: HashMap<String, usize>,
}

impl Names {
    pub(crate) fn new(names: Vec<DocumentName>) -> Self {
        let known: Vec<Known> = names.into_iter().map(Known::of).collect();
        let mut holders = HashMap::new();
        for term in known.iter().flat_map(|known| known.own.keys()) {
            *holders.entry(term.clone()).or_insert(0) += 1;
        }
        Self { known, holders }
    }

    /// The documents that `question` names, the surest first.
    pub(crate) fn find(&self, question: &str) -> Vec<Named> {
        let mut asked = terms::question(question);
        self.respell(&mut asked);
        let literals = Literals::of(question);
        let mut found = Vec::new();
        for (place, known) in self.known.iter().enumerate() {
            if let Some(span) = literals.naming(&known.spelling) {
                found.push(Found::literal(place, &asked, span));
            }
            let asking = Asking {
                asked: &asked,
                known,
                names: self,
            };
            found.extend(
                asking
                    .best()
                    .map(|(score, run)| Found::by_words(place, &asked, score, &run)),
            );
        }
        let named = distinct(found).into_iter().map(|found| Named {
            id: self.known[found.place].id.clone(),
            score: found.score,
            span: found.span,
        });
        let mut named: Vec<Named> = named.collect();
        named.sort_by(|a, b| {
            b.score
                .total_cmp(&a.score)
                .then(a.span.start.cmp(&b.span.start))
                .then(a.id.cmp(&b.id))
        });
        named
    }

    /// Takes a long word that no name has for the one name's word that differs in one letter.
    fn respell(&self, asked: &mut [Term]) {
        for term in asked {
            let is_long = term.class == Class::Word && term.word.chars().count() >= RESPELT;
            if !is_long || self.holders.contains_key(&term.text) {
                continue;
            }
            let mut near = self
                .holders
                .keys()
                .filter(|known| differ_in_one(known, &term.text));
            if let (Some(known), None) = (near.next(), near.next()) {
                term.text.clone_from(known);
            }
        }
    }
}

/// A document's names as they are compared.
struct Known {
    id: String,
    spelling: Spelling,
    /// The terms of its title, of its file name and of each alias.
    forms: Vec<Vec<(String, Class)>>,
    /// What it is, where its names say more: the lease of "Lease of the garage".
    heads: HashSet<String>,
    own: HashMap<String, Class>,
    folder: HashSet<String>,
}

impl Known {
    fn of(name: DocumentName) -> Self {
        let stem = literal::stem(&name.file_name);
        let written = [name.title.as_str(), stem]
            .into_iter()
            .chain(name.aliases.iter().map(String::as_str));
        let read: Vec<Vec<Term>> = written.map(terms::name).collect();
        let heads = read.iter().flat_map(|form| heads(form)).collect();
        let told = |form: Vec<Term>| {
            form.into_iter()
                .filter(Term::tells)
                .map(|term| (term.text, term.class))
                .collect()
        };
        let forms: Vec<Vec<_>> = read.into_iter().map(told).collect();
        let own = forms.iter().flatten().cloned().collect();
        let folder = terms::name(&name.folder)
            .into_iter()
            .filter(Term::tells)
            .map(|term| term.text)
            .collect();
        Self {
            spelling: Spelling::of(&name),
            id: name.id,
            forms,
            heads,
            own,
            folder,
        }
    }

    fn has(&self, term: &str) -> bool {
        self.own.contains_key(term) || self.folder.contains(term)
    }
}

/// The first word of a name, and the last before it says which one is meant.
fn heads(form: &[Term]) -> Vec<String> {
    let first = form.iter().position(Term::tells).unwrap_or(form.len());
    let rest = &form[first..];
    let end = rest
        .iter()
        .position(Term::is_preposition)
        .unwrap_or(rest.len());
    let told: Vec<&Term> = rest[..end]
        .iter()
        .filter(|term| term.class == Class::Word)
        .collect();
    [told.first(), told.last()]
        .into_iter()
        .flatten()
        .map(|term| term.text.clone())
        .collect()
}

/// Whether one letter is another, too many, missing, or in its neighbour's place.
fn differ_in_one(a: &str, b: &str) -> bool {
    if a.len().abs_diff(b.len()) > 'é'.len_utf8() {
        return false;
    }
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let begin = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[begin..], &b[begin..]);
    let end = a
        .iter()
        .rev()
        .zip(b.iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    match (&a[..a.len() - end], &b[..b.len() - end]) {
        ([_] | [], [_]) | ([_], []) => true,
        ([a, b], [c, d]) => a == d && b == c,
        _ => false,
    }
}

/// Words of the question that may name one document.
struct Run {
    /// Their places.
    matched: Vec<usize>,
    /// Words of something else between them.
    foreign: usize,
}

/// What leads a question's reader to a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cue {
    /// Nothing.
    None,
    /// Words for a summary of it.
    Summary,
    /// That it says something.
    Source,
    /// A word for a document.
    Announced,
}

/// One question and one document.
struct Asking<'a> {
    asked: &'a [Term],
    known: &'a Known,
    names: &'a Names,
}

impl Asking<'_> {
    /// The words that name the document most surely.
    fn best(&self) -> Option<(f32, Run)> {
        let runs = [0, BETWEEN]
            .into_iter()
            .flat_map(|between| self.runs(between));
        let scored = runs.filter_map(|run| Some((self.score(&run)?, run)));
        scored.reduce(|best, next| {
            let is_better = (next.0, next.1.matched.len()) > (best.0, best.1.matched.len());
            if is_better { next } else { best }
        })
    }

    /// Neighbouring words that the document's names have, with at most so many others between them.
    fn runs(&self, between: usize) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        let mut since = usize::MAX;
        for (place, term) in self
            .asked
            .iter()
            .enumerate()
            .filter(|(_, term)| term.tells())
        {
            if !self.known.has(&term.text) {
                since = since.saturating_add(1);
                continue;
            }
            match runs
                .last_mut()
                .filter(|run| run.foreign.saturating_add(since) <= between)
            {
                Some(run) => {
                    run.matched.push(place);
                    run.foreign += since;
                }
                None => runs.push(Run {
                    matched: vec![place],
                    foreign: 0,
                }),
            }
            since = 0;
        }
        runs
    }

    /// How surely a run of words means the document; none where it does not.
    fn score(&self, run: &Run) -> Option<f32> {
        let said: HashSet<&str> = run
            .matched
            .iter()
            .map(|at| self.asked[*at].text.as_str())
            .collect();
        let own: Vec<Class> = said
            .iter()
            .filter_map(|term| self.known.own.get(*term))
            .copied()
            .collect();
        let words = said.len() - own.iter().filter(|class| **class == Class::Kind).count();
        let coverage = self.coverage(&said);
        let is_whole = coverage > 0.999 && run.foreign == 0;
        // Dates alone name a document only where it is called by its date.
        if words == 0
            || own.is_empty()
            || (!is_whole && !own.contains(&Class::Word))
            || self.is_of_another_time(run)
        {
            return None;
        }
        let cue = self.cue(run);
        let is_determined = self.is_determined(run);
        let is_capital = self.is_capital(run);
        let is_head = said.iter().any(|term| self.known.heads.contains(*term));
        let score = match words {
            _ if is_whole && words > 2 => 0.95,
            2 if is_whole && (cue != Cue::None || is_capital) => 0.9,
            2 if is_whole => 0.7,
            1 if is_whole && cue != Cue::None => 0.85,
            1 if is_whole && is_determined => 0.6,
            1 if is_whole && is_capital => 0.45,
            3.. if run.foreign == 0 || coverage >= NEARLY => 0.85,
            3.. => 0.6,
            _ if run.foreign > 0 => return None,
            2 if cue == Cue::Announced || (cue == Cue::Source && is_determined) => 0.8,
            2 if cue == Cue::Summary => 0.72,
            2 if is_determined => 0.6,
            2 => 0.45,
            1 if is_head && (cue == Cue::Announced || (cue == Cue::Source && is_determined)) => {
                0.78
            }
            1 if is_head && cue == Cue::Summary => 0.7,
            1 if is_head && is_determined => 0.5,
            1 if cue != Cue::None => 0.42,
            _ => return None,
        };
        // Of equals, the one that the words say more of.
        Some(score + 0.01 * coverage)
    }

    /// The share of the name that comes nearest, by what each of its words tells.
    fn coverage(&self, said: &HashSet<&str>) -> f32 {
        let weight = |term: &(String, Class)| self.weight(term);
        let share = |form: &Vec<(String, Class)>| {
            let there = form.iter().filter(|(term, _)| said.contains(term.as_str()));
            there.map(weight).sum::<f32>() / form.iter().map(weight).sum::<f32>()
        };
        let named = self.known.forms.iter().filter(|form| !form.is_empty());
        named.map(share).fold(0.0, f32::max)
    }

    /// What a term tells: more, the fewer documents have it.
    fn weight(&self, (term, class): &(String, Class)) -> f32 {
        let holders = self.names.holders.get(term).copied().unwrap_or(1);
        #[expect(clippy::cast_precision_loss, reason = "a weight")]
        let rarity = (1.0 + self.names.known.len() as f32 / holders as f32).ln();
        if *class == Class::Kind {
            KIND_WEIGHT * rarity
        } else {
            rarity
        }
    }

    /// Whether the words speak of a month, quarter or year, and the document's names of another one.
    fn is_of_another_time(&self, run: &Run) -> bool {
        let phrase = self.phrase(run);
        [Class::Month, Class::Quarter, Class::Year]
            .into_iter()
            .any(|class| {
                let mut said = self.asked[phrase.clone()]
                    .iter()
                    .filter(|term| term.class == class)
                    .peekable();
                said.peek().is_some()
                    && !said.any(|term| self.known.has(&term.text))
                    && self.known.own.values().any(|own| *own == class)
            })
    }

    /// The run with the times that are tied to it.
    fn phrase(&self, run: &Run) -> Range<usize> {
        let (first, last) = ends(run);
        let (mut start, mut end) = (first, last + 1);
        while let Some(period) = next_period(self.asked[end..].iter()) {
            end += period;
        }
        while let Some(period) = next_period(self.asked[..start].iter().rev()) {
            start -= period;
        }
        start..end
    }

    fn cue(&self, run: &Run) -> Cue {
        let (first, last) = ends(run);
        let of = |term: &Term| match term {
            _ if term.announces() => Cue::Announced,
            _ if term.sums_up() => Cue::Summary,
            _ if term.quotes() => Cue::Source,
            _ => Cue::None,
        };
        let before = self.asked[..first]
            .iter()
            .rev()
            .find(|term| !term.ties())
            .map_or(Cue::None, of);
        let after = self.asked.get(last + 1).map_or(Cue::None, of);
        match (before, after) {
            (Cue::None, Cue::Summary) => Cue::None,
            (Cue::None, after) => after,
            (before, _) => before,
        }
    }

    fn is_determined(&self, run: &Run) -> bool {
        let (first, _) = ends(run);
        first > 0 && self.asked[first - 1].is_determiner()
    }

    /// Whether the words are written as names are, and not only because a sentence begins with them.
    fn is_capital(&self, run: &Run) -> bool {
        let (first, last) = ends(run);
        first + last > 0 && run.matched.iter().all(|at| self.asked[*at].is_capital)
    }
}

/// How many terms it is to a month, quarter or year that only ties lead to.
fn next_period<'t>(mut terms: impl Iterator<Item = &'t Term>) -> Option<usize> {
    let mut steps = 0;
    loop {
        let term = terms.next()?;
        steps += 1;
        match term {
            _ if term.is_period() => return Some(steps),
            _ if term.ties() && term.class == Class::Empty => {}
            _ => return None,
        }
    }
}

fn ends(run: &Run) -> (usize, usize) {
    (
        run.matched.first().copied().unwrap_or_default(),
        run.matched.last().copied().unwrap_or_default(),
    )
}

/// A document that may be named.
struct Found {
    /// Its place among the names.
    place: usize,
    score: f32,
    /// The question's terms that name it.
    terms: BTreeSet<usize>,
    span: Range<usize>,
    is_literal: bool,
}

impl Found {
    fn literal(place: usize, asked: &[Term], span: Range<usize>) -> Self {
        let within = asked
            .iter()
            .enumerate()
            .filter(|(_, term)| span.start <= term.span.start && term.span.end <= span.end);
        Self {
            place,
            score: 1.0,
            terms: within.map(|(at, _)| at).collect(),
            span,
            is_literal: true,
        }
    }

    fn by_words(place: usize, asked: &[Term], score: f32, run: &Run) -> Self {
        let (first, last) = ends(run);
        let span = asked[first].span.start..asked[last].span.end;
        Self {
            place,
            score,
            terms: run.matched.iter().copied().collect(),
            span,
            is_literal: false,
        }
    }
}

/// Leaves out whom fewer of the same words name than another, and whom too many are named with.
fn distinct(mut found: Vec<Found>) -> Vec<Found> {
    let mut literal: HashSet<BTreeSet<usize>> = HashSet::new();
    let mut alike: HashMap<BTreeSet<usize>, usize> = HashMap::new();
    for one in &found {
        if one.is_literal {
            literal.insert(one.terms.clone());
        } else {
            *alike.entry(one.terms.clone()).or_default() += 1;
        }
    }
    let is_outdone = |terms: &BTreeSet<usize>| {
        let more = |other: &BTreeSet<usize>| terms.is_subset(other) && terms.len() < other.len();
        alike.keys().any(more) || literal.iter().any(|other| terms.is_subset(other))
    };
    let named = alike
        .iter()
        .filter(|(terms, documents)| **documents <= MEANT && !is_outdone(terms));
    let named: HashMap<&BTreeSet<usize>, usize> = named
        .map(|(terms, documents)| (terms, *documents))
        .collect();
    found.retain_mut(|one| {
        let documents = named.get(&one.terms).copied();
        if let Some(documents) = documents.filter(|_| !one.is_literal) {
            #[expect(clippy::cast_precision_loss, reason = "a handful")]
            let shared = SHARED * (documents - 1) as f32;
            one.score -= shared;
        }
        one.is_literal || documents.is_some()
    });
    found
}

#[cfg(test)]
mod tests;
