//! How an answer is made: first the words of a document that answer, then what they answer.
//!
//! A small model copies better than it tells, and must not be the judge of what is absent. So it chooses among the
//! sentences of the passages, of which one must be said; whether that one speaks of what was asked is checked
//! afterwards, and what it answers are words of it.

use std::ops::Range;

use vade_models::ModelsError;
use vade_models::language::{Candidate, Form, Generation, Request, Summary};

use crate::ask::{Asking, Events, Timings, elapsed};
use crate::cite::{Attribution, Citation, Quote, cite, is_short_word, quotes};
use crate::error::Result;
use crate::expected::Expected;
use crate::language::Language;
use crate::passage::Passage;
use crate::plan::Kind;
use crate::prompt::{self, Excerpt, Task};
use crate::proof::Claim;
use crate::writer::{Piece, Writer, without_markers};

/// Tokens of a phrase, and of a sentence in the model's own words, at most.
const PHRASE: usize = 48;
const SENTENCE: usize = 80;

/// A longer sentence (bytes) is shown without its phrase being said first.
const WHOLE: usize = 3;

/// What an answer looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A phrase, and the sentence it stands in.
    Phrase,
    /// Yes or no, and the sentence that says so.
    YesNo,
    /// Sentences of the model's own.
    Explanation,
}

impl Shape {
    pub(crate) fn of(kind: Kind) -> Self {
        match kind {
            Kind::YesNo => Self::YesNo,
            Kind::Explanation | Kind::Items | Kind::Comparison | Kind::Definition => {
                Self::Explanation
            }
            _ => Self::Phrase,
        }
    }
}

/// What came of asking.
pub(crate) enum Said {
    Found {
        answer: String,
        phrase: Option<String>,
        citations: Vec<Citation>,
    },
    /// No passage answers.
    Nothing,
}

/// A question that is put to the model, step by step.
pub(crate) struct Asked<'a> {
    asking: &'a Asking<'a>,
    events: &'a Events,
    prepared: f64,
    summaries: Vec<Summary>,
    first_shown: Option<f64>,
}

impl<'a> Asked<'a> {
    pub(crate) fn new(asking: &'a Asking<'a>, events: &'a Events) -> Self {
        Self {
            asking,
            events,
            prepared: elapsed(asking.started),
            summaries: Vec::new(),
            first_shown: None,
        }
    }

    /// Answers with a phrase or with yes or no, and the sentence that says so; none when nobody listens any more.
    pub(crate) async fn quote(
        &mut self,
        shape: Shape,
        excerpts: &[Excerpt],
    ) -> Result<Option<Said>> {
        let candidates = candidates(excerpts, &self.asking.text);
        if candidates.is_empty() {
            return Ok(Some(Said::Nothing));
        }
        let texts = copies(
            &candidates,
            &self.asking.text,
            self.asking.context.as_deref(),
        );
        let task = Task::Quote;
        let Some((_, summary)) = self
            .say(task, excerpts, prompt::QUOTE, Form::OneOf(texts))
            .await?
        else {
            return Ok(None);
        };
        let Some(choice) = summary.choice else {
            return Ok(Some(Said::Nothing));
        };
        let quote = &candidates[choice.index / COPIES];
        let begun = format!("{} \"{}\"\n", prompt::QUOTE, quote.text);
        let weight: f32 = choice.weights[choice.index / COPIES * COPIES..]
            .iter()
            .take(COPIES)
            .sum();
        let question = Claim::of(&self.asking.text);
        let passage = &excerpts[quote.passage].passage;
        let (lacks, _) = question.lacks(&format!("{} {}", quote.around, passage.text));
        let terms = question.proven_by(quote.text, &quote.around).terms;
        let near = question.proven_by(&passage.text, &quote.around).terms;
        let foreign = self.is_foreign(quote.text);
        let found = Evidence {
            weight,
            terms,
            near: if foreign { UNTOLD } else { near },
            likelihood: choice.likelihood,
            lacks,
        };
        tracing::debug!(?found, score = found.score(), quote = quote.text, "quoted");
        if !found.suffices() {
            return Ok(Some(Said::Nothing));
        }
        let citation = cite(passage, quote.span.clone());
        let answer = match shape {
            Shape::YesNo => {
                let [yes, no] = self.asking.language.yes_no();
                let begun = format!("{begun}Question: {}\nAnswer yes or no:", self.asking.text);
                let form = Form::OneOf([" yes", " no"].map(Candidate::new).to_vec());
                let Some((words, _)) = self.say(task, excerpts, &begun, form).await? else {
                    return Ok(None);
                };
                let denies = question.is_denied_by(quote.text);
                let is_yes = words == " yes" && !denies;
                Some(if is_yes { yes } else { no }.to_owned())
            }
            Shape::Phrase | Shape::Explanation => {
                let begun = format!("{begun}Answer:");
                let Some(words) = self.phrase(excerpts, &begun, quote).await? else {
                    return Ok(None);
                };
                Some(words)
            }
        };
        let phrase = answer.filter(|phrase| !phrase.is_empty());
        let mut text = String::new();
        if foreign {
            let begun = format!("{begun}In {}, in one sentence: ", self.asking.language.name);
            let Some((words, _)) = self.say(task, excerpts, &begun, Form::Free).await? else {
                return Ok(None);
            };
            let words = words.trim().trim_matches('"');
            let (lacks, _) = Claim::of(words).lacks(&format!(
                "{} {} {}",
                quote.around, passage.text, self.asking.text
            ));
            if lacks == 0 {
                words.clone_into(&mut text);
            }
        }
        if text.is_empty() {
            text = worded(
                phrase.as_deref(),
                &without_mark(quote.text).replace("**", ""),
            );
        }
        text += &format!(" [{}]", citation.marker);
        self.show(&text, &citation).await;
        Ok(Some(Said::Found {
            answer: text,
            phrase: phrase.filter(|_| shape != Shape::Explanation),
            citations: vec![citation],
        }))
    }

