//! Exact answers from what is known exactly: counts, lists, tables and sums over all documents.
//!
//! `list` carries out a plan over plain rows; it looks at every document, never at the best passages
//! alone. `answer` reads the rows from the index: the only part that knows of it.

mod filter;
mod mention;
mod read;
mod said;
mod states;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::Serialize;

use crate::calendar::Date;
use crate::cite::Citation;
use crate::plan::{Arithmetic, Column, DateKind, Filters, Kind, LibraryFact, Order, Plan};
use crate::values::{Amount, Number, Unit, total};
use filter::{Evidence, Terms};
use states::Stated;

pub(crate) use filter::{extension, file_name};
pub(crate) use read::Shelves;

/// A document, as the library knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    pub document: String,
    pub path: String,
    /// The folders that it lies in, from the watched one down: `vault`, `Notes`.
    pub folders: Vec<String>,
    pub title: String,
    pub tags: Vec<String>,
    /// When its file changed (milliseconds since 1970).
    pub modified: i64,
    pub language: Option<String>,
}

/// A part of a document's text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Part {
    /// Where it begins in the document's text (byte).
    pub start: usize,
    pub page: Option<u32>,
    pub heading: Option<String>,
    pub text: String,
}

/// A document of a listing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Row {
    pub document: String,
    pub path: String,
    pub title: String,
    pub tags: Vec<String>,
    pub date: Date,
    /// The date comes from the file's time of change, for want of another.
    pub date_is_of_file: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// The words that put the document here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Citation>,
}

/// A value that was read from a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Value {
    /// As the document writes it.
    pub text: String,
    pub number: Number,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<Unit>,
}

/// What is computed over the values of one unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Computed {
    pub number: Number,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<Unit>,
    /// Documents whose values went into it.
    pub documents: usize,
}

/// Documents that have something in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Listing {
    /// The documents; the first of them where a number was asked for.
    pub rows: Vec<Row>,
    /// How many there are in all.
    pub total: usize,
    /// How many documents were looked at.
    pub looked_at: usize,
    /// The filter, as the person is shown it.
    pub filter: String,
    /// The sentence that answers without the titles, where there are many of them in the rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lead: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<Column>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub computed: Vec<Computed>,
    /// Documents that mention it but are no notes, where notes were asked for.
    #[serde(skip_serializing_if = "is_zero")]
    pub others: usize,
    /// What is known answers the question: also that there are none, where the filter itself is known.
    #[serde(skip)]
    pub found: bool,
    /// The sentence that answers.
    #[serde(skip)]
    pub sentence: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's shape")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// Carries out a plan over documents or about the library. `parts` gives the text of a document; it is
/// asked only where the plan needs it. Plans of other kinds give no listing.
///
/// # Errors
/// Those of `parts`.
pub(crate) fn list<E>(
    plan: &Plan,
    spanish: bool,
    entries: &[Entry],
    mut parts: impl FnMut(&Entry) -> Result<Vec<Part>, E>,
) -> Result<Option<Listing>, E> {
    if plan.kind == Kind::Library {
        return Ok(plan
            .about
            .map(|fact| about_library(fact, plan, spanish, entries)));
    }
    if !matches!(plan.kind, Kind::Count | Kind::List | Kind::Table) {
        return Ok(None);
    }
    let terms = Terms::new(&plan.filters);
    let mut rows = Vec::new();
    let mut others = 0;
    let (mut spoken_of, mut silent) = (false, false);
    let may_be_counted = plan.kind == Kind::Count && !plan.filters.says.is_empty();
    for entry in entries {
        if !terms.admits(entry) || !terms.may_be_of_category(entry) {
            if may_be_counted && terms.is_counted_in(entry, &parts(entry)?) {
                return Ok(None);
            }
            continue;
        }
        let needs_text = terms.needs_text(entry, plan.order.is_some()) || reads_amounts(plan);
        let parts = if needs_text {
            parts(entry)?
        } else {
            Vec::new()
        };
        if !terms.is_of_category(entry, &parts) {
            continue;
        }
        let stated = terms.stated(entry, &parts);
        spoken_of |= stated.iter().any(|one| one.spoken_of);
        silent |= stated.iter().any(|one| !one.spoken_of);
        let Some(row) = row(plan, &terms, entry, &parts, stated) else {
            continue;
        };
        if terms.is_of_type(entry) {
            rows.push(row);
        } else {
            others += 1;
        }
    }
    // That none denies it says something only where each speaks of it.
    let is_denied = plan.filters.says.iter().any(|one| one.denied);
    let is_told = !rows.is_empty() || (spoken_of && !(is_denied && silent));
    if rows.len() < plan.least || (!plan.filters.says.is_empty() && !is_told) {
        return Ok(None);
    }
    let mut listing = Listing {
        total: rows.len(),
        looked_at: entries.len(),
        filter: said::filter(&plan.filters, spanish),
        lead: None,
        columns: plan.columns.clone(),
        computed: Vec::new(),
        others,
        found: is_told || says_none(&plan.filters, &terms, entries),
        sentence: String::new(),
        rows,
    };
    listing.arrange(plan);
    let is_extreme = matches!(
        plan.arithmetic,
        Some(Arithmetic::Largest | Arithmetic::Smallest)
    );
    if is_extreme && listing.computed.is_empty() {
        return Ok(None);
    }
    listing.sentence = said::sentence(plan, &listing, spanish);
    listing.lead = said::lead(plan, &listing, spanish);
    Ok(Some(listing))
}

