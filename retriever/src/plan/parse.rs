//! Reads a question over documents word by word: the noun, what stands before it, and the filters behind.
//!
//! Called by the rules of `listing`, `money` and `moment`, which know how such questions begin.

use super::asked::Asked;
use super::filters::{DateKind, Dating, Filters};
use super::noun;
use super::phrases::{AMOUNTS, APPEAR, DATES, DETERMINERS, IDLE, LARGEST, NEWEST, SUM_END};
use super::reader::Reader;
use super::{About, Arithmetic, Column, Kind, Order, Plan};
use crate::calendar::Date;

const SMALLEST: &str = "smallest|lowest|cheapest|least expensive|mas baja|mas bajo|mas barata|mas barato|mas pequena|\
    mas pequeno|mas bajas|mas bajos|mas baratas|mas baratos|mas pequenas|mas pequenos|menores|menor|menor importe|de menor importe|con menor importe|lowest amount|smallest amount|\
    importe mas bajo";
const OLDEST: &str = "oldest|earliest|first|mas antiguas|mas antiguos|mas antigua|mas antiguo|primeras|\
    primeros|primera|primer|primero";
const EACH: &str = "every|each|any|cada|alguna|algun";
const WITH_COLUMNS: &str =
    "with their|with its|with the|with|and their|con sus|con su|con los|con las|con";

/// When documents were changed or made: the words of a verb, and which date it speaks of.
pub(super) fn verb(asked: &Asked<'_>, at: usize) -> Option<(usize, DateKind)> {
    const CHANGED: &str = "changed|modified|edited|updated|touched|that changed|that i changed|i changed|i edited|\
    i modified|that i edited|have changed|were changed|were modified|were edited|were updated|\
    did i change|did i edit|did i modify|did i update|was changed|last changed|last modified|added|\
    were added|did i add|cambiadas|cambiados|modificadas|modificados|editadas|editados|actualizadas|\
    actualizados|que he cambiado|he cambiado|que he modificado|he modificado|cambie|modifique|\
    han cambiado|cambiaron|se modificaron|se cambiaron|se editaron|se actualizaron|\
    fueron modificados|fueron modificadas|han sido modificados|han sido modificadas";
    const MADE: &str = "written|created|made|i wrote|that i wrote|did i write|did i create|i created|were written|issued|were issued|was issued|emitidas|emitidos|se emitieron|se emitio|fueron emitidas|\
    were created|have i written|i have written|that i have written|dated|escritas|escritos|creadas|\
    creados|que escribi|escribi|he escrito|que he escrito|que cree|fechadas|fechados|se crearon|\
    se escribieron|fueron creadas|fueron creados";
    let changed = asked
        .any(at, CHANGED)
        .map(|length| (length, DateKind::Changed));
    changed.or_else(|| asked.any(at, MADE).map(|length| (length, DateKind::Own)))
}

/// The state of reading a question over documents.
#[expect(clippy::struct_excessive_bools, reason = "each is seen alone")]
pub(super) struct Parse<'a> {
    pub reader: Reader<'a>,
    pub at: usize,
    pub is_plural: bool,
    /// Something says which documents beside the word for them.
    pub has_filter: bool,
    pub order: Option<Order>,
    pub limit: Option<usize>,
    pub arithmetic: Option<Arithmetic>,
    pub columns: Vec<Column>,
    pub ending: Ending,
    dated_by: Option<DateKind>,
    /// One stands for all: "every invoice".
    says_each: bool,
    /// A tag or folder in the singular may be the word for documents: "the last island".
    pub means_one: bool,
    /// The word for documents is a tag or a folder.
    pub is_known: bool,
    pub states: States,
    /// Words that no rule understands, each with how many belong together.
    pub left: Vec<(usize, usize)>,
}

/// Whether words that no rule understands may be what a document says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum States {
    Never,
    /// Where one of the words has a meaning.
    Understood,
    Always,
}

/// Whether words such as "add up to" end the question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    None,
    Possible,
    Needed,
}

impl<'a> Parse<'a> {
    pub(super) fn new(asked: &'a Asked<'a>, about: &'a About, today: Date, at: usize) -> Self {
        Self {
            reader: Reader {
                asked,
                about,
                today,
                filters: Filters::default(),
                noun_end: at,
                may_state: false,
            },
            at,
            is_plural: false,
            has_filter: false,
            order: None,
            limit: None,
            arithmetic: None,
            columns: Vec::new(),
            ending: Ending::None,
            dated_by: None,
            says_each: false,
            means_one: false,
            is_known: false,
            states: States::Never,
            left: Vec::new(),
        }
    }

