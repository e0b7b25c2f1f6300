//! A follow-up as it would be asked alone: "And in winter?" after "When is the mill open in summer?" asks "When is the
//! mill open in winter?" Pure, by rule, in English and Spanish.
//!
//! Grammar matters less than that the right words are there: the result is searched, compared and read by a model.

use std::ops::Range;

use crate::fold::{self, Word, same, words};
use crate::language::Language;
use crate::plan::{self, Kind};
use crate::prompt::Turn;

/// A question that stands alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Restated {
    pub text: String,
    /// Names of what it is not about: "And the other one?"
    pub apart_from: Option<String>,
    /// Whether the words say that it goes on. Else it may be of something else.
    pub is_sure: bool,
}

impl Restated {
    fn sure(text: String) -> Self {
        Self {
            text,
            apart_from: None,
            is_sure: true,
        }
    }
}

/// Openings of a correction.
const CORRECTIONS: &str = "sorry i meant|no i meant|i meant|i mean|no i mean|sorry i mean|i was asking about|i asked about|\
    i am asking|i m asking|no i am asking|not that one|perdona queria decir|perdon queria decir|queria decir|\
    quiero decir|me refiero a|me referia a|no me refiero a|no me referia a|no pregunto|pregunto por|pregunto|\
    no queria decir|no pregunto por|no quiero decir|perdona pregunto|digo";

/// Openings of what goes on.
const CONTINUATIONS: &str = "and what about|what about|how about|and how about|and|but|or|so|also|y que hay de|\
    que hay de|y que tal|que tal|que pasa con|y que pasa con|y|e|pero|o|tambien|und|et|e o";

const QUESTIONS: &str = "what which who whom whose when where why how que cual cuales quien quienes cuando donde adonde \
    cuanto cuanta cuantos cuantas como";

const AUXILIARIES: &str =
    "is are was were do does did can could may must should will would has have had am";

/// Verbs that open a Spanish question whose subject was spoken of before.
const VERBS: &str = "es son esta estan hay tiene tienen tengo puedo puede pueden admite admiten debe deben hace incluye \
    incluyen necesita necesitan fue era permite permiten existe cabe acepta aceptan vive lleva cubre paga vale cuesta \
    queda viene va llega abre cierra cobra trabaja dura empieza termina sirve sabe se me le lo la";

const PREPOSITIONS: &str = "in at on for from with during of to by about since until before after under near without en a \
    al para con por de del desde hasta durante sobre sin tras entre";

const DETERMINERS: &str = "the a an my our his her its their this that these those el la los las un una unos unas mi mis su \
    sus nuestro nuestra nuestros nuestras este esta estos estas ese esa esos esas al del";

/// Words that stand for a person.
const PERSONAL: &str = "he she him her his hers el ella ellos ellas su sus le les";

/// Words that stand for what was spoken of, in English, where they can be taken out for it.
const STANDING: &str = "it he she him they them";
const POSSESSIVE: &str = "its his her their";

/// Words that point back without saying where to.
const POINTING: &str = "there this that these those one ones same eso esa ese esos esas esto esta este ella ellas ellos lo \
    le les ahi alli mismo misma su sus suyo suya el cuyo";

const OTHERS: &str = "other another otro otra otros otras";

/// What carries no topic beside all these.
const EMPTY: &str = "i you we me us my your our not if else any some more much many long often far old big also only just \
    tell give show please than then mas muy me nos mi tu se si no ya hay dime dame lo";

const DAYS: &str = "monday tuesday wednesday thursday friday saturday sunday january february march april may june july \
    august september october november december";

/// Letters of words that say the same in another gender: "doctora", "doctor".
const STEM: usize = 4;

/// So few words of its own make a question one that may go on.
const FEW: usize = 4;

/// What a question asks in a conversation; none where it stands alone.
pub(crate) fn restate(history: &[Turn], question: &str) -> Option<Restated> {
    let (last, before) = history.split_last()?;
    let before = restate(before, &last.question);
    let asked = before.map_or_else(|| last.question.clone(), |one| one.text);
    After {
        asked: &asked,
        turn: last,
    }
    .restate(question)
}

