//! Matrix products of quantised weights with quantised activations.
//!
//! Weights keep the blocks of their GGUF type, sixteen rows interleaved word by word
//! (`packed`), so that a vector register holds the same four columns of sixteen rows and no sum has
//! to cross lanes. A tile is 32 rows by a few tokens. What a row and a token give depends on nothing
//! else in the tile: sums within a block are integers, and blocks are added in order. Reading a token
//! alone, in a prompt or as a draft gives the same bits.

use super::simd::Simd;

/// `[body for group 0, body for group 1]`. Written out, because closures that pass through
/// `array::map` are not inlined.
macro_rules! groups {
    (|$group:ident| $body:expr) => {
        [
            {
                let $group = 0_usize;
                $body
            },
            {
                let $group = 1_usize;
                $body
            },
        ]
    };
}

/// Rows of a tile: two groups of sixteen.
pub(super) const ROWS: usize = 32;
/// Columns of a tile (tokens), at most.
pub(super) const TOKENS: usize = 6;

/// How far ahead of the arithmetic weights are fetched (bytes).
const AHEAD: usize = 8192;

/// 256 activations of one token on a common scale, for the types with blocks of 256.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Wide {
    pub(super) values: [i8; 256],
    pub(super) scale: f32,
    /// Sums of 32 values, in the order `0 2, 1 3, 4 6, 5 7` that the packed minima unfold to.
    pub(super) pairs: [i16; 8],
    /// Sums of 16 values.
    pub(super) sums: [i16; 16],
}

/// 32 activations of one token on a common scale, for the types with blocks of 32.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
pub(super) struct Narrow {
    pub(super) values: [i8; 32],
    pub(super) scale: f32,
    pub(super) sum: i32,
}

impl Wide {
    pub(super) const ZERO: Self = Self {
        values: [0; 256],
        scale: 0.0,
        pairs: [0; 8],
        sums: [0; 16],
    };
}

impl Narrow {
    pub(super) const ZERO: Self = Self {
        values: [0; 32],
        scale: 0.0,
        sum: 0,
    };
}

/// A quantisation type as the kernels see it.
pub(super) trait Format {
    /// Activations of one block.
    type Input: Copy;
    /// Bytes of one block of sixteen rows.
    const BYTES: usize;

    /// Adds one block's products to the sums of a tile, and asks for the weights `ahead` of its own.
    unsafe fn block<S: Simd, const T: usize>(
        weights: [*const u8; 2],
        ahead: usize,
        inputs: [*const Self::Input; T],
        sums: &mut [[S::Real; T]; 2],
    );
}

/// The arguments of one tile.
#[derive(Clone, Copy)]
pub(super) struct Tile {
    /// Blocks of two groups of sixteen packed rows, in turns.
    pub(super) weights: *const u8,
    /// Whether the weights come from memory rather than from the cache.
    pub(super) fresh: bool,
    /// Blocks in a row.
    pub(super) blocks: usize,
    /// The first token's first block of activations (`Wide` or `Narrow`).
    pub(super) inputs: *const u8,
    /// How many tokens, at most `TOKENS`.
    pub(super) tokens: usize,
    /// Receives `[tokens][ROWS]`.
    pub(super) out: *mut f32,
}

/// Computes a tile.
///
/// # Safety
/// The pointers cover what `Tile` says, the processor has `S`.
#[inline(always)]
pub(super) unsafe fn tile<S: Simd, F: Format>(tile: &Tile) {
    let mut done = 0;
    while done < tile.tokens {
        let part = Tile {
            fresh: tile.fresh && done == 0,
            inputs: unsafe { tile.inputs.add(done * tile.blocks * size_of::<F::Input>()) },
            out: unsafe { tile.out.add(done * ROWS) },
            ..*tile
        };
        let count = (tile.tokens - done).min(S::TOKENS);
        unsafe {
            match count {
                1 => columns::<S, F, 1>(&part),
                2 => columns::<S, F, 2>(&part),
                3 => columns::<S, F, 3>(&part),
                4 => columns::<S, F, 4>(&part),
                5 => columns::<S, F, 5>(&part),
                _ => columns::<S, F, 6>(&part),
            }
        }
        done += count;
    }
}

