//! The decoder against candle-transformers' own modules, on tiny models with random weights.
//!
//! The stock modules are right where these tests use them: short sequences, one uninterrupted pass.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;

use candle_core::quantized::gguf_file::{self, Value};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Result, Tensor};
use candle_transformers::models::{quantized_llama, quantized_qwen2};

use super::{Decoder, Gguf};

const WIDTH: usize = 256;
const HEADS: usize = 4;
const KV_HEADS: usize = 2;
const FEED: usize = 512;
const VOCABULARY: usize = 96;
const LAYERS: usize = 2;

/// Writes a model of random weights; `inner` pads nothing when it is a multiple of 256.
fn write_model(path: &Path, architecture: &str, feed: usize) -> Result<()> {
    let kv_width = WIDTH / HEADS * KV_HEADS;
    let mut shapes: Vec<(String, Vec<usize>)> = vec![
        ("token_embd.weight".to_owned(), vec![VOCABULARY, WIDTH]),
        ("output_norm.weight".to_owned(), vec![WIDTH]),
        ("output.weight".to_owned(), vec![VOCABULARY, WIDTH]),
    ];
    for layer in 0..LAYERS {
        let mut add = |name: &str, shape: &[usize]| {
            shapes.push((format!("blk.{layer}.{name}"), shape.to_vec()));
        };
        add("attn_norm.weight", &[WIDTH]);
        add("ffn_norm.weight", &[WIDTH]);
        for (name, rows) in [("q", WIDTH), ("k", kv_width), ("v", kv_width)] {
            add(&format!("attn_{name}.weight"), &[rows, WIDTH]);
            if architecture == "qwen2" {
                add(&format!("attn_{name}.bias"), &[rows]);
            }
        }
        add("attn_output.weight", &[WIDTH, WIDTH]);
        add("ffn_gate.weight", &[feed, WIDTH]);
        add("ffn_up.weight", &[feed, WIDTH]);
        add("ffn_down.weight", &[WIDTH, feed]);
    }
    let mut random = Random(7);
    let tensors = shapes
        .iter()
        .map(|(name, shape)| Ok((name.as_str(), random.tensor(shape)?)))
        .collect::<Result<Vec<_>>>()?;
    let tensors: Vec<(&str, &QTensor)> = tensors
        .iter()
        .map(|(name, tensor)| (*name, tensor))
        .collect();
    let number = |value: usize| Value::U32(u32::try_from(value).unwrap_or_default());
    let metadata: HashMap<String, Value> = [
        ("attention.head_count", number(HEADS)),
        ("attention.head_count_kv", number(KV_HEADS)),
        ("block_count", number(LAYERS)),
        ("embedding_length", number(WIDTH)),
        ("context_length", number(128)),
        ("rope.dimension_count", number(WIDTH / HEADS)),
        ("rope.freq_base", Value::F32(10_000.0)),
        ("attention.layer_norm_rms_epsilon", Value::F32(1e-5)),
    ]
    .into_iter()
    .map(|(key, value)| (format!("{architecture}.{key}"), value))
    .chain([(
        "general.architecture".to_owned(),
        Value::String(architecture.to_owned()),
    )])
    .collect();
    let metadata: Vec<(&str, &Value)> = metadata
        .iter()
        .map(|(key, value)| (key.as_str(), value))
        .collect();
    gguf_file::write(&mut File::create(path)?, &metadata, &tensors)
}

/// A small generator, the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> f32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let bits = u16::try_from(self.0 >> 48).unwrap_or_default();
        f32::from(bits) / 32768.0 - 1.0
    }

    fn tensor(&mut self, shape: &[usize]) -> Result<QTensor> {
        let count = shape.iter().product();
        let scale = if shape.len() == 1 { 0.5 } else { 0.12 };
        let values: Vec<f32> = (0..count).map(|_| self.next() * scale).collect();
        let tensor = Tensor::from_vec(values, shape, &Device::Cpu)?;
        let kind = if shape.len() == 1 {
            GgmlDType::F32
        } else {
            GgmlDType::Q8_0
        };
        QTensor::quantize(&tensor, kind)
    }
}

