//! The full-text index: chunks by their words, ranked by BM25, and the text of every chunk.
//!
//! One tantivy document a chunk. The words of its text are indexed by their forms, in one field whatever their language,
//! and by their stems in another; those of its surroundings (title, headings, tags, file name) in two more, with less
//! weight. What a document is called is indexed once more in a field of its first chunk: how much of a question that
//! says. The commit payload holds the marker that is compared with the ledger's at start-up.

mod days;
mod files;
#[cfg(test)]
mod found;
mod lines;
mod names;
mod near;
mod question;
mod ranking;

use std::collections::HashSet;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tantivy::collector::{DocSetCollector, TopDocs};
use tantivy::columnar::StrColumn;
use tantivy::query::{TermQuery, TermSetQuery};
use tantivy::schema::{
    FAST, Field, INDEXED, IndexRecordOption, STORED, STRING, Schema, TextFieldIndexing,
    TextOptions, Value,
};
use tantivy::{
    DocAddress, Index, IndexReader, IndexSettings, IndexWriter, ReloadPolicy, Score, Searcher,
    TantivyDocument, Term,
};

use self::files::Files;
use self::lines::{LINES, Lines, lines};
use self::near::differs;
use self::question::Asked;
use self::ranking::{Ranking, Side, misspelt};

use crate::analysis::{analyse, analyse_beside, tag};
use crate::error::{IndexerError, Result};
use crate::fail;
use crate::index::now;
use crate::ledger::DocumentId;
use crate::names::HEAD;
use crate::own_files;

/// Memory the writer may use before it writes a segment (bytes).
const WRITER_MEMORY: usize = 32 << 20;

/// A merge that is under way ends within this.
const MERGES_END: Duration = Duration::from_mins(1);

/// Weight of a chunk's surroundings beside its own text.
const CONTEXT_BOOST: Score = 0.5;

/// A chunk on its way into the engines.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ChunkRow {
    pub document: DocumentId,
    /// Hash of the document's content that this chunk was cut from.
    pub hash: String,
    /// Place in the document, from 0.
    pub ordinal: u32,
    /// Span in the extracted text (bytes).
    pub span: Range<usize>,
    pub page: Option<u32>,
    pub heading: Vec<String>,
    /// The document's text at `span`.
    pub text: String,
    /// What lies between this chunk and the next: white space.
    pub gap: String,
    /// Title, tags, file name: words that should find the chunk though they are not in it.
    pub context: String,
    /// What the document is called, in its first chunk alone.
    pub names: Vec<String>,
    /// Title and headings: put before the text when it is embedded.
    pub lead: String,
    /// The header of the table whose rows the chunk goes on with; empty where it does not.
    pub table: String,
    pub language: Option<String>,
}

impl ChunkRow {
    /// The text that is embedded: what it stands under, and what it says.
    pub(crate) fn passage(&self) -> String {
        let parts = [&self.lead, &self.table, &self.text];
        let parts = parts.map(String::as_str).into_iter();
        let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
        parts.join("\n")
    }
}

/// Names a chunk among all versions of all documents.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ChunkKey {
    pub document: DocumentId,
    pub ordinal: u32,
}

/// A candidate of one leg of a search.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Candidate {
    pub key: ChunkKey,
    /// The content it was cut from.
    pub hash: String,
    pub score: f32,
}

/// What the words of a question find.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ByWords {
    /// The chunks, the best first, by BM25.
    pub chunks: Vec<Candidate>,
    /// First chunks of documents whose names have words of the question, by how much of it they have: 0 to 1, and a
    /// little more where a name is the question.
    pub named: Vec<Candidate>,
}

struct Fields {
    chunk: Field,
    document: Field,
    hash: Field,
    ordinal: Field,
    start: Field,
    end: Field,
    page: Field,
    heading: Field,
    text: Field,
    gap: Field,
    lead: Field,
    table: Field,
    language: Field,
    forms: Field,
    stems: Field,
    context_forms: Field,
    context_stems: Field,
    names: Field,
}

/// The full-text index of a data directory.
pub(crate) struct Lexical {
    directory: PathBuf,
    index: Index,
    fields: Fields,
    reader: IndexReader,
    /// None after one has failed in a way that it could not go back from: the next commit begins with a new one.
    writer: Mutex<Option<IndexWriter>>,
}