#[inline(always)]
unsafe fn columns<S: Simd, F: Format, const T: usize>(tile: &Tile) {
    // Levels with fewer registers never come here with more tokens than they hold.
    if T > S::TOKENS {
        return;
    }
    unsafe {
        let mut sums = [[S::splat_real(0.0); T]; 2];
        let inputs: *const F::Input = tile.inputs.cast();
        let ahead = if tile.fresh { AHEAD } else { 0 };
        for block in 0..tile.blocks {
            let mut now = [inputs; T];
            for (token, now) in now.iter_mut().enumerate() {
                *now = inputs.add(token * tile.blocks + block);
            }
            let weights = groups!(|group| tile.weights.add((2 * block + group) * F::BYTES));
            F::block::<S, T>(weights, ahead, now, &mut sums);
        }
        for token in 0..T {
            for group in 0..2 {
                S::store_real(sums[group][token], tile.out.add(token * ROWS + group * 16));
            }
        }
    }
}

/// Runs its body for each step with the step as a constant.
macro_rules! steps {
    ($step:ident in [$($value:literal)*] $body:block) => {
        $({ const $step: usize = $value; $body })*
    };
}

/// Asks for some cache lines.
#[inline(always)]
unsafe fn fetch<S: Simd>(from: *const u8, ahead: usize, lines: usize) {
    if ahead == 0 {
        return;
    }
    for line in 0..lines {
        unsafe { S::prefetch(from.wrapping_add(ahead + line * 64)) }
    }
}

/// Four bits of each byte: of `half` 0 the lower, of 1 the upper.
#[inline(always)]
unsafe fn nibbles<S: Simd, const HALF: usize>(from: *const u8) -> S::Int {
    unsafe {
        let mask = S::splat(0x0f0f_0f0f);
        let bytes = S::load(from);
        if HALF == 0 {
            S::and(bytes, mask)
        } else {
            S::and(S::right::<4>(bytes), mask)
        }
    }
}

/// Bit `BIT` of each byte, moved to bit 4.
#[inline(always)]
unsafe fn fifth<S: Simd, const BIT: usize>(bytes: S::Int) -> S::Int {
    unsafe {
        let moved = match BIT {
            0 => S::left::<4>(bytes),
            1 => S::left::<3>(bytes),
            2 => S::left::<2>(bytes),
            3 => S::left::<1>(bytes),
            4 => bytes,
            5 => S::right::<1>(bytes),
            6 => S::right::<2>(bytes),
            _ => S::right::<3>(bytes),
        };
        S::and(moved, S::splat(0x1010_1010))
    }
}

/// Bits `2 · PAIR` and the next of each byte, moved to bits 4 and 5.
#[inline(always)]
unsafe fn upper_pair<S: Simd, const PAIR: usize>(bytes: S::Int) -> S::Int {
    unsafe {
        let moved = match PAIR {
            0 => S::left::<4>(bytes),
            1 => S::left::<2>(bytes),
            2 => bytes,
            _ => S::right::<2>(bytes),
        };
        S::and(moved, S::splat(0x3030_3030))
    }
}

/// The lowest byte of each lane, unsigned.
#[inline(always)]
unsafe fn byte<S: Simd>(words: S::Int) -> S::Int {
    unsafe { S::and(words, S::splat(255)) }
}

/// The lowest byte of each lane, signed.
#[inline(always)]
unsafe fn signed_byte<S: Simd>(words: S::Int) -> S::Int {
    unsafe { S::right_signed::<24>(S::left::<24>(words)) }
}

