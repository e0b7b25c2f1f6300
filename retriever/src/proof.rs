//! Whether a document's words prove a sentence: every number, name and negation of it, and most of what else it says.
//!
//! A citation is a claim that a quote says a sentence. This is what it is checked against; it knows nothing of
//! passages or answers. Pure functions of two texts.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::fold::{letter, listed};
use crate::values::month_named;

/// The share of a sentence's other words that a proof must have.
const MOST_TERMS: f32 = 0.5;

/// With fewer words than this a sentence says nothing for itself.
const SAYS_ENOUGH: usize = 2;

/// Words that carry nothing to be proven, in the languages that most answers have.
const EMPTY: &str = "a about according after all also am an and any are as at be because been before being but by can \
    could did do does each either else every for from had has have he her hers him his how i if in into is it its \
    itself may me might more most must my of on one only or other our over per shall she should since so some such \
    than that the their them then there these they this those through to too under until up upon us very was we were \
    what when where which while who whom whose why will with within would you your yes document documents passage \
    passages note notes says said mentioned stated states plc ltd inc gmbh llc \
    el la los las lo un una unos unas y o u e de del al a en con por para que qué como cómo cuando cuándo donde dónde \
    quien quién cual cuál se su sus es son está están ser estar fue fueron era eran ha han hay tiene tienen más menos \
    muy ya le les me te nos mi tu este esta estos estas ese esa esos esas eso esto entre desde hasta sobre según sí \
    puede pueden debe deben cada todo toda todos todas otro otra también documento documentos \
    le les des du au aux et ou est sont dans pour par sur avec ce cette ces il elle ils elles vous nous votre vos son \
    sa ses der die das den dem des ein eine einen einem einer und oder ist sind war waren wird werden mit von zu zum \
    zur im am auf für bei aus nach es er sie wir ihr ihre sein seine man kann muss il gli di da nel nella del della è \
    sono con per che non o ou do da dos das no na em um uma het een van voor met op zijn wordt";

/// Words that turn a statement round.
const NEGATIONS: &str = "not no never none nothing nobody neither nor without cannot cant isnt arent wasnt werent dont \
    doesnt didnt wont wouldnt shouldnt mustnt unable forbidden prohibited nunca jamás ningún ninguno ninguna nada nadie \
    tampoco ni sin prohibido prohibida prohibidos prohibidas nicht kein keine keinen keiner keinem nie niemals nichts \
    ohne verboten negative negativo negativa negativos negativas pas jamais aucun aucune rien sans interdit interdite \
    interdits non mai nessun nessuno nessuna senza vietato vietata não nenhum nenhuma sem proibido proibida niet geen nooit zonder verboden";

/// Numbers that people write as words, without accents. Of more than one word they are read together.
const NUMBERS: &str = "two 2 three 3 four 4 five 5 six 6 seven 7 eight 8 nine 9 ten 10 eleven 11 twelve 12 thirteen 13 \
    fourteen 14 fifteen 15 sixteen 16 seventeen 17 eighteen 18 nineteen 19 twenty 20 thirty 30 forty 40 fifty 50 \
    sixty 60 seventy 70 eighty 80 ninety 90 hundred 100 thousand 1000 twice 2 thrice 3 dozen 12 \
    dos 2 tres 3 cuatro 4 cinco 5 seis 6 siete 7 ocho 8 nueve 9 diez 10 once 11 doce 12 trece 13 catorce 14 quince 15 \
    dieciseis 16 diecisiete 17 dieciocho 18 diecinueve 19 veinte 20 veintiuno 21 veintiun 21 veintidos 22 \
    veintitres 23 veinticuatro 24 veinticinco 25 veintiseis 26 veintisiete 27 veintiocho 28 veintinueve 29 treinta 30 \
    cuarenta 40 cincuenta 50 sesenta 60 setenta 70 ochenta 80 noventa 90 cien 100 ciento 100 mil 1000 docena 12 \
    deux 2 trois 3 quatre 4 cinq 5 sept 7 huit 8 neuf 9 dix 10 onze 11 douze 12 treize 13 quatorze 14 quinze 15 \
    seize 16 vingt 20 trente 30 quarante 40 cinquante 50 soixante 60 cent 100 mille 1000 \
    zwei 2 drei 3 vier 4 funf 5 sechs 6 sieben 7 acht 8 neun 9 zehn 10 elf 11 zwolf 12 zwanzig 20 dreissig 30 \
    vierzig 40 funfzig 50 sechzig 60 siebzig 70 achtzig 80 neunzig 90 hundert 100 tausend 1000 \
    due 2 tre 3 quattro 4 cinque 5 sei 6 sette 7 otto 8 nove 9 dieci 10 undici 11 dodici 12 venti 20 trenta 30 \
    quaranta 40 cinquanta 50 sessanta 60 cento 100 \
    dois 2 duas 2 quatro 4 oito 8 dez 10 doze 12 vinte 20 trinta 30 cinquenta 50 cem 100 \
    twee 2 drie 3 vijf 5 zes 6 zeven 7 negen 9 tien 10 twaalf 12 twintig 20 dertig 30 veertig 40 vijftig 50 zestig 60 \
    honderd 100";

