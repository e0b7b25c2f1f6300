//! The kernels compiled for each level of vector instructions, and the choice among them.

use super::matmul::{self, K6, K45, Narrow, Plain, Tile, Wide};
use super::ops::{self, Attention};
use super::packed::Kind;
use super::simd::Scalar;

/// One level's kernels.
///
/// # Safety
/// Each may be called only on a processor that has the level, which is what `detect` gives out.
pub(super) struct Kernels {
    /// What the level is called.
    pub(super) name: &'static str,
    pub(super) tile: unsafe fn(Kind, &Tile),
    pub(super) quantise_wide: unsafe fn(&[f32], &mut [Wide]),
    pub(super) quantise_narrow: unsafe fn(&[f32], &mut [Narrow]),
    pub(super) norm: unsafe fn(&[f32], &[f32], f32, &mut [f32]),
    pub(super) layer_norm: unsafe fn(&mut [f32], &[f32], &[f32], f32),
    pub(super) gated: unsafe fn(&mut [f32], &[f32], bool),
    pub(super) gelu: unsafe fn(&[f32], &[f32], &mut [f32]),
    pub(super) attend: unsafe fn(&Attention, &mut Vec<f32>),
    pub(super) halves: unsafe fn(&[f32], &mut [u16]),
}

macro_rules! level {
    ($name:ident, $label:literal, $simd:ty $(, $features:literal)?) => {
        mod $name {
            use super::*;

            pub(super) static KERNELS: Kernels = Kernels {
                name: $label, tile, quantise_wide, quantise_narrow, norm, layer_norm, gated, gelu, attend,
                halves,
            };

            $(#[target_feature(enable = $features)])?
            unsafe fn tile(kind: Kind, tile: &Tile) {
                unsafe {
                    match kind {
                        Kind::Q4_0 => matmul::tile::<$simd, Plain<4, false>>(tile),
                        Kind::Q4_1 => matmul::tile::<$simd, Plain<4, true>>(tile),
                        Kind::Q5_0 => matmul::tile::<$simd, Plain<5, false>>(tile),
                        Kind::Q5_1 => matmul::tile::<$simd, Plain<5, true>>(tile),
                        Kind::Q8_0 => matmul::tile::<$simd, Plain<8, false>>(tile),
                        Kind::Q4K => matmul::tile::<$simd, K45<false>>(tile),
                        Kind::Q5K => matmul::tile::<$simd, K45<true>>(tile),
                        Kind::Q6K => matmul::tile::<$simd, K6>(tile),
                    }
                }
            }

            $(#[target_feature(enable = $features)])?
            unsafe fn quantise_wide(x: &[f32], out: &mut [Wide]) {
                unsafe { matmul::quantise_wide::<$simd>(x, out) }
            }

            $(#[target_feature(enable = $features)])?
            unsafe fn quantise_narrow(x: &[f32], out: &mut [Narrow]) {
                unsafe { matmul::quantise_narrow::<$simd>(x, out) }
            }

            $(#[target_feature(enable = $features)])?
            unsafe fn norm(x: &[f32], weight: &[f32], epsilon: f32, out: &mut [f32]) {
                unsafe { ops::norm::<$simd>(x, weight, epsilon, out) }
            }

            $(#[target_feature(enable = $features)])?
            unsafe fn layer_norm(x: &mut [f32], weight: &[f32], bias: &[f32], epsilon: f32) {
                unsafe { ops::layer_norm::<$simd>(x, weight, bias, epsilon) }
            }

            $(#[target_feature(enable = $features)])?
            unsafe fn gelu(x: &[f32], bias: &[f32], out: &mut [f32]) {
                unsafe { ops::gelu::<$simd>(x, bias, out) }
            }

            $(#[target_feature(enable = $features)])?
            unsafe fn gated(gate: &mut [f32], up: &[f32], gelu: bool) {
                unsafe { ops::gated::<$simd>(gate, up, gelu) }
            }

            $(#[target_feature(enable = $features)])?
            unsafe fn halves(x: &[f32], out: &mut [u16]) {
                unsafe { ops::halves::<$simd>(x, out) }
            }

            $(#[target_feature(enable = $features)])?
            unsafe fn attend(job: &Attention, scores: &mut Vec<f32>) {
                unsafe { ops::attend::<$simd>(job, scores) }
            }
        }
    };
}

level!(scalar, "scalar", Scalar);
#[cfg(target_arch = "x86_64")]
level!(
    avx2,
    "avx2",
    super::super::simd::x86::Avx2<false>,
    "avx2,fma,f16c"
);
#[cfg(target_arch = "x86_64")]
level!(
    avx_vnni,
    "avx-vnni",
    super::super::simd::x86::Avx2<true>,
    "avx2,fma,f16c,avxvnni"
);
#[cfg(target_arch = "x86_64")]
level!(
    avx512,
    "avx512-vnni",
    super::super::simd::x86::Avx512,
    "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma,f16c"
);

/// The levels that this processor has, best first.
pub(super) fn available() -> Vec<&'static Kernels> {
    let mut levels = Vec::new();
    #[cfg(target_arch = "x86_64")]
    {
        let avx2 = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma")
            && is_x86_feature_detected!("f16c");
        if avx2
            && is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512vnni")
        {
            levels.push(&avx512::KERNELS);
        }
        if avx2 && is_x86_feature_detected!("avxvnni") {
            levels.push(&avx_vnni::KERNELS);
        }
        if avx2 {
            levels.push(&avx2::KERNELS);
        }
    }
    levels.push(&scalar::KERNELS);
    levels
}

/// The best level, or the one that the environment variable `VADE_SIMD` names (to measure what
/// other processors would do).
pub(super) fn detect() -> &'static Kernels {
    let levels = available();
    let wanted = std::env::var("VADE_SIMD").unwrap_or_default();
    let named = levels.iter().find(|level| level.name == wanted);
    named.unwrap_or(&levels[0])
}
