//! The parts of a line that answer: the cell of a row, the clause of a sentence. Pure.

use std::ops::Range;

use super::Part;
use super::choice::flag;
use crate::cite::{Quote, header_of, is_item};
use crate::expected::{counted, says_one, words};
use crate::fold::{listed, plain};
use crate::proof::{Claim, number_word};

/// A sentence of no more bytes is a note whose clauses each say a value.
const TERSE: usize = 90;

/// Of a sentence with several values the clause that has more of the question's words than each other; else all of it.
/// What the first clause names holds for the others: "Excess £150, for water £350."
pub(super) fn clause<'a>(sentence: &'a str, part: &Part) -> &'a str {
    let expected = part.expected();
    if expected.is_none() && sentence.len() > TERSE {
        return sentence;
    }
    let fits = |clause: &str| expected.is_none_or(|one| one.is_in(clause, &part.text));
    let answers: Vec<&str> = clauses(sentence)
        .into_iter()
        .filter(|clause| has_value(clause) && fits(clause))
        .collect();
    let [first, _, ..] = answers[..] else {
        return sentence;
    };
    let head: String = first.chars().filter(|c| !c.is_numeric()).collect();
    let whole = answers
        .iter()
        .enumerate()
        .map(|(place, clause)| match place {
            0 => (*clause).to_owned(),
            _ => format!("{head} {clause}"),
        });
    let whole: Vec<String> = whole.collect();
    let question = Claim::of(&part.text);
    let together = question.shares(whole.iter().map(String::as_str));
    let alone = question.shares(answers.iter().copied());
    let level = best(answers.iter().copied().zip(alone).zip(together));
    // "How much milk …?" is answered by the clause that has milk.
    if let Some(object) = counted(&part.text) {
        let object = Claim::of_noun(&object);
        let counts = level
            .iter()
            .filter(|(clause, _)| object.shares_term_with(clause));
        if let [(only, _)] = counts.collect::<Vec<_>>()[..] {
            return only;
        }
    }
    match best(level.into_iter())[..] {
        [clause] => clause,
        _ => sentence,
    }
}

/// The clauses of a sentence, each with a value. One that names nothing goes on from the one before it, and one without
/// a value in the one after it: "in winter, from Wednesday to Sunday, 11:00 to 15:00".
fn clauses(sentence: &str) -> Vec<&str> {
    const JOINTS: [&str; 5] = [", ", "; ", " and ", " y ", " e "];
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut from = 0;
    while from < sentence.len() {
        let rest = &sentence[from..];
        let joints = JOINTS
            .iter()
            .filter_map(|joint| Some((rest.find(joint)?, joint.len())));
        let (length, joint) = joints.min().unwrap_or((rest.len(), 0));
        let clause = from..from + length;
        let text = &sentence[clause.clone()];
        let names = Claim::of(text).has_words();
        let goes_on = |last: &Range<usize>| {
            let last = &sentence[last.clone()];
            !has_value(last) || !names || is_rest_of_number(last, text)
        };
        match found.last_mut() {
            Some(last) if goes_on(last) => last.end = clause.end,
            _ => found.push(clause),
        }
        from += length + joint;
    }
    let clauses = found.into_iter().map(|span| sentence[span].trim());
    clauses.filter(|clause| !clause.is_empty()).collect()
}

/// Whether a number goes on: "diez y | media", "two and | a half".
fn is_rest_of_number(before: &str, after: &str) -> bool {
    const FRACTIONS: &str = "media medio cuarto pico half quarter";
    let is_number = |word: &str| number_word(word).is_some() || word.parse::<u32>().is_ok();
    let before = plain(before);
    let last = before.split_whitespace().next_back();
    let next = words(after).into_iter().find(|word| word != "a");
    last.is_some_and(is_number)
        && next.is_some_and(|next| listed(FRACTIONS, &next) || number_word(&next).is_some())
}

/// Whether a clause tells how much or when.
fn has_value(clause: &str) -> bool {
    Claim::of(clause).has_number() || says_one(clause)
}

/// Those of which the question speaks most.
pub(super) fn best<T>(all: impl Iterator<Item = (T, f32)> + Clone) -> Vec<T> {
    let most = all.clone().map(|(_, share)| share).fold(0.0, f32::max);
    let best = all.filter(|(_, share)| *share >= most);
    best.map(|(one, _)| one).collect()
}

