//! Questions that are answered from what documents say: summaries, facts and their like.

use super::asked::Asked;
use super::filters::Dating;
use super::listing::{hints, scope};
use super::period::period;
use super::phrases::COURTESY;
use super::{About, DateKind, Filters, Kind, Plan, halves, sides};
use crate::calendar::Date;
use crate::fold::{listed, words};

/// Summaries of a document, a folder, a tag or a span of time.
pub(super) fn summary(asked: &Asked<'_>, about: &About, today: Date) -> Option<Plan> {
    const OPENERS: &str = "summarise|summarize|sum up|summary of|a summary of|the summary of|give me a summary of|\
    give me a short summary of|write a summary of|make a summary of|give me an overview of|\
    overview of|an overview of|outline|give me the gist of|the gist of|what is the gist of|\
    main points of|the main points of|what are the main points of|what are the key points of|\
    key points of|tldr|tl dr|tldr of|recap|recap of|give me a recap of|condense|resume el|resume la|\
    resume los|resume las|resume mi|resume mis|resume lo|resume este|resume esta|resumeme|\
    resumen de|resumen del|un resumen de|un resumen del|dame un resumen de|dame un resumen del|\
    hazme un resumen de|hazme un resumen del|haz un resumen de|haz un resumen del|resumir|resumime|\
    los puntos principales de|puntos principales de|cuales son los puntos principales de|\
    cuales son los puntos principales del|cuales son los puntos clave de|sintetiza|resume|\
    vision general de|una vision general de|dame una vision general de|dame una idea general de|\
    haz una sintesis de|hazme una sintesis de|sintesis de|que puntos trata|in brief|in short|in a nutshell|\
    in a few words|en pocas palabras|en resumen|en breve|briefly|what are the findings of|the findings of|\
    what are the conclusions of|the conclusions of|what are the results of|what does it say in short|\
    cuales son las conclusiones de|cuales son las conclusiones del|que conclusiones tiene|las conclusiones de|\
    las conclusiones del|cuales son los resultados de|cuales son los resultados del";
    const DECIDED: &str = "what was decided at|\
    what was decided in|what was decided by|what did they decide at|what was agreed at|what was agreed in|\
    what was discussed at|what was discussed in|que se decidio en|que se acordo en|que se trato en|que se hablo en|\
    que se discutio en|que acordaron en|que decidieron en";
    const EVENTS: &str = "what happened|what did i do|what did i write|what have i written|que paso|que ha pasado|\
    que hice|que escribi";
    let end = without_length(asked);
    if end < asked.len() {
        return summary(&Asked::new(asked.span(0..end)), about, today);
    }
    let start = asked.past(0, COURTESY);
    if let Some(length) = asked.any(start, EVENTS) {
        let filters = dated(asked, today, start + length)
            .or_else(|| scope(asked, about, today, start + length))?;
        return filters.period.is_some().then(|| Plan {
            filters,
            ..Plan::of(Kind::Summary)
        });
    }
    if let Some(plan) = summary_of_said(asked, start) {
        return Some(plan);
    }
    if let Some(length) = asked.any(start, OPENERS) {
        // "Resume el": the article is the target's.
        let is_article = matches!(asked.word(start), "resume") && length > 1;
        return summary_of(
            asked,
            about,
            today,
            start + length - usize::from(is_article),
            asked.len(),
        );
    }
    // "What was decided in March?" asks for one thing of many documents.
    if let Some(length) = asked.any(start, DECIDED) {
        let plan = summary_of(asked, about, today, start + length, asked.len())?;
        return plan.filters.is_empty().then_some(plan);
    }
    if let Some(plan) = told_by(asked, about, today, start) {
        return Some(plan);
    }
    // "What is the lease about?", "¿De qué trata el contrato?"
    let end = asked.len().checked_sub(1)?;
    if asked.word(end) == "about"
        && let Some(length) = asked.any(start, "what is|what s|what are|what does it say")
    {
        return summary_of(asked, about, today, start + length, end);
    }
    let spanish = "de que trata|de que va|de que tratan|de que habla|de que van|sobre que trata";
    let length = asked.any(start, spanish)?;
    summary_of(asked, about, today, start + length, asked.len())
}

