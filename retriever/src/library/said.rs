//! The sentences that answer, in English and Spanish.

use std::collections::BTreeMap;

use super::{Computed, Listing, Row};
use crate::calendar::{Date, Period};
use crate::plan::{
    Arithmetic, Bound, Column, Comparison, DateKind, Filters, Kind, LibraryFact, Order, Plan,
    Statement,
};
use crate::values::Unit;

/// Titles that a sentence names; the others are in the table.
const NAMED: usize = 12;
/// So few titles are named even where a table below has them.
const FEW: usize = 3;

/// A filter in words: "tagged bees, in the folder work".
pub(super) fn filter(filters: &Filters, spanish: bool) -> String {
    clauses(filters, spanish).join(", ")
}

/// The sentence that answers a question over documents.
pub(super) fn sentence(plan: &Plan, listing: &Listing, spanish: bool) -> String {
    told(plan, listing, spanish, true)
}

/// The same without the titles, for where a table below it has them; none where they are few, or it names none.
pub(super) fn lead(plan: &Plan, listing: &Listing, spanish: bool) -> Option<String> {
    let lead = (listing.rows.len() > FEW).then(|| told(plan, listing, spanish, false));
    lead.filter(|lead| *lead != listing.sentence)
}

fn told(plan: &Plan, listing: &Listing, spanish: bool, with_titles: bool) -> String {
    if plan.kind == Kind::Table && plan.arithmetic.is_some() {
        return computed(plan, listing, spanish);
    }
    let mut sentence = if listing.total == 0 {
        none(plan, spanish)
    } else {
        let ending = if with_titles {
            ending(plan, listing, spanish)
        } else {
            ".".to_owned()
        };
        format!("{}{ending}", subject(plan, listing.total, spanish))
    };
    let is_summed = plan.kind == Kind::Table || plan.filters.category.is_some();
    if let Some(sum) = sum_of_table(listing, spanish).filter(|_| is_summed) {
        sentence.push(' ');
        sentence.push_str(&sum);
    }
    if listing.others > 0 {
        sentence.push_str(&others(listing.others, spanish));
    }
    sentence
}

/// "3 notes are tagged bees", "1 nota menciona «Ana»".
fn subject(plan: &Plan, total: usize, spanish: bool) -> String {
    let many = total != 1;
    let noun = noun(&plan.filters, many, spanish);
    let predicate = predicate(&plan.filters, many, spanish);
    match (predicate, spanish) {
        (Some(predicate), _) => format!("{total} {noun} {predicate}"),
        (None, false) => format!("There {} {total} {noun}", if many { "are" } else { "is" }),
        (None, true) => format!("Hay {total} {noun}"),
    }
}

fn none(plan: &Plan, spanish: bool) -> String {
    let filters = &plan.filters;
    let noun = noun(filters, false, spanish);
    let unknown = unknown(filters, spanish);
    let none = if spanish { no(&noun) } else { "No" };
    let sentence = match predicate(filters, false, spanish) {
        Some(predicate) => format!("{none} {noun} {predicate}."),
        None if spanish => format!("No hay {}.", self::noun(filters, true, true)),
        None => format!("There are no {}.", self::noun(filters, true, false)),
    };
    unknown.map_or(sentence.clone(), |unknown| format!("{sentence} {unknown}"))
}

/// "Ninguna nota", "ningún documento".
fn no(noun: &str) -> &'static str {
    if is_feminine(noun) {
        "Ninguna"
    } else {
        "Ningún"
    }
}

fn is_feminine(noun: &str) -> bool {
    let first = noun.split(' ').next().unwrap_or_default().to_lowercase();
    let first = first.trim_end_matches('s');
    first.ends_with('a')
        || first.ends_with("ion")
        || first.ends_with("ión")
        || first.ends_with("ione")
        || matches!(first, "imagen" | "imágene")
}

/// What is not there by that name.
fn unknown(filters: &Filters, spanish: bool) -> Option<String> {
    let tag = filters.tags.iter().find(|name| !name.known);
    let folder = filters.folders.iter().find(|name| !name.known);
    match (tag, folder, spanish) {
        (Some(tag), _, false) => Some(format!("There is no tag {}.", tag.name)),
        (Some(tag), _, true) => Some(format!("No existe la etiqueta {}.", tag.name)),
        (_, Some(folder), false) => Some(format!("There is no folder {}.", folder.name)),
        (_, Some(folder), true) => Some(format!("No existe la carpeta {}.", folder.name)),
        _ => None,
    }
}