/// Moves folders out of the way that stand where the engine's lock files belong.
fn free_locks(directory: &Path) -> std::io::Result<()> {
    for lock in own_files::LOCKS {
        let path = directory.join(lock);
        if path.is_dir() && std::fs::remove_dir(&path).is_err() {
            std::fs::rename(&path, directory.join(format!("{lock}.folder-{}", now())))?;
        }
    }
    Ok(())
}

/// Whether the directory had to be made anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opened {
    Existing,
    Fresh,
}

impl Lexical {
    /// Opens the index in `directory`; what cannot be opened is moved out of the way and made anew.
    pub(crate) fn open(directory: &Path) -> Result<(Self, Opened)> {
        let (schema, fields) = schema();
        let made = |source| IndexerError::Io {
            path: directory.to_owned(),
            source,
        };
        let existed = directory.join("meta.json").exists();
        std::fs::create_dir_all(directory).map_err(made)?;
        free_locks(directory).map_err(made)?;
        let opened = Index::open_in_dir(directory).ok().filter(|index| {
            index.schema() == schema
                && index.reader().is_ok()
                && index
                    .validate_checksum()
                    .is_ok_and(|damaged| damaged.is_empty())
        });
        let (index, opened) = if opened.is_some() {
            // To be checked it was mapped.
            drop(opened);
            (Index::open(Files::open(directory)?)?, Opened::Existing)
        } else {
            if existed {
                tracing::warn!(
                    "the full-text index is damaged or of another version: building it again"
                );
            }
            own_files::remove(directory, own_files::of_words).map_err(made)?;
            std::fs::create_dir_all(directory).map_err(made)?;
            let settings = IndexSettings::default();
            let index = Index::create(Files::open(directory)?, schema, settings)?;
            (index, Opened::Fresh)
        };
        index.tokenizers().register(LINES, Lines::default());
        let reader = index
            .reader_builder()
            .reload_policy(ReloadPolicy::Manual)
            .try_into()?;
        remove_left_overs(&index, directory).map_err(made)?;
        let writer = index.writer_with_num_threads(1, WRITER_MEMORY)?;
        let lexical = Self {
            directory: directory.to_owned(),
            index,
            fields,
            reader,
            writer: Mutex::new(Some(writer)),
        };
        Ok((lexical, opened))
    }

    /// The marker of the last commit.
    pub(crate) fn marker(&self) -> Result<String> {
        Ok(self.index.load_metas()?.payload.unwrap_or_default())
    }

