//! Lines that a document repeats on its pages: running heads, running feet, page numbers.
//!
//! Owns what counts as such a line, which errs on the side of keeping. Pure; called by `pdf` with the
//! raw text of all pages.

use std::collections::{HashMap, HashSet};

/// Fewer pages say too little.
const FEWEST_PAGES: usize = 4;

/// Lines at either edge of a page that may be running.
const EDGE_LINES: usize = 3;

/// Removes running lines from pages given as number and raw text. The first of each is kept, for it
/// may say what is said nowhere else, unless it is a mere number.
pub(super) fn remove(pages: &mut [(u32, String)]) {
    let mut groups: HashMap<(Edge, String), Vec<Occurrence>> = HashMap::new();
    for (index, (_, text)) in pages.iter().enumerate() {
        for (edge, line, text) in edge_lines(text) {
            let (pattern, numbers) = pattern(text);
            groups.entry((edge, pattern)).or_default().push(Occurrence {
                page: index,
                line,
                numbers,
            });
        }
    }
    let mut running: HashSet<(usize, usize)> = HashSet::new();
    for ((_, pattern), mut occurrences) in groups {
        // A short page has one line at both edges, and a line may be there twice.
        occurrences.dedup_by_key(|occurrence| occurrence.page);
        if !is_running(&occurrences, pages) {
            continue;
        }
        let kept = usize::from(pattern.chars().any(char::is_alphabetic));
        let removed = occurrences.iter().skip(kept);
        running.extend(removed.map(|occurrence| (occurrence.page, occurrence.line)));
    }
    for (page, (_, text)) in pages.iter_mut().enumerate() {
        let kept = text
            .split('\n')
            .enumerate()
            .filter(|(line, _)| !running.contains(&(page, *line)))
            .map(|(_, text)| text)
            .collect::<Vec<_>>()
            .join("\n");
        // What is all there is on a page is what the page says.
        if kept.contains(char::is_alphanumeric) {
            *text = kept;
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Edge {
    Top,
    Bottom,
}

struct Occurrence {
    page: usize,
    line: usize,
    numbers: Vec<i64>,
}

/// The first and last lines that are not blank, with their line numbers.
fn edge_lines(text: &str) -> Vec<(Edge, usize, &str)> {
    let lines: Vec<(usize, &str)> = text
        .split('\n')
        .enumerate()
        .map(|(number, line)| (number, line.trim()))
        .filter(|(_, line)| !line.is_empty())
        .collect();
    let top = lines
        .iter()
        .take(EDGE_LINES)
        .map(|(n, l)| (Edge::Top, *n, *l));
    let bottom = lines
        .iter()
        .rev()
        .take(EDGE_LINES)
        .map(|(n, l)| (Edge::Bottom, *n, *l));
    top.chain(bottom).collect()
}

/// A line with its numbers taken out, and the numbers.
fn pattern(line: &str) -> (String, Vec<i64>) {
    if !line.is_empty() && line.bytes().all(|byte| b"ivx".contains(&byte)) {
        return ("#".to_owned(), Vec::new());
    }
    let (mut pattern, mut numbers) = (String::new(), Vec::new());
    let mut rest = line;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let digits = &rest[start..];
        let end = digits
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(digits.len());
        pattern.push_str(&rest[..start]);
        pattern.push('#');
        numbers.push(digits[..end].parse().unwrap_or(i64::MAX));
        rest = &digits[end..];
    }
    pattern.push_str(rest);
    (
        pattern.split_whitespace().collect::<Vec<_>>().join(" "),
        numbers,
    )
}

/// Whether a line is on more than half of the pages, or of those on the left or on the right, and its
/// numbers stay the same or count the pages.
fn is_running(occurrences: &[Occurrence], pages: &[(u32, String)]) -> bool {
    let common = |of: &dyn Fn(usize) -> bool| {
        let all = (0..pages.len()).filter(|page| of(*page)).count();
        let with = occurrences.iter().filter(|at| of(at.page)).count();
        all >= FEWEST_PAGES && with * 2 > all
    };
    let is_common = common(&|_| true)
        || common(&|page| pages[page].0.is_multiple_of(2))
        || common(&|page| !pages[page].0.is_multiple_of(2));
    is_common && numbers_agree(occurrences, pages)
}

fn numbers_agree(occurrences: &[Occurrence], pages: &[(u32, String)]) -> bool {
    let slots = occurrences
        .iter()
        .map(|at| at.numbers.len())
        .max()
        .unwrap_or(0);
    (0..slots).all(|slot| {
        let values = || {
            let with = occurrences.iter().filter(|at| !at.numbers.is_empty());
            with.filter_map(move |at| Some((at.numbers.get(slot)?, i64::from(pages[at.page].0))))
        };
        let agree = |key: &dyn Fn(i64, i64) -> i64| {
            let mut counts: HashMap<i64, usize> = HashMap::new();
            for (value, page) in values() {
                *counts.entry(key(*value, page)).or_default() += 1;
            }
            let most = counts.into_values().max().unwrap_or(0);
            most * 4 >= values().count() * 3
        };
        agree(&|value, _| value) || agree(&|value, page| value.saturating_sub(page))
    })
}

#[cfg(test)]
mod tests {
    use super::remove;

    #[track_caller]
    fn check(pages: &[&str], expected: &[&str]) {
        let mut read: Vec<(u32, String)> =
            (1..).zip(pages.iter().map(ToString::to_string)).collect();
        remove(&mut read);
        let left: Vec<&str> = read.iter().map(|(_, text)| text.trim()).collect();
        assert_eq!(left, expected);
    }

    #[test]
    fn heads_and_numbers_go_after_the_first_page() {
        check(
            &[
                "Annual report\tPage 1 of 4\n\none\n\n1",
                "Annual report\tPage 2 of 4\n\ntwo\n\n2",
                "Annual report\tPage 3 of 4\n\nthree\n\n3",
                "Annual report\tPage 4 of 4\n\nfour\n\n4",
            ],
            &["Annual report\tPage 1 of 4\n\none", "two", "three", "four"],
        );
    }

    #[test]
    fn left_and_right_pages_have_their_own_heads() {
        let text = [
            "L\na", "R\nb", "L\nc", "R\nd", "L\ne", "R\nf", "L\ng", "R\nh",
        ];
        check(&text, &["L\na", "R\nb", "c", "d", "e", "f", "g", "h"]);
    }

    #[test]
    fn numbers_that_say_something_stay() {
        let invoices = [
            "Invoice 101\nu",
            "Invoice 131\nv",
            "Invoice 107\nw",
            "Invoice 148\nx",
        ];
        check(&invoices, &invoices);
    }

    #[test]
    fn a_page_is_not_emptied() {
        let pages = ["Slide 1", "Slide 2", "Slide 3", "Slide 4"];
        check(&pages, &pages);
    }

    #[test]
    fn few_pages_say_too_little() {
        let pages = ["Head\na", "Head\nb", "Head\nc"];
        check(&pages, &pages);
    }

    #[test]
    fn lines_in_the_middle_stay() {
        let pages = [
            "a\nb\nc\nX\nd\ne\nf",
            "g\nh\ni\nX\nj\nk\nl",
            "m\nn\no\nX\np\nq\nr",
            "s\nt\nu\nX\nv\nw\nx",
        ];
        check(&pages, &pages);
    }
}
