//! The embedder on our engine against what `models/reference/encoder.py` recorded.

#![expect(clippy::cast_precision_loss, reason = "counts are small")]

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde::Deserialize;

use super::container::Container;
use super::engine::{EngineEmbedder, Loaded, load};
use super::unigram::Scratch;
use super::{Embedder, TextKind};
use crate::ModelsError;
use crate::catalog::{EmbeddingEngine, EmbeddingSpec, Pooling};
use crate::language::tests::{recorded, reference};

#[derive(Deserialize)]
struct Recording {
    /// Tokens of a text, at most.
    most: usize,
    texts: Vec<Recorded>,
}

#[derive(Deserialize)]
struct Recorded {
    text: String,
    tokens: Vec<u32>,
    vector: Vec<f32>,
}

fn spec(dimensions: usize, max_tokens: usize) -> EmbeddingSpec {
    EmbeddingSpec {
        engine: EmbeddingEngine::Ours,
        dimensions,
        pooling: Pooling::Mean,
        query_prefix: String::new(),
        passage_prefix: String::new(),
        max_tokens,
        unrelated: 0,
        related: 1000,
        foreign: 0,
        word_layers: 1,
    }
}

fn tiny() -> PathBuf {
    reference("tiny/encoder.bin")
}

fn embedder(path: &Path, spec: &EmbeddingSpec, threads: usize) -> EngineEmbedder {
    let loaded: Arc<Loaded> = Arc::new(load(path, spec).expect("loads"));
    EngineEmbedder::new(loaded, spec, threads)
}

fn embed(embedder: &mut EngineEmbedder, texts: &[String]) -> Vec<Vec<f32>> {
    embedder.embed(texts, TextKind::Passage).expect("embeds")
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        let products = a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b));
        products.sum()
    };
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// Compares all tokens, and gives the smallest cosine and the mean.
fn compare(path: &Path, recording: &str) -> (f64, f64) {
    let recording: Recording = recorded(recording);
    let tokenizer = Container::open(path).expect("opens").tokenizer;
    let mut scratch = Scratch::default();
    for Recorded { text, tokens, .. } in &recording.texts {
        let mut found = Vec::new();
        tokenizer.encode(text, recording.most, &mut scratch, &mut found);
        assert_eq!(&found, tokens, "{text:?}");
    }
    let spec = spec(recording.texts[0].vector.len(), recording.most);
    let texts: Vec<String> = recording
        .texts
        .iter()
        .map(|text| text.text.clone())
        .collect();
    let vectors = embed(&mut embedder(path, &spec, 2), &texts);
    let cosines = vectors.iter().zip(&recording.texts);
    let cosines: Vec<f64> = cosines.map(|(v, text)| cosine(v, &text.vector)).collect();
    let least = cosines.iter().copied().fold(1.0, f64::min);
    (least, cosines.iter().sum::<f64>() / cosines.len() as f64)
}

#[test]
fn tokens_are_the_originals_and_vectors_those_of_exact_arithmetic() {
    let (least, mean) = compare(&tiny(), "tiny/encoder.json");
    println!("cosines: least {least:.6}, mean {mean:.6}");
    assert!(least > 0.999, "{least}");
}

#[test]
fn a_text_that_is_read_word_by_word_is_the_same_text() {
    let recording: Recording = recorded("tiny/encoder.json");
    // White space at the ends belongs to no word.
    let texts = recording
        .texts
        .iter()
        .map(|text| text.text.trim().to_owned());
    let texts: Vec<String> = texts.collect();
    let tokenizer = Container::open(&tiny()).expect("opens").tokenizer;
    for text in &texts {
        let (mut whole, mut by_word) = (Vec::new(), Vec::new());
        let mut scratch = Scratch::default();
        tokenizer.encode(&format!("passage: {text}"), 100, &mut scratch, &mut whole);
        tokenizer.encode_words(("passage: ", text), 100, &mut scratch, &mut by_word);
        assert_eq!(whole, by_word, "{text:?}");
    }
    let mut spec = spec(64, 100);
    spec.passage_prefix = "passage: ".to_owned();
    let vectors = embed(&mut embedder(&tiny(), &spec, 2), &texts);
    let readings = embedder(&tiny(), &spec, 2).read(&texts, TextKind::Passage);
    let readings = readings.expect("reads");
    for ((text, vector), reading) in texts.iter().zip(&vectors).zip(&readings) {
        assert_eq!(&reading.vector, vector, "{text:?}");
        for (span, vector) in &reading.words {
            assert!(
                !text[span.clone()].contains(char::is_whitespace),
                "{text:?}"
            );
            assert!(vector.len() == 64 && vector.iter().all(|x| x.is_finite()));
        }
    }
    let told = readings.iter().map(|reading| reading.words.len());
    let all = texts.iter().map(|text| text.split_whitespace().count());
    // What is cut off has no words.
    assert!(
        told.zip(all)
            .all(|(told, all)| told <= all && (told > 0) == (all > 0))
    );
}

