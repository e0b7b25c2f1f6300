//! What kind of thing answers a question: a number, a telephone number, an address for mail, a time.
//!
//! "How much" is answered by a number or by none; a line without one may be near in meaning and answers nothing. Pure.

use crate::fold::{listed, plain};
use crate::proof::{Claim, number_word};
use crate::values::{Unit, amounts, month_named};

/// How much a text is favoured that has what is expected (nats).
const FAVOUR: f32 = 1.5;

/// How much a text is favoured in which a number stands before the very thing that is counted (nats).
const COUNTS: f32 = 2.0;

/// Digits of a telephone number without the sign of its country at most, and of a whole one at least.
const LONGEST_PHONE: usize = 11;
const SHORTEST_PHONE: usize = 9;

/// The kind of thing that answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    /// How many, how much.
    Amount,
    /// What it costs.
    Price,
    /// How long, how often, how far: a number, or words.
    Measure,
    Phone,
    Mail,
    /// When.
    Time,
    /// Who: a name that the question does not have.
    Who,
    /// Where.
    Where,
}

const AMOUNT: [&str; 23] = [
    "figure for",
    "figure of",
    "the value of",
    "que cifra",
    "cifra de",
    "que importe",
    "valor de",
    "dose",
    "dosis",
    "que cantidad",
    "what amount",
    "what quantity",
    "how many",
    "how much",
    "cuantos",
    "cuantas",
    "de cuanto es",
    "cuanto es",
    "combien de",
    "wie viel",
    "wie viele",
    "wieviel",
    "hoeveel",
];
const PRICE: [&str; 38] = [
    "cuanto cobra",
    "cuanto cobran",
    "how much does charge",
    "what does charge",
    "que cobra",
    "how much does cost",
    "how much did cost",
    "how much do cost",
    "how much was paid",
    "how much did i pay",
    "how much did we pay",
    "how much do i pay",
    "how much do we pay",
    "what does cost",
    "what did cost",
    "what do cost",
    "what is the price",
    "what was the price",
    "what is the cost",
    "what was the cost",
    "the price of",
    "the cost of",
    "how expensive",
    "cuanto cuesta",
    "cuanto cuestan",
    "cuanto costo",
    "cuanto costaron",
    "cuanto dinero",
    "cuanto se paga",
    "cuanto pago",
    "cuanto vale",
    "que precio",
    "el precio",
    "que cuesta",
    "a cuanto esta",
    "cual es el importe",
    "combien coute",
    "quanto costa",
];
const MEASURE: [&str; 14] = [
    "how long",
    "how often",
    "how far",
    "how old",
    "how high",
    "how tall",
    "how deep",
    "how wide",
    "cuanto",
    "cuanta",
    "cada cuanto",
    "combien",
    "wie lange",
    "quanto",
];
const PHONE: [&str; 9] = [
    "phone",
    "telephone",
    "phone number",
    "telefono",
    "movil",
    "telefon",
    "telefonnummer",
    "telefoonnummer",
    "telefone",
];
const MAIL: [&str; 7] = [
    "email",
    "e mail",
    "mail address",
    "correo",
    "correo electronico",
    "e mail adresse",
    "mail",
];
const TIME: [&str; 21] = [
    "when",
    "what day",
    "which day",
    "what date",
    "what time",
    "birthday",
    "cuando",
    "que dia",
    "que fecha",
    "a que hora",
    "fecha",
    "cumpleanos",
    "cumple",
    "wann",
    "um wie viel uhr",
    "quand",
    "quelle date",
    "a quelle heure",
    "quando",
    "a che ora",
    "wanneer",
];

const WHO: [&str; 14] = [
    "who", "who s", "whose", "whom", "quien", "quienes", "de quien", "a quien", "wer", "wem",
    "wessen", "chi", "quem", "wie is",
];

/// Words that ask for a place, near the beginning of a question.
const WHERE: &str = "where donde adonde wo ou dove onde waar";

