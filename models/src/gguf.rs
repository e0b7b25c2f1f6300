//! The header of a GGUF file: metadata and where the tensors lie.
//!
//! Everything in the file is checked against the file's length before memory is taken for it, so a
//! truncated or hostile file gives an error that names what is wrong.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use crate::ModelsError;
use crate::tensors::{Tensor, TensorFile, about, block};

const MAGIC: u32 = u32::from_le_bytes(*b"GGUF");
/// Tensors and metadata entries that any real model stays far below.
const MOST_ENTRIES: u64 = 100_000;
/// Dimensions of a tensor.
const MOST_DIMENSIONS: u32 = 4;
/// Length of the whole header (bytes): the largest vocabularies take a fifth of it.
const LONGEST_HEADER: u64 = 64 << 20;
/// Values in all lists together: the largest vocabularies have a quarter.
const MOST_VALUES: u64 = 4 << 20;
/// Length of a name (bytes).
const LONGEST_NAME: u64 = 1024;
/// Sizes that no model comes near, under the architecture's prefix. Products of these do not overflow.
const MOST: [(&str, usize); 8] = [
    ("block_count", 4096),
    ("embedding_length", 1 << 17),
    ("feed_forward_length", 1 << 20),
    ("attention.head_count", 4096),
    ("attention.head_count_kv", 4096),
    ("attention.key_length", 1 << 13),
    ("attention.value_length", 1 << 13),
    ("rope.dimension_count", 1 << 13),
];
/// What tensors are aligned to where the file does not say.
const ALIGNMENT: u64 = 32;

/// A metadata value. Numbers of all widths are one kind; arrays that are not of strings or numbers
/// are skipped.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Integer(i64),
    Float(f64),
    Bool(bool),
    String(String),
    Strings(Vec<String>),
    Integers(Vec<i64>),
    Floats(Vec<f32>),
    Other,
}

/// An opened GGUF file.
pub(super) struct Gguf {
    file: Arc<TensorFile>,
    metadata: HashMap<String, Value>,
}

impl Gguf {
    /// Opens `path` and reads its header.
    ///
    /// # Errors
    /// A file that cannot be read, is no GGUF file, or whose header does not fit the file.
    pub(super) fn open(path: &Path) -> Result<Self, ModelsError> {
        let named = |problem: String| about(path, &problem);
        let file = File::open(path).map_err(|error| named(error.to_string()))?;
        let length = file
            .metadata()
            .map_err(|error| named(error.to_string()))?
            .len();
        let mut header = Header {
            input: BufReader::with_capacity(1 << 20, &file),
            position: 0,
            length,
            values: 0,
        };
        let (metadata, tensors) = header.read().map_err(named)?;
        let gguf = Self {
            file: Arc::new(TensorFile::new(path, file, tensors)),
            metadata,
        };
        gguf.check_sizes()?;
        Ok(gguf)
    }

    /// The file and its tensors.
    pub(super) fn file(&self) -> &Arc<TensorFile> {
        &self.file
    }

    /// An error about this file.
    pub(super) fn error(&self, problem: impl std::fmt::Display) -> ModelsError {
        self.file.error(problem)
    }

    /// Refuses sizes before anything is made of them.
    ///
    /// # Errors
    /// Names the one that no model has.
    fn check_sizes(&self) -> Result<(), ModelsError> {
        for (key, most) in MOST {
            if let Some(number) = self.number(key).filter(|number| *number > most) {
                let name = format!("{}.{key}", self.architecture());
                return Err(self.error(format!(
                    "{name} is {number}, and {most} at most is supported"
                )));
            }
        }
        Ok(())
    }

    /// A metadata value.
    pub(super) fn value(&self, key: &str) -> Option<&Value> {
        self.metadata.get(key)
    }