    /// Replaces the chunks of `documents` by `rows` and commits under `marker`.
    pub(crate) fn commit(
        &self,
        documents: &[DocumentId],
        rows: &[ChunkRow],
        marker: &str,
    ) -> Result<()> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let writer = self.ready(&mut writer)?;
            self.write(writer, documents, rows, marker)
        }));
        if !matches!(outcome, Ok(Ok(()))) {
            // Nothing half-written may ride along with the next commit.
            roll_back(&mut writer);
            // What it wrote would stand in the way of the next one.
            let _ = remove_left_overs(&self.index, &self.directory);
        }
        outcome.unwrap_or_else(|panic| resume_unwind(panic))?;
        self.reader.reload()?;
        Ok(())
    }

    /// The writer, made anew where the last one is gone.
    fn ready<'a>(&self, writer: &'a mut Option<IndexWriter>) -> Result<&'a mut IndexWriter> {
        let ready = match writer.take() {
            Some(writer) => writer,
            None => self.index.writer_with_num_threads(1, WRITER_MEMORY)?,
        };
        Ok(writer.insert(ready))
    }

    fn write(
        &self,
        writer: &mut IndexWriter,
        documents: &[DocumentId],
        rows: &[ChunkRow],
        marker: &str,
    ) -> Result<()> {
        for document in documents {
            writer.delete_term(Term::from_field_text(self.fields.document, &document.0));
        }
        for row in rows {
            writer.add_document(self.fields.to_document(row))?;
        }
        let mut commit = writer.prepare_commit()?;
        commit.set_payload(marker);
        fail::point("words-prepared");
        commit.commit()?;
        Ok(())
    }

    /// Looks at the index as merges have left it: until then what they replaced stays open.
    pub(crate) fn refresh(&self) -> Result<()> {
        Ok(self.reader.reload()?)
    }

    /// The chunks that match the question's words best, and the documents whose names do. `within` restricts to these
    /// documents.
    pub(crate) fn search(
        &self,
        question: &str,
        limit: usize,
        within: Option<&HashSet<DocumentId>>,
    ) -> Result<ByWords> {
        let searcher = self.reader.searcher();
        let scope = within.map(|within| {
            let documents = within.iter();
            TermSetQuery::new(
                documents.map(|id| Term::from_field_text(self.fields.document, &id.0)),
            )
        });
        let best = self
            .ranking(&searcher)
            .best(&Asked::of(question), scope.as_ref(), limit)?;
        let mut columns = Columns::default();
        let mut candidates = |best: Vec<(Score, DocAddress)>| -> Result<Vec<Candidate>> {
            best.into_iter()
                .map(|(score, address)| columns.candidate(&searcher, score, address))
                .collect()
        };
        Ok(ByWords {
            chunks: candidates(best.chunks)?,
            named: candidates(best.named)?,
        })
    }

    fn ranking<'a>(&self, searcher: &'a Searcher) -> Ranking<'a> {
        let fields = &self.fields;
        Ranking {
            searcher,
            sides: [
                Side {
                    forms: fields.forms,
                    stems: fields.stems,
                    weight: 1.0,
                },
                Side {
                    forms: fields.context_forms,
                    stems: fields.context_stems,
                    weight: CONTEXT_BOOST,
                },
            ],
            names: fields.names,
            language: fields.language,
        }
    }

    /// How much of the question's words a text has, weighted by how rare each is here: 0 to 1.
    /// A word that no document has counts as the rarest.
    pub(crate) fn coverage(&self, question: &str, text: &str, language: Option<&str>) -> f32 {
        self.covered(question, text, language).unwrap_or_default()
    }

    fn covered(&self, question: &str, text: &str, language: Option<&str>) -> Result<f32> {
        let searcher = self.reader.searcher();
        let ranking = self.ranking(&searcher);
        let text = analyse(text, language);
        let forms: HashSet<&str> = text
            .tokens
            .iter()
            .map(|token| token.text.as_str())
            .collect();
        let stems: HashSet<&str> = text.stems.iter().map(String::as_str).collect();
        let asked = Asked::of(question);
        let (mut covered, mut total) = (0.0, 0.0);
        for thing in asked.things.iter().filter(|thing| thing.is_word) {
            let mut with = 0;
            for form in &thing.forms {
                with = with.max(ranking.documents(self.fields.forms, form)?);
            }
            for (_, stem) in &thing.stems {
                with = with.max(ranking.documents(self.fields.stems, stem)?);
            }
            let with = usize::try_from(with).unwrap_or(usize::MAX);
            let weight = ranking.rarity(thing, with, &asked.languages)?;
            total += weight;
            let has_form = thing.forms.iter().any(|form| forms.contains(form.as_str()));
            let mut stems_of = thing.stems.iter();
            if has_form || stems_of.any(|(_, stem)| stems.contains(stem.as_str())) {
                covered += weight;
            } else if !thing.stems.is_empty() && !ranking.is_there(thing)? {
                let near = forms
                    .iter()
                    .filter_map(|form| differs(&thing.forms[0], form));
                covered += near.min().map_or(0.0, misspelt) * weight;
            }
        }
        Ok(if total > 0.0 { covered / total } else { 0.0 })
    }

    /// Those of another leg's candidates that have the phrases of a question.
    pub(crate) fn admitted(&self, question: &str, near: Vec<Candidate>) -> Result<Vec<Candidate>> {
        let searcher = self.reader.searcher();
        let Some(admitted) = self.ranking(&searcher).admitted(&Asked::of(question))? else {
            return Ok(near);
        };
        let mut kept = Vec::new();
        for candidate in near {
            let key = match candidate.key.ordinal {
                HEAD => &ChunkKey {
                    document: candidate.key.document.clone(),
                    ordinal: 0,
                },
                _ => &candidate.key,
            };
            let term = Term::from_field_text(self.fields.chunk, &chunk_id(key));
            let query = TermQuery::new(term, IndexRecordOption::Basic);
            let is_admitted = |address: &DocAddress| {
                admitted[address.segment_ord as usize][address.doc_id as usize]
            };
            if searcher
                .search(&query, &DocSetCollector)?
                .iter()
                .any(is_admitted)
            {
                kept.push(candidate);
            }
        }
        Ok(kept)
    }

    /// The documents that say, anywhere, what the question leaves out.
    pub(crate) fn left_out(&self, question: &str) -> Result<HashSet<DocumentId>> {
        let asked = Asked::of(question);
        let mut documents = HashSet::new();
        if asked.left_out.is_empty() {
            return Ok(documents);
        }
        let searcher = self.reader.searcher();
        let having = self.ranking(&searcher).left_out(&asked)?;
        let mut columns = Columns::default();
        for (segment, having) in (0..).zip(having) {
            for (chunk, _) in (0..).zip(having).filter(|(_, has)| *has) {
                let address = DocAddress::new(segment, chunk);
                let candidate = columns.candidate(&searcher, 0.0, address)?;
                documents.insert(candidate.key.document);
            }
        }
        Ok(documents)
    }

    /// One chunk, whatever version of its document it was cut from.
    pub(crate) fn chunk(&self, key: &ChunkKey) -> Result<Option<ChunkRow>> {
        let searcher = self.reader.searcher();
        let term = Term::from_field_text(self.fields.chunk, &chunk_id(key));
        let query = TermQuery::new(term, IndexRecordOption::Basic);
        let top = searcher.search(&query, &TopDocs::with_limit(1).order_by_score())?;
        match top.first() {
            Some((_, address)) => Ok(Some(self.fields.parse(&searcher.doc(*address)?))),
            None => Ok(None),
        }
    }

    /// All chunks of a document, in order.
    pub(crate) fn chunks(&self, document: &DocumentId) -> Result<Vec<ChunkRow>> {
        let searcher = self.reader.searcher();
        let term = Term::from_field_text(self.fields.document, &document.0);
        let query = TermQuery::new(term, IndexRecordOption::Basic);
        let mut chunks = searcher
            .search(&query, &DocSetCollector)?
            .into_iter()
            .map(|address| Ok(self.fields.parse(&searcher.doc(address)?)))
            .collect::<Result<Vec<_>>>()?;
        chunks.sort_by_key(|chunk| chunk.ordinal);
        Ok(chunks)
    }

    /// The stored texts of all documents but these: chunks, headings and titles.
    pub(crate) fn texts_besides(&self, ids: &HashSet<&DocumentId>) -> Result<Vec<String>> {
        let searcher = self.reader.searcher();
        let mut texts = Vec::new();
        for address in searcher.search(&tantivy::query::AllQuery, &DocSetCollector)? {
            let row = self.fields.parse(&searcher.doc(address)?);
            if !ids.contains(&row.document) {
                texts.push(row.passage());
            }
        }
        Ok(texts)
    }

    /// Rewrites the segments that hold deleted chunks, and removes the files that held them.
    pub(crate) fn purge(&self) -> Result<()> {
        let marker = self.marker()?;
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let writer = self.ready(&mut writer)?;
        let end = Instant::now() + MERGES_END;
        loop {
            let segments = self.index.searchable_segment_metas()?.into_iter();
            let deleted = segments.filter(tantivy::SegmentMeta::has_deletes);
            let deleted: Vec<_> = deleted.map(|segment| segment.id()).collect();
            let mut failed = None;
            for segment in &deleted {
                failed = writer.merge(&[*segment]).wait().err().or(failed);
            }
            match failed {
                None if deleted.is_empty() || Instant::now() > end => break,
                // A merge that was under way has taken a segment: what it made of it is looked at.
                Some(error) if Instant::now() > end => return Err(error.into()),
                Some(_) => std::thread::sleep(Duration::from_millis(20)),
                None => {}
            }
        }
        let mut commit = writer.prepare_commit()?;
        commit.set_payload(&marker);
        commit.commit()?;
        self.reader.reload()?;
        writer.garbage_collect_files().wait()?;
        Ok(())
    }

    /// What the index holds: (document, content hash) of every chunk.
    pub(crate) fn contents(&self) -> Result<Vec<(DocumentId, String)>> {
        let searcher = self.reader.searcher();
        let mut columns = Columns::default();
        searcher
            .search(&tantivy::query::AllQuery, &DocSetCollector)?
            .into_iter()
            .map(|address| {
                let candidate = columns.candidate(&searcher, 0.0, address)?;
                Ok((candidate.key.document, candidate.hash))
            })
            .collect()
    }
}

