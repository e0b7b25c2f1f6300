//! What happens between the matrix products: norms, gates, attention.
//!
//! Like the products, each gives a token the same bits whoever is read beside it.
//!
//! # Safety
//! Every function needs a processor with `S`.

use super::Target;
use super::simd::{LANES, Simd, exp};

/// Root-mean-square norm: `out = x / rms(x) · weight`. The width is a multiple of 16.
#[inline(always)]
pub(super) unsafe fn norm<S: Simd>(x: &[f32], weight: &[f32], epsilon: f32, out: &mut [f32]) {
    unsafe {
        let mut squares = S::splat_real(0.0);
        for part in x.as_chunks::<LANES>().0 {
            let part = S::load_real(part.as_ptr());
            squares = S::fused(part, part, squares);
        }
        let mean = S::sum_real(squares) / x.len() as f32;
        let scale = S::splat_real(1.0 / (mean + epsilon).sqrt());
        let parts = x
            .as_chunks::<LANES>()
            .0
            .iter()
            .zip(weight.as_chunks::<LANES>().0);
        for ((x, weight), out) in parts.zip(out.as_chunks_mut::<LANES>().0) {
            let weight = S::load_real(weight.as_ptr());
            let scaled = S::mul_real(S::load_real(x.as_ptr()), scale);
            S::store_real(S::mul_real(scaled, weight), out.as_mut_ptr());
        }
    }
}

/// Layer norm in place: `x ← (x - mean) / deviation · weight + bias`. The width is a multiple of 16.
#[inline(always)]
pub(super) unsafe fn layer_norm<S: Simd>(
    x: &mut [f32],
    weight: &[f32],
    bias: &[f32],
    epsilon: f32,
) {
    unsafe {
        let count = x.len() as f32;
        let mut sums = S::splat_real(0.0);
        for part in x.as_chunks::<LANES>().0 {
            sums = S::add_real(sums, S::load_real(part.as_ptr()));
        }
        let below = S::splat_real(-S::sum_real(sums) / count);
        let mut squares = S::splat_real(0.0);
        for part in x.as_chunks::<LANES>().0 {
            let part = S::add_real(S::load_real(part.as_ptr()), below);
            squares = S::fused(part, part, squares);
        }
        let variance = S::sum_real(squares) / count;
        let scale = S::splat_real(1.0 / (variance + epsilon).sqrt());
        let rest = weight
            .as_chunks::<LANES>()
            .0
            .iter()
            .zip(bias.as_chunks::<LANES>().0);
        for (x, (weight, bias)) in x.as_chunks_mut::<LANES>().0.iter_mut().zip(rest) {
            let centred = S::add_real(S::load_real(x.as_ptr()), below);
            let scaled = S::mul_real(centred, scale);
            let weight = S::load_real(weight.as_ptr());
            let shifted = S::fused(scaled, weight, S::load_real(bias.as_ptr()));
            S::store_real(shifted, x.as_mut_ptr());
        }
    }
}

/// `out ← GELU(x + bias)` with the error function, for slices of a multiple of 16.
///
/// The error function is formula 7.1.26 of Abramowitz and Stegun, exact to 1.5e-7.
#[inline(always)]
pub(super) unsafe fn gelu<S: Simd>(x: &[f32], bias: &[f32], out: &mut [f32]) {
    unsafe {
        let parts = x
            .as_chunks::<LANES>()
            .0
            .iter()
            .zip(bias.as_chunks::<LANES>().0);
        for ((x, bias), out) in parts.zip(out.as_chunks_mut::<LANES>().0) {
            let x = S::add_real(S::load_real(x.as_ptr()), S::load_real(bias.as_ptr()));
            let size = S::max_real(x, S::mul_real(x, S::splat_real(-1.0)));
            let one = S::splat_real(1.0);
            let step = S::splat_real(0.327_591_1 * std::f32::consts::FRAC_1_SQRT_2);
            let t = S::div_real(one, S::fused(size, step, one));
            let mut p = S::splat_real(1.061_405_4);
            for term in [-1.453_152, 1.421_413_7, -0.284_496_74, 0.254_829_6] {
                p = S::fused(p, t, S::splat_real(term));
            }
            let p = S::mul_real(p, S::mul_real(t, S::splat_real(-1.0)));
            let square = S::mul_real(x, x);
            let bell = exp::<S>(S::mul_real(square, S::splat_real(-0.5)));
            // x · erf(x / √2) is even.
            let even = S::mul_real(size, S::fused(p, bell, one));
            let half = S::mul_real(S::add_real(x, even), S::splat_real(0.5));
            S::store_real(half, out.as_mut_ptr());
        }
    }
}

