//! From a question to a cited answer, as a stream of events.

use std::time::Instant;

use serde::Serialize;
use tokio::sync::mpsc;
use vade_indexer::{DocumentId, QuestionUnderWay, Scope};
use vade_models::language::{Generation, Request, Sampling, Summary};

use crate::cite::{Attribution, Citation};
use crate::condense::condense;
use crate::conversation::{self, Detail};
use crate::error::{Result, RetrieverError};
use crate::language::Language;
use crate::passage::Passage;
use crate::prompt::{self, Turn};
use crate::search::{Retriever, check_question};
use crate::writer::{Piece, Writer};

/// Passages shown when the documents hold no answer.
const NEAREST: usize = 3;

/// What is asked.
#[derive(Debug, Clone, Default)]
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
        let text = check_question(&question.text)?.to_owned();
        let language = Language::of(&text);
        let under_way = self.index.begin_question();
        let history = match &question.conversation {
            Some(id) => {
                let conversation = self.conversation(id)?;
                under_way.rests_on(conversation::documents(&conversation));
                conversation::turns(&conversation)
            }
            None => Vec::new(),
        };
        let previous = history.last().map(|turn| turn.question.as_str());
        let query = condense(previous, &text);
        // Documents wait while a person does.
        let _pause = self.index.hold_back();
        let hits = self
            .search(&query, self.search.passages, &question.scope)
            .await?;
        let found = hits.hits.iter();
        under_way.rests_on(found.map(|hit| DocumentId(hit.document.clone())));
        let retrieve_ms = elapsed(started);
        let mut asking = Asking {
            retriever: self,
            under_way: &under_way,
            conversation: question.conversation.clone().or(question.keep_as.clone()),
            question,
            text,
            language,
            history,
            passages: hits.hits,
            started,
            retrieve_ms,
        };
        let certain =
            !asking.passages.is_empty() && hits.evidence >= self.search.evidence_threshold;
        let answering = async {
            if certain {
                asking.generate(events).await
            } else {
                Ok(Some(asking.refuse(events).await))
            }
        };
        let answer = tokio::select! {
            biased;
            () = under_way.cut_off() => return Err(RetrieverError::Forgotten),
            answer = answering => answer?,
        };
        // A person who went away gets nothing kept half-said.
        if let Some(answer) = answer {
            asking.keep(&answer)?;
            events.send(AskEvent::Done(Box::new(answer))).await;
        }
        Ok(())
    }
}

/// One question on its way.
struct Asking<'a> {
    retriever: &'a Retriever,
    under_way: &'a QuestionUnderWay,
    question: Question,
    conversation: Option<String>,
    text: String,
    language: Language,
    history: Vec<Turn>,
    passages: Vec<Passage>,
    started: Instant,
    retrieve_ms: f64,
}

