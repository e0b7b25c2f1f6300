//! Lines on one baseline: the rows of a table or form.
//!
//! Owns what belongs to a row though it was drawn later, filled in or wrapped, and where narrow columns are cut by what
//! the rows around them have. It takes rows one after the other as `table` and `order` leave them.

use super::order::is_running;
use super::table::{Run, TIGHT, go_on, is_beside};
use super::{COLUMN_GAP, LINE_SHIFT, Line, Place, WORD_GAP, same_direction};

/// Rows of one table are no further apart than so many font sizes.
const FAR_ROWS: f64 = 5.0;

/// A gap of this many font sizes may lie between narrow columns.
const WIDE: f64 = 0.7;

/// The cell before such a gap has no more characters.
const LONGEST_CELL: usize = 25;

/// Cells of a column begin or end within so many points of each other.
const SAME_PLACE: f64 = 1.0;

/// The next row is further down than a cell's next line by this factor.
const ROOMY: f64 = 1.25;

/// The lines with those of one baseline from left to right, though some were drawn later, and cut where columns of the
/// rows around them begin or end.
pub(super) fn aligned(lines: &[Line]) -> Vec<Line> {
    let mut sorted: Vec<Line> = Vec::with_capacity(lines.len());
    for line in lines {
        let place = place_in_row(&sorted, line);
        if place < sorted.len() {
            let is_cell = std::mem::replace(&mut sorted[place].is_cell, true);
            sorted.insert(
                place,
                Line {
                    is_cell,
                    ..line.clone()
                },
            );
        } else {
            sorted.push(line.clone());
        }
    }
    let rows: Vec<Run<'_>> = sorted.chunk_by(|_, next| next.is_cell).collect();
    let blocks = rows.chunk_by(|above, below| {
        let drop = above[0].first.across - below[0].first.across;
        drop > 0.0 && drop < FAR_ROWS * below[0].first.size
    });
    blocks.flat_map(cut_at_columns).collect()
}

/// Where in the last row a line belongs that stands left of part of it.
fn place_in_row(sorted: &[Line], line: &Line) -> usize {
    let end = sorted.len();
    let row = sorted.iter().rposition(|other| !other.is_cell).unwrap_or(0);
    let row = &sorted[row..];
    // A text is read with its own lines, whatever stands at the end of one.
    let is_of_row =
        !line.is_cell && !is_running(line) && row.iter().all(|other| is_beside(other, line));
    let right = row
        .iter()
        .filter(|other| other.first.along >= line.end)
        .count();
    let left = row
        .iter()
        .take_while(|other| other.end <= line.first.along)
        .count();
    if is_of_row && right > 0 && left + right == row.len() {
        end - right
    } else {
        end
    }
}

