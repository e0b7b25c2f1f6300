//! Weights in memory: each matrix in the blocks of its GGUF type, sixteen rows interleaved.
//!
//! Interleaving is by 32-bit word: word `w` of a block of sixteen rows lies in one run of 64 bytes. The
//! blocks of two such groups take turns, so a tile is one stream of memory. It takes the bytes that the
//! file takes. Types that the kernels do not know become `Q8_0`.
//!
//! Most of packing is waiting for the system to hand out memory, so a tile is packed when it is first
//! wanted, and until something is wanted a thread packs ahead.

use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::thread::JoinHandle;

use candle_core::quantized::{GgmlDType, QStorage, QTensor};
use candle_core::{Device, Tensor as Dense};
use half::f16;

use super::arena::Arena;
use super::matmul::ROWS;
use super::pool::be_nice;
use crate::tensors::{self, Tensor, TensorFile};

/// Rows that are interleaved.
const GROUP: usize = ROWS / 2;

/// The types that kernels multiply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Q4_0,
    Q4_1,
    Q5_0,
    Q5_1,
    Q8_0,
    Q4K,
    Q5K,
    Q6K,
}

impl Kind {
    pub(super) const ALL: [Self; 8] = [
        Self::Q4_0,
        Self::Q4_1,
        Self::Q5_0,
        Self::Q5_1,
        Self::Q8_0,
        Self::Q4K,
        Self::Q5K,
        Self::Q6K,
    ];

    /// The kind that a `ggml` type is kept as.
    fn of(ggml: u32) -> Self {
        let mut kinds = Self::ALL.into_iter();
        kinds.find(|kind| kind.ggml() == ggml).unwrap_or(Self::Q8_0)
    }

    /// Its `ggml` type number.
    pub(super) fn ggml(self) -> u32 {
        match self {
            Self::Q4_0 => 2,
            Self::Q4_1 => 3,
            Self::Q5_0 => 6,
            Self::Q5_1 => 7,
            Self::Q8_0 => 8,
            Self::Q4K => 12,
            Self::Q5K => 13,
            Self::Q6K => 14,
        }
    }

    /// Columns and bytes of a block of one row.
    pub(super) fn block(self) -> (usize, usize) {
        tensors::block(self.ggml()).unwrap_or((1, 1))
    }

    /// Whether it takes activations in blocks of 256.
    pub(super) fn is_wide(self) -> bool {
        matches!(self, Self::Q4K | Self::Q5K | Self::Q6K)
    }
}

/// What the matrices of a file share.
struct Store {
    file: Arc<TensorFile>,
    arena: Arena,
    /// Why a tile could not be packed.
    failure: Mutex<Option<String>>,
}

/// A matrix `[rows, columns]` of weights.
pub(super) struct Matrix {
    store: Arc<Store>,
    /// Where its first row lies in the file.
    source: u64,
    ggml: u32,
    /// Where its first tile lies in the arena.
    offset: usize,
    packed: Box<[Once]>,
    pub(super) kind: Kind,
    pub(super) rows: usize,
    pub(super) columns: usize,
}

impl Matrix {
    /// Blocks in a row.
    pub(super) fn blocks(&self) -> usize {
        self.columns / self.kind.block().0
    }

    /// Tiles of `ROWS` rows; the last may be partly empty.
    pub(super) fn tiles(&self) -> usize {
        self.packed.len()
    }

    fn tile_bytes(&self) -> usize {
        self.blocks() * self.kind.block().1 * ROWS
    }

    /// Where a tile lies. One that cannot be packed is zero, and `Weights::check` says so.
    pub(super) fn tile(&self, tile: usize) -> *const u8 {
        let bytes = self.tile_bytes();
        // SAFETY: `Weights::matrix` saw that the arena has room for all tiles.
        let start = unsafe { self.store.arena.start().add(self.offset + tile * bytes) };
        self.packed[tile].call_once(|| {
            // SAFETY: as above, and only this call uses the tile before it is packed.
            let out = unsafe { std::slice::from_raw_parts_mut(start, bytes) };
            if let Err(problem) = self.pack(tile, out) {
                *lock(&self.store.failure) = Some(problem);
            }
        });
        start.cast_const()
    }

