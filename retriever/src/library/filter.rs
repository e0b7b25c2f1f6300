//! Which documents a filter lets through, and the words that show it.

use std::collections::BTreeSet;
use std::ops::Range;

use super::mention::{EMPTY, Mention, linked, mentioned};
use super::states::{self, Stated};
use super::{Entry, Part};
use crate::calendar::{Date, Period};
use crate::cite::Citation;
use crate::fold::{find, same, words};
use crate::plan::{DateKind, FileType, Filters, LibraryFact};
use crate::values::document_date;

/// Bytes of a document's first lines that may say what kind of document it is.
const HEAD: usize = 200;
/// A quote longer than this is cut at both ends.
const QUOTE: usize = 300;
/// A filter, its words folded once.
pub(super) struct Terms<'a> {
    filters: &'a Filters,
    mentions: Vec<Mention>,
    absent: Vec<Mention>,
    links: Vec<Vec<String>>,
    title: Vec<String>,
    tags: Vec<Vec<String>>,
    folders: Vec<Vec<String>>,
}

/// What shows that a document is wanted.
pub(super) enum Evidence {
    /// Its properties.
    Nothing,
    /// Words of it.
    Place(Citation),
}

/// The date of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DocumentDate {
    /// The day, or the first of its month.
    pub date: Date,
    pub period: Period,
    pub is_of_file: bool,
}

impl<'a> Terms<'a> {
    pub(super) fn new(filters: &'a Filters) -> Self {
        let of_paths = |names: &[crate::plan::Name]| -> Vec<Vec<String>> {
            let parts = |name: &crate::plan::Name| name.name.split('/').map(one_word).collect();
            names.iter().map(parts).collect()
        };
        Self {
            filters,
            mentions: filters
                .mentions
                .iter()
                .map(|text| Mention::new(text))
                .collect(),
            absent: filters
                .absent
                .iter()
                .map(|text| Mention::new(text))
                .collect(),
            links: filters
                .links
                .iter()
                .map(|link| folded_words(link))
                .collect(),
            title: filters
                .title
                .as_deref()
                .map(folded_words)
                .unwrap_or_default(),
            tags: of_paths(&filters.tags),
            folders: of_paths(&filters.folders),
        }
    }

    /// Whether what is known of a document without its text lets it through. "Which of my notes mention
    /// Ana" is said loosely: other types go through as well and are told apart by `is_of_type`.
    pub(super) fn admits(&self, entry: &Entry) -> bool {
        let filters = self.filters;
        let is_loose = filters.file_type == Some(FileType::Note) && !filters.mentions.is_empty();
        let is_of_type = is_loose || self.is_of_type(entry);
        let tags: Vec<Vec<String>> = entry
            .tags
            .iter()
            .map(|tag| tag.split('/').map(one_word).collect())
            .collect();
        let folders: Vec<String> = entry
            .folders
            .iter()
            .map(|folder| one_word(folder))
            .collect();
        let exact = filters.exact_tag;
        let has_tag = |wanted: &Vec<String>| {
            let mut tags = tags.iter();
            tags.any(|tag| tag.starts_with(wanted) && (!exact || tag == wanted))
        };
        let has_tags = if filters.any_tag {
            self.tags.iter().any(has_tag)
        } else {
            self.tags.iter().all(has_tag)
        };
        let is_in =
            |wanted: &Vec<String>| folders.windows(wanted.len()).any(|window| window == wanted);
        let changed = filters
            .period
            .filter(|dating| dating.by == DateKind::Changed);
        is_of_type
            && has_tags
            && self.folders.iter().all(is_in)
            && (!filters.untagged || entry.tags.is_empty())
            && self.has_title(entry)
            && filters
                .language
                .is_none_or(|language| entry.language.as_deref() == Some(language))
            && changed
                .is_none_or(|dating| dating.period.holds(Period::day(Date::of(entry.modified))))
    }

    pub(super) fn is_of_type(&self, entry: &Entry) -> bool {
        let extension = extension(&entry.path);
        self.filters
            .file_type
            .is_none_or(|file_type| file_type.has_extension(&extension))
    }

    fn has_title(&self, entry: &Entry) -> bool {
        let names = [entry.title.as_str(), file_name(&entry.path)];
        let has = |name: &str| {
            let said = words(name);
            self.title
                .iter()
                .all(|wanted| said.iter().any(|word| same(&word.text, wanted)))
        };
        names.into_iter().any(has)
    }

