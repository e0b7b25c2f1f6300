//! How much room there is for a download.

use std::path::Path;

/// Bytes that this user may still write where `folder` is, if the system says.
#[cfg(unix)]
pub(super) fn free_bytes(folder: &Path) -> Option<u64> {
    use std::ffi::CString;
    use std::mem::MaybeUninit;
    use std::os::unix::ffi::OsStrExt;

    let path = CString::new(folder.as_os_str().as_bytes()).ok()?;
    let mut answer = MaybeUninit::<libc::statvfs>::uninit();
    #[expect(unsafe_code, reason = "the standard library does not tell free space")]
    // SAFETY: the path ends in NUL, the answer has statvfs's size and is read only if it was given.
    let answer = unsafe {
        if libc::statvfs(path.as_ptr(), answer.as_mut_ptr()) != 0 {
            return None;
        }
        answer.assume_init()
    };
    #[allow(
        clippy::useless_conversion,
        reason = "the fields are narrower on some systems"
    )]
    let (blocks, size) = (u64::from(answer.f_bavail), u64::from(answer.f_frsize));
    Some(blocks.saturating_mul(size))
}

/// Not known here: a download simply ends when the disk is full.
#[cfg(not(unix))]
pub(super) fn free_bytes(_folder: &Path) -> Option<u64> {
    None
}