    /// Whether a text is in another language than the question.
    fn is_foreign(&self, text: &str) -> bool {
        let asked = self.asking.language;
        Language::of(text, Some(asked)) != asked
    }

    /// The words that answer: what the model says in short where the quote says just that, else words of the quote.
    async fn phrase(
        &mut self,
        excerpts: &[Excerpt],
        begun: &str,
        quote: &Quote<'_>,
    ) -> Result<Option<String>> {
        let task = Task::Quote;
        let Some((own, _)) = self.say(task, excerpts, begun, Form::Free).await? else {
            return Ok(None);
        };
        let own = trimmed(&own);
        if stands_in(own, quote.text) {
            return Ok(Some(own.to_owned()));
        }
        let form = Form::SpanOf(quote.text.to_owned());
        let begun = format!("{begun} \"");
        let Some((words, _)) = self.say(task, excerpts, &begun, form).await? else {
            return Ok(None);
        };
        // "24 months" for "twenty-four months".
        let claim = Claim::of(own);
        let kept = claim.has_number()
            && claim.proven_by(quote.text, &quote.around).holds()
            && own
                .split(|c: char| !c.is_alphabetic())
                .all(|word| stands_in(word, quote.text) || word.is_empty());
        Ok(Some(if kept { own } else { trimmed(&words) }.to_owned()))
    }

    /// Answers in the model's own words, each sentence of them proven.
    pub(crate) async fn explain(&mut self, excerpts: &[Excerpt]) -> Result<Option<Said>> {
        let Some((words, _)) = self.say(Task::Explain, excerpts, "", Form::Free).await? else {
            return Ok(None);
        };
        let passages: Vec<Passage> = excerpts.iter().map(|one| one.passage.clone()).collect();
        let mut writer = Writer::new(Attribution::new(&passages, &self.asking.text));
        let mut pieces = writer.push(&words);
        pieces.extend(writer.finish());
        let (answer, citations) = writer.into_parts();
        // What nothing proves has been taken out of it.
        if citations.is_empty() || without_markers(&answer).trim().is_empty() {
            return self.quote(Shape::Explanation, excerpts).await;
        }
        self.note_first();
        self.events.send_all(pieces).await;
        Ok(Some(Said::Found {
            answer,
            phrase: None,
            citations,
        }))
    }

