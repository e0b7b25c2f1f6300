//! Sixteen 32-bit lanes, on whatever vector instructions the processor has.
//!
//! Kernels are written once over `Simd`. Every level computes the same integers; reals may differ
//! in the last bit where a level lacks fused multiply-add.
//!
//! # Safety
//! The methods of a level may only run on a processor that has its instructions: `kernels::detect`
//! decides. Pointers must be valid for sixteen lanes. All of them are inlined into functions that
//! enable the instructions.

use half::f16;

/// Sixteen lanes.
pub(super) const LANES: usize = 16;

/// One level of vector instructions.
pub(super) trait Simd {
    /// 16 × `i32`, also seen as 64 bytes or 32 × `i16`.
    type Int: Copy;
    /// 16 × `f32`.
    type Real: Copy;
    /// Columns of a matrix tile that keep their sums in registers.
    const TOKENS: usize;

    unsafe fn splat(value: i32) -> Self::Int;
    unsafe fn load(from: *const u8) -> Self::Int;
    /// Asks for a cache line that will be read soon. The address may be anything.
    unsafe fn prefetch(from: *const u8);
    unsafe fn add(a: Self::Int, b: Self::Int) -> Self::Int;
    unsafe fn mul(a: Self::Int, b: Self::Int) -> Self::Int;
    unsafe fn max(a: Self::Int, b: Self::Int) -> Self::Int;
    unsafe fn and(a: Self::Int, b: Self::Int) -> Self::Int;
    unsafe fn or(a: Self::Int, b: Self::Int) -> Self::Int;
    unsafe fn left<const BITS: u32>(a: Self::Int) -> Self::Int;
    unsafe fn right<const BITS: u32>(a: Self::Int) -> Self::Int;
    /// The same by a count that is not known beforehand.
    unsafe fn right_by(a: Self::Int, bits: u32) -> Self::Int;
    /// The same, with the sign kept.
    unsafe fn right_signed<const BITS: u32>(a: Self::Int) -> Self::Int;
    /// Adds to each lane the dot product of four unsigned by four signed bytes. Weights of at most
    /// 127 only, unless `WIDE`.
    unsafe fn dot<const WIDE: bool>(
        sum: Self::Int,
        weights: Self::Int,
        values: Self::Int,
    ) -> Self::Int;
    /// As `dot` for weights of at most 15, up to eight times from zero on; what comes out is for `widen`.
    #[inline(always)]
    unsafe fn dot_short(sum: Self::Int, weights: Self::Int, values: Self::Int) -> Self::Int {
        unsafe { Self::dot::<false>(sum, weights, values) }
    }
    /// The lanes' sums, of what `dot_short` gives.
    #[inline(always)]
    unsafe fn widen(sum: Self::Int) -> Self::Int {
        sum
    }
    /// Adds to each lane the dot product of two by two `i16`.
    unsafe fn dot_pairs(sum: Self::Int, a: Self::Int, b: Self::Int) -> Self::Int;

    unsafe fn real(a: Self::Int) -> Self::Real;
    unsafe fn round(a: Self::Real) -> Self::Int;
    /// Lanes as the bits of reals.
    unsafe fn bits(a: Self::Int) -> Self::Real;
    /// `f16` in the lower half of each lane.
    unsafe fn lower_half(a: Self::Int) -> Self::Real;
    /// Stores lanes, each within `-128..=127`, as sixteen bytes.
    unsafe fn store_bytes(a: Self::Int, to: *mut i8);
    unsafe fn sum(a: Self::Int) -> i32;

    unsafe fn splat_real(value: f32) -> Self::Real;
    unsafe fn load_real(from: *const f32) -> Self::Real;
    unsafe fn load_halves(from: *const u16) -> Self::Real;
    unsafe fn store_real(a: Self::Real, to: *mut f32);
    unsafe fn store_halves(a: Self::Real, to: *mut u16);
    unsafe fn add_real(a: Self::Real, b: Self::Real) -> Self::Real;
    unsafe fn mul_real(a: Self::Real, b: Self::Real) -> Self::Real;
    unsafe fn div_real(a: Self::Real, b: Self::Real) -> Self::Real;
    unsafe fn max_real(a: Self::Real, b: Self::Real) -> Self::Real;
    unsafe fn min_real(a: Self::Real, b: Self::Real) -> Self::Real;
    /// `a · b + c`.
    unsafe fn fused(a: Self::Real, b: Self::Real, c: Self::Real) -> Self::Real;
    unsafe fn sum_real(a: Self::Real) -> f32;
    unsafe fn largest(a: Self::Real) -> f32;
}

