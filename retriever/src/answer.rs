//! How an answer is made: first the words of a document that answer, then what they answer.
//!
//! A small model copies better than it tells, and must not be the only judge of what is absent. So the sentences of the
//! passages are put in order, it says of the best of them, one by one, whether they answer, and that is weighed with
//! all else that speaks for them; what is answered are words of the one that is chosen. What is several questions is
//! asked part by part; what they find is compared by the program.

mod choice;
mod evidence;
mod foreign;
mod judging;
mod rivals;
mod rows;
mod wording;

use vade_models::ModelsError;
use vade_models::language::{Candidate, Form, Generation, Message, Request, Summary};

use crate::ask::{Asking, Events, Timings, elapsed};
use crate::calendar::Period;
use crate::cite::{Attribution, Citation, Quote, cite};
use crate::error::Result;
use crate::excerpt;
use crate::expected::Expected;
use crate::hop;
use crate::nearness::Nearness;
use crate::passage::Passage;
use crate::plan::{Compared, Kind, Measure};
use crate::prompt::{self, Excerpt, Task, Then};
use crate::proof::Claim;
use crate::versus;
use crate::writer::{Writer, without_markers};
use choice::candidates;
use rows::clause;
use wording::{plain, repeats, stands_in, trimmed, worded};

/// Tokens of a phrase, and of a sentence in the model's own words, at most.
const PHRASE: usize = 48;
const SENTENCE: usize = 80;

/// Things that are compared at once, at most.
const COMPARED: usize = 5;

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

/// One question of those that a person's is, and what it is answered from.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    /// As it is put to the model.
    pub text: String,
    pub shape: Shape,
    /// Names of what it is not about.
    pub apart_from: Option<String>,
    /// The documents that the conversation speaks of, where it goes on.
    pub spoken_of: Vec<String>,
    /// What it leans on: names of another document.
    pub context: Option<String>,
    /// The sentences that name what is asked, where another document tells of it, the best first.
    pub links: Vec<Citation>,
    /// Of a comparison: the thing that it asks of.
    pub side: Option<String>,
    /// Whether the newest of several is asked for.
    pub recent: bool,
    /// The span of time that is asked of.
    pub period: Option<Period>,
    /// Nothing where the documents do not speak of it.
    pub excerpts: Vec<Excerpt>,
    /// How near in meaning their sentences are.
    pub nearness: Nearness,
}

impl Part {
    /// How near in meaning a quote is among the others.
    fn near(&self, quote: &Quote<'_>) -> f32 {
        let passage = &self.excerpts[quote.passage].passage;
        self.nearness.of(passage, &quote.span)
    }

    /// Whether it goes on from the question before it.
    fn goes_on(&self) -> bool {
        !self.spoken_of.is_empty()
    }

    /// Whether the conversation speaks of its document.
    fn is_spoken_of(&self, quote: &Quote<'_>) -> bool {
        let document = &self.excerpts[quote.passage].passage.document;
        self.spoken_of.contains(document)
    }

    /// How near in meaning it is to the question.
    fn meaning(&self, quote: &Quote<'_>) -> Option<f32> {
        let passage = &self.excerpts[quote.passage].passage;
        self.nearness.whole(passage, &quote.span)
    }

    /// The sentence of another document that names what a quote is of.
    fn link(&self, quote: &Quote<'_>) -> Option<&Citation> {
        if self.links.is_empty() {
            return None;
        }
        let document = &self.excerpts[quote.passage].passage.document;
        let line = format!("{} {}", quote.around, quote.text);
        let leads = |link: &&Citation| {
            link.document != *document && hop::leads_to(&link.quote, &line, &self.text)
        };
        self.links.iter().find(leads)
    }

    /// The same question, of which only this quote is read, with its neighbours.
    fn reading(&self, quote: &Quote<'_>) -> Self {
        let mut part = self.clone();
        for excerpt in &mut part.excerpts {
            excerpt.parts.clear();
        }
        let excerpt = &mut part.excerpts[quote.passage];
        excerpt.parts = excerpt::around(&excerpt.passage.text, quote.span.start);
        part
    }

