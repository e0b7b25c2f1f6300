//! HTML elements to text: blank lines between blocks, dashes before list items, bars between table
//! cells, and headings with their offsets.
//!
//! Owns what each element looks like as text. It decides nothing about which part of a page
//! matters; called by `html` for the whole page and for the article in it.

use dom_smoothie::Readability;

use super::Heading;
use super::html_unseen::{Region, Regions, Seen, judge};

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
    Row,
    Cell,
    Preformatted,
    Line,
    LineBreak,
    Title,
    /// Not part of what a reader sees as text.
    Dropped,
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
        let element = classify(&name);
        let seen = judge(&name, |key| Some(node.attr(key)?.to_string()));
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
        "tr" => Element::Row,
        "td" | "th" => Element::Cell,
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
    /// Cells begun in the current row.
    cells: usize,
    in_cell: bool,
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
                    ..Table::default()
                });
            }
            Element::Row => {
                self.end_line(1);
                if let Some(table) = self.tables.last_mut() {
                    table.cells = 0;
                }
            }
            Element::Cell => self.open_cell(),
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
            Element::Table { .. } => {
                self.tables.pop();
                self.end_block();
            }
            Element::Row | Element::Line => self.end_line(1),
            Element::Cell => {
                if let Some(table) = self.tables.last_mut() {
                    table.in_cell = false;
                }
            }
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

    fn open_cell(&mut self) {
        let Some(table) = self.tables.last_mut() else {
            return self.end_line(1);
        };
        table.cells += 1;
        table.in_cell = true;
        if table.layout {
            self.end_block();
        } else if table.cells > 1 {
            self.space = true;
            self.push("|");
            self.space = true;
        }
    }

    /// A blank line between blocks, but not between the paragraphs that list items are often
    /// wrapped in.
    fn end_block(&mut self) {
        self.end_line(if self.lists > 0 { 1 } else { 2 });
    }

    fn end_line(&mut self, breaks: usize) {
        let in_cell = self
            .tables
            .last()
            .is_some_and(|table| !table.layout && table.in_cell);
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

                Fruit | Price
                Apple red |"]],
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
             <p hidden>secret</p><svg><title>Icon</title></svg><!-- no -->",
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
