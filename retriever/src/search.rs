//! Retrieval: a query's best passages, and how sure they are.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use vade_config::{ModelSettings, SearchSettings};
use vade_indexer::{Chunk, DocumentId, Found, Index, Receipt, Scope, path_text};
use vade_models::language::LanguageModelHandle;

use crate::ask::blocking;
use crate::conversation::{self, Conversation, ConversationSummary};
use crate::embedded;
use crate::error::{Result, RetrieverError};
use crate::fuse::{Ranked, fuse, give_way};
use crate::language::Language;
use crate::library::Shelves;
use crate::nearness::Sentences;
use crate::operators;
use crate::passage::Passage;
use crate::rating::{self, Rating};
use crate::summary::Memory;

/// Characters a question may have.
const LONGEST_QUESTION: usize = 4000;

/// With less of a question's words, its meaning must be there.
const LEAST_SAID: f32 = 0.05;

/// Passages in which the question's words are looked for.
const EVIDENCE: usize = 5;

/// What must be known of the embedding model to judge what it finds.
#[derive(Debug, Clone, PartialEq)]
pub struct Embedding {
    /// The languages (ISO 639-1, or `mul`) that it was trained for.
    pub languages: Vec<String>,
    /// The cosine of a question and a passage that says nothing of it.
    pub unrelated: f32,
    /// That of a question and a passage that can hardly say more of it.
    pub related: f32,
    /// How much lower it is for what says the same in another language.
    pub foreign: f32,
}

impl Embedding {
    /// How near in meaning a cosine says that two texts are: 0 not at all, 1 as near as can be.
    pub(crate) fn nearness(&self, cosine: f32) -> f32 {
        let width = (self.related - self.unrelated).max(f32::EPSILON);
        ((cosine - self.unrelated) / width).clamp(0.0, 1.0)
    }
}

/// Answers questions from an index.
#[derive(Clone)]
pub struct Retriever {
    pub(crate) index: Index,
    pub(crate) model: LanguageModelHandle,
    pub(crate) search: SearchSettings,
    pub(crate) answers: ModelSettings,
    pub(crate) embedding: Embedding,
    pub(crate) summaries: Memory,
    pub(crate) sentences: Sentences,
    pub(crate) shelves: Shelves,
    /// Whether the model judges all likely quotes, though it could stop before.
    pub(crate) judges_all: bool,
}

/// The result of a search.
#[derive(Debug, Clone, PartialEq)]
pub struct Hits {
    /// The passages, the best first.
    pub hits: Vec<Passage>,
    /// How long it took.
    pub milliseconds: f64,
    /// How sure the best of them is, 0 to 1.
    pub evidence: f32,
}

impl Retriever {
    /// A retriever over an index and a language model.
    #[must_use]
    pub fn new(
        index: Index,
        model: LanguageModelHandle,
        search: SearchSettings,
        answers: ModelSettings,
        embedding: Embedding,
    ) -> Self {
        Self {
            index,
            model,
            search,
            answers,
            embedding,
            summaries: Memory::default(),
            sentences: Sentences::default(),
            shelves: Shelves::default(),
            judges_all: false,
        }
    }

    /// Has the model judge all likely quotes of each question, though it could stop before: for fitting its judge.
    pub fn judge_all(&mut self) {
        self.judges_all = true;
    }

    /// The index it reads.
    #[must_use]
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// The language model it asks.
    #[must_use]
    pub fn model(&self) -> &LanguageModelHandle {
        &self.model
    }

    /// The `k` best passages for a query.
    ///
    /// # Errors
    /// An empty or overlong query, or a failing engine. A missing embedding model is no error: the
    /// words leg answers alone.
    pub async fn search(&self, query: &str, k: usize, scope: &Scope) -> Result<Hits> {
        let started = Instant::now();
        let (query, scope) = self.understood(query, scope).await?;
        if query.is_empty() {
            return self.newest(&scope, k, started);
        }
        let (query, vector) = self.prepare(&query).await?;
        let ranked = self.rank(query, vector.as_deref(), &scope).await?;
        self.hits(query, ranked, k, &scope, started)
    }