/// `eˣ` within about two units in the last place; exactly zero far below.
#[inline(always)]
pub(super) unsafe fn exp<S: Simd>(x: S::Real) -> S::Real {
    unsafe {
        let x = S::min_real(S::max_real(x, S::splat_real(-104.0)), S::splat_real(88.3));
        let whole = S::round(S::mul_real(x, S::splat_real(std::f32::consts::LOG2_E)));
        let n = S::real(whole);
        // ln 2 in two parts, so that the remainder keeps its digits.
        let r = S::fused(n, S::splat_real(-0.693_359_4), x);
        let r = S::fused(n, S::splat_real(2.121_944_4e-4), r);
        let mut p = S::splat_real(1.0 / 5040.0);
        for term in [
            1.0 / 720.0,
            1.0 / 120.0,
            1.0 / 24.0,
            1.0 / 6.0,
            0.5,
            1.0,
            1.0,
        ] {
            p = S::fused(p, r, S::splat_real(term));
        }
        let exponent = S::max(S::add(whole, S::splat(127)), S::splat(0));
        S::mul_real(p, S::bits(S::left::<23>(exponent)))
    }
}

/// One lane after the other: the reference, and what runs where there is nothing better.
pub(super) struct Scalar;

#[inline(always)]
fn each<A: Copy, B: Copy, C: Copy + Default>(
    a: [A; LANES],
    b: [B; LANES],
    with: impl Fn(A, B) -> C,
) -> [C; LANES] {
    let mut out = [C::default(); LANES];
    for lane in 0..LANES {
        out[lane] = with(a[lane], b[lane]);
    }
    out
}

#[expect(clippy::cast_sign_loss, reason = "lanes are reinterpreted")]
impl Simd for Scalar {
    type Int = [i32; LANES];
    type Real = [f32; LANES];
    const TOKENS: usize = 2;

