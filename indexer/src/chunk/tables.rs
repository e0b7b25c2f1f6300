//! The headers of tables, for the chunks that begin within one: a row says little without them.
//!
//! Owns what a table looks like in a document's text: rows between bars, with bars between cells, with `&` as LaTeX has
//! them, or with cells set apart by spaces. It cuts nothing; `cutting` asks for the header of each chunk.

use std::ops::Range;

/// A header is short (bytes),
const LONGEST_HEADER: usize = 400;
/// and so are the names of columns.
const LONGEST_NAME: usize = 120;

/// The headers of a document's tables.
pub(crate) struct Headers {
    /// Where the rows below a header are, and the header; in order.
    tables: Vec<(Range<usize>, Range<usize>)>,
}

impl Headers {
    /// Finds the tables of a text.
    pub(crate) fn of(text: &str) -> Self {
        let mut tables = Vec::new();
        let mut open: Option<Open> = None;
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            let span = start..start + line.len();
            start = span.end;
            let goes_on = open.as_mut().is_some_and(|table| table.take(line, &span));
            if !goes_on {
                tables.extend(open.take().and_then(|table| table.finish(text)));
                open = Open::begin(line, &span);
            }
        }
        tables.extend(open.and_then(|table| table.finish(text)));
        Self { tables }
    }

    /// The header of the table whose rows a chunk that begins here goes on with.
    pub(crate) fn at(&self, start: usize) -> Option<Range<usize>> {
        let after = self.tables.partition_point(|(rows, _)| rows.start <= start);
        let (rows, header) = self.tables.get(after.checked_sub(1)?)?;
        rows.contains(&start).then(|| header.clone())
    }
}

/// How the cells of a row are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `| a | b |`
    Piped,
    /// `a | b`, in so many cells.
    Barred(usize),
    /// `a & b \\`
    Ampersand,
    /// `a   b`, in so many cells.
    Aligned(usize),
}

impl Form {
    fn of(line: &str) -> Option<Self> {
        let line = line.trim();
        if line.starts_with('|') && line.len() > 1 {
            return Some(Self::Piped);
        }
        if line.contains(" | ") {
            return Some(Self::Barred(line.split(" | ").count()));
        }
        if line.contains('&') && line.contains("\\\\") {
            return Some(Self::Ampersand);
        }
        let cells = apart(line).count();
        (cells > 2).then_some(Self::Aligned(cells))
    }

    fn cells(self, line: &str) -> Vec<&str> {
        let line = line.trim();
        let cells: Vec<&str> = match self {
            Self::Piped => line.trim_matches('|').split('|').collect(),
            Self::Barred(_) => line.split(" | ").collect(),
            Self::Ampersand => {
                let row = line.split("\\\\").next().unwrap_or_default();
                row.split('&').collect()
            }
            Self::Aligned(_) => apart(line).collect(),
        };
        cells.into_iter().map(str::trim).collect()
    }
}

/// What two spaces, or a tab, set apart.
fn apart(line: &str) -> impl Iterator<Item = &str> {
    let cells = line.split("  ").flat_map(|part| part.split('\t'));
    cells.map(str::trim).filter(|cell| !cell.is_empty())
}

/// A table whose end is still to come.
struct Open {
    form: Option<Form>,
    header: Range<usize>,
    /// Rows so far, and whether the header is ruled off from those below it.
    rows: usize,
    is_ruled: bool,
    end: usize,
}

impl Open {
    fn begin(line: &str, span: &Range<usize>) -> Option<Self> {
        let is_rule = is_rule(line);
        let form = Form::of(line).filter(|_| !is_rule);
        (is_rule || form.is_some()).then(|| Self {
            form,
            header: if is_rule {
                span.end..span.end
            } else {
                span.clone()
            },
            rows: usize::from(!is_rule),
            is_ruled: false,
            end: span.end,
        })
    }

    /// Takes the next line in; false where it is none of the table.
    fn take(&mut self, line: &str, span: &Range<usize>) -> bool {
        if is_rule(line) {
            self.is_ruled |= self.rows > 0 && self.rows < 4 && self.header.end == span.start;
        } else if line.trim().is_empty() && self.rows == 1 && self.form == Some(Form::Piped) {
            // AsciiDoc sets its header off so.
            self.is_ruled = true;
        } else {
            let form = Form::of(line);
            match self.form {
                None if form.is_some() => {
                    self.form = form;
                    self.header = span.clone();
                }
                // The second line of a header, as far as the rule.
                Some(_) if form == self.form => {}
                _ => return false,
            }
            self.rows += 1;
        }
        self.end = span.end;
        true
    }

