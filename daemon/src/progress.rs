//! Progress on standard error: downloads and indexing. Hidden where it is no terminal, except for
//! one line at each step that takes long.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};
use vade_indexer::Progress;
use vade_models::store::PullEvent;

use crate::output;

/// The bars of one model's download.
pub(crate) struct Download {
    model: String,
    bar: ProgressBar,
}

impl Download {
    pub(crate) fn new(model: &str) -> Self {
        Self {
            model: model.to_owned(),
            bar: ProgressBar::hidden(),
        }
    }

    pub(crate) fn show(&mut self, event: PullEvent) {
        match event {
            PullEvent::Source { what } => self.say(&format!("from {what}")),
            PullEvent::File {
                name,
                bytes,
                already,
            } => {
                if !std::io::stderr().is_terminal() {
                    self.say(&format!("{name}, {}", HumanBytes(bytes)));
                }
                self.bar = ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::stderr());
                self.bar.set_style(style(
                    "{msg:34!} {bar:24} {bytes:>10}/{total_bytes:10} {bytes_per_sec:>12} {eta:>5} left",
                ));
                self.bar.set_message(output::name(&name));
                self.bar.set_position(already);
                self.bar.reset_eta();
            }
            PullEvent::Advanced { bytes } => self.bar.set_position(bytes),
            PullEvent::Verifying { name } => self
                .bar
                .set_message(output::name(&format!("checking {name}"))),
            PullEvent::SourceFailed { what, reason } => {
                self.say(&format!("{what} failed: {reason}"));
            }
            PullEvent::Done => {
                self.bar.finish_and_clear();
                self.say("ready");
            }
            #[expect(unreachable_patterns, reason = "events may be added")]
            _ => {}
        }
    }

    fn say(&self, what: &str) {
        self.bar
            .suspend(|| output::say(&format!("{}: {what}", self.model)));
    }
}

/// One line that follows indexing.
pub(crate) struct Indexing {
    bar: ProgressBar,
}

impl Indexing {
    pub(crate) fn new() -> Self {
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
        bar.set_style(style("{spinner} {msg}"));
        bar.enable_steady_tick(Duration::from_millis(120));
        Self { bar }
    }

    pub(crate) fn show(&self, progress: &Progress) {
        let time = progress.eta_seconds.map_or(String::new(), |seconds| {
            format!(", about {} left", human_seconds(seconds))
        });
        self.bar.set_message(if progress.waiting > 0 {
            format!(
                "reading files: {} done, {} to go",
                progress.done, progress.waiting
            )
        } else {
            format!(
                "searchable by words; embedding: {} chunks done, {} to go{time}",
                progress.embedded, progress.to_embed
            )
        });
    }

    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

fn human_seconds(seconds: f64) -> String {
    if seconds < 90.0 {
        format!("{seconds:.0} s")
    } else {
        format!("{:.0} min", seconds / 60.0)
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━╸ ")
}
