//! Questions over documents: counts, lists, tables and sums of those that have something in common.
//!
//! A question is one of these only if every word of it is understood: "How many notes mention Ana?" is,
//! "How many eggs go in the cake?" and "How many documents do I need for a visa?" are not.

use super::asked::Asked;
use super::filters::{DateKind, Dating, Filters, Reader};
use super::noun;
use super::phrases::{
    AMOUNTS, APPEAR, ASKING, AVERAGE, COUNT, COURTESY, DATES, DETERMINERS, IDLE, LARGEST, LIST,
    NEWEST, SUM, SUM_END, TABLE, TAGGED, WHICH_ONE,
};
use super::{About, Arithmetic, Column, Kind, Order, Plan};
use crate::calendar::Date;

const SMALLEST: &str =
    "smallest|lowest|cheapest|least expensive|mas baja|mas barata|mas pequena|mas baja";
const OLDEST: &str =
    "oldest|earliest|first|mas antiguas|mas antiguos|mas antigua|mas antiguo|primeras";
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
    const MADE: &str = "written|created|made|i wrote|that i wrote|did i write|did i create|i created|were written|\
    were created|have i written|i have written|that i have written|dated|escritas|escritos|creadas|\
    creados|que escribi|escribi|he escrito|que he escrito|que cree|fechadas|fechados|se crearon|\
    se escribieron|fueron creadas|fueron creados";
    let changed = asked
        .any(at, CHANGED)
        .map(|length| (length, DateKind::Changed));
    changed.or_else(|| asked.any(at, MADE).map(|length| (length, DateKind::Own)))
}

/// The plan of a question over documents; none where it is not understood as one.
pub(super) fn documents(asked: &Asked<'_>, about: &About, today: Date) -> Option<Plan> {
    let start = asked.past(0, COURTESY);
    where_mentioned(asked, about, today, start)
        .or_else(|| extreme(asked, about, today, start))
        .or_else(|| opened(asked, about, today, start))
        .or_else(|| inside(asked, about, today, start))
        .or_else(|| bare(asked, about, today, start))
}

/// A question that goes on after one over documents: "And those from April?", "¿Y las de abril?".
pub(super) fn continued(
    asked: &Asked<'_>,
    about: &About,
    today: Date,
    earlier: Plan,
) -> Option<Plan> {
    const OPENINGS: &str = "and|and of those|and how many|and which|what about|what about those|how about|and those|\
    and the ones|only those|only the ones|just those|just the ones|which of those|which of them|\
    of those which|how many of those|how many of them|list them|show them|y|y las|y los|y de esas|\
    y cuantas|y cuantos|solo las|solo los|cuantas de esas|cuantas de ellas|cuales de esas|\
    cuales de ellas|cuantos de esos|listalas";
    if !matches!(earlier.kind, Kind::Count | Kind::List | Kind::Table) {
        return None;
    }
    let start = asked.any(0, OPENINGS)?;
    let opening = asked.span(0..start).to_lowercase();
    let kind = if opening.contains("many")
        || opening.contains("cu\u{e1}nt")
        || opening.contains("cuant")
    {
        Kind::Count
    } else if ["which", "list", "show", "cuales", "cu\u{e1}les"]
        .iter()
        .any(|word| opening.contains(word))
    {
        Kind::List
    } else {
        earlier.kind
    };
    let noun = noun::noun(asked, start).map_or(0, |noun| noun.length);
    let mut parse = Parse::new(asked, about, today, start + noun);
    parse.rest()?;
    let is_same = parse.reader.filters.is_empty();
    if is_same && kind == earlier.kind {
        return None;
    }
    Some(Plan {
        kind,
        filters: parse.reader.filters.over(earlier.filters.clone()),
        ..earlier
    })
}

