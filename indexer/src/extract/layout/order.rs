//! The order in which the lines of a page are read, where the page does not draw them in it.
//!
//! Owns when to distrust the page, which is seldom, and the cutting of a page into columns and rows.

use super::{COLUMN_GAP, Gap, LINE_SHIFT, Line, Place, same_direction};
use crate::extract::page_text::is_cjk;

/// Pages with more lines are no text to be read in order, and sorting takes the square of their number.
const MAX_LINES: usize = 2000;

/// A gap of this many font sizes may lie between columns of text.
const WIDE: f64 = 0.7;

/// Fewer lines make no column.
const FEWEST_LINES: usize = 5;

/// Lines of a column begin within so many points of each other.
const SAME_START: f64 = 1.0;

/// The lines sorted by position, where the order in which they were drawn is visibly not the one to
/// read them in: row by row across columns of text, or all over the page. `None` where it is.
pub(super) fn reading_order(lines: &[Line]) -> Option<Vec<Line>> {
    if lines.len() > MAX_LINES {
        return None;
    }
    let direction = lines.first()?.first.direction;
    let gutters = gutters(lines, direction);
    let pieces: Vec<Line> = lines
        .iter()
        .flat_map(|line| pieces(line, &gutters))
        .collect();
    let (upright, others): (Vec<&Line>, Vec<&Line>) = pieces
        .iter()
        .filter(|line| !line.text.trim().is_empty())
        .partition(|line| same_direction(line.first.direction, direction));
    let columns = columns_of_text(&upright, &gutters);
    if !is_scattered(&upright) && !is_interleaved(&upright, &columns) {
        return None;
    }
    let mut sorted = Vec::with_capacity(lines.len());
    if columns.is_empty() {
        arrange(upright, &mut sorted);
    } else {
        arrange_columns(upright, &columns, &mut sorted);
    }
    sorted.extend(others.into_iter().cloned());
    Some(sorted)
}

/// Where many lines begin, at the start or after a wide gap, and hardly any goes across. Headings may
/// reach nearly into the next column, so that the gap alone does not tell.
fn gutters(lines: &[Line], direction: (f64, f64)) -> Vec<f64> {
    let upright = || {
        let lines = lines.iter();
        lines.filter(|line| same_direction(line.first.direction, direction))
    };
    let mut starts: Vec<f64> = upright()
        .flat_map(|line| {
            let wide = line.gaps.iter().filter(|gap| is_wide(gap, line));
            std::iter::once(line.first.along).chain(wide.map(|gap| gap.to))
        })
        .collect();
    starts.sort_by(f64::total_cmp);
    starts
        .chunk_by(|a, b| b - a < SAME_START)
        .filter(|starts| starts.len() >= FEWEST_LINES)
        .filter_map(|starts| {
            let start = *starts.first()?;
            let across = upright().filter(|line| {
                line.first.along < start - SAME_START
                    && line.end > start + SAME_START
                    && !line.gaps.iter().any(|gap| is_at(gap, start))
            });
            (across.count() * 4 <= starts.len()).then_some(start)
        })
        .collect()
}

fn is_wide(gap: &Gap, line: &Line) -> bool {
    gap.to - gap.from > WIDE * line.first.size
}

fn is_at(gap: &Gap, start: f64) -> bool {
    (gap.to - start).abs() < 2.0 * SAME_START
}

/// A line cut at its wide gaps and where a column begins.
fn pieces(line: &Line, gutters: &[f64]) -> Vec<Line> {
    let mut pieces = Vec::with_capacity(line.gaps.len() + 1);
    let (mut start, mut along) = (0, line.first.along);
    let mut push = |text: Option<&str>, along: f64, end: f64| {
        let is_cell = line.is_cell || !pieces.is_empty();
        pieces.push(Line {
            text: text.unwrap_or_default().to_owned(),
            first: Place {
                along,
                ..line.first
            },
            end,
            gaps: Vec::new(),
            is_cell,
        });
    };
    let is_cut = |gap: &&Gap| is_wide(gap, line) || gutters.iter().any(|start| is_at(gap, *start));
    for gap in line.gaps.iter().filter(is_cut) {
        push(line.text.get(start..gap.offset), along, gap.from);
        (start, along) = (gap.offset, gap.to);
    }
    push(line.text.get(start..), along, line.end);
    pieces
}

/// Whether many lines follow one that is well below them.
fn is_scattered(lines: &[&Line]) -> bool {
    let rises = lines
        .windows(2)
        .filter(|pair| pair[1].first.across - pair[0].first.across > 2.0 * pair[1].first.size)
        .count();
    rises >= 6 && rises * 6 > lines.len()
}

/// Whether the page goes back and forth between its columns, as it does when drawn row by row.
fn is_interleaved(lines: &[&Line], columns: &[f64]) -> bool {
    let changes = lines
        .windows(2)
        .filter(|pair| {
            column_at(columns, pair[0].first.along) != column_at(columns, pair[1].first.along)
        })
        .count();
    changes * 3 > lines.len()
}

/// The column that a place is in, from 0.
fn column_at(columns: &[f64], along: f64) -> usize {
    columns
        .iter()
        .filter(|start| **start <= along + SAME_START)
        .count()
}