/// Words that tell a time without a number.
const TIMES: &str = "monday tuesday wednesday thursday friday saturday sunday mondays tuesdays wednesdays thursdays \
    fridays saturdays sundays lunes martes miercoles jueves viernes sabado domingo sabados domingos spring summer autumn \
    winter primavera verano otono invierno morning evening noon night midnight weekend easter christmas manana tarde \
    noche mediodia medianoche navidad january february march april may june july august september october november \
    december enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre daily weekly \
    monthly yearly every after before during cada despues antes durante tras montag dienstag mittwoch donnerstag \
    freitag samstag sonntag lundi mardi mercredi jeudi vendredi samedi dimanche mai juin juillet aout";

impl Expected {
    /// What is expected by the words of a question; none where anything may answer.
    pub(crate) fn of(question: &str) -> Option<Self> {
        let words = words(question);
        let says = |list: &[&str]| list.iter().any(|phrase| has(&words, phrase));
        if says(&PHONE) || asks_to_call(&words) {
            Some(Self::Phone)
        } else if says(&MAIL) {
            Some(Self::Mail)
        } else if says(&PRICE) || asks_for_price(&words) {
            Some(Self::Price)
        } else if says(&AMOUNT) {
            Some(Self::Amount)
        } else if says(&MEASURE) {
            Some(Self::Measure)
        } else if says(&TIME) || asks_which_time(&words) {
            Some(Self::Time)
        } else if says(&WHO) {
            Some(Self::Who)
        } else if words.iter().take(3).any(|word| listed(WHERE, word)) {
            Some(Self::Where)
        } else {
            None
        }
    }

    /// Whether nothing else answers.
    pub(crate) fn is_needed(self) -> bool {
        matches!(self, Self::Amount | Self::Price | Self::Phone | Self::Mail)
    }

    /// Whether it is how to reach somebody.
    pub(crate) fn is_contact(self) -> bool {
        matches!(self, Self::Phone | Self::Mail)
    }

    /// Whether nothing else answers this question: "At what time …?" is not answered by a day.
    pub(crate) fn is_needed_for(self, question: &str) -> bool {
        self.is_needed() || self == Self::Time && asks_hour(question)
    }

    /// What it speaks for a text that it answers a question (nats).
    pub(crate) fn favour(self, text: &str, question: &str) -> f32 {
        let price = matches!(self, Self::Amount | Self::Price) && has_currency(text);
        let counts = matches!(self, Self::Amount | Self::Measure)
            && (counts_asked(text, question)
                || units_asked(question).is_some_and(|units| has_unit(text, units)));
        f32::from(u8::from(self.is_in(text, question))) * FAVOUR
            + f32::from(u8::from(price))
            + f32::from(u8::from(counts)) * COUNTS
    }

    /// The words of a text that it is, where that can be told without a model: a telephone number, an address for mail,
    /// the only price.
    pub(crate) fn pick(self, text: &str) -> Option<&str> {
        if self == Self::Price {
            let amounts = amounts(text, None).into_iter();
            let mut prices = amounts.filter(|one| one.unit.is_some_and(Unit::is_currency));
            let only = prices.next().filter(|_| prices.next().is_none())?;
            return Some(&text[only.span]);
        }
        let is_sign = |c: char| c.is_whitespace() || matches!(c, '-' | '/' | '(' | ')' | '+' | '.');
        let runs = match self {
            Self::Phone => text
                .split(|c: char| !c.is_ascii_digit() && !is_sign(c))
                .collect(),
            Self::Mail => text.split_whitespace().collect::<Vec<_>>(),
            _ => Vec::new(),
        };
        let is_it = |run: &&str| self.is_in(run, "");
        let begins = |c: char| !c.is_alphanumeric() && !matches!(c, '+' | '(');
        let ends = |c: char| !c.is_alphanumeric();
        let longest = runs.into_iter().filter(is_it).max_by_key(|run| digits(run));
        let run = longest?.trim_start_matches(begins).trim_end_matches(ends);
        // "No. 18 07700 900 342": the number of a house is none that is dialled.
        match run.split_once(' ') {
            Some((_, rest)) if digits(run) > LONGEST_PHONE && digits(rest) >= SHORTEST_PHONE => {
                Some(rest.trim_start())
            }
            _ => Some(run),
        }
    }