    /// A query without its operators, and a scope in which what they say holds.
    ///
    /// # Errors
    /// An empty or overlong query, or a failing index.
    pub(crate) async fn understood(&self, query: &str, scope: &Scope) -> Result<(String, Scope)> {
        let read = operators::read(check_question(query)?);
        let mut scope = scope.clone();
        if !read.conditions.is_empty() {
            let retriever = self.clone();
            let mut admitted = blocking(move || {
                let shelf = retriever.shelves.now(&retriever.index);
                shelf.admitted(&retriever.index, &read.conditions)
            })
            .await?;
            if let Some(before) = &scope.documents {
                admitted.retain(|id| before.contains(id));
            }
            scope.documents = Some(Arc::new(admitted));
        }
        Ok((read.words, scope))
    }

    /// How the newest documents of a scope begin: what operators find that stand alone.
    pub(crate) fn newest(&self, scope: &Scope, k: usize, started: Instant) -> Result<Hits> {
        let (_, mut documents) = self.index.all_live();
        documents.retain(|document| scope.admits(document));
        documents.sort_by_key(|document| (Reverse(document.modified), document.path.clone()));
        let mut hits = Vec::new();
        for document in documents.into_iter().take(k) {
            let first = self.index.chunks(&document.id)?.into_iter().next();
            hits.extend(first.map(|chunk| Passage::new(chunk, 1.0)));
        }
        Ok(Hits {
            hits,
            milliseconds: started.elapsed().as_secs_f64() * 1000.0,
            evidence: 1.0,
        })
    }

    /// The best of a ranking, with how sure they are.
    pub(crate) fn hits(
        &self,
        query: &str,
        ranked: Vec<Ranked<Found>>,
        k: usize,
        scope: &Scope,
        started: Instant,
    ) -> Result<Hits> {
        let asked = Language::of(query, None);
        let cosine = |item: &Found| {
            let nearest = [item.vector, item.name.head].into_iter().flatten();
            nearest.reduce(f32::max)
        };
        let items = || ranked.iter().map(|ranked| &ranked.item);
        let nearness = items().filter_map(|item| Some(self.embedding.nearness(cosine(item)?)));
        let is_something = stands_out(&nearness.collect::<Vec<_>>());
        let is_named = items().any(|item| item.name.said >= LEAST_SAID);
        let lifted = items().filter_map(|item| {
            let text = item.vector.map(|cosine| cosine + self.lift(asked, item));
            [text, item.name.head]
                .into_iter()
                .flatten()
                .reduce(f32::max)
        });
        let cosine = lifted.reduce(f32::max);
        let mut chunks = self.chunks(ranked, k.max(EVIDENCE))?;
        let coverage = chunks
            .iter()
            .take(EVIDENCE)
            .map(|(chunk, _)| self.index.coverage(query, chunk))
            .fold(0.0, f32::max);
        let near = cosine.map(|cosine| self.embedding.nearness(cosine));
        let evidence = evidence(near, coverage);
        tracing::debug!(cosine, coverage, evidence, "evidence");
        chunks.truncate(k);
        let mut chunks = self.with_embedded(chunks, scope)?;
        chunks.truncate(k);
        let is_nothing = coverage < LEAST_SAID && !is_named && !is_something;
        // Whoever asks in words of a language means something; it may stand there in another one.
        if is_nothing && !Language::is_spoken(query) {
            chunks.clear();
        }
        Ok(Hits {
            hits: chunks
                .into_iter()
                .map(|(chunk, score)| Passage::new(chunk, score))
                .collect(),
            milliseconds: started.elapsed().as_secs_f64() * 1000.0,
            evidence,
        })
    }