    /// Whether the text of a document has to be read.
    pub(super) fn needs_text(&self, entry: &Entry, is_ordered: bool) -> bool {
        let by_own_date = self
            .filters
            .period
            .is_some_and(|dating| dating.by == DateKind::Own);
        let is_dated = document_date(file_name(&entry.path), &entry.title, "").is_some();
        !self.mentions.is_empty()
            || !self.filters.says.is_empty()
            || !self.links.is_empty()
            || !self.absent.is_empty()
            || ((by_own_date || is_ordered) && !is_dated)
            || !self.is_of_category_by_name(entry)
    }

    /// Whether the kind, for which the text may be needed, lets a document through.
    pub(super) fn is_of_category(&self, entry: &Entry, parts: &[Part]) -> bool {
        self.is_of_category_by_name(entry) || self.is_of_category_by_text(parts)
    }

    /// Whether it is of the kind that is asked for, or its text may say so. Where statements are asked for,
    /// a kind that documents are named by is told by names alone.
    pub(super) fn may_be_of_category(&self, entry: &Entry) -> bool {
        self.filters.says.is_empty() || self.is_of_category_by_name(entry)
    }

    /// What a document says of each statement.
    pub(super) fn stated(&self, entry: &Entry, parts: &[Part]) -> Vec<Stated> {
        let says = self.filters.says.iter();
        says.map(|statement| states::stated(statement, entry, parts))
            .collect()
    }

    /// The day that counts for a document: one that it says with a statement, or its own. None where it is
    /// not in the span of time that is asked for.
    pub(super) fn day(&self, stated: &[Stated], own: DocumentDate) -> Option<DocumentDate> {
        let wanted = self
            .filters
            .period
            .filter(|dating| dating.by == DateKind::Own);
        let fits = |period: Period| wanted.is_none_or(|dating| dating.period.holds(period));
        let held = stated.iter().flat_map(|one| &one.held);
        let said: Vec<Period> = held.filter_map(|(_, period)| *period).collect();
        if said.is_empty() {
            return fits(own.period).then_some(own);
        }
        let period = said.into_iter().find(|period| fits(*period))?;
        Some(DocumentDate {
            date: period.from.unwrap_or(own.date),
            period,
            is_of_file: false,
        })
    }

    /// Whether a text outside of what is meant counts what is asked for: "Twelve people live in Ghent".
    pub(super) fn is_counted_in(&self, entry: &Entry, parts: &[Part]) -> bool {
        let Some((category, says)) = self
            .filters
            .category
            .as_ref()
            .zip(self.filters.says.first())
        else {
            return false;
        };
        !self.is_of_category_by_name(entry) && states::counts(says, &category.words, entry, parts)
    }

    pub(super) fn is_of_category_by_name(&self, entry: &Entry) -> bool {
        let Some(category) = &self.filters.category else {
            return true;
        };
        let names = [entry.title.as_str(), file_name(&entry.path)].into_iter();
        let names = names.chain(entry.folders.iter().map(String::as_str));
        let mut names = names.chain(entry.tags.iter().map(String::as_str));
        names.any(|name| says_one(name, &category.words))
    }

    /// The first lines say what it is, at their beginning or as a label: "Factura n.º 12", "Minutes: Nora".
    fn is_of_category_by_text(&self, parts: &[Part]) -> bool {
        let Some((category, first)) = self.filters.category.as_ref().zip(parts.first()) else {
            return false;
        };
        let head = &first.text[..first.text.floor_char_boundary(HEAD)];
        let mut lines = head.lines().filter(|line| !line.trim().is_empty()).take(3);
        lines.any(|line| {
            let said = words(line);
            let mut places = said.iter().enumerate();
            places.any(|(place, word)| {
                let is_label = line[word.span.end..].starts_with(':');
                let says = category.words.iter().any(|other| same(&word.text, other));
                says && (place < 3 || is_label)
            })
        })
    }

    /// Where a document has the words that are to be mentioned; none where it has not.
    pub(super) fn mentions(&self, entry: &Entry, parts: &[Part]) -> Option<Evidence> {
        let linked: Vec<Option<Evidence>> = self
            .links
            .iter()
            .map(|name| linked(name, entry, parts))
            .collect();
        let places: Vec<Option<Evidence>> = self
            .mentions
            .iter()
            .map(|mention| mentioned(mention, entry, parts))
            .collect();
        let enough = if self.filters.any_mention {
            places.iter().any(Option::is_some)
        } else {
            places.iter().all(Option::is_some)
        };
        let mut absent = self.absent.iter();
        let is_absent = absent.all(|mention| mentioned(mention, entry, parts).is_none());
        if !enough || !is_absent || linked.iter().any(Option::is_none) {
            return None;
        }
        let mut places = linked.into_iter().chain(places).flatten();
        Some(places.next().unwrap_or(Evidence::Nothing))
    }
}

