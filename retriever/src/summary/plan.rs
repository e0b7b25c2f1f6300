//! Which sentences of which document make a summary, and who words them.
//!
//! Few points for a short document and more for a long one, spread over all of it. They are the document's own
//! sentences: a small model that rewords them loses half of what matters and some of the truth (BENCHMARKS.md). Only
//! what is in another language is put into the reader's. Pure functions.

use std::ops::Range;

use super::Source;
use super::salience::Sentence;

/// Points of a summary: of the shortest document, and of one document at most.
const FEWEST: usize = 4;
const MOST: usize = 14;

/// Points of a summary of several documents, at most.
const OF_SEVERAL: usize = 18;

/// How often a model is asked for one summary, at most. The points that are left are in the document's own words.
const CALLS: usize = 12;

/// Points that are made together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Task {
    /// The document.
    pub source: usize,
    /// The passages they are made of.
    pub part: Range<usize>,
    /// How many.
    pub points: usize,
    /// Sentences of the part, the most central first.
    pub own: Vec<usize>,
    pub wording: Wording,
}

/// Who words a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wording {
    /// A model that translates the most central sentence.
    Translated,
    /// The document.
    Own,
}

/// What is to be done for documents, in order. `sentences` are each document's; `language` is the summary's.
pub(super) fn plan(sources: &[Source], sentences: &[Vec<Sentence>], language: &str) -> Vec<Task> {
    let each = match sources.len() {
        0 | 1 => MOST,
        several => (OF_SEVERAL / several).clamp(1, MOST),
    };
    let mut tasks = Vec::new();
    for (place, source) in sources.iter().enumerate() {
        let sentences = &sentences[place];
        let points = points(sentences.len()).min(each);
        let own = own(place, source, sentences, points);
        let is_foreign = source
            .language
            .as_deref()
            .is_some_and(|own| own != language);
        if is_foreign {
            tasks.extend(own.into_iter().flat_map(|task| translated(&task)));
        } else {
            tasks.extend(own);
        }
    }
    let calls = tasks
        .iter_mut()
        .filter(|task| task.wording == Wording::Translated);
    for task in calls.skip(CALLS) {
        task.wording = Wording::Own;
    }
    tasks
}

/// How many points a document of so many sentences is worth.
fn points(sentences: usize) -> usize {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a document has few sentences"
    )]
    let points = (sentences as f32).powf(0.8).round() as usize;
    points.clamp(FEWEST, MOST)
}

/// The points of each passage; of a document of more passages than points, of each stretch of it.
fn own(place: usize, source: &Source, sentences: &[Sentence], points: usize) -> Vec<Task> {
    let passages = source.passages.len();
    let chosen: Vec<(Range<usize>, usize)> = if passages <= points {
        let parts: Vec<Range<usize>> = (0..passages).map(|at| at..at + 1).collect();
        let values: Vec<Vec<f32>> = parts.iter().map(|part| scores(sentences, part)).collect();
        let shares = shares(&values, points);
        parts.into_iter().zip(shares).collect()
    } else {
        bands(passages, points).map(|band| (band, 1)).collect()
    };
    let task = |(part, points): (Range<usize>, usize)| Task {
        source: place,
        own: central(sentences, &part),
        part,
        points,
        wording: Wording::Own,
    };
    let chosen = chosen.into_iter().filter(|(_, points)| *points > 0);
    chosen.map(task).collect()
}

/// The scores of the sentences in some passages, the highest first.
fn scores(sentences: &[Sentence], part: &Range<usize>) -> Vec<f32> {
    let best = central(sentences, part).into_iter();
    best.map(|at| sentences[at].score).collect()
}

/// The points of a task one by one, each to be translated.
fn translated(task: &Task) -> Vec<Task> {
    let mut own: Vec<usize> = task.own.iter().copied().take(task.points).collect();
    own.sort_unstable();
    let one = |at: usize| Task {
        points: 1,
        own: vec![at],
        wording: Wording::Translated,
        ..task.clone()
    };
    own.into_iter().map(one).collect()
}