/// `gate ← activation(gate) · up`, for slices of a multiple of 16. `gelu` chooses the tanh form of
/// GELU, otherwise `SiLU`.
#[inline(always)]
pub(super) unsafe fn gated<S: Simd>(gate: &mut [f32], up: &[f32], gelu: bool) {
    unsafe {
        for (gate, up) in gate
            .as_chunks_mut::<LANES>()
            .0
            .iter_mut()
            .zip(up.as_chunks::<LANES>().0)
        {
            let x = S::load_real(gate.as_ptr());
            // Both are x · sigmoid(inner).
            let inner = if gelu {
                let cube = S::mul_real(S::mul_real(x, x), x);
                let inner = S::fused(cube, S::splat_real(0.044_715), x);
                S::mul_real(inner, S::splat_real(2.0 * 0.797_884_6))
            } else {
                x
            };
            let below = exp::<S>(S::mul_real(inner, S::splat_real(-1.0)));
            let below = S::add_real(below, S::splat_real(1.0));
            let active = S::div_real(x, below);
            S::store_real(
                S::mul_real(active, S::load_real(up.as_ptr())),
                gate.as_mut_ptr(),
            );
        }
    }
}

/// Rounds to `f16`; a multiple of 16.
#[inline(always)]
pub(super) unsafe fn halves<S: Simd>(x: &[f32], out: &mut [u16]) {
    let parts = x.as_chunks::<LANES>().0.iter();
    for (x, out) in parts.zip(out.as_chunks_mut::<LANES>().0) {
        unsafe { S::store_halves(S::load_real(x.as_ptr()), out.as_mut_ptr()) }
    }
}

/// Positions of a page of keys and values, as many as there are lanes.
pub(super) const PAGE: usize = LANES;

/// Rows of one attention job, at most.
pub(super) const QUERIES: usize = 6;

/// Attention of a few query rows that share a key head.
pub(super) struct Attention<'a> {
    /// Per row: its query, where its result goes, and its position.
    pub(super) rows: &'a [(*const f32, *mut f32, usize)],
    /// The sequence's pages, each holding `PAGE` positions.
    pub(super) pages: &'a [Target<u16>],
    /// Where this layer's and head's keys `[head_size][PAGE]` begin in a page, values
    /// `[PAGE][head_size]` following.
    pub(super) offset: usize,
    pub(super) head_size: usize,
    pub(super) scale: f32,
    /// Scores are bent to `± cap` (Gemma 2), unless zero.
    pub(super) cap: f32,
    /// How many positions back a row sees, itself included.
    pub(super) window: usize,
}

/// Computes the rows' results. `scores` is scratch space.
#[inline(always)]
pub(super) unsafe fn attend<S: Simd>(job: &Attention, scores: &mut Vec<f32>) {
    let mut done = 0;
    while done < job.rows.len() {
        let part = Attention {
            rows: &job.rows[done..],
            ..*job
        };
        let count = part.rows.len().min(S::TOKENS);
        unsafe {
            match count {
                1 => attend_rows::<S, 1>(&part, scores),
                2 => attend_rows::<S, 2>(&part, scores),
                3 => attend_rows::<S, 3>(&part, scores),
                4 => attend_rows::<S, 4>(&part, scores),
                5 => attend_rows::<S, 5>(&part, scores),
                _ => attend_rows::<S, 6>(&part, scores),
            }
        }
        done += count;
    }
}

