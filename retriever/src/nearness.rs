//! How near in meaning the sentences of passages are to a question, as a whole and word by word.
//!
//! Words say nothing where the question is in another language, or in other words, than the document. The embedding
//! model does: it has a vector of each sentence, and one of each word where it stands. A question's word is said where
//! a word is near it, whatever the language; what all words have in common is taken away first. What was read is kept
//! for a while, as follow-ups and repeated questions read the same sentences.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use vade_models::embedding::Reading;

use crate::cite::{Citation, Quote, header_of, run_in_head, sentences};
use crate::expected;
use crate::language::Language;
use crate::passage::Passage;
use crate::proof::{Claim, stem};
use crate::search::Retriever;

/// Sentences that are compared for one question, at most.
const COMPARED: usize = 160;

/// Bytes of a sentence that are embedded, at most.
const LONGEST: usize = 600;

/// Words of which vectors are kept: 18 MB.
const KEPT: usize = 12_000;

/// The cosines of two words, without what all have in common, that say nothing of each other and the same.
const UNLIKE: f32 = 0.3;
const ALIKE: f32 = 0.8;

/// How much of it counts what a sentence stands under, leans on or is linked by, and the sentence that opens its
/// paragraph.
const AROUND: f32 = 0.8;
pub(crate) const OPENED: f32 = 0.6;

/// What was read, by its text.
#[derive(Clone, Default)]
pub(crate) struct Sentences(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    readings: HashMap<u64, Arc<Reading>>,
    words: usize,
}

impl Sentences {
    pub(crate) fn clear(&self) {
        *self.lock() = Kept::default();
    }

    fn known(&self, keys: &[u64]) -> Vec<Option<Arc<Reading>>> {
        let kept = self.lock();
        keys.iter()
            .map(|key| kept.readings.get(key).cloned())
            .collect()
    }

