//! Tokenizers, templates, continuations and losses against recorded references, and damaged files.
//!
//! What needs a model's own weights looks for them in the model directory (`VADE_MODEL_DIR`). The smallest
//! model is always there when tests run; the others are checked by `cargo test -- --ignored`.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use unicode_normalization::UnicodeNormalization;

use super::stock::Stock;
use super::template::{Piece, Template};
use super::tokenizer::Tokenizer;
use super::*;
use crate::engine::{Decoder, Network, PASS, log_softmax};
use crate::gguf::{self, Gguf};

pub(crate) fn reference(name: &str) -> PathBuf {
    // Tests run in their package's directory, wherever they were built.
    Path::new("reference").join(name)
}

pub(crate) fn recorded<T: DeserializeOwned>(name: &str) -> T {
    let text = std::fs::read(reference(name)).expect("a recording");
    serde_json::from_slice(&text).expect("a valid recording")
}

/// What llama.cpp says after each token of a tiny model's recording, all rows together.
pub(crate) fn recorded_logits(name: &str) -> Vec<f32> {
    let bytes = std::fs::read(reference(&format!("tiny/{name}.logits.bin"))).expect("logits");
    let numbers = bytes.as_chunks::<4>().0.iter();
    numbers.map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

/// The GGUF file of a model in the model directory.
fn weights(id: &str) -> PathBuf {
    let named = std::env::var_os("VADE_MODEL_DIR").map(PathBuf::from);
    let paths = vade_config::Paths::resolve(None, named.as_deref()).expect("a model directory");
    let files = std::fs::read_dir(paths.models.join(id)).expect("`make models` fetched it");
    files
        .map(|file| file.expect("readable").path())
        .find(|path| {
            path.extension()
                .is_some_and(|extension| extension == "gguf")
        })
        .expect("a GGUF file")
}

fn options() -> Options {
    Options {
        context: 2048,
        threads: 2,
        prefix_bytes: 64 << 20,
        nice: 0,
        free_memory: None,
        worker: None,
    }
}

const SMALLEST: &str = "smollm2-135m-instruct";
const LARGER: [&str; 2] = ["qwen2.5-coder-0.5b-instruct", "qwen2.5-coder-1.5b-instruct"];

#[derive(Deserialize)]
struct Tokens {
    texts: Vec<String>,
    models: HashMap<String, Vec<Vec<u32>>>,
    special_texts: Vec<String>,
    special_models: HashMap<String, Vec<Vec<u32>>>,
}

/// The vocabularies without weights.
fn vocabularies(recorded: &Tokens) -> impl Iterator<Item = (&String, Gguf, Tokenizer)> {
    let names = recorded.models.keys();
    names
        .filter(|name| name.starts_with("vocabularies/"))
        .map(|name| {
            let gguf = Gguf::open(&reference(&format!("{name}.gguf"))).expect("opens");
            let tokenizer = Tokenizer::from_gguf(&gguf).expect("builds");
            (name, gguf, tokenizer)
        })
}

/// Texts whose tokens differ from those recorded.
fn wrongly_cut(recorded: &Tokens, name: &str, path: &Path) -> Vec<String> {
    let gguf = Gguf::open(path).expect("opens");
    let mut tokenizer = Tokenizer::from_gguf(&gguf).expect("builds");
    let mut wrong = Vec::new();
    for (text, expected) in recorded.texts.iter().zip(&recorded.models[name]) {
        // Two differences are meant. Qwen's own tokenizer composes accents first, llama.cpp does not;
        // and byte-level vocabularies' own marks stay characters here, whoever writes them.
        let composed = text.nfc().collect::<String>();
        let byte_level = !name.contains("pieces") && !name.contains("gemma");
        // Gemma calls `</s>` an HTML tag, llama.cpp the end of a text.
        let marked = (text.contains("<tool_call>") && byte_level)
            || (text.contains("</s>") && name.contains("gemma"));
        if (name.contains("qwen") && composed != *text) || marked {
            continue;
        }
        let tokens = tokenizer.encode_plain(text, None).expect("encodes");
        if tokens != *expected {
            wrong.push(text.clone());
        }
    }
    for (text, expected) in recorded
        .special_texts
        .iter()
        .zip(&recorded.special_models[name])
    {
        let tokens = tokenizer.encode_template(text, None).expect("encodes");
        if tokens != *expected {
            wrong.push(format!("(template) {text}"));
        }
    }
    wrong
}

#[test]
fn text_is_cut_as_llama_cpp_cuts_it() {
    let recorded: Tokens = recorded("tokens.json");
    for name in recorded.models.keys() {
        let path = match name.strip_prefix("vocabularies/") {
            Some(_) => reference(&format!("{name}.gguf")),
            None => continue,
        };
        let wrong = wrongly_cut(&recorded, name, &path);
        assert!(wrong.is_empty(), "{name}: {wrong:#?}");
    }
}

fn check_tokens(id: &str) {
    let recorded: Tokens = recorded("tokens.json");
    let wrong = wrongly_cut(&recorded, id, &weights(id));
    assert!(wrong.is_empty(), "{id}: {wrong:#?}");
}

#[test]
fn the_smallest_model_cuts_text_as_llama_cpp_does() {
    check_tokens(SMALLEST);
}

#[test]
fn tokens_say_the_text_they_were_cut_from() {
    let recorded: Tokens = recorded("tokens.json");
    for (name, _, mut tokenizer) in vocabularies(&recorded) {
        for text in &recorded.texts {
            let tokens = tokenizer.encode_plain(text, None).expect("encodes");
            let said = tokenizer.decode(&tokens);
            let (said, expected) = match name.as_str() {
                // Accents are composed first.
                "vocabularies/qwen2" => (said, text.nfc().collect()),
                // The piece for a space cannot be told from one.
                "vocabularies/pieces" => (said, text.replace('\u{2581}', " ")),
                // Spaces are put in front, also of what follows a run of spaces.
                "vocabularies/pieces-space-prefix" => {
                    (said.replace(' ', ""), text.replace(['\u{2581}', ' '], ""))
                }
                _ => (said, text.clone()),
            };
            assert_eq!(said, expected, "{name}");
        }
    }
}

#[test]
fn no_text_makes_a_token_that_only_templates_write() {
    let recorded: Tokens = recorded("tokens.json");
    for (name, gguf, mut tokenizer) in vocabularies(&recorded) {
        let Some(gguf::Value::Integers(types)) = gguf.value("tokenizer.ggml.token_type") else {
            panic!("{name} has no token types");
        };
        let texts = gguf.strings("tokenizer.ggml.tokens").expect("a vocabulary");
        let control: Vec<usize> = (0..types.len()).filter(|id| types[*id] == 3).collect();
        assert!(!control.is_empty(), "{name}");
        for id in control {
            let text = format!("before {} after", texts[id]);
            let plain = tokenizer.encode_plain(&text, None).expect("encodes");
            let template = tokenizer.encode_template(&text, None).expect("encodes");
            assert!(
                plain.iter().all(|token| types[*token as usize] != 3),
                "{name}: {text}"
            );
            assert!(
                template.contains(&u32::try_from(id).expect("small")),
                "{name}: {text}"
            );
        }
    }
}

#[derive(Deserialize)]
#[expect(clippy::struct_field_names, reason = "as recorded")]
struct Templates {
    templates: HashMap<String, Source>,
    conversations: HashMap<String, Vec<Said>>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[expect(clippy::struct_field_names, reason = "as recorded")]
struct Source {
    source: String,
    bos_token: String,
    eos_token: String,
}

#[derive(Deserialize)]
struct Said {
    role: String,
    content: String,
}

#[derive(Deserialize)]
struct Case {
    template: String,
    conversation: String,
    expected: Option<String>,
}

#[test]
fn templates_render_as_the_reference_does() {
    let recorded: Templates = recorded("templates.json");
    let (mut checked, mut wrong) = (0, Vec::new());
    for case in &recorded.cases {
        // Contents are put in after the template has run, so it cannot change them: these two
        // conversations are about templates that do.
        if ["padded", "thoughts"].contains(&case.conversation.as_str()) {
            continue;
        }
        let source = &recorded.templates[&case.template];
        let messages: Vec<Message> = recorded.conversations[&case.conversation]
            .iter()
            .map(|said| {
                let role = match said.role.as_str() {
                    "system" => Role::System,
                    "user" => Role::User,
                    _ => Role::Assistant,
                };
                Message::new(role, said.content.clone())
            })
            .collect();
        let template = Template::new(
            Some(source.source.clone()),
            source.bos_token.clone(),
            source.eos_token.clone(),
        );
        let rendered = template.render(&messages).map(|pieces| {
            let texts = pieces.into_iter().map(|piece| match piece {
                Piece::Template(text) => text,
                Piece::Content(index) => messages[index].text.clone(),
            });
            texts.collect::<String>()
        });
        // Where a template refuses a system message, ours is said with the first question.
        let folded = case.expected.is_none() && messages[0].role == Role::System;
        checked += 1;
        if !folded && rendered.as_ref().ok() != case.expected.as_ref() {
            wrong.push(format!(
                "{} on {}: {rendered:?} for {:?}",
                case.template, case.conversation, case.expected
            ));
        }
    }
    assert!(checked > 60);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[derive(Deserialize)]
#[expect(clippy::struct_field_names, reason = "as recorded")]
struct Continuation {
    prompt: Vec<u32>,
    continuation: Vec<u32>,
    gap: Vec<f64>,
    exact_departs: Option<Departure>,
}

/// Where exact arithmetic on the same weights departs from llama.cpp first.
#[derive(Deserialize)]
struct Departure {
    at: usize,
}

/// A difference in log probability that rounding can turn around: llama.cpp's own losses are up to 0.38
/// from those of exact arithmetic on the smallest model.
const NEARLY_EQUAL: f64 = 0.4;

/// Continues the recorded prompts; gives in how many the likeliest tokens are llama.cpp's, 32 of them
/// or to the answer's end. Whatever departs must do so where rounding can, or where exact arithmetic
/// departs as well.
fn same_continuations(id: &str) -> usize {
    let recorded: HashMap<String, HashMap<String, Continuation>> = recorded("greedy.json");
    let gguf = Gguf::open(&weights(id)).expect("opens");
    let mut decoder = Decoder::load(gguf.into(), &options()).expect("loads");
    let (mut same, mut unexplained) = (0, Vec::new());
    let prompts = &recorded[id];
    for (name, expected) in prompts {
        let known = decoder.start(&expected.prompt[..expected.prompt.len() - 1]);
        let mut next = expected.prompt[known..].to_vec();
        let wanted = expected.continuation.len().min(32);
        let mut departed = None;
        for (at, token) in expected.continuation[..wanted].iter().enumerate() {
            let mut likeliest = 0;
            for part in next.chunks(PASS) {
                let logits = decoder.forward(part, 1).expect("computes");
                likeliest = (0..logits.len())
                    .max_by(|a, b| logits[*a].total_cmp(&logits[*b]))
                    .expect("a vocabulary");
            }
            if likeliest != *token as usize {
                departed = Some(at);
                break;
            }
            next = vec![*token];
        }
        match departed {
            None => same += 1,
            Some(at) => {
                let exact = expected
                    .exact_departs
                    .as_ref()
                    .map(|departure| departure.at);
                let gap = expected.gap[at];
                println!("{id}, {name}: departs at {at}, gap {gap}, exact arithmetic at {exact:?}");
                // Where exact arithmetic leaves llama.cpp, ours is already uncertain a little before.
                let with_exact = exact.is_some_and(|exact| exact <= at + 2);
                if gap > NEARLY_EQUAL && !with_exact {
                    unexplained.push((name, at, gap));
                }
            }
        }
    }
    println!(
        "{id}: {same} of {} continuations are the same",
        prompts.len()
    );
    assert!(unexplained.is_empty(), "{id}: {unexplained:?}");
    same
}

#[derive(Deserialize)]
#[expect(clippy::struct_field_names, reason = "as recorded")]
struct Losses {
    tokens: Vec<u32>,
    losses: Vec<f64>,
    mean: f64,
    exact_mean: f64,
}

/// The perplexity over a fixed text is that of exact arithmetic within half a percent. (Of the smallest
/// model llama.cpp's own is 0.7 percent off.)
#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn check_perplexity(id: &str) {
    let mut recorded: HashMap<String, serde_json::Value> = recorded("perplexity.json");
    let expected = recorded.remove(id).expect("a recording");
    let expected: Losses = serde_json::from_value(expected).expect("a valid recording");
    let gguf = Gguf::open(&weights(id)).expect("opens");
    let mut decoder = Decoder::load(gguf.into(), &options()).expect("loads");
    decoder.start(&[]);
    let mut losses = Vec::new();
    for part in expected.tokens.chunks(64) {
        let logits = decoder.forward(part, part.len()).expect("computes");
        for row in logits.chunks(logits.len() / part.len()) {
            let Some(next) = expected.tokens.get(losses.len() + 1) else {
                break;
            };
            let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let sum: f64 = row
                .iter()
                .map(|logit| f64::from(logit - largest).exp())
                .sum();
            losses.push(sum.ln() - f64::from(row[*next as usize] - largest));
        }
    }
    assert_eq!(losses.len(), expected.losses.len());
    let mean = losses.iter().sum::<f64>() / losses.len() as f64;
    println!(
        "{id}: mean loss {mean:.5}, llama.cpp {:.5}, exactly {:.5}",
        expected.mean, expected.exact_mean
    );
    let off = (mean - expected.exact_mean).exp() - 1.0;
    assert!(off.abs() < 0.005, "{id}: perplexity is {off} off");
}

#[test]
fn the_smallest_model_continues_as_llama_cpp_does() {
    // Exact arithmetic agrees with llama.cpp in 10 of these 20: the model is small and coarse.
    assert!(same_continuations(SMALLEST) >= 6);
}

#[test]
fn the_smallest_model_loses_what_llama_cpp_loses() {
    check_perplexity(SMALLEST);
}

#[test]
#[ignore = "needs the larger models"]
fn larger_models_do_as_llama_cpp_does() {
    for id in LARGER {
        check_tokens(id);
        check_perplexity(id);
        // Exact arithmetic agrees with llama.cpp in 17 and 13.
        assert!(same_continuations(id) >= 12, "{id}");
    }
    check_tokens("gemma-3-270m");
}

fn request(text: &str, max_tokens: usize) -> Request {
    Request {
        messages: vec![
            Message::new(Role::System, "Repeat what you are told."),
            Message::new(Role::User, text),
        ],
        max_tokens,
        sampling: Sampling::default(),
        stop: Vec::new(),
        endless: true,
        drafting: true,
        ..Request::default()
    }
}

fn answered(model: &mut LocalModel, request: &Request) -> (String, Summary) {
    let mut said = String::new();
    let summary = model
        .generate(request, &mut |text| {
            said.push_str(text);
            ControlFlow::Continue(())
        })
        .expect("answers");
    (said, summary)
}

#[test]
fn guessing_ahead_and_remembering_change_the_speed_and_not_the_answer() {
    let path = weights(SMALLEST);
    let text =
        "The ferry leaves at ten past nine from pier four, and at noon from pier two. ".repeat(6);
    let warm = Sampling {
        temperature: 0.8,
        top_p: 0.95,
        seed: 11,
        ..Sampling::default()
    };
    for sampling in [Sampling::default(), warm] {
        let plain = Request {
            drafting: false,
            sampling,
            ..request(&text, 120)
        };
        let drafting = Request {
            drafting: true,
            ..plain.clone()
        };
        let mut model = LocalModel::load(SMALLEST, &path, &options()).expect("loads");
        let (expected, first) = answered(&mut model, &plain);
        assert_eq!((first.cached_tokens, first.drafted_tokens), (0, 0));
        let (said, summary) = answered(&mut model, &drafting);
        assert_eq!(said, expected);
        assert_eq!(summary.cached_tokens, summary.prompt_tokens - 1);
        assert!(summary.accepted_tokens > 0, "{summary:?}");
        // Something else in between, then the same again.
        answered(&mut model, &request("Something else altogether.", 8));
        let (said, summary) = answered(&mut model, &plain);
        assert_eq!(said, expected);
        assert_eq!(summary.cached_tokens, summary.prompt_tokens - 1);
    }
}

#[test]
fn a_prompt_beyond_the_context_is_refused() {
    let options = Options {
        context: 64,
        ..options()
    };
    let mut model = LocalModel::load(SMALLEST, &weights(SMALLEST), &options).expect("loads");
    let outcome = model.generate(&request(&"word ".repeat(100), 8), &mut |_| {
        ControlFlow::Continue(())
    });
    assert!(matches!(
        outcome,
        Err(ModelsError::ContextOverflow { context: 64, .. })
    ));
}

/// What loading these bytes as a model says.
fn load(bytes: &[u8]) -> Result<Decoder, ModelsError> {
    let file = tempfile::NamedTempFile::new().expect("file");
    std::fs::write(file.path(), bytes).expect("written");
    let options = Options {
        free_memory: Some(1 << 30),
        context: 64,
        ..options()
    };
    Decoder::load(Gguf::open(file.path())?.into(), &options)
}

#[test]
fn a_damaged_file_is_refused_with_a_reason() {
    let whole = std::fs::read(reference("tiny/llama-q4_1.gguf")).expect("there");
    assert!(load(&whole).is_ok());
    for length in [0, 3, 23, 24, 100, 1000, whole.len() / 2, whole.len() - 1] {
        let error = load(&whole[..length]).err().expect("truncated").to_string();
        assert!(
            ["truncated", "not a GGUF", "fit the file"]
                .iter()
                .any(|part| error.contains(part)),
            "{length}: {error}"
        );
    }
    // Absurd counts of tensors and metadata.
    for at in [8, 16] {
        let mut bytes = whole.clone();
        bytes[at..at + 8].copy_from_slice(&u64::MAX.to_le_bytes());
        let error = load(&bytes).err().expect("refused").to_string();
        assert!(error.contains("claims"), "{error}");
    }
    // A name longer than the file.
    let mut bytes = whole.clone();
    bytes[24..32].copy_from_slice(&(1_u64 << 40).to_le_bytes());
    let error = load(&bytes).err().expect("refused").to_string();
    assert!(error.contains("does not fit the file"), "{error}");
}

#[test]
fn sizes_that_no_model_has_are_refused_before_anything_is_made_of_them() {
    let whole = std::fs::read(reference("tiny/llama-q4_1.gguf")).expect("there");
    for key in [
        "block_count",
        "embedding_length",
        "feed_forward_length",
        "attention.head_count",
        "attention.head_count_kv",
        "rope.dimension_count",
    ] {
        let name = format!("llama.{key}");
        let mut place = (name.len() as u64).to_le_bytes().to_vec();
        place.extend(name.as_bytes());
        let at = whole.windows(place.len()).position(|part| part == place);
        let value = at.expect("it is there") + place.len() + 4;
        for number in [2_000_000_000, u32::MAX - 15, u32::MAX] {
            let mut bytes = whole.clone();
            bytes[value..value + 4].copy_from_slice(&number.to_le_bytes());
            let error = load(&bytes).err().expect("refused").to_string();
            assert!(error.contains(&format!("{name} is {number}")), "{error}");
        }
    }
}

/// A header with one entry of metadata.
fn header_with(key: &str, kind: u32, value: &[u8]) -> Vec<u8> {
    let mut bytes = b"GGUF\x03\0\0\0".to_vec();
    bytes.extend(0_u64.to_le_bytes());
    bytes.extend(1_u64.to_le_bytes());
    bytes.extend((key.len() as u64).to_le_bytes());
    bytes.extend(key.as_bytes());
    bytes.extend(kind.to_le_bytes());
    bytes.extend(value);
    bytes
}

#[test]
fn a_header_that_takes_memory_is_refused() {
    let list = |kind: u32, count: usize, each: &[u8]| {
        let mut bytes = kind.to_le_bytes().to_vec();
        bytes.extend((count as u64).to_le_bytes());
        bytes.extend(each.repeat(count));
        bytes
    };
    let text = |length: usize| {
        let mut bytes = (length as u64).to_le_bytes().to_vec();
        bytes.extend(vec![b'x'; length]);
        bytes
    };
    for (bytes, words) in [
        (
            header_with("x.list", 9, &list(0, 60 << 20, &[0])),
            "than a vocabulary needs",
        ),
        (
            header_with("x.texts", 9, &list(8, 6 << 20, &[0; 8])),
            "than a vocabulary needs",
        ),
        (header_with("x.text", 8, &text(70 << 20)), "does not fit"),
        (
            header_with(&"x".repeat(2000), 8, &text(1)),
            "a name of 2000 bytes",
        ),
        (
            header_with("general.alignment", 8, &text(1 << 20)),
            "general.alignment",
        ),
    ] {
        let error = load(&bytes).err().expect("refused").to_string();
        assert!(error.contains(words), "{error:.200}");
        assert!(error.len() < 1000);
    }
}

#[test]
fn no_header_crashes_the_reader() {
    let whole = std::fs::read(reference("tiny/llama-q4_1.gguf")).expect("there");
    let header = whole.len().min(24_000);
    let mut random = StdRng::seed_from_u64(5);
    let (mut refused, mut loaded) = (0, 0);
    for _ in 0..2_000 {
        let mut bytes = whole.clone();
        for _ in 0..random.random_range(1..4) {
            let at = random.random_range(0..header);
            match random.random_range(0..3) {
                0 => bytes[at] = random.random(),
                1 => bytes[at] ^= 1 << random.random_range(0..8),
                _ => {
                    let value: u64 = random.random::<u64>() >> random.random_range(0..64);
                    bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
                }
            }
        }
        match load(&bytes) {
            Ok(_) => loaded += 1,
            Err(error) => {
                assert!(!error.to_string().is_empty());
                refused += 1;
            }
        }
    }
    assert!(
        refused > 100 && loaded > 100,
        "{refused} refused, {loaded} loaded"
    );
}

#[test]
fn a_hostile_template_ends() {
    for source in [
        "{% for a in range(100000) %}{% for b in range(100000) %}x{% endfor %}{% endfor %}",
        "{% include 'other' %}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{{ messages[0]['content'] * 1000000000 }}",
        "{{ raise_exception('no') }}",
        "{% if %}",
    ] {
        let template = Template::new(Some(source.to_owned()), String::new(), String::new());
        let outcome = template.render(&[Message::new(Role::User, "hello")]);
        assert!(outcome.is_err(), "{source}: {outcome:?}");
    }
}

/// candle-transformers' modules give llama.cpp's logits too, where they are used.
#[test]
#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn stock_modules_give_llama_cpps_logits() {
    for (name, most) in [("llama-f32", 0.2), ("qwen2-f16", 0.2), ("phi3-f16", 0.2)] {
        let gguf = Gguf::open(&reference(&format!("tiny/{name}.gguf"))).expect("opens");
        let tokens: Vec<u32> = recorded(&format!("tiny/{name}.tokens.json"));
        let expected = recorded_logits(name);
        let vocabulary = expected.len() / tokens.len();
        let mut model = Stock::load(&gguf, candle_core::Device::Cpu, 512).expect("loads");
        // A prompt, then a token at a time; then another prompt, which starts anew.
        for (first, last) in [(40, 50), (7, 9)] {
            let known = model.start(&tokens[..first]);
            assert_eq!(known, 0, "{name}");
            let mut logits = model
                .forward(&tokens[..first], 1)
                .expect("computes")
                .to_vec();
            for at in first..last {
                let row = &expected[(at - 1) * vocabulary..at * vocabulary];
                let squares = log_softmax(&logits)
                    .into_iter()
                    .zip(row)
                    .map(|(found, expected)| (found - expected).powi(2));
                let rms = (squares.sum::<f32>() / vocabulary as f32).sqrt();
                assert!(rms < most, "{name} after {at}: {rms}");
                logits = model
                    .forward(&tokens[at..=at], 1)
                    .expect("computes")
                    .to_vec();
            }
        }
    }
}
