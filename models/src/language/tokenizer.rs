//! Text to tokens and back, with everything taken from the GGUF file itself.
//!
//! Text is encoded in one of two ways: the chat template's own text, where `<|im_start|>` is one
//! special token, and everybody else's (`encode_plain`), where it is just characters. Document text
//! only ever takes the second, so no document can open a turn.

use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::normalizers::unicode::NFC;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::tokenizer::SplitDelimiterBehavior;
use tokenizers::{AddedToken, Model as _, PreTokenizerWrapper};

use super::sentencepiece::SentencePiece;
use crate::ModelsError;
use crate::gguf::{Gguf, Value};

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

/// Length of a token (bytes), and of all that are more than text together: what finds them in a text grows with it.
const LONGEST_TOKEN: usize = 1024;
const LONGEST_SPECIALS: usize = 4 << 20;

/// No character takes more tokens than this; what is still broken then is broken in the model.
const LONGEST_CHARACTER: usize = 4;

/// `tokenizer.ggml.token_type` of tokens that no text may produce.
const NORMAL: i64 = 1;
const BYTE: i64 = 6;
/// A token that files may declare for ordinary text.
const USERS: i64 = 4;
/// A token that only templates write.
const CONTROL: u32 = 3;

/// A tokenizer built from GGUF metadata.
pub(crate) struct Tokenizer {
    inner: Inner,
    stops: Vec<u32>,
    beginning: Option<u32>,
}

enum Inner {
    /// Byte-level byte-pair encoding.
    Bytes(Box<tokenizers::Tokenizer>),
    /// `SentencePiece`.
    Pieces(Box<SentencePiece>),
}

impl Tokenizer {
    /// Builds the tokenizer of a GGUF file.
    ///
    /// # Errors
    /// A tokenizer kind or pre-tokenizer that is not one of those checked.
    pub(crate) fn from_gguf(gguf: &Gguf) -> Result<Self, ModelsError> {
        let failed = |problem: String| gguf.error(format!("its tokenizer: {problem}"));
        let key = |key: &str| format!("tokenizer.ggml.{key}");
        let tokens = gguf
            .strings(&key("tokens"))
            .ok_or_else(|| failed("it has no vocabulary".to_owned()))?;
        let types = match gguf.value(&key("token_type")) {
            Some(Value::Integers(types)) if types.len() == tokens.len() => types.clone(),
            None => vec![NORMAL; tokens.len()],
            Some(_) => return Err(failed("token types do not fit the vocabulary".to_owned())),
        };
        if tokens.iter().any(|token| token.len() > LONGEST_TOKEN) {
            return Err(failed(format!(
                "it has tokens longer than {LONGEST_TOKEN} bytes"
            )));
        }
        let specials = tokens
            .iter()
            .zip(&types)
            .filter(|(_, kind)| **kind != NORMAL);
        if specials.map(|(token, _)| token.len()).sum::<usize>() > LONGEST_SPECIALS {
            return Err(failed("it has too many special tokens".to_owned()));
        }
        let inner = match gguf.string(&key("model")) {
            Some("gpt2") => {
                let merges = gguf.strings(&key("merges")).unwrap_or_default();
                let pre = gguf.string(&key("pre")).unwrap_or("gpt-2");
                Inner::Bytes(Box::new(
                    byte_level(tokens, &types, merges, pre).map_err(failed)?,
                ))
            }
            Some("llama") => {
                let scores = match gguf.value(&key("scores")) {
                    Some(Value::Floats(scores)) => scores.clone(),
                    _ => return Err(failed("it has no scores".to_owned())),
                };
                let kinds = kinds(gguf, tokens, &types);
                let prefix = gguf.flag(&key("add_space_prefix")).unwrap_or(true);
                let pieces = SentencePiece::new(tokens.to_vec(), scores, kinds, prefix);
                Inner::Pieces(Box::new(pieces.map_err(failed)?))
            }
            other => {
                return Err(failed(format!(
                    "the kind {:?} is not supported",
                    other.unwrap_or_default()
                )));
            }
        };
        let id = |name: &str| {
            let id = u32::try_from(gguf.index(&key(name))?).ok()?;
            (tokens.len() > id as usize).then_some(id)
        };
        let mut stops: Vec<u32> = STOPS
            .iter()
            .filter_map(|text| match &inner {
                Inner::Bytes(tokenizer) => tokenizer.token_to_id(text),
                Inner::Pieces(pieces) => pieces.control(text),
            })
            .collect();
        stops.extend(id("eos_token_id"));
        stops.extend(id("eot_token_id"));
        let sentence_piece = matches!(inner, Inner::Pieces(_));
        let adds_beginning = gguf.flag(&key("add_bos_token")).unwrap_or(sentence_piece);
        Ok(Self {
            inner,
            stops,
            beginning: id("bos_token_id").filter(|_| adds_beginning),
        })
    }

