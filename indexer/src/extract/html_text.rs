//! HTML elements to text: blank lines between blocks, dashes before list items, rows of tables with their
//! headers, and headings with their offsets.
//!
//! Owns what each element looks like as text. It decides nothing about which part of a page
//! matters; called by `html` for the whole page and for the article in it.

use dom_smoothie::Readability;

use super::Heading;
use super::html_unseen::{Hidden, Region, Regions, Seen, judge};
use super::office;

/// Columns and rows that one cell may take.
const MOST_SPANNED: usize = 100;

/// A page or a part of one as text.
#[derive(Debug, Default)]
pub(super) struct PageText {
    pub text: String,
    pub headings: Vec<Heading>,
    /// The `<title>` element.
    pub title: Option<String>,
}

/// What an element means for the text in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Element {
    Inline,
    Block,
    Heading(u8),
    ListItem,
    /// `layout`: a table that arranges the page rather than holding data.
    Table {
        layout: bool,
    },
    /// The rows with the headers of a table.
    Head,
    Row,
    Cell(Cell),
    Preformatted,
    Line,
    LineBreak,
    Title,
    /// Not part of what a reader sees as text.
    Dropped,
}

/// How a cell stands in its table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cell {
    is_header: bool,
    columns: usize,
    rows: usize,
}

/// A document in the order it is written down.
enum Piece {
    Open(Element),
    Text(String),
    Close(Element),
}

/// Parses `html` and writes it down as text.
pub(super) fn render(html: &str) -> PageText {
    let mut writer = Writer::default();
    for piece in pieces(html) {
        match piece {
            Piece::Open(element) => writer.open(element),
            Piece::Text(text) => writer.write(&text),
            Piece::Close(element) => writer.close(element),
        }
    }
    writer.page
}

/// What is to be done when an element ends.
struct Closing {
    element: Element,
    is_link: bool,
    /// It may be no part of the page's text.
    region: Option<Region>,
}

/// The document's elements and texts in order. One function and one stack, since the parser's node
/// type cannot be named without depending on the crate it comes from, and since recursion would
/// leave the depth of the page to decide whether the stack overflows.
fn pieces(html: &str) -> Vec<Piece> {
    let document = Readability::from(html).doc;
    let hidden = Hidden::by(&document.select("style").text());
    let mut pieces = Vec::new();
    let mut regions = Regions::default();
    let mut open_tables: Vec<usize> = Vec::new();
    let mut stack = vec![(document.root(), None)];
    while let Some((node, closing)) = stack.pop() {
        if let Some(closing) = closing {
            let Closing { element, .. } = closing;
            if matches!(element, Element::Table { .. }) {
                open_tables.pop();
            }
            pieces.push(Piece::Close(element));
            if closing.is_link {
                regions.close_link();
            }
            if let Some(region) = closing.region {
                regions.close(&region, pieces.len());
            }
            continue;
        }
        if node.is_text() {
            let text = node.text().to_string();
            regions.add(&text);
            pieces.push(Piece::Text(text));
            continue;
        }
        let name = node.node_name().unwrap_or_default();
        let element = match classify(&name) {
            Element::Cell(cell) => {
                let number = |key: &str| node.attr(key)?.trim().parse::<usize>().ok();
                Element::Cell(Cell {
                    columns: number("colspan").unwrap_or(1).clamp(1, MOST_SPANNED),
                    rows: number("rowspan").unwrap_or(1).clamp(1, MOST_SPANNED),
                    ..cell
                })
            }
            element => element,
        };
        let seen = judge(&name, &hidden, |key| Some(node.attr(key)?.to_string()));
        if element == Element::Dropped || seen == Seen::No {
            continue;
        }
        // A table with a table or a heading in it arranges the page.
        if matches!(element, Element::Table { .. } | Element::Heading(_))
            && let Some(outer) = open_tables.last()
        {
            pieces[*outer] = Piece::Open(Element::Table { layout: true });
        }
        if matches!(element, Element::Table { .. }) {
            open_tables.push(pieces.len());
        }
        let closing = Closing {
            element,
            is_link: &*name == "a",
            region: regions.open(seen, pieces.len()),
        };
        if closing.is_link {
            regions.open_link();
        }
        pieces.push(Piece::Open(element));
        stack.push((node, Some(closing)));
        stack.extend(node.children_it(true).map(|child| (child, None)));
    }
    without(pieces, regions)
}

