//! What the model reads of the passages: the best one whole, of the others the sentences that speak of the question.
//!
//! Reading takes most of the time of an answer. Sentences are chosen rather than passages, so that the same time
//! reads of more documents. Pure.

use std::ops::Range;

use crate::cite::sentences;
use crate::nearness::Nearness;
use crate::passage::Passage;
use crate::proof::Claim;

/// Bytes of text that a token stands for, about.
const BYTES_OF_TOKEN: f32 = 3.0;

/// Bytes of a passage's name, about.
const NAME: usize = 60;

/// The share of the budget that the best passage may have whole.
const WHOLE: f32 = 0.6;

/// How much the rank of a passage counts beside what its sentences say.
const RANK: f32 = 0.5;

/// How much it counts that a sentence is near in meaning.
const NEAR: f32 = 0.8;

/// The parts of each passage that are read, in order, in `shared` of so many tokens.
pub(crate) fn excerpts(
    passages: &[Passage],
    question: &Claim,
    nearness: &Nearness,
    tokens: usize,
    shared: f32,
) -> Vec<Vec<Range<usize>>> {
    let bytes = |share: f32| bytes(tokens, share, shared);
    let mut left = bytes(1.0);
    let spans: Vec<Vec<Range<usize>>> = passages
        .iter()
        .map(|passage| sentences(&passage.text))
        .collect();
    let mut chosen: Vec<Vec<bool>> = spans.iter().map(|spans| vec![false; spans.len()]).collect();
    if let Some(first) = passages.first()
        && first.text.len() <= bytes(WHOLE)
    {
        chosen[0].fill(true);
        left = left.saturating_sub(first.text.len() + NAME);
    }
    for (place, at) in ranked(passages, &spans, question, nearness) {
        let window = window(&passages[place].text, &spans[place], at);
        let chosen = &mut chosen[place];
        let fresh = window.clone().filter(|at| !chosen[*at]);
        let name = if chosen.contains(&true) { 0 } else { NAME };
        let cost = fresh.map(|at| spans[place][at].len() + 1).sum::<usize>() + name;
        if cost <= left {
            left -= cost;
            chosen[window].fill(true);
        }
    }
    spans
        .iter()
        .zip(&chosen)
        .map(|(spans, chosen)| runs(spans, chosen))
        .collect()
}

/// Bytes that a share of a share of so many tokens stands for, about.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a budget of a few thousand"
)]
fn bytes(tokens: usize, share: f32, shared: f32) -> usize {
    (tokens as f32 * BYTES_OF_TOKEN * share * shared) as usize
}

/// The parts of a passage around the sentence that begins at `start`.
pub(crate) fn around(text: &str, start: usize) -> Vec<Range<usize>> {
    let spans = sentences(text);
    let mut chosen = vec![false; spans.len()];
    for at in (0..spans.len()).filter(|at| spans[*at].start == start) {
        chosen[window(text, &spans, at)].fill(true);
    }
    runs(&spans, &chosen)
}

/// Takes up what the search left in a document that it found: the passage that has most of the question's words that
/// none has that was found there, behind the first of that document.
pub(crate) fn complete(hits: &mut Vec<Passage>, passages: &[Passage], question: &Claim) {
    let Some(document) = passages.first().map(|one| one.document.clone()) else {
        return;
    };
    let is_hit = |hits: &[Passage], one: &Passage| hits.iter().any(|hit| hit.is_same(one));
    let places: Vec<(usize, Range<usize>)> = passages
        .iter()
        .enumerate()
        .flat_map(|(place, one)| {
            sentences(&one.text)
                .into_iter()
                .map(move |span| (place, span))
        })
        .collect();
    let text = |(place, span): &(usize, Range<usize>)| &passages[*place].text[span.clone()];
    let found: Vec<String> = passages
        .iter()
        .filter(|one| is_hit(hits, one))
        .map(|one| format!("{} {}", one.around(), one.text))
        .collect();
    let left = question.without(&found.join("\n"));
    let shares = left.shares(places.iter().map(text));
    let mut best = vec![0.0_f32; passages.len()];
    for ((place, _), share) in places.iter().zip(shares) {
        best[*place] = best[*place].max(share);
    }
    let missed = (0..passages.len()).filter(|place| !is_hit(hits, &passages[*place]));
    let missed = missed.max_by(|one, other| best[*one].total_cmp(&best[*other]));
    if let Some(place) = missed.filter(|place| best[*place] > 0.0) {
        let first = hits.iter().position(|hit| hit.document == document);
        hits.insert(
            first.map_or(hits.len(), |at| at + 1),
            passages[place].clone(),
        );
    }
}

