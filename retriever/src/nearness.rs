//! How near in meaning the sentences of passages are to a question.
//!
//! Words say nothing where the question is in another language, or in other words, than the document. The embedding
//! model does: of all sentences that a search found, the one that answers is nearest to the question in four of five
//! questions (BENCHMARKS.md). Vectors of sentences are kept for a while, as follow-ups and repeated questions read
//! the same ones.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::cite::{header_of, sentences};
use crate::language::Language;
use crate::passage::Passage;
use crate::search::Retriever;

/// Sentences that are compared for one question, at most.
const COMPARED: usize = 160;

/// Bytes of a sentence that are embedded, at most.
const LONGEST: usize = 600;

/// Vectors that are kept.
const KEPT: usize = 4096;

/// Vectors of sentences, by what was embedded.
#[derive(Clone, Default)]
pub(crate) struct SentenceVectors(Arc<Mutex<HashMap<u64, Vec<f32>>>>);

impl SentenceVectors {
    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    fn known(&self, keys: &[u64]) -> Vec<Option<Vec<f32>>> {
        let vectors = self.lock();
        keys.iter().map(|key| vectors.get(key).cloned()).collect()
    }

    fn keep(&self, keys: &[u64], all: &[Option<Vec<f32>>]) {
        let mut vectors = self.lock();
        if vectors.len() + keys.len() > KEPT {
            vectors.clear();
        }
        let all = keys.iter().zip(all.iter().cloned());
        vectors.extend(all.filter_map(|(key, vector)| Some((*key, vector?))));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Vec<f32>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How near each sentence is, by where it stands.
#[derive(Debug, Clone, Default)]
pub(crate) struct Nearness {
    near: HashMap<(String, usize), f32>,
    highest: f32,
    middle: f32,
}

impl Nearness {
    fn new(near: HashMap<(String, usize), f32>) -> Self {
        let mut all: Vec<f32> = near.values().copied().collect();
        all.sort_by(f32::total_cmp);
        Self {
            highest: all.last().copied().unwrap_or_default(),
            middle: all.get(all.len() / 2).copied().unwrap_or_default(),
            near,
        }
    }

    /// How near the sentence at `span` of a passage is to the question (0 to 1); none where it was not compared.
    pub(crate) fn whole(&self, passage: &Passage, span: &Range<usize>) -> Option<f32> {
        let place = (passage.document.clone(), passage.start + span.start);
        self.near.get(&place).copied()
    }

    /// How near a sentence is among the others: 1 the nearest, 0 the middle one and all that are farther.
    pub(crate) fn of(&self, passage: &Passage, span: &Range<usize>) -> f32 {
        let Some(near) = self.whole(passage, span) else {
            return 0.0;
        };
        let width = self.highest - self.middle;
        if width > 0.0 {
            ((near - self.middle) / width).max(0.0)
        } else {
            0.0
        }
    }
}

impl Retriever {
    /// How near the sentences of the passages are to a question. Where there is no embedding model, nothing is near.
    pub(crate) async fn nearness(
        &self,
        question: &str,
        asked: Language,
        passages: &[Passage],
    ) -> Nearness {
        let (mut places, mut texts, mut lifts) = (Vec::new(), Vec::new(), Vec::new());
        for passage in passages {
            let is_foreign = Language::of(&passage.text, Some(asked)) != asked;
            let lift = if is_foreign {
                self.embedding.foreign
            } else {
                0.0
            };
            for span in sentences(&passage.text) {
                let place = (passage.document.clone(), passage.start + span.start);
                if places.len() < COMPARED && !places.contains(&place) {
                    places.push(place);
                    texts.push(embedded(passage, &span));
                    lifts.push(lift);
                }
            }
        }
        let cosines = self.cosines(question, texts).await.unwrap_or_default();
        let cosines = cosines.into_iter().zip(lifts);
        let near = cosines.map(|(cosine, lift)| self.embedding.nearness(cosine + lift));
        Nearness::new(places.into_iter().zip(near).collect())
    }

    /// The cosine of each text and a question; none where there is no embedding model.
    pub(crate) async fn cosines(&self, question: &str, texts: Vec<String>) -> Option<Vec<f32>> {
        let keys: Vec<u64> = texts.iter().map(|text| key(text)).collect();
        let mut vectors = self.sentences.known(&keys);
        let unknown: Vec<usize> = (0..texts.len())
            .filter(|at| vectors[*at].is_none())
            .collect();
        let wanted = unknown.iter().map(|at| texts[*at].clone()).collect();
        let embedded = tokio::try_join!(
            self.index.embed_question(question),
            self.index.embed_sentences(wanted)
        );
        let (question, fresh) = match embedded {
            Ok(embedded) => embedded,
            Err(error) => {
                tracing::warn!(%error, "sentences are compared by their words alone");
                return None;
            }
        };
        for (at, vector) in unknown.into_iter().zip(fresh) {
            vectors[at] = Some(vector);
        }
        self.sentences.keep(&keys, &vectors);
        let vectors = vectors.into_iter().map(Option::unwrap_or_default);
        Some(vectors.map(|vector| dot(&question, &vector)).collect())
    }
}

/// A sentence as it is embedded: after what it stands under.
fn embedded(passage: &Passage, span: &Range<usize>) -> String {
    let mut under = vec![passage.title.as_str()];
    let heading = passage.heading.as_deref();
    under.extend(heading.and_then(|heading| heading.rsplit(" > ").next()));
    under.push(header_of(passage, span));
    under.retain(|part| !part.is_empty());
    under.dedup();
    let mut text = format!("{}: {}", under.join(". "), &passage.text[span.clone()]);
    if text.len() > LONGEST {
        text.truncate(text.floor_char_boundary(LONGEST));
    }
    text
}

fn key(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

fn dot(one: &[f32], other: &[f32]) -> f32 {
    one.iter().zip(other).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passage(text: &str) -> Passage {
        Passage {
            document: "d".to_owned(),
            title: "Lease".to_owned(),
            heading: Some("Money > Deposit".to_owned()),
            start: 100,
            end: 100 + text.len(),
            text: text.to_owned(),
            ..Passage::default()
        }
    }

    #[test]
    fn the_nearest_is_told_from_the_middle() {
        let passage = passage("One. Two. Three. Four.");
        let cosines = [(100, 0.90), (105, 0.80), (110, 0.75), (117, 0.85)];
        let cosines = cosines.map(|(at, cosine)| (("d".to_owned(), at), cosine));
        let near = Nearness::new(cosines.into());
        let of = |start: usize| near.of(&passage, &(start..start + 1));
        assert!((of(0) - 1.0).abs() < 1e-6);
        // Of four the third is the middle one.
        assert!(of(17).abs() < 1e-6 && of(5).abs() < 1e-6 && of(10).abs() < 1e-6);
        assert_eq!(near.whole(&passage, &(3..4)), None);
        assert!(Nearness::default().of(&passage, &(0..1)).abs() < 1e-6);
    }

    #[test]
    fn a_sentence_is_embedded_under_its_names() {
        let prose = passage("It is £995.");
        assert_eq!(
            embedded(&prose, &(0..prose.text.len())),
            "Lease. Deposit: It is £995."
        );
        let table = passage("| Item | Fee |\n|---|---|\n| Key | £5 |");
        let row = table.text.find("| Key").expect("a row")..table.text.len();
        assert_eq!(
            embedded(&table, &row),
            "Lease. Deposit. | Item | Fee |: | Key | £5 |"
        );
        let long = passage(&"ü".repeat(LONGEST));
        assert!(embedded(&long, &(0..long.text.len())).len() <= LONGEST);
    }

    #[test]
    fn vectors_are_kept_until_there_are_too_many() {
        let vectors = SentenceVectors::default();
        let one = [Some(vec![1.0])];
        vectors.keep(&[7], &one);
        assert_eq!(vectors.known(&[7, 8]), [Some(vec![1.0]), None]);
        let keys: Vec<u64> = (10..10 + KEPT as u64).collect();
        vectors.keep(&keys, &vec![Some(vec![2.0]); KEPT]);
        assert_eq!(vectors.known(&[7]), [None]);
        vectors.clear();
        assert_eq!(vectors.known(&[10]), [None]);
    }
}