/// A span of time and nothing else: "el 2 de junio de 2026".
fn dated(asked: &Asked<'_>, today: Date, at: usize) -> Option<Filters> {
    let (period, length) = period(asked, at, today)?;
    let by = DateKind::Own;
    (at + length == asked.len()).then(|| Filters {
        period: Some(Dating { by, period }),
        ..Filters::default()
    })
}

/// The end of a question without how long the summary is to be: "in three sentences".
fn without_length(asked: &Asked<'_>) -> usize {
    const COUNTS: &str = "one|two|three|four|five|six|a few|few|una|dos|tres|cuatro|cinco|seis|pocas|pocos|unas pocas";
    const UNITS: &str = "sentence|sentences|line|lines|word|words|point|points|bullet points|bullets|paragraph|\
    paragraphs|frase|frases|linea|lineas|palabras|puntos|parrafo|parrafos";
    const WAYS: &str = "please|briefly|in brief|in short|por favor|brevemente|en breve|porfa";
    let is_end = |at: usize, length: usize| at + length == asked.len();
    let is_length = |at: usize| {
        if asked.any(at, WAYS).is_some_and(|length| is_end(at, length)) {
            return true;
        }
        let counted = asked.past(at + 1, COUNTS);
        let counted = if counted == at + 1 && asked.number(at + 1).is_some() {
            at + 2
        } else {
            counted
        };
        matches!(asked.word(at), "in" | "en")
            && counted > at + 1
            && asked
                .any(counted, UNITS)
                .is_some_and(|length| is_end(counted, length))
    };
    (1..asked.len())
        .find(|at| is_length(*at))
        .unwrap_or(asked.len())
}

/// "What does Aunt Vera write?", "¿Qué cuenta Leonor en su carta?": all that a document tells.
fn told_by(asked: &Asked<'_>, about: &About, today: Date, start: usize) -> Option<Plan> {
    const TELL: &str = "write|say|tell|tell us|tell me|report|contain";
    const SPANISH: &str = "que cuenta|que dice|que escribe|que nos cuenta|que me cuenta|que conto|que dijo|que escribio|\
    que pone en|que contiene|que pone";
    const WHERE: &str = "in her letter|in his letter|in their letter|in the letter|in her email|in his email|\
    in her message|in his message|en su carta|en la carta|en su correo|en su mensaje|en su informe";
    let end = (1..asked.len())
        .find(|at| {
            asked
                .any(*at, WHERE)
                .is_some_and(|length| at + length == asked.len())
        })
        .unwrap_or(asked.len());
    let (from, to) = if let Some(length) = asked.any(start, "what does|what did|what do") {
        let verb = (start + length + 1..end).find(|at| {
            let length = asked.any(*at, TELL);
            length.is_some_and(|length| at + length == end)
        })?;
        (start + length, verb)
    } else {
        (start + asked.any(start, SPANISH)?, end)
    };
    // "What does the contract say about dogs?" asks for one thing of it.
    let is_part = |at: usize| {
        matches!(
            asked.word(at),
            "about" | "on" | "sobre" | "acerca" | "respecto"
        )
    };
    if (from..to).any(is_part) {
        return None;
    }
    let plan = summary_of(asked, about, today, from, to)?;
    plan.filters.is_empty().then_some(plan)
}

/// "Summarise it", "resúmelo": what the conversation speaks of.
fn summary_of_said(asked: &Asked<'_>, start: usize) -> Option<Plan> {
    const SAID: &str = "summarise|summarize|summarise it|summarize it|summarise this|summarize this|summarise that|\
    summarize that|summarise them|summarize them|resume|resumelo|resumela|resumelos|resumelas|\
    resume esto|resume eso|tldr";
    let length = asked.any(start, SAID)?;
    (start + length == asked.len()).then(|| Plan::of(Kind::Summary))
}

fn summary_of(
    asked: &Asked<'_>,
    about: &About,
    today: Date,
    from: usize,
    to: usize,
) -> Option<Plan> {
    let target = without_article(asked, from, to);
    if target.is_empty() {
        return None;
    }
    let is_title = about.titled(target).is_some_and(|title| {
        let (title, target) = (words(title), words(target));
        title.len() == target.len()
    });
    let filters = if is_title || to < asked.len() {
        None
    } else {
        scope(asked, about, today, from)
    };
    let target = filters.is_none().then(|| target.to_owned());
    Some(Plan {
        filters: filters.unwrap_or_default(),
        named: target
            .as_deref()
            .and_then(|target| about.titled(target))
            .map(str::to_owned),
        target,
        ..Plan::of(Kind::Summary)
    })
}