fn noun(filters: &Filters, many: bool, spanish: bool) -> String {
    if let Some(category) = &filters.category {
        return category.name(many, spanish).to_owned();
    }
    match (filters.file_type, many, spanish) {
        (Some(file_type), ..) => file_type.name(many, spanish).to_owned(),
        (None, true, false) => "documents".to_owned(),
        (None, false, false) => "document".to_owned(),
        (None, true, true) => "documentos".to_owned(),
        (None, false, true) => "documento".to_owned(),
    }
}

/// What is said of the documents, with a verb; none where nothing is.
fn predicate(filters: &Filters, many: bool, spanish: bool) -> Option<String> {
    let mut clauses = verbs(filters, many, spanish);
    let last = clauses.pop()?;
    let and = if spanish { " y " } else { " and " };
    Some(if clauses.is_empty() {
        last
    } else {
        format!("{}{and}{last}", clauses.join(", "))
    })
}

fn verbs(filters: &Filters, many: bool, spanish: bool) -> Vec<String> {
    let mut verbs = Vec::new();
    let (is, have, mention, esta) = match (spanish, many) {
        (false, true) => ("are", "have", "mention", "are"),
        (false, false) => ("is", "has", "mentions", "is"),
        (true, true) => ("son", "tienen", "mencionan", "están"),
        (true, false) => ("es", "tiene", "menciona", "está"),
    };
    if !filters.tags.is_empty() {
        let tags = tags(filters, spanish);
        verbs.push(match (spanish, filters.tags.len()) {
            (false, _) => format!("{is} tagged {tags}"),
            (true, 1) => format!("{have} la etiqueta {tags}"),
            (true, _) => format!("{have} las etiquetas {tags}"),
        });
    }
    if filters.untagged {
        verbs.push(if spanish {
            format!("no {have} etiquetas")
        } else {
            format!("{have} no tags")
        });
    }
    if !filters.folders.is_empty() {
        let folders = joined(&filters.folders, spanish);
        verbs.push(if spanish {
            format!("{esta} en la carpeta {folders}")
        } else {
            format!("{is} in the folder {folders}")
        });
    }
    if let Some(title) = &filters.title {
        verbs.push(if spanish {
            format!("{have} «{title}» en el título")
        } else {
            format!("{have} “{title}” in the title")
        });
    }
    if !filters.mentions.is_empty() {
        verbs.push(format!("{mention} {}", mentions(filters, spanish)));
    }
    if !filters.links.is_empty() {
        let links = filters.links.join(joint(false, spanish));
        verbs.push(match (spanish, many) {
            (false, true) => format!("link to {links}"),
            (false, false) => format!("links to {links}"),
            (true, true) => format!("enlazan a {links}"),
            (true, false) => format!("enlaza a {links}"),
        });
    }
    for statement in &filters.says {
        let text = &stated(statement, spanish);
        verbs.push(match (spanish, many) {
            (false, true) => format!("say “{text}”"),
            (false, false) => format!("says “{text}”"),
            (true, true) => format!("dicen «{text}»"),
            (true, false) => format!("dice «{text}»"),
        });
    }
    if let Some(language) = filters.language {
        verbs.push(format!("{esta} {}", language_named(language, spanish)));
    }
    if let Some(dating) = filters.period {
        let period = period(dating.period, spanish);
        verbs.push(match (dating.by, spanish, many) {
            (DateKind::Own, false, _) => format!("{is} {}", dated(dating.period, &period)),
            (DateKind::Changed, false, true) => format!("were changed {period}"),
            (DateKind::Changed, false, false) => format!("was changed {period}"),
            (DateKind::Own, true, _) => format!("{is} {}", dated_spanish(dating.period, &period)),
            (DateKind::Changed, true, true) => format!("se cambiaron {period}"),
            (DateKind::Changed, true, false) => format!("se cambió {period}"),
        });
    }
    if let Some(amount) = filters.amount {
        verbs.push(format!("{is} {}", comparison(amount, spanish)));
    }
    verbs
}

/// What a statement says, with the number that is its own.
fn stated(statement: &Statement, spanish: bool) -> String {
    let number = statement.number.map(|number| comparison(number, spanish));
    let text = statement.text.as_str();
    number.map_or(text.to_owned(), |number| format!("{text} {number}"))
}

