//! The kernels against plain arithmetic.

use std::sync::Arc;

use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::packed::{Kind, Weights};
use super::*;
use crate::gguf::Gguf;

fn ggml(kind: Kind) -> GgmlDType {
    match kind {
        Kind::Q4_0 => GgmlDType::Q4_0,
        Kind::Q4_1 => GgmlDType::Q4_1,
        Kind::Q5_0 => GgmlDType::Q5_0,
        Kind::Q5_1 => GgmlDType::Q5_1,
        Kind::Q8_0 => GgmlDType::Q8_0,
        Kind::Q4K => GgmlDType::Q4K,
        Kind::Q5K => GgmlDType::Q5K,
        Kind::Q6K => GgmlDType::Q6K,
    }
}

/// A GGUF file with one tensor.
fn one_tensor(
    kind: Kind,
    rows: usize,
    columns: usize,
    random: &mut StdRng,
) -> tempfile::NamedTempFile {
    let dense: Vec<f32> = (0..rows * columns)
        .map(|_| random.random_range(-1.0..1.0) * random.random_range(0.0..1.0))
        .collect();
    let dense = Tensor::from_vec(dense, (rows, columns), &Device::Cpu).expect("tensor");
    let tensor = QTensor::quantize(&dense, ggml(kind)).expect("quantises");
    let file = tempfile::NamedTempFile::new().expect("file");
    candle_core::quantized::gguf_file::write(
        &mut std::fs::File::create(file.path()).expect("file"),
        &[],
        &[("weight", &tensor)],
    )
    .expect("writes");
    file
}

#[test]
fn every_kernel_multiplies() {
    let mut random = StdRng::seed_from_u64(1);
    for kind in Kind::ALL {
        for (rows, blocks) in [(32, 1), (40, 3), (112, 2)] {
            let columns = blocks * kind.block().0;
            let file = one_tensor(kind, rows, columns, &mut random);
            let gguf = Gguf::open(file.path()).expect("opens");
            let mut weights = Weights::new(Arc::clone(gguf.file())).expect("there is room");
            let matrix = weights
                .matrix("weight", columns, rows, None)
                .expect("there");

            let tensor = gguf.tensor("weight").expect("there");
            let mut bytes = vec![0; usize::try_from(tensor.length).expect("small")];
            gguf.read(tensor.offset, &mut bytes).expect("reads");
            let dense = packed::dequantised(tensor.kind, &bytes, rows, columns).expect("known");

            for count in [1, 2, 5, 6, 13] {
                let x: Vec<f32> = (0..count * columns)
                    .map(|_| random.random_range(-2.0..2.0))
                    .collect();
                let mut results = Vec::new();
                for kernels in kernels::available() {
                    let mut pool = Pool::new(2, 0);
                    let mut inputs = Inputs::default();
                    inputs.quantise(&mut pool, kernels, (&x, columns, count), &[&matrix]);
                    let mut y = vec![0.0; count * rows];
                    let out = Target(y.as_mut_ptr());
                    multiply(
                        &mut pool,
                        kernels,
                        &inputs,
                        count,
                        &[&matrix],
                        |_, row, token, values| {
                            // SAFETY: each tile and token has its own part.
                            unsafe { out.part(token * rows + row, values.len()) }
                                .copy_from_slice(values);
                        },
                    );
                    let exact = products(&inputs, kind, &dense, count, columns);
                    for (y, exact) in y.iter().zip(&exact) {
                        let error = (f64::from(*y) - exact).abs();
                        assert!(
                            error < 1e-4 * (1.0 + exact.abs()),
                            "{kind:?} {} rows {rows} count {count}: {y} for {exact}",
                            kernels.name
                        );
                    }
                    results.push((kernels.name, y));
                }
                let (_, best) = &results[0];
                for (name, result) in &results {
                    assert!(*name == "scalar" || result == best, "{kind:?} {name}");
                }
            }
        }
    }
}

