//! What the process holds: memory and file descriptors.

use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

pub(crate) const KIB: usize = 1 << 10;

pub(crate) fn memory() -> usize {
    MEMORY.current_usage()
}

pub(crate) fn peak_memory() -> usize {
    MEMORY.peak_usage()
}

pub(crate) fn forget_peak() {
    MEMORY.reset_peak_usage();
}

/// How many files and sockets are open; `None` where the system does not tell.
pub(crate) fn descriptors() -> Option<usize> {
    std::fs::read_dir("/proc/self/fd").ok().map(Iterator::count)
}

/// Has the system allow so many open files and sockets, or says that it does not.
pub(crate) fn allow_descriptors(needed: u64) {
    let allowed = rlimit::increase_nofile_limit(needed).expect("the limit of open files");
    assert!(
        allowed >= needed,
        "{needed} open files are needed and {allowed} allowed: raise the hard limit (ulimit -Hn) \
         or lower STEADFAST_SOAK_CLIENTS"
    );
}