#[test]
fn a_word_says_what_it_says_where_it_stands() {
    let mut embedder = embedder(&tiny(), &spec(64, 100), 1);
    let texts = [
        "one two".to_owned(),
        "one three".to_owned(),
        "one two".to_owned(),
    ];
    let readings = embedder.read(&texts, TextKind::Query).expect("reads");
    assert_eq!(readings[0], readings[2]);
    assert_eq!(readings[0].words[0].0, 0..3);
    assert_eq!(readings[0].words[1].0, 4..7);
    // After the first layer a word knows its neighbours.
    assert_ne!(readings[0].words[0].1, readings[1].words[0].1);
}

#[test]
#[ignore = "needs multilingual-e5-small-q4"]
fn the_catalogs_model_is_the_original() {
    let (least, mean) = compare(&catalog_file(), "encoder.json");
    println!("cosines: least {least:.6}, mean {mean:.6}");
    assert!(least > 0.999, "{least}");
}

fn catalog_file() -> PathBuf {
    let named = std::env::var_os("VADE_MODEL_DIR").map(PathBuf::from);
    let paths = vade_config::Paths::resolve(None, named.as_deref()).expect("a model directory");
    paths
        .models
        .join("multilingual-e5-small-q4/e5-small-q4.bin")
}

#[test]
fn the_same_bits_whoever_is_read_beside_it() {
    let recording: Recording = recorded("tiny/encoder.json");
    let mut texts: Vec<String> = recording.texts.into_iter().map(|text| text.text).collect();
    let spec = spec(64, 100);
    let mut one = embedder(&tiny(), &spec, 1);
    let alone: HashMap<String, Vec<f32>> = texts
        .iter()
        .map(|text| {
            (
                text.clone(),
                embed(&mut one, std::slice::from_ref(text)).remove(0),
            )
        })
        .collect();
    let mut random = StdRng::seed_from_u64(3);
    for threads in [1, 2, 3] {
        let mut several = embedder(&tiny(), &spec, threads);
        for _ in 0..4 {
            let other = random.random_range(0..texts.len());
            texts.swap(0, other);
            texts.rotate_left(5);
            for (text, vector) in texts.iter().zip(embed(&mut several, &texts)) {
                assert!(vector == alone[text], "{threads} threads: {text:?}");
                assert!((cosine(&vector, &vector) - 1.0).abs() < 1e-6);
            }
        }
    }
    assert!(embed(&mut one, &[]).is_empty());
}

#[test]
fn levels_differ_by_rounding_only() {
    let recording: Recording = recorded("tiny/encoder.json");
    let texts: Vec<String> = recording.texts.into_iter().map(|text| text.text).collect();
    let spec = spec(64, 100);
    let mut embedder = embedder(&tiny(), &spec, 1);
    let best = embed(&mut embedder, &texts);
    for level in 0..EngineEmbedder::levels() {
        embedder.set_level(level);
        for (vector, best) in embed(&mut embedder, &texts).iter().zip(&best) {
            assert!(cosine(vector, best) > 0.9999);
        }
    }
}

#[test]
fn both_kinds_of_text_have_their_prefix() {
    let spec = EmbeddingSpec {
        query_prefix: "query: ".to_owned(),
        passage_prefix: "passage: ".to_owned(),
        ..spec(64, 100)
    };
    let mut plain = embedder(&tiny(), &self::spec(64, 100), 1);
    let mut prefixed = embedder(&tiny(), &spec, 1);
    for (kind, prefix) in [
        (TextKind::Query, "query: "),
        (TextKind::Passage, "passage: "),
    ] {
        let found = prefixed
            .embed(&["library".to_owned()], kind)
            .expect("embeds");
        assert_eq!(found, embed(&mut plain, &[format!("{prefix}library")]));
    }
}

#[test]
fn pooling_is_what_the_catalog_says() {
    let text = ["the library".to_owned()];
    let first = EmbeddingSpec {
        pooling: Pooling::Cls,
        ..spec(64, 100)
    };
    let mean = embed(&mut embedder(&tiny(), &spec(64, 100), 1), &text);
    let first = embed(&mut embedder(&tiny(), &first, 1), &text);
    assert!(cosine(&mean[0], &first[0]) < 0.99);
}

#[test]
fn what_a_text_says_is_never_a_control_token() {
    let tokenizer = Container::open(&tiny()).expect("opens").tokenizer;
    let mask = u32::try_from(tokenizer.len() - 1).expect("small");
    let mut tokens = Vec::new();
    let text = "a <s> b </s><pad> <mask><unk> c";
    tokenizer.encode(text, 100, &mut Scratch::default(), &mut tokens);
    assert_eq!((tokens[0], tokens[tokens.len() - 1]), (0, 2));
    let inner = &tokens[1..tokens.len() - 1];
    assert!(
        inner.iter().all(|token| *token > 2 && *token != mask),
        "{inner:?}"
    );
}