/// What was asked, as it is understood, and its turn.
struct After<'a> {
    asked: &'a str,
    turn: &'a Turn,
}

impl After<'_> {
    fn restate(&self, question: &str) -> Option<Restated> {
        let (rest, corrects) = without(question, CORRECTIONS);
        let (rest, goes_on) = without(rest, CONTINUATIONS);
        let said = words(rest);
        if said.is_empty() {
            return None;
        }
        if (corrects || goes_on) && is_fragment(rest, &said) {
            return self.substituted(rest, &said);
        }
        let topical = topical(&said);
        if topical == 0 && said.iter().any(|word| listed(QUESTIONS, word)) {
            return Some(Restated::sure(format!("{} {}?", bare(rest), self.tail())));
        }
        // "Which of them is nearer?" is of all that was spoken of.
        let compares = plan::kind(rest) == Kind::Comparison;
        let chooses = listed("which cual cuales", &said[0]);
        if compares && chooses && topical <= FEW {
            return Some(Restated::sure(rest.to_owned()));
        }
        let points = said
            .iter()
            .enumerate()
            .any(|(at, word)| points_back(&said, at, word));
        // "¿Cuánto cobra?" after "¿Quién afina el piano?" is of who does.
        let is_person = said.iter().any(|word| listed(PERSONAL, word));
        let topic = self.topic(is_person || !points && self.asks_who())?;
        let topic = match self.document() {
            // "Who looks after them?" after a question about one of them is of all that its document is about.
            Some(title) if is_of_many(&said) && words(&topic).len() == 1 => title,
            _ => topic,
        };
        let text = replaced(rest, &said, &topic).filter(|_| topical <= FEW);
        if let Some(text) = text.filter(|_| !names_before(rest, &said)) {
            return Some(Restated::sure(text));
        }
        let is_known = || shares_word(rest, &topic);
        if points && topical <= FEW + 1 || goes_on || corrects {
            let text = if is_known() {
                rest.to_owned()
            } else {
                appended(rest, &topic)
            };
            return Some(Restated::sure(text));
        }
        let names = name_runs(rest, &said);
        (topical <= FEW && names.is_empty() && !is_known()).then(|| Restated {
            is_sure: false,
            ..Restated::sure(appended(rest, &topic))
        })
    }

    /// What was asked, of something else: of a fragment such as "in winter", "the rye loaf", "Badger's".
    fn substituted(&self, fragment: &str, said: &[Word]) -> Option<Restated> {
        let asked = words(self.asked);
        if said.iter().any(|word| listed(OTHERS, word)) {
            let topic = self.topic(false)?;
            let (kind, name) = kind_and_name(&topic);
            let other = match (kind, Language::of(self.asked, None).code()) {
                (Some(kind), "es") => format!("el otro {kind}"),
                (Some(kind), _) => format!("the other {kind}"),
                (None, _) => bare(fragment).to_owned(),
            };
            let mut phrases = name_phrases(self.asked, &asked).into_iter();
            let text = match phrases.find(|span| self.asked[span.clone()].contains(&topic)) {
                Some(span) => put(self.asked, span, &other),
                None => self.asked.replacen(&topic, &other, 1),
            };
            return Some(Restated {
                apart_from: Some(name),
                ..Restated::sure(text)
            });
        }
        let own = bare(fragment);
        let own = own.strip_suffix("'s").or(own.strip_suffix("’s"));
        let is_owner = own.is_some();
        let own = own.unwrap_or(bare(fragment));
        // "And her brother's?"
        let own = match self.topic(true) {
            Some(topic) => replaced(own, &words(own), &topic).unwrap_or(own.to_owned()),
            None => own.to_owned(),
        };
        if is_owner && let Some(owner) = owner(self.asked, &asked) {
            return Some(Restated::sure(put(self.asked, owner, &own)));
        }
        // "And the e-mail?" after "What is Ada's phone number?"
        let is_thing = !own.starts_with(char::is_uppercase) && !listed(PREPOSITIONS, said.first()?);
        let owner_end = ["'s ", "’s "]
            .iter()
            .find_map(|sign| Some(self.asked.find(sign)? + sign.len()));
        if let Some(from) = owner_end.filter(|_| is_thing) {
            let owned = from..ended(self.asked).len();
            return Some(Restated::sure(put(
                self.asked,
                owned,
                without_article(&own),
            )));
        }
        let first = said.first()?;
        // "¿Cuánto se hace (arroz con leche)?": what was added to the question gives way.
        if let (Some(from), Some(to)) = (self.asked.find('('), self.asked.find(')'))
            && from < to
            && !listed(PREPOSITIONS, first)
        {
            return Some(Restated::sure(put(
                self.asked,
                from + 1..to,
                without_article(&own),
            )));
        }
        let is_tail = listed(PREPOSITIONS, first) || is_head_alone(said);
        if is_tail {
            // "la del tejado": what stands for the head is left out.
            let from = usize::from(!listed(PREPOSITIONS, first));
            let own = bare(&fragment[said[from].span.start..]);
            let preposition = &said[from].text;
            let text = match phrase(self.asked, &asked, preposition) {
                Some(span) => put(self.asked, span, own),
                None => appended_bare(self.asked, own),
            };
            return Some(Restated::sure(text));
        }
        let parts = noun_phrases(self.asked, &asked);
        let names = name_runs(&own, &words(&own));
        let like = parts
            .iter()
            .find(|part| shares_stem(&self.asked[(*part).clone()], &own));
        let named = || {
            let mut runs = name_phrases(self.asked, &asked).into_iter().rev();
            runs.next().filter(|_| !names.is_empty())
        };
        let span = like.cloned().or_else(named).or(parts.last().cloned());
        let text = match span {
            Some(span) => put(self.asked, span, &own),
            None => appended_bare(self.asked, &own),
        };
        Some(Restated::sure(text))
    }

    /// What was spoken of.
    fn topic(&self, is_person: bool) -> Option<String> {
        let asked = words(self.asked);
        let first = asked.first()?;
        let asks_which = matches!(
            first.text.as_str(),
            "who" | "which" | "whose" | "whom" | "quien" | "quienes" | "cual" | "cuales"
        ) || first.text == "what" && is_person;
        let answered = self.answered();
        let person = || answered.clone().filter(|_| is_person && asks_which);
        let names = name_phrases(self.asked, &asked);
        let named = names
            .first()
            .map(|span| without_article(&self.asked[span.clone()]).to_owned());
        let is_other = asked.iter().any(|word| listed(OTHERS, word));
        let other = || {
            let quote = self.turn.answer.split(" — ").nth(1);
            let quote = quote.unwrap_or(&self.turn.answer);
            let runs = name_runs(quote, &words(quote));
            runs.first()
                .map(|run| quote[run.clone()].to_owned())
                .filter(|_| is_other && names.is_empty())
        };
        let which = || {
            let asks_thing = matches!(first.text.as_str(), "which" | "cual" | "cuales");
            answered.clone().filter(|_| asks_thing && !is_person)
        };
        let first_part = || {
            let parts = noun_phrases(self.asked, &asked);
            let part = parts
                .first()
                .map(|span| self.asked[span.clone()].to_owned());
            part.map(|part| without_article(&part).to_owned())
        };
        other()
            .or_else(person)
            .or_else(which)
            .or(named)
            .or_else(|| answered.clone().filter(|_| is_person))
            .or_else(first_part)
    }

    /// The title of the document that answered.
    fn document(&self) -> Option<String> {
        let cited = self.turn.cited.first()?;
        Some(cited.title.clone()).filter(|title| !title.is_empty())
    }

    fn asks_who(&self) -> bool {
        let asked = words(self.asked);
        let asks = |word: &Word| listed("who quien quienes", word);
        asked.first().is_some_and(asks)
    }

    /// The name that answered.
    fn answered(&self) -> Option<String> {
        let phrase = self.turn.phrase.as_deref()?;
        let said = words(phrase);
        let names: Vec<Range<usize>> = runs(phrase, &said, 0);
        let (first, last) = (names.first()?, names.last()?);
        (said.len() <= 6).then(|| phrase[first.start..last.end].to_owned())
    }

    /// What was asked, without the words that ask.
    fn tail(&self) -> String {
        let asked = words(self.asked);
        let asks = |word: &&Word| listed(QUESTIONS, word) || listed(AUXILIARIES, word);
        let from = asked.iter().take_while(asks).count();
        asked.get(from).map_or(String::new(), |word| {
            bare(&self.asked[word.span.start..]).to_owned()
        })
    }
}

