//! Memory on large pages where the system has them: what is read all through for every token would otherwise
//! wait for addresses to be looked up.

use std::alloc::{Layout, handle_alloc_error};

/// A large page (bytes).
const LARGE: usize = 2 << 20;

/// Zeroed memory that nobody but its owner knows the uses of.
pub(super) struct Arena {
    start: *mut u8,
    layout: Layout,
}

// SAFETY: it is memory and nothing else; its owner sees to who writes when.
unsafe impl Send for Arena {}
// SAFETY: as above.
unsafe impl Sync for Arena {}

impl Arena {
    /// Memory of at least so many bytes; none where there is not as much.
    pub(super) fn new(bytes: usize) -> Option<Self> {
        let layout = layout(bytes)?;
        // SAFETY: the layout is not empty.
        let start = unsafe { std::alloc::alloc_zeroed(layout) };
        if start.is_null() {
            return None;
        }
        #[cfg(target_os = "linux")]
        // SAFETY: the range was just allocated. Advice that is refused changes nothing.
        unsafe {
            libc::madvise(start.cast(), layout.size(), libc::MADV_HUGEPAGE);
        }
        Some(Self { start, layout })
    }

    /// As `new`; without memory the process ends, as it does where a vector finds none.
    pub(super) fn certain(bytes: usize) -> Self {
        let failed = || handle_alloc_error(layout(bytes).unwrap_or(Layout::new::<u8>()));
        Self::new(bytes).unwrap_or_else(failed)
    }

    /// Its first byte; aligned to any number.
    pub(super) fn start(&self) -> *mut u8 {
        self.start
    }

    /// Its size.
    pub(super) fn bytes(&self) -> usize {
        self.layout.size()
    }
}

fn layout(bytes: usize) -> Option<Layout> {
    let bytes = bytes.max(1).checked_next_multiple_of(LARGE)?;
    Layout::from_size_align(bytes, LARGE).ok()
}

impl Drop for Arena {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout.
        unsafe { std::alloc::dealloc(self.start, self.layout) }
    }
}