/// What the words of `NUMBERS` say.
static VALUES: LazyLock<HashMap<&str, u32>> = LazyLock::new(|| {
    let words: Vec<&str> = NUMBERS.split_ascii_whitespace().collect();
    let (pairs, _) = words.as_chunks::<2>();
    let mut values = HashMap::new();
    for [word, value] in pairs {
        if let Ok(value) = value.parse() {
            values.entry(*word).or_insert(value);
        }
    }
    values
});

/// The whole number that a folded word says.
pub(crate) fn number_word(word: &str) -> Option<u32> {
    VALUES.get(word).copied()
}

/// Words between the parts of a number.
const BETWEEN: &str = "and y e und et en";

/// What must be proven of a sentence, and what a text can prove.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Claim {
    /// Each number, in every way that it can be read.
    numbers: Vec<Vec<String>>,
    /// Words with capital letters, but for the first of a sentence.
    names: Vec<String>,
    /// Other words that say something, cut to their stems.
    terms: Vec<String>,
    negated: bool,
}

/// What a quote proves of a claim.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Proof {
    /// Whether every number and name is there.
    pub exact: bool,
    /// Whether both say yes, or both no.
    pub same_side: bool,
    /// The share of the other words that are there.
    pub terms: f32,
    /// Whether there is any number or name.
    pub has_exact: bool,
}

impl Proof {
    /// Whether the quote says the sentence.
    pub(crate) fn holds(self) -> bool {
        self.exact && self.same_side && self.terms >= MOST_TERMS
    }

    /// How much of the claim is there, 0 to 1.
    pub(crate) fn share(self) -> f32 {
        match (self.exact, self.has_exact) {
            (true, true) => 0.5 + 0.5 * self.terms,
            (false, true) => 0.5 * self.terms,
            (_, false) => self.terms,
        }
    }

    /// Whether the quote may say the sentence in another language: what is the same in both is there.
    pub(crate) fn may_hold_translated(self) -> bool {
        self.exact && self.has_exact
    }
}

impl Claim {
    /// What a sentence claims.
    pub(crate) fn of(sentence: &str) -> Self {
        let mut claim = Self::default();
        let mut first = true;
        for Token {
            text: token,
            lower,
            readings,
        } in read(sentence)
        {
            let plain: String = lower.chars().filter(|c| !matches!(c, '\'' | '’')).collect();
            if listed(NEGATIONS, &plain) {
                claim.negated = true;
            } else if let Some(readings) = readings {
                claim.numbers.push(readings);
            } else if is_name(token) && !first && !listed(EMPTY, &lower) {
                claim.names.push(stem(&lower));
            } else if lower.chars().count() > 2 && !listed(EMPTY, &lower) {
                claim.terms.push(stem(&lower));
            }
            first = false;
        }
        claim.terms.sort_unstable();
        claim.terms.dedup();
        claim
    }