/// The clauses of a filter without verbs, for a person to see.
fn clauses(filters: &Filters, spanish: bool) -> Vec<String> {
    let mut clauses = Vec::new();
    if filters.category.is_some() || filters.file_type.is_some() {
        clauses.push(noun(filters, true, spanish));
    }
    let say =
        |english: &str, in_spanish: &str| if spanish { in_spanish } else { english }.to_owned();
    if !filters.tags.is_empty() {
        clauses.push(format!(
            "{} {}",
            say("tag", "etiqueta"),
            tags(filters, spanish)
        ));
    }
    if filters.untagged {
        clauses.push(say("no tags", "sin etiquetas"));
    }
    if !filters.folders.is_empty() {
        clauses.push(format!(
            "{} {}",
            say("folder", "carpeta"),
            joined(&filters.folders, spanish)
        ));
    }
    if let Some(title) = &filters.title {
        clauses.push(format!("{} “{title}”", say("title with", "título con")));
    }
    if !filters.mentions.is_empty() {
        clauses.push(format!(
            "{} {}",
            say("mentions", "menciona"),
            mentions(filters, spanish)
        ));
    }
    if !filters.links.is_empty() {
        let links = filters.links.join(joint(false, spanish));
        clauses.push(format!("{} {links}", say("links to", "enlaza a")));
    }
    for statement in &filters.says {
        clauses.push(if spanish {
            format!("dice «{}»", stated(statement, spanish))
        } else {
            format!("says “{}”", stated(statement, spanish))
        });
    }
    if let Some(language) = filters.language {
        clauses.push(language_named(language, spanish));
    }
    if let Some(dating) = filters.period {
        let which = match dating.by {
            DateKind::Own => say("date", "fecha"),
            DateKind::Changed => say("changed", "cambiado"),
        };
        let shown = |date: Option<Date>| date.map(|date| date.to_string()).unwrap_or_default();
        let (from, to) = (shown(dating.period.from), shown(dating.period.to));
        clauses.push(match (from.is_empty(), to.is_empty()) {
            (false, true) => format!("{which} ≥ {from}"),
            (true, _) => format!("{which} ≤ {to}"),
            _ if from == to => format!("{which} {from}"),
            _ => format!("{which} {from} – {to}"),
        });
    }
    if let Some(amount) = filters.amount {
        clauses.push(format!(
            "{} {}",
            say("amount", "importe"),
            comparison(amount, spanish)
        ));
    }
    clauses
}

fn tags(filters: &Filters, spanish: bool) -> String {
    let names: Vec<&str> = filters.tags.iter().map(|tag| tag.name.as_str()).collect();
    names.join(joint(filters.any_tag, spanish))
}

fn joint(any: bool, spanish: bool) -> &'static str {
    match (any, spanish) {
        (true, false) => " or ",
        (false, false) => " and ",
        (true, true) => " o ",
        (false, true) => " y ",
    }
}

fn joined(names: &[crate::plan::Name], spanish: bool) -> String {
    let names: Vec<&str> = names.iter().map(|name| name.name.as_str()).collect();
    names.join(if spanish { " y " } else { " and " })
}

fn mentions(filters: &Filters, spanish: bool) -> String {
    let quoted = |texts: &[String], any: bool| {
        let quoted = texts.iter().map(|text| {
            if spanish {
                format!("«{text}»")
            } else {
                format!("“{text}”")
            }
        });
        quoted.collect::<Vec<_>>().join(joint(any, spanish))
    };
    let said = quoted(&filters.mentions, filters.any_mention);
    if filters.absent.is_empty() {
        return said;
    }
    let not = if spanish { "pero no" } else { "but not" };
    format!("{said} {not} {}", quoted(&filters.absent, false))
}

fn language_named(code: &str, spanish: bool) -> String {
    let names = match code {
        "en" => ("in English", "en inglés"),
        "es" => ("in Spanish", "en español"),
        "fr" => ("in French", "en francés"),
        "de" => ("in German", "en alemán"),
        "it" => ("in Italian", "en italiano"),
        "pt" => ("in Portuguese", "en portugués"),
        "nl" => ("in Dutch", "en neerlandés"),
        other => (other, other),
    };
    if spanish { names.1 } else { names.0 }.to_owned()
}

const MONTHS: [(&str, &str); 12] = [
    ("January", "enero"),
    ("February", "febrero"),
    ("March", "marzo"),
    ("April", "abril"),
    ("May", "mayo"),
    ("June", "junio"),
    ("July", "julio"),
    ("August", "agosto"),
    ("September", "septiembre"),
    ("October", "octubre"),
    ("November", "noviembre"),
    ("December", "diciembre"),
];