/// The line around a span, or as much of it as a quote may have.
pub(super) fn cite(entry: &Entry, part: &Part, span: &Range<usize>) -> Citation {
    let text = part.text.as_str();
    let line_start = text[..span.start].rfind('\n').map_or(0, |at| at + 1);
    let line_end = text[span.end..]
        .find('\n')
        .map_or(text.len(), |at| span.end + at);
    let (mut start, mut end) = (line_start, line_end);
    if end - start > QUOTE {
        start = sentence_start(text, line_start, span.start);
        end = sentence_end(text, span.end, line_end);
    }
    let quote = &text[start..end];
    let start = start + (quote.len() - quote.trim_start().len());
    let quote = quote.trim();
    Citation {
        marker: 0,
        document: entry.document.clone(),
        path: entry.path.clone(),
        title: entry.title.clone(),
        page: part.page,
        heading: part.heading.clone(),
        start: part.start + start,
        end: part.start + start + quote.len(),
        quote: quote.to_owned(),
    }
}

fn sentence_start(text: &str, least: usize, before: usize) -> usize {
    let ends = [". ", "! ", "? ", "; "];
    let found = ends
        .iter()
        .filter_map(|end| text[least..before].rfind(end))
        .max();
    let start = found.map_or(least, |at| least + at + 2);
    let near = text.ceil_char_boundary(before.saturating_sub(QUOTE / 2).max(least));
    start.max(near)
}

fn sentence_end(text: &str, after: usize, most: usize) -> usize {
    let ends = [". ", "! ", "? "];
    let found = ends
        .iter()
        .filter_map(|end| text[after..most].find(end))
        .min();
    let end = found.map_or(most, |at| after + at + 1);
    let near = text.floor_char_boundary((after + QUOTE / 2).min(most));
    end.min(near.max(after))
}

/// The date of a document: its own, or that of its file.
pub(super) fn date(entry: &Entry, parts: &[Part]) -> DocumentDate {
    let head = parts.first().map_or("", |part| part.text.as_str());
    let own = document_date(file_name(&entry.path), &entry.title, head);
    let changed = Period::day(Date::of(entry.modified));
    let period = own.unwrap_or(changed);
    DocumentDate {
        date: period.from.unwrap_or_else(|| Date::of(entry.modified)),
        period,
        is_of_file: own.is_none(),
    }
}

/// The documents that a question names: those whose title or file name has most of its words.
pub(super) fn named<'e>(entries: &'e [Entry], target: &str) -> Vec<&'e Entry> {
    let noun = [
        "document",
        "documents",
        "note",
        "file",
        "documento",
        "nota",
        "archivo",
        "fichero",
        "pdf",
    ];
    let wanted: Vec<String> = folded_words(target)
        .into_iter()
        .filter(|word| !EMPTY.contains(&word.as_str()) && !noun.contains(&word.as_str()))
        .collect();
    let score = |entry: &Entry| {
        let mut said = words(&entry.title);
        said.extend(words(file_name(&entry.path)));
        let has = |word: &&String| said.iter().any(|other| same(&other.text, word));
        wanted.iter().filter(has).count()
    };
    let best = entries.iter().map(score).max().unwrap_or_default();
    let enough = best > 0 && best * 2 >= wanted.len();
    let named = entries
        .iter()
        .filter(|entry| enough && score(entry) == best);
    named.collect()
}

/// What a document adds to a list of folders, tags, types or languages.
pub(super) fn names(fact: LibraryFact, entry: &Entry, spanish: bool) -> BTreeSet<String> {
    match fact {
        LibraryFact::Folders => BTreeSet::from([entry.folders.join("/")]),
        LibraryFact::Tags => entry.tags.iter().cloned().collect(),
        LibraryFact::Languages => entry.language.iter().cloned().collect(),
        LibraryFact::Types | LibraryFact::Overview => {
            let extension = extension(&entry.path);
            BTreeSet::from([if extension.is_empty() {
                if spanish {
                    "sin extensión"
                } else {
                    "no extension"
                }
                .to_owned()
            } else {
                extension
            }])
        }
        LibraryFact::Changed => BTreeSet::new(),
    }
}

pub(crate) fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The ending of a file's name, in lower case.
pub(crate) fn extension(path: &str) -> String {
    let name = file_name(path);
    match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => extension.to_lowercase(),
        _ => String::new(),
    }
}

pub(super) fn folded_words(text: &str) -> Vec<String> {
    words(text).into_iter().map(|word| word.text).collect()
}

/// A name's words in one: `To-Check` and `to check` are the same tag.
fn one_word(name: &str) -> String {
    folded_words(name).join(" ")
}

/// Whether a name has one of these words or phrases.
fn says_one(name: &str, phrases: &[String]) -> bool {
    let said = words(name);
    phrases
        .iter()
        .any(|phrase| find(&said, &folded_words(phrase)).is_some())
}
