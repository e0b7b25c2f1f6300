//! Text to terms that can be compared: names of documents and questions alike.
//!
//! A term is a word without accents and endings, or a month, year or quarter however it is written, in English and
//! Spanish. Pure functions.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::LazyLock;

use crate::fold::{is_combining, letter, listed};
use crate::values::{quarter_counted, quarter_named};

/// Words that name nothing, in English and Spanish, folded.
static EMPTY: LazyLock<HashSet<&str>> =
    LazyLock::new(|| EMPTY_WORDS.split_ascii_whitespace().collect());

/// The words of `EMPTY`.
const EMPTY_WORDS: &str = "\
    a about according all also am an and any anything are as at be been by can could did do does each \
    else every for from give had has have how i if in into is it its just like me may might more most much many must \
    my of on one only or our out over per please said say says shall should so some state states stated tell than that \
    the their them then there these they this those to up us was we were what when where which who whom whose why will \
    with within would you your mention mentions mentioned during before after last \
    acuerdo al algo algun alguna ante antes aparece como con cual cuales cuando cuanta cuantas cuanto cuantos de del \
    desde dice dicen dime donde durante e el ella en entre era eran es esa ese eso esta estan este esto fue hace hasta \
    hay indica la las le les lo los mas me menciona mi mis muy nos nuestra nuestro nuestras nuestros o para pero pone \
    ponen por porque puede puedo que quien quienes sale se segun ser si sin sobre son su sus tengo tiene tu tus u un \
    una unas uno unos y ya ha han haya";

/// What a question does with documents; these are words of a name only within one.
const COMMANDS: &str = "compare compares explain find give list open outline overview read recap search show summaries \
    summarise summarize summarising summarizing summary sum tldr abre abrir busca buscar compara comparar ensename \
    enumera explica lee leer lista muestra muestrame resume resumelo resumen resumeme resumir resumes sumario";

/// Words for any document.
const KINDS: &str = "archivo archivos doc document documento documentos documents docx file files fichero ficheros md \
    nota notas note notes pagina page pages pdf texto text txt";

/// Words that a phrase begins with, or that tie it together.
const TIES: &str = "the my our your this that of from for in to me us a an and please dated with el la los las mi mis \
    tu su nuestro nuestra este esta ese esa de del en al con para por lo y";

/// Words before something that both sides know.
const DETERMINERS: &str = "the my our your this that el la los las mi mis tu tus su nuestro nuestra este esta ese esa \
    del al";

/// Words after which a name only says which one is meant.
const TYING: &str = "of from to for with about in on by and de del para con sobre en al por a y";

const MONTHS: [(&str, u32); 24] = [
    ("january", 1),
    ("february", 2),
    ("march", 3),
    ("april", 4),
    ("may", 5),
    ("june", 6),
    ("july", 7),
    ("august", 8),
    ("september", 9),
    ("october", 10),
    ("november", 11),
    ("december", 12),
    ("enero", 1),
    ("febrero", 2),
    ("marzo", 3),
    ("abril", 4),
    ("mayo", 5),
    ("junio", 6),
    ("julio", 7),
    ("agosto", 8),
    ("septiembre", 9),
    ("octubre", 10),
    ("noviembre", 11),
    ("diciembre", 12),
];

/// The first letters of months, which other words have too.
const SHORT_MONTHS: [(&str, u32); 17] = [
    ("jan", 1),
    ("feb", 2),
    ("mar", 3),
    ("apr", 4),
    ("may", 5),
    ("jun", 6),
    ("jul", 7),
    ("aug", 8),
    ("sep", 9),
    ("sept", 9),
    ("oct", 10),
    ("nov", 11),
    ("dec", 12),
    ("ene", 1),
    ("abr", 4),
    ("ago", 8),
    ("dic", 12),
];

/// What a term says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Class {
    /// Something.
    Word,
    /// That it is a document.
    Kind,
    /// Nothing.
    Empty,
    Number,
    Month,
    Quarter,
    Year,
}

/// One word of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Term {
    /// As it is compared.
    pub text: String,
    /// As it is written, folded.
    pub word: String,
    pub class: Class,
    pub is_capital: bool,
    /// Where it stands (bytes).
    pub span: Range<usize>,
}

impl Term {
    /// Whether it can name a document.
    pub(crate) fn tells(&self) -> bool {
        self.class != Class::Empty
    }

    /// Whether it tells documents of one series apart.
    pub(crate) fn is_period(&self) -> bool {
        matches!(self.class, Class::Month | Class::Quarter | Class::Year)
    }

    pub(crate) fn is_determiner(&self) -> bool {
        listed(DETERMINERS, &self.word)
    }

    pub(crate) fn ties(&self) -> bool {
        listed(TIES, &self.word)
    }

    /// Whether what comes after it only says which one is meant.
    pub(crate) fn is_preposition(&self) -> bool {
        listed(TYING, &self.word)
    }

