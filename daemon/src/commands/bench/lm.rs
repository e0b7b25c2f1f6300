//! Prompt and generation speed of a language model.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use vade_models::catalog::Role;
use vade_models::language::{
    LanguageModel, LocalModel, Message, Request, Role as Speaker, Sampling,
};

use crate::Ended;
use crate::compose::{Setup, language_options};
use crate::measure::memory;
use crate::output;

pub(crate) fn run(
    setup: &Setup,
    id: Option<&str>,
    prompts: &[usize],
    generate: usize,
    threads: Option<usize>,
) -> Result<Ended> {
    print(setup, &figures(setup, id, prompts, generate, threads)?)
}

/// A language model that was loaded by itself.
struct Loaded {
    id: String,
    engine: LocalModel,
    threads: usize,
    load_ms: f64,
}

fn load(setup: &Setup, id: Option<&str>, threads: Option<usize>, context: usize) -> Result<Loaded> {
    let model = match id {
        Some(id) => setup.catalog.get_as(id, Role::LanguageModel)?,
        None => setup.language()?,
    };
    setup.fetch(model)?;
    let paths = setup.store.locate(model)?;
    let mut options = language_options(&setup.settings.model, threads);
    options.context = context;
    let started = Instant::now();
    let engine = LocalModel::load(&model.id, paths.ending(".gguf")?, &options)?;
    Ok(Loaded {
        id: model.id.clone(),
        engine,
        threads: options.threads,
        load_ms: started.elapsed().as_secs_f64() * 1000.0,
    })
}

/// Loads the model by itself and measures it.
pub(super) fn figures(
    setup: &Setup,
    id: Option<&str>,
    prompts: &[usize],
    generate: usize,
    threads: Option<usize>,
) -> Result<Value> {
    let longest = prompts.iter().max().copied().unwrap_or(512);
    let mut loaded = load(setup, id, threads, longest + generate + 64)?;
    let engine = &mut loaded.engine;
    // The first prompt also waits for what loading left to do.
    let first = measure(engine, prompts.first().copied().unwrap_or(512), 2, 0)?;
    let (mut reading, mut writing) = (Vec::new(), Vec::new());
    for (round, tokens) in prompts.iter().enumerate() {
        let figures = measure(engine, *tokens, generate, round + 1)?;
        reading.push(json!({ "tokens": figures.prompt, "tokens_per_second": figures.reading }));
        writing.push(json!({
            "context": figures.prompt, "tokens": figures.generated,
            "tokens_per_second": figures.writing,
        }));
    }
    Ok(json!({
        "model": loaded.id, "threads": loaded.threads, "level": loaded.engine.level(), "load_ms": loaded.load_ms,
        "first_prompt": { "tokens": first.prompt, "with_load_ms": loaded.load_ms + first.first_token_ms },
        "prompt": reading, "generate": writing, "peak_memory_bytes": memory().1,
    }))
}

/// Conversations to answer, one a line.
#[derive(serde::Deserialize)]
struct Conversation {
    system: String,
    user: String,
}