/// Takes back what was not committed; a writer that cannot is given up.
fn roll_back(writer: &mut Option<IndexWriter>) {
    let back = catch_unwind(AssertUnwindSafe(|| {
        writer
            .as_mut()
            .is_some_and(|writer| writer.rollback().is_ok())
    }));
    if !matches!(back, Ok(true)) {
        let broken = writer.take();
        let _ = catch_unwind(AssertUnwindSafe(|| drop(broken)));
    }
}

/// The directory of a data directory's full-text index.
pub(crate) fn directory(data: &Path) -> PathBuf {
    data.join("text")
}

fn chunk_id(key: &ChunkKey) -> String {
    format!("{}-{}", key.document.0, key.ordinal)
}

fn schema() -> (Schema, Fields) {
    let mut schema = Schema::builder();
    let indexed = |option, has_lengths| {
        let indexing = TextFieldIndexing::default()
            .set_tokenizer(LINES)
            .set_index_option(option)
            .set_fieldnorms(has_lengths);
        TextOptions::default().set_indexing_options(indexing)
    };
    let forms = indexed(IndexRecordOption::WithFreqsAndPositions, true);
    let stems = indexed(IndexRecordOption::WithFreqs, false);
    let fields = Fields {
        chunk: schema.add_text_field("chunk", STRING),
        document: schema.add_text_field("document", STRING | FAST | STORED),
        hash: schema.add_text_field("hash", STRING | FAST | STORED),
        ordinal: schema.add_u64_field("ordinal", INDEXED | FAST | STORED),
        start: schema.add_u64_field("start", STORED),
        end: schema.add_u64_field("end", STORED),
        page: schema.add_u64_field("page", STORED),
        heading: schema.add_text_field("heading", STORED),
        text: schema.add_text_field("text", STORED),
        gap: schema.add_text_field("gap", STORED),
        lead: schema.add_text_field("lead", STORED),
        table: schema.add_text_field("table", STORED),
        language: schema.add_text_field("language", STRING),
        forms: schema.add_text_field("forms", forms.clone()),
        stems: schema.add_text_field("stems", stems.clone()),
        context_forms: schema.add_text_field("context_forms", forms),
        context_stems: schema.add_text_field("context_stems", stems.clone()),
        names: schema.add_text_field("names", stems),
    };
    (schema.build(), fields)
}