    /// Whether it asks for a summary.
    pub(crate) fn sums_up(&self) -> bool {
        let stems = [
            "summar", "resum", "sumari", "outlin", "overvie", "recap", "sinops", "synops", "tldr",
            "gist",
        ];
        stems.iter().any(|stem| self.word.starts_with(stem))
            || listed("points ideas puntos claves", &self.word)
    }

    /// Whether it says that a document says something.
    pub(crate) fn quotes(&self) -> bool {
        let verbs = "according acuerdo segun per say says said state states stated mention mentions mentioned written \
            dice dicen pone ponen menciona indica aparece escrito";
        listed(verbs, &self.word)
    }

    /// Whether it is a word for one document, or for what one is called.
    pub(crate) fn announces(&self) -> bool {
        let words = "archivo document documento file fichero nota note pdf titled called named titulado titulada \
            llamado llamada";
        listed(words, &self.word)
    }
}

/// A question's terms. What is only done with documents is none.
pub(crate) fn question(text: &str) -> Vec<Term> {
    let mut terms = read(text, false);
    let mut is_open = false;
    for term in &mut terms {
        let is_command = listed(COMMANDS, &term.word);
        if is_command && !is_open {
            term.class = Class::Empty;
        }
        is_open |= !is_command && (term.tells() || term.is_determiner());
    }
    terms
}

/// A name's terms, those that tie it together too.
pub(crate) fn name(text: &str) -> Vec<Term> {
    read(text, true)
}

fn read(text: &str, is_name: bool) -> Vec<Term> {
    let words = words(text);
    let folded: Vec<String> = words.iter().map(|span| fold(&text[span.clone()])).collect();
    let mut terms: Vec<Term> = Vec::with_capacity(words.len());
    for (place, span) in words.iter().enumerate() {
        let written = &text[span.clone()];
        let word = folded[place].clone();
        let is_capital = written.starts_with(char::is_uppercase);
        let is_dated = |place: usize| folded.get(place).is_some_and(|word| number(word).is_some());
        let is_dated = is_dated(place + 1) || place > 0 && is_dated(place - 1);
        let is_month = is_name || (is_capital && place > 0);
        let (text, class) = match month(&word, is_dated, is_month) {
            Some(month) => (format!("m{month}"), Class::Month),
            None => classify(&word),
        };
        terms.push(Term {
            text,
            word,
            class,
            is_capital,
            span: span.clone(),
        });
    }
    read_dates(text, &mut terms);
    read_quarters(&mut terms);
    terms
}

/// Spans of words and numbers: letters and digits part where a year, or a word in another case, begins.
fn words(text: &str) -> Vec<Range<usize>> {
    let mut words = Vec::new();
    let mut start = None;
    let mut before = ' ';
    let end_of = |start: usize, end: usize| {
        let word = &text[start..end];
        // 20260304: a date without marks.
        let is_date = word.len() == 8
            && word.starts_with("20")
            && word.bytes().all(|byte| byte.is_ascii_digit());
        let parts = if is_date {
            vec![start..start + 4, start + 4..start + 6, start + 6..end]
        } else {
            vec![Range { start, end }]
        };
        parts.into_iter()
    };
    for (at, c) in text.char_indices() {
        let is_possessive = matches!(before, '\'' | '’')
            && c == 's'
            && !continues(&text[at + 1..])
            && !words.is_empty();
        let is_part = (c.is_alphanumeric() || is_combining(c)) && !is_possessive;
        if let Some(from) = start
            && (!is_part || parts(&text[from..at], before, c))
        {
            words.extend(end_of(from, at));
            start = None;
        }
        if is_part && start.is_none() {
            start = Some(at);
        }
        before = c;
    }
    words.extend(
        start
            .map(|from| end_of(from, text.len()))
            .into_iter()
            .flatten(),
    );
    words
}

fn continues(rest: &str) -> bool {
    rest.starts_with(char::is_alphanumeric)
}

/// Whether a new word begins with `c`: "`LeaseFlat`", "2025Q3", "lease2025".
fn parts(word: &str, before: char, c: char) -> bool {
    let is_year = |word: &str| word.len() == 4 && matches!(year(word), Some(Class::Year));
    (before.is_lowercase() && c.is_uppercase())
        || (c.is_alphabetic() && is_year(word))
        || (c.is_ascii_digit() && before.is_lowercase() && word.chars().count() > 2)
}

fn classify(word: &str) -> (String, Class) {
    if let Some(number) = number(word) {
        return (number.to_string(), year(word).unwrap_or(Class::Number));
    }
    if let Some(quarter) = quarter_named(word) {
        return (format!("q{quarter}"), Class::Quarter);
    }
    let class = match word {
        _ if EMPTY.contains(word) => Class::Empty,
        _ if listed(KINDS, word) => Class::Kind,
        _ => Class::Word,
    };
    (stem(word), class)
}

fn number(word: &str) -> Option<u64> {
    word.starts_with(|c: char| c.is_ascii_digit())
        .then(|| word.parse().ok())
        .flatten()
}

fn year(word: &str) -> Option<Class> {
    let number = number(word)?;
    (word.len() == 4 && (1900..2100).contains(&number)).then_some(Class::Year)
}

