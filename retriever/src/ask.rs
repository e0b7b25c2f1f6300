//! From a question to a cited answer, as a stream of events.

use std::collections::HashSet;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use serde::Serialize;
use serde_json::Value;
use tokio::sync::mpsc;
use vade_indexer::{DocumentId, Index, QuestionUnderWay, Scope};
use vade_models::language::{Request, Sampling};

use crate::answer::{Asked, Part, Said, Shape};
use crate::cite::{Citation, cite};
use crate::condense::{self, Restated};
use crate::conversation::{self, Detail};
use crate::error::{Result, RetrieverError};
use crate::excerpt;
use crate::hop;
use crate::language::Language;
use crate::library::Listing;
use crate::naming;
use crate::nearness::Nearness;
use crate::passage::Passage;
use crate::plan::{self, Kind, Plan};
use crate::prompt::{Excerpt, Turn};
use crate::proof::Claim;
use crate::search::{Hits, Retriever};
use crate::summary::{Source, Summarising};
use crate::talk;
use crate::versus;

/// Documents that are looked through whole, and passages of each, at most.
const LOOKED_THROUGH: usize = 2;
const LONGEST: usize = 200;

/// The share of the budget that each of several parts may read.
const SHARED: f32 = 0.7;

/// Passages shown when the documents hold no answer.
const NEAREST: usize = 3;

/// How much more of a question's words another document must have for it to be about that.
const SAYS_MORE: f32 = 0.2;

/// What is asked.
#[derive(Debug, Clone)]
pub struct Question {
    /// The words.
    pub text: String,
    /// The conversation it continues.
    pub conversation: Option<String>,
    /// The id to keep a new conversation under; none keeps nothing.
    pub keep_as: Option<String>,
    /// The language model to ask, where not the usual one.
    pub model: Option<String>,
    /// What the answer may rest on.
    pub scope: Scope,
    /// When it was asked (milliseconds since 1970).
    pub now: i64,
}

impl Default for Question {
    /// Nothing, asked at this moment.
    fn default() -> Self {
        let time = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = time.map_or(0, |time| {
            i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
        });
        Self {
            text: String::new(),
            conversation: None,
            keep_as: None,
            model: None,
            scope: Scope::default(),
            now,
        }
    }
}

/// What happens on the way to an answer, in this order.
#[derive(Debug)]
pub enum AskEvent {
    /// What the answer will rest on; or, when there is none, what came nearest.
    Passages {
        /// The conversation this is kept in.
        conversation: Option<String>,
        /// The passages, numbered from 1.
        passages: Vec<Passage>,
    },
    /// The next piece of the answer.
    Token(String),
    /// A marker in the answer so far is complete: this is what it cites.
    Citation(Citation),
    /// The answer is complete.
    Done(Box<Answer>),
    /// It failed.
    Failed(RetrieverError),
}

/// A complete answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answer {
    /// The words, with `[n]` markers.
    pub answer: String,
    /// Whether the documents held an answer.
    pub found: bool,
    /// The words of a document that answer, where they are few.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phrase: Option<String>,
    /// What was understood of the question, and what was searched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<Value>,
    /// The documents that were counted or listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table: Option<Value>,
    /// What the markers cite.
    pub citations: Vec<Citation>,
    /// Catalog id of the language model; none when it was not asked.
    pub model: Option<String>,
    /// Where the time went.
    pub timings: Timings,
    /// The conversation it is kept in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation: Option<String>,
}

/// Where the time of an answer went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Timings {
    /// From the question to its passages (milliseconds).
    pub retrieve_ms: f64,
    /// Then until the model began to read: its weights loaded if they were not, passages counted
    /// (milliseconds).
    pub prepare_ms: f64,
    /// Reading the prompt (milliseconds).
    pub read_ms: f64,
    /// Tokens of the prompt.
    pub prompt_tokens: usize,
    /// Prompt tokens that were still in memory.
    pub cached_tokens: usize,
    /// From the question to the first token (milliseconds).
    pub first_token_ms: f64,
    /// Tokens of the answer.
    pub tokens: usize,
    /// Generation after the first token.
    pub tokens_per_second: f64,
    /// Tokens guessed ahead.
    pub drafted_tokens: usize,
    /// Guessed tokens that were right.
    pub accepted_tokens: usize,
}

