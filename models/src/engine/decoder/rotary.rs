//! Rotary position embedding: angles in f64, their cosines and sines in f32.

/// How neighbouring dimensions are paired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pairing {
    /// `(2i, 2i + 1)`, as GGUF files of the Llama family are converted.
    Neighbours,
    /// `(i, i + dimensions / 2)`.
    Halves,
}

/// Angles of every position up to what has been asked for.
pub(super) struct Rotary {
    frequencies: Vec<f64>,
    /// What cosines and sines are multiplied by.
    magnitude: f64,
    pairing: Pairing,
    /// `[position][pair]` of cosine and sine.
    table: Vec<[f32; 2]>,
}

impl Rotary {
    /// `dimensions` are rotated by frequencies `base^(-2i / dimensions) / divisors[i]`.
    pub(super) fn new(
        dimensions: usize,
        base: f32,
        divisors: Option<&[f32]>,
        magnitude: f32,
        pairing: Pairing,
    ) -> Self {
        let frequencies = (0..dimensions / 2)
            .map(|pair| {
                let exponent = (2 * pair) as f64 / dimensions as f64;
                let divisor = divisors.map_or(1.0, |divisors| f64::from(divisors[pair]));
                1.0 / f64::from(base).powf(exponent) / divisor
            })
            .collect();
        Self {
            frequencies,
            magnitude: magnitude.into(),
            pairing,
            table: Vec::new(),
        }
    }

    /// Makes the angles of positions below `length`.
    pub(super) fn reach(&mut self, length: usize) {
        let pairs = self.frequencies.len().max(1);
        for position in self.table.len() / pairs..length {
            self.table.extend(self.frequencies.iter().map(|frequency| {
                let (sin, cos) = (position as f64 * frequency).sin_cos();
                [(cos * self.magnitude) as f32, (sin * self.magnitude) as f32]
            }));
        }
    }

    /// Rotates one head at a position that was reached.
    pub(super) fn rotate(&self, head: &mut [f32], position: usize) {
        let pairs = self.frequencies.len();
        let angles = &self.table[position * pairs..(position + 1) * pairs];
        match self.pairing {
            Pairing::Neighbours => {
                for ([a, b], [cos, sin]) in head.as_chunks_mut::<2>().0.iter_mut().zip(angles) {
                    (*a, *b) = (*a * cos - *b * sin, *a * sin + *b * cos);
                }
            }
            Pairing::Halves => {
                let (first, second) = head[..2 * pairs].split_at_mut(pairs);
                for ((a, b), [cos, sin]) in first.iter_mut().zip(second).zip(angles) {
                    (*a, *b) = (*a * cos - *b * sin, *a * sin + *b * cos);
                }
            }
        }
    }
}
