//! Tables whose cells a page does not draw row by row.
//!
//! Owns when lines that follow each other downwards are columns of a table (or labels, with their values drawn after
//! them), and when they are the lines of one cell. Texts in columns, poems and lists are none.

use super::order::{is_running, push_rows};
use super::{LINE_SHIFT, Line, SIZE_CHANGE, same_direction};

/// Pages with more lines are no text to be read in order.
const MAX_LINES: usize = 2000;

/// Fewer lines side by side may stand so by chance.
const FEWEST_ROWS: usize = 3;

/// Of a column's lines so many stand beside lines of the first column, of ten.
const BESIDE: usize = 6;

/// Columns of longer lines (characters, on average) that are all alike are a text in columns.
const LONG: usize = 16;

/// A cell's next line is no further down than so many font sizes.
pub(super) const TIGHT: f64 = 1.45;

/// The lines row by row where the page draws columns of a table one after the other, or its cells with more than one line
/// each; `None` where it does not.
pub(super) fn in_rows(lines: &[Line]) -> Option<Vec<Line>> {
    if lines.len() > MAX_LINES {
        return None;
    }
    let rows = with_whole_cells(lines);
    let by_columns = by_columns(rows.as_deref().unwrap_or(lines));
    by_columns.or(rows)
}

/// The lines with the cells of rows as one line each, where the page draws cell after cell.
fn with_whole_cells(lines: &[Line]) -> Option<Vec<Line>> {
    let is_next = |above: &Line, below: &Line| {
        let drop = above.first.across - below.first.across;
        is_below(above, below) && drop < TIGHT * below.first.size
    };
    let runs: Vec<Run<'_>> = lines.chunk_by(is_next).collect();
    let mut rest = runs.as_slice();
    let mut ordered: Vec<Line> = Vec::with_capacity(lines.len());
    let mut found = false;
    while let [first, next @ ..] = rest {
        let rows = rows_of_cells(rest);
        found |= !rows.is_empty();
        for row in &rows {
            let (cells, after) = rest.split_at(*row);
            let cells = cells.iter().enumerate();
            ordered.extend(cells.map(|(at, cell)| joined(cell, at > 0 || cell[0].is_cell)));
            rest = after;
        }
        if rows.is_empty() {
            ordered.extend(first.iter().cloned());
            rest = next;
        }
    }
    found.then_some(ordered)
}

/// The lines row by row where columns are drawn one after the other.
fn by_columns(lines: &[Line]) -> Option<Vec<Line>> {
    let runs = runs(lines);
    let mut rest = runs.as_slice();
    let mut ordered: Vec<Line> = Vec::with_capacity(lines.len());
    let mut found = false;
    while let [first, next @ ..] = rest {
        rest = next;
        let mut table = Columns::new(first);
        let mut tail = None;
        while let [next, after @ ..] = rest
            && tail.is_none()
            && table.takes(next)
        {
            tail = table.take(next);
            rest = after;
        }
        if table.others.is_empty() || !table.is_table() {
            ordered.extend(table.into_lines().cloned());
        } else {
            found = true;
            table.write(&mut ordered);
        }
        ordered.extend(tail.unwrap_or_default().iter().cloned());
    }
    found.then_some(ordered)
}