    /// What a noun claims that stands alone, as it does within a sentence.
    pub(crate) fn of_noun(noun: &str) -> Self {
        Self::of(&format!("the {noun}"))
    }

    /// What a question says of what it asks for, without the words for what kind of thing that is: "phone number",
    /// "figure", "price".
    pub(crate) fn of_question(question: &str) -> Self {
        let mut claim = Self::of(question);
        claim.terms.retain(|term| !ASKED_FOR.contains(term));
        claim
    }

    /// Whether a single word of a question says anything of what it asks for.
    pub(crate) fn is_asked_by(word: &str) -> bool {
        !Self::of_question(&format!("the {word}")).is_empty()
    }

    /// What of it a text does not have.
    pub(crate) fn without(&self, text: &str) -> Self {
        let words = Words::of(text);
        let mut rest = self.clone();
        rest.numbers.retain(|number| !words.has_number(number));
        rest.names.retain(|name| !words.has(name));
        rest.terms.retain(|term| !words.has(term));
        rest
    }

    /// The years that it names and a text does not have.
    pub(crate) fn lacks_year(&self, text: &str) -> bool {
        let words = Words::of(text);
        let is_year = |reading: &String| {
            reading.len() == 4 && (reading.starts_with("19") || reading.starts_with("20"))
        };
        let years = self
            .numbers
            .iter()
            .filter(|readings| readings.iter().any(is_year));
        years.into_iter().any(|year| !words.has_number(year))
    }

    /// Whether a text says anything beside what this says.
    pub(crate) fn is_told_more_by(&self, text: &str) -> bool {
        let other = Self::of(text);
        let knows = |stem: &String| self.terms.contains(stem) || self.names.contains(stem);
        other
            .terms
            .iter()
            .chain(&other.names)
            .any(|stem| !knows(stem))
            || !self.has_numbers_of(&other)
    }

    /// What `quote` proves of this claim; `around` is what the quote stands under: headings, title, the row's header.
    pub(crate) fn proven_by(&self, quote: &str, around: &str) -> Proof {
        let whole = Words::of(&format!("{around}\n{quote}"));
        let exact = self
            .numbers
            .iter()
            .all(|readings| whole.has_number(readings))
            && self.names.iter().all(|name| whole.has(name));
        let there = self.terms.iter().filter(|term| whole.has(term)).count();
        #[expect(clippy::cast_precision_loss, reason = "sentences are short")]
        let terms = match self.terms.len() {
            0 => 1.0,
            all => there as f32 / all as f32,
        };
        Proof {
            exact,
            same_side: self.negated == self.side_of(quote),
            terms,
            has_exact: !self.numbers.is_empty() || !self.names.is_empty(),
        }
    }

    /// The claim of a short answer: what its question says belongs to it.
    pub(crate) fn completed_by(mut self, question: &Self) -> Self {
        if self.terms.len() + self.names.len() < SAYS_ENOUGH {
            self.terms
                .extend(question.terms.iter().chain(&question.names).cloned());
            self.terms.sort_unstable();
            self.terms.dedup();
        }
        self
    }

    /// How many of its numbers in digits and of its names `text` lacks, and how many there are.
    pub(crate) fn lacks(&self, text: &str) -> (usize, usize) {
        let words = Words::of(text);
        let numbers = self
            .numbers
            .iter()
            .filter(|number| !words.has_number(number));
        let names = self.names.iter().filter(|name| !words.has(name));
        let all = self.numbers.len() + self.names.len();
        (numbers.count() + names.count(), all)
    }

    /// Whether a line says of itself that it is of something else: "Hotel Arosa: 90 francs", where Hotel Alpina is
    /// asked for.
    pub(crate) fn is_of_another(&self, line: &str, around: &str) -> bool {
        let Some((label, _)) = line.split_once([':', '|']) else {
            return false;
        };
        let label = Self::of(&format!("- {label}"));
        let named = Words::of(&format!("{line} {around}"));
        let is_asked = |name: &String| self.names.contains(name) || self.terms.contains(name);
        !self.names.is_empty()
            && !label.names.is_empty()
            && !label.names.iter().any(is_asked)
            && !self.names.iter().any(|name| named.has(name))
    }