/// The kind of a question that passages answer. When unsure, a fact.
pub(super) fn of_passages(asked: &Asked<'_>, about: &About, today: Date) -> Plan {
    let start = asked.past(0, COURTESY);
    let filters = hints(asked, about, today);
    let compares = is_comparison(asked, start);
    let (kind, target) = if compares {
        (Kind::Comparison, None)
    } else if is_explanation(asked, start) {
        (Kind::Explanation, None)
    } else if let Some(target) = definition(asked, start).filter(|_| filters.period.is_none()) {
        (Kind::Definition, Some(target))
    } else if is_items(asked, start) {
        (Kind::Items, None)
    } else if is_yes_no(asked, start) {
        (Kind::YesNo, None)
    } else if filters.period.is_some() || is_recent(asked) {
        (Kind::TimeBound, None)
    } else {
        (Kind::Fact, None)
    };
    Plan {
        filters,
        named: about.titled(asked.text).map(str::to_owned),
        target,
        compared: if compares {
            sides::compared(asked, start)
        } else {
            None
        },
        halves: if compares {
            None
        } else {
            halves::halves(asked)
        },
        ..Plan::of(kind)
    }
}

fn is_comparison(asked: &Asked<'_>, start: usize) -> bool {
    const OPENERS: &str = "compare|what is the difference between|what s the difference between|\
    what are the differences between|difference between|differences between|how do i compare|\
    compara|cual es la diferencia entre|que diferencia hay entre|que diferencias hay entre|\
    cuales son las diferencias entre|diferencia entre|diferencias entre|en que se diferencian|\
    en que se diferencia";
    const COMPARATIVES: [&str; 30] = [
        "cheaper", "nearer", "closer", "bigger", "larger", "smaller", "longer", "shorter", "older",
        "newer", "younger", "better", "worse", "higher", "lower", "faster", "slower", "heavier",
        "lighter", "earlier", "later", "easier", "harder", "warmer", "colder", "further",
        "farther", "stronger", "taller", "dearer",
    ];
    const SPANISH: [&str; 8] = [
        "mejor", "peor", "mayor", "menor", "mas", "menos", "antes", "despues",
    ];
    if asked.any(start, OPENERS).is_some()
        || asked.has("vs|versus|compared to|comparado con|frente a")
    {
        return true;
    }
    let than = (start..asked.len()).any(|at| {
        let is_than = asked.word(at) == "than"
            && asked.amount(at + 1).is_none()
            && asked.number(at + 1).is_none();
        is_than
            && (COMPARATIVES.contains(&asked.word(at - usize::from(at > 0)))
                || asked.has("more|less"))
    });
    let asks_which = asked
        .any(start, "which|who|what|which of the two")
        .is_some();
    let is_comparative = |at: &usize| {
        COMPARATIVES.contains(&asked.word(*at))
            || (asked.word(*at) == "more" && asked.word(*at + 1) != "than")
    };
    // "The earlier one" names one of two; "is earlier" compares.
    let says_which = asks_which
        && (start + 1..asked.len())
            .filter(|at| !matches!(asked.word(at - 1), "the" | "a" | "any" | "no"))
            .any(|at| is_comparative(&at));
    let asks_cual = asked
        .any(
            start,
            "cual|que|quien|cual de los dos|cual de las dos|cuales",
        )
        .is_some();
    let says_cual = asks_cual
        && (start + 2..asked.len())
            .filter(|at| {
                asked
                    .any(
                        at - 1,
                        "es|son|esta|estan|queda|cuesta|tiene|fue|dura|vale|llega|sale",
                    )
                    .is_some()
            })
            .any(|at| {
                SPANISH.contains(&asked.word(at)) && asked.any(at, "mas de|menos de").is_none()
            });
    than || says_which
        || says_cual
        || is_more_than(asked, start)
        || sides::asks_which_of_two(asked, start)
}

/// "¿Es más barato A que B?", "¿A es más barato que B?"
fn is_more_than(asked: &Asked<'_>, start: usize) -> bool {
    const VERBS: &str = "es|son|esta|estan|cuesta|cuestan|tiene|era|fue|queda|dura";
    let is_joint = |at: usize| asked.word(at) == "que" && asked.amount(at + 1).is_none();
    asked.has(VERBS)
        && (start..asked.len()).any(|at| {
            let is_more = matches!(asked.word(at), "mas" | "menos") && asked.word(at + 1) != "de";
            is_more && !is_joint(at + 1) && (at + 2..asked.len()).any(is_joint)
        })
}