    /// Whether a text has it, or says that there is none.
    pub(crate) fn is_in(self, text: &str, question: &str) -> bool {
        let claim = || Claim::of(text);
        match self {
            Self::Phone => digits(text) >= 5,
            Self::Mail => text.contains('@'),
            Self::Amount => {
                let claim = claim();
                let none = || claim.says_no() && Claim::of(question).shares_term_with(text);
                // "How many minutes …?" is not answered by grams.
                let is_unit = || {
                    unit_counted(question)
                        .is_none_or(|units| has_unit(text, units) || has_bare_number(text))
                };
                (claim.has_number() || says_one(text)) && is_unit() || none()
            }
            Self::Measure => claim().has_number() || claim().says_no() || says_one(text),
            Self::Price => has_price(text) || costs_nothing(text, question) && !claim().says_no(),
            Self::Time if asks_hour(question) => tells_hour(text),
            Self::Time => {
                let told = |word: &String| listed(TIMES, word);
                let has_number = claim().has_number() && !has_only_phone(text);
                has_number || words(text).iter().any(told)
            }
            Self::Who => names_another(text, question),
            Self::Where => tells_place(text),
        }
    }
}

/// Units by what they measure.
const UNITS: [&str; 4] = [
    "second seconds minute minutes min hour hours h day days week weeks month months year years night nights segundo \
     segundos minuto minutos hora horas dia dias semana semanas mes meses ano anos noche noches fortnight fortnights quincena quincenas decade decades",
    "mm cm m km metre metres meter meters kilometre kilometres kilometer kilometers mile miles foot feet inch inches \
     metro metros centimetro centimetros milimetro milimetros kilometro kilometros milla millas",
    "g kg mg gram grams kilo kilos gramo gramos kilogram kilograms tonne tonnes lb oz",
    "l ml litre litres liter liters litro litros cup cups taza tazas",
];

/// The units of what a question counts: "How many minutes …?"
fn unit_counted(question: &str) -> Option<&'static str> {
    const COUNTS: &str = "many cuantos cuantas";
    let words = words(question);
    let place = words.iter().position(|word| listed(COUNTS, word))?;
    let unit = words.get(place + 1)?;
    UNITS.into_iter().find(|units| listed(units, unit))
}

/// The units of what a question measures: "How long …?", "¿Cuánto pesa …?"
fn units_asked(question: &str) -> Option<&'static str> {
    const ASKS: [&[&str]; 3] = [
        &[
            "how long",
            "how old",
            "cuanto dura",
            "cuanto duran",
            "cuanto tarda",
            "cuanto tiempo",
            "cuanto hay que esperar",
        ],
        &[
            "how far",
            "how tall",
            "how high",
            "how wide",
            "how deep",
            "cuanto mide",
            "cuanto miden",
            "a cuanto esta",
            "a que distancia",
        ],
        &["how heavy", "cuanto pesa", "cuanto pesan"],
    ];
    let words = words(question);
    let asks = |phrases: &&[&str]| phrases.iter().any(|phrase| has(&words, phrase));
    let place = ASKS.iter().position(asks);
    unit_counted(question).or_else(|| place.map(|place| UNITS[place]))
}

/// Whether a text has a number with one of these units.
fn has_unit(text: &str, units: &str) -> bool {
    let is_unit = |word: &String| {
        let letters = word.trim_start_matches(|c: char| c.is_ascii_digit());
        !letters.is_empty() && listed(units, letters)
    };
    let claim = Claim::of(text);
    (claim.has_number() || says_one(text)) && words(text).iter().any(is_unit)
}

/// "Which evenings …?", "¿Qué fin de semana …?"
fn asks_which_time(words: &[String]) -> bool {
    const WHICH: &str = "what which que cual cuales";
    const TIMES: &str = "day days evening evenings morning mornings afternoon afternoons night nights weekend weekends week \
        month months date dates dia dias noche noches tarde tardes fin semana mes meses fecha fechas";
    words
        .windows(2)
        .any(|pair| listed(WHICH, &pair[0]) && listed(TIMES, &pair[1]))
}

