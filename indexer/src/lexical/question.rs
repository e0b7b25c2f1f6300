//! A question as it is searched: what its words stand for, what has to be there, and what must not.
//!
//! Quotation marks mean a phrase, and a minus before a word leaves out what has it. All else is words: nothing that a
//! person types is an error. Pure.

use std::collections::HashSet;
use std::ops::Range;

use super::days::{days, quarters};
use super::names;
use crate::analysis::{
    Kind, Place, Token, has_stem, is_small, of_question, stems_anywhere, tokens,
};

/// Weight of the parts of a name beside the name.
const PART: f32 = 0.4;
/// Weight of a name that is written with its signs, beside its parts.
const NAME: f32 = 2.0;
/// Weight of such a name but for its first or last part.
const SHORTER: f32 = 1.5;
/// Weight of a day, however it is written, beside a word.
const DAY: f32 = 2.0;
/// Weight of two neighbours that may be a name, such as `DEC 0054`, beside its words.
const NEIGHBOURS: f32 = 0.5;

/// A question as it is searched.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Asked {
    pub things: Vec<Thing>,
    /// The languages that it can be in, where its words tell.
    pub languages: Vec<Place>,
    /// Words that follow each other, by their forms, where it is found.
    pub phrases: Vec<Vec<String>>,
    /// What has one of these is left out.
    pub left_out: Vec<Vec<Token>>,
    /// The term of a name that it is, as a whole.
    pub whole: Option<String>,
}

/// Something that is asked for, by any of several terms.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Thing {
    /// Forms that a text has as they are.
    pub forms: Vec<String>,
    /// Forms that follow each other.
    pub phrase: Vec<String>,
    /// Stems with their tags, of each language.
    pub stems: Vec<(Option<Place>, String)>,
    pub weight: f32,
    /// Whether it is a word of its own, and not the whole or the part of a name.
    pub is_word: bool,
    /// Whether its form is a letter that words may begin with, of a script without spaces.
    pub is_beginning: bool,
    pub day: OfDay,
}

/// What a thing has to do with a day or quarter that is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum OfDay {
    #[default]
    Nothing,
    /// It is a word of the day.
    Word,
    /// It is the day.
    Itself,
}

impl Thing {
    /// Whether names are compared by it.
    pub(super) fn counts_in_names(&self) -> bool {
        match self.day {
            OfDay::Nothing => self.is_word,
            OfDay::Word => false,
            OfDay::Itself => true,
        }
    }

    /// What it counts beside the other words of a question, where names are compared.
    pub(super) fn name_weight(&self) -> f32 {
        if self.day == OfDay::Itself { DAY } else { 1.0 }
    }
}

impl Asked {
    /// What a question asks for.
    pub(crate) fn of(question: &str) -> Self {
        let (phrases, left_out, rest) = operators(question);
        let mut asked = Self::words(&rest);
        if asked.things.is_empty() {
            // It asks for nothing but what is to be left out.
            return Self::words(question);
        }
        asked.phrases = phrases
            .into_iter()
            .map(|span| forms(&asked_tokens(&question[span])))
            .filter(|forms| !forms.is_empty())
            .collect();
        asked.left_out = left_out
            .into_iter()
            .map(|span| {
                in_order(&asked_tokens(&question[span]))
                    .into_iter()
                    .cloned()
                    .collect()
            })
            .filter(|words: &Vec<Token>| !words.is_empty())
            .collect();
        asked
    }