/// The pieces without those in parts that are no text of the page.
fn without(mut pieces: Vec<Piece>, regions: Regions) -> Vec<Piece> {
    let mut gone = regions.gone().into_iter().peekable();
    let mut place = 0;
    pieces.retain(|_| {
        while gone.next_if(|gone| gone.end <= place).is_some() {}
        let is_gone = gone.peek().is_some_and(|gone| gone.contains(&place));
        place += 1;
        !is_gone
    });
    pieces
}

fn classify(name: &str) -> Element {
    match name {
        "h1" => Element::Heading(1),
        "h2" => Element::Heading(2),
        "h3" => Element::Heading(3),
        "h4" => Element::Heading(4),
        "h5" => Element::Heading(5),
        "h6" => Element::Heading(6),
        "li" => Element::ListItem,
        "table" => Element::Table { layout: false },
        "thead" => Element::Head,
        "tr" => Element::Row,
        "td" | "th" => Element::Cell(Cell {
            is_header: name == "th",
            columns: 1,
            rows: 1,
        }),
        "pre" => Element::Preformatted,
        "br" => Element::LineBreak,
        "dt" | "dd" => Element::Line,
        "title" => Element::Title,
        "address" | "article" | "aside" | "blockquote" | "body" | "caption" | "center"
        | "details" | "div" | "dl" | "fieldset" | "figcaption" | "figure" | "footer" | "form"
        | "header" | "hr" | "main" | "ol" | "p" | "section" | "summary" | "ul" => Element::Block,
        "audio" | "button" | "canvas" | "datalist" | "dialog" | "embed" | "iframe" | "input"
        | "nav" | "noscript" | "object" | "script" | "select" | "style" | "svg" | "template"
        | "textarea" | "video" => Element::Dropped,
        _ => Element::Inline,
    }
}

/// A table being written.
#[derive(Default)]
struct Table {
    layout: bool,
    rows: Rows,
    in_head: bool,
    /// Where the open cell's text begins in the page's.
    cell: Option<usize>,
    /// The bullet owed before the table.
    bullet: bool,
}

/// The rows of a table that holds data.
#[derive(Default)]
struct Rows {
    table: office::Table,
    /// Cells of the open row, in its own right and those that reach down into it.
    column: usize,
    cells: usize,
    /// All of these are headers so far.
    headers: bool,
    /// For each column, how many rows a cell above still reaches down.
    reaching: Vec<usize>,
}

impl Rows {
    fn open_row(&mut self) {
        self.table.open_row(false);
        (self.column, self.cells, self.headers) = (0, 0, true);
    }

    /// Adds a cell; those from above that reach down to before it come first.
    fn add(&mut self, cell: Cell, text: &str) {
        self.reach_down();
        self.headers &= cell.is_header;
        self.cells += 1;
        self.push(text, cell.columns, false);
        let end = self.column + cell.columns;
        if self.reaching.len() < end {
            self.reaching.resize(end, 0);
        }
        self.reaching[self.column..end].fill(cell.rows - 1);
        self.column = end;
    }

    fn reach_down(&mut self) {
        while let Some(rows) = self.reaching.get_mut(self.column)
            && let Some(left) = rows.checked_sub(1)
        {
            *rows = left;
            self.push("", 1, true);
            self.column += 1;
        }
    }

    fn push(&mut self, text: &str, span: usize, continues: bool) {
        self.table.open_cell();
        self.table
            .set_cell(office::CellProperties { span, continues });
        if !text.is_empty() {
            self.table.add(office::Piece::Paragraph(text.to_owned()));
        }
        self.table.close_cell();
    }

    fn close_row(&mut self, in_head: bool) {
        self.reach_down();
        // One cell above all columns is a title.
        if self.cells > 1 && (in_head || self.headers) {
            self.table.mark_header();
        }
    }
}

/// Collects text; white space and marks are held back until there is something to put after them.
#[derive(Default)]
struct Writer {
    page: PageText,
    /// Line ends owed before the next text.
    breaks: usize,
    space: bool,
    bullet: bool,
    lists: usize,
    preformatted: usize,
    tables: Vec<Table>,
    title: bool,
    /// The heading being written, and where its line started once it has.
    heading: Option<(u8, Option<usize>)>,
}