    /// What the model says after `begun`, in a form; none when nobody listens any more.
    async fn say(
        &mut self,
        task: Task,
        excerpts: &[Excerpt],
        begun: &str,
        form: Form,
    ) -> Result<Option<(String, Summary)>> {
        let asking = self.asking;
        let settings = &asking.retriever.answers;
        let request = Request {
            messages: prompt::messages(
                task,
                excerpts,
                &asking.history,
                &asking.text,
                asking.language,
            ),
            begun: begun.to_owned(),
            max_tokens: match (&form, task) {
                (Form::Free, Task::Explain) => settings.answer_tokens,
                (Form::Free, Task::Quote) => SENTENCE,
                _ => PHRASE,
            },
            form,
            sampling: asking.sampling(),
            stop: match task {
                Task::Quote => vec!["\n".to_owned()],
                Task::Explain => vec!["\nQuestion:".to_owned()],
            },
            endless: false,
            drafting: settings.drafting,
        };
        let model = asking.question.model.as_deref();
        let mut stream = asking.retriever.model.generate(model, request)?;
        let mut said = String::new();
        loop {
            let next = tokio::select! {
                biased;
                () = self.events.gone() => return Ok(None),
                next = stream.recv() => next,
            };
            match next {
                Some(Generation::Text(piece)) => said.push_str(&piece),
                Some(Generation::Done(summary)) => {
                    self.summaries.push(summary.clone());
                    return Ok(Some((said, summary)));
                }
                Some(Generation::Failed(error)) => return Err(error.into()),
                None => return Err(ModelsError::Stopped.into()),
            }
        }
    }

    async fn show(&mut self, text: &str, citation: &Citation) {
        self.note_first();
        let pieces = vec![
            Piece::Text(text.to_owned()),
            Piece::Citation(citation.clone()),
        ];
        self.events.send_all(pieces).await;
    }

    fn note_first(&mut self) {
        let now = elapsed(self.asking.started);
        self.first_shown.get_or_insert(now);
    }

    /// Where the time went.
    pub(crate) fn timings(&self, retrieve_ms: f64) -> Timings {
        let first = self.summaries.first();
        let last = self.summaries.last();
        Timings {
            retrieve_ms,
            prepare_ms: self.prepared - retrieve_ms,
            read_ms: first.map_or(0.0, |summary| summary.first_token_ms),
            prompt_tokens: first.map_or(0, |summary| summary.prompt_tokens),
            cached_tokens: first.map_or(0, |summary| summary.cached_tokens),
            first_token_ms: self
                .first_shown
                .unwrap_or_else(|| elapsed(self.asking.started)),
            tokens: self.summaries.iter().map(|summary| summary.tokens).sum(),
            tokens_per_second: last.map_or(0.0, |summary| summary.tokens_per_second),
            drafted_tokens: self.summaries.iter().map(|one| one.drafted_tokens).sum(),
            accepted_tokens: self.summaries.iter().map(|one| one.accepted_tokens).sum(),
        }
    }
}

/// Without white space and signs around it that belong to a sentence.
fn trimmed(words: &str) -> &str {
    let words =
        words.trim_matches(|c: char| c.is_whitespace() || matches!(c, '|' | ',' | ';' | ':' | '"'));
    let point = words.strip_suffix('.');
    // "a.m." and "St." keep theirs.
    point.filter(|words| !is_short_word(words)).unwrap_or(words)
}

/// Whether words stand in a text as they are, but for capitals.
fn stands_in(words: &str, text: &str) -> bool {
    !words.is_empty() && text.to_lowercase().contains(&words.to_lowercase())
}

/// A phrase with the sentence that it stands in; the sentence alone where it is hardly longer.
fn worded(phrase: Option<&str>, sentence: &str) -> String {
    match phrase {
        Some(phrase) if sentence.len() > phrase.len() + WHOLE => {
            format!("**{phrase}** — {sentence}")
        }
        _ => sentence.to_owned(),
    }
}

/// In how many ways a sentence is copied: as it stands, and without the signs that it begins with.
const COPIES: usize = 2;

/// How much a sentence is favoured that has all words of the question (nats).
const FAVOUR: f32 = 6.0;

/// How much the words count that the question leans on, beside its own.
const CONTEXT: f32 = 0.35;

/// How much the words count that a sentence stands under.
const UNDER: f32 = 0.3;

