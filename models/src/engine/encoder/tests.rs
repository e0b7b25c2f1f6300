//! What the encoder adds to the kernels, against plain arithmetic. Whole encoders are tested with the
//! embedder that reads their files.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::*;

/// The error function by its series, exact to twelve digits where it is asked here.
fn erf(x: f64) -> f64 {
    let (mut term, mut sum) = (x, x);
    for n in 1..200 {
        let n = f64::from(n);
        term *= -x * x / n;
        sum += term / (2.0 * n + 1.0);
    }
    sum * std::f64::consts::FRAC_2_SQRT_PI
}

#[test]
fn gelu_is_that_of_the_error_function() {
    let x: Vec<f32> = (-640..640).map(|step| step as f32 / 160.0).collect();
    let bias = vec![0.25; x.len()];
    for kernels in kernels::available() {
        let mut out = vec![0.0; x.len()];
        // SAFETY: the processor has the level.
        unsafe { (kernels.gelu)(&x, &bias, &mut out) };
        for (x, out) in x.iter().zip(out) {
            let x = f64::from(*x) + 0.25;
            let exact = 0.5 * x * (1.0 + erf(x / std::f64::consts::SQRT_2));
            let error = (f64::from(out) - exact).abs();
            assert!(
                error < 1e-6,
                "{}: {x} gives {out} for {exact}",
                kernels.name
            );
        }
        let mut far = [0.0; 16];
        // SAFETY: as above.
        unsafe { (kernels.gelu)(&[-300.0; 16], &[0.0; 16], &mut far) };
        assert!(far.iter().all(|y| y.abs() < 1e-4), "{far:?}");
    }
}

#[test]
fn layer_norm_has_no_mean_and_the_deviation_that_is_asked() {
    let mut random = StdRng::seed_from_u64(7);
    let numbers = |random: &mut StdRng| -> Vec<f32> {
        (0..96).map(|_| random.random_range(-3.0..5.0)).collect()
    };
    let (x, weight, bias) = (
        numbers(&mut random),
        numbers(&mut random),
        numbers(&mut random),
    );
    let mean = x.iter().map(|x| f64::from(*x)).sum::<f64>() / 96.0;
    let squares = x.iter().map(|x| (f64::from(*x) - mean).powi(2));
    let deviation = (squares.sum::<f64>() / 96.0 + 1e-3).sqrt();
    for kernels in kernels::available() {
        let mut out = x.clone();
        // SAFETY: the processor has the level.
        unsafe { (kernels.layer_norm)(&mut out, &weight, &bias, 1e-3) };
        for at in 0..96 {
            let exact = (f64::from(x[at]) - mean) / deviation * f64::from(weight[at]);
            let error = f64::from(out[at]) - exact - f64::from(bias[at]);
            assert!(error.abs() < 1e-5, "{}: {error}", kernels.name);
        }
    }
}