    pub(super) fn asked(&self) -> &'a Asked<'a> {
        self.reader.asked
    }

    /// What may stand before the word for documents: articles, a number, "latest", a tag, a month.
    pub(super) fn modifiers(&mut self) {
        let asked = self.asked();
        while noun::noun(asked, self.at).is_none() && self.at < asked.len() {
            let before = self.at;
            self.says_each |= asked.any(self.at, EACH).is_some();
            self.at = asked.past(self.at, DETERMINERS);
            self.ranking();
            if noun::noun(asked, self.at).is_some() {
                return;
            }
            if let Some(number) = asked.number(self.at).filter(|number| *number > 0) {
                self.limit = usize::try_from(number).ok();
                self.at += 1;
            }
            self.ranking();
            if before == self.at && !self.premodifier() && !self.adjective() {
                return;
            }
        }
    }

    pub(super) fn ranking(&mut self) {
        let asked = self.asked();
        let words: [(&str, Option<Order>, Option<Arithmetic>); 4] = [
            (NEWEST, Some(Order::Newest), None),
            (OLDEST, Some(Order::Oldest), None),
            (LARGEST, None, Some(Arithmetic::Largest)),
            (SMALLEST, None, Some(Arithmetic::Smallest)),
        ];
        for (phrases, order, arithmetic) in words {
            // "Last week's notes" is a span of time.
            let is_period = super::period::period(asked, self.at, self.reader.today).is_some();
            if let Some(length) = asked.any(self.at, phrases).filter(|_| !is_period) {
                self.order = order.or(self.order);
                self.arithmetic = arithmetic.or(self.arithmetic);
                self.at += length;
                return;
            }
        }
    }

    fn premodifier(&mut self) -> bool {
        // "March 2026 notes", "bees notes", "PDF files", "English notes".
        let at = self.at;
        let length = self
            .reader
            .period(at)
            .or_else(|| self.reader.language(at))
            .or_else(|| self.reader.file_type(at))
            .or_else(|| {
                let mut lengths = 1..4;
                let before_noun =
                    lengths.any(|length| noun::noun(self.asked(), at + length).is_some());
                before_noun.then(|| self.reader.known_name(at)).flatten()
            });
        let Some(length) = length else {
            return false;
        };
        let possessive = self.asked().past(at + length, "s");
        self.at = possessive;
        self.has_filter = true;
        true
    }

    /// The word for documents. One for a single document will do where `singular` is set.
    pub(super) fn noun(&mut self, singular: bool) -> Option<()> {
        let asked = self.asked();
        let noun = noun::noun(asked, self.at);
        let noun = noun.or_else(|| self.known_noun(singular))?;
        // Which one is asked of one thing, most often, and not of a list.
        let is_one = !noun.is_plural && !self.says_each && !self.means_one;
        if is_one && self.order.is_none() && self.states == States::Always {
            self.states = States::Understood;
        }
        if !noun.is_plural && !singular && self.order.is_none() && !self.says_each {
            return None;
        }
        self.is_plural = noun.is_plural;
        let filters = &mut self.reader.filters;
        filters.file_type = noun.file_type.or(filters.file_type);
        filters.category = noun
            .category
            .map(|category| category.kept_by(self.reader.about));
        self.at += noun.length;
        self.reader.noun_end = self.at;
        // "Meeting notes" and "invoice files" end with another word for documents.
        if filters.category.is_some()
            && let Some(head) = noun::noun(asked, self.at).filter(|head| head.category.is_none())
        {
            self.is_plural = head.is_plural;
            self.at += head.length;
            self.reader.noun_end = self.at;
        }
        Some(())
    }

    /// A tag or folder named in the plural: "projects", "libros".
    fn known_noun(&mut self, singular: bool) -> Option<noun::Noun> {
        let is_plural = self.asked().word(self.at).ends_with('s');
        let may_be = is_plural || (singular && self.means_one);
        let length = may_be.then(|| self.reader.known_name(self.at))??;
        self.has_filter = true;
        self.is_known = true;
        Some(noun::Noun {
            length,
            is_plural,
            file_type: None,
            category: None,
        })
    }

    /// "La factura más alta": Spanish says it behind.
    pub(super) fn superlative(&mut self) -> Option<()> {
        let before = self.at;
        self.ranking();
        (self.at > before || self.arithmetic.is_some() || self.order.is_some()).then_some(())
    }

    /// Reads the rest; none where a word is not understood.
    pub(super) fn rest(&mut self) -> Option<()> {
        let asked = self.asked();
        self.ranking();
        self.appearing();
        while self.at < asked.len() {
            if self.end() {
                return self.finish();
            }
            if !self.step() {
                return None;
            }
        }
        self.finish()
    }

