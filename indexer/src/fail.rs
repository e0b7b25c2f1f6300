//! Failure points: named places where a test lets the process end as a power cut would.
//!
//! `VADE_FAIL_AT=name` ends it there at once, `name:3` the third time. Without the variable a point costs
//! a comparison.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

struct Planned {
    name: String,
    left: AtomicUsize,
}

/// Ends the process here, if that is planned.
pub(crate) fn point(name: &str) {
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
        && planned.name == name
        && planned.left.fetch_sub(1, Ordering::Relaxed) == 1
    {
        std::process::abort();
    }
}