    fn keep(&self, key: u64, reading: &Arc<Reading>) {
        let mut kept = self.lock();
        let words = reading.words.len().max(1);
        if kept.words + words > KEPT {
            *kept = Kept::default();
        }
        kept.words += words;
        kept.readings.insert(key, Arc::clone(reading));
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How much of each word of a question a sentence says, 0 to 1.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct WordsSaid {
    /// By itself.
    pub own: Vec<f32>,
    /// By what it stands under.
    pub under: Vec<f32>,
}

impl WordsSaid {
    /// What is said by the word at `span` of a text, of which the part before `start` is what it stands under.
    fn part(&mut self, span: &Range<usize>, start: usize) -> &mut [f32] {
        if span.start < start {
            &mut self.under
        } else {
            &mut self.own
        }
    }
}

/// How near each sentence is, by where it stands.
#[derive(Debug, Clone, Default)]
pub(crate) struct Nearness {
    near: HashMap<(String, usize), f32>,
    highest: f32,
    middle: f32,
    /// The words of the question that are to be found.
    asked: Vec<String>,
    said: HashMap<(String, usize), WordsSaid>,
}

impl Nearness {
    fn new(near: HashMap<(String, usize), f32>) -> Self {
        let mut all: Vec<f32> = near.values().copied().collect();
        all.sort_by(f32::total_cmp);
        Self {
            highest: all.last().copied().unwrap_or_default(),
            middle: all.get(all.len() / 2).copied().unwrap_or_default(),
            near,
            ..Self::default()
        }
    }

    /// How near the sentence at `span` of a passage is to the question (0 to 1); none where it was not compared.
    pub(crate) fn whole(&self, passage: &Passage, span: &Range<usize>) -> Option<f32> {
        self.near.get(&place(passage, span)).copied()
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

    /// How many words of the question are to be found; none where it cannot be told how much a sentence says of them.
    pub(crate) fn words(&self) -> Option<usize> {
        let tells = !self.asked.is_empty() && !self.said.is_empty();
        tells.then_some(self.asked.len())
    }

    /// How much of the question's words a sentence says; none where it was not compared.
    pub(crate) fn said(&self, passage: &Passage, span: &Range<usize>) -> Option<&WordsSaid> {
        self.said.get(&place(passage, span))
    }

    /// How much of each of the question's words a quote says, with what it stands under, the sentence that it leans on,
    /// the one that opens its paragraph, and the one of another document that names what it is of. None where it cannot
    /// be told.
    pub(crate) fn said_with(
        &self,
        passage: &Passage,
        quote: &Quote<'_>,
        link: Option<&Citation>,
    ) -> Option<Vec<f32>> {
        let words = self.words()?;
        let Some(said) = self.said(passage, &quote.span) else {
            return Some(vec![0.0; words]);
        };
        let of = |span: &Option<Range<usize>>| self.said(passage, span.as_ref()?);
        let (before, opener) = (of(&quote.before), of(&quote.opener));
        let link = link.and_then(|link| self.said.get(&(link.document.clone(), link.start)));
        let says = |said: Option<&WordsSaid>, word: usize| said.map_or(0.0, |said| said.own[word]);
        let around = |word: usize| {
            let near = said.under[word]
                .max(says(before, word))
                .max(says(link, word));
            (AROUND * near).max(OPENED * says(opener, word))
        };
        let own = said.own.iter().enumerate();
        Some(own.map(|(word, own)| own.max(around(word))).collect())
    }

    /// Where a word of the question is among those that are to be found.
    pub(crate) fn place_of(&self, word: &str) -> Option<usize> {
        self.asked.iter().position(|asked| asked == word)
    }
}

/// Where a sentence of a passage stands.
fn place(passage: &Passage, span: &Range<usize>) -> (String, usize) {
    (passage.document.clone(), passage.start + span.start)
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
        let mut starts = Vec::new();
        for passage in passages {
            let is_foreign = Language::of(&passage.text, Some(asked)) != asked;
            let lift = if is_foreign {
                self.embedding.foreign
            } else {
                0.0
            };
            for span in sentences(&passage.text) {
                let place = place(passage, &span);
                if places.len() < COMPARED && !places.contains(&place) {
                    places.push(place);
                    let (text, start) = embedded(passage, &span);
                    texts.push(text);
                    starts.push(start);
                    lifts.push(lift);
                }
            }
        }
        let Some((question, readings)) = self.readings(question, &texts).await else {
            return Nearness::default();
        };
        let cosines = readings
            .iter()
            .map(|reading| dot(&question.reading.vector, &reading.vector));
        let near = cosines
            .zip(lifts)
            .map(|(cosine, lift)| self.embedding.nearness(cosine + lift));
        let mut nearness = Nearness::new(places.iter().cloned().zip(near).collect());
        let asked = question.asked();
        let vectors: Vec<&[f32]> = asked.iter().map(|(_, vector)| *vector).collect();
        let mut said = said(&vectors, &readings, &starts);
        let stems: Vec<String> = asked.iter().map(|(word, _)| stem(word)).collect();
        for (((said, reading), text), start) in
            said.iter_mut().zip(&readings).zip(&texts).zip(&starts)
        {
            say_same(&stems, said, reading, text, *start);
        }
        nearness.asked = asked.into_iter().map(|(word, _)| word).collect();
        nearness.said = places.into_iter().zip(said).collect();
        nearness
    }

    /// The cosine of each text and a question; none where there is no embedding model.
    pub(crate) async fn cosines(&self, question: &str, texts: Vec<String>) -> Option<Vec<f32>> {
        let (question, readings) = self.readings(question, &texts).await?;
        let readings = readings.iter();
        let cosines = readings.map(|reading| dot(&question.reading.vector, &reading.vector));
        Some(cosines.collect())
    }

    /// A question and texts, read word by word; none where there is no embedding model.
    async fn readings<'q>(
        &self,
        question: &'q str,
        texts: &[String],
    ) -> Option<(Asked<'q>, Vec<Arc<Reading>>)> {
        let keys: Vec<u64> = texts.iter().map(|text| key(text)).collect();
        let mut readings = self.sentences.known(&keys);
        let unknown: Vec<usize> = (0..texts.len())
            .filter(|at| readings[*at].is_none())
            .collect();
        let wanted = unknown.iter().map(|at| texts[*at].clone()).collect();
        let read = tokio::try_join!(
            self.index.read_question(question),
            self.index.read_sentences(wanted)
        );
        let (reading, fresh) = match read {
            Ok(read) => read,
            Err(error) => {
                tracing::warn!(%error, "sentences are compared by their words alone");
                return None;
            }
        };
        for (at, reading) in unknown.into_iter().zip(fresh) {
            let reading = Arc::new(reading);
            self.sentences.keep(keys[at], &reading);
            readings[at] = Some(reading);
        }
        let asked = Asked {
            text: question,
            reading,
        };
        Some((asked, readings.into_iter().flatten().collect()))
    }
}

/// A question that was read word by word.
struct Asked<'q> {
    text: &'q str,
    reading: Reading,
}

