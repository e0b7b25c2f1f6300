//! `vade eval`: asks the questions of sets and judges the answers.
//!
//! A set with documents gets an index of its own, in this process; one without is about the person's own documents.

mod asking;
mod make;
mod page;
mod set;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use vade_retriever::eval::{
    Answered, Case, Figures, MEASURES, Measured, Quote, Verdict, choose, figures, judge,
};

use crate::Ended;
use crate::cli;
use crate::compose::Setup;
use crate::output;
use asking::{Heard, Service, Thread};
use set::Set;

/// What the short table shows, and how it is headed.
const COLUMNS: [(&str, &str); 9] = [
    ("right", "right"),
    ("wrong", "wrong"),
    ("gold", "gold"),
    ("phrase_f1", "F1"),
    ("first_citation", "cited"),
    ("proven", "proven"),
    ("refused", "refused"),
    ("absent_refused", "absent"),
    ("language_right", "language"),
];

/// What came of a set.
#[derive(Serialize, Deserialize)]
struct Outcome {
    set: String,
    #[serde(flatten)]
    summary: Summary,
    /// Those of an earlier run are not looked at.
    #[serde(skip_deserializing)]
    questions: Vec<Row>,
}

/// The figures of all answers, and of those of a kind or in a language.
#[derive(Serialize, Deserialize)]
struct Summary {
    figures: Figures,
    by_kind: BTreeMap<String, Figures>,
    by_language: BTreeMap<String, Figures>,
}

/// A question and what came of it. Paths are those within the set.
#[derive(Serialize)]
struct Row {
    #[serde(flatten)]
    case: Case,
    answer: String,
    answered: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    phrase_said: Option<String>,
    citations: Vec<Quote>,
    passages: Vec<String>,
    first_token_ms: Option<f64>,
    total_ms: f64,
    timings: Value,
    #[serde(skip_serializing_if = "Value::is_null")]
    plan: Value,
    #[serde(skip_serializing_if = "Value::is_null")]
    table: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    verdict: Verdict,
}

type Outcomes = BTreeMap<String, Outcome>;

pub(crate) async fn run(setup: &Setup, options: cli::Eval) -> Result<Ended> {
    let model = options.model.as_deref();
    if let Some(file) = &options.make {
        return make::run(setup, file, options.questions, model).await;
    }
    let before = options.before.as_deref().map(read_outcomes).transpose()?;
    let before = before.unwrap_or_default();
    let work = tempfile::tempdir()?;
    let mut sets = Vec::new();
    for (number, file) in options.files.iter().enumerate() {
        let notes = work.path().join(format!("notes-{number}"));
        let mut set = Set::read(file, &notes, options.absent)?;
        set.cases = choose(
            set.cases,
            options.only.as_deref(),
            options.offset,
            options.limit,
        );
        if !set.cases.is_empty() {
            sets.push(set);
        }
    }
    ensure!(!sets.is_empty(), "there are no such questions");
    // A process that has opened an index reaches no daemon any more.
    sets.sort_by_key(|set| set.notes.is_some());
    let mut outcomes = Outcomes::new();
    for (number, set) in sets.into_iter().enumerate() {
        let data = work.path().join(format!("data-{number}"));
        let mut service = match &set.notes {
            Some(notes) => Service::over(setup, notes, &data, model).await?,
            None => Service::own(setup, model).await?,
        };
        if options.judge_all {
            service.judge_all();
        }
        let name = set.name.clone();
        let questions = ask_all(&service, set, model).await?;
        let outcome = Outcome {
            set: name.clone(),
            summary: summary(&questions),
            questions,
        };
        outcomes.insert(name, outcome);
    }
    if let Some(page) = &options.report {
        std::fs::write(page, page::page(&outcomes, &before))
            .with_context(|| format!("cannot write {}", page.display()))?;
    }
    if setup.json {
        output::json(&outcomes)?;
    } else {
        for (name, outcome) in &outcomes {
            show(outcome, before.get(name));
        }
    }
    Ok(Ended::Done)
}

/// What `--json` printed earlier.
fn read_outcomes(file: &Path) -> Result<Outcomes> {
    let text =
        std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    serde_json::from_str(&text)
        .with_context(|| format!("{} is not what --json prints", file.display()))
}

/// Asks one question after the other.
async fn ask_all(service: &Service, set: Set, model: Option<&str>) -> Result<Vec<Row>> {
    let documents = service.documents().await?;
    let files: Vec<String> = documents
        .into_iter()
        .map(|document| document.path)
        .collect();
    let root = set.notes.map(|notes| format!("{}/", notes.display()));
    let mut asker = Asker {
        service,
        files,
        root: root.unwrap_or_default(),
        texts: HashMap::new(),
        threads: HashMap::new(),
    };
    let total = set.cases.len();
    let (mut rows, mut kept) = (Vec::new(), Vec::new());
    for (number, case) in set.cases.into_iter().enumerate() {
        let (row, conversation) = asker.ask(case, model).await?;
        let mark = match (row.verdict.is_right(), row.answered) {
            (true, _) => "right",
            (false, true) => "WRONG",
            (false, false) => "  -  ",
        };
        output::say(&format!(
            "{mark} {}/{total} {}",
            number + 1,
            row.case.question
        ));
        kept.extend(conversation);
        rows.push(row);
    }
    kept.sort();
    kept.dedup();
    for conversation in kept {
        service.forget(&conversation).await?;
    }
    Ok(rows)
}

