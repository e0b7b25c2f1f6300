//! BM25 over the postings, by statistics that mean the same whatever languages share the index.
//!
//! A paragraph's length is its words, however many of its language there are. How rare a word is, is counted among the
//! paragraphs in the question's language: few of them do not make its common words rare. A word counts by its form and,
//! somewhat less, by its stem.

use tantivy::fieldnorm::FieldNormReader;
use tantivy::postings::Postings;
use tantivy::query::{EnableScoring, Query, TermSetQuery};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocAddress, DocId, DocSet, Score, Searcher, SegmentReader, TERMINATED, Term};

use super::near::{beginning, near};
use super::question::{Asked, OfDay, Thing};
use crate::analysis::{Place, has_stem, stems_anywhere, tag};
use crate::error::Result;

const K1: Score = 1.2;
const B: Score = 0.75;

/// What another form of a word counts beside the very form (both: 1).
const STEM: Score = 0.9;
/// What a word counts that another may be a misspelling of, for each letter that differs.
const MISSPELT: Score = 0.6;
/// What a paragraph in another language than the question's keeps of its score.
const ELSEWHERE: Score = 0.8;
/// What of a question's rarest word one counts that nobody has written, where names are compared.
const UNKNOWN: Score = 0.5;
/// The share of a question that a name says which is the question.
const WHOLE: Score = 1.25;
/// Paragraphs of a language that are enough to know its words by.
const ENOUGH: Score = 50.0;

/// A place where words are looked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Side {
    /// The words by their forms, with their positions.
    pub forms: Field,
    /// Their stems.
    pub stems: Field,
    pub weight: Score,
}

/// What a search looks at.
pub(super) struct Ranking<'a> {
    pub searcher: &'a Searcher,
    /// The text first.
    pub sides: [Side; 2],
    /// What documents are called.
    pub names: Field,
    /// The language of a paragraph.
    pub language: Field,
}

/// The best of an index.
pub(super) struct Best {
    pub chunks: Vec<(Score, DocAddress)>,
    /// Documents by their names.
    pub named: Vec<(Score, DocAddress)>,
}

/// How often a thing is in each document of a segment.
type Found = Vec<(DocId, Score)>;

