//! What of which document a model words, and how many points each part gives.
//!
//! Few points for a short document and more for a long one, spread over all of it. Pure functions.

use std::ops::Range;

use super::Source;
use super::salience::Sentence;

/// What a model reads at once (bytes): about 600 tokens.
const PART: usize = 2400;

/// Points of a summary: of the shortest document, and of one document at most.
const FEWEST: usize = 3;
const MOST: usize = 8;

/// Text that one more point stands for (bytes).
const PER_POINT: usize = 500;

/// Points of a summary of several documents, at most.
const OF_SEVERAL: usize = 12;

/// Points that one part gives, at most.
const OF_PART: usize = 4;

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
    /// A model, from the whole part.
    Read,
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
        let points = points(source).min(each);
        let is_foreign = source
            .language
            .as_deref()
            .is_some_and(|own| own != language);
        tasks.extend(if is_foreign {
            translated(place, source, &sentences[place], points)
        } else {
            read(place, source, &sentences[place], points)
        });
    }
    for task in tasks.iter_mut().skip(CALLS) {
        task.wording = Wording::Own;
    }
    tasks
}

/// How many points a document is worth.
fn points(source: &Source) -> usize {
    let length: usize = source
        .passages
        .iter()
        .map(|passage| passage.text.len())
        .sum();
    (1 + length / PER_POINT).clamp(FEWEST, MOST)
}

/// Neighbouring passages that are read at once.
fn parts(source: &Source) -> Vec<Range<usize>> {
    let mut parts: Vec<Range<usize>> = Vec::new();
    let mut length = 0;
    for (place, passage) in source.passages.iter().enumerate() {
        if let Some(part) = parts
            .last_mut()
            .filter(|_| length + passage.text.len() <= PART)
        {
            part.end = place + 1;
        } else {
            parts.push(place..place + 1);
            length = 0;
        }
        length += passage.text.len();
    }
    parts
}

fn read(place: usize, source: &Source, sentences: &[Sentence], points: usize) -> Vec<Task> {
    let parts = parts(source);
    let value = |part: &Range<usize>| {
        let best = central(sentences, part);
        best.iter()
            .take(OF_PART)
            .map(|at| sentences[*at].score)
            .sum::<f32>()
    };
    let chosen: Vec<(Range<usize>, usize)> = if parts.len() <= points {
        let shares = shares(&parts.iter().map(value).collect::<Vec<_>>(), points);
        parts.into_iter().zip(shares).collect()
    } else {
        bands(parts.len(), points)
            .filter_map(|band| dearest(&parts[band], value))
            .map(|part| (part, 1))
            .collect()
    };
    let task = |(part, points): (Range<usize>, usize)| Task {
        source: place,
        own: central(sentences, &part),
        part,
        points,
        wording: Wording::Read,
    };
    chosen.into_iter().map(task).collect()
}

/// The most central sentence of each stretch of the document.
fn translated(place: usize, source: &Source, sentences: &[Sentence], points: usize) -> Vec<Task> {
    let bands = bands(source.passages.len(), points);
    let shares = |band: Range<usize>| {
        let own = central(sentences, &band);
        // A document of fewer passages than points gives more of each.
        let each = points.div_ceil(source.passages.len().max(1)).max(1);
        let task = move |at: usize| Task {
            source: place,
            part: band.clone(),
            points: 1,
            own: vec![at],
            wording: Wording::Translated,
        };
        let mut own: Vec<usize> = own.into_iter().take(each).collect();
        own.sort_unstable();
        own.into_iter().map(task)
    };
    let mut tasks: Vec<Task> = bands.flat_map(shares).collect();
    tasks.truncate(points);
    tasks
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

fn dearest(parts: &[Range<usize>], value: impl Fn(&Range<usize>) -> f32) -> Option<Range<usize>> {
    let best = parts.iter().map(|part| (value(part), part));
    best.max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, part)| part.clone())
}

/// One point for each part, and what is left one by one to the part that has most to give for each of its points.
fn shares(values: &[f32], points: usize) -> Vec<usize> {
    let mut shares = vec![1; values.len()];
    for _ in values.len()..points {
        let worth = |place: usize| {
            #[expect(clippy::cast_precision_loss, reason = "a handful")]
            let points = (shares[place] + 1) as f32;
            values[place] / points
        };
        let open = (0..values.len()).filter(|place| shares[*place] < OF_PART);
        let Some(next) = open.max_by(|a, b| worth(*a).total_cmp(&worth(*b)).then(b.cmp(a))) else {
            break;
        };
        shares[next] += 1;
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
    fn a_short_document_is_read_at_once() {
        let mut short = source("en", lease());
        short.passages.truncate(2);
        let tasks = planned(&[short], "en");
        assert_eq!(tasks.len(), 1, "{tasks:?}");
        assert_eq!((tasks[0].points, tasks[0].wording), (3, Wording::Read));
    }

    #[test]
    fn every_part_of_a_document_of_some_pages_gives_a_point() {
        let lease = source("en", lease());
        let passages = lease.passages.len();
        let tasks = planned(&[lease], "en");
        let read: usize = tasks.iter().map(|task| task.part.len()).sum();
        assert_eq!(read, passages);
        let points: usize = tasks.iter().map(|task| task.points).sum();
        assert!((4..=MOST).contains(&points), "{tasks:?}");
    }

    #[test]
    fn a_long_document_is_chosen_from_over_its_whole_length() {
        let long: Vec<_> = (0..30).flat_map(|_| lease()).collect();
        let passages = long.len();
        let tasks = planned(&[source("en", long)], "en");
        assert_eq!(tasks.len(), MOST);
        assert!(tasks[0].part.start < passages / 8);
        assert!(
            tasks[7].part.start >= 7 * passages / 8 - 2,
            "{:?}",
            tasks[7]
        );
        assert!(
            tasks
                .windows(2)
                .all(|two| two[0].part.end <= two[1].part.start)
        );
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
            Wording::Read
        );
    }

    #[test]
    fn several_documents_share_the_points_and_the_calls() {
        let sources: Vec<_> = (0..15).map(|_| source("en", lease())).collect();
        let tasks = planned(&sources, "en");
        assert_eq!(tasks.len(), 15);
        assert_eq!(tasks[11].wording, Wording::Read);
        assert_eq!(tasks[12].wording, Wording::Own);
        assert!(tasks.iter().all(|task| task.points == 1));
    }

    #[test]
    fn nothing_is_planned_for_nothing() {
        assert!(planned(&[], "en").is_empty());
        assert!(planned(&[source("en", Vec::new())], "en").is_empty());
    }
}