    /// Reads what stands here; no where it is not understood.
    pub(super) fn step(&mut self) -> bool {
        let asked = self.asked();
        self.reader.may_state = self.states != States::Never;
        if self.names_title() || self.subtags() || self.within() {
            return true;
        }
        if let Some(length) = self.columns().or_else(|| self.dating()) {
            self.at += length;
            return true;
        }
        // A filter may follow a relative pronoun or a verb.
        if let Some(length) = self.reader.read(self.at) {
            self.has_filter = true;
            self.at += length;
            return true;
        }
        let before = self.at;
        self.ranking();
        if self.at == before {
            let length = asked.any(self.at, IDLE).or_else(|| self.leave());
            self.at += length.unwrap_or_default();
        }
        self.at > before
    }

    /// The end of a question for a sum.
    fn end(&mut self) -> bool {
        let asked = self.asked();
        let length = asked.any(self.at, SUM_END);
        let is_end = self.ending != Ending::None
            && length.is_some_and(|length| self.at + length == asked.len());
        if is_end {
            self.ending = Ending::None;
        }
        is_end
    }

    /// "… does Ana appear", "… is Ana mentioned".
    fn appearing(&mut self) {
        let asked = self.asked();
        let Some(lead) = asked.any(self.at, "does|do|is|are|was|were|did") else {
            return;
        };
        let start = self.at + lead;
        let appear = (start + 1..asked.len()).find(|at| {
            asked
                .any(*at, APPEAR)
                .is_some_and(|length| at + length == asked.len())
        });
        if let Some(end) = appear {
            self.reader.push_mentions(start, end);
            self.has_filter = true;
            self.at = asked.len();
        }
    }

    /// "With their dates and amounts".
    fn columns(&mut self) -> Option<usize> {
        let asked = self.asked();
        let lead = asked
            .any(self.at, WITH_COLUMNS)
            .or_else(|| asked.any(self.at, "and|y|e"))?;
        let start = self.at + lead;
        let (column, length) = asked
            .any(start, AMOUNTS)
            .map(|length| (Column::Amount, length))
            .or_else(|| asked.any(start, DATES).map(|length| (Column::Date, length)))?;
        self.columns.push(column);
        Some(lead + length)
    }

    /// "Changed this week", "que escribí ayer", "changed recently".
    fn dating(&mut self) -> Option<usize> {
        const RECENTLY: &str = "recently|lately|last|recientemente|ultimamente|most recently";
        let asked = self.asked();
        let start = self.at;
        if let Some(length) = asked.any(start, "recently|recientemente") {
            self.order = Some(Order::Newest);
            return Some(length);
        }
        let (length, by) = verb(asked, start)?;
        self.dated_by = Some(by);
        let recently = asked.any(start + length, RECENTLY);
        if recently.is_some_and(|recently| start + length + recently == asked.len()) {
            self.order = Some(Order::Newest);
            return Some(length + recently.unwrap_or_default());
        }
        Some(length)
    }

    pub(super) fn plan(mut self, kind: Kind, arithmetic: Option<Arithmetic>) -> Option<Plan> {
        let arithmetic = arithmetic.or(self.arithmetic);
        let kind = if arithmetic.is_some() && kind == Kind::List {
            Kind::Table
        } else {
            kind
        };
        let filters = &mut self.reader.filters;
        if let Some(by) = self.dated_by {
            // "Which notes did I write" says nothing of when.
            if filters.period.is_none() && self.order.is_none() {
                return None;
            }
            filters.period = filters.period.map(|dating| Dating { by, ..dating });
        }
        let is_category_alone = !self.has_filter
            && self.order.is_none()
            && filters
                .category
                .as_ref()
                .is_some_and(|category| !self.reader.about.has(category));
        if is_category_alone {
            return None;
        }
        if arithmetic.is_some() && !self.columns.contains(&Column::Amount) {
            self.columns.push(Column::Amount);
        }
        if filters.amount.is_some() && !self.columns.contains(&Column::Amount) {
            self.columns.push(Column::Amount);
        }
        let limit = self.limit.filter(|_| kind != Kind::Count);
        let limited_by = limit
            .map(|_| Order::Newest)
            .filter(|_| self.order.is_none() && arithmetic.is_none());
        Some(Plan {
            filters: self.reader.filters,
            arithmetic,
            columns: self.columns,
            order: self.order.or(limited_by),
            date_order_by: self.dated_by.unwrap_or_default(),
            limit,
            ..Plan::of(kind)
        })
    }
}
