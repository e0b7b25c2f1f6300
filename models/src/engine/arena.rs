//! Memory on large pages where the system has them: what is read all through for every token would otherwise
//! wait for addresses to be looked up.
//!
//! It comes from the system and goes back to it, untouched by an allocator: what is not written takes no room,
//! and nothing else ever lies on its pages.

/// A large page (bytes).
const LARGE: usize = 2 << 20;

/// Zeroed memory that nobody but its owner knows the uses of.
pub(super) struct Arena {
    start: *mut u8,
    bytes: usize,
    /// What the system gave: where, and how much.
    given: (*mut u8, usize),
}

// SAFETY: it is memory and nothing else; its owner sees to who writes when.
unsafe impl Send for Arena {}
// SAFETY: as above.
unsafe impl Sync for Arena {}

impl Arena {
    /// Memory of at least so many bytes; none where there is not as much.
    pub(super) fn new(bytes: usize) -> Option<Self> {
        let bytes = bytes.max(1).checked_next_multiple_of(LARGE)?;
        let room = bytes.checked_add(LARGE)?;
        let given = system::take(room)?;
        let before = given.align_offset(LARGE);
        // SAFETY: there is room for what comes before and for the bytes.
        let start = unsafe { given.add(before) };
        system::prefer_large_pages(start, bytes);
        Some(Self {
            start,
            bytes,
            given: (given, room),
        })
    }

    /// As `new`; without memory the process ends, as it does where a vector finds none.
    pub(super) fn certain(bytes: usize) -> Self {
        let failed = || std::alloc::handle_alloc_error(std::alloc::Layout::new::<[u8; LARGE]>());
        Self::new(bytes).unwrap_or_else(failed)
    }

    /// Its first byte; aligned for any number.
    pub(super) fn start(&self) -> *mut u8 {
        self.start
    }

    /// Its size.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        system::give_back(self.given.0, self.given.1);
    }
}

#[cfg(unix)]
mod system {
    /// Zeroed memory.
    pub(super) fn take(bytes: usize) -> Option<*mut u8> {
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let kind = libc::MAP_PRIVATE | libc::MAP_ANON;
        // SAFETY: a new range, wherever the system likes.
        let start = unsafe { libc::mmap(std::ptr::null_mut(), bytes, access, kind, -1, 0) };
        (start != libc::MAP_FAILED).then_some(start.cast())
    }

    pub(super) fn prefer_large_pages(start: *mut u8, bytes: usize) {
        #[cfg(target_os = "linux")]
        // SAFETY: the range was just taken. Advice that is refused changes nothing.
        unsafe {
            libc::madvise(start.cast(), bytes, libc::MADV_HUGEPAGE);
        }
        #[cfg(not(target_os = "linux"))]
        let _ = (start, bytes);
    }

    pub(super) fn give_back(start: *mut u8, bytes: usize) {
        // SAFETY: what `take` gave, and nobody uses it any more.
        unsafe {
            libc::munmap(start.cast(), bytes);
        }
    }
}

#[cfg(not(unix))]
mod system {
    use std::alloc::Layout;

    fn layout(bytes: usize) -> Option<Layout> {
        Layout::from_size_align(bytes, 4096).ok()
    }

    /// Zeroed memory.
    pub(super) fn take(bytes: usize) -> Option<*mut u8> {
        // SAFETY: it is not empty.
        let start = unsafe { std::alloc::alloc_zeroed(layout(bytes)?) };
        (!start.is_null()).then_some(start)
    }

    pub(super) fn prefer_large_pages(_start: *mut u8, _bytes: usize) {}

    pub(super) fn give_back(start: *mut u8, bytes: usize) {
        if let Some(layout) = layout(bytes) {
            // SAFETY: what `take` gave with this layout, and nobody uses it any more.
            unsafe { std::alloc::dealloc(start, layout) }
        }
    }
}
