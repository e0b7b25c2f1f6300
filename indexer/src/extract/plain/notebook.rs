//! Jupyter notebooks (.ipynb), of formats 3 and 4.
//!
//! Owns what of a notebook is text: its cells, and the beginning of what they printed. Pictures and
//! other output are left out. Cells of Markdown are read by the Markdown reader.

use serde::{Deserialize, Deserializer};

use super::super::{
    Extracted, Limits, Rejection, markdown, push_once, text, transcript::Transcript,
};
use super::embed;

/// What a cell printed is cut here: the rest is mostly logs and tables of numbers.
const MAX_OUTPUT_BYTES: usize = 1500;

/// Reads a notebook.
pub(in super::super) fn extract(bytes: &[u8], limits: &Limits) -> Result<Extracted, Rejection> {
    let decoded = text::decode(bytes).ok_or_else(|| Rejection::skipped("binary file"))?;
    let notebook: Notebook = serde_json::from_str(&decoded.text)
        .map_err(|error| Rejection::failed(format!("not a readable notebook: {error}")))?;
    let language = notebook.metadata.language();
    let mut transcript = Transcript::new(limits);
    let mut found = Extracted::default();
    let sheets = notebook.worksheets.iter().flat_map(|sheet| &sheet.cells);
    for cell in notebook.cells.iter().chain(sheets) {
        if transcript.is_full() {
            break;
        }
        match cell.kind.as_str() {
            "code" => add_code(&mut transcript, cell, &language),
            "heading" => transcript.heading(cell.level.unwrap_or(1), &cell.source.0),
            "markdown" => add_markdown(&mut transcript, cell, &mut found, limits),
            _ => transcript.paragraph(&cell.source.0),
        }
    }
    let mut document = transcript.finish("notebook", None, limits)?;
    (document.tags, document.links) = (found.tags, found.links);
    Ok(document)
}

#[derive(Deserialize)]
struct Notebook {
    #[serde(default)]
    cells: Vec<Cell>,
    /// Format 3.
    #[serde(default)]
    worksheets: Vec<Worksheet>,
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Worksheet {
    #[serde(default)]
    cells: Vec<Cell>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metadata {
    kernelspec: Named,
    language_info: Named,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Named {
    name: Source,
    language: Source,
}

impl Metadata {
    /// What the code is written in, as far as it can stand behind a fence.
    fn language(&self) -> String {
        let all = [&self.kernelspec.language.0, &self.language_info.name.0];
        let named = all.into_iter().find(|name| !name.is_empty());
        let named = named.map_or("", String::as_str);
        named
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || "+#-".contains(*c))
            .collect()
    }
}

#[derive(Deserialize)]
struct Cell {
    #[serde(default, rename = "cell_type")]
    kind: String,
    #[serde(default, alias = "input")]
    source: Source,
    level: Option<u8>,
    #[serde(default)]
    outputs: Vec<Output>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Output {
    text: Source,
    data: Data,
    ename: String,
    evalue: String,
    /// Format 3 has the picture beside the text.
    png: Present,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Data {
    #[serde(rename = "text/plain")]
    plain: Source,
    #[serde(rename = "text/markdown")]
    markdown: Source,
    #[serde(rename = "image/png")]
    png: Present,
    #[serde(rename = "image/svg+xml")]
    svg: Present,
}

/// Text in one piece or as a list of lines; anything else is none.
#[derive(Default)]
struct Source(String);

impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Shape {
            Whole(String),
            Lines(Vec<String>),
            Other(serde::de::IgnoredAny),
        }
        Ok(Self(match Shape::deserialize(deserializer)? {
            Shape::Whole(text) => text,
            Shape::Lines(lines) => lines.concat(),
            Shape::Other(_) => String::new(),
        }))
    }
}

/// Whether there was anything, which is not kept.
#[derive(Default)]
struct Present(bool);

impl<'de> Deserialize<'de> for Present {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde::de::IgnoredAny::deserialize(deserializer).map(|_| Self(true))
    }
}

fn add_markdown(transcript: &mut Transcript, cell: &Cell, found: &mut Extracted, limits: &Limits) {
    let source = without_pictures(&cell.source.0);
    let Ok(note) = markdown::extract(source.as_bytes(), limits) else {
        return;
    };
    embed(transcript, &note, 0);
    note.tags
        .iter()
        .for_each(|tag| push_once(&mut found.tags, tag));
    note.links
        .iter()
        .for_each(|link| push_once(&mut found.links, link));
}

/// Pictures may stand in the text itself, as `data:image/png;base64,` and a million letters.
fn without_pictures(source: &str) -> String {
    let mut parts = source.split(";base64,");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let letter = |c: char| c.is_ascii_alphanumeric() || "+/=".contains(c);
        text.push_str(";base64,");
        text.push_str(part.trim_start_matches(letter));
    }
    text
}

fn add_code(transcript: &mut Transcript, cell: &Cell, language: &str) {
    let code = cell.source.0.trim_matches(['\r', '\n']);
    if !code.trim().is_empty() {
        transcript.paragraph(&fenced(language, code));
    }
    for output in &cell.outputs {
        let printed = output.printed();
        let printed = printed.trim_matches(['\r', '\n']);
        if !printed.trim().is_empty() {
            transcript.paragraph(&fenced("", printed));
        }
    }
}