fn opened(asked: &Asked<'_>, about: &About, today: Date, start: usize) -> Option<Plan> {
    let openers: [(&str, Kind, Option<Arithmetic>); 5] = [
        (SUM, Kind::Table, Some(Arithmetic::Sum)),
        (AVERAGE, Kind::Table, Some(Arithmetic::Average)),
        (COUNT, Kind::Count, None),
        (TABLE, Kind::Table, None),
        (LIST, Kind::List, None),
    ];
    openers.iter().find_map(|(phrases, kind, arithmetic)| {
        let length = asked.any(start, phrases)?;
        let mut parse = Parse::new(asked, about, today, start + length);
        parse.modifiers();
        let is_asking = arithmetic.is_none()
            && (*kind != Kind::List || asked.any(start, ASKING) == Some(length));
        parse.noun(is_asking || parse.order.is_some())?;
        // "How much do the invoices come to": without the end it is no sum.
        parse.ending = match asked.word(start + length - 1) {
            _ if arithmetic.is_none() => Ending::None,
            "do" | "are" => Ending::Needed,
            _ => Ending::Possible,
        };
        parse.rest()?;
        parse.plan(*kind, *arithmetic)
    })
}

/// "Which is the largest invoice?", "¿Cuál es la última nota?"
fn extreme(asked: &Asked<'_>, about: &About, today: Date, start: usize) -> Option<Plan> {
    let length = asked.any(start, WHICH_ONE)?;
    let mut parse = Parse::new(asked, about, today, start + length);
    parse.modifiers();
    parse.noun(true)?;
    parse.superlative();
    parse.rest()?;
    let arithmetic = parse.arithmetic;
    if arithmetic.is_none() && parse.order.is_none() {
        return None;
    }
    let is_one = !parse.is_plural;
    let mut plan = parse.plan(
        if arithmetic.is_some() {
            Kind::Table
        } else {
            Kind::List
        },
        arithmetic,
    )?;
    if is_one && plan.limit.is_none() && arithmetic.is_none() {
        plan.limit = Some(1);
    }
    Some(plan)
}

/// "Notes from March 2026", "facturas de más de 500 euros".
fn bare(asked: &Asked<'_>, about: &About, today: Date, start: usize) -> Option<Plan> {
    let mut parse = Parse::new(asked, about, today, start);
    parse.modifiers();
    let says_tag = asked.any(start, TAGGED).is_some() || asked.text.starts_with('#');
    if parse.noun(false).is_none() && !says_tag {
        return None;
    }
    parse.rest()?;
    // A name alone is looked for in the texts.
    let is_name = asked.len() == 1 && !says_tag;
    let is_filtered = (parse.has_filter && !is_name) || parse.order.is_some();
    is_filtered.then(|| parse.plan(Kind::List, None))?
}

/// "What is in the folder work?", "¿Qué hay en recetas?"
fn inside(asked: &Asked<'_>, about: &About, today: Date, start: usize) -> Option<Plan> {
    const OPENERS: &str = "what is in|what s in|what is inside|what s inside|que hay en|que tengo en|que hay dentro de";
    let length = asked.any(start, OPENERS)?;
    let preposition = if asked.word(start + length - 1) == "de" {
        2
    } else {
        1
    };
    let mut parse = Parse::new(asked, about, today, start + length - preposition);
    parse.rest()?;
    let names_folder = !parse.reader.filters.folders.is_empty();
    names_folder.then(|| parse.plan(Kind::List, None))?
}

/// "Where is Ana mentioned?", "¿Dónde se habla de las abejas?"
fn where_mentioned(asked: &Asked<'_>, about: &About, today: Date, start: usize) -> Option<Plan> {
    const SPANISH: &str = "donde se menciona|donde se mencionan|donde aparece|donde aparecen|donde se habla de|\
    donde menciono|donde hablo de|donde se nombra";
    let mut parse = Parse::new(asked, about, today, start);
    let (from, end) =
        if let Some(length) = asked.any(start, "where is|where are|where do i mention") {
            let mentioned = asked
                .any(asked.len().checked_sub(1)?, "mentioned|named")
                .is_some();
            let is_verb_last = asked.word(start + length - 1) != "mention";
            (mentioned == is_verb_last)
                .then_some((start + length, asked.len() - usize::from(mentioned)))?
        } else {
            (start + asked.any(start, SPANISH)?, asked.len())
        };
    if from >= end {
        return None;
    }
    parse.reader.push_mentions(from, end);
    parse.has_filter = true;
    parse.plan(Kind::List, None)
}

/// The state of reading a question over documents.
struct Parse<'a> {
    reader: Reader<'a>,
    at: usize,
    is_plural: bool,
    /// Something says which documents beside the word for them.
    has_filter: bool,
    order: Option<Order>,
    limit: Option<usize>,
    arithmetic: Option<Arithmetic>,
    columns: Vec<Column>,
    ending: Ending,
    dated_by: Option<DateKind>,
}

