//! Rich Text Format.
//!
//! Owns what RTF's control words mean as text: which groups hold none, in which code page bytes are,
//! where paragraphs, rows and notes end. `rtf_tokens` has the syntax.

use std::collections::{HashMap, HashSet};

use encoding_rs::{Encoding, WINDOWS_1252};

use super::super::transcript::single_line;
use super::super::{Extracted, Limits, Rejection};
use super::flow::{Flow, Piece};
use super::package::{not_valid, sensible_title};
use super::rtf_characters::{charset_page, named, page};
use super::rtf_tokens::{Token, Tokens};
use super::table::Table;

/// Honest files stay far below.
const DEEPEST: usize = 1000;

/// Rows of a table, and cells of a row, beyond these are left out.
const MOST_ROWS: usize = 100_000;
const MOST_CELLS: usize = 1000;

/// Reads an RTF document.
pub(in super::super) fn extract(bytes: &[u8], limits: &Limits) -> Result<Extracted, Rejection> {
    if !bytes.starts_with(b"{\\rtf") {
        return Err(not_valid("RTF document", "it does not begin as one"));
    }
    let mut reader = Reader::new(limits);
    for token in Tokens::new(bytes) {
        if reader.flow.is_full() {
            break;
        }
        reader.read(token)?;
    }
    reader.flush();
    reader.end_paragraph();
    reader.end_table();
    let title = sensible_title(&reader.title);
    reader.flow.finish("rtf", title, limits)
}

/// Where a group's text goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Target {
    #[default]
    Body,
    Nowhere,
    Title,
    Fonts,
    Styles,
    /// The mark of a list's item.
    Mark,
    Note,
}

/// What a group changes and its end restores.
#[derive(Debug, Clone, Copy)]
struct State {
    target: Target,
    /// Bytes that stand for a Unicode character where it is not known.
    fallback: usize,
    font: i32,
    hidden: bool,
    bold: bool,
}

/// What a paragraph is.
#[derive(Debug, Clone, Copy, Default)]
struct ParagraphState {
    style: Option<i32>,
    outline: Option<u8>,
    in_table: bool,
}

struct Reader {
    flow: Flow,
    stack: Vec<State>,
    state: State,
    paragraph: ParagraphState,
    /// The code page of the document.
    encoding: &'static Encoding,
    /// Code pages of fonts.
    fonts: HashMap<i32, &'static Encoding>,
    /// Outline levels of styles.
    styles: HashMap<i32, u8>,
    /// Styles of the table of contents.
    contents: HashSet<i32>,
    /// The style being defined: its number, its level, its name.
    style: (i32, Option<u8>, String),
    /// Bytes not decoded yet, since a character may be several.
    bytes: Vec<u8>,
    /// The first half of a character written in two.
    surrogate: Option<u16>,
    /// Bytes to pass over after a Unicode character.
    skip: usize,
    text: String,
    /// Some of the text is not bold.
    plain: bool,
    mark: String,
    note: String,
    notes: Vec<String>,
    noted: usize,
    title: String,
    cells: Vec<String>,
    rows: Vec<Vec<String>>,
    has_header: bool,
    /// The next control word names a group that programs need not know.
    starred: bool,
}

impl Reader {
    fn new(limits: &Limits) -> Self {
        Self {
            flow: Flow::new(limits),
            stack: Vec::new(),
            state: State {
                target: Target::Body,
                fallback: 1,
                font: 0,
                hidden: false,
                bold: false,
            },
            paragraph: ParagraphState::default(),
            encoding: WINDOWS_1252,
            fonts: HashMap::new(),
            styles: HashMap::new(),
            contents: HashSet::new(),
            style: (0, None, String::new()),
            bytes: Vec::new(),
            surrogate: None,
            skip: 0,
            text: String::new(),
            plain: false,
            mark: String::new(),
            note: String::new(),
            notes: Vec::new(),
            noted: 0,
            title: String::new(),
            cells: Vec::new(),
            rows: Vec::new(),
            has_header: false,
            starred: false,
        }
    }

    fn read(&mut self, token: Token<'_>) -> Result<(), Rejection> {
        if let Token::Byte(byte) = token {
            if self.skip > 0 {
                self.skip -= 1;
            } else if self.state.target != Target::Nowhere && !self.state.hidden {
                self.surrogate = None;
                self.bytes.push(byte);
            }
            return Ok(());
        }
        if matches!(token, Token::Open | Token::Close) {
            self.skip = 0;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return Ok(());
        }
        self.flush();
        let starred = std::mem::take(&mut self.starred);
        match token {
            Token::Open if self.stack.len() >= DEEPEST => {
                return Err(not_valid("RTF document", "groups nested too deeply"));
            }
            Token::Open => self.stack.push(self.state),
            Token::Close => self.close(),
            Token::Word(word, number) => self.word(word, number, starred),
            Token::Symbol(b'*') => self.starred = true,
            Token::Symbol(symbol) => self.symbol(symbol),
            Token::Byte(_) => {}
        }
        Ok(())
    }

