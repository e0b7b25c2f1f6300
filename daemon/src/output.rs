//! What people read: answers, hits and tables on standard output, logs on standard error.

use std::borrow::Cow;
use std::io::Write;
use std::path::Path;

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
        .with_writer(|| Harmless)
        .with_ansi(false)
        .with_target(false)
        // It would be said on standard error, too, and then a full disk under a log ends the task that logs.
        .log_internal_errors(false)
        .init();
    // What panics may quote a document.
    std::panic::set_hook(Box::new(|panic| {
        let thread = std::thread::current();
        say(&format!(
            "thread {:?} {panic}",
            thread.name().unwrap_or_default()
        ));
    }));
}

/// A line for a person, on standard error; nothing depends on its being read.
pub(crate) fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{}", harmless(text));
}

/// Writes to standard output what a person may see.
fn write(text: std::fmt::Arguments<'_>) {
    put(&harmless(&text.to_string()));
}

/// Writes to standard output. Whoever closes it, as `head` does, has had enough: that is no failure.
fn put(text: &str) {
    if std::io::stdout().lock().write_all(text.as_bytes()).is_err() {
        std::process::exit(0);
    }
}

/// A result as JSON, on one line, with nothing in it that a terminal takes for a command.
pub(crate) fn json(value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string(value)?;
    let mut line = String::with_capacity(text.len() + 1);
    for character in text.chars() {
        if is_harmful(character) {
            // All of these are in strings.
            line.push_str(&format!("\\u{:04x}", u32::from(character)));
        } else {
            line.push(character);
        }
    }
    line.push('\n');
    put(&line);
    Ok(())
}

/// A name, such as a path, within a line: with no line of its own.
pub(crate) fn name(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '\n' | '\t') || is_harmful(character) {
            name.extend(character.escape_unicode());
        } else {
            name.push(character);
        }
    }
    name
}

/// A path as a name.
pub(crate) fn path(path: &Path) -> String {
    name(&path.to_string_lossy())
}

/// Text that any document or program may have written, as it can be shown: whatever steers a terminal, or makes a
/// line read otherwise than it is, is written out. Line breaks, tabs and all other characters stay.
pub(crate) fn harmless(text: &str) -> Cow<'_, str> {
    if !text.contains(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            // The other half of a line's end.
            '\r' if characters.peek() == Some(&'\n') => {}
            character if is_harmful(character) => shown.extend(character.escape_unicode()),
            character => shown.push(character),
        }
    }
    Cow::Owned(shown)
}

/// Whether a terminal does something with a character besides showing it: control characters but for the two
/// that lay out text, separators that pass for line breaks, and what turns the direction of writing around.
fn is_harmful(character: char) -> bool {
    match character {
        '\n' | '\t' => false,
        '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{206f}' | '\u{fff9}'..='\u{fffb}' => true,
        character => character.is_control(),
    }
}

/// Standard error for logs, which come a line at a time.
struct Harmless;

impl Write for Harmless {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        // What is logged may name a file, which must not make lines of its own.
        let line = name(text.strip_suffix('\n').unwrap_or(&text));
        std::io::stderr().write_all(format!("{line}\n").as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stderr().flush()
    }
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
        Some(model) => say(&format!(
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
        )),
        None => say(&format!(
            "\n  decided in {:.0} ms without the model",
            number("retrieve_ms")
        )),
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
    say(&format!("{} passages in {milliseconds:.0} ms", hits.len()));
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
        let by_name = candidate.name.map_or(String::new(), |name| {
            let meaning = name
                .meaning
                .map_or(String::new(), |cosine| format!(", meaning {cosine:.2}"));
            format!(" · name: words {:.2}{meaning}", name.words)
        });
        outln!(
            "    score {:.2} · {} · {}{by_name} · {}",
            hit.score,
            leg("lexical", candidate.lexical),
            leg("vector", candidate.vector),
            candidate.outcome
        );
    }
    if let Some(expected) = &explanation.expected {
        outln!("{}: {}", path(&expected.path), expected.verdict);
    }
    say(&format!("searched in {milliseconds:.0} ms"));
}

/// Prints why a file is in the index, or is not.
pub(crate) fn why(why: &Why) {
    outln!("{}: {}", name(&why.path), why.verdict);
    if let Some(folder) = &why.folder {
        outln!("  folder     {}", name(folder));
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
    let heading = heading.map_or(String::new(), |heading| format!(" › {}", name(heading)));
    format!("{}{page}{heading}", name(path))
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
        outln!(
            "  {}  {} files{reachable}",
            name(&folder.path),
            folder.documents
        );
        if let Some(away) = &folder.away {
            outln!("    {}", harmless(away));
        }
        for drive in &folder.drives_away {
            outln!(
                "    the drive at {} is not there: nothing of it is removed. If it is gone for good, \
                 say so with `vade add {}`",
                name(drive),
                name(&folder.path)
            );
        }
    }
    if status.folders.is_empty() {
        outln!("  no folders yet: `vade add FOLDER`");
    }
    let notice = status.egress_notice.as_deref();
    let notice = notice.map_or(String::new(), |notice| format!(": {notice}"));
    outln!("{}{notice}", status.egress);
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
            outln!("  {what}: {} ({})", name(&file.path), name(&file.reason));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_steers_a_terminal_is_shown() {
        let text = "\u{1b}]52;c;ZXZpbA==\u{7} \u{9b}31m \u{202e}gnp.exe \u{2066}a\u{2069} a\rb\u{8}\u{7f}\u{0}";
        let shown = harmless(text);
        assert_eq!(
            shown,
            "\\u{1b}]52;c;ZXZpbA==\\u{7} \\u{9b}31m \\u{202e}gnp.exe \\u{2066}a\\u{2069} a\\u{d}b\\u{8}\\u{7f}\\u{0}"
        );
        assert!(matches!(harmless(&shown), Cow::Borrowed(_)));
    }

    #[test]
    fn ordinary_text_stays_as_it_is() {
        let text = "Año nuevo\t1\nשלום\u{200f} می\u{200c}خواهم 👩\u{200d}🌾 e\u{301} \u{a0}«»\n";
        assert_eq!(harmless(text), text);
        assert_eq!(harmless("a\r\nb"), "a\nb");
    }

    #[test]
    fn a_name_has_no_line_of_its_own() {
        assert_eq!(
            name("new\nline\t\u{1b}c.md"),
            "new\\u{a}line\\u{9}\\u{1b}c.md"
        );
        assert_eq!(name("Coro La Alondra.md"), "Coro La Alondra.md");
    }
}
