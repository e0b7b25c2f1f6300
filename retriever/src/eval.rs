//! Judging answers: what is expected of one, what it says, and the figures of many.
//!
//! Pure functions over plain data: `vade eval` reads the cases, asks, and hands the answers over. Nothing here decides
//! how an answer is made, and nothing that makes answers looks here.

use std::collections::{BTreeMap, BTreeSet};

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

/// What is measured of answers: the key in JSON, and the name for people. Each is a share, 0 to 1.
pub const MEASURES: [(&str, &str); 19] = [
    ("right", "right"),
    ("wrong", "answered wrongly"),
    ("gold", "contains gold"),
    ("gold_share", "expected points said"),
    ("clean", "nothing false said"),
    ("phrase_f1", "phrase F1"),
    ("first_citation", "first citation right"),
    ("verbatim", "citations verbatim"),
    ("quotes_with_gold", "citations with the gold"),
    ("proven", "a citation has the gold"),
    ("refused", "answerable refused"),
    ("absent_refused", "absent refused"),
    ("list", "list exact"),
    ("language_right", "language right"),
    ("prompted", "document in the prompt"),
    ("recall_1", "recall@1"),
    ("recall_5", "recall@5"),
    ("recall_10", "recall@10"),
    ("ndcg_10", "nDCG@10"),
];

/// The kind of question of which only the language of the answer counts.
const LANGUAGE: &str = "language";

/// A string, or several of which each will do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Wanted {
    /// One.
    One(String),
    /// Any of these.
    Any(Vec<String>),
}

/// A question, and what is expected of its answer. Whatever is left out is not judged.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// The question.
    pub question: String,
    /// What kind of question it is; figures are given for each kind.
    #[serde(default = "fact")]
    pub kind: String,
    /// The language of the answer (ISO 639-1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The conversation it belongs to, whose questions are asked in order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<String>,
    /// What must be said, all of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expect: Vec<Wanted>,
    /// What must not be said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reject: Vec<String>,
    /// The end of the path of the document it stands in.
    #[serde(default, skip_serializing_if = "Wanted::is_none")]
    pub cites: Wanted,
    /// The shortest answer, word for word.
    #[serde(default, skip_serializing_if = "Wanted::is_none")]
    pub phrase: Wanted,
    /// The document's sentence that answers it: a citation must quote it, or a part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<String>,
    /// The notes that must be listed, by their file names' stems, and no other of their folders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<Vec<String>>,
    /// Whether the documents hold an answer.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub found: bool,
}

/// What came of a question.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answered {
    /// The words.
    pub answer: String,
    /// The exact phrase, where one was given.
    pub phrase: Option<String>,
    /// All that a table beside the words says.
    pub table: String,
    /// Paths of the documents that the table lists; none where there is no such table.
    pub listed: Option<Vec<String>>,
    /// Whether an answer was found.
    pub found: bool,
    /// What is cited.
    pub citations: Vec<Quote>,
    /// Paths of the passages that the answer was made from.
    pub passages: Vec<String>,
    /// Paths of what a search finds, the best first; none where nothing was searched.
    pub searched: Option<Vec<String>>,
    /// Why there is no answer at all.
    pub error: Option<String>,
}

/// A citation, as it is judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Quote {
    /// Path of the document.
    pub path: String,
    /// Its words.
    pub quote: String,
    /// Whether they stand in it.
    pub verbatim: bool,
}

/// What a person would say of an answer.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Verdict {
    /// The shares that apply, by their keys in `MEASURES`.
    #[serde(flatten)]
    pub shares: BTreeMap<&'static str, f64>,
    /// What was expected and not said.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lacks: Vec<Wanted>,
    /// What was said and must not be.
    #[serde(rename = "false", skip_serializing_if = "Vec::is_empty")]
    pub false_said: Vec<String>,
    /// Notes that were not listed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub list_missing: Vec<String>,
    /// Notes that were listed and do not belong there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub list_extra: Vec<String>,
    /// The language of the answer, where its words tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<&'static str>,
}

/// An answer's verdict and the time it took.
#[derive(Debug, Clone, Copy)]
pub struct Measured<'a> {
    /// The verdict.
    pub verdict: &'a Verdict,
    /// Until its first words.
    pub first_token_ms: Option<f64>,
    /// Until its end.
    pub total_ms: f64,
}

/// A mean over the answers it applies to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Mean {
    /// The mean.
    pub mean: f64,
    /// Over so many.
    pub n: usize,
}

/// How long something took.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Times {
    /// Half took no longer.
    pub median: f64,
    /// Nine of ten took no longer.
    pub p90: f64,
}