    fn close(&mut self) {
        let ended = self.state.target;
        let Some(outer) = self.stack.pop() else {
            return;
        };
        self.state = outer;
        if ended == Target::Styles {
            self.end_style();
        }
        if ended == Target::Note && outer.target != Target::Note {
            self.end_note();
        }
    }

    fn symbol(&mut self, symbol: u8) {
        match symbol {
            b'~' => self.push("\u{a0}"),
            b'_' => self.push("-"),
            b'\r' | b'\n' => self.end_paragraph(),
            _ => {}
        }
    }

    fn word(&mut self, word: &str, number: Option<i32>, starred: bool) {
        if self.open_group(word, starred) {
            return;
        }
        let is_on = number != Some(0);
        match word {
            "par" | "sect" | "page" => self.end_paragraph(),
            "line" | "lbr" => self.push("\n"),
            "tab" => self.push("\t"),
            "cell" | "nestcell" => self.end_cell(),
            "row" | "nestrow" => self.end_row(),
            "u" => self.unicode(number.unwrap_or(0)),
            "uc" => self.state.fallback = usize::try_from(number.unwrap_or(1)).unwrap_or(0).min(10),
            "f" if self.state.target == Target::Styles => {}
            "f" => self.state.font = number.unwrap_or(0),
            "v" | "deleted" => self.state.hidden = is_on,
            "b" => self.state.bold = is_on,
            "plain" => (self.state.bold, self.state.hidden) = (false, false),
            // Paragraphs of notes are within paragraphs, and say nothing about them.
            "pard" | "intbl" | "s" if self.state.target == Target::Note => {}
            "pard" => self.paragraph = ParagraphState::default(),
            "intbl" => self.paragraph.in_table = true,
            "trhdr" => self.has_header |= self.rows.is_empty(),
            "s" if self.state.target == Target::Styles => self.style.0 = number.unwrap_or(0),
            "s" => self.paragraph.style = number,
            "outlinelevel" => self.outline(number),
            "fcharset" if self.state.target == Target::Fonts => self.charset(number.unwrap_or(0)),
            "ansicpg" => self.encoding = page(number.unwrap_or(0)).unwrap_or(WINDOWS_1252),
            "mac" => self.encoding = encoding_rs::MACINTOSH,
            _ => {
                if let Some(character) = named(word) {
                    self.push(character);
                }
            }
        }
    }

    /// Whether the word says where the text of its group goes.
    fn open_group(&mut self, word: &str, starred: bool) -> bool {
        let target = match word {
            "fonttbl" => Target::Fonts,
            "stylesheet" => Target::Styles,
            "title" => Target::Title,
            "footnote" => Target::Note,
            "listtext" | "pntext" => Target::Mark,
            // The text of a shape, in a group that has none otherwise; what was written twice, for
            // programs with and without Unicode.
            "shptxt" | "ud" => Target::Body,
            "colortbl" | "info" | "pict" | "header" | "headerl" | "headerr" | "headerf"
            | "footer" | "footerl" | "footerr" | "footerf" | "ftnsep" | "ftnsepc" | "ftncn"
            | "aftnsep" | "aftnsepc" | "aftncn" | "upr" | "xe" | "tc" | "shprslt"
            | "nonshppict" | "objdata" | "fldinst" | "listtable" | "listoverridetable"
            | "rsidtbl" | "generator" | "themedata" | "colorschememapping" | "datastore"
            | "latentstyles" | "annotation" | "atnid" | "atnauthor" | "filetbl" | "revtbl"
            | "template" | "author" | "operator" | "comment" | "doccomm" | "subject"
            | "keywords" | "company" | "manager" | "category" | "hlinkbase" | "bkmkstart"
            | "bkmkend" | "panose" | "falt" => Target::Nowhere,
            _ if starred => Target::Nowhere,
            _ => return false,
        };
        // What is in a group without text has none either, but for the groups named above.
        let inner = matches!(word, "shptxt" | "ud" | "title");
        if inner || self.state.target != Target::Nowhere {
            self.state.target = target;
        }
        true
    }

