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
    /// Cosine of its document's name, where that was found.
    fn head(&self) -> Option<f32>;
    /// How much of the question its document's names say.
    fn named(&self) -> f32;
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

    fn head(&self) -> Option<f32> {
        self.name.head
    }

    fn named(&self) -> f32 {
        self.name.said
    }

    fn awaits_vector(&self) -> bool {
        self.awaits_vector
    }
}

/// The share of a question's words with which the words leg is as sure as it can be.
const ENOUGH: f32 = 0.4;

/// What each further passage of one document keeps of its score.
const GIVE_WAY: f32 = 0.9;

/// Ranks candidates; `vector_weight` is the share of the vector leg, `said` how much of the question's words the best of
/// the words leg has, both 0 to 1. That one may be the best by its articles alone, where the question is in another
/// language than what answers it: its leg counts as much as it has found. `lift` is added to a candidate's cosine.
/// Names count by how much of the question they say, the more the more they say: what tells files apart decides between
/// passages that are alike, and a name that is the question outweighs all else.
pub(crate) fn fuse<T: Scored>(
    candidates: Vec<T>,
    vector_weight: f32,
    said: f32,
    lift: impl Fn(&T) -> f32,
) -> Vec<Ranked<T>> {
    let cosine = |item: &T| {
        // A name is no nearer to who asks in its language.
        let text = item.vector().map(|cosine| cosine + lift(item));
        [text, item.head()].into_iter().flatten().reduce(f32::max)
    };
    let named = |item: &T| item.named() * item.named();
    let most_named = candidates.iter().map(named).fold(0.0, f32::max);
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
            let by_text = (1.0 - vector_weight) * words + vector_weight * vector;
            let score = (by_text + named(&item)) / (1.0 + most_named);
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

/// Lets candidates of one document give way to others that are nearly as good, from the place `per_document` in it on,
/// and the more the further: one document does not hide others, and where it alone speaks of what is asked it has all
/// places.
pub(crate) fn give_way<T, D: Eq + Hash + ?Sized>(
    mut ranked: Vec<Ranked<T>>,
    per_document: usize,
    document: impl Fn(&T) -> &D,
) -> Vec<Ranked<T>> {
    let nth = nth_of_document(&ranked, document);
    for (ranked, nth) in ranked.iter_mut().zip(nth) {
        let beyond = nth.saturating_sub(per_document);
        ranked.score *= GIVE_WAY.powi(i32::try_from(beyond).unwrap_or(i32::MAX));
    }
    ranked.sort_by(|a, b| b.score.total_cmp(&a.score));
    ranked
}

/// Each candidate's place among those of its own document, from 1.
fn nth_of_document<T, D: Eq + Hash + ?Sized>(
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

    /// `n=0.5` is one whose names say half of the question, `h=0.8` one whose name is so near.
    fn noted(name: &str, mark: &str) -> Option<f32> {
        let (_, number) = name.split_once(mark)?;
        number.parse().ok()
    }

    impl Scored for Candidate {
        fn words(&self) -> Option<f32> {
            self.1
        }

        fn vector(&self) -> Option<f32> {
            self.2
        }

        fn head(&self) -> Option<f32> {
            noted(self.0, "h=")
        }

        fn named(&self) -> f32 {
            noted(self.0, "n=").unwrap_or_default()
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
        let lift = |one: &Candidate| {
            if one.0.starts_with("foreign") {
                0.03
            } else {
                0.0
            }
        };
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
    fn names_decide_between_passages_that_are_alike() {
        let candidates = [
            Candidate("another year n=0.6", Some(20.0), Some(0.80)),
            Candidate("the year n=0.9", Some(18.0), Some(0.79)),
            Candidate("far", Some(1.0), Some(0.70)),
        ];
        check(
            &candidates,
            0.5,
            &["the year n=0.9", "another year n=0.6", "far"],
        );
        let scores = fuse(candidates.to_vec(), 0.5, 1.0, |_| 0.0);
        assert!(scores.iter().all(|one| (0.0..=1.0).contains(&one.score)));
        // A name that is the question outweighs a text that has its words.
        let candidates = [
            Candidate("text n=0.5", Some(20.0), Some(0.80)),
            Candidate("name n=1.25", Some(5.0), None),
        ];
        check(&candidates, 0.5, &["name n=1.25", "text n=0.5"]);
        // A word of it alone does not.
        let candidates = [
            Candidate("text", Some(20.0), Some(0.80)),
            Candidate("name n=0.3", Some(5.0), None),
        ];
        check(&candidates, 0.5, &["text", "name n=0.3"]);
    }

    #[test]
    fn a_name_near_in_meaning_raises_its_document() {
        let candidates = [
            Candidate("text", None, Some(0.80)),
            Candidate("name h=0.84", None, Some(0.75)),
            Candidate("alone h=0.82", None, None),
        ];
        check(&candidates, 0.5, &["name h=0.84", "alone h=0.82", "text"]);
    }

    #[test]
    fn names_in_other_languages_are_not_lifted() {
        let candidates = [
            Candidate("foreign h=0.82", None, Some(0.75)),
            Candidate("own h=0.84", None, Some(0.75)),
        ];
        let ranked = fuse(candidates.to_vec(), 0.5, 1.0, |one| {
            if one.0.starts_with("foreign") {
                0.03
            } else {
                0.0
            }
        });
        assert_eq!(ranked[0].item.0, "own h=0.84");
    }

    #[test]
    fn one_document_gives_way_to_what_is_nearly_as_good() {
        let ranked = |scores: &[(&'static str, f32)]| -> Vec<Ranked<&'static str>> {
            let scores = scores.iter();
            scores
                .map(|(item, score)| Ranked {
                    item: *item,
                    score: *score,
                })
                .collect()
        };
        let order = |scores: &[(&'static str, f32)]| -> String {
            let kept = give_way(ranked(scores), 2, |name: &&str| *name);
            kept.iter().map(|ranked| ranked.item).collect()
        };
        assert_eq!(
            order(&[("a", 0.9), ("a", 0.89), ("a", 0.88), ("b", 0.85)]),
            "aaba"
        );
        // None of it is lost, and all of it comes before what is far behind.
        let all = [
            ("a", 0.9),
            ("a", 0.89),
            ("a", 0.88),
            ("a", 0.87),
            ("b", 0.3),
        ];
        assert_eq!(order(&all), "aaaab");
    }
}
