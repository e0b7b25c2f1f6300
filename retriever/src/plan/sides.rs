//! Two things to compare: what a question names, by what it compares them, and which of them it asks for.

use std::ops::Range;

use serde::Serialize;

use super::asked::Asked;
use crate::fold::listed;
use crate::values::{month_named, quarter_named};

/// What is compared, and by what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Compared {
    /// The two things, as the question names them; none where it names a kind: "Which hotel is nearer?"
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sides: Option<[String; 2]>,
    /// What is compared of them.
    pub measure: Measure,
    /// Which of the two is asked for.
    pub wanted: Wanted,
    /// What else the question says, without the two: "Which hotel is nearer to the station".
    #[serde(skip_serializing_if = "String::is_empty")]
    pub rest: String,
    /// Whether yes or no is asked for: "Is A nearer than B?"
    #[serde(skip)]
    pub asks_whether: bool,
}

/// What can be compared of two things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Measure {
    Price,
    Distance,
    Duration,
    Weight,
    Speed,
    Age,
    /// A day or a time of day.
    Time,
    /// A number, whatever it counts.
    Number,
    /// Nothing that a program could compare.
    Words,
}

/// Which of two is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Wanted {
    Least,
    Most,
    /// How they differ.
    Both,
}

/// Comparatives, by what they compare.
const COMPARATIVES: &[(&str, Measure, Wanted)] = &[
    (
        "cheaper|less expensive|costs less|cost less|mas barato|mas barata|mas baratos|mas baratas|mas economico|\
        mas economica|cuesta menos|cuestan menos|costo menos|costaron menos|costaba menos|menos caro|menos cara|vale menos|sale mas barato|sale mas barata|\
        cost the least|cheapest",
        Measure::Price,
        Wanted::Least,
    ),
    (
        "dearer|more expensive|pricier|costlier|costs more|cost more|mas caro|mas cara|mas caros|mas caras|\
        cuesta mas|cuestan mas|costo mas|costaron mas|costaba mas|vale mas|valia mas|sale mas caro|sale mas cara|mas costoso|mas costosa",
        Measure::Price,
        Wanted::Most,
    ),
    (
        "nearer|closer|mas cerca|mas cercano|mas cercana|mas proximo|mas proxima",
        Measure::Distance,
        Wanted::Least,
    ),
    (
        "further|farther|further away|farther away|mas lejos|mas lejano|mas lejana",
        Measure::Distance,
        Wanted::Most,
    ),
    (
        "longer|takes longer|take longer|lasts longer|last longer|tarda mas|tardan mas|tardo mas|tardaron mas|dura mas|duran mas|duro mas|duraron mas|\
        mas largo|mas larga",
        Measure::Duration,
        Wanted::Most,
    ),
    (
        "shorter|takes less time|take less time|takes less|quicker|tarda menos|tardan menos|tardo menos|tardaron menos|dura menos|duran menos|duro menos|duraron menos|\
        mas corto|mas corta|mas breve",
        Measure::Duration,
        Wanted::Least,
    ),
    (
        "faster|mas rapido|mas rapida|mas veloz",
        Measure::Speed,
        Wanted::Most,
    ),
    ("slower|mas lento|mas lenta", Measure::Speed, Wanted::Least),
    (
        "heavier|weighs more|weigh more|weighed more|mas pesado|mas pesada|pesa mas|pesan mas|peso mas|pesaron mas|\
        pesaba mas",
        Measure::Weight,
        Wanted::Most,
    ),
    (
        "lighter|weighs less|weigh less|weighed less|mas ligero|mas ligera|pesa menos|pesan menos|peso menos|\
        pesaron menos|pesaba menos",
        Measure::Weight,
        Wanted::Least,
    ),
    (
        "older|mas viejo|mas vieja|mas antiguo|mas antigua",
        Measure::Age,
        Wanted::Most,
    ),
    (
        "younger|newer|more recent|mas joven|mas nuevo|mas nueva|mas reciente",
        Measure::Age,
        Wanted::Least,
    ),
    (
        "earlier|sooner|first|came first|comes first|mas temprano|antes|mas pronto|primero",
        Measure::Time,
        Wanted::Least,
    ),
    ("later|last|mas tarde|despues", Measure::Time, Wanted::Most),
    (
        "bigger|larger|higher|taller|greater|wider|deeper|warmer|hotter|more|mas grande|mas alto|mas alta|mayor|\
        mas ancho|mas ancha|mas profundo|mas profunda|mas caliente|mas calido|mas calida|mas",
        Measure::Number,
        Wanted::Most,
    ),
    (
        "smaller|lower|narrower|colder|cooler|fewer|less|mas pequeno|mas pequena|mas bajo|mas baja|menor|mas frio|\
        mas fria|menos",
        Measure::Number,
        Wanted::Least,
    ),
    (
        "better|worse|stronger|easier|harder|mejor|peor|mas fuerte|mas facil|mas dificil",
        Measure::Words,
        Wanted::Both,
    ),
];