#[test]
fn a_very_long_text_is_cut() {
    let mut embedder = embedder(&tiny(), &spec(64, 100), 1);
    let words = "library ".repeat(100_000);
    let beginning = words[..800].to_owned();
    let unbroken = "図書館は日曜日に".repeat(20_000);
    let vectors = embed(&mut embedder, &[words, beginning, unbroken]);
    assert_eq!(vectors[0], vectors[1]);
    assert!((cosine(&vectors[2], &vectors[2]) - 1.0).abs() < 1e-6);
}

fn loaded(bytes: &[u8]) -> Result<EngineEmbedder, ModelsError> {
    let file = tempfile::NamedTempFile::new().expect("file");
    std::fs::write(file.path(), bytes).expect("writes");
    let spec = spec(64, 100);
    let loaded = load(file.path(), &spec)?;
    Ok(EngineEmbedder::new(Arc::new(loaded), &spec, 1))
}

fn refusal(bytes: &[u8]) -> String {
    loaded(bytes).err().expect("refused").to_string()
}

#[test]
fn a_damaged_file_is_refused_with_a_reason() {
    let whole = std::fs::read(tiny()).expect("there");
    assert!(loaded(&whole).is_ok());
    for length in [
        0,
        3,
        7,
        8,
        40,
        71,
        1000,
        60_000,
        whole.len() / 2,
        whole.len() - 64,
    ] {
        let error = refusal(&whole[..length]);
        let known = ["truncated", "not a container"];
        assert!(
            known.iter().any(|part| error.contains(part)),
            "{length}: {error}"
        );
    }
    let mut other = whole.clone();
    other[4] = 2;
    assert!(refusal(&other).contains("version 2"));
}

#[test]
fn sizes_that_no_model_has_are_refused_before_anything_is_made_of_them() {
    let whole = std::fs::read(tiny()).expect("there");
    // Width, layers, heads, feed-forward width, token vectors, positions; numbers of a block; pieces;
    // the length of their text.
    for at in [8, 12, 16, 20, 28, 40, 44, 64] {
        for number in [0, 7, 1 << 20, i32::MAX, -1] {
            let mut bytes = whole.clone();
            bytes[at..at + 4].copy_from_slice(&number.to_le_bytes());
            let error = refusal(&bytes);
            assert!(error.len() < 1000, "{at}, {number}: {error}");
        }
    }
}

#[test]
fn no_header_crashes_the_reader() {
    let whole = std::fs::read(tiny()).expect("there");
    let header = whole.len() - 80_000;
    let text = ["passage: the library, a library".to_owned()];
    let mut random = StdRng::seed_from_u64(5);
    let (mut refused, mut embedded) = (0, 0);
    for round in 0..600 {
        let mut bytes = whole.clone();
        for _ in 0..random.random_range(1..4) {
            // Sizes and the list of tensors are hit more often than the vocabulary between them.
            let at = match round % 3 {
                0 => random.random_range(0..72),
                1 => random.random_range(header - 4_000..header),
                _ => random.random_range(0..header),
            };
            bytes[at] = match random.random_range(0..3) {
                0 => random.random(),
                1 => bytes[at] ^ 1 << random.random_range(0..8),
                _ => 255,
            };
        }
        if random.random_bool(0.1) {
            bytes.truncate(random.random_range(0..bytes.len()));
        }
        match loaded(&bytes) {
            Ok(mut embedder) => {
                embedded += usize::from(embedder.embed(&text, TextKind::Query).is_ok());
            }
            Err(error) => {
                refused += 1;
                assert!(error.to_string().len() < 1000);
            }
        }
    }
    assert!(refused > 50 && embedded > 50, "{refused}, {embedded}");
}

#[test]
fn a_catalog_entry_that_is_wrong_about_its_file_is_told_so() {
    let error = load(&tiny(), &spec(384, 100))
        .err()
        .expect("refused")
        .to_string();
    assert!(error.contains("64 dimensions"), "{error}");
    let error = load(&tiny(), &spec(64, 500))
        .err()
        .expect("refused")
        .to_string();
    assert!(error.contains("max-tokens"), "{error}");
}

#[derive(Deserialize)]
struct Tokenized {
    text: String,
    tokens: Vec<u32>,
}