impl Retriever {
    /// Answers a question. Dropping the receiver stops generation at the next token.
    #[must_use]
    pub fn ask(&self, question: Question) -> mpsc::Receiver<AskEvent> {
        let (sender, receiver) = mpsc::channel(64);
        let retriever = self.clone();
        tokio::spawn(async move {
            let events = Events(sender.clone());
            let answering = tokio::spawn(async move { retriever.answer(question, &events).await });
            // Whoever asked is told of a panic too.
            let answered = answering.await.unwrap_or(Err(RetrieverError::Panicked));
            if let Err(error) = answered {
                Events(sender).send(AskEvent::Failed(error)).await;
            }
        });
        receiver
    }

    async fn answer(&self, question: Question, events: &Events) -> Result<()> {
        let started = Instant::now();
        let (words, scope) = self.understood(&question.text, &question.scope).await?;
        // Operators alone are searched as words, too.
        let text = if words.is_empty() {
            question.text.trim().to_owned()
        } else {
            words
        };
        let question = Question { scope, ..question };
        let under_way = self.index.begin_question();
        let history = match &question.conversation {
            Some(id) => {
                let conversation = self.conversation(id)?;
                under_way.rests_on(conversation::documents(&conversation));
                conversation::turns(&conversation.messages)
            }
            None => Vec::new(),
        };
        let before = history.iter().fold(None, |before, turn| {
            Some(Language::of(&turn.question, before))
        });
        let language = Language::of(&text, before);
        // Documents wait while a person does.
        let _pause = self.index.hold_back();
        let previous = history.last().map(|turn| turn.question.clone());
        let mut plan = self.plan(&text, question.now, previous).await?;
        let mut apart_from = None;
        let restated = condense::restate(&history, &text).filter(|_| plan.kind.is_of_passages());
        let text = match restated {
            Some(restated)
                if self
                    .goes_on(&restated, &text, &question.scope, &history)
                    .await? =>
            {
                let alone = self.plan(&restated.text, question.now, None).await?;
                if alone.kind.is_of_passages() {
                    plan = alone;
                }
                plan.understood = Some(restated.text.clone());
                apart_from = restated.apart_from;
                restated.text
            }
            _ => text,
        };
        let mut asking = Asking {
            retriever: self,
            under_way: &under_way,
            conversation: question.conversation.clone().or(question.keep_as.clone()),
            question,
            text,
            apart_from,
            language,
            history,
            plan,
            passages: Vec::new(),
            started,
            retrieve_ms: 0.0,
        };
        let answer = tokio::select! {
            biased;
            () = under_way.cut_off() => {
                self.summaries.clear();
                self.sentences.clear();
                return Err(RetrieverError::Forgotten);
            }
            answer = asking.carry_out(events) => answer?,
        };
        // A person who went away gets nothing kept half-said.
        if let Some(mut answer) = answer {
            answer.plan = serde_json::to_value(&asking.plan).ok();
            asking.keep(&answer)?;
            events.send(AskEvent::Done(Box::new(answer))).await;
        }
        Ok(())
    }

    /// Whether a question goes on from the one before it: its words say so, or no other document has more of them.
    async fn goes_on(
        &self,
        restated: &Restated,
        text: &str,
        scope: &Scope,
        history: &[Turn],
    ) -> Result<bool> {
        let spoken_of = history.last().map(|turn| &turn.cited[..]);
        let spoken_of = spoken_of.unwrap_or_default();
        if restated.is_sure || spoken_of.is_empty() {
            return Ok(true);
        }
        let hits = self.search(text, self.search.passages, scope).await?.hits;
        let is_known = |hit: &Passage| spoken_of.iter().any(|one| one.document == hit.document);
        let (known, others): (Vec<&Passage>, Vec<&Passage>) =
            hits.iter().chain(spoken_of).partition(|hit| is_known(hit));
        let text_of = |passage: &&Passage| format!("{} {}", passage.around(), passage.text);
        let texts: Vec<String> = known.iter().chain(&others).map(text_of).collect();
        let shares = Claim::of_question(text).shares(texts.iter().map(String::as_str));
        let most = |shares: &[f32]| shares.iter().copied().fold(0.0, f32::max);
        let (known, others) = shares.split_at(known.len());
        Ok(most(others) <= most(known) + SAYS_MORE)
    }