    /// Whether the clause of a quote that speaks of what is asked says no, and the question does not ask for that.
    pub(crate) fn is_denied_by(&self, quote: &str) -> bool {
        !self.negated && self.side_of(quote)
    }

    /// How much of what it says each of `texts` has, 0 to 1; words that few of them have count more.
    pub(crate) fn shares<'t>(&self, texts: impl Iterator<Item = &'t str>) -> Vec<f32> {
        let has = texts.map(Words::of).map(|text| {
            let stems = self.terms.iter().chain(&self.names);
            let stems = stems.map(|stem| text.has(stem));
            let numbers = self.numbers.iter().map(|number| text.has_number(number));
            let all = stems.chain(numbers);
            all.map(|has| f32::from(u8::from(has))).collect()
        });
        shares(&has.collect::<Vec<_>>())
    }

    /// Whether it has all numbers of another.
    pub(crate) fn has_numbers_of(&self, other: &Self) -> bool {
        let has = |readings: &Vec<String>| {
            let mut own = self.numbers.iter().flatten();
            own.any(|number| readings.contains(number))
        };
        other.numbers.iter().all(has)
    }

    /// Whether it has a word that says something.
    pub(crate) fn has_words(&self) -> bool {
        !self.terms.is_empty() || !self.names.is_empty()
    }

    /// Whether it has a number.
    pub(crate) fn has_number(&self) -> bool {
        !self.numbers.is_empty()
    }

    /// Whether a text has one of its words.
    pub(crate) fn shares_term_with(&self, text: &str) -> bool {
        let words = Words::of(text);
        self.terms.iter().any(|term| words.has(term))
    }

    /// Whether it says no.
    pub(crate) fn says_no(&self) -> bool {
        self.negated
    }

    /// Whether it says so much that it wants a proof though it has no number and no name.
    pub(crate) fn says_much(&self) -> bool {
        self.terms.len() >= SAYS_ENOUGH
    }

    /// Whether there is anything to prove.
    pub(crate) fn is_empty(&self) -> bool {
        self.numbers.is_empty() && self.names.is_empty() && self.terms.is_empty()
    }

    /// Whether there is a number or a name, which only a document can tell.
    pub(crate) fn tells_facts(&self) -> bool {
        !self.numbers.is_empty() || !self.names.is_empty()
    }

    /// Whether the clause of `quote` that speaks of the same things says no.
    fn side_of(&self, quote: &str) -> bool {
        let mut clauses: Vec<String> = Vec::new();
        let parts = quote
            .split(CLAUSES)
            .flat_map(|part| part.split(" but "))
            .flat_map(|part| part.split(" pero "));
        for part in parts {
            // "…; that of the hob, no": a "no" by itself belongs to what it follows.
            match clauses.last_mut() {
                Some(last) if Words::of(part).stems.len() < 2 => {
                    last.push(' ');
                    last.push_str(part);
                }
                _ => clauses.push(part.to_owned()),
            }
        }
        let mut before = "";
        let mut best = (0, false);
        for clause in &clauses {
            // "…; that of the hob, no" leaves out what the clause before it says.
            let is_short = ELLIPSES
                .iter()
                .any(|begin| clause.trim_start().starts_with(begin));
            let words = if is_short {
                Words::of(&format!("{before} {clause}"))
            } else {
                Words::of(clause)
            };
            let stems = self.terms.iter().chain(&self.names);
            let numbers = self.numbers.iter();
            let shared = stems.filter(|stem| words.has(stem)).count()
                + numbers.filter(|number| words.has_number(number)).count();
            if shared > best.0 {
                best = (shared, Self::of(clause).negated);
            }
            before = clause;
        }
        match best {
            // Of a quote that shares nothing, all of it counts.
            (0, _) => Self::of(quote).negated,
            (_, negated) => negated,
        }
    }
}

