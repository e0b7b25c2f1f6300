//! Summaries of whole documents: read all, tell the sentences that matter, prove each point.
//!
//! All sentences are weighed (`salience`); the most central ones, spread over the document, are its summary (`plan`).
//! What is in another language than the question the model translates, and where a translation is not proven the
//! document speaks for itself (`points`). Here are the steps and the calls. It knows nothing of how documents are
//! chosen and nothing of events.

mod plan;
mod points;
mod salience;

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use vade_indexer::{Chunk, DocumentId};
use vade_models::ModelsError;
use vade_models::language::{Generation, LanguageModelHandle, Message, Request, Role};

use crate::cite::Citation;
use crate::error::Result;
use crate::language::Language;
use crate::passage::Passage;
use plan::{Task, Wording, plan};
use points::{Point, material};
use salience::Sentence;

/// Documents of one summary, at most.
pub(crate) const DOCUMENTS: usize = 20;

/// Wordings that are remembered.
const REMEMBERED: usize = 256;

/// Tokens of one point, at most.
const POINT_TOKENS: usize = 120;

/// A document that is summarised.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Source {
    /// Hash of its content.
    hash: String,
    /// ISO 639-1, where it was certain.
    language: Option<String>,
    /// All of it.
    passages: Vec<Passage>,
}

impl Source {
    /// The document of these chunks, which are all it has; none where there are none.
    pub(crate) fn of(chunks: Vec<Chunk>) -> Option<Self> {
        let document = Arc::clone(&chunks.first()?.document);
        Some(Self {
            hash: document.hash.clone().unwrap_or_default(),
            language: document.language.clone(),
            passages: chunks
                .into_iter()
                .map(|chunk| Passage::new(chunk, 1.0))
                .collect(),
        })
    }

    pub(crate) fn document(&self) -> Option<DocumentId> {
        let first = self.passages.first()?;
        Some(DocumentId(first.document.clone()))
    }
}

/// What is next of a summary.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Step {
    /// Steps done, this one too.
    pub done: usize,
    /// Steps of the whole summary.
    pub total: usize,
    /// Markdown, with `[n]` markers, that goes on where the step before ended.
    pub text: String,
    /// What its markers cite.
    pub citations: Vec<Citation>,
}

/// A summary on its way.
pub(crate) struct Summarising {
    sources: Vec<Source>,
    sentences: Vec<Vec<Sentence>>,
    tasks: Vec<Task>,
    done: usize,
    points: Vec<Point>,
    /// Documents that were left out.
    left_out: usize,
    language: Language,
}

impl Summarising {
    /// A summary of these documents, in this language; of the first ones, where there are too many.
    pub(crate) fn new(mut sources: Vec<Source>, language: Language) -> Self {
        let left_out = sources.len().saturating_sub(DOCUMENTS);
        sources.truncate(DOCUMENTS);
        let sentences: Vec<_> = sources
            .iter()
            .map(|source| salience::sentences(&source.passages))
            .collect();
        let tasks = plan(&sources, &sentences, language.code());
        let mut new = Self {
            sources,
            sentences,
            tasks,
            done: 0,
            points: Vec::new(),
            left_out,
            language,
        };
        new.number();
        new
    }

    /// What its points can cite, numbered as its markers are.
    pub(crate) fn passages(&self) -> Vec<Passage> {
        let all = self.sources.iter().flat_map(|source| &source.passages);
        let mut cited: Vec<Passage> = all.filter(|passage| passage.n > 0).cloned().collect();
        cited.sort_by_key(|passage| passage.n);
        cited
    }

    /// Whether a model puts some of it into words.
    pub(crate) fn asks_model(&self) -> bool {
        let mut wordings = self.tasks.iter().map(|task| task.wording);
        wordings.any(|wording| wording == Wording::Translated)
    }

    /// Passages that were read, which are all there are.
    pub(crate) fn read(&self) -> usize {
        self.sources
            .iter()
            .map(|source| source.passages.len())
            .sum()
    }

    /// Makes the next points; none at the end. Who stops waiting for it stops the model at the next token. `like` is a
    /// request whose sampling is taken over.
    ///
    /// # Errors
    /// When the model fails.
    pub(crate) async fn next(
        &mut self,
        model: &LanguageModelHandle,
        id: Option<&str>,
        like: &Request,
        memory: &Memory,
    ) -> Result<Option<Step>> {
        let Some(call) = self.call(id.unwrap_or(model.default_model())) else {
            return Ok(self.settle(""));
        };
        let wording = if let Some(wording) = memory.get(&call.key) {
            wording
        } else {
            let request = Request {
                messages: call.messages,
                max_tokens: call.max_tokens,
                stop: Vec::new(),
                ..like.clone()
            };
            let wording = said(model, id, request).await?;
            memory.keep(call.key, wording.clone());
            wording
        };
        Ok(self.settle(&wording))
    }

    /// What the model is asked next; none where nothing is left, or the document words it.
    fn call(&self, model: &str) -> Option<Call> {
        let task = self.tasks.get(self.done)?;
        let source = &self.sources[task.source];
        let material = material(task, source, &self.sentences[task.source])?;
        let language = self.language.name;
        Some(Call {
            messages: messages(&material, language),
            key: Key {
                hash: source.hash.clone(),
                model: model.to_owned(),
                language,
                material,
            },
            max_tokens: POINT_TOKENS,
        })
    }