    /// Encodes the chat template's own text: special tokens are recognised. `previous` is the token
    /// before it, if any.
    pub(crate) fn encode_template(
        &mut self,
        text: &str,
        previous: Option<u32>,
    ) -> Result<Vec<u32>, ModelsError> {
        match &mut self.inner {
            Inner::Bytes(tokenizer) => encode(tokenizer, text, false),
            Inner::Pieces(pieces) => Ok(pieces.encode_template(text, previous)),
        }
    }

    /// Encodes anybody's text: what looks like a special token is plain characters.
    pub(crate) fn encode_plain(
        &mut self,
        text: &str,
        previous: Option<u32>,
    ) -> Result<Vec<u32>, ModelsError> {
        match &mut self.inner {
            Inner::Bytes(tokenizer) => encode(tokenizer, text, true),
            Inner::Pieces(pieces) => Ok(pieces.encode(text, previous)),
        }
    }

    /// The token that says exactly these bytes, as ordinary text.
    pub(super) fn token(&self, bytes: &[u8]) -> Option<u32> {
        match &self.inner {
            Inner::Bytes(tokenizer) => {
                let text: String = bytes.iter().copied().map(byte_character).collect();
                let id = tokenizer.get_model().token_to_id(&text)?;
                let added = tokenizer.get_added_vocabulary();
                (added.simple_id_to_token(id).is_none()).then_some(id)
            }
            Inner::Pieces(pieces) => pieces.piece(bytes),
        }
    }

    /// Whether this token ends an answer.
    pub(crate) fn is_stop(&self, token: u32) -> bool {
        self.stops.contains(&token)
    }

    /// The token every sequence begins with, where the model was trained so.
    pub(super) fn beginning(&self) -> Option<u32> {
        self.beginning
    }

    /// Text of a token by id, for templates that print it.
    pub(super) fn text(&self, token: u32) -> Option<String> {
        match &self.inner {
            Inner::Bytes(tokenizer) => tokenizer.id_to_token(token),
            Inner::Pieces(pieces) => pieces.text(token),
        }
    }

    /// Text of the tokens in `pending`, once it is certain to end with a whole character: the tokens
    /// are then taken out. Empty, and `pending` left alone, while bytes of a character are missing.
    pub(super) fn take_text(&self, pending: &mut Vec<u32>) -> String {
        let text = self.decode(pending);
        if text.ends_with('\u{fffd}') && pending.len() < LONGEST_CHARACTER {
            return String::new();
        }
        pending.clear();
        text
    }

    /// The text that tokens say; special tokens say nothing.
    pub(crate) fn decode(&self, tokens: &[u32]) -> String {
        match &self.inner {
            Inner::Bytes(tokenizer) => tokenizer.decode(tokens, true).unwrap_or_default(),
            Inner::Pieces(pieces) => {
                let bytes: Vec<u8> = tokens
                    .iter()
                    .flat_map(|token| pieces.decode_piece(*token).iter().copied())
                    .collect();
                String::from_utf8_lossy(&bytes).into_owned()
            }
        }
    }
}

/// The character that stands for a byte in byte-level vocabularies: printable ones for themselves, all others for
/// those from 256 on, in order.
fn byte_character(byte: u8) -> char {
    let is_printable = |byte: u8| matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    if is_printable(byte) {
        return char::from(byte);
    }
    let before = (0..byte).filter(|byte| !is_printable(*byte)).count();
    let code = u32::try_from(256 + before).unwrap_or_default();
    char::from_u32(code).unwrap_or_default()
}

