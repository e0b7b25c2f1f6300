//! The container `E5S1`: an encoder in 4-bit blocks with its Unigram vocabulary, in one file.
//!
//! Little-endian. Magic and version; sizes (width, layers, heads, feed-forward width, token vectors,
//! positions, types), epsilon, numbers of a block; the vocabulary (pieces, control tokens, offsets,
//! scores, text); what characters are replaced by; a list of tensors by name, kind, count, offset and
//! length. Everything is checked against the file's length before memory is taken for it.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use super::normal::Normaliser;
use super::unigram::{Controls, Unigram};
use crate::ModelsError;
use crate::engine::Shape;
use crate::tensors::{Tensor, TensorFile, about, block};

const MAGIC: &[u8] = b"E5S1";
const VERSION: u32 = 1;
/// Bytes of the header: the vocabulary of a hundred languages takes 5 MB of it.
const LONGEST_HEADER: u64 = 64 << 20;
/// Tokens; a hundred languages have a quarter of it.
const MOST_PIECES: usize = 1 << 20;
/// Tensors: a layer has sixteen.
const MOST_TENSORS: usize = 1 << 13;
/// `ggml` types of the kinds that tensors have here.
const KINDS: [u32; 2] = [0, 2];

/// A container's parts.
pub(super) struct Container {
    pub(super) file: Arc<TensorFile>,
    pub(super) shape: Shape,
    pub(super) tokenizer: Unigram,
}

impl Container {
    /// Opens `path` and reads its header.
    ///
    /// # Errors
    /// A file that cannot be read, is no such container, or whose header does not fit the file.
    pub(super) fn open(path: &Path) -> Result<Self, ModelsError> {
        let named = |problem: String| about(path, &problem);
        let file = File::open(path).map_err(|error| named(error.to_string()))?;
        let length = file
            .metadata()
            .map_err(|error| named(error.to_string()))?
            .len();
        let mut header = Header {
            input: BufReader::with_capacity(1 << 20, &file),
            left: length.min(LONGEST_HEADER),
            length,
        };
        let (shape, tokenizer, tensors) = header.read().map_err(named)?;
        Ok(Self {
            file: Arc::new(TensorFile::new(path, file, tensors)),
            shape,
            tokenizer,
        })
    }
}

struct Header<R> {
    input: R,
    /// Bytes that may still be read as header.
    left: u64,
    length: u64,
}

type Parsed = (Shape, Unigram, HashMap<String, Tensor>);

impl<R: Read> Header<R> {
    fn read(&mut self) -> Result<Parsed, String> {
        if self.length < 8 || self.take(4)? != MAGIC {
            return Err("this is not a container of an encoder".to_owned());
        }
        let version = self.u32()?;
        if version != VERSION {
            return Err(format!(
                "version {version} of its container is not supported"
            ));
        }
        let mut sizes = [0; 7];
        for size in &mut sizes {
            *size = self.size()?;
        }
        let [width, layers, heads, feed, words, positions, types] = sizes;
        let epsilon = f32::from_le_bytes(self.bytes()?);
        let per_block = self.size()?;
        if per_block != 32 {
            return Err(format!("blocks of {per_block} are not supported"));
        }
        let shape = Shape {
            layers,
            width,
            heads,
            feed,
            positions,
            epsilon,
        };
        let tokenizer = self.tokenizer()?;
        let rows = [
            ("token_embd.weight", words),
            ("position_embd.weight", positions),
            ("token_types.weight", types),
        ];
        let tensors = self.tensors(shape, &rows)?;
        Ok((shape, tokenizer, tensors))
    }

    fn tokenizer(&mut self) -> Result<Unigram, String> {
        let count = self.size()?;
        if count == 0 || count > MOST_PIECES {
            return Err(format!(
                "it has {count} pieces, and 1 to {MOST_PIECES} are supported"
            ));
        }
        let [beginning, end, padding, unknown] =
            [self.u32()?, self.u32()?, self.u32()?, self.u32()?];
        let length = u64::from_le_bytes(self.bytes()?);
        let starts = self.take(4 * (count as u64 + 1))?;
        let starts = numbers(&starts, u32::from_le_bytes);
        let scores = self.take(4 * count as u64)?;
        let scores = numbers(&scores, f32::from_le_bytes);
        let text = String::from_utf8(self.take(length)?)
            .map_err(|_| "its pieces are not UTF-8".to_owned())?;
        let normaliser = self.normaliser()?;
        let mask = mask(&text, &starts);
        let controls = Controls {
            beginning,
            end,
            unknown,
        };
        let is_text = |id| id != padding && Some(id) != mask;
        Unigram::new(normaliser, (text, starts), scores, controls, is_text)
            .map_err(|problem| format!("its vocabulary: {problem}"))
    }

    fn normaliser(&mut self) -> Result<Normaliser, String> {
        let (count, length) = (self.size()?, self.u32()?);
        let table = self.take(length.into())?;
        let wrong = || "what its characters are replaced by is damaged".to_owned();
        let mut rest = &*table;
        let mut replacements = HashMap::new();
        for _ in 0..count {
            let (character, after) = rest.split_first_chunk().ok_or_else(wrong)?;
            let (length, after) = after.split_first().ok_or_else(wrong)?;
            let (text, after) = after
                .split_at_checked(4 * usize::from(*length))
                .ok_or_else(wrong)?;
            let replacement: Option<String> = numbers(text, u32::from_le_bytes)
                .into_iter()
                .map(char::from_u32)
                .collect();
            let character = char::from_u32(u32::from_le_bytes(*character)).ok_or_else(wrong)?;
            let replacement = replacement.ok_or_else(wrong)?;
            replacements.insert(character, replacement.into_boxed_str());
            rest = after;
        }
        if rest.is_empty() {
            Ok(Normaliser::new(replacements))
        } else {
            Err(wrong())
        }
    }

