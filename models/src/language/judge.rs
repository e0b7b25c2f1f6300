//! What a model thinks of it that a text answers a question: the log odds, read from its state after one of its layers.
//!
//! What it would say, "Yes" or "No", tells less: a model knows in the middle more of what it read than it says
//! (BENCHMARKS.md). The weights are a logistic regression by `tests/eval/judge.py`; one for each file that was measured.

use super::form::SUREST;

/// What a "Yes" or "No" of any other model counts: the same questions as the weights are fitted on, said by the words.
const BASE: f32 = -2.8;
const SAID: f32 = 1.3;

/// Files by their length (bytes), the layer, and the weights: the constant, then one for each number of the state.
const JUDGES: [(u64, usize, &[u8]); 1] = [(
    1_117_320_768,
    18,
    include_bytes!("judge/qwen2.5-coder-1.5b-instruct.f32"),
)];

/// A model's judge.
pub(super) struct Judge {
    /// The layer after which the state is read, counted from 0.
    pub layer: usize,
    constant: f32,
    weights: Vec<f32>,
}

impl Judge {
    /// That of a file of so many bytes.
    pub(super) fn of(length: u64) -> Option<Self> {
        let (_, layer, bytes) = JUDGES.iter().find(|(known, ..)| *known == length)?;
        let (numbers, _) = bytes.as_chunks();
        let mut numbers = numbers.iter().map(|number| f32::from_le_bytes(*number));
        Some(Self {
            layer: *layer,
            constant: numbers.next()?,
            weights: numbers.collect(),
        })
    }

    /// The log odds that the text which was read answers; none where the state is not one of this model.
    pub(super) fn log_odds(&self, state: &[f32]) -> Option<f32> {
        if state.len() != self.weights.len() {
            return None;
        }
        let dot = |other: &[f32]| state.iter().zip(other).map(|(a, b)| a * b).sum::<f32>();
        #[expect(clippy::cast_precision_loss, reason = "states are short")]
        let length = (dot(state) / state.len() as f32 + 1e-6).sqrt();
        let odds = self.constant + dot(&self.weights) / length;
        Some(odds.clamp(-SUREST, SUREST))
    }
}

/// The same where a model says yes with these log odds.
pub(super) fn of_words(said: f32) -> f32 {
    BASE + SAID * said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_weighed_whatever_its_length() {
        let judge = Judge {
            layer: 0,
            constant: 0.5,
            weights: vec![1.0, -1.0],
        };
        for scale in [1.0, 40.0] {
            let odds = judge.log_odds(&[3.0 * scale, scale]).expect("a state");
            assert!((odds - (0.5 + 2.0 / 5.0_f32.sqrt())).abs() < 1e-4, "{odds}");
        }
        assert_eq!(judge.log_odds(&[1.0]), None);
        assert!(Judge::of(1).is_none());
    }
}
