//! An experiment: passages' keys and values computed beforehand and placed in a prompt.
//!
//! A passage is read by itself behind the instructions. Later its keys are turned to their new place
//! (rotary angles add up) and its values copied, except for its first tokens, which are read again. The
//! passages then know nothing of each other, which costs answers; how many is what this measures.

use std::path::Path;

use half::f16;
use serde_json::Value;

use super::tests::options;
use super::*;
use crate::language::Tokenizer;

/// Keys and values of a stretch of tokens `[token][layer][head][2 · head_size]`.
struct Stretch {
    start: usize,
    tokens: Vec<u32>,
    numbers: Vec<f32>,
}

/// Where a position's key (by dimension) and value lie in a page.
fn places(layout: Layout, position: usize) -> Vec<(usize, usize)> {
    let mut places = Vec::new();
    for layer in 0..layout.layers {
        for head in 0..layout.kv_heads {
            let start = layout.offset(layer, head);
            let value = start + (PAGE + position % PAGE) * layout.head_size;
            places.push((start + position % PAGE, value));
        }
    }
    places
}

/// Takes tokens from `start` on out of the present sequence.
fn take(decoder: &mut Decoder, start: usize, tokens: &[u32]) -> Stretch {
    let size = decoder.layout.head_size;
    let pages = decoder.cache.pages();
    let mut numbers = Vec::new();
    for position in start..start + tokens.len() {
        let page = pages[position / PAGE];
        for (key, value) in places(decoder.layout, position) {
            for dimension in 0..size {
                // SAFETY: the places lie in the page.
                let bits = unsafe { *page.add(key + dimension * PAGE) };
                numbers.push(f16::from_bits(bits).to_f32());
            }
            for dimension in 0..size {
                // SAFETY: as above.
                let bits = unsafe { *page.add(value + dimension) };
                numbers.push(f16::from_bits(bits).to_f32());
            }
        }
    }
    Stretch {
        start,
        tokens: tokens.to_vec(),
        numbers,
    }
}

/// Adds a stretch from its token `from` on to the present sequence.
fn place(decoder: &mut Decoder, stretch: &Stretch, from: usize) {
    let size = decoder.layout.head_size;
    let first = decoder.cache.length();
    decoder.cache.extend(&stretch.tokens[from..]);
    let pages = decoder.cache.pages();
    let turn = first - (stretch.start + from);
    decoder.rotaries[0].reach(turn + 1);
    let row = decoder.layout.layers * decoder.layout.kv_heads * 2 * size;
    for (at, numbers) in stretch.numbers.chunks(row).enumerate().skip(from) {
        let position = first + at - from;
        let page = pages[position / PAGE];
        let heads = places(decoder.layout, position);
        for ((key, value), numbers) in heads.into_iter().zip(numbers.chunks(2 * size)) {
            let mut turned = numbers[..size].to_vec();
            decoder.rotaries[0].rotate(&mut turned, turn);
            for dimension in 0..size {
                // SAFETY: the places lie in the page.
                unsafe {
                    *page.add(key + dimension * PAGE) = f16::from_f32(turned[dimension]).to_bits();
                    *page.add(value + dimension) =
                        f16::from_f32(numbers[size + dimension]).to_bits();
                }
            }
        }
    }
}

fn read(decoder: &mut Decoder, tokens: &[u32]) -> Vec<f32> {
    let mut logits = Vec::new();
    for part in tokens.chunks(PASS) {
        logits = decoder.forward(part, 1).expect("computes").to_vec();
    }
    logits
}

fn words(text: &str) -> Vec<String> {
    text.to_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty() && !["a", "an", "the"].contains(word))
        .map(str::to_owned)
        .collect()
}

fn f1(answer: &str, gold: &str) -> f64 {
    let (answer, mut gold) = (words(answer), words(gold));
    let (said, wanted) = (answer.len(), gold.len());
    let common = answer
        .iter()
        .filter(|word| {
            let at = gold.iter().position(|other| other == *word);
            at.map(|at| gold.swap_remove(at)).is_some()
        })
        .count();
    if common == 0 {
        return 0.0;
    }
    2.0 * common as f64 / (said + wanted) as f64
}