#[inline(always)]
unsafe fn attend_rows<S: Simd, const R: usize>(job: &Attention, scores: &mut Vec<f32>) {
    if R > S::TOKENS {
        return;
    }
    let mut rows = [job.rows[0]; R];
    rows.copy_from_slice(&job.rows[..R]);
    let last = rows.iter().map(|row| row.2).max().unwrap_or(0);
    let first = rows.iter().map(|row| row.2).min().unwrap_or(0);
    let first = (first + 1).saturating_sub(job.window) / PAGE;
    let pages = &job.pages[..=last / PAGE];
    let length = pages.len() * PAGE;
    if scores.len() < R * length {
        scores.resize(R * length, 0.0);
    }
    let scores = scores.as_mut_ptr();
    unsafe {
        // Scores, a page of keys at a time: lanes are positions.
        for (number, page) in pages.iter().enumerate().skip(first) {
            let keys = page.at(job.offset).cast_const();
            let mut sums = [[S::splat_real(0.0); R]; 2];
            for pair in 0..job.head_size / 2 {
                for odd in 0..2 {
                    let at = 2 * pair + odd;
                    let key = S::load_halves(keys.add(at * PAGE));
                    for row in 0..R {
                        let query = S::splat_real(*rows[row].0.add(at));
                        sums[odd][row] = S::fused(query, key, sums[odd][row]);
                    }
                }
            }
            for row in 0..R {
                let mut score = S::add_real(sums[0][row], sums[1][row]);
                score = S::mul_real(score, S::splat_real(job.scale));
                if job.cap > 0.0 {
                    score = capped::<S>(score, job.cap);
                }
                let to = scores.add(row * length + number * PAGE);
                S::store_real(score, to);
                let position = rows[row].2;
                let start = number * PAGE;
                if start + PAGE > position + 1 || position - start >= job.window {
                    for lane in 0..PAGE {
                        let at = start + lane;
                        if at > position || position - at >= job.window {
                            *to.add(lane) = f32::NEG_INFINITY;
                        }
                    }
                }
            }
        }
        // Weights that sum to one.
        for row in 0..R {
            let scores = scores.add(row * length);
            let mut largest = S::splat_real(f32::NEG_INFINITY);
            for page in first..pages.len() {
                largest = S::max_real(largest, S::load_real(scores.add(page * PAGE)));
            }
            let largest = S::splat_real(-S::largest(largest));
            let mut total = S::splat_real(0.0);
            for page in first..pages.len() {
                let at = scores.add(page * PAGE);
                let weight = exp::<S>(S::add_real(S::load_real(at), largest));
                total = S::add_real(total, weight);
                S::store_real(weight, at);
            }
            let inverse = S::splat_real(1.0 / S::sum_real(total));
            for page in first..pages.len() {
                let at = scores.add(page * PAGE);
                S::store_real(S::mul_real(S::load_real(at), inverse), at);
            }
        }
        // The weighted sum of the values: lanes are dimensions.
        let mut at = 0;
        while at < job.head_size {
            let left = (job.head_size - at) / LANES;
            match left {
                1 => weigh::<S, R, 1>(job, &rows, pages, first, scores, at),
                2 | 3 => weigh::<S, R, 2>(job, &rows, pages, first, scores, at),
                _ => weigh::<S, R, 4>(job, &rows, pages, first, scores, at),
            }
            at += LANES
                * match left {
                    1 => 1,
                    2 | 3 => 2,
                    _ => 4,
                };
        }
    }
}

/// `C` vectors of each row's result, from dimension `at` on.
#[inline(always)]
unsafe fn weigh<S: Simd, const R: usize, const C: usize>(
    job: &Attention,
    rows: &[(*const f32, *mut f32, usize); R],
    pages: &[Target<u16>],
    first: usize,
    scores: *const f32,
    at: usize,
) {
    unsafe {
        let length = pages.len() * PAGE;
        let mut sums = [[S::splat_real(0.0); C]; R];
        for (number, page) in pages.iter().enumerate().skip(first) {
            let values = page.at(job.offset + job.head_size * PAGE + at).cast_const();
            for lane in 0..PAGE {
                let mut value = [S::splat_real(0.0); C];
                for part in 0..C {
                    value[part] = S::load_halves(values.add(lane * job.head_size + part * LANES));
                }
                for row in 0..R {
                    let weight = *scores.add(row * length + number * PAGE + lane);
                    let weight = S::splat_real(weight);
                    for part in 0..C {
                        sums[row][part] = S::fused(weight, value[part], sums[row][part]);
                    }
                }
            }
        }
        for row in 0..R {
            for part in 0..C {
                S::store_real(sums[row][part], rows[row].1.add(at + part * LANES));
            }
        }
    }
}

/// `cap · tanh(x / cap)`.
#[inline(always)]
unsafe fn capped<S: Simd>(x: S::Real, cap: f32) -> S::Real {
    unsafe {
        let below = exp::<S>(S::mul_real(x, S::splat_real(-2.0 / cap)));
        let below = S::add_real(below, S::splat_real(1.0));
        let tanh = S::add_real(S::div_real(S::splat_real(2.0), below), S::splat_real(-1.0));
        S::mul_real(tanh, S::splat_real(cap))
    }
}
