//! Words of the index that stand for one that is not in it: those that it may be a misspelling of, or the beginning.

use std::collections::{BTreeMap, BTreeSet};

use tantivy::Searcher;
use tantivy::schema::Field;

/// Shorter words are too near to others.
const SHORTEST: usize = 4;
/// From this length on, two letters may be wrong.
const LONG: usize = 8;
/// Most words that stand for a misspelt one.
const MOST: usize = 4;
/// Most words that begin with a letter.
const BEGINNINGS: usize = 256;

/// The words of the index nearest to one that is not in it, and how many letters they differ by. The first letter is
/// believed.
pub(super) fn near(
    searcher: &Searcher,
    field: Field,
    word: &str,
) -> tantivy::Result<(Vec<String>, usize)> {
    let wanted: Vec<char> = word.chars().collect();
    let (Some(first), Some(most)) = (wanted.first(), most(&wanted)) else {
        return Ok((Vec::new(), 0));
    };
    let low = first.to_string();
    let high = format!("{first}\u{10ffff}");
    let mut found: BTreeMap<String, (usize, u32)> = BTreeMap::new();
    for segment in searcher.segment_readers() {
        let index = segment.inverted_index(field)?;
        let mut terms = index.terms().range().ge(&low).lt(&high).into_stream()?;
        while terms.advance() {
            let Ok(term) = std::str::from_utf8(terms.key()) else {
                continue;
            };
            // Most words are told apart by their length, or by their letters.
            let is_long = term.len() > 4 * (wanted.len() + most);
            if is_long || term.chars().count().abs_diff(wanted.len()) > most {
                continue;
            }
            let missing = term
                .chars()
                .filter(|letter| !wanted.contains(letter))
                .count();
            if missing > most {
                continue;
            }
            if let Some(distance) = distance(&wanted, term, most) {
                let entry = found.entry(term.to_owned()).or_insert((distance, 0));
                entry.1 += terms.value().doc_freq;
            }
        }
    }
    let Some(least) = found.values().map(|(distance, _)| *distance).min() else {
        return Ok((Vec::new(), 0));
    };
    let mut nearest: Vec<(String, u32)> = found
        .into_iter()
        .filter(|(_, (distance, _))| *distance == least)
        .map(|(term, (_, count))| (term, count))
        .collect();
    nearest.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    nearest.truncate(MOST);
    Ok((nearest.into_iter().map(|(term, _)| term).collect(), least))
}

/// By how many letters a word differs from one that it may be a misspelling of.
pub(super) fn differs(word: &str, other: &str) -> Option<usize> {
    let wanted: Vec<char> = word.chars().collect();
    let is_believed = other.chars().next().as_ref() == wanted.first();
    most(&wanted)
        .filter(|_| is_believed)
        .and_then(|most| distance(&wanted, other, most))
}

/// How many letters of a word may be wrong.
fn most(word: &[char]) -> Option<usize> {
    word.first().filter(|first| first.is_alphabetic())?;
    match word.len() {
        ..SHORTEST => None,
        SHORTEST..LONG => Some(1),
        _ => Some(2),
    }
}

/// The words of the index that begin with this, as many as are looked for.
pub(super) fn beginning(
    searcher: &Searcher,
    field: Field,
    start: &str,
) -> tantivy::Result<Vec<String>> {
    let mut found = BTreeSet::new();
    for segment in searcher.segment_readers() {
        let index = segment.inverted_index(field)?;
        let high = format!("{start}\u{10ffff}");
        let mut terms = index.terms().range().ge(start).lt(high).into_stream()?;
        while found.len() < BEGINNINGS && terms.advance() {
            found.extend(std::str::from_utf8(terms.key()).ok().map(str::to_owned));
        }
    }
    Ok(found.into_iter().collect())
}

/// Letters to change, leave out, add or exchange with their neighbour, where that is no more than `most`.
fn distance(wanted: &[char], term: &str, most: usize) -> Option<usize> {
    let term: Vec<char> = term.chars().take(wanted.len() + most + 1).collect();
    if wanted.len().abs_diff(term.len()) > most {
        return None;
    }
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=term.len()).collect();
    for (row, letter) in wanted.iter().enumerate() {
        let mut this = vec![row + 1];
        for (column, other) in term.iter().enumerate() {
            let changed = last[column] + usize::from(letter != other);
            let mut least = changed.min(last[column + 1] + 1).min(this[column] + 1);
            let exchanged =
                row > 0 && column > 0 && *letter == term[column - 1] && wanted[row - 1] == *other;
            if exchanged {
                least = least.min(before_last[column - 1] + 1);
            }
            this.push(least);
        }
        if this.iter().all(|distance| *distance > most) {
            return None;
        }
        before_last = std::mem::replace(&mut last, this);
    }
    last.last().copied().filter(|distance| *distance <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_that_differ_are_counted() {
        let distance = |one: &str, other: &str, most: usize| {
            distance(&one.chars().collect::<Vec<_>>(), other, most)
        };
        assert_eq!(distance("boiler", "boiler", 1), Some(0));
        assert_eq!(distance("boiler", "bolier", 1), Some(1));
        assert_eq!(distance("boiler", "boilers", 1), Some(1));
        assert_eq!(distance("boiler", "bailer", 1), Some(1));
        assert_eq!(distance("boiler", "bolers", 1), None);
        assert_eq!(distance("boiler", "bolers", 2), Some(2));
        assert_eq!(distance("boiler", "b", 2), None);
    }
}