    fn pack(&self, tile: usize, out: &mut [u8]) -> Result<(), String> {
        thread_local! {
            static SOURCE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
        }
        let (per_block, bytes) = tensors::block(self.ggml).unwrap_or((1, 4));
        let row = self.columns / per_block * bytes;
        let first = tile * ROWS;
        let rows = ROWS.min(self.rows - first);
        SOURCE.with_borrow_mut(|source| {
            source.resize(rows * row, 0);
            let file = &self.store.file;
            file.read(self.source + (first * row) as u64, source)
                .map_err(|error| format!("cannot read weights: {error}"))?;
            let native = if self.ggml == self.kind.ggml() {
                Cow::Borrowed(&source[..])
            } else {
                let bytes = requantised(self.ggml, source, rows, self.columns)
                    .map_err(|error| format!("cannot convert weights: {error}"))?;
                Cow::Owned(bytes)
            };
            let row = native.len() / rows;
            let absent = vec![0; if rows < ROWS { row } else { 0 }];
            interleave(
                self.kind,
                &std::array::from_fn(|lane| {
                    native.get(lane * row..(lane + 1) * row).unwrap_or(&absent)
                }),
                out,
            );
            Ok(())
        })
    }
}

/// Part of a tensor's rows, as `(first, count)`.
pub(super) type Rows = Option<(usize, usize)>;

/// The weights of one file.
pub(super) struct Weights {
    store: Arc<Store>,
    matrices: Vec<Arc<Matrix>>,
    bytes: usize,
    ahead: Option<Ahead>,
}

