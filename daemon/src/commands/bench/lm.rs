//! Prompt and generation speed of a language model.

use std::time::Instant;

use anyhow::{Result, bail, ensure};
use serde_json::{Value, json};
use vade_models::catalog::Role;
use vade_models::language::{
    LanguageModel, LocalModel, Message, Request, Role as Speaker, Sampling,
};

use crate::Ended;
use crate::compose::Setup;
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

/// Loads the model by itself and measures it.
pub(super) fn figures(
    setup: &Setup,
    id: Option<&str>,
    prompts: &[usize],
    generate: usize,
    threads: Option<usize>,
) -> Result<Value> {
    let model = match id {
        Some(id) => setup.catalog.get_as(id, Role::LanguageModel)?,
        None => setup.language()?,
    };
    setup.fetch(model)?;
    let longest = prompts.iter().max().copied().unwrap_or(512);
    let paths = setup.store.locate(model)?;
    let started = Instant::now();
    let mut options = setup.language_options(threads);
    options.context = longest + generate + 64;
    let mut engine = LocalModel::load(&model.id, paths.ending(".gguf")?, &options)?;
    let load_ms = started.elapsed().as_secs_f64() * 1000.0;
    // Weights are repacked at their first use: that is part of loading, not of reading a prompt.
    measure(&mut engine, 64, 2, 0)?;
    let ready_ms = started.elapsed().as_secs_f64() * 1000.0;
    let (mut reading, mut writing) = (Vec::new(), Vec::new());
    for (round, tokens) in prompts.iter().enumerate() {
        let figures = measure(&mut engine, *tokens, generate, round + 1)?;
        reading.push(json!({ "tokens": figures.prompt, "tokens_per_second": figures.reading }));
        writing.push(json!({
            "context": figures.prompt, "tokens": figures.generated,
            "tokens_per_second": figures.writing,
        }));
    }
    Ok(json!({
        "model": model.id, "threads": options.threads, "load_ms": load_ms, "ready_ms": ready_ms,
        "prompt": reading, "generate": writing, "peak_memory_bytes": memory().1,
    }))
}

fn print(setup: &Setup, result: &Value) -> Result<Ended> {
    if setup.json {
        output::json(result)?;
        return Ok(Ended::Done);
    }
    let number = |value: &Value| value.as_f64().unwrap_or_default();
    output::line(&format!(
        "{}: loaded in {:.0} ms, ready after {:.0} ms, {:.0} MB at most",
        result["model"].as_str().unwrap_or_default(),
        number(&result["load_ms"]),
        number(&result["ready_ms"]),
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
    })
}