impl Fields {
    fn to_document(&self, row: &ChunkRow) -> TantivyDocument {
        let key = ChunkKey {
            document: row.document.clone(),
            ordinal: row.ordinal,
        };
        let text = analyse(&row.text, row.language.as_deref());
        let context = analyse_beside(&row.context, text.language);
        let mut document = TantivyDocument::new();
        document.add_text(self.chunk, chunk_id(&key));
        document.add_text(self.document, &row.document.0);
        document.add_text(self.hash, &row.hash);
        document.add_u64(self.ordinal, u64::from(row.ordinal));
        document.add_u64(self.start, row.span.start as u64);
        document.add_u64(self.end, row.span.end as u64);
        if let Some(page) = row.page {
            document.add_u64(self.page, u64::from(page));
        }
        for heading in &row.heading {
            document.add_text(self.heading, heading);
        }
        document.add_text(self.text, &row.text);
        document.add_text(self.gap, &row.gap);
        document.add_text(self.lead, &row.lead);
        document.add_text(self.table, &row.table);
        document.add_text(self.language, tag(text.language));
        let sides = [
            (self.forms, self.stems, text),
            (self.context_forms, self.context_stems, context),
        ];
        for (forms, stems, text) in sides {
            let by_form = text.tokens.iter();
            let by_form = by_form.map(|token| (token.position, token.text.as_str()));
            let by_stem = (0..).zip(text.stems.iter().map(String::as_str));
            document.add_text(forms, lines(by_form));
            document.add_text(stems, lines(by_stem));
        }
        if !row.names.is_empty() {
            let terms = names::terms(&row.names);
            document.add_text(
                self.names,
                lines((0..).zip(terms.iter().map(String::as_str))),
            );
        }
        document
    }