const OPENERS: &str = "compare|compara|compare the|what is the difference between|what s the difference between|\
    what are the differences between|difference between|differences between|the difference between|\
    cual es la diferencia entre|que diferencia hay entre|que diferencias hay entre|\
    cuales son las diferencias entre|diferencia entre|diferencias entre|en que se diferencian|en que se diferencia|\
    how does|how do|in what way does";

/// Words before the first of the two that belong to the sentence.
const LEADS: &str = "is|are|was|were|does|do|did|has|have|had|will|would|which|what|who|of|the two|between|is it|\
    es|son|esta|estan|era|fue|tiene|tienen|cuesta|cuestan|que|cual|quien|de|entre|queda|quedan|sale|vale|tarda|dura|\
    pesa|llega|llegan|es mas|which one|which is|what is|cual es|que es|cual de los dos|cual de las dos";

/// Verbs between the first of the two and the comparative.
const COPULAS: &str = "is|are|was|were|does|do|did|has|have|had|es|son|esta|estan|era|fue|tiene|tienen|cuesta|cuestan|\
    queda|quedan|sale|vale|tarda|dura|pesa|cost|costs|take|takes|last|lasts|weigh|weighs|llega|llegan";

const WHICH: &str = "which|what|who|cual|que|quien|cuales|which one|which of the two|cual de los dos|cual de las dos";

/// What a question compares.
pub(super) fn compared(asked: &Asked<'_>, start: usize) -> Option<Compared> {
    let of = |sides, measure, wanted, asks_whether| {
        Some(of(asked, sides, measure, wanted, asks_whether))
    };
    if let Some(length) = asked.any(start, OPENERS)
        && let Some(sides) = joined(
            asked,
            start + length,
            "and|y|e|with|con|to|vs|versus|from|de|differ from",
        )
    {
        return of(Some(sides), Measure::Words, Wanted::Both, false);
    }
    if let Some(sides) = joined(asked, start, "vs|versus|frente a|compared to|comparado con") {
        return of(Some(sides), Measure::Words, Wanted::Both, false);
    }
    if let Some(compared) = alternatives(asked, start) {
        return Some(compared);
    }
    let (place, length, measure, wanted) = comparative(asked, start..asked.len())?;
    let after = place + length;
    let asks_which = asked.any(start, WHICH).is_some();
    if let Some(sides) = than(asked, start, place, after) {
        return of(Some(sides), measure, wanted, !asks_which);
    }
    let or = (start + 1..asked.len().saturating_sub(1))
        .rev()
        .find(|at| is_or(asked, *at));
    let Some(or) = or else {
        let is_open = asks_which && measure != Measure::Number && measure != Measure::Words;
        return if is_open {
            of(None, measure, wanted, false)
        } else {
            None
        };
    };
    let sides = if or > after {
        // "Which is nearer to the station, A or B?"
        let comma = (after..or).rev().find(|at| parted(asked, *at));
        [comma.unwrap_or(after)..or, or + 1..asked.len()]
    } else {
        // "Is A or B cheaper?"
        let first = asked.past(start, LEADS);
        [first..or, or + 1..without(asked, or + 1, place)]
    };
    let are_named = sides.iter().all(|side| !side.is_empty());
    if are_named {
        of(Some(sides), measure, wanted, false)
    } else {
        None
    }
}

/// Whether a question asks which of two has more or less of something: "Did we pay more in 2023 or in 2024?"
pub(super) fn asks_which_of_two(asked: &Asked<'_>, start: usize) -> bool {
    alternatives(asked, start).is_some()
}

const PREPOSITIONS: &str = "in|on|at|from|for|during|to|en|durante|de|del|para|con|with|a|al";
const ARTICLES: &str = "the|el|la|los|las|a|an|my|our|mi|mis|nuestro|nuestra|un|una";