impl Asked<'_> {
    /// Its words that are to be found, with their vectors.
    fn asked(&self) -> Vec<(String, &[f32])> {
        let all = self.reading.words.iter();
        let words = all.map(|(span, vector)| (&self.text[span.clone()], vector.as_slice()));
        let words = words.filter(|(word, _)| Claim::is_asked_by(word));
        words
            .map(|(word, vector)| (expected::words(word).concat(), vector))
            .collect()
    }
}

/// How much of each of the `asked` words each text says, of which the part before `starts` is what it stands under.
fn said(asked: &[&[f32]], readings: &[Arc<Reading>], starts: &[usize]) -> Vec<WordsSaid> {
    let all = || readings.iter().flat_map(|reading| &reading.words);
    let Some((_, first)) = all().next() else {
        return Vec::new();
    };
    let mut common = vec![0.0; first.len()];
    for (_, vector) in all() {
        for (common, x) in common.iter_mut().zip(vector) {
            *common += x;
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "words are few")]
    let count = all().count() as f32;
    for x in &mut common {
        *x /= count;
    }
    let own = |vector: &[f32]| -> Vec<f32> {
        let mut own: Vec<f32> = vector
            .iter()
            .zip(&common)
            .map(|(x, mean)| x - mean)
            .collect();
        let length = dot(&own, &own).sqrt().max(f32::MIN_POSITIVE);
        for x in &mut own {
            *x /= length;
        }
        own
    };
    let asked: Vec<Vec<f32>> = asked.iter().map(|vector| own(vector)).collect();
    let says = |(reading, start): (&Arc<Reading>, &usize)| {
        let mut said = WordsSaid {
            own: vec![0.0; asked.len()],
            under: vec![0.0; asked.len()],
        };
        for (span, vector) in &reading.words {
            let word = own(vector);
            for (asked, most) in asked.iter().zip(said.part(span, *start)) {
                let alike = (dot(asked, &word) - UNLIKE) / (ALIKE - UNLIKE);
                *most = most.max(alike.min(1.0));
            }
        }
        said
    };
    readings.iter().zip(starts).map(says).collect()
}

/// Says whole each of the words whose stems are `asked` that stands in a text, in any of its forms: words that stand
/// elsewhere have other vectors.
fn say_same(asked: &[String], said: &mut WordsSaid, reading: &Reading, text: &str, start: usize) {
    for (span, _) in &reading.words {
        let word = stem(&expected::words(&text[span.clone()]).concat());
        for (asked, most) in asked.iter().zip(said.part(span, start)) {
            if *asked == word {
                *most = 1.0;
            }
        }
    }
}