/// A text without one of these openings, and whether it had one.
fn without<'a>(text: &'a str, openings: &str) -> (&'a str, bool) {
    let said = words(text);
    let opens = |opening: &&str| {
        let mut parts = opening.split(' ');
        let mut at = said.iter();
        parts.all(|part| at.next().is_some_and(|word| word.text == part))
    };
    let longest = openings
        .split('|')
        .filter(opens)
        .map(|opening| opening.split(' ').count())
        .max();
    match longest.and_then(|length| said.get(length)) {
        Some(word) => (&text[word.span.start..], true),
        None => (text, false),
    }
}

/// Whether a text names a thing and asks nothing itself.
fn is_fragment(text: &str, said: &[Word]) -> bool {
    let asks = |word: &Word| listed(QUESTIONS, word);
    let first = &said[0];
    let is_verb = listed(VERBS, first) && !listed(DETERMINERS, first);
    let is_capital = text[first.span.clone()].starts_with(char::is_uppercase);
    let opens_question = listed(AUXILIARIES, first) || (is_verb && !is_capital);
    // "la abre" is a verb after a pronoun, "la del tejado" is none.
    !said.iter().take(3).any(asks) && !opens_question && said.len() <= 8
}

/// "la del tejado", "the one on the roof": a head that stands for what was spoken of, and what tells it from others.
fn is_head_alone(said: &[Word]) -> bool {
    let stands = |word: &Word| listed("el la los las one ones that those", word);
    said.len() > 2 && stands(&said[0]) && listed(PREPOSITIONS, &said[1])
}