#[test]
#[ignore = "needs multilingual-e5-small-q4 and VADE_TOKENS, a list of texts with their tokens"]
fn a_corpus_is_cut_as_the_original_cuts_it() {
    let path = std::env::var_os("VADE_TOKENS").expect("set");
    let text = std::fs::read(path).expect("there");
    let corpus: Vec<Tokenized> = serde_json::from_slice(&text).expect("valid");
    let tokenizer = Container::open(&catalog_file()).expect("opens").tokenizer;
    let mut scratch = Scratch::default();
    let mut different = 0;
    for Tokenized { text, tokens } in &corpus {
        let mut found = Vec::new();
        tokenizer.encode(text, 1 << 20, &mut scratch, &mut found);
        if &found != tokens {
            different += 1;
            println!("{text:?}\n  {found:?}\n  {tokens:?}");
        }
    }
    println!("{different} of {} texts differ", corpus.len());
    assert_eq!(different, 0);
}

#[test]
#[ignore = "measures: needs both embedding models, ORT_DISABLE_TELEMETRY=1 and VADE_TEXTS, a list of texts"]
fn embeds_faster_than_onnx_runtime() {
    use std::time::Instant;

    let texts = std::env::var_os("VADE_TEXTS").expect("set");
    let texts = std::fs::read(texts).expect("there");
    let texts: Vec<String> = serde_json::from_slice(&texts).expect("valid");
    let catalog = crate::catalog::Catalog::load(None).expect("a catalog");
    let named = std::env::var_os("VADE_MODEL_DIR").map(PathBuf::from);
    let paths = vade_config::Paths::resolve(None, named.as_deref()).expect("a model directory");
    let store = crate::store::Store::new(paths.models);
    let of = |id: &str| {
        let model = catalog.get(id).expect("listed");
        let spec = model.embedding.clone().expect("an embedder");
        (spec, store.locate(model).expect("here"))
    };
    let runtime = store.locate(catalog.runtime().expect("one")).expect("here");
    let runtime = super::Runtime::load(&runtime.files()[0]).expect("loads");
    let threads = std::env::var("VADE_THREADS").map_or(2, |n| n.parse().expect("a number"));
    // Seconds of processor time; wall time says little beside other programs.
    let processor = || {
        let status = std::fs::read_to_string("/proc/self/stat").expect("Linux");
        let fields: Vec<&str> = status.split(' ').collect();
        let ticks = |at: usize| fields[at].parse::<f64>().expect("a number");
        (ticks(13) + ticks(14)) / 100.0
    };
    let resident = || {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with("VmRSS"));
        line.unwrap_or_default().to_owned()
    };
    println!("at first: {}", resident());
    let (spec, files) = of("multilingual-e5-small-q4");
    let ours = super::EngineModel::new(spec);
    let started = Instant::now();
    let mut ours = ours.embedder(&files, threads).expect("loads");
    let question = ["when does the library open on Sundays?".to_owned()];
    let load = started.elapsed();
    ours.embed(&question, TextKind::Query).expect("embeds");
    println!(
        "ours: loaded in {load:?}, first question after {:?}",
        started.elapsed()
    );
    println!("with ours: {}", resident());
    embed(&mut ours, &texts[..20]);
    println!("after texts: {}", resident());
    let (spec, files) = of("snowflake-arctic-embed-s");
    let onnx = super::OnnxEmbedder::load(&runtime, &spec, &files, threads);
    let mut onnx: Box<dyn Embedder> = Box::new(onnx.expect("loads"));
    onnx.embed(&texts[..20], TextKind::Passage).expect("embeds");
    println!("with theirs too: {}", resident());
    let mut ours: Box<dyn Embedder> = Box::new(ours);
    let mut rates = [Vec::new(), Vec::new()];
    let mut latencies = [Vec::new(), Vec::new()];
    let mut costs = [Vec::new(), Vec::new()];
    for _ in 0..5 {
        for (which, embedder) in [&mut ours, &mut onnx].into_iter().enumerate() {
            let (started, before) = (Instant::now(), processor());
            for texts in texts.chunks(16) {
                embedder.embed(texts, TextKind::Passage).expect("embeds");
            }
            rates[which].push(texts.len() as f64 / started.elapsed().as_secs_f64());
            costs[which].push(texts.len() as f64 / (processor() - before));
            for _ in 0..20 {
                let started = Instant::now();
                embedder.embed(&question, TextKind::Query).expect("embeds");
                latencies[which].push(started.elapsed().as_secs_f64() * 1000.0);
            }
        }
    }
    for (which, name) in ["ours", "ONNX Runtime"].iter().enumerate() {
        for (what, values) in [
            ("texts/s", &mut rates[which]),
            ("texts a second of processor time", &mut costs[which]),
            ("ms", &mut latencies[which]),
        ] {
            values.sort_by(f64::total_cmp);
            let median = values[values.len() / 2];
            let (least, most) = (values[0], values[values.len() - 1]);
            println!("{name}: {median:.2} {what} ({least:.2} to {most:.2})");
        }
    }
}
