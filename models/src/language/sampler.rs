//! Logits to the next token: greedy, or temperature with top-k, top-p and min-p.

use rand::distr::weighted::WeightedIndex;
use rand::prelude::*;
use rand::rngs::StdRng;

/// How tokens are chosen; every field off is greedy decoding.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sampling {
    /// 0 is greedy; higher is more varied.
    pub temperature: f32,
    /// Nucleus: keep the likeliest tokens that sum to this (1: all).
    pub top_p: f32,
    /// Keep the k likeliest tokens (0: all).
    pub top_k: usize,
    /// Keep tokens at least this share of the likeliest (0: all).
    pub min_p: f32,
    /// Divide the logits of recent tokens by this (1: off).
    pub repetition_penalty: f32,
    /// Seed of the random numbers.
    pub seed: u64,
}

impl Default for Sampling {
    fn default() -> Self {
        Self {
            temperature: 0.0,
            top_p: 1.0,
            top_k: 0,
            min_p: 0.0,
            repetition_penalty: 1.0,
            seed: 0,
        }
    }
}

/// Recent tokens that the repetition penalty looks at.
const WINDOW: usize = 64;

/// Chooses tokens for one answer.
pub(super) struct Sampler {
    settings: Sampling,
    random: StdRng,
    recent: Vec<u32>,
}

impl Sampler {
    pub(super) fn new(settings: Sampling) -> Self {
        Self {
            settings,
            random: StdRng::seed_from_u64(settings.seed),
            recent: Vec::new(),
        }
    }

    /// The next token, which is remembered for the repetition penalty.
    pub(super) fn choose(&mut self, logits: &mut [f32]) -> u32 {
        self.penalise(logits);
        let token = if self.settings.temperature > 0.0 {
            self.draw(logits)
        } else {
            greedy(logits)
        };
        let token = u32::try_from(token).unwrap_or_default();
        self.recent.push(token);
        token
    }

    fn penalise(&self, logits: &mut [f32]) {
        let penalty = self.settings.repetition_penalty;
        if penalty <= 1.0 {
            return;
        }
        let mut recent = self.recent[self.recent.len().saturating_sub(WINDOW)..].to_vec();
        recent.sort_unstable();
        recent.dedup();
        for token in recent {
            let logit = &mut logits[token as usize];
            *logit = if *logit > 0.0 {
                *logit / penalty
            } else {
                *logit * penalty
            };
        }
    }

    fn draw(&mut self, logits: &[f32]) -> usize {
        let likely = self.settings.shortlist(logits);
        let weights = likely.iter().map(|&(_, probability)| probability);
        match WeightedIndex::new(weights) {
            Ok(index) => likely[index.sample(&mut self.random)].0,
            Err(_) => greedy(logits),
        }
    }
}

impl Sampling {
    /// Tokens worth drawing from and their probabilities, likeliest first.
    fn shortlist(&self, logits: &[f32]) -> Vec<(usize, f32)> {
        let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let mut likely: Vec<(usize, f32)> = logits
            .iter()
            .enumerate()
            .map(|(token, logit)| (token, ((logit - highest) / self.temperature).exp()))
            .filter(|(_, weight)| *weight > self.min_p.max(1e-8))
            .collect();
        likely.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        if self.top_k > 0 {
            likely.truncate(self.top_k);
        }
        let total: f32 = likely.iter().map(|(_, weight)| weight).sum();
        let mut sum = 0.0;
        let kept = likely
            .iter()
            .position(|(_, weight)| {
                sum += weight / total;
                sum >= self.top_p
            })
            .map_or(likely.len(), |last| last + 1);
        likely.truncate(kept);
        likely
    }
}

/// The likeliest token; the first of equals.
fn greedy(logits: &[f32]) -> usize {
    let mut best = 0;
    for (token, logit) in logits.iter().enumerate() {
        if *logit > logits[best] {
            best = token;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(settings: Sampling, logits: &[f32]) -> Vec<u32> {
        let mut sampler = Sampler::new(settings);
        let mut tokens: Vec<u32> = (0..200)
            .map(|_| sampler.choose(&mut logits.to_vec()))
            .collect();
        tokens.sort_unstable();
        tokens.dedup();
        tokens
    }

    const LOGITS: [f32; 5] = [0.0, 3.0, 2.5, 1.0, -4.0];

    #[test]
    fn greedy_takes_the_likeliest() {
        assert_eq!(drawn(Sampling::default(), &LOGITS), [1]);
    }

    #[test]
    fn top_k_bounds_the_choice() {
        let settings = Sampling {
            temperature: 1.5,
            top_k: 2,
            ..Sampling::default()
        };
        assert_eq!(drawn(settings, &LOGITS), [1, 2]);
    }

    #[test]
    fn top_p_keeps_the_nucleus() {
        let settings = Sampling {
            temperature: 1.0,
            top_p: 0.5,
            ..Sampling::default()
        };
        assert_eq!(drawn(settings, &LOGITS), [1]);
    }

    #[test]
    fn min_p_drops_what_is_far_from_the_likeliest() {
        let settings = Sampling {
            temperature: 1.0,
            min_p: 0.5,
            ..Sampling::default()
        };
        assert_eq!(drawn(settings, &LOGITS), [1, 2]);
    }

    #[test]
    fn the_same_seed_draws_the_same() {
        let settings = Sampling {
            temperature: 2.0,
            seed: 7,
            ..Sampling::default()
        };
        let draw = || {
            let mut sampler = Sampler::new(settings);
            (0..50)
                .map(|_| sampler.choose(&mut LOGITS.to_vec()))
                .collect::<Vec<_>>()
        };
        assert_eq!(draw(), draw());
    }

    #[test]
    fn repetition_is_penalised() {
        let settings = Sampling {
            repetition_penalty: 1.5,
            ..Sampling::default()
        };
        assert_eq!(drawn(settings, &LOGITS), [1, 2]);
    }
}
