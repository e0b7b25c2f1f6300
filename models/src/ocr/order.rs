//! The order in which a person reads the pieces of text on a page. Pure.
//!
//! Pieces beside each other are a line, lines go from top to bottom. Where a run of lines has a gap
//! from its top to its bottom with something like text on both sides, what is left of it is read
//! before what is right of it, and either side is looked at again. Columns of short pieces are taken
//! for a table, and that is read line by line.

/// Fewest lines of the longer of two columns; the shorter has at least two.
const LEAST_LINES: usize = 3;
/// Narrowest gap between columns, in heights of a line.
const LEAST_GAP: f32 = 0.6;
/// Narrowest column, in heights of a line: at least half its lines have as much text.
const LEAST_COLUMN: f32 = 8.0;
/// Least share of a line's width that is text; where it is less, the line is one of a table.
const LEAST_FILL: f32 = 0.7;

/// Where a piece of text is. `bottom` is greater than `top`, `right` greater than `left`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Block {
    pub left: f32,
    pub top: f32,
    pub right: f32,
    pub bottom: f32,
}

impl Block {
    fn height(self) -> f32 {
        self.bottom - self.top
    }

    fn width(self) -> f32 {
        self.right - self.left
    }

    fn middle(self) -> f32 {
        f32::midpoint(self.top, self.bottom)
    }

    /// The smallest block around both.
    fn with(self, other: Self) -> Self {
        Self {
            left: self.left.min(other.left),
            top: self.top.min(other.top),
            right: self.right.max(other.right),
            bottom: self.bottom.max(other.bottom),
        }
    }
}

/// Lines in the order of reading: of each the indices of its blocks, from left to right.
pub(super) fn lines(blocks: &[Block]) -> Vec<Vec<usize>> {
    let mut found = Vec::new();
    arrange(blocks, (0..blocks.len()).collect(), &mut found);
    found
}

fn arrange(blocks: &[Block], chosen: Vec<usize>, found: &mut Vec<Vec<usize>>) {
    let rows = rows(blocks, chosen);
    let mut next = 0;
    while next < rows.len() {
        if let Some((count, gap)) = columns(blocks, &rows[next..]) {
            let run = rows[next..next + count].iter().flatten();
            let (left, right) = run.partition(|block| blocks[**block].right <= gap);
            arrange(blocks, left, found);
            arrange(blocks, right, found);
            next += count;
        } else {
            found.push(rows[next].clone());
            next += 1;
        }
    }
}

/// Blocks beside each other, from left to right; the rows from top to bottom.
fn rows(blocks: &[Block], mut chosen: Vec<usize>) -> Vec<Vec<usize>> {
    chosen.sort_by(|a, b| blocks[*a].middle().total_cmp(&blocks[*b].middle()));
    let mut rows: Vec<Vec<usize>> = Vec::new();
    for index in chosen {
        let block = blocks[index];
        let first = rows.last().and_then(|row| row.first());
        let is_beside = first.is_some_and(|first| {
            let first = blocks[*first];
            let height = block.height().min(first.height());
            block.middle() - first.middle() < height / 2.0
        });
        match rows.last_mut() {
            Some(row) if is_beside => row.push(index),
            _ => rows.push(vec![index]),
        }
    }
    for row in &mut rows {
        row.sort_by(|a, b| blocks[*a].left.total_cmp(&blocks[*b].left));
    }
    rows
}

/// The longest run of rows, from the first on, with a gap between columns: how many rows, and where
/// the column on the left ends.
fn columns(blocks: &[Block], rows: &[Vec<usize>]) -> Option<(usize, f32)> {
    let mut covered: Vec<(f32, f32)> = Vec::new();
    let mut run = None;
    for (index, row) in rows.iter().enumerate() {
        for block in row.iter().map(|block| blocks[*block]) {
            cover(&mut covered, block);
        }
        if covered.len() > 1 {
            run = Some((index + 1, covered.clone()));
        }
    }
    let (count, covered) = run?;
    let mut gaps: Vec<(f32, f32)> = covered
        .windows(2)
        .map(|pair| (pair[0].1, pair[1].0))
        .collect();
    gaps.sort_by(|a, b| (b.1 - b.0).total_cmp(&(a.1 - a.0)));
    let gap = gaps
        .into_iter()
        .find(|gap| separates(blocks, &rows[..count], *gap))?;
    Some((count, gap.0))
}

/// Adds the width of a block to the intervals that are covered, which are apart and in order.
fn cover(covered: &mut Vec<(f32, f32)>, block: Block) {
    let (mut left, mut right) = (block.left, block.right);
    covered.retain(|(start, end)| {
        let is_apart = *end < left || *start > right;
        if !is_apart {
            left = left.min(*start);
            right = right.max(*end);
        }
        is_apart
    });
    let place = covered.partition_point(|(start, _)| *start < left);
    covered.insert(place, (left, right));
}

/// Whether a gap has a column of text on both sides.
fn separates(blocks: &[Block], rows: &[Vec<usize>], (start, end): (f32, f32)) -> bool {
    let side = |is_left: bool| {
        let of_row = |row: &Vec<usize>| {
            let row = row.iter().map(|block| blocks[*block]);
            row.filter(|block| (block.right <= start) == is_left)
                .collect::<Vec<Block>>()
        };
        let lines = rows.iter().map(of_row);
        lines.filter(|line| !line.is_empty()).collect::<Vec<_>>()
    };
    let (left, right) = (side(true), side(false));
    let all = left.iter().chain(&right).flatten();
    let height = median(all.map(|block| block.height()));
    let is_column = |lines: &[Vec<Block>]| {
        let text = median(lines.iter().map(|line| text_width(line)));
        lines.len() > 1 && text >= LEAST_COLUMN * height
    };
    let whole = |lines: &[Vec<Block>]| lines.iter().flatten().copied().reduce(Block::with);
    let are_beside = whole(&left).zip(whole(&right)).is_some_and(|(a, b)| {
        let shared = a.bottom.min(b.bottom) - a.top.max(b.top);
        shared > a.height().min(b.height()) / 2.0
    });
    end - start >= LEAST_GAP * height
        && left.len().max(right.len()) >= LEAST_LINES
        && is_column(&left)
        && is_column(&right)
        && are_beside
}