fn is_explanation(asked: &Asked<'_>, start: usize) -> bool {
    const OPENERS: &str = "why|how do|how does|how did|how can|how could|how should|how to|how would|how is|how are|\
    how was|how were|how has|how have|how must|explain|explain how|what is the reason|\
    what s the reason|for what reason|what causes|what caused|por que|porque|como|explica|explicame|\
    cual es la razon|cual fue la razon|cual es el motivo|cual fue el motivo|de que manera|\
    a que se debe|a que se debio|para que|pourquoi|comment|warum|wieso|weshalb|wie|perche|waarom|\
    hoe|how come|about|tell me about|hablame de|hablame del|hablame sobre|cuentame|describe|\
    describeme|what made|what led to";
    const NO: &str = "como se llama|como se llaman|como se llamaba|como se titula|como se dice|como se escribe|\
    como se apellida|how do you say|how do you spell|how do you write|how does one spell|wie viele|\
    wie viel|wie hoch|wie lange|wie alt|wie heisst|wie oft|comment s appelle|hoe veel|hoe oud|\
    hoe lang|hoe heet|hoe laat|hoe ver|hoe vaak|hoe groot|hoe hoog|how is it called|\
    how is it spelled|como de|wie gross|wie weit|wie spat";
    asked.any(start, OPENERS).is_some() && asked.any(start, NO).is_none()
}

/// What is to be defined.
fn definition(asked: &Asked<'_>, start: usize) -> Option<String> {
    const DEFINE: &str = "define|definition of|the definition of|what is the definition of|meaning of|the meaning of|\
    what is the meaning of|what s the meaning of|que significa|que significan|que quiere decir|\
    significado de|definicion de|la definicion de|cual es el significado de|\
    cual es la definicion de|what is meant by|que se entiende por|was bedeutet|que signifie|\
    cosa significa|wat betekent";
    const IS: &str = "what is a|what is an|what s a|what s an|what are|what is|what s|que es un|que es una|que es|\
    que son|que son los|was ist|was sind|qu est ce que|c est quoi|che cos e|cos e|o que e|wat is";
    /// Words that make a definite thing of what follows, whose value is asked.
    const DEFINITE: [&str; 22] = [
        "the", "my", "our", "your", "his", "her", "its", "their", "this", "that", "these", "those",
        "mi", "mis", "su", "sus", "lo", "eso", "esto", "in", "on", "there",
    ];
    if let Some(length) = asked.any(start, "what does|what do")
        && matches!(asked.word(asked.len() - 1), "mean" | "means")
    {
        let target = without_article(asked, start + length, asked.len() - 1);
        return (!target.is_empty()).then(|| target.to_owned());
    }
    if let Some(length) = asked.any(start, DEFINE) {
        let target = without_article(asked, start + length, asked.len());
        return (!target.is_empty()).then(|| target.to_owned());
    }
    let length = asked.any(start, IS)?;
    let rest = start + length..asked.len();
    let is_short = (1..=4).contains(&rest.len());
    let is_definite = DEFINITE.contains(&asked.word(rest.start));
    let is_english = asked.word(start) == "what";
    let relates = rest.clone().any(|at| {
        let word = asked.word(at);
        let relation = matches!(
            word,
            "s" | "for" | "of" | "in" | "at" | "on" | "from" | "to" | "with" | "than" | "about"
        );
        (is_english && relation)
            || word
                .bytes()
                .any(|byte| byte.is_ascii_digit() && word.len() < 3)
    });
    let is_spanish_definite = !is_english && asked.has("mas|mejor|peor|lo que");
    let says = is_short && !is_definite && !relates && !is_spanish_definite;
    says.then(|| without_article(asked, rest.start, rest.end).to_owned())
}

/// A list of things within a document.
fn is_items(asked: &Asked<'_>, start: usize) -> bool {
    const OPENERS: &str = "list|list all|list the|enumerate|name all|name the|what are the|what are all the|which are the|\
    give me the list of|give me a list of|what are the steps|make a list of|give me all the|lista|\
    listame|enumera|haz una lista de|hazme una lista de|dame la lista de|dame una lista de|\
    cuales son los|cuales son las|que ingredientes|what ingredients|which ingredients|what steps|\
    que pasos|dime los|dime las|which things|what things|que cosas|cita los";
    asked.any(start, OPENERS).is_some()
}

