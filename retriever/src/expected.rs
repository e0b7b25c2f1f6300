//! What kind of thing answers a question: a number, a telephone number, an address for mail, a time.
//!
//! "How much" is answered by a number or by none; a line without one may be near in meaning and answers nothing. Pure.

use crate::fold::{listed, plain};
use crate::proof::Claim;

/// How much a text is favoured that has what is expected (nats).
const FAVOUR: f32 = 1.5;

/// The kind of thing that answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    /// How many, how much.
    Amount,
    /// How long, how often, how far: a number, or words.
    Measure,
    Phone,
    Mail,
    /// When.
    Time,
    /// Who: a name that the question does not have.
    Who,
}

const AMOUNT: [&str; 38] = [
    "dose",
    "dosis",
    "que cantidad",
    "what amount",
    "what quantity",
    "how many",
    "how much",
    "what does cost",
    "what did cost",
    "what do cost",
    "what is the price",
    "what was the price",
    "what is the cost",
    "what was the cost",
    "the price of",
    "the cost of",
    "cuanto cuesta",
    "cuanto cuestan",
    "cuanto costo",
    "cuantos",
    "cuantas",
    "cuanto dinero",
    "de cuanto es",
    "a cuanto",
    "cuanto vale",
    "cuanto es",
    "que precio",
    "el precio",
    "cual es el importe",
    "combien coute",
    "combien de",
    "wie viel",
    "wie viele",
    "wieviel",
    "quanto costa",
    "quanto custa",
    "quanti",
    "hoeveel",
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
        if says(&PHONE) {
            Some(Self::Phone)
        } else if says(&MAIL) {
            Some(Self::Mail)
        } else if says(&AMOUNT) || asks_for_price(&words) {
            Some(Self::Amount)
        } else if says(&MEASURE) {
            Some(Self::Measure)
        } else if says(&TIME) {
            Some(Self::Time)
        } else if says(&WHO) {
            Some(Self::Who)
        } else {
            None
        }
    }

    /// Whether nothing else answers.
    pub(crate) fn is_needed(self) -> bool {
        matches!(self, Self::Amount | Self::Phone | Self::Mail)
    }

    /// What it speaks for a text that it has it (nats).
    pub(crate) fn favour(self, text: &str, question: &str) -> f32 {
        let price = matches!(self, Self::Amount) && has_currency(text);
        let is_in = match self {
            Self::Who => names_another(text, question),
            _ => self.is_in(text),
        };
        f32::from(u8::from(is_in)) * FAVOUR + f32::from(u8::from(price))
    }

    /// Whether a text has it, or says that there is none.
    pub(crate) fn is_in(self, text: &str) -> bool {
        match self {
            Self::Phone => digits(text) >= 5,
            Self::Mail => text.contains('@'),
            Self::Amount | Self::Measure => {
                let claim = Claim::of(text);
                claim.has_number() || claim.says_no() || says_one(text)
            }
            Self::Time => {
                let told = |word: &String| listed(TIMES, word);
                Claim::of(text).has_number() || words(text).iter().any(told)
            }
            Self::Who => names_another(text, ""),
        }
    }
}

/// Whether a text has a name that the question has not: a word with a capital letter that does not begin it, or two of
/// them.
fn names_another(text: &str, question: &str) -> bool {
    let asked = words(question);
    let capital = |word: &&str| {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric());
        word.chars().next().is_some_and(char::is_uppercase) && word.chars().count() > 1
    };
    let known = |word: &str| words(word).iter().all(|word| asked.contains(word));
    let said: Vec<&str> = text.split_whitespace().collect();
    let mut pairs = said.windows(2);
    pairs.any(|pair| {
        let ends = pair[0].ends_with(['.', '!', '?', '-', '*', '|']);
        let title = matches!(
            pair[0],
            "Mr" | "Mrs" | "Ms" | "Dr" | "Sr" | "Sra" | "Dr." | "Mr." | "Mrs." | "Sra." | "Sr."
        );
        capital(&pair[1]) && !known(pair[1]) && (!ends || title)
    })
}

/// "What does the ferry cost?", with the thing between the words.
fn asks_for_price(words: &[String]) -> bool {
    let last = words.last().map(String::as_str);
    let asks = matches!(
        last,
        Some("cost" | "costs" | "kostet" | "cuesta" | "coute" | "costa")
    );
    asks && words
        .first()
        .is_some_and(|word| matches!(word.as_str(), "what" | "que" | "was"))
}

/// Whether a text says one of something in a word, or that it costs nothing.
fn says_one(text: &str) -> bool {
    let one = [
        "one", "single", "half", "free", "uno", "una", "un", "medio", "media", "gratis", "ein",
        "eine", "une",
    ];
    words(text).iter().any(|word| one.contains(&word.as_str()))
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

fn words(text: &str) -> Vec<String> {
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
        check("What does a night at the inn cost?", Some(Expected::Amount));
        check("¿Cada cuánto se riega?", Some(Expected::Measure));
        check("nils aaberg phone", Some(Expected::Phone));
        check("Dame el correo de Ana", Some(Expected::Mail));
        check("¿Cuándo viene?", Some(Expected::Time));
        check("Who is the landlord?", Some(Expected::Who));
        check("Why is the roof wet?", None);
    }

    #[test]
    fn texts_have_it_or_not() {
        assert!(Expected::Amount.is_in("- 3 huevos"));
        assert!(Expected::Amount.is_in("Contains no eggs."));
        assert!(!Expected::Amount.is_in("The hotel was full."));
        assert!(Expected::Phone.is_in("nils, plumber 0161 555 0177"));
        assert!(!Expected::Phone.is_in("Nils comes at 9, or at 10."));
        assert!(Expected::Time.is_in("She comes on Thursdays."));
        assert!(!Expected::Time.is_in("She comes by bus."));
        let names =
            |text| Expected::Who.favour(text, "Who holds the deposit of Cooper's Yard?") > 0.0;
        assert!(names("It is held by SafeHold."));
        assert!(names("Mrs. Prentiss has it."));
        assert!(!names("The deposit is held for the whole tenancy."));
    }
}
