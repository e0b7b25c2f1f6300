//! LaTeX sources: title and sections, with offsets into the source.
//!
//! Owns which commands are headings; what is left of one as text is `latex_text`. Nothing is expanded
//! or rendered. The body is what stands in the `document` environment, where there is one.

use std::borrow::Cow;
use std::ops::Range;

use super::super::{Extracted, Heading, Limits, Rejection, markdown::line_start, push_once, text};
use super::latex_text::plain;

/// Sectioning commands from the outermost inwards. A frame is a slide of a presentation.
const SECTIONS: &[&str] = &[
    "part",
    "chapter",
    "section",
    "subsection",
    "subsubsection",
    "paragraph",
    "subparagraph",
    "frametitle",
];

/// Environments whose contents are not LaTeX.
const VERBATIM: &[&str] = &[
    "verbatim",
    "verbatim*",
    "Verbatim",
    "lstlisting",
    "minted",
    "comment",
    "filecontents",
    "filecontents*",
];

/// A longer argument is not a heading; bounds the work on braces that are never closed.
const MAX_ARGUMENT_BYTES: usize = 1000;

/// Reads a LaTeX file.
pub(in super::super) fn extract(bytes: &[u8], limits: &Limits) -> Result<Extracted, Rejection> {
    let mut document = text::extract(bytes, limits)?;
    document.extractor = Cow::Borrowed("latex");
    let mut scanner = Scanner::new(&document.text);
    scanner.run();
    let found = scanner.found;
    document.headings = nest(&found.sections, &found.body);
    let included = found.body.start == 0;
    document.title = found.title.or_else(|| {
        // A file that others include is called by what it starts with.
        let first = document.headings.iter().find(|heading| heading.level == 1);
        first
            .filter(|_| included)
            .map(|heading| heading.text.clone())
    });
    document.body = found.body;
    document.links = found.links;
    Ok(document)
}

/// Sections in the body as headings, whose levels are the ranks in use, closed up.
fn nest(sections: &[Section], body: &Range<usize>) -> Vec<Heading> {
    let sections = || {
        sections
            .iter()
            .filter(|section| body.contains(&section.start))
    };
    let mut ranks: Vec<usize> = sections().map(|section| section.rank).collect();
    ranks.sort_unstable();
    ranks.dedup();
    let headings = sections().map(|section| Heading {
        start: section.start,
        level: u8::try_from(ranks.partition_point(|rank| *rank < section.rank) + 1)
            .unwrap_or(6)
            .min(6),
        text: section.text.clone(),
    });
    headings.collect()
}

struct Section {
    start: usize,
    rank: usize,
    text: String,
}

struct Found {
    title: Option<String>,
    body: Range<usize>,
    sections: Vec<Section>,
    links: Vec<String>,
}