/// The figures of many answers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Answers.
    pub n: usize,
    /// Until the first words (milliseconds).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_token_ms: Option<Times>,
    /// Until the end (milliseconds).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_ms: Option<Times>,
    /// Shares, by their keys in `MEASURES`.
    #[serde(flatten)]
    pub shares: BTreeMap<String, Mean>,
}

impl Default for Wanted {
    fn default() -> Self {
        Self::Any(Vec::new())
    }
}

impl Wanted {
    /// The strings that will do.
    #[must_use]
    pub fn strings(&self) -> &[String] {
        match self {
            Self::One(string) => std::slice::from_ref(string),
            Self::Any(strings) => strings,
        }
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.strings().is_empty()
    }

    fn is_said(&self, text: &str) -> bool {
        self.strings().iter().any(|one| says(text, one))
    }
}

impl Case {
    /// What is wrong with it, in words for whoever wrote it.
    #[must_use]
    pub fn mistake(&self) -> Option<String> {
        if self.question.trim().is_empty() {
            return Some("a question has no words".to_owned());
        }
        let expected = self.expect.iter().flat_map(Wanted::strings);
        let mut patterns = expected.chain(&self.reject).filter_map(|one| pattern(one));
        let wrong = patterns.find_map(|one| compiled(one).err());
        wrong.map(|error| format!("{:?}: {error}", self.question))
    }
}