/// A sentence as it is embedded, after what it stands under, and where it begins.
fn embedded(passage: &Passage, span: &Range<usize>) -> (String, usize) {
    let mut under = vec![passage.title.as_str()];
    let heading = passage.heading.as_deref();
    under.extend(heading.and_then(|heading| heading.rsplit(" > ").next()));
    under.push(header_of(passage, span));
    under.push(run_in_head(&passage.text, span));
    under.retain(|part| !part.is_empty());
    under.dedup();
    let mut text = format!("{}: ", under.join(". "));
    let start = text.len();
    text += &passage.text[span.clone()];
    if text.len() > LONGEST {
        text.truncate(text.floor_char_boundary(LONGEST));
    }
    (text, start)
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
            ("Lease. Deposit: It is £995.".to_owned(), 16)
        );
        let table = passage("| Item | Fee |\n|---|---|\n| Key | £5 |");
        let row = table.text.find("| Key").expect("a row")..table.text.len();
        assert_eq!(
            embedded(&table, &row).0,
            "Lease. Deposit. | Item | Fee |: | Key | £5 |"
        );
        let long = passage(&"ü".repeat(LONGEST));
        assert!(embedded(&long, &(0..long.text.len())).0.len() <= LONGEST);
    }

    fn reading(words: &[(Range<usize>, [f32; 3])]) -> Arc<Reading> {
        let words = words.iter();
        Arc::new(Reading {
            vector: vec![1.0],
            words: words
                .map(|(span, vector)| (span.clone(), vector.to_vec()))
                .collect(),
        })
    }

    #[test]
    fn a_word_is_said_where_one_is_near_it() {
        // What all words have in common is (4, 4, 4).
        let one = reading(&[(0..4, [5.0, 4.0, 4.0]), (6..9, [4.0, 5.0, 4.0])]);
        let other = reading(&[(0..4, [3.0, 4.0, 4.0]), (6..9, [4.0, 3.0, 4.0])]);
        let asked: [&[f32]; 2] = [&[4.1, 4.0, 4.0], &[4.0, 9.0, 4.0]];
        let said = said(&asked, &[one, other], &[5, 5]);
        assert_eq!(said[0].under, [1.0, 0.0]);
        assert_eq!(said[0].own, [0.0, 1.0]);
        assert_eq!(
            said[1],
            WordsSaid {
                own: vec![0.0; 2],
                under: vec![0.0; 2]
            }
        );
    }

    #[test]
    fn the_same_word_is_said_wherever_it_stands() {
        let text = "Pigsty: the rents are due";
        let words = [(0..6, [0.0; 3]), (8..11, [0.0; 3]), (12..17, [0.0; 3])];
        let mut said = WordsSaid {
            own: vec![0.2; 3],
            under: vec![0.2; 3],
        };
        let asked = ["rent", "pigsty", "dues"].map(stem);
        say_same(&asked, &mut said, &reading(&words), text, 8);
        assert_eq!(said.own, [1.0, 0.2, 0.2]);
        assert_eq!(said.under, [0.2, 1.0, 0.2]);
    }

    #[test]
    fn the_words_that_are_to_be_found() {
        let text = "How much is the pigsty's rent?";
        let spans = [0..3, 4..8, 9..11, 12..15, 16..24, 25..30];
        let words = spans.into_iter().map(|span| (span, vec![0.0]));
        let reading = Reading {
            vector: vec![1.0],
            words: words.collect(),
        };
        let asked = Asked { text, reading };
        let words: Vec<String> = asked.asked().into_iter().map(|(word, _)| word).collect();
        assert_eq!(words, ["pigstys", "rent"]);
    }

    #[test]
    fn readings_are_kept_until_there_are_too_many() {
        let sentences = Sentences::default();
        let one = reading(&[(0..1, [0.0; 3])]);
        sentences.keep(7, &one);
        assert_eq!(sentences.known(&[7, 8]), [Some(Arc::clone(&one)), None]);
        for key in 10..10 + KEPT as u64 {
            sentences.keep(key, &one);
        }
        assert_eq!(sentences.known(&[7]), [None]);
        sentences.clear();
        assert_eq!(sentences.known(&[10]), [None]);
    }
}