/// What the model may copy: each quote in its ways, the one for which the question's words speak favoured. Words that
/// few quotes have speak more; so does what the question expects.
fn copies(quotes: &[Quote<'_>], question: &str, context: Option<&str>) -> Vec<Candidate> {
    let texts = || quotes.iter().map(|quote| quote.text);
    let claim = Claim::of(question);
    let own = claim.shares(texts());
    let under = claim.shares(quotes.iter().map(|quote| quote.around.as_str()));
    let context = Claim::of(context.unwrap_or_default()).shares(texts());
    let expected = Expected::of(question);
    let mut copies = Vec::with_capacity(COPIES * quotes.len());
    for (place, quote) in quotes.iter().enumerate() {
        let words = own[place] + UNDER * under[place] + CONTEXT * context[place];
        let kind = expected.map_or(0.0, |expected| expected.favour(quote.text));
        let favour = FAVOUR * words + kind;
        let copy = |text: &str| Candidate {
            text: format!(" \"{text}\""),
            favour,
        };
        let plain = without_mark(quote.text);
        copies.push(copy(quote.text));
        copies.push(if plain.len() < quote.text.len() {
            copy(plain)
        } else {
            Candidate::new("")
        });
    }
    copies
}

/// A line without what makes it an item, a task, a row or bold.
fn without_mark(line: &str) -> &str {
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

/// The texts that could answer a question: each sentence, row and line of the passages, once. Where some passages
/// have all the names and numbers of the question, the others speak of something else.
fn candidates<'a>(excerpts: &'a [Excerpt], question_text: &str) -> Vec<Quote<'a>> {
    let question = Claim::of(question_text);
    let lacks: Vec<usize> = excerpts
        .iter()
        .map(|Excerpt { passage, .. }| {
            let text = format!("{} {}", passage.around(), passage.text);
            question.lacks(&text).0
        })
        .collect();
    let fewest = lacks.iter().copied().min().unwrap_or_default();
    let mut all: Vec<Quote<'a>> = Vec::new();
    for (place, excerpt) in excerpts.iter().enumerate() {
        if lacks[place] > fewest {
            continue;
        }
        let is_read = |span: &Range<usize>| {
            let mut parts = excerpt.parts.iter();
            parts.any(|part| part.start <= span.start && span.end <= part.end)
        };
        for quote in quotes(&excerpt.passage, place) {
            let known = all.iter().any(|one| one.text == quote.text);
            let is_one = quote.sentences == 1 && says_something(quote.text);
            let is_of_another = question.is_of_another(quote.text, &quote.around);
            if is_one && is_read(&quote.span) && !known && !is_of_another {
                all.push(quote);
            }
        }
    }
    let Some(expected) = Expected::of(question_text) else {
        return all;
    };
    if expected.is_needed() {
        all.retain(|quote| expected.is_in(quote.text));
    }
    all
}

/// What speaks for a quote as an answer.
#[derive(Debug, Clone, Copy)]
struct Evidence {
    /// How much likelier it was than the others, favours counted.
    weight: f32,
    /// The share of the question's words that it or what it stands under has.
    terms: f32,
    /// The share that its passage has.
    near: f32,
    /// How likely the model was to copy it by itself.
    likelihood: f32,
    /// Names and numbers of the question that its passage lacks.
    lacks: usize,
}

/// The share that stands for words that cannot be compared, those of another language.
const UNTOLD: f32 = 0.5;

/// The least score of a quote that answers.
const ANSWERS: f32 = -0.25;

impl Evidence {
    /// The log odds that the quote answers: a logistic regression on 61 quotes (BENCHMARKS.md), of which 38 did.
    fn score(self) -> f32 {
        let likelihood = (self.likelihood + f32::MIN_POSITIVE).log10().max(-12.0);
        let lacks = f32::from(u8::from(self.lacks > 0)) + f32::from(u8::from(self.lacks > 1));
        -2.0 + 2.4 * self.weight + 1.5 * self.terms + 0.9 * self.near + 0.1 * likelihood
            - 0.25 * lacks
    }

    /// Whether the quote speaks of what is asked.
    fn suffices(self) -> bool {
        self.score() >= ANSWERS
    }
}

/// Whether a line can answer anything: no heading, no rule, no header row.
fn says_something(line: &str) -> bool {
    let letters = line.chars().filter(|c| c.is_alphanumeric()).count();
    letters > 1 && !line.starts_with('#')
}