impl Writer {
    fn open(&mut self, element: Element) {
        match element {
            Element::Block => self.end_block(),
            Element::Heading(level) => {
                self.end_block();
                self.heading = Some((level, None));
            }
            Element::ListItem => {
                self.end_line(1);
                self.lists += 1;
                self.bullet = true;
            }
            Element::Table { layout } => {
                self.end_block();
                self.tables.push(Table {
                    layout,
                    bullet: self.bullet,
                    ..Table::default()
                });
            }
            Element::Head => self.set_head(true),
            Element::Row => {
                self.end_line(1);
                if let Some(table) = self.tables.last_mut() {
                    table.rows.open_row();
                }
            }
            Element::Cell(_) => self.open_cell(),
            Element::Preformatted => {
                self.end_block();
                self.preformatted += 1;
            }
            Element::Line => self.end_line(1),
            Element::LineBreak => self.end_line((self.breaks + 1).min(2)),
            Element::Title => self.title = true,
            Element::Inline | Element::Dropped => {}
        }
    }

    fn close(&mut self, element: Element) {
        match element {
            Element::Block => self.end_block(),
            Element::Heading(_) => self.close_heading(),
            Element::ListItem => {
                self.lists = self.lists.saturating_sub(1);
                self.bullet = false;
                self.end_line(1);
            }
            Element::Table { .. } => self.close_table(),
            Element::Head => self.set_head(false),
            Element::Row => {
                self.end_line(1);
                if let Some(table) = self.tables.last_mut() {
                    table.rows.close_row(table.in_head);
                }
            }
            Element::Line => self.end_line(1),
            Element::Cell(cell) => self.close_cell(cell),
            Element::Preformatted => {
                self.preformatted = self.preformatted.saturating_sub(1);
                let end = self.page.text.trim_end().len();
                self.page.text.truncate(end);
                self.end_block();
            }
            Element::Title => self.title = false,
            Element::LineBreak | Element::Inline | Element::Dropped => {}
        }
    }

    fn set_head(&mut self, in_head: bool) {
        if let Some(table) = self.tables.last_mut() {
            table.in_head = in_head;
        }
    }

    fn open_cell(&mut self) {
        let Some(table) = self.tables.last_mut() else {
            return self.end_line(1);
        };
        if table.layout {
            return self.end_block();
        }
        // What is in a cell is taken back when it ends, to be written with its row.
        table.cell = Some(self.page.text.len());
        (self.breaks, self.space, self.bullet) = (0, false, false);
    }

    fn close_cell(&mut self, cell: Cell) {
        let Some(table) = self.tables.last_mut() else {
            return;
        };
        if let Some(start) = table.cell.take() {
            let text = self.page.text.split_off(start);
            table.rows.add(cell, text.trim());
            (self.breaks, self.space, self.bullet) = (0, false, false);
        }
    }

    fn close_table(&mut self) {
        let Some(table) = self.tables.pop() else {
            return;
        };
        if !table.layout {
            self.bullet = table.bullet;
            self.end_block();
            for line in table.rows.table.lines() {
                self.push(&line);
                self.breaks = 1;
            }
        }
        self.end_block();
    }

    /// A blank line between blocks, but not between the paragraphs that list items are often
    /// wrapped in.
    fn end_block(&mut self) {
        self.end_line(if self.lists > 0 { 1 } else { 2 });
    }

    fn end_line(&mut self, breaks: usize) {
        let in_cell = self.tables.last().is_some_and(|table| table.cell.is_some());
        if self.heading.is_some() || in_cell {
            self.space = true;
        } else if !self.bullet {
            self.breaks = self.breaks.max(breaks);
        }
    }

    fn write(&mut self, text: &str) {
        if self.title {
            let title = text.split_whitespace().collect::<Vec<_>>().join(" ");
            if !title.is_empty() {
                self.page.title.get_or_insert(title);
            }
            return;
        }
        if self.preformatted > 0 {
            return self.push(text);
        }
        self.space |= text.starts_with(char::is_whitespace);
        for word in text.split_whitespace() {
            self.push(word);
            self.space = true;
        }
        self.space = text.ends_with(char::is_whitespace) || (self.space && text.trim().is_empty());
    }

    /// Appends `text` after whatever white space and marks are owed.
    fn push(&mut self, text: &str) {
        let output = &mut self.page.text;
        if !output.is_empty() {
            if self.breaks > 0 {
                output.extend(std::iter::repeat_n('\n', self.breaks));
            } else if self.space {
                output.push(' ');
            }
        }
        if let Some((_, start @ None)) = &mut self.heading {
            *start = Some(output.len());
        }
        if self.bullet {
            output.extend(std::iter::repeat_n("  ", self.lists.saturating_sub(1)));
            output.push_str("- ");
        }
        output.push_str(text);
        (self.breaks, self.space, self.bullet) = (0, false, false);
    }