/// Whether words such as "add up to" end the question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    None,
    Possible,
    Needed,
}

impl<'a> Parse<'a> {
    fn new(asked: &'a Asked<'a>, about: &'a About, today: Date, at: usize) -> Self {
        Self {
            reader: Reader {
                asked,
                about,
                today,
                filters: Filters::default(),
                noun_end: at,
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
        }
    }

    fn asked(&self) -> &'a Asked<'a> {
        self.reader.asked
    }

    /// What may stand before the word for documents: articles, a number, "latest", a tag, a month.
    fn modifiers(&mut self) {
        let asked = self.asked();
        while noun::noun(asked, self.at).is_none() && self.at < asked.len() {
            let before = self.at;
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
            if before == self.at && !self.premodifier() {
                return;
            }
        }
    }

    fn ranking(&mut self) {
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
    fn noun(&mut self, singular: bool) -> Option<()> {
        let asked = self.asked();
        let noun = noun::noun(asked, self.at);
        let noun = noun.or_else(|| self.known_noun())?;
        let before = asked.word(self.at.wrapping_sub(1));
        let any = ["every", "each", "any", "cada", "alguna", "algun"];
        if !noun.is_plural && !singular && self.order.is_none() && !any.contains(&before) {
            return None;
        }
        self.is_plural = noun.is_plural;
        let filters = &mut self.reader.filters;
        filters.file_type = noun.file_type.or(filters.file_type);
        filters.category = noun.category;
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
    fn known_noun(&mut self) -> Option<noun::Noun> {
        let is_plural = self.asked().word(self.at).ends_with('s');
        let length = is_plural.then(|| self.reader.known_name(self.at))??;
        self.has_filter = true;
        Some(noun::Noun {
            length,
            is_plural,
            file_type: None,
            category: None,
        })
    }

    /// "La factura más alta": Spanish says it behind.
    fn superlative(&mut self) {
        self.ranking();
    }

    /// Reads the rest; none where a word is not understood.
    fn rest(&mut self) -> Option<()> {
        let asked = self.asked();
        self.ranking();
        self.appearing();
        while self.at < asked.len() {
            if self.end() {
                return Some(());
            }
            if let Some(length) = self.columns().or_else(|| self.dating()) {
                self.at += length;
                continue;
            }
            // A filter may follow a relative pronoun or a verb.
            if let Some(length) = self.reader.read(self.at) {
                self.has_filter = true;
                self.at += length;
                continue;
            }
            let before = self.at;
            self.ranking();
            if self.at == before {
                self.at += asked.any(self.at, IDLE)?;
            }
        }
        (self.ending != Ending::Needed).then_some(())
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

    fn plan(mut self, kind: Kind, arithmetic: Option<Arithmetic>) -> Option<Plan> {
        let arithmetic = arithmetic.or(self.arithmetic);
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
            .filter(|_| self.order.is_none());
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

/// Filters that a question about something else names outright: "in my notes tagged heron", "in the folder
/// work", "in March". They are what the question speaks of, and no more.
pub(super) fn hints(asked: &Asked<'_>, about: &About, today: Date) -> Filters {
    let mut reader = Reader {
        asked,
        about,
        today,
        filters: Filters::default(),
        noun_end: 0,
    };
    let mut at = 0;
    while at < asked.len() {
        at += reader.hint(at).unwrap_or(1);
    }
    reader.filters
}

/// What is to be summarised, where it is documents: "the notes tagged bees", "the heron folder", "last week".
pub(super) fn scope(asked: &Asked<'_>, about: &About, today: Date, at: usize) -> Option<Filters> {
    let mut parse = Parse::new(asked, about, today, at);
    parse.modifiers();
    let singular = parse.has_filter;
    if parse.noun(singular).is_none() {
        parse.at = asked.past(parse.at, DETERMINERS);
        if let Some(length) = parse.reader.known_name(parse.at) {
            parse.at = asked.past(parse.at + length, "folder|directory|tag");
        }
    }
    parse.rest()?;
    let filters = parse.reader.filters;
    let says_note_only = Filters {
        file_type: None,
        ..filters.clone()
    };
    (!says_note_only.is_empty()).then_some(filters)
}