    #[inline(always)]
    unsafe fn splat(value: i32) -> Self::Int {
        [value; LANES]
    }
    #[inline(always)]
    unsafe fn load(from: *const u8) -> Self::Int {
        unsafe { from.cast::<Self::Int>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn prefetch(_: *const u8) {}
    #[inline(always)]
    unsafe fn add(a: Self::Int, b: Self::Int) -> Self::Int {
        each(a, b, i32::wrapping_add)
    }
    #[inline(always)]
    unsafe fn mul(a: Self::Int, b: Self::Int) -> Self::Int {
        each(a, b, i32::wrapping_mul)
    }
    #[inline(always)]
    unsafe fn max(a: Self::Int, b: Self::Int) -> Self::Int {
        each(a, b, i32::max)
    }
    #[inline(always)]
    unsafe fn and(a: Self::Int, b: Self::Int) -> Self::Int {
        each(a, b, |a, b| a & b)
    }
    #[inline(always)]
    unsafe fn or(a: Self::Int, b: Self::Int) -> Self::Int {
        each(a, b, |a, b| a | b)
    }
    #[inline(always)]
    unsafe fn left<const BITS: u32>(a: Self::Int) -> Self::Int {
        a.map(|a| ((a as u32) << BITS) as i32)
    }
    #[inline(always)]
    unsafe fn right<const BITS: u32>(a: Self::Int) -> Self::Int {
        a.map(|a| ((a as u32) >> BITS) as i32)
    }
    #[inline(always)]
    unsafe fn right_by(a: Self::Int, bits: u32) -> Self::Int {
        a.map(|a| ((a as u32) >> bits) as i32)
    }
    #[inline(always)]
    unsafe fn right_signed<const BITS: u32>(a: Self::Int) -> Self::Int {
        a.map(|a| a >> BITS)
    }
    #[inline(always)]
    unsafe fn dot<const WIDE: bool>(
        mut sum: Self::Int,
        weights: Self::Int,
        values: Self::Int,
    ) -> Self::Int {
        for lane in 0..LANES {
            let (w, v) = (weights[lane].to_le_bytes(), values[lane].to_le_bytes());
            for byte in 0..4 {
                sum[lane] += i32::from(w[byte]) * i32::from(v[byte] as i8);
            }
        }
        sum
    }
    #[inline(always)]
    unsafe fn dot_pairs(sum: Self::Int, a: Self::Int, b: Self::Int) -> Self::Int {
        let products = each(a, b, |a, b| {
            i32::from(a as i16) * i32::from(b as i16) + (a >> 16) * (b >> 16)
        });
        each(sum, products, i32::wrapping_add)
    }
    #[inline(always)]
    unsafe fn real(a: Self::Int) -> Self::Real {
        a.map(|a| a as f32)
    }
    #[inline(always)]
    unsafe fn round(a: Self::Real) -> Self::Int {
        a.map(|a| a.round_ties_even() as i32)
    }
    #[inline(always)]
    unsafe fn bits(a: Self::Int) -> Self::Real {
        a.map(|a| f32::from_bits(a as u32))
    }
    #[inline(always)]
    unsafe fn lower_half(a: Self::Int) -> Self::Real {
        a.map(|a| f16::from_bits(a as u16).to_f32())
    }
    #[inline(always)]
    unsafe fn store_bytes(a: Self::Int, to: *mut i8) {
        unsafe { to.cast::<[i8; LANES]>().write_unaligned(a.map(|a| a as i8)) }
    }
    #[inline(always)]
    unsafe fn sum(a: Self::Int) -> i32 {
        a.iter().sum()
    }
    #[inline(always)]
    unsafe fn splat_real(value: f32) -> Self::Real {
        [value; LANES]
    }
    #[inline(always)]
    unsafe fn load_real(from: *const f32) -> Self::Real {
        unsafe { from.cast::<Self::Real>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn load_halves(from: *const u16) -> Self::Real {
        let halves = unsafe { from.cast::<[u16; LANES]>().read_unaligned() };
        halves.map(|half| f16::from_bits(half).to_f32())
    }
    #[inline(always)]
    unsafe fn store_real(a: Self::Real, to: *mut f32) {
        unsafe { to.cast::<Self::Real>().write_unaligned(a) }
    }
    #[inline(always)]
    unsafe fn store_halves(a: Self::Real, to: *mut u16) {
        let halves = a.map(|a| f16::from_f32(a).to_bits());
        unsafe { to.cast::<[u16; LANES]>().write_unaligned(halves) }
    }
    #[inline(always)]
    unsafe fn add_real(a: Self::Real, b: Self::Real) -> Self::Real {
        each(a, b, |a, b| a + b)
    }
    #[inline(always)]
    unsafe fn mul_real(a: Self::Real, b: Self::Real) -> Self::Real {
        each(a, b, |a, b| a * b)
    }
    #[inline(always)]
    unsafe fn div_real(a: Self::Real, b: Self::Real) -> Self::Real {
        each(a, b, |a, b| a / b)
    }
    #[inline(always)]
    unsafe fn max_real(a: Self::Real, b: Self::Real) -> Self::Real {
        each(a, b, f32::max)
    }
    #[inline(always)]
    unsafe fn min_real(a: Self::Real, b: Self::Real) -> Self::Real {
        each(a, b, f32::min)
    }
    #[inline(always)]
    unsafe fn fused(a: Self::Real, b: Self::Real, c: Self::Real) -> Self::Real {
        each(each(a, b, |a, b| a * b), c, |ab, c| ab + c)
    }
    #[inline(always)]
    unsafe fn sum_real(a: Self::Real) -> f32 {
        a.iter().sum()
    }
    #[inline(always)]
    unsafe fn largest(a: Self::Real) -> f32 {
        a.into_iter().fold(f32::NEG_INFINITY, f32::max)
    }
}

#[cfg(target_arch = "x86_64")]
pub(super) mod x86 {
    #[allow(clippy::wildcard_imports, reason = "instructions by the dozen")]
    use std::arch::x86_64::*;

    use super::Simd;

    /// AVX-512 with VNNI.
    pub(in super::super) struct Avx512;

    impl Simd for Avx512 {
        type Int = __m512i;
        type Real = __m512;
        const TOKENS: usize = 6;

        #[inline(always)]
        unsafe fn splat(value: i32) -> Self::Int {
            unsafe { _mm512_set1_epi32(value) }
        }
        #[inline(always)]
        unsafe fn load(from: *const u8) -> Self::Int {
            unsafe { _mm512_loadu_si512(from.cast()) }
        }
        #[inline(always)]
        unsafe fn prefetch(from: *const u8) {
            unsafe { _mm_prefetch::<_MM_HINT_T0>(from.cast()) }
        }
        #[inline(always)]
        unsafe fn add(a: Self::Int, b: Self::Int) -> Self::Int {
            unsafe { _mm512_add_epi32(a, b) }
        }
        #[inline(always)]
        unsafe fn mul(a: Self::Int, b: Self::Int) -> Self::Int {
            unsafe { _mm512_mullo_epi32(a, b) }
        }
        #[inline(always)]
        unsafe fn max(a: Self::Int, b: Self::Int) -> Self::Int {
            unsafe { _mm512_max_epi32(a, b) }
        }
        #[inline(always)]
        unsafe fn and(a: Self::Int, b: Self::Int) -> Self::Int {
            unsafe { _mm512_and_si512(a, b) }
        }
        #[inline(always)]
        unsafe fn or(a: Self::Int, b: Self::Int) -> Self::Int {
            unsafe { _mm512_or_si512(a, b) }
        }
        #[inline(always)]
        unsafe fn left<const BITS: u32>(a: Self::Int) -> Self::Int {
            unsafe { _mm512_slli_epi32::<BITS>(a) }
        }
        #[inline(always)]
        unsafe fn right<const BITS: u32>(a: Self::Int) -> Self::Int {
            unsafe { _mm512_srli_epi32::<BITS>(a) }
        }
        #[inline(always)]
        unsafe fn right_by(a: Self::Int, bits: u32) -> Self::Int {
            unsafe { _mm512_srl_epi32(a, _mm_cvtsi32_si128(bits as i32)) }
        }
        #[inline(always)]
        unsafe fn right_signed<const BITS: u32>(a: Self::Int) -> Self::Int {
            unsafe { _mm512_srai_epi32::<BITS>(a) }
        }
        #[inline(always)]
        unsafe fn dot<const WIDE: bool>(
            sum: Self::Int,
            weights: Self::Int,
            values: Self::Int,
        ) -> Self::Int {
            unsafe { _mm512_dpbusd_epi32(sum, weights, values) }
        }
        #[inline(always)]
        unsafe fn dot_pairs(sum: Self::Int, a: Self::Int, b: Self::Int) -> Self::Int {
            unsafe { _mm512_dpwssd_epi32(sum, a, b) }
        }
        #[inline(always)]
        unsafe fn real(a: Self::Int) -> Self::Real {
            unsafe { _mm512_cvtepi32_ps(a) }
        }
        #[inline(always)]
        unsafe fn round(a: Self::Real) -> Self::Int {
            unsafe { _mm512_cvtps_epi32(a) }
        }
        #[inline(always)]
        unsafe fn bits(a: Self::Int) -> Self::Real {
            unsafe { _mm512_castsi512_ps(a) }
        }
        #[inline(always)]
        unsafe fn lower_half(a: Self::Int) -> Self::Real {
            unsafe { _mm512_cvtph_ps(_mm512_cvtepi32_epi16(a)) }
        }
        #[inline(always)]
        unsafe fn store_bytes(a: Self::Int, to: *mut i8) {
            unsafe { _mm_storeu_si128(to.cast(), _mm512_cvtepi32_epi8(a)) }
        }
        #[inline(always)]
        unsafe fn sum(a: Self::Int) -> i32 {
            unsafe { _mm512_reduce_add_epi32(a) }
        }
        #[inline(always)]
        unsafe fn splat_real(value: f32) -> Self::Real {
            unsafe { _mm512_set1_ps(value) }
        }
        #[inline(always)]
        unsafe fn load_real(from: *const f32) -> Self::Real {
            unsafe { _mm512_loadu_ps(from) }
        }
        #[inline(always)]
        unsafe fn load_halves(from: *const u16) -> Self::Real {
            unsafe { _mm512_cvtph_ps(_mm256_loadu_si256(from.cast())) }
        }
        #[inline(always)]
        unsafe fn store_real(a: Self::Real, to: *mut f32) {
            unsafe { _mm512_storeu_ps(to, a) }
        }
        #[inline(always)]
        unsafe fn store_halves(a: Self::Real, to: *mut u16) {
            unsafe {
                _mm256_storeu_si256(to.cast(), _mm512_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(a));
            }
        }
        #[inline(always)]
        unsafe fn add_real(a: Self::Real, b: Self::Real) -> Self::Real {
            unsafe { _mm512_add_ps(a, b) }
        }
        #[inline(always)]
        unsafe fn mul_real(a: Self::Real, b: Self::Real) -> Self::Real {
            unsafe { _mm512_mul_ps(a, b) }
        }
        #[inline(always)]
        unsafe fn div_real(a: Self::Real, b: Self::Real) -> Self::Real {
            unsafe { _mm512_div_ps(a, b) }
        }
        #[inline(always)]
        unsafe fn max_real(a: Self::Real, b: Self::Real) -> Self::Real {
            unsafe { _mm512_max_ps(a, b) }
        }
        #[inline(always)]
        unsafe fn min_real(a: Self::Real, b: Self::Real) -> Self::Real {
            unsafe { _mm512_min_ps(a, b) }
        }
        #[inline(always)]
        unsafe fn fused(a: Self::Real, b: Self::Real, c: Self::Real) -> Self::Real {
            unsafe { _mm512_fmadd_ps(a, b, c) }
        }
        #[inline(always)]
        unsafe fn sum_real(a: Self::Real) -> f32 {
            unsafe { _mm512_reduce_add_ps(a) }
        }
        #[inline(always)]
        unsafe fn largest(a: Self::Real) -> f32 {
            unsafe { _mm512_reduce_max_ps(a) }
        }
    }

    /// AVX2 and FMA, two registers for sixteen lanes; `VNNI` where AVX-VNNI is there too.
    pub(in super::super) struct Avx2<const VNNI: bool>;

    type Ints = [__m256i; 2];
    type Reals = [__m256; 2];

    /// The sum of pairs of bytes must fit 16 bits here, so weights above 127 go in two halves.
    #[inline(always)]
    unsafe fn dot_avx2(sum: __m256i, weights: __m256i, values: __m256i, wide: bool) -> __m256i {
        unsafe {
            let ones = _mm256_set1_epi16(1);
            let product = |weights| _mm256_madd_epi16(_mm256_maddubs_epi16(weights, values), ones);
            if !wide {
                return _mm256_add_epi32(sum, product(weights));
            }
            let low = _mm256_set1_epi8(15);
            let upper = product(_mm256_and_si256(_mm256_srli_epi16::<4>(weights), low));
            let lower = product(_mm256_and_si256(weights, low));
            _mm256_add_epi32(sum, _mm256_add_epi32(lower, _mm256_slli_epi32::<4>(upper)))
        }
    }

    /// `f16` in the lower half of each lane.
    #[inline(always)]
    unsafe fn half_words(a: __m256i) -> __m256 {
        unsafe {
            let a = _mm256_and_si256(a, _mm256_set1_epi32(0xffff));
            let low = _mm256_castsi256_si128(a);
            let high = _mm256_extracti128_si256::<1>(a);
            _mm256_cvtph_ps(_mm_packus_epi32(low, high))
        }
    }

    #[inline(always)]
    unsafe fn fold(a: Reals, with: unsafe fn(__m128, __m128) -> __m128) -> f32 {
        unsafe {
            let low = with(
                _mm256_castps256_ps128(a[0]),
                _mm256_extractf128_ps::<1>(a[0]),
            );
            let high = with(
                _mm256_castps256_ps128(a[1]),
                _mm256_extractf128_ps::<1>(a[1]),
            );
            let four = with(low, high);
            let two = with(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(with(two, _mm_movehdup_ps(two)))
        }
    }

    impl<const VNNI: bool> Simd for Avx2<VNNI> {
        type Int = Ints;
        type Real = Reals;
        const TOKENS: usize = 2;

        #[inline(always)]
        unsafe fn splat(value: i32) -> Self::Int {
            unsafe { [_mm256_set1_epi32(value); 2] }
        }
        #[inline(always)]
        unsafe fn load(from: *const u8) -> Self::Int {
            unsafe {
                [
                    _mm256_loadu_si256(from.cast()),
                    _mm256_loadu_si256(from.add(32).cast()),
                ]
            }
        }
        #[inline(always)]
        unsafe fn prefetch(from: *const u8) {
            unsafe { _mm_prefetch::<_MM_HINT_T0>(from.cast()) }
        }
        #[inline(always)]
        unsafe fn add(a: Self::Int, b: Self::Int) -> Self::Int {
            unsafe { [_mm256_add_epi32(a[0], b[0]), _mm256_add_epi32(a[1], b[1])] }
        }
        #[inline(always)]
        unsafe fn mul(a: Self::Int, b: Self::Int) -> Self::Int {
            unsafe {
                [
                    _mm256_mullo_epi32(a[0], b[0]),
                    _mm256_mullo_epi32(a[1], b[1]),
                ]
            }
        }
        #[inline(always)]
        unsafe fn max(a: Self::Int, b: Self::Int) -> Self::Int {
            unsafe { [_mm256_max_epi32(a[0], b[0]), _mm256_max_epi32(a[1], b[1])] }
        }
        #[inline(always)]
        unsafe fn and(a: Self::Int, b: Self::Int) -> Self::Int {
            unsafe { [_mm256_and_si256(a[0], b[0]), _mm256_and_si256(a[1], b[1])] }
        }
        #[inline(always)]
        unsafe fn or(a: Self::Int, b: Self::Int) -> Self::Int {
            unsafe { [_mm256_or_si256(a[0], b[0]), _mm256_or_si256(a[1], b[1])] }
        }
        #[inline(always)]
        unsafe fn left<const BITS: u32>(a: Self::Int) -> Self::Int {
            unsafe {
                let count = _mm_cvtsi32_si128(BITS as i32);
                [_mm256_sll_epi32(a[0], count), _mm256_sll_epi32(a[1], count)]
            }
        }
        #[inline(always)]
        unsafe fn right<const BITS: u32>(a: Self::Int) -> Self::Int {
            unsafe {
                let count = _mm_cvtsi32_si128(BITS as i32);
                [_mm256_srl_epi32(a[0], count), _mm256_srl_epi32(a[1], count)]
            }
        }
        #[inline(always)]
        unsafe fn right_by(a: Self::Int, bits: u32) -> Self::Int {
            unsafe {
                let count = _mm_cvtsi32_si128(bits as i32);
                [_mm256_srl_epi32(a[0], count), _mm256_srl_epi32(a[1], count)]
            }
        }
        #[inline(always)]
        unsafe fn right_signed<const BITS: u32>(a: Self::Int) -> Self::Int {
            unsafe {
                let count = _mm_cvtsi32_si128(BITS as i32);
                [_mm256_sra_epi32(a[0], count), _mm256_sra_epi32(a[1], count)]
            }
        }
        #[inline(always)]
        unsafe fn dot<const WIDE: bool>(
            sum: Self::Int,
            weights: Self::Int,
            values: Self::Int,
        ) -> Self::Int {
            unsafe {
                if VNNI {
                    [
                        _mm256_dpbusd_avx_epi32(sum[0], weights[0], values[0]),
                        _mm256_dpbusd_avx_epi32(sum[1], weights[1], values[1]),
                    ]
                } else {
                    [
                        dot_avx2(sum[0], weights[0], values[0], WIDE),
                        dot_avx2(sum[1], weights[1], values[1], WIDE),
                    ]
                }
            }
        }
        #[inline(always)]
        unsafe fn dot_short(sum: Self::Int, weights: Self::Int, values: Self::Int) -> Self::Int {
            unsafe {
                if VNNI {
                    return Self::dot::<false>(sum, weights, values);
                }
                // Eight times two products of at most 15 · 127 fit sixteen bits.
                [
                    _mm256_add_epi16(sum[0], _mm256_maddubs_epi16(weights[0], values[0])),
                    _mm256_add_epi16(sum[1], _mm256_maddubs_epi16(weights[1], values[1])),
                ]
            }
        }
        #[inline(always)]
        unsafe fn widen(sum: Self::Int) -> Self::Int {
            unsafe {
                if VNNI {
                    return sum;
                }
                let ones = _mm256_set1_epi16(1);
                [
                    _mm256_madd_epi16(sum[0], ones),
                    _mm256_madd_epi16(sum[1], ones),
                ]
            }
        }
        #[inline(always)]
        unsafe fn dot_pairs(sum: Self::Int, a: Self::Int, b: Self::Int) -> Self::Int {
            unsafe {
                let products = [_mm256_madd_epi16(a[0], b[0]), _mm256_madd_epi16(a[1], b[1])];
                Self::add(sum, products)
            }
        }
        #[inline(always)]
        unsafe fn real(a: Self::Int) -> Self::Real {
            unsafe { [_mm256_cvtepi32_ps(a[0]), _mm256_cvtepi32_ps(a[1])] }
        }
        #[inline(always)]
        unsafe fn round(a: Self::Real) -> Self::Int {
            unsafe { [_mm256_cvtps_epi32(a[0]), _mm256_cvtps_epi32(a[1])] }
        }
        #[inline(always)]
        unsafe fn bits(a: Self::Int) -> Self::Real {
            unsafe { [_mm256_castsi256_ps(a[0]), _mm256_castsi256_ps(a[1])] }
        }
        #[inline(always)]
        unsafe fn lower_half(a: Self::Int) -> Self::Real {
            unsafe { [half_words(a[0]), half_words(a[1])] }
        }
        #[inline(always)]
        unsafe fn store_bytes(a: Self::Int, to: *mut i8) {
            unsafe {
                let low = |a| _mm256_castsi256_si128(a);
                let high = |a| _mm256_extracti128_si256::<1>(a);
                let first = _mm_packs_epi32(low(a[0]), high(a[0]));
                let second = _mm_packs_epi32(low(a[1]), high(a[1]));
                _mm_storeu_si128(to.cast(), _mm_packs_epi16(first, second));
            }
        }
        #[inline(always)]
        unsafe fn sum(a: Self::Int) -> i32 {
            unsafe {
                let eight = _mm256_add_epi32(a[0], a[1]);
                let four = _mm_add_epi32(
                    _mm256_castsi256_si128(eight),
                    _mm256_extracti128_si256::<1>(eight),
                );
                let two = _mm_add_epi32(four, _mm_shuffle_epi32::<0b00_00_11_10>(four));
                _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32::<1>(two)))
            }
        }
        #[inline(always)]
        unsafe fn splat_real(value: f32) -> Self::Real {
            unsafe { [_mm256_set1_ps(value); 2] }
        }
        #[inline(always)]
        unsafe fn load_real(from: *const f32) -> Self::Real {
            unsafe { [_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(8))] }
        }
        #[inline(always)]
        unsafe fn load_halves(from: *const u16) -> Self::Real {
            unsafe {
                [
                    _mm256_cvtph_ps(_mm_loadu_si128(from.cast())),
                    _mm256_cvtph_ps(_mm_loadu_si128(from.add(8).cast())),
                ]
            }
        }
        #[inline(always)]
        unsafe fn store_real(a: Self::Real, to: *mut f32) {
            unsafe {
                _mm256_storeu_ps(to, a[0]);
                _mm256_storeu_ps(to.add(8), a[1]);
            }
        }
        #[inline(always)]
        unsafe fn store_halves(a: Self::Real, to: *mut u16) {
            unsafe {
                let half = |a| _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(a);
                _mm_storeu_si128(to.cast(), half(a[0]));
                _mm_storeu_si128(to.add(8).cast(), half(a[1]));
            }
        }
        #[inline(always)]
        unsafe fn add_real(a: Self::Real, b: Self::Real) -> Self::Real {
            unsafe { [_mm256_add_ps(a[0], b[0]), _mm256_add_ps(a[1], b[1])] }
        }
        #[inline(always)]
        unsafe fn mul_real(a: Self::Real, b: Self::Real) -> Self::Real {
            unsafe { [_mm256_mul_ps(a[0], b[0]), _mm256_mul_ps(a[1], b[1])] }
        }
        #[inline(always)]
        unsafe fn div_real(a: Self::Real, b: Self::Real) -> Self::Real {
            unsafe { [_mm256_div_ps(a[0], b[0]), _mm256_div_ps(a[1], b[1])] }
        }
        #[inline(always)]
        unsafe fn max_real(a: Self::Real, b: Self::Real) -> Self::Real {
            unsafe { [_mm256_max_ps(a[0], b[0]), _mm256_max_ps(a[1], b[1])] }
        }
        #[inline(always)]
        unsafe fn min_real(a: Self::Real, b: Self::Real) -> Self::Real {
            unsafe { [_mm256_min_ps(a[0], b[0]), _mm256_min_ps(a[1], b[1])] }
        }
        #[inline(always)]
        unsafe fn fused(a: Self::Real, b: Self::Real, c: Self::Real) -> Self::Real {
            unsafe {
                [
                    _mm256_fmadd_ps(a[0], b[0], c[0]),
                    _mm256_fmadd_ps(a[1], b[1], c[1]),
                ]
            }
        }
        #[inline(always)]
        unsafe fn sum_real(a: Self::Real) -> f32 {
            unsafe { fold(a, |a, b| _mm_add_ps(a, b)) }
        }
        #[inline(always)]
        unsafe fn largest(a: Self::Real) -> f32 {
            unsafe { fold(a, |a, b| _mm_max_ps(a, b)) }
        }
    }
}
