//! Giving memory back to the system.

use tokio_util::sync::CancellationToken;

/// Lives inside the engine's thread as long as the model does. When the last copy goes, the model's memory was freed:
/// hand it back to the system and say so.
pub(crate) struct Presence {
    gone: CancellationToken,
}

impl Presence {
    /// Cancels `gone` when it is dropped.
    pub(crate) fn new(gone: CancellationToken) -> Self {
        Self { gone }
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        give_back();
        self.gone.cancel();
    }
}

/// As the last field of something large: hands its memory back when it was dropped.
pub(crate) struct GiveBack;

impl Drop for GiveBack {
    fn drop(&mut self) {
        give_back();
    }
}

/// Blocks of at least this many bytes come from the system and go back to it. Smaller than the weights of a model,
/// larger than what most steps of decoding pass around.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const OWN_MAPPING_BYTES: libc::c_int = 1 << 20;

/// Has the C library give large blocks back when they are freed, for the whole process. By itself it raises its limit
/// with each large block that is freed, and with its many arenas each load then leaves more behind than the last.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn return_large_blocks() {
    // SAFETY: `mallopt` takes no pointers and may be called from any thread at any time.
    let accepted = unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, OWN_MAPPING_BYTES) };
    if accepted == 0 {
        tracing::warn!("the C library keeps freed memory; an unloaded model may still count as used memory");
    }
}

/// What lies in smaller blocks is still kept for later; after an unload there is too much of it to keep.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn give_back() {
    // SAFETY: as above.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Other allocators return large blocks by themselves.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn return_large_blocks() {}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn give_back() {}