/// A thread that packs, and what ends it.
struct Ahead {
    enough: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Weights {
    /// Room for the tensors of a file; memory is taken as they are packed.
    ///
    /// # Errors
    /// When the system refuses the room.
    pub(super) fn new(file: Arc<TensorFile>) -> Result<Self, String> {
        // A tensor is wanted in at most three parts, each of whole tiles.
        let room = file.tensors().map(|tensor| {
            let (per_block, bytes) = Kind::of(tensor.kind).block();
            let rows = tensor.rows().saturating_add(3 * ROWS);
            rows.saturating_mul(tensor.columns().div_ceil(per_block) * bytes)
        });
        let room = room.fold(0, usize::saturating_add);
        let arena = Arena::new(room)
            .ok_or_else(|| format!("there is no memory for {room} bytes of weights"))?;
        Ok(Self {
            store: Arc::new(Store {
                file,
                arena,
                failure: Mutex::new(None),
            }),
            matrices: Vec::new(),
            bytes: 0,
            ahead: None,
        })
    }

    /// The tensor `name`, or some of its rows; it must be `[rows, columns]`.
    ///
    /// # Errors
    /// A tensor that is absent or of another shape.
    pub(super) fn matrix(
        &mut self,
        name: &str,
        columns: usize,
        rows: usize,
        part: Rows,
    ) -> Result<Arc<Matrix>, String> {
        let store = &self.store;
        let tensor = store
            .file
            .tensor(name)
            .ok_or_else(|| format!("the tensor {name} is missing"))?;
        if tensor.columns() != columns || tensor.rows() != rows {
            return Err(format!(
                "the tensor {name} is {}×{} where the model needs {columns}×{rows}",
                tensor.columns(),
                tensor.rows()
            ));
        }
        let (first, rows) = part.unwrap_or((0, rows));
        let kind = Kind::of(tensor.kind);
        let (per_block, _) = kind.block();
        if !columns.is_multiple_of(per_block) {
            return Err(format!(
                "the tensor {name} has {columns} columns, which is no multiple of {per_block}"
            ));
        }
        let row = tensor.length / tensor.rows() as u64;
        let matrix = Matrix {
            store: Arc::clone(store),
            source: tensor.offset + first as u64 * row,
            ggml: tensor.kind,
            offset: self.bytes,
            packed: (0..rows.div_ceil(ROWS)).map(|_| Once::new()).collect(),
            kind,
            rows,
            columns,
        };
        self.bytes += (matrix.tiles() * matrix.tile_bytes()).next_multiple_of(64);
        if self.bytes > store.arena.bytes() {
            return Err(format!("the tensor {name} is used more than once"));
        }
        let matrix = Arc::new(matrix);
        self.matrices.push(Arc::clone(&matrix));
        Ok(matrix)
    }

    /// Memory that the matrices take once they are packed (bytes).
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Packs what there is in a thread of that niceness, until it is wanted.
    pub(super) fn pack_ahead(&mut self, nice: i32) {
        let enough = Arc::new(AtomicBool::new(false));
        let matrices = std::mem::take(&mut self.matrices);
        let stop = Arc::clone(&enough);
        let thread = std::thread::Builder::new()
            .name("language-pack".to_owned())
            .spawn(move || {
                be_nice(nice);
                for matrix in matrices {
                    for tile in 0..matrix.tiles() {
                        if stop.load(Ordering::Relaxed) {
                            return;
                        }
                        matrix.tile(tile);
                    }
                }
            });
        // Without a thread, tiles are packed when they are wanted.
        self.ahead = thread.ok().map(|thread| Ahead { enough, thread });
    }

    /// Ends packing ahead: the threads that compute need the processor.
    pub(super) fn stop(&mut self) {
        if let Some(Ahead { enough, thread }) = self.ahead.take() {
            enough.store(true, Ordering::Relaxed);
            let _ = thread.join();
        }
    }

    /// Whether every tile that was wanted could be packed.
    ///
    /// # Errors
    /// Says why one could not.
    pub(super) fn check(&self) -> Result<(), String> {
        match &*lock(&self.store.failure) {
            Some(problem) => Err(problem.clone()),
            None => Ok(()),
        }
    }
}

impl Drop for Weights {
    fn drop(&mut self) {
        self.stop();
    }
}

fn lock(failure: &Mutex<Option<String>>) -> std::sync::MutexGuard<'_, Option<String>> {
    failure.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Rows of any type that candle reads, as `Q8_0`.
fn requantised(
    ggml: u32,
    bytes: &[u8],
    rows: usize,
    columns: usize,
) -> candle_core::Result<Vec<u8>> {
    let dense = dequantised(ggml, bytes, rows, columns)?;
    let dense = Dense::from_vec(dense, (rows, columns), &Device::Cpu)?;
    Ok(QTensor::quantize(&dense, GgmlDType::Q8_0)?
        .data()?
        .into_owned())
}

/// Rows of any type that candle reads, as reals.
///
/// # Errors
/// A type that candle does not know.
pub(super) fn dequantised(
    ggml: u32,
    bytes: &[u8],
    rows: usize,
    columns: usize,
) -> candle_core::Result<Vec<f32>> {
    let kind = match ggml {
        0 => GgmlDType::F32,
        1 => GgmlDType::F16,
        2 => GgmlDType::Q4_0,
        3 => GgmlDType::Q4_1,
        6 => GgmlDType::Q5_0,
        7 => GgmlDType::Q5_1,
        8 => GgmlDType::Q8_0,
        10 => GgmlDType::Q2K,
        11 => GgmlDType::Q3K,
        12 => GgmlDType::Q4K,
        13 => GgmlDType::Q5K,
        14 => GgmlDType::Q6K,
        30 => GgmlDType::BF16,
        other => candle_core::bail!("the quantisation type {other} is not supported"),
    };
    let storage = QStorage::from_data(Cow::Borrowed(bytes), &Device::Cpu, kind)?;
    QTensor::new(storage, (rows, columns))?
        .dequantize(&Device::Cpu)?
        .flatten_all()?
        .to_vec1()
}

/// A tensor as reals.
///
/// # Errors
/// A file that cannot be read, or a type that candle does not know.
pub(super) fn dense(file: &TensorFile, tensor: &Tensor) -> Result<Vec<f32>, String> {
    let length = usize::try_from(tensor.length).map_err(|error| error.to_string())?;
    let mut bytes = vec![0; length];
    file.read(tensor.offset, &mut bytes)
        .map_err(|error| error.to_string())?;
    dequantised(tensor.kind, &bytes, tensor.rows(), tensor.columns())
        .map_err(|error| error.to_string())
}

/// A row of a tensor as reals, read from the file; `bytes` is scratch space.
///
/// # Errors
/// As `dense`.
pub(super) fn row(
    file: &TensorFile,
    tensor: &Tensor,
    row: usize,
    bytes: &mut Vec<u8>,
    out: &mut [f32],
) -> Result<(), String> {
    let length = tensor.length / tensor.rows() as u64;
    bytes.resize(usize::try_from(length).unwrap_or_default(), 0);
    file.read(tensor.offset + row as u64 * length, bytes)
        .map_err(|error| error.to_string())?;
    if tensor.kind == Kind::Q4_0.ggml() {
        let blocks = bytes.as_chunks::<18>().0.iter();
        for (block, out) in blocks.zip(out.as_chunks_mut::<32>().0) {
            let d = f16::from_le_bytes([block[0], block[1]]).to_f32();
            let (low, high) = out.split_at_mut(16);
            for ((byte, low), high) in block[2..].iter().zip(low).zip(high) {
                *low = d * (f32::from(byte & 15) - 8.0);
                *high = d * (f32::from(byte >> 4) - 8.0);
            }
        }
        return Ok(());
    }
    let numbers = dequantised(tensor.kind, bytes, 1, tensor.columns());
    out.copy_from_slice(&numbers.map_err(|error| error.to_string())?);
    Ok(())
}

/// Interleaves the rows of a tile, whole blocks.
fn interleave(kind: Kind, rows: &[&[u8]; ROWS], out: &mut [u8]) {
    let bytes = kind.block().1;
    for (index, out) in out.chunks_exact_mut(bytes * GROUP).enumerate() {
        let (block, group) = (index / 2, index % 2);
        let rows: [&[u8]; GROUP] = std::array::from_fn(|lane| {
            &rows[group * GROUP + lane][block * bytes..(block + 1) * bytes]
        });
        match kind {
            Kind::Q4_1 | Kind::Q4K | Kind::Q5K => words(rows, out, |word, _| word),
            Kind::Q5_1 => words(
                rows,
                out,
                |word, index| {
                    if index == 1 { by_column(word) } else { word }
                },
            ),
            Kind::Q6K => {
                let (quants, d) = out.split_at_mut(208 * GROUP);
                words(rows.map(|row| &row[..208]), quants, |word, _| word);
                halves(rows.map(|row| &row[208..]), d);
            }
            Kind::Q4_0 | Kind::Q5_0 | Kind::Q8_0 => {
                let (d, quants) = out.split_at_mut(2 * GROUP);
                halves(rows, d);
                words(rows.map(|row| &row[2..]), quants, |word, index| {
                    match kind {
                        // Signed bytes become unsigned ones, 128 higher.
                        Kind::Q8_0 => word ^ 0x8080_8080,
                        Kind::Q5_0 if index == 0 => by_column(word),
                        _ => word,
                    }
                });
            }
        }
    }
}

#[inline]
fn words(rows: [&[u8]; GROUP], out: &mut [u8], change: impl Fn(u32, usize) -> u32) {
    let out = out.as_chunks_mut::<4>().0;
    for (lane, row) in rows.into_iter().enumerate() {
        for (index, word) in row.as_chunks::<4>().0.iter().enumerate() {
            let word = change(u32::from_le_bytes(*word), index);
            out[index * GROUP + lane] = word.to_le_bytes();
        }
    }
}

fn halves(rows: [&[u8]; GROUP], out: &mut [u8]) {
    for (row, out) in rows.into_iter().zip(out.as_chunks_mut::<2>().0) {
        *out = [row[0], row[1]];
    }
}

/// Fifth bits of 32 columns, moved so that bit `s` of byte `b` belongs to column `4s + b`.
fn by_column(bits: u32) -> u32 {
    let every_fourth = |first: u32| {
        let x = (bits >> first) & 0x1111_1111;
        let x = (x | x >> 3) & 0x0303_0303;
        let x = (x | x >> 6) & 0x000f_000f;
        (x | x >> 12) & 0xff
    };
    (0..4).fold(0, |word, byte| word | every_fourth(byte) << (8 * byte))
}
