//! Failure points: named places where a test lets the process end as a power cut would.
//!
//! `VADE_FAIL_AT=name` ends it there at once, `name:3` the third time. Without the variable a point costs
//! a comparison.

use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

struct Planned {
    name: String,
    left: AtomicUsize,
}

/// Ends the process here, if that is planned.
pub(crate) fn point(name: &str) {
    end_if(|planned| planned == name);
}

/// Ends the process at this step of this document, if that is planned: `step NAME`.
pub(crate) fn document(step: &str, path: &Path) {
    end_if(|planned| {
        let name = planned.strip_prefix(step).map(str::trim_start);
        name.is_some_and(|name| path.ends_with(name))
    });
}

fn end_if(is_here: impl FnOnce(&str) -> bool) {
    static PLANNED: OnceLock<Option<Planned>> = OnceLock::new();
    let planned = PLANNED.get_or_init(|| {
        let variable = std::env::var("VADE_FAIL_AT").ok()?;
        let (name, times) = variable.split_once(':').unwrap_or((&variable, "1"));
        Some(Planned {
            name: name.to_owned(),
            left: AtomicUsize::new(times.parse().unwrap_or(1)),
        })
    });
    if let Some(planned) = planned
        && is_here(&planned.name)
        && planned.left.fetch_sub(1, Ordering::Relaxed) == 1
    {
        std::process::abort();
    }
}