impl Ranking<'_> {
    /// The best documents, the best first; of those in `scope`, where it is given.
    pub(super) fn best(
        &self,
        asked: &Asked,
        scope: Option<&TermSetQuery>,
        limit: usize,
    ) -> Result<Best> {
        let mut scores = self.nothing();
        let things = asked.things.iter();
        let things: Vec<Thing> = things
            .map(|thing| self.known(thing))
            .collect::<Result<_>>()?;
        for thing in &things {
            for (place, side) in self.sides.iter().enumerate() {
                let found = self.found(thing, side)?;
                let with: usize = found.iter().map(Vec::len).sum();
                if with == 0 {
                    continue;
                }
                let languages: &[Place] = if place == 0 { &asked.languages } else { &[] };
                let weight = self.rarity(thing, with, languages)? * thing.weight * side.weight;
                self.add(&found, side, weight, &mut scores)?;
            }
        }
        self.prefer(&asked.languages, &mut scores)?;
        let mut named = self.named(asked, &things)?;
        let scope = scope.map(|scope| self.inside(scope)).transpose()?;
        for kept in [self.admitted(asked)?, scope].into_iter().flatten() {
            for scores in [&mut scores, &mut named] {
                let left = scores.iter_mut().flatten().zip(kept.iter().flatten());
                left.filter(|(_, is_kept)| !**is_kept)
                    .for_each(|(score, _)| *score = 0.0);
            }
        }
        Ok(Best {
            chunks: highest(&scores, limit),
            named: highest(&named, limit),
        })
    }

    /// No score for any document, by segments.
    fn nothing(&self) -> Vec<Vec<Score>> {
        let segments = self.searcher.segment_readers().iter();
        segments
            .map(|segment| vec![0.0; segment.max_doc() as usize])
            .collect()
    }

    /// How much of what a question says the names of each document have, by how rare each word is; more where a name is
    /// the question. Words that nobody has written tell no document from another, and count for half.
    fn named(&self, asked: &Asked, things: &[Thing]) -> Result<Vec<Vec<Score>>> {
        let mut shares = self.nothing();
        let names = Side {
            forms: self.names,
            stems: self.names,
            weight: 1.0,
        };
        let mut all = 0.0;
        let mut found = Vec::new();
        for (thing, said) in things.iter().zip(&asked.things) {
            if !said.counts_in_names() {
                continue;
            }
            let in_names = self.found(thing, &names)?;
            let mut with: usize = in_names.iter().map(Vec::len).sum();
            for side in &self.sides {
                with = with.max(self.most_with(thing, side)?);
            }
            let weight = self.rarity(said, with, &asked.languages)? * said.name_weight();
            all += match with {
                // It may be written in another way.
                0 if said.day == OfDay::Itself => 0.0,
                0 => UNKNOWN * weight,
                _ => weight,
            };
            // What may be misspelt is believed much less: names are short, and any word is near another.
            let belief = thing.weight / said.weight;
            found.push((in_names, weight * belief * belief));
        }
        if all <= 0.0 {
            return Ok(shares);
        }
        for (in_names, weight) in found {
            for (shares, found) in shares.iter_mut().zip(in_names) {
                for (document, count) in found {
                    shares[document as usize] += weight * count.min(1.0) / all;
                }
            }
        }
        if let Some(whole) = &asked.whole {
            for (segment, shares) in self.searcher.segment_readers().iter().zip(&mut shares) {
                let mut is_it = Found::new();
                read(segment, self.names, whole, &mut is_it)?;
                for (document, _) in is_it {
                    shares[document as usize] = WHOLE;
                }
            }
        }
        Ok(shares)
    }

    /// How many documents have the commonest of a thing's terms.
    fn most_with(&self, thing: &Thing, side: &Side) -> Result<usize> {
        let forms = thing.forms.iter().map(|form| (side.forms, form));
        let stems = thing.stems.iter().map(|(_, stem)| (side.stems, stem));
        let mut most = 0;
        for (field, term) in forms.chain(stems) {
            most = most.max(self.documents(field, term)?);
        }
        Ok(usize::try_from(most).unwrap_or(usize::MAX))
    }

    /// What a thing is among the words that there are: where no document has it, it may be misspelt.
    fn known(&self, thing: &Thing) -> Result<Thing> {
        if thing.is_beginning {
            let forms = beginning(self.searcher, self.sides[0].forms, &thing.forms[0])?;
            return Ok(Thing {
                forms,
                ..thing.clone()
            });
        }
        if !thing.is_word || thing.stems.is_empty() || self.is_there(thing)? {
            return Ok(thing.clone());
        }
        let mut nearest = (Vec::new(), usize::MAX);
        for side in &self.sides {
            let (words, distance) = near(self.searcher, side.forms, &thing.forms[0])?;
            if !words.is_empty() && distance < nearest.1 {
                nearest = (words, distance);
            }
        }
        let (words, distance) = nearest;
        if words.is_empty() {
            return Ok(thing.clone());
        }
        Ok(Thing {
            stems: Vec::new(),
            forms: words,
            weight: thing.weight * misspelt(distance),
            ..thing.clone()
        })
    }

    /// Whether any document has a thing.
    pub(super) fn is_there(&self, thing: &Thing) -> Result<bool> {
        for side in &self.sides {
            for form in &thing.forms {
                if self.documents(side.forms, form)? > 0 {
                    return Ok(true);
                }
            }
            for (_, stem) in &thing.stems {
                if self.documents(side.stems, stem)? > 0 {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// How rare a thing is that `with` documents have: BM25's inverse document frequency, of the question's language.
    #[expect(clippy::cast_precision_loss, reason = "a weight")]
    pub(super) fn rarity(&self, thing: &Thing, with: usize, languages: &[Place]) -> Result<Score> {
        let all = self.searcher.num_docs() as Score;
        let share = (with as Score / all.max(1.0)).min(1.0);
        let mut commonest: Option<Score> = None;
        for language in languages {
            let stems = thing.stems.iter().filter(|(of, _)| *of == Some(*language));
            let mut of_language = 0;
            let mut has_stem = false;
            for (_, stem) in stems {
                has_stem = true;
                of_language = of_language.max(self.documents(self.sides[0].stems, stem)?);
            }
            if has_stem {
                let those = self.documents(self.language, tag(Some(*language)))? as Score;
                let here = (of_language as Score + ENOUGH * share) / (those + ENOUGH);
                commonest = Some(commonest.unwrap_or_default().max(here));
            }
        }
        let with = commonest.unwrap_or(share) * all;
        Ok((1.0 + (all - with + 0.5).max(0.0) / (with + 0.5)).ln())
    }

    pub(super) fn documents(&self, field: Field, term: &str) -> Result<u64> {
        Ok(self
            .searcher
            .doc_freq(&Term::from_field_text(field, term))?)
    }

    fn add(
        &self,
        found: &[Found],
        side: &Side,
        weight: Score,
        scores: &mut [Vec<Score>],
    ) -> Result<()> {
        let average = self.average(side)?;
        let lengths: Vec<Score> = (0..=u8::MAX)
            .map(|id| {
                #[expect(clippy::cast_precision_loss, reason = "an approximation itself")]
                let length = FieldNormReader::id_to_fieldnorm(id) as Score;
                K1 * (1.0 - B + B * length / average)
            })
            .collect();
        for ((segment, found), scores) in self
            .searcher
            .segment_readers()
            .iter()
            .zip(found)
            .zip(scores)
        {
            let Some(norms) = segment.fieldnorms_readers().get_field(side.forms)? else {
                continue;
            };
            for (document, count) in found {
                let length = lengths[usize::from(norms.fieldnorm_id(*document))];
                scores[*document as usize] += weight * (1.0 + K1) * count / (count + length);
            }
        }
        Ok(())
    }

    /// Takes some away from paragraphs in other languages than the question's, where that is known: what looks like its
    /// words is often others.
    fn prefer(&self, languages: &[Place], scores: &mut [Vec<Score>]) -> Result<()> {
        if languages.is_empty() {
            return Ok(());
        }
        let tags = languages.iter().map(|language| Some(*language));
        for (segment, scores) in self.searcher.segment_readers().iter().zip(scores) {
            let mut own = Found::new();
            for language in tags.clone().chain([None]) {
                read(segment, self.language, tag(language), &mut own)?;
            }
            let mut is_own = vec![false; scores.len()];
            for (document, _) in own {
                is_own[document as usize] = true;
            }
            let others = scores.iter_mut().zip(is_own).filter(|(_, is_own)| !is_own);
            others.for_each(|(score, _)| *score *= ELSEWHERE);
        }
        Ok(())
    }

    /// How many words a document has.
    #[expect(clippy::cast_precision_loss, reason = "an average")]
    fn average(&self, side: &Side) -> Result<Score> {
        let (mut words, mut documents) = (0, 0);
        for segment in self.searcher.segment_readers() {
            words += segment.inverted_index(side.forms)?.total_num_tokens();
            documents += u64::from(segment.max_doc());
        }
        Ok((words as Score / documents.max(1) as Score).max(1.0))
    }

    /// Where a thing is, by segments.
    fn found(&self, thing: &Thing, side: &Side) -> Result<Vec<Found>> {
        let segments = self.searcher.segment_readers().iter();
        segments
            .map(|segment| in_segment(thing, side, segment))
            .collect()
    }

    /// Which chunks have the phrases of a question, by segments; none where it has no phrases.
    pub(super) fn admitted(&self, asked: &Asked) -> Result<Option<Vec<Vec<bool>>>> {
        if asked.phrases.is_empty() {
            return Ok(None);
        }
        let segments = self.searcher.segment_readers().iter();
        let all = segments.map(|segment| vec![true; segment.max_doc() as usize]);
        let mut admitted: Vec<Vec<bool>> = all.collect();
        for phrase in &asked.phrases {
            let having = self.having(&following(phrase.clone()))?;
            // Of what nobody has written, the words will do.
            if having.iter().flatten().any(|has| *has) {
                both(&mut admitted, &having, |is_admitted, has| {
                    is_admitted && has
                });
            }
        }
        Ok(Some(admitted))
    }

    /// Which chunks have something that a question leaves out, by segments.
    pub(super) fn left_out(&self, asked: &Asked) -> Result<Vec<Vec<bool>>> {
        let segments = self.searcher.segment_readers().iter();
        let none = segments.map(|segment| vec![false; segment.max_doc() as usize]);
        let mut left_out: Vec<Vec<bool>> = none.collect();
        for words in &asked.left_out {
            let stems = match words.as_slice() {
                [word] if has_stem(word) => stems_anywhere(word),
                _ => Vec::new(),
            };
            let forms = words.iter().map(|word| word.text.clone()).collect();
            let having = self.having(&Thing {
                stems,
                ..following(forms)
            })?;
            both(&mut left_out, &having, |one, other| one || other);
        }
        Ok(left_out)
    }

    /// Which documents have a thing, on any side.
    fn having(&self, thing: &Thing) -> Result<Vec<Vec<bool>>> {
        let segments = self.searcher.segment_readers().iter();
        let none = segments.map(|segment| vec![false; segment.max_doc() as usize]);
        let mut having: Vec<Vec<bool>> = none.collect();
        for side in &self.sides {
            for (having, found) in having.iter_mut().zip(self.found(thing, side)?) {
                for (document, _) in found {
                    having[document as usize] = true;
                }
            }
        }
        Ok(having)
    }

    fn inside(&self, scope: &TermSetQuery) -> Result<Vec<Vec<bool>>> {
        let weight = scope.weight(EnableScoring::disabled_from_searcher(self.searcher))?;
        let segments = self.searcher.segment_readers().iter();
        segments
            .map(|segment| {
                let mut inside = vec![false; segment.max_doc() as usize];
                let mut documents = weight.scorer(segment, 1.0)?;
                while documents.doc() != TERMINATED {
                    inside[documents.doc() as usize] = true;
                    documents.advance();
                }
                Ok(inside)
            })
            .collect()
    }
}

/// What a word counts that another may be a misspelling of, which differs in so many letters.
pub(super) fn misspelt(distance: usize) -> Score {
    MISSPELT.powi(i32::try_from(distance).unwrap_or(i32::MAX))
}

/// The best of all that have a score, the best first.
fn highest(scores: &[Vec<Score>], limit: usize) -> Vec<(Score, DocAddress)> {
    let mut best = Vec::new();
    for (segment, scores) in (0..).zip(scores) {
        let scores = (0..).zip(scores).filter(|(_, score)| **score > 0.0);
        best.extend(scores.map(|(document, score)| (*score, DocAddress::new(segment, document))));
    }
    let order = |one: &(Score, DocAddress), other: &(Score, DocAddress)| {
        other.0.total_cmp(&one.0).then(one.1.cmp(&other.1))
    };
    if limit > 0 && best.len() > limit {
        best.select_nth_unstable_by(limit - 1, order);
    }
    best.truncate(limit);
    best.sort_unstable_by(order);
    best
}

/// Words that follow each other, or are written as one.
fn following(words: Vec<String>) -> Thing {
    Thing {
        forms: vec![words.concat()],
        phrase: words,
        ..Thing::default()
    }
}

fn both(into: &mut [Vec<bool>], other: &[Vec<bool>], of: impl Fn(bool, bool) -> bool) {
    for (into, other) in into.iter_mut().flatten().zip(other.iter().flatten()) {
        *into = of(*into, *other);
    }
}

/// How often a thing is in each document of a segment that is not deleted: by its forms, and less by its stems.
fn in_segment(thing: &Thing, side: &Side, segment: &SegmentReader) -> Result<Found> {
    let mut forms = Found::new();
    for form in &thing.forms {
        read(segment, side.forms, form, &mut forms)?;
    }
    if thing.phrase.len() > 1 {
        follow(segment, side.forms, &thing.phrase, &mut forms)?;
    }
    let forms = united(forms, |one, other| one + other);
    let mut stems = Found::new();
    for (_, stem) in &thing.stems {
        read(segment, side.stems, stem, &mut stems)?;
    }
    let stems = united(stems, Score::max);
    let forms = forms
        .into_iter()
        .map(|(document, count)| (document, count, 0.0));
    let stems = stems
        .into_iter()
        .map(|(document, count)| (document, 0.0, count));
    let mut both: Vec<(DocId, Score, Score)> = forms.chain(stems).collect();
    both.sort_by_key(|(document, ..)| *document);
    both.dedup_by(|next, kept| {
        let is_same = next.0 == kept.0;
        if is_same {
            kept.2 = next.2;
        }
        is_same
    });
    let counts = both
        .into_iter()
        .map(|(document, form, stem)| (document, form + STEM * (stem - form).max(0.0)));
    let mut counts: Found = counts.collect();
    if let Some(alive) = segment.alive_bitset() {
        counts.retain(|(document, _)| alive.is_alive(*document));
    }
    Ok(counts)
}

fn read(segment: &SegmentReader, field: Field, term: &str, into: &mut Found) -> Result<()> {
    let index = segment.inverted_index(field)?;
    let term = Term::from_field_text(field, term);
    let postings = index.read_postings(&term, IndexRecordOption::WithFreqs);
    let Some(mut postings) = postings.map_err(tantivy::TantivyError::from)? else {
        return Ok(());
    };
    while postings.doc() != TERMINATED {
        #[expect(clippy::cast_precision_loss, reason = "a count of words")]
        into.push((postings.doc(), postings.term_freq() as Score));
        postings.advance();
    }
    Ok(())
}

/// Reads where all words of a phrase follow each other.
fn follow(
    segment: &SegmentReader,
    field: Field,
    phrase: &[String],
    into: &mut Found,
) -> Result<()> {
    let index = segment.inverted_index(field)?;
    let mut words = Vec::new();
    for word in phrase {
        let term = Term::from_field_text(field, word);
        let option = IndexRecordOption::WithFreqsAndPositions;
        match index
            .read_postings(&term, option)
            .map_err(tantivy::TantivyError::from)?
        {
            Some(postings) => words.push(postings),
            None => return Ok(()),
        }
    }
    let (mut starts, mut positions) = (Vec::new(), Vec::new());
    let mut document = words[0].doc();
    while document != TERMINATED {
        let mut furthest = document;
        for postings in &mut words {
            if postings.doc() < furthest {
                postings.seek(furthest);
            }
            furthest = furthest.max(postings.doc());
        }
        if furthest > document {
            document = furthest;
            continue;
        }
        words[0].positions(&mut starts);
        for (place, postings) in (0..).zip(&mut words).skip(1) {
            postings.positions(&mut positions);
            starts.retain(|start| positions.binary_search(&(start + place)).is_ok());
        }
        if !starts.is_empty() {
            #[expect(clippy::cast_precision_loss, reason = "a count of words")]
            into.push((document, starts.len() as Score));
        }
        document = words[0].advance();
    }
    Ok(())
}

/// One count for each document, in order.
fn united(mut found: Found, join: impl Fn(Score, Score) -> Score) -> Found {
    found.sort_by_key(|(document, _)| *document);
    found.dedup_by(|next, kept| {
        let is_same = next.0 == kept.0;
        if is_same {
            kept.1 = join(kept.1, next.1);
        }
        is_same
    });
    found
}