fn is_or(asked: &Asked<'_>, at: usize) -> bool {
    // "More or less" compares nothing.
    let is_vague = matches!(asked.word(at - 1), "more" | "mas" | "menos" | "less")
        || asked.any(at + 1, "more|mas|menos|less|so|not|no").is_some();
    matches!(asked.word(at), "or" | "o" | "u") && !is_vague
}

/// Two things at the end of a question that are named alike, of which it asks which has more or less: "in October or in
/// December of 2025".
fn alternatives(asked: &Asked<'_>, start: usize) -> Option<Compared> {
    let or = (start + 1..asked.len().saturating_sub(1))
        .rev()
        .find(|at| is_or(asked, *at))?;
    let second = or + 1..asked.len();
    let class = |at: usize| Class::of(asked.word(at));
    let parted = (start + 1..or).rev().find(|at| parted(asked, *at));
    let like = |at: &usize| {
        let (one, other) = (asked.word(*at), asked.word(or + 1));
        let are_articles = || {
            let is_article = |at: usize| asked.any(at, ARTICLES) == Some(1);
            let is_joined = *at > 0 && asked.any(at - 1, PREPOSITIONS).is_some();
            is_article(*at) && is_article(or + 1) && !is_joined
        };
        let are_prepositions = asked.any(or + 1, PREPOSITIONS).is_some() && one == other;
        let are_of_class = class(*at).is_some() && class(*at) == class(or + 1);
        are_prepositions || are_articles() || are_of_class
    };
    let is_name = |at: usize| asked.span(at..at + 1).starts_with(char::is_uppercase);
    let first = || (start + 1..or).rev().find(like);
    let named = || (is_name(or + 1) && is_name(or - 1)).then_some(or - 1);
    // What stands behind a comma is the whole, if the comparative comes before it.
    let comma = parted.filter(|comma| comparative(asked, start..*comma).is_some());
    let first = comma.or_else(first).or_else(named)?;
    let (_, _, measure, wanted) = comparative(asked, start..first)?;
    let is_sure =
        asked.any(start, WHICH).is_some() || !matches!(measure, Measure::Words | Measure::Time);
    let texts = whole(asked, first..or, second.clone());
    let mut compared = of(asked, Some([first..or, second]), measure, wanted, false);
    compared.sides = Some(texts);
    is_sure.then_some(compared)
}

/// What names one of a row: a month, a quarter, a year.
#[derive(PartialEq, Eq)]
enum Class {
    Year,
    Month,
    Ordinal,
}

impl Class {
    fn of(word: &str) -> Option<Self> {
        const ORDINALS: &str = "first second third fourth last primer primero primera segundo segunda tercer tercero tercera \
            cuarto cuarta ultimo ultima";
        let is_year =
            word.len() == 4 && word.starts_with(['1', '2']) && word.parse::<u16>().is_ok();
        if is_year {
            Some(Self::Year)
        } else if month_named(word).is_some() {
            Some(Self::Month)
        } else {
            let is_ordinal = listed(ORDINALS, word) || quarter_named(word).is_some();
            is_ordinal.then_some(Self::Ordinal)
        }
    }
}

/// Two sides as they are named, what only one of them says of both given to the other: "the first or the third quarter of
/// 2025".
fn whole(asked: &Asked<'_>, first: Range<usize>, second: Range<usize>) -> [String; 2] {
    let class = |at: usize| Class::of(asked.word(at));
    let head = |side: &Range<usize>| side.clone().find(|at| class(*at).is_some());
    let sides = [first, second];
    let heads = [head(&sides[0]), head(&sides[1])];
    let named = sides.clone().map(|side| named(asked, side));
    let [Some(one), Some(other)] = heads else {
        return named;
    };
    let tails = [one + 1..sides[0].end, other + 1..sides[1].end];
    let [one, other] = named;
    if class(heads[0].unwrap_or_default()) != class(heads[1].unwrap_or_default()) {
        return [one, other];
    }
    let with = |side: String, tail: &Range<usize>| format!("{side} {}", asked.span(tail.clone()));
    match tails.clone().map(|tail| tail.is_empty()) {
        [true, false] => [with(one, &tails[1]), other],
        [false, true] => {
            let other = with(other, &tails[0]);
            [one, other]
        }
        _ => [one, other],
    }
}

