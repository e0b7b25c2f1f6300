//! Reads the rows of the library from the index.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use vade_indexer::{Chunk, Document, DocumentId, Index, Scope, path_text};

use super::{Entry, Listing, Part, file_name, list};
use crate::calendar::{Date, Period};
use crate::error::Result;
use crate::naming::{self, DocumentName, Names};
use crate::operators::Conditions;
use crate::plan::{About, Kind, Plan};
use crate::series;
use crate::values::document_date;

/// What is known of all documents at one moment, read once for many questions.
pub(crate) struct Shelf {
    /// How often the documents had changed.
    changes: u64,
    /// The documents, by path.
    documents: Vec<(Arc<Document>, Entry)>,
    pub about: About,
    names: Names,
    /// The span of time of each document, once somebody has asked for it.
    periods: OnceLock<Vec<Period>>,
    /// The documents of each series, once somebody has asked a question.
    series: OnceLock<HashMap<String, Vec<(Date, usize)>>>,
}

/// The shelf as it was last read.
#[derive(Clone, Default)]
pub(crate) struct Shelves(Arc<Mutex<Option<Arc<Shelf>>>>);

impl Shelves {
    /// The shelf as it is now. It blocks.
    pub(crate) fn now(&self, index: &Index) -> Arc<Shelf> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shelf) = last.as_ref().filter(|one| one.changes == index.changes()) {
            return Arc::clone(shelf);
        }
        let shelf = Arc::new(Shelf::read(index));
        *last = Some(Arc::clone(&shelf));
        shelf
    }

    /// Keeps nothing of it.
    pub(crate) fn clear(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Shelf {
    fn read(index: &Index) -> Self {
        let (changes, all) = index.all_live();
        let mut documents: Vec<(Arc<Document>, Entry)> = all
            .into_iter()
            .map(|document| {
                let entry = entry(&document);
                (document, entry)
            })
            .collect();
        documents.sort_by(|(_, one), (_, other)| one.path.cmp(&other.path));
        let mut folders = BTreeSet::new();
        let mut tags = BTreeSet::new();
        let mut titles = BTreeSet::new();
        let mut names = Vec::with_capacity(documents.len());
        for (_, entry) in &documents {
            for end in 1..=entry.folders.len() {
                folders.insert(entry.folders[..end].join("/"));
            }
            let file_name = file_name(&entry.path).to_owned();
            titles.insert(file_name.clone());
            titles.insert(entry.title.clone());
            tags.extend(entry.tags.iter().cloned());
            names.push(DocumentName {
                id: entry.document.clone(),
                title: entry.title.clone(),
                file_name,
                folder: entry.folders.join("/"),
                aliases: Vec::new(),
            });
        }
        Self {
            changes,
            documents,
            about: About {
                titles: titles.into_iter().collect(),
                folders: folders.into_iter().collect(),
                tags: tags.into_iter().collect(),
                ..About::default()
            },
            names: Names::new(names),
            periods: OnceLock::new(),
            series: OnceLock::new(),
        }
    }

    /// The documents that operators let through. The first time that days decide it reads the beginning of every
    /// document that has none in its name: it blocks.
    ///
    /// # Errors
    /// When the full-text index fails.
    pub(crate) fn admitted(
        &self,
        index: &Index,
        conditions: &Conditions,
    ) -> Result<HashSet<DocumentId>> {
        if conditions.ask_for_days() && self.periods.get().is_none() {
            let entries = self.documents.iter().map(|(_, entry)| entry);
            let periods: Result<Vec<Period>> = entries.map(|entry| period(index, entry)).collect();
            // Somebody else may have read the same.
            let _ = self.periods.set(periods?);
        }
        let periods = self.periods.get().into_iter().flatten().copied();
        let periods = periods.chain(std::iter::repeat(Period::default()));
        let admitted = self.documents.iter().zip(periods);
        let admitted = admitted.filter(|((_, entry), period)| conditions.admit(entry, *period));
        Ok(admitted
            .map(|((document, _), _)| document.id.clone())
            .collect())
    }

    /// Carries out a plan over the documents of a scope; none where the plan is for passages. Reads every
    /// document that the plan needs the text of: it blocks.
    ///
    /// # Errors
    /// When the full-text index fails.
    pub(crate) fn answer(
        &self,
        index: &Index,
        plan: &Plan,
        spanish: bool,
        scope: &Scope,
    ) -> Result<Option<Listing>> {
        let admitted = self.documents.iter();
        let entries: Vec<Entry> = admitted
            .filter(|(document, _)| scope.admits(document))
            .map(|(_, entry)| entry.clone())
            .collect();
        list(plan, spanish, &entries, |entry| {
            let chunks = index.chunks(&DocumentId(entry.document.clone()))?;
            Ok(chunks.into_iter().map(part).collect())
        })
    }

    /// The documents that a question is about as a whole: those that it names, those that its filters admit, or those
    /// that were `spoken_of`.
    ///
    /// # Errors
    /// When the full-text index fails.
    pub(crate) fn meant(
        &self,
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
            let listing = self.answer(index, &listed, false, scope)?;
            let rows = listing.map(|listing| listing.rows).unwrap_or_default();
            if !rows.is_empty() {
                let rows = rows.into_iter();
                return Ok(rows.map(|row| DocumentId(row.document)).collect());
            }
        }
        let named = self.named(index, question, scope, naming::WEAK);
        Ok(if named.is_empty() && plan.target.is_none() {
            spoken_of
        } else {
            named
        })
    }

    /// The documents of each series, with the day that their names tell.
    fn series(&self) -> &HashMap<String, Vec<(Date, usize)>> {
        self.series.get_or_init(|| {
            let mut all: HashMap<String, Vec<(Date, usize)>> = HashMap::new();
            for (place, (_, entry)) in self.documents.iter().enumerate() {
                let series = series::of(&entry.path);
                if let (Some(series), Some(day)) = (series, series::day(&entry.path)) {
                    all.entry(series).or_default().push((day, place));
                }
            }
            all
        })
    }

    /// The newest document of a scope that is of the series of the one at a path, if that is newer.
    pub(crate) fn newest_like(
        &self,
        index: &Index,
        path: &str,
        scope: &Scope,
    ) -> Option<DocumentId> {
        let own = series::day(path)?;
        let like = self.series().get(&series::of(path)?)?.iter();
        let like = like.filter_map(|(day, place)| {
            let (document, entry) = &self.documents[*place];
            let id = DocumentId(entry.document.clone());
            let is_there = *day > own && scope.admits(document) && index.live(&id).is_some();
            is_there.then_some((*day, id))
        });
        like.max_by_key(|(day, _)| *day).map(|(_, id)| id)
    }

    /// The documents of a scope that a question names, the surest first, at least so surely.
    pub(crate) fn named(
        &self,
        index: &Index,
        question: &str,
        scope: &Scope,
        least: f32,
    ) -> Vec<DocumentId> {
        let named = self.names.find(question).into_iter();
        named
            .filter(|named| named.score >= least)
            .map(|named| DocumentId(named.id))
            .filter(|id| {
                index
                    .live(id)
                    .is_some_and(|document| scope.admits(&document))
            })
            .collect()
    }
}

/// The time that a document is of: its own, or when it was changed.
fn period(index: &Index, entry: &Entry) -> Result<Period> {
    let named = document_date(file_name(&entry.path), &entry.title, "");
    if let Some(period) = named {
        return Ok(period);
    }
    let chunks = index.chunks(&DocumentId(entry.document.clone()))?;
    let parts: Vec<Part> = chunks.into_iter().take(1).map(part).collect();
    Ok(super::filter::date(entry, &parts).period)
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