/// How clauses begin that leave out what was said.
const ELLIPSES: [&str; 8] = [
    "la de ",
    "el de ",
    "los de ",
    "las de ",
    "that of ",
    "those of ",
    "the one ",
    "the ones ",
];

/// What parts clauses.
const CLAUSES: [char; 8] = [',', ';', ':', '.', '!', '?', '\n', '|'];

/// How much each text has of all words that are looked for, 0 to 1, by how much it has of each (0 to 1, as many for each
/// text); words that few texts have count more.
pub(crate) fn shares(has: &[Vec<f32>]) -> Vec<f32> {
    #[expect(clippy::cast_precision_loss, reason = "sentences are few")]
    let weight = |word: usize| {
        let holders: f32 = has.iter().map(|has| has[word]).sum();
        (1.0 + has.len() as f32 / (1.0 + holders)).ln()
    };
    let words = has.first().map_or(0, Vec::len);
    let weights: Vec<f32> = (0..words).map(weight).collect();
    let all: f32 = weights.iter().sum();
    let share = |has: &Vec<f32>| {
        let own = has.iter().zip(&weights).map(|(has, weight)| has * weight);
        own.sum::<f32>() / all.max(f32::MIN_POSITIVE)
    };
    has.iter().map(share).collect()
}

/// The words of a text, to look claims up in.
struct Words {
    stems: Vec<String>,
    numbers: Vec<String>,
}

impl Words {
    fn of(text: &str) -> Self {
        let (mut stems, mut numbers) = (Vec::new(), Vec::new());
        for token in read(text) {
            numbers.extend(token.readings.into_iter().flatten());
            stems.push(stem(&token.lower));
        }
        stems.sort_unstable();
        Self { stems, numbers }
    }

    fn has(&self, stem: &str) -> bool {
        self.stems
            .binary_search_by(|known| known.as_str().cmp(stem))
            .is_ok()
    }

    fn has_number(&self, readings: &[String]) -> bool {
        readings
            .iter()
            .any(|reading| self.numbers.contains(reading))
    }
}

/// Words and numbers, in order; marks inside numbers, names and contractions stay.
fn tokens(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && !matches!(c, '.' | ',' | '\'' | '’'))
        .map(|token| token.trim_matches(|c: char| !c.is_alphanumeric()))
        .flat_map(|token| {
            let is_number = token
                .chars()
                .all(|c| c.is_ascii_digit() || matches!(c, '.' | ',' | '\'' | '’'));
            let parts: Vec<&str> = if is_number {
                vec![token]
            } else {
                token.split(['.', ',']).collect()
            };
            parts
        })
        .filter(|token| !token.is_empty())
}

/// A word, or a number of one or several words.
struct Token<'a> {
    /// As it stands; the first word of several.
    text: &'a str,
    lower: String,
    /// Each way in which it can be read, of a number.
    readings: Option<Vec<String>>,
}

/// The words and numbers of a text, in order; "twenty-four" is one number.
fn read(text: &str) -> Vec<Token<'_>> {
    let mut read: Vec<Token> = Vec::new();
    // What the words before say as a number, and where it stands in `read`.
    let mut counted: Option<(u32, usize)> = None;
    let mut between = 0;
    for text in tokens(text) {
        let lower = text.to_lowercase();
        let word = counted_word(&fold(&lower));
        if let (Some(word), Some((value, place))) = (word, counted)
            && let Some(value) = joined(value, word)
        {
            read.truncate(place + 1);
            read[place].readings = Some(vec![value.to_string()]);
            (counted, between) = (Some((value, place)), 0);
            continue;
        }
        let is_between = counted.is_some() && between == 0 && listed(BETWEEN, &lower);
        between += usize::from(is_between);
        if !is_between {
            counted = word.map(|value| (value, read.len()));
            between = 0;
        }
        let readings = number(text, &lower);
        read.push(Token {
            text,
            lower,
            readings,
        });
    }
    read
}