    /// A metadata string.
    pub(super) fn string(&self, key: &str) -> Option<&str> {
        match self.value(key)? {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// A metadata list of strings.
    pub(super) fn strings(&self, key: &str) -> Option<&[String]> {
        match self.value(key)? {
            Value::Strings(texts) => Some(texts),
            _ => None,
        }
    }

    /// A metadata number that is not negative.
    pub(super) fn index(&self, key: &str) -> Option<usize> {
        match self.value(key)? {
            Value::Integer(number) => usize::try_from(*number).ok(),
            _ => None,
        }
    }

    /// A metadata flag.
    pub(super) fn flag(&self, key: &str) -> Option<bool> {
        match self.value(key)? {
            Value::Bool(flag) => Some(*flag),
            _ => None,
        }
    }

    /// `general.architecture`, or an empty string.
    pub(super) fn architecture(&self) -> &str {
        self.string("general.architecture").unwrap_or_default()
    }

    /// A number under the architecture's prefix.
    pub(super) fn number(&self, key: &str) -> Option<usize> {
        self.index(&format!("{}.{key}", self.architecture()))
    }

    /// A real under the architecture's prefix.
    #[expect(clippy::cast_possible_truncation, reason = "stored as f32")]
    pub(super) fn float(&self, key: &str) -> Option<f32> {
        match self.value(&format!("{}.{key}", self.architecture()))? {
            Value::Float(number) => Some(*number as f32),
            _ => None,
        }
    }

    /// A number that the model cannot do without.
    ///
    /// # Errors
    /// When it is absent or zero.
    pub(super) fn required(&self, key: &str) -> Result<usize, ModelsError> {
        let name = || format!("{}.{key}", self.architecture());
        match self.number(key) {
            Some(number) if number > 0 => Ok(number),
            Some(_) => Err(self.error(format!("{} is zero", name()))),
            None => Err(self.error(format!("{} is missing", name()))),
        }
    }

    /// Where a tensor lies.
    pub(super) fn tensor(&self, name: &str) -> Option<&Tensor> {
        self.file.tensor(name)
    }

    /// Reads bytes from `offset` on.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn read(&self, offset: u64, out: &mut [u8]) -> std::io::Result<()> {
        self.file.read(offset, out)
    }
}

type Parsed = (HashMap<String, Value>, HashMap<String, Tensor>);

struct Header<R> {
    input: R,
    position: u64,
    length: u64,
    /// Values of lists so far.
    values: u64,
}

impl<R: Read> Header<R> {
    fn read(&mut self) -> Result<Parsed, String> {
        if self.length < 24 || self.u32()? != MAGIC {
            return Err("this is not a GGUF file".to_owned());
        }
        let version = self.u32()?;
        if !(2..=3).contains(&version) {
            return Err(format!("GGUF version {version} is not supported"));
        }
        let (tensors, entries) = (self.u64()?, self.u64()?);
        for (count, what) in [(tensors, "tensors"), (entries, "metadata entries")] {
            if count > MOST_ENTRIES {
                return Err(format!("the header claims {count} {what}"));
            }
        }
        let mut metadata = HashMap::new();
        for _ in 0..entries {
            let key = self.name()?;
            let kind = self.u32()?;
            let value = self
                .value(kind, true)
                .map_err(|problem| format!("{key}: {problem}"))?;
            metadata.insert(key, value);
        }
        let mut found = Vec::new();
        for _ in 0..tensors {
            found.push(self.tensor()?);
        }
        let alignment = match metadata.get("general.alignment") {
            None => ALIGNMENT,
            Some(Value::Integer(number)) if (1..=1 << 20).contains(number) => number.unsigned_abs(),
            Some(_) => return Err("general.alignment is none that files have".to_owned()),
        };
        let start = self.position.next_multiple_of(alignment);
        let mut tensors = HashMap::new();
        let mut all = 0_u64;
        for (name, mut tensor) in found {
            let end = start
                .checked_add(tensor.offset)
                .and_then(|offset| offset.checked_add(tensor.length));
            if end.is_none_or(|end| end > self.length) {
                return Err(format!(
                    "the tensor {name} lies beyond the end of the file, which is truncated or damaged"
                ));
            }
            tensor.offset += start;
            all = all.saturating_add(tensor.length);
            if all > self.length {
                return Err(format!("the tensor {name} lies where others lie"));
            }
            if tensors.insert(name.clone(), tensor).is_some() {
                return Err(format!("the tensor {name} is there twice"));
            }
        }
        Ok((metadata, tensors))
    }

    fn tensor(&mut self) -> Result<(String, Tensor), String> {
        let name = self.name()?;
        let count = self.u32()?;
        if count == 0 || count > MOST_DIMENSIONS {
            return Err(format!("the tensor {name} has {count} dimensions"));
        }
        let mut dimensions = Vec::new();
        let mut numbers = 1_u64;
        for _ in 0..count {
            let dimension = self.u64()?;
            numbers = numbers
                .checked_mul(dimension)
                .filter(|numbers| *numbers > 0)
                .ok_or_else(|| format!("the tensor {name} has an impossible size"))?;
            let dimension = usize::try_from(dimension);
            dimensions.push(dimension.map_err(|_| format!("the tensor {name} is too large"))?);
        }
        let (kind, offset) = (self.u32()?, self.u64()?);
        let (per_block, bytes) = block(kind).ok_or_else(|| {
            format!("the tensor {name} has the quantisation type {kind}, which is not supported")
        })?;
        if dimensions[0] % per_block != 0 {
            return Err(format!(
                "rows of the tensor {name} are not whole blocks of its type"
            ));
        }
        let length = (numbers / per_block as u64)
            .checked_mul(bytes as u64)
            .ok_or_else(|| format!("the tensor {name} has an impossible size"))?;
        let tensor = Tensor {
            kind,
            dimensions,
            offset,
            length,
        };
        Ok((name, tensor))
    }

