//! Transformers on the CPU: what decoders (language models) and encoders (embedders) share, and both.
//!
//! Activations are quantised to eight bits and multiplied with the weights as the file holds them.
//! It knows files of tensors and numbers; text, prompts and catalogs are its callers'.
#![expect(
    unsafe_code,
    reason = "vector instructions chosen at run time, and buffers that threads share out among them"
)]
#![allow(
    clippy::inline_always,
    clippy::needless_range_loop,
    reason = "vector code is inlined where its instructions are enabled, and indexes registers"
)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    reason = "lanes, bytes and shift counts are small"
)]

mod arena;
mod decoder;
mod encoder;
mod kernels;
mod matmul;
mod network;
mod ops;
mod packed;
mod pool;
mod simd;
#[cfg(test)]
mod tests;

use kernels::Kernels;
use matmul::{Narrow, ROWS, TOKENS, Tile, Wide};
use packed::Matrix;
use pool::Pool;

pub use decoder::Options;
#[cfg(test)]
pub(crate) use decoder::tests::log_softmax;
pub(crate) use decoder::{Decoder, PASS};
pub(crate) use encoder::{Encoder, EncoderWeights, Pooling, Shape, WordVectors};
pub(crate) use network::Network;
pub(crate) use pool::be_nice;

/// Quantised activations `[tokens][columns]`.
#[derive(Default)]
struct Inputs {
    wide: Vec<Wide>,
    narrow: Vec<Narrow>,
}

/// A buffer that threads write disjoint parts of.
struct Target<T>(*mut T);

impl<T> Clone for Target<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Target<T> {}

// SAFETY: every user writes places that no other thread touches meanwhile.
unsafe impl<T> Sync for Target<T> {}
// SAFETY: as above; it owns nothing.
unsafe impl<T> Send for Target<T> {}

impl<T> Target<T> {
    /// Where item `offset` lies.
    ///
    /// # Safety
    /// It lies in the buffer.
    unsafe fn at(&self, offset: usize) -> *mut T {
        // SAFETY: promised by the caller.
        unsafe { self.0.add(offset) }
    }

    /// `length` items from `start` on.
    ///
    /// # Safety
    /// They lie in the buffer and nobody else uses them now.
    #[expect(clippy::mut_from_ref, reason = "disjoint writes from several threads")]
    unsafe fn part(&self, start: usize, length: usize) -> &mut [T] {
        // SAFETY: promised by the caller.
        unsafe { std::slice::from_raw_parts_mut(self.at(start), length) }
    }
}

/// Runs `body(tile)` for each tile. A thread takes several at once when there are few tokens: such tiles
/// are short, and are read from memory, which is faster in long runs.
fn each_tile(pool: &mut Pool, tiles: usize, count: usize, body: impl Fn(usize) + Sync) {
    let together = if count <= TOKENS {
        (tiles / (8 * pool.threads())).max(1)
    } else {
        1
    };
    pool.run(tiles.div_ceil(together), |piece, _| {
        (piece * together..((piece + 1) * together).min(tiles)).for_each(&body);
    });
}

/// Multiplies the inputs by matrices of the same width, and hands each token's share of a tile to
/// `finish(matrix, first row, token, values)`.
fn multiply(
    pool: &mut Pool,
    kernels: &Kernels,
    inputs: &Inputs,
    count: usize,
    matrices: &[&Matrix],
    finish: impl Fn(usize, usize, usize, &[f32]) + Sync,
) {
    let tiles: usize = matrices.iter().map(|matrix| matrix.tiles()).sum();
    each_tile(pool, tiles, count, |mut tile| {
        let mut which = 0;
        while tile >= matrices[which].tiles() {
            tile -= matrices[which].tiles();
            which += 1;
        }
        let matrix = matrices[which];
        let rows = ROWS.min(matrix.rows - tile * ROWS);
        let mut values = [[0.0; ROWS]; TOKENS];
        for first in (0..count).step_by(TOKENS) {
            let tokens = TOKENS.min(count - first);
            inputs.tile(kernels, matrix, tile, first, tokens, &mut values);
            for (token, values) in values[..tokens].iter().enumerate() {
                finish(which, tile * ROWS, first + token, &values[..rows]);
            }
        }
    });
}

impl Inputs {
    /// Norms each row of `(x, columns, count)` and quantises it for the matrices.
    fn norm(
        &mut self,
        pool: &mut Pool,
        kernels: &Kernels,
        (x, columns, count): (&[f32], usize, usize),
        (weight, epsilon): (&[f32], f32),
        matrices: &[&Matrix],
    ) {
        self.fill(pool, kernels, columns, count, matrices, |token, with| {
            let mut normed = vec![0.0; columns];
            let x = &x[token * columns..(token + 1) * columns];
            // SAFETY: the processor has the level.
            unsafe {
                (kernels.norm)(x, weight, epsilon, &mut normed);
            }
            with(&normed);
        });
    }

    /// Quantises each row of `(x, columns, count)` for the matrices.
    fn quantise(
        &mut self,
        pool: &mut Pool,
        kernels: &Kernels,
        (x, columns, count): (&[f32], usize, usize),
        matrices: &[&Matrix],
    ) {
        self.fill(pool, kernels, columns, count, matrices, |token, with| {
            with(&x[token * columns..(token + 1) * columns]);
        });
    }

    fn fill(
        &mut self,
        pool: &mut Pool,
        kernels: &Kernels,
        columns: usize,
        count: usize,
        matrices: &[&Matrix],
        row: impl Fn(usize, &mut dyn FnMut(&[f32])) + Sync,
    ) {
        let blocks = |block: usize, wanted: bool| if wanted { columns / block } else { 0 };
        let wide = blocks(256, matrices.iter().any(|matrix| matrix.kind.is_wide()));
        let narrow = blocks(32, matrices.iter().any(|matrix| !matrix.kind.is_wide()));
        self.wide.resize(count * wide, Wide::ZERO);
        self.narrow.resize(count * narrow, Narrow::ZERO);
        let wides = Target(self.wide.as_mut_ptr());
        let narrows = Target(self.narrow.as_mut_ptr());
        pool.run(count, |token, _| {
            row(token, &mut |x| {
                // SAFETY: the processor has the level; each token has its own blocks.
                unsafe {
                    if wide > 0 {
                        (kernels.quantise_wide)(x, wides.part(token * wide, wide));
                    }
                    if narrow > 0 {
                        (kernels.quantise_narrow)(x, narrows.part(token * narrow, narrow));
                    }
                }
            });
        });
    }

    /// Computes one tile of a matrix for a few tokens.
    fn tile(
        &self,
        kernels: &Kernels,
        matrix: &Matrix,
        tile: usize,
        first: usize,
        tokens: usize,
        out: &mut [[f32; ROWS]; TOKENS],
    ) {
        let blocks = matrix.blocks();
        let inputs: *const u8 = if matrix.kind.is_wide() {
            self.wide[first * blocks..].as_ptr().cast()
        } else {
            self.narrow[first * blocks..].as_ptr().cast()
        };
        let job = Tile {
            weights: matrix.tile(tile),
            fresh: first == 0,
            blocks,
            inputs,
            tokens,
            out: out.as_mut_ptr().cast(),
        };
        // SAFETY: the processor has the level; the weights, inputs and result cover the tile.
        unsafe {
            (kernels.tile)(matrix.kind, &job);
        }
    }
}