fn fact() -> String {
    "fact".to_owned()
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_yes(found: &bool) -> bool {
    *found
}

/// The cases that are asked for: those of a kind, from the `offset`th on, and `limit` of them evenly spread (0: all).
/// Conversations stay whole.
#[must_use]
pub fn choose(cases: Vec<Case>, only: Option<&str>, offset: usize, limit: usize) -> Vec<Case> {
    let of_kind = |case: &Case| only.is_none_or(|kind| case.kind == kind);
    let cases = with_conversations(cases, |_, case| of_kind(case));
    let cases: Vec<Case> = cases.into_iter().skip(offset).collect();
    let total = cases.len();
    if limit == 0 || total <= limit {
        return cases;
    }
    let chosen: BTreeSet<usize> = (0..limit).map(|number| number * total / limit).collect();
    with_conversations(cases, |number, _| chosen.contains(&number))
}

/// The cases that are wanted, and those of the same conversations.
fn with_conversations(cases: Vec<Case>, wanted: impl Fn(usize, &Case) -> bool) -> Vec<Case> {
    let numbered = cases.iter().enumerate();
    let chosen = numbered.filter(|(number, case)| wanted(*number, case));
    let threads: BTreeSet<String> = chosen
        .filter_map(|(_, case)| case.conversation.clone())
        .collect();
    let kept = cases.into_iter().enumerate().filter(|(number, case)| {
        let whole = case.conversation.as_ref();
        wanted(*number, case) || whole.is_some_and(|thread| threads.contains(thread))
    });
    kept.map(|(_, case)| case).collect()
}

/// Whether the `number`th of many is one of the evenly spread `share` (0 to 1) that is left out.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "numbers of paragraphs")]
pub fn is_left_out(number: usize, share: f64) -> bool {
    ((number + 1) as f64 * share).floor() > (number as f64 * share).floor()
}

/// Judges an answer; `files` are the paths of all documents, for lists.
#[must_use]
pub fn judge(case: &Case, answered: &Answered, files: &[String]) -> Verdict {
    let said = format!("{}\n{}", answered.answer, answered.table);
    let mut verdict = Verdict::default();
    let mut right = answered.found == case.found && answered.error.is_none();
    if case.kind != LANGUAGE {
        let refused = if case.found {
            "refused"
        } else {
            "absent_refused"
        };
        verdict.set(refused, !answered.found);
    }
    if case.found && !case.expect.is_empty() {
        let lacks = case.expect.iter().filter(|wanted| !wanted.is_said(&said));
        verdict.lacks = lacks.cloned().collect();
        verdict.set("gold", verdict.lacks.is_empty());
        let lacking = share(verdict.lacks.len(), case.expect.len());
        verdict.shares.insert("gold_share", 1.0 - lacking);
        right &= verdict.lacks.is_empty();
    }
    if !case.reject.is_empty() {
        let rejected = case.reject.iter().filter(|one| says(&said, one));
        verdict.false_said = rejected.cloned().collect();
        verdict.set("clean", verdict.false_said.is_empty());
        right &= verdict.false_said.is_empty();
    }
    if let Some(wanted) = &case.list {
        right &= verdict.judge_list(wanted, &said, answered, files);
    }
    if case.found {
        verdict.judge_phrase(case, answered);
        verdict.judge_documents(case, answered);
    }
    right &= verdict.judge_citations(case, answered);
    if let Some(language) = &case.language {
        verdict.language = language_of(&answered.answer);
        let fits = verdict.language.is_none_or(|told| told == language);
        verdict.set("language_right", fits);
        if case.kind == LANGUAGE {
            right = fits && answered.error.is_none();
        }
    }
    verdict.set("right", right);
    verdict.set("wrong", answered.found && !right);
    verdict
}

impl Verdict {
    /// Whether the answer is as it should be.
    #[must_use]
    pub fn is_right(&self) -> bool {
        self.shares.get("right").is_some_and(|share| *share > 0.5)
    }

    fn set(&mut self, key: &'static str, holds: bool) {
        self.shares.insert(key, f64::from(u8::from(holds)));
    }

    /// Another note is one too many where it is of a folder that was asked for. Where a table lists documents its rows
    /// count, as their evidence may name others; else all that is said.
    fn judge_list(
        &mut self,
        wanted: &[String],
        said: &str,
        answered: &Answered,
        files: &[String],
    ) -> bool {
        let is_listed = |name: &str| match &answered.listed {
            Some(rows) => rows.iter().any(|path| stem(path) == name),
            None => says(said, name),
        };
        let is_wanted = |path: &String| wanted.iter().any(|one| one == stem(path));
        let folders: BTreeSet<&str> = files
            .iter()
            .filter(|path| is_wanted(path))
            .map(|path| folder(path))
            .collect();
        let others = files
            .iter()
            .filter(|path| folders.contains(folder(path)) && !is_wanted(path));
        let extra = others.filter(|path| match &answered.listed {
            Some(rows) => rows.contains(path),
            None => says(said, stem(path)),
        });
        let extra = extra.map(|path| stem(path));
        self.list_extra = extra.map(str::to_owned).collect();
        let missing = wanted.iter().filter(|one| !is_listed(one));
        self.list_missing = missing.cloned().collect();
        let exact = answered.found && self.list_extra.is_empty() && self.list_missing.is_empty();
        self.set("list", exact);
        exact
    }

    fn judge_phrase(&mut self, case: &Case, answered: &Answered) {
        if case.phrase.is_none() {
            return;
        }
        let said = answered.phrase.as_ref().unwrap_or(&answered.answer);
        let golds = case.phrase.strings().iter();
        let best = golds.map(|gold| f1(said, gold)).fold(0.0, f64::max);
        let best = if answered.found { best } else { 0.0 };
        self.shares.insert("phrase_f1", best);
    }

    fn judge_documents(&mut self, case: &Case, answered: &Answered) {
        let wanted = case.cites.strings();
        if wanted.is_empty() {
            return;
        }
        if answered.found {
            let first = answered.citations.first();
            let right = first.is_some_and(|citation| is_named(&citation.path, wanted));
            self.set("first_citation", right);
        }
        let prompted = answered.passages.iter();
        self.set(
            "prompted",
            prompted.into_iter().any(|path| is_named(path, wanted)),
        );
        let Some(searched) = &answered.searched else {
            return;
        };
        let places = places(searched, wanted);
        for (key, k) in [("recall_1", 1), ("recall_5", 5), ("recall_10", 10)] {
            self.shares.insert(key, recall(&places, wanted.len(), k));
        }
        self.shares
            .insert("ndcg_10", ndcg(&places, wanted.len(), 10));
    }

    /// Whether some citation proves what one has to prove.
    fn judge_citations(&mut self, case: &Case, answered: &Answered) -> bool {
        let citations = &answered.citations;
        if !citations.is_empty() {
            let verbatim = citations
                .iter()
                .filter(|citation| citation.verbatim)
                .count();
            self.shares
                .insert("verbatim", share(verbatim, citations.len()));
        }
        let golds: Vec<&String> = match case.expect.as_slice() {
            [] => case.phrase.strings().iter().collect(),
            expect => expect.iter().flat_map(Wanted::strings).collect(),
        };
        if !case.found || (golds.is_empty() && case.quote.is_none()) {
            return true;
        }
        let proves =
            |citation: &&Quote| citation.verbatim && citation.has(&golds, case.quote.as_deref());
        let proving = citations.iter().filter(proves).count();
        if !citations.is_empty() {
            self.shares
                .insert("quotes_with_gold", share(proving, citations.len()));
        }
        if answered.found {
            self.set("proven", proving > 0);
        }
        case.quote.is_none() || proving > 0
    }
}

impl Quote {
    fn has(&self, golds: &[&String], sentence: Option<&str>) -> bool {
        // The cells of a row that commas separate stand apart.
        let text = if self.path.ends_with(".csv") {
            self.quote.replace(',', " | ")
        } else {
            self.quote.clone()
        };
        if golds.iter().any(|gold| says(&text, gold)) {
            return true;
        }
        let Some(sentence) = sentence else {
            return false;
        };
        let (quote, sentence) = (words(&self.quote).join(" "), words(sentence).join(" "));
        !quote.is_empty() && (quote.contains(&sentence) || sentence.contains(&quote))
    }
}

/// The figures of answers.
#[must_use]
pub fn figures(measured: &[Measured<'_>]) -> Figures {
    let mut shares = BTreeMap::new();
    for (key, _) in MEASURES {
        let values = measured
            .iter()
            .filter_map(|one| one.verdict.shares.get(key));
        let values: Vec<f64> = values.copied().collect();
        if !values.is_empty() {
            shares.insert(key.to_owned(), mean(&values));
        }
    }
    let first: Vec<f64> = measured
        .iter()
        .filter_map(|one| one.first_token_ms)
        .collect();
    let total: Vec<f64> = measured.iter().map(|one| one.total_ms).collect();
    Figures {
        n: measured.len(),
        first_token_ms: times(&first),
        total_ms: times(&total),
        shares,
    }
}

#[expect(clippy::cast_precision_loss, reason = "numbers of answers")]
fn mean(values: &[f64]) -> Mean {
    Mean {
        mean: values.iter().sum::<f64>() / values.len() as f64,
        n: values.len(),
    }
}

#[expect(clippy::cast_precision_loss, reason = "short lists")]
fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}

fn times(values: &[f64]) -> Option<Times> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    // The nearest rank.
    let at = |tenths: usize| sorted.get((sorted.len() * tenths).div_ceil(10).checked_sub(1)?);
    Some(Times {
        median: *at(5)?,
        p90: *at(9)?,
    })
}

