//! Fusion: two legs' scores to one ranking.
//!
//! Scores are normalised per question and added. Rank fusion would throw away how sure each leg is,
//! which costs most where one leg is weak: on `XQuAD` in Spanish it falls below BM25 alone.

use std::collections::HashMap;
use std::hash::Hash;

use vade_indexer::Found;

/// A candidate and its fused score, 0 to 1.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ranked<T> {
    pub item: T,
    pub score: f32,
}

/// What fusion needs to know of a candidate.
pub(crate) trait Scored {
    /// BM25, where the words leg found it.
    fn words(&self) -> Option<f32>;
    /// Cosine, where the vector leg found it.
    fn vector(&self) -> Option<f32>;
    /// Whether the vector leg could not have found it yet.
    fn awaits_vector(&self) -> bool;
}

impl Scored for Found {
    fn words(&self) -> Option<f32> {
        self.words
    }

    fn vector(&self) -> Option<f32> {
        self.vector
    }

    fn awaits_vector(&self) -> bool {
        self.awaits_vector
    }
}

/// The share of a question's words with which the words leg is as sure as it can be.
const ENOUGH: f32 = 0.4;

/// Ranks candidates; `vector_weight` is the share of the vector leg, `said` how much of the question's words the best of
/// the words leg has, both 0 to 1. That one may be the best by its articles alone, where the question is in another
/// language than what answers it: its leg counts as much as it has found. `lift` is added to a candidate's cosine.
pub(crate) fn fuse<T: Scored>(
    candidates: Vec<T>,
    vector_weight: f32,
    said: f32,
    lift: impl Fn(&T) -> f32,
) -> Vec<Ranked<T>> {
    let cosine = |item: &T| Some(item.vector()? + lift(item));
    let cosines: Vec<Option<f32>> = candidates.iter().map(cosine).collect();
    let sureness = (said / ENOUGH).min(1.0);
    // No shared word is BM25's own zero; the vector leg has none, so its weakest candidate is.
    let words = Range::of(candidates.iter().filter_map(T::words)).down_to_zero();
    let vectors = Range::of(cosines.iter().flatten().copied());
    let mut ranked: Vec<Ranked<T>> = candidates
        .into_iter()
        .zip(cosines)
        .map(|(item, cosine)| {
            let words = item.words().map_or(0.0, |score| words.share(score)) * sureness;
            let vector = match cosine {
                Some(score) => vectors.share(score),
                // A file just saved is not far in meaning: nobody has looked yet.
                None if item.awaits_vector() => words,
                None => 0.0,
            };
            let score = (1.0 - vector_weight) * words + vector_weight * vector;
            Ranked { item, score }
        })
        .collect();
    ranked.sort_by(|a, b| b.score.total_cmp(&a.score));
    ranked
}

#[derive(Clone, Copy)]
struct Range {
    low: f32,
    high: f32,
}

impl Range {
    fn of(scores: impl Iterator<Item = f32>) -> Self {
        let empty = Self {
            low: f32::INFINITY,
            high: f32::NEG_INFINITY,
        };
        scores.fold(empty, |range, score| Self {
            low: range.low.min(score),
            high: range.high.max(score),
        })
    }

    fn down_to_zero(self) -> Self {
        Self { low: 0.0, ..self }
    }

    fn share(self, score: f32) -> f32 {
        if self.high > self.low {
            (score - self.low) / (self.high - self.low)
        } else {
            1.0
        }
    }
}

/// Keeps at most `per_document` of each document, in order.
pub(crate) fn cap<T, D: Eq + Hash + ?Sized>(
    ranked: Vec<Ranked<T>>,
    per_document: usize,
    document: impl Fn(&T) -> &D,
) -> Vec<Ranked<T>> {
    let nth = nth_of_document(&ranked, document);
    let ranked = ranked.into_iter().zip(nth);
    ranked
        .filter(|(_, nth)| *nth <= per_document)
        .map(|(ranked, _)| ranked)
        .collect()
}

/// Each candidate's place among those of its own document, from 1.
pub(crate) fn nth_of_document<T, D: Eq + Hash + ?Sized>(
    ranked: &[Ranked<T>],
    document: impl Fn(&T) -> &D,
) -> Vec<usize> {
    let mut taken: HashMap<&D, usize> = HashMap::new();
    ranked
        .iter()
        .map(|ranked| {
            let count = taken.entry(document(&ranked.item)).or_default();
            *count += 1;
            *count
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, PartialEq)]
    struct Candidate(&'static str, Option<f32>, Option<f32>);

    impl Scored for Candidate {
        fn words(&self) -> Option<f32> {
            self.1
        }

        fn vector(&self) -> Option<f32> {
            self.2
        }

        fn awaits_vector(&self) -> bool {
            self.0.starts_with("new")
        }
    }

    #[track_caller]
    fn check(candidates: &[Candidate], vector_weight: f32, expect: &[&str]) {
        let ranked = fuse(candidates.to_vec(), vector_weight, 1.0, |_| 0.0);
        let names: Vec<_> = ranked.iter().map(|ranked| ranked.item.0).collect();
        assert_eq!(names, expect);
    }

    #[test]
    fn a_sure_leg_outweighs_an_unsure_one() {
        // By ranks these two tie; by scores the words are certain and the vectors are not.
        let candidates = [
            Candidate("words", Some(20.0), Some(0.70)),
            Candidate("vector", Some(4.0), Some(0.71)),
            Candidate("far", Some(1.0), Some(0.50)),
        ];
        check(&candidates, 0.5, &["words", "vector", "far"]);
    }

    #[test]
    fn words_count_as_much_as_they_have_found() {
        let candidates = [
            Candidate("articles alone", Some(3.0), Some(0.5)),
            Candidate("the meaning", None, Some(0.8)),
        ];
        let first = |said| fuse(candidates.to_vec(), 0.4, said, |_| 0.0)[0].item.0;
        assert_eq!((first(1.0), first(0.1)), ("articles alone", "the meaning"));
    }

    #[test]
    fn what_is_in_another_language_is_lifted() {
        let candidates = [
            Candidate("own", None, Some(0.82)),
            Candidate("foreign", None, Some(0.80)),
        ];
        let lift = |one: &Candidate| if one.0 == "foreign" { 0.03 } else { 0.0 };
        assert_eq!(
            fuse(candidates.to_vec(), 0.5, 1.0, lift)[0].item.0,
            "foreign"
        );
    }

    #[test]
    fn what_has_no_vector_yet_is_ranked_by_its_words() {
        let candidates = [
            Candidate("near", None, Some(0.8)),
            Candidate("new", Some(9.0), None),
            Candidate("far", Some(5.0), Some(0.5)),
        ];
        check(&candidates, 0.5, &["new", "near", "far"]);
    }

    #[test]
    fn either_leg_can_stand_alone() {
        let candidates = [
            Candidate("a", Some(3.0), None),
            Candidate("b", Some(1.0), None),
        ];
        check(&candidates, 0.5, &["a", "b"]);
        let candidates = [
            Candidate("a", None, Some(0.2)),
            Candidate("b", None, Some(0.9)),
        ];
        check(&candidates, 0.5, &["b", "a"]);
        check(&[], 0.5, &[]);
    }

    #[test]
    fn one_document_does_not_fill_the_result() {
        let candidates = ["a", "a", "b", "a"].map(|name| Ranked {
            item: name,
            score: 1.0,
        });
        let kept = cap(candidates.to_vec(), 2, |name: &&str| *name);
        let names: Vec<_> = kept.iter().map(|ranked| ranked.item).collect();
        assert_eq!(names, ["a", "a", "b"]);
    }
}
