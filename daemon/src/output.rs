//! What people read: answers, hits and tables on standard output, logs on standard error.

use std::io::{IsTerminal, Write};

use anyhow::{Result, bail};
use serde::Serialize;
use serde_json::Value;
use tracing_subscriber::EnvFilter;
use vade_retriever::{Explanation, Leg, Passage};
use vade_web::api::{IndexReport, ModelRow, Status, Why};

use crate::Ended;

macro_rules! out {
    ($($text:tt)*) => {
        write(format_args!($($text)*))
    };
}

macro_rules! outln {
    ($($text:tt)*) => {
        write(format_args!("{}\n", format_args!($($text)*)))
    };
}

/// Sends logs to standard error; `RUST_LOG` overrides.
pub(crate) fn start_logging(verbose: u8) {
    let level = match verbose {
        0 => "warn,lance=error,lancedb=error,notify=error,pdf_extract=off,lopdf=off",
        1 => "info,lance=warn,tantivy=warn,pdf_extract=off,lopdf=off",
        _ => "debug,pdf_extract=off,lopdf=off",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        // It would be said on standard error, too, and then a full disk under a log ends the task that logs.
        .log_internal_errors(false)
        .init();
}

/// A line for a person, on standard error; nothing depends on its being read.
pub(crate) fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Writes to standard output. Whoever closes it, as `head` does, has had enough: that is no failure.
fn write(text: std::fmt::Arguments<'_>) {
    if std::io::stdout().lock().write_fmt(text).is_err() {
        std::process::exit(0);
    }
}

/// A result as JSON, on one line.
pub(crate) fn json(value: &impl Serialize) -> Result<()> {
    outln!("{}", serde_json::to_string(value)?);
    Ok(())
}

/// Figures: for programs on one line, for people over several.
pub(crate) fn figures(value: &Value, json: bool) -> Result<()> {
    if json {
        return self::json(value);
    }
    line(&serde_json::to_string_pretty(value)?);
    Ok(())
}

/// A line of a result.
pub(crate) fn line(text: &str) {
    outln!("{text}");
}

/// Prints an answer while it streams.
#[derive(Default)]
pub(crate) struct AnswerPrinter {
    quiet: bool,
    done: Option<Value>,
    error: Option<String>,
    nearest: Vec<Passage>,
    streamed: bool,
}

impl AnswerPrinter {
    /// With `json`, only the result at the end is printed.
    pub(crate) fn new(json: bool) -> Self {
        Self {
            quiet: json,
            ..Self::default()
        }
    }

    /// Takes an event of `POST /api/ask`.
    pub(crate) fn event(&mut self, name: &str, data: Value) {
        match name {
            "passages" => {
                self.nearest = serde_json::from_value(data["passages"].clone()).unwrap_or_default();
            }
            "token" if !self.quiet => {
                out!("{}", data["text"].as_str().unwrap_or_default());
                let _ = std::io::stdout().flush();
                self.streamed = true;
            }
            "done" => self.done = Some(data),
            "error" => {
                self.error = data["error"]["message"].as_str().map(str::to_owned);
            }
            _ => {}
        }
    }

    /// Prints what is left to print.
    pub(crate) fn finish(self) -> Result<Ended> {
        if let Some(message) = self.error {
            bail!("{message}");
        }
        let Some(mut done) = self.done else {
            bail!("the answer broke off");
        };
        let found = done["found"].as_bool().unwrap_or_default();
        if self.quiet {
            if let Some(answer) = done.as_object_mut() {
                answer.remove("html");
            }
            json(&done)?;
        } else {
            if !self.streamed {
                out!("{}", done["answer"].as_str().unwrap_or_default());
            }
            outln!("\n");
            if found {
                print_citations(&done);
            } else {
                print_nearest(&self.nearest);
            }
            print_timings(&done);
        }
        Ok(if found {
            Ended::Done
        } else {
            Ended::NothingFound
        })
    }
}

fn print_citations(done: &Value) {
    for citation in done["citations"].as_array().into_iter().flatten() {
        let text = |key: &str| citation[key].as_str().unwrap_or_default();
        let page = citation["page"].as_u64();
        outln!(
            "  [{}] {}",
            citation["marker"],
            place(text("path"), page, citation["heading"].as_str())
        );
        outln!("      “{}”", one_line(text("quote")));
    }
}

fn print_nearest(nearest: &[Passage]) {
    if nearest.is_empty() {
        return;
    }
    outln!("  Nearest passages:");
    for passage in nearest {
        let page = passage.page.map(u64::from);
        outln!(
            "  · {}",
            place(&passage.path, page, passage.heading.as_deref())
        );
    }
}

fn print_timings(done: &Value) {
    let timings = &done["timings"];
    let number = |key: &str| timings[key].as_f64().unwrap_or_default();
    match done["model"].as_str() {
        Some(model) => eprintln!(
            "\n  {model}: first token after {:.2} s (found in {:.0} ms, prepared in {:.0} ms, {} tokens read in \
             {:.0} ms, {} more known)\n  {} tokens written, {:.0} a second, {} of {} guesses right",
            number("first_token_ms") / 1000.0,
            number("retrieve_ms"),
            number("prepare_ms"),
            number("prompt_tokens") - number("cached_tokens"),
            number("read_ms"),
            number("cached_tokens"),
            number("tokens"),
            number("tokens_per_second"),
            number("accepted_tokens"),
            number("drafted_tokens")
        ),
        None => eprintln!(
            "\n  decided in {:.0} ms without the model",
            number("retrieve_ms")
        ),
    }
}

/// Search results.
pub(crate) fn hits(hits: &[Passage], milliseconds: f64) {
    for (number, hit) in hits.iter().enumerate() {
        let page = hit.page.map(u64::from);
        outln!(
            "{:>2}. {}",
            number + 1,
            place(&hit.path, page, hit.heading.as_deref())
        );
        let text = one_line(&hit.text);
        let short: String = text.chars().take(160).collect();
        let more = if short.len() < text.len() { "…" } else { "" };
        outln!("    {short}{more}");
    }
    eprintln!("{} passages in {milliseconds:.0} ms", hits.len());
}

/// Prints how each candidate was found, and what kept others out.
pub(crate) fn explanation(explanation: &Explanation, milliseconds: f64) {
    for candidate in &explanation.candidates {
        let hit = &candidate.passage;
        let leg = |name: &str, leg: Option<Leg>| match leg {
            Some(leg) => format!("{name} {} ({:.2})", leg.rank, leg.score),
            None => format!("{name} –"),
        };
        outln!(
            "{:>2}. {}",
            candidate.rank,
            place(&hit.path, hit.page.map(u64::from), hit.heading.as_deref())
        );
        outln!(
            "    score {:.2} · {} · {} · {}",
            hit.score,
            leg("lexical", candidate.lexical),
            leg("vector", candidate.vector),
            candidate.outcome
        );
    }
    if let Some(expected) = &explanation.expected {
        outln!("{}: {}", expected.path.display(), expected.verdict);
    }
    eprintln!("searched in {milliseconds:.0} ms");
}

/// Prints why a file is in the index, or is not.
pub(crate) fn why(why: &Why) {
    outln!("{}: {}", why.path, why.verdict);
    if let Some(folder) = &why.folder {
        outln!("  folder     {folder}");
    }
    let Some(document) = &why.document else {
        return;
    };
    outln!("  state      {}", document.state);
    outln!("  chunks     {}", document.chunks);
    if let Some(extractor) = &document.extractor {
        outln!("  read by    {extractor}");
    }
    if let Some(milliseconds) = document.milliseconds {
        outln!("  took       {milliseconds} ms");
    }
    outln!("  changed    {}", document.modified);
    if let Some(indexed) = &document.indexed {
        outln!("  indexed    {indexed}");
    }
}

fn place(path: &str, page: Option<u64>, heading: Option<&str>) -> String {
    let page = page.map_or(String::new(), |page| format!(", page {page}"));
    let heading = heading.map_or(String::new(), |heading| format!(" › {heading}"));
    format!("{path}{page}{heading}")
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The state of everything.
pub(crate) fn status(status: &Status) {
    let counts = status.documents;
    outln!(
        "{} documents indexed, {} pending, {} skipped, {} failed; {} chunks",
        counts.indexed,
        counts.pending,
        counts.skipped,
        counts.failed,
        status.chunks
    );
    for folder in &status.folders {
        let reachable = if folder.reachable {
            ""
        } else {
            "  (not reachable)"
        };
        outln!("  {}  {} files{reachable}", folder.path, folder.documents);
        if let Some(away) = &folder.away {
            outln!("    {away}");
        }
        for drive in &folder.drives_away {
            outln!(
                "    the drive at {drive} is not there: nothing of it is removed. If it is gone for good, \
                 say so with `vade add {}`",
                folder.path
            );
        }
    }
    if status.folders.is_empty() {
        outln!("  no folders yet: `vade add FOLDER`");
    }
    let models = &status.models;
    outln!(
        "embedding {} ({}), language model {} ({})",
        models.embedding.id,
        models.embedding.state,
        models.language_model.id,
        models.language_model.state
    );
    if status.indexing.to_embed > 0 {
        outln!("{} chunks wait for their vectors", status.indexing.to_embed);
    }
    if let (1.., Some(help)) = (status.images.unread, &status.images.help) {
        let unread = status.images.unread;
        outln!("{unread} documents are images or scans: to have them read, {help}");
    }
    if let Some(trouble) = &status.indexing.trouble {
        outln!("trouble: {trouble}");
    }
    if let Some(notice) = &status.indexing.notice {
        outln!("notice: {notice}");
    }
    for notice in &status.notices {
        outln!("notice: {notice}");
    }
}

/// What indexing folders gave.
pub(crate) fn report(report: &IndexReport) {
    outln!(
        "{} documents ({} unchanged), {} chunks, {} skipped, {} failed, in {:.1} s",
        report.documents,
        report.unchanged,
        report.chunks,
        report.skipped.len(),
        report.failed.len(),
        report.seconds
    );
    for (what, files) in [("skipped", &report.skipped), ("failed", &report.failed)] {
        for file in files {
            outln!("  {what}: {} ({})", file.path, file.reason);
        }
    }
}

/// The catalog.
pub(crate) fn models(models: &[ModelRow]) {
    for model in models {
        let here = match (model.active, model.present) {
            (true, true) => "in use",
            (true, false) => "wanted",
            (false, true) => "here",
            (false, false) => "",
        };
        outln!(
            "{:7} {:34} {:15} {:>8} MB  {:7} {:12} {}",
            here,
            model.id,
            model.role,
            model.bytes / 1_000_000,
            model.status,
            model.licence,
            model.languages.join(" ")
        );
    }
}
