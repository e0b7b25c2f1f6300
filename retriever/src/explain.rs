//! Why a search gave what it gave: every candidate's way, and where one file ended up.

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::{Deserialize, Serialize};
use vade_indexer::{Found, Scope, Standing};

use crate::error::Result;
use crate::fuse::Ranked;
use crate::passage::Passage;
use crate::search::{Hits, Retriever};

/// Candidates taken from each leg to find how far away an expected file is.
const DEEP: usize = 5000;

/// A search's result with each candidate's way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// The candidates, the best first.
    pub candidates: Vec<Explained>,
    /// What became of the file that was expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<Expected>,
}

/// A candidate's way through the search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Explained {
    /// Its place in the fused ranking, from 1.
    pub rank: usize,
    /// The passage.
    #[serde(flatten)]
    pub passage: Passage,
    /// In the words leg, where that found it.
    pub lexical: Option<Leg>,
    /// In the vector leg, where that found it.
    pub vector: Option<Leg>,
    /// By what its document is called, where that says something of the question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<ByName>,
    /// What became of it: `in the prompt`, `shown`, or what kept it out.
    pub outcome: String,
}

/// A candidate's place in one leg.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Leg {
    /// Its place, from 1.
    pub rank: usize,
    /// BM25, or the cosine.
    pub score: f32,
}

/// What a document's names have to do with a query.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ByName {
    /// How much of the query they say: 0 to 1, and a quarter more where one of them is the query.
    pub words: f32,
    /// The cosine of the query and the name with the document's beginning, on its first passage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meaning: Option<f32>,
}

/// What became of an expected file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expected {
    /// The file.
    #[serde(with = "vade_indexer::paths::as_text")]
    pub path: PathBuf,
    /// The place of its best passage in the fused ranking, from 1.
    pub rank: Option<usize>,
    /// The same in the words leg.
    pub lexical_rank: Option<usize>,
    /// The same in the vector leg.
    pub vector_rank: Option<usize>,
    /// What kept it out, or where it is: one sentence.
    pub verdict: String,
}

impl Retriever {
    /// Searches as `search` does and explains it: the candidates up to the place `k`, and where the file at
    /// `expected` (absolute) is.
    ///
    /// # Errors
    /// As `search`.
    pub async fn explain(
        &self,
        query: &str,
        k: usize,
        scope: &Scope,
        expected: Option<&Path>,
    ) -> Result<(Hits, Explanation)> {
        let started = Instant::now();
        let (query, scope) = self.understood(query, scope).await?;
        let scope = &scope;
        if query.is_empty() {
            let explanation = Explanation {
                candidates: Vec::new(),
                expected: None,
            };
            return Ok((self.newest(scope, k, started)?, explanation));
        }
        let (query, vector) = self.prepare(&query).await?;
        let ranked = self.rank(query, vector.as_deref(), scope).await?;
        let hits = self.hits(query, ranked.clone(), k, scope, started)?;
        let expected = match expected {
            Some(path) => {
                let deep = self
                    .index
                    .search(query, vector.as_deref(), DEEP, scope)
                    .await?;
                let is_something = !hits.hits.is_empty();
                Some(self.expected(path, &ranked, &deep, k, is_something)?)
            }
            None => None,
        };
        let mut candidates = Vec::new();
        for (place, ranked) in ranked.into_iter().enumerate().take(k) {
            let Ranked { item, score } = ranked;
            if let Some(chunk) = self.index.chunk(&item)? {
                let (lexical, vector) = legs(&item);
                candidates.push(Explained {
                    rank: place + 1,
                    passage: Passage::new(chunk, score),
                    lexical,
                    vector,
                    name: name(&item),
                    outcome: self.outcome(place + 1, k, !hits.hits.is_empty()),
                });
            }
        }
        let explanation = Explanation {
            candidates,
            expected,
        };
        Ok((hits, explanation))
    }

    /// What becomes of the candidate at a place of the ranking, in words.
    fn outcome(&self, place: usize, k: usize, is_something: bool) -> String {
        let prompt = self.search.passages;
        let tokens = self.search.passage_tokens;
        if !is_something {
            "cut: it says nothing of what is asked".to_owned()
        } else if place <= prompt {
            format!("in the prompt, if it fits its {tokens} tokens")
        } else if place <= k {
            format!("shown; cut from the prompt, which has {prompt} passages")
        } else {
            format!("cut: {k} passages are shown")
        }
    }

    fn expected(
        &self,
        path: &Path,
        ranked: &[Ranked<Found>],
        deep: &[Found],
        k: usize,
        is_something: bool,
    ) -> Result<Expected> {
        let why = self.index.why(path)?;
        let mut expected = Expected {
            path: why.path,
            rank: None,
            lexical_rank: None,
            vector_rank: None,
            verdict: why.verdict,
        };
        let Some(document) = why.document.filter(|_| why.standing == Standing::Known) else {
            expected.verdict = format!("not indexed: {}", expected.verdict);
            return Ok(expected);
        };
        if self.index.live(&document.id).is_none() {
            expected.verdict = format!("not indexed: {}", expected.verdict);
            return Ok(expected);
        }
        if document.chunks == 0 {
            "extracted empty: it has no text".clone_into(&mut expected.verdict);
            return Ok(expected);
        }
        let own = || deep.iter().filter(|found| *found.document() == document.id);
        expected.lexical_rank = own().filter_map(|found| found.ranks.0).min();
        expected.vector_rank = own().filter_map(|found| found.ranks.1).min();
        let is_its = |ranked: &Ranked<Found>| *ranked.item.document() == document.id;
        let place = ranked.iter().position(is_its);
        expected.rank = place.map(|place| place + 1);
        let leg = |rank: Option<usize>, leg: &str, none: &str| match rank {
            Some(rank) => format!("rank {rank} {leg}"),
            None => none.to_owned(),
        };
        let waits = deep
            .iter()
            .any(|found| *found.document() == document.id && found.awaits_vector);
        let legs = format!(
            "{}, {}",
            leg(
                expected.lexical_rank,
                "lexical",
                "none of the question's words in it"
            ),
            leg(
                expected.vector_rank,
                "vector",
                if waits {
                    "its vectors are still being computed"
                } else {
                    "not among the nearest in meaning"
                }
            ),
        );
        expected.verdict = match place {
            Some(place) => {
                let outcome = self.outcome(place + 1, k, is_something);
                format!("rank {} of all ({legs}): {outcome}", place + 1)
            }
            None => format!(
                "not a candidate ({legs}): the first {} of each leg are ranked",
                self.search.candidates
            ),
        };
        Ok(expected)
    }
}

fn name(found: &Found) -> Option<ByName> {
    let name = found.name;
    (name.said > 0.0 || name.head.is_some()).then_some(ByName {
        words: name.said,
        meaning: name.head,
    })
}

fn legs(found: &Found) -> (Option<Leg>, Option<Leg>) {
    let leg = |rank: Option<usize>, score: Option<f32>| {
        rank.zip(score).map(|(rank, score)| Leg { rank, score })
    };
    (
        leg(found.ranks.0, found.words),
        leg(found.ranks.1, found.vector),
    )
}