/// Whether a question asks for the time of day.
fn asks_hour(question: &str) -> bool {
    const HOURS: [&str; 5] = [
        "what time",
        "que hora",
        "que horas",
        "wie viel uhr",
        "quelle heure",
    ];
    let words = words(question);
    HOURS.iter().any(|phrase| has(&words, phrase))
}

/// Whether a text has a number that can be an hour, and is no day of a month; or a word for one.
fn tells_hour(text: &str) -> bool {
    const WORDS: &str = "noon midnight midday mediodia medianoche dawn dusk sunrise sunset amanecer anochecer morning \
        evening afternoon manana tarde noche mittag mitternacht midi minuit";
    const LAST: u32 = 24;
    let words = words(text);
    let is_month = |at: usize| words.get(at).and_then(|word| month_named(word)).is_some();
    let is_hour = |(at, word): (usize, &String)| {
        let digits = word.trim_end_matches(|c: char| c.is_alphabetic());
        let number = digits.parse().ok().or_else(|| number_word(word));
        let is_joined = words.get(at + 1).is_some_and(|next| next == "de") && is_month(at + 2);
        let is_day = is_month(at + 1) || is_joined || at > 0 && is_month(at - 1);
        number.is_some_and(|number| number <= LAST) && !is_day
    };
    words.iter().enumerate().any(is_hour) || words.iter().any(|word| listed(WORDS, word))
}

/// Whether a text tells where something is.
fn tells_place(text: &str) -> bool {
    const PLACES: &str = "street road lane avenue square address upstairs downstairs calle avenida plaza paseo camino \
        direccion arriba abajo strasse rue via";
    const BEFORE: &str = "in at on under behind beside beneath near inside above below over between next en bajo junto \
        detras debajo encima dentro sobre entre tras frente";
    let words = words(text);
    let is_before = |pair: &[String]| {
        let names_time =
            listed(TIMES, &pair[1]) || pair[1].starts_with(|c: char| c.is_ascii_digit());
        listed(BEFORE, &pair[0]) && !names_time
    };
    words.windows(2).any(is_before) || words.iter().any(|word| listed(PLACES, word))
}

/// What a question counts: the sugar of "How many grams of sugar go into it?"
pub(crate) fn counted(question: &str) -> Option<String> {
    const ASKS: [&str; 10] = [
        "figure for",
        "figure of",
        "cifra de",
        "how many",
        "how much",
        "cuantos",
        "cuantas",
        "cuanto",
        "cuanta",
        "que cantidad",
    ];
    const SKIPPED: &str = "of de the el la los las gram grams g kg kilo kilos gramos litre litres liter liters litros ml \
        cup cups tazas spoons spoonfuls cucharadas cucharaditas teaspoons tablespoons mg units unidades pieces";
    const NOTHING: &str = "is are was were does do did can must should may will has have had would times time \
        money more it longer cuesta cuestan es son dura mide pesa vale tarda tiempo hay paga pago gana suma llega \
        falta queda se me le les nos hace costo dinero veces fue era debo tengo tiene cobra cobran gasto ha he aviso \
        miden por para con you they she \
        kilometres kilometers km miles kilometros metros days weeks months years hours minutes dias semanas meses anos \
        horas minutos euros pounds dollars";
    let words = words(question);
    let length = |phrase: &&str| phrase.split(' ').count();
    let after = ASKS.iter().find_map(|phrase| {
        let parts: Vec<&str> = phrase.split(' ').collect();
        let place = words
            .windows(parts.len())
            .position(|window| window == parts)?;
        Some(place + length(phrase))
    })?;
    let asks = words[after - 1].as_str();
    let mut rest = words[after..]
        .iter()
        .skip_while(|word| listed(SKIPPED, word));
    rest.next()
        .filter(|word| !listed(NOTHING, word) && word.chars().count() > 2)
        .filter(|word| asks != "cuanto" || !is_spanish_verb(word))
        .cloned()
}