/// How many runs are the cells of each row, where the first runs are rows whose cells have several lines; empty where they
/// are not.
fn rows_of_cells(runs: &[Run<'_>]) -> Vec<usize> {
    let mut rows = Vec::new();
    let mut wrapped = false;
    let mut rest = runs;
    let mut above: Option<&[Run<'_>]> = None;
    loop {
        let row = &rest[..cells_in_row(rest)];
        let is_next = above.is_none_or(|above| is_next_row(above, row));
        if row.len() < 2 || !is_next || are_columns(row) {
            break;
        }
        wrapped |= row.iter().any(|cell| cell.len() > 1);
        above = Some(row);
        rows.push(row.len());
        rest = &rest[row.len()..];
    }
    if rows.len() < 2 || !wrapped {
        rows.clear();
    }
    rows
}

/// How many of the first runs stand beside each other, each right of the one before it.
fn cells_in_row(runs: &[Run<'_>]) -> usize {
    let is_level = |one: Run<'_>, other: Run<'_>| {
        let tolerance = LINE_SHIFT * one[0].first.size;
        let ((top, bottom), (other_top, other_bottom)) = (extent(one), extent(other));
        same_direction(one[0].first.direction, other[0].first.direction)
            && top > other_bottom - tolerance
            && other_top > bottom - tolerance
    };
    let follows =
        |pair: &[Run<'_>]| is_level(pair[0], pair[1]) && span(pair[0]).1 <= span(pair[1]).0;
    let more = runs.windows(2).take_while(|pair| follows(pair)).count();
    (more + 1).min(runs.len())
}

/// The first and the last baseline.
fn extent(lines: Run<'_>) -> (f64, f64) {
    let last = lines.len() - 1;
    (lines[0].first.across, lines[last].first.across)
}

/// Whether these are columns of as many cells each, rather than cells of several lines.
fn are_columns(row: &[Run<'_>]) -> bool {
    let first = row[0];
    let has_as_many = row.iter().all(|cell| cell.len() == first.len());
    first.len() > 1 && has_as_many && (first.len() >= FEWEST_ROWS || are_labels(first))
}

/// Whether a row lies below another one and has two columns of it.
fn is_next_row(above: &[Run<'_>], row: &[Run<'_>]) -> bool {
    let lowest = above.iter().map(|cell| extent(cell).1);
    let lowest = lowest.fold(f64::INFINITY, f64::min);
    let top = row.iter().map(|cell| extent(cell).0);
    let top = top.fold(f64::NEG_INFINITY, f64::max);
    let shares = |cell: &&Run<'_>| above.iter().any(|other| !are_apart(other, cell));
    top < lowest && row.iter().filter(shares).count() > 1
}

/// A cell as one line.
fn joined(cell: Run<'_>, is_cell: bool) -> Line {
    let mut whole = Line {
        is_cell,
        gaps: Vec::new(),
        end: span(cell).1,
        ..cell[0].clone()
    };
    for line in &cell[1..] {
        go_on(&mut whole.text, &line.text);
    }
    whole
}

/// Adds the next line of a cell, in which a word may go on.
pub(super) fn go_on(cell: &mut String, line: &str) {
    cell.truncate(cell.trim_end().len());
    let is_word = cell
        .strip_suffix('-')
        .is_some_and(|word| word.ends_with(char::is_lowercase));
    if is_word && line.starts_with(char::is_lowercase) {
        cell.pop();
    } else {
        cell.push(' ');
    }
    cell.push_str(line.trim());
}

/// Lines that follow each other downwards, each below the one before it.
pub(super) type Run<'a> = &'a [Line];

fn runs(lines: &[Line]) -> Vec<Run<'_>> {
    lines.chunk_by(is_below).collect()
}

fn is_below(above: &Line, below: &Line) -> bool {
    let (from, to) = (above.first, below.first);
    let drop = from.across - to.across;
    let ratio = from.size / to.size;
    !below.is_cell
        && same_direction(from.direction, to.direction)
        && (1.0 / SIZE_CHANGE..=SIZE_CHANGE).contains(&ratio)
        && drop > LINE_SHIFT * to.size
        && drop < 6.0 * to.size
        && are_aligned(above, below)
}

/// Whether two lines begin, end or are centred about where each other do.
fn are_aligned(one: &Line, other: &Line) -> bool {
    let near = 1.5 * one.first.size;
    let (start, end) = (one.first.along - other.first.along, one.end - other.end);
    start.abs() < near || end.abs() < near || (start + end).abs() < 2.0 * near
}

/// What may be the columns of a table: a run, and those that stand beside it.
struct Columns<'a> {
    first: Run<'a>,
    /// Where in the first column the others begin.
    top: usize,
    others: Vec<Run<'a>>,
}

impl<'a> Columns<'a> {
    fn new(first: Run<'a>) -> Self {
        Self {
            first,
            top: first.len(),
            others: Vec::new(),
        }
    }

    /// Whether a run stands beside what is there.
    fn takes(&self, next: Run<'_>) -> bool {
        let Some(top) = next.first() else {
            return false;
        };
        let Some(start) = self.first.iter().position(|line| is_beside(line, top)) else {
            return false;
        };
        if !self.others.is_empty() && start != self.top {
            return false;
        }
        let next = &next[..self.reach(next)];
        let beside = next.iter().filter(|line| self.has_beside(line)).count();
        let column = &self.first[start..];
        beside >= FEWEST_ROWS.min(if are_labels(column) { 2 } else { FEWEST_ROWS })
            && beside * 10 >= next.len() * BESIDE
            && beside * 10 >= column.len().min(next.len()) * BESIDE
            && are_apart(column, next)
            && self.others.iter().all(|other| are_apart(other, next))
    }

    /// Takes a run in, and gives back what follows the table.
    fn take(&mut self, next: Run<'a>) -> Option<Run<'a>> {
        let reach = self.reach(next);
        if let Some(start) = self.first.iter().position(|line| is_beside(line, &next[0])) {
            self.top = start;
        }
        let (column, rest) = next.split_at(reach);
        self.others.push(column);
        (!rest.is_empty()).then_some(rest)
    }

    /// How many lines of a run are beside the first column: not those below its end.
    fn reach(&self, next: Run<'_>) -> usize {
        let last = self.first.last().map_or(f64::INFINITY, |last| {
            last.first.across - LINE_SHIFT * last.first.size
        });
        next.iter()
            .take_while(|line| line.first.across > last)
            .count()
    }

    fn has_beside(&self, line: &Line) -> bool {
        self.first.iter().any(|other| is_beside(other, line))
    }

    fn columns(&self) -> impl Iterator<Item = Run<'a>> {
        std::iter::once(&self.first[self.top..]).chain(self.others.iter().copied())
    }

    /// Whether these are columns of cells, and not of text.
    fn is_table(&self) -> bool {
        let running = self.columns().filter(|column| is_text(column)).count();
        if running == self.others.len() + 1 {
            return false;
        }
        // One column of text beside a short one is a text with its margin, but for what has a label for every line.
        if running > 0 && self.others.len() == 1 {
            let [one, other] = [&self.first[self.top..], self.others[0]];
            let label = if is_text(one) { other } else { one };
            return is_short(label)
                && one.len() == other.len()
                && other.iter().all(|line| self.has_beside(line));
        }
        let figures: Vec<usize> = self.columns().map(tenths_of_figures).collect();
        let are_alike =
            figures.iter().max() <= figures.iter().min().map(|least| least + 3).as_ref();
        !are_alike || self.columns().any(is_short)
    }

    fn into_lines(self) -> impl Iterator<Item = &'a Line> {
        self.first.iter().chain(self.others.into_iter().flatten())
    }

    fn write(self, ordered: &mut Vec<Line>) {
        let (before, column) = self.first.split_at(self.top);
        ordered.extend(before.iter().cloned());
        let mut cells: Vec<&Line> = column
            .iter()
            .chain(self.others.into_iter().flatten())
            .collect();
        cells.sort_by(|a, b| b.first.across.total_cmp(&a.first.across));
        push_rows(&cells, ordered);
    }
}

/// Whether two lines are on one baseline.
pub(super) fn is_beside(line: &Line, other: &Line) -> bool {
    let (one, two) = (line.first, other.first);
    same_direction(one.direction, two.direction)
        && (one.across - two.across).abs() < LINE_SHIFT * one.size.min(two.size)
}

/// Whether no line of one column is above or below the other column.
fn are_apart(one: Run<'_>, other: Run<'_>) -> bool {
    let (left, right) = (span(one), span(other));
    left.1 <= right.0 || right.1 <= left.0
}

fn span(lines: Run<'_>) -> (f64, f64) {
    let spans = lines.iter().map(|line| (line.first.along, line.end));
    spans.fold((f64::INFINITY, f64::NEG_INFINITY), |all, line| {
        (all.0.min(line.0), all.1.max(line.1))
    })
}

fn are_labels(lines: Run<'_>) -> bool {
    lines.iter().all(|line| line.text.trim_end().ends_with(':'))
}

fn is_text(lines: Run<'_>) -> bool {
    lines.iter().filter(|line| is_running(line)).count() * 2 >= lines.len()
}

/// Whether the lines of a column are short, on average.
fn is_short(lines: Run<'_>) -> bool {
    let letters = lines.iter().map(|line| line.text.trim().chars().count());
    letters.sum::<usize>() < LONG * lines.len()
}

/// How many cells of a column count or measure, of ten.
fn tenths_of_figures(lines: Run<'_>) -> usize {
    let is_figure = |line: &&Line| {
        let digits = line.text.chars().filter(char::is_ascii_digit).count();
        digits > line.text.chars().filter(|c| c.is_alphabetic()).count()
    };
    lines.iter().filter(is_figure).count() * 10 / lines.len().max(1)
}