    /// What kind of thing answers it.
    fn expected(&self) -> Option<Expected> {
        match self.shape {
            Shape::YesNo => None,
            _ => Expected::of(&self.text),
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

    /// Answers a question of one part or of several; none when nobody listens any more.
    pub(crate) async fn answer(&mut self, parts: &[Part]) -> Result<Option<Said>> {
        let said = match (&self.asking.plan.compared, parts) {
            (Some(compared), [one, other]) => self.compare(compared, [one, other]).await?,
            (Some(compared), [part]) if compared.sides.is_none() => {
                match self.outermost(compared, part) {
                    Some(said) => Some(said),
                    None => self.part(part).await?,
                }
            }
            (_, [part]) => self.part(part).await?,
            _ => self.each(parts).await?,
        };
        if let Some(Said::Found {
            answer, citations, ..
        }) = &said
        {
            self.show(answer, citations).await;
        }
        Ok(said)
    }

    async fn part(&mut self, part: &Part) -> Result<Option<Said>> {
        if part.excerpts.is_empty() {
            return Ok(Some(Said::Nothing));
        }
        match part.shape {
            // A reason stands in one sentence, which says it better than a small model.
            Shape::Explanation if wording::asks_why(&part.text) => {
                match self.quote(Shape::Explanation, part).await? {
                    Some(Said::Nothing) => self.explain(part).await,
                    said => Ok(said),
                }
            }
            Shape::Explanation => self.explain(part).await,
            shape => self.quote(shape, part).await,
        }
    }

    /// Answers each part; what the documents do not hold is said of that part.
    async fn each(&mut self, parts: &[Part]) -> Result<Option<Said>> {
        let (mut answers, mut all) = (Vec::new(), Vec::new());
        for part in parts {
            match self.part(part).await? {
                Some(Said::Found {
                    answer, citations, ..
                }) => {
                    answers.push(answer);
                    all.extend(citations);
                }
                Some(Said::Nothing) => {
                    let refusal = self.asking.language.not_found();
                    answers.push(format!("*{}* — {refusal}", part.text));
                }
                None => return Ok(None),
            }
        }
        Ok(Some(found(answers.join("\n\n"), None, all)))
    }

    /// Compares two things by what is said of each.
    async fn compare(&mut self, compared: &Compared, parts: [&Part; 2]) -> Result<Option<Said>> {
        if compared.measure == Measure::Words {
            let mut whole = parts[0].clone();
            whole.text.clone_from(&self.asking.text);
            whole.excerpts.extend(parts[1].excerpts.iter().cloned());
            whole.shape = Shape::Explanation;
            return self.part(&whole).await;
        }
        let sides = compared.sides.iter().flatten();
        let (mut lines, mut all, mut known) = (Vec::new(), Vec::new(), Vec::new());
        for (part, side) in parts.into_iter().zip(sides.clone()) {
            match self.part(part).await? {
                Some(Said::Found {
                    phrase, citations, ..
                }) => {
                    for citation in &citations {
                        lines.push(format!("- {side}: {}", line(citation)));
                    }
                    let quote = citations.first().map_or("", |one| &one.quote).to_owned();
                    known.push([phrase.unwrap_or_default(), quote]);
                    all.extend(citations);
                }
                Some(Said::Nothing) => {
                    let refusal = self.asking.language.not_found();
                    lines.push(format!("- {side}: {refusal}"));
                }
                None => return Ok(None),
            }
        }
        let known: Vec<[&str; 2]> = known.iter().map(|[a, b]| [a.as_str(), b]).collect();
        let both = known.len() == parts.len();
        let verdict = both.then(|| versus::verdict(compared, &known)).flatten();
        let [yes, no] = self.asking.language.yes_no();
        let verdict = verdict.and_then(|place| match (compared.asks_whether, place) {
            (true, 0) => Some(yes.to_owned()),
            (true, _) => Some(no.to_owned()),
            (false, _) => sides.clone().nth(place).cloned(),
        });
        let list = lines.join("\n");
        let answer = match &verdict {
            Some(verdict) => format!("**{verdict}**\n\n{list}"),
            None => list,
        };
        Ok(Some(found(answer, verdict, all)))
    }

    /// Of all things that the passages measure the one that is asked for, without the model: "Which hotel is nearer?"
    /// None where fewer than two are measured.
    fn outermost(&self, compared: &Compared, part: &Part) -> Option<Said> {
        let quotes = rivals::measured(part, compared, COMPARED);
        let known: Vec<[&str; 2]> = quotes.iter().map(|quote| ["", quote.text]).collect();
        let best = (known.len() > 1).then(|| versus::verdict(compared, &known))??;
        let citation =
            |quote: &Quote| cite(&part.excerpts[quote.passage].passage, quote.span.clone());
        let mut citations: Vec<Citation> = quotes.iter().map(citation).collect();
        citations.swap(0, best);
        let lines = citations.iter().map(|one| format!("- {}", line(one)));
        let rest: Vec<String> = lines.skip(1).collect();
        let first = line(&citations[0]);
        let than = match self.asking.language.code() {
            "es" => "En comparación con:",
            _ => "Compared with:",
        };
        let answer = format!("{first}\n\n{than}\n\n{}", rest.join("\n"));
        Some(found(answer, None, citations))
    }

    /// Answers with a phrase or with yes or no, and the sentence that says so; none when nobody listens any more.
    async fn quote(&mut self, shape: Shape, part: &Part) -> Result<Option<Said>> {
        let excerpts = &part.excerpts;
        let mut candidates = candidates(part, &part.text, shape, part.expected());
        if let (Some(compared), true) = (&self.asking.plan.compared, part.side.is_some()) {
            candidates.retain(|quote| versus::measures(compared, quote.text));
        }
        if candidates.is_empty() {
            return Ok(Some(Said::Nothing));
        }
        let favours = choice::favours(&candidates, part);
        let chosen = self.choose(part, &candidates, &favours).await?;
        let Some((mut place, odds)) = chosen else {
            return Ok(None);
        };
        let question = Claim::of(&part.text);
        let is_foreign = self.is_foreign(part, &candidates[place]);
        let found = evidence::evidence(&candidates, &favours, (place, odds), part, is_foreign);
        let quote = &candidates[place];
        tracing::debug!(?found, score = found.score(), "quoted");
        tracing::trace!(place, question = part.text, quote = quote.text, "chosen");
        if !found.suffices() && !self.measures_side(part, quote) {
            return Ok(Some(Said::Nothing));
        }
        // Of two documents that contradict each other the newer one answers.
        let rival = rivals::rival(&candidates, place, part, &question);
        let rival = match (rival, odds) {
            (None, Some(odds)) => {
                let judged = self
                    .newer(part, &candidates, &favours, (place, odds))
                    .await?;
                let Some(newer) = judged else {
                    return Ok(None);
                };
                newer.map(|newer| (newer, true))
            }
            (rival, _) => rival,
        };
        let older = rival.map(|(rival, is_newer)| {
            let older = if is_newer { place } else { rival };
            place = if is_newer { rival } else { place };
            &candidates[older]
        });
        // What is of another time than is asked of is not told.
        let older = older.filter(|older| choice::may_be_of_time(older, part));
        let quote = &candidates[place];
        let Some(answer) = self.said_of(shape, part, quote).await? else {
            return Ok(None);
        };
        let phrase = Some(answer).filter(|phrase| phrase.contains(char::is_alphanumeric));
        let says_nothing = shape == Shape::Phrase
            && phrase
                .as_deref()
                .is_some_and(|phrase| repeats(&part.text, phrase));
        if says_nothing && !found.suffices_without_phrase() {
            return Ok(Some(Said::Nothing));
        }
        let phrase = phrase.filter(|_| !says_nothing);
        let cell = phrase.as_deref().and_then(|phrase| {
            let mut cells = rows::cells(quote, part).into_iter();
            cells.find(|(cell, _)| shape != Shape::YesNo && cell.text == phrase)
        });
        let passage = &excerpts[quote.passage].passage;
        let mut citations = vec![cite(passage, choice::shown(quote, excerpts))];
        let told = told(part, quote, &citations[0]);
        let mut text = if self.is_foreign(part, quote) {
            let said = self.translated(part, quote, phrase.as_deref(), &told);
            let Some(words) = said.await? else {
                return Ok(None);
            };
            words
        } else {
            match cell {
                Some((cell, _)) => format!(
                    "**{}** — {}, {}: {}",
                    cell.text, cell.label, cell.header, cell.text
                ),
                None if says_nothing => plain(&citations[0].quote),
                None => worded(phrase.as_deref(), &told),
            }
        };
        text += &format!(" [{}]", citations[0].marker);
        if let Some(link) = part.link(quote) {
            text += &format!("\n\n{}", line(link));
            citations.push(link.clone());
        }
        if let Some(older) = older {
            let (line, older) = self.told_before(older, excerpts);
            text += &line;
            citations.push(older);
        }
        Ok(Some(Said::Found {
            answer: text,
            phrase: phrase.filter(|_| shape != Shape::Explanation),
            citations,
        }))
    }

    /// What an older document says, as the end of an answer, and its citation.
    fn told_before(&self, older: &Quote<'_>, excerpts: &[Excerpt]) -> (String, Citation) {
        let passage = &excerpts[older.passage].passage;
        let older = cite(passage, choice::shown(older, excerpts));
        let says = match self.asking.language.code() {
            "es" => "Antes",
            _ => "Earlier",
        };
        let told = format!("\n\n{says} ({}): {}", passage.file_name(), line(&older));
        (told, older)
    }

    /// The quote for which most speaks, with what the model thinks of it, where it can tell: its place, and its log odds;
    /// none when nobody listens any more.
    async fn choose(
        &mut self,
        part: &Part,
        candidates: &[Quote<'_>],
        favours: &[f32],
    ) -> Result<Option<(usize, Option<f32>)>> {
        let worth_judging = judging::worth_judging(favours);
        let mut judged: Vec<(usize, f32)> = Vec::new();
        let weight = judging::weight_of_judgement(part);
        for place in worth_judging {
            let is_enough = judging::is_settled(favours, &judged, place, weight)
                || judging::are_enough(&judged);
            if is_enough && !self.asking.retriever.judges_all {
                break;
            }
            let Some(odds) = self.judge(part, &candidates[place]).await? else {
                return Ok(None);
            };
            let Some(odds) = odds else {
                return Ok(Some((place, None)));
            };
            tracing::trace!(place, odds, favour = favours[place], "judged");
            judged.push((place, odds));
        }
        let best = judging::best_judged(favours, &judged, weight);
        Ok(best.map(|(place, odds)| (place, Some(odds))))
    }

    /// The quote of a newer document that answers in the place of the chosen one, if any; none when nobody listens any
    /// more.
    async fn newer(
        &mut self,
        part: &Part,
        candidates: &[Quote<'_>],
        favours: &[f32],
        (chosen, chosen_odds): (usize, f32),
    ) -> Result<Option<Option<usize>>> {
        let mut best: Option<(usize, f32)> = None;
        for place in rivals::newer(candidates, favours, chosen, part) {
            let Some(odds) = self.judge(part, &candidates[place]).await? else {
                return Ok(None);
            };
            tracing::trace!(place, ?odds, text = candidates[place].text, "newer");
            let odds = odds.filter(|odds| rivals::replaces(*odds, chosen_odds));
            if let Some(odds) = odds.filter(|odds| best.is_none_or(|(_, most)| *odds > most)) {
                best = Some((place, odds));
            }
        }
        Ok(Some(best.map(|(place, _)| place)))
    }

    /// Yes or no, or the words that answer.
    async fn said_of(
        &mut self,
        shape: Shape,
        part: &Part,
        quote: &Quote<'_>,
    ) -> Result<Option<String>> {
        if shape != Shape::YesNo {
            return self.phrase(part, quote).await;
        }
        let begun = format!(
            "{} \"{}\"\nQuestion: {}\nAnswer yes or no:",
            prompt::QUOTE,
            quote.text,
            part.text
        );
        let form = Form::OneOf([" yes", " no"].map(Candidate::new).to_vec());
        let shown = part.reading(quote);
        let Some((words, _)) = self.say(Task::Quote, &shown, &begun, form).await? else {
            return Ok(None);
        };
        let question = Claim::of(&part.text);
        // Words of another language cannot be compared: a no is the answer's.
        let is_no = || {
            let says_no = Claim::of(quote.text).says_no() && !question.says_no();
            says_no && self.is_foreign(part, quote)
        };
        let is_yes = words == " yes" && !rows::denies(quote, part, &question) && !is_no();
        let [yes, no] = self.asking.language.yes_no();
        Ok(Some(if is_yes { yes } else { no }.to_owned()))
    }

    /// Whether a quote has the value that is compared, of the very thing.
    fn measures_side(&self, part: &Part, quote: &Quote<'_>) -> bool {
        let (Some(compared), Some(side)) = (&self.asking.plan.compared, &part.side) else {
            return false;
        };
        let said = format!("{} {}", quote.around, choice::whole(quote, &part.excerpts));
        let side = Claim::of_noun(side);
        let proof = side.proven_by(&said, "");
        let is_of_it = proof.exact && proof.terms > 0.0 || choice::is_of_time(quote, part);
        versus::measures(compared, quote.text) && is_of_it
    }

    /// The words that answer: what the model says in short where the quote says just that, else words of the quote.
    async fn phrase(&mut self, part: &Part, quote: &Quote<'_>) -> Result<Option<String>> {
        let cells = rows::cells(quote, part);
        if !cells.is_empty() {
            return self.cell(part, quote, &cells).await;
        }
        let said = self.say_then(Then::Phrase, part, quote, Form::Free);
        let Some((own, _)) = said.await? else {
            return Ok(None);
        };
        let own = trimmed(&own);
        let expected = part.expected();
        // "Excess £150, for water £350": of several values the one that stands with the question's words.
        let source = clause(quote.text, part);
        let is_other = |one: &Expected| !one.is_in(own, &part.text);
        let picked = expected.filter(is_other).and_then(|one| one.pick(source));
        if let Some(picked) = picked {
            return Ok(Some(picked.to_owned()));
        }
        if stands_in(own, source) {
            return Ok(Some(own.to_owned()));
        }
        let form = Form::SpanOf(source.to_owned());
        let said = self.say_then(Then::Phrase, part, quote, form);
        let Some((words, _)) = said.await? else {
            return Ok(None);
        };
        // "24 months" for "twenty-four months".
        let claim = Claim::of(own);
        let kept = claim.has_number()
            && claim.proven_by(source, &quote.around).holds()
            && own
                .split(|c: char| !c.is_alphabetic())
                .all(|word| stands_in(word, source) || word.is_empty());
        Ok(Some(if kept { own } else { trimmed(&words) }.to_owned()))
    }

    /// The cell of a row that answers: the one whose column the question speaks of; of several, the model's choice.
    async fn cell(
        &mut self,
        part: &Part,
        quote: &Quote<'_>,
        cells: &[(rows::Cell<'_>, f32)],
    ) -> Result<Option<String>> {
        let best = rows::best(cells.iter().copied());
        if let [only] = best[..] {
            return Ok(Some(only.text.to_owned()));
        }
        let columns = best
            .iter()
            .map(|cell| format!("{}: {}", cell.header, cell.text));
        let retriever = self.asking.retriever;
        let near = retriever.cosines(&part.text, columns.collect()).await;
        let near = rows::standings(&near.unwrap_or_default());
        let copies = (0..).zip(&best).map(|(place, cell): (usize, _)| Candidate {
            text: cell.text.to_owned(),
            favour: rows::COLUMN * near.get(place).copied().unwrap_or_default(),
        });
        let form = Form::OneOf(copies.collect());
        let chosen = self.say_then(Then::Phrase, part, quote, form).await?;
        Ok(chosen.map(|(words, _)| words.trim().to_owned()))
    }

    /// Answers in the model's own words, each sentence of them proven.
    async fn explain(&mut self, part: &Part) -> Result<Option<Said>> {
        let Some((words, _)) = self.say(Task::Explain, part, "", Form::Free).await? else {
            return Ok(None);
        };
        let excerpts = part.excerpts.iter();
        let passages: Vec<Passage> = excerpts.map(|one| one.passage.clone()).collect();
        let mut writer = Writer::new(Attribution::new(&passages, &part.text));
        writer.push(&words);
        writer.finish();
        let (answer, citations) = writer.into_parts();
        // What nothing proves has been taken out of it.
        let words = without_markers(&answer);
        // "Follow these steps:"
        if citations.is_empty() || words.trim().is_empty() || words.trim_end().ends_with(':') {
            return self.quote(Shape::Explanation, part).await;
        }
        Ok(Some(found(answer, None, citations)))
    }

    /// What the model says after `begun`, in a form; none when nobody listens any more.
    async fn say(
        &mut self,
        task: Task,
        part: &Part,
        begun: &str,
        form: Form,
    ) -> Result<Option<(String, Summary)>> {
        let asking = self.asking;
        let settings = &asking.retriever.answers;
        let request = Request {
            messages: prompt::messages(task, &part.excerpts, &part.text, asking.language),
            begun: begun.to_owned(),
            max_tokens: match task {
                Task::Quote => PHRASE,
                Task::Explain => settings.answer_tokens,
            },
            form,
            stop: match task {
                Task::Quote => vec!["\n".to_owned()],
                Task::Explain => vec!["\nQuestion:".to_owned()],
            },
            ..Request::default()
        };
        self.generate(request).await
    }

    /// What the model says of a quote after it has judged it; none when nobody listens any more.
    async fn say_then(
        &mut self,
        then: Then,
        part: &Part,
        quote: &Quote<'_>,
        form: Form,
    ) -> Result<Option<(String, Summary)>> {
        let (begun, max_tokens) = match form {
            Form::Free => ("", SENTENCE),
            Form::SpanOf(_) => ("\"", PHRASE),
            _ => ("", PHRASE),
        };
        let request = Request {
            messages: prompt::judged(judging(part, quote), then, self.asking.language),
            begun: begun.to_owned(),
            max_tokens,
            form,
            stop: vec!["\n".to_owned()],
            ..Request::default()
        };
        self.generate(request).await
    }

    /// What the model thinks of it that a quote answers: the log odds of yes, if it is large enough to tell; none when
    /// nobody listens any more.
    async fn judge(&mut self, part: &Part, quote: &Quote<'_>) -> Result<Option<Option<f32>>> {
        let request = Request {
            messages: judging(part, quote),
            max_tokens: PHRASE,
            form: Form::Judgement,
            ..Request::default()
        };
        let judged = self.generate(request).await?;
        Ok(judged.map(|(_, summary)| summary.judgement))
    }

    /// What the model says to a request; none when nobody listens any more.
    async fn generate(&mut self, request: Request) -> Result<Option<(String, Summary)>> {
        let asking = self.asking;
        let request = Request {
            sampling: asking.sampling(),
            drafting: asking.retriever.answers.drafting,
            ..request
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

    async fn show(&mut self, text: &str, citations: &[Citation]) {
        let now = elapsed(self.asking.started);
        self.first_shown.get_or_insert(now);
        self.events.tell(text, citations).await;
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

/// The messages that ask whether a quote answers.
fn judging(part: &Part, quote: &Quote<'_>) -> Vec<Message> {
    let excerpt = |passage: &Passage, parts| Excerpt {
        passage: passage.clone(),
        parts,
    };
    let passage = &part.excerpts[quote.passage].passage;
    let own = excerpt(passage, judging::judged(quote, &part.excerpts));
    let link = part.link(quote).and_then(|link| {
        let mut passages = part.excerpts.iter().map(|one| &one.passage);
        let passage = passages.find(|passage| passage.holds(link))?;
        let span = link.start - passage.start..link.end - passage.start;
        Some(excerpt(passage, vec![span]))
    });
    let read: Vec<Excerpt> = link.into_iter().chain([own]).collect();
    prompt::judging(&part.text, &read, part.shape == Shape::YesNo)
}

/// An answer, or none where it cites nothing.
fn found(answer: String, phrase: Option<String>, citations: Vec<Citation>) -> Said {
    if citations.is_empty() {
        return Said::Nothing;
    }
    Said::Found {
        answer,
        phrase,
        citations,
    }
}

/// What a quote says in an answer: of several clauses with a value the one that answers, else the whole.
fn told(part: &Part, quote: &Quote<'_>, citation: &Citation) -> String {
    let source = clause(quote.text, part);
    let is_part = part.shape == Shape::Phrase && source.len() < quote.text.len();
    plain(if is_part { source } else { &citation.quote })
}

/// A quote as a line of an answer, with its marker.
fn line(citation: &Citation) -> String {
    format!("{} [{}]", plain(&citation.quote), citation.marker)
}