/// The number that a word says.
fn counted_word(folded: &str) -> Option<u32> {
    let value = number_word;
    // German says the unit first, in one word.
    let german = || {
        let (unit, tens) = folded.split_once("und")?;
        let unit = if unit == "ein" { 1 } else { value(unit)? };
        (unit < 10).then_some(value(tens)? + unit)
    };
    value(folded).or_else(german)
}

/// A number that is said in two parts: "twenty" "four", "two" "hundred".
fn joined(first: u32, second: u32) -> Option<u32> {
    match (first, second) {
        (20..=90, 1..=9) if first.is_multiple_of(10) => Some(first + second),
        (60 | 80, 10..=19) => Some(first + second),
        (4, 20) => Some(80),
        (2..=999, 100) if first < 10 => Some(first * 100),
        (2..=999, 1000) => Some(first * 1000),
        (100..=900, 1..=99) if first.is_multiple_of(100) => Some(first + second),
        (1000.., 1..=999) if first.is_multiple_of(1000) => Some(first + second),
        _ => None,
    }
}

/// The ways a number can be read; none where it is no number. `1.250` is one thousand two hundred and fifty here, and
/// one and a quarter there.
fn number(token: &str, lower: &str) -> Option<Vec<String>> {
    if !token.chars().next()?.is_ascii_digit() {
        let word = fold(lower);
        let is_other = matches!(word.as_str(), "may" | "mai" | "marco" | "mars" | "mei");
        let month = || month_named(&word).filter(|(_, full)| *full && !is_other);
        let value = counted_word(&word)
            .map(i64::from)
            .or_else(|| Some(month()?.0));
        return value.map(|value| vec![value.to_string()]);
    }
    // "24h", "2nd", "5W": what follows the digits is a unit or an ending.
    let end = token
        .find(|c: char| c.is_alphabetic())
        .unwrap_or(token.len());
    let token = token[..end].trim_end_matches(|c: char| !c.is_ascii_digit());
    let digits: String = token.chars().filter(char::is_ascii_digit).collect();
    let whole = || digits.trim_start_matches('0').to_owned();
    let Some(last) = token.rfind(|c: char| !c.is_ascii_digit()) else {
        return Some(vec![whole()]);
    };
    let marks: Vec<char> = token.chars().filter(|c| !c.is_ascii_digit()).collect();
    let after = token.len() - last - 1;
    let decimal = || {
        let before: String = token[..last].chars().filter(char::is_ascii_digit).collect();
        let fraction = token[last + 1..].trim_end_matches('0');
        let before = before.trim_start_matches('0');
        if fraction.is_empty() {
            before.to_owned()
        } else {
            format!("{before}.{fraction}")
        }
    };
    let same = marks.iter().all(|mark| *mark == marks[0]);
    Some(match (same, marks.len(), after) {
        (true, 1, 3) => vec![whole(), decimal()],
        (true, 1, _) | (false, _, _) => vec![decimal()],
        (true, _, 3) => vec![whole()],
        _ => vec![digits],
    })
}

fn is_name(token: &str) -> bool {
    token.chars().next().is_some_and(char::is_uppercase)
        || (token.chars().any(char::is_uppercase) && token.chars().any(char::is_lowercase))
}