/// A side without what stands before its name.
fn named(asked: &Asked<'_>, side: Range<usize>) -> String {
    let mut start = side.start;
    for words in [PREPOSITIONS, ARTICLES, "of|de|del", ARTICLES] {
        start = asked.past(start, words);
    }
    asked.span(start.min(side.end - 1)..side.end).to_owned()
}

/// The comparative of a question: its place and length, what it compares, and which is wanted.
fn comparative(asked: &Asked<'_>, within: Range<usize>) -> Option<(usize, usize, Measure, Wanted)> {
    let found = |at: usize| {
        let stands = COMPARATIVES
            .iter()
            .filter_map(|(phrases, measure, wanted)| {
                let length = asked.any(at, phrases)?;
                Some((at, length, *measure, *wanted))
            });
        stands.max_by_key(|(_, length, ..)| *length)
    };
    let all = within.filter_map(found);
    // "Más" alone says less than "mas barato".
    let mut best: Option<(usize, usize, Measure, Wanted)> = None;
    for one in all {
        let tells = |measure: Measure| !matches!(measure, Measure::Number | Measure::Words);
        if best.is_none_or(|best| tells(one.2) && !tells(best.2)) {
            best = Some(one);
        }
    }
    best
}

/// "Is A cheaper than B", "¿Es más barato A que B?", "¿A es más barato que B?"
fn than(asked: &Asked<'_>, start: usize, place: usize, after: usize) -> Option<[Range<usize>; 2]> {
    let joint = (after..asked.len())
        .find(|at| matches!(asked.word(*at), "than" | "que") && *at + 1 < asked.len())
        .filter(|at| asked.amount(at + 1).is_none())?;
    let second = joint + 1..asked.len();
    let is_spanish = asked.word(joint) == "que";
    let first = if is_spanish && joint > after && asked.past(start, LEADS) >= place {
        after..joint
    } else {
        asked.past(start, LEADS).min(place)..without(asked, start, place)
    };
    (!first.is_empty()).then_some([first, second])
}

/// The end of what stands before `end` without a verb.
fn without(asked: &Asked<'_>, start: usize, end: usize) -> usize {
    let is_verb = end > start && asked.any(end - 1, COPULAS) == Some(1);
    if is_verb { end - 1 } else { end }
}

/// Two things on either side of one of `joints`.
fn joined(asked: &Asked<'_>, start: usize, joints: &str) -> Option<[Range<usize>; 2]> {
    let (at, length) = (start + 1..asked.len().saturating_sub(1))
        .find_map(|at| Some((at, asked.any(at, joints)?)))?;
    (at + length < asked.len()).then_some([start..at, at + length..asked.len()])
}

/// Whether a comma or a colon stands before the word at `at`.
fn parted(asked: &Asked<'_>, at: usize) -> bool {
    let between = asked.words[at - 1].span.end..asked.words[at].span.start;
    asked.text[between].contains([',', ':', ';', '?', '—', '–', '('])
}

