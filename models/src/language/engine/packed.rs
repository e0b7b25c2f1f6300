//! Weights in memory: each matrix in the blocks of its GGUF type, sixteen rows interleaved.
//!
//! Interleaving is by 32-bit word: word `w` of a block of sixteen rows lies in one run of 64 bytes. The
//! blocks of two such groups take turns, so a tile is one stream of memory. It takes the bytes that the
//! file takes. Types that the kernels do not know become `Q8_0`.

use std::alloc::Layout;
use std::borrow::Cow;
use std::sync::Arc;

use candle_core::quantized::{GgmlDType, QStorage, QTensor};
use candle_core::{Device, Tensor};

use super::super::gguf::{self, Gguf};
use super::matmul::ROWS;

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
        gguf::block(self.ggml()).unwrap_or((1, 1))
    }

    /// Whether it takes activations in blocks of 256.
    pub(super) fn is_wide(self) -> bool {
        matches!(self, Self::Q4K | Self::Q5K | Self::Q6K)
    }
}

/// Memory for weights, on large pages where the system has them.
struct Arena {
    start: *mut u8,
    layout: Layout,
}

// SAFETY: the memory is written only while it is filled, each part by one thread.
unsafe impl Send for Arena {}
// SAFETY: as above.
unsafe impl Sync for Arena {}

impl Arena {
    fn new(bytes: usize) -> Option<Self> {
        let layout = Layout::from_size_align(bytes.max(64), 2 << 20).ok()?;
        // SAFETY: the layout is not empty.
        let start = unsafe { std::alloc::alloc_zeroed(layout) };
        if start.is_null() {
            return None;
        }
        #[cfg(target_os = "linux")]
        // SAFETY: the range was just allocated. Advice that is refused changes nothing.
        unsafe {
            libc::madvise(start.cast(), layout.size(), libc::MADV_HUGEPAGE);
        }
        Some(Self { start, layout })
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout.
        unsafe { std::alloc::dealloc(self.start, self.layout) }
    }
}

/// A matrix `[rows, columns]` of weights.
pub(super) struct Matrix {
    arena: Arc<Arena>,
    offset: usize,
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
        self.rows.div_ceil(ROWS)
    }

    /// Where a tile lies.
    pub(super) fn tile(&self, tile: usize) -> *const u8 {
        let bytes = self.blocks() * self.kind.block().1 * ROWS;
        // SAFETY: `Plan` made the arena large enough for all tiles.
        unsafe {
            self.arena
                .start
                .add(self.offset + tile * bytes)
                .cast_const()
        }
    }
}

/// Part of a tensor's rows, as `(first, count)`.
pub(super) type Rows = Option<(usize, usize)>;

/// What is to be packed: collects matrices, then reads them all at once.
pub(super) struct Plan<'a> {
    gguf: &'a Gguf,
    bytes: usize,
    parts: Vec<Part>,
}

struct Part {
    /// Where the tensor's first wanted row lies in the file.
    source: u64,
    ggml: u32,
    kind: Kind,
    rows: usize,
    columns: usize,
    offset: usize,
}

/// A matrix that will be there once the plan is carried out.
#[derive(Clone, Copy)]
pub(super) struct Planned(usize);

impl<'a> Plan<'a> {
    pub(super) fn new(gguf: &'a Gguf) -> Self {
        Self {
            gguf,
            bytes: 0,
            parts: Vec::new(),
        }
    }

    /// Wants the tensor `name`, or some of its rows, which must have so many columns.
    ///
    /// # Errors
    /// A tensor that is absent or of another shape.
    pub(super) fn matrix(
        &mut self,
        name: &str,
        columns: usize,
        rows: usize,
        part: Rows,
    ) -> Result<Planned, String> {
        let tensor = self
            .gguf
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
        let (per_block, bytes) = kind.block();
        if !columns.is_multiple_of(per_block) {
            return Err(format!(
                "the tensor {name} has {columns} columns, which is no multiple of {per_block}"
            ));
        }
        let row = tensor.length / tensor.rows() as u64;
        let offset = self.bytes;
        self.bytes += rows.next_multiple_of(ROWS) * (columns / per_block * bytes);
        self.bytes = self.bytes.next_multiple_of(64);
        self.parts.push(Part {
            source: tensor.offset + first as u64 * row,
            ggml: tensor.kind,
            kind,
            rows,
            columns,
            offset,
        });
        Ok(Planned(self.parts.len() - 1))
    }