    fn tensors(
        &mut self,
        shape: Shape,
        rows: &[(&str, usize)],
    ) -> Result<HashMap<String, Tensor>, String> {
        let count = self.size()?;
        if count > MOST_TENSORS {
            return Err(format!("the header claims {count} tensors"));
        }
        let mut tensors = HashMap::new();
        let mut all = 0_u64;
        for _ in 0..count {
            let length = u16::from_le_bytes(self.bytes()?);
            let name = self.take(length.into())?;
            let name = String::from_utf8_lossy(&name).into_owned();
            let tensor = self.tensor(&name)?;
            all = all.saturating_add(tensor.length);
            if all > self.length {
                return Err(format!("the tensor {name} lies where others lie"));
            }
            let Some((name, dimensions)) = known(&name, tensor.dimensions[0], shape, rows) else {
                continue;
            };
            let tensor = Tensor {
                dimensions,
                ..tensor
            };
            if tensors.insert(name.clone(), tensor).is_some() {
                return Err(format!("the tensor {name} is there twice"));
            }
        }
        Ok(tensors)
    }

    /// A tensor as one row.
    fn tensor(&mut self, name: &str) -> Result<Tensor, String> {
        let [kind] = self.bytes()?;
        let count = self.u32()?;
        let offset = u64::from_le_bytes(self.bytes()?);
        let length = u64::from_le_bytes(self.bytes()?);
        let kind = KINDS.get(usize::from(kind)).copied();
        let kind = kind.ok_or_else(|| format!("the tensor {name} is of an unknown kind"))?;
        let (per_block, bytes) = block(kind).unwrap_or((1, 4));
        let expected = u64::from(count) / per_block as u64 * bytes as u64;
        if count == 0 || !(count as usize).is_multiple_of(per_block) || expected != length {
            return Err(format!("the tensor {name} has an impossible size"));
        }
        if offset
            .checked_add(length)
            .is_none_or(|end| end > self.length)
        {
            return Err(format!(
                "the tensor {name} lies beyond the end of the file, which is truncated or damaged"
            ));
        }
        Ok(Tensor {
            kind,
            dimensions: vec![count as usize],
            offset,
            length,
        })
    }

    /// A size, which is not negative.
    fn size(&mut self) -> Result<usize, String> {
        let size = i32::from_le_bytes(self.bytes()?);
        usize::try_from(size).map_err(|_| format!("the header claims a size of {size}"))
    }

    fn u32(&mut self) -> Result<u32, String> {
        Ok(u32::from_le_bytes(self.bytes()?))
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn take(&mut self, length: u64) -> Result<Vec<u8>, String> {
        if length > self.left {
            return Err(short());
        }
        let mut bytes = vec![0; usize::try_from(length).map_err(|_| short())?];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn fill(&mut self, out: &mut [u8]) -> Result<(), String> {
        self.left = self.left.checked_sub(out.len() as u64).ok_or_else(short)?;
        self.input.read_exact(out).map_err(|_| short())
    }
}

fn short() -> String {
    "the header ends too early: the file is truncated".to_owned()
}

fn numbers<T>(bytes: &[u8], number: impl Fn([u8; 4]) -> T) -> Vec<T> {
    bytes
        .as_chunks()
        .0
        .iter()
        .map(|four| number(*four))
        .collect()
}

/// The id of the token that stands for a hidden word.
fn mask(text: &str, starts: &[u32]) -> Option<u32> {
    let is_mask = |pair: &[u32]| {
        text.get(pair[0] as usize..pair[1] as usize)
            .is_some_and(|piece| piece == "<mask>")
    };
    let at = starts.windows(2).rposition(is_mask)?;
    u32::try_from(at).ok()
}

/// The name by which the engine knows a tensor of `count` numbers, and its dimensions; none for one
/// that it does not need.
fn known(
    name: &str,
    count: usize,
    shape: Shape,
    rows: &[(&str, usize)],
) -> Option<(String, Vec<usize>)> {
    let outside = match name {
        "emb.word" => Some("token_embd.weight"),
        "emb.pos" => Some("position_embd.weight"),
        "emb.type" => Some("token_types.weight"),
        "emb.ln.w" => Some("token_embd_norm.weight"),
        "emb.ln.b" => Some("token_embd_norm.bias"),
        _ => None,
    };
    if let Some(name) = outside {
        let rows = rows.iter().find(|(table, _)| *table == name);
        let dimensions = match rows {
            Some((_, rows)) if count == shape.width.checked_mul(*rows)? => vec![shape.width, *rows],
            _ => vec![count],
        };
        return Some((name.to_owned(), dimensions));
    }
    let (layer, part) = name.strip_prefix('l')?.split_once('.')?;
    let layer: usize = layer.parse().ok()?;
    let (part, end) = part.rsplit_once('.')?;
    let end = match end {
        "w" => "weight",
        "b" => "bias",
        _ => return None,
    };
    let (part, columns) = match part {
        "q" => ("attn_q", shape.width),
        "k" => ("attn_k", shape.width),
        "v" => ("attn_v", shape.width),
        "ao" => ("attn_output", shape.width),
        "aln" => ("attn_output_norm", count),
        "fi" => ("ffn_up", shape.width),
        "fo" => ("ffn_down", shape.feed),
        "oln" => ("layer_output_norm", count),
        _ => return None,
    };
    let is_matrix = end == "weight" && columns > 0 && count.is_multiple_of(columns);
    let dimensions = if is_matrix && columns != count {
        vec![columns, count / columns]
    } else {
        vec![count]
    };
    Some((format!("blk.{layer}.{part}.{end}"), dimensions))
}
