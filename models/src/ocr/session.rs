//! ONNX sessions as both networks want them.

use std::path::Path;

use ort::ep;
use ort::session::Session;

use crate::ModelsError;
use crate::embedding::Runtime;

/// A session whose operators use this many threads, which sleep while they have nothing to do.
/// Inputs differ in size, so no memory is kept from one to the next, and no plan of it.
pub(super) fn load(runtime: &Runtime, path: &Path, threads: usize) -> Result<Session, ModelsError> {
    let refused = |error: String| ModelsError::Load(format!("{}: {error}", path.display()));
    let build = || {
        Session::builder(&runtime.environment)?
            .with_intra_threads(threads)?
            .with_intra_op_spinning(false)?
            .with_memory_pattern(false)?
            .with_execution_providers([ep::CPU::default().with_arena_allocator(false).build()])?
            .commit_from_file(path)
    };
    build().map_err(|error: ort::Error| refused(error.to_string()))
}

/// A failure while a network runs.
#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
pub(super) fn failed(error: ort::Error) -> ModelsError {
    ModelsError::Inference(error.to_string())
}