    fn words(question: &str) -> Self {
        let tokens = asked_tokens(question);
        let plain_words = tokens.iter().filter(|token| token.kind == Kind::Word);
        let languages = of_question(plain_words.map(|token| token.text.as_str()));
        let is_small = |token: &Token| {
            token.kind == Kind::Word && is_small(&token.text, &token.plain, &languages)
        };
        let small: HashSet<usize> = tokens
            .iter()
            .filter(|token| is_small(token))
            .map(|token| token.position)
            .collect();
        let days = days(question, &in_order(&tokens));
        let mut things: Vec<Thing> = Vec::new();
        let all_small = in_order(&tokens).iter().all(|token| is_small(token));
        for token in &tokens {
            if !all_small && is_small(token) {
                continue;
            }
            let weight = match token.kind {
                Kind::Part => PART,
                _ => 1.0,
            };
            let phrase = match token.kind {
                Kind::Whole => forms(&parts(&tokens, token)),
                _ => Vec::new(),
            };
            let thing = Thing {
                forms: vec![token.text.clone()],
                phrase,
                stems: if has_stem(token) {
                    stems_anywhere(token)
                } else {
                    Vec::new()
                },
                weight,
                is_word: !matches!(token.kind, Kind::Part | Kind::Joined),
                is_beginning: token.kind == Kind::Pair && token.text.chars().count() == 1,
                day: if days.iter().any(|day| day.holds(token)) {
                    OfDay::Word
                } else {
                    OfDay::Nothing
                },
            };
            if !things.iter().any(|known| known.forms == thing.forms) {
                things.push(thing);
            }
        }
        things.extend(names_in(question, &tokens, &small));
        let times = days.into_iter().map(|day| day.forms);
        let times = times.chain(quarters(&in_order(&tokens)));
        things.extend(times.map(|forms| Thing {
            forms,
            weight: DAY,
            day: OfDay::Itself,
            ..Thing::default()
        }));
        Self {
            things,
            languages,
            whole: names::asked(question),
            ..Self::default()
        }
    }
}

/// The tokens of a question. In a text the last letter of a run stands alone, too; a question may end anywhere.
fn asked_tokens(question: &str) -> Vec<Token> {
    let mut asked: Vec<Token> = Vec::new();
    for token in tokens(question) {
        let is_last =
            |before: &Token| before.kind == Kind::Pair && before.span.end == token.span.end;
        if token.kind != Kind::Pair || !asked.last().is_some_and(is_last) {
            asked.push(token);
        }
    }
    asked
}

/// The tokens that follow each other: parts instead of wholes, and nothing joined.
fn in_order(tokens: &[Token]) -> Vec<&Token> {
    let is_one = |token: &&Token| !matches!(token.kind, Kind::Whole | Kind::Joined);
    tokens.iter().filter(is_one).collect()
}

fn forms(tokens: &[Token]) -> Vec<String> {
    in_order(tokens)
        .into_iter()
        .map(|token| token.text.clone())
        .collect()
}

fn parts(tokens: &[Token], whole: &Token) -> Vec<Token> {
    let inside = |token: &&Token| {
        token.kind == Kind::Part
            && whole.span.start <= token.span.start
            && token.span.end <= whole.span.end
    };
    tokens.iter().filter(inside).cloned().collect()
}

/// What is written together, and what may be one name: words with a sign and no space between them, and a word beside a
/// number.
fn names_in(question: &str, tokens: &[Token], small: &HashSet<usize>) -> Vec<Thing> {
    let words = in_order(tokens);
    let between = |pair: &[&Token]| -> &str {
        let is_cut = pair.iter().all(|word| word.kind != Kind::Pair);
        let between = question.get(pair[0].span.end..pair[1].span.start);
        between.filter(|_| is_cut).unwrap_or(" ")
    };
    let mut names = Vec::new();
    for run in words.chunk_by(|one, next| !between(&[one, next]).contains(char::is_whitespace)) {
        let signs: String = run.windows(2).map(&between).collect();
        if signs.is_empty() || signs.contains(['\'', '’']) {
            continue;
        }
        let has_number = run
            .iter()
            .any(|word| word.text.contains(|c: char| c.is_ascii_digit()));
        let is_sure = has_number || signs.contains(|sign| sign != '-');
        names.push(name(run, if is_sure { NAME } else { 1.0 }));
        // `v1.0.28` for `1.0.28`, a page without its `https`.
        if is_sure && run.len() > 2 {
            names.push(name(&run[1..], SHORTER));
            names.push(name(&run[..run.len() - 1], SHORTER));
        }
    }
    for pair in words.windows(2) {
        let has_number = pair.iter().any(|word| word.kind == Kind::Number)
            && pair.iter().any(|word| word.kind == Kind::Word);
        let is_small = pair.iter().any(|word| small.contains(&word.position));
        if has_number && !is_small && between(pair) == " " {
            names.push(name(pair, NEIGHBOURS));
        }
    }
    names
}

fn name(words: &[&Token], weight: f32) -> Thing {
    let phrase: Vec<String> = words.iter().map(|word| word.text.clone()).collect();
    Thing {
        forms: vec![phrase.concat()],
        phrase,
        weight,
        ..Thing::default()
    }
}