/// Forms that do not begin like their word, each with the word.
const IRREGULAR: &str = "held hold paid pay bought buy left leave sold sell written write wrote write took take \
    taken take gave give given give began begin begun begin spoke speak spoken speak told tell knew know flew fly \
    drove drive driven drive spent spend kept keep met meet lost lose caught catch taught teach thought think brought \
    bring saw see seen see went go gone go came come ran run chose choose chosen choose broke break broken break wore \
    wear worn wear ate eat eaten eat drank drink drunk drink grew grow grown grow felt feel found find stood stand won \
    win sat sit got get said say rang ring rung ring shut shut sang sing sung sing swam swim slept sleep sent send \
    built build lent lend dug dig hung hang fed feed led lead bred breed shot shoot rose rise risen rise fell fall \
    fallen fall drew draw drawn draw threw throw thrown throw blew blow blown blow rode ride ridden ride froze freeze \
    frozen freeze stole steal stolen steal woke wake woken wake laid lay meant mean mice mouse feet foot teeth tooth \
    children child people person men man women woman knives knife loaves loaf bitten bite \
    cuesta costar cuestan costar costo costar costaba costar vale valer valio valer empieza empezar empiezan empezar \
    empezo empezar comienza comenzar cierra cerrar cierran cerrar cerro cerrar pide pedir piden pedir pidio pedir \
    duerme dormir duermen dormir vuelve volver vuelven volver volvio volver viene venir vienen venir vino venir tiene \
    tener tienen tener tuvo tener hizo hacer hace hacer hacen hacer hecho hacer dijo decir dice decir dicen decir puso \
    poner pone poner puesto poner trajo traer trae traer quiere querer quiso querer sirve servir sirven servir sigue \
    seguir riega regar riegan regar siembra sembrar siembran sembrar calienta calentar enciende encender prueba probar \
    recuerda recordar encuentra encontrar encuentran encontrar cuenta contar cuentan contar muestra mostrar juega jugar \
    juegan jugar muere morir murio morir muerto morir nacio nacer nace nacer sale salir salen salir salio salir fue ir \
    fueron ir va ir van ir pudo poder puede poder supo saber sabe saber cabe caber cupo caber debe deber \
    mide medir miden medir midio medir suena sonar vence vencer pierde perder perdio perder defiende defender \
    entiende entender acuesta acostar despierta despertar sienta sentar friega fregar tuesta tostar almuerza almorzar";

/// The words of `IRREGULAR`.
static REGULAR: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| {
    let words: Vec<&str> = IRREGULAR.split_ascii_whitespace().collect();
    let (pairs, _) = words.as_chunks::<2>();
    pairs.iter().map(|[form, word]| (*form, *word)).collect()
});

/// Words of questions for the kind of thing that is asked for, as stems.
static ASKED_FOR: LazyLock<Vec<String>> = LazyLock::new(|| {
    let words = "phone telephone number email mail price cost costs costing figure figures amount value date day days time \
        called name named often much many address long pay paid please tell give know show find want wondering wonder \
        remember check cuesta cuestan precio importe cifra valor numero telefono correo fecha dia dias hora llama llamaba \
        cuanto cuanta cuantos cuantas quienes cuales costaron costo coste vale valen mide miden lleva llevan tall high \
        old far wide deep nombre cantidad paga pagar direccion dime dame saber decir quiero favor puedes busca";
    words.split_ascii_whitespace().map(stem).collect()
});

/// A word without its ending: "launch" and "launched" say the same.
pub(crate) fn stem(lower: &str) -> String {
    let folded = fold(lower);
    let folded = REGULAR
        .get(folded.as_str())
        .map_or(folded.as_str(), |word| word);
    let mut stem: String = folded
        .chars()
        .filter(|c| c.is_alphanumeric())
        .take(6)
        .collect();
    if stem.chars().count() > 3 && stem.ends_with('s') {
        stem.pop();
    }
    stem.chars().take(5).collect()
}

