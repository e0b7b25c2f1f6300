//! A document's chunks as they go into the engines.
//!
//! Each row repeats what the document is called, what the chunk stands under and the header of the table that it goes on
//! with, so that these words find it too. All
//! that is repeated is bounded by the document's text, however many rows that is cut into. A pure function. Called by
//! the words task for every document it has read.

use crate::chunk::tables::Headers;
use crate::chunk::{ChunkSettings, chunk};
use crate::extract::{Extracted, keep_first};
use crate::ledger::Document;
use crate::lexical::ChunkRow;
use crate::names::Names;

/// What one row repeats of names, and of headings, at most (bytes).
const REPEATED: usize = 8 << 10;

/// All rows of a document repeat no more than this (bytes),
const IN_ALL: usize = 64 << 10;
/// and as many times the text.
const TEXTS: usize = 2;

/// The chunks of a document. Of its tags those stay that every row can hold.
pub(crate) fn rows(
    document: &Document,
    hash: &str,
    extracted: &mut Extracted,
    settings: &ChunkSettings,
) -> Vec<ChunkRow> {
    let chunks = chunk(extracted, settings);
    let share = share(extracted.text.len(), chunks.len());
    keep_first(&mut extracted.tags, share);
    let names = Names::of(document, extracted);
    let said = names.said(share);
    let title = extracted
        .title
        .as_deref()
        .filter(|title| title.len() <= share);
    let mut aliases = extracted.aliases.clone();
    keep_first(&mut aliases, share);
    let text = &extracted.text;
    let headers = Headers::of(text);
    (0..chunks.len())
        .map(|place| {
            let chunk = &chunks[place];
            let next = chunks.get(place + 1).map_or(chunk.end, |next| next.start);
            let own = &text[chunk.start..chunk.end];
            let heading = innermost(&chunk.heading_path, share);
            let others = if place == 0 { &aliases[..] } else { &[] };
            let others = others.iter().map(String::as_str);
            let table = headers.at(chunk.start).map_or("", |header| &text[header]);
            let table = if table.len() <= share { table } else { "" };
            ChunkRow {
                document: document.id.clone(),
                hash: hash.to_owned(),
                ordinal: u32::try_from(place).unwrap_or(u32::MAX),
                span: chunk.start..chunk.end,
                page: chunk.page,
                text: own.to_owned(),
                gap: text[chunk.end..next.max(chunk.end)].to_owned(),
                context: format!("{said}\n{}\n{table}", heading.join("\n")),
                names: if place == 0 {
                    names.all(share)
                } else {
                    Vec::new()
                },
                lead: lead(title.into_iter().chain(others), heading, own),
                table: table.to_owned(),
                heading: heading.to_vec(),
                language: extracted.language.map(str::to_owned),
            }
        })
        .collect()
}

/// What each of so many rows may repeat (bytes).
fn share(text: usize, rows: usize) -> usize {
    let in_all = text.saturating_mul(TEXTS).saturating_add(IN_ALL);
    (in_all / rows.max(1)).min(REPEATED)
}

/// The innermost headings that have room.
fn innermost(path: &[String], share: usize) -> &[String] {
    let mut left = share;
    let fit = path.iter().rev().take_while(|heading| {
        let fits = heading.len() <= left;
        left = left.saturating_sub(heading.len());
        fits
    });
    &path[path.len() - fit.count()..]
}

/// Names and headings that the chunk does not say itself: a passage is about what it stands under. Not the names of files
/// and folders: what is renamed or moved is not embedded again.
fn lead<'a>(
    names: impl Iterator<Item = &'a str>,
    heading_path: &'a [String],
    text: &str,
) -> String {
    let opening = &text[..text.floor_char_boundary(200)];
    let mut lead: Vec<&str> = Vec::new();
    for name in names.chain(heading_path.iter().map(String::as_str)) {
        if !opening.contains(name) && !lead.contains(&name) {
            lead.push(name);
        }
    }
    lead.join(" > ")
}

