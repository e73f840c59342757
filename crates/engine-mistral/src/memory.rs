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

/// While a model is loaded, blocks of at least this many bytes come from the system and go back to it when they are
/// freed: smaller than the weights of any layer. By itself the C library begins with this limit and raises it with each
/// large block that is freed; with its many arenas each load then leaves more behind than the last.
const WEIGHT_BYTES: i32 = 128 << 10;

/// While a model answers, blocks below this size are kept for the next step: what the layers pass on would else be mapped
/// and cleared anew for every layer. More than this gains nothing that can be told from noise and leaves more behind.
const ACTIVATION_BYTES: i32 = 4 << 20;

/// For the time of a load: weights are to go back to the system when they are freed.
pub(crate) struct Loading;

impl Loading {
    /// From now on, until it is dropped.
    pub(crate) fn begin() -> Self {
        map_blocks_from(WEIGHT_BYTES);
        Self
    }
}

impl Drop for Loading {
    fn drop(&mut self) {
        map_blocks_from(ACTIVATION_BYTES);
    }
}

/// For the whole process: it is the setting of the C library.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn map_blocks_from(bytes: i32) {
    // SAFETY: `mallopt` takes no pointers and may be called from any thread at any time.
    let accepted = unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, bytes) };
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
fn map_blocks_from(_bytes: i32) {}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn give_back() {}
