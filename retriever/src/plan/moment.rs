//! Questions over documents that ask for a day or for people: "When was the last meeting?", "Who lives in Leith?"

use super::asked::Asked;
use super::filters::{DateKind, Dating};
use super::noun::{self, Category};
use super::parse::{Parse, States};
use super::phrases::DETERMINERS;
use super::statement::Statement;
use super::{About, Column, Kind, Order, Plan};
use crate::calendar::{Date, Period};
use crate::meaning::Family;

/// How such questions begin; what is asked for is a day.
const WHEN: &str = "when was|when were|when did|when is|when s|when|on what day was|on what day did|on what date was|\
    what was the date of|what is the date of|what day was|cuando fue|cuando fueron|cuando es|cuando|que dia fue|\
    en que fecha fue|que dia|en que fecha|cual fue la fecha de|cual es la fecha de";
/// "The last time" says which without a word for documents.
const TIMES: &str = "which was|what was|cual fue|cual es|which is|what is";

/// What asks for a habit or a timetable, which a document tells: "When does the last ferry leave?"
const HABITS: &str = "when does|when do|when will|when can|when should|when must|when may|cuando sale|cuando salen|\
    cuando llega|cuando llegan|cuando parte|cuando parten|cuando pasa|cuando pasan|cuando abre|cuando abren|\
    cuando cierra|cuando cierran|cuando empieza|cuando empiezan|cuando termina|cuando terminan|cuando vence|\
    cuando vencen|cuando caduca|cuando caducan|cuando hay que|cuando debo|cuando puedo|cuando se puede|a que hora";

/// The first, last or next of some documents, for its day.
pub(super) fn when(asked: &Asked<'_>, about: &About, today: Date, start: usize) -> Option<Plan> {
    if asked.any(start, HABITS).is_some() {
        return None;
    }
    let opener = asked.any(start, WHEN).or_else(|| {
        let length = asked.any(start, TIMES)?;
        asked.has("time|vez").then_some(length)
    })?;
    let mut parse = Parse::new(asked, about, today, start + opener);
    parse.states = States::Always;
    parse.means_one = true;
    let mut turn = None;
    let mut has_noun = false;
    while parse.at < asked.len() {
        if let Some((found, length)) = ordinal(asked, parse.at) {
            turn = Some(found);
            parse.at += length;
        } else if !has_noun && is_noun(&mut parse) {
            has_noun = true;
        } else if !parse.step() {
            return None;
        }
    }
    parse.finish()?;
    let turn = turn.filter(|_| has_noun)?;
    let filters = &mut parse.reader.filters;
    if filters.period.is_none() {
        let today = Period::day(today);
        let period = match turn {
            Turn::Next => Some(Period { to: None, ..today }),
            Turn::Last => Some(Period {
                from: None,
                ..today
            }),
            Turn::First => None,
        };
        filters.period = period.map(|period| Dating {
            by: DateKind::Own,
            period,
        });
    }
    parse.order = Some(if turn == Turn::Last {
        Order::Newest
    } else {
        Order::Oldest
    });
    parse.limit = Some(1);
    parse.has_filter = true;
    parse.columns.push(Column::Date);
    let mut plan = parse.plan(Kind::List, None)?;
    plan.least = 1;
    Some(plan)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    First,
    Last,
    Next,
}

fn ordinal(asked: &Asked<'_>, at: usize) -> Option<(Turn, usize)> {
    let turns = [
        (
            "last|latest|most recent|newest|the last time|last time|the last time that|por ultima vez|\
            la ultima vez que|la ultima vez|ultima vez que|ultima|ultimo|mas reciente",
            Turn::Last,
        ),
        (
            "first|earliest|the first time|first time|the first time that|por primera vez|la primera vez que|\
            la primera vez|primera vez que|primera|primer|primero",
            Turn::First,
        ),
        ("next|my next|proxima|proximo|siguiente", Turn::Next),
    ];
    let found = turns
        .iter()
        .filter_map(|(phrases, turn)| Some((*turn, asked.any(at, phrases)?)));
    found.max_by_key(|(_, length)| *length)
}

/// The word for documents, if one that the library knows stands here.
fn is_noun(parse: &mut Parse<'_>) -> bool {
    let asked = parse.asked();
    let at = parse.at;
    let start = asked.past(asked.past(at, "to|in|on|at|a|en|de"), DETERMINERS);
    for place in [at, start] {
        let kind = noun::noun(asked, place).and_then(|noun| noun.category);
        let is_kept = kind.is_none_or(|category| parse.reader.about.has(&category));
        parse.at = place;
        if is_kept
            && noun::noun(asked, place).is_none_or(|noun| noun.category.is_some())
            && parse.noun(true).is_some()
        {
            return true;
        }
    }
    parse.at = at;
    // "When did we meet": who meets has a meeting.
    let meets = matches!(asked.word(at), "meet" | "met" | "reunimos" | "reunio");
    let meeting = meets.then(|| Category::named("meeting")).flatten();
    let Some(meeting) = meeting.filter(|category| parse.reader.about.has(category)) else {
        return false;
    };
    parse.reader.filters.category = Some(meeting.kept_by(parse.reader.about));
    parse.at += 1;
    true
}

/// "Who has a birthday in May?", where the library keeps notes of people.
pub(super) fn who(asked: &Asked<'_>, about: &About, today: Date, start: usize) -> Option<Plan> {
    const OPENERS: &str = "who|who of my contacts|who among my contacts|quien|quienes|quienes de mis contactos|a quien|a quienes";
    let length = asked.any(start, OPENERS)?;
    // "Who sent them?" goes on with what was spoken of.
    if asked.has("them|it|him|her|this|that|eso|esto|ese|esa|ella|ellos|ellas") {
        return None;
    }
    let people = Category::named("people")?;
    let kept = people.words.iter().map(String::as_str);
    if !about.keeps(kept) {
        return None;
    }
    let mut parse = Parse::new(asked, about, today, start + length);
    parse.states = States::Understood;
    parse.reader.filters.category = Some(people.kept_by(about));
    parse.rest()?;
    if parse.reader.filters.says.is_empty() {
        return None;
    }
    let mut plan = parse.plan(Kind::List, None)?;
    // One alone is told better by the words about them, unless it is what their note is for.
    let says = plan.filters.says.iter().flat_map(Statement::families);
    plan.least = if says.into_iter().any(Family::is_of_person) {
        1
    } else {
        2
    };
    Some(plan)
}