impl Asking<'_> {
    /// Says that the documents hold no answer, and shows what came nearest.
    async fn refuse(&mut self, events: &Events) -> Answer {
        self.passages.truncate(NEAREST);
        self.number();
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
    async fn generate(&mut self, events: &Events) -> Result<Option<Answer>> {
        let model = self.question.model.clone();
        self.number();
        let entries = self.passages.iter().map(prompt::entry).collect();
        let counts = self
            .retriever
            .model
            .count(model.as_deref(), entries)
            .await?;
        let budget = self.retriever.search.passage_tokens;
        self.passages.truncate(prompt::fitting(&counts, budget));
        self.show(events).await;

        let settings = &self.retriever.answers;
        let request = Request {
            messages: prompt::messages(&self.passages, &self.history, &self.text),
            max_tokens: settings.answer_tokens,
            sampling: Sampling {
                temperature: settings.temperature,
                top_p: settings.top_p,
                top_k: settings.top_k,
                min_p: settings.min_p,
                repetition_penalty: settings.repetition_penalty,
                seed: settings.seed,
            },
            stop: vec!["\nQuestion:".to_owned(), "\nPassage ".to_owned()],
            endless: false,
            drafting: settings.drafting,
        };
        let prompted = elapsed(self.started);
        let mut stream = self.retriever.model.generate(model.as_deref(), request)?;
        let mut said = Said::new(&self.passages);
        let summary = loop {
            match stream.recv().await {
                Some(Generation::Text(piece)) => {
                    if !said.say(&piece, events).await {
                        return Ok(None);
                    }
                }
                Some(Generation::Done(summary)) => break summary,
                Some(Generation::Failed(error)) => return Err(error.into()),
                None => return Err(vade_models::ModelsError::Stopped.into()),
            }
        };
        let timings = self.timings(&summary, prompted);
        let model = model.unwrap_or_else(|| self.retriever.model.default_model().to_owned());
        let (answer, found, citations) = match said.finish(events).await {
            Some((answer, citations)) => (answer, true, citations),
            None => (self.language.not_found().to_owned(), false, Vec::new()),
        };
        Ok(Some(self.conclude(
            answer,
            found,
            citations,
            Some(model),
            timings,
        )))
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
            citations,
            model,
            timings,
            conversation: self.conversation.clone(),
        }
    }

    fn timings(&self, summary: &Summary, prompted: f64) -> Timings {
        Timings {
            retrieve_ms: self.retrieve_ms,
            prepare_ms: prompted - self.retrieve_ms,
            read_ms: summary.first_token_ms,
            prompt_tokens: summary.prompt_tokens,
            cached_tokens: summary.cached_tokens,
            first_token_ms: prompted + summary.first_token_ms,
            tokens: summary.tokens,
            tokens_per_second: summary.tokens_per_second,
            drafted_tokens: summary.drafted_tokens,
            accepted_tokens: summary.accepted_tokens,
        }
    }

    fn number(&mut self) {
        for (place, passage) in self.passages.iter_mut().enumerate() {
            passage.n = place + 1;
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
        };
        conversation::keep(
            &self.retriever.index,
            self.under_way,
            id,
            &self.text,
            &answer.answer,
            &detail,
            self.question.now,
        )
    }
}

/// The answer so far. While it may still turn out to say that there is none, it is held back.
struct Said<'a> {
    undecided: Option<String>,
    writer: Writer<'a>,
}

impl<'a> Said<'a> {
    fn new(passages: &'a [Passage]) -> Self {
        Self {
            undecided: Some(String::new()),
            writer: Writer::new(Attribution::new(passages)),
        }
    }

    /// Takes the model's next words; false when nobody listens.
    async fn say(&mut self, piece: &str, events: &Events) -> bool {
        let mut ready = piece.to_owned();
        if let Some(mut undecided) = self.undecided.take() {
            undecided.push_str(piece);
            if could_be_not_found(&undecided) {
                self.undecided = Some(undecided);
                return events.are_wanted();
            }
            ready = undecided;
        }
        events.send_all(self.writer.push(&ready)).await && events.are_wanted()
    }

    /// The whole answer and its citations; none when the model found none, or said what is in none
    /// of the passages.
    async fn finish(mut self, events: &Events) -> Option<(String, Vec<Citation>)> {
        if let Some(undecided) = self.undecided.take() {
            if undecided.trim().is_empty() || prompt::is_not_found(&undecided) {
                return None;
            }
            events.send_all(self.writer.push(&undecided)).await;
        }
        events.send_all(self.writer.finish()).await;
        Some(self.writer.into_parts()).filter(|(_, citations)| !citations.is_empty())
    }
}

/// Whether a beginning may become the words that stand for "no answer".
fn could_be_not_found(text: &str) -> bool {
    let plain = text
        .trim_start_matches(|c: char| !c.is_alphabetic())
        .to_uppercase();
    let length = plain.len().min(prompt::NOT_FOUND.len());
    plain.is_char_boundary(length) && plain[..length] == prompt::NOT_FOUND[..length]
}

struct Events(mpsc::Sender<AskEvent>);

impl Events {
    /// False when nobody listens.
    async fn send(&self, event: AskEvent) -> bool {
        self.0.send(event).await.is_ok()
    }

    async fn send_all(&self, pieces: Vec<Piece>) -> bool {
        for piece in pieces {
            let event = match piece {
                Piece::Text(text) => AskEvent::Token(text),
                Piece::Citation(citation) => AskEvent::Citation(citation),
            };
            if !self.send(event).await {
                return false;
            }
        }
        true
    }

    fn are_wanted(&self) -> bool {
        !self.0.is_closed()
    }
}

fn elapsed(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_begins_like_a_refusal_is_held_back() {
        assert!(could_be_not_found(""));
        assert!(could_be_not_found("NOT F"));
        assert!(could_be_not_found("NOT FOUND."));
        assert!(!could_be_not_found("The"));
        assert!(!could_be_not_found("No, the"));
    }
}