/// Answers conversations from a file one after the other and tells how fast.
pub(crate) fn answer(
    setup: &Setup,
    id: Option<&str>,
    threads: Option<usize>,
    file: &Path,
    max_tokens: usize,
    drafting: bool,
) -> Result<Ended> {
    let text =
        std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let mut loaded = load(setup, id, threads, setup.settings.model.context)?;
    let mut answers = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let conversation: Conversation = serde_json::from_str(line)
            .with_context(|| format!("{}, line {}", file.display(), number + 1))?;
        let request = Request {
            messages: vec![
                Message::new(Speaker::System, conversation.system),
                Message::new(Speaker::User, conversation.user),
            ],
            max_tokens,
            sampling: Sampling::default(),
            drafting,
            ..Request::default()
        };
        let started = Instant::now();
        let mut said = String::new();
        let summary = loaded.engine.generate(&request, &mut |piece| {
            said.push_str(piece);
            std::ops::ControlFlow::Continue(())
        })?;
        let whole_ms = started.elapsed().as_secs_f64() * 1000.0;
        answers.push(json!({
            "text": said, "prompt_tokens": summary.prompt_tokens, "cached_tokens": summary.cached_tokens,
            "first_token_ms": summary.first_token_ms, "tokens": summary.tokens,
            "tokens_per_second": summary.tokens_per_second,
            "generate_ms": whole_ms - summary.first_token_ms,
            "drafted": summary.drafted_tokens, "accepted": summary.accepted_tokens,
        }));
    }
    if setup.json {
        output::json(&json!({
            "model": loaded.id, "threads": loaded.threads, "level": loaded.engine.level(), "load_ms": loaded.load_ms,
            "answers": answers, "peak_memory_bytes": memory().1,
        }))?;
        return Ok(Ended::Done);
    }
    let sum = |key: &str| -> f64 {
        answers
            .iter()
            .filter_map(|answer| answer[key].as_f64())
            .sum()
    };
    output::line(&format!(
        "{}: {} answers, {:.0} tokens at {:.1} tokens/s; {:.0} guessed, {:.0} of them right",
        loaded.id,
        answers.len(),
        sum("tokens"),
        sum("tokens") / sum("generate_ms") * 1000.0,
        sum("drafted"),
        sum("accepted")
    ));
    Ok(Ended::Done)
}

fn print(setup: &Setup, result: &Value) -> Result<Ended> {
    if setup.json {
        output::json(result)?;
        return Ok(Ended::Done);
    }
    let number = |value: &Value| value.as_f64().unwrap_or_default();
    output::line(&format!(
        "{}: loaded in {:.0} ms, with a first prompt of {} read after {:.0} ms, {:.0} MB at most",
        result["model"].as_str().unwrap_or_default(),
        number(&result["load_ms"]),
        result["first_prompt"]["tokens"],
        number(&result["first_prompt"]["with_load_ms"]),
        number(&result["peak_memory_bytes"]) / 1e6
    ));
    let rows = result["prompt"].as_array().into_iter().flatten();
    for (read, write) in rows.zip(result["generate"].as_array().into_iter().flatten()) {
        output::line(&format!(
            "prompt of {}: {:.0} tokens/s; then {} generated: {:.1} tokens/s",
            read["tokens"],
            number(&read["tokens_per_second"]),
            write["tokens"],
            number(&write["tokens_per_second"])
        ));
    }
    Ok(Ended::Done)
}

struct Figures {
    prompt: usize,
    generated: usize,
    reading: f64,
    writing: f64,
    first_token_ms: f64,
}

/// Reads a prompt of about so many tokens, none of it seen before, and generates.
fn measure(
    engine: &mut LocalModel,
    tokens: usize,
    generate: usize,
    round: usize,
) -> Result<Figures> {
    let mut text = format!("Round {round}. Count and describe:");
    let mut number = 0;
    while engine.count(&text)? + 32 < tokens {
        number += 1;
        text.push_str(&format!(" item {number} of box {};", number * 7 + round));
    }
    let request = Request {
        messages: vec![
            Message::new(Speaker::System, format!("You are list keeper {round}.")),
            Message::new(Speaker::User, text),
        ],
        max_tokens: generate,
        sampling: Sampling::default(),
        stop: Vec::new(),
        endless: true,
        drafting: false,
        ..Request::default()
    };
    let mut said = String::new();
    let summary = engine.generate(&request, &mut |piece| {
        said.push_str(piece);
        std::ops::ControlFlow::Continue(())
    })?;
    ensure!(!said.trim().is_empty(), "the model said nothing");
    if summary.cached_tokens > 8 {
        bail!(
            "{} prompt tokens were reused: not a fair measure",
            summary.cached_tokens
        );
    }
    #[expect(clippy::cast_precision_loss, reason = "prompts are short")]
    let read = (summary.prompt_tokens - summary.cached_tokens) as f64;
    Ok(Figures {
        prompt: summary.prompt_tokens,
        generated: summary.tokens,
        reading: read / summary.first_token_ms * 1000.0,
        writing: summary.tokens_per_second,
        first_token_ms: summary.first_token_ms,
    })
}