/// One pass over the commands. Everything looked for is ASCII, so every offset is on a boundary.
pub(super) struct Scanner<'a> {
    source: &'a str,
    pub(super) at: usize,
    found: Found,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(source: &'a str) -> Self {
        let found = Found {
            title: None,
            body: 0..source.len(),
            sections: Vec::new(),
            links: Vec::new(),
        };
        Self {
            source,
            at: 0,
            found,
        }
    }

    fn run(&mut self) {
        while let Some(offset) = self.rest().find(['\\', '%']) {
            let start = self.at + offset;
            self.at = start + 1;
            if self.source[start..].starts_with('%') {
                self.skip_to("\n");
                continue;
            }
            let name = command(self.rest());
            if name.is_empty() {
                // An escaped character.
                self.at += self.rest().chars().next().map_or(0, char::len_utf8);
                continue;
            }
            self.at += name.len();
            if !self.read(start, name) {
                return;
            }
        }
    }

    pub(super) fn rest(&self) -> &'a str {
        &self.source[self.at..]
    }

    pub(super) fn skip_to(&mut self, end: &str) {
        let rest = self.rest();
        self.at += rest.find(end).map_or(rest.len(), |at| at + end.len());
    }

    /// Reads the command `name`; false at the end of the document.
    fn read(&mut self, start: usize, name: &str) -> bool {
        match name {
            "begin" => self.begin(start),
            "end" => {
                if self.argument() == Some("document") {
                    self.found.body.end = start;
                    return false;
                }
            }
            "verb" | "lstinline" => self.skip_verb(),
            "newcommand" | "renewcommand" | "providecommand" => self.skip_definition(),
            "title" => {
                self.skip_optional();
                if let Some(title) = self.argument().map(plain).filter(|title| !title.is_empty()) {
                    self.found.title = Some(title);
                }
            }
            "input" | "include" | "subfile" => {
                if let Some(target) = self.argument() {
                    push_once(&mut self.found.links, target.trim());
                }
            }
            _ => {
                if let Some(rank) = SECTIONS.iter().position(|section| *section == name) {
                    self.add_section(start, rank);
                }
            }
        }
        true
    }

    fn begin(&mut self, start: usize) {
        match self.argument() {
            Some("document") if self.found.body.start == 0 => self.found.body.start = self.at,
            Some("frame") => {
                self.skip_optional();
                // Frames without a title are followed by text, which is not in braces.
                if self.rest().starts_with('{') {
                    self.add_section(start, SECTIONS.len() - 1);
                }
            }
            Some(name) if VERBATIM.contains(&name) => self.skip_to(&format!("\\end{{{name}}}")),
            _ => {}
        }
    }

    fn add_section(&mut self, start: usize, rank: usize) {
        if self.rest().starts_with('*') {
            self.at += 1;
        }
        self.skip_optional();
        let Some(argument) = self.argument() else {
            return;
        };
        let text = plain(argument);
        // Within a definition the text is yet to come.
        if !text.is_empty() && !argument.contains("#1") {
            let start = line_start(self.source, start);
            self.found.sections.push(Section { start, rank, text });
        }
    }

    /// `|code|`, between any two equal characters on a line.
    fn skip_verb(&mut self) {
        if self.rest().starts_with('*') {
            self.at += 1;
        }
        self.skip_optional();
        let Some(open) = self.rest().chars().next() else {
            return;
        };
        let close = if open == '{' { '}' } else { open };
        let after = self.at + open.len_utf8();
        let rest = &self.source[after..];
        let rest = &rest[..rest.floor_char_boundary(MAX_ARGUMENT_BYTES)];
        if let Some(length) = rest.find([close, '\n'])
            && rest[length..].starts_with(close)
        {
            self.at = after + length + close.len_utf8();
        }
    }

    /// `{\name}[1][default]{definition}`
    fn skip_definition(&mut self) {
        if self.rest().starts_with('*') {
            self.at += 1;
        }
        if self.argument().is_some() {
            self.skip_optional();
            self.skip_optional();
            self.argument();
        }
    }

    pub(super) fn skip_optional(&mut self) {
        self.group(b'[', b']');
    }

    pub(super) fn argument(&mut self) -> Option<&'a str> {
        self.group(b'{', b'}')
    }

    /// What stands in braces here, if anything does, and goes behind it.
    fn group(&mut self, open: u8, close: u8) -> Option<&'a str> {
        let rest = self.rest();
        let space = rest.len() - rest.trim_start().len();
        let bytes = rest.as_bytes();
        if bytes.get(space) != Some(&open) || space > MAX_ARGUMENT_BYTES {
            return None;
        }
        let start = space + 1;
        let length = balanced(bytes.get(start..)?, open, close)?;
        self.at += start + length + 1;
        rest.get(start..start + length)
    }
}