    /// Takes what the model said of the next task.
    fn settle(&mut self, wording: &str) -> Option<Step> {
        let task = self.tasks.get(self.done)?;
        let sentences = &self.sentences[task.source];
        let made = points::points(
            task,
            &self.sources[task.source],
            sentences,
            wording,
            &self.points,
        );
        let begins = self.done == 0 || self.tasks[self.done - 1].source != task.source;
        let mut text = String::new();
        if begins {
            text = header(&self.sources[task.source], self.done == 0);
        }
        for point in &made {
            let _ = writeln!(text, "- {} [{}]", point.text, point.citation.marker);
        }
        self.done += 1;
        if self.done == self.tasks.len() {
            text.push_str(&closing(self.read(), self.left_out, self.language.code()));
        }
        let step = Step {
            done: self.done,
            total: self.tasks.len(),
            text,
            citations: made.iter().map(|point| point.citation.clone()).collect(),
        };
        self.points.extend(made);
        Some(step)
    }

    /// Numbers the passages that can be cited.
    fn number(&mut self) {
        let mut next = 1;
        for task in &self.tasks {
            let sentences = &self.sentences[task.source];
            let own = task.own.iter().map(|at| sentences[*at].passage);
            let mut places: Vec<usize> = own.collect();
            places.sort_unstable();
            for place in places {
                let passage = &mut self.sources[task.source].passages[place];
                if passage.n == 0 {
                    passage.n = next;
                    next += 1;
                }
            }
        }
    }
}

/// One question to the model.
struct Call {
    key: Key,
    messages: Vec<Message>,
    max_tokens: usize,
}

/// What a wording depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Key {
    hash: String,
    model: String,
    language: &'static str,
    material: String,
}

/// What models said of parts, the oldest first. It holds words of documents: who forgets a document clears it.
#[derive(Clone, Default)]
pub(crate) struct Memory {
    wordings: Arc<Mutex<VecDeque<(Key, String)>>>,
}

impl Memory {
    /// Forgets everything.
    pub(crate) fn clear(&self) {
        self.wordings
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    fn get(&self, key: &Key) -> Option<String> {
        let mut wordings = self.wordings.lock().unwrap_or_else(PoisonError::into_inner);
        let place = wordings.iter().position(|(known, _)| known == key)?;
        let found = wordings.remove(place)?;
        let wording = found.1.clone();
        wordings.push_back(found);
        Some(wording)
    }

    fn keep(&self, key: Key, wording: String) {
        let mut wordings = self.wordings.lock().unwrap_or_else(PoisonError::into_inner);
        wordings.retain(|(known, _)| *known != key);
        wordings.push_back((key, wording));
        if wordings.len() > REMEMBERED {
            wordings.pop_front();
        }
    }
}

/// All that the model says.
async fn said(model: &LanguageModelHandle, id: Option<&str>, request: Request) -> Result<String> {
    let mut stream = model.generate(id, request)?;
    let mut said = String::new();
    loop {
        match stream.recv().await {
            Some(Generation::Text(piece)) => said.push_str(&piece),
            Some(Generation::Done(_)) => return Ok(said),
            Some(Generation::Failed(error)) => return Err(error.into()),
            None => return Err(ModelsError::Stopped.into()),
        }
    }
}

fn messages(material: &str, language: &str) -> Vec<Message> {
    let system = "You translate sentences. Keep every number, name, date and negation. Write only the translation.";
    let user = format!("{material}\n\nTranslate this into {language}.");
    vec![
        Message::new(Role::System, system),
        Message::new(Role::User, user),
    ]
}

/// The line above the points of a document.
fn header(source: &Source, is_first: bool) -> String {
    let title = source
        .passages
        .first()
        .map_or("", |passage| passage.title.as_str());
    let gap = if is_first { "" } else { "\n" };
    format!("{gap}**{}**\n\n", title.replace(['*', '\n'], " ").trim())
}

/// What was read, and what was not.
fn closing(read: usize, left_out: usize, language: &str) -> String {
    let mut parts = Vec::new();
    match (language, read) {
        ("es", 1) => parts.push("Se ha leído todo: un pasaje.".to_owned()),
        ("es", _) => parts.push(format!("Se ha leído todo: {read} pasajes.")),
        ("en", 1) => parts.push("All of it was read: one passage.".to_owned()),
        ("en", _) => parts.push(format!("All of it was read: {read} passages.")),
        _ => {}
    }
    match (language, left_out) {
        (_, 0) => {}
        ("es", 1) => parts.push("Falta un documento más.".to_owned()),
        ("es", _) => parts.push(format!("Faltan otros {left_out} documentos.")),
        (_, 1) => parts.push("One more document is not in this summary.".to_owned()),
        _ => parts.push(format!(
            "{left_out} more documents are not in this summary."
        )),
    }
    if parts.is_empty() {
        String::new()
    } else {
        format!("\n*{}*\n", parts.join(" "))
    }
}

#[cfg(test)]
mod tests;