fn month(word: &str, is_dated: bool, is_month: bool) -> Option<u32> {
    let find = |months: &[(&str, u32)]| {
        months
            .iter()
            .find(|(name, _)| *name == word)
            .map(|(_, month)| *month)
    };
    // "may" and "march" are done, too.
    let is_sure = is_dated || is_month || !matches!(word, "may" | "march");
    let whole = find(&MONTHS).filter(|_| is_sure);
    whole.or_else(|| find(&SHORT_MONTHS).filter(|_| is_dated))
}

/// Numbers that are the months of a date: `2026-03`, `2026-03-04`, `04.03.2026`.
fn read_dates(text: &str, terms: &mut [Term]) {
    let is_joined = |terms: &[Term], first: usize| {
        let between = &text[terms[first].span.end..terms[first + 1].span.start];
        between.is_empty() || matches!(between, "-" | "_" | "." | "/")
    };
    for place in 1..terms.len() {
        let is_month = |term: &Term| {
            term.class == Class::Number
                && term.word.len() == 2
                && matches!(term.text.parse(), Ok(1..=12_u32))
        };
        let follows = terms[place - 1].class == Class::Year && is_joined(terms, place - 1);
        let leads = place > 1
            && terms[place - 2].class == Class::Number
            && terms
                .get(place)
                .is_some_and(|term| term.class == Class::Year)
            && is_joined(terms, place - 1)
            && is_joined(terms, place - 2);
        let at = if follows { place } else { place - 1 };
        if (follows || leads) && is_month(&terms[at]) {
            terms[at].text.insert(0, 'm');
            terms[at].class = Class::Month;
        }
    }
}

/// "third quarter", "tercer trimestre".
fn read_quarters(terms: &mut [Term]) {
    for place in 1..terms.len() {
        let named = quarter_counted(&terms[place - 1].word, &terms[place].word);
        if let Some(number) = named {
            terms[place].text = format!("q{number}");
            terms[place].class = Class::Quarter;
            terms[place - 1].class = Class::Empty;
        }
    }
}

/// Lower case, without accents.
pub(crate) fn fold(text: &str) -> String {
    text.chars()
        .flat_map(char::to_lowercase)
        .map(letter)
        .filter(|c| !is_combining(*c))
        .collect()
}

/// A word without the endings of number and gender: `contratos` and `contrato`, `leases` and `lease`.
fn stem(word: &str) -> String {
    let letters = word.chars().count();
    let mut stem = word.to_owned();
    if letters < 4 {
        return stem;
    }
    if let Some(root) = word.strip_suffix("ies").filter(|_| letters > 4) {
        return format!("{root}y");
    }
    if let Some(root) = word.strip_suffix("ces").filter(|_| letters < 7) {
        return format!("{root}z");
    }
    if word.ends_with('s') && !word.ends_with("ss") {
        stem.pop();
    }
    if stem.chars().count() > 4 && stem.ends_with(['a', 'e', 'o']) {
        stem.pop();
    }
    stem
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, expect: &str) {
        let terms = super::name(name).into_iter().filter(Term::tells);
        let terms: Vec<String> = terms.map(|term| term.text).collect();
        assert_eq!(terms.join(" "), expect, "{name}");
    }

    #[test]
    fn names_become_terms() {
        check(
            "Minutes of the Allotment Society, February 2026",
            "minut allotment society m2 2026",
        );
        check("minutes-february-2026", "minut m2 2026");
        check("Contratos de alquiler", "contrat alquiler");
        check("contrato_alquiler", "contrat alquiler");
        check("Cooper's Yard", "cooper yard");
        check("coopers-yard", "cooper yard");
        check("LeaseFlat2025", "leas flat 2025");
        check("lavadora-lavatia-w8", "lavador lavati w8");
    }

    #[test]
    fn periods_are_read_however_they_are_written() {
        check("2026-03-04-review", "2026 m3 4 review");
        check("20260304 review", "2026 m3 4 review");
        check("04.03.2026", "4 m3 2026");
        check("2026-06-09", "2026 m6 9");
        check("Acta de marzo", "acta m3");
        check("apple-10q-2025Q3", "appl 10q 2025 q3");
        check("Informe 3T 2025", "inform q3 2025");
        check("Results of the third quarter", "result q3");
        check("Resultados del tercer trimestre", "resultad q3");
        check("invoice sep 2025", "invoic m9 2025");
        check("Un paseo por el mar", "pase mar");
    }

    #[test]
    fn commands_name_nothing_but_in_a_name() {
        let told = |text: &str| -> Vec<String> {
            let terms = question(text).into_iter().filter(Term::tells);
            terms.map(|term| term.text).collect()
        };
        assert_eq!(told("Summarise the lease"), ["leas"]);
        assert_eq!(told("List my packing list"), ["packing", "list"]);
        assert_eq!(told("resumen contrato"), ["contrat"]);
        assert_eq!(told("May I march in May 2026?"), ["march", "m5", "2026"]);
    }
}