/// The length of the text before the bracket that closes the one before `bytes`.
fn balanced(bytes: &[u8], open: u8, close: u8) -> Option<usize> {
    let bytes = &bytes[..bytes.len().min(MAX_ARGUMENT_BYTES)];
    let (mut depth, mut braces) = (0_usize, 0_usize);
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match *byte {
            b'\\' => at += 1,
            b'%' => {
                let end = bytes[at..].iter().position(|b| *b == b'\n');
                at += end.unwrap_or(bytes.len());
            }
            byte if byte == close && braces == 0 => {
                if depth == 0 {
                    return Some(at);
                }
                depth -= 1;
            }
            byte if byte == open => depth += 1,
            // Brackets in braces belong to something else.
            b'{' => braces += 1,
            b'}' => braces = braces.checked_sub(1)?,
            _ => {}
        }
        at += 1;
    }
    None
}

/// The letters of a command's name.
pub(super) fn command(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphabetic());
    &text[..end.unwrap_or(text.len())]
}

#[cfg(test)]
mod tests {
    use super::super::tests::{outline, read, survives};
    use super::extract;
    use expect_test::expect;

    const PAPER: &str = r#"% \title{Commented out}
\documentclass{article}
\newcommand{\important}[1]{\section{#1}}
\title[Short]{The \emph{harbour} of {Elms}worth\thanks{Supported by \textbf{nobody}}}
\begin{document}
\maketitle
\section{Introduction} % \section{Not this}
100\% sure. \input{chapters/pier}
  \subsection*{Gr\"o{\ss}e \& L\'{a}nge}
\begin{verbatim}
\section{Code}
\end{verbatim}
Inline \verb|\section{x}| too.
\section[Costs]{The costs,
  in crowns\label{sec:costs}}
\paragraph{Note} text
\part{Unclosed
\end{document}
\section{After the end}
"#;

    #[test]
    fn sections_are_headings_and_the_document_is_the_body() {
        let paper = read(extract, PAPER);
        expect![[r#"
            Some("The harbour of Elmsworth")
            1 "Introduction" at "\\section{Introduction} % \\section{Not this}"
            2 "Größe & Lánge" at "  \\subsection*{Gr\\\"o{\\ss}e \\& L\\'{a}nge}"
            1 "The costs, in crowns" at "\\section[Costs]{The costs,"
            3 "Note" at "\\paragraph{Note} text""#]]
        .assert_eq(&outline(&paper));
        let body = &paper.text[paper.body.clone()];
        assert!(body.trim_start().starts_with("\\maketitle"), "{body}");
        assert!(body.trim_end().ends_with("\\part{Unclosed"), "{body}");
        assert_eq!(paper.links, ["chapters/pier"]);
        assert!(paper.source_is_text && paper.text == PAPER);
    }

    #[test]
    fn slides_and_parts_of_larger_works() {
        let slides = read(
            extract,
            "\\begin{document}\\section{One}\n\\begin{frame}[t]{Slide}\n\\end{frame}\n\
             \\begin{frame}\n\\frametitle{Other}\n\\end{frame}",
        );
        expect![[r#"
            None
            1 "One" at "\\section{One}"
            2 "Slide" at "\\begin{frame}[t]{Slide}"
            2 "Other" at "\\frametitle{Other}""#]]
        .assert_eq(&outline(&slides));
        let chapter = read(extract, "\\chapter{The pier}\nText");
        assert_eq!(chapter.title.as_deref(), Some("The pier"));
    }

    #[test]
    fn hostile_sources_are_harmless() {
        survives(extract, PAPER);
        assert!(
            read(extract, &"\\section{".repeat(20_000))
                .headings
                .is_empty()
        );
        assert!(
            read(extract, &"\\section{%".repeat(20_000))
                .headings
                .is_empty()
        );
        assert!(
            read(extract, &"\\begin{verbatim}é".repeat(20_000))
                .headings
                .is_empty()
        );
        assert!(read(extract, &"\\verb".repeat(20_000)).headings.is_empty());
        let nested = format!("\\title{{{}{}}}", "{".repeat(400), "}".repeat(400));
        assert_eq!(read(extract, &nested).title, None);
    }
}