/// What is remembered from one question to the next.
struct Asker<'a> {
    service: &'a Service,
    files: Vec<String>,
    root: String,
    /// Texts of documents, by id, with their white space made one space.
    texts: HashMap<String, String>,
    /// Conversations' ids, by the names that cases give them.
    threads: HashMap<String, String>,
}

impl Asker<'_> {
    /// The row of a question, and the conversation that is kept because of it.
    async fn ask(&mut self, case: Case, model: Option<&str>) -> Result<(Row, Option<String>)> {
        let known = case
            .conversation
            .as_ref()
            .and_then(|name| self.threads.get(name));
        let thread = match (&case.conversation, known) {
            (None, _) => Thread::Alone,
            (Some(name), None) => Thread::Opens(name),
            (Some(_), Some(id)) => Thread::Continues(id),
        };
        // What continues a conversation may mean nothing by itself.
        let searched = match thread {
            Thread::Continues(_) => None,
            Thread::Alone | Thread::Opens(_) => Some(self.service.search(&case.question).await?),
        };
        let heard = self.service.ask(&case.question, thread, model).await?;
        if let (Some(name), Some(id)) = (&case.conversation, &heard.conversation) {
            self.threads.insert(name.clone(), id.clone());
        }
        let kept = self.service.keeps_all() || case.conversation.is_some();
        let conversation = heard.conversation.clone().filter(|_| kept);
        Ok((self.row(case, heard, searched).await, conversation))
    }

    async fn row(&mut self, case: Case, heard: Heard, searched: Option<Vec<String>>) -> Row {
        let done = &heard.done;
        let answered = Answered {
            answer: done["answer"].as_str().unwrap_or_default().to_owned(),
            phrase: phrase(done),
            table: cells(&done["table"]),
            listed: listed(&done["table"]),
            found: done["found"].as_bool().unwrap_or_default(),
            citations: self.citations(done).await,
            passages: heard.passages,
            searched,
            error: heard.error,
        };
        let verdict = judge(&case, &answered, &self.files);
        let within = |path: &str| path.strip_prefix(&self.root).unwrap_or(path).to_owned();
        let citations = answered.citations.into_iter().map(|citation| Quote {
            path: within(&citation.path),
            ..citation
        });
        Row {
            case,
            answer: answered.answer,
            answered: answered.found,
            phrase_said: answered.phrase,
            citations: citations.collect(),
            passages: answered.passages.iter().map(|path| within(path)).collect(),
            first_token_ms: heard.first_token_ms,
            total_ms: heard.total_ms,
            timings: done["timings"].clone(),
            plan: done["plan"].clone(),
            table: done["table"].clone(),
            error: answered.error,
            verdict,
        }
    }

    async fn citations(&mut self, done: &Value) -> Vec<Quote> {
        let mut quotes = Vec::new();
        for citation in done["citations"].as_array().into_iter().flatten() {
            let field = |key: &str| citation[key].as_str().unwrap_or_default().to_owned();
            let (document, quote) = (field("document"), field("quote"));
            if !self.texts.contains_key(&document) {
                let text = self.service.text(&document).await;
                self.texts.insert(document.clone(), one_line(&text));
            }
            let text = self.texts.get(&document);
            quotes.push(Quote {
                path: field("path"),
                verbatim: text.is_some_and(|text| text.contains(&one_line(&quote))),
                quote,
            });
        }
        quotes
    }
}

/// The exact phrase of an answer, where one is given.
fn phrase(done: &Value) -> Option<String> {
    let phrase = &done["phrase"];
    let text = phrase.as_str().or_else(|| phrase["text"].as_str());
    text.map(str::to_owned)
}

/// All that a table says, a cell a line.
fn cells(table: &Value) -> String {
    match table {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Array(parts) => parts.iter().map(cells).collect::<Vec<_>>().join("\n"),
        Value::Object(fields) => fields.values().map(cells).collect::<Vec<_>>().join("\n"),
        Value::Null | Value::Bool(_) => String::new(),
    }
}