fn month_of(date: Date, spanish: bool) -> &'static str {
    let place = usize::try_from(date.month - 1).unwrap_or_default();
    let (english, in_spanish) = MONTHS[place.min(11)];
    if spanish { in_spanish } else { english }
}

/// "5 March 2026", "5 de marzo de 2026".
fn day(date: Date, spanish: bool) -> String {
    let month = month_of(date, spanish);
    if spanish {
        format!("{} de {month} de {}", date.day, date.year)
    } else {
        format!("{} {month} {}", date.day, date.year)
    }
}

/// A span of time with its preposition: "in March 2026", "desde el 5 de marzo de 2026".
fn period(period: Period, spanish: bool) -> String {
    let (from, to) = match (period.from, period.to) {
        (Some(from), Some(to)) => (from, to),
        (Some(from), None) if spanish => return format!("desde el {}", day(from, true)),
        (Some(from), None) => return format!("since {}", day(from, false)),
        (None, Some(to)) if spanish => return format!("hasta el {}", day(to, true)),
        (None, Some(to)) => return format!("until {}", day(to, false)),
        (None, None) => return String::new(),
    };
    let is_month = period == Period::month(from.year, from.month);
    let is_year = period == Period::year(from.year);
    match (spanish, from == to) {
        (false, true) => format!("on {}", day(from, false)),
        (true, true) => format!("el {}", day(from, true)),
        (false, _) if is_year => format!("in {}", from.year),
        (true, _) if is_year => format!("en {}", from.year),
        (false, _) if is_month => format!("in {} {}", month_of(from, false), from.year),
        (true, _) if is_month => format!("en {} de {}", month_of(from, true), from.year),
        (false, _) => format!("between {} and {}", day(from, false), day(to, false)),
        (true, _) => format!("entre el {} y el {}", day(from, true), day(to, true)),
    }
}

/// "From March 2026" after "are".
fn dated(period: Period, said: &str) -> String {
    let is_range = period.from != period.to;
    match said
        .strip_prefix("in ")
        .or_else(|| said.strip_prefix("on "))
    {
        Some(rest) => format!("from {rest}"),
        None if is_range => format!("dated {said}"),
        None => said.to_owned(),
    }
}

fn dated_spanish(period: Period, said: &str) -> String {
    if let Some(rest) = said.strip_prefix("en ") {
        return format!("de {rest}");
    }
    match said.strip_prefix("el ") {
        Some(rest) if period.from == period.to => format!("del {rest}"),
        _ => format!("de fecha {said}"),
    }
}

fn comparison(comparison: Comparison, spanish: bool) -> String {
    let shown = |bound: Bound| money(bound.value.written(spanish), comparison.unit, spanish);
    match (comparison.least, comparison.most, spanish) {
        (Some(least), Some(most), _) if least == most => {
            if spanish {
                format!("de {}", shown(least))
            } else {
                format!("exactly {}", shown(least))
            }
        }
        (Some(least), Some(most), false) => format!("between {} and {}", shown(least), shown(most)),
        (Some(least), Some(most), true) => format!("de entre {} y {}", shown(least), shown(most)),
        (Some(least), None, false) if least.included => format!("at least {}", shown(least)),
        (Some(least), None, true) if least.included => format!("de al menos {}", shown(least)),
        (Some(least), None, false) => format!("over {}", shown(least)),
        (Some(least), None, true) => format!("de más de {}", shown(least)),
        (None, Some(most), false) if most.included => format!("at most {}", shown(most)),
        (None, Some(most), true) if most.included => format!("de hasta {}", shown(most)),
        (None, Some(most), false) => format!("under {}", shown(most)),
        (None, Some(most), true) => format!("de menos de {}", shown(most)),
        (None, None, _) => String::new(),
    }
}

/// "£995", "1.250,50 €", "20 kg".
fn money(number: String, unit: Option<Unit>, spanish: bool) -> String {
    match unit {
        None => number,
        Some(unit) => match unit.sign {
            Some(sign) if spanish => format!("{number} {sign}"),
            Some(sign) => format!("{sign}{number}"),
            None => format!("{number} {}", unit.name),
        },
    }
}