/// Whether a sentence says no to a question: itself, the cell of the column that the question speaks of, the opener of
/// its list, or the heading that it stands under ("Not covered").
pub(super) fn denies(quote: &Quote<'_>, part: &Part, question: &Claim) -> bool {
    let passage = &part.excerpts[quote.passage].passage;
    let says_no = |text: &str| Claim::of(text).says_no();
    let asked = cells(quote, part).into_iter();
    let asked = asked.filter(|(_, share)| *share > 0.0);
    if let [cell] = best(asked)[..] {
        return says_no(cell.text) || matches!(cell.text, "-" | "–" | "—" | "✗");
    }
    let opener = quote.before.clone().filter(|_| is_item(quote.text));
    let opener = opener.map_or("", |before| &passage.text[before]);
    let heading = passage.heading.as_deref().unwrap_or_default();
    let heading = heading.rsplit(" > ").next().unwrap_or_default();
    let under_no = says_no(opener) || says_no(heading) && question.shares_term_with(heading);
    question.is_denied_by(quote.text) || under_no && !question.says_no() && !says_no(quote.text)
}

/// A cell of a table's row, with what it stands under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cell<'a> {
    /// The first cell of its row.
    pub label: &'a str,
    pub header: &'a str,
    pub text: &'a str,
}

/// The cells of a row of a table that could answer, each with how much the question speaks of its column.
pub(super) fn cells<'a>(quote: &Quote<'a>, part: &'a Part) -> Vec<(Cell<'a>, f32)> {
    let passage = &part.excerpts[quote.passage].passage;
    let (header, row) = match fields(quote.text) {
        Some(fields) => fields,
        None => (
            split_row(header_of(passage, &quote.span)),
            split_row(quote.text),
        ),
    };
    let (Some(label), true) = (row.first(), row.len() == header.len() && row.len() > 2) else {
        return Vec::new();
    };
    let expected = part.expected();
    let fits =
        |text: &str| expected.is_none_or(|one| !one.is_needed() || one.is_in(text, &part.text));
    let places: Vec<usize> = (1..row.len())
        .filter(|place| !row[*place].is_empty() && fits(row[*place]))
        .collect();
    let shares = Claim::of(&part.text).shares(places.iter().map(|place| header[*place]));
    let asked = words(&part.text);
    let is_short_for = |header: &str| match &words(header)[..] {
        [short] if short.len() >= SHORTEST => asked.iter().any(|word| word.starts_with(short)),
        _ => false,
    };
    let shares = shares.into_iter().zip(&places).map(|(share, place)| {
        let own = if is_short_for(header[*place]) {
            share.max(1.0)
        } else {
            share
        };
        own + BOUND * flag(is_same_bound(header[*place], &asked))
    });
    let cell = |place: usize| Cell {
        label,
        header: header[place],
        text: row[place],
    };
    let cells: Vec<Cell> = places.iter().copied().map(cell).collect();
    cells.into_iter().zip(shares).collect()
}

/// How much it counts that a column is of the end of a span of time that the question asks for.
const BOUND: f32 = 0.5;

/// Whether a column is of the beginning, or of the end, of something, and the question asks for just that: "sow until"
/// for "Until when …?"
fn is_same_bound(header: &str, asked: &[String]) -> bool {
    const BOUNDS: [&str; 2] = [
        "from since desde start starts inicio",
        "until till to hasta end ends fin",
    ];
    let header = words(header);
    BOUNDS.iter().any(|bound| {
        let has = |words: &[String]| words.iter().any(|word| listed(bound, word));
        has(&header) && has(asked)
    })
}

/// How much the column is favoured that is nearest in meaning (nats).
pub(super) const COLUMN: f32 = 3.0;

/// How near each is among others, by their cosines: 1 the nearest, 0 the farthest.
pub(super) fn standings(cosines: &[f32]) -> Vec<f32> {
    let highest = cosines.iter().copied().fold(f32::MIN, f32::max);
    let lowest = cosines.iter().copied().fold(f32::MAX, f32::min);
    let width = (highest - lowest).max(f32::MIN_POSITIVE);
    let standing = |cosine: &f32| (cosine - lowest) / width;
    cosines.iter().map(standing).collect()
}

/// Letters of an abbreviation, at least: "Wed" stands for Wednesday, "ene" for enero.
const SHORTEST: usize = 3;

/// How much of the first cell of a row the question says; nothing for what is no row.
pub(super) fn labelled(text: &str, question: &str) -> f32 {
    let row = fields(text).map_or_else(|| split_row(text), |(_, values)| values);
    let label = Claim::of(row.first().copied().unwrap_or_default());
    if label.is_empty() {
        0.0
    } else {
        label.proven_by(question, "").share()
    }
}

