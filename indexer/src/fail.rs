//! Failure points: named places where a test lets the process end as a power cut would, or lets the task panic.
//!
//! `VADE_FAIL_AT=name` ends it there at once, `name:3` the third time; `VADE_PANIC_AT=name,other` panics
//! there instead. Without the variables a point costs a comparison.

use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

struct Planned {
    name: String,
    left: AtomicUsize,
    panics: bool,
}

/// Ends the process here, or panics, if that is planned.
pub(crate) fn point(name: &str) {
    end_if(|planned| planned == name, power_cut);
}

/// Crashes the process at this step of this document, if that is planned: `step NAME`.
pub(crate) fn document(step: &str, path: &Path) {
    end_if(
        |planned| {
            let name = planned.strip_prefix(step).map(str::trim_start);
            name.is_some_and(|name| path.ends_with(name))
        },
        std::process::abort,
    );
}

fn end_if(is_here: impl Fn(&str) -> bool, end: fn() -> !) {
    static PLANNED: OnceLock<Vec<Planned>> = OnceLock::new();
    let planned = PLANNED.get_or_init(|| {
        let mut planned = plans("VADE_FAIL_AT", false);
        planned.extend(plans("VADE_PANIC_AT", true));
        planned
    });
    for plan in planned {
        if is_here(&plan.name) && plan.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            assert!(!plan.panics, "a panic was planned at {}", plan.name);
            end();
        }
    }
}

/// Ends the process at once, and leaves no mark of a crash.
fn power_cut() -> ! {
    #[cfg(unix)]
    {
        use rustix::process::{Signal, getpid, kill_process};
        let _ = kill_process(getpid(), Signal::KILL);
    }
    std::process::abort()
}

fn plans(variable: &str, panics: bool) -> Vec<Planned> {
    let variable = std::env::var(variable).unwrap_or_default();
    let names = variable.split(',').filter(|name| !name.is_empty());
    names
        .map(|planned| {
            let (name, times) = planned.split_once(':').unwrap_or((planned, "1"));
            Planned {
                name: name.to_owned(),
                left: AtomicUsize::new(times.parse().unwrap_or(1)),
                panics,
            }
        })
        .collect()
}