    /// What the question asks for.
    async fn plan(&self, question: &str, now: i64, previous: Option<String>) -> Result<Plan> {
        let (retriever, question) = (self.clone(), question.to_owned());
        blocking(move || {
            let shelf = retriever.shelves.now(&retriever.index);
            Ok(plan::plan(
                &question,
                &shelf.about,
                now,
                previous.as_deref(),
            ))
        })
        .await
    }
}

/// Runs what blocks where it may.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or(Err(RetrieverError::Panicked))
}

/// One question on its way.
pub(crate) struct Asking<'a> {
    pub retriever: &'a Retriever,
    under_way: &'a QuestionUnderWay,
    pub question: Question,
    conversation: Option<String>,
    /// As it would be asked alone.
    pub text: String,
    /// Names of what it is not about.
    apart_from: Option<String>,
    pub language: Language,
    pub history: Vec<Turn>,
    pub plan: Plan,
    passages: Vec<Passage>,
    pub started: Instant,
    retrieve_ms: f64,
}

impl Asking<'_> {
    /// Answers in the way that suits the question; none when nobody listens any more.
    async fn carry_out(&mut self, events: &Events) -> Result<Option<Answer>> {
        match self.plan.kind {
            Kind::SmallTalk => {
                self.show(events).await;
                let said = talk::reply(self.plan.talk, self.language);
                return Ok(Some(self.say(said.to_owned(), events).await));
            }
            Kind::Count | Kind::List | Kind::Table | Kind::Library => {
                if let Some(listing) = self.list().await? {
                    return Ok(Some(self.listed(&listing, events).await));
                }
            }
            Kind::Summary => {
                let sources = self.sources().await?;
                if !sources.is_empty() {
                    return self.summarise(sources, events).await;
                }
            }
            _ => {}
        }
        // No document says what would be listed, or is called so: the passages tell.
        if let Some(otherwise) = self.plan.otherwise.take() {
            self.plan = *otherwise;
        }
        let (questions, mut parts) = (self.parts(), Vec::new());
        let named = self.named().await?;
        // Of several parts each is read in less.
        let shared = if questions.len() > 1 { SHARED } else { 1.0 };
        let compared = self.plan.compared.as_ref();
        let mut sides = compared
            .and_then(|one| one.sides.clone())
            .into_iter()
            .flatten();
        for (text, shape) in questions {
            let mut part = self.find(text, shape, shared, &named).await?;
            part.side = sides.next();
            parts.push(part);
        }
        self.retrieve_ms = elapsed(self.started);
        let found = self.passages.iter();
        self.under_way
            .rests_on(found.map(|hit| DocumentId(hit.document.clone())));
        if parts.iter().all(|part| part.excerpts.is_empty()) {
            return Ok(Some(self.refuse(events).await));
        }
        self.passages = Self::number(&mut parts);
        self.generate(&parts, events).await
    }

    /// The questions that it is: one, or two.
    fn parts(&self) -> Vec<(String, Shape)> {
        let plan = &self.plan;
        if let Some(compared) = &plan.compared
            && let Some(sides) = &compared.sides
        {
            let sides = sides.iter();
            return sides
                .map(|side| {
                    let text = versus::question(compared, side, self.language);
                    (text, Shape::Phrase)
                })
                .collect();
        }
        let one = |text: &String| (text.clone(), Shape::of(plan::kind(text)));
        match &plan.halves {
            Some([first, second]) => {
                // "What is the rent, and when is it due?"
                let turn = Turn {
                    question: first.clone(),
                    ..Turn::default()
                };
                let restated = condense::restate(&[turn], second).filter(|one| one.is_sure);
                let second = restated.map_or_else(|| second.clone(), |one| one.text);
                vec![one(first), one(&second)]
            }
            None => vec![(self.text.clone(), Shape::of(plan.kind))],
        }
    }

    /// What one question is answered from; the passages that came nearest are kept where the documents do not speak of
    /// it.
    async fn find(
        &mut self,
        text: String,
        shape: Shape,
        shared: f32,
        named: &[DocumentId],
    ) -> Result<Part> {
        let retriever = self.retriever;
        let most = retriever.search.passages;
        let mut hits = retriever
            .search(&text, 2 * most, &self.question.scope)
            .await?;
        // Documents that the question names come before all others.
        hits.hits
            .sort_by_key(|hit| !named.iter().any(|id| id.0 == hit.document));
        hits.hits.truncate(most);
        // What was spoken of comes first.
        let goes_on = self.plan.understood.is_some();
        let turn = self.history.last().filter(|_| goes_on);
        if let Some(turn) = turn {
            let spoken_of = |hit: &Passage| turn.cited.iter().any(|one| one.is_same(hit));
            hits.hits.retain(|hit| !spoken_of(hit));
            hits.hits.splice(0..0, turn.cited.iter().cloned());
            hits.hits.truncate(most);
        }
        self.look_around(&text, &mut hits.hits).await?;
        self.look_at_newer(&text, &mut hits.hits).await?;
        hits.hits.truncate(most);
        let (links, names) = self.follow(&text, &mut hits).await?;
        let context = Some(names).filter(|names| !names.is_empty());
        let budget = retriever.search.passage_tokens;
        let is_vain = hits.evidence < retriever.search.evidence_threshold;
        let nearness = if is_vain {
            Nearness::default()
        } else {
            let asked = leaning(context.as_deref(), &text);
            retriever.nearness(&asked, self.language, &hits.hits).await
        };
        let claim = Claim::of(&text);
        let parts = match shape {
            Shape::Explanation => excerpt::excerpts(&hits.hits, &claim, &nearness, budget, shared),
            // What answers is chosen among all sentences; the model reads only those for which much speaks.
            _ => hits.hits.iter().map(Passage::whole).collect(),
        };
        let read = hits.hits.iter().cloned().zip(parts);
        let excerpts = read
            .filter(|(_, parts)| !parts.is_empty() && !is_vain)
            .map(|(passage, parts)| Excerpt { passage, parts })
            .collect();
        self.passages.extend(hits.hits);
        let compared = self.plan.compared.as_ref();
        let period = match compared.and_then(|one| one.sides.as_ref()) {
            Some(_) => plan::period(&text, self.question.now),
            None => self.plan.filters.period.map(|dating| dating.period),
        };
        Ok(Part {
            text,
            shape,
            apart_from: self.apart_from.clone(),
            spoken_of: turn
                .iter()
                .flat_map(|turn| &turn.cited)
                .map(|passage| passage.document.clone())
                .collect(),
            context,
            links,
            side: None,
            recent: self.plan.kind == Kind::TimeBound && self.plan.filters.period.is_none(),
            period,
            excerpts,
            nearness,
        })
    }

    /// Searches on where one document names what another one tells of: the sentences that lead there, and the names that
    /// they have.
    async fn follow(&self, text: &str, hits: &mut Hits) -> Result<(Vec<Citation>, String)> {
        let nothing = (Vec::new(), String::new());
        let Some(described) = hop::described(text) else {
            return Ok(nothing);
        };
        let retriever = self.retriever;
        let nearness = retriever
            .nearness(&described, self.language, &hits.hits)
            .await;
        let leads = hop::leads(text, &described, &hits.hits, &nearness);
        let sentence = |lead: &hop::Lead| &hits.hits[lead.passage].text[lead.span.clone()];
        let sentences: Vec<&str> = leads.iter().map(sentence).collect();
        let names = hop::searched(&sentences, text);
        if names.is_empty() {
            return Ok(nothing);
        }
        let cited = leads
            .iter()
            .map(|lead| cite(&hits.hits[lead.passage], lead.span.clone()));
        let links: Vec<Citation> = cited.collect();
        let query = format!("{names} {text}");
        let most = retriever.search.passages;
        let more = retriever.search(&query, most, &self.question.scope).await?;
        // What leads on is read, too.
        let leads = |hit: &Passage| links.iter().any(|link| hit.holds(link));
        let (first, rest): (Vec<Passage>, Vec<Passage>) = hits.hits.drain(..).partition(leads);
        hits.hits = first;
        for passage in more.hits.into_iter().chain(rest) {
            if !hits.hits.iter().any(|hit| hit.is_same(&passage)) {
                hits.hits.push(passage);
            }
        }
        hits.hits.truncate(most);
        hits.evidence = hits.evidence.max(more.evidence);
        let names = hop::found(&names, &links, &hits.hits);
        // A line is of somebody whom a sentence names; of things too much is named.
        let links = if hop::is_of_person(text) {
            links
        } else {
            Vec::new()
        };
        Ok((links, names))
    }

    /// Looks through the whole of the documents that match best: the sentence that answers may stand in another passage.
    async fn look_around(&self, text: &str, hits: &mut Vec<Passage>) -> Result<()> {
        let mut best: Vec<(String, f32)> = Vec::new();
        for hit in hits.iter() {
            if best.len() < LOOKED_THROUGH && !best.iter().any(|(id, _)| *id == hit.document) {
                best.push((hit.document.clone(), hit.score));
            }
        }
        let index = self.retriever.index.clone();
        let documents = blocking(move || {
            let best = best.into_iter();
            let all = best.map(|(id, score)| all_of(&index, &DocumentId(id), score));
            all.collect::<Result<Vec<_>>>()
        })
        .await?;
        let question = Claim::of_question(text);
        for passages in documents {
            excerpt::complete(hits, &passages, &question);
        }
        Ok(())
    }

    /// Takes up the newest document of a series of which an older one was found: what holds now may stand there.
    async fn look_at_newer(&self, text: &str, hits: &mut Vec<Passage>) -> Result<()> {
        let paths: Vec<String> = hits.iter().map(|hit| hit.path.clone()).collect();
        let found: HashSet<String> = hits.iter().map(|hit| hit.document.clone()).collect();
        let retriever = self.retriever.clone();
        let scope = self.question.scope.clone();
        let newest = blocking(move || {
            let shelf = retriever.shelves.now(&retriever.index);
            let ids = paths
                .iter()
                .filter_map(|path| shelf.newest_like(&retriever.index, path, &scope));
            let mut known = found;
            let fresh = ids.filter(|id| known.insert(id.0.clone()));
            let newest = fresh.take(LOOKED_THROUGH);
            let all = newest.map(|id| all_of(&retriever.index, &id, 0.0));
            all.collect::<Result<Vec<_>>>()
        })
        .await?;
        let question = Claim::of_question(text);
        for passages in newest {
            if let Some(passage) = excerpt::best(&passages, &question) {
                hits.insert(hits.len().min(LOOKED_THROUGH), passage.clone());
            }
        }
        Ok(())
    }

    /// Numbers the passages that are read, each once; returns them.
    fn number(parts: &mut [Part]) -> Vec<Passage> {
        let mut numbered: Vec<Passage> = Vec::new();
        for part in parts {
            for passage in part.excerpts.iter_mut().map(|one| &mut one.passage) {
                passage.n = match numbered.iter().find(|one| one.is_same(passage)) {
                    Some(known) => known.n,
                    None => numbered.len() + 1,
                };
                if passage.n > numbered.len() {
                    numbered.push(passage.clone());
                }
            }
            part.links.retain_mut(|link| {
                let known = numbered.iter().find(|one| one.holds(link));
                link.marker = known.map_or(0, |passage| passage.n);
                known.is_some()
            });
        }
        numbered
    }

    /// Documents that the question names without doubt.
    async fn named(&self) -> Result<Vec<DocumentId>> {
        if self.plan.named.is_none() {
            return Ok(Vec::new());
        }
        let retriever = self.retriever.clone();
        let (question, scope) = (self.text.clone(), self.question.scope.clone());
        blocking(move || {
            let index = &retriever.index;
            let shelf = retriever.shelves.now(index);
            Ok(shelf.named(index, &question, &scope, naming::STRONG))
        })
        .await
    }

    /// Documents that the question counts or lists.
    async fn list(&self) -> Result<Option<Listing>> {
        let retriever = self.retriever.clone();
        let (plan, scope) = (self.plan.clone(), self.question.scope.clone());
        let spanish = self.language.code() == "es";
        blocking(move || {
            let shelf = retriever.shelves.now(&retriever.index);
            shelf.answer(&retriever.index, &plan, spanish, &scope)
        })
        .await
    }

    async fn listed(&mut self, listing: &Listing, events: &Events) -> Answer {
        let documents = listing.rows.iter();
        self.under_way
            .rests_on(documents.map(|row| DocumentId(row.document.clone())));
        self.retrieve_ms = elapsed(self.started);
        self.show(events).await;
        let mut answer = self.say(listing.sentence.clone(), events).await;
        answer.found = listing.found;
        answer.citations = listing.citations();
        answer.table = serde_json::to_value(listing).ok();
        for citation in answer.citations.clone() {
            events.send(AskEvent::Citation(citation)).await;
        }
        answer
    }

    /// The documents that are to be summarised.
    async fn sources(&self) -> Result<Vec<Source>> {
        let retriever = self.retriever.clone();
        let (plan, scope) = (self.plan.clone(), self.question.scope.clone());
        let question = self.text.clone();
        let last = self.history.last().map(|turn| &turn.cited);
        let mut spoken_of: Vec<DocumentId> = last
            .into_iter()
            .flatten()
            .map(|passage| DocumentId(passage.document.clone()))
            .collect();
        spoken_of.dedup();
        blocking(move || {
            let index = &retriever.index;
            let shelf = retriever.shelves.now(index);
            let ids = shelf.meant(index, &plan, &question, &scope, spoken_of)?;
            let sources = ids.iter().map(|id| Ok(Source::of(index.chunks(id)?)));
            let sources: Result<Vec<Option<Source>>> = sources.collect();
            Ok(sources?.into_iter().flatten().collect())
        })
        .await
    }

    /// Summarises whole documents.
    async fn summarise(&mut self, sources: Vec<Source>, events: &Events) -> Result<Option<Answer>> {
        let documents: Vec<DocumentId> = sources.iter().filter_map(Source::document).collect();
        self.under_way.rests_on(documents);
        let language = self.language;
        let mut summary = blocking(move || Ok(Summarising::new(sources, language))).await?;
        self.passages = summary.passages();
        self.retrieve_ms = elapsed(self.started);
        self.show(events).await;
        let model = self.question.model.clone();
        let like = Request {
            sampling: self.sampling(),
            drafting: self.retriever.answers.drafting,
            ..Request::default()
        };
        let mut answer = String::new();
        let mut citations = Vec::new();
        let mut first = None;
        loop {
            let retriever = self.retriever;
            let next = summary.next(
                &retriever.model,
                model.as_deref(),
                &like,
                &retriever.summaries,
            );
            let step = tokio::select! {
                biased;
                () = events.gone() => return Ok(None),
                step = next => step?,
            };
            let Some(step) = step else { break };
            first.get_or_insert(elapsed(self.started));
            answer.push_str(&step.text);
            events.send(AskEvent::Token(step.text)).await;
            for citation in step.citations {
                events.send(AskEvent::Citation(citation.clone())).await;
                citations.push(citation);
            }
        }
        if citations.is_empty() {
            return Ok(Some(self.refuse(events).await));
        }
        let timings = Timings {
            retrieve_ms: self.retrieve_ms,
            first_token_ms: first.unwrap_or_default(),
            ..Timings::default()
        };
        let model = model.unwrap_or_else(|| self.retriever.model.default_model().to_owned());
        let model = summary.asks_model().then_some(model);
        let answer = answer.trim().to_owned();
        Ok(Some(self.conclude(answer, true, citations, model, timings)))
    }

    /// Says what needs no model.
    async fn say(&self, text: String, events: &Events) -> Answer {
        events.send(AskEvent::Token(text.clone())).await;
        let timings = Timings {
            retrieve_ms: self.retrieve_ms,
            first_token_ms: elapsed(self.started),
            ..Timings::default()
        };
        self.conclude(text, true, Vec::new(), None, timings)
    }

    /// How the model chooses its words.
    pub(crate) fn sampling(&self) -> Sampling {
        let settings = &self.retriever.answers;
        Sampling {
            temperature: settings.temperature,
            top_p: settings.top_p,
            top_k: settings.top_k,
            min_p: settings.min_p,
            repetition_penalty: settings.repetition_penalty,
            seed: settings.seed,
        }
    }

    /// Says that the documents hold no answer, and shows what came nearest.
    async fn refuse(&mut self, events: &Events) -> Answer {
        self.passages.truncate(NEAREST);
        for (place, passage) in self.passages.iter_mut().enumerate() {
            passage.n = place + 1;
        }
        self.show(events).await;
        let timings = Timings {
            retrieve_ms: self.retrieve_ms,
            ..Timings::default()
        };
        self.conclude(
            self.language.not_found().to_owned(),
            false,
            Vec::new(),
            None,
            timings,
        )
    }

    /// Asks the model; none when nobody listens any more.
    async fn generate(&mut self, parts: &[Part], events: &Events) -> Result<Option<Answer>> {
        self.show(events).await;
        let model = self.question.model.clone();
        let mut asked = Asked::new(self, events);
        let Some(said) = asked.answer(parts).await? else {
            return Ok(None);
        };
        let timings = asked.timings(self.retrieve_ms);
        let model = model.unwrap_or_else(|| self.retriever.model.default_model().to_owned());
        let (answer, found, phrase, citations) = match said {
            Said::Found {
                answer,
                phrase,
                citations,
            } => (answer, true, phrase, citations),
            Said::Nothing => (
                self.language.not_found().to_owned(),
                false,
                None,
                Vec::new(),
            ),
        };
        let mut answer = self.conclude(answer, found, citations, Some(model), timings);
        answer.phrase = phrase;
        Ok(Some(answer))
    }

    fn conclude(
        &self,
        answer: String,
        found: bool,
        citations: Vec<Citation>,
        model: Option<String>,
        timings: Timings,
    ) -> Answer {
        Answer {
            answer,
            found,
            phrase: None,
            plan: None,
            table: None,
            citations,
            model,
            timings,
            conversation: self.conversation.clone(),
        }
    }

    async fn show(&self, events: &Events) {
        events
            .send(AskEvent::Passages {
                conversation: self.conversation.clone(),
                passages: self.passages.clone(),
            })
            .await;
    }

    fn keep(&self, answer: &Answer) -> Result<()> {
        let Some(id) = &self.conversation else {
            return Ok(());
        };
        let detail = Detail {
            found: Some(answer.found),
            passages: self.passages.clone(),
            citations: answer.citations.clone(),
            phrase: answer.phrase.clone(),
            plan: answer.plan.clone(),
            table: answer.table.clone().map(conversation::shortened),
        };
        conversation::keep(
            &self.retriever.index,
            self.under_way,
            id,
            self.question.text.trim(),
            &answer.answer,
            &detail,
            self.question.now,
        )
    }
}

pub(crate) struct Events(mpsc::Sender<AskEvent>);

impl Events {
    /// False when nobody listens.
    pub(crate) async fn send(&self, event: AskEvent) -> bool {
        self.0.send(event).await.is_ok()
    }

    /// Tells a piece of an answer, then what it cites.
    pub(crate) async fn tell(&self, text: &str, citations: &[Citation]) {
        self.send(AskEvent::Token(text.to_owned())).await;
        for citation in citations {
            self.send(AskEvent::Citation(citation.clone())).await;
        }
    }

    pub(crate) async fn gone(&self) {
        self.0.closed().await;
    }
}

/// The passages of a whole document, at most so many.
fn all_of(index: &Index, id: &DocumentId, score: f32) -> Result<Vec<Passage>> {
    let mut chunks = index.chunks(id)?;
    chunks.truncate(LONGEST);
    Ok(Passage::all_of(chunks, score))
}

/// A question after what it leans on.
fn leaning(context: Option<&str>, text: &str) -> String {
    match context {
        Some(context) => format!("{context} {text}"),
        None => text.to_owned(),
    }
}

pub(crate) fn elapsed(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1000.0
}