/// Places of the sentences in some passages, the most central first.
fn central(sentences: &[Sentence], part: &Range<usize>) -> Vec<usize> {
    let within = sentences
        .iter()
        .enumerate()
        .filter(|(_, sentence)| part.contains(&sentence.passage));
    let mut places: Vec<usize> = within.map(|(place, _)| place).collect();
    places.sort_by(|a, b| sentences[*b].score.total_cmp(&sentences[*a].score));
    places
}

/// So many stretches of about the same length, in order; fewer where there is less.
fn bands(length: usize, count: usize) -> impl Iterator<Item = Range<usize>> {
    let count = count.min(length);
    (0..count).map(move |band| band * length / count..(band + 1) * length / count)
}

/// One point for each part, and what is left one by one to the part whose next sentence is the most central.
fn shares(scores: &[Vec<f32>], points: usize) -> Vec<usize> {
    let mut shares: Vec<usize> = scores.iter().map(|own| own.len().min(1)).collect();
    let given = shares.iter().sum();
    for _ in given..points {
        let next = |place: usize| Some((*scores[place].get(shares[place])?, place));
        let open = (0..scores.len()).filter_map(next);
        let Some((_, best)) = open.max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1))) else {
            break;
        };
        shares[best] += 1;
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::super::salience::sentences;
    use super::super::tests::{acta, lease, source};
    use super::*;

    fn planned(sources: &[Source], language: &str) -> Vec<Task> {
        let sentences: Vec<_> = sources
            .iter()
            .map(|source| sentences(&source.passages))
            .collect();
        plan(sources, &sentences, language)
    }

    #[test]
    fn a_short_document_speaks_for_itself() {
        let mut short = source("en", lease());
        short.passages.truncate(2);
        let tasks = planned(&[short], "en");
        let points: usize = tasks.iter().map(|task| task.points).sum();
        assert_eq!(points, FEWEST, "{tasks:?}");
        assert!(tasks.iter().all(|task| task.wording == Wording::Own));
    }

    #[test]
    fn every_section_of_a_document_of_some_pages_gives_a_point() {
        let lease = source("en", lease());
        let passages = lease.passages.len();
        let tasks = planned(&[lease], "en");
        let read: usize = tasks.iter().map(|task| task.part.len()).sum();
        assert_eq!(read, passages);
        let points: usize = tasks.iter().map(|task| task.points).sum();
        assert!((passages..=MOST).contains(&points), "{tasks:?}");
    }

    #[test]
    fn a_long_document_is_chosen_from_over_its_whole_length() {
        let long: Vec<_> = (0..30).flat_map(|_| lease()).collect();
        let passages = long.len();
        let tasks = planned(&[source("en", long)], "en");
        assert_eq!(tasks.len(), MOST);
        assert!(tasks[0].part.start < passages / MOST);
        let last = &tasks[MOST - 1];
        assert!(last.part.end == passages, "{last:?}");
        let mut pairs = tasks.windows(2);
        assert!(pairs.all(|two| two[0].part.end <= two[1].part.start));
    }

    #[test]
    fn a_document_in_another_language_is_translated_sentence_by_sentence() {
        let tasks = planned(&[source("es", acta())], "en");
        assert!(tasks.len() >= FEWEST && tasks.len() <= MOST, "{tasks:?}");
        assert!(tasks.iter().all(|task| task.wording == Wording::Translated
            && task.points == 1
            && task.own.len() == 1));
        assert_eq!(
            planned(&[source("es", acta())], "es")[0].wording,
            Wording::Own
        );
    }

    #[test]
    fn several_documents_share_the_points_and_the_calls() {
        let sources: Vec<_> = (0..15).map(|_| source("es", acta())).collect();
        let tasks = planned(&sources, "en");
        assert_eq!(tasks.len(), 15);
        assert_eq!(tasks[11].wording, Wording::Translated);
        assert_eq!(tasks[12].wording, Wording::Own);
        assert!(tasks.iter().all(|task| task.points == 1));
    }

    #[test]
    fn nothing_is_planned_for_nothing() {
        assert!(planned(&[], "en").is_empty());
        assert!(planned(&[source("en", Vec::new())], "en").is_empty());
    }
}
