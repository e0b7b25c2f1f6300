//! Which of the quotes that could answer the model judges, and which it is then. Pure.

use std::ops::Range;

use super::Part;
use super::choice::{best_first, shown};
use crate::cite::Quote;
use crate::prompt::Excerpt;

/// Quotes that the model judges, at most, and where it thinks well of one of them; how far behind the first they may
/// be (nats).
const JUDGED: usize = 6;
const JUDGED_WITH_YES: usize = 3;
const BEHIND: f32 = 6.0;

/// How much the model's judgement counts beside what speaks for a quote, and what may be hoped of one (log odds): few
/// right quotes have more. Most right ones have more than `YES`, most others less.
const JUDGEMENT: f32 = 2.0;
const HOPED: f32 = 2.0;
const YES: f32 = -1.0;

/// How much it counts where the question is a follow-up, put by rule as it would be asked alone: that may be wrong.
const JUDGEMENT_OF_FOLLOW_UP: f32 = 1.0;

pub(super) fn weight_of_judgement(part: &Part) -> f32 {
    if part.goes_on() {
        JUDGEMENT_OF_FOLLOW_UP
    } else {
        JUDGEMENT
    }
}

/// The places of the quotes that the model judges, the best first.
pub(super) fn worth_judging(favours: &[f32]) -> Vec<usize> {
    let best = best_first(favours);
    let near = |place: &usize| favours[*place] + BEHIND >= favours[best[0]];
    best.iter().copied().take(JUDGED).filter(near).collect()
}

/// Whether so many quotes have been judged that no more are.
pub(super) fn are_enough(judged: &[(usize, f32)]) -> bool {
    judged.len() >= JUDGED_WITH_YES && judged.iter().any(|(_, odds)| *odds > YES)
}

/// Whether no quote from the one at `next` on would be chosen, whatever the model thinks of it.
pub(super) fn is_settled(
    favours: &[f32],
    judged: &[(usize, f32)],
    next: usize,
    weight: f32,
) -> bool {
    let hoped = favours[next] + weight * HOPED;
    let mut scores = judged.iter().map(|one| score_of(favours, *one, weight));
    scores.any(|score| score >= hoped)
}

/// What speaks for a quote together with the model's judgement (nats).
fn score_of(favours: &[f32], (place, odds): (usize, f32), weight: f32) -> f32 {
    favours[place] + weight * odds
}

/// The quote for which most speaks with the model's judgement, and that.
pub(super) fn best_judged(
    favours: &[f32],
    judged: &[(usize, f32)],
    weight: f32,
) -> Option<(usize, f32)> {
    let judged = judged.iter().copied();
    judged.reduce(|best, other| {
        let is_better = score_of(favours, other, weight) > score_of(favours, best, weight);
        if is_better { other } else { best }
    })
}

/// What the model reads of a quote when it judges it: with the sentence that opens its paragraph.
pub(super) fn judged(quote: &Quote<'_>, excerpts: &[Excerpt]) -> Vec<Range<usize>> {
    let own = shown(quote, excerpts);
    let text = &excerpts[quote.passage].passage.text;
    let opener = quote.opener.clone();
    let is_next =
        |opener: &Range<usize>| text[opener.end.min(own.start)..own.start].trim().is_empty();
    let joined = opener
        .clone()
        .filter(is_next)
        .map(|opener| opener.start.min(own.start)..own.end);
    match joined {
        Some(joined) => Vec::from([joined]),
        None => opener.into_iter().chain([own]).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_are_judged_first_and_no_more_than_it_takes() {
        let favours = [3.0, 9.0, 4.0, 8.0, 7.0, 6.0, 5.0];
        assert_eq!(worth_judging(&favours), [1, 3, 4, 5, 6, 2]);
        assert_eq!(worth_judging(&[1.0, 9.0]), [1]);
        assert!(!are_enough(&[(0, -1.1); 5]) && !are_enough(&[(0, 0.1); 2]));
        assert!(are_enough(&[(0, 0.1); 3]));
        let favours = [9.0, 8.0];
        // A clear yes to the first is enough; else the second may come first.
        assert!(is_settled(&favours, &[(0, 2.0)], 1, JUDGEMENT));
        assert!(!is_settled(&favours, &[(0, 0.5)], 1, JUDGEMENT));
        assert!(!is_settled(&favours, &[], 0, JUDGEMENT));
        let best = |judged: &[(usize, f32)]| best_judged(&favours, judged, JUDGEMENT);
        assert_eq!(best(&[(0, 0.0), (1, 1.0)]), Some((1, 1.0)));
        assert_eq!(best(&[(0, 1.0), (1, 1.0)]), Some((0, 1.0)));
        assert_eq!(best(&[]), None);
    }
}