/// `f16` in the upper half of each lane.
#[inline(always)]
unsafe fn upper_half<S: Simd>(words: S::Int) -> S::Real {
    unsafe { S::lower_half(S::right::<16>(words)) }
}

/// Where the values of each token's block lie.
#[inline(always)]
unsafe fn values<I, const T: usize>(inputs: [*const I; T]) -> [*const i8; T] {
    let mut values = [std::ptr::null(); T];
    for token in 0..T {
        // Both kinds of activations begin with their values.
        values[token] = inputs[token].cast();
    }
    values
}

/// Adds the products of four columns, for all rows and tokens of the tile.
#[inline(always)]
unsafe fn multiply<S: Simd, const WIDE: bool, const T: usize>(
    sums: &mut [[S::Int; T]; 2],
    weights: [S::Int; 2],
    values: [*const i8; T],
    column: usize,
) {
    unsafe {
        for token in 0..T {
            let four = S::splat(values[token].add(column).cast::<i32>().read_unaligned());
            sums[0][token] = S::dot::<WIDE>(sums[0][token], weights[0], four);
            sums[1][token] = S::dot::<WIDE>(sums[1][token], weights[1], four);
        }
    }
}

/// The same for weights of at most 15, up to eight times.
#[inline(always)]
unsafe fn multiply_short<S: Simd, const T: usize>(
    sums: &mut [[S::Int; T]; 2],
    weights: [S::Int; 2],
    values: [*const i8; T],
    column: usize,
) {
    unsafe {
        for token in 0..T {
            let four = S::splat(values[token].add(column).cast::<i32>().read_unaligned());
            sums[0][token] = S::dot_short(sums[0][token], weights[0], four);
            sums[1][token] = S::dot_short(sums[1][token], weights[1], four);
        }
    }
}

/// `Q4_K` and, with a fifth bit, `Q5_K`: blocks of 256 with eight six-bit scales and minima.
///
/// Packed words of a row: `d` and `dmin`, three of scales, `Q5_K` eight of fifth bits, 32 of nibbles.
pub(super) struct K45<const FIVE: bool>;

impl<const FIVE: bool> K45<FIVE> {
    const NIBBLES: usize = if FIVE { 12 } else { 4 };
}

impl<const FIVE: bool> Format for K45<FIVE> {
    type Input = Wide;
    const BYTES: usize = 16 * if FIVE { 176 } else { 144 };