/// The words of a question that have a topic.
fn topical(said: &[Word]) -> usize {
    let lists = [
        QUESTIONS,
        AUXILIARIES,
        PREPOSITIONS,
        DETERMINERS,
        STANDING,
        POSSESSIVE,
        POINTING,
        EMPTY,
        "and or y o",
    ];
    let tells = |word: &&Word| !lists.iter().any(|list| listed(list, word));
    said.iter().filter(tells).count()
}

/// Whether a word stands for what was spoken of: "that one", and not "that hotel"; "el" is an article.
fn points_back(said: &[Word], at: usize, word: &Word) -> bool {
    let is_article = || {
        let next = said.get(at + 1);
        let is_free = |next: &Word| listed(VERBS, next) || listed(PREPOSITIONS, next);
        listed(DETERMINERS, word) && next.is_some_and(|next| !is_free(next))
    };
    let owns = matches!(word.text.as_str(), "su" | "sus" | "suyo" | "suya");
    let stands = listed(STANDING, word) || listed(POSSESSIVE, word) || listed(POINTING, word);
    stands && (owns || listed(POSSESSIVE, word) || !is_article())
}

/// Whether a question speaks of several that were spoken of: "they", "¿Quién los pasea?"
fn is_of_many(said: &[Word]) -> bool {
    let after_question =
        |pair: &[Word]| listed(QUESTIONS, &pair[0]) && listed("los las les", &pair[1]);
    said.iter()
        .any(|word| listed("they them their ellos ellas", word))
        || said.windows(2).any(after_question)
}