/// Whether a word that follows "cuánto" is what is done, not what is counted: "cuánto pide", "cuánto cobramos". What it
/// counts is masculine and one, so its ending tells, but for a few.
fn is_spanish_verb(word: &str) -> bool {
    const ENDINGS: [&str; 8] = ["a", "e", "an", "en", "as", "es", "mos", "ron"];
    const NOUNS: &str =
        "aceite aire alcohol cacao cafe chocolate cable pan plan tomate vinagre volumen";
    ENDINGS.iter().any(|ending| word.ends_with(ending)) && !listed(NOUNS, word)
}

/// What a question asks something of: the garage of "How much is the deposit for the garage?"
pub(crate) fn asked_of(question: &str) -> Option<String> {
    const JOINTS: &str = "for of in at on from de del para en al";
    const DETERMINERS: &str = "the a an my our his her its their this that all el la los las un una mi mis su sus nuestro \
        nuestra este esta cada";
    let words = words(question);
    let joint = words.iter().rposition(|word| listed(JOINTS, word))?;
    let mut rest = words[joint + 1..].iter();
    let word = rest
        .find(|word| !listed(DETERMINERS, word))
        .filter(|word| word.chars().count() > 3 && word.chars().all(char::is_alphabetic))?;
    let is_unit = UNITS.iter().any(|units| listed(units, word));
    (!is_unit && !listed(TIMES, word)).then(|| word.clone())
}

/// Whether a number stands before what the question counts: "3 eggs" for "How many eggs …?"
fn counts_asked(text: &str, question: &str) -> bool {
    const BETWEEN: usize = 3;
    let Some(object) = counted(question) else {
        return false;
    };
    let object = Claim::of_noun(&object);
    let words = words(text);
    let is_counted = |(at, word): (usize, &String)| {
        let before = words[at.saturating_sub(BETWEEN)..at].join(" ");
        object.shares_term_with(word) && Claim::of(&before).has_number()
    };
    words.iter().enumerate().any(is_counted)
}

/// Words of what costs nothing, or is paid for.
const COSTS_NOTHING: &str = "free gratis included incluido incluida incluidos incluidas inbegriffen gratuit gratuito \
    gratuita kostenlos";

/// Whether a text says that what is asked costs nothing: "free cancellation" says it of nothing else.
fn costs_nothing(text: &str, question: &str) -> bool {
    const GOES_ON: &str = "for of to on in if at under until till every and with";
    let (text, asked) = (words(text), words(question));
    text.iter().enumerate().any(|(at, word)| {
        let is_of_it = |next: &String| listed(GOES_ON, next) || asked.contains(next);
        listed(COSTS_NOTHING, word) && (word != "free" || text.get(at + 1).is_none_or(is_of_it))
    })
}

/// Whether a text has an amount that can be a price: with a currency, or a number that counts nothing else and is no
/// date, time or code.
fn has_price(text: &str) -> bool {
    const JOINTS: &str = "and y e or o to a al";
    let is_joint = |word: &String| listed(JOINTS, word) || word.chars().all(|c| c.is_ascii_digit());
    // "6 and 7 June", "del 3 al 5 de mayo", "6th".
    let is_day = |end: usize| {
        let rest = words(&text[end..]);
        let next = rest.iter().find(|word| !is_joint(word));
        next.is_some_and(|word| {
            month_named(word).is_some() || matches!(word.as_str(), "de" | "st" | "nd" | "rd" | "th")
        })
    };
    let phone = Expected::Phone
        .pick(text)
        .filter(|phone| digits(phone) >= SHORTEST_PHONE);
    let phone = phone.map_or(0..0, |phone| {
        let start = phone.as_ptr() as usize - text.as_ptr() as usize;
        start..start + phone.len()
    });
    has_currency(text)
        || amounts(text, None).iter().any(|amount| {
            let is_price = amount.unit.is_none_or(Unit::is_currency);
            is_price && !is_day(amount.span.end) && !phone.contains(&amount.span.start)
        })
}