/// Without accents; ñ is a letter of its own.
fn fold(lower: &str) -> String {
    let letters = lower.chars().map(|c| if c == 'ñ' { c } else { letter(c) });
    letters.collect::<String>().replace('ß', "ss")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(sentence: &str, quote: &str, holds: bool) {
        let proof = Claim::of(sentence).proven_by(quote, "");
        assert_eq!(proof.holds(), holds, "{sentence:?} by {quote:?}: {proof:?}");
    }

    #[test]
    fn a_quote_must_have_the_numbers() {
        check(
            "The deposit is £995.",
            "The deposit is £995, due on 3 May.",
            true,
        );
        check(
            "The deposit is £950.",
            "The deposit is £995, due on 3 May.",
            false,
        );
        check(
            "The rent is 1,240.50 euros.",
            "The cold rent is 1.240,50 €.",
            true,
        );
        check(
            "The loft carries 1250 kg.",
            "The loft carries 1.250 kg.",
            true,
        );
        check("It runs for 30 months.", "It runs for 24 months.", false);
        check(
            "It runs for 24 months.",
            "It runs for twenty-four months.",
            true,
        );
        check(
            "It runs for 4 months.",
            "It runs for twenty-four months.",
            false,
        );
        check("Dura 32 meses.", "Dura treinta y dos meses.", true);
        check(
            "Es dauert 24 Monate.",
            "Es dauert vierundzwanzig Monate.",
            true,
        );
        check(
            "It holds 250 people.",
            "It holds two hundred and fifty people.",
            true,
        );
        check(
            "Take two tablets twice a day.",
            "Take 2 tablets 2 times a day.",
            true,
        );
    }

    #[test]
    fn a_quote_must_have_the_names() {
        check(
            "The landlord is Mrs Prentiss.",
            "Landlord: Mrs Prentiss, Cooper's Yard",
            true,
        );
        check(
            "The landlord is Mrs Prentiss.",
            "The landlord keeps a spare key.",
            false,
        );
        check(
            "Heating is maintained by Torvald Nyqvist.",
            "The heating is maintained by Torvald Nyqvist.",
            true,
        );
    }

    #[test]
    fn a_no_stays_a_no() {
        check(
            "Cats are not permitted in the cabin.",
            "Cats are not permitted.",
            true,
        );
        check("Cats are permitted.", "Cats are not permitted.", false);
        check("Dogs are not welcome.", "Dogs are welcome.", false);
        check(
            "Dogs are welcome.",
            "Dogs are welcome, but cats are not permitted.",
            true,
        );
        check(
            "No se permiten perros.",
            "Los perros no se permiten en la casa.",
            true,
        );
    }

    #[test]
    fn a_line_may_be_of_another() {
        let asked = Claim::of("How much is a room at Hotel Alpina?");
        assert!(asked.is_of_another("Pension Arosa: 90 francs", "Journey"));
        assert!(!asked.is_of_another("Pension Arosa: 90 francs", "Alpina"));
        assert!(!asked.is_of_another("Price: 90 francs", "Journey"));
        assert!(!asked.is_of_another("The room is 90 francs", "Journey"));
    }

    #[test]
    fn a_question_may_be_denied() {
        let denied = |question: &str, quote: &str| Claim::of(question).is_denied_by(quote);
        assert!(denied(
            "Are cats allowed?",
            "Dogs are welcome, cats are not allowed."
        ));
        assert!(!denied(
            "Are dogs welcome?",
            "Dogs are welcome, cats are not allowed."
        ));
        assert!(denied(
            "¿Está cubierta la placa?",
            "El cristal está cubierto; la de la placa, no"
        ));
    }

    #[test]
    fn a_neighbour_proves_nothing() {
        check(
            "You must give two months' written notice.",
            "Painting needs written consent, and you must restore it.",
            false,
        );
        check(
            "You must give two months' written notice.",
            "Notice is two months, in writing.",
            true,
        );
    }

    #[test]
    fn what_a_row_stands_under_counts() {
        let claim = Claim::of("A double room at Hotel Alpina costs 142 francs.");
        let row = "Double room 142 francs a night";
        assert!(claim.proven_by(row, "Hotel Alpina").holds());
        assert!(!claim.proven_by(row, "Hotel Arosa").holds());
    }

    #[test]
    fn numbers_are_read_in_every_way() {
        let read = |text: &str| number(text, text).unwrap_or_default().join(" or ");
        assert_eq!(read("1,250.00"), "1250");
        assert_eq!(read("1.250"), "1250 or 1.25");
        assert_eq!(read("24.50"), "24.5");
        assert_eq!(read("1.000.000"), "1000000");
        assert_eq!(read("2nd"), "2");
        assert_eq!(read("0177"), "177");
        assert_eq!(read("doce"), "12");
    }
}
