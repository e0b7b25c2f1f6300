//! Tasks that go on: one that panics, or ends before everything does, is said to be in trouble and starts again.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt;
use tokio_util::sync::CancellationToken;

use crate::index::Inner;
use crate::pipeline::pause;
use crate::progress::Part;

/// It starts again after this, and after twice as long each time,
const FIRST: Duration = Duration::from_secs(1);
/// up to this.
const LONGEST: Duration = Duration::from_mins(1);
/// Having run for so long, it is out of trouble.
const STEADY: Duration = Duration::from_secs(5);

/// Runs the task of a part until `token` is cancelled.
pub(crate) async fn supervised<F: Future<Output = ()>>(
    index: Arc<Inner>,
    part: Part,
    token: CancellationToken,
    task: impl Fn(Arc<Inner>, CancellationToken) -> F,
) {
    let mut wait = FIRST;
    loop {
        let begun = Instant::now();
        let running = AssertUnwindSafe(task(Arc::clone(&index), token.clone())).catch_unwind();
        tokio::pin!(running);
        let ended = tokio::select! {
            ended = &mut running => ended,
            () = tokio::time::sleep(STEADY) => {
                index.is_steady(part);
                running.await
            }
        };
        if token.is_cancelled() {
            return;
        }
        // What it panicked with may quote a document.
        tracing::error!(
            ?part,
            panicked = ended.is_err(),
            "a task ended: it starts again"
        );
        index.has_stopped(part);
        if begun.elapsed() > LONGEST {
            wait = FIRST;
        }
        if pause(&token, wait).await.is_break() {
            return;
        }
        wait = (2 * wait).min(LONGEST);
    }
}