/// Whether it is an answer that there are none: what is asked for is known, and none is so. Words that no
/// document has are no answer.
fn says_none(filters: &Filters, terms: &Terms<'_>, entries: &[Entry]) -> bool {
    let asks_for_words =
        !filters.mentions.is_empty() || !filters.links.is_empty() || filters.title.is_some();
    let names_one = !filters.tags.is_empty() || !filters.folders.is_empty();
    let mut entries = entries.iter();
    filters.is_known()
        && (names_one || !asks_for_words)
        && entries.any(|entry| terms.is_of_category_by_name(entry))
}

fn reads_amounts(plan: &Plan) -> bool {
    plan.filters.amount.is_some() || plan.columns.contains(&Column::Amount)
}

/// The row of a document, if it is wanted.
fn row(
    plan: &Plan,
    terms: &Terms<'_>,
    entry: &Entry,
    parts: &[Part],
    stated: Vec<Stated>,
) -> Option<Row> {
    if stated.iter().any(|one| one.held.is_empty()) {
        return None;
    }
    let dated = terms.day(&stated, filter::date(entry, parts))?;
    let mut evidence = terms.mentions(entry, parts)?;
    let mut value = None;
    if reads_amounts(plan) {
        if let Some((found, place)) = amount(plan, entry, parts) {
            value = Some(found);
            evidence = Evidence::Place(place);
        } else if plan.filters.amount.is_some() {
            return None;
        }
    }
    let mut said = stated.into_iter().flat_map(|one| one.held);
    if matches!(evidence, Evidence::Nothing)
        && let Some((place, _)) =
            said.find(|(_, period)| period.is_none_or(|period| period == dated.period))
    {
        evidence = place;
    }
    let evidence = match evidence {
        Evidence::Place(citation) => Some(citation),
        Evidence::Nothing => None,
    };
    let changed = Date::of(entry.modified);
    // What is about a day to come was written before.
    let is_ahead =
        plan.order.is_some() && dated.date > changed && !plan.columns.contains(&Column::Date);
    let is_of_file = dated.is_of_file || is_ahead || plan.date_order_by == DateKind::Changed;
    Some(Row {
        document: entry.document.clone(),
        path: entry.path.clone(),
        title: entry.title.clone(),
        tags: entry.tags.clone(),
        date: if is_of_file { changed } else { dated.date },
        date_is_of_file: is_of_file,
        value,
        evidence,
    })
}

/// The amount of a document that is compared or shown: its total; where amounts are compared that no
/// total is made of (kilos, hours), any that is wanted.
fn amount(plan: &Plan, entry: &Entry, parts: &[Part]) -> Option<(Value, Citation)> {
    let language = entry.language.as_deref();
    let wanted = plan.filters.amount;
    let unit = wanted.and_then(|comparison| comparison.unit);
    let text = Joined::new(parts);
    let of_all = total(&text.text, language, unit);
    let admits = |amount: &Amount| wanted.is_none_or(|comparison| comparison.admits(amount));
    let found = of_all.filter(admits).or_else(|| {
        let is_measure = unit.is_some_and(|unit| !unit.is_currency());
        let mut all = crate::values::amounts(&text.text, language).into_iter();
        all.find(|amount| is_measure && amount.unit.is_some() && admits(amount))
    })?;
    let value = Value {
        text: text.text[found.span.clone()].to_owned(),
        number: found.value,
        unit: found.unit,
    };
    let citation = text.cite(entry, parts, &found.span)?;
    Some((value, citation))
}

/// The text of a document's parts, put together.
struct Joined {
    text: String,
    /// Where each part begins in it.
    starts: Vec<usize>,
}

impl Joined {
    fn new(parts: &[Part]) -> Self {
        let mut text = String::new();
        let mut starts = Vec::new();
        for part in parts {
            starts.push(text.len());
            text.push_str(&part.text);
            text.push('\n');
        }
        Self { text, starts }
    }

