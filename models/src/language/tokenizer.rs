//! Text to tokens and back, with everything taken from the GGUF file itself.
//!
//! Text is encoded in one of two ways: the chat template's own text, where `<|im_start|>` is one
//! special token, and everybody else's (`encode_plain`), where it is just characters. Document text
//! only ever takes the second, so no document can open a turn.

use candle_core::quantized::gguf_file::Content;
use candle_core::quantized::tokenizer::TokenizerFromGguf;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence;

use crate::ModelsError;

/// Tokens that end an answer, whichever of them a vocabulary has.
const STOPS: [&str; 9] = [
    "<|im_end|>",
    "<|endoftext|>",
    "<|eot_id|>",
    "<|end_of_text|>",
    "<|eom_id|>",
    "<|end|>",
    "<end_of_turn>",
    "<|return|>",
    "</s>",
];

/// Pre-tokenizers (`tokenizer.ggml.pre`) that were checked against a reference.
const PRE_TOKENIZERS: [&str; 5] = ["qwen2", "llama-bpe", "llama3", "smollm", "gpt-2"];

/// No character takes more tokens than this; what is still broken then is broken in the model.
const LONGEST_CHARACTER: usize = 4;

/// A tokenizer built from GGUF metadata.
pub(super) struct Tokenizer {
    inner: tokenizers::Tokenizer,
    stops: Vec<u32>,
    beginning: Option<u32>,
}

impl Tokenizer {
    /// Builds the tokenizer of a GGUF file.
    ///
    /// # Errors
    /// A tokenizer kind or pre-tokenizer that is not one of those checked.
    pub(super) fn from_gguf(content: &mut Content) -> Result<Self, ModelsError> {
        let string = |key: &str| content.metadata.get(key)?.to_string().ok().cloned();
        let pre = string("tokenizer.ggml.pre").unwrap_or_else(|| "gpt-2".to_owned());
        if !PRE_TOKENIZERS.contains(&pre.as_str()) {
            return Err(ModelsError::Load(format!(
                "its pre-tokenizer {pre:?} is not supported"
            )));
        }
        if pre == "llama-bpe" {
            // llama.cpp's name for what candle calls llama3.
            let name = candle_core::quantized::gguf_file::Value::String("llama3".to_owned());
            content
                .metadata
                .insert("tokenizer.ggml.pre".to_owned(), name);
        }
        let mut inner = tokenizers::Tokenizer::from_gguf(content)
            .map_err(|error| ModelsError::Load(format!("its tokenizer: {error}")))?;
        match pre.as_str() {
            "smollm" => {
                let steps = vec![
                    Digits::new(true).into(),
                    ByteLevel::new(false, false, true).into(),
                ];
                inner.with_pre_tokenizer(Some(Sequence::new(steps)));
            }
            "gpt-2" => {
                inner.with_pre_tokenizer(Some(ByteLevel::new(false, false, true)));
            }
            _ => {}
        }
        let id = |key: &str| {
            let value = content.metadata.get(key)?.to_u64().ok()?;
            u32::try_from(value).ok()
        };
        let mut stops: Vec<u32> = STOPS
            .iter()
            .filter_map(|token| inner.token_to_id(token))
            .collect();
        stops.extend(id("tokenizer.ggml.eos_token_id"));
        let adds_beginning = content
            .metadata
            .get("tokenizer.ggml.add_bos_token")
            .and_then(|value| value.to_bool().ok())
            .unwrap_or(false);
        let beginning = id("tokenizer.ggml.bos_token_id").filter(|_| adds_beginning);
        Ok(Self {
            inner,
            stops,
            beginning,
        })
    }

    /// Encodes the chat template's own text: special tokens are recognised.
    pub(super) fn encode_template(&mut self, text: &str) -> Result<Vec<u32>, ModelsError> {
        self.encode(text, false)
    }

    /// Encodes anybody's text: what looks like a special token is plain characters.
    pub(super) fn encode_plain(&mut self, text: &str) -> Result<Vec<u32>, ModelsError> {
        self.encode(text, true)
    }

    /// Whether this token ends an answer.
    pub(super) fn is_stop(&self, token: u32) -> bool {
        self.stops.contains(&token)
    }

    /// The token every sequence begins with, where the model was trained so.
    pub(super) fn beginning(&self) -> Option<u32> {
        self.beginning
    }

    /// Text of a token by id, for templates that print it.
    pub(super) fn text(&self, token: u32) -> Option<String> {
        self.inner.id_to_token(token)
    }

    /// Text of the tokens in `pending`, once it is certain to end with a whole character: the tokens
    /// are then taken out. Empty, and `pending` left alone, while bytes of a character are missing.
    pub(super) fn take_text(&self, pending: &mut Vec<u32>) -> String {
        let text = self.inner.decode(pending, true).unwrap_or_default();
        if text.ends_with('\u{fffd}') && pending.len() < LONGEST_CHARACTER {
            return String::new();
        }
        pending.clear();
        text
    }

    fn encode(&mut self, text: &str, plain: bool) -> Result<Vec<u32>, ModelsError> {
        if text.is_empty() {
            return Ok(Vec::new());
        }
        self.inner.set_encode_special_tokens(plain);
        let encoding = self
            .inner
            .encode_fast(text, false)
            .map_err(|error| ModelsError::Inference(format!("cannot tokenize: {error}")))?;
        Ok(encoding.get_ids().to_vec())
    }
}