/// How much of a line is text; 0 if that is too little for a line of a column.
fn text_width(line: &[Block]) -> f32 {
    let text: f32 = line.iter().map(|block| block.width()).sum();
    let whole = line.iter().copied().reduce(Block::with);
    let is_filled = whole.is_some_and(|whole| text >= LEAST_FILL * whole.width());
    if is_filled { text } else { 0.0 }
}

/// The upper median; 0 of nothing.
fn median(values: impl Iterator<Item = f32>) -> f32 {
    let mut values: Vec<f32> = values.collect();
    values.sort_by(f32::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines as drawn: each run of letters (a letter is ten wide) is a block, a row is twenty high.
    /// What is read is written as the first letters, lines apart.
    #[track_caller]
    fn check(page: &[&str], expected: &str) {
        let mut blocks = Vec::new();
        let mut names = Vec::new();
        for (y, row) in page.iter().enumerate() {
            let mut end = 0;
            for word in row.split_whitespace() {
                let start = end + row[end..].find(word).expect("it is there");
                end = start + word.len();
                names.push(word.chars().next().expect("a letter"));
                blocks.push(Block {
                    left: start as f32 * 10.0,
                    top: y as f32 * 25.0,
                    right: end as f32 * 10.0,
                    bottom: y as f32 * 25.0 + 20.0,
                });
            }
        }
        let read: Vec<String> = lines(&blocks)
            .iter()
            .map(|line| line.iter().map(|block| names[*block]).collect())
            .collect();
        assert_eq!(read.join(" "), expected);
    }

    #[test]
    fn lines_go_from_top_to_bottom_and_their_pieces_from_left_to_right() {
        check(&["aaa bbb", "  ccccc", "dd     ee"], "ab c de");
    }

    #[test]
    fn columns_are_read_one_after_the_other_between_what_spans_them() {
        let page = [
            "tttttttttttttttttttttttttttttttttttttttttttt",
            "aaaaaaaaaaaaaaaaaaaa    eeeeeeeeeeeeeeeeeeee",
            "bbbbbbbbbbbbbbbbbbbb    ffffffffffffffffffff",
            "cccccccccccccccccccc    gggggggggggggggggggg",
            "dddddddd                hhhhhhhhhhhhhhhhhhhh",
            "uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu",
            "vvvvvvvvvvvvvvvvvvvvvvvv",
        ];
        check(&page, "t a b c d e f g h u v");
    }

    #[test]
    fn three_columns_are_three() {
        let page = [
            "aaaaaaaaaaaaaaaaaaa  dddddddddddddddddddd   gggggggggggggggggg",
            "bbbbbbbbbbbbbbbbbb   eeeeeeeeeeeeeeeeeeee   hhhhhhhhhhhhhhhhhh",
            "ccccccccccccccccccc  fffffffffffffffffff    iiiiiiiiiiiiiiiiii",
        ];
        check(&page, "a b c d e f g h i");
    }

    #[test]
    fn a_table_is_read_line_by_line() {
        let page = [
            "aaaaaaaaaaaaaaaaaaaaaaaaaaa   bbbb",
            "cccccccccccccccccc            dd",
            "eeeeeeeeeeeeeeeeeeee          ffff",
            "gggggggggggggg                hhhh",
        ];
        check(&page, "ab cd ef gh");
    }

    #[test]
    fn a_table_of_many_columns_is_read_line_by_line() {
        let page = [
            "aaa     bbbbb   ccc       ddd    eee    ff",
            "gg      hhhhh   iiii      jjj    kkkk   ll",
            "mmmm    nnn     ooo       p      qq     rrr",
            "ss      ttt     uu        vvvv   ww     x",
        ];
        check(&page, "abcdef ghijkl mnopqr stuvwx");
    }

    #[test]
    fn two_lines_beside_two_others_are_no_columns() {
        let page = [
            "aaaaaaaaaaaaaaaaaaaa    cccccccccccccccccccc",
            "bbbbbbbbbbbbbbbbbbbb    dddddddddddddddddddd",
        ];
        check(&page, "ac bd");
    }

    #[test]
    fn columns_need_not_have_their_lines_at_one_height() {
        let column = |left: f32, top: f32| {
            (0..4).map(move |line| Block {
                left,
                top: top + 25.0 * line as f32,
                right: left + 200.0,
                bottom: top + 25.0 * line as f32 + 20.0,
            })
        };
        let blocks: Vec<Block> = column(0.0, 0.0).chain(column(230.0, 12.0)).collect();
        let read: Vec<usize> = lines(&blocks).concat();
        assert_eq!(read, [0, 1, 2, 3, 4, 5, 6, 7]);
    }

    #[test]
    fn nothing_is_lost_or_repeated_however_blocks_overlap() {
        let mut seed = 7_u32;
        let mut random = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 16) as f32 / 65.536
        };
        let blocks: Vec<Block> = (0..300)
            .map(|_| {
                let (left, top) = (random(), random());
                Block {
                    left,
                    top,
                    right: left + 1.0 + random() / 3.0,
                    bottom: top + 1.0 + random() / 20.0,
                }
            })
            .collect();
        let mut read = lines(&blocks).concat();
        read.sort_unstable();
        assert_eq!(read, (0..300).collect::<Vec<usize>>());
    }
}