/// The lines of some rows, cut at wide gaps where cells of other rows begin or end.
fn cut_at_columns(rows: &[Run<'_>]) -> Vec<Line> {
    let cells = || rows.iter().flat_map(|row| &row[1..]);
    let is_column = |line: &Line| {
        let same = |cell: &&Line| {
            (cell.first.along - line.first.along).abs() < SAME_PLACE
                || (cell.end - line.end).abs() < SAME_PLACE
        };
        !is_running(line) && cells().filter(same).take(2).count() > 1
    };
    let lines = rows.iter().flat_map(|row| row.iter());
    lines.flat_map(|line| pieces(line, is_column)).collect()
}

/// A line cut at those wide gaps that have a cell after them.
fn pieces(line: &Line, is_cell: impl Fn(&Line) -> bool) -> Vec<Line> {
    let mut pieces = Vec::new();
    let mut rest = line.clone();
    for gap in line.gaps.iter().rev() {
        let before = rest.gaps.iter().rfind(|other| {
            other.offset < gap.offset && other.to - other.from > WIDE * line.first.size
        });
        let start = before.map_or(0, |before| before.offset);
        let (Some(left), Some(right)) = (
            rest.text.get(start..gap.offset),
            rest.text.get(gap.offset..),
        ) else {
            continue;
        };
        // Between the words of a text a gap is only wide.
        if gap.to - gap.from <= WIDE * line.first.size || left.chars().count() > LONGEST_CELL {
            continue;
        }
        let cell = Line {
            text: right.trim_start().to_owned(),
            first: Place {
                along: gap.to,
                ..rest.first
            },
            end: rest.end,
            gaps: Vec::new(),
            is_cell: true,
        };
        if is_cell(&cell) {
            rest.text.truncate(gap.offset);
            rest.gaps.retain(|other| other.offset < gap.offset);
            rest.end = gap.from;
            pieces.push(cell);
        }
    }
    pieces.push(rest);
    pieces.reverse();
    pieces
}

/// Puts what was filled in at a place with the text beside it, or else below the text above it.
pub(super) fn fill_in(lines: &mut Vec<Line>, place: Place, advance: f64, text: &str) {
    let mut line = Line {
        text: text.to_owned(),
        first: place,
        end: place.along + advance,
        gaps: Vec::new(),
        is_cell: false,
    };
    let beside = || {
        let lines = lines.iter().enumerate();
        lines.filter(|(_, other)| is_beside(other, &line))
    };
    let left = beside().filter(|(_, other)| other.first.along <= place.along);
    let left = left.max_by(|(_, a), (_, b)| a.first.along.total_cmp(&b.first.along));
    let right = beside().filter(|(_, other)| other.first.along > place.along);
    let right = right.min_by(|(_, a), (_, b)| a.first.along.total_cmp(&b.first.along));
    let at = match (left, right) {
        (Some((left, label)), _) => {
            let gap = (place.along - label.end) / place.size;
            if gap <= COLUMN_GAP || label.text.trim_end().ends_with(':') {
                lines[left].append(gap.max(WORD_GAP * 2.0), text);
                lines[left].end = line.end;
                return;
            }
            line.is_cell = true;
            left + 1
        }
        (None, Some((right, label)))
            if (label.first.along - line.end) / place.size <= COLUMN_GAP =>
        {
            return lines[right].prepend(&line);
        }
        (None, Some((right, _))) => {
            line.is_cell = std::mem::replace(&mut lines[right].is_cell, true);
            right
        }
        (None, None) => below(lines, &line),
    };
    lines.insert(at, line);
}

/// Where a line is read that is below others: after the row of the nearest one above.
fn below(lines: &[Line], line: &Line) -> usize {
    let drop = |above: &Line| above.first.across - line.first.across;
    let above = lines.iter().enumerate().filter(|(_, above)| {
        let overlaps = above.first.along < line.end && line.first.along < above.end;
        overlaps && drop(above) > 0.0 && drop(above) < 6.0 * line.first.size
    });
    let nearest = above.min_by(|(_, a), (_, b)| drop(a).total_cmp(&drop(b)));
    let Some((nearest, _)) = nearest else {
        return lines.len();
    };
    let cells = lines[nearest + 1..].iter().take_while(|line| line.is_cell);
    nearest + 1 + cells.count()
}

/// The lines of rows with what was wrapped put back into its cell: where rows stand apart and a line below one of them
/// does not.
pub(super) fn whole_cells(lines: &[Line]) -> Vec<Line> {
    let rows: Vec<Run<'_>> = lines.chunk_by(|_, next| next.is_cell).collect();
    let drop = |above: Run<'_>, below: Run<'_>| above[0].first.across - below[0].first.across;
    let mut drops: Vec<f64> = rows
        .windows(2)
        .filter(|pair| pair[0].len() > 1 && pair[1].len() > 1)
        .map(|pair| drop(pair[0], pair[1]))
        .filter(|drop| *drop > 0.0)
        .collect();
    drops.sort_by(f64::total_cmp);
    let Some(usual) = drops.get(drops.len() / 2).copied() else {
        return lines.to_vec();
    };
    let mut whole: Vec<Line> = Vec::with_capacity(lines.len());
    // The first cell of the last row of several, and the place of its last line.
    let mut open: Option<(usize, Place)> = None;
    for row in &rows {
        let above = open.filter(|(first, last)| {
            let drop = last.across - row[0].first.across;
            let is_tight = drop > LINE_SHIFT * last.size && drop < TIGHT * last.size;
            is_tight && drop * ROOMY < usual && continues_cells(&whole[*first..], row)
        });
        if let Some((first, _)) = above {
            for line in *row {
                if let Some(cell) = cell_above(&mut whole[first..], line) {
                    go_on(&mut cell.text, &line.text);
                }
            }
            open = Some((first, row[0].first));
            continue;
        }
        open = (row.len() > 1).then_some((whole.len(), row[0].first));
        whole.extend(row.iter().cloned());
    }
    whole
}

/// Whether each line of a row goes on with a cell above it, and not all of them do.
fn continues_cells(above: &[Line], row: Run<'_>) -> bool {
    let goes_on = |line: &Line| above.iter().any(|cell| begins_with(cell, line));
    row.len() < above.len() && row.iter().all(goes_on)
}

fn cell_above<'l>(above: &'l mut [Line], line: &Line) -> Option<&'l mut Line> {
    above.iter_mut().find(|cell| begins_with(cell, line))
}

/// Whether a line begins where a cell does.
fn begins_with(cell: &Line, line: &Line) -> bool {
    same_direction(cell.first.direction, line.first.direction)
        && (cell.first.along - line.first.along).abs() < 0.5 * cell.first.size
}
