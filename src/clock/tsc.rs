//! The time stamp counter of x86-64.

use std::arch::x86_64::{__cpuid, _rdtsc};

use super::TickRate;

#[inline]
pub(super) fn read() -> u64 {
    // SAFETY: every x86_64 processor has the instruction; a system that forbids
    // it to programs is not among those that Rust supports.
    unsafe { _rdtsc() }
}

/// Returns true if the counter runs at a constant rate through all power states and the kernel has
/// not found it to differ between processors. Intel SDM vol. 3, 'Invariant TSC':
/// CPUID.80000007H:EDX bit 8.
pub(super) fn is_reliable() -> bool {
    const POWER_MANAGEMENT: u32 = 0x8000_0007;
    // SAFETY: every x86_64 processor has CPUID; leaf 0x80000000 says which
    // extended leaves there are.
    #[allow(unused_unsafe, reason = "safe to call only in newer versions of Rust")]
    let invariant = unsafe {
        __cpuid(0x8000_0000).eax >= POWER_MANAGEMENT
            && __cpuid(POWER_MANAGEMENT).edx & (1 << 8) != 0
    };
    invariant && kernel_trusts_it()
}

/// Returns false if Linux has removed the TSC from its list of clock sources, because it has seen
/// the TSC drift.
#[cfg(target_os = "linux")]
fn kernel_trusts_it() -> bool {
    const SOURCES: &str = "/sys/devices/system/clocksource/clocksource0/available_clocksource";
    match std::fs::read_to_string(SOURCES) {
        Ok(sources) => sources.split_whitespace().any(|source| source == "tsc"),
        Err(_) => true,
    }
}

#[cfg(not(target_os = "linux"))]
fn kernel_trusts_it() -> bool {
    true
}

/// No rate, because only a comparison with the system's clock gives one.
pub(super) fn known_rate() -> Option<TickRate> {
    None
}

/// Returns the ticks in `us` microseconds at 3.3 GHz.
pub(super) fn ticks_in_us(us: u64) -> u64 {
    us * 3277
}