/// Text between fences, which chunks do not cut if they can help it.
fn fenced(language: &str, text: &str) -> String {
    let fence = if text.contains("```") { "~~~~" } else { "```" };
    format!("{fence}{language}\n{}\n{fence}", text.trim_end())
}

impl Output {
    /// What was printed, from its beginning. A picture's own description says nothing.
    fn printed(&self) -> String {
        let pictured = self.png.0 || self.data.png.0 || self.data.svg.0;
        let texts = [&self.text.0, &self.data.markdown.0, &self.data.plain.0];
        let text = texts.into_iter().find(|text| !text.trim().is_empty());
        let text = match text {
            Some(text) if pictured && text.trim_start().starts_with('<') => "",
            Some(text) => text.as_str(),
            None if !self.ename.is_empty() => &format!("{}: {}", self.ename, self.evalue),
            None => "",
        };
        let text = without_colours(text);
        let kept = text.floor_char_boundary(MAX_OUTPUT_BYTES);
        if kept < text.len() {
            format!("{} …", &text[..kept])
        } else {
            text
        }
    }
}

/// Text without the escape sequences that colour it on a terminal.
fn without_colours(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| c.is_ascii_alphabetic());
        plain.push_str(&part[end.map_or(part.len(), |end| end + 1)..]);
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::super::tests::{headings, limits, read, survives};
    use super::extract;
    use expect_test::expect;

    const NOTEBOOK: &str = r###"{"nbformat": 4, "metadata": {"kernelspec": {"language": "python", "name": 3.5}, "x": [[]]},
        "cells": [
        {"cell_type": "markdown", "metadata": {}, "source": ["# Tides #sea\n", "\n", "See [[Pier]].\n", "## Data"],
         "attachments": {"a.png": {"image/png": "iVBOR"}}},
        {"cell_type": "code", "execution_count": 1, "source": "# load\nprint('high')\n",
         "outputs": [
            {"output_type": "stream", "name": "stdout", "text": ["\u001b[31mhigh\u001b[0m\n"]},
            {"output_type": "display_data", "data": {"image/png": "iVBOR", "text/plain": "<Figure>"}},
            {"output_type": "execute_result", "data": {"text/plain": ["4", "2"], "text/html": "<b>42</b>"}},
            {"output_type": "error", "ename": "ValueError", "evalue": "too low", "traceback": ["long"]}]},
        {"cell_type": "raw", "source": "raw ```"}, {"cell_type": "code", "source": null},
        {"cell_type": "markdown", "source": "![](data:image/png;base64,iVBORw0KGgo=) seen"}]}"###;

    #[test]
    fn cells_and_the_beginning_of_output_are_text() {
        let notebook = read(extract, NOTEBOOK);
        expect![[r"
            # Tides #sea

            See [[Pier]].
            ## Data

            ```python
            # load
            print('high')
            ```

            ```
            high
            ```

            ```
            42
            ```

            ```
            ValueError: too low
            ```

            raw ```

            ![](data:image/png;base64,) seen"]]
        .assert_eq(&notebook.text);
        assert_eq!(headings(&notebook), ["1 Tides #sea", "2 Data"]);
        assert_eq!(notebook.title.as_deref(), Some("Tides #sea"));
        assert_eq!((notebook.tags.len(), notebook.links.len()), (1, 1));
        assert!(!notebook.source_is_text);
    }

    #[test]
    fn format_3_is_read_too() {
        let notebook = read(
            extract,
            r#"{"nbformat": 3, "worksheets": [{"cells": [
            {"cell_type": "heading", "level": 2, "source": ["Old"]},
            {"cell_type": "code", "language": "python", "input": ["1 + 1"],
             "outputs": [{"output_type": "pyout", "text": ["2"]},
                         {"output_type": "display_data", "text": "<Figure>", "png": "iVBOR"}]}]}]}"#,
        );
        assert_eq!(notebook.text, "Old\n\n```\n1 + 1\n```\n\n```\n2\n```");
        assert_eq!(headings(&notebook), ["2 Old"]);
    }

    #[test]
    fn output_is_cut() {
        let cell = format!(
            r#"{{"cell_type": "code", "source": "x", "outputs": [{{"text": "{}"}}]}}"#,
            "é".repeat(2000)
        );
        let notebook = read(extract, format!(r#"{{"cells": [{cell}]}}"#));
        assert!(notebook.text.len() < 1600 && notebook.text.ends_with("é …\n```"));
    }

    #[test]
    fn hostile_notebooks_are_harmless() {
        survives(extract, NOTEBOOK.as_bytes());
        for source in ["{}", "[]", "{\"cells\": [{}]}", "{\"cells\": 1}"] {
            assert!(extract(source.as_bytes(), &limits()).is_err(), "{source}");
        }
        let deep = format!("{{\"cells\": {}", "[".repeat(100_000));
        assert!(extract(deep.as_bytes(), &limits()).is_err());
        let deep = format!("{{\"x\": {}", "[".repeat(100_000));
        assert!(extract(deep.as_bytes(), &limits()).is_err());
    }
}