    fn value(&mut self, kind: u32, list: bool) -> Result<Value, String> {
        Ok(match kind {
            0 => Value::Integer(self.bytes::<1>()?[0].into()),
            1 => Value::Integer(i8::from_le_bytes(self.bytes()?).into()),
            2 => Value::Integer(u16::from_le_bytes(self.bytes()?).into()),
            3 => Value::Integer(i16::from_le_bytes(self.bytes()?).into()),
            4 => Value::Integer(self.u32()?.into()),
            5 => Value::Integer(i32::from_le_bytes(self.bytes()?).into()),
            6 => Value::Float(f32::from_le_bytes(self.bytes()?).into()),
            7 => Value::Bool(self.bytes::<1>()?[0] != 0),
            8 => Value::String(self.string()?),
            9 if list => self.list()?,
            10 => Value::Integer(self.u64()?.try_into().unwrap_or(i64::MAX)),
            11 => Value::Integer(i64::from_le_bytes(self.bytes()?)),
            12 => Value::Float(f64::from_le_bytes(self.bytes()?)),
            other => return Err(format!("a value of the unknown type {other}")),
        })
    }

    #[expect(clippy::cast_possible_truncation, reason = "scores are stored as f32")]
    fn list(&mut self) -> Result<Value, String> {
        let (kind, count) = (self.u32()?, self.u64()?);
        let width = match kind {
            0 | 1 | 7 => 1,
            2 | 3 => 2,
            4..=6 => 4,
            8 | 10..=12 => 8,
            other => return Err(format!("a list of the unknown type {other}")),
        };
        if count
            .checked_mul(width)
            .is_none_or(|bytes| bytes > self.left())
        {
            return Err(format!("a list of {count} does not fit the file"));
        }
        self.values = self.values.saturating_add(count);
        if self.values > MOST_VALUES {
            return Err(format!("a list of {count} is more than a vocabulary needs"));
        }
        let mut values = (0..count).map(|_| self.value(kind, false));
        Ok(match kind {
            8 => Value::Strings(
                values
                    .map(|value| match value? {
                        Value::String(text) => Ok(text),
                        _ => Err("not a string".to_owned()),
                    })
                    .collect::<Result<_, _>>()?,
            ),
            6 | 12 => Value::Floats(
                values
                    .map(|value| match value? {
                        Value::Float(number) => Ok(number as f32),
                        _ => Err("not a number".to_owned()),
                    })
                    .collect::<Result<_, _>>()?,
            ),
            7 => {
                values.try_for_each(|value| value.map(drop))?;
                Value::Other
            }
            _ => Value::Integers(
                values
                    .map(|value| match value? {
                        Value::Integer(number) => Ok(number),
                        _ => Err("not a number".to_owned()),
                    })
                    .collect::<Result<_, _>>()?,
            ),
        })
    }

    fn left(&self) -> u64 {
        self.length
            .min(LONGEST_HEADER)
            .saturating_sub(self.position)
    }

    /// A key, or the name of a tensor.
    fn name(&mut self) -> Result<String, String> {
        self.string_of(LONGEST_NAME)
    }

    fn string(&mut self) -> Result<String, String> {
        self.string_of(u64::MAX)
    }

    fn string_of(&mut self, most: u64) -> Result<String, String> {
        let length = self.u64()?;
        if length > self.left() {
            return Err(format!("a text of {length} bytes does not fit the file"));
        }
        if length > most {
            return Err(format!("a name of {length} bytes is none"));
        }
        let length = usize::try_from(length).map_err(|_| "a text is too long".to_owned())?;
        let mut bytes = vec![0; length];
        self.fill(&mut bytes)?;
        Ok(String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
    }

    fn u32(&mut self) -> Result<u32, String> {
        Ok(u32::from_le_bytes(self.bytes()?))
    }

    fn u64(&mut self) -> Result<u64, String> {
        Ok(u64::from_le_bytes(self.bytes()?))
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn fill(&mut self, out: &mut [u8]) -> Result<(), String> {
        if self.length > LONGEST_HEADER && out.len() as u64 > self.left() {
            return Err(format!("the header is longer than {LONGEST_HEADER} bytes"));
        }
        self.input
            .read_exact(out)
            .map_err(|_| "the header ends too early: the file is truncated".to_owned())?;
        self.position += out.len() as u64;
        Ok(())
    }
}