/// The passage of a document that has most of a question's words, the first of equals.
pub(crate) fn best<'a>(passages: &'a [Passage], question: &Claim) -> Option<&'a Passage> {
    let shares = question.shares(passages.iter().map(|one| one.text.as_str()));
    let mut all = passages.iter().zip(shares);
    let first = all.next()?;
    let best = all.fold(
        first,
        |best, other| if other.1 > best.1 { other } else { best },
    );
    Some(best.0)
}

/// Sentences by how much speaks for them, the best first.
fn ranked(
    passages: &[Passage],
    spans: &[Vec<Range<usize>>],
    question: &Claim,
    nearness: &Nearness,
) -> Vec<(usize, usize)> {
    let places: Vec<(usize, usize)> = spans
        .iter()
        .enumerate()
        .flat_map(|(place, spans)| (0..spans.len()).map(move |at| (place, at)))
        .collect();
    let text = |(place, at): &(usize, usize)| &passages[*place].text[spans[*place][*at].clone()];
    let own = question.shares(places.iter().map(text));
    let around: Vec<String> = passages.iter().map(Passage::around).collect();
    let under = question.shares(around.iter().map(String::as_str));
    let mut scored: Vec<(f32, (usize, usize))> = places
        .into_iter()
        .zip(own)
        .map(|((place, at), own)| {
            let near = NEAR * nearness.of(&passages[place], &spans[place][at]);
            let rank = RANK * passages[place].score;
            (own + 0.5 * under[place] + near + rank, (place, at))
        })
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    scored.into_iter().map(|(_, place)| place).collect()
}

/// A sentence with its neighbours in the same paragraph; a table's row with the header of the table.
fn window(text: &str, spans: &[Range<usize>], at: usize) -> Range<usize> {
    let joined = |one: usize, other: usize| {
        let between = &text[spans[one].end..spans[other].start];
        between.matches('\n').count() < 2
    };
    let first = if at > 0 && joined(at - 1, at) {
        at - 1
    } else {
        at
    };
    let last = if at + 1 < spans.len() && joined(at, at + 1) {
        at + 1
    } else {
        at
    };
    first..last + 1
}

/// Chosen spans, those that follow each other joined.
fn runs(spans: &[Range<usize>], chosen: &[bool]) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    let mut before = false;
    for (span, chosen) in spans.iter().zip(chosen) {
        match runs.last_mut() {
            Some(last) if *chosen && before => last.end = span.end,
            _ if *chosen => runs.push(span.clone()),
            _ => {}
        }
        before = *chosen;
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passage(name: &str, score: f32, text: &str) -> Passage {
        Passage {
            n: 1,
            document: name.to_owned(),
            path: format!("/notes/{name}.md"),
            title: name.to_owned(),
            end: text.len(),
            score,
            text: text.to_owned(),
            ..Passage::default()
        }
    }

    #[test]
    fn the_best_is_read_whole_and_of_the_others_what_speaks_of_the_question() {
        let long = "The roof is new. ".repeat(40)
            + "\n\nThe deposit is £995.\n\n"
            + &"It rains. ".repeat(40);
        let passages = [
            passage("lease", 1.0, "The rent is £865. It is due on the 5th."),
            passage("flat", 0.4, &long),
        ];
        let question = Claim::of("How much is the deposit?");
        let read: Vec<Vec<&str>> = excerpts(&passages, &question, &Nearness::default(), 100, 1.0)
            .into_iter()
            .zip(&passages)
            .map(|(parts, passage)| parts.into_iter().map(|part| &passage.text[part]).collect())
            .collect();
        assert_eq!(read[0], ["The rent is £865. It is due on the 5th."]);
        assert!(
            read[1]
                .iter()
                .any(|part| part.contains("The deposit is £995."))
        );
        let length: usize = read.iter().flatten().map(|part| part.len()).sum();
        assert!(length < 400, "{length}");
    }

    #[test]
    fn a_found_document_is_looked_through() {
        let part = |start: usize, text: &str| Passage {
            start,
            ..passage("report", 1.0, text)
        };
        let head = part(
            0,
            "Calder Foods, June.\n\n| Item | Q1 |\n|---|---|\n| Revenue | 5 |",
        );
        let tail = part(90, "| Inventories | 7 |\n| Cash | 3 |");
        let mut hits = vec![head.clone(), passage("other", 0.5, "Foods.")];
        complete(
            &mut hits,
            &[head, tail],
            &Claim::of("The inventories of Calder Foods?"),
        );
        let starts: Vec<usize> = hits.iter().map(|hit| hit.start).collect();
        assert_eq!(starts, [0, 90, 0]);
    }

    #[test]
    fn what_fits_is_read_whole() {
        let passages = [passage("a", 1.0, "One. Two.\n\nThree.")];
        let all = excerpts(
            &passages,
            &Claim::of("four"),
            &Nearness::default(),
            700,
            1.0,
        );
        assert_eq!(all, [vec![Range { start: 0, end: 17 }]]);
    }
}