/// A text with what was spoken of in the place of the word that stands for it; none where there is no such word.
fn replaced(text: &str, said: &[Word], topic: &str) -> Option<String> {
    let at = said
        .iter()
        .position(|word| listed(STANDING, word) || listed(POSSESSIVE, word))?;
    let word = &said[at];
    let is_followed = said.get(at + 1).is_some_and(|next| {
        ![PREPOSITIONS, AUXILIARIES, QUESTIONS, DETERMINERS]
            .iter()
            .any(|list| listed(list, next))
    });
    let owns = listed(POSSESSIVE, word) && is_followed;
    let owner = format!("{topic}'s");
    Some(put(
        text,
        word.span.clone(),
        if owns { &owner } else { topic },
    ))
}

/// Whether a question itself has a name before the word that stands for one: "Does Rex need his tablet?"
fn names_before(text: &str, said: &[Word]) -> bool {
    let stands = |word: &&Word| listed(STANDING, word) || listed(POSSESSIVE, word);
    let Some(word) = said.iter().find(stands) else {
        return false;
    };
    let mut names = name_runs(text, said).into_iter();
    names.any(|name| name.end <= word.span.start)
}

/// The owner in a question: "Otter's" in "What is Otter's budget?"
fn owner(text: &str, said: &[Word]) -> Option<Range<usize>> {
    let at = said.windows(2).position(|pair| {
        pair[1].text == "s" && text[..pair[1].span.start].ends_with(['\'', '’'])
    })?;
    let runs = runs(text, said, 0);
    let end = said[at].span.end;
    let run = runs
        .into_iter()
        .find(|run| run.start <= said[at].span.start && end <= run.end);
    Some(run.unwrap_or(said[at].span.clone()))
}

/// The last phrase of a question that begins with a preposition, or with one of its kin.
fn phrase(text: &str, said: &[Word], preposition: &str) -> Option<Range<usize>> {
    const KIN: [&str; 4] = ["in at on during for", "de del", "en durante", "a al"];
    let like = |word: &Word| {
        word.text == preposition
            || KIN.iter().any(|kin| {
                let has = |text: &str| kin.split(' ').any(|one| one == text);
                has(preposition) && has(&word.text)
            })
    };
    let exact = said.iter().rposition(|word| word.text == preposition);
    let from = exact
        .or_else(|| said.iter().rposition(like))
        .filter(|from| *from > 0)?;
    let goes_on = |word: &&Word| !listed(PREPOSITIONS, word) || is_within_name(text, word);
    let length = said[from + 1..].iter().take_while(goes_on).count();
    let last = said.get(from + length)?;
    Some(said[from].span.start..last.span.end)
}

/// Whether a preposition stands within a name: "Museum of Rope".
fn is_within_name(text: &str, word: &Word) -> bool {
    let after = text[word.span.end..].trim_start();
    matches!(word.text.as_str(), "of" | "de" | "del") && after.starts_with(char::is_uppercase)
}

/// Nouns with their determiners, names among them.
fn noun_phrases(text: &str, said: &[Word]) -> Vec<Range<usize>> {
    let mut found = name_phrases(text, said);
    let mut at = 0;
    while at < said.len() {
        if !listed(DETERMINERS, &said[at]) {
            at += 1;
            continue;
        }
        let closed = |word: &&Word| {
            ![PREPOSITIONS, AUXILIARIES, QUESTIONS, DETERMINERS, VERBS]
                .iter()
                .any(|list| listed(list, word))
        };
        let mut length = said[at + 1..].iter().take_while(closed).count();
        // "does the blue tent cost": the verb comes last.
        let helped = at > 0 && listed("do does did can will would", &said[at - 1]);
        if helped && length > 1 {
            length -= 1;
        }
        if length > 0 {
            let mut end = said[at + length].span.end;
            // "arroz con leche", "cup of tea": what tells it from others.
            if let [joint, next, ..] = &said[at + length + 1..]
                && listed("of con de", joint)
                && closed(&next)
            {
                end = next.span.end;
            }
            let span = said[at].span.start..end;
            if !found
                .iter()
                .any(|one| one.start < span.end && span.start < one.end)
            {
                found.push(span);
            }
        }
        at += length.max(1);
    }
    found.sort_by_key(|span| span.start);
    found
}