/// ": A; B; C."; the number of all documents needs none of their titles.
fn ending(plan: &Plan, listing: &Listing, spanish: bool) -> String {
    let names_none = plan.kind == Kind::Count && plan.filters.is_empty();
    if names_none {
        return ".".to_owned();
    }
    let lead = match (plan.order, spanish) {
        (None, _) => "",
        (Some(Order::Newest), false) => "; the newest",
        (Some(Order::Oldest), false) => "; the oldest",
        (Some(Order::Newest), true) => "; lo más reciente",
        (Some(Order::Oldest), true) => "; lo más antiguo",
    };
    let shows_date = plan.order.is_some() || plan.columns.contains(&Column::Date);
    let named = listing.rows.iter().take(NAMED);
    let titles: Vec<String> = named
        .map(|row| titled(row, shows_date.then_some(spanish)))
        .collect();
    let more = if listing.rows.len() > NAMED {
        "; …"
    } else {
        "."
    };
    format!("{lead}: {}{more}", titles.join("; "))
}

/// "Invoice 12 (£30) [1]", with its date in the language that is given.
fn titled(row: &Row, date_in_spanish: Option<bool>) -> String {
    let date = date_in_spanish.map(|spanish| day(row.date, spanish));
    let value = row.value.as_ref().map(|value| value.text.clone());
    let shown: Vec<String> = date.into_iter().chain(value).collect();
    let mut text = row.title.clone();
    if !shown.is_empty() {
        text.push_str(&format!(" ({})", shown.join(", ")));
    }
    if let Some(citation) = &row.evidence {
        text.push_str(&format!(" [{}]", citation.marker));
    }
    text
}

fn sum_of_table(listing: &Listing, spanish: bool) -> Option<String> {
    let sums = amounts(&listing.computed, spanish)?;
    let several = listing
        .computed
        .iter()
        .any(|computed| computed.documents > 1);
    several.then(|| {
        if spanish {
            format!("Suman {sums}.")
        } else {
            format!("They add up to {sums}.")
        }
    })
}

fn amounts(computed: &[Computed], spanish: bool) -> Option<String> {
    let shown: Vec<String> = computed
        .iter()
        .map(|computed| money(computed.number.written(spanish), computed.unit, spanish))
        .collect();
    (!shown.is_empty()).then(|| shown.join(if spanish { " y " } else { " and " }))
}

/// "The 3 invoices from March 2026 add up to £1,250."
fn computed(plan: &Plan, listing: &Listing, spanish: bool) -> String {
    let read = listing
        .rows
        .iter()
        .filter(|row| row.value.is_some())
        .count();
    let Some(amounts) = amounts(&listing.computed, spanish) else {
        if listing.total == 0 {
            return none(plan, spanish);
        }
        let subject = subject(plan, listing.total, spanish);
        return if spanish {
            format!("{subject}; no tienen importes que se puedan leer.")
        } else {
            format!("{subject}; no amounts can be read in them.")
        };
    };
    if plan.limit.is_some() {
        return ranked(plan, listing, spanish);
    }
    let noun = noun(&plan.filters, read != 1, spanish);
    let mut sentence = match (plan.arithmetic, spanish) {
        (Some(Arithmetic::Average), false) => format!("The average of {read} {noun} is {amounts}."),
        (Some(Arithmetic::Average), true) => format!("La media de {read} {noun} es {amounts}."),
        (Some(Arithmetic::Largest), false) => format!(
            "The largest of {read} {noun} is {amounts}{}.",
            of(listing, spanish)
        ),
        (Some(Arithmetic::Largest), true) => format!(
            "El importe mayor de {read} {noun} es {amounts}{}.",
            of(listing, spanish)
        ),
        (Some(Arithmetic::Smallest), false) => format!(
            "The smallest of {read} {noun} is {amounts}{}.",
            of(listing, spanish)
        ),
        (Some(Arithmetic::Smallest), true) => format!(
            "El importe menor de {read} {noun} es {amounts}{}.",
            of(listing, spanish)
        ),
        (_, false) => format!("The total of {read} {noun} is {amounts}."),
        (_, true) => format!("El total de {read} {noun} es {amounts}."),
    };
    let unread = listing.total - read;
    if unread > 0 {
        sentence.push_str(&if spanish {
            format!(" En {unread} no se puede leer ningún importe.")
        } else {
            format!(" In {unread} no amount can be read.")
        });
    }
    sentence
}

