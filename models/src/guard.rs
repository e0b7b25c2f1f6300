//! Panics of what a thread computes with: an error for whoever asked, and the thread goes on.
//!
//! The engines are mostly other people's code. What has panicked may be half changed, and is given up.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::ModelsError;

/// What `work` gives, or [`ModelsError::Panicked`]; what it panicked in is to be given up then.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T, ModelsError>) -> Result<T, ModelsError> {
    let done = catch_unwind(AssertUnwindSafe(work));
    done.unwrap_or_else(|_| {
        tracing::error!("a model failed unexpectedly");
        Err(ModelsError::Panicked)
    })
}

/// Drops what may be half changed.
pub(crate) fn give_up<T>(loaded: &mut Option<T>) {
    let loaded = loaded.take();
    let _ = catch_unwind(AssertUnwindSafe(|| drop(loaded)));
}