/// Names with the article and the noun before them: "la doctora Lemos".
fn name_phrases(text: &str, said: &[Word]) -> Vec<Range<usize>> {
    let widened = |run: Range<usize>| {
        let at = said.iter().position(|word| word.span.start == run.start);
        let before = &said[..at.unwrap_or_default()];
        let nouns = before
            .iter()
            .rev()
            .take_while(|word| topical(std::slice::from_ref(*word)) > 0 && !listed(VERBS, word))
            .count();
        let determiner = before.len().checked_sub(nouns + 1).map(|at| &before[at]);
        match determiner {
            Some(word) if nouns <= 1 && listed(DETERMINERS, word) && word.text != "del" => {
                word.span.start..run.end
            }
            _ => run,
        }
    };
    name_runs(text, said).into_iter().map(widened).collect()
}

/// Words with a capital letter that follow each other, the first word of the text left out.
fn name_runs(text: &str, said: &[Word]) -> Vec<Range<usize>> {
    let is_name_alone = said.len() < 3 && !said.iter().any(|word| listed(QUESTIONS, word));
    runs(text, said, usize::from(!is_name_alone))
}

fn runs(text: &str, said: &[Word], from: usize) -> Vec<Range<usize>> {
    let is_capital = |word: &Word| {
        text[word.span.clone()].starts_with(char::is_uppercase)
            && !listed(DAYS, word)
            && word.text != "i"
            && ![QUESTIONS, AUXILIARIES, DETERMINERS]
                .iter()
                .any(|list| listed(list, word))
    };
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut last = 0;
    for (at, word) in said.iter().enumerate().skip(from) {
        if !is_capital(word) {
            continue;
        }
        let joins = |joint: &Word| listed("of de del la las los the y", joint);
        let between = said.get(last + 1..at).unwrap_or_default();
        match found.last_mut() {
            Some(run)
                if between.len() <= 2
                    && between.iter().all(joins)
                    && !text[run.end..word.span.start].contains([',', '?', '.', ':', '(']) =>
            {
                run.end = word.span.end;
            }
            _ => found.push(word.span.clone()),
        }
        last = at;
    }
    found
}

/// "Hotel" and "Anchor" of "Hotel Anchor"; a single word is a name.
fn kind_and_name(topic: &str) -> (Option<String>, String) {
    match without_article(topic).split_once(' ') {
        Some((kind, name)) => (Some(kind.to_lowercase()), name.to_owned()),
        None => (None, without_article(topic).to_owned()),
    }
}

fn without_article(text: &str) -> &str {
    let said = words(text);
    match &said[..] {
        [first, next, ..] if listed(DETERMINERS, first) => &text[next.span.start..],
        _ => text,
    }
}

/// Whether two texts have a word with a topic in common.
fn shares_word(one: &str, other: &str) -> bool {
    let (one, other) = (words(one), words(other));
    let tells = |word: &&Word| topical(std::slice::from_ref(*word)) > 0;
    let mut own = one.iter().filter(tells);
    own.any(|word| other.iter().any(|of| same(&word.text, &of.text)))
}

/// Whether two texts have words in common but for their ending: "doctora", "doctor".
fn shares_stem(one: &str, other: &str) -> bool {
    let (one, other) = (words(one), words(other));
    let stem = |word: &Word| -> Option<String> {
        let letters: String = word.text.chars().take(STEM).collect();
        let tells = topical(std::slice::from_ref(word)) > 0;
        (tells && letters.chars().count() == STEM).then_some(letters)
    };
    let others: Vec<String> = other.iter().filter_map(stem).collect();
    one.iter()
        .filter_map(stem)
        .any(|stem| others.contains(&stem))
}

/// A text with other words in a place.
fn put(text: &str, span: Range<usize>, words: &str) -> String {
    format!("{}{words}{}", &text[..span.start], &text[span.end..])
}

/// A question with what it is of.
fn appended(text: &str, topic: &str) -> String {
    format!("{} ({topic})?", ended(text))
}