#[test]
fn weights_that_cannot_be_read_are_an_error() {
    let file = one_tensor(Kind::Q8_0, 64, 32, &mut StdRng::seed_from_u64(3));
    let gguf = Gguf::open(file.path()).expect("opens");
    let mut weights = Weights::new(Arc::clone(gguf.file())).expect("there is room");
    let matrix = weights.matrix("weight", 32, 64, None).expect("there");
    let length = file.as_file().metadata().expect("a length").len();
    file.as_file().set_len(length - 1).expect("shortens");
    matrix.tile(0);
    weights.check().expect("the first tile is whole");
    matrix.tile(1);
    let problem = weights.check().expect_err("the second is not");
    assert!(problem.starts_with("cannot read weights"), "{problem}");
}

/// The products of the quantised inputs, in f64.
fn products(inputs: &Inputs, kind: Kind, dense: &[f32], count: usize, columns: usize) -> Vec<f64> {
    let x: Vec<f64> = if kind.is_wide() {
        let blocks = inputs.wide.iter();
        blocks
            .flat_map(|block| {
                block
                    .values
                    .map(|value| f64::from(value) * f64::from(block.scale))
            })
            .collect()
    } else {
        let blocks = inputs.narrow.iter();
        blocks
            .flat_map(|block| {
                block
                    .values
                    .map(|value| f64::from(value) * f64::from(block.scale))
            })
            .collect()
    };
    (0..count)
        .flat_map(|token| {
            let x = &x[token * columns..(token + 1) * columns];
            dense
                .chunks_exact(columns)
                .map(move |row| row.iter().zip(x).map(|(w, x)| f64::from(*w) * x).sum())
        })
        .collect()
}

#[test]
fn quantised_inputs_are_near_what_they_stand_for() {
    let mut random = StdRng::seed_from_u64(2);
    let x: Vec<f32> = (0..512).map(|_| random.random_range(-3.0..3.0)).collect();
    for kernels in kernels::available() {
        let mut wide = [Wide::ZERO; 2];
        let mut narrow = [Narrow::ZERO; 16];
        // SAFETY: the processor has the level.
        unsafe {
            (kernels.quantise_wide)(&x, &mut wide);
            (kernels.quantise_narrow)(&x, &mut narrow);
        }
        for (x, block) in x.chunks(256).zip(&wide) {
            for (x, value) in x.iter().zip(block.values) {
                assert!((x - f32::from(value) * block.scale).abs() <= block.scale * 0.501);
            }
            for (values, sum) in block.values.chunks(16).zip(block.sums) {
                assert_eq!(values.iter().map(|v| i16::from(*v)).sum::<i16>(), sum);
            }
            assert_eq!(block.pairs[1], block.sums[4] + block.sums[5]);
        }
        for (x, block) in x.chunks(32).zip(&narrow) {
            for (x, value) in x.iter().zip(block.values) {
                assert!((x - f32::from(value) * block.scale).abs() <= block.scale * 0.501);
            }
            assert_eq!(
                block.values.iter().map(|v| i32::from(*v)).sum::<i32>(),
                block.sum
            );
        }
    }
}

#[test]
fn exponentials_are_exact_to_the_last_digits() {
    let x: Vec<f32> = (-1200..880).map(|step| step as f32 / 10.0).collect();
    for x in x.as_chunks::<16>().0 {
        let mut out = [0.0; 16];
        // SAFETY: every processor has this level.
        unsafe {
            use simd::Simd;
            simd::Scalar::store_real(simd::exp::<simd::Scalar>(*x), out.as_mut_ptr());
        }
        for (x, y) in x.iter().zip(out) {
            let exact = f64::from(*x).exp();
            let error = (f64::from(y) - exact).abs();
            assert!(
                error <= 3e-7 * exact || (exact < 1e-37 && y < 1e-37),
                "e^{x} = {y}"
            );
        }
    }
}