    #[inline(always)]
    unsafe fn block<S: Simd, const T: usize>(
        weights: [*const u8; 2],
        ahead: usize,
        inputs: [*const Wide; T],
        sums: &mut [[S::Real; T]; 2],
    ) {
        unsafe {
            let zero = S::splat(0);
            let values = values::<_, T>(inputs);
            let mut scales = [[zero; 2]; 2];
            let mut minima = [[zero; 2]; 2];
            for group in 0..2 {
                fetch::<S>(weights[group], ahead, Self::NIBBLES);
                let words = weights[group];
                let first = S::load(words.add(64));
                let second = S::load(words.add(128));
                let third = S::load(words.add(192));
                let (six, four) = (S::splat(0x3f3f_3f3f), S::splat(0x0f0f_0f0f));
                let two = S::splat(0x3030_3030);
                scales[group] = [
                    S::and(first, six),
                    S::or(S::and(third, four), S::and(S::right::<2>(first), two)),
                ];
                minima[group] = [
                    S::and(second, six),
                    S::or(
                        S::and(S::right::<4>(third), four),
                        S::and(S::right::<2>(second), two),
                    ),
                ];
            }
            let mut totals = [[zero; T]; 2];
            // Loops that stay loops: unrolled, they run out of registers.
            for pair in 0..4 {
                steps!(HALF in [0 1] {
                    let mut dots = [[zero; T]; 2];
                    for step in 0..8 {
                        let at = (Self::NIBBLES + pair * 8 + step) * 64;
                        let four = groups!(|group| {
                            if HALF == 0 {
                                fetch::<S>(weights[group].wrapping_add(at), ahead, 1);
                            }
                            let low = nibbles::<S, HALF>(weights[group].add(at));
                            if FIVE {
                                let high = S::load(weights[group].add((4 + step) * 64));
                                let high = S::right_by(high, 2 * pair as u32 + HALF as u32);
                                let high = S::and(high, S::splat(0x0101_0101));
                                S::or(low, S::left::<4>(high))
                            } else {
                                low
                            }
                        });
                        let column = pair * 64 + HALF * 32 + step * 4;
                        if FIVE {
                            multiply::<S, false, T>(&mut dots, four, values, column);
                        } else {
                            multiply_short::<S, T>(&mut dots, four, values, column);
                        }
                    }
                    for group in 0..2 {
                        let words = S::right_by(scales[group][pair / 2], pair as u32 % 2 * 16 + HALF as u32 * 8);
                        let scale = byte::<S>(words);
                        for token in 0..T {
                            let dot = dots[group][token];
                            let dot = if FIVE { dot } else { S::widen(dot) };
                            totals[group][token] =
                                S::add(totals[group][token], S::mul(dot, scale));
                        }
                    }
                });
            }
            let even = S::splat(0x00ff_00ff);
            for group in 0..2 {
                let head = S::load(weights[group]);
                let (d, dmin) = (S::lower_half(head), upper_half::<S>(head));
                let [low, high] = minima[group];
                let unfolded = [
                    S::and(low, even),
                    S::and(S::right::<8>(low), even),
                    S::and(high, even),
                    S::and(S::right::<8>(high), even),
                ];
                for token in 0..T {
                    #[expect(clippy::cast_ptr_alignment, reason = "it is read unaligned")]
                    let pairs = (&raw const (*inputs[token]).pairs).cast::<i32>();
                    let mut offset = zero;
                    for index in 0..4 {
                        let pair = S::splat(pairs.add(index).read_unaligned());
                        offset = S::dot_pairs(offset, unfolded[index], pair);
                    }
                    let scale = (*inputs[token]).scale;
                    let sum = &mut sums[group][token];
                    *sum = S::fused(
                        S::real(totals[group][token]),
                        S::mul_real(d, S::splat_real(scale)),
                        *sum,
                    );
                    *sum = S::fused(
                        S::real(offset),
                        S::mul_real(dmin, S::splat_real(-scale)),
                        *sum,
                    );
                }
            }
        }
    }
}

/// `Q6_K`: blocks of 256 with sixteen signed scales.
///
/// Packed words of a row: 32 of lower nibbles, 16 of upper pairs of bits, four of scales; then `d`
/// of all rows.
pub(super) struct K6;

impl Format for K6 {
    type Input = Wide;
    const BYTES: usize = 16 * 210;