    /// Memory that the matrices will take (bytes).
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Reads and packs everything, with so many threads.
    ///
    /// # Errors
    /// When memory or the file gives out.
    pub(super) fn carry_out(self, threads: usize) -> Result<Weights, String> {
        let arena = Arena::new(self.bytes)
            .ok_or_else(|| format!("there is no memory for {} bytes of weights", self.bytes))?;
        let arena = Arc::new(arena);
        let mut pieces = Vec::new();
        for (index, part) in self.parts.iter().enumerate() {
            let tiles = part.rows.div_ceil(ROWS);
            // About a megabyte at a time keeps source and target in the cache.
            let row = part.columns / part.kind.block().0 * part.kind.block().1;
            let step = ((512 << 10) / (row * ROWS)).max(1);
            pieces.extend(
                (0..tiles)
                    .step_by(step)
                    .map(|first| (index, first, step.min(tiles - first))),
            );
        }
        let next = std::sync::atomic::AtomicUsize::new(0);
        let work = || {
            let mut source = Vec::new();
            loop {
                let at = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                let Some(&(index, first, count)) = pieces.get(at) else {
                    return Ok(());
                };
                self.parts[index].pack(self.gguf, &arena, first, count, &mut source)?;
            }
        };
        std::thread::scope(|scope| {
            let helpers: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
            let mut outcome = work();
            for helper in helpers {
                outcome = outcome.and(
                    helper
                        .join()
                        .unwrap_or_else(|_| Err("packing weights failed".to_owned())),
                );
            }
            outcome
        })?;
        Ok(Weights {
            arena,
            parts: self.parts,
        })
    }
}

/// What a plan has packed.
pub(super) struct Weights {
    arena: Arc<Arena>,
    parts: Vec<Part>,
}

impl Weights {
    /// A planned matrix.
    pub(super) fn get(&self, planned: Planned) -> Matrix {
        let part = &self.parts[planned.0];
        Matrix {
            arena: Arc::clone(&self.arena),
            offset: part.offset,
            kind: part.kind,
            rows: part.rows,
            columns: part.columns,
        }
    }
}

impl Part {
    /// Packs `count` tiles from tile `first` on.
    fn pack(
        &self,
        gguf: &Gguf,
        arena: &Arena,
        first: usize,
        count: usize,
        source: &mut Vec<u8>,
    ) -> Result<(), String> {
        let (per_block, bytes) = gguf::block(self.ggml).unwrap_or((1, 4));
        let row = self.columns / per_block * bytes;
        let first_row = first * ROWS;
        let rows = (count * ROWS).min(self.rows - first_row);
        source.resize(rows * row, 0);
        gguf.read(self.source + (first_row * row) as u64, source)
            .map_err(|error| format!("cannot read weights: {error}"))?;
        let (native, row) = if self.ggml == self.kind.ggml() {
            (Cow::Borrowed(&source[..]), row)
        } else {
            let bytes = requantised(self.ggml, source, rows, self.columns)
                .map_err(|error| format!("cannot convert weights: {error}"))?;
            let row = bytes.len() / rows;
            (Cow::Owned(bytes), row)
        };
        let tile = row * ROWS;
        // SAFETY: the tiles lie within the arena, and no other piece has them.
        let out = unsafe {
            std::slice::from_raw_parts_mut(
                arena.start.add(self.offset + first * tile),
                count * tile,
            )
        };
        let absent = vec![0; row];
        for (index, out) in out.chunks_exact_mut(tile).enumerate() {
            let rows: [&[u8]; ROWS] = std::array::from_fn(|lane| {
                let at = (index * ROWS + lane) * row;
                native.get(at..at + row).unwrap_or(&absent)
            });
            interleave(self.kind, rows, out);
        }
        Ok(())
    }
}

/// Rows of any type that candle reads, as `Q8_0`.
fn requantised(
    ggml: u32,
    bytes: &[u8],
    rows: usize,
    columns: usize,
) -> candle_core::Result<Vec<u8>> {
    let dense = dequantised(ggml, bytes, rows, columns)?;
    let dense = Tensor::from_vec(dense, (rows, columns), &Device::Cpu)?;
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

/// Interleaves the rows of a tile, whole blocks.
fn interleave(kind: Kind, rows: [&[u8]; ROWS], out: &mut [u8]) {
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