/// Long enough to be a line of a column and not a table's cell.
pub(super) fn is_running(line: &Line) -> bool {
    let width = |c: char| if is_cjk(c) { 2 } else { 1 };
    line.text.chars().map(width).sum::<usize>() >= 25
}

/// Those gutters that have mostly running text on either side, which tables have not.
fn columns_of_text(lines: &[&Line], gutters: &[f64]) -> Vec<f64> {
    let is_text = |from: f64, to: f64| {
        let here = lines
            .iter()
            .filter(|line| (from..to).contains(&line.first.along));
        let running = here.clone().filter(|line| is_running(line)).count();
        running >= FEWEST_LINES && running * 3 >= here.count() * 2
    };
    let mut columns = gutters.to_vec();
    columns.retain(|start| is_text(start - SAME_START, start + 2.0 * SAME_START));
    let Some(first) = columns.first() else {
        return columns;
    };
    if !is_text(f64::NEG_INFINITY, first - SAME_START) {
        columns.remove(0);
    }
    columns
}

/// Reads columns one after the other, down to the next line that goes across.
fn arrange_columns(mut lines: Vec<&Line>, columns: &[f64], sorted: &mut Vec<Line>) {
    lines.sort_by(|a, b| b.first.across.total_cmp(&a.first.across));
    let mut band: Vec<Vec<&Line>> = vec![Vec::new(); columns.len() + 1];
    let mut flush = |band: &mut Vec<Vec<&Line>>| {
        for column in band.iter_mut() {
            push_rows(column, sorted);
            column.clear();
        }
    };
    for line in lines {
        let first = column_at(columns, line.first.along);
        let last = column_at(columns, line.end - 3.0 * SAME_START);
        if last > first {
            flush(&mut band);
        }
        band[first].push(line);
        if last > first {
            flush(&mut band);
        }
    }
    flush(&mut band);
}

/// Cuts the page along its widest gaps, first between columns of text, then between rows.
fn arrange(mut lines: Vec<&Line>, sorted: &mut Vec<Line>) {
    if let Some(gutter) = gutter(&lines) {
        let (left, right) = lines.into_iter().partition(|line| line.end <= gutter);
        arrange(left, sorted);
        arrange(right, sorted);
        return;
    }
    lines.sort_by(|a, b| b.first.across.total_cmp(&a.first.across));
    if let Some(at) = widest_space(&lines) {
        let below = lines.split_off(at);
        arrange(lines, sorted);
        arrange(below, sorted);
        return;
    }
    push_rows(&lines, sorted);
}

/// Where no line crosses and there is a column of running text on either side.
fn gutter(lines: &[&Line]) -> Option<f64> {
    let mut spans: Vec<(f64, f64)> = lines.iter().map(|l| (l.first.along, l.end)).collect();
    spans.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut best: Option<(f64, f64)> = None;
    let mut reached = spans.first()?.1;
    for (start, end) in spans {
        let gap = start - reached;
        let is_column = |left: bool| {
            let side = lines.iter().filter(|l| (l.end <= reached) == left);
            let running = side.clone().filter(|line| is_running(line)).count();
            running >= 3 && running * 2 >= side.count()
        };
        let wider = best.is_none_or(|(width, _)| gap > width);
        if gap > 0.5 && wider && is_column(true) && is_column(false) {
            best = Some((gap, reached));
        }
        reached = reached.max(end);
    }
    best.map(|(_, at)| at)
}

/// The number of lines above the widest space that goes all the way across.
fn widest_space(lines: &[&Line]) -> Option<usize> {
    let mut best: Option<(f64, usize)> = None;
    for (above, pair) in lines.windows(2).enumerate() {
        let space = pair[0].first.across - pair[1].first.across - pair[1].first.size;
        if space > 0.3 * pair[1].first.size && best.is_none_or(|(widest, _)| space > widest) {
            best = Some((space, above + 1));
        }
    }
    best.map(|(_, at)| at)
}

/// Lines from the top down, those on the same baseline from left to right.
pub(super) fn push_rows(lines: &[&Line], sorted: &mut Vec<Line>) {
    let mut rest = lines;
    while let Some(first) = rest.first() {
        let baseline = first.first.across - LINE_SHIFT * first.first.size;
        let length = rest
            .iter()
            .take_while(|line| line.first.across >= baseline)
            .count();
        let (row, below) = rest.split_at(length.max(1));
        let mut row = row.to_vec();
        row.sort_by(|a, b| a.first.along.total_cmp(&b.first.along));
        let mut end: Option<f64> = None;
        for line in row {
            let gap = end.map(|end| (line.first.along - end) / line.first.size);
            end = Some(line.end.max(end.unwrap_or(line.end)));
            match (gap, sorted.last_mut()) {
                (Some(gap), Some(last)) if gap <= COLUMN_GAP => {
                    last.append(gap, &line.text);
                    last.end = line.end;
                }
                (gap, _) => sorted.push(Line {
                    is_cell: gap.is_some(),
                    ..line.clone()
                }),
            }
        }
        rest = below;
    }
}