/// Where phrases stand, where what is to be left out, and the question without the latter.
fn operators(question: &str) -> (Vec<Range<usize>>, Vec<Range<usize>>, String) {
    let mut phrases = Vec::new();
    let mut left_out = Vec::new();
    let mut rest = question.to_owned();
    let mut at = 0;
    let mut before = None;
    while let Some(character) = question[at..].chars().next() {
        let after = at + character.len_utf8();
        let opens = before.is_none_or(|before: char| !before.is_alphanumeric());
        let is_minus = character == '-' && before.is_none_or(char::is_whitespace);
        let next = question[after..].chars().next();
        let mut end = after;
        if let Some(inside) = quoted(question, at).filter(|_| opens) {
            end = inside.end
                + question[inside.end..]
                    .chars()
                    .next()
                    .map_or(0, char::len_utf8);
            phrases.push(inside);
        } else if is_minus && let Some(inside) = quoted(question, after) {
            end = inside.end
                + question[inside.end..]
                    .chars()
                    .next()
                    .map_or(0, char::len_utf8);
            left_out.push(inside);
            rest.replace_range(at..end, &" ".repeat(end - at));
        } else if is_minus && next.is_some_and(char::is_alphabetic) {
            let word = question[after..].find(char::is_whitespace);
            end = word.map_or(question.len(), |word| after + word);
            left_out.push(after..end);
            rest.replace_range(at..end, &" ".repeat(end - at));
        }
        before = question[at..end].chars().next_back();
        at = end;
    }
    (phrases, left_out, rest)
}

/// What stands between the quotation mark at this place and the one that closes it.
fn quoted(question: &str, at: usize) -> Option<Range<usize>> {
    let open = question[at..].chars().next()?;
    let close: &[char] = match open {
        '"' => &['"'],
        '“' => &['”', '“'],
        '„' => &['“', '”'],
        '«' => &['»'],
        '「' => &['」'],
        _ => return None,
    };
    let start = at + open.len_utf8();
    let length = question[start..].find(close)?;
    let inside = &question[start..start + length];
    inside
        .chars()
        .any(char::is_alphanumeric)
        .then(|| start..start + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forms_of(question: &str) -> Vec<String> {
        let things = Asked::of(question).things.into_iter();
        things.map(|thing| thing.forms.join("|")).collect()
    }

    #[test]
    fn small_words_of_the_questions_language_are_left_out() {
        assert_eq!(
            forms_of("What is the name of the boiler?"),
            ["name", "boiler"]
        );
        assert_eq!(
            forms_of("¿Cuál es el nombre de la caldera?"),
            ["nombre", "caldera"]
        );
        assert_eq!(forms_of("To be or not to be"), ["to", "be", "or", "not"]);
        assert_eq!(forms_of("¿?"), [""; 0]);
    }

    #[test]
    fn names_are_asked_for_whole_and_by_parts() {
        let asked = Asked::of("where is DEC-0054");
        let whole = asked.things.last().expect("a name");
        assert!((whole.weight - NAME).abs() < 1e-6);
        assert_eq!(whole.phrase, ["dec", "0054"]);
        assert_eq!(whole.forms, ["dec0054"]);
        let asked = Asked::of("dec0054");
        assert_eq!(asked.things[0].phrase, ["dec", "0054"]);
        assert!((asked.things[1].weight - PART).abs() < 1e-6);
        assert_eq!(forms_of("612 345 678")[0], "612345678");
        assert_eq!(forms_of("图书馆"), ["图书", "书馆"]);
        assert_eq!(forms_of("Ana's"), ["ana"]);
    }

    #[test]
    fn quotation_marks_and_minus_mean_something() {
        let asked = Asked::of("\"carpe diem\" horace -ode");
        assert_eq!(asked.phrases, [["carpe", "diem"]]);
        assert_eq!(asked.left_out[0][0].text, "ode");
        assert_eq!(forms_of("\"carpe diem\" -ode"), ["carpe", "diem"]);
        assert_eq!(Asked::of("«carpe diem»").phrases.len(), 1);
        // These are words.
        for question in [
            "well-known",
            "a - b",
            "at -5 degrees",
            "5\" pipe",
            "\"",
            "-ode",
            "it's \"",
            "title:x AND ( y*",
        ] {
            let asked = Asked::of(question);
            assert!(asked.phrases.is_empty(), "{question}");
            assert!(asked.left_out.is_empty(), "{question}");
            assert!(!asked.things.is_empty() || question == "\"", "{question}");
        }
    }
}