fn tokens(count: u32) -> Vec<u32> {
    (0..count).map(|place| (place * 37 + 11) % 96).collect()
}

fn stock(path: &Path, architecture: &str, tokens: &[u32]) -> Result<Vec<f32>> {
    let mut file = File::open(path)?;
    let content = gguf_file::Content::read(&mut file)?;
    let input = Tensor::new(tokens, &Device::Cpu)?.unsqueeze(0)?;
    let logits = if architecture == "llama" {
        quantized_llama::ModelWeights::from_gguf(content, &mut file, &Device::Cpu)?
            .forward(&input, 0)?
    } else {
        quantized_qwen2::ModelWeights::from_gguf(content, &mut file, &Device::Cpu)?
            .forward(&input, 0)?
    };
    logits.flatten_all()?.to_vec1()
}

/// Logits after `tokens`, read in parts of `part`.
fn ours(path: &Path, tokens: &[u32], part: usize) -> Result<Vec<f32>> {
    let mut decoder = Decoder::load(&mut Gguf::open(path)?, 128)?;
    let mut logits = Vec::new();
    for part in tokens.chunks(part) {
        logits = decoder.forward(part)?.to_vec1()?;
    }
    Ok(logits)
}

#[track_caller]
fn assert_near(left: &[f32], right: &[f32], tolerance: f32) {
    assert_eq!(left.len(), right.len());
    let largest = right
        .iter()
        .fold(0.0_f32, |most, value| most.max(value.abs()));
    let difference = left.iter().zip(right).fold(0.0_f32, |most, (left, right)| {
        most.max((left - right).abs())
    });
    assert!(
        difference <= tolerance * largest,
        "differs by {difference} where values reach {largest}"
    );
}

#[test]
fn logits_equal_the_stock_modules() {
    for architecture in ["llama", "qwen2"] {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("tiny.gguf");
        write_model(&path, architecture, FEED).expect("writes");
        let reference = stock(&path, architecture, &tokens(40)).expect("runs");
        let logits = ours(&path, &tokens(40), 40).expect("runs");
        assert_near(&logits, &reference, 1e-3);
    }
}

#[test]
fn reading_in_parts_gives_the_same() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("tiny.gguf");
    write_model(&path, "qwen2", FEED).expect("writes");
    let whole = ours(&path, &tokens(50), 50).expect("runs");
    for part in [1, 7, 32] {
        assert_near(&ours(&path, &tokens(50), part).expect("runs"), &whole, 2e-2);
    }
}

#[test]
fn padded_matrices_compute_the_same() {
    // 480 is no multiple of 256: `ffn_down` is padded and requantised.
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("tiny.gguf");
    write_model(&path, "llama", 480).expect("writes");
    let reference = stock(&path, "llama", &tokens(30)).expect("runs");
    assert_near(
        &ours(&path, &tokens(30), 30).expect("runs"),
        &reference,
        2e-2,
    );
}

#[test]
fn a_truncated_sequence_continues_as_if_never_longer() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("tiny.gguf");
    write_model(&path, "llama", FEED).expect("writes");
    let mut decoder = Decoder::load(&mut Gguf::open(&path).expect("opens"), 128).expect("loads");
    decoder.forward(&tokens(60)).expect("runs");
    decoder.truncate(20);
    let again = decoder.forward(&tokens(40)[20..]).expect("runs");
    let fresh = ours(&path, &tokens(40), 20).expect("runs");
    assert_near(&again.to_vec1::<f32>().expect("a vector"), &fresh, 1e-4);
}

#[test]
fn what_does_not_fit_the_context_is_refused() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("tiny.gguf");
    write_model(&path, "llama", FEED).expect("writes");
    let mut decoder = Decoder::load(&mut Gguf::open(&path).expect("opens"), 32).expect("loads");
    assert!(decoder.forward(&tokens(33)).is_err());
    assert!(decoder.forward(&tokens(32)).is_ok());
    assert!(decoder.forward(&tokens(1)).is_err());
}