/// Whether a text has a number that counts nothing by its words, and is no date, time or code: "belt due at 130,000".
fn has_bare_number(text: &str) -> bool {
    let is_bare = |end: usize| {
        text[end..]
            .trim_start()
            .chars()
            .next()
            .is_none_or(|c| !c.is_alphanumeric())
    };
    let amounts = amounts(text, None);
    amounts
        .iter()
        .any(|one| one.unit.is_none() && is_bare(one.span.end))
}

/// Whether a text has a name that the question has not: a word with a capital letter that begins no sentence.
fn names_another(text: &str, question: &str) -> bool {
    const TITLES: &str = "mr mrs ms dr sr sra";
    let asked = words(question);
    let is_name = |word: &str| {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric());
        let is_capital = word.chars().next().is_some_and(char::is_uppercase);
        let is_time = words(word).iter().all(|word| listed(TIMES, word));
        is_capital && word.chars().count() > 1 && !is_time
    };
    let is_asked = |word: &str| words(word).iter().all(|word| asked.contains(word));
    let said: Vec<&str> = text.split_whitespace().collect();
    let mut pairs = said.windows(2);
    pairs.any(|pair| {
        // In a row of a table each cell is a name of its own.
        let in_row = text.starts_with('|') && pair[0] == "|";
        let begins = !in_row && pair[0].ends_with(['.', '!', '?', '-', '*', '|', ':']);
        let follows = !begins || words(pair[0]).iter().any(|word| listed(TITLES, word));
        is_name(pair[1]) && !is_asked(pair[1]) && follows
    })
}

/// "What's the number of the people who empty the tank?", "¿A qué número llamo?"
fn asks_to_call(words: &[String]) -> bool {
    const NUMBER: &str = "number numero";
    const CALLS: &str = "ring call calling phone dial text reach contact llamo llamar llame llama llamamos marco marcar \
        contactar";
    const WHOM: &str = "who whoever quien quienes people person persona";
    let has = |list: &str| words.iter().any(|word| listed(list, word));
    has(NUMBER) && (has(CALLS) || has(WHOM))
}

/// "What does the ferry cost?", with the thing between the words.
fn asks_for_price(words: &[String]) -> bool {
    const COSTS: &str = "cost costs charge charges charged pay pays paid cobra cobramos cobraron pide piden pagamos \
        pagan pagaron cobran kostet kosten cuesta cuestan costo costaron coute coutent costa custa";
    const ASKS: &str = "what how que cuanto was wie combien quanto";
    words.first().is_some_and(|word| listed(ASKS, word))
        && words.iter().any(|word| listed(COSTS, word))
}

/// Whether a text says one of something in a word, or that it costs nothing.
pub(crate) fn says_one(text: &str) -> bool {
    let one = [
        "one", "single", "half", "free", "uno", "una", "un", "medio", "media", "gratis", "ein",
        "eine", "une",
    ];
    let words = words(text);
    // "Keeps a fortnight."
    let is_unit = |word: &String| UNITS.iter().any(|units| listed(units, word));
    let mut pairs = words.windows(2);
    words.iter().any(|word| one.contains(&word.as_str()))
        || pairs.any(|pair| matches!(pair[0].as_str(), "a" | "an") && is_unit(&pair[1]))
}

fn has_currency(text: &str) -> bool {
    let names = [
        "euro", "euros", "eur", "pounds", "gbp", "dollars", "usd", "francs", "crowns", "kr", "chf",
        "pesos",
    ];
    text.contains(['€', '£', '$', '¥'])
        || words(text)
            .iter()
            .any(|word| names.contains(&word.as_str()))
}

/// The most digits that stand together, spaces and hyphens between them allowed.
fn digits(text: &str) -> usize {
    let mut most = 0;
    let mut run = 0;
    for character in text.chars() {
        match character {
            '0'..='9' => run += 1,
            ' ' | '-' | '/' | '(' | ')' | '+' | '.' => {}
            _ => run = 0,
        }
        most = most.max(run);
    }
    most
}

