//! Drafting from what has been read: answers about documents repeat them.
//!
//! When the last tokens occurred before, what followed them there is a guess at what follows now.
//! Several guesses are checked in one pass, which costs little more than one token because the weights
//! are read once. A guess counts only where it is what the sampler chooses anyway, so the answer is the
//! same as without, token for token.

/// Tokens guessed at once, at most.
const LONGEST: usize = 11;
/// Guessed tokens that a first hit is trusted with.
const FIRST: usize = 5;
/// The fewest and most tokens that must repeat.
const SHORTEST_MATCH: usize = 2;
const LONGEST_MATCH: usize = 8;
/// Guessing pauses when this many more guesses fail than succeed.
const PATIENCE: i32 = 24;
/// Tokens written before guessing is tried again.
const PAUSE: usize = 16;

/// Guesses for one answer.
pub(super) struct Drafter {
    history: Vec<u32>,
    length: usize,
    patience: i32,
    resume: usize,
    /// Tokens guessed and guessed rightly.
    pub(super) drafted: usize,
    pub(super) accepted: usize,
}

impl Drafter {
    /// Starts with the prompt.
    pub(super) fn new(prompt: &[u32]) -> Self {
        Self {
            history: prompt.to_vec(),
            length: FIRST,
            patience: PATIENCE,
            resume: 0,
            drafted: 0,
            accepted: 0,
        }
    }

    /// Takes a token that was written.
    pub(super) fn push(&mut self, token: u32) {
        self.history.push(token);
    }

    /// What may follow, at most `room` tokens.
    pub(super) fn propose(&self, room: usize) -> &[u32] {
        let history = &self.history;
        if history.len() < self.resume || room == 0 {
            return &[];
        }
        let Some((start, matched)) = self.best_match() else {
            return &[];
        };
        // A match of two tokens is weak.
        let trust = if matched > SHORTEST_MATCH {
            self.length
        } else {
            2
        };
        let end = (start + trust.min(room)).min(history.len());
        &history[start..end]
    }

    /// Where the longest repetition of the last tokens ends, the latest of equals, and its length.
    fn best_match(&self) -> Option<(usize, usize)> {
        let history = &self.history;
        let [.., before, last] = history[..] else {
            return None;
        };
        let mut best = None;
        for end in (SHORTEST_MATCH..history.len()).rev() {
            if history[end - 1] != last || history[end - 2] != before {
                continue;
            }
            let matched = history[..end]
                .iter()
                .rev()
                .zip(history.iter().rev())
                .take(LONGEST_MATCH)
                .take_while(|(a, b)| a == b)
                .count();
            if best.is_none_or(|(_, longest)| matched > longest) {
                best = Some((end, matched));
            }
        }
        best
    }

    /// Learns how many of the `drafted` tokens were right.
    pub(super) fn learn(&mut self, drafted: usize, accepted: usize) {
        if drafted == 0 {
            return;
        }
        self.drafted += drafted;
        self.accepted += accepted;
        self.length = if accepted == drafted {
            (self.length + 3).min(LONGEST)
        } else {
            (accepted + 2).clamp(3, FIRST)
        };
        let (right, wrong) = (accepted, drafted - accepted);
        let balance = i32::try_from(2 * right).unwrap_or(0) - i32::try_from(wrong).unwrap_or(0);
        self.patience = (self.patience + balance).min(PATIENCE);
        if self.patience <= 0 {
            self.patience = PATIENCE / 3;
            self.resume = self.history.len() + PAUSE;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_followed_before_is_guessed_to_follow_again() {
        let mut drafter = Drafter::new(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 2, 3]);
        assert_eq!(drafter.propose(10), [4, 5]);
        drafter.push(4);
        assert_eq!(drafter.propose(10), [5, 6, 7, 8, 9]);
        assert_eq!(drafter.propose(3), [5, 6, 7]);
        assert!(drafter.propose(0).is_empty());
        drafter.push(77);
        assert!(drafter.propose(10).is_empty());
    }

    #[test]
    fn the_longest_match_wins_over_the_latest() {
        let drafter = Drafter::new(&[5, 1, 2, 3, 40, 9, 2, 3, 50, 1, 2, 3]);
        assert_eq!(drafter.propose(1), [40]);
    }

    #[test]
    fn guesses_grow_while_right_and_pause_when_wrong() {
        let prompt: Vec<u32> = (0..40).chain(0..4).collect();
        let mut drafter = Drafter::new(&prompt);
        assert_eq!(drafter.propose(100).len(), FIRST);
        drafter.learn(5, 5);
        drafter.learn(8, 8);
        assert_eq!(drafter.propose(100).len(), LONGEST);
        drafter.learn(11, 0);
        assert_eq!(drafter.propose(100).len(), 3);
        for _ in 0..10 {
            drafter.learn(3, 0);
        }
        assert!(drafter.propose(100).is_empty());
        for token in 0..40 {
            drafter.push(token);
        }
        assert!(!drafter.propose(100).is_empty());
    }
}
