//! Retrieval: a query's best passages, and how sure they are.

use std::time::Instant;

use vade_config::{ModelSettings, SearchSettings};
use vade_indexer::{Found, Index, Scope};
use vade_models::language::LanguageModelHandle;

use crate::conversation::{self, Conversation, ConversationSummary};
use crate::error::{Result, RetrieverError};
use crate::fuse::{Ranked, cap, fuse};
use crate::passage::Passage;

/// Characters a question may have.
const LONGEST_QUESTION: usize = 4000;

/// Answers questions from an index.
#[derive(Clone)]
pub struct Retriever {
    pub(crate) index: Index,
    pub(crate) model: LanguageModelHandle,
    pub(crate) search: SearchSettings,
    pub(crate) answers: ModelSettings,
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
    ) -> Self {
        Self {
            index,
            model,
            search,
            answers,
        }
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
        let query = check(query)?;
        let vector = match self.index.embed_question(query).await {
            Ok(vector) => Some(vector),
            Err(error) => {
                tracing::warn!(%error, "searching by words alone");
                None
            }
        };
        let found = self
            .index
            .search(query, vector.as_deref(), self.search.candidates, scope)
            .await?;
        let weight = match &vector {
            Some(_) => self.search.vector_weight,
            None => 0.0,
        };
        let evidence = evidence(&found);
        let ranked = fuse(found, weight);
        let ranked = cap(ranked, self.search.per_document, |found| {
            found.document().0.clone()
        });
        let hits = self.passages(ranked, k)?;
        Ok(Hits {
            hits,
            milliseconds: started.elapsed().as_secs_f64() * 1000.0,
            evidence,
        })
    }

    fn passages(&self, ranked: Vec<Ranked<Found>>, k: usize) -> Result<Vec<Passage>> {
        let mut passages = Vec::new();
        for Ranked { item, score } in ranked {
            if passages.len() == k {
                break;
            }
            if let Some(chunk) = self.index.chunk(&item)? {
                passages.push(Passage::new(chunk, score));
            }
        }
        Ok(passages)
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
pub(crate) fn check(question: &str) -> Result<&str> {
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

/// How sure the best candidate is: its cosine, which unlike a fused score does not depend on what
/// else there is. Without vectors, sharing a word has to do.
fn evidence(found: &[Found]) -> f32 {
    let best = |score: fn(&Found) -> Option<f32>| found.iter().filter_map(score).reduce(f32::max);
    match best(|found| found.vector) {
        Some(cosine) => cosine.clamp(0.0, 1.0),
        None if best(|found| found.words).is_some() => 1.0,
        None => 0.0,
    }
}
