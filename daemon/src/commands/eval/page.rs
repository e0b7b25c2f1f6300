//! The report: one page of HTML that needs nothing but itself. Figures first, then each question with its answer.

use std::fmt::Write;

use vade_retriever::eval::{Figures, MEASURES};

use super::{Outcome, Outcomes, Row, group, groups};

const STYLE: &str = "
:root { color-scheme: light dark; --line: #8884; --right: #2e8b57; --wrong: #c0392b; --none: #b8860b }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.6rem } h2 { font-size: 1.3rem; margin-top: 3rem } h3 { font-size: 1rem; margin: 0 }
.wide { overflow-x: auto }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .85rem }
th, td { padding: .25rem .6rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap }
th:first-child { text-align: left }
small { opacity: .7 }
article { border-left: .3rem solid var(--none); padding: .2rem 0 .2rem 1rem; margin: 1.2rem 0 }
article.right { border-color: var(--right) } article.wrong { border-color: var(--wrong) }
article p { margin: .3rem 0; white-space: pre-wrap; overflow-wrap: anywhere }
blockquote { margin: .3rem 0 .3rem 1rem; padding-left: .8rem; border-left: 2px solid var(--line); font-size: .9rem }
";

/// The whole page.
pub(super) fn page(outcomes: &Outcomes, before: &Outcomes) -> String {
    let mut page = String::from(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>What was asked, and what came of it</title>",
    );
    let _ = write!(
        page,
        "<style>{STYLE}</style></head><body><h1>What was asked, and what came of it</h1>"
    );
    for (name, outcome) in outcomes {
        write_figures(&mut page, outcome, before.get(name));
    }
    for outcome in outcomes.values() {
        let _ = write!(page, "<h2>{}: the questions</h2>", escaped(&outcome.set));
        for row in &outcome.questions {
            write_row(&mut page, row);
        }
    }
    page.push_str("</body></html>\n");
    page
}

fn write_figures(page: &mut String, outcome: &Outcome, before: Option<&Outcome>) {
    let groups = groups(&outcome.summary);
    let old = |name: &str| before.and_then(|before| group(&before.summary, name));
    let _ = write!(
        page,
        "<h2>{}</h2><div class=\"wide\"><table><tr><th></th>",
        escaped(&outcome.set)
    );
    for (name, figures) in &groups {
        let _ = write!(
            page,
            "<th>{}<br><small>{}</small></th>",
            escaped(name),
            figures.n
        );
    }
    page.push_str("</tr>");
    for (key, label) in MEASURES {
        if !outcome.summary.figures.shares.contains_key(key) {
            continue;
        }
        let _ = write!(page, "<tr><th>{}</th>", escaped(label));
        for (name, figures) in &groups {
            let _ = write!(page, "<td>{}</td>", cell(key, figures, old(name)));
        }
        page.push_str("</tr>");
    }
    page.push_str("<tr><th>first words, median (ms)</th>");
    for (_, figures) in &groups {
        let median = figures
            .first_token_ms
            .map(|times| format!("{:.0}", times.median));
        let _ = write!(page, "<td>{}</td>", median.unwrap_or_default());
    }
    page.push_str("</tr></table></div>");
}

/// A figure, the one before it, and over how many answers.
fn cell(key: &str, figures: &Figures, old: Option<&Figures>) -> String {
    let Some(mean) = figures.shares.get(key) else {
        return String::new();
    };
    let old = old.and_then(|old| old.shares.get(key));
    let old = old.map_or_else(String::new, |old| format!("{:.2} → ", old.mean));
    format!("{old}{:.2} <small>{}</small>", mean.mean, mean.n)
}

fn write_row(page: &mut String, row: &Row) {
    let (class, verdict) = match (row.verdict.is_right(), row.answered) {
        (true, _) => ("right", "right"),
        (false, true) => ("wrong", "wrong"),
        (false, false) => ("none", "not answered"),
    };
    let language = row.case.language.as_deref().unwrap_or_default();
    let _ = write!(
        page,
        "<article class=\"{class}\"><h3>{}</h3><small>{} · {} {} · {:.0} ms</small>",
        escaped(&row.case.question),
        verdict,
        escaped(&row.case.kind),
        escaped(language),
        row.total_ms
    );
    let answer = row.error.as_ref().unwrap_or(&row.answer);
    let _ = write!(page, "<p>{}</p>", escaped(answer));
    for citation in &row.citations {
        let note = if citation.verbatim {
            ""
        } else {
            ", not its words"
        };
        let _ = write!(
            page,
            "<blockquote>{}<br><small>{}{note}</small></blockquote>",
            escaped(&citation.quote),
            escaped(&citation.path)
        );
    }
    for (label, texts) in remarks(row) {
        if !texts.is_empty() {
            let _ = write!(
                page,
                "<p><small>{label}: {}</small></p>",
                escaped(&texts.join(" · "))
            );
        }
    }
    page.push_str("</article>");
}

/// What is to be said of an answer that is not as it should be.
fn remarks(row: &Row) -> [(&'static str, Vec<String>); 5] {
    let verdict = &row.verdict;
    let lacks = verdict
        .lacks
        .iter()
        .map(|wanted| wanted.strings().join(" or "));
    let wrong_language = verdict
        .shares
        .get("language_right")
        .is_some_and(|share| *share < 0.5);
    let language = verdict.language.filter(|_| wrong_language);
    [
        ("not said", lacks.collect()),
        ("said falsely", verdict.false_said.clone()),
        ("not listed", verdict.list_missing.clone()),
        ("listed wrongly", verdict.list_extra.clone()),
        (
            "language",
            language.map(str::to_owned).into_iter().collect(),
        ),
    ]
}

/// Text as HTML shows it.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use vade_retriever::eval::{Answered, Case, Wanted, judge};

    use super::*;
    use crate::commands::eval::summary;

    #[test]
    fn a_page_shows_what_is_wrong_and_runs_nothing() {
        let case = Case {
            question: "Who has <the> key?".to_owned(),
            kind: "fact".to_owned(),
            expect: vec![Wanted::One("Priya".to_owned())],
            found: true,
            ..Case::default()
        };
        let answered = Answered {
            answer: "<script>alert(1)</script>".to_owned(),
            found: true,
            ..Answered::default()
        };
        let row = Row {
            verdict: judge(&case, &answered, &[]),
            case,
            answer: answered.answer,
            answered: true,
            phrase_said: None,
            citations: Vec::new(),
            passages: Vec::new(),
            first_token_ms: None,
            total_ms: 12.0,
            timings: serde_json::Value::Null,
            plan: serde_json::Value::Null,
            table: serde_json::Value::Null,
            error: None,
        };
        let questions = vec![row];
        let outcome = Outcome {
            set: "keys".to_owned(),
            summary: summary(&questions),
            questions,
        };
        let outcomes = Outcomes::from([("keys".to_owned(), outcome)]);
        let page = page(&outcomes, &Outcomes::new());
        assert!(page.contains("<article class=\"wrong\"><h3>Who has &lt;the&gt; key?</h3>"));
        assert!(page.contains("not said: Priya"));
        assert!(page.contains("<td>0.00 <small>1</small></td>"));
        for outside in ["<script", "http:", "https:", "src=", "url("] {
            assert!(!page.contains(outside), "{outside}");
        }
    }
}