/// The paths of the documents that a table lists; none where there is no such table.
fn listed(table: &Value) -> Option<Vec<String>> {
    let rows = table["rows"].as_array().filter(|rows| !rows.is_empty())?;
    let path = |row: &Value| row["path"].as_str().map(str::to_owned);
    rows.iter().map(path).collect()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn summary(rows: &[Row]) -> Summary {
    let all: Vec<&Row> = rows.iter().collect();
    Summary {
        figures: figures_of(&all),
        by_kind: grouped(rows, |row| &row.case.kind),
        by_language: grouped(rows, |row| row.case.language.as_deref().unwrap_or("-")),
    }
}

fn grouped(rows: &[Row], key: impl Fn(&Row) -> &str) -> BTreeMap<String, Figures> {
    let mut groups: BTreeMap<String, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        groups.entry(key(row).to_owned()).or_default().push(row);
    }
    let groups = groups.into_iter();
    groups
        .map(|(name, rows)| (name, figures_of(&rows)))
        .collect()
}

fn figures_of(rows: &[&Row]) -> Figures {
    let measured = rows.iter().map(|row| Measured {
        verdict: &row.verdict,
        first_token_ms: row.first_token_ms,
        total_ms: row.total_ms,
    });
    figures(&measured.collect::<Vec<_>>())
}

/// The groups of a summary that are worth a line: all, and kinds and languages where there are several.
fn groups(summary: &Summary) -> Vec<(&str, &Figures)> {
    let mut groups = vec![("all", &summary.figures)];
    for parts in [&summary.by_kind, &summary.by_language] {
        if parts.len() > 1 {
            groups.extend(parts.iter().map(|(name, figures)| (name.as_str(), figures)));
        }
    }
    groups
}

/// The figures of a group with this name.
fn group<'a>(summary: &'a Summary, name: &str) -> Option<&'a Figures> {
    let mut found = groups(summary).into_iter();
    found
        .find(|(group, _)| *group == name)
        .map(|(_, figures)| figures)
}

/// The short table, and a line for each figure that is not in it.
fn show(outcome: &Outcome, before: Option<&Outcome>) {
    output::line(&format!(
        "\n{}: {} questions",
        output::name(&outcome.set),
        outcome.summary.figures.n
    ));
    let heads: String = COLUMNS
        .iter()
        .map(|(_, head)| format!("{head:>9}"))
        .collect();
    output::line(&format!("{:<16}{:>5}{heads}", "", "n"));
    for (name, figures) in groups(&outcome.summary) {
        output::line(&line(name, figures));
        if let Some(old) = before.and_then(|before| group(&before.summary, name)) {
            output::line(&line("  before", old));
        }
    }
    let in_table = |key: &str| COLUMNS.iter().any(|(column, _)| *column == key);
    for (key, label) in MEASURES.iter().filter(|(key, _)| !in_table(key)) {
        if let Some(mean) = outcome.summary.figures.shares.get(*key) {
            let old = before.and_then(|before| before.summary.figures.shares.get(*key));
            let old = old.map_or_else(String::new, |old| format!(", before {:.3}", old.mean));
            output::line(&format!("{label}: {:.3} of {}{old}", mean.mean, mean.n));
        }
    }
    let figures = &outcome.summary.figures;
    for (label, times) in [
        ("first words", figures.first_token_ms),
        ("whole answer", figures.total_ms),
    ] {
        if let Some(times) = times {
            output::line(&format!(
                "{label}: {:.0} ms median, {:.0} ms p90",
                times.median, times.p90
            ));
        }
    }
}

fn line(name: &str, figures: &Figures) -> String {
    let cells: String = COLUMNS
        .iter()
        .map(|(key, _)| match figures.shares.get(*key) {
            Some(mean) => format!("{:>9.3}", mean.mean),
            None => format!("{:>9}", ""),
        })
        .collect();
    format!("{:<16}{:>5}{cells}", output::name(name), figures.n)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn phrases_and_tables_are_read_in_any_shape() {
        assert_eq!(phrase(&json!({ "phrase": "two" })).as_deref(), Some("two"));
        assert_eq!(
            phrase(&json!({ "phrase": { "text": "two" } })).as_deref(),
            Some("two")
        );
        assert_eq!(phrase(&json!({})), None);
        assert_eq!(
            cells(&json!({ "rows": [["May", 3], ["June", null]] })),
            "May\n3\nJune\n"
        );
        assert_eq!(listed(&json!({ "rows": [["May", 3]] })), None);
        assert_eq!(
            listed(&json!({ "rows": [{ "path": "/v/May.md", "tags": [] }] })),
            Some(vec!["/v/May.md".to_owned()])
        );
    }

    #[test]
    fn an_earlier_run_is_read_without_its_questions() {
        let old = json!({ "personal": {
            "set": "personal",
            "figures": { "n": 2, "right": { "mean": 0.5, "n": 2 }, "total_ms": { "median": 5, "p90": 9 } },
            "by_kind": {}, "by_language": {},
            "questions": [{ "question": "Who?" }],
        }});
        let old: Outcomes = serde_json::from_value(old).unwrap();
        let figures = &old["personal"].summary.figures;
        assert_eq!((figures.n, figures.shares["right"].n), (2, 2));
        assert!(old["personal"].questions.is_empty());
    }
}
