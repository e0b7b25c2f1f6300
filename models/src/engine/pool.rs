//! A few threads that run the pieces of one loop together.
//!
//! Pieces are taken from a common counter, so a thread that the system delays holds up nobody for
//! long. Between loops, which follow each other within microseconds, threads spin; when nothing
//! comes they sleep, and a machine with other work to do is left alone.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;

/// Spins before a waiting thread gives way: some tens of microseconds.
const SPINS: usize = 4_000;

/// A loop's body: called with the piece and the number of the thread that runs it.
type Body<'a> = &'a (dyn Fn(usize, usize) + Sync);

/// The threads.
pub(super) struct Pool {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
}

struct Shared {
    /// Counts loops; a change tells workers that there is one.
    round: AtomicU64,
    /// The present loop. Only read between a change of `round` and `busy` reaching zero.
    body: Mutex<Option<(Body<'static>, usize)>>,
    next: AtomicUsize,
    busy: AtomicUsize,
    sleeping: Mutex<usize>,
    wake: Condvar,
    failed: AtomicBool,
    ended: AtomicBool,
}

impl Pool {
    /// A pool of `threads`, the caller's own included; `nice` is added to the others' niceness.
    pub(super) fn new(threads: usize, nice: i32) -> Self {
        let shared = Arc::new(Shared {
            round: AtomicU64::new(0),
            body: Mutex::new(None),
            next: AtomicUsize::new(0),
            busy: AtomicUsize::new(0),
            sleeping: Mutex::new(0),
            wake: Condvar::new(),
            failed: AtomicBool::new(false),
            ended: AtomicBool::new(false),
        });
        let workers = (1..threads)
            .map_while(|number| {
                let shared = Arc::clone(&shared);
                std::thread::Builder::new()
                    .name(format!("language-{number}"))
                    .spawn(move || {
                        be_nice(nice);
                        shared.work(number);
                    })
                    .ok()
            })
            .collect();
        Self { shared, workers }
    }

    /// How many threads there are.
    pub(super) fn threads(&self) -> usize {
        self.workers.len() + 1
    }

    /// Runs `body(piece, thread)` for each piece below `pieces` and waits for all.
    ///
    /// # Panics
    /// When a piece panicked.
    pub(super) fn run(&mut self, pieces: usize, body: impl Fn(usize, usize) + Sync) {
        if self.workers.is_empty() || pieces < 2 {
            (0..pieces).for_each(|piece| body(piece, 0));
            return;
        }
        let shared = &*self.shared;
        let body: Body<'_> = &body;
        // SAFETY: the reference is dropped by every worker before `busy` reaches zero, and this
        // function waits for that, also when its own share panics.
        let lasting: Body<'static> = unsafe { std::mem::transmute(body) };
        *lock(&shared.body) = Some((lasting, pieces));
        shared.next.store(0, Ordering::Relaxed);
        shared.busy.store(self.workers.len(), Ordering::Relaxed);
        shared.round.fetch_add(1, Ordering::SeqCst);
        if *lock(&shared.sleeping) > 0 {
            shared.wake.notify_all();
        }
        let own = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            shared.take(body, pieces, 0);
        }));
        let mut spins = 0;
        while shared.busy.load(Ordering::Acquire) > 0 {
            pause(&mut spins);
        }
        *lock(&shared.body) = None;
        if let Err(panic) = own {
            std::panic::resume_unwind(panic);
        }
        assert!(
            !shared.failed.swap(false, Ordering::Relaxed),
            "a piece of a parallel loop failed"
        );
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        self.shared.round.fetch_add(1, Ordering::SeqCst);
        drop(lock(&self.shared.sleeping));
        self.shared.wake.notify_all();
        for worker in self.workers.drain(..) {
            let _ = worker.join();
        }
    }
}

impl Shared {
    fn work(&self, thread: usize) {
        let mut seen = 0;
        loop {
            seen = self.wait(seen);
            if self.ended.load(Ordering::SeqCst) {
                return;
            }
            let job = *lock(&self.body);
            if let Some((body, pieces)) = job {
                let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                    self.take(body, pieces, thread);
                }));
                if done.is_err() {
                    self.failed.store(true, Ordering::Relaxed);
                }
            }
            self.busy.fetch_sub(1, Ordering::Release);
        }
    }

    /// Waits for a round that was not seen yet.
    fn wait(&self, seen: u64) -> u64 {
        for _ in 0..SPINS {
            let round = self.round.load(Ordering::Acquire);
            if round != seen {
                return round;
            }
            std::hint::spin_loop();
        }
        let mut sleeping = lock(&self.sleeping);
        *sleeping += 1;
        loop {
            let round = self.round.load(Ordering::SeqCst);
            if round != seen {
                *sleeping -= 1;
                return round;
            }
            sleeping = self
                .wake
                .wait(sleeping)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn take(&self, body: Body<'_>, pieces: usize, thread: usize) {
        loop {
            let piece = self.next.fetch_add(1, Ordering::Relaxed);
            if piece >= pieces {
                return;
            }
            body(piece, thread);
        }
    }
}

/// Spins a while, then lets others run.
fn pause(spins: &mut usize) {
    *spins += 1;
    if *spins < SPINS {
        std::hint::spin_loop();
    } else {
        std::thread::yield_now();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes the calling thread give way to others: sets its niceness, where the system has it per thread.
pub(crate) fn be_nice(nice: i32) {
    #[cfg(target_os = "linux")]
    if nice != 0 {
        // SAFETY: plain system calls without pointers. A refusal leaves the priority as it is.
        unsafe {
            let thread = libc::syscall(libc::SYS_gettid);
            #[expect(clippy::cast_sign_loss, reason = "thread ids are small")]
            libc::setpriority(libc::PRIO_PROCESS, thread as libc::id_t, nice);
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = nice;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_piece_runs_once() {
        for threads in [1, 2, 5] {
            let mut pool = Pool::new(threads, 0);
            for pieces in [0, 1, 2, 100] {
                let counts: Vec<AtomicUsize> = (0..pieces).map(|_| AtomicUsize::new(0)).collect();
                pool.run(pieces, |piece, thread| {
                    assert!(thread < threads);
                    counts[piece].fetch_add(1, Ordering::Relaxed);
                });
                assert!(
                    counts
                        .iter()
                        .all(|count| count.load(Ordering::Relaxed) == 1)
                );
            }
        }
    }

    #[test]
    fn a_failing_piece_fails_the_loop_and_not_the_next_one() {
        let mut pool = Pool::new(3, 0);
        let failed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            pool.run(50, |piece, _| assert!(piece != 20));
        }));
        assert!(failed.is_err());
        let sum = AtomicUsize::new(0);
        pool.run(10, |piece, _| {
            sum.fetch_add(piece, Ordering::Relaxed);
        });
        assert_eq!(sum.load(Ordering::Relaxed), 45);
    }
}