fn encode(
    tokenizer: &mut tokenizers::Tokenizer,
    text: &str,
    plain: bool,
) -> Result<Vec<u32>, ModelsError> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    tokenizer.set_encode_special_tokens(plain);
    let encoding = tokenizer
        .encode_fast(text, false)
        .map_err(|error| ModelsError::Inference(format!("cannot tokenize: {error}")))?;
    Ok(encoding.get_ids().to_vec())
}

/// Token types, with turn marks made control tokens where a file calls them the user's own, so that
/// no document's text can produce them.
fn kinds(gguf: &Gguf, tokens: &[String], types: &[i64]) -> Vec<u32> {
    let ends = ["bos_token_id", "eos_token_id", "eot_token_id"]
        .map(|key| gguf.index(&format!("tokenizer.ggml.{key}")));
    let template = gguf.string("tokenizer.chat_template").unwrap_or_default();
    let is_mark = |id: usize, text: &str| {
        ends.contains(&Some(id)) || (text.starts_with('<') && template.contains(text))
    };
    tokens
        .iter()
        .zip(types)
        .enumerate()
        .map(|(id, (text, kind))| match *kind {
            USERS if is_mark(id, text) => CONTROL,
            kind => u32::try_from(kind).unwrap_or(CONTROL),
        })
        .collect()
}

/// A byte-level tokenizer; `pre` is `tokenizer.ggml.pre`, one of those checked against a reference.
fn byte_level(
    tokens: &[String],
    types: &[i64],
    merges: &[String],
    pre: &str,
) -> Result<tokenizers::Tokenizer, String> {
    let vocabulary: Vocab = tokens.iter().cloned().zip(0..).collect();
    let merges = merges
        .iter()
        .map(|merge| match merge.split_once(' ') {
            Some((left, right)) => Ok((left.to_owned(), right.to_owned())),
            None => Err(format!("the merge {merge:?} has no two parts")),
        })
        .collect::<Result<Vec<_>, _>>()?;
    let llama = matches!(pre, "llama-bpe" | "llama3");
    let model = BPE::builder()
        .vocab_and_merges(vocabulary, merges)
        // Llama 3 takes words that are tokens as they are.
        .ignore_merges(llama)
        .build()
        .map_err(|error| error.to_string())?;
    let mut tokenizer = tokenizers::Tokenizer::new(model);
    let words = |digits: &str| -> Result<PreTokenizerWrapper, String> {
        // Contractions, words, numbers, punctuation, line ends, spaces.
        let pattern = format!(
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|{digits}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
        );
        let split = Split::new(
            SplitPattern::Regex(pattern),
            SplitDelimiterBehavior::Isolated,
            false,
        )
        .map_err(|error| error.to_string())?;
        let bytes = ByteLevel::new(false, true, false);
        Ok(Sequence::new(vec![split.into(), bytes.into()]).into())
    };
    let bytes = ByteLevel::new(false, true, true);
    let steps: PreTokenizerWrapper = match pre {
        "qwen2" => {
            tokenizer
                .with_normalizer(Some(NFC))
                .map_err(|error| error.to_string())?;
            words(r"\p{N}")?
        }
        _ if llama => words(r"\p{N}{1,3}")?,
        "smollm" | "refact" => Sequence::new(vec![Digits::new(true).into(), bytes.into()]).into(),
        "gpt-2" | "phi-2" => bytes.into(),
        other => return Err(format!("the pre-tokenizer {other:?} is not supported")),
    };
    tokenizer.with_pre_tokenizer(Some(steps));
    tokenizer.with_decoder(Some(ByteLevel::default()));
    let special: Vec<AddedToken> = tokens
        .iter()
        .zip(types)
        .filter(|(text, kind)| **kind != NORMAL && **kind != BYTE && !text.is_empty())
        .map(|(text, _)| AddedToken::from(text.clone(), true))
        .collect();
    tokenizer
        .add_special_tokens(special)
        .map_err(|error| error.to_string())?;
    Ok(tokenizer)
}