    /// The query as it is searched, and its vector where there is an embedding model.
    pub(crate) async fn prepare<'a>(&self, query: &'a str) -> Result<(&'a str, Option<Vec<f32>>)> {
        let query = check_question(query)?;
        match self.index.embed_question(query).await {
            Ok(vector) => Ok((query, Some(vector))),
            Err(error) => {
                tracing::warn!(%error, "searching by words alone");
                Ok((query, None))
            }
        }
    }

    /// Both legs' candidates, fused.
    pub(crate) async fn rank(
        &self,
        query: &str,
        vector: Option<&[f32]>,
        scope: &Scope,
    ) -> Result<Vec<Ranked<Found>>> {
        let found = self
            .index
            .search(query, vector, self.search.candidates, scope)
            .await?;
        let asked = Language::of(query, None);
        let weight = match vector {
            Some(_) => self.vector_weight(asked),
            None => 0.0,
        };
        let said = self.said(query, &found)?;
        let ranked = fuse(found, weight, said, |found| self.lift(asked, found));
        let first = self.search.per_document;
        Ok(give_way(ranked, first, Found::document))
    }

    /// What is added to the cosine of a candidate whose document is in another language than the query.
    fn lift(&self, asked: Language, found: &Found) -> f32 {
        let document = self.index.live(found.document());
        let language = document.as_ref().and_then(|one| one.language.as_deref());
        let is_foreign = language.is_some_and(|language| language != asked.code());
        if is_foreign {
            self.embedding.foreign
        } else {
            0.0
        }
    }

    /// How much of a query's words the best candidate of the words leg has.
    fn said(&self, query: &str, found: &[Found]) -> Result<f32> {
        let by_words = found.iter().filter_map(|found| Some((found.words?, found)));
        let best = by_words.max_by(|(one, _), (other, _)| one.total_cmp(other));
        let chunk = match best {
            Some((_, best)) => self.index.chunk(best)?,
            None => None,
        };
        Ok(chunk.map_or(1.0, |chunk| self.index.coverage(query, &chunk)))
    }

    /// Forgets what was indexed from `path` (absolute), in the language model's memory too.
    ///
    /// # Errors
    /// A path of which nothing is known, or an engine that fails.
    pub async fn forget(&self, path: &std::path::Path) -> Result<Receipt> {
        let receipt = self.index.forget(path).await?;
        self.model.forget();
        self.summaries.clear();
        self.sentences.clear();
        self.shelves.clear();
        Ok(receipt)
    }

    /// The vector leg's share: less in a language the embedding model was not trained for.
    fn vector_weight(&self, asked: Language) -> f32 {
        let code = asked.code();
        let speaks = |language: &String| language == code || language == "mul";
        if self.embedding.languages.iter().any(speaks) {
            self.search.vector_weight
        } else {
            self.search.foreign_vector_weight
        }
    }

    fn chunks(&self, ranked: Vec<Ranked<Found>>, k: usize) -> Result<Vec<(Chunk, f32)>> {
        let mut chunks = Vec::new();
        for Ranked { item, score } in ranked {
            if chunks.len() == k {
                break;
            }
            if let Some(chunk) = self.index.chunk(&item)? {
                chunks.push((chunk, score));
            }
        }
        Ok(chunks)
    }

    /// With the beginning of each note that one of these embeds, after it.
    fn with_embedded(&self, chunks: Vec<(Chunk, f32)>, scope: &Scope) -> Result<Vec<(Chunk, f32)>> {
        let embeds = |chunk: &Chunk| !embedded::targets(&chunk.text).is_empty();
        if !chunks.iter().any(|(chunk, _)| embeds(chunk)) {
            return Ok(chunks);
        }
        let (_, documents) = self.index.all_live();
        let mut with: Vec<(Chunk, f32)> = Vec::with_capacity(chunks.len());
        let found: HashSet<DocumentId> = chunks
            .iter()
            .map(|(chunk, _)| chunk.document.id.clone())
            .collect();
        for (chunk, score) in chunks {
            let mut embedded = Vec::new();
            for name in embedded::targets(&chunk.text) {
                let note = documents.iter().find(|one| {
                    scope.admits(one) && embedded::is_named(&path_text(&one.path), name)
                });
                let note = note.filter(|note| !found.contains(&note.id));
                let chunks = note.map(|note| self.index.chunks(&note.id)).transpose()?;
                embedded.extend(chunks.unwrap_or_default().into_iter().next());
            }
            with.push((chunk, score));
            for chunk in embedded {
                if !with
                    .iter()
                    .any(|(known, _)| known.document.id == chunk.document.id)
                {
                    with.push((chunk, score));
                }
            }
        }
        Ok(with)
    }

    /// All conversations, the latest first.
    ///
    /// # Errors
    /// When the ledger cannot be read; likewise below.
    pub fn conversations(&self) -> Result<Vec<ConversationSummary>> {
        conversation::list(self.index.ledger())
    }

    /// One conversation.
    ///
    /// # Errors
    /// Also when there is none of this id.
    pub fn conversation(&self, id: &str) -> Result<Conversation> {
        conversation::open(self.index.ledger(), id)
    }

    /// Notes what a person says of an answer in the file of ratings; gives where that is.
    ///
    /// # Errors
    /// A conversation or question that is not there, a correction that is none, or a file that cannot be written.
    pub fn rate(&self, conversation: &str, rating: &Rating) -> Result<PathBuf> {
        self.index.change_ratings(|text| {
            let conversation = self.conversation(conversation)?;
            rating::noted(text, &conversation, rating)
        })?;
        Ok(self.index.ratings_file())
    }

    /// Deletes one conversation, or all.
    ///
    /// # Errors
    /// Also when there is none of this id.
    pub fn delete_conversations(&self, id: Option<&str>) -> Result<usize> {
        let deleted = self.index.ledger().delete_conversations(id)?;
        match id {
            Some(id) if deleted == 0 => Err(RetrieverError::NoConversation(id.to_owned())),
            _ => Ok(deleted),
        }
    }
}