/// Where the documents that are wanted stand among those found, each once, from 1.
fn places(searched: &[String], wanted: &[String]) -> Vec<usize> {
    let mut files: Vec<&String> = Vec::new();
    for path in searched {
        if !files.contains(&path) {
            files.push(path);
        }
    }
    let numbered = (1..).zip(files);
    let right = numbered.filter(|(_, path)| is_named(path, wanted));
    right.map(|(place, _)| place).collect()
}

/// The share of the documents wanted, or of `k` where there are more, that stand in the first `k` places.
fn recall(places: &[usize], wanted: usize, k: usize) -> f64 {
    let found = places.iter().filter(|place| **place <= k).count();
    share(found, wanted.min(k))
}

/// Normalised discounted cumulative gain (Järvelin and Kekäläinen 2002), with gains of 0 and 1.
fn ndcg(places: &[usize], wanted: usize, k: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "places in a short list")]
    let gain = |place: usize| 1.0 / ((place + 1) as f64).log2();
    let best: f64 = (1..=wanted.min(k)).map(gain).sum();
    let got = places.iter().filter(|place| **place <= k);
    got.map(|place| gain(*place)).sum::<f64>() / best
}

/// Whether a path ends with one of these names.
fn is_named(path: &str, wanted: &[String]) -> bool {
    wanted.iter().any(|name| {
        let before = path.strip_suffix(name.as_str());
        before.is_some_and(|before| before.is_empty() || before.ends_with('/'))
    })
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn stem(path: &str) -> &str {
    let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// Whether a text says a string, at the bounds of words and numbers, or matches `/a pattern/`.
#[must_use]
pub fn says(text: &str, wanted: &str) -> bool {
    let folded = fold(text);
    if let Some(pattern) = pattern(wanted) {
        return compiled(pattern).is_ok_and(|pattern| pattern.is_match(&folded));
    }
    let plain = fold(wanted);
    if plain.is_empty() {
        return false;
    }
    let mut found = folded.match_indices(&plain);
    if found.any(|(at, plain)| stands_alone(&folded, at, at + plain.len())) {
        return true;
    }
    // Else word by word, as long as there are words.
    let bare = words(wanted).join(" ");
    let said = format!(" {} ", words(text).join(" "));
    bare.contains(char::is_alphabetic) && said.contains(&format!(" {bare} "))
}

fn pattern(wanted: &str) -> Option<&str> {
    let inner = wanted.strip_prefix('/')?.strip_suffix('/')?;
    (!inner.is_empty()).then_some(inner)
}

fn compiled(pattern: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(pattern).case_insensitive(true).build()
}

/// Whether a place in a text is not a part of a longer word or number.
fn stands_alone(text: &str, start: usize, end: usize) -> bool {
    let inside = &text[start..end];
    let before = text[..start].chars().rev();
    !goes_on(inside.chars().next(), before)
        && !goes_on(inside.chars().next_back(), text[end..].chars())
}

/// Whether a word or number goes on beyond its edge.
fn goes_on(edge: Option<char>, mut beyond: impl Iterator<Item = char>) -> bool {
    let Some(edge) = edge.filter(|edge| edge.is_alphanumeric()) else {
        return false;
    };
    match beyond.next() {
        Some('.' | ',' | ':' | '/' | '-') => {
            edge.is_ascii_digit() && beyond.next().is_some_and(|next| next.is_ascii_digit())
        }
        next => next.is_some_and(|next| next.is_alphanumeric() || next == '_'),
    }
}

/// Text as it is compared: without markers, emphasis, and differences that are not seen.
fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        if let Some(after) = after_marker(rest) {
            folded.truncate(folded.trim_end().len());
            rest = after;
            continue;
        }
        rest = &rest[character.len_utf8()..];
        match character {
            '*' | '`' => {}
            '_' if rest.starts_with('_') => rest = &rest[1..],
            '‘' | '’' => folded.push('\''),
            '“' | '”' | '«' | '»' => folded.push('"'),
            '–' | '‑' | '−' => folded.push('-'),
            space if space.is_whitespace() => {
                if !folded.is_empty() && !folded.ends_with(' ') {
                    folded.push(' ');
                }
            }
            other => folded.extend(other.to_lowercase()),
        }
    }
    folded.truncate(folded.trim_end().len());
    folded
}