/// "The 3 largest of 50 invoices: Invoice 12 (£30); …".
fn ranked(plan: &Plan, listing: &Listing, spanish: bool) -> String {
    let (shown, total) = (listing.rows.len(), listing.total);
    let noun = noun(&plan.filters, total != 1, spanish);
    let is_least = plan.arithmetic == Some(Arithmetic::Smallest);
    let lead = match (spanish, is_least) {
        (false, false) => format!("The {shown} largest of {total} {noun}"),
        (false, true) => format!("The {shown} smallest of {total} {noun}"),
        (true, false) => format!("De mayor a menor, {shown} de {total} {noun}"),
        (true, true) => format!("De menor a mayor, {shown} de {total} {noun}"),
    };
    let titles: Vec<String> = listing.rows.iter().map(|row| titled(row, None)).collect();
    format!("{lead}: {}.", titles.join("; "))
}

/// The documents that have the computed value: " (Invoice 12)".
fn of(listing: &Listing, spanish: bool) -> String {
    let titles: Vec<&str> = listing
        .computed
        .iter()
        .filter_map(|computed| {
            listing.rows.iter().find(|row| {
                let value = row.value.as_ref();
                value.is_some_and(|value| {
                    value.number == computed.number && value.unit == computed.unit
                })
            })
        })
        .map(|row| row.title.as_str())
        .collect();
    format!(" ({})", titles.join(if spanish { " y " } else { " and " }))
}

fn others(count: usize, spanish: bool) -> String {
    match (count, spanish) {
        (1, false) => " 1 document that is not a note matches, too.".to_owned(),
        (_, false) => format!(" {count} documents that are not notes match, too."),
        (1, true) => " También 1 documento que no es una nota.".to_owned(),
        (_, true) => format!(" También {count} documentos que no son notas."),
    }
}

/// When documents last changed.
pub(super) fn changed(target: &str, rows: &[Row], spanish: bool) -> String {
    match (rows, spanish) {
        ([], false) => format!("No document is called “{target}”."),
        ([], true) => format!("Ningún documento se llama «{target}»."),
        (rows, _) => {
            let said = rows.iter().take(NAMED).map(|row| {
                if spanish {
                    format!(
                        "«{}» se cambió por última vez el {}.",
                        row.title,
                        day(row.date, true)
                    )
                } else {
                    format!(
                        "“{}” was last changed on {}.",
                        row.title,
                        day(row.date, false)
                    )
                }
            });
            said.collect::<Vec<_>>().join(" ")
        }
    }
}

/// What is counted, for one and for many.
fn nouns_of(fact: LibraryFact, spanish: bool) -> (&'static str, &'static str) {
    match (fact, spanish) {
        (LibraryFact::Folders, false) => ("folder", "folders"),
        (LibraryFact::Folders, true) => ("carpeta", "carpetas"),
        (LibraryFact::Tags, false) => ("tag", "tags"),
        (LibraryFact::Tags, true) => ("etiqueta", "etiquetas"),
        (LibraryFact::Languages, false) => ("language", "languages"),
        (LibraryFact::Languages, true) => ("idioma", "idiomas"),
        (_, false) => ("file type", "file types"),
        (_, true) => ("tipo de archivo", "tipos de archivo"),
    }
}

/// "There are 3 tags: bees (4), work (2), log (1)."
pub(super) fn names(
    fact: LibraryFact,
    counts: &BTreeMap<String, usize>,
    documents: usize,
    spanish: bool,
) -> String {
    let (one, many) = nouns_of(fact, spanish);
    let total = counts.len();
    let mut by_count: Vec<(&String, &usize)> = counts.iter().collect();
    by_count.sort_by(|one, other| other.1.cmp(one.1).then(one.0.cmp(other.0)));
    let named: Vec<String> = by_count
        .iter()
        .map(|(name, count)| format!("{name} ({count})"))
        .collect();
    let noun = if total == 1 { one } else { many };
    let listed = if named.is_empty() {
        String::new()
    } else {
        format!(": {}", named.join(", "))
    };
    let are = if total == 1 { "is" } else { "are" };
    let documents_noun = match (documents, spanish) {
        (1, false) => "document",
        (_, false) => "documents",
        (1, true) => "documento",
        (_, true) => "documentos",
    };
    match (fact, spanish) {
        (LibraryFact::Overview, false) => {
            format!("Your library has {documents} {documents_noun}{listed}.")
        }
        (LibraryFact::Overview, true) => {
            format!("Tu biblioteca tiene {documents} {documents_noun}{listed}.")
        }
        (_, false) => format!("There {are} {total} {noun}{listed}."),
        (_, true) => format!("Hay {total} {noun}{listed}."),
    }
}