/// The question without white space around it, if it is one.
///
/// # Errors
/// An empty or overlong question.
pub fn check_question(question: &str) -> Result<&str> {
    let question = question.trim();
    if question.is_empty() {
        return Err(RetrieverError::EmptyQuestion);
    }
    if question.chars().count() > LONGEST_QUESTION {
        return Err(RetrieverError::LongQuestion {
            limit: LONGEST_QUESTION,
        });
    }
    Ok(question)
}

/// Whether one of the nearest has to do with what is asked, although no word of it is there: it is very near, or nearer
/// than the others, by more the more there are. Something is always nearest to what nobody understands, but it does not
/// stand out.
///
/// Of 44 strings that mean nothing, in eight languages, put to the 240 paragraphs of `XQuAD` in English and in Spanish,
/// about one in ten stands out; of 105 questions in the other language that share no word with them, nine in ten. (Every
/// question in their own language does share one, but for one.) Of 50 questions put to as many short notes that say it
/// in other words, with their names, and 21 such strings, the same.
fn stands_out(nearness: &[f32]) -> bool {
    const VERY: f32 = 0.61;
    const NEARER: f32 = 0.0315;
    /// However few there are.
    const LEAST: f32 = 0.087;
    #[expect(clippy::cast_precision_loss, reason = "a hundred or two")]
    let count = nearness.len().max(1) as f32;
    let nearest = nearness.iter().copied().fold(0.0, f32::max);
    let mean = nearness.iter().sum::<f32>() / count;
    nearest >= VERY || nearest - mean >= (NEARER * (1.0 + count).ln()).max(LEAST)
}

/// How sure it is that the documents speak of what is asked, 0 to 1.
///
/// Neither leg is sure alone: in a small collection something is always nearest, and common words
/// are always shared. The cosine tells how near the meaning is, the coverage how much of the
/// question's rare words the best passages have. Without vectors the words have to do.
///
/// Weighed on 345 questions that have an answer and 414 that have none (BENCHMARKS.md): at the
/// default threshold 1 in 200 of the first is refused, and 7 in 10 of the second.
fn evidence(near: Option<f32>, coverage: f32) -> f32 {
    const COVERAGE: f32 = 0.3;
    let evidence = match near {
        Some(near) => (near + COVERAGE * coverage) / (1.0 + COVERAGE),
        None => 2.5 * coverage,
    };
    evidence.clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_near_without_standing_out_is_nothing() {
        let near = |best: f32, others: f32, count: usize| {
            let mut all = vec![others; count - 1];
            all.push(best);
            stands_out(&all)
        };
        assert!(!near(0.50, 0.40, 100));
        assert!(near(0.62, 0.55, 100));
        assert!(near(0.50, 0.34, 100));
        assert!(near(0.50, 0.38, 7));
        assert!(!near(0.50, 0.46, 7));
        assert!(!stands_out(&[]));
    }
}