    fn unicode(&mut self, number: i32) {
        self.skip = self.state.fallback;
        // Written as signed, though it is none.
        let Ok(unit) = u16::try_from(number.rem_euclid(65_536)) else {
            return;
        };
        let high = self.surrogate.take();
        let units = match high {
            Some(high) => vec![high, unit],
            None if (0xd800..0xdc00).contains(&unit) => {
                self.surrogate = Some(unit);
                return;
            }
            None => vec![unit],
        };
        self.push(&String::from_utf16_lossy(&units));
    }

    fn outline(&mut self, number: Option<i32>) {
        let level = number.and_then(|level| u8::try_from(level).ok());
        if self.state.target == Target::Styles {
            self.style.1 = level;
        } else {
            self.paragraph.outline = level;
        }
    }

    fn charset(&mut self, charset: i32) {
        let encoding = charset_page(charset);
        if let Some(encoding) = encoding {
            self.fonts.insert(self.state.font, encoding);
        }
    }

    /// Decodes the bytes read so far.
    fn flush(&mut self) {
        if self.bytes.is_empty() {
            return;
        }
        let bytes = std::mem::take(&mut self.bytes);
        let encoding = self.fonts.get(&self.state.font).copied();
        let encoding = encoding.unwrap_or(self.encoding);
        let (text, _) = encoding.decode_without_bom_handling(&bytes);
        self.push(&text);
    }

    fn push(&mut self, text: &str) {
        if self.state.hidden {
            return;
        }
        match self.state.target {
            Target::Body => {
                self.plain |= !self.state.bold && !text.trim().is_empty();
                self.text.push_str(text);
            }
            Target::Title => self.title.push_str(text),
            Target::Styles => self.style.2.push_str(text),
            Target::Mark => self.mark.push_str(text),
            Target::Note => self.note.push_str(text),
            Target::Nowhere | Target::Fonts => {}
        }
    }

    /// Notes the level of the style that was defined.
    fn end_style(&mut self) {
        let (number, level, name) = std::mem::take(&mut self.style);
        let name = name.trim().trim_end_matches(';').to_lowercase();
        if name.starts_with("toc ") {
            self.contents.insert(number);
        }
        let named = name
            .strip_prefix("heading ")
            .and_then(|level| level.parse().ok());
        let named = named.and_then(|level: u8| level.checked_sub(1));
        if let Some(level) = level.or(named) {
            self.styles.insert(number, level);
        }
    }

    fn end_note(&mut self) {
        let note = single_line(&std::mem::take(&mut self.note));
        if note.is_empty() {
            return;
        }
        self.noted += 1;
        let mark = format!("[{}]", self.noted);
        self.text.push_str(&mark);
        self.notes.push(format!("{mark} {note}"));
    }

    fn end_paragraph(&mut self) {
        match self.state.target {
            Target::Body => {}
            Target::Note => return self.note.push(' '),
            _ => return,
        }
        if self.paragraph.in_table {
            return self.text.push('\n');
        }
        self.end_table();
        self.write_paragraph();
    }

    fn write_paragraph(&mut self) {
        let text = std::mem::take(&mut self.text);
        let mark = std::mem::take(&mut self.mark);
        let plain = std::mem::take(&mut self.plain);
        let text = text.trim();
        let style = self.paragraph.style;
        if !text.is_empty() && style.is_none_or(|style| !self.contents.contains(&style)) {
            let by_style = style.and_then(|style| self.styles.get(&style));
            let level = self.paragraph.outline.or(by_style.copied());
            self.flow.add(match level.filter(|level| *level < 9) {
                Some(level) => Piece::Heading(level + 1, text.to_owned()),
                None if !mark.trim().is_empty() => {
                    Piece::Item(0, format!("{} {text}", list_mark(&mark)))
                }
                None if !plain => Piece::Emphasis(text.to_owned()),
                None => Piece::Paragraph(text.to_owned()),
            });
        }
        for note in self.notes.drain(..) {
            self.flow.add(Piece::Line(note));
        }
    }

    fn end_cell(&mut self) {
        if self.state.target == Target::Body {
            let text = std::mem::take(&mut self.text);
            if self.cells.len() < MOST_CELLS {
                self.cells.push(text.trim().to_owned());
            }
            self.mark.clear();
        }
    }

    fn end_row(&mut self) {
        let cells = std::mem::take(&mut self.cells);
        if self.rows.len() < MOST_ROWS && !cells.is_empty() {
            self.rows.push(cells);
        }
    }

    fn end_table(&mut self) {
        self.end_row();
        let rows = std::mem::take(&mut self.rows);
        if !rows.is_empty() {
            let table = Table::of(rows, self.has_header);
            self.flow.add(Piece::Table(table));
            for note in self.notes.drain(..) {
                self.flow.add(Piece::Line(note));
            }
        }
        self.has_header = false;
    }
}