    /// The line around a span, as a citation.
    fn cite(
        &self,
        entry: &Entry,
        parts: &[Part],
        span: &std::ops::Range<usize>,
    ) -> Option<Citation> {
        let place = self
            .starts
            .partition_point(|start| *start <= span.start)
            .checked_sub(1)?;
        let (part, start) = (parts.get(place)?, self.starts[place]);
        let end = span.end.min(start + part.text.len());
        Some(filter::cite(
            entry,
            part,
            &(span.start - start..end - start),
        ))
    }
}

impl Listing {
    /// What the rows rest on, by their markers in the sentence.
    pub(crate) fn citations(&self) -> Vec<Citation> {
        let evidence = self.rows.iter().filter_map(|row| row.evidence.clone());
        evidence.collect()
    }

    /// Puts rows in order, computes, and keeps the first where a number of them was asked for.
    fn arrange(&mut self, plan: &Plan) {
        self.rows.sort_by(|one, other| one.path.cmp(&other.path));
        match plan.order {
            Some(Order::Newest) => self.rows.sort_by_key(|row| Reverse(row.date)),
            Some(Order::Oldest) => self.rows.sort_by_key(|row| row.date),
            None => {}
        }
        if let Some(arithmetic) = plan.arithmetic {
            self.compute(arithmetic);
            self.rank(arithmetic);
        } else if plan.columns.contains(&Column::Amount) {
            self.compute(Arithmetic::Sum);
        }
        if let Some(limit) = plan.limit {
            self.rows.truncate(limit);
        }
        let evidence = self.rows.iter_mut().filter_map(|row| row.evidence.as_mut());
        for (marker, citation) in (1..).zip(evidence) {
            citation.marker = marker;
        }
    }

    /// The largest first, or the smallest; those without a value last.
    fn rank(&mut self, arithmetic: Arithmetic) {
        let number = |row: &Row| row.value.as_ref().map(|value| value.number);
        match arithmetic {
            Arithmetic::Largest => self.rows.sort_by_key(|row| Reverse(number(row))),
            Arithmetic::Smallest => self
                .rows
                .sort_by_key(|row| (number(row).is_none(), number(row))),
            Arithmetic::Sum | Arithmetic::Average => {}
        }
    }

    /// Unit by unit: euros and pounds are not added.
    fn compute(&mut self, arithmetic: Arithmetic) {
        let mut by_unit: BTreeMap<&str, Vec<(Number, Option<Unit>)>> = BTreeMap::new();
        for value in self.rows.iter().filter_map(|row| row.value.as_ref()) {
            let name = value.unit.map_or("", |unit| unit.name);
            by_unit
                .entry(name)
                .or_default()
                .push((value.number, value.unit));
        }
        let computed = by_unit.into_values().filter_map(|values| {
            let numbers = || values.iter().map(|(number, _)| *number);
            let sum = numbers().fold(Number::default(), Number::plus);
            let number = match arithmetic {
                Arithmetic::Sum => Some(sum),
                Arithmetic::Average => sum.shared_by(values.len()).map(|mean| {
                    let is_money = values[0].1.is_some_and(Unit::is_currency);
                    if is_money { mean.in_cents() } else { mean }
                }),
                Arithmetic::Largest => numbers().max(),
                Arithmetic::Smallest => numbers().min(),
            };
            Some(Computed {
                number: number?,
                unit: values[0].1,
                documents: values.len(),
            })
        });
        self.computed = computed.collect();
    }
}

/// Answers about the library itself.
fn about_library(fact: LibraryFact, plan: &Plan, spanish: bool, entries: &[Entry]) -> Listing {
    let mut listing = Listing {
        rows: Vec::new(),
        total: 0,
        looked_at: entries.len(),
        filter: String::new(),
        lead: None,
        columns: Vec::new(),
        computed: Vec::new(),
        others: 0,
        found: true,
        sentence: String::new(),
    };
    if fact == LibraryFact::Changed {
        let target = plan.target.as_deref().unwrap_or_default();
        let named = filter::named(entries, target);
        listing.rows = named
            .into_iter()
            .map(|entry| Row {
                document: entry.document.clone(),
                path: entry.path.clone(),
                title: entry.title.clone(),
                tags: entry.tags.clone(),
                date: Date::of(entry.modified),
                date_is_of_file: true,
                value: None,
                evidence: None,
            })
            .collect();
        listing.total = listing.rows.len();
        listing.found = listing.total > 0;
        listing.sentence = said::changed(target, &listing.rows, spanish);
        return listing;
    }
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for entry in entries {
        for name in filter::names(fact, entry, spanish) {
            *counts.entry(name).or_default() += 1;
        }
    }
    listing.total = counts.len();
    listing.sentence = said::names(fact, &counts, entries.len(), spanish);
    listing
}