    /// The rows and their header, where it is one.
    fn finish(self, text: &str) -> Option<(Range<usize>, Range<usize>)> {
        let form = self.form.filter(|_| self.rows > 2)?;
        let header = &text[self.header.clone()];
        let cells = form.cells(header);
        let is_header = header.len() <= LONGEST_HEADER
            && cells.len() > 1
            && (self.is_ruled || are_names(&cells));
        let end = self.header.start + header.trim_end().len();
        is_header.then_some((self.header.end..self.end, self.header.start..end))
    }
}

/// A line that only rules rows off: `|---|---|`, `=====  ===`, `|===`, `\hline`.
fn is_rule(line: &str) -> bool {
    let line = line.trim();
    let is_mark = |c: char| matches!(c, '|' | '-' | '=' | '+' | ':' | ' ');
    matches!(line, "\\hline" | "\\toprule" | "\\midrule" | "\\bottomrule")
        || (line.len() > 3 && line.contains(['-', '=']) && line.chars().all(is_mark))
}

/// Whether cells could name columns: short texts that are no figures, each once.
fn are_names(cells: &[&str]) -> bool {
    let is_name = |cell: &str| {
        let digits = cell.chars().filter(char::is_ascii_digit).count();
        let letters = cell.chars().filter(|c| c.is_alphabetic()).count();
        letters > digits && cell.len() <= LONGEST_NAME
    };
    let mut sorted = cells.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    sorted.len() == cells.len()
        && cells.iter().skip(1).all(|cell| is_name(cell))
        && cells
            .first()
            .is_some_and(|cell| cell.is_empty() || is_name(cell))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The header that a chunk has that begins with this text.
    #[track_caller]
    fn check(text: &str, begins: &str, expected: Option<&str>) {
        let start = text.find(begins).expect("there");
        let header = Headers::of(text).at(start);
        assert_eq!(header.map(|header| &text[header]), expected, "{text}");
    }

    #[test]
    fn rows_of_every_form_have_their_header() {
        for (text, header) in [
            (
                "# A\n\n| Tree | Age |\n|---|---|\n| Oak | 1 |\n| Elm | 2 |\n\nEnd",
                "| Tree | Age |",
            ),
            (
                "* A\n| Tree | Age |\n|---+---|\n| Oak | 1 |\n| Elm | 2 |\n",
                "| Tree | Age |",
            ),
            ("Tree | Age\n---|---\nOak | 1\nElm | 2\n", "Tree | Age"),
            ("Tree | Age\nOak | 1\nElm | 2\n", "Tree | Age"),
            (
                "====  ===\nTree  Age  x\n====  ===\nOak   1    y\nElm   2    z\n====  ===\n",
                "Tree  Age  x",
            ),
            (
                "+----+----+\n| Tree | Age |\n+====+====+\n| Oak | 1 |\n+----+----+\n| Elm | 2 |\n",
                "| Tree | Age |",
            ),
            ("|===\n|Tree |Age\n\n|Oak |1\n|Elm |2\n|===\n", "|Tree |Age"),
            (
                "\\begin{tabular}{ll}\nTree & Age \\\\ \\hline\nOak & 1 \\\\\nElm & 2 \\\\\n",
                "Tree & Age \\\\ \\hline",
            ),
            (
                "Tree   Age   Park\nOak    1     North\nElm    2     South\n",
                "Tree   Age   Park",
            ),
            (
                "| 2024 | 2025 |\n|---|---|\n| Oak | 1 |\n| Elm | 2 |\n",
                "| 2024 | 2025 |",
            ),
        ] {
            let header = Some(header);
            let elm = text
                .lines()
                .find(|line| line.contains("Elm"))
                .expect("a row");
            check(text, elm, header);
            check(text, elm.trim_start_matches('|').trim_start(), header);
        }
    }

    #[test]
    fn a_header_is_only_for_the_rows_below_it() {
        let text = "Before\n\n| Tree | Age |\n|---|---|\n| Oak | 1 |\n| Elm | 2 |\n\nAfter\n\n1 | 2\n3 | 4\n5 | 6\n";
        for (begins, header) in [
            ("Before", None),
            ("| Tree", None),
            ("|---", Some("| Tree | Age |")),
            ("| Oak", Some("| Tree | Age |")),
            ("After", None),
            ("3 | 4", None),
        ] {
            check(text, begins, header);
        }
        check("ls | sort\ncat a | sort | uniq\nx | y\n", "x | y", None);
        check("Tree | Age\nOak | 1\n", "Oak", None);
        check(
            "Name: Oak; Age: 1\nName: Elm; Age: 2\nName: Ash; Age: 3\n",
            "Name: Ash",
            None,
        );
    }
}