/// Whether all numbers of a text are one that is dialled.
fn has_only_phone(text: &str) -> bool {
    let all = text.chars().filter(char::is_ascii_digit).count();
    let longest = digits(text);
    longest >= 6 && longest == all
}

pub(crate) fn words(text: &str) -> Vec<String> {
    plain(text)
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Whether the words of `phrase` follow each other in `words`.
fn has(words: &[String], phrase: &str) -> bool {
    let phrase: Vec<&str> = phrase.split(' ').collect();
    words.windows(phrase.len()).any(|window| window == phrase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(question: &str, expect: Option<Expected>) {
        assert_eq!(Expected::of(question), expect, "{question}");
    }

    #[test]
    fn questions_say_what_answers_them() {
        check("How many eggs are in it?", Some(Expected::Amount));
        check("¿Cuántos huevos lleva?", Some(Expected::Amount));
        check("What does a night at the inn cost?", Some(Expected::Price));
        check("¿Cuánto costó el piso?", Some(Expected::Price));
        check(
            "How much did the flat in Lisbon cost?",
            Some(Expected::Price),
        );
        check("¿Cada cuánto se riega?", Some(Expected::Measure));
        check("nils aaberg phone", Some(Expected::Phone));
        check("Dame el correo de Ana", Some(Expected::Mail));
        check(
            "Number of the people who empty the tank",
            Some(Expected::Phone),
        );
        check("¿A qué número llamo si no arranca?", Some(Expected::Phone));
        check("What number is the house?", None);
        check("¿Cuándo viene?", Some(Expected::Time));
        check("Which evenings does the choir sing?", Some(Expected::Time));
        check("¿Qué fin de semana es la feria?", Some(Expected::Time));
        check("Who is the landlord?", Some(Expected::Who));
        check("Where is the stopcock?", Some(Expected::Where));
        check("¿Dónde está la llave?", Some(Expected::Where));
        check("What does she charge?", Some(Expected::Price));
        check("Why is the roof wet?", None);
    }

    #[test]
    fn what_is_counted_is_named() {
        let counts = |question: &str| counted(question).unwrap_or_default();
        assert_eq!(
            counts("How many grams of sugar go into the parkin?"),
            "sugar"
        );
        assert_eq!(
            counts("How much atorvastatin does Tom take?"),
            "atorvastatin"
        );
        assert_eq!(
            counts("¿Cuántos gramos de queso llevan las croquetas?"),
            "queso"
        );
        assert_eq!(counts("¿Cuántos huevos lleva?"), "huevos");
        assert_eq!(counts("How much is the rent?"), "");
        assert_eq!(counts("¿Cuánto cuesta la noche?"), "");
        assert_eq!(counts("¿Cuánto aceite lleva?"), "aceite");
        assert_eq!(counts("¿Cuánto arroz se pone?"), "arroz");
        assert_eq!(counts("¿Cada cuánto manda revisar la caldera?"), "");
        assert_eq!(counts("cuanto les cobramos si lo pierden"), "");
        assert_eq!(counts("¿A cuánto por cabeza salía la cena?"), "");
        assert_eq!(counts("¿Cuánto pide por el muro?"), "");
        assert_eq!(
            counts("What was Calder's figure for inventories in Q2?"),
            "inventories"
        );
        assert_eq!(counts("Who is it?"), "");
    }

    #[test]
    fn what_something_is_asked_of_is_named() {
        let of = |question: &str| asked_of(question).unwrap_or_default();
        assert_eq!(of("How much is the deposit for the garage?"), "garage");
        assert_eq!(of("¿De cuánto es la fianza del garaje?"), "garaje");
        assert_eq!(of("How long is the guarantee on my boiler?"), "boiler");
        assert_eq!(of("When is it open in winter?"), "");
        assert_eq!(of("Who is it?"), "");
    }

    #[test]
    fn texts_have_it_or_not() {
        let is_in = |expected: Expected, text| expected.is_in(text, "How many eggs are in it?");
        assert!(is_in(Expected::Amount, "- 3 huevos"));
        assert!(is_in(Expected::Amount, "Contains no eggs."));
        assert!(!is_in(Expected::Amount, "No lift."));
        assert!(!is_in(Expected::Amount, "The hotel was full."));
        assert!(is_in(Expected::Price, "142 francs a night"));
        assert!(is_in(Expected::Price, "365 por los cuatro días"));
        assert!(is_in(Expected::Price, "Breakfast is included."));
        assert!(!is_in(Expected::Price, "The second driver is not covered."));
        assert!(!is_in(Expected::Price, "Booked until 31 January."));
        assert!(!is_in(Expected::Price, "It is 12 km away."));
        assert!(!is_in(Expected::Price, "It has moved to 6 and 7 June."));
        assert!(!is_in(Expected::Price, "Los pasea Tam, 600 55 01 48."));
        assert!(!is_in(Expected::Price, "Será del 3 al 5 de mayo."));
        assert!(is_in(Expected::Phone, "nils, plumber 0161 555 0177"));
        assert!(!is_in(Expected::Phone, "Nils comes at 9, or at 10."));
        assert!(is_in(Expected::Time, "She comes on Thursdays."));
        assert!(!is_in(Expected::Time, "She comes by bus."));
        assert!(!is_in(Expected::Time, "Nils Berg, phone 0161 555 0177."));
        let number = "- Tam Ogilvie, 07700 900 471 (evenings), after 6";
        assert_eq!(Expected::Phone.pick(number), Some("07700 900 471"));
        let house = "Tam no. 18 07700 900 471";
        assert_eq!(Expected::Phone.pick(house), Some("07700 900 471"));
        let mail = "Write to tam@ogilvie.example, please.";
        assert_eq!(Expected::Mail.pick(mail), Some("tam@ogilvie.example"));
        assert_eq!(Expected::Phone.pick("Tam comes at 10."), None);
        assert_eq!(
            Expected::Price.pick("Hire: £38 a month, from 1 May 2025."),
            Some("£38")
        );
        assert_eq!(Expected::Price.pick("12,50 € o 15 €"), None);
        let hour = |text| Expected::Time.is_in(text, "¿A qué hora abre?");
        assert!(hour("Abre de 10:30 a 14:00.") && hour("A las siete.") && hour("Opens at 9am."));
        assert!(
            !hour("Entered for the contest on 9 May.") && !hour("Cierra los lunes y en octubre.")
        );
        assert!(!hour("El 24 de octubre de 2026.") && hour("El 24 de octubre, a las 9."));
        let names =
            |text| Expected::Who.favour(text, "Who holds the deposit of Cooper's Yard?") > 0.0;
        assert!(names("| Late | Corin | Edda |"));
        assert!(names("It is held by SafeHold."));
        assert!(names("Mrs. Prentiss has it."));
        assert!(!names("The deposit is held for the whole tenancy."));
        assert!(!names("It is paid in April, on a Wednesday."));
        let is_where = |text| Expected::Where.is_in(text, "Where is it?");
        assert!(is_where("Consulta en la calle Toneleros 22."));
        assert!(is_where("The key hangs behind the door."));
        assert!(!is_where("Closed on Mondays, open at 9."));
        let miles = |text| Expected::Amount.is_in(text, "At how many miles is the belt due?");
        assert!(miles("timing belt due at 130,000") && miles("belt: 130,000 miles"));
        assert!(!miles("belt: 20 kg") && !miles("the belt of 3 May 2024"));
        let costs = |text| Expected::Price.is_in(text, "What does a night or the parking cost?");
        assert!(costs("Children stay free.") && costs("free parking") && costs("free until ten"));
        assert!(!costs(
            "Booked, ref GW-5512, free cancellation until 31 January."
        ));
        let minutes = |text| Expected::Amount.is_in(text, "How many minutes does it take?");
        assert!(minutes("Dieciocho minutos.") && minutes("An hour, or 75min."));
        assert!(!minutes("320 g of rice."));
        let long = |text| Expected::Measure.is_in(text, "How long does it keep?");
        assert!(long("Keeps a fortnight.") && !long("Keeps well."));
    }
}