fn of(
    asked: &Asked<'_>,
    sides: Option<[Range<usize>; 2]>,
    measure: Measure,
    wanted: Wanted,
    asks_whether: bool,
) -> Compared {
    let both = sides.iter().flatten();
    let first = both
        .clone()
        .map(|side| side.start)
        .min()
        .unwrap_or_default();
    let last = both.map(|side| side.end).max().unwrap_or_default();
    // What is counted is asked for without "which" and "more".
    let asks = asked.past(0, WHICH);
    let more = comparative(asked, 0..first).map_or(0..0, |(at, length, ..)| at..at + length);
    let is_asked =
        |place: &usize| measure != Measure::Number || *place >= asks && !more.contains(place);
    let rest: Vec<&str> = (0..asked.len())
        .filter(|place| !(first..last).contains(place))
        .filter(is_asked)
        .map(|place| asked.span(place..place + 1))
        .collect();
    Compared {
        sides: sides.map(|sides| sides.map(|side| named(asked, side))),
        measure,
        wanted,
        rest: rest.join(" "),
        asks_whether,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(question: &str, expect: Option<([&str; 2], Measure, Wanted)>) {
        let found = compared(&Asked::new(question), 0);
        let found = found.and_then(|found| Some((found.sides?, found.measure, found.wanted)));
        let expect =
            expect.map(|(sides, measure, wanted)| (sides.map(str::to_owned), measure, wanted));
        assert_eq!(found, expect, "{question}");
    }

    #[test]
    fn the_two_are_named() {
        check(
            "Which hotel is nearer to the station, the Alpina or the Arosa?",
            Some((["Alpina", "Arosa"], Measure::Distance, Wanted::Least)),
        );
        check(
            "Is the ferry cheaper than the night train?",
            Some((["ferry", "night train"], Measure::Price, Wanted::Least)),
        );
        check(
            "Is the ferry or the train cheaper?",
            Some((["ferry", "train"], Measure::Price, Wanted::Least)),
        );
        check(
            "What costs more: the boiler service or the chimney sweep?",
            Some((
                ["boiler service", "chimney sweep"],
                Measure::Price,
                Wanted::Most,
            )),
        );
        check(
            "¿Qué es más barato, el ferry o el tren?",
            Some((["ferry", "tren"], Measure::Price, Wanted::Least)),
        );
        check(
            "¿Es más caro el gimnasio que la piscina?",
            Some((["gimnasio", "piscina"], Measure::Price, Wanted::Most)),
        );
        check(
            "¿El gimnasio es más caro que la piscina?",
            Some((["gimnasio", "piscina"], Measure::Price, Wanted::Most)),
        );
        check(
            "Which report came first, Heron or Egret?",
            Some((["Heron", "Egret"], Measure::Time, Wanted::Least)),
        );
        check(
            "What is the difference between the blue plan and the red plan?",
            Some((["blue plan", "red plan"], Measure::Words, Wanted::Both)),
        );
        check(
            "compara la tarifa azul con la roja",
            Some((["tarifa azul", "roja"], Measure::Words, Wanted::Both)),
        );
        check(
            "Who earned more in May, Ana or Luis?",
            Some((["Ana", "Luis"], Measure::Number, Wanted::Most)),
        );
    }

    #[test]
    fn two_times_and_two_things_are_told_apart_by_how_they_are_named() {
        let number = |sides: [&'static str; 2]| Some((sides, Measure::Number, Wanted::Most));
        check(
            "Did we use more gas in the 2021 or in the 2024 bill?",
            number(["2021 bill", "2024 bill"]),
        );
        check(
            "¿Cuándo llovió más, en abril o en mayo de 2024?",
            number(["abril de 2024", "mayo de 2024"]),
        );
        check(
            "En Sarria, ¿vinieron más socios en el primer trimestre de 2024 o en el segundo?",
            number(["primer trimestre de 2024", "segundo trimestre de 2024"]),
        );
        check(
            "which crate was the bigger, the pears from dunmore or the plums from low field?",
            number(["pears from dunmore", "plums from low field"]),
        );
        check(
            "¿Pesó más la calabaza de La Vega o el melón de Los Llanos?",
            Some((
                ["calabaza de La Vega", "melón de Los Llanos"],
                Measure::Weight,
                Wanted::Most,
            )),
        );
        check(
            "¿Qué piso nos sale más barato, el de Soria o el de Teruel?",
            Some((["Soria", "Teruel"], Measure::Price, Wanted::Least)),
        );
        let is_one = |question: &str| asks_which_of_two(&Asked::new(question), 0);
        assert!(!is_one("Is it more or less ready?"));
        assert!(!is_one("Do you need more flour or is that all?"));
        assert!(!is_one("¿Caben cuatro o más?"));
    }

    #[test]
    fn what_else_is_said_is_kept() {
        let of = |question: &str| {
            compared(&Asked::new(question), 0).map(|found| (found.rest, found.asks_whether))
        };
        assert_eq!(
            of("Which hotel is nearer to the station, the Alpina or the Arosa?"),
            Some(("Which hotel is nearer to the station".to_owned(), false))
        );
        assert_eq!(
            of("Is the ferry cheaper than the train?"),
            Some(("Is".to_owned(), true))
        );
        assert_eq!(
            of("Did we use more gas in 2021 or in 2024?"),
            Some(("Did we use gas".to_owned(), false))
        );
        assert_eq!(
            of("Which hotel is nearer?"),
            Some(("Which hotel is nearer".to_owned(), false))
        );
    }

    #[test]
    fn what_names_no_two_things_is_no_comparison_of_two() {
        check("Which hotel is nearer?", None);
        check("How much more is it in winter?", None);
        check("Is the rent more than 500?", None);
        check("", None);
    }
}