/// The names and the values of a row that says both: "variety: Aquila; packets: 14; price: 2.85".
fn fields(line: &str) -> Option<(Vec<&str>, Vec<&str>)> {
    let fields = line.split("; ").map(|field| field.split_once(": "));
    let fields: Option<(Vec<&str>, Vec<&str>)> = fields.collect();
    fields.filter(|(names, _)| names.len() > 2)
}

/// Whether a line is a row of a table.
pub(super) fn is_row(line: &str) -> bool {
    line.starts_with('|') || fields(line).is_some()
}

/// The cells of a line between its bars.
fn split_row(line: &str) -> Vec<&str> {
    let line = line.trim();
    let Some(inner) = line.strip_prefix('|') else {
        return Vec::new();
    };
    let inner = inner.strip_suffix('|').unwrap_or(inner);
    inner.split('|').map(str::trim).collect()
}

/// A line without what makes it an item, a task, a row or bold.
pub(super) fn without_mark(line: &str) -> &str {
    let signs =
        |c: char| c.is_whitespace() || matches!(c, '-' | '*' | '+' | '|' | '>' | '•' | '_' | '#');
    let mut rest = line.trim_start_matches(signs);
    for task in ["[ ]", "[x]", "[X]"] {
        rest = rest.strip_prefix(task).unwrap_or(rest);
    }
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let numbered = rest[digits..]
        .strip_prefix(". ")
        .or(rest[digits..].strip_prefix(") "));
    let rest = numbered
        .filter(|_| (1..4).contains(&digits))
        .unwrap_or(rest);
    rest.trim_start_matches(signs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::Shape;
    use crate::nearness::Nearness;

    #[track_caller]
    fn check(question: &str, sentence: &str, expect: &str) {
        let part = Part {
            text: question.to_owned(),
            shape: Shape::Phrase,
            apart_from: None,
            spoken_of: Vec::new(),
            context: None,
            links: Vec::new(),
            side: None,
            recent: false,
            period: None,
            excerpts: Vec::new(),
            nearness: Nearness::default(),
        };
        assert_eq!(clause(sentence, &part), expect, "{question}");
    }

    #[test]
    fn of_several_clauses_the_one_that_answers_is_told() {
        let order = "- rye rounds, 12 on weekdays and 18 on Sundays";
        check("How many rye rounds on a Sunday?", order, "18 on Sundays");
        let rice = "150 g de arroz, litro y medio de leche, 130 g de azúcar";
        check(
            "¿Cuánta leche lleva el arroz con leche?",
            rice,
            "litro y medio de leche",
        );
        check(
            "¿Cuánto azúcar lleva el arroz con leche?",
            rice,
            "130 g de azúcar",
        );
        let excess = "Excess £150, for water £350.";
        check(
            "How much is the excess for water?",
            excess,
            "for water £350.",
        );
    }

    #[test]
    fn a_number_of_several_words_is_one() {
        let gym = "Abre a las siete y cierra a las diez y media.";
        check(
            "¿Cuándo cierra el gimnasio?",
            gym,
            "cierra a las diez y media.",
        );
        check("¿Cuándo abre el gimnasio?", gym, "Abre a las siete");
        let train = "Leaves at half past two and arrives in two and a half hours.";
        check(
            "When does it arrive?",
            train,
            "arrives in two and a half hours.",
        );
        let bus = "Sale a las nueve y cuarto y llega a las treinta y cinco.";
        check("¿Cuándo sale?", bus, "Sale a las nueve y cuarto");
    }

    #[test]
    fn a_column_is_of_the_end_that_is_asked_for() {
        let is = |header: &str, asked: &str| is_same_bound(header, &words(asked));
        assert!(is("sow until", "Until when can it be sown?") && is("desde", "¿Desde cuándo?"));
        assert!(!is("sow from", "Until when can it be sown?") && !is("price", "Until when?"));
    }

    #[test]
    fn rows_say_their_cells() {
        let row = "variety: Aquila; packets: 14; sow until: March";
        let (names, values) = fields(row).expect("names and values");
        assert_eq!(names, ["variety", "packets", "sow until"]);
        assert_eq!(values, ["Aquila", "14", "March"]);
        assert!(is_row(row) && is_row("| a | b |") && !is_row("Note: it rains; so what."));
    }
}
