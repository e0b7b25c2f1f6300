//! Reads the rows of the library from the index.

use std::collections::BTreeSet;
use std::path::Path;

use vade_indexer::{Chunk, Document, DocumentFilter, DocumentId, Index, Scope, path_text};

use super::{Entry, Listing, Part, list};
use crate::error::Result;
use crate::naming::{self, DocumentName, Names};
use crate::plan::{About, Kind, Plan};

/// All documents, on one page.
const ALL: usize = usize::MAX;

/// What planning needs to know of the library.
///
/// # Errors
/// When the ledger cannot be read.
pub(crate) fn about(index: &Index, now: i64, previous: Option<String>) -> Result<About> {
    let mut folders = BTreeSet::new();
    let mut tags = BTreeSet::new();
    let mut titles = BTreeSet::new();
    for entry in entries(index, &Scope::default())? {
        for end in 1..=entry.folders.len() {
            folders.insert(entry.folders[..end].join("/"));
        }
        titles.insert(super::filter::file_name(&entry.path).to_owned());
        titles.insert(entry.title);
        tags.extend(entry.tags);
    }
    Ok(About {
        now,
        titles: titles.into_iter().collect(),
        folders: folders.into_iter().collect(),
        tags: tags.into_iter().collect(),
        previous,
    })
}

/// Carries out a plan over the documents of a scope; none where the plan is for passages. Reads every
/// document that the plan needs the text of: it blocks.
///
/// # Errors
/// When the ledger or the full-text index fails.
pub(crate) fn answer(
    index: &Index,
    plan: &Plan,
    spanish: bool,
    scope: &Scope,
) -> Result<Option<Listing>> {
    let entries = entries(index, scope)?;
    list(plan, spanish, &entries, |entry| {
        let chunks = index.chunks(&DocumentId(entry.document.clone()))?;
        Ok(chunks.into_iter().map(part).collect())
    })
}

/// The documents that a question is about as a whole: those that it names, those that its filters admit, or those that
/// were `spoken_of`.
///
/// # Errors
/// When the ledger or the full-text index fails.
pub(crate) fn meant(
    index: &Index,
    plan: &Plan,
    question: &str,
    scope: &Scope,
    spoken_of: Vec<DocumentId>,
) -> Result<Vec<DocumentId>> {
    if !plan.filters.is_empty() {
        let listed = Plan {
            kind: Kind::List,
            ..plan.clone()
        };
        let listing = answer(index, &listed, false, scope)?;
        let rows = listing.map(|listing| listing.rows).unwrap_or_default();
        if !rows.is_empty() {
            return Ok(rows
                .into_iter()
                .map(|row| DocumentId(row.document))
                .collect());
        }
    }
    let named = named(index, question, scope, naming::WEAK)?;
    Ok(if named.is_empty() && plan.target.is_none() {
        spoken_of
    } else {
        named
    })
}

/// The documents that a question names, the surest first, at least so surely.
///
/// # Errors
/// When the ledger cannot be read.
pub(crate) fn named(
    index: &Index,
    question: &str,
    scope: &Scope,
    least: f32,
) -> Result<Vec<DocumentId>> {
    let names = entries(index, scope)?
        .into_iter()
        .map(|entry| DocumentName {
            file_name: super::filter::file_name(&entry.path).to_owned(),
            id: entry.document,
            title: entry.title,
            folder: entry.folders.join("/"),
            aliases: Vec::new(),
        });
    let named = Names::new(names.collect()).find(question).into_iter();
    Ok(named
        .filter(|named| named.score >= least)
        .map(|named| DocumentId(named.id))
        .collect())
}

/// The documents in the index that a scope admits.
fn entries(index: &Index, scope: &Scope) -> Result<Vec<Entry>> {
    let all = DocumentFilter {
        limit: ALL,
        ..DocumentFilter::default()
    };
    let (documents, _) = index.ledger().documents(&all)?;
    let documents = documents.iter();
    Ok(documents
        .filter(|document| index.live(&document.id).is_some() && scope.admits(document))
        .map(entry)
        .collect())
}

fn entry(document: &Document) -> Entry {
    Entry {
        document: document.id.0.clone(),
        path: path_text(&document.path).into_owned(),
        folders: folders(&document.folder, &document.path),
        title: document.title.clone(),
        tags: document.tags.clone(),
        modified: document.modified / 1_000_000,
        language: document.language.clone(),
    }
}

/// The names of the folders that a document lies in, from the watched one down.
fn folders(watched: &Path, path: &Path) -> Vec<String> {
    let inside = path
        .parent()
        .and_then(|parent| parent.strip_prefix(watched).ok());
    let inside = inside.into_iter().flat_map(Path::iter);
    let names = watched.file_name().into_iter().chain(inside);
    names
        .map(|name| path_text(Path::new(name)).into_owned())
        .collect()
}

fn part(chunk: Chunk) -> Part {
    Part {
        start: chunk.span.start,
        page: chunk.page,
        heading: (!chunk.heading.is_empty()).then(|| chunk.heading.join(" > ")),
        text: chunk.text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_named_from_the_watched_one_down() {
        let names = |watched: &str, path: &str| folders(Path::new(watched), Path::new(path));
        assert_eq!(
            names("/home/n/vault", "/home/n/vault/a/b/c.md"),
            ["vault", "a", "b"]
        );
        assert_eq!(names("/home/n/vault", "/home/n/vault/c.md"), ["vault"]);
    }
}