fn appended_bare(text: &str, more: &str) -> String {
    format!("{} {more}?", ended(text))
}

/// Without the signs at its ends.
fn bare(text: &str) -> &str {
    ended(text).trim_start_matches(is_sign)
}

/// Without the signs at its end.
fn ended(text: &str) -> &str {
    text.trim_end_matches(is_sign)
}

fn is_sign(c: char) -> bool {
    c.is_whitespace() || matches!(c, '?' | '¿' | '.' | '!' | '¡' | ',')
}

fn listed(list: &str, word: &Word) -> bool {
    fold::listed(list, &word.text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::passage::Passage;

    fn turn(question: &str, phrase: &str) -> Turn {
        Turn {
            question: question.to_owned(),
            answer: phrase.to_owned(),
            phrase: Some(phrase.to_owned()),
            cited: Vec::new(),
        }
    }

    fn asked(history: &[(&str, &str)], question: &str) -> Option<Restated> {
        let history: Vec<Turn> = history
            .iter()
            .map(|(asked, said)| turn(asked, said))
            .collect();
        restate(&history, question)
    }

    #[test]
    fn several_are_what_their_document_is_about() {
        let of = |question: &str, title: &str, asked: &str| {
            let cited = Passage {
                title: title.to_owned(),
                ..Passage::default()
            };
            let turn = Turn {
                cited: vec![cited],
                ..turn(question, "two")
            };
            restate(&[turn], asked).map(|one| one.text)
        };
        assert_eq!(
            of("How old is Mop?", "Goats", "Who milks them?").as_deref(),
            Some("Who milks Goats?")
        );
        assert_eq!(
            of("¿Cuántos años tiene Luna?", "Cabras", "¿Quién las ordeña?").as_deref(),
            Some("¿Quién las ordeña (Cabras)?")
        );
        assert_eq!(
            of("How old is Mop?", "Goats", "Who milks her?").as_deref(),
            Some("Who milks Mop?")
        );
    }

    #[track_caller]
    fn check(before: (&str, &str), question: &str, alone: &str) {
        let restated = asked(&[before], question);
        assert_eq!(
            restated.map(|one| one.text).as_deref(),
            Some(alone),
            "{question}"
        );
    }

    #[test]
    fn a_fragment_takes_the_place_of_its_like() {
        let mill = ("When is the Mill of Oats open in summer?", "Daily, 9 to 5");
        check(
            mill,
            "And in winter?",
            "When is the Mill of Oats open in winter?",
        );
        let molino = ("¿A qué hora abre el Molino del Tejo en verano?", "9:30");
        check(
            molino,
            "¿Y en invierno?",
            "¿A qué hora abre el Molino del Tejo en invierno?",
        );
        let cat = ("What medicine does Tiger get?", "half a tablet");
        check(cat, "And Smoke?", "What medicine does Smoke get?");
        let gata = ("¿Qué medicina toma Sombra?", "media pastilla");
        check(gata, "¿Y Bruma?", "¿Qué medicina toma Bruma?");
        let doctor = ("¿Qué días pasa consulta la doctora Vidal?", "los lunes");
        check(
            doctor,
            "¿Y el doctor Sanz?",
            "¿Qué días pasa consulta el doctor Sanz?",
        );
        let works = ("¿Cuándo empieza la obra de la terraza?", "el 3 de mayo");
        check(
            works,
            "¿Y la del sótano?",
            "¿Cuándo empieza la obra del sótano?",
        );
        let owner = ("What is Heron's budget?", "£9,000");
        check(owner, "And Kite's?", "What is Kite's budget?");
        check(owner, "And the deadline?", "What is Heron's deadline?");
        check(owner, "And in May?", "What is Heron's budget in May?");
        let loaf = ("How long does the plain loaf prove?", "an hour");
        check(
            loaf,
            "Sorry, I meant the seed loaf.",
            "How long does the seed loaf prove?",
        );
        let guiso = ("¿Cuánto caldo lleva el arroz negro?", "un litro");
        check(
            guiso,
            "Perdona, quería decir el arroz con pollo.",
            "¿Cuánto caldo lleva el arroz con pollo?",
        );
        let added = ("¿Cuánto se cuece (arroz negro)?", "un cuarto de hora");
        check(
            added,
            "Perdona, quería decir el arroz con pollo.",
            "¿Cuánto se cuece (arroz con pollo)?",
        );
    }

    #[test]
    fn a_word_that_stands_for_a_thing_gives_way_to_it() {
        let mill = ("When is the Mill of Oats open?", "Daily");
        check(mill, "Who runs it?", "Who runs Mill of Oats?");
        let tuner = ("Who tunes the piano?", "Ada Birch");
        check(
            tuner,
            "What is her phone number?",
            "What is Ada Birch's phone number?",
        );
        check(tuner, "When does she come?", "When does Ada Birch come?");
        let quien = ("¿Quién afina el piano?", "Ada Roble");
        check(
            quien,
            "¿Cuál es su teléfono?",
            "¿Cuál es su teléfono (Ada Roble)?",
        );
        check(quien, "¿Cuánto cobra?", "¿Cuánto cobra (Ada Roble)?");
        check(tuner, "What is its price?", "What is piano's price?");
        let fee = ("¿A qué hora abre el Molino del Tejo?", "a las nueve");
        check(
            fee,
            "¿Quién lo dirige?",
            "¿Quién lo dirige (Molino del Tejo)?",
        );
    }

    #[test]
    fn words_that_only_ask_take_along_what_was_asked() {
        let dog = ("What medicine does Rex get?", "half a tablet");
        check(dog, "For how long?", "For how long medicine does Rex get?");
    }

    #[test]
    fn the_other_one_is_not_the_one_that_was_spoken_of() {
        let night = ("How much is a night at the Hotel Bell?", "£90");
        let restated = asked(&[night], "And at the other one?").expect("it goes on");
        assert_eq!(restated.text, "How much is a night at the other hotel?");
        assert_eq!(restated.apart_from.as_deref(), Some("Bell"));
        let noche = ("¿Cuánto cuesta la noche en el Hostal Tilo?", "50 euros");
        let restated = asked(&[noche], "¿Y en el otro?").expect("it goes on");
        assert_eq!(restated.text, "¿Cuánto cuesta la noche en el otro hostal?");
        assert_eq!(restated.apart_from.as_deref(), Some("Tilo"));
    }

    #[test]
    fn a_choice_among_all_is_of_no_one() {
        let bell = ("Does the Hotel Bell have parking?", "No");
        check(
            bell,
            "Which of them is nearer to the mill?",
            "Which of them is nearer to the mill?",
        );
        let tilo = ("¿Cuánto cuesta el Hostal Tilo?", "50 euros");
        check(
            tilo,
            "¿Cuál está más cerca del molino?",
            "¿Cuál está más cerca del molino?",
        );
    }

    #[test]
    fn what_may_go_on_is_not_sure() {
        let mill = [("¿A qué hora abre el Molino del Tejo?", "a las nueve")];
        let restated = asked(&mill, "¿Cuánto pagan los niños?").expect("it may go on");
        assert!(!restated.is_sure);
        assert_eq!(restated.text, "¿Cuánto pagan los niños (Molino del Tejo)?");
    }

    #[test]
    fn what_has_its_own_names_stands_alone() {
        let mill = [("When is the Mill of Oats open?", "Daily")];
        assert_eq!(
            asked(&mill, "When was the Otter boiler last serviced?"),
            None
        );
        assert_eq!(asked(&[], "And in winter?"), None);
        let long = "Which three farms take part in the pilot that began last spring?";
        assert_eq!(asked(&mill, long), None);
    }

    #[test]
    fn questions_go_on_from_what_was_understood() {
        let thread = [
            ("Who looks after the roof?", "Sal Haddad"),
            ("What is her number?", "555 0177"),
        ];
        let restated = asked(&thread, "And when does she come?").expect("it goes on");
        assert_eq!(restated.text, "when does Sal Haddad come?");
    }
}