    fn close_heading(&mut self) {
        if let Some((level, Some(start))) = self.heading.take() {
            // Many sites end headings with a link to themselves.
            let text = self.page.text[start..].trim_start_matches(['-', ' ']);
            let text = text.trim_end_matches(['¶', '#', ' ']).to_owned();
            if !text.is_empty() {
                self.page.headings.push(Heading { start, level, text });
            }
        }
        self.end_block();
    }
}

#[cfg(test)]
mod tests {
    use super::render;
    use expect_test::{Expect, expect};

    #[track_caller]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "expectations are written in place"
    )]
    fn check(html: &str, expected: Expect) {
        expected.assert_eq(&render(html).text);
    }

    #[test]
    fn blocks_are_set_apart_by_blank_lines() {
        check(
            "<div><div><p>One\n  two <b>three</b>.</p></div><p>Four<br>five<br><br>six</p></div>",
            expect![[r"
                One two three.

                Four
                five

                six"]],
        );
    }

    #[test]
    fn lists_and_definitions_are_lines() {
        check(
            "Before<ul><li><p>One</p></li><li>Two<ol><li>Inner</li></ol></li><li></li></ul>After\
             <dl><dt>Term</dt><dd>Meaning</dd></dl>",
            expect![[r"
                Before

                - One
                - Two
                  - Inner

                After

                Term
                Meaning"]],
        );
    }

    #[test]
    fn table_rows_are_lines_and_layout_tables_are_not() {
        check(
            "<table><caption>Prices</caption><tr><th>Fruit</th><th>Price</th></tr>\
             <tr><td><p>Apple</p><p>red</p></td><td></td></tr></table>",
            expect![[r"
                Prices

                Fruit: Apple red"]],
        );
        check(
            "<table><tr><th>Hive</th><th colspan=2>Sugar (kg)</th></tr><tr><td rowspan=2>Zander</td>\
             <td>young</td><td>14</td></tr><tr><td>old</td><td>19</td></tr></table>\
             <ul><li><table><tr><th colspan=2>Ada</th></tr><tr><td>Born</td><td>1815</td></tr><tr><td>Died</td><td>1852</td></tr></table></ul>",
            expect![[r"
                Hive: Zander; Sugar (kg): young; Sugar (kg): 14
                Hive: Zander; Sugar (kg): old; Sugar (kg): 19
                - Ada
                Born | 1815
                Died | 1852"]],
        );
        check(
            "<table><tr><td><h1>Page</h1><p>Text</p></td><td>Side</td></tr></table>",
            expect![[r"
                Page

                Text

                Side"]],
        );
    }

    #[test]
    fn entities_are_decoded_and_code_keeps_its_lines() {
        check(
            "<p>a &lt; b &amp;&nbsp;c &eacute;</p><pre>\nfn main() {\n    run();\n}\n</pre><p>x</p>",
            expect![[r"
                a < b & c é

                fn main() {
                    run();
                }

                x"]],
        );
    }

    #[test]
    fn what_no_reader_sees_is_dropped() {
        check(
            "<head><style>p{}</style></head><script>x</script><nav>Menu</nav><p>Text</p>\
             <style>.gone, i#x { color: red; display: none } @media print { p { display: none } }</style>\
             <b class='a gone'>gone</b><p hidden>secret</p><svg><title>Icon</title></svg><!-- no -->",
            expect!["Text"],
        );
        check(
            "<div class='cookie-banner'>We use cookies.</div><ul id='main-nav'><li><a>Home</a></li>\
             <li><a>Shop</a></li></ul><main aria-hidden='true'><p>The heater is a Thermola.\
             <i style='display:none'>zebra</i></p><div class='menu'>Soup with bread, 4.50</div></main>",
            expect![[r"
                The heater is a Thermola.

                Soup with bread, 4.50"]],
        );
    }

    #[test]
    fn headings_know_where_their_line_starts() {
        let page = render("<p>a</p><h2>One <i>two</i><a>¶</a></h2><li><h3>Three<br>four</h3></li>");
        let found: Vec<_> = page
            .headings
            .iter()
            .map(|h| {
                (
                    h.level,
                    h.text.as_str(),
                    page.text[h.start..].lines().next(),
                )
            })
            .collect();
        assert_eq!(
            found,
            [
                (2, "One two", Some("One two¶")),
                (3, "Three four", Some("- Three four"))
            ]
        );
    }
}
