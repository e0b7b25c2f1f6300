//! Made-up chunks: seeded, each made from its number alone, so that none has to be kept.
//!
//! A vector is a topic's place in a space of few dimensions and some way from it, turned into the space of
//! the embedder, around a common direction, with a little noise, of length one: as the vectors of texts
//! are. A text is words, the common ones often.

/// Dimensions that topics lie in.
const LATENT: usize = 32;

pub(crate) struct Synthetic {
    seed: u64,
    dimensions: usize,
    topics: Vec<[f32; LATENT]>,
    turn: Vec<f32>,
    common: Vec<f32>,
}

impl Synthetic {
    pub(crate) fn new(seed: u64, dimensions: usize, topics: usize) -> Self {
        let mut random = Random::new(seed, 0);
        let mut some = |count: usize| -> Vec<f32> { (0..count).map(|_| random.normal()).collect() };
        #[expect(clippy::cast_precision_loss, reason = "a scale")]
        let scale = (dimensions as f32).sqrt().recip();
        let turn = some(LATENT * dimensions)
            .iter()
            .map(|x| x * scale)
            .collect();
        let common = some(dimensions).iter().map(|x| 3.0 * x * scale).collect();
        let mut topic = || std::array::from_fn(|_| random.normal());
        Self {
            seed,
            dimensions,
            topics: (0..topics).map(|_| topic()).collect(),
            turn,
            common,
        }
    }

    /// The vector with this number.
    pub(crate) fn vector(&self, number: u64) -> Vec<f32> {
        let mut random = Random::new(self.seed, number + 1);
        let topic = &self.topics[random.below(self.topics.len())];
        let mut vector = self.common.clone();
        for (along, turn) in topic.iter().zip(self.turn.chunks_exact(self.dimensions)) {
            let along = along + 0.7 * random.normal();
            for (x, turn) in vector.iter_mut().zip(turn) {
                *x += along * turn;
            }
        }
        for x in &mut vector {
            *x += 0.03 * random.normal();
        }
        let length = dot(&vector, &vector).sqrt();
        for x in &mut vector {
            *x /= length;
        }
        vector
    }

    /// A text of about 1,000 bytes with this number.
    pub(crate) fn text(&self, number: u64) -> String {
        let mut random = Random::new(self.seed ^ 0x7465_7874, number);
        let mut text = String::with_capacity(1024);
        while text.len() < 1000 {
            // Of 20,000 words the first ones come often.
            let rank = random.below(142) * random.below(142);
            let mut letters = Random::new(0, rank as u64);
            for _ in 0..2 + letters.below(4) {
                text.push(char::from(b"bcdfghklmnprstvw"[letters.below(16)]));
                text.push(char::from(b"aeiou"[letters.below(5)]));
            }
            text.push(' ');
        }
        text
    }
}

/// The dot product.
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0; 16];
    for (a, b) in a.chunks(16).zip(b.chunks(16)) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    sums.iter().sum()
}

/// `SplitMix64`.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64, stream: u64) -> Self {
        let mut random = Self(seed ^ stream.wrapping_mul(0xD6E8_FEB8_6659_FD93));
        random.next();
        random
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap_or_default()
    }

    /// Between 0 and 1.
    fn share(&mut self) -> f32 {
        #[expect(clippy::cast_precision_loss, reason = "24 bits fit")]
        let share = ((self.next() >> 40) as f32 + 0.5) / (1 << 24) as f32;
        share
    }

    fn normal(&mut self) -> f32 {
        (-2.0 * self.share().ln()).sqrt() * (std::f32::consts::TAU * self.share()).cos()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_gives_the_same_chunk_again_and_another_number_another() {
        let synthetic = Synthetic::new(1, 40, 5);
        let again = Synthetic::new(1, 40, 5);
        assert_eq!(synthetic.vector(7), again.vector(7));
        assert_ne!(synthetic.vector(7), synthetic.vector(8));
        assert!((dot(&again.vector(7), &again.vector(7)) - 1.0).abs() < 1e-5);
        assert_eq!(synthetic.text(7), again.text(7));
        assert_ne!(synthetic.text(7), again.text(8));
    }
}