    fn parse(&self, document: &TantivyDocument) -> ChunkRow {
        let text = |field: Field| {
            let value = document.get_first(field).and_then(|value| value.as_str());
            value.unwrap_or_default().to_owned()
        };
        let number = |field: Field| {
            let value = document.get_first(field).and_then(|value| value.as_u64());
            value.and_then(|value| usize::try_from(value).ok())
        };
        ChunkRow {
            document: DocumentId(text(self.document)),
            hash: text(self.hash),
            ordinal: narrow(number(self.ordinal).unwrap_or_default()),
            span: number(self.start).unwrap_or_default()..number(self.end).unwrap_or_default(),
            page: number(self.page).map(narrow),
            heading: document
                .get_all(self.heading)
                .filter_map(|value| value.as_str().map(str::to_owned))
                .collect(),
            text: text(self.text),
            gap: text(self.gap),
            context: String::new(),
            names: Vec::new(),
            lead: text(self.lead),
            table: text(self.table),
            language: None,
        }
    }
}

fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Removes lists of deleted rows that belong to no commit. A process that was ended in the middle of one leaves
/// them, and the next commit, which writes the same names, would fail for ever.
fn remove_left_overs(index: &Index, directory: &Path) -> std::io::Result<()> {
    let segments = index.searchable_segment_metas().unwrap_or_default();
    let known = segments.iter().filter_map(|segment| {
        let list = segment.delete_opstamp()?;
        Some(format!("{}.{list}.del", segment.id().uuid_string()))
    });
    let known: HashSet<String> = known.collect();
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".del") && own_files::of_words(Path::new(&name)) && !known.contains(&name)
        {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Fast fields of the segments met so far.
#[derive(Default)]
struct Columns {
    segments: std::collections::HashMap<u32, Segment>,
}

struct Segment {
    document: Option<StrColumn>,
    hash: Option<StrColumn>,
    ordinal: tantivy::columnar::Column<u64>,
}

impl Columns {
    fn candidate(
        &mut self,
        searcher: &Searcher,
        score: Score,
        address: DocAddress,
    ) -> Result<Candidate> {
        let segment = match self.segments.entry(address.segment_ord) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) => {
                let fast = searcher.segment_reader(address.segment_ord).fast_fields();
                entry.insert(Segment {
                    document: fast.str("document")?,
                    hash: fast.str("hash")?,
                    ordinal: fast.u64("ordinal")?,
                })
            }
        };
        let key = ChunkKey {
            document: DocumentId(string(segment.document.as_ref(), address.doc_id)?),
            ordinal: segment
                .ordinal
                .first(address.doc_id)
                .and_then(|ordinal| u32::try_from(ordinal).ok())
                .unwrap_or_default(),
        };
        Ok(Candidate {
            key,
            hash: string(segment.hash.as_ref(), address.doc_id)?,
            score,
        })
    }
}