    #[inline(always)]
    unsafe fn block<S: Simd, const T: usize>(
        weights: [*const u8; 2],
        ahead: usize,
        inputs: [*const Wide; T],
        sums: &mut [[S::Real; T]; 2],
    ) {
        unsafe {
            let zero = S::splat(0);
            let values = values::<_, T>(inputs);
            let mut totals = [[zero; T]; 2];
            for group in 0..2 {
                fetch::<S>(weights[group].wrapping_add(48 * 64), ahead, 5);
            }
            for half in 0..2 {
                steps!(QUARTER in [0 1 2 3] {
                    for sixteen in 0..2 {
                        let part = half * 8 + QUARTER * 2 + sixteen;
                        let mut dots = [[zero; T]; 2];
                        for token in 0..T {
                            let offset = S::splat(-32 * i32::from((*inputs[token]).sums[part]));
                            dots[0][token] = offset;
                            dots[1][token] = offset;
                        }
                        for step in sixteen * 4..sixteen * 4 + 4 {
                            let four = groups!(|group| {
                                let low = (half * 16 + QUARTER % 2 * 8 + step) * 64;
                                let high = (32 + half * 8 + step) * 64;
                                if QUARTER < 2 {
                                    fetch::<S>(weights[group].wrapping_add(low), ahead, 1);
                                }
                                if QUARTER == 2 {
                                    fetch::<S>(weights[group].wrapping_add(high), ahead, 1);
                                }
                                let low = nibbles::<S, { QUARTER / 2 }>(weights[group].add(low));
                                let high = S::load(weights[group].add(high));
                                S::or(low, upper_pair::<S, QUARTER>(high))
                            });
                            multiply::<S, false, T>(&mut dots, four, values, part * 16 + step % 4 * 4);
                        }
                        for group in 0..2 {
                            let scales = S::load(weights[group].add((48 + part / 4) * 64));
                            let scales = S::right_by(scales, part as u32 % 4 * 8);
                            let scale = signed_byte::<S>(scales);
                            for token in 0..T {
                                totals[group][token] =
                                    S::add(totals[group][token], S::mul(dots[group][token], scale));
                            }
                        }
                    }
                });
            }
            for group in 0..2 {
                let d = S::load_halves(weights[group].add(52 * 64).cast());
                for token in 0..T {
                    let scale = S::mul_real(d, S::splat_real((*inputs[token]).scale));
                    let sum = &mut sums[group][token];
                    *sum = S::fused(S::real(totals[group][token]), scale, *sum);
                }
            }
        }
    }
}

/// The types with blocks of 32: `BITS` a weight, and either an offset in the middle of their range
/// (`Q4_0`, `Q5_0`, `Q8_0`) or a minimum (`MINIMUM`: `Q4_1`, `Q5_1`).
///
/// Packed: `d` of all rows (with a minimum: a word of `d` and `m`), words of fifth bits where there
/// are five (bit `s` of byte `b` belongs to column `4s + b`), words of nibbles or bytes.
pub(super) struct Plain<const BITS: usize, const MINIMUM: bool>;

impl<const BITS: usize, const MINIMUM: bool> Plain<BITS, MINIMUM> {
    const HEAD: usize = if MINIMUM { 64 } else { 32 };
    const WEIGHTS: usize = Self::HEAD + if BITS == 5 { 64 } else { 0 };
}

impl<const BITS: usize, const MINIMUM: bool> Format for Plain<BITS, MINIMUM> {
    type Input = Narrow;
    const BYTES: usize = Self::WEIGHTS + if BITS == 8 { 512 } else { 256 };