fn is_yes_no(asked: &Asked<'_>, start: usize) -> bool {
    const ENGLISH: &str = "is|are|was|were|do|does|did|can|could|may|must|should|will|would|has|have|had|am|shall|isn t|\
    aren t|wasn t|don t|doesn t|didn t|can t|won t|is there|are there|might|need i|est ce que|ist|\
    sind|kann|darf|gibt es|hat|muss";
    const VERBS: &str = "es|son|esta|estan|hay|tiene|tienen|tengo|tenemos|puedo|puede|pueden|podemos|se puede|se pueden|\
    se admite|se admiten|admite|admiten|debo|debe|deben|debemos|hace|incluye|incluyen|necesito|\
    necesita|necesitan|fue|fueron|era|eran|habia|ha|han|permite|permiten|se permite|se permiten|\
    existe|existen|cabe|funciona|acepta|aceptan|sabe|vive|lleva|cubre|sigue|paga|vale|dijo|pidio|\
    pago|firmo|llego|va|van|hubo|tuvo|queda|quedan|viene|esta permitido|podra|podran|podre|podremos|podria|podrian|\
    sera|seran|tendra|tendran|habra|hara|hacia|tenia|sirve|sirven|entra|entran|abre|abren|cierra|cierran";
    // Nobody writes so of what is, only asks.
    const ASKS: &str = "se puede|se pueden|se admite|se admiten|se permite|se permiten|puedo|podemos|esta permitido|\
    estan permitidos|estan permitidas|hay que|hace falta|es obligatorio|es necesario";
    const INTERROGATIVES: [&str; 20] = [
        "que", "quien", "quienes", "cual", "cuales", "cuando", "cuanto", "cuanta", "cuantos",
        "cuantas", "donde", "adonde", "como", "porque", "what", "who", "which", "when", "where",
        "how",
    ];
    const TAGS: &str = "right|correct|isn t it|doesn t it|verdad|no es asi|no es cierto|a que si|cierto|is that right";
    let is_choice = asked.has("or|o|oder|u");
    if is_choice {
        return false;
    }
    let start = past_condition(asked, past_preface(asked, start));
    let ends_with_tag = (start + 2..asked.len()).any(|at| {
        asked
            .any(at, TAGS)
            .is_some_and(|length| at + length == asked.len())
            && asked.text.contains('?')
    });
    if asked.any(start, ENGLISH).is_some() || ends_with_tag {
        return true;
    }
    let has_verb = |at: usize| asked.any(at, VERBS).is_some();
    let says_spanish = asked.text.contains('¿')
        || (asked.text.contains('?') && has_verb(start))
        || asked.any(start, ASKS).is_some();
    let asks = (0..asked.len())
        .any(|at| INTERROGATIVES.contains(&asked.word(at)) && !is_conjunction(asked, at));
    let continues = matches!(asked.word(0), "y" | "o" | "pero");
    if asks || continues {
        return false;
    }
    // "The bread that has flour" says nothing of it.
    let is_relative =
        |at: usize| at > 0 && matches!(asked.word(at - 1), "que" | "that" | "which" | "who");
    let tells = |at: usize| has_verb(at) && !is_relative(at);
    // "El pan de higos lleva harina", "the fig bread has flour?"
    let states = |at: usize| {
        let is_asked = asked.text.contains('?') && asked.any(at, STATES).is_some();
        tells(at) || is_asked && !is_relative(at)
    };
    if asked.any(start, DETERMINERS).is_some() && (start + 2..asked.len()).any(states) {
        return true;
    }
    let is_verb_first = asked.text.contains('¿') && begins_with_verb(asked, start);
    says_spanish && (is_verb_first || (start..asked.len()).any(tells))
}

const DETERMINERS: &str = "the|my|our|his|her|their|this|that|el|la|los|las|mi|mis|nuestro|nuestra|nuestros|nuestras|su|sus|\
    este|esta|ese|esa";

/// What a statement that is asked says of its subject: "The fig bread has flour?"
const STATES: &str =
    "is|are|was|were|has|have|had|can|does|did|will|needs|includes|takes|allows|covers";