#[cfg(test)]
pub(crate) mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::extract::{Heading, Page};
    use crate::ledger::{DocumentId, Stage, State};

    pub(crate) fn document(name: &str) -> Document {
        let path = PathBuf::from(name);
        Document {
            id: DocumentId::of(&path),
            path,
            folder: "/n".into(),
            size: 1,
            modified: 1,
            state: State::Pending,
            reason: None,
            hash: None,
            chunks: 0,
            title: String::new(),
            tags: Vec::new(),
            language: None,
            extractor: None,
            milliseconds: None,
            indexed: None,
            notice: None,
            content: None,
            fault: None,
            stage: Stage::None,
        }
    }

    fn repeated(rows: &[ChunkRow], extracted: &Extracted) -> usize {
        let tags: usize = extracted.tags.iter().map(String::len).sum();
        let of = |row: &ChunkRow| {
            let heading: usize = row.heading.iter().map(String::len).sum();
            row.context.len() + row.lead.len() + row.table.len() + heading + tags
        };
        rows.iter().map(of).sum()
    }

    #[test]
    fn what_rows_repeat_is_bounded_by_the_text() {
        let names = |name: &str, each: usize, count: usize| -> Vec<String> {
            (0..count)
                .map(|number| format!("{name}{number:0each$}"))
                .collect()
        };
        let named = |text: String| Extracted {
            body: 0..text.len(),
            text,
            title: Some("t".repeat(300)),
            tags: names("tag", 60, 120),
            aliases: names("alias", 190, 20),
            ..Extracted::default()
        };
        let long = named("The heron waits at the water's edge and eats a fish. ".repeat(100_000));
        // Each page has a letter.
        let mut pages = named("x\n".repeat(40_000));
        pages.pages = (0..40_000)
            .map(|page| Page {
                number: page + 1,
                start: 2 * page as usize,
                end: 2 * page as usize + 1,
            })
            .collect();
        // Short sections stand under long headings, between longer ones.
        let section = format!("# h\n\n{}\n\n## i\n\nx\n\n", "y ".repeat(101));
        let mut headings = named(section.repeat(10_000));
        headings.headings = (0..20_000)
            .map(|number| Heading {
                start: (number / 2) * section.len() + (number % 2) * (section.len() - 9),
                level: 1 + u8::try_from(number % 2).expect("small"),
                text: "h".repeat(300),
            })
            .collect();
        for mut extracted in [long, pages, headings] {
            let rows = rows(
                &document("/n/a.md"),
                "h",
                &mut extracted,
                &ChunkSettings::default(),
            );
            assert!(rows.len() > 5000, "{}", rows.len());
            let repeated = repeated(&rows, &extracted);
            let most = 9 * (TEXTS * extracted.text.len() + IN_ALL);
            assert!(repeated <= most, "{repeated} of {}", extracted.text.len());
        }
    }

    #[test]
    fn a_note_is_found_by_all_its_names() {
        let mut extracted = Extracted {
            text: "# Pier\n\nIt is old.".to_owned(),
            body: 0..18,
            title: Some("The pier".to_owned()),
            headings: vec![Heading {
                start: 0,
                level: 1,
                text: "Pier".to_owned(),
            }],
            tags: (0..100).map(|number| format!("a-tag-{number}")).collect(),
            aliases: vec!["Jetty".to_owned()],
            ..Extracted::default()
        };
        let document = document("/n/sea/mole.md");
        let rows = rows(&document, "h", &mut extracted, &ChunkSettings::default());
        assert_eq!((rows.len(), extracted.tags.len()), (1, 100));
        for name in [
            "The pier",
            "mole",
            "Jetty",
            "a-tag-0\n",
            "a-tag-99",
            "Pier",
            "sea",
        ] {
            assert!(rows[0].context.contains(name), "{name}");
        }
        assert_eq!(rows[0].lead, "The pier > Jetty");
    }
}