fn string(column: Option<&StrColumn>, document: u32) -> Result<String> {
    let mut text = String::new();
    if let Some(column) = column
        && let Some(term) = column.term_ords(document).next()
    {
        column
            .ord_to_str(term, &mut text)
            .map_err(tantivy::TantivyError::from)?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(document: &str, hash: &str, ordinal: u32, language: &str, text: &str) -> ChunkRow {
        ChunkRow {
            document: DocumentId(document.to_owned()),
            hash: hash.to_owned(),
            ordinal,
            span: 0..text.len(),
            page: Some(3),
            heading: vec!["One".to_owned(), "Two".to_owned()],
            text: text.to_owned(),
            gap: "\n\n".to_owned(),
            context: document.to_owned(),
            names: Vec::new(),
            lead: "One".to_owned(),
            table: String::new(),
            language: Some(language.to_owned()),
        }
    }

    fn found(lexical: &Lexical, question: &str) -> Vec<String> {
        let candidates = lexical.search(question, 10, None).expect("searches");
        candidates
            .chunks
            .into_iter()
            .map(|candidate| candidate.key.document.0)
            .collect()
    }

    #[test]
    fn words_find_chunks_in_their_language() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let (lexical, opened) = Lexical::open(directory.path()).expect("opens");
        assert_eq!(opened, Opened::Fresh);
        let rows = [
            row("garden", "1", 0, "es", "Los jardines de la abuela"),
            row("boiler", "1", 0, "en", "The boilers were inspected"),
        ];
        let ids = [DocumentId("garden".into()), DocumentId("boiler".into())];
        lexical.commit(&ids, &rows, "7").expect("commits");
        assert_eq!(lexical.marker().expect("marker"), "7");
        assert_eq!(found(&lexical, "jardin"), ["garden"]);
        assert_eq!(found(&lexical, "inspecting a boiler"), ["boiler"]);
        assert!(found(&lexical, "¿?").is_empty());
        let scope = HashSet::from([DocumentId("boiler".into())]);
        let candidates = lexical
            .search("jardin", 10, Some(&scope))
            .expect("searches");
        assert_eq!(candidates, ByWords::default());
    }

    #[test]
    fn what_is_deleted_can_be_purged_while_segments_are_merged() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let (lexical, _) = Lexical::open(directory.path()).expect("opens");
        // Every eighth commit begins a merge of those before it.
        for number in 0..64 {
            let row = row(
                &format!("d{number}"),
                "1",
                0,
                "en",
                "Some text of some length",
            );
            let ids = [row.document.clone()];
            lexical.commit(&ids, &[row], "1").expect("commits");
            if number % 8 > 5 {
                lexical.commit(&ids, &[], "1").expect("deletes");
                lexical.purge().expect("purges");
                let left = lexical.contents().expect("reads");
                assert!(left.iter().all(|(id, _)| *id != ids[0]));
            }
        }
    }

    #[test]
    fn a_chunk_comes_back_as_it_was() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let (lexical, _) = Lexical::open(directory.path()).expect("opens");
        let row = row("a", "h", 4, "en", "Some text");
        lexical
            .commit(&[], std::slice::from_ref(&row), "1")
            .expect("commits");
        let key = ChunkKey {
            document: row.document.clone(),
            ordinal: 4,
        };
        let back = lexical.chunk(&key).expect("reads").expect("is there");
        assert_eq!(
            back,
            ChunkRow {
                context: String::new(),
                language: None,
                ..row
            }
        );
    }

    #[test]
    fn replacing_a_document_leaves_nothing_of_the_old() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let (lexical, _) = Lexical::open(directory.path()).expect("opens");
        let id = DocumentId("a".into());
        let old = [
            row("a", "1", 0, "en", "old words"),
            row("a", "1", 1, "en", "more words"),
        ];
        lexical.commit(&[], &old, "1").expect("commits");
        let new = [row("a", "2", 0, "en", "new words")];
        lexical
            .commit(std::slice::from_ref(&id), &new, "2")
            .expect("commits");
        assert_eq!(
            lexical.contents().expect("contents"),
            [(id, "2".to_owned())]
        );
        assert!(found(&lexical, "old").is_empty());
    }

    #[test]
    fn a_commit_that_was_broken_off_does_not_stand_in_the_way() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let open = || Lexical::open(directory.path()).expect("opens").0;
        let rows = [
            row("a", "1", 0, "en", "One pier."),
            row("b", "1", 0, "en", "Two piers."),
        ];
        let lexical = open();
        lexical.commit(&[], &rows, "1").expect("commits");
        let id = |name: &str| [DocumentId(name.to_owned())];
        lexical.commit(&id("a"), &[], "2").expect("commits");
        let segments = lexical.index.searchable_segment_ids().expect("reads");
        drop(lexical);
        for number in 0..1000 {
            let name = format!("{}.{number}.del", segments[0].uuid_string());
            // What the last commit wrote stays.
            let _ = std::fs::File::create_new(directory.path().join(name));
        }
        let lexical = open();
        assert_eq!(lexical.chunks(&id("a")[0]).expect("reads").len(), 0);
        assert_eq!(lexical.chunks(&id("b")[0]).expect("reads").len(), 1);
        lexical.commit(&id("b"), &[], "3").expect("commits");
        assert_eq!(lexical.chunks(&id("b")[0]).expect("reads").len(), 0);
    }

    #[test]
    fn a_damaged_index_is_made_anew() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let (lexical, _) = Lexical::open(directory.path()).expect("opens");
        drop(lexical);
        std::fs::write(directory.path().join("meta.json"), "{").expect("damages");
        let (_, opened) = Lexical::open(directory.path()).expect("opens");
        assert_eq!(opened, Opened::Fresh);
    }
}