/// What follows a marker such as `[1]`, where a text begins with one.
fn after_marker(text: &str) -> Option<&str> {
    let (number, after) = text.strip_prefix('[')?.split_once(']')?;
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then_some(after)
}

const PUNCTUATION: &str = "!\"#%&'()*,-./:;?@[\\]_{}¡¿§¶·…—„‚‹›•†‡";

const ARTICLES: [&str; 12] = [
    "a", "an", "the", "el", "la", "los", "las", "lo", "un", "una", "unos", "unas",
];

/// The words of a text as SQuAD compares them (Rajpurkar et al. 2016), in English and Spanish: without case,
/// punctuation and articles.
fn words(text: &str) -> Vec<String> {
    let plain: String = fold(text)
        .chars()
        .filter(|character| !PUNCTUATION.contains(*character))
        .collect();
    let words = plain.split_whitespace();
    let words = words.filter(|word| !ARTICLES.contains(word));
    words.map(str::to_owned).collect()
}

/// The harmonic mean of precision and recall over words.
#[must_use]
pub fn f1(said: &str, gold: &str) -> f64 {
    let (said, gold) = (words(said), words(gold));
    if said.is_empty() || gold.is_empty() {
        return f64::from(u8::from(said == gold));
    }
    let mut left = gold.clone();
    let mut common = 0;
    for word in &said {
        if let Some(at) = left.iter().position(|other| other == word) {
            left.swap_remove(at);
            common += 1;
        }
    }
    share(2 * common, said.len() + gold.len())
}

/// A language: its code, its small words, and letters that hardly another of these has.
struct Signs {
    code: &'static str,
    words: &'static str,
    letters: &'static str,
}

const LANGUAGES: [Signs; 6] = [
    Signs {
        code: "en",
        words: "the is are was were and of to in for with that this it you your not on at by be has have from will \
                can there which who what when where how yes does do did its their they",
        letters: "",
    },
    Signs {
        code: "es",
        words: "el los las es son fue y del para con que esta este está están tu tus no se por su sus una un lo al \
                como pero sí en la de hay tiene según hasta cada qué cuándo dónde día más",
        letters: "ñ¿¡",
    },
    Signs {
        code: "fr",
        words: "le les est sont se et du des pour avec que cette ce elle vous votre ne pas dans sur au aux une un par \
                la de en oui non à qui selon été sera",
        letters: "œëû",
    },
    Signs {
        code: "de",
        words: "der die das ist sind und von zu den dem des für mit nicht im am ein eine einen ja nein auf es dein \
                deinen steht wird hat bei aus nach sie wurde",
        letters: "äßö",
    },
    Signs {
        code: "it",
        words: "il lo gli è sono e del della dei per con che questa questo non nel nella una un di la le sì al alla \
                dai tuoi si da ha ogni più in delle",
        letters: "ìò",
    },
    Signs {
        code: "pt",
        words: "o os as é são e do da dos das para com que esta este não no na em um uma ao à sim seus de se por está \
                mais foi tem seu sua",
        letters: "ãõ",
    },
];