/// The mark of an item: its number, or a dash where it is a picture of a dot.
fn list_mark(mark: &str) -> &str {
    match mark.trim() {
        mark if mark.chars().any(char::is_alphanumeric) && mark.len() < 20 => mark,
        _ => "-",
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::super::package::tests::outline;
    use super::*;

    fn read(bytes: &[u8]) -> Result<Extracted, Rejection> {
        extract(bytes, &Limits::new("unused".into()))
    }

    #[track_caller]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "expectations are written in place"
    )]
    fn check(rtf: &str, expected: Expect) {
        let document = read(format!("{{\\rtf1\\ansi {rtf}}}").as_bytes()).expect("text");
        expected.assert_eq(&document.text);
    }

    #[test]
    fn headings_lists_and_notes() {
        let rtf = b"{\\rtf1\\ansi\\ansicpg1250{\\fonttbl{\\f0\\fnil Arial;}{\\f1\\fcharset204 Cyr;}}
            {\\stylesheet{\\s1\\outlinelevel0 heading 1;}{\\s2 heading 2;}{\\s3 toc 1;}{\\s0 Normal;}}
            {\\info{\\title Port \\'e8. 7}{\\author Ada}}{\\header On every page}
            \\pard\\s3 The piers 7\\par\\pard\\s1 The piers\\par\\pard\\s2 North\\par\\pard P\\'f8\\'edstav{\\footnote\\pard By a Dutch\\par
            engineer.} and {\\f1\\'cf\\'f0\\'e8}.\\par{\\listtext\\'b7\\tab}One\\par{\\listtext 2.\\tab}Two\\par
            \\pard End{\\field{\\*\\fldinst PAGE}{\\fldrslt  of it}}.}";
        let document = read(rtf).expect("text");
        expect![[r#"
            The piers

            North

            Přístav[1] and При.
            [1] By a Dutch engineer.

            - One
            2. Two

            End of it."#]]
        .assert_eq(&document.text);
        assert_eq!(document.title.as_deref(), Some("Port č. 7"));
        assert_eq!(outline(&document), [(1, "The piers"), (2, "North")]);
    }

    #[test]
    fn characters_are_written_in_many_ways() {
        check(
            "\\uc1\\u352?\\u-10179?\\u-8704? \\'93x\\'94 \\ldblquote y\\rdblquote\\~z\\_w {\\uc2\\u269ab}c\\{\\\\",
            expect!["Š😀 “x” “y”\u{a0}z-w čc{\\"],
        );
        check(
            "{\\upr{ascii}{\\*\\ud{unicode \\u352?}}} {\\v hidden}{\\deleted gone}\\plain shown",
            expect!["unicode Š shown"],
        );
        let japanese = b"{\\rtf1\\ansi\\ansicpg932 \\'8d\\'60}";
        assert_eq!(read(japanese).expect("text").text, "港");
    }

    #[test]
    fn rows_and_shapes() {
        check(
            "Before\\par\\trowd\\trhdr\\pard\\intbl Ship\\cell Tons\\cell\\row\\trowd\\intbl Ada\\par II\\cell
            70\\cell\\row\\pard After\\par{\\shp{\\*\\shpinst\\shpleft0{\\sp{\\sn a}{\\sv b}}{\\shptxt In a
 box\\par}}}",
            expect![[r#"
                Before

                Ship: Ada II; Tons: 70

                After

                In a box"#]],
        );
    }

    #[test]
    fn hostile_files_do_no_harm() {
        let deep = format!("{{\\rtf1 {}", "{".repeat(2_000_000));
        assert!(
            read(deep.as_bytes())
                .expect_err("too deep")
                .to_string()
                .contains("too deeply")
        );
        assert!(read(b"{\\rtf1 \\bin2000000000 x}").is_err());
        assert!(read(b"{\\rtf1}}}}}} text").is_ok());
        assert_eq!(read(b"{\\rtf1}"), Err(Rejection::skipped("no text in it")));
        assert!(matches!(read(b"text"), Err(Rejection::Failed(_))));
        let rtf = b"{\\rtf1\\ansi{\\fonttbl{\\f0\\fcharset238 A;}}\\u352\\'e8{\\footnote a}\\cell\\row b\\par}";
        for end in 0..rtf.len() {
            let _ = read(&rtf[..end]);
        }
        for at in 0..rtf.len() {
            for byte in [0, b'{', b'}', b'\\', 0xff] {
                let mut bytes = rtf.to_vec();
                bytes[at] = byte;
                let _ = read(&bytes);
            }
        }
    }
}