#[test]
#[ignore = "an experiment of some minutes; needs VADE_XQUAD, VADE_GGUF"]
fn answers_from_placed_passages() {
    let variable = |name: &str| std::env::var(name).expect("set");
    let questions: usize =
        std::env::var("VADE_QUESTIONS").map_or(60, |n| n.parse().expect("a number"));
    let data: Value =
        serde_json::from_slice(&std::fs::read(variable("VADE_XQUAD")).expect("XQuAD"))
            .expect("JSON");
    let gguf = Gguf::open(Path::new(&variable("VADE_GGUF"))).expect("opens");
    let mut tokenizer = Tokenizer::from_gguf(&gguf).expect("tokenizer");
    let mut decoder = Decoder::load(gguf.into(), &options(4096)).expect("loads");

    let mut asked = Vec::new();
    for article in data["data"].as_array().expect("articles") {
        let paragraphs = article["paragraphs"].as_array().expect("paragraphs");
        for (index, paragraph) in paragraphs.iter().enumerate() {
            for question in paragraph["qas"].as_array().expect("questions") {
                asked.push((paragraphs, index, question));
            }
        }
    }
    let head = "<|im_start|>system\nReply with the shortest exact phrase from the passages that answers \
                the question.<|im_end|>\n<|im_start|>user\n";
    let instructions = tokenizer.encode_template(head, None).expect("encodes");
    let variants = [None, Some(24)];
    let mut scores = [0.0; 2];
    let mut milliseconds = [0.0; 2];
    for number in 0..questions {
        let (paragraphs, index, question) = asked[number * asked.len() / questions];
        // The right paragraph in turn at each place among three others of the same article.
        let mut chosen: Vec<usize> = (0..paragraphs.len())
            .filter(|other| *other != index)
            .take(3)
            .collect();
        chosen.insert((number % 4).min(chosen.len()), index);
        let passages: Vec<Vec<u32>> = chosen
            .iter()
            .enumerate()
            .map(|(place, paragraph)| {
                let context = paragraphs[*paragraph]["context"].as_str().expect("text");
                let text = format!("Passage {}:\n{context}\n\n", place + 1);
                tokenizer.encode_plain(&text, None).expect("encodes")
            })
            .collect();
        let text = format!("Question: {}", question["question"].as_str().expect("text"));
        let mut end = tokenizer.encode_plain(&text, None).expect("encodes");
        let turn = "<|im_end|>\n<|im_start|>assistant\n";
        end.extend(tokenizer.encode_template(turn, None).expect("encodes"));
        let gold = question["answers"][0]["text"].as_str().expect("text");

        decoder.cache = Cache::new(decoder.layout, 400);
        let stretches: Vec<Stretch> = passages
            .iter()
            .map(|passage| {
                let known = decoder.start(&instructions);
                read(&mut decoder, &[&instructions[known..], passage].concat());
                take(&mut decoder, instructions.len(), passage)
            })
            .collect();
        for (variant, anew) in variants.iter().enumerate() {
            decoder.cache = Cache::new(decoder.layout, 400);
            decoder.start(&[]);
            read(&mut decoder, &instructions);
            let started = std::time::Instant::now();
            let mut logits = match anew {
                None => read(&mut decoder, &[&passages.concat()[..], &end].concat()),
                Some(anew) => {
                    for (passage, stretch) in passages.iter().zip(&stretches) {
                        let anew = (*anew).min(passage.len());
                        if anew > 0 {
                            read(&mut decoder, &passage[..anew]);
                        }
                        place(&mut decoder, stretch, anew);
                    }
                    read(&mut decoder, &end)
                }
            };
            milliseconds[variant] += started.elapsed().as_secs_f64() * 1000.0;
            let mut answer = Vec::new();
            while answer.len() < 24 {
                let token = (0..logits.len())
                    .max_by(|a, b| logits[*a].total_cmp(&logits[*b]))
                    .and_then(|token| u32::try_from(token).ok())
                    .expect("a vocabulary");
                if tokenizer.is_stop(token) {
                    break;
                }
                answer.push(token);
                logits = read(&mut decoder, &[token]);
            }
            scores[variant] += f1(&tokenizer.decode(&answer), gold);
        }
    }
    for (variant, anew) in variants.iter().enumerate() {
        println!(
            "read anew {anew:?}: F1 {:.4}, first token after {:.0} ms",
            scores[variant] / questions as f64,
            milliseconds[variant] / questions as f64
        );
    }
}
