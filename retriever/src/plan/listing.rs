//! Questions over documents: counts, lists, tables and sums of those that have something in common.
//!
//! A question is one of these only if every word of it is understood: "How many notes mention Ana?" is,
//! "How many eggs go in the cake?" and "How many documents do I need for a visa?" are not.

use super::asked::Asked;
use super::compare::Comparison;
use super::filters::Filters;
use super::parse::{Ending, Parse, States};
use super::phrases::{
    ASKING, AVERAGE, COUNT, COURTESY, DETERMINERS, LIST, SUM, TABLE, TAGGED, WHICH_ONE,
};
use super::reader::Reader;
use super::{About, Arithmetic, Kind, Plan, moment, money, noun};
use crate::calendar::Date;
use crate::values::Unit;

/// The plan of a question over documents; none where it is not understood as one.
pub(super) fn documents(asked: &Asked<'_>, about: &About, today: Date) -> Option<Plan> {
    let start = asked.past(0, COURTESY);
    where_mentioned(asked, about, today, start)
        .or_else(|| money::paid(asked, about, today, start))
        .or_else(|| moment::when(asked, about, today, start))
        .or_else(|| moment::who(asked, about, today, start))
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
    let kept = &earlier.filters;
    // "And who sent them?" asks for something else.
    let asks = "who|when|where|why|what|how|quien|quienes|cuando|donde|como|por que";
    let goes_on = start > 1 || asked.any(start, asks).is_none();
    if !goes_on {
        return None;
    }
    if kept.category.is_some() || kept.folders.iter().chain(&kept.tags).any(|name| name.known) {
        parse.states = States::Understood;
        parse.is_known = true;
    }
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
        parse.states = States::Always;
        parse.modifiers();
        let is_asking = arithmetic.is_none()
            && (*kind != Kind::List || asked.any(start, ASKING) == Some(length));
        parse.noun(is_asking || parse.order.is_some())?;
        // "How much do the invoices come to": without the end it is no sum.
        parse.ending = match asked.word(start + length - 1) {
            _ if arithmetic.is_none() => Ending::None,
            "do" | "are" | "did" | "does" => Ending::Needed,
            _ => Ending::Possible,
        };
        parse.rest()?;
        parse.plan(*kind, *arithmetic)
    })
}

/// "Which is the largest invoice?", "¿Cuál es la última nota?"
fn extreme(asked: &Asked<'_>, about: &About, today: Date, start: usize) -> Option<Plan> {
    const VERBS: &str = "is the|is my|was the|was my|are the|has the|had the|is|was|has|es la|es el|es mi|fue la|fue el|\
    son las|son los|tiene el|tiene la|tiene|tienen|es|fue|es la de|es el de|fue la de|fue el de|that is the";
    let length = asked.any(start, WHICH_ONE)?;
    let mut parse = Parse::new(asked, about, today, start + length);
    parse.states = States::Always;
    parse.modifiers();
    parse.means_one = parse.order.is_some() || parse.arithmetic.is_some();
    parse.noun(true)?;
    // "Which invoice is the largest?"
    parse.at = asked.past(parse.at, VERBS);
    if parse.superlative().is_none() {
        measured(asked, &mut parse);
    }
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

/// "Has the most pages", "más páginas", "longest": what is measured is no money.
fn measured(asked: &Asked<'_>, parse: &mut Parse<'_>) {
    let most = "most|the most|mas|con mas|greatest number of|mayor numero de";
    let fewest = "fewest|the fewest|least|menos|con menos|menor numero de";
    let named = [
        ("longest|mas largo|mas larga", Arithmetic::Largest),
        ("shortest|mas corto|mas corta", Arithmetic::Smallest),
    ];
    let unit_at = |at: usize| Unit::of(asked.word(at)).filter(|unit| !unit.is_currency());
    let counted = [(most, Arithmetic::Largest), (fewest, Arithmetic::Smallest)];
    let found = counted.iter().find_map(|(phrases, arithmetic)| {
        let length = asked.any(parse.at, phrases)?;
        Some((*arithmetic, unit_at(parse.at + length)?, length + 1))
    });
    let found = found.or_else(|| {
        named.iter().find_map(|(phrases, arithmetic)| {
            Some((
                *arithmetic,
                Unit::of("pages")?,
                asked.any(parse.at, phrases)?,
            ))
        })
    });
    if let Some((arithmetic, unit, length)) = found {
        parse.arithmetic = Some(arithmetic);
        parse.reader.filters.amount = Some(Comparison::in_unit(unit));
        parse.at += length;
    }
}

/// "Notes from March 2026", "facturas de más de 500 euros".
fn bare(asked: &Asked<'_>, about: &About, today: Date, start: usize) -> Option<Plan> {
    let mut parse = Parse::new(asked, about, today, start);
    parse.states = States::Understood;
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

/// Filters that a question about something else names outright: "in my notes tagged heron", "in the folder
/// work", "in March". They are what the question speaks of, and no more.
pub(super) fn hints(asked: &Asked<'_>, about: &About, today: Date) -> Filters {
    let mut reader = Reader {
        asked,
        about,
        today,
        filters: Filters::default(),
        noun_end: 0,
        may_state: false,
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