/// The language of a text by its small words, outside of what it quotes; none where they do not tell.
#[must_use]
pub fn language_of(text: &str) -> Option<&'static str> {
    let folded = fold(text);
    let parts: Vec<&str> = folded.split('"').collect();
    let numbered = parts.iter().enumerate();
    // A quotation mark that is not closed opens nothing.
    let outside = numbered.filter(|(at, _)| at % 2 == 0 || at + 1 == parts.len());
    let own: Vec<&str> = outside.map(|(_, part)| *part).collect();
    let own = own.join(" ");
    let tokens: Vec<&str> = own.split(|c: char| !c.is_alphabetic()).collect();
    let knows = |signs: &Signs, token: &str| signs.words.split(' ').any(|word| word == token);
    let score = |signs: &Signs| {
        let known = tokens
            .iter()
            .filter(|token| !token.is_empty() && knows(signs, token));
        // A word that several languages have tells less of each.
        let weight =
            |token: &&str| 12 / LANGUAGES.iter().filter(|other| knows(other, token)).count();
        let letters = own.chars().filter(|letter| signs.letters.contains(*letter));
        known.map(weight).sum::<usize>() + 24 * letters.count()
    };
    let scores: Vec<(usize, &str)> = LANGUAGES
        .iter()
        .map(|signs| (score(signs), signs.code))
        .collect();
    let (best, code) = *scores.iter().max_by_key(|(points, _)| *points)?;
    let alone = scores.iter().filter(|(points, _)| *points == best).count() == 1;
    (best > 0 && alone).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(question: &str) -> Case {
        Case {
            question: question.to_owned(),
            kind: fact(),
            found: true,
            ..Case::default()
        }
    }

    fn strings(all: &[&str]) -> Vec<String> {
        all.iter().map(|one| (*one).to_owned()).collect()
    }

    fn quote(path: &str, quote: &str, verbatim: bool) -> Quote {
        Quote {
            path: path.to_owned(),
            quote: quote.to_owned(),
            verbatim,
        }
    }

    #[track_caller]
    fn check_says(text: &str, wanted: &str, expect: bool) {
        assert_eq!(says(text, wanted), expect, "{wanted:?} in {text:?}");
    }

    #[track_caller]
    fn check_f1(said: &str, gold: &str, expect: f64) {
        assert!((f1(said, gold) - expect).abs() < 1e-9, "{said:?} {gold:?}");
    }

    #[track_caller]
    fn check_language(text: &str, expect: Option<&str>) {
        assert_eq!(language_of(text), expect, "{text}");
    }

    #[track_caller]
    fn check_share(verdict: &Verdict, key: &str, expect: f64) {
        let share = verdict.shares.get(key).copied().unwrap_or(-1.0);
        assert!((share - expect).abs() < 1e-9, "{key}: {share}");
    }

    #[test]
    fn strings_are_said_at_the_bounds_of_words_and_numbers() {
        check_says("It is **£1,135** [1].", "£1,135", true);
        check_says("It is 12.", "12", true);
        check_says("It is 12.50", "12", false);
        check_says("It is 12,500", "500", false);
        check_says("on 2026-05-12", "12", false);
        check_says("124 months", "24 months", false);
        check_says("Two\u{a0}months’ notice", "two months' notice", true);
        check_says("The cats sleep", "cat", false);
        check_says("before the 3rd of May", "3rd May", false);
        check_says("Hobley & Sons sold it", "Hobley Sons", true);
        check_says("", "", false);
    }

    #[test]
    fn patterns_are_matched_without_regard_to_case() {
        check_says("Yes, they are.", "/^yes/", true);
        check_says("They said yes.", "/^yes/", false);
        check_says("Yes", "/(/", false);
        let mut wrong = case("?");
        wrong.reject = strings(&["/(/"]);
        assert!(wrong.mistake().is_some());
        assert!(case("Who?").mistake().is_none());
    }

    #[test]
    fn f1_counts_words_without_articles() {
        check_f1("The two months", "two months", 1.0);
        check_f1("los martes y jueves", "martes y jueves", 1.0);
        check_f1("in two months", "two months", 0.8);
        check_f1("two two", "two", 2.0 / 3.0);
        check_f1("three", "two", 0.0);
        check_f1("", "two", 0.0);
    }

    #[test]
    fn languages_are_told_by_small_words() {
        check_language("It is not in your documents.", Some("en"));
        check_language("No está en tus documentos.", Some("es"));
        check_language("Ce n'est pas dans vos documents.", Some("fr"));
        check_language("Das steht nicht in deinen Dokumenten.", Some("de"));
        check_language("Non è nei tuoi documenti.", Some("it"));
        check_language("Não está nos seus documentos.", Some("pt"));
        check_language(
            "The note says “el contrato es de la casa y los vecinos”.",
            Some("en"),
        );
        check_language("£1,135", None);
        check_language("Nils Aaberg", None);
    }

    #[test]
    fn an_answer_is_right_when_all_is_said_and_nothing_false() {
        let mut one = case("How much is the deposit?");
        one.expect = vec![
            Wanted::Any(strings(&["1,135", "1135"])),
            Wanted::One("SafeHold".to_owned()),
        ];
        one.reject = strings(&["985"]);
        one.phrase = Wanted::One("£1,135".to_owned());
        one.cites = Wanted::One("lease.md".to_owned());
        one.language = Some("en".to_owned());
        let mut answered = Answered {
            answer: "The deposit is £1,135, and SafeHold has it [1].".to_owned(),
            found: true,
            citations: vec![
                quote("/n/lease.md", "A deposit of £1,135 was paid.", true),
                quote("/n/other.md", "Nothing of it.", true),
            ],
            passages: strings(&["/n/lease.md"]),
            searched: Some(strings(&["/n/other.md", "/n/other.md", "/n/lease.md"])),
            ..Answered::default()
        };
        let verdict = judge(&one, &answered, &[]);
        assert!(verdict.is_right());
        for (key, expect) in [
            ("gold", 1.0),
            ("wrong", 0.0),
            ("refused", 0.0),
            ("clean", 1.0),
            ("phrase_f1", 0.25),
            ("first_citation", 1.0),
            ("verbatim", 1.0),
            ("quotes_with_gold", 0.5),
            ("proven", 1.0),
            ("prompted", 1.0),
            ("recall_1", 0.0),
            ("recall_5", 1.0),
            ("ndcg_10", 1.0 / 3.0f64.log2()),
            ("language_right", 1.0),
        ] {
            check_share(&verdict, key, expect);
        }
        answered.phrase = Some("£1,135".to_owned());
        answered.answer = "£1,135, not £985".to_owned();
        let verdict = judge(&one, &answered, &[]);
        assert_eq!(verdict.false_said, ["985"]);
        check_share(&verdict, "phrase_f1", 1.0);
        check_share(&verdict, "gold_share", 0.5);
        check_share(&verdict, "wrong", 1.0);
    }

    #[test]
    fn refusals_are_counted_on_both_sides() {
        let refusal = Answered {
            answer: "It is not in your documents.".to_owned(),
            ..Answered::default()
        };
        let mut one = case("Who?");
        one.expect = vec![Wanted::One("Priya".to_owned())];
        let verdict = judge(&one, &refusal, &[]);
        check_share(&verdict, "refused", 1.0);
        check_share(&verdict, "right", 0.0);
        check_share(&verdict, "wrong", 0.0);
        assert!(!verdict.shares.contains_key("proven"));
        one.found = false;
        let verdict = judge(&one, &refusal, &[]);
        check_share(&verdict, "absent_refused", 1.0);
        check_share(&verdict, "right", 1.0);
    }

    #[test]
    fn a_list_names_these_notes_and_no_other_of_their_folders() {
        let files = strings(&[
            "/v/people/Thea Marsh.md",
            "/v/talks/May.md",
            "/v/talks/June.md",
            "/v/talks/July.md",
        ]);
        let mut one = case("Which talks?");
        one.list = Some(strings(&["May", "June"]));
        let mut answered = Answered {
            answer: "With Thea Marsh:".to_owned(),
            table: "May\nJune".to_owned(),
            found: true,
            ..Answered::default()
        };
        assert!(judge(&one, &answered, &files).is_right());
        answered.table = "May\nJuly".to_owned();
        let verdict = judge(&one, &answered, &files);
        assert_eq!(
            (verdict.list_missing, verdict.list_extra),
            (strings(&["June"]), strings(&["July"]))
        );
    }

    #[test]
    fn the_rows_of_a_table_are_what_is_listed() {
        let files = strings(&["/v/talks/May.md", "/v/talks/June.md", "/v/talks/July.md"]);
        let mut one = case("Which talks?");
        one.list = Some(strings(&["May", "June"]));
        let mut answered = Answered {
            answer: "2 talks.".to_owned(),
            table: "May\nAs was said in July\nJune".to_owned(),
            listed: Some(strings(&["/v/talks/May.md", "/v/talks/June.md"])),
            found: true,
            ..Answered::default()
        };
        assert!(judge(&one, &answered, &files).is_right());
        answered.listed = Some(strings(&["/v/talks/May.md", "/v/talks/July.md"]));
        let verdict = judge(&one, &answered, &files);
        assert_eq!(
            (verdict.list_missing, verdict.list_extra),
            (strings(&["June"]), strings(&["July"]))
        );
    }

    #[test]
    fn a_sentence_is_proven_by_a_quote_of_it_that_stands_there() {
        let mut one = case("When?");
        one.quote = Some("The slipway opens at 6:30.".to_owned());
        let mut answered = Answered {
            answer: "At 6:30 [1].".to_owned(),
            found: true,
            citations: vec![quote(
                "/n/club.md",
                "The slipway opens at 6:30. A berth costs £310.",
                true,
            )],
            ..Answered::default()
        };
        assert!(judge(&one, &answered, &[]).is_right());
        answered.citations[0].verbatim = false;
        assert!(!judge(&one, &answered, &[]).is_right());
    }

    #[test]
    fn a_cell_of_a_row_is_in_its_quote() {
        let row = quote("/n/hives.csv", "Lavanda,2024,6,2026-03-08,15.7", true);
        let cell = "15.7".to_owned();
        assert!(row.has(&[&cell], None));
    }

    #[test]
    fn figures_say_over_how_many() {
        let mut one = case("Who?");
        one.expect = vec![Wanted::One("Priya".to_owned())];
        let answer = |answer: &str| Answered {
            answer: answer.to_owned(),
            found: true,
            ..Answered::default()
        };
        let right = judge(&one, &answer("Priya"), &[]);
        let wrong = judge(&one, &answer("Colm"), &[]);
        let verdicts = [&right, &wrong, &wrong, &right, &right];
        let measured: Vec<Measured<'_>> = (1u8..)
            .zip(verdicts)
            .map(|(at, verdict)| Measured {
                verdict,
                first_token_ms: (at > 1).then(|| f64::from(at)),
                total_ms: f64::from(at) * 10.0,
            })
            .collect();
        let figures = figures(&measured);
        assert_eq!(figures.shares["right"], Mean { mean: 0.6, n: 5 });
        assert_eq!(
            figures.first_token_ms,
            Some(Times {
                median: 3.0,
                p90: 5.0
            })
        );
        assert_eq!(
            figures.total_ms,
            Some(Times {
                median: 30.0,
                p90: 50.0
            })
        );
        assert!(!figures.shares.contains_key("list"));
    }

    #[test]
    fn recall_and_gain_look_at_places() {
        let wanted = strings(&["a.md", "b.md"]);
        let found = places(
            &strings(&["/x/a.md", "/x/a.md", "/x/c.md", "/x/b.md"]),
            &wanted,
        );
        assert_eq!(found, [1, 3]);
        assert!((recall(&found, 2, 1) - 1.0).abs() < 1e-9);
        assert!((recall(&found, 2, 2) - 0.5).abs() < 1e-9);
        assert!((ndcg(&found, 2, 10) - 1.5 / (1.0 + 1.0 / 3.0f64.log2())).abs() < 1e-9);
        assert!(ndcg(&[], 1, 10).abs() < 1e-9);
    }

    #[test]
    fn cases_are_chosen_evenly_and_conversations_stay_whole() {
        let mut cases: Vec<Case> = (0..6).map(|number| case(&number.to_string())).collect();
        for follow in [2, 3] {
            cases[follow].conversation = Some("one".to_owned());
        }
        cases[3].kind = "followup".to_owned();
        let names =
            |cases: Vec<Case>| -> String { cases.into_iter().map(|one| one.question).collect() };
        assert_eq!(names(choose(cases.clone(), None, 0, 0)), "012345");
        assert_eq!(names(choose(cases.clone(), Some("followup"), 0, 0)), "23");
        assert_eq!(names(choose(cases.clone(), None, 1, 0)), "12345");
        assert_eq!(names(choose(cases, None, 0, 2)), "023");
    }

    #[test]
    fn what_is_left_out_is_spread_evenly() {
        let out = |share: f64| {
            (0..10)
                .filter(|number| is_left_out(*number, share))
                .collect::<Vec<_>>()
        };
        assert!(out(0.0).is_empty());
        assert_eq!(out(0.2), [4, 9]);
        assert_eq!(out(1.0).len(), 10);
    }
}