    #[inline(always)]
    unsafe fn block<S: Simd, const T: usize>(
        weights: [*const u8; 2],
        ahead: usize,
        inputs: [*const Narrow; T],
        sums: &mut [[S::Real; T]; 2],
    ) {
        unsafe {
            let values = values::<_, T>(inputs);
            let mut dots = [[S::splat(0); T]; 2];
            for group in 0..2 {
                fetch::<S>(weights[group], ahead, 1);
            }
            if !MINIMUM && BITS != 4 {
                for token in 0..T {
                    let offset = S::splat(-(*inputs[token]).sum << (BITS - 1));
                    dots[0][token] = offset;
                    dots[1][token] = offset;
                }
            }
            let high = groups!(|group| S::load(weights[group].add(Self::HEAD)));
            steps!(STEP in [0 1 2 3 4 5 6 7] {
                let four = groups!(|group| {
                    let rows = weights[group].add(Self::WEIGHTS);
                    if BITS == 8 || STEP < 4 {
                        fetch::<S>(rows.wrapping_add(STEP * 64), ahead, 1);
                    }
                    if BITS == 5 && STEP == 4 {
                        fetch::<S>(rows.wrapping_sub(64), ahead, 1);
                    }
                    if BITS == 8 {
                        S::load(rows.add(STEP * 64))
                    } else {
                        let low = nibbles::<S, { STEP / 4 }>(rows.add(STEP % 4 * 64));
                        if BITS == 5 {
                            S::or(low, fifth::<S, STEP>(high[group]))
                        } else {
                            low
                        }
                    }
                });
                if BITS == 8 {
                    multiply::<S, true, T>(&mut dots, four, values, STEP * 4);
                } else if BITS == 4 {
                    multiply_short::<S, T>(&mut dots, four, values, STEP * 4);
                } else {
                    multiply::<S, false, T>(&mut dots, four, values, STEP * 4);
                }
            });
            if BITS == 4 {
                for token in 0..T {
                    let sum = if MINIMUM { 0 } else { (*inputs[token]).sum };
                    let offset = S::splat(-sum << (BITS - 1));
                    dots[0][token] = S::add(S::widen(dots[0][token]), offset);
                    dots[1][token] = S::add(S::widen(dots[1][token]), offset);
                }
            }
            for group in 0..2 {
                let (d, m) = if MINIMUM {
                    let head = S::load(weights[group]);
                    (S::lower_half(head), upper_half::<S>(head))
                } else {
                    let d = S::load_halves(weights[group].cast());
                    (d, d)
                };
                for token in 0..T {
                    let input = &*inputs[token];
                    let scale = S::mul_real(d, S::splat_real(input.scale));
                    let sum = &mut sums[group][token];
                    *sum = S::fused(S::real(dots[group][token]), scale, *sum);
                    if MINIMUM {
                        let offset = input.scale * input.sum as f32;
                        *sum = S::fused(m, S::splat_real(offset), *sum);
                    }
                }
            }
        }
    }
}

/// Quantises activations for blocks of 256. `x` holds whole blocks.
///
/// # Safety
/// The processor has `S`.
#[inline(always)]
pub(super) unsafe fn quantise_wide<S: Simd>(x: &[f32], out: &mut [Wide]) {
    for (x, out) in x.as_chunks::<256>().0.iter().zip(out) {
        unsafe {
            let scale = quantise::<S>(x, &mut out.values, |part, sum| {
                let sum = sum as i16;
                out.sums[part] = sum;
            });
            out.scale = scale;
        }
        for (pair, part) in out.pairs.iter_mut().zip([0, 2, 1, 3, 4, 6, 5, 7]) {
            *pair = out.sums[2 * part] + out.sums[2 * part + 1];
        }
    }
}

/// Quantises activations for blocks of 32. `x` holds whole blocks.
///
/// # Safety
/// The processor has `S`.
#[inline(always)]
pub(super) unsafe fn quantise_narrow<S: Simd>(x: &[f32], out: &mut [Narrow]) {
    for (x, out) in x.as_chunks::<32>().0.iter().zip(out) {
        out.sum = 0;
        out.scale = unsafe { quantise::<S>(x, &mut out.values, |_, sum| out.sum += sum) };
    }
}

/// Rounds to `-127..=127` on a common scale, which it gives; tells the sum of each sixteen.
#[inline(always)]
unsafe fn quantise<S: Simd>(x: &[f32], out: &mut [i8], mut sum: impl FnMut(usize, i32)) -> f32 {
    unsafe {
        let mut largest = S::splat_real(0.0);
        for part in x.as_chunks::<16>().0 {
            let part = S::load_real(part.as_ptr());
            let negative = S::mul_real(part, S::splat_real(-1.0));
            largest = S::max_real(largest, S::max_real(part, negative));
        }
        let largest = S::largest(largest);
        let inverse = if largest > 0.0 { 127.0 / largest } else { 0.0 };
        let inverse = S::splat_real(inverse);
        let parts = x.as_chunks::<16>().0.iter();
        for (index, (x, out)) in parts.zip(out.as_chunks_mut::<16>().0).enumerate() {
            let rounded = S::round(S::mul_real(S::load_real(x.as_ptr()), inverse));
            S::store_bytes(rounded, out.as_mut_ptr());
            sum(index, S::sum(rounded));
        }
        largest / 127.0
    }
}