/// Whether a Spanish question begins with what somebody does: "¿Quiere la gestoría …?", "¿Se aprobó …?", "¿Vino Ana?"
fn begins_with_verb(asked: &Asked<'_>, start: usize) -> bool {
    const BEFORE: &str = "se me te le les nos os lo no ya";
    const BEHIND: &str = "el la los las un una unos unas mi mis tu tus su sus nuestro nuestra nuestros nuestras este esta estos \
        estas ese esa que me te se ya a algo alguien alguna algun algunos algunas todo toda todos todas bien mal";
    const NEVER: &str = "de del en con por para a al sobre segun entre desde hasta sin el la los las un una mi tu su y o pero si";
    let (first, second) = (asked.word(start), asked.word(start + 1));
    if listed(BEFORE, first) {
        return asked.len() > start + 1;
    }
    if listed(NEVER, first) || !first.ends_with(['a', 'e', 'o', 's', 'n']) {
        return false;
    }
    let is_infinitive = ["ar", "er", "ir"]
        .iter()
        .any(|end| second.len() > 4 && second.ends_with(end));
    let is_name = start + 1 < asked.len()
        && asked
            .span(start + 1..start + 2)
            .starts_with(char::is_uppercase);
    is_plural_verb(first) || listed(BEHIND, second) || is_infinitive || is_name
}

/// Where a question begins behind what leads up to it: "Con el seguro, ¿nos pagan el robo?"
fn past_preface(asked: &Asked<'_>, start: usize) -> usize {
    let Some(mark) = asked.text.rfind('¿') else {
        return start;
    };
    let behind = asked.words.iter().position(|word| word.span.start > mark);
    behind.unwrap_or(start).max(start)
}

/// Where a question begins behind its condition: "If a window breaks, are we insured?"
fn past_condition(asked: &Asked<'_>, start: usize) -> usize {
    if !matches!(asked.word(start), "if" | "si") {
        return start;
    }
    let between = |at: usize| &asked.text[asked.words[at - 1].span.end..asked.words[at].span.start];
    let behind = (start + 2..asked.len()).find(|at| between(*at).starts_with(','));
    behind.unwrap_or(start)
}

/// Whether a Spanish word that a question begins with is what somebody does: "¿Cogen …?", "¿Pagamos …?"
fn is_plural_verb(word: &str) -> bool {
    const ENDINGS: [&str; 4] = ["an", "en", "mos", "ron"];
    const NOUNS: &str =
        "imagen orden examen margen volumen resumen origen plan pan buen gran tan bien quien joven";
    ENDINGS.iter().any(|ending| word.ends_with(ending)) && !listed(NOUNS, word)
}

/// "Que" behind the beginning is seldom a question: "¿Hay algo que pagar?"
fn is_conjunction(asked: &Asked<'_>, at: usize) -> bool {
    asked.word(at) == "que"
        && at > 0
        && !matches!(
            asked.word(at - 1),
            "a" | "de" | "en" | "con" | "por" | "para" | "y"
        )
}

/// Whether the newest of several is asked for.
fn is_recent(asked: &Asked<'_>) -> bool {
    const RECENT: &str = "latest|most recent|newest|current|currently|now|today|upcoming|the next|my next|the last|\
    my last|our last|last time|so far|at the moment|nowadays|la ultima|el ultimo|las ultimas|\
    los ultimos|mi ultima|mi ultimo|ultima vez|mas reciente|mas recientes|actual|actualmente|ahora|\
    ahora mismo|proxima|proximo|a dia de hoy|these days|by now|hoy en dia|por fin|al final|ultimamente";
    // "When was the boiler last serviced?"
    let last_done = (1..asked.len()).any(|at| {
        asked.word(at) == "last" && (asked.word(at + 1).ends_with("ed") || asked.has("when did"))
    });
    asked.has(RECENT) || last_done
}

pub(super) fn without_article<'a>(asked: &Asked<'a>, from: usize, to: usize) -> &'a str {
    const ARTICLES: &str = "the|a|an|my|our|this|that|el|la|los|las|un|una|mi|mis|nuestro|nuestra|este|esta|lo|all the|\
    all my";
    let start = asked.past(from, ARTICLES);
    if start >= to {
        ""
    } else {
        asked.span(start..to)
    }
}
