//! The seam between generation and what computes logits.

use crate::ModelsError;

/// A model that reads tokens and says what may follow. It holds one sequence at a time.
pub(crate) trait Network: Send {
    /// The longest sequence it can hold (tokens).
    fn context(&self) -> usize;

    /// What computes, for people.
    fn level(&self) -> &'static str;

    /// Whether several positions' logits can be had at once and taken back.
    fn can_draft(&self) -> bool;

    /// Starts a new sequence; gives how many of `tokens`, from the first on, are known already.
    fn start(&mut self, tokens: &[u32]) -> usize;

    /// Tokens of the present sequence.
    fn length(&self) -> usize;

    /// Forgets all but the first `length` tokens of the sequence, none of which were known at `start`.
    fn truncate(&mut self, length: usize);

    /// Reads at most `PASS` tokens after the present sequence; gives the logits `[wanted][vocabulary]`
    /// after the last `wanted` of them, one where it cannot draft.
    ///
    /// # Errors
    /// A sequence that outgrows the context, or a failure of what computes.
    fn forward(&mut self, tokens: &[u32], wanted: usize) -> Result<&mut [f32], ModelsError>;

    /// Reads at most `PASS` tokens after the present sequence as far as a layer, counted from 0 and always the same; gives
    /// the state of the last token after it, empty where it cannot be had. Whatever goes on from them reads them to the end.
    ///
    /// # Errors
    /// As for `forward`.
    fn glance(&mut self, tokens: &[u32], layer: usize) -> Result<&[f32], ModelsError>;
}
